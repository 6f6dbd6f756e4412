import { hash } from 'node:crypto'
import { guidOf } from '../chance.ts'
import { activationObjectPid, activationObjects } from '../machine.ts'
import { type Entry, lot, type Place, placeOf, places } from '../roster.ts'
import { licence } from '../scenarios/products.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import { type System, systems } from '../scenarios/systems.ts'
import { scenarios } from '../scenarios/table.ts'

export type Values = readonly (string | Buffer)[]
/** One entry. Its values are worked out when they are wanted: most entries are only passed over. */
export type Leaf = {
  readonly dn: string
  /** By the name in lower case. */
  readonly get: (name: string) => Values | undefined
  /** Names as the schema spells them. */
  readonly names: () => readonly string[]
}

/** What a domain controller of one domain of the lab holds. Entries have an order; each is put together when it is asked for. */
export type Tree = {
  readonly domain: string
  readonly dn: string
  /** Full name of the domain controller. */
  readonly server: string
  readonly size: number
  readonly at: (index: number) => Leaf
  /** The place of an entry that has this distinguished name; -1 where there is none. */
  readonly find: (dn: string) => number
  readonly rootDse: () => Leaf
  /** Distinguished names of all groups that a group is in, itself among them, in lower case. */
  readonly groupsAbove: (dn: string) => readonly string[]
}

export type Planting = {
  readonly domain: string
  readonly seed: string
  readonly machines: readonly Entry[]
  /** Name of the activation object; null where the forest has none. */
  readonly activationObject: string | null
  readonly clock: () => number
}

const dayMs = 86_400_000
/** [MS-ADTS] 2.2.16 userAccountControl: a workstation or server account; switched off. */
const workstation = 4096
const disabled = 2
/** [MS-SAMR] 2.2.1.9: members of the domain are its Domain Computers. */
const domainComputers = 515
/** Of a hundred computers so many exist in the directory alone: they were taken away, and nobody removed the account. */
const goneShare = 0.02

/** Distinguished names are compared without regard to case and to spaces after commas. */
export const sameDn = (dn: string): string =>
  dn
    .toLowerCase()
    .replace(/\s*,\s*/g, ',')
    .trim()
const dnOf = (domain: string) =>
  domain
    .split('.')
    .map((d) => `DC=${d}`)
    .join(',')

/** [MS-DTYP] 2.3.4.2: a GUID in bytes, the first three parts little-endian. */
export function guidBytes(text: string): Buffer {
  const hex = text.replaceAll('-', '')
  const turned = (from: number, to: number) => Buffer.from(hex.slice(from, to), 'hex').reverse()
  return Buffer.concat([turned(0, 8), turned(8, 12), turned(12, 16), Buffer.from(hex.slice(16), 'hex')])
}

/** [MS-DTYP] 2.4.2.2: S-1-5-21, three numbers of the domain, and one of the account. */
function sidBytes(domain: string, rid: number): Buffer {
  const sid = Buffer.alloc(28)
  sid.set([1, 5, 0, 0, 0, 0, 0, 5])
  sid.writeUInt32LE(21, 8)
  hash('sha256', `slmctl lab domain ${domain}`, 'buffer').copy(sid, 12, 0, 12)
  sid.writeUInt32LE(rid, 24)
  return sid
}

/** [MS-DTYP] 2.3.3: tenths of microseconds since 1601. */
export const fileTime = (ms: number): string => String(BigInt(Math.floor(ms) + 11_644_473_600_000) * 10_000n)
const generalized = (ms: number) => `${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}.0Z`

type Given = string | Buffer | Values | null
const listed = (value: Given): Values | undefined =>
  value === null ? undefined : Array.isArray(value) ? value : [value as string | Buffer]

function leaf(dn: string, attributes: Readonly<Record<string, Given | (() => Given)>>): Leaf {
  const valuesOf = (name: string) => {
    const value = attributes[name]!
    return listed(typeof value === 'function' ? value() : value)
  }
  const names = Object.keys(attributes)
  return {
    dn,
    get: (wanted) => {
      if (wanted === 'distinguishedname') return [dn]
      const name = names.find((n) => n.length === wanted.length && n.toLowerCase() === wanted)
      return name === undefined ? undefined : valuesOf(name)
    },
    names: () => [...names.filter((name) => valuesOf(name) !== undefined), 'distinguishedName'],
  }
}

const capital = (word: string) => word[0]!.toUpperCase() + word.slice(1)

