import type { Line } from '../page.ts'
import type { MachineClues } from './clue.ts'
import { type Canonical, labelled } from './labels.ts'
import { channelPattern, codePattern, extendedPidPattern, guidPattern, hostPortPattern } from './shapes.ts'

/** Patterns and lists that several readers look at lines with. */

export const applicationIds = new Set([
  '55c92734-d682-4d71-983e-d6ec3f16059f',
  '0ff1ce15-a989-479d-af46-f275c6370663',
  '0ff1ce16-a989-479d-af46-f275c6370663',
  '59a52881-a989-479d-af46-f275c6370663',
])

export const eventHeaders = new Set<Canonical>(['EventID', 'EventLog', 'EventSource', 'EventTime', 'EventNoise', 'EventMessage'])

/** Values that belong to the machine's licensing service rather than to one product, when they stand without a product. */
export const serviceOnly = new Set<Canonical>([
  'Version',
  'PolicyCacheRefreshRequired',
  'KeyManagementServiceActivationDisabled',
  'OA3xOriginalProductKey',
  'OA3xOriginalProductKeyDescription',
  'OA3xOriginalProductKeyPkPn',
  'RemainingWindowsReArmCount',
  'ClientMachineID',
  'KeyManagementServiceDnsPublishing',
  'HostCaching',
  'KeyManagementServiceListeningPort',
  'KmsPriority',
])

export const dashes = /^[-=_*~\s.]{3,}$/

export const banner =
  /^(?:microsoft \(r\) windows script host|.{0,60}\bmicrosoft r?\)|.{0,40}(?:\(c\)|©|\(microsoft r\)).{0,20}microsoft|.{0,60}windows script host|.{0,40}(?:\(microsoft\)|microsoft \(r\)|\(microsoft r\))|configextension=|timecreated\s+(?:provider\w*\s+)?id\b|status\s+name\s+displayname|taskpath\s+taskname|index\s+time\s+entrytype|copyright\b|\(c\) microsoft|microsoft windows \[|windows powershell(?: transcript)?|all rights reserved|start time:|end time:|username:|runas user:|configuration name:|machine:|host application:|process id:|psversion:|psedition:|pscompatibleversions:|buildversion:|clrversion:|wsmanstackversion:|psremotingprotocolversion:|serializationversion:|transcript (?:started|stopped)|---(?:processing|exiting)-*)/i

export const prompt =
  /^(?:\[[^\]]+\]:?\s*|[\w.-]+@[\w.-]+\s+)?(?:PS\b[^>]{0,120}>|[A-Z]:\\[^>]{0,160}>|\[?[\w.-]+@[\w.-]+[^\]$#]{0,60}\]?[$#])\s*(.*)$/i

export const command =
  /\b(?:slmgr(?:\.vbs)?|ospp\.vbs|cscript(?:\.exe)?|wscript(?:\.exe)?|wmic(?:\.exe)?|Get-CimInstance|Get-WmiObject|gcim|gwmi|Get-OSLicenseInfo|Get-KmsLicenseInfo|Get-WinEvent|Get-EventLog|wevtutil|Invoke-Command)\b/i

/** Words of `/xpr` in other languages, by their stems: grace, notification, for good, volume. */
export const expiryWords: readonly (readonly [RegExp, string])[] = [
  [
    /grâce|gracia|toleranz|kulanz|frist|宽限|寬限|猶予|유예|льготн|prolongaty|respijt|odkladu|cortesia|carência|tolleranza|prova/i,
    'Initial grace period',
  ],
  [/notifica|notifier|benachrichtig|通知|알림|уведомлен|powiadomie|oznámen|bildirim|melding|avisering|értesít/i, 'Notification'],
  [/permanen|dauerhaft|définiti|永久|恒久|永続|영구|постоянн|trwale|trvale|kalıcı|definitiv|véglegesen|pysyvästi/i, 'Licensed'],
  [/volum|批量|大量|ボリューム|볼륨|корпоратив|zbiorcz|hromadn|multilicen|toplu|mennyiségi/i, 'Licensed'],
]

/** A line that says that something is not there, was taken away or is forbidden. */
export const negation =
  /\b(?:no|not|never|none|false|nothing|without|absent|missing|deny|denied|block(?:ed)?|removed?|deleted?|uninstalled|clean(?:ed)?|cannot|kein\w*|nicht|aucun|pas|ningún|nessun)\b|(?:^|\s)n\/a\b/i

/** `2024-05-06 07:08:09,123 [INFO] `, `07:08:09 `, `[07:08:09] `: a time, and a level where there is one. */
export const timePrefix =
  /^(?:\[?\d{4}-\d\d-\d\d[T ,]\d\d:\d\d[\d:.,Z+-]*\]?|\[?\d\d:\d\d:\d\d[\d.,]*\]?|\[\d\d:\d\d[^\]]{0,40}\])\s*(?:[-|]\s*)?(?:\[?(?:INFO|DEBUG|WARN(?:ING)?|ERROR|TRACE|VERBOSE|NOTICE)\]?:?\s+)?/i

/** `12: `, `12| `, `stdout: `. */
export const linePrefix = /^(?:\d{1,4}\s*[:|)]\s+|\d{1,4}\s{2,}|(?:stdout|stderr|out|info|output)\s*[:|]\s+)/i

