import {
  type Filter,
  keepRecordings,
  openFleet,
  recordingsIn,
  restoreFleet,
  rowsOf,
  type Source,
  type Store,
  scan,
  sourcesOf,
} from '../../app.ts'
import { ProblemError, problem } from '../../model.ts'
import { type Io, json, showProblem, wrap } from '../io.ts'
import { appFor, progress } from '../machines.ts'
import { showCard, showCounts, showDifference, showExpiring, showHistory, showLine } from '../views/fleet.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

const usage = (summary: string, ...next: string[]) => new ProblemError(problem('USAGE', summary, next))
const text = (flags: Flags, name: string) => (flags[name] as string | undefined) ?? null

export async function run(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  const [word, ...rest] = words
  if (word === 'restore') return await restore(rest, flags, io)
  const work = works.get(word ?? '')
  if (!work)
    throw usage(
      word === undefined ? 'What about the fleet is wanted?' : `fleet ${word}: there is no such word.`,
      `slmctl fleet ${[...works.keys()].join(' | ')} | restore`,
    )
  const store = await openFleet(text(flags, 'store'), word === 'import')
  try {
    return await work(rest, flags, store, io)
  } finally {
    await store.close()
  }
}

type Work = (words: readonly string[], flags: Flags, store: Store, io: Io) => Promise<number>

const works: ReadonlyMap<string, Work> = new Map<string, Work>([
  ['import', importAll],
  ['scan', scanAll],
  ['status', status],
  ['list', list],
  ['show', show],
  ['history', history],
  ['expiring', expiring],
  ['backup', backup],
  ['compact', compact],
])

/** Machines in: every source by itself, so that what one of them lacks has vanished from it alone. */
async function importAll(words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  const recordings = flags.recordings === undefined ? null : recordingsIn(String(flags.recordings))
  const app = await appFor({ ...flags, ...(recordings ? { 'from-recording': recordings.join('\n') } : {}) }, io)
  const differences: unknown[] = []
  const problems = []
  let whole = true
  try {
    if (recordings) {
      const difference = await keepRecordings(app, store, flags['dry-run'] === true)
      differences.push(difference)
      if (!flags.json) showDifference(difference, [], flags['dry-run'] === true, io)
    }
    if (!recordings || words.length > 0 || flags.directory !== undefined || flags['site-groups'] === true)
      for await (const source of sourcesOf(app.site, {
        files: words,
        kind: text(flags, 'kind'),
        zone: text(flags, 'zone'),
        siteGroups: flags['site-groups'] === true,
        directory: text(flags, 'directory'),
        query: {
          ...(flags.enabled === true ? { enabled: true } : {}),
          ...(flags['seen-within'] === undefined ? {} : { seenWithinDays: days(flags, 'seen-within') }),
          ...(flags.system === undefined ? {} : { system: String(flags.system) }),
          ...(flags.unit === undefined ? {} : { base: String(flags.unit) }),
          ...(flags['in-group'] === undefined ? {} : { group: String(flags['in-group']) }),
        },
        user: text(flags, 'user'),
        passwordFile: text(flags, 'password-file'),
        startTls: flags.starttls === true,
        ca: text(flags, 'ca'),
      })) {
        const difference = await taken(source, flags, store)
        differences.push(difference)
        problems.push(...source.problems)
        whole &&= source.problems.length === 0
        if (!flags.json) showDifference(difference, source.notes, flags['dry-run'] === true, io)
      }
  } finally {
    await app.close()
  }
  if (flags.json) io.out(json({ schema: 'slmctl.fleet-import/1', dryRun: flags['dry-run'] === true, imports: differences, problems }))
  else for (const p of problems) showProblem(p, io)
  return whole ? 0 : 2
}

const taken = (source: Source, flags: Flags, store: Store) =>
  store.importMachines(source.machines, {
    source: text(flags, 'source') ?? source.name,
    at: Date.now(),
    dryRun: flags['dry-run'] === true,
    partial: !source.whole,
    mayBeEmpty: flags['may-be-empty'] === true,
  })

