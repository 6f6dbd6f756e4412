import { maskKeys } from '../../model.ts'
import type { Line, Page } from '../page.ts'
import { cellOf, type EventRow, type MachineClues, newMachine, type ProductRow } from './clue.ts'
import { codesIn } from './codes.ts'
import { type Canonical, type Labelled, labelled } from './labels.ts'
import { marksIn, mayHaveMarks } from './marks.ts'
import { consoleWidths, hasContent, negation, serviceOnly, shortName, starts, timePrefix, withoutTime } from './phrases.ts'
import { codePattern } from './shapes.ts'
import type { Table } from './tables.ts'

/**
 * Where a page is being read: the machine, product and event that the text is about, and what has been read so far. The readers
 * (`read-*.ts`) take lines and put what they find here.
 */
export class Reader {
  readonly page: Page
  readonly lines: Line[]
  readonly found: (Labelled | null | undefined)[] = []
  readonly unread: Line[] = []
  readonly machines: MachineClues[] = []
  readonly byName = new Map<string, MachineClues>()
  readonly seenCodes = new Set<string>()
  /** No event in XML form ends before this line. */
  noXmlBefore = 0
  readonly layouts = new Set<string>()
  machine: MachineClues | null = null
  product: ProductRow | null = null
  event: EventRow | null = null
  /** Line number of the last line that belonged to the open event. */
  eventLine = 0
  attempted: ProductRow | null = null
  table: Table | null = null
  /** Line number of an error message that may go on on the next line. */
  messageLine = 0
  /** Below a head `Name Value`. */
  pairs = false
  /** Index of the line that is being read. */
  at = 0
  /** The layout of the dialog that we are in. */
  dialog: 'slmgr' | 'ospp' | 'list' | null = null
  /** In the part of a dialog about activation by Active Directory. */
  inAdSection = false
  /** The name of the value that was read last. */
  lastName: string | null = null
  readonly marked: boolean

  constructor(page: Page) {
    this.page = page
    this.marked = mayHaveMarks(page.text)
    const timed = page.lines.filter((l) => timePrefix.test(l.text)).length
    // A log: every line has its time, also those that are no labels.
    this.lines =
      timed >= 4 && timed > page.lines.length * 0.6 && !page.lines.some((l) => /^\S+\s+\S+\s+(?:[AP]M\s+)?\d{3,5}\s/.test(l.text))
        ? page.lines.map(withoutTime)
        : [...page.lines]
  }

  here(): MachineClues {
    if (!this.machine) {
      this.machine = newMachine(null)
      this.machines.push(this.machine)
    }
    this.machine.sources.add(this.page.source)
    return this.machine
  }

  /** The text goes on about the machine with this name: the same one, a nameless one that now has a name, or a new one. */
  enter(given: string, asHeading: boolean): void {
    const name = maskKeys(given)
    // `PC01` and `pc01.corp.example` are one machine.
    const known = this.byName.get(name.toLowerCase()) ?? this.byName.get(shortName(name)) ?? null
    if (known) this.machine = known
    else if (this.machine && this.machine.name === null && !(asHeading && hasContent(this.machine))) this.machine.name = name
    else {
      this.machine = newMachine(name)
      this.machines.push(this.machine)
    }
    this.byName.set(name.toLowerCase(), this.machine)
    if (!/^[\d.]+$/.test(name)) this.byName.set(shortName(name), this.machine)
    this.machine.sources.add(this.page.source)
    if (asHeading) this.endDialog()
  }

  endDialog(): void {
    this.closeEvent()
    this.product = null
    this.inAdSection = false
    this.dialog = null
    this.table = null
  }

  newProduct(): ProductRow {
    const product: ProductRow = { cells: new Map(), attempt: null, fromEvent: false }
    this.here().products.push(product)
    this.product = product
    this.inAdSection = false
    return product
  }

  /** Puts a value where it belongs; a value that is there already begins the next product. */
  put(canonical: string, value: string, line: Line): void {
    const cell = cellOf(this.page.source, line, value)
    if (serviceOnly.has(canonical as Canonical) && (!this.product || canonical === 'Version')) {
      const machine = this.here()
      const before = machine.service.get(canonical)
      if (
        (canonical === 'Version' || canonical === 'ClientMachineID') &&
        before &&
        before.value !== value &&
        value !== '' &&
        machine.name === null
      ) {
        // Another service version is another machine.
        this.machine = newMachine(null)
        this.machines.push(this.machine)
      }
      this.here().service.set(canonical, cell)
      this.lastName = canonical
      return
    }
    if (!this.product) this.newProduct()
    let row = this.product!.cells
    if (row.has(canonical) && starts.has(canonical as Canonical)) {
      this.newProduct()
      row = this.product!.cells
    } else if (row.has(canonical) && this.dialog === 'list') {
      this.newProduct()
      row = this.product!.cells
    }
    row.set(canonical, cell)
    this.lastName = canonical
    if (canonical === 'ClientMachineID' || canonical === 'OfflineInstallationId') this.splitOff(canonical, value)
  }

