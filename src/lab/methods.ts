import type { Cell, Method } from './classes.ts'
import { activate, deposit, installKey, type Maks, removeKey } from './licensing.ts'
import { type Machine, type Product, type Service, serviceOf, usesOfficeService } from './machine.ts'
import { codeOf, type ResultId } from './results.ts'

/** Arguments that do not fit a method: WBEM_E_INVALID_METHOD_PARAMETERS. */
export class ParameterError extends Error {}

/** Reads what came over the wire by the types that the method declares; text becomes what the provider would see. */
export function readArguments(method: Method, given: Readonly<Record<string, unknown>>): Record<string, Cell> {
  const out: Record<string, Cell> = {}
  const names = new Map(method.in.map((p) => [p.name.toLowerCase(), p]))
  for (const [name, value] of Object.entries(given)) {
    const parameter = names.get(name.toLowerCase())
    if (!parameter) throw new ParameterError(`${method.name} has no parameter ${name}.`)
    if (value === null || typeof value === 'object') {
      if (value !== null) throw new ParameterError(`${name} is not a list.`)
      out[parameter.name] = null
      continue
    }
    const text = String(value)
    if (parameter.type === 'string') out[parameter.name] = text
    else if (parameter.type === 'boolean') {
      if (!/^(true|false|0|1)$/i.test(text)) throw new ParameterError(`${name} is not a boolean.`)
      out[parameter.name] = /^(true|1)$/i.test(text)
    } else {
      const number = Number(text)
      if (!/^-?\d+$/.test(text) || number < 0 || number > 0xffffffff) throw new ParameterError(`${name} is not a uint32.`)
      out[parameter.name] = number
    }
  }
  // StdRegProv has a hive by itself; everything else has to be there.
  for (const p of method.in) if (!(p.name in out) && p.name !== 'hDefKey') throw new ParameterError(`${p.name} is missing.`)
  return out
}

type Setting = { machine: string | null; port: number; lookupDomain: string | null; typeEnabled: number }

/** What the KMS methods of both classes do to their setting. Null where the method is another one. */
function kmsSetting(setting: Setting, method: string, input: Readonly<Record<string, Cell>>): ResultId | null {
  switch (method) {
    case 'setkeymanagementservicemachine':
      if (!input.MachineName || String(input.MachineName).length > 255) return 'invalid-argument'
      setting.machine = String(input.MachineName)
      return 'ok'
    case 'clearkeymanagementservicemachine':
      setting.machine = null
      return 'ok'
    case 'setkeymanagementserviceport':
      if (Number(input.PortNumber) < 1 || Number(input.PortNumber) > 65_535) return 'invalid-argument'
      setting.port = Number(input.PortNumber)
      return 'ok'
    case 'clearkeymanagementserviceport':
      setting.port = 0
      return 'ok'
    case 'setkeymanagementservicelookupdomain':
      if (!input.LookupDomain) return 'invalid-argument'
      setting.lookupDomain = String(input.LookupDomain)
      return 'ok'
    case 'clearkeymanagementservicelookupdomain':
      setting.lookupDomain = null
      return 'ok'
    case 'setvlactivationtypeenabled':
      if (Number(input.ActivationType) > 3) return 'invalid-argument'
      setting.typeEnabled = Number(input.ActivationType)
      return 'ok'
    case 'clearvlactivationtypeenabled':
      setting.typeEnabled = 0
      return 'ok'
    default:
      return null
  }
}

const interval = (value: Cell | undefined) => typeof value === 'number' && value >= 15 && value <= 43_200

/** Calls a method of the licensing service or of one product, and says the result that the provider would give. */
export function callService(
  machine: Machine,
  service: Service,
  office: boolean,
  method: Method,
  input: Readonly<Record<string, Cell>>,
  minute: number,
  maks: Maks,
): ResultId {
  const name = method.name.toLowerCase()
  const done = kmsSetting(service, name, input)
  machine.version++
  if (done) return done
  const isHost = machine.products.some((p) => p.licence.kind === 'host' && p.key !== null)
  switch (name) {
    case 'installproductkey':
      return installKey(machine, String(input.ProductKey ?? ''), minute, maks, office)
    case 'clearproductkeyfromregistry':
      machine.keyInRegistry = false
      return 'ok'
    case 'refreshlicensestatus':
      return 'ok'
    case 'disablekeymanagementservicehostcaching':
      service.caching = input.DisableCaching !== true
      return 'ok'
    case 'disablekeymanagementservicednspublishing':
      service.dnsPublishing = input.DisablePublishing !== true
      return 'ok'
    case 'enablekeymanagementservicelowpriority':
      service.lowPriority = input.EnableLowPriority === true
      return 'ok'
    case 'disablekeymanagementserviceactivation':
      service.activationDisabled = input.DisableActivation === true
      return 'ok'
    case 'setkeymanagementservicelisteningport':
      service.listeningPort = Number(input.PortNumber)
      return 'ok'
    case 'clearkeymanagementservicelisteningport':
      service.listeningPort = 1688
      return 'ok'
    case 'setvlactivationinterval':
      if (!isHost || !interval(input.ActivationInterval)) return 'invalid-argument'
      service.activationInterval = Number(input.ActivationInterval)
      return 'ok'
    case 'setvlrenewalinterval':
      if (!isHost || !interval(input.RenewalInterval)) return 'invalid-argument'
      service.renewalInterval = Number(input.RenewalInterval)
      return 'ok'
    case 'rearmwindows':
      if (service.rearms < 1) return 'not-supported'
      service.rearms--
      return 'ok'
    default:
      return 'not-supported'
  }
}

