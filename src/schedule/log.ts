/**
 * The log of scheduled runs: one line a run, and one for what is not as wished. It keeps itself small.
 */
import { appendFileSync, closeSync, fstatSync, openSync, readdirSync, readSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { maskKeys, ProblemError, problem } from '../model.ts'

/** One file, and how many old ones are kept beside it: years of weekly runs. */
const mostBytes = 256 * 1024
const oldFiles = 3
/** A run that has more to say says how much more. */
const mostLines = 50
const longestLine = 600

const current = 'slmctl.log'
const old = (n: number) => `slmctl.${n}.log`

/** Writes the lines of one run, each with the time. Throws SCHEDULE_LOG where it cannot. */
export function appendLog(folder: string, at: Date, lines: readonly string[]): void {
  const file = join(folder, current)
  const shown = lines.length <= mostLines ? lines : [...lines.slice(0, mostLines), `… and ${lines.length - mostLines} more lines`]
  const text = shown.map((l) => `${at.toISOString().slice(0, 19)}Z ${oneLine(l)}\r\n`).join('')
  try {
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
    if (size > 0 && size + Buffer.byteLength(text) > mostBytes) rotate(folder)
    appendFileSync(file, text, { mode: 0o644 })
  } catch (error) {
    throw new ProblemError(
      problem('SCHEDULE_LOG', `The log ${file} cannot be written (${(error as NodeJS.ErrnoException).code}).`, [
        'slmctl schedule install sets up its folder.',
      ]),
    )
  }
}

function rotate(folder: string): void {
  rmSync(join(folder, old(oldFiles)), { force: true })
  for (let n = oldFiles - 1; n > 0; n--)
    if (statSync(join(folder, old(n)), { throwIfNoEntry: false })) renameSync(join(folder, old(n)), join(folder, old(n + 1)))
  renameSync(join(folder, current), join(folder, old(1)))
}

/** Control characters and line ends would let a name write lines of its own. */
function oneLine(text: string): string {
  const plain = maskKeys(text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trimEnd())
  return plain.length <= longestLine ? plain : `${plain.slice(0, longestLine)}…`
}

/** The last lines; none where there is no log, null where it cannot be read. */
export function lastLines(folder: string, most: number): readonly string[] | null {
  let fd: number
  try {
    fd = openSync(join(folder, current), 'r')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : null
  }
  try {
    const { size } = fstatSync(fd)
    const bytes = Buffer.alloc(Math.min(size, 64 * 1024))
    const read = readSync(fd, bytes, 0, bytes.length, size - bytes.length)
    const lines = bytes.toString('utf8', 0, read).split(/\r?\n/).filter(Boolean)
    return lines.slice(-most)
  } finally {
    closeSync(fd)
  }
}

/** The files of the log: what `remove` takes away. */
export function logFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => /^slmctl(?:\.\d)?\.log$/.test(name))
  } catch {
    return []
  }
}
