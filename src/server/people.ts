/** Accounts and how people sign in: by a link that is told once, by a password, by OpenID Connect. */
import { userInfo } from 'node:os'
import type { ServerSettings, Store } from '../app.ts'
import { problem } from '../model.ts'
import { type OpenId, type OpenIdIdentity, openOpenId } from './openid.ts'
import { isPassword } from './password.ts'
import { refused } from './problems.ts'
import { hashOf, newProof } from './proof.ts'
import { addressKey, addressLimit, enteredLimit, everywhereLimit, nameLimit, rate } from './rate.ts'
import { Reply, type Visit, type Who } from './route.ts'
import { type Account, type Caller, callers, cookie, cookieName } from './session.ts'

/** How long the link of a terminal may be used. */
const linkMs = 10 * 60_000
/**
 * How long a session lasts that a provider vouched for: then the pages lead through the provider again, which shows nothing as long as
 * whoever sits there is signed in with it. So long live its own access tokens, too (Entra ID: 60 to 90 minutes).
 */
const vouchedMs = 60 * 60_000

export type People = {
  readonly organisation: string | null
  readonly ways: { readonly local: boolean; readonly link: boolean; readonly openid: { readonly label: string } | null }
  readonly openDiagnose: boolean
  readonly lab: boolean
  /** Null: an Authorization that is none. */
  readonly caller: (authorization: string | undefined, cookie: string | null, from: string) => Promise<Caller | null>
  /** A new link, to be shown on the terminal and nowhere else; it stands behind #, which browsers send to nobody. */
  readonly newLink: (url: string) => Promise<string>
  readonly byLink: (token: string, visit: Visit, from: string) => Promise<Reply>
  readonly byPassword: (name: string, password: string, visit: Visit, from: string) => Promise<Reply>
  readonly openid: OpenId | null
  /** Lets in whom the provider vouches for; the session is in the headers. */
  readonly byOpenId: (identity: OpenIdIdentity, visit: Visit) => Promise<Reply>
  /** `by`: how they had come in. */
  readonly signOut: (visit: Visit, by: Who['by']) => Promise<Reply>
}

type Options = {
  readonly store: Store
  readonly settings: ServerSettings
  readonly site: { readonly organisation: string | null; readonly lab: boolean }
  /** True: there is a link, as people sit at this computer. */
  readonly link: boolean
  readonly secret: () => Promise<string>
  readonly clock: () => number
  readonly log: (line: string) => void
}

