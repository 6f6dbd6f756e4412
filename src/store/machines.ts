/** The machines: who they are, which sources list them, in which groups; and what each last said. Writes `machine` and the tables of imports. */
import { type Kysely, sql } from 'kysely'
import { type FoundMachine, ProblemError, problem } from '../model.ts'
import { noteChanges } from './changes.ts'
import { type Known, match, nameOf } from './identity.ts'
import { factsChanged } from './marks.ts'
import { indexed, inParts, kept, plain, systemText, turning } from './parts.ts'
import { presentProducts } from './products.ts'
import type { Database, MachineRow, Tables } from './tables.ts'

/** What an import changes, or would change. Names are enough for people; machines are told apart by identity. */
export type ImportDifference = {
  readonly source: string
  readonly at: number
  /** Machines of the list, each once. */
  readonly listed: number
  readonly unchanged: number
  readonly added: readonly string[]
  /** What is told differently now; `what` names the fields of FoundMachine. When the directory last saw it is no difference. */
  readonly changed: readonly { readonly name: string; readonly what: readonly string[] }[]
  readonly renamed: readonly { readonly from: string; readonly to: string }[]
  /** New machines with the name of another one, which has vanished. */
  readonly replaced: readonly string[]
  readonly returned: readonly string[]
  /** No source lists them any more. They are marked, never deleted. */
  readonly vanished: readonly string[]
  /** Said twice in the list. */
  readonly duplicates: readonly string[]
}

export type ImportOptions = {
  /** What the machines come from: the same word at the next import of the same. */
  readonly source: string
  readonly at: number
  /** Works out the difference and writes nothing. */
  readonly dryRun?: boolean
  /** The list is a part of what the source has: what is not in it has not vanished. */
  readonly partial?: boolean
  /** The source may truly be empty now. */
  readonly mayBeEmpty?: boolean
}

/** Imports a list. All of it is written, or nothing. */
export function importMachines(database: Database, list: readonly FoundMachine[], options: ImportOptions): Promise<ImportDifference> {
  if (options.dryRun) return new Import(database.db, list, options).work()
  return database.alone('import', (db) => new Import(db, list, options).work())
}

/** So many rows at a time, of those that are read whole. */
const stretch = 1000

type Full = MachineRow & { readonly groups: ReadonlySet<string> }

/** The fields of FoundMachine that a machine keeps, with their columns. Null in a list means "not told", and changes nothing. */
const fields = [
  ['guid', 'guid'],
  ['uuid', 'uuid'],
  ['address', 'address'],
  ['system', 'system'],
  ['systemVersion', 'system_version'],
  ['enabled', 'enabled'],
  ['distinguishedName', 'distinguished_name'],
  ['pool', 'pool'],
] as const satisfies readonly (readonly [keyof FoundMachine, keyof MachineRow])[]

class Import {
  readonly #db: Kysely<Tables>
  readonly #list: readonly FoundMachine[]
  readonly #options: ImportOptions
  constructor(db: Kysely<Tables>, list: readonly FoundMachine[], options: ImportOptions) {
    this.#db = db
    this.#list = list
    this.#options = options
  }

