import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { open, rawPublicKey, seal } from '../../src/offline/hpke.ts'

const bytes = (hex: string) => Buffer.from(hex, 'hex')
const privateKey = (d: Buffer, x: Buffer) =>
  createPrivateKey({
    key: { kty: 'OKP', crv: 'X25519', d: d.toString('base64url'), x: x.toString('base64url') },
    format: 'jwk',
  })

/** RFC 9180, A.2.1 Base Setup Information and A.2.1.1, sequence number 0. */
const rfc = {
  info: bytes('4f6465206f6e2061204772656369616e2055726e'),
  pkEm: bytes('1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a'),
  skEm: bytes('f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600'),
  pkRm: bytes('4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a'),
  skRm: bytes('8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb'),
  pt: bytes('4265617574792069732074727574682c20747275746820626561757479'),
  aad: bytes('436f756e742d30'),
  ct: bytes('1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28'),
}

test('RFC 9180, A.2.1: the same message is sealed to the same bytes, and opened', () => {
  const sealed = seal(rfc.pkRm, rfc.info, rfc.aad, rfc.pt, privateKey(rfc.skEm, rfc.pkEm))
  assert.deepEqual(sealed, { enc: rfc.pkEm, ciphertext: rfc.ct })
  assert.deepEqual(open(privateKey(rfc.skRm, rfc.pkRm), rfc.info, rfc.aad, sealed), rfc.pt)
})

test('what was sealed opens for the same key, purpose and message only', () => {
  const target = generateKeyPairSync('x25519')
  const own = rawPublicKey(target.publicKey)!
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 80 }),
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(),
      (plaintext, info, aad, at) => {
        const sealed = seal(own, info, aad, plaintext)
        assert.deepEqual(open(target.privateKey, info, aad, sealed), Buffer.from(plaintext))
        const flip = (part: Buffer) => {
          const other = Buffer.from(part)
          other[at % other.length]! ^= 1 << (at % 8)
          return other
        }
        assert.equal(open(target.privateKey, info, aad, { ...sealed, ciphertext: flip(sealed.ciphertext) }), null)
        const enc = flip(sealed.enc)
        // X25519 does not look at the highest bit of a key (RFC 7748, 5); the bytes are in the key schedule all the same.
        assert.equal(open(target.privateKey, info, aad, { ...sealed, enc }), null)
        assert.equal(open(target.privateKey, Buffer.concat([info, Buffer.from([0])]), aad, sealed), null)
        assert.equal(open(target.privateKey, info, Buffer.concat([aad, Buffer.from([0])]), sealed), null)
        assert.equal(open(generateKeyPairSync('x25519').privateKey, info, aad, sealed), null)
        assert.equal(open(target.privateKey, info, aad, { ...sealed, ciphertext: sealed.ciphertext.subarray(0, 15) }), null)
      },
    ),
    { numRuns: 50 },
  )
})

test('a public key of small order, and a key of another kind, seal and open nothing', () => {
  const none = Buffer.alloc(0)
  assert.throws(() => seal(Buffer.alloc(32), none, none, Buffer.from('x')))
  const { privateKey: signing, publicKey } = generateKeyPairSync('ed25519')
  assert.equal(rawPublicKey(publicKey), null)
  const target = generateKeyPairSync('x25519')
  const sealed = seal(rawPublicKey(target.publicKey)!, none, none, Buffer.from('x'))
  assert.equal(open(signing, none, none, sealed), null)
  assert.equal(open(target.privateKey, none, none, { ...sealed, enc: Buffer.alloc(32) }), null)
  // The check that the vectors are of the curve that is meant.
  assert.equal(
    diffieHellman({ privateKey: privateKey(rfc.skRm, rfc.pkRm), publicKey: createPublicKey(privateKey(rfc.skEm, rfc.pkEm)) }).length,
    32,
  )
})
