import type { LoggedEvent } from '../activation.ts'
import { canonicalHost, machineName } from '../addresses.ts'
import { errorByCode, eventById, numberOf, productOfActivationId, type RequestCodeRow, requestCodes } from '../catalogue.ts'
import type { Problem } from '../model.ts'
import { type Attempt, attemptsOf, codeOf, gapOf, type Outcome, outcomeOf } from './attempts.ts'
import { meansMachine } from './clients.ts'

/** A log that was asked for. `events` null: it could not be read, and `problem` says why. */
export type LogRead = {
  readonly name: string
  readonly events: readonly LoggedEvent[] | null
  readonly unread: number
  readonly problem: Problem | null
  /** Its clock against ours, in minutes; null where it was not told. */
  readonly clockAheadMinutes: number | null
}

/** One event as a line of the story. */
export type StoryEvent = {
  /** UTC; by our clock where the clock of its machine is known. */
  readonly at: string | null
  readonly side: 'machine' | 'host'
  readonly name: string
  readonly event: number
  readonly meaning: string
  readonly fields: readonly { readonly name: string; readonly value: string }[]
}

export type StoryAttempt = {
  readonly at: string | null
  readonly product: string | null
  readonly activationId: string | null
  readonly host: string | null
  readonly outcome: Outcome
  readonly because: string
  /** `0x` and eight upper-case digits; null where nothing failed. */
  readonly code: string | null
  readonly meaning: string | null
  /** The machine's clock against the host's, by the host's log of this request, else by both clocks now. */
  readonly clockGapMinutes: number | null
  readonly events: readonly StoryEvent[]
}

/** What happened between a machine and its KMS hosts, and the one conclusion. */
export type Story = {
  readonly machine: string
  readonly hours: number
  readonly clientMachineId: string | null
  readonly outcome: Outcome
  readonly because: string
  readonly next: readonly string[]
  readonly logs: readonly (Omit<LogRead, 'events'> & { readonly side: 'machine' | 'host'; readonly events: number | null })[]
  /** How many tries there were. */
  readonly tries: number
  /** The latest first, at most `shownAttempts`. */
  readonly attempts: readonly StoryAttempt[]
  /** What the machine's licensing service found at last, by application: event 1003. */
  readonly state: readonly StoryEvent[]
}

const shownAttempts = 50
const hex = (code: number) => `0x${(code >>> 0).toString(16).toUpperCase().padStart(8, '0')}`
const aboutOf = (code: number | null) => (requestCodes as readonly RequestCodeRow[]).find((row) => row.code === code)?.about ?? null

/**
 * Tells the story of a machine: its own log, and what the logs of the hosts have of it. A host that it asked and whose log may not
 * be read, as it is none of the site, is given without events and with the problem.
 */
export function storyOf(told: {
  readonly machine: string
  readonly hours: number
  readonly clientMachineId: string | null
  /** What the machine calls its products, by activation ID. */
  readonly products?: ReadonlyMap<string, string>
  readonly own: LogRead
  readonly hosts: readonly LogRead[]
}): Story {
  const { machine, hours, own, hosts } = told
  const cmids = new Set([told.clientMachineId, ...(own.events ?? []).map((e) => e.clientMachineId)].filter((c) => c !== null))
  const handled = hosts.flatMap((h) =>
    (h.events ?? [])
      .map((event) => ({ host: h.name, event, named: event.client !== null && meansMachine(event.client, machine) }))
      .filter((e) => e.named || cmids.has(e.event.clientMachineId ?? '')),
  )
  const attempts = attemptsOf(own.events ?? [], handled).map((a) => attemptTold(a, told))
  const logs = [
    { ...own, side: 'machine' as const, events: own.events?.length ?? null },
    ...hosts.map((h) => ({ ...h, side: 'host' as const, events: h.events?.length ?? null })),
  ]
  const states = new Map<string, LoggedEvent>()
  for (const e of own.events ?? [])
    if (e.id === 1003 && (states.get(e.applicationId ?? '')?.loggedAt ?? '') <= (e.loggedAt ?? '')) states.set(e.applicationId ?? '', e)
  return {
    ...{ machine, hours, clientMachineId: told.clientMachineId ?? [...cmids][0] ?? null },
    ...conclusion(attempts, told),
    logs,
    tries: attempts.length,
    attempts: attempts.slice(0, shownAttempts),
    state: [...states.values()].map((e) => line(e, 'machine', own)),
  }
}

