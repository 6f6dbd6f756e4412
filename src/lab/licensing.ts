import { createHash } from 'node:crypto'
import {
  activationObjects,
  type Machine,
  type Product,
  serviceOf,
  statusNumber,
  type UsedHost,
  usesOfficeService,
  validity,
} from './machine.ts'
import { countOf, hostAt, hostCalled, type KmsHost, type Request } from './network.ts'
import { codeOf, type ResultId } from './results.ts'
import { keyRows } from './scenarios/keys.ts'

/** Numbers of kms-rules, in minutes. */
const grace = 30 * 1440
const clockTolerance = 4 * 60
/** AVMA is checked every seven days (avma). */
const avmaInterval = 7 * 1440

/** A MAK that this lab knows: which licence it is for, how many activations are left. */
export type Mak = { readonly licence: string; left: number }
/** By SHA-256 of the key, hex: the lab holds no key. */
export type Maks = Map<string, Mak>

const changed = (machine: Machine) => {
  machine.version++
}

/** Hosts that a product would ask, in Microsoft's order (kms-rules, discovery order): product, application, global, cache, DNS. */
export function hostsToAsk(machine: Machine, product: Product): { name: string; port: number; found: boolean }[] {
  const service = serviceOf(machine, product)
  if (product.machine) return [{ name: product.machine, port: product.port || service.port || 1688, found: false }]
  const application = machine.registry.get(`${platformKey}\\${applicationKey(product)}`.toLowerCase())?.get('KeyManagementServiceName')
  if (typeof application === 'string' && application !== '') return [{ name: application, port: service.port || 1688, found: false }]
  if (service.machine) return [{ name: service.machine, port: service.port || 1688, found: false }]
  const asked: { name: string; port: number; found: boolean }[] = []
  if (service.caching && product.used?.found) asked.push({ name: product.used.name, port: product.used.port, found: true })
  const domains = [product.lookupDomain ?? service.lookupDomain ?? machine.domain].filter((d): d is string => d !== null)
  for (const domain of domains)
    for (const record of [...(machine.network.dns.get(domain.toLowerCase()) ?? [])].sort(
      (a, b) => a.priority - b.priority || b.weight - a.weight,
    ))
      if (!asked.some((a) => a.name === record.name)) asked.push({ name: record.name, port: record.port, found: true })
  return asked
}

export const platformKey = 'SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\SoftwareProtectionPlatform'
export const officePlatformKey = 'SOFTWARE\\Microsoft\\OfficeSoftwareProtectionPlatform'
const applicationKey = (product: Product) =>
  product.licence.app === 'windows' ? '55c92734-d682-4d71-983e-d6ec3f16059f' : '0ff1ce15-a989-479d-af46-f275c6370663'

/** A log keeps so many; Windows' own is bounded, too. */
const longestLog = 1000
const longestOwnLog = 30

/** What one host would answer this product: a simulated verdict, no exchange. Nothing is counted. */
export function verdictOf(host: KmsHost, machine: Machine, product: Product, minute: number): ResultId {
  const kind = product.licence.app === 'windows' ? 'windows' : 'office'
  const { licensed, clockMinutes } = hostAt(host, minute)
  if (!licensed) return 'host-not-activated'
  if (Math.abs(machine.clockMinutes - clockMinutes) > clockTolerance) return 'invalid-timestamp'
  if (!host.serves.includes(product.licence.needs)) return 'host-cannot-serve'
  const count = countOf(host, kind, minute) + (host.seen[kind].has(machine.cmid) ? 0 : 1)
  return count < product.licence.threshold ? 'not-enough-count' : 'ok'
}

/** The same, and the host has counted it. */
function answerOf(host: KmsHost, machine: Machine, product: Product, minute: number): ResultId {
  const kind = product.licence.app === 'windows' ? 'windows' : 'office'
  host.requests.total++
  host.requests.byStatus[statusNumber[product.status]]!++
  const verdict = verdictOf(host, machine, product, minute)
  // Whoever is refused for another reason than the count does not count.
  if (verdict === 'ok' || verdict === 'not-enough-count') host.seen[kind].set(machine.cmid, minute)
  if (verdict !== 'ok') host.requests.failed++
  return verdict
}

