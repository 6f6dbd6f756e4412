import type { Campaign, Store, Target } from '../store.ts'
import { canaryOver } from './canary.ts'
import { Keeper } from './keeper.ts'
import { Leases } from './leases.ts'
import { newOwner, type Processes, Watch } from './owner.ts'
import { settingsOf, unfit } from './settings.ts'
import { isOpen, opensAt } from './window.ts'
import type { RunningCampaign, Work, Worked } from './work.ts'

export type RunOptions = {
  /** Machines at once in this process. */
  readonly parallel: number
  /** Locations that are served; null: all. */
  readonly serves: readonly string[] | null
  /** One campaign, until it is over; null: every one that runs, until told to stop. */
  readonly campaign: number | null
  readonly here: Processes
  /** How long a worker that is not heard of keeps its machines. */
  readonly leaseMs?: number
  readonly pollMs?: number
  readonly clock?: () => number
}

/** What happens while campaigns run. */
export type RunEvent =
  /** A machine was tried. `over`: it has ended, and is not tried again. */
  | { readonly kind: 'worked'; readonly campaign: number; readonly target: Target; readonly worked: Worked; readonly over: boolean }
  /** Nothing can be done until then: the window is closed, or all that is left is tried again later. */
  | { readonly kind: 'waiting'; readonly campaign: number; readonly until: number; readonly why: 'window' | 'retry' }
  | { readonly kind: 'state'; readonly campaign: number; readonly state: Campaign['state']; readonly because: string | null }

/** A campaign as this process sees it. */
type Own = {
  campaign: RunningCampaign
  canary: 'first' | 'over' | 'none'
  /** By location: not asked again before. */
  readonly restUntil: Map<string, number>
}

/**
 * Works on campaigns: takes machines by lease, does what the campaign is for, keeps what came of it. Any number of processes may do
 * so on one store. Ends when its one campaign is over, or when `signal` says so: then nothing further is begun, and what is under way
 * ends by itself. Throws where the store is gone for good; everything is as it was said in the store then.
 */
