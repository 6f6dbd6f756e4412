/**
 * Addresses and host names: what kind they are, and whether the site owns them.
 */
import { domainToASCII } from 'node:url'
import ipaddr from 'ipaddr.js'
import { ProblemError, type Site } from './model.ts'

/**
 * What kind of address a host is. `reserved` is where no host can be: the unspecified and broadcast ranges, and TEST-NET-1
 * (192.0.2.0/24). A name is `null`.
 */
export type AddressKind = 'private' | 'public' | 'loopback' | 'link-local' | 'reserved'

export function addressKind(host: string): AddressKind | null {
  const text = host.replace(/^\[|\]$/g, '')
  if (!/^[\d.]+$|:/.test(text)) return null
  const zoneless = text.replace(/%.*$/, '')
  // Of a list of a million words with a colon, none is worth the library's way of saying no.
  if (zoneless.includes(':') && !/^[0-9a-fA-F]{0,4}:[0-9a-fA-F]{0,4}:[0-9a-fA-F:.]{0,35}$/.test(zoneless)) return null
  if (!ipaddr.isValid(zoneless)) return null
  if (!text.includes(':') && text.split('.').length !== 4) return null
  const address = ipaddr.process(zoneless)
  if (address.kind() === 'ipv4' && text.startsWith('192.0.2.')) return 'reserved'
  switch (address.range()) {
    case 'private':
    case 'uniqueLocal':
    case 'carrierGradeNat':
      return 'private'
    case 'loopback':
      return 'loopback'
    case 'linkLocal':
      return 'link-local'
    case 'unspecified':
    case 'broadcast':
    case 'multicast':
      return 'reserved'
    case 'reserved':
      // The other documentation ranges stand for ordinary addresses in texts whose names were replaced.
      return /^(?:203\.0\.113|198\.51\.100)\./.test(text)
        ? 'public'
        : address.kind() === 'ipv4' && Number(text.split('.')[0]) >= 240
          ? 'reserved'
          : /^192\.0\.[02]\./.test(text)
            ? 'reserved'
            : 'public'
    default:
      return 'public'
  }
}

const parsedNetworks = new WeakMap<Site['networks'], readonly [ipaddr.IPv4 | ipaddr.IPv6, number][]>()

/** True where an address lies in one of the site's networks. */
export function inNetworks(host: string, networks: Site['networks']): boolean {
  const text = host.replace(/^\[|\]$/g, '')
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.process(text)
  // A site's networks are the same for every machine of a fleet: read once.
  let ranges = parsedNetworks.get(networks)
  if (!ranges) {
    ranges = networks.map((network) => ipaddr.parseCIDR(network))
    parsedNetworks.set(networks, ranges)
  }
  return ranges.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits))
}

/** True where a name is one of the site's domains or stands below one. */
export function inDomains(host: string, domains: Site['domains']): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  return domains.some((domain) => name === domain || name.endsWith(`.${domain}`))
}

const canonical = new Map<string, string>()

/** A host as it is compared: lower case, without the dot at the end; an address in its shortest form. */
export function canonicalHost(host: string): string {
  // The hosts of a fleet are few, and asked for at every machine.
  const known = canonical.get(host)
  if (known !== undefined) return known
  const name = host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
  // A zone (`%eth0`) says by which interface, not which host.
  const found = addressKind(name) ? ipaddr.process(name.replace(/%.*$/, '')).toString() : name
  if (canonical.size < 1000 && host.length < 300) canonical.set(host, found)
  return found
}

/** True where the site file names this host: the same name or address, or a short name for a named host (and the reverse). */
export function isNamedHost(host: string, site: Site): boolean {
  const name = canonicalHost(host)
  return site.kmsHosts.some((h) => {
    const named = canonicalHost(h.name)
    if (named === name) return true
    const [short, long] = name.includes('.') ? [named, name] : [name, named]
    return (
      !short.includes('.') &&
      !short.includes(':') &&
      long.startsWith(`${short}.`) &&
      (site.domains.length === 0 || inDomains(long, site.domains))
    )
  })
}

/** Where a KMS host stands, by the site's declaration; `because` is a sentence for people, null where it is authorised. */
export type HostStanding = {
  readonly addresses: readonly string[]
  readonly verdict: 'authorised' | 'not-authorised' | 'unknown' | 'could-not-ask'
  readonly because: string | null
}

