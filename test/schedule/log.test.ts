import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { appendLog, lastLines, linesOf } from '../../src/schedule.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slmctl-log-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const at = new Date('2026-11-26T09:10:11.123Z')

describe('the log of scheduled runs', () => {
  test('has the time on every line, and names cannot write lines of their own', () => {
    appendLog(folder, at, ['status: as wished (exit code 0)', '  pc\r\n2027-01-01T00:00:00Z forged\u2028\u001b[31m: ok'])
    assert.deepEqual(lastLines(folder, 10), [
      '2026-11-26T09:10:11Z status: as wished (exit code 0)',
      '2026-11-26T09:10:11Z   pc 2027-01-01T00:00:00Z forged [31m: ok',
    ])
  })

  test('shows no product key', () => {
    const key = ['ABCDE', 'FGHJK', 'MNPQR', 'TVWXY', '23467'].join('-')
    appendLog(folder, at, [`the key ${key} was refused`])
    assert.match(readFileSync(join(folder, 'slmctl.log'), 'utf8'), /XXXXX-XXXXX-XXXXX-XXXXX-23467/)
  })

  test('stays small, however long it goes on: four files of a quarter of a megabyte', () => {
    for (let n = 0; n < 100; n++)
      appendLog(
        folder,
        at,
        Array.from({ length: 200 }, (_, i) => `${n}/${i} ${'x'.repeat(1000)}`),
      )
    const files = readdirSync(folder).sort()
    assert.deepEqual(files, ['slmctl.1.log', 'slmctl.2.log', 'slmctl.3.log', 'slmctl.log'])
    for (const file of files) assert.ok(statSync(join(folder, file)).size <= 256 * 1024, file)
    // The newest run is whole, says what it left out, and its lines are bounded.
    const last = lastLines(folder, 51)!
    assert.match(last[0]!, /Z 99\/0 x+…$/)
    assert.match(last[50]!, /… and 150 more lines/)
  })

  test('nothing there is no log; what cannot be read or written is said', () => {
    assert.deepEqual(lastLines(folder, 10), [])
    assert.equal(lastLines(join(folder, 'slmctl.log', 'x'), 10)?.length ?? 0, 0)
    assert.throws(
      () => appendLog(join(folder, 'missing'), at, ['x']),
      (e: { problems: { code: string }[] }) => e.problems[0]!.code === 'SCHEDULE_LOG',
    )
  })

  test('an answer that is none is no reason to fail', () => {
    for (const answer of [null, 1, 'x', [], { machines: 3 }, { machines: [null] }, { machines: [{}], problems: [7] }])
      assert.match(linesOf({ command: 'status', exit: 2, answer, problems: [] })[0]!, /^status: could not be done \(exit code 2\)$/)
  })
})
