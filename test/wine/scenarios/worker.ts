/**
 * Runs in Windows' Node under Wine: for each job the machine's registry is written, the provider gets its fixture, and slmctl is run as
 * on that computer itself. Arguments: the file of the jobs, the file for what came of them.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { main } from '../../../src/cli/main.ts'

export type Job = {
  readonly name: string
  /** Files for `reg import`, before and afterwards. */
  readonly registry: { readonly set: string; readonly unset: string } | null
  readonly env: Readonly<Record<string, string>>
  readonly commands: readonly (readonly string[])[]
}
export type Ran = {
  readonly argv: readonly string[]
  readonly code: number
  readonly out: string
  readonly err: string
  readonly ms: number
}
export type Done = { readonly name: string; readonly ran: readonly Ran[] }

function registry(file: string): void {
  const { status } = spawnSync('reg.exe', ['import', file], { stdio: 'ignore' })
  if (status !== 0) throw new Error(`reg import ${file}: ${status}`)
}

async function slmctl(argv: readonly string[]): Promise<Ran> {
  const ran = { out: '', err: '' }
  const begin = performance.now()
  const code = await main([...argv], {
    out: (text) => {
      ran.out += text
    },
    err: (text) => {
      ran.err += text
    },
    columns: 80,
    paint: (_, text) => text,
  })
  process.exitCode = 0
  return { argv, code, ...ran, ms: Math.round(performance.now() - begin) }
}

async function work(job: Job): Promise<Done> {
  Object.assign(process.env, job.env)
  const ran: Ran[] = []
  if (job.registry) registry(job.registry.set)
  try {
    for (const argv of job.commands) ran.push(await slmctl(argv))
  } finally {
    if (job.registry) registry(job.registry.unset)
    for (const name of Object.keys(job.env)) delete process.env[name]
  }
  return { name: job.name, ran }
}

const [jobs, results] = process.argv.slice(2) as [string, string]
const done: Done[] = []
for (const job of JSON.parse(readFileSync(jobs, 'utf8')) as Job[]) done.push(await work(job))
writeFileSync(results, JSON.stringify(done))
// A question that was given up may still be under way, and would be waited for.
process.exit(0)
