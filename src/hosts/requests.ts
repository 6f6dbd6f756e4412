import type { EventFacts } from '../activation.ts'
import { errorByCode, productOfActivationId } from '../catalogue.ts'
import type { HostRemark } from './judge.ts'

/** One request that a host handled. */
export type HostRequest = {
  /** ISO 8601, UTC: the time at the client. */
  readonly time: string | null
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
  /** CMIDs that machines of several names came with. */
  readonly duplicates: readonly { readonly clientMachineId: string; readonly clients: readonly string[] }[]
}

/** More than a screen holds; whoever wants all of them has the log. */
const shownRequests = 200
const hex = (code: number) => `0x${(code >>> 0).toString(16).toUpperCase().padStart(8, '0')}`

/** Puts the events of a time together. */
export function requestsOf(events: readonly EventFacts[], unread: number, hours: number): HostRequests {
  const names = new Map<string, Set<string>>()
  const failed = new Map<number, { requests: number; clients: Set<string> }>()
  for (const e of events) {
    if (e.clientMachineId) {
      const known = names.get(e.clientMachineId) ?? new Set()
      names.set(e.clientMachineId, known)
      if (e.client) known.add(e.client.toLowerCase().replace(/\.$/, ''))
    }
    if (e.code) {
      const those = failed.get(e.code) ?? { requests: 0, clients: new Set() }
      failed.set(e.code, those)
      those.requests++
      if (e.client) those.clients.add(e.client.toLowerCase())
    }
  }
  const latest = [...events].sort((a, b) => ((a.time ?? '') < (b.time ?? '') ? 1 : (a.time ?? '') > (b.time ?? '') ? -1 : 0))
  return {
    hours,
    events: events.length,
    unread,
    clients: names.size,
    latest: latest.slice(0, shownRequests).map((e) => ({
      time: e.time,
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
    duplicates: [...names]
      .filter(([, clients]) => distinct(clients) > 1)
      .map(([clientMachineId, clients]) => ({ clientMachineId, clients: [...clients].sort() })),
  }
}

/** A machine may come with its short name and with its full one. */
function distinct(clients: ReadonlySet<string>): number {
  const all = [...clients]
  return all.filter((name) => name.includes('.') || !all.some((other) => other.startsWith(`${name}.`))).length
}

/** What the log makes remarkable. */
export function aboutRequests(r: HostRequests): HostRemark[] {
  const some = (names: readonly string[]) => `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
  return [
    ...r.duplicates.map(
      (d): HostRemark => ({
        severity: 'attention',
        summary: `${some(d.clients)} came with one CMID, ${d.clientMachineId}: copies of one image, which the host counts once. A machine that was renamed looks alike.`,
        next: ['Rebuild the image with sysprep /generalize; on machines that are in use, slmgr /rearm and a restart.'],
      }),
    ),
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