export function openPeople({ store, settings, site, link, secret, clock, log }: Options): People {
  const names = rate(nameLimit)
  const everywhere = rate(everywhereLimit)
  const addresses = rate(addressLimit)
  const entered = rate(enteredLimit)
  const { byToken, byCookie } = callers(store, clock, settings.openid?.dormantDays ?? null)
  const openid = settings.openid && openOpenId({ settings: settings.openid, url: settings.url, secret, clock, log })

  /** Runs a try to sign in; who tried too often waits. */
  async function tried<T>(from: string, name: string | null, work: () => Promise<T | null>, wrong: () => Error): Promise<T> {
    const now = clock()
    const address = addressKey(from)
    const named = name === null ? null : ([`${address} ${name}`, name] as const)
    const wait = Math.max(addresses.wait(address, now), named ? Math.max(names.wait(named[0], now), everywhere.wait(named[1], now)) : 0)
    mustWait(wait)
    addresses.count(address, now)
    if (named) {
      names.count(named[0], now)
      everywhere.count(named[1], now)
    }
    const done = await work()
    if (done === null) throw wrong()
    addresses.right(address, false)
    if (named) {
      names.right(named[0], true)
      everywhere.right(named[1], false)
    }
    return done
  }

  /** A session begins; the one before ends, so that nobody's session is taken over by signing in. */
  async function enter(account: Account, by: Who['by'], { session, secure }: Visit): Promise<Reply> {
    const now = clock()
    mustWait(entered.wait(String(account.id), now))
    entered.count(String(account.id), now)
    const { value, hash } = newProof()
    const lastsMs = Math.min(settings.sessionHours * 3_600_000, by === 'openid' ? vouchedMs : Number.POSITIVE_INFINITY)
    const endsAt = now + lastsMs
    if (session !== null) await store.endSession(session)
    await store.saveSession({ hash, account: account.id, createdAt: now, endsAt, by })
    await store.setAccount(account.id, { signedInAt: now })
    return new Reply(
      { name: account.name, by, role: account.role, endsAt },
      {
        headers: { 'set-cookie': cookie(cookieName(secure), value, { secure, seconds: lastsMs / 1000, site: 'Strict' }) },
        who: { name: account.name, by },
      },
    )
  }

  return {
    organisation: site.organisation,
    ways: { local: settings.local, link, openid: settings.openid && { label: settings.openid.label } },
    openDiagnose: settings.openDiagnose,
    lab: site.lab,
    openid,
    caller: async (authorization, cookie, from) =>
      authorization === undefined ? await byCookie(cookie, from) : await byToken(authorization, from),
    newLink: async (url) => {
      const { value, hash } = newProof()
      await store.saveOnce({ hash, endsAt: clock() + linkMs })
      return `${url}/sign-in#${value}`
    },
    byLink: (token, visit, from) =>
      tried(
        from,
        null,
        async () => {
          if (!link || !(await store.takeOnce(hashOf(token), clock()))) return null
          const owner = { name: ownName(), kind: 'owner', subject: null, role: 'approver', secret: null, at: clock() } as const
          const account = await store.saveAccount(owner)
          return account.disabledAt === null ? await enter(account, 'link', visit) : null
        },
        () =>
          refused(
            problem('SIGN_IN_REFUSED', 'The link was used already, or is older than ten minutes.', [
              'Start slmctl serve again: it prints a new one.',
            ]),
            {},
          ),
      ),
    byPassword: (name, password, visit, from) =>
      tried(
        from,
        name.toLowerCase(),
        async () => {
          const account = settings.local ? await store.account({ name }) : null
          const given = Buffer.from(password)
          // Also where there is no such account, or it is disabled: how long it takes tells nobody which names there are.
          const right = await isPassword(given, account?.disabledAt === null ? account.secret : null)
          given.fill(0)
          // That took its time: a password that was changed meanwhile opens nothing any more.
          const still = right && account ? await store.account({ id: account.id }) : null
          return still && still.secret === account?.secret && still.disabledAt === null ? await enter(still, 'local', visit) : null
        },
        () =>
          refused(
            problem('SIGN_IN_REFUSED', 'The name or the password is wrong, or the account is disabled.', [
              'An administrator sets a new password: slmctl accounts password NAME',
            ]),
            {},
          ),
      ),
    byOpenId: async ({ subject, name, role }, visit) => {
      const known = await store.account({ subject })
      if (role === null) {
        if (known) await shutOut(store, known.id, clock())
        log(`sign-in refused: ${name} has no role`)
        throw refused(
          problem('OPENID_NO_ROLE', 'You have no role in slmctl.', [
            `Whoever looks after the accounts gives one: the claim ${settings.openid!.claim} decides.`,
          ]),
          {},
        )
      }
      if (known !== null && known.disabledAt !== null)
        throw refused(problem('SIGN_IN_REFUSED', 'The account is disabled.', ['slmctl accounts enable NAME']), {})
      const account = await store.saveAccount({ name, kind: 'openid', subject, role, secret: null, at: clock() })
      return await enter(account, 'openid', visit)
    },
    signOut: async ({ session, secure }, by) => {
      if (session !== null) await store.endSession(session)
      const url = by === 'openid' && openid ? await openid.leaveAt() : null
      return new Reply(
        { provider: url === null ? null : { label: settings.openid!.label, url } },
        { headers: { 'set-cookie': cookie(cookieName(secure), '', { secure, seconds: 0, site: 'Strict' }) } },
      )
    },
  }
}

function mustWait(ms: number): void {
  const seconds = Math.ceil(ms / 1000)
  if (seconds > 0)
    throw refused(problem('SIGN_IN_WAIT', `Too many tries; wait ${seconds} s.`, ['Then try once more.']), {
      'retry-after': String(seconds),
    })
}

/** Who lost every role at the provider has no session or token either. */
async function shutOut(store: Store, account: number, now: number): Promise<void> {
  await store.endSessions(account)
  for (const token of await store.tokens(account)) if (token.revokedAt === null) await store.revokeToken(token.id, now)
}

/** Whoever started the server sits at its terminal. */
function ownName(): string {
  try {
    return userInfo().username || 'owner'
  } catch {
    return 'owner'
  }
}
