/**
 * What is remarked about activations that are not plainly in order, each remark once: a fleet has thousands of such products and some
 * dozens of reasons, so that machines are counted by what they have in common. Writes `remark`.
 */
import { type Kysely, sql } from 'kysely'
import {
  type Application,
  type AuditRemark,
  type Channel,
  type Evidence,
  type HostFound,
  isRemarked,
  type Method,
  type Product,
} from '../model.ts'
import { giveIds, idsOnce, keepHashed } from './kept-once.ts'
import { keyOf, type Page, type PageWish, sizeOf } from './list.ts'
import { untilFactsChange } from './marks.ts'
import { indexed, indexedOrNull, pageKey, strings } from './parts.ts'
import type { Database, RemarkRow, Tables } from './tables.ts'

/** What is said of a product, and of which host; bounded in length. */
export type RemarkTexts = Omit<RemarkRow, 'id' | 'key'>

/** What is remarked of a product; null: nothing. An activation by an object of the directory is about no host. */
export function remarkOf(p: Pick<Product, 'state' | 'origin' | 'originBecause' | 'originHonest' | 'method' | 'kms'>): RemarkTexts | null {
  if (!isRemarked(p)) return null
  return {
    origin: p.origin,
    because: indexed(p.originBecause),
    honest: indexedOrNull(p.originHonest),
    host: p.method === 'adba' ? null : indexedOrNull(p.kms?.host?.toLowerCase().replace(/\.$/, '') ?? null),
  }
}

export const remarkText = (r: RemarkTexts) => JSON.stringify([r.origin, r.because, r.honest, r.host])

const keep = keepHashed<RemarkTexts>('remark')

/** The ids of remarks, by their texts. */
export const remarkIds = idsOnce(10_000, keep)

/** Gives the products of an older store their remarks; it kept no explanations, the next answer of a machine brings them. */
export const giveRemarks = (db: Kysely<Tables>): Promise<void> =>
  giveIds(
    db,
    'remark_id',
    (last) =>
      db
        .selectFrom('product')
        .select(['machine_id', 'key', 'origin', 'state', 'method', 'host', 'origin_because'])
        .where('origin', 'in', ['foreign', 'suspect', 'cannot-tell'])
        .where((e) => e(e.refTuple('machine_id', 'key'), '>', e.tuple(last[0], last[1])))
        .orderBy('machine_id')
        .orderBy('key')
        .limit(1000)
        .execute(),
    ({ origin, state, method, host, origin_because }) => {
      if (!isRemarked({ origin, state } as Pick<Product, 'origin' | 'state'>)) return null
      const row = { origin, because: indexed(origin_because), honest: null, host: method === 'adba' ? null : host }
      return { text: remarkText(row), row }
    },
    keep,
  )

/** Products of one kind in a remark; `hostFound`: where their host's name comes from. */
export type RemarkedKind = {
  readonly name: string | null
  readonly application: Application
  readonly edition: string | null
  readonly addOn: boolean
  readonly system: string | null
  readonly channel: Channel
  readonly method: Method
  readonly hostFound: HostFound | null
  readonly count: number
}

/** One remark, with everything that it is about. */
export type Remarked = {
  readonly remark: number
  readonly origin: AuditRemark['origin']
  readonly because: string
  readonly honest: string | null
  readonly host: string | null
  /** Listed machines, each once. */
  readonly machines: number
  /** The kinds of product, those that most machines have first. */
  readonly kinds: readonly RemarkedKind[]
  /** The first machines, at most five, each with one of its products. */
  readonly examples: readonly RemarkExample[]
}
export type RemarkExample = {
  readonly machine: number
  readonly name: string
  readonly evidence: readonly Evidence[]
  readonly next: readonly string[]
}
type Counted = Omit<Remarked, 'examples'>

const examplesMost = 5

