/** KMS hosts of the organisation, and what checks of them said: the same again moves a time, another answer is a new row. Writes `host`, `host_check` and `host_count`. */
import type { Kysely, Selectable } from 'kysely'
import type { Application, Problem } from '../model.ts'
import { causeKey } from './causes.ts'
import { problemOf, problemText } from './list.ts'
import { indexed, indexedOrNull, plain, strings } from './parts.ts'
import type { Database, Tables } from './tables.ts'

export type HostListed = {
  readonly name: string
  readonly port: number
  /** Where it is named: `site`, `dns _vlmcs._tcp.corp.example`, `clients`. */
  readonly sources: readonly string[]
}
export type HostCheck = {
  readonly host: number
  readonly at: number
  /** The address that was asked; empty where there was none. */
  readonly address: string
  /** In the words of the check. */
  readonly state: string
  readonly problem: Problem | null
  /** Why the state is what it is, in one sentence; left out or null: it needs no reason. */
  readonly cause?: string | null
  /** What to try. */
  readonly next?: readonly string[]
  /** What it told: counters, version, settings. JSON. */
  readonly told: unknown
  /** What it counts, by its host keys, where it told; this is kept as a history of its own. */
  readonly counts?: readonly HostCount[]
}
/** What one KMS host key of a host counts. */
export type HostCount = {
  readonly application: Application
  readonly name: string | null
  readonly partialKey: string | null
  /** Different machines of the last 30 days; null: it did not tell. */
  readonly count: number | null
  readonly thresholds: readonly { readonly of: string; readonly count: number }[]
  /** Requests since the key was installed. */
  readonly total: number | null
  readonly failed: number | null
}
/** A count for as long as it was the same; requests are as of `last`. `key` tells a host's keys from each other. */
export type KeptCount = Omit<HostCount, 'partialKey'> & {
  readonly key: string
  readonly from: number
  readonly last: number
  readonly times: number
}
export type HostHistory = { readonly checks: readonly KeptCheck[]; readonly counts: readonly KeptCount[] }
export type KeptCheck = Omit<HostCheck, 'at' | 'counts' | 'cause' | 'next'> & {
  readonly cause: string | null
  readonly next: readonly string[]
  readonly from: number
  readonly last: number
  readonly times: number
}
export type KeptHost = HostListed & {
  readonly id: number
  readonly addedAt: number
  readonly listedAt: number
  readonly checks: readonly KeptCheck[]
}

const hostName = (name: string) => indexed(name.toLowerCase().replace(/\.$/, ''))

/** Keeps which hosts there are; answers their ids, in the order given. */
export function saveHosts(database: Database, hosts: readonly HostListed[], at: number): Promise<readonly number[]> {
  return database.write(async (db) => {
    const ids = new Map<HostListed, number>()
    // Sorted: two processes that list the same hosts do not wait crosswise.
    for (const h of hosts.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const sources = JSON.stringify(h.sources)
      const { id } = await db
        .insertInto('host')
        .values({ name: hostName(h.name), port: h.port, sources, added_at: at, listed_at: at })
        .onConflict((c) => c.columns(['name', 'port']).doUpdateSet({ sources, listed_at: at }))
        .returning('id')
        .executeTakeFirstOrThrow()
      ids.set(h, id)
    }
    return hosts.map((h) => ids.get(h)!)
  })
}

/** Keeps what a check said. */
export function saveCheck(database: Database, check: HostCheck): Promise<void> {
  return database.alone(`host ${check.host}`, async (db) => {
    const told = JSON.stringify(check.told)
    const state = plain(check.state)
    const text = problemText(check.problem)
    const cause = indexedOrNull(check.cause ?? null)
    const next =
      check.next && check.next.length > 0 ? JSON.stringify(check.next.slice(0, nextMost).map((n) => plain(n).slice(0, 1000))) : null
    for (const count of check.counts ?? []) await keepCount(db, check, count)
    const before = await db
      .selectFrom('host_check')
      .selectAll()
      .where('host_id', '=', check.host)
      .where('address', '=', check.address)
      // The one that was kept last, whatever a clock said.
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
    // A cause that only counts otherwise is the same cause, in the words of the latest.
    if (before && before.state === state && before.problem === text && before.told === told && sameCause(before.cause, cause)) {
      if (check.at > before.last_at)
        await db
          .updateTable('host_check')
          .set({ last_at: check.at, times: before.times + 1, cause, next })
          .where('id', '=', before.id)
          .execute()
      return
    }
    await db
      .insertInto('host_check')
      .values({
        host_id: check.host,
        address: check.address,
        from_at: check.at,
        last_at: check.at,
        times: 1,
        state,
        problem: text,
        ...{ told, cause, next },
      })
      .execute()
  })
}

