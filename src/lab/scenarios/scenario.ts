import type { Cell } from '../classes.ts'
import type { ResultId } from '../results.ts'
import type { SourceId } from '../sources.ts'
import type { HardwareId, SystemId } from './systems.ts'

/** LicenseStatus (kms-rules, licence states). */
export type Status = 'unlicensed' | 'licensed' | 'grace' | 'oot-grace' | 'non-genuine-grace' | 'notification' | 'extended-grace'

/** A licence that has a key when the machine starts. */
export type Keyed = {
  /** Name of the licence (products.ts). */
  readonly licence: string
  /** Last five characters of its key. */
  readonly key: string
  readonly status: Status
  /** Minutes until the present state ends; left out where it does not. */
  readonly minutes?: number
  readonly reason?: ResultId
  /** How it was last activated. */
  readonly by?: 'ad' | 'kms'
  /** A host set for this product alone. */
  readonly machine?: string
  readonly port?: number
  /** The host that it last used: found in DNS, or set. */
  readonly host?: { readonly name: string; readonly ip: string; readonly pid?: string; readonly found?: boolean }
  readonly typeEnabled?: 0 | 1 | 2 | 3
  /** Counters of a KMS host. */
  readonly counters?: {
    readonly count: number
    readonly total: number
    readonly failed?: number
    readonly licensed?: number
    readonly grace?: number
    readonly notification?: number
    readonly unlicensed?: number
  }
  /** Properties that are reported as they stand here, whatever the licence does: what no honest machine would say. */
  readonly says?: Readonly<Record<string, Cell>>
}

export type RegistryStart = Readonly<Record<string, Readonly<Record<string, string | number | readonly string[]>>>>

/** A kind of machine. Its values name their source; what stands for nothing real names `lab`. */
export type Scenario = {
  /** In one line, for `slmctl lab --list`. */
  readonly says: string
  readonly system: SystemId
  /** DNS domain; null is a workgroup. `corp.example` where left out. */
  readonly domain?: string | null
  readonly hardware?: HardwareId
  /** First part of made-up machine names. */
  readonly prefix?: 'pc' | 'srv' | 'kms' | 'vm'
  readonly keyed: readonly Keyed[]
  /** Further licences installed, without a key. */
  readonly installed?: readonly string[]
  /** Settings of the service: what slmgr /skms and the like set. */
  readonly service?: {
    readonly machine?: string
    readonly port?: number
    readonly lookupDomain?: string
    readonly caching?: boolean
    readonly typeEnabled?: 0 | 1 | 2 | 3
  }
  readonly clockMinutes?: number
  readonly registry?: RegistryStart
  readonly hotfixes?: readonly string[]
  /** Properties that this machine does not have although its version should (`Class.Property`). */
  readonly missing?: readonly string[]
  /** State of the Windows marker in the firmware (Windows 7). */
  readonly marker?: 'bad' | 'missing'
  /** Workgroup machine on which only the built-in Administrator is an administrator over the network. */
  readonly tokenFilter?: boolean
  /** The virtual machine's host is activated for AVMA. */
  readonly avmaHost?: boolean
  /** Weight in a lab that is made by number; 0 where left out. */
  readonly often?: number
  readonly source: readonly SourceId[]
}
