/**
 * Copies of a store. Two forms: a file of SQLite (quick), and lines of JSON that either kind of store writes and reads, so that a
 * fleet moves from SQLite to PostgreSQL and back. Restoring never overwrites: what was there is kept aside.
 */
import { createHash } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type Kysely, sql } from 'kysely'
import { ProblemError, problem } from '../model.ts'
import { newest } from './migrations.ts'
import { type Opened, open, type Place } from './open.ts'
import { asProblem, foreign, newer } from './problems.ts'
import { applicationId, notMade } from './sqlite.ts'
import type { Tables } from './tables.ts'

/** What is over when the server starts elsewhere: who was signed in, links, requests under way. A copy of the fleet has no use for it. */
const momentary = ['session', 'once', 'idempotency_key'] as const satisfies readonly (keyof Tables)[]
type Table = Exclude<keyof Tables, 'slmctl_schema' | (typeof momentary)[number]>
/**
 * Every other table with its primary key, in an order in which each row's references are there before it. Accounts go with their hashes
 * of passwords and tokens with theirs, so that people can sign in after a restore: a backup is to be kept as the store is.
 */
const tables: Readonly<Record<Table, readonly string[]>> = {
  machine: ['id'],
  machine_import: ['id'],
  source_entry: ['source', 'machine_id'],
  machine_group: ['name', 'machine_id', 'source'],
  cause: ['id'],
  product_kind: ['id'],
  remark: ['id'],
  product: ['machine_id', 'key'],
  product_past: ['id'],
  problem_past: ['id'],
  campaign: ['id'],
  campaign_reason: ['campaign_id', 'code'],
  campaign_target: ['campaign_id', 'machine_id'],
  journal_entry: ['campaign_id', 'machine_id', 'attempt', 'sequence'],
  plan: ['id'],
  outcome: ['id'],
  outcome_step: ['outcome_id', 'position'],
  host: ['id'],
  host_check: ['id'],
  host_count: ['id'],
  fleet_change: ['id'],
  account: ['id'],
  api_token: ['id'],
  saved_view: ['account_id', 'name'],
  alert: ['key'],
  trail: ['id'],
  mark: ['name'],
}
/** Tables whose ids the database gives. */
const numbered = [
  ...([
    'machine_import',
    'cause',
    'product_kind',
    'remark',
    'fleet_change',
    'account',
    'api_token',
    'trail',
    'product_past',
    'problem_past',
    'campaign',
    'plan',
    'outcome',
    'host',
    'host_check',
    'host_count',
  ] as const),
] as const
type Row = Readonly<Record<string, string | number | null>>
type Kept = { readonly version: number; readonly rows: AsyncIterable<readonly [Table, Row]> }

export type Copied = { readonly file: string; readonly bytes: number; readonly form: 'sqlite' | 'lines' }

/** Writes a copy as of one moment: of SQLite a file of SQLite, of PostgreSQL lines; `lines` of either. The file must not be there yet. */
export async function backup({ database, sqlite }: Opened, file: string, form: 'own' | 'lines' = 'own'): Promise<Copied> {
  const part = `${file}.part`
  if (existsSync(file)) throw exists(file)
  rmSync(part, { force: true })
  try {
    if (sqlite && form === 'own') {
      closeSync(create(part))
      sqlite.prepare('vacuum into ?').run(part)
      forget(part)
      sound(part)
    } else await writeLines(database.db, database.kind, part)
    finish(part, file)
  } finally {
    rmSync(part, { force: true })
  }
  return { file, bytes: statSync(file).size, form: sqlite && form === 'own' ? 'sqlite' : 'lines' }
}

const exists = (file: string) =>
  new ProblemError(problem('STORE_FILE_EXISTS', `${file} is there already.`, ['Name another file; nothing is overwritten.']))
const damaged = (file: string, what: string) =>
  new ProblemError(problem('BACKUP_DAMAGED', `The backup ${file} ${what}.`, ['Nothing was changed. Take another backup.']))

function create(file: string): number {
  try {
    return openSync(file, 'ax', 0o600)
  } catch (error) {
    throw notMade(file, (error as NodeJS.ErrnoException).code)
  }
}

