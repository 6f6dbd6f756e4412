import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { type MachinePlan, maskKeys, type Problem, type Site } from '../model.ts'
import { type Written, writeArchive } from './archive.ts'
import { Bounded } from './bounded.ts'
import { filesOf, type Hide, type NameKind, type Part, shapeOf } from './parts.ts'
import { environmentOf, surroundings } from './surroundings.ts'

/** What a run hands to the archive while it goes on. Nothing here fails, writes or asks anybody. */
export type Support = {
  /** One line of the log, with the time since the start. */
  readonly log: (line: string) => void
  /** Something that a redacted archive hides. */
  readonly name: (kind: NameKind, value: string | null | undefined) => void
  /** Answers of a machine that are not kept: only the names in them are taken. */
  readonly dropped: Hide['machine']
  /** Gives what machines said, when the archive is written: a recording. */
  readonly facts: (get: () => { readonly machines: readonly { readonly name: string; readonly entries: readonly unknown[] }[] }) => void
  readonly plan: (plan: MachinePlan) => void
  /** The journal that this run writes, from this byte on. */
  readonly journal: (file: string, from: number) => void
  readonly site: (site: Site) => void
  /** A text that was read, and the answer that came of texts. */
  readonly text: (text: { readonly source: string; readonly text: string; readonly encoding?: string }) => void
  readonly answer: (answer: unknown) => void
  readonly problem: (problem: Problem) => void
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Names may be in the output that nobody could tell: a redacted archive leaves the output out, for this reason. */
  readonly unsure: (because: string) => void
}

export type SupportOptions = {
  /** A file, a folder, or null for a name of its own in the current folder. */
  readonly to: string | null
  /** Null: names stay. */
  readonly hide: Hide | null
  /** The command line, without secrets. */
  readonly command: string
  /** Words that may be secrets, typed where they do not belong: they are in no part. */
  readonly hidden?: readonly string[]
  readonly versions: Readonly<Record<string, string>>
  readonly now: () => Date
}

/** Bounds of an archive: enough to see what happened, small enough to be sent by mail. In characters; plans in number. */
const most = { log: 1_000_000, output: 4_000_000, journal: 8_000_000, plans: 200, texts: 20, text: 2_000_000, problems: 500 }

/** Begins to collect. `finish` writes the archive once, whatever became of the run; later calls do nothing. */
export function support(options: SupportOptions): Support & {
  readonly finish: (exitCode: number | null, crash?: unknown) => Written | null
} {
  const { hide } = options
  const began = options.now()
  const start = performance.now()
  const log = new Bounded(most.log)
  const out = new Bounded(most.output)
  const err = new Bounded(most.output)
  const plans = new Map<string, MachinePlan>()
  /** Apply hands out what was planned before. */
  const planned = new Set<string>()
  const texts: Parameters<Support['text']>[0][] = []
  const problems: Problem[] = []
  let facts: Parameters<Support['facts']>[0] | null = null
  let journal: { file: string; from: number } | null = null
  let site: Site | null = null
  let answer: unknown
  let unsure: string | null = null
  let finished = false
  const name = (kind: NameKind, value: string | null | undefined) => {
    if (value) hide?.name(kind, value)
  }
  const told: Support = {
    log: (line) => log.add(`${((performance.now() - start) / 1000).toFixed(3).padStart(9)} s  ${line.replace(/\s*\n\s*/g, ' ')}\n`),
    name,
    dropped: (machine) => hide?.machine(machine),
    facts: (get) => {
      facts = get
    },
    plan: (plan) => {
      name('machine', plan.name)
      const id = plan.name ?? plan.id
      planned.add(id)
      const telling = plan.steps.length > 0 || plan.refused.length > 0 || plan.missing.length > 0 || planned.size <= 20
      if (plans.has(id) || (plans.size < most.plans && telling)) plans.set(id, plan)
    },
    journal: (file, from) => {
      journal = { file, from }
    },
    site: (read) => {
      site = read
      nameSite(read, name)
    },
    text: (read) => {
      name('file', read.source)
      if (texts.length < most.texts) texts.push({ ...read, text: maskKeys(read.text).slice(0, most.text) })
      unsure ??= 'it quotes the text that was read'
    },
    answer: (given) => {
      answer = given
    },
    problem: (p) => {
      if (problems.length < most.problems) problems.push(p)
    },
    out: (text) => out.add(text),
    err: (text) => err.add(text),
    unsure: (because) => {
      unsure ??= because
    },
  }

  function parts(exitCode: number | null, crash: unknown): Part[] {
    const list: Part[] = []
    const part = (file: string, about: string, content: Part['content']) => list.push({ file, about, content })
    /** Where names in it may not be known, a redacted archive says so instead. */
    const sure = (text: string) => (hide && unsure ? `Left out: ${unsure}.` : text)
    const ended = options.now()
    const seconds = Math.round(performance.now() - start) / 1000
    part('command.json', 'The command line without secrets, when it began and ended, its exit code.', {
      json: { command: options.command, began: began.toISOString(), ended: ended.toISOString(), seconds, exitCode },
    })
    part('versions.json', 'Versions of slmctl, Node and koffi; system, architecture, time zone.', { json: surroundings(options.versions) })
    part('environment.json', 'Names of variables that matter; values of harmless ones only.', { json: environmentOf(process.env) })
    part('log.txt', 'What slmctl did, with times: every question to a machine, not its answer.', { text: log.text() })
    part('output.txt', 'What the command wrote to standard output.', { text: sure(out.text()) })
    part('errors.txt', 'What the command wrote to standard error.', { text: sure(err.text()) })
    if (problems.length > 0)
      part('problems.json', 'What could not be done, and what slmctl advised.', {
        json: hide && unsure ? shapeOf(problems) : problems,
      })
    if (crash !== undefined) part('crash.txt', 'Where slmctl broke: a fault of slmctl.', { text: sure(stackOf(crash)) })
    if (site) part('site.json', 'What slmctl understood of the site file; no credentials.', { json: plainSite(site) })
    const recording = facts?.()
    if (recording && recording.machines.length > 0)
      part('facts.json', 'What machines said: status --from-recording facts.json reads it again.', { json: recording })
    if (plans.size > 0)
      part('plan.json', `What would be changed, or was to be: ${plans.size} of ${planned.size} machines.`, {
        json:
          hide && texts.length > 0
            ? shapeOf([...plans.values()])
            : { schema: 'slmctl.plan/1', machines: [...plans.values()], problems: [] },
      })
    if (journal) part('journal.jsonl', 'What was sent to machines, before and after; this run only.', { lines: journalPart(journal) })
    if (texts.length > 0)
      part('texts.json', hide ? 'How long the texts were that were read; not the texts.' : 'The texts that were read.', {
        json: texts.map((t) => (hide ? { characters: t.text.length, lines: t.text.split('\n').length, encoding: t.encoding } : t)),
      })
    if (answer !== undefined)
      part('answer.json', hide ? 'The shape of the answer: codes and verdicts, no text.' : 'The answer.', {
        json: hide ? shapeOf(answer) : answer,
      })
    return list
  }

  return {
    ...told,
    finish: (exitCode, crash) => {
      if (finished) return null
      finished = true
      try {
        if (hide) for (const machine of facts?.().machines ?? []) hide.machine(machine)
        const head = [
          'What is in this archive. Look at it before you send it to anybody.',
          hide
            ? 'Names of machines, hosts, domains, users and addresses were replaced by\nwords, the same word everywhere.'
            : 'Names of machines, hosts, domains, users and addresses are as they are;\n--debug-redacted replaces them.',
          'Product keys are masked but for their last five characters. There are no\npasswords in it.',
        ].join('\n')
        return writeArchive(filesOf(parts(exitCode, crash), hide, options.hidden ?? []), { to: options.to, now: options.now(), head })
      } catch (error) {
        return { ok: false, to: options.to ?? '.', why: (error as Error).message }
      }
    },
  }
}

