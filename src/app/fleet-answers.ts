/** Answers about a fleet, out of what is kept: the same for the command line and for the API. */
import type { ExpiringLine, Filter, History, MachineCard, Page, PageWish, Store } from '../store.ts'
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

/**
 * What ends soon, soonest first: of the whole fleet, or of the machines that filters mean. A page may have fewer rows than are wished,
 * and still another behind it. Throws USAGE.
 */
export async function expiringOf(store: Store, words: Words, now: number): Promise<Expiring> {
  const inDays = words.days === undefined ? 30 : days(words, 'days')
  const { days: _, ...others } = words
  const filter = filterOf(others, now)
  const meant = filtered(others) ? new Set(await store.ids(filter)) : null
  const when = { from: now, before: now + inDays * dayMs }
  const page = async ({ limit, after }: PageWish): Promise<Page<ExpiringLine>> => {
    if (meant === null) return await store.expiring(when, { limit, after })
    const rows: ExpiringLine[] = []
    let next = after
    do {
      const part: Page<ExpiringLine> = await store.expiring(when, { limit: limit - rows.length, after: next })
      rows.push(...part.rows.filter((line) => meant.has(line.machine) && fits(line, filter)))
      next = part.next
      // What is left of a page would be asked for row by row.
    } while (next !== null && rows.length < limit / 2)
    return { rows, next }
  }
  return { inDays, page }
}

/** A filter about a product means the product that ends, not another one on the same machine. */
function fits(line: ExpiringLine, filter: Filter): boolean {
  if (filter.state && !filter.state.includes(line.state)) return false
  if (filter.host !== undefined && line.host !== filter.host.toLowerCase().replace(/\.$/, '')) return false
  return filter.product === undefined || (line.product ?? '').toLowerCase().includes(filter.product.toLowerCase())
}
