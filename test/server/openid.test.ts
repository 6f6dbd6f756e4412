/** Signing in by OpenID Connect: against a certified provider, and against one that lies. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ProblemError } from '../../src/model.ts'
import { ownPath, valuesOf } from '../../src/server/openid.ts'
import { newProof, usualSettings } from '../../src/server.ts'
import { certified, clientId, clientSecret, type Listening, listening, lying } from './openid-provider.ts'
import { type Said, type Stage, stage } from './stage.ts'

const secretFile = join(tmpdir(), `slmctl-openid-${process.pid}.secret`)
writeFileSync(secretFile, `${clientSecret}\n`, { mode: 0o600 })
const settings = (issuer: string) => ({
  ...{ issuer, clientId, clientSecret: { file: secretFile }, label: 'Example', claim: 'roles' },
  ...{ responseMode: 'query' as 'query' | 'form_post', resource: null as string | null, dormantDays: 45 as number | null },
  roles: { viewer: ['staff'], operator: ['desk'], approver: ['admins', 'owners'] },
})

type Page = { readonly url: string; readonly status: number; readonly text: string; readonly location: string | null }
type Cookie = { readonly value: string; readonly site: string }
/** A browser: cookies by host, forms, and where it was led to. Every other host is another site to it. */
class Browser {
  readonly #cookies = new Map<string, Map<string, Cookie>>()
  jar(url: string): Map<string, Cookie> {
    const { host } = new URL(url)
    const jar = this.#cookies.get(host) ?? new Map<string, Cookie>()
    this.#cookies.set(host, jar)
    return jar
  }
  /** A form that another site sends brings the cookies along that are open to all sites (RFC 6265bis, 5.8.3). */
  async get(url: string, form?: Record<string, string>, from = url): Promise<Page> {
    const jar = this.jar(url)
    const own = form === undefined || new URL(from).host === new URL(url).host
    const sent = [...jar].filter(([, { site }]) => own || site === 'none')
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: {
        cookie: sent.map(([k, { value }]) => `${k}=${value}`).join('; '),
        ...(form ? { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(from).origin } : {}),
      },
      ...(form ? { method: 'POST', body: new URLSearchParams(form).toString() } : {}),
    })
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!
      if (/Max-Age=0|expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name!)
      else jar.set(name!, { value: value!, site: (/SameSite=(\w+)/i.exec(line)?.[1] ?? 'lax').toLowerCase() })
    }
    const location = answer.headers.get('location')
    return { url, status: answer.status, text: await answer.text(), location: location && new URL(location, url).href }
  }
  /** The next step of a page: where it leads, or its form, filled in as `login`; null: it is where one stays. */
  async next(at: Page, login: string): Promise<Page | null> {
    if (at.location !== null) return await this.get(at.location)
    const led = ledTo(at.text)
    if (led?.startsWith('/api/')) return await this.get(new URL(plain(led), at.url).href)
    const [, action] = /<form[^>]* action="([^"]+)"/.exec(at.text) ?? []
    if (action === undefined) return null
    const hidden = [...at.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, k, v]) => [k!, plain(v!)])
    return await this.get(new URL(plain(action), at.url).href, { ...Object.fromEntries(hidden), login, password: 'x' }, at.url)
  }
  /** Follows until there is a page to stay at. */
  async go(url: string, login: string, onTheWay: (at: Page) => void = () => {}): Promise<Page> {
    let at = await this.get(url)
    for (let i = 0; i < 20; i++) {
      onTheWay(at)
      const next = await this.next(at, login)
      if (next === null) return at
      at = next
    }
    throw new Error('led round and round')
  }
}
const plain = (html: string) =>
  html
    .replace(/&#(\d+);/g, (_, n: string) => String.fromCharCode(Number(n)))
    .replaceAll('&amp;', '&')
    .replaceAll('&quot;', '"')
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
    const session = browser.jar(s.server.url).get('slmctl')?.value
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
      assert.equal(
        [...browser.jar(s.server.url).keys()].some((name) => name.includes('openid')),
        false,
        'what belonged to the try is gone',
      )
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
    // As far as the callback, without taking it.
    for (let i = 0; !step.location?.includes('/callback?'); i++) {
      assert.ok(i < 20)
      step = (await browser.next(step, 'ada'))!
    }
    const callback = step.location
    const stranger = await new Browser().get(callback)
    assert.equal(stranger.status, 403)
    // Somebody else's browser, with a try of its own: the code of another session.
    const other = new Browser()
    await other.get(`${s.server.url}/api/v1/sign-in/openid`)
    assert.equal((await other.get(callback)).status, 403)
    const cookies = [...browser.jar(callback)]
    assert.equal((await browser.get(callback)).status, 200)
    for (const [name, value] of cookies) browser.jar(callback).set(name, value)
    const again = await browser.get(callback)
    assert.equal(again.status, 403)
    assert.match(again.text, /OPENID_REFUSED/)
  })
})

