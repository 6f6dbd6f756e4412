/** What the dashboard's pages and the metrics ask of the whole fleet: ends by day, ages, what is not plainly ours, words to filter by. Reads only. */
import { type RawBuilder, sql } from 'kysely'
import type { Origin } from '../model.ts'
import { productMetrics } from './kinds.ts'
import { keyOf, type Page, type PageWish, type ProductLine, productLine, sizeOf } from './list.ts'
import { untilFactsChange } from './marks.ts'
import { pageKey } from './parts.ts'
import { causes, counts } from './summary.ts'
import type { Database, ProductRow } from './tables.ts'

const dayMs = 86_400_000

export type Expiry = {
  /** Products of listed machines that end on each day, if nothing renews them. */
  readonly days: readonly number[]
  /** Those that ended before the first of them. */
  readonly ended: number
}

/** How many products end on each of so many days (1 to 1000) from a time on, ms: the beginning of the first day. */
export function expiry(database: Database, from: number, days: number): Promise<Expiry> {
  const most = Math.min(Math.max(Math.trunc(days), 1), 1000)
  return untilFactsChange(database, `expiry ${from} ${most}`, async () => {
    const ends = (at: RawBuilder<unknown>) => sql`from product where present = 1 and expires_at is not null and ${at}`
    const day = (n: RawBuilder<unknown>) => sql`cast(${from} as bigint) + ${n} * cast(${dayMs} as bigint)`
    // Day by day: each is a stretch of the index, and nothing is sorted.
    const { rows } = await sql<{ n: number }>`with recursive day (n) as (
        select 0 union all select n + 1 from day where n + 1 < ${sql.lit(most)}
      ) select (select count(*) ${ends(sql`expires_at >= ${day(sql`day.n`)} and expires_at < ${day(sql`(day.n + 1)`)}`)}) as n
      from day order by day.n`.execute(database.db)
    const before = await sql<{ n: number }>`select count(*) as n ${ends(sql`expires_at < ${from}`)}`.execute(database.db)
    return { days: rows.map((r) => r.n), ended: before.rows[0]!.n }
  })
}

export type Scanned = { readonly lastAt: number | null; readonly oldestAt: number | null; readonly never: number }

/** When listed machines answered: the latest and the oldest last answer (ms), and how many never did. */
export async function scanned({ db }: Database): Promise<Scanned> {
  const answered = sql`from machine where vanished_at is null and seen_at is not null`
  // Every name is at least empty: said so that SQLite counts by the index, and does not read every machine.
  const one = (way: 'asc' | 'desc') => sql`(select seen_at ${answered} order by seen_at ${sql.raw(way)} limit 1)`
  const { rows } = await sql<Scanned>`select ${one('desc')} as "lastAt", ${one('asc')} as "oldestAt",
    (select count(*) from machine where vanished_at is null and seen_at is null and name >= '') as never`.execute(db)
  return { ...rows[0]! }
}

/** How many listed machines answered within each of these ages (ms) before `now`: as a histogram counts, each with the smaller ones in it. */
export async function ages({ db }: Database, now: number, bounds: readonly number[]): Promise<readonly number[]> {
  if (bounds.length === 0) return []
  const sorted = [...new Set(bounds)].sort((a, b) => a - b)
  // Each machine is counted in one stretch of the index.
  const stretches = sorted.map((age, i) => {
    const younger = i === 0 ? sql`` : sql`and seen_at < ${now - sorted[i - 1]!}`
    return sql`(select count(*) from machine where vanished_at is null and seen_at >= ${now - age} ${younger}) as ${sql.ref(`n${i}`)}`
  })
  const { rows } = await sql<Record<string, number>>`select ${sql.join(stretches)}`.execute(db)
  let sum = 0
  const within = new Map(
    sorted.map((age, i) => {
      sum += rows[0]![`n${i}`]!
      return [age, sum]
    }),
  )
  return bounds.map((age) => within.get(age)!)
}

/** The ages (ms) at `now` of what listed machines answered last, together; 0 where nobody ever answered. */
export async function sumOfAges({ db }: Database, now: number): Promise<number> {
  // Half a million machines that are a year old are more than a whole number of ours can be.
  const { rows } = await sql<{ sum: number | null }>`select sum(cast(${now} - seen_at as double precision)) as sum
    from machine where vanished_at is null and seen_at is not null`.execute(db)
  return rows[0]!.sum ?? 0
}

