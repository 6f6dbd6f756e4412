import type { PasswordSource, SecurityContext } from './context.ts'

export type NtlmInitiate = {
  readonly user: string
  /** NetBIOS or DNS name of the account's domain; empty for a local account or a name such as user@corp.example. */
  readonly domain: string
  readonly password: PasswordSource
  /** `HTTP/host`; null leaves the target name out. */
  readonly spn: string | null
  /** From `channelBindings`; null over plain HTTP. */
  readonly channelBinding: Uint8Array | null
  /** In SPNEGO instead of raw NTLMSSP messages; both travel as `Negotiate`. */
  readonly wrapped?: boolean
}

/** The client end of NTLMv2. The password is read once, now, and only its NT hash is kept until the handshake is done. */
export function ntlmInitiate(_options: NtlmInitiate): SecurityContext {
  throw new Error('to be written')
}
