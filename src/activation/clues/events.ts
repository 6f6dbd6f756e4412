import type { Cell, EventRow } from './clue.ts'
import { codePattern, guidPattern } from './shapes.ts'

/** Sentences by which the software protection service's events are known when the paste has no event number. */
const messages: readonly (readonly [string, number])[] = [
  ['the client has sent an activation request to the key management', 12288],
  ['the client has processed an activation response', 12289],
  ['an activation request has been processed', 12290],
  ['license activation (slui.exe) failed', 8198],
  ['license activation (osppsvc) failed', 8198],
  ['license activation scheduler', 8196],
  ['the rules engine reported a failed vl activation attempt', 8233],
  ['the software protection service has completed licensing status check', 1003],
  ['active directory activation has succeeded', 12308],
  ['active directory activation has failed', 12309],
  ['active directory-based activation has succeeded', 12308],
  ['publishing the key management service (kms) to dns', 12293],
]

/** The event that a message's first words name; null where they name none. */
export function eventOfMessage(text: string): number | null {
  if (text.length < 25) return null
  const line = text.toLowerCase()
  for (const [start, id] of messages) if (line.includes(start)) return id
  return null
}

/**
 * The comma-separated values of 12288, 12289 and 12290. Microsoft labels the fields in pictures only; the order was read off
 * two sample lines (catalogue, events). The shapes differ, so the event is known even where its number was not copied:
 * 12288 `result, flags, host:port, CMID, time, VM, licence state, minutes left, activation ID, count needed`,
 * 12289 `result, flags, activated, -, count, activation interval, renewal interval, time`,
 * 12290 `result, count needed, client, CMID, time, VM, licence state, minutes left, activation ID`.
 */
export function infoLine(text: string): { id: number; values: string[] } | null {
  const start = text.search(/0x[0-9a-f]{1,8}\s*,/i)
  if (start < 0) return null
  const values = text
    .slice(start)
    .split(',')
    .map((v) => v.trim().replace(/^"|"$/g, ''))
    // `0x0` is printed as well as `0x00000000`.
    .map((v) => (/^0x[0-9a-f]{1,7}$/i.test(v) ? `0x${v.slice(2).padStart(8, '0')}` : v))
  if (values.length < 5) return null
  const second = values[1] ?? ''
  if (codePattern.test(second)) {
    if (/:_?\d+$|^\[.*\]/.test(values[2] ?? '') || guidLike(values[3] ?? '')) return { id: 12288, values }
    if (/^\d+$/.test(values[2] ?? '') && /^\d+$/.test(values[4] ?? '')) return { id: 12289, values }
    return null
  }
  if (/^\d+$/.test(second) && guidLike(values[3] ?? '')) return { id: 12290, values }
  return null
}

/** How many values each event's data line has; a wrapped line is joined until it has them. */
export const infoLength: Readonly<Record<number, number>> = { 12288: 10, 12289: 8, 12290: 9 }

/** A GUID, or what is left of one after masking. */
export function guidLike(value: string): boolean {
  return guidPattern.test(value) || /^[0-9a-fx*.]{2,}(?:-[0-9a-fx*.]+){3,4}$/i.test(value)
}

/** One status row of event 1003: `2: <activation ID>, 1, 1 [(0 [0x00000000, 1, 0], […0x00000000 259192)…])]`. */
export function statusRow(text: string): { id: string; status: number; reason: number; minutes: number | null } | null {
  const m = /^\d+\s*:\s*([0-9a-f*.x-]{8,}),\s*\d+,\s*(\d+)\s*\[\(0 \[(0x[0-9a-f]{8}),/i.exec(text)
  if (!m) return null
  const minutes = /0x[0-9a-f]{8}\s+(\d{1,9})\)/gi
  let last: number | null = null
  for (const [, n] of text.matchAll(minutes)) if (Number(n) > 0) last = Number(n)
  return { id: m[1]!.toLowerCase(), status: Number(m[2]), reason: Number.parseInt(m[3]!.slice(2), 16), minutes: last }
}

/** Fields of one `<Event>` of the event log's XML form. */
export function eventXml(
  xml: string,
): { id: number; computer: string | null; time: string | null; log: string | null; provider: string | null; data: string[] } | null {
  const id = /<EventID[^>]*>(\d+)<\/EventID>/i.exec(xml)?.[1]
  if (!id) return null
  const data = [...xml.matchAll(/<Data(?:\s[^>]*)?>([^<]*)<\/Data>/gi)].map((m) => m[1]!.trim())
  return {
    id: Number(id),
    computer: /<Computer>([^<]*)<\/Computer>/i.exec(xml)?.[1]?.trim() || null,
    time: /SystemTime=['"]([^'"]+)['"]/i.exec(xml)?.[1] ?? null,
    log: /<Channel>([^<]*)<\/Channel>/i.exec(xml)?.[1]?.trim() || null,
    provider: /<Provider\s[^>]*Name=['"]([^'"]+)['"]/i.exec(xml)?.[1] ?? null,
    data,
  }
}

/** Reads what an event's text carries, a list of values, `hr=`, named identifiers, and puts it into the event; false: nothing. */
export function eventText(event: EventRow, cell: Cell, text: string): boolean {
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
