/**
 * What was told to whom, and what is to be told now. Pure: the ledger is rows that whoever calls keeps in the store.
 *
 * One row for one cause. A row has a version, which moves only where there is something new to say: more machines than twice those that
 * were told, a name that was not told, a graver severity. Each way (an address, a webhook) is told the latest version once, and once
 * that it is over. A message is claimed before it is sent and settled after; a claim that nobody settled (the server was killed) is
 * free again after `claimMs`. So a message is never lost, and sent twice only where the answer of the other side was lost on its way
 * or the server died between the two: it has the same id then.
 */
import { createHash } from 'node:crypto'
import type { Alert, Standing } from './facts.ts'

/** A row as the store keeps it; `body` is for this room alone. */
export type KeptAlert = {
  readonly key: string
  readonly rule: string
  /** Changes where there is something new to say. */
  readonly fingerprint: string
  readonly since: number
  /** When somebody was told last; null: nobody yet. */
  readonly sentAt: number | null
  readonly body: string
}

export type WayState = {
  /** The version that it was told; 0: none. */
  readonly version: number
  readonly over: boolean
  /** Tries that failed since the last that went well. */
  readonly tries: number
  /** Not before (ms). */
  readonly nextAt: number
  readonly claim: { readonly by: string; readonly until: number } | null
  /** Why the last try failed. */
  readonly problem: string | null
  /** A try ended without an answer: it may have been told all the same. */
  readonly perhaps: boolean
}
export type Kept = {
  readonly alert: Alert
  readonly version: number
  /** When it was first seen: tells this time from the next one of the same key. */
  readonly begun: number
  /** What the version is about: later ones are held against it. */
  readonly told: { readonly severity: Alert['severity']; readonly grows: number; readonly about: readonly string[] }
  /** Since when it no longer stands; null: it does. */
  readonly over: number | null
  readonly ways: Readonly<Record<string, WayState>>
}

export type AlertEvent = 'new' | 'changed' | 'over'
/** One message to one way. */
export type Sending = {
  readonly key: string
  readonly way: string
  /** The same at every try. */
  readonly id: string
  /** Id of the first message of this cause to this way: for threads. */
  readonly thread: string
  readonly event: AlertEvent
  readonly version: number
  readonly alert: Alert
  readonly since: number
  readonly over: number | null
}
export type Chance = { readonly ways: readonly string[]; readonly quiet: boolean; readonly now: number }

/** Longer than any try takes (the deadlines of mail.ts and webhook.ts), and than clocks of two servers differ. */
const claimMs = 5 * 60_000
const firstGapMs = 60_000
const longestGapMs = 6 * 3_600_000
const aboutMost = 400

export const bodyOf = (kept: KeptAlert) => JSON.parse(kept.body) as Kept
const hash = (...parts: readonly (string | number)[]) => createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)

const untold: WayState = { version: 0, over: false, tries: 0, nextAt: 0, claim: null, problem: null, perhaps: false }

/** What changes in the ledger by what stands now, and what is to be sent. */
export function due(
  kept: readonly KeptAlert[],
  standing: Standing,
  chance: Chance,
): { readonly put: readonly KeptAlert[]; readonly drop: readonly string[]; readonly send: readonly Sending[] } {
  const now = new Map(standing.alerts.map((a) => [a.key, a]))
  const put: KeptAlert[] = []
  const drop: string[] = []
  const rows: KeptAlert[] = []
  for (const row of kept) {
    const alert = now.get(row.key)
    now.delete(row.key)
    const told = finished(bodyOf(row), chance.ways)
    const next = alert ? (told ? begin(alert, chance.now) : stillThere(row, alert)) : gone(row, standing, chance.now)
    if (next === null || finished(bodyOf(next), chance.ways)) drop.push(row.key)
    else {
      rows.push(next)
      if (next.body !== row.body || next.fingerprint !== row.fingerprint) put.push(next)
    }
  }
  for (const alert of now.values()) {
    const row = begin(alert, chance.now)
    rows.push(row)
    put.push(row)
  }
  return { put, drop, send: rows.flatMap((row) => sendingsOf(row, chance)) }
}

function begin(alert: Alert, now: number): KeptAlert {
  const told = { severity: alert.severity, grows: alert.grows, about: alert.about }
  return written({ alert, version: 1, begun: now, told, over: null, ways: {} }, alert.since ?? now, null)
}

