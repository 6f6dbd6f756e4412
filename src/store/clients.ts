/** Who is activated by what: clients of each KMS host, and of each activation object of Active Directory. Reads only. */
import { type RawBuilder, sql } from 'kysely'
import type { Application } from '../model.ts'
import { untilFactsChange } from './marks.ts'
import { inParts } from './parts.ts'
import type { Database } from './tables.ts'

/** Listed machines, each counted once, with the products that one host or one object activated. */
export type Clients = {
  readonly application: Application
  readonly machines: number
  /** All of these products are licensed. */
  readonly licensed: number
  /** One of them is in a grace period. */
  readonly inGrace: number
  /** One of them ends within the days that were asked for, or has ended. */
  readonly ending: number
  /** When one of them was last seen to be renewed (ms); null: never since they are kept here. */
  readonly lastRenewal: number | null
}
export type HostClients = Clients & { readonly host: string; readonly port: number | null }
export type ObjectClients = Clients & { readonly object: string }

const within = (now: number, days: number) => now + days * 86_400_000

/** Clients of each KMS host, as their products name it, by host, port and application. Counted anew when anything of the fleet is different. */
export function clientsByHost(database: Database, when: { readonly now: number; readonly days: number }): Promise<readonly HostClients[]> {
  return untilFactsChange(database, `clients ${within(when.now, when.days)}`, () => countClients(database, when))
}

async function countClients({ db }: Database, when: { readonly now: number; readonly days: number }): Promise<readonly HostClients[]> {
  const { rows } =
    await sql<HostClients>`select host, port, application, ${clients(['host', 'port', 'application'], sql`host`, within(when.now, when.days))}
    group by host, port, application order by host, port, application`.execute(db)
  return rows.map((r) => ({ ...r }))
}

/** Machines that each activation object activated, as their products name it, by object and application. */
export async function usersOfObjects(
  { db }: Database,
  when: { readonly now: number; readonly days: number },
): Promise<readonly ObjectClients[]> {
  const object = sql`activation_object`
  const { rows } =
    await sql<ObjectClients>`select activation_object as object, application, ${clients(['activation_object', 'application'], object, within(when.now, when.days))}
    group by activation_object, application order by activation_object, application`.execute(db)
  return rows.map((r) => ({ ...r }))
}

/** Machine by machine, then together. */
function clients(by: readonly string[], named: RawBuilder<unknown>, before: number): RawBuilder<unknown> {
  const columns = sql.join(by.map((name) => sql.ref(name)))
  const count = (column: string) => sql`cast(sum(${sql.ref(column)}) as bigint)`
  const any = (condition: RawBuilder<unknown>) => sql`max(case when ${condition} then 1 else 0 end)`
  return sql`count(*) as machines, ${count('licensed')} as licensed, ${count('grace')} as "inGrace", ${count('ending')} as ending,
    max(renewed) as "lastRenewal" from (
      select ${columns}, machine_id, min(case when state = 'licensed' then 1 else 0 end) as licensed,
        ${any(sql`state like '%-grace'`)} as grace, ${any(sql`expires_at < ${before}`)} as ending, max(renewed_at) as renewed
      from product where present = 1 and ${named} is not null group by ${columns}, machine_id
    ) as machines`
}

/** What one machine has to do with a KMS host, by one kind of product. */
export type HostUse = {
  readonly id: number
  readonly name: string
  readonly system: string | null
  readonly seenAt: number | null
  readonly application: Application
  /** Where the host's name comes from: one of its products says so. */
  readonly byHand: boolean
  readonly byDns: boolean
  /** The latest end of a product that is licensed; null: none is. */
  readonly licensedUntil: number | null
}

/** Every listed machine whose products name a host, under any of its names; add-ons are not looked at. Small rows, all at once. */
export async function usesOfHost({ db }: Database, names: readonly string[]): Promise<readonly HostUse[]> {
  if (names.length === 0) return []
  const rows = await db
    .selectFrom('product')
    .innerJoin('machine', 'machine.id', 'product.machine_id')
    .select(['machine.id', 'machine.name', 'machine.system', 'machine.seen_at', 'product.application'])
    .select((e) => [
      e.fn.max(e.case().when('host_found', '=', 'override').then(sql.lit(1)).else(sql.lit(0)).end()).as('by_hand'),
      e.fn.max(e.case().when('host_found', 'in', ['dns', 'cache']).then(sql.lit(1)).else(sql.lit(0)).end()).as('by_dns'),
      e.fn.max(e.case().when('state', '=', 'licensed').then(e.ref('expires_at')).else(sql.lit(null)).end()).as('until'),
    ])
    .where('present', '=', sql.lit(1))
    .where('host', 'is not', null)
    .where('add_on', '=', 0)
    .where(
      'host',
      'in',
      names.map((n) => n.toLowerCase().replace(/\.$/, '')),
    )
    .groupBy(['machine.id', 'machine.name', 'machine.system', 'machine.seen_at', 'product.application'])
    .orderBy('machine.id')
    .orderBy('product.application')
    .execute()
  return rows.map((r) => ({
    ...{ id: r.id, name: r.name, system: r.system, seenAt: r.seen_at, application: r.application as Application },
    ...{ byHand: r.by_hand === 1, byDns: r.by_dns === 1, licensedUntil: r.until === null ? null : Number(r.until) },
  }))
}

/** Machines that asked a host at the same time, as far as it is told apart; `at` null: it is not known when. */
export type HostAsks = { readonly application: Application; readonly at: number | null; readonly machines: number }

/**
 * When the machines that name a host asked it last (ms), counted: an activation holds so long (`validMs`) from then. What is not licensed,
 * or was not seen since `seenSince`, asked nobody knows when; those that asked after `toldSince` are told together, as if it were then.
 */
export async function asksOfHost(
  { db }: Database,
  names: readonly string[],
  when: { readonly validMs: number; readonly seenSince: number; readonly toldSince: number },
): Promise<readonly HostAsks[]> {
  if (names.length === 0) return []
  const ms = (n: number) => sql`cast(${n} as bigint)`
  const { rows } = await sql<{
    application: string
    at: number | null
    machines: number
  }>`select application, at, count(*) as machines from (
      select p.application, case when m.seen_at is null or m.seen_at < ${ms(when.seenSince)} or p.until is null then null
        when p.until - ${ms(when.validMs)} >= ${ms(when.toldSince)} then ${ms(when.toldSince)} else p.until - ${ms(when.validMs)} end as at
      from (
        select machine_id, application, max(case when state = 'licensed' then expires_at end) as until
        from product where present = 1 and add_on = 0 and host in (${sql.join(names)}) group by machine_id, application
      ) as p join machine m on m.id = p.machine_id
    ) as asked group by application, at order by application, at`.execute(db)
  return rows.map((r) => ({
    application: r.application as Application,
    at: r.at === null ? null : Number(r.at),
    machines: Number(r.machines),
  }))
}

/** Those of some machines whose products name a host; add-ons are not looked at. */
export async function namingHost({ db }: Database, names: readonly string[], machines: readonly number[]): Promise<ReadonlySet<number>> {
  const found = new Set<number>()
  if (names.length === 0) return found
  await inParts(machines, 1000, async (part) => {
    const rows = await db
      .selectFrom('product')
      .select('machine_id')
      .distinct()
      .where('machine_id', 'in', part)
      .where('present', '=', sql.lit(1))
      .where('add_on', '=', 0)
      .where('host', 'in', names)
      .execute()
    for (const { machine_id } of rows) found.add(machine_id)
  })
  return found
}
