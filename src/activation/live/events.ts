import { eventById } from '../../catalogue.ts'
import { maskKeys } from '../../model.ts'
import type { Cell } from '../clues/clue.ts'
import { infoLength, infoLine } from '../clues/events.ts'
import { type EventFacts, eventFacts } from '../facts/event.ts'
import type { LiveQuestion, LiveRow } from './questions.ts'

/** One event for each request that a KMS host handled. */
const handled = 12290

/** Asks a KMS host for the requests that it handled since a moment, by Win32_NTLogEvent; the log is bounded, and so is the answer. */
export function requestsQuestion(since: Date): LiveQuestion {
  // DMTF, in UTC.
  const at = `${since.toISOString().slice(0, 19).replace(/[-:T]/g, '')}.000000+000`
  return {
    id: 'requests',
    class: 'Win32_NTLogEvent',
    columns: ['TimeGenerated', 'EventCode', 'InsertionStrings'],
    where: `Logfile='${eventById(handled)!.log}' AND EventCode=${handled} AND TimeGenerated>='${at}'`,
  }
}

/**
 * Reads what came back, by the same reader as a pasted event. The data may come as one insertion string or as one for each value.
 * `unread` counts events whose data nobody understands: never the same as no events.
 */
export function requestEvents(
  rows: readonly LiveRow[],
  source: string,
): { readonly events: readonly EventFacts[]; readonly unread: number } {
  const events: EventFacts[] = []
  let unread = 0
  for (const [i, row] of rows.entries()) {
    const strings = row.InsertionStrings
    const data = (typeof strings === 'string' ? [strings] : (strings ?? [])).filter((s) => s !== null).join(',')
    const info = infoLine(data)
    const time = typeof row.TimeGenerated === 'string' ? row.TimeGenerated : ''
    const cell = (value: string): Cell => ({ value, source, line: i + 1, raw: maskKeys(value), keyless: true })
    const read =
      info?.id === handled && info.values.length >= infoLength[handled]!
        ? eventFacts(
            { id: handled, cells: new Map(time ? [['EventTime', cell(time)]] : []), data: info.values, dataCell: cell(data), statuses: [] },
            null,
          )
        : null
    if (read) events.push(read)
    else unread++
  }
  return { events, unread }
}
