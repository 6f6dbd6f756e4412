import { type GssEnd, gssAcceptor, gssInitiator } from '../../native.ts'
import { NegotiateError, type PasswordSource, type Sealed, type SecurityContext } from './context.ts'
import { type NativeEnd, nativeContext } from './native-context.ts'
import { decodeSpnego, encodeInit, encodeResp, Mechanism, mechTypeList } from './spnego.ts'

export type GssCredential =
  | { readonly from: 'cache' }
  | { readonly from: 'keytab'; readonly keytab: string; readonly principal: string }
  | { readonly from: 'password'; readonly principal: string; readonly password: PasswordSource }

export type GssInitiate = {
  /** WSMAN is the name that WinRM itself registers in the domain, ldap that of a domain controller. */
  readonly service: 'HTTP' | 'WSMAN' | 'ldap'
  readonly host: string
  readonly credential: GssCredential
  /** `spnego` travels as Negotiate, which is what WinRM offers; `kerberos` is the bare mechanism. */
  readonly mechanism: 'kerberos' | 'spnego'
  readonly channelBinding: Uint8Array | null
}

/** The client end of Kerberos by the system's GSS-API. Nothing is loaded or asked before the first `step`. */
export function gssInitiate(options: GssInitiate): SecurityContext {
  const { credential: identity, service, host, channelBinding } = options
  const open = () => gssInitiator({ service, host, identity, channelBinding })
  return options.mechanism === 'kerberos' ? context(open, 'Kerberos') : context(async () => inSpnego(await open()), 'Negotiate')
}

export type GssAccept = {
  /** Path of a keytab with the key of HTTP/host. */
  readonly keytab: string
  /** From `channelBindings`: a client that names another channel or none is rejected. null: not looked at. */
  readonly channelBinding: Uint8Array | null
}

/** The server end of Kerberos, by the keys of a keytab; takes bare Kerberos and SPNEGO. `peer` is the principal. */
export function gssAccept(options: GssAccept): SecurityContext {
  return context(() => gssAcceptor(options), 'Negotiate')
}

const context = (open: () => Promise<GssEnd>, scheme: 'Negotiate' | 'Kerberos'): SecurityContext =>
  nativeContext(async () => winrmOrder(await open()), { mechanism: 'kerberos', scheme })

const winrmOrder = (end: GssEnd): NativeEnd => ({
  step: (token) => end.step(token),
  get peer() {
    return end.peer
  },
  seal: (message) => rotateRight(end.wrap(message), message.length),
  unseal: ({ signature, data }) => end.unwrap(Buffer.concat([signature, data])),
  close: () => end.close(),
})

/**
 * Kerberos in SPNEGO, wrapped here and not by the system's own SPNEGO: that one would also offer NTLM where gss-ntlmssp is
 * installed, and its errors no longer say what the KDC said.
 */
function inSpnego(inner: GssEnd): GssEnd {
  const mechTypes = [Mechanism.kerberos]
  const list = mechTypeList(mechTypes)
  let innerComplete = false
  let signed = false

  return {
    ...methodsOf(inner),
    get peer() {
      return inner.peer
    },
    async step(token) {
      if (token === null) {
        const first = await inner.step(null)
        return { token: encodeInit(mechTypes, first.token), complete: false }
      }
      const response = decodeSpnego(token)
      if (response.kind !== 'resp') throw new NegotiateError('malformed', 'SPNEGO: an answer was due.')
      if (response.state === 'reject') throw new NegotiateError('rejected', 'The server rejects this logon.')
      const chosen = response.supportedMech
      if (chosen !== null && !Mechanism.kerberos.equals(chosen) && !Mechanism.kerberosMicrosoft.equals(chosen))
        throw new NegotiateError('refused', 'SPNEGO: the server chose a mechanism that was not offered.')
      let next: Uint8Array | null = null
      if (response.responseToken !== null) {
        const stepped = await inner.step(response.responseToken)
        innerComplete = stepped.complete
        next = stepped.token
      }
      // RFC 4178 section 5: one mechanism was offered, so that the signature over the list may be missing, but not wrong.
      if (response.mechListMic !== null && innerComplete) inner.verifyMic(list, response.mechListMic)
      const done = response.state === 'accept-completed'
      if (done && innerComplete && next === null) return { token: null, complete: true }
      if (done || (next === null && (!innerComplete || signed)))
        throw new NegotiateError('malformed', 'SPNEGO: the handshake does not come to its end.')
      signed = innerComplete
      const mechListMic = innerComplete ? inner.getMic(list) : null
      return { token: encodeResp({ state: null, supportedMech: null, responseToken: next, mechListMic }), complete: false }
    },
  }
}

const methodsOf = (end: GssEnd): Omit<GssEnd, 'step' | 'peer'> => ({
  getMic: (message) => end.getMic(message),
  verifyMic: (message, mic) => end.verifyMic(message, mic),
  wrap: (message) => end.wrap(message),
  unwrap: (token) => end.unwrap(token),
  close: () => end.close(),
})

/**
 * Puts a token of gss_wrap into the order that WinRM wants: header, trailer, confounder, then as many bytes as the message has
 * ([MS-KILE] 3.4.5.4.1; RFC 4121 section 4.2.5 lets the sender rotate). The first part is the signature on the wire.
 */
function rotateRight(token: Uint8Array, messageLength: number): Sealed {
  const wrapped = Buffer.from(token.buffer, token.byteOffset, token.length)
  const by = wrapped.length - messageLength - 2 * 16
  // RFC 4121 section 4.2.6.2: TOK_ID 05 04, Sealed, filler, EC 0, RRC 0. Anything else is the RC4 or DES of old.
  if (by < 0 || wrapped.readUInt16BE(0) !== 0x0504 || (wrapped[2]! & 2) === 0 || wrapped.readUInt32BE(4) !== 0)
    throw new NegotiateError('refused', 'Kerberos: the session key is not of AES; the domain should allow AES for this machine.')
  const rotated = Buffer.allocUnsafeSlow(wrapped.length)
  wrapped.copy(rotated, 0, 0, 16)
  rotated.writeUInt16BE(by, 6)
  wrapped.copy(rotated, 16, wrapped.length - by)
  wrapped.copy(rotated, 16 + by, 16, wrapped.length - by)
  const signature = rotated.subarray(0, rotated.length - messageLength)
  return { signature, data: rotated.subarray(signature.length) }
}
