/**
 * A lab: simulated Windows machines behind a real WinRM port, made from scenarios and a seed. They report what Windows reports,
 * over simulated time, and what was asked of them can be looked at afterwards. Nothing in it is, sends or answers an activation
 * exchange, and it listens on this computer only.
 */
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { CallRecord, FaultForm, MethodFailure, Responder } from './lab/answer.ts'
import { type Issued, newAuthority } from './lab/certificate.ts'
import { chance } from './lab/chance.ts'
import { type CimType, classesAt, type Instance, type Parameter } from './lab/classes.ts'
import { type Dns, openDns } from './lab/dns.ts'
import { type Fault, Faults } from './lab/faults.ts'
import { live, type Mak, type Maks } from './lab/licensing.ts'
import { startMachine } from './lab/machine.ts'
import { type HostOption, type NetworkOption, openNetwork, usualNetwork } from './lab/network.ts'
import { registryOf } from './lab/registry.ts'
import type { Scenario } from './lab/scenarios/scenario.ts'
import { type ScenarioId, scenarios } from './lab/scenarios/table.ts'
import { type Account, type Counters, type Endpoint, hashesOf, openHub } from './lab/server.ts'
import { Shells } from './lab/shell.ts'
import { type SiteOption, siteYaml } from './lab/site.ts'
import { classOf, instances, type Now } from './lab/store.ts'

export type { CallRecord, FaultForm, MethodFailure } from './lab/answer.ts'
export type { Cell, CimType, Instance } from './lab/classes.ts'
export type { Fault, FaultKind } from './lab/faults.ts'
export { confirmationFor } from './lab/licensing.ts'
export type { HostOption, NetworkOption, Serves } from './lab/network.ts'
export type { ScenarioId } from './lab/scenarios/table.ts'
export type { Account, Counters } from './lab/server.ts'

/** Every scenario: its name, and what it is in one line. */
export const scenarioList: readonly { readonly name: ScenarioId; readonly says: string }[] = Object.entries(scenarios).map(([name, s]) => ({
  name: name as ScenarioId,
  says: s.says,
}))

export type MachineOption = {
  /** Full DNS name, or a short one for a workgroup; made up where left out. */
  readonly name?: string
  readonly scenario: ScenarioId
  readonly faults?: readonly Fault[]
  readonly methodFailure?: MethodFailure
  readonly faultForm?: FaultForm
}

export type LabOptions = {
  /** The same seed gives the same fleet: names, identifiers, order of scenarios. */
  readonly seed?: string | number
  readonly machines?: readonly MachineOption[]
  /** Instead of `machines`: so many, of all kinds by their weight, or of the scenarios named. */
  readonly count?: number
  readonly scenarios?: readonly ScenarioId[]
  /** Every machine also has an HTTPS port; workgroup machines always have one. */
  readonly https?: boolean
  readonly accounts?: readonly Account[]
  /** Keytab of HTTP/NAME of the machines: Kerberos is then accepted too. */
  readonly kerberosKeytab?: string
  /** Loopback, or a private address of a network namespace that a test has made and that has no way out. */
  readonly address?: string
  /** Ports upwards from this one; the system chooses where left out. */
  readonly basePort?: number
  /** What machines are called by clients where that is not `address`: goes into certificates and the site file. */
  readonly hostname?: string
  readonly network?: NetworkOption
  /** MAKs that the machines take, by SHA-256 of the key (hex): for which licence, how many activations. */
  readonly maks?: Readonly<Record<string, { readonly licence: string; readonly activations?: number }>>
  /** How licensing methods that fail answer; by the seed, machine by machine, where left out. */
  readonly methodFailure?: MethodFailure
  /** Accept client certificates that the lab's authority signed (`clientCertificate`). */
  readonly clientCertificates?: boolean
  /** WinRM's CbtHardeningLevel: `strict` (here the default) wants logons over TLS bound to the channel, `none` does not look. */
  readonly cbtHardening?: 'strict' | 'none'
  /** Time of day in milliseconds, for what machines show as their clock. */
  readonly clock?: () => number
  /** Sees every message that was understood, and its answer, as SOAP before it is sealed: for benchmarks that replay them. */
  readonly onExchange?: (machine: string, request: Uint8Array, answer: Uint8Array) => void
}

export type LabMachine = {
  readonly name: string
  readonly scenario: ScenarioId
  readonly address: string
  readonly httpPort: number
  readonly httpsPort: number | null
}

/** What a machine truly is. */
export type MachineState = {
  readonly products: readonly Instance[]
  readonly service: Instance
  readonly system: Instance
  readonly registry: Readonly<Record<string, Readonly<Record<string, string | number | readonly string[]>>>>
  /** Whether the product key is still in the registry (ClearProductKeyFromRegistry). */
  readonly keyInRegistry: boolean
}

