/**
 * Runs in Windows' Node under Wine: for each job the machine's registry is written, the provider gets its fixture, and slmctl is run as
 * on that computer itself. Arguments: the file of the jobs, the file for what came of them.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { openApp } from '../../../src/app.ts'
import { computerName } from '../../../src/native.ts'
import { openLocal } from '../../../src/windows.ts'
import { ran } from '../../support/ran.ts'

export type Job = {
  readonly name: string
  /** Files for `reg import`, before and afterwards. */
  readonly registry: { readonly set: string; readonly unset: string } | null
  readonly env: Readonly<Record<string, string>>
  readonly commands: readonly (readonly string[])[]
  /** Time for a question and for a call, in place of the product's own, which nobody waits for in a test: `status` and `apply` only. */
  readonly limitMs?: number
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
  const begin = performance.now()
  return { argv, ...(await ran(argv)), ms: Math.round(performance.now() - begin) }
}

/** The parts of slmctl as its commands put them together, but with short limits of time. */
async function impatient(argv: readonly string[], limitMs: number): Promise<Ran> {
  const name = await computerName()
  const app = await openApp({
    siteFile: argv[argv.indexOf('--site') + 1]!,
    parallel: 1,
    replay: null,
    notice: () => {},
    reach: {
      ...{ user: null, passwordFile: null, askPassword: false, credential: null, method: null, https: false, port: null },
      ...{ ca: null, pin: null, timeoutSeconds: null },
    },
    here: { name, open: () => openLocal(name, { questionMs: limitMs, callMs: limitMs }), elevated: async () => true },
  })
  const begin = performance.now()
  const machines: unknown[] = []
  const problems: unknown[] = []
  if (argv[0] === 'status')
    for await (const { result } of app.status([name])) machines.push(result.ok ? { ok: true, ...result.value } : result)
  else
    for await (const { result } of app.plans([name], { renew: false, asked: [] })) {
      if (!result.ok) problems.push(result.problem)
      else for await (const outcome of app.apply([result.value], { renew: false, asked: [] }).outcomes) machines.push(outcome)
    }
  const ms = Math.round(performance.now() - begin)
  const code = [...problems, ...machines.filter((m) => (m as { ok?: boolean }).ok === false)].length > 0 ? 2 : 1
  return { argv, code, out: JSON.stringify({ machines, problems }), err: '', ms }
}

async function work(job: Job): Promise<Done> {
  Object.assign(process.env, job.env)
  const ran: Ran[] = []
  if (job.registry) registry(job.registry.set)
  try {
    for (const argv of job.commands) ran.push(await (job.limitMs === undefined ? slmctl(argv) : impatient(argv, job.limitMs)))
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
