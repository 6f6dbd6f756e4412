import { hash } from 'node:crypto'
import { type Cell, type ClassAt, classesAt, type Instance } from './classes.ts'
import { logRows } from './events.ts'
import { activationObjectPid, type Machine, type Product, type Service, serviceOf, statusNumber, usesOfficeService } from './machine.ts'
import { countOf, hostCalled } from './network.ts'
import { applicationIds } from './scenarios/products.ts'
import { type Condition, fits, invalidQuery, type Look, parseWql, propertiesOf, type Wql, WqlError } from './wql.ts'

/** "Not applicable" in counters and the like (case 30: never a count). */
const none = 0xffffffff
/** "No date" (case 32). */
const noDate = { datetime: '16010101000000.000000-000' }

/** DMTF date and time in UTC, as WMI writes them. */
export function datetime(ms: number, offsetMinutes = 0): { readonly datetime: string } {
  const at = new Date(ms + offsetMinutes * 60_000).toISOString()
  const sign = offsetMinutes < 0 ? '-' : '+'
  return {
    datetime: `${at.slice(0, 19).replace(/[-:T]/g, '')}.${at.slice(20, 23)}000${sign}${String(Math.abs(offsetMinutes)).padStart(3, '0')}`,
  }
}

/** The moment of an answer: the lab's minute, and the time of day that its clocks show. */
export type Now = { readonly minute: number; readonly clockMs: number }

/** A KMS host of the network has the clock that the network says. */
const clockOf = (machine: Machine, now: Now) =>
  now.clockMs + (machine.clockMinutes + (hostCalled(machine.network, machine.name)?.clockMinutes ?? 0)) * 60_000

/** Where the licences of Windows get theirs from (case 12, case 32). */
const useLicenseUrl = (app: string) =>
  `https://activation.sls.microsoft.com/SLActivateProduct/SLActivateProduct.asmx?configextension=${app === 'windows' ? 'Retail' : 'o14'}`

/** The extended product ID of a key: the form is Windows' (case 07, case 33), the numbers are the lab's. */
function productKeyId(machine: Machine, product: Product): string {
  const n = hash('sha256', `${machine.seed}/${machine.name}/${product.licence.name}/${product.key}`, 'buffer')
  const kind =
    { gvlk: '000-000001-03', host: '206-234001-03', mak: '150-025003-03', 'oem-dm': '061-702004-02' }[product.licence.kind as string] ??
    '050-100005-00'
  const serial = (n.readUInt16BE(0) % 900) + 100
  return `03612-${String(3000 + (n[2]! % 900)).padStart(5, '0')}-${kind}-1033-${machine.system.build}.0000-${serial}2026`
}

/** A machine that is no KMS host (case 32). */
const noCounters: Instance = {
  IsKeyManagementServiceMachine: 0,
  KeyManagementServiceCurrentCount: none,
  RequiredClientCount: none,
  KeyManagementServiceUnlicensedRequests: none,
  KeyManagementServiceLicensedRequests: none,
  KeyManagementServiceOOBGraceRequests: none,
  KeyManagementServiceOOTGraceRequests: none,
  KeyManagementServiceNonGenuineGraceRequests: none,
  KeyManagementServiceTotalRequests: none,
  KeyManagementServiceFailedRequests: none,
  KeyManagementServiceNotificationRequests: none,
}