/** A class as one machine has it, with all its rows, before anything is put on a wire. */
export type LabTable = {
  readonly namespace: string
  readonly class: string
  readonly properties: readonly { readonly name: string; readonly type: CimType; readonly key?: true }[]
  readonly methods: readonly { readonly name: string; readonly in: readonly Parameter[]; readonly static?: true }[]
  readonly rows: readonly Instance[]
}

export type Lab = {
  readonly machines: readonly LabMachine[]
  /** PEM of the authority that signed the machines' certificates. */
  readonly ca: string
  readonly accounts: readonly Account[]
  readonly dns: { readonly address: string; readonly port: number }
  /** A client certificate of an account, where the lab accepts them. */
  readonly clientCertificate: (user: string) => { readonly certificate: string; readonly key: string }
  /** Every method call that a machine received, in order. Reading the registry is no call. */
  readonly calls: (name: string) => readonly CallRecord[]
  readonly requests: (name: string) => Readonly<Counters>
  /** Lets time pass for licences: what ends, ends; what machines do by themselves, they do. Clocks keep showing the time of day. */
  readonly advance: (minutes: number) => void
  readonly minute: () => number
  /** Switches a fault on; null takes all faults of the machine back. */
  readonly fault: (name: string, fault: Fault | null) => Promise<void>
  /** Changes a KMS host of the organisation: up or down, licensed, counts, clock. */
  readonly host: (name: string, change: Partial<Pick<HostOption, 'up' | 'licensed' | 'count' | 'officeCount' | 'clockMinutes'>>) => void
  readonly internet: (reachable: boolean) => void
  readonly state: (name: string) => MachineState
  /** The same for every class, with CIM types: for tests that serve this machine through another door. */
  readonly tables: (name: string) => readonly LabTable[]
  readonly siteYaml: (option?: SiteOption) => string
  readonly close: () => Promise<void>
}

/** Accounts of a lab where none are given. Its password protects nothing. */
export const usualAccounts: readonly Account[] = [
  { user: 'slmctl', password: 'Lab-Passw0rd!', domain: 'CORP' },
  { user: 'Administrator', password: 'Lab-Passw0rd!', domain: null },
]

