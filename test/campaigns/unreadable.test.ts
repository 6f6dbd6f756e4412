/** What somebody else wrote into the store, or another version: one machine's failure, and never the end of every worker. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { campaignWork } from '../../src/app/campaigns.ts'
import { runCampaigns, settingsOf } from '../../src/campaigns.ts'
import type { Environment } from '../../src/engine.ts'
import { openStore } from '../../src/store.ts'
import { found, noon } from '../store/fixture.ts'

test('a plan that is none fails its machine, and the campaign comes to its end', { timeout: 10_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-campaigns-'))
  const store = await openStore({ file: join(folder, 'fleet.db') }, { create: true })
  try {
    await store.importMachines([found('pc-0'), found('pc-1')], { source: 's', at: noon })
    const machines = await store.ids({})
    const plans = await store.createCampaign({ key: 'p', kind: 'plan', name: 'all', settings: settingsOf({}), at: noon })
    await store.savePlans([
      { key: 'p/0', machine: machines[0]!, campaign: plans, at: noon, plan: { fingerprint: 'x', steps: [null], refused: [] } as never },
    ])
    const settings = { ...settingsOf({}), locations: [{ name: '-', atOnce: null }], plansOf: plans }
    const id = await store.createCampaign({ key: 'a', kind: 'apply', name: 'all', settings, at: noon })
    await store.addTargets(
      id,
      machines.map((machine) => ({ machine, site: '-', position: machine })),
      noon,
    )
    await store.setCampaign(id, { state: 'running', because: null, at: noon })
    const work = campaignWork(() => ({}) as Environment, store, folder)
    const here = { host: 'here', process: '1', isAlive: () => true }
    await runCampaigns(store, work, { parallel: 4, serves: null, campaign: id, here, pollMs: 20 }, () => {}, AbortSignal.timeout(5000))
    assert.deepEqual(
      (await store.progress(id)).map(({ state, result, problem }) => [state, result, problem]),
      [
        ['done', 'nothing planned', null],
        ['failed', 'not-asked', 'INTERNAL'],
      ],
    )
  } finally {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

test('settings that cannot be read stop their campaign, and no other one', { timeout: 10_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-campaigns-'))
  const store = await openStore({ file: join(folder, 'fleet.db') }, { create: true })
  try {
    await store.importMachines([found('pc-0')], { source: 's', at: noon })
    const [machine] = await store.ids({})
    const good = { ...settingsOf({}), locations: [{ name: '-', atOnce: null }] }
    const begin = async (key: string, settings: unknown) => {
      const id = await store.createCampaign({ key, kind: 'scan', name: 'all', settings, at: noon })
      await store.addTargets(id, [{ machine: machine!, site: '-', position: 1 }], noon)
      await store.setCampaign(id, { state: 'running', because: null, at: noon })
      return id
    }
    const wrong = [
      { ...good, locations: 'all' },
      { ...good, atOnce: -1 },
      { ...good, retryForMs: 'long' },
      { ...good, canary: { machines: 0, stopAbove: 2 } },
      { ...good, window: { from: 0, until: 60, days: [1], timeZone: 'Mars/Base' } },
      { ...good, window: { from: 0, until: 60, days: [] as number[], timeZone: 'UTC' } },
    ]
    const ids = []
    for (const [i, settings] of wrong.entries()) ids.push(await begin(`wrong ${i}`, settings))
    const fine = await begin('fine', good)
    const stop = new AbortController()
    const done = { end: 'done', result: 'ok', problem: null, observation: null, plan: null, outcome: null } as const
    const here = { host: 'here', process: '1', isAlive: () => true }
    const hear = (event: { kind: string; campaign: number; state?: string }) => {
      if (event.campaign === fine && event.state === 'finished') stop.abort()
    }
    await runCampaigns(store, async () => done, { parallel: 4, serves: null, campaign: null, here, pollMs: 20 }, hear, stop.signal)
    for (const id of ids) {
      const [campaign] = await store.campaigns({ id, limit: 1 })
      assert.equal(campaign!.state, 'stopped')
      assert.match(campaign!.because!, /cannot be read/)
    }
    assert.equal((await store.campaigns({ id: fine, limit: 1 }))[0]!.state, 'finished')
  } finally {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
