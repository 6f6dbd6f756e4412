import type { Line } from '../page.ts'
import { type Canonical, canonicalName } from './labels.ts'
import { keyChannelPattern, licenceNamePattern, looksLikePartialKey } from './shapes.ts'

/** Columns of a table: by position, or by a separator (CSV, Markdown). */
export type Table = {
  readonly separator: ',' | ';' | '|' | '\t' | null
  readonly columns: readonly { readonly name: Canonical | null; readonly from: number; readonly to: number }[]
}

/** Property names that make a line a table's head when two of them stand in it. */
const heads =
  /\b(?:Name|Description|ID|LicenseStatus|PartialProductKey|GracePeriodRemaining|ApplicationID|LicenseFamily|ProductKeyChannel|KeyManagementServiceMachine|KeyManagementServicePort|DiscoveredKeyManagementServiceMachineName|DiscoveredKeyManagementServiceMachinePort|DiscoveredKeyManagementServiceMachineIpAddress|LicenseStatusReason|PSComputerName|SystemName|Node|KeyManagementServiceCurrentCount|VLActivationInterval|VLRenewalInterval|ActivationID|IsKeyManagementServiceMachine|KeyManagementServiceProductKeyID|EvaluationEndDate|ClientMachineID|LicenseIsAddon|VLActivationType|VLActivationTypeEnabled|ProductKeyID|KeyManagementServiceTotalRequests|ComputerName|MachineName)\b/g

/** Reads a table's head; `next` is the line below it (a rule of dashes gives the exact columns). */
export function tableHead(line: Line, next: Line | undefined): Table | null {
  const text = line.text
  const quoted = /^"?[\w ]+"?([,;])"?[\w ]+/.exec(text)?.[1] as ',' | ';' | undefined
  const separator = line.raw.includes('\t') ? '\t' : /^\|?[^,;|]+\|/.test(text) ? '|' : (quoted ?? null)
  if (!separator && /[:=]/.test(text)) return null
  const names = separator
    ? separated(separator === '\t' ? line.raw : text, separator).filter((c) => canonicalName(c) !== null)
    : text.match(heads)
  if (!names || names.length < 2) return null
  if (separator) {
    const columns = separated(separator === '\t' ? line.raw : text, separator).map((c) => ({ name: canonicalName(c), from: 0, to: 0 }))
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
    const found = separated(table.separator === '\t' ? line.raw : line.text, table.separator)
    if (found.length !== table.columns.length && !(table.separator === '\t' && found.length >= 2 && found.length < table.columns.length))
      return null
    table.columns.forEach((c, i) => {
      if (c.name && found[i]) values.set(c.name, found[i]!)
    })
    return values.size > 0 ? values : null
  }
  const loose = line.text.split(/\s{2,}/)
  const raw = line.raw
  // Alignment survived where the blanks between columns are blank; otherwise count the pieces.
  const aligned = table.columns.every((c) => c.from === 0 || raw.length <= c.from || /\s/.test(raw[c.from - 1] ?? ' '))
  if (!aligned && loose.length !== table.columns.length) return byShape(table, line.text)
  table.columns.forEach((c, i) => {
    if (!c.name) return
    const last = i === table.columns.length - 1
    const value = (aligned ? raw.slice(c.from, last ? undefined : (table.columns[i + 1]?.from ?? c.to)) : (loose[i] ?? '')).trim()
    if (value !== '') values.set(c.name, value.replace(/(?:\.\.\.|…)$/, '').trim())
  })
  return values.size > 0 ? values : null
}

/** A row whose blanks were lost: what can be told by its shape alone, for the columns that the table has. */
function byShape(table: Table, text: string): Map<Canonical, string> | null {
  const has = new Set(table.columns.map((c) => c.name))
  const values = new Map<Canonical, string>()
  const name = licenceNamePattern.exec(text)?.[0]
  if (!name || !has.has('Name')) return null
  values.set('Name', name)
  const rest = text
    .replace(name, ' ')
    .split(/\s+/)
    .filter((w) => w !== '')
  const take = (column: Canonical, fits: (word: string) => boolean) => {
    const at = has.has(column) ? rest.findIndex(fits) : -1
    if (at >= 0) values.set(column, rest.splice(at, 1)[0]!)
  }
  take('PartialProductKey', looksLikePartialKey)
  take('LicenseStatus', (w) => /^[0-6]$/.test(w))
  take('GracePeriodRemaining', (w) => /^\d+$/.test(w))
  take('ProductKeyChannel', (w) => keyChannelPattern.test(w))
  take('MachineName', (w) => /^[A-Za-z][\w.-]+$/.test(w))
  return values
}

/** The cells of a row; quoted cells may hold the separator, and wmic's unquoted ones hold it with a blank behind it. */
export function separated(text: string, separator: ',' | ';' | '|' | '\t'): string[] {
  if (separator === '|')
    return text
      .replace(/^\|/, '')
      .replace(/\|$/, '')
      .split('|')
      .map((c) => c.trim())
  if (separator === '\t')
    return text
      .replace(/\r$/, '')
      .split('\t')
      .map((c) => c.trim().replace(/^"(.*)"$/, '$1'))
  if (!text.includes('"')) return text.split(separator === ',' ? /,(?! )/ : separator).map((c) => c.trim())
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
