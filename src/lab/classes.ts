import type { SourceId } from './sources.ts'

/** CIM types that the lab's classes use, as Windows declares them. */
export type CimType = 'string' | 'boolean' | 'uint16' | 'sint16' | 'uint32' | 'uint64' | 'datetime' | 'string[]' | 'uint16[]' | 'sint32[]'

/** A value as the store holds it; 64-bit integers are text. */
export type Cell = string | number | boolean | null | { readonly datetime: string } | readonly (string | number)[]
export type Instance = Readonly<Record<string, Cell>>

/** `since` and `until` are Windows builds: outside of them the property does not exist there. */
export type Property = {
  readonly name: string
  readonly type: CimType
  readonly since?: number
  readonly until?: number
  readonly key?: true
  readonly source: SourceId
}
export type Parameter = { readonly name: string; readonly type: CimType }
export type Method = {
  readonly name: string
  readonly in: readonly Parameter[]
  readonly since?: number
  readonly until?: number
  readonly static?: true
  readonly source: SourceId
}
export type WmiClass = {
  readonly name: string
  readonly namespaces: readonly string[]
  readonly properties: readonly Property[]
  readonly methods: readonly Method[]
}

/** Windows 8 and Server 2012, where the second generation of the licensing classes begins; and 8.1 and 2012 R2, with AVMA. */
export const windows8 = 9200
export const windows81 = 9600
const windows7 = 7601

type Bounds = { readonly since?: number; readonly until?: number; readonly key?: true }
const of =
  (type: CimType) =>
  (source: SourceId, names: string, bounds: Bounds = {}): Property[] =>
    names.split(' ').map((name) => ({ name, type, ...bounds, source }))
const text = of('string')
const number = of('uint32')
const flag = of('boolean')
const date = of('datetime')
const method = (
  source: SourceId,
  name: string,
  parameters: Readonly<Record<string, CimType>> = {},
  bounds: Omit<Method, 'name' | 'in' | 'source'> = {},
): Method => ({
  name,
  in: Object.entries(parameters).map(([n, type]) => ({ name: n, type })),
  ...bounds,
  source,
})

const requests =
  'KeyManagementServiceUnlicensedRequests KeyManagementServiceLicensedRequests KeyManagementServiceOOBGraceRequests KeyManagementServiceOOTGraceRequests KeyManagementServiceNonGenuineGraceRequests KeyManagementServiceTotalRequests KeyManagementServiceFailedRequests KeyManagementServiceNotificationRequests'

