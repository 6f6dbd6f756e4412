import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { bindingHash } from '../../src/protocol/negotiate/bindings.ts'
import { Av, avValue, decodeAuthenticate, decodeClientChallenge } from '../../src/protocol/negotiate/ntlm/messages.ts'
import { authorization, challenges, ntHash, ntlmAccept, ntlmInitiate, type SecurityContext } from '../../src/protocol/negotiate.ts'

const password = (text: string) => ({ use: <T>(f: (utf8: Uint8Array) => T) => f(Buffer.from(text)) })
const binding = Buffer.from('tls-server-end-point:0123456789abcdef0123456789abcdef')

function ends(more: { wrapped?: boolean; text?: string; user?: string; client?: Uint8Array | null; server?: Uint8Array | null } = {}) {
  const client = ntlmInitiate({
    user: more.user ?? 'Zoë',
    domain: 'CORP',
    password: password(more.text ?? 'pässwörd 🔑'),
    spn: 'HTTP/pc-001.corp.example',
    channelBinding: more.client === undefined ? binding : more.client,
    wrapped: more.wrapped ?? false,
  })
  const server = ntlmAccept({
    account: (domain, user) => (domain === 'CORP' && user === 'Zoë' ? ntHash(Buffer.from('pässwörd 🔑')) : null),
    computer: 'PC-001',
    domain: 'CORP',
    dnsDomain: 'corp.example',
    dnsHost: 'pc-001.corp.example',
    channelBinding: more.server === undefined ? binding : more.server,
    now: () => 1_790_000_000_000,
  })
  return { client, server }
}

/** Passes tokens to and fro until neither has one left; `change` may alter the token of a given number. */
async function shake(client: SecurityContext, server: SecurityContext, change?: (n: number, token: Uint8Array) => Uint8Array) {
  let token = await client.step(null)
  for (let n = 0; token !== null; n += 2) {
    const back = await server.step(change?.(n, token) ?? token)
    token = back === null ? null : await client.step(change?.(n + 1, back) ?? back)
  }
  assert.ok(client.complete && server.complete)
}

const fails = (reason: string) => ({ name: 'Error', reason })

for (const wrapped of [false, true]) {
  const how = wrapped ? 'in SPNEGO' : 'raw'
  test(`NTLM ${how}: both ends agree, and what one seals the other opens, in order`, async () => {
    const { client, server } = ends({ wrapped })
    await shake(client, server)
    assert.equal(server.peer, 'CORP\\Zoë')
    for (let i = 0; i < 5; i++) {
      const question = Buffer.from(`question ${i} `.repeat(i * 50))
      const sealed = client.seal(question)
      assert.equal(sealed.signature.length, 16)
      if (i > 0) assert.ok(!Buffer.from(sealed.data).includes('question'))
      assert.deepEqual(Buffer.from(server.unseal(sealed)), question)
      assert.deepEqual(Buffer.from(client.unseal(server.seal(Buffer.from(`answer ${i}`)))), Buffer.from(`answer ${i}`))
    }
    client.close()
    client.close()
    assert.throws(() => client.seal(Buffer.alloc(1)), fails('refused'))
    server.close()
  })

  test(`NTLM ${how}: wrong password, unknown user, another channel`, async () => {
    for (const more of [{ text: 'wrong' }, { user: 'Zoe' }, { client: Buffer.from('tls-server-end-point:other') }, { client: null }]) {
      const { client, server } = ends({ wrapped, ...more })
      await assert.rejects(shake(client, server), fails('rejected'))
      assert.equal(server.peer, null)
      await assert.rejects(server.step(Buffer.from('NTLMSSP\0')), fails('malformed'))
    }
  })

  test(`NTLM ${how}: a handshake whose flags were changed on the way is noticed`, async () => {
    const { client, server } = ends({ wrapped })
    // NEGOTIATE_KEY_EXCH struck out of the client's first message: only the MIC can tell.
    const strike = (n: number, token: Uint8Array) => {
      if (n !== 0) return token
      const changed = Buffer.from(token)
      changed[changed.indexOf('NTLMSSP\0') + 15]! &= ~0x40
      return changed
    }
    await assert.rejects(shake(client, server, strike), fails('signature'))
  })
}

