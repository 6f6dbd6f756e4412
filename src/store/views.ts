/** Filters that somebody saved under a name. Writes `saved_view`. */
import { indexed, plain } from './parts.ts'
import type { Database } from './tables.ts'

export type SavedView = {
  readonly name: string
  /** As the address of the page has it. */
  readonly query: string
  readonly savedAt: number
}

/** Saves one; a name that the account has already means this query from now on. */
export async function saveView(
  { db }: Database,
  view: { readonly account: number; readonly name: string; readonly query: string; readonly at: number },
): Promise<void> {
  const row = { query: plain(view.query), saved_at: view.at }
  await db
    .insertInto('saved_view')
    .values({ account_id: view.account, name: indexed(view.name), ...row })
    .onConflict((c) => c.columns(['account_id', 'name']).doUpdateSet(row))
    .execute()
}

/** Those of an account, by name. */
export async function listViews({ db }: Database, account: number): Promise<readonly SavedView[]> {
  const rows = await db.selectFrom('saved_view').selectAll().where('account_id', '=', account).orderBy('name').execute()
  return rows.map((r) => ({ name: r.name, query: r.query, savedAt: r.saved_at }))
}

/** Deletes one; what is not there is no harm. */
export async function deleteView({ db }: Database, account: number, name: string): Promise<void> {
  await db.deleteFrom('saved_view').where('account_id', '=', account).where('name', '=', indexed(name)).execute()
}