function counters(machine: Machine, product: Product, now: Now): Instance {
  const host = hostCalled(machine.network, machine.name)
  const own = product.licence.kind === 'host' && product.key !== null ? product.counters : null
  if (!own) return noCounters
  const kind = product.licence.app === 'windows' ? 'windows' : 'office'
  const by = host?.requests.byStatus ?? [0, 0, 0, 0, 0, 0, 0]
  return {
    IsKeyManagementServiceMachine: product.status === 'licensed' ? 1 : 0,
    KeyManagementServiceCurrentCount: host ? countOf(host, kind, now.minute) : own.count,
    RequiredClientCount: kind === 'windows' ? 25 : 5,
    KeyManagementServiceUnlicensedRequests: (own.unlicensed ?? 0) + by[0]!,
    KeyManagementServiceLicensedRequests: (own.licensed ?? 0) + by[1]!,
    KeyManagementServiceOOBGraceRequests: (own.grace ?? 0) + by[2]!,
    KeyManagementServiceOOTGraceRequests: by[3]!,
    KeyManagementServiceNonGenuineGraceRequests: by[4]!,
    KeyManagementServiceTotalRequests: own.total + (host?.requests.total ?? 0),
    KeyManagementServiceFailedRequests: (own.failed ?? 0) + (host?.requests.failed ?? 0),
    KeyManagementServiceNotificationRequests: (own.notification ?? 0) + by[5]!,
  }
}

function productRow(machine: Machine, product: Product, now: Now): Instance {
  const { licence } = product
  const service = serviceOf(machine, product)
  const left = product.endsAt === null ? 0 : Math.max(0, Math.ceil(product.endsAt - now.minute))
  const kms = licence.kind === 'gvlk' && product.key !== null
  const used = kms && product.by === 'kms' ? product.used : null
  const clock = clockOf(machine, now)
  return {
    ID: licence.activationId,
    Name: licence.title,
    Description: licence.description,
    ApplicationID: applicationIds[licence.app],
    ProcessorURL: null,
    MachineURL: null,
    ProductKeyURL: null,
    UseLicenseURL: useLicenseUrl(licence.app),
    ValidationURL: 'https://validation-v2.sls.microsoft.com/SLWGA/slwga.asmx',
    LicenseStatus: statusNumber[product.status],
    LicenseStatusReason: product.reason,
    GracePeriodRemaining: left,
    EvaluationEndDate: licence.kind === 'eval' && product.key !== null && left > 0 ? datetime(clock + left * 60_000) : noDate,
    OfflineInstallationId: product.key === null ? null : product.installationId,
    PartialProductKey: product.key,
    ProductKeyID: product.key === null ? null : productKeyId(machine, product),
    ProductKeyID2: product.key === null ? null : '00330-80000-00000-AA001',
    ProductKeyChannel: product.key === null ? null : licence.keyChannel,
    LicenseFamily: licence.family,
    LicenseDependsOn: licence.dependsOn,
    LicenseIsAddon: licence.addOn,
    VLActivationInterval: kms ? service.activationInterval : none,
    VLRenewalInterval: kms ? service.renewalInterval : none,
    KeyManagementServiceProductKeyID: used?.pid ?? null,
    // What counts for the product: its own setting, else the service's (slmgr shows it so after /skms without an activation ID).
    KeyManagementServiceMachine: kms ? (product.machine ?? service.machine) : product.machine,
    KeyManagementServicePort: kms ? product.port || service.port : product.port,
    KeyManagementServiceLookupDomain: product.lookupDomain ?? service.lookupDomain,
    DiscoveredKeyManagementServiceMachineName: used?.found ? used.name : null,
    DiscoveredKeyManagementServiceMachinePort: used?.found ? used.port : 0,
    DiscoveredKeyManagementServiceMachineIpAddress: used ? used.ip : null,
    ...counters(machine, product, now),
    GenuineStatus: 0,
    ExtendedGrace: none,
    TokenActivationILID: null,
    TokenActivationILVID: none,
    TokenActivationGrantNumber: none,
    TokenActivationCertificateThumbprint: null,
    TokenActivationAdditionalInfo: null,
    TrustedTime: datetime(clock),
    VLActivationType: product.by === 'ad' ? 1 : product.by === 'kms' ? 2 : 0,
    VLActivationTypeEnabled: product.typeEnabled || service.typeEnabled,
    ADActivationObjectName: product.adObject?.name ?? null,
    ADActivationObjectDN: product.adObject?.dn ?? null,
    ADActivationCsvlkPid: product.adObject ? activationObjectPid : null,
    ADActivationCsvlkSkuId: null,
    IAID: null,
    RemainingAppReArmCount: service.rearms,
    RemainingSkuReArmCount: product.key === null ? none : service.rearms,
    AutomaticVMActivationHostMachineName: null,
    AutomaticVMActivationHostDigitalPid2: null,
    AutomaticVMActivationLastActivationTime: noDate,
    ...product.says,
  }
}

