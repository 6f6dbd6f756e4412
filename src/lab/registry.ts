import type { Cell } from './classes.ts'
import { officePlatformKey, platformKey } from './licensing.ts'
import { type Machine, type Service, usesOfficeService } from './machine.ts'
import { applicationIds } from './scenarios/products.ts'
import { displayVersion } from './scenarios/systems.ts'
import type { SourceId } from './sources.ts'

type Value = string | number | readonly string[]
type Key = ReadonlyMap<string, Value>

/** HKEY_LOCAL_MACHINE (stdregprov); the lab has no other hive. */
const localMachine = 0x80000002
const types = { string: 1, number: 4, list: 7 } as const
const typeOf = (value: Value) => (typeof value === 'string' ? types.string : typeof value === 'number' ? types.number : types.list)

const tcpip = 'SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters'
const policies = 'SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System'
const clickToRun = 'SOFTWARE\\Microsoft\\Office\\ClickToRun\\Configuration'
const currentVersion = 'SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion'

/** Where the lab's keys, and all below them, are described. */
export const registrySources: Readonly<Record<string, SourceId>> = {
  [currentVersion]: 'edition-registry',
  [platformKey]: 'kms-registry',
  [officePlatformKey]: 'office-kms',
  [tcpip]: 'tcpip-registry',
  [policies]: 'token-filter',
  [clickToRun]: 'office-updates',
}

/** What the licensing service keeps in the registry (kms-registry). Ports are texts there. */
function licensing(service: Service): [string, Value][] {
  const values: [string, Value][] = []
  if (service.machine) values.push(['KeyManagementServiceName', service.machine])
  if (service.port) values.push(['KeyManagementServicePort', String(service.port)])
  if (!service.dnsPublishing) values.push(['DisableDnsPublishing', 1])
  if (service.lowPriority) values.push(['EnableKmsLowPriority', 1])
  if (service.activationInterval !== 120) values.push(['VLActivationInterval', service.activationInterval])
  if (service.renewalInterval !== 10_080) values.push(['VLRenewalInterval', service.renewalInterval])
  return values
}

/** The registry as it stands now: what the scenario says, and what follows from the state. Keys below HKLM by lower-case path. */
export function registryOf(machine: Machine): Tree {
  const known = kept.get(machine)
  if (known?.version === machine.version) return known.tree
  const tree = build(machine)
  kept.set(machine, { version: machine.version, tree })
  return tree
}

type Tree = ReadonlyMap<string, { readonly path: string; readonly values: Key }>
/** A key is asked for value by value: the tree of a state is made once. */
const kept = new WeakMap<Machine, { readonly version: number; readonly tree: Tree }>()

function build(machine: Machine): Tree {
  const { system } = machine
  const tree = new Map<string, { path: string; values: Map<string, Value> }>()
  const put = (path: string, values: Iterable<[string, Value]>) => {
    const known = tree.get(path.toLowerCase())
    if (known) for (const [n, v] of values) known.values.set(n, v)
    else tree.set(path.toLowerCase(), { path, values: new Map(values) })
  }
  const server = system.productType !== 1 && system.family !== 'ServerRdsh'
  put(currentVersion, [
    // Windows 11 still calls itself Windows 10 here.
    [
      'ProductName',
      system.caption
        .replace(/^Microsoft /, '')
        .trim()
        .replace('Windows 11', 'Windows 10'),
    ],
    ['EditionID', system.editionId],
    ['CurrentBuild', String(system.build)],
    ['CurrentBuildNumber', String(system.build)],
    ['InstallationType', server ? 'Server' : 'Client'],
    ['CurrentVersion', system.build === 7601 ? '6.1' : system.build === 9200 ? '6.2' : '6.3'],
    ['BuildLabEx', `${system.build}.1.amd64fre.release.000000-0000`],
  ])
  if (system.build >= 10240)
    put(currentVersion, [
      ['UBR', system.ubr],
      ['CompositionEditionID', system.editionId],
      ...(system.release ? [['ReleaseId', system.release] as [string, Value]] : []),
    ])
  const display = displayVersion(system.build)
  if (display) put(currentVersion, [['DisplayVersion', display]])
  put(platformKey, licensing(machine.service))
  if (machine.officeService) put(officePlatformKey, licensing(machine.officeService))
  put(policies, machine.domain === null && !machine.scenario.tokenFilter ? [['LocalAccountTokenFilterPolicy', 1]] : [['EnableLUA', 1]])
  const suffix = machine.domain ?? ''
  const host = machine.name.split('.')[0]!
  put(tcpip, [
    ['Domain', suffix],
    ['NV Domain', suffix],
    ['Hostname', host],
    ['NV Hostname', host],
  ])
  for (const product of machine.products) {
    if (product.key === null) continue
    const path = `${usesOfficeService(product, system) ? officePlatformKey : platformKey}\\${applicationIds[product.licence.app]}`
    put(path, [])
    const own: [string, Value][] = []
    if (product.machine) own.push(['KeyManagementServiceName', product.machine])
    if (product.port) own.push(['KeyManagementServicePort', String(product.port)])
    if (product.typeEnabled) own.push(['VLActivationType', product.typeEnabled])
    if (own.length > 0) put(`${path}\\${product.licence.activationId}`, own)
  }
  for (const [key, values] of machine.registry) put(key, values)
  return tree
}

export type RegistryAnswer = Readonly<Record<string, Cell>>
const notFound = 2
const wrongType = 0x80041005

/** The methods of StdRegProv that read. ReturnValue 2: there is no such key or value. */
export function askRegistry(machine: Machine, method: string, input: Readonly<Record<string, Cell>>): RegistryAnswer {
  const hive = (input.hDefKey as number | null | undefined) ?? localMachine
  const path = String(input.sSubKeyName ?? '').replace(/^\\+|\\+$/g, '')
  const tree = registryOf(machine)
  if (hive !== localMachine) return { ReturnValue: notFound }
  const below = `${path.toLowerCase()}\\`
  const names = new Map<string, string>()
  for (const [key, { path: full }] of tree)
    if (path === '' || key.startsWith(below)) {
      const first = (path === '' ? full : full.slice(below.length)).split('\\')[0]!
      names.set(first.toLowerCase(), first)
    }
  const values = tree.get(path.toLowerCase())?.values
  const exists = values !== undefined || names.size > 0
  if (!exists) return { ReturnValue: notFound }
  switch (method.toLowerCase()) {
    case 'enumkey':
      return { ReturnValue: 0, sNames: [...names.values()] }
    case 'enumvalues':
      return { ReturnValue: 0, sNames: [...(values?.keys() ?? [])], Types: [...(values?.values() ?? [])].map(typeOf) }
    case 'checkaccess':
      return { ReturnValue: 0, bGranted: true }
  }
  const wanted = String(input.sValueName ?? '').toLowerCase()
  const value = [...(values ?? [])].find(([n]) => n.toLowerCase() === wanted)?.[1]
  if (value === undefined) return { ReturnValue: 1 }
  switch (method.toLowerCase()) {
    case 'getstringvalue':
    case 'getexpandedstringvalue':
      return typeof value === 'string' ? { ReturnValue: 0, sValue: value } : { ReturnValue: wrongType }
    case 'getdwordvalue':
      return typeof value === 'number' ? { ReturnValue: 0, uValue: value } : { ReturnValue: wrongType }
    case 'getmultistringvalue':
      return typeof value === 'object' ? { ReturnValue: 0, sValue: value } : { ReturnValue: wrongType }
    default:
      return { ReturnValue: wrongType }
  }
}
