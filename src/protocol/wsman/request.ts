import { randomUUID } from 'node:crypto'
import { WsmanError } from './fault.ts'
import type { Addressed, Argument, Decoded, DecodedRequest, Hidden, Limits, Request } from './messages.ts'
import { RowReader } from './rows.ts'
import { anonymous, attribute, elementName, escapeXml, ns, read, type Tag } from './xml.ts'

/** [MS-WSMV] 2.2.5: resource URIs of WMI. */
const wmi = 'http://schemas.microsoft.com/wbem/wsman/1/wmi/'
const wql = 'http://schemas.microsoft.com/wbem/wsman/1/WQL'
const actions = {
  Enumerate: `${ns.n}/Enumerate`,
  Pull: `${ns.n}/Pull`,
  Release: `${ns.n}/Release`,
  Get: `${ns.x}/Get`,
} as const

/** `http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Class`; `*` where a WQL filter names the class. */
export function resourceUri(namespace: string, wmiClass: string): string {
  return `${wmi}${namespace.replaceAll('\\', '/')}/${wmiClass}`
}

export function messageId(): string {
  return `uuid:${randomUUID().toUpperCase()}`
}

/** SOAP that a client sends. The buffer is its own memory: where an argument was hidden, the caller wipes it once it is sent. */
export function encodeRequest(request: Request): Buffer {
  if (request.action === 'Identify')
    return Buffer.from(`<s:Envelope xmlns:s="${ns.s}" xmlns:wsmid="${ns.wsmid}"><s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>`)
  const action = request.action === 'Invoke' ? `${request.resourceUri}/${elementName(request.method)}` : actions[request.action]
  const parts = body(request)
  const [head, tail] = [envelope(request, action), '</s:Body></s:Envelope>']
  // Where nothing is hidden it is one text, which is copied once.
  if (parts.every((part) => typeof part === 'string')) return Buffer.from(head + parts.join('') + tail)
  return join([head, ...parts, tail])
}

/** DSP0226 5.4 and 6.1 to 6.3, [MS-WSMV] 2.2.3.1: locales must not be marked mustUnderstand (0x80338087). */
function envelope(request: Addressed, action: string): string {
  const timeout =
    request.operationTimeoutMs === null
      ? ''
      : `<w:OperationTimeout>PT${(request.operationTimeoutMs / 1000).toFixed(3)}S</w:OperationTimeout>`
  const size =
    request.maxEnvelopeSize === null ? '' : `<w:MaxEnvelopeSize s:mustUnderstand="true">${request.maxEnvelopeSize}</w:MaxEnvelopeSize>`
  let selectors = ''
  for (const [name, value] of Object.entries(request.selectors))
    selectors += `<w:Selector Name="${escapeXml(name)}">${escapeXml(value)}</w:Selector>`
  return `<s:Envelope xmlns:s="${ns.s}" xmlns:a="${ns.a}" xmlns:n="${ns.n}" xmlns:w="${ns.w}" xmlns:p="${ns.p}"><s:Header><a:To>${escapeXml(request.to)}</a:To><w:ResourceURI s:mustUnderstand="true">${escapeXml(request.resourceUri)}</w:ResourceURI><a:ReplyTo><a:Address s:mustUnderstand="true">${anonymous}</a:Address></a:ReplyTo><a:Action s:mustUnderstand="true">${escapeXml(action)}</a:Action>${size}<a:MessageID>${escapeXml(request.messageId)}</a:MessageID><w:Locale xml:lang="en-US" s:mustUnderstand="false"/><p:DataLocale xml:lang="en-US" s:mustUnderstand="false"/>${timeout}${selectors && `<w:SelectorSet>${selectors}</w:SelectorSet>`}</s:Header><s:Body>`
}

