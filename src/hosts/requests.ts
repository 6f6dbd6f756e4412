import type { LoggedEvent } from '../activation.ts'
import { errorByCode, numberOf, productOfActivationId } from '../catalogue.ts'
import { clientTime, gapOf } from './attempts.ts'
import { changingClients, meansMachine, seenClients } from './clients.ts'
import type { HostRemark } from './judge.ts'

/** One request that a host handled. */
export type HostRequest = {
  /** ISO 8601, UTC: the time at the client. */
  readonly time: string | null
  /** UTC, by the host's clock. */
  readonly loggedAt: string | null
  /** How far the client's clock was ahead of the host's at that request. */
  readonly clockAheadMinutes: number | null
  readonly client: string | null
  readonly clientMachineId: string | null
  readonly product: string | null
  readonly activationId: string | null
  readonly state: string | null
  readonly minutesLeft: number | null
  readonly requiredCount: number | null
  /** `0x` and eight upper-case digits; 0x00000000 where the host answered. */
  readonly code: string
}

/** What a host's log tells of a time: event 12290. */
export type HostRequests = {
  readonly hours: number
  /** The machine that it is about: a name, or a CMID; null: all of them. */
  readonly client: string | null
  /** When the oldest event of that time was written, by the host's clock: a small log forgets sooner than the host. */
  readonly since: string | null
  readonly events: number
  /** Events whose data could not be read. */
  readonly unread: number
  /** Different CMIDs: what the host counts, if they are asked about over 30 days. */
  readonly clients: number
  /** The latest first, at most `shownRequests`. */
  readonly latest: readonly HostRequest[]
  readonly failures: readonly {
    readonly code: string
    readonly meaning: string | null
    readonly requests: number
    readonly clients: readonly string[]
  }[]
  /** CMIDs that machines of several names came with; `pool` and `fleet` by the store of the fleet. */
  readonly duplicates: readonly Duplicate[]
  /** Machines that came with several CMIDs, each of which counts: of a non-persistent pool, or installed anew. At most 50. */
  readonly changing: readonly { readonly client: string; readonly clientMachineIds: number }[]
}
export type Duplicate = {
  readonly clientMachineId: string
  readonly clients: readonly string[]
  /** The non-persistent pool that all of them are of; null: none, or not known. */
  readonly pool: string | null
  /** Machines of the fleet that have it by their own word. */
  readonly fleet: readonly string[]
}
/** What the store of a fleet knows of a CMID that several of its machines have. */
export type SharedBy = ReadonlyMap<string, { readonly pool: string | null; readonly machines: readonly { readonly name: string }[] }>

/** More than a screen holds; whoever wants all of them has the log. */
const shownRequests = 200
const hex = (code: number) => `0x${(code >>> 0).toString(16).toUpperCase().padStart(8, '0')}`

/** Puts the events of a time together; `client`: those of one machine, by its name or its CMID. */
export function requestsOf(
  all: readonly LoggedEvent[],
  unread: number,
  hours: number,
  client: string | null = null,
  shared: SharedBy = new Map(),
): HostRequests {
  const wanted = client?.toLowerCase() ?? null
  const events =
    wanted === null ? all : all.filter((e) => e.clientMachineId === wanted || (e.client !== null && meansMachine(e.client, wanted)))
  const meant = new Set(events.map((e) => e.clientMachineId))
  const failed = new Map<number, { requests: number; clients: Set<string> }>()
  for (const e of events) {
    if (!e.code) continue
    const those = failed.get(e.code) ?? { requests: 0, clients: new Set() }
    failed.set(e.code, those)
    those.requests++
    if (e.client) those.clients.add(e.client.toLowerCase())
  }
  const latest = [...events].sort((a, b) => (clientTime(b) || 0) - (clientTime(a) || 0))
  return {
    ...{ hours, client },
    since: all.map((e) => e.loggedAt).reduce((a, b) => (a === null || (b !== null && b < a) ? b : a), null),
    events: events.length,
    unread,
    clients: new Set(events.flatMap((e) => e.clientMachineId ?? [])).size,
    latest: latest.slice(0, shownRequests).map((e) => ({
      time: e.time,
      loggedAt: e.loggedAt,
      clockAheadMinutes: gapOf(e),
      client: e.client,
      clientMachineId: e.clientMachineId,
      product: (e.activationId && productOfActivationId(e.activationId)?.product) || null,
      activationId: e.activationId,
      state: e.state,
      minutesLeft: e.minutesLeft,
      requiredCount: e.requiredCount,
      code: hex(e.code ?? 0),
    })),
    failures: [...failed]
      .sort((a, b) => b[1].requests - a[1].requests)
      .map(([code, { requests, clients }]) => ({
        code: hex(code),
        meaning: errorByCode(code)?.meaning ?? null,
        requests,
        clients: [...clients].sort(),
      })),
    duplicates: duplicatesOf(all, shared).filter((d) => meant.has(d.clientMachineId)),
    changing: changingClients(seenClients(all))
      .filter((c) => wanted === null || meansMachine(c.client, wanted))
      .slice(0, shownChanging),
  }
}

