import type { Past } from './past.ts'
import type { Licence } from './scenarios/products.ts'

/**
 * The organisation around the simulated machines: its KMS hosts, its DNS and its activation objects, as far as they decide what
 * Windows reports after an activation. Nothing here is a network service, and no message of the activation exchange exists.
 */

/** What a KMS host key serves; a host of the table `hostKeys` in the planning page, by the newest system that it activates. */
export type Serves =
  | 'server-2008-r2'
  | 'server-2012-r2'
  | 'server-2016'
  | 'server-2019'
  | 'server-2022'
  | 'server-2025'
  | 'office-2010'
  | 'office-2013'
  | 'office-2016'
  | 'office-2019'
  | 'office-2021'
  | 'office-2024'

/** What of a host decides how it answers. */
export type HostState = Pick<KmsHost, 'up' | 'licensed' | 'clockMinutes'>

export type KmsHost = {
  /** Full DNS name. */
  readonly name: string
  readonly ip: string
  readonly port: number
  up: boolean
  /** Whether the host itself is licensed: without it, it answers no one. */
  licensed: boolean
  readonly serves: readonly Serves[]
  /** Clients of the last 30 days that are not lab machines. */
  windowsCount: number
  officeCount: number
  /** The host's clock against ours. */
  clockMinutes: number
  readonly pid: string
  /** CMIDs of lab machines with the minute of their last request; by kind of product. */
  readonly seen: { readonly windows: Map<string, number>; readonly office: Map<string, number> }
  /** Requests by the LicenseStatus that the client came with, and those that failed. */
  readonly requests: { total: number; failed: number; readonly byStatus: number[] }
  /** What the host wrote into its log about the latest requests: event 12290. */
  readonly log: Request[]
  /** What it was before its last changes, each until a minute: a machine that is asked late has lived through them. */
  readonly before: { readonly until: number; readonly state: HostState }[]
}

/** One try of a product to be activated, as the logs of the machine and of the host tell it (12288, 12289, 12290, 8198; cases 23, 29, 36). */
export type Request = {
  readonly minute: number
  readonly licence: Licence
  /** The host that was asked; null where none was known, or the directory was asked. */
  readonly host: string | null
  readonly port: number
  /** What the client notes of it. */
  readonly code: number
  /** What the host notes of it; null where it never saw it. */
  readonly hostCode: number | null
  /** What Windows says in the end of the whole try; 0 where it goes on with another host, or succeeded. */
  readonly final: number
  readonly activated: boolean
  /** What the host counted then. */
  readonly count: number
  readonly client: string
  readonly cmid: string
  readonly virtual: boolean
  /** The client's clock against ours. */
  readonly clockMinutes: number
  /** LicenseStatus, and what was left of it. */
  readonly status: number
  readonly minutesLeft: number
  /** The activation object, where Active Directory activated it. */
  readonly object: { readonly name: string; readonly dn: string } | null
}

export type HostOption = {
  readonly name: string
  readonly ip: string
  readonly port?: number
  readonly up?: boolean
  readonly licensed?: boolean
  readonly serves?: readonly Serves[]
  readonly count?: number
  readonly officeCount?: number
  readonly clockMinutes?: number
}
export type NetworkOption = {
  readonly hosts?: readonly HostOption[]
  /** SRV records: DNS domain → names of hosts, with priority and weight. */
  readonly dns?: Readonly<
    Record<string, readonly (string | { readonly name: string; readonly priority?: number; readonly weight?: number })[]>
  >
  /** Activation objects of AD-based activation: domain → name of the object. */
  readonly activationObjects?: Readonly<Record<string, string>>
  /** Whether Microsoft's activation service can be reached (MAK, retail). */
  readonly internet?: boolean
}
export type SrvRecord = { readonly name: string; readonly port: number; readonly priority: number; readonly weight: number }
export type Network = {
  readonly hosts: readonly KmsHost[]
  readonly dns: ReadonlyMap<string, readonly SrvRecord[]>
  readonly activationObjects: ReadonlyMap<string, string>
  internet: boolean
  /** What was before the lab began; null where nothing was. */
  past: Past | null
}

