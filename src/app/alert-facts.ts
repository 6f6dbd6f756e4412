/** What alerts are made of, out of what is kept of a fleet: nothing is asked of a machine, a host or DNS. */

import { canonicalHost } from '../addresses.ts'
import type { AlertFacts, HostFact, Rules } from '../alerts.ts'
import { settingsOf } from '../campaigns.ts'
import type { Site } from '../model.ts'
import type { Store } from '../store.ts'
import { rowsOf } from './fleet.ts'
import { keptHosts, type SeenHost, standingOf } from './kept-hosts.ts'

const dayMs = 86_400_000
/** A campaign that was stopped longer ago is nobody's surprise; and a list of them has an end. */
const stoppedWithinMs = 30 * dayMs
const campaignsLooked = 1000

/** The facts that the rules want; what no rule wants is not counted. */
export async function alertFacts(store: Store, site: Site | null, rules: Rules, now: number): Promise<AlertFacts> {
  const seen = rules.hostDown || rules.underThreshold ? (await keptHosts(store, site, now)).filter((h) => h.declared) : []
  // Whether a host is down is told by its own rule; where that is off, what ends by it is told with the rest.
  const dead = new Set(rules.hostDown ? seen.filter((h) => standingOf(h) === 'down').flatMap(namesOf) : [])
  const ends = rules.daysLeft === null ? null : await ending(store, now, rules.daysLeft, dead)
  return {
    ending: ends,
    hosts: seen.map((h) => hostFact(h, ends?.byHost ?? new Map())),
    foreign: rules.foreign ? await foreign(store) : null,
    campaigns: rules.campaignStopped ? await campaigns(store, now) : null,
    notScanned: rules.notScannedDays === null ? null : await notScanned(store, now - rules.notScannedDays * dayMs),
  }
}

/** The names by which machines may mean a host: its own, the first label of it, its addresses. */
function namesOf({ name, ports }: SeenHost): readonly string[] {
  const own = canonicalHost(name)
  return [own, ...(/^[\d.]+$|:/.test(own) ? [] : [own.split('.')[0]!]), ...ports.map((p) => canonicalHost(p.address))]
}

function hostFact(h: SeenHost, ends: ReadonlyMap<string, ReadonlySet<number>>): HostFact {
  const standing = standingOf(h)
  const machines = new Set(namesOf(h).flatMap((name) => [...(ends.get(name) ?? [])]))
  return {
    ...{ name: h.name, port: h.port, down: standing === null ? null : standing === 'down', checkedAt: h.checkedAt },
    // Of several ports, the one that fell silent last. Where none was tried, nothing tells since when.
    since: standing === 'down' ? Math.max(0, ...h.ports.flatMap((p) => (p.state === 'not-tried' ? [] : [p.since]))) || null : null,
    // A machine with Windows and Office by the same host is one machine: the larger number is the surer one.
    clients: Math.max(0, ...h.clients.map((c) => c.machines)),
    ending: machines.size,
    groups: h.groups.map((g) => ({
      key: g.key,
      application: g.application,
      name: g.name,
      count: g.count,
      thresholds: g.thresholds,
      at: g.at,
    })),
  }
}

/** Machines with something that ends; `byHost`: of hosts that are down, who. */
async function ending(store: Store, now: number, days: number, dead: ReadonlySet<string>) {
  const before = now + days * dayMs
  const byHost = new Map<string, Set<number>>()
  const [first] = (await store.expiring({ from: now, before }, { limit: 1, after: null })).rows
  const firstAt = first?.expiresAt ?? null
  if (dead.size === 0) {
    const [machines, ended] = await Promise.all([store.count({ endsBefore: before }), store.count({ endsBefore: now })])
    return { machines, ended, firstAt, byHost }
  }
  const others = new Set<number>()
  const ended = new Set<number>()
  for await (const line of rowsOf((after) => store.expiring({ from: 0, before }, { limit: 1000, after }))) {
    const host = line.host === null ? null : canonicalHost(line.host)
    if (host !== null && dead.has(host)) {
      const of = byHost.get(host) ?? new Set()
      byHost.set(host, of)
      of.add(line.machine)
      continue
    }
    others.add(line.machine)
    if (line.expiresAt < now) ended.add(line.machine)
  }
  return { machines: others.size, ended: ended.size, firstAt, byHost }
}

async function foreign(store: Store): Promise<AlertFacts['foreign']> {
  const machines = await store.count({ productOrigin: ['foreign'] })
  if (machines === 0) return { machines, hosts: [] }
  const groups = await store.byOrigin()
  return { machines, hosts: groups.flatMap((g) => (g.origin === 'foreign' && g.host !== null ? [g.host] : [])) }
}

async function campaigns(store: Store, now: number): Promise<AlertFacts['campaigns']> {
  const stopped = await store.campaigns({ state: 'stopped', limit: campaignsLooked })
  const told = stopped.filter((c) => c.because !== null && c.changedAt > now - stoppedWithinMs)
  const facts: NonNullable<AlertFacts['campaigns']>[number][] = []
  for (const c of told) {
    const rows = await store.progress(c.id)
    const left = rows.reduce((n, row) => (row.state === 'waiting' || row.state === 'leased' ? n + row.count : n), 0)
    facts.push({
      ...{ id: c.id, kind: c.kind, selection: settingsOf(c.settings).selection, stopped: true, because: c.because },
      ...{ changedAt: c.changedAt, left },
    })
  }
  return facts
}

/** Those that answered once; what never did is said beside it: it may have come in a minute ago. */
async function notScanned(store: Store, before: number): Promise<AlertFacts['notScanned']> {
  const [old, { machines }] = await Promise.all([store.count({ seenBefore: before }), store.counts()])
  return { machines: Math.max(0, old - machines.never), never: machines.never, listed: machines.listed }
}
