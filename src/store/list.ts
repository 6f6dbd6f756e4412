/** Lists of machines: filters, pages by key, what is shown of each. Reads only. */
import { type ExpressionBuilder, type Kysely, type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import {
  type Application,
  type Channel,
  type Evidence,
  type HostFound,
  type Method,
  type Origin,
  type Problem,
  ProblemError,
  problem,
  type State,
  type Verdict,
} from '../model.ts'
import { nameOf } from './identity.ts'
import { indexed, inParts, pageKey, plain, strings } from './parts.ts'
import type { Database, MachineRow, ProductRow, Tables } from './tables.ts'

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
  readonly cause?: number
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

export type Page<T> = {
  readonly rows: readonly T[]
  /** Where the next page begins; null: there is none. */
  readonly next: string | null
}

export type PageWish = { readonly limit: number; readonly after: string | null }

export type MachineLine = {
  readonly id: number
  readonly name: string
  readonly address: string | null
  readonly system: string | null
  readonly pool: string | null
  readonly vanishedAt: number | null
  /** Null: it never answered. Times are ms. */
  readonly seenAt: number | null
  readonly askedAt: number | null
  readonly verdict: Verdict | null
  readonly origin: Origin | null
  readonly headline: string | null
  readonly next: readonly string[]
  /** Why it could not be asked at the last try; what stands above is then as of `seenAt`. */
  readonly problem: Unasked | null
  readonly products: readonly ProductLine[]
}

export type Unasked = {
  readonly code: string
  readonly summary: string
  readonly next: readonly string[]
  readonly since: number
  readonly times: number
}

export type ProductLine = {
  readonly key: string
  readonly name: string | null
  readonly application: Application
  readonly edition: string | null
  readonly channel: Channel
  readonly method: Method
  readonly addOn: boolean
  readonly partialKey: string | null
  readonly activationId: string | null
  /** The object of Active Directory that activated it, as it names it. */
  readonly activationObject: string | null
  readonly state: State
  readonly reason: string | null
  readonly expiresAt: number | null
  readonly host: string | null
  readonly port: number | null
  /** Where the host's name comes from: set by hand, DNS, the last activation. */
  readonly hostFound: HostFound | null
  readonly count: number | null
  readonly verdict: Verdict
  readonly cause: string | null
  readonly next: readonly string[]
  readonly origin: Origin
  readonly originBecause: string
  readonly evidence: readonly Evidence[]
  readonly since: number
  readonly renewedAt: number | null
  readonly goneAt: number | null
}

const machineColumns = [
  ...(['id', 'name', 'address', 'system', 'pool', 'vanished_at', 'seen_at', 'asked_at', 'verdict', 'origin', 'headline', 'next'] as const),
  ...(['problem_code', 'problem_summary', 'problem_next', 'problem_since', 'problem_count'] as const),
] satisfies readonly (keyof MachineRow)[]

/** Machines by name. */
export async function listMachines(database: Database, filter: Filter, wish: PageWish): Promise<Page<MachineLine>> {
  const limit = sizeOf(wish)
  let { query } = await filtered(database, database.db.selectFrom('machine').select(machineColumns), filter)
  const after = keyOf(wish.after, ['string', 'number'])
  if (after) query = query.where((e) => e(e.refTuple('name', 'id'), '>', e.tuple(after[0] as string, after[1] as number)))
  const rows = await query
    .orderBy('name')
    .orderBy('id')
    .limit(limit + 1)
    .execute()
  const page = rows.slice(0, limit)
  const products = await productLines(
    database.db,
    page.map((m) => m.id),
  )
  const last = page.at(-1)
  return {
    rows: page.map((m) => machineLine(m, products.get(m.id) ?? [])),
    next: rows.length > limit && last ? pageKey([last.name, last.id]) : null,
  }
}

/** How many there are. */
export async function countMachines(database: Database, filter: Filter): Promise<number> {
  const { query } = await filtered(
    database,
    database.db.selectFrom('machine').select((e) => e.fn.countAll<number>().as('n')),
    filter,
  )
  return (await query.executeTakeFirstOrThrow()).n
}

/** Their ids, all of them: what a campaign begins with. */
export async function machineIds(database: Database, filter: Filter): Promise<readonly number[]> {
  const { query } = await filtered(database, database.db.selectFrom('machine').select('id'), filter)
  return (await query.orderBy('id').execute()).map((r) => r.id)
}

/** A machine, as a campaign needs it. */
export type Selected = { readonly id: number; readonly name: string; readonly address: string | null; readonly groups: readonly string[] }

/** Machines by id: what a campaign is made of. */
export async function selection(database: Database, filter: Filter, wish: PageWish): Promise<Page<Selected>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['number'])
  let { query } = await filtered(database, database.db.selectFrom('machine').select(['id', 'name', 'address']), filter)
  if (after) query = query.where('id', '>', after[0] as number)
  const rows = await query
    .orderBy('id')
    .limit(limit + 1)
    .execute()
  return selected(database, rows, limit)
}

