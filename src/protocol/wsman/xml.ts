import { SaxesParser } from 'saxes'
import { WsmanError } from './fault.ts'
import { visitKnown } from './known.ts'
import type { Limits } from './messages.ts'

/** [MS-WSMV] 2.2.1 Namespaces, by the prefixes that Windows itself uses. */
export const ns = {
  s: 'http://www.w3.org/2003/05/soap-envelope',
  a: 'http://schemas.xmlsoap.org/ws/2004/08/addressing',
  n: 'http://schemas.xmlsoap.org/ws/2004/09/enumeration',
  x: 'http://schemas.xmlsoap.org/ws/2004/09/transfer',
  w: 'http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd',
  p: 'http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd',
  f: 'http://schemas.microsoft.com/wbem/wsman/1/wsmanfault',
  rsp: 'http://schemas.microsoft.com/wbem/wsman/1/windows/shell',
  cim: 'http://schemas.dmtf.org/wbem/wscim/1/common',
  xsi: 'http://www.w3.org/2001/XMLSchema-instance',
  wsmid: 'http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd',
  wmiError: 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError',
} as const

export const anonymous = `${ns.a}/role/anonymous`

/** Above what Windows is asked for (w:MaxEnvelopeSize) and what it sends by far; enough to stop whoever would fill the memory. */
export const defaultLimits: Limits = { bytes: 8 << 20, depth: 40, elements: 300_000, textLength: 1 << 20 }

/** A tag with its names resolved; attributes by their names as they stand there. */
export type Tag = {
  readonly local: string
  readonly uri: string
  readonly attributes: Readonly<Record<string, { readonly local: string; readonly uri: string; readonly value: string }>>
}
/**
 * What a decoder is told while the text passes by: no tree is built. `depth` is 1 for the root; `text` is null for elements
 * with child elements.
 */
export type Visitor = {
  readonly open: (tag: Tag, depth: number) => void
  readonly close: (tag: Tag, depth: number, text: string | null) => void
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Reads a SOAP message as `visit` does, most of a fleet's quickly. The reader is made anew where the quick way came to nothing. */
export function read<R extends Visitor>(xml: Uint8Array, make: () => R, limits: Limits = defaultLimits): R {
  const text = decode(xml, limits)
  const quick = make()
  if (visitKnown(text, quick, limits)) return quick
  const reader = make()
  visitText(text, reader, limits)
  return reader
}

/**
 * One pass over a SOAP message. Refused are: what is no UTF-8, not well-formed, cut off, has a document type (so no entity can be
 * declared: no file is read, nothing grows), or is beyond the limits.
 */
export function visit(xml: Uint8Array, visitor: Visitor, limits: Limits = defaultLimits): void {
  visitText(decode(xml, limits), visitor, limits)
}

function decode(xml: Uint8Array, limits: Limits): string {
  if (xml.length > limits.bytes) throw new WsmanError(`a message of ${xml.length} bytes, more than ${limits.bytes}`)
  try {
    return decoder.decode(xml)
  } catch {
    throw new WsmanError('a message that is not UTF-8')
  }
}

function visitText(text: string, visitor: Visitor, limits: Limits): void {
  // In element content it would be escaped: this is one, or somebody tries how far they get.
  if (text.includes('<!DOCTYPE')) throw new WsmanError('a message with a document type')
  const longest = 2 * limits.textLength
  for (let at = 0; at < text.length; ) {
    const next = text.indexOf('<', at + 1)
    // Between two of them is one tag and its text. A parser makes objects of every attribute before anybody is asked.
    if ((next < 0 ? text.length : next) - at > longest) throw new WsmanError('a tag or a text in a message is too long')
    at = next < 0 ? text.length : next
  }
  const parser = new SaxesParser({ xmlns: true, position: false })
  let depth = 0
  let elements = 0
  let leaf = ''
  let isLeaf = false
  const add = (more: string) => {
    if (!isLeaf) return
    leaf = leaf === '' ? more : leaf + more
    if (leaf.length > limits.textLength) throw new WsmanError('a text in a message is too long')
  }
  parser.on('opentag', (tag) => {
    if (++depth > limits.depth) throw new WsmanError('a message is nested too deeply')
    if (++elements > limits.elements) throw new WsmanError('a message has too many elements')
    leaf = ''
    isLeaf = true
    visitor.open(tag, depth)
  })
  parser.on('closetag', (tag) => {
    visitor.close(tag, depth, isLeaf ? leaf : null)
    isLeaf = false
    depth--
  })
  parser.on('text', add)
  // No further handler without need: with a fifth, V8 turns saxes' parser into a dictionary and reading is half as fast, with more a
  // quarter (measured). Without one for errors it throws them.
  if (text.includes('<![CDATA[')) parser.on('cdata', add)
  try {
    parser.write(text).close()
  } catch (error) {
    if ((error as Error).constructor !== Error) throw error
    throw new WsmanError('a message that is not well-formed XML, or that was cut off')
  }
}

/** An attribute by its local name and namespace; unprefixed attributes have none. */
export function attribute(tag: Tag, local: string, uri = ''): string | undefined {
  for (const name in tag.attributes) {
    const found = tag.attributes[name]!
    if (found.local === local && found.uri === uri) return found.value
  }
  return undefined
}

const mustEscape = /[&<>"'\r\n\t]/
const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  // A parser would turn these into line feeds and blanks.
  '\r': '&#13;',
  '\n': '&#10;',
  '\t': '&#9;',
}
/** What XML 1.0 cannot carry at all (section 2.2); it is refused by every reader, so it is left out. */
const unspeakable = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** Text for an element or an attribute. */
export function escapeXml(text: string): string {
  const clean = unspeakable.test(text) ? text.replace(unspeakable, '') : text
  unspeakable.lastIndex = 0
  return mustEscape.test(clean) ? clean.replace(/[&<>"'\r\n\t]/g, (c) => escapes[c]!) : clean
}

/** A name that may stand as an element: WMI's own rule for classes, properties, methods and parameters. */
export function elementName(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,255}$/.test(name)) throw new TypeError(`no name for an element: ${name.slice(0, 40)}`)
  return name
}
