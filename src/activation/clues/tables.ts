import type { Line } from '../page.ts'
import { type Canonical, canonicalName } from './labels.ts'

/** Columns of a table: by position, or by a separator (CSV, Markdown). */
export type Table = {
  readonly separator: ',' | ';' | '|' | null
  readonly columns: readonly { readonly name: Canonical | null; readonly from: number; readonly to: number }[]
}

/** Property names that make a line a table's head when two of them stand in it. */
const heads =
  /\b(?:Name|Description|ID|LicenseStatus|PartialProductKey|GracePeriodRemaining|ApplicationID|LicenseFamily|ProductKeyChannel|KeyManagementServiceMachine|KeyManagementServicePort|DiscoveredKeyManagementServiceMachineName|DiscoveredKeyManagementServiceMachinePort|DiscoveredKeyManagementServiceMachineIpAddress|LicenseStatusReason|PSComputerName|SystemName|Node|KeyManagementServiceCurrentCount|VLActivationInterval|VLRenewalInterval|ActivationID|IsKeyManagementServiceMachine|KeyManagementServiceProductKeyID|EvaluationEndDate|ClientMachineID|LicenseIsAddon|VLActivationType|VLActivationTypeEnabled|ProductKeyID|KeyManagementServiceTotalRequests|ComputerName|MachineName)\b/g

/** Reads a table's head; `next` is the line below it (a rule of dashes gives the exact columns). */
export function tableHead(line: Line, next: Line | undefined): Table | null {
  const text = line.text
  const separator = /^\|?[^,;|]+\|/.test(text) ? '|' : /^"?\w+"?,"?\w+/.test(text) ? ',' : /^"?\w+"?;"?\w+/.test(text) ? ';' : null
  if (!separator && /[:=]/.test(text)) return null
  const names = text.match(heads)
  if (!names || names.length < 2) return null
  if (separator) {
    const columns = cells(text, separator).map((c) => ({ name: canonicalName(c), from: 0, to: 0 }))
    return columns.filter((c) => c.name).length >= 2 ? { separator, columns } : null
  }
  const words = text.split(/\s+/)
  if (words.filter((w) => canonicalName(w) !== null).length < 2 || words.some((w) => !/^[\w.()%-]+$/.test(w))) return null
  const raw = line.raw
  const ruled = next && /^[\s-]*-{2,}[\s-]*$/.test(next.raw) && next.raw.includes('-')
  const columns: { name: Canonical | null; from: number; to: number }[] = []
  for (const m of (ruled ? next.raw : raw).matchAll(/\S+/g)) {
    const from = m.index
    columns.push({
      name: canonicalName(
        ruled
          ? (raw
              .slice(from, from + Math.max(m[0].length, 1))
              .trim()
              .split(/\s+/)[0] ?? '')
          : m[0],
      ),
      from,
      to: from + m[0].length,
    })
  }
  // Without a rule, and for left-aligned text, a column reaches to the next one.
  return {
    separator: null,
    columns: columns.map((c, i) => ({ ...c, to: ruled ? c.to : (columns[i + 1]?.from ?? Number.MAX_SAFE_INTEGER) })),
  }
}

/** The values of one row, by column name; null where the line is no row of this table. */
export function tableRow(table: Table, line: Line): Map<Canonical, string> | null {
  const values = new Map<Canonical, string>()
  if (table.separator) {
    const found = cells(line.text, table.separator)
    if (found.length !== table.columns.length) return null
    table.columns.forEach((c, i) => {
      if (c.name && found[i]) values.set(c.name, found[i]!)
    })
    return values.size > 0 ? values : null
  }
  const loose = line.text.split(/\s{2,}/)
  const raw = line.raw
  // Alignment survived where the blanks between columns are blank; otherwise count the pieces.
  const aligned = table.columns.every((c) => c.from === 0 || raw.length <= c.from || /\s/.test(raw[c.from - 1] ?? ' '))
  if (!aligned && loose.length !== table.columns.length) return null
  table.columns.forEach((c, i) => {
    if (!c.name) return
    const last = i === table.columns.length - 1
    const value = (aligned ? raw.slice(c.from, last ? undefined : (table.columns[i + 1]?.from ?? c.to)) : (loose[i] ?? '')).trim()
    if (value !== '') values.set(c.name, value.replace(/(?:\.\.\.|…)$/, '').trim())
  })
  return values.size > 0 ? values : null
}

function cells(text: string, separator: ',' | ';' | '|'): string[] {
  if (separator === '|')
    return text
      .replace(/^\|/, '')
      .replace(/\|$/, '')
      .split('|')
      .map((c) => c.trim())
  const found: string[] = []
  let cell = ''
  let quoted = false
  for (const c of text) {
    if (c === '"') quoted = !quoted
    else if (c === separator && !quoted) {
      found.push(cell.trim())
      cell = ''
    } else cell += c
  }
  found.push(cell.trim())
  return found
}
