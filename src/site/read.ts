import ipaddr from 'ipaddr.js'
import { parse as parseDomain } from 'tldts'
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import { addressKind, inNetworks, publicSize } from '../addresses.ts'
import { platformOfHost } from '../catalogue.ts'
import { type Problem, problem, type Site } from '../model.ts'
import { siteSchema } from './schema.ts'

const example = 'A site file looks like this:  domains: [corp.example]  networks: [10.0.0.0/8]  kms: {hosts: [kms1.corp.example]}'

/** Reads a site file. Answers with the site, or with every problem that it has, each with line and column. */
export function readSite(file: string, text: string): { readonly site: Site | null; readonly problems: readonly Problem[] } {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const where = (offset: number | undefined) => {
    const at = offset === undefined ? { line: 1, col: 1 } : lines.linePos(offset)
    return { file, line: at.line, column: at.col }
  }
  if (document.errors.length > 0) {
    return {
      site: null,
      problems: document.errors.map((e) =>
        problem('SITE_NOT_YAML', `The site file is not valid YAML: ${e.message.split('\n')[0]}`, [example], where(e.pos[0])),
      ),
    }
  }
  let content: unknown
  try {
    // Aliases are not needed in a site file, and a few of them can stand for a million values.
    content = document.toJS({ maxAliasCount: 20 })
  } catch (error) {
    return {
      site: null,
      problems: [
        problem(
          'SITE_NOT_YAML',
          `The site file is not valid YAML: ${(error as Error).message.split('\n')[0]}.`,
          [example],
          where(undefined),
        ),
      ],
    }
  }
  const parsed = siteSchema.safeParse(content ?? {})
  const offsetOf = (path: readonly PropertyKey[]): number | undefined => {
    for (let n = path.length; n > 0; n--) {
      const node = document.getIn(path.slice(0, n) as (string | number)[], true) as { range?: [number, number, number] } | undefined
      if (node?.range) return node.range[0]
    }
    return undefined
  }
  const offsetOfKey = (path: readonly PropertyKey[], key: string): number | undefined => {
    const map = path.length === 0 ? document.contents : document.getIn(path as (string | number)[], true)
    const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined
    return (pair?.key as { range?: [number, number, number] } | undefined)?.range?.[0]
  }
  if (!parsed.success) {
    return {
      site: null,
      problems: parsed.error.issues.map((issue) => {
        const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0]! : null
        const path = unknown === null ? issue.path : [...issue.path, unknown]
        const name = path.map(String).join('.') || 'the file'
        const what =
          issue.code === 'unrecognized_keys'
            ? `${name} is not a word of the site file`
            : `${name}: ${issue.code === 'invalid_union' ? 'expected a host name, or {name, port, priority, weight}' : plainly(issue.message)}`
        return problem('SITE_INVALID', `${what}.`, [example], where(unknown === null ? offsetOf(path) : offsetOfKey(issue.path, unknown)))
      }),
    }
  }
  const wide = [
    ...parsed.data.networks.flatMap((network, i) => {
      const why = tooWide(network)
      return why
        ? [
            problem(
              why === 'invalid' ? 'SITE_INVALID' : 'SITE_TOO_WIDE',
              why === 'invalid' ? `networks: ${network} is no network.` : `networks: ${network} is too wide: ${why}`,
              ['Name the networks in which your KMS hosts stand.'],
              where(offsetOf(['networks', i])),
            ),
          ]
        : []
    }),
    ...parsed.data.domains.flatMap((domain, i) => {
      const { publicSuffix, isIcann, isPrivate } = parseDomain(domain, { allowPrivateDomains: true })
      const suffix = (isIcann || isPrivate) && publicSuffix === domain.toLowerCase().replace(/\.$/, '')
      return suffix
        ? [
            problem(
              'SITE_TOO_WIDE',
              `domains: ${domain} is a public suffix: anybody can register a name below it.`,
              ['Name your own domain.'],
              where(offsetOf(['domains', i])),
            ),
          ]
        : []
    }),
    ...(parsed.data.kms?.hosts ?? []).flatMap((host, i) => {
      const name = typeof host === 'string' ? host : host.name
      const why = noHostOfOurs(name, parsed.data.networks)
      return why
        ? [
            problem(
              'SITE_INVALID',
              `kms.hosts: ${name} ${why}.`,
              ['Name the KMS hosts that are yours.'],
              where(offsetOf(['kms', 'hosts', i])),
            ),
          ]
        : []
    }),
  ]
  if (wide.length === 0 && parsed.data.networks.reduce((sum, network) => sum + publicSize(network), 0) > 2 ** 24) {
    wide.push(
      problem(
        'SITE_TOO_WIDE',
        'networks: together they hold more than sixteen million public addresses.',
        ['Name the networks in which your KMS hosts stand.'],
        where(offsetOf(['networks'])),
      ),
    )
  }
  if (
    wide.length === 0 &&
    parsed.data.domains.length + parsed.data.networks.length + (parsed.data.kms?.hosts.length ?? 0) + parsed.data.platforms.length === 0
  ) {
    wide.push(
      problem('SITE_INVALID', 'The site file declares nothing: no domains, networks, KMS hosts or platforms.', [example], where(undefined)),
    )
  }
  if (wide.length > 0) return { site: null, problems: wide }
  const d = parsed.data
  return {
    site: {
      organisation: d.organisation ?? null,
      domains: d.domains.map((x) => x.toLowerCase().replace(/\.$/, '')),
      networks: d.networks,
      kmsHosts: (d.kms?.hosts ?? []).map((h) =>
        typeof h === 'string'
          ? { name: h, port: 1688, priority: null, weight: null }
          : { name: h.name, port: h.port, priority: h.priority ?? null, weight: h.weight ?? null },
      ),
      platforms: d.platforms,
      forests: [],
      dnsServers: [],
      wishes: [],
      groups: [],
      entitlements: [],
    },
    problems: [],
  }
}

/** Why a name or address can be no KMS host of the organisation; null where it can. */
function noHostOfOurs(name: string, networks: readonly string[]): string | null {
  const platform = platformOfHost(name)
  if (platform) return `is the KMS of a cloud platform (${platform}); list the platform under platforms instead`
  if (/^localhost\.?$/i.test(name)) return 'is the machine itself, whichever it is'
  const kind = addressKind(name)
  if (kind === null) return /^[\d.]+$|:/.test(name) ? 'is no address' : null
  if (kind === 'loopback' || kind === 'reserved' || kind === 'link-local') return 'is an address at which no KMS host can stand'
  if (networks.length > 0 && !inNetworks(name, networks)) return 'is outside the networks of this file'
  return null
}

/** A validation message in plain words. */
function plainly(message: string): string {
  return message
    .replace(
      /^Invalid input: expected (\w+), received (\w+)/,
      (_, want: string, got: string) =>
        `expected ${want === 'array' ? 'a list' : want === 'object' ? 'a group of words' : `a ${want}`}, found ${got === 'null' || got === 'undefined' ? 'nothing' : got === 'array' ? 'a list' : `a ${got}`}`,
    )
    .replace(/^Invalid option: expected one of /, 'expected one of ')
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
