import { sspiInitiator } from '../../native.ts'
import type { PasswordSource, SecurityContext } from './context.ts'
import { nativeContext } from './native-context.ts'
import { utf16le } from './ntlm/keys.ts'

export type SspiInitiate = {
  readonly host: string
  /** HTTP where it is left out. */
  readonly service?: 'HTTP' | 'WSMAN' | 'ldap'
  /** null: whoever runs slmctl. */
  readonly credential: { readonly user: string; readonly domain: string; readonly password: PasswordSource } | null
  readonly mechanism: 'kerberos' | 'ntlm' | 'negotiate'
  readonly channelBinding: Uint8Array | null
}

const packages = { kerberos: 'Kerberos', ntlm: 'NTLM', negotiate: 'Negotiate' } as const

/** The client end on Windows itself, by secur32.dll; elsewhere `unavailable`. Unproved on Windows: see the note in native. */
export function sspiInitiate({ host, service = 'HTTP', credential, mechanism, channelBinding }: SspiInitiate): SecurityContext {
  const account = credential === null ? null : { ...credential, password: inUtf16(credential.password) }
  const open = async () => {
    const end = await sspiInitiator({ target: `${service}/${host}`, account, package: packages[mechanism], channelBinding })
    return {
      step: (token: Uint8Array | null) => end.step(token),
      peer: null,
      seal: (message: Uint8Array) => end.seal(message),
      unseal: (sealed: { readonly signature: Uint8Array; readonly data: Uint8Array }) => end.unseal(sealed),
      close: () => end.close(),
    }
  }
  return nativeContext(open, {
    mechanism: mechanism === 'ntlm' ? 'ntlm' : 'kerberos',
    scheme: mechanism === 'kerberos' ? 'Kerberos' : 'Negotiate',
  })
}

const inUtf16 = (password: PasswordSource): PasswordSource => ({
  use: (f) =>
    password.use((utf8) => {
      const wide = utf16le(utf8)
      try {
        return f(wide)
      } finally {
        wide.fill(0)
      }
    }),
})
