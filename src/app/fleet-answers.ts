/** Answers about a fleet, out of what is kept: the same for the command line and for the API. */
import type { ExpiringLine, History, MachineCard, Page, PageWish, Store } from '../store.ts'
import { dayMs, days, filtered, filterOf, type Words } from './filter.ts'

/** As many changes of one machine as anybody reads. */
const historyMax = 200

/** What became of a machine, newest first: schema `slmctl.fleet-history/1`. */
export async function historyAnswer({ id, name }: Pick<MachineCard, 'id' | 'name'>, store: Store) {
  const told: History = await store.history(id, historyMax)
  return { schema: 'slmctl.fleet-history/1' as const, machine: name, ...told }
}

/** What ends soon: within how many days, and of which machines. */
export type Expiring = {
  readonly inDays: number
  readonly page: (wish: PageWish) => Promise<Page<ExpiringLine>>
}

/** What ends soon, soonest first: of the whole fleet, or of the machines that filters mean. Throws USAGE. */
export function expiringOf(store: Store, words: Words, now: number): Expiring {
  const inDays = words.days === undefined ? 30 : days(words, 'days')
  const { days: _, ...others } = words
  const filter = filterOf(others, now)
  const meant = filtered(others) ? filter : null
  const when = { from: now, before: now + inDays * dayMs }
  return { inDays, page: (wish) => store.expiring(when, wish, meant) }
}