const shownChanging = 50

function duplicatesOf(events: readonly LoggedEvent[], shared: SharedBy): Duplicate[] {
  const names = new Map<string, Set<string>>()
  for (const e of events) {
    if (!e.clientMachineId) continue
    const known = names.get(e.clientMachineId) ?? new Set()
    names.set(e.clientMachineId, known)
    if (e.client) known.add(e.client.toLowerCase().replace(/\.$/, ''))
  }
  return [...names]
    .filter(([id, clients]) => distinct(clients) > 1 || shared.has(id))
    .map(([clientMachineId, clients]) => {
      const known = shared.get(clientMachineId)
      return { clientMachineId, clients: [...clients].sort(), pool: known?.pool ?? null, fleet: known?.machines.map((m) => m.name) ?? [] }
    })
}

/** A machine may come with its short name and with its full one. */
function distinct(clients: ReadonlySet<string>): number {
  const all = [...clients]
  return all.filter((name) => name.includes('.') || !all.some((other) => other.startsWith(`${name}.`))).length
}

const some = (names: readonly string[]) => `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`

/** Machines with one CMID: copies of one image, or one non-persistent pool. */
export function aboutDuplicate(d: Duplicate): HostRemark {
  const all = [...new Set([...d.clients, ...d.fleet])].sort()
  if (d.pool !== null)
    return {
      severity: 'info',
      summary: `${all.length} machines of the pool ${d.pool} have one CMID, ${d.clientMachineId}: a non-persistent pool made of one image, which a host counts once.`,
      next: [
        'If the count is too low: prepare the image for KMS, so that each of its machines gets a CMID of its own (its tool rearms it).',
      ],
    }
  return {
    severity: 'attention',
    summary: `${some(all)} came with one CMID, ${d.clientMachineId}: copies of one image, which the host counts once.${d.fleet.length > 1 ? ` In the fleet ${d.fleet.length} machines have it.` : ' A machine that was renamed looks alike.'}`,
    next: ['Rebuild the image with sysprep /generalize; on machines that are in use, slmgr /rearm and a restart.'],
  }
}

/** What the log makes remarkable. */
export function aboutRequests(r: HostRequests): HostRemark[] {
  return [
    ...r.duplicates.map(aboutDuplicate),
    ...(r.changing.length > 0
      ? [
          {
            severity: 'info' as const,
            summary: `${some(r.changing.map((c) => `${c.client} (${c.clientMachineIds})`))} came with several CMIDs: machines of a non-persistent pool get one each time they are made, and one that is installed anew does. Each counts for ${numberOf('count.windowDays')} days.`,
            next: [],
          },
        ]
      : []),
    ...r.failures.map(
      (f): HostRemark => ({
        severity: 'info',
        summary:
          `${f.requests} ${f.requests === 1 ? 'request was' : 'requests were'} refused with ${f.code}${f.clients.length > 0 ? ` (${some(f.clients)})` : ''}. ${f.meaning ?? ''}`.trim(),
        next: [],
      }),
    ),
    ...(r.unread > 0
      ? [
          {
            severity: 'unknown' as const,
            summary: `${r.unread} events of the log could not be read.`,
            next: ['Please report one of them: slmctl diagnose reads it, too.'],
          },
        ]
      : []),
  ]
}
