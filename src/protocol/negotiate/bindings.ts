import { createHash, X509Certificate } from 'node:crypto'

/**
 * Channel binding of a TLS server certificate (RFC 5929 section 4): `tls-server-end-point:` and the hash of the certificate. Give
 * it to any of the initiators and acceptors; it ties the logon to this very TLS connection, so that it cannot be relayed.
 */
export function channelBindings(certificateDer: Uint8Array): Uint8Array {
  const hash = createHash(bindingHash(certificateDer)).update(certificateDer).digest()
  return Buffer.concat([Buffer.from('tls-server-end-point:', 'latin1'), hash])
}

/** RFC 5929 section 4.1: the hash of the certificate's own signature, but SHA-256 in place of MD5 and SHA-1. */
function bindingHash(certificateDer: Uint8Array): 'sha256' | 'sha384' | 'sha512' {
  const algorithm = new X509Certificate(certificateDer).signatureAlgorithm?.toLowerCase() ?? ''
  if (algorithm.includes('sha384')) return 'sha384'
  if (algorithm.includes('sha512')) return 'sha512'
  return 'sha256'
}
