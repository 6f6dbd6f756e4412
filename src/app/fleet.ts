/** A fleet: its store, and where its machines are taken from. */
import { mkdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type ComputerQuery, type Directory, domainControllers, openDirectory, openResolver, searchNotes } from '../directory.ts'
import { readWhole } from '../files.ts'
import { type FileKind, readSource, type SourceReading, siteMachines } from '../fleet.ts'
import { type FoundMachine, type Problem, ProblemError, problem, type Site } from '../model.ts'
import { readSecret, type Secret, secretFromPrompt } from '../secrets.ts'
import { openStore, type Page, type Place, postgresUrl, type Store, type StoreOptions } from '../store.ts'

/** Where a fleet is kept: a file, a PostgreSQL by URL, or, where nothing is said, `fleet.db` in the state folder. */
export function placeOfFleet(given: string | null, stateFolder: string): Place {
  if (given !== null && /^postgres(?:ql)?:/i.test(given)) return { postgres: postgresUrl(given) }
  return { file: given ?? join(stateFolder, 'fleet.db') }
}

/** Opens a fleet's store. `create`: makes it where there is none. */
export async function openFleetAt(place: Place, options: StoreOptions): Promise<Store> {
  if (options.create && 'file' in place) mkdirSync(dirname(place.file), { recursive: true, mode: 0o700 })
  return await openStore(place, options)
}

/** Machines of one source. `whole`: it was read to its end, so that what it lacks has vanished. */
export type Source = {
  /** The same word at every import of the same. */
  readonly name: string
  readonly machines: readonly FoundMachine[]
  readonly problems: readonly Problem[]
  readonly whole: boolean
  /** What was passed over, in words. */
  readonly notes: readonly string[]
}

export type Sources = Omit<DirectorySource, 'domain'> & {
  readonly files: readonly string[]
  readonly kind: string | null
  readonly zone: string | null
  readonly siteGroups: boolean
  /** Domain of an Active Directory. */
  readonly directory: string | null
  /** Hears how many computers of a directory were read so far. */
  readonly told: (read: number) => void
}

export const fileKinds: readonly FileKind[] = ['csv', 'ansible-ini', 'ansible-yaml', 'zone', 'list']

/** The sources that are meant, one after another. */
export async function* sourcesOf(site: Site | null, from: Sources): AsyncGenerator<Source> {
  const usage = (summary: string, ...next: string[]) => new ProblemError(problem('USAGE', summary, next))
  if (from.kind !== null && !fileKinds.includes(from.kind as FileKind))
    throw usage(`--kind ${from.kind}: expected ${fileKinds.join(', ')}.`, '--kind csv')
  if (from.files.length === 0 && from.directory === null && !from.siteGroups)
    throw usage(
      'Where are the machines to be taken from?',
      'slmctl fleet import computers.csv',
      'slmctl fleet import --directory corp.example',
      'slmctl fleet import --site-groups',
    )
  for (const file of from.files) yield fileSource(file, { kind: from.kind as FileKind | null, zone: from.zone })
  if (from.siteGroups) {
    if (!site) throw usage('--site-groups takes the groups of a site file, and there is none.', '--site slmctl.yaml')
    const read = siteMachines(site)
    yield { name: 'site', machines: read.machines, problems: read.problems, whole: read.notTaken === 0, notes: [] }
  }
  if (from.directory !== null) yield await directorySource({ ...from, domain: from.directory }, site, from.told)
}

const sourceLimitBytes = 32 * 1024 * 1024

/** A file: a table, an inventory, a zone, a list. */
export function fileSource(file: string, options: { readonly kind: FileKind | null; readonly zone: string | null }): Source {
  let bytes: Uint8Array
  try {
    bytes = readWhole(file, sourceLimitBytes)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new ProblemError(
      problem(
        'SOURCE_UNREADABLE',
        code === 'ENOENT' ? 'There is no such file.' : `It cannot be read: ${message}.`,
        ['slmctl fleet import FILE'],
        { file },
      ),
    )
  }
  const read = readSource(file, bytes, {
    ...(options.kind ? { kind: options.kind } : {}),
    ...(options.zone ? { zone: options.zone } : {}),
  })
  return sourceOf(read, `${read.kind}:${basename(file)}`)
}

/** What was read, as a source. */
export const sourceOf = (read: SourceReading, name: string): Source => ({
  ...{ name, machines: read.machines, problems: read.problems },
  whole: read.notTaken === 0,
  notes: [
    ...(read.repeated > 0 ? [`${read.repeated} lines repeat a machine`] : []),
    ...(read.passedOver > 0 ? [`${read.passedOver} entries are no machines`] : []),
  ],
})

export type DirectorySource = {
  readonly domain: string
  readonly query: ComputerQuery
  /** Null: Kerberos, by the ticket that is there. */
  readonly user: string | null
  readonly passwordFile: string | null
  readonly startTls: boolean
  readonly ca: string | null
}

/** Signs in at an Active Directory, works there, and leaves. */
export async function withDirectory<T>(from: DirectorySource, site: Site | null, work: (directory: Directory) => Promise<T>): Promise<T> {
  let password: Secret | null = null
  if (from.user !== null)
    password =
      from.passwordFile === null ? await secretFromPrompt(`Password of ${from.user}: `) : await readSecret({ file: from.passwordFile })
  try {
    const resolver = openResolver({ servers: site?.dnsServers ?? [] })
    const directory = await openDirectory({
      servers: await domainControllers(from.domain, resolver),
      tls: from.startTls ? 'starttls' : 'ldaps',
      ca: from.ca === null ? null : readWhole(from.ca, 1024 * 1024).toString('utf8'),
      logon:
        from.user !== null && password
          ? { method: 'simple', user: from.user, password }
          : { method: 'kerberos', credential: { from: 'cache' } },
      timeoutMs: 120_000,
    })
    try {
      return await work(directory)
    } finally {
      directory.close()
    }
  } finally {
    password?.wipe()
  }
}

/** Computers of an Active Directory. */
export async function directorySource(from: DirectorySource, site: Site | null, told: (read: number) => void): Promise<Source> {
  const notes = searchNotes()
  const machines: FoundMachine[] = []
  await withDirectory(from, site, async (directory) => {
    for await (const machine of directory.computers(from.query, notes)) {
      machines.push(machine)
      if (machines.length % 1000 === 0) told(machines.length)
    }
  })
  const filtered = Object.keys(from.query).length > 0
  return {
    name: `directory:${from.domain}`,
    machines,
    problems: notes.problems,
    // What a filter leaves out has not vanished.
    whole: !filtered && notes.unusable === 0,
    notes: [
      ...(notes.clusters > 0 ? [`${notes.clusters} ${notes.clusters === 1 ? 'name of a cluster' : 'names of clusters'}`] : []),
      ...(notes.elsewhere > 0 ? [`${notes.elsewhere} entries in other domains`] : []),
      ...(notes.unusable > 0 ? [`${notes.unusable} entries without a name`] : []),
    ],
  }
}

/** Every row of what comes in pages, page by page. */
export async function* rowsOf<T>(page: (after: string | null) => Promise<Page<T>>): AsyncGenerator<T> {
  for (let after: string | null = null; ; ) {
    const { rows, next }: Page<T> = await page(after)
    yield* rows
    if (next === null) return
    after = next
  }
}
