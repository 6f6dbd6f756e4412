import { marks, numberOf, platformOfHost } from '../catalogue.ts'
import type { Evidence, Origin, Site } from '../model.ts'
import { addressKind, inDomains, inNetworks, isNamedHost } from './addresses.ts'
import type { MachineFacts } from './facts/machine.ts'
import type { ProductFacts } from './facts/product.ts'
import { impossible } from './rules/evidence.ts'
import { isDigital } from './rules/keys.ts'
import { shown } from './rules/rule.ts'

/** Whose activation a product is, why, and what it rests on. */
export type OriginReading = { readonly origin: Origin; readonly because: string; readonly evidence: readonly Evidence[] }

/**
 * Whose activation it is: by what the site owns, never by a list of other people's servers. What no genuine host can give and
 * plain marks of an activator are `foreign` with or without a site file; everything else about a host needs the site file.
 */
export function originOf(product: ProductFacts, facts: MachineFacts, site: Site | null, readAt: string | null): OriginReading {
  const hostLines = shown(
    product,
    ['KmsRegistered', 'the KMS host, set by hand'],
    ['KmsFromDns', 'the KMS host, from DNS'],
    ['KeyManagementServiceMachine', 'the KMS host, set by hand'],
    ['DiscoveredKeyManagementServiceMachineName', 'the KMS host, from DNS'],
    ['DiscoveredKeyManagementServiceMachineIpAddress', 'the address of the KMS host'],
  )
  if (impossible(product, readAt)) {
    return {
      origin: 'foreign',
      because: 'More time is left than any genuine KMS host can give (180 days).',
      evidence: shown(product, ['GracePeriodRemaining', 'more than 259,200 minutes'], ['Expires', 'the printed end']),
    }
  }
  const mark = facts.marks.find((m) => !m.plainTalk && marks[m.mark]!.strength === 'strong' && marks[m.mark]!.kind !== 'detection')
  const volume = product.channel === 'kms-client' || product.channel === 'unknown'
  if (mark && (volume || isDigital(product))) {
    return { origin: 'foreign', because: `The machine carries a mark of an activator: ${marks[mark.mark]!.text}.`, evidence: [] }
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
        return { origin: 'own', because: `Declared: the site file names ${facts.name} as a KMS host.`, evidence: [] }
      return {
        origin: 'cannot-tell',
        because: site
          ? 'A KMS host key; the text does not say on which machine. Its name, compared with kms.hosts of the site file, decides.'
          : 'A KMS host key; a site file that names the organisation’s hosts would decide.',
        evidence: shown(product, ['PartialProductKey', 'the end of the KMS host key']),
      }
    case 'avma':
      return { origin: 'cannot-tell', because: 'Activated by its Hyper-V host; the licence of that host decides.', evidence: [] }
    default:
  }
  if (product.activationObject && product.method === 'adba') {
    const dn = product.activationObject
    const domain = [...dn.matchAll(/DC=([^,]+)/gi)]
      .map((m) => m[1])
      .join('.')
      .toLowerCase()
    const lines = shown(product, ['ADActivationObjectDN', 'the activation object'], ['ADActivationObjectName', 'the activation object'])
    if (site && domain && inDomains(domain, site.domains))
      return { origin: 'own', because: `Declared: activated by an object in ${domain}, a domain of the site file.`, evidence: lines }
    if (site && domain)
      return { origin: 'suspect', because: `Activated by an object in ${domain}, which the site file does not name.`, evidence: lines }
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
      evidence: hostLines,
    }
  }
  return byHost(product, site, hostLines)
}

