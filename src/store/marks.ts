/** Numbers that tell that something is different, and answers that hold until then. Writes `mark`. */
import { type Kysely, sql } from 'kysely'
import type { Database, Tables } from './tables.ts'

/** Says that something of a machine or a product is different; at the end of a transaction, so that nobody waits for it for long. */
export async function factsChanged(db: Kysely<Tables>): Promise<void> {
  await sql`insert into mark (name, number, text) values ('facts', 1, '') on conflict (name) do update set number = mark.number + 1`.execute(
    db,
  )
}

/** A mark as it is now; it begins at 0. */
export async function markOf(db: Kysely<Tables>, name: 'facts' | 'trail'): Promise<{ readonly number: number; readonly text: string }> {
  const row = await db.selectFrom('mark').select(['number', 'text']).where('name', '=', name).executeTakeFirst()
  return row ?? { number: 0, text: '' }
}

/** So many answers at most: which there are comes from what people ask. */
const keptMost = 100

type Answer = {
  readonly facts: number
  readonly value: Promise<unknown>
  /** It is worked out. */
  ready: boolean
  /** The one that follows: for all who came while this one was worked out, and found it old. */
  next: Promise<unknown> | null
}
const kept = new WeakMap<Database, Map<string, Answer>>()

/**
 * An answer that counts the whole fleet, kept until anything of it is different, in whatever process. The number is read first: an
 * answer may be newer than it says, never older. Who asks while it is worked out waits for the same one; where the fleet changes
 * meanwhile, for the one after it: a scan that changes something every moment makes nobody count more than once at a time.
 */
export async function untilFactsChange<T>(database: Database, name: string, work: () => Promise<T>): Promise<T> {
  const { number } = await markOf(database.quick, 'facts')
  const answers = kept.get(database) ?? new Map<string, Answer>()
  kept.set(database, answers)
  const known = answers.get(name)
  if (known?.facts === number) return known.value as Promise<T>
  if (known && !known.ready) {
    known.next ??= known.value.then(
      () => untilFactsChange(database, name, work),
      () => untilFactsChange(database, name, work),
    )
    return known.next as Promise<T>
  }
  for (const [other, answer] of answers) if (answer.ready && answer.facts !== number) answers.delete(other)
  if (answers.size >= keptMost) answers.delete(answers.keys().next().value!)
  const value = work()
  const answer: Answer = { facts: number, value, ready: false, next: null }
  answers.set(name, answer)
  value.then(
    () => {
      answer.ready = true
    },
    // What failed is asked again.
    () => {
      answer.ready = true
      if (answers.get(name) === answer) answers.delete(name)
    },
  )
  return value
}
