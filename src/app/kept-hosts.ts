/** KMS hosts as they were seen last, out of what is kept: nothing is asked of a host, a machine or DNS. */
import { canonicalHost, inDomains } from '../addresses.ts'
import type { HostSeen } from '../engine.ts'
import { type Application, type Problem, remarkedOrigins, type Site } from '../model.ts'
import { causeKey, type HostClients, type KeptCheck, type KeptCount, type KeptHost, type Store } from '../store.ts'
import type { KeptTold } from './host-users.ts'

/** One host key of a host. `state` null: it was not told. */
export type SeenGroup = {
  readonly application: Application
  readonly name: string | null
  readonly key: string
  readonly partialKey: string | null
  readonly release: string | null
  readonly state: string | null
  readonly count: number | null
  readonly thresholds: readonly { readonly of: string; readonly count: number }[]
  readonly total: number | null
  readonly failed: number | null
  /** When it was counted, ms: of a host that is silent now, earlier than it was checked. */
  readonly at: number
}

export type SeenPort = { readonly address: string; readonly state: string; readonly since: number; readonly at: number }
export type SeenClients = Omit<HostClients, 'host' | 'port'>

/** A KMS host as it was seen last. Times are ms since 1970. */
export type SeenHost = {
  readonly name: string
  readonly port: number
  /** `site`, `dns corp.example`, `clients`: where it is named. */
  readonly sources: readonly string[]
  /** The site file names it, or a domain of the site publishes it. */
  readonly declared: boolean
  /** The verdict of the latest check; null: never checked. */
  readonly state: string | null
  /** Why it could not be asked. */
  readonly problem: Problem | null
  readonly checkedAt: number | null
  /** Since when it is in this state. */
  readonly since: number | null
  /** Why it is in this state, in one sentence; null: it is as it should be, or an older slmctl did not keep it. */
  readonly cause: string | null
  /** Since when that is the cause. */
  readonly causeSince: number | null
  /** What to try. */
  readonly next: readonly string[]
  /** An RPC server answers at one of its addresses; null: no port was tried. */
  readonly alive: boolean | null
  readonly system: string | null
  readonly ports: readonly SeenPort[]
  readonly groups: readonly SeenGroup[]
  /** Machines of the fleet that name it, by the kind of product. */
  readonly clients: readonly SeenClients[]
}

/** More checks than a host has ports: its latest word is among them, and since when it is the same. */
const checksLooked = 50
/** Names of hosts that nobody but the machines knows: the ones that most of them name. */
const unknownShown = 20
/** The port where nothing else is said. */
const usualPort = 1688
/** Days within which an end is soon. */
export const endsSoonDays = 14

/** All machines are gone through for it, and not anew at every look. */
const hourOf = (now: number) => Math.ceil(now / 3_600_000) * 3_600_000

/** All KMS hosts that the site file, DNS or the machines name, as they were seen last: those of the site first, then by name. */
export async function keptHosts(store: Store, site: Site | null, now: number): Promise<readonly SeenHost[]> {
  const [kept, clients] = await Promise.all([store.hosts(checksLooked), store.clientsByHost({ now: hourOf(now), days: endsSoonDays })])
  const known = withSite(kept, site)
  const { of, others } = assigned(known, clients)
  const unknown = await unknownHosts(store, others)
  const hosts: SeenHost[] = []
  for (const host of known) {
    const seen = await seenHost(store, host, site, of.get(host) ?? [])
    // What no longer is in the site file or DNS, and nobody asks any more, is history.
    if (site === null || seen.declared || seen.clients.length > 0) hosts.push(seen)
  }
  for (const { name, port, clients } of unknown)
    hosts.push({
      ...{ name, port, sources: ['clients'], declared: false, state: null, problem: null, checkedAt: null, since: null, alive: null },
      ...{ cause: null, causeSince: null, next: [], system: null, ports: [], groups: [], clients },
    })
  const order = (h: SeenHost) => `${h.declared ? 0 : 1}${h.name} ${h.port}`
  return hosts.sort((a, b) => (order(a) < order(b) ? -1 : 1))
}

/** A host that is kept, or that the site file names and nobody checked yet. */
type Known = Pick<KeptHost, 'name' | 'port' | 'sources' | 'checks'>

function withSite(kept: readonly KeptHost[], site: Site | null): readonly Known[] {
  const has = (name: string, port: number) => kept.some((k) => canonicalHost(k.name) === canonicalHost(name) && k.port === port)
  const fresh = (site?.kmsHosts ?? []).filter((h) => !has(h.name, h.port))
  return [...kept, ...fresh.map((h): Known => ({ name: canonicalHost(h.name), port: h.port, sources: ['site'], checks: [] }))]
}

