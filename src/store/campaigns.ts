/** Campaigns: what is done to a selection of machines. Writes `campaign`; its machines are in targets.ts. */
import type { Database } from './tables.ts'

export type CampaignKind = 'scan' | 'plan' | 'apply'
/** `stopped` can go on; `cancelled` and `finished` cannot. */
export type CampaignState = 'running' | 'stopped' | 'cancelled' | 'finished'
export type NewCampaign = {
  /** The caller's own name for it, the same at every try. */
  readonly key: string
  readonly kind: CampaignKind
  readonly name: string
  /** Limits, rates, windows, wishes: the runner's, kept as JSON. */
  readonly settings: unknown
  readonly at: number
}
export type Campaign = Omit<NewCampaign, 'at'> & {
  readonly id: number
  readonly state: CampaignState
  readonly because: string | null
  readonly createdAt: number
  readonly changedAt: number
}

/** Begins a campaign, stopped: it runs when its machines are in. Answers its id; one that is there already stays as it is. */
export function createCampaign(database: Database, c: NewCampaign): Promise<number> {
  return database.write(async (db) => {
    await db
      .insertInto('campaign')
      .values({
        key: c.key,
        kind: c.kind,
        name: c.name,
        settings: JSON.stringify(c.settings),
        state: 'stopped',
        because: null,
        created_at: c.at,
        changed_at: c.at,
      })
      .onConflict((o) => o.column('key').doNothing())
      .execute()
    return (await db.selectFrom('campaign').select('id').where('key', '=', c.key).executeTakeFirstOrThrow()).id
  })
}

/** Runs, stops or ends it; false where it is over already, or where it is that now. */
export async function setCampaign(
  { db }: Database,
  id: number,
  to: { readonly state: CampaignState; readonly because: string | null; readonly at: number },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('campaign')
    .set({ state: to.state, because: to.because, changed_at: to.at })
    .where('id', '=', id)
    .where('state', 'in', ['running', 'stopped'])
    .where('state', '!=', to.state)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Campaigns, newest first; one, where an id is given. */
export async function listCampaigns(
  { db }: Database,
  which: { readonly id?: number; readonly limit: number },
): Promise<readonly Campaign[]> {
  let query = db.selectFrom('campaign').selectAll()
  if (which.id !== undefined) query = query.where('id', '=', which.id)
  const rows = await query.orderBy('id', 'desc').limit(which.limit).execute()
  return rows.map((r) => ({
    id: r.id,
    key: r.key,
    kind: r.kind as CampaignKind,
    name: r.name,
    settings: JSON.parse(r.settings) as unknown,
    state: r.state as CampaignState,
    because: r.because,
    createdAt: r.created_at,
    changedAt: r.changed_at,
  }))
}
