import { type Filter, Rule, type Scope } from '../../protocol/ldap.ts'
import { type Leaf, sameDn, type Tree, type Values } from './tree.ts'

/** [MS-ADTS] 3.1.1.3.4.4.2: any of the bits. */
const anyBit = '1.2.840.113556.1.4.804'
/** A class may be named by its short name where its distinguished name is meant ([MS-ADTS] 3.1.1.3.1.3.1). */
const categories: Readonly<Record<string, string>> = {
  computer: 'computer',
  group: 'group',
  organizationalunit: 'organizational-unit',
  domaindns: 'domain-dns',
  container: 'container',
  'msspp-activationobject': 'ms-spp-activation-object',
}
const isDn = new Set(['memberof', 'distinguishedname', 'objectcategory'])
const isNumber = new Set(['useraccountcontrol', 'primarygroupid', 'lastlogontimestamp'])

const text = (value: string | Buffer) => (typeof value === 'string' ? value : value.toString('utf8'))

function same(name: string, value: string | Buffer, wanted: string): boolean {
  if (name === 'objectcategory') {
    const is = sameDn(text(value))
    return is === sameDn(wanted) || is.startsWith(`cn=${categories[wanted.toLowerCase()] ?? '\0'},`)
  }
  if (isDn.has(name)) return sameDn(text(value)) === sameDn(wanted)
  return text(value).toLowerCase() === wanted.toLowerCase()
}

function whole(value: string): bigint | null {
  return /^-?\d{1,19}$/.test(value) ? BigInt(value) : null
}

/** Below 0, 0 or above; null where the two cannot be compared. */
function order(name: string, value: string | Buffer, wanted: string): number | null {
  if (!isNumber.has(name)) {
    const [a, b] = [text(value).toLowerCase(), wanted.toLowerCase()]
    return a < b ? -1 : a > b ? 1 : 0
  }
  const [a, b] = [whole(text(value)), whole(wanted)]
  return a === null || b === null ? null : a < b ? -1 : a > b ? 1 : 0
}

function inPieces(value: string, pieces: readonly string[]): boolean {
  const last = pieces.length - 1
  let at = 0
  for (const [i, piece] of pieces.entries()) {
    const wanted = piece.toLowerCase()
    if (i === 0) {
      if (!value.startsWith(wanted)) return false
      at = wanted.length
    } else if (i === last) return value.length - wanted.length >= at && value.endsWith(wanted)
    else {
      const found = value.indexOf(wanted, at)
      if (found < 0) return false
      at = found + wanted.length
    }
  }
  return true
}

/** RFC 4511 4.5.1.7: true, false, or undefined (null), which is what an attribute that an entry lacks makes of a comparison. */
function truth(filter: Filter, entry: Leaf, tree: Tree): boolean | null {
  if ('and' in filter) {
    let all: boolean | null = true
    for (const one of filter.and) {
      const is = truth(one, entry, tree)
      if (is === false) return false
      if (is === null) all = null
    }
    return all
  }
  if ('or' in filter) {
    let any: boolean | null = false
    for (const one of filter.or) {
      const is = truth(one, entry, tree)
      if (is === true) return true
      if (is === null) any = null
    }
    return any
  }
  if ('not' in filter) {
    const is = truth(filter.not, entry, tree)
    return is === null ? null : !is
  }
  const name = filter.attribute.toLowerCase()
  const values = entry.get(name)
  if ('exists' in filter) return values !== undefined
  if (values === undefined) return null
  return compared(filter, name, values, tree)
}

function compared(
  filter: Exclude<Filter, { and: unknown } | { or: unknown } | { not: unknown } | { exists: unknown }>,
  name: string,
  values: Values,
  tree: Tree,
): boolean | null {
  if ('rule' in filter) {
    if (filter.rule === Rule.inChain) {
      const wanted = sameDn(filter.is)
      return values.some((value) => tree.groupsAbove(text(value)).includes(wanted))
    }
    const bits = whole(filter.is)
    if (bits === null || (filter.rule !== Rule.allBits && filter.rule !== anyBit)) return null
    const of = (value: string | Buffer) => (whole(text(value)) ?? 0n) & bits
    return values.some((value) => (filter.rule === Rule.allBits ? of(value) === bits : of(value) !== 0n))
  }
  if ('contains' in filter) return values.some((value) => text(value).toLowerCase().includes(filter.contains.toLowerCase()))
  if ('pieces' in filter) return values.some((value) => inPieces(text(value).toLowerCase(), filter.pieces))
  if ('atLeast' in filter) return values.some((value) => (order(name, value, filter.atLeast) ?? -1) >= 0)
  if ('atMost' in filter) return values.some((value) => (order(name, value, filter.atMost) ?? 1) <= 0)
  return values.some((value) => same(name, value, filter.is))
}

/** Whether an entry is what a search is for. */
export const matches = (filter: Filter, entry: Leaf, tree: Tree): boolean => truth(filter, entry, tree) === true

/** Whether an entry stands where a search looks; `base` in the form of `sameDn`. */
export function inScope(entry: Leaf, base: string, scope: Scope): boolean {
  // Names that the lab makes have no spaces after their commas.
  const dn = entry.dn.toLowerCase()
  if (scope === 'base') return dn === base
  const below = dn.endsWith(`,${base}`)
  if (scope === 'subtree') return below || dn === base
  return below && !dn.slice(0, dn.length - base.length - 1).includes(',')
}
