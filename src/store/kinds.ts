/**
 * Kinds of products, each kept once: a fleet has a million products and some thousand kinds, so that all of them are counted by one
 * small index. Writes `product_kind`.
 */
import { type Kysely, sql } from 'kysely'
import type { Application, Channel, Method, Origin, State } from '../model.ts'
import { giveIds, idsOnce, keepHashed } from './kept-once.ts'
import { untilFactsChange } from './marks.ts'
import type { Database, ProductKindRow, Tables } from './tables.ts'

export type Kind = Omit<ProductKindRow, 'id' | 'key'>

/** A kind as a text, the same for the same kind. */
export const kindText = (k: Omit<Kind, 'system'>, system: string | null) =>
  JSON.stringify([k.name, k.application, k.edition, k.add_on, system, k.channel, k.method, k.state, k.origin, k.host])

const keep = keepHashed<Kind>('product_kind')

/** The ids of kinds, by their texts. */
export const kindIds = idsOnce(50_000, keep)

/** Gives each product of an older store its kind. */
export const giveKinds = (db: Kysely<Tables>): Promise<void> =>
  giveIds(
    db,
    'kind_id',
    (last) =>
      db
        .selectFrom('product')
        .innerJoin('machine', 'machine.id', 'product.machine_id')
        .select(['machine_id', 'product.key', 'product.name', 'application', 'edition', 'add_on', 'channel', 'method', 'state', 'host'])
        .select(['product.origin', 'machine.system'])
        .where((e) => e(e.refTuple('product.machine_id', 'product.key'), '>', e.tuple(last[0], last[1])))
        .orderBy('machine_id')
        .orderBy('product.key')
        .limit(1000)
        .execute(),
    ({ machine_id: _machine, key: _key, ...row }) => ({ text: kindText(row, row.system), row }),
    keep,
  )

/** Products of listed machines that are alike, and how many. */
export type ProductGroup = {
  readonly name: string | null
  readonly application: Application
  readonly edition: string | null
  readonly addOn: boolean
  /** The operating system, as it was read with the product. */
  readonly system: string | null
  readonly channel: Channel
  readonly method: Method
  readonly state: State
  readonly origin: Origin
  readonly host: string | null
  readonly count: number
}

/** All products of listed machines, by kind: what an audit counts. Counted anew when anything of the fleet is different. */
export function byOrigin(database: Database): Promise<readonly ProductGroup[]> {
  return untilFactsChange(database, 'kinds', async () => {
    const rows = await database.db
      .selectFrom((e) =>
        e
          .selectFrom('product')
          .select(['kind_id', (f) => f.fn.countAll<number>().as('n')])
          .where('present', '=', sql.lit(1))
          .groupBy('kind_id')
          .as('c'),
      )
      .innerJoin('product_kind as k', 'k.id', 'c.kind_id')
      .select(['k.name', 'application', 'edition', 'add_on', 'system', 'channel', 'method', 'state', 'origin', 'host', 'c.n'])
      .orderBy('k.id')
      .execute()
    return rows.map(({ add_on, n, ...r }) => ({
      ...r,
      application: r.application as Application,
      addOn: add_on === 1,
      channel: r.channel as Channel,
      method: r.method as Method,
      state: r.state as State,
      origin: r.origin as Origin,
      count: n,
    }))
  })
}

/** Products for a metric: without names and systems, and of so many hosts at most. */
export type ProductMetric = Pick<ProductGroup, 'application' | 'state' | 'channel' | 'origin' | 'host' | 'count'>
const hostsMost = 200

/** Products of listed machines by what metrics tell apart; `host` is `*` for all hosts but the 200 that most products name. */
export async function productMetrics(database: Database): Promise<readonly ProductMetric[]> {
  const groups = await byOrigin(database)
  const hosts = new Map<string, number>()
  for (const g of groups) if (g.host !== null) hosts.set(g.host, (hosts.get(g.host) ?? 0) + g.count)
  const shown = new Set(
    [...hosts]
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .slice(0, hostsMost)
      .map(([host]) => host),
  )
  const sums = new Map<string, ProductMetric>()
  for (const { application, state, channel, origin, ...g } of groups) {
    const host = g.host === null || shown.has(g.host) ? g.host : '*'
    const key = JSON.stringify([application, state, channel, origin, host])
    sums.set(key, { application, state, channel, origin, host, count: (sums.get(key)?.count ?? 0) + g.count })
  }
  return [...sums.values()]
}
