import { hostsToAsk, verdictOf } from './licensing.ts'
import { cmidOf, lotOf, type Machine, type Product, serviceOf, startMachine, statusNumber, validity } from './machine.ts'
import { hostCalled, type Network, type Request } from './network.ts'
import { codeOf } from './results.ts'
import type { Entry } from './roster.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { type ScenarioId, scenarios } from './scenarios/table.ts'

/**
 * What was before a lab began: the requests that its machines must have made to be in the state that they are in. From the seed
 * alone, so that the log of a machine and that of its host tell the same without either having been made.
 */
export type Past = {
  /** Requests of one machine, the oldest first. */
  readonly of: (name: string) => readonly Request[]
  /** Requests that a host handled, the oldest first; at most `most`, the latest. */
  readonly at: (host: string, most: number) => readonly Request[]
}

/** How one product of a kind of machine has been going on. */
type Course = {
  readonly licence: Product['licence']
  readonly host: { readonly name: string; readonly port: number } | null
  /** Minutes between requests, and when the latest was at the latest. */
  readonly every: number
  readonly latest: number
  /** The last success; null where there was none. */
  readonly success: number | null
  readonly status: number
  readonly endsAt: number | null
  readonly code: number
  readonly hostCode: number | null
  readonly final: number
  readonly count: number
  /** How many requests back a log reaches. */
  readonly reach: number
}

/** A failed try is repeated every two hours: a day of them. */
const triesShown = 12
const renewalsShown = 4

function courseOf(machine: Machine, product: Product): Course | null {
  if (product.licence.kind !== 'gvlk' || product.key === null || product.by === 'ad') return null
  const service = serviceOf(machine, product)
  const { licence } = product
  const status = statusNumber[product.status]
  const since = product.endsAt === null || product.status !== 'licensed' ? null : product.endsAt - validity
  // What no honest host gave has no request behind it.
  if (since !== null && since > 0) return null
  const success = product.by === 'kms' ? since : null
  if (success !== null && -success <= service.renewalInterval) {
    const used = product.used && hostCalled(machine.network, product.used.name)
    if (!used) return null
    return {
      ...{ licence, host: used, every: service.renewalInterval, latest: success, success, status, endsAt: product.endsAt },
      ...{ code: 0, hostCode: 0, final: 0, count: Math.max(licence.threshold, used.windowsCount), reach: renewalsShown },
    }
  }
  // In its first days it has not tried yet, or it is about to; later, or where nothing would keep it, something did.
  const type = product.typeEnabled || service.typeEnabled
  if (type === 3) return null
  const [asked] = type === 1 ? [] : hostsToAsk(machine, product)
  const every = service.activationInterval
  const failed = { licence, every, latest: 0, success, status, endsAt: product.endsAt, count: 0, reach: triesShown }
  if (!asked) {
    const code = codeOf(type === 1 ? 'no-activation-object' : 'no-dns-name')
    return { ...failed, host: null, code, hostCode: null, final: code }
  }
  const host = hostCalled(machine.network, asked.name)
  if (!host) return { ...failed, host: asked, code: codeOf('no-address'), hostCode: null, final: codeOf('host-away') }
  const verdict = host.up ? verdictOf(host, machine, product, 0) : 'host-away'
  if (verdict === 'ok') {
    if (product.status === 'grace') return null
    return { ...failed, host: asked, code: codeOf('no-answer'), hostCode: null, final: codeOf('host-away') }
  }
  if (verdict === 'host-away') return { ...failed, host: asked, code: codeOf('no-answer'), hostCode: null, final: codeOf('host-away') }
  const code = codeOf(verdict)
  const counted = verdict === 'not-enough-count'
  return { ...failed, host: asked, code, hostCode: counted ? 0 : code, final: code, count: counted ? host.windowsCount : 0 }
}

export function openPast(entries: readonly Entry[], seed: string, network: Network, apart: boolean): Past {
  const known = new Map<ScenarioId, { readonly courses: readonly Course[]; readonly virtual: boolean; readonly clockMinutes: number }>()
  const courses = (scenarioId: ScenarioId) => {
    let found = known.get(scenarioId)
    if (!found) {
      const scenario: Scenario = scenarios[scenarioId]
      const name = `template.${scenario.domain ?? 'corp.example'}`
      const machine = startMachine({ name, scenarioId, scenario, network, seed, now: 0 })
      const list = machine.products.flatMap((p) => courseOf(machine, p) ?? [])
      found = { courses: list, virtual: machine.hardware.hypervisor, clockMinutes: machine.clockMinutes }
      known.set(scenarioId, found)
    }
    return found
  }
  const byName = new Map(entries.map((e) => [e.name.toLowerCase(), e]))

  function request(entry: Entry, course: Course, minute: number): Request {
    const { virtual, clockMinutes } = courses(entry.scenario)
    const { licence, host, code, hostCode, final, count, endsAt } = course
    return {
      ...{ minute, licence, host: host?.name ?? null, port: host?.port ?? 0, code, hostCode, final, count },
      ...{ activated: code === 0, client: entry.name, cmid: cmidOf(seed, entry), virtual, clockMinutes, status: course.status },
      // Before a renewal that many days fewer were left than after it.
      minutesLeft: code === 0 ? validity - course.every : endsAt === null ? 0 : Math.max(0, endsAt - minute),
      object: null,
    }
  }
  function* minutesOf(name: string, course: Course): Generator<number> {
    // A renewal was when it was, by the end that the machine reports; tries are spread over their interval.
    const ago = () => lotOf(seed, name, course.licence, course.every)
    const last = course.code !== 0 ? -1 - ago() : apart ? -ago() : course.latest
    for (let i = 0; i < course.reach; i++) yield last - i * course.every
  }
  return {
    of: (name) => {
      const entry = byName.get(name.toLowerCase())
      if (!entry) return []
      return courses(entry.scenario)
        .courses.flatMap((course) => [...minutesOf(entry.name, course)].map((minute) => request(entry, course, minute)))
        .sort((a, b) => a.minute - b.minute)
    },
    at: (host, most) => {
      const name = host.toLowerCase()
      const found: [minute: number, entry: Entry, course: Course][] = []
      for (const entry of entries)
        for (const course of courses(entry.scenario).courses)
          if (course.hostCode !== null && hostCalled(network, course.host!.name)?.name === name)
            for (const minute of minutesOf(entry.name, course)) found.push([minute, entry, course])
      return found
        .sort((a, b) => a[0] - b[0])
        .slice(-most)
        .map(([minute, entry, course]) => request(entry, course, minute))
    },
  }
}
