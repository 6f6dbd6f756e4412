import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { CallRecord } from './answer.ts'
import { type Issued, newAuthority } from './certificate.ts'
import { chance } from './chance.ts'
import { classesAt } from './classes.ts'
import { gather } from './crowd.ts'
import { type LdapServer, openLdap } from './directory/server.ts'
import { plant } from './directory/tree.ts'
import { type Dns, openDns } from './dns.ts'
import type { Fault } from './faults.ts'
import { live, type Mak, type Maks } from './licensing.ts'
import { changeHost, hostCalled, openNetwork, usualNetwork } from './network.ts'
import type { CallCount, CallCounts, Lab, LabMachine, LabOptions } from './option.ts'
import { openPast } from './past.ts'
import { registryOf } from './registry.ts'
import {
  type Absence,
  addressesOfPlace,
  addressOf,
  awayAtFirst,
  chosen,
  type Entry,
  hostMachines,
  named,
  placeOf,
  places,
  withStory,
} from './roster.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { systems } from './scenarios/systems.ts'
import { scenarios } from './scenarios/table.ts'
import { type Account, type Endpoint, type House, hashesOf, openHub } from './server.ts'
import { siteYaml } from './site.ts'
import { classOf, instances, type Now } from './store.ts'

/** Accounts of a lab where none are given. Its password protects nothing. */
export const usualAccounts: readonly Account[] = [
  { user: 'slmctl', password: 'Lab-Passw0rd!', domain: 'CORP' },
  { user: 'Administrator', password: 'Lab-Passw0rd!', domain: null },
]

/** Up to so many each machine has a port of its own. */
const mostWithOwnPorts = 500
/** The KMS host that is dead in a story. */
const storyHost = 'kms2.corp.example'
/** Up to so many machines a host's log knows of everything that they did since the lab began; beyond, of those that were asked. */
const mostLived = 5000
/** Third byte of the addresses at which somebody takes connections and is silent, and of those where nobody listens. */
const silentNet = 254
const deadNet = 255

const dayMs = 86_400_000

