/** What the store of a fleet knows of KMS hosts: who uses them, what checks of them said. */
import { canonicalHost } from '../addresses.ts'
import { numberOf } from '../catalogue.ts'
import {
  type CheckedHost,
  type CountPoint,
  groupName,
  type HostGroup,
  type HostUsers,
  type KnownHost,
  releaseOf,
  type Served,
  type Users,
} from '../hosts.ts'
import type { KeptHost, MachineLine, ProductLine, SharedCmid, Store } from '../store.ts'
import { rowsOf } from './fleet.ts'

/** What the machines of a fleet have to do with one host. */
export type FleetUse = {
  readonly users: HostUsers
  readonly served: Served
  /** By the kind of product. */
  readonly of: Readonly<Record<'windows' | 'office', Users>>
  /** CMIDs that several of them have. */
  readonly shared: readonly SharedCmid[]
}

const dayMs = 86_400_000
const remembered = numberOf('count.windowDays')
const validMs = numberOf('validity.days') * dayMs
/** A machine that was not seen for longer may have renewed since. */
const freshMs = (numberOf('renewal.defaultMinutes') / 1440) * dayMs
const namesShown = 50

/** The names under which machines may know a host: its own, the first label of it, its addresses. */
function namesOf(host: Pick<KnownHost, 'name' | 'standing'>): readonly string[] {
  const name = canonicalHost(host.name)
  return [...new Set([name, ...(/^[\d.]+$|:/.test(name) ? [] : [name.split('.')[0]!]), ...host.standing.addresses.map(canonicalHost)])]
}

/** Reads every machine of the fleet that names a host. */
export async function useOfHost(store: Store, host: Pick<KnownHost, 'name' | 'standing'>, now: number): Promise<FleetUse> {
  const names = new Set(namesOf(host))
  const machines = new Map<number, MachineLine>()
  for (const name of names)
    for await (const m of rowsOf((after) => store.list({ host: name }, { limit: 1000, after }))) machines.set(m.id, m)
  const systems = new Map<string, number>()
  const times: Record<'windows' | 'office', (number | null)[]> = { windows: [], office: [] }
  const count = { pinned: 0, cached: 0, otherwise: 0, servers: 0 }
  const pinned: string[] = []
  let asOf = Number.POSITIVE_INFINITY
  for (const m of machines.values()) {
    const own = m.products.filter((p) => p.host !== null && names.has(canonicalHost(p.host)))
    if (own.length === 0) continue
    const found = new Set(own.map((p) => p.hostFound))
    const how = found.has('override') ? 'pinned' : found.has('dns') || found.has('cache') ? 'cached' : 'otherwise'
    count[how]++
    if (how === 'pinned' && pinned.length < namesShown) pinned.push(m.name)
    if (/server/i.test(m.system ?? '')) count.servers++
    asOf = Math.min(asOf, m.seenAt ?? 0)
    for (const kind of ['windows', 'office'] as const) {
      const some = own.filter((p) => p.application === kind && !p.addOn)
      if (some.length > 0) times[kind].push(askedAt(some, m.seenAt, now))
    }
    if (m.system !== null && releaseOf(m.system) !== null && own.some((p) => p.application === 'windows'))
      systems.set(m.system, (systems.get(m.system) ?? 0) + 1)
  }
  const users = (kind: 'windows' | 'office'): Users => ({ from: 'fleet', days: remembered, machines: times[kind] })
  const { servers, ...how } = count
  return {
    users: {
      asOf: Number.isFinite(asOf) ? new Date(asOf).toISOString() : null,
      machines: how.pinned + how.cached + how.otherwise,
      ...how,
      ...{ windows: times.windows.length, servers, office: times.office.length, names: pinned },
    },
    served: { systems, office: times.office.length, by: 'the fleet' },
    of: { windows: users('windows'), office: users('office') },
    shared: await sharedAmong(store, new Set(machines.keys())),
  }
}

/** When a machine asked last: an activation by KMS holds 180 days from then. Null: not activated, or not seen of late. */
function askedAt(products: readonly ProductLine[], seenAt: number | null, now: number): number | null {
  if (seenAt === null || seenAt < now - freshMs) return null
  const ends = products.flatMap((p) => (p.state === 'licensed' && p.expiresAt !== null ? [p.expiresAt - validMs] : []))
  return ends.length === 0 ? null : Math.max(...ends)
}

