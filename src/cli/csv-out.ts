/** An answer as a table (RFC 4180), row by row as it comes. */
import { type Cell, csvLine } from '../app.ts'
import { ProblemError, printable, problem } from '../model.ts'
import type { Io } from './io.ts'
import { type Kept, openNew } from './kept.ts'

export type Table = {
  readonly row: (cells: readonly Cell[]) => void
  readonly end: () => void
  /** After an error: half of a file is none. */
  readonly drop: () => void
}

type Flags = Readonly<Record<string, string | boolean | undefined>>

const usage = (summary: string, ...next: string[]) => new ProblemError(problem('USAGE', summary, next))

/** So much is written at once. */
const portion = 65_536

/**
 * The table that --csv asks for; null where it does not. To standard output, in UTF-8 with the lines of a terminal; with --out into a
 * new file, as spreadsheets open it: a byte order mark, without which Excel takes UTF-8 for the code page of the computer, and CR LF.
 * A cell that a spreadsheet would take for a formula has a quote before it.
 */
export function openTable(flags: Flags, columns: readonly string[], io: Io): Table | null {
  if (flags.csv !== true) {
    if (flags.out !== undefined) throw usage('--out is where the table of --csv goes.', `--csv --out ${flags.out}`)
    return null
  }
  if (flags.json) throw usage('Either --csv or --json, not both.')
  const kept: Kept | null = flags.out === undefined ? null : openNew(String(flags.out), '--out')
  let waiting = kept ? '\ufeff' : ''
  let rows = 0
  const write = () => {
    if (kept) kept.write(waiting)
    else io.out(waiting)
    waiting = ''
  }
  const put = (cells: readonly string[]) => {
    const line = csvLine(cells)
    waiting += kept ? line : `${line.slice(0, -2)}\n`
    if (waiting.length >= portion) write()
  }
  put(columns)
  return {
    row: (cells) => {
      rows++
      put(cells.map((cell) => (cell === null ? '' : printable(String(cell)))))
    },
    end: () => {
      if (waiting !== '') write()
      kept?.end()
      if (kept) io.err(`slmctl: ${rows} ${rows === 1 ? 'row is' : 'rows are'} in ${kept.file}.\n`)
    },
    drop: () => kept?.drop(),
  }
}
