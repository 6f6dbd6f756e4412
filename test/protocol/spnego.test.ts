import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DerReader, der } from '../../src/protocol/negotiate/der.ts'
import { decodeSpnego, encodeInit, encodeResp, Mechanism, mechTypeList } from '../../src/protocol/negotiate/spnego.ts'
import { ntHash, ntlmAccept, ntlmInitiate } from '../../src/protocol/negotiate.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')
const malformed = { reason: 'malformed' }

test('a NegTokenInit as gss-ntlmssp sends it: one mechanism, its first token', () => {
  // The beginning of a logon by MIT krb5 1.20 and gss-ntlmssp 1.2.
  const token = hex(`6048 06062b0601050502 a03e 303c a00e 300c 060a 2b06010401823702020a
    a22a 0428 4e544c4d53535000 01000000 378208e2 0000000000000000 0000000000000000 060200000000000f`)
  const init = decodeSpnego(token)
  assert.ok(init.kind === 'init')
  assert.deepEqual(init.mechTypes, [Mechanism.ntlm])
  assert.deepEqual(Buffer.from(init.mechTypesDer), mechTypeList([Mechanism.ntlm]))
  assert.equal(init.mechListMic, null)
  assert.deepEqual(encodeInit(init.mechTypes, init.mechToken), token)
})

test('[MS-SPNG] NegTokenInit2: hints are passed over, the MIC stands behind them', () => {
  const hints = der(0xa3, der(0x30, der(0xa0, der(0x1b, Buffer.from('not_defined_in_RFC4178@please_ignore')))))
  const token = der(
    0x60,
    der(0x06, Mechanism.spnego),
    der(0xa0, der(0x30, der(0xa0, mechTypeList([Mechanism.kerberosMicrosoft, Mechanism.ntlm])), hints, der(0xa4, der(0x04, hex('0102'))))),
  )
  const init = decodeSpnego(token)
  assert.ok(init.kind === 'init')
  assert.deepEqual(init.mechTypes, [Mechanism.kerberosMicrosoft, Mechanism.ntlm])
  assert.equal(init.mechToken, null)
  assert.deepEqual(init.mechListMic, hex('0102'))
})

test('NegTokenResp: every part, written and read', () => {
  for (const state of ['accept-completed', 'accept-incomplete', 'reject', 'request-mic', null] as const)
    for (const supportedMech of [Mechanism.kerberos, null])
      for (const responseToken of [Buffer.alloc(300, 7), null])
        for (const mechListMic of [Buffer.alloc(16, 1), null]) {
          const response = { state, supportedMech, responseToken, mechListMic }
          assert.deepEqual(decodeSpnego(encodeResp(response)), { kind: 'resp', ...response })
        }
})

test('DER: lengths of every form come back; longer forms than needed, indefinite ones and cut values are refused', () => {
  for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
    const reader = new DerReader(der(0x04, Buffer.alloc(length)))
    assert.equal(reader.take(0x04).length, length)
    reader.end()
  }
  for (const bad of ['', '04', '0401', '048100', '04817f', '0482007f', '0480', '04840000000001', '1f8101', '0482'])
    assert.throws(() => new DerReader(hex(bad)).take(0x04), malformed, bad)
  assert.throws(
    () =>
      decodeSpnego(Buffer.concat([encodeResp({ state: null, supportedMech: null, responseToken: null, mechListMic: null }), hex('00')])),
    malformed,
  )
})

const server = () =>
  ntlmAccept({
    account: (_, user) => (user === 'u' ? ntHash(Buffer.from('p')) : null),
    computer: 'PC',
    domain: null,
    dnsDomain: '',
    dnsHost: 'pc',
    channelBinding: null,
    now: () => 1_790_000_000_000,
  })
const client = (wrapped: boolean) =>
  ntlmInitiate({ user: 'u', domain: '', password: { use: (f) => f(Buffer.from('p')) }, spn: null, channelBinding: null, wrapped })

test('NTLM further down in the list: asked for, and the list must be signed', async () => {
  const kerberosFirst = encodeInit([Mechanism.kerberos, Mechanism.ntlm], Buffer.from('a ticket that nobody here can read'))
  const acceptor = server()
  const answer = decodeSpnego((await acceptor.step(kerberosFirst))!)
  assert.ok(answer.kind === 'resp' && answer.state === 'request-mic' && Mechanism.ntlm.equals(answer.supportedMech!))
  const initiator = client(false)
  const response = (responseToken: Uint8Array) => encodeResp({ state: null, supportedMech: null, responseToken, mechListMic: null })
  const challenge = decodeSpnego((await acceptor.step(response((await initiator.step(null))!)))!)
  assert.ok(challenge.kind === 'resp')
  const authenticate = (await initiator.step(challenge.responseToken))!
  await assert.rejects(acceptor.step(response(authenticate)), { reason: 'rejected' })
})

test('an acceptor refuses a client without NTLM, and a client a server that chooses otherwise', async () => {
  await assert.rejects(server().step(encodeInit([Mechanism.kerberos], Buffer.from('x'))), { reason: 'rejected' })
  const answers = { supportedMech: Mechanism.kerberos, responseToken: Buffer.from('x'), mechListMic: null }
  for (const [state, reason] of [
    ['accept-incomplete', 'refused'],
    ['reject', 'rejected'],
  ] as const) {
    const initiator = client(true)
    await initiator.step(null)
    await assert.rejects(initiator.step(encodeResp({ state, ...answers })), { reason })
  }
})

test('a changed signature over the list of mechanisms is noticed at both ends', async () => {
  for (const [whom, n] of [
    ['server', 2],
    ['client', 3],
  ] as const) {
    const [initiator, acceptor] = [client(true), server()]
    const tokens: Uint8Array[] = []
    const talk = async () => {
      let token = await initiator.step(null)
      while (token !== null) {
        for (const end of [acceptor, initiator]) {
          tokens.push(token)
          if (tokens.length - 1 === n) {
            token = Buffer.from(token)
            token[token.length - 6]! ^= 1
          }
          token = await end.step(token)
          if (token === null) return
        }
      }
    }
    await assert.rejects(talk(), { reason: 'signature' }, whom)
    assert.equal(tokens.length, n + 1)
  }
})
