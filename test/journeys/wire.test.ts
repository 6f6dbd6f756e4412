import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { scenarioList } from '../../src/lab.ts'
import type { Plan } from '../../src/model.ts'
import { applySchema, planSchema, statusSchema } from '../../src/schemas.ts'
import { methods, stage } from './lab.ts'

/** What each scenario is before, what the plan does (methods) or refuses (codes), what was sent in the end, and what it is after. */
type Expected = { before: string; does: string[]; refuses: string[]; did: string[]; after: string }
const expected = JSON.parse(readFileSync(new URL('scenarios.json', import.meta.url), 'utf8')) as Record<string, Expected>

type Status = { machines: { name: string; ok: boolean; machine: { verdict: string; origin: string }; problem?: { code: string } }[] }
type Applied = {
  machines: { name: string; result: string; steps: { result: string }[]; after: { verdict: string; origin: string } | null }[]
}

const judged = (m: { verdict: string; origin: string }) => `${m.verdict} ${m.origin}`

describe('every scenario: status, plan, apply, and a second apply that changes nothing', () => {
  for (const transport of ['http', 'https'] as const)
    test(transport === 'http' ? 'NTLM, sealed' : 'HTTPS', async () => {
      const s = await stage({ machines: scenarioList.map(({ name }) => ({ scenario: name })) }, transport)
      try {
        const scenario = new Map(s.lab.machines.map((m) => [m.name, m.scenario]))
        const seen: Record<string, Expected> = {}
        const of = (name: string) => {
          const id = scenario.get(name)!
          seen[id] ??= { before: '', does: [], refuses: [], did: [], after: '' }
          return seen[id]
        }
        const status = statusSchema.parse(JSON.parse((await s.slmctl('status', '--all', '--json')).out))
        assert.equal(status.machines.length, s.lab.machines.length)
        for (const m of status.machines) of(m.name).before = m.ok ? judged(m.machine) : m.problem.code
        const plan = planSchema.parse(JSON.parse((await s.slmctl('plan', '--all', '--json')).out))
        assert.deepEqual(plan.problems, [])
        for (const m of plan.machines) {
          of(m.name!).does = m.steps.map((step) => step.method)
          of(m.name!).refuses = m.refused.map((r) => r.code)
        }
        const applied = applySchema.parse(JSON.parse((await s.slmctl('apply', '--all', '--yes', '--json')).out))
        for (const m of applied.machines) {
          const planned = plan.machines.find((p) => p.name === m.name)!
          if (planned.steps.length > 0) {
            assert.equal(m.result, 'changed', `${scenario.get(m.name)}: ${JSON.stringify(m)}`)
            assert.equal(m.steps.at(-1)!.result, 'done')
          } else {
            const why = planned.refused[0]?.code ?? (planned.missing.length > 0 ? 'FACT_MISSING' : null)
            assert.deepEqual([m.result, m.problem?.code ?? null], [why === null ? 'unchanged' : 'refused', why], JSON.stringify(m))
          }
        }
        assert.equal(applied.machines.length, s.lab.machines.length)
        for (const m of s.lab.machines) of(m.name).did = methods(s.lab, m.name)
        const after = JSON.parse((await s.slmctl('status', '--all', '--json')).out) as Status
        for (const m of after.machines) of(m.name).after = judged(m.machine)
        if (process.env.UPDATE) writeFileSync(new URL('scenarios.json', import.meta.url), `${JSON.stringify(seen, null, 2)}\n`)
        else assert.deepEqual(seen, expected)

        const again = await s.slmctl('apply', '--all', '--yes')
        assert.match(again.out, /^Nothing to change: \d+ of \d+ as wished\.$/m)
        for (const m of s.lab.machines) assert.deepEqual(methods(s.lab, m.name), of(m.name).did)
      } finally {
        await s.close()
      }
    })
})

