import { addressKind, canonicalHost, inDomains, inNetworks, isNamedHost } from '../addresses.ts'
import { marks, numberOf, platformNames, platformOfHost } from '../catalogue.ts'
import type { Evidence, Origin, Product, Site } from '../model.ts'
import { evidence } from './clues/clue.ts'
import type { MachineFacts } from './facts/machine.ts'
import type { ProductFacts } from './facts/product.ts'
import { honestCount, honestListing, honestReserved, honestTime, honestTrace, impossible, sortedMarks } from './rules/evidence.ts'
import { isDigital } from './rules/keys.ts'
import { shown, teller } from './rules/rule.ts'
import { domainOf, isOurDomain, isOurObject } from './wishes.ts'

/** Whose activation a product is, why, what an honest explanation could be (null: none is needed, or none is known), and what it rests on. */
export type OriginReading = {
  readonly origin: Origin
  readonly because: string
  readonly honest: string | null
  readonly evidence: readonly Evidence[]
}

/**
 * Whose activation it is: by what the site owns, never by a list of other people's servers. What no genuine host can give and
 * plain marks of an activator are `foreign` with or without a site file; everything else about a host needs the site file.
 */
export function originOf(product: ProductFacts, facts: MachineFacts, site: Site | null, readAt: string | null): OriginReading {
  return { honest: null, ...judged(product, facts, site, readAt) }
}

type Judged = Omit<OriginReading, 'honest'> & { readonly honest?: string | null }

function judged(product: ProductFacts, facts: MachineFacts, site: Site | null, readAt: string | null): Judged {
  const hostLines = shown(
    product,
    ['KmsRegistered', 'the KMS host, set by hand'],
    ['KmsForApplication', 'the KMS host, set for the application'],
    ['KmsFromDns', 'the KMS host, from DNS'],
    ['KeyManagementServiceMachine', 'the KMS host, set by hand'],
    ['DiscoveredKeyManagementServiceMachineName', 'the KMS host, from DNS'],
    ['DiscoveredKeyManagementServiceMachineIpAddress', 'the address of the KMS host'],
    ['EventHost', 'the KMS host that was asked'],
  )
  if (impossible(product, readAt)) {
    return {
      origin: 'foreign',
      because: 'More time is left than any genuine KMS host can give (180 days).',
      honest: honestTime,
      evidence: shown(product, ['GracePeriodRemaining', 'more than 259,200 minutes'], ['Expires', 'the printed end']),
    }
  }
  const mark = sortedMarks(facts).strong[0]
  const volume = product.channel === 'kms-client' || product.channel === 'unknown'
  if (mark && (volume || isDigital(product))) {
    return {
      origin: 'foreign',
      because: `The machine carries a mark of an activator: ${marks[mark.mark]!.text}.`,
      honest: marks[mark.mark]!.honest ?? (facts.system ? honestTrace : honestListing),
      evidence: [evidence(mark.cell, marks[mark.mark]!.means)],
    }
  }
  if (product.channel === 'kms-client' && product.permanent && product.state === 'licensed') {
    return {
      origin: 'suspect',
      because: 'A KMS client is never permanently activated: KMS gives 180 days.',
      honest: 'The text may mix two entries; slmgr /dlv on the machine shows each by itself.',
      evidence: shown(product, ['Permanent', 'permanently activated']),
    }
  }
  switch (product.channel) {
    case 'oem':
      return {
        origin: 'vendor',
        because: 'An OEM licence; no volume activation is involved.',
        evidence: shown(product, ['Description', 'OEM channel'], ['ProductKeyChannel', 'OEM channel']),
      }
    case 'retail':
      if (isDigital(product))
        return {
          origin: 'cannot-tell',
          because: 'A digital licence reads the same however it came about; the proof of purchase of the device decides.',
          evidence: shown(product, ['PartialProductKey', 'a default key'], ['LicenseStatusReason', 'digital licence']),
        }
      return {
        origin: 'vendor',
        because: 'A retail licence; no volume activation is involved.',
        evidence: shown(product, ['Description', 'retail channel'], ['ProductKeyChannel', 'retail channel']),
      }
    case 'evaluation':
      return {
        origin: 'vendor',
        because: 'An evaluation; no volume activation is involved.',
        evidence: shown(product, ['Description', 'evaluation channel'], ['Name', 'an evaluation edition']),
      }
    case 'subscription':
      return {
        origin: 'vendor',
        because: 'A subscription; no volume activation is involved.',
        evidence: shown(product, ['Description', 'subscription channel'], ['Name', 'a subscription product']),
      }
    case 'mak':
      return {
        origin: 'cannot-tell',
        because: `A MAK${product.partialKey ? ` ending in ${product.partialKey}` : ''}; the organisation’s list of keys decides whether it is its own.`,
        evidence: shown(product, ['PartialProductKey', 'the end of the MAK']),
      }
    case 'kms-host':
      if (site && facts.name && isNamedHost(facts.name, site))
        return {
          origin: 'own',
          because:
            product.state === 'licensed'
              ? `Proved: ${facts.name}, which the site file names, shows a licensed KMS host key.`
              : `Declared: the site file names ${facts.name} as a KMS host; its key is not licensed.`,
          evidence: shown(product, ['LicenseStatus', 'state of the KMS host key']),
        }
      return {
        origin: 'cannot-tell',
        because: site
          ? facts.system
            ? `A KMS host key on ${facts.name ?? 'this machine'}, which kms.hosts of the site file does not name; add it there if it is yours.`
            : 'A KMS host key; the text does not say on which machine. Its name, compared with kms.hosts of the site file, decides.'
          : 'A KMS host key; a site file that names the organisation’s hosts would decide.',
        evidence: shown(product, ['PartialProductKey', 'the end of the KMS host key']),
      }
    case 'avma':
      return { origin: 'cannot-tell', because: 'Activated by its Hyper-V host; the licence of that host decides.', evidence: [] }
    default:
  }
  if (product.activationObject && product.method === 'adba') {
    const domain = domainOf(product.activationObject)
    const ours = site ? isOurObject(product.activationObject, site) : null
    const lines = shown(product, ['ADActivationObjectDN', 'the activation object'], ['ADActivationObjectName', 'the activation object'])
    if (ours === true)
      return { origin: 'own', because: `Declared: activated by an object in ${domain}, a domain of the site file.`, evidence: lines }
    if (ours === false && site && isOurDomain(domain, site))
      return {
        origin: 'suspect',
        because: `Activated by an object in ${domain} that the site file does not list among the activation objects of that forest.`,
        honest: 'An object that the file lacks would explain it.',
        evidence: lines,
      }
    if (ours === false)
      return {
        origin: 'suspect',
        because: `Activated by an object in ${domain}, which the site file does not name.`,
        honest: 'A domain of yours that the file lacks would explain it.',
        evidence: lines,
      }
    return {
      origin: 'cannot-tell',
      because: 'Activated through Active Directory; a site file that names the domains would decide.',
      evidence: lines,
    }
  }
  const told = facts.events.findLast((e) => e.id === 12289 && e.count !== null)
  if (told && told.count! > numberOf('count.maxWithClients')) {
    return {
      origin: 'suspect',
      because: `The host told a count of ${told.count}; a KMS host shows ${numberOf('count.maxWithClients')} at most.`,
      honest: honestCount,
      evidence: hostLines,
    }
  }
  return byHost(product, facts, site, hostLines)
}

