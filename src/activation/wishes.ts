import { inDomains } from '../addresses.ts'
import type { Entitlement, Site, Wish } from '../model.ts'
import type { MachineFacts } from './facts/machine.ts'
import type { ProductFacts } from './facts/product.ts'
import { called } from './rules/rule.ts'

/** The wish that holds for a product. `explicit` is false where no wish fits and KMS clients are looked after as they are. */
export type Wished = { readonly wish: Wish; readonly explicit: boolean }

const otherwise: Wish = { product: 'windows', by: 'kms', year: null, key: null, instead: false }

/** The first wish that fits; ESU stands beside what activates the product, and is looked for by itself. */
export function wishFor(product: ProductFacts, facts: MachineFacts, wishes: readonly Wish[]): Wished {
  const wish = wishes.find((w) => w.by !== 'esu' && fits(w.product, product, facts))
  return wish ? { wish, explicit: true } : { wish: otherwise, explicit: false }
}

/** Whether a wish's words are about a product: `windows`, `office`, or a part of its name. */
export function fits(words: string, product: ProductFacts, facts: MachineFacts): boolean {
  const wanted = words.trim().toLowerCase()
  if (wanted === 'windows' || wanted === 'office') return product.application === wanted
  return wanted !== '' && names(product, facts).includes(wanted)
}

function names(product: ProductFacts, facts: MachineFacts): string {
  const caption = product.application === 'windows' ? (facts.system?.caption ?? '') : ''
  return `${called(product)} | ${product.name ?? ''} | ${product.edition ?? ''} | ${caption}`.toLowerCase()
}

/** The entitlement that covers a product: every word of it is a word of the product's name. Null where none does. */
export function entitlementFor(product: ProductFacts, facts: MachineFacts, site: Site): Entitlement | null {
  return coveredBy(names(product, facts), site.entitlements)
}

/** The first entitlement each word of which is a word of the name. */
export function coveredBy<E extends Entitlement>(name: string, entitlements: readonly E[]): E | null {
  const known = new Set(name.toLowerCase().match(/[\p{L}\d.]+/gu) ?? [])
  return (
    entitlements.find((e) => {
      const words = e.product.toLowerCase().match(/[\p{L}\d.]+/gu) ?? []
      return e.quantity > 0 && words.length > 0 && words.every((word) => known.has(word))
    }) ?? null
  )
}

/** The DNS domain of a distinguished name: `DC=corp,DC=example` is `corp.example`. */
export function domainOf(dn: string): string {
  return [...dn.matchAll(/DC=([^,]+)/gi)]
    .map((m) => m[1])
    .join('.')
    .toLowerCase()
}

/**
 * Whether an activation object is the organisation's: in a domain of ours, and, where the site names the objects of that forest,
 * one of them. Null where nothing of it tells a domain.
 */
export function isOurObject(object: string, site: Site): boolean | null {
  const domain = domainOf(object)
  if (domain === '') return null
  const forest = site.forests.find((f) => inDomains(domain, [f.name, ...f.domains]))
  if (!forest && !isOurDomain(domain, site)) return false
  return !forest || forest.activationObjects.length === 0 || forest.activationObjects.some((o) => o.toLowerCase() === object.toLowerCase())
}

/** True where a domain is the organisation's, by the site's domains or those of its forests. */
export function isOurDomain(domain: string, site: Site): boolean {
  return inDomains(domain, [...site.domains, ...site.forests.flatMap((f) => [f.name, ...f.domains])])
}
