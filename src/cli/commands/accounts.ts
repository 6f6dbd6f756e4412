import { type Secret, type Store, secretFromPrompt } from '../../app.ts'
import { ProblemError, printable, problem, type Role } from '../../model.ts'
import { passwordHash } from '../../server.ts'
import { type Io, json } from '../io.ts'
import { type Flags, onlyOf, usage, withStore } from '../server-store.ts'
import { accountsWords } from '../server-words.ts'

const roles = ['viewer', 'operator', 'approver'] as const
type Account = Awaited<ReturnType<Store['accounts']>>[number]

/** `slmctl accounts`: who may sign in to the server. What it changes is in the trail. */
export async function run([word, ...rest]: readonly string[], flags: Flags, io: Io): Promise<number> {
  onlyOf('accounts', accountsWords, word, flags)
  return await withStore(
    flags,
    io,
    async ({ store, secret, note }) => {
      if (word === 'list') {
        if (rest.length > 0) throw usage('accounts list takes no words.', 'slmctl accounts list')
        return list(await store.accounts(), flags, io)
      }
      const [name, ...more] = rest
      if (name === undefined || more.length > 0) throw usage(`accounts ${word} wants one name.`, `slmctl ${accountsWords[word!]!.usage}`)
      if (word === 'add') await add(store, name, flags, secret)
      else if (word === 'disable') await disable(store, name)
      else {
        const account = await one(store, name)
        if (word === 'role' || word === 'password') mustBeLocal(account)
        if (word === 'role') await store.setAccount(account.id, { role: roleIn(flags) })
        else if (word === 'password') await store.setAccount(account.id, { secret: await hashOf(flags, secret) })
        else await store.setAccount(account.id, { disabledAt: null })
      }
      await note(`accounts ${word}`, word === 'add' || word === 'role' ? `${name} (${roleIn(flags)})` : name)
      return list(
        (await store.accounts()).filter((a) => a.name === name),
        flags,
        io,
      )
    },
    word === 'add',
  )
}

async function add(store: Store, name: string, flags: Flags, secret: Read): Promise<void> {
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,99}$/u.test(name))
    throw usage(`${name} is no name for an account.`, 'Letters, digits, and . _ @ - after the first.')
  if (await store.account({ name }))
    throw new ProblemError(problem('ACCOUNT_EXISTS', `There is an account ${name} already.`, [`slmctl accounts password ${name}`]))
  const role = roleIn(flags)
  await store.saveAccount({ name, kind: 'local', subject: null, role, secret: await hashOf(flags, secret), at: Date.now() })
}

/** All of that name: what somebody is called comes from the provider, and may be what another is called. */
async function disable(store: Store, name: string): Promise<void> {
  await one(store, name, true)
  for (const account of await store.accounts())
    if (account.name === name && account.disabledAt === null) await store.setAccount(account.id, { disabledAt: Date.now() })
}

/** The account of a name; of several the local one, or (`any`) the first. */
async function one(store: Store, name: string, any = false): Promise<Account> {
  const found = (await store.accounts()).filter((a) => a.name === name)
  const account = found.find((a) => a.kind === 'local') ?? found[0]
  if (!account) throw new ProblemError(problem('ACCOUNT_UNKNOWN', `There is no account ${printable(name)}.`, ['slmctl accounts list']))
  if (found.length > 1 && account.kind !== 'local' && !any)
    throw new ProblemError(
      problem('ACCOUNT_AMBIGUOUS', `Several accounts of single sign-on are called ${name}.`, ['Disable it at the provider.']),
    )
  return account
}

/** What the provider says, or who sits at the computer, is not ours to set. */
function mustBeLocal({ kind, name }: Account): void {
  if (kind === 'local') return
  throw new ProblemError(
    problem(
      'ACCOUNT_NOT_LOCAL',
      `${name} has no password here, and its role comes from ${kind === 'openid' ? 'the provider of single sign-on' : 'the link of slmctl serve'}.`,
      [`slmctl accounts disable ${name}: nobody signs in as it any more.`],
    ),
  )
}

function roleIn(flags: Flags): Role {
  const role = roles.find((r) => r === flags.role)
  if (role === undefined)
    throw usage(
      flags.role === undefined ? 'Which role? --role is missing.' : `--role ${flags.role}: expected ${roles.join(', ')}.`,
      '--role viewer',
    )
  return role
}

type Read = (reference: { readonly file: string }) => Promise<Secret>
async function hashOf(flags: Flags, read: Read): Promise<string> {
  const file = flags['password-file'] as string | undefined
  const given = file === undefined ? await asked() : await read({ file })
  try {
    const bytes = given.use((b) => Buffer.from(b))
    try {
      return await passwordHash(bytes)
    } finally {
      bytes.fill(0)
    }
  } finally {
    given.wipe()
  }
}

async function asked(): Promise<Secret> {
  const first = await secretFromPrompt('Password: ')
  const second = await secretFromPrompt('Once more: ')
  const same = first.use((a) => second.use((b) => Buffer.compare(a, b) === 0))
  second.wipe()
  if (same) return first
  first.wipe()
  throw new ProblemError(problem('SECRET_NOT_GIVEN', 'The two are not the same.', ['Start the command again.']))
}

function list(accounts: readonly Account[], flags: Flags, io: Io): number {
  const rows = accounts.map(({ name, kind, role, createdAt, signedInAt, disabledAt }) => ({
    name,
    kind,
    role,
    createdAt,
    signedInAt,
    disabledAt,
  }))
  if (flags.json === true) io.out(json({ schema: 'slmctl.accounts/1', accounts: rows }))
  else {
    if (rows.length === 0) io.out('Nobody has an account.\n')
    const width = Math.min(30, Math.max(4, ...rows.map((r) => r.name.length)))
    for (const r of rows) {
      const last = r.disabledAt !== null ? 'disabled' : r.signedInAt === null ? 'never signed in' : `signed in ${day(r.signedInAt)}`
      io.out(`${r.name.padEnd(width)}  ${r.role.padEnd(8)}  ${r.kind.padEnd(6)}  ${last}\n`)
    }
  }
  return 0
}
const day = (ms: number) => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
