/** How people get in: by a link, by a password; what a session is; what happens to whoever guesses. */
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { after, before, describe, test } from 'node:test'
import { addressKey, rate } from '../../src/server/rate.ts'
import { isPassword, passwordHash } from '../../src/server.ts'
import { type Said, type Stage, stage } from './stage.ts'

const code = (said: Said) => (said.json as { code?: string } | null)?.code
const cookieOf = (said: Said) => /^(?:__Host-)?slmctl=([\w-]+)/.exec(String((said.headers['set-cookie'] as string[] | undefined)?.[0]))?.[1]

const bare = (b: Buffer) => b.toString('base64').replace(/=+$/, '')
/** As it would be kept with less work, so that the tests are quick. */
function kept(password: string): string {
  const salt = crypto.randomBytes(16)
  return `$scrypt$ln=12,r=8,p=1$${bare(salt)}$${bare(crypto.scryptSync(password, salt, 32, { N: 2 ** 12, r: 8, p: 1 }))}`
}

/** How often scrypt is called: the work that a sign-in costs, whatever a clock says. */
let hashes = 0
const scrypt = crypto.scrypt
before(() => {
  crypto.scrypt = ((...given: Parameters<typeof scrypt>) => {
    hashes++
    scrypt(...given)
  }) as typeof scrypt
  syncBuiltinESMExports()
})
after(() => {
  crypto.scrypt = scrypt
  syncBuiltinESMExports()
})

