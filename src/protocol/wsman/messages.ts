/**
 * The messages of WS-Management (DSP0226, DSP0227 and [MS-WSMV]) as far as a WMI client and a simulated machine exchange them.
 * Both ends speak in these types; `encode` and `decode` of each are in request.ts, response.ts, fault.ts and shell.ts.
 */

/** Values stay text, as the wire carries them; null is `xsi:nil`; repeated elements are a list (an array of one reads as a text). */
export type Value = string | null | readonly (string | null)[]
/** One instance, or the outputs of a method. A property that holds an object is flattened: `Outer.Inner`. */
export type Row = Readonly<Record<string, Value>>

/** Bytes that are shown for the length of a call and wiped afterwards (a product key). */
export type Hidden = { readonly use: <T>(f: (utf8: Uint8Array) => T) => T }
/** An argument of a method. A list becomes repeated elements. Decoded arguments are text, null or lists. */
export type Argument = string | number | boolean | null | readonly (string | number | null)[] | Hidden

/** What every request says of itself (DSP0226 5.4, [MS-WSMV] 2.2.3). */
export type Addressed = {
  /** URL of the service, `http://host:5985/wsman`. */
  readonly to: string
  readonly resourceUri: string
  /** `uuid:…` */
  readonly messageId: string
  readonly selectors: Readonly<Record<string, string>>
  readonly operationTimeoutMs: number | null
  readonly maxEnvelopeSize: number | null
}

/** What a decoded request means for WMI: `root/cimv2` and a class; class `*` where only a query names it, null for other resources. */
export type Decoded = { readonly namespace: string | null; readonly class: string | null }

export type Enumerate = Addressed & {
  readonly action: 'Enumerate'
  /** Text of a WQL filter; null enumerates the class. */
  readonly wql: string | null
  /** Where a filter of another dialect was sent, its dialect; null otherwise. */
  readonly otherDialect: string | null
  /** w:OptimizeEnumeration: items come with the first answer. */
  readonly optimize: boolean
  readonly maxElements: number | null
  readonly mode: 'object' | 'epr' | 'object-and-epr'
}
export type Pull = Addressed & { readonly action: 'Pull'; readonly context: string; readonly maxElements: number | null }
export type Release = Addressed & { readonly action: 'Release'; readonly context: string }
export type Get = Addressed & { readonly action: 'Get' }
export type Invoke = Addressed & {
  readonly action: 'Invoke'
  readonly method: string
  /** In the order of the method's declaration. */
  readonly arguments: Readonly<Record<string, Argument>>
}
/** wsmid:Identify: who are you; asked without authentication. */
export type Identify = { readonly action: 'Identify' }
/** Any other action; `uri` is the whole action. Shell messages are read further by `decodeShellRequest`. */
export type Other = Addressed & { readonly action: 'Other'; readonly uri: string }

/** What a client sends. `encodeRequest` takes all but `Other`. */
export type Request = Enumerate | Pull | Release | Get | Invoke | Identify
/** What a server reads. */
export type DecodedRequest = ((Enumerate | Pull | Release | Get | Invoke | Other) & Decoded) | Identify

/** How items are written: a class instance (`SELECT *`, Get) or a fragment (a list of columns). */
export type Shape = 'fragment' | { readonly class: string; readonly namespace: string }
/** A value that a server encodes; `datetime` (xs:dateTime, or WMI's yyyymmddHHMMSS.ffffff+minutes) becomes an xs:dateTime in cim:Datetime. */
export type EncodableValue = Value | number | boolean | { readonly datetime: string } | readonly (string | number | boolean | null)[]
export type EncodableRow = Readonly<Record<string, EncodableValue>>
/** An item that was encoded before (`encodeItem`): what a server keeps while its state does not change. */
export type EncodedItem = { readonly xml: string }

export type Items = {
  readonly shape: Shape
  readonly items: readonly (EncodableRow | EncodedItem)[]
  /** Null where nothing is left to pull. */
  readonly context: string | null
  readonly end: boolean
}
/** What a server sends. `relatesTo` is the message id of the request. */
export type Response = { readonly relatesTo: string } & (
  | ({ readonly action: 'EnumerateResponse' } & Items)
  | ({ readonly action: 'PullResponse' } & Items)
  | { readonly action: 'ReleaseResponse' }
  | { readonly action: 'GetResponse'; readonly shape: Shape; readonly row: EncodableRow }
  | {
      readonly action: 'InvokeResponse'
      readonly resourceUri: string
      readonly method: string
      /** Outputs; `ReturnValue` among them. */
      readonly out: EncodableRow
    }
  | ({ readonly action: 'Fault' } & Fault)
  | { readonly action: 'IdentifyResponse'; readonly vendor: string; readonly version: string }
)

/** A fault as a server writes it. */
export type Fault = {
  /** `wsman`: f:WSManFault; `wmi`: p:MSFT_WmiError, as newer Windows answers. */
  readonly form: 'wsman' | 'wmi'
  /** Unsigned. */
  readonly code: number
  readonly message: string
  /** s:Receiver or s:Sender and the subcode, `w:AccessDenied`; made from the code where left out. */
  readonly sender?: boolean
  readonly subcode?: string
  /** What the WMI provider said. `code`: its own HRESULT where it differs. */
  readonly provider?: {
    readonly code: number
    readonly message: string
    readonly name?: string
    readonly operation?: string
    readonly parameter?: string
    /** __ExtendedStatus.StatusCode */
    readonly statusCode?: number
  }
}

/** What a client reads, by the request's action; a fault is thrown as a WsmanFault. */
export type Answers = {
  Enumerate: { readonly items: readonly Row[]; readonly context: string | null; readonly end: boolean }
  Pull: { readonly items: readonly Row[]; readonly context: string | null; readonly end: boolean }
  Release: Record<never, never>
  Get: { readonly row: Row }
  Invoke: { readonly out: Row }
  Identify: { readonly vendor: string | null; readonly version: string | null }
}

/** Bounds of what is read: an answer beyond them is malformed. */
export type Limits = {
  readonly bytes: number
  readonly depth: number
  readonly elements: number
  readonly textLength: number
}
