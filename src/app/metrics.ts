/** A fleet in plain numbers, for whoever draws lines of them. Times are ms since 1970; nothing is asked of any machine. */
import type { Application, Channel, Origin, Site, State, Verdict } from '../model.ts'
import type { Store } from '../store.ts'
import { campaignState } from './campaign-state.ts'
import { keptHosts, type SeenHost, standingOf } from './kept-hosts.ts'
import { fromNow } from './today.ts'

/** Numbers up to each bound, each with all before it; `count` is all of them, also those above the last bound. */
export type Histogram = {
  readonly buckets: readonly { readonly upTo: number; readonly count: number }[]
  readonly count: number
  /** Of all values; null: not known. */
  readonly sum: number | null
}

export type ProductsCounted = {
  readonly application: Application
  readonly channel: Channel
  readonly state: State
  readonly origin: Origin
  readonly count: number
}

export type HostMetrics = {
  readonly name: string
  readonly port: number
  readonly declared: boolean
  /** Whether it answers, by its port or by its own word; null: nobody checked, or nothing could be tried. */
  readonly up: boolean | null
  /** The verdict of the latest check; null: never checked. */
  readonly state: Verdict | null
  readonly checkedAt: number | null
  /** Machines of the fleet that name it, by the kind of product. */
  readonly clients: readonly { readonly application: Application; readonly machines: number; readonly licensed: number }[]
  /** One for each KMS host key. `count` null: it did not tell. */
  readonly groups: readonly {
    readonly application: Application
    readonly name: string | null
    /** Tells the keys of a host from each other: the last five characters, mostly. */
    readonly key: string
    readonly count: number | null
    readonly at: number
    /** Requests since the key was installed. */
    readonly total: number | null
    readonly failed: number | null
    /** What the count must reach; `of`: Windows Server, client Windows, Office. */
    readonly thresholds: readonly { readonly of: string; readonly count: number }[]
  }[]
}

export type CampaignMetrics = {
  readonly id: number
  readonly kind: 'scan' | 'plan' | 'apply'
  readonly state: 'running' | 'stopped' | 'cancelled' | 'finished'
  readonly machines: number
  readonly byState: Readonly<Record<'waiting' | 'retrying' | 'running' | 'done' | 'failed' | 'cancelled', number>>
}

export type Metrics = {
  readonly at: number
  readonly store: { readonly kind: 'sqlite' | 'postgres' }
  readonly machines: {
    readonly listed: number
    readonly vanished: number
    /** Listed, and never answered. */
    readonly never: number
    /** Could not be asked at the last try. */
    readonly unasked: number
    /** Every word is there, also with 0: together with `never` they are `listed`. */
    readonly byVerdict: Readonly<Record<Verdict, number>>
    readonly byOrigin: Readonly<Record<Origin, number>>
    /** By the code of the Problem, most machines first. */
    readonly byProblem: readonly { readonly problem: string; readonly machines: number }[]
  }
  /** Products that are there now, of listed machines. */
  readonly products: readonly ProductsCounted[]
  /**
   * Products by the KMS host that they name, most first: at most `hostsCounted` names; the others together are `other`. Those that name
   * none are not among them.
   */
  readonly productsByHost: readonly { readonly host: string; readonly state: State; readonly count: number }[]
  /** Days until products end, where they do. `upTo` 0: their end is past. */
  readonly daysLeft: Histogram
  readonly hosts: readonly HostMetrics[]
  /** Those that run or are stopped, and those that ended within a day; the newest first. */
  readonly campaigns: readonly CampaignMetrics[]
  readonly scanned: {
    /** The latest and the oldest answer; null: nobody ever answered. */
    readonly lastAt: number | null
    readonly oldestAt: number | null
    readonly never: number
    /** Seconds since machines answered last; of those that did. */
    readonly age: Histogram
  }
}

/** Bounds of the histograms: days left, and the age of answers in days. */
export const daysLeftBounds = [0, 1, 7, 14, 30, 60, 90, 120, 150, 180] as const
export const ageBoundsDays = [1 / 24, 1, 2, 7, 14, 30, 60, 90, 180] as const
/** More names of hosts than an organisation has hosts, and few enough for a database of time series. */
export const hostsCounted = 50

/** Nothing ends later. */
const never = Date.parse('9999-12-31T00:00:00Z')
const dayMs = 86_400_000
/** As many campaigns as are looked through, newest first. */
const campaignsLooked = 50

