/** Who may take which route: made from the list of routes, so that a new one is tested, and one without a rule fails. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Role } from '../../src/model.ts'
import { allRoutes, type Route, type Scope } from '../../src/server.ts'
import { type Ask, type Stage, stage } from './stage.ts'

const ranks: Readonly<Record<Role, number>> = { viewer: 1, operator: 2, approver: 3 }
const worth: Readonly<Record<Scope, number>> = { metrics: 0, read: 1, operate: 2, apply: 3 }
const roles = ['viewer', 'operator', 'approver'] as const
const scopes = ['metrics', 'read', 'operate', 'apply'] as const

/** What a route needs: 0 nobody, then by rank. */
const needs = ({ access }: Route) => (access === 'open' ? 0 : access === 'diagnose' ? 1 : ranks[access])
/** An address that fits the route, with values that mean nothing. */
const address = ({ path }: Route) => path.replaceAll(/\{\w+\}/g, '999999')
/** What is let in is stopped by what it says: a field that nothing knows. */
const wrong = { 'no-such-field': true }

let s: Stage
const accounts = {} as Record<Role, number>
before(async () => {
  s = await stage()
  for (const role of roles) accounts[role] = await s.person(role)
})
after(() => s.close())

const take = async (route: Route, who: Pick<Ask, 'session' | 'token'>) => {
  const body = route.method === 'GET' || route.method === 'DELETE' ? {} : { body: wrong }
  return await s.ask(`${address(route)}${route.method === 'GET' ? '?no-such-word=1' : ''}`, { method: route.method, ...body, ...who })
}
/** Let in: whatever comes then is no matter of rights. */
const letIn = (status: number, what: string) => assert.ok(status !== 401 && status !== 403 && status < 500, `${what}: ${status}`)

test('every route has a rule, and there are routes', () => {
  assert.ok(allRoutes.length > 20)
  for (const route of allRoutes) {
    assert.ok(['open', 'diagnose', ...roles].includes(route.access), `${route.method} ${route.path}`)
    // What changes something is never for nobody, but for signing in and out.
    if (route.changes && route.access === 'open') assert.match(route.path, /^\/api\/v1\/sign-(?:in|out)\b/)
    if (route.method !== 'GET' && !route.changes) assert.ok(route.access !== 'open', `${route.path} takes a body from nobody`)
  }
  const names = allRoutes.map((r) => `${r.method} ${r.path}`)
  assert.equal(new Set(names).size, names.length)
})

describe('each route, by who asks', () => {
  for (const route of allRoutes) {
    test(`${route.method} ${route.path} (${route.access})`, async () => {
      const nobody = await take(route, {})
      if (needs(route) === 0) letIn(nobody.status, 'nobody')
      else {
        assert.equal(nobody.status, 401, 'nobody')
        assert.match(String(nobody.headers['www-authenticate']), /^Bearer/)
        assert.match(String(nobody.headers['content-type']), /^application\/problem\+json/)
      }
      for (const role of roles) {
        const said = await take(route, { session: await s.session(accounts[role]) })
        if (ranks[role] >= needs(route)) letIn(said.status, role)
        else {
          assert.equal(said.status, 403, role)
          assert.equal((said.json as { code: string }).code, 'NO_RIGHT')
        }
      }
      for (const scope of scopes) {
        // Of an approver the scope decides; of a viewer the role does.
        const of = await s.token(accounts.approver, scope)
        const said = await take(route, { token: of.value })
        if (worth[scope] >= needs(route)) {
          // A token makes and revokes no tokens, whatever its scope.
          if (/\/me\/tokens\/\{id\}$/.test(route.path)) assert.equal((said.json as { code: string }).code, 'TOKEN_MAY_NOT')
          else letIn(said.status, `token ${scope}`)
        } else assert.equal(said.status, 403, `token ${scope}`)
        const lesser = await take(route, { token: (await s.token(accounts.viewer, scope)).value })
        if (Math.min(worth[scope], 1) < needs(route)) assert.equal(lesser.status, 403, `viewer’s token ${scope}`)
      }
      const revoked = await s.token(accounts.approver, 'apply')
      await s.store.revokeToken(revoked.id, s.clock.now)
      const expired = await s.token(accounts.approver, 'apply', -1)
      for (const token of [
        revoked.value,
        expired.value,
        'slmctl_nonsense',
        `slmctl_${'A'.repeat(43)}`,
        "slmctl_' or 1=1 --",
        'x'.repeat(5000),
      ])
        assert.equal((await take(route, { token })).status, 401, `token ${token.slice(0, 20)}`)
      // No way back to the cookie: who shows a token that is none is refused, whatever else is shown.
      const both = await take(route, { session: await s.session(accounts.approver), token: expired.value })
      assert.equal(both.status, 401, 'an expired token beside a session')
      const over = await take(route, { session: await s.session(accounts.approver, -1) })
      if (needs(route) > 0) assert.equal(over.status, 401, 'an expired session')
    })
  }
})

