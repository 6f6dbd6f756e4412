/** Steps compared: which are the same, which were done, and after which failure another host is tried. Pure. */
import { type Asked, type AuthorisedHost, type MachineFacts, type PlanOptions, reasons, resolveStep } from '../activation.ts'
import { canonicalHost } from '../addresses.ts'
import type { MachinePlan, Step } from '../model.ts'
import type { HostSeen } from './apply.ts'
import type { StepResult } from './journal.ts'

/** What a step does, without its reasons. The instance is left out: an entry that came into being since has an ID now. */
export function same(step: Step): string {
  return JSON.stringify([step.change, step.class, step.method, step.arguments, step.secret])
}

export function instance(step: Step): string {
  return JSON.stringify([same(step), step.key])
}

export function exact(step: Step): string {
  return JSON.stringify([same(step), step.key, step.product, step.host, step.activates])
}

/** Whether two plans of the same facts would send the same, in the same order, and the same after a host that fails. */
export function sameWork(a: MachinePlan, b: MachinePlan): boolean {
  const work = (p: MachinePlan) =>
    JSON.stringify([p.fingerprint, p.steps.map(exact), p.fallbacks.map((f) => [f.product, f.attempt, f.steps.map(exact)])])
  return work(a) === work(b)
}

/** What was asked for beside the wishes when these steps were planned. */
export function askedIn(steps: readonly Step[]): Asked[] {
  const asked = steps.flatMap((s): Asked[] => {
    if (s.because !== reasons.asked) return []
    const { LookupDomain: domain, DisableCaching: off, ActivationType: type } = s.arguments
    switch (s.change) {
      case 'kms-dns':
      case 'clear-registry-key':
        return [{ change: s.change }]
      case 'host-caching':
        return [{ change: s.change, caching: off === false }]
      case 'lookup-domain':
        return [{ change: s.change, domain: typeof domain === 'string' ? domain : null }]
      case 'activation-type':
        return [{ change: s.change, type: type === 1 || type === 2 ? type : 0 }]
      default:
        return []
    }
  })
  // A key that is installed and not activated in the same plan is one that waits for the telephone.
  const waits = (s: Step) => s.secret !== null && s.change !== 'avma' && !steps.some((o) => o.activates && o.product === s.product)
  if (steps.some(waits)) asked.push({ change: 'telephone' })
  return [...new Map(asked.map((a) => [JSON.stringify(a), a])).values()]
}

/** The same step at the same host: what is counted where no answer came. An activation at another host is another try. */
export function sameTry(a: Step, b: Step): boolean {
  return instance(a) === instance(b) && JSON.stringify(a.host) === JSON.stringify(b.host)
}

const hostMethods: ReadonlySet<string> = new Set(['SetKeyManagementServiceMachine', 'SetKeyManagementServicePort', 'Activate'])

/** Steps of which the tries at other hosts are made; the guard holds each of them to the hosts that are ours. */
export const triesHost = (step: Step): boolean => hostMethods.has(step.method)

type Ended = {
  readonly step: Step | null
  readonly result: StepResult
  readonly returnValue: number | null
  readonly because: string
}

/**
 * What a journal tells of steps: those that were done, and activations that their host refused or did not answer, where no other
 * host was set since: they are not tried again at that host.
 */
export function soFar(ended: readonly Ended[]): { done: Set<string>; failed: Map<string, Ended & { readonly step: Step }> } {
  const done = new Set<string>()
  const failed = new Map<string, Ended & { readonly step: Step }>()
  for (const { step, ...end } of ended) {
    if (!step) continue
    const is = instance(step)
    if (end.result === 'done' || end.result === 'held') {
      done.add(is)
      if (step.activates) failed.delete(is)
      else failed.clear()
    } else if (end.result === 'failed' && step.activates && elsewhere.has(end.returnValue ?? -1)) failed.set(is, { step, ...end })
  }
  return { done, failed }
}

/** Of steps that were done: those that a new plan would make again although what they do is there. */
export function repeats(step: Step, facts: MachineFacts): boolean {
  if (!step.activates) return step.change === 'clear-registry-key'
  const product = resolveStep(step, facts)?.product
  return facts.products.some((p) => p.activationId === product && p.state === 'licensed')
}

/**
 * Codes after which another host of ours may succeed: no answer, no name, no such service there, too few clients so far, or a
 * host that does not serve this product.
 */
export const elsewhere: ReadonlySet<number> = new Set([
  0xc004f074, 0xc004f038, 0xc004f039, 0xc004f042, 0xc004f041, 0x8007232b, 0x8007251d, 0x8007000d, 0x800706ba, 0x80072ee7, 0x80072efd,
  0x8007232a, 0x80092328,
])

/** Authorised hosts in the order in which they are tried: those that answered, or that nobody knows of, before those that did not. */
export function bySeen(
  hosts: readonly AuthorisedHost[],
  seen: readonly HostSeen[],
): Pick<PlanOptions, 'hosts' | 'passedOver' | 'allRefused'> {
  const of = hosts.map((host) => ({
    host,
    seen: seen.find((s) => s.port === host.port && canonicalHost(s.name) === canonicalHost(host.name)) ?? null,
  }))
  const silent = of.filter((h) => h.seen !== null && h.seen.state !== 'up')
  // One that only nobody knows of is no better than one that is silent.
  if (of.some((h) => h.seen?.state === 'up'))
    return {
      hosts: [...of.filter((h) => !silent.includes(h)), ...silent].map((h) => h.host),
      passedOver: silent.map((h) => ({ name: h.host.name, at: h.seen!.at })),
      allRefused: null,
    }
  const refused = of.length > 0 && of.every((h) => h.seen?.state === 'refused')
  return { hosts, passedOver: [], allRefused: refused ? of.map((h) => h.seen!.at).sort()[0]! : null }
}

/** The order in which a plan tried hosts, known by its reasons: what it passed over may answer again, and what it says is done all the same. */
export function passedIn(plan: MachinePlan, hosts: readonly AuthorisedHost[]): Pick<PlanOptions, 'hosts' | 'passedOver'> {
  const said = [...plan.steps, ...plan.fallbacks.flatMap((f) => f.steps)].map((s) => ` ${s.because}`)
  const passed = hosts.filter((h) => said.some((because) => because.includes(` ${h.name} ${reasons.passedOver}`)))
  return { hosts: [...hosts.filter((h) => !passed.includes(h)), ...passed], passedOver: passed.map((h) => ({ name: h.name, at: null })) }
}
