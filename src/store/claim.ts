/**
 * Taking machines of a campaign: by lease, within limits that hold over all workers, and never one that another campaign holds.
 * On SQLite there is one writer at a time; on PostgreSQL rows that somebody else is taking are passed over, and a machine is taken
 * under a lock of its own, so that two campaigns that want it do not fail but simply get fewer.
 */
import { type Kysely, sql } from 'kysely'
import type { Database, Tables } from './tables.ts'

export type Claim = {
  readonly campaign: number
  readonly site: string
  /** Who asks: a word that no other process has. */
  readonly owner: string
  readonly limit: number
  readonly now: number
  readonly leaseMs: number
  /** At most so many of the site at once, over all workers; null: as many as are asked for. */
  readonly mostAtOnce: number | null
  /** At most so many of the whole campaign at once, over all workers; null or absent: as many as are asked for. */
  readonly mostInAll?: number | null
  /** Only up to this place in the order; null: all. */
  readonly upTo: number | null
}
/** A machine that is held. `attempt` counts from 1; more than one: somebody had it before, and may have done something. */
export type Held = {
  readonly campaign: number
  readonly machine: number
  readonly attempt: number
  readonly owner: string
}
export type Target = Held & {
  readonly name: string
  readonly address: string | null
  /** The board's UUID and objectGUID, where they are known. */
  readonly uuid: string | null
  readonly guid: string | null
  readonly site: string
  readonly position: number
}

/**
 * Takes the next machines of a site that are due; none where the campaign does not run. A machine that is held is passed over, in
 * whatever campaign: a lease does not end by its time, only by its owner or by `takeBack`.
 */
export async function claimTargets(database: Database, c: Claim): Promise<readonly Target[]> {
  const work = (db: Kysely<Tables>) => claim(database.kind === 'postgres', db, c)
  if ((c.mostInAll ?? null) !== null) return database.alone(`campaign ${c.campaign}`, work)
  return c.mostAtOnce === null ? database.write(work) : database.alone(`campaign ${c.campaign} ${c.site}`, work)
}

async function claim(postgres: boolean, db: Kysely<Tables>, c: Claim): Promise<Target[]> {
  const running = db.selectFrom('campaign').select('id').where('id', '=', c.campaign).where('state', '=', 'running')
  // Held until the end of this transaction: who stops the campaign waits, and then no further claim begins.
  if (!(await (postgres ? running.forShare() : running).executeTakeFirst())) return []
  const limit = await room(db, c)
  if (limit <= 0) return []
  let due = db
    .selectFrom('campaign_target as t')
    .select('t.machine_id')
    .where('t.campaign_id', '=', c.campaign)
    .where('t.site', '=', c.site)
    .where('t.state', '=', sql.lit('waiting'))
    .where('t.due_at', '<=', c.now)
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('campaign_target as other')
            .select('other.machine_id')
            .whereRef('other.machine_id', '=', 't.machine_id')
            .where('other.state', '=', sql.lit('leased')),
        ),
      ),
    )
  if (c.upTo !== null) due = due.where('t.position', '<=', c.upTo)
  // Without statistics of a campaign that was just made, PostgreSQL would look at all that are due and sort them: 80 ms in place of 1.
  if (postgres) await sql`set local enable_sort = off`.execute(db)
  due = due.orderBy('t.due_at').orderBy('t.position').orderBy('t.machine_id').limit(limit)
  const found = (await (postgres ? due.forUpdate('t').skipLocked() : due).execute()).map((t) => t.machine_id)
  const next = postgres && found.length > 0 ? await free(db, found) : found
  if (next.length === 0) return []
  await db
    .updateTable('campaign_target')
    .set((e) => ({ state: 'leased', owner: c.owner, lease_until: c.now + c.leaseMs, attempts: e('attempts', '+', 1) }))
    .where('campaign_id', '=', c.campaign)
    .where('machine_id', 'in', next)
    .execute()
  const rows = await db
    .selectFrom('campaign_target')
    .innerJoin('machine', 'machine.id', 'campaign_target.machine_id')
    .select(['machine_id', 'name', 'address', 'uuid', 'guid', 'site', 'position', 'attempts'])
    .where('campaign_id', '=', c.campaign)
    .where('machine_id', 'in', next)
    .execute()
  rows.sort((a, b) => a.position - b.position || a.machine_id - b.machine_id)
  return rows.map(({ machine_id: machine, attempts: attempt, ...r }) => ({ campaign: c.campaign, machine, attempt, owner: c.owner, ...r }))
}

/** How many more may be taken. */
async function room(db: Kysely<Tables>, c: Claim): Promise<number> {
  const inAll = c.mostInAll ?? null
  if (c.mostAtOnce === null && inAll === null) return c.limit
  const rows = await db
    .selectFrom('campaign_target')
    .select(['site', (e) => e.fn.countAll<number>().as('held')])
    .where('campaign_id', '=', c.campaign)
    .where('state', '=', sql.lit('leased'))
    .groupBy('site')
    .execute()
  const here = rows.find((r) => r.site === c.site)?.held ?? 0
  const everywhere = rows.reduce((n, r) => n + r.held, 0)
  return Math.min(c.limit, (c.mostAtOnce ?? Infinity) - here, (inAll ?? Infinity) - everywhere)
}

/**
 * Of machines those that no other campaign has taken since they were looked at; from here to the end of the transaction nobody else
 * takes them. For PostgreSQL; SQLite has one writer at a time.
 */
async function free(db: Kysely<Tables>, machines: readonly number[]): Promise<readonly number[]> {
  // In the order of their ids, so that two that want the same ones do not wait crosswise.
  await db.selectFrom('machine').select('id').where('id', 'in', machines).orderBy('id').forNoKeyUpdate().execute()
  const held = await db
    .selectFrom('campaign_target')
    .select('machine_id')
    .where('machine_id', 'in', machines)
    .where('state', '=', sql.lit('leased'))
    .execute()
  const taken = new Set(held.map((h) => h.machine_id))
  return machines.filter((id) => !taken.has(id))
}
