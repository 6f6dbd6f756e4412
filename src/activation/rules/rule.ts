import { machineName } from '../../addresses.ts'
import { clientKeysEndingIn, keyEditionNames } from '../../catalogue.ts'
import type { Evidence, Finding, Site } from '../../model.ts'
import type { Cell } from '../clues/clue.ts'
import { evidence } from '../clues/clue.ts'
import type { MachineFacts } from '../facts/machine.ts'
import type { ProductFacts } from '../facts/product.ts'

/** What a rule is asked with. Time is a fact: `readAt` is when the facts were read (ISO 8601), null where nobody knows. */
export type Asked = { readonly facts: MachineFacts; readonly site: Site | null; readonly readAt: string | null }

/** What a rule has to say; the machine is added by the caller. `product` is an index into the machine's products. */
export type Remark = {
  readonly severity: Finding['severity']
  readonly summary: string
  readonly evidence: readonly Evidence[]
  readonly next?: readonly string[]
  readonly honest?: string
  readonly product?: number
}

/** A rule: what an experienced administrator would remark about a machine, given facts. */
export type Rule = { readonly id: string; readonly about: string; readonly check: (asked: Asked) => readonly Remark[] }

/** Defines a rule; the id is also the name in findings, in the guide and in the cases. */
export function rule(id: string, about: string, check: Rule['check']): Rule {
  return { id, about, check }
}

/** Defines a rule that looks at each product by itself. */
export function productRule(id: string, about: string, check: (product: ProductFacts, asked: Asked, index: number) => Remark | null): Rule {
  return rule(id, about, (asked) =>
    asked.facts.products.flatMap((product, index) => {
      const remark = check(product, asked, index)
      return remark ? [{ product: index, ...remark }] : []
    }),
  )
}

/** The cells of a product as evidence, in the given order; absent ones are left out. */
export function shown(product: ProductFacts, ...wanted: readonly (readonly [string, string])[]): Evidence[] {
  return wanted.flatMap(([name, means]) => {
    const cell = product.cells.get(name)
    return cell && cell.value !== '' ? [evidence(cell, means)] : []
  })
}

/** Who told, or did not: a text that somebody gave, or the machine itself. */
export const teller = (facts: MachineFacts): 'text' | 'machine' => (facts.system === null ? 'text' : 'machine')

/** A name at the head of a sentence. */
export const capital = (s: string) => s.charAt(0).toUpperCase() + s.slice(1)

export function at(cell: Cell | null | undefined, means: string): Evidence[] {
  return cell ? [evidence(cell, means)] : []
}

/** The product that a published client key belongs to; null where several do and no short name covers them. */
function publishedName(partialKey: string, product: ProductFacts): string | null {
  const rows = clientKeysEndingIn(partialKey).filter((r) => (r.family === 'office') === (product.application === 'office'))
  const products = new Set(rows.map((r) => r.product))
  const row = rows[0]
  // The name must not hide that a key of another edition is installed.
  if (!row || (product.application === 'windows' && !keyEditionNames(product.edition).includes(row.edition))) return null
  if (row.family === 'office') return row.edition
  if (products.size === 1) return `${row.product} ${row.edition}`.replace(/ LTS[BC] (\d{4}) (Enterprise(?: N)?) (LTS[BC])/, ' $2 $3 $1')
  return products.has('Windows 10') && products.has('Windows 11') ? `Windows 10/11 ${row.edition}` : null
}