type Asked = Pick<Request, 'host' | 'port' | 'code' | 'hostCode' | 'count' | 'activated' | 'object'>

/** Writes a try into the machine's own log. */
function note(machine: Machine, product: Product, minute: number, asked: Asked): Request {
  const request: Request = {
    ...{ minute, licence: product.licence, final: 0, ...asked },
    ...{ client: machine.name, cmid: machine.cmid, virtual: machine.hardware.hypervisor, clockMinutes: machine.clockMinutes },
    status: statusNumber[product.status],
    minutesLeft: product.endsAt === null ? 0 : Math.max(0, Math.ceil(product.endsAt - minute)),
  }
  machine.requests.push(request)
  if (machine.requests.length > longestOwnLog) machine.requests.shift()
  return request
}

/** One host is asked: what it answers, as both logs tell it. */
function ask(asked: { name: string; port: number }, machine: Machine, product: Product, minute: number): ResultId | null {
  const { name, port } = asked
  const host = hostCalled(machine.network, name)
  const away = { host: name, port, hostCode: null, count: 0, activated: false, object: null }
  if (!host || !hostAt(host, minute).up || host.port !== port) {
    note(machine, product, minute, { ...away, code: codeOf(host ? 'no-answer' : 'no-address') })
    return null
  }
  const before = { ...product }
  const result = answerOf(host, machine, product, minute)
  // A host that counts too few answers all the same; it is the client that draws the conclusion.
  const hostCode = result === 'ok' || result === 'not-enough-count' ? 0 : codeOf(result)
  const count = countOf(host, product.licence.app === 'windows' ? 'windows' : 'office', minute)
  const request = note(machine, before, minute, { ...away, code: codeOf(result), hostCode, count, activated: result === 'ok' })
  host.log.push(request)
  if (host.log.length > longestLog) host.log.shift()
  return result
}

/** The last note of a try that failed also tells what Windows says of the whole. */
function failed(machine: Machine, product: Product, minute: number, result: ResultId): ResultId {
  const last = machine.requests.at(-1)
  const final = codeOf(result)
  if (last?.minute === minute && last.licence === product.licence && last.host !== null)
    machine.requests[machine.requests.length - 1] = { ...last, final }
  else {
    note(machine, product, minute, { host: null, port: 0, code: final, hostCode: null, count: 0, activated: false, object: null })
    machine.requests[machine.requests.length - 1] = { ...machine.requests.at(-1)!, final }
  }
  return result
}

function viaKms(machine: Machine, product: Product, minute: number): ResultId {
  const asked = hostsToAsk(machine, product)
  if (asked.length === 0) return 'no-dns-name'
  let last: ResultId = 'host-away'
  for (const one of asked) {
    const result = ask(one, machine, product, minute)
    if (result === null) continue
    last = result
    if (last !== 'ok') continue
    const host = hostCalled(machine.network, one.name)!
    const used: UsedHost = { name: one.found ? host.name : one.name, ip: host.ip, port: one.port, pid: host.pid, found: one.found }
    licensed(machine, product, { by: 'kms', endsAt: minute + validity, reason: 'volume-licensed', used })
    product.adObject = null
    return 'ok'
  }
  return last
}

/** AD-based activation: Windows 8 and later, a domain with an activation object (va-reference). */
function viaDirectory(machine: Machine, product: Product, minute: number): ResultId {
  const object = machine.domain ? machine.network.activationObjects.get(machine.domain) : undefined
  if (!object || machine.system.build < 9200 || usesOfficeService(product, machine.system)) return 'no-activation-object'
  licensed(machine, product, { by: 'ad', endsAt: minute + validity, reason: 'volume-licensed', used: null })
  product.adObject = { name: object, dn: `CN=${object},${activationObjects(machine.domain!)}` }
  const asked = { host: null, port: 0, code: 0, hostCode: null, count: 0, activated: true }
  note(machine, product, minute, { ...asked, object: product.adObject })
  return 'ok'
}

