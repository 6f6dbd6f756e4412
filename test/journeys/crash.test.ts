/** slmctl is killed (SIGKILL) in the middle of `apply`; `apply --resume` goes on. Nothing is carried out twice, and the end is the wished one. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Stage, stage } from './lab.ts'

const pc = 'pc-1.corp.example'
const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
type Applied = { machines: { name: string; result: string; steps: { result: string }[]; after: { verdict: string } | null }[] }

function child(s: Stage, ...argv: string[]): ChildProcess {
  const script = 'const [main, ...argv] = process.argv.slice(1); await (await import(main)).main(argv)'
  return spawn(process.execPath, ['--input-type=module', '-e', script, main, ...argv, '--site', s.site], {
    env: { ...process.env, SLMCTL_STATE: s.directory },
    stdio: 'ignore',
  })
}

function journal(s: Stage): string[] {
  const folder = join(s.directory, 'journal')
  const file = existsSync(folder) ? readdirSync(folder).find((f) => f.endsWith('.jsonl')) : undefined
  return file === undefined ? [] : readFileSync(join(folder, file), 'utf8').split('\n').slice(0, -1)
}

/**
 * A machine at a host that is away: the host is set, the activation fails, the next host is set, the activation succeeds. `kill`
 * sees every message and answer before the answer leaves, and the journal as it grows.
 */
async function crash(
  kill: (seen: { answered: number; lines: number; calls: number }) => boolean,
  finish: (s: Stage, lines: readonly string[]) => Promise<void>,
): Promise<void> {
  let answered = 0
  let look = () => {}
  const s = await stage({
    machines: [{ name: pc, scenario: 'wrong-host' }],
    onExchange: () => {
      answered++
      look()
    },
  })
  try {
    const file = join(s.directory, 'plan.json')
    await s.slmctl('plan', pc, '--out', file)
    const set = /"SetKeyManagementServiceMachine","arguments":\{"MachineName":"([^"]+)"/.exec(
      JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))),
    )
    s.lab.host(set![1]!, { up: false })
    answered = 0
    const running = child(s, 'apply', '--plan', file, '--yes')
    look = () => {
      if (running.exitCode === null && kill({ answered, lines: journal(s).length, calls: s.lab.calls(pc).length })) running.kill('SIGKILL')
    }
    const watch = setInterval(look, 1)
    await once(running, 'exit')
    clearInterval(watch)
    look = () => {}
    await finish(s, journal(s))
  } finally {
    await s.close()
  }
}

/** What was carried out, each call with what it said. */
const carriedOut = (s: Stage) =>
  s.lab.calls(pc).flatMap((c) => (c.result === null ? [] : [`${c.method} ${JSON.stringify(c.arguments)} ${c.result}`]))

async function resumes(s: Stage, lines: readonly string[]): Promise<void> {
  const before = carriedOut(s)
  const began = lines.some((l) => l.includes('"kind":"begin"'))
  const ran = await s.slmctl(...(lines.length > 1 ? ['apply', '--resume'] : ['apply', pc]), '--yes', '--json')
  const done = carriedOut(s)
  // An activation that a host did not answer leaves no trace on the machine: only where its end was not in the journal yet is it
  // tried again. Whatever had an effect, and whatever the journal knows, is sent once.
  const lost =
    /"kind":"about".*"Activate"/.test(lines.at(-1) ?? '') && before.at(-1)?.startsWith('Activate') && !before.at(-1)?.endsWith(' 0')
  const once = lost ? done.filter((_, i) => i !== before.length) : done
  assert.deepEqual([...new Set(once)], once, `killed after ${lines.length} lines: nothing twice`)
  assert.deepEqual(done.slice(0, before.length), before)
  const applied = JSON.parse(ran.out) as Applied
  const ended = lines.some((l) => l.includes('"kind":"end"'))
  if (!ended) {
    assert.equal(applied.machines[0]?.result, 'changed', `${began ? 'begun' : 'not begun'}, ${lines.length} lines: ${ran.out}${ran.err}`)
    assert.equal(applied.machines[0]!.after?.verdict, 'ok')
  }
  assert.equal(ran.code, 0, ran.err)
  assert.equal(s.lab.state(pc).products[0]!.LicenseStatus, 1)
  assert.match((await s.slmctl('apply', '--resume', '--yes')).out, /Nothing to resume/)
  assert.deepEqual(carriedOut(s), done)
}

describe('killed as soon as the journal has so many lines', { concurrency: 2 }, () => {
  // plan, planned, begin, then about and did of four steps, end, finished.
  for (const n of [1, 3, 4, 5, 6, 7, 8, 9, 11, 12]) test(`${n}`, () => crash(({ lines }) => lines >= n, resumes))
})

describe('killed when a call was carried out, and its answer had not left', { concurrency: 2 }, () => {
  for (const n of [1, 2, 3, 4])
    test(`call ${n}`, () =>
      crash(
        ({ calls }) => calls >= n,
        async (s, lines) => {
          assert.equal(s.lab.calls(pc).length, n)
          assert.match(lines.at(-1)!, /"kind":"about"/)
          await resumes(s, lines)
        },
      ))
})

test('while another slmctl is at work on a journal, nobody resumes it', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'wrong-host' }] })
  try {
    await s.lab.fault(pc, { kind: 'slow', ms: 30 })
    const running = child(s, 'apply', pc, '--yes')
    while (!journal(s).some((l) => l.includes('"kind":"begin"'))) await new Promise((resolve) => setTimeout(resolve, 5))
    const ran = await s.slmctl('apply', '--resume', '--yes')
    assert.equal(ran.code, 2)
    assert.match(ran.err, /in use by another slmctl/)
    await once(running, 'exit')
    assert.equal(running.exitCode, 0)
    assert.deepEqual(new Set(carriedOut(s)).size, carriedOut(s).length)
  } finally {
    await s.close()
  }
})

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`${signal}: the step under way ends, the next is not begun, and --resume goes on; a second one ends at once`, async () => {
    for (const twice of [false, true]) await crashBySignal(signal, twice)
  })

async function crashBySignal(signal: 'SIGINT' | 'SIGTERM', twice: boolean): Promise<void> {
  let sent = 0
  let running: ChildProcess | null = null
  const s = await stage({
    machines: [{ name: pc, scenario: 'wrong-host' }],
    onExchange: () => {
      if (running && sent === 0 && s.lab.calls(pc).length > 0) {
        sent++
        running.kill(signal)
        if (twice) setTimeout(() => running?.kill(signal), 20)
      }
    },
  })
  try {
    if (twice) await s.lab.fault(pc, { kind: 'slow', ms: 30 })
    running = child(s, 'apply', pc, '--yes')
    await once(running, 'exit')
    assert.equal(running.exitCode, twice ? 130 : 2)
    assert.deepEqual(carriedOut(s).length, 1)
    if (!twice) assert.ok(journal(s).some((l) => l.includes('"result":"interrupted"')))
    await s.lab.fault(pc, null)
    const ran = await s.slmctl('apply', '--resume', '--yes', '--json')
    assert.equal(ran.code, 0, ran.out + ran.err)
    assert.deepEqual(new Set(carriedOut(s)).size, carriedOut(s).length)
    assert.equal(s.lab.state(pc).products[0]!.LicenseStatus, 1)
  } finally {
    await s.close()
  }
}
