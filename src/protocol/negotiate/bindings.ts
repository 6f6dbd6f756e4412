import { createHash, X509Certificate } from 'node:crypto'
import { md5 } from './ntlm/keys.ts'

/**
 * Channel binding of a TLS server certificate (RFC 5929 section 4): `tls-server-end-point:` and the hash of the certificate. Give
 * it to any of the initiators and acceptors; it ties the logon to this very TLS connection, so that it cannot be relayed.
 */
export function channelBindings(certificateDer: Uint8Array): Uint8Array {
  const hash = createHash(certificateHash(certificateDer)).update(certificateDer).digest()
  return Buffer.concat([Buffer.from('tls-server-end-point:', 'latin1'), hash])
}

/** RFC 5929 section 4.1: the hash of the certificate's own signature, but SHA-256 in place of MD5 and SHA-1. */
function certificateHash(certificateDer: Uint8Array): string {
  const algorithm = new X509Certificate(certificateDer).signatureAlgorithm?.toLowerCase() ?? ''
  return /sha-?(384|512)/.exec(algorithm)?.[0].replace('-', '') ?? 'sha256'
}

/** [MS-NLMP] 2.2.2.1 MsvAvChannelBindings: MD5 of a gss_channel_bindings_struct with no addresses and this application data. */
export function bindingHash(channelBinding: Uint8Array): Buffer {
  const head = Buffer.alloc(20)
  head.writeUInt32LE(channelBinding.length, 16)
  return md5(head, channelBinding)
}