function byHost(product: ProductFacts, facts: MachineFacts, site: Site | null, evidence: readonly Evidence[]): Judged {
  const { name, ip, found } = product.host
  const licensed = product.state === 'licensed'
  const host = name ?? ip
  const answer = (origin: Origin, because: string, honest: string | null = null): Judged => ({ origin, because, honest, evidence })
  if (!host && product.channel === 'unknown')
    return { origin: 'cannot-tell', because: `The ${teller(facts)} does not tell what kind of key it is; slmgr /dlv does.`, evidence: [] }
  if (!host) {
    return {
      origin: 'cannot-tell',
      because: licensed
        ? facts.system
          ? 'The machine does not name the KMS host that activated it; events 12288 and 12289 in its Application log do.'
          : 'The text does not name the KMS host; slmgr /dlv (Office: ospp.vbs /dstatus) does.'
        : `It is not activated, and the ${teller(facts)} names no host.`,
      evidence: [],
    }
  }
  const byName = name ? platformOfHost(name) : null
  const byAddress = ip ? platformOfHost(ip) : null
  const platform = byName ?? byAddress
  if (platform) {
    const whose = platformNames[platform]
    if (name && ip && addressKind(name) === null && byName !== byAddress) {
      return answer(
        'suspect',
        byName
          ? `${name} is the name of the KMS of ${whose}, but ${ip} is no address of it that we know.`
          : `${ip} is an address of the KMS of ${whose}, but ${name} is not its name.`,
        byName ? 'A new address of the platform would explain it.' : 'A name of your own for that address would explain it.',
      )
    }
    if (!site)
      return answer(
        'cannot-tell',
        `${host} is the KMS of ${whose} for its own virtual machines; a site file that lists the platform would decide.`,
      )
    // What the firmware says of where a machine runs is more than what somebody set on it.
    const away =
      facts.system && facts.system.platform !== platform && !facts.unasked.some((u) => u.question === 'enclosure' || u.question === 'bios')
    if (away)
      return answer(
        'suspect',
        `${host} is the KMS of ${whose} for its own virtual machines, but this machine does not look like one of them.`,
        'A firmware that we do not recognise would explain it.',
      )
    if (site.platforms.includes(platform)) return answer('platform', `${host} is the KMS of ${whose}, which the site file lists.`)
    return answer('suspect', `${host} is the KMS of ${whose}, which the site file does not list.`, 'A machine there would explain it.')
  }
  const address = ip ?? (addressKind(host) ? host : null)
  const kind = address ? addressKind(address) : null
  if (kind === 'reserved') return answer('suspect', `${address} is an address that no machine can have.`, honestReserved)
  const itself =
    kind === 'loopback' ||
    /^localhost$/i.test(host) ||
    [facts.name, facts.system?.fullName, facts.system?.hostName].some((n) => n != null && canonicalHost(n) === canonicalHost(host))
  if (itself) {
    const hostKey = facts.products.some((p) => p.channel === 'kms-host' && p.state === 'licensed')
    if (hostKey && site && facts.name && isNamedHost(facts.name, site))
      return answer('own', `Proved: the machine is ${facts.name}, a KMS host of the site file with a licensed host key.`)
    if (hostKey || (product.application === 'office' && !site))
      return answer(
        'cannot-tell',
        'It asks the machine itself, which is right on a KMS host; its name, compared with kms.hosts of the site file, decides.',
      )
    return answer(
      'suspect',
      `${address ?? host} is the machine itself.`,
      'A KMS host may activate its own Office; a port forwarder would look the same.',
    )
  }
  if (!site)
    return answer(
      'cannot-tell',
      `Whose host ${host} is, only the organisation knows: give a site file (--site slmctl.yaml) that names its hosts, domains and networks.`,
    )
  const declared = site.networks.length > 0
  const inside = address !== null && declared && inNetworks(address, site.networks)
  const outside = address !== null && declared && !inside
  if (isNamedHost(host, site) || (ip && isNamedHost(ip, site))) {
    // A name that is ours at an address that cannot be ours does not fit together.
    if (outside && kind === 'public')
      return answer(
        'suspect',
        `The site file names ${host}, but its address ${address} is outside the site’s networks.`,
        'A changed address or a NAT would explain it.',
      )
    return answer(
      'own',
      licensed || product.state === 'unknown'
        ? `Declared: the site file names ${trimDot(host)}.`
        : `Declared: it is told to use ${trimDot(host)}, which the site file names; it is not activated.`,
    )
  }
  const named = addressKind(host) === null
  const ownName = named && inDomains(host, site.domains)
  if (kind === 'public' && !inside) {
    if (!declared)
      return answer('cannot-tell', `${address} is a public address, and the site file declares no networks; with them it can be told.`)
    if (ownName) return answer('suspect', `${host} is in a domain of ours, but ${address} is outside the site’s networks.`, honestNetwork)
    return licensed
      ? answer(
          'foreign',
          `Activated by ${host === address ? address : `${host} (${address})`}, a public address outside the site’s networks.`,
          'A public network of yours that the file lacks would look the same.',
        )
      : answer(
          'suspect',
          `It is told to use ${host}, a public address outside the site’s networks; it is not activated by it.`,
          'A public network of yours that the file lacks would look the same.',
        )
  }
  if (found === 'dns' && ownName && !outside) return answer('own', `Declared: ${host} was published by DNS in a domain of the site file.`)
  if (!named) {
    if (inside)
      return answer(
        'cannot-tell',
        `${host} is inside the site’s networks, but the site file names no host at that address; the DNS name of ${host} decides.`,
      )
    return declared
      ? answer('suspect', `${host} is outside the networks of the site file.`, honestNetwork)
      : answer('cannot-tell', `${host} is a bare address, and the site file declares no networks.`)
  }
  if (outside) return answer('suspect', `${host} has the address ${address}, outside the networks of the site file.`, honestNetwork)
  if (found === 'dns' && !host.includes('.') && inside)
    return answer('cannot-tell', `${host} is a short name at an address inside the site’s networks; its full name decides.`)
  return answer(
    'suspect',
    `${host} is not a KMS host of the site file${ownName ? ', although its domain is ours' : ''}.`,
    'A host that the file lacks would explain it.',
  )
}

const honestNetwork = 'A network that the file lacks would explain it.'

const trimDot = (host: string) => host.replace(/\.$/, '')

/** A host of which a check saw a licensed KMS host key; `at` is when it was seen last (ISO 8601). */
export type HostProof = { readonly name: string; readonly at: string }

/**
 * The host of the site that activated a product, where one did: what a proof has to be about. Null: not ours, or not by a host.
 * A KMS host that shows its licensed key is a proof itself.
 */
export function provableHost(product: Product, machine: string): { readonly host: string; readonly proved: boolean } | null {
  if (product.origin !== 'own') return null
  if (product.channel === 'kms-host') return { host: machine, proved: product.state === 'licensed' }
  const host = product.kms?.host ?? product.kms?.ip ?? null
  return host === null || product.method === 'adba' ? null : { host, proved: false }
}

/** The proof of a host, by its whole name or the first label of it; null where there is none. */
export function proofOf(host: string, proofs: readonly HostProof[]): HostProof | null {
  const wanted = canonicalHost(host)
  return (
    proofs.find((p) => canonicalHost(p.name) === wanted) ??
    (/[.:]/.test(wanted) ? null : (proofs.find((p) => canonicalHost(p.name).startsWith(`${wanted}.`)) ?? null))
  )
}
