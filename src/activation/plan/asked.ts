import { productLevel, serviceLevel } from '../changes/change.ts'
import { clearRegistryKey, staleOfficeKey } from '../changes/keys.ts'
import { activationType, hostCaching, kmsDns, lookupDomain } from '../changes/kms-host.ts'
import type { ProductFacts } from '../facts/product.ts'
import { called, capital } from '../rules/rule.ts'
import type { Asked, Draft } from './draft.ts'

/** A key left over beside the Office that is in use. The live one is licensed; this one is not, and is of the same program. */
export function planStale(draft: Draft, p: ProductFacts): void {
  if (p.application !== 'office' || p.partialKey === null || p.activationId === null || p.channel === 'subscription') return
  const program = (o: ProductFacts) => (p.stale ? (o.edition ?? '').replace(/ ?20\d\d$/, '') : o.edition)
  const live = draft.facts.products.find(
    (o) => o !== p && o.application === 'office' && program(o) === program(p) && o.state === 'licensed',
  )
  if (!live || live.activationId === p.activationId) return
  draft.propose(
    staleOfficeKey,
    { partial: p.partialKey, level: productLevel(p) },
    `${capital(called(live))} is in use with the key ending in ${live.partialKey ?? 'unknown'}; this entry is not, and only brings up notices.`,
  )
}

/** A change that somebody asks for beside the wishes. */
export function planAsked(draft: Draft, asked: Asked): void {
  const because = 'It was asked for.'
  const at = (id: string | undefined) => {
    const p = id === undefined ? null : draft.facts.products.find((o) => o.activationId === id)
    return p ? productLevel(p) : serviceLevel(null)
  }
  switch (asked.change) {
    case 'host-caching':
      draft.propose(hostCaching, { caching: asked.caching, level: serviceLevel(null) }, because)
      return
    case 'lookup-domain':
      draft.propose(lookupDomain, { domain: asked.domain, level: at(asked.product) }, because)
      return
    case 'kms-dns':
      draft.propose(kmsDns, { level: at(asked.product), part: 'both' }, because)
      return
    case 'activation-type':
      draft.propose(activationType, { type: asked.type, level: at(asked.product) }, because)
      return
    case 'clear-registry-key':
      draft.propose(clearRegistryKey, { keys: draft.facts.products.flatMap((p) => p.partialKey ?? []) }, because)
  }
}
