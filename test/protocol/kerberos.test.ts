import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { gssInitiate, NegotiateError, sspiInitiate } from '../../src/protocol/negotiate.ts'

// With a domain controller: test/peers/negotiate. Here: what an administrator reads where there is none.
const before = { KRB5_CONFIG: process.env.KRB5_CONFIG, KRB5CCNAME: process.env.KRB5CCNAME }
process.env.KRB5_CONFIG = '/nonexistent/krb5.conf'
process.env.KRB5CCNAME = 'FILE:/nonexistent/tickets'
after(() => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
})

const of = (credential: Parameters<typeof gssInitiate>[0]['credential'], mechanism: 'kerberos' | 'spnego' = 'spnego') =>
  gssInitiate({ service: 'HTTP', host: 'pc-001.corp.example', credential, mechanism, channelBinding: null })

test('without a ticket, a keytab or a library: unavailable, and what to do', { skip: process.platform === 'win32' }, async () => {
  for (const mechanism of ['kerberos', 'spnego'] as const) {
    for (const credential of [{ from: 'cache' }, { from: 'keytab', keytab: '/nonexistent/keytab', principal: 'a@CORP.EXAMPLE' }] as const) {
      const context = of(credential, mechanism)
      await assert.rejects(context.step(null), (error: NegotiateError) => {
        assert.equal(error.reason, 'unavailable')
        assert.match(error.message, /kinit|Install the Kerberos library|\/nonexistent\/keytab/)
        return true
      })
      assert.equal(context.complete, false)
      context.close()
      context.close()
    }
  }
})

test('the password is in no message', { skip: process.platform === 'win32' }, async () => {
  const password = { use: <T>(f: (utf8: Uint8Array) => T) => f(Buffer.from('marker-3f1c')) }
  const context = of({ from: 'password', principal: 'a@CORP.EXAMPLE', password })
  await assert.rejects(context.step(null), (error: NegotiateError) => {
    assert.ok(error instanceof NegotiateError)
    assert.doesNotMatch(`${error.stack}${JSON.stringify(error)}`, /marker-3f1c/)
    return true
  })
  context.close()
})

test('nothing is sealed before the handshake, and nothing happens after close', async () => {
  const context = of({ from: 'cache' })
  assert.equal(context.scheme, 'Negotiate')
  assert.equal(of({ from: 'cache' }, 'kerberos').scheme, 'Kerberos')
  assert.throws(() => context.seal(Buffer.from('x')), { reason: 'refused' })
  assert.throws(() => context.unseal({ signature: Buffer.alloc(60), data: Buffer.alloc(1) }), { reason: 'refused' })
  context.close()
  await assert.rejects(context.step(null), { reason: 'refused' })
})

test('SSPI elsewhere than on Windows: unavailable', { skip: process.platform === 'win32' }, async () => {
  const context = sspiInitiate({ host: 'pc-001.corp.example', credential: null, mechanism: 'kerberos', channelBinding: null })
  await assert.rejects(context.step(null), { reason: 'unavailable' })
})
