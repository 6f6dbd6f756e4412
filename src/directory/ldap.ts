import { machineName } from '../addresses.ts'
import { type FoundMachine, type Problem, ProblemError, problem } from '../model.ts'
import { type Attributes, type Filter, filterText, Rule, type Search } from '../protocol/ldap.ts'
import { LdapConnection, type Reached } from './ldap-connection.ts'
import { asDirectoryProblem, directoryTrouble } from './ldap-problems.ts'
import type { Resolver } from './resolver.ts'

export type { DirectoryLogon, DirectoryServer } from './ldap-connection.ts'

export type DirectoryOptions = Omit<Reached, 'server'> & {
  /** Tried in turn until one can be reached: from `domainControllers`, or named by somebody. */
  readonly servers: readonly Reached['server'][]
}

/** Which computers of a directory are wanted; what is left out is not looked at. */
export type ComputerQuery = {
  /** Distinguished name of an organisational unit; the whole domain where it is left out. */
  readonly base?: string
  /** Without the accounts that are switched off. */
  readonly enabled?: boolean
  /**
   * Seen in the last so many days. The directory writes down a logon only where its last note is up to 14 days old: 14 more are
   * allowed, so that no machine that was there is missed. An account that never logged on is not seen.
   */
  readonly seenWithinDays?: number
  /** A part of the name of the operating system: `Windows 11`. */
  readonly system?: string
  /** Distinguished name or name of a group; members of groups in it are found, too. */
  readonly group?: string
}

/** What a search saw beside the machines that it gave. Filled in while it goes on. */
export type SearchNotes = {
  /** Names of clusters (SPN MSClusterVirtualServer): no machines. */
  clusters: number
  /** Entries of other domains that were pointed at; not followed. */
  elsewhere: number
  /** Entries that are no machine that could be named. At most 100 are told one by one. */
  unusable: number
  readonly problems: Problem[]
}

/** An activation object as the directory holds it: who may read the domain's configuration sees it. */
export type ActivationObject = {
  readonly name: string
  /** As an administrator sees it: the name that was given when the domain was activated. */
  readonly displayName: string | null
  readonly distinguishedName: string
  /** Activation ID of the host key that it was made with (msSPP-CSVLKSkuId). */
  readonly hostKeyActivationId: string | null
  /** Extended PID of that key (msSPP-CSVLKPid). */
  readonly extendedPid: string | null
  /** IDs of the product groups that it activates (msSPP-KMSIds). */
  readonly kmsIds: readonly string[]
  readonly created: string | null
}

export type Directory = {
  /** The domain controller that answers. */
  readonly server: string
  /** Distinguished name of its domain. */
  readonly domain: string
  /** In the directory's order, as they come; memory does not grow with their number. A generator left early closes the connection. */
  readonly computers: (query: ComputerQuery, notes?: SearchNotes) => AsyncGenerator<FoundMachine>
  /** The filter of a query, for showing (RFC 4515). */
  readonly filterOf: (query: ComputerQuery) => Promise<string>
  readonly activationObjects: () => Promise<readonly ActivationObject[]>
  readonly close: () => void
}

/** The only attributes that are ever asked for of a computer. What holds passwords (LAPS) is not among them. */
const computerAttributes = [
  ...['objectGUID', 'dNSHostName', 'name', 'operatingSystem', 'operatingSystemVersion', 'lastLogonTimestamp'],
  ...['userAccountControl', 'servicePrincipalName'],
] as const
/** [MS-ADA2]: without what activates (msSPP-ConfirmationId, licences): nobody but Windows needs it. */
const activationAttributes = ['cn', 'displayName', 'msSPP-CSVLKSkuId', 'msSPP-CSVLKPid', 'msSPP-KMSIds', 'whenCreated'] as const
/** [MS-ADTS] 2.2.16: UF_ACCOUNTDISABLE. */
const disabled = 2
const dayMs = 86_400_000
/** msDS-LogonTimeSyncInterval: 14 days where nobody changed it. */
const lateDays = 14
const problemsMax = 100

export const searchNotes = (): SearchNotes => ({ clusters: 0, elsewhere: 0, unusable: 0, problems: [] })

/**
 * Domain controllers of a domain, by DNS, in the order of RFC 2782, with their addresses by the same servers. 389 is where each of
 * them listens, and says nothing about LDAPS; another port is meant as it stands. Throws a ProblemError where DNS has none or does
 * not answer.
 */
export async function domainControllers(
  domain: string,
  resolver: Pick<Resolver, 'srv'> & Partial<Pick<Resolver, 'addresses'>>,
): Promise<readonly Reached['server'][]> {
  const records = await resolver.srv(`_ldap._tcp.dc._msdcs.${domain}`)
  if (records.length === 0) throw directoryTrouble('DIRECTORY_NOT_FOUND_IN_DNS', domain)
  return await Promise.all(
    records.map(async ({ target, port }) => {
      // A name that these servers do not know may be known to the system.
      const [address] = (await resolver.addresses?.(target).catch(() => [])) ?? []
      return { name: target, ...(address ? { address } : {}), ...(port === 389 ? {} : { port }) }
    }),
  )
}

