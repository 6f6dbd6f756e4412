/** A fleet in plain numbers, for whoever draws lines of them. Times are ms since 1970; nothing is asked of any machine. */
import type { Application, Channel, Origin, State, Verdict } from '../model.ts'

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
  /** True: an RPC server answers; null: it was never tried. */
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
