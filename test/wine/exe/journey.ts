/** status and apply by the single file, on a computer whose WMI is the fixture of a machine of the lab. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Lab } from '../../../src/lab.ts'
import { stage } from '../../journeys/lab.ts'
import { check } from '../../peers/checks.ts'
import { classesOf, type FixtureState, fixtureText, registryFiles, rowsOf } from '../fixture.ts'
import { windowsPath } from '../wine.ts'
import { hold } from './computer.ts'
import type { Exe } from './run.ts'

/** Activated by nobody yet, with a host of the site to go to. */
export const scenario = 'win10-pro-grace'

export async function journey(exe: Exe): Promise<void> {
  await check('slmctl.exe status and apply: the same end as over WinRM, and the same calls', async () => {
    const states: FixtureState['rows'][] = []
    let lab: Lab | null = null
    let name = ''
    const look = () => {
      if (lab && lab.calls(name).length === states.length) states.push(rowsOf(lab.tables(name)))
    }
    const s = await stage({ machines: [{ scenario }], onExchange: look })
    try {
      lab = s.lab
      name = s.lab.machines[0]!.name
      const { registry } = s.lab.state(name)
      look()
      const before = JSON.parse((await s.slmctl('status', name, '--json')).out)
      const wire = await s.slmctl('apply', name, '--yes', '--json')
      const after = JSON.parse((await s.slmctl('status', name, '--json')).out)
      const calls = s.lab.calls(name)
      assert.ok(wire.code === 0 && calls.length > 0, wire.out + wire.err)
      const at = (file: string) => join(exe.wine.work, 'exe', file)
      const script = states.map((rows, i): FixtureState => {
        const call = calls[i]
        if (!call) return { rows }
        const key = Object.values(call.key)[0]
        const gives = { ReturnValue: String(call.result) }
        return { rows, answers: [{ class: call.class, method: call.method, ...(key === undefined ? {} : { key }), gives, next: i + 1 }] }
      })
      writeFileSync(at('fixture'), fixtureText({ classes: classesOf(s.lab.tables(name)), states: script }))
      const { set, unset } = registryFiles(registry, hostname())
      writeFileSync(at('set.reg'), set)
      writeFileSync(at('unset.reg'), unset)
      const env = {
        SLMCTL_FIXTURE: windowsPath(at('fixture')),
        SLMCTL_FIXTURE_CALLS: windowsPath(at('calls')),
        SLMCTL_STATE: windowsPath(at('state')),
      }
      const slmctl = (...args: string[]) => exe.wine.provided.run(exe.path, [...args, '--site', windowsPath(s.site), '--json'], { env })
      const letGo = hold(exe.wine.provided, at('held'))
      await exe.wine.provided.run('reg', ['import', windowsPath(at('set.reg'))])
      try {
        same(await slmctl('status'), before)
        const applied = await slmctl('apply', '--yes')
        assert.equal(applied.code, 0, applied.stdout + applied.stderr)
        same(await slmctl('status'), after)
      } finally {
        await exe.wine.provided.run('reg', ['import', windowsPath(at('unset.reg'))])
        await letGo()
      }
      assert.ok(existsSync(at('calls')))
      const recorded = readFileSync(at('calls'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { op: string; method?: string })
      assert.deepEqual(
        recorded.filter((c) => c.op === 'method').map((c) => c.method),
        calls.map((c) => c.method),
      )
    } finally {
      await s.close()
    }
  })
}

type Status = { machines: { machine: { verdict: string }; products: { state: string; origin: string; partialKey: string | null }[] }[] }

function same(ended: { stdout: string; stderr: string }, wire: Status): void {
  assert.notEqual(ended.stdout, '', ended.stderr)
  const brief = ({ machines }: Status) =>
    machines.map((m) => [m.machine.verdict, ...m.products.map((p) => [p.state, p.origin, p.partialKey])])
  assert.deepEqual(brief(JSON.parse(ended.stdout) as Status), brief(wire))
}
