import { numberOf } from '../catalogue.ts'
import type { HostRemark } from './judge.ts'
import type { HostGroup } from './said.ts'

/** A count of a host as it stood from one time to another (ms). */
export type CountPoint = { readonly from: number; readonly last: number; readonly count: number }

/** Machines that use a host. Times are ms. */
export type Users = {
  /** `log`: the host's own; `fleet`: what the machines of the fleet say. */
  readonly from: 'log' | 'fleet'
  /** How many days it reaches back; less than 30: it knows of fewer machines than the host counts. */
  readonly days: number
  /** When each of them asked last, as far as it is known; null: not. */
  readonly machines: readonly (number | null)[]
}

/** A threshold that a count falls below; `at`: from when, ISO date. `surely` false: only where the host counts no more than it can show. */
export type Fall = { readonly of: string; readonly count: number; readonly at: string; readonly surely: boolean }

/** What is to be expected of one host key's count. */
export type GroupForecast = {
  readonly name: string
  readonly application: HostGroup['application']
  readonly count: number | null
  /** The highest that the count can be: there it says "or more". */
  readonly most: number
  readonly thresholds: readonly { readonly of: string; readonly count: number; readonly spare: number | null }[]
  /** Oldest first. */
  readonly history: readonly { readonly from: string; readonly last: string; readonly count: number }[]
  readonly users: null | {
    readonly from: Users['from']
    readonly days: number
    readonly machines: number
    /** Those that did not ask for longer than two renewals take; null where their times are not known. */
    readonly quiet: number | null
  }
  /** If it goes on as it did. */
  readonly trend: null | { readonly perWeek: number; readonly falls: readonly Fall[] }
  /** If the quiet ones do not come back. */
  readonly quiet: null | { readonly left: number; readonly by: string; readonly falls: readonly Fall[] }
  /** If so many machines never ask again. `left`: at least so many, where `surely` is false. */
  readonly retire: null | {
    readonly machines: number
    readonly left: number
    readonly surely: boolean
    readonly by: string
    readonly falls: readonly Fall[]
  }
}

/** Days: how long a host counts a machine, between two renewals of a machine, and how long an activation holds. */
export const countDays = {
  remembered: numberOf('count.windowDays'),
  renewal: numberOf('renewal.defaultMinutes') / 1440,
  valid: numberOf('validity.days'),
} as const

const dayMs = 86_400_000
const { remembered } = countDays
/** Two renewals: a machine that is on asks in that time. */
const quietMs = 2 * countDays.renewal * dayMs
const mostWindows = numberOf('count.maxWithClients')
const mostOffice = numberOf('count.maxOffice')
/** A slope is told from noise by so many checks over so many days, and is told no further than a year. */
const trendPoints = 3
const trendDays = 7
const trendBackDays = 90
const trendAheadDays = 365

const date = (ms: number) => new Date(ms).toISOString().slice(0, 10)
const second = (ms: number) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z')

/** What one of a host's keys is called, in a history as well as now. */
export const groupName = (g: { readonly release: string | null; readonly name: string | null; readonly application: string }): string =>
  g.release ?? g.name ?? `a host key for ${g.application}`

/**
 * What is to be expected of a count. A host counts each machine that asked within 30 days, and shows no more than 50 (Office: 10):
 * at that mark the count says nothing of how many more there are, and only its users do.
 */
export function forecastOf(
  group: HostGroup,
  found: { readonly history: readonly CountPoint[]; readonly users: Users | null; readonly retire: number | null; readonly now: number },
): GroupForecast {
  const { now, retire } = found
  const most = group.application === 'office' ? mostOffice : mostWindows
  const users = found.users && inTime(found.users, now)
  const { count } = group
  return {
    ...{ name: groupName(group), application: group.application, count, most },
    thresholds: group.thresholds.map((t) => ({ ...t, spare: count === null ? null : count - t.count })),
    history: found.history.map((p) => ({ from: second(p.from), last: second(p.last), count: p.count })),
    users: users && { from: users.from, days: users.days, machines: users.machines.length, quiet: quietOf(users, now)?.length ?? null },
    trend: count === null || count >= most ? null : trendOf(found.history, group, count, now),
    quiet: withoutQuiet(group, users, now),
    retire: retire === null || count === null ? null : without(group, count, most, users, retire, now),
  }
}

/** Users whose last request is known to be older than a host remembers are none of its count. */
function inTime(users: Users, now: number): Users {
  return { ...users, machines: users.machines.filter((at) => at === null || at > now - remembered * dayMs) }
}

