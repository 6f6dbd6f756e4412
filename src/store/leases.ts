/**
 * Leases as others see them: which campaigns hold machines, whatever their state (a worker that was killed goes on holding, also in
 * one that is over), who holds them, and what is taken back from whoever is gone. Writes `campaign_target`.
 */
import { sql } from 'kysely'
import { inParts } from './parts.ts'
import type { Database } from './tables.ts'

/** Campaigns that hold at least one machine, by id. */
export async function holding({ db }: Database): Promise<readonly number[]> {
  const rows = await db
    .selectFrom('campaign_target')
    .select('campaign_id')
    .distinct()
    .where('state', '=', sql.lit('leased'))
    .orderBy('campaign_id')
    .execute()
  return rows.map((r) => r.campaign_id)
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
 * The machines wait until `dueAt`, with the attempt counted, or are taken out where the campaign is over. Answers how many; what
 * somebody is writing just now is left.
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
      .selectFrom('campaign_target')
      .select('machine_id')
      .where('campaign_id', '=', from.campaign)
      .where('state', '=', sql.lit('leased'))
      .where('owner', '=', from.owner)
      .where('lease_until', '<=', from.until)
    // In the order of ids where they are locked; SQLite would read the whole campaign for that.
    const lost = await (database.kind === 'postgres' ? theirs.orderBy('machine_id').forUpdate().skipLocked() : theirs).execute()
    const over = await db
      .selectFrom('campaign')
      .select('id')
      .where('id', '=', from.campaign)
      .where('state', 'in', ['cancelled', 'finished'])
      .executeTakeFirst()
    const free = { owner: null, lease_until: null }
    await inParts(lost, 500, (part) =>
      db
        .updateTable('campaign_target')
        .set(over ? { ...free, state: 'cancelled', ended_at: from.dueAt } : { ...free, state: 'waiting', due_at: from.dueAt })
        .where('campaign_id', '=', from.campaign)
        .where(
          'machine_id',
          'in',
          part.map((t) => t.machine_id),
        )
        .execute(),
    )
    return lost.length
  })
}
