import { addressKind } from '../../addresses.ts'
import { marks, numberOf } from '../../catalogue.ts'
import { evidence, type MarkClue } from '../clues/clue.ts'
import type { MachineFacts } from '../facts/machine.ts'
import type { ProductFacts } from '../facts/product.ts'
import { applying, at, called, capital, productRule, type Remark, rule, shown, toOwnHost } from './rule.ts'

/** Honest explanations that a rule and the judgement of the origin share. */
export const honestTime =
  'A machine whose clock was years ahead when it was activated would show too much as well; compare its clock and its history.'
export const honestReserved = 'Somebody may have entered it to keep the machine from asking any host.'
export const honestCount = 'A number copied wrongly, or a release of Windows Server that counts otherwise.'
/** Of a text, and of a machine that was asked itself. */
export const honestListing = 'The listing may come from another machine, from a quarantine or from an analyst’s collection.'
export const honestTrace = 'A quarantine or an analyst’s collection may hold such a trace, and so may what a removed program left behind.'

const longest = numberOf('validity.days') * 1440
/** Two days of grace for clocks that were set back. */
const clockSlack = 2 * 1440

/**
 * Minutes that a KMS activation may have left at most are 259,200 (180 days; the licence itself says so). Answers by how much
 * the printed minutes, or the printed end seen from `readAt`, are above; null where they are not. A text is never younger than
 * the moment it is read, so an end more than 180 days from now was more than 180 days away then, too.
 */
export function aboveLongest(p: ProductFacts, readAt: string | null): number | null {
  if (p.channel !== 'kms-client' || p.addOn || p.state !== 'licensed') return null
  if (p.minutesLeft !== null) return p.minutesLeft > longest ? p.minutesLeft - longest : null
  if (!p.expires || !readAt) return null
  const end = Date.parse(p.expires.length > 10 && !/Z|[+-]\d\d:\d\d$/.test(p.expires) ? `${p.expires}Z` : p.expires)
  const now = Date.parse(readAt)
  if (Number.isNaN(end) || Number.isNaN(now)) return null
  const left = Math.floor((end - now) / 60_000)
  return left > longest + 1440 ? left - longest : null
}

/** True where a value cannot come from a genuine KMS host. */
export function impossible(p: ProductFacts, readAt: string | null): boolean {
  const above = aboveLongest(p, readAt)
  return above !== null && above > clockSlack
}

export const impossibleTime = productRule('impossible-time', 'More time left than any KMS host can give', (p, asked) => {
  const { readAt } = asked
  const above = aboveLongest(p, readAt)
  if (above === null) return null
  const days = Math.floor((longest + above) / 1440)
  const sure = above > clockSlack
  return {
    severity: sure ? 'action' : 'attention',
    summary: sure
      ? `${days} days are left; a KMS host can give ${numberOf('validity.days')} at most. No genuine KMS host made this activation.`
      : `A little more than ${numberOf('validity.days')} days are left, the most that a KMS host can give.`,
    honest: sure ? honestTime : 'The machine’s clock was set back after activation.',
    evidence: shown(
      p,
      ['GracePeriodRemaining', `${p.minutesLeft} minutes, the most is ${longest}`],
      ['Expires', 'the printed end'],
      ['KmsRegistered', 'the host it names'],
      ['KeyManagementServiceMachine', 'the host it names'],
      ['KmsFromDns', 'the host it names'],
    ),
    next: [`Find out who activated this machine and with what; then remove it, and ${toOwnHost(applying(asked), p)}`],
  }
})

export const reservedHost = productRule('reserved-address', 'A KMS host at an address where no host can be', (p, asked) => {
  const address = [p.host.name, p.host.ip].find((h) => h && addressKind(h) === 'reserved')
  if (!address) return null
  return {
    severity: 'attention',
    summary: `The KMS host is ${address}, an address that no machine can have.`,
    honest: honestReserved,
    evidence: shown(
      p,
      ['KmsRegistered', 'the KMS host'],
      ['KmsFromDns', 'the KMS host'],
      ['KeyManagementServiceMachine', 'the KMS host'],
      ['DiscoveredKeyManagementServiceMachineIpAddress', 'the address of the KMS host'],
    ),
    next: [capital(toOwnHost(applying(asked), p))],
  }
})

const highest = numberOf('count.maxWithClients')

