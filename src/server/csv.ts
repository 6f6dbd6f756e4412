/** Machines as a file that is made while it is read: never in memory as a whole. */
import { columnNames, csvLine, type MachineLine, machineColumns, rowsWith } from '../app.ts'
import { ProblemError, printable, problem } from '../model.ts'
import type { Stream } from './route.ts'

/** So much goes out at once. */
const portion = 65_536

/** Columns by name, with commas; left out: those of `slmctl fleet list --csv`. Throws USAGE. */
export function columnsOf(given: string | undefined): readonly string[] {
  if (given === undefined) return machineColumns
  const columns = given.split(',').map((c) => c.trim())
  const wrong = columns.find((c) => !columnNames.includes(c))
  if (wrong !== undefined)
    throw new ProblemError(problem('USAGE', `columns: there is no column ${wrong.slice(0, 60)}.`, [`Columns: ${columnNames.join(', ')}`]))
  return columns
}

/**
 * A table (RFC 4180) as spreadsheets open it: a byte order mark, without which Excel takes UTF-8 for the code page of the computer; a
 * cell that would be taken for a formula has a quote before it.
 */
export function csvOf(machines: AsyncIterable<MachineLine>, columns: readonly string[]): Stream {
  const rowsOf = rowsWith(columns)
  async function* rows() {
    let waiting = `\ufeff${csvLine(columns)}`
    for await (const machine of machines) {
      for (const cells of rowsOf(machine)) waiting += csvLine(cells.map((cell) => (cell === null ? '' : printable(String(cell)))))
      if (waiting.length < portion) continue
      yield waiting
      waiting = ''
    }
    yield waiting
  }
  return { type: 'text/csv; charset=utf-8; header=present', fileName: 'machines.csv', rows: rows() }
}

/** The same as JSON: one object for each row, by the names of the columns. */
export function jsonOf(machines: AsyncIterable<MachineLine>, columns: readonly string[]): Stream {
  const rowsOf = rowsWith(columns)
  async function* rows() {
    let waiting = '['
    let first = true
    for await (const machine of machines) {
      for (const cells of rowsOf(machine)) {
        waiting += `${first ? '' : ','}\n${JSON.stringify(Object.fromEntries(columns.map((name, i) => [name, cells[i]])))}`
        first = false
      }
      if (waiting.length < portion) continue
      yield waiting
      waiting = ''
    }
    yield `${waiting}\n]\n`
  }
  return { type: 'application/json; charset=utf-8', fileName: 'machines.json', rows: rows() }
}
