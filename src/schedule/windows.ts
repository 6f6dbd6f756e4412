/**
 * The task on Windows: where its files are, what installing and removing it does, what there is.
 */
import { lstatSync, statSync } from 'node:fs'
import { win32 } from 'node:path'
import { ProblemError, problem } from '../model.ts'
import { openToRead, openToWrite } from './access.ts'
import type { Action } from './actions.ts'
import { type Host, type Shown, sha256, textOf, type Wanted } from './host.ts'
import { lastLines } from './log.ts'
import { accounts, firstRun, quoted, readTask, taskXml } from './task.ts'

/** In the root folder: schtasks makes folders, but has no way to remove one. */
export const taskName = 'slmctl activation check'

/** What is remembered of an installation. */
type Record = {
  readonly schema: 'slmctl.schedule-record/1'
  readonly original: string
  readonly sha256: string
  readonly does: 'check' | 'repair'
  /** True where the program is our copy, which `remove` takes away. */
  readonly copied: boolean
}

export type Places = ReturnType<typeof places>

/** Where everything is kept. Ordinary users may not write to any of it. */
export function places(env: Host['env']) {
  const data = win32.join(env.ProgramData ?? 'C:\\ProgramData', 'slmctl')
  const programs = win32.join(env.ProgramFiles ?? 'C:\\Program Files', 'slmctl')
  const system = win32.join(env.SystemRoot ?? 'C:\\Windows', 'System32')
  return {
    data,
    site: win32.join(data, 'slmctl.yaml'),
    record: win32.join(data, 'schedule.json'),
    log: win32.join(data, 'log'),
    journal: win32.join(data, 'journal'),
    xml: win32.join(data, 'task.xml'),
    programs,
    program: win32.join(programs, 'slmctl.exe'),
    schtasks: win32.join(system, 'schtasks.exe'),
    icacls: win32.join(system, 'icacls.exe'),
    registered: win32.join(system, 'Tasks', taskName),
  }
}

/** What installing does. Throws a ProblemError where it would not be safe. */
export async function installTask(wanted: Wanted, host: Host): Promise<readonly Action[]> {
  const p = places(host.env)
  const does = wanted.repair ? 'repair' : 'check'
  await mustBeClosed(wanted, host)
  const before = readRecord(p)
  const { program } = host
  const [command, given] = program.kind === 'file' ? [p.program, 'schedule run'] : [program.node, `${quoted(program.script)} schedule run`]
  const record: Record = {
    schema: 'slmctl.schedule-record/1',
    original: wanted.siteFile,
    sha256: sha256(wanted.siteText),
    does,
    copied: program.kind === 'file',
  }
  return [
    { do: 'folder', path: p.data, who: 'administrators-write' },
    ...logFolder(does, before?.does ?? null, p),
    write(p.site, wanted.siteText),
    ...(program.kind === 'file' ? copyProgram(program.file, p) : []),
    write(p.record, `${JSON.stringify(record, null, 2)}\n`),
    {
      do: 'write',
      path: p.xml,
      text: taskXml({ does, command, arguments: given, folder: p.data, start: firstRun(host.now()) }),
      mode: 0o600,
      encoding: 'utf16',
    },
    { do: 'run', file: p.schtasks, args: ['/create', '/tn', taskName, '/xml', p.xml, '/f'], fine: [0] },
    { do: 'remove', path: p.xml },
  ]
}

/**
 * The folder of the log. LOCAL SERVICE may write there (Modify: it has to append and to rename), and owns what it wrote, so that
 * the folder is not taken into protection again; SYSTEM does not go on with what LOCAL SERVICE could write.
 */
function logFolder(does: Record['does'], before: Record['does'] | null, p: Places): readonly Action[] {
  const folder: Action = { do: 'folder', path: p.log, who: 'administrators-write' }
  if (does === 'repair')
    return [
      ...(before === 'repair' ? [] : [{ do: 'remove-tree' as const, path: p.log }]),
      folder,
      { do: 'folder', path: p.journal, who: 'administrators-only' },
    ]
  const there = lstatSync(p.log, { throwIfNoEntry: false })?.isDirectory() === true
  return [
    ...(there && before !== 'repair' ? [] : [folder]),
    { do: 'run', file: p.icacls, args: [p.log, '/grant', `*${accounts.check.sid}:(OI)(CI)M`, '/q'], fine: [0] },
  ]
}

const write = (path: string, text: string): Action => ({ do: 'write', path, text, mode: 0o644, encoding: 'utf8' })

/** The installed copy that installs itself again is there already. */
function copyProgram(from: string, p: Places): readonly Action[] {
  return [
    { do: 'folder', path: p.programs, who: 'administrators-write' },
    ...(from.toLowerCase() === p.program.toLowerCase() ? [] : [{ do: 'copy' as const, from, to: p.program }]),
  ]
}

/** A program that users may write is no program for a service account; a secret that users may read is none. */
async function mustBeClosed(wanted: Wanted, host: Host): Promise<void> {
  if (host.program.kind === 'package')
    for (const path of [host.program.node, host.program.folder]) {
      const open = await openToWrite(path, host)
      if (open === null) continue
      const why = 'untold' in open ? `who may change ${open.untold} cannot be told` : `${open.by} may change ${open.path}`
      throw new ProblemError(
        problem(
          'SCHEDULE_PROGRAM',
          `A service account would run ${path}, and ${why}: whoever can change it would become an administrator.`,
          [
            'Use slmctl-win-x64.exe: it is copied to where only administrators can write.',
            'Or install Node.js and slmctl below %ProgramFiles%, as an administrator.',
          ],
        ),
      )
    }
  for (const path of wanted.secretFiles) {
    if (/^[\\/]{2}/.test(path))
      throw new ProblemError(
        problem(
          'SCHEDULE_SECRET',
          `The site file refers to the secret in ${path}: the task would fetch it from elsewhere, and log on there as this computer.`,
          ['Keep it in a file on this computer that only SYSTEM and administrators may read, named by its drive: C:\\…'],
        ),
      )
    const open = await openToRead(path, host)
    if (open === null) continue
    const why = 'untold' in open ? `who may read ${open.untold} cannot be told` : `${open.by} may read or change ${open.path}`
    throw new ProblemError(
      problem('SCHEDULE_SECRET', `The site file refers to the secret in ${path}, and ${why}.`, [
        `icacls "${path}" /inheritance:r /grant *S-1-5-18:F *S-1-5-32-544:F`,
      ]),
    )
  }
}

