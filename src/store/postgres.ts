/** PostgreSQL by URL: what a URL may say, the pool of connections, and where our tables stand. */
import { readFileSync } from 'node:fs'
import { CompiledQuery, type Dialect, PostgresDialect, type PostgresPool } from 'kysely'
import type { Client, Pool, PoolClient, PoolConfig } from 'pg'
import { ProblemError, problem } from '../model.ts'
import { plain } from './parts.ts'

/** How to reach a database. The password is asked for at each new connection, from wherever its secret is kept. */
export type PostgresConnection = {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  /** Gives the password when a connection is made; null: none is needed (a socket, a certificate, ~/.pgpass). */
  readonly password: (() => string | Promise<string>) | null
  /** `null`: plain text. Else the server's certificate is checked, against these authorities (PEM) or the usual ones. */
  readonly tls: { readonly authorities: string | null } | null
  /** The schema that holds our tables. */
  readonly schema: string
  /** Connections at once. */
  readonly connections: number
}

const wrongUrl = (summary: string, next: string) => new ProblemError(problem('STORE_URL', summary, [next]))
const loopback = /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?|\/.*|)$/

/**
 * Reads `postgresql://user@host:5432/database?sslmode=…&sslrootcert=…&schema=…`. A password in it is refused: it would stand in
 * shells' histories and lists of processes. Without `sslmode`, anything but this computer is reached by TLS with a checked certificate.
 */
export function postgresUrl(text: string, password: PostgresConnection['password'] = null): PostgresConnection {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw wrongUrl('The URL of the database cannot be read.', 'It looks like postgresql://user@host/database.')
  }
  if (url.protocol !== 'postgresql:' && url.protocol !== 'postgres:')
    throw wrongUrl('The URL of the database does not begin with postgresql://.', 'It looks like postgresql://user@host/database.')
  if (url.password !== '')
    throw wrongUrl('The URL of the database holds a password.', 'Take it out; PGPASSWORD, or the file ~/.pgpass (mode 0600), as for psql.')
  for (const name of url.searchParams.keys())
    if (!['sslmode', 'sslrootcert', 'schema', 'host', 'connections'].includes(name))
      throw wrongUrl(
        `The URL of the database says ${name}, which is not known here.`,
        'Known are sslmode, sslrootcert, schema, host and connections.',
      )
  const ask = (name: string) => url.searchParams.get(name)
  const host = ask('host') ?? decodeURIComponent(url.hostname).replace(/^\[|\]$/g, '')
  const database = decodeURIComponent(url.pathname.slice(1))
  if (database === '') throw wrongUrl('The URL names no database.', 'It looks like postgresql://user@host/database.')
  const mode = ask('sslmode') ?? (loopback.test(host) ? 'disable' : 'verify-full')
  if (mode !== 'disable' && mode !== 'verify-full')
    throw wrongUrl(
      `sslmode=${mode} does not check who answers.`,
      'verify-full does; sslrootcert=FILE names your own authority. disable means plain text.',
    )
  const connections = Number(ask('connections') ?? 8)
  if (!Number.isInteger(connections) || connections < 1 || connections > 200)
    throw wrongUrl('connections is a number from 1 to 200.', 'Leave it away: 8.')
  return {
    host: host === '' ? 'localhost' : host,
    port: url.port === '' ? 5432 : Number(url.port),
    database,
    user: decodeURIComponent(url.username) || 'slmctl',
    password,
    tls: mode === 'disable' ? null : { authorities: authorities(ask('sslrootcert')) },
    schema: ask('schema') ?? 'slmctl',
    connections,
  }
}

function authorities(file: string | null): string | null {
  if (file === null) return null
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw wrongUrl(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`, 'sslrootcert names a PEM file.')
  }
}

/** An identifier of ours: nothing that would have to be quoted. */
export function mustBeSchema(name: string): void {
  if (!/^[a-z_][a-z0-9_]{0,50}$/.test(name) || name.startsWith('pg_'))
    throw wrongUrl('The schema’s name is made of small letters, digits and _.', 'Leave it away: slmctl.')
}

/** How the store is named to people: no user, no password. */
export const placeOf = (c: PostgresConnection) => `${c.host}:${c.port}/${c.database}`

/** 64-bit integers are ours (times, counts, ids) and below 2^53. */
const int8 = 20

/** A pool of connections; lost ones are made anew at the next question. */
export async function openPool(c: PostgresConnection): Promise<Pool> {
  mustBeSchema(c.schema)
  const { default: pg } = await import('pg')
  const number = (value: string) => Number(value)
  const config: PoolConfig = {
    host: c.host,
    port: c.port,
    database: c.database,
    user: c.user,
    ...(c.password ? { password: async () => await c.password!() } : {}),
    ssl: c.tls === null ? false : { rejectUnauthorized: true, ...(c.tls.authorities ? { ca: c.tls.authorities } : {}) },
    max: c.connections,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    application_name: 'slmctl',
    // A process that was stopped in the middle must not hold its locks for ever.
    idle_in_transaction_session_timeout: 60_000,
    types: {
      getTypeParser: (id: number, format?: string) => (id === int8 ? number : pg.types.getTypeParser(id, format as 'text')),
    } as never,
  }
  const pool = new pg.Pool({ ...config, Client: endingClient(pg.Client) })
  // An idle connection that breaks is no news: the next question makes another, or says that the database is gone.
  pool.on('error', () => {})
  return pool
}

/** A client whose connection ends where the sign-in fails: the pool lets go of it, and the server would keep it for a minute. */
function endingClient(plain: typeof Client): typeof Client {
  type Connect = (this: Client, done?: (error: Error | null) => void) => unknown
  const connect = plain.prototype.connect as Connect
  class Ending extends plain {}
  const ending: Connect = function (done) {
    if (!done) return connect.call(this)
    return connect.call(this, (error) => {
      // pg's types do not tell of it.
      if (error)
        (this as unknown as { readonly connection: { readonly stream: { readonly destroy: () => void } } }).connection.stream.destroy()
      done(error)
    })
  }
  Ending.prototype.connect = ending as typeof plain.prototype.connect
  return Ending
}

/** kysely's own dialect. Each connection looks for tables in our schema only, and text is made fit to be kept. */
export function postgresDialect(pool: Pool, schema: string): Dialect {
  const fit = (value: unknown) => (typeof value === 'string' ? plain(value) : value)
  const known = new WeakMap<object, never>()
  const wrap = (client: PoolClient): never => {
    const made = {
      query: (text: never, parameters?: readonly unknown[]) => client.query(text, parameters?.map(fit) as never),
      release: (destroy?: boolean) => client.release(destroy),
    } as never
    // While it is in use nobody else listens; the question under way fails by itself.
    client.on('error', () => {})
    known.set(client, made)
    return made
  }
  const wrapped: PostgresPool = {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      const client = await pool.connect()
      return known.get(client) ?? wrap(client)
    },
  }
  return new PostgresDialect({
    pool: wrapped,
    onCreateConnection: async (connection) => {
      await connection.executeQuery(CompiledQuery.raw(`set search_path to "${schema}"`))
    },
  })
}
