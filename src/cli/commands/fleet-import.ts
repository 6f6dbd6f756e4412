import { importAnswer, importRecordings, type Store, sourceName, sourcesOf, type Taken, takeSource } from '../../app.ts'
import type { Problem } from '../../model.ts'
import { type Io, json, note, showProblem, wrap } from '../io.ts'
import { appFor } from '../machines.ts'
import { showDifference } from '../views/fleet.ts'
import { days, type Flags, text, usage } from './fleet-filter.ts'

/** So many are read by a person; others often follow from them. */
const problemsShown = 10

/** Machines in: every source by itself, so that what one of them lacks has vanished from it alone. */
export async function importAll(words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  const dryRun = flags['dry-run'] === true
  const all: Taken[] = []
  const names = new Set<string>()
  const take = (taken: Taken) => {
    all.push(taken)
    if (!flags.json) showDifference(taken.difference, taken.notes, dryRun, io)
  }
  // User and password are for the directory: no machine is asked.
  const app = await appFor(flags.site === undefined ? {} : { site: flags.site }, io)
  try {
    if (flags.recordings !== undefined) {
      const source = text(flags, 'source') ?? 'recordings'
      ownName(names, source)
      take(await importRecordings(String(flags.recordings), app, store, { source, now: new Date(), dryRun, expect: null }))
    }
    if (flags.recordings === undefined || words.length > 0 || flags.directory !== undefined || flags['site-groups'] === true) {
      const [group, pool] = [text(flags, 'group'), text(flags, 'pool')]
      for await (const source of sourcesOf(app.site, wanted(words, flags, io))) {
        const name = sourceName(source, text(flags, 'source'), group ?? pool)
        ownName(names, name)
        if (process.stderr.isTTY) io.err('\r\u001b[K')
        const options = { source: name, dryRun, group, pool, mayBeEmpty: flags['may-be-empty'] === true, expect: null }
        take(await takeSource(source, store, options))
      }
    }
  } finally {
    await app.close()
  }
  const problems = all.flatMap((t) => t.problems)
  if (flags.json) io.out(json(importAnswer(dryRun, all)))
  else {
    // What is to be done about many lines alike is said once, behind the last of them.
    for (const [i, p] of problems.slice(0, problemsShown).entries()) {
      const again = i + 1 < Math.min(problems.length, problemsShown) && sameNext(p, problems[i + 1]!)
      showProblem(again ? { ...p, next: [] } : p, io)
    }
    const more = problems.length - problemsShown
    if (more > 0) note(`${more} more are not shown here: --json has all of them.`, io)
    const none = problems.length > 0 && all.every((t) => t.difference.listed === 0)
    const but = problems.length === 0 ? '' : ', but for what is named above'
    const onward = none
      ? 'No machine could be read'
      : dryRun
        ? 'Without --dry-run it is'
        : 'Next: slmctl fleet scan, then slmctl fleet status'
    io.out(
      wrap(
        dryRun ? `Nothing was written. ${onward}${none ? '' : but}.` : none ? `${onward}: nothing was taken.` : `Taken${but}. ${onward}.`,
        io.columns,
      ),
    )
  }
  return problems.length === 0 ? 0 : 2
}

const sameNext = (a: Problem, b: Problem): boolean => a.next.join('\n') === b.next.join('\n')

/** Two lists under one name would each mark the other's machines as vanished. */
function ownName(names: Set<string>, name: string): void {
  if (names.has(name))
    throw usage(
      `Two sources would both be called ${name}, and what the second lacks would have vanished; the first was taken.`,
      'Import the other by itself, under a name of its own: --source NAME',
    )
  names.add(name)
}

const wanted = (words: readonly string[], flags: Flags, io: Io): Parameters<typeof sourcesOf>[1] => ({
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
  told: (read) => {
    if (process.stderr.isTTY) io.err(`\r${read} computers read\u001b[K`)
  },
})