/** Remarks about listed machines: one origin after the other in the order given, of each those about most machines first. */
export async function remarks(database: Database, origins: readonly AuditRemark['origin'][], wish: PageWish): Promise<Page<Remarked>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['number', 'number', 'number'])
  const keyed = (await counted(database))
    .map((r) => ({ r, key: [origins.indexOf(r.origin), -r.machines, r.remark] as const }))
    .filter(({ key }) => key[0] >= 0)
    .sort((a, b) => compare(a.key, b.key))
  const rest = after ? keyed.filter(({ key }) => compare(key, after as readonly number[]) > 0) : keyed
  const page = rest.slice(0, limit)
  const rows: Remarked[] = []
  for (const { r } of page) rows.push({ ...r, examples: await examplesOf(database.db, r.remark) })
  return { rows, next: rest.length > limit ? pageKey(page.at(-1)!.key) : null }
}

const compare = (a: readonly number[], b: readonly number[]) => a[0]! - b[0]! || a[1]! - b[1]! || a[2]! - b[2]!

/** All of them, counted anew when anything of the fleet is different. */
function counted(database: Database): Promise<readonly Counted[]> {
  return untilFactsChange(database, 'remarks', async () => {
    const { db } = database
    const rows = await db
      .selectFrom((e) =>
        e
          .selectFrom('product')
          .select(['remark_id', sql<number>`count(distinct machine_id)`.as('machines')])
          .where('present', '=', sql.lit(1))
          .where('remark_id', 'is not', null)
          .groupBy('remark_id')
          .as('c'),
      )
      .innerJoin('remark as r', 'r.id', 'c.remark_id')
      .select(['r.id', 'r.origin', 'r.because', 'r.honest', 'r.host', 'c.machines'])
      .execute()
    const kinds = await remarkedKinds(db)
    return rows.map(({ id, origin, ...r }) => ({ remark: id, origin: origin as Counted['origin'], ...r, kinds: kinds.get(id) ?? [] }))
  })
}

async function remarkedKinds(db: Kysely<Tables>): Promise<ReadonlyMap<number, RemarkedKind[]>> {
  const rows = await db
    .selectFrom((e) =>
      e
        .selectFrom('product')
        .select(['remark_id', 'kind_id', 'host_found', (f) => f.fn.countAll<number>().as('n')])
        .where('present', '=', sql.lit(1))
        .where('remark_id', 'is not', null)
        .groupBy(['remark_id', 'kind_id', 'host_found'])
        .as('c'),
    )
    .innerJoin('product_kind as k', 'k.id', 'c.kind_id')
    .select(['c.remark_id', 'c.host_found', 'c.n', 'k.name', 'application', 'edition', 'add_on', 'system', 'channel', 'method'])
    .orderBy('c.n', 'desc')
    .orderBy('k.id')
    .orderBy('c.host_found')
    .execute()
  const of = new Map<number, RemarkedKind[]>()
  for (const r of rows) {
    const kind: RemarkedKind = {
      ...{ name: r.name, application: r.application as Application, edition: r.edition, addOn: r.add_on === 1, system: r.system },
      ...{ channel: r.channel as Channel, method: r.method as Method, hostFound: r.host_found as HostFound | null, count: r.n },
    }
    const mine = of.get(r.remark_id!)
    if (mine) mine.push(kind)
    else of.set(r.remark_id!, [kind])
  }
  return of
}

async function examplesOf(db: Kysely<Tables>, remark: number): Promise<readonly RemarkExample[]> {
  const rows = await db
    .selectFrom('product as p')
    .innerJoin('machine', 'machine.id', 'p.machine_id')
    .select(['p.machine_id as machine', 'machine.name', 'p.evidence', 'p.next'])
    .where('p.present', '=', sql.lit(1))
    .where('p.remark_id', '=', remark)
    .orderBy('p.machine_id')
    .orderBy('p.kind_id')
    // A machine may have several products of one remark.
    .limit(examplesMost * 4)
    .execute()
  const first = new Map<number, (typeof rows)[number]>()
  for (const row of rows) if (!first.has(row.machine)) first.set(row.machine, row)
  return [...first.values()].slice(0, examplesMost).map(({ machine, name, evidence, next }) => ({
    ...{ machine, name, next: strings(next) },
    evidence: evidence === null ? [] : (JSON.parse(evidence) as Evidence[]),
  }))
}
