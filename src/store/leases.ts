/** Leases as others see them: who holds machines of a campaign, and what is taken back from those who are gone. Writes `campaign_target`. */
import { sql } from 'kysely'
import type { Database } from './tables.ts'

/** What one owner holds. `until` moves whenever the owner says that it is there; by itself it says nothing about the time. */
export type OwnerLeases = { readonly owner: string; readonly machines: number; readonly until: number }

/** Who holds machines of a campaign. */
export async function leases({ db }: Database, campaign: number): Promise<readonly OwnerLeases[]> {
  const rows = await db
    .selectFrom('campaign_target')
    .select(['owner', (e) => e.fn.countAll<number>().as('machines'), (e) => e.fn.max('lease_until').as('until')])
    .where('campaign_id', '=', campaign)
    .where('state', '=', sql.lit('leased'))
    .groupBy('owner')
    .orderBy('owner')
    .execute()
  return rows.map((r) => ({ owner: r.owner ?? '', machines: r.machines, until: r.until ?? 0 }))
}

/**
 * Takes back what an owner holds, as far as its leases have not moved since they were seen to last until `until`; the machines wait
 * again, until `dueAt`, or are taken out where the campaign is over. Answers how many.
 */
export function takeBack(
  database: Database,
  from: { readonly campaign: number; readonly owner: string; readonly until: number; readonly dueAt: number },
): Promise<number> {
  return database.write(async (db) => {
    const over = await db
      .selectFrom('campaign')
      .select('id')
      .where('id', '=', from.campaign)
      .where('state', 'in', ['cancelled', 'finished'])
      .executeTakeFirst()
    const free = { owner: null, lease_until: null }
    const { numUpdatedRows } = await db
      .updateTable('campaign_target')
      .set(over ? { ...free, state: 'cancelled', ended_at: from.dueAt } : { ...free, state: 'waiting', due_at: from.dueAt })
      .where('campaign_id', '=', from.campaign)
      .where('state', '=', sql.lit('leased'))
      .where('owner', '=', from.owner)
      .where('lease_until', '<=', from.until)
      .executeTakeFirst()
    return Number(numUpdatedRows)
  })
}
