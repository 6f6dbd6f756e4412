import { errorByCode, eventById, productOfActivationId } from '../catalogue.ts'
import {
  type Basis,
  type CodeReading,
  type EventReading,
  type Evidence,
  type Finding,
  type HostFound,
  type KmsHost,
  type MachineReading,
  type Origin,
  type Problem,
  type Product,
  problem,
  type Site,
  urgency,
  type Verdict,
} from '../model.ts'
import { evidence } from './clues/clue.ts'
import { hex } from './clues/shapes.ts'
import type { EventFacts } from './facts/event.ts'
import type { MachineFacts } from './facts/machine.ts'
import { type ProductFacts, reasonText } from './facts/product.ts'
import { type OriginReading, originOf } from './origin.ts'
import { couldNotAsk } from './rules/live.ts'
import { applying, called, capital, days, isSpare, keyed, overtaken, shown, teller, toActivate, toOwnHost } from './rules/rule.ts'
import { rules } from './rules.ts'

/** One machine, judged: what `diagnose`, and later `status` and `audit`, answer about it. */
export type Judgement = {
  readonly machine: MachineReading
  readonly products: readonly Product[]
  readonly events: readonly EventReading[]
  readonly codes: readonly CodeReading[]
  readonly findings: readonly Finding[]
}

/**
 * COULD_NOT_ASK, where nothing can be said of a machine because a question that decides got no answer: it is then what the headline
 * says. Null where the machine was asked.
 */
export function unanswered(name: string, { machine, findings }: Judgement): Problem | null {
  const silent = machine.verdict === 'cannot-tell' && findings.some((f) => f.rule === couldNotAsk.id && f.summary === machine.headline)
  return silent ? problem('COULD_NOT_ASK', `${name}: ${machine.headline}`, machine.next) : null
}

/** True where every question about products was answered: what is not among them is not there. */
export const answeredWhole = ({ findings }: Judgement): boolean => !findings.some((f) => f.rule === couldNotAsk.id)

const severityVerdict: Readonly<Record<Finding['severity'], Verdict>> = { info: 'ok', attention: 'attention', action: 'action' }

/** Asks every rule about a machine and draws the verdicts. `readAt` is when the facts were read, null where nobody knows. */
export function judge(facts: MachineFacts, site: Site | null, readAt: string | null): Judgement {
  const findings: Finding[] = rules.flatMap((rule) =>
    rule.check({ facts, site, readAt }).map((r) => ({
      rule: rule.id,
      severity: r.severity,
      summary: r.summary,
      honest: r.honest ?? null,
      evidence: r.evidence,
      next: r.next ?? [],
      machine: facts.id,
      product: r.product ?? null,
    })),
  )
  const about = new Map<number, Finding[]>()
  for (const f of findings) {
    if (f.product === null) continue
    const list = about.get(f.product)
    if (list) list.push(f)
    else about.set(f.product, [f])
  }
  const products = facts.products.map((p, index) => {
    const reading = originOf(p, facts, site, readAt)
    if (reading.origin === 'suspect' || reading.origin === 'foreign')
      findings.push({
        rule: `origin-${reading.origin}`,
        severity: reading.origin === 'foreign' ? 'action' : 'attention',
        summary: reading.because,
        honest: reading.honest,
        evidence: reading.evidence,
        next: originNext(p, p.host.found, reading.origin, applying({ facts, site })),
        machine: facts.id,
        product: index,
      })
    return judgeProduct(p, facts, about.get(index) ?? [], reading, site)
  })
  return {
    machine: judgeMachine(facts, products, findings),
    products,
    events: facts.events.map((e) => eventReading(e, facts)),
    codes: codeReadings(facts),
    findings,
  }
}

/**
 * What to do about an activation that does not fit. `hostFound`: where the name of its host comes from; `own`: slmctl's
 * command that acts on it, null where it is out of its reach.
 */
