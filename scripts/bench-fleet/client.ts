/** The package as it is shipped, in a folder of its own, and clients that are run and measured there. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageInto, type Spent as Timed, timed } from '../bench-wire/client.ts'

/** `peakMb`: the most memory that the client held at once. */
export type Spent = Timed & { readonly peakMb: number }

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
  packageInto(home)
  // Node's own account of its peak: at the end, and in whatever way it ends.
  writeFileSync(
    path('peak.cjs'),
    "process.on('exit',()=>require('node:fs').writeFileSync(process.env.BENCH_PEAK,String(process.resourceUsage().maxRSS)))",
  )
  const slmctl = path('bin/slmctl.cjs')
  const env = { ...process.env, NODE_COMPILE_CACHE: path('cache'), SLMCTL_STATE: path('state'), BENCH_PEAK: path('peak') }
  const run: Home['run'] = async ([first, ...rest], may) => {
    rmSync(path('peak'), { force: true })
    const command = [process.execPath, '--require', path('peak.cjs'), first === 'slmctl' ? slmctl : first!, ...rest]
    const spent = await timed(command, home, env, may)
    return { ...spent, peakMb: Number(readFileSync(path('peak'), 'utf8')) / 1024 }
  }
  return { path, run, env, slmctl, remove: () => rmSync(home, { recursive: true, force: true, maxRetries: 5 }) }
}
