/** What a store promises, whatever keeps it: the same tests for SQLite and PostgreSQL. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { FoundMachine, MachinePlan, Origin, Step } from '../../src/model.ts'
import { type Filter, type Held, openStore, type Place, restoreStore, type Store } from '../../src/store.ts'
import { answer, day, finishTarget, found, guid, noon, product, releaseTarget, trouble } from './fixture.ts'
import { pages } from './pages.ts'
import { people } from './people.ts'

export type Ground = {
  /** A place where nothing is yet. */
  readonly place: () => Promise<Place>
  /** Runs statements on a place, as somebody else would. */
  readonly run: (place: Place, sql: string) => Promise<readonly Record<string, unknown>[]>
  /** Long questions in so many threads. */
  readonly threads?: number
}

const code = (wanted: string) => (error: unknown) => {
  assert.equal((error as { problems?: { code: string }[] }).problems?.[0]?.code, wanted, String(error))
  return true
}

/** A step as plans have it. */
const step: Step = {
  change: 'kms-host',
  what: 'use the KMS host kms1',
  because: 'The site wishes it.',
  class: 'SoftwareLicensingService',
  key: null,
  method: 'SetKeyManagementServiceMachine',
  arguments: { MachineName: 'kms1.corp.example' },
  product: null,
  host: null,
  secret: null,
  activates: false,
}
const plan: MachinePlan = {
  id: 'm',
  name: 'pc-1',
  holds: [],
  steps: [step],
  refused: [],
  missing: [],
  fallbacks: [],
  fingerprint: '0123',
  changes: ['kms-host'],
}

