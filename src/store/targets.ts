/**
 * The machines of a campaign: which there are, how they ended, how many are left. This table is the truth, whoever hands out the
 * work: a worker holds a machine by a lease, and a worker that was killed loses it when the lease ends. Writes `campaign_target`,
 * as claim.ts does, which takes machines.
 */
import { type Kysely, sql } from 'kysely'
import type { Verdict } from '../model.ts'
import type { Held } from './claim.ts'
import { keyOf, type Page, type PageWish, sizeOf } from './list.ts'
import { inParts, pageKey, plain } from './parts.ts'
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

export type Ending = {
  readonly state: 'done' | 'failed'
  readonly result: string
  readonly problemCode: string | null
  /** The key of its outcome, where there is one. */
  readonly outcome: string | null
  readonly at: number
}

/** Given back: to be tried again. */
export type Again = {
  readonly dueAt: number
  readonly problemCode: string | null
  /** False: it was stopped before anything was tried, and the attempt does not count. One that has lines in the journal was tried. */
  readonly attempted: boolean
}
export type TargetEnd = { readonly held: Held; readonly end: Ending | Again }

type TargetRow = Pick<Tables['campaign_target'], 'campaign_id' | 'machine_id' | 'state' | 'owner' | 'attempts' | 'lease_until' | 'due_at'>

/** Whether it is still theirs. */
export const heldBy = (target: TargetRow, held: Held) =>
  target.state === 'leased' && target.owner === plain(held.owner) && target.attempts === held.attempt

/** Reads targets, and holds them as they are until the transaction ends; in the order of their ids, so that nobody waits crosswise. */
export async function lockTargets(database: Database, db: Kysely<Tables>, list: readonly Held[], how: 'share' | 'update') {
  const found = new Map<string, TargetRow>()
  const mark = (campaign: number, machine: number) => `${campaign} ${machine}`
  for (const [campaign, mine] of [...Map.groupBy(list, (h) => h.campaign)].sort(([a], [b]) => a - b)) {
    const machines = [...new Set(mine.map((h) => h.machine))].sort((a, b) => a - b)
    await inParts(machines, 500, async (part) => {
      const query = db
        .selectFrom('campaign_target')
        .select(['campaign_id', 'machine_id', 'state', 'owner', 'attempts', 'lease_until', 'due_at'])
        .where('campaign_id', '=', campaign)
        .where('machine_id', 'in', part)
        .orderBy('machine_id')
      const locked = database.kind === 'sqlite' ? query : how === 'share' ? query.forShare() : query.forUpdate()
      for (const row of await locked.execute()) found.set(mark(row.campaign_id, row.machine_id), row)
    })
  }
  return (held: Held) => found.get(mark(held.campaign, held.machine))
}

/**
 * Ends the parts of machines, or gives them back, many at once. False for each whose lease was lost: it is somebody else's answer
 * that counts. Said twice it is true twice, as the first answer may have been lost on its way.
 */
export function endTargets(database: Database, list: readonly TargetEnd[]): Promise<readonly boolean[]> {
  if (list.length === 0) return Promise.resolve([])
  return database.write(async (db) => {
    const over = await campaignsOver(
      database,
      db,
      list.flatMap(({ held, end }) => ('state' in end ? [] : [held.campaign])),
    )
    const targets = await lockTargets(
      database,
      db,
      list.map((l) => l.held),
      'update',
    )
    const journalled = await withJournal(
      db,
      list.flatMap(({ held, end }) => ('attempted' in end && !end.attempted ? [held] : [])),
    )
    const writes = new Map<TargetRow, TargetRow & Ended>()
    const answers = list.map(({ held, end }) => {
      const target = targets(held)
      if (!target) return false
      // What was said about it just before in the same list counts.
      const now = writes.get(target) ?? target
      const after = ended(now, held, end, journalled, over.get(held.campaign) ?? null)
      if (heldBy(now, held)) {
        writes.set(target, after)
        return true
      }
      if (now.state !== after.state || now.attempts !== after.attempts) return false
      return after.owner === null ? now.owner === null && now.due_at === after.due_at : now.owner === plain(held.owner)
    })
    await inParts([...writes.values()], 200, (part) => writeEnds(db, part))
    return answers
  })
}

type Ended = Pick<Tables['campaign_target'], 'result' | 'problem_code' | 'outcome_key' | 'ended_at'>

/** What becomes of a target. */
function ended(
  target: TargetRow,
  held: Held,
  end: Ending | Again,
  journalled: ReadonlySet<string>,
  overSince: number | null,
): TargetRow & Ended {
  const { campaign, machine, attempt } = held
  if ('state' in end)
    return {
      ...target,
      state: end.state,
      owner: held.owner,
      attempts: attempt,
      lease_until: null,
      result: end.result,
      problem_code: end.problemCode,
      outcome_key: end.outcome,
      ended_at: end.at,
    }
  const counts = end.attempted || journalled.has([campaign, machine, attempt].join())
  return {
    ...target,
    // Nobody would take it again in a campaign that is over.
    state: overSince === null ? 'waiting' : 'cancelled',
    owner: null,
    attempts: counts ? attempt : attempt - 1,
    lease_until: null,
    due_at: end.dueAt,
    result: null,
    problem_code: end.problemCode,
    outcome_key: null,
    ended_at: overSince,
  }
}