describe('a saved plan', () => {
  const pc = 'pc-1.corp.example'
  test('is carried out later; one that no longer fits is refused, and nothing is sent', async () => {
    const s = await stage({ machines: [{ name: pc, scenario: 'win11-pro-notification' }] })
    try {
      const file = join(s.directory, 'plan.json')
      assert.equal((await s.slmctl('plan', pc, '--out', file)).code, 1)
      assert.equal(statSync(file).mode & 0o077, 0, 'readable by its owner only')
      const overwritten = await s.slmctl('plan', pc, '--out', file)
      assert.equal(overwritten.code, 2)
      assert.match(overwritten.err, /does not\s+overwrite/)
      assert.equal((await s.slmctl('apply', '--plan', file, '--yes')).code, 0)
      assert.deepEqual(methods(s.lab, pc), ['Activate'])
      const stale = await s.slmctl('apply', '--plan', file, '--yes')
      assert.equal(stale.code, 1)
      assert.match(stale.out, /not as it was when the plan was made; nothing was\s+changed/)
      assert.deepEqual(methods(s.lab, pc), ['Activate'])
    } finally {
      await s.close()
    }
  })
  test('in which somebody has put a host of others: HOST_NOT_AUTHORISED, nothing sent', async () => {
    const s = await stage({ machines: [{ name: pc, scenario: 'wrong-host' }] })
    try {
      const file = join(s.directory, 'plan.json')
      await s.slmctl('plan', pc, '--out', file)
      const plan = JSON.parse(readFileSync(file, 'utf8')) as Plan
      const set = plan.machines[0]!.steps.find((step) => step.method === 'SetKeyManagementServiceMachine')!
      writeFileSync(file, JSON.stringify(plan).replaceAll(String(set.arguments.MachineName), 'kms.elsewhere.example'))
      const ran = await s.slmctl('apply', '--plan', file, '--yes', '--json')
      const answer = JSON.parse(ran.out) as { machines: { result: string; problem: { code: string } }[] }
      assert.deepEqual([answer.machines[0]!.result, answer.machines[0]!.problem.code], ['refused', 'HOST_NOT_AUTHORISED'])
      assert.equal(s.lab.calls(pc).length, 0)
    } finally {
      await s.close()
    }
  })
  test('that is no plan: one sentence, exit code 2', async () => {
    const s = await stage({ machines: [{ name: pc, scenario: 'wrong-host' }] })
    try {
      for (const content of ['', '[]', '{"schema":"slmctl.plan/1"}', 'x'.repeat(1000)]) {
        const file = join(s.directory, 'other.json')
        writeFileSync(file, content)
        const ran = await s.slmctl('apply', '--plan', file, '--yes')
        assert.equal(ran.code, 2)
        assert.match(ran.err, /is no plan of slmctl/)
      }
    } finally {
      await s.close()
    }
  })
})

describe('apply asks before it changes', () => {
  test('without a terminal and without --yes nothing is sent', async () => {
    const s = await stage({ machines: [{ name: 'pc-1.corp.example', scenario: 'wrong-host' }] })
    try {
      const ran = await s.slmctl('apply', '--all')
      assert.equal(ran.code, 2)
      assert.match(ran.err, /needs --yes/)
      assert.equal(s.lab.calls('pc-1.corp.example').length, 0)
    } finally {
      await s.close()
    }
  })
  test('without a site file nothing is changed', async () => {
    const s = await stage({ machines: [{ name: 'pc-1.corp.example', scenario: 'wrong-host' }] })
    try {
      const ran = await s.slmctl('apply', '--all', '--yes', '--site', join(s.directory, 'none.yaml'))
      assert.equal(ran.code, 2)
    } finally {
      await s.close()
    }
  })
})

test('when one host does not answer, the next is tried, at most three for one product, and the machine is left at the one that did', async () => {
  const pc = 'pc-1.corp.example'
  const s = await stage({ machines: [{ name: pc, scenario: 'wrong-host' }] })
  try {
    const plan = JSON.parse((await s.slmctl('plan', pc, '--json')).out) as Plan
    const first = String(plan.machines[0]!.steps.find((x) => x.method === 'SetKeyManagementServiceMachine')!.arguments.MachineName)
    s.lab.host(first, { up: false })
    const ran = JSON.parse((await s.slmctl('apply', pc, '--yes', '--json')).out) as Applied
    assert.equal(ran.machines[0]!.result, 'changed', JSON.stringify(ran.machines[0]))
    assert.deepEqual(
      ran.machines[0]!.steps.map((x) => x.result),
      ['done', 'failed', 'done', 'done'],
    )
    assert.equal(ran.machines[0]!.after?.verdict, 'ok')
    assert.equal(s.lab.calls(pc).filter((c) => c.method === 'Activate').length, 2)
  } finally {
    await s.close()
  }
})

test('a recording answers as the machine did, and names nobody', async () => {
  const pc = 'pc-secretive.corp.example'
  const s = await stage({ machines: [{ name: pc, scenario: 'office-stale-key' }] })
  try {
    const file = join(s.directory, 'recording.json')
    const live = JSON.parse((await s.slmctl('status', pc, '--json', '--record', file)).out) as Status
    assert.doesNotMatch(readFileSync(file, 'utf8'), /secretive/)
    const replayed = JSON.parse((await s.slmctl('status', '--json', '--from-recording', file)).out) as Status
    assert.equal(replayed.machines[0]!.machine.verdict, live.machines[0]!.machine.verdict)
  } finally {
    await s.close()
  }
})
