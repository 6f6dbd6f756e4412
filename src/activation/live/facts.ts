import { officeChannels, platformHints } from '../../catalogue.ts'
import { maskKeys, mayHoldKey, problem } from '../../model.ts'
import type { Cell, CodeClue, ProductRow, Row } from '../clues/clue.ts'
import { isoDate, resultCode, wholeNumber } from '../clues/shapes.ts'
import type { MachineFacts } from '../facts/machine.ts'
import { type ProductFacts, productFacts } from '../facts/product.ts'
import { type HostRole, multiSession, type OfficeFacts, type SystemFacts, type Unasked } from '../facts/system.ts'
import {
  type Answers,
  field,
  type LiveRow,
  officeApplication,
  type RegistryValues,
  rowsOf,
  valuesOf,
  windowsApplication,
} from './questions.ts'

/** What a question is about, in words, and whether a verdict can be trusted without its answer. */
const abouts: Readonly<Record<string, readonly [string, boolean]>> = {
  system: ['the version of Windows and the clock', true],
  computer: ['the machine’s name and domain', true],
  service: ['the licensing service, with the KMS host that is set', true],
  products: ['the licences', true],
  'office-products': ['the licences of Office 2010, and of any Office before Windows 8', true],
  'office-service': ['the licensing service of Office', true],
  'click-to-run': ['how Office is installed', false],
  board: ['by what the machine is recognised', false],
  enclosure: ['whether the machine is in a cloud', false],
  bios: ['whether the machine is in a cloud', false],
  'host:windows': ['whether a KMS host is set for Windows alone', false],
  'host:office': ['whether a KMS host is set for Office alone', false],
  suffix: ['the DNS suffix by which the machine looks for a KMS host', false],
  'host-service': ['the priority of the KMS host', false],
  version: ['the revision of Windows', false],
  updates: ['the installed updates', false],
}

/** Lines in which no key was found: most of what a fleet says, each of its machines says. Never one that holds a key. */
const seen = new Set<string>()
/** A fleet has some hundred lines that many machines say, and between them thousands that one says. */
const mostSeen = 4000
/** Of a line as evidence no more is shown. */
const shownWhole = 300

function isKeyless(raw: string, value: string): boolean {
  if (seen.has(raw)) return true
  if (mayHoldKey(raw) && (raw.length > shownWhole || maskKeys(raw) !== raw || maskKeys(value) !== value)) return false
  if (seen.size >= mostSeen) seen.clear()
  seen.add(raw)
  return true
}