async function scanAll(words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  if (words.length > 0) throw usage('fleet scan takes filters, no names.', `slmctl status ${words[0]}: asks one machine.`)
  const filter = filterOf(flags)
  const app = await appFor(flags, io)
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  const count: Record<string, number> = {}
  const failures: Record<string, number> = {}
  const total = await store.count(filter)
  const bar = progress(total, io)
  try {
    for await (const { problem: why, verdict } of scan(app, store, filter, stop.signal)) {
      const kind = why ? 'could not be asked' : (verdict ?? 'cannot-tell')
      count[kind] = (count[kind] ?? 0) + 1
      if (why) failures[why.code] = (failures[why.code] ?? 0) + 1
      bar.step(why !== null)
    }
  } finally {
    bar.end()
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
    await app.close()
  }
  const asked = Object.values(count).reduce((sum, n) => sum + n, 0)
  if (flags.json) io.out(json({ schema: 'slmctl.fleet-scan/1', machines: total, asked, verdicts: count, failures }))
  else {
    io.out(
      wrap(
        `${asked} of ${total} machines: ${
          Object.entries(count)
            .map(([k, n]) => `${n} ${k}`)
            .join(', ') || 'none'
        }.`,
        io.columns,
      ),
    )
    for (const [code, n] of Object.entries(failures)) io.out(wrap(`${n} ${code}`, io.columns, '  '))
    io.out('What keeps them from being in order: slmctl fleet status\n')
  }
  if (stop.signal.aborted) return 2
  return Object.keys(failures).length > 0 ? 2 : asked === (count.ok ?? 0) ? 0 : 1
}

async function status(_words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  const [counts, causes] = [await store.counts(), await store.causes(20)]
  if (flags.json) io.out(json({ schema: 'slmctl.fleet-status/1', counts, causes }))
  else showCounts(counts, causes, store.place, io)
  return counts.machines.listed === (counts.verdict.ok ?? 0) && counts.machines.unasked === 0 ? 0 : 1
}

async function list(_words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  const filter = filterOf(flags)
  const limit = number(flags, 'limit', 1, 1_000_000) ?? Number.POSITIVE_INFINITY
  let shown = 0
  if (flags.json) io.out('{"schema":"slmctl.fleet-list/1","machines":[')
  // A page is no larger than what is wanted of it.
  const size = Math.min(1000, limit)
  for await (const line of rowsOf((after) => store.list(filter, { limit: size, after }))) {
    if (flags.json) io.out(`${shown === 0 ? '' : ','}\n${JSON.stringify(line)}`)
    else io.out(showLine(line, io))
    if (++shown === limit) break
  }
  if (flags.json) io.out('\n]}\n')
  else io.out(`\n${shown} ${shown === 1 ? 'machine' : 'machines'}. In full: slmctl fleet show NAME\n`)
  return 0
}

async function found(words: readonly string[], store: Store, word: string) {
  if (words.length !== 1) throw usage(`fleet ${word} wants the name of one machine.`, `slmctl fleet ${word} pc-17.corp.example`)
  const cards = await store.find(words[0]!)
  if (cards.length > 0) return cards
  throw new ProblemError(
    problem('MACHINE_UNKNOWN', `The fleet has no machine called ${words[0]}.`, [
      `slmctl fleet list --text ${words[0]}`,
      'slmctl fleet import FILE',
    ]),
  )
}

async function show(words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  const cards = await found(words, store, 'show')
  if (flags.json) io.out(json({ schema: 'slmctl.fleet-show/1', machines: cards }))
  else for (const card of cards) showCard(card, io)
  return cards[0]!.verdict === 'ok' && cards[0]!.problem === null ? 0 : 1
}

async function history(words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  const [card] = await found(words, store, 'history')
  const told = await store.history(card!.id, 200)
  if (flags.json) io.out(json({ schema: 'slmctl.fleet-history/1', machine: card!.name, ...told }))
  else showHistory(card!, told, io)
  return 0
}