/** A count that a KMS host does not show: it keeps the last 50 machines only. */
export const impossibleCount = rule('impossible-count', 'A count above the most that a KMS host keeps', ({ facts }) => {
  const told = facts.events
    .filter((e) => e.id === 12289 && e.count !== null && e.count > highest)
    .map((e) => ({ count: e.count!, seen: at(e.cell, 'the count that the host told') }))
  const own = facts.products
    .filter((p) => p.count !== null && p.count > highest)
    .map((p) => ({ count: p.count!, seen: shown(p, ['KeyManagementServiceCurrentCount', 'the count']) }))
  const first = [...told, ...own][0]
  if (!first) return []
  return [
    {
      severity: told.length > 0 ? 'attention' : 'info',
      summary: `The count is ${first.count}; a KMS host keeps the last ${highest} machines and shows no more.`,
      honest: honestCount,
      evidence: first.seen,
      next: ['On the KMS host itself: slmgr /dlv shows its count and its licensed KMS host key.'],
    },
  ]
})

export type SortedMarks = {
  readonly strong: readonly MarkClue[]
  readonly found: readonly MarkClue[]
  readonly weak: readonly MarkClue[]
  readonly spoken: readonly MarkClue[]
}
const sorted = new WeakMap<readonly MarkClue[], SortedMarks>()
/** Lines between an antivirus' detection and the path that it names. */
const detectionReach = 8

/** Marks by what they prove: on the machine, reported by an antivirus, a name that honest programs have too, only spoken of. */
export function sortedMarks(facts: MachineFacts): SortedMarks {
  const known = sorted.get(facts.marks)
  if (known) return known
  const detections = facts.marks.filter((m) => marks[m.mark]!.kind === 'detection')
  const byAntivirus = (m: MarkClue) =>
    detections.some((d) => d.cell.source === m.cell.source && Math.abs(d.cell.line - m.cell.line) <= detectionReach)
  const strong: MarkClue[] = []
  const found: MarkClue[] = []
  const weak: MarkClue[] = []
  const spoken: MarkClue[] = []
  for (const m of facts.marks) {
    const row = marks[m.mark]!
    if (row.kind === 'detection' && !m.plainTalk) found.push(m)
    else if (m.plainTalk || row.kind === 'detection') spoken.push(m)
    else if (byAntivirus(m)) continue
    else (row.strength === 'strong' ? strong : weak).push(m)
  }
  const result = { strong, found, weak, spoken }
  sorted.set(facts.marks, result)
  return result
}

/** Marks that a program which activates without a licence leaves behind. */
export const activatorMarks = rule('activator-marks', 'Marks of an activator or a KMS emulator', (asked) => {
  const { facts } = asked
  const remarks: Remark[] = []
  const { strong, found, weak, spoken } = sortedMarks(facts)
  const kms = facts.products.some((p) => p.channel === 'kms-client' || p.channel === 'unknown') || facts.products.length === 0
  if (strong.length > 0) {
    const names = [...new Set(strong.map((m) => marks[m.mark]!.text))]
    remarks.push({
      severity: 'action',
      summary: `The text shows ${names.length === 1 ? 'a mark' : 'marks'} of a program that activates without a licence: ${names.slice(0, 4).join(', ')}.`,
      honest: facts.system ? honestTrace : honestListing,
      evidence: strong.slice(0, 8).map((m) => evidence(m.cell, marks[m.mark]!.means)),
      next: [
        'Find out who installed it; remove it with your antivirus or by a new installation.',
        ...(kms
          ? [`Then ${toOwnHost(applying(asked), { application: 'windows' })}`]
          : ['Then check that the licence is the one that was bought.']),
      ],
    })
  }
  if (found.length > 0) {
    remarks.push({
      severity: 'attention',
      summary: `An antivirus reported such a program here: ${[...new Set(found.map((m) => marks[m.mark]!.text))].slice(0, 3).join(', ')}.`,
      honest: 'A detection says that a file was seen, not that it ran or that this activation came from it.',
      evidence: found.slice(0, 5).map((m) => evidence(m.cell, marks[m.mark]!.means)),
      next: ['See whether the file was removed and whether the activation is your own: slmgr /dlv names the KMS host.'],
    })
  }
  if (weak.length > 0 && strong.length === 0) {
    remarks.push({
      severity: 'attention',
      summary: `Some names here also belong to programs that activate without a licence: ${[...new Set(weak.map((m) => marks[m.mark]!.text))].slice(0, 4).join(', ')}.`,
      honest: marks[weak[0]!.mark]!.honest ?? 'Honest programs can have these names.',
      evidence: weak.slice(0, 5).map((m) => evidence(m.cell, marks[m.mark]!.means)),
      next: ['Look at the files behind these names: their publisher and signature.'],
    })
  }
  if (spoken.length > 0 && remarks.length === 0) {
    remarks.push({
      severity: 'info',
      summary: 'The text speaks of a program that activates without a licence; that alone is no evidence that it is on the machine.',
      evidence: spoken.slice(0, 3).map((m) => evidence(m.cell, 'a mention')),
    })
  }
  return remarks
})

