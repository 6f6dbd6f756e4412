import { chance, digitsOf, guidOf } from './chance.ts'
import type { Cell } from './classes.ts'
import type { Network, Request } from './network.ts'
import { codeOf } from './results.ts'
import { type Licence, licence, licencesOf, officeLicencesBeside } from './scenarios/products.ts'
import type { Keyed, Scenario, Status } from './scenarios/scenario.ts'
import { type Hardware, hardware, type System, systems } from './scenarios/systems.ts'

/** LicenseStatus as a number (kms-rules, licence states). */
export const statusNumber: Readonly<Record<Status, number>> = {
  unlicensed: 0,
  licensed: 1,
  grace: 2,
  'oot-grace': 3,
  'non-genuine-grace': 4,
  notification: 5,
  'extended-grace': 6,
}

/** A host as a client remembers it. */
export type UsedHost = {
  readonly name: string
  readonly ip: string
  readonly port: number
  readonly pid: string | null
  readonly found: boolean
}

/** A licence on one machine. Times are minutes of the lab. */
export type Product = {
  readonly licence: Licence
  key: string | null
  status: Status
  /** Minute at which the present state ends; null where it does not. */
  endsAt: number | null
  reason: number
  by: 'ad' | 'kms' | null
  used: UsedHost | null
  /** A host set for this product alone; port 0 is not set. */
  machine: string | null
  port: number
  lookupDomain: string | null
  typeEnabled: number
  adObject: { readonly name: string; readonly dn: string } | null
  counters: Keyed['counters'] | null
  /** Minute of the next attempt that the service makes by itself; null where it makes none. */
  nextAttempt: number | null
  readonly installationId: string
  /** What the last Activate call that succeeded depended on (methods.ts); null where there was none. */
  activatedWith: string | null
  says: Readonly<Record<string, Cell>> | null
}

export type Service = {
  machine: string | null
  port: number
  lookupDomain: string | null
  caching: boolean
  typeEnabled: number
  listeningPort: number
  dnsPublishing: boolean
  lowPriority: boolean
  activationInterval: number
  renewalInterval: number
  activationDisabled: boolean
  rearms: number
}

export type Machine = {
  readonly name: string
  /** Computer name: the first label, upper case, at most 15 characters. */
  readonly computer: string
  readonly domain: string | null
  readonly scenarioId: string
  readonly scenario: Scenario
  readonly system: System
  readonly hardware: Hardware
  readonly network: Network
  readonly seed: string
  readonly cmid: string
  readonly products: readonly Product[]
  /** Settings of the licensing service, and of Office's own where it has one. */
  readonly service: Service
  readonly officeService: Service | null
  /** Keys of the registry that are not derived from the licensing state, lower case → values. */
  readonly registry: Map<string, Map<string, string | number | readonly string[]>>
  clockMinutes: number
  /** Lab minute up to which the machine has lived. */
  lived: number
  /** Grows with every change of state: what was encoded for an older version is stale. */
  version: number
  keyInRegistry: boolean
  readonly bootedAt: number
  /** Its latest tries to be activated, as its log tells them. */
  readonly requests: Request[]
}

/** How long one activation by KMS lasts, in minutes (kms-rules). */
export const validity = 180 * 1440

/** The defaults of a new machine (kms-rules: 120 minutes, 7 days; slmgr: caching on, publishing on). */
const newService = (): Service => ({
  machine: null,
  port: 0,
  lookupDomain: null,
  caching: true,
  typeEnabled: 0,
  listeningPort: 1688,
  dnsPublishing: true,
  lowPriority: false,
  activationInterval: 120,
  renewalInterval: 10_080,
  activationDisabled: false,
  rearms: 1001,
})

/** Office's own service is there for Office 2010, and for every Office before Windows 8 (office-tools). */
export const usesOfficeService = (product: { readonly licence: Licence }, system: System) =>
  product.licence.app === 'office14' || (product.licence.app === 'office' && system.build < 9200)