async function expiring(_words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  const now = Date.now()
  const before = now + (flags.days === undefined ? 30 : days(flags, 'days')) * 86_400_000
  let n = 0
  if (flags.json) io.out('{"schema":"slmctl.fleet-expiring/1","products":[')
  for await (const line of rowsOf((after) => store.expiring({ from: now, before }, { limit: 1000, after }))) {
    if (flags.json) io.out(`${n === 0 ? '' : ','}\n${JSON.stringify(line)}`)
    else io.out(showExpiring(line, now, io))
    n++
  }
  if (flags.json) io.out('\n]}\n')
  else if (n === 0) io.out('Nothing that is known ends by then.\n')
  return n === 0 ? 0 : 1
}

async function backup(words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  if (words.length !== 1) throw usage('fleet backup wants the name of a new file.', 'slmctl fleet backup fleet-2026-12-01.db')
  const copied = await store.backup(words[0]!, flags.portable === true ? 'lines' : 'own')
  if (flags.json) io.out(json({ schema: 'slmctl.fleet-backup/1', ...copied }))
  else io.out(`${copied.file}: ${copied.bytes} bytes.\n`)
  return 0
}

async function compact(_words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  await store.check()
  const done = await store.compact()
  if (flags.json) io.out(json({ schema: 'slmctl.fleet-compact/1', ...done }))
  else io.out(`${done.bytesBefore} bytes before, ${done.bytesAfter} now; every page is sound.\n`)
  return 0
}

async function restore(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  if (words.length !== 1) throw usage('fleet restore wants the name of a backup.', 'slmctl fleet restore fleet-2026-12-01.db')
  const done = await restoreFleet(text(flags, 'store'), words[0]!, new Date())
  if (flags.json) io.out(json({ schema: 'slmctl.fleet-restore/1', ...done }))
  else io.out(wrap(`Restored.${done.aside ? ` What was there is kept as ${done.aside}.` : ''}`, io.columns))
  return 0
}

function number(flags: Flags, flag: string, min: number, max: number): number | null {
  if (flags[flag] === undefined) return null
  const n = Number(flags[flag])
  if (!Number.isInteger(n) || n < min || n > max)
    throw usage(`--${flag} ${flags[flag]}: expected a number from ${min} to ${max}.`, `--${flag} ${min}`)
  return n
}

const days = (flags: Flags, flag: string) => number(flags, flag, 1, 36_500)!

const lists = {
  verdict: ['ok', 'attention', 'action', 'cannot-tell'],
  origin: ['own', 'platform', 'vendor', 'cannot-tell', 'suspect', 'foreign'],
  state: [
    ...['licensed', 'initial-grace', 'additional-grace', 'out-of-tolerance-grace', 'non-genuine-grace', 'extended-grace', 'notification'],
    ...['unlicensed', 'unknown'],
  ],
} as const

/** Filters as flags; several values with commas. */
function filterOf(flags: Flags): Filter {
  const several = (flag: keyof typeof lists) => {
    const given = text(flags, flag)
    if (given === null) return {}
    const values = given.split(',').map((v) => v.trim())
    const wrong = values.find((v) => !(lists[flag] as readonly string[]).includes(v))
    if (wrong !== undefined) throw usage(`--${flag} ${wrong}: expected ${lists[flag].join(', ')}.`, `--${flag} ${lists[flag][0]}`)
    return { [flag]: values }
  }
  const one = (flag: 'group' | 'problem' | 'text' | 'host' | 'product') =>
    flags[flag] === undefined ? {} : { [flag]: String(flags[flag]) }
  return {
    ...several('verdict'),
    ...several('origin'),
    ...several('state'),
    ...one('group'),
    ...one('problem'),
    ...one('text'),
    ...one('host'),
    ...one('product'),
    ...(flags.days === undefined ? {} : { endsBefore: Date.now() + days(flags, 'days') * 86_400_000 }),
    ...(flags.vanished === true ? { vanished: 'only' } : {}),
  } as Filter
}
