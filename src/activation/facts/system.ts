import type { Problem, Site } from '../../model.ts'
import type { Row } from '../clues/clue.ts'

/** PRODUCT_ENTERPRISE_FOR_VIRTUAL_DESKTOPS: several users at once on a client Windows. */
export const multiSession = 175

/** The machine under its licences: what decides which keys fit, where it would look for a host, and whether its clock can be right. */
export type SystemFacts = {
  readonly cells: Row
  /** `Microsoft Windows 11 Pro` */
  readonly caption: string | null
  /** `6.1`, `6.3`, `10.0` */
  readonly version: string | null
  readonly build: number | null
  /** Revision of the build (UBR); null where it was not needed, or this Windows has none. */
  readonly revision: number | null
  /** OperatingSystemSKU */
  readonly sku: number | null
  /** `Enterprise`, `ServerStandard`: as the registry names the edition; null where nobody asked. */
  readonly edition: string | null
  readonly server: boolean | null
  /** DNS host name, and with its suffix, lower case: what the machine calls itself, which proves nothing. */
  readonly hostName: string | null
  readonly fullName: string | null
  /** The Active Directory domain; null in a workgroup. */
  readonly domain: string | null
  readonly workgroup: string | null
  /** Primary DNS suffix, and the suffix that DHCP gave; null where nobody asked. */
  readonly suffix: string | null
  readonly dhcpSuffix: string | null
  readonly suffixesAsked: boolean
  /** The cloud that the machine runs in, by what its firmware says. */
  readonly platform: Site['platforms'][number] | null
  /** A guest of Hyper-V (Azure is one, too): what automatic activation of virtual machines needs. */
  readonly hyperV: boolean
  /** Minutes by which the machine's clock is ahead of ours (less than 0: behind); null where nothing tells. */
  readonly clockAheadMinutes: number | null
  /** Installed updates, `KB5034765`; null where they were not needed. */
  readonly updates: readonly string[] | null
}

/** Office as Click-to-Run installed it. */
export type OfficeFacts = {
  readonly cells: Row
  /** `ProPlus2021Volume`, `O365ProPlusRetail` */
  readonly releaseIds: readonly string[]
  /** GUID of the update channel; null where none is named. */
  readonly channelId: string | null
  /** The channel by its name in the Office Deployment Tool: `PerpetualVL2021`. */
  readonly channel: string | null
  readonly sharedComputer: boolean
}

/** A KMS host and its counters. */
export type HostRole = {
  readonly cells: Row
  /** Index of the product with the KMS host key; null where only the service says so. */
  readonly product: number | null
  readonly count: number | null
  readonly totalRequests: number | null
  readonly failedRequests: number | null
  /** Requests by the licence state of the clients that asked. */
  readonly byState: Readonly<Record<string, number>>
  readonly listeningPort: number | null
  readonly publishes: boolean | null
  /** Whether it runs at low priority (slmgr /cpri); null where nobody asked. */
  readonly lowPriority: boolean | null
}

/** A question that got no answer, and what is not known for it. `decides` is true where a verdict cannot be trusted without it. */
export type Unasked = { readonly question: string; readonly about: string; readonly problem: Problem; readonly decides: boolean }
