import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { beginJournal, continueJournal, readJournal, unfinishedJournal } from '../../src/engine.ts'
import { type MachinePlan, ProblemError, type Step } from '../../src/model.ts'

const planFor = (name: string, more: Partial<MachinePlan> = {}): MachinePlan => ({
  id: name,
  name,
  holds: [],
  steps: [],
  refused: [],
  missing: [],
  fallbacks: [],
  fingerprint: '',
  changes: [],
  ...more,
})
const step: Step = {
  change: 'activation',
  what: 'activate Windows',
  because: 'test',
  class: 'SoftwareLicensingProduct',
  key: { ID: 'x' },
  method: 'Activate',
  arguments: {},
  product: 'x',
  host: null,
  secret: null,
  activates: true,
}
const begin = (directory: string, names: readonly string[]) =>
  beginJournal(directory, new Date('2026-11-26T02:00:00Z'), {
    plans: names.map((n) => planFor(n)),
    renew: false,
    asked: [],
    siteFile: null,
  })
const codeOf = (f: () => unknown) => {
  try {
    f()
  } catch (error) {
    return error instanceof ProblemError ? error.problems[0]!.code : String(error)
  }
  return null
}
function inFolder(use: (directory: string) => Promise<void> | void) {
  return async () => {
    const directory = mkdtempSync(join(tmpdir(), 'slmctl-journal-'))
    try {
      await use(directory)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
}
const at = (machine: string) => ({ machine, attempt: 0, index: 0 })

describe('what a journal tells', () => {
  test(
    'only what is left is kept; the rest is counted',
    inFolder(async (directory) => {
      const j = begin(directory, ['a', 'b', 'c', 'd'])
      for (const machine of ['a', 'b', 'c']) await j.write({ kind: 'begin', machine })
      await j.write({ kind: 'about', ...at('b'), step, before: [] })
      await j.write({ kind: 'end', machine: 'a', result: 'changed' })
      await j.write({ kind: 'end', machine: 'c', result: 'failed' })
      j.close()
      const told = unfinishedJournal(directory, null)!
      assert.deepEqual([told.total, told.endedBadly, told.plans.map((p) => p.name)], [4, 1, ['b', 'd']])
      assert.equal(told.machines.get('b')!.open!.step.method, 'Activate')
      assert.equal(statSync(j.file).mode & 0o077, 0)
    }),
  )
  test(
    'a line that was cut is left out, and the next one stands by itself',
    inFolder(async (directory) => {
      const j = begin(directory, ['a'])
      await j.write({ kind: 'about', ...at('a'), step, before: [] })
      j.close()
      appendFileSync(j.file, '{"at":"2026","kind":"did","machine":"a","attempt":0,"in')
      const told = unfinishedJournal(directory, j.id)!
      assert.ok(told.machines.get('a')!.open)
      const again = continueJournal(directory, told)
      await again.write({ kind: 'did', ...at('a'), result: 'held', returnValue: null, because: 'test' })
      again.close()
      assert.equal(readJournal(directory, j.id).machines.get('a')!.open, null)
    }),
  )
  test(
    'one that was cut before its plans were written whole is none, and hides no other',
    inFolder(async (directory) => {
      const older = begin(directory, ['a'])
      older.close()
      const cut = beginJournal(directory, new Date('2026-11-27T02:00:00Z'), {
        plans: [planFor('x'), planFor('y')],
        renew: false,
        asked: [],
        siteFile: null,
      })
      cut.close()
      writeFileSync(cut.file, `${readFileSync(cut.file, 'utf8').split('\n').slice(0, 2).join('\n')}\n`)
      assert.equal(unfinishedJournal(directory, null)!.id, older.id)
      assert.equal(
        codeOf(() => unfinishedJournal(directory, cut.id)),
        'JOURNAL_INVALID',
      )
    }),
  )
  test(
    'one of a large fleet, longer than a string can be, is read in bounded memory',
    { timeout: 60_000 },
    inFolder(async (directory) => {
      const j = begin(directory, ['a'])
      const pad = 'x'.repeat(1 << 20)
      const long = `${JSON.stringify({ kind: 'about', ...at('gone'), step, before: [['products', { ok: true, pad }]] })}\n${JSON.stringify({ kind: 'end', machine: 'gone', result: 'changed' })}\n`
      for (let i = 0; i < 540; i++) appendFileSync(j.file, long)
      j.close()
      assert.ok(statSync(j.file).size > 0x1fffffe8, 'over the longest string of V8')
      const told = unfinishedJournal(directory, null)!
      assert.deepEqual(
        told.plans.map((p) => p.name),
        ['a'],
      )
    }),
  )
})

describe('who may write', () => {
  test(
    'one process at a time; the lock of one that is gone is taken over',
    inFolder((directory) => {
      const j = begin(directory, ['a'])
      const told = readJournal(directory, j.id)
      assert.equal(
        codeOf(() => continueJournal(directory, told)),
        'JOURNAL_IN_USE',
      )
      j.close()
      const engine = fileURLToPath(new URL('../../src/engine.ts', import.meta.url))
      const script = `const { continueJournal, readJournal } = await import(${JSON.stringify(engine)}); continueJournal(process.argv[1], readJournal(process.argv[1], process.argv[2])); process.kill(process.pid, 'SIGKILL')`
      const killed = spawnSync(process.execPath, ['--input-type=module', '-e', script, directory, j.id], { encoding: 'utf8' })
      assert.equal(killed.signal, 'SIGKILL', killed.stderr)
      assert.ok(existsSync(`${j.file}.lock`))
      continueJournal(directory, told).close()
      assert.ok(!existsSync(`${j.file}.lock`))
      // Another process has the number now: it began at another time.
      if (process.platform === 'linux') {
        writeFileSync(`${j.file}.lock`, `${process.pid} 1`)
        continueJournal(directory, told).close()
      }
    }),
  )
  test(
    'nobody goes on with what was read before another one wrote',
    inFolder(async (directory) => {
      const j = begin(directory, ['a'])
      j.close()
      const mine = readJournal(directory, j.id)
      const other = continueJournal(directory, readJournal(directory, j.id))
      await other.write({ kind: 'begin', machine: 'a' })
      other.close()
      assert.equal(
        codeOf(() => continueJournal(directory, mine)),
        'JOURNAL_IN_USE',
      )
      assert.ok(!existsSync(`${j.file}.lock`))
    }),
  )
  test(
    'after it is closed nothing is written, and whoever waits is told',
    inFolder(async (directory) => {
      const j = begin(directory, ['a'])
      const under = j.write({ kind: 'begin', machine: 'a' })
      j.close()
      await under
      await assert.rejects(j.write({ kind: 'begin', machine: 'a' }), /could not be written/)
    }),
  )
})

test(
  'a full disk: the entry is refused, and so is every one after it',
  { skip: process.platform !== 'linux' && 'a limit on the size of files is wanted' },
  inFolder((directory) => {
    const engine = fileURLToPath(new URL('../../src/engine.ts', import.meta.url))
    // The limit cuts a write in the middle, as a full disk does (EFBIG in place of ENOSPC).
    const script = `
process.on('SIGXFSZ', () => {})
const { beginJournal } = await import(${JSON.stringify(engine)})
const j = beginJournal(process.argv[1], new Date(), { plans: [], renew: false, asked: [], siteFile: null })
const said = []
for (let i = 0; i < 12; i++) await j.write({ kind: 'begin', machine: String(i).padStart(500, 'm') }).then(() => said.push('written'), (e) => said.push(e.problems[0].code))
await j.write({ kind: 'finished' }).catch((e) => said.push(e.problems[0].code))
console.log(said.join(' '))`
    const ran = spawnSync(
      'bash',
      ['-c', 'ulimit -f 4; exec "$@"', 'bash', process.execPath, '--input-type=module', '-e', script, directory],
      {
        encoding: 'utf8',
      },
    )
    assert.match(ran.stdout, /^(?:written )+(?:JOURNAL_NOT_WRITTEN ?){2,}\n$/, ran.stdout + ran.stderr)
  }),
)
