/** Requests that carry a key of the caller's, so that one that is sent twice is done once. Writes `idempotency_key`. */
import { indexed, plain } from './parts.ts'
import type { Database } from './tables.ts'

export type KeyState =
  | { readonly state: 'new' }
  | { readonly state: 'running' }
  /** The key was used for another request. */
  | { readonly state: 'other' }
  | { readonly state: 'done'; readonly status: number; readonly body: string }

type Key = { readonly key: string; readonly account: number }

/** Takes a key for a request (`request`: a hash of method, path and body). `new`: it is the caller's to do, exactly once, by whichever process. */
export async function claimKey({ db }: Database, k: Key & { readonly request: string; readonly at: number }): Promise<KeyState> {
  const key = indexed(k.key)
  const taken = await db
    .insertInto('idempotency_key')
    .values({ account_id: k.account, key, request: k.request, claimed_at: k.at })
    .onConflict((c) => c.columns(['account_id', 'key']).doNothing())
    .returning('key')
    .executeTakeFirst()
  if (taken) return { state: 'new' }
  const row = await db
    .selectFrom('idempotency_key')
    .selectAll()
    .where('account_id', '=', k.account)
    .where('key', '=', key)
    .executeTakeFirst()
  // It was forgotten between the two: whoever had it is through.
  if (!row) return { state: 'running' }
  if (row.request !== k.request) return { state: 'other' }
  return row.status === null ? { state: 'running' } : { state: 'done', status: row.status, body: row.body ?? '' }
}

/** Keeps what was answered, for whoever sends the same again. */
export async function finishKey(
  { db }: Database,
  k: Key & { readonly status: number; readonly body: string; readonly at: number },
): Promise<void> {
  await db
    .updateTable('idempotency_key')
    .set({ status: k.status, body: plain(k.body), claimed_at: k.at })
    .where('account_id', '=', k.account)
    .where('key', '=', indexed(k.key))
    .execute()
}

/** Gives a key back: nothing was done with it. */
export async function forgetKey({ db }: Database, k: Key): Promise<void> {
  await db.deleteFrom('idempotency_key').where('account_id', '=', k.account).where('key', '=', indexed(k.key)).execute()
}

/** Forgets keys that were taken or finished before a time; also those of a process that died at it. */
export async function forgetKeys({ db }: Database, before: number): Promise<void> {
  await db.deleteFrom('idempotency_key').where('claimed_at', '<', before).execute()
}
