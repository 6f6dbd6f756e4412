/** Answers about a fleet, out of what is kept: the same for the command line and for the API. */
import type { ExpiringLine, History, MachineCard, Page, PageWish, Store } from '../store.ts'
import { dayMs, days, filtered, filterOf, text, usage, type Words } from './filter.ts'

/** As many changes of one machine as anybody reads. */
const historyMax = 200

/** What became of a machine, newest first: schema `slmctl.fleet-history/1`. */
export async function historyAnswer({ id, name }: Pick<MachineCard, 'id' | 'name'>, store: Store) {
  const told: History = await store.history(id, historyMax)
  return { schema: 'slmctl.fleet-history/1' as const, machine: name, ...told }
}

/** What ends within some days: from now on, or from the beginning of a day in UTC. */
export type Expiring = {
  readonly inDays: number
  /** The first of the days, `2026-12-01`; null: from now on. */
  readonly from: string | null
  readonly page: (wish: PageWish) => Promise<Page<ExpiringLine>>
}

/**
 * What ends soon, soonest first: of the whole fleet, or of the machines that filters mean. `days`: within so many days from now (30);
 * with `from`, a day in UTC, so many whole days from 00:00 of that day on, whether they are past or to come. Throws USAGE.
 */
export function expiringOf(store: Store, words: Words, now: number): Expiring {
  const inDays = words.days === undefined ? 30 : days(words, 'days')
  const first = text(words, 'from')
  const { days: _, from: __, ...others } = words
  const filter = filterOf(others, now)
  const meant = filtered(others) ? filter : null
  const from = first === null ? now : beginOf(first)
  const when = { from, before: from + inDays * dayMs }
  return { inDays, from: first, page: (wish) => store.expiring(when, wish, meant) }
}

/** The beginning of a day in UTC, ms. Throws USAGE. */
function beginOf(day: string): number {
  const at = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN
  // 2026-02-31 is the third of March to some, and no day to us.
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== day)
    throw usage(`--from ${day.slice(0, 60)}: expected a day.`, '--from 2026-12-01 --days 1')
  return at
}
