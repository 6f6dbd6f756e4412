import { applicationIds } from '../../catalogue.ts'
import type { Problem, Wish } from '../../model.ts'

/** Values stay as text, as the wire carries them; null is NULL. The same shapes as a machine's answers. */
export type LiveValue = string | null | readonly (string | null)[]
export type LiveRow = Readonly<Record<string, LiveValue>>
export type RegistryValues = Readonly<Record<string, string | number | readonly string[]>>

/** A question to a machine. `namespace` is root/cimv2 where it is left out; `registry` is a key below HKEY_LOCAL_MACHINE. */
export type LiveQuestion =
  | {
      readonly id: string
      readonly class: string
      readonly namespace?: string
      readonly columns: readonly string[]
      /** A WQL condition, without WHERE. */
      readonly where?: string
    }
  | { readonly id: string; readonly registry: string; readonly values?: readonly string[] }

/** What came back: rows, values, null where the machine has no such class or key, or why it could not be asked. */
export type Answer =
  | { readonly ok: true; readonly rows: readonly LiveRow[] | null }
  | { readonly ok: true; readonly values: RegistryValues | null }
  | { readonly ok: false; readonly problem: Problem }

export type Answers = ReadonlyMap<string, Answer>

/** Rows of an answer; null where there is none. */
export function rowsOf(answers: Answers, id: string): readonly LiveRow[] | null {
  const answer = answers.get(id)
  return answer?.ok && 'rows' in answer ? answer.rows : null
}

/** Values of a registry answer; null where there is none. */
export function valuesOf(answers: Answers, id: string): RegistryValues | null {
  const answer = answers.get(id)
  return answer?.ok && 'values' in answer ? answer.values : null
}

/** A text value of a row; null where it is NULL, empty or absent. */
export function field(row: LiveRow | undefined, name: string): string | null {
  const value = row?.[name]
  if (typeof value === 'string') return value === '' ? null : value
  return value && value.length > 0 ? value.filter((v) => v !== null).join(', ') : null
}

/** `6.1` as 6.1: enough to compare releases of Windows; 6.1 where the machine did not tell, which asks for least. */
export function windowsVersion(answers: Answers): number {
  const printed = /^(\d+\.\d+)\./.exec(field(rowsOf(answers, 'system')?.[0], 'Version') ?? '')?.[1]
  return printed ? Number(printed) : 6.1
}

/** Properties of a product since Windows 7 and Server 2008 R2 (MicrosoftDocs/win32, softwarelicensingproduct). */
const productSince61 = [
  'ID',
  'Name',
  'Description',
  'ApplicationID',
  'LicenseStatus',
  'LicenseStatusReason',
  'GracePeriodRemaining',
  'EvaluationEndDate',
  'PartialProductKey',
  'ProductKeyID',
  'LicenseFamily',
  'LicenseIsAddon',
  'VLActivationInterval',
  'VLRenewalInterval',
  'KeyManagementServiceProductKeyID',
  'KeyManagementServiceMachine',
  'KeyManagementServicePort',
  'DiscoveredKeyManagementServiceMachineName',
  'DiscoveredKeyManagementServiceMachinePort',
  'IsKeyManagementServiceMachine',
  'KeyManagementServiceCurrentCount',
  'RequiredClientCount',
  'KeyManagementServiceTotalRequests',
  'KeyManagementServiceFailedRequests',
]
/** What only a KMS host fills; its own question would cost a round trip more than these columns. */
const hostCounters = [
  'KeyManagementServiceUnlicensedRequests',
  'KeyManagementServiceLicensedRequests',
  'KeyManagementServiceOOBGraceRequests',
  'KeyManagementServiceOOTGraceRequests',
  'KeyManagementServiceNonGenuineGraceRequests',
  'KeyManagementServiceNotificationRequests',
]
/** Since Windows 8 and Server 2012: AD-based activation, activation types, the domain to look in (slmgr and ospp of that release ask for them). */
const productSince62 = [
  'TrustedTime',
  'ProductKeyChannel',
  'VLActivationType',
  'VLActivationTypeEnabled',
  'ADActivationObjectName',
  'ADActivationObjectDN',
  'KeyManagementServiceLookupDomain',
]
/** Since Windows 8.1 and Server 2012 R2: automatic activation of virtual machines, the address of the KMS host. */
const productSince63 = ['DiscoveredKeyManagementServiceMachineIpAddress', 'IAID', 'AutomaticVMActivationHostMachineName']

