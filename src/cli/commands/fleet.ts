import { openFleet, openFleetToLook, restoreFleet, type Store } from '../../app.ts'
import { commands } from '../commands.ts'
import { type Io, json, wrap } from '../io.ts'
import { type Flags, text, usage } from './fleet-filter.ts'

type Work = (words: readonly string[], flags: Flags, store: Store, io: Io) => Promise<number>

const answers = () => import('./fleet-answers.ts')

/** What is done with a store, each loaded when it is meant; what else there is are campaigns, which have a file of their own. */
const works: Readonly<Record<string, () => Promise<Work>>> = {
  import: async () => (await import('./fleet-import.ts')).importAll,
  today: async () => (await import('./fleet-today.ts')).today,
  status: async () => (await answers()).status,
  list: async () => (await answers()).list,
  show: async () => (await answers()).show,
  history: async () => (await answers()).history,
  expiring: async () => (await answers()).expiring,
  hosts: async () => (await import('./fleet-today.ts')).hosts,
  audit: async () => (await import('./fleet-audit.ts')).audit,
  plans: async () => (await import('./fleet-plans.ts')).plans,
  backup: async () => backup,
  compact: async () => compact,
}
/** Words that ask machines, for hours maybe: a database that is restarted meanwhile is waited for. */
const asking: ReadonlySet<string> = new Set(['scan', 'plan', 'apply', 'resume'])
const patienceMs = 5 * 60_000
/** Flags of every word. */
const general = ['store', 'site', 'json', 'help']
const words = commands.find((c) => c.name === 'fleet')!.words!

export async function run([word, ...rest]: readonly string[], flags: Flags, io: Io): Promise<number> {
  if (word === undefined || !Object.hasOwn(words, word))
    throw usage(
      word === undefined ? 'What about the fleet is wanted?' : `fleet ${word}: there is no such word.`,
      'slmctl fleet import computers.csv',
      'slmctl fleet scan',
      'slmctl fleet status',
      'slmctl fleet --help',
    )
  only(word, flags)
  if (word === 'restore') return await restore(rest, flags, io)
  const at = text(flags, 'store')
  const looks = word === 'import' && flags['dry-run'] === true
  const store = looks ? await openFleetToLook(at) : await openFleet(at, word === 'import', asking.has(word) ? patienceMs : 0)
  try {
    const work = works[word]
    if (work) return await (await work())(rest, flags, store, io)
    const { run: goOn } = await import('./campaigns.ts')
    return await goOn(word, rest, flags, store, io)
  } finally {
    await store.close()
  }
}

/** What of the kept machines, or of what is shown only, is near to what somebody may have meant. */
const meant: Readonly<Record<string, string>> = {
  'seen-within': '--not-seen-for asks it of machines that are kept.',
  enabled: '--text looks into names and systems.',
  system: '--text looks into names and systems.',
  'in-group': '--group means a group of the fleet.',
  'dry-run': 'slmctl fleet plan shows what would change.',
}

/** A flag that a word does not look at is refused: ignored, it would answer another question, or do what was to be shown only. */
function only(word: string, flags: Flags): void {
  const takes = (name: string) => words[name]!.options.map((o) => o.flag.slice(2))
  const wrong = Object.keys(flags).find((flag) => ![...takes(word), ...general].includes(flag))
  if (wrong === undefined) return
  const others = Object.keys(words).filter((name) => takes(name).includes(wrong))
  throw usage(
    `fleet ${word} does not take --${wrong}.`,
    ...(meant[wrong] ? [meant[wrong]] : []),
    ...(others.length > 0 ? [`It is for fleet ${others.join(', ')}.`] : []),
    `slmctl fleet ${word} --help`,
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