export function originNext(
  p: Pick<Product, 'application' | 'method'>,
  hostFound: HostFound | null,
  origin: Origin,
  own: string | null,
): string[] {
  if (p.method === 'adba') return ['Find out which forest the machine belongs to; name its domain in the site file if it is yours.']
  const moved =
    hostFound === 'override' || own !== null
      ? toOwnHost(own, p)
      : `${origin === 'foreign' ? '' : 'find out why DNS names it, and '}activate against your own host (${toActivate(own, p)})`
  return origin === 'foreign'
    ? [`Find out who set this up, then ${moved}`]
    : [`Compare with the site file: add what is yours; else ${moved}`]
}

function judgeProduct(p: ProductFacts, facts: MachineFacts, mine: readonly Finding[], origin: OriginReading, site: Site | null): Product {
  let verdict: Verdict = p.state === 'licensed' ? 'ok' : p.state === 'unknown' ? 'cannot-tell' : 'action'
  // An entry that is not the active one tells nothing about the machine; a licensed add-on is fine by itself.
  const idle = p.state === 'unlicensed' && p.partialKey === null && (p.reason === 0xc004f014 || keyed(facts.products).length > 0)
  if (idle)
    verdict = facts.products.some((o) => o !== p && o.application === p.application && o.state === 'licensed' && !o.addOn)
      ? 'ok'
      : 'cannot-tell'
  for (const f of mine) {
    const by = severityVerdict[f.severity]
    if (urgency[by] > urgency[verdict]) verdict = by
  }
  // Beside the active entry of the same product, one that is not used is harmless in Windows and a nuisance in Office.
  if (isSpare(p, facts.products) && verdict === 'action' && !mine.some((f) => f.rule === 'attempt-failed'))
    verdict = p.partialKey && p.application === 'office' ? 'attention' : 'ok'
  if (origin.origin === 'foreign') verdict = 'action'
  else if (origin.origin === 'suspect' && urgency[verdict] < urgency.attention) verdict = 'attention'
  const causing = mine.find((f) => f.severity !== 'info')
  const undecided = verdict === 'cannot-tell' ? mine.find((f) => f.rule === 'attempt-failed' || f.rule === 'not-activated') : undefined
  const host = kms(p)
  const count =
    p.count ?? (p.channel === 'kms-client' || p.fromEvent ? (facts.events.findLast((e) => e.id === 12289)?.count ?? null) : null)
  const known = p.activationId ? productOfActivationId(p.activationId) : null
  const source = [...p.cells.values()][0]?.source ?? p.attempt?.cell.source ?? facts.sources[0] ?? '-'
  // The steps of the first cause; what else is wrong is settled, or seen anew, after them.
  const next = [...(causing?.next ?? undecided?.next ?? [])]
  if (next.length === 0 && (origin.origin === 'suspect' || origin.origin === 'foreign'))
    next.push(...originNext(p, p.host.found, origin.origin, applying({ facts, site })))
  if (p.state === 'unknown' && next.length === 0)
    next.push(
      p.application === 'office'
        ? 'cscript ospp.vbs /dstatus on the machine tells its state.'
        : 'slmgr /dlv on the machine tells its state.',
    )
  if (origin.origin === 'cannot-tell' && site === null && p.channel === 'kms-client' && p.host.name && next.length === 0)
    next.push('To tell whose host this is: slmctl diagnose --site slmctl.yaml FILE')
  return {
    name: p.name ?? known?.product ?? null,
    application: p.application,
    edition: p.edition,
    channel: p.channel,
    method: p.method,
    addOn: p.addOn,
    partialKey: p.partialKey,
    activationId: p.activationId,
    state: p.state,
    reason: reasonText(p.reason ?? p.eventCode ?? p.attempt?.code ?? null),
    minutesLeft: p.minutesLeft,
    expires: p.expires,
    kms: host,
    activationObject: p.method === 'adba' ? p.activationObject : null,
    count,
    verdict,
    cause:
      verdict === 'ok'
        ? null
        : (causing?.summary ?? undecided?.summary ?? (origin.origin === 'suspect' || origin.origin === 'foreign' ? origin.because : null)),
    next,
    origin: origin.origin,
    originBecause: origin.because,
    originHonest: origin.honest,
    evidence: productEvidence(p, origin),
    source,
    machine: facts.id,
  }
}

