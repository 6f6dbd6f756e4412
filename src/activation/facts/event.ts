import { eventById, licenseStatuses } from '../../catalogue.ts'
import type { State } from '../../model.ts'
import type { Cell, EventRow } from '../clues/clue.ts'
import { type DateOrder, guidPattern, isoDate, resultCode, wholeNumber } from '../clues/shapes.ts'

/** What one event of the software protection service says. Times of 12288 and 12290 are UTC. */
export type EventFacts = {
  readonly id: number
  readonly cells: ReadonlyMap<string, Cell>
  readonly cell: Cell
  readonly log: string | null
  readonly computer: string | null
  readonly time: string | null
  /** The result code; null where the event has none, 0 means success. */
  readonly code: number | null
  readonly host: string | null
  readonly port: number | null
  readonly clientMachineId: string | null
  readonly client: string | null
  readonly activationId: string | null
  readonly applicationId: string | null
  readonly state: State | null
  readonly minutesLeft: number | null
  readonly requiredCount: number | null
  readonly count: number | null
  readonly activated: boolean | null
  readonly activationIntervalMinutes: number | null
  readonly renewalIntervalMinutes: number | null
  readonly activationObject: string | null
  readonly statuses: EventRow['statuses']
}

const guid = (value: string | undefined) => guidPattern.exec(value ?? '')?.[0].toLowerCase() ?? null

/** Reads an event; null where nothing says which event it is. */
export function eventFacts(row: EventRow, order: DateOrder): EventFacts | null {
  const header = row.cells.get('EventID')
  const id = row.id ?? (header ? wholeNumber(header.value) : null)
  if (id === null) return null
  const any = row.dataCell ?? header ?? row.statuses[0]?.cell ?? [...row.cells.values()][0]
  if (!any) return null
  const d = row.data
  const time = row.cells.get('EventTime')?.value
  const written = time ? (/^\d{4}-\d\d-\d\dT/.test(time) ? time : isoDate(time, order)) : null
  const dataTime = d.find((v) => /^\d{4}[/.-]\d{1,2}[/.-]\d{1,2}/.test(v))
  const inner = row.cells.get('ErrorCode')?.value
  const base = {
    id,
    cells: row.cells,
    cell: any,
    log: row.cells.get('EventLog')?.value || eventById(id)?.log || null,
    computer: row.cells.get('MachineName')?.value || null,
    time: (dataTime ? isoDate(dataTime, order) : null) ?? written,
    code: d[0] ? resultCode(d[0]) : inner ? resultCode(inner) : null,
    host: null,
    port: null,
    clientMachineId: null,
    client: null,
    activationId: guid(row.cells.get('ID')?.value),
    applicationId: guid(row.cells.get('ApplicationID')?.value),
    state: null,
    minutesLeft: null,
    requiredCount: null,
    count: null,
    activated: null,
    activationIntervalMinutes: null,
    renewalIntervalMinutes: null,
    activationObject: row.cells.get('ADActivationObjectDN')?.value || row.cells.get('ADActivationObjectName')?.value || null,
    statuses: row.statuses,
  }
  if (id === 12288 && d.length >= 4) {
    const host = /^(.*?):_?(\d{1,5})$/.exec(d[2] ?? '')
    return {
      ...base,
      host: host?.[1]?.replace(/^<.*>$|^_+|_+$/g, '') || null,
      port: host ? Number(host[2]) : null,
      clientMachineId: guid(d[3]),
      state: stateOf(d[6]),
      minutesLeft: wholeNumber(d[7] ?? ''),
      activationId: guid(d[8]),
      requiredCount: wholeNumber(d[9] ?? ''),
    }
  }
  if (id === 12289 && d.length >= 7) {
    return {
      ...base,
      activated: d[2] === '1',
      count: wholeNumber(d[4] ?? ''),
      activationIntervalMinutes: wholeNumber(d[5] ?? ''),
      renewalIntervalMinutes: wholeNumber(d[6] ?? ''),
    }
  }
  if (id === 12290 && d.length >= 5) {
    return {
      ...base,
      requiredCount: wholeNumber(d[1] ?? ''),
      client: d[2]?.replace(/^<.*>$/, '') || null,
      clientMachineId: guid(d[3]),
      state: stateOf(d[6]),
      minutesLeft: wholeNumber(d[7] ?? ''),
      activationId: guid(d[8]),
    }
  }
  return base
}

function stateOf(value: string | undefined): State | null {
  return (licenseStatuses.find((s) => String(s.value) === value)?.state as State | undefined) ?? null
}
