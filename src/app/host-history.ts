/** One KMS host over time, out of what is kept: what its checks said, what it counted, what is to be expected. */
import { canonicalHost } from '../addresses.ts'
import { forecastOf, type GroupForecast, type HostGroup } from '../hosts.ts'
import { ProblemError, problem, type Site } from '../model.ts'
import type { HostHistory, KeptCheck, Store } from '../store.ts'
import { hostNames, lookedBackMs, pointsOf, sharedAt, usersOfHost } from './host-users.ts'
import { keptHosts, type SeenGroup, type SeenHost } from './kept-hosts.ts'

/** A host with what its checks said over time, what is to be expected of it, and who of its clients shares a CMID. */
export type SeenHostHistory = {
  readonly host: SeenHost
  readonly checks: readonly Omit<KeptCheck, 'host' | 'told'>[]
  readonly counts: HostHistory['counts']
  readonly forecast: readonly GroupForecast[]
  readonly duplicates: readonly {
    readonly cmid: string
    /** All of them; of the machines at most 50 are named. */
    readonly count: number
    readonly pool: string | null
    readonly machines: readonly { readonly id: number; readonly name: string }[]
  }[]
}

/** One host over the last 180 days. Throws HOST_UNKNOWN where no host of that name and port is kept, named or used. */
export async function hostHistoryOf(store: Store, site: Site | null, name: string, port: number, now: number): Promise<SeenHostHistory> {
  const wanted = canonicalHost(name)
  const host = (await keptHosts(store, site, now)).find((h) => canonicalHost(h.name) === wanted && h.port === port)
  if (!host)
    throw new ProblemError(
      problem('HOST_UNKNOWN', `No KMS host called ${name.slice(0, 80)} is known at port ${port}.`, [
        'slmctl fleet hosts lists those that are.',
        'slmctl hosts check looks for those of the site file and of DNS.',
      ]),
    )
  const names = hostNames({ name: host.name, standing: { addresses: host.ports.map((p) => p.address) } })
  const [{ checks, counts }, of, shared] = await Promise.all([
    store.hostHistory(host.name, port, now - lookedBackMs),
    usersOfHost(store, names, now),
    sharedAt(store, names),
  ])
  const points = pointsOf(counts)
  return {
    host,
    checks: checks.map(({ host: _, told: __, ...check }) => check),
    counts,
    forecast: host.groups.map((g) => {
      const users = g.application === 'other' ? null : of[g.application]
      return forecastOf(asGroup(g), {
        ...{ history: points.get(`${g.application} ${g.key}`) ?? [], retire: null, now },
        users: users && users.machines.length > 0 ? users : null,
      })
    }),
    duplicates: shared.map(({ cmid, count, pool, machines }) => ({
      ...{ cmid, count, pool },
      machines: machines.map((m) => ({ id: m.id, name: m.name })),
    })),
  }
}

/** A key as a check has it, for what is to be expected of it; what is not kept of it, a forecast does not look at. */
const asGroup = ({ key: _, at: __, state, ...g }: SeenGroup): HostGroup => ({
  ...g,
  ...{ state: state ?? 'unknown', byState: {}, lacks: [], verdict: 'cannot-tell', cause: null, next: [] },
})
