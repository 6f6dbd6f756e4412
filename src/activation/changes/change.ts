import { canonicalHost } from '../../addresses.ts'
import type { Step } from '../../model.ts'
import type { MachineFacts } from '../facts/machine.ts'
import type { ProductFacts } from '../facts/product.ts'
import { own } from '../host-in-use.ts'

/**
 * A change: whether what is wanted holds, and the steps that would make it hold. `holds` is asked before, to plan, and after, to
 * verify, with the same words: plan and verification cannot drift apart.
 */
export type Change<Want> = {
  readonly id: string
  readonly about: string
  holds(facts: MachineFacts, want: Want): boolean
  steps(want: Want, because: string): readonly Step[]
  /** What a step of this change wanted. */
  wanted(step: Step): Want
  /** What the machine shows, in one sentence, for people who ask why. */
  seen(facts: MachineFacts, want: Want): string
}

/** Defines a change. */
export function change<Want>(definition: Change<Want>): Change<Want> {
  return definition
}

/** Where a setting is made: for the machine (the service), or for one product. */
export type Level = {
  readonly class:
    | 'SoftwareLicensingService'
    | 'SoftwareLicensingProduct'
    | 'OfficeSoftwareProtectionService'
    | 'OfficeSoftwareProtectionProduct'
  readonly key: Readonly<Record<string, string>> | null
  readonly product: string | null
}

/** The machine's own service, or the one that Office has for itself. */
export function serviceLevel(product: ProductFacts | null): Level {
  return {
    class: product && hasOfficeService(product) ? 'OfficeSoftwareProtectionService' : 'SoftwareLicensingService',
    key: null,
    product: null,
  }
}

export function productLevel(product: ProductFacts): Level {
  return {
    class: hasOfficeService(product) ? 'OfficeSoftwareProtectionProduct' : 'SoftwareLicensingProduct',
    key: product.activationId ? { ID: product.activationId } : null,
    product: product.activationId,
  }
}

export function levelOf(step: Step): Level {
  return { class: step.class as Level['class'], key: step.key, product: step.product }
}

/** The value of a setting at a level; null where it is not set. */
export function valueAt(facts: MachineFacts, level: Level, name: string): string | null {
  if (level.class === 'SoftwareLicensingService' || level.class === 'OfficeSoftwareProtectionService') {
    const service = level.class === 'SoftwareLicensingService' ? facts.service : facts.officeService
    return service.get(name)?.value || null
  }
  const product = productOf(facts, level.product ?? level.key?.ID ?? null)
  return (product && own(product, facts, name)?.value) || null
}

/** The entry with an activation ID, or with what a step knows it by. */
export function productOf(facts: MachineFacts, id: string | null): ProductFacts | null {
  if (id === null) return null
  const partial = /^key:([A-Z0-9]{5})$/.exec(id)?.[1]
  if (partial) return facts.products.find((p) => p.partialKey === partial) ?? null
  const fresh = /^new:(windows|office):(mak|avma)$/.exec(id)
  if (fresh) return facts.products.find((p) => p.application === fresh[1] && p.channel === fresh[2] && !p.addOn) ?? null
  return facts.products.find((p) => p.activationId === id) ?? null
}

export function sameHost(a: string | null, b: string | null): boolean {
  return a === null || b === null ? a === b : canonicalHost(a) === canonicalHost(b)
}

/** A step; what most steps do not have is filled in. */
export function step(
  base: Pick<Step, 'change' | 'what' | 'because' | 'method'> & Partial<Pick<Step, 'arguments' | 'host' | 'secret' | 'activates'>>,
  level: Level,
): Step {
  return {
    change: base.change,
    what: base.what,
    because: base.because,
    class: level.class,
    key: level.key,
    method: base.method,
    arguments: base.arguments ?? {},
    product: level.product,
    host: base.host ?? null,
    secret: base.secret ?? null,
    activates: base.activates ?? false,
  }
}

/** For whom a setting holds, in words. */
export function forWhom(level: Level): string {
  return level.class.endsWith('Service') ? (level.class.startsWith('Office') ? ' for Office' : '') : ' for this product'
}

/**
 * True for Office with a licensing service of its own, `OfficeSoftwareProtection…`: Office 2010, and any Office before Windows 8.
 * From Office 2013 on Windows 8 it shares the service with Windows.
 */
export function hasOfficeService(product: ProductFacts): boolean {
  if (product.officeService !== null) return product.officeService
  return (
    product.application === 'office' && (/2010/.test(product.edition ?? '') || (product.windows !== null && Number(product.windows) < 6.2))
  )
}

/** Codes by which a host was reached, or that say that the cause is not the host: another host would change nothing. */
const notTheHost: ReadonlySet<number> = new Set([
  0xc004f038, 0xc004f06c, 0xc004f041, 0xc004f042, 0xc004f035, 0xc004f059, 0xc004f050, 0xc004f051,
])

/** True where a host answered, or the machine itself is the cause, by the code that it reports. */
export function answered(product: ProductFacts): boolean {
  const code = product.attempt?.code ?? product.reason ?? product.eventCode
  return code !== null && notTheHost.has(code)
}
