/** The first page: what needs somebody today, and the fleet in numbers as it is known; nothing is asked of anybody. */
import type { Site } from '../model.ts'
import type { Store } from '../store.ts'
import { type FleetSummary, summaryOf } from './fleet-summary.ts'
import { keptHosts, type SeenHost } from './kept-hosts.ts'
import type { Need } from './need.ts'
import { type NeedLimits, needsOf, renewingDays, usualLimits } from './needs.ts'

export type Today = {
  readonly schema: 'slmctl.fleet-today/1'
  readonly at: number
  readonly organisation: string | null
  /** Worst first. */
  readonly needs: readonly Need[]
  readonly summary: FleetSummary
  /** Products by the day on which they end, if nothing renews them; `from`: the beginning of the first day, UTC. */
  readonly expiry: { readonly from: number; readonly days: readonly number[]; readonly ended: number }
  readonly changes: {
    readonly since: number
    readonly counts: Awaited<ReturnType<Store['countChanges']>>
    readonly rows: Awaited<ReturnType<Store['changes']>>['rows']
  }
  readonly hosts: readonly SeenHost[]
  readonly scanned: Awaited<ReturnType<Store['scanned']>>
}

const dayMs = 86_400_000
/** As long as an activation by KMS holds. */
const expiryDays = 180
/** As many changes as a first page shows. */
const changesShown = 50

/** Ends are whole minutes: from the next one on is from now on, and the store counts it once a minute. */
export const fromNow = (now: number): number => Math.ceil(now / 60_000) * 60_000

/** What is known of a fleet at `now`. `limits`: what is soon and what is long since. */
export async function todayOf(store: Store, site: Site | null, now: number, limits: NeedLimits = usualLimits): Promise<Today> {
  const from = now - (now % dayMs)
  const since = now - dayMs
  const hosts = await keptHosts(store, site, now)
  const [summary, expiry, next, counts, { rows }, scanned] = await Promise.all([
    summaryOf(store, null, now),
    store.expiry(from, expiryDays),
    store.expiry(fromNow(now), Math.max(renewingDays, limits.endingDays)),
    store.countChanges(since),
    store.changes(since, { limit: changesShown, after: null }),
    store.scanned(),
  ])
  return {
    ...{ schema: 'slmctl.fleet-today/1', at: now, organisation: site?.organisation ?? null },
    needs: await needsOf(store, site, { now, hosts, endsIn: next.days, ended: next.ended }, limits),
    ...{ summary, expiry: { from, ...expiry }, changes: { since, counts, rows }, hosts, scanned },
  }
}
