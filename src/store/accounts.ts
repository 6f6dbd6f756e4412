/** Who may sign in to the server, and who has. A role, a password or a name that is taken away ends sessions at once. Writes `account` and `session`. */
import type { Kysely, Selectable } from 'kysely'
import { ProblemError, problem, type Role } from '../model.ts'
import { plain } from './parts.ts'
import type { Database, Tables } from './tables.ts'

/** `owner`: by the link that the server prints; `openid`: by the subject that the provider tells. */
export type AccountKind = 'owner' | 'local' | 'openid'
export type Account = {
  readonly id: number
  readonly name: string
  readonly kind: AccountKind
  /** Of OpenID Connect: who issued it and whom it means. It is the identity; the name may change. */
  readonly subject: string | null
  readonly role: Role
  readonly createdAt: number
  readonly signedInAt: number | null
  /** Since when it may not sign in. */
  readonly disabledAt: number | null
}
export type NewAccount = Pick<Account, 'name' | 'kind' | 'subject' | 'role'> & {
  /** A hash of the password, with how it was made (PHC string format); never the password. */
  readonly secret: string | null
  readonly at: number
}
export type AccountChange = {
  readonly role?: Role
  readonly secret?: string | null
  readonly disabledAt?: number | null
  readonly signedInAt?: number
}
export type Session = { readonly account: Account; readonly createdAt: number; readonly endsAt: number; readonly by: string }

/** Cut or mended, two names could become one, and one person another: such a name is refused. */
function mustBeName(text: string): void {
  if (text === '' || text.length > 255 || plain(text) !== text)
    throw new ProblemError(
      problem('ACCOUNT_NAME', 'That is no name of an account.', ['A name has 1 to 255 characters that can be written down.']),
    )
}

const named = (db: Kysely<Tables>, a: Pick<NewAccount, 'kind' | 'name' | 'subject'>) => {
  const query = db.selectFrom('account').selectAll()
  return a.subject === null
    ? query.where('kind', '=', a.kind).where('name', '=', a.name).where('subject', 'is', null)
    : query.where('subject', '=', a.subject)
}

/** Keeps an account: a new one, or that of the same kind and name (the same subject), which then has this role and secret. */
export function saveAccount(database: Database, a: NewAccount): Promise<Account> {
  mustBeName(a.name)
  if (a.subject !== null) mustBeName(a.subject)
  return database.alone('accounts', async (db) => {
    const before = await named(db, a).executeTakeFirst()
    if (before) {
      const { role, secret } = a
      await db.updateTable('account').set({ name: a.name, role, secret }).where('id', '=', before.id).execute()
      if (before.role !== role || before.secret !== secret) await endSessionsOf(db, before.id)
    } else {
      const { kind, name, subject, role, secret, at } = a
      await db.insertInto('account').values({ kind, name, subject, role, secret, created_at: at }).execute()
    }
    return accountOf(await named(db, a).executeTakeFirstOrThrow())
  })
}

/** All accounts by name, also those that are disabled. */
export async function listAccounts({ db }: Database): Promise<readonly Account[]> {
  return (await db.selectFrom('account').selectAll().orderBy('name').orderBy('id').execute()).map(accountOf)
}

/** One account, with its secret; `name` is that of a local one. */
export async function findAccount(
  { db }: Database,
  by: { readonly id: number } | { readonly name: string } | { readonly subject: string },
): Promise<(Account & { readonly secret: string | null }) | null> {
  const query = db.selectFrom('account').selectAll()
  const row = await ('id' in by
    ? query.where('id', '=', by.id)
    : 'name' in by
      ? query.where('kind', '=', 'local').where('name', '=', by.name)
      : query.where('subject', '=', by.subject)
  ).executeTakeFirst()
  return row ? { ...accountOf(row), secret: row.secret } : null
}

/** Changes an account. Another role or secret, and what disables it, ends its sessions with it. */
export function setAccount(database: Database, id: number, change: AccountChange): Promise<void> {
  return database.write(async (db) => {
    const { role, secret, disabledAt, signedInAt } = change
    const set = {
      ...(role === undefined ? {} : { role }),
      ...(secret === undefined ? {} : { secret }),
      ...(disabledAt === undefined ? {} : { disabled_at: disabledAt }),
      ...(signedInAt === undefined ? {} : { signed_in_at: signedInAt }),
    }
    if (Object.keys(set).length === 0) return
    const { numUpdatedRows } = await db.updateTable('account').set(set).where('id', '=', id).executeTakeFirst()
    if (numUpdatedRows === 0n)
      throw new ProblemError(problem('ACCOUNT_UNKNOWN', `There is no account ${id}.`, ['slmctl accounts lists them.']))
    if (role !== undefined || secret !== undefined || disabledAt !== undefined) await endSessionsOf(db, id)
  })
}

/** Of an account as it is in a row, its columns under other names where it is joined. */
export function accountOf(r: Selectable<Tables['account']>): Account {
  return {
    id: r.id,
    name: r.name,
    kind: r.kind as AccountKind,
    subject: r.subject,
    role: r.role as Role,
    createdAt: r.created_at,
    signedInAt: r.signed_in_at,
    disabledAt: r.disabled_at,
  }
}

/** Keeps a session, by the hash of what the browser holds; those that are over are forgotten. */
export function saveSession(
  database: Database,
  s: { readonly hash: string; readonly account: number; readonly createdAt: number; readonly endsAt: number; readonly by: string },
): Promise<void> {
  return database.write(async (db) => {
    await db.deleteFrom('session').where('ends_at', '<=', s.createdAt).execute()
    await db
      .insertInto('session')
      .values({ hash: s.hash, account_id: s.account, created_at: s.createdAt, ends_at: s.endsAt, way: s.by })
      // Said again, because an answer was lost: it is there already.
      .onConflict((c) => c.column('hash').doNothing())
      .execute()
  })
}

/** Whose session it is; null: there is none, it is over, or the account is disabled. */
export async function findSession({ db }: Database, hash: string, now: number): Promise<Session | null> {
  const row = await db
    .selectFrom('session')
    .innerJoin('account', 'account.id', 'session.account_id')
    .selectAll('account')
    .select(['session.created_at as began', 'session.ends_at', 'session.way'])
    .where('hash', '=', hash)
    .where('ends_at', '>', now)
    .where('disabled_at', 'is', null)
    .executeTakeFirst()
  return row ? { account: accountOf(row), createdAt: row.began, endsAt: row.ends_at, by: row.way } : null
}

/** Ends one session. */
export async function endSession({ db }: Database, hash: string): Promise<void> {
  await db.deleteFrom('session').where('hash', '=', hash).execute()
}

/** Ends all sessions of an account. */
export const endSessions = ({ db }: Database, account: number): Promise<void> => endSessionsOf(db, account)

async function endSessionsOf(db: Kysely<Tables>, account: number): Promise<void> {
  await db.deleteFrom('session').where('account_id', '=', account).execute()
}
