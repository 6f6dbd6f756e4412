/**
 * The guard: promise 1, below every way in. Whatever a plan, a flag, DNS, a journal or a schedule says, a step is sent only if
 * this file allows it, on the facts of that moment. Hosts are those that the site file names, or that the machine's own domain
 * publishes in DNS, at addresses inside the site's networks; nothing overrides it.
 */
import { createHash } from 'node:crypto'
import { type AuthorisedHost, type HostInUse, hostInUse, type MachineFacts, type ProductFacts } from '../activation.ts'
import { canonicalHost, hostStanding, inDomains, isNamedHost } from '../addresses.ts'
import { clientKeys, platformOfHost } from '../catalogue.ts'
import { type Problem, ProblemError, problem, type Site, type Step } from '../model.ts'
import type { Secret } from '../secrets.ts'

/** DNS as the guard asks it: every name once for each run, so that a name cannot change between check and use. */
export type Names = {
  readonly srv: (
    name: string,
  ) => Promise<readonly { readonly target: string; readonly port: number; readonly priority: number; readonly weight: number }[]>
  /** Every address of a name; empty where it has none. Throws a ProblemError where DNS gives no answer. */
  readonly addresses: (name: string) => Promise<readonly string[]>
}

export type Authorisation =
  | { readonly ok: true }
  /** `unasked`: DNS gave no answer, so that nobody knows whose the host is. */
  | { readonly ok: false; readonly because: string; readonly next: readonly string[]; readonly unasked?: true }

/** What one machine may use, resolved: the planner chooses from it, the guard holds every step against it. */
export type Authority = {
  /** In the order in which this machine should try them. */
  readonly hosts: readonly AuthorisedHost[]
  /** Hosts of the site file that may not be used now, and why. */
  readonly excluded: readonly { readonly name: string; readonly because: string }[]
  readonly authorise: (host: HostInUse) => Authorisation
  /** Whether the directory is one of ours that the machine asks before any host, where AD-based activation is allowed. */
  readonly directory: Authorisation
}

const no = (because: string, ...next: string[]): Authorisation => ({ ok: false, because, next })

/**
 * Resolves what a machine may use, what it would use, and what a setting of `planned` could uncover. Asks DNS only for the site's
 * own names and domains.
 */
export async function authority(facts: MachineFacts, site: Site | null, names: Names, planned: readonly Step[] = []): Promise<Authority> {
  if (site === null) {
    const why = no('Which KMS hosts are ours is for a site file to say; there is none.', 'slmctl site init writes one to begin with.')
    return { hosts: [], excluded: [], authorise: () => why, directory: why }
  }
  const suffix = suffixOf(facts)
  const excluded: { name: string; because: string }[] = []
  const named: AuthorisedHost[] = []
  for (const host of site.kmsHosts) {
    const look = await standing(wholeName(host.name, suffix), site, names)
    if (look.ok) named.push({ ...host, priority: host.priority ?? 0, weight: host.weight ?? 0, addresses: look.addresses, by: 'site' })
    else excluded.push({ name: host.name, because: look.because })
  }
  const published = new Map<string, Published>()
  const uses = facts.products.map((p) => hostInUse(p, facts))
  const looked = new Set(uses.flatMap((use) => [...use.lookupDomains, ...use.suffixes]).map((d) => d.toLowerCase()))
  const { system } = facts
  const uncovered = [system?.suffix, system?.domain, system?.dhcpSuffix, ...planned.map((s) => s.arguments.LookupDomain)]
  for (const domain of new Set([...looked, ...uncovered.flatMap((d) => (typeof d === 'string' ? [plainDomain(d)] : []))]))
    if (inDomains(domain, site.domains)) published.set(domain, await publishedIn(domain, site, names))
  const fromDns = [...published].flatMap(([domain, p]) => (looked.has(domain) ? p.hosts : []))
  const hosts = named.length > 0 ? named : fromDns
  return {
    hosts: order(hosts, facts.name ?? facts.id),
    excluded,
    authorise: (use) => authorise(use, facts, site, named, excluded, published),
    directory: directory(facts, site, false),
  }
}

const plainDomain = (domain: string) => domain.toLowerCase().replace(/\.$/, '')

/** The primary DNS suffix, which Windows puts behind a short name first; null where the machine did not tell. */
function suffixOf({ system, unasked }: MachineFacts): string | null {
  if (!system || unasked.some((u) => u.question === 'suffix')) return null
  return system.suffix ?? system.domain
}

