import { existsSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { readWhole } from '../../files.ts'
import { type Problem, ProblemError, problem } from '../../model.ts'
import {
  type Action,
  carryOut,
  carryOutAll,
  describeAction,
  type Schedule,
  type Shown,
  scheduleOf,
  taskPlaces,
  thisHost,
  type Wanted,
} from '../../schedule.ts'
import { checkReferences, reachOf, readSite, type SiteFile } from '../../site.ts'
import { type Io, json, wrap } from '../io.ts'
import { scheduledRun } from '../scheduled.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

export async function run(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  const [verb, ...more] = words
  const host = thisHost()
  if (more.length === 0) {
    if (verb === 'install') return await install(scheduleOf(host), flags, io)
    if (verb === 'show') return show(await scheduleOf(host).show(), flags, io)
    if (verb === 'remove') return await remove(scheduleOf(host), flags, io)
    // What the task runs: it has no words of its own, everything stands in the protected folder.
    if (verb === 'run' && host.platform === 'win32') {
      const { data, site, log } = taskPlaces(host.env)
      return await scheduledRun({ state: data, site, log, words: [], flags: {} }, io)
    }
  }
  throw new ProblemError(
    problem(
      'USAGE',
      verb === undefined
        ? 'schedule wants to know what to do: install, show or remove.'
        : 'schedule knows install, show and remove, and no other words.',
      ['slmctl schedule install --site slmctl.yaml', 'slmctl schedule show', 'slmctl schedule remove'],
    ),
  )
}

async function install(schedule: Schedule, flags: Flags, io: Io): Promise<number> {
  const dry = flags['dry-run'] === true
  if (!dry) await schedule.mayChange()
  const { wanted, siteFile } = await wantedBy((flags.site as string | undefined) ?? 'slmctl.yaml', schedule)
  const actions = await schedule.install(wanted)
  const host = thisHost()
  if (!dry) await carryOut(actions, host)
  const notes = [...(dry ? [] : schedule.byHand()), ...ticketNote(siteFile, schedule)]
  if (dry || flags.json) return told(actions, dry, notes, flags, io)
  const shown = await schedule.show()
  io.out(
    wrap(
      `${schedule.of === 'machine' ? 'This machine is' : siteFile.machines.size === 1 ? 'One machine is' : `${siteFile.machines.size} machines are`} ${wanted.repair ? 'checked and repaired' : 'checked'} every seven days${shown.account ? `, as ${shown.account}` : ''}.`,
      io.columns,
    ),
  )
  for (const note of notes) io.out(wrap(note, io.columns, '  - ', '    '))
  io.out('\nNext:  slmctl schedule show\n')
  return 0
}

async function remove(schedule: Schedule, flags: Flags, io: Io): Promise<number> {
  const dry = flags['dry-run'] === true
  if (!dry) await schedule.mayChange()
  const actions = schedule.remove(flags['keep-log'] === true)
  if (dry) return told(actions, dry, [], flags, io)
  await carryOutAll(actions, thisHost())
  if (flags.json) return told(actions, dry, schedule.left(), flags, io)
  io.out(`Removed${flags['keep-log'] === true ? '; the log stays' : ''}. slmctl no longer runs by itself here.\n`)
  for (const note of schedule.left()) io.out(wrap(note, io.columns, '  - ', '    '))
  return 0
}

/** The actions, as they were done or would be. */
function told(actions: readonly Action[], dry: boolean, notes: readonly string[], flags: Flags, io: Io): number {
  if (flags.json)
    io.out(json({ schema: 'slmctl.schedule-actions/1', done: !dry, actions: actions.map((action) => describeAction(action)), notes }))
  else {
    io.out('Nothing is changed. This would be done:\n')
    for (const action of actions) {
      io.out(wrap(describeAction(action).slice(8), io.columns, `  ${describeAction(action).slice(0, 8)}`))
      if (action.do === 'write') for (const line of action.text.trimEnd().split(/\r?\n/)) io.out(io.paint('dim', `    | ${line}\n`))
    }
    for (const note of notes) io.out(wrap(note, io.columns, '  - ', '    '))
  }
  return 0
}

/** What the site file makes of a schedule. One that is invalid or too wide, or whose secrets a scheduled run cannot read, is refused. */
export async function wantedBy(file: string, schedule: Schedule): Promise<{ wanted: Wanted; siteFile: SiteFile }> {
  if (!existsSync(file))
    throw new ProblemError(
      problem('NO_SITE_FILE', `A scheduled run does what a site file says, and there is none at ${file}.`, [
        'slmctl schedule install --site FILE names another.',
        'slmctl site init writes one to begin with.',
      ]),
    )
  const path = realpathSync(resolve(file))
  const text = siteText(path)
  const { siteFile, problems } = readSite(path, text)
  if (problems.length > 0 || siteFile === null) throw new ProblemError(...problems)
  const { repair } = siteFile.site.schedule
  if (schedule.of === 'fleet' && siteFile.machines.size === 0)
    throw new ProblemError(
      problem('NO_MACHINES', 'The site file lists no machines to check.', ['List them in the site file: groups, machines.'], { file }),
    )
  const secretFiles = schedule.of === 'machine' ? machineSecrets(siteFile, path, text) : await fleetSecrets(siteFile)
  const trustFiles = schedule.of === 'machine' ? [] : trusted(siteFile)
  return { wanted: { siteFile: path, siteText: text, repair, secretFiles, trustFiles }, siteFile }
}

function siteText(path: string): string {
  try {
    return readWhole(path, 64 * 1024 * 1024).toString('utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new ProblemError(
      problem('SITE_UNREADABLE', `The site file cannot be read: ${code ?? message}.`, ['slmctl site init writes one to begin with.'], {
        file: path,
      }),
    )
  }
}

/** The certificates by which machines are recognised, each once. */
function trusted(siteFile: SiteFile): readonly string[] {
  const reaches = [...siteFile.machines.keys()].flatMap((name) => reachOf(siteFile, name))
  return [...new Set(reaches.flatMap((r) => (r.ok ? (r.reach.tls?.ca ?? []) : [])))].map((file) => realpathSync(file))
}

type Reference = { readonly env: string } | { readonly file: string } | { readonly keyring: unknown }

/** The keys of wishes: what a repair reads. A check reads no secret. */
function keyReferences(siteFile: SiteFile): readonly Reference[] {
  if (!siteFile.site.schedule.repair) return []
  return [siteFile.site.wishes, ...siteFile.site.groups.map((g) => g.wishes)].flat().flatMap((w) => (w.key ? [w.key] : []))
}

function machineSecrets(siteFile: SiteFile, path: string, text: string): readonly string[] {
  const references = keyReferences(siteFile)
  // The copy stands elsewhere, and another account has another home: what then means another file was not written in full.
  const before = process.env.USERPROFILE
  process.env.USERPROFILE = 'C:\\nobody'
  const copy = readSite(taskPlaces(process.env).site, text).siteFile
  if (before === undefined) delete process.env.USERPROFILE
  else process.env.USERPROFILE = before
  const elsewhere = copy === null ? [] : keyReferences(copy)
  return references.map((reference, i) => {
    if (!('file' in reference)) throw noSecret(reference, 'The task has no environment and no keyring of yours', path)
    const moved = elsewhere[i]
    if (!moved || !('file' in moved) || moved.file !== reference.file)
      throw new ProblemError(
        problem(
          'SCHEDULE_SECRET',
          'A file with a key is named relative to the site file, or to your home; the task uses a copy elsewhere.',
          [`Write it in full: ${reference.file}`],
        ),
      )
    if (!existsSync(reference.file))
      throw new ProblemError(problem('SECRET_MISSING', `There is no file ${reference.file}.`, ['The site file names it as a key.']))
    return reference.file
  })
}

async function fleetSecrets(siteFile: SiteFile): Promise<readonly string[]> {
  const references: Reference[] = [...keyReferences(siteFile)]
  for (const c of siteFile.credentials.values()) {
    if (c.method === 'certificate') references.push(c.key)
    else if (c.method === 'kerberos') {
      if (c.from !== 'cache') references.push('keytab' in c.from ? { file: c.from.keytab } : (c.from.password as Reference))
    } else references.push(c.password as Reference)
  }
  for (const reference of references)
    if ('env' in reference || ('keyring' in reference && process.geteuid?.() === 0))
      throw noSecret(reference, 'The timer has no environment and no keyring of yours', siteFile.file)
  const found = await checkReferences(siteFile)
  if (found.length > 0) throw new ProblemError(...(found as [Problem, ...Problem[]]))
  return references.flatMap((r) => ('file' in r ? [r.file] : []))
}

function noSecret(reference: Reference, why: string, file: string): ProblemError {
  const what = 'env' in reference ? `the environment variable ${reference.env}` : 'an entry of the keyring'
  return new ProblemError(
    problem(
      'SCHEDULE_SECRET',
      `${why}, and the site file refers to ${what}.`,
      ['Refer to a file that only the account of the schedule reads: {file: PATH}.'],
      {
        file,
      },
    ),
  )
}

/** A ticket of somebody who is signed in is not there when a timer runs. */
function ticketNote(siteFile: SiteFile, schedule: Schedule): readonly string[] {
  if (schedule.of === 'machine') return []
  const cached =
    siteFile.credentials.size === 0 || [...siteFile.credentials.values()].some((c) => c.method === 'kerberos' && c.from === 'cache')
  return cached ? ['A timer has no Kerberos ticket of yours: give the credential a principal and a keytab.'] : []
}

function show(shown: Shown, flags: Flags, io: Io): number {
  const code = shown.installed === null ? 2 : shown.installed && shown.remarks.length === 0 && shown.originalChanged !== true ? 0 : 1
  if (flags.json) {
    io.out(json(shown))
    return code
  }
  const what = shown.kind === 'task' ? 'task' : 'timer'
  const state = shown.installed === null ? 'cannot tell' : shown.installed ? 'installed' : 'not installed'
  io.out(`${io.paint('bold', `${what} ${shown.name}`)}  ${io.paint(shown.installed ? 'green' : 'yellow', state)}\n`)
  const row = (label: string, value: string | null) => {
    if (value !== null) io.out(wrap(value, io.columns, `  ${label.padEnd(12)}`))
  }
  row('does', shown.does && (shown.does === 'repair' ? 'checks, and applies what is wished' : 'checks, changes nothing'))
  row('as', shown.account)
  row('program', shown.program)
  row('site file', shown.site)
  row('copied from', shown.original && `${shown.original}${shown.originalChanged === true ? ', which is another one now' : ''}`)
  row('next run', shown.next)
  row('last run', shown.last)
  row('last result', shown.lastResult)
  if (shown.log.length > 0) io.out(shown.kind === 'task' ? '\nLast lines of the log\n' : '\nIts log\n')
  for (const line of shown.log) io.out(wrap(line, io.columns, '  ', '    '))
  if (shown.originalChanged === true)
    io.out(wrap('The site file was changed since it was copied; slmctl schedule install copies it anew.', io.columns, '\n  - ', '    '))
  for (const remark of shown.remarks) io.out(wrap(remark, io.columns, '  - ', '    '))
  if (shown.installed === false) io.out('  - slmctl schedule install --site slmctl.yaml\n')
  return code
}
