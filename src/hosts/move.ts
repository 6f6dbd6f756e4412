import { canonicalHost } from '../addresses.ts'
import { numberOf } from '../catalogue.ts'
import type { CheckedHost } from './judge.ts'
import type { DomainAnswer } from './known.ts'

/** Machines of the fleet that have to do with a host, and in what way. */
export type HostUsers = {
  /** As of when: the oldest answer among them (ISO 8601); null where there is none. */
  readonly asOf: string | null
  /** All machines with a product that names it. */
  readonly machines: number
  /** It is set by hand: for a product, an application or the whole machine. */
  readonly pinned: number
  /** Found in DNS, and kept as the host that answered last. */
  readonly cached: number
  /** Not told in which way. */
  readonly otherwise: number
  /** Machines with a product of this kind. */
  readonly windows: number
  readonly servers: number
  readonly office: number
  /** Some of those on which it is set, by name. */
  readonly names: readonly string[]
}

export type MoveStep = { readonly title: string; readonly why: string; readonly commands: readonly string[] }

/** What must be known of the new host for a product group, and how soon it counts enough. */
export type WarmUp = {
  readonly of: string
  /** What the count must reach. */
  readonly threshold: number
  /** What the new host counts now; null: not known. */
  readonly count: number | null
  /** Machines of the fleet that would ask it; null without a store. */
  readonly machines: number | null
  /** Days until enough of them renewed by themselves; 0: it counts enough; null: not enough machines, or not known. */
  readonly days: number | null
}

/** A move from one KMS host to another, planned: nothing of it is done. */
export type Move = {
  readonly old: { readonly name: string; readonly port: number; readonly ours: boolean; readonly said: boolean }
  readonly new: { readonly name: string; readonly port: number; readonly verdict: CheckedHost['verdict']; readonly cause: string | null }
  /** What stands against beginning. */
  readonly blockers: readonly string[]
  /** SRV records of either host, and who keeps them. */
  readonly records: readonly {
    readonly domain: string
    readonly host: 'old' | 'new'
    readonly priority: number
    readonly weight: number
    readonly ttlSeconds: number
    readonly keptBy: 'itself' | 'hand' | 'not-known'
  }[]
  readonly unaskedDomains: readonly string[]
  readonly users: HostUsers | null
  readonly warmUp: readonly WarmUp[]
  readonly steps: readonly MoveStep[]
  readonly back: readonly MoveStep[]
}

const renewalDays = numberOf('renewal.defaultMinutes') / 1440
const validDays = numberOf('validity.days')
const remembered = numberOf('count.windowDays')

/** Plans the move of everything that asks one host to another. `old` is not null where it is a host of the site: only then was it asked. */
export function moveOf(found: {
  readonly oldName: string
  readonly old: CheckedHost | null
  readonly to: CheckedHost
  readonly domains: readonly DomainAnswer[]
  /** Null: there is no store of a fleet. */
  readonly users: HostUsers | null
  readonly usersOfNew: HostUsers | null
}): Move {
  const { oldName, old, to, domains, users } = found
  const records = domains.flatMap((d) =>
    d.records.flatMap((r) => {
      const host = same(r.target, to.name) ? ('new' as const) : same(r.target, old?.name ?? oldName) ? ('old' as const) : null
      const publishes = (host === 'new' ? to : old)?.said?.publishes ?? null
      const keptBy = publishes === null ? ('not-known' as const) : publishes ? ('itself' as const) : ('hand' as const)
      return host === null ? [] : [{ domain: d.domain, host, priority: r.priority, weight: r.weight, ttlSeconds: r.ttlSeconds, keptBy }]
    }),
  )
  const warmUp = warmUpOf(to, users, found.usersOfNew)
  const known = { ...found, records, warmUp, domainNames: domains.map((d) => d.domain) }
  return {
    old: { name: old?.name ?? oldName, port: old?.port ?? 1688, ours: old !== null, said: old?.said != null },
    new: { name: to.name, port: to.port, verdict: to.verdict, cause: to.cause },
    blockers: blockersOf(to, old),
    records,
    unaskedDomains: domains.filter((d) => d.problem !== null).map((d) => d.domain),
    ...{ users, warmUp },
    steps: stepsOf(known),
    back: backOf(known),
  }
}

