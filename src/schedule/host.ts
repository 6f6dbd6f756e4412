/**
 * The computer that a schedule is set up on, as far as it matters here. Given from outside, so that a test brings its own.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { ProblemError, problem } from '../model.ts'
import { type AccessList, accessList, type FolderFor, isElevated, NativeError, secureFolder } from '../native.ts'

/** What a program said: its exit code, null where it could not be started. */
export type Ran = { readonly code: number | null; readonly out: string; readonly err: string }

export type Host = {
  readonly platform: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Null on Windows. */
  readonly uid: number | null
  readonly home: string
  /** Stands before every path of the system; empty but in tests. */
  readonly root: string
  readonly program: Program
  readonly now: () => Date
  /** Runs a program by its full path, without a shell or a window. */
  readonly run: (file: string, args: readonly string[]) => Promise<Ran>
  readonly elevated: () => Promise<boolean>
  readonly secureFolder: (path: string, who: FolderFor) => Promise<void>
  /** Windows: owner and access list of a file or folder. */
  readonly accessList: (path: string) => Promise<AccessList>
  /** A file; or a folder, and everything in it. */
  readonly filesIn: (path: string) => Iterable<string>
}

/** How slmctl itself was started: as one file, or as a package by Node. */
export type Program =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'package'; readonly node: string; readonly script: string; readonly folder: string }

/** What a schedule is to do. */
export type Wanted = {
  /** The site file by its full path, and what was read there and found right. */
  readonly siteFile: string
  readonly siteText: string
  readonly repair: boolean
  /** Files with secrets that it will read. */
  readonly secretFiles: readonly string[]
  /** Files that say whom it trusts: certificates. Others who may change them may stand in for the machines. */
  readonly trustFiles?: readonly string[]
}

/** What `schedule show` answers. Null: could not be told, or does not apply. */
export type Shown = {
  readonly schema: 'slmctl.schedule/1'
  readonly kind: 'task' | 'timer'
  readonly name: string
  readonly installed: boolean | null
  readonly does: 'check' | 'repair' | null
  readonly account: string | null
  readonly program: string | null
  readonly site: string | null
  /** The file that the copy was made from, and whether it is another one now. */
  readonly original: string | null
  readonly originalChanged: boolean | null
  readonly next: string | null
  readonly last: string | null
  readonly lastResult: string | null
  readonly log: readonly string[]
  /** What stands in its way, or is missing of it. */
  readonly remarks: readonly string[]
}

/** A program that answers nothing for so long hangs. */
const runTimeoutMs = 120_000
/** What it said before it ended is read by then. */
const afterExitMs = 2_000

export function thisHost(): Host {
  return {
    platform: process.platform,
    env: process.env,
    uid: process.geteuid?.() ?? null,
    home: homedir(),
    root: '',
    program: thisProgram(process.execPath, process.argv[1]),
    now: () => new Date(),
    run,
    elevated: isElevated,
    accessList,
    filesIn,
    secureFolder: async (path, who) => {
      try {
        await secureFolder(path, who)
      } catch (error) {
        if (error instanceof ProblemError || !(error instanceof NativeError)) throw error
        throw new ProblemError(problem('SCHEDULE_PLACE', `${path} cannot be protected: ${error.message}`, ['Run it as an administrator.']))
      }
    },
  }
}

/** A script that Node runs is a file of its own; a single executable names itself, or nothing that is a script. */
function thisProgram(execPath: string, argument: string | undefined): Program {
  let script: string
  try {
    script = realpathSync(argument ?? '')
  } catch {
    return { kind: 'file', file: execPath }
  }
  if (!/\.[cm]?[jt]s$/i.test(script)) return { kind: 'file', file: execPath }
  // bin/slmctl.cjs: the folder above holds what it loads, or the node_modules that the package is in.
  const own = /^(?:bin|src|dist)$/i.test(basename(dirname(script))) ? dirname(dirname(script)) : dirname(script)
  const folder = basename(dirname(own)) === 'node_modules' ? dirname(own) : own
  return { kind: 'package', node: realpathSync(execPath), script, folder }
}

function run(file: string, args: readonly string[]): Promise<Ran> {
  const { promise, resolve } = Promise.withResolvers<Ran>()
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], shell: false, windowsHide: true, timeout: runTimeoutMs })
  let out = ''
  let err = ''
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    if (out.length < 1 << 20) out += text
  })
  child.stderr.setEncoding('latin1').on('data', (text: string) => {
    if (err.length < 1 << 16) err += text
  })
  child.on('error', (error) => resolve({ code: null, out, err: error.message }))
  child.on('close', (code) => resolve({ code, out, err }))
  // A service that the program woke may have inherited its output, and never closes it.
  child.on('exit', (code) => {
    setTimeout(() => {
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({ code, out, err })
    }, afterExitMs).unref()
  })
  return promise
}

function* filesIn(path: string): Generator<string> {
  yield path
  if (!lstatSync(path).isDirectory()) return
  for (const name of readdirSync(path)) yield* filesIn(join(path, name))
}

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** A text file as it is, or null where there is none or it cannot be read. */
export function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
