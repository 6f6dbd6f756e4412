import { encodeFault, FaultReader, WsmanError } from './fault.ts'
import type { Answers, EncodableRow, EncodableValue, EncodedItem, Items, Limits, Request, Response, Row, Shape } from './messages.ts'
import { messageId, resourceUri } from './request.ts'
import { RowReader } from './rows.ts'
import { anonymous, defaultLimits, elementName, escapeXml, ns, read, type Tag } from './xml.ts'

const faultAction = 'http://schemas.dmtf.org/wbem/wsman/1/wsman/fault'

/** SOAP that a server sends. */
export function encodeResponse(response: Response): Buffer {
  switch (response.action) {
    case 'IdentifyResponse':
      return Buffer.from(
        `<s:Envelope xmlns:s="${ns.s}" xml:lang="en-US"><s:Header/><s:Body><wsmid:IdentifyResponse xmlns:wsmid="${ns.wsmid}"><wsmid:ProtocolVersion>${ns.w}</wsmid:ProtocolVersion><wsmid:ProductVendor>${escapeXml(response.vendor)}</wsmid:ProductVendor><wsmid:ProductVersion>${escapeXml(response.version)}</wsmid:ProductVersion></wsmid:IdentifyResponse></s:Body></s:Envelope>`,
      )
    case 'EnumerateResponse':
      return envelope(`${ns.n}/EnumerateResponse`, response.relatesTo, `<n:EnumerateResponse>${items(response, 'w')}</n:EnumerateResponse>`)
    case 'PullResponse':
      return envelope(`${ns.n}/PullResponse`, response.relatesTo, `<n:PullResponse>${items(response, 'n')}</n:PullResponse>`)
    case 'ReleaseResponse':
      return envelope(`${ns.n}/ReleaseResponse`, response.relatesTo, '')
    case 'GetResponse':
      return envelope(`${ns.x}/GetResponse`, response.relatesTo, encodeItem(response.shape, response.row).xml)
    case 'InvokeResponse': {
      const output = `p:${elementName(response.method)}_OUTPUT`
      return envelope(
        `${response.resourceUri}/${response.method}Response`,
        response.relatesTo,
        `<${output} xmlns:p="${escapeXml(response.resourceUri)}" xmlns:xsi="${ns.xsi}" xmlns:cim="${ns.cim}">${properties(response.out, 'p:')}</${output}>`,
      )
    }
    case 'Fault':
      return envelope(faultAction, response.relatesTo, encodeFault(response))
  }
}

export function envelope(action: string, relatesTo: string, body: string): Buffer {
  const relates = relatesTo === '' ? '' : `<a:RelatesTo>${escapeXml(relatesTo)}</a:RelatesTo>`
  return Buffer.from(
    `<s:Envelope xml:lang="en-US" xmlns:s="${ns.s}" xmlns:a="${ns.a}" xmlns:x="${ns.x}" xmlns:n="${ns.n}" xmlns:w="${ns.w}"><s:Header><a:Action>${escapeXml(action)}</a:Action><a:MessageID>${messageId()}</a:MessageID><a:To>${anonymous}</a:To>${relates}</s:Header><s:Body>${body}</s:Body></s:Envelope>`,
  )
}

/** DSP0226 8.2.3 and 8.3: items of an optimised first answer are w:Items, of a pull n:Items; so is the end of the sequence. */
function items({ items, shape, context, end }: Items, prefix: 'w' | 'n'): string {
  let xml = ''
  for (const item of items) xml += isEncoded(item) ? item.xml : encodeItem(shape, item).xml
  const next = `<n:EnumerationContext>${context === null ? '' : escapeXml(context)}</n:EnumerationContext>`
  // Windows leaves the items out where an enumeration was not optimised.
  const list = prefix === 'w' && items.length === 0 && !end ? '' : `<${prefix}:Items>${xml}</${prefix}:Items>`
  const last = end ? `<${prefix}:EndOfSequence/>` : ''
  return prefix === 'w' ? `${next}${list}${last}` : `${context === null ? '' : next}${list}${last}`
}

const isEncoded = (item: EncodableRow | EncodedItem): item is EncodedItem => Object.keys(item).length === 1 && typeof item.xml === 'string'

/** One item as it stands in an answer. */
export function encodeItem(shape: Shape, row: EncodableRow): EncodedItem {
  if (shape === 'fragment')
    return { xml: `<w:XmlFragment xmlns:xsi="${ns.xsi}" xmlns:cim="${ns.cim}">${properties(row, '')}</w:XmlFragment>` }
  const name = elementName(shape.class)
  const p = escapeXml(resourceUri(shape.namespace, name))
  return {
    xml: `<p:${name} xmlns:xsi="${ns.xsi}" xmlns:p="${p}" xmlns:cim="${ns.cim}" xsi:type="p:${name}_Type">${properties(row, 'p:')}</p:${name}>`,
  }
}

function properties(row: EncodableRow, prefix: string): string {
  let xml = ''
  for (const name in row) xml += property(prefix + elementName(name), row[name]!)
  return xml
}

function property(tag: string, value: EncodableValue): string {
  if (value === null) return `<${tag} xsi:nil="true"/>`
  if (typeof value !== 'object') return `<${tag}>${escapeXml(String(value))}</${tag}>`
  if ('datetime' in value) {
    // As recorded: in a fragment even this element has no namespace.
    const wrapper = tag.startsWith('p:') ? 'cim:Datetime' : 'Datetime'
    return `<${tag}><${wrapper}>${escapeXml(xmlDate(value.datetime))}</${wrapper}></${tag}>`
  }
  return value.length === 0 ? `<${tag} xsi:nil="true"/>` : value.map((one) => property(tag, one)).join('')
}