/** Numbers its lines in the order in which they are read: evidence of a live machine points at `Property: value`. */
class Lines {
  #line = 0
  readonly #source: string
  constructor(source: string) {
    this.#source = source
  }
  cell(name: string, value: string): Cell {
    const raw = `${name}: ${value}`
    // Two groups of a key are eleven characters; most values are shorter.
    const keyless = value.length < 11 || isKeyless(raw, value)
    return { value: keyless ? value : maskKeys(value), source: this.#source, line: ++this.#line, raw, keyless }
  }
  /** What a row says; NULL, empty and "does not apply" are left out, as in a text. */
  row(from: LiveRow, dates: readonly string[] = []): Row {
    const row: Row = new Map()
    for (const name of Object.keys(from)) {
      const value = field(from, name)
      if (value === null || notApplicable.has(value)) continue
      row.set(name, this.cell(name, dates.includes(name) ? (utc(value) ?? value) : value))
    }
    return row
  }
  values(from: RegistryValues): Row {
    const row: Row = new Map()
    for (const [name, value] of Object.entries(from)) {
      const text = typeof value === 'object' ? value.join(', ') : String(value)
      if (text !== '') row.set(name, this.cell(name, text))
    }
    return row
  }
}

/** -1 as uint32 and as it is: WMI's way to say that a number does not apply. */
const notApplicable: ReadonlySet<string> = new Set(['4294967295', '-1'])

/** A time with its offset (`2026-11-26T02:20:00+01:00`, `20261126022000.000000+060`) in UTC; null where there is none. */
function utc(value: string): string | null {
  const iso = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(value) ? value : isoDate(value, null)
  if (!iso) return null
  const at = Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(iso) ? iso : `${iso}Z`)
  return Number.isNaN(at) ? null : new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** What a machine answered, as the same facts that a text gives, and what only a machine can tell. Pure: the time is an argument. */
export function liveFacts(asked: { readonly name: string; readonly answers: Answers; readonly askedAt: string }): MachineFacts {
  const { name, answers, askedAt } = asked
  const lines = new Lines(name)
  const system = systemFacts(answers, lines, askedAt)
  const service = rowsOf(answers, 'service')?.[0]
  const serviceRow = service ? lines.row(service) : new Map()
  const officeService = rowsOf(answers, 'office-service')?.[0]
  const officeRow = officeService ? lines.row(officeService) : new Map()
  const codes: CodeClue[] = []
  const applications = applicationHosts(answers, lines)
  const read = (id: string, own: Row, office: boolean): ProductFacts[] =>
    (rowsOf(answers, id) ?? []).map((from) => {
      const product: ProductRow = { cells: productRow(from, lines), attempt: null, fromEvent: false }
      const reason = product.cells.get('LicenseStatusReason')
      const code = reason ? resultCode(reason.value) : null
      if (reason && code) codes.push({ code, cell: reason, product, event: null, ofState: true })
      const facts = productFacts(product, own, null)
      const named = office ? null : hostOfApplication(facts, product.cells, applications)
      return {
        ...facts,
        // The extended PID tells the build on which the key was installed; the machine tells the build that it has now.
        build: system.build ?? facts.build,
        windows: system.version ?? facts.windows,
        officeService: office,
        ...(named
          ? {
              host: { ...facts.host, name: named.name, port: named.port, found: 'override' as const },
              cells: new Map(product.cells).set('KmsForApplication', named.cell),
            }
          : {}),
      }
    })
  const officeValues = valuesOf(answers, 'click-to-run')
  const office = officeValues ? officeFacts(lines.values(officeValues)) : null
  const products = withStale([...read('products', serviceRow, false), ...read('office-products', officeRow, true)], office)
  return {
    id: name,
    name,
    sources: [name],
    products,
    events: [],
    codes,
    marks: [],
    notes: [],
    service: serviceRow,
    officeService: officeRow,
    system,
    office,
    hostRole: hostRole(products, serviceRow, rowsOf(answers, 'host-service')?.[0]),
    applicationHosts: applications,
    unasked: unasked(answers),
  }
}

const counters = /^(?:KeyManagementService(?:CurrentCount|\w+Requests|ProductKeyID)|RequiredClientCount)$/

/** A product's row. Counters of a machine that is no KMS host, and intervals, ports and reasons of 0, say nothing. */
function productRow(from: LiveRow, lines: Lines): Row {
  const row = lines.row(from, ['EvaluationEndDate', 'TrustedTime'])
  const host = row.get('IsKeyManagementServiceMachine')?.value
  for (const [name, cell] of row) {
    const none = cell.value === '0' && /Interval$|Port$|^LicenseStatusReason$/.test(name)
    const idle = host === '0' && counters.test(name) && name !== 'KeyManagementServiceProductKeyID' && name !== 'RequiredClientCount'
    // 1601 is how WMI writes "no date".
    const undated = /Date$|Time$/.test(name) && cell.value.startsWith('1601')
    if (none || idle || undated) row.delete(name)
  }
  return row
}

function systemFacts(answers: Answers, lines: Lines, askedAt: string): SystemFacts {
  const os = rowsOf(answers, 'system')?.[0]
  const computer = rowsOf(answers, 'computer')?.[0]
  const cells: Row = new Map([...(os ? lines.row(os) : []), ...(computer ? lines.row(computer) : [])])
  const enclosure = rowsOf(answers, 'enclosure')?.[0]
  const bios = rowsOf(answers, 'bios')?.[0]
  for (const more of [enclosure, bios]) if (more) for (const [key, cell] of lines.row(more)) if (!cells.has(key)) cells.set(key, cell)
  const version = valuesOf(answers, 'version')
  const suffix = valuesOf(answers, 'suffix')
  for (const more of [version, suffix])
    if (more) for (const [key, cell] of lines.values(more)) cells.set(key === 'Domain' ? 'DnsSuffix' : key, cell)
  const type = field(os, 'ProductType')
  const sku = wholeNumber(field(os, 'OperatingSystemSKU') ?? '')
  const joined = /^true$/i.test(field(computer, 'PartOfDomain') ?? '')
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value.toLowerCase().replace(/\.$/, '') : null)
  const local = field(os, 'LocalDateTime')
  const there = local ? utc(local) : null
  const updates = rowsOf(answers, 'updates')
  const hostName = field(computer, 'DNSHostName') ?? field(computer, 'Name') ?? field(os, 'CSName')
  const own = text(suffix?.Domain) ?? (joined ? text(field(computer, 'Domain')) : null)
  return {
    cells,
    caption: cells.get('Caption')?.value.trim() ?? null,
    version: /^(\d+\.\d+)\./.exec(field(os, 'Version') ?? '')?.[1] ?? null,
    build: wholeNumber(field(os, 'BuildNumber') ?? ''),
    revision: version && version.UBR !== undefined ? wholeNumber(String(version.UBR)) : null,
    sku,
    edition: typeof version?.EditionID === 'string' ? version.EditionID : null,
    // Enterprise multi-session reports 3, like a server; its SKU tells.
    server: type === null ? null : type !== '1' && sku !== multiSession,
    hostName,
    fullName: hostName && own ? `${hostName}.${own}`.toLowerCase() : (hostName?.toLowerCase() ?? null),
    domain: joined ? text(field(computer, 'Domain')) : null,
    workgroup: joined ? null : (field(computer, 'Workgroup') ?? field(computer, 'Domain')),
    suffix: text(suffix?.Domain),
    dhcpSuffix: text(suffix?.DhcpDomain),
    suffixesAsked: suffix !== null,
    platform: platformOf({ Win32_ComputerSystem: computer, Win32_SystemEnclosure: enclosure, Win32_BIOS: bios }),
    hyperV:
      /^Microsoft Corporation$/i.test(field(computer, 'Manufacturer') ?? '') && /^Virtual Machine$/i.test(field(computer, 'Model') ?? ''),
    clockAheadMinutes: there ? Math.round((Date.parse(there) - Date.parse(askedAt)) / 60_000) : null,
    updates: updates ? updates.flatMap((row) => field(row, 'HotFixID') ?? []) : null,
  }
}