function licensed(
  machine: Machine,
  product: Product,
  to: { by: 'ad' | 'kms' | null; endsAt: number | null; reason: ResultId; used: UsedHost | null },
): void {
  product.status = 'licensed'
  product.by = to.by
  product.endsAt = to.endsAt
  product.reason = codeOf(to.reason)
  product.used = to.used
  // What it said against all reason ends with an honest activation.
  product.says = null
  changed(machine)
}

/** What the lab simulates when a product is to be activated: the state that Windows reports afterwards, and the result. */
export function activate(machine: Machine, product: Product, minute: number, maks: Maks): ResultId {
  if (product.key === null) return 'pkey-not-installed'
  const service = serviceOf(machine, product)
  switch (product.licence.kind) {
    case 'gvlk': {
      if (machine.scenario.marker) return machine.scenario.marker === 'bad' ? 'bad-marker' : 'no-windows-marker'
      const type = product.typeEnabled || service.typeEnabled
      let result: ResultId = 'not-supported'
      // Windows tries the directory first, then KMS (va-reference).
      if (type !== 2 && type !== 3) result = viaDirectory(machine, product, minute)
      if (result !== 'ok' && type !== 1 && type !== 3) result = viaKms(machine, product, minute)
      product.nextAttempt = minute + (result === 'ok' ? service.renewalInterval : service.activationInterval)
      return result === 'ok' ? 'ok' : failed(machine, product, minute, result)
    }
    case 'avma':
      if (!machine.scenario.avmaHost) return 'parent-not-activated'
      licensed(machine, product, { by: null, endsAt: minute + avmaInterval, reason: 'volume-licensed', used: null })
      product.nextAttempt = minute + avmaInterval - 60
      return 'ok'
    case 'esu':
    case 'mak':
    case 'host': {
      if (product.status === 'licensed') return 'ok'
      if (
        product.licence.addOn &&
        !machine.products.some((p) => p.licence.app === 'windows' && !p.licence.addOn && p.status === 'licensed')
      )
        return 'no-base-product'
      if (!machine.network.internet) return 'no-internet'
      const mak = [...maks.values()].find((m) => m.licence === product.licence.name)
      if (mak) {
        if (mak.left < 1) return 'mak-used-up'
        mak.left--
      }
      licensed(machine, product, { by: null, endsAt: null, reason: product.licence.kind === 'host' ? 'volume-licensed' : 'ok', used: null })
      return 'ok'
    }
    default:
      if (product.status === 'licensed') return 'ok'
      if (!machine.network.internet) return 'no-internet'
      return 'not-supported'
  }
}

/** The confirmation ID that this lab's telephone gives for an installation ID: 48 digits of its own making, which fit nothing else. */
export function confirmationFor(installationId: string): string {
  return [...createHash('sha512').update(`the lab's own rule ${installationId}`).digest()]
    .map((b) => String(b % 10))
    .join('')
    .slice(0, 48)
}

/** DepositOfflineConfirmationId: what fits the product's own installation ID licenses it. */
export function deposit(machine: Machine, product: Product, installationId: string, confirmationId: string): ResultId {
  if (product.key === null) return 'pkey-not-installed'
  if (product.licence.kind === 'gvlk' || product.licence.kind === 'avma') return 'not-supported'
  if (installationId !== product.installationId || confirmationId !== confirmationFor(installationId)) return 'wrong-check-digits'
  licensed(machine, product, { by: null, endsAt: null, reason: product.licence.kind === 'host' ? 'volume-licensed' : 'ok', used: null })
  return 'ok'
}