export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const seed = String(options.seed ?? 1)
  const address = options.address ?? '127.0.0.1'
  allow(address)
  const random = chance(seed)
  const network = openNetwork(options.network ?? usualNetwork)
  const accounts = options.accounts ?? usualAccounts
  const hashes = hashesOf(accounts)
  const clock = options.clock ?? Date.now
  const maks: Maks = new Map(
    Object.entries(options.maks ?? {}).map(([hash, m]): [string, Mak] => [
      hash.toLowerCase(),
      { licence: m.licence, left: m.activations ?? 50 },
    ]),
  )
  let minute = 0
  const now = (): Now => ({ minute, clockMs: clock() })
  const settle = (endpoint: Endpoint) => live(endpoint.responder.machine, minute, maks)
  const authority = newAuthority('slmctl lab authority', new Date(clock()))
  const hub = openHub(now, settle, maks, address, options.onExchange)

  const wanted = named(options.machines ?? chosen(options, random), random)
  const endpoints = new Map<string, Endpoint>()
  for (const option of wanted) {
    const scenario: Scenario = scenarios[option.scenario]
    const machine = startMachine({ name: option.name, scenarioId: option.scenario, scenario, network, seed, now: minute })
    const responder: Responder = {
      machine,
      methodFailure:
        option.methodFailure ?? options.methodFailure ?? (['return-value', 'wmi-error', 'wsman-fault'] as const)[random.below(3)]!,
      faultForm: option.faultForm ?? (machine.system.build >= 9200 && random.below(2) === 1 ? 'wmi' : 'wsman'),
      calls: [],
      contexts: new Map(),
      encoded: new Map(),
    }
    const faults = new Faults()
    endpoints.set(option.name.toLowerCase(), {
      responder,
      faults,
      counters: { requests: 0, logons: 0, refusedLogons: 0, operations: {}, bytesIn: 0, bytesOut: 0 },
      accounts,
      hashes,
      keytab: options.kerberosKeytab ?? null,
      shells: new Shells(),
      sockets: new Set(),
      clientAuthority: options.clientCertificates ? authority.pem : null,
      cbtHardening: options.cbtHardening ?? 'strict',
      certificate: null,
      httpPort: null,
      httpsPort: null,
      http: null,
      https: null,
    })
  }
  if (endpoints.size !== wanted.length) throw new Error('Two machines of the lab have one name.')
  const called = (name: string): Endpoint => {
    const found = endpoints.get(name.toLowerCase())
    if (!found) throw new Error(`The lab has no machine called ${name}.`)
    return found
  }

  let dns: Dns | null = null
  const close = async () => {
    hub.stop()
    await Promise.all([...endpoints.values()].map((e) => hub.close(e)))
    await dns?.close()
  }
  try {
    let port = options.basePort ?? 0
    const next = () => (port === 0 ? 0 : port++)
    await Promise.all(
      [...endpoints.values()].map((endpoint) => {
        const https = options.https === true || endpoint.responder.machine.domain === null
        if (https) endpoint.certificate = issue(endpoint, null)
        return hub.open(endpoint, address, { http: next(), https: https ? next() : null })
      }),
    )
    dns = await openDns(network, new Map(wanted.map((m) => [m.name.toLowerCase(), address])), address, next())
    for (const option of wanted) for (const fault of option.faults ?? []) await applyFault(option.name, fault)
  } catch (error) {
    await close()
    throw error
  }

  function issue(endpoint: Endpoint, wrong: Extract<Fault, { kind: 'certificate' }>['how'] | null): Issued {
    const { machine } = endpoint.responder
    const day = 86_400_000
    const at = clock()
    const by = wrong === 'unknown-authority' ? newAuthority('another authority', new Date(at)) : authority
    return by.issue({
      name: wrong === 'other-name' ? 'other.corp.example' : machine.name,
      names:
        wrong === 'other-name'
          ? ['other.corp.example']
          : [machine.name, 'localhost', address, ...(options.hostname ? [options.hostname] : [])],
      use: 'server',
      from: new Date(at - (wrong === 'expired' ? 30 : 1) * day),
      until: new Date(at + (wrong === 'expired' ? -2 : 20) * day),
    })
  }

  async function applyFault(name: string, fault: Fault | null): Promise<void> {
    const endpoint = called(name)
    if (fault === null) {
      const away = endpoint.http === null && endpoint.https === null
      const certificate = endpoint.faults.look('certificate') !== null
      endpoint.faults.clear()
      if (certificate) recertify(endpoint, null)
      if (away) await hub.reopen(endpoint)
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
    if (!endpoint.https) throw new Error('The machine has no HTTPS port.')
    endpoint.certificate = issue(endpoint, wrong)
    endpoint.https.setSecureContext({ cert: endpoint.certificate.certificate, key: endpoint.certificate.key })
    for (const socket of endpoint.sockets) socket.destroy()
  }

  const machines = wanted.map((m): LabMachine => {
    const endpoint = called(m.name)
    return {
      name: m.name,
      scenario: m.scenario,
      address: options.hostname ?? address,
      httpPort: endpoint.httpPort!,
      httpsPort: endpoint.httpsPort,
    }
  })
  const opened = dns
  return {
    machines,
    ca: authority.pem,
    accounts,
    dns: { address: opened.address, port: opened.port },
    clientCertificate: (user) => {
      const day = 86_400_000
      const issued = authority.issue({
        name: user,
        names: [],
        use: 'client',
        from: new Date(clock() - day),
        until: new Date(clock() + 20 * day),
      })
      return { certificate: issued.certificate, key: issued.key }
    },
    calls: (name) => called(name).responder.calls,
    requests: (name) => called(name).counters,
    advance: (minutes) => {
      if (!(minutes >= 0)) throw new Error('Time goes forward.')
      minute += minutes
    },
    minute: () => minute,
    fault: applyFault,
    host: (name, change) => {
      const host = network.hosts.find((h) => h.name === name.toLowerCase())
      if (!host) throw new Error(`The network of the lab has no host called ${name}.`)
      if (change.up !== undefined) host.up = change.up
      if (change.licensed !== undefined) host.licensed = change.licensed
      if (change.count !== undefined) host.windowsCount = change.count
      if (change.officeCount !== undefined) host.officeCount = change.officeCount
      if (change.clockMinutes !== undefined) host.clockMinutes = change.clockMinutes
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
          machines: machines.map((m) => ({ ...m, domain: called(m.name).responder.machine.domain })),
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

/** A fleet by number: kinds by weight (`often`), or the scenarios that were named, in turn. */
function chosen(options: LabOptions, random: ReturnType<typeof chance>): MachineOption[] {
  const count = options.count ?? options.scenarios?.length ?? 20
  if (options.scenarios) return Array.from({ length: count }, (_, i) => ({ scenario: options.scenarios![i % options.scenarios!.length]! }))
  const weighed = (Object.entries(scenarios) as [ScenarioId, Scenario][]).flatMap(([id, s]) => Array<ScenarioId>(s.often ?? 0).fill(id))
  return Array.from({ length: count }, () => ({ scenario: weighed[random.below(weighed.length)]! }))
}

/** Gives every machine a name: `pc-0001.corp.example`, or a short one in a workgroup. */
function named(machines: readonly MachineOption[], _random: ReturnType<typeof chance>): (MachineOption & { name: string })[] {
  const numbers = new Map<string, number>()
  return machines.map((m) => {
    if (m.name) return { ...m, name: m.name }
    const scenario: Scenario = scenarios[m.scenario]
    const prefix = scenario.prefix ?? 'pc'
    const n = (numbers.get(prefix) ?? 0) + 1
    numbers.set(prefix, n)
    const short = `${prefix}-${String(n).padStart(4, '0')}`
    return { ...m, name: scenario.domain === null ? short : `${short}.${scenario.domain ?? 'corp.example'}` }
  })
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
