/** What the dashboard's pages ask of the store: orders of the list, changes, ends by day, ages, words, kinds, plans of a campaign. */
import assert from 'node:assert/strict'
import type { FoundMachine, MachinePlan, Origin, Product, Verdict } from '../../src/model.ts'
import type { Filter, MachineLine, Place, Sort, SortKey, Store } from '../../src/store.ts'
import { answer, day, found, noon, product, trouble } from './fixture.ts'

type On = (what: string, f: (store: Store, place: Place) => Promise<void>) => unknown
type Put = (store: Store, list: readonly FoundMachine[], source?: string, at?: number) => Promise<number[]>

const code = (wanted: string) => (error: unknown) => {
  assert.equal((error as { problems?: { code: string }[] }).problems?.[0]?.code, wanted, String(error))
  return true
}
const all = { limit: 999, after: null }
const id2 = '22222222-2222-4333-8444-555555555555'
const minutes = (days: number) => days * 1440

async function everyPage(store: Store, filter: Filter, sort: Sort, limit: number): Promise<readonly MachineLine[]> {
  const rows: MachineLine[] = []
  for (let after: string | null = null; ; ) {
    const page = await store.list(filter, { limit, after, sort })
    assert.ok(page.rows.length <= limit)
    rows.push(...page.rows)
    after = page.next
    if (after === null) return rows
  }
}

const verdicts: readonly (Verdict | null)[] = ['action', 'cannot-tell', 'attention', 'ok']
const origins: readonly (Origin | null)[] = ['foreign', 'suspect', 'cannot-tell', 'platform', 'vendor', 'own']
/** What a machine is sorted by, worked out from what the list shows of it; null: it has none. */
const sortedBy: Readonly<Record<SortKey, (m: MachineLine) => string | number | null>> = {
  name: (m) => m.name,
  verdict: (m) => (m.verdict === null ? null : verdicts.indexOf(m.verdict)),
  origin: (m) => (m.origin === null ? null : origins.indexOf(m.origin)),
  expires: (m) => m.products.reduce<number | null>((a, p) => (p.expiresAt === null ? a : Math.min(a ?? Infinity, p.expiresAt)), null),
  seen: (m) => m.seenAt,
  system: (m) => m.system,
  problem: (m) => m.problem?.code ?? null,
}
function sorted(rows: readonly MachineLine[], { by, down }: Sort): readonly number[] {
  const value = sortedBy[by]
  const compare = (a: string | number, b: string | number) => (a < b ? -1 : a > b ? 1 : 0)
  const way = down ? -1 : 1
  return rows
    .toSorted((a, b) => {
      const [x, y] = [value(a), value(b)]
      if (x === null || y === null) return x === y ? way * (compare(a.name, b.name) || a.id - b.id) : x === null ? 1 : -1
      return way * (compare(x, y) || compare(a.name, b.name) || a.id - b.id)
    })
    .map((m) => m.id)
}

/** Machines of every kind: seen and not, with an end and without, of every verdict and origin, with and without a problem. */
async function variety(store: Store, put: Put): Promise<void> {
  const ids = await put(
    store,
    Array.from({ length: 70 }, (_, i) =>
      found(`pc-${(i * 37) % 70}`, { system: i % 7 === 0 ? null : `Windows ${i % 3}`, groups: [`g${i % 2}`] }),
    ),
  )
  await store.observe(
    ids.flatMap((id, i) => {
      if (i % 10 === 9) return []
      const products = [
        product({ minutesLeft: i % 4 === 0 ? null : minutes(1 + ((i * 13) % 40)), origin: origins[i % 6]!, verdict: verdicts[i % 4]! }),
        product({ activationId: id2, minutesLeft: i % 8 === 0 ? null : minutes(1 + ((i * 29) % 50)) }),
      ]
      const reading = { verdict: verdicts[i % 4]!, origin: origins[i % 6]!, headline: 'h', next: [], system: i % 5 ? `S${i % 4}` : null }
      return [answer(id, noon + (i % 9) * 1000, products, { reading })]
    }),
  )
  await store.observe(
    ids.flatMap((machine, i) => (i % 6 === 0 ? [{ machine, at: noon + day, problem: trouble(i % 12 ? 'AWAY' : 'SHUT') }] : [])),
  )
}

