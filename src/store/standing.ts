/** What is asked of a campaign all the time while it runs: answered from what waits and what is held, not from all that it has. */
import { sql } from 'kysely'
import type { Database } from './tables.ts'

export type Standing = {
  readonly leased: number
  /** Whether any machine waits, due or not. */
  readonly waits: boolean
  /** When the first of those that wait is due, where none is held; else null. */
  readonly nextDueAt: number | null
}

/** Whether a campaign goes on, and with what. `left` counts all of its machines, which takes a tenth of a second at 100,000. */
export async function standing({ db }: Database, campaign: number): Promise<Standing> {
  const mine = db.selectFrom('campaign_target').where('campaign_id', '=', campaign)
  const waiting = mine.where('state', '=', sql.lit('waiting'))
  // In one statement: a machine that is taken between two would be in neither.
  const { leased, waits } = await mine
    .where('state', '=', sql.lit('leased'))
    .select((e) => [e.fn.countAll<number>().as('leased'), e.exists(waiting.select('due_at')).as('waits')])
    .executeTakeFirstOrThrow()
  if (leased > 0 || !waits) return { leased, waits: Boolean(waits), nextDueAt: null }
  const { first } = await waiting.select((e) => e.fn.min('due_at').as('first')).executeTakeFirstOrThrow()
  return { leased, waits: true, nextDueAt: first }
}

/**
 * Lets the database look at the machines of campaigns, after many were put in: not knowing how many there are, both kinds choose to
 * look through a whole campaign where the few that are held are wanted. SQLite knows it in the connection that has looked.
 */
export async function learn({ kind, db }: Database): Promise<void> {
  if (kind === 'sqlite') await sql`pragma analysis_limit = 1000`.execute(db)
  await sql`analyze campaign_target`.execute(db)
}