  async work(): Promise<ImportDifference> {
    const { source, at, dryRun, partial } = this.#options
    const turn = turning()
    const known = await this.#known()
    const listed = await this.#listed()
    if (this.#list.length === 0 && listed.size > 0 && !partial && !this.#options.mayBeEmpty)
      throw new ProblemError(
        problem('IMPORT_EMPTY', `${source} lists no machine now; at the last import it listed ${listed.size}.`, [
          'Nothing was changed. Check the source; a list that is truly empty has to be said to be so.',
        ]),
      )
    const everywhere = await this.#sourcesOf(listed)
    const before: Known[] = []
    for (const { id, name, guid, uuid, pool, vanished_at } of known.values()) {
      await turn()
      before.push({ id, name, guid, uuid, pool, vanished: vanished_at !== null, listed: listed.has(id) })
    }
    const { matches, duplicates, vanished, replaced } = await match(before, this.#list)
    const gone = partial ? [] : [...vanished]
    const lost = gone.filter((id) => (everywhere.get(id) ?? 0) <= 1 && known.get(id)!.vanished_at === null)
    const difference = {
      added: [] as string[],
      changed: [] as { name: string; what: string[] }[],
      renamed: [] as { from: string; to: string }[],
    }
    const returned: string[] = []
    let unchanged = 0
    const inserts: MachineRow[] = []
    const updates: { id: number; set: Partial<MachineRow> }[] = []
    const entries: number[] = []
    const back: number[] = []
    const groups = { add: [] as { machine_id: number; source: string; name: string }[], remove: [] as { id: number; names: string[] }[] }
    let nextId = 1 + [...known.keys()].reduce((a, b) => Math.max(a, b), 0)
    for (const m of matches) {
      await turn()
      const wanted = new Set(m.found.groups.map(indexed))
      if (m.kind === 'new') {
        const id = nextId++
        inserts.push(freshRow(id, m.found, at))
        entries.push(id)
        for (const name of wanted) groups.add.push({ machine_id: id, source, name })
        difference.added.push(nameOf(m.found.name))
        continue
      }
      const row = known.get(m.id)!
      const { set, what } = changes(row, m.found)
      const name = set.name ?? row.name
      if (set.name !== undefined) difference.renamed.push({ from: row.name, to: set.name })
      const surplus = [...row.groups].filter((g) => !wanted.has(g))
      const missing = [...wanted].filter((g) => !row.groups.has(g))
      if (surplus.length > 0 && !partial) groups.remove.push({ id: m.id, names: surplus })
      for (const g of missing) groups.add.push({ machine_id: m.id, source, name: g })
      if (missing.length > 0 || (surplus.length > 0 && !partial)) what.push('groups')
      if (row.vanished_at !== null) {
        set.vanished_at = null
        back.push(m.id)
        returned.push(name)
      }
      if (what.length > 0) difference.changed.push({ name, what })
      if (what.length === 0 && set.name === undefined && row.vanished_at === null) unchanged++
      if (!listed.has(m.id)) entries.push(m.id)
      if (Object.keys(set).length > 0) updates.push({ id: m.id, set })
    }
    const answer: ImportDifference = {
      source,
      at,
      listed: matches.length,
      unchanged,
      ...difference,
      replaced: [...replaced].map((id) => known.get(id)!.name),
      returned,
      vanished: lost.map((id) => known.get(id)!.name),
      duplicates: duplicates.map((d) => nameOf(d.name)),
    }
    if (dryRun) return answer
    await this.#vanish(gone, lost, [...replaced])
    // A GUID may move from one machine to another (a pool's): it is taken away before it is given.
    const given = new Map(matches.filter((m) => m.found.guid !== null).map((m) => [m.found.guid!, m.kind === 'known' ? m.id : null]))
    const losing = [...known.values()].filter((k) => k.guid !== null && given.has(k.guid) && given.get(k.guid) !== k.id)
    await inParts(losing, 500, (part) =>
      this.#db
        .updateTable('machine')
        .set({ guid: null })
        .where(
          'id',
          'in',
          part.map((k) => k.id),
        )
        .execute(),
    )
    await inParts(inserts, 200, (part) => this.#db.insertInto('machine').values(part).execute())
    for (const { id, set } of updates) await this.#db.updateTable('machine').set(set).where('id', '=', id).execute()
    const { id: importId } = await this.#db
      .insertInto('machine_import')
      .values({
        source,
        at,
        listed: matches.length,
        added: answer.added.length,
        changed: answer.changed.length,
        renamed: answer.renamed.length,
        replaced: answer.replaced.length,
        returned: returned.length,
        vanished: answer.vanished.length,
        duplicates: duplicates.length,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    await inParts(entries, 500, (part) =>
      this.#db
        .insertInto('source_entry')
        .values(part.map((machine_id) => ({ machine_id, source, import_id: importId, vanished_at: null })))
        .onConflict((c) => c.columns(['source', 'machine_id']).doUpdateSet({ import_id: importId, vanished_at: null }))
        .execute(),
    )
    for (const { id, names } of groups.remove)
      await this.#db
        .deleteFrom('machine_group')
        .where('machine_id', '=', id)
        .where('source', '=', source)
        .where('name', 'in', names)
        .execute()
    await inParts(groups.add, 500, (part) =>
      this.#db
        .insertInto('machine_group')
        .values(part)
        .onConflict((c) => c.doNothing())
        .execute(),
    )
    await inParts(back, 500, (part) => presentProducts(this.#db, part, true))
    const note = (kind: 'added' | 'vanished', ids: readonly number[]) => {
      const row = { at, product: null, was: kind === 'added' ? null : source, now: kind === 'added' ? source : null }
      return noteChanges(
        this.#db,
        ids.map((machine_id) => ({ ...row, machine_id, kind })),
      )
    }
    await note('vanished', [...lost, ...replaced])
    await note('added', [...inserts.map((m) => m.id), ...back])
    await factsChanged(this.#db)
    return answer
  }

  /** All machines, in stretches: each holds the thread for some milliseconds. */
  async #known(): Promise<Map<number, Full>> {
    const known = new Map<number, Full>()
    const none: ReadonlySet<string> = new Set()
    for (let last = 0; ; ) {
      const rows = await this.#db.selectFrom('machine').selectAll().where('id', '>', last).orderBy('id').limit(stretch).execute()
      const end = rows.at(-1)
      if (!end) return known
      const groups = new Map<number, Set<string>>()
      const grouped = await this.#db
        .selectFrom('machine_group')
        .select(['machine_id', 'name'])
        .where('source', '=', this.#options.source)
        .where('machine_id', '>', last)
        .where('machine_id', '<=', end.id)
        .execute()
      for (const { machine_id, name } of grouped) {
        const set = groups.get(machine_id)
        if (set) set.add(name)
        else groups.set(machine_id, new Set([name]))
      }
      for (const row of rows) known.set(row.id, { ...row, groups: groups.get(row.id) ?? none })
      last = end.id
    }
  }

  /** Those that the source lists as of its last import. */
  async #listed(): Promise<Set<number>> {
    const listed = new Set<number>()
    for (let last = 0; ; ) {
      const rows = await this.#db
        .selectFrom('source_entry')
        .select('machine_id')
        .where('source', '=', this.#options.source)
        .where('vanished_at', 'is', null)
        .where('machine_id', '>', last)
        .orderBy('machine_id')
        .limit(5 * stretch)
        .execute()
      for (const { machine_id } of rows) listed.add(machine_id)
      if (rows.length === 0) return listed
      last = rows.at(-1)!.machine_id
    }
  }

  /** How many sources list each of them now. */
  async #sourcesOf(ids: ReadonlySet<number>): Promise<Map<number, number>> {
    const sources = new Map<number, number>()
    for (let last = 0; ids.size > 0; ) {
      const rows = await this.#db
        .selectFrom('source_entry')
        .select(['machine_id', (e) => e.fn.countAll<number>().as('n')])
        .where('vanished_at', 'is', null)
        .where('machine_id', '>', last)
        .groupBy('machine_id')
        .orderBy('machine_id')
        .limit(5 * stretch)
        .execute()
      for (const { machine_id, n } of rows) sources.set(machine_id, n)
      if (rows.length === 0) break
      last = rows.at(-1)!.machine_id
    }
    return sources
  }

  async #vanish(gone: readonly number[], lost: readonly number[], replaced: readonly number[]): Promise<void> {
    const { source, at } = this.#options
    const mark = (ids: readonly number[]) => this.#db.updateTable('source_entry').set({ vanished_at: at }).where('machine_id', 'in', ids)
    await inParts(gone, 500, (part) => mark(part).where('source', '=', source).execute())
    await inParts(replaced, 500, (part) => mark(part).where('vanished_at', 'is', null).execute())
    await inParts([...lost, ...replaced], 500, async (part) => {
      await this.#db.updateTable('machine').set({ vanished_at: at }).where('id', 'in', part).execute()
      await presentProducts(this.#db, part, false)
    })
  }
}

function freshRow(id: number, found: FoundMachine, at: number): MachineRow {
  return kept({
    id,
    name: nameOf(found.name),
    guid: found.guid,
    uuid: found.uuid,
    address: found.address,
    system: systemText(found.system),
    system_version: found.systemVersion,
    enabled: found.enabled === null ? null : Number(found.enabled),
    directory_seen_at: time(found.lastSeen),
    distinguished_name: found.distinguishedName,
    pool: found.pool,
    added_at: at,
    vanished_at: null,
    seen_at: null,
    asked_at: null,
    verdict: null,
    origin: null,
    headline: null,
    next: null,
    problem_code: null,
    problem_summary: null,
    problem_next: null,
    problem_since: null,
    problem_count: 0,
    cmid: null,
    ends_at: null,
  })
}

function changes(row: MachineRow, found: FoundMachine): { set: Partial<MachineRow>; what: string[] } {
  const set: Record<string, unknown> = {}
  const what: string[] = []
  if (nameOf(found.name) !== row.name) set.name = nameOf(found.name)
  for (const [field, column] of fields) {
    const told = found[field]
    const text = field === 'system' ? systemText(told as string | null) : told
    const value = typeof text === 'boolean' ? Number(text) : typeof text === 'string' ? plain(text) : text
    if (value === null || value === row[column]) continue
    set[column] = value
    what.push(field)
  }
  const seen = time(found.lastSeen)
  if (seen !== null && seen !== row.directory_seen_at) set.directory_seen_at = seen
  return { set: set as Partial<MachineRow>, what }
}

function time(text: string | null): number | null {
  const ms = text === null ? Number.NaN : Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}

/** One import, as it is kept. */
export type ImportLine = { readonly [K in keyof Omit<ImportDifference, 'unchanged'>]: ImportDifference[K] extends string ? string : number }

/** The last imports, newest first. */
export async function listImports(database: Database, limit: number): Promise<readonly ImportLine[]> {
  const rows = await database.db.selectFrom('machine_import').selectAll().orderBy('id', 'desc').limit(limit).execute()
  return rows.map(({ id: _, ...line }) => ({ ...line }))
}

/** What of a machine an observation needs to know, and holds until it is written. */
export async function machinesToObserve(database: Database, db: Kysely<Tables>, ids: readonly number[]) {
  const query = db
    .selectFrom('machine')
    .select(['id', 'uuid', 'cmid', 'seen_at', 'asked_at', 'vanished_at', 'verdict', 'origin', 'headline', 'next', 'system', 'ends_at'])
    .select(['problem_code', 'problem_summary', 'problem_since', 'problem_count'])
    .where('id', 'in', ids)
    .orderBy('id')
  return (database.kind === 'postgres' ? query.forNoKeyUpdate() : query).execute()
}

/** What a machine last said, or why it did not. */
export async function setMachine(db: Kysely<Tables>, id: number, set: Partial<Omit<MachineRow, 'id' | 'name' | 'guid'>>): Promise<void> {
  await db.updateTable('machine').set(set).where('id', '=', id).execute()
}

/** Machines that said the same again: only the time moves. One statement for all of them. */
export async function touchMachines(db: Kysely<Tables>, seen: readonly { readonly id: number; readonly at: number }[]): Promise<void> {
  const values = sql.join(seen.map(({ id, at }) => sql`(cast(${id} as bigint), cast(${at} as bigint))`))
  await sql`update machine set seen_at = v.column2, asked_at = v.column2 from (values ${values}) as v where machine.id = v.column1`.execute(
    db,
  )
}
