/** What a change of an account ends: its sessions, the pages that listen, its tokens; and that campaigns which it began go on. By the commands. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ran } from '../support/ran.ts'
import { type Stage, stage } from './stage.ts'

let s: Stage
before(async () => {
  s = await stage()
  writeFileSync(join(s.directory, 'password'), 'correct horse battery\n', { mode: 0o600 })
})
after(() => s.close())

const slmctl = async (...words: string[]) => {
  const said = await ran([...words, '--store', join(s.directory, 'fleet.db'), '--site', join(s.directory, 'slmctl.yaml')])
  assert.equal(said.code, 0, said.err)
  return said.out
}
const addAccount = async (name: string, role: string) => {
  await slmctl('accounts', 'add', name, '--role', role, '--password-file', join(s.directory, 'password'))
  return (await s.store.account({ name }))!.id
}
/** Somebody who listens: what they heard, and when the line ends. */
function listen(headers: Record<string, string>): Promise<{ readonly heard: () => string; readonly ended: Promise<void> }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(s.server.url)
    const sent = request({ hostname, port, path: '/api/v1/events', headers, agent: false }, (answer) => {
      let text = ''
      answer.on('data', (part: Buffer) => {
        text += part
      })
      answer.on('error', () => {})
      resolve({ heard: () => text, ended: new Promise((done) => answer.on('close', () => done())) })
    })
    sent.on('error', reject)
    sent.end()
  })
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const cookie = (session: string) => ({ cookie: `slmctl=${session}` })
let scans = 0
/** Begins a scan, which all who listen hear of. */
const scan = async (token: string) => {
  const list = { source: `list:${++scans}`, kind: 'list', text: `pc-${scans}.corp.example`, dryRun: false }
  assert.equal((await s.ask('/api/v1/fleet/imports', { token, body: list })).status, 200)
  const said = await s.ask('/api/v1/campaigns/scan', { token, body: {} })
  assert.equal(said.status, 201, said.text)
  return (said.json as { campaign: { id: number } }).campaign.id
}

const changes: Record<string, readonly [words: readonly string[], tokens: 'stop' | 'lower' | 'stay']> = {
  'it is disabled': [['disable'], 'stop'],
  'its role is another': [['role', '--role', 'viewer'], 'lower'],
  'its password is another': [['password', '--password-file', 'password'], 'stay'],
}
for (const [what, [[verb, ...flags], tokens]] of Object.entries(changes))
  describe(what, () => {
    const name = `maria-${verb}`
    test('sessions end, those who listen by one hear nothing more, tokens do what they then may, campaigns go on', async () => {
      const account = await addAccount(name, 'approver')
      const [session, other] = [await s.session(account), await s.session(account)]
      const { value: token } = await s.token(account, 'apply')
      const { value: reads } = await s.token(account, 'read')
      const { value: watcher } = await s.token(await s.person('operator', `watch-${verb}`), 'operate')
      const begun = await scan(token)
      const [bySession, byToken, control] = [await listen(cookie(session)), await listen(bearer(reads)), await listen(bearer(watcher))]

      await slmctl('accounts', verb!, name, ...flags.map((f) => (f === 'password' ? join(s.directory, f) : f)))
      for (const one of [session, other]) assert.equal((await s.ask('/api/v1/me', { session: one })).status, 401)
      const may = { stop: 401, lower: 403, stay: 200 }[tokens]
      assert.equal((await s.ask('/api/v1/trail', { token })).status, may)
      assert.equal((await s.ask('/api/v1/me', { token: reads })).status, tokens === 'stop' ? 401 : 200)
      if (tokens === 'lower') assert.equal(((await s.ask('/api/v1/me', { token })).json as { role: string }).role, 'viewer')

      s.clock.now += 31_000
      const later = await scan(watcher)
      await bySession.ended
      assert.doesNotMatch(bySession.heard(), new RegExp(`"id":${later}\\b`))
      const hears = async (line: typeof control) => {
        for (const until = Date.now() + 30_000; !line.heard().includes(`"id":${later}`); await new Promise((next) => setTimeout(next, 20)))
          assert.ok(Date.now() < until, line.heard())
      }
      await hears(control)
      if (tokens === 'stop') {
        await byToken.ended
        assert.doesNotMatch(byToken.heard(), new RegExp(`"id":${later}\\b`))
      } else await hears(byToken)

      const [campaign] = (await s.store.campaigns({ limit: 10 })).filter((c) => c.id === begun)
      assert.equal(campaign!.state, 'running', 'it was begun by somebody who might')
      const rows = (await s.store.trail({ who: name }, { limit: 5, after: null })).rows
      assert.ok(
        rows.some((r) => r.what === 'POST /api/v1/campaigns/scan' && r.about.includes(String(begun))),
        'and the trail says who',
      )
      assert.equal(
        (await s.ask(`/api/v1/campaigns/${begun}/stop`, { method: 'POST', token: watcher })).status,
        200,
        'anybody who may stops it',
      )
    })
  })

test('enabled again: the tokens that were not revoked hold again, the sessions do not', async () => {
  const account = await addAccount('kim', 'operator')
  const session = await s.session(account)
  const [kept, revoked] = [await s.token(account, 'read'), await s.token(account, 'read')]
  await slmctl('tokens', 'revoke', String(revoked.id))
  await slmctl('accounts', 'disable', 'kim')
  await slmctl('accounts', 'enable', 'kim')
  assert.equal((await s.ask('/api/v1/me', { token: kept.value })).status, 200)
  assert.equal((await s.ask('/api/v1/me', { token: revoked.value })).status, 401)
  assert.equal((await s.ask('/api/v1/me', { session })).status, 401)
})