function serviceRow(machine: Machine, service: Service, office: boolean, now: Now): Instance {
  const host = machine.products.find((p) => p.licence.kind === 'host' && p.key !== null && (p.licence.app === 'windows') !== office)
  const { build } = machine.system
  const marker = machine.scenario.marker
  return {
    // The service of Windows carries the build of Windows (case 07, case 10).
    Version: office ? '14.0.370.400' : build === 7601 ? '6.1.7601.17514' : `${machine.system.version}.${machine.system.ubr}`,
    KeyManagementServiceMachine: service.machine,
    KeyManagementServicePort: service.port,
    KeyManagementServiceLookupDomain: service.lookupDomain,
    KeyManagementServiceProductKeyID: null,
    DiscoveredKeyManagementServiceMachineName: null,
    DiscoveredKeyManagementServiceMachinePort: 0,
    DiscoveredKeyManagementServiceMachineIpAddress: null,
    ClientMachineID: machine.cmid,
    VLActivationInterval: service.activationInterval,
    VLRenewalInterval: service.renewalInterval,
    ...(host ? counters(machine, host, now) : noCounters),
    PolicyCacheRefreshRequired: 0,
    RemainingWindowsReArmCount: service.rearms,
    KeyManagementServiceListeningPort: service.listeningPort,
    KeyManagementServiceDnsPublishing: service.dnsPublishing,
    KeyManagementServiceLowPriority: service.lowPriority,
    KeyManagementServiceHostCaching: service.caching,
    KeyManagementServiceActivationDisabled: service.activationDisabled,
    TokenActivationILID: null,
    TokenActivationILVID: none,
    TokenActivationGrantNumber: none,
    TokenActivationCertificateThumbprint: null,
    TokenActivationAdditionalInfo: null,
    OA3xOriginalProductKeyDescription: machine.products.some((p) => p.licence.kind === 'oem-dm' && p.key !== null)
      ? '[4.0] Professional OEM:DM'
      : null,
    OA2xBiosMarkerStatus: marker === 'missing' ? 0 : 1,
    OA2xBiosMarkerMinorVersion: 1,
  }
}