export function pages(on: On, put: Put): void {
  on('machines in every order, both ways, in pages of any size: each once, those without the value last', async (store) => {
    await variety(store, put)
    const filters: readonly Filter[] = [
      {},
      { verdict: ['action', 'ok'] },
      { origin: ['foreign', 'own'], group: 'g1' },
      { problem: '*' },
      { state: ['licensed'], text: 'pc-1' },
      { vanished: 'too' },
    ]
    for (const filter of filters) {
      const { rows } = await store.list(filter, all)
      assert.ok(rows.length > 2)
      for (const by of Object.keys(sortedBy) as SortKey[])
        for (const down of [false, true])
          for (const limit of [3, 17, 500]) {
            const got = await everyPage(store, filter, { by, down }, limit)
            assert.deepEqual(
              got.map((m) => m.id),
              sorted(rows, { by, down }),
              `${JSON.stringify(filter)} ${by} ${down} ${limit}`,
            )
          }
    }
  })

  on('machines of a filter counted together are what they are one by one, by causes too', async (store) => {
    await variety(store, put)
    const causes = ['The clock is wrong.', 'No host is found.']
    const ids = await store.ids({})
    await store.observe(
      ids.flatMap((id, i) => {
        if (i % 3 !== 0) return []
        const of = (n: number) => ({ host: `kms${(i + n) % 2}`, state: (i + n) % 4 ? ('notification' as const) : ('licensed' as const) })
        const bad = (n: number): Product => {
          const { host, state } = of(n)
          const more = {
            verdict: 'action',
            cause: causes[(i + n) % 2]!,
            reason: i % 9 ? '0xC004F074' : null,
            minutesLeft: minutes(9),
          } as const
          return product({ ...more, state, ...(n ? { activationId: id2 } : {}), kms: { ...product().kms!, host } })
        }
        return [answer(id, noon + 2 * day, i % 2 ? [bad(0)] : [bad(0), bad(1)])]
      }),
    )
    await store.importMachines(
      Array.from({ length: 60 }, (_, i) => found(`pc-${i}`, { groups: [`g${i % 2}`] })),
      { source: 'csv', at: noon + 3 * day },
    )
    assert.ok((await store.count({ vanished: 'only', state: ['notification'] })) > 0)
    const known = (await store.causes(100)).flatMap((c) => (c.cause === null ? [] : [c.cause]))
    assert.equal(known.length, 2)
    const filters: readonly Filter[] = [
      ...[
        {},
        { group: 'g1' },
        { text: 'pc-1' },
        { verdict: ['action'] as const },
        { problem: '*' },
        { host: 'kms1' },
        { product: 'windows' },
      ],
      ...[
        { host: 'kms0', state: ['notification'] as const },
        { error: '0xC004F074' },
        { cause: known[0]! },
        { cause: known[0]!, host: 'kms1' },
      ],
      ...[
        { endsBefore: noon + 30 * day },
        { seenBefore: noon + day },
        { seenBefore: 0 },
        { group: 'g0', origin: ['foreign', 'own'] as const },
      ],
      ...[
        { vanished: 'too' as const, host: 'kms1' },
        { vanished: 'only' as const },
        { group: 'none' },
        { vanished: 'no' as const, host: 'kms1' },
      ],
    ]
    const before = noon + day
    for (const filter of filters) {
      const groups = await store.countedBy(filter, before)
      const sum = (fits: (g: (typeof groups)[number]) => boolean) => groups.reduce((n, g) => (fits(g) ? n + g.count : n), 0)
      const said = JSON.stringify(filter)
      assert.equal(
        sum(() => true),
        await store.count(filter),
        said,
      )
      for (const word of verdicts) {
        const narrowed = filter.verdict && !filter.verdict.includes(word!) ? 0 : await store.count({ ...filter, verdict: [word!] })
        assert.equal(
          sum((g) => g.verdict === word),
          narrowed,
          `${said} ${word}`,
        )
      }
      const unseen = await store.count({ ...filter, seenBefore: Math.min(before, filter.seenBefore ?? before) })
      assert.equal(
        sum((g) => g.stale),
        unseen - (await store.count({ ...filter, seenBefore: 0 })),
        said,
      )
      const by = await store.causesBy(filter)
      for (const cause of known) {
        const other = filter.cause !== undefined && filter.cause !== cause
        assert.equal(by.get(cause) ?? 0, other ? 0 : await store.count({ ...filter, cause }), `${said} cause ${cause}`)
      }
    }
    assert.deepEqual([(await store.causesBy({})).size, (await store.causesBy({ cause: known[0]! })).size], [2, 1])
  })
  on('a key of a page belongs to its order', async (store) => {
    await variety(store, put)
    const next = async (sort: Sort, filter: Filter = {}) => (await store.list(filter, { limit: 2, after: null, sort })).next!
    for (const [sort, after] of [
      [{ by: 'verdict', down: false }, await next({ by: 'verdict', down: true })],
      [{ by: 'expires', down: false }, await next({ by: 'seen', down: false })],
      [{ by: 'name', down: false }, await next({ by: 'system', down: false })],
      [{ by: 'name', down: true }, await next({ by: 'name', down: false })],
      [{ by: 'system', down: false }, Buffer.from('["system",7,"a",1]').toString('base64url')],
      [{ by: 'seen', down: false }, Buffer.from('["seen",0,"a","b",1]').toString('base64url')],
      [{ by: 'seen', down: false }, 'nonsense'],
    ] as const)
      await assert.rejects(store.list({}, { limit: 2, after, sort }), code('PAGE_UNKNOWN'))
  })

  on('the first end of a machine follows what it has', async (store) => {
    const [id] = await put(store, [found('pc')])
    const first = async () => (await store.list({}, { ...all, sort: { by: 'expires', down: false } })).rows.map(sortedBy.expires)[0]
    const order = async () => everyPage(store, {}, { by: 'expires', down: false }, 1)
    await put(store, [found('other')], 'x')
    const [other] = (await store.find('other')).map((m) => m.id)
    const two = (a: number | null, b: number | null) => [product({ minutesLeft: a }), product({ activationId: id2, minutesLeft: b })]
    await store.observe([answer(other!, noon, [product({ minutesLeft: minutes(20) })])])
    const leads = async () => (await order())[0]!.name
    await store.observe([answer(id!, noon, two(minutes(30), minutes(10)))])
    assert.deepEqual([await leads(), await first()], ['pc', noon + 10 * day])
    // The other one is told again only; what was said of the second stands.
    await store.observe([answer(id!, noon + 1, [product({ minutesLeft: minutes(15) })], { whole: false })])
    assert.equal(await leads(), 'pc')
    await store.observe([answer(id!, noon + 2, [product({ minutesLeft: minutes(30) })])])
    assert.equal(await leads(), 'other', 'the one that ended first is gone')
    await store.observe([answer(id!, noon + 3, two(null, minutes(1)))])
    assert.equal(await leads(), 'pc')
    await store.observe([answer(id!, noon + 4, [])])
    assert.equal(await leads(), 'other')
  })

  on('what changed is written down as it is seen', async (store) => {
    const since = async (at: number) =>
      (await store.changes(at, all)).rows.map((c) => [c.kind, c.name, c.product, c.from, c.to].filter((v) => v !== null).join(' '))
    const name = product().name!
    const ids = await put(store, [found('a'), found('b'), found('c'), found('d')])
    assert.deepEqual(await store.countChanges(noon), { added: 4 })
    const [a, b, c, d] = ids as [number, number, number, number]
    const bad = { state: 'notification', verdict: 'action' } as const
    await store.observe([a, b, c].map((id) => answer(id, noon + 1, [id === c ? product(bad) : product()])))
    assert.deepEqual(await store.countChanges(noon + 1), {}, 'a first answer is no change')
    // Never answered: it has not stopped.
    await store.observe([{ machine: d, at: noon + 2, problem: trouble('AWAY') }])
    assert.deepEqual(await since(noon + 1), [])
    await store.observe([answer(a, noon + 3, [product(bad)]), answer(c, noon + 3, [product()])])
    await store.observe([{ machine: b, at: noon + 4, problem: trouble('AWAY') }])
    await store.observe([{ machine: b, at: noon + 5, problem: trouble('SHUT') }])
    await store.observe([answer(b, noon + 6, [product({ origin: 'foreign' })])])
    await store.observe([answer(c, noon + 7, [product({ kms: { ...product().kms!, host: 'KMS9.' } })])])
    await store.observe([
      answer(c, noon + 8, [product({ kms: { ...product().kms!, host: 'kms9' }, cause: 'x', verdict: 'attention', count: 7 })]),
    ])
    await store.observe([answer(d, noon + 9, [product({ origin: 'suspect' })])])
    await store.observe([answer(c, noon + 10, [product({ kms: product().kms }), product({ activationId: id2, name: 'Visio' })])])
    const grace = product({ state: 'initial-grace' })
    await store.observe([answer(c, noon + 11, [product()])])
    await store.observe([answer(a, noon + 12, [grace])])
    await store.observe([answer(a, noon + 13, [product(bad)])])
    await store.importMachines([found('a'), found('b'), found('c')], { source: 'csv', at: noon + 14 })
    await store.importMachines([found('a'), found('b'), found('c'), found('d')], { source: 'csv', at: noon + 15 })
    assert.deepEqual(await since(noon + 1), [
      'added d csv',
      'vanished d csv',
      `lapsed a ${name} initial-grace notification`,
      `changed a ${name} notification initial-grace`,
      'changed c Visio licensed',
      'changed c Visio licensed',
      `changed c ${name} kms9 kms1.corp.example`,
      'answered d AWAY',
      `foreign d ${name} suspect`,
      `changed c ${name} kms1.corp.example kms9`,
      'answered b SHUT',
      `foreign b ${name} own foreign`,
      'silent b AWAY',
      `restored c ${name} notification licensed`,
      `lapsed a ${name} licensed notification`,
    ])
    const counted = await store.countChanges(noon + 1)
    assert.deepEqual(counted, { added: 1, vanished: 1, changed: 5, answered: 2, foreign: 2, silent: 1, restored: 1, lapsed: 2 })
    const paged: number[] = []
    for (let after: string | null = null; ; ) {
      const page = await store.changes(noon + 1, { limit: 2, after })
      paged.push(...page.rows.map((r) => r.at))
      after = page.next
      if (after === null) break
    }
    assert.equal(paged.length, 15)
    assert.deepEqual(
      paged,
      paged.toSorted((x, y) => y - x),
    )
    assert.deepEqual(await since(noon + 16), [])
    // The same again is nothing new; what is said of a machine that nobody lists is no change of the fleet.
    await store.importMachines([found('a'), found('b'), found('d')], { source: 'csv', at: noon + 20 })
    await store.observe([answer(c, noon + 21, [product(bad)]), answer(b, noon + 21, [product({ origin: 'foreign' })])])
    assert.deepEqual(await since(noon + 20), ['vanished c csv'])
  })

  on('a machine that was replaced leaves, and the one in its place comes', async (store) => {
    const board = (n: number) => `4c4c4544-0042-4d10-8051-b4c04f3132${n}`
    const [id] = await put(store, [found('pc')])
    await store.observe([answer(id!, noon + 1, [product()], { uuid: board(10) })])
    await store.observe([answer(id!, noon + 2, [product()], { uuid: board(11) })])
    assert.deepEqual(await store.countChanges(noon + 1), { added: 1, vanished: 1 })
  })

  on('products that end on each day, of listed machines', async (store) => {
    const midnight = noon - day / 2
    const ids = await put(store, [found('a'), found('b'), found('c')])
    const ending = (id: number, days: readonly (number | null)[]) =>
      answer(
        id,
        noon,
        days.map((d, i) =>
          product({
            activationId: null,
            name: `${i}`,
            minutesLeft: null,
            expires: d === null ? null : new Date(midnight + d * day).toISOString(),
          }),
        ),
      )
    await store.observe([ending(ids[0]!, [0, 0.99, 1, 2.5]), ending(ids[1]!, [-1, -0.01, 1.5, 3, null]), ending(ids[2]!, [1, 1, 1])])
    await store.importMachines([found('a'), found('b')], { source: 'csv', at: noon })
    assert.deepEqual(await store.expiry(midnight, 3), { days: [2, 2, 1], ended: 2 })
    assert.deepEqual((await store.expiry(midnight, 180)).days.slice(0, 5), [2, 2, 1, 1, 0])
    await store.observe([ending(ids[0]!, [0])])
    assert.deepEqual(await store.expiry(midnight, 3), { days: [1, 1, 0], ended: 2 })
  })

  on('when machines answered: the latest, the oldest, by age, and never', async (store) => {
    assert.deepEqual(await store.scanned(), { lastAt: null, oldestAt: null, never: 0 })
    assert.deepEqual(await store.ages(noon, [1, 2]), [0, 0])
    const ids = await put(store, [found('a'), found('b'), found('c'), found('d'), found('e')])
    await store.observe(ids.slice(0, 4).map((id, i) => answer(id, noon + i * 10, [product()])))
    await store.importMachines(
      ['a', 'b', 'c', 'e'].map((n) => found(n)),
      { source: 'csv', at: noon },
    )
    assert.deepEqual(await store.scanned(), { lastAt: noon + 20, oldestAt: noon, never: 1 })
    assert.deepEqual(await store.ages(noon + 20, [10, 0, 20, 9, 5000, 20]), [2, 1, 3, 1, 3, 3])
    assert.deepEqual(await store.ages(noon, []), [])
    // 20, 10 and 0; who vanished is not among them.
    assert.equal(await store.sumOfAges(noon + 20), 30)
    assert.equal(await store.sumOfAges(noon + 365 * 86_400_000), 3 * 365 * 86_400_000 - 30)
  })

  on('products by kind, anew after every change, by whichever process', async (store) => {
    const ids = await put(store, [found('a'), found('b'), found('c')])
    await store.observe(
      ids.map((id, i) =>
        answer(id, noon, [
          product(),
          product({ activationId: id2, name: i ? 'Visio' : 'x\0', application: 'office', addOn: true, edition: 'y'.repeat(10_000) }),
        ]),
      ),
    )
    const groups = async () =>
      (await store.byOrigin())
        .map((g) => `${g.name} ${g.application} ${g.addOn} ${g.method} ${g.state} ${g.origin} ${g.host} ${g.count}`)
        .sort()
    const rest = 'kms licensed own kms1.corp.example'
    const windows = product().name
    assert.deepEqual(await groups(), [`Visio office true ${rest} 2`, `${windows} windows false ${rest} 3`, `x\ufffd office true ${rest} 1`])
    assert.equal((await store.byOrigin())[0]!.system, 'Microsoft Windows 11 Enterprise')
    await store.observe([answer(ids[0]!, noon + 1, [product({ state: 'notification', origin: 'foreign' })])])
    assert.deepEqual(await groups(), [
      `Visio office true ${rest} 2`,
      `${windows} windows false kms licensed own kms1.corp.example 2`,
      `${windows} windows false kms notification foreign kms1.corp.example 1`,
    ])
    await store.importMachines([found('a')], { source: 'csv', at: noon + 2 })
    assert.equal((await groups()).length, 1)
    // Another system: all that the machine has is of another kind.
    const reading = { verdict: 'ok', origin: 'own', headline: '', next: [], system: 'Windows 12' } as const
    await store.observe([answer(ids[0]!, noon + 3, [product()], { reading })])
    assert.deepEqual(
      (await store.byOrigin()).map((g) => [g.system, g.count]),
      [['Windows 12', 1]],
    )
    // A system that is not told is the one it had.
    await store.observe([answer(ids[0]!, noon + 4, [product({ channel: 'mak' })], { reading: { ...reading, system: null } })])
    assert.deepEqual(
      (await store.byOrigin()).map((g) => [g.system, g.channel]),
      [['Windows 12', 'mak']],
    )
  })

  on('counts and causes are anew when another process observed', async (store, place) => {
    const { openStore } = await import('../../src/store.ts')
    const other = await openStore(place, { create: false })
    try {
      const [id] = await put(store, [found('a')])
      assert.equal((await other.counts()).machines.never, 1)
      assert.deepEqual((await other.words()).products, [])
      await store.observe([answer(id!, noon, [product({ cause: 'c', verdict: 'action' })])])
      assert.deepEqual(
        [(await other.counts()).verdict, (await other.causes(5)).length, (await other.words()).products.length],
        [{ action: 1 }, 1, 1],
      )
      assert.deepEqual(await other.counts(), await store.counts())
    } finally {
      await other.close()
    }
  })

  on('metrics name two hundred hosts and no more', async (store) => {
    const ids = await put(
      store,
      Array.from({ length: 240 }, (_, i) => found(`pc-${i}`)),
    )
    const on = (i: number) => product({ kms: { ...product().kms!, host: `kms${Math.min(i, 220)}` } })
    await store.observe(ids.map((id, i) => (i === 239 ? { machine: id, at: noon, problem: trouble('AWAY') } : answer(id, noon, [on(i)]))))
    const { products, problem, verdict, machines } = await store.metrics()
    assert.equal(new Set(products.map((p) => p.host)).size, 201)
    assert.equal(
      products.reduce((n, p) => n + p.count, 0),
      239,
    )
    assert.equal(products.find((p) => p.host === 'kms220')!.count, 19, 'the largest is named')
    assert.equal(products.find((p) => p.host === '*')!.count, 21)
    assert.deepEqual([problem, verdict, machines.never], [{ AWAY: 1 }, { ok: 239 }, 1])
  })

  on('what is not plainly ours, page by page', async (store) => {
    const ids = await put(
      store,
      Array.from({ length: 12 }, (_, i) => found(`pc-${i}`, { system: 'W' })),
    )
    await store.observe(
      ids.map((id, i) => answer(id, noon, [product({ origin: origins[i % 6]! }), product({ activationId: id2, origin: 'suspect' })])),
    )
    await store.importMachines(
      Array.from({ length: 11 }, (_, i) => found(`pc-${i}`)),
      { source: 'csv', at: noon },
    )
    const asked = ['foreign', 'suspect', 'cannot-tell'] as const
    const whole = (await store.notPlain(asked, all)).rows
    assert.deepEqual(
      whole.map((r) => r.product.origin),
      [...Array(2).fill('foreign'), ...Array(13).fill('suspect'), ...Array(2).fill('cannot-tell')],
    )
    assert.equal(whole[0]!.machineName, 'pc-0')
    for (const limit of [1, 2, 5]) {
      const rows: (typeof whole)[number][] = []
      for (let after: string | null = null; ; ) {
        const page = await store.notPlain(asked, { limit, after })
        rows.push(...page.rows)
        after = page.next
        if (after === null) break
      }
      assert.deepEqual(rows, whole)
    }
  })

  on('what is remarked of many machines is told once, with the explanation, and leads to exactly these machines', async (store) => {
    const ids = await put(
      store,
      Array.from({ length: 9 }, (_, i) => found(`pc-${i}`)),
    )
    const at = (host: string) => ({ ...product().kms!, host })
    const because = 'x.example is not a KMS host of the site file.'
    const honest = 'A host that the file lacks would explain it.'
    const doubted = (more: Partial<Product> = {}) =>
      product({ origin: 'suspect', originBecause: because, originHonest: honest, kms: at('X.example.'), ...more })
    const office = { application: 'office', name: 'Office', activationId: id2, edition: 'Standard' } as const
    const evidence = [{ source: 's', line: 1, text: 'KeyManagementServiceMachine: x.example', means: 'the KMS host, set by hand' }]
    await store.observe([
      answer(ids[0]!, noon, [doubted({ evidence, next: ['Look.'] }), doubted(office)]),
      ...[1, 2, 3, 4, 5, 6].map((i) => answer(ids[i]!, noon, [doubted({ state: i === 1 ? 'notification' : 'licensed' })])),
      // Another host, another reason, nothing that is remarked, one that is in no list any more.
      answer(ids[7]!, noon, [
        doubted({ kms: at('y.example') }),
        product({ ...office, origin: 'foreign', originBecause: 'A mark.', kms: null }),
      ]),
      answer(ids[8]!, noon, [doubted({ origin: 'cannot-tell', originBecause: 'A MAK.', state: 'unlicensed' }), product(office)]),
    ])
    const { rows, next } = await store.remarks(['foreign', 'suspect', 'cannot-tell'], all)
    assert.deepEqual(
      rows.map((r) => [
        r.origin,
        r.because,
        r.honest,
        r.host,
        r.machines,
        r.kinds.map((k) => `${k.count} ${k.name} ${k.hostFound}`).sort(),
      ]),
      [
        ['foreign', 'A mark.', null, null, 1, ['1 Office null']],
        [
          'suspect',
          because,
          honest,
          'x.example',
          7,
          ['1 Office dns', '1 Windows(R), Enterprise edition dns', '6 Windows(R), Enterprise edition dns'],
        ],
        ['suspect', because, honest, 'y.example', 1, ['1 Windows(R), Enterprise edition dns']],
      ],
    )
    assert.equal(next, null)
    const [first] = rows[1]!.examples
    assert.deepEqual(
      [rows[1]!.examples.map((e) => e.name), first!.evidence, first!.next],
      [['pc-0', 'pc-1', 'pc-2', 'pc-3', 'pc-4'], evidence, ['Look.']],
    )
    for (const { remark, machines } of rows) {
      assert.equal(await store.count({ remark }), machines)
      assert.equal((await store.list({ remark }, all)).rows.length, machines)
    }
    assert.equal((await store.find('pc-3'))[0]!.products[0]!.originHonest, honest)
    const pages: unknown[] = []
    for (let after: string | null = null, n = 0; n < 9; n++) {
      const page = await store.remarks(['suspect', 'foreign'], { limit: 1, after })
      pages.push(...page.rows.map((r) => [r.origin, r.machines]))
      after = page.next
      if (after === null) break
    }
    assert.deepEqual(pages, [
      ['suspect', 7],
      ['suspect', 1],
      ['foreign', 1],
    ])
    // What was explained is remarked no longer, and an explanation is no longer than it may be.
    await store.observe([
      ...[1, 2, 3, 4, 5, 6].map((i) => answer(ids[i]!, noon + 1, [product()])),
      answer(ids[0]!, noon + 1, [doubted({ originHonest: 'x'.repeat(100_000) }), product(office)]),
    ])
    const [, one] = (await store.remarks(['foreign', 'suspect'], all)).rows
    assert.deepEqual([one!.machines, one!.host, one!.honest!.length < 700], [1, 'y.example', true])
    assert.equal((await store.remarks(['suspect'], all)).rows.length, 2)
  })

  on('words to filter by: what there is, each once', async (store) => {
    await put(store, [found('a', { groups: ['north', 'x\0'], pool: 'vdi' }), found('b', { groups: ['north'] })], 'ad')
    const [c] = await put(store, [found('c', { groups: ['k'.repeat(10_000)] })], 'csv')
    const products = ['W', 'O', 'O'].map(
      (name, i): Product => product({ activationId: null, name: `${name}${i > 1 ? '' : i}`, cause: 'It is late.', verdict: 'action' }),
    )
    await store.observe([answer(c!, noon, products), { machine: (await store.find('a'))[0]!.id, at: noon, problem: trouble('AWAY') }])
    const words = await store.words()
    assert.deepEqual(
      { ...words, groups: words.groups.map((g) => g.slice(0, 6)), causes: words.causes.map((w) => [w.text, w.machines]) },
      {
        groups: ['kkkkkk', 'north', 'x\ufffd'],
        sources: ['ad', 'csv'],
        pools: ['vdi'],
        hosts: ['kms1.corp.example'],
        products: ['O', 'O1', 'W0'],
        problems: ['AWAY'],
        causes: [['It is late.', 1]],
      },
    )
    for (const group of words.groups) assert.equal((await store.count({ group })) > 0, true)
    const many = Array.from({ length: 2_100 }, (_, i) => found(`n${i}`, { groups: [`many ${i}`] }))
    await store.importMachines(many, { source: 'many', at: noon })
    assert.equal((await store.words()).groups.length, 2000)
  })

  on('machines of a campaign by how they ended, plans with steps first, campaigns page by page', async (store) => {
    const ids = await put(
      store,
      Array.from({ length: 6 }, (_, i) => found(`pc-${i}`)),
    )
    const campaign = await store.createCampaign({ key: 'k', kind: 'plan', name: 'n', settings: {}, at: noon })
    await store.addTargets(
      campaign,
      ids.map((machine, position) => ({ machine, site: '-', position })),
      noon,
    )
    await store.setCampaign(campaign, { state: 'running', because: null, at: noon })
    const held = await store.claimTargets({
      campaign,
      site: '-',
      owner: 'w',
      limit: 5,
      now: noon,
      leaseMs: 60_000,
      mostAtOnce: null,
      upTo: null,
    })
    await store.endTargets(
      held.map((h, i) => ({
        held: h,
        end: {
          state: i < 2 ? 'done' : 'failed',
          result: i < 2 ? 'planned' : 'unreachable',
          problemCode: i < 2 ? null : i < 4 ? 'AWAY' : 'SHUT',
          outcome: null,
          at: noon,
        },
      })),
    )
    const targets = async (of: Parameters<Store['targets']>[1]) => (await store.targets(campaign, of, all)).rows.length
    assert.deepEqual(
      [
        await targets({}),
        await targets({ result: 'planned' }),
        await targets({ result: 'unreachable', problem: 'AWAY' }),
        await targets({ problem: 'SHUT' }),
      ],
      [6, 2, 2, 1],
    )
    assert.deepEqual(
      [await targets({ states: ['waiting'] }), await targets({ states: [] }), await targets({ states: ['done'], problem: 'AWAY' })],
      [1, 0, 0],
    )
    await store.observe([answer(ids[0]!, noon + 1, [product({ minutesLeft: minutes(170) })])])
    assert.deepEqual(
      (await store.targets(campaign, {}, all)).rows.map((t) => t.verdict),
      [(await store.list({}, all)).rows.find((m) => m.id === ids[0])!.verdict, null, null, null, null, null],
    )
    assert.ok((await store.list({}, all)).rows.some((m) => m.verdict !== null))
    const plan = (id: number, steps: number) =>
      ({
        id: `${id}`,
        name: null,
        holds: [],
        steps: Array(steps).fill({}),
        refused: [],
        missing: [],
        fallbacks: [],
        fingerprint: 'f',
        changes: [],
      }) as unknown as MachinePlan
    // The first plan of the third machine was made anew; another campaign's are not looked at.
    const other = await store.createCampaign({ key: 'o', kind: 'plan', name: 'n', settings: {}, at: noon })
    const made = [
      [0, 0],
      [1, 2],
      [2, 5],
      [3, 1],
      [2, 0],
      [4, 0],
    ] as const
    await store.savePlans(
      made.map(([i, steps], n) => ({ key: `p${n}`, machine: ids[i]!, campaign, at: noon + n, plan: plan(ids[i]!, steps) })),
    )
    await store.savePlans([{ key: 'x', machine: ids[0]!, campaign: other, at: noon, plan: plan(ids[0]!, 3) }])
    for (const limit of [1, 2, 3, 99]) {
      const rows: string[] = []
      for (let after: string | null = null; ; ) {
        const page = await store.plansOf(campaign, { limit, after })
        rows.push(...page.rows.map((r) => `${r.name} ${r.plan.steps.length} ${r.madeAt - noon}`))
        after = page.next
        if (after === null) break
      }
      assert.deepEqual(rows, ['pc-1 2 1', 'pc-3 1 3', 'pc-0 0 0', 'pc-2 0 4', 'pc-4 0 5'])
    }
    const first = await store.campaignPage({}, { limit: 1, after: null })
    const second = await store.campaignPage({}, { limit: 1, after: first.next })
    assert.deepEqual([first.rows[0]!.id, second.rows[0]!.id, second.next], [other, campaign, null])
    assert.deepEqual(
      (await store.campaignPage({ state: 'running', kind: 'plan' }, all)).rows.map((c) => c.id),
      [campaign],
    )
    assert.deepEqual((await store.campaignPage({ kind: 'scan' }, all)).rows, [])
  })
}
