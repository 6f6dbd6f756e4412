import { applicationIds, licenseStatuses, productOfActivationId } from '../../catalogue.ts'
import type { Cell, CodeClue, MachineClues, MarkClue, NoteClue, ProductRow, Row } from '../clues/clue.ts'
import type { DateOrder } from '../clues/shapes.ts'
import { type EventFacts, eventFacts } from './event.ts'
import { type ProductFacts, productFacts } from './product.ts'
import type { HostRole, OfficeFacts, SystemFacts, Unasked } from './system.ts'

/** Everything that is known about one machine: what the rules are asked with, whatever brought it. */
export type MachineFacts = {
  readonly id: string
  readonly name: string | null
  readonly sources: readonly string[]
  readonly products: readonly ProductFacts[]
  readonly events: readonly EventFacts[]
  readonly codes: readonly CodeClue[]
  readonly marks: readonly MarkClue[]
  readonly notes: readonly NoteClue[]
  /** SoftwareLicensingService, and what a text says about the KMS client as a whole. */
  readonly service: Row
  /** OfficeSoftwareProtectionService; empty where there is none. */
  readonly officeService: Row
  /** The machine itself; null where only a text speaks of it. */
  readonly system: SystemFacts | null
  /** Office as Click-to-Run installed it; null where there is none, or nobody asked. */
  readonly office: OfficeFacts | null
  /** What it is as a KMS host; null where it is none, or nobody asked. */
  readonly hostRole: HostRole | null
  /** KMS hosts set for one application, by application ID: registry only, no WMI property shows them. */
  readonly applicationHosts: ReadonlyMap<string, { readonly name: string; readonly port: number | null; readonly cell: Cell }>
  /** What could not be asked: never the same as "nothing found". */
  readonly unasked: readonly Unasked[]
}

/** Clues of one machine, put together: rows of the same product become one, settings reach the products they are for. */
export function machineFacts(clues: MachineClues, id: string, order: DateOrder): MachineFacts {
  const service: Row = new Map(clues.service)
  applyHostNotes(clues.notes, service)
  const events = clues.events.map((e) => eventFacts(e, order)).filter((e) => e !== null)
  const rows = withEvents(mergeRows(clues.products, service), events)
  const products = rows.map((row) => productFacts(row, service, order))
  return {
    id,
    name: clues.name,
    sources: [...clues.sources],
    products,
    events,
    codes: clues.codes,
    marks: clues.marks,
    notes: clues.notes,
    service,
    officeService: new Map(),
    system: null,
    office: null,
    hostRole: null,
    applicationHosts: new Map(),
    unasked: [],
  }
}

/** `/skms` and `/ckms` in the same text change the setting that holds after them. */
function applyHostNotes(notes: readonly NoteClue[], service: Row): void {
  for (const note of notes) {
    if (note.note === 'host-cleared') service.delete('KeyManagementServiceMachine')
    if (note.note !== 'host-set') continue
    const m = /^(.+?)(?::(\d{1,5}))?$/.exec(note.value)
    if (!m) continue
    service.set('KeyManagementServiceMachine', { ...note.cell, value: m[1]! })
    if (m[2]) service.set('KeyManagementServicePort', { ...note.cell, value: m[2] })
  }
}

/** What belongs to a state: gone when the state is another one. */
const stale = [
  'LicenseStatusReason',
  'ErrorCode',
  'GracePeriodRemaining',
  'NeverAsked',
  'Expires',
  'ExpiryChannel',
  'Permanent',
  'EventCode',
]

const identity = [
  'Name',
  'ID',
  'Description',
  'PartialProductKey',
  'LicenseStatus',
  'ProductKeyID2',
  'LicenseFamily',
  'ProductKeyChannel',
  'LicenseStatusReason',
  'GracePeriodRemaining',
]