/** Machines for which a campaign made plans that change something, by id: what an apply of these plans is made of. */
export async function planned(database: Database, campaign: number, wish: PageWish): Promise<Page<Selected>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['number'])
  let query = lastPlans(database.db, campaign)
    .innerJoin('machine', 'machine.id', 'p.machine_id')
    .select(['machine.id', 'machine.name', 'machine.address'])
  if (after) query = query.where('p.machine_id', '>', after[0] as number)
  const rows = await query
    .orderBy('p.machine_id')
    .limit(limit + 1)
    .execute()
  return selected(database, rows, limit)
}

/** How many there are. */
export async function countPlanned({ db }: Database, campaign: number): Promise<number> {
  return (
    await lastPlans(db, campaign)
      .select((e) => e.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow()
  ).n
}

/** Each machine's last plan in a campaign, where it has steps. */
const lastPlans = (db: Kysely<Tables>, campaign: number) =>
  db
    .selectFrom('plan as p')
    .where('p.campaign_id', '=', campaign)
    .where('p.steps', '>', 0)
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('plan as newer')
            .select('newer.id')
            .where('newer.campaign_id', '=', campaign)
            .whereRef('newer.machine_id', '=', 'p.machine_id')
            .whereRef('newer.id', '>', 'p.id'),
        ),
      ),
    )

/** A page of machines, with their groups. */
async function selected({ db }: Database, rows: readonly Omit<Selected, 'groups'>[], limit: number): Promise<Page<Selected>> {
  const page = rows.slice(0, limit)
  const groups = new Map<number, string[]>()
  await inParts(page, 1000, async (part) => {
    const found = await db
      .selectFrom('machine_group')
      .select(['machine_id', 'name'])
      .distinct()
      .where(
        'machine_id',
        'in',
        part.map((m) => m.id),
      )
      .orderBy('name')
      .execute()
    for (const { machine_id, name } of found) {
      const mine = groups.get(machine_id)
      if (mine) mine.push(name)
      else groups.set(machine_id, [name])
    }
  })
  return {
    rows: page.map((m) => ({ ...m, groups: groups.get(m.id) ?? [] })),
    next: rows.length > limit ? pageKey([page.at(-1)!.id]) : null,
  }
}

/** One CMID that several listed machines have: a KMS host counts them as one. */
export type SharedCmid = {
  readonly cmid: string
  readonly count: number
  /** The pool that all of them belong to: they are made of one image, anew each time. Null: they are machines of their own. */
  readonly pool: string | null
  /** Those that were added first, at most 50. */
  readonly machines: readonly { readonly id: number; readonly name: string; readonly pool: string | null }[]
}
const sharersShown = 50

/** CMIDs that several listed machines have. */
export async function sharedCmids({ db }: Database, wish: PageWish): Promise<Page<SharedCmid>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['string'])
  let query = db
    .selectFrom('machine')
    .select([
      'cmid',
      (e) => e.fn.countAll<number>().as('count'),
      (e) => e.fn.count<number>('pool').as('pooled'),
      (e) => e.fn.min('pool').as('first'),
      (e) => e.fn.max('pool').as('last'),
    ])
    .where('vanished_at', 'is', null)
    .where('cmid', 'is not', null)
  if (after) query = query.where('cmid', '>', after[0] as string)
  const rows = await query
    .groupBy('cmid')
    .having((e) => e(e.fn.countAll<number>(), '>', 1))
    .orderBy('cmid')
    .limit(limit + 1)
    .execute()
  const shared: SharedCmid[] = []
  for (const { cmid, count, pooled, first, last } of rows.slice(0, limit)) {
    const machines = await db
      .selectFrom('machine')
      .select(['id', 'name', 'pool'])
      .where('cmid', '=', cmid)
      .where('vanished_at', 'is', null)
      .orderBy('id')
      .limit(sharersShown)
      .execute()
    shared.push({ cmid: cmid!, count, pool: pooled === count && first === last ? first : null, machines: machines.map((m) => ({ ...m })) })
  }
  return { rows: shared, next: rows.length > limit ? pageKey([shared.at(-1)!.cmid]) : null }
}