/** What a name is on the machine: a short one has the machine's own suffix behind it, whatever it may be elsewhere. */
function wholeName(name: string, suffix: string | null): string {
  const plain = canonicalHost(name)
  return /[.:]/.test(plain) || suffix === null ? plain : `${plain}.${suffix}`
}

/** Whether the host that a machine would use is one of ours, at its declared port and addresses. */
function authorise(
  use: HostInUse,
  facts: MachineFacts,
  site: Site,
  named: readonly AuthorisedHost[],
  excluded: Authority['excluded'],
  published: ReadonlyMap<string, Published>,
): Authorisation {
  // Activation by Active Directory or by a token alone: no host is asked, but a directory.
  if (use.from === 'none') return directory(facts, site, true)
  if (use.host === null) return lookedUp(use.lookupDomains, published, true)
  const suffix = suffixOf(facts)
  const name = wholeName(use.host, suffix)
  const same = (h: { readonly name: string }) => wholeName(h.name, suffix) === name
  const platform = platformOfHost(use.host)
  if (platform)
    return no(
      `${use.host} is the KMS of a cloud platform (${platform}); its activations are the platform’s, and slmctl neither sets nor renews them.`,
      'See the provider’s page on Windows activation.',
    )
  const whole = /[.:]/.test(name)
  const candidates = [...named, ...[...published.values()].flatMap((p) => p.hosts)].filter(
    (h) => (whole && same(h)) || h.addresses.includes(name),
  )
  if (candidates.length === 0) {
    const why = excluded.find(same)
    if (why) return no(`${use.host}: ${why.because}`, 'Correct the host’s address or the networks of the site file.')
    if (!/[.:]/.test(canonicalHost(use.host)))
      return no(
        `${use.host} is a short name${suffix === null ? ', and the machine tells no DNS suffix for it' : `, which the machine takes for ${name}`}; no KMS host of ours is called so.`,
        'Set the host by its full name: slmctl plan does.',
      )
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

/** Whether the directory that a machine would ask is one of ours; `needed`: it asks nobody else. */
function directory({ system }: MachineFacts, site: Site, needed: boolean): Authorisation {
  const ours = [...site.domains, ...site.forests.flatMap((f) => [f.name.toLowerCase(), ...f.domains])]
  const domain = system?.domain ?? null
  if (domain === null)
    return needed ? no('The machine is in no domain, and only a directory may activate it.', 'Join it, or wish KMS for it.') : { ok: true }
  // A site file that names no domain at all says nothing about directories; a host of ours is then what counts.
  if (inDomains(domain, ours) || (!needed && ours.length === 0)) return { ok: true }
  return no(
    `The machine is in ${domain}, which the site file does not name, and its directory could activate it.`,
    'Add the domain (or its forest) to the site file if it is yours.',
    ...(needed ? [] : ['Or allow KMS only: slmctl apply --activation-type kms']),
  )
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
    if (found.unasked)
      return { ok: false, because: found.unasked, next: ['Try again when DNS answers, or name your hosts under kms.hosts.'], unasked: true }
    if (found.refused) return no(found.refused, `Correct the records _vlmcs._tcp.${domain}, or name the host under kms.hosts.`)
    some ||= found.hosts.length > 0
  }
  if (some || !needed) return { ok: true }
  return no(
    `The machine has no KMS host set, and DNS publishes none in ${domains.join(', ') || 'any domain'}.`,
    'Name your hosts under kms.hosts, or publish _vlmcs._tcp.',
  )
}

type Standing =
  | { readonly ok: true; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly because: string; readonly unasked?: true }

/** Where a host of ours stands: all of its addresses must lie in the site's networks, as the machine may use any of them. */
async function standing(name: string, site: Site, names: Names): Promise<Standing> {
  if (site.networks.length > 0 && !/[.:]/.test(name))
    return { ok: false, because: 'it is a short name, and the machine tells no DNS suffix for it.' }
  const { verdict, addresses, because } = await hostStanding(name, site, names.addresses, site.domains.length > 0)
  if (verdict === 'authorised') return { ok: true, addresses: addresses.map((a) => canonicalHost(a)) }
  return { ok: false, because: because!, ...(verdict === 'could-not-ask' ? { unasked: true as const } : {}) }
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

const publishedKeys: ReadonlySet<string> = new Set(clientKeys.map((row) => row.key))

/**
 * Whether a step may be sent now. Null where it may; else the Problem, before anything is sent. Every method that slmctl may
 * ever call is listed here, with what its arguments must be; everything else is refused. A setting is held against what the
 * machine would use after it: clearing one uncovers the next.
 */
export function forbids(step: Step, facts: MachineFacts, site: Site, may: Authority): Problem | null {
  const about = facts.name ?? facts.id
  const refuse = (because: string, next: readonly string[]) => problem('HOST_NOT_AUTHORISED', `${about}: ${because}`, next)
  const odd = (because: string) =>
    problem('STEP_NOT_ALLOWED', `${about}: ${because}`, ['Make a new plan; a step that slmctl did not plan is not sent.'])
  const level = levels.get(step.class)
  if (!level) return odd(`${step.class} is no class that slmctl changes.`)
  const allowed = methods.get(step.method)
  if (!allowed) return odd(`${step.method} is no method that slmctl calls.`)
  if (!allowed.of.includes(level.of)) return odd(`${step.class} has no method ${step.method}.`)
  const extra = Object.keys(step.arguments).find((name) => !(name in allowed.takes))
  if (extra) return odd(`${step.method} has no argument ${extra}.`)
  if (step.secret && (step.method !== 'InstallProductKey' || step.secret.argument !== 'ProductKey' || 'ProductKey' in step.arguments))
    return odd(`${step.method} takes no secret as ${step.secret.argument} here.`)
  const unfit = Object.entries(allowed.takes).find(([name, type]) => !step.secret && typeof step.arguments[name] !== type)
  if (unfit) return odd(`${step.method} needs ${unfit[0]}, a ${unfit[1]}.`)
  // The entry that is looked at here must be the one that is called.
  const id = step.key?.ID ?? null
  const entry =
    id === null ? null : (facts.products.find((p) => p.activationId === id && (p.officeService ?? false) === level.office) ?? null)
  if (level.of === 'product') {
    if (id === null || Object.keys(step.key ?? {}).length !== 1) return odd(`${step.class}.${step.method} names no product by its ID.`)
    if (step.product !== null && step.product !== id) return odd(`${step.method} names two products.`)
    if (!entry) return odd('the product that it is about is not on the machine.')
  } else if (step.key !== null || (step.product !== null && step.method !== 'InstallProductKey'))
    return odd(`${step.class}.${step.method} names a product.`)
  switch (step.method) {
    case 'SetKeyManagementServiceMachine': {
      const name = String(step.arguments.MachineName)
      if (may.hosts.some((h) => h.name.toLowerCase() === name.toLowerCase())) return null
      const why = may.excluded.find((e) => e.name.toLowerCase() === name.toLowerCase())
      return refuse(why ? `${name}: ${why.because}` : `${name || 'an empty name'} is no KMS host that the site file names.`, [
        'Name your hosts under kms.hosts of the site file.',
      ])
    }
    case 'SetKeyManagementServicePort': {
      const port = Number(step.arguments.PortNumber)
      const use = facts.products.filter((p) => !entry || p === entry).map((p) => hostInUse(p, facts))
      const set = new Set(use.flatMap((u) => (u.host === null ? [] : [canonicalHost(u.host)])))
      if (may.hosts.some((h) => h.port === port && (set.size === 0 || set.has(canonicalHost(h.name))))) return null
      return refuse(`no KMS host of ours answers at port ${port}.`, ['Give the host its port under kms.hosts.'])
    }
    case 'SetKeyManagementServiceLookupDomain': {
      const domain = String(step.arguments.LookupDomain)
      if (!inDomains(domain, site.domains))
        return refuse(`${domain} is not a domain of the site file.`, ['Add the domain to the site file if it is yours.'])
      return uncovers(step, entry, facts, may, refuse)
    }
    case 'SetVLActivationTypeEnabled':
      if (![0, 1, 2].includes(Number(step.arguments.ActivationType))) return odd('slmctl allows every kind of activation, AD or KMS only.')
      return uncovers(step, entry, facts, may, refuse)
    case 'ClearVLActivationTypeEnabled':
    case 'ClearKeyManagementServiceMachine':
    case 'ClearKeyManagementServicePort':
    case 'ClearKeyManagementServiceLookupDomain':
    case 'DisableKeyManagementServiceHostCaching':
      return uncovers(step, entry, facts, may, refuse)
    case 'InstallProductKey': {
      if (step.secret) {
        const mine = [...site.wishes, ...site.groups.flatMap((g) => g.wishes)].some(
          (w) => JSON.stringify(w.key) === JSON.stringify(step.secret?.reference),
        )
        return mine ? null : odd('the key to install is not one that a wish of the site file names.')
      }
      const key = String(step.arguments.ProductKey)
      if (!publishedKeys.has(key)) return odd('the key to install is no client setup key that Microsoft publishes.')
      // Windows asks its KMS host by itself as soon as it has a client key: that host must be ours before.
      const model = facts.products[0]
      if (!model) return refuse('which KMS host it would ask is not known.', ['Look at it first: slmctl status'])
      const office = level.office || clientKeys.some((row) => row.key === key && row.family === 'office')
      const fresh: ProductFacts = {
        ...model,
        application: office ? 'office' : 'windows',
        channel: 'kms-client',
        officeService: level.office,
        cells: new Map(),
      }
      const there = facts.products.filter((p) => step.product !== null && p.activationId === step.product)
      return asked([fresh, ...there], facts, site, may, refuse)
    }
    case 'UninstallProductKey':
      return entry!.application === 'office' && entry!.state !== 'licensed'
        ? null
        : odd('slmctl removes only the keys of Office entries that are not licensed.')
    case 'DepositOfflineConfirmationId': {
      const { InstallationId: given, ConfirmationId: answer } = step.arguments
      // A KMS client is its host's affair, and an OEM or retail licence its owner's.
      if (entry!.channel !== 'mak' && entry!.channel !== 'kms-host')
        return odd(`slmctl activates no product of the channel ${entry!.channel} by telephone.`)
      if (entry!.channel === 'kms-host' && !isNamedHost(about, site))
        return refuse('it has a KMS host key, and kms.hosts of the site file does not name it.', ['Name the host if it is yours.'])
      if (!/^\d{1,128}$/.test(String(given)) || !/^\d{1,128}$/.test(String(answer)))
        return odd('an ID of telephone activation is not made of digits.')
      if (entry!.cells.get('OfflineInstallationId')?.value.replace(/[\s-]/g, '') !== given)
        return odd('the confirmation ID was given for another installation.')
      return null
    }
    case 'Activate':
      if (entry!.channel === 'kms-client') return asked([entry!], facts, site, may, refuse)
      // A MAK and a key of the Hyper-V host ask no KMS host; what we cannot name could.
      if (entry!.channel === 'mak' || entry!.channel === 'avma') return null
      return odd(`slmctl does not activate a product of the channel ${entry!.channel}.`)
    default:
      return null
  }
}

const levels: ReadonlyMap<string, { readonly of: 'service' | 'product'; readonly office: boolean }> = new Map([
  ['SoftwareLicensingService', { of: 'service', office: false }],
  ['SoftwareLicensingProduct', { of: 'product', office: false }],
  ['OfficeSoftwareProtectionService', { of: 'service', office: true }],
  ['OfficeSoftwareProtectionProduct', { of: 'product', office: true }],
])

type Method = {
  readonly of: readonly ('service' | 'product')[]
  readonly takes: Readonly<Record<string, 'string' | 'number' | 'boolean'>>
}
const [both, service, product] = [['service', 'product'], ['service'], ['product']] as const
/** Methods with their classes and arguments; `wmi-classes.json` and Microsoft's pages name them. */
const methods: ReadonlyMap<string, Method> = new Map(
  Object.entries<Method>({
    SetKeyManagementServiceMachine: { of: both, takes: { MachineName: 'string' } },
    SetKeyManagementServicePort: { of: both, takes: { PortNumber: 'number' } },
    SetKeyManagementServiceLookupDomain: { of: both, takes: { LookupDomain: 'string' } },
    ClearKeyManagementServiceMachine: { of: both, takes: {} },
    ClearKeyManagementServicePort: { of: both, takes: {} },
    ClearKeyManagementServiceLookupDomain: { of: both, takes: {} },
    DisableKeyManagementServiceHostCaching: { of: service, takes: { DisableCaching: 'boolean' } },
    SetVLActivationTypeEnabled: { of: both, takes: { ActivationType: 'number' } },
    ClearVLActivationTypeEnabled: { of: both, takes: {} },
    InstallProductKey: { of: service, takes: { ProductKey: 'string' } },
    UninstallProductKey: { of: product, takes: {} },
    ClearProductKeyFromRegistry: { of: service, takes: {} },
    RefreshLicenseStatus: { of: service, takes: {} },
    Activate: { of: product, takes: {} },
    DepositOfflineConfirmationId: { of: product, takes: { InstallationId: 'string', ConfirmationId: 'string' } },
  }),
)

type Refuse = (because: string, next: readonly string[]) => Problem

/** Refused unless the host (or the directory, which Windows asks first) that each entry would ask is authorised. */
function asked(entries: readonly ProductFacts[], facts: MachineFacts, site: Site, may: Authority, refuse: Refuse): Problem | null {
  for (const entry of entries) {
    const answer = may.authorise(hostInUse(entry, facts))
    if (!answer.ok) return refuse(answer.because, answer.next)
    const kmsOnly = entry.cells.get('VLActivationTypeEnabled')?.value === '2'
    if (kmsOnly || entry.officeService || Number(facts.system?.version ?? 0) < 6.2) continue
    const first = directory(facts, site, false)
    if (!first.ok) return refuse(first.because, first.next)
  }
  return null
}

/** Refused where a setting leads a KMS client, which asks by itself every week, to a host that is not ours. */
function uncovers(step: Step, entry: ProductFacts | null, facts: MachineFacts, may: Authority, refuse: Refuse): Problem | null {
  const then = afterwards(step, entry, facts)
  for (const [i, p] of facts.products.entries()) {
    if (p.channel !== 'kms-client' && p.channel !== 'unknown') continue
    const use = hostInUse(then.products[i]!, then)
    if (JSON.stringify(use) === JSON.stringify(hostInUse(p, facts))) continue
    const answer = may.authorise(use)
    if (!answer.ok) return refuse(`after this step, ${answer.because}`, answer.next)
  }
  return null
}

/**
 * The facts as a setting would leave them. What a product took over from its service is changed with the service's: the same
 * value is taken for that, as `hostInUse` does.
 */
function afterwards(step: Step, entry: ProductFacts | null, facts: MachineFacts): MachineFacts {
  const [name, value] = settingOf(step)
  const office = levels.get(step.class)!.office
  const cell = { value: value ?? '', source: facts.id, line: 0, raw: '', keyless: true }
  const changed = (cells: ReadonlyMap<string, typeof cell>) => {
    const row = new Map(cells)
    if (value === null) row.delete(name)
    else row.set(name, cell)
    return row
  }
  if (entry) return { ...facts, products: facts.products.map((p) => (p === entry ? { ...p, cells: changed(p.cells) } : p)) }
  const row = office ? facts.officeService : facts.service
  const old = row.get(name)
  const takenOver = (own: typeof old) => own === old || (own !== undefined && canonicalHost(own.value) === canonicalHost(old?.value ?? ''))
  return {
    ...facts,
    [office ? 'officeService' : 'service']: changed(row),
    products: facts.products.map((p) =>
      (p.officeService ?? false) === office && takenOver(p.cells.get(name)) ? { ...p, cells: changed(p.cells) } : p,
    ),
  }
}

/** The property that a setting changes, and what it is afterwards; null: not set. */
function settingOf(step: Step): readonly [string, string | null] {
  const set = Object.values(step.arguments)[0]
  if (step.method === 'DisableKeyManagementServiceHostCaching') return ['KeyManagementServiceHostCaching', String(set === false)]
  return [step.method.replace(/^(?:Set|Clear)/, ''), set === undefined || step.method.startsWith('Clear') ? null : String(set)]
}

/** True for a secret that is one of the published client keys: a machine that gets it asks a KMS host by itself. */
export function isClientKey(secret: Secret): boolean {
  return secret.use((bytes) => {
    const plain = Buffer.alloc(bytes.length)
    let length = 0
    for (const b of bytes) if (b > 0x20 && b !== 0x2d) plain[length++] = b >= 0x61 && b <= 0x7a ? b - 0x20 : b
    const found = clientKeys.some((row) => plain.subarray(0, length).equals(Buffer.from(row.key.replaceAll('-', ''))))
    plain.fill(0)
    return found
  })
}
