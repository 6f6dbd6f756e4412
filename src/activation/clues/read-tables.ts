import { cellOf } from './clue.ts'
import { guidLike } from './events.ts'
import { stateWord } from './labels.ts'
import { dashes } from './phrases.ts'
import type { Reader } from './reader.ts'
import { looksLikePartialKey } from './shapes.ts'
import { tableHead, tableRow } from './tables.ts'

/** Rows of a table. */

export function tableLine(r: Reader, i: number): number {
  const line = r.lines[i]!
  if (r.table) {
    const row = !line.text.includes(' : ') ? tableRow(r.table, line) : null
    if (
      row &&
      (guidLike(row.get('ID') ?? '') ||
        /windows|office|visio|project|edition/i.test(row.get('Name') ?? row.get('Description') ?? '') ||
        /^\d$/.test(row.get('LicenseStatus') ?? '') ||
        looksLikePartialKey(row.get('PartialProductKey') ?? '') ||
        stateWord(row.get('LicenseStatus') ?? '') ||
        row.has('KeyManagementServiceMachine'))
    ) {
      r.product = null
      const machine = row.get('MachineName')
      if (machine) r.enter(machine, false)
      r.newProduct()
      for (const [name, value] of row) if (name !== 'MachineName') r.product!.cells.set(name, cellOf(r.page.source, line, value))
      r.product = null
      r.codes(line)
      return 1
    }
    r.table = null
  }
  const text = line.text
  if (text.length > 3_900 || !/[A-Z][a-z]+[A-Z]|\bName\b|\bID\b|License Status|[|;,]/.test(text)) return 0
  const table = tableHead(line, r.lines[i + 1])
  if (!table) return 0
  r.endDialog()
  r.table = table
  r.layouts.add('WMI table')
  const next = r.lines[i + 1]
  return next && dashes.test(next.text.replace(/[|:]/g, '-')) ? 2 : 1
}
