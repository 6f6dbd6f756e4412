import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ntHash, ntowfv2 } from '../../src/protocol/negotiate/ntlm/keys.ts'
import { md4 } from '../../src/protocol/negotiate/ntlm/md4.ts'
import {
  Av,
  decodeAuthenticate,
  decodeChallenge,
  decodeClientChallenge,
  decodeNegotiate,
  encodeAuthenticate,
  encodeChallenge,
  encodeNegotiate,
} from '../../src/protocol/negotiate/ntlm/messages.ts'
import { Rc4, rc4 } from '../../src/protocol/negotiate/ntlm/rc4.ts'
import { respond } from '../../src/protocol/negotiate/ntlm/response.ts'
import { NtlmSession } from '../../src/protocol/negotiate/ntlm/session.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')
const utf16 = (text: string) => Buffer.from(text, 'utf16le')

test('MD4: the seven digests of RFC 1320 A.5', () => {
  for (const [text, digest] of [
    ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
    ['a', 'bde52cb31de33e46245e05fbdbd6fb24'],
    ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
    ['message digest', 'd9130a8164549fe818874806e1c7014b'],
    ['abcdefghijklmnopqrstuvwxyz', 'd79e1c308aa5bbcdeea8ed63df412da9'],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '043f8582f241db351ce627e153e7f0e4'],
    ['12345678901234567890123456789012345678901234567890123456789012345678901234567890', 'e33b4ddc9c38f2199c3e7b164fcc0536'],
  ] as const)
    assert.equal(md4(Buffer.from(text)).toString('hex'), digest, text)
})

test('RC4: the streams of RFC 6229 for 40 and 128 bit, and in pieces as in one', () => {
  const [whole, pieces] = [new Rc4(hex('0102030405')), new Rc4(hex('0102030405'))]
  const [one, other] = [Buffer.alloc(64), Buffer.alloc(64)]
  whole.apply(one)
  for (const at of [0, 1, 17, 40]) pieces.apply(other.subarray(at, [1, 17, 40, 64][[0, 1, 17, 40].indexOf(at)]))
  assert.deepEqual(other, one)
  assert.equal(rc4(hex('0102030405'), Buffer.alloc(16)).toString('hex'), 'b2396305f03dc027ccc3524a0a1118a8')
  assert.equal(rc4(hex('0102030405060708090a0b0c0d0e0f10'), Buffer.alloc(16)).toString('hex'), '9ac7cc9a609d1ef7b2932899cde41b97')
})

test('RC4 costs little: at most 25 ms for a MiB, some 3 as a rule', () => {
  const cipher = new Rc4(Buffer.alloc(16, 7))
  const data = Buffer.alloc(1 << 20)
  const times = Array.from({ length: 5 }, () => {
    const started = performance.now()
    cipher.apply(data)
    return performance.now() - started
  })
  assert.ok(Math.min(...times) < 25, `${times}`)
})

// [MS-NLMP] 4.2.1 and 4.2.4.
const serverChallenge = hex('0123456789abcdef')
const clientChallenge = Buffer.alloc(8, 0xaa)
const randomSessionKey = Buffer.alloc(16, 0x55)
const targetInfo = [
  { id: Av.NbDomainName, value: utf16('Domain') },
  { id: Av.NbComputerName, value: utf16('Server') },
]
const responseKey = ntowfv2(ntHash(Buffer.from('Password')), 'User', 'Domain')
const answer = respond(responseKey, serverChallenge, { time: Buffer.alloc(8), challenge: clientChallenge, pairs: targetInfo })

test('[MS-NLMP] 4.2.2.1.2 and 4.2.4.1.1: the hash of a password, and the key of a response', () => {
  assert.equal(ntHash(Buffer.from('Password')).toString('hex'), 'a4f49c406510bdcab6824ee7c30fd852')
  assert.equal(responseKey.toString('hex'), '0c868a403bfd7a93a3001ef22ef02e3f')
})

test('[MS-NLMP] 4.2.4.1.2 to 4.2.4.2.3: session base key, LMv2 and NTLMv2 responses, encrypted session key', () => {
  assert.equal(answer.keyExchangeKey.toString('hex'), '8de40ccadbc14a82f15cb0ad0de95ca3')
  assert.equal(answer.lmResponse.toString('hex'), '86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa')
  assert.equal(answer.ntResponse.subarray(0, 16).toString('hex'), '68cd0ab851e51c96aabc927bebef6a1c')
  assert.equal(rc4(answer.keyExchangeKey, randomSessionKey).toString('hex'), 'c5dad2544fc9799094ce1ce90bc9d03e')
})

const challengeMessage = hex(`
  4e544c4d53535000 02000000 0c000c0038000000 33828ae2 0123456789abcdef 0000000000000000 2400240044000000 060070170000000f
  530065007200760065007200 02000c00 44006f006d00610069006e00 01000c00 530065007200760065007200 00000000`)
const authenticateMessage = hex(`
  4e544c4d53535000 03000000 180018006c000000 5400540084000000 0c000c0048000000 0800080054000000 100010005c000000 10001000d8000000
  358288e2 0501280a0000000f 44006f006d00610069006e00 5500730065007200 43004f004d0050005500540045005200
  86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa 68cd0ab851e51c96aabc927bebef6a1c
  0101000000000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000 02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000 00000000
  c5dad2544fc9799094ce1ce90bc9d03e`)

test('[MS-NLMP] 4.2.4.3: the complete CHALLENGE and AUTHENTICATE messages, written and read', () => {
  const challenge = {
    flags: 0xe28a8233,
    targetName: 'Server',
    serverChallenge,
    targetInfo,
    version: hex('060070170000000f'),
  }
  assert.deepEqual(encodeChallenge(challenge), challengeMessage)
  assert.deepEqual(decodeChallenge(challengeMessage), challenge)
  const authenticate = {
    flags: 0xe2888235,
    domain: 'Domain',
    user: 'User',
    workstation: 'COMPUTER',
    lmResponse: answer.lmResponse,
    ntResponse: answer.ntResponse,
    encryptedSessionKey: rc4(answer.keyExchangeKey, randomSessionKey),
    version: hex('0501280a0000000f'),
  }
  assert.deepEqual(encodeAuthenticate(authenticate, false), authenticateMessage)
  assert.deepEqual(decodeAuthenticate(authenticateMessage), authenticate)
  assert.deepEqual(decodeClientChallenge(authenticate.ntResponse.subarray(16)).pairs, targetInfo)
  assert.deepEqual(decodeNegotiate(encodeNegotiate({ flags: 0xe2888235 })), { flags: 0xe2888235 })
})

test('[MS-NLMP] 4.2.4.4: a message signed and sealed', () => {
  const sealed = new NtlmSession(randomSessionKey, 0xe28a8233, 'client').seal(utf16('Plaintext'))
  assert.equal(Buffer.from(sealed.data).toString('hex'), '54e50165bf1936dc996020c1811b0f06fb5f')
  assert.equal(Buffer.from(sealed.signature).toString('hex'), '010000007fb38ec5c55d497600000000')
})
