import { type PlatformRow, platformHosts } from '../../catalogue.ts'
import type { Line, Page } from '../page.ts'
import { cellOf, type MachineClues } from './clue.ts'
import { dashes, eventHeaders, isKnown, linePrefix, timePrefix } from './phrases.ts'
import { dataOf, eventData, xmlEvent } from './read-events.ts'
import { labelLine } from './read-labels.ts'
import { machineHeading } from './read-machines.ts'
import { sentenceLine } from './read-sentences.ts'
import { structureLine } from './read-structure.ts'
import { tableLine } from './read-tables.ts'
import { Reader } from './reader.ts'

/** What a page said: machines in the order they appear, and the lines that nobody could read. */
export type Reading = { readonly machines: MachineClues[]; readonly layouts: Set<string>; readonly unread: Line[] }

/** Reads every layout that it knows from a page, line by line; each line is read once and belongs to one reading. */
export function read(page: Page): Reading {
  const r = new Reader(page)
  let i = 0
  while (i < r.lines.length) {
    const taken = readLine(r, i)
    if (taken === 0) r.unread.push(r.lines[i]!)
    i += Math.max(taken, 1)
  }
  r.closeEvent()
  return { machines: r.machines, layouts: r.layouts, unread: r.unread }
}

/** Offers line `i` to the readers; answers how many lines were taken. */
function readLine(r: Reader, i: number): number {
  r.at = i
  let line = r.lines[i]!
  // A time, a level or a line number that a program put before each line.
  const prefix = /^[\d[]|^std|^(?:out|info)/i.test(line.text) ? (timePrefix.exec(line.text) ?? linePrefix.exec(line.text)) : null
  if (prefix && !isKnown(line.text) && isKnown(line.text.slice(prefix[0].length))) {
    line = { ...line, text: line.text.slice(prefix[0].length) }
    r.lines[i] = line
    r.found[i] = undefined
  }
  const text = line.text
  if (dashes.test(text)) return ruleLine(r, line)
  // A known label of a product or of the service is nothing else; the other readers need not look at it.
  const plain = r.table === null && r.labelledAt(i)?.canonical
  const taken = plain && !eventHeaders.has(plain) && plain !== 'ID' ? labelLine(r, i) || others(r, i) : others(r, i)
  if (taken > 0) {
    r.marks(line)
    return taken
  }
  return restLine(r, line)
}

function others(r: Reader, i: number): number {
  return (
    xmlEvent(r, i) ||
    tableLine(r, i) ||
    eventData(r, i) ||
    machineHeading(r, i) ||
    labelLine(r, i) ||
    sentenceLine(r, i) ||
    structureLine(r, i)
  )
}

function ruleLine(r: Reader, line: Line): number {
  if (r.dialog === 'ospp' && r.product && r.product.cells.size > 0 && /^-{10,}/.test(line.text)) r.product = null
  return 1
}

function restLine(r: Reader, line: Line): number {
  const hadCodes = r.codes(line)
  const hadMarks = r.marks(line)
  if (hadCodes && r.messageLine !== line.n) {
    r.messageLine = line.n
    r.layouts.add('error codes')
    return 1
  }
  if (hadMarks) return 1
  // An agent's log, a route, a firewall rule: a line that names a cloud's own KMS.
  const platform = line.text.length < 400 ? platformNamed(line.text) : null
  if (platform) {
    r.here().notes.push({ note: 'platform-host', value: platform, cell: cellOf(r.page.source, line, line.text) })
    r.layouts.add('cloud KMS named')
    return 1
  }
  if (r.event && line.n <= r.eventLine + 1 && line.text.length < 400) {
    r.eventLine = line.n
    dataOf(r, r.event, line.text, line)
    return 1
  }
  // The rest of an error message that a console broke, or its further lines.
  if (r.messageLine > 0 && line.n === r.messageLine + 1 && line.text.length < 200) {
    r.messageLine = line.n
    return 1
  }
  if (/^(?:\.{3}|…|[[\]{}(),;]+|<\/?[A-Za-z][\w.-]*\s?\/?>)$/.test(line.text)) return 1
  return 0
}

let platformPattern: RegExp | null = null
/** The cloud whose KMS a line names; null where it names none. */
function platformNamed(text: string): PlatformRow['platform'] | null {
  platformPattern ??= new RegExp(
    `(?<![\\w.-])(?:${platformHosts.map((h) => h.host.replaceAll('.', '\\.')).join('|')})(?![\\w-]|\\.\\w)`,
    'i',
  )
  const host = platformPattern.exec(text)?.[0].toLowerCase()
  return host ? (platformHosts.find((row: PlatformRow) => row.host === host)?.platform ?? null) : null
}
