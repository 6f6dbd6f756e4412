/** A Windows of our own to test in: a Wine prefix, Windows' Node from npm, koffi's Windows binary. */
import { spawn } from 'node:child_process'
import { closeSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterwards, run } from '../peers/checks.ts'

export const tree = fileURLToPath(new URL('../..', import.meta.url))

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }
export type How = {
  readonly env?: Readonly<Record<string, string>>
  /** A folder on Linux; the tree where left out. */
  readonly cwd?: string
  /** Sixty seconds where left out; what is still running then is ended, and that is an error. */
  readonly timeoutMs?: number
}

/** One Wine prefix. */
export type Place = {
  readonly prefix: string
  /** Runs a Windows program to its end: by its path on Linux, or one of Wine's own by its name. */
  readonly run: (program: string, args: readonly string[], how?: How) => Promise<Ended>
  /** Runs Windows' Node on modules of the tree. */
  readonly node: (args: readonly string[], how?: How) => Promise<Ended>
}

/** What the parts of this run get. */
export type Wine = {
  /** Wine as it is: its own WMI. */
  readonly plain: Place
  /** The same with the WMI locator of `provider/` in place of Wine's. */
  readonly provided: Place
  /** The library that is registered in `provided`, on Linux. */
  readonly library: string
  /** Windows' Node as it came from npm, and the copy that runs under Wine. */
  readonly node: { readonly original: string; readonly runs: string }
  /** Goes away with the run. */
  readonly work: string
  /** Outlives the run: what came from npm. */
  readonly downloads: string
}

/** `/tmp/x` as Wine's drive Z: shows it. */
export const windowsPath = (path: string): string => `Z:${resolve(path).replaceAll('/', '\\')}`
const windowsUrl = (path: string): string => `file:///Z:${resolve(path)}`

/** Wine keeps file names in the character set of the locale: beyond ASCII it needs one. */
const quiet = { WINEARCH: 'win64', WINEDEBUG: '-all', WINEDLLOVERRIDES: 'mscoree,mshtml=', LC_ALL: 'C.UTF-8' }
let files = 0

/** A prefix at a path that is there already. */
export function place(prefix: string, node: string, hook: string, work: string): Place {
  const environment = (env: Readonly<Record<string, string>> = {}) => {
    const { DISPLAY: _, ...rest } = process.env
    return { ...rest, ...quiet, WINEPREFIX: prefix, ...env }
  }
  afterwards(() => run('wineserver', ['-k'], { env: { WINEPREFIX: prefix } }))
  const start = async (program: string, args: readonly string[], how: How = {}): Promise<Ended> => {
    const base = join(work, `output-${++files}`)
    const [out, err] = [openSync(`${base}.out`, 'w'), openSync(`${base}.err`, 'w')]
    try {
      const child = spawn('wine', [program, ...args], { cwd: how.cwd ?? tree, env: environment(how.env), stdio: ['ignore', out, err] })
      const limit = how.timeoutMs ?? 60_000
      let late = false
      const timer = setTimeout(() => {
        late = true
        child.kill('SIGKILL')
      }, limit)
      const code = await new Promise<number | null>((done, failed) => {
        child.once('error', failed)
        child.once('close', done)
      })
      clearTimeout(timer)
      const [stdout, stderr] = [readFileSync(`${base}.out`, 'utf8'), readFileSync(`${base}.err`, 'utf8')]
      if (late) throw new Error(`${program} ${args.join(' ')} was still running after ${limit} ms; so far: ${stdout}${stderr}`)
      return { code, stdout, stderr }
    } finally {
      closeSync(out)
      closeSync(err)
      for (const end of ['out', 'err']) rmSync(`${base}.${end}`, { force: true })
    }
  }
  return { prefix, run: start, node: (args, how) => start(node, ['--import', windowsUrl(hook), ...args], how) }
}