/** It stands still, or again before anybody was told that it was over. */
function stillThere(row: KeptAlert, alert: Alert): KeptAlert {
  const body = bodyOf(row)
  const { told } = body
  const known = new Set(told.about)
  const more = alert.grows > 0 && alert.grows >= 2 * told.grows
  const graver = alert.severity === 'action' && told.severity === 'attention'
  const news = more || graver || alert.about.some((name) => !known.has(name)) || saidOver(body)
  const now = news
    ? {
        ...body,
        alert,
        version: body.version + 1,
        told: {
          severity: graver ? alert.severity : told.severity,
          grows: Math.max(alert.grows, told.grows),
          about: [...new Set([...alert.about, ...told.about])].slice(0, aboutMost),
        },
      }
    : { ...body, alert }
  // To a way that heard that it was over it is new.
  const ways = Object.fromEntries(Object.entries(now.ways).map(([way, w]) => [way, w.over ? untold : w]))
  return written({ ...now, over: null, ways }, row.since, row.sentAt)
}

const saidOver = (body: Kept) => body.over !== null && Object.values(body.ways).some((w) => w.over)

/** It does not stand any more, or nobody can tell. Null: its rule is off, and nothing is said. */
function gone(row: KeptAlert, standing: Standing, now: number): KeptAlert | null {
  if (!standing.watched(row.rule)) return null
  if (!standing.known(row.key)) return row
  const body = bodyOf(row)
  return body.over === null ? written({ ...body, over: now }, row.since, row.sentAt) : row
}

/** Told, or perhaps told: a try without an answer, or one that was begun and not settled. */
const heard = (w: WayState) => w.version > 0 || w.perhaps || w.claim !== null

/** Over, and every way that heard of it has heard that, too. */
function finished(body: Kept, ways: readonly string[]): boolean {
  return body.over !== null && ways.every((way) => !body.ways[way] || !heard(body.ways[way]) || body.ways[way].over)
}

function sendingsOf(row: KeptAlert, { ways, quiet, now }: Chance): Sending[] {
  if (quiet) return []
  const body = bodyOf(row)
  return ways.flatMap((way): Sending[] => {
    const w = body.ways[way] ?? untold
    const wants = body.over === null ? w.version < body.version : heard(w) && !w.over
    if (!wants || w.nextAt > now || (w.claim !== null && w.claim.until > now)) return []
    const event = body.over !== null ? 'over' : w.version === 0 ? 'new' : 'changed'
    const id = (what: string | number) => hash(row.key, body.begun, what, way)
    return [
      {
        ...{ key: row.key, way, event, version: body.version, alert: body.alert, since: row.since, over: body.over },
        id: id(event === 'over' ? `over ${body.version}` : body.version),
        thread: id(1),
      },
    ]
  })
}

/** The row with a message claimed, to be kept before it is sent; null where it is no longer to be sent, or another server has it. */
export function claimed(row: KeptAlert, sending: Sending, by: string, now: number): KeptAlert | null {
  const body = bodyOf(row)
  const w = body.ways[sending.way] ?? untold
  if (body.version !== sending.version || (body.over !== null) !== (sending.event === 'over')) return null
  if (w.claim !== null && w.claim.until > now) return null
  if (sending.event === 'over' ? w.over : w.version >= sending.version) return null
  return withWay(row, sending.way, { ...w, claim: { by, until: now + claimMs } }, row.sentAt)
}

/** What came of a try. `problem` null: it was taken. `lost`: there was no answer to what was sent. */
export type Attempt = { readonly problem: string | null; readonly lost: boolean; readonly at: number }

/** The row after a try; whatever became of the alert meanwhile stays. */
export function attempted(row: KeptAlert, sending: Sending, { problem, lost, at }: Attempt): KeptAlert {
  const body = bodyOf(row)
  const w = body.ways[sending.way] ?? untold
  if (problem !== null) {
    const gap = Math.min(longestGapMs, firstGapMs * 2 ** Math.min(w.tries, 20))
    const failed = { ...w, tries: w.tries + 1, nextAt: at + gap, claim: null, problem, perhaps: w.perhaps || lost }
    return withWay(row, sending.way, failed, row.sentAt)
  }
  const version = Math.max(w.version, sending.version)
  const state = { ...untold, version, over: sending.event === 'over' && body.over !== null }
  const { told } = body
  const { alert } = sending
  const now =
    sending.version === body.version
      ? {
          ...{ severity: told.severity, grows: Math.max(told.grows, alert.grows) },
          about: [...new Set([...told.about, ...alert.about])].slice(0, aboutMost),
        }
      : told
  return withWay(written({ ...body, told: now }, row.since, row.sentAt), sending.way, state, at)
}

function withWay(row: KeptAlert, way: string, state: WayState, sentAt: number | null): KeptAlert {
  const body = bodyOf(row)
  return written({ ...body, ways: { ...body.ways, [way]: state } }, row.since, sentAt)
}

function written(body: Kept, since: number, sentAt: number | null): KeptAlert {
  const { alert } = body
  return {
    ...{ key: alert.key, rule: alert.rule, since, sentAt },
    fingerprint: hash(alert.key, body.begun, body.version),
    body: JSON.stringify(body),
  }
}
