/**
 * What is done to the computer, as a list: `--dry-run` prints it, tests read it, `carryOut` does it. Every action may be done
 * again, and what is to be removed may be gone already.
 */
import { copyFileSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Problem, ProblemError, problem } from '../model.ts'
import type { FolderFor } from '../native.ts'
import type { Host } from './host.ts'

export type Action =
  /** A folder, with its protection: by access list on Windows, by mode elsewhere. */
  | { readonly do: 'folder'; readonly path: string; readonly who: FolderFor | number }
  | { readonly do: 'write'; readonly path: string; readonly text: string; readonly mode: number; readonly encoding: 'utf8' | 'utf16' }
  | { readonly do: 'copy'; readonly from: string; readonly to: string }
  /** `fine`: exit codes that are no failure; null: any. */
  | { readonly do: 'run'; readonly file: string; readonly args: readonly string[]; readonly fine: readonly number[] | null }
  /** A file or a link. */
  | { readonly do: 'remove'; readonly path: string }
  | { readonly do: 'remove-tree'; readonly path: string }
  /** A folder, where nothing is left in it. */
  | { readonly do: 'remove-empty'; readonly path: string }

const protections: Readonly<Record<FolderFor, string>> = {
  'administrators-write': 'everybody reads, administrators write',
  'administrators-only': 'administrators only',
  'owner-only': 'its owner only',
}

/** One action in words, for `--dry-run`. */
export function describeAction(action: Action): string {
  switch (action.do) {
    case 'folder':
      return `make    ${action.path} (${typeof action.who === 'number' ? octal(action.who) : protections[action.who]})`
    case 'write':
      return `write   ${action.path} (${action.encoding === 'utf16' ? 'UTF-16' : octal(action.mode)})`
    case 'copy':
      return `copy    ${action.from} to ${action.to}`
    case 'run':
      return `run     ${[action.file, ...action.args].map((a) => (/[\s"]/.test(a) ? `"${a}"` : a)).join(' ')}`
    default:
      return `remove  ${action.path}${action.do === 'remove-empty' ? ' (if it is empty)' : ''}`
  }
}

const octal = (mode: number) => `0${mode.toString(8)}`

/** Does them in order; stops at the first that fails. */
export async function carryOut(actions: readonly Action[], host: Host): Promise<void> {
  for (const action of actions) await act(action, host)
}

/** Does every one of them, whatever happens to the others; throws what failed at the end, so that removing goes as far as it can. */
export async function carryOutAll(actions: readonly Action[], host: Host): Promise<void> {
  const failed: Problem[] = []
  for (const action of actions)
    await act(action, host).catch((error: unknown) => {
      if (!(error instanceof ProblemError)) throw error
      failed.push(...error.problems)
    })
  if (failed.length > 0) throw new ProblemError(...failed)
}

async function act(action: Action, host: Host): Promise<void> {
  try {
    switch (action.do) {
      case 'folder':
        return await makeFolder(action.path, action.who, host)
      case 'write':
        return write(action.path, action.encoding === 'utf16' ? utf16(action.text) : Buffer.from(action.text, 'utf8'), action.mode)
      case 'copy':
        rmSync(`${action.to}.new`, { force: true })
        copyFileSync(action.from, `${action.to}.new`)
        return renameSync(`${action.to}.new`, action.to)
      case 'remove':
        return rmSync(action.path, { force: true })
      case 'remove-tree':
        return rmSync(action.path, { force: true, recursive: true })
      case 'remove-empty':
        return removeEmpty(action.path)
      case 'run': {
        const { code, out, err } = await host.run(action.file, action.args)
        if (code !== null && (action.fine === null || action.fine.includes(code))) return
        // What the program says comes in its own language; it is passed on, nothing is read out of it.
        const said = `${err}\n${out}`.trim().split(/\r?\n/)[0] ?? ''
        throw new ProblemError(
          problem(
            'SCHEDULE_FAILED',
            `${action.file} ${code === null ? 'could not be started' : `ended with ${code}`}${said ? `: ${said}` : '.'}`,
            [`By hand: ${describeAction(action).replace(/^run\s+/, '')}`],
          ),
        )
      }
    }
  } catch (error) {
    if (error instanceof ProblemError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const busy = code === 'EBUSY' || code === 'EPERM' || code === 'ETXTBSY'
    throw new ProblemError(
      problem(
        'SCHEDULE_FAILED',
        `Could not ${describeAction(action).replace(/\s+/, ' ')}: ${code ?? message}.`,
        busy
          ? ['It may be in use: wait until the scheduled run has ended, and use another slmctl than the installed copy itself.']
          : ['Run it as an administrator; slmctl schedule show says what is there.'],
      ),
    )
  }
}

/** A link in the place of the folder is somebody else's idea of where things go. */
async function makeFolder(path: string, who: FolderFor | number, host: Host): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (there && !there.isDirectory())
    throw new ProblemError(
      problem('SCHEDULE_PLACE', `${path} is a link or a file where slmctl keeps a folder that only administrators may write.`, [
        'Find out who put it there, and remove it.',
      ]),
    )
  if (typeof who === 'number') mkdirSync(path, { recursive: true, mode: who })
  else await host.secureFolder(path, who)
}

/** A new file by a new name, put in place whole: a file that somebody left there keeps neither its owner nor its rights. */
function write(path: string, bytes: Uint8Array, mode: number): void {
  mkdirSync(dirname(path), { recursive: true })
  rmSync(`${path}.new`, { force: true })
  writeFileSync(`${path}.new`, bytes, { mode, flag: 'wx' })
  renameSync(`${path}.new`, path)
}

/** Task Scheduler wants its XML as UTF-16 with a byte order mark. */
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')

function removeEmpty(path: string): void {
  try {
    if (readdirSync(path).length === 0) rmdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
