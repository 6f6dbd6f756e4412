/** A fleet: its store, and where its machines are taken from. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { readWhole } from '../files.ts'
import { type FileKind, readSource, type SourceReading, siteMachines } from '../fleet.ts'
import { type FoundMachine, type Problem, ProblemError, printable, problem, type Site } from '../model.ts'
import { openStore, type Page, type Place, postgresUrl, type Store, type StoreOptions } from '../store.ts'
import { type DirectorySource, directorySource } from './directories.ts'
import { usage } from './filter.ts'

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

/** Opens a store that nothing is to be written to: a file that is not there yet is not made, an empty store elsewhere stands for it. */
export async function openToLook(place: Place): Promise<Store> {
  if (!('file' in place) || existsSync(place.file)) return await openFleetAt(place, { create: false })
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-look-'))
  const gone = () => rmSync(folder, { recursive: true, force: true })
  try {
    const store = await openFleetAt({ file: join(folder, 'fleet.db') }, { create: true })
    return { ...store, close: () => store.close().finally(gone) }
  } catch (error) {
    gone()
    throw error
  }
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
  if (from.siteGroups) yield siteSource(site)
  if (from.directory !== null) yield await directorySource({ ...from, domain: from.directory }, site, from.told)
}

/** The machines of the site file's groups. Throws USAGE where there is no site file. */
export function siteSource(site: Site | null): Source {
  if (!site) throw usage('--site-groups takes the groups of a site file, and there is none.', '--site slmctl.yaml')
  return sourceOf(siteMachines(site), 'site')
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
  return sourceOf(read, fileName(read, file))
}

/** What a file is called as a source, wherever it lies. */
export const fileName = ({ kind }: Pick<SourceReading, 'kind'>, file: string): string => `${kind}:${basename(file)}`

const some = (names: readonly string[]) => `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`

/** What was read, as a source. */
export const sourceOf = (read: SourceReading, name: string): Source => ({
  ...{ name, machines: read.machines, problems: read.problems },
  whole: read.notTaken === 0,
  notes: [
    ...(read.repeated > 0 ? [`${read.repeated} lines repeat a machine`] : []),
    ...(read.passedOver > 0 ? [`${read.passedOver} entries are no machines`] : []),
    ...(read.unused.length > 0 ? [`columns that were not used: ${printable(some(read.unused))}`] : []),
  ],
})

/** Every row of what comes in pages, page by page. */
export async function* rowsOf<T>(page: (after: string | null) => Promise<Page<T>>): AsyncGenerator<T> {
  for (let after: string | null = null; ; ) {
    const { rows, next }: Page<T> = await page(after)
    yield* rows
    if (next === null) return
    after = next
  }
}
