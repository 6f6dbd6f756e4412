/**
 * Who changed what. Rows are only added: the database itself refuses to change or delete one. Each carries the hash of the one
 * before, and the hash of the last is in `mark`, so that whoever gets round that is found out. Writes `trail`.
 */
import { createHash } from 'node:crypto'
import type { Selectable } from 'kysely'
import { keyOf, type Page, type PageWish, sizeOf } from './list.ts'
import { markOf } from './marks.ts'
import { indexed, pageKey, plain } from './parts.ts'
import type { Database, TrailRow } from './tables.ts'

export type NewTrailLine = {
  readonly at: number
  readonly who: string
  /** How they were signed in. */
  readonly by: string
  /** Address of the caller. */
  readonly from: string
  /** The change, by the name of its route or command. */
  readonly what: string
  readonly about: string
  readonly result: 'done' | 'refused' | 'failed'
  /** Whatever belongs to it, kept as JSON. No secrets. */
  readonly detail: unknown
}
export type TrailLine = NewTrailLine & { readonly id: number }
export type TrailFilter = { readonly who?: string; readonly what?: string /** Older than this time, ms. */; readonly before?: number }

type Kept = Selectable<TrailRow>

const hashOf = (r: Kept) =>
  createHash('sha256')
    .update(JSON.stringify([r.id, r.at, r.who, r.way, r.address, r.what, r.about, r.result, r.detail, r.previous]))
    .digest('hex')

/** Adds a row; one at a time, in whatever process. */
export function appendTrail(database: Database, line: NewTrailLine): Promise<void> {
  const { at, result } = line
  return database.alone('trail', async (db) => {
    const mark = await markOf(db, 'trail')
    const row: Kept = {
      id: mark.number + 1,
      at,
      who: indexed(line.who),
      way: plain(line.by),
      address: plain(line.from),
      what: indexed(line.what),
      about: plain(line.about),
      result,
      detail: plain(JSON.stringify(line.detail ?? null)),
      previous: mark.text,
    }
    await db.insertInto('trail').values(row).execute()
    const set = { number: row.id, text: hashOf(row) }
    await db
      .insertInto('mark')
      .values({ name: 'trail', ...set })
      .onConflict((c) => c.column('name').doUpdateSet(set))
      .execute()
  })
}

/** Rows, newest first. */
export async function listTrail({ db }: Database, filter: TrailFilter, wish: PageWish): Promise<Page<TrailLine>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['number'])
  let query = db.selectFrom('trail').selectAll()
  if (filter.who !== undefined) query = query.where('who', '=', indexed(filter.who))
  if (filter.what !== undefined) query = query.where('what', '=', indexed(filter.what))
  if (filter.before !== undefined) query = query.where('at', '<', filter.before)
  if (after) query = query.where('id', '<', after[0] as number)
  const rows = await query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
  const page = rows.slice(0, limit)
  return {
    rows: page.map((r) => ({
      id: r.id,
      at: r.at,
      who: r.who,
      by: r.way,
      from: r.address,
      what: r.what,
      about: r.about,
      result: r.result as TrailLine['result'],
      detail: JSON.parse(r.detail) as unknown,
    })),
    next: rows.length > limit ? pageKey([page.at(-1)!.id]) : null,
  }
}

export type TrailCheck = {
  readonly rows: number
  /** The number at which, or right after which, something is not as it was written: changed, out of its place, or missing; null: all is. */
  readonly broken: number | null
}

/** Reads all of it, and looks whether each row follows the one before. */
export async function checkTrail({ db }: Database): Promise<TrailCheck> {
  let rows = 0
  let last = 0
  let previous = ''
  let broken: number | null = null
  for (;;) {
    const page = await db.selectFrom('trail').selectAll().where('id', '>', last).orderBy('id').limit(2000).execute()
    if (page.length === 0) break
    for (const row of page) {
      // Numbers have no gaps: they are given under a lock.
      if (row.id !== last + 1) broken ??= last + 1
      // A row that was changed is seen by the one after it.
      else if (row.previous !== previous) broken ??= Math.max(last, 1)
      previous = hashOf(row)
      last = row.id
      rows++
    }
  }
  const mark = await markOf(db, 'trail')
  if (mark.number !== last) broken ??= Math.min(mark.number, last) + 1
  else if (mark.text !== previous) broken ??= last
  return { rows, broken }
}
