/** Which campaigns hold machines, whatever their state: a worker that was killed goes on holding, also in one that is over. */
import { sql } from 'kysely'
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