/** Next steps of one check; each is a sentence. */
const nextMost = 5
const sameCause = (a: string | null, b: string | null) => (a === null || b === null ? a === b : causeKey(a) === causeKey(b))

async function keepCount(db: Kysely<Tables>, { host, at }: HostCheck, now: HostCount): Promise<void> {
  const key = indexed(now.partialKey ?? now.name ?? now.application)
  const told = { name: now.name === null ? null : plain(now.name), count: now.count, thresholds: JSON.stringify(now.thresholds) }
  const before = await db
    .selectFrom('host_count')
    .selectAll()
    .where('host_id', '=', host)
    .where('key', '=', key)
    .where('application', '=', now.application)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (before && before.count === told.count && before.thresholds === told.thresholds && before.name === told.name) {
    if (at > before.last_at)
      await db
        .updateTable('host_count')
        .set({ last_at: at, times: before.times + 1, total: now.total, failed: now.failed })
        .where('id', '=', before.id)
        .execute()
    return
  }
  const { total, failed, application } = now
  await db
    .insertInto('host_count')
    .values({ host_id: host, key, application, ...told, from_at: at, last_at: at, times: 1, total, failed })
    .execute()
}

/** What a host said and counted from a time on (ms), oldest first; what began before and still was then is part of it. */
export async function hostHistory({ db }: Database, name: string, port: number, since: number): Promise<HostHistory> {
  const host = await db.selectFrom('host').select('id').where('name', '=', hostName(name)).where('port', '=', port).executeTakeFirst()
  if (!host) return { checks: [], counts: [] }
  const checks = await db
    .selectFrom('host_check')
    .selectAll()
    .where('host_id', '=', host.id)
    .where('last_at', '>=', since)
    .orderBy('from_at')
    .orderBy('id')
    .execute()
  const counts = await db
    .selectFrom('host_count')
    .selectAll()
    .where('host_id', '=', host.id)
    .where('last_at', '>=', since)
    .orderBy('from_at')
    .orderBy('id')
    .execute()
  return {
    checks: checks.map(keptCheck),
    counts: counts.map((c) => ({
      key: c.key,
      application: c.application as Application,
      name: c.name,
      count: c.count,
      thresholds: JSON.parse(c.thresholds) as HostCount['thresholds'],
      total: c.total,
      failed: c.failed,
      from: c.from_at,
      last: c.last_at,
      times: c.times,
    })),
  }
}

const keptCheck = (c: Selectable<Tables['host_check']>): KeptCheck => ({
  host: c.host_id,
  address: c.address,
  from: c.from_at,
  last: c.last_at,
  times: c.times,
  state: c.state,
  problem: problemOf(c.problem),
  told: JSON.parse(c.told) as unknown,
  cause: c.cause,
  next: strings(c.next),
})

/** All hosts by name, each with its last checks, newest first. */
export async function listHosts({ db }: Database, checks: number): Promise<readonly KeptHost[]> {
  const hosts = await db.selectFrom('host').selectAll().orderBy('name').orderBy('port').execute()
  const kept: KeptHost[] = []
  for (const h of hosts) {
    const rows = await db
      .selectFrom('host_check')
      .selectAll()
      .where('host_id', '=', h.id)
      .orderBy('last_at', 'desc')
      .orderBy('id', 'desc')
      .limit(checks)
      .execute()
    kept.push({
      id: h.id,
      name: h.name,
      port: h.port,
      sources: JSON.parse(h.sources) as string[],
      addedAt: h.added_at,
      listedAt: h.listed_at,
      checks: rows.map(keptCheck),
    })
  }
  return kept
}
