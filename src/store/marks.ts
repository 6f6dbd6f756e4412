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

const kept = new WeakMap<Database, { facts: number; readonly answers: Map<string, Promise<unknown>> }>()

/**
 * An answer that counts the whole fleet, kept until anything of it is different, in whatever process. The number is read first: an
 * answer may be newer than it says, never older. Who asks while it is worked out waits for the same one.
 */
export async function untilFactsChange<T>(database: Database, name: string, work: () => Promise<T>): Promise<T> {
  const { number } = await markOf(database.quick, 'facts')
  let mine = kept.get(database)
  if (!mine || mine.facts !== number) {
    mine = { facts: number, answers: new Map() }
    kept.set(database, mine)
  }
  const { answers } = mine
  const known = answers.get(name)
  if (known) return known as Promise<T>
  const answer = work()
  if (answers.size >= keptMost) answers.delete(answers.keys().next().value!)
  answers.set(name, answer)
  // What failed is asked again.
  answer.catch(() => answers.delete(name))
  return answer
}
