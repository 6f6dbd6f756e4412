/** How long questions take through the store, and as bare SQL through the same driver: both in turn, p95 of each. */
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import type { Ask, Question } from './questions.ts'

export type Bare = {
  readonly ask: Ask
  readonly close: () => Promise<void>
}

/** A file of SQLite through node:sqlite, with statements kept prepared. */
export function bareSqlite(file: string): Bare {
  const bare = new DatabaseSync(file)
  bare.exec('pragma cache_size = -65536; pragma temp_store = memory')
  const prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>()
  return {
    ask: async (sql, ...values) => {
      let statement = prepared.get(sql)
      if (!statement) {
        statement = bare.prepare(sql)
        prepared.set(sql, statement)
      }
      return statement.all(...values)
    },
    close: async () => bare.close(),
  }
}

/** PostgreSQL through pg, with one connection. */
export async function barePostgres(config: pg.ClientConfig, schema: string): Promise<Bare> {
  const client = new pg.Client({
    ...config,
    types: { getTypeParser: (id: number, f?: string) => (id === 20 ? Number : pg.types.getTypeParser(id, f as 'text')) } as never,
  })
  await client.connect()
  await client.query(`set search_path to "${schema}"`)
  const numbered = new Map<string, string>()
  return {
    ask: async (sql, ...values) => {
      let text = numbered.get(sql)
      if (text === undefined) {
        let n = 0
        text = sql.replace(/\?/g, () => `$${++n}`)
        numbered.set(sql, text)
      }
      return (await client.query(text, [...values])).rows as Record<string, unknown>[]
    },
    close: () => client.end(),
  }
}

export type Compared = {
  readonly name: string
  readonly oursMs: number
  readonly sqlMs: number /** Of 1.3 × bare SQL + 2 ms. */
  readonly share: number
}

const p95 = (list: readonly number[]) => list.toSorted((a, b) => a - b)[Math.ceil(list.length * 0.95) - 1]!

/** What takes long is asked less often: so long for a batch (6 s of the usual 20 rounds), and five times at least. */
const batchMs = (rounds: number) => 300 * rounds

/** How long something takes, ms; `alone`: no other process had this one's place meanwhile. */
async function timed(what: () => Promise<unknown>): Promise<{ readonly ms: number; readonly alone: boolean }> {
  const before = process.resourceUsage().involuntaryContextSwitches
  const from = performance.now()
  await what()
  return { ms: performance.now() - from, alone: process.resourceUsage().involuntaryContextSwitches === before }
}

/**
 * Three batches of so many rounds: a noisy moment spoils one of them, and the middle one counts. A round in which another process
 * was in the way is asked again, as long as there is time: on a busy machine p95 would tell how busy it is.
 */
export async function compare(
  questions: readonly Question[],
  rounds: number,
  told: (line: Compared) => void,
): Promise<readonly Compared[]> {
  // Both are warm before anything counts: a list is asked for again and again while a server or a session of work goes on.
  for (let i = 0; i < 4; i++)
    for (const { ours, sql, before } of questions) {
      await before?.(i)
      await ours(i)
      await sql(i)
    }
  const all: Compared[] = []
  for (const { name, ours, sql, before } of questions) {
    const batches: Compared[] = []
    for (let batch = 0; batch < 3; batch++) {
      const [a, b] = await inTurn([ours, sql], rounds, before)
      const [oursMs, sqlMs] = [p95(a!), p95(b!)]
      batches.push({ name, oursMs, sqlMs, share: oursMs / (1.3 * sqlMs + 2) })
    }
    const middle = batches.sort((a, b) => a.share - b.share)[1]!
    told(middle)
    all.push(middle)
  }
  return all
}

/** The times of each, asked in turn. */
async function inTurn(
  both: readonly ((i: number) => Promise<unknown>)[],
  rounds: number,
  before: Question['before'],
): Promise<readonly (readonly number[])[]> {
  const times = both.map(() => ({ alone: [] as number[], all: [] as number[] }))
  const until = performance.now() + batchMs(rounds)
  for (let i = 0; times.some((t) => t.alone.length < rounds) && (i < 5 || performance.now() < until); i++) {
    await before?.(i)
    // Who is first finds colder caches: in turn.
    for (const which of i % 2 === 0 ? [0, 1] : [1, 0]) {
      const { ms, alone } = await timed(() => both[which]!(i))
      times[which]!.all.push(ms)
      if (alone) times[which]!.alone.push(ms)
    }
  }
  return times.map((t) => (t.alone.length >= Math.min(5, rounds) ? t.alone : t.all))
}