export function serviceOf(machine: Machine, product: Product): Service {
  return usesOfficeService(product, machine.system) ? machine.officeService! : machine.service
}

function startProduct(l: Licence, keyed: Keyed | null, now: number, owner: string, network: Network, domain: string | null): Product {
  const object = domain ? network.activationObjects.get(domain) : undefined
  const used = keyed?.host
    ? {
        name: keyed.host.name,
        ip: keyed.host.ip,
        port: 1688,
        pid: keyed.host.pid ?? network.hosts.find((h) => h.name === keyed.host!.name)?.pid ?? null,
        found: keyed.host.found ?? false,
      }
    : null
  return {
    licence: l,
    key: keyed?.key ?? null,
    status: keyed?.status ?? 'unlicensed',
    endsAt: keyed?.minutes === undefined ? null : now + keyed.minutes,
    reason: codeOf(keyed ? (keyed.reason ?? 'ok') : 'pkey-not-installed'),
    by: keyed?.by ?? null,
    used,
    machine: keyed?.machine ?? null,
    port: keyed?.port ?? 0,
    lookupDomain: null,
    typeEnabled: keyed?.typeEnabled ?? 0,
    adObject:
      keyed?.by === 'ad' && domain
        ? { name: object ?? 'Activation object', dn: `CN=${object ?? 'Activation object'},${activationObjects(domain)}` }
        : null,
    counters: keyed?.counters ?? null,
    nextAttempt: null,
    /** 63 digits, put together when they are asked for. */
    get installationId() {
      return digitsOf(`${owner}/${l.name}/installation`, 63)
    },
    activatedWith: null,
    says: keyed?.says ?? null,
  }
}

/** Where activation objects stand in a forest (case 22). */
export const activationObjects = (domain: string) =>
  `CN=Activation Objects,CN=Microsoft SPP,CN=Services,CN=Configuration,${domain
    .split('.')
    .map((d) => `DC=${d}`)
    .join(',')}`

/** The extended PID of the key that the lab's activation objects were made with. */
export const activationObjectPid = '03612-00206-234-001999-03-1033-20348.0000-0012026'

/** A machine in the state that its scenario says, at this minute of the lab. */
export function startMachine(option: {
  readonly name: string
  readonly scenarioId: string
  readonly scenario: Scenario
  readonly network: Network
  readonly seed: string
  readonly now: number
  /** The image that it was copied from without being generalised. */
  readonly image?: string | undefined
  /** Renewals of the machines of one kind are spread over their interval; else they are all in the minute that the scenario says. */
  readonly apart?: boolean
}): Machine {
  const { scenario, network, now } = option
  const system: System = systems[scenario.system]
  const random = chance(`${option.seed}/${option.name}`)
  const first = option.name.split('.')[0]!
  const after = option.name.slice(first.length + 1)
  const domain = scenario.domain === null ? null : after || (scenario.domain ?? 'corp.example')
  const names = scenario.keyed.map((k) => k.licence)
  const licences = new Map<string, Licence>()
  for (const l of [
    ...licencesOf(system),
    ...[...names, ...(scenario.installed ?? [])].map((n) => licence(system, n)),
    ...officeLicencesBeside(names),
  ])
    licences.set(l.name, l)
  const cmid = cmidOf(option.seed, option)
  const products = [...licences.values()].map((l) =>
    startProduct(l, scenario.keyed.find((k) => k.licence === l.name) ?? null, now, `${option.seed}/${option.name}`, network, domain),
  )
  const service = newService()
  Object.assign(service, {
    machine: scenario.service?.machine ?? null,
    port: scenario.service?.port ?? 0,
    lookupDomain: scenario.service?.lookupDomain ?? null,
    caching: scenario.service?.caching ?? true,
    typeEnabled: scenario.service?.typeEnabled ?? 0,
  })
  const machine: Machine = {
    name: option.name,
    computer: first.slice(0, 15).toUpperCase(),
    domain,
    scenarioId: option.scenarioId,
    scenario,
    system,
    hardware: hardware[scenario.hardware ?? 'desktop'],
    network,
    seed: option.seed,
    cmid,
    products,
    service,
    officeService: products.some((p) => usesOfficeService(p, system)) ? newService() : null,
    registry: new Map(Object.entries(scenario.registry ?? {}).map(([key, values]) => [key.toLowerCase(), new Map(Object.entries(values))])),
    clockMinutes: scenario.clockMinutes ?? 0,
    lived: now,
    version: 1,
    keyInRegistry: true,
    bootedAt: now - 60 - random.below(20 * 1440),
    requests: [],
  }
  for (const p of products) {
    if (p.licence.kind !== 'gvlk' && p.licence.kind !== 'avma') continue
    if (p.key === null) continue
    const renewed = option.apart && p.by === 'kms' && p.status === 'licensed' && p.endsAt !== null ? p.endsAt - now - validity : 1
    if (renewed <= 0 && -renewed <= service.renewalInterval) {
      const ago = lotOf(option.seed, option.name, p.licence, service.renewalInterval)
      p.endsAt = now + validity - ago
      p.nextAttempt = now + service.renewalInterval - ago
      continue
    }
    // Somewhere inside the interval, so that a fleet does not ask in one minute.
    p.nextAttempt = now + 1 + random.below(p.status === 'licensed' ? service.renewalInterval : service.activationInterval)
  }
  return machine
}

