/** A fleet, or a part of it, in numbers. */
import type { Origin, Verdict } from '../model.ts'
import type { CauseGroup, Counts, Filter, Store } from '../store.ts'

export type FleetCounts = Pick<Counts, 'machines' | 'verdict' | 'origin' | 'problem'>

export type FleetSummary = {
  readonly counts: FleetCounts
  /** Machines that answered once, and not for `staleDays` now: what is counted of them is as of then. */
  readonly stale: number
  readonly causes: readonly CauseGroup[]
}

export const staleDays = 30
/** Far more than a fleet has; a part of it is looked up cause by cause among these of the whole. */
const causesMax = 1000

const verdicts = ['ok', 'attention', 'action', 'cannot-tell'] as const satisfies readonly Verdict[]
const origins = ['own', 'platform', 'vendor', 'cannot-tell', 'suspect', 'foreign'] as const satisfies readonly Origin[]

/** Counts, and what keeps machines from being in order, most machines first; of the machines of a filter, or of all (null). */
export async function summaryOf(store: Store, filter: Filter | null, now: number): Promise<FleetSummary> {
  const before = now - staleDays * 86_400_000
  const whole = filter ?? {}
  const all = await store.counts()
  if (filter === null) return { counts: all, stale: (await silent(store, now, staleDays)).stale, causes: await store.causes(causesMax) }
  const unseen = await store.count({ ...whole, seenBefore: Math.min(before, whole.seenBefore ?? before) })
  const stale = unseen - (await store.count({ ...whole, seenBefore: 0 }))
  const causes: CauseGroup[] = []
  for (const group of await store.causes(causesMax)) {
    const own = group.cause === null ? { problem: group.problem! } : { cause: group.cause }
    const clash = Object.entries(own).some(([key, value]) => ![undefined, '*', value].includes(filter[key as 'cause' | 'problem']))
    const machines = clash ? 0 : await store.count({ ...filter, ...own })
    if (machines > 0) causes.push({ ...group, machines })
  }
  causes.sort((a, b) => b.machines - a.machines)
  return { counts: await countsOf(store, filter, all.problem), stale, causes }
}

/** Listed machines that never answered, and those that did once and not in so many days: what the filters of the same name count, by an index alone. */
export async function silent(store: Store, now: number, days: number): Promise<{ readonly never: number; readonly stale: number }> {
  const listed = await store.count({})
  const never = await store.count({ seenBefore: 0 })
  const [within] = await store.ages(now, [days * 86_400_000])
  return { never, stale: listed - never - within! }
}

async function countsOf(store: Store, filter: Filter, problems: Readonly<Record<string, number>>): Promise<FleetCounts> {
  const by = async <K extends string>(keys: readonly K[], narrowed: (key: K) => Filter): Promise<Record<string, number>> => {
    const counted: Record<string, number> = {}
    for (const key of keys) {
      const n = await store.count({ ...filter, ...narrowed(key) })
      if (n > 0) counted[key] = n
    }
    return counted
  }
  const of = <T>(given: readonly T[] | undefined, known: readonly T[]) => known.filter((one) => given?.includes(one) ?? true)
  const problem = await by(
    Object.keys(problems).filter((code) => [undefined, '*', code].includes(filter.problem)),
    (code) => ({ problem: code }),
  )
  const verdict = await by(of(filter.verdict, verdicts), (v) => ({ verdict: [v] }))
  const listed = await store.count(filter)
  return {
    machines: {
      listed,
      vanished: await store.count({ ...filter, vanished: 'only' }),
      never: listed - Object.values(verdict).reduce((sum, n) => sum + n, 0),
      unasked: Object.values(problem).reduce((sum, n) => sum + n, 0),
    },
    verdict,
    origin: await by(of(filter.origin, origins), (o) => ({ origin: [o] })),
    problem,
  }
}
