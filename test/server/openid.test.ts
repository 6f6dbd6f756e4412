/** Signing in by OpenID Connect: against a certified provider, and against one that lies. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ProblemError } from '../../src/model.ts'
import { ownPath, valuesOf } from '../../src/server/openid.ts'
import { usualSettings } from '../../src/server.ts'
import { certified, clientId, clientSecret, type Listening, listening, lying } from './openid-provider.ts'
import { type Said, type Stage, stage } from './stage.ts'

const secretFile = join(tmpdir(), `slmctl-openid-${process.pid}.secret`)
writeFileSync(secretFile, `${clientSecret}\n`, { mode: 0o600 })
const settings = (issuer: string) => ({
  ...{ issuer, clientId, clientSecret: { file: secretFile }, label: 'Example', claim: 'roles' },
  roles: { viewer: ['staff'], operator: ['desk'], approver: ['admins', 'owners'] },
})

/** A browser: cookies by host, forms, and where it was led to. */
class Browser {
  readonly cookies = new Map<string, Map<string, string>>()
  async get(url: string, form?: Record<string, string>): Promise<{ url: string; status: number; text: string; location: string | null }> {
    const { host } = new URL(url)
    const jar = this.cookies.get(host) ?? new Map<string, string>()
    this.cookies.set(host, jar)
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: {
        cookie: [...jar].map(([k, v]) => `${k}=${v}`).join('; '),
        ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      },
      ...(form ? { method: 'POST', body: new URLSearchParams(form).toString() } : {}),
    })
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!
      if (/Max-Age=0|expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name!)
      else jar.set(name!, value!)
    }
    const location = answer.headers.get('location')
    return { url, status: answer.status, text: await answer.text(), location: location && new URL(location, url).href }
  }
  /** Follows until there is a page; fills in the provider's forms as `login`. */
  async go(url: string, login: string) {
    let at = await this.get(url)
    for (let i = 0; i < 20; i++) {
      if (at.location !== null) at = await this.get(at.location)
      else {
        const [, action] = /<form[^>]* action="([^"]+)"/.exec(at.text) ?? []
        if (action === undefined) return at
        const prompt = /name="prompt" value="(\w+)"/.exec(at.text)?.[1] ?? 'login'
        at = await this.get(new URL(action, at.url).href, { prompt, login, password: 'x' })
      }
    }
    throw new Error('led round and round')
  }
}
const ledTo = (text: string) => /http-equiv="refresh" content="0;url=([^"]*)"/.exec(text)?.[1] ?? null

