/** What was planned for machines, and what came of it, step by step. Writes `plan`, `outcome` and `outcome_step`. */
import { type Selectable, sql } from 'kysely'
import type { MachinePlan, Problem, Step, Verdict } from '../model.ts'
import { keyOf, type Page, type PageWish, problemOf, problemText, sizeOf } from './list.ts'
import { inParts, pageKey } from './parts.ts'
import type { Database, Tables } from './tables.ts'

/** `key` is the caller's own name for it, the same at every try: what is kept already is not kept twice. */
export type NewPlan = {
  readonly key: string
  readonly machine: number
  readonly campaign: number | null
  readonly at: number
  readonly plan: MachinePlan
}
export type KeptPlan = NewPlan & { readonly id: number }

export type StepDone = { readonly step: Step; readonly result: string; readonly returnValue: number | null; readonly because: string }
export type NewOutcome = {
  readonly key: string
  readonly machine: number
  readonly campaign: number | null
  /** The plan's key. */
  readonly plan: string | null
  readonly beganAt: number
  readonly endedAt: number
  /** The engine's word for how it ended. */
  readonly result: string
  readonly problem: Problem | null
  /** What the machine was judged to be afterwards; null where it could not be asked. */
  readonly verdict: Verdict | null
  readonly steps: readonly StepDone[]
}
export type KeptOutcome = NewOutcome & { readonly id: number; readonly name: string }

/** Keeps plans. */
export function savePlans(database: Database, plans: readonly NewPlan[]): Promise<void> {
  return database.write((db) =>
    inParts(plans, 200, (part) =>
      db
        .insertInto('plan')
        .values(
          part.map(({ key, machine, campaign, at, plan }) => ({
            key,
            machine_id: machine,
            campaign_id: campaign,
            made_at: at,
            fingerprint: plan.fingerprint,
            steps: plan.steps.length,
            refused: plan.refused.length,
            body: JSON.stringify(plan),
          })),
        )
        .onConflict((c) => c.column('key').doNothing())
        .execute(),
    ),
  )
}

/** Plans of a machine, newest first. */
export async function plansFor({ db }: Database, machine: number, limit: number): Promise<readonly KeptPlan[]> {
  const rows = await db
    .selectFrom('plan')
    .selectAll()
    .where('machine_id', '=', machine)
    .orderBy('made_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(keptPlan)
}

/** What a campaign planned for a machine, the last time; null: nothing. */
export async function planOf({ db }: Database, campaign: number, machine: number): Promise<KeptPlan | null> {
  const row = await db
    .selectFrom('plan')
    .selectAll()
    .where('campaign_id', '=', campaign)
    .where('machine_id', '=', machine)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ? keptPlan(row) : null
}

export type PlanLine = { readonly machine: number; readonly name: string; readonly madeAt: number; readonly plan: MachinePlan }

/** What a campaign planned, each machine's last plan: those with steps first, each part by machine id. */
export async function plansOf({ db }: Database, campaign: number, wish: PageWish): Promise<Page<PlanLine>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['number', 'number'])
  const rows: (PlanLine & { readonly part: number })[] = []
  for (let part = after ? (after[0] as number) : 0; part < 2 && rows.length <= limit; part++) {
    let query = db
      .selectFrom('plan as p')
      .innerJoin('machine', 'machine.id', 'p.machine_id')
      .select(['p.machine_id', 'machine.name', 'p.made_at', 'p.body'])
      .where('p.campaign_id', '=', campaign)
      .where('p.steps', part === 0 ? '>' : '=', sql.lit(0))
      .where((e) =>
        e.not(
          e.exists(
            e
              .selectFrom('plan as later')
              .select('later.id')
              .where('later.campaign_id', '=', campaign)
              .whereRef('later.machine_id', '=', 'p.machine_id')
              .whereRef('later.id', '>', 'p.id'),
          ),
        ),
      )
    if (after && part === after[0]) query = query.where('p.machine_id', '>', after[1] as number)
    const found = await query
      .orderBy('p.machine_id')
      .limit(limit + 1 - rows.length)
      .execute()
    for (const r of found)
      rows.push({ machine: r.machine_id, name: r.name, madeAt: r.made_at, plan: JSON.parse(r.body) as MachinePlan, part })
  }
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { rows: page.map(({ part: _, ...r }) => r), next: rows.length > limit && last ? pageKey([last.part, last.machine]) : null }
}