/** The service that licenses Windows (and Office since Windows 8), and the one that Office brings to Windows 7. */
const serviceProperties = (own: Bounds): Property[] => [
  ...text('spp-service', 'Version', { key: true }),
  ...text(
    'spp-service',
    'KeyManagementServiceMachine KeyManagementServiceProductKeyID DiscoveredKeyManagementServiceMachineName ClientMachineID',
  ),
  ...number('va-reference', 'KeyManagementServicePort'),
  ...number(
    'spp-service',
    `IsKeyManagementServiceMachine VLActivationInterval VLRenewalInterval KeyManagementServiceCurrentCount RequiredClientCount DiscoveredKeyManagementServiceMachinePort PolicyCacheRefreshRequired RemainingWindowsReArmCount KeyManagementServiceListeningPort ${requests}`,
  ),
  ...flag('spp-service', 'KeyManagementServiceDnsPublishing KeyManagementServiceLowPriority KeyManagementServiceHostCaching'),
  ...flag('wmi-win7', 'KeyManagementServiceActivationDisabled', { until: windows7 }),
  ...text('spp-service', 'TokenActivationILID TokenActivationCertificateThumbprint TokenActivationAdditionalInfo'),
  ...number('spp-service', 'TokenActivationILVID TokenActivationGrantNumber'),
  ...text('oslicense', 'KeyManagementServiceLookupDomain', own),
  ...text('wmigen-2019', 'DiscoveredKeyManagementServiceMachineIpAddress', own),
  ...text('va-reference', 'OA3xOriginalProductKeyDescription', own),
  ...number('wmigen-2019', 'OA2xBiosMarkerStatus OA2xBiosMarkerMinorVersion', own),
]
const kmsMethods = (source: SourceId, own: Omit<Method, 'name' | 'in' | 'source'>): Method[] => [
  method(source, 'SetKeyManagementServiceMachine', { MachineName: 'string' }),
  method(source, 'ClearKeyManagementServiceMachine'),
  method(source, 'SetKeyManagementServicePort', { PortNumber: 'uint32' }),
  method(source, 'ClearKeyManagementServicePort'),
  method('wmigen-2019', 'SetKeyManagementServiceLookupDomain', { LookupDomain: 'string' }, own),
  method('wmigen-2019', 'ClearKeyManagementServiceLookupDomain', {}, own),
  method('wmigen-2019', 'SetVLActivationTypeEnabled', { ActivationType: 'uint32' }, own),
  method('wmigen-2019', 'ClearVLActivationTypeEnabled', {}, own),
]
const serviceMethods = (own: Omit<Method, 'name' | 'in' | 'source'>): Method[] => [
  method('spp-service', 'InstallProductKey', { ProductKey: 'string' }),
  method('spp-service', 'ClearProductKeyFromRegistry'),
  method('spp-service', 'RefreshLicenseStatus'),
  method('spp-service', 'DisableKeyManagementServiceHostCaching', { DisableCaching: 'boolean' }),
  method('spp-service', 'DisableKeyManagementServiceDnsPublishing', { DisablePublishing: 'boolean' }),
  method('spp-service', 'EnableKeyManagementServiceLowPriority', { EnableLowPriority: 'boolean' }),
  method('spp-service', 'SetKeyManagementServiceListeningPort', { PortNumber: 'uint32' }),
  method('spp-service', 'ClearKeyManagementServiceListeningPort'),
  method('spp-service', 'SetVLActivationInterval', { ActivationInterval: 'uint32' }),
  method('spp-service', 'SetVLRenewalInterval', { RenewalInterval: 'uint32' }),
  method('spp-service', 'ReArmWindows'),
  ...kmsMethods('spp-service', own),
]
const productProperties = (own: Bounds, avma: Bounds): Property[] => [
  ...text('spp-product', 'ID', { key: true }),
  ...text(
    'spp-product',
    'Name Description ApplicationID ProcessorURL MachineURL ProductKeyURL UseLicenseURL OfflineInstallationId PartialProductKey ProductKeyID LicenseFamily LicenseDependsOn KeyManagementServiceProductKeyID KeyManagementServiceMachine DiscoveredKeyManagementServiceMachineName TokenActivationILID TokenActivationCertificateThumbprint TokenActivationAdditionalInfo',
  ),
  ...number(
    'spp-product',
    `LicenseStatus LicenseStatusReason GracePeriodRemaining VLActivationInterval VLRenewalInterval KeyManagementServicePort DiscoveredKeyManagementServiceMachinePort IsKeyManagementServiceMachine KeyManagementServiceCurrentCount RequiredClientCount GenuineStatus ExtendedGrace TokenActivationILVID TokenActivationGrantNumber ${requests}`,
  ),
  ...date('spp-product', 'EvaluationEndDate TrustedTime'),
  ...flag('spp-product', 'LicenseIsAddon'),
  ...number('va-reference', 'VLActivationType VLActivationTypeEnabled', own),
  ...text('va-reference', 'ADActivationObjectName ADActivationObjectDN ADActivationCsvlkPid ADActivationCsvlkSkuId', own),
  ...text(
    'case-32',
    'ProductKeyChannel ProductKeyID2 ValidationURL KeyManagementServiceLookupDomain DiscoveredKeyManagementServiceMachineIpAddress IAID',
    own,
  ),
  ...number('case-32', 'RemainingAppReArmCount RemainingSkuReArmCount', own),
  ...text('case-30', 'AutomaticVMActivationHostMachineName AutomaticVMActivationHostDigitalPid2', avma),
  ...date('case-30', 'AutomaticVMActivationLastActivationTime', avma),
]
const productMethods = (own: Omit<Method, 'name' | 'in' | 'source'>): Method[] => [
  method('spp-product', 'Activate'),
  method('spp-product', 'UninstallProductKey'),
  method('spp-product', 'DepositOfflineConfirmationId', { InstallationId: 'string', ConfirmationId: 'string' }),
  ...kmsMethods('spp-product', own),
]

