/** The fleet in numbers, what is behind them, what lapses next, and what became of a machine. Reads only. */
import { sql } from 'kysely'
import type { Application, Channel, Method, Origin, State, Verdict } from '../model.ts'
import { causesOf, type Filter, filtered, hostOf, productNames } from './filter.ts'
import { byOrigin } from './kinds.ts'
import { keyOf, type Page, type PageWish, sizeOf } from './list.ts'
import { untilFactsChange } from './marks.ts'
import { pageKey, plain, strings } from './parts.ts'
import type { Database } from './tables.ts'

export type Counts = {
  /** `never`: listed, and never answered. `unasked`: could not be asked at the last try. */
  readonly machines: { readonly listed: number; readonly vanished: number; readonly never: number; readonly unasked: number }
  readonly verdict: Readonly<Partial<Record<Verdict, number>>>
  readonly origin: Readonly<Partial<Record<Origin, number>>>
  readonly problem: Readonly<Record<string, number>>
  /** Products that are there now. */
  readonly products: readonly { readonly application: Application; readonly state: State; readonly count: number }[]
  /** Non-persistent pools, and the machines of each. */
  readonly pools: readonly { readonly pool: string; readonly machines: number }[]
}

/** Machines and products, counted; counted anew when anything of the fleet is different. */
export const counts = (database: Database): Promise<Counts> => untilFactsChange(database, 'counts', () => countAll(database))

async function countAll(database: Database): Promise<Counts> {
  const { db } = database
  const groups = await db
    .selectFrom('machine')
    .select(['verdict', 'origin', 'problem_code', (e) => e.fn.countAll<number>().as('n')])
    .where('vanished_at', 'is', null)
    .groupBy(['verdict', 'origin', 'problem_code'])
    .execute()
  const { all } = await db
    .selectFrom('machine')
    .select((e) => e.fn.countAll<number>().as('all'))
    .executeTakeFirstOrThrow()
  const products = new Map<string, Counts['products'][number]>()
  for (const { application, state, count } of await byOrigin(database)) {
    const key = `${application} ${state}`
    products.set(key, { application, state, count: (products.get(key)?.count ?? 0) + count })
  }
  const pools = await db
    .selectFrom('machine')
    .select(['pool', (e) => e.fn.countAll<number>().as('machines')])
    .where('pool', 'is not', null)
    .where('vanished_at', 'is', null)
    .groupBy('pool')
    .orderBy('pool')
    .execute()
  const sum = (column: 'verdict' | 'origin' | 'problem_code') => {
    const of: Record<string, number> = {}
    for (const g of groups) if (g[column] !== null) of[g[column]] = (of[g[column]] ?? 0) + g.n
    return of
  }
  const where = (f: (g: (typeof groups)[number]) => boolean) => groups.reduce((n, g) => (f(g) ? n + g.n : n), 0)
  const listed = where(() => true)
  return {
    machines: { listed, vanished: all - listed, never: where((g) => g.verdict === null), unasked: where((g) => g.problem_code !== null) },
    verdict: sum('verdict'),
    origin: sum('origin'),
    problem: sum('problem_code'),
    products: [...products].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, p]) => p),
    pools: pools.map((p) => ({ ...p })) as Counts['pools'],
  }
}

export type CauseGroup = {
  /** What `Filter.cause` takes; null where machines could not be asked: there it is `problem`. */
  readonly cause: number | null
  readonly problem: string | null
  /** As one of the machines said it. */
  readonly text: string
  readonly next: string | null
  readonly machines: number
}

/** What keeps machines from being in order, most machines first, each with one next step. */
export const causes = (database: Database, limit: number): Promise<readonly CauseGroup[]> =>
  untilFactsChange(database, `causes ${limit}`, () => countCauses(database, limit))

/** The next step of a cause is kept as its first machine had it: what names that machine there means all that have the cause. */
const forAll = (next: string | null, cause: number): string | null =>
  next
    ?.replace(/\bslmctl apply \S+/, `slmctl fleet plan --cause ${cause}`)
    .replace(/\bslmctl hosts story \S+/, 'slmctl hosts story MACHINE') ?? null

