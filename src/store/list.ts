/** Lists of machines: pages by key, what is shown of each. Reads only. */
import type { Kysely } from 'kysely'
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
import { type Filter, filtered } from './filter.ts'
import { nameOf } from './identity.ts'
import { untilFactsChange } from './marks.ts'
import { inOrder, type Sort } from './order.ts'
import { strings, valuesOf } from './parts.ts'
import type { Database, MachineRow, ProductRow, Tables } from './tables.ts'

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
  /** What an honest explanation of that could be; null: none is needed, or none is known. */
  readonly originHonest: string | null
  readonly evidence: readonly Evidence[]
  readonly since: number
  readonly renewedAt: number | null
  readonly goneAt: number | null
}

const machineColumns = [
  ...(['id', 'name', 'address', 'system', 'pool', 'vanished_at', 'seen_at', 'asked_at', 'verdict', 'origin', 'headline', 'next'] as const),
  ...(['problem_code', 'problem_summary', 'problem_next', 'problem_since', 'problem_count'] as const),
] satisfies readonly (keyof MachineRow)[]

/** A page of machines, by name where no other order is wished. */
export async function listMachines(
  database: Database,
  filter: Filter,
  wish: PageWish & { readonly sort?: Sort },
): Promise<Page<MachineLine>> {
  const limit = sizeOf(wish)
  // Any order of all machines is read by its index; what is filtered may be looked for among all of them.
  const { db, quick } = database
  const whole = Object.values(filter).every((wish) => wish === undefined)
  const { query } = await filtered(database, (whole ? quick : db).selectFrom('machine').select([...machineColumns, 'ends_at']), filter)
  const { rows, next } = await inOrder(query, filter, wish.sort ?? { by: 'name', down: false }, { limit, after: wish.after })
  const products = await productLines(
    quick,
    rows.map((m) => m.id),
  )
  return { rows: rows.map((m) => machineLine(m, products.get(m.id) ?? [])), next }
}

/** How many there are. Counted anew when anything of the fleet is different; where the filter has a time in it, at every question. */
export function countMachines(database: Database, filter: Filter): Promise<number> {
  const count = async () => {
    const { query } = await filtered(
      database,
      database.db.selectFrom('machine').select((e) => e.fn.countAll<number>().as('n')),
      filter,
    )
    return (await query.executeTakeFirstOrThrow()).n
  }
  const timed = (filter.seenBefore ?? 0) > 0 || filter.endsBefore !== undefined
  return timed ? count() : untilFactsChange(database, `count ${JSON.stringify(filter)}`, count)
}

/** Their ids, all of them: what a campaign begins with. */
export async function machineIds(database: Database, filter: Filter): Promise<readonly number[]> {
  const { query } = await filtered(database, database.db.selectFrom('machine').select('id'), filter)
  return (await query.orderBy('id').execute()).map((r) => r.id)
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
  const values = valuesOf(after, types)
  if (values) return values
  throw new ProblemError(
    problem('PAGE_UNKNOWN', 'That is no place to continue a list from.', ['Begin the list again, and take the key that it ends with.']),
  )
}

/** Products of the machines of a page, those that are there first. */
export async function productLines(db: Kysely<Tables>, machines: readonly number[]): Promise<Map<number, ProductLine[]>> {
  const all = new Map<number, ProductLine[]>()
  if (machines.length === 0) return all
  const rows = await db
    .selectFrom('product')
    .leftJoin('remark', 'remark.id', 'product.remark_id')
    .selectAll('product')
    .select('remark.honest')
    .where('machine_id', 'in', machines)
    .orderBy('machine_id')
    .orderBy('product.key')
    .execute()
  for (const row of rows) {
    if (row.gone_at !== null) continue
    const mine = all.get(row.machine_id)
    if (mine) mine.push(productLine(row))
    else all.set(row.machine_id, [productLine(row)])
  }
  return all
}

/** `honest`: of the remark about it. */
export function productLine(p: ProductRow & { readonly honest: string | null }): ProductLine {
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
    originHonest: p.honest,
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