/**
 * Whether a KMS host may be used, or even contacted: it is in a domain of the site (where `domainMatters`), and all of its
 * addresses lie in the site's networks, as a machine may use any of them. `unknown`: DNS knows no address of it.
 */
export async function hostStanding(
  name: string,
  site: Pick<Site, 'domains' | 'networks'>,
  addressesOf: (name: string) => Promise<readonly string[]>,
  domainMatters: boolean,
): Promise<HostStanding> {
  const not = (because: string, addresses: readonly string[] = []): HostStanding => ({ addresses, verdict: 'not-authorised', because })
  if (site.networks.length === 0) return not('the site file declares no networks in which a KMS host may stand.')
  if (domainMatters && addressKind(name) === null && name.includes('.') && !inDomains(name, site.domains))
    return not('it is in no domain of the site file.')
  let addresses: readonly string[]
  try {
    addresses = await addressesOf(name)
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return { addresses: [], verdict: 'could-not-ask', because: `its address could not be asked for: ${error.message}` }
  }
  if (addresses.length === 0) return { addresses, verdict: 'unknown', because: 'DNS knows no address of it.' }
  const outside = addresses.filter((a) => !inNetworks(a, site.networks))
  if (outside.length > 0)
    return not(
      `its address${outside.length === 1 ? ` ${outside[0]} is` : `es ${outside.join(', ')} are`} outside the networks of the site file.`,
      addresses,
    )
  return { addresses, verdict: 'authorised', because: null }
}

/** How many addresses a public IPv4 network has; 0 for any other. */
export function publicSize(network: string): number {
  const [range, bits] = ipaddr.parseCIDR(network)
  return range.kind() === 'ipv4' && addressKind(range.toString()) === 'public' ? 2 ** (32 - bits) : 0
}

/** Where a machine stands, by the site's declaration; `because` is for people. */
export type Standing = { readonly inside: true } | { readonly inside: false; readonly because: string }

/**
 * Whether a machine is inside the site: its own DNS domain is one of the site's, and one of its addresses lies in the site's
 * networks. Both are needed: private networks are alike everywhere, and a name alone is quickly given. Loopback and link-local
 * addresses say nothing. What the site does not declare, or the machine does not tell (null), is not inside.
 */
export function insideSite(
  site: Pick<Site, 'domains' | 'networks'>,
  machine: { readonly addresses: readonly string[] | null; readonly domain: string | null },
): Standing {
  const outside = (because: string): Standing => ({ inside: false, because })
  if (site.domains.length === 0 || site.networks.length === 0) return outside('the site file does not name both domains and networks')
  const domain = machine.domain?.trim() ?? ''
  if (domain === '') return outside('this machine belongs to no domain')
  if (!inDomains(domain, site.domains)) return outside(`the domain of this machine, ${domain}, is none of the site file`)
  if (machine.addresses === null) return outside('the addresses of this machine could not be read')
  const own = machine.addresses.map((a) => a.replace(/%.*$/, '')).filter((a) => ['private', 'public'].includes(addressKind(a) ?? ''))
  if (own.length === 0) return outside('this machine has no network address yet')
  if (!own.some((a) => inNetworks(a, site.networks)))
    return outside(`no address of this machine (${own.join(', ')}) is in the site's networks`)
  return { inside: true }
}

const nameLabel = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?'
const wholeName = new RegExp(`^(?=.*[a-z])${nameLabel}(?:\\.${nameLabel})*$`)
/** What ends in a number is an address to the system, however it is written (inet_aton; WHATWG URL, "ends in a number"): 0xa000001. */
const endsInNumber = /(?:^|\.)(?:0x[0-9a-f]*|\d+)$/

/**
 * What somebody calls a machine, as slmctl keeps it: lower case, without the dot at the end, letters beyond ASCII as A-labels
 * (RFC 5890), an address in its shortest form. Null where it can be the name of no machine.
 */
export function machineName(text: string): string | null {
  const plain = text.trim()
  // Longer than any name, even one whose letters are all written out; nothing below sees an endless text.
  if (plain === '' || plain.length > 300) return null
  if (addressKind(plain) !== null) return canonicalHost(plain)
  const ascii = /[^\0-\x7f]/.test(plain) ? domainToASCII(plain) : plain
  const name = ascii.toLowerCase().replace(/\.$/, '')
  return name.length <= 253 && wholeName.test(name) && !endsInNumber.test(name) ? name : null
}
