/** Runs that do not go smoothly: signals, secrets that cannot be read, spellings of a name, keys under the wrong wish. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { clientKeys } from '../../src/catalogue.ts'
import { eachMachine } from '../../src/engine.ts'
import { methods, type Stage, stage } from './lab.ts'

const pc = 'pc-1.corp.example'
const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
type Applied = { machines: { name: string; result: string; problem: { code: string } | null }[]; problems: { code: string }[] }

const script = 'const [main, ...argv] = process.argv.slice(1); await (await import(main)).main(argv)'
/** script(1) of util-linux gives a terminal. */
const noTerminal = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux')
  ? false
  : 'script of util-linux is not here'

/** slmctl as a process of its own, which must end by itself. */
async function run(s: Stage, argv: readonly string[], started: (child: ReturnType<typeof spawn>) => void = () => {}) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, main, ...argv, '--site', s.site], {
    env: { ...process.env, SLMCTL_STATE: s.directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started(child)
  const ran = { out: '', err: '' }
  child.stdout!.on('data', (d) => {
    ran.out += d
  })
  child.stderr!.on('data', (d) => {
    ran.err += d
  })
  await once(child, 'close')
  return { code: child.exitCode, ...ran }
}

test('a password that cannot be read is each machine’s problem, and nobody waits for ever', async () => {
  const s = await stage({
    machines: Array.from({ length: 5 }, (_, i) => ({ name: `pc-${i}.corp.example`, scenario: 'win10-pro-oem' as const })),
  })
  try {
    rmSync(join(s.directory, 'lab.password'))
    const ran = await run(s, ['status', '--all', '--json'])
    assert.equal(ran.code, 2, ran.err)
    const { machines } = JSON.parse(ran.out) as Applied
    assert.equal(machines.filter((m) => m.problem?.code.startsWith('SECRET_')).length, 5, ran.out)
  } finally {
    await s.close()
  }
})

test('^C while machines are asked: nothing is changed, nothing is called as wished', async () => {
  let interrupt = () => {}
  const s = await stage({
    machines: [
      { name: 'pc-0.corp.example', scenario: 'win10-pro-oem' },
      { name: pc, scenario: 'wrong-host' },
    ],
    onExchange: () => interrupt(),
  })
  try {
    const ran = await run(s, ['apply', '--all', '--yes', '--parallel', '1'], (child) => {
      interrupt = () => {
        interrupt = () => {}
        child.kill('SIGINT')
      }
    })
    assert.equal(ran.code, 2, ran.out)
    assert.match(ran.err, /nothing was changed/)
    assert.doesNotMatch(ran.out, /as wished/)
    assert.deepEqual([...s.lab.calls(pc)], [])
  } finally {
    await s.close()
  }
})

test('a machine named twice, however it is spelt, is worked on once', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'win11-pro-notification' }] })
  try {
    const ran = await s.slmctl('apply', pc, pc.toUpperCase(), `${pc}.`, '--yes', '--json')
    assert.equal((JSON.parse(ran.out) as Applied).machines.length, 1)
    assert.deepEqual(methods(s.lab, pc), ['Activate'])
  } finally {
    await s.close()
  }
})

test('a client key under a wish for a MAK is not installed: Windows would ask a KMS host by itself', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'win10-enterprise-mak' }] })
  try {
    const key = clientKeys.find((row) => row.product === 'Windows 10' && /Enterprise$/.test(row.edition))!.key
    writeFileSync(join(s.directory, 'mak'), key, { mode: 0o600 })
    writeFileSync(
      s.site,
      readFileSync(s.site, 'utf8').replace('{ product: windows, by: kms }', '{ product: windows, by: mak, key: { file: mak } }'),
    )
    const ran = await s.slmctl('apply', pc, '--yes', '--json')
    const answer = JSON.parse(ran.out) as Applied
    assert.deepEqual([answer.machines[0]?.result, answer.machines[0]?.problem?.code], ['refused', 'STEP_NOT_ALLOWED'], ran.out)
    assert.equal(s.lab.calls(pc).length, 0)
    const journal = readdirSync(join(s.directory, 'journal')).map((f) => readFileSync(join(s.directory, 'journal', f), 'utf8'))
    assert.ok(!`${ran.out}${ran.err}${journal.join('')}`.includes(key.slice(0, 11)))
  } finally {
    await s.close()
  }
})

