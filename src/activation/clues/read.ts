import { isEvent } from '../../catalogue.ts'
import { maskKeys } from '../../model.ts'
import type { Line, Page } from '../page.ts'
import { type Cell, cellOf, type EventRow, type MachineClues, newMachine, type ProductRow, type Row } from './clue.ts'
import { codesIn } from './codes.ts'
import { eventOfMessage, eventXml, guidLike, infoLength, infoLine, statusRow } from './events.ts'
import { type Canonical, canonicalName, type Labelled, labelled, sentence, stateWord } from './labels.ts'
import { marksIn, mayHaveMarks } from './marks.ts'
import {
  channelPattern,
  codePattern,
  extendedPidPattern,
  guidPattern,
  hostPortPattern,
  ipv4Pattern,
  keyChannelPattern,
  licenceNamePattern,
  looksLikePartialKey,
  minutesLeft,
} from './shapes.ts'
import { separated, type Table, tableHead, tableRow } from './tables.ts'

/** What a page said: machines in the order they appear, and the lines that nobody could read. */
export type Reading = { readonly machines: MachineClues[]; readonly layouts: Set<string>; readonly unread: Line[] }

const applicationIds = new Set([
  '55c92734-d682-4d71-983e-d6ec3f16059f',
  '0ff1ce15-a989-479d-af46-f275c6370663',
  '0ff1ce16-a989-479d-af46-f275c6370663',
  '59a52881-a989-479d-af46-f275c6370663',
])
const eventHeaders = new Set<Canonical>(['EventID', 'EventLog', 'EventSource', 'EventTime', 'EventNoise', 'EventMessage'])
/** Values that belong to the machine's licensing service rather than to one product, when they stand without a product. */
const serviceOnly = new Set<Canonical>([
  'Version',
  'PolicyCacheRefreshRequired',
  'KeyManagementServiceActivationDisabled',
  'OA3xOriginalProductKey',
  'OA3xOriginalProductKeyDescription',
  'OA3xOriginalProductKeyPkPn',
  'RemainingWindowsReArmCount',
  'ClientMachineID',
  'KeyManagementServiceDnsPublishing',
  'HostCaching',
  'KeyManagementServiceListeningPort',
  'KmsPriority',
])
const dashes = /^[-=_*~\s.]{3,}$/
const banner =
  /^(?:microsoft \(r\) windows script host|.{0,60}\bmicrosoft r?\)|.{0,40}(?:\(c\)|©|\(microsoft r\)).{0,20}microsoft|.{0,60}windows script host|.{0,40}(?:\(microsoft\)|microsoft \(r\)|\(microsoft r\))|configextension=|timecreated\s+(?:provider\w*\s+)?id\b|status\s+name\s+displayname|taskpath\s+taskname|index\s+time\s+entrytype|copyright\b|\(c\) microsoft|microsoft windows \[|windows powershell(?: transcript)?|all rights reserved|start time:|end time:|username:|runas user:|configuration name:|machine:|host application:|process id:|psversion:|psedition:|pscompatibleversions:|buildversion:|clrversion:|wsmanstackversion:|psremotingprotocolversion:|serializationversion:|transcript (?:started|stopped)|---(?:processing|exiting)-*)/i
