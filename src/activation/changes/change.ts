import type { Origin, Site, Step } from '../../model.ts'
import type { ProductFacts } from '../facts/product.ts'

/** What a change is asked with: the site's declaration and whose the present activation is. */
export type Wished = { readonly site: Site; readonly origin: Origin }

/** A change: when it holds already, and the steps that would make it hold. `holds` is asked before and after. */
export type Change = {
  readonly id: string
  readonly about: string
  readonly holds: (product: ProductFacts, wished: Wished) => boolean
  readonly steps: (product: ProductFacts, wished: Wished) => readonly Step[]
  /** The steps where it does not hold, else none. */
  readonly propose: (product: ProductFacts, wished: Wished) => readonly Step[]
}

/** Defines a change; the predicate is written once, so that plan and verification cannot drift apart. */
export function change(id: string, about: string, holds: Change['holds'], steps: Change['steps']): Change {
  return { id, about, holds, steps, propose: (product, wished) => (holds(product, wished) ? [] : steps(product, wished)) }
}

export const service = 'SoftwareLicensingService'
export const productClass = 'SoftwareLicensingProduct'

/**
 * True for Office with a licensing service of its own, `OfficeSoftwareProtection…`: Office 2010, and any Office before Windows 8.
 * From Office 2013 on Windows 8 it shares the service with Windows.
 */
export function hasOfficeService(product: ProductFacts): boolean {
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