/** Pages by size and key, for every list of this room. */
export function sizeOf({ limit }: PageWish): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
    throw new ProblemError(problem('PAGE_SIZE', 'A page has 1 to 10000 rows.', ['Ask for fewer, page by page.']))
  return limit
}

/** Reads the key of a page; what is none was not made here. */
export function keyOf(after: string | null, types: readonly ('string' | 'number')[]): readonly (string | number)[] | null {
  if (after === null) return null
  try {
    const values = JSON.parse(Buffer.from(after, 'base64url').toString()) as unknown
    if (
      Array.isArray(values) &&
      values.length === types.length &&
      values.every((v, i) => typeof v === types[i] && (typeof v !== 'number' || Number.isSafeInteger(v)))
    )
      return values
  } catch {}
  throw new ProblemError(
    problem('PAGE_UNKNOWN', 'That is no place to continue a list from.', ['Begin the list again, and take the key that it ends with.']),
  )
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
async function productNames(db: Kysely<Tables>, part: string): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string | null }>`with recursive names (name) as (
    select min(name) from product where present = 1
    union all select (select min(p.name) from product p where p.present = 1 and p.name > names.name) from names where names.name is not null
  ) select name from names`.execute(db)
  const low = lowered(part)
  return rows.flatMap(({ name }) => (name !== null && lowered(name).includes(low) ? [name] : []))
}

async function filtered<O>(
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
    q = q.where((e) => e.or([e('seen_at', 'is', null), e('seen_at', '<', before)]))
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
  if (aboutProduct.some((name) => filter[name] !== undefined)) q = q.where('id', 'in', (e) => withProduct(kind, names, e, filter))
  return { query: q }
}

const aboutProduct = [
  'state',
  'error',
  'productOrigin',
  'host',
  'product',
  'endsBefore',
  'cause',
] as const satisfies readonly (keyof Filter)[]

function withProduct(kind: Database['kind'], names: readonly string[] | null, e: ExpressionBuilder<Tables, 'machine'>, filter: Filter) {
  let q = e.selectFrom('product').select('machine_id')
  // A vanished machine's products are not counted as present; where such machines are asked for, what they had last is meant.
  q = (filter.vanished ?? 'no') === 'no' ? q.where('present', '=', sql.lit(1)) : q.where('gone_at', 'is', null)
  if (filter.state) q = q.where('state', 'in', some(filter.state))
  if (filter.error !== undefined) {
    const error = filter.error
    q = q.where((p) =>
      p.or([
        p('reason', '=', error),
        p(
          'cause_id',
          'in',
          p
            .selectFrom('cause')
            .select('cause.id')
            .where(has(kind, 'cause.text', lowered(error))),
        ),
      ]),
    )
  }
  if (filter.productOrigin) q = q.where('product.origin', 'in', some(filter.productOrigin))
  if (filter.host !== undefined) q = q.where('host', '=', indexed(filter.host.toLowerCase().replace(/\.$/, '')))
  if (filter.cause !== undefined) q = q.where('cause_id', '=', filter.cause)
  if (filter.endsBefore !== undefined) q = q.where('expires_at', '<', filter.endsBefore)
  if (names !== null) q = q.where('product.name', 'in', some(names))
  return q
}

/** Products of the machines of a page, those that are there first. */
export async function productLines(db: Kysely<Tables>, machines: readonly number[]): Promise<Map<number, ProductLine[]>> {
  const all = new Map<number, ProductLine[]>()
  if (machines.length === 0) return all
  const rows = await db.selectFrom('product').selectAll().where('machine_id', 'in', machines).orderBy('machine_id').orderBy('key').execute()
  for (const row of rows) {
    if (row.gone_at !== null) continue
    const mine = all.get(row.machine_id)
    if (mine) mine.push(productLine(row))
    else all.set(row.machine_id, [productLine(row)])
  }
  return all
}

