/** What pages use of answers that the API's schemas leave open. */
import type { z } from 'zod'
import type {
  Application,
  Channel,
  Evidence,
  HostFound,
  MachinePlan,
  MachineReading,
  Method,
  Origin,
  Product,
  State,
  Verdict,
} from '../../src/model.ts'
import type { scopeSchema, tokenSchema, viewSchema } from '../../src/schemas/api.ts'

export type PageOf<T> = { readonly rows: readonly T[]; readonly next: string | null }

export type Unasked = {
  readonly code: string
  readonly summary: string
  readonly next: readonly string[]
  readonly since: number
  readonly times: number
}

export type MachineLine = {
  readonly id: number
  readonly name: string
  readonly address: string | null
  readonly system: string | null
  readonly pool: string | null
  readonly vanishedAt: number | null
  readonly seenAt: number | null
  readonly askedAt: number | null
  readonly verdict: Verdict | null
  readonly origin: Origin | null
  readonly headline: string | null
  readonly next: readonly string[]
  readonly problem: Unasked | null
  readonly products: readonly ProductLine[]
}

export type ProductLine = {
  readonly key: string
  readonly name: string | null
  readonly application: Application
  readonly edition: string | null
  readonly channel: Channel
  readonly method: Method
  readonly addOn: boolean
  readonly partialKey: string | null
  readonly activationId: string | null
  readonly activationObject: string | null
  readonly state: State
  readonly reason: string | null
  readonly expiresAt: number | null
  readonly host: string | null
  readonly port: number | null
  readonly hostFound: HostFound | null
  readonly count: number | null
  readonly verdict: Verdict
  readonly cause: string | null
  readonly next: readonly string[]
  readonly origin: Origin
  readonly originBecause: string
  readonly evidence: readonly Evidence[]
  readonly since: number
  readonly renewedAt: number | null
  readonly goneAt: number | null
}

export type MachineCard = MachineLine & {
  readonly guid: string | null
  readonly uuid: string | null
  readonly cmid: string | null
  readonly systemVersion: string | null
  readonly enabled: boolean | null
  readonly distinguishedName: string | null
  readonly directorySeenAt: number | null
  readonly addedAt: number
  readonly groups: readonly string[]
  readonly sources: readonly { readonly source: string; readonly vanishedAt: number | null }[]
}

export type Span = {
  readonly key: string
  readonly from: number
  readonly until: number | null
  readonly name: string | null
  readonly channel: Channel
  readonly state: State
  readonly reason: string | null
  readonly host: string | null
  readonly verdict: Verdict
  readonly cause: string | null
  readonly origin: Origin
}
export type History = {
  readonly products: readonly Span[]
  readonly unasked: readonly {
    readonly code: string
    readonly summary: string
    readonly from: number
    readonly until: number | null
    readonly times: number
  }[]
  readonly outcomes: readonly { readonly id: number; readonly at: number; readonly result: string; readonly verdict: Verdict | null }[]
}

export type ExpiringLine = {
  readonly machine: number
  readonly name: string
  readonly product: string | null
  readonly application: Application
  readonly state: State
  readonly method: Method
  readonly host: string | null
  readonly expiresAt: number
  readonly seenAt: number | null
  readonly problem: string | null
}

/** What a machine says just now: one of slmctl status --json. */
export type AskedMachine =
  | { readonly name: string; readonly ok: true; readonly machine: MachineReading; readonly products: readonly Product[] }
  | {
      readonly name: string
      readonly ok: false
      readonly problem: { readonly code: string; readonly summary: string; readonly next: readonly string[] }
    }
export type AskedStatus = { readonly machines: readonly AskedMachine[] }
export type PlanAnswer = {
  readonly machines: readonly MachinePlan[]
  readonly problems: readonly { readonly code: string; readonly summary: string; readonly next: readonly string[] }[]
}

export type Scope = z.output<typeof scopeSchema>
export type Token = z.output<typeof tokenSchema>
/** The value is told once. */
export type NewToken = Token & { readonly token: string }
export type View = z.output<typeof viewSchema>