export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const seed = String(options.seed ?? 1)
  const address = options.address ?? '127.0.0.1'
  allow(address)
  const random = chance(seed)
  const network = openNetwork(options.network ?? usualNetwork)
  const dead = options.story ? network.hosts.find((h) => h.name === storyHost) : undefined
  if (dead) dead.up = false
  const accounts = options.accounts ?? usualAccounts
  const clock = options.clock ?? Date.now
  const maks: Maks = new Map(
    Object.entries(options.maks ?? {}).map(([hash, m]): [string, Mak] => [
      hash.toLowerCase(),
      { licence: m.licence, left: m.activations ?? 50 },
    ]),
  )
  let minute = 0
  const now = (): Now => ({ minute, clockMs: clock() })
  let settled = 0
  const settle = (endpoint: Endpoint) => {
    // What a host has counted and written down, its clients have done: they live first.
    if (settled < minute && wanted.length <= mostLived && hostCalled(network, endpoint.responder.machine.name)) {
      settled = minute
      for (const { name } of wanted) live(called(name).responder.machine, minute, maks)
    }
    live(endpoint.responder.machine, minute, maks)
  }
  const authority = newAuthority('slmctl lab authority', new Date(clock()))
  const hub = openHub(now, settle, maks, address, options.onExchange)

  const count = options.machines?.length ?? options.count ?? 0
  const spread = options.spread ?? (count > mostWithOwnPorts && options.address === undefined)
  const plain = options.machines ?? chosen(options, random)
  const withPorts = new Set(options.hosts ? network.hosts.map((h) => h.name) : [])
  const wanted = named([...(options.story ? withStory(plain) : plain), ...(options.hosts ? hostMachines(network.hosts) : [])], spread)
  const house: House = {
    accounts,
    hashes: hashesOf(accounts),
    keytab: options.kerberosKeytab ?? null,
    clientAuthority: options.clientCertificates ? authority.pem : null,
    cbtHardening: options.cbtHardening ?? 'strict',
    answerAfterMs: options.answerAfterMs ?? 0,
  }
  // Where somebody is away is known without making the machine: who was switched on or off by hand, and the rest by the seed.
  const switched = new Map<string, Absence | null>()
  const absence = (name: string): Absence | null => {
    const by = switched.get(name.toLowerCase())
    return by !== undefined ? by : awayAtFirst(seed, name, spread ? options.off : 0)
  }
  const crowd = gather(
    wanted,
    options,
    { network, seed, house, apart: spread, away: (name) => absence(name) !== null },
    spread ? (options.awake ?? 2000) : Number.POSITIVE_INFINITY,
  )
  network.past = openPast(wanted, seed, network, spread)
  const called = (name: string): Endpoint => {
    const found = crowd.find(name)
    if (!found) throw new Error(`The lab has no machine called ${name}.`)
    return found
  }

  let dns: Dns | null = null
  const directories: LdapServer[] = []
  const close = async () => {
    await hub.stop()
    await Promise.all([...crowd.ready()].map((e) => hub.close(e)))
    await Promise.all(directories.map((d) => d.close()))
    await dns?.close()
  }
  let shared: { readonly http: number; readonly https: number | null } | null = null
  let whereIs: (name: string) => string = () => address
  try {
    let port = options.basePort ?? 0
    const next = () => (port === 0 ? 0 : port++)
    if (spread) {
      const grid = await openGrid(options.address ?? null, (addresses, silent) =>
        hub.share(
          { find: crowd.find, certify: (endpoint) => issue(endpoint, endpoint.faults.look('certificate')?.how ?? null) },
          addresses,
          { http: next(), https: options.https ? next() : null },
          silent,
        ),
      )
      shared = grid.ports
      whereIs = (name) =>
        withPorts.has(name.toLowerCase()) ? address : grid.where(seed, name, absence(name) ?? (crowd.peek(name)?.away ? 'refused' : null))
    }
    // A KMS host's name leads to the address that the site knows it by: it has a port of its own, as all machines of a small lab.
    const alone = spread ? wanted.filter((m) => withPorts.has(m.name.toLowerCase())) : wanted
    await Promise.all(
      alone.map(({ name }) => {
        const endpoint = called(name)
        const https = options.https === true || endpoint.responder.machine.domain === null
        if (https) endpoint.certificate = issue(endpoint, null)
        return hub.open(endpoint, address, { http: next(), https: https ? next() : null })
      }),
    )
    const names = {
      addressOf: (name: string) =>
        name === options.hostname?.toLowerCase() || directories.some((d) => d.server === name)
          ? address
          : crowd.has(name) && absence(name) !== 'unknown'
            ? whereIs(name)
            : null,
      domains: new Set(wanted.map((m) => m.name.slice(m.name.indexOf('.') + 1).toLowerCase())),
    }
    if (options.directory)
      for (const domain of domainsOf(wanted)) {
        const activationObject = network.activationObjects.get(domain) ?? null
        const tree = plant({ domain, seed, machines: wanted, activationObject, clock })
        directories.push(await openLdap(tree, accounts, certify([tree.server, address]), address, next()))
      }
    const services = directories.flatMap(({ domain, server, port: at }) =>
      [`_ldap._tcp.dc._msdcs.${domain}`, `_ldap._tcp.${domain}`].map((name) => ({ name, target: server, port: at })),
    )
    dns = await openDns(network, names, services, address, next())
    for (const option of wanted) for (const fault of option.faults ?? []) await applyFault(option.name, fault)
  } catch (error) {
    await close()
    throw error
  }

  /** A certificate of the lab's authority, which begins and ends so many days from now. */
  function certify(names: readonly string[], use: 'server' | 'client' = 'server', days: readonly [number, number] = [-1, 20]): Issued {
    const [from, until] = days.map((day) => new Date(clock() + day * dayMs)) as [Date, Date]
    return authority.issue({ name: names[0]!, names: use === 'server' ? names : [], use, from, until })
  }

  function issue(endpoint: Endpoint, wrong: Extract<Fault, { kind: 'certificate' }>['how'] | null): Issued {
    const { name } = endpoint.responder.machine
    const names = [name, 'localhost', whereIs(name), ...(options.hostname ? [options.hostname] : [])]
    switch (wrong) {
      case 'unknown-authority': {
        const [from, until] = [new Date(clock() - dayMs), new Date(clock() + 20 * dayMs)]
        return newAuthority('another authority', new Date(clock())).issue({ name, names, use: 'server', from, until })
      }
      case 'other-name':
        return certify(['other.corp.example'])
      case 'expired':
        return certify(names, 'server', [-30, -2])
      default:
        return certify(names)
    }
  }

  async function absent(name: string, how: Absence | null): Promise<void> {
    const endpoint = called(name)
    if (how !== null && how !== 'refused' && !spread) throw new Error('In a lab of this size a machine that is off refuses.')
    switched.set(name.toLowerCase(), how)
    if (how === null) await hub.reopen(endpoint)
    else await hub.close(endpoint)
  }

  async function applyFault(name: string, fault: Fault | null): Promise<void> {
    const endpoint = called(name)
    if (fault === null) {
      const away = endpoint.away
      const certificate = endpoint.faults.look('certificate') !== null
      endpoint.faults.clear()
      if (certificate) recertify(endpoint, null)
      if (away && absence(name) === null) await hub.reopen(endpoint)
      return
    }
    if (fault.kind === 'clock') {
      endpoint.responder.machine.clockMinutes += fault.minutes
      return
    }
    endpoint.faults.set(fault)
    if (fault.kind === 'refused') await hub.close(endpoint)
    if (fault.kind === 'certificate') recertify(endpoint, fault.how)
  }

  function recertify(endpoint: Endpoint, wrong: Extract<Fault, { kind: 'certificate' }>['how'] | null): void {
    if (!endpoint.https && !shared?.https) throw new Error('The machine has no HTTPS port.')
    endpoint.certificate = issue(endpoint, wrong)
    endpoint.https?.setSecureContext({ cert: endpoint.certificate.certificate, key: endpoint.certificate.key })
    for (const socket of endpoint.sockets) socket.destroy()
  }

  const machines = wanted.map((m): LabMachine => {
    const own = !shared || withPorts.has(m.name.toLowerCase())
    const endpoint = own ? called(m.name) : { httpPort: shared!.http, httpsPort: shared!.https }
    return {
      name: m.name,
      scenario: m.scenario,
      system: systems[scenarios[m.scenario].system].caption.trim(),
      address: options.hostname ?? whereIs(m.name),
      httpPort: endpoint.httpPort!,
      httpsPort: endpoint.httpsPort,
    }
  })
  const opened = dns
  if (dead && crowd.has(dead.name)) await absent(dead.name, 'refused')
  return {
    machines,
    ca: authority.pem,
    accounts,
    dns: { address: opened.address, port: opened.port },
    directories: directories.map(({ domain, server, port }) => ({ domain, server, address, port })),
    clientCertificate: (user) => {
      const { certificate, key } = certify([user], 'client')
      return { certificate, key }
    },
    calls: (name) => called(name).responder.calls,
    callCounts: () => countCalls(crowd.called()),
    requests: (name) => called(name).counters,
    advance: (minutes) => {
      if (!(minutes >= 0)) throw new Error('Time goes forward.')
      minute += minutes
    },
    minute: () => minute,
    fault: applyFault,
    absent,
    absence: (name) => absence(name) ?? (crowd.peek(name)?.away ? 'refused' : null),
    placeOf: (name) => (shared ? placeOf(seed, name) : null),
    hosts: network.hosts.map((h) => h.name),
    awake: crowd.awake,
    host: (name, change) => {
      const host = network.hosts.find((h) => h.name === name.toLowerCase())
      if (!host) throw new Error(`The network of the lab has no host called ${name}.`)
      const { up = host.up, licensed = host.licensed, clockMinutes = host.clockMinutes } = change
      changeHost(host, minute, { up, licensed, clockMinutes })
      if (change.count !== undefined) host.windowsCount = change.count
      if (change.officeCount !== undefined) host.officeCount = change.officeCount
    },
    internet: (reachable) => {
      network.internet = reachable
    },
    state: (name) => {
      const endpoint = called(name)
      const { machine } = endpoint.responder
      settle(endpoint)
      const rows = (c: string) => {
        const found = classOf(machine, 'root/cimv2', c)
        return found ? instances(machine, found, now()) : []
      }
      return {
        products: [...rows('SoftwareLicensingProduct'), ...rows('OfficeSoftwareProtectionProduct')],
        service: rows('SoftwareLicensingService')[0]!,
        system: rows('Win32_OperatingSystem')[0]!,
        registry: Object.fromEntries([...registryOf(machine).values()].map((k) => [k.path, Object.fromEntries(k.values)])),
        keyInRegistry: machine.keyInRegistry,
      }
    },
    tables: (name) => {
      const endpoint = called(name)
      const { machine } = endpoint.responder
      settle(endpoint)
      return [...classesAt(machine.system.build).values()].flatMap((c) =>
        c.namespaces.flatMap((namespace) => {
          const found = classOf(machine, namespace, c.name)
          if (!found) return []
          const { properties, methods } = found
          return [
            {
              namespace,
              class: found.name,
              properties: [...properties.values()],
              methods: [...methods.values()],
              rows: instances(machine, found, now()),
            },
          ]
        }),
      )
    },
    siteYaml: (option = {}) =>
      siteYaml(
        {
          machines: machines
            .filter((m) => !shared || withPorts.has(m.name.toLowerCase()))
            .map((m) => ({ ...m, domain: called(m.name).responder.machine.domain })),
          port: shared ? (option.transport === 'https' ? shared.https : shared.http) : null,
          address: options.hostname ?? address,
          user: accounts[0]!.user,
          domain: accounts[0]!.domain ?? null,
          dns: opened,
          network,
        },
        option,
      ),
    close,
  }
}

