/** The package as it is shipped, in a folder of its own, and clients that are run and measured there. */
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Spent = {
  /** User and system time of the client and its children, by the operating system's account. */
  readonly cpuMs: number
  readonly wallMs: number
  /** The most memory that the client held at once. */
  readonly peakMb: number
  readonly stdout: string
}

export type Home = {
  readonly path: (name: string) => string
  /** Runs Node under bash's `time`; `slmctl` as its first word is the package. Throws where it ends with a code that it may not. */
  readonly run: (command: readonly string[], may: readonly number[]) => Promise<Spent>
  readonly env: NodeJS.ProcessEnv
  readonly slmctl: string
  readonly remove: () => void
}

/** Without the sources, so that the bundle runs. */
export function newHome(): Home {
  const home = mkdtempSync(join(tmpdir(), 'slmctl-bench-fleet-'))
  const path = (name: string) => join(home, name)
  cpSync('bin', path('bin'), { recursive: true })
  cpSync('dist', path('dist'), { recursive: true })
  if (existsSync('node_modules/koffi')) cpSync('node_modules/koffi', path('node_modules/koffi'), { recursive: true })
  // Node's own account of its peak: at the end, and in whatever way it ends.
  writeFileSync(
    path('peak.cjs'),
    "process.on('exit',()=>require('node:fs').writeFileSync(process.env.BENCH_PEAK,String(process.resourceUsage().maxRSS)))",
  )
  const slmctl = path('bin/slmctl.cjs')
  const env = { ...process.env, NODE_COMPILE_CACHE: path('cache'), SLMCTL_STATE: path('state'), BENCH_PEAK: path('peak') }
  const run: Home['run'] = ([first, ...rest], may) =>
    new Promise((resolve, reject) => {
      rmSync(path('peak'), { force: true })
      const command = [process.execPath, '--require', path('peak.cjs'), first === 'slmctl' ? slmctl : first!, ...rest]
      const child = spawn('bash', ['-c', 'TIMEFORMAT="slmctl-bench %3U %3S %3R"; time "$@"', 'bash', ...command], {
        ...{ env, cwd: home, stdio: ['ignore', 'pipe', 'pipe'] },
      })
      const out: Buffer[] = []
      let err = ''
      child.stdout.on('data', (part: Buffer) => out.push(part))
      child.stderr.on('data', (part) => {
        err += part
      })
      child.once('error', reject)
      child.once('close', (code) => {
        const stdout = Buffer.concat(out).toString()
        const m = /slmctl-bench ([\d.]+) ([\d.]+) ([\d.]+)\n?$/.exec(err)
        if (!m || code === null || !may.includes(code)) {
          reject(new Error(`${[first, ...rest].slice(0, 4).join(' ')} … ended with ${code}: ${stdout.slice(-2000)}${err.slice(-2000)}`))
          return
        }
        const [user, system, real] = m.slice(1).map(Number) as [number, number, number]
        const peakMb = Number(readFileSync(path('peak'), 'utf8')) / 1024
        resolve({ cpuMs: (user + system) * 1000, wallMs: real * 1000, peakMb, stdout })
      })
    })
  return { path, run, env, slmctl, remove: () => rmSync(home, { recursive: true, force: true, maxRetries: 5 }) }
}
