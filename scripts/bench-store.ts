/**
 * `npm run bench:store`: a store of 200,000 machines with 4 products each, on SQLite and on PostgreSQL, and what its questions take
 * against the bare SQL through node:sqlite and pg, both in turn in one run, p95 of each. Goal: 1.3 × the bare SQL plus 2 ms. Also how
 * long it takes to keep what the whole fleet said, for the first time and when it says the same again. Last line: JSON
 * (CONTRIBUTING.md). BENCH_STORE=sqlite or postgres: only that one; BENCH_ONLY=WORDS: only questions with a name like this.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openStore, type Place, postgresUrl } from '../src/store.ts'
import { programs, type Server, startServer } from '../test/store/postgres-server.ts'
import { machine } from './bench-machine.ts'
import { type Bare, barePostgres, bareSqlite, type Compared, compare } from './bench-store/compare.ts'
import { campaignOver, fill } from './bench-store/fleet.ts'
import { pagesTo } from './bench-store/pages.ts'
import { questionsTo } from './bench-store/questions.ts'

export type Measured = {
  readonly kind: 'sqlite' | 'postgres'
  readonly questions: readonly Compared[]
  /** The question that takes most of what is allowed. */
  readonly worst: Compared
  /** Keeping what a machine said, µs: the first time, and the same again. */
  readonly firstUs: number
  readonly againUs: number
  readonly bytes: number
}

/** Fills a store of one kind, and asks it. What is needed for it is made, and gone afterwards. */
export async function benchStore(
  kind: 'sqlite' | 'postgres',
  {
    machines,
    rounds,
    only = /^/,
    log,
  }: { readonly machines: number; readonly rounds: number; readonly only?: RegExp; readonly log: (line: string) => void },
): Promise<Measured> {
  const home = mkdtempSync(join(tmpdir(), 'slmctl-bench-store-'))
  let server: Server | null = null
  const tidy = () => {
    server?.remove()
    rmSync(home, { recursive: true, force: true })
  }
  process.once('exit', tidy)
  try {
    const file = join(home, 'store.db')
    let place: Place = { file }
    let openBare = async (): Promise<Bare> => bareSqlite(file)
    if (kind === 'postgres') {
      server = await startServer(programs()!)
      const { port, user } = server
      place = { postgres: postgresUrl(`postgresql://${user}@127.0.0.1:${port}/postgres`) }
      openBare = () => barePostgres({ host: '127.0.0.1', port, user, database: 'postgres' }, 'slmctl')
    }
    const store = await openStore(place, { create: true })
    const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
    const filled = await fill(store, machines)
    const [firstUs, againUs] = [filled.firstMs, filled.againMs].map((ms) => Math.round((1_000 * ms) / machines))
    log(`imported ${machines} machines in ${seconds(filled.importMs)}, the same again in ${seconds(filled.reimportMs)}`)
    log(`kept what each said: ${firstUs} µs a machine the first time, ${againUs} µs the same again`)
    const campaign = await campaignOver(store, machines)
    const from = performance.now()
    const { bytesAfter: bytes } = await store.compact()
    log(`compacted in ${seconds(performance.now() - from)}, ${(bytes / 1e6).toFixed(0)} MB`)
    const bare = await openBare()
    log(`\n${kind.padEnd(36)}${'ours p95'.padStart(10)}${'bare p95'.padStart(10)}   of what is allowed`)
    const questions = await compare(
      [...(await questionsTo(store, bare.ask, machines, campaign)), ...(await pagesTo(store, bare.ask, machines, campaign))].filter((q) =>
        only.test(q.name),
      ),
      rounds,
      (c) => log(`${c.name.padEnd(36)}${[c.oursMs, c.sqlMs, c.share].map((n) => n.toFixed(2).padStart(10)).join('')}`),
    )
    await bare.close()
    await store.close()
    const worst = questions.reduce((a, b) => (b.share > a.share ? b : a))
    return { kind, questions, worst, firstUs: firstUs!, againUs: againUs!, bytes }
  } finally {
    process.removeListener('exit', tidy)
    tidy()
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.once('SIGINT', () => process.exit(130))
  const wanted = process.env.BENCH_STORE
  const kinds = (['sqlite', 'postgres'] as const).filter((k) => wanted === undefined || wanted === k)
  const all: Measured[] = []
  for (const kind of kinds) {
    if (kind === 'postgres' && programs() === null) {
      console.log('PostgreSQL is not installed, and not measured (apt-get install postgresql)')
      continue
    }
    all.push(
      await benchStore(kind, {
        machines: Number(process.env.BENCH_MACHINES ?? 200_000),
        rounds: Number(process.env.BENCH_ROUNDS ?? 20),
        only: new RegExp(process.env.BENCH_ONLY ?? ''),
        log: console.log,
      }),
    )
    console.log('')
  }
  const name = { sqlite: 'SQLite', postgres: 'PostgreSQL' } as const
  console.log(
    JSON.stringify({
      bench: 'store',
      ratios: all.flatMap((m) => [
        {
          name: `${name[m.kind]}: p95 of the slowest question ÷ (1.3 × bare SQL + 2 ms)`,
          value: Number(m.worst.share.toFixed(2)),
          goal: 1,
          better: 'less',
        },
        {
          name: `${name[m.kind]}: the first time ÷ the same again, a machine`,
          value: Number((m.firstUs / m.againUs).toFixed(2)),
          goal: 2,
          better: 'more',
        },
      ]),
      machine: machine(),
    }),
  )
}
