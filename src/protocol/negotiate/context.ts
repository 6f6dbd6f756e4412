/**
 * One end of an authenticated session, whatever mechanism stands behind it: the shape of a GSS-API security context
 * (RFC 2743) as far as HTTP authentication ([MS-N2HT], RFC 4559) and sealed WS-Man bodies ([MS-WSMV] 2.2.9.1) need it.
 */

/** A message under a context's keys. `signature` is what stands before the data on the wire (NTLM: 16 bytes, AES Kerberos: 60). */
export type Sealed = { readonly signature: Uint8Array; readonly data: Uint8Array }

export type SecurityContext = {
  readonly mechanism: 'ntlm' | 'kerberos'
  /** The word of the Authorization and WWW-Authenticate headers. */
  readonly scheme: 'Negotiate' | 'Kerberos' | 'NTLM'
  /** True once both ends hold the session keys; only then may `seal` and `unseal` be called. */
  readonly complete: boolean
  /** Who stands at the other end: `DOMAIN\user` or a principal at the accepting end; null where it is not known. */
  readonly peer: string | null
  /** Takes the other end's token (null to begin) and gives the next one of ours; null where nothing is left to send. */
  readonly step: (token: Uint8Array | null) => Promise<Uint8Array | null>
  readonly seal: (message: Uint8Array) => Sealed
  /** Throws a NegotiateError where the signature or the sequence does not fit. */
  readonly unseal: (sealed: Sealed) => Uint8Array
  /** Releases keys and native handles; may be called twice. */
  readonly close: () => void
}

/** A password that is only shown for the length of a call: UTF-8 bytes, wiped by their owner afterwards. Keep no copy. */
export type PasswordSource = { readonly use: <T>(f: (utf8: Uint8Array) => T) => T }

/**
 * Why authentication or sealing failed. `reason` is stable: `rejected` the other end or the KDC said no, `malformed` a token
 * or a sealed message breaks its specification, `signature` it does not verify, `unavailable` a library, ticket or KDC is
 * missing, `refused` we would not (a weaker protocol than asked for).
 */
export class NegotiateError extends Error {
  readonly reason: 'rejected' | 'malformed' | 'signature' | 'unavailable' | 'refused'
  /** The mechanism's own code: GSS major/minor status, SECURITY_STATUS; null where there is none. */
  readonly code: number | null
  constructor(reason: NegotiateError['reason'], message: string, code: number | null = null) {
    super(message)
    this.reason = reason
    this.code = code
  }
}
