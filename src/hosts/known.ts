import { canonicalHost, type HostStanding, hostStanding } from '../addresses.ts'
import type { Resolver, SrvRecord } from '../directory.ts'
import { type Problem, ProblemError, problem, type Site } from '../model.ts'

/** One SRV record; `share`: the part of the clients that look in DNS and take this host first, 0 to 1 (RFC 2782). */
export type PublishedRecord = SrvRecord & { readonly share: number }

/** What the DNS of one domain publishes; `problem` where it could not be asked, which is not "nothing published". */
export type DomainAnswer = { readonly domain: string; readonly records: readonly PublishedRecord[]; readonly problem: Problem | null }

/** A KMS host at one port: of the site file, of DNS, or both. */
export type KnownHost = {
  readonly name: string
  readonly port: number
  /** Whether the site file names it, at any port. */
  readonly named: boolean
  /** Whether the site file names it at this port. */
  readonly declared: boolean
  /** Domains whose DNS publishes it at this port. */
  readonly publishedBy: readonly string[]
  readonly standing: HostStanding
}

/** The SRV records by which clients of a domain find a KMS host, in the order of their priority. */
export async function publishedIn(domain: string, names: Pick<Resolver, 'srv'>): Promise<DomainAnswer> {
  try {
    const records = [...(await names.srv(`_vlmcs._tcp.${domain}`))].sort(
      (a, b) => a.priority - b.priority || b.weight - a.weight || (a.target < b.target ? -1 : 1),
    )
    const first = records.filter((r) => r.priority === records[0]!.priority)
    const sum = first.reduce((total, r) => total + r.weight, 0)
    const share = (r: SrvRecord) => (r.priority !== first[0]!.priority ? 0 : sum === 0 ? 1 / first.length : r.weight / sum)
    return { domain, records: records.map((r) => ({ ...r, share: share(r) })), problem: null }
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return { domain, records: [], problem: error.problems[0]! }
  }
}

/** Every KMS host of the site: those of the site file in its order, then those that DNS alone names. Asks DNS only. */
export async function knownHosts(
  site: Site,
  names: Resolver,
): Promise<{ readonly domains: readonly DomainAnswer[]; readonly hosts: readonly KnownHost[] }> {
  const domains = await Promise.all([...new Set(site.domains)].map((domain) => publishedIn(domain, names)))
  const found = new Map<string, { name: string; port: number; declared: boolean; publishedBy: Set<string> }>()
  const enter = (name: string, port: number) => {
    const key = `${canonicalHost(name)} ${port}`
    const host = found.get(key) ?? { name, port, declared: false, publishedBy: new Set<string>() }
    found.set(key, host)
    return host
  }
  for (const host of site.kmsHosts) enter(host.name, host.port).declared = true
  for (const { domain, records } of domains) for (const r of records) enter(r.target, r.port).publishedBy.add(domain)
  const named = new Set(site.kmsHosts.map((h) => canonicalHost(h.name)))
  const hosts = await Promise.all(
    [...found.values()].map(async (host) => ({
      ...host,
      publishedBy: [...host.publishedBy],
      named: named.has(canonicalHost(host.name)),
      standing: await hostStanding(host.name, site, names.addresses, site.domains.length > 0),
    })),
  )
  return { domains, hosts }
}

/** Whether a word means a host: its name, the first label of it, or one of its addresses. */
export function meansHost({ name, standing }: KnownHost, word: string): boolean {
  const wanted = canonicalHost(word)
  const own = canonicalHost(name)
  return (
    own === wanted || (!/[.:]/.test(wanted) && own.startsWith(`${wanted}.`)) || standing.addresses.some((a) => canonicalHost(a) === wanted)
  )
}

/**
 * The hosts that words mean: a name, the first label of one, or an address of one. Throws HOST_NOT_AUTHORISED for a word that
 * means none: what is neither in the site file nor published by its domains is not contacted.
 */
export function meantHosts(hosts: readonly KnownHost[], words: readonly string[]): readonly KnownHost[] {
  if (words.length === 0) return hosts
  const meant = new Set<KnownHost>()
  for (const word of words) {
    const those = hosts.filter((h) => meansHost(h, word))
    if (those.length === 0)
      throw new ProblemError(
        problem(
          'HOST_NOT_AUTHORISED',
          `${word.slice(0, 80)} is neither a KMS host of the site file nor published by its domains; nothing was sent to it.`,
          ['slmctl hosts discover lists those that are.', 'Name it under kms.hosts of the site file if it is yours.'],
        ),
      )
    for (const host of those) meant.add(host)
  }
  return hosts.filter((h) => meant.has(h))
}
