/**
 * The guard: promise 1, below every way in. Whatever a plan, a flag, DNS, a journal or a schedule says, a step is sent only if
 * this file allows it, on the facts of that moment. Hosts are those that the site file names, or that the machine's own domain
 * publishes in DNS, at addresses inside the site's networks; nothing overrides it.
 */
import { createHash } from 'node:crypto'
import { type AuthorisedHost, type HostInUse, hostInUse, type MachineFacts } from '../activation.ts'
import { addressKind, canonicalHost, inDomains, inNetworks } from '../addresses.ts'
import { clientKeys, platformOfHost } from '../catalogue.ts'
import { type Problem, ProblemError, problem, type Site, type Step } from '../model.ts'

/** DNS as the guard asks it: every name once for each run, so that a name cannot change between check and use. */
export type Names = {
  readonly srv: (
    name: string,
  ) => Promise<readonly { readonly target: string; readonly port: number; readonly priority: number; readonly weight: number }[]>
  /** Every address of a name; empty where it has none. Throws a ProblemError where DNS gives no answer. */
  readonly addresses: (name: string) => Promise<readonly string[]>
}

export type Authorisation = { readonly ok: true } | { readonly ok: false; readonly because: string; readonly next: readonly string[] }

/** What one machine may use, resolved: the planner chooses from it, the guard holds every step against it. */
export type Authority = {
  /** In the order in which this machine should try them. */
  readonly hosts: readonly AuthorisedHost[]
  /** Hosts of the site file that may not be used now, and why. */
  readonly excluded: readonly { readonly name: string; readonly because: string }[]
  readonly authorise: (host: HostInUse) => Authorisation
}

const no = (because: string, ...next: string[]): Authorisation => ({ ok: false, because, next })

/** Resolves what a machine may use and what it would use. Asks DNS only for the site's own names and domains. */
export async function authority(facts: MachineFacts, site: Site | null, names: Names): Promise<Authority> {
  if (site === null) {
    const why = no('Which KMS hosts are ours is for a site file to say; there is none.', 'slmctl site init writes one to begin with.')
    return { hosts: [], excluded: [], authorise: () => why }
  }
  const excluded: { name: string; because: string }[] = []
  const named: AuthorisedHost[] = []
  for (const host of site.kmsHosts) {
    const look = await standing(host.name, site, names)
    if (look.ok) named.push({ ...host, priority: host.priority ?? 0, weight: host.weight ?? 0, addresses: look.addresses, by: 'site' })
    else excluded.push({ name: host.name, because: look.because })
  }
  const published = new Map<string, Published>()
  const uses = facts.products.map((p) => hostInUse(p, facts))
  for (const domain of new Set(uses.flatMap((use) => [...use.lookupDomains, ...use.suffixes])))
    if (inDomains(domain, site.domains)) published.set(domain.toLowerCase(), await publishedIn(domain, site, names))
  const fromDns = [...published.values()].flatMap((p) => p.hosts)
  const hosts = named.length > 0 ? named : fromDns
  return {
    hosts: order(hosts, facts.name ?? facts.id),
    excluded,
    authorise: (use) => authorise(use, site, named, excluded, published),
  }
}

