import { BadBer, BerReader, ber, berBoolean, berText, Tag } from './ber.ts'

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
  | { readonly attribute: string; readonly atMost: string }
  | { readonly attribute: string; readonly contains: string }
  /** Pieces that follow one another, with anything between; the first begins the value, the last ends it. */
  | { readonly attribute: string; readonly pieces: readonly [begin: string, ...rest: string[], end: string] }
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
  if ('pieces' in filter) {
    const last = filter.pieces.length - 1
    const pieces = filter.pieces.map((piece, i) => (piece === '' ? [] : [berText(piece, i === 0 ? 0x80 : i === last ? 0x82 : 0x81)]))
    return ber(0xa4, attribute, ber(Tag.sequence, ...pieces.flat()))
  }
  if ('contains' in filter) return ber(0xa4, attribute, ber(Tag.sequence, berText(filter.contains, 0x81)))
  if ('atLeast' in filter) return ber(0xa5, attribute, berText(filter.atLeast))
  return 'atMost' in filter ? ber(0xa6, attribute, berText(filter.atMost)) : ber(0xa3, attribute, berText(filter.is))
}

/** A filter within filters within filters: none that means something is deeper. */
const deepest = 32

/** A filter as it came, under its tag. Approximate matches are read as equal ones. Throws BadBer. */
export function decodeFilter(tag: number, content: Buffer, depth = 0): Filter {
  if (depth > deepest) throw new BadBer('a filter too deep to be meant')
  const reader = new BerReader(content)
  const inner = () => {
    const next = reader.next()
    return decodeFilter(next.tag, next.content, depth + 1)
  }
  const all = () => {
    const list: Filter[] = []
    while (reader.more) list.push(inner())
    return list
  }
  switch (tag) {
    case 0xa0:
      return { and: all() }
    case 0xa1:
      return { or: all() }
    case 0xa2:
      return { not: inner() }
    case 0xa3:
    case 0xa8:
      return { attribute: reader.text(), is: reader.text() }
    case 0xa4:
      return pieces(reader)
    case 0xa5:
      return { attribute: reader.text(), atLeast: reader.text() }
    case 0xa6:
      return { attribute: reader.text(), atMost: reader.text() }
    case 0x87:
      return { attribute: content.toString('utf8'), exists: true }
    case 0xa9:
      return byRule(reader)
    default:
      throw new BadBer('a filter of a kind that LDAP does not know')
  }
}

function pieces(reader: BerReader): Filter {
  const attribute = reader.text()
  let begin = ''
  let end = ''
  const between: string[] = []
  for (const list = new BerReader(reader.take(Tag.sequence)); list.more; ) {
    const { tag, content } = list.next()
    const piece = content.toString('utf8')
    if (tag === 0x80) begin = piece
    else if (tag === 0x82) end = piece
    else between.push(piece)
  }
  if (begin === '' && end === '' && between.length === 1) return { attribute, contains: between[0]! }
  return { attribute, pieces: [begin, ...between, end] }
}

function byRule(reader: BerReader): Filter {
  const parts = new Map<number, string>()
  while (reader.more) {
    const { tag, content } = reader.next()
    parts.set(tag, content.toString('utf8'))
  }
  const [rule, attribute, is] = [parts.get(0x81), parts.get(0x82), parts.get(0x83)]
  if (rule === undefined || attribute === undefined || is === undefined) throw new BadBer('a rule without attribute or value')
  return { attribute, rule, is }
}

/** The filter as people and other tools write it (RFC 4515), for showing and for `ldapsearch`. */
export function filterText(filter: Filter): string {
  if ('and' in filter) return `(&${filter.and.map(filterText).join('')})`
  if ('or' in filter) return `(|${filter.or.map(filterText).join('')})`
  if ('not' in filter) return `(!${filterText(filter.not)})`
  if ('exists' in filter) return `(${filter.attribute}=*)`
  if ('rule' in filter) return `(${filter.attribute}:${filter.rule}:=${escaped(filter.is)})`
  if ('contains' in filter) return `(${filter.attribute}=*${escaped(filter.contains)}*)`
  if ('pieces' in filter) return `(${filter.attribute}=${filter.pieces.map(escaped).join('*')})`
  if ('atMost' in filter) return `(${filter.attribute}<=${escaped(filter.atMost)})`
  return 'atLeast' in filter ? `(${filter.attribute}>=${escaped(filter.atLeast)})` : `(${filter.attribute}=${escaped(filter.is)})`
}

/** RFC 4515 3: NUL, brackets, star and backslash as `\xx`; control characters as well, so that the text is safe on a terminal. */
function escaped(value: string): string {
  return value.replace(/[\0-\x1f\x7f()*\\]/g, (c) => `\\${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
