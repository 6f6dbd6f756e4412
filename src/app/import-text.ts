/** Machines of a source taken into a fleet, and machines of a text that somebody handed over. */
import { readSource } from '../fleet.ts'
import type { Problem, Site } from '../model.ts'
import type { ImportDifference, Store } from '../store.ts'
import { usage } from './filter.ts'
import { fileKinds, type Source, sourceOf, sourcesOf } from './fleet.ts'

export type TakeOptions = {
  /** The source by its own word, the same at every import of the same. */
  readonly source: string
  /** All of the source are of this group; of this pool, where they name none. */
  readonly group: string | null
  readonly pool: string | null
  readonly dryRun: boolean
  /** The source may truly be empty now. */
  readonly mayBeEmpty: boolean
}

/** Takes in the machines of one source: what it lacks, where it was read to its end, has vanished from it. */
export function takeSource(source: Source, store: Store, options: TakeOptions): Promise<ImportDifference> {
  const { group, pool } = options
  const marked = source.machines.map((m) => ({
    ...m,
    groups: group === null || m.groups.includes(group) ? m.groups : [...m.groups, group],
    pool: m.pool ?? pool,
  }))
  return store.importMachines(group === null && pool === null ? source.machines : marked, {
    source: options.source,
    at: Date.now(),
    dryRun: options.dryRun,
    partial: !source.whole,
    mayBeEmpty: options.mayBeEmpty,
  })
}

/** The answer of an import: schema `slmctl.fleet-import/1`. */
export const importAnswer = (dryRun: boolean, imports: readonly ImportDifference[], problems: readonly Problem[]) => ({
  schema: 'slmctl.fleet-import/1' as const,
  ...{ dryRun, imports, problems },
})

/** Takes in the machines of a text: a table, an inventory, a zone, a list. Throws USAGE, SOURCE_EMPTY and the like. */
export async function importText(
  text: string,
  store: Store,
  options: TakeOptions & { readonly kind: string | null; readonly zone: string | null },
): Promise<ReturnType<typeof importAnswer>> {
  const { kind, zone } = options
  const known = fileKinds.find((k) => k === kind)
  if (kind !== null && !known) throw usage(`--kind ${kind}: expected ${fileKinds.join(', ')}.`, '--kind csv')
  const source = sourceOf(
    readSource(options.source, Buffer.from(text), { ...(known ? { kind: known } : {}), ...(zone === null ? {} : { zone }) }),
    options.source,
  )
  return importAnswer(options.dryRun, [await takeSource(source, store, options)], source.problems)
}

/** Takes in the machines of the site file's groups, under the source `site`, as the command does. Throws USAGE where there is no site file. */
export async function importSite(site: Site | null, store: Store, dryRun: boolean): Promise<ReturnType<typeof importAnswer>> {
  const none = { files: [], kind: null, zone: null, directory: null, query: {}, user: null, passwordFile: null, startTls: false, ca: null }
  const imports: ImportDifference[] = []
  const problems: Problem[] = []
  for await (const source of sourcesOf(site, { ...none, siteGroups: true, told: () => {} })) {
    imports.push(await takeSource(source, store, { source: source.name, group: null, pool: null, dryRun, mayBeEmpty: false }))
    problems.push(...source.problems)
  }
  return importAnswer(dryRun, imports, problems)
}
