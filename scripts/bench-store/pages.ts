/**
 * What the dashboard and the metrics ask, and the same as bare SQL. What counts the whole fleet is kept until something of it changes;
 * here each of them is asked after a change, so that the counting is measured, and once as it is asked again.
 */
import type { Filter, Sort, Store } from '../../src/store.ts'
import { answer, product } from '../../test/store/fixture.ts'
import { day, now } from './fleet.ts'
import { type Ask, columns, type Question } from './questions.ts'

const listed = 'vanished_at is null'
const first = { limit: 50, after: null }
const midnight = now - day / 2

export async function pagesTo(store: Store, ask: Ask, machines: number, campaign: number): Promise<readonly Question[]> {
  const found = (where: string, order: string, values: readonly (string | number)[], limit = 51) =>
    ask(`select ${columns}, ends_at from machine where ${where} order by ${order} limit ${limit}`, ...values)
  const products = async (rows: readonly Record<string, unknown>[]) => {
    const ids = rows.slice(0, 50).map((r) => r.id as number)
    if (ids.length > 0)
      await ask(`select * from product where machine_id in (${ids.map(() => '?').join()}) order by machine_id, key`, ...ids)
  }
  /** Deep in the list: some thousands of machines on. */
  const deep = async (sort: Sort, filter: Filter): Promise<string | null> => {
    const { next } = await store.list(filter, { limit: Math.min(9_000, Math.floor(machines / 8)), after: null, sort })
    return next
  }
  const values = (key: string) => JSON.parse(Buffer.from(key, 'base64url').toString()) as (string | number)[]
  const orders: Question[] = []
  for (const [by, column, some] of [
    ['name', 'name', ''],
    ['expires', 'ends_at', 'ends_at is not null'],
    ['seen', 'seen_at', 'seen_at is not null'],
    ['system', 'system', 'system is not null'],
    ['problem', 'problem_code', 'problem_code is not null'],
    ['verdict', 'verdict', "verdict = 'action'"],
    ['origin', 'origin', "origin = 'foreign'"],
  ] as const)
    for (const down of [false, true]) {
      const [way, than] = down ? ['desc', '<'] : ['asc', '>']
      const order = [column, ...(by === 'name' ? [] : ['name']), 'id'].map((c) => `${c} ${way}`).join(', ')
      // The other way round the lists of words begin with another word.
      const where = !down ? some : by === 'verdict' ? "verdict = 'ok'" : by === 'origin' ? "origin = 'own'" : some
      const base = [listed, ...(where === '' ? [] : [where])].join(' and ')
      const label = `list, ${down ? '-' : ''}${by}`
      orders.push({
        name: label,
        ours: () => store.list({}, { ...first, sort: { by, down } }),
        sql: async () => products(await found(base, order, [])),
      })
      const after = await deep({ by, down }, {})
      if (after === null || by === 'verdict' || by === 'origin') continue
      const key = values(after).slice(by === 'name' && !down ? 0 : 2)
      const told = by === 'name' ? ['name', 'id'] : key.length === 3 ? [column, 'name', 'id'] : ['name', 'id']
      const deepBase = key.length === 2 && by !== 'name' ? `${listed} and ${column} is null` : base
      const deepOrder = by === 'problem' && key.length === 2 ? `name ${way}, id ${way}` : order
      orders.push({
        name: `${label}, deep`,
        ours: () => store.list({}, { limit: 50, after, sort: { by, down } }),
        sql: async () =>
          products(await found(`${deepBase} and (${told.join(', ')}) ${than} (${told.map(() => '?').join(', ')})`, deepOrder, key)),
      })
    }
  const filtered = (name: string, filter: Filter, sort: Sort, where: string, order: string, ...v: (string | number)[]): Question => ({
    name,
    ours: () => store.list(filter, { ...first, sort }),
    sql: async () => products(await found(`${listed} and ${where}`, order, v)),
  })
  const change = changes(store, machines)
  /** Asked after a change of one machine, which is no part of the time. */
  const anew = (name: string, ours: () => Promise<unknown>, sql: () => Promise<unknown>): Question => ({ name, ours, sql, before: change })
  const kinds =
    'select k.*, c.n from (select kind_id, count(*) as n from product where present = 1 group by kind_id) c join product_kind k on k.id = c.kind_id order by k.id'
  const counted = async () => {
    await ask(kinds)
    await ask(`select verdict, origin, problem_code, count(*) as n from machine where ${listed} group by verdict, origin, problem_code`)
    await ask('select count(*) as n from machine')
    await ask(`select pool, count(*) as n from machine where pool is not null and ${listed} group by pool order by pool`)
  }
  const ends = 'from product where present = 1 and expires_at is not null and'
  const perDay = `with recursive day (n) as (select 0 union all select n + 1 from day where n + 1 < 180)
    select (select count(*) ${ends} expires_at >= ${midnight} + day.n * cast(${day} as bigint) and expires_at < ${midnight} + (day.n + 1) * cast(${day} as bigint)) as n from day order by day.n`
  const hours = [1, 6, 24, 72, 168, 720].map((h) => h * 3_600_000)
  return [
    ...orders,
    filtered(
      'list, expires, of a verdict',
      { verdict: ['action'] },
      { by: 'expires', down: false },
      "ends_at is not null and verdict in ('action')",
      'ends_at, name, id',
    ),
    filtered(
      'list, -seen, of a group',
      { group: 'site7' },
      { by: 'seen', down: true },
      "seen_at is not null and id in (select machine_id from machine_group where name = 'site7')",
      'seen_at desc, name desc, id desc',
    ),
    filtered(
      'list, verdict, of a host',
      { host: 'kms3.corp.example' },
      { by: 'verdict', down: false },
      "verdict = 'action' and id in (select machine_id from product where present = 1 and host = 'kms3.corp.example')",
      'verdict, name, id',
    ),
    anew('overview: counts, after a change', () => store.counts(), counted),
    anew(
      'overview: products by kind, after a change',
      () => store.byOrigin(),
      () => ask(kinds),
    ),
    anew('overview: metrics, after a change', () => store.metrics(), counted),
    anew(
      'overview: ends by day, after a change',
      () => store.expiry(midnight, 180),
      async () => {
        await ask(perDay)
        await ask(`select count(*) as n ${ends} expires_at < ${midnight}`)
      },
    ),
    {
      name: 'overview: all of them again',
      ours: async () => {
        for (const what of ['counts', 'byOrigin', 'metrics', 'words'] as const) await store[what]()
        await store.causes(20)
        await store.expiry(midnight, 180)
      },
      sql: async () => {
        for (let i = 0; i < 6; i++) await ask("select number, text from mark where name = 'facts'")
      },
    },
    {
      name: 'overview: when they answered',
      ours: () => store.scanned(),
      sql: () =>
        ask(`select (select seen_at from machine where ${listed} and seen_at is not null order by seen_at desc limit 1) as a,
          (select seen_at from machine where ${listed} and seen_at is not null order by seen_at limit 1) as b, (select count(*) from machine where ${listed} and seen_at is null and name >= '') as c`),
    },
    {
      name: 'overview: ages',
      ours: () => store.ages(now + 2 * day, hours),
      sql: () =>
        ask(
          `select ${hours.map((h, i) => `(select count(*) from machine where ${listed} and seen_at >= ${now + 2 * day - h} ${i === 0 ? '' : `and seen_at < ${now + 2 * day - hours[i - 1]!}`}) as n${i}`).join()}`,
        ),
    },
    {
      name: 'overview: changes of a day',
      ours: async () => [await store.countChanges(now + 1), await store.changes(now + 1, first)],
      sql: async () => {
        await ask('select kind, count(*) as n from fleet_change where at >= ? group by kind', now + 1)
        await ask(
          'select c.id, c.at, c.machine_id, machine.name, c.kind, c.product, c.was, c.now from fleet_change c join machine on machine.id = c.machine_id where c.at >= ? order by c.at desc, c.id desc limit 51',
          now + 1,
        )
      },
    },
    {
      name: 'origin: not plainly ours',
      ours: () => store.notPlain(['foreign', 'suspect', 'cannot-tell'], { limit: 500, after: null }),
      sql: async () => {
        let left = 501
        for (const origin of ['foreign', 'suspect', 'cannot-tell'])
          if (left > 0)
            left -= (
              await ask(
                `select p.*, machine.name as machine_name, machine.system from product p join machine on machine.id = p.machine_id where p.present = 1 and p.origin = ? order by p.machine_id, p.key limit ${left}`,
                origin,
              )
            ).length
      },
    },
    anew(
      'words to filter by, after a change',
      () => store.words(),
      async () => {
        const skip = (table: string, column: string, where: string) =>
          ask(`with recursive w (word) as (select min(${column}) from ${table} where ${where}
          union all select (select min(${column}) from ${table} where ${where} and ${column} > w.word) from w where w.word is not null) select word from w where word is not null`)
        await skip('machine_group', 'name', '1 = 1')
        await skip('source_entry', 'source', '1 = 1')
        await skip('machine', 'pool', 'pool is not null')
        await skip('product', 'host', 'present = 1 and host is not null')
        await skip('product', 'name', 'present = 1')
        await skip('machine', 'problem_code', `${listed} and problem_code is not null`)
        await ask(
          'select cause.id, cause.text, cause.next, count(distinct product.machine_id) as n from product join cause on cause.id = product.cause_id where product.present = 1 and product.cause_id is not null group by cause.id, cause.text, cause.next order by n desc, cause.id limit 2000',
        )
      },
    ),
    {
      name: 'campaign: machines by result',
      ours: () => store.targets(campaign, { result: 'unreachable' }, first),
      sql: () =>
        ask(
          'select t.machine_id, name, site, state, attempts, due_at, result, t.problem_code, outcome_key, ended_at from campaign_target t join machine on machine.id = t.machine_id where campaign_id = ? and result = ? order by t.machine_id limit 51',
          campaign,
          'unreachable',
        ),
    },
  ]
}

/** One machine that says something else each time. */
function changes(store: Store, machines: number): (i: number) => Promise<void> {
  let at = now + day
  return async (i) => {
    const state = i % 2 === 0 ? 'licensed' : 'notification'
    at += 1000
    await store.observe([answer(machines, at, [product({ state })])])
  }
}