async function countCauses({ db }: Database, limit: number): Promise<readonly CauseGroup[]> {
  const said = await db
    .selectFrom('product')
    .innerJoin('cause', 'cause.id', 'product.cause_id')
    .select(['cause.id', 'cause.text', 'cause.next', (e) => e.fn.count<number>('product.machine_id').distinct().as('machines')])
    .where('product.present', '=', sql.lit(1))
    .where('product.cause_id', 'is not', null)
    .groupBy(['cause.id', 'cause.text', 'cause.next'])
    .orderBy('machines', 'desc')
    .orderBy('cause.id')
    .limit(limit)
    .execute()
  const silent = await db
    .selectFrom('machine')
    .select(['problem_code', (e) => e.fn.countAll<number>().as('machines'), (e) => e.fn.min<number>('id').as('one')])
    .where('vanished_at', 'is', null)
    .where('problem_code', 'is not', null)
    .groupBy('problem_code')
    .execute()
  const examples =
    silent.length === 0
      ? []
      : await db
          .selectFrom('machine')
          .select(['id', 'problem_summary', 'problem_next'])
          .where(
            'id',
            'in',
            silent.map((s) => s.one),
          )
          .execute()
  const groups: CauseGroup[] = said.map((c) => ({
    cause: c.id,
    problem: null,
    text: c.text,
    next: forAll(strings(c.next)[0] ?? null, c.id),
    machines: c.machines,
  }))
  for (const s of silent) {
    const example = examples.find((e) => e.id === s.one)
    groups.push({
      cause: null,
      problem: s.problem_code,
      text: example?.problem_summary ?? '',
      next: strings(example?.problem_next ?? null)[0] ?? null,
      machines: s.machines,
    })
  }
  return groups.sort((a, b) => b.machines - a.machines).slice(0, limit)
}

/** Machines of a filter that are alike in these, and how many. */
export type MachineGroup = {
  readonly verdict: Verdict | null
  readonly origin: Origin | null
  readonly problem: string | null
  /** Answered once, and not since the time that was asked for. */
  readonly stale: boolean
  readonly count: number
}

/** The machines of a filter, counted together; `staleBefore`: a time, ms. */
export async function countedBy(database: Database, filter: Filter, staleBefore: number): Promise<readonly MachineGroup[]> {
  const stale = sql<number>`case when seen_at < ${staleBefore} then 1 else 0 end`
  const all = database.db.selectFrom('machine').select(['verdict', 'origin', 'problem_code', stale.as('stale')])
  const { query } = await filtered(database, all, filter)
  const rows = await database.db
    .selectFrom(query.as('m'))
    .select(['verdict', 'origin', 'problem_code', 'stale', (e) => e.fn.countAll<number>().as('n')])
    .groupBy(['verdict', 'origin', 'problem_code', 'stale'])
    .execute()
  return rows.map((r) => ({
    ...{ verdict: r.verdict as Verdict | null, origin: r.origin as Origin | null, problem: r.problem_code },
    ...{ stale: r.stale === 1, count: r.n },
  }))
}

/** How many machines each cause has, of those that a filter means; one about a product means the product that has the cause. */
export async function causesBy(database: Database, filter: Filter): Promise<ReadonlyMap<number, number>> {
  const rows = await (await causesOf(database, filter))
    .select(['p.cause_id', (e) => e.fn.count<number>('p.machine_id').distinct().as('n')])
    .groupBy('p.cause_id')
    .execute()
  return new Map(rows.map((r) => [r.cause_id!, r.n]))
}

export type ExpiringLine = {
  readonly machine: number
  readonly name: string
  readonly product: string | null
  readonly application: Application
  readonly state: State
  readonly method: Method
  readonly host: string | null
  readonly expiresAt: number
  /** As of when that is: a machine that was not seen since may have renewed. */
  readonly seenAt: number | null
  readonly problem: string | null
}

/**
 * What ends before a time (ms), soonest first. `from` leaves out what ended before. Of the machines that a filter means; one about a
 * product means the product that ends, not another one on the same machine.
 */