/** The first label of a machine's name, as it is compared. */
export function shortName(name: string): string {
  return name.toLowerCase().replace(/\..*$/, '')
}

export function withoutTime(line: Line): Line {
  const text = line.text.replace(timePrefix, '').trim()
  return text === '' ? line : { ...line, text }
}

/** True where a line begins with a label that we know. */
export function isKnown(text: string): boolean {
  const found = labelled(text)
  return !!found?.canonical && found.canonical !== 'EventTime'
}

export const hostWord = /^[A-Za-z][\w-]{1,62}(?:\.[A-Za-z0-9-]{1,62})*$/

/** Words with digits or in capitals that are no machines. */
export const noHostWord =
  /^(?:win(?:dows)?-?\d.*|office-?\d.*|server-?20\d\d.*|ltsc.*|v?\d.*|kb\d+|rev\d*|x64|x86|utf-?\d*|ps\d*|kms|mak|oem|retail|esu|sku|dns|cmd|info|error|warning|[0-9a-f]{8}-.*|before|after|json|csv|wmi|dlv|dli|ato|xpr|html|output|result|slmgr.*|ospp.*|.*\.(?:vbs|txt|log|exe|ps1))$/i

/** Stems of "successfully" as slmgr says it. */
export const successWords =
  /erfolg|réussi|succès|correct|éxito|sucesso|success|成功|正常|정상|성공|완료|успеш|pomyśln|úspěš|başarı|lyckad|lykkedes|sikeres|voltooid|geslaagd|riuscit|completat|eseguit|onnistu/i

/** Widths at which consoles break a line (and one less, where the last column stays free). */
export const consoleWidths: ReadonlySet<number> = new Set([79, 80, 100, 119, 120, 132, 150, 160, 200])

/** Values that begin a product wherever they stand a second time. */
export const starts = new Set<Canonical>([
  'Name',
  'Description',
  'ID',
  'PartialProductKey',
  'LicenseStatus',
  'ProductKeyID2',
  'ApplicationID',
])

/** When a value that a console may have broken is whole. */
export const wholeValue: Partial<Record<Canonical, (value: string) => boolean>> = {
  Description: (v) => channelPattern.test(v) || !/windows|office/i.test(v),
  Name: (v) => /\bedition$/.test(v) || !/^(?:Windows|Office)\b/.test(v),
  ID: (v) => !/^[0-9a-f]{1,8}(?:-[0-9a-f]{0,12}){0,4}$/i.test(v) || guidPattern.test(v),
  ApplicationID: (v) => !/^[0-9a-f]{1,8}(?:-[0-9a-f]{0,12}){0,4}$/i.test(v) || guidPattern.test(v),
  ClientMachineID: (v) => !/^[0-9a-f]{1,8}(?:-[0-9a-f]{0,12}){0,4}$/i.test(v) || guidPattern.test(v),
  ProductKeyID: (v) => !/^\d{5}-/.test(v) || extendedPidPattern.test(v),
  KeyManagementServiceProductKeyID: (v) => !/^\d{5}-/.test(v) || extendedPidPattern.test(v),
  KmsFromDns: (v) => hostPortPattern.test(v),
  KmsRegistered: (v) => hostPortPattern.test(v),
  LicenseStatusReason: (v) => !/^0x/i.test(v) || codePattern.test(v),
  GracePeriodRemaining: (v) => !/\(\d*[^)]*$/.test(v),
  UseLicenseURL: () => false,
  ValidationURL: () => false,
}

export function hasContent(machine: MachineClues): boolean {
  return machine.products.length > 0 || machine.events.length > 0 || machine.notes.length > 0 || machine.codes.length > 0
}
