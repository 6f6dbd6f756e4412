import { isEvent } from '../../catalogue.ts'
import type { Line } from '../page.ts'
import { cellOf, type EventRow } from './clue.ts'
import { eventOfMessage, eventText, eventXml, infoLength, infoLine, statusRow } from './events.ts'
import { type Labelled, labelled } from './labels.ts'
import type { Reader } from './reader.ts'
import { codePattern } from './shapes.ts'
import { separated } from './tables.ts'

/** Events of the software protection service: headers, messages, lists of values, XML, rows of tables. */

export function xmlEvent(r: Reader, i: number): number {
  const first = r.lines[i]!
  if (i < r.noXmlBefore || !/(?:<|&lt;)Event(?:\s|>|&gt;)/i.test(first.raw)) return 0
  let xml = ''
  let n = 0
  let last = 0
  for (; i + n < r.lines.length && n < 80; n++) {
    const line = r.lines[i + n]!
    if (line.n !== last) xml += `${line.raw}\n`
    last = line.n
    if (/(?:<|&lt;)\/Event(?:>|&gt;)/i.test(line.raw) && r.lines[i + n + 1]?.n !== line.n) {
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
    r.closeEvent()
    const event = r.openEvent(read.id)
    const cell = cellOf(r.page.source, first, String(read.id))
    event.cells.set('EventID', cell)
    if (read.computer) event.cells.set('MachineName', { ...cell, value: read.computer })
    if (read.time) event.cells.set('EventTime', { ...cell, value: read.time })
    if (read.log) event.cells.set('EventLog', { ...cell, value: read.log })
    for (const data of read.data) {
      dataOf(r, event, data, first)
      r.codes(first, data)
    }
    r.closeEvent()
  }
  if (!found) r.noXmlBefore = i + n
  return found ? n : 0
}

/** As `eventText`, of a line of the page. */
export const dataOf = (r: Reader, event: EventRow, text: string, line: Line): boolean =>
  eventText(event, cellOf(r.page.source, line, text), text)

/** Lines that only an event's text has. A line that a console broke is put together again first. */
export function eventData(r: Reader, i: number): number {
  const line = r.lines[i]!
  const text = line.text
  if (/0x[0-9a-f]{1,8}\s*,/i.test(text)) {
    let joined = text
    let n = 1
    let info = infoLine(joined)
    while (n < 4 && (!info || info.values.length < (infoLength[info.id] ?? 0))) {
      const next = r.lines[i + n]
      if (!next || next.n > line.n + n + 1 || /^\d+\s*:|[:=]\s|^-{3}/.test(next.text.slice(0, 40)) || infoLine(next.text)) break
      joined += joined.endsWith(',') ? ` ${next.text}` : next.text
      n++
      info = infoLine(joined)
    }
    if (!info) n = 1
    info ??= infoLine(text)
    if (info) {
      if (r.event && ((r.event.id !== null && r.event.id !== info.id) || r.event.dataCell)) r.closeEvent()
      dataOf(r, r.openEvent(info.id), joined, line)
      r.eventLine = r.lines[i + n - 1]!.n
      r.codes(line, joined)
      return n
    }
  }
  if (/\b(?:RuleId|AppId|SkuId)\s*=/.test(text)) {
    let joined = text
    let n = 1
    while (n < 5 && !/SkuId=[0-9a-f-]{36}/i.test(joined)) {
      const next = r.lines[i + n]
      if (!next || next.n > line.n + n + 1 || labelled(next.text)?.canonical) break
      joined += next.text
      n++
    }
    if (!/SkuId=[0-9a-f-]{36}/i.test(joined)) {
      joined = text
      n = 1
    }
    dataOf(r, r.openEvent(r.event?.id ?? 8198), joined, line)
    r.eventLine = r.lines[i + n - 1]!.n
    r.codes(line, joined)
    return n
  }
  const hr = text.includes('0x') && /^(?:.{0,80}?\b)?hr\s*=\s*0x[0-9a-f]{8}/i.test(text)
  if (hr && (r.event || eventOfMessage(text) !== null || text.length < 24)) {
    dataOf(r, r.openEvent(r.event?.id ?? eventOfMessage(text) ?? 8198), text, line)
    r.eventLine = line.n
    r.codes(line)
    return 1
  }
  if (/^\d+\s*:\s*[0-9a-f*.x-]{8,},/i.test(text)) {
    let joined = text
    let n = 1
    while (n < 4 && !statusRow(joined)?.minutes) {
      const next = r.lines[i + n]
      if (!next || next.n > line.n + n || /^\d+\s*:/.test(next.text) || labelled(next.text)?.canonical) break
      joined += next.text
      n++
    }
    if (statusRow(joined)) {
      if (r.event?.id !== null && r.event?.id !== undefined && r.event.id !== 1003) r.closeEvent()
      dataOf(r, r.openEvent(1003), joined, line)
      r.eventLine = r.lines[i + n - 1]!.n
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
      r.closeEvent()
      const event = r.openEvent(Number(number))
      event.cells.set('EventID', cellOf(r.page.source, line, number))
      const computer = cells.find((c) => /^[A-Za-z][\w-]*\d[\w-]*(?:\.[\w-]+)*$|^[A-Za-z][\w-]*(?:\.[\w-]+){2,}$/.test(c))
      if (computer) event.cells.set('MachineName', cellOf(r.page.source, line, computer))
      const time = cells.find((c) => /^\d{1,4}[./-]\d{1,2}[./-]\d{1,4}/.test(c))
      if (time) event.cells.set('EventTime', cellOf(r.page.source, line, time))
      for (const cell of cells) if (cell !== number) dataOf(r, event, cell, line)
      const code =
        codePattern.exec(cells.filter((c) => !/0x00000000/.test(c)).join(' ')) ?? codePattern.exec(text.replaceAll('0x00000000', ''))
      if (code && !event.cells.has('ErrorCode')) event.cells.set('ErrorCode', cellOf(r.page.source, line, code[0]))
      r.eventLine = line.n
      r.codes(line)
      // The message may go on in the next lines of a quoted cell.
      if (event.dataCell || event.cells.has('ErrorCode')) r.closeEvent()
      return 1
    }
  }
  // A row of a table of events: time, number, level, the beginning of the message.
  const row = /^(\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\s+\d\S*(?:\s+[AP]M)?)\s+(\d{3,5})\s+(?=\S)/i.exec(text)
  if (row && isEvent(Number(row[2]))) {
    r.closeEvent()
    const event = r.openEvent(Number(row[2]))
    event.cells.set('EventID', cellOf(r.page.source, line, row[2]!))
    event.cells.set('EventTime', cellOf(r.page.source, line, row[1]!))
    dataOf(r, event, text.slice(row[0].length), line)
    r.eventLine = line.n
    r.codes(line)
    return 1
  }
  const id = eventOfMessage(text)
  if (id !== null && !labelled(text)?.canonical) {
    if (r.event && ((r.event.id !== null && r.event.id !== id) || r.event.dataCell)) r.closeEvent()
    const event = r.openEvent(id)
    dataOf(r, event, text, line)
    if (!event.cells.has('EventID')) event.cells.set('EventID', cellOf(r.page.source, line, String(event.id)))
    r.eventLine = line.n
    r.codes(line)
    return 1
  }
  const mention = /\bEvents?(?:[- ]?IDs?)?\s*[:#]?\s*(\d{3,5})\b/i.exec(text)
  if (mention && isEvent(Number(mention[1])) && !/^event[- ]?id\s*[:=]/i.test(text)) {
    r.closeEvent()
    r.openEvent(Number(mention[1])).cells.set('EventID', cellOf(r.page.source, line, mention[1]!))
    r.eventLine = line.n
    r.codes(line)
    // In running prose an event is mentioned, not quoted.
    if (text.length > 60) r.closeEvent()
    return 1
  }
  return 0
}

export function eventField(r: Reader, found: Labelled, line: Line): number {
  const { canonical, value } = found
  const number = canonical === 'EventID' || canonical === 'ID' ? Number(/^\d{1,5}$/.exec(value)?.[0] ?? Number.NaN) : Number.NaN
  if (canonical === 'ID' && !(isEvent(number) || (r.event && /^\d{1,5}$/.test(value)))) return 0
  if (canonical === 'EventSource' && !r.event && !/SPP|Licensing|Software Protection|Windows Activation/i.test(value)) return 0
  if ((canonical === 'EventNoise' || canonical === 'EventMessage') && !r.event) return 0
  const name = canonical === 'ID' ? 'EventID' : canonical!
  if (r.event && name !== 'EventNoise' && name !== 'EventMessage' && r.event.cells.has(name)) r.closeEvent()
  if (canonical === 'EventTime' && !r.event && !/\d{1,4}[./-]\d{1,2}[./-]\d{1,4}/.test(value)) return 0
  const event = r.openEvent(Number.isNaN(number) ? null : number)
  event.cells.set(name, cellOf(r.page.source, line, value))
  r.eventLine = line.n
  if (name === 'EventMessage') {
    const id = eventOfMessage(value)
    if (id !== null && event.id === null) event.id = id
    dataOf(r, event, value, line)
  }
  r.codes(line)
  return 1
}