/** InstallProductKey: a published client key, or a MAK of this lab. `application` says through which service it came. */
export function installKey(machine: Machine, key: string, minute: number, maks: Maks, officeService: boolean): ResultId {
  const text = key.trim().toUpperCase()
  // The form of a product key: five groups of five characters.
  if (!/^([A-Z0-9]{5}-){4}[A-Z0-9]{5}$/.test(text)) return 'invalid-key'
  const hash = createHash('sha256').update(text).digest('hex')
  const rows = keyRows[hash]
  const mak = maks.get(hash)
  if (!rows && !mak) return 'invalid-key'
  const product = machine.products.find(
    (p) =>
      usesOfficeService(p, machine.system) === officeService &&
      (mak ? p.licence.name === mak.licence : p.licence.kind === 'gvlk' && p.licence.keys.some((k) => rows!.includes(k))),
  )
  if (!product) return 'other-edition'
  if (machine.scenario.marker && product.licence.kind === 'gvlk')
    return machine.scenario.marker === 'bad' ? 'bad-marker' : 'no-windows-marker'
  if (product.key === text.slice(-5) && product.status === 'licensed') return 'ok'
  // Windows keeps one key for itself: a new one takes the place of the old. Office and add-ons keep theirs beside each other.
  if (product.licence.app === 'windows' && !product.licence.addOn)
    for (const other of machine.products)
      if (
        other !== product &&
        other.key !== null &&
        other.licence.app === 'windows' &&
        !other.licence.addOn &&
        other.licence.kind !== 'host'
      )
        removeKey(machine, other)
  product.key = text.slice(-5)
  product.by = null
  product.used = null
  product.adObject = null
  product.says = null
  product.machine = null
  product.port = 0
  product.status = 'grace'
  product.endsAt = minute + grace
  product.reason = codeOf('in-grace')
  product.nextAttempt = product.licence.kind === 'gvlk' ? minute + serviceOf(machine, product).activationInterval : null
  if (product.licence.app === 'windows' && !product.licence.addOn) machine.keyInRegistry = true
  changed(machine)
  return 'ok'
}

export function removeKey(machine: Machine, product: Product): ResultId {
  if (product.key === null) return 'pkey-not-installed'
  product.key = null
  product.status = 'unlicensed'
  product.endsAt = null
  product.reason = codeOf('pkey-not-installed')
  product.by = null
  product.used = null
  product.adObject = null
  product.machine = null
  product.port = 0
  product.says = null
  product.nextAttempt = null
  changed(machine)
  return 'ok'
}

/** A state that has run out becomes the next one (kms-rules: 180 days, then 30 of grace, then notification). */
function ended(machine: Machine, product: Product): void {
  const at = product.endsAt!
  if (product.status === 'licensed' && product.licence.kind === 'gvlk') {
    product.status = 'oot-grace'
    product.endsAt = at + grace
    product.reason = codeOf('in-oot-grace')
  } else {
    product.status = 'notification'
    product.endsAt = null
    product.reason = codeOf('grace-expired')
  }
  changed(machine)
}

/** Lets a machine live up to a minute: what ends, ends; what the service does by itself every two hours or seven days, it does. */
export function live(machine: Machine, minute: number, maks: Maks): void {
  if (machine.lived >= minute) return
  for (const product of machine.products) {
    for (;;) {
      const attempt = product.key !== null && product.nextAttempt !== null && product.nextAttempt <= minute ? product.nextAttempt : null
      const end = product.endsAt !== null && product.endsAt <= minute ? product.endsAt : null
      if (attempt === null && end === null) break
      if (end !== null && (attempt === null || end <= attempt)) {
        ended(machine, product)
        continue
      }
      const service = serviceOf(machine, product)
      if (activate(machine, product, attempt!, maks) !== 'ok' || product.nextAttempt === null || product.nextAttempt <= attempt!)
        product.nextAttempt = attempt! + service.activationInterval
    }
  }
  machine.lived = minute
  // Minutes left are different in every minute.
  changed(machine)
}