/** On the disk, and under its name only when it is whole. */
function finish(part: string, file: string): void {
  const fd = openSync(part, 'r+')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  try {
    linkSync(part, file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw exists(file)
    // File systems without links.
    renameSync(part, file)
  }
}

/** Takes out of a copy what does not go into one; the places are overwritten. */
function forget(file: string): void {
  const copy = new DatabaseSync(file)
  try {
    copy.exec(`pragma secure_delete = on; begin; ${momentary.map((table) => `delete from ${table};`).join(' ')} commit`)
  } finally {
    copy.close()
  }
}

function sound(file: string): void {
  const copy = new DatabaseSync(file, { readOnly: true })
  try {
    const [first] = copy.prepare('pragma integrity_check(1)').all() as { integrity_check: string }[]
    if (first?.integrity_check !== 'ok') throw damaged(file, `is not sound: ${first?.integrity_check}`)
  } finally {
    copy.close()
  }
}

/** All rows of all tables, as of one moment. */
async function* rowsOf(db: Kysely<Tables>): AsyncGenerator<readonly [Table, Row]> {
  for (const [table, key] of Object.entries(tables) as [Table, readonly string[]][]) {
    let rows: readonly Row[] = await pageOf(db, table, key, null)
    while (rows.length > 0) {
      for (const row of rows) yield [table, row]
      rows = await pageOf(db, table, key, rows.at(-1)!)
    }
  }
}

async function pageOf(db: Kysely<Tables>, table: Table, key: readonly string[], last: Row | null): Promise<readonly Row[]> {
  const names = sql.join(key.map((k) => sql.ref(k)))
  const after = last === null ? sql`` : sql`where (${names}) > (${sql.join(key.map((k) => last[k]))})`
  return (await sql<Row>`select * from ${sql.table(table)} ${after} order by ${names} limit 2000`.execute(db)).rows
}

async function writeLines(db: Kysely<Tables>, kind: 'sqlite' | 'postgres', file: string): Promise<void> {
  const fd = create(file)
  const hash = createHash('sha256')
  let text = ''
  const flush = () => {
    const bytes = Buffer.from(text)
    hash.update(bytes)
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
    text = ''
  }
  try {
    await db.connection().execute(async (one) => {
      await sql.raw(kind === 'sqlite' ? 'begin' : 'start transaction isolation level repeatable read read only').execute(one)
      try {
        const { version } = await one
          .selectFrom('slmctl_schema')
          .select((e) => e.fn.max('version').as('version'))
          .executeTakeFirstOrThrow()
        text = `${JSON.stringify({ schema: 'slmctl.store/1', version })}\n`
        let count = 0
        for await (const [table, row] of rowsOf(one)) {
          text += `${JSON.stringify([table, row])}\n`
          count++
          if (text.length > 1 << 20) flush()
        }
        flush()
        text = `${JSON.stringify({ rows: count, sha256: hash.digest('hex') })}\n`
        const end = Buffer.from(text)
        writeSync(fd, end)
      } finally {
        await sql.raw('commit').execute(one)
      }
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT') throw notMade(file, 'ENOSPC')
    throw error
  } finally {
    closeSync(fd)
  }
}

/** Lines of a file, one after the other, with their bytes; no line of a backup is longer than 64 MB. */
function* linesOf(file: string): Generator<Buffer> {
  const fd = openSync(file, 'r')
  try {
    let rest = Buffer.alloc(0)
    for (;;) {
      const more = Buffer.alloc(1 << 20)
      const read = readSync(fd, more)
      if (read === 0) break
      rest = Buffer.concat([rest, more.subarray(0, read)])
      if (rest.length > 1 << 26) throw damaged(file, 'has a line without end')
      let from = 0
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10, from)) {
        yield rest.subarray(from, end + 1)
        from = end + 1
      }
      rest = rest.subarray(from)
    }
    if (rest.length > 0) throw damaged(file, 'ends in the middle of a line')
  } finally {
    closeSync(fd)
  }
}

/** Reads lines. The whole is proved at its end, so nothing of it may count before. */
function readLines(file: string): Kept {
  const lines = linesOf(file)
  const hash = createHash('sha256')
  const parse = (line: Buffer): unknown => {
    try {
      return JSON.parse(line.toString())
    } catch {
      throw damaged(file, 'has a line that cannot be read')
    }
  }
  const first = lines.next()
  if (first.done) throw foreign(file)
  hash.update(first.value)
  if (!first.value.includes('slmctl.store/')) throw foreign(file)
  const head = parse(first.value) as { schema?: unknown; version?: unknown } | null
  if (head?.schema !== 'slmctl.store/1' || typeof head.version !== 'number') throw foreign(file)
  async function* rows(): AsyncGenerator<readonly [Table, Row]> {
    let count = 0
    for (const line of lines) {
      const value = parse(line)
      if (Array.isArray(value)) {
        const [table, row] = value as [Table, Row]
        if (!Object.hasOwn(tables, table) || row === null || typeof row !== 'object') throw damaged(file, 'has a row of no table')
        hash.update(line)
        count++
        yield [table, row]
        continue
      }
      const end = value as { rows?: unknown; sha256?: unknown } | null
      if (end?.rows !== count || end.sha256 !== hash.digest('hex')) throw damaged(file, 'is not as it was written')
      return
    }
    throw damaged(file, 'is cut off')
  }
  return { version: head.version, rows: rows() }
}

/** What a backup holds, whatever its form. */
async function read(file: string): Promise<Kept & { readonly close: () => Promise<void> }> {
  if (!existsSync(file))
    throw new ProblemError(problem('STORE_MISSING', `There is no file ${file}.`, ['Name a file that slmctl fleet backup wrote.']))
  const head = Buffer.alloc(16)
  const fd = openSync(file, 'r')
  try {
    readSync(fd, head)
  } finally {
    closeSync(fd)
  }
  if (head.toString('latin1') !== 'SQLite format 3\0') return { ...readLines(file), close: async () => {} }
  sound(file)
  // Read from a copy: opening a store to read it would change it (a newer schema, files beside it).
  const source = new DatabaseSync(file, { readOnly: true })
  try {
    const { application_id } = source.prepare('pragma application_id').get() as { application_id: number }
    if (application_id !== applicationId) throw foreign(file)
    const { version } = source.prepare('select max(version) as version from slmctl_schema').get() as { version: number }
    async function* rows(): AsyncGenerator<readonly [Table, Row]> {
      // An earlier version has not all of them.
      const there = new Set(
        source
          .prepare("select name from sqlite_schema where type = 'table'")
          .all()
          .map((t) => t.name),
      )
      for (const table of (Object.keys(tables) as Table[]).filter((t) => there.has(t)))
        for (const row of source.prepare(`select * from "${table}"`).iterate()) yield [table, row as Row]
    }
    return { version, rows: rows(), close: async () => source.close() }
  } catch (error) {
    source.close()
    throw error
  }
}

export type Restored = {
  readonly rows: number
  /** Where what was there before is kept: a file or a schema; null: there was nothing. */
  readonly aside: string | null
}

/** Makes a store of a backup, of either form, in either kind. It is built beside the old one and takes its place when it is whole. */
export async function restore(place: Place, file: string, now: Date): Promise<Restored> {
  const stamp = now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '_')
  const beside: Place =
    'file' in place
      ? { file: `${place.file}.restoring` }
      : { postgres: { ...place.postgres, schema: `${place.postgres.schema}_restoring` } }
  const kept = await read(file)
  try {
    if (kept.version > newest) throw newer(file, kept.version, newest)
    await clear(beside)
    const rows = await fill(beside, kept)
    return { rows, aside: 'file' in place ? takePlace(place.file, stamp) : await takeSchema(place.postgres, stamp) }
  } catch (error) {
    await clear(beside).catch(() => {})
    // Rows that a database refuses for what they are: the file is not one that was written by a store.
    const said = asProblem(error, file)
    throw said === error && !(said instanceof ProblemError) ? damaged(file, 'does not fit the schema') : said
  } finally {
    await kept.close()
  }
}