/** What is known about the KMS host; null where nothing is. */
function kms(p: ProductFacts): KmsHost | null {
  const event = /^(.*?):(\d*)$/.exec(p.cells.get('EventHost')?.value ?? '')
  if (
    !p.host.name &&
    !p.host.ip &&
    !event &&
    p.host.id === null &&
    p.activationIntervalMinutes === null &&
    p.renewalIntervalMinutes === null
  )
    return null
  if (p.channel !== 'kms-client' && p.channel !== 'unknown' && !p.host.name && !p.host.ip && !event) return null
  return {
    host: p.host.name ?? p.host.ip ?? event?.[1] ?? null,
    port: p.host.port ?? (event?.[2] ? Number(event[2]) : null),
    ip: p.host.ip,
    found: p.host.found,
    hostId: p.host.id,
    activationIntervalMinutes: p.activationIntervalMinutes,
    renewalIntervalMinutes: p.renewalIntervalMinutes,
  }
}

/** What is told of a product; what a doubt about its origin rests on comes first. */
function productEvidence(p: ProductFacts, { origin, evidence: more }: OriginReading): Evidence[] {
  const list = shown(
    p,
    ['Name', 'the product'],
    ['Description', `channel ${p.channel}`],
    ['ProductKeyChannel', `key channel ${p.channel}`],
    ['ID', 'the activation ID'],
    ['PartialProductKey', 'the end of the installed key'],
    ['LicenseStatus', `state: ${p.state}`],
    ['LicenseStatusReason', p.reason === null ? 'the reason' : (errorByCode(p.reason)?.meaning ?? 'the reason')],
    ['ErrorCode', p.reason === null ? 'the code' : (errorByCode(p.reason)?.meaning ?? 'the code')],
    ['EventCode', 'the code that the event carries'],
    ['GracePeriodRemaining', p.minutesLeft === null ? 'time left' : `${p.minutesLeft} minutes left`],
    ['Expires', 'the end that is printed'],
    ['EvaluationEndDate', 'the end that is printed'],
    ['KmsRegistered', 'the KMS host, set by hand'],
    ['KeyManagementServiceMachine', 'the KMS host, set by hand'],
    ['KmsForApplication', 'the KMS host, set for the application'],
    ['KmsFromDns', 'the KMS host, from DNS'],
    ['DiscoveredKeyManagementServiceMachineName', 'the KMS host, from DNS'],
    ['DiscoveredKeyManagementServiceMachineIpAddress', 'the address of the KMS host'],
    ['KeyManagementServiceProductKeyID', 'the extended PID of the KMS host'],
    ['EventHost', 'the KMS host that was asked'],
    ['ADActivationObjectDN', 'the activation object'],
    ['VLActivationInterval', `${p.activationIntervalMinutes} minutes between attempts`],
    ['VLRenewalInterval', `${p.renewalIntervalMinutes} minutes between renewals`],
    ['KeyManagementServiceCurrentCount', `count ${p.count}`],
  )
  if (p.attempt) list.push(evidence(p.attempt.cell, p.attempt.ok ? 'activation succeeded' : 'activation failed'))
  const [first, then] = origin === 'suspect' || origin === 'foreign' ? [more, list] : [list, more]
  const isShown = (e: Evidence) => first.some((o) => o.line === e.line && o.source === e.source && o.means === e.means)
  return [...first, ...then.filter((e) => !isShown(e))]
}