const never: Bounds = { until: 0 }
const hive = { hDefKey: 'uint32', sSubKeyName: 'string' } as const
const reading = (name: string): Method => method('stdregprov', name, { ...hive, sValueName: 'string' }, { static: true })

/** Every class that a lab machine has. A class of Office's own service exists only where that service is installed. */
export const classes: readonly WmiClass[] = [
  {
    name: 'SoftwareLicensingService',
    namespaces: ['root/cimv2'],
    properties: serviceProperties({ since: windows8 }),
    methods: [
      ...serviceMethods({ since: windows8 }),
      method('wmi-win7', 'DisableKeyManagementServiceActivation', { DisableActivation: 'boolean' }, { until: windows7 }),
    ],
  },
  {
    name: 'SoftwareLicensingProduct',
    namespaces: ['root/cimv2'],
    properties: productProperties({ since: windows8 }, { since: windows81 }),
    methods: productMethods({ since: windows8 }),
  },
  {
    // Not documented; ospp.vbs and inventory programs use these members, which are those of Windows 7's own classes.
    name: 'OfficeSoftwareProtectionService',
    namespaces: ['root/cimv2'],
    properties: serviceProperties(never),
    methods: serviceMethods({ until: 0 }),
  },
  {
    name: 'OfficeSoftwareProtectionProduct',
    namespaces: ['root/cimv2'],
    properties: productProperties(never, never),
    methods: productMethods({ until: 0 }),
  },
  {
    name: 'Win32_OperatingSystem',
    namespaces: ['root/cimv2'],
    properties: [
      ...text('win32-os', 'Name', { key: true }),
      ...text(
        'win32-os',
        'Caption Version BuildNumber BuildType CSName OSArchitecture SerialNumber Manufacturer WindowsDirectory SystemDirectory Organization RegisteredUser CountryCode Locale CSDVersion Status',
      ),
      ...number('win32-os', 'OperatingSystemSKU ProductType OSLanguage OSProductSuite SuiteMask NumberOfUsers'),
      ...of('uint16')('win32-os', 'OSType ServicePackMajorVersion ServicePackMinorVersion'),
      ...of('sint16')('win32-os', 'CurrentTimeZone'),
      ...of('uint64')('win32-os', 'FreePhysicalMemory TotalVisibleMemorySize'),
      ...date('win32-os', 'LocalDateTime LastBootUpTime InstallDate'),
      ...flag('win32-os', 'Primary PortableOperatingSystem'),
      ...of('string[]')('win32-os', 'MUILanguages'),
    ],
    methods: [],
  },
  {
    name: 'Win32_ComputerSystem',
    namespaces: ['root/cimv2'],
    properties: [
      ...text('win32-cs', 'Name', { key: true }),
      ...text('win32-cs', 'Caption DNSHostName Domain Workgroup Manufacturer Model SystemType UserName PrimaryOwnerName Status'),
      ...of('uint16')('win32-cs', 'DomainRole PCSystemType'),
      ...number('win32-cs', 'NumberOfLogicalProcessors NumberOfProcessors'),
      ...of('uint64')('win32-cs', 'TotalPhysicalMemory'),
      ...flag('win32-cs', 'PartOfDomain'),
      ...flag('win32-cs', 'HypervisorPresent', { since: windows8 }),
      ...text('win32-cs', 'SystemFamily SystemSKUNumber', { since: 10240 }),
    ],
    methods: [],
  },
  {
    name: 'Win32_SystemEnclosure',
    namespaces: ['root/cimv2'],
    properties: [
      ...text('win32-enclosure', 'Tag', { key: true }),
      ...text('win32-enclosure', 'Manufacturer Model SerialNumber SMBIOSAssetTag Version Caption'),
      ...of('uint16[]')('win32-enclosure', 'ChassisTypes'),
    ],
    methods: [],
  },
  {
    name: 'Win32_BIOS',
    namespaces: ['root/cimv2'],
    properties: [
      ...text('win32-bios', 'Name SoftwareElementID Version', { key: true }),
      ...of('uint16')('win32-bios', 'SoftwareElementState TargetOperatingSystem', { key: true }),
      ...text('win32-bios', 'Caption Manufacturer SerialNumber SMBIOSBIOSVersion'),
      ...date('win32-bios', 'ReleaseDate'),
    ],
    methods: [],
  },
  {
    name: 'Win32_ComputerSystemProduct',
    namespaces: ['root/cimv2'],
    properties: [
      ...text('win32-csp', 'IdentifyingNumber Name Version', { key: true }),
      ...text('win32-csp', 'Caption Description SKUNumber UUID Vendor'),
    ],
    methods: [],
  },
  {
    name: 'Win32_QuickFixEngineering',
    namespaces: ['root/cimv2'],
    properties: [
      ...text('win32-qfe', 'HotFixID ServicePackInEffect', { key: true }),
      ...text('win32-qfe', 'Caption CSName Description InstalledBy InstalledOn FixComments'),
    ],
    methods: [],
  },
  {
    name: 'Win32_NTLogEvent',
    namespaces: ['root/cimv2'],
    properties: [
      ...text('win32-event', 'Logfile', { key: true }),
      ...number('win32-event', 'RecordNumber', { key: true }),
      ...text('win32-event', 'CategoryString ComputerName Message SourceName Type User'),
      ...of('uint16')('win32-event', 'Category EventCode'),
      ...number('win32-event', 'EventIdentifier'),
      ...date('win32-event', 'TimeGenerated TimeWritten'),
      ...of('string[]')('win32-event', 'InsertionStrings'),
    ],
    methods: [],
  },
  {
    name: 'StdRegProv',
    namespaces: ['root/default', 'root/cimv2'],
    properties: [],
    methods: [
      method('stdregprov', 'EnumKey', hive, { static: true }),
      method('stdregprov', 'EnumValues', hive, { static: true }),
      reading('GetStringValue'),
      reading('GetExpandedStringValue'),
      reading('GetDWORDValue'),
      reading('GetQWORDValue'),
      reading('GetMultiStringValue'),
      reading('GetBinaryValue'),
      method('stdregprov', 'CheckAccess', { ...hive, uRequired: 'uint32' }, { static: true }),
    ],
  },
]

