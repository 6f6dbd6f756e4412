import { hostKeys } from '../catalogue.ts'
import type { HostRemark } from './judge.ts'
import type { KnownHost } from './known.ts'
import type { HostUsers } from './move.ts'
import type { HostSaid } from './said.ts'

/** Machines that ask a host, or are told to: by the name of their system, and those with an Office that asks it. */
export type Served = {
  /** `Microsoft Windows Server 2025 Standard` → machines. */
  readonly systems: ReadonlyMap<string, number>
  readonly office: number
  /** Whose word that is, for people: `the fleet`, `its log`. */
  readonly by: string
}

/** `Windows Server 2012 R2`, `Windows 11`: the release in the name of a system or product; null where it names none. */
export function releaseOf(system: string): string | null {
  const server = /Windows Server\S* (20\d\d(?: R2)?)\b/i.exec(system)?.[1]
  if (server) return `Windows Server ${server.toUpperCase()}`
  const client = /Windows (7|8\.1|8|10|11)\b/i.exec(system)?.[1]
  return client ? `Windows ${client}` : null
}

/** Whether a host key activates a release; null where the matrix does not know one of them. */
export function activates(hostKey: string, release: string): boolean | null {
  const row = hostKeys.find((k) => k.hostKey === hostKey)
  if (!row) return null
  const server = /^Windows Server (.*)$/.exec(release)?.[1]
  if (server) {
    const known = hostKeys.some((k) => (k.activatesServer as readonly string[]).includes(server))
    return known ? (row.activatesServer as readonly string[]).includes(server) : null
  }
  const of = (names: readonly string[]) => names.some((n) => n === release || n.startsWith(`${release} `))
  return hostKeys.some((k) => of(k.activatesClient)) ? of(row.activatesClient) : null
}

/** Releases among those served that none of a host's Windows keys activates, with the machines. */
export function tooOldFor(said: HostSaid, served: Served): readonly { readonly release: string; readonly machines: number }[] {
  const keys = said.groups.filter((g) => g.application === 'windows').map((g) => g.release)
  // A key whose release is not known may activate anything.
  if (keys.length === 0 || keys.includes(null)) return []
  const refused = new Map<string, number>()
  for (const [system, machines] of served.systems) {
    const release = releaseOf(system)
    if (release !== null && keys.every((k) => activates(k!, release) === false))
      refused.set(release, (refused.get(release) ?? 0) + machines)
  }
  return [...refused].map(([release, machines]) => ({ release, machines })).sort((a, b) => b.machines - a.machines)
}

/** What does not fit between a host and the machines that ask it. */
export function aboutServed(said: HostSaid, served: Served): HostRemark[] {
  const remarks: HostRemark[] = []
  const count = (n: number) => `${n} ${n === 1 ? 'machine' : 'machines'}`
  for (const { release, machines } of tooOldFor(said, served)) {
    const key = said.groups.find((g) => g.application === 'windows')!.release!
    const newer = hostKeys.findLast((k) => activates(k.hostKey, release) === true)
    remarks.push({
      severity: 'attention',
      summary: `Too old for ${count(machines)} with ${release} that ask it (by ${served.by}): a host key of ${key} does not activate them.`,
      next: newer ? [`Install a host key of ${newer.hostKey} or newer; it may be on ${newer.hostableOn.join(', ')}.`] : [],
    })
  }
  if (served.office > 0 && said.groups.length > 0 && !said.groups.some((g) => g.application === 'office'))
    remarks.push({
      severity: 'attention',
      summary: `${count(served.office)} with a volume Office ask it (by ${served.by}), but it has no host key for Office: it activates none of them.`,
      next: ['Install the volume licence pack of that Office on it, with your KMS host key for Office, or lead them to another host.'],
    })
  return remarks
}

/** What the fleet's use of a host makes remarkable, where it stands alone or is published in vain. `alive`: it answers, or says that it is in order. */
export function aboutUse(
  host: Pick<KnownHost, 'name' | 'publishedBy'>,
  users: Pick<HostUsers, 'machines' | 'pinned' | 'cached'>,
  alive: boolean,
): HostRemark[] {
  const published = host.publishedBy.length > 0
  const count = (n: number) => `${n} ${n === 1 ? 'machine' : 'machines'}`
  if (alive && !published && users.machines === 0)
    return [
      {
        severity: 'attention',
        summary: 'It is alive, but DNS does not publish it, and no machine of the fleet names it: nobody uses it.',
        next: ['Publish it (slmgr /sdns on the host), or take it out of service.'],
      },
    ]
  if (!alive && users.machines > 0)
    return [
      {
        severity: 'info',
        summary: `${count(users.machines)} of the fleet name it: on ${users.pinned} it is set by hand, ${users.cached} found it in DNS.`,
        next: [`slmctl fleet list --host ${host.name}`],
      },
    ]
  return []
}