describe('a certified provider', () => {
  let at: Listening
  let s: Stage
  const roles: Record<string, unknown> = {
    ada: ['staff', 'owners'],
    ben: ['desk', 'staff'],
    cleo: 'staff',
    dan: ['visitors'],
    eve: undefined,
  }
  before(async () => {
    at = await listening()
    s = await stage({ openid: settings(at.url) })
    await certified(at, `${s.server.url}/api/v1/sign-in/openid/callback`, (account) => roles[account])
  })
  after(async () => {
    await s.close()
    await at.close()
  })
  const enter = async (login: string, to = '') => {
    const browser = new Browser()
    const page = await browser.go(`${s.server.url}/api/v1/sign-in/openid${to && `?to=${encodeURIComponent(to)}`}`, login)
    const session = browser.cookies.get(new URL(s.server.url).host)?.get('slmctl')
    const me = session === undefined ? null : ((await s.ask('/api/v1/me', { session })).json as { name: string; role: string; by: string })
    return { page, browser, session, me }
  }

  for (const [login, role] of [
    ['ada', 'approver'],
    ['ben', 'operator'],
    ['cleo', 'viewer'],
  ] as const)
    test(`${login} comes in as ${role}`, async () => {
      const { page, me, browser } = await enter(login, '/machines?verdict=action')
      assert.equal(page.status, 200, page.text)
      assert.equal(ledTo(page.text), '/machines?verdict=action')
      assert.deepEqual([me!.name, me!.role, me!.by], [`${login}@corp.example`, role, 'openid'])
      assert.equal(browser.cookies.get(new URL(s.server.url).host)!.has('slmctl-openid'), false, 'what belonged to the try is gone')
      const [last] = (await s.store.trail({ what: 'GET /api/v1/sign-in/openid/callback' }, { limit: 1, after: null })).rows
      assert.deepEqual([last!.who, last!.by, last!.result], [`${login}@corp.example`, 'openid', 'done'])
    })
  for (const login of ['dan', 'eve'])
    test(`${login}, without a role, does not`, async () => {
      const { page, me } = await enter(login)
      assert.equal(page.status, 403)
      assert.match(page.text, /OPENID_NO_ROLE/)
      assert.equal(me, null)
    })
  test('who lost every role has neither session nor token any more', async () => {
    const { session } = await enter('cleo')
    const account = (await s.store.accounts()).find((a) => a.name === 'cleo@corp.example')!
    const { value } = await s.token(account.id, 'read')
    roles.cleo = []
    assert.equal((await enter('cleo')).page.status, 403)
    assert.equal((await s.ask('/api/v1/me', { session: session! })).status, 401)
    assert.equal((await s.ask('/api/v1/me', { token: value })).status, 401)
  })
  test('another role holds from the next sign-in on; it is the same account', async () => {
    await enter('ben')
    const before = (await s.store.accounts()).filter((a) => a.name.startsWith('ben'))
    roles.ben = ['admins']
    assert.equal((await enter('ben')).me!.role, 'approver')
    const after = (await s.store.accounts()).filter((a) => a.name.startsWith('ben'))
    assert.deepEqual(
      after.map((a) => [a.id, a.role]),
      [[before[0]!.id, 'approver']],
    )
    assert.equal(after[0]!.subject, JSON.stringify([at.url, 'ben']))
  })
  test('a disabled account stays out, whatever the provider says', async () => {
    const account = (await s.store.accounts()).find((a) => a.name === 'ada@corp.example')!
    await s.store.setAccount(account.id, { disabledAt: s.clock.now })
    const { page, me } = await enter('ada')
    assert.deepEqual([page.status, me], [401, null])
    await s.store.setAccount(account.id, { disabledAt: null })
    assert.equal((await enter('ada')).page.status, 200)
  })
  test('it leads to paths of ours only', async () => {
    for (const to of [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '\\\\evil.example',
      'javascript:alert(1)',
      '/a"><script>',
      '/%0d%0a\r\nx',
      '',
    ])
      assert.match(ledTo((await enter('ada', to)).page.text)!, /^\/(?![/\\])[^"<>]*$/, to)
  })
  test('a callback holds once, and in the browser that began it', async () => {
    const browser = new Browser()
    let step = await browser.get(`${s.server.url}/api/v1/sign-in/openid`)
    const host = new URL(s.server.url).host
    // As far as the callback, without taking it.
    for (let i = 0; !step.location?.includes('/callback?'); i++) {
      assert.ok(i < 20)
      const [, action] = /<form[^>]* action="([^"]+)"/.exec(step.text) ?? []
      if (step.location !== null) step = await browser.get(step.location)
      else
        step = await browser.get(new URL(action!, step.url).href, {
          prompt: /value="(\w+)"/.exec(step.text)![1]!,
          login: 'ada',
          password: 'x',
        })
    }
    const callback = step.location
    const stranger = await new Browser().get(callback)
    assert.equal(stranger.status, 403)
    // Somebody else's browser, with a try of its own: the code of another session.
    const other = new Browser()
    await other.get(`${s.server.url}/api/v1/sign-in/openid`)
    assert.equal((await other.get(callback)).status, 403)
    const cookies = new Map(browser.cookies.get(host))
    assert.equal((await browser.get(callback)).status, 200)
    browser.cookies.set(host, cookies)
    const again = await browser.get(callback)
    assert.equal(again.status, 403)
    assert.match(again.text, /OPENID_REFUSED/)
  })
})