type Told = Parameters<typeof storyOf>[0]

function attemptTold(a: Attempt, { machine, own, hosts, products }: Told): StoryAttempt {
  const named = a.sent?.host ?? null
  const asked = hosts.find((h) => (a.handled ? h.name === a.handled.host : named !== null && isHost(h, named))) ?? null
  const read = asked?.events != null
  const outcome = outcomeOf(a, read)
  const activationId = a.sent?.activationId ?? a.handled?.event.activationId ?? a.told.find((t) => t.activationId)?.activationId ?? null
  const code = codeOf(a)
  const host = a.handled?.host ?? named
  const now =
    asked && own.clockAheadMinutes !== null && asked.clockAheadMinutes !== null ? own.clockAheadMinutes - asked.clockAheadMinutes : null
  const clockGapMinutes = (a.handled ? gapOf(a.handled.event) : null) ?? now
  const events = [
    ...(a.sent ? [line(a.sent, 'machine', own)] : []),
    ...(a.handled ? [line(a.handled.event, 'host', hosts.find((h) => h.name === a.handled!.host)!)] : []),
    ...(a.answered ? [line(a.answered, 'machine', own)] : []),
    ...a.told.map((t) => line(t, 'machine', own)),
  ]
  return {
    at: events[0]?.at ?? null,
    product: (activationId && (products?.get(activationId) ?? productOfActivationId(activationId)?.product)) || null,
    ...{ activationId, host, outcome },
    because: why(a, outcome, { machine, host, read, ownRead: own.events !== null, code, gap: clockGapMinutes }),
    code: code === null ? null : hex(code),
    meaning: code === null ? null : (errorByCode(code)?.meaning ?? null),
    ...{ clockGapMinutes, events },
  }
}

const isHost = (h: LogRead, named: string) => canonicalHost(h.name) === canonicalHost(named) || meansMachine(h.name, named)

function why(
  a: Attempt,
  outcome: Outcome,
  of: { machine: string; host: string | null; read: boolean; ownRead: boolean; code: number | null; gap: number | null },
): string {
  const host = of.host ?? 'the host'
  const code = of.code === null ? '' : ` (${hex(of.code)})`
  switch (outcome) {
    case 'accepted':
      return a.told.some((t) => t.id === 12308) ? 'Active Directory activated it.' : `${host} answered, and the machine took the answer.`
    case 'refused': {
      const need = a.sent?.requiredCount ?? a.handled?.event.requiredCount ?? null
      const count = a.answered?.count ?? null
      if (count !== null && need !== null && count < need)
        return `${host} answered, but it counts ${count} machines, and this product needs ${need}${code}.`
      if (aboutOf(of.code) === 'clock')
        return `${host} refused it: the clocks are too far apart${of.gap === null ? '' : `, by ${Math.abs(of.gap)} minutes`}; more than ${numberOf('clock.maxSkewHours')} hours are not allowed${code}.`
      return `${host} refused it${code}.`
    }
    case 'lost':
      return `${host} handled the request, but ${of.machine} shows no answer (no event 12289): the answer was lost on its way, or its log is cut.`
    case 'not-reached':
      return `The request did not reach ${host}${code}${of.read ? ': its log has nothing of it' : ''}.`
    case 'not-sent':
      return of.host === null
        ? `It found no KMS host to ask${code}: nothing left the machine.`
        : `It found no address of ${host}${code}: nothing left the machine.`
    case 'not-tried':
    case 'cannot-tell':
      if (a.sent === null && a.handled)
        return `${host} handled a request and found nothing wrong with it; ${of.ownRead ? `the log of ${of.machine} has nothing of it: it was cut, or another machine has that name.` : 'what the machine made of the answer, its own log would say.'}`
      if (a.sent === null && a.answered === null) return `Activation failed${code}; no event of a request (12288) belongs to it.`
      return a.sent?.code
        ? `The request failed${code}; only the log of ${host} would say whether it arrived.`
        : `The machine sent a request to ${host}, and nothing shows an answer.${of.read ? ` The log of ${host} has nothing of it, either: another machine may answer under that name.` : ''}`
  }
}

