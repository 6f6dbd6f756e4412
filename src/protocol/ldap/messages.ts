import { BadBer, BerReader, ber, berBoolean, berInteger, berText, Tag } from './ber.ts'
import { decodeFilter, encodeFilter, type Filter } from './filter.ts'

/** RFC 4511 4.2 to 4.14: the operations by their tags. */
export const Op = {
  bind: 0x60,
  bindAnswer: 0x61,
  unbind: 0x42,
  search: 0x63,
  entry: 0x64,
  searchDone: 0x65,
  reference: 0x73,
  abandon: 0x50,
  extended: 0x77,
  extendedAnswer: 0x78,
} as const
/** RFC 4511 4.14; RFC 2696 and [MS-ADTS] 3.1.1.3.4.1: pages, and no references to other domains. */
export const Oid = {
  startTls: '1.3.6.1.4.1.1466.20037',
  pages: '1.2.840.113556.1.4.319',
  domainScope: '1.2.840.113556.1.4.1339',
} as const
/** RFC 4511 4.1.9: result codes that one end or the other has a use for. */
export const Result = {
  success: 0,
  operationsError: 1,
  protocolError: 2,
  sizeLimitExceeded: 4,
  strongerAuthRequired: 8,
  unavailableCriticalExtension: 12,
  noSuchObject: 32,
  invalidCredentials: 49,
  unwillingToPerform: 53,
} as const

export type Message = { readonly id: number; readonly tag: number; readonly content: Buffer; readonly controls: Buffer | null }

export const encodeMessage = (id: number, operation: Uint8Array, controls: Uint8Array | null = null): Buffer =>
  ber(Tag.sequence, berInteger(id), operation, ...(controls ? [controls] : []))

/** A message without its outermost head. */
export function decodeMessage(bytes: Buffer): Message {
  const reader = new BerReader(bytes)
  const id = reader.integer()
  const { tag, content } = reader.next()
  return { id, tag, content, controls: reader.more ? reader.take(0xa0) : null }
}

export type BindRequest =
  | { readonly version: number; readonly user: string; readonly password: Buffer }
  | { readonly version: number; readonly user: string; readonly mechanism: string; readonly token: Buffer | null }

/** RFC 4511 4.2, as the answering end reads it. The asking end puts its password into bytes of its own. */
export function decodeBind(content: Buffer): BindRequest {
  const reader = new BerReader(content)
  const version = reader.integer()
  const user = reader.text()
  const { tag, content: credentials } = reader.next()
  if (tag === 0x80) return { version, user, password: credentials }
  if (tag !== 0xa3) throw new BadBer('a logon of a kind that LDAP does not know')
  const sasl = new BerReader(credentials)
  return { version, user, mechanism: sasl.text(), token: sasl.more ? sasl.take(Tag.octets) : null }
}

export type Scope = 'base' | 'one' | 'subtree'
export type Search = {
  readonly base: string
  readonly scope: Scope
  readonly filter: Filter
  /** None: all. */
  readonly attributes: readonly string[]
  /** At most so many entries; 0: the other end's own limit. */
  readonly sizeLimit?: number
  /** Names of attributes without their values. */
  readonly typesOnly?: boolean
}
const scopes: readonly Scope[] = ['base', 'one', 'subtree']

export function encodeSearch({ base, scope, filter, attributes, sizeLimit = 0, typesOnly = false }: Search): Buffer {
  return ber(
    Op.search,
    berText(base),
    berInteger(scopes.indexOf(scope), Tag.enumerated),
    // Aliases are not followed.
    berInteger(0, Tag.enumerated),
    berInteger(sizeLimit),
    berInteger(0),
    berBoolean(typesOnly),
    encodeFilter(filter),
    ber(Tag.sequence, ...attributes.map((name) => berText(name))),
  )
}

export function decodeSearch(content: Buffer): Search {
  const reader = new BerReader(content)
  const base = reader.text()
  const scope = scopes[reader.integer(Tag.enumerated)]
  if (!scope) throw new BadBer('a scope that LDAP does not know')
  reader.integer(Tag.enumerated)
  const sizeLimit = reader.integer()
  reader.integer()
  const typesOnly = reader.take(Tag.boolean)[0] !== 0
  const { tag, content: filter } = reader.next()
  const attributes: string[] = []
  for (const list = new BerReader(reader.take(Tag.sequence)); list.more; ) attributes.push(list.text())
  return { base, scope, filter: decodeFilter(tag, filter), attributes, sizeLimit, typesOnly }
}

