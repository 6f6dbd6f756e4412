/**
 * What a machine's own answer tells about who it is. A machine of a directory or of a pool keeps its place whatever board it has; any
 * other that answers with another board was replaced, or installed anew under an old name: its row vanishes with its history, and a
 * new one takes its name, sources and groups.
 */
import { type Kysely, sql } from 'kysely'
import { noteChanges } from './changes.ts'
import { factsChanged } from './marks.ts'
import { inParts } from './parts.ts'
import { presentProducts } from './products.ts'
import type { Database, MachineRow, Tables } from './tables.ts'

/** A machine that was found to be another one than the one that was known by its name. */
export type Replaced = { readonly name: string; readonly machine: number; readonly by: number }

/** An ID that a board or a licence has by itself; null for what makers leave in many of them. */
export function ownId(id: string | null | undefined): string | null {
  const text = id?.trim().toLowerCase() ?? ''
  if (!/^[!-~]{1,64}$/.test(text) || /^([0-9a-f])\1*$/.test(text.replaceAll('-', ''))) return null
  return unset.includes(text) || unset.includes(turned(text)) ? null : text
}
/** What AMI's firmware says where the maker of the board has set nothing. */
const unset = ['03000200-0400-0500-0006-000700080009']

/** The first three fields the other way round: SMBIOS (2.6, 7.2.1) keeps them little-endian, and some lists write them as they are kept. */
function turned(uuid: string): string {
  const bytes = (text: string) => (text.match(/../g) ?? []).reverse().join('')
  const [a, b, c, ...rest] = uuid.split('-')
  return [bytes(a ?? ''), bytes(b ?? ''), bytes(c ?? ''), ...rest].join('-')
}
const sameBoard = (a: string, b: string) => a === b || a === turned(b)

type Told = { readonly machine: number; readonly at: number; readonly uuid: string | null }
type Known = Pick<MachineRow, 'id' | 'name' | 'uuid' | 'vanished_at'>

/**
 * Whose answers they are, where that is another machine than the one that was asked; new machines are made where they are needed.
 * May be repeated: what was replaced once is found again.
 */
export async function whose(
  database: Database,
  list: readonly Told[],
): Promise<{ readonly of: ReadonlyMap<Told, number>; readonly replaced: readonly Replaced[] }> {
  const of = new Map<Told, number>()
  const replaced: Replaced[] = []
  const told = list.filter((t) => ownId(t.uuid) !== null)
  const known = new Map<number, Known>()
  await inParts([...new Set(told.map((t) => t.machine))], 500, async (part) => {
    for (const m of await byName(database.db).where('id', 'in', part).execute()) known.set(m.id, m)
  })
  for (const t of told) {
    const machine = known.get(t.machine)
    if (!machine || !another(machine, t)) continue
    const by = await database.alone('import', (db) => replace(db, t))
    if (by === null) continue
    of.set(t, by.machine)
    if (by.now) replaced.push({ name: machine.name, machine: t.machine, by: by.machine })
  }
  return { of, replaced }
}

/** Machines that are known by their name alone. */
const byName = (db: Kysely<Tables>) =>
  db.selectFrom('machine').select(['id', 'name', 'uuid', 'vanished_at']).where('guid', 'is', null).where('pool', 'is', null)

function another(machine: Known, told: Told): boolean {
  const [before, now] = [ownId(machine.uuid), ownId(told.uuid)]
  return before !== null && now !== null && !sameBoard(before, now)
}

/** The machine that has the name of another one now; `now`: it took its place just now. Null: it is the same machine after all. */
async function replace(db: Kysely<Tables>, told: Told): Promise<{ readonly machine: number; readonly now: boolean } | null> {
  // Looked at again: whoever waited for the lock before may have done it.
  const old = await db.selectFrom('machine').selectAll().where('id', '=', told.machine).where('guid', 'is', null).executeTakeFirst()
  if (!old || old.pool !== null || !another(old, told)) return null
  const uuid = ownId(told.uuid)!
  // Cloned disks: a UUID that machines of other names have tells nothing.
  const elsewhere = await db
    .selectFrom('machine')
    .select('id')
    .where('uuid', 'in', [uuid, old.uuid!])
    .where('name', '!=', old.name)
    .where('vanished_at', 'is', null)
    .executeTakeFirst()
  if (elsewhere) return null
  const named = await byName(db).where('name', '=', old.name).where('id', '!=', old.id).orderBy('id', 'desc').execute()
  const before = named.find((m) => m.uuid !== null && sameBoard(m.uuid, uuid))
  if (old.vanished_at !== null) {
    // Asked for before it was replaced: the answer belongs to whoever is there now.
    const now = before ?? named.find((m) => m.vanished_at === null && ownId(m.uuid) === null)
    return now ? { machine: now.id, now: false } : null
  }
  const id = before?.id ?? (await makeNew(db, old, uuid, told.at))
  if (before) {
    await db.updateTable('machine').set({ vanished_at: null, address: old.address }).where('id', '=', id).execute()
    await presentProducts(db, [id], true)
  }
  await takePlace(db, old.id, id, told.at)
  const news = { at: told.at, product: null, was: null, now: null }
  await noteChanges(db, [
    { ...news, machine_id: old.id, kind: 'vanished' },
    { ...news, machine_id: id, kind: 'added' },
  ])
  await factsChanged(db)
  return { machine: id, now: true }
}

/** A machine of that name on another board, with what its sources say. */
async function makeNew(db: Kysely<Tables>, old: MachineRow, uuid: string, at: number): Promise<number> {
  const { id } = await db
    .selectFrom('machine')
    .select((e) => e(e.fn.max<number>('id'), '+', 1).as('id'))
    .executeTakeFirstOrThrow()
  const { name, address, system, system_version, enabled, directory_seen_at, distinguished_name } = old
  const told = { name, address, system, system_version, enabled, directory_seen_at, distinguished_name }
  await db
    .insertInto('machine')
    .values({ ...told, id, uuid, added_at: at, problem_count: 0 })
    .execute()
  return id
}

async function takePlace(db: Kysely<Tables>, old: number, by: number, at: number): Promise<void> {
  const entries = await db.selectFrom('source_entry').selectAll().where('machine_id', '=', old).where('vanished_at', 'is', null).execute()
  for (const e of entries)
    await db
      .insertInto('source_entry')
      .values({ ...e, machine_id: by })
      .onConflict((c) => c.columns(['source', 'machine_id']).doUpdateSet({ import_id: e.import_id, vanished_at: null }))
      .execute()
  await db.updateTable('source_entry').set({ vanished_at: at }).where('machine_id', '=', old).where('vanished_at', 'is', null).execute()
  await sql`delete from machine_group where machine_id = ${by}`.execute(db)
  await sql`insert into machine_group (machine_id, source, name) select ${by}, source, name from machine_group where machine_id = ${old}`.execute(
    db,
  )
  await db.updateTable('machine').set({ vanished_at: at }).where('id', '=', old).execute()
  await presentProducts(db, [old], false)
}
