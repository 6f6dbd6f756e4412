import { createHash } from 'node:crypto'
import { DerReader, derOnly } from './der.ts'
import { md5 } from './ntlm/keys.ts'

/**
 * Channel binding of a TLS server certificate (RFC 5929 section 4): `tls-server-end-point:` and the hash of the certificate. Give
 * it to any of the initiators and acceptors; it ties the logon to this very TLS connection, so that it cannot be relayed.
 */
export function channelBindings(certificateDer: Uint8Array): Uint8Array {
  const hash = createHash(certificateHash(certificateDer)).update(certificateDer).digest()
  return Buffer.concat([Buffer.from('tls-server-end-point:', 'latin1'), hash])
}

/**
 * RFC 5929 section 4.1: the hash of the certificate's own signature, but SHA-256 in place of MD5 and SHA-1. For signatures
 * without one hash (Ed25519) the RFC has no rule; SHA-256 is what others take.
 */
function certificateHash(certificateDer: Uint8Array): string {
  const certificate = new DerReader(derOnly(certificateDer, 0x30))
  certificate.take(0x30) // tbsCertificate
  const algorithm = new DerReader(certificate.take(0x30))
  const oid = algorithm.take(0x06).toString('hex')
  return hashes[oid === rsaPss ? pssHash(algorithm) : oid] ?? 'sha256'
}

/** RFC 4055 section 3.1: hashAlgorithm is [0] of the parameters, SHA-1 where it is left out. */
function pssHash(algorithm: DerReader): string {
  const parameters = new DerReader(algorithm.take(0x30))
  const hash = parameters.maybe(0xa0)
  return hash === null ? '' : new DerReader(derOnly(hash, 0x30)).take(0x06).toString('hex')
}

/** RFC 4055, RFC 5758: signature and hash algorithms of SHA-2 other than SHA-256, by the DER of their identifiers. */
const rsaPss = '2a864886f70d01010a'
const hashes: Readonly<Record<string, string>> = {
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a864886f70d01010e': 'sha224',
  '2a8648ce3d040301': 'sha224',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
  '608648016503040204': 'sha224',
}

/** [MS-NLMP] 2.2.2.1 MsvAvChannelBindings: MD5 of a gss_channel_bindings_struct with no addresses and this application data. */
export function bindingHash(channelBinding: Uint8Array): Buffer {
  const head = Buffer.alloc(20)
  head.writeUInt32LE(channelBinding.length, 16)
  return md5(head, channelBinding)
}