function eventReading(e: EventFacts, facts: MachineFacts): EventReading {
  const row = eventById(e.id)
  return {
    id: e.id,
    log: e.log,
    side: row?.side ?? null,
    computer: e.computer,
    time: e.time,
    code: e.code === null ? null : hex(e.code),
    host: e.host,
    port: e.port,
    clientMachineId: e.clientMachineId,
    client: e.client,
    activationId: e.activationId,
    applicationId: e.applicationId,
    state: e.state,
    minutesLeft: e.minutesLeft,
    requiredCount: e.requiredCount,
    count: e.count,
    activated: e.activated,
    activationIntervalMinutes: e.activationIntervalMinutes,
    renewalIntervalMinutes: e.renewalIntervalMinutes,
    activationObject: e.activationObject,
    meaning: row?.meaning ?? 'An event that the catalogue does not know.',
    source: e.cell.source,
    machine: facts.id,
    evidence: [evidence(e.cell, row?.meaning ?? 'an event')],
  }
}

function codeReadings(facts: MachineFacts): CodeReading[] {
  const byCode = new Map<number, Evidence[]>()
  const add = (code: number, e: Evidence) => {
    const list = byCode.get(code)
    if (!list) byCode.set(code, [e])
    else if (list.length < 8 && !list.some((o) => o.line === e.line && o.source === e.source)) list.push(e)
  }
  for (const c of facts.codes) add(c.code, evidence(c.cell, errorByCode(c.code)?.meaning ?? 'a code that the catalogue does not know'))
  for (const p of facts.products) {
    const cell = p.cells.get('LicenseStatusReason') ?? p.cells.get('ErrorCode')
    if (p.reason !== null && cell)
      add(p.reason, evidence(cell, errorByCode(p.reason)?.meaning ?? 'a code that the catalogue does not know'))
  }
  return [...byCode].map(([code, list]) => {
    const row = errorByCode(code)
    return {
      code: hex(code),
      name: row?.name ?? null,
      meaning: row?.meaning ?? 'Not in the catalogue.',
      basis: (row?.basis ?? 'unknown') as Basis,
      source: list[0]!.source,
      machine: facts.id,
      evidence: list,
    }
  })
}

/** Events that say that something failed even where their code was not copied. */
const failures: ReadonlySet<number> = new Set([8196, 8198, 8215, 8233, 12293])

const originUrgency: Readonly<Record<Origin, number>> = { own: 0, platform: 1, vendor: 2, 'cannot-tell': 3, suspect: 4, foreign: 5 }

function judgeMachine(facts: MachineFacts, products: readonly Product[], findings: readonly Finding[]): MachineReading {
  let verdict: Verdict | null = null
  const raise = (v: Verdict) => {
    if (verdict === null || urgency[v] > urgency[verdict]) verdict = v
  }
  for (const p of products) raise(p.verdict)
  for (const f of findings) if (f.severity !== 'info') raise(severityVerdict[f.severity])
  if (products.length > 0 && products.every((p) => p.addOn)) raise('cannot-tell')
  // What rests on half an answer is not "as wished".
  if (facts.unasked.some((u) => u.decides)) raise('cannot-tell')
  // Codes that no product carries: something failed, the text does not say what.
  const loose = facts.codes.filter(
    (c) =>
      c.code >= 0x80000000 &&
      (c.event === null || products.length === 0) &&
      !c.ofState &&
      !overtaken(facts, c.cell) &&
      !products.some((p) => p.reason === hex(c.code)),
  )
  if (loose.length > 0 && verdict !== 'action')
    raise(
      products.some((p) => p.state === 'licensed')
        ? 'attention'
        : errorByCode(loose[0]!.code) && loose[0]!.code !== 0x80004005
          ? 'action'
          : 'cannot-tell',
    )
  if (verdict === null) {
    const failing = facts.events.some((e) => (e.code !== null && e.code >= 0x80000000) || failures.has(e.id))
    verdict = failing ? 'attention' : facts.events.some((e) => e.id === 12308) ? 'ok' : 'cannot-tell'
  }
  const relevant = products.filter((p) => !(p.verdict === 'cannot-tell' && p.state === 'unlicensed'))
  const marked = findings.some((f) => f.rule === 'activator-marks' && f.severity === 'action')
  const marksOnly = findings.some((f) => f.rule === 'activator-marks' && f.severity === 'attention')
  let origin: Origin =
    (relevant.length > 0 ? relevant : products).reduce<Origin | null>(
      (worst, p) => (worst === null || originUrgency[p.origin] > originUrgency[worst] ? p.origin : worst),
      null,
    ) ?? 'cannot-tell'
  if (marked) origin = 'foreign'
  else if (marksOnly && origin !== 'foreign') origin = 'suspect'
  const worst = [...products].sort((a, b) => urgency[b.verdict] - urgency[a.verdict])[0]
  const top = findings.find((f) => severityVerdict[f.severity] === verdict && f.severity !== 'info')
  const next = [
    ...new Set([
      ...(top?.next ?? []),
      ...(worst?.next ?? []),
      ...loose
        .filter(
          (c) =>
            !findings.some((x) => x.severity !== 'info' && x.evidence.some((e) => e.line === c.cell.line && e.source === c.cell.source)),
        )
        .flatMap((c) => errorByCode(c.code)?.remedies.slice(0, 2) ?? []),
    ]),
  ]
  if (verdict === 'cannot-tell' && next.length === 0) next.push(...findings.flatMap((f) => f.next))
  return {
    id: facts.id,
    name: facts.name,
    system: facts.system?.caption ?? null,
    sources: facts.sources,
    verdict,
    origin,
    headline: headline(facts, products, verdict, findings, top ?? null, loose[0]?.code ?? null),
    next: next.slice(0, 5),
  }
}

