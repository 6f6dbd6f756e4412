import { judge, type LoggedEvent } from '../activation.ts'
import { canonicalHost } from '../addresses.ts'
import type { Resolver } from '../directory.ts'
import { type Environment, eachMachine, factsOf } from '../engine.ts'
import {
  aboutDuplicate,
  aboutServed,
  aboutUse,
  type CheckedHost,
  type CountPoint,
  compared,
  countDays,
  type DomainAnswer,
  forecastOf,
  type GroupForecast,
  type HostRemark,
  type HostSaid,
  judgeHost,
  type KnownHost,
  knownHosts,
  type Move,
  meansHost,
  meantHosts,
  moveOf,
  releaseOf,
  requestsOf,
  type Served,
  type Story,
  saidByHost,
  seenClients,
  summed,
  tryPort,
  type Users,
  usersByLog,
} from '../hosts.ts'
import { type Problem, ProblemError, problem, type Site } from '../model.ts'
import type { Store } from '../store.ts'
import { type ObjectsFound, objectsIn } from './activation-objects.ts'
import type { DirectorySource } from './directories.ts'
import { logOf, storyFor } from './host-story.ts'
import { countKey, countsOf, type FleetUse, keepChecks, sharedInFleet, useOfHost } from './host-users.ts'

export type { CheckedHost, DomainAnswer, HostRemark, HostSaid, KnownHost }

/** What a check is to find out beyond the ports and what the hosts say of themselves. */
export type CheckWish = {
  /** How far back the hosts' logs are read; null: not at all. */
  readonly hours: number | null
  /** The machine whose requests are wanted, by name or CMID; null: all. */
  readonly client: string | null
  /** What if so many machines never ask again; null: nothing of it. */
  readonly retire: number | null
  /** Also what is to be expected of its counts, and who shares a CMID: for one host in full. */
  readonly whole: boolean
  /** Where the fleet is kept: it tells who uses a host, and keeps what was found. Null: there is none. */
  readonly store: Store | null
}

/** The KMS hosts of a site: found, and checked. */
export type KmsHosts = {
  readonly domains: readonly DomainAnswer[]
  /** Those that were meant, judged by what the site file and DNS say: nothing was sent to them. */
  readonly hosts: readonly CheckedHost[]
  /** Tries the ports and asks the hosts themselves, and what else is wished; results come as they are there, and are kept at the end. */
  readonly check: (wish: CheckWish, signal?: AbortSignal) => AsyncGenerator<CheckedHost>
  /** What happened between a machine and these hosts in the last hours, by the logs of both. */
  readonly story: (machine: string, hours: number, signal?: AbortSignal) => Promise<Story>
  /** Plans a move; HOST_NOT_AUTHORISED where the new host is none of the site. Nothing is changed. */
  readonly move: (from: string, to: string, store: Store | null, signal?: AbortSignal) => Promise<Move>
  /** Activation objects of a domain, with the machines of the fleet that use them. */
  readonly objects: (from: DirectorySource, store: Store | null) => Promise<ObjectsFound>
}

/** Hosts are few, and each of them is waited for at most some seconds. */
const atOnce = 8

/**
 * `reached` gives the name by which a host is asked over WinRM, or as this computer; null where nobody said how. Throws
 * HOST_NOT_AUTHORISED where a word means no host of the site.
 */