/** The CMID of a machine; a copy of an image has that of the image. */
export const cmidOf = (seed: string, { name, image }: { readonly name: string; readonly image?: string | undefined }): string =>
  guidOf(image === undefined ? `${seed}/${name}/cmid` : `${seed}/image ${image}/cmid`)

/** How many minutes ago a machine asked for this licence for the last time, within the interval in which it asks. */
export const lotOf = (seed: string, name: string, { name: which }: Licence, interval: number): number =>
  Math.floor(chance(`${seed}/${name}/${which}/request`).next() * interval)

type Mutable = Omit<Product, 'licence' | 'installationId'>
/** A machine without what can be made again from its name and the seed. */
export type Asleep = {
  /** By the place of the licence in the list. */
  readonly products: readonly (readonly [number, Mutable])[]
  readonly service: Service
  readonly officeService: Service | null
  readonly requests: readonly Request[]
  readonly rest: Pick<Machine, 'clockMinutes' | 'lived' | 'version' | 'keyInRegistry'>
}

/** What has to be kept of a machine that nobody asks; null where nothing ever happened to it. */
export function fallAsleep(machine: Machine): Asleep | null {
  const { clockMinutes, lived, version, keyInRegistry } = machine
  if (version === 1 && clockMinutes === (machine.scenario.clockMinutes ?? 0)) return null
  const products = machine.products.flatMap((product, i): [number, Mutable][] => {
    // A licence without a key, then and now, is as it was unless it was given a setting.
    const set = product.machine !== null || product.port !== 0 || product.typeEnabled !== 0 || product.lookupDomain !== null
    if (product.key === null && !set && !machine.scenario.keyed.some((k) => k.licence === product.licence.name)) return []
    const { licence: _, installationId: __, ...mutable } = product
    return [[i, mutable]]
  })
  const { service, officeService, requests } = machine
  return { products, service, officeService, requests, rest: { clockMinutes, lived, version, keyInRegistry } }
}

/** Makes a machine that was just started what it was when it fell asleep. */
export function wakeUp(machine: Machine, asleep: Asleep): void {
  for (const [i, mutable] of asleep.products) Object.assign(machine.products[i]!, mutable)
  Object.assign(machine.service, asleep.service)
  if (machine.officeService && asleep.officeService) Object.assign(machine.officeService, asleep.officeService)
  Object.assign(machine, asleep.rest)
  machine.requests.push(...asleep.requests)
}