function keptPlan(r: Selectable<Tables['plan']>): KeptPlan {
  return {
    id: r.id,
    key: r.key,
    machine: r.machine_id,
    campaign: r.campaign_id,
    at: r.made_at,
    plan: JSON.parse(r.body) as MachinePlan,
  }
}

/** Keeps what came of a plan, with its steps: all of it or nothing. */
export function saveOutcome(database: Database, o: NewOutcome): Promise<void> {
  return database.write(async (db) => {
    const plan = o.plan === null ? undefined : await db.selectFrom('plan').select('id').where('key', '=', o.plan).executeTakeFirst()
    const kept = await db
      .insertInto('outcome')
      .values({
        key: o.key,
        machine_id: o.machine,
        campaign_id: o.campaign,
        plan_id: plan?.id ?? null,
        began_at: o.beganAt,
        ended_at: o.endedAt,
        result: o.result,
        problem: problemText(o.problem),
        verdict: o.verdict,
      })
      .onConflict((c) => c.column('key').doNothing())
      .returning('id')
      .executeTakeFirst()
    if (!kept) return
    await inParts(o.steps, 200, (part) =>
      db
        .insertInto('outcome_step')
        .values(
          part.map((s) => ({
            outcome_id: kept.id,
            position: o.steps.indexOf(s),
            change: s.step.change,
            what: s.step.what,
            product: s.step.product,
            method: s.step.method,
            result: s.result,
            return_value: s.returnValue,
            because: s.because,
            body: JSON.stringify(s.step),
          })),
        )
        .execute(),
    )
  })
}

/** Outcomes of a machine or a campaign, newest first, with their steps. */
export async function outcomes(
  { db }: Database,
  of: { readonly machine: number } | { readonly campaign: number },
  wish: PageWish,
): Promise<Page<KeptOutcome>> {
  const limit = sizeOf(wish)
  const after = keyOf(wish.after, ['number'])
  let query = db
    .selectFrom('outcome')
    .innerJoin('machine', 'machine.id', 'outcome.machine_id')
    .leftJoin('plan', 'plan.id', 'outcome.plan_id')
    .selectAll('outcome')
    .select(['machine.name', 'plan.key as plan_key'])
  query = 'machine' in of ? query.where('outcome.machine_id', '=', of.machine) : query.where('outcome.campaign_id', '=', of.campaign)
  if (after) query = query.where('outcome.id', '<', after[0] as number)
  const rows = await query
    .orderBy('outcome.id', 'desc')
    .limit(limit + 1)
    .execute()
  const page = rows.slice(0, limit)
  const steps =
    page.length === 0
      ? []
      : await db
          .selectFrom('outcome_step')
          .selectAll()
          .where(
            'outcome_id',
            'in',
            page.map((o) => o.id),
          )
          .orderBy('outcome_id')
          .orderBy('position')
          .execute()
  return {
    rows: page.map((r) => ({
      id: r.id,
      key: r.key,
      machine: r.machine_id,
      name: r.name,
      campaign: r.campaign_id,
      plan: r.plan_key,
      beganAt: r.began_at,
      endedAt: r.ended_at,
      result: r.result,
      problem: problemOf(r.problem),
      verdict: r.verdict as Verdict | null,
      steps: steps
        .filter((s) => s.outcome_id === r.id)
        .map((s) => ({ step: JSON.parse(s.body) as Step, result: s.result, returnValue: s.return_value, because: s.because })),
    })),
    next: rows.length > limit ? pageKey([page.at(-1)!.id]) : null,
  }
}
