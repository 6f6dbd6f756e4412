/** Plans and journals that somebody else wrote into the store: what a machine gets is what its own site file wishes for it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { applyMachine, type Entry, toldMachine } from '../../src/engine.ts'
import type { MachinePlan, Step, Wish } from '../../src/model.ts'
import { Secret } from '../../src/secrets.ts'
import { stage } from '../journeys/lab.ts'
import { step } from './step.ts'
import { none, pc, planOf, surroundings } from './surroundings.ts'

const reference = { env: 'KEY_OF_OTHERS' }
const install = step('InstallProductKey', { secret: { argument: 'ProductKey', reference } })
const uninstall = step('ClearProductKeyFromRegistry')

/** The activation was refused by its host, a journal says; what is then tried stands in the plan. */
async function resumed(fallback: (activate: Step) => readonly Step[], activations?: (count: number) => Promise<boolean>) {
  const s = await stage({ machines: [{ name: pc, scenario: 'win11-pro-notification' }] })
  try {
    const base = surroundings(s)
    const wish: Wish = { product: 'windows', by: 'mak', year: null, key: reference, instead: false }
    const site = { ...base.site!, groups: [{ name: 'others', machines: ['kms1.corp.example'], wishes: [wish] }] }
    let read = 0
    const secret = async () => {
      read++
      return new Secret(Buffer.from('AAAAA-BBBBB-CCCCC-DDDDD-EEEEE'))
    }
    const env = { ...base, site, secret }
    const plan = await planOf(env)
    const [activate] = plan.steps
    assert.equal(activate?.method, 'Activate')
    const forged: MachinePlan = {
      ...plan,
      fallbacks: [{ product: activate!.product!, attempt: 1, host: activate!.host!, steps: fallback(activate!) }],
    }
    const at = { machine: pc, attempt: 0, index: 0 }
    const told = toldMachine([
      { kind: 'about', ...at, step: activate!, before: [] },
      { kind: 'did', ...at, result: 'failed', returnValue: 0xc004f074, because: '' },
    ])
    const entries: Entry[] = []
    const journal = { write: async (entry: Entry) => void entries.push(entry), hold: () => () => {} }
    const outcome = await applyMachine(forged, env, journal, { ...none, told, ...(activations ? { activations } : {}) })
    return { outcome, methods: s.lab.calls(pc).map((c) => c.method), read }
  } finally {
    await s.close()
  }
}

describe('what is tried after a host that failed', () => {
  test('is another host of ours', async () => {
    const { outcome, methods } = await resumed((activate) => [activate])
    assert.deepEqual([outcome.result, ...methods], ['changed', 'Activate'])
  })
  test('waits for its turn, as the first try did', async () => {
    const asked: number[] = []
    const may = (yes: boolean) => async (count: number) => {
      asked.push(count)
      return yes
    }
    const went = await resumed((activate) => [activate], may(true))
    assert.deepEqual([went.outcome.result, ...went.methods], ['changed', 'Activate'])
    const stopped = await resumed((activate) => [activate], may(false))
    assert.deepEqual([stopped.outcome.result, ...stopped.methods], ['interrupted'])
    assert.deepEqual(asked, [1, 1])
  })
  for (const [what, forged] of [
    ['a key that is for other machines', install],
    ['anything else', uninstall],
  ] as const)
    test(`is not ${what}`, async () => {
      const { outcome, methods, read } = await resumed((activate) => [forged, activate])
      assert.deepEqual([outcome.result, methods, read], ['failed', [], 0])
    })
})