export async function openHosts(
  words: readonly string[],
  parts: {
    readonly site: Site
    readonly names: Resolver
    readonly environment: Environment
    readonly reached: (host: string) => string | null
  },
): Promise<KmsHosts> {
  const { site, environment, reached } = parts
  const known = await knownHosts(site, parts.names)
  const found = meantHosts(known.hosts, words).map((host) => ({ host, remarks: compared(host, site, known.domains) }))
  const hosts = found.map(({ host, remarks }) => ({ ...host, ...untouched, ...summed(remarks) }))
  const dnsAnswered = known.domains.length > 0 && known.domains.every((d) => d.problem === null)
  // A host with two ports is one machine.
  const asked = new Map<string, Promise<Asked>>()
  const askOnce = (name: string, signal?: AbortSignal) => {
    const answer = asked.get(canonicalHost(name)) ?? ask(name, environment, signal)
    asked.set(canonicalHost(name), answer)
    return answer
  }
  const clock = () => environment.clock().getTime()
  const check = async ({ host, remarks }: (typeof found)[number], wish: CheckWish, signal?: AbortSignal): Promise<CheckedHost> => {
    const ours = host.standing.verdict === 'authorised'
    const name = ours ? reached(host.name) : null
    const [ports, { said, problem }, use] = await Promise.all([
      Promise.all(ours ? host.standing.addresses.map((address) => tryPort(address, host.port, site)) : []),
      name === null ? { said: null, problem: null } : askOnce(name, signal),
      wish.store ? useOfHost(wish.store, host, clock(), wish.whole) : null,
    ])
    const hours = wish.hours ?? (wish.retire === null ? null : rememberedHours)
    const log = hours !== null && name !== null && said && said.groups.length > 0 ? await logOf('host', name, hours, environment) : null
    const events = log?.events ?? null
    const alive = ports.some((p) => p.state === 'rpc') || (said?.groups.some((g) => g.state === 'licensed') ?? false)
    const shared = wish.store && events ? await sharedInFleet(wish.store) : new Map()
    const served = use && use.users.machines > 0 ? use.served : events && servedByLog(events)
    return judgeHost(host, {
      ...{ ports, said, problem, dnsAnswered },
      requests: events && wish.hours !== null ? requestsOf(events, log!.unread, wish.hours, wish.client, shared) : null,
      logProblem: log?.problem ?? null,
      remarks: [
        ...remarks,
        ...(use ? aboutUse(host, use.users, alive) : []),
        // What the log tells of them, it tells itself, where its requests are shown.
        ...(use && (!events || wish.hours === null)
          ? use.shared.map((s) =>
              aboutDuplicate({ clientMachineId: s.cmid, clients: [], pool: s.pool, fleet: s.machines.map((m) => m.name) }),
            )
          : []),
        ...(said && served ? aboutServed(said, served) : []),
      ],
      forecast:
        said && wish.whole
          ? expected(said, wish.store ? await countsOf(wish.store, host, clock()) : new Map(), use, events, {
              hours,
              retire: wish.retire,
              now: clock(),
            })
          : [],
      users: use?.users ?? null,
    })
  }
  async function* checked(wish: CheckWish, signal?: AbortSignal): AsyncGenerator<CheckedHost> {
    const all: CheckedHost[] = []
    for await (const host of eachMachine(found, atOnce, (host) => check(host, wish, signal), signal)) {
      all.push(host)
      yield host
    }
    if (wish.store && all.length > 0) await keepChecks(wish.store, all, clock())
  }
  return {
    domains: known.domains,
    hosts,
    check: checked,
    story: (machine, hours, signal) => storyFor(machine, hours, { hosts: known.hosts, reached, environment, signal }),
    move: async (from, to, store, signal) => {
      const [target] = meantHosts(known.hosts, [to])
      if (target!.standing.verdict !== 'authorised')
        throw new ProblemError(
          problem('HOST_NOT_AUTHORISED', `${target!.name} cannot take over: ${target!.standing.because ?? 'it is not authorised.'}`, [
            'Declare its domain and network in the site file if they are yours.',
          ]),
        )
      const old = known.hosts.find((h) => meansHost(h, from)) ?? null
      const wish: CheckWish = { hours: null, client: null, retire: null, whole: false, store: null }
      const [checkedTo, checkedOld] = await Promise.all(
        [target!, old].map((host) => (host ? check({ host, remarks: compared(host, site, known.domains) }, wish, signal) : null)),
      )
      const nobody = { name: from, standing: { addresses: [], verdict: 'unknown', because: null } } as const
      const [users, usersOfNew] = store
        ? await Promise.all([useOfHost(store, old ?? nobody, clock()), useOfHost(store, target!, clock())])
        : [null, null]
      return moveOf({
        ...{ oldName: from, old: checkedOld ?? null, to: checkedTo!, domains: known.domains },
        ...{ users: users?.users ?? null, usersOfNew: usersOfNew?.users ?? null },
      })
    },
    objects: (from, store) => objectsIn(from, site, store, clock()),
  }
}

const untouched = { ports: [], said: null, problem: null, requests: null, forecast: [], users: null } as const
/** A host counts the machines of 30 days. */
const rememberedHours = 720

/** The systems that asked a host, as far as the products of its log tell. */
function servedByLog(events: readonly LoggedEvent[]): Served {
  const systems = new Map<string, number>()
  for (const product of seenProducts(events)) if (releaseOf(product) !== null) systems.set(product, (systems.get(product) ?? 0) + 1)
  return { systems, office: seenClients(events).filter((c) => c.application === 'office').length, by: 'its log' }
}

/** One for each machine and product. */
function seenProducts(events: readonly LoggedEvent[]): string[] {
  const found = new Map<string, string>()
  for (const r of requestsOf(events, 0, 1).latest) if (r.product !== null) found.set(`${r.clientMachineId} ${r.activationId}`, r.product)
  return [...found.values()]
}

/** What is to be expected of each key: its history, and who uses it, by the host's log where it was read, else by the fleet. */
function expected(
  said: HostSaid,
  counts: ReadonlyMap<string, readonly CountPoint[]>,
  use: FleetUse | null,
  events: readonly LoggedEvent[] | null,
  of: { readonly hours: number | null; readonly retire: number | null; readonly now: number },
): readonly GroupForecast[] {
  const clients = events ? seenClients(events) : null
  const oldest = events?.reduce((at, e) => (e.loggedAt === null ? at : Math.min(at, Date.parse(e.loggedAt))), of.now) ?? of.now
  const days = Math.floor((of.now - oldest) / 86_400_000)
  const usersOf = (application: string): Users | null => {
    const fleet = use && (application === 'windows' || application === 'office') ? use.of[application] : null
    const log = clients && of.hours === rememberedHours ? usersByLog(clients, application, days) : null
    // A log that is cut knows less than the host; of two that know a part, the one that knows more.
    const best = log && (log.days >= countDays.remembered - 1 || log.machines.length >= (fleet?.machines.length ?? 0)) ? log : fleet
    return best && best.machines.length > 0 ? best : null
  }
  return said.groups.map((g) => {
    const before = counts.get(countKey(g)) ?? []
    const last = before.at(-1)
    const history =
      g.count === null
        ? before
        : last?.count === g.count
          ? [...before.slice(0, -1), { ...last, last: of.now }]
          : [...before, { from: of.now, last: of.now, count: g.count }]
    return forecastOf(g, { history, users: usersOf(g.application), retire: of.retire, now: of.now })
  })
}

type Asked = { readonly said: HostSaid | null; readonly problem: Problem | null }

async function ask(name: string, environment: Environment, signal?: AbortSignal): Promise<Asked> {
  const read = factsOf(
    [name],
    environment,
    (facts) => saidByHost(facts, judge(facts, environment.site, environment.clock().toISOString())),
    signal,
  )
  for await (const { result } of read) return result.ok ? { said: result.value, problem: null } : { said: null, problem: result.problem }
  return { said: null, problem: null }
}