/** Connects to the first server that can be reached and signs in. All errors are ProblemErrors `DIRECTORY_…`. */
export async function openDirectory({ servers, ...how }: DirectoryOptions): Promise<Directory> {
  if (servers.length === 0) throw directoryTrouble('DIRECTORY_UNREACHABLE', 'of nobody', 'no domain controller is named')
  const problems: Problem[] = []
  for (const server of servers) {
    try {
      const connection = await LdapConnection.open({ ...how, server })
      try {
        return await directory(server.name, connection)
      } catch (error) {
        connection.close()
        throw error
      }
    } catch (error) {
      const known = asDirectoryProblem(error, server.name)
      if (!(known instanceof ProblemError)) throw known
      problems.push(...known.problems)
      // A wrong password is as wrong at the next one, and locks the account.
      if (!['DIRECTORY_UNREACHABLE', 'DIRECTORY_SLOW', 'DIRECTORY_CUT'].includes(known.problems[0]!.code)) break
    }
  }
  throw new ProblemError(...problems.reverse())
}

/** A group by its distinguished name, and the last number of its SID: what its members by "primary group" carry. */
type Group = { readonly dn: string; readonly rid: number | null }

/** The filter of a query; every text in it is one value. `now` in ms. */
export function computerFilter(query: ComputerQuery, group: Group | null, now: number): Filter {
  const parts: Filter[] = [{ attribute: 'objectCategory', is: 'computer' }]
  if (query.enabled) parts.push({ not: { attribute: 'userAccountControl', rule: Rule.allBits, is: String(disabled) } })
  if (query.seenWithinDays !== undefined)
    parts.push({ attribute: 'lastLogonTimestamp', atLeast: fileTime(now - (query.seenWithinDays + lateDays) * dayMs) })
  if (query.system) parts.push({ attribute: 'operatingSystem', contains: query.system })
  if (group) {
    const inside: Filter = { attribute: 'memberOf', rule: Rule.inChain, is: group.dn }
    parts.push(group.rid === null ? inside : { or: [inside, { attribute: 'primaryGroupID', is: String(group.rid) }] })
  }
  return { and: parts }
}

async function directory(server: string, connection: LdapConnection): Promise<Directory> {
  const one = async (search: Search): Promise<Attributes | null> => {
    let found: Attributes | null = null
    for await (const { attributes } of connection.search(search)) found ??= attributes
    return found
  }
  const root = await one({
    base: '',
    scope: 'base',
    filter: { attribute: 'objectClass', exists: true },
    attributes: ['defaultNamingContext', 'configurationNamingContext'],
  })
  const domain = text(root, 'defaultNamingContext')
  const configuration = text(root, 'configurationNamingContext')
  if (domain === null || configuration === null)
    throw directoryTrouble('DIRECTORY_GARBAGE', server, 'it names no domain, and is no Active Directory')

  /** The group by either name. */
  const group = async (name: string): Promise<Group> => {
    const attributes = ['objectSid', 'distinguishedName'] as const
    const kind: Filter = { attribute: 'objectCategory', is: 'group' }
    const found: Attributes[] = []
    const search: Search = name.includes('=')
      ? { base: name, scope: 'base', filter: kind, attributes }
      : {
          ...{ base: domain, scope: 'subtree', attributes },
          filter: {
            and: [
              kind,
              {
                or: [
                  { attribute: 'sAMAccountName', is: name },
                  { attribute: 'cn', is: name },
                ],
              },
            ],
          },
        }
    for await (const entry of connection.search(search)) found.push(entry.attributes)
    const dn = text(found[0] ?? null, 'distinguishedName')
    if (dn === null) throw directoryTrouble('DIRECTORY_NOT_FOUND', server, `no group is called ${name.slice(0, 200)}`)
    if (found.length > 1)
      throw directoryTrouble(
        'DIRECTORY_NOT_FOUND',
        server,
        `${found.length} groups are called ${name.slice(0, 200)}: give its distinguished name`,
      )
    const sid = found[0]!.get('objectsid')?.[0]
    return { dn, rid: sid !== undefined && sid.length >= 12 ? sid.readUInt32LE(sid.length - 4) : null }
  }

  const filter = async (query: ComputerQuery): Promise<Filter> =>
    computerFilter(query, query.group ? await group(query.group) : null, Date.now())

  async function* computers(query: ComputerQuery, notes: SearchNotes = searchNotes()): AsyncGenerator<FoundMachine> {
    const search: Search = {
      base: query.base ?? domain!,
      scope: 'subtree',
      filter: await filter(query),
      attributes: computerAttributes,
    }
    for await (const { dn, attributes } of connection.search(search, () => notes.elsewhere++)) {
      const machine = readComputer(dn, attributes, notes)
      if (machine !== null) yield machine
    }
  }

  const told = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw asDirectoryProblem(error, server)
    }
  }

  return {
    server,
    domain,
    async *computers(query, notes) {
      try {
        yield* computers(query, notes)
      } catch (error) {
        throw asDirectoryProblem(error, server)
      }
    },
    filterOf: (query) => told(async () => filterText(await filter(query))),
    activationObjects: () =>
      told(async () => {
        const found: ActivationObject[] = []
        const search: Search = {
          // Windows looks for them here ("Active Directory-Based Activation overview", Microsoft).
          base: `CN=Activation Objects,CN=Microsoft SPP,CN=Services,${configuration}`,
          scope: 'one',
          filter: { attribute: 'objectClass', is: 'msSPP-ActivationObject' },
          attributes: activationAttributes,
        }
        try {
          for await (const { dn, attributes } of connection.search(search)) found.push(readActivationObject(dn, attributes))
        } catch (error) {
          // Only a domain that was prepared for it has the container: none is an answer.
          if ((error as { code?: unknown }).code !== 32) throw error
        }
        return found
      }),
    close: () => connection.close(),
  }
}

