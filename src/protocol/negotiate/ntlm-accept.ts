import type { SecurityContext } from './context.ts'

export type NtlmAccept = {
  /** The NT hash of an account (see `ntHash`), null where there is none. Domain and user are as the client wrote them. */
  readonly account: (domain: string, user: string) => Uint8Array | null
  /** NetBIOS name of this machine; null domain means a workgroup machine. */
  readonly computer: string
  readonly domain: string | null
  readonly dnsDomain: string
  readonly dnsHost: string
  readonly channelBinding: Uint8Array | null
  /** Milliseconds since 1970, for the timestamp of the challenge. */
  readonly now: () => number
}

/** The server end of NTLMv2: takes raw tokens and tokens in SPNEGO. `peer` is `DOMAIN\user`. */
export function ntlmAccept(_options: NtlmAccept): SecurityContext {
  throw new Error('to be written')
}
