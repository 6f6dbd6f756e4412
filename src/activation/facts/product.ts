import { applicationIds, clientKeysEndingIn, licenseStatuses, officeHosts, productOfActivationId } from '../../catalogue.ts'
import type { Application, Channel, HostFound, Method, State } from '../../model.ts'
import type { Cell, ProductRow, Row } from '../clues/clue.ts'
import { stateWord } from '../clues/labels.ts'
import {
  type DateOrder,
  guidPattern,
  hex,
  isoDate,
  leadingNumber,
  licenceNamePattern,
  minutesLeft,
  partialKey,
  resultCode,
  wholeNumber,
} from '../clues/shapes.ts'

/**
 * What a machine says about one product: SoftwareLicensingProduct (and what slmgr and ospp print of it) as values.
 * A property that is not there, or says that it does not apply, is null. `cells` keeps where each value was read.
 */
export type ProductFacts = {
  readonly cells: ReadonlyMap<string, Cell>
  /** The licence name as printed: `Windows(R), Professional edition`. */
  readonly name: string | null
  readonly description: string | null
  readonly application: Application
  /** The edition in the licence name: `Professional`, `ServerStandard`, `Professional Plus 2019`. */
  readonly edition: string | null
  readonly channel: Channel
  readonly method: Method
  readonly addOn: boolean
  readonly partialKey: string | null
  readonly activationId: string | null
  readonly state: State
  readonly reason: number | null
  readonly minutesLeft: number | null
  /** The end that `/xpr` or EvaluationEndDate tells, or trusted time plus the minutes left. */
  readonly expires: string | null
  readonly permanent: boolean
  readonly trustedTime: string | null
  readonly host: {
    readonly name: string | null
    readonly port: number | null
    readonly ip: string | null
    readonly found: HostFound
    readonly id: string | null
  }
  /** KMS client: minutes between attempts before and after activation. */
  readonly activationIntervalMinutes: number | null
  readonly renewalIntervalMinutes: number | null
  readonly clientMachineId: string | null
  readonly count: number | null
  readonly requiredCount: number | null
  readonly totalRequests: number | null
  readonly failedRequests: number | null
  readonly isKmsHost: boolean
  readonly activationObject: string | null
  /** The machine never got an answer: slmgr asks to run /ato. */
  readonly neverAsked: boolean
  /** Build of Windows, from the extended PID or the service version. */
  readonly build: number | null
  /** `6.1`, `6.3`, `10.0`, from the service version or the licence name. */
  readonly windows: string | null
  readonly attempt: { readonly code: number | null; readonly ok: boolean; readonly cell: Cell } | null
  /** The code that an event about the product carries. */
  readonly eventCode: number | null
  readonly fromEvent: boolean
  /** True for Office with a licensing service of its own, `OfficeSoftwareProtection…`; null where nothing tells. */
  readonly officeService: boolean | null
  /** A key left over from an Office that is not installed any more, beside the one that is in use. */
  readonly stale: boolean
}

const noValue = /^(?:[x?*-]{3,}|\*{3,}|<[^>]*>|\[?redacted\]?|n\/?a|not set|none|null|-+)$/i

/** The text of a property; null where it is empty or masked. */
function text(row: Row, name: string): string | null {
  const value = row.get(name)?.value
  if (value === undefined || value === '' || noValue.test(value)) return null
  return value
}

function number(row: Row, name: string): number | null {
  const value = row.get(name)?.value
  return value === undefined ? null : (wholeNumber(value) ?? (/^\d{1,9}\D/.test(value) ? leadingNumber(value) : null))
}

