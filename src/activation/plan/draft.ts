import type { Fallback, MachinePlan, MissingFact, Refusal, Site, Step, Wish } from '../../model.ts'
import type { Change } from '../changes/change.ts'
import { changes } from '../changes.ts'
import type { MachineFacts } from '../facts/machine.ts'
import type { ProductFacts } from '../facts/product.ts'
import { fingerprint } from '../fingerprint.ts'
import type { HostInUse } from '../host-in-use.ts'
import type { OriginReading } from '../origin.ts'
import { teller } from '../rules/rule.ts'

/** A KMS host that a machine may use, as the engine's guard found it: resolved, and inside the site's networks. */
export type AuthorisedHost = {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
  readonly addresses: readonly string[]
  /** Named by the site file, or published by the machine's own DNS domain. */
  readonly by: 'site' | 'dns'
}

/** `leave`: not ours to say, and nothing is gained by another host: nothing is changed. */
export type Authorisation =
  | { readonly ok: true }
  | { readonly ok: false; readonly because: string; readonly next: readonly string[]; readonly leave?: boolean; readonly unasked?: true }

/** A change that somebody asks for beside the wishes. `product` is an activation ID; left out, it is for the machine. */
export type Asked =
  | { readonly change: 'host-caching'; readonly caching: boolean }
  | { readonly change: 'lookup-domain'; readonly domain: string | null; readonly product?: string }
  | { readonly change: 'kms-dns'; readonly product?: string }
  | { readonly change: 'activation-type'; readonly type: 0 | 1 | 2; readonly product?: string }
  | { readonly change: 'clear-registry-key' }
  /** Keys are installed, and not activated online: that is done by telephone, by file. */
  | { readonly change: 'telephone' }
  /** By telephone: of one machine, one product. */
  | {
      readonly change: 'confirmation'
      readonly machine: string
      readonly product: string
      readonly installationId: string
      readonly confirmationId: string
    }

/** Reasons of steps that no wish of the site file stands behind; a saved plan is known by them when it is carried out. */
export const reasons = {
  asked: 'It was asked for.',
  renewal: 'A renewal is asked for.',
  telephone: 'It was given for the installation ID that the machine shows.',
  /** Behind the name of a host. */
  passedOver: 'did not answer when it was checked last',
} as const

/** What a machine is planned with. `hosts` are in the order in which they are to be tried. */
export type PlanOptions = {
  readonly site: Site | null
  readonly wishes: readonly Wish[]
  readonly readAt: string | null
  /** Activates again what is activated by KMS. */
  readonly renew: boolean
  readonly hosts: readonly AuthorisedHost[]
  /** Those of `hosts`, at their end, that the latest check found silent while others answer: the others are tried first. `at`: ISO 8601. */
  readonly passedOver?: readonly { readonly name: string; readonly at: string | null }[]
  /** Every one of `hosts` refused when it was checked last (ISO 8601): nothing that asks them can help now. Null: not known to be so. */
  readonly allRefused?: string | null
  /** Whether the directory that a machine asks before any host is one of ours; left out where it is not known. */
  readonly directory?: Authorisation
  readonly authorise: (host: HostInUse, about: { readonly product: ProductFacts; readonly origin: OriginReading }) => Authorisation
  readonly asked?: readonly Asked[]
  /** The last five characters of a secret key, where they may be known: a key that is there already is not installed again. */
  readonly partialKeyOf?: (reference: NonNullable<Wish['key']>) => string | null
}

/** How to get a fact that is lacking. */
const howToGet = {
  state: 'slmgr /dlv (Office: cscript ospp.vbs /dstatus)',
  host: 'slmgr /dlv: the lines "KMS machine name" and "KMS machine IP address"',
  windows: 'slmgr /dlv without an activation ID',
  key: 'Get-CimInstance SoftwareLicensingProduct -Filter "PartialProductKey IS NOT NULL"',
  revision: 'winver, or the value UBR below HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion',
  updates: 'Get-HotFix',
  answer: 'Ask the machine again; see the problem that is named.',
} as const

const order: ReadonlyMap<string, number> = new Map(changes.map((c, i) => [c.id, i]))

/** A machine's plan while it is being made. */
export class Draft {
  readonly facts: MachineFacts
  readonly options: PlanOptions
  readonly #holds: string[] = []
  readonly #steps: Step[] = []
  readonly #refused: Refusal[] = []
  readonly #missing: MissingFact[] = []
  readonly #fallbacks: Fallback[] = []

  constructor(facts: MachineFacts, options: PlanOptions) {
    this.facts = facts
    this.options = options
  }

  /** `text` or `machine`: who did not say something. */
  get teller(): 'text' | 'machine' {
    return teller(this.facts)
  }

  hold(sentence: string): void {
    this.#holds.push(sentence)
  }

  refuse(product: number | null, code: string, because: string, next: readonly string[]): void {
    this.#refused.push({ code, product, machine: this.facts.id, because, next })
  }

  lack(fact: keyof typeof howToGet, why: string): void {
    if (fact !== 'answer' && this.#missing.some((m) => m.fact === fact)) return
    this.#missing.push({ machine: this.facts.id, fact, why, get: howToGet[fact] })
  }

  /** Adds the steps of a change where it does not hold; answers whether it added any. Equal steps are made once. */
  propose<Want>(change: Change<Want>, want: NoInfer<Want>, because: string, force = false): boolean {
    if (!force && change.holds(this.facts, want)) return false
    const steps = change.steps(want, because).filter((s) => !this.#steps.some((o) => sameStep(o, s)))
    this.#steps.push(...steps)
    return steps.length > 0
  }

  fallback(fallback: Fallback): void {
    this.#fallbacks.push(fallback)
  }

  plan(): MachinePlan {
    // Settings first, keys then, activation at the end; products stay in their order.
    const steps = [...this.#steps].sort((a, b) => order.get(a.change)! - order.get(b.change)!)
    return {
      id: this.facts.id,
      name: this.facts.name,
      holds: this.#holds,
      steps,
      refused: this.#refused,
      missing: this.#missing,
      fallbacks: this.#fallbacks,
      fingerprint: fingerprint(this.facts),
      changes: [...new Set(steps.map((s) => s.change))],
    }
  }
}

export function sameStep(a: Step, b: Step): boolean {
  const key = (s: Step) => JSON.stringify([s.class, s.key, s.method, s.arguments, s.secret])
  return key(a) === key(b)
}