export async function runCampaigns(
  store: Store,
  work: Work,
  options: RunOptions,
  hear: (event: RunEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  await new Runner(store, work, options, hear, signal).run()
}

class Runner {
  readonly #store: Store
  readonly #work: Work
  readonly #options: RunOptions
  readonly #hear: (event: RunEvent) => void
  readonly #signal: AbortSignal
  readonly #clock: () => number
  readonly #leaseMs: number
  readonly #pollMs: number
  readonly #owner: string
  readonly #watch: Watch
  readonly #leases: Leases
  readonly #keeper: Keeper
  readonly #owns = new Map<number, Own>()
  readonly #stop = new AbortController()
  #running = 0
  #broken: { readonly error: unknown } | null = null
  #wake: () => void = () => {}
  #woken = false
  /** All that was taken has ended: whether the campaign is over is looked at now, not at the next look. */
  #lookNow = false

  constructor(store: Store, work: Work, options: RunOptions, hear: (event: RunEvent) => void, signal: AbortSignal) {
    this.#store = store
    this.#work = work
    this.#options = options
    this.#hear = hear
    this.#signal = signal
    this.#clock = options.clock ?? Date.now
    this.#leaseMs = options.leaseMs ?? 60_000
    this.#pollMs = options.pollMs ?? Math.min(1000, this.#leaseMs / 10)
    this.#owner = newOwner(options.here)
    this.#watch = new Watch(options.here, this.#leaseMs)
    this.#leases = new Leases(store, this.#owner, this.#leaseMs, this.#clock)
    this.#keeper = new Keeper(store, {
      clock: this.#clock,
      kept: (held, worked, still, over) => {
        const target = this.#leases.drop(held)
        if (this.#running === 0 && this.#leases.count(held.campaign) === 0) this.#lookNow = true
        if (target && still) this.#hear({ kind: 'worked', campaign: held.campaign, target, worked, over })
        this.#go()
      },
      failed: (error) => this.#break(error),
    })
  }

  /** Something went wrong that ends this worker: what is under way is not kept, and stays open in the store. */
  #break(error: unknown): void {
    this.#broken ??= { error }
    this.#stop.abort()
    this.#go()
  }

  #go(): void {
    this.#woken = true
    this.#wake()
  }

  /** Until something happens, or for so long. */
  async #rest(ms: number): Promise<void> {
    if (this.#woken) {
      this.#woken = false
      return
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#woken = false
  }

  async run(): Promise<void> {
    const onAbort = () => {
      this.#stop.abort()
      this.#go()
    }
    if (this.#signal.aborted) onAbort()
    this.#signal.addEventListener('abort', onAbort)
    const beat = setInterval(() => this.#leases.extend().catch((error) => this.#break(error)), this.#leaseMs / 3)
    let polledAt = Number.NEGATIVE_INFINITY
    try {
      for (;;) {
        if (this.#broken) throw this.#broken.error
        if (this.#stop.signal.aborted) break
        if (this.#lookNow || performance.now() - polledAt >= this.#pollMs) {
          this.#lookNow = false
          polledAt = performance.now()
          if (await this.#poll()) break
        }
        const begun = await this.#claim()
        if (begun === 0) await this.#rest(Math.max(10, this.#pollMs - (performance.now() - polledAt)))
      }
    } catch (error) {
      this.#break(error)
    } finally {
      await this.#end()
      clearInterval(beat)
      this.#signal.removeEventListener('abort', onAbort)
    }
    if (this.#broken) throw (this.#broken as { error: unknown }).error
  }

  /** What is under way ends by itself, and is kept. */
  async #end(): Promise<void> {
    while (this.#running > 0) await this.#rest(1000)
    if (!this.#broken) await this.#keeper.flush()
  }

  /** Looks which campaigns run and how far they are. True: the one that this is about is over. */
  async #poll(): Promise<boolean> {
    const { campaign } = this.#options
    const kept = await this.#store.campaigns(campaign === null ? { state: 'running', limit: 1000 } : { id: campaign, limit: 1 })
    const now = this.#clock()
    // Also of campaigns that are over, or that nobody works on any more: what a dead worker holds is kept from every other one.
    for (const id of await this.#store.holding()) {
      const known = kept.find((c) => c.id === id) ?? (await this.#store.campaigns({ id, limit: 1 }))[0]
      await this.#takeBack(id, known ?? null)
    }
    for (const own of [...this.#owns.keys()]) if (!kept.some((c) => c.id === own && c.state === 'running')) this.#owns.delete(own)
    // The oldest first.
    for (const c of kept.toReversed()) {
      if (c.state !== 'running') {
        if (c.id === campaign) {
          this.#hear({ kind: 'state', campaign: c.id, state: c.state, because: c.because })
          return true
        }
        continue
      }
      const known = this.#owns.get(c.id)
      const running = { ...c, settings: settingsOf(c.settings) }
      const wrong = unfit(running.settings)
      if (wrong !== null) {
        const because = `Its setting ${wrong} cannot be read: another version of slmctl made it, or somebody else.`
        if (await this.#store.setCampaign(c.id, { state: 'stopped', because, at: now }))
          this.#hear({ kind: 'state', campaign: c.id, state: 'stopped', because })
        if (c.id === campaign) return true
        continue
      }
      if (known) {
        // A share that goes first was asked for meanwhile, or is no longer.
        if (JSON.stringify(known.campaign.settings.canary) !== JSON.stringify(running.settings.canary))
          known.canary = running.settings.canary ? 'first' : 'none'
        known.campaign = running
      } else {
        await this.#store.learn()
        this.#owns.set(c.id, {
          campaign: running,
          canary: running.settings.canary ? 'first' : 'none',
          restUntil: new Map(),
        })
      }
      const own = this.#owns.get(c.id)!
      if (await this.#look(own, now)) return c.id === campaign
    }
    return false
  }

  /** Machines of workers that are gone wait again, or are taken out where their campaign is over. */
  async #takeBack(id: number, campaign: Campaign | null): Promise<void> {
    // No claim is under way here, so that every lease of ours is known.
    const ours = this.#leases.count(id)
    const leases = await this.#store.leases(id)
    if ((leases.find((l) => l.owner === this.#owner)?.machines ?? 0) > ours) await this.#leases.giveBackUnheard(id)
    const others = leases.filter((l) => l.owner !== this.#owner)
    // A call that was sent just before its sender died may still be at work on the machine.
    const quietMs = campaign !== null && campaign.kind !== 'apply' ? 0 : this.#leaseMs
    // Due by every clock: those of workers differ.
    const dueAt = campaign?.state === 'running' ? Math.min(campaign.createdAt, this.#clock()) : this.#clock()
    for (const gone of this.#watch.gone(others, id, performance.now(), quietMs))
      if ((await this.#store.takeBack({ campaign: id, ...gone, dueAt })) > 0) for (const own of this.#owns.values()) own.restUntil.clear()
  }

  /** Whether the canary is over, and whether the campaign is; true where it has ended or was stopped. */
  async #look(own: Own, now: number): Promise<boolean> {
    const { campaign } = own
    const { settings } = campaign
    const end = async (state: 'finished' | 'stopped', because: string | null) => {
      // Results that are not in the store yet are kept before anybody hears that it is over.
      await this.#keeper.flush()
      if (await this.#store.setCampaign(campaign.id, { state, because, at: now }))
        this.#hear({ kind: 'state', campaign: campaign.id, state, because })
      this.#owns.delete(campaign.id)
      return true
    }
    if (own.canary === 'first' && settings.canary) {
      const upTo = await this.#store.positionOf(campaign.id, settings.canary.machines)
      const first = await this.#store.left({ campaign: campaign.id, upTo, sites: null })
      const verdict = canaryOver(first, settings.canary)
      if (typeof verdict === 'object') return await end('stopped', verdict.stop)
      if (verdict === 'go') own.canary = 'over'
    }
    const { leased, waits, nextDueAt } = await this.#store.standing(campaign.id)
    if (leased === 0 && !waits && own.canary !== 'first') return await end('finished', null)
    if (settings.window && !isOpen(settings.window, now))
      this.#hear({ kind: 'waiting', campaign: campaign.id, until: opensAt(settings.window, now), why: 'window' })
    else if (nextDueAt !== null && nextDueAt > now + this.#pollMs)
      this.#hear({ kind: 'waiting', campaign: campaign.id, until: nextDueAt, why: 'retry' })
    return false
  }

  /** Takes machines for the places that are free, location by location, and begins with them; answers how many. */
  async #claim(): Promise<number> {
    let begun = 0
    const now = this.#clock()
    for (const own of this.#owns.values()) {
      const { settings, id } = own.campaign
      if (settings.window && !isOpen(settings.window, now)) continue
      const upTo = own.canary === 'first' && settings.canary ? await this.#store.positionOf(id, settings.canary.machines) : null
      for (const location of this.#served(own)) {
        const free = this.#options.parallel - this.#running
        // A claim is a transaction, and is made for several places at once where there are many.
        const { parallel } = this.#options
        if (free <= 0 || (this.#running > 0 && free < (parallel <= 16 ? 1 : parallel / 4))) return begun
        if ((own.restUntil.get(location.name) ?? 0) > performance.now()) continue
        const limited = location.atOnce !== null || settings.atOnce !== null
        const sentAt = performance.now()
        const targets = await this.#store.claimTargets({
          campaign: id,
          site: location.name,
          owner: this.#owner,
          limit: free,
          now,
          leaseMs: this.#leaseMs,
          mostAtOnce: location.atOnce,
          mostInAll: settings.atOnce,
          upTo,
        })
        if (targets.length < free) own.restUntil.set(location.name, performance.now() + (limited ? 50 : this.#pollMs))
        for (const target of targets) this.#begin(own.campaign, target, sentAt, limited)
        begun += targets.length
      }
    }
    return begun
  }

  #served(own: Own) {
    const { serves } = this.#options
    const { locations } = own.campaign.settings
    return serves === null ? locations : locations.filter((l) => serves.includes(l.name))
  }

  #begin(campaign: RunningCampaign, target: Target, claimedAt: number, limited: boolean): void {
    this.#running++
    this.#leases.hold(target, claimedAt)
    const finished = (worked: Worked) => {
      // A lease that was lost: the machine is somebody else's, and so is the answer.
      if (this.#leases.isOurs(target)) this.#keeper.add({ held: target, settings: campaign.settings, worked }, limited)
      else this.#leases.drop(target)
    }
    this.#work(target, {
      campaign,
      held: target,
      mayStill: () => this.#leases.mayStill(target),
      activations: (count) => this.#activations(campaign.id, count),
      signal: this.#stop.signal,
    })
      .then(finished, (error) => this.#break(error))
      .finally(() => {
        this.#running--
        if (this.#running === 0) this.#keeper.hurry()
        this.#go()
      })
  }

  /** Reserves a place in the campaign's rate, and waits for it: as long as the campaign runs, and its window is open. */
  async #activations(id: number, count: number): Promise<boolean> {
    const may = () => {
      const settings = this.#owns.get(id)?.campaign.settings
      return settings !== undefined && !this.#stop.signal.aborted && (!settings.window || isOpen(settings.window, this.#clock()))
    }
    const perMinute = this.#owns.get(id)?.campaign.settings.activationsPerMinute ?? null
    if (perMinute === null || count === 0) return !this.#stop.signal.aborted
    const now = this.#clock()
    const at = await this.#store.reserveActivations({ campaign: id, count, everyMs: Math.ceil(60_000 / perMinute), now })
    const until = performance.now() + (at - now)
    while (performance.now() < until && may())
      await new Promise((resolve) => setTimeout(resolve, Math.min(200, Math.max(1, until - performance.now()))))
    return may()
  }
}
