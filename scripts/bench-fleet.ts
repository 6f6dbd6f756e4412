/**
 * `npm run bench:fleet`: what a fleet costs. A scan of 100,000 machines of a lab into SQLite by the package as it is shipped, against
 * one of 10,000 (CPU time for each machine, peak memory) and against the bare loop of `bench:wire` with the same requests; each
 * question to a fleet of 200,000 machines with 4 products against its bare SQL (`bench:store`); four workers against one. Only ratios
 * of one run count, as machines are noisy. Last line: JSON (CONTRIBUTING.md). Ends with 1 where a client failed, or
 * was told anything else than before.
 *
 * BENCH_FLEET_MACHINES=10000 makes all of it small (2,000 against 10,000; 10,000 machines are asked about; 128 for the workers).
 * BENCH_FLEET=scan,questions,workers: only these.
 */

import { programs } from '../test/store/postgres-server.ts'
import { benchScan } from './bench-fleet/scan.ts'
import { benchWorkers } from './bench-fleet/workers.ts'
import { machine } from './bench-machine.ts'
import { benchStore } from './bench-store.ts'

const machines = Number(process.env.BENCH_FLEET_MACHINES ?? 100_000)
const parts = (process.env.BENCH_FLEET ?? 'scan,questions,workers').split(',')
const whole = machines >= 50_000

type Ratio = { readonly name: string; readonly value: number; readonly goal: number; readonly better: 'less' | 'more' }
const ratios: Ratio[] = []
const ratio = (name: string, value: number, goal: number, better: Ratio['better'] = 'less') =>
  ratios.push({ name, value: Number(value.toFixed(2)), goal, better })
const log = (line: string) => console.log(line)

async function scan(): Promise<void> {
  const small = Math.max(2000, machines / 10)
  const s = await benchScan({ large: machines, small, rounds: whole ? 3 : 2 }, log)
  const sizes = `${machines} ÷ ${small} machines`
  log(
    `\n${'CPU ms a machine'.padEnd(20)}${s.largeMs.toFixed(2)} of ${machines}, ${s.smallMs.toFixed(2)} of ${small}, bare loop ${s.bareMs.toFixed(2)} of ${small}`,
  )
  log(`${'most memory'.padEnd(20)}${Math.round(s.largeMb)} MB of ${machines}, ${Math.round(s.smallMb)} MB of ${small}\n`)
  ratio(`CPU a machine, ${sizes}`, s.largeMs / s.smallMs, 1.15)
  ratio(`peak memory, ${sizes}`, s.largeMb / s.smallMb, 1.3)
  ratio(`slmctl fleet scan into SQLite ÷ bare loop, ${small} machines`, s.smallMs / s.bareMs, 1.5)
}

async function questions(): Promise<void> {
  for (const kind of ['sqlite', 'postgres'] as const) {
    if (kind === 'postgres' && programs() === null) log('PostgreSQL is not installed, and not asked.')
    else {
      const { worst } = await benchStore(kind, { machines: whole ? 2 * machines : machines, rounds: whole ? 20 : 10, log })
      const name = kind === 'sqlite' ? 'SQLite' : 'PostgreSQL'
      ratio(`p95 of the slowest question to ${name} (${worst.name}) ÷ (1.3 × its bare SQL + 2 ms)`, worst.share, 1)
      log('')
    }
  }
}

async function workers(): Promise<void> {
  const worked = await benchWorkers(whole ? 400 : 128, whole ? 2 : 1, log)
  if (worked === null) log('PostgreSQL is not installed, and no workers are measured.')
  else ratio('4 workers ÷ 1, machines a second', worked.four / worked.one, 3.8, 'more')
}

process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
try {
  if (parts.includes('scan')) await scan()
  if (parts.includes('workers')) await workers()
  if (parts.includes('questions')) await questions()
  console.log(
    JSON.stringify({
      bench: 'fleet',
      ratios,
      machine: machine(),
    }),
  )
} catch (error) {
  console.error(`bench:fleet failed: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
