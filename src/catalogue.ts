/**
 * What Microsoft publishes about volume activation, as typed tables with a source for each row: keys, codes, events,
 * numbers, names. Facts only; what follows from them stands in `activation`.
 */
import { type ActivationIdRow, activationIds } from './catalogue/activation-ids.ts'
import { defaultKeys } from './catalogue/default-keys.ts'
import { type SkuRow, skus } from './catalogue/editions.ts'
import { type ErrorRow, errors } from './catalogue/errors.ts'
import { type EventRow, events } from './catalogue/events.ts'
import { type ClientKeyRow, clientKeys } from './catalogue/keys.ts'
import { numbers } from './catalogue/numbers.ts'
import { type PlatformRow, platformHosts } from './catalogue/platforms.ts'

export { type ActivationIdRow, activationIds } from './catalogue/activation-ids.ts'
export { defaultKeys } from './catalogue/default-keys.ts'
export { applicationIds, builds, skus } from './catalogue/editions.ts'
export { type ErrorRow, errors } from './catalogue/errors.ts'
export { type EsuRow, esu } from './catalogue/esu.ts'
export { type EventRow, events } from './catalogue/events.ts'
export { type Explanation, explanationOf } from './catalogue/explain.ts'
export { type HostUpdateRow, hostKeys, hostUpdates, officeHosts } from './catalogue/hosts.ts'
export { keyEditionNames } from './catalogue/key-editions.ts'
export { type ClientKeyRow, clientKeys } from './catalogue/keys.ts'
export { keysAnswer, keysByWords } from './catalogue/keys-by-words.ts'
export { type LabelRow, labels, sentences, statusWords } from './catalogue/labels.ts'
export { activationTypes, conflicts, discoveryOrder, dnsRecord, licenseStatuses } from './catalogue/licensing.ts'
export { type MarkRow, marks } from './catalogue/marks.ts'
export { numbers } from './catalogue/numbers.ts'
export { type OfficeChannelRow, officeChannels } from './catalogue/office-channels.ts'
export { type PlatformHintRow, platformHints } from './catalogue/platform-hints.ts'
export { type PlatformRow, platformHosts, platformNames } from './catalogue/platforms.ts'
export { registry } from './catalogue/registry.ts'
export { type RequestCodeRow, requestCodes } from './catalogue/request-codes.ts'
export { scriptOptions } from './catalogue/scripts.ts'
export {
  notVolume,
  type OfficeProductRow,
  officeApps,
  officeLanguages,
  officeProducts,
  officeRetailProducts,
  officeSubscription,
  type UnattendRow,
  unattendComponent,
  unattendSettings,
} from './catalogue/setup.ts'
export { type SourceId, type SourceRow, sources } from './catalogue/sources.ts'
export { type TermRow, terms } from './catalogue/terms.ts'
export { wmiClasses } from './catalogue/wmi.ts'

let byCode: Map<number, ErrorRow> | null = null
/** The row of a result code (unsigned 32-bit number); null where the catalogue does not know it. */
export function errorByCode(code: number): ErrorRow | null {
  byCode ??= new Map(errors.map((row: ErrorRow) => [row.code, row]))
  return byCode.get(code) ?? null
}

let numbersOfEvents: Set<number> | null = null
/** True for the number of an event that the catalogue knows. */
export function isEvent(id: number): boolean {
  numbersOfEvents ??= new Set(events.map((e) => e.id))
  return numbersOfEvents.has(id)
}

/** The row of an event number; null where the catalogue does not know it. */
export function eventById(id: number): EventRow | null {
  return events.find((e) => e.id === id) ?? null
}

let byActivationId: Map<string, ActivationIdRow> | null = null
/** The product that an activation ID names; null where no source tells. */
export function productOfActivationId(id: string): ActivationIdRow | null {
  byActivationId ??= new Map(activationIds.map((row: ActivationIdRow) => [row.id, row]))
  return byActivationId.get(id.toLowerCase()) ?? null
}

let byLastFive: Map<string, ClientKeyRow[]> | null = null
/** The published client keys that end in these five characters; empty where there is none. */
export function clientKeysEndingIn(partialKey: string): readonly ClientKeyRow[] {
  if (!byLastFive) {
    byLastFive = new Map()
    for (const row of clientKeys) {
      const last = row.key.slice(-5)
      const rows = byLastFive.get(last)
      if (rows) rows.push(row)
      else byLastFive.set(last, [row])
    }
  }
  return byLastFive.get(partialKey.toUpperCase()) ?? []
}

/** The published client keys for an OperatingSystemSKU; the link is inferred from the names (catalogue, editions). */
export function clientKeysForSku(sku: number): readonly ClientKeyRow[] {
  const row = skus.find((s: SkuRow) => s.sku === sku) as SkuRow | undefined
  const names = row?.keyEdition?.split(' or ') ?? []
  const server = /SERVER|Server/.test(`${row?.constant} ${row?.edition}`)
  return clientKeys.filter((key) => names.includes(key.edition) && (key.family === 'windows-server') === server)
}

/** The published client keys of the product that an activation ID names, where a source prints both. */
export function clientKeysForActivationId(id: string): readonly ClientKeyRow[] {
  const partial = productOfActivationId(id)?.partialKey
  return partial ? clientKeysEndingIn(partial) : []
}

/** The edition whose default key (the one that Windows installs by itself) ends in these five characters. */
export function defaultKeyEdition(partialKey: string): string | null {
  return defaultKeys.find((row) => row.partialKey === partialKey.toUpperCase())?.edition ?? null
}

/** The cloud platform whose own KMS has this name or address; null where it is none of theirs. */
export function platformOfHost(host: string): PlatformRow['platform'] | null {
  const name = host.toLowerCase().replace(/\.$/, '')
  return platformHosts.find((row: PlatformRow) => row.host === name)?.platform ?? null
}

/** A number of the catalogue by its id, in the unit that its row names. */
export function numberOf(id: (typeof numbers)[number]['id']): number {
  return numbers.find((n) => n.id === id)!.value
}