function platformOf(rows: Readonly<Record<string, LiveRow | undefined>>): SystemFacts['platform'] {
  for (const hint of platformHints) {
    const value = field(rows[hint.class], hint.property)?.toLowerCase().trim()
    if (!value) continue
    if (hint.match === 'whole' ? value === hint.value : hint.match === 'begin' ? value.startsWith(hint.value) : value.includes(hint.value))
      return hint.platform
  }
  return null
}

function officeFacts(cells: Row): OfficeFacts {
  const id = ['UpdateChannel', 'CDNBaseUrl']
    .map((name) => /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i.exec(cells.get(name)?.value ?? '')?.[0].toLowerCase())
    .find((v) => v !== undefined)
  return {
    cells,
    releaseIds: (cells.get('ProductReleaseIds')?.value ?? '')
      .split(/[,;\s]+/)
      .map((r) => r.trim())
      .filter((r) => r !== ''),
    channelId: id ?? null,
    channel: officeChannels.find((row) => row.id === id)?.channel ?? null,
    sharedComputer: cells.get('SharedComputerLicensing')?.value === '1',
  }
}

/** Year and program of an Office edition: `Professional Plus 2021`. */
function generation(p: ProductFacts): { program: string; year: string } | null {
  const m = /^(.*?) ?(20\d\d)$/.exec(p.edition ?? '')
  return m && p.application === 'office' ? { program: m[1]!, year: m[2]! } : null
}

/**
 * Marks keys that are left over: the same program of another year is licensed, Click-to-Run has that one installed and not this
 * one. What it does not prove stays as it is.
 */