/** Rows of the same product become one; a row without any identity holds settings of the machine. */
function mergeRows(rows: readonly ProductRow[], service: Row): ProductRow[] {
  const merged: ProductRow[] = []
  const index = new Map<string, ProductRow[]>()
  const settings: ProductRow[] = []
  for (const row of rows) {
    if (row.attempt === null && !identity.some((name) => row.cells.has(name))) {
      settings.push(row)
      continue
    }
    const same = candidates(row.cells, index).find((other) => sameProduct(other.cells, row.cells))
    if (!same) {
      const fresh = { cells: new Map(row.cells), attempt: row.attempt, fromEvent: row.fromEvent }
      merged.push(fresh)
      enter(fresh, index)
      continue
    }
    // A later dialog about another state makes what explained the earlier one stale.
    const before = same.cells.get('LicenseStatus')
    const now = row.cells.get('LicenseStatus')
    if (before && now && before.value.toLowerCase() !== now.value.toLowerCase()) for (const name of stale) same.cells.delete(name)
    for (const [name, cell] of row.cells) if (cell.value !== '' || !same.cells.has(name)) same.cells.set(name, cell)
    if (row.attempt) same.attempt = row.attempt
    enter(same, index)
    settle(same)
  }
  for (const row of settings) {
    const only = merged.length === 1 ? merged[0]! : null
    for (const [name, cell] of row.cells) {
      if (only && !only.cells.has(name) && !name.startsWith('KeyManagementServiceMachine')) only.cells.set(name, cell)
      if (!service.has(name) && cell.value !== '') service.set(name, cell)
    }
  }
  if (merged.length === 0 && settings.length > 0) merged.push({ cells: new Map(settings[0]!.cells), attempt: null, fromEvent: false })
  for (const row of merged) settle(row)
  return merged
}

/** What a row can be found again by: its ID, its name, the end of its key. */
function handles(row: Row): string[] {
  return ['ID', 'Name', 'PartialProductKey'].flatMap((name) => {
    const v = value(row, name)
    return v === null ? [] : [`${name} ${v}`]
  })
}

function enter(row: ProductRow, index: Map<string, ProductRow[]>): void {
  for (const handle of handles(row.cells)) {
    const list = index.get(handle)
    if (!list) index.set(handle, [row])
    else if (!list.includes(row)) {
      list.unshift(row)
      // The same name with other keys, over and over, is no machine's output; the latest ones are enough.
      if (list.length > 32) list.pop()
    }
  }
}

/** Rows that could be the same product, the latest first. */
function candidates(row: Row, index: ReadonlyMap<string, readonly ProductRow[]>): ProductRow[] {
  return [...new Set(handles(row).flatMap((handle) => index.get(handle) ?? []))]
}

/** An attempt that follows the printed state is newer than it; one that stands before it is older. */
function settle(row: ProductRow): void {
  const state = row.cells.get('LicenseStatus')
  if (!state || !row.attempt || state.source !== row.attempt.cell.source) return
  if (row.attempt.ok && row.attempt.cell.line > state.line && !/^(?:1|-*licensed-*)$/i.test(state.value)) {
    row.cells.set('LicenseStatus', { ...row.attempt.cell, value: 'Licensed' })
    for (const name of stale) row.cells.delete(name)
  }
}

function value(row: Row, name: string): string | null {
  const v = row.get(name)?.value
  if (v === undefined || v === '') return null
  const lower = v.toLowerCase()
  return /^[x?*.<>-]+$|redacted|masked/.test(lower) ? null : lower
}

function sameProduct(a: Row, b: Row): boolean {
  const idA = value(a, 'ID')
  const idB = value(b, 'ID')
  const nameA = value(a, 'Name')
  const nameB = value(b, 'Name')
  const keyA = value(a, 'PartialProductKey')
  const keyB = value(b, 'PartialProductKey')
  if (keyA && keyB && keyA !== keyB) return false
  if (idA && idB) return idA === idB
  if (nameA && nameB) return nameA === nameB && conflictFree(a, b, 'Description') && conflictFree(a, b, 'ClientMachineID')
  return keyA !== null && keyA === keyB
}

function conflictFree(a: Row, b: Row, name: string): boolean {
  const va = value(a, name)
  const vb = value(b, name)
  return va === null || vb === null || va === vb
}

