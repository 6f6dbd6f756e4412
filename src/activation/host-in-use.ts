import { canonicalHost } from '../addresses.ts'
import type { Cell, Row } from './clues/clue.ts'
import { wholeNumber } from './clues/shapes.ts'
import type { MachineFacts } from './facts/machine.ts'
import type { ProductFacts } from './facts/product.ts'
import { officeApplication, windowsApplication } from './live/questions.ts'

/** The KMS host that a product would ask, and where its name comes from. */
export type HostInUse = {
  /** Null where none is set: then DNS is asked, or, `from: 'none'`, nobody. */
  readonly host: string | null
  readonly port: number
  readonly from: 'product' | 'application' | 'global' | 'cache' | 'dns' | 'none'
  /**
   * The domains in which Windows looks for a host now, in order: where none is set, and where the one of the last activation does
   * not answer. Empty where a host is set by hand (that turns discovery off), and where none is asked; never empty otherwise.
   */
  readonly lookupDomains: readonly string[]
  /** Where it would look if nothing were set: what has to be resolved before a setting is cleared. */
  readonly suffixes: readonly string[]
}

/** Stands for a suffix that nobody could tell: no domain of any site. */
const unknownDomain = 'an unknown domain'
const standard = 1688

/** The row of the licensing service that a product belongs to. */
export function serviceOf(product: ProductFacts, facts: MachineFacts): Row {
  return product.officeService ? facts.officeService : facts.service
}

/** A product's own cell; what it took over from the machine's setting is not its own. */
export function own(product: ProductFacts, facts: MachineFacts, name: string): Cell | null {
  const cell = product.cells.get(name)
  return cell && cell !== serviceOf(product, facts).get(name) ? cell : null
}

/** The application's own setting, which only the registry shows. */
export function applicationHost(product: ProductFacts, facts: MachineFacts): { name: string; port: number | null } | null {
  if (product.officeService) return null
  const id =
    product.cells.get('ApplicationID')?.value.toLowerCase() ?? (product.application === 'office' ? officeApplication : windowsApplication)
  return facts.applicationHosts.get(id) ?? null
}

/**
 * The host that is set at one level, with its port. A product that names the machine's own host is taken to have none of its own:
 * whether Windows shows a product the setting of the machine is not documented, and for what is asked it makes no difference.
 */
export function hostAt(
  level: 'product' | 'global',
  product: ProductFacts,
  facts: MachineFacts,
): { name: string; port: number | null } | null {
  const service = serviceOf(product, facts)
  const global = service.get('KeyManagementServiceMachine') ?? null
  const name = level === 'product' ? own(product, facts, 'KeyManagementServiceMachine') : global
  if (!name || name.value === '') return null
  const row = level === 'product' ? product.cells : service
  const port = wholeNumber(row.get('KeyManagementServicePort')?.value ?? '') || null
  if (level === 'product' && global && canonicalHost(global.value) === canonicalHost(name.value)) {
    const servicePort = wholeNumber(service.get('KeyManagementServicePort')?.value ?? '') || null
    if (port === null || (port ?? standard) === (servicePort ?? standard)) return null
  }
  return { name: name.value, port }
}

/**
 * Which KMS host a product would ask, as a KMS client, in Microsoft's order of discovery: the product's own setting, the
 * application's, the machine's, the host of the last activation (unless host caching is off), DNS. A product that is activated
 * by Active Directory alone asks none. `without` tells what it would be if the setting of that level were cleared. What could not be asked is an unknown domain, so that no guard can take it for ours.
 */
export function hostInUse(product: ProductFacts, facts: MachineFacts, without: 'product' | 'global' | null = null): HostInUse {
  const domains = lookupDomains(product, facts)
  const enabled = own(product, facts, 'VLActivationTypeEnabled')?.value
  if (enabled === '1' || enabled === '3') return { host: null, port: standard, from: 'none', lookupDomains: [], suffixes: domains }
  const found = (from: HostInUse['from'], at: { name: string; port: number | null }): HostInUse => ({
    host: at.name,
    port: at.port ?? standard,
    from,
    lookupDomains: from === 'cache' || from === 'dns' ? domains : [],
    suffixes: domains,
  })
  const set = hostAt('product', product, facts)
  if (set && without !== 'product') return found('product', set)
  const unsure = (id: string) => facts.unasked.some((u) => u.question === id)
  const blind: HostInUse = { host: null, port: standard, from: 'dns', lookupDomains: [unknownDomain], suffixes: domains }
  if (!product.officeService) {
    const application = applicationHost(product, facts)
    if (application) return found('application', application)
    if (unsure(product.application === 'office' ? 'host:office' : 'host:windows')) return blind
  }
  const global = hostAt('global', product, facts)
  if (global && without !== 'global') return found('global', global)
  // A text prints the host of the licence without saying at which level it is set.
  if (facts.system === null && product.host.found === 'override' && product.host.name)
    return found('global', { name: product.host.name, port: product.host.port })
  if (unsure(product.officeService ? 'office-service' : 'service')) return blind
  const caching = serviceOf(product, facts).get('KeyManagementServiceHostCaching')?.value
  const cached = own(product, facts, 'DiscoveredKeyManagementServiceMachineName')?.value
  if (cached && !/^(?:false|0)$/i.test(caching ?? '')) {
    const port = wholeNumber(own(product, facts, 'DiscoveredKeyManagementServiceMachinePort')?.value ?? '')
    // Where the cached host does not answer, discovery runs again.
    return found('cache', { name: cached, port: port || null })
  }
  if (facts.system === null && product.host.name)
    return found(product.host.found === 'dns' ? 'dns' : 'cache', { name: product.host.name, port: product.host.port })
  return { host: null, port: standard, from: 'dns', lookupDomains: domains, suffixes: domains }
}

/** Where DNS is asked: the domain that is set for it, else the primary suffix and the AD domain, in a workgroup what DHCP gave. */
function lookupDomains(product: ProductFacts, facts: MachineFacts): readonly string[] {
  const set =
    own(product, facts, 'KeyManagementServiceLookupDomain')?.value ??
    serviceOf(product, facts).get('KeyManagementServiceLookupDomain')?.value
  if (set) return [set.toLowerCase().replace(/\.$/, '')]
  const { system } = facts
  if (!system) return [unknownDomain]
  const first = system.suffixesAsked ? [system.suffix] : [unknownDomain]
  const domains = [...first, system.domain, ...(system.domain === null ? [system.dhcpSuffix] : [])].filter((d) => d !== null)
  return domains.length > 0 ? [...new Set(domains)] : [unknownDomain]
}
