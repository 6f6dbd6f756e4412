import type { PasswordSource, SecurityContext } from './context.ts'

export type SspiInitiate = {
  readonly host: string
  /** null: whoever runs slmctl. */
  readonly credential: { readonly user: string; readonly domain: string; readonly password: PasswordSource } | null
  readonly mechanism: 'kerberos' | 'ntlm' | 'negotiate'
  readonly channelBinding: Uint8Array | null
}

/** The client end on Windows itself, by secur32.dll. */
export function sspiInitiate(_options: SspiInitiate): SecurityContext {
  throw new Error('to be written')
}
