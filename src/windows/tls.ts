import { createHash } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import { connect, createSecureContext, getCACertificates, type SecureContext, type TLSSocket } from 'node:tls'
import { channelBindings } from '../protocol/negotiate.ts'
import { connectError } from './http.ts'
import type { Credential, Tls } from './machine.ts'
import { TransportError } from './problems.ts'

export type Secured = { readonly socket: TLSSocket; readonly channelBinding: Uint8Array }

/** Authorities are read once: a fleet has one or two. */
const contexts = new Map<string, SecureContext>()

function contextFor(tls: Tls, credential: Credential): SecureContext {
  if (credential.method === 'certificate') {
    const { certificate } = credential
    return credential.key.use((key) =>
      createSecureContext({
        ...authorities(tls),
        // Windows asks for it after the handshake, by renegotiation; that is TLS 1.2. In 1.3 it is post-handshake authentication (RFC
        // 8446 section 4.6.2), which Node cannot do: since Server 2022 and Windows 11 the connection would be cut.
        maxVersion: 'TLSv1.2',
        cert: certificate,
        key: Buffer.from(key.buffer, key.byteOffset, key.byteLength),
      }),
    )
  }
  const id = tls.ca ?? ''
  let context = contexts.get(id)
  if (!context) {
    if (contexts.size >= 16) contexts.clear()
    context = createSecureContext(authorities(tls))
    contexts.set(id, context)
  }
  return context
}

function authorities({ ca }: Tls): { ca: string | string[]; minVersion: 'TLSv1.2' } {
  return { ca: ca ?? [...new Set([...getCACertificates('default'), ...getCACertificates('system')])], minVersion: 'TLSv1.2' }
}

/**
 * TLS over an open connection, verified before anything else is said: against the authorities, with the name; or against the pin,
 * and then exactly that certificate is accepted, whoever signed it. There is no way around.
 */
export function secure(tcp: Socket, address: string, tls: Tls, credential: Credential, limitMs: number): Promise<Secured> {
  return new Promise((resolve, reject) => {
    let context: SecureContext
    try {
      context = contextFor(tls, credential)
    } catch {
      tcp.destroy()
      reject(new TransportError('WINRM_CERTIFICATE', 'the given authority, certificate or key cannot be read', false))
      return
    }
    const fail = (error: TransportError) => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    const socket = connect({
      socket: tcp,
      secureContext: context,
      ...(isIP(address) ? {} : { servername: address }),
      host: address,
      // A pin stands in for the authorities; it is compared below.
      rejectUnauthorized: tls.pin === null,
    })
    const timer = setTimeout(() => fail(new TransportError('WINRM_TIMEOUT', 'TLS', false)), limitMs)
    socket.once('error', (error) => fail(tlsError(error)))
    socket.once('close', () => fail(new TransportError('WINRM_CUT', 'TLS', false)))
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate()?.raw
      if (!certificate) return fail(new TransportError('WINRM_CERTIFICATE', 'there is none', false))
      if (tls.pin !== null && createHash('sha256').update(certificate).digest('hex') !== tls.pin.toLowerCase().replaceAll(':', ''))
        return fail(new TransportError('WINRM_PIN_MISMATCH', '', false))
      clearTimeout(timer)
      socket.removeAllListeners('error').removeAllListeners('close')
      resolve({ socket, channelBinding: channelBindings(certificate) })
    })
  })
}

const reasons: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet; or the clock here is wrong',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not known here',
  UNABLE_TO_GET_ISSUER_CERT: 'its authority is not known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its authority is not known here',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another name',
  CERT_REVOKED: 'it was revoked',
  INVALID_PURPOSE: 'it is not made for servers',
  CERT_SIGNATURE_FAILURE: 'its signature is wrong',
  EE_KEY_TOO_SMALL: 'its key is too weak',
  CA_MD_TOO_WEAK: 'it is signed with a weak hash',
}

/** What OpenSSL calls it where the other end knows only what is older than TLS 1.2. */
const old: ReadonlySet<string> = new Set(['ERR_SSL_UNSUPPORTED_PROTOCOL', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'])

function tlsError(error: Error & { code?: string }): TransportError {
  const code = error.code ?? ''
  if (old.has(code))
    return new TransportError('WINRM_GARBAGE', 'it has no TLS 1.2, which Windows 7 and Server 2008 R2 have switched off by default', false)
  const reason = reasons[code]
  if (reason !== undefined) return new TransportError('WINRM_CERTIFICATE', reason, false)
  if (code.startsWith('ERR_SSL_'))
    return new TransportError('WINRM_GARBAGE', `no TLS as it should be (${code.slice(8).toLowerCase()})`, false)
  if (/^(E[A-Z]+)$/.test(code)) return connectError(error)
  return new TransportError('WINRM_CERTIFICATE', code.toLowerCase().replaceAll('_', ' '), false)
}