/** Whether the host that a machine would use is one of ours, at its declared port and addresses. */
function authorise(
  use: HostInUse,
  site: Site,
  named: readonly AuthorisedHost[],
  excluded: Authority['excluded'],
  published: ReadonlyMap<string, Published>,
): Authorisation {
  if (use.from === 'none') return { ok: true } // activation by Active Directory or by a token alone: no host is asked
  if (use.host === null) return lookedUp(use.lookupDomains, published, true)
  const name = canonicalHost(use.host)
  const platform = platformOfHost(use.host)
  if (platform)
    return no(
      `${use.host} is the KMS of a cloud platform (${platform}); its activations are the platform’s, and slmctl neither sets nor renews them.`,
      'See the provider’s page on Windows activation.',
    )
  const candidates = [...named, ...[...published.values()].flatMap((p) => p.hosts)].filter(
    (h) => sameHost(canonicalHost(h.name), name, site) || h.addresses.includes(name),
  )
  if (candidates.length === 0) {
    const why = excluded.find((e) => sameHost(canonicalHost(e.name), name, site))
    if (why) return no(`${use.host}: ${why.because}`, 'Correct the host’s address or the networks of the site file.')
    return no(
      `${use.host} is not a KMS host of the site file, nor published by the machine’s own domain.`,
      'Name it under kms.hosts of the site file if it is yours; else let slmctl plan replace it.',
    )
  }
  if (!candidates.some((h) => h.port === use.port))
    return no(
      `${use.host} is ours at port ${candidates[0]!.port}, but the machine would ask port ${use.port}.`,
      'slmctl plan sets the port.',
    )
  // Where a cached host does not answer, Windows looks in DNS again: what it would find there must be ours, too.
  return lookedUp(use.lookupDomains, published, false)
}

/** Whether everything that the machine could find in DNS is ours; `needed`: it must find something. */
function lookedUp(domains: readonly string[], published: ReadonlyMap<string, Published>, needed: boolean): Authorisation {
  let some = false
  for (const domain of domains) {
    const found = published.get(domain.toLowerCase())
    if (!found)
      return no(
        `The machine looks for a KMS host in ${domain}, which is not a domain of the site file.`,
        'Add the domain to the site file if it is yours, or set a KMS host.',
      )
    if (found.unasked) return no(found.unasked, 'Try again when DNS answers, or name your hosts under kms.hosts.')
    if (found.refused) return no(found.refused, `Correct the records _vlmcs._tcp.${domain}, or name the host under kms.hosts.`)
    some ||= found.hosts.length > 0
  }
  if (some || !needed) return { ok: true }
  return no(
    `The machine has no KMS host set, and DNS publishes none in ${domains.join(', ') || 'any domain'}.`,
    'Name your hosts under kms.hosts, or publish _vlmcs._tcp.',
  )
}

/** Two names of one host: equal, or one is the short form of the other in a domain of the site. */
function sameHost(a: string, b: string, site: Site): boolean {
  if (a === b) return true
  const [short, long] = a.includes('.') ? [b, a] : [a, b]
  return !/[.:]/.test(short) && long.startsWith(`${short}.`) && inDomains(long, site.domains)
}

type Standing =
  | { readonly ok: true; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly because: string; readonly unasked?: true }

/** Where a host of ours stands: all of its addresses must lie in the site's networks, as the machine may use any of them. */
async function standing(name: string, site: Site, names: Names): Promise<Standing> {
  if (site.networks.length === 0) return { ok: false, because: 'the site file declares no networks in which a KMS host may stand.' }
  if (name.includes('.') && addressKind(name) === null && site.domains.length > 0 && !inDomains(name, site.domains))
    return { ok: false, because: 'it is in no domain of the site file.' }
  let addresses: readonly string[]
  try {
    addresses = await names.addresses(name)
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return { ok: false, because: `its address could not be asked for: ${error.message}`, unasked: true }
  }
  if (addresses.length === 0) return { ok: false, because: 'DNS knows no address of it.' }
  const outside = addresses.find((a) => !inNetworks(a, site.networks))
  if (outside) return { ok: false, because: `its address ${outside} is outside the networks of the site file.` }
  return { ok: true, addresses: addresses.map((a) => canonicalHost(a)) }
}

type Published = { readonly hosts: readonly AuthorisedHost[]; readonly refused: string | null; readonly unasked: string | null }

