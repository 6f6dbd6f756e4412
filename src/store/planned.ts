/** For which machines a campaign planned something: what an apply goes on with. */
import { keyOf, type Page, type PageWish, type Selected, sizeOf } from './list.ts'
import { pageKey } from './parts.ts'
import type { Database } from './tables.ts'

const plansOf = ({ db }: Database, campaign: number) =>
  db.selectFrom('plan').where('plan.campaign_id', '=', campaign).where('plan.steps', '>', 0)

/** The machines, by id, as `selection` gives them. */
export async function planned(database: Database, campaign: number, wish: PageWish): Promise<Page<Selected>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['number'])
  let query = plansOf(database, campaign)
    .innerJoin('machine', 'machine.id', 'plan.machine_id')
    .select(['machine.id', 'machine.name', 'machine.address'])
  if (after) query = query.where('plan.machine_id', '>', after[0] as number)
  const rows = await query
    .orderBy('plan.machine_id')
    .limit(limit + 1)
    .execute()
  const page = rows.slice(0, limit)
  const groups = new Map<number, string[]>(page.map((m) => [m.id, []]))
  if (page.length > 0) {
    const named = await database.db
      .selectFrom('machine_group')
      .select(['machine_id', 'name'])
      .distinct()
      .where('machine_id', 'in', [...groups.keys()])
      .orderBy('name')
      .execute()
    for (const { machine_id, name } of named) groups.get(machine_id)!.push(name)
  }
  return {
    rows: page.map((m) => ({ ...m, groups: groups.get(m.id)! })),
    next: rows.length > limit ? pageKey([page.at(-1)!.id]) : null,
  }
}

export async function countPlanned(database: Database, campaign: number): Promise<number> {
  const { machines } = await plansOf(database, campaign)
    .select((e) => e.fn.countAll<number>().as('machines'))
    .executeTakeFirstOrThrow()
  return machines
}