/** The names under which machines may know a host: its own, the first label of it, the addresses that were tried. */
function namesOf({ name, checks }: Known): readonly string[] {
  const own = canonicalHost(name)
  return [
    own,
    ...(/^[\d.]+$|:/.test(own) ? [] : [own.split('.')[0]!]),
    ...checks.flatMap((c) => (c.address ? [canonicalHost(c.address)] : [])),
  ]
}

/** Which host the words of machines mean; what means none is named apart. */
function assigned(known: readonly Known[], clients: readonly HostClients[]) {
  const byName = new Map<string, Known[]>()
  for (const host of known) for (const name of new Set(namesOf(host))) byName.set(name, [...(byName.get(name) ?? []), host])
  const of = new Map<Known, HostClients[]>()
  const others: HostClients[] = []
  for (const row of clients) {
    const meant = byName.get(canonicalHost(row.host)) ?? []
    const host = meant.find((h) => h.port === (row.port ?? usualPort)) ?? meant[0]
    if (host) of.set(host, [...(of.get(host) ?? []), row])
    else others.push(row)
  }
  return { of, others }
}

/** Hosts that machines name and that are neither in the site file, nor in DNS, nor a cloud's own: those that most of them name. */
async function unknownHosts(store: Store, rows: readonly HostClients[]) {
  const named = new Map<string, { name: string; port: number; rows: HostClients[] }>()
  for (const row of rows) {
    const one = named.get(row.host) ?? { name: row.host, port: row.port ?? usualPort, rows: [] }
    named.set(row.host, one)
    one.rows.push(row)
  }
  const most = [...named.values()].map((n) => ({ ...n, clients: together(n.rows) }))
  most.sort((a, b) => Math.max(...b.clients.map((c) => c.machines)) - Math.max(...a.clients.map((c) => c.machines)))
  if (most.length === 0) return []
  // The rules say whose a host is, not this list: a name of the clouds, or of our own DNS, is not unknown.
  const doubted = new Set((await store.byOrigin()).flatMap((p) => (remarkedOrigins.some((origin) => origin === p.origin) ? [p.host] : [])))
  return most.filter((host) => doubted.has(host.name)).slice(0, unknownShown)
}

/** Rows of one host together, by the kind of product. A machine that names it in two ways counts twice. */
function together(rows: readonly HostClients[]): readonly SeenClients[] {
  const found = new Map<Application, { -readonly [K in keyof SeenClients]: SeenClients[K] }>()
  for (const { host: _, port: __, ...row } of rows) {
    const sum = found.get(row.application)
    if (!sum) found.set(row.application, { ...row })
    else {
      for (const n of ['machines', 'licensed', 'inGrace', 'ending'] as const) sum[n] += row[n]
      sum.lastRenewal = Math.max(sum.lastRenewal ?? 0, row.lastRenewal ?? 0) || null
    }
  }
  return [...found.values()].sort((a, b) => (a.application < b.application ? 1 : -1))
}

async function seenHost(store: Store, host: Known, site: Site | null, rows: readonly HostClients[]): Promise<SeenHost> {
  const words = host.checks.filter((c) => c.address === '')
  const word = words[0] ?? null
  const told = words.find((c) => c.told !== null) ?? null
  const counts = told ? (await store.hostHistory(host.name, host.port, told.last)).counts : []
  const ports = portsOf(host.checks, word)
  const tried = ports.filter((p) => p.state !== 'not-tried')
  return {
    ...{ name: host.name, port: host.port, sources: sourcesOf(host, site), declared: isDeclared(host, site) },
    ...{ state: word?.state ?? null, problem: word?.problem ?? null, checkedAt: word?.last ?? null },
    since: word && sinceOf(words, (c) => c.state),
    ...{
      cause: word?.cause ?? null,
      causeSince: word?.cause ? sinceOf(words, (c) => (c.cause === null ? null : causeKey(c.cause))) : null,
      next: word?.next ?? [],
    },
    alive: tried.length === 0 ? null : tried.some((p) => p.state === 'rpc'),
    system: toldBy(told)?.system ?? null,
    ports,
    groups: told ? groupsOf(counts, told) : [],
    clients: together(rows),
  }
}

/** Where a host is named: by the site file as it is now, and by DNS as it was when it was listed last. */
function sourcesOf({ name, port, sources }: Known, site: Site | null): readonly string[] {
  const dns = sources.flatMap((s) => (s.startsWith('dns ') ? [`dns ${s.slice(4).replace(/^_vlmcs\._tcp\./, '')}`] : []))
  const listed = site
    ? site.kmsHosts.some((h) => canonicalHost(h.name) === canonicalHost(name) && h.port === port)
    : sources.includes('site')
  return [...(listed ? ['site'] : []), ...dns]
}

