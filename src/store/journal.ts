/** What was about to be done to a machine, and what was done: written by whoever holds it, read by whoever has it next. Writes `journal_entry`. */
import { sql } from 'kysely'
import type { Held } from './claim.ts'
import type { Database } from './tables.ts'
import { heldBy, lockTargets } from './targets.ts'

export type JournalLine = {
  readonly held: Held
  /** Counts within an attempt; the same at every try. */
  readonly sequence: number
  readonly at: number
  readonly body: string
}
export type JournalEntry = { readonly attempt: number; readonly sequence: number; readonly at: number; readonly body: string }

/**
 * Writes lines, all of them or none. Each answers whether it stands: true also where it stood already, false where the machine is
 * not held any more, or another text stands in its place. Nothing may be done on the strength of a line that does not stand.
 */
export function appendJournal(database: Database, lines: readonly JournalLine[]): Promise<readonly boolean[]> {
  if (lines.length === 0) return Promise.resolve([])
  return database.write(async (db) => {
    // Locked until this is written: nobody takes a machine over in between.
    const targets = await lockTargets(
      database,
      db,
      lines.map((l) => l.held),
      'share',
    )
    // Not by the time of the lease: clocks jump, and whoever takes a machine over changes the row.
    const holds = lines.map(({ held }) => {
      const target = targets(held)
      return target !== undefined && heldBy(target, held)
    })
    const writable = lines.filter((_, i) => holds[i])
    const mark = (campaign: number, machine: number, attempt: number, sequence: number) => [campaign, machine, attempt, sequence].join()
    const standing = new Set<string>()
    for (let i = 0; i < writable.length; i += 200) {
      const rows = await db
        .insertInto('journal_entry')
        .values(
          writable.slice(i, i + 200).map(({ held, sequence, at, body }) => ({
            campaign_id: held.campaign,
            machine_id: held.machine,
            attempt: held.attempt,
            sequence,
            at,
            body,
          })),
        )
        .onConflict((c) =>
          c
            .columns(['campaign_id', 'machine_id', 'attempt', 'sequence'])
            .doUpdateSet((e) => ({ sequence: e.ref('excluded.sequence') }))
            .where(sql<boolean>`journal_entry.body = excluded.body`),
        )
        .returning(['campaign_id', 'machine_id', 'attempt', 'sequence'])
        .execute()
      for (const r of rows) standing.add(mark(r.campaign_id, r.machine_id, r.attempt, r.sequence))
    }
    return lines.map((l, i) => holds[i]! && standing.has(mark(l.held.campaign, l.held.machine, l.held.attempt, l.sequence)))
  })
}

/** All lines about a machine in a campaign, in order. */
export async function journal({ db }: Database, campaign: number, machine: number): Promise<readonly JournalEntry[]> {
  const rows = await db
    .selectFrom('journal_entry')
    .select(['attempt', 'sequence', 'at', 'body'])
    .where('campaign_id', '=', campaign)
    .where('machine_id', '=', machine)
    .orderBy('attempt')
    .orderBy('sequence')
    .execute()
  return rows.map((r) => ({ ...r }))
}