function systemRows(machine: Machine, name: string, now: Now): Instance[] | null {
  const { system, hardware: h } = machine
  const id = () => hash('sha256', `${machine.seed}/${machine.name}/serial`).toUpperCase()
  const serial = () => `EX${id().slice(0, 8)}`
  switch (name) {
    case 'win32_operatingsystem':
      return [
        {
          Name: `${system.caption}|C:\\Windows|\\Device\\Harddisk0\\Partition2`,
          Caption: system.caption,
          Version: system.version,
          BuildNumber: String(system.build),
          BuildType: 'Multiprocessor Free',
          CSName: machine.computer,
          OSArchitecture: '64-bit',
          SerialNumber: '00330-80000-00000-AA001',
          Manufacturer: 'Microsoft Corporation',
          WindowsDirectory: 'C:\\Windows',
          SystemDirectory: 'C:\\Windows\\system32',
          Organization: 'Example University',
          RegisteredUser: 'Example University',
          CountryCode: '1',
          Locale: '0409',
          CSDVersion: system.build === 7601 ? 'Service Pack 1' : null,
          Status: 'OK',
          OperatingSystemSKU: system.sku,
          ProductType: system.productType,
          OSLanguage: 1033,
          OSProductSuite: system.productType === 1 ? 256 : 272,
          SuiteMask: system.productType === 1 ? 256 : 272,
          NumberOfUsers: 1,
          OSType: 18,
          ServicePackMajorVersion: system.build === 7601 ? 1 : 0,
          ServicePackMinorVersion: 0,
          CurrentTimeZone: 60,
          FreePhysicalMemory: '4194304',
          TotalVisibleMemorySize: '8388608',
          LocalDateTime: datetime(clockOf(machine, now), 60),
          LastBootUpTime: datetime(clockOf(machine, now) + (machine.bootedAt - now.minute) * 60_000, 60),
          InstallDate: { datetime: '20250114093012.000000+060' },
          Primary: true,
          PortableOperatingSystem: false,
          MUILanguages: ['en-US'],
        },
      ]
    case 'win32_computersystem':
      return [
        {
          Name: machine.computer,
          Caption: machine.computer,
          DNSHostName: machine.name.split('.')[0]!,
          Domain: machine.domain ?? 'WORKGROUP',
          Workgroup: machine.domain === null ? 'WORKGROUP' : null,
          Manufacturer: h.manufacturer,
          Model: h.model,
          SystemType: 'x64-based PC',
          UserName: null,
          PrimaryOwnerName: 'Example University',
          Status: 'OK',
          // Standalone or member, workstation or server (win32-computersystem).
          DomainRole: (system.productType === 1 ? 0 : 2) + (machine.domain === null ? 0 : 1),
          PCSystemType: h.chassis === 10 ? 2 : system.productType === 1 ? 1 : 4,
          NumberOfLogicalProcessors: 4,
          NumberOfProcessors: 1,
          TotalPhysicalMemory: '8589934592',
          PartOfDomain: machine.domain !== null,
          HypervisorPresent: h.hypervisor,
          SystemFamily: h.model,
          SystemSKUNumber: '',
        },
      ]
    case 'win32_systemenclosure':
      return [
        {
          Tag: 'System Enclosure 0',
          Manufacturer: h.enclosure,
          Model: null,
          SerialNumber: serial(),
          SMBIOSAssetTag: h.assetTag,
          Version: null,
          Caption: 'System Enclosure',
          ChassisTypes: [h.chassis],
        },
      ]
    case 'win32_bios':
      return [
        {
          Name: h.biosVersion,
          SoftwareElementID: h.biosVersion,
          Version: 'EXAMPLE - 1072009',
          SoftwareElementState: 3,
          TargetOperatingSystem: 0,
          Caption: h.biosVersion,
          Manufacturer: h.manufacturer,
          SerialNumber: serial(),
          SMBIOSBIOSVersion: h.biosVersion,
          ReleaseDate: { datetime: '20240305000000.000000+000' },
        },
      ]
    case 'win32_computersystemproduct': {
      const digits = id()
      return [
        {
          IdentifyingNumber: serial(),
          Name: h.model,
          Version: '1.0',
          Caption: 'Computer System Product',
          Description: 'Computer System Product',
          SKUNumber: null,
          UUID: `${h.uuidPrefix}${digits.slice(h.uuidPrefix.length, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-A${digits.slice(17, 20)}-${digits.slice(20, 32)}`,
          Vendor: h.manufacturer,
        },
      ]
    }
    case 'win32_quickfixengineering':
      return (machine.scenario.hotfixes ?? []).map((fix) => ({
        HotFixID: fix,
        ServicePackInEffect: '',
        Caption: `https://support.microsoft.com/help/${fix.slice(2)}`,
        CSName: machine.computer,
        Description: 'Security Update',
        InstalledBy: 'NT AUTHORITY\\SYSTEM',
        InstalledOn: '10/14/2026',
        FixComments: '',
      }))
    case 'win32_ntlogevent':
      return logRows(machine, now)
    default:
      return null
  }
}

/** A class as this machine has it; null where it does not. Office's own classes exist where its service is installed. */
export function classOf(machine: Machine, namespace: string, name: string): ClassAt | null {
  const found = classesAt(machine.system.build).get(name.toLowerCase())
  if (!found?.namespaces.includes(namespace.toLowerCase())) return null
  if (/^officesoftware/i.test(name) && !machine.officeService) return null
  const missing = machine.scenario.missing?.filter((m) => m.toLowerCase().startsWith(`${found.name.toLowerCase()}.`)) ?? []
  if (missing.length === 0) return found
  const properties = new Map(found.properties)
  for (const m of missing) properties.delete(m.split('.')[1]!.toLowerCase())
  return { ...found, properties }
}