const isDeclared = (host: Known, site: Site | null): boolean =>
  sourcesOf(host, site).some((s) => s === 'site' || site === null || inDomains(s.slice('dns '.length), site.domains))

/** Since when checks, newest first, say the same. */
function sinceOf(checks: readonly KeptCheck[], what: (check: KeptCheck) => string | null): number {
  const other = checks.findIndex((c) => what(c) !== what(checks[0]!))
  return checks[(other === -1 ? checks.length : other) - 1]!.from
}

/** The ports of the latest check. */
function portsOf(checks: readonly KeptCheck[], word: KeptCheck | null): readonly SeenPort[] {
  const byAddress = Map.groupBy(
    checks.filter((c) => c.address !== ''),
    (c) => c.address,
  )
  return [...byAddress.values()].flatMap((of) => {
    const [latest] = of
    const now = word === null || latest!.last >= word.last
    return now ? [{ address: latest!.address, state: latest!.state, since: sinceOf(of, (c) => c.state), at: latest!.last }] : []
  })
}

const toldBy = (check: KeptCheck | null) => check?.told as KeptTold | null | undefined

/** Its keys, as the latest check told them that was answered. */
function groupsOf(counts: readonly KeptCount[], told: KeptCheck): readonly SeenGroup[] {
  const keys = toldBy(told)?.keys ?? []
  return counts
    .filter((c) => c.last >= told.last)
    .map(({ application, name, key, count, thresholds, total, failed, last }) => {
      const of = keys.find((k) => k.application === application && [k.partialKey, k.name, k.application].includes(key))
      return {
        ...{ application, name, key, count, thresholds, total, failed, at: last },
        ...{ partialKey: of?.partialKey ?? null, release: of?.release ?? null, state: of?.state ?? null },
      }
    })
}

/**
 * Whether a host does its work as far as its latest check tells: `up` where an RPC server answers or it showed a licensed host key;
 * `down` where its ports were tried or it was asked, and neither came back; null where nobody checked, or nothing could be tried.
 */
export function standingOf(host: Pick<SeenHost, 'alive' | 'checkedAt' | 'groups' | 'problem'>): 'up' | 'down' | null {
  if (host.checkedAt === null) return null
  if (host.alive === true || host.groups.some((g) => g.at >= host.checkedAt! && g.state === 'licensed')) return 'up'
  return host.alive === false || host.problem !== null ? 'down' : null
}

/** A client that has no answer tries again after two hours; what was found earlier may well be otherwise by now. */
const seenValidMs = 2 * 3_600_000

/** What the latest checks found of hosts, as a plan wants to know it: only of those that were checked within two hours. */
export async function hostsSeen(store: Store, now: number): Promise<readonly HostSeen[]> {
  return (await store.hosts(checksLooked)).flatMap(({ name, port, checks }): HostSeen[] => {
    const word = checks.find((c) => c.address === '') ?? null
    if (word === null || word.last < now - seenValidMs) return []
    const tried = portsOf(checks, word).filter((p) => p.state !== 'not-tried')
    const licensed = toldBy(word)?.keys.some((k) => k.state === 'licensed') ?? false
    const at = new Date(word.last).toISOString()
    if (licensed || tried.some((p) => p.state === 'rpc')) return [{ name, port, state: 'up', at }]
    // From here alone it may not be reached; what refuses, or is something else, activates nobody.
    if (tried.length > 0 && tried.every((p) => p.state === 'refused' || p.state === 'other')) return [{ name, port, state: 'refused', at }]
    return tried.length > 0 || word.problem !== null ? [{ name, port, state: 'silent', at }] : []
  })
}

/** The same, looked at anew once a minute: a campaign plans a hundred machines a second. */
export function hostsSeenNow(store: Store, clock: () => number): () => Promise<readonly HostSeen[]> {
  let known: { readonly at: number; readonly seen: Promise<readonly HostSeen[]> } | null = null
  return () => {
    const now = clock()
    if (known === null || now - known.at >= 60_000 || now < known.at) {
      known = { at: now, seen: hostsSeen(store, now) }
      // What failed is asked again.
      known.seen.catch(() => {
        known = null
      })
    }
    return known.seen
  }
}

/** Since when a host that is down is silent: of its ports, the one that fell silent last. */
export const silentSince = ({ ports, since }: Pick<SeenHost, 'ports' | 'since'>): number | null =>
  Math.max(0, ...ports.filter((p) => p.state !== 'not-tried').map((p) => p.since)) || since
