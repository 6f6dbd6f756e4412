/**
 * Taking machines of a campaign: by lease, within limits that hold over all workers, and never one that another campaign holds.
 * On SQLite there is one writer at a time; on PostgreSQL rows that somebody else is taking are passed over, and a machine is taken
 * under a lock of its own, so that two campaigns that want it do not fail but simply get fewer.
 */
import { type Kysely, type SelectQueryBuilder, sql } from 'kysely'
import { inParts } from './parts.ts'
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
  /**
   * How long a lease must be over before its machine is taken from whoever holds it: at least as much as the clocks of workers may
   * differ, where `takeBack` finds those that are gone. Absent: 0.
   */
  readonly graceMs?: number
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

/** No lease is longer than whoever claims would ask for, by this much: one that is was given by a clock that was ahead. */
const aheadMs = 3_600_000

/**
 * Takes the next machines of a site that are due; none where the campaign does not run. Leases that ended are given anew, also those
 * of the same machines in other campaigns; a machine whose lease in another campaign goes on is passed over.
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
  const grace = c.graceMs ?? 0
  const clock = { over: c.now - grace, far: c.now + c.leaseMs + aheadMs + grace }
  await giveBack(postgres, db, endedLeases(db, clock).where('t.campaign_id', '=', c.campaign), { now: c.now, dueAt: c.now })
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
            .where('other.state', '=', sql.lit('leased'))
            .where('other.lease_until', '>', clock.over)
            .where('other.lease_until', '<=', clock.far),
        ),
      ),
    )
  if (c.upTo !== null) due = due.where('t.position', '<=', c.upTo)
  // Without statistics of a campaign that was just made, PostgreSQL would look at all that are due and sort them: 80 ms in place of 1.
  if (postgres) await sql`set local enable_sort = off`.execute(db)
  due = due.orderBy('t.due_at').orderBy('t.position').orderBy('t.machine_id').limit(limit)
  const found = (await (postgres ? due.forUpdate('t').skipLocked() : due).execute()).map((t) => t.machine_id)
  const next = found.length === 0 ? found : await free(postgres, db, found, { ...clock, now: c.now })
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

/** Leases that end before `over`, or after `far`, are nobody's any more. */
type Clock = { readonly over: number; readonly far: number }
type Lease = { readonly campaign_id: number; readonly machine_id: number }

/** Leases whose time is over. In no order: one of ours would have SQLite look through the whole campaign at every claim. */
function endedLeases(db: Kysely<Tables>, { over, far }: Clock) {
  return db
    .selectFrom('campaign_target as t')
    .select(['t.campaign_id', 't.machine_id'])
    .where('t.state', '=', sql.lit('leased'))
    .where((e) => e.or([e('t.lease_until', '<=', over), e('t.lease_until', '>', far)]))
    .limit(1000)
}

/** Gives leases back: to be tried again, or, where their campaign is over, taken out. Answers which; what somebody is writing just now is left. */
async function giveBack(
  postgres: boolean,
  db: Kysely<Tables>,
  leases: SelectQueryBuilder<Tables & { t: Tables['campaign_target'] }, 't', Lease>,
  at: { readonly now: number; readonly dueAt: number },
): Promise<readonly Lease[]> {
  // In the order of ids where they are locked; SQLite would read the whole campaign for that.
  const lost = await (postgres ? leases.orderBy('t.machine_id').forUpdate('t').skipLocked() : leases).execute()
  for (const [campaign, mine] of Map.groupBy(lost, (l) => l.campaign_id)) {
    const over = await db
      .selectFrom('campaign')
      .select('id')
      .where('id', '=', campaign)
      .where('state', 'in', ['cancelled', 'finished'])
      .executeTakeFirst()
    const free = { owner: null, lease_until: null }
    await inParts(mine, 500, (part) =>
      db
        .updateTable('campaign_target')
        .set(over ? { ...free, state: 'cancelled', ended_at: at.now } : { ...free, state: 'waiting', due_at: at.dueAt })
        .where('campaign_id', '=', campaign)
        .where(
          'machine_id',
          'in',
          part.map((l) => l.machine_id),
        )
        .execute(),
    )
  }
  return lost
}

/** Of machines those that no other campaign holds; from here to the end of the transaction nobody else takes them. */
async function free(
  postgres: boolean,
  db: Kysely<Tables>,
  machines: readonly number[],
  clock: Clock & { readonly now: number },
): Promise<readonly number[]> {
  // In the order of their ids, so that two that want the same ones do not wait crosswise.
  if (postgres) await db.selectFrom('machine').select('id').where('id', 'in', machines).orderBy('id').forNoKeyUpdate().execute()
  const held = await db
    .selectFrom('campaign_target')
    .select('machine_id')
    .where('machine_id', 'in', machines)
    .where('state', '=', sql.lit('leased'))
    .execute()
  if (held.length === 0) return machines
  const taken = new Set(held.map((h) => h.machine_id))
  for (const { machine_id } of await giveBack(postgres, db, endedLeases(db, clock).where('t.machine_id', 'in', [...taken]), {
    now: clock.now,
    dueAt: clock.now,
  }))
    taken.delete(machine_id)
  return machines.filter((id) => !taken.has(id))
}

/** Gives back what a campaign's dead workers held, whatever its state: whoever still waits can be counted, or taken out. Answers how many. */
export function reclaim(
  database: Database,
  of: { readonly campaign: number; readonly now: number; readonly leaseMs: number },
): Promise<number> {
  return database.write(async (db) => {
    const mine = endedLeases(db, { over: of.now, far: of.now + of.leaseMs + aheadMs }).where('t.campaign_id', '=', of.campaign)
    return (await giveBack(database.kind === 'postgres', db, mine, { now: of.now, dueAt: of.now })).length
  })
}

/** Who holds machines of a campaign, and until when the last of them is held: an owner that is alive moves that on. */
export async function leases(
  { db }: Database,
  campaign: number,
): Promise<readonly { readonly owner: string; readonly until: number; readonly machines: number }[]> {
  const rows = await db
    .selectFrom('campaign_target')
    .select(['owner', (e) => e.fn.max('lease_until').as('until'), (e) => e.fn.countAll<number>().as('machines')])
    .where('campaign_id', '=', campaign)
    .where('state', '=', sql.lit('leased'))
    .groupBy('owner')
    .orderBy('owner')
    .execute()
  return rows.map((r) => ({ owner: r.owner ?? '', until: r.until ?? 0, machines: r.machines }))
}

/**
 * Takes back what an owner holds that is gone, as far as its leases end at `until` or before: one that has moved on since is alive.
 * They wait until `dueAt`, with the attempt counted. Answers how many.
 */
export function takeBack(
  database: Database,
  from: { readonly campaign: number; readonly owner: string; readonly until: number; readonly dueAt: number },
): Promise<number> {
  return database.write(async (db) => {
    const { max } = await db
      .selectFrom('campaign_target')
      .select((e) => e.fn.max('lease_until').as('max'))
      .where('campaign_id', '=', from.campaign)
      .where('state', '=', sql.lit('leased'))
      .where('owner', '=', from.owner)
      .executeTakeFirstOrThrow()
    if (max === null || max > from.until) return 0
    const theirs = db
      .selectFrom('campaign_target as t')
      .select(['t.campaign_id', 't.machine_id'])
      .where('t.campaign_id', '=', from.campaign)
      .where('t.state', '=', sql.lit('leased'))
      .where('t.owner', '=', from.owner)
      .where('t.lease_until', '<=', from.until)
    return (await giveBack(database.kind === 'postgres', db, theirs, { now: from.dueAt, dueAt: from.dueAt })).length
  })
}
