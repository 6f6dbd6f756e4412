/** What machines said, or why they could not be asked: compared with what is known, and only the changes are kept. Writes `problem_past`. */
import type { Kysely } from 'kysely'
import type { MachineReading, Problem, Product } from '../model.ts'
import { ownId, type Replaced, whose } from './boards.ts'
import { causeIds, causeKey } from './causes.ts'
import { type NewChange, noteChanges } from './changes.ts'
import { type Kind, kindIds, kindText } from './kinds.ts'
import { machinesToObserve, setMachine, touchMachines } from './machines.ts'
import { factsChanged } from './marks.ts'
import { kept, plain, systemText } from './parts.ts'
import { ProductChanges, productsOf, traitsOf } from './products.ts'
import { type RemarkTexts, remarkIds, remarkOf, remarkText } from './remarks.ts'
import type { Database, Tables } from './tables.ts'

/** A machine's answer. */
export type Answered = {
  readonly machine: number
  /** When it was asked, ms. */
  readonly at: number
  /** False: read from a recording, and an older one than what is known changes nothing. An answer of this moment always counts. */
  readonly live: boolean
  readonly reading: Pick<MachineReading, 'verdict' | 'origin' | 'headline' | 'next' | 'system'>
  readonly products: readonly Product[]
  /** It was asked for all of its products, and answered: what is not among them is gone. */
  readonly whole: boolean
  /** The board's UUID, where it was asked for. */
  readonly uuid: string | null
  /** What it tells a KMS host that it is, where it was asked for. */
  readonly cmid?: string | null
}
/** A machine that could not be asked. What it said before stays as it was. */
export type Unanswered = { readonly machine: number; readonly at: number; readonly problem: Problem }
export type Observation = Answered | Unanswered

export type Observed = {
  readonly same: number
  readonly changed: number
  readonly unanswered: number
  readonly older: number
  readonly unknown: number
  /** Machines without a GUID that answered on another board: the old ones have vanished, and what was said belongs to the new ones. */
  readonly replaced: readonly Replaced[]
}
type Sums = Omit<Observed, 'replaced'>

/** Machines in one transaction: enough to share its flush, few enough that nobody waits long for it. */
const together = 250

/** Keeps what machines said. May be repeated: the same again changes nothing. */
export async function observe(database: Database, list: readonly Observation[]): Promise<Observed> {
  const sum = { same: 0, changed: 0, unanswered: 0, older: 0, unknown: 0 }
  const { of, replaced } = await whose(database, list.filter(answered))
  for (const part of parts(list.map((o) => (answered(o) && of.has(o) ? { ...o, machine: of.get(o)! } : o)))) {
    const causes = await causeIds(database, causesOf(part))
    const systems = await systemsOf(database, part)
    const kinds = await kindIds(database, kindsOf(part, systems))
    const remarks = await remarkIds(database, remarksOf(part))
    const done = await database.write((db) => keep(database, db, part, { causes, kinds, remarks, systems }))
    for (const key of Object.keys(sum) as (keyof Sums)[]) sum[key] += done[key]
  }
  return { ...sum, replaced }
}

const answered = (o: Observation): o is Answered => 'products' in o

/** Parts in which each machine is once, in the order of what was said; sorted, so that two processes do not wait crosswise. */
function* parts(list: readonly Observation[]): Generator<Observation[]> {
  let part = new Map<number, Observation>()
  const sorted = () => [...part.values()].sort((a, b) => a.machine - b.machine)
  for (const o of list) {
    if (part.has(o.machine) || part.size >= together) {
      yield sorted()
      part = new Map()
    }
    part.set(o.machine, o)
  }
  if (part.size > 0) yield sorted()
}

function causesOf(list: readonly Observation[]) {
  const causes = new Map<string, { text: string; next: readonly string[] }>()
  for (const o of list) {
    if (!answered(o)) continue
    for (const { cause, next } of o.products) {
      if (cause === null) continue
      const key = causeKey(cause)
      if (!causes.has(key)) causes.set(key, { text: cause, next })
    }
  }
  return causes
}

/** The systems of machines; one that does not say it now has the one that it said before. */
async function systemsOf({ db }: Database, list: readonly Observation[]): Promise<Systems> {
  const systems = new Map<number, string | null>()
  const untold: number[] = []
  for (const o of list) {
    if (!answered(o)) continue
    if (o.reading.system === null) untold.push(o.machine)
    else systems.set(o.machine, systemText(o.reading.system))
  }
  if (untold.length === 0) return systems
  for (const m of await db.selectFrom('machine').select(['id', 'system']).where('id', 'in', untold).execute()) systems.set(m.id, m.system)
  return systems
}

function kindsOf(list: readonly Observation[], systems: Systems): ReadonlyMap<string, Kind> {
  const kinds = new Map<string, Kind>()
  for (const o of list) {
    if (!answered(o)) continue
    const system = systems.get(o.machine) ?? null
    for (const p of o.products) {
      const traits = traitsOf(p)
      const text = kindText(traits, system)
      if (!kinds.has(text)) kinds.set(text, { ...traits, system })
    }
  }
  return kinds
}

