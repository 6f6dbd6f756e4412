/**
 * Questions to SQLite in threads of their own: a question that reads a whole fleet holds the thread that asks it, and a server has
 * live events, sign-ins and campaigns in its own. Each thread has the file open for reading only, and sees what was committed before
 * it was asked. Its program is a text, so that there is no file to be found beside a bundle or inside an executable.
 */
import type { SQLInputValue } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { isBusy } from './problems.ts'
import { bound, keptStatements, patienceMs } from './sqlite.ts'

/** Rows come as lists: a quarter of the work to hand them over. */
const program = `
const { parentPort, workerData: { file, keptStatements } } = require('node:worker_threads')
const { DatabaseSync } = require('node:sqlite')
let database = null
const statements = new Map()
const prepared = (sql) => {
  if (database === null) {
    database = new DatabaseSync(file, { readOnly: true, timeout: 200 })
    database.exec('pragma cache_size = -65536; pragma temp_store = memory')
  }
  const known = statements.get(sql)
  if (known) return known
  const statement = database.prepare(sql)
  statement.setReturnArrays(true)
  const kept = { statement, columns: statement.columns().map((c) => c.name) }
  if (statements.size >= keptStatements) statements.delete(statements.keys().next().value)
  statements.set(sql, kept)
  return kept
}
parentPort.on('message', ({ id, sql, values }) => {
  try {
    const { statement, columns } = prepared(sql)
    parentPort.postMessage({ id, columns, rows: statement.all(...values) })
  } catch (error) {
    parentPort.postMessage({ id, error: { message: error.message, code: error.code, errcode: error.errcode } })
  }
})
`

type Rows = { readonly columns: readonly string[]; readonly rows: readonly (readonly unknown[])[] }
type Said = { readonly id: number } & (
  | Rows
  | { readonly error: { readonly message: string; readonly code: unknown; readonly errcode: unknown } }
)
type Waiting = { readonly done: (rows: Rows) => void; readonly failed: (error: unknown) => void }

/** One thread. It keeps no process alive by itself, only while an answer is awaited. */
class Thread {
  readonly #file: string
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | null = null
  #asked = 0
  constructor(file: string) {
    this.#file = file
  }

  get busy(): number {
    return this.#waiting.size
  }

  ask(sql: string, values: readonly SQLInputValue[]): Promise<Rows> {
    this.#worker ??= this.#begin()
    const worker = this.#worker
    return new Promise((done, failed) => {
      const id = this.#asked++
      if (this.#waiting.size === 0) worker.ref()
      this.#waiting.set(id, { done, failed })
      worker.postMessage({ id, sql, values })
    })
  }

  async end(): Promise<void> {
    const worker = this.#worker
    this.#worker = null
    await worker?.terminate()
  }

  #begin(): Worker {
    const worker = new Worker(program, { eval: true, workerData: { file: this.#file, keptStatements } })
    worker.unref()
    worker.on('message', (said: Said) => {
      const one = this.#waiting.get(said.id)
      this.#waiting.delete(said.id)
      if (this.#waiting.size === 0) worker.unref()
      if ('error' in said) one?.failed(Object.assign(new Error(said.error.message), said.error))
      else one?.done(said)
    })
    let because: unknown = new Error('the thread that reads the store has ended')
    worker.on('error', (error) => {
      because = error
    })
    // Whoever waits is told; the next question begins another one.
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = null
      const waiting = [...this.#waiting.values()]
      this.#waiting.clear()
      for (const { failed } of waiting) failed(because)
    })
    return worker
  }
}

function rowOf(columns: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  const row: Record<string, unknown> = {}
  for (let i = 0; i < columns.length; i++) row[columns[i]!] = values[i]
  return row
}

class Connection implements DatabaseConnection {
  readonly #threads: readonly Thread[]
  constructor(threads: readonly Thread[]) {
    this.#threads = threads
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const values = parameters.map(bound)
    for (const until = Date.now() + patienceMs; ; ) {
      const thread = this.#threads.reduce((a, b) => (b.busy < a.busy ? b : a))
      try {
        const { columns, rows } = await thread.ask(sql, values)
        return { rows: rows.map((row) => rowOf(columns, row) as R) }
      } catch (error) {
        if (!isBusy(error) || Date.now() > until) throw error
        await new Promise((done) => setTimeout(done, 10 + Math.random() * 40))
      }
    }
  }

  // biome-ignore lint/correctness/useYield: nothing here reads row by row, and kysely wants the method.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('not used')
  }
}

class ReaderDriver implements Driver {
  readonly #threads: readonly Thread[]
  readonly #connection: Connection
  constructor(file: string, count: number) {
    this.#threads = Array.from({ length: count }, () => new Thread(file))
    this.#connection = new Connection(this.#threads)
  }
  async init(): Promise<void> {}
  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection
  }
  async releaseConnection(): Promise<void> {}
  async beginTransaction(): Promise<void> {
    throw new Error('these only read')
  }
  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
  async destroy(): Promise<void> {
    await Promise.all(this.#threads.map((t) => t.end()))
  }
}

class Adapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

/** Questions to a file, in so many threads; each begins with the first question that finds the others busy. */
export function readerDialect(file: string, count: number): Dialect {
  return {
    createAdapter: () => new Adapter(),
    createDriver: () => new ReaderDriver(file, count),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}