/** What our own DNS publishes for a domain. One record that is not ours spoils all: the machine may take any of them. */
async function publishedIn(domain: string, site: Site, names: Names): Promise<Published> {
  const hosts: AuthorisedHost[] = []
  let records: Awaited<ReturnType<Names['srv']>>
  try {
    records = await names.srv(`_vlmcs._tcp.${domain}`)
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return { hosts: [], refused: null, unasked: `DNS could not be asked for _vlmcs._tcp.${domain}: ${error.message}` }
  }
  for (const record of records) {
    const { target, port, priority, weight } = record
    if (!inDomains(target, site.domains) && !site.kmsHosts.some((h) => canonicalHost(h.name) === canonicalHost(target)))
      return { hosts: [], refused: `DNS of ${domain} publishes ${target}, which is in no domain of the site file.`, unasked: null }
    const look = await standing(target, site, names)
    if (!look.ok)
      return look.unasked
        ? { hosts: [], refused: null, unasked: `${target}: ${look.because}` }
        : { hosts: [], refused: `DNS of ${domain} publishes ${target}: ${look.because}`, unasked: null }
    hosts.push({ name: target, port, priority, weight, addresses: look.addresses, by: 'dns' })
  }
  return { hosts, refused: null, unasked: null }
}

/**
 * By priority, then spread by weight (RFC 2782): each machine draws by its own name, so that its order stays the same while the
 * fleet is spread. The draw is rendezvous hashing, -ln(u)/weight; a weight of 0 counts as the smallest chance.
 */
function order(hosts: readonly AuthorisedHost[], machine: string): AuthorisedHost[] {
  const drawn = hosts.map((host) => {
    const hash = createHash('sha256').update(`${machine.toLowerCase()} ${host.name.toLowerCase()}:${host.port}`).digest()
    const u = (hash.readUInt32BE(0) + 1) / 2 ** 32
    return { host, draw: -Math.log(u) / Math.max(host.weight, 0.01) }
  })
  return drawn.sort((a, b) => a.host.priority - b.host.priority || a.draw - b.draw).map((d) => d.host)
}

const service = ['SoftwareLicensingService', 'OfficeSoftwareProtectionService']
const product = ['SoftwareLicensingProduct', 'OfficeSoftwareProtectionProduct']
const published = new Set(clientKeys.map((row) => row.key))

/**
 * Whether a step may be sent now. Null where it may; else the Problem, before anything is sent. Every method that slmctl may
 * ever call is listed here, with what its arguments must be; everything else is refused.
 */