/** Reads one product. `order` is the text's order of day and month, `service` the machine's licensing service. */
export function productFacts(product: ProductRow, service: Row, order: DateOrder): ProductFacts {
  const row = product.cells
  const rawId = text(row, 'ID')
  const activationId = rawId ? (guidPattern.exec(rawId)?.[0].toLowerCase() ?? null) : null
  const known = activationId ? productOfActivationId(activationId) : null
  const printed = text(row, 'Name')
  const name =
    (printed ? (licenceNamePattern.exec(printed)?.[0] ?? printed) : null) ?? (text(row, 'LicenseFamily') ? null : (known?.name ?? null))
  const description = text(row, 'Description')
  const applicationId = text(row, 'ApplicationID')?.toLowerCase() ?? null
  const application = applicationOf(
    applicationId,
    `${name ?? ''} ${description ?? ''} ${known?.product ?? ''} ${text(row, 'LicenseFamily') ?? ''}`,
  )
  const key = text(row, 'PartialProductKey')
  const partial = key ? partialKey(key) : null
  const family = text(row, 'LicenseFamily')
  const isKmsHost =
    row.get('IsKeyManagementServiceMachine')?.value === '1' ||
    (row.has('KeyManagementServiceCurrentCount') && wholeNumber(row.get('KeyManagementServiceCurrentCount')!.value) !== null)
  const eventCode = row.has('EventCode') ? resultCode(row.get('EventCode')!.value) : null
  const channel = channelOf(
    text(row, 'ProductKeyChannel'),
    description,
    text(row, 'ExpiryChannel'),
    `${name ?? ''} ${family ?? ''}`,
    known?.channel ?? null,
    isKmsHost,
    partial,
    row,
    product.attempt?.code ?? eventCode,
  )
  const override =
    hostPort(text(row, 'KmsRegistered')) ??
    bare(text(row, 'KeyManagementServiceMachine'), number(row, 'KeyManagementServicePort')) ??
    bare(serviceHost(service), number(service, 'KeyManagementServicePort'))
  const discovered =
    hostPort(text(row, 'KmsFromDns')) ??
    bare(text(row, 'DiscoveredKeyManagementServiceMachineName'), number(row, 'DiscoveredKeyManagementServiceMachinePort'))
  const ip = addressIn(text(row, 'DiscoveredKeyManagementServiceMachineIpAddress'))
  // What an event says was asked is a host, too; where its name came from is not told.
  const asked = hostPort(text(row, 'EventHost'))
  const host = override ?? discovered ?? asked
  const reasonCell = row.get('LicenseStatusReason') ?? row.get('ErrorCode')
  const reasonCode = reasonCell ? resultCode(reasonCell.value) : null
  const reason = reasonCode === 0 ? null : reasonCode
  const grace = row.get('GracePeriodRemaining')
  const minutes = grace ? minutesLeft(grace.value) : null
  const state = stateOf(row.get('LicenseStatus')?.value || null, product, channel, minutes, reason)
  const trusted = text(row, 'TrustedTime')
  const trustedTime = trusted ? isoDate(trusted, order) : null
  // A permanent licence has no time that could run out; WMI prints 0 for it.
  const left = minutes === 0 && state === 'licensed' ? null : minutes
  const printedEnd = text(row, 'Expires') ?? text(row, 'EvaluationEndDate')
  const pid = text(row, 'ProductKeyID')
  const adDn = text(row, 'ADActivationObjectDN')
  const adName = text(row, 'ADActivationObjectName')
  const typeUsed = number(row, 'VLActivationType')
  const version = text(service, 'Version') ?? text(row, 'Version')
  // The machine's own setting is where this product's host comes from; its line is evidence here, too.
  const fromService =
    override && !row.get('KmsRegistered') && !row.get('KeyManagementServiceMachine')?.value
      ? service.get('KeyManagementServiceMachine')
      : undefined
  return {
    cells: fromService ? new Map(row).set('KeyManagementServiceMachine', fromService) : row,
    name,
    description,
    application,
    edition: editionOf(name ?? known?.product ?? null, family) ?? officeHost(activationId),
    channel,
    method: methodOf(
      channel,
      !!(adDn || adName),
      typeUsed,
      state,
      !!text(row, 'IAID') || !!text(row, 'AutomaticVMActivationHostMachineName'),
    ),
    addOn: /^true$/i.test(text(row, 'LicenseIsAddon') ?? '') || /\badd-?on\b|-ESU-/i.test(name ?? '') || known?.channel === 'esu',
    partialKey: partial,
    activationId,
    state,
    reason,
    minutesLeft: left,
    expires: (printedEnd ? isoDate(printedEnd, order) : null) ?? (trustedTime && left ? plusMinutes(trustedTime, left) : null),
    permanent: row.has('Permanent'),
    trustedTime,
    host: {
      name: host?.name ?? null,
      port: host?.port ?? (host || ip ? number(row, 'KeyManagementServicePort') || null : null),
      ip,
      found: override ? 'override' : discovered || (ip && row.has('KmsFromDns')) ? 'dns' : ip ? 'unknown' : 'unknown',
      id: text(row, 'KeyManagementServiceProductKeyID'),
    },
    activationIntervalMinutes: number(row, 'VLActivationInterval') || null,
    renewalIntervalMinutes: number(row, 'VLRenewalInterval') || null,
    clientMachineId: text(row, 'ClientMachineID')?.toLowerCase() ?? null,
    count: number(row, 'KeyManagementServiceCurrentCount'),
    requiredCount: number(row, 'RequiredClientCount'),
    totalRequests: number(row, 'KeyManagementServiceTotalRequests'),
    failedRequests: number(row, 'KeyManagementServiceFailedRequests'),
    isKmsHost,
    activationObject: adDn ?? adName,
    neverAsked: row.has('NeverAsked'),
    build: buildOf(pid, version),
    windows: windowsVersion(version, name, pid),
    attempt: product.attempt,
    eventCode,
    fromEvent: product.fromEvent,
    officeService: null,
    stale: false,
  }
}