describe('passwords', () => {
  test('are kept as scrypt with its parameters, and known again', async () => {
    const kept = await passwordHash(Buffer.from('correct horse battery'))
    assert.match(kept, /^\$scrypt\$ln=17,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    assert.notEqual(kept, await passwordHash(Buffer.from('correct horse battery')))
    assert.equal(await isPassword(Buffer.from('correct horse battery'), kept), true)
    assert.equal(await isPassword(Buffer.from('correct horse batterz'), kept), false)
  })
  test('that scrypt is RFC 7914’s', async () => {
    const salt = Buffer.from('NaClSaltNaClSalt')
    const key = crypto.scryptSync('pleaseletmein-please', salt, 32, { N: 2 ** 14, r: 8, p: 1 })
    assert.equal(await isPassword(Buffer.from('pleaseletmein-please'), `$scrypt$ln=14,r=8,p=1$${bare(salt)}$${bare(key)}`), true)
  })
  test('parameters that would take all memory are not believed', async () => {
    for (const ln of [21, 30, 99])
      assert.equal(await isPassword(Buffer.from('x'), `$scrypt$ln=${ln},r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`), false)
  })
  test('have twelve characters and more', async () => {
    await assert.rejects(passwordHash(Buffer.from('elevenchars')), /at least 12/)
    await assert.rejects(passwordHash(Buffer.alloc(2000, 0x61)), /at most/)
    await passwordHash(Buffer.from('пароль-из-12'))
  })
})

describe('with a name and a password', () => {
  let s: Stage
  before(async () => {
    s = await stage()
    const secret = kept('correct horse battery')
    await s.store.saveAccount({ name: 'maria', kind: 'local', subject: null, role: 'operator', secret, at: s.clock.now })
    const gone = await s.store.saveAccount({ name: 'gone', kind: 'local', subject: null, role: 'operator', secret, at: s.clock.now })
    await s.store.setAccount(gone.id, { disabledAt: s.clock.now })
    await s.store.saveAccount({ name: 'bare', kind: 'local', subject: null, role: 'operator', secret: null, at: s.clock.now })
  })
  after(() => s.close())
  const sign = (name: string, password: string, session?: string) =>
    s.ask('/api/v1/sign-in/local', { body: { name, password }, ...(session === undefined ? {} : { session }) })

  test('the right one opens a session, in a cookie that no script reads', async () => {
    const said = await sign('maria', 'correct horse battery')
    assert.equal(said.status, 200)
    const { name, by, role } = said.json as { name: string; by: string; role: string }
    assert.deepEqual([name, by, role], ['maria', 'local', 'operator'])
    assert.match(
      String((said.headers['set-cookie'] as string[])[0]),
      /^slmctl=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    )
    const me = await s.ask('/api/v1/me', { session: cookieOf(said)! })
    assert.equal((me.json as { name: string }).name, 'maria')
    assert.notEqual((await s.store.account({ name: 'maria' }))!.signedInAt, null)
  })
  test('a wrong password, a wrong name, a disabled account, one without a password: one answer, and the same work', async () => {
    const answers: string[] = []
    for (const [name, password] of [
      ['maria', 'wrong'],
      ['nobody', 'correct horse battery'],
      ['gone', 'correct horse battery'],
      ['bare', ''.padEnd(12)],
    ] as const) {
      const before = hashes
      const said = await sign(name, password)
      assert.equal(said.status, 401)
      assert.equal(hashes - before, 1, name)
      assert.equal(said.headers['set-cookie'], undefined)
      const { instance: _, ...rest } = said.json as Record<string, unknown>
      answers.push(JSON.stringify(rest))
    }
    assert.equal(new Set(answers).size, 1)
  })
  test('signing in ends the session before, signing out ends this one; what is kept is a hash', async () => {
    const first = cookieOf(await sign('maria', 'correct horse battery'))!
    const second = cookieOf(await sign('maria', 'correct horse battery', first))!
    assert.notEqual(first, second)
    assert.equal((await s.ask('/api/v1/me', { session: first })).status, 401)
    assert.equal((await s.ask('/api/v1/me', { session: second })).status, 200)
    const out = await s.ask('/api/v1/sign-out', { method: 'POST', session: second })
    assert.deepEqual([out.status, out.json], [200, { provider: null }])
    assert.match(String((out.headers['set-cookie'] as string[])[0]), /^slmctl=; Path=\/; Max-Age=0;/)
    assert.equal((await s.ask('/api/v1/me', { session: second })).status, 401)
    // Another session value of somebody else's making is none: what comes in is never taken over.
    const fixed = await sign('maria', 'correct horse battery', 'A'.repeat(43))
    assert.notEqual(cookieOf(fixed), 'A'.repeat(43))
  })
  test('a session ends by time, and with another password', async () => {
    const session = cookieOf(await sign('maria', 'correct horse battery'))!
    s.clock.now += 12 * 3_600_000 - 1000
    assert.equal((await s.ask('/api/v1/me', { session })).status, 200)
    s.clock.now += 1000
    assert.equal((await s.ask('/api/v1/me', { session })).status, 401)
    const other = cookieOf(await sign('maria', 'correct horse battery'))!
    const account = (await s.store.account({ name: 'maria' }))!
    await s.store.setAccount(account.id, { secret: account.secret })
    assert.equal((await s.ask('/api/v1/me', { session: other })).status, 401)
  })
  test('who guesses waits longer and longer, costs no work meanwhile, and locks nobody out for long', async () => {
    s.clock.now += 3_600_000
    for (let i = 0; i < 5; i++) assert.equal((await sign('maria', `wrong ${i}`)).status, 401, String(i))
    const waits: number[] = []
    for (let i = 0; i < 8; i++) {
      const before = hashes
      const said = await sign('maria', 'correct horse battery')
      assert.equal(said.status, 429)
      assert.equal(code(said), 'SIGN_IN_WAIT')
      assert.equal(hashes, before)
      const wait = Number(said.headers['retry-after'])
      waits.push(wait)
      s.clock.now += wait * 1000
      assert.equal((await sign('maria', 'still wrong')).status, 401)
    }
    assert.deepEqual(waits, [1, 2, 4, 8, 16, 30, 30, 30])
    s.clock.now += 30_000
    assert.equal((await sign('maria', 'correct horse battery')).status, 200, 'after at most half a minute')
    assert.equal((await sign('maria', 'wrong')).status, 401, 'and what was before is forgotten')
  })
  test('many at once are counted before any is answered', async () => {
    s.clock.now += 3_600_000
    const said = await Promise.all(Array.from({ length: 12 }, (_, i) => sign('maria', `wrong ${i}`)))
    assert.equal(said.filter((a) => a.status === 401).length, 5)
    assert.equal(said.filter((a) => a.status === 429).length, 7)
  })
  test('who tries many names from one address waits, too', async () => {
    s.clock.now += 3_600_000
    const said: number[] = []
    for (let i = 0; i < 34; i++) said.push((await s.ask('/api/v1/sign-in/link', { body: { token: `guess ${i}` } })).status)
    assert.deepEqual([said.indexOf(429), said.at(-1)], [30, 429])
    s.clock.now += 3_600_000
  })
  test('a site that has no local accounts lets nobody in by one', async () => {
    const closed = await stage({ local: false })
    const secret = kept('correct horse battery')
    await closed.store.saveAccount({ name: 'maria', kind: 'local', subject: null, role: 'operator', secret, at: closed.clock.now })
    const said = await closed.ask('/api/v1/sign-in/local', { body: { name: 'maria', password: 'correct horse battery' } })
    assert.equal(said.status, 401)
    assert.deepEqual((await closed.ask('/api/v1/sign-in')).json, {
      ...{
        me: null,
        organisation: 'Example University',
        ways: { local: false, link: false, openid: null },
        diagnose: false,
        lab: false,
        version: 'test',
      },
    })
    await closed.close()
  })
})

describe('with the link of the terminal', () => {
  test('once, within ten minutes, as whoever sits there', async () => {
    const s = await stage({}, { once: true })
    const [page, token] = s.server.link!.split('#') as [string, string]
    assert.equal(page, `${s.server.url}/sign-in`)
    assert.ok(Buffer.from(token, 'base64url').length >= 16)
    const sign = () => s.ask('/api/v1/sign-in/link', { body: { token } })
    const first = await sign()
    assert.deepEqual([first.status, (first.json as { role: string }).role], [200, 'approver'])
    assert.equal(code(await sign()), 'SIGN_IN_REFUSED')
    assert.equal((await s.ask('/api/v1/trail', { session: cookieOf(first)! })).status, 200)
    await s.close()
    const late = await stage({}, { once: true })
    late.clock.now += 10 * 60_000 + 1
    assert.equal((await late.ask('/api/v1/sign-in/link', { body: { token: late.server.link!.split('#')[1] } })).status, 401)
    await late.close()
  })
  test('of two at once one gets in', async () => {
    const s = await stage({}, { once: true })
    const body = { token: s.server.link!.split('#')[1] }
    const said = await Promise.all(Array.from({ length: 6 }, () => s.ask('/api/v1/sign-in/link', { body })))
    assert.deepEqual(said.map((a) => a.status).sort(), [200, 401, 401, 401, 401, 401])
    await s.close()
  })
  test('there is none where it is not wished', async () => {
    const s = await stage({}, { once: false })
    assert.equal(s.server.link, null)
    await s.close()
  })
})

test('rates: memory is bounded, old tries are forgotten, a network of IPv6 is one address', () => {
  const few = rate({ free: 1, firstMs: 1000, mostMs: 1000, forgetMs: 60_000, most: 3 })
  for (const key of ['a', 'b', 'c', 'd']) few.count(key, 0)
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => few.wait(key, 0)),
    [0, 1000, 1000, 1000],
  )
  assert.equal(few.wait('d', 60_000), 0)
  assert.equal(addressKey('2001:db8::1'), addressKey('2001:db8::ffff:1'))
  assert.notEqual(addressKey('2001:db8:0:1::1'), addressKey('2001:db8:0:2::1'))
  assert.notEqual(addressKey('10.0.0.1'), addressKey('10.0.0.2'))
})