/** A fleet in numbers at `now`. */
export async function metricsOf(store: Store, site: Site | null, now: number): Promise<Metrics> {
  const [{ machines, verdict, origin, problem }, groups, expiry, all, hosts, scanned] = await Promise.all([
    store.counts(),
    store.byOrigin(),
    store.expiry(fromNow(now), daysLeftBounds.at(-1)!),
    store.expiry(never, 1),
    keptHosts(store, site, now),
    store.scanned(),
  ])
  const ages = await store.ages(
    now,
    ageBoundsDays.map((days) => days * dayMs),
  )
  return {
    at: now,
    store: { kind: store.kind },
    machines: {
      ...machines,
      byVerdict: { ok: 0, attention: 0, action: 0, 'cannot-tell': 0, ...verdict },
      byOrigin: { own: 0, platform: 0, vendor: 0, 'cannot-tell': 0, suspect: 0, foreign: 0, ...origin },
      byProblem: Object.entries(problem)
        .map(([code, n]) => ({ problem: code, machines: n }))
        .sort((a, b) => b.machines - a.machines || (a.problem < b.problem ? -1 : 1)),
    },
    products: together(groups, ({ application, channel, state, origin }) => ({ application, channel, state, origin })),
    productsByHost: byHost(groups),
    daysLeft: { ...daysLeft(expiry), count: all.ended, sum: null },
    hosts: hosts.map(hostMetrics),
    campaigns: await campaignsOf(store, now),
    scanned: {
      ...scanned,
      age: {
        buckets: ageBoundsDays.map((days, i) => ({ upTo: (days * dayMs) / 1000, count: ages[i]! })),
        count: machines.listed - machines.never,
        sum: (await store.sumOfAges(now)) / 1000,
      },
    },
  }
}

type Group = Awaited<ReturnType<Store['byOrigin']>>[number]

/** Groups that are alike in some traits, counted together, the largest first. */
function together<T extends object>(groups: readonly Group[], traits: (group: Group) => T): (T & { readonly count: number })[] {
  const sums = new Map<string, T & { count: number }>()
  for (const group of groups) {
    const of = traits(group)
    const key = JSON.stringify(of)
    const sum = sums.get(key) ?? { ...of, count: 0 }
    sums.set(key, sum)
    sum.count += group.count
  }
  return [...sums.values()].sort((a, b) => b.count - a.count)
}

function byHost(groups: readonly Group[]): Metrics['productsByHost'] {
  const named = groups.filter((g) => g.host !== null)
  const shown = new Set(
    together(named, ({ host }) => ({ host }))
      .slice(0, hostsCounted)
      .map((h) => h.host),
  )
  return together(named, ({ host, state }) => ({ host: shown.has(host) ? host! : 'other', state }))
}

function daysLeft({ days, ended }: { readonly days: readonly number[]; readonly ended: number }): Pick<Histogram, 'buckets'> {
  const upTo: number[] = [ended]
  for (const n of days) upTo.push(upTo.at(-1)! + n)
  return { buckets: daysLeftBounds.map((bound) => ({ upTo: bound, count: upTo[bound]! })) }
}

function hostMetrics(host: SeenHost): HostMetrics {
  const standing = standingOf(host)
  return {
    ...{ name: host.name, port: host.port, declared: host.declared, state: host.state as Verdict | null, checkedAt: host.checkedAt },
    up: standing === null ? null : standing === 'up',
    clients: host.clients.map(({ application, machines, licensed }) => ({ application, machines, licensed })),
    groups: host.groups.map(({ application, name, key, count, at, total, failed, thresholds }) => ({
      ...{ application, name, key, count, at, total, failed, thresholds },
    })),
  }
}

async function campaignsOf(store: Store, now: number): Promise<readonly CampaignMetrics[]> {
  const found: CampaignMetrics[] = []
  for (const campaign of await store.campaigns({ limit: campaignsLooked })) {
    const open = campaign.state === 'running' || campaign.state === 'stopped'
    if (!open && campaign.changedAt < now - dayMs) continue
    const { id, kind, state, machines, waiting, retrying, running, done, failed, cancelled } = await campaignState(store, campaign)
    found.push({ id, kind, state, machines, byState: { waiting, retrying, running, done, failed, cancelled } })
  }
  return found
}