function applicationOf(id: string | null, words: string): Application {
  const row = id ? applicationIds.find((a) => a.id === id) : undefined
  if (row) return row.kind
  if (id?.startsWith('0ff1ce1')) return 'office'
  if (/\bOffice|Visio|Project|ProPlus/i.test(words)) return 'office'
  if (/\bWindows|\bServer/i.test(words)) return 'windows'
  return 'other'
}

/** Codes that only a KMS client gets: it asked for a KMS host, or was answered by one. */
const kmsClientCodes: ReadonlySet<number> = new Set([
  0xc004f038, 0xc004f039, 0xc004f041, 0xc004f042, 0xc004f056, 0xc004f06c, 0xc004f074, 0x8007232b, 0x8007251d, 0x8007007b,
])

const keyChannels: Readonly<Record<string, Channel>> = { 'volume:gvlk': 'kms-client', 'volume:mak': 'mak', 'volume:csvlk': 'kms-host' }

/** The channel from the key channel, the description, the name; what says most decides. */
function channelOf(
  keyChannel: string | null,
  description: string | null,
  expiry: string | null,
  names: string,
  known: string | null,
  isHost: boolean,
  partial: string | null,
  row: Row,
  attempted: number | null,
): Channel {
  const k = keyChannel?.toLowerCase()
  const d = description ?? ''
  if (/RETAIL\(MAK\)|VOLUME_MAK/.test(d)) return 'mak'
  if (/TIMEBASED_EVAL/.test(d) || /Eval(?:uation)?\b/.test(names) || (k && /:eval/.test(k))) return 'evaluation'
  if (/TIMEBASED_SUB|SUBSCRIPTION/.test(d) || /_Subscription|SubR_|Sub_/.test(names) || (k && /:sub/.test(k))) return 'subscription'
  if (k && keyChannels[k]) return keyChannels[k]
  if (/VIRTUAL_MACHINE_ACTIVATION/.test(d) || k === 'volume:avma' || /ServerAVMA|_AVMA/.test(names)) return 'avma'
  if (k?.startsWith('oem')) return 'oem'
  if (k?.startsWith('retail')) return 'retail'
  if (/VOLUME_KMSCLIENT/.test(d)) return 'kms-client'
  if (/VOLUME_KMS/.test(d)) return 'kms-host'
  if (/\bOEM_|\bOEM channel|\bCOA_/.test(d)) return 'oem'
  if (/\bRETAIL/.test(d)) return 'retail'
  if (/KMS_Client|KMSClient/i.test(names)) return 'kms-client'
  if (/KMSHost|_KMS_Host|_KMSHost/i.test(names)) return 'kms-host'
  if (/VL_MAK|MAK_AE|_MAK\b|VL_MAK_AE/i.test(names)) return 'mak'
  if (/OEM_|_OEM/.test(names)) return 'oem'
  if (/R_Retail|_Retail|R_Grace|R_Trial|HomeBusinessR|R_OEM/i.test(names)) return 'retail'
  if (/_Trial/i.test(names)) return 'evaluation'
  if (expiry === 'kms-client' || expiry === 'evaluation' || expiry === 'avma') return expiry
  if (row.has('ADActivationObjectDN')) return 'kms-client'
  if (isHost) return 'kms-host'
  if (known && (['kms-client', 'kms-host', 'mak', 'retail', 'oem', 'evaluation', 'subscription', 'avma'] as string[]).includes(known))
    return known as Channel
  if (partial && clientKeysEndingIn(partial).length > 0) return 'kms-client'
  if (
    row.has('KmsFromDns') ||
    row.has('KmsRegistered') ||
    row.has('NeverAsked') ||
    row.has('EventHost') ||
    number(row, 'RequiredClientCount') !== null
  )
    return 'kms-client'
  if (attempted !== null && kmsClientCodes.has(attempted)) return 'kms-client'
  return 'unknown'
}