function byHost(product: ProductFacts, site: Site | null, evidence: readonly Evidence[]): OriginReading {
  const { name, ip, found } = product.host
  const licensed = product.state === 'licensed'
  const host = name ?? ip
  if (!host && product.channel === 'unknown')
    return { origin: 'cannot-tell', because: 'The text does not tell what kind of key it is; slmgr /dlv does.', evidence: [] }
  if (!host) {
    return {
      origin: 'cannot-tell',
      because: licensed
        ? 'The text does not name the KMS host; slmgr /dlv (Office: ospp.vbs /dstatus) does.'
        : 'It is not activated, and the text names no host.',
      evidence: [],
    }
  }
  const platform = platformOfHost(host) ?? (ip ? platformOfHost(ip) : null)
  if (platform) {
    if (!site)
      return {
        origin: 'cannot-tell',
        because: `${host} is the KMS of ${platformNames[platform]} for its own virtual machines; a site file that lists the platform would decide.`,
        evidence,
      }
    if (site.platforms.includes(platform))
      return { origin: 'platform', because: `${host} is the KMS of ${platformNames[platform]}, which the site file lists.`, evidence }
    return {
      origin: 'suspect',
      because: `${host} is the KMS of ${platformNames[platform]}, which the site file does not list. A machine there would explain it.`,
      evidence,
    }
  }
  const kinds = [name, ip].map((h) => (h ? addressKind(h) : null))
  if (kinds.includes('reserved'))
    return {
      origin: 'suspect',
      because: `${host} is an address that no machine can have. Somebody may have set it to keep the machine from asking.`,
      evidence,
    }
  if (kinds.includes('loopback') || /^localhost$/i.test(host)) {
    if (product.application === 'office' && site === null)
      return {
        origin: 'cannot-tell',
        because: 'Office asks the machine itself; that is right on the KMS host itself, and its own slmgr /dlv shows whether it is one.',
        evidence,
      }
    return {
      origin: 'suspect',
      because: `${host} is the machine itself. A KMS host may activate its own Office; a port forwarder would look the same.`,
      evidence,
    }
  }
  if (!site)
    return {
      origin: 'cannot-tell',
      because: `Whose host ${host} is, only the organisation knows: give a site file (--site slmctl.yaml) that names its hosts, domains and networks.`,
      evidence,
    }
  if (isNamedHost(host, site) || (ip && isNamedHost(ip, site))) {
    // A name that is ours at an address that cannot be ours does not fit together.
    const address = ip ?? (addressKind(host) ? host : null)
    if (address && site.networks.length > 0 && addressKind(address) === 'public' && !inNetworks(address, site.networks))
      return {
        origin: 'suspect',
        because: `The site file names ${host}, but its address ${address} is outside the site’s networks. A changed address or a NAT would explain it.`,
        evidence,
      }
    return licensed || product.state === 'unknown'
      ? { origin: 'own', because: `Declared: the site file names ${host}.`, evidence }
      : { origin: 'own', because: `Declared: it is told to use ${host}, which the site file names; it is not activated.`, evidence }
  }
  const address = ip ?? (addressKind(host) ? host : null)
  if (address && addressKind(address) === 'public' && !inNetworks(address, site.networks)) {
    if (licensed)
      return {
        origin: 'foreign',
        because: `Activated by ${host === address ? address : `${host} (${address})`}, a public address outside the site’s networks.`,
        evidence,
      }
    return {
      origin: 'suspect',
      because: `It is told to use ${host}, a public address outside the site’s networks; it is not activated by it.`,
      evidence,
    }
  }
  const ownName = !addressKind(host) && inDomains(host, site.domains)
  const ownAddress = address !== null && inNetworks(address, site.networks)
  if (found === 'dns' && ownName && (address === null || ownAddress))
    return { origin: 'own', because: `Declared: ${host} was published by DNS in a domain of the site file.`, evidence }
  if (found === 'dns' && ownAddress)
    return {
      origin: 'own',
      because: `Declared: DNS published ${host}, and its address ${address} is inside the site’s networks.`,
      evidence,
    }
  if (addressKind(host) !== null && ownAddress)
    return {
      origin: 'cannot-tell',
      because: `${host} is inside the site’s networks, but the site file names no host at that address; the DNS name of ${host} decides.`,
      evidence,
    }
  if (addressKind(host) !== null)
    return {
      origin: 'suspect',
      because: `${host} is outside the networks of the site file. A network that the file lacks would explain it.`,
      evidence,
    }
  return {
    origin: 'suspect',
    because: `${host} is not a KMS host of the site file${ownName ? ', although its domain is ours' : ''}. A host that the file lacks would explain it.`,
    evidence,
  }
}

const platformNames = { azure: 'Microsoft Azure', aws: 'Amazon Web Services', google: 'Google Cloud', oracle: 'Oracle Cloud' } as const