describe('forged requests', () => {
  for (const route of allRoutes.filter((r) => r.changes && r.method !== 'GET')) {
    test(`${route.method} ${route.path}`, async () => {
      const session = await s.session(accounts.approver)
      const forged = async (ask: Ask) => {
        const said = await s.ask(address(route), { method: route.method, body: wrong, session, ...ask })
        assert.equal((said.json as { code?: string })?.code, 'FORGED_REQUEST', JSON.stringify(ask))
        assert.equal(said.status, 403)
      }
      await forged({ origin: 'https://evil.example' })
      await forged({ origin: 'null' })
      await forged({ origin: null })
      await forged({ origin: `${s.server.url}.evil.example` })
      await forged({ origin: null, headers: { 'sec-fetch-site': 'cross-site' } })
      await forged({ origin: null, headers: { 'sec-fetch-site': 'same-site' } })
      await forged({ origin: 'https://evil.example', headers: { 'sec-fetch-site': 'same-origin' } })
      const own = await s.ask(address(route), {
        ...{ method: route.method, session, origin: null, headers: { 'sec-fetch-site': 'same-origin' } },
        ...(route.method === 'DELETE' ? {} : { body: wrong }),
      })
      letIn(own.status, 'a page of ours, as the browser says')
      // What a form can send is no JSON.
      const fresh = await s.session(accounts.approver)
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
        assert.equal(
          (await s.ask(address(route), { method: route.method, raw: '{"a":1}', headers: { 'content-type': type }, session: fresh })).status,
          415,
          type,
        )
      assert.equal((await s.ask(address(route), { method: route.method, raw: '{"a":1}', session: fresh })).status, 415, 'no type')
    })
  }
})

test('a role that was taken away holds at the next request; a disabled account has neither session nor token', async () => {
  const account = await s.person('approver', 'changing')
  const token = await s.token(account, 'apply')
  assert.equal((await s.ask('/api/v1/trail', { token: token.value })).status, 200)
  await s.store.setAccount(account, { role: 'viewer' })
  assert.equal((await s.ask('/api/v1/trail', { token: token.value })).status, 403)
  const session = await s.session(account)
  assert.equal((await s.ask('/api/v1/me', { session })).status, 200)
  await s.store.setAccount(account, { disabledAt: s.clock.now })
  assert.equal((await s.ask('/api/v1/me', { session })).status, 401)
  assert.equal((await s.ask('/api/v1/me', { token: token.value })).status, 401)
})

test('/metrics: a token for it, a viewer, nobody else; and the token for nothing else', async () => {
  const token = await s.token(accounts.viewer, 'metrics')
  const said = await s.ask('/metrics', { token: token.value })
  assert.equal(said.status, 200)
  assert.match(said.text, /^# HELP slmctl_machines_listed /m)
  assert.equal((await s.ask('/metrics')).status, 401)
  assert.equal((await s.ask('/metrics', { session: await s.session(accounts.viewer) })).status, 200)
  const open = await stage({ openMetrics: true })
  assert.equal((await open.ask('/metrics')).status, 200)
  await open.close()
})