function methodOf(channel: Channel, byDirectory: boolean, typeUsed: number | null, state: State, byHost: boolean): Method {
  if (channel === 'kms-client') {
    if (typeUsed === 1) return 'adba'
    if (typeUsed === 2) return 'kms'
    if (typeUsed === 3) return 'token'
    if (byDirectory) return 'adba'
    return 'kms'
  }
  if (channel === 'avma' || byHost) return 'avma'
  if (channel === 'kms-host' || channel === 'mak' || channel === 'retail' || channel === 'subscription')
    return state === 'unlicensed' ? 'unknown' : 'online'
  if (channel === 'oem' || channel === 'evaluation') return 'none'
  return 'unknown'
}

function stateOf(word: string | null, product: ProductRow, channel: Channel, minutes: number | null, reason: number | null): State {
  if (word !== null) {
    const status = /^\d$/.test(word) ? licenseStatuses.find((s) => s.value === Number(word))?.state : undefined
    if (status) return status as State
    const state = stateWord(word)
    if (state) return state
    // A word of a language that we do not know: what else the dialog says about it.
    if (/^0xC004/i.test(word)) return 'notification'
    if (reason !== null && reason >= 0xc0000000) return 'notification'
    if (channel === 'kms-client' && minutes !== null && minutes > 43_200) return 'licensed'
    return 'unknown'
  }
  if (product.attempt?.ok) return 'licensed'
  return 'unknown'
}

const officePrograms: readonly (readonly [RegExp, string])[] = [
  [/ProPlus/i, 'Professional Plus'],
  [/ProjectPro/i, 'Project Professional'],
  [/ProjectStd/i, 'Project Standard'],
  [/VisioPro/i, 'Visio Professional'],
  [/VisioStd/i, 'Visio Standard'],
  [/O365ProPlus|MondoR|O365/i, 'Microsoft 365'],
  [/HomeBusiness/i, 'Home and Business'],
  [/HomeStudent/i, 'Home and Student'],
  [/SmallBus/i, 'Small Business'],
  [/Standard/i, 'Standard'],
  [/Professional/i, 'Professional'],
  [/Access/i, 'Access'],
  [/Excel/i, 'Excel'],
  [/Outlook/i, 'Outlook'],
  [/PowerPoint/i, 'PowerPoint'],
  [/Publisher/i, 'Publisher'],
  [/SkypeforBusiness|Lync/i, 'Skype for Business'],
  [/Word/i, 'Word'],
]
const officeYears: Readonly<Record<string, string>> = { 12: '2007', 14: '2010', 15: '2013', 16: '2016', 19: '2019', 21: '2021', 24: '2024' }

function editionOf(name: string | null, family: string | null): string | null {
  const office = /\bOffice (\d\d), ?(.+?)(?: edition|$)/.exec(name ?? '') ?? /^(?:Office)(\d\d)(\w+)/.exec(family ?? '')
  if (office) {
    const token = office[2]!
    const year = /20\d\d/.exec(token)?.[0] ?? officeYears[office[1]!] ?? null
    const program =
      (/O365|SubR_|Mondo/i.test(token) ? 'Microsoft 365' : null) ??
      officePrograms.find(([pattern]) => pattern.test(token.replace(/^Office\d\d/, '')))?.[1] ??
      token
    return program === 'Microsoft 365' || !year ? program : `${program} ${year}`
  }
  const addOn = /,\s*(\S[^,]*?) add-?on\b/i.exec(name ?? '')?.[1]
  if (addOn) return addOn
  const windows = /,\s*(.+?) edition$/.exec(name ?? '')?.[1]
  if (windows) return windows
  return family ?? (name && !/edition$/.test(name) ? name : null)
}

