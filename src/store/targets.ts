/**
 * The machines of a campaign: who has one, until when, and how it ended. This table is the truth, whoever hands out the work: a
 * worker holds a machine by a lease, and a worker that was killed loses it when the lease ends. Writes `campaign_target`.
 */
import { type Kysely, sql } from 'kysely'
import { keyOf, type Page, type PageWish, sizeOf } from './list.ts'
import { inParts, pageKey } from './parts.ts'
import type { Database, Tables } from './tables.ts'

export type TargetState = 'waiting' | 'leased' | 'done' | 'failed' | 'cancelled'

export type NewTarget = {
  readonly machine: number
  readonly site: string
  /** Its place in the order; a canary share is the lowest ones. */
  readonly position: number
}

/** Puts machines into a campaign; one that is in it already stays as it is. */
export function addTargets(database: Database, campaign: number, targets: readonly NewTarget[], dueAt: number): Promise<void> {
  return database.write((db) =>
    inParts(targets, 500, (part) =>
      db
        .insertInto('campaign_target')
        .values(
          part.map((t) => ({
            campaign_id: campaign,
            machine_id: t.machine,
            site: t.site,
            position: t.position,
            state: 'waiting',
            attempts: 0,
            due_at: dueAt,
          })),
        )
        .onConflict((c) => c.doNothing())
        .execute(),
    ),
  )
}

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
export type Target = Held & { readonly name: string; readonly address: string | null; readonly site: string; readonly position: number }

/** Takes the next machines of a site that are due; none where the campaign does not run. Leases that ended are given anew. */
export async function claimTargets(database: Database, c: Claim): Promise<readonly Target[]> {
  const work = (db: Kysely<Tables>) => claim(database, db, c)
  return c.mostAtOnce === null ? database.write(work) : database.alone(`campaign ${c.campaign} ${c.site}`, work)
}

async function claim(database: Database, db: Kysely<Tables>, c: Claim): Promise<Target[]> {
  const skipping = database.kind === 'postgres'
  const mine = (state: TargetState) =>
    db.selectFrom('campaign_target').where('campaign_id', '=', c.campaign).where('site', '=', c.site).where('state', '=', sql.lit(state))
  const running = db.selectFrom('campaign').select('id').where('id', '=', c.campaign).where('state', '=', 'running')
  // Held until the end of this transaction: who stops the campaign waits, and then no further claim begins.
  if (!(await (skipping ? running.forShare() : running).executeTakeFirst())) return []
  const ended = mine('leased').select('machine_id').where('lease_until', '<=', c.now).orderBy('machine_id').limit(1000)
  const lost = await (skipping ? ended.forUpdate().skipLocked() : ended).execute()
  if (lost.length > 0)
    await set(
      db,
      c.campaign,
      lost.map((t) => t.machine_id),
      { state: 'waiting', owner: null, lease_until: null, due_at: c.now },
    )
  let limit = c.limit
  if (c.mostAtOnce !== null) {
    const { held } = await mine('leased')
      .select((e) => e.fn.countAll<number>().as('held'))
      .executeTakeFirstOrThrow()
    limit = Math.min(limit, c.mostAtOnce - held)
  }
  if (limit <= 0) return []
  let due = mine('waiting').select('machine_id').where('due_at', '<=', c.now)
  if (c.upTo !== null) due = due.where('position', '<=', c.upTo)
  due = due.orderBy('due_at').orderBy('position').orderBy('machine_id').limit(limit)
  const next = (await (skipping ? due.forUpdate().skipLocked() : due).execute()).map((t) => t.machine_id)
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
    .select(['machine_id', 'name', 'address', 'site', 'position', 'attempts'])
    .where('campaign_id', '=', c.campaign)
    .where('machine_id', 'in', next)
    .orderBy('position')
    .orderBy('machine_id')
    .execute()
  return rows.map((r) => ({
    campaign: c.campaign,
    machine: r.machine_id,
    attempt: r.attempts,
    owner: c.owner,
    name: r.name,
    address: r.address,
    site: r.site,
    position: r.position,
  }))
}

type Columns = Partial<Tables['campaign_target']>

async function set(db: Kysely<Tables>, campaign: number, machines: readonly number[], columns: Columns): Promise<void> {
  await db.updateTable('campaign_target').set(columns).where('campaign_id', '=', campaign).where('machine_id', 'in', machines).execute()
}

export type Ending = {
  readonly state: 'done' | 'failed'
  readonly result: string
  readonly problemCode: string | null
  /** The key of its outcome, where there is one. */
  readonly outcome: string | null
  readonly at: number
}

