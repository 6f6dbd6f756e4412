/** Opens a database of either kind, brings it to the newest schema, and says every refusal as a Problem. */
import type { DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import { migrate, newest } from './migrations.ts'
import { openPool, type PostgresConnection, placeOf, postgresDialect } from './postgres.ts'
import { asProblem, isAway, isBusy, isConflict } from './problems.ts'
import { readerDialect } from './reader.ts'
import { openFile, sqliteDialect } from './sqlite.ts'
import type { Database, Tables } from './tables.ts'

/** Where a store is: a file of SQLite, or PostgreSQL. */
export type Place = { readonly file: string } | { readonly postgres: PostgresConnection }

export type Opened = {
  readonly database: Database
  /** The same for long questions: in threads of their own, where such were wished. It only reads, but for `write`. */
  readonly reads: Database
  readonly sqlite: DatabaseSync | null
  readonly close: () => Promise<void>
}

/** Opens it; `version` is the schema to bring it to. */
export async function open(
  place: Place,
  options: { readonly create: boolean; readonly version?: number; readonly threads?: number },
): Promise<Opened> {
  const name = 'file' in place ? place.file : placeOf(place.postgres)
  return saying(name, async () => {
    const opened = 'file' in place ? openSqlite(place.file, options.create, options.threads ?? 0) : await openPostgres(place.postgres)
    try {
      await migrate(opened.database, options.version ?? newest)
      return opened
    } catch (error) {
      await opened.close()
      throw error
    }
  })
}

function openSqlite(file: string, create: boolean, threads: number): Opened {
  const sqlite = openFile(file, { create })
  const db = new Kysely<Tables>({ dialect: sqliteDialect(sqlite) })
  const write: Database['write'] = (work) => db.transaction().execute(work)
  // There is one writer at a time, in whatever process: `begin immediate` is the lock.
  const database: Database = { kind: 'sqlite', place: file, db, quick: db, write, alone: (_what, work) => write(work) }
  const readers = threads > 0 ? new Kysely<Tables>({ dialect: readerDialect(file, threads) }) : null
  return {
    database,
    reads: readers ? { ...database, db: readers } : database,
    sqlite,
    close: async () => {
      await readers?.destroy()
      // What the planner knows of the tables, where they changed much; it may be left for another time.
      try {
        sqlite.exec('pragma optimize')
      } catch {}
      await db.destroy()
    },
  }
}

async function openPostgres(connection: PostgresConnection): Promise<Opened> {
  const pool = await openPool(connection)
  const { schema } = connection
  const db = new Kysely<Tables>({ dialect: postgresDialect(pool, schema) })
  const write: Database['write'] = async (work) => {
    for (let tries = 1; ; tries++) {
      try {
        return await db.transaction().execute(work)
      } catch (error) {
        if (!isConflict(error) || tries === 5) throw error
        await new Promise((done) => setTimeout(done, 20 * tries * (1 + Math.random())))
      }
    }
  }
  const database: Database = {
    kind: 'postgres',
    place: placeOf(connection),
    db,
    quick: db,
    write,
    alone: (what, work) =>
      write(async (transaction) => {
        await sql`select pg_advisory_xact_lock(hashtext(${schema}), hashtext(${what}))`.execute(transaction)
        return work(transaction)
      }),
  }
  try {
    // Asked first: who may not create schemas can still use one that was made for them.
    const { rows } = await sql`select 1 from pg_namespace where nspname = ${schema}`.execute(db)
    if (rows.length === 0) await sql`create schema if not exists ${sql.id(schema)}`.execute(db)
  } catch (error) {
    // Two at once: the other one made it.
    if ((error as { code?: string }).code !== '23505' && (error as { code?: string }).code !== '42P06') {
      await db.destroy()
      throw error
    }
  }
  return { database, reads: database, sqlite: null, close: () => db.destroy() }
}

/**
 * Does something, and turns what a database throws into a Problem. While it is away, or another process holds the file, tries again
 * for so long: everything the store does may be done twice.
 */
export async function saying<T>(place: string, work: () => Promise<T>, patienceMs = 0): Promise<T> {
  const until = performance.now() + patienceMs
  for (let pause = 100; ; pause = Math.min(2 * pause, 3_000)) {
    try {
      return await work()
    } catch (error) {
      if (!(isAway(error) || isBusy(error)) || performance.now() + pause > until) throw asProblem(error, place)
      await new Promise((done) => setTimeout(done, pause))
    }
  }
}
