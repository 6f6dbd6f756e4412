/** Campaigns: what is done to a selection of machines. Writes `campaign`; its machines are in targets.ts. */
import type { Selectable } from 'kysely'
import { ProblemError, problem } from '../model.ts'
import { keyOf, type Page, type PageWish, sizeOf } from './list.ts'
import { indexed, pageKey, plain, strings } from './parts.ts'
import type { Database, Tables } from './tables.ts'

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

/** Other limits for a campaign that goes on; what runs takes them up at its next look. */
export async function setSettings({ db }: Database, id: number, settings: unknown): Promise<void> {
  await db
    .updateTable('campaign')
    .set({ settings: JSON.stringify(settings) })
    .where('id', '=', id)
    .where('state', 'in', ['running', 'stopped'])
    .execute()
}

/** Campaigns, newest first; one, where an id or a key is given. `before`: those that were made before that one. */
export async function listCampaigns(
  { db }: Database,
  which: { readonly id?: number; readonly key?: string; readonly state?: CampaignState; readonly before?: number; readonly limit: number },
): Promise<readonly Campaign[]> {
  let query = db.selectFrom('campaign').selectAll()
  if (which.id !== undefined) query = query.where('id', '=', which.id)
  if (which.key !== undefined) query = query.where('key', '=', which.key)
  if (which.state !== undefined) query = query.where('state', '=', which.state)
  if (which.before !== undefined) query = query.where('id', '<', which.before)
  return (await query.orderBy('id', 'desc').limit(which.limit).execute()).map(campaignOf)
}

/** Campaigns, newest first, page by page. */
export async function campaignPage(
  { db }: Database,
  which: { readonly state?: CampaignState; readonly kind?: CampaignKind },
  wish: PageWish,
): Promise<Page<Campaign>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['number'])
  let query = db.selectFrom('campaign').selectAll()
  if (which.state !== undefined) query = query.where('state', '=', which.state)
  if (which.kind !== undefined) query = query.where('kind', '=', which.kind)
  if (after) query = query.where('id', '<', after[0] as number)
  const rows = await query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
  const page = rows.slice(0, limit)
  return { rows: page.map(campaignOf), next: rows.length > limit ? pageKey([page.at(-1)!.id]) : null }
}

const campaignOf = (r: Selectable<Tables['campaign']>): Campaign => ({
  id: r.id,
  key: r.key,
  kind: r.kind as CampaignKind,
  name: r.name,
  settings: JSON.parse(r.settings) as unknown,
  state: r.state as CampaignState,
  because: r.because,
  createdAt: r.created_at,
  changedAt: r.changed_at,
})

/** How much earlier than the one before a reservation may seem to come: clocks differ by less, unless one of them was set. */
const clocksDifferMs = 600_000

/**
 * Reserves `count` activations, one every `everyMs`, over all workers of a campaign; answers when the first may be sent (ms). What
 * was reserved by a clock that was far ahead is counted from now: nobody waits for hours because a clock was wrong.
 */
export function reserveActivations(
  database: Database,
  wish: { readonly campaign: number; readonly count: number; readonly everyMs: number; readonly now: number },
): Promise<number> {
  return database.write(async (db) => {
    const query = db.selectFrom('campaign').select(['next_activation_at', 'activation_clock']).where('id', '=', wish.campaign)
    const row = await (database.kind === 'postgres' ? query.forNoKeyUpdate() : query).executeTakeFirst()
    if (!row) throw new ProblemError(problem('CAMPAIGN_UNKNOWN', `There is no campaign ${wish.campaign}.`, ['slmctl fleet campaigns']))
    const clock = row.activation_clock ?? wish.now
    const setBack = clock - wish.now > clocksDifferMs ? clock - wish.now : 0
    const first = Math.max((row.next_activation_at ?? wish.now) - setBack, wish.now)
    await db
      .updateTable('campaign')
      .set({
        next_activation_at: first + wish.count * wish.everyMs,
        activation_clock: setBack > 0 ? wish.now : Math.max(clock, wish.now),
      })
      .where('id', '=', wish.campaign)
      .execute()
    return first
  })
}

/** Why machines of a campaign came to something: a code, and what one of them said. */
export type CampaignReason = { readonly code: string; readonly text: string; readonly next: readonly string[] }
/** Next steps of one reason; each is a sentence. */
const nextMost = 5

/** Keeps what is said with a code, the first time that a campaign meets it. */
export async function saveReasons({ db }: Database, reasons: readonly (CampaignReason & { readonly campaign: number })[]): Promise<void> {
  for (const { campaign, code, text, next } of reasons)
    await db
      .insertInto('campaign_reason')
      .values({
        ...{ campaign_id: campaign, code: indexed(code), text: indexed(text) },
        next: JSON.stringify(next.slice(0, nextMost).map((n) => plain(n).slice(0, 1000))),
      })
      .onConflict((o) => o.columns(['campaign_id', 'code']).doNothing())
      .execute()
}

export async function reasonsOf({ db }: Database, campaign: number): Promise<readonly CampaignReason[]> {
  const rows = await db
    .selectFrom('campaign_reason')
    .select(['code', 'text', 'next'])
    .where('campaign_id', '=', campaign)
    .orderBy('code')
    .execute()
  return rows.map(({ code, text, next }) => ({ code, text, next: strings(next) }))
}