/** WMI's own form of a date (DSP0004 5.2.4, minutes of offset) as xs:dateTime, which WS-Man carries; any other text as it is. */
function xmlDate(text: string): string {
  const m = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\.(\d{6})([+-])(\d{3})$/.exec(text)
  if (!m) return text
  const [, year, month, day, hour, minute, second, micro, sign, offset] = m as unknown as string[]
  const fraction = micro!.replace(/0+$/, '')
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0')
  const zone = Number(offset) === 0 ? 'Z' : `${sign}${two(Number(offset) / 60)}:${two(Number(offset) % 60)}`
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction && `.${fraction}`}${zone}`
}

type Action = keyof Answers

/**
 * What the other end answered to a request. Throws a WsmanFault where it is a fault, a WsmanError where it is malformed or the
 * answer to something else.
 */
export function decodeResponse<A extends Action>(
  xml: Uint8Array,
  request: Extract<Request, { readonly action: A }>,
  limits: Limits = defaultLimits,
): Answers[A] {
  return read(xml, () => new ResponseReader(), limits).answer(request) as Answers[A]
}

/** Where in an answer the items of each kind stand, by depth. */
class ResponseReader {
  #part = ''
  #relatesTo: string | null = null
  #body = ''
  #fault: FaultReader | null = null
  /** Depth of the element whose children are properties; 0 outside. */
  #rowAt = 0
  #inItems = false
  readonly #rows = new RowReader()
  readonly #items: Row[] = []
  #context: string | null = null
  #end = false
  #vendor: string | null = null
  #version: string | null = null

  open = (tag: Tag, depth: number): void => {
    if (this.#fault) this.#fault.open(tag)
    else if (this.#rowAt > 0) this.#rows.open(tag)
    else if (depth === 1) {
      if (tag.local !== 'Envelope' || tag.uri !== ns.s) throw new WsmanError('not a SOAP 1.2 envelope')
    } else if (depth === 2) this.#part = tag.uri === ns.s ? tag.local : ''
    else if (this.#part === 'Body') this.#openBody(tag, depth)
  }

  #openBody(tag: Tag, depth: number): void {
    if (depth === 3) {
      if (this.#body !== '') throw new WsmanError('a SOAP body with two elements')
      this.#body = tag.local
      if (tag.local === 'Fault' && tag.uri === ns.s) this.#fault = new FaultReader()
      else if (tag.uri !== ns.n && tag.uri !== ns.wsmid) this.#rowAt = 3
    } else if (depth === 4 && tag.local === 'Items' && (tag.uri === ns.w || tag.uri === ns.n)) this.#inItems = true
    else if (depth === 5 && this.#inItems) this.#rowAt = 5
  }

  close = (tag: Tag, depth: number, text: string | null): void => {
    if (this.#fault && depth > 2) this.#fault.close(tag, text ?? '')
    else if (this.#rowAt > 0 && depth > this.#rowAt) this.#rows.close(tag, text)
    else if (this.#rowAt > 0) {
      this.#items.push(this.#rows.take())
      this.#rowAt = 0
    } else if (depth === 2) this.#part = ''
    else if (this.#part === 'Header') {
      if (depth === 3 && tag.local === 'RelatesTo' && tag.uri === ns.a) this.#relatesTo = (text ?? '').trim()
    } else if (this.#part === 'Body' && depth === 4) {
      if (tag.local === 'EnumerationContext' && tag.uri === ns.n) this.#context = (text ?? '').trim() || null
      else if (tag.local === 'EndOfSequence') this.#end = true
      else if (tag.local === 'Items') this.#inItems = false
      else if (tag.local === 'ProductVendor') this.#vendor = text
      else if (tag.local === 'ProductVersion') this.#version = text
    }
  }

  answer(request: Request): Answers[Action] {
    const messageId = request.action === 'Identify' ? null : request.messageId.toLowerCase()
    const related = this.#relatesTo?.toLowerCase()
    // A fault about a request that could not be read names none (DSP0226 5.4.3).
    if (this.#fault && (!related || messageId === null || related === messageId)) throw this.#fault.fault()
    if (request.action === 'Identify') {
      this.#expect('IdentifyResponse')
      return { vendor: this.#vendor, version: this.#version }
    }
    if (related !== messageId) throw new WsmanError('the answer to another request')
    switch (request.action) {
      case 'Enumerate':
      case 'Pull':
        this.#expect(`${request.action}Response`)
        if (this.#context === null && !this.#end) {
          // DSP0226 8.2: neither more nor an end; an answer that lost its tail would look like this.
          throw new WsmanError('an enumeration that neither ends nor goes on')
        }
        return { items: this.#items, context: this.#context, end: this.#end }
      case 'Release':
        if (this.#body !== '') this.#expect('ReleaseResponse')
        return {}
      case 'Get':
        if (this.#items.length !== 1) throw new WsmanError('an instance was asked for and none came')
        return { row: this.#items[0]! }
      case 'Invoke':
        this.#expect(`${request.method}_OUTPUT`)
        return { out: this.#items[0] ?? {} }
    }
  }

  #expect(name: string): void {
    if (this.#body.toLowerCase() !== name.toLowerCase()) throw new WsmanError(`${name} was expected`)
  }
}
