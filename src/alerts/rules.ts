/** What is worth a message: facts of a fleet → alerts, one for one cause. Pure. */

import type { Alert, AlertFacts, AlertLink, HostFact, RuleName, Rules, Standing } from './facts.ts'
import { oneLine } from './message.ts'

/** Ends within so many days are no longer "soon": a renewal is due every seven days, and a machine may be off over a weekend. */
const urgentDays = 3
const day = 86_400_000
const machinesOf = (n: number) => (n === 1 ? '1 machine' : `${n} machines`)
const date = (at: number) => new Date(at).toISOString().slice(0, 10)
const minute = (at: number) => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** Every alert that stands, worst first. */
export function alertsFrom(facts: AlertFacts, rules: Rules, now: number): Standing {
  const alerts = [
    ...(rules.hostDown ? (facts.hosts ?? []).flatMap((h) => down(h, rules)) : []),
    ...(rules.foreign ? foreign(facts.foreign) : []),
    ...(rules.underThreshold ? (facts.hosts ?? []).flatMap(underThreshold) : []),
    ...(rules.daysLeft === null ? [] : ending(facts.ending, rules.daysLeft, now)),
    ...(rules.campaignStopped ? (facts.campaigns ?? []).flatMap(stopped) : []),
    ...(rules.notScannedDays === null ? [] : notScanned(facts.notScanned, rules.notScannedDays)),
  ]
  const on: Readonly<Record<RuleName, boolean>> = {
    'days-left': rules.daysLeft !== null,
    'host-down': rules.hostDown,
    'under-threshold': rules.underThreshold,
    foreign: rules.foreign,
    'campaign-stopped': rules.campaignStopped,
    'not-scanned': rules.notScannedDays !== null,
  }
  const unknown = new Set<string>()
  for (const h of facts.hosts ?? []) {
    if (h.down === null) unknown.add(downKey(h))
    for (const g of h.groups) if (g.count === null) unknown.add(thresholdKey(h, g))
  }
  const asked: Readonly<Record<string, boolean>> = {
    'days-left': facts.ending !== null,
    'host-down': facts.hosts !== null,
    'under-threshold': facts.hosts !== null,
    foreign: facts.foreign !== null,
    'campaign-stopped': facts.campaigns !== null,
    'not-scanned': facts.notScanned !== null,
  }
  return {
    alerts: alerts.sort((a, b) => Number(a.severity === 'attention') - Number(b.severity === 'attention')),
    known: (key) => (asked[key.split(' ', 1)[0]!] ?? true) && !unknown.has(key),
    watched: (rule) => on[rule as RuleName] ?? false,
  }
}

const place = (h: HostFact) => `${oneLine(h.name, 100)}:${h.port}`
const downKey = (h: HostFact) => `host-down ${place(h)}`
const thresholdKey = (h: HostFact, g: HostFact['groups'][number]) =>
  `under-threshold ${place(h)} ${oneLine(g.application, 20)} ${oneLine(g.key, 60)}`
const hostLink = (h: HostFact): AlertLink => ({ page: 'host', query: { host: h.name, port: String(h.port) } })

function down(h: HostFact, rules: Rules): Alert[] {
  if (h.down !== true) return []
  const ends =
    rules.daysLeft !== null && h.ending > 0 ? ` On ${machinesOf(h.ending)} an activation by it ends within ${rules.daysLeft} days.` : ''
  return [
    {
      key: downKey(h),
      rule: 'host-down',
      severity: 'action',
      title: `KMS host ${place(h)} does not answer`,
      text: `At the last check${h.checkedAt === null ? '' : ` (${minute(h.checkedAt)})`} none of its addresses answered. ${h.clients === 0 ? 'No machine of the fleet names it.' : `${machinesOf(h.clients)} of the fleet ${h.clients === 1 ? 'names' : 'name'} it.`}${ends}`,
      next: [
        `slmctl hosts check ${oneLine(h.name, 100)}`,
        'See whether it is on, whether the service sppsvc runs, and what stands between.',
      ],
      number: h.clients,
      // That it is down is no news; that machines begin to fall off is.
      grows: rules.daysLeft === null ? 0 : h.ending,
      about: [place(h)],
      since: h.since,
      link: hostLink(h),
    },
  ]
}