/** What of a product is known without putting its row together: most queries ask for the licences with a key, which are few. */
const nearby = (product: Product): Instance => ({ ID: product.licence.activationId, PartialProductKey: product.key })
const isNearby = new Set(['id', 'partialproductkey'])

/** The rows of a class that fit a condition, as the machine has them: some may have more properties than this build. */
function rowsOf(machine: Machine, found: ClassAt, now: Now, where: Condition | null): readonly Instance[] {
  const lookIn =
    (row: Instance): Look =>
    (property) => {
      const p = found.properties.get(property.toLowerCase())
      return p
        ? { type: p.type, value: row[p.name] ?? null }
        : { type: 'string', value: property.toLowerCase() === '__class' ? found.name : null }
    }
  const name = found.name.toLowerCase()
  if (name === 'softwarelicensingproduct' || name === 'officesoftwareprotectionproduct') {
    const office = name.startsWith('office')
    const early = where !== null && propertiesOf(where).every((p) => isNearby.has(p.toLowerCase()))
    return machine.products
      .filter((p) => usesOfficeService(p, machine.system) === office && (!early || fits(where, lookIn(nearby(p)))))
      .map((p) => productRow(machine, p, now))
      .filter((row) => early || fits(where, lookIn(row)))
  }
  const rows =
    name === 'softwarelicensingservice'
      ? [serviceRow(machine, machine.service, false, now)]
      : name === 'officesoftwareprotectionservice'
        ? [serviceRow(machine, machine.officeService!, true, now)]
        : (systemRows(machine, name, now) ?? [])
  return where === null ? rows : rows.filter((row) => fits(where, lookIn(row)))
}

/** All instances of a class, with exactly the properties that this build has, in their order. */
export function instances(machine: Machine, found: ClassAt, now: Now): Instance[] {
  const properties = [...found.properties.values()]
  return rowsOf(machine, found, now, null).map(
    (row) => Object.fromEntries(properties.map((p) => [p.name, row[p.name] ?? null])) as Instance,
  )
}

/** Product of a machine by its key, through either class. */
export const productById = (machine: Machine, id: string, office: boolean): Product | null =>
  machine.products.find((p) => p.licence.activationId === id.toLowerCase() && usesOfficeService(p, machine.system) === office) ?? null

const system = new Set([
  '__path',
  '__relpath',
  '__class',
  '__namespace',
  '__server',
  '__genus',
  '__superclass',
  '__dynasty',
  '__derivation',
  '__property_count',
])

export type Result = { readonly wql: Wql; readonly found: ClassAt; readonly rows: readonly Instance[] }

/** Runs a query. Null where the class does not exist; WqlError where WMI would refuse it. */
export function query(machine: Machine, namespace: string, text: string, now: Now): Result | null {
  const wql = read(text)
  const found = classOf(machine, namespace, wql.from)
  if (!found) return null
  for (const name of [...(wql.columns ?? []), ...propertiesOf(wql.where)])
    if (!found.properties.has(name.toLowerCase()) && !system.has(name.toLowerCase()))
      throw new WqlError(invalidQuery, `Invalid query: there is no property ${name}.`)
  const names =
    wql.columns === null
      ? [...found.properties.values()].map((p) => p.name)
      : wql.columns.map((c) => found.properties.get(c.toLowerCase())?.name).filter((c): c is string => c !== undefined)
  const rows = rowsOf(machine, found, now, wql.where).map((row) => {
    const wanted: Record<string, Cell> = {}
    for (const name of names) wanted[name] = row[name] ?? null
    return wanted
  })
  return { wql, found, rows }
}

/** A fleet is asked the same again and again. */
const parsed = new Map<string, Wql>()
function read(text: string): Wql {
  const known = parsed.get(text)
  if (known) return known
  const wql = parseWql(text)
  if (parsed.size >= 256) parsed.delete(parsed.keys().next().value!)
  if (text.length < 4096) parsed.set(text, wql)
  return wql
}