function withStale(products: readonly ProductFacts[], office: OfficeFacts | null): ProductFacts[] {
  const installed = (year: string) => office?.releaseIds.some((id) => id.includes(year)) ?? false
  return products.map((p) => {
    const mine = generation(p)
    if (!mine || !office || p.state === 'licensed' || p.addOn || p.channel === 'subscription' || installed(mine.year)) return p
    // The release IDs of Office 2016 carry no year.
    if (mine.year === '2016' && office.releaseIds.some((id) => !/20\d\d|^O365|^M365/.test(id))) return p
    const live = products.some((o) => {
      const other = generation(o)
      return other && o.state === 'licensed' && other.program === mine.program && other.year !== mine.year && installed(other.year)
    })
    return live ? { ...p, stale: true } : p
  })
}

function hostRole(products: readonly ProductFacts[], service: Row, hostService: LiveRow | undefined): HostRole | null {
  const index = products.findIndex((p) => p.channel === 'kms-host' && p.isKmsHost)
  const product = products[index]
  if (!product && service.get('IsKeyManagementServiceMachine')?.value !== '1') return null
  const cells: Row = new Map([...service, ...(product?.cells ?? [])])
  const number = (name: string) => wholeNumber(cells.get(name)?.value ?? '')
  const byState: Record<string, number> = {}
  for (const [state, name] of [
    ['unlicensed', 'Unlicensed'],
    ['licensed', 'Licensed'],
    ['initial-grace', 'OOBGrace'],
    ['out-of-tolerance-grace', 'OOTGrace'],
    ['non-genuine-grace', 'NonGenuineGrace'],
    ['notification', 'Notification'],
  ] as const) {
    const n = number(`KeyManagementService${name}Requests`)
    if (n !== null) byState[state] = n
  }
  const publishes = service.get('KeyManagementServiceDnsPublishing')?.value
  const low = field(hostService, 'KeyManagementServiceLowPriority')
  return {
    cells,
    product: product ? index : null,
    count: number('KeyManagementServiceCurrentCount'),
    totalRequests: number('KeyManagementServiceTotalRequests'),
    failedRequests: number('KeyManagementServiceFailedRequests'),
    byState,
    listeningPort: number('KeyManagementServiceListeningPort') || null,
    publishes: publishes === undefined ? null : /^(?:true|1)$/i.test(publishes),
    lowPriority: low === null ? null : /^(?:true|1)$/i.test(low),
  }
}

function applicationHosts(answers: Answers, lines: Lines): MachineFacts['applicationHosts'] {
  const found = new Map<string, { name: string; port: number | null; cell: Cell }>()
  for (const [id, application] of [
    ['host:windows', windowsApplication],
    ['host:office', officeApplication],
  ] as const) {
    const values = valuesOf(answers, id)
    const name = values?.KeyManagementServiceName
    if (typeof name !== 'string' || name === '') continue
    const port = wholeNumber(String(values?.KeyManagementServicePort ?? ''))
    const cell = lines.cell('KeyManagementServiceName', name)
    found.set(application, { name: cell.value, port: port || null, cell })
  }
  return found
}

/** The application's own host, where the product has none: it goes before the machine's. */
function hostOfApplication(facts: ProductFacts, row: Row, hosts: MachineFacts['applicationHosts']) {
  if (row.get('KeyManagementServiceMachine') || facts.channel !== 'kms-client') return null
  const application = row.get('ApplicationID')?.value.toLowerCase()
  return (application && hosts.get(application)) || null
}

const noLicensingClass = problem('LICENSING_CLASS_MISSING', 'this Windows has no class SoftwareLicensingProduct, which every Windows has', [
  'Is it Windows PE, or is the WMI repository damaged? As an administrator: winmgmt /verifyrepository',
])

function unasked(answers: Answers): Unasked[] {
  return [...answers].flatMap(([question, answer]) => {
    if (answer.ok) {
      // Every Windows has this class; where it is missing, the machine was not asked about licences, and none is not its answer.
      if (question !== 'products' || !('rows' in answer) || answer.rows !== null) return []
      return [{ question, about: 'the licences', problem: noLicensingClass, decides: true }]
    }
    const [about, decides] = abouts[question] ?? [question, true]
    return [{ question, about, problem: answer.problem, decides }]
  })
}