async function clear(place: Place): Promise<void> {
  if ('file' in place) {
    for (const end of ['', '-wal', '-shm']) rmSync(`${place.file}${end}`, { force: true })
    return
  }
  const opened = await open(place, { create: true, version: 0 })
  try {
    await sql`drop schema if exists ${sql.id(place.postgres.schema)} cascade`.execute(opened.database.db)
  } finally {
    await opened.close()
  }
}

async function fill(place: Place, kept: Kept): Promise<number> {
  const opened = await open(place, { create: true, version: kept.version })
  const { database } = opened
  let count = 0
  try {
    // Once and not again: what is read is read.
    await database.db.transaction().execute(async (db) => {
      let waiting: Row[] = []
      let of: Table | null = null
      const flush = async () => {
        if (of === null || waiting.length === 0) return
        await db
          .insertInto(of)
          .values(waiting as never)
          .execute()
        waiting = []
      }
      for await (const [table, row] of kept.rows) {
        if (table !== of || waiting.length >= 200) await flush()
        of = table
        waiting.push(row)
        count++
      }
      await flush()
    })
  } finally {
    await opened.close()
  }
  // Brought up to date, numbers go on after the last one, and all of its pages are looked at.
  const whole = await open(place, { create: false })
  try {
    const { kind, db } = whole.database
    for (const table of kind === 'postgres' ? numbered : [])
      await sql`select setval(pg_get_serial_sequence(${table}, 'id'), (select coalesce(max(id), 0) + 1 from ${sql.table(table)}), false)`.execute(
        db,
      )
  } finally {
    await whole.close()
  }
  if ('file' in place) sound(place.file)
  return count
}