type Grid = {
  readonly ports: { readonly http: number; readonly https: number | null }
  readonly where: (seed: string, name: string, away: Absence | null) => string
}

/** The addresses of a large lab: each place has a network in 127/8. Where a system has only one address of loopback, all are there. */
async function openGrid(
  one: string | null,
  share: (addresses: readonly string[], silent: readonly string[]) => Promise<Grid['ports']>,
): Promise<Grid> {
  const networks = Object.values(places).map((p) => p.network)
  if (one === null)
    try {
      const addresses = networks.flatMap((n) => Array.from({ length: addressesOfPlace }, (_, i) => `127.${n}.0.${i + 1}`))
      const ports = await share(
        addresses,
        networks.map((n) => `127.${n}.${silentNet}.1`),
      )
      return {
        ports,
        where: (seed, name, away) =>
          away === null || away === 'unknown'
            ? addressOf(seed, name)
            : `127.${places[placeOf(seed, name)].network}.${away === 'silent' ? silentNet : deadNet}.1`,
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRNOTAVAIL') throw error
    }
  const only = one ?? '127.0.0.1'
  return { ports: await share([only], []), where: () => only }
}

/** Domains that machines are members of. */
function domainsOf(entries: readonly Entry[]): string[] {
  const domains = new Set<string>()
  for (const { name, scenario } of entries) {
    const at = name.indexOf('.')
    if (at > 0 && (scenarios[scenario] as Scenario).domain !== null) domains.add(name.slice(at + 1).toLowerCase())
  }
  return [...domains].sort()
}

function countCalls(called: Iterable<readonly [name: string, calls: readonly CallRecord[]]>): CallCounts {
  type Count = { -readonly [K in keyof CallCount]: CallCount[K] }
  const none = (): Count => ({ calls: 0, repeated: 0 })
  const all = none()
  const byMethod: Record<string, Count> = {}
  const byMachine: Record<string, Count & { byMethod: Record<string, Count> }> = {}
  for (const [name, calls] of called) {
    byMachine[name] = { ...none(), byMethod: {} }
    const machine = byMachine[name]
    for (const { method, held } of calls) {
      byMethod[method] ??= none()
      machine.byMethod[method] ??= none()
      for (const count of [all, byMethod[method], machine, machine.byMethod[method]]) {
        count.calls++
        if (held) count.repeated++
      }
    }
  }
  return { ...all, byMethod, byMachine }
}

/**
 * The lab is for this computer: loopback, or a private address in a network namespace that has no way out, where every interface is
 * a loopback one. An address of loopback on a machine with a network card would still be answered for by that card.
 */
function allow(address: string): void {
  if (isIP(address) === 0) throw new Error('A lab listens on an address, not on a name.')
  if (/^127\./.test(address) || address === '::1') return
  const isPrivate = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|fd)/i.test(address)
  const here = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  if (!isPrivate || !here.every((i) => i.internal) || !here.some((i) => i.address === address))
    throw new Error(`A lab listens on loopback only, not on ${address}.`)
}
