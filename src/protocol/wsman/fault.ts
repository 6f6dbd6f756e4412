import type { Fault } from './messages.ts'
import { attribute, elementName, escapeXml, ns, type Tag } from './xml.ts'

/** A message that breaks its specification, or is not what was asked for. */
export class WsmanError extends Error {}

/**
 * What a fault means for whoever asked. `not-found` is a class, namespace or instance that does not exist; `filter` is a query that
 * Windows did not process, which by the code alone may be either an unknown class or an invalid query.
 */
export type FaultKind =
  | 'access-denied'
  | 'not-found'
  | 'invalid-query'
  | 'filter'
  | 'selectors'
  | 'timeout'
  | 'envelope-size'
  | 'quota'
  | 'other'

/** wsmerror.h and wbemcli.h, by what a client does about them. Never by subcode or text: those differ by version and language. */
const kinds: ReadonlyMap<number, FaultKind> = new Map<number, FaultKind>([
  [5, 'access-denied'],
  [0x80070005, 'access-denied'],
  [0x80041003, 'access-denied'],
  [0x80338104, 'access-denied'],
  [0x80338105, 'access-denied'],
  [0x80338106, 'access-denied'],
  [0x80041002, 'not-found'],
  [0x8004100e, 'not-found'],
  [0x80041010, 'not-found'],
  [0x80338000, 'not-found'],
  [0x80041017, 'invalid-query'],
  [0x80041018, 'invalid-query'],
  [0x8033801a, 'filter'],
  [0x80338122, 'filter'],
  [0x8033805a, 'selectors'],
  [0x8033805b, 'selectors'],
  [0x8033805d, 'selectors'],
  [0x80338029, 'timeout'],
  [0x80338047, 'envelope-size'],
  [0x80338048, 'envelope-size'],
  [0x80338049, 'envelope-size'],
  ...[0xa5, 0xa6, 0xa7, 0xa8, 0xab, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea].map((low): [number, FaultKind] => [
    0x80338100 + low,
    'quota',
  ]),
])

/** What the other end says instead of an answer. */
export class WsmanFault extends Error {
  /** WSManFault/@Code or error_Code, unsigned; null where the fault carries none. */
  readonly code: number | null
  /** The WMI provider's own code, where it differs: 0x80041010, 0xC004F074. */
  readonly providerCode: number | null
  readonly kind: FaultKind
  /** Local part of the SOAP subcode. */
  readonly subcode: string | null
  readonly provider: string | null
  constructor(parts: {
    code: number | null
    providerCode: number | null
    message: string
    subcode: string | null
    provider: string | null
  }) {
    super(parts.message)
    this.code = parts.code
    this.providerCode = parts.providerCode
    this.kind = kindOf(parts.providerCode) ?? kindOf(parts.code) ?? 'other'
    this.subcode = parts.subcode
    this.provider = parts.provider
  }
}

const kindOf = (code: number | null): FaultKind | undefined => (code === null ? undefined : kinds.get(code))

/** Decimal, signed or not, or hex; null where it is none. */
function unsigned(text: string | undefined): number | null {
  const trimmed = text?.trim() ?? ''
  if (!/^(-?\d{1,10}|0x[0-9a-f]{1,8})$/i.test(trimmed)) return null
  const value = Number(trimmed)
  return value >= -0x80000000 && value <= 0xffffffff ? value >>> 0 : null
}

/**
 * Reads s:Fault (SOAP 1.2 part 1, 5.4) with either detail: f:WSManFault, nested in f:ProviderFault with p:__ExtendedStatus
 * ([MS-WSMV] 2.2.4.44), or p:MSFT_WmiError.
 */
export class FaultReader {
  #codes: number[] = []
  #wmiCode: number | null = null
  #statusCode: number | null = null
  #subcode: string | null = null
  #provider: string | null = null
  #reason = ''
  #message = ''
  #wmiMessage = ''
  #inSubcode = false

  open(tag: Tag): void {
    if (tag.local === 'Subcode' && tag.uri === ns.s) this.#inSubcode = true
    else if (tag.local === 'WSManFault' && this.#codes.length < 8) {
      const code = unsigned(attribute(tag, 'Code'))
      if (code !== null) this.#codes.push(code)
    } else if (tag.local === 'ProviderFault') this.#provider ??= attribute(tag, 'provider')?.trim() || null
  }