function remarksOf(list: readonly Observation[]): ReadonlyMap<string, RemarkTexts> {
  const remarks = new Map<string, RemarkTexts>()
  for (const o of list) {
    if (!answered(o)) continue
    for (const p of o.products) {
      const remark = remarkOf(p)
      if (remark) remarks.set(remarkText(remark), remark)
    }
  }
  return remarks
}

type Systems = ReadonlyMap<number, string | null>
type Ids = {
  readonly causes: ReadonlyMap<string, number>
  readonly kinds: ReadonlyMap<string, number>
  readonly remarks: ReadonlyMap<string, number>
  readonly systems: Systems
}
type Before = Awaited<ReturnType<typeof machinesToObserve>>[number]

async function keep(
  database: Database,
  db: Kysely<Tables>,
  list: readonly Observation[],
  { causes, kinds, remarks, systems }: Ids,
): Promise<Sums> {
  const ids = list.map((o) => o.machine)
  const before = new Map((await machinesToObserve(database, db, ids)).map((m) => [m.id, m]))
  const known = await productsOf(db, ids)
  const products = new ProductChanges()
  const news: NewChange[] = []
  const touched: { id: number; at: number }[] = []
  const sum = { same: 0, changed: 0, unanswered: 0, older: 0, unknown: 0 }
  for (const o of list) {
    const machine = before.get(o.machine)
    if (!machine) {
      sum.unknown++
      continue
    }
    if (!answered(o)) {
      await keepProblem(db, machine, o)
      // Who never answered has not fallen silent.
      if (machine.problem_code === null && machine.seen_at !== null && machine.vanished_at === null)
        news.push({ at: o.at, machine_id: o.machine, kind: 'silent', product: null, was: null, now: o.problem.code })
      sum.unanswered++
      continue
    }
    if (!o.live && machine.seen_at !== null && o.at < machine.seen_at) {
      sum.older++
      continue
    }
    const listed = machine.vanished_at === null
    const system = systems.get(o.machine) ?? null
    const context = { at: o.at, whole: o.whole, listed, causes, kinds, remarks, system }
    const { differs, endsAt } = products.compare(o.machine, known.get(o.machine) ?? new Map(), o.products, context)
    if (machine.problem_code !== null && listed)
      news.push({ at: o.at, machine_id: o.machine, kind: 'answered', product: null, was: machine.problem_code, now: null })
    const set = changed(machine, o, endsAt)
    sum[differs || set !== null ? 'changed' : 'same']++
    if (set === null) {
      touched.push({ id: o.machine, at: o.at })
      continue
    }
    await endProblem(db, machine, o.at)
    await setMachine(db, o.machine, set)
  }
  await products.write(db)
  if (touched.length > 0) await touchMachines(db, touched)
  await noteChanges(db, news)
  if (sum.changed + sum.unanswered > 0) await factsChanged(db)
  return sum
}

/** What of the machine's own row changes beside the time; null: nothing. */
function changed(before: Before, { at, reading, uuid, cmid }: Answered, endsAt: number | null) {
  const set = kept({
    verdict: reading.verdict,
    origin: reading.origin,
    headline: reading.headline,
    next: JSON.stringify(reading.next),
    system: systemText(reading.system) ?? before.system,
    ends_at: endsAt,
    uuid: ownId(uuid) ?? before.uuid,
    cmid: ownId(cmid) ?? before.cmid,
    problem_code: null,
  })
  if ((Object.keys(set) as (keyof typeof set)[]).every((column) => set[column] === before[column])) return null
  return { ...set, seen_at: at, asked_at: at, problem_summary: null, problem_next: null, problem_since: null, problem_count: 0 }
}

async function keepProblem(db: Kysely<Tables>, before: Before, { machine, at, problem }: Unanswered): Promise<void> {
  const code = plain(problem.code)
  // Said again about the same try: nothing is counted twice.
  const again = before.problem_code === code && before.asked_at === at
  const same = before.problem_code === code
  if (!same) await endProblem(db, before, at)
  await setMachine(db, machine, {
    asked_at: at,
    problem_code: code,
    problem_summary: problem.summary,
    problem_next: JSON.stringify(problem.next),
    problem_since: same ? before.problem_since : at,
    problem_count: same ? before.problem_count + (again ? 0 : 1) : 1,
  })
}

/** A problem that is over becomes history. */
async function endProblem(db: Kysely<Tables>, before: Before, at: number): Promise<void> {
  if (before.problem_code === null || before.problem_since === null) return
  await db
    .insertInto('problem_past')
    .values({
      machine_id: before.id,
      code: before.problem_code,
      summary: before.problem_summary ?? '',
      from_at: before.problem_since,
      until_at: Math.max(at, before.problem_since),
      count: before.problem_count,
    })
    .execute()
}