export function plant({ domain, seed, machines, activationObject, clock }: Planting): Tree {
  const dn = dnOf(domain)
  const configuration = `CN=Configuration,${dn}`
  const server = `dc1.${domain}`
  const began = clock()
  const category = (name: string) => `CN=${name},CN=Schema,${configuration}`
  const placeNames = Object.keys(places) as Place[]
  const groupOf = (place: Place) => `CN=Computers ${capital(place)},OU=Groups,${dn}`
  const everyone = `CN=Managed Computers,OU=Groups,${dn}`
  const guid = (what: string) => guidBytes(guidOf(`${seed}/${domain}/${what}`))

  const container = (at: string, kind: 'organizationalUnit' | 'container' | 'domainDNS', name: string, schema: string): Leaf =>
    leaf(at, {
      objectClass: ['top', kind],
      objectCategory: category(schema),
      [kind === 'organizationalUnit' ? 'ou' : kind === 'container' ? 'cn' : 'dc']: name,
      name,
      objectGUID: guid(at),
      ...(kind === 'domainDNS' ? { objectSid: sidBytes(domain, 0).subarray(0, 24) } : {}),
      whenCreated: generalized(began - 2000 * dayMs),
    })
  const unit = (name: string, below = dn) => container(`OU=${name},${below}`, 'organizationalUnit', name, 'Organizational-Unit')
  const group = (at: string, rid: number, memberOf: Values = []): Leaf => {
    const cn = at.slice(3, at.indexOf(','))
    return leaf(at, {
      objectClass: ['top', 'group'],
      objectCategory: category('Group'),
      cn,
      name: cn,
      sAMAccountName: cn,
      objectGUID: guid(at),
      objectSid: sidBytes(domain, rid),
      memberOf: memberOf.length > 0 ? memberOf : null,
      whenCreated: generalized(began - 1900 * dayMs),
    })
  }

  const fixed: Leaf[] = [
    container(dn, 'domainDNS', domain.split('.')[0]!, 'Domain-DNS'),
    container(`CN=Computers,${dn}`, 'container', 'Computers', 'Container'),
    container(`CN=Users,${dn}`, 'container', 'Users', 'Container'),
    unit('Groups'),
    ...placeNames.flatMap((place) => {
      const name = capital(place)
      return [unit(name), unit('Clients', `OU=${name},${dn}`), unit('Servers', `OU=${name},${dn}`)]
    }),
    group(`CN=Domain Computers,CN=Users,${dn}`, domainComputers),
    group(everyone, 1100),
    ...placeNames.map((place, i) => group(groupOf(place), 1101 + i, [everyone])),
    ...configured(),
  ]

  /** The configuration of the forest, as far as activation looks at it. */
  function configured(): Leaf[] {
    const services = `CN=Services,${configuration}`
    const list = [
      container(configuration, 'container', 'Configuration', 'Configuration'),
      container(services, 'container', 'Services', 'Container'),
    ]
    if (activationObject === null) return list
    const store = activationObjects(domain)
    const host = licence(systems['server-2022-standard'], 'windows host server-2022')
    return [
      ...list,
      container(`CN=Microsoft SPP,${services}`, 'container', 'Microsoft SPP', 'Container'),
      container(store, 'container', 'Activation Objects', 'Container'),
      leaf(`CN=${activationObject},${store}`, {
        objectClass: ['top', 'msSPP-ActivationObject'],
        objectCategory: category('ms-SPP-Activation-Object'),
        cn: activationObject,
        name: activationObject,
        displayName: activationObject,
        objectGUID: guid('activation object'),
        'msSPP-CSVLKSkuId': guidBytes(host.activationId),
        'msSPP-CSVLKPid': activationObjectPid,
        whenCreated: generalized(began - 400 * dayMs),
      }),
    ]
  }

  // Who is in the domain, in the lab's order; and whom the directory alone still knows.
  const mine = machines.filter((m) => m.name.toLowerCase().endsWith(`.${domain}`) && (scenarios[m.scenario] as Scenario).domain !== null)
  const gone = mine.length === 0 ? 0 : Math.max(1, Math.round(mine.length * goneShare))
  const cluster = mine.length === 0 ? 0 : 1
  const goneName = (i: number) => `old-${String(i + 1).padStart(4, '0')}.${domain}`

  type Account = {
    readonly name: string
    readonly at: string
    readonly rid: number
    readonly system: System | null
    readonly lastSeenMs: () => number | null
    readonly control: number
    readonly groups: () => Values
    readonly spn?: Values
  }
  function account(a: Account): Leaf {
    const short = a.name.split('.')[0]!.toUpperCase()
    return leaf(a.at, {
      objectClass: ['top', 'person', 'organizationalPerson', 'user', 'computer'],
      objectCategory: category('Computer'),
      cn: short,
      name: short,
      sAMAccountName: `${short.slice(0, 15)}$`,
      dNSHostName: a.name,
      objectGUID: () => guidBytes(guidOf(`${seed}/${a.name.toLowerCase()}/account`)),
      objectSid: () => sidBytes(domain, a.rid),
      primaryGroupID: String(domainComputers),
      userAccountControl: String(a.control),
      operatingSystem: a.system?.caption.replace(/^Microsoft /, '').trim() ?? null,
      operatingSystemVersion: a.system ? `${a.system.version.split('.').slice(0, 2).join('.')} (${a.system.build})` : null,
      lastLogonTimestamp: () => {
        const ms = a.lastSeenMs()
        return ms === null ? null : fileTime(ms)
      },
      servicePrincipalName: a.spn ?? [`HOST/${short}`, `HOST/${a.name}`, `WSMAN/${short}`, `WSMAN/${a.name}`],
      memberOf: () => {
        const groups = a.groups()
        return groups.length > 0 ? groups : null
      },
      whenCreated: () => generalized(began - (100 + lot(seed, a.name, 'created') * 1500) * dayMs),
    })
  }
  /** In which unit a machine stands. Worked out once for each: every search looks at it. */
  const units = new Uint8Array(mine.length)
  mine.forEach((m, i) => {
    units[i] = placeNames.indexOf(placeOf(seed, m.name))
  })
  const unitNames = placeNames.map(capital)
  const dnOfMachine = (i: number) => {
    const { name, scenario } = mine[i]!
    const cn = name.slice(0, name.indexOf('.')).toUpperCase()
    const kind = systems[scenarios[scenario].system].productType === 1 ? 'Clients' : 'Servers'
    return `CN=${cn},OU=${kind},OU=${unitNames[units[i]!]},${dn}`
  }
  function computer(i: number): Leaf {
    const rid = 2000 + i
    if (i < mine.length) {
      const m = mine[i]!
      return account({
        name: m.name,
        at: dnOfMachine(i),
        rid,
        system: systems[scenarios[m.scenario].system],
        // The directory notes a logon when its last note is 9 to 14 days old.
        lastSeenMs: () => began - lot(seed, m.name, 'logon') * 13 * dayMs,
        control: workstation,
        groups: () => [groupOf(placeOf(seed, m.name))],
      })
    }
    const left = i - mine.length
    if (left < gone) {
      const name = goneName(left)
      const old = lot(seed, name, 'logon')
      return account({
        name,
        at: `CN=${name.split('.')[0]!.toUpperCase()},CN=Computers,${dn}`,
        rid,
        system: systems['win10-22h2-enterprise'],
        lastSeenMs: () => (old < 0.1 ? null : began - (90 + old * 900) * dayMs),
        control: workstation + (left % 2 === 0 ? disabled : 0),
        groups: () => [],
      })
    }
    const name = `cluster1.${domain}`
    const spn = ['MSClusterVirtualServer/CLUSTER1', `MSClusterVirtualServer/${name}`, 'HOST/CLUSTER1', `HOST/${name}`]
    return account({
      ...{ name, at: `CN=CLUSTER1,CN=Computers,${dn}`, rid, system: null, lastSeenMs: () => began - 3 * dayMs, control: workstation },
      ...{ groups: () => [], spn },
    })
  }

  const above = new Map<string, readonly string[]>([
    [sameDn(everyone), [sameDn(everyone)]],
    ...placeNames.map((place): [string, string[]] => [sameDn(groupOf(place)), [sameDn(groupOf(place)), sameDn(everyone)]]),
  ])
  /** Made when somebody asks by name. */
  let computers: Map<string, number> | null = null
  const size = fixed.length + mine.length + gone + cluster
  return {
    domain,
    dn,
    server,
    size,
    at: (index) => (index < fixed.length ? fixed[index]! : computer(index - fixed.length)),
    find: (wanted) => {
      const name = sameDn(wanted)
      const known = fixed.findIndex((entry) => sameDn(entry.dn) === name)
      if (known >= 0 || !name.startsWith('cn=')) return known
      if (computers === null) {
        computers = new Map(mine.map((_, i) => [sameDn(dnOfMachine(i)), fixed.length + i]))
        for (let i = mine.length; i < mine.length + gone + cluster; i++) computers.set(sameDn(computer(i).dn), fixed.length + i)
      }
      return computers.get(name) ?? -1
    },
    rootDse: () =>
      leaf('', {
        currentTime: generalized(clock()),
        defaultNamingContext: dn,
        rootDomainNamingContext: dn,
        configurationNamingContext: configuration,
        schemaNamingContext: `CN=Schema,${configuration}`,
        namingContexts: [dn, configuration, `CN=Schema,${configuration}`],
        dnsHostName: server,
        ldapServiceName: `${domain}:dc1$@${domain.toUpperCase()}`,
        supportedLDAPVersion: ['3'],
        supportedControl: ['1.2.840.113556.1.4.319', '1.2.840.113556.1.4.1339'],
        supportedExtension: ['1.3.6.1.4.1.1466.20037'],
        isGlobalCatalogReady: 'TRUE',
      }),
    groupsAbove: (of) => above.get(sameDn(of)) ?? [sameDn(of)],
  }
}