function body(request: Exclude<Request, { action: 'Identify' }>): (string | Hidden)[] {
  switch (request.action) {
    case 'Enumerate': {
      // DSP0226 8.2.3: w:MaxElements goes with w:OptimizeEnumeration.
      const most = request.maxElements === null ? '' : `<w:MaxElements>${request.maxElements}</w:MaxElements>`
      const filter = request.wql === null ? '' : `<w:Filter Dialect="${wql}">${escapeXml(request.wql)}</w:Filter>`
      return [`<n:Enumerate>${request.optimize ? '<w:OptimizeEnumeration/>' : ''}${most}${filter}</n:Enumerate>`]
    }
    case 'Pull': {
      const most = request.maxElements === null ? '' : `<n:MaxElements>${request.maxElements}</n:MaxElements>`
      return [`<n:Pull><n:EnumerationContext>${escapeXml(request.context)}</n:EnumerationContext>${most}</n:Pull>`]
    }
    case 'Release':
      return [`<n:Release><n:EnumerationContext>${escapeXml(request.context)}</n:EnumerationContext></n:Release>`]
    case 'Get':
      return []
    case 'Invoke': {
      const input = `${elementName(request.method)}_INPUT`
      const parts: (string | Hidden)[] = [`<i:${input} xmlns:i="${escapeXml(request.resourceUri)}" xmlns:xsi="${ns.xsi}">`]
      for (const [name, value] of Object.entries(request.arguments)) parts.push(...argument(`i:${elementName(name)}`, value))
      parts.push(`</i:${input}>`)
      return parts
    }
  }
}

function argument(tag: string, value: Argument): (string | Hidden)[] {
  if (value === null) return [`<${tag} xsi:nil="true"/>`]
  if (typeof value !== 'object') return [`<${tag}>${escapeXml(String(value))}</${tag}>`]
  if ('use' in value) return [`<${tag}>`, value, `</${tag}>`]
  return value.flatMap((one) => argument(tag, one))
}

/** Puts the parts into one buffer of exactly their size; hidden bytes go from their owner into it and nowhere else. */
function join(parts: readonly (string | Hidden)[]): Buffer {
  let length = 0
  for (const part of parts) length += typeof part === 'string' ? Buffer.byteLength(part) : part.use((bytes) => escapeBytes(bytes, null, 0))
  const whole = Buffer.allocUnsafeSlow(length)
  let at = 0
  for (const part of parts) at += typeof part === 'string' ? whole.write(part, at) : part.use((bytes) => escapeBytes(bytes, whole, at))
  return whole
}

const markup: ReadonlyMap<number, Buffer> = new Map([...'&<>"\''].map((c) => [c.charCodeAt(0), Buffer.from(escapeXml(c))]))

/** Writes UTF-8 with its markup escaped; tells how long it is. What XML cannot carry is refused. */
function escapeBytes(bytes: Uint8Array, into: Buffer | null, from: number): number {
  let at = from
  for (const byte of bytes) {
    if (byte < 0x20) throw new TypeError('a secret with control characters cannot be an argument')
    const escaped = markup.get(byte)
    if (escaped !== undefined) {
      if (into) escaped.copy(into, at)
      at += escaped.length
    } else {
      if (into) into[at] = byte
      at++
    }
  }
  return at - from
}

/** Every message of other clients is smaller by far. */
const requestLimits: Limits = { bytes: 1 << 20, depth: 40, elements: 10_000, textLength: 1 << 18 }

/** A request as a server reads it, of this or any other client. Headers that are not needed are passed over. */
export function decodeRequest(xml: Uint8Array): DecodedRequest {
  return read(xml, () => new RequestReader(), requestLimits).request()
}

class RequestReader {
  #part = ''
  #header: Record<string, string> = {}
  #selectors: Record<string, string> = {}
  #bodyName: string | null = null
  #bodyNamespace = ''
  #fields: Record<string, string> = {}
  #dialect: string | null = null
  #optimize = false
  readonly #input = new RowReader()

