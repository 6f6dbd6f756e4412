/** Causes, each kept once: what many machines have in common is counted by it. Writes `cause`. */
import { idsOnce } from './kept-once.ts'
import { indexed } from './parts.ts'

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

/** The ids of causes, by their keys. A fleet has some hundred; names of hosts in them could make it many more. */
export const causeIds = idsOnce<{ readonly text: string; readonly next: readonly string[] }>(10_000, async (db, key, { text, next }) => {
  await db
    .insertInto('cause')
    .values({ key, text, next: JSON.stringify(next) })
    .onConflict((c) => c.column('key').doNothing())
    .execute()
  return (await db.selectFrom('cause').select('id').where('key', '=', key).executeTakeFirstOrThrow()).id
})
