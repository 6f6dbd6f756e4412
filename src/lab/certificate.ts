/**
 * Certificates of a lab: an authority and what it signs, made when the lab starts and forgotten with it. A minimal encoder of
 * X.509 (RFC 5280) in DER (ITU-T X.690); signatures are ECDSA with SHA-256 on P-256 (RFC 5758 3.2).
 */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const head =
    body.length < 0x80
      ? [tag, body.length]
      : body.length < 0x100
        ? [tag, 0x81, body.length]
        : [tag, 0x82, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Buffer.from(head), body])
}
const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts)
const octets = (bytes: Uint8Array) => der(0x04, bytes)
const integer = (bytes: Buffer) => der(0x02, bytes[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)
const boolean = (value: boolean) => der(0x01, Buffer.from([value ? 0xff : 0]))

function oid(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split('.').map(Number)
  const bytes = [first! * 40 + second!]
  for (const n of rest) {
    const groups = [n & 0x7f]
    for (let v = n >>> 7; v > 0; v >>>= 7) groups.unshift((v & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return der(0x06, Buffer.from(bytes))
}

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'))
const name = (commonName: string) => sequence(der(0x31, sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(commonName)))))
/** UTCTime up to 2049 (RFC 5280 4.1.2.5). */
const time = (at: Date) => der(0x17, Buffer.from(`${at.toISOString().replace(/^..|[-:T]|\.\d+Z$/g, '')}Z`))

/** IPv4 or IPv6 text as bytes (RFC 5280 4.2.1.6, iPAddress). */
function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  const [head, tail] = address.split('::') as [string, string | undefined]
  const groups = (text: string | undefined) => (text ? text.split(':') : [])
  const missing = 8 - groups(head).length - groups(tail).length
  const all = tail === undefined ? groups(head) : [...groups(head), ...Array<string>(missing).fill('0'), ...groups(tail)]
  return Buffer.from(all.flatMap((g) => [Number.parseInt(g, 16) >> 8, Number.parseInt(g, 16) & 0xff]))
}

const extension = (id: string, critical: boolean, value: Uint8Array) =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value))

export type Issued = { readonly certificate: string; readonly der: Buffer; readonly key: string }
export type Subject = {
  readonly name: string
  /** DNS names and addresses (subjectAltName). */
  readonly names: readonly string[]
  readonly use: 'server' | 'client'
  readonly from: Date
  readonly until: Date
}
export type Authority = { readonly pem: string; readonly issue: (subject: Subject) => Issued }

const pem = (bytes: Buffer) =>
  `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()}\n-----END CERTIFICATE-----\n`
const publicKeyOf = (key: KeyObject) => key.export({ type: 'spki', format: 'der' })
const keyId = (spki: Buffer) => createHash('sha256').update(spki).digest().subarray(0, 20)

/** A new authority. One key pair serves all its servers: a lab has hundreds, and nothing in it is secret. */
export function newAuthority(commonName: string, now: Date): Authority {
  const own = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const leaf = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const leafKey = leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const ownSpki = publicKeyOf(own.publicKey)
  const leafSpki = publicKeyOf(leaf.publicKey)
  const signing = createPrivateKey(own.privateKey.export({ type: 'pkcs8', format: 'pem' }))

  function build(subject: string, spki: Buffer, from: Date, until: Date, extensions: readonly Buffer[]): Buffer {
    const tbs = sequence(
      der(0xa0, integer(Buffer.from([2]))),
      // Positive, as RFC 5280 4.1.2.2 wants it.
      integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
      ecdsaWithSha256,
      name(commonName),
      sequence(time(from), time(until)),
      name(subject),
      spki,
      der(
        0xa3,
        sequence(
          ...extensions,
          extension('2.5.29.14', false, octets(keyId(spki))),
          extension('2.5.29.35', false, sequence(der(0x80, keyId(ownSpki)))),
        ),
      ),
    )
    return sequence(tbs, ecdsaWithSha256, der(0x03, Buffer.from([0]), sign('sha256', tbs, signing)))
  }

  const day = 86_400_000
  const root = build(commonName, ownSpki, new Date(now.getTime() - day), new Date(now.getTime() + 30 * day), [
    extension('2.5.29.19', true, sequence(boolean(true))),
    // keyCertSign and cRLSign.
    extension('2.5.29.15', true, der(0x03, Buffer.from([1, 0x06]))),
  ])
  return {
    pem: pem(root),
    issue: (subject) => {
      const names = subject.names.map((n) => (isIP(n) ? der(0x87, addressBytes(n)) : der(0x82, Buffer.from(n))))
      const bytes = build(subject.name, leafSpki, subject.from, subject.until, [
        extension('2.5.29.19', true, sequence()),
        extension('2.5.29.15', true, der(0x03, Buffer.from([7, 0x80]))),
        extension('2.5.29.37', false, sequence(oid(subject.use === 'server' ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2'))),
        ...(names.length > 0 ? [extension('2.5.29.17', false, sequence(...names))] : []),
      ])
      return { certificate: pem(bytes), der: bytes, key: leafKey }
    },
  }
}
