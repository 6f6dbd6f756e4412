/** A database that goes away between what it did and its answer: whoever asked asks once more, and nothing is held for ever. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type RunOptions, runCampaigns, settingsOf, type Work } from '../../src/campaigns.ts'
import { openStore, type Store } from '../../src/store.ts'
import { found, noon } from '../store/fixture.ts'

const here = { host: 'here', process: '1', isAlive: () => true }
const done = { end: 'done', result: 'ok', problem: null, observation: null, plan: null, outcome: null } as const

/** A store with machines, and a campaign over them that runs. */
async function running(then: (store: Store, campaign: number, machines: readonly number[]) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-campaigns-'))
  const store = await openStore({ file: join(folder, 'fleet.db') }, { create: true })
  try {
    await store.importMachines(
      Array.from({ length: 40 }, (_, i) => found(`pc-${i}`)),
      { source: 's', at: noon },
    )
    const machines = await store.ids({})
    const settings = { ...settingsOf({}), locations: [{ name: '-', atOnce: null }], machines: machines.length }
    const campaign = await store.createCampaign({ key: 'k', kind: 'scan', name: 'all', settings, at: noon })
    await store.addTargets(
      campaign,
      machines.map((machine) => ({ machine, site: '-', position: machine })),
      noon,
    )
    await store.setCampaign(campaign, { state: 'running', because: null, at: noon })
    await then(store, campaign, machines)
  } finally {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

test('what was claimed without an answer is given back, and each machine is worked on once', { timeout: 20_000 }, async () => {
  await running(async (store, campaign, machines) => {
    let lost = 0
    const forgetful: Store = {
      ...store,
      claimTargets: async (claim) => {
        if (lost < 3) lost += (await store.claimTargets({ ...claim, limit: 5 })).length > 0 ? 1 : 0
        return await store.claimTargets(claim)
      },
    }
    const worked: number[] = []
    const work: Work = async ({ machine, attempt }) => {
      assert.equal(attempt, 1, 'what nobody tried is no try')
      worked.push(machine)
      await new Promise((resolve) => setTimeout(resolve, 5))
      return done
    }
    const options: RunOptions = { parallel: 4, serves: null, campaign, here, leaseMs: 60_000, pollMs: 20 }
    await runCampaigns(forgetful, work, options, () => {}, AbortSignal.timeout(15_000))
    assert.equal(lost, 3)
    assert.deepEqual(
      worked.sort((a, b) => a - b),
      [...machines],
    )
    const { done: ended } = await store.left({ campaign, upTo: null, sites: null })
    assert.equal(ended, machines.length)
  })
})