/** The latest try of each product; what went wrong counts before what went well. */
function conclusion(attempts: readonly StoryAttempt[], { machine, hours, own, hosts }: Told): Pick<Story, 'outcome' | 'because' | 'next'> {
  const latest = new Map<string, StoryAttempt>()
  for (const a of attempts) if (!latest.has(a.activationId ?? '')) latest.set(a.activationId ?? '', a)
  // An event without a product is about one that others name.
  if (latest.size > 1 && latest.get('')?.outcome === 'accepted') latest.delete('')
  const order: readonly Outcome[] = ['refused', 'lost', 'not-reached', 'not-sent', 'cannot-tell', 'accepted']
  const [first] = [...latest.values()].sort((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome))
  if (first)
    return { outcome: first.outcome, because: `${first.product ? `${first.product}: ` : ''}${first.because}`, next: nextOf(first, machine) }
  if (own.events === null)
    return {
      outcome: 'cannot-tell',
      because: `The log of ${machine} could not be read${hosts.some((h) => h.events !== null) ? ', and the hosts that were asked have nothing of it' : ''}.`,
      next: own.problem?.next ?? [],
    }
  return {
    outcome: 'not-tried',
    because: `In the last ${hours} hours ${machine} did not try to be activated by a KMS host, or its log does not reach back so far.`,
    next: [`slmctl status ${machine}: what it is told to use`, ...(hours < 720 ? [`slmctl hosts story ${machine} --hours 720`] : [])],
  }
}

function nextOf({ outcome, host: told, code }: StoryAttempt, machine: string): string[] {
  // What a log calls a host may be any text, and a next step is pasted into a shell: only a name goes into one.
  const host = told !== null && machineName(told) !== null ? told : null
  const remedies = code === null ? [] : (errorByCode(Number(code))?.remedies ?? [])
  switch (outcome) {
    case 'accepted':
    case 'not-tried':
      return []
    case 'refused':
      return [...remedies, ...(host ? [`slmctl hosts show ${host}`] : [])].slice(0, 4)
    case 'lost':
      return [`On ${machine}: Test-NetConnection ${host ?? 'HOST'} -Port 1688`, `slmctl apply ${machine} --renew: a new try`]
    case 'not-reached':
      return [
        `On ${machine}: Test-NetConnection ${host ?? 'HOST'} -Port 1688`,
        `slmctl hosts check${host ? ` ${host}` : ''}: whether it answers from here`,
      ]
    case 'not-sent':
      return [`On ${machine}: nslookup -type=srv _vlmcs._tcp`, 'slmctl hosts discover: what DNS publishes', `slmctl plan ${machine}`]
    case 'cannot-tell':
      return [`slmctl status ${machine}`, ...(host ? [`slmctl hosts check ${host}`] : []), ...remedies.slice(0, 2)]
  }
}

function line(e: LoggedEvent, side: StoryEvent['side'], log: Pick<LogRead, 'name' | 'clockAheadMinutes'>): StoryEvent {
  const written = e.loggedAt ?? e.time
  const at = written === null ? Number.NaN : Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(written) ? written : `${written}Z`)
  return {
    at: Number.isNaN(at) ? null : new Date(at - (log.clockAheadMinutes ?? 0) * 60_000).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    ...{ side, name: log.name, event: e.id, meaning: eventById(e.id)?.meaning ?? '', fields: fieldsOf(e) },
  }
}

/** The values of an event under the names that Microsoft gives them. */
function fieldsOf(e: LoggedEvent): StoryEvent['fields'] {
  if (e.id === 12288 || e.id === 12289 || e.id === 12290) {
    const names = eventById(e.id)?.fields ?? []
    return e.cell.value
      .split(',')
      .slice(0, names.length)
      .map((value, i) => ({
        name: names[i]!.replace(/ \(.*/, '').replace(/:.*runs in.*/, ''),
        value: value.trim().replace(/^_(.*):_(\d+)$/, '$1:$2'),
      }))
      .filter((f) => f.name !== 'unused')
  }
  const field = (name: string, value: string | null) => (value === null ? [] : [{ name, value }])
  return [
    ...field('HRESULT', e.code === null ? null : hex(e.code)),
    ...field('application ID', e.applicationId),
    ...field('activation ID', e.activationId),
    ...field('activation object', e.activationObject),
    ...e.statuses
      .filter((s) => s.status !== 0)
      .map((s) => ({
        name: s.id,
        value: `status ${s.status}, reason ${hex(s.reason)}${s.minutes === null ? '' : `, ${s.minutes} minutes left`}`,
      })),
  ]
}