const prompt =
  /^(?:\[[^\]]+\]:?\s*|[\w.-]+@[\w.-]+\s+)?(?:PS\b[^>]{0,120}>|[A-Z]:\\[^>]{0,160}>|\[?[\w.-]+@[\w.-]+[^\]$#]{0,60}\]?[$#])\s*(.*)$/i
const command =
  /\b(?:slmgr(?:\.vbs)?|ospp\.vbs|cscript(?:\.exe)?|wscript(?:\.exe)?|wmic(?:\.exe)?|Get-CimInstance|Get-WmiObject|gcim|gwmi|Get-OSLicenseInfo|Get-KmsLicenseInfo|Get-WinEvent|Get-EventLog|wevtutil|Invoke-Command)\b/i

/** Reads every layout that it knows from a page, line by line; each line is read once and belongs to one reading. */
export function read(page: Page): Reading {
  const reader = new Reader(page)
  reader.run()
  return reader.result()
}

class Reader {
  readonly #page: Page
  readonly #lines: Line[]
  readonly #found: (Labelled | null | undefined)[] = []
  readonly #unread: Line[] = []
  readonly #machines: MachineClues[] = []
  readonly #byName = new Map<string, MachineClues>()
  readonly #seenCodes = new Set<string>()
  /** No event in XML form ends before this line. */
  #noXmlBefore = 0
  readonly #layouts = new Set<string>()
  #machine: MachineClues | null = null
  #product: ProductRow | null = null
  #event: EventRow | null = null
  /** Line number of the last line that belonged to the open event. */
  #eventLine = 0
  #attempted: ProductRow | null = null
  #table: Table | null = null
  /** Line number of an error message that may go on on the next line. */
  #messageLine = 0
  /** Below a head `Name Value`. */
  #pairs = false
  /** Index of the line that is being read. */
  #at = 0
  /** The layout of the dialog that we are in. */
  #dialog: 'slmgr' | 'ospp' | 'list' | null = null
  #section: 'kms-client' | 'kms-host' | 'ad' | 'avma' | 'token' | null = null
  #lastCell: { readonly row: Row; readonly name: string; readonly line: Line } | null = null

  readonly #marked: boolean

  constructor(page: Page) {
    this.#page = page
    this.#marked = mayHaveMarks(page.text)
    const timed = page.lines.filter((l) => timePrefix.test(l.text)).length
    // A log: every line has its time, also those that are no labels.
    this.#lines =
      timed >= 4 && timed > page.lines.length * 0.6 && !page.lines.some((l) => /^\S+\s+\S+\s+(?:[AP]M\s+)?\d{3,5}\s/.test(l.text))
        ? page.lines.map(withoutTime)
        : [...page.lines]
  }

  run(): void {
    let i = 0
    while (i < this.#lines.length) {
      const taken = this.#line(i)
      if (taken === 0) this.#unread.push(this.#lines[i]!)
      i += Math.max(taken, 1)
    }
    this.#closeEvent()
  }

  result(): Reading {
    return { machines: this.#machines, layouts: this.#layouts, unread: this.#unread }
  }

  /** Offers line `i` to the readers; answers how many lines were taken. */
  #line(i: number): number {
    this.#at = i
    let line = this.#lines[i]!
    // A time, a level or a line number that a program put before each line.
    const prefix = /^[\d[]|^std|^(?:out|info)/i.test(line.text) ? (timePrefix.exec(line.text) ?? linePrefix.exec(line.text)) : null
    if (prefix && !isKnown(line.text) && isKnown(line.text.slice(prefix[0].length))) {
      line = { ...line, text: line.text.slice(prefix[0].length) }
      this.#lines[i] = line
      this.#found[i] = undefined
    }
    const text = line.text
    if (dashes.test(text)) return this.#rule(line)
    // A known label of a product or of the service is nothing else; the other readers need not look at it.
    const plain = this.#table === null && this.#labelledAt(i)?.canonical
    const taken = plain && !eventHeaders.has(plain) && plain !== 'ID' ? this.#labelLine(i) || this.#others(i) : this.#others(i)
    if (taken > 0) {
      this.#marks(line)
      return taken
    }
    return this.#rest(line)
  }

  /** The label and value of line `i`; several readers ask for it. */
  #labelledAt(i: number): Labelled | null {
    const line = this.#lines[i]
    if (!line) return null
    const known = this.#found[i]
    if (known !== undefined) return known
    const found = labelled(line.text)
    this.#found[i] = found
    return found
  }

  #others(i: number): number {
    return (
      this.#xmlEvent(i) ||
      this.#tableLine(i) ||
      this.#eventData(i) ||
      this.#machineHeading(i) ||
      this.#labelLine(i) ||
      this.#sentenceLine(i) ||
      this.#structure(i)
    )
  }

  // Places ------------------------------------------------------------------------------------------------------------

  #here(): MachineClues {
    if (!this.#machine) {
      this.#machine = newMachine(null)
      this.#machines.push(this.#machine)
    }
    this.#machine.sources.add(this.#page.source)
    return this.#machine
  }

  /** The text goes on about the machine with this name: the same one, a nameless one that now has a name, or a new one. */
  #enter(given: string, asHeading: boolean): void {
    const name = maskKeys(given)
    // `PC01` and `pc01.corp.example` are one machine.
    const known = this.#byName.get(name.toLowerCase()) ?? this.#byName.get(name.toLowerCase().replace(/\..*$/, '')) ?? null
    if (known) this.#machine = known
    else if (this.#machine && this.#machine.name === null && !(asHeading && hasContent(this.#machine))) this.#machine.name = name
    else {
      this.#machine = newMachine(name)
      this.#machines.push(this.#machine)
    }
    this.#byName.set(name.toLowerCase(), this.#machine)
    if (!/^[\d.]+$/.test(name)) this.#byName.set(name.toLowerCase().replace(/\..*$/, ''), this.#machine)
    this.#machine.sources.add(this.#page.source)
    if (asHeading) this.#endDialog()
  }

  #endDialog(): void {
    this.#closeEvent()
    this.#product = null
    this.#section = null
    this.#dialog = null
    this.#table = null
  }

  #newProduct(fromEvent = false): ProductRow {
    const product: ProductRow = { cells: new Map(), attempt: null, fromEvent }
    this.#here().products.push(product)
    if (!fromEvent) {
      this.#product = product
      this.#section = null
    }
    return product
  }

  /** Puts a value where it belongs; a value that is there already begins the next product. */
  #put(canonical: string, value: string, line: Line): void {
    const cell = cellOf(this.#page.source, line, value)
    if (serviceOnly.has(canonical as Canonical) && (!this.#product || canonical === 'Version')) {
      const machine = this.#here()
      const before = machine.service.get(canonical)
      if (
        (canonical === 'Version' || canonical === 'ClientMachineID') &&
        before &&
        before.value !== value &&
        value !== '' &&
        machine.name === null
      ) {
        // Another service version is another machine.
        this.#machine = newMachine(null)
        this.#machines.push(this.#machine)
      }
      this.#here().service.set(canonical, cell)
      this.#lastCell = { row: this.#here().service, name: canonical, line }
      return
    }
    if (!this.#product) this.#newProduct()
    let row = this.#product!.cells
    if (row.has(canonical) && starts.has(canonical as Canonical)) {
      this.#newProduct()
      row = this.#product!.cells
    } else if (row.has(canonical) && this.#dialog === 'list') {
      this.#newProduct()
      row = this.#product!.cells
    }
    row.set(canonical, cell)
    this.#lastCell = { row, name: canonical, line }
    if (canonical === 'ClientMachineID' || canonical === 'OfflineInstallationId') this.#splitOff(canonical, value)
  }

  /**
   * Two dialogs about the same product that name different machines: CMID and installation ID differ from machine to machine.
   * The product that is being read goes to a machine of its own, and the text goes on there.
   */
  #splitOff(name: string, value: string): void {
    const machine = this.#machine
    const product = this.#product
    if (!machine || !product || machine.products.length < 2 || /[x*<]/i.test(value) || value === '' || /^0+$/.test(value)) return
    const same = (c: string) => {
      const own = product.cells.get(c)?.value.toLowerCase()
      return machine.products
        .slice(-8)
        .some(
          (o) =>
            o !== product &&
            own !== undefined &&
            o.cells.get(c)?.value.toLowerCase() === own &&
            (o.cells.get(name)?.value ?? value).toLowerCase() !== value.toLowerCase(),
        )
    }
    if (!(product.cells.has('ID') ? same('ID') : same('Name'))) return
    machine.products.splice(machine.products.indexOf(product), 1)
    const codes = machine.codes.filter((c) => c.product === product)
    for (const code of codes) machine.codes.splice(machine.codes.indexOf(code), 1)
    const version = machine.service.get('Version')
    this.#machine = newMachine(null)
    this.#machines.push(this.#machine)
    this.#here().products.push(product)
    this.#machine.codes.push(...codes)
    if (version) this.#machine.service.set('Version', version)
  }

  #rule(line: Line): number {
    if (this.#dialog === 'ospp' && this.#product && this.#product.cells.size > 0 && /^-{10,}/.test(line.text)) this.#product = null
    return 1
  }

  // Events ------------------------------------------------------------------------------------------------------------

  #openEvent(id: number | null): EventRow {
    if (!this.#event) {
      this.#event = { id, cells: new Map(), data: [], dataCell: null, statuses: [] }
      this.#layouts.add('event log')
      this.#product = null
    }
    if (id !== null && this.#event.id === null) this.#event.id = id
    return this.#event
  }

  #closeEvent(): void {
    const event = this.#event
    this.#event = null
    if (!event) return
    if (event.id === null && event.dataCell === null && event.statuses.length === 0) return
    const computer = event.cells.get('MachineName')?.value
    if (computer && event.id !== 12290) this.#enter(computer, false)
    this.#here().events.push(event)
  }

  #xmlEvent(i: number): number {
    const first = this.#lines[i]!
    if (i < this.#noXmlBefore || !/(?:<|&lt;)Event(?:\s|>|&gt;)/i.test(first.raw)) return 0
    let xml = ''
    let n = 0
    let last = 0
    for (; i + n < this.#lines.length && n < 80; n++) {
      const line = this.#lines[i + n]!
      if (line.n !== last) xml += `${line.raw}\n`
      last = line.n
      if (/(?:<|&lt;)\/Event(?:>|&gt;)/i.test(line.raw) && this.#lines[i + n + 1]?.n !== line.n) {
        n++
        break
      }
    }
    let found = false
    if (xml.includes('&lt;Event'))
      xml = xml.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
    for (const one of xml.split(/(?=<Event(?:\s|>))/i)) {
      const read = eventXml(one)
      if (!read) continue
      found = true
      this.#closeEvent()
      const event = this.#openEvent(read.id)
      const cell = cellOf(this.#page.source, first, String(read.id))
      event.cells.set('EventID', cell)
      if (read.computer) event.cells.set('MachineName', { ...cell, value: read.computer })
      if (read.time) event.cells.set('EventTime', { ...cell, value: read.time })
      if (read.log) event.cells.set('EventLog', { ...cell, value: read.log })
      for (const data of read.data) {
        this.#dataOf(event, data, first)
        this.#codes(first, data)
      }
      this.#closeEvent()
    }
    if (!found) this.#noXmlBefore = i + n
    return found ? n : 0
  }

  /** Reads what an event's text carries: a list of values, `hr=`, named identifiers. */
  #dataOf(event: EventRow, text: string, line: Line): boolean {
    const cell = cellOf(this.#page.source, line, text)
    const info = infoLine(text)
    if (info && (event.id === null || event.id === info.id)) {
      event.id = info.id
      event.data = info.values
      event.dataCell = cell
      return true
    }
    let found = false
    const hr = /\bhr\s*=\s*(0x[0-9a-f]{8})/i.exec(text)?.[1] ?? (/^(0x[0-9a-f]{8})$/i.exec(text)?.[1] || null)
    if (hr) {
      event.cells.set('ErrorCode', { ...cell, value: hr })
      found = true
    }
    for (const [name, pattern] of [
      ['ApplicationID', /\bApp(?:lication)?\s?Id\s*=\s*([0-9a-f-]{36})/i],
      ['ID', /\bSku\s?Id\s*=\s*([0-9a-f-]{36})/i],
    ] as const) {
      const value = pattern.exec(text)?.[1]
      if (value) {
        event.cells.set(name, { ...cell, value: value.toLowerCase() })
        found = true
      }
    }
    const status = statusRow(text)
    if (status) {
      event.id ??= 1003
      event.statuses.push({ ...status, cell })
      found = true
    }
    return found
  }

  /** Lines that only an event's text has. A line that a console broke is put together again first. */
  #eventData(i: number): number {
    const line = this.#lines[i]!
    const text = line.text
    if (/0x[0-9a-f]{1,8}\s*,/i.test(text)) {
      let joined = text
      let n = 1
      let info = infoLine(joined)
      while (n < 4 && (!info || info.values.length < (infoLength[info.id] ?? 0))) {
        const next = this.#lines[i + n]
        if (!next || next.n > line.n + n + 1 || /^\d+\s*:|[:=]\s|^-{3}/.test(next.text.slice(0, 40)) || infoLine(next.text)) break
        joined += joined.endsWith(',') ? ` ${next.text}` : next.text
        n++
        info = infoLine(joined)
      }
      if (!info) n = 1
      info ??= infoLine(text)
      if (info) {
        if (this.#event && ((this.#event.id !== null && this.#event.id !== info.id) || this.#event.dataCell)) this.#closeEvent()
        this.#dataOf(this.#openEvent(info.id), joined, line)
        this.#eventLine = this.#lines[i + n - 1]!.n
        this.#codes(line, joined)
        return n
      }
    }
    if (/\b(?:RuleId|AppId|SkuId)\s*=/.test(text)) {
      let joined = text
      let n = 1
      while (n < 5 && !/SkuId=[0-9a-f-]{36}/i.test(joined)) {
        const next = this.#lines[i + n]
        if (!next || next.n > line.n + n + 1 || labelled(next.text)?.canonical) break
        joined += next.text
        n++
      }
      if (!/SkuId=[0-9a-f-]{36}/i.test(joined)) {
        joined = text
        n = 1
      }
      this.#dataOf(this.#openEvent(this.#event?.id ?? 8198), joined, line)
      this.#eventLine = this.#lines[i + n - 1]!.n
      this.#codes(line, joined)
      return n
    }
    const hr = text.includes('0x') && /^(?:.{0,80}?\b)?hr\s*=\s*0x[0-9a-f]{8}/i.test(text)
    if (hr && (this.#event || eventOfMessage(text) !== null || text.length < 24)) {
      this.#dataOf(this.#openEvent(this.#event?.id ?? eventOfMessage(text) ?? 8198), text, line)
      this.#eventLine = line.n
      this.#codes(line)
      return 1
    }
    if (/^\d+\s*:\s*[0-9a-f*.x-]{8,},/i.test(text)) {
      let joined = text
      let n = 1
      while (n < 4 && !statusRow(joined)?.minutes) {
        const next = this.#lines[i + n]
        if (!next || next.n > line.n + n || /^\d+\s*:/.test(next.text) || labelled(next.text)?.canonical) break
        joined += next.text
        n++
      }
      if (statusRow(joined)) {
        if (this.#event?.id !== null && this.#event?.id !== undefined && this.#event.id !== 1003) this.#closeEvent()
        this.#dataOf(this.#openEvent(1003), joined, line)
        this.#eventLine = this.#lines[i + n - 1]!.n
        return n
      }
    }
    // A row of a Markdown or grid table: the number is a cell, the source another one.
    const tabs = line.raw.includes('\t') ? line.raw.split('\t') : null
    const commas = !tabs && /,"?Microsoft-Windows-Security-(?:SPP|Licensing)/i.test(text) ? separated(text, ',') : null
    if (text.startsWith('|') || / \| /.test(text) || tabs || commas) {
      const cells = (tabs ?? commas ?? text.replace(/^\||\|$/g, '').split('|')).map((c) => c.trim().replace(/^"|"$/g, ''))
      const number = cells.find((c) => /^\d{1,5}$/.test(c) && isEvent(Number(c)))
      const ours = cells.some((c) =>
        /^(?:.*Security-?(?:SPP|Licensing).*|Security|Software Protection.*|Windows Activation Technologies)$/i.test(
          c.replace(/^(\w) (\w)/, '$1$2'),
        ),
      )
      if (number && ours) {
        this.#closeEvent()
        const event = this.#openEvent(Number(number))
        event.cells.set('EventID', cellOf(this.#page.source, line, number))
        const computer = cells.find((c) => /^[A-Za-z][\w-]*\d[\w-]*(?:\.[\w-]+)*$|^[A-Za-z][\w-]*(?:\.[\w-]+){2,}$/.test(c))
        if (computer) event.cells.set('MachineName', cellOf(this.#page.source, line, computer))
        const time = cells.find((c) => /^\d{1,4}[./-]\d{1,2}[./-]\d{1,4}/.test(c))
        if (time) event.cells.set('EventTime', cellOf(this.#page.source, line, time))
        for (const cell of cells) if (cell !== number) this.#dataOf(event, cell, line)
        const code =
          codePattern.exec(cells.filter((c) => !/0x00000000/.test(c)).join(' ')) ?? codePattern.exec(text.replaceAll('0x00000000', ''))
        if (code && !event.cells.has('ErrorCode')) event.cells.set('ErrorCode', cellOf(this.#page.source, line, code[0]))
        this.#eventLine = line.n
        this.#codes(line)
        // The message may go on in the next lines of a quoted cell.
        if (event.dataCell || event.cells.has('ErrorCode')) this.#closeEvent()
        return 1
      }
    }
    // A row of a table of events: time, number, level, the beginning of the message.
    const row = /^(\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\s+\d\S*(?:\s+[AP]M)?)\s+(\d{3,5})\s+(?=\S)/i.exec(text)
    if (row && isEvent(Number(row[2]))) {
      this.#closeEvent()
      const event = this.#openEvent(Number(row[2]))
      event.cells.set('EventID', cellOf(this.#page.source, line, row[2]!))
      event.cells.set('EventTime', cellOf(this.#page.source, line, row[1]!))
      this.#dataOf(event, text.slice(row[0].length), line)
      this.#eventLine = line.n
      this.#codes(line)
      return 1
    }
    const id = eventOfMessage(text)
    if (id !== null && !labelled(text)?.canonical) {
      if (this.#event && ((this.#event.id !== null && this.#event.id !== id) || this.#event.dataCell)) this.#closeEvent()
      const event = this.#openEvent(id)
      this.#dataOf(event, text, line)
      if (!event.cells.has('EventID')) event.cells.set('EventID', cellOf(this.#page.source, line, String(event.id)))
      this.#eventLine = line.n
      this.#codes(line)
      return 1
    }
    const mention = /\bEvents?(?:[- ]?IDs?)?\s*[:#]?\s*(\d{3,5})\b/i.exec(text)
    if (mention && isEvent(Number(mention[1])) && !/^event[- ]?id\s*[:=]/i.test(text)) {
      this.#closeEvent()
      this.#openEvent(Number(mention[1])).cells.set('EventID', cellOf(this.#page.source, line, mention[1]!))
      this.#eventLine = line.n
      this.#codes(line)
      // In running prose an event is mentioned, not quoted.
      if (text.length > 60) this.#closeEvent()
      return 1
    }
    return 0
  }

  #eventField(found: Labelled, line: Line): number {
    const { canonical, value } = found
    const number = canonical === 'EventID' || canonical === 'ID' ? Number(/^\d{1,5}$/.exec(value)?.[0] ?? Number.NaN) : Number.NaN
    if (canonical === 'ID' && !(isEvent(number) || (this.#event && /^\d{1,5}$/.test(value)))) return 0
    if (canonical === 'EventSource' && !this.#event && !/SPP|Licensing|Software Protection|Windows Activation/i.test(value)) return 0
    if ((canonical === 'EventNoise' || canonical === 'EventMessage') && !this.#event) return 0
    const name = canonical === 'ID' ? 'EventID' : canonical!
    if (this.#event && name !== 'EventNoise' && name !== 'EventMessage' && this.#event.cells.has(name)) this.#closeEvent()
    if (canonical === 'EventTime' && !this.#event && !/\d{1,4}[./-]\d{1,2}[./-]\d{1,4}/.test(value)) return 0
    const event = this.#openEvent(Number.isNaN(number) ? null : number)
    event.cells.set(name, cellOf(this.#page.source, line, value))
    this.#eventLine = line.n
    if (name === 'EventMessage') {
      const id = eventOfMessage(value)
      if (id !== null && event.id === null) event.id = id
      this.#dataOf(event, value, line)
    }
    this.#codes(line)
    return 1
  }

  // Machines ----------------------------------------------------------------------------------------------------------

  #machineHeading(i: number): number {
    const line = this.#lines[i]!
    const text = line.text
    if (text.length > 90) return 0
    if (!/[:=#*\]-]$|^[=#*[-]| \| |^(?:ok|changed|failed|fatal):/.test(text)) return this.#looseHeading(i)
    const next = this.#lines[i + 1]
    const heading =
      /^[=#*-]{2,}\s*\[?([\w](?:[\w.-]{0,61}\w)?)\]?\s*[=#*-]{2,}$/.exec(text)?.[1] ??
      /^#{1,6}\s+([\w][\w.-]{1,62})$/.exec(text)?.[1] ??
      /^([\w][\w.-]{1,62}) \| (?:CHANGED|SUCCESS|FAILED)\b/.exec(text)?.[1] ??
      /^(?:ok|changed|failed|fatal): \[([\w][\w.-]{1,62})\]/.exec(text)?.[1] ??
      (next && (next.indent > line.indent || labelled(next.text)?.canonical) ? /^([\w][\w.-]{1,62}):$/.exec(text)?.[1] : undefined)
    if (
      heading &&
      /[A-Za-z]/.test(heading) &&
      /[\d.-]/.test(heading) &&
      canonicalName(heading) === null &&
      !stateWord(heading) &&
      !/\.(?:txt|vbs|log|exe|ps1)$/i.test(heading)
    ) {
      this.#enter(heading, true)
      return 1
    }
    return this.#looseHeading(i)
  }

  /** A line of few words above a dialog that holds one host name: `PC01`, `[PC01]`, `Results for PC01:`, `Checking PC01...`. */
  #looseHeading(i: number): number {
    const line = this.#lines[i]!
    if (line.text.length > 60 || line.text.startsWith('<') || this.#labelledAt(i)?.canonical) return 0
    const below = this.#lines[i + 1] && dashes.test(this.#lines[i + 1]!.text) ? i + 2 : i + 1
    const next = this.#lines[below]
    const begins =
      next &&
      (starts.has(this.#labelledAt(below)?.canonical as Canonical) ||
        this.#labelledAt(below)?.canonical === 'Version' ||
        /^---processing/i.test(next.text) ||
        banner.test(next.text) ||
        /^(?:Windows|Office)\b.*\bedition\s*:/.test(next.text))
    if (!begins || command.test(line.text) || codePattern.test(line.text)) return 0
    const words = line.text
      .replace(/[^\w.-]+/g, ' ')
      .trim()
      .split(' ')
    if (words.length > 5) return 0
    const hosts = words.map((w) => w.replace(/^[.-]+|[.-]+$/g, '')).filter((w) => hostWord.test(w) && !noHostWord.test(w))
    const sure = hosts.filter((w) => /\d/.test(w) || /\w\.\w/.test(w) || (words.length === 1 && /^[A-Z][A-Z0-9-]{2,}$/.test(w)))
    const name = sure.at(-1)
    if (!name || canonicalName(name) !== null || stateWord(name)) return 0
    this.#enter(name, true)
    return 1
  }

  // Labels ------------------------------------------------------------------------------------------------------------

  #labelLine(i: number): number {
    const line = this.#lines[i]!
    let found = this.#labelledAt(i)
    let taken = 1
    if (found && !found.canonical) {
      // `2024-01-01 10:00 INFO Name: …` and `stdout: Name: …`: the label stands behind something.
      const inner = labelled(found.value)
      if (inner?.canonical && starts.has(inner.canonical)) found = inner
    }
    if (/^Name\s+Value$/.test(line.text)) {
      this.#pairs = true
      return 1
    }
    if (this.#pairs && !found?.canonical) {
      // A dictionary as PowerShell shows it: two columns, name and value.
      const pair = /^([A-Za-z]\w+)\s+(\S.*)$/.exec(line.text)
      const canonical = pair ? canonicalName(pair[1]!) : null
      if (canonical) found = { canonical, label: pair![1]!, value: pair![2]!, columned: true }
    }
    if (!found?.canonical && this.#isBroken(line, this.#lines[i + 1])) {
      const joined = labelled(line.text + this.#lines[i + 1]!.text)
      if (joined?.canonical && !labelled(this.#lines[i + 1]!.text)?.canonical) {
        found = joined
        taken = 2
      }
    }
    if (!found?.canonical) return 0
    let { canonical, value } = found
    // A label alone, its value on the next line, further in: what salt and other programs print.
    if (value === '' && taken === 1 && this.#dialog !== 'list') {
      const next = this.#lines[i + 1]
      if (
        next &&
        next.indent > line.indent &&
        next.n === line.n + 1 &&
        !labelled(next.text)?.canonical &&
        !codePattern.test(next.text) &&
        canonical !== 'EventMessage'
      ) {
        if (canonical !== 'Description' || channelPattern.test(next.text)) {
          value = next.text
          taken = 2
        }
      }
    }
    const joined = this.#join(i + taken - 1, canonical, value)
    value = joined.value
    taken += joined.taken
    const result = this.#take(canonical, value, found, line)
    if (result === 0) return 0
    if (codePattern.test(line.text) || canonical === 'LicenseStatusReason')
      this.#codes(line, undefined, this.#product?.cells.get(canonical)?.line === line.n)
    return taken
  }

  #take(canonical: Canonical, value: string, found: Labelled, line: Line): number {
    if (canonical === 'MachineName') {
      const name = /^["']?([\w][\w.$-]{0,62})["']?\.?$/.exec(value)?.[1]
      if (this.#event) {
        if (name && /^N\/A$/i.test(name) === false) this.#event.cells.set('MachineName', cellOf(this.#page.source, line, name))
        this.#eventLine = line.n
        return 1
      }
      if (!name) return value === '' ? 1 : 0
      // A record of a list that begins with the machine's name.
      const before = this.#lines[this.#at - 1]
      const begins = (this.#dialog === 'list' || found.columned) && (!before || before.n < line.n - 1 || /^[{[]$/.test(before.text))
      // A list prints the name last or first; a product that has a name already belongs to the former machine.
      const belongs =
        !begins && this.#dialog === 'list' && this.#product && this.#product.cells.size > 0 && !this.#product.cells.has('MachineName')
      if (belongs && this.#machine && this.#machine.name !== null && shortName(this.#machine.name) !== shortName(name)) {
        const product = this.#product!
        const former = this.#machine
        former.products.splice(former.products.indexOf(product), 1)
        this.#enter(name, false)
        this.#here().products.push(product)
        for (const code of former.codes.filter((c) => c.product === product)) {
          former.codes.splice(former.codes.indexOf(code), 1)
          this.#here().codes.push(code)
        }
        product.cells.set('MachineName', cellOf(this.#page.source, line, name))
      } else if (belongs) {
        this.#enter(name, false)
        this.#product!.cells.set('MachineName', cellOf(this.#page.source, line, name))
      } else {
        const list = this.#dialog === 'list' || found.columned
        this.#enter(name, true)
        if (list) this.#dialog = 'list'
      }
      return 1
    }
    // A sentence about a status is no status.
    if (canonical === 'LicenseStatus' && /^\d\s+[^\s(\-–:=]/.test(value)) return 0
    if (found.label === 'KEY' && !/-[A-Z0-9]{5}$/.test(value)) return 0
    if (canonical === 'WmiNoise') return this.#dialog === 'list' || this.#product || /^__/.test(found.label) ? 1 : 0
    if (eventHeaders.has(canonical) || (canonical === 'ID' && /^\d{1,5}$/.test(value)))
      return this.#eventField({ ...found, canonical, value }, line)
    if (this.#event && canonical === 'Description' && !channelPattern.test(value)) {
      this.#event.cells.set('EventMessage', cellOf(this.#page.source, line, value))
      this.#eventLine = line.n
      const id = eventOfMessage(value)
      if (id !== null && this.#event.id === null) this.#event.id = id
      this.#dataOf(this.#event, value, line)
      return 1
    }
    if (
      this.#event &&
      (canonical === 'ID' ||
        canonical === 'ApplicationID' ||
        canonical === 'ADActivationObjectName' ||
        canonical === 'ADActivationObjectDN' ||
        canonical === 'PartialProductKey')
    ) {
      this.#event.cells.set(canonical, cellOf(this.#page.source, line, value))
      this.#eventLine = line.n
      return 1
    }
    if (canonical === 'Name' && !licenceNamePattern.test(value) && !/edition|windows|office|visio|project|^(?:\.\.\.|<|x{3,})/i.test(value))
      return this.#dialog === 'list' && value === '' ? 1 : 0
    if (canonical === 'Description' && !channelPattern.test(value) && !/windows|office|channel|visio|project/i.test(value))
      return this.#product && value === '' ? 1 : 0
    if (canonical === 'Version' && !/^\d{1,2}\.\d{1,2}\./.test(value)) return 0
    if (this.#event) this.#closeEvent()
    this.#layoutOf(canonical, found)
    switch (canonical) {
      case 'Version':
        this.#product = null
        this.#section = null
        break
      case 'ErrorDescription':
        this.#messageLine = line.n
        return 1
      case 'ErrorCode': {
        this.#messageLine = line.n
        if (this.#product && !(this.#product === this.#attempted && !this.#product.cells.has('LicenseStatus'))) {
          this.#put('ErrorCode', value, line)
          return 1
        }
        this.#attemptFailed(line)
        return 1
      }
      case 'LicenseStatus':
        value = /^(\d)\s*[(\-–:=]/.exec(value)?.[1] ?? value
        break
      case 'Licensed':
        this.#put('LicenseStatus', /^true$/i.test(value) ? '1' : value, line)
        return 1
      case 'KmsNotFound':
        return 1
      case 'VLActivationInterval':
      case 'VLRenewalInterval':
        break
      default:
    }
    if (this.#section === 'ad' && canonical === 'ProductKeyID') canonical = 'ADActivationCsvlkPid'
    if (this.#section === 'ad' && canonical === 'ID') canonical = 'ADActivationCsvlkSkuId'
    if ((canonical === 'KmsFromDns' || canonical === 'KmsRegistered') && !this.#product && this.#lastProduct())
      this.#product = this.#lastProduct()
    this.#put(canonical, value, line)
    return 1
  }

  #lastProduct(): ProductRow | null {
    return this.#machine?.products.at(-1) ?? null
  }

  #layoutOf(canonical: Canonical, found: Labelled): void {
    if (
      /^(?:PRODUCT ID|SKU ID|LICENSE (?:NAME|DESCRIPTION|STATUS)|BETA EXPIRATION|REMAINING GRACE|Last 5 characters.*)$/.test(found.label) ||
      /^-{2,}[A-Z]/.test(found.value)
    ) {
      if (this.#dialog !== 'ospp' && /^(?:PRODUCT ID|SKU ID|LICENSE NAME)$/.test(found.label)) this.#product = null
      this.#dialog = 'ospp'
      this.#layouts.add('ospp.vbs')
    } else if (found.columned || (/^[A-Z][A-Za-z0-9]+$/.test(found.label) && /[a-z][A-Z]/.test(found.label))) {
      if (this.#dialog !== 'list' && this.#product && this.#product.cells.has(canonical)) this.#product = null
      this.#dialog = 'list'
      this.#layouts.add('WMI list')
    } else if (this.#dialog === null || this.#dialog === 'ospp') {
      if (
        canonical === 'Name' ||
        canonical === 'Description' ||
        canonical === 'Version' ||
        canonical === 'PartialProductKey' ||
        canonical === 'LicenseStatus'
      ) {
        if (this.#dialog === 'ospp' && (canonical === 'Name' || canonical === 'Version')) this.#product = null
        this.#dialog = 'slmgr'
        this.#layouts.add(/_/.test(found.label) ? 'name and value' : 'slmgr.vbs')
      }
    } else if (
      this.#dialog === 'list' &&
      (canonical === 'Name' || canonical === 'Version') &&
      /^(?:Name|Software)/i.test(found.label) &&
      this.#product?.cells.has('Name')
    ) {
      this.#dialog = 'slmgr'
      this.#product = null
    }
  }

  /** True where a console may have broken this line: it fills the width that the text was broken at, and the next line is its rest. */
  #isBroken(line: Line, next: Line | undefined): boolean {
    return (
      !!next &&
      next.n === line.n + 1 &&
      line.raw.length >= 50 &&
      (line.raw.length === this.#page.wrapAt || consoleWidths.has(line.raw.length))
    )
  }

  /** Puts a value together that goes on on the next lines; the shape of the value says when it is whole. */
  #join(i: number, canonical: Canonical, value: string): { value: string; taken: number } {
    const whole = wholeValue[canonical]
    if (!whole || value === '' || whole(value)) return { value, taken: 0 }
    let glued = value
    let spaced = value
    for (let n = 1; n <= 3; n++) {
      const next = this.#lines[i + n]
      const before = this.#lines[i + n - 1]!
      if (!next || next.n > before.n + 1 || dashes.test(next.text) || (labelled(next.text)?.canonical ?? null) !== null) break
      glued += next.text
      spaced += ` ${next.text}`
      if (
        whole(glued) &&
        (canonical !== 'Name' && canonical !== 'Description' ? true : this.#isBroken(before, next) || !/\s$/.test(before.raw))
      ) {
        // Broken inside a word leaves no blank; broken between words left one.
        const hard =
          canonical === 'Name' || canonical === 'Description'
            ? /[A-Za-z_]$/.test(before.text) && /^[a-z_]/i.test(next.text) && !(whole(spaced) && !this.#isBroken(before, next))
            : true
        return { value: hard ? glued : spaced, taken: n }
      }
      if (whole(spaced)) return { value: spaced, taken: n }
    }
    // A long address that goes on in the next line is not read further, but the line is known.
    if (canonical === 'UseLicenseURL' || canonical === 'ValidationURL') {
      const next = this.#lines[i + 1]
      if (next && next.n === this.#lines[i]!.n + 1 && /^[\w./?=&%-]+$/.test(next.text) && this.#isBroken(this.#lines[i]!, next))
        return { value: value + next.text, taken: 1 }
    }
    return { value, taken: 0 }
  }

  // Sentences ---------------------------------------------------------------------------------------------------------

  #sentenceLine(i: number): number {
    const line = this.#lines[i]!
    const text = line.text
    if (banner.test(text)) {
      if (/^---processing/i.test(text)) {
        this.#endDialog()
        this.#dialog = 'ospp'
        this.#layouts.add('ospp.vbs')
      }
      return 1
    }
    const typed = prompt.exec(text)
    if (
      typed ||
      (command.test(text) &&
        text.length < 200 &&
        !licenceNamePattern.test(text) &&
        /^\S{0,40}(?:cscript|wscript|slmgr|wmic|Get-|gcim|gwmi|wevtutil|Invoke-Command|icm|winrs|psexec|Enter-PSSession|schtasks|tasklist|sc(?:\.exe)? query|reg query|dir |Test-Path)/i.test(
          text,
        ))
    ) {
      this.#closeEvent()
      // A console that breaks lines breaks what was typed, too.
      const rest = this.#lines[i + 1]
      const broken =
        rest &&
        this.#isBroken(line, rest) &&
        !banner.test(rest.text) &&
        !prompt.test(rest.text) &&
        !labelled(rest.text)?.canonical &&
        !licenceNamePattern.test(rest.text) &&
        !codePattern.test(rest.text) &&
        !/\s/.test(rest.text) &&
        rest.text.length < 60
      this.#command((typed?.[1] ?? text) + (broken ? rest.text : ''), line)
      if (broken) return 2
      return 1
    }
    // `Windows(R), Professional edition:` alone begins /xpr; the next line says until when.
    const xpr = /^(?:Windows|Office)\b.*\bedition\s*:\s*$/i.test(text) ? licenceNamePattern.exec(text) : null
    if (xpr) {
      this.#product = null
      this.#dialog = 'slmgr'
      this.#layouts.add('slmgr.vbs /xpr')
      this.#newProduct().cells.set('Name', cellOf(this.#page.source, line, xpr[0]))
      return 1 + this.#expiry(i + 1)
    }
    const expiry = this.#expiry(i)
    if (expiry) return expiry
    const goesOn = this.#lines[i + 1]
    const unclosed =
      goesOn?.n === line.n + 1 &&
      ((/\((?:[0-9a-f*x-]{0,39})$/i.test(text) && /^[0-9a-f*x-]{1,36}\)/i.test(goesOn.text)) ||
        (/\bedition$/.test(text) && /^\([0-9a-f*x-]{5,40}\)/i.test(goesOn.text)))
    const whole = unclosed ? text + goesOn.text : text
    const attempt = /^(.*?)((?:Windows|Office)\b.*?\b(?:edition|add-?on\b.*?))\s*\(([0-9a-f*x-]{5,40})\)/i.exec(whole)
    if (attempt) {
      this.#closeEvent()
      this.#product = null
      const product = this.#newProduct()
      product.cells.set('Name', cellOf(this.#page.source, line, attempt[2]!))
      if (guidPattern.test(attempt[3]!)) product.cells.set('ID', cellOf(this.#page.source, line, attempt[3]!))
      this.#attempted = product
      this.#product = null
      this.#dialog = null
      this.#layouts.add('slmgr.vbs /ato')
      this.#codes(line)
      const taken = unclosed ? 2 : 1
      // Success in a language that no table knows: a sentence without a code; a failure always has one.
      const answer = this.#lines[i + taken]
      if (
        answer &&
        answer.n <= line.n + taken + 1 &&
        !codePattern.test(answer.text) &&
        !sentence(answer.text) &&
        successWords.test(answer.text)
      ) {
        product.attempt = { code: null, ok: true, cell: cellOf(this.#page.source, answer, answer.text) }
        return taken + 1
      }
      return taken
    }
    // `Windows(R), Professional edition: The machine is permanently activated.` in one line.
    const inline = /^((?:Windows|Office)\b.*?\bedition)\s*:\s*(\S.*)$/i.exec(text)
    const after = inline ? sentence(inline[2]!) : null
    if (inline && (after || /will expire|grace period ends|permanently activated|notification mode|\d{4}/i.test(inline[2]!))) {
      this.#product = null
      this.#layouts.add('slmgr.vbs /xpr')
      this.#newProduct().cells.set('Name', cellOf(this.#page.source, line, inline[1]!))
      this.#expiryText(inline[2]!, line, true)
      this.#product = null
      return 1
    }
    const known = sentence(text)
    if (!known) return this.#keysAndHosts(line)
    const cell = cellOf(this.#page.source, line, known.rest)
    switch (known.name) {
      case 'KmsClientSection':
        this.#section = 'kms-client'
        return 1
      case 'AdSection':
        this.#section = 'ad'
        return 1
      case 'AvmaSection':
        this.#section = 'avma'
        return 1
      case 'TokenSection':
        this.#section = 'token'
        return 1
      case 'KmsHostEnabled':
        this.#section = 'kms-host'
        this.#flag('IsKeyManagementServiceMachine', '1', line)
        return 1
      case 'HostCachingEnabled':
        this.#flag('HostCaching', 'Enabled', line)
        return 1
      case 'HostCachingDisabled':
        this.#flag('HostCaching', 'Disabled', line)
        return 1
      case 'DnsPublishingEnabled':
        this.#flag('KeyManagementServiceDnsPublishing', 'Enabled', line)
        return 1
      case 'DnsPublishingDisabled':
        this.#flag('KeyManagementServiceDnsPublishing', 'Disabled', line)
        return 1
      case 'UseAto':
        this.#flag('NeverAsked', 'true', line)
        return 1
      case 'NotInUse':
        if (this.#product && !this.#product.cells.has('LicenseStatus'))
          this.#product.cells.set('LicenseStatus', cellOf(this.#page.source, line, 'Unlicensed'))
        return 1
      case 'OsppAttempt':
        this.#product = this.#newProduct()
        this.#attempted = this.#product
        this.#layouts.add('ospp.vbs /act')
        return 1
      case 'NoKeyInstalled':
        this.#here().notes.push({ note: 'no-key', value: '', cell })
        return 1
      case 'ActivatedSuccessfully': {
        const product = this.#attempted ?? this.#product ?? this.#lastProduct()
        if (product) product.attempt = { code: null, ok: true, cell }
        this.#layouts.add('activation')
        return 1
      }
      case 'InstalledKeySuccessfully':
        this.#here().notes.push({ note: 'key-installed', value: known.rest, cell })
        return 1
      case 'KmsNameSetSuccessfully':
        this.#hostSet(known.rest, line)
        return 1
      case 'ErrorPrefix':
        if (codePattern.test(text)) {
          this.#attemptFailed(line)
          return 1
        }
        return 0
      default:
        return 1
    }
  }

  #flag(name: string, value: string, line: Line): void {
    const row = this.#product?.cells ?? this.#here().service
    row.set(name, cellOf(this.#page.source, line, value))
  }

  /** What `/xpr` prints under the product's name. */
  #expiry(i: number): number {
    const line = this.#lines[i]
    return line ? this.#expiryText(line.text, line, this.#lines[i - 1]?.text.endsWith(':') === true) : 0
  }

  #expiryText(text: string, line: Line, underName: boolean): number {
    const known = sentence(text)
    const product = this.#product
    const cell = cellOf(this.#page.source, line, text)
    const set = (state: string, channel: string | null) => {
      const row = (product ?? this.#newProduct()).cells
      row.set('LicenseStatus', { ...cell, value: state })
      if (channel) row.set('ExpiryChannel', { ...cell, value: channel })
      if (/\d{4}/.test(text)) row.set('Expires', cell)
    }
    if (/^volume activation will expire/i.test(text) || known?.name === 'VolumeActivationWillExpire') set('Licensed', 'kms-client')
    else if (/^time-?based activation will expire/i.test(text)) set('Licensed', 'evaluation')
    else if (/^automatic vm activation will expire/i.test(text)) set('Licensed', 'avma')
    else if (/permanently activated/i.test(text) || known?.name === 'PermanentlyActivated') {
      set('Licensed', null)
      ;(this.#product ?? this.#lastProduct())?.cells.set('Permanent', cell)
    } else if (/^initial grace period ends/i.test(text)) set('Initial grace period', null)
    else if (/^additional grace period ends/i.test(text)) set('Additional grace period', null)
    else if (/^non-genuine grace period ends/i.test(text)) set('Non-genuine grace period', null)
    else if (/^extended grace period ends/i.test(text)) set('Extended grace period', null)
    else if (/^(?:windows is |the machine is )?in notification mode/i.test(text) || known?.name === 'NotificationMode')
      set('Notification', null)
    else if (product?.cells.size === 1 && this.#layouts.has('slmgr.vbs /xpr') && /^unlicensed\b/i.test(text)) set('Unlicensed', null)
    else if (underName) {
      // In a language that no table knows: the few words that /xpr is made of, and the date.
      const spoken = expiryWords.find(([pattern]) => pattern.test(text))
      const dated = /\d{1,4}\s?[./年년-]\s?\d{1,2}\s?[./月월-]\s?\d{1,4}/.test(text)
      if (spoken) {
        set(spoken[1], spoken[1] === 'Licensed' && dated ? 'kms-client' : null)
        if (spoken[1] === 'Licensed' && !dated) (this.#product ?? this.#lastProduct())?.cells.set('Permanent', cell)
      } else if (dated && product) product.cells.set('Expires', cell)
      else return 0
    } else return 0
    this.#layouts.add('slmgr.vbs /xpr')
    return 1
  }

  #command(text: string, line: Line): void {
    const name = /slmgr(?:\.vbs)?\s+([A-Za-z][\w.-]{1,62})\s+(?:\S+\s+\S+\s+)?[/-](?:dl[iv]|xpr|ato|skms|ipk)\b/i.exec(text)?.[1]
    const remote =
      /(?:-ComputerName\s|-cn\s|\/node:|\bwinrs\b.*\s[-/]r(?:emote)?:|\bpsexec\d*(?:\.exe)?\s+\\\\|^\s*(?:icm|Invoke-Command|Enter-PSSession|etsn)\s+(?!-))\s*["']?([A-Za-z][\w.-]{1,62})/i.exec(
        text,
      )?.[1]
    const entered = /^\[([A-Za-z][\w.-]{1,62})\]:/.exec(line.text)?.[1]
    const machine = name ?? remote ?? entered
    if (machine) this.#enter(machine, true)
    else if (command.test(text)) {
      this.#attempted = null
      this.#product = null
      this.#dialog = null
      this.#section = null
    }
    if (/[/-]skms\s+\S/i.test(text)) this.#hostSet(/[/-]skms\s+(\S+)/i.exec(text)?.[1] ?? '', line)
    else if (/\/setprt:\d/i.test(text))
      this.#here().service.set('KeyManagementServicePort', cellOf(this.#page.source, line, /\/setprt:(\d+)/i.exec(text)![1]!))
    else if (/\/sethst:\S/i.test(text)) this.#hostSet(/\/sethst:(\S+)/i.exec(text)?.[1] ?? '', line)
    this.#codes(line)
  }

  #hostSet(value: string, line: Line): void {
    const host = value.replace(/^["'<]+|["'>.,]+$/g, '').trim()
    if (host === '' || /^%|\s/.test(host)) return
    this.#here().notes.push({ note: 'host-set', value: host, cell: cellOf(this.#page.source, line, host) })
    this.#layouts.add('slmgr.vbs /skms')
  }

  /** What `/ipk`, `/upk`, `/skms` and `/ckms` answer, and what a cloud's agent writes about activation. */
  #keysAndHosts(line: Line): number {
    const text = line.text
    const cell = cellOf(this.#page.source, line, text)
    const set =
      /^Key Management Service (?:machine|computer) name (?:is )?set to (\S+) successfully/i.exec(text) ??
      /^KMS (?:machine|host) (?:name )?set to (\S+)/i.exec(text)
    if (set) {
      this.#hostSet(set[1]!, line)
      return 1
    }
    if (/^Key Management Service (?:machine|computer) name cleared successfully/i.test(text)) {
      this.#here().notes.push({ note: 'host-cleared', value: '', cell })
      return 1
    }
    if (/^(?:<?Installed product key|<?Product key installation successful)/i.test(text)) {
      this.#here().notes.push({ note: 'key-installed', value: /([A-Z0-9]{5})\s+successfully/i.exec(text)?.[1] ?? '', cell })
      this.#layouts.add('slmgr.vbs /ipk')
      return 1
    }
    if (/^(?:Uninstalled product key|<?Product key uninstall)/i.test(text)) {
      this.#here().notes.push({ note: 'key-removed', value: '', cell })
      this.#layouts.add('slmgr.vbs /upk')
      return 1
    }
    const value = /^KeyManagementServiceName\s+REG_SZ\s+(\S+)$/i.exec(text)
    if (value) {
      this.#hostSet(value[1]!, line)
      return 1
    }
    const port = /^KeyManagementServicePort\s+REG_SZ\s+(\d{1,5})$/i.exec(text)
    if (port) {
      this.#here().service.set('KeyManagementServicePort', cellOf(this.#page.source, line, port[1]!))
      return 1
    }
    if (/^Ec2WindowsActivate|\bEC2Launch\b|\bEC2Config\b/i.test(text)) {
      const byol = /BYOL/i.test(text)
      this.#here().notes.push({ note: byol ? 'aws-byol' : 'aws-attempt', value: text, cell })
      this.#layouts.add('EC2 agent log')
      this.#codes(line)
      return 1
    }
    return 0
  }

  #attemptFailed(line: Line): void {
    const code = codePattern.exec(line.text)?.[1]
    if (!code) return
    const n = Number.parseInt(code, 16)
    const cell = cellOf(this.#page.source, line, `0x${code}`)
    if (this.#attempted && !this.#attempted.attempt?.ok) {
      this.#attempted.attempt = { code: n, ok: false, cell }
      this.#here().codes.push({ code: n, cell, product: this.#attempted, event: null, ofState: false })
    } else this.#codes(line)
    this.#messageLine = line.n
    this.#layouts.add('error message')
  }

  // Structure: what is the same in every language -----------------------------------------------------------------------

  #structure(i: number): number {
    const line = this.#lines[i]!
    const text = line.text
    const found = labelled(text)
    const value = found?.value ?? text
    const name = /\bedition\b/i.test(text) ? licenceNamePattern.exec(text) : null
    if (name && text.length < 500 && (found ? value.startsWith(name[0]) : text.startsWith(name[0]))) {
      this.#beginUnlabelled()
      this.#put('Name', name[0], line)
      return 1
    }
    if (channelPattern.test(text) && text.length < 500) {
      if (!this.#product) this.#beginUnlabelled()
      this.#put('Description', value, line)
      return 1
    }
    if (codePattern.test(text)) {
      const product = this.#product
      if (
        found &&
        product?.cells.has('LicenseStatus') &&
        /^0x[0-9a-f]{8}[.。]?$/i.test(value) &&
        !product.cells.has('LicenseStatusReason')
      ) {
        this.#put('LicenseStatusReason', value, line)
        this.#codes(line, undefined, true)
        return 1
      }
      if (/^[^\s:,]{2,24}\s?:\s*0x[0-9a-f]{8}\b/i.test(text)) {
        this.#attemptFailed(line)
        return 1
      }
    }
    if (found && !this.#product && /^\d{1,2}\.\d\.\d{4,5}(?:\.\d+)?$/.test(value)) {
      this.#product = null
      this.#put('Version', value, line)
      return 1
    }
    const product = this.#product
    if (!product || !found) return 0
    const has = (c: string) => product.cells.has(c)
    if (guidPattern.test(value) && value.length < 60) {
      const id = guidPattern.exec(value)![0].toLowerCase()
      if (applicationIds.has(id)) this.#put('ApplicationID', id, line)
      else if (!has('ID') && !has('PartialProductKey')) this.#put('ID', id, line)
      else if (has('PartialProductKey') && !has('ClientMachineID')) this.#put('ClientMachineID', id, line)
      else return 0
      return 1
    }
    if (extendedPidPattern.test(value)) {
      this.#put(has('PartialProductKey') || has('ClientMachineID') ? 'KeyManagementServiceProductKeyID' : 'ProductKeyID', value, line)
      return 1
    }
    if (!has('ProductKeyChannel') && keyChannelPattern.test(value) && value.includes(':')) {
      this.#put('ProductKeyChannel', value, line)
      return 1
    }
    if (/^\d{40,70}$/.test(value)) {
      this.#put('OfflineInstallationId', value, line)
      return 1
    }
    if (/^https?:\/\//i.test(value)) {
      this.#put(has('UseLicenseURL') ? 'ValidationURL' : 'UseLicenseURL', value, line)
      return 1
    }
    if (!has('PartialProductKey') && looksLikePartialKey(value)) {
      this.#put('PartialProductKey', value, line)
      return 1
    }
    const state = stateWord(value)
    if (state && !has('LicenseStatus')) {
      this.#put('LicenseStatus', value, line)
      return 1
    }
    const host = hostPortPattern.exec(value)
    if (host && has('PartialProductKey') && Number(host[2]) > 0) {
      this.#put(/dns/i.test(found.label) ? 'KmsFromDns' : 'KmsRegistered', value, line)
      return 1
    }
    if (!has('GracePeriodRemaining') && has('PartialProductKey')) {
      const minutes = minutesLeft(value)
      if (minutes !== null && !/^\d+$/.test(value) && (value.match(/\d+/g)?.length ?? 0) >= 2 && !/[./-]\d/.test(value)) {
        this.#put('GracePeriodRemaining', value, line)
        return 1
      }
    }
    if (ipv4Pattern.test(value) && has('PartialProductKey') && /IP/.test(found.label)) {
      this.#put('DiscoveredKeyManagementServiceMachineIpAddress', value, line)
      return 1
    }
    // The counters of a KMS host stand in one order in every language: count, port, all requests, failed ones.
    if (
      /VOLUME_KMS(?!CLIENT)/.test(product.cells.get('Description')?.value ?? '') &&
      /^\d{1,9}$/.test(value) &&
      has('LicenseStatus') &&
      !/\bWindows\b|\bSKU\b|rearm/i.test(found.label)
    ) {
      const next = [
        'KeyManagementServiceCurrentCount',
        'KeyManagementServiceListeningPort',
        'KeyManagementServiceTotalRequests',
        'KeyManagementServiceFailedRequests',
      ].find((c) => !has(c))
      if (next) {
        this.#put(next, value, line)
        return 1
      }
    }
    if (
      has('PartialProductKey') &&
      /^\d{2,5}\s*[^\d\s:.,/-]{1,14}[.]?$/.test(value) &&
      !(has('VLActivationInterval') && has('VLRenewalInterval'))
    ) {
      this.#put(has('VLActivationInterval') ? 'VLRenewalInterval' : 'VLActivationInterval', value, line)
      return 1
    }
    if (
      has('PartialProductKey') &&
      !has('LicenseStatus') &&
      value.length > 0 &&
      value.length < 60 &&
      !/\d{3,}/.test(value) &&
      this.#lastCell?.name === 'PartialProductKey'
    ) {
      this.#put('LicenseStatus', value, line)
      return 1
    }
    if (has('PartialProductKey') && /^\d{1,4}[./年년-].*\d{1,2}[:.]\d{2}/.test(value)) {
      this.#put('TrustedTime', value, line)
      return 1
    }
    if (has('PartialProductKey') && /^(?:\d|100\d)$/.test(value) && /rearm|\bWindows\b|\bSKU\b/i.test(found.label)) {
      this.#put(has('RemainingWindowsReArmCount') ? 'RemainingSkuReArmCount' : 'RemainingWindowsReArmCount', value, line)
      return 1
    }
    return 0
  }

  #beginUnlabelled(): void {
    if (this.#event) this.#closeEvent()
    if (this.#product?.cells.has('Name') && this.#dialog === null) this.#product = null
    this.#dialog ??= 'slmgr'
    this.#layouts.add('structure')
  }

  // Tables ------------------------------------------------------------------------------------------------------------

  #tableLine(i: number): number {
    const line = this.#lines[i]!
    if (this.#table) {
      const row = !line.text.includes(' : ') ? tableRow(this.#table, line) : null
      if (
        row &&
        (guidLike(row.get('ID') ?? '') ||
          /windows|office|visio|project|edition/i.test(row.get('Name') ?? row.get('Description') ?? '') ||
          /^\d$/.test(row.get('LicenseStatus') ?? '') ||
          looksLikePartialKey(row.get('PartialProductKey') ?? '') ||
          stateWord(row.get('LicenseStatus') ?? '') ||
          row.has('KeyManagementServiceMachine'))
      ) {
        this.#product = null
        const machine = row.get('MachineName')
        if (machine) this.#enter(machine, false)
        this.#newProduct()
        for (const [name, value] of row) if (name !== 'MachineName') this.#product!.cells.set(name, cellOf(this.#page.source, line, value))
        this.#product = null
        this.#codes(line)
        return 1
      }
      this.#table = null
    }
    const text = line.text
    if (text.length > 3_900 || !/[A-Z][a-z]+[A-Z]|\bName\b|\bID\b|License Status|[|;,]/.test(text)) return 0
    const table = tableHead(line, this.#lines[i + 1])
    if (!table) return 0
    this.#endDialog()
    this.#table = table
    this.#layouts.add('WMI table')
    const next = this.#lines[i + 1]
    return next && dashes.test(next.text.replace(/[|:]/g, '-')) ? 2 : 1
  }

  // Everything else -----------------------------------------------------------------------------------------------------

  #rest(line: Line): number {
    const hadCodes = this.#codes(line)
    const hadMarks = this.#marks(line)
    if (hadCodes && this.#messageLine !== line.n) {
      this.#messageLine = line.n
      this.#layouts.add('error codes')
      return 1
    }
    if (hadMarks) return 1
    if (this.#event && line.n <= this.#eventLine + 1 && line.text.length < 400) {
      this.#eventLine = line.n
      this.#dataOf(this.#event, line.text, line)
      return 1
    }
    // The rest of an error message that a console broke, or its further lines.
    if (this.#messageLine > 0 && line.n === this.#messageLine + 1 && line.text.length < 200) {
      this.#messageLine = line.n
      return 1
    }
    if (/^(?:\.{3}|…|[[\]{}(),;]+|<\/?[A-Za-z][\w.-]*\s?\/?>)$/.test(line.text)) return 1
    return 0
  }

  #codes(line: Line, joined?: string, ofState = false): boolean {
    const found = codesIn(joined ?? line.text)
    for (const { code, text } of found) {
      const machine = this.#here()
      const cell = cellOf(this.#page.source, line, text)
      const key = `${code} ${line.n}`
      if (this.#seenCodes.has(key)) continue
      this.#seenCodes.add(key)
      machine.codes.push({ code, cell, product: this.#product, event: this.#event, ofState })
    }
    return found.length > 0
  }

  #marks(line: Line): boolean {
    if (!this.#marked) return false
    const found = marksIn(line.text)
    const after = this.#lines[this.#at + 1]
    const denied =
      negation.test(line.text) ||
      (after !== undefined &&
        after.n <= line.n + 2 &&
        !marksIn(after.text).length &&
        /^(?:false|error\b|.{0,40}\b(?:not found|cannot find|does not exist|no such))/i.test(after.text))
    for (const { mark, plainTalk: talk } of found) {
      const plainTalk = talk || denied
      const machine = this.#here()
      if (machine.marks.slice(-20).some((m) => m.mark === mark && m.cell.line === line.n)) continue
      machine.marks.push({ mark, plainTalk, cell: cellOf(this.#page.source, line, line.text) })
      this.#layouts.add('marks on a machine')
    }
    return found.length > 0
  }
}

/** Words of `/xpr` in other languages, by their stems: grace, notification, for good, volume. */
const expiryWords: readonly (readonly [RegExp, string])[] = [
  [
    /grâce|gracia|toleranz|kulanz|frist|宽限|寬限|猶予|유예|льготн|prolongaty|respijt|odkladu|cortesia|carência|tolleranza|prova/i,
    'Initial grace period',
  ],
  [/notifica|notifier|benachrichtig|通知|알림|уведомлен|powiadomie|oznámen|bildirim|melding|avisering|értesít/i, 'Notification'],
  [/permanen|dauerhaft|définiti|永久|恒久|永続|영구|постоянн|trwale|trvale|kalıcı|definitiv|véglegesen|pysyvästi/i, 'Licensed'],
  [/volum|批量|大量|ボリューム|볼륨|корпоратив|zbiorcz|hromadn|multilicen|toplu|mennyiségi/i, 'Licensed'],
]

/** A line that says that something is not there, was taken away or is forbidden. */
const negation =
  /\b(?:no|not|never|none|false|nothing|without|absent|missing|deny|denied|block(?:ed)?|removed?|deleted?|uninstalled|clean(?:ed)?|cannot|kein\w*|nicht|aucun|pas|ningún|nessun)\b|(?:^|\s)n\/a\b/i

/** `2024-05-06 07:08:09,123 [INFO] `, `07:08:09 `, `[07:08:09] `: a time, and a level where there is one. */
const timePrefix =
  /^(?:\[?\d{4}-\d\d-\d\d[T ,]\d\d:\d\d[\d:.,Z+-]*\]?|\[?\d\d:\d\d:\d\d[\d.,]*\]?|\[\d\d:\d\d[^\]]{0,40}\])\s*(?:[-|]\s*)?(?:\[?(?:INFO|DEBUG|WARN(?:ING)?|ERROR|TRACE|VERBOSE|NOTICE)\]?:?\s+)?/i
/** `12: `, `12| `, `stdout: `. */
const linePrefix = /^(?:\d{1,4}\s*[:|)]\s+|\d{1,4}\s{2,}|(?:stdout|stderr|out|info|output)\s*[:|]\s+)/i

/** The first label of a machine's name, as it is compared. */
function shortName(name: string): string {
  return name.toLowerCase().replace(/\..*$/, '')
}

function withoutTime(line: Line): Line {
  const text = line.text.replace(timePrefix, '').trim()
  return text === '' ? line : { ...line, text }
}

/** True where a line begins with a label that we know. */
function isKnown(text: string): boolean {
  const found = labelled(text)
  return !!found?.canonical && found.canonical !== 'EventTime'
}

const hostWord = /^[A-Za-z][\w-]{1,62}(?:\.[A-Za-z0-9-]{1,62})*$/
/** Words with digits or in capitals that are no machines. */
const noHostWord =
  /^(?:win(?:dows)?-?\d.*|office-?\d.*|server-?20\d\d.*|ltsc.*|v?\d.*|kb\d+|rev\d*|x64|x86|utf-?\d*|ps\d*|kms|mak|oem|retail|esu|sku|dns|cmd|info|error|warning|[0-9a-f]{8}-.*|before|after|json|csv|wmi|dlv|dli|ato|xpr|html|output|result|slmgr.*|ospp.*|.*\.(?:vbs|txt|log|exe|ps1))$/i

/** Stems of "successfully" as slmgr says it. */
const successWords =
  /erfolg|réussi|succès|correct|éxito|sucesso|success|成功|正常|정상|성공|완료|успеш|pomyśln|úspěš|başarı|lyckad|lykkedes|sikeres|voltooid|geslaagd|riuscit|completat|eseguit|onnistu/i

/** Widths at which consoles break a line (and one less, where the last column stays free). */
const consoleWidths: ReadonlySet<number> = new Set([79, 80, 100, 119, 120, 132, 150, 160, 200])

/** Values that begin a product wherever they stand a second time. */
const starts = new Set<Canonical>(['Name', 'Description', 'ID', 'PartialProductKey', 'LicenseStatus', 'ProductKeyID2', 'ApplicationID'])

/** When a value that a console may have broken is whole. */
const wholeValue: Partial<Record<Canonical, (value: string) => boolean>> = {
  Description: (v) => channelPattern.test(v) || !/windows|office/i.test(v),
  Name: (v) => /\bedition$/.test(v) || !/^(?:Windows|Office)\b/.test(v),
  ID: (v) => !/^[0-9a-f]{1,8}(?:-[0-9a-f]{0,12}){0,4}$/i.test(v) || guidPattern.test(v),
  ApplicationID: (v) => !/^[0-9a-f]{1,8}(?:-[0-9a-f]{0,12}){0,4}$/i.test(v) || guidPattern.test(v),
  ClientMachineID: (v) => !/^[0-9a-f]{1,8}(?:-[0-9a-f]{0,12}){0,4}$/i.test(v) || guidPattern.test(v),
  ProductKeyID: (v) => !/^\d{5}-/.test(v) || extendedPidPattern.test(v),
  KeyManagementServiceProductKeyID: (v) => !/^\d{5}-/.test(v) || extendedPidPattern.test(v),
  KmsFromDns: (v) => hostPortPattern.test(v),
  KmsRegistered: (v) => hostPortPattern.test(v),
  LicenseStatusReason: (v) => !/^0x/i.test(v) || codePattern.test(v),
  GracePeriodRemaining: (v) => !/\(\d*[^)]*$/.test(v),
  UseLicenseURL: () => false,
  ValidationURL: () => false,
}

function hasContent(machine: MachineClues): boolean {
  return machine.products.length > 0 || machine.events.length > 0 || machine.notes.length > 0 || machine.codes.length > 0
}

export type { Cell }