/** Names of attributes in lower case. */
export type Attributes = ReadonlyMap<string, readonly Buffer[]>
export type Entry = { readonly dn: string; readonly attributes: Attributes }

export function encodeEntry(dn: string, attributes: Iterable<readonly [name: string, values: readonly (string | Buffer)[]]>): Buffer {
  const list: Buffer[] = []
  for (const [name, values] of attributes)
    list.push(
      ber(
        Tag.sequence,
        berText(name),
        ber(Tag.set, ...values.map((value) => (typeof value === 'string' ? berText(value) : ber(Tag.octets, value)))),
      ),
    )
  return ber(Op.entry, berText(dn), ber(Tag.sequence, ...list))
}

export function decodeEntry(content: Buffer): Entry {
  const reader = new BerReader(content)
  const dn = reader.text()
  const attributes = new Map<string, readonly Buffer[]>()
  for (const list = new BerReader(reader.take(Tag.sequence)); list.more; ) {
    const attribute = new BerReader(list.take(Tag.sequence))
    const name = attribute.text().toLowerCase()
    const values: Buffer[] = []
    for (const set = new BerReader(attribute.take(Tag.set)); set.more; ) values.push(set.take(Tag.octets))
    attributes.set(name, values)
  }
  return { dn, attributes }
}

/** Other servers that hold a part of what was searched. */
export const encodeReference = (urls: readonly string[]): Buffer => ber(Op.reference, ...urls.map((url) => berText(url)))

/** An LDAPResult: under the tag of the operation that it ends. */
export const encodeResult = (tag: number, code: number, message = '', matched = ''): Buffer =>
  ber(tag, berInteger(code, Tag.enumerated), berText(matched), berText(message))

export const encodeExtended = (oid: string): Buffer => ber(Op.extended, berText(oid, 0x80))
export const decodeExtended = (content: Buffer): string => new BerReader(content).take(0x80).toString('latin1')

export type Controls = {
  /** Page of so many entries; the cookie is empty at the first, and, in an answer, at the last. */
  readonly pages: { readonly size: number; readonly cookie: Buffer } | null
  readonly domainScope: boolean
  /** One that must be understood, and is not. */
  readonly unknownCritical: string | null
}

export function encodeControls({ pages, domainScope }: Omit<Controls, 'unknownCritical'>, critical = true): Buffer {
  const list: Buffer[] = []
  if (pages) {
    const page = ber(Tag.sequence, berInteger(pages.size), ber(Tag.octets, pages.cookie))
    list.push(ber(Tag.sequence, berText(Oid.pages), ...(critical ? [berBoolean(true)] : []), ber(Tag.octets, page)))
  }
  if (domainScope) list.push(ber(Tag.sequence, berText(Oid.domainScope), berBoolean(false)))
  return ber(0xa0, ...list)
}

export function decodeControls(controls: Buffer | null): Controls {
  let pages: Controls['pages'] = null
  let domainScope = false
  let unknownCritical: string | null = null
  for (const list = new BerReader(controls ?? Buffer.alloc(0)); list.more; ) {
    const control = new BerReader(list.take(Tag.sequence))
    const oid = control.text()
    let critical = false
    let value: Buffer | null = null
    while (control.more) {
      const next = control.next()
      if (next.tag === Tag.octets) value = next.content
      else if (next.tag === Tag.boolean) critical = next.content[0] !== 0
    }
    if (oid === Oid.pages) {
      if (value === null) throw new BadBer('a page without its end')
      const page = new BerReader(new BerReader(value).take(Tag.sequence))
      pages = { size: page.integer(), cookie: Buffer.from(page.take(Tag.octets)) }
    } else if (oid === Oid.domainScope) domainScope = true
    else if (critical) unknownCritical = oid
  }
  return { pages, domainScope, unknownCritical }
}