function quietOf(users: Users, now: number): number[] | null {
  const known = users.machines.filter((at) => at !== null)
  return known.length === 0 && users.machines.length > 0 ? null : known.filter((at) => at < now - quietMs)
}

/** Each threshold that a count is below and was not. */
const below = (group: HostGroup, before: number, after: number, at: number, surely = true): Fall[] =>
  group.thresholds.filter((t) => before >= t.count && after < t.count).map((t) => ({ of: t.of, count: t.count, at: date(at), surely }))

/** The quiet ones fall out one after another, each 30 days after it asked last. */
function withoutQuiet(group: HostGroup, users: Users | null, now: number): GroupForecast['quiet'] {
  const quiet = users && quietOf(users, now)
  if (!users || !quiet || quiet.length === 0 || users.days < remembered - 1) return null
  const leave = quiet.toSorted((a, b) => a - b).map((at) => at + remembered * dayMs)
  const all = users.machines.length
  return {
    left: all - quiet.length,
    by: date(leave.at(-1)!),
    falls: group.thresholds.flatMap((t) => {
      // The machine with whose going the count is below.
      const gone = leave[all - t.count]
      return all >= t.count && gone !== undefined ? [{ of: t.of, count: t.count, at: date(gone), surely: true }] : []
    }),
  }
}

/** So many never ask again. Which ones, nobody said: the host forgets the last of them 30 days from now at the latest. */
function without(group: HostGroup, count: number, most: number, users: Users | null, retire: number, now: number): GroupForecast['retire'] {
  const all = Math.max(count, users?.machines.length ?? 0)
  // At its highest mark the host may count any number, unless its log or the fleet tells.
  const surely = count < most || (users !== null && users.machines.length >= count && users.days >= remembered - 1)
  const left = Math.max(0, all - retire)
  const by = now + remembered * dayMs
  return { machines: retire, left, surely, by: date(by), falls: below(group, all, left, by, surely) }
}

/** A straight line through what was counted (least squares); null where it does not fall, or too little is known. */
function trendOf(history: readonly CountPoint[], group: HostGroup, count: number, now: number): GroupForecast['trend'] {
  const points = history
    .flatMap(
      (p) =>
        (p.from === p.last
          ? [[p.from, p.count]]
          : [
              [p.from, p.count],
              [p.last, p.count],
            ]) as [number, number][],
    )
    .filter(([at]) => at >= now - trendBackDays * dayMs)
    .map(([at, n]) => [(at - now) / dayMs, n] as const)
  const first = points[0]
  if (points.length < trendPoints || first === undefined || points.at(-1)![0] - first[0] < trendDays) return null
  const mean = (of: (p: readonly [number, number]) => number) => points.reduce((sum, p) => sum + of(p), 0) / points.length
  const [x, y] = [mean((p) => p[0]), mean((p) => p[1])]
  const spread = mean((p) => (p[0] - x) ** 2)
  const perDay = spread === 0 ? 0 : mean((p) => (p[0] - x) * (p[1] - y)) / spread
  if (perDay > -0.02) return null
  return {
    perWeek: Math.round(perDay * 70) / 10,
    falls: group.thresholds.flatMap((t) => {
      const days = (count - (t.count - 1)) / -perDay
      return count >= t.count && days <= trendAheadDays ? [{ of: t.of, count: t.count, at: date(now + days * dayMs), surely: false }] : []
    }),
  }
}

/** What a forecast makes remarkable. */
export function aboutForecast(f: GroupForecast): HostRemark[] {
  const remarks: HostRemark[] = []
  const list = (falls: readonly Fall[]) => falls.map((x) => `the ${x.count} that ${x.of} needs on ${x.at}`).join(' and ')
  const next = ['See which machines are gone for good, and let others ask it; a few are better served by Active Directory or a MAK.']
  if (f.trend && f.trend.falls.length > 0)
    remarks.push({
      severity: 'attention',
      summary: `${f.name}: the count falls by ${-f.trend.perWeek} a week; if that goes on, it is below ${list(f.trend.falls)}.`,
      next,
    })
  if (f.quiet && f.quiet.falls.length > 0)
    remarks.push({
      severity: 'attention',
      summary: `${f.name}: ${f.users!.quiet} machines did not ask for two renewals; if they do not come back, the count is below ${list(f.quiet.falls)}.`,
      next,
    })
  return remarks
}
