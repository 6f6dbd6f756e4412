import type { PasswordSource, SecurityContext } from './context.ts'

export type GssCredential =
  | { readonly from: 'cache' }
  | { readonly from: 'keytab'; readonly keytab: string; readonly principal: string }
  | { readonly from: 'password'; readonly principal: string; readonly password: PasswordSource }

export type GssInitiate = {
  readonly service: 'HTTP'
  readonly host: string
  readonly credential: GssCredential
  /** `spnego` travels as Negotiate, which is what WinRM offers; `kerberos` is the bare mechanism. */
  readonly mechanism: 'kerberos' | 'spnego'
  readonly channelBinding: Uint8Array | null
}

/** The client end of Kerberos by the system's GSS-API. Nothing is loaded or asked before the first `step`. */
export function gssInitiate(_options: GssInitiate): SecurityContext {
  throw new Error('to be written')
}

export type GssAccept = { readonly keytab: string; readonly channelBinding: Uint8Array | null }

/** The server end of Kerberos, by the keys of a keytab. `peer` is the principal. */
export function gssAccept(_options: GssAccept): SecurityContext {
  throw new Error('to be written')
}
