import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Host, scheduleOf, taskXml, thisHost } from '../../src/schedule.ts'

/** A Windows whose schtasks answers as the real one was seen to, in German; its dates are its own business. */
const german = (result: string) =>
  [
    '"PC-17","\\slmctl activation check","03.12.2026 13:20:11","Bereit","Interaktiv/Hintergrund","26.11.2026 12:13:14",' +
      `"${result}","slmctl","C:\\Program Files\\slmctl\\slmctl.exe schedule run","C:\\ProgramData\\slmctl","Looks ""every"" seven days"`,
    '',
  ].join('\r\n')

function windows(answers: (args: readonly string[]) => { code: number | null; out?: string }): Host {
  return {
    ...thisHost(),
    platform: 'win32',
    env: { ProgramData: 'C:\\ProgramData', ProgramFiles: 'C:\\Program Files', SystemRoot: 'C:\\Windows' },
    run: async (file, args) => {
      assert.equal(file, 'C:\\Windows\\System32\\schtasks.exe')
      return { out: '', err: '', ...answers(args) }
    },
  }
}
const xml = taskXml({
  does: 'repair',
  command: 'C:\\Program Files\\slmctl\\slmctl.exe',
  arguments: 'schedule run',
  folder: 'C:\\ProgramData\\slmctl',
  start: new Date(2026, 10, 26, 9),
})
const shown = (result: string) => scheduleOf(windows((args) => ({ code: 0, out: args.includes('/xml') ? xml : german(result) }))).show()

describe('what Task Scheduler tells', () => {
  test('next and last run by their place, whatever the language; the account by its SID', async () => {
    const { installed, next, last, lastResult, account, program } = await shown('1')
    assert.deepEqual(
      [installed, next, last, lastResult, account, program],
      [
        true,
        '03.12.2026 13:20:11',
        '26.11.2026 12:13:14',
        'something is not as wished (1)',
        'SYSTEM',
        'C:\\Program Files\\slmctl\\slmctl.exe',
      ],
    )
  })

  test('a task that has not run yet has no last run; a code that nobody knows is shown as it is', async () => {
    const { last, lastResult } = await shown('267011')
    assert.deepEqual([last, lastResult], [null, 'it has not run yet'])
    assert.equal((await shown('-2147024894')).lastResult, 'code -2147024894')
  })

  test('what is missing of it is said', async () => {
    assert.match((await shown('0')).remarks.join(), /copy of the site file is missing/)
  })

  test('no task, and a scheduler that does not answer, are not the same', async () => {
    const none = await scheduleOf(windows(() => ({ code: 1, out: '' }))).show()
    assert.deepEqual([none.installed, none.remarks], [false, []])
    const silent = await scheduleOf(windows(() => ({ code: null }))).show()
    assert.equal(silent.installed, null)
    assert.match(silent.remarks.join(), /could not be told/)
  })
})

test('a program that woke another one, which keeps its output open, is not waited for', {
  skip: process.platform === 'win32',
}, async () => {
  const begin = performance.now()
  assert.deepEqual(await thisHost().run('/bin/sh', ['-c', 'sleep 20 & echo said; exit 3']), { code: 3, out: 'said\n', err: '' })
  assert.ok(performance.now() - begin < 15_000)
  assert.equal((await thisHost().run('/nonexistent/schtasks.exe', [])).code, null)
})