describe('people are sent back by a form (form_post)', () => {
  let at: Listening
  let s: Stage
  const callback = '/api/v1/sign-in/openid/callback'
  before(async () => {
    at = await listening()
    s = await stage({ openid: { ...settings(at.url), responseMode: 'form_post' } })
    await certified(at, `${s.server.url}${callback}`, () => ['owners'])
  })
  after(async () => {
    await s.close()
    await at.close()
  })
  const form = (text: string, type = 'application/x-www-form-urlencoded') =>
    s.ask(callback, { method: 'POST', raw: text, headers: { 'content-type': type }, origin: 'https://login.example' })

  test('they come in, though no cookie of ours comes along with it', async () => {
    const browser = new Browser()
    const way: string[] = []
    const page = await browser.go(`${s.server.url}/api/v1/sign-in/openid?to=/hosts`, 'ada', (step) => {
      way.push(`${new URL(step.url).pathname} ${/<title>([^<]*)/.exec(step.text)?.[1]}`)
      // What belongs to the try is never open to other sites.
      for (const [name, { site }] of browser.jar(s.server.url)) if (name.includes('openid')) assert.equal(site, 'lax')
    })
    assert.equal(ledTo(page.text), '/hosts', page.text)
    assert.deepEqual(way.slice(-2), [`${callback} Signing in`, `${callback} Signed in`])
    const session = browser.jar(s.server.url).get('slmctl')!.value
    assert.equal(((await s.ask('/api/v1/me', { session })).json as { role: string }).role, 'approver')
  })
  test('a forged form is a link to our own address and no more; what it says stays text', async () => {
    const said = await form(
      `code=${encodeURIComponent('"><script>alert(1)</script>')}&state=x&state=y&to=https://evil.example&iss=https://evil.example`,
    )
    assert.equal(said.status, 200)
    assert.equal(said.headers['set-cookie'], undefined)
    assert.doesNotMatch(said.text, /<script/)
    const led = plain(ledTo(said.text)!)
    const { pathname, searchParams } = new URL(led, s.server.url)
    assert.ok(led.startsWith(`${callback}?`))
    assert.equal(pathname, callback)
    assert.deepEqual([...new Set(searchParams.keys())], ['code', 'state', 'iss'])
    assert.equal((await s.ask(led, { origin: null })).status, 403)
    const session = await s.session(await s.person('approver'))
    const beside = await s.ask(callback, {
      method: 'POST',
      raw: 'code=c',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      session,
    })
    assert.equal(beside.headers['set-cookie'], undefined)
    assert.equal((await s.ask('/api/v1/me', { session })).status, 200, 'nor does it end a session')
  })
  test('nothing but a form of a few kilobytes is taken there, and no other address takes a form', async () => {
    assert.equal((await form('{}', 'application/json')).status, 415)
    assert.equal((await form('code=c', 'text/plain')).status, 415)
    assert.equal((await form(`code=${'c'.repeat(9000)}`)).status, 413)
    assert.equal((await form(`code=${'c'.repeat(4000)}&state=s`)).status, 200)
    assert.equal((await s.ask(plain(ledTo((await form(`code=${'c'.repeat(4000)}&state=s`)).text)!), { origin: null })).status, 403)
    const elsewhere = { method: 'POST', raw: 'name=a&password=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } }
    assert.equal((await s.ask('/api/v1/sign-in/local', elsewhere)).status, 415)
  })
  test('where the site file does not say so, there is no such address', async () => {
    const plainly = await stage({ openid: settings(at.url) })
    assert.equal((await plainly.ask(callback, { method: 'POST' })).status, 405)
    await plainly.close()
  })
})

describe('a session that a provider vouched for', () => {
  let at: Listening
  let s: Stage
  let roles: string[] = ['owners']
  before(async () => {
    at = await listening()
    s = await stage({ openid: settings(at.url) })
    await certified(at, `${s.server.url}/api/v1/sign-in/openid/callback`, () => roles)
  })
  after(async () => {
    await s.close()
    await at.close()
  })
  const sessionOf = (browser: Browser) => browser.jar(s.server.url).get('slmctl')?.value
  const silent = () => `${s.server.url}/api/v1/sign-in/openid?silent=true&to=/machines`
  const noForm = (at: Page) => assert.doesNotMatch(at.text, /<form/)
  const me = async (browser: Browser) => await s.ask('/api/v1/me', { session: sessionOf(browser) ?? 'none' })

  test('lasts an hour; then the provider is asked, shows nothing, and says the role of now', async () => {
    const browser = new Browser()
    await browser.go(`${s.server.url}/api/v1/sign-in/openid`, 'ada')
    assert.equal(((await me(browser)).json as { endsAt: number }).endsAt, s.clock.now + 3_600_000)
    s.clock.now += 3_600_000 - 1000
    assert.equal((await me(browser)).status, 200)
    s.clock.now += 1000
    assert.equal((await me(browser)).status, 401)
    roles = ['desk']
    const page = await browser.go(silent(), 'nobody', noForm)
    assert.equal(ledTo(page.text), '/machines')
    assert.equal(((await me(browser)).json as { role: string }).role, 'operator')
    roles = []
    assert.equal((await browser.go(silent(), 'nobody', noForm)).status, 403)
    assert.equal((await me(browser)).status, 401, 'whoever has no role there any more has no session here')
    roles = ['owners']
  })
  test('several tabs at the same moment: each comes back, and none ends the session of another', async () => {
    const browser = new Browser()
    await browser.go(`${s.server.url}/api/v1/sign-in/openid`, 'ada')
    s.clock.now += 3_600_000
    const tabs = [await browser.get(silent()), await browser.get(silent()), await browser.get(silent())]
    const sessions: string[] = []
    for (const tab of tabs) {
      assert.equal(ledTo((await browser.go(tab.location!, 'nobody', noForm)).text), '/machines')
      sessions.push(sessionOf(browser)!)
    }
    assert.equal(new Set(sessions).size, 3)
    for (const session of sessions) assert.equal((await s.ask('/api/v1/me', { session })).status, 200)
    assert.deepEqual([...browser.jar(s.server.url).keys()], ['slmctl'], 'and nothing of the tries is left')
  })
  test('no browser is shut out by what it keeps of its tries: not by many tabs, and not by a page that leads here again and again', async () => {
    const browser = new Browser()
    await browser.go(`${s.server.url}/api/v1/sign-in/openid`, 'ada')
    s.clock.now += 3_600_000
    const kept = () => [...browser.jar(s.server.url)].map(([name, { value }]) => `${name}=${value}`).join('; ').length
    const tabs: Page[] = []
    for (let i = 0; i < 30; i++) tabs.push(await browser.get(silent()))
    assert.ok(kept() < 5000, `${kept()} bytes`)
    for (const tab of tabs) assert.equal(ledTo((await browser.go(tab.location!, 'nobody', noForm)).text), '/machines')
    const long = `${s.server.url}/api/v1/sign-in/openid?to=/machines?text=${'a'.repeat(1980)}`
    for (let i = 0; i < 12; i++) {
      assert.equal((await browser.get(long)).status, 302)
      // What nginx takes in one header.
      assert.ok(kept() < 8192 - 'cookie: '.length, `${kept()} bytes`)
    }
    assert.equal(ledTo((await browser.go(silent(), 'nobody', noForm)).text), '/machines')
  })
  test('where the provider would have to ask, the way leads to the sign-in page, and back from there', async () => {
    const browser = new Browser()
    const page = await browser.go(silent(), 'nobody', noForm)
    assert.equal(page.status, 401)
    assert.equal(ledTo(page.text), '/sign-in?to=%2Fmachines')
    assert.equal(sessionOf(browser), undefined)
    assert.equal(
      [...browser.jar(s.server.url).keys()].some((name) => name.includes('openid')),
      false,
    )
    const [last] = (await s.store.trail({ what: 'GET /api/v1/sign-in/openid/callback' }, { limit: 1, after: null })).rows
    assert.deepEqual([last!.who, last!.result], ['-', 'refused'], 'bounded, as anybody can come so far')
  })
  test('signing out says where to sign out at the provider, too; there it is asked, and then nobody comes in silently', async () => {
    const browser = new Browser()
    await browser.go(`${s.server.url}/api/v1/sign-in/openid`, 'ada')
    const out = await s.ask('/api/v1/sign-out', { method: 'POST', session: sessionOf(browser)! })
    const { provider } = out.json as { provider: { label: string; url: string } }
    assert.equal(provider.label, 'Example')
    assert.equal(new URL(provider.url).origin, at.url)
    assert.equal((await me(browser)).status, 401)
    assert.equal((await browser.go(silent(), 'nobody', noForm)).status, 200, 'as long as that was not done, one is in again without a word')
    const asked = await browser.get(provider.url)
    const [, xsrf] = /name="xsrf" value="([^"]+)"/.exec(asked.text)!
    const [, action] = /<form[^>]* action="([^"]+)"/.exec(asked.text)!
    await browser.get(new URL(action!, at.url).href, { xsrf: xsrf!, logout: 'yes' }, at.url)
    assert.equal((await browser.go(silent(), 'nobody', noForm)).status, 401)
  })
  test('who came in otherwise is sent nowhere', async () => {
    const out = await s.ask('/api/v1/sign-out', { method: 'POST', session: await s.session(await s.person('viewer')) })
    assert.deepEqual(out.json, { provider: null })
  })
  test('tokens of somebody who does not sign in at the provider rest after 45 days, and hold again when they do', async () => {
    const browser = new Browser()
    await browser.go(`${s.server.url}/api/v1/sign-in/openid`, 'ada')
    const account = (await s.store.accounts()).find((a) => a.name === 'ada@corp.example')!
    const { value: token } = await s.token(account.id, 'read', 365)
    const { value: other } = await s.token(await s.person('viewer', 'program'), 'read', 365)
    const began = s.clock.now
    s.clock.now = began + 45 * 86_400_000 - 1000
    assert.equal((await s.ask('/api/v1/me', { token })).status, 200)
    s.clock.now = began + 45 * 86_400_000
    for (const path of ['/api/v1/me', '/metrics']) {
      const said = await s.ask(path, { token })
      assert.equal(said.status, 401, path)
      const { code, title } = said.json as { code: string; title: string }
      assert.equal(code, 'TOKEN_OWNER_AWAY')
      assert.match(title, /ada@corp\.example has not signed in for 45 days/)
    }
    assert.ok((await s.store.trail({}, { limit: 5, after: null })).rows.some((r) => r.result === 'refused' && r.what === 'GET /api/v1/me'))
    assert.equal((await s.ask('/api/v1/me', { token: other })).status, 200, 'an account of slmctl is not asked of a provider')
    await browser.go(`${s.server.url}/api/v1/sign-in/openid`, 'ada')
    assert.equal((await s.ask('/api/v1/me', { token })).status, 200)
    const never = await stage({ openid: { ...settings(at.url), dormantDays: null } })
    const old = await never.store.saveAccount({
      name: 'x',
      kind: 'openid',
      subject: 's',
      role: 'viewer',
      secret: null,
      at: never.clock.now,
    })
    const kept = await never.token(old.id, 'read', 365)
    never.clock.now += 300 * 86_400_000
    assert.equal((await never.ask('/api/v1/me', { token: kept.value })).status, 200)
    await never.close()
  })
})

