import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scheduledRun } from '../../src/cli/scheduled.ts'
import { lastLines } from '../../src/schedule.ts'
import { methods, type Stage, stage } from '../journeys/lab.ts'

/** What the task runs, on a machine of the lab in the place of this one. */
async function runOn(s: Stage, words: readonly string[]): Promise<{ code: number; out: string; log: readonly string[] }> {
  const log = join(s.directory, 'log')
  mkdirSync(log, { recursive: true })
  const before = process.env.SLMCTL_STATE
  const said: string[] = []
  const io = { out: (t: string) => void said.push(t), err: () => {}, columns: 80, paint: (_: string, t: string) => t }
  try {
    const code = await scheduledRun({ state: s.directory, site: s.site, log, words, flags: {} }, io)
    // Without the time.
    return { code, out: said.join(''), log: lastLines(log, 100)!.map((l) => l.slice(21)) }
  } finally {
    if (before === undefined) delete process.env.SLMCTL_STATE
    else process.env.SLMCTL_STATE = before
  }
}

const machines = [{ name: 'pc-1.corp.example', scenario: 'wrong-host' as const }]

test('a check looks, and the log says what is not as wished', async () => {
  const s = await stage({ machines })
  try {
    const { code, log, out } = await runOn(s, ['pc-1.corp.example'])
    assert.equal(code, 1)
    assert.equal(log[0], 'status: not as wished (exit code 1)')
    assert.match(log[1]!, /^ {2}pc-1\.corp\.example: action\. ./)
    assert.match(log.slice(2).join('\n'), /^ {4}next: ./m)
    assert.equal(out.split('\n')[0], log[0])
    assert.deepEqual(methods(s.lab, 'pc-1.corp.example'), [])
    assert.ok(!readdirSync(s.directory).includes('journal'))
  } finally {
    await s.close()
  }
})

test('a repair applies what is wished, in the journal of the protected folder, and then looks', async () => {
  const s = await stage({ machines }, 'http', (site) => `${site}\nschedule: {repair: true}\n`)
  try {
    const { code, log } = await runOn(s, ['pc-1.corp.example'])
    assert.equal(code, 0, log.join('\n'))
    assert.match(log[0]!, /^apply: as wished \(exit code 0\), journal \d{8}-/)
    assert.equal(log[1], '  pc-1.corp.example: changed')
    assert.match(log.join('\n'), /^ {4}.*: done\. /m)
    assert.match(log.at(-2)!, /^status: as wished/)
    assert.match(log.at(-1)!, /^ {2}pc-1\.corp\.example: ok\. /)
    assert.ok(methods(s.lab, 'pc-1.corp.example').includes('Activate'))
    assert.equal(readdirSync(join(s.directory, 'journal')).filter((f) => f.endsWith('.jsonl')).length, 1)
    // The second time there is nothing to do.
    const again = await runOn(s, ['pc-1.corp.example'])
    assert.equal(again.code, 0)
    assert.match(again.log.at(-3)!, /pc-1\.corp\.example: unchanged/)
  } finally {
    await s.close()
  }
})

test('what cannot be done is in the log, with the reason, and is no success', async () => {
  const s = await stage({ machines })
  try {
    appendFileSync(s.site, '\nnetworks: [0.0.0.0/0]\n')
    const { code, log } = await runOn(s, ['pc-1.corp.example'])
    assert.equal(code, 2)
    assert.match(log[0]!, /^status: could not be done/)
    assert.match(log[1]!, /^ {2}SITE_/)
    writeFileSync(s.site, '')
    assert.equal((await runOn(s, [])).code, 2)
  } finally {
    await s.close()
  }
})

test('where the log cannot be written, that is said', async () => {
  const s = await stage({ machines })
  try {
    const io = { out: () => {}, err: () => {}, columns: 80, paint: (_: string, t: string) => t }
    const log = join(s.directory, 'none')
    await assert.rejects(
      scheduledRun({ state: s.directory, site: s.site, log, words: ['pc-1.corp.example'], flags: {} }, io),
      /cannot be written/,
    )
  } finally {
    delete process.env.SLMCTL_STATE
    await s.close()
  }
})
