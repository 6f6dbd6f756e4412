/** Limits that somebody could pass by without meaning to: by stopping, resuming, cancelling, several at once, and time that goes by. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type CampaignSettings, type RunOptions, runCampaigns, settingsOf, type Work } from '../../src/campaigns.ts'
import { openStore, type Store } from '../../src/store.ts'
import { found, noon } from '../store/fixture.ts'

const here = { host: 'here', process: '1', isAlive: () => true }
const done = { end: 'done', result: 'ok', problem: null, observation: null, plan: null, outcome: null } as const
const away = { ...done, end: 'away', result: 'unreachable' } as const
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

type Made = { store: Store; file: string; begin: (key: string, settings: Partial<CampaignSettings>) => Promise<number> }

async function fleet(machines: number, then: (made: Made) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-campaigns-'))
  const file = join(folder, 'fleet.db')
  const store = await openStore({ file }, { create: true })
  try {
    await store.importMachines(
      Array.from({ length: machines }, (_, i) => found(`pc-${i}`)),
      { source: 's', at: noon },
    )
    const ids = await store.ids({})
    const begin: Made['begin'] = async (key, more) => {
      const settings = { ...settingsOf({}), locations: [{ name: '-', atOnce: null }], machines, ...more }
      const campaign = await store.createCampaign({ key, kind: 'scan', name: 'all', settings, at: noon })
      await store.addTargets(
        campaign,
        ids.map((machine) => ({ machine, site: '-', position: machine })),
        noon,
      )
      await store.setCampaign(campaign, { state: 'running', because: null, at: noon })
      return campaign
    }
    await then({ store, file, begin })
  } finally {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const options = (campaign: number | null, more: Partial<RunOptions> = {}): RunOptions => ({
  ...{ parallel: 4, serves: null, campaign, here, leaseMs: 60_000, pollMs: 20 },
  ...more,
})
const settingsNow = async (store: Store, id: number) => settingsOf((await store.campaigns({ id, limit: 1 }))[0]!.settings)

describe('who waits for the rate', () => {
  /** One activation an hour: the second machine waits. */
  const rated: Work = async (_target, { activations }) => ((await activations(60)) ? done : { ...done, end: 'back', result: 'interrupted' })
  for (const word of ['stopped', 'cancelled'] as const)
    test(`goes no further when the campaign is ${word}`, { timeout: 10_000 }, async () => {
      await fleet(3, async ({ store, begin }) => {
        const id = await begin('k', { activationsPerMinute: 1 })
        const run = runCampaigns(store, rated, options(id), () => {}, AbortSignal.timeout(4000))
        while ((await store.left({ campaign: id, upTo: null, sites: null })).done < 1) await pause(20)
        await store.setCampaign(id, { state: word, because: null, at: noon })
        await run
        const { done: ended, leased } = await store.left({ campaign: id, upTo: null, sites: null })
        assert.deepEqual([ended, leased], [1, 0])
      })
    })
  test('goes no further when the window has closed', { timeout: 10_000 }, async () => {
    await fleet(3, async ({ store, begin }) => {
      const window = { from: 720, until: 780, days: [0, 1, 2, 3, 4, 5, 6], timeZone: 'UTC' }
      const id = await begin('k', { activationsPerMinute: 1, window })
      let now = noon
      const stop = new AbortController()
      const run = runCampaigns(store, rated, options(id, { clock: () => now }), () => {}, stop.signal)
      const left = () => store.left({ campaign: id, upTo: null, sites: null })
      while ((await left()).done < 1) await pause(20)
      now += 3_600_000
      for (let i = 0; i < 200 && (await left()).leased > 0; i++) await pause(20)
      const { done: ended, leased } = await left()
      stop.abort()
      await run
      assert.deepEqual([ended, leased], [1, 0])
    })
  })
})

describe('the share that goes first', () => {
  test('is asked for, and no longer asked for, while a worker is at it', { timeout: 10_000 }, async () => {
    await fleet(12, async ({ store, begin }) => {
      const id = await begin('k', { canary: { machines: 2, stopAbove: 0.1 }, retryForMs: 3_600_000 })
      const slow = new Set<string>()
      const work: Work = async ({ name }) => {
        slow.add(name)
        while (slow.size < 3) await pause(10)
        return done
      }
      const run = runCampaigns(store, work, options(id), () => {}, AbortSignal.timeout(8000))
      while (slow.size < 2) await pause(10)
      await pause(100)
      assert.equal(slow.size, 2)
      await store.setSettings(id, { ...(await settingsNow(store, id)), canary: null })
      await run
      const [campaign] = await store.campaigns({ id, limit: 1 })
      assert.deepEqual([campaign!.state, slow.size], ['finished', 12])
    })
  })
})

describe('a campaign that is over', () => {
  test('leaves no machine waiting that was given back after it was cancelled', { timeout: 10_000 }, async () => {
    await fleet(3, async ({ store, begin }) => {
      const id = await begin('k', { retryForMs: 3_600_000 })
      let free = () => {}
      const freed = new Promise<void>((resolve) => {
        free = resolve
      })
      let begun = 0
      const work: Work = async () => {
        begun++
        await freed
        return away
      }
      const run = runCampaigns(store, work, options(id), () => {}, AbortSignal.timeout(4000))
      while (begun < 3) await pause(10)
      await store.setCampaign(id, { state: 'cancelled', because: null, at: noon })
      await store.cancelWaiting(id, noon)
      free()
      await run
      const { cancelled, retrying } = await store.left({ campaign: id, upTo: null, sites: null })
      assert.deepEqual([cancelled, retrying], [3, 0])
    })
  })

  test('is not told of one in which somebody takes the last machine at this moment', { timeout: 20_000 }, async () => {
    await fleet(1, async ({ store, file, begin }) => {
      const id = await begin('k', {})
      const other = await openStore({ file }, { create: false })
      try {
        let stop = false
        const claim = { campaign: id, site: '-', owner: 'o', limit: 1, now: noon, leaseMs: 60_000, mostAtOnce: null, upTo: null }
        const flips = (async () => {
          while (!stop) {
            const [target] = await other.claimTargets(claim)
            await other.endTargets([{ held: target!, end: { dueAt: noon, problemCode: null, attempted: true } }])
          }
        })()
        let over = 0
        for (let i = 0; i < 500; i++) {
          const { leased, waits } = await store.standing(id)
          if (leased === 0 && !waits) over++
        }
        stop = true
        await flips
        assert.equal(over, 0)
      } finally {
        await other.close()
      }
    })
  })

  test('is one that a worker sees however many came after it', { timeout: 60_000 }, async () => {
    await fleet(2, async ({ store, begin }) => {
      const id = await begin('k', {})
      for (let n = 0; n < 1001; n++)
        await store.createCampaign({ key: `later ${n}`, kind: 'scan', name: 'all', settings: settingsOf({}), at: noon })
      const stop = new AbortController()
      const run = runCampaigns(
        store,
        async () => done,
        options(null),
        (e) => e.kind === 'state' && stop.abort(),
        AbortSignal.any([stop.signal, AbortSignal.timeout(5000)]),
      )
      await run
      assert.equal((await store.campaigns({ id, limit: 1 }))[0]!.state, 'finished')
    })
  })
})
