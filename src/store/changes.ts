/** What changed in the fleet, written down when it is seen: asking for a day costs by what happened in it. Writes `fleet_change`. */
import type { Kysely } from 'kysely'
import { keyOf, type Page, type PageWish, sizeOf } from './list.ts'
import { inParts, pageKey, plain } from './parts.ts'
import type { Database, ProductRow, Tables } from './tables.ts'

/**
 * lapsed: a product was licensed and no longer is, or its grace period ended; restored: it is licensed now; foreign: its origin became foreign or suspect; changed:
 * another state, host or channel, or it came or went; silent: a machine stopped answering; answered: it answers again.
 */
export type ChangeKind = 'lapsed' | 'restored' | 'changed' | 'silent' | 'answered' | 'added' | 'vanished' | 'foreign'
export type FleetChange = {
  readonly at: number
  readonly machine: number
  readonly name: string
  readonly kind: ChangeKind
  readonly product: string | null
  /** A state, host, channel or origin; of a machine the code of its problem or the source that lists it. */
  readonly from: string | null
  readonly to: string | null
}
export type NewChange = {
  readonly at: number
  readonly machine_id: number
  readonly kind: ChangeKind
  readonly product: string | null
  readonly was: string | null
  readonly now: string | null
}

/** Whether an activation is, or may be, somebody else's. */
export const notOurs = (p: Pick<ProductRow, 'origin'>) => p.origin === 'foreign' || p.origin === 'suspect'

/** What two readings of a product differ in, as one change: the gravest; null: in nothing that counts. Null stands for "not there". */
export function changeOf(before: ProductRow | null, now: ProductRow | null): Pick<NewChange, 'kind' | 'was' | 'now'> | null {
  if (now && notOurs(now) && !(before && notOurs(before))) return { kind: 'foreign', was: before?.origin ?? null, now: now.origin }
  const [was, is] = [before?.state ?? null, now?.state ?? null]
  if (was !== is) {
    const over = was?.endsWith('-grace') && (is === 'notification' || is === 'unlicensed')
    const kind = was === 'licensed' || over ? 'lapsed' : is === 'licensed' ? 'restored' : 'changed'
    return { kind: before && now ? kind : 'changed', was, now: is }
  }
  if (!before || !now) return null
  for (const column of ['host', 'channel'] as const)
    if (before[column] !== now[column]) return { kind: 'changed', was: before[column], now: now[column] }
  return null
}

/** Writes changes down. */
export function noteChanges(db: Kysely<Tables>, changes: readonly NewChange[]): Promise<void> {
  return inParts(changes, 500, (part) =>
    db
      .insertInto('fleet_change')
      .values(part.map((c) => ({ ...c, was: c.was === null ? null : plain(c.was), now: c.now === null ? null : plain(c.now) })))
      .execute(),
  )
}

/** What changed from a time on (ms), the latest first. */
export async function listChanges({ db }: Database, since: number, wish: PageWish): Promise<Page<FleetChange>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['number', 'number'])
  let query = db
    .selectFrom('fleet_change as c')
    .innerJoin('machine', 'machine.id', 'c.machine_id')
    .select(['c.id', 'c.at', 'c.machine_id as machine', 'machine.name', 'c.kind', 'c.product', 'c.was as from', 'c.now as to'])
    .where('c.at', '>=', since)
  if (after) query = query.where((e) => e(e.refTuple('c.at', 'c.id'), '<', e.tuple(after[0] as number, after[1] as number)))
  const rows = await query
    .orderBy('c.at', 'desc')
    .orderBy('c.id', 'desc')
    .limit(limit + 1)
    .execute()
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    rows: page.map(({ id: _, ...r }) => ({ ...r, kind: r.kind as ChangeKind })),
    next: rows.length > limit && last ? pageKey([last.at, last.id]) : null,
  }
}

/** How many there are of each kind from a time on (ms). */
export async function countChanges({ db }: Database, since: number): Promise<Partial<Record<ChangeKind, number>>> {
  const rows = await db
    .selectFrom('fleet_change')
    .select(['kind', (e) => e.fn.countAll<number>().as('n')])
    .where('at', '>=', since)
    .groupBy('kind')
    .execute()
  return Object.fromEntries(rows.map((r) => [r.kind, r.n]))
}
