import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decodeAuthenticate,
  decodeAvPairs,
  decodeChallenge,
  decodeClientChallenge,
  decodeNegotiate,
  encodeAvPairs,
  encodeChallenge,
} from '../../src/protocol/negotiate/ntlm/messages.ts'
import { decodeSpnego, encodeInit, encodeResp, Mechanism } from '../../src/protocol/negotiate/spnego.ts'
import { authorization, challenges, gssAccept, NegotiateError, ntHash, ntlmAccept, ntlmInitiate } from '../../src/protocol/negotiate.ts'

/** A hostile token may be anything; what comes of it is a value or a NegotiateError, and soon. */
function onlyNegotiateError(f: () => unknown): void {
  try {
    f()
  } catch (error) {
    assert.ok(error instanceof NegotiateError, `${error}`)
  }
}

const client = (wrapped: boolean) =>
  ntlmInitiate({ user: 'u', domain: '', password: { use: (f) => f(Buffer.from('p')) }, spn: 'HTTP/pc', channelBinding: null, wrapped })
const server = () =>
  ntlmAccept({
    account: () => ntHash(Buffer.from('p')),
    computer: 'PC',
    domain: null,
    dnsDomain: '',
    dnsHost: 'pc',
    channelBinding: null,
    now: () => 0,
  })

/** Tokens of a real handshake, to be damaged: most damage to random bytes ends at the first check. */
async function handshake(wrapped: boolean): Promise<Buffer[]> {
  const [a, b] = [client(wrapped), server()]
  const tokens: Buffer[] = []
  for (let token = await a.step(null), end = b; token !== null; end = end === b ? a : b) {
    tokens.push(Buffer.from(token))
    token = await end.step(token)
  }
  return tokens
}
const seeds = [...(await handshake(false)), ...(await handshake(true)), encodeInit([Mechanism.kerberos], Buffer.alloc(20))]

const damaged = fc
  .record({
    seed: fc.constantFrom(...seeds),
    cut: fc.option(fc.nat(700), { nil: undefined }),
    changes: fc.array(fc.tuple(fc.nat(700), fc.nat(255)), { maxLength: 8 }),
  })
  .map(({ seed, cut, changes }) => {
    const token = Buffer.from(seed.subarray(0, cut ?? seed.length))
    for (const [at, value] of changes) if (at < token.length) token[at] = value
    return token
  })
const anything = fc.oneof(
  damaged,
  fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
)

test('decoders: whatever comes, a value or a NegotiateError', () => {
  const decoders = [decodeNegotiate, decodeChallenge, decodeAuthenticate, decodeAvPairs, decodeClientChallenge, decodeSpnego]
  fc.assert(
    fc.property(anything, (token) => {
      for (const decode of decoders) onlyNegotiateError(() => decode(token))
    }),
    { numRuns: 1500 },
  )
})

test('both ends of NTLM: a damaged token at any step ends in a NegotiateError or goes on; nothing is complete without the password', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anything, { minLength: 1, maxLength: 3 }), fc.boolean(), async (tokens, wrapped) => {
      const [initiator, acceptor] = [client(wrapped), server()]
      await initiator.step(null)
      for (const end of [initiator, acceptor])
        for (const token of tokens) await end.step(token).catch((error: unknown) => assert.ok(error instanceof NegotiateError, `${error}`))
      assert.ok(!acceptor.complete)
    }),
    { numRuns: 300 },
  )
})

test('what is written can be read: challenges and AV pairs of any size that fits', () => {
  const pair = fc.record(
    { id: fc.integer({ min: 1, max: 40 }), value: fc.uint8Array({ maxLength: 100 }).map((b) => Buffer.from(b)) },
    { noNullPrototype: true },
  )
  const pairs = fc.uniqueArray(pair, { selector: ({ id }) => id, maxLength: 12 })
  fc.assert(
    fc.property(pairs, fc.string({ maxLength: 40 }), (targetInfo, targetName) => {
      assert.deepEqual(decodeAvPairs(encodeAvPairs(targetInfo)).pairs, targetInfo)
      const challenge = { flags: 0x20880235, targetName, serverChallenge: Buffer.alloc(8, 3), targetInfo }
      assert.deepEqual(decodeChallenge(encodeChallenge(challenge)), challenge)
    }),
    { numRuns: 200 },
  )
})

test('WWW-Authenticate: any text, and what authorization writes', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 300 }),
    fc.array(fc.constantFrom(...'Negotiate Basic realm = " , \\ a1+/='), { maxLength: 200 }).map((a) => a.join('')),
  )
  fc.assert(
    fc.property(text, (header) => onlyNegotiateError(() => challenges(header))),
    { numRuns: 2000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (token) => {
      assert.deepEqual(Buffer.from(challenges(authorization('Negotiate', token))[0]!.token!), Buffer.from(token))
    }),
    { numRuns: 200 },
  )
})

test('hostile sizes are refused quickly', () => {
  const started = performance.now()
  const megabytes = Buffer.alloc(8 << 20, 0x30)
  Buffer.from('NTLMSSP\0\x02\0\0\0').copy(megabytes)
  onlyNegotiateError(() => decodeChallenge(megabytes))
  onlyNegotiateError(() => decodeSpnego(megabytes))
  for (const header of [
    '"'.repeat(200_000),
    'a'.repeat(200_000),
    `Basic a="${'\\'.repeat(200_000)}`,
    ', '.repeat(100_000),
    `N ${'='.repeat(200_000)}`,
    `N a${' '.repeat(200_000)}x`,
    'N a=b,'.repeat(30_000),
    'x'.repeat(9_000_000),
  ])
    onlyNegotiateError(() => challenges(header))
  const response = encodeResp({ state: null, supportedMech: null, responseToken: Buffer.alloc(60_000, 0xa1), mechListMic: null })
  onlyNegotiateError(() => decodeSpnego(response))
  assert.ok(performance.now() - started < 1500, `${performance.now() - started} ms`)
})

test('Kerberos: garbage at the accepting end is a NegotiateError, whether the library is there or not', async () => {
  const acceptor = gssAccept({ keytab: '/nonexistent/keytab', channelBinding: null })
  await assert.rejects(acceptor.step(Buffer.from('garbage')), NegotiateError)
  acceptor.close()
})