/** A product whose activation is not plainly ours, and the machine that has it. */
export type NotPlain = {
  readonly machine: number
  readonly machineName: string
  readonly system: string | null
  readonly product: ProductLine
}

/** Products of listed machines with these origins, one origin after the other in the order given, each by machine. */
export async function notPlain({ db }: Database, origins: readonly Origin[], wish: PageWish): Promise<Page<NotPlain>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['number', 'number', 'string'])
  const rows: {
    readonly row: ProductRow & { readonly honest: string | null; readonly machine_name: string; readonly system: string | null }
    readonly part: number
  }[] = []
  for (let part = after ? (after[0] as number) : 0; part < origins.length && rows.length <= limit; part++) {
    let query = db
      .selectFrom('product as p')
      .innerJoin('machine', 'machine.id', 'p.machine_id')
      .leftJoin('remark', 'remark.id', 'p.remark_id')
      .selectAll('p')
      .select(['remark.honest', 'machine.name as machine_name', 'machine.system'])
      .where('p.present', '=', sql.lit(1))
      .where('p.origin', '=', origins[part]!)
    if (after && part === after[0])
      query = query.where((e) => e(e.refTuple('p.machine_id', 'p.key'), '>', e.tuple(after[1] as number, after[2] as string)))
    const found = await query
      .orderBy('p.machine_id')
      .orderBy('p.key')
      .limit(limit + 1 - rows.length)
      .execute()
    for (const row of found) rows.push({ row, part })
  }
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    rows: page.map(({ row }) => ({
      machine: row.machine_id,
      machineName: row.machine_name,
      system: row.system,
      product: productLine(row),
    })),
    next: rows.length > limit && last ? pageKey([last.part, last.row.machine_id, last.row.key]) : null,
  }
}

/** What machines can be filtered by: what there is in the fleet, at most 2000 of each. */
export type Words = {
  readonly groups: readonly string[]
  readonly sources: readonly string[]
  readonly pools: readonly string[]
  readonly hosts: readonly string[]
  readonly products: readonly string[]
  readonly problems: readonly string[]
  readonly causes: readonly { readonly cause: number; readonly text: string; readonly machines: number }[]
}
const wordsMost = 2000

/** Words to filter by, sorted. Each comes from an index that is read word by word, however many machines have it. */
export function words(database: Database): Promise<Words> {
  return untilFactsChange(database, 'words', async () => {
    const distinct = async (table: string, column: string, where: string) => {
      const [of, value] = [sql.raw(`${table} t where ${where}`), sql.raw(`t.${column}`)]
      const { rows } = await sql<{ word: string | null }>`with recursive words (word, n) as (
        select (select min(${value}) from ${of}), 1
        union all select (select min(${value}) from ${of} and ${value} > words.word), words.n + 1
          from words where words.word is not null and words.n < ${sql.lit(wordsMost)}
      ) select word from words where word is not null`.execute(database.db)
      return rows.map((r) => r.word!)
    }
    return {
      groups: await distinct('machine_group', 'name', '1 = 1'),
      sources: await distinct('source_entry', 'source', '1 = 1'),
      pools: await distinct('machine', 'pool', 't.pool is not null'),
      hosts: await distinct('product', 'host', 't.present = 1 and t.host is not null'),
      products: await distinct('product', 'name', 't.present = 1'),
      problems: await distinct('machine', 'problem_code', 't.vanished_at is null and t.problem_code is not null'),
      causes: (await causes(database, wordsMost)).flatMap((c) =>
        c.cause === null ? [] : [{ cause: c.cause, text: c.text, machines: c.machines }],
      ),
    }
  })
}

/** The fleet as metrics count it; nothing in it grows with the number of machines. */
export async function metrics(database: Database) {
  const { machines, verdict, origin, problem } = await counts(database)
  // Codes are ours and few; whatever comes, a metric stays small.
  const codes = Object.entries(problem).sort((a, b) => b[1] - a[1])
  const rest = codes.slice(200).reduce((n, [, count]) => n + count, 0)
  return {
    machines,
    verdict,
    origin,
    problem: Object.fromEntries([...codes.slice(0, 200), ...(rest > 0 ? ([['*', rest]] as const) : [])]) as Readonly<
      Record<string, number>
    >,
    products: await productMetrics(database),
  }
}
export type Metrics = Awaited<ReturnType<typeof metrics>>