const everything: readonly Serves[] = [
  'server-2008-r2',
  'server-2012-r2',
  'server-2016',
  'server-2019',
  'server-2022',
  'server-2025',
  'office-2010',
  'office-2013',
  'office-2016',
  'office-2019',
  'office-2021',
  'office-2024',
]

/** The network that a lab has where none is given: two healthy hosts of Example University in DNS, one that counts too few, and a forest that activates by itself. */
export const usualNetwork: NetworkOption = {
  hosts: [
    { name: 'kms1.corp.example', ip: '10.0.0.11' },
    { name: 'kms2.corp.example', ip: '10.0.0.12' },
    { name: 'kms-small.corp.example', ip: '10.0.0.13', count: 3, officeCount: 1 },
  ],
  dns: { 'corp.example': ['kms1.corp.example', 'kms2.corp.example'], 'labs.example': ['kms2.corp.example'] },
  activationObjects: { 'ad.example': 'Example University' },
}

/** A count reaches its highest value, 50, where 50 or more machines ask (kms-planning); Office's is 10. */
const fullWindows = 50
const fullOffice = 10

export function openNetwork(option: NetworkOption): Network {
  const hosts = (option.hosts ?? []).map(
    (h, i): KmsHost => ({
      name: h.name.toLowerCase(),
      ip: h.ip,
      port: h.port ?? 1688,
      up: h.up ?? true,
      licensed: h.licensed ?? true,
      serves: h.serves ?? everything,
      windowsCount: Math.min(h.count ?? fullWindows, fullWindows),
      officeCount: Math.min(h.officeCount ?? fullOffice, fullOffice),
      clockMinutes: h.clockMinutes ?? 0,
      // The form of an extended PID; the numbers are the lab's.
      pid: `03612-00206-${String(500 + i).padStart(3, '0')}-${String(100000 + i * 7).padStart(6, '0')}-03-1033-20348.0000-0012026`,
      seen: { windows: new Map(), office: new Map() },
      requests: { total: 0, failed: 0, byStatus: [0, 0, 0, 0, 0, 0, 0] },
      log: [],
      before: [],
    }),
  )
  const portOf = (name: string) => hosts.find((h) => h.name === name)?.port ?? 1688
  return {
    hosts,
    dns: new Map(
      Object.entries(option.dns ?? {}).map(([domain, records]) => [
        domain.toLowerCase(),
        records.map((r) => {
          const record = typeof r === 'string' ? { name: r } : r
          const name = record.name.toLowerCase()
          return { name, port: portOf(name), priority: record.priority ?? 0, weight: record.weight ?? 0 }
        }),
      ]),
    ),
    activationObjects: new Map(Object.entries(option.activationObjects ?? {}).map(([d, name]) => [d.toLowerCase(), name])),
    internet: option.internet ?? true,
    past: null,
  }
}

/** A host by its name or address. */
export const hostCalled = (network: Network, name: string): KmsHost | null => {
  const wanted = name.toLowerCase().replace(/\.$/, '')
  return network.hosts.find((h) => h.name === wanted || h.ip === wanted) ?? null
}

/** What a host was at a minute. */
export const hostAt = (host: KmsHost, minute: number): HostState => host.before.find((b) => minute < b.until)?.state ?? host

/** Changes a host from this minute on. */
export function changeHost(host: KmsHost, minute: number, change: Partial<HostState>): void {
  const { up, licensed, clockMinutes } = host
  host.before.push({ until: minute, state: { up, licensed, clockMinutes } })
  Object.assign(host, change)
}

/** How long a client counts (kms-planning: 30 days). */
const countsForMinutes = 30 * 24 * 60

/** The count that a host shows now. Each CMID counts once. */
export function countOf(host: KmsHost, kind: 'windows' | 'office', minute: number): number {
  const seen = host.seen[kind]
  const full = kind === 'windows' ? fullWindows : fullOffice
  let count = kind === 'windows' ? host.windowsCount : host.officeCount
  // A host counts no further than so many: whoever asks a busy one need not wait until all are counted.
  for (const [cmid, at] of seen) {
    if (count >= full) return full
    if (minute - at > countsForMinutes) seen.delete(cmid)
    else count++
  }
  return count
}