const text = (attributes: Attributes | null, name: string): string | null => {
  const value = attributes?.get(name.toLowerCase())?.[0]
  return value === undefined || value.length === 0 ? null : value.toString('utf8').slice(0, 4096)
}

const clusterService = Buffer.from('msclustervirtualserver/')
const isCluster = (spn: Buffer): boolean =>
  spn.length > clusterService.length &&
  spn.subarray(0, clusterService.length).toString('latin1').toLowerCase() === clusterService.toString()

function readComputer(dn: string, attributes: Attributes, notes: SearchNotes): FoundMachine | null {
  if (attributes.get('serviceprincipalname')?.some(isCluster)) {
    notes.clusters++
    return null
  }
  const guid = attributes.get('objectguid')?.[0]
  const name = machineName(text(attributes, 'dNSHostName') ?? '') ?? machineName(text(attributes, 'name') ?? '')
  if (name === null || guid?.length !== 16) {
    notes.unusable++
    if (notes.problems.length < problemsMax)
      notes.problems.push(
        problem(
          'DIRECTORY_ENTRY',
          `${dn.slice(0, 300)} is no machine that could be named: ${name === null ? 'its name is none of DNS' : 'it has no objectGUID'}.`,
          ['Correct dNSHostName of the account, or leave it out: --ou, --group.'],
        ),
      )
    return null
  }
  const control = Number(text(attributes, 'userAccountControl') ?? Number.NaN)
  return {
    name,
    guid: guidText(guid),
    uuid: null,
    address: null,
    system: text(attributes, 'operatingSystem'),
    systemVersion: text(attributes, 'operatingSystemVersion'),
    enabled: Number.isInteger(control) ? (control & disabled) === 0 : null,
    lastSeen: timeOf(text(attributes, 'lastLogonTimestamp')),
    distinguishedName: dn,
    groups: [],
    pool: null,
  }
}

function readActivationObject(dn: string, attributes: Attributes): ActivationObject {
  const ids = (attributes.get('msspp-kmsids') ?? []).filter((id) => id.length === 16).map(guidText)
  const key = attributes.get('msspp-csvlkskuid')?.[0]
  const created = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?Z$/.exec(text(attributes, 'whenCreated') ?? '')
  return {
    name: text(attributes, 'cn') ?? dn,
    displayName: text(attributes, 'displayName'),
    distinguishedName: dn,
    hostKeyActivationId: key?.length === 16 ? guidText(key) : null,
    extendedPid: text(attributes, 'msSPP-CSVLKPid'),
    kmsIds: ids,
    created: created ? `${created.slice(1, 4).join('-')}T${created.slice(4, 7).join(':')}Z` : null,
  }
}

/** [MS-DTYP] 2.3.4.2: the first three parts of a GUID are little-endian. */
export function guidText(bytes: Buffer): string {
  const hex = (from: number, to: number, turned: boolean) => {
    const part = Buffer.from(bytes.subarray(from, to))
    return (turned ? part.reverse() : part).toString('hex')
  }
  return [hex(0, 4, true), hex(4, 6, true), hex(6, 8, true), hex(8, 10, false), hex(10, 16, false)].join('-')
}

/** [MS-DTYP] 2.3.3: tenths of microseconds since 1601. */
const epochMs = 11_644_473_600_000
const fileTime = (ms: number): string => String(BigInt(Math.max(0, Math.floor(ms) + epochMs)) * 10_000n)
function timeOf(value: string | null): string | null {
  if (value === null || !/^\d{1,19}$/.test(value)) return null
  const ms = Number(BigInt(value) / 10_000n) - epochMs
  // 0 is "never"; what is beyond any calendar is as well.
  return value === '0' || ms > 253_402_300_799_999 ? null : new Date(ms).toISOString()
}
