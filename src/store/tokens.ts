/** API tokens, and links that work once; of both only the hash of the random value is kept. Writes `api_token` and `once`. */
import { type Account, accountOf } from './accounts.ts'
import { plain } from './parts.ts'
import type { Database } from './tables.ts'

/** Each with all before it; `metrics` is for the metrics alone. */
export type TokenScope = 'metrics' | 'read' | 'operate' | 'apply'
export type Token = {
  readonly id: number
  readonly account: number
  readonly accountName: string
  readonly name: string
  readonly scope: TokenScope
  readonly createdAt: number
  readonly endsAt: number
  /** To the minute. */
  readonly usedAt: number | null
  readonly revokedAt: number | null
}
export type NewToken = Pick<Token, 'account' | 'name' | 'scope' | 'createdAt' | 'endsAt'> & { readonly hash: string }

const withAccount = ({ db }: Database) =>
  db
    .selectFrom('api_token as t')
    .innerJoin('account', 'account.id', 't.account_id')
    .selectAll('account')
    .select(['t.id as token', 't.name as token_name', 'scope', 't.created_at as token_at', 'ends_at', 'used_at', 'revoked_at'])

type Row = Awaited<ReturnType<ReturnType<typeof withAccount>['executeTakeFirstOrThrow']>>
const tokenOf = (r: Row): Token => ({
  id: r.token,
  account: r.id,
  accountName: r.name,
  name: r.token_name,
  scope: r.scope as TokenScope,
  createdAt: r.token_at,
  endsAt: r.ends_at,
  usedAt: r.used_at,
  revokedAt: r.revoked_at,
})

/** Keeps a token, by its hash. */
export async function saveToken(database: Database, t: NewToken): Promise<Token> {
  await database.db
    .insertInto('api_token')
    .values({ hash: t.hash, account_id: t.account, name: plain(t.name), scope: t.scope, created_at: t.createdAt, ends_at: t.endsAt })
    .onConflict((c) => c.column('hash').doNothing())
    .execute()
  return tokenOf(await withAccount(database).where('t.hash', '=', t.hash).executeTakeFirstOrThrow())
}

/** Tokens of an account, or of all (null), newest first; also those that are over or were revoked. */
export async function listTokens(database: Database, account: number | null): Promise<readonly Token[]> {
  const query = withAccount(database).orderBy('t.id', 'desc')
  return (await (account === null ? query : query.where('t.account_id', '=', account)).execute()).map(tokenOf)
}

/** Whose token it is; null: there is none, it is over or revoked, or the account is disabled. */
export async function findToken(
  database: Database,
  hash: string,
  now: number,
): Promise<{ readonly token: Token; readonly account: Account } | null> {
  const row = await withAccount(database)
    .where('t.hash', '=', hash)
    .where('ends_at', '>', now)
    .where('revoked_at', 'is', null)
    .where('disabled_at', 'is', null)
    .executeTakeFirst()
  return row ? { token: tokenOf(row), account: accountOf(row) } : null
}

/** A minute: a program asks many times in a second, and each would be a write. */
const usedToMs = 60_000

/** Keeps when a token was used last. */
export async function usedToken({ db }: Database, id: number, at: number): Promise<void> {
  const token = await db.selectFrom('api_token').select('used_at').where('id', '=', id).executeTakeFirst()
  if (!token || (token.used_at !== null && at < token.used_at + usedToMs)) return
  await db.updateTable('api_token').set({ used_at: at }).where('id', '=', id).execute()
}

/** Takes a token back, for ever; the first time counts. */
export async function revokeToken({ db }: Database, id: number, at: number): Promise<void> {
  await db.updateTable('api_token').set({ revoked_at: at }).where('id', '=', id).where('revoked_at', 'is', null).execute()
}

/** Keeps a link that works once, by its hash. */
export async function saveOnce({ db }: Database, link: { readonly hash: string; readonly endsAt: number }): Promise<void> {
  await db
    .insertInto('once')
    .values({ hash: link.hash, ends_at: link.endsAt })
    .onConflict((c) => c.column('hash').doNothing())
    .execute()
}

/** True for exactly one who brings the link in time, by whichever process; those that are over are forgotten. */
export async function takeOnce({ db }: Database, hash: string, now: number): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('once').where('hash', '=', hash).where('ends_at', '>', now).executeTakeFirst()
  await db.deleteFrom('once').where('ends_at', '<=', now).execute()
  return numDeletedRows > 0n
}