describe('a provider that lies', () => {
  let at: Listening
  let s: Stage
  let provider: ReturnType<typeof lying>
  before(async () => {
    at = await listening()
    s = await stage({ openid: settings(at.url) })
    provider = lying(at)
  })
  after(async () => {
    await s.close()
    await at.close()
  })
  /** The way there and back; `change` is what comes back in place of what should. */
  const back = async (faults: typeof provider.faults, change: (query: URLSearchParams) => void = () => {}): Promise<Said> => {
    const begun = await s.ask('/api/v1/sign-in/openid')
    const there = new URL(String(begun.headers.location)).searchParams
    provider.nonce = there.get('nonce')!
    provider.faults = faults
    const query = new URLSearchParams({ code: 'c', state: there.get('state')! })
    change(query)
    const cookie = String((begun.headers['set-cookie'] as string[])[0]).split(';')[0]!
    return await s.ask(`/api/v1/sign-in/openid/callback?${query}`, { headers: { cookie }, origin: null })
  }
  test('what is right is let in, so that the rest means something', async () => {
    const said = await back({})
    assert.equal(said.status, 200, said.text)
    assert.equal(provider.secrets.at(-1)!.startsWith('Basic '), true)
    const begun = await s.ask('/api/v1/sign-in/openid')
    const { searchParams: q } = new URL(String(begun.headers.location))
    assert.deepEqual([q.get('response_type'), q.get('code_challenge_method'), q.get('client_id')], ['code', 'S256', clientId])
    assert.equal(q.get('redirect_uri'), `${s.server.url}/api/v1/sign-in/openid/callback`)
    assert.match(String((begun.headers['set-cookie'] as string[])[0]), /; HttpOnly; SameSite=Lax$/)
  })
  const wrong: Record<string, [Parameters<typeof back>[0], Parameters<typeof back>[1]?]> = {
    'another nonce': [{ claims: { nonce: 'other' } }],
    'no nonce': [{ claims: { nonce: undefined } }],
    'another issuer': [{ claims: { iss: 'https://evil.example' } }],
    'another audience': [{ claims: { aud: 'somebody-else' } }],
    'one audience among several, authorized for another': [{ claims: { aud: [clientId, 'x'], azp: 'x' } }],
    'an ID token that ended': [{ claims: { exp: Math.floor(Date.now() / 1000) - 600 } }],
    'an ID token without an end': [{ claims: { exp: undefined } }],
    'no subject': [{ claims: { sub: undefined } }],
    'signed by another key': [{ otherKey: true }],
    'not signed': [{ unsigned: true }],
    'another state': [{}, (q) => q.set('state', 'x'.repeat(43))],
    'no state': [{}, (q) => q.delete('state')],
    'two states': [{}, (q) => q.append('state', 'y')],
    'no code': [{}, (q) => q.delete('code')],
    'another issuer beside the code': [{}, (q) => q.set('iss', 'https://evil.example')],
    'not let in there': [
      {},
      (q) => {
        q.delete('code')
        q.set('error', 'access_denied')
      },
    ],
    'a code that is none': [{ token: 400 }],
  }
  for (const [name, [faults, change]] of Object.entries(wrong))
    test(`refused: ${name}`, async () => {
      const said = await back(faults, change)
      assert.equal(said.status, 403, said.text)
      assert.match(said.text, /OPENID_REFUSED/)
      assert.doesNotMatch(String(said.headers['set-cookie'] ?? ''), /slmctl=/)
    })
  test('refused: later than ten minutes', async () => {
    const said = await back({}, () => {
      s.clock.now += 10 * 60_000 + 1
    })
    assert.equal(said.status, 403)
  })
  test('values of the claim that are objects or numbers give no role', async () => {
    for (const roles of [[{ admins: true }], 7, { admins: 1 }, 'admins,x', ['Admins'], null])
      assert.equal((await back({ claims: { roles } })).status, 403, JSON.stringify(roles))
  })
  test('a provider that is away is said, with the next step', async () => {
    assert.equal((await back({ token: 503 })).status, 502)
    s.clock.now += 2 * 3_600_000
    at.answerBy((_, answer) => answer.writeHead(500).end())
    const said = await s.ask('/api/v1/sign-in/openid')
    assert.equal(said.status, 502)
    assert.match(said.text, /OPENID_AWAY/)
    assert.ok(s.log.some((line) => line.includes('OpenID Connect provider')))
    assert.ok(!JSON.stringify(s.log).includes(clientSecret))
  })
})

test('a provider without TLS beyond this computer is refused at the start', async () => {
  await assert.rejects(
    stage({ ...usualSettings, port: 0, openid: settings('http://login.example') }),
    (error: ProblemError) => error.problems[0]!.code === 'OPENID_NOT_PRIVATE',
  )
})

test('claims: the name as it is, then dots into objects, one value or many', () => {
  assert.deepEqual(valuesOf({ realm_access: { roles: ['a', 1] } }, 'realm_access.roles'), ['a'])
  assert.deepEqual(valuesOf({ 'https://x/roles': 'a' }, 'https://x/roles'), ['a'])
  assert.equal(valuesOf({}, 'roles'), null)
  assert.equal(valuesOf({ roles: {} }, 'roles.constructor.name'), null)
  assert.equal(valuesOf({}, '__proto__.x'), null)
  assert.equal(ownPath('/machines/1?x=%2F'), '/machines/1?x=%2F')
  for (const to of [null, '', 'x', '//x', '/\\x', '/x\ny', `/${'x'.repeat(3000)}`]) assert.equal(ownPath(to), '/')
})
