/** Alerts that are open: since when, and what of them was sent. Writes `alert`. */
import type { Kysely } from 'kysely'
import { indexed, inParts, plain } from './parts.ts'
import type { Database, Tables } from './tables.ts'

export type KeptAlert = {
  readonly key: string
  readonly rule: string
  /** Another one: it is worth another message. */
  readonly fingerprint: string
  readonly since: number
  readonly sentAt: number | null
  /** JSON, of whoever makes alerts. */
  readonly body: string
}

/** All that are open, by key. */
export async function alertsKept({ db }: Database): Promise<readonly KeptAlert[]> {
  const rows = await db.selectFrom('alert').selectAll().orderBy('key').execute()
  return rows.map(({ sent_at, ...r }) => ({ ...r, sentAt: sent_at }))
}

export type AlertChanges = { readonly put: readonly KeptAlert[]; readonly drop: readonly string[] }

/** Puts some in the place of what was, and drops others: all of it or nothing. */
export function keepAlerts(database: Database, changes: AlertChanges): Promise<void> {
  return database.alone('alerts', (db) => keep(db, changes))
}

/**
 * Changes what is kept by what is kept, and nobody else does at the same time, in whatever process: so one of several servers takes a
 * message. `work` is pure: it may be done again.
 */
export function changeAlerts<T extends AlertChanges>(database: Database, work: (kept: readonly KeptAlert[]) => T): Promise<T> {
  return database.alone('alerts', async (db) => {
    const changes = work(await alertsKept({ ...database, db }))
    await keep(db, changes)
    return changes
  })
}

async function keep(db: Kysely<Tables>, { put, drop }: AlertChanges): Promise<void> {
  await inParts(drop.map(indexed), 500, (part) => db.deleteFrom('alert').where('key', 'in', part).execute())
  for (const { key, rule, fingerprint, since, sentAt, body } of put) {
    const set = { rule: plain(rule), fingerprint: plain(fingerprint), since, sent_at: sentAt, body: plain(body) }
    await db
      .insertInto('alert')
      .values({ key: indexed(key), ...set })
      .onConflict((c) => c.column('key').doUpdateSet(set))
      .execute()
  }
}
