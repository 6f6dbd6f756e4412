/** SQLite as Node has it built in: kysely's driver for it, and what is looked at before a file is taken for a store. */
import { chmodSync, closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { ProblemError, problem } from '../model.ts'
import { plain } from './parts.ts'
import { foreign, isBusy } from './problems.ts'

/** "SLMc": in the file's header, so that a store is told from any other database of SQLite. */
export const applicationId = 0x534c4d63
/** Statements that are kept prepared; a query is then 13 µs. Lists of values make new texts, so it has an end. */
export const keptStatements = 200
/** How long another process may hold the file before somebody is told. Its imports of 100,000 machines take a few seconds. */
export const patienceMs = 15_000

/** Opens the file, which is made where it is missing, readable by its owner only. */
export function openFile(file: string, options: { readonly create: boolean }): DatabaseSync {
  if (!existsSync(file)) {
    if (!options.create) throw new ProblemError(problem('STORE_MISSING', `There is no store ${file}.`, ['slmctl fleet import makes one.']))
    make(file)
  }
  mustBeSqlite(file)
  const database = new DatabaseSync(file, { timeout: 200, enableForeignKeyConstraints: true })
  try {
    const { application_id } = database.prepare('pragma application_id').get() as { application_id: number }
    const { tables } = database.prepare('select count(*) as tables from sqlite_schema').get() as { tables: number }
    if (application_id !== applicationId && tables > 0) throw foreign(file)
    retrying(() => database.exec('pragma journal_mode = wal'))
    // FULL: what was acknowledged is on the disk. 64 MB of pages: the indexes of a large fleet.
    database.exec('pragma synchronous = full; pragma cache_size = -65536; pragma temp_store = memory')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function make(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    closeSync(openSync(file, 'ax', 0o600))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Another process was quicker.
    if (code === 'EEXIST') return
    throw notMade(file, code)
  }
}

export const notMade = (file: string, code: string | undefined) =>
  code === 'ENOSPC'
    ? new ProblemError(problem('STORE_FULL', `The disk of ${file} is full.`, ['Free some space, then try again.']))
    : new ProblemError(
        problem(
          code === 'EACCES' || code === 'EROFS' || code === 'EPERM' ? 'STORE_READ_ONLY' : 'STORE_NOT_OPENED',
          `${file} cannot be written (${code}).`,
          ['Give yourself the right to write in the folder, or name another file.'],
        ),
      )

/** A file that is no database stays untouched; one that others can read is closed to them. */
function mustBeSqlite(file: string): void {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch (error) {
    throw notMade(file, (error as NodeJS.ErrnoException).code)
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw foreign(file)
    const head = Buffer.alloc(16)
    if (stat.size > 0 && (readSync(fd, head, 0, 16, 0) < 16 || head.toString('latin1') !== 'SQLite format 3\0')) throw foreign(file)
    if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0 && stat.uid === process.getuid?.()) chmodSync(file, 0o600)
  } finally {
    closeSync(fd)
  }
}

/** For the few moments at the start in which nothing else runs: waits in place. */
function retrying<T>(f: () => T): T {
  for (const until = Date.now() + patienceMs; ; ) {
    try {
      return f()
    } catch (error) {
      if (!isBusy(error) || Date.now() > until) throw error
    }
  }
}

/** A value as SQLite takes it; text without what PostgreSQL would refuse, so that both keep the same. */
export function bound(value: unknown): SQLInputValue {
  if (typeof value === 'string') return plain(value)
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value === undefined) throw new TypeError('undefined is no value of a database')
  return value as SQLInputValue
}

/** How long work on the file may go on before timers, sockets and signals have their turn: SQLite answers in place, and waits for nobody. */
const turnMs = 20

class Connection implements DatabaseConnection {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, { readonly statement: StatementSync; readonly rows: boolean }>()
  #turnedAt = performance.now()
  inTransaction = false
  constructor(database: DatabaseSync) {
    this.#database = database
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (performance.now() - this.#turnedAt > turnMs) {
      await new Promise((done) => setImmediate(done))
      this.#turnedAt = performance.now()
    }
    // Inside a transaction the file is ours; outside, another process may hold it for a moment: nothing was done then.
    for (const until = Date.now() + patienceMs; ; ) {
      try {
        return this.#run<R>(query)
      } catch (error) {
        if (this.inTransaction || !isBusy(error) || Date.now() > until) throw error
        await new Promise((done) => setTimeout(done, 10 + Math.random() * 40))
      }
    }
  }

  #run<R>({ sql, parameters }: CompiledQuery): QueryResult<R> {
    const { statement, rows } = this.#prepared(sql)
    const values = parameters.map(bound)
    if (rows) return { rows: statement.all(...values) as R[] }
    const { changes } = statement.run(...values)
    return { rows: [], numAffectedRows: BigInt(changes) }
  }

  #prepared(sql: string) {
    const known = this.#statements.get(sql)
    if (known) return known
    const statement = this.#database.prepare(sql)
    const kept = { statement, rows: statement.columns().length > 0 }
    if (this.#statements.size >= keptStatements) this.#statements.delete(this.#statements.keys().next().value!)
    this.#statements.set(sql, kept)
    return kept
  }

  // biome-ignore lint/correctness/useYield: nothing here reads row by row, and kysely wants the method.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('not used')
  }

  forget(): void {
    this.#statements.clear()
  }
}

/** One connection, one at a time: a transaction holds it until it ends. `begin immediate` takes the right to write at once. */
class SqliteDriver implements Driver {
  readonly #database: DatabaseSync
  readonly #connection: Connection
  #last: Promise<void> = Promise.resolve()
  #release: () => void = () => {}
  constructor(database: DatabaseSync) {
    this.#database = database
    this.#connection = new Connection(database)
  }
  async init(): Promise<void> {}
  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last = promise
    await before
    this.#release = resolve
    return this.#connection
  }
  async releaseConnection(): Promise<void> {
    this.#release()
  }
  async beginTransaction(): Promise<void> {
    await this.#connection.executeQuery(CompiledQuery.raw('begin immediate'))
    this.#connection.inTransaction = true
  }
  async commitTransaction(): Promise<void> {
    await this.#connection.executeQuery(CompiledQuery.raw('commit'))
    this.#connection.inTransaction = false
  }
  async rollbackTransaction(): Promise<void> {
    this.#connection.inTransaction = false
    // After some failures (a full disk) SQLite has undone it by itself.
    if (this.#database.isTransaction) await this.#connection.executeQuery(CompiledQuery.raw('rollback'))
  }
  async destroy(): Promise<void> {
    this.#connection.forget()
    this.#database.close()
  }
}

/**
 * The driver above lets one after the other have the connection. kysely's own lock, which it would put before that, wakes all who wait
 * at every turn: two thousand questions at once cost seven times what they cost one by one.
 */
class Adapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

export function sqliteDialect(database: DatabaseSync): Dialect {
  return {
    createAdapter: () => new Adapter(),
    createDriver: () => new SqliteDriver(database),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}
