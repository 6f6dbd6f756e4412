import { ber, berBoolean, berText, Tag } from './ber.ts'

/**
 * A search filter as a value (RFC 4511 4.5.1.7). It goes onto the wire as it is built, and is never put together from text: what
 * somebody typed is a value and nothing else, whatever brackets and stars are in it.
 */
export type Filter =
  | { readonly and: readonly Filter[] }
  | { readonly or: readonly Filter[] }
  | { readonly not: Filter }
  | { readonly attribute: string; readonly exists: true }
  | { readonly attribute: string; readonly is: string }
  | { readonly attribute: string; readonly atLeast: string }
  | { readonly attribute: string; readonly contains: string }
  | { readonly attribute: string; readonly rule: string; readonly is: string }

/** [MS-ADTS] 3.1.1.3.4.4: matching rules of Active Directory. */
export const Rule = { allBits: '1.2.840.113556.1.4.803', inChain: '1.2.840.113556.1.4.1941' } as const

export function encodeFilter(filter: Filter): Buffer {
  if ('and' in filter) return ber(0xa0, ...filter.and.map(encodeFilter))
  if ('or' in filter) return ber(0xa1, ...filter.or.map(encodeFilter))
  if ('not' in filter) return ber(0xa2, encodeFilter(filter.not))
  if ('exists' in filter) return berText(filter.attribute, 0x87)
  const attribute = berText(filter.attribute)
  if ('rule' in filter)
    return ber(0xa9, berText(filter.rule, 0x81), berText(filter.attribute, 0x82), berText(filter.is, 0x83), berBoolean(false, 0x84))
  if ('contains' in filter) return ber(0xa4, attribute, ber(Tag.sequence, berText(filter.contains, 0x81)))
  return 'atLeast' in filter ? ber(0xa5, attribute, berText(filter.atLeast)) : ber(0xa3, attribute, berText(filter.is))
}

/** The filter as people and other tools write it (RFC 4515), for showing and for `ldapsearch`. */
export function filterText(filter: Filter): string {
  if ('and' in filter) return `(&${filter.and.map(filterText).join('')})`
  if ('or' in filter) return `(|${filter.or.map(filterText).join('')})`
  if ('not' in filter) return `(!${filterText(filter.not)})`
  if ('exists' in filter) return `(${filter.attribute}=*)`
  if ('rule' in filter) return `(${filter.attribute}:${filter.rule}:=${escaped(filter.is)})`
  if ('contains' in filter) return `(${filter.attribute}=*${escaped(filter.contains)}*)`
  return 'atLeast' in filter ? `(${filter.attribute}>=${escaped(filter.atLeast)})` : `(${filter.attribute}=${escaped(filter.is)})`
}

/** RFC 4515 3: NUL, brackets, star and backslash as `\xx`; control characters as well, so that the text is safe on a terminal. */
function escaped(value: string): string {
  return value.replace(/[\0-\x1f\x7f()*\\]/g, (c) => `\\${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
