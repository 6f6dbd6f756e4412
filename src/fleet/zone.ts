import { isIP } from 'node:net'
import { Found, type SourceReading, shown } from './found.ts'
import { linesOf } from './list.ts'

/** RFC 1035 and its followers, and Microsoft's own WINS and WINSR. */
const types = new Set(
  (
    'A AAAA SOA NS MX TXT SRV CNAME DNAME PTR CAA DNSKEY RRSIG NSEC NSEC3 NSEC3PARAM DS CDS CDNSKEY TLSA HINFO SPF LOC SSHFP NAPTR ' +
    'HTTPS SVCB WINS WINSR ATMA RP AFSDB MB MG MR MINFO NULL WKS X25 ISDN RT KEY SIG CERT DHCID OPENPGPKEY SMIMEA URI'
  ).split(' '),
)
const isType = (word: string): boolean => types.has(word) || /^TYPE\d{1,5}$/.test(word)
const ttl = /^(?:\d+[smhdw]?)+$/i
/** Names that a domain's DNS has for itself: its own address, its application partitions, its global catalogue. */
const partitions = /^(?:domaindnszones|forestdnszones|gc\._msdcs)(?:\.|$)/i
const lineMax = 16_384

/**
 * The machines of a zone: whatever has an address. Reads a master file (RFC 1035 section 5; `dnscmd /ZoneExport` writes one), what
 * `dnscmd /EnumRecords` prints and the table of Get-DnsServerResourceRecord. Addresses are looked at, not kept: a name is asked for
 * when its machine is reached, since addresses change. `zone` is the domain of relative names where the file does not say it.
 */
export function readZone(text: string, file: string, zone: string | null = null): SourceReading {
  const found = new Found('zone', file)
  const state: State = { origin: zone ?? zoneOfName(file), owner: null, depth: 0, table: null }
  for (const { line, text: raw } of linesOf(text)) {
    if (raw.length > lineMax) {
      found.refuse(line, 'This line is longer than any record', ['Is it a zone file? --kind says what it is.'])
      continue
    }
    const header = /^;.*\bfor (\S+) zone\b/i.exec(raw)
    if (header && state.origin === null) state.origin = header[1]!.replace(/\.$/, '')
    if (/^HostName\s+RecordType\b/.test(raw)) state.table = raw.indexOf('RecordType')
    else if (state.table !== null) tableLine(raw, line, state, found)
    else recordLine(raw, line, state, found)
  }
  return found.done()
}

type State = {
  /** Domain of relative names, without the dot at its end; null: not known, and relative names stay short. */
  origin: string | null
  owner: string | null
  /** Open brackets: a record goes on over line ends. */
  depth: number
  /** Where the second column begins. */
  table: number | null
}

/** `db.corp.example`, `corp.example.zone`, `corp.example.dns`. */
function zoneOfName(file: string): string | null {
  const name = file.replace(/^.*[\\/]/, '')
  const inside = /^db\.(.+)$/i.exec(name)?.[1] ?? /^(.+)\.(?:zone|dns|db)$/i.exec(name)?.[1]
  return inside?.includes('.') ? inside : null
}

function recordLine(raw: string, line: number, state: State, found: Found): void {
  const inside = state.depth > 0
  const words = wordsOf(raw, state)
  if (inside || words.length === 0) return
  const command = words[0]!
  if (command.startsWith('$')) {
    directive(words, line, state, found)
    return
  }
  // dnscmd: what it says about itself.
  if (/^(?:Returned records:|Command completed successfully)/.test(raw)) return
  // RFC 1035 5.1: a line that begins with a blank is about the owner of the one before.
  if (!/^\s/.test(raw)) state.owner = words.shift()!
  while (words.length > 0 && (ttl.test(words[0]!) || /^(?:IN|CH|HS)$/i.test(words[0]!) || /^\[Aging:\d+\]$/i.test(words[0]!))) words.shift()
  const type = (words[0] ?? '').toUpperCase()
  if (!isType(type)) {
    found.refuse(line, `${shown(raw.slice(0, 200))} is no record of a zone`, [
      'Correct the line and import again. The other lines are taken.',
    ])
    return
  }
  record(state.owner, type, words[1] ?? '', line, state, found)
}

function record(owner: string | null, type: string, data: string, line: number, state: State, found: Found): void {
  if (type !== 'A' && type !== 'AAAA') return
  if (isIP(data) !== (type === 'A' ? 4 : 6)) {
    found.refuse(line, `${shown(data)} is no address of a record ${type}`, [
      'Correct the line and import again. The other lines are taken.',
    ])
    return
  }
  // The zone itself, any name (RFC 4592), and names of services are no machines.
  if (owner === null || owner === '@' || /^(?:\*|_)|\._/.test(owner) || partitions.test(owner)) {
    found.passOver()
    return
  }
  const absolute = owner.endsWith('.')
  const name = absolute ? owner.slice(0, -1) : state.origin === null ? owner : `${owner}.${state.origin}`
  if (absolute && state.origin !== null && name.toLowerCase() === state.origin.toLowerCase()) {
    found.passOver()
    return
  }
  found.take({ name }, line)
}

function directive([command, value]: readonly string[], line: number, state: State, found: Found): void {
  switch (command!.toUpperCase()) {
    case '$ORIGIN':
      if (value === undefined || value === '.') state.origin = null
      else state.origin = value.endsWith('.') || state.origin === null ? value.replace(/\.$/, '') : `${value}.${state.origin}`
      return
    case '$TTL':
      return
    case '$INCLUDE':
      found.refuse(line, 'Other files that a zone includes are not read', ['Import that file as well.'], 'SOURCE_INCLUDE')
      return
    default:
      found.refuse(line, `${shown(command!)} is not read`, ['Import the zone as the server has it: named-compilezone, or dig DOMAIN AXFR.'])
  }
}

/** Words of a line, without remarks; quoted ones whole. Brackets are counted over lines (RFC 1035 5.1). */
function wordsOf(raw: string, state: State): string[] {
  const words: string[] = []
  for (const [word] of raw.matchAll(/"(?:[^"\\]|\\.)*"?|[();]|(?:[^\s();"\\]|\\.)+/g)) {
    if (word === ';') break
    if (word === '(') state.depth++
    else if (word === ')') state.depth = Math.max(0, state.depth - 1)
    else words.push(word)
  }
  return words
}

/** HostName and RecordType as PowerShell prints them; a name that did not fit ends with an ellipsis, and is not the name. */
function tableLine(raw: string, line: number, state: State, found: Found): void {
  if (raw.trim() === '' || /^[-\s]+$/.test(raw)) return
  const [host = '', type = ''] = raw.trim().split(/\s+/)
  if (!isType(type.toUpperCase())) {
    found.refuse(line, `${shown(raw.slice(0, 200))} is no line of the table`, [
      'Correct the line and import again. The other lines are taken.',
    ])
    return
  }
  if (type !== 'A' && type !== 'AAAA') return
  if (/\.\.\.$|…$/.test(host)) {
    found.refuse(line, `${shown(host)} is cut`, [
      'Get-DnsServerResourceRecord … | Select-Object HostName, RecordType | Export-Csv -NoTypeInformation FILE',
    ])
    return
  }
  record(host, type, raw.trim().split(/\s+/).at(-1) ?? '', line, state, found)
}
