/** Causes, each kept once: what many machines have in common is counted by it. Writes `cause`. */
import { indexed } from './parts.ts'
import type { Database } from './tables.ts'

/**
 * A cause without what differs from day to day and machine to machine: "lapses in 5 days" and "in 4 days" are one cause. Numbers
 * in names (Windows 11), codes and addresses stay.
 */
export function causeKey(text: string): string {
  const numberless = text
    .replace(/\b\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?/g, '#')
    .replace(/(?<![\w.#-]|Windows |Server |Office |Visio |Project |SQL )(?!\d+\.\d+\.\d+\.\d+)\d+(?:[.:]\d+)*(?![\w-]|\.\d)/g, '#')
  return indexed(numberless)
}

const known = new WeakMap<Database, Map<string, number>>()

/** The ids of causes; new ones are kept, each by itself, so that two processes that meet the same one do not wait for each other. */
export async function causeIds(
  database: Database,
  causes: ReadonlyMap<string, { readonly text: string; readonly next: readonly string[] }>,
): Promise<ReadonlyMap<string, number>> {
  const before = known.get(database)
  // A fleet has some hundred; names of hosts in them could make it many more. Whoever was given the full map still looks into it.
  const ids = before && before.size <= 10_000 ? before : new Map<string, number>()
  known.set(database, ids)
  for (const [key, { text, next }] of causes) {
    if (ids.has(key)) continue
    await database.db
      .insertInto('cause')
      .values({ key, text, next: JSON.stringify(next) })
      .onConflict((c) => c.column('key').doNothing())
      .execute()
    const { id } = await database.db.selectFrom('cause').select('id').where('key', '=', key).executeTakeFirstOrThrow()
    ids.set(key, id)
  }
  return ids
}
