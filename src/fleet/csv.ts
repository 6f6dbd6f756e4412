import { machineName } from '../addresses.ts'
import { Found, readGuid, type SourceReading, shown, type Told } from './found.ts'

/** A row, with the line on which it begins, from 1. `bad`: its quotes do not close, or something stands after one. */
export type CsvRow = { readonly line: number; readonly cells: readonly string[]; readonly bad: boolean }

/** A cell with line breaks (a description) is a few lines long; one that goes on for longer lacks its closing quote. */
const cellLinesMax = 50
const lineMax = 65_536
const separators = [';', '\t', ','] as const

/** The separator that the first line has most of outside its quotes. */
function separatorOf(line: string): string {
  const bare = line.replace(/"(?:[^"]|"")*"/g, '')
  const count = (c: string) => bare.split(c).length
  return separators.reduce((best: string, c) => (count(c) > count(best) ? c : best), ',')
}

/**
 * Rows of a table (RFC 4180 and what spreadsheets make of it). One row whose quotes are wrong costs that row only: reading goes on
 * with the next line.
 */
export function* csvRows(text: string): Generator<CsvRow> {
  let at = 0
  let line = 1
  const endOf = (from: number) => {
    const end = text.indexOf('\n', from)
    return end < 0 ? text.length : end
  }
  const told = /^\ufeff?sep=(.)\r?(?:\n|$)/i.exec(text.slice(0, 16))
  if (told) {
    at = told[0].length
    line = 2
  }
  let separator: string | null = told?.[1] ?? null
  while (at < text.length) {
    const end = endOf(at)
    const plain = text.slice(at, Math.min(end, at + lineMax)).replace(/\r$/, '')
    if (plain.trim() === '' || (line <= 2 && /^#TYPE /i.test(plain))) {
      at = end + 1
      line++
      continue
    }
    separator ??= separatorOf(plain)
    if (!plain.includes('"')) {
      const cells = plain.split(separator).map(cellText)
      if (cells.some((c) => c !== '')) yield { line, cells, bad: end - at > lineMax }
      at = end + 1
      line++
      continue
    }
    const row = quotedRow(text, at, separator)
    if (row === null) {
      yield { line, cells: [], bad: true }
      at = end + 1
      line++
    } else {
      yield { line, cells: row.cells, bad: false }
      at = row.next
      line += row.lines
    }
  }
}

/** A row from `from` on that has quotes; null where they are wrong. */
function quotedRow(text: string, from: number, separator: string): { cells: string[]; next: number; lines: number } | null {
  const cells: string[] = []
  let at = from
  let lines = 1
  for (;;) {
    while (text[at] === ' ') at++
    let cell = ''
    if (text[at] === '"') {
      for (at++; ; at++) {
        const close = text.indexOf('"', at)
        if (close < 0 || close - from > lineMax) return null
        const piece = text.slice(at, close)
        lines += piece.split('\n').length - 1
        if (lines > cellLinesMax) return null
        cell += piece
        at = close + 1
        if (text[at] !== '"') break
        cell += '"'
      }
      while (text[at] === ' ') at++
    } else {
      const start = at
      while (at < text.length && text[at] !== separator && text[at] !== '\n') at++
      cell = text.slice(start, at)
      if (at - from > lineMax) return null
    }
    cells.push(cellText(cell))
    if (text[at] === '\r') at++
    if (at >= text.length || text[at] === '\n') return { cells, next: at + 1, lines }
    if (text[at] !== separator) return null
    at++
  }
}

/** Spreadsheets and our own tables write a quote before what would be a formula. */
const cellText = (cell: string): string => cell.trim().replace(/^'(?=[=+\-@])/, '')

type Column =
  | ('name' | 'dns' | 'guid' | 'uuid' | 'address' | 'groups' | 'pool' | 'system' | 'systemVersion')
  | ('enabled' | 'control' | 'lastSeen' | 'distinguishedName' | 'domain')

/**
 * What a column is, by its heading in lower case without anything but letters and digits: our own, Get-ADComputer and csvde,
 * Configuration Manager, Intune, and what people write by hand.
 */
const headings: Readonly<Record<string, Column>> = {
  ...of('dns', 'dnshostname fqdn dnsname fullyqualifieddomainname hostfqdn dnshost'),
  ...of('name', 'name computername computer hostname host machine machinename device devicename pscomputername cn samaccountname'),
  ...of('name', 'server servername workstation client clientname netbiosname node system systemname asset rechner rechnername'),
  ...of('name', 'ordinateur equipo nombre nom nome naam имя компьютер コンピューター名 计算机名'),
  ...of('guid', 'objectguid adobjectguid guid adguid'),
  ...of('uuid', 'uuid smbiosguid smbiosuuid biosuuid systemuuid firmwareuuid smbiosguid0'),
  ...of('address', 'address ip ipaddress ipv4 ipv4address ansiblehost'),
  ...of('groups', 'group groups team collection'),
  ...of('pool', 'pool poolname desktoppool'),
  ...of('system', 'os operatingsystem osname betriebssystem'),
  ...of('systemVersion', 'operatingsystemversion osversion systemversion'),
  ...of('enabled', 'enabled active accountenabled'),
  ...of('control', 'useraccountcontrol'),
  ...of('lastSeen', 'lastlogontimestamp lastlogondate lastseen lastcontact lastcheckin lastlogon'),
  ...of('distinguishedName', 'distinguishedname dn'),
  ...of('domain', 'domain domainname dnsdomain'),
}
function of(column: Column, names: string): Record<string, Column> {
  return Object.fromEntries(names.split(' ').map((name) => [name, column]))
}

const columnOf = (heading: string): Column | null => {
  const plain = heading.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
  return Object.hasOwn(headings, plain) ? headings[plain]! : null
}

/** True where a first line is a heading that tells where the name stands. */
export function hasHeading(cells: readonly string[]): boolean {
  return cells.some((cell) => ['name', 'dns'].includes(columnOf(cell) ?? ''))
}

const correct = ['Correct the line and import again. The other lines are taken.']

/** A table with a heading, or one column of names without. */
export function readCsvMachines(text: string, file: string): SourceReading {
  const found = new Found('csv', file)
  let columns: Map<Column, number> | null = null
  for (const row of csvRows(text)) {
    if (row.bad) {
      found.refuse(row.line, 'The quotes of this line do not close, or something stands behind one', correct)
      continue
    }
    if (columns === null) {
      columns = new Map()
      if (hasHeading(row.cells)) {
        // The first of two columns of one kind: exports have the one they are about in front.
        for (const [i, cell] of row.cells.entries()) {
          const column = columnOf(cell)
          if (column !== null && !columns.has(column)) columns.set(column, i)
          else found.passColumn(cell)
        }
        continue
      }
      if (row.cells.length > 1) {
        found.refuse(
          row.line,
          'No heading of this table says where the names stand',
          [
            'Give the first line headings: name (or dnshostname), objectguid, uuid, address, group, pool, os.',
            'Nothing of the table is taken.',
          ],
          'SOURCE_HEADING',
        )
        return found.done()
      }
      columns.set('name', 0)
    }
    const told = readRow(row, columns, found)
    if (told !== null) found.take(told, row.line)
  }
  return found.done()
}

function readRow({ cells, line }: CsvRow, columns: ReadonlyMap<Column, number>, found: Found): Told | null {
  const cell = (column: Column): string => {
    const at = columns.get(column)
    return at === undefined ? '' : (cells[at] ?? '')
  }
  const refuse = (what: string) => {
    found.refuse(line, what, correct)
    return null
  }
  const id = (column: 'guid' | 'uuid', word: string): string | null | undefined => {
    const text = cell(column)
    const guid = text === '' ? null : readGuid(text)
    if (text !== '' && guid === null) {
      refuse(`${shown(text)} is no ${word}`)
      return undefined
    }
    return guid
  }
  const guid = id('guid', 'objectGUID')
  const uuid = guid === undefined ? undefined : id('uuid', 'UUID')
  if (guid === undefined || uuid === undefined) return null
  const address = cell('address') === '' ? null : machineName(cell('address').split(/[\s,;|]+/)[0]!)
  if (cell('address') !== '' && address === null) return refuse(`${shown(cell('address'))} is no address`)
  const control = /^\d{1,10}$/.test(cell('control')) ? (Number(cell('control')) & 2) === 0 : null
  const lastSeen = timeText(cell('lastSeen'))
  return {
    name: nameOf(cell('dns'), cell('name'), cell('domain')),
    ...{ guid, uuid, address, lastSeen },
    system: cell('system'),
    systemVersion: cell('systemVersion'),
    enabled: /^(?:true|yes|1|enabled)$/i.test(cell('enabled'))
      ? true
      : /^(?:false|no|0|disabled)$/i.test(cell('enabled'))
        ? false
        : control,
    distinguishedName: cell('distinguishedName'),
    groups: cell('groups').split(/[;|,\n]/),
    pool: cell('pool'),
  }
}

/** The DNS name where there is one; else the name without the `$` of an account, in its domain where that is given as DNS writes it. */
function nameOf(dns: string, name: string, domain: string): string {
  if (dns !== '') return dns
  const short = name.replace(/^\\\\/, '').replace(/\$$/, '')
  return domain.includes('.') && short !== '' && !short.includes('.') ? `${short}.${domain}` : short
}

/** [MS-DTYP] 2.3.3 FILETIME, or ISO 8601 with its zone. What depends on a country's way of writing dates is not guessed at. */
function timeText(text: string): string | null {
  if (/^\d{18}$/.test(text)) return new Date(Number(BigInt(text) / 10_000n) - 11_644_473_600_000).toISOString()
  if (!/^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)) return null
  const time = Date.parse(text.replace(' ', 'T'))
  return Number.isNaN(time) ? null : new Date(time).toISOString()
}