/**
 * Ends a machine's part. False: the lease was lost to somebody else, and it is their answer that counts. Said twice it is true
 * twice, as the first answer may have been lost on its way.
 */
export async function finishTarget({ db }: Database, held: Held, end: Ending): Promise<boolean> {
  const columns = {
    state: end.state,
    result: end.result,
    problem_code: end.problemCode,
    outcome_key: end.outcome,
    ended_at: end.at,
    lease_until: null,
  }
  if (await change(db, held, columns)) return true
  const now = await db
    .selectFrom('campaign_target')
    .select(['state', 'owner', 'attempts'])
    .where('campaign_id', '=', held.campaign)
    .where('machine_id', '=', held.machine)
    .executeTakeFirst()
  return now !== undefined && now.state === end.state && now.owner === held.owner && now.attempts === held.attempt
}

/** Gives a machine back, to be tried again at `dueAt`; false where the lease was lost. */
export function releaseTarget(
  { db }: Database,
  held: Held,
  again: { readonly dueAt: number; readonly problemCode: string | null },
): Promise<boolean> {
  return change(db, held, { state: 'waiting', owner: null, lease_until: null, due_at: again.dueAt, problem_code: again.problemCode })
}

async function change(db: Kysely<Tables>, held: Held, columns: Columns): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('campaign_target')
    .set(columns)
    .where('campaign_id', '=', held.campaign)
    .where('machine_id', '=', held.machine)
    .where('state', '=', 'leased')
    .where('owner', '=', held.owner)
    .where('attempts', '=', held.attempt)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Holds on to what an owner has, until `until`; answers the machines that it still has. */
export async function extendLeases(
  { db }: Database,
  who: { readonly campaign: number; readonly owner: string; readonly until: number },
): Promise<readonly number[]> {
  const rows = await db
    .updateTable('campaign_target')
    .set({ lease_until: who.until })
    .where('campaign_id', '=', who.campaign)
    .where('state', '=', sql.lit('leased'))
    .where('owner', '=', who.owner)
    .returning('machine_id')
    .execute()
  return rows.map((r) => r.machine_id).sort((a, b) => a - b)
}

/** Takes out whoever still waits; answers how many. Those that are held end by themselves. */
export async function cancelWaiting({ db }: Database, campaign: number, at: number): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('campaign_target')
    .set({ state: 'cancelled', ended_at: at })
    .where('campaign_id', '=', campaign)
    .where('state', '=', sql.lit('waiting'))
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

export type ProgressRow = { readonly site: string; readonly state: TargetState; readonly problem: string | null; readonly count: number }

/** How many are where: by site, state and problem (of those that wait: of the last try). */
export async function progress({ db }: Database, campaign: number): Promise<readonly ProgressRow[]> {
  const rows = await db
    .selectFrom('campaign_target')
    .select(['site', 'state', 'problem_code as problem', (e) => e.fn.countAll<number>().as('count')])
    .where('campaign_id', '=', campaign)
    .groupBy(['site', 'state', 'problem_code'])
    .orderBy('site')
    .orderBy('state')
    .execute()
  return rows.map((r) => ({ ...r, state: r.state as TargetState }))
}

export type TargetLine = {
  readonly machine: number
  readonly name: string
  readonly site: string
  readonly state: TargetState
  readonly attempts: number
  readonly dueAt: number
  readonly result: string | null
  readonly problem: string | null
  readonly outcome: string | null
  readonly endedAt: number | null
}

/** The machines of a campaign, by id. */
export async function listTargets(
  { db }: Database,
  campaign: number,
  states: readonly TargetState[] | null,
  wish: PageWish,
): Promise<Page<TargetLine>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['number'])
  let query = db
    .selectFrom('campaign_target as t')
    .innerJoin('machine', 'machine.id', 't.machine_id')
    .select(['t.machine_id', 'name', 'site', 'state', 'attempts', 'due_at', 'result', 't.problem_code', 'outcome_key', 'ended_at'])
    .where('campaign_id', '=', campaign)
  if (states) query = query.where('state', 'in', states)
  if (after) query = query.where('t.machine_id', '>', after[0] as number)
  const rows = await query
    .orderBy('t.machine_id')
    .limit(limit + 1)
    .execute()
  return {
    rows: rows.slice(0, limit).map((r) => ({
      machine: r.machine_id,
      name: r.name,
      site: r.site,
      state: r.state as TargetState,
      attempts: r.attempts,
      dueAt: r.due_at,
      result: r.result,
      problem: r.problem_code,
      outcome: r.outcome_key,
      endedAt: r.ended_at,
    })),
    next: rows.length > limit ? pageKey([rows[limit - 1]!.machine_id]) : null,
  }
}