/** Which campaigns are cancelled or finished, and since when; campaigns stay as they are until the transaction ends, so that whoever cancels one finds all that waits. */
async function campaignsOver(database: Database, db: Kysely<Tables>, campaigns: readonly number[]): Promise<ReadonlyMap<number, number>> {
  if (campaigns.length === 0) return new Map()
  const query = db
    .selectFrom('campaign')
    .select(['id', 'state', 'changed_at'])
    .where('id', 'in', [...new Set(campaigns)])
    .orderBy('id')
  const rows = await (database.kind === 'postgres' ? query.forShare() : query).execute()
  return new Map(rows.flatMap((r) => (r.state === 'cancelled' || r.state === 'finished' ? [[r.id, r.changed_at]] : [])))
}

/** Which attempts have lines in the journal. */
async function withJournal(db: Kysely<Tables>, list: readonly Held[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const [campaign, mine] of Map.groupBy(list, (h) => h.campaign))
    await inParts(mine, 500, async (part) => {
      const rows = await db
        .selectFrom('journal_entry')
        .select(['machine_id', 'attempt'])
        .distinct()
        .where('campaign_id', '=', campaign)
        .where(
          'machine_id',
          'in',
          part.map((h) => h.machine),
        )
        .execute()
      for (const r of rows) found.add([campaign, r.machine_id, r.attempt].join())
    })
  return found
}

/** One statement for all of them. */
async function writeEnds(db: Kysely<Tables>, rows: readonly (TargetRow & Ended)[]): Promise<void> {
  const number = (value: number | null) => sql`cast(${value} as bigint)`
  const text = (value: string | null) => sql`cast(${value} as text)`
  const values = rows.map(
    (r) =>
      sql`(${sql.join([
        ...[number(r.campaign_id), number(r.machine_id), text(r.state), text(r.owner), sql`cast(${r.attempts} as integer)`],
        ...[number(r.due_at), text(r.result), text(r.problem_code), text(r.outcome_key), number(r.ended_at)],
      ])})`,
  )
  await sql`update campaign_target set state = v.column3, owner = v.column4, attempts = v.column5, due_at = v.column6, result = v.column7,
    problem_code = v.column8, outcome_key = v.column9, ended_at = v.column10, lease_until = null
    from (values ${sql.join(values)}) as v where campaign_id = v.column1 and machine_id = v.column2`.execute(db)
}

/** Holds on to what an owner has, until `until`; answers the machines that it still has. */
export function extendLeases(
  database: Database,
  who: { readonly campaign: number; readonly owner: string; readonly until: number },
): Promise<readonly number[]> {
  return database.write(async (db) => {
    const mine = db
      .selectFrom('campaign_target')
      .select('machine_id')
      .where('campaign_id', '=', who.campaign)
      .where('state', '=', sql.lit('leased'))
      .where('owner', '=', who.owner)
    // On PostgreSQL in the order of ids; SQLite would read the whole campaign for that.
    const rows = await (database.kind === 'postgres' ? mine.orderBy('machine_id').forUpdate() : mine).execute()
    const machines = rows.map((t) => t.machine_id).sort((a, b) => a - b)
    await inParts(machines, 500, (part) =>
      db
        .updateTable('campaign_target')
        .set({ lease_until: who.until })
        .where('campaign_id', '=', who.campaign)
        .where('machine_id', 'in', part)
        .execute(),
    )
    return machines
  })
}

/** Takes out whoever still waits; answers how many. Those that are held end by themselves. */
export function cancelWaiting(database: Database, campaign: number, at: number): Promise<number> {
  return database.write(async (db) => {
    const { numUpdatedRows } = await db
      .updateTable('campaign_target')
      .set({ state: 'cancelled', ended_at: at })
      .where('campaign_id', '=', campaign)
      .where('state', '=', sql.lit('waiting'))
      .executeTakeFirst()
    return Number(numUpdatedRows)
  })
}

export type Left = {
  /** Waiting, and nobody had them yet. */
  readonly untried: number
  /** Waiting, and somebody had them. */
  readonly retrying: number
  readonly leased: number
  readonly done: number
  readonly failed: number
  /** Of those that failed: could not be asked (results `unreachable` and `not-asked`). */
  readonly unreachable: number
  readonly cancelled: number
  /** When the first of those that wait is due; null: none waits. */
  readonly nextDueAt: number | null
}