export function forbids(step: Step, facts: MachineFacts, site: Site, may: Authority): Problem | null {
  const about = facts.name ?? facts.id
  const refuse = (because: string, next: readonly string[]) => problem('HOST_NOT_AUTHORISED', `${about}: ${because}`, next)
  const odd = (because: string) =>
    problem('STEP_NOT_ALLOWED', `${about}: ${because}`, ['Make a new plan; a step that slmctl did not plan is not sent.'])
  const classes = [...service, ...product]
  if (!classes.includes(step.class)) return odd(`${step.class} is no class that slmctl changes.`)
  const onProduct = product.includes(step.class)
  if (onProduct !== (step.key !== null)) return odd(`${step.class}.${step.method} names ${onProduct ? 'no product' : 'a product'}.`)
  const target = step.product ?? (onProduct ? (step.key?.ID ?? null) : null)
  const allowed = methods.get(step.method)
  if (!allowed) return odd(`${step.method} is no method that slmctl calls.`)
  const extra = Object.keys(step.arguments).find((name) => !allowed.includes(name))
  if (extra) return odd(`${step.method} has no argument ${extra}.`)
  switch (step.method) {
    case 'SetKeyManagementServiceMachine': {
      const name = String(step.arguments.MachineName ?? '')
      if (may.hosts.some((h) => h.name.toLowerCase() === name.toLowerCase())) return null
      const why = may.excluded.find((e) => e.name.toLowerCase() === name.toLowerCase())
      return refuse(why ? `${name}: ${why.because}` : `${name || 'an empty name'} is no KMS host that the site file names.`, [
        'Name your hosts under kms.hosts of the site file.',
      ])
    }
    case 'SetKeyManagementServicePort': {
      const port = Number(step.arguments.PortNumber)
      const use = facts.products.filter((p) => target === null || p.activationId === target).map((p) => hostInUse(p, facts))
      const set = new Set(use.flatMap((u) => (u.host === null ? [] : [canonicalHost(u.host)])))
      if (may.hosts.some((h) => h.port === port && (set.size === 0 || set.has(canonicalHost(h.name))))) return null
      return refuse(`no KMS host of ours answers at port ${step.arguments.PortNumber}.`, ['Give the host its port under kms.hosts.'])
    }
    case 'SetKeyManagementServiceLookupDomain': {
      const domain = String(step.arguments.LookupDomain ?? '')
      return inDomains(domain, site.domains)
        ? null
        : refuse(`${domain} is not a domain of the site file.`, ['Add the domain to the site file if it is yours.'])
    }
    case 'InstallProductKey': {
      if (step.secret) {
        const mine = [...site.wishes, ...site.groups.flatMap((g) => g.wishes)].some(
          (w) => JSON.stringify(w.key) === JSON.stringify(step.secret?.reference),
        )
        return mine ? null : odd('the key to install is not one that a wish of the site file names.')
      }
      if (!published.has(String(step.arguments.ProductKey ?? '') as (typeof clientKeys)[number]['key']))
        return odd('the key to install is no client setup key that Microsoft publishes.')
      // Windows asks its KMS host by itself as soon as it has a client key: that host must be ours before.
      return asked(facts, target, may, refuse)
    }
    case 'UninstallProductKey': {
      const entry = facts.products.find((p) => p.activationId === target)
      if (!entry) return odd('the entry whose key should be removed is not on the machine.')
      return entry.application === 'office' && entry.state !== 'licensed'
        ? null
        : odd('slmctl removes only the keys of Office entries that are not licensed.')
    }
    case 'Activate': {
      const entry = facts.products.find((p) => p.activationId === target)
      if (!entry) return odd('the product to activate is not on the machine.')
      // A MAK and a key of the Hyper-V host ask no KMS host; everything else, and what we cannot name, does.
      if (entry.channel === 'mak' || entry.channel === 'avma' || entry.addOn) return null
      if (entry.channel !== 'kms-client') return odd(`slmctl does not activate a product of the channel ${entry.channel}.`)
      return asked(facts, target, may, refuse)
    }
    default:
      return null
  }
}

/** Methods with the names of their arguments; `wmi-classes.json` and Microsoft's pages name them. */
const methods: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    SetKeyManagementServiceMachine: ['MachineName'],
    SetKeyManagementServicePort: ['PortNumber'],
    SetKeyManagementServiceLookupDomain: ['LookupDomain'],
    ClearKeyManagementServiceMachine: [],
    ClearKeyManagementServicePort: [],
    ClearKeyManagementServiceLookupDomain: [],
    DisableKeyManagementServiceHostCaching: ['DisableCaching'],
    SetVLActivationTypeEnabled: ['ActivationType'],
    ClearVLActivationTypeEnabled: [],
    InstallProductKey: ['ProductKey'],
    UninstallProductKey: [],
    ClearProductKeyFromRegistry: [],
    RefreshLicenseStatus: [],
    Activate: [],
  }),
)

/** Refused unless the host that the product (or, where none is named, any KMS client) would ask is authorised. */
function asked(
  facts: MachineFacts,
  target: string | null,
  may: Authority,
  refuse: (because: string, next: readonly string[]) => Problem,
): Problem | null {
  const entries = facts.products.filter((p) => !p.addOn && (target === null ? p.channel === 'kms-client' : p.activationId === target))
  // An entry that this step makes is not there yet: it would use what any entry of Windows or Office uses now.
  const uses = (entries.length > 0 ? entries : facts.products.filter((p) => !p.addOn)).map((p) => hostInUse(p, facts))
  if (uses.length === 0) return refuse('which KMS host it would ask is not known.', ['Look at it first: slmctl status'])
  for (const use of uses) {
    const answer = may.authorise(use)
    if (!answer.ok) return refuse(answer.because, answer.next)
  }
  return null
}
