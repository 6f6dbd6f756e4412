import { eventById } from '../../catalogue.ts'
import { maskKeys } from '../../model.ts'
import type { Cell, EventRow } from '../clues/clue.ts'
import { eventText, infoLength } from '../clues/events.ts'
import { isoDate } from '../clues/shapes.ts'
import { type EventFacts, eventFacts } from '../facts/event.ts'
import type { LiveQuestion, LiveRow } from './questions.ts'

/** One event for each request that a KMS host handled. */
const handled = 12290
/**
 * What a client's log tells of its activation: a request and its answer, volume activation that failed, activation by Active
 * Directory, and the state that the service found.
 */
const tried = [12288, 12289, 8198, 8233, 12308, 1003] as const
/** Numbers of events are every program's own: which of them are the licensing services' (Windows, Office 2010, Vista). */
const ours = /Security-(?:SPP|Licensing)|Software (?:Protection|Licensing)/i

/** DMTF, in UTC. */
const dmtf = (at: Date) => `${at.toISOString().slice(0, 19).replace(/[-:T]/g, '')}.000000+000`

/** Asks a KMS host for the requests that it handled since a moment, by Win32_NTLogEvent; the log is bounded, and so is the answer. */
export function requestsQuestion(since: Date): LiveQuestion {
  return {
    id: 'requests',
    class: 'Win32_NTLogEvent',
    columns: ['TimeGenerated', 'EventCode', 'InsertionStrings'],
    where: `Logfile='${eventById(handled)!.log}' AND EventCode=${handled} AND TimeGenerated>='${dmtf(since)}'`,
  }
}

/** Asks a machine for what it wrote down of its own activation since a moment. */
export function attemptsQuestion(since: Date): LiveQuestion {
  const codes = tried.map((id) => `EventCode=${id}`).join(' OR ')
  return {
    id: 'attempts',
    class: 'Win32_NTLogEvent',
    columns: ['TimeGenerated', 'EventCode', 'SourceName', 'InsertionStrings'],
    where: `Logfile='${eventById(tried[0])!.log}' AND (${codes}) AND TimeGenerated>='${dmtf(since)}'`,
  }
}

/** An event as a log of a live machine holds it. */
export type LoggedEvent = EventFacts & {
  /** When the machine that kept the log wrote it down, by its own clock: ISO 8601 in UTC; null where it does not tell. */
  readonly loggedAt: string | null
}

/** `unread` counts events whose data nobody understands: never the same as no events. */
export type LogEvents = { readonly events: readonly LoggedEvent[]; readonly unread: number }

/** Reads what a host's log gave, by the same reader as a pasted event. The data may come as one insertion string or as one for each value. */
export function requestEvents(rows: readonly LiveRow[], source: string): LogEvents {
  return read(rows, source, [handled])
}

/** Reads what a client's log gave. Events of the same numbers that other programs wrote are left out. */
export function attemptEvents(rows: readonly LiveRow[], source: string): LogEvents {
  return read(
    rows.filter((row) => typeof row.SourceName !== 'string' || ours.test(row.SourceName)),
    source,
    tried,
  )
}

function read(rows: readonly LiveRow[], source: string, wanted: readonly number[]): LogEvents {
  const events: LoggedEvent[] = []
  let unread = 0
  for (const [i, row] of rows.entries()) {
    const event = eventOf(row, source, i + 1, wanted)
    if (event) events.push(event)
    else unread++
  }
  return { events, unread }
}

function eventOf(row: LiveRow, source: string, line: number, wanted: readonly number[]): LoggedEvent | null {
  const cell = (value: string): Cell => ({ value, source, line, raw: value, keyless: true })
  const strings = row.InsertionStrings
  // Whatever a program wrote into a log: a product key in it is masked before anything else.
  const texts = (typeof strings === 'string' ? [strings] : (strings ?? [])).filter((s) => s !== null).map(maskKeys)
  const told = Number(row.EventCode)
  const id = wanted.length === 1 ? wanted[0]! : told
  if (!wanted.includes(id)) return null
  const event: EventRow = { id, cells: new Map(), data: [], dataCell: null, statuses: [] }
  if (typeof row.TimeGenerated === 'string' && row.TimeGenerated !== '') event.cells.set('EventTime', cell(row.TimeGenerated))
  event.cells.set('EventID', cell(String(id)))
  const needed = infoLength[id]
  if (needed !== undefined) {
    const data = texts.join(',')
    if (!eventText(event, cell(data), data) || event.data.length < needed) return null
  } else {
    // 1003 has a line for each licence, and 8198 one for its code and one for what was tried.
    for (const text of texts.flatMap((t) => t.split(/\r?\n/)).map((t) => t.trim())) {
      if (id === 1003 && bareId.test(text)) event.cells.set('ApplicationID', cell(text.toLowerCase()))
      else if (id === 12308 && /^CN=/i.test(text)) event.cells.set('ADActivationObjectDN', cell(text))
      else if (text !== '') eventText(event, cell(text), text)
    }
  }
  const facts = eventFacts(event, null)
  return facts && { ...facts, loggedAt: written(event) }
}

const bareId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function written(event: EventRow): string | null {
  const time = event.cells.get('EventTime')?.value
  if (time === undefined) return null
  const iso = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(time) ? time : isoDate(time, null)
  if (!iso) return null
  const at = Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(iso) ? iso : `${iso}Z`)
  return Number.isNaN(at) ? null : new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z')
}