function headline(
  facts: MachineFacts,
  products: readonly Product[],
  verdict: Verdict,
  findings: readonly Finding[],
  top: Finding | null,
  loose: number | null,
): string {
  if (top) return top.summary
  const silent = verdict === 'cannot-tell' ? facts.unasked.find((u) => u.decides) : undefined
  if (silent) return `Could not ask for ${silent.about}: ${silent.problem.summary}`
  const index = products.findIndex((p) => p.verdict === verdict)
  const p = facts.products[index]
  if (verdict === 'ok' && products.length > 0) {
    const main = facts.products.find((q) => q.state === 'licensed' && !q.addOn) ?? facts.products[0]!
    const left = main.permanent || !main.minutesLeft ? '' : `, ${days(main.minutesLeft)} left`
    const by = main.host.name ? ` by ${main.host.name}` : main.method === 'adba' ? ' through Active Directory' : ''
    const more = products.length > 1 ? ` (and ${products.length - 1} more)` : ''
    if (main.permanent)
      return `${capital(called(main))} is permanently activated${main.channel === 'unknown' ? '' : ` (${channelWords[main.channel]})`}${more}.`
    return `${capital(called(main))} is licensed${main.channel === 'kms-client' ? by : ` (${channelWords[main.channel]})`}${left}${more}.`
  }
  if (loose !== null) {
    const row = errorByCode(loose)
    const licensed = facts.products.find((q) => q.state === 'licensed')
    return `${licensed ? `${capital(called(licensed))} is licensed, but the ${teller(facts)} also shows ` : ''}${hex(loose)}: ${row?.meaning ?? 'a code that the catalogue does not know.'}`
  }
  const info = findings.find((f) => f.product === index && index >= 0) ?? findings[0]
  if (info) return info.summary
  if (p) return `${capital(called(p))}: the ${teller(facts)} does not tell whether it is activated.`
  const event = facts.events.find((e) => failures.has(e.id)) ?? facts.events[0]
  if (event) return `Event ${event.id}: ${eventById(event.id)?.meaning ?? 'not in the catalogue.'}`
  return `The ${teller(facts)} does not tell whether anything is activated.`
}

const channelWords = {
  'kms-client': 'KMS client',
  'kms-host': 'KMS host',
  mak: 'MAK',
  retail: 'retail',
  oem: 'OEM',
  evaluation: 'evaluation',
  subscription: 'subscription',
  avma: 'AVMA',
  unknown: 'channel unknown',
} as const