/** Everything of a site file that names somebody or something. */
function nameSite(site: Site, name: Support['name']): void {
  name('organisation', site.organisation)
  const domains = [...site.domains, ...site.forests.flatMap((f) => [f.name, ...f.domains])]
  for (const domain of domains) {
    name('domain', domain)
    // The short name by which Windows knows the domain is often its first label.
    name('domain', domain.split('.')[0])
  }
  for (const { name: host } of site.kmsHosts) name('host', host)
  for (const server of site.dnsServers) {
    name('address', server.replace(/^\[(.*)\].*$/, '$1').replace(/^([\d.]+):\d+$/, '$1'))
  }
  for (const network of site.networks) name('network', network)
  for (const forest of site.forests) {
    for (const object of forest.activationObjects) name('directory-name', object)
    name('credential', forest.credential)
  }
  for (const group of site.groups) {
    name('group', group.name)
    for (const machine of group.machines) name('machine', machine)
  }
  for (const { agreement } of site.entitlements) name('agreement', agreement)
  for (const signer of site.planSigners) name('signer', signer)
}

/** The site without where its keys are kept. */
function plainSite(site: Site): unknown {
  const wishes = (list: Site['wishes']) => list.map((w) => ({ ...w, key: w.key === null ? null : `from ${Object.keys(w.key)[0]}` }))
  return { ...site, wishes: wishes(site.wishes), groups: site.groups.map((g) => ({ ...g, wishes: wishes(g.wishes) })) }
}

function stackOf(crash: unknown): string {
  return crash instanceof Error
    ? `${crash.stack ?? crash.message}${crash.cause ? `\ncaused by ${stackOf(crash.cause)}` : ''}`
    : String(crash)
}

/** The lines of the journal that this run wrote; of a very long one the beginning and the end. */
function journalPart({ file, from }: { file: string; from: number }): unknown[] {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch (error) {
    return [{ kind: 'not-read', because: (error as NodeJS.ErrnoException).code }]
  }
  try {
    const to = fstatSync(fd).size
    const read = (begin: number, end: number): unknown[] => {
      const bytes = Buffer.alloc(Math.max(0, end - begin))
      const length = readSync(fd, bytes, 0, bytes.length, begin)
      return bytes.toString('utf8', 0, length).split('\n').flatMap(lineOf)
    }
    if (to - from <= most.journal) return read(from, to)
    const half = most.journal / 2
    return [...read(from, from + half), { kind: 'left-out', bytes: to - from - most.journal }, ...read(to - half, to)]
  } finally {
    closeSync(fd)
  }
}

/** A line that a crash or a bound cut is left out. */
function lineOf(line: string): unknown[] {
  try {
    return [JSON.parse(line)]
  } catch {
    return []
  }
}