/** How many machines of a campaign are where; of some sites, of those up to a place in the order. */
export async function left(
  { db }: Database,
  of: { readonly campaign: number; readonly upTo: number | null; readonly sites: readonly string[] | null },
): Promise<Left> {
  if (of.sites?.length === 0)
    return { untried: 0, retrying: 0, leased: 0, done: 0, failed: 0, unreachable: 0, cancelled: 0, nextDueAt: null }
  let query = db
    .selectFrom('campaign_target')
    .select(['state', 'attempts', 'result', (e) => e.fn.countAll<number>().as('n'), (e) => e.fn.min<number>('due_at').as('due')])
    .where('campaign_id', '=', of.campaign)
  if (of.upTo !== null) query = query.where('position', '<=', of.upTo)
  // By a value and not a column's name: the index that begins with the site would have to look at every row.
  if (of.sites !== null) query = query.where(sql`site || ''`, 'in', of.sites)
  const rows = await query.groupBy(['state', 'attempts', 'result']).execute()
  const count = (fits: (row: (typeof rows)[number]) => boolean) => rows.reduce((n, row) => (fits(row) ? n + row.n : n), 0)
  const waiting = rows.filter((r) => r.state === 'waiting')
  return {
    untried: count((r) => r.state === 'waiting' && r.attempts === 0),
    retrying: count((r) => r.state === 'waiting' && r.attempts > 0),
    leased: count((r) => r.state === 'leased'),
    done: count((r) => r.state === 'done'),
    failed: count((r) => r.state === 'failed'),
    unreachable: count((r) => r.state === 'failed' && (r.result === 'unreachable' || r.result === 'not-asked')),
    cancelled: count((r) => r.state === 'cancelled'),
    nextDueAt: waiting.length === 0 ? null : waiting.reduce((a, r) => Math.min(a, r.due), Infinity),
  }
}

/** Of those that wait: how many somebody had already, and when the first is due (null: none waits). By what waits alone, not by all of them. */
export async function waiting({ db }: Database, campaign: number): Promise<Pick<Left, 'retrying' | 'nextDueAt'>> {
  const rows = await db
    .selectFrom('campaign_target')
    .select(['attempts', (e) => e.fn.countAll<number>().as('n'), (e) => e.fn.min<number>('due_at').as('due')])
    .where('campaign_id', '=', campaign)
    .where('state', '=', sql.lit('waiting'))
    .groupBy('attempts')
    .execute()
  return {
    retrying: rows.reduce((n, r) => (r.attempts > 0 ? n + r.n : n), 0),
    nextDueAt: rows.length === 0 ? null : Math.min(...rows.map((r) => r.due)),
  }
}

/** The place in the order of the `n`-th machine, from 1: a canary share ends there. Null: there are fewer. */
export async function positionOf({ db }: Database, campaign: number, n: number): Promise<number | null> {
  if (!Number.isInteger(n) || n < 1) return null
  const row = await db
    .selectFrom('campaign_target')
    .select('position')
    .where('campaign_id', '=', campaign)
    .orderBy('position')
    .offset(n - 1)
    .limit(1)
    .executeTakeFirst()
  return row?.position ?? null
}

export type ProgressRow = {
  readonly site: string
  readonly state: TargetState
  /** Of those that wait: of the last try. */
  readonly problem: string | null
  /** Of those that are done or failed. */
  readonly result: string | null
  readonly count: number
}

/** How many are where: by site, state, problem and result. */
export async function progress({ db }: Database, campaign: number): Promise<readonly ProgressRow[]> {
  const rows = await db
    .selectFrom('campaign_target')
    .select(['site', 'state', 'problem_code as problem', 'result', (e) => e.fn.countAll<number>().as('count')])
    .where('campaign_id', '=', campaign)
    .groupBy(['site', 'state', 'problem_code', 'result'])
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
  /** Of the machine, as it answered last; null: it never did. */
  readonly verdict: Verdict | null
}

/** Which machines of a campaign; all that is there must hold. `result` and `problem` are as `progress` tells them. */
export type TargetFilter = { readonly states?: readonly TargetState[]; readonly result?: string; readonly problem?: string }

/** The machines of a campaign, by id. */
export async function listTargets(
  { db }: Database,
  campaign: number,
  { states, result, problem }: TargetFilter,
  wish: PageWish,
): Promise<Page<TargetLine>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['number'])
  let query = db
    .selectFrom('campaign_target as t')
    .innerJoin('machine', 'machine.id', 't.machine_id')
    .select([
      't.machine_id',
      'name',
      'site',
      'state',
      'attempts',
      'due_at',
      'result',
      't.problem_code',
      'outcome_key',
      'ended_at',
      'machine.verdict',
    ])
    .where('campaign_id', '=', campaign)
  if (states) query = query.where('state', 'in', states.length === 0 ? [''] : states)
  if (result !== undefined) query = query.where('result', '=', result)
  if (problem !== undefined) query = query.where('t.problem_code', '=', problem)
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
      verdict: r.verdict as Verdict | null,
    })),
    next: rows.length > limit ? pageKey([rows[limit - 1]!.machine_id]) : null,
  }
}
