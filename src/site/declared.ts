import ipaddr from 'ipaddr.js'
import { parse as parseDomain } from 'tldts'
import { addressKind, inNetworks, publicSize } from '../addresses.ts'
import { platformOfHost } from '../catalogue.ts'
import type { SiteWords } from './schema.ts'

/** A remark about one place of the file. */
export type Remark = {
  readonly code: string
  readonly summary: string
  readonly next: readonly string[]
  /** Where it stands; empty for the file as a whole. */
  readonly path: readonly (string | number)[]
}

/** What is too wide to be what an organisation owns, and hosts that can be no host of it. */
export function declaredTooMuch(words: SiteWords): readonly Remark[] {
  const remarks = [
    ...words.networks.flatMap((network, i): Remark[] => {
      const why = tooWide(network)
      return why === null
        ? []
        : [
            {
              code: why === 'invalid' ? 'SITE_INVALID' : 'SITE_TOO_WIDE',
              summary: why === 'invalid' ? `networks: ${network} is no network.` : `networks: ${network} is too wide: ${why}`,
              next: ['Name the networks in which your KMS hosts stand.'],
              path: ['networks', i],
            },
          ]
    }),
    ...words.domains.flatMap((domain, i) => publicSuffix(domain, 'domains', ['domains', i])),
    ...words.forests.flatMap((forest, i) => [
      ...publicSuffix(forest.name, `forests.${i}.name`, ['forests', i, 'name']),
      ...(forest.domains ?? []).flatMap((domain, j) => publicSuffix(domain, `forests.${i}.domains`, ['forests', i, 'domains', j])),
    ]),
  ]
  // Which hosts lie outside can be told only where every network is one.
  if (remarks.some((r) => r.code === 'SITE_INVALID')) return remarks
  const hosts = (words.kms?.hosts ?? []).flatMap((host, i): Remark[] => {
    const name = typeof host === 'string' ? host : host.name
    const why = noHostOfOurs(name, words.networks)
    return why === null
      ? []
      : [
          {
            code: why === outside ? 'HOST_NOT_AUTHORISED' : 'SITE_INVALID',
            summary: `kms.hosts: ${name} ${why}.`,
            next: ['Name the KMS hosts that are yours.'],
            path: ['kms', 'hosts', i],
          },
        ]
  })
  const all = [...remarks, ...hosts]
  if (all.length === 0 && words.networks.reduce((sum, network) => sum + publicSize(network), 0) > 2 ** 24) {
    return [
      {
        code: 'SITE_TOO_WIDE',
        summary: 'networks: together they hold more than sixteen million public addresses.',
        next: ['Name the networks in which your KMS hosts stand.'],
        path: ['networks'],
      },
    ]
  }
  return all
}

function publicSuffix(domain: string, word: string, path: Remark['path']): Remark[] {
  const { publicSuffix, isIcann, isPrivate } = parseDomain(domain, { allowPrivateDomains: true })
  return (isIcann || isPrivate) && publicSuffix === domain.toLowerCase().replace(/\.$/, '')
    ? [
        {
          code: 'SITE_TOO_WIDE',
          summary: `${word}: ${domain} is a public suffix: anybody can register a name below it.`,
          next: ['Name your own domain.'],
          path,
        },
      ]
    : []
}

const outside = 'is outside the networks of this file'

/** Why a name or address can be no KMS host of the organisation; null where it can. */
function noHostOfOurs(name: string, networks: readonly string[]): string | null {
  const platform = platformOfHost(name)
  if (platform) return `is the KMS of a cloud platform (${platform}); list the platform under platforms instead`
  if (/^localhost\.?$/i.test(name)) return 'is the machine itself, whichever it is'
  const kind = addressKind(name)
  if (kind === null) return /^[\d.]+$|:/.test(name) ? 'is no address' : null
  if (kind === 'loopback' || kind === 'reserved' || kind === 'link-local') return 'is an address at which no KMS host can stand'
  if (networks.length > 0 && !inNetworks(name, networks)) return outside
  return null
}

/** Private and unique-local networks may be any size; a public one not shorter than /16 (IPv6 /32). */
function tooWide(network: string): string | null {
  let range: ipaddr.IPv4 | ipaddr.IPv6
  let bits: number
  try {
    ;[range, bits] = ipaddr.parseCIDR(network)
  } catch {
    return 'invalid'
  }
  if (range.kind() === 'ipv4') {
    const v4 = range as ipaddr.IPv4
    const own: readonly (readonly [string, number])[] = [
      ['10.0.0.0', 8],
      ['172.16.0.0', 12],
      ['192.168.0.0', 16],
      ['100.64.0.0', 10],
    ]
    if (own.some(([base, n]) => bits >= n && v4.match(ipaddr.IPv4.parse(base), n))) return null
    if (addressKind(range.toString()) !== 'public')
      return bits < 8
        ? 'it holds more than private addresses.'
        : /^(?:127|169\.254|0)\./.test(network)
          ? 'no KMS host can stand there.'
          : 'it holds more than private addresses.'
    return bits < 16 ? 'a public network may not be shorter than /16.' : null
  }
  const v6 = range as ipaddr.IPv6
  if (bits >= 7 && v6.match(ipaddr.IPv6.parse('fc00::'), 7)) return null
  return bits < 32 ? 'a public IPv6 network may not be shorter than /32.' : null
}