async function sharedAmong(store: Store, ids: ReadonlySet<number>): Promise<readonly SharedCmid[]> {
  const found: SharedCmid[] = []
  for await (const shared of rowsOf((after) => store.sharedCmids({ limit: 1000, after })))
    if (shared.machines.some((m) => ids.has(m.id))) found.push(shared)
  return found
}

/** Every CMID that several machines of the fleet have. */
export async function sharedInFleet(store: Store): Promise<ReadonlyMap<string, SharedCmid>> {
  const found = new Map<string, SharedCmid>()
  for await (const shared of rowsOf((after) => store.sharedCmids({ limit: 1000, after }))) found.set(shared.cmid, shared)
  return found
}

/** What is kept of one check: what a history, a forecast and a proof need, and nothing that changes with every request. */
type KeptTold = {
  readonly system: string | null
  readonly build: number | null
  readonly groups: readonly (Pick<HostGroup, 'name' | 'application' | 'partialKey' | 'state' | 'count' | 'release'> & object)[]
}

/** Keeps what a check of hosts found. The word of the host itself has no address; each port that was tried has its own. */
export async function keepChecks(store: Store, hosts: readonly CheckedHost[], at: number): Promise<void> {
  const ids = await store.saveHosts(
    hosts.map((h) => ({
      name: h.name,
      port: h.port,
      sources: [...(h.declared ? ['site'] : []), ...h.publishedBy.map((domain) => `dns _vlmcs._tcp.${domain}`)],
    })),
    at,
  )
  for (const [i, h] of hosts.entries()) {
    const host = ids[i]!
    const told: KeptTold | null = h.said && {
      system: h.said.system,
      build: h.said.build,
      groups: h.said.groups.map(({ name, application, partialKey, state, count, release }) => ({
        ...{ name, application, partialKey, state, count, release },
      })),
    }
    await store.saveCheck({ host, at, address: '', state: h.verdict, problem: h.problem, told })
    for (const p of h.ports) await store.saveCheck({ host, at, address: p.address, state: p.state, problem: null, told: null })
  }
}

/** So many rows of a host reach back for months: a row is written where something changed. */
const rowsRead = 500

/** Hosts as the store knows them, with their checks. */
export const keptHosts = (store: Store): Promise<readonly KeptHost[]> => store.hosts(rowsRead)

function toldOf(value: unknown): KeptTold | null {
  const groups = (value as { groups?: unknown } | null)?.groups
  return Array.isArray(groups) ? (value as KeptTold) : null
}

/** How the counts of a host stood, by its keys, oldest first. */
export function countsOf(kept: readonly KeptHost[], host: Pick<KnownHost, 'name' | 'port'>): ReadonlyMap<string, readonly CountPoint[]> {
  const found = new Map<string, CountPoint[]>()
  const own = kept.find((k) => canonicalHost(k.name) === canonicalHost(host.name) && k.port === host.port)
  for (const check of own?.checks.filter((c) => c.address === '').toReversed() ?? [])
    for (const g of toldOf(check.told)?.groups ?? []) {
      if (g.count === null) continue
      const points = found.get(groupName(g)) ?? []
      found.set(groupName(g), points)
      const last = points.at(-1)
      if (last?.count === g.count) points[points.length - 1] = { ...last, last: check.last }
      else points.push({ from: check.from, last: check.last, count: g.count })
    }
  return found
}

/** A host of which a check saw a licensed KMS host key; `at` is when it was seen last (ISO 8601). */
export type HostProof = { readonly name: string; readonly at: string }

/** Hosts that proved lately what they are: seen with a licensed host key by the latest check, within the time that a host remembers. */
export function proofsOf(kept: readonly KeptHost[], now: number): readonly HostProof[] {
  return kept.flatMap((k) => {
    const check = k.checks.find((c) => c.address === '' && toldOf(c.told) !== null)
    const licensed = toldOf(check?.told)?.groups.some((g) => g.state === 'licensed')
    return check && licensed && check.last >= now - remembered * dayMs ? [{ name: k.name, at: new Date(check.last).toISOString() }] : []
  })
}
