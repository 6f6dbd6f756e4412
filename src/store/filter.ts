/** Which machines are meant: by what they are, and by what one of their products is. Reads only. */
import { type ExpressionBuilder, type Kysely, type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import type { Origin, State, Verdict } from '../model.ts'
import { indexed, plain } from './parts.ts'
import type { Database, Tables } from './tables.ts'

/** Which machines. What is absent does not matter; all that is there must hold. Those from `cause` on are about one and the same product. */
export type Filter = {
  readonly verdict?: readonly Verdict[]
  readonly origin?: readonly Origin[]
  /** Code of the problem that keeps them from being asked; `*`: any. */
  readonly problem?: string
  readonly group?: string
  readonly source?: string
  readonly pool?: string
  /** A part of name, address, headline or operating system; case does not matter. */
  readonly text?: string
  /** Machines that no source lists: left out, listed too, or alone. */
  readonly vanished?: 'no' | 'too' | 'only'
  /** Last seen before this time (ms), or never. */
  readonly seenBefore?: number
  /** A KMS host counts it and another listed machine as one: they have the same CMID, and are not made of one pool's image. */
  readonly sharedCmid?: true
  readonly cause?: number
  /** What is remarked of a product's activation. */
  readonly remark?: number
  readonly state?: readonly State[]
  /** A result code (`0x` and eight upper-case digits) that a product tells as its reason, or that its cause names. */
  readonly error?: string
  /** Whose activation a product is. */
  readonly productOrigin?: readonly Origin[]
  /** The KMS host, whole name. */
  readonly host?: string
  /** A part of the product's name. */
  readonly product?: string
  /** A product that ends before this time (ms). */
  readonly endsBefore?: number
}

/** Whether a text has a part in it. LIKE has signs of its own, and an end to what it takes; this has neither. Case of A to Z means nothing. */
function has(kind: Database['kind'], column: string, part: string): RawBuilder<boolean> {
  const low = sql`lower(${sql.ref(column)})`
  return kind === 'sqlite' ? sql<boolean>`instr(${low}, ${part}) > 0` : sql<boolean>`strpos(${low}, ${part}) > 0`
}
/** One of no values is none at all; an empty list is no SQL on PostgreSQL. No name or word of ours is empty. */
const some = <T extends string>(list: readonly T[]): readonly string[] => (list.length === 0 ? [''] : list)
const lowered = (text: string) => text.replace(/[A-Z]/g, (c) => c.toLowerCase())

/** Names of products that have a part in them. A fleet has some hundred names and a million products: the index is read name by name. */
export async function productNames(db: Kysely<Tables>, part: string): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string | null }>`with recursive names (name) as (
    select min(name) from product where present = 1
    union all select (select min(p.name) from product p where p.present = 1 and p.name > names.name) from names where names.name is not null
  ) select name from names`.execute(db)
  const low = lowered(part)
  return rows.flatMap(({ name }) => (name !== null && lowered(name).includes(low) ? [name] : []))
}