export function suite(name: string, ground: Ground): void {
  const on = (what: string, f: (store: Store, place: Place) => Promise<void>) =>
    test(`${name}: ${what}`, async () => {
      const place = await ground.place()
      const store = await openStore(place, { create: true, threads: ground.threads ?? 0 })
      try {
        await f(store, place)
      } finally {
        await store.close()
      }
    })
  const run = ground.run
  const put = async (store: Store, list: readonly FoundMachine[], source = 'csv', at = noon) => {
    await store.importMachines(list, { source, at })
    return Promise.all(list.map(async (f) => (await store.find(f.name))[0]!.id))
  }

  people(on, run)
  pages(on, put)

  on('a machine is its GUID, whatever it is called', async (store) => {
    const [id] = await put(store, [found('pc-1', { guid: guid(1) })], 'ad')
    const d = await store.importMachines([found('PC-9.', { guid: guid(1) })], { source: 'ad', at: noon + day })
    assert.deepEqual([d.renamed, d.added, d.vanished], [[{ from: 'pc-1', to: 'pc-9' }], [], []])
    assert.deepEqual(
      (await store.find('pc-9')).map((m) => m.id),
      [id],
    )
    assert.deepEqual(await store.find('pc-1'), [])
  })

  on('the same name with another GUID is a new machine, and the old one has vanished', async (store) => {
    const [old] = await put(store, [found('pc-1', { guid: guid(1) })], 'ad')
    await store.observe([answer(old!, noon, [product()])])
    const d = await store.importMachines([found('pc-1', { guid: guid(2) })], { source: 'ad', at: noon + day })
    assert.deepEqual([d.added, d.replaced, d.vanished, d.renamed], [['pc-1'], ['pc-1'], [], []])
    const [now, before] = await store.find('pc-1')
    assert.deepEqual([now!.guid, now!.vanishedAt, before!.id, before!.vanishedAt], [guid(2), null, old, noon + day])
    // Its history is not forgotten, and not counted.
    assert.equal((await store.history(old!, 10)).products.length, 1)
    assert.deepEqual((await store.counts()).machines, { listed: 1, vanished: 1, never: 1, unasked: 0 })
    assert.deepEqual((await store.counts()).products, [])
  })

  on('without a GUID the board’s UUID tells, then the name; a UUID that several have tells nothing', async (store) => {
    const board = '4c4c4544-0042-4d10-8051-b4c04f313233'
    const clone = '11111111-1111-4111-8111-222222222222'
    const ids = await put(store, [
      found('a', { uuid: board }),
      found('b'),
      found('c', { uuid: clone }),
      found('d', { uuid: clone }),
      found('z', { uuid: '00000000-0000-0000-0000-000000000000' }),
    ])
    const d = await store.importMachines(
      [
        found('a2', { uuid: board }),
        found('b', { uuid: '22222222-3333-4444-8555-666666666666', guid: guid(7) }),
        found('c', { uuid: clone }),
        found('d2', { uuid: clone }),
        found('y', { uuid: '00000000-0000-0000-0000-000000000000' }),
      ],
      { source: 'csv', at: noon + 1 },
    )
    assert.deepEqual(d.renamed, [{ from: 'a', to: 'a2' }])
    assert.deepEqual([...d.added].sort(), ['d2', 'y'])
    assert.deepEqual([...d.vanished].sort(), ['d', 'z'])
    assert.equal((await store.find('b'))[0]!.id, ids[1])
    // Other hardware of the same name, no GUID: another machine.
    const e = await store.importMachines([found('a2', { uuid: '99999999-3333-4444-8555-666666666666' })], {
      source: 'csv',
      at: noon + 2,
      partial: true,
    })
    assert.deepEqual([e.added, e.replaced, e.vanished], [['a2'], ['a2'], []])
  })

  on('machines of a pool are known by name, whatever GUID they were made with today', async (store) => {
    const list = (n: number) => ['v1', 'v2'].map((v, i) => found(v, { guid: guid(n + i), pool: 'vdi' }))
    const ids = await put(store, list(10), 'ad')
    const d = await store.importMachines(list(20), { source: 'ad', at: noon + day })
    assert.deepEqual([d.added, d.vanished, d.replaced], [[], [], []])
    assert.deepEqual([(await store.find('v1'))[0]!.id, (await store.find('v1'))[0]!.guid], [ids[0], guid(20)])
    // The GUIDs swapped: none is in two places for a moment.
    await store.importMachines([found('v1', { guid: guid(21), pool: 'vdi' }), found('v2', { guid: guid(20), pool: 'vdi' })], {
      source: 'ad',
      at: noon + 2 * day,
    })
    assert.deepEqual((await store.counts()).pools, [{ pool: 'vdi', machines: 2 }])
  })

  on('what vanishes is marked by source, comes back, and is never deleted; a dry run writes nothing', async (store) => {
    const [a, b] = await put(store, [found('a', { groups: ['x', 'y'] }), found('b')], 'csv')
    await put(store, [found('a', { system: 'Windows 11' })], 'ad')
    await store.observe([answer(a!, noon, [product()]), answer(b!, noon, [product()])])
    const wish = { source: 'csv', at: noon + day }
    const dry = await store.importMachines([found('c')], { ...wish, dryRun: true })
    assert.deepEqual([dry.added, dry.vanished], [['c'], ['b']])
    assert.equal((await store.imports(10)).length, 2)
    assert.deepEqual(await store.importMachines([found('c')], wish), dry)
    assert.deepEqual((await store.find('a'))[0]!.sources, [
      { source: 'ad', vanishedAt: null },
      { source: 'csv', vanishedAt: noon + day },
    ])
    assert.equal((await store.find('b'))[0]!.vanishedAt, noon + day)
    assert.equal((await store.counts()).products[0]!.count, 1)
    assert.deepEqual(
      (await store.list({ vanished: 'only' }, { limit: 9, after: null })).rows.map((m) => m.name),
      ['b'],
    )
    const back = await store.importMachines([found('a', { groups: ['y', 'z'] }), found('b'), found('c')], {
      source: 'csv',
      at: noon + 2 * day,
    })
    assert.deepEqual([back.returned, back.changed], [['b'], [{ name: 'a', what: ['groups'] }]])
    assert.deepEqual((await store.find('a'))[0]!.groups, ['y', 'z'])
    assert.equal((await store.counts()).products[0]!.count, 2)
    await assert.rejects(store.importMachines([], { source: 'csv', at: noon }), code('IMPORT_EMPTY'))
    const empty = await store.importMachines([], { source: 'csv', at: noon + 3 * day, mayBeEmpty: true })
    assert.deepEqual([...empty.vanished].sort(), ['b', 'c'])
  })

  on('the same list again changes nothing, and what is said twice counts once', async (store) => {
    const list = [found('a', { guid: guid(1), enabled: true, lastSeen: '2026-10-01T00:00:00Z' }), found('b'), found('B.')]
    const first = await store.importMachines(list, { source: 's', at: noon })
    assert.deepEqual([first.listed, first.duplicates], [2, ['b']])
    const again = await store.importMachines([{ ...list[0]!, lastSeen: '2026-10-09T00:00:00Z' }, list[1]!], { source: 's', at: noon + 1 })
    assert.deepEqual([again.unchanged, again.changed, again.added, again.vanished], [2, [], [], []])
    assert.equal((await store.find('a'))[0]!.directorySeenAt, Date.parse('2026-10-09T00:00:00Z'))
    // "Not told" is no news.
    const less = await store.importMachines([found('a'), found('b')], { source: 't', at: noon + 2 })
    assert.deepEqual([less.changed, (await store.find('a'))[0]!.enabled], [[], true])
  })

  on('a machine that says the same again adds no row: only the time moves', async (store, place) => {
    const [id] = await put(store, [found('a')])
    const rows = async () =>
      (await ground.run(place, 'select (select count(*) from product) as p, (select count(*) from product_past) as h from machine'))[0]
    assert.deepEqual(await store.observe([answer(id!, noon, [product()])]), {
      ...{ same: 0, changed: 1, unanswered: 0, older: 0, unknown: 0 },
      replaced: [],
    })
    const before = await rows()
    for (let hour = 1; hour <= 48; hour++) {
      const minutesLeft = 150 * 1440 - hour * 60 + (hour % 3) - 1
      const done = await store.observe([answer(id!, noon + hour * 3_600_000, [product({ minutesLeft })])])
      assert.deepEqual([done.same, done.changed], [1, 0], `hour ${hour}`)
    }
    assert.deepEqual(await rows(), before)
    const [m] = await store.find('a')
    assert.deepEqual([m!.seenAt, m!.products[0]!.expiresAt, m!.products[0]!.since], [noon + 2 * day, noon + 150 * day, noon])
    // Renewed: its end moves on, which is no other state.
    await store.observe([answer(id!, noon + 3 * day, [product({ minutesLeft: 180 * 1440 })])])
    const [p] = (await store.find('a'))[0]!.products
    assert.deepEqual(
      [p!.renewedAt, p!.expiresAt, p!.since, (await store.history(id!, 9)).products.length],
      [noon + 3 * day, noon + 183 * day, noon, 1],
    )
  })

  on('each change is kept with its time; a cause that only counts days is none', async (store) => {
    const [id] = await put(store, [found('a')])
    const ends = (days: number) =>
      product({ verdict: 'attention', cause: `Windows 11 will lapse in ${days} days.`, minutesLeft: days * 1440, next: ['renew'] })
    await store.observe([answer(id!, noon, [product()])])
    await store.observe([answer(id!, noon + 1 * day, [ends(9)])])
    await store.observe([answer(id!, noon + 2 * day, [ends(8)])])
    await store.observe([
      answer(id!, noon + 10 * day, [
        product({ state: 'notification', verdict: 'action', cause: 'Not activated.', reason: '0xC004F074', minutesLeft: 0 }),
      ]),
    ])
    const { products } = await store.history(id!, 10)
    assert.deepEqual(
      products.map((p) => [p.state, p.verdict, p.cause, (p.from - noon) / day, p.until === null ? null : (p.until - noon) / day]),
      [
        ['notification', 'action', 'Not activated.', 10, null],
        ['licensed', 'attention', 'Windows 11 will lapse in 8 days.', 1, 10],
        ['licensed', 'ok', null, 0, 1],
      ],
    )
    // Every column that is remembered makes a row.
    const values: Partial<ReturnType<typeof product>>[] = [
      { channel: 'mak' },
      { partialKey: 'ABCDE' },
      { origin: 'foreign' as Origin },
      { name: 'other' },
      { method: 'adba' },
    ]
    for (const [i, change] of values.entries()) {
      await store.observe([answer(id!, noon + (20 + i) * day, [product(change)])])
      assert.equal((await store.history(id!, 99)).products.length, 4 + i)
    }
  })

  on('who could not be asked keeps what was last known, as of then', async (store) => {
    const [id, other] = await put(store, [found('a'), found('b')])
    await store.observe([answer(id!, noon, [product()])])
    for (const hour of [1, 2, 2, 3])
      await store.observe([{ machine: id!, at: noon + hour * 3_600_000, problem: trouble('WINRM_UNREACHABLE') }])
    await store.observe([{ machine: other!, at: noon, problem: trouble('ACCESS_DENIED') }])
    const [m] = await store.find('a')
    assert.deepEqual([m!.verdict, m!.products.length, m!.seenAt, m!.askedAt], ['ok', 1, noon, noon + 3 * 3_600_000])
    assert.deepEqual([m!.problem?.code, m!.problem?.since, m!.problem?.times], ['WINRM_UNREACHABLE', noon + 3_600_000, 3])
    assert.deepEqual((await store.counts()).machines, { listed: 2, vanished: 0, never: 1, unasked: 2 })
    assert.deepEqual((await store.list({ problem: '*' }, { limit: 9, after: null })).rows.length, 2)
    assert.deepEqual(
      (await store.list({ problem: 'ACCESS_DENIED' }, { limit: 9, after: null })).rows.map((r) => r.name),
      ['b'],
    )
    await store.observe([answer(id!, noon + day, [product()])])
    const after = await store.history(id!, 9)
    assert.deepEqual(after.unasked, [
      { code: 'WINRM_UNREACHABLE', summary: 'it cannot be reached.', from: noon + 3_600_000, until: noon + day, times: 3 },
    ])
    assert.equal((await store.find('a'))[0]!.problem, null)
  })

  on(
    'an old recording changes nothing, a clock that was set back loses nothing, a product that is not told of is not gone',
    async (store) => {
      const [id] = await put(store, [found('a')])
      const office = product({ name: 'Office 24', application: 'office', activationId: '22222222-2222-4333-8444-555555555555' })
      await store.observe([answer(id!, noon, [product(), office])])
      assert.equal((await store.observe([answer(id!, noon - day, [product({ state: 'unlicensed' })], { live: false })])).older, 1)
      await store.observe([answer(id!, noon - day, [product({ state: 'unlicensed' })], { whole: false })])
      const [m] = await store.find('a')
      assert.deepEqual(
        m!.products.map((p) => p.state),
        ['unlicensed', 'licensed'],
      )
      for (const s of (await store.history(id!, 9)).products) assert.ok(s.until === null || s.until >= s.from)
      await store.observe([answer(id!, noon + day, [product()])])
      assert.deepEqual(
        (await store.find('a'))[0]!.products.map((p) => p.application),
        ['windows'],
      )
      await store.observe([answer(id!, noon + 2 * day, [product(), office])])
      assert.equal((await store.find('a'))[0]!.products[1]!.since, noon + 2 * day)
      assert.equal((await store.history(id!, 9)).products.filter((p) => p.key === office.activationId).length, 2)
      assert.equal((await store.observe([answer(9_999, noon, [])])).unknown, 1)
    },
  )

  on('a product that was gone before its machine vanished is still gone when it comes back', async (store) => {
    const [id] = await put(store, [found('a'), found('b')])
    const office = product({ name: 'Office 24', application: 'office', activationId: '22222222-2222-4333-8444-555555555555' })
    await store.observe([answer(id!, noon, [product(), office])])
    await store.observe([answer(id!, noon + 1, [product()])])
    await put(store, [found('b')])
    assert.deepEqual((await store.counts()).products, [])
    // What it says while nobody lists it is kept, and not counted.
    await store.observe([answer(id!, noon + 2, [product({ state: 'notification' })])])
    assert.deepEqual((await store.counts()).products, [])
    await put(store, [found('a'), found('b')])
    assert.deepEqual((await store.counts()).products, [{ application: 'windows', state: 'notification', count: 1 }])
  })

  on('filters, counts, causes and what lapses agree with each other, page by page', async (store) => {
    const list = Array.from({ length: 60 }, (_, i) => found(`pc-${String((i * 7) % 60).padStart(2, '0')}`, { groups: [`g${i % 3}`] }))
    const ids = await put(store, list)
    await store.observe(
      ids.map((id, i) =>
        i % 10 === 9
          ? { machine: id, at: noon, problem: trouble('WINRM_UNREACHABLE', list[i]!.name) }
          : answer(id, noon, [
              i % 4 === 0
                ? product({
                    verdict: 'action',
                    state: 'notification',
                    minutesLeft: null,
                    cause: `The clock is ${i} minutes off.`,
                    next: ['Set the clock.', 'x'],
                  })
                : product({ minutesLeft: i * 1440, origin: i % 4 === 1 ? 'foreign' : 'own' }),
            ]),
      ),
    )
    const all = async (filter: Filter) => {
      const names: string[] = []
      for (let after: string | null = null; ; ) {
        const page = await store.list(filter, { limit: 7, after })
        names.push(...page.rows.map((r) => r.name))
        if (page.next === null) break
        after = page.next
      }
      assert.deepEqual(names, [...new Set(names)].sort())
      assert.equal(await store.count(filter), names.length)
      assert.equal((await store.ids(filter)).length, names.length)
      return names.length
    }
    const n = (f: (i: number) => boolean) => ids.filter((_, i) => f(i)).length
    const answered = (i: number) => i % 10 !== 9
    assert.equal(await all({}), 60)
    assert.equal(
      await all({ verdict: ['action'] }),
      n((i) => answered(i) && i % 4 === 0),
    )
    assert.equal(
      await all({ state: ['notification'], group: 'g1' }),
      n((i) => answered(i) && i % 4 === 0 && i % 3 === 1),
    )
    assert.equal(
      await all({ productOrigin: ['foreign'] }),
      n((i) => answered(i) && i % 4 === 1),
    )
    assert.equal(await all({ host: 'KMS1.corp.example.', product: 'ENTERPRISE' }), n(answered))
    assert.equal(
      await all({ endsBefore: noon + 10 * day + 1 }),
      n((i) => answered(i) && i % 4 !== 0 && i > 0 && i <= 10),
    )
    assert.equal(await all({ text: 'PC-1' }), 10)
    assert.equal(
      await all({ text: 'clock' }),
      n((i) => answered(i) && i % 4 === 0),
    )
    assert.equal(
      await all({ seenBefore: noon }),
      n((i) => !answered(i)),
    )
    assert.equal(
      await all({ seenBefore: noon + 1, source: 'csv', verdict: ['ok', 'action'], origin: ['own'] }),
      n((i) => answered(i) && i % 4 !== 1),
    )
    for (const nothing of [{ verdict: [] }, { state: [] }, { product: 'no such' }]) assert.equal(await all(nothing), 0)
    const counts = await store.counts()
    assert.deepEqual(counts.machines, { listed: 60, vanished: 0, never: 6, unasked: 6 })
    assert.deepEqual(counts.verdict, { action: n((i) => answered(i) && i % 4 === 0), ok: n((i) => answered(i) && i % 4 !== 0) })
    assert.deepEqual(counts.problem, { WINRM_UNREACHABLE: 6 })
    const groups = await store.causes(10)
    assert.deepEqual(
      groups.map((g) => [g.machines, g.next, g.problem]),
      [
        [n((i) => answered(i) && i % 4 === 0), 'Set the clock.', null],
        [6, 'Is it on?', 'WINRM_UNREACHABLE'],
      ],
    )
    assert.equal(await all({ cause: groups[0]!.cause! }), groups[0]!.machines)
    const lapsing: number[] = []
    for (let after: string | null = null; ; ) {
      const page = await store.expiring({ from: noon, before: noon + 30 * day + 1 }, { limit: 4, after })
      lapsing.push(...page.rows.map((r) => r.expiresAt))
      after = page.next
      if (after === null) break
    }
    assert.deepEqual(
      lapsing,
      lapsing.toSorted((a, b) => a - b),
    )
    assert.equal(
      lapsing.length,
      n((i) => answered(i) && i % 4 !== 0 && i > 0 && i <= 30),
    )
    await assert.rejects(store.list({}, { limit: 5, after: 'xx' }), code('PAGE_UNKNOWN'))
    await assert.rejects(store.list({}, { limit: 0, after: null }), code('PAGE_SIZE'))
  })

  on('names and filters are values, whatever they look like', async (store) => {
    const evil = [
      "'; drop table machine; --",
      '" or 1=1 --',
      'a%',
      'a_',
      '\\',
      '$1',
      '?',
      '\u0000x',
      '\ud800',
      '😀',
      'x'.repeat(70_000),
      '{{7*7}}',
      ':name',
    ]
    const list = evil.map((e, i) => found(`m${i} ${e}`, { groups: [e], address: e, system: e, pool: null, distinguishedName: e }))
    await store.importMachines(list, { source: evil[0]!, at: noon })
    const ids = await store.ids({})
    assert.equal(ids.length, evil.length)
    await store.observe(
      ids.map((id, i) =>
        answer(id, noon, [
          product({ name: evil[i]!, cause: evil[i]!, verdict: 'action', activationId: null, kms: { ...product().kms!, host: evil[i]! } }),
        ]),
      ),
    )
    for (const [i, e] of evil.entries()) {
      // What an index has is not without end.
      if (e.length > 1000) continue
      const kept = e.toWellFormed().replaceAll('\0', '\ufffd')
      const one = async (filter: Filter) => (await store.list(filter, { limit: 99, after: null })).rows.map((r) => r.name)
      const name = `m${i} ${kept.toLowerCase()}`
      assert.deepEqual(await one({ group: e }), [name])
      assert.ok((await one({ text: e })).every((n) => n.includes(kept.toLowerCase())))
      assert.ok((await one({ text: e })).includes(name))
      assert.ok((await one({ product: e })).includes(name))
      for (const filter of [{ host: e }, { pool: e }, { problem: e === '*' ? '' : e }, { source: e }]) await one(filter)
      for (const filter of [{ verdict: [e] }, { state: [e] }, { origin: [e] }, { productOrigin: [e] }])
        assert.deepEqual(await one(filter as never), [])
      assert.equal((await store.find(`m${i} ${e}`))[0]?.products[0]?.name, kept)
      await assert.rejects(
        store.list({}, { limit: 5, after: Buffer.from(JSON.stringify([e])).toString('base64url') }),
        code('PAGE_UNKNOWN'),
      )
    }
    assert.equal((await one2(store, { text: '%' })).length, 1)
    const [long] = await store.find(`m${evil.findIndex((e) => e.length > 1000)} ${'x'.repeat(70_000)}`)
    assert.deepEqual([long!.name.length, long!.address!.length], [601, 70_000])
    assert.deepEqual(
      (await one2(store, { group: 'x'.repeat(70_000), host: 'x'.repeat(70_000) })).map((m) => m.id),
      [long!.id],
    )
    // The same again is the same, whatever it looks like.
    await store.importMachines(list, { source: evil[0]!, at: noon + 1 })
    const again = await store.importMachines(list, { source: evil[0]!, at: noon + 1 })
    assert.deepEqual([again.unchanged, again.changed, again.added], [evil.length, [], []])
    const said = (at: number) =>
      store.observe(
        ids.map((id, i) =>
          i % 2
            ? { machine: id, at, problem: { ...trouble(evil[i]!), summary: evil[i]!, next: [evil[i]!] } }
            : answer(
                id,
                at,
                [product({ name: evil[i]!, activationObject: evil[i]!, cause: evil[i]!, kms: { ...product().kms!, host: evil[i]! } })],
                {
                  cmid: evil[i]!,
                  uuid: evil[i]!,
                },
              ),
        ),
      )
    await said(noon + 2)
    assert.deepEqual(await said(noon + 3), {
      ...{ same: Math.ceil(evil.length / 2), changed: 0, unanswered: Math.floor(evil.length / 2), older: 0, unknown: 0 },
      replaced: [],
    })
    for (const [i, id] of ids.entries()) if (i % 2) assert.equal((await store.find(id))[0]!.problem?.times, 2)
    assert.equal((await store.counts()).machines.listed, evil.length)
  })

  on('plans and outcomes are kept once, with their steps', async (store) => {
    const [id] = await put(store, [found('pc-1')])
    for (let i = 0; i < 2; i++) await store.savePlans([{ key: 'p1', machine: id!, campaign: null, at: noon, plan }])
    const outcome = {
      key: 'o1',
      machine: id!,
      campaign: null,
      plan: 'p1',
      beganAt: noon,
      endedAt: noon + 5,
      result: 'failed',
      problem: trouble('X'),
      verdict: 'action' as const,
      steps: [
        { step, result: 'done', returnValue: 0, because: '' },
        { step, result: 'failed', returnValue: 0xc004f074, because: 'no host' },
      ],
    }
    for (let i = 0; i < 2; i++) await store.saveOutcome(outcome)
    assert.deepEqual(
      (await store.plans(id!, 9)).map((p) => p.plan),
      [plan],
    )
    const { rows } = await store.outcomes({ machine: id! }, { limit: 9, after: null })
    assert.deepEqual(rows, [{ ...outcome, id: rows[0]!.id, name: 'pc-1' }])
    assert.equal((await store.history(id!, 9)).outcomes[0]!.result, 'failed')
  })

  on('hosts and their checks: the same answer again is no new row', async (store) => {
    const list = [
      { name: 'KMS2.corp.example.', port: 1688, sources: ['site'] },
      { name: 'kms1.corp.example', port: 1688, sources: ['dns'] },
    ]
    const ids = await store.saveHosts(list, noon)
    assert.deepEqual(await store.saveHosts(list, noon + day), ids)
    const check = { host: ids[1]!, address: '10.0.0.5', state: 'alive', problem: null, told: { count: 50 } }
    for (const h of [0, 1, 1, 2]) await store.saveCheck({ ...check, at: noon + h })
    await store.saveCheck({ ...check, at: noon + 3, state: 'dead', problem: trouble('CLOSED') })
    const [one, two] = await store.hosts(9)
    assert.deepEqual([one!.name, two!.name, two!.checks], ['kms1.corp.example', 'kms2.corp.example', []])
    assert.deepEqual(
      one!.checks.map((c) => [c.state, c.from - noon, c.last - noon, c.times]),
      [
        ['dead', 3, 3, 1],
        ['alive', 0, 2, 3],
      ],
    )
    assert.deepEqual(one!.checks[0]!.problem, trouble('CLOSED'))
    // A clock that was ahead for one check makes no row of each one after it.
    await store.saveCheck({ ...check, at: noon + day })
    for (const h of [10, 11]) await store.saveCheck({ ...check, at: noon + h, state: 'dead' })
    assert.equal((await store.hosts(9))[0]!.checks.length, 4)
  })

  on('why a host is as it is, is kept with its state; the same cause that counts otherwise is the same', async (store) => {
    const [host] = await store.saveHosts([{ name: 'kms1.corp.example', port: 1688, sources: ['site'] }], noon)
    const check = { host: host!, address: '', state: 'action', problem: null, told: null }
    const low = (n: number) => ({ cause: `The KMS count is ${n}; 25 are needed.`, next: ['More machines have to ask.'] })
    await store.saveCheck({ ...check, at: noon, ...low(3) })
    await store.saveCheck({ ...check, at: noon + 1, ...low(4) })
    await store.saveCheck({ ...check, at: noon + 2, cause: 'x\0'.repeat(9999), next: Array(99).fill('y'.repeat(9999)) })
    await store.saveCheck({ ...check, at: noon + 3, state: 'ok' })
    const { checks } = (await store.hosts(9))[0]!
    assert.deepEqual(
      checks.map((c) => [c.state, c.from - noon, c.times]),
      [
        ['ok', 3, 1],
        ['action', 2, 1],
        ['action', 0, 2],
      ],
    )
    assert.deepEqual([checks[0]!.cause, checks[0]!.next], [null, []])
    assert.ok(checks[1]!.cause!.length < 700 && checks[1]!.next.join('').length < 6000)
    assert.deepEqual([checks[2]!.cause, checks[2]!.next], ['The KMS count is 4; 25 are needed.', ['More machines have to ask.']])
  })

  on('what a host counts is kept as long as it is the same, with its thresholds', async (store, place) => {
    const [host] = await store.saveHosts([{ name: 'KMS1.corp.example.', port: 1688, sources: [] }], noon)
    const windows = {
      application: 'windows',
      name: 'Windows Server 2022',
      partialKey: 'ABCDE',
      count: 24,
      thresholds: [{ of: 'client Windows', count: 25 }],
      total: 100,
      failed: 3,
    } as const
    const office = { ...windows, application: 'office', name: null, partialKey: null, count: null, thresholds: [] } as const
    const check = { host: host!, address: '10.0.0.5', state: 'alive', problem: null }
    const say = (days: number, count: number, total: number) =>
      store.saveCheck({ ...check, at: noon + days * day, told: { total }, counts: [{ ...windows, count, total }, office] })
    await say(0, 24, 100)
    await say(1, 24, 130)
    await say(1, 24, 130)
    await say(2, 26, 140)
    await say(3, 24, 150)
    await store.saveCheck({ ...check, at: noon + 4 * day, told: null })
    const history = async (days: number) => store.hostHistory('kms1.corp.example', 1688, noon + days * day)
    const counts = (await history(0)).counts.filter((c) => c.application === 'windows')
    assert.deepEqual(
      counts.map((c) => [c.key, c.count, c.total, (c.from - noon) / day, (c.last - noon) / day, c.times]),
      [
        ['ABCDE', 24, 130, 0, 1, 2],
        ['ABCDE', 26, 140, 2, 2, 1],
        ['ABCDE', 24, 150, 3, 3, 1],
      ],
    )
    assert.deepEqual(counts[0]!.thresholds, windows.thresholds)
    const told = (await history(0)).counts.filter((c) => c.application === 'office')
    assert.deepEqual(
      told.map((c) => [c.key, c.count, c.times]),
      [['office', null, 4]],
    )
    assert.deepEqual(
      (await history(2)).counts.map((c) => c.count),
      [null, 26, 24],
    )
    assert.deepEqual(
      (await history(3)).checks.map((c) => [c.state, c.told]),
      [
        ['alive', { total: 150 }],
        ['alive', null],
      ],
    )
    assert.deepEqual(await store.hostHistory('kms1.corp.example', 1689, 0), { checks: [], counts: [] })
    assert.equal((await ground.run(place, 'select count(*) as n from host_count'))[0]!.n, 4)
  })

  on('clients of each host, and of each activation object, machine by machine', async (store) => {
    const ids = await put(store, many(8))
    const kms = (host: string, port = 1688) => ({ kms: { ...product().kms!, host, port } })
    const office = { application: 'office', activationId: '22222222-2222-4333-8444-555555555555' } as const
    const ad = { method: 'adba', kms: null, activationObject: 'CN=Act,CN=Activation Objects' } as const
    const told = [
      [product(kms('KMS1.corp.example.')), product({ ...office, ...kms('kms1.corp.example') })],
      [product({ ...kms('kms1.corp.example'), minutesLeft: 29 * 1440 }), product({ ...kms('kms1.corp.example'), activationId: 'x' })],
      [product({ ...kms('kms1.corp.example'), state: 'out-of-tolerance-grace' })],
      [product({ ...kms('kms1.corp.example'), state: 'notification', minutesLeft: null })],
      [product(kms('kms1.corp.example', 1700))],
      [product({ ...ad, minutesLeft: 10 * 1440 }), product({ ...ad, ...office })],
      [product({ ...ad, state: 'initial-grace' })],
      [product(kms('kms1.corp.example'))],
    ]
    await store.observe(ids.map((id, i) => answer(id, noon, told[i]!)))
    await store.observe([answer(ids[0]!, noon + day, [product({ minutesLeft: 180 * 1440 }), { ...told[0]![1]!, minutesLeft: 149 * 1440 }])])
    await put(store, many(7))
    const none = { machines: 1, licensed: 1, inGrace: 0, ending: 0, lastRenewal: null }
    const when = { now: noon, days: 30 }
    assert.deepEqual(await store.clientsByHost(when), [
      { ...none, host: 'kms1.corp.example', port: 1688, application: 'office', lastRenewal: null },
      {
        ...{ host: 'kms1.corp.example', port: 1688, application: 'windows' },
        ...{ machines: 4, licensed: 2, inGrace: 1, ending: 1, lastRenewal: noon + day },
      },
      { ...none, host: 'kms1.corp.example', port: 1700, application: 'windows' },
    ])
    assert.deepEqual(await store.usersOfObjects(when), [
      { ...none, object: ad.activationObject, application: 'office' },
      { ...none, object: ad.activationObject, application: 'windows', machines: 2, licensed: 1, inGrace: 1, ending: 1 },
    ])
    assert.equal((await store.find('t5'))[0]!.products[0]!.activationObject, ad.activationObject)
    const uses = await store.usesOfHost(['kms1', 'KMS1.corp.example.'])
    assert.deepEqual(
      uses.map((u) => [
        u.name,
        u.application,
        u.byHand,
        u.byDns,
        u.licensedUntil === null ? null : Math.round((u.licensedUntil - noon) / day),
      ]),
      [
        ['t0', 'office', false, true, 150],
        ['t0', 'windows', false, true, 181],
        ['t1', 'windows', false, true, 150],
        ['t2', 'windows', false, true, null],
        ['t3', 'windows', false, true, null],
        ['t4', 'windows', false, true, 150],
      ],
    )
    await store.observe([
      answer(ids[3]!, noon + day, [product({ kms: { ...product().kms!, found: 'override' } }), product({ ...office, addOn: true })]),
    ])
    assert.deepEqual(
      (await store.usesOfHost(['kms1.corp.example'])).filter((u) => u.name === 't3').map((u) => [u.application, u.byHand, u.byDns]),
      [['windows', true, false]],
    )
    assert.deepEqual(await store.usesOfHost([]), [])
    assert.deepEqual(await store.usesOfHost(["x' or 1=1 --"]), [])
  })

  on('a campaign’s machines are each held by one, for a time, and end once', async (store) => {
    const ids = await put(
      store,
      Array.from({ length: 40 }, (_, i) => found(`t${i}`)),
    )
    const campaign = await store.createCampaign({ key: 'k', kind: 'scan', name: 'n', settings: { a: 1 }, at: noon })
    assert.equal(await store.createCampaign({ key: 'k', kind: 'apply', name: 'o', settings: {}, at: noon }), campaign)
    const targets = ids.map((machine, i) => ({ machine, site: i < 30 ? 'north' : 'south', position: i }))
    await store.addTargets(campaign, targets, noon)
    await store.addTargets(campaign, targets.slice(0, 5), noon + day)
    const wish = { campaign, site: 'north', owner: 'w1', limit: 5, now: noon, leaseMs: 1000, mostAtOnce: null, upTo: null }
    assert.deepEqual(await store.claimTargets(wish), [], 'not running')
    assert.equal(await store.setCampaign(campaign, { state: 'running', because: null, at: noon }), true)
    // One after another, so that it is known who has which; that many at once take none twice is shown below.
    const first = await store.claimTargets(wish)
    const second = await store.claimTargets({ ...wish, owner: 'w2' })
    const taken = [...first, ...second].map((t) => t.machine)
    assert.deepEqual([...new Set(taken)].length, 10)
    assert.deepEqual(
      taken.toSorted((a, b) => a - b),
      ids.slice(0, 10),
    )
    const [one, two] = first as unknown as [Held, Held]
    const end = { state: 'done', result: 'ok', problemCode: null, outcome: null, at: noon } as const
    assert.equal(await finishTarget(store, one, end), true)
    assert.equal(await finishTarget(store, one, end), true, 'said again')
    assert.equal(await finishTarget(store, { ...two, owner: 'w2' }, end), false)
    // w1 holds on; w2 dies, its machines are taken back and given anew.
    assert.deepEqual(
      await store.extendLeases({ campaign, owner: 'w1', until: noon + 9_000 }),
      first.slice(1).map((t) => t.machine),
    )
    assert.equal(await store.takeBack({ campaign, owner: 'w2', until: noon + 1_000, dueAt: noon }), 5)
    const anew = await store.claimTargets({ ...wish, owner: 'w3', limit: 99, now: noon + 2_000 })
    assert.deepEqual(
      anew
        .filter((t) => t.attempt === 2)
        .map((t) => t.machine)
        .toSorted((a, b) => a - b),
      second.map((t) => t.machine),
    )
    assert.equal(anew.length, 25)
    assert.equal(await finishTarget(store, second[0]!, end), false, 'too late')
    // Released: not before its time, then with the next attempt.
    assert.equal(await releaseTarget(store, two, { dueAt: noon + 60_000, problemCode: 'AWAY' }), true)
    assert.deepEqual(await store.claimTargets({ ...wish, now: noon + 2_500, limit: 99 }), [])
    const later = await store.claimTargets({ ...wish, owner: 'w4', now: noon + 60_000, upTo: 1, leaseMs: 1_000_000 })
    assert.deepEqual(
      later.map((t) => [t.machine, t.attempt]),
      [[ids[1], 2]],
    )
    // A limit for the site holds over all workers.
    const south = { ...wish, site: 'south', limit: 4, mostAtOnce: 6, leaseMs: 1_000_000, now: noon + 3_000 }
    const many = await Promise.all(['a', 'b', 'c', 'd'].map((owner) => store.claimTargets({ ...south, owner })))
    assert.equal(new Set(many.flat().map((t) => t.machine)).size, 6)
    assert.equal(many.flat().length, 6)
    const cancelled = await store.cancelWaiting(campaign, noon)
    assert.equal(
      cancelled,
      (await store.progress(campaign)).filter((p) => p.state === 'cancelled').reduce((n, p) => n + p.count, 0),
    )
    assert.equal(
      (await store.progress(campaign)).reduce((n, p) => n + p.count, 0),
      40,
    )
    const done = await store.targets(campaign, { states: ['done'] }, { limit: 99, after: null })
    assert.deepEqual(
      done.rows.map((t) => [t.machine, t.result, t.attempts]),
      [[one.machine, 'ok', 1]],
    )
    await store.setCampaign(campaign, { state: 'cancelled', because: 'enough', at: noon })
    assert.equal(await store.setCampaign(campaign, { state: 'running', because: null, at: noon }), false)
    assert.deepEqual(await store.claimTargets({ ...wish, now: noon + 10 * day }), [])
    assert.equal((await store.campaigns({ limit: 5 }))[0]!.because, 'enough')
  })

  /** A campaign that runs, over machines of a store, all at one place. */
  const begin = async (store: Store, key: string, machines: readonly number[], kind: 'scan' | 'apply' = 'apply') => {
    const campaign = await store.createCampaign({ key, kind, name: key, settings: {}, at: noon })
    await store.addTargets(
      campaign,
      machines.map((machine, position) => ({ machine, site: '-', position })),
      noon,
    )
    await store.setCampaign(campaign, { state: 'running', because: null, at: noon })
    return campaign
  }
  const done = { state: 'done', result: 'ok', problemCode: null, outcome: null, at: noon } as const
  const state = async (store: Store, campaign: number) => {
    const { nextDueAt: _, ...left } = await store.left({ campaign, upTo: null, sites: null })
    return Object.entries(left).flatMap(([name, n]) => (n === 0 ? [] : [`${n} ${name}`]))
  }
  const many = (n: number) => Array.from({ length: n }, (_, i) => found(`t${i}`, { uuid: `0000000a-0000-4000-8000-00000000${1000 + i}` }))

  on('many targets end, or are given back, at once; each answers for itself', async (store) => {
    const ids = await put(store, many(8))
    const campaign = await begin(store, 'k', ids)
    const held = await store.claimTargets({ ...anyClaim(campaign), limit: 7 })
    assert.deepEqual(
      held.map((t) => [t.name, t.uuid, t.guid, t.attempt]),
      ids.slice(0, 7).map((_, i) => [`t${i}`, `0000000a-0000-4000-8000-00000000${1000 + i}`, null, 1]),
    )
    const [a, b, c, d, e, f, g] = held as unknown as [Held, Held, Held, Held, Held, Held, Held]
    await store.appendJournal([{ held: e, sequence: 0, at: noon, body: 'about to' }])
    const again = { dueAt: noon + 1000, problemCode: 'AWAY', attempted: true }
    const list = [
      { held: a, end: done },
      { held: b, end: { ...done, state: 'failed', result: 'refused', problemCode: 'X', outcome: 'o1' } as const },
      { held: c, end: again },
      { held: d, end: { ...again, problemCode: null, attempted: false } },
      // Whoever has lines in the journal has tried.
      { held: e, end: { ...again, problemCode: null, attempted: false } },
      { held: { ...f, owner: 'somebody else' }, end: done },
      { held: { ...g, attempt: 2 }, end: again },
      { held: { ...g, machine: 999_999 }, end: done },
    ]
    const said = [true, true, true, true, true, false, false, false]
    assert.deepEqual(await store.endTargets(list), said)
    assert.deepEqual(await store.endTargets(list), said, 'said twice')
    assert.deepEqual(await store.endTargets([]), [])
    const { rows } = await store.targets(campaign, {}, { limit: 99, after: null })
    assert.deepEqual(
      rows.map((t) => [t.state, t.attempts, t.result, t.problem, t.outcome, t.dueAt - noon, t.endedAt]),
      [
        ['done', 1, 'ok', null, null, 0, noon],
        ['failed', 1, 'refused', 'X', 'o1', 0, noon],
        ['waiting', 1, null, 'AWAY', null, 1000, null],
        ['waiting', 0, null, null, null, 1000, null],
        ['waiting', 1, null, null, null, 1000, null],
        ['leased', 1, null, null, null, 0, null],
        ['leased', 1, null, null, null, 0, null],
        ['waiting', 0, null, null, null, 0, null],
      ],
    )
    assert.deepEqual(await state(store, campaign), ['2 untried', '2 retrying', '2 leased', '1 done', '1 failed'])
    assert.deepEqual(
      (await store.progress(campaign)).map((p) => [p.state, p.problem, p.result, p.count]).sort(),
      [
        ['done', null, 'ok', 1],
        ['failed', 'X', 'refused', 1],
        ['leased', null, null, 2],
        ['waiting', 'AWAY', null, 1],
        ['waiting', null, null, 3],
      ].sort(),
    )
    // What somebody else has taken since is theirs.
    const next = await store.claimTargets({ ...anyClaim(campaign), owner: 'w2', now: noon + 1000, limit: 99 })
    assert.deepEqual(
      next.map((t) => t.attempt),
      [2, 1, 2, 1],
    )
    assert.deepEqual(await store.endTargets(list.slice(2, 5)), [false, false, false])
  })

  on('eight workers end and claim at once: each machine ends once', async (store) => {
    const ids = await put(store, many(400))
    const campaign = await begin(store, 'k', ids)
    const ended: number[] = []
    const worker = async (owner: string) => {
      for (;;) {
        const held = await store.claimTargets({ ...anyClaim(campaign), owner, limit: 7 })
        if (held.length === 0) return
        const backwards = held.toReversed()
        const said = await store.endTargets(backwards.map((h) => ({ held: h, end: done })))
        for (const [i, h] of backwards.entries()) if (said[i]) ended.push(h.machine)
      }
    }
    await Promise.all(Array.from({ length: 8 }, (_, i) => worker(`w${i}`)))
    assert.equal(ended.length, 400)
    assert.equal(new Set(ended).size, 400)
    assert.deepEqual(await state(store, campaign), ['400 done'])
  })

  on('a journal is written by whoever holds the machine at that moment, and by nobody else', async (store) => {
    const ids = await put(store, many(3))
    const campaign = await begin(store, 'k', ids)
    const [a, b] = (await store.claimTargets({ ...anyClaim(campaign), limit: 2, leaseMs: 1000 })) as unknown as [Held, Held]
    const line = (held: Held, sequence: number, at = noon, body = `{"n":${sequence}}`) => ({ held, sequence, at, body })
    assert.deepEqual(await store.appendJournal([line(a, 0), line(a, 1), line(b, 0)]), [true, true, true])
    assert.deepEqual(await store.appendJournal([line(a, 1), line(a, 2)]), [true, true], 'said twice')
    assert.deepEqual(await store.appendJournal([line(a, 1, noon, 'another')]), [false], 'another text')
    assert.deepEqual(
      await store.appendJournal([
        line({ ...a, owner: 'x' }, 3),
        line({ ...a, attempt: 2 }, 3),
        line({ ...a, machine: ids[2]! }, 3),
        line(a, 3, noon + 999),
        line(b, 3, noon + 1000),
      ]),
      [false, false, false, true, true],
      'held until somebody takes it over, whatever the time is',
    )
    // A is taken back, and w2 has it next: it reads what was done, and a is not heard any more.
    assert.equal(await store.takeBack({ campaign, owner: 'w', until: noon + 1000, dueAt: noon }), 2)
    const mine = (await store.claimTargets({ ...anyClaim(campaign), owner: 'w2', now: noon + 1000 })).find((t) => t.machine === a.machine)
    assert.deepEqual([mine!.machine, mine!.attempt], [a.machine, 2])
    assert.deepEqual(await store.appendJournal([line(a, 4), line(mine!, 0, noon + 1001)]), [false, true])
    assert.deepEqual(await store.journal(campaign, a.machine), [
      ...[0, 1, 2].map((sequence) => ({ attempt: 1, sequence, at: noon, body: `{"n":${sequence}}` })),
      { attempt: 1, sequence: 3, at: noon + 999, body: '{"n":3}' },
      { attempt: 2, sequence: 0, at: noon + 1001, body: '{"n":0}' },
    ])
    assert.deepEqual(await store.journal(campaign, ids[2]!), [])
    await store.endTargets([{ held: mine!, end: done }])
    assert.deepEqual(await store.appendJournal([line(mine!, 1, noon + 1002)]), [false], 'ended')
    assert.deepEqual(await store.appendJournal([]), [])
  })

  on('activations are reserved one after another, over all workers', async (store) => {
    const campaign = await begin(store, 'k', [])
    const reserve = (count: number, now: number) => store.reserveActivations({ campaign, count, everyMs: 100, now })
    assert.equal(await reserve(3, noon), noon)
    assert.equal(await reserve(1, noon), noon + 300)
    assert.equal(await reserve(1, noon + 10_000), noon + 10_000, 'what was not used is not saved up')
    const at = await Promise.all(Array.from({ length: 20 }, () => reserve(2, noon + 10_000)))
    assert.deepEqual(
      at.toSorted((a, b) => a - b),
      Array.from({ length: 20 }, (_, i) => noon + 10_100 + i * 200),
    )
    // Clocks that differ a little keep the rate; one that was hours ahead keeps nobody waiting for hours.
    assert.equal(await reserve(1, noon + 9_000), noon + 14_100)
    assert.equal(await reserve(1, noon + 5 * 3_600_000), noon + 5 * 3_600_000)
    assert.equal(await reserve(1, noon + 15_000), noon + 15_100)
    assert.equal(await reserve(1, noon + 15_000), noon + 15_200)
    await assert.rejects(store.reserveActivations({ campaign: 99_999, count: 1, everyMs: 1, now: noon }), code('CAMPAIGN_UNKNOWN'))
  })

  on('whether a campaign goes on: what waits, what is held, when the next is due', async (store) => {
    const campaign = await begin(store, 'k', await put(store, many(3)))
    const other = await begin(store, 'other', await put(store, [found('alone')]))
    const claim = (limit: number) =>
      store.claimTargets({ campaign, site: '-', owner: 'w', limit, now: noon, leaseMs: 1000, mostAtOnce: null, upTo: null })
    await store.learn()
    assert.deepEqual(await store.standing(campaign), { leased: 0, waits: true, nextDueAt: noon })
    const two = await claim(2)
    assert.deepEqual(await store.standing(campaign), { leased: 2, waits: true, nextDueAt: null })
    const [third] = await claim(2)
    assert.deepEqual(await store.standing(campaign), { leased: 3, waits: false, nextDueAt: null })
    await store.endTargets([
      ...two.map((held) => ({ held, end: { dueAt: noon + 60_000, problemCode: 'WINRM_UNREACHABLE', attempted: true } })),
      { held: third!, end: done },
    ])
    assert.deepEqual(await store.standing(campaign), { leased: 0, waits: true, nextDueAt: noon + 60_000 })
    await store.cancelWaiting(campaign, noon)
    assert.deepEqual(await store.standing(campaign), { leased: 0, waits: false, nextDueAt: null })
    assert.deepEqual(await store.standing(other), { leased: 0, waits: true, nextDueAt: noon })
  })

  on('what is left, of some sites and up to a place; the place of the n-th', async (store) => {
    const ids = await put(store, many(10))
    const campaign = await store.createCampaign({ key: 'k', kind: 'scan', name: 'k', settings: {}, at: noon })
    const place = (i: number) => ((i * 7) % 10) * 100
    await store.addTargets(
      campaign,
      ids.map((machine, i) => ({ machine, site: i < 4 ? 'a' : 'b', position: place(i) })),
      noon + 50,
    )
    const left = (upTo: number | null, sites: readonly string[] | null) => store.left({ campaign, upTo, sites })
    const none = { untried: 0, retrying: 0, leased: 0, done: 0, failed: 0, unreachable: 0, cancelled: 0, nextDueAt: null }
    assert.deepEqual(await left(null, null), { ...none, untried: 10, nextDueAt: noon + 50 })
    assert.deepEqual(await left(null, ['a']), { ...none, untried: 4, nextDueAt: noon + 50 })
    assert.deepEqual(await left(400, ['b']), {
      ...none,
      untried: [4, 5, 6, 7, 8, 9].filter((i) => place(i) <= 400).length,
      nextDueAt: noon + 50,
    })
    assert.deepEqual(await left(null, []), none)
    assert.deepEqual(await store.left({ campaign: 99_999, upTo: null, sites: null }), none)
    assert.deepEqual(await Promise.all([1, 3, 10, 11, 0].map((n) => store.positionOf(campaign, n))), [0, 200, 900, null, null])
    await store.setCampaign(campaign, { state: 'running', because: null, at: noon })
    const first = await store.claimTargets({
      ...anyClaim(campaign),
      site: 'b',
      now: noon + 50,
      upTo: (await store.positionOf(campaign, 3))!,
    })
    assert.deepEqual(
      first.map((t) => t.position),
      [4, 5, 6, 7, 8, 9].map(place).filter((p) => p <= 200),
    )
  })

  on('limits of a campaign hold over all workers and places', async (store) => {
    const ids = await put(store, many(60))
    const campaign = await store.createCampaign({ key: 'k', kind: 'scan', name: 'k', settings: {}, at: noon })
    await store.addTargets(
      campaign,
      ids.map((machine, position) => ({ machine, site: `s${position % 3}`, position })),
      noon,
    )
    await store.setCampaign(campaign, { state: 'running', because: null, at: noon })
    const wish = { ...anyClaim(campaign), limit: 8, mostAtOnce: 7, mostInAll: 10 }
    const claims = await Promise.all(
      Array.from({ length: 9 }, (_, i) => store.claimTargets({ ...wish, site: `s${i % 3}`, owner: `w${i}` })),
    )
    const held = claims.flat()
    assert.equal(held.length, 10)
    for (const site of ['s0', 's1', 's2']) assert.ok(held.filter((t) => t.site === site).length <= 7, site)
    // A place whose workers are gone must not hold the limit with what they held.
    for (const l of await store.leases(campaign)) await store.takeBack({ campaign, ...l, dueAt: noon })
    assert.equal((await store.claimTargets({ ...wish, site: 's2', now: noon + 60_000 })).length, 7)
    assert.deepEqual(await store.claimTargets({ ...wish, site: 's2', now: noon + 60_000 }), [])
    assert.equal((await store.claimTargets({ ...wish, site: 's1', now: noon + 60_000 })).length, 3)
  })

  on('a machine is held in one campaign at a time; others pass it over, until it is taken back', async (store) => {
    const ids = await put(store, many(40))
    const [a, b] = [await begin(store, 'a', ids), await begin(store, 'b', ids.toReversed())]
    const part = (owner: string, limit: number) => store.claimTargets({ ...anyClaim(a), owner, limit, leaseMs: 1000 })
    const held = [await part('x', 5), await part('y', 10), await part('w', 15)].flat()
    assert.equal(held.length, 30)
    // However late it is: a lease does not end by its time.
    assert.deepEqual(await store.claimTargets({ ...anyClaim(a), now: noon + 3_600_000, limit: 30 }).then((l) => l.length), 10)
    await store.endTargets(
      (await store.targets(a, { states: ['leased'] }, { limit: 99, after: null })).rows
        .filter((t) => !held.some((h) => h.machine === t.machine))
        .map((t) => ({
          held: { campaign: a, machine: t.machine, attempt: 1, owner: 'w' },
          end: { dueAt: noon, problemCode: null, attempted: false },
        })),
    )
    const other = await store.claimTargets({ ...anyClaim(b), owner: 'v', leaseMs: 1000 })
    assert.deepEqual(
      other.map((t) => t.machine).toSorted((x, y) => x - y),
      ids.slice(30),
    )
    assert.deepEqual(await store.claimTargets({ ...anyClaim(b), owner: 'v' }), [])
    // One of A's was killed: its machines are taken back and wait again there, while B has them.
    const back = (campaign: number, owner: string, until = noon + 1000) => store.takeBack({ campaign, owner, until, dueAt: noon })
    assert.equal(await back(a, 'x'), 5)
    const next = await store.claimTargets({ ...anyClaim(b), owner: 'v', now: noon + 999 + 1, leaseMs: 1000, limit: 5 })
    assert.equal(next.length, 5)
    assert.deepEqual(
      await store.endTargets(next.map((t) => ({ held: { ...t, campaign: a, owner: 'w' }, end: done }))),
      Array(5).fill(false),
    )
    assert.deepEqual(await state(store, a), ['10 untried', '5 retrying', '25 leased'])
    // So they do where A is stopped; where it is over, they are taken out.
    await store.setCampaign(a, { state: 'stopped', because: null, at: noon })
    assert.equal(await back(a, 'y'), 10)
    assert.equal((await store.claimTargets({ ...anyClaim(b), owner: 'u', now: noon + 2000, limit: 10 })).length, 10)
    assert.deepEqual((await state(store, a))[0], '10 untried')
    assert.ok((await store.left({ campaign: a, upTo: null, sites: null })).retrying > 5)
    await store.setCampaign(a, { state: 'cancelled', because: null, at: noon })
    await store.cancelWaiting(a, noon)
    assert.equal(await back(a, 'w'), 15)
    assert.deepEqual(await state(store, a), ['40 cancelled'])
    assert.equal(await back(b, 'v', noon + 2000), 15)
    assert.equal((await store.claimTargets({ ...anyClaim(b), owner: 'v', now: noon + 2000, limit: 99 })).length, 30)
    assert.deepEqual(
      (await state(store, a)).filter((s) => !/cancelled|leased/.test(s)),
      [],
    )
    assert.equal(await back(a, 'w'), 0)
    assert.deepEqual(await state(store, a), ['40 cancelled'])
    assert.equal(await back(b, 'u', noon + 2000), 0, 'it is alive')
  })

  on('who is gone is found by leases that do not move, whatever the clocks say', async (store) => {
    const ids = await put(store, many(6))
    const campaign = await begin(store, 'k', ids)
    const [a] = await store.claimTargets({ ...anyClaim(campaign), owner: 'a', limit: 2, leaseMs: 1000 })
    const b = await store.claimTargets({ ...anyClaim(campaign), owner: 'b', limit: 2, leaseMs: 1000 })
    assert.deepEqual(await store.leases(campaign), [
      { owner: 'a', until: noon + 1000, machines: 2 },
      { owner: 'b', until: noon + 1000, machines: 2 },
    ])
    // A clock that is hours ahead takes nothing from anybody.
    const ahead = { ...anyClaim(campaign), owner: 'c', now: noon + 4 * 3_600_000, limit: 1 }
    assert.equal((await store.claimTargets(ahead))[0]!.attempt, 1)
    await store.extendLeases({ campaign, owner: 'a', until: noon + 2000 })
    const back = (owner: string) => store.takeBack({ campaign, owner, until: noon + 1000, dueAt: noon + 500 })
    assert.deepEqual([await back('a'), await back('b'), await back('b'), await back('nobody')], [0, 2, 0, 0])
    assert.equal(await finishTarget(store, b[0]!, done), false)
    assert.equal(await finishTarget(store, a!, done), true)
    assert.deepEqual(
      (await store.claimTargets({ ...ahead, limit: 9, now: noon + 499 })).map((t) => t.machine),
      [ids[5]],
    )
    assert.deepEqual(
      (await store.claimTargets({ ...ahead, limit: 9, now: noon + 500 })).map((t) => [t.machine, t.attempt]),
      [
        [ids[2], 2],
        [ids[3], 2],
      ],
    )
  })

  on('campaigns that want the same machines at the same moment get fewer, and no error', async (store) => {
    const ids = await put(store, many(120))
    const campaigns = [await begin(store, 'a', ids), await begin(store, 'b', ids.toReversed()), await begin(store, 'c', ids)]
    for (let round = 0; round < 10; round++) {
      const now = noon + round * 60_000
      const claims = await Promise.all(
        campaigns.flatMap((campaign) =>
          ['1', '2', '3'].map((w) => store.claimTargets({ ...anyClaim(campaign), owner: w, now, limit: 30 })),
        ),
      )
      const machines = claims.flat().map((t) => t.machine)
      assert.equal(new Set(machines).size, machines.length, `round ${round}`)
      assert.ok(machines.length >= 60, `${machines.length}`)
      const said = await store.endTargets(claims.flat().map((held) => ({ held, end: { dueAt: now, problemCode: null, attempted: true } })))
      assert.ok(said.every(Boolean))
    }
  })

  on('a selection, by id, with groups; plans of a campaign; campaigns by key', async (store) => {
    const list = Array.from({ length: 25 }, (_, i) =>
      found(`pc-${i}`, { groups: i % 2 ? ['b', 'a'] : [], address: i === 3 ? '10.0.0.3' : null }),
    )
    const ids = await put(store, list)
    await put(store, [found('pc-1', { groups: ['a', 'c'] })], 'other')
    const rows = []
    for (let after: string | null = null; ; ) {
      const page = await store.selection({ group: 'a' }, { limit: 5, after })
      rows.push(...page.rows)
      after = page.next
      if (after === null) break
    }
    assert.deepEqual(
      rows,
      ids.flatMap((id, i) =>
        i % 2 ? [{ id, name: `pc-${i}`, address: i === 3 ? '10.0.0.3' : null, groups: i === 1 ? ['a', 'b', 'c'] : ['a', 'b'] }] : [],
      ),
    )
    assert.deepEqual((await store.selection({}, { limit: 2, after: null })).rows[0]!.groups, [])
    await assert.rejects(store.selection({}, { limit: 2, after: 'x' }), code('PAGE_UNKNOWN'))
    const campaign = await begin(store, 'k', ids)
    assert.equal(await store.planOf(campaign, ids[0]!), null)
    const kept = { key: 'p1', machine: ids[0]!, campaign, at: noon, plan }
    await store.savePlans([kept, { ...kept, key: 'p2', campaign: null, at: noon + 1 }])
    assert.equal((await store.planOf(campaign, ids[0]!))?.key, 'p1')
    await store.savePlans([{ ...kept, key: 'p3', at: noon + 2 }])
    // Machines whose last plan changes something.
    const empty = { ...plan, steps: [] }
    await store.savePlans([
      { ...kept, machine: ids[1]!, key: 'q1' },
      { ...kept, machine: ids[1]!, key: 'q2', plan: empty },
      { ...kept, machine: ids[2]!, key: 'r1', plan: empty },
      { ...kept, machine: ids[3]!, key: 's1', plan: empty },
      { ...kept, machine: ids[3]!, key: 's2' },
    ])
    const change = await store.planned(campaign, { limit: 1, after: null })
    const rest = await store.planned(campaign, { limit: 1, after: change.next })
    assert.deepEqual(
      [...change.rows, ...rest.rows, rest.next],
      [
        { id: ids[0], name: 'pc-0', address: null, groups: [] },
        { id: ids[3], name: 'pc-3', address: '10.0.0.3', groups: ['a', 'b'] },
        null,
      ],
    )
    assert.deepEqual([await store.countPlanned(campaign), await store.countPlanned(99_999)], [2, 0])
    assert.deepEqual(await store.planOf(campaign, ids[0]!), {
      ...kept,
      key: 'p3',
      at: noon + 2,
      id: (await store.plans(ids[0]!, 1))[0]!.id,
    })
    assert.deepEqual(
      (await store.campaigns({ key: 'k', limit: 5 })).map((c) => c.id),
      [campaign],
    )
    assert.deepEqual(await store.campaigns({ key: 'none', limit: 5 }), [])
  })

  on('CMIDs that several machines have, and who they are; a pool’s are said as such', async (store) => {
    const list = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name, i) => found(name, { pool: i === 2 || i === 3 ? 'vdi' : null }))
    const ids = await put(store, list)
    const cmid = (n: number) => `00000000-1111-4222-8333-${n.toString().padStart(12, '0')}`
    const has = [1, 1, 2, 2, 3, null, 4]
    await store.observe(ids.map((id, i) => answer(id, noon, [product()], { cmid: has[i] === null ? null : cmid(has[i]!).toUpperCase() })))
    assert.deepEqual(await Promise.all(['a', 'f'].map(async (n) => (await store.find(n))[0]!.cmid)), [cmid(1), null])
    const shared = (await store.sharedCmids({ limit: 9, after: null })).rows
    assert.deepEqual(
      shared.map((s) => [s.cmid, s.count, s.pool, s.machines.map((m) => m.name)]),
      [
        [cmid(1), 2, null, ['a', 'b']],
        [cmid(2), 2, 'vdi', ['c', 'd']],
      ],
    )
    assert.deepEqual(
      (await store.list({ sharedCmid: true }, { limit: 9, after: null })).rows.map((m) => m.name),
      ['a', 'b'],
    )
    const one = await store.sharedCmids({ limit: 1, after: null })
    assert.deepEqual([one.rows[0]!.cmid, (await store.sharedCmids({ limit: 1, after: one.next })).rows[0]!.cmid], [cmid(1), cmid(2)])
    // Not told is no news; zeros are no ID; another one is, and makes no row of history.
    assert.deepEqual((await store.observe([answer(ids[0]!, noon + 1, [product()])])).same, 1)
    await store.observe([answer(ids[1]!, noon + 1, [product()], { cmid: '00000000-0000-0000-0000-000000000000' })])
    assert.equal((await store.find('b'))[0]!.cmid, cmid(1))
    assert.equal((await store.observe([answer(ids[6]!, noon + 1, [product()], { cmid: cmid(3) })])).changed, 1)
    assert.equal((await store.history(ids[6]!, 9)).products.length, 1)
    assert.deepEqual(
      (await store.sharedCmids({ limit: 9, after: null })).rows[2]!.machines.map((m) => m.name),
      ['e', 'g'],
    )
    await put(store, list.slice(1))
    assert.deepEqual(
      (await store.sharedCmids({ limit: 9, after: null })).rows.map((s) => s.cmid),
      [cmid(2), cmid(3)],
    )
  })

  on('another board: the same machine by GUID or in a pool, else a new one in its place', async (store) => {
    const [A, B] = ['0a0b0c0d-0e0f-4001-8002-030405060708', 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee']
    const list = [
      found('g', { guid: guid(1), uuid: A }),
      found('v', { uuid: '11111111-0000-4000-8000-000000000001', pool: 'vdi' }),
      found('n', { uuid: '22222222-0000-4000-8000-000000000001', groups: ['x'], address: '10.0.0.9' }),
    ]
    const [g, v, n] = (await put(store, list)) as [number, number, number]
    const campaign = await begin(store, 'k', [n])
    const [held] = await store.claimTargets(anyClaim(campaign))
    await store.observe([g, v, n].map((id) => answer(id, noon, [product()])))
    const other = (n: number) => `bbbbbbbb-0000-4000-8000-00000000000${n}`
    const first = await store.observe([g, v].map((id, i) => answer(id, noon + 1, [product()], { uuid: other(i + 1) })))
    assert.deepEqual([first.replaced, first.changed], [[], 2])
    assert.deepEqual([(await store.find(g))[0]!.uuid, (await store.find(v))[0]!.uuid], [other(1), other(2)])
    const told = answer(n, noon + 2, [product({ state: 'notification' })], { uuid: B })
    const second = await store.observe([told, answer(g, noon + 2, [product()])])
    const [now, old] = await store.find('n')
    assert.deepEqual(second.replaced, [{ name: 'n', machine: n, by: now!.id }])
    assert.deepEqual([second.same, second.changed, second.unknown], [1, 1, 0])
    assert.deepEqual(
      [now!.uuid, now!.groups, now!.address, now!.sources, now!.products[0]!.state, now!.vanishedAt, now!.addedAt],
      [B, ['x'], '10.0.0.9', [{ source: 'csv', vanishedAt: null }], 'notification', null, noon + 2],
    )
    assert.deepEqual([old!.id, old!.vanishedAt, old!.products[0]!.state, old!.seenAt], [n, noon + 2, 'licensed', noon])
    assert.deepEqual([(await store.history(n, 9)).products.length, (await store.history(now!.id, 9)).products.length], [1, 1])
    assert.deepEqual((await store.counts()).machines, { listed: 3, vanished: 1, never: 0, unasked: 0 })
    assert.equal(
      (await store.counts()).products.reduce((sum, p) => sum + p.count, 0),
      3,
    )
    // Said again, as an answer may be lost: it is known by now whose it is. The old one's part of a campaign ends as before.
    assert.deepEqual(await store.observe([told]), { same: 1, changed: 0, unanswered: 0, older: 0, unknown: 0, replaced: [] })
    assert.deepEqual(await store.endTargets([{ held: held!, end: done }]), [true])
    await store.savePlans([{ key: 'p', machine: n, campaign, at: noon, plan }])
    // The list that named it names the new one.
    const d = await store.importMachines(list, { source: 'csv', at: noon + 3, partial: true })
    assert.deepEqual([d.added, d.renamed], [[], []])
  })

  on('boards that come and go make no more rows than there are boards', async (store) => {
    const uuid = (n: number) => `0000000${n}-1111-4222-8333-4444444444aa`
    const [id] = await put(store, [found('n', { uuid: uuid(1) }), found('m')])
    for (let i = 0; i < 9; i++) {
      const [now] = await store.find('n')
      const { replaced } = await store.observe([answer(now!.id, noon + i, [product()], { uuid: uuid(1 + (i % 3)) })])
      assert.equal(replaced.length, i === 0 ? 0 : 1)
    }
    const all = await store.find('n')
    assert.deepEqual(
      [all.length, all.filter((m) => m.vanishedAt === null).length, all.at(-1)!.id === id || all[1]!.id === id],
      [3, 1, true],
    )
    assert.equal((await store.counts()).products[0]!.count, 1)
    // The same board, written as firmware keeps it; nothing that a maker forgot to set; nothing that clones share.
    const [now] = await store.find('n')
    const same = async (u: string) => (await store.observe([answer(now!.id, noon + 20, [product()], { uuid: u })])).replaced.length
    assert.equal(now!.uuid, uuid(3))
    assert.equal(await same('03000000-1111-2242-8333-4444444444aa'), 0)
    assert.equal(await same('03000200-0400-0500-0006-000700080009'), 0)
    assert.equal(await same('ffffffff-ffff-ffff-ffff-ffffffffffff'), 0)
    await put(store, [found('m', { uuid: uuid(7) })], 'csv2')
    assert.equal(await same(uuid(7)), 0)
  })

  on('two that see the new board at once make one machine of it', async (store) => {
    const list = Array.from({ length: 6 }, (_, i) => found(`n${i}`, { uuid: `cccccccc-0000-4000-8000-00000000000${i}` }))
    const ids = await put(store, list)
    const tell = () => store.observe(ids.map((id, i) => answer(id, noon, [product()], { uuid: `dddddddd-0000-4000-8000-00000000000${i}` })))
    const told = await Promise.all([tell(), tell(), tell()])
    assert.equal(told.flatMap((t) => t.replaced).length, 6)
    assert.deepEqual((await store.counts()).machines, { listed: 6, vanished: 6, never: 0, unasked: 0 })
  })

  on('keys, words and notes of campaigns, hosts and journals are values, too', async (store, place) => {
    const random = Array.from({ length: 9_000 }, (_, i) => String.fromCharCode(33 + ((i * i * 31 + i * 7) % 90))).join('')
    const evil = [
      `'; drop table campaign_target; --`,
      `") ; delete from machine; --`,
      'a%',
      '\\',
      '$1 ? :x @y',
      '\u0000',
      '\ud800x',
      '',
      '😀',
      `\r\n'`,
    ]
    const ids = await put(store, many(2))
    for (const [i, e] of evil.entries()) {
      const kept = e.toWellFormed().replaceAll('\0', '\ufffd')
      const key = `${i} ${e}`
      const campaign = await store.createCampaign({ key, kind: 'scan', name: e, settings: { [e]: e }, at: noon })
      assert.deepEqual(
        (await store.campaigns({ key, limit: 9 })).map((c) => [c.id, c.name, c.settings]),
        [[campaign, kept, { [e]: e }]],
      )
      await store.addTargets(
        campaign,
        ids.map((machine, position) => ({ machine, site: e, position })),
        noon,
      )
      await store.setCampaign(campaign, { state: 'running', because: e, at: noon })
      const [a, b] = await store.claimTargets({ ...anyClaim(campaign), site: e, owner: e, mostAtOnce: 9 })
      assert.deepEqual(
        (await store.leases(campaign)).map((l) => [l.owner, l.machines]),
        [[kept, 2]],
      )
      assert.deepEqual(await store.appendJournal([{ held: a!, sequence: 0, at: noon, body: e }]), [true])
      assert.deepEqual(await store.appendJournal([{ held: a!, sequence: 0, at: noon, body: e }]), [true])
      assert.equal((await store.journal(campaign, a!.machine))[0]!.body, kept)
      assert.equal((await store.extendLeases({ campaign, owner: e, until: noon + 9 })).length, 2)
      const ends = [{ held: a!, end: { state: 'failed', result: e, problemCode: e, outcome: e, at: noon } as const }]
      assert.deepEqual([await store.endTargets(ends), await store.endTargets(ends)], [[true], [true]])
      assert.equal(await store.takeBack({ campaign, owner: e, until: noon + 9, dueAt: noon }), 1)
      assert.equal(await finishTarget(store, b!, done), false)
      const [failed] = (await store.targets(campaign, { states: ['failed'] }, { limit: 9, after: null })).rows
      assert.deepEqual([failed!.result, failed!.problem, failed!.outcome, failed!.site], [kept, kept, kept, kept])
      if (e !== '') assert.equal((await store.left({ campaign, upTo: null, sites: [e, 'x'] })).failed, 1)
      assert.equal((await store.progress(campaign)).length, 2)
      const o = { key, machine: ids[0]!, campaign, plan: e, beganAt: 1, endedAt: 2, result: e, problem: trouble(e), verdict: null }
      await store.saveOutcome({ ...o, steps: [{ step: { ...step, what: e, change: e }, result: e, returnValue: null, because: e }] })
      assert.equal((await store.outcomes({ campaign }, { limit: 9, after: null })).rows[0]!.result, kept)
      await store.savePlans([{ key, machine: ids[0]!, campaign, at: noon, plan: { ...plan, name: e, fingerprint: e } }])
      assert.equal((await store.planOf(campaign, ids[0]!))!.plan.name, e)
      const [host] = await store.saveHosts([{ name: `h${i}${e}`, port: 1, sources: [e] }], noon)
      const check = { host: host!, at: noon, address: e, state: e, problem: trouble(e), told: { [e]: e } }
      for (let n = 0; n < 2; n++) await store.saveCheck({ ...check, at: noon + n, counts: [{ ...hostCount, name: e, partialKey: null }] })
      const told = await store.hostHistory(`h${i}${e}`, 1, 0)
      assert.deepEqual([told.checks.map((c) => [c.state, c.times]), told.counts.map((c) => [c.name, c.times])], [[[kept, 2]], [[kept, 2]]])
      assert.deepEqual(await store.find(e), [])
    }
    assert.equal((await ground.run(place, 'select count(*) as n from campaign_target'))[0]!.n, 2 * evil.length)
    // A machine may answer anything: nothing is too long for an index.
    const long = product({
      name: random,
      activationId: random,
      activationObject: random,
      cause: random,
      kms: { ...product().kms!, host: random },
    })
    const told = await store.observe([answer(ids[0]!, noon, [long], { cmid: random, uuid: random }), answer(ids[1]!, noon, [product()])])
    assert.equal(told.changed, 2)
    assert.equal((await store.observe([answer(ids[0]!, noon + 1, [long])])).same, 1)
    assert.equal((await store.find(ids[0]!))[0]!.cmid, null)
    await put(store, [found(random, { groups: [random], pool: random, uuid: random, guid: random })], 'r')
  })

  on('a clock that jumps by hours and back loses nothing, and holds nothing up', async (store) => {
    const [id] = (await put(store, many(1))) as [number]
    const hour = 3_600_000
    const campaign = await begin(store, 'k', [id])
    // Taken by a clock that was five hours ahead, and its holder died: nobody waits five hours.
    const [first] = await store.claimTargets({ ...anyClaim(campaign), now: noon + 5 * hour })
    assert.equal(first!.attempt, 1)
    const [lease] = await store.leases(campaign)
    assert.equal(await store.takeBack({ campaign, ...lease!, dueAt: noon }), 1)
    const [second] = await store.claimTargets({ ...anyClaim(campaign), owner: 'v', now: noon })
    assert.equal(second!.attempt, 2)
    assert.deepEqual(await store.endTargets([{ held: first!, end: done }]), [false])
    // One whose clock was set back still holds what it has, writes, and ends it.
    await store.extendLeases({ campaign, owner: 'v', until: noon - 6 * hour })
    assert.deepEqual(await store.appendJournal([{ held: second!, sequence: 0, at: noon - 6 * hour, body: 'x' }]), [true])
    await store.extendLeases({ campaign, owner: 'v', until: noon + 60_000 })
    assert.deepEqual(await store.endTargets([{ held: second!, end: { ...done, at: noon - 6 * hour } }]), [true])
    const at = [0, 5, -7, 1, 2].map((h) => noon + h * hour)
    const said = [product(), product(), product(), product({ state: 'notification', minutesLeft: null }), product()]
    for (const [i, when] of at.entries()) await store.observe([answer(id, when, [said[i]!])])
    await store.observe([{ machine: id, at: noon + 9 * hour, problem: trouble('AWAY') }])
    await store.observe([{ machine: id, at: noon - 9 * hour, problem: trouble('SHUT') }])
    await store.observe([answer(id, noon - 8 * hour, [product()])])
    const { products, unasked } = await store.history(id, 99)
    assert.deepEqual(
      products.map((p) => p.state),
      ['licensed', 'notification', 'licensed'],
    )
    for (const s of [...products, ...unasked]) assert.ok(s.until === null || s.until >= s.from)
    assert.deepEqual(unasked.map((u) => u.code).sort(), ['AWAY', 'SHUT'])
    const [now] = await store.find(id)
    assert.deepEqual([now!.problem, now!.seenAt, now!.products.length], [null, noon - 8 * hour, 1])
  })

  on('a backup holds everything, and comes back in place of what is there, which is kept', async (store, place) => {
    const folder = mkdtempSync(join(tmpdir(), 'slmctl-store-'))
    try {
      const [id, gone] = await put(store, [found('pc-1', { guid: guid(1), groups: ['g'] }), found('old')])
      await put(store, [found('pc-1', { guid: guid(1), groups: ['g'] })])
      await store.observe([
        answer(id!, noon, [product({ cause: 'c', verdict: 'action' })]),
        { machine: gone!, at: noon, problem: trouble('AWAY') },
      ])
      await store.observe([
        answer(id!, noon + 1, [product({ origin: 'suspect' })]),
        { machine: gone!, at: noon + 1, problem: trouble('SHUT') },
      ])
      const campaign = await store.createCampaign({ key: 'k', kind: 'apply', name: 'n', settings: null, at: noon })
      await store.addTargets(campaign, [{ machine: id!, site: 's', position: 0 }], noon)
      await store.setCampaign(campaign, { state: 'running', because: null, at: noon })
      const [held] = await store.claimTargets({ ...anyClaim(campaign), site: 's' })
      const reason = { campaign, code: 'AWAY', text: 'pc-1 is away.', next: ['Is it on?'] }
      await store.saveReasons([
        reason,
        { ...reason, text: 'pc-2 is away.' },
        { ...reason, code: 'LONG', text: 'x\0'.repeat(9999), next: [] },
      ])
      const [first, long] = await store.reasonsOf(campaign)
      assert.deepEqual(first, { code: 'AWAY', text: 'pc-1 is away.', next: ['Is it on?'] }, 'what was said first')
      assert.ok(long!.text.length < 700)
      await store.appendJournal([{ held: held!, sequence: 0, at: noon, body: '{}' }])
      await store.savePlans([{ key: 'p1', machine: id!, campaign, at: noon, plan }])
      await store.saveOutcome({
        key: 'o',
        machine: id!,
        campaign,
        plan: 'p1',
        beganAt: 1,
        endedAt: 2,
        result: 'changed',
        problem: null,
        verdict: null,
        steps: [{ step, result: 'done', returnValue: 0, because: '' }],
      })
      const [host] = await store.saveHosts([{ name: 'kms', port: 1, sources: [] }], noon)
      await store.saveCheck({ host: host!, at: noon, address: '', state: 'alive', problem: null, told: null, counts: [hostCount] })
      const account = (await store.saveAccount({ name: 'ann', kind: 'local', subject: null, role: 'viewer', secret: 's', at: noon })).id
      await store.saveToken({ hash: 'h1', account, name: 't', scope: 'read', createdAt: noon, endsAt: noon + day })
      await store.saveView({ account, name: 'v', query: 'verdict=ok', at: noon })
      await store.keepAlerts({ put: [{ key: 'a', rule: 'r', fingerprint: 'f', since: 1, sentAt: null, body: '{}' }], drop: [] })
      for (const who of ['ann', 'bob'])
        await store.appendTrail({ at: noon, who, by: 'local', from: '::1', what: 'w', about: 'a', result: 'done', detail: { n: 1 } })
      // What is over elsewhere goes into no copy.
      await store.saveSession({ hash: 'secret-session', account, createdAt: noon, endsAt: noon + day, by: 'local' })
      await store.saveOnce({ hash: 'secret-link', endsAt: noon + day })
      await store.claimKey({ key: 'secret-key', account, request: 'r', at: noon })
      const own = join(folder, 'own')
      const lines = join(folder, 'lines')
      await store.backup(own)
      await store.backup(lines, 'lines')
      if (process.platform !== 'win32') assert.equal(statSync(own).mode & 0o777, 0o600)
      await assert.rejects(store.backup(own), code('STORE_FILE_EXISTS'))
      for (const table of [
        'machine',
        'machine_import',
        'source_entry',
        'machine_group',
        'cause',
        'remark',
        'product',
        'product_past',
        'problem_past',
        'campaign',
        'campaign_reason',
        'campaign_target',
        'journal_entry',
        'plan',
        'outcome',
        'outcome_step',
        'host',
        'host_check',
        'host_count',
        'product_kind',
        'fleet_change',
        'account',
        'api_token',
        'saved_view',
        'alert',
        'trail',
        'mark',
      ])
        assert.match(readFileSync(lines, 'utf8'), new RegExp(`^\\["${table}",`, 'm'))
      for (const file of [own, lines]) assert.doesNotMatch(readFileSync(file, 'latin1'), /secret-(?:session|link|key)/)
      await put(store, [found('later')], 'x')
      await store.appendTrail({ at: noon, who: 'later', by: 'local', from: '', what: 'w', about: 'a', result: 'done', detail: null })
      await store.close()
      for (const file of [own, lines]) {
        const { aside } = await restoreStore(place, file, new Date(noon + (file === own ? 0 : 60_000)))
        assert.ok(aside)
        const back = await openStore(place, { create: false })
        try {
          await back.check()
          assert.deepEqual(await back.find('later'), [])
          const copy = join(folder, `again-${file === own}`)
          await back.backup(copy, 'lines')
          assert.equal(readFileSync(copy, 'utf8'), readFileSync(lines, 'utf8'))
          // Numbers that the database gives go on after the last one.
          const next = await back.createCampaign({ key: 'new', kind: 'scan', name: '', settings: 0, at: noon })
          assert.ok(next > campaign)
          assert.deepEqual(await back.checkTrail(), { rows: 2, broken: null })
          await back.appendTrail({ at: noon, who: 'ann', by: 'local', from: '', what: 'w', about: 'a', result: 'done', detail: null })
          assert.deepEqual(await back.checkTrail(), { rows: 3, broken: null })
          assert.deepEqual(
            [
              await back.session('secret-session', noon),
              await back.takeOnce('secret-link', noon),
              (await back.token('h1', noon))?.account.name,
            ],
            [null, false, 'ann'],
          )
          assert.equal(
            (await back.saveAccount({ name: 'ann', kind: 'local', subject: null, role: 'viewer', secret: 's', at: 1 })).id,
            account,
          )
        } finally {
          await back.close()
        }
      }
      // Nothing of a damaged backup gets in, and the store stays.
      const text = readFileSync(lines, 'utf8')
      for (const [what, bad] of Object.entries({
        cut: text.slice(0, -90),
        line: text.replace('pc-1', 'pc-2'),
        half: text.slice(0, text.length / 2),
        names: text.replace('["machine",{"id"', '["machine",{"id\\" --"'),
      })) {
        const file = join(folder, what)
        writeFileSync(file, bad)
        await assert.rejects(restoreStore(place, file, new Date(noon)), code('BACKUP_DAMAGED'), what)
      }
      writeFileSync(join(folder, 'newer'), text.replace(/"version":\d+/, '"version":99'))
      await assert.rejects(restoreStore(place, join(folder, 'newer'), new Date(noon)), code('STORE_NEWER'))
      writeFileSync(join(folder, 'other'), 'name,address\n')
      await assert.rejects(restoreStore(place, join(folder, 'other'), new Date(noon)), code('STORE_NOT_OURS'))
      await assert.rejects(restoreStore(place, join(folder, 'none'), new Date(noon)), code('STORE_MISSING'))
      const still = await openStore(place, { create: false })
      assert.equal((await still.find('pc-1')).length, 1)
      await still.close()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  for (const version of [1, 2])
    test(`${name}: a backup that version ${version} made comes back, of either form, and is what this one makes of it`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'slmctl-store-'))
      try {
        const own = join(folder, 'own')
        const old = new DatabaseSync(own)
        old.exec(readFileSync(`test/store/version-${version}.sql`, 'utf8'))
        writeFileSync(join(folder, 'lines'), linesOf(old, version))
        old.close()
        for (const file of [own, join(folder, 'lines')]) {
          const place = await ground.place()
          await restoreStore(place, file, new Date(noon))
          const store = await openStore(place, { create: false })
          try {
            await store.check()
            const page = { limit: 9, after: null, sort: { by: 'expires', down: true } } as const
            const { rows } = await store.list({}, page)
            assert.deepEqual(
              rows.map((m) => m.name),
              version === 1 ? ['pc-1.corp.example'] : ['pc-1.corp.example', 'pc-2.corp.example'],
            )
            const kinds = await store.byOrigin()
            assert.equal(
              kinds.reduce((n, k) => n + k.count, 0),
              rows.length,
            )
            assert.deepEqual([kinds[0]!.host, kinds[0]!.system], [rows[0]!.products[0]!.host, rows[0]!.system])
            assert.deepEqual(await store.checkTrail(), { rows: 0, broken: null })
            // Said again as it was kept: it is of the same kind, and new numbers go on.
            await store.observe([
              answer(rows[0]!.id, noon + 9 * day, [product({ state: 'notification', activationId: rows[0]!.products[0]!.key })]),
            ])
            assert.equal((await store.byOrigin()).find((k) => k.state === 'notification')!.count, 1)
            assert.deepEqual(await store.countChanges(noon + 9 * day), { lapsed: 1 })
          } finally {
            await store.close()
          }
        }
      } finally {
        rmSync(folder, { recursive: true })
      }
    })

  on('compacting keeps everything', async (store) => {
    const ids = await put(
      store,
      Array.from({ length: 300 }, (_, i) => found(`c${i}`)),
    )
    await store.observe(ids.map((id) => answer(id, noon, [product()])))
    const before = await store.counts()
    const { bytesBefore, bytesAfter } = await store.compact()
    assert.ok(bytesBefore > 0 && bytesAfter > 0)
    assert.deepEqual(await store.counts(), before)
    await store.check()
  })

  test(`${name}: a newer schema, or something that is not ours, is refused and left as it is`, async () => {
    const place = await ground.place()
    await (await openStore(place, { create: true })).close()
    await ground.run(place, 'insert into slmctl_schema (version, at) values (2000, 1)')
    await assert.rejects(openStore(place, { create: true }), code('STORE_NEWER'))
    assert.equal((await ground.run(place, 'select max(version) as v from slmctl_schema'))[0]!.v, 2000)
    const other = await ground.place()
    await ground.run(other, 'create table customers (id integer)')
    await assert.rejects(openStore(other, { create: true }), code('STORE_NOT_OURS'))
    await assert.rejects(ground.run(other, 'select * from slmctl_schema'))
  })

  test(`${name}: many open a new store at once`, async () => {
    const place = await ground.place()
    const stores = await Promise.all([1, 2, 3, 4].map(() => openStore(place, { create: true })))
    await Promise.all(stores.map((s, i) => s.importMachines([found(`n${i}`)], { source: `s${i}`, at: noon })))
    assert.equal((await stores[0]!.counts()).machines.listed, 4)
    for (const s of stores) await s.close()
  })
}

/** A file of SQLite as the lines that a backup of its version was. */
function linesOf(database: DatabaseSync, version: number): string {
  const tables = database.prepare("select name from sqlite_schema where type = 'table' and name not like 'sqlite%'").all()
  const rows = tables
    .filter((t) => t.name !== 'slmctl_schema')
    .flatMap((t) =>
      database
        .prepare(`select * from ${t.name}`)
        .all()
        .map((row) => `${JSON.stringify([t.name, row])}\n`),
    )
  const text = `${JSON.stringify({ schema: 'slmctl.store/1', version })}\n${rows.join('')}`
  return `${text}${JSON.stringify({ rows: rows.length, sha256: createHash('sha256').update(text).digest('hex') })}\n`
}

const hostCount = { application: 'windows', name: null, partialKey: null, count: 1, thresholds: [], total: 1, failed: 0 } as const
const anyClaim = (campaign: number) =>
  ({ campaign, site: '-', owner: 'w', limit: 100, now: noon, leaseMs: 60_000, mostAtOnce: null, mostInAll: null, upTo: null }) as const

const one2 = async (store: Store, filter: Filter) => (await store.list(filter, { limit: 99, after: null })).rows