test('sealing: a flipped bit, a message twice or out of order ends the session', async () => {
  for (const spoil of [(a: Uint8Array) => (a[3]! ^= 1), () => 'twice', () => 'skip']) {
    const { client, server } = ends()
    await shake(client, server)
    const first = client.seal(Buffer.from('first message'))
    const second = client.seal(Buffer.from('second message'))
    const what = spoil(first.data as Uint8Array)
    if (what === 'twice') {
      server.unseal(first)
      assert.throws(() => server.unseal(first), fails('signature'))
    } else assert.throws(() => server.unseal(what === 'skip' ? second : first), fails('signature'))
    assert.throws(() => server.unseal(second), fails('signature'))
  }
})

test('[MS-NLMP] 3.1.5.1.2: the channel is named where there is one, and only there; the service always', async () => {
  const pairsOf = async (client: Uint8Array | null) => {
    const both = ends({ client, server: null })
    const challenge = await both.server.step(await both.client.step(null))
    const { ntResponse } = decodeAuthenticate((await both.client.step(challenge))!)
    return decodeClientChallenge(ntResponse.subarray(16)).pairs
  }
  const named = await pairsOf(binding)
  assert.deepEqual(avValue(named, Av.ChannelBindings), bindingHash(binding))
  const unnamed = await pairsOf(null)
  assert.equal(avValue(unnamed, Av.ChannelBindings), null)
  for (const pairs of [named, unnamed])
    assert.equal(Buffer.from(avValue(pairs, Av.TargetName)!).toString('utf16le'), 'HTTP/pc-001.corp.example')
})

test('a short message is sealed in less time than OpenSSL takes for its HMAC alone', async () => {
  const { client, server } = ends()
  await shake(client, server)
  const message = Buffer.alloc(16, 'x')
  const least = (work: () => unknown) =>
    Math.min(
      ...Array.from({ length: 8 }, () => {
        const before = process.cpuUsage()
        for (let i = 0; i < 500; i++) work()
        const { user, system } = process.cpuUsage(before)
        return user + system
      }),
    )
  const sealed = least(() => client.seal(message))
  const alone = least(() => createHmac('md5', message).update(message).digest())
  assert.ok(sealed < alone, `${sealed} and ${alone}`)
})

test('sealing leaves the message of the caller as it is', async () => {
  const { client, server } = ends()
  await shake(client, server)
  const message = Buffer.from('as it is')
  const sealed = client.seal(message)
  server.unseal(sealed)
  assert.equal(message.toString(), 'as it is')
})

test('the password is asked for once', async () => {
  let seen = 0
  const lent = {
    use<T>(f: (utf8: Uint8Array) => T): T {
      seen++
      return f(Buffer.from('x'))
    },
  }
  const client = ntlmInitiate({ user: 'u', domain: '', password: lent, spn: null, channelBinding: null })
  await client.step(null)
  assert.equal(seen, 1)
})

test('WWW-Authenticate: several schemes in one line or in several, tokens and parameters', () => {
  const read = (header: string | string[] | undefined) =>
    challenges(header).map(({ scheme, token, parameters }) => [
      scheme,
      token && Buffer.from(token).toString(),
      Object.fromEntries(parameters),
    ])
  assert.deepEqual(read(undefined), [])
  assert.deepEqual(read('Negotiate, Kerberos, Basic realm="WSMAN"'), [
    ['Negotiate', null, {}],
    ['Kerberos', null, {}],
    ['Basic', null, { realm: 'WSMAN' }],
  ])
  assert.deepEqual(read(['Negotiate dG9rZW4=', 'Digest realm="a \\"b\\", c", nonce=1 , qop="auth", NTLM']), [
    ['Negotiate', 'token', {}],
    ['Digest', null, { realm: 'a "b", c', nonce: '1', qop: 'auth' }],
    ['NTLM', null, {}],
  ])
  // As Windows says it where certificates are allowed, in one line or in several.
  const mutual = 'http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual'
  const all = ['Negotiate', 'Kerberos', mutual, 'Basic realm="WSMAN"', 'CredSSP']
  for (const header of [all, all.join(', ')])
    assert.deepEqual(
      read(header).map(([scheme]) => scheme),
      ['Negotiate', 'Kerberos', mutual, 'Basic', 'CredSSP'],
    )
  assert.deepEqual(read(',Negotiate dG9rZW4=,,Basic realm=x'), [
    ['Negotiate', 'token', {}],
    ['Basic', null, { realm: 'x' }],
  ])
  for (const bad of ['"', 'Negotiate a b c', 'Basic realm="open', 'Negotiate =', 'Negotiate abcde'])
    assert.throws(() => challenges(bad), fails('malformed'), bad)
  assert.equal(authorization('Negotiate', Buffer.from('token')), 'Negotiate dG9rZW4=')
  assert.equal(authorization('Negotiate', null), 'Negotiate')
})
