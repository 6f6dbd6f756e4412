/**
 * Which machine a source means: by objectGUID, then by the board's UUID, then by name. Pure: what an import would do is worked out
 * here once, and shown (`dryRun`) or written.
 */
import type { FoundMachine } from '../model.ts'
import { indexed, turning } from './parts.ts'

/** A machine as the store knows it. */
export type Known = {
  readonly id: number
  readonly name: string
  readonly guid: string | null
  readonly uuid: string | null
  readonly pool: string | null
  readonly vanished: boolean
  /** Whether the source that is imported now lists it. */
  readonly listed: boolean
}

export type Match =
  | { readonly kind: 'new'; readonly found: FoundMachine; readonly replaces: number | null }
  | { readonly kind: 'known'; readonly found: FoundMachine; readonly id: number }

export type Matched = {
  readonly matches: readonly Match[]
  /** Entries that say again what another one of the same list said. */
  readonly duplicates: readonly FoundMachine[]
  /** Known machines of this source that the list no longer has. */
  readonly vanished: ReadonlySet<number>
  /** Known machines whose name another machine has now: they are gone from every source. */
  readonly replaced: ReadonlySet<number>
}

/** A name as it is compared: case and a final dot mean nothing in DNS. */
export const nameOf = (name: string) => indexed(name.normalize('NFC').toLowerCase().replace(/\.$/, ''))

/**
 * Matches a list with what is known. The same GUID is the same machine whatever it is called. The same name with another GUID, or
 * without one on another board, is a new machine, and the old one has vanished. A UUID that several machines have (cloned disks,
 * boards that were never given one) tells nothing. Machines of a non-persistent pool come and go with new GUIDs: there the name tells.
 */
export async function match(known: readonly Known[], list: readonly FoundMachine[]): Promise<Matched> {
  const turn = turning()
  const byGuid = new Map<string, Known>()
  const byName = new Map<string, Known[]>()
  const uuids = new Unique()
  for (const k of known) {
    await turn()
    if (k.guid !== null) byGuid.set(k.guid, k)
    const same = byName.get(k.name)
    if (same) same.push(k)
    else byName.set(k.name, [k])
    uuids.add(k.uuid, k)
  }
  const listUuids = new Unique()
  const listGuids = new Set<string>()
  for (const f of list) {
    await turn()
    listUuids.add(f.uuid, f as unknown as Known)
    if (f.guid !== null) listGuids.add(f.guid)
  }
  const matches: Match[] = []
  const duplicates: FoundMachine[] = []
  const taken = new Set<number>()
  const replaced = new Set<number>()
  const said = new Set<string>()
  // Those with a GUID first: a name alone must not take a machine that another entry has the proof for.
  for (const found of [...list.filter((f) => f.guid !== null), ...list.filter((f) => f.guid === null)]) {
    await turn()
    const name = nameOf(found.name)
    const mark = found.guid !== null && found.pool === null ? `guid ${found.guid}` : `name ${name}`
    if (said.has(mark) || (found.guid === null && said.has(`of ${name}`))) {
      duplicates.push(found)
      continue
    }
    said.add(mark).add(`of ${name}`)
    const uuid = listUuids.get(found.uuid) ? found.uuid : null
    const it = which(found, name, uuid)
    if (it !== null && !taken.has(it.id)) {
      taken.add(it.id)
      matches.push({ kind: 'known', found, id: it.id })
      continue
    }
    // Whoever had the name until now is not there any more, unless the list has it, too.
    const before = best(
      byName.get(name)?.filter((k) => !k.vanished && !taken.has(k.id) && (k.guid === null || !listGuids.has(k.guid))) ?? [],
    )
    if (before) replaced.add(before.id)
    matches.push({ kind: 'new', found, replaces: before?.id ?? null })
  }
  const vanished = new Set<number>()
  for (const k of known) if (k.listed && !taken.has(k.id) && !replaced.has(k.id)) vanished.add(k.id)
  return { matches, duplicates, vanished, replaced }

  function which(found: FoundMachine, name: string, uuid: string | null): Known | null {
    const named = byName.get(name) ?? []
    const guided = found.guid === null ? null : byGuid.get(found.guid)
    if (found.pool !== null) return best(named.filter((k) => k.pool === found.pool)) ?? (guided?.pool === null ? guided : null)
    if (guided) return guided
    const boarded = uuids.get(uuid)
    if (boarded && (boarded.guid === null || found.guid === null) && boarded.pool === null) return boarded
    const fits = named.filter(
      (k) =>
        (k.guid === null || found.guid === null) &&
        (uuid === null || k.uuid === null || k.uuid === uuid || (k.guid !== null && found.guid === k.guid)),
    )
    return best(fits)
  }
}

/** Of several machines of one name the one that is still listed; of those, the one that was added last. */
function best(list: readonly Known[]): Known | null {
  return list.reduce<Known | null>(
    (a, b) => (a === null || (a.vanished && !b.vanished) || (a.vanished === b.vanished && b.id > a.id) ? b : a),
    null,
  )
}

/** UUIDs that one machine alone has. */
class Unique {
  readonly #of = new Map<string, Known | null>()
  add(uuid: string | null, machine: Known): void {
    if (uuid === null || /^([0-9a-f])\1*$/.test(uuid.replaceAll('-', ''))) return
    this.#of.set(uuid, this.#of.has(uuid) ? null : machine)
  }
  get(uuid: string | null): Known | null {
    return uuid === null ? null : (this.#of.get(uuid) ?? null)
  }
}
