/** What the store of a fleet knows of KMS hosts: who uses them, what checks of them said. */
import type { HostProof } from '../activation.ts'
import { canonicalHost } from '../addresses.ts'
import {
  type CheckedHost,
  type CountPoint,
  countDays,
  type HostGroup,
  type HostUsers,
  type KnownHost,
  releaseOf,
  type Served,
  type Users,
} from '../hosts.ts'
import type { HostUse, KeptCount, SharedCmid, Store } from '../store.ts'
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
const { remembered } = countDays
const validMs = countDays.valid * dayMs
/** A machine that was not seen for longer may have renewed since. */
const freshMs = countDays.renewal * dayMs
const namesShown = 50

/** The names under which machines may know a host: its own, the first label of it, its addresses. */
export function hostNames(
  host: Pick<KnownHost, 'name'> & { readonly standing: Pick<KnownHost['standing'], 'addresses'> },
): readonly string[] {
  const name = canonicalHost(host.name)
  return [...new Set([name, ...(/^[\d.]+$|:/.test(name) ? [] : [name.split('.')[0]!]), ...host.standing.addresses.map(canonicalHost)])]
}

/** Reads every machine of the fleet that names a host; `whole`: also which of them share a CMID. */
export async function useOfHost(store: Store, host: Pick<KnownHost, 'name' | 'standing'>, now: number, whole = false): Promise<FleetUse> {
  const uses = await store.usesOfHost(hostNames(host))
  const systems = new Map<string, number>()
  const times: Record<'windows' | 'office', (number | null)[]> = { windows: [], office: [] }
  const machines = new Map<number, { readonly name: string; readonly server: boolean; byHand: boolean; byDns: boolean }>()
  let asOf = Number.POSITIVE_INFINITY
  for (const use of uses) {
    const one = machines.get(use.id) ?? { name: use.name, server: /server/i.test(use.system ?? ''), byHand: false, byDns: false }
    machines.set(use.id, one)
    one.byHand ||= use.byHand
    one.byDns ||= use.byDns
    asOf = Math.min(asOf, use.seenAt ?? 0)
    if (use.application !== 'other') times[use.application].push(askedAt(use, now))
    if (use.application === 'windows' && use.system !== null && releaseOf(use.system) !== null)
      systems.set(use.system, (systems.get(use.system) ?? 0) + 1)
  }
  const all = [...machines.values()]
  const pinned = all.filter((m) => m.byHand)
  const cached = all.filter((m) => !m.byHand && m.byDns)
  const users = (kind: 'windows' | 'office'): Users => ({ from: 'fleet', days: remembered, machines: times[kind] })
  return {
    users: {
      asOf: Number.isFinite(asOf) ? new Date(asOf).toISOString() : null,
      ...{ machines: all.length, pinned: pinned.length, cached: cached.length, otherwise: all.length - pinned.length - cached.length },
      ...{ windows: times.windows.length, servers: all.filter((m) => m.server).length, office: times.office.length },
      names: pinned.slice(0, namesShown).map((m) => m.name),
    },
    served: { systems, office: times.office.length, by: 'the fleet' },
    of: { windows: users('windows'), office: users('office') },
    shared: whole ? await sharedAmong(store, new Set(machines.keys())) : [],
  }
}

/** When a machine asked last: an activation by KMS holds 180 days from then. Null: not activated, or not seen of late. */
function askedAt({ seenAt, licensedUntil }: HostUse, now: number): number | null {
  return seenAt === null || seenAt < now - freshMs || licensedUntil === null ? null : licensedUntil - validMs
}

/** The machines that name a host, by the kind of product, as far as a forecast wants to know them: none is read by itself. */
export async function usersOfHost(store: Store, names: readonly string[], now: number): Promise<FleetUse['of']> {
  const times: Record<'windows' | 'office', (number | null)[]> = { windows: [], office: [] }
  const rows = await store.asksOfHost(names, { validMs, seenSince: now - freshMs, toldSince: now - 2 * freshMs })
  for (const { application, at, machines } of rows)
    if (application !== 'other') for (let i = 0; i < machines; i++) times[application].push(at)
  const users = (kind: 'windows' | 'office'): Users => ({ from: 'fleet', days: remembered, machines: times[kind] })
  return { windows: users('windows'), office: users('office') }
}

/** CMIDs that several machines of the fleet have, one of which names a host. */
export async function sharedAt(store: Store, names: readonly string[]): Promise<readonly SharedCmid[]> {
  const all: SharedCmid[] = []
  for await (const shared of rowsOf((after) => store.sharedCmids({ limit: 1000, after }))) all.push(shared)
  const naming = await store.namingHost(
    names,
    all.flatMap((s) => s.machines.map((m) => m.id)),
  )
  return all.filter((s) => s.machines.some((m) => naming.has(m.id)))
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

/** What is kept of one check beside the counts, which have a history of their own: nothing that changes with every request. */
export type KeptTold = {
  readonly system: string | null
  readonly build: number | null
  readonly keys: readonly Pick<HostGroup, 'name' | 'application' | 'partialKey' | 'state' | 'release'>[]
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
    const groups = h.said?.groups ?? []
    const told: KeptTold | null = h.said && {
      system: h.said.system,
      build: h.said.build,
      keys: groups.map(({ name, application, partialKey, state, release }) => ({ name, application, partialKey, state, release })),
    }
    await store.saveCheck({
      host,
      at,
      address: '',
      state: h.verdict,
      problem: h.problem,
      cause: h.cause,
      next: h.next,
      told,
      counts: groups,
    })
    for (const p of h.ports)
      await store.saveCheck({ host, at, address: p.address, state: p.state, problem: null, cause: p.seen, told: null })
  }
}

/** What is looked back on for a trend. */
export const lookedBackMs = 180 * dayMs

/** How the counts of a host stood, by its keys as `countKey` names them, oldest first. */
export async function countsOf(
  store: Store,
  host: Pick<KnownHost, 'name' | 'port'>,
  now: number,
): Promise<ReadonlyMap<string, readonly CountPoint[]>> {
  const { counts } = await store.hostHistory(canonicalHost(host.name), host.port, now - lookedBackMs)
  return pointsOf(counts)
}

/** Counts as a history, by their keys as `countKey` names them. */
export function pointsOf(counts: readonly KeptCount[]): ReadonlyMap<string, readonly CountPoint[]> {
  const found = new Map<string, CountPoint[]>()
  for (const c of counts) {
    if (c.count === null) continue
    const key = `${c.application} ${c.key}`
    const points = found.get(key) ?? []
    found.set(key, points)
    points.push({ from: c.from, last: c.last, count: c.count })
  }
  return found
}

/** By what the store tells the keys of a host from each other. */
export const countKey = (g: Pick<HostGroup, 'application' | 'partialKey' | 'name'>): string =>
  `${g.application} ${g.partialKey ?? g.name ?? g.application}`

/** Hosts that proved lately what they are: seen with a licensed host key by the latest check that asked them, within the time that a host remembers. */
export async function proofsOf(store: Store, now: number): Promise<readonly HostProof[]> {
  // The rows of a host are its own word and its ports; of a few, the latest word is among them.
  return (await store.hosts(50)).flatMap((k) => {
    const check = k.checks.find((c) => c.address === '' && c.told !== null)
    const keys = (check?.told as KeptTold | null | undefined)?.keys
    const licensed = Array.isArray(keys) && keys.some((g) => g.state === 'licensed')
    return check && licensed && check.last >= now - remembered * dayMs ? [{ name: k.name, at: new Date(check.last).toISOString() }] : []
  })
}