  close(tag: Tag, text: string): void {
    const said = text.trim()
    if (tag.uri === ns.s) {
      if (tag.local === 'Value' && this.#inSubcode) this.#subcode ??= said.replace(/^.*:/, '') || null
      else if (tag.local === 'Subcode') this.#inSubcode = false
      else if (tag.local === 'Text') this.#reason ||= said
      return
    }
    if (tag.uri === ns.f) {
      // The innermost message is the provider's own and comes first.
      if (tag.local === 'Message' || tag.local === 'ProviderFault' || tag.local === 'WSManFault') this.#message ||= said
      return
    }
    if (said === '') return
    if (tag.local === 'error_Code') this.#wmiCode ??= unsigned(said)
    else if (tag.local === 'MessageID') this.#wmiCode ??= unsigned(/HRESULT (0x[0-9a-f]{1,8})/i.exec(said)?.[1])
    else if (tag.local === 'Message' || tag.local === 'error_WindowsErrorMessage') this.#wmiMessage ||= said
    else if (tag.local === 'StatusCode') this.#statusCode ??= unsigned(said)
  }

  fault(): WsmanFault {
    const outer = this.#codes[0] ?? this.#wmiCode
    const inner = this.#statusCode ?? this.#codes.at(-1) ?? this.#wmiCode
    const message = this.#message || this.#wmiMessage || this.#reason || 'a fault without a text'
    return new WsmanFault({
      code: outer,
      providerCode: inner !== outer ? inner : null,
      message: message.replace(unseen, '').replace(/\s+/g, ' ').slice(0, 500),
      subcode: this.#subcode,
      provider: this.#provider,
    })
  }
}

/** Controls of terminals and of writing direction: the text of another machine must not move a cursor. */
const unseen = /[\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g

/** Codes whose SOAP subcode differs from the usual one (DSP0226 section 14). */
const subcodes: Readonly<Partial<Record<FaultKind, string>>> = {
  'access-denied': 'w:AccessDenied',
  'not-found': 'a:DestinationUnreachable',
  'invalid-query': 'n:CannotProcessFilter',
  filter: 'n:CannotProcessFilter',
  selectors: 'w:InvalidSelectors',
  timeout: 'w:TimedOut',
  'envelope-size': 'w:EncodingLimit',
  quota: 'w:QuotaLimit',
}

/** Body of a fault; the header's action is the general fault action of DSP0226. */
export function encodeFault(fault: Fault): string {
  const subcode = fault.subcode ?? subcodes[kindOf(fault.code) ?? 'other'] ?? 'w:InternalError'
  const who = (fault.sender ?? subcode !== 'w:InternalError') ? 's:Sender' : 's:Receiver'
  const reason = escapeXml(fault.message)
  const detail = fault.form === 'wmi' ? wmiError(fault) : wsmanFault(fault)
  return `<s:Fault><s:Code><s:Value>${who}</s:Value><s:Subcode><s:Value>${escapeXml(subcode)}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en-US">${reason}</s:Text></s:Reason><s:Detail>${detail}</s:Detail></s:Fault>`
}

function wsmanFault({ code, message, provider }: Fault): string {
  const inner =
    provider === undefined
      ? escapeXml(message)
      : `<f:ProviderFault provider="${escapeXml(provider.name ?? 'WMI Provider')}" path="%systemroot%\\system32\\WsmWmiPl.dll"><f:WSManFault xmlns:f="${ns.f}" Code="${provider.code >>> 0}" Machine="localhost"><f:Message>${escapeXml(provider.message)}</f:Message></f:WSManFault>${extendedStatus(provider)}</f:ProviderFault>`
  return `<f:WSManFault xmlns:f="${ns.f}" Code="${code >>> 0}" Machine="localhost"><f:Message>${inner}</f:Message></f:WSManFault>`
}

function extendedStatus(provider: NonNullable<Fault['provider']>): string {
  const p = `${ns.p.replace('wsman.xsd', 'wmi')}/root/cimv2/__ExtendedStatus`
  const field = (name: string, value: string | number | undefined) =>
    value === undefined ? `<p:${elementName(name)} xsi:nil="true"/>` : `<p:${name}>${escapeXml(String(value))}</p:${name}>`
  return `<f:ExtendedError><p:__ExtendedStatus xmlns:xsi="${ns.xsi}" xmlns:p="${p}" xmlns:cim="${ns.cim}" xsi:type="p:__ExtendedStatus_Type">${field('Description', undefined)}${field('Operation', provider.operation)}${field('ParameterInfo', provider.parameter)}${field('ProviderName', provider.name ?? 'WinMgmt')}${field('StatusCode', provider.statusCode === undefined ? undefined : provider.statusCode >>> 0)}</p:__ExtendedStatus></f:ExtendedError>`
}

function wmiError({ code, message, provider }: Fault): string {
  const shown = (provider?.code ?? code) >>> 0
  const said = escapeXml(provider?.message ?? message)
  return `<p:MSFT_WmiError b:IsCIM_Error="true" xmlns:b="http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd" xmlns:cim="${ns.cim}" xmlns:p="${ns.wmiError}" xmlns:xsi="${ns.xsi}" xsi:type="p:MSFT_WmiError_Type"><p:CIMStatusCode xsi:type="cim:cimUnsignedInt">1</p:CIMStatusCode><p:CIMStatusCodeDescription xsi:type="cim:cimString" xsi:nil="true"/><p:Message xsi:type="cim:cimString">${said}</p:Message><p:MessageID xsi:type="cim:cimString">HRESULT 0x${shown.toString(16)}</p:MessageID><p:PerceivedSeverity xsi:type="cim:cimUnsignedShort">0</p:PerceivedSeverity><p:error_Category xsi:type="cim:cimUnsignedInt">0</p:error_Category><p:error_Code xsi:type="cim:cimUnsignedInt">${shown}</p:error_Code><p:error_Type xsi:type="cim:cimString">HRESULT</p:error_Type><p:error_WindowsErrorMessage xsi:type="cim:cimString">${said}</p:error_WindowsErrorMessage></p:MSFT_WmiError>`
}