describe('AD FS, as its metadata and its answers are', () => {
  test('form_post, the resource and the scope for its claims; its userinfo endpoint, which would refuse, is not asked', async () => {
    const at = await listening()
    const more = {
      ...{ userinfo_endpoint: `${at.url}/userinfo`, scopes_supported: ['allatclaims', 'email', 'profile', 'openid'] },
      response_modes_supported: ['query', 'fragment', 'form_post'],
    }
    const provider = lying(at, more)
    const s = await stage({ openid: { ...settings(at.url), responseMode: 'form_post', resource: 'urn:slmctl' } })
    const begun = await s.ask('/api/v1/sign-in/openid')
    const { searchParams: q } = new URL(String(begun.headers.location))
    assert.deepEqual(
      [q.get('response_mode'), q.get('resource'), q.get('scope')],
      ['form_post', 'urn:slmctl', 'openid profile email allatclaims'],
    )
    provider.nonce = q.get('nonce')!
    provider.faults = { claims: { preferred_username: undefined, upn: 'ada@corp.example' } }
    const cookie = String((begun.headers['set-cookie'] as string[])[0]).split(';')[0]!
    const callback = `/api/v1/sign-in/openid/callback`
    const form = { method: 'POST', raw: `code=c&state=${q.get('state')}`, headers: { 'content-type': 'application/x-www-form-urlencoded' } }
    const led = plain(ledTo((await s.ask(callback, form)).text)!)
    assert.equal((await s.ask(led, { headers: { cookie }, origin: null })).status, 200)
    assert.ok(!provider.asked.includes('/userinfo'))
    // Others are asked for neither.
    const usual = await stage({ openid: settings(at.url) })
    const { searchParams: u } = new URL(String((await usual.ask('/api/v1/sign-in/openid')).headers.location))
    assert.deepEqual([u.get('response_mode'), u.get('resource'), u.get('scope')], [null, null, 'openid profile email'])
    await usual.close()
    await s.close()
    await at.close()
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
  const back = async (
    faults: typeof provider.faults,
    change: (query: URLSearchParams) => void = () => {},
    words = '',
    to: Stage = s,
  ): Promise<Said> => {
    const begun = await s.ask(`/api/v1/sign-in/openid${words}`)
    const there = new URL(String(begun.headers.location)).searchParams
    provider.nonce = there.get('nonce')!
    provider.faults = faults
    const query = new URLSearchParams({ code: 'c', state: there.get('state')! })
    change(query)
    const cookie = String((begun.headers['set-cookie'] as string[])[0]).split(';')[0]!
    return await to.ask(`/api/v1/sign-in/openid/callback?${query}`, { headers: { cookie }, origin: null })
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
  test('what the provider itself calls the fault is in the log', async () => {
    await back({ token: 400 })
    assert.match(s.log.at(-1)!, /OpenID Connect refused: .*invalid_client; AADSTS7000215: Invalid client secret/)
  })
  test('what the provider would have to ask is a way to the sign-in page for a silent try of this browser alone', async () => {
    const asks = (q: URLSearchParams) => {
      q.delete('code')
      q.set('error', 'login_required')
    }
    assert.equal((await back({}, asks)).status, 403, 'it was not silent')
    const silent = await back({}, asks, '?silent=true')
    assert.deepEqual([silent.status, ledTo(silent.text)], [401, '/sign-in?to=%2F'])
    const forged = await back(
      {},
      (q) => {
        asks(q)
        q.set('state', 'x'.repeat(43))
      },
      '?silent=true',
    )
    assert.equal(forged.status, 403)
    assert.equal((await s.ask('/api/v1/sign-in/openid?silent=1')).status, 400)
  })
  test('another server of this site file can end a try, one with another secret cannot', async () => {
    const second = await stage({ openid: settings(at.url), url: s.server.url })
    assert.equal((await back({}, () => {}, '', second)).status, 200)
    const otherSecret = join(tmpdir(), `slmctl-openid-other-${process.pid}.secret`)
    writeFileSync(otherSecret, 'another\n', { mode: 0o600 })
    const stranger = await stage({ openid: { ...settings(at.url), clientSecret: { file: otherSecret } }, url: s.server.url })
    assert.equal((await back({}, () => {}, '', stranger)).status, 403)
    await second.close()
    await stranger.close()
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
  test('where it says to sign out is an address, or nothing', async () => {
    for (const [end, told] of [
      ['https://login.example/out', 'https://login.example/out?client_id=slmctl'],
      ['javascript:alert(1)', null],
      [undefined, null],
    ] as const) {
      const other = await listening()
      lying(other, { end_session_endpoint: end })
      const at = await stage({ openid: settings(other.url) })
      const account = await at.person('viewer')
      const { value, hash } = newProof()
      await at.store.saveSession({ hash, account, createdAt: at.clock.now, endsAt: at.clock.now + 1e6, by: 'openid' })
      const out = await at.ask('/api/v1/sign-out', { method: 'POST', session: value })
      assert.deepEqual(out.json, { provider: told && { label: 'Example', url: told } })
      await at.close()
      await other.close()
    }
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

test('a provider inside the house: its authority is believed where this computer believes it', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-openid-'))
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=own -addext subjectAltName=IP:127.0.0.1'
  execFileSync('openssl', [...words.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const provider = createServer({ cert: readFileSync(cert), key: readFileSync(key) })
  await new Promise<void>((done) => provider.listen(0, '127.0.0.1', done))
  const issuer = `https://127.0.0.1:${(provider.address() as AddressInfo).port}`
  provider.on('request', (_, answer) => answer.end(JSON.stringify({ issuer, authorization_endpoint: `${issuer}/auth` })))
  const site = join(folder, 'slmctl.yaml')
  writeFileSync(
    site,
    `domains: [corp.example]\nnetworks: [10.0.0.0/8]\nserver:\n  check-hosts: null\n  sign-in: {openid: {issuer: "${issuer}", client-id: x, client-secret: {file: ${secretFile}}, roles: {viewer: [a]}}}\n`,
  )
  const begun = async (env: Record<string, string>) => {
    const argv = ['serve', '--store', join(folder, 'fleet.db'), '--site', site, '--listen', '127.0.0.1:0', '--json', '--no-work']
    const child = spawn(process.execPath, ['bin/slmctl.cjs', ...argv], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    try {
      let [out, err] = ['', '']
      child.stderr.on('data', (part) => {
        err += part
      })
      await new Promise<void>((said, ended) => {
        child.stdout.on('data', (part) => {
          out += part
          if (out.includes('\n')) said()
        })
        child.once('exit', () => ended(new Error(err)))
      })
      const { status } = await fetch(`${(JSON.parse(out) as { url: string }).url}/api/v1/sign-in/openid`, { redirect: 'manual' })
      // The log comes by another way than the answer.
      while (status !== 302 && !err.includes('did not answer')) await new Promise((next) => setTimeout(next, 20))
      return { status, err }
    } finally {
      child.kill('SIGKILL')
    }
  }
  try {
    const refused = await begun({})
    assert.equal(refused.status, 502)
    assert.match(refused.err, /did not answer as it should: fetch failed; self-signed certificate/)
    // As after update-ca-certificates, without writing into this computer's store.
    if (process.platform === 'linux') assert.equal((await begun({ SSL_CERT_FILE: cert })).status, 302)
  } finally {
    provider.close()
    rmSync(folder, { recursive: true, force: true })
  }
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
