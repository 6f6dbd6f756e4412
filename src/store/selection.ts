/** Machines by id, as a campaign takes them: those of a filter, and those for which plans were made; and who shares a CMID. Reads only. */
import type { Kysely } from 'kysely'
import { type Filter, filtered } from './filter.ts'
import { keyOf, type Page, type PageWish, sizeOf } from './list.ts'
import { untilFactsChange } from './marks.ts'
import { inParts, pageKey } from './parts.ts'
import type { Database, Tables } from './tables.ts'

/** A machine, as a campaign needs it. */
export type Selected = { readonly id: number; readonly name: string; readonly address: string | null; readonly groups: readonly string[] }

/** Machines by id: what a campaign is made of. */
export async function selection(database: Database, filter: Filter, wish: PageWish): Promise<Page<Selected>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['number'])
  let { query } = await filtered(database, database.db.selectFrom('machine').select(['id', 'name', 'address']), filter)
  if (after) query = query.where('id', '>', after[0] as number)
  const rows = await query
    .orderBy('id')
    .limit(limit + 1)
    .execute()
  return selected(database, rows, limit)
}

/** Machines for which a campaign made plans that change something, by id: what an apply of these plans is made of. */
export async function planned(database: Database, campaign: number, wish: PageWish): Promise<Page<Selected>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['number'])
  let query = lastPlans(database.db, campaign)
    .innerJoin('machine', 'machine.id', 'p.machine_id')
    .select(['machine.id', 'machine.name', 'machine.address'])
  if (after) query = query.where('p.machine_id', '>', after[0] as number)
  const rows = await query
    .orderBy('p.machine_id')
    .limit(limit + 1)
    .execute()
  return selected(database, rows, limit)
}

/** How many there are. */
export async function countPlanned({ db }: Database, campaign: number): Promise<number> {
  return (
    await lastPlans(db, campaign)
      .select((e) => e.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow()
  ).n
}

/** Each machine's last plan in a campaign, where it has steps. */
const lastPlans = (db: Kysely<Tables>, campaign: number) =>
  db
    .selectFrom('plan as p')
    .where('p.campaign_id', '=', campaign)
    .where('p.steps', '>', 0)
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('plan as newer')
            .select('newer.id')
            .where('newer.campaign_id', '=', campaign)
            .whereRef('newer.machine_id', '=', 'p.machine_id')
            .whereRef('newer.id', '>', 'p.id'),
        ),
      ),
    )

/** A page of machines, with their groups. */
async function selected({ db }: Database, rows: readonly Omit<Selected, 'groups'>[], limit: number): Promise<Page<Selected>> {
  const page = rows.slice(0, limit)
  const groups = new Map<number, string[]>()
  await inParts(page, 1000, async (part) => {
    const found = await db
      .selectFrom('machine_group')
      .select(['machine_id', 'name'])
      .distinct()
      .where(
        'machine_id',
        'in',
        part.map((m) => m.id),
      )
      .orderBy('name')
      .execute()
    for (const { machine_id, name } of found) {
      const mine = groups.get(machine_id)
      if (mine) mine.push(name)
      else groups.set(machine_id, [name])
    }
  })
  return {
    rows: page.map((m) => ({ ...m, groups: groups.get(m.id) ?? [] })),
    next: rows.length > limit ? pageKey([page.at(-1)!.id]) : null,
  }
}

/** One CMID that several listed machines have: a KMS host counts them as one. */
export type SharedCmid = {
  readonly cmid: string
  readonly count: number
  /** The pool that all of them belong to: they are made of one image, anew each time. Null: they are machines of their own. */
  readonly pool: string | null
  /** Those that were added first, at most 50. */
  readonly machines: readonly { readonly id: number; readonly name: string; readonly pool: string | null }[]
}
const sharersShown = 50

/** CMIDs that several listed machines have. Looked for anew when anything of the fleet is different. */
export function sharedCmids(database: Database, wish: PageWish): Promise<Page<SharedCmid>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['string'])
  return untilFactsChange(database, `cmids ${limit} ${after?.[0] ?? ''}`, () => findShared(database, limit, after))
}

async function findShared({ db }: Database, limit: number, after: ReturnType<typeof keyOf>): Promise<Page<SharedCmid>> {
  const listed = db.selectFrom('machine').where('vanished_at', 'is', null).where('cmid', 'is not', null)
  let query = listed.select(['cmid', (e) => e.fn.countAll<number>().as('count')])
  if (after) query = query.where('cmid', '>', after[0] as string)
  const rows = await query
    .groupBy('cmid')
    .having((e) => e(e.fn.countAll<number>(), '>', 1))
    .orderBy('cmid')
    .limit(limit + 1)
    .execute()
  const shared: SharedCmid[] = []
  for (const { cmid, count } of rows.slice(0, limit)) {
    const mine = listed.where('cmid', '=', cmid)
    const pools = await mine.select('pool').distinct().limit(2).execute()
    const machines = await mine.select(['id', 'name', 'pool']).orderBy('id').limit(sharersShown).execute()
    const pool = pools.length === 1 ? pools[0]!.pool : null
    shared.push({ cmid: cmid!, count, pool, machines: machines.map((m) => ({ ...m })) })
  }
  return { rows: shared, next: rows.length > limit ? pageKey([shared.at(-1)!.cmid]) : null }
}
