/** What benchmarks of clients share: the package as it is shipped, the bare loop, and the operating system's account of a run. */
import { spawn } from 'node:child_process'
import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

/** User and system time of a client and its children, and what it wrote. */
export type Spent = { readonly cpuMs: number; readonly wallMs: number; readonly stdout: string }

/** Puts the package into a folder, without the sources, so that the bundle runs. */
export function packageInto(home: string): void {
  cpSync('bin', join(home, 'bin'), { recursive: true })
  cpSync('dist', join(home, 'dist'), { recursive: true })
  if (existsSync('node_modules/koffi')) cpSync('node_modules/koffi', join(home, 'node_modules/koffi'), { recursive: true })
}

/** Builds the bare loop. */
export async function buildBare(outfile: string): Promise<void> {
  await build({
    entryPoints: ['scripts/bench-wire/bare.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    external: ['koffi'],
    logLevel: 'warning',
    // CommonJS packages in it ask for Node's modules by require.
    banner: { js: "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);" },
  })
}

/** Runs a client in a folder under bash's `time`. Throws where it ends with a code that it may not. */
export function timed(command: readonly string[], cwd: string, env: NodeJS.ProcessEnv, may: readonly number[]): Promise<Spent> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', 'TIMEFORMAT="slmctl-bench %3U %3S %3R"; time "$@"', 'bash', ...command], {
      env,
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
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
        reject(new Error(`${command.slice(0, 6).join(' ')} … ended with ${code}: ${stdout.slice(-2000)}${err.slice(-2000)}`))
        return
      }
      const [user, system, real] = m.slice(1).map(Number) as [number, number, number]
      resolve({ cpuMs: (user + system) * 1000, wallMs: real * 1000, stdout })
    })
  })
}