const serviceSince61 = [
  'Version',
  'KeyManagementServiceMachine',
  'IsKeyManagementServiceMachine',
  'KeyManagementServiceCurrentCount',
  'KeyManagementServiceHostCaching',
  'KeyManagementServiceListeningPort',
  'KeyManagementServiceDnsPublishing',
  'ClientMachineID',
]
const serviceSince62 = ['KeyManagementServicePort', 'KeyManagementServiceLookupDomain', 'OA3xOriginalProductKeyDescription']

const platform = 'SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\SoftwareProtectionPlatform'
export const windowsApplication = applicationIds[0].id
export const officeApplication = applicationIds[1].id

const first: readonly LiveQuestion[] = [
  {
    id: 'system',
    class: 'Win32_OperatingSystem',
    columns: ['Caption', 'Version', 'BuildNumber', 'OperatingSystemSKU', 'ProductType', 'CSName', 'LocalDateTime'],
  },
  {
    id: 'computer',
    class: 'Win32_ComputerSystem',
    columns: ['Name', 'DNSHostName', 'Domain', 'PartOfDomain', 'Workgroup', 'Manufacturer', 'Model'],
  },
]

export type QuestionOptions = {
  /** A wished ESU licence needs to know more. */
  readonly wishes?: readonly Wish[]
  /** Also by what the machine is recognised, and its installation IDs: for what is carried by file. */
  readonly carried?: boolean
}

/** By what a machine is recognised whatever it is called; some boards have none of their own. */
export const boardQuestion = { id: 'board', class: 'Win32_ComputerSystemProduct', columns: ['UUID'] } as const

/** UUIDs that boards have in common: all zero or all one says "none", and one vendor's example is in many boards. */
const nobodys = /^(?:0{8}-|f{8}-|03000200-0400-0500-0006-000700080009$)/

/** A board's UUID, lower case; null where it is none, or none of this board alone. */
export function boardUuid(value: unknown): string | null {
  const uuid = typeof value === 'string' ? value.trim().toLowerCase() : ''
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid) && !nobodys.test(uuid) ? uuid : null
}

/**
 * What to ask next, in rounds: which columns exist depends on the version of Windows, and what concerns a KMS client, a KMS host
 * or a virtual machine is asked of those only. Empty when everything is known that the facts need; a question that was answered,
 * whatever the answer, is not asked again.
 */
export function nextQuestions(answers: Answers, options: QuestionOptions = {}): readonly LiveQuestion[] {
  const open = (questions: readonly LiveQuestion[]) => questions.filter((q) => !answers.has(q.id))
  const begin = open(options.carried ? [...first, boardQuestion] : first)
  if (begin.length > 0) return begin
  const version = windowsVersion(answers)
  const licences = open(licensing(version, answers, options.carried ? ['OfflineInstallationId'] : []))
  if (licences.length > 0) return licences
  return open(more(version, answers, options.wishes ?? [], options.carried ?? false))
}

/** Questions that are the same for all machines of a release of Windows: made once, so that whoever asks them again and again knows them. */
const sameFor = new Map<string, readonly LiveQuestion[]>()

function ofRelease(version: number, ids: readonly string[]): readonly LiveQuestion[] {
  const release = [6.3, 6.2].find((one) => version >= one) ?? 6.1
  const id = [release, ...ids].join()
  const known = sameFor.get(id)
  if (known) return known
  const since = (first: number, columns: readonly string[]) => (release >= first ? columns : [])
  const questions: readonly LiveQuestion[] = [
    { id: 'service', class: 'SoftwareLicensingService', columns: [...serviceSince61, ...since(6.2, serviceSince62)] },
    {
      id: 'products',
      class: 'SoftwareLicensingProduct',
      columns: [...productSince61, ...hostCounters, ...since(6.2, productSince62), ...since(6.3, productSince63), ...ids],
      // Without it a machine answers with hundreds of rows, slowly.
      where: 'PartialProductKey IS NOT NULL',
    },
    // Office 2010 anywhere, and any Office before Windows 8, has a licensing service of its own; elsewhere there is no such class.
    {
      id: 'office-products',
      class: 'OfficeSoftwareProtectionProduct',
      columns: [...productSince61.filter((c) => !/^(?:IsKey|KeyManagementService(?:Current|Total|Failed)|RequiredClient)/.test(c)), ...ids],
      where: 'PartialProductKey IS NOT NULL',
    },
    {
      id: 'click-to-run',
      registry: 'SOFTWARE\\Microsoft\\Office\\ClickToRun\\Configuration',
      // Each value that is there costs a round trip.
      values: ['ProductReleaseIds', 'CDNBaseUrl', 'UpdateChannel', 'SharedComputerLicensing'],
    },
  ]
  sameFor.set(id, questions)
  return questions
}

