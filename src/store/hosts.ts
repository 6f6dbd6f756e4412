/** KMS hosts of the organisation, and what checks of them said: the same again moves a time, another answer is a new row. Writes `host` and `host_check`. */
import type { Problem } from '../model.ts'
import { problemOf, problemText } from './list.ts'
import type { Database } from './tables.ts'

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
  /** What it told: counters, version, settings. JSON. */
  readonly told: unknown
}
export type KeptCheck = Omit<HostCheck, 'at'> & { readonly from: number; readonly last: number; readonly times: number }
export type KeptHost = HostListed & {
  readonly id: number
  readonly addedAt: number
  readonly listedAt: number
  readonly checks: readonly KeptCheck[]
}

/** Keeps which hosts there are; answers their ids, in the order given. */
export function saveHosts(database: Database, hosts: readonly HostListed[], at: number): Promise<readonly number[]> {
  return database.write(async (db) => {
    const ids = new Map<HostListed, number>()
    // Sorted: two processes that list the same hosts do not wait crosswise.
    for (const h of hosts.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const sources = JSON.stringify(h.sources)
      const { id } = await db
        .insertInto('host')
        .values({ name: h.name.toLowerCase().replace(/\.$/, ''), port: h.port, sources, added_at: at, listed_at: at })
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
    const text = problemText(check.problem)
    const before = await db
      .selectFrom('host_check')
      .selectAll()
      .where('host_id', '=', check.host)
      .where('address', '=', check.address)
      .orderBy('last_at', 'desc')
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (before && before.state === check.state && before.problem === text && before.told === told) {
      if (check.at > before.last_at)
        await db
          .updateTable('host_check')
          .set({ last_at: check.at, times: before.times + 1 })
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
        state: check.state,
        problem: text,
        told,
      })
      .execute()
  })
}

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
      checks: rows.map((c) => ({
        host: c.host_id,
        address: c.address,
        from: c.from_at,
        last: c.last_at,
        times: c.times,
        state: c.state,
        problem: problemOf(c.problem),
        told: JSON.parse(c.told) as unknown,
      })),
    })
  }
  return kept
}
