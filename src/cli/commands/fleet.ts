import { openFleet, restoreFleet, type Store } from '../../app.ts'
import { type Io, json, wrap } from '../io.ts'
import { type Flags, filterFlags, text, usage } from './fleet-filter.ts'

type Work = (words: readonly string[], flags: Flags, store: Store, io: Io) => Promise<number>

/** How machines are reached, and a directory: flags of the words that ask somebody. */
const reach = [
  ...['user', 'password-file', 'ask-password', 'credential', 'auth', 'https', 'port', 'ca', 'pin', 'timeout', 'parallel'],
] as const
const table = ['csv', 'out'] as const
const importFlags = [
  ...['dry-run', 'kind', 'zone', 'source', 'site-groups', 'directory', 'recordings', 'enabled', 'seen-within', 'system', 'unit'],
  ...['in-group', 'starttls', 'may-be-empty', 'group', 'pool'],
] as const

const importing = async () => (await import('./fleet-import.ts')).importAll
const answers = () => import('./fleet-answers.ts')

/** What there is to do, each loaded when it is meant, with the flags that mean something to it. */
const works: Readonly<Record<string, { readonly load: () => Promise<Work>; readonly takes: readonly string[] }>> = {
  import: { load: importing, takes: [...importFlags, ...reach] },
  status: { load: async () => (await answers()).status, takes: [...filterFlags.filter((f) => f !== 'vanished'), ...table] },
  list: { load: async () => (await answers()).list, takes: [...filterFlags, ...table, 'limit'] },
  show: { load: async () => (await answers()).show, takes: table },
  history: { load: async () => (await answers()).history, takes: table },
  expiring: { load: async () => (await answers()).expiring, takes: [...filterFlags.filter((f) => f !== 'vanished'), ...table] },
  backup: { load: async () => backup, takes: ['portable'] },
  compact: { load: async () => compact, takes: [] },
}
/** Flags of every word: of the table of commands, of the store and of the site file. */
const general = ['store', 'site', 'json', 'help']
/** What a campaign has no use for: an apply that ignored --dry-run would be one. */
const notForCampaigns: readonly string[] = [...importFlags, ...table, 'limit', 'portable'].filter(
  (flag) => !(filterFlags as readonly string[]).includes(flag),
)
/** Campaigns have a file of their own, and look at their own flags themselves. */
const ofCampaigns = ['scan', 'plan', 'apply', 'campaigns', 'campaign', 'stop', 'resume', 'cancel']

export async function run(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  const [word, ...rest] = words
  const work = works[word ?? '']
  if (word === 'restore') {
    only('restore', [], flags)
    return await restore(rest, flags, io)
  }
  const campaign = word !== undefined && ofCampaigns.includes(word)
  if (!work && !campaign)
    throw usage(
      word === undefined ? 'What about the fleet is wanted?' : `fleet ${word}: there is no such word.`,
      'slmctl fleet import computers.csv',
      'slmctl fleet scan',
      'slmctl fleet status',
      'slmctl fleet --help',
    )
  if (work) only(word!, work.takes, flags)
  else {
    const wrong = Object.keys(flags).find((flag) => notForCampaigns.includes(flag))
    if (wrong !== undefined) throw notTaken(word!, wrong, wrong === 'dry-run' ? ['slmctl fleet plan shows what would change.'] : [])
  }
  const store = await openFleet(text(flags, 'store'), word === 'import')
  try {
    if (work) return await (await work.load())(rest, flags, store, io)
    const { run: goOn } = await import('./campaigns.ts')
    return await goOn(word!, rest, flags, store, io)
  } finally {
    await store.close()
  }
}

/** What of the kept machines is near to what somebody may have meant by a flag of import. */
const meant: Readonly<Record<string, string>> = { 'seen-within': 'not-seen-for', enabled: 'text', system: 'text', 'in-group': 'group' }

/** A flag that a word does not look at is refused: ignored, it would answer another question. */
function only(word: string, takes: readonly string[], flags: Flags): void {
  const wrong = Object.keys(flags).find((flag) => ![...takes, ...general].includes(flag))
  if (wrong === undefined) return
  const near = meant[wrong]
  throw notTaken(word, wrong, near && takes.includes(near) ? [`Of machines that are kept: --${near}`] : [])
}

function notTaken(word: string, flag: string, next: readonly string[]): Error {
  const others = Object.entries(works).flatMap(([name, { takes }]) => (takes.includes(flag) ? [name] : []))
  return usage(
    `fleet ${word} does not take --${flag}.`,
    ...next,
    ...(others.length > 0 ? [`--${flag} is for fleet ${others.join(', ')}.`] : ['slmctl fleet --help']),
  )
}

async function backup(words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  if (words.length !== 1) throw usage('fleet backup wants the name of a new file.', 'slmctl fleet backup fleet-2026-12-01.db')
  const copied = await store.backup(words[0]!, flags.portable === true ? 'lines' : 'own')
  if (flags.json) io.out(json({ schema: 'slmctl.fleet-backup/1', ...copied }))
  else io.out(`${copied.file}: ${size(copied.bytes)}.\n`)
  return 0
}

async function compact(words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  if (words.length > 0) throw usage('fleet compact takes no words.', 'slmctl fleet compact')
  await store.check()
  const done = await store.compact()
  if (flags.json) io.out(json({ schema: 'slmctl.fleet-compact/1', ...done }))
  else io.out(`${size(done.bytesBefore)} before, ${size(done.bytesAfter)} now; every page is sound.\n`)
  return 0
}

const size = (bytes: number) => (bytes < 10_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${Math.round(bytes / 1_000_000)} MB`)

async function restore(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  if (words.length !== 1) throw usage('fleet restore wants the name of a backup.', 'slmctl fleet restore fleet-2026-12-01.db')
  const done = await restoreFleet(text(flags, 'store'), words[0]!, new Date())
  if (flags.json) io.out(json({ schema: 'slmctl.fleet-restore/1', ...done }))
  else io.out(wrap(`Restored.${done.aside ? ` What was there is kept as ${done.aside}.` : ''}`, io.columns))
  return 0
}