export function productLine(p: ProductRow): ProductLine {
  return {
    key: p.key,
    name: p.name,
    application: p.application as Application,
    edition: p.edition,
    channel: p.channel as Channel,
    method: p.method as Method,
    addOn: p.add_on === 1,
    partialKey: p.partial_key,
    activationId: p.activation_id,
    activationObject: p.activation_object,
    state: p.state as State,
    reason: p.reason,
    expiresAt: p.expires_at,
    host: p.host,
    port: p.port,
    hostFound: p.host_found as HostFound | null,
    count: p.count,
    verdict: p.verdict as Verdict,
    cause: p.cause,
    next: strings(p.next),
    origin: p.origin as Origin,
    originBecause: p.origin_because,
    evidence: p.evidence === null ? [] : (JSON.parse(p.evidence) as Evidence[]),
    since: p.since,
    renewedAt: p.renewed_at,
    goneAt: p.gone_at,
  }
}

export function machineLine(m: Pick<MachineRow, (typeof machineColumns)[number]>, products: readonly ProductLine[]): MachineLine {
  return {
    id: m.id,
    name: m.name,
    address: m.address,
    system: m.system,
    pool: m.pool,
    vanishedAt: m.vanished_at,
    seenAt: m.seen_at,
    askedAt: m.asked_at,
    verdict: m.verdict as Verdict | null,
    origin: m.origin as Origin | null,
    headline: m.headline,
    next: strings(m.next),
    problem:
      m.problem_code === null
        ? null
        : {
            code: m.problem_code,
            summary: m.problem_summary ?? '',
            next: strings(m.problem_next),
            since: m.problem_since ?? 0,
            times: m.problem_count,
          },
    products,
  }
}

/** A machine with all that is known of it. */
export type MachineCard = MachineLine & {
  readonly guid: string | null
  readonly uuid: string | null
  /** What it tells a KMS host that it is; null: not known. */
  readonly cmid: string | null
  readonly systemVersion: string | null
  readonly enabled: boolean | null
  readonly distinguishedName: string | null
  readonly directorySeenAt: number | null
  readonly addedAt: number
  readonly groups: readonly string[]
  readonly sources: readonly { readonly source: string; readonly vanishedAt: number | null }[]
}

/** Machines of that name, or the one with that id; those that are listed first. */
export async function findMachines(database: Database, which: string | number): Promise<readonly MachineCard[]> {
  const { db } = database
  const query = db.selectFrom('machine').selectAll()
  const rows = await (typeof which === 'number' ? query.where('id', '=', which) : query.where('name', '=', nameOf(which)))
    .orderBy('id', 'desc')
    .limit(50)
    .execute()
  const cards: MachineCard[] = []
  for (const m of rows.sort((a, b) => Number(a.vanished_at !== null) - Number(b.vanished_at !== null))) {
    const groups = await db.selectFrom('machine_group').select('name').distinct().where('machine_id', '=', m.id).orderBy('name').execute()
    const sources = await db
      .selectFrom('source_entry')
      .select(['source', 'vanished_at'])
      .where('machine_id', '=', m.id)
      .orderBy('source')
      .execute()
    cards.push({
      ...machineLine(m, (await productLines(db, [m.id])).get(m.id) ?? []),
      guid: m.guid,
      uuid: m.uuid,
      cmid: m.cmid,
      systemVersion: m.system_version,
      enabled: m.enabled === null ? null : m.enabled === 1,
      distinguishedName: m.distinguished_name,
      directorySeenAt: m.directory_seen_at,
      addedAt: m.added_at,
      groups: groups.map((g) => g.name),
      sources: sources.map((s) => ({ source: s.source, vanishedAt: s.vanished_at })),
    })
  }
  return cards
}

/** Of a problem, what is kept as text. */
export const problemText = (p: Problem | null) => (p === null ? null : JSON.stringify(p))
export const problemOf = (json: string | null) => (json === null ? null : (JSON.parse(json) as Problem))