/** Makes a prefix that says it is Windows 10 (Node refuses older ones). */
export async function newPrefix(prefix: string): Promise<void> {
  const env = { ...quiet, WINEPREFIX: prefix, DISPLAY: '' }
  for (const [command, args] of [
    ['wineboot', ['-i']],
    ['wine', ['winecfg', '-v', 'win10']],
    ['wineserver', ['-w']],
  ] as const) {
    const { code, stderr } = await run(command, args, { env, timeoutMs: 120_000 })
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr}`)
  }
}

/** A copy of a prefix in which nothing runs. */
export function copyPrefix(from: string, to: string): void {
  cpSync(from, to, { recursive: true, verbatimSymlinks: true })
}

/** The file of a package. A registry is slow at times: what hangs is asked for again. */
async function pack(what: string, folder: string): Promise<{ readonly stdout: string }> {
  const args = ['pack', what, '--loglevel=error', '--prefer-offline', '--pack-destination', folder]
  for (let left = 3; ; left--) {
    try {
      const packed = await run('npm', args, { timeoutMs: 120_000, cwd: folder })
      if (packed.code === 0) return packed
      if (left <= 1) throw new Error(`npm pack ${what}: ${packed.stderr}`)
    } catch (error) {
      if (left <= 1) throw error
    }
  }
}

/** One package of npm, unpacked, at exactly this version. */
export async function download(name: string, version: string, downloads: string): Promise<string> {
  const target = join(downloads, `${name.replaceAll('/', '-')}-${version}`)
  if (existsSync(target)) return target
  const part = `${target}.part-${process.pid}`
  rmSync(part, { recursive: true, force: true })
  mkdirSync(part, { recursive: true })
  const packed = await pack(`${name}@${version}`, part)
  const unpacked = await run('tar', ['xzf', join(part, packed.stdout.trim().split('\n').at(-1)!), '-C', part, '--strip-components=1'])
  if (unpacked.code !== 0) throw new Error(unpacked.stderr)
  try {
    renameSync(part, target)
  } catch (error) {
    // Another run was quicker.
    if (!existsSync(target)) throw error
    rmSync(part, { recursive: true, force: true })
  }
  return target
}

/**
 * A copy of a Windows program with Node inside that runs under Wine: V8 takes its fallback where `VirtualAlloc2` is missing, and
 * Wine 8 has one that does less than V8 wants. For tests only; nothing that is shipped is changed.
 */
export function patchedForWine(from: string, to: string): string {
  const bytes = readFileSync(from)
  const at = bytes.indexOf('VirtualAlloc2')
  if (at < 0 || bytes.indexOf('VirtualAlloc2', at + 1) >= 0)
    throw new Error(`${from} must hold the string VirtualAlloc2 exactly once: this Node is another one, look again at what V8 asks for`)
  bytes.write('VirtualAllocX', at, 'latin1')
  mkdirSync(dirname(to), { recursive: true })
  writeFileSync(to, bytes, { mode: 0o755 })
  return to
}

/** Puts koffi with its Windows binary together, and a module that makes slmctl's import of it find it. */
export async function koffiForWindows(downloads: string, work: string): Promise<string> {
  const { dependencies } = JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8')) as { dependencies: { koffi: string } }
  const version = dependencies.koffi
  const modules = join(work, 'koffi', 'node_modules')
  cpSync(await download('koffi', version, downloads), join(modules, 'koffi'), { recursive: true })
  cpSync(await download('@koromix/koffi-win32-x64', version, downloads), join(modules, '@koromix', 'koffi-win32-x64'), { recursive: true })
  const hook = join(work, 'koffi', 'hook.mjs')
  const found = JSON.stringify(windowsUrl(join(modules, 'koffi', 'indirect.js')))
  writeFileSync(
    hook,
    `import { registerHooks } from 'node:module'
registerHooks({ resolve: (name, context, next) => (/^koffi(?:[/]indirect)?$/.test(name) ? { url: ${found}, shortCircuit: true } : next(name, context)) })\n`,
  )
  return hook
}
