/** What people ask of a fleet, and the same as somebody would write it by hand in SQL. */
import type { Filter, Store } from '../../src/store.ts'
import { day, nameOf, names, now } from './fleet.ts'

type Value = string | number
/** Asks the database directly; `?` stands for a value. */
export type Ask = (sql: string, ...values: readonly Value[]) => Promise<readonly Record<string, unknown>[]>
/** `i` varies what is asked about. */
export type Question = {
  readonly name: string
  readonly ours: (i: number) => Promise<unknown>
  readonly sql: (i: number) => Promise<unknown>
  /** Done before each round; it is no part of the time. */
  readonly before?: (i: number) => Promise<unknown>
}

export const columns =
  'id, name, address, system, pool, vanished_at, seen_at, asked_at, verdict, origin, headline, next, problem_code, problem_summary, problem_next, problem_since, problem_count'
const first = { limit: 50, after: null }

/** The questions, to a store that `fill` and `campaignOver` have filled. */
export async function questionsTo(store: Store, ask: Ask, machines: number, campaign: number): Promise<readonly Question[]> {
  /** A page: the machines, then their products. */
  const page = async (where: string, ...values: Value[]) => {
    const rows = await ask(`select ${columns} from machine where ${where} order by name, id limit 51`, ...values)
    const ids = rows.slice(0, 50).map((r) => r.id as number)
    if (ids.length > 0)
      await ask(`select * from product where machine_id in (${ids.map(() => '?').join()}) order by machine_id, key`, ...ids)
  }
  const halfway = (await store.list({ verdict: ['ok'] }, { limit: Math.min(5_000, Math.floor(machines / 4)), after: null })).next!
  const [middle, middleId] = JSON.parse(Buffer.from(halfway, 'base64url').toString()) as [string, number]
  const later = (await store.selection({}, { limit: Math.min(10_000, Math.floor(machines / 4)), after: null })).next!
  const oneCause = (await store.causes(1))[0]!.cause!
  const upTo = (await store.positionOf(campaign, Math.floor(machines / 40)))!
  const has = store.kind === 'sqlite' ? 'instr' : 'strpos'
  const list = (name: string, filter: (i: number) => Filter, where: string, ...values: (Value | ((i: number) => Value))[]): Question => ({
    name,
    ours: (i) => store.list(filter(i), first),
    sql: (i) => page(where, ...values.map((v) => (typeof v === 'function' ? v(i) : v))),
  })
  const listed = 'vanished_at is null'
  const withProduct = (where: string) => `${listed} and id in (select machine_id from product where present = 1 and ${where})`
  const rare = nameOf(machines - 1)
  return [
    {
      name: 'status (counts)',
      ours: () => store.counts(),
      sql: async () => {
        await ask(`select verdict, origin, problem_code, count(*) as n from machine where ${listed} group by verdict, origin, problem_code`)
        await ask('select count(*) as n from machine')
        await ask(
          'select application, state, count(*) as n from product where present = 1 group by state, application order by application, state',
        )
        await ask(`select pool, count(*) as n from machine where pool is not null and ${listed} group by pool order by pool`)
      },
    },
    {
      name: 'status (causes)',
      ours: () => store.causes(20),
      sql: async () => {
        await ask(
          'select cause.id, cause.text, cause.next, count(distinct product.machine_id) as n from product join cause on cause.id = product.cause_id where product.present = 1 and product.cause_id is not null group by cause.id, cause.text, cause.next order by n desc, cause.id limit 20',
        )
        await ask(
          `select problem_code, count(*) as n, min(id) as one from machine where ${listed} and problem_code is not null group by problem_code`,
        )
      },
    },
    list('list', () => ({}), listed),
    {
      name: 'list, a later page of a verdict',
      ours: () => store.list({ verdict: ['ok'] }, { limit: 50, after: halfway }),
      sql: () => page(`${listed} and verdict in (?) and (name, id) > (?, ?)`, 'ok', middle, middleId),
    },
    list('list --verdict', () => ({ verdict: ['action'] }), `${listed} and verdict in (?)`, 'action'),
    list('list --origin', () => ({ origin: ['foreign'] }), `${listed} and origin in (?)`, 'foreign'),
    list(
      'list --verdict --group',
      (i) => ({ verdict: ['action'], group: `site${i % 40}` }),
      `${listed} and verdict in (?) and id in (select machine_id from machine_group where name = ?)`,
      'action',
      (i) => `site${i % 40}`,
    ),
    list(
      'list --source',
      () => ({ source: 'directory' }),
      `${listed} and id in (select machine_id from source_entry where source = ? and vanished_at is null)`,
      'directory',
    ),
    list(
      'list --pool',
      (i) => ({ pool: `vdi${i % 4}` }),
      `${listed} and pool = ?`,
      (i) => `vdi${i % 4}`,
    ),
    list('list --vanished', () => ({ vanished: 'only' }), 'vanished_at is not null'),
    list('list --unseen', () => ({ seenBefore: now }), `${listed} and (seen_at is null or seen_at < ?)`, now),
    list('list --problem', () => ({ problem: 'WINRM_UNREACHABLE' }), `${listed} and problem_code = ?`, 'WINRM_UNREACHABLE'),
    list('list --state', () => ({ state: ['notification'] }), withProduct('state in (?)'), 'notification'),
    list('list --origin of a product', () => ({ productOrigin: ['foreign'] }), withProduct('origin in (?)'), 'foreign'),
    list(
      'list --host',
      (i) => ({ host: `kms${i % 30}.corp.example` }),
      withProduct('host = ?'),
      (i) => `kms${i % 30}.corp.example`,
    ),
    list('list --product', () => ({ product: 'visio' }), withProduct('name in (?)'), names[2]),
    list(
      'list --days',
      (i) => ({ endsBefore: now + (8 + (i % 5)) * day }),
      withProduct('expires_at < ?'),
      (i) => now + (8 + (i % 5)) * day,
    ),
    list('list --cause', () => ({ cause: oneCause }), withProduct('cause_id = ?'), oneCause),
    list(
      'list --error',
      () => ({ error: '0xC004F074' }),
      `${listed} and id in (select machine_id from product where present = 1 and reason = ? union all select machine_id from product where present = 1 and cause_id in (select id from cause where ${has}(lower(text), ?) > 0))`,
      '0xC004F074',
      '0xc004f074',
    ),
    list(
      'list --text, rare',
      () => ({ text: rare }),
      `${listed} and (${['name', 'address', 'headline', 'system'].map((c) => `${has}(lower(${c}), ?) > 0`).join(' or ')})`,
      ...[rare, rare, rare, rare],
    ),
    {
      name: 'count --state',
      ours: () => store.count({ state: ['notification'] }),
      sql: () => ask(`select count(*) as n from machine where ${withProduct('state in (?)')}`, 'notification'),
    },
    {
      name: 'count --unseen',
      ours: () => store.count({ seenBefore: now }),
      sql: () => ask(`select count(*) as n from machine where ${listed} and (seen_at is null or seen_at < ?)`, now),
    },
    {
      name: 'show',
      ours: (i) => store.find(nameOf(i * 97)),
      sql: async (i) => {
        const [m] = await ask('select * from machine where name = ? order by id desc limit 50', nameOf(i * 97))
        const id = m!.id as number
        await ask('select distinct name from machine_group where machine_id = ? order by name', id)
        await ask('select source, vanished_at from source_entry where machine_id = ? order by source', id)
        await ask('select * from product where machine_id in (?) order by machine_id, key', id)
      },
    },
    {
      name: 'history',
      ours: (i) => store.history(i * 97 + 1, 50),
      sql: async (i) => {
        const id = i * 97 + 1
        await ask('select * from product where machine_id = ? and gone_at is null order by since desc', id)
        await ask('select * from product_past where machine_id = ? order by until_at desc, id desc limit 50', id)
        await ask('select * from problem_past where machine_id = ? order by until_at desc, id desc limit 50', id)
        await ask('select problem_code from machine where id = ? and problem_code is not null', id)
        await ask('select * from outcome where machine_id = ? order by ended_at desc, id desc limit 50', id)
      },
    },
    {
      name: 'expiring',
      ours: () => store.expiring({ from: now, before: now + 30 * day }, first),
      sql: () =>
        ask(
          'select product.machine_id, product.key, product.name, application, state, method, host, expires_at, machine.name as m, seen_at, problem_code from product join machine on machine.id = product.machine_id where present = 1 and expires_at >= ? and expires_at < ? order by expires_at, machine_id, key limit 51',
          now,
          now + 30 * day,
        ),
    },
    ...['', ', a later page'].map((which): Question => {
      const after = which === '' ? null : later
      const from = after === null ? 0 : (JSON.parse(Buffer.from(after, 'base64url').toString()) as [number])[0]
      return {
        name: `selection of 1,000${which}`,
        ours: () => store.selection({}, { limit: 1000, after }),
        sql: async () => {
          const rows = await ask(`select id, name, address from machine where ${listed} and id > ? order by id limit 1001`, from)
          const ids = rows.slice(0, 1000).map((r) => r.id as number)
          await ask(
            `select distinct machine_id, name from machine_group where machine_id in (${ids.map(() => '?').join()}) order by name`,
            ...ids,
          )
        },
      }
    }),
    {
      name: 'campaign: left',
      ours: () => store.left({ campaign, upTo: null, sites: null }),
      sql: () =>
        ask(
          'select state, attempts, result, count(*) as n, min(due_at) as due from campaign_target where campaign_id = ? group by state, attempts, result',
          campaign,
        ),
    },
    {
      name: 'campaign: left of the canary',
      ours: () => store.left({ campaign, upTo, sites: null }),
      sql: () =>
        ask(
          'select state, attempts, result, count(*) as n, min(due_at) as due from campaign_target where campaign_id = ? and position <= ? group by state, attempts, result',
          campaign,
          upTo,
        ),
    },
    {
      name: 'campaign: progress',
      ours: () => store.progress(campaign),
      sql: () =>
        ask(
          'select site, state, problem_code, result, count(*) as n from campaign_target where campaign_id = ? group by site, state, problem_code, result order by site, state',
          campaign,
        ),
    },
    {
      name: 'clients of each host',
      ours: () => store.clientsByHost({ now, days: 30 }),
      sql: () =>
        ask(
          "select host, port, application, count(*) as n, sum(l) as l, sum(g) as g, sum(e) as e, max(r) as r from (select host, port, application, machine_id, min(case when state = 'licensed' then 1 else 0 end) as l, max(case when state like '%-grace' then 1 else 0 end) as g, max(case when expires_at < ? then 1 else 0 end) as e, max(renewed_at) as r from product where present = 1 and host is not null group by host, port, application, machine_id) as m group by host, port, application order by host, port, application",
          now + 30 * day,
        ),
    },
    {
      name: 'CMIDs that several have',
      ours: () => store.sharedCmids(first),
      sql: async () => {
        const rows = await ask(
          `select cmid, count(*) as n from machine where ${listed} and cmid is not null group by cmid having count(*) > 1 order by cmid limit 51`,
        )
        for (const r of rows) {
          await ask(`select distinct pool from machine where cmid = ? and ${listed} limit 2`, r.cmid as string)
          await ask(`select id, name, pool from machine where cmid = ? and ${listed} order by id limit 50`, r.cmid as string)
        }
      },
    },
  ]
}
