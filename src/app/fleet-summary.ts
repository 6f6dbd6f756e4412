/** A fleet, or a part of it, in numbers. */
import type { Origin, Verdict } from '../model.ts'
import type { CauseGroup, Counts, Filter, MachineGroup, Store } from '../store.ts'

/** Products and pools are counted of the whole fleet only. */
export type FleetCounts = Pick<Counts, 'machines' | 'verdict' | 'origin' | 'problem'> & Partial<Pick<Counts, 'products' | 'pools'>>

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
  if (filter === null)
    return { counts: await store.counts(), stale: (await silent(store, now, staleDays)).stale, causes: await store.causes(causesMax) }
  const [groups, by, known, vanished] = await Promise.all([
    store.countedBy(filter, now - staleDays * 86_400_000),
    store.causesBy(filter),
    store.causes(causesMax),
    store.count({ ...filter, vanished: 'only' }),
  ])
  const sum = (fits: (group: MachineGroup) => boolean) => groups.reduce((n, group) => (fits(group) ? n + group.count : n), 0)
  const causes = known.flatMap((cause): CauseGroup[] => {
    const machines = cause.cause === null ? sum((g) => g.problem === cause.problem) : (by.get(cause.cause) ?? 0)
    return machines > 0 ? [{ ...cause, machines }] : []
  })
  causes.sort((a, b) => b.machines - a.machines)
  return { counts: countsOf(groups, vanished), stale: sum((g) => g.stale), causes }
}

/** Listed machines that never answered, and those that did once and not in so many days: what the filters of the same name count, by an index alone. */
export async function silent(store: Store, now: number, days: number): Promise<{ readonly never: number; readonly stale: number }> {
  const listed = await store.count({})
  const never = await store.count({ seenBefore: 0 })
  const [within] = await store.ages(now, [days * 86_400_000])
  return { never, stale: listed - never - within! }
}

function countsOf(groups: readonly MachineGroup[], vanished: number): FleetCounts {
  const sum = (fits: (group: MachineGroup) => boolean) => groups.reduce((n, group) => (fits(group) ? n + group.count : n), 0)
  const by = <K extends string>(keys: Iterable<K>, of: (group: MachineGroup) => string | null): Partial<Record<K, number>> => {
    const counted: Partial<Record<K, number>> = {}
    for (const key of keys) {
      const n = sum((g) => of(g) === key)
      if (n > 0) counted[key] = n
    }
    return counted
  }
  const problems = new Set(groups.flatMap((g) => (g.problem === null ? [] : [g.problem])))
  return {
    machines: {
      listed: sum(() => true),
      vanished,
      never: sum((g) => g.verdict === null),
      unasked: sum((g) => g.problem !== null),
    },
    verdict: by(verdicts, (g) => g.verdict),
    origin: by(origins, (g) => g.origin),
    problem: by([...problems].sort(), (g) => g.problem) as Readonly<Record<string, number>>,
  }
}