export function callProduct(
  machine: Machine,
  product: Product,
  method: Method,
  input: Readonly<Record<string, Cell>>,
  minute: number,
  maks: Maks,
): ResultId {
  const name = method.name.toLowerCase()
  machine.version++
  if (name === 'activate') {
    const result = serviceOf(machine, product).activationDisabled ? 'not-supported' : activate(machine, product, minute, maks)
    product.activatedWith = result === 'ok' ? settingsOf(machine, product) : null
    return result
  }
  if (name === 'uninstallproductkey') return removeKey(machine, product)
  if (name === 'depositofflineconfirmationid')
    return deposit(machine, product, String(input.InstallationId ?? ''), String(input.ConfirmationId ?? ''))
  return kmsSetting(product, name, input) ?? 'not-supported'
}

const sameSetting = (setting: Setting, method: string, input: Readonly<Record<string, Cell>>): boolean => {
  const after: Setting = { ...setting }
  if (kmsSetting(after, method, input) !== 'ok') return false
  return (['machine', 'port', 'lookupDomain', 'typeEnabled'] as const).every((k) => after[k] === setting[k])
}

/** Everything that an activation depends on and that a call can change. */
function settingsOf(machine: Machine, product: Product): string {
  const of = ({ machine: host, port, lookupDomain, typeEnabled }: Setting) => [host, port, lookupDomain, typeEnabled]
  return JSON.stringify([product.key, of(product), of(serviceOf(machine, product))])
}

/** Whether what a call is to bring about holds before it: whoever calls all the same repeats a call, or makes one for nothing. */
export function heldByService(
  machine: Machine,
  service: Service,
  office: boolean,
  method: Method,
  input: Readonly<Record<string, Cell>>,
): boolean {
  switch (method.name.toLowerCase()) {
    case 'installproductkey': {
      const end = String(input.ProductKey ?? '')
        .trim()
        .toUpperCase()
        .slice(-5)
      return machine.products.some((p) => p.key === end && usesOfficeService(p, machine.system) === office)
    }
    case 'clearproductkeyfromregistry':
      return !machine.keyInRegistry
    case 'disablekeymanagementservicehostcaching':
      return service.caching === (input.DisableCaching !== true)
    case 'disablekeymanagementservicednspublishing':
      return service.dnsPublishing === (input.DisablePublishing !== true)
    case 'enablekeymanagementservicelowpriority':
      return service.lowPriority === (input.EnableLowPriority === true)
    case 'disablekeymanagementserviceactivation':
      return service.activationDisabled === (input.DisableActivation === true)
    case 'setkeymanagementservicelisteningport':
      return service.listeningPort === Number(input.PortNumber)
    case 'clearkeymanagementservicelisteningport':
      return service.listeningPort === 1688
    case 'setvlactivationinterval':
      return service.activationInterval === Number(input.ActivationInterval)
    case 'setvlrenewalinterval':
      return service.renewalInterval === Number(input.RenewalInterval)
    default:
      return sameSetting(service, method.name.toLowerCase(), input)
  }
}

/**
 * The same for one product. An activation holds where an earlier call brought it about and nothing that it depends on has changed
 * since: to activate once more after a host was set, or what Windows had activated by itself, is no repetition.
 */
export function heldByProduct(machine: Machine, product: Product, method: Method, input: Readonly<Record<string, Cell>>): boolean {
  switch (method.name.toLowerCase()) {
    case 'activate':
      return product.status === 'licensed' && product.activatedWith === settingsOf(machine, product)
    case 'uninstallproductkey':
      return product.key === null
    case 'depositofflineconfirmationid':
      return product.status === 'licensed'
    default:
      return sameSetting(product, method.name.toLowerCase(), input)
  }
}

export const resultCode = (id: ResultId): number => codeOf(id)
