/** Machines taken into a fleet, or looked at before that: what the command does, and the API with what somebody handed over. */
import { createHash } from 'node:crypto'
import type { ComputerQuery } from '../directory.ts'
import type { SourceOptions, SourceReading } from '../fleet.ts'
import { type FoundMachine, type Problem, ProblemError, problem, type Site } from '../model.ts'
import type { SiteFile } from '../site.ts'
import type { ImportDifference, ImportOptions, Store } from '../store.ts'
import { siteDirectorySource } from './directories.ts'
import { usage } from './filter.ts'
import { fileKinds, fileName, type Source, siteSource, sourceOf } from './fleet.ts'

export type TakeOptions = {
  /** The source by its own word, the same at every import of the same. */
  readonly source: string
  /** All of the source are of this group; of this pool, where they name none. */
  readonly group: string | null
  readonly pool: string | null
  readonly dryRun: boolean
  /** The source may truly be empty now. */
  readonly mayBeEmpty: boolean
  /** The fingerprint of what was shown: another difference is refused. Null: nothing was. */
  readonly expect: string | null
}

/** What came of one source. The problems are about single lines or files: the others were taken. */
export type Taken = {
  readonly difference: ImportDifference
  readonly notes: readonly string[]
  readonly problems: readonly Problem[]
}

/** Takes in the machines of one source: what it lacks, where it was read to its end, has vanished from it. */
export async function takeSource(source: Source, store: Store, options: TakeOptions): Promise<Taken> {
  const { group, pool } = options
  const marked = source.machines.map((m) => ({
    ...m,
    groups: group === null || m.groups.includes(group) ? m.groups : [...m.groups, group],
    pool: m.pool ?? pool,
  }))
  const difference = await takeAsShown(group === null && pool === null ? source.machines : marked, store, options.expect, {
    source: options.source,
    at: Date.now(),
    dryRun: options.dryRun,
    partial: !source.whole,
    mayBeEmpty: options.mayBeEmpty,
  })
  return { difference, notes: [...source.notes, ...vanishedNotes(difference)], problems: source.problems }
}

/**
 * Imports what was looked at: where the difference is another one by now (the fleet, or the source, changed meanwhile), it is refused
 * as IMPORT_CHANGED. Two imports in the same moment are not told apart.
 */
export async function takeAsShown(
  machines: readonly FoundMachine[],
  store: Store,
  expect: string | null,
  options: ImportOptions,
): Promise<ImportDifference> {
  if (expect !== null && !options.dryRun && fingerprintOf(await store.importMachines(machines, { ...options, dryRun: true })) !== expect)
    throw new ProblemError(
      problem('IMPORT_CHANGED', 'What would change is no longer what was shown; nothing was written.', [
        'Look at it anew, then import it.',
      ]),
    )
  return await store.importMachines(machines, options)
}

/** The same for the same difference, whenever it is worked out. */
const fingerprintOf = ({ at: _, ...difference }: ImportDifference): string =>
  createHash('sha256').update(JSON.stringify(difference)).digest('base64url').slice(0, 22)

/** So many vanish of a source that another one of the same name is more likely. */
const manyVanished = 10

const vanishedNotes = ({ vanished, listed }: ImportDifference): readonly string[] =>
  vanished.length >= manyVanished && vanished.length > listed
    ? [
        'More has vanished than is listed. If this was another list under the same name, import the former one again, and give each its own name (--source NAME). Nothing is forgotten.',
      ]
    : []

/** The answer of an import: schema `slmctl.fleet-import/1`. */
export const importAnswer = (dryRun: boolean, taken: readonly Taken[]) => ({
  schema: 'slmctl.fleet-import/1' as const,
  dryRun,
  imports: taken.map(({ difference, notes }) => ({ ...difference, notes, fingerprint: fingerprintOf(difference) })),
  problems: taken.flatMap((t) => t.problems),
})
export type ImportAnswer = ReturnType<typeof importAnswer>

/**
 * The same at every import of the same. A part of a directory that is to be a group or pool is a source of its own: the whole does not
 * undo it.
 */
export function sourceName(source: Source, given: string | null, part: string | null): string {
  return given ?? (part !== null && source.name.startsWith('directory:') ? `${source.name}#${part}` : source.name)
}

/** A text that somebody handed over: by the name that it is given, or by that of its file, as the command has it. */
export type TextGiven = { readonly file: string | null; readonly kind: string | null; readonly zone: string | null }

/** Takes in the machines of a text, which `read` reads: a table, an inventory, a zone, a list. Throws USAGE, SOURCE_EMPTY and the like. */
export async function importText(
  { file, kind, zone }: TextGiven,
  read: (name: string, options: SourceOptions) => Promise<SourceReading>,
  store: Store,
  { source: called, ...options }: Omit<TakeOptions, 'source'> & { readonly source: string | null },
): Promise<ImportAnswer> {
  const known = fileKinds.find((k) => k === kind)
  if (kind !== null && !known) throw usage(`--kind ${kind}: expected ${fileKinds.join(', ')}.`, '--kind csv')
  const name = file ?? called
  if (name === null) throw usage('A text without the name of a file wants a name for the source.', 'source: berlin')
  const reading = await read(name, { ...(known ? { kind: known } : {}), ...(zone === null ? {} : { zone }) })
  const source = sourceOf(reading, called ?? fileName(reading, name))
  return importAnswer(options.dryRun, [await takeSource(source, store, { ...options, source: source.name })])
}

/** Takes in the machines of the site file's groups, under the source `site`, as the command does. Throws USAGE where there is no site file. */
export async function importSite(site: Site | null, store: Store, options: Pick<TakeOptions, 'dryRun' | 'expect'>): Promise<ImportAnswer> {
  const source = siteSource(site)
  const taken = await takeSource(source, store, { ...options, source: source.name, group: null, pool: null, mayBeEmpty: false })
  return importAnswer(options.dryRun, [taken])
}

/** Takes in computers of a domain that a forest of the site file has, by the credential that the file names for it. */
export async function importDirectory(
  siteFile: SiteFile | null,
  { domain, query }: { readonly domain: string; readonly query: ComputerQuery },
  store: Store,
  options: Omit<TakeOptions, 'source'>,
): Promise<ImportAnswer> {
  const source = await siteDirectorySource(siteFile, domain, query)
  const name = sourceName(source, null, options.group ?? options.pool)
  return importAnswer(options.dryRun, [await takeSource(source, store, { ...options, source: name })])
}
