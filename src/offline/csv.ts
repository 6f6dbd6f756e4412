/** [RFC 4180] and what spreadsheets make of it: comma, semicolon or tab, quotes, a byte order mark, blanks. */

/** Cells that a spreadsheet would take for a formula are written as text (OWASP, CSV injection). */
const formula = /^[=+\-@\t\r＝＋－＠]/

export function csvLine(cells: readonly string[]): string {
  const quoted = cells.map((cell) => {
    const text = formula.test(cell) ? `'${cell}` : cell
    return /[",;\r\n\t]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  })
  return `${quoted.join(',')}\r\n`
}

/** Rows of cells, each with the line on which it begins, from 1; null where a quote is not closed. */
export function readCsv(text: string): readonly { readonly line: number; readonly cells: readonly string[] }[] | null {
  const plain = text.replace(/^\ufeff/, '')
  const head = plain.slice(0, plain.search(/[\r\n]|$/))
  const count = (c: string) => head.split(c).length
  const separator = [';', '\t', ','].reduce((best, c) => (count(c) > count(best) ? c : best), ',')
  const rows: { line: number; cells: string[] }[] = []
  let row: { line: number; cells: string[] } = { line: 1, cells: [] }
  let cell = ''
  let line = 1
  let inside = false
  const endCell = () => {
    row.cells.push(cell.trim().replace(/^'(?=[=+\-@])/, ''))
    cell = ''
  }
  const endRow = () => {
    endCell()
    if (row.cells.some((c) => c !== '')) rows.push(row)
  }
  for (let i = 0; i < plain.length; i++) {
    const c = plain[i]!
    if (c === '\n') line++
    if (inside) {
      if (c !== '"') cell += c
      else if (plain[i + 1] === '"') {
        cell += '"'
        i++
      } else inside = false
    } else if (c === '"' && cell.trim() === '') {
      cell = ''
      inside = true
    } else if (c === separator) endCell()
    else if (c === '\n') {
      endRow()
      row = { line, cells: [] }
    } else if (c !== '\r') cell += c
  }
  if (inside) return null
  endRow()
  return rows
}
