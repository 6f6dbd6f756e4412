import type { LoggedEvent } from '../activation.ts'
import { requestCodes } from '../catalogue.ts'

/** One try of a machine to be activated: what its own log and the log of the host have of it. */
export type Attempt = {
  /** 12288 of the machine: a request, or why there was none. */
  readonly sent: LoggedEvent | null
  /** 12290 of a host. */
  readonly handled: { readonly host: string; readonly event: LoggedEvent } | null
  /** 12289 of the machine: the answer. */
  readonly answered: LoggedEvent | null
  /** 8198, 8233: volume activation failed; 12308: Active Directory activated it. */
  readonly told: readonly LoggedEvent[]
}

/** How far it came. `lost`: the host handled it, and the machine shows no answer. `not-tried`: there is no try at all. */
export type Outcome = 'accepted' | 'refused' | 'lost' | 'not-reached' | 'not-sent' | 'not-tried' | 'cannot-tell'

/** An answer follows its request within seconds; a clock that was set in between leaves this much. */
const togetherMs = 10 * 60_000
/** Both logs carry the time of the request at the client, to the minute. */
const sameMs = 2 * 60_000

/** When a request was made, by the clock of the client; NaN where it does not tell. */
export const clientTime = (e: LoggedEvent): number => {
  if (e.time === null) return Number.NaN
  return Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(e.time) ? e.time : `${e.time}Z`)
}
/** When it was written down, by the clock of whoever wrote. */
const written = (e: LoggedEvent): number => (e.loggedAt === null ? clientTime(e) : Date.parse(e.loggedAt))
const isFailure = (e: LoggedEvent) => e.id === 8198 || e.id === 8233

type Draft = { sent: LoggedEvent | null; handled: Attempt['handled']; answered: LoggedEvent | null; told: LoggedEvent[] }
const begun = (a: Draft): number => {
  const of = a.sent ?? a.answered ?? a.told[0] ?? null
  return of ? written(of) : a.handled ? clientTime(a.handled.event) : Number.NaN
}

/**
 * Puts the logs of a machine and of its hosts together, the latest try first. A request and what the host wrote of it have the
 * CMID, the product and the time at the client in common, whatever the clock of either; an answer has nothing but its time.
 * `named`: the host's log names the machine; one that shares its CMID only may be a copy, or the machine under another name, and
 * counts where a request of the machine belongs to it.
 */
export function attemptsOf(
  own: readonly LoggedEvent[],
  handled: readonly { readonly host: string; readonly event: LoggedEvent; readonly named: boolean }[],
): readonly Attempt[] {
  const attempts: Draft[] = []
  const add = (part: Partial<Draft>) => attempts.push({ sent: null, handled: null, answered: null, told: [], ...part })
  const near = (a: Draft, e: LoggedEvent) => !(Math.abs(written(e) - begun(a)) > togetherMs)
  for (const e of own.filter((e) => e.id !== 1003).toSorted((a, b) => written(a) - written(b) || a.id - b.id)) {
    if (e.id === 12288) add({ sent: e })
    else if (e.id === 12289) {
      const of = attempts.findLast((a) => a.sent !== null && a.answered === null && near(a, e))
      if (of) of.answered = e
      else add({ answered: e })
    } else {
      const of = isFailure(e)
        ? attempts.findLast((a) => near(a, e) && (e.activationId === null || (a.sent?.activationId ?? e.activationId) === e.activationId))
        : undefined
      if (of) of.told.push(e)
      else add({ told: [e] })
    }
  }
  for (const { named, ...h } of handled.toSorted((a, b) => Number(b.named) - Number(a.named))) {
    const away = (a: Draft) => Math.abs(clientTime(a.sent!) - clientTime(h.event))
    const [of] = attempts
      .filter((a) => a.sent !== null && a.handled === null && sameRequest(a.sent, h.event) && away(a) <= sameMs)
      .toSorted((a, b) => away(a) - away(b))
    if (of) of.handled = h
    else if (named) add({ handled: h })
  }
  return attempts.toSorted((a, b) => begun(b) - begun(a))
}

function sameRequest(sent: LoggedEvent, handled: LoggedEvent): boolean {
  const alike = (a: string | null, b: string | null) => a === null || b === null || a === b
  return alike(sent.clientMachineId, handled.clientMachineId) && alike(sent.activationId, handled.activationId)
}

/** By how many minutes the client's clock was ahead of the host's, by what the host wrote of a request (12290); null: it does not tell. */
export function gapOf(handled: LoggedEvent): number | null {
  if (handled.loggedAt === null) return null
  const gap = (clientTime(handled) - Date.parse(handled.loggedAt)) / 60_000
  // The client's time is cut to the minute, and a request takes its seconds.
  return Number.isNaN(gap) ? null : Math.ceil(gap) + 0
}

/** The code that says most: what the host said of it, then the answer, then the request, then what Windows made of it. */
export function codeOf({ sent, handled, answered, told }: Attempt): number | null {
  return [handled?.event.code, answered?.code, sent?.code, ...told.map((t) => t.code)].find((code) => code) ?? null
}

const stageOf = (code: number | null | undefined) => requestCodes.find((row) => row.code === code)?.stage ?? null

/**
 * How far it came. `read`: the log of the host that it asked was read, and reaches back as far; only then does it mean something that
 * the log has nothing of it.
 */
export function outcomeOf(attempt: Attempt, read: boolean): Outcome {
  const { sent, handled, answered, told } = attempt
  if (told.some((t) => t.id === 12308)) return 'accepted'
  if (answered) return answered.activated === true && !answered.code ? 'accepted' : 'refused'
  if (handled) return handled.event.code ? 'refused' : sent ? 'lost' : 'cannot-tell'
  const stage = [sent?.code, ...told.map((t) => t.code)].map(stageOf).find((s) => s !== null)
  if (stage) return stage
  if (sent === null) return 'cannot-tell'
  return read && sent.code ? 'not-reached' : 'cannot-tell'
}