type Known = Parameters<typeof moveOf>[0] & {
  readonly records: Move['records']
  readonly warmUp: Move['warmUp']
  readonly domainNames: readonly string[]
}

const same = (a: string, b: string) => canonicalHost(a) === canonicalHost(b)

function blockersOf(to: CheckedHost, old: CheckedHost | null): string[] {
  const blockers: string[] = []
  if (old && same(old.name, to.name) && old.port === to.port) blockers.push('Old and new are the same host.')
  if (to.said === null) blockers.push(`${to.name} was not asked, so that nobody knows whether it is ready. ${to.cause ?? ''}`.trim())
  else if (!to.said.groups.some((g) => g.state === 'licensed')) blockers.push(`${to.name} has no licensed KMS host key.`)
  const dead = to.ports.filter((p) => p.state !== 'rpc' && p.state !== 'not-tried')
  if (to.ports.length > 0 && dead.length === to.ports.length)
    blockers.push(`${to.name} does not answer at port ${to.port}: ${dead[0]!.seen}.`)
  const has = (host: CheckedHost, application: string) => host.said?.groups.some((g) => g.application === application) ?? false
  if (old?.said && to.said && has(old, 'office') && !has(to, 'office'))
    blockers.push(`${old.name} activates Office, and ${to.name} has no host key for it.`)
  return blockers
}

function warmUpOf(to: CheckedHost, users: HostUsers | null, others: HostUsers | null): WarmUp[] {
  // The thresholds of its keys; of a host that was not asked, those of Windows.
  const groups = to.said?.groups.length
    ? to.said.groups
    : [
        {
          application: 'windows' as const,
          count: null,
          thresholds: [
            { of: 'Windows Server', count: numberOf('threshold.windowsServer') },
            { of: 'client Windows', count: numberOf('threshold.windowsClient') },
          ],
        },
      ]
  return groups.flatMap((g) =>
    g.thresholds.map((t): WarmUp => {
      const coming = users === null ? null : g.application === 'office' ? users.office : users.windows
      const there = others === null ? 0 : g.application === 'office' ? others.office : others.windows
      const lacks = Math.max(0, t.count - (g.count ?? there))
      return {
        ...{ of: t.of, threshold: t.count, count: g.count, machines: coming },
        days: lacks === 0 ? 0 : coming === null || coming < lacks ? null : Math.ceil((renewalDays * lacks) / coming),
      }
    }),
  )
}

