import type { Store } from '../../app.ts'
import { ProblemError, printable, problem, type Role } from '../../model.ts'
import { longestDays, newProof, roleOfScope, type Scope, tokenPrefix } from '../../server.ts'
import { type Io, json, wrap } from '../io.ts'
import { type Flags, onlyOf, usage, withStore } from '../server-store.ts'
import { tokensWords } from '../server-words.ts'

const dayMs = 86_400_000
const usualDays = 90
const roles: readonly Role[] = ['viewer', 'operator', 'approver']
type Token = Awaited<ReturnType<Store['tokens']>>[number]

/** `slmctl tokens`: what programs show to the API. What it changes is in the trail. */
export async function run([word, ...rest]: readonly string[], flags: Flags, io: Io): Promise<number> {
  onlyOf('tokens', tokensWords, word, flags)
  return await withStore(flags, io, async ({ store, note }) => {
    if (word === 'list') {
      if (rest.length > 0) throw usage('tokens list takes no words.', 'slmctl tokens list --for NAME')
      return show(await store.tokens(flags.for === undefined ? null : (await whose(store, flags)).id), null, flags, io)
    }
    if (rest.length !== 1) throw usage(`tokens ${word} wants one word.`, `slmctl ${tokensWords[word!]!.usage}`)
    if (word === 'revoke') {
      const token = (await store.tokens(null)).find((t) => String(t.id) === rest[0])
      if (!token) throw new ProblemError(problem('TOKEN_UNKNOWN', `There is no token ${printable(rest[0]!)}.`, ['slmctl tokens list']))
      await store.revokeToken(token.id, Date.now())
      await note('tokens revoke', `${token.id} ${token.name} of ${token.accountName}`)
      return show(
        (await store.tokens(token.account)).filter((t) => t.id === token.id),
        null,
        flags,
        io,
      )
    }
    const account = await whose(store, flags)
    const scope = scopeIn(flags)
    const days = flags.days === undefined ? usualDays : Number(flags.days)
    if (!Number.isInteger(days) || days < 1 || days > longestDays)
      throw usage(`--days ${flags.days}: expected 1 to ${longestDays}.`, `--days ${usualDays}`)
    const { value, hash } = newProof(tokenPrefix)
    const now = Date.now()
    const token = await store.saveToken({ hash, account: account.id, name: rest[0]!, scope, createdAt: now, endsAt: now + days * dayMs })
    await note('tokens create', `${token.id} ${token.name} of ${account.name} (${scope}, ${days} days)`)
    show([token], value, flags, io)
    const worth = roleOfScope[scope]
    if (worth !== null && roles.indexOf(account.role) < roles.indexOf(worth) && flags.json !== true)
      io.out(wrap(`${account.name} is ${account.role}: until that changes, the token may no more than this role.`, io.columns))
    return 0
  })
}

async function whose(store: Store, flags: Flags): Promise<Awaited<ReturnType<Store['accounts']>>[number]> {
  if (flags.for === undefined) throw usage('Whose token? --for is missing.', 'slmctl tokens create prometheus --for admin --scope metrics')
  const found = (await store.accounts()).filter((a) => a.name === flags.for)
  const account = found.find((a) => a.kind === 'local') ?? found[0]
  if (!account)
    throw new ProblemError(problem('ACCOUNT_UNKNOWN', `There is no account ${printable(String(flags.for))}.`, ['slmctl accounts list']))
  return account
}

function scopeIn(flags: Flags): Scope {
  const scopes = Object.keys(roleOfScope) as Scope[]
  const scope = scopes.find((s) => s === flags.scope)
  if (scope === undefined)
    throw usage(
      flags.scope === undefined ? 'What for? --scope is missing.' : `--scope ${flags.scope}: expected ${scopes.join(', ')}.`,
      '--scope read',
    )
  return scope
}

function show(tokens: readonly Token[], value: string | null, flags: Flags, io: Io): number {
  const rows = tokens.map(({ id, name, accountName, scope, createdAt, endsAt, usedAt, revokedAt }) => ({
    ...{ id, name, account: accountName, scope, createdAt, endsAt, usedAt, revokedAt },
  }))
  if (flags.json === true) {
    io.out(json({ schema: 'slmctl.tokens/1', tokens: rows, token: value }))
    return 0
  }
  if (rows.length === 0) io.out('There is no token.\n')
  const now = Date.now()
  for (const t of rows) {
    const state = t.revokedAt !== null ? 'revoked' : t.endsAt <= now ? `ended ${day(t.endsAt)}` : `until ${day(t.endsAt)}`
    const used = t.usedAt === null ? 'never used' : `used ${day(t.usedAt)}`
    io.out(wrap(`${t.name} of ${t.account}: ${t.scope}, ${state}, ${used}`, io.columns, `${String(t.id).padStart(4)}  `, '      '))
  }
  if (value !== null) io.out(`\n${value}\n\n${wrap('It is shown this once; slmctl keeps its hash only.', io.columns)}`)
  return 0
}
const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)