/** Products that only an event names become products; what an event says about a known product is added to it. */
function withEvents(rows: ProductRow[], events: readonly EventFacts[]): ProductRow[] {
  const all = [...rows]
  /** Cells that an event brought: a later event may change them, what a dialog printed stays. */
  const brought = new Map<ProductRow, Set<string>>()
  let asked: ProductRow | null = null
  for (const event of events) {
    // The answer to the request before it: the product was activated.
    if (event.id === 12289 && event.activated && event.code === 0 && asked) {
      const names = brought.get(asked)
      if (names?.has('LicenseStatus') || !asked.cells.has('LicenseStatus')) {
        asked.cells.set('LicenseStatus', { ...event.cell, value: '1' })
        if (names?.has('GracePeriodRemaining')) asked.cells.delete('GracePeriodRemaining')
      }
    }
    for (const said of saidByEvent(event)) {
      const byId = said.id ? all.find((r) => r.cells.get('ID')?.value.toLowerCase() === said.id) : undefined
      const known = said.id ? productOfActivationId(said.id) : null
      // A masked or missing ID: the only product of that application is meant.
      const application = event.applicationId
        ? applicationKind(event.applicationId)
        : known
          ? /Office|Visio|Project/.test(known.product)
            ? 'office'
            : 'windows'
          : null
      const candidates = all.filter(
        (r) =>
          !r.cells.get('ID')?.value.match(/^[0-9a-f-]{36}$/i) &&
          (application === null || applicationOfRow(r) === application) &&
          !isHostRow(r),
      )
      const target =
        byId ??
        (candidates.length === 1 && (said.id === null || !all.some((r) => r.fromEvent && r === candidates[0])) ? candidates[0] : undefined)
      const row: ProductRow | null = target ?? (said.id ? { cells: new Map(), attempt: null, fromEvent: true } : null)
      if (!row) continue
      if (!target) all.push(row)
      const names = brought.get(row) ?? new Set<string>()
      brought.set(row, names)
      for (const [name, cell] of said.cells) {
        if (row.cells.has(name) && !names.has(name)) continue
        row.cells.set(name, cell)
        names.add(name)
      }
      if (event.id === 12288) asked = row
    }
  }
  return all
}

function applicationKind(id: string): string | null {
  return applicationIds.find((a) => a.id === id)?.kind ?? null
}

function applicationOfRow(row: ProductRow): string {
  const app = row.cells.get('ApplicationID')?.value.toLowerCase()
  if (app) return applicationKind(app) ?? 'windows'
  return /office|visio|project/i.test(`${row.cells.get('Name')?.value} ${row.cells.get('Description')?.value}`) ? 'office' : 'windows'
}

function isHostRow(row: ProductRow): boolean {
  return /VOLUME_KMS_|VOLUME_KMS\b|CSVLK/.test(`${row.cells.get('Description')?.value} ${row.cells.get('ProductKeyChannel')?.value}`)
}

/** What an event says about a product, as cells of that product. */
function saidByEvent(event: EventFacts): { id: string | null; cells: Row }[] {
  const cell = (v: string, at: Cell = event.cell): Cell => ({ ...at, value: v })
  if (event.id === 1003) {
    return event.statuses
      .filter((s) => s.status !== 0)
      .map((s) => {
        const cells: Row = new Map([['LicenseStatus', cell(String(s.status), s.cell)]])
        const id = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(s.id) ? s.id : null
        if (id) cells.set('ID', cell(id, s.cell))
        if (event.applicationId) cells.set('ApplicationID', cell(event.applicationId, s.cell))
        if (s.reason !== 0) cells.set('LicenseStatusReason', cell(`0x${s.reason.toString(16)}`, s.cell))
        if (s.minutes) cells.set('GracePeriodRemaining', cell(String(s.minutes), s.cell))
        return { id, cells }
      })
  }
  if (event.id !== 12288 && event.id !== 12308 && (event.activationId === null || event.code === null || event.code === 0)) return []
  const cells: Row = new Map()
  if (event.activationId) cells.set('ID', cell(event.activationId, event.cells.get('ID') ?? event.cell))
  if (event.applicationId) cells.set('ApplicationID', cell(event.applicationId))
  if (event.id === 12288) {
    const failed = event.code !== null && event.code !== 0
    const status = licenseStatuses.find((row) => row.state === event.state)
    if (status) cells.set('LicenseStatus', cell(String(status.value)))
    if (event.minutesLeft) cells.set('GracePeriodRemaining', cell(String(event.minutesLeft)))
    if (event.host) cells.set('EventHost', cell(`${event.host}:${event.port ?? ''}`))
    if (event.requiredCount !== null) cells.set('RequiredClientCount', cell(String(event.requiredCount)))
    if (failed) cells.set('EventCode', cell(`0x${event.code!.toString(16)}`))
    return [{ id: event.activationId, cells }]
  }
  if (event.id === 12308) {
    cells.set('LicenseStatus', cell('1'))
    if (event.activationObject)
      cells.set('ADActivationObjectDN', cell(event.activationObject, event.cells.get('ADActivationObjectDN') ?? event.cell))
    return [{ id: event.activationId, cells }]
  }
  if (event.code !== null && event.code !== 0)
    cells.set('EventCode', cell(`0x${event.code.toString(16)}`, event.cells.get('ErrorCode') ?? event.cell))
  return event.activationId ? [{ id: event.activationId, cells }] : []
}
