/**
 * Orders of a list of machines. Each is read as stretches that follow one another, each by an index of its own: the words of a verdict
 * from the gravest, what has a value, then what has none. So a page is quick at any place of 200,000 machines, in either direction.
 */
import { type SelectQueryBuilder, sql } from 'kysely'
import { ProblemError, problem } from '../model.ts'
import type { Filter } from './filter.ts'
import { pageKey, valuesOf } from './parts.ts'
import type { Tables } from './tables.ts'

/** `down`: the other way round, names too. Machines without the value come last in both. */
export type Sort = { readonly by: SortKey; readonly down: boolean }
export type SortKey = 'name' | 'verdict' | 'origin' | 'expires' | 'seen' | 'system' | 'problem'

/** Gravest first. */
const words = {
  verdict: ['action', 'cannot-tell', 'attention', 'ok'],
  origin: ['foreign', 'suspect', 'cannot-tell', 'platform', 'vendor', 'own'],
} as const
const columns = { expires: 'ends_at', seen: 'seen_at', system: 'system', problem: 'problem_code' } as const

type Row = { readonly id: number; readonly name: string } & Readonly<Partial<Record<string, unknown>>>
type Query<O> = SelectQueryBuilder<Tables, 'machine', O>

/** One stretch: which machines are in it, and by which columns they stand. */
type Stretch = {
  readonly where: { readonly column: Column; readonly is: string | null | 'something' } | null
  readonly by: readonly Column[]
}
type Column = 'name' | 'id' | 'verdict' | 'origin' | (typeof columns)[keyof typeof columns]

function stretches(by: SortKey, filter: Filter): readonly Stretch[] {
  if (by === 'name') return [{ where: null, by: ['name', 'id'] }]
  if (by === 'verdict' || by === 'origin') {
    const asked: readonly string[] | undefined = filter[by]
    const stretch = (is: string | null): Stretch => ({ where: { column: by, is }, by: [by, 'name', 'id'] })
    const wanted = words[by].filter((word) => asked === undefined || asked.includes(word)).map(stretch)
    return asked === undefined ? [...wanted, stretch(null)] : wanted
  }
  const column = columns[by]
  const some: Stretch = { where: { column, is: 'something' }, by: [column, 'name', 'id'] }
  if (by === 'problem' && filter.problem !== undefined) return [some]
  // The index of problems has no machines without one.
  return [some, { where: { column, is: null }, by: by === 'problem' ? ['name', 'id'] : [column, 'name', 'id'] }]
}

/** The stretches in the order wanted; what has no value stays at the end. */
function ordered({ by, down }: Sort, filter: Filter): readonly Stretch[] {
  const list = stretches(by, filter)
  if (!down) return list
  const empty = list.filter((s) => s.where?.is === null)
  return [...list.filter((s) => s.where?.is !== null).reverse(), ...empty]
}

/** Where a page begins: in which stretch, after what. */
type Begin = { readonly stretch: number; readonly after: readonly (string | number)[] } | null

/** One page of machines in an order: the rows, at most `limit`, and where the next page begins. */
export async function inOrder<O extends Row>(
  query: Query<O>,
  filter: Filter,
  sort: Sort,
  { limit, after }: { readonly limit: number; readonly after: string | null },
): Promise<{ readonly rows: readonly O[]; readonly next: string | null }> {
  const list = ordered(sort, filter)
  const begin = beginOf(after, sort, list)
  const rows: { readonly row: O; readonly stretch: number }[] = []
  for (let i = begin?.stretch ?? 0; i < list.length && rows.length <= limit; i++) {
    const from = begin?.stretch === i ? begin.after : null
    for (const row of await stretch(query, list[i]!, sort.down, from, limit + 1 - rows.length)) rows.push({ row, stretch: i })
  }
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { rows: page.map((r) => r.row), next: rows.length > limit && last ? keyAfter(last, sort, list) : null }
}

function stretch<O>(query: Query<O>, { where, by }: Stretch, down: boolean, after: readonly (string | number)[] | null, limit: number) {
  let q = query
  if (where?.is === null) q = q.where(where.column, 'is', null)
  else if (where?.is === 'something') q = q.where(where.column, 'is not', null)
  else if (where) q = q.where(where.column, '=', where.is)
  // In a stretch of one word, or of none, what is left to tell machines apart is their name.
  const told = where?.is === 'something' ? by : by.slice(-2)
  if (after !== null) {
    const names = sql.join(told.map((c) => sql.ref(c)))
    q = q.where(sql<boolean>`(${names}) ${sql.raw(down ? '<' : '>')} (${sql.join(after)})`)
  }
  for (const column of by) q = q.orderBy(column, down ? 'desc' : 'asc')
  return q.limit(limit).execute()
}

const named = ({ by, down }: Sort) => `${down ? '-' : ''}${by}`

function keyAfter({ row, stretch }: { readonly row: Row; readonly stretch: number }, sort: Sort, list: readonly Stretch[]): string {
  if (sort.by === 'name' && !sort.down) return pageKey([row.name, row.id])
  const { where } = list[stretch]!
  const value = where?.is === 'something' ? [row[where.column] as string | number] : []
  return pageKey([named(sort), stretch, ...value, row.name, row.id])
}

/** Reads a key; one of another order, or of another filter where that counts, is no place in this one. */
function beginOf(after: string | null, sort: Sort, list: readonly Stretch[]): Begin {
  if (after === null) return null
  if (sort.by === 'name' && !sort.down) {
    const key = valuesOf(after, ['string', 'number'])
    if (key) return { stretch: 0, after: key }
  }
  const value = sort.by === 'expires' || sort.by === 'seen' ? 'number' : 'string'
  const shapes = [
    ['string', 'number', 'string', 'number'],
    ['string', 'number', value, 'string', 'number'],
  ] as const
  for (const shape of shapes) {
    const key = valuesOf(after, shape)
    if (!key || key[0] !== named(sort)) continue
    const at = list[key[1] as number]
    if (at && (at.where?.is === 'something') === (shape.length === 5)) return { stretch: key[1] as number, after: key.slice(2) }
  }
  throw new ProblemError(
    problem('PAGE_UNKNOWN', 'That is no place to continue this list from.', [
      'Begin the list again; a key belongs to one order and one filter.',
    ]),
  )
}