function takePlace(file: string, stamp: string): string | null {
  settle(`${file}.restoring`)
  let aside: string | null = null
  if (existsSync(file)) {
    settle(file)
    aside = `${file}.before_${stamp}`
    if (existsSync(aside)) throw exists(aside)
    for (const end of ['-wal', '-shm']) if (existsSync(`${file}${end}`)) renameSync(`${file}${end}`, `${aside}${end}`)
    // Under both names for a moment, so that there is a store at any time.
    try {
      linkSync(file, aside)
    } catch {
      renameSync(file, aside)
    }
  }
  renameSync(`${file}.restoring`, file)
  return aside
}

/** One file without its two companions: only possible while nobody else has it open. What is damaged is moved as it is. */
function settle(file: string): void {
  let old: DatabaseSync | null = null
  try {
    old = new DatabaseSync(file, { timeout: 1_000 })
    old.exec('pragma journal_mode = delete')
  } catch (error) {
    const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff
    if (code === 5 || code === 6) throw error
  } finally {
    old?.close()
  }
}

async function takeSchema(connection: Extract<Place, { postgres: unknown }>['postgres'], stamp: string): Promise<string | null> {
  const { schema } = connection
  const opened = await open({ postgres: { ...connection, schema: `${schema}_restoring` } }, { create: false })
  try {
    return await opened.database.write(async (db) => {
      const { rows } = await sql`select 1 from pg_namespace where nspname = ${schema}`.execute(db)
      const aside = rows.length === 0 ? null : `${schema}_before_${stamp}`
      if (aside) await sql`alter schema ${sql.id(schema)} rename to ${sql.id(aside)}`.execute(db)
      await sql`alter schema ${sql.id(`${schema}_restoring`)} rename to ${sql.id(schema)}`.execute(db)
      return aside
    })
  } finally {
    await opened.close()
  }
}

export type Compacted = { readonly bytesBefore: number; readonly bytesAfter: number }

/** Gives back space that is not used any more, and counts anew what the database knows about its tables. History stays. */
export async function compact({ database, sqlite }: Opened): Promise<Compacted> {
  const { db } = database
  const size = async () => {
    const query =
      database.kind === 'sqlite'
        ? sql<{ bytes: number }>`select page_count * page_size as bytes from pragma_page_count, pragma_page_size`
        : sql<{ bytes: number }>`select cast(coalesce(sum(pg_total_relation_size(c.oid)), 0) as bigint) as bytes from pg_class c
            join pg_namespace n on n.oid = c.relnamespace where n.nspname = current_schema() and c.relkind = 'r'`
    return (await query.execute(db)).rows[0]!.bytes
  }
  const bytesBefore = await size()
  if (sqlite) {
    await check({ database, sqlite })
    sqlite.exec('vacuum')
    sqlite.exec('analyze')
    sqlite.exec('pragma wal_checkpoint(truncate)')
  } else for (const table of [...Object.keys(tables), ...momentary]) await sql`vacuum (full, analyze) ${sql.table(table)}`.execute(db)
  return { bytesBefore, bytesAfter: await size() }
}

/** Looks at every page and every reference; throws where something is not sound. */
export async function check({ database, sqlite }: Pick<Opened, 'database' | 'sqlite'>): Promise<void> {
  const wrong = sqlite
    ? [
        ...sqlite
          .prepare('pragma integrity_check(5)')
          .all()
          .map((r) => String(r.integrity_check))
          .filter((t) => t !== 'ok'),
        ...sqlite
          .prepare('pragma foreign_key_check')
          .all()
          .map((r) => `${r.table} refers to nothing`),
      ]
    : []
  if (!sqlite) await sql`select count(*) from machine`.execute(database.db)
  if (wrong.length > 0)
    throw new ProblemError(
      problem('STORE_DAMAGED', `The store ${database.place} is damaged: ${wrong[0]}.`, [
        'Keep a copy of the file as it is.',
        'slmctl fleet restore FILE brings back a backup; the damaged file is kept beside it.',
      ]),
    )
}