/** The Office generation that a KMS host key for Office serves, by its activation ID. */
function officeHost(id: string | null): string | null {
  return (id && officeHosts.find((row) => (row.hostActivationId as readonly string[]).includes(id))?.office) ?? null
}

/** The address in a value; null where there is none (`not available`). */
function addressIn(value: string | null): string | null {
  if (!value) return null
  return (
    /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)/.exec(value)?.[0] ??
    /(?<![0-9a-f:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![0-9a-f:])/i.exec(value)?.[0] ??
    null
  )
}

/** `host`, `host:port`, with or without a remark behind it; null where it is masked or says that there is none. */
function hostPort(value: string | null): { name: string; port: number | null } | null {
  if (!value) return null
  const bracketed = /^\[([0-9a-f:.]+)\](?::(\d{1,5}))?/i.exec(value)
  if (bracketed) return { name: bracketed[1]!, port: bracketed[2] ? Number(bracketed[2]) : null }
  const six = /^([0-9a-f]{0,4}(?::[0-9a-f]{0,4}){3,7})(?::(\d{4,5}))?(?=$|[\s;,|(<#])/i.exec(value)
  if (six) return { name: six[1]!, port: six[2] ? Number(six[2]) : null }
  const m = /^([^\s:;,|<>()#]+)(?::_?(\d{1,5}))?(?=$|[\s;,|(<#‹])/.exec(value)
  const name = m?.[1]?.replace(/^_+|_+$/g, '')
  if (!m || !name || noValue.test(name) || /^x+(?:\.x+)*$/i.test(name)) return null
  // `not available`, in whatever language, is words; a host is one word.
  if (m[2] === undefined && /^[^.\d]+$/.test(name) && /\s\p{L}/u.test(value)) return null
  return { name, port: m[2] ? Number(m[2]) : null }
}

function bare(name: string | null, port: number | null): { name: string; port: number | null } | null {
  return name && !/\s/.test(name) ? { name, port: port || null } : null
}

function serviceHost(service: Row): string | null {
  return text(service, 'KeyManagementServiceMachine')
}

/** Field 6 of an extended PID is the build on which the key was installed. */
function buildOf(pid: string | null, version: string | null): number | null {
  const build = /-(\d{4,5})\.\d{4}-\d{7}$/.exec(pid ?? '')?.[1] ?? /^\d+\.\d+\.(\d{4,5})/.exec(version ?? '')?.[1]
  return build ? Number(build) : null
}

function windowsVersion(version: string | null, name: string | null, pid: string | null): string | null {
  const printed = /^(\d+\.\d+)\./.exec(version ?? '')?.[1]
  if (printed) return printed
  if (/Windows\(R\) 7\b/.test(name ?? '')) return '6.1'
  if (/Vista/.test(name ?? '')) return '6.0'
  const build = buildOf(pid, null)
  if (build === null) return null
  return build >= 10_000 ? '10.0' : build >= 9_600 ? '6.3' : build >= 9_200 ? '6.2' : build >= 7_600 ? '6.1' : '6.0'
}

/** Adds minutes to an ISO time and keeps its form (with or without a zone). */
function plusMinutes(iso: string, minutes: number): string | null {
  const zoned = /(?:Z|[+-]\d\d:\d\d)$/.test(iso)
  const at = Date.parse(zoned ? iso : iso.includes('T') ? `${iso}Z` : `${iso}T00:00:00Z`)
  if (Number.isNaN(at)) return null
  const end = new Date(at + minutes * 60_000)
  if (Number.isNaN(end.getTime()) || end.getUTCFullYear() > 9999) return null
  return zoned ? end.toISOString().replace('.000', '') : end.toISOString().slice(0, 19)
}

/** Reason code as shown: `0xC004F074`; null stays null. */
export function reasonText(code: number | null): string | null {
  return code === null ? null : hex(code)
}
