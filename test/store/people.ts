/** What the store keeps for the server: accounts, sessions, tokens, links, the trail, saved filters, keys of requests, alerts. */
import assert from 'node:assert/strict'
import { openStore, type Place, type Store } from '../../src/store.ts'
import { day, noon } from './fixture.ts'

type On = (what: string, f: (store: Store, place: Place) => Promise<void>) => unknown
type Run = (place: Place, sql: string) => Promise<readonly Record<string, unknown>[]>

const code = (wanted: string) => (error: unknown) => {
  assert.equal((error as { problems?: { code: string }[] }).problems?.[0]?.code, wanted, String(error))
  return true
}
const local = (name: string) => ({ name, kind: 'local', subject: null, role: 'viewer', secret: 's1', at: noon }) as const
const line = {
  at: noon,
  who: 'ann',
  by: 'local',
  from: '10.0.0.1',
  what: 'campaigns.new',
  about: '7',
  result: 'done',
  detail: null,
} as const
const hostile = ['a\0b', '\ud800', 'x'.repeat(10_000), "'; drop table trail; --", '']

export function people(on: On, run: Run): void {
  on('an account is one by kind and name, or by its subject', async (store) => {
    const ann = await store.saveAccount(local('ann'))
    assert.deepEqual(ann, {
      ...{ id: ann.id, name: 'ann', kind: 'local', subject: null, role: 'viewer' },
      ...{ createdAt: noon, signedInAt: null, disabledAt: null },
    })
    const again = await store.saveAccount({ ...local('ann'), role: 'approver', secret: 's2', at: noon + 1 })
    assert.deepEqual([again.id, again.role, again.createdAt], [ann.id, 'approver', noon])
    const far = { name: 'ann', kind: 'openid', subject: 'https://idp.example|1', role: 'operator', secret: null, at: noon } as const
    const open = await store.saveAccount(far)
    const owner = await store.saveAccount({ ...local('ann'), kind: 'owner', secret: null })
    assert.equal(new Set([ann.id, open.id, owner.id]).size, 3)
    assert.equal((await store.saveAccount({ ...far, name: 'ann.smith' })).id, open.id)
    assert.equal((await store.account({ subject: far.subject }))!.name, 'ann.smith')
    assert.deepEqual([(await store.account({ name: 'ann' }))!.secret, await store.account({ name: 'ann.smith' })], ['s2', null])
    assert.deepEqual(
      (await store.accounts()).map((a) => `${a.kind} ${a.name}`),
      ['local ann', 'owner ann', 'openid ann.smith'],
    )
    // Two that would be cut to the same name would be one person.
    for (const name of hostile.filter((h) => !h.startsWith("'"))) {
      await assert.rejects(store.saveAccount(local(name)), code('ACCOUNT_NAME'))
      await assert.rejects(store.saveAccount({ ...far, subject: name }), code('ACCOUNT_NAME'))
    }
    await store.saveAccount(local(hostile[3]!))
    const many = await Promise.all(Array.from({ length: 6 }, () => store.saveAccount(local('same'))))
    assert.equal(new Set(many.map((a) => a.id)).size, 1)
  })

  on('a session ends by time, by hand, and with the role, the password or the account it stands on', async (store) => {
    const { id } = await store.saveAccount(local('ann'))
    const begin = (hash: string) => store.saveSession({ hash, account: id, createdAt: noon, endsAt: noon + day, by: 'local' })
    const is = async (hash: string, now = noon + 1) => (await store.session(hash, now)) !== null
    await begin('a')
    const session = (await store.session('a', noon + 1))!
    assert.deepEqual([session.account.name, session.by, session.createdAt, session.endsAt], ['ann', 'local', noon, noon + day])
    assert.deepEqual([await is('b'), await is('a', noon + day), await is('a', noon + day - 1)], [false, false, true])
    for (const end of [{ role: 'operator' }, { secret: 's2' }, { disabledAt: noon }] as const) {
      await begin('a')
      await begin('b')
      assert.ok(await is('a'))
      await store.setAccount(id, end)
      await store.setAccount(id, { disabledAt: null })
      assert.deepEqual([await is('a'), await is('b')], [false, false], JSON.stringify(end))
    }
    await begin('a')
    await store.setAccount(id, { signedInAt: noon })
    await store.saveAccount({ ...local('ann'), role: 'operator', secret: 's2' })
    assert.ok(await is('a'), 'nothing that counts was changed')
    await store.saveAccount({ ...local('ann'), role: 'viewer', secret: 's2' })
    assert.equal(await is('a'), false)
    await begin('a')
    await begin('b')
    await store.endSession('a')
    assert.deepEqual([await is('a'), await is('b')], [false, true])
    await store.endSessions(id)
    assert.equal(await is('b'), false)
    // Disabled behind our back: the session is there, and means nothing.
    await begin('a')
    await store.setAccount(id, { disabledAt: noon })
    await begin('a')
    assert.equal(await is('a'), false)
    await assert.rejects(store.setAccount(99, { role: 'viewer' }), code('ACCOUNT_UNKNOWN'))
  })

  on('sessions that are over are forgotten', async (store, place) => {
    const { id } = await store.saveAccount(local('ann'))
    for (const [hash, at] of [
      ['a', noon],
      ['b', noon + 2 * day],
    ] as const)
      await store.saveSession({ hash, account: id, createdAt: at, endsAt: at + day, by: 'local' })
    assert.equal(Number((await run(place, 'select count(*) as n from session'))[0]!.n), 1)
  })

  on('a token has an end, is taken back, and is worth no more than its account', async (store) => {
    const { id } = await store.saveAccount(local('ann'))
    const fresh = { account: id, name: 'ci\0', scope: 'read', createdAt: noon, endsAt: noon + day } as const
    const token = await store.saveToken({ ...fresh, hash: 'h' })
    assert.deepEqual([token.name, token.accountName, token.scope, token.usedAt, token.revokedAt], ['ci\ufffd', 'ann', 'read', null, null])
    const who = async (now = noon + 1) => (await store.token('h', now))?.account.id ?? null
    assert.deepEqual([await who(), await who(noon + day), await store.token('x', noon)], [id, null, null])
    await store.usedToken(token.id, noon + 5)
    await store.usedToken(token.id, noon + 6)
    assert.equal((await store.tokens(id))[0]!.usedAt, noon + 5, 'a second later is not worth a write')
    await store.usedToken(token.id, noon + 5 + 60_000)
    assert.equal((await store.tokens(null))[0]!.usedAt, noon + 60_005)
    await store.setAccount(id, { disabledAt: noon })
    assert.equal(await who(), null)
    await store.setAccount(id, { disabledAt: null })
    await store.revokeToken(token.id, noon + 2)
    await store.revokeToken(token.id, noon + 3)
    assert.deepEqual([await who(), (await store.tokens(id))[0]!.revokedAt], [null, noon + 2])
    assert.deepEqual(await store.tokens(id + 1), [])
  })

  on('a link works once, whoever takes it first', async (store, place) => {
    const other = await openStore(place, { create: false })
    try {
      await store.saveOnce({ hash: 'a', endsAt: noon + 1 })
      const took = await Promise.all(Array.from({ length: 8 }, (_, i) => (i % 2 ? store : other).takeOnce('a', noon)))
      assert.equal(took.filter((t) => t).length, 1)
      await store.saveOnce({ hash: 'b', endsAt: noon })
      assert.deepEqual([await store.takeOnce('b', noon), await store.takeOnce('c', noon)], [false, false])
      assert.equal(Number((await run(place, 'select count(*) as n from once'))[0]!.n), 0)
    } finally {
      await other.close()
    }
  })

  on('the trail is added to by many at once, read in pages, and keeps whatever it is told', async (store, place) => {
    const other = await openStore(place, { create: false })
    try {
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          (i % 2 ? store : other).appendTrail({
            ...line,
            at: noon + i,
            who: i % 4 ? 'ann' : 'bob',
            what: i % 5 ? 'x' : 'y',
            detail: { i },
          }),
        ),
      )
      for (const text of hostile) await store.appendTrail({ ...line, who: text, about: text, from: text, what: text, detail: { text } })
      assert.deepEqual(await store.checkTrail(), { rows: 25, broken: null })
      const ids: number[] = []
      for (let after: string | null = null; ; ) {
        const page = await other.trail({}, { limit: 7, after })
        ids.push(...page.rows.map((r) => r.id))
        after = page.next
        if (after === null) break
      }
      assert.deepEqual(
        ids,
        Array.from({ length: 25 }, (_, i) => 25 - i),
      )
      const all = { limit: 99, after: null }
      assert.equal((await store.trail({ who: 'bob' }, all)).rows.length, 5)
      assert.equal((await store.trail({ what: 'y', who: 'bob' }, all)).rows.length, 1)
      assert.equal((await store.trail({ before: noon + 10, what: 'x' }, all)).rows.length, 8)
      assert.equal((await store.trail({ who: hostile[3]! }, all)).rows[0]!.about, hostile[3])
      const [first] = (await store.trail({ before: noon + 1, who: 'bob' }, all)).rows
      assert.deepEqual({ ...first!, id: 0 }, { ...line, id: 0, who: 'bob', what: 'y', detail: { i: 0 } })
    } finally {
      await other.close()
    }
  })

  on('the trail cannot be changed; who gets round that is found out', async (store, place) => {
    for (let i = 0; i < 5; i++) await store.appendTrail({ ...line, about: `${i}` })
    for (const statement of ["update trail set who = 'eve'", 'delete from trail', 'delete from trail where id = 5'])
      await assert.rejects(run(place, statement), /rows are only added/)
    assert.deepEqual(await store.checkTrail(), { rows: 5, broken: null })
    if (store.kind === 'postgres') await assert.rejects(run(place, 'truncate trail'), /rows are only added/)
    await (store.kind === 'sqlite'
      ? Promise.all(['update', 'delete'].map((what) => run(place, `drop trigger trail_${what}`)))
      : run(place, 'drop trigger trail_kept on trail'))
    const columns = 'at, who, way, address, what, about, result, detail, previous'
    await run(place, `create table was as select * from trail; `.trim().replace(/;$/, ''))
    const again = async () => {
      await run(place, 'delete from trail')
      await run(place, `insert into trail (id, ${columns}) select id, ${columns} from was order by id`)
      assert.deepEqual(await store.checkTrail(), { rows: 5, broken: null })
    }
    for (const [what, broken] of [
      ["update trail set who = 'eve' where id = 2", 2],
      ["update trail set detail = '1' where id = 5", 5],
      ['update trail set at = at + 1 where id = 1', 1],
      ['delete from trail where id = 1', 1],
      ['delete from trail where id = 3', 3],
      ['delete from trail where id = 5', 5],
      ['delete from trail', 1],
    ] as const) {
      await run(place, what)
      assert.equal((await store.checkTrail()).broken, broken, what)
      await again()
    }
    // Two changed places, with all that they are but their numbers.
    for (const [id, to] of [
      [2, 12],
      [3, 2],
      [12, 3],
    ])
      await run(place, `update trail set id = ${to} where id = ${id}`)
    assert.ok((await store.checkTrail()).broken! <= 3)
    await again()
    // One that was put in.
    await run(place, `insert into trail (id, ${columns}) select 6, ${columns} from was where id = 5`)
    assert.ok((await store.checkTrail()).broken! >= 5)
    await run(place, 'delete from trail where id >= 5')
    // What is added afterwards does not hide it.
    await store.appendTrail(line)
    assert.equal((await store.checkTrail()).broken, 5)
  })

  on('saved filters are an account’s own', async (store) => {
    const [ann, bob] = [(await store.saveAccount(local('ann'))).id, (await store.saveAccount(local('bob'))).id]
    await store.saveView({ account: ann, name: 'late', query: 'verdict=action', at: noon })
    await store.saveView({ account: ann, name: 'late', query: 'verdict=ok', at: noon + 1 })
    await store.saveView({ account: bob, name: 'late', query: 'x', at: noon })
    for (const name of hostile.slice(0, 4)) await store.saveView({ account: bob, name, query: name, at: noon })
    assert.deepEqual(await store.views(ann), [{ name: 'late', query: 'verdict=ok', savedAt: noon + 1 }])
    assert.equal((await store.views(bob)).length, 5)
    for (const name of hostile.slice(0, 4)) await store.deleteView(bob, name)
    await store.deleteView(bob, 'none')
    assert.deepEqual(
      (await store.views(bob)).map((v) => v.query),
      ['x'],
    )
  })

  on('a request with a key is done once', async (store, place) => {
    const account = (await store.saveAccount(local('ann'))).id
    const bob = (await store.saveAccount(local('bob'))).id
    const other = await openStore(place, { create: false })
    try {
      const claim = (key: string, request = 'r', who = account, s: Store = store) => s.claimKey({ key, account: who, request, at: noon })
      const states = await Promise.all(Array.from({ length: 8 }, (_, i) => claim('k', 'r', account, i % 2 ? store : other)))
      assert.deepEqual(states.map((s) => s.state).sort(), ['new', ...Array.from({ length: 7 }, () => 'running')])
      assert.deepEqual([(await claim('k', 'else')).state, (await claim('k', 'r', bob)).state], ['other', 'new'])
      await store.finishKey({ key: 'k', account, status: 201, body: '{"id":1}', at: noon })
      assert.deepEqual(await claim('k'), { state: 'done', status: 201, body: '{"id":1}' })
      assert.equal((await claim('k', 'else')).state, 'other')
      await store.forgetKey({ key: 'k', account: bob })
      assert.equal((await claim('k', 'r', bob)).state, 'new')
      await store.forgetKeys(noon + 1)
      assert.equal((await claim('k')).state, 'new')
      for (const key of hostile.slice(0, 4)) assert.deepEqual([(await claim(key)).state, (await claim(key)).state], ['new', 'running'])
    } finally {
      await other.close()
    }
  })

  on('alerts are changed by what is there, by one at a time: of many who want to claim one, one has it', async (store, place) => {
    const others = await Promise.all([1, 2].map(() => openStore(place, { create: false })))
    const kept = { key: 'a', rule: 'foreign', fingerprint: 'f', since: noon, sentAt: null, body: '0' }
    try {
      await store.keepAlerts({ put: [kept], drop: [] })
      const claim = (who: string) => (rows: readonly (typeof kept)[]) => ({
        put: rows.filter((r) => r.body === '0').map((r) => ({ ...r, body: who })),
        drop: [],
      })
      const claims = await Promise.all(
        Array.from({ length: 12 }, (_, i) => [store, ...others][i % 3]!.changeAlerts((rows) => claim(`w${i}`)(rows as (typeof kept)[]))),
      )
      assert.equal(claims.filter((c) => c.put.length > 0).length, 1)
      assert.deepEqual(
        (await store.alertsKept()).map((r) => r.body),
        claims.flatMap((c) => c.put.map((r) => r.body)),
      )
      await assert.rejects(
        store.changeAlerts(() => {
          throw new Error('no')
        }),
      )
      assert.equal((await store.alertsKept()).length, 1)
    } finally {
      for (const other of others) await other.close()
    }
  })

  on('alerts are put, replaced and dropped together', async (store) => {
    const alert = (key: string, more = {}) => ({ key, rule: 'days', fingerprint: 'f', since: noon, sentAt: null, body: '{}', ...more })
    await store.keepAlerts({ put: [alert('a'), alert('b'), alert('c')], drop: [] })
    await store.keepAlerts({ put: [alert('b', { sentAt: noon, fingerprint: 'g' })], drop: ['a', 'none'] })
    assert.deepEqual(await store.alertsKept(), [alert('b', { sentAt: noon, fingerprint: 'g' }), alert('c')])
    await store.keepAlerts({ put: hostile.map((key) => alert(key)), drop: ['b', 'c'] })
    assert.equal((await store.alertsKept()).length, 5)
    await store.keepAlerts({ put: [], drop: hostile })
    assert.deepEqual(await store.alertsKept(), [])
  })
}