/** A question about machines, of those that a filter means. */
export async function filtered<O>(
  { kind, db }: Database,
  query: SelectQueryBuilder<Tables, 'machine', O>,
  filter: Filter,
): Promise<{ query: SelectQueryBuilder<Tables, 'machine', O> }> {
  let q = query
  const names = filter.product === undefined ? null : await productNames(db, plain(filter.product))
  const vanished = filter.vanished ?? 'no'
  if (vanished !== 'too') q = q.where('vanished_at', vanished === 'no' ? 'is' : 'is not', null)
  if (filter.verdict) q = q.where('verdict', 'in', some(filter.verdict))
  if (filter.origin) q = q.where('origin', 'in', some(filter.origin))
  if (filter.problem !== undefined)
    q = filter.problem === '*' ? q.where('problem_code', 'is not', null) : q.where('problem_code', '=', filter.problem)
  if (filter.pool !== undefined) q = q.where('pool', '=', filter.pool)
  if (filter.seenBefore !== undefined) {
    const before = filter.seenBefore
    // Nobody answered before the beginning of time: those that never did are a stretch of an index.
    q = before <= 0 ? q.where('seen_at', 'is', null) : q.where((e) => e.or([e('seen_at', 'is', null), e('seen_at', '<', before)]))
  }
  if (filter.text !== undefined) {
    const { text } = filter
    q = q.where((e) =>
      e.or([
        // Names are kept in small letters, of every alphabet.
        has(kind, 'name', text.toLowerCase()),
        ...['address', 'headline', 'system'].map((column) => has(kind, column, lowered(text))),
      ]),
    )
  }
  if (filter.group !== undefined) {
    const group = indexed(filter.group)
    q = q.where('id', 'in', (e) => e.selectFrom('machine_group').select('machine_id').where('name', '=', group))
  }
  if (filter.source !== undefined) {
    const source = filter.source
    q = q.where('id', 'in', (e) =>
      e.selectFrom('source_entry').select('machine_id').where('source', '=', source).where('vanished_at', 'is', null),
    )
  }
  if (filter.sharedCmid)
    q = q.where('cmid', 'in', (e) =>
      e
        .selectFrom('machine as sharing')
        .select('sharing.cmid')
        .where('sharing.vanished_at', 'is', null)
        .where('sharing.cmid', 'is not', null)
        .groupBy('sharing.cmid')
        .having(sql<boolean>`count(*) > 1 and (count(distinct sharing.pool) <> 1 or count(sharing.pool) < count(*))`),
    )
  if (isAboutProduct(filter)) q = q.where('id', 'in', withProduct(kind, names, db.selectFrom('product').select('machine_id'), filter))
  return { query: q }
}

/** Products that a filter means, those with a cause: machine and cause. One that is about products means the very ones. */
export async function causesOf(database: Database, filter: Filter) {
  const { kind, db } = database
  const names = filter.product === undefined ? null : await productNames(db, plain(filter.product))
  const products = db.selectFrom('product').select(['machine_id', 'cause_id']).where('cause_id', 'is not', null)
  const query = db.selectFrom(withProduct(kind, names, products, filter).as('p'))
  const others: Record<string, unknown> = { ...filter }
  for (const name of aboutProduct) delete others[name]
  if (others.vanished === 'no') delete others.vanished
  // A product counts as present where its machine is listed.
  if (Object.values(others).every((wish) => wish === undefined)) return query
  const { query: meant } = await filtered(database, db.selectFrom('machine').select('id'), others as Filter)
  return query.where('p.machine_id', 'in', meant)
}

/** A host's name as products have it. */
export const hostOf = (name: string) => indexed(name.toLowerCase().replace(/\.$/, ''))

const aboutProduct = [
  'state',
  'error',
  'productOrigin',
  'host',
  'product',
  'endsBefore',
  'cause',
  'remark',
] as const satisfies readonly (keyof Filter)[]

const isAboutProduct = (filter: Filter) => aboutProduct.some((name) => filter[name] !== undefined)

function withProduct<O>(
  kind: Database['kind'],
  names: readonly string[] | null,
  query: SelectQueryBuilder<Tables, 'product', O>,
  filter: Filter,
): SelectQueryBuilder<Tables, 'product', O> {
  let q = query
  // A vanished machine's products are not counted as present; where such machines are asked for, what they had last is meant.
  q = (filter.vanished ?? 'no') === 'no' ? q.where('present', '=', sql.lit(1)) : q.where('gone_at', 'is', null)
  if (filter.state) q = q.where('state', 'in', some(filter.state))
  if (filter.productOrigin) q = q.where('product.origin', 'in', some(filter.productOrigin))
  if (filter.host !== undefined) q = q.where('host', '=', hostOf(filter.host))
  if (filter.cause !== undefined) q = q.where('cause_id', '=', filter.cause)
  if (filter.remark !== undefined) q = q.where('remark_id', '=', filter.remark)
  if (filter.endsBefore !== undefined) q = q.where('expires_at', '<', filter.endsBefore)
  if (names !== null) q = q.where('product.name', 'in', some(names))
  if (filter.error === undefined) return q
  const error = filter.error
  // One after the other: SQLite reads every product where it is told "or".
  const named = (p: ExpressionBuilder<Tables, 'product'>) =>
    p
      .selectFrom('cause')
      .select('cause.id')
      .where(has(kind, 'cause.text', lowered(error)))
  return q.where('reason', '=', error).unionAll(q.where((p) => p('cause_id', 'in', named(p))))
}
