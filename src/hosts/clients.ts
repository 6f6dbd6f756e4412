import type { EventFacts } from '../activation.ts'
import { productOfActivationId } from '../catalogue.ts'
import type { Users } from './forecast.ts'

/** What a machine asked a host, by the host's log: one for each CMID and kind of product. */
export type SeenClient = {
  readonly clientMachineId: string
  readonly application: 'windows' | 'office'
  readonly names: readonly string[]
  /** ms. */
  readonly last: number | null
  readonly requests: number
}

const plain = (name: string) => name.toLowerCase().replace(/\.$/, '')

/** Whether a name in a log means a machine: whole, or the first label of either. */
export function meansMachine(logged: string, wanted: string): boolean {
  const [a, b] = [plain(logged), plain(wanted)]
  return a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`)
}

/** Everybody who asked, by the host's log. */
export function seenClients(events: readonly EventFacts[]): readonly SeenClient[] {
  const seen = new Map<
    string,
    { id: string; application: SeenClient['application']; names: Set<string>; last: number | null; requests: number }
  >()
  for (const e of events) {
    if (e.clientMachineId === null) continue
    const product = e.activationId === null ? null : productOfActivationId(e.activationId)
    const application = /office|visio|project/i.test(product?.product ?? '') ? 'office' : 'windows'
    const key = `${application} ${e.clientMachineId}`
    const one = seen.get(key) ?? { id: e.clientMachineId, application, names: new Set(), last: null, requests: 0 }
    seen.set(key, one)
    if (e.client !== null) one.names.add(plain(e.client))
    const at = e.time === null ? Number.NaN : Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(e.time) ? e.time : `${e.time}Z`)
    if (!Number.isNaN(at) && (one.last === null || at > one.last)) one.last = at
    one.requests++
  }
  return [...seen.values()].map(({ id, names, ...c }) => ({ ...c, clientMachineId: id, names: [...names].sort() }))
}

/** The users of a host for one kind of product, by its log; `days`: how far the log reaches back, at most as far as it was read. */
export function usersByLog(clients: readonly SeenClient[], application: string, days: number): Users {
  return { from: 'log', days, machines: clients.filter((c) => c.application === application).map((c) => c.last) }
}

/** Machines that came with several CMIDs: machines of a non-persistent pool do, and one that was installed anew. */
export function changingClients(clients: readonly SeenClient[]): readonly { readonly client: string; readonly clientMachineIds: number }[] {
  const ids = new Map<string, Set<string>>()
  for (const c of clients) for (const name of c.names) ids.set(name, (ids.get(name) ?? new Set()).add(c.clientMachineId))
  return [...ids]
    .filter(([, of]) => of.size > 1)
    .map(([client, of]) => ({ client, clientMachineIds: of.size }))
    .sort((a, b) => b.clientMachineIds - a.clientMachineIds || (a.client < b.client ? -1 : 1))
}