/** The second round: the licences, Office, and what tells a cloud from a Hyper-V host. */
function licensing(version: number, answers: Answers, ids: readonly string[]): readonly LiveQuestion[] {
  const computer = rowsOf(answers, 'computer')?.[0]
  const maker = `${field(computer, 'Manufacturer') ?? ''} ${field(computer, 'Model') ?? ''}`
  return [
    ...ofRelease(version, ids),
    ...(/^Microsoft Corporation Virtual Machine|^QEMU|^Oracle|^Red Hat|Standard PC/i.test(maker)
      ? [{ id: 'enclosure', class: 'Win32_SystemEnclosure', columns: ['Manufacturer', 'SMBIOSAssetTag'] }]
      : []),
    ...(/^Xen\b/i.test(maker) ? [{ id: 'bios', class: 'Win32_BIOS', columns: ['Version', 'SMBIOSBIOSVersion', 'SerialNumber'] }] : []),
  ]
}

/** The third round: what depends on the products. */
function more(version: number, answers: Answers, wishes: readonly Wish[], carried: boolean): readonly LiveQuestion[] {
  const products = rowsOf(answers, 'products') ?? []
  const of = (application: string) => products.filter((p) => field(p, 'ApplicationID')?.toLowerCase() === application)
  const asked: LiveQuestion[] = []
  // A host that is set for one application is in the registry only. It cannot matter where each product has its own.
  for (const [id, application] of [
    ['host:windows', windowsApplication],
    ['host:office', officeApplication],
  ] as const) {
    // A Windows of any licence may become a KMS client; of Office only volume products are ever asked for.
    const entries = of(application).filter(
      (p) => application === windowsApplication || /VOLUME|\(MAK\)/.test(field(p, 'Description') ?? ''),
    )
    if (entries.some((p) => field(p, 'KeyManagementServiceMachine') === null))
      asked.push({ id, registry: `${platform}\\${application}`, values: ['KeyManagementServiceName', 'KeyManagementServicePort'] })
  }
  const office = rowsOf(answers, 'office-products') ?? []
  if (office.length > 0)
    asked.push({
      id: 'office-service',
      class: 'OfficeSoftwareProtectionService',
      columns: ['Version', 'KeyManagementServiceMachine', 'KeyManagementServiceHostCaching', 'ClientMachineID'],
    })
  // Where no host is set, or none any more, a KMS client looks in DNS by its own suffix.
  const clients = [...products, ...office].some(
    (p) =>
      /KMSCLIENT/.test(field(p, 'Description') ?? '') ||
      (/VOLUME_MAK|\(MAK\)|VIRTUAL_MACHINE/.test(field(p, 'Description') ?? '') && field(p, 'LicenseStatus') !== '1'),
  )
  // Whoever plans from a recording cannot ask again: a wish that is not known here may need it.
  if (clients || carried || wishes.some((w) => w.instead))
    asked.push({
      id: 'suffix',
      registry: 'SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters',
      // What DHCP gave counts in a workgroup only.
      values: /^true$/i.test(field(rowsOf(answers, 'computer')?.[0], 'PartOfDomain') ?? '') ? ['Domain'] : ['Domain', 'DhcpDomain'],
    })
  // Revision or updates: only a KMS host that serves newer systems than its own, and ESU, depend on them.
  const host = products.some((p) => /VOLUME_KMS(?!CLIENT)/.test(field(p, 'Description') ?? ''))
  const esu = products.some((p) => /-ESU-/.test(field(p, 'Name') ?? '')) || wishes.some((w) => w.by === 'esu')
  // Nothing of a client; its own question, so that recordings of clients stay what they are.
  if (host) asked.push({ id: 'host-service', class: 'SoftwareLicensingService', columns: ['KeyManagementServiceLowPriority'] })
  if (host || esu || carried)
    asked.push(
      version >= 10
        ? {
            id: 'version',
            registry: 'SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion',
            values: ['UBR', 'EditionID', 'DisplayVersion'],
          }
        : { id: 'updates', class: 'Win32_QuickFixEngineering', columns: ['HotFixID'] },
    )
  return asked
}