/** What removing does; half of it may be gone already. */
export function removeTask(keepLog: boolean, host: Host): readonly Action[] {
  const p = places(host.env)
  const registered = statSync(p.registered, { throwIfNoEntry: false }) !== undefined
  const copied = readRecord(p)?.copied ?? statSync(p.program, { throwIfNoEntry: false }) !== undefined
  return [
    { do: 'run', file: p.schtasks, args: ['/delete', '/tn', taskName, '/f'], fine: registered ? [0] : null },
    ...[p.site, p.record, p.xml].map((path) => ({ do: 'remove' as const, path })),
    ...(keepLog ? [] : [p.log, p.journal].map((path) => ({ do: 'remove-tree' as const, path }))),
    { do: 'remove-empty', path: p.data },
    ...(copied
      ? [
          { do: 'remove' as const, path: p.program },
          { do: 'remove-empty' as const, path: p.programs },
        ]
      : []),
  ]
}

/** The library that slmctl.exe loads is in use by whoever removes the task, and belongs to every slmctl.exe on this machine. */
export function leftAlone(host: Host): readonly string[] {
  const library = win32.join(places(host.env).programs, 'native')
  return statSync(library, { throwIfNoEntry: false })
    ? [`${library} stays: every slmctl.exe that an administrator runs keeps its library there. Delete it when none is used any more.`]
    : []
}

export async function showTask(host: Host): Promise<Shown> {
  const p = places(host.env)
  const record = readRecord(p)
  const said = await host.run(p.schtasks, ['/query', '/tn', taskName, '/xml'])
  const task = said.code === 0 ? readTask(said.out) : null
  // The list of columns has one order in every language; only their heads and dates differ.
  const columns = task === null ? [] : csv((await host.run(p.schtasks, ['/query', '/tn', taskName, '/fo', 'csv', '/v', '/nh'])).out)
  const file = registeredFile(p)
  const installed = task !== null || file === true ? true : said.code === null || file === null ? null : false
  const copy = textOf(p.site)
  const original = record ? textOf(record.original) : null
  const log = lastLines(p.log, 10)
  const remarks: string[] = []
  if (installed === null) remarks.push('Whether there is a task could not be told; an administrator sees it.')
  if (installed === true && copy === null) remarks.push(`The copy of the site file is missing: ${p.site}`)
  if (installed === true && record?.copied && !statSync(p.program, { throwIfNoEntry: false }))
    remarks.push(`The program is missing: ${p.program}`)
  if (installed === false && (record !== null || copy !== null))
    remarks.push('There is no task, but files of one: slmctl schedule remove takes them away.')
  if (record && copy !== null && sha256(copy) !== record.sha256)
    remarks.push('The copy of the site file was changed after it was installed.')
  if (log === null) remarks.push(`The log cannot be read: ${p.log}`)
  const account = Object.values(accounts).find((a) => a.sid === task?.account)?.name ?? task?.account ?? null
  return {
    schema: 'slmctl.schedule/1',
    kind: 'task',
    name: taskName,
    installed,
    does: record?.does ?? null,
    account: account ?? (record && installed ? accounts[record.does].name : null),
    program: task?.command ?? (record?.copied ? p.program : null),
    site: copy === null ? null : p.site,
    original: record?.original ?? null,
    originalChanged: record === null || original === null ? null : sha256(original) !== record.sha256,
    next: columns[2] ?? null,
    last: columns[6] === neverRan ? null : (columns[5] ?? null),
    lastResult: columns[6] === undefined ? null : (results.get(columns[6]) ?? `code ${columns[6]}`),
    log: log ?? [],
    remarks,
  }
}

/** Task Scheduler's own file of the task: null where this user may not look. */
function registeredFile(p: Places): boolean | null {
  try {
    lstatSync(p.registered)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? false : null
  }
}

function readRecord(p: Places): Record | null {
  try {
    const value = JSON.parse(textOf(p.record) ?? '') as Partial<Record>
    const right = typeof value.original === 'string' && typeof value.sha256 === 'string' && typeof value.copied === 'boolean'
    return right && (value.does === 'check' || value.does === 'repair') ? (value as Record) : null
  } catch {
    return null
  }
}

/** Last results in words: slmctl's own exit codes; SCHED_S_TASK_RUNNING and SCHED_S_TASK_HAS_NOT_RUN of winerror.h. */
const neverRan = String(0x41303)
const results: ReadonlyMap<string, string> = new Map([
  ['0', 'as wished (0)'],
  ['1', 'something is not as wished (1)'],
  ['2', 'could not be done (2)'],
  [String(0x41301), 'it runs just now'],
  [neverRan, 'it has not run yet'],
])

/** The line of the task, of comma-separated values in quotation marks. */
function csv(text: string): readonly string[] {
  const lines = text.split(/\r?\n/).map((line) => [...line.matchAll(/"((?:[^"]|"")*)"(?:,|$)/g)].map((m) => m[1]!.replaceAll('""', '"')))
  return lines.find((columns) => columns[1] === `\\${taskName}`) ?? []
}
