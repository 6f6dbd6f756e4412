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