/** A name to put into a sentence: `Windows Server 2019 Standard`, `Office Professional Plus 2016`. */
export function called(product: ProductFacts): string {
  const { edition } = product
  const published =
    product.channel === 'kms-client' && product.partialKey && !product.addOn ? publishedName(product.partialKey, product) : null
  if (published) return published
  if (!edition) return product.application === 'windows' ? 'Windows' : product.application === 'office' ? 'Office' : 'the product'
  if (/^(?:Windows|Office)\b/.test(edition)) return edition
  if (product.addOn)
    return edition.startsWith('Client-ESU') || /ESU/.test(edition)
      ? `the ESU add-on (${edition.replace(/ add-?on$/i, '')})`
      : `the add-on ${edition}`
  if (product.application === 'office')
    return /^(?:Visio|Project|Microsoft|Access|Excel|Outlook|PowerPoint|Publisher|Skype|Word|OneNote)/.test(edition)
      ? edition
      : `Office ${edition}`
  if (product.application !== 'windows') return product.name ?? 'the product'
  if (/windows/i.test(edition)) return edition
  const year =
    /\bWindows(?:\(R\)|\(TM\))? (7|8\.1|8|Vista)\b/.exec(product.name ?? '')?.[1] ?? (/Vista/.test(product.name ?? '') ? 'Vista' : '')
  const words = edition.replace(/^Server(?=[A-Z])/, 'Server ').replace(/([a-z])([A-Z])/g, '$1 $2')
  return `Windows${year ? ` ${year}` : ''} ${words}`.replace(/\s+/g, ' ')
}

/** Whole days of minutes, as a person would say it. */
export function days(minutes: number): string {
  const d = Math.floor(minutes / 1440)
  const hours = Math.floor(minutes / 60)
  return d === 1 ? '1 day' : d >= 1 ? `${d} days` : hours === 1 ? '1 hour' : hours >= 1 ? `${hours} hours` : `${minutes} minutes`
}

const keyedLists = new WeakMap<readonly ProductFacts[], readonly ProductFacts[]>()
/** The entries that carry a key; worked out once for each machine. */
export function keyed(all: readonly ProductFacts[]): readonly ProductFacts[] {
  let list = keyedLists.get(all)
  if (!list) {
    list = all.filter((p) => p.partialKey !== null)
    keyedLists.set(all, list)
  }
  return list
}

const activeLists = new WeakMap<readonly ProductFacts[], readonly ProductFacts[]>()
/** An unlicensed entry beside another entry of the same product that is in use: not the active one. */
export function isSpare(product: ProductFacts, all: readonly ProductFacts[]): boolean {
  if (product.stale) return true
  if (product.state !== 'unlicensed' || product.addOn) return false
  let active = activeLists.get(all)
  if (!active) {
    active = keyed(all).filter((o) => !o.addOn && o.state !== 'unlicensed')
    activeLists.set(all, active)
  }
  return active.some(
    (o) => o !== product && o.application === product.application && (product.application === 'windows' || o.edition === product.edition),
  )
}

/** True where an activation that succeeded stands behind this place in the same text: what failed before is history. */
export function overtaken(facts: MachineFacts, cell: Cell): boolean {
  return facts.products.some((p) => p.attempt?.ok && p.attempt.cell.source === cell.source && p.attempt.cell.line > cell.line)
}

/**
 * Whether slmctl may carry the matter on itself: it asked the machine, and a site file says which hosts are the organisation's. What a
 * recording calls a machine may be any text, and a next step is pasted into a shell: only a name goes into one.
 */
export const inReach = ({ facts, site }: Pick<Asked, 'facts' | 'site'>): boolean =>
  facts.system !== null && site !== null && machineName(facts.id) !== null

/** slmctl's own command that brings the machine to what the site file wishes; null where it is not in its reach. */
export const applying = (asked: Pick<Asked, 'facts' | 'site'>): string | null => (inReach(asked) ? `slmctl apply ${asked.facts.id}` : null)

/** What a person would type to activate: `own`, slmctl's own command, where there is one; else that of Windows or of Office. */
export function toActivate(own: string | null, product: Pick<ProductFacts, 'application'>): string {
  if (own !== null) return own
  return product.application === 'office' ? 'cscript ospp.vbs /act' : 'slmgr /ato'
}

/** How the host that was set is given up for one of the organisation's, as the middle of a sentence. */
export function toOwnHost(own: string | null, product: Pick<ProductFacts, 'application'>): string {
  if (own !== null) return `use your own host instead: ${own}`
  const clear = product.application === 'office' ? 'cscript ospp.vbs /remhst' : 'slmgr /ckms'
  return `clear the setting (${clear}) and activate against your own host (${toActivate(null, product)})`
}