const there = (bounds: Bounds | Method, build: number) => build >= (bounds.since ?? 0) && build <= (bounds.until ?? Number.MAX_SAFE_INTEGER)

/** A class as one build of Windows has it: its properties and methods by lower-case name. */
export type ClassAt = {
  readonly name: string
  readonly namespaces: readonly string[]
  readonly properties: ReadonlyMap<string, Property>
  readonly methods: ReadonlyMap<string, Method>
}
const byBuild = new Map<number, ReadonlyMap<string, ClassAt>>()
/** The classes of one build, by lower-case name. */
export function classesAt(build: number): ReadonlyMap<string, ClassAt> {
  let known = byBuild.get(build)
  if (!known) {
    known = new Map(
      classes.map((c) => [
        c.name.toLowerCase(),
        {
          name: c.name,
          namespaces: c.namespaces,
          properties: new Map(c.properties.filter((p) => there(p, build)).map((p) => [p.name.toLowerCase(), p])),
          methods: new Map(c.methods.filter((m) => there(m, build)).map((m) => [m.name.toLowerCase(), m])),
        },
      ]),
    )
    byBuild.set(build, known)
  }
  return known
}

const bounds: Partial<Record<CimType, readonly [number, number]>> = {
  uint16: [0, 0xffff],
  sint16: [-0x8000, 0x7fff],
  uint32: [0, 0xffffffff],
}
/** Whether a value has the type that its property declares; null has every type. */
export function hasType(value: Cell | undefined, type: CimType): boolean {
  if (value === null) return true
  if (value === undefined) return false
  if (type.endsWith('[]')) return Array.isArray(value) && value.every((v) => hasType(v as Cell, type.slice(0, -2) as CimType))
  if (type === 'string') return typeof value === 'string'
  if (type === 'boolean') return typeof value === 'boolean'
  if (type === 'uint64') return typeof value === 'string' && /^\d{1,20}$/.test(value)
  if (type === 'datetime')
    return typeof value === 'object' && !Array.isArray(value) && /^\d{14}\.\d{6}[+-]\d{3}$/.test((value as { datetime: string }).datetime)
  const range = bounds[type]
  return range !== undefined && typeof value === 'number' && Number.isInteger(value) && value >= range[0] && value <= range[1]
}