/** Clocks of client and host: KMS refuses requests that are more than four hours apart (compared in UTC). */
export const clockDifference = rule('clock-difference', 'The clocks of client and KMS host are apart', ({ facts }) => {
  const refused = facts.events.find((e) => e.code === 0xc004f06c) ?? null
  const sent = facts.events.findLast((e) => e.id === 12288 && e.time)
  const handled = facts.events.findLast(
    (e) => e.id === 12290 && e.time && (!sent?.clientMachineId || !e.clientMachineId || e.clientMachineId === sent.clientMachineId),
  )
  const minutes =
    sent && handled ? Math.round((Date.parse(`${handled.time!.slice(0, 19)}Z`) - Date.parse(`${sent.time!.slice(0, 19)}Z`)) / 60_000) : null
  const code = facts.codes.find((c) => c.code === 0xc004f06c)
  if (!refused && !code && (minutes === null || Math.abs(minutes) < 60)) return []
  const apart =
    minutes === null
      ? ''
      : ` The request says ${clock(sent!.time!)}, the host ${clock(handled!.time!)}: ${Math.floor(Math.abs(minutes) / 60)} h ${Math.abs(minutes) % 60} min apart (${Math.abs(minutes) > numberOf('clock.maxSkewHours') * 60 ? 'more than' : 'within'} the ${numberOf('clock.maxSkewHours')} h that are allowed, in UTC${Math.abs(minutes) > numberOf('clock.maxSkewHours') * 60 ? '' : '; the clock may not be the only cause'}).`
  const index = facts.products.findIndex((p) => p.channel === 'kms-client' || p.fromEvent)
  return [
    {
      severity: refused || code ? 'action' : 'attention',
      summary: `${refused || code ? 'The KMS host rejected the time of the request (0xC004F06C).' : 'Client and KMS host do not have the same time.'}${apart}`,
      evidence: [
        ...at(refused?.cell ?? code?.cell, 'the request’s time was rejected'),
        ...at(sent?.cell, 'time of the request'),
        ...at(handled?.cell, 'time at the host'),
      ].filter((e, i, all) => all.findIndex((o) => o.line === e.line) === i),
      next: [
        'Set both clocks and time zones right first: w32tm /query /status, w32tm /resync',
        'If they are right, the host may be too old for this client: check the host key and its updates.',
      ],
      ...(index >= 0 ? { product: index } : {}),
    },
  ]
})

const clock = (iso: string) => iso.slice(11, 16) || iso

/** Activated through Active Directory, as the event says. */
export const byDirectory = rule('ad-activated', 'A client that Active Directory activated', ({ facts }) =>
  facts.events
    .filter((e) => e.id === 12308)
    .map((e) => ({
      severity: 'info' as const,
      summary: `A client was activated through Active Directory${e.activationObject ? ` (${e.activationObject.replace(/^.*?(CN=Activation Objects.*)$/i, '$1')})` : ''}: it needs no KMS host.`,
      evidence: [
        ...at(e.cell, 'activation through Active Directory succeeded'),
        ...at(e.cells.get('ADActivationObjectDN'), 'the activation object'),
      ],
    })),
)

/** Microsoft 365 signs users in; KMS has no part in it. */
export const subscription = productRule('subscription', 'A subscription, to which KMS does not apply', (p) => {
  if (p.channel !== 'subscription' || p.state !== 'licensed') return null
  return {
    severity: 'info',
    summary: `${called(p)} is licensed by a subscription. Licences of single users are not visible here; KMS has no part in it.`,
    evidence: shown(p, ['Description', 'subscription channel'], ['Name', 'a subscription product']),
  }
})