function underThreshold(h: HostFact): Alert[] {
  return h.groups.flatMap((g): Alert[] => {
    const { count } = g
    if (count === null) return []
    const missed = g.thresholds.filter((t) => count < t.count)
    if (missed.length === 0) return []
    const whose = oneLine(g.name ?? g.application, 80)
    return [
      {
        key: thresholdKey(h, g),
        rule: 'under-threshold',
        // Where it reaches none of its thresholds it activates nobody.
        severity: missed.length === g.thresholds.length ? 'action' : 'attention',
        title: `KMS host ${place(h)} counts ${count}: too few for ${missed.map((t) => oneLine(t.of, 40)).join(', ')}`,
        text: `Its key for ${whose} counted ${count} different machines when it was asked (${minute(g.at)}). It needs ${missed.map((t) => `${t.count} for ${oneLine(t.of, 40)}`).join(', ')}; until then it renews and activates none of these.`,
        next: [
          `slmctl hosts show ${oneLine(h.name, 100)}`,
          'Let more machines ask it; a few are better served by Active Directory or a MAK.',
        ],
        number: count,
        grows: 0,
        about: missed.map((t) => oneLine(t.of, 40)),
        since: null,
        link: hostLink(h),
      },
    ]
  })
}

function foreign(of: AlertFacts['foreign']): Alert[] {
  if (of === null || of.machines === 0) return []
  const hosts = [...new Set(of.hosts.map((h) => oneLine(h, 100)))].sort()
  const some = hosts.slice(0, 10)
  const named =
    some.length === 0 ? '' : ` Hosts: ${some.join(', ')}${hosts.length > some.length ? ` and ${hosts.length - some.length} more` : ''}.`
  return [
    {
      key: 'foreign',
      rule: 'foreign',
      severity: 'action',
      title: `${machinesOf(of.machines)} with an activation that is not yours`,
      text: `Something on ${of.machines === 1 ? 'it' : 'them'} was activated by somebody else, or bears the marks of an activator.${named} The audit has the evidence and the way back.`,
      next: ['slmctl fleet audit'],
      number: of.machines,
      grows: of.machines,
      about: hosts.slice(0, 200),
      since: null,
      link: { page: 'origin', query: { origin: 'foreign' } },
    },
  ]
}

function ending(of: AlertFacts['ending'], days: number, now: number): Alert[] {
  if (of === null || of.machines === 0) return []
  const next = of.firstAt
  const urgent = of.ended > 0 || (next !== null && next < now + urgentDays * day)
  const past = of.ended === 0 ? '' : ` On ${machinesOf(of.ended)} it has ended already.`
  const first = next === null || next < now ? '' : ` The next ends on ${date(next)}.`
  return [
    {
      key: 'days-left',
      rule: 'days-left',
      severity: urgent ? 'action' : 'attention',
      title: `${machinesOf(of.machines)}: an activation ends within ${days} days`,
      text: `A machine that reaches its KMS host renews every seven days; ${of.machines === 1 ? 'this one has' : 'these have'} not.${past}${first}`,
      next: [`slmctl fleet expiring --days ${days}`],
      number: of.machines,
      grows: of.machines,
      about: [],
      since: null,
      link: { page: 'expiring', query: { days: String(days) } },
    },
  ]
}

type StoppedCampaign = NonNullable<AlertFacts['campaigns']>[number]
function stopped(c: StoppedCampaign): Alert[] {
  if (!c.stopped) return []
  return [
    {
      key: `campaign-stopped ${c.id}`,
      rule: 'campaign-stopped',
      severity: 'attention',
      title: `Campaign ${c.id} (${oneLine(c.kind, 20)}) is stopped`,
      text: `${c.because === null ? '' : `${oneLine(c.because, 400)} `}${machinesOf(c.left)} of it ${c.left === 1 ? 'is' : 'are'} still to be done (${oneLine(c.selection, 200)}).`,
      next: [`slmctl fleet campaign ${c.id}`, `slmctl fleet resume ${c.id}`],
      number: c.left,
      grows: 0,
      // One that went on and stopped again between two looks is told again.
      about: [new Date(c.changedAt).toISOString()],
      since: c.changedAt,
      link: { page: 'campaign', query: { id: String(c.id) } },
    },
  ]
}

function notScanned(of: AlertFacts['notScanned'], days: number): Alert[] {
  if (of === null || of.machines === 0) return []
  const never = of.never === 0 ? '' : ` ${of.never === 1 ? 'One more has' : `${of.never} more have`} never answered.`
  return [
    {
      key: 'not-scanned',
      rule: 'not-scanned',
      severity: 'attention',
      title: `${machinesOf(of.machines)} did not answer for ${days} days`,
      text: `What is known of ${of.machines === 1 ? 'it' : 'them'} is as old as that.${never} The fleet lists ${machinesOf(of.listed)}.`,
      next: [`slmctl fleet list --not-seen-for ${days}`, `slmctl fleet scan --not-seen-for ${days}`],
      number: of.machines,
      grows: of.machines,
      about: [],
      since: null,
      link: { page: 'machines', query: { 'not-seen-for': String(days) } },
    },
  ]
}
