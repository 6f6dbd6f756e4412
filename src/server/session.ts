/** How a request tells who asks: a session by cookie, or a token. What either may is read anew each time. */
import type { Store } from '../app.ts'
import { problem, type Role } from '../model.ts'
import { refused } from './problems.ts'
import { hashOf, roleOfScope, tokenPrefix } from './proof.ts'
import type { Scope, Who } from './route.ts'

export type Account = Awaited<ReturnType<Store['accounts']>>[number]
export type Token = Awaited<ReturnType<Store['tokens']>>[number]

/** Who asks, and by what. */
export type Caller = {
  readonly who: Who
  /** Null: not by a token. */
  readonly scope: Scope | null
  /** What may be done; null: nothing but what is open (and /metrics for its scope). */
  readonly role: Role | null
  /** Hash of the session. */
  readonly session: string | null
}

const ranks: Readonly<Record<Role, number>> = { viewer: 1, operator: 2, approver: 3 }
/** Whether a role is enough for another. */
export const mayAs = (role: Role | null, wanted: Role): boolean => role !== null && ranks[role] >= ranks[wanted]
const lower = (a: Role, b: Role): Role => (ranks[a] < ranks[b] ? a : b)

/** Over TLS the name makes browsers hold it to this host, the whole path and Secure (RFC 6265bis, 4.1.3.2). */
export const cookieName = (secure: boolean): string => (secure ? '__Host-slmctl' : 'slmctl')

/** A cookie that no script reads. `seconds` 0 takes it away. */
export function cookie(
  name: string,
  value: string,
  { secure, seconds, site }: { secure: boolean; seconds: number; site: 'Strict' | 'Lax' },
) {
  return `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=${site}${secure ? '; Secure' : ''}`
}

/** Reads one cookie of a header; of two with one name the first counts, as browsers send the narrower one first. */
export const cookieIn = (header: string | undefined, name: string): string | null =>
  cookiesIn(header).find(([n]) => n === name)?.[1] ?? null

/** The cookies of a header, names and values. */
export const cookiesIn = (header: string | undefined): readonly (readonly [string, string])[] =>
  (header?.split(';') ?? []).flatMap((pair) => {
    const at = pair.indexOf('=')
    return at > 0 ? [[pair.slice(0, at).trim(), pair.slice(at + 1).trim()] as const] : []
  })

export const nobody = (from: string): Caller => ({
  who: { account: null, name: '-', by: 'nobody', role: 'viewer', endsAt: null, from },
  scope: null,
  role: null,
  session: null,
})

/** Whether a session or a token that was let in would be let in now: for answers that take long. */
export async function goesOn(store: Store, { account, token }: Who, session: string | null, now: number): Promise<boolean> {
  if (session !== null) return (await store.session(session, now)) !== null
  if (account === null || token === undefined || (await store.account({ id: account }))?.disabledAt !== null) return false
  return (await store.tokens(account)).some((t) => `${t.id} ${t.name}` === token && t.revokedAt === null && t.endsAt > now)
}

/** A token is written down as used at most so often. */
const usedEveryMs = 60_000
const proofPattern = /^[\w-]{20,100}$/

/** Nobody of the provider has said for so long that the owner of a token still has a role. */
function mustBeSeen({ kind, name, signedInAt, createdAt }: Account, dormantDays: number | null, now: number): void {
  if (kind !== 'openid' || dormantDays === null || now - (signedInAt ?? createdAt) < dormantDays * 86_400_000) return
  throw refused(
    problem('TOKEN_OWNER_AWAY', `The token rests: ${name} has not signed in for ${dormantDays} days, so that their role is not known.`, [
      `It holds again as soon as ${name} signs in.`,
      'For a program, make a token of an account of slmctl: docs/guide/sign-in.md',
    ]),
    {},
  )
}

/** `dormantDays`: of the site file. */
export function callers(store: Store, clock: () => number, dormantDays: number | null) {
  const used = new Map<number, number>()
  const noteUse = (id: number, now: number) => {
    if (now - (used.get(id) ?? 0) < usedEveryMs) return
    used.delete(id)
    used.set(id, now)
    if (used.size > 5000) used.delete(used.keys().next().value!)
    store.usedToken(id, now).catch(() => {})
  }
  return {
    /** Null: an Authorization that is none, or no longer. `TOKEN_OWNER_AWAY`: it rests. */
    byToken: async (authorization: string, from: string): Promise<Caller | null> => {
      const value = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
      if (!value?.startsWith(tokenPrefix) || !proofPattern.test(value)) return null
      const now = clock()
      const found = await store.token(hashOf(value), now)
      if (!found) return null
      const { token, account } = found
      mustBeSeen(account, dormantDays, now)
      noteUse(token.id, now)
      const scope = token.scope as Scope
      const worth = roleOfScope[scope]
      const role = worth === null ? null : lower(worth, account.role)
      return {
        who: {
          ...{ account: account.id, name: account.name, by: 'token', role: role ?? 'viewer', endsAt: token.endsAt, from },
          token: `${token.id} ${token.name}`,
        },
        scope,
        role,
        session: null,
      }
    },
    /** Whoever has no session that goes on is nobody. */
    byCookie: async (value: string | null, from: string): Promise<Caller> => {
      if (value === null || !proofPattern.test(value)) return nobody(from)
      const hash = hashOf(value)
      const found = await store.session(hash, clock())
      if (!found) return nobody(from)
      const { account, endsAt, by } = found
      return {
        who: { account: account.id, name: account.name, by: by as Who['by'], role: account.role, endsAt, from },
        scope: null,
        role: account.role,
        session: hash,
      }
    },
  }
}
