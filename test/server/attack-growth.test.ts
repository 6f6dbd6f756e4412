/** Nobody who may change nothing of machines makes the trail or the store grow without end. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { keysOf } from '../../src/server/idempotency.ts'
import { openPeople } from '../../src/server/people.ts'
import { trailOf } from '../../src/server/trail.ts'
import { usualSettings } from '../../src/server.ts'
import { type Stage, stage } from './stage.ts'

let on: Stage
let viewer: number
let session: string
before(async () => {
  on = await stage()
  viewer = await on.person('viewer')
  session = await on.session(viewer)
})
after(() => on.close())

const code = (said: { json: unknown }) => (said.json as { code?: string } | null)?.code
/** Lines that the trail got by something. */
async function linesOf(work: () => Promise<unknown>): Promise<number> {
  const count = async () => (await on.store.trail({}, { limit: 1000, after: null })).rows.length
  const before = await count()
  await work()
  return (await count()) - before
}

describe('what a viewer can do often', () => {
  test('views are not in the trail, and there are a hundred at most', async () => {
    const save = (name: string) => on.ask(`/api/v1/me/views/${name}`, { method: 'PUT', session, body: { query: 'x' } })
    const lines = await linesOf(async () => {
      for (let n = 0; n < 100; n++) assert.equal((await save(`view-${n}`)).status, 200)
      assert.equal(code(await save('one-more')), 'VIEWS_TOO_MANY')
      assert.equal((await save('view-0')).status, 200, 'one that is there may be changed')
      assert.equal((await on.ask('/api/v1/me/views/view-0', { method: 'DELETE', session })).status, 204)
    })
    assert.equal(lines, 0)
    const { rows } = (await on.ask('/api/v1/me/views', { session })).json as { rows: unknown[] }
    assert.equal(rows.length, 99)
    // A page of somebody else cannot save one, and that is told.
    const forged = { method: 'PUT', session, body: { query: 'x' }, origin: 'https://evil.example' }
    assert.equal(await linesOf(async () => assert.equal(code(await on.ask('/api/v1/me/views/f', forged)), 'FORGED_REQUEST')), 1)
  })

  test('tokens are a hundred a day, and one is revoked once', async () => {
    const make = () => on.ask('/api/v1/me/tokens', { session, body: { name: 't', scope: 'read', days: 1 } })
    for (let n = 0; n < 100; n++) {
      const { id } = (await make()).json as { id: number }
      assert.equal((await on.ask(`/api/v1/me/tokens/${id}`, { method: 'DELETE', session })).status, 204)
      if (n === 0) assert.equal(code(await on.ask(`/api/v1/me/tokens/${id}`, { method: 'DELETE', session })), 'TOKEN_UNKNOWN')
    }
    assert.equal(code(await make()), 'TOKENS_TOO_MANY')
    on.clock.now += 25 * 3_600_000
    session = await on.session(viewer)
    assert.equal((await make()).status, 201)
  })

  test('what is refused of one account is told twenty times a minute; strangers take none of it', async () => {
    on.clock.now += 60_000
    const lines = await linesOf(async () => {
      for (let n = 0; n < 30; n++) await on.ask('/api/v1/me/tokens/424242', { method: 'DELETE', session })
    })
    assert.equal(lines, 20)
    const told: string[] = []
    const store = { appendTrail: async ({ who }: { who: string }) => void told.push(who) }
    const trail = trailOf(
      store as never,
      () => 0,
      () => {},
    )
    const entry = { by: 'nobody', what: 'x', about: '', result: 'refused', detail: null } as const
    for (let n = 0; n < 1000; n++) await trail.refused({ ...entry, who: '-', from: `10.0.${n % 250}.9` }, null)
    assert.equal(told.length, 200)
    await trail.refused({ ...entry, who: 'maria', from: '10.0.0.9' }, 7)
    assert.equal(told.at(-1), 'maria')
  })

  test('an account sends a thousand Idempotency-Keys an hour', async () => {
    let now = 0
    const keys = keysOf({ claimKey: async () => ({ state: 'new' }), finishKey: async () => {} } as never, () => now)
    const send = (account: number) =>
      keys.once(
        { key: 'k', account, request: [] },
        async () => ({ status: 200, type: 'x', body: '' }),
        (done) => done,
      )
    for (let n = 0; n < 1000; n++) await send(1)
    await assert.rejects(send(1), /more than 1000 changes/)
    await send(2)
    now += 3_600_000
    await send(1)
  })
})

describe('what a stranger can do often', () => {
  test('signing out without a session is no line of the trail', async () => {
    assert.equal(
      await linesOf(async () => {
        for (let n = 0; n < 5; n++) assert.ok((await on.ask('/api/v1/sign-out', { method: 'POST' })).status < 300)
      }),
      0,
    )
    assert.equal(await linesOf(() => on.ask('/api/v1/sign-out', { method: 'POST', session })), 1)
  })

  test('of sign-ins that fail twenty a minute are told', async () => {
    on.clock.now += 60_000
    const lines = await linesOf(async () => {
      for (let n = 0; n < 30; n++) await on.ask('/api/v1/sign-in/link', { body: { token: `wrong-${n}` } })
    })
    assert.equal(lines, 20)
  })

  test('one account signs in a hundred times, then it waits between', async () => {
    let now = on.clock.now
    const people = openPeople({
      ...{ store: on.store, settings: usualSettings },
      ...{ site: { organisation: null, lab: false }, link: false, clock: () => now, log: () => {} },
      secret: async () => '',
    })
    const visit = { session: null, secure: false, origin: 'http://127.0.0.1', address: '/', cookie: () => null, cookies: undefined }
    const enter = (subject: string) => people.byOpenId({ subject, name: subject, role: 'viewer' }, visit)
    for (let n = 0; n < 100; n++) await enter('kim')
    await assert.rejects(enter('kim'), /wait 1 s/)
    await enter('maria')
    now += 1000
    await enter('kim')
    await assert.rejects(enter('kim'), /wait 2 s/)
  })
})