function stepsOf({ oldName, old, to, users, records, warmUp, domainNames }: Known): MoveStep[] {
  const from = old?.name ?? oldName
  const steps: MoveStep[] = []
  const add = (title: string, why: string, ...commands: string[]) => steps.push({ title, why, commands })
  const theirs = records.filter((r) => r.host === 'old')
  const own = records.filter((r) => r.host === 'new')
  const byDns = records.length > 0
  add(
    `See that ${to.name} is ready`,
    'Its host key is licensed, its port answers, and it activates every system that you have.',
    `slmctl hosts check ${to.name}`,
    `slmctl hosts show ${to.name}`,
  )
  if (theirs.length > 0 && !theirs.every((r) => own.some((o) => o.domain === r.domain && o.priority < r.priority))) {
    const missing = theirs.filter((r) => !own.some((o) => o.domain === r.domain)).map((r) => r.domain)
    add(
      `Let DNS give ${to.name} before ${from}`,
      `${missing.length > 0 ? 'It publishes itself where publishing is on and it may write the record; a record that another host made can be changed by that host alone, until the right is given. ' : ''}Machines that look in DNS take the record with the lower priority first, and keep the host that answered.`,
      ...(missing.length > 0
        ? [`On ${to.name}: slmgr /sdns, then restart sppsvc; or by hand: _vlmcs._tcp in ${missing.join(', ')}, port ${to.port}`]
        : []),
      `In DNS: priority 0 for ${to.name}, 10 for ${from}`,
      'slmctl hosts discover',
    )
  }
  const cold = warmUp.filter((w) => w.days !== 0)
  if (cold.length > 0) {
    const most = Math.max(...cold.map((w) => w.threshold - (w.count ?? 0)))
    add(
      `Warm up the count of ${to.name}`,
      `It activates nobody until it counts ${cold.map((w) => `${w.threshold} (${w.of})`).join(', ')} different machines. Let ${most} or more ask it at once; whoever it turns away stays activated, for up to ${validDays} days since the last renewal.`,
      ...(byDns
        ? ['slmctl apply GROUP --use-dns --host-caching off --renew', 'slmctl apply GROUP --host-caching on  # when it counts enough']
        : [
            `Name ${to.name} alone under kms.hosts in a copy of the site file, warm.yaml`,
            'slmctl plan GROUP --site warm.yaml --renew',
            'slmctl apply GROUP --site warm.yaml --renew',
          ]),
      `slmctl hosts show ${to.name}`,
    )
  }
  if (theirs.length > 0)
    add(
      `Take the SRV record of ${from} out of DNS`,
      theirs.every((r) => r.keptBy === 'hand')
        ? 'It does not publish itself: the record is kept by hand.'
        : theirs.some((r) => r.keptBy === 'itself')
          ? 'It publishes itself and would write the record again: switch that off first, then delete what stays.'
          : 'Whether it publishes itself is not known: switch that off in any case, then delete the record.',
      ...(theirs.every((r) => r.keptBy === 'hand') ? [] : [`On ${from}: slmgr /cdns, then restart sppsvc`]),
      `Delete it in ${theirs.map((r) => `_vlmcs._tcp.${r.domain}`).join(', ')}; resolvers keep it for ${Math.max(...theirs.map((r) => Math.ceil(r.ttlSeconds / 60)))} minutes`,
      'slmctl hosts discover',
    )
  add(
    `Take ${from} out of the site file, and move the machines on which it is set`,
    `${users ? `${users.pinned} ${users.pinned === 1 ? 'machine has' : 'machines have'} it set by hand and` : 'Machines that have it set by hand'} look nowhere else. When neither the site file nor DNS names it, slmctl plans ${to.name} for them: a few first, then the rest.`,
    `slmctl fleet plan --host ${from}`,
    `slmctl fleet apply --host ${from} --canary 5%`,
  )
  add(
    `Close ${from}, and leave it in place`,
    `${users ? `${users.cached} ${users.cached === 1 ? 'machine keeps' : 'machines keep'}` : 'Machines that found it in DNS keep'} it as the host that answered last, and look in DNS only when it does not answer. Each of them asks within ${renewalDays} days; closed, it is open again at once.`,
    `slmctl hosts show ${from} --events --hours 168  # before: who still asks`,
    `On ${from}: block TCP ${old?.port ?? 1688} in its firewall`,
    'slmctl fleet scan',
    `slmctl fleet list --host ${from}  # after ${renewalDays} days: nobody`,
  )
  add(
    `After ${remembered} days, take ${from} down`,
    'Until then it still counts its machines, so that the way back is short.',
    `On ${from}: slmgr /upk`,
    ...(domainNames.length > 0 ? ['slmctl hosts discover'] : []),
  )
  return steps
}

function backOf({ oldName, old, to, records }: Known): MoveStep[] {
  const from = old?.name ?? oldName
  return [
    {
      title: `Open ${from} again`,
      why: `It still counts the machines of the last ${remembered} days, so that it activates at once; after that it has to be warmed up as well.`,
      commands: [`Open TCP ${old?.port ?? 1688} in its firewall`, `slmctl hosts check ${from}`],
    },
    ...(records.some((r) => r.host === 'old')
      ? [
          {
            title: 'Publish it again',
            why: 'Machines that look in DNS find it.',
            commands: [`On ${from}: slmgr /sdns, or make its record by hand`, 'slmctl hosts discover'],
          },
        ]
      : []),
    {
      title: `Name ${from} under kms.hosts again, and take ${to.name} out`,
      why: `Then slmctl plans ${from} for the machines on which ${to.name} is set, where DNS does not name that one, either.`,
      commands: [`slmctl fleet plan --host ${to.name}`, `slmctl fleet apply --host ${to.name}`],
    },
  ]
}