  open = (tag: Tag, depth: number): void => {
    if (depth === 1 && (tag.local !== 'Envelope' || tag.uri !== ns.s)) throw new WsmanError('not a SOAP 1.2 envelope')
    if (depth === 2) this.#part = tag.uri === ns.s ? tag.local : ''
    if (this.#part !== 'Body') return
    if (depth === 3) {
      if (this.#bodyName !== null) throw new WsmanError('a SOAP body with two elements')
      this.#bodyName = tag.local
      this.#bodyNamespace = tag.uri
    } else if (depth > 3) {
      if (this.#bodyName!.endsWith('_INPUT')) this.#input.open(tag)
      else if (depth === 4 && tag.local === 'OptimizeEnumeration') this.#optimize = true
      else if (depth === 4 && tag.local === 'Filter') this.#dialect = attribute(tag, 'Dialect') ?? ''
    }
  }

  close = (tag: Tag, depth: number, text: string | null): void => {
    if (this.#part === 'Header') {
      if (depth === 3 && text !== null && (tag.uri === ns.a || tag.uri === ns.w)) this.#header[tag.local] = text.trim()
      else if (depth === 4 && tag.local === 'Selector' && tag.uri === ns.w && text !== null) {
        const name = attribute(tag, 'Name')
        if (name !== undefined && name !== '__proto__') this.#selectors[name] = text
      }
    } else if (this.#part === 'Body' && depth > 3) {
      if (this.#bodyName!.endsWith('_INPUT')) this.#input.close(tag, text)
      else if (depth === 4 && text !== null && (tag.uri === ns.n || tag.uri === ns.w)) this.#fields[tag.local] = text
    }
    if (depth === 2) this.#part = ''
  }

  request(): DecodedRequest {
    if (this.#bodyName === 'Identify' && this.#bodyNamespace === ns.wsmid) return { action: 'Identify' }
    const action = this.#header.Action
    if (!action) throw new WsmanError('a request without an action')
    const uri = this.#header.ResourceURI ?? ''
    const most = Number(this.#fields.MaxElements)
    const common = {
      to: this.#header.To ?? '',
      resourceUri: uri,
      messageId: this.#header.MessageID ?? '',
      selectors: this.#selectors,
      operationTimeoutMs: duration(this.#header.OperationTimeout),
      maxEnvelopeSize: Number(this.#header.MaxEnvelopeSize) > 0 ? Number(this.#header.MaxEnvelopeSize) : null,
      ...classOf(uri, this.#selectors),
    }
    const maxElements = most > 0 ? Math.floor(most) : null
    const context = (this.#fields.EnumerationContext ?? '').trim()
    switch (action) {
      case actions.Enumerate: {
        const isWql = this.#dialect?.toLowerCase() === wql.toLowerCase()
        const mode = (this.#fields.EnumerationMode ?? '').trim()
        return {
          ...common,
          action: 'Enumerate',
          wql: isWql ? (this.#fields.Filter ?? '').trim() : null,
          otherDialect: this.#dialect === null || isWql ? null : this.#dialect,
          optimize: this.#optimize,
          maxElements,
          mode: mode === 'EnumerateEPR' ? 'epr' : mode === 'EnumerateObjectAndEPR' ? 'object-and-epr' : 'object',
        }
      }
      case actions.Pull:
        return { ...common, action: 'Pull', context, maxElements }
      case actions.Release:
        return { ...common, action: 'Release', context }
      case actions.Get:
        return { ...common, action: 'Get' }
    }
    // DSP0227 9: the action of a method is the URI of its class and the method's name.
    if (common.class !== null && action.toLowerCase().startsWith(`${uri.toLowerCase()}/`)) {
      const method = action.slice(uri.length + 1)
      if (this.#bodyName !== null && this.#bodyName !== `${method}_INPUT`) throw new WsmanError('a method call whose input is for another')
      return { ...common, action: 'Invoke', method, arguments: this.#input.take() }
    }
    return { ...common, action: 'Other', uri: action }
  }
}

/** Which class a resource URI means: Windows' own form, or the CIM schema's (DSP0227 section 6) with the namespace as a selector. */
function classOf(uri: string, selectors: Readonly<Record<string, string>>): Decoded {
  const path = uri.replace(/\?.*$/, '')
  const own = /^https?:\/\/schemas\.microsoft\.com\/wbem\/wsman\/1\/wmi\/(.+)\/([^/]+)$/i.exec(path)
  if (own) return { namespace: own[1]!.toLowerCase(), class: own[2]! }
  const schema = /\/wbem\/wscim\/1\/(?:cim-schema\/2\/)?([A-Za-z_][A-Za-z0-9_]*|\*)$/.exec(path)
  if (!schema) return { namespace: null, class: null }
  const named = Object.entries(selectors).find(([name]) => name.toLowerCase() === '__cimnamespace')?.[1]
  return { namespace: (named ?? 'root/cimv2').replaceAll('\\', '/').toLowerCase(), class: schema[1]! }
}

/** xs:duration (DSP0226 6.1) without years and months, in milliseconds. */
function duration(text: string | undefined): number | null {
  const m = /^P(?:(\d{1,4})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?$/.exec(text?.trim() ?? '')
  if (!m) return null
  const [days, hours, minutes, seconds] = m.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number]
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000)
}