export async function expiring(
  database: Database,
  when: { readonly from: number; readonly before: number },
  wish: PageWish,
  filter: Filter | null = null,
): Promise<Page<ExpiringLine>> {
  const { db } = database
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['number', 'number', 'string'])
  let query = db
    .selectFrom('product')
    .innerJoin('machine', 'machine.id', 'product.machine_id')
    .select(['product.machine_id', 'product.key', 'product.name as product', 'application', 'state', 'method', 'host', 'expires_at'])
    .select(['machine.name', 'seen_at', 'problem_code'])
    .where('present', '=', sql.lit(1))
    .where('expires_at', '>=', when.from)
    .where('expires_at', '<', when.before)
  if (filter) {
    const { state, host, product, ...others } = filter
    if (state) query = query.where('state', 'in', state.length === 0 ? [''] : state)
    if (host !== undefined) query = query.where('host', '=', hostOf(host))
    if (product !== undefined) {
      const names = await productNames(db, plain(product))
      query = query.where('product.name', 'in', names.length === 0 ? [''] : names)
    }
    // What is said of this very product is not looked for once more, unless it is said together with what may be another's.
    const { cause, error, productOrigin, endsBefore } = others
    const rest = [cause, error, productOrigin, endsBefore].some((w) => w !== undefined) ? filter : others
    if (Object.keys(rest).length > 0) {
      // Row by row: a page is full long before every machine was looked at.
      const { query: meant } = await filtered(database, db.selectFrom('machine').select('id'), rest)
      query = query.where((e) => e.exists(meant.whereRef('machine.id', '=', sql.ref('product.machine_id'))))
    }
  }
  if (after)
    query = query.where((e) =>
      e(e.refTuple('expires_at', 'machine_id', 'key'), '>', e.tuple(after[0] as number, after[1] as number, after[2] as string)),
    )
  const rows = await query
    .orderBy('expires_at')
    .orderBy('machine_id')
    .orderBy('key')
    .limit(limit + 1)
    .execute()
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    rows: page.map((r) => ({
      machine: r.machine_id,
      name: r.name,
      product: r.product,
      application: r.application as Application,
      state: r.state as State,
      method: r.method as Method,
      host: r.host,
      expiresAt: r.expires_at!,
      seenAt: r.seen_at,
      problem: r.problem_code,
    })),
    next: rows.length > limit && last ? pageKey([last.expires_at!, last.machine_id, last.key]) : null,
  }
}

/** What a product was for a while; `until` null: it still is. */
export type Span = {
  readonly key: string
  readonly from: number
  readonly until: number | null
  readonly name: string | null
  readonly channel: Channel
  readonly method: Method
  readonly partialKey: string | null
  readonly activationId: string | null
  readonly state: State
  readonly reason: string | null
  readonly host: string | null
  readonly port: number | null
  readonly verdict: Verdict
  readonly cause: string | null
  readonly origin: Origin
}

export type History = {
  /** Newest first; what still is comes before what was. */
  readonly products: readonly Span[]
  /** When it could not be asked; `until` null: still. */
  readonly unasked: readonly {
    readonly code: string
    readonly summary: string
    readonly from: number
    readonly until: number | null
    readonly times: number
  }[]
  readonly outcomes: readonly { readonly id: number; readonly at: number; readonly result: string; readonly verdict: Verdict | null }[]
}

const spanColumns = [
  ...([
    'key',
    'name',
    'channel',
    'method',
    'partial_key',
    'activation_id',
    'state',
    'reason',
    'host',
    'port',
    'verdict',
    'cause',
    'origin',
  ] as const),
] as const

/** What became of a machine; so many of each. */
export async function history({ db }: Database, machine: number, limit: number): Promise<History> {
  const now = await db
    .selectFrom('product')
    .select(spanColumns)
    .select('since as from_at')
    .where('machine_id', '=', machine)
    .where('gone_at', 'is', null)
    .orderBy('since', 'desc')
    .execute()
  const past = await db
    .selectFrom('product_past')
    .select(spanColumns)
    .select(['from_at', 'until_at'])
    .where('machine_id', '=', machine)
    .orderBy('until_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  const silent = await db
    .selectFrom('problem_past')
    .select(['code', 'summary', 'from_at as from', 'until_at as until', 'count as times'])
    .where('machine_id', '=', machine)
    .orderBy('until_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  const still = await db
    .selectFrom('machine')
    .select(['problem_code', 'problem_summary', 'problem_since', 'problem_count'])
    .where('id', '=', machine)
    .where('problem_code', 'is not', null)
    .executeTakeFirst()
  const outcomes = await db
    .selectFrom('outcome')
    .select(['id', 'ended_at', 'result', 'verdict'])
    .where('machine_id', '=', machine)
    .orderBy('ended_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  const span = (r: Omit<(typeof past)[number], 'until_at'>, until: number | null): Span =>
    ({
      key: r.key,
      from: r.from_at,
      until,
      name: r.name,
      channel: r.channel,
      method: r.method,
      partialKey: r.partial_key,
      activationId: r.activation_id,
      state: r.state,
      reason: r.reason,
      host: r.host,
      port: r.port,
      verdict: r.verdict,
      cause: r.cause,
      origin: r.origin,
    }) as Span
  return {
    products: [...now.map((r) => span(r, null)), ...past.map((r) => span(r, r.until_at))],
    unasked: [
      ...(still
        ? [
            {
              code: still.problem_code!,
              summary: still.problem_summary ?? '',
              from: still.problem_since ?? 0,
              until: null,
              times: still.problem_count,
            },
          ]
        : []),
      ...silent.map((s) => ({ ...s })),
    ],
    outcomes: outcomes.map((o) => ({ id: o.id, at: o.ended_at, result: o.result, verdict: o.verdict as Verdict | null })),
  }
}
