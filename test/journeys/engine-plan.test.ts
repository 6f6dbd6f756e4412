/** What a saved plan may and may not make slmctl do. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { clientKeys } from '../../src/catalogue.ts'
import type { ScenarioId } from '../../src/lab.ts'
import type { Plan, Step } from '../../src/model.ts'
import { methods, type Stage, stage } from './lab.ts'

const pc = 'pc-1.corp.example'
type Applied = { machines: { result: string; problem: { code: string } | null }[] }

async function withPlan(
  scenario: ScenarioId,
  flags: readonly string[],
  use: (s: Stage, plan: Plan, apply: (plan: unknown) => Promise<{ code: number; out: string; err: string }>) => Promise<void>,
): Promise<void> {
  const s = await stage({ machines: [{ name: pc, scenario }] })
  try {
    const file = join(s.directory, 'plan.json')
    await s.slmctl('plan', pc, '--out', file, ...flags)
    await use(s, JSON.parse(readFileSync(file, 'utf8')) as Plan, async (plan) => {
      writeFileSync(file, JSON.stringify(plan))
      return s.slmctl('apply', '--plan', file, '--yes', '--json')
    })
  } finally {
    await s.close()
  }
}
const edited = (plan: Plan, steps: readonly Partial<Step>[]) => ({
  ...plan,
  machines: plan.machines.map((m) => ({ ...m, steps })),
})
const bare: Step = {
  change: 'client-key',
  what: 'edited',
  because: 'edited',
  class: 'SoftwareLicensingService',
  key: null,
  method: '',
  arguments: {},
  product: null,
  host: null,
  secret: null,
  activates: false,
}

describe('a plan that somebody edited: nothing is sent', () => {
  test('a client key of another edition on a machine that is as wished', () =>
    withPlan('win11-enterprise-office-2021', [], async (s, plan, apply) => {
      const key = clientKeys.find((row) => row.product === 'Windows 11' && row.edition !== 'Enterprise')!.key
      const ran = await apply(edited(plan, [{ ...bare, method: 'InstallProductKey', arguments: { ProductKey: key } }]))
      assert.equal((JSON.parse(ran.out) as Applied).machines[0]!.problem?.code, 'PLAN_STALE', ran.out)
      assert.equal(ran.code, 1)
      assert.equal(s.lab.calls(pc).length, 0)
    }))
  test('a step left out, put twice, or in another order', () =>
    withPlan('wrong-host', [], async (s, plan, apply) => {
      const { steps } = plan.machines[0]!
      for (const other of [steps.slice(0, 1), [...steps, ...steps], steps.toReversed()]) {
        const answer = JSON.parse((await apply(edited(plan, other))).out) as Applied
        assert.equal(answer.machines[0]!.problem?.code, other[0] === steps[0] ? 'PLAN_STALE' : answer.machines[0]!.problem?.code)
        assert.notEqual(answer.machines[0]!.result, 'changed')
      }
      assert.equal(s.lab.calls(pc).length, 0)
    }))
  test('another host of ours after a failure than the site would try', () =>
    withPlan('wrong-host', [], async (s, plan, apply) => {
      const less = { ...plan, machines: plan.machines.map((m) => ({ ...m, fallbacks: m.fallbacks.slice(1) })) }
      assert.equal((JSON.parse((await apply(less)).out) as Applied).machines[0]!.problem?.code, 'PLAN_STALE')
      assert.equal(s.lab.calls(pc).length, 0)
    }))
  test('a product key that nobody publishes is not even taken into the journal; a machine twice is refused', () =>
    withPlan('wrong-host', [], async (s, plan, apply) => {
      const ProductKey = ['BCDFG', 'HJKMP', 'QRTVW', 'XY234', '6789B'].join('-')
      const keyed = await apply(edited(plan, [{ ...bare, method: 'InstallProductKey', arguments: { ProductKey } }]))
      assert.match(keyed.out, /PLAN_INVALID/)
      assert.ok(!`${keyed.out}${keyed.err}`.includes(ProductKey))
      const twice = await apply({ ...plan, machines: [...plan.machines, { ...plan.machines[0]!, name: pc.toUpperCase() }] })
      assert.match(twice.out, /PLAN_INVALID/)
      assert.equal(s.lab.calls(pc).length, 0)
    }))
})

describe('a plan that nobody edited is carried out, with what was asked for when it was made', () => {
  for (const [scenario, ...flags] of [
    ['win11-enterprise-office-2021', '--host-caching', 'off'],
    ['win11-enterprise-office-2021', '--activation-type', 'kms'],
    ['win11-enterprise-office-2021', '--lookup-domain', 'corp.example'],
    ['win11-enterprise-office-2021', '--clear-key-from-registry'],
    ['win11-enterprise-office-2021', '--renew'],
    ['wrong-host', '--use-dns'],
  ] as const)
    test(flags.join(' '), () =>
      withPlan(scenario, flags, async (s, plan, apply) => {
        const ran = await apply(plan)
        assert.equal(ran.code, 0, ran.out + ran.err)
        assert.deepEqual(
          methods(s.lab, pc),
          plan.machines[0]!.steps.map((step) => step.method),
        )
      }),
    )
})