  /**
   * Two dialogs about the same product that name different machines: CMID and installation ID differ from machine to machine.
   * The product that is being read goes to a machine of its own, and the text goes on there.
   */
  splitOff(name: string, value: string): void {
    const machine = this.machine
    const product = this.product
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
    this.machine = newMachine(null)
    this.machines.push(this.machine)
    this.takeOver(product, machine)
    const version = machine.service.get('Version')
    if (version) this.machine.service.set('Version', version)
  }

  /** Moves a product and its codes to the machine that the text is about now. */
  takeOver(product: ProductRow, former: MachineClues): void {
    const machine = this.here()
    former.products.splice(former.products.indexOf(product), 1)
    machine.products.push(product)
    for (const code of former.codes.filter((c) => c.product === product)) {
      former.codes.splice(former.codes.indexOf(code), 1)
      machine.codes.push(code)
    }
  }

  lastProduct(): ProductRow | null {
    return this.machine?.products.at(-1) ?? null
  }

  /** The label and value of line `i`; several readers ask for it. */
  labelledAt(i: number): Labelled | null {
    const line = this.lines[i]
    if (!line) return null
    const known = this.found[i]
    if (known !== undefined) return known
    const found = labelled(line.text)
    this.found[i] = found
    return found
  }

  openEvent(id: number | null): EventRow {
    if (!this.event) {
      this.event = { id, cells: new Map(), data: [], dataCell: null, statuses: [] }
      this.layouts.add('event log')
      this.product = null
    }
    if (id !== null && this.event.id === null) this.event.id = id
    return this.event
  }

  closeEvent(): void {
    const event = this.event
    this.event = null
    if (!event) return
    if (event.id === null && event.dataCell === null && event.statuses.length === 0) return
    const computer = event.cells.get('MachineName')?.value
    if (computer && event.id !== 12290) this.enter(computer, false)
    this.here().events.push(event)
  }

  flag(name: string, value: string, line: Line): void {
    const row = this.product?.cells ?? this.here().service
    row.set(name, cellOf(this.page.source, line, value))
  }

  codes(line: Line, joined?: string, ofState = false): boolean {
    const found = codesIn(joined ?? line.text)
    for (const { code, text } of found) {
      const machine = this.here()
      const cell = cellOf(this.page.source, line, text)
      const key = `${code} ${line.n}`
      if (this.seenCodes.has(key)) continue
      this.seenCodes.add(key)
      machine.codes.push({ code, cell, product: this.product, event: this.event, ofState })
    }
    return found.length > 0
  }

  marks(line: Line): boolean {
    if (!this.marked) return false
    const found = marksIn(line.text)
    const after = this.lines[this.at + 1]
    const denied =
      negation.test(line.text) ||
      (after !== undefined &&
        after.n <= line.n + 2 &&
        !marksIn(after.text).length &&
        /^(?:false|error\b|.{0,40}\b(?:not found|cannot find|does not exist|no such))/i.test(after.text))
    for (const { mark, plainTalk: talk } of found) {
      const plainTalk = talk || denied
      const machine = this.here()
      if (machine.marks.slice(-20).some((m) => m.mark === mark && m.cell.line === line.n)) continue
      machine.marks.push({ mark, plainTalk, cell: cellOf(this.page.source, line, line.text) })
      this.layouts.add('marks on a machine')
    }
    return found.length > 0
  }

  /** True where a console may have broken this line: it fills the width that the text was broken at, and the next line is its rest. */
  isBroken(line: Line, next: Line | undefined): boolean {
    return (
      !!next &&
      next.n === line.n + 1 &&
      line.raw.length >= 50 &&
      (line.raw.length === this.page.wrapAt || consoleWidths.has(line.raw.length))
    )
  }

  hostSet(value: string, line: Line): void {
    const host = value.replace(/^["'<]+|["'>.,]+$/g, '').trim()
    if (host === '' || /^%|\s/.test(host)) return
    this.here().notes.push({ note: 'host-set', value: host, cell: cellOf(this.page.source, line, host) })
    this.layouts.add('slmgr.vbs /skms')
  }

  attemptFailed(line: Line): void {
    const code = codePattern.exec(line.text)?.[1]
    if (!code) return
    const n = Number.parseInt(code, 16)
    const cell = cellOf(this.page.source, line, `0x${code}`)
    if (this.attempted && !this.attempted.attempt?.ok) {
      this.attempted.attempt = { code: n, ok: false, cell }
      this.here().codes.push({ code: n, cell, product: this.attempted, event: null, ofState: false })
    } else this.codes(line)
    this.messageLine = line.n
    this.layouts.add('error message')
  }
}