test('what was asked for and done is not done again by --resume, though a new plan would make it again', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'win11-enterprise-office-2021' }] })
  try {
    for (const flag of ['--renew', '--clear-key-from-registry']) {
      assert.equal((await s.slmctl('apply', pc, '--yes', flag)).code, 0)
      const sent = methods(s.lab, pc)
      // As a crash after the last call would leave it.
      const folder = join(s.directory, 'journal')
      const file = join(
        folder,
        readdirSync(folder)
          .sort()
          .findLast((f) => readFileSync(join(folder, f), 'utf8').includes('finished'))!,
      )
      const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
      const told = lines.filter((l) => !/"kind":"(?:end|finished)"/.test(l))
      writeFileSync(file, '')
      appendFileSync(file, `${told.join('\n')}\n`)
      const ran = await s.slmctl('apply', '--resume', '--yes', '--json')
      assert.equal(ran.code, 0, ran.out + ran.err)
      assert.deepEqual(methods(s.lab, pc), sent, flag)
    }
  } finally {
    await s.close()
  }
})

test('a site whose DNS alone names the hosts: one that is not ours is cleared, and what DNS then names is used', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'outside-host' }] })
  try {
    writeFileSync(s.site, readFileSync(s.site, 'utf8').replace(/kms:\n {2}hosts: .*\n/, ''))
    const ran = await s.slmctl('apply', pc, '--yes')
    assert.equal(ran.code, 0, ran.out + ran.err)
    assert.deepEqual(methods(s.lab, pc), ['ClearKeyManagementServiceMachine', 'ClearKeyManagementServicePort', 'Activate'])
  } finally {
    await s.close()
  }
})

test('two at work on one machine at the same time: what one sends the other does not', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'win11-pro-notification' }] })
  try {
    const file = join(s.directory, 'plan.json')
    await s.slmctl('plan', pc, '--out', file)
    await s.lab.fault(pc, { kind: 'slow', ms: 20 })
    const ran = await Promise.all([1, 2, 3].map(() => s.slmctl('apply', '--plan', file, '--yes', '--json')))
    const results = ran.flatMap((r) => (JSON.parse(r.out) as Applied).machines)
    assert.equal(results.filter((m) => m.result === 'changed').length, 1)
    assert.deepEqual(new Set(results.flatMap((m) => m.problem?.code ?? [])), new Set(['MACHINE_IN_USE']))
    assert.deepEqual(methods(s.lab, pc), ['Activate'])
    assert.deepEqual(
      readdirSync(join(s.directory, 'journal')).filter((f) => !f.endsWith('.jsonl')),
      [],
    )
  } finally {
    await s.close()
  }
})

test('--resume remembers that a machine had failed before: its exit code is not that of a fleet as wished', async () => {
  const other = 'pc-2.corp.example'
  const s = await stage({ machines: [pc, other].map((name) => ({ name, scenario: 'win11-pro-notification' as const })) })
  try {
    assert.equal((await s.slmctl('apply', pc, other, '--yes')).code, 0)
    const folder = join(s.directory, 'journal')
    const file = join(folder, readdirSync(folder)[0]!)
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
    const told = lines
      .filter((l) => !l.includes('"finished"') && !(l.includes('"end"') && l.includes(other)))
      .map((l) => (l.includes('"end"') ? l.replace('"changed"', '"failed"') : l))
    writeFileSync(file, `${told.join('\n')}\n`)
    const ran = await s.slmctl('apply', '--resume', '--yes')
    assert.equal(ran.code, 1, ran.out + ran.err)
    assert.match(ran.out, /2 machines, 1 finished, 1 left/)
  } finally {
    await s.close()
  }
})

for (const [what, typed] of [
  ['^C', '\u0003'],
  ['the end of the input', '\u0004'],
] as const)
  test(`${what} at the question is no answer: nothing is changed, and slmctl ends`, { skip: noTerminal }, async () => {
    const s = await stage({ machines: [{ name: pc, scenario: 'win11-pro-notification' }] })
    try {
      const quoted = [process.execPath, '--input-type=module', '-e', script, main, 'apply', pc, '--site', s.site].map((a) => `'${a}'`)
      const child = spawn('script', ['-qec', quoted.join(' '), '/dev/null'], {
        env: { ...process.env, SLMCTL_STATE: s.directory, NO_COLOR: '1' },
        stdio: ['pipe', 'pipe', 'ignore'],
      })
      let out = ''
      let answered = false
      child.stdout.on('data', (d) => {
        out += d
        if (answered || !out.includes('[y/N]')) return
        answered = true
        child.stdin.write(typed)
      })
      child.stdin.on('error', () => {})
      await once(child, 'close')
      assert.equal(child.exitCode, 2, out)
      assert.match(out, /Nothing was changed/)
      assert.equal(s.lab.calls(pc).length, 0)
    } finally {
      await s.close()
    }
  })

test('whoever stops taking results waits for the machines under way', async () => {
  let under = 0
  for await (const _ of eachMachine([5, 40, 40, 40], 4, async (ms) => {
    under++
    await new Promise((resolve) => setTimeout(resolve, ms))
    under--
  }))
    break
  assert.equal(under, 0)
})
