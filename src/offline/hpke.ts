/**
 * [RFC 9180] Hybrid Public Key Encryption, base mode, one message: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305.
 * Composed from Node's own primitives: the libraries there are await between the key and the message, so that a secret would have
 * to lie open for longer than the one call for which `Secret.use` shows it. Held to the vectors of appendix A.2 and to OpenSSL's KEM.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'

/** 7.1: DHKEM(X25519, HKDF-SHA256); 7.2: HKDF-SHA256; 7.3: ChaCha20Poly1305. */
const suiteKem = Buffer.from('KEM\x00\x20', 'latin1')
const suite = Buffer.from('HPKE\x00\x20\x00\x01\x00\x03', 'latin1')
const version = Buffer.from('HPKE-v1')
const sizes = { hash: 32, key: 32, nonce: 12, tag: 16, encapsulated: 32 } as const

const hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer => {
  const mac = createHmac('sha256', key)
  for (const part of parts) mac.update(part)
  return mac.digest()
}

/** 4. LabeledExtract. */
function extract(id: Uint8Array, salt: Uint8Array, label: string, material: Uint8Array): Buffer {
  return hmac(salt.length === 0 ? Buffer.alloc(sizes.hash) : salt, version, id, Buffer.from(label), material)
}

/** 4. LabeledExpand, up to one block of the hash: nothing longer is needed here. */
function expand(id: Uint8Array, secret: Uint8Array, label: string, info: Uint8Array, length: number): Buffer {
  const head = Buffer.from([length >> 8, length & 0xff])
  return hmac(secret, head, version, id, Buffer.from(label), info, Buffer.from([1])).subarray(0, length)
}

/** 4.1 ExtractAndExpand of the KEM. */
function shared(dh: Buffer, enc: Uint8Array, recipient: Uint8Array): Buffer {
  const prk = extract(suiteKem, Buffer.alloc(0), 'eae_prk', dh)
  dh.fill(0)
  return expand(suiteKem, prk, 'shared_secret', Buffer.concat([enc, recipient]), sizes.hash)
}

/** 5.1 KeySchedule in base mode: no pre-shared key. */
function schedule(secretOfKem: Buffer, info: Uint8Array): { readonly key: Buffer; readonly nonce: Buffer } {
  const none = Buffer.alloc(0)
  const context = Buffer.concat([Buffer.from([0]), extract(suite, none, 'psk_id_hash', none), extract(suite, none, 'info_hash', info)])
  const secret = extract(suite, secretOfKem, 'secret', none)
  secretOfKem.fill(0)
  return {
    key: expand(suite, secret, 'key', context, sizes.key),
    nonce: expand(suite, secret, 'base_nonce', context, sizes.nonce),
  }
}

/** The 32 bytes of an X25519 public key; null where it is a key of another kind. */
export function rawPublicKey(key: KeyObject): Buffer | null {
  if (key.asymmetricKeyType !== 'x25519') return null
  return Buffer.from((key.export({ format: 'jwk' }) as { x: string }).x, 'base64url')
}

function publicKey(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: Buffer.from(raw).toString('base64url') }, format: 'jwk' })
}

/** X25519; a key of small order, which would make the secret the same for everybody, is refused by OpenSSL and here (7.1.4). */
function agree(privateKey: KeyObject, other: KeyObject): Buffer {
  const dh = diffieHellman({ privateKey, publicKey: other })
  if (dh.every((b) => b === 0)) throw new Error('the public key is no point that a secret can rest on')
  return dh
}

export type Sealed = { readonly enc: Buffer; readonly ciphertext: Buffer }

/** 6.1 SealBase. `ephemeral` is for the vectors of the RFC; left out, it is made anew, as it must be. */
export function seal(
  recipient: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  ephemeral: KeyObject = generateKeyPairSync('x25519').privateKey,
): Sealed {
  const enc = rawPublicKey(createPublicKey(ephemeral))!
  const { key, nonce } = schedule(shared(agree(ephemeral, publicKey(recipient)), enc, recipient), info)
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: sizes.tag })
  cipher.setAAD(aad, { plaintextLength: plaintext.length })
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  key.fill(0)
  return { enc, ciphertext }
}

/** 6.1 OpenBase. Null where it is not for this key, not for this purpose, or altered; the bytes are the caller's to wipe. */
export function open(privateKey: KeyObject, info: Uint8Array, aad: Uint8Array, sealed: Sealed): Buffer | null {
  const { enc, ciphertext } = sealed
  const own = rawPublicKey(createPublicKey(privateKey))
  if (own === null || enc.length !== sizes.encapsulated || ciphertext.length < sizes.tag) return null
  try {
    const { key, nonce } = schedule(shared(agree(privateKey, publicKey(enc)), enc, own), info)
    const end = ciphertext.length - sizes.tag
    const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: sizes.tag })
    decipher.setAAD(aad, { plaintextLength: end })
    decipher.setAuthTag(ciphertext.subarray(end))
    const plaintext = decipher.update(ciphertext.subarray(0, end))
    key.fill(0)
    try {
      decipher.final()
      return plaintext
    } catch {
      plaintext.fill(0)
      return null
    }
  } catch {
    return null
  }
}
