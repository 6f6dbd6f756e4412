import type { CallRecord, FaultForm, MethodFailure } from './answer.ts'
import type { CimType, Instance, Parameter } from './classes.ts'
import type { Fault } from './faults.ts'
import type { HostOption, NetworkOption } from './network.ts'
import type { Absence, Places, Shares } from './roster.ts'
import type { ScenarioId } from './scenarios/table.ts'
import type { Account, Counters } from './server.ts'
import type { SiteOption } from './site.ts'

export type MachineOption = {
  /** Machines of one image that was not generalised share its CMID. */
  readonly image?: string
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
  /**
   * One port number for all machines, at a few hundred addresses of 127/8: whom a request is for, its Host header says, and the lab's
   * DNS knows where each name is. Machines are made when they are first asked. So it is by itself above 500 machines.
   */
  readonly spread?: boolean
  /** The share of the machines that are not there, from 0 to 1: most refuse, some are unknown to DNS, few never answer. Needs `spread`. */
  readonly off?: number | Shares
  /** The KMS hosts of the network are machines, too, which can be asked. */
  readonly hosts?: boolean
  /**
   * For showing: beside what every lab has, one KMS host died weeks ago and is still published, some machines share the CMID of
   * their image, others have a wrong clock, or belong to somebody else's host.
   */
  readonly story?: boolean
  /** Each domain also has a domain controller that is asked by LDAP, and is found by DNS. */
  readonly directory?: boolean
  /** Every answer to an operation waits so long, in milliseconds. */
  readonly answerAfterMs?: number
  /** How many machines are kept ready; the others are made again when they are asked (2,000). Needs `spread`. */
  readonly awake?: number
  /** Time of day in milliseconds, for what machines show as their clock. */
  readonly clock?: () => number
  /** Sees every message that was understood, and its answer, as SOAP before it is sealed: for benchmarks that replay them. */
  readonly onExchange?: (machine: string, request: Uint8Array, answer: Uint8Array) => void
}

export type LabMachine = {
  readonly name: string
  readonly scenario: ScenarioId
  /** What Windows calls itself. */
  readonly system: string
  readonly address: string
  readonly httpPort: number
  readonly httpsPort: number | null
}

/** `repeated`: what the call was to bring about held already, by an earlier call or before any. */
export type CallCount = { readonly calls: number; readonly repeated: number }
export type CallCounts = CallCount & {
  readonly byMethod: Readonly<Record<string, CallCount>>
  readonly byMachine: Readonly<Record<string, CallCount & { readonly byMethod: Readonly<Record<string, CallCount>> }>>
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
  /** Domain controllers: LDAPS, and LDAP with StartTLS, at one port. Anybody of `accounts` with a domain may sign in. */
  readonly directories: readonly { readonly domain: string; readonly server: string; readonly address: string; readonly port: number }[]
  /** A client certificate of an account, where the lab accepts them. */
  readonly clientCertificate: (user: string) => { readonly certificate: string; readonly key: string }
  /** Every method call that a machine received, in order. Reading the registry is no call. */
  readonly calls: (name: string) => readonly CallRecord[]
  /** Method calls over all machines, and how many of them were superfluous. */
  readonly callCounts: () => CallCounts
  readonly requests: (name: string) => Readonly<Counters>
  /** Lets time pass for licences: what ends, ends; what machines do by themselves, they do. Clocks keep showing the time of day. */
  readonly advance: (minutes: number) => void
  readonly minute: () => number
  /** Switches a fault on; null takes all faults of the machine back. */
  readonly fault: (name: string, fault: Fault | null) => Promise<void>
  /** Switches a machine off in one of three ways, or on again (null). Refused is the only way without `spread`. */
  readonly absent: (name: string, how: Absence | null) => Promise<void>
  /** In which way a machine is not there; null where it is. */
  readonly absence: (name: string) => Absence | null
  /** Where machines stand: what the site file calls locations. Null for a lab that has none. */
  readonly placeOf: (name: string) => keyof Places | null
  /** Names of the network's KMS hosts. */
  readonly hosts: readonly string[]
  /** Machines kept ready now. */
  readonly awake: () => number
  /** Changes a KMS host of the organisation: up or down, licensed, counts, clock. */
  readonly host: (name: string, change: Partial<Pick<HostOption, 'up' | 'licensed' | 'count' | 'officeCount' | 'clockMinutes'>>) => void
  readonly internet: (reachable: boolean) => void
  readonly state: (name: string) => MachineState
  /** The same for every class, with CIM types: for tests that serve this machine through another door. */
  readonly tables: (name: string) => readonly LabTable[]
  readonly siteYaml: (option?: SiteOption) => string
  readonly close: () => Promise<void>
}
