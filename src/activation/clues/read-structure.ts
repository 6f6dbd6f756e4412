import { stateWord } from './labels.ts'
import { applicationIds } from './phrases.ts'
import type { Reader } from './reader.ts'
import {
  channelPattern,
  codePattern,
  extendedPidPattern,
  guidPattern,
  hostPortPattern,
  ipv4Pattern,
  keyChannelPattern,
  licenceNamePattern,
  looksLikePartialKey,
  minutesLeft,
} from './shapes.ts'

/** What is the same in every language: names, channels, identifiers, amounts, by their shapes. */

export function structureLine(r: Reader, i: number): number {
  const line = r.lines[i]!
  const text = line.text
  const found = r.labelledAt(i)
  const value = found?.value ?? text
  const name = /\bedition\b/i.test(text) ? licenceNamePattern.exec(text) : null
  if (name && text.length < 500 && (found ? value.startsWith(name[0]) : text.startsWith(name[0]))) {
    beginUnlabelled(r)
    r.put('Name', name[0], line)
    return 1
  }
  if (channelPattern.test(text) && text.length < 500) {
    if (!r.product) beginUnlabelled(r)
    r.put('Description', value, line)
    return 1
  }
  if (codePattern.test(text)) {
    const product = r.product
    if (found && product?.cells.has('LicenseStatus') && /^0x[0-9a-f]{8}[.。]?$/i.test(value) && !product.cells.has('LicenseStatusReason')) {
      r.put('LicenseStatusReason', value, line)
      r.codes(line, undefined, true)
      return 1
    }
    if (/^[^\s:,]{2,24}\s?:\s*0x[0-9a-f]{8}\b/i.test(text)) {
      r.attemptFailed(line)
      return 1
    }
  }
  if (found && !r.product && /^\d{1,2}\.\d\.\d{4,5}(?:\.\d+)?$/.test(value)) {
    r.product = null
    r.put('Version', value, line)
    return 1
  }
  const product = r.product
  // A status that lost its label.
  if (product && !found && text.length < 80 && !product.cells.has('LicenseStatus') && product.cells.size > 1 && stateWord(text)) {
    r.put('LicenseStatus', text, line)
    return 1
  }
  if (!product || !found) return 0
  const has = (c: string) => product.cells.has(c)
  if (guidPattern.test(value) && value.length < 60) {
    const id = guidPattern.exec(value)![0].toLowerCase()
    if (applicationIds.has(id)) r.put('ApplicationID', id, line)
    else if (!has('ID') && !has('PartialProductKey')) r.put('ID', id, line)
    else if (has('PartialProductKey') && !has('ClientMachineID')) r.put('ClientMachineID', id, line)
    else return 0
    return 1
  }
  if (extendedPidPattern.test(value)) {
    r.put(has('PartialProductKey') || has('ClientMachineID') ? 'KeyManagementServiceProductKeyID' : 'ProductKeyID', value, line)
    return 1
  }
  if (!has('ProductKeyChannel') && keyChannelPattern.test(value) && value.includes(':')) {
    r.put('ProductKeyChannel', value, line)
    return 1
  }
  if (/^\d{40,70}$/.test(value)) {
    r.put('OfflineInstallationId', value, line)
    return 1
  }
  if (/^https?:\/\//i.test(value)) {
    r.put(has('UseLicenseURL') ? 'ValidationURL' : 'UseLicenseURL', value, line)
    return 1
  }
  if (!has('PartialProductKey') && looksLikePartialKey(value)) {
    r.put('PartialProductKey', value, line)
    return 1
  }
  const state = stateWord(value)
  if (state && !has('LicenseStatus')) {
    r.put('LicenseStatus', value, line)
    return 1
  }
  const host = hostPortPattern.exec(value)
  if (host && has('PartialProductKey') && Number(host[2]) > 0) {
    r.put(/dns/i.test(found.label) ? 'KmsFromDns' : 'KmsRegistered', value, line)
    return 1
  }
  if (!has('GracePeriodRemaining') && has('PartialProductKey')) {
    const minutes = minutesLeft(value)
    if (minutes !== null && !/^\d+$/.test(value) && (value.match(/\d+/g)?.length ?? 0) >= 2 && !/[./-]\d/.test(value)) {
      r.put('GracePeriodRemaining', value, line)
      return 1
    }
  }
  if (ipv4Pattern.test(value) && has('PartialProductKey') && /IP/.test(found.label)) {
    r.put('DiscoveredKeyManagementServiceMachineIpAddress', value, line)
    return 1
  }
  // The counters of a KMS host stand in one order in every language: count, port, all requests, failed ones.
  if (
    /VOLUME_KMS(?!CLIENT)/.test(product.cells.get('Description')?.value ?? '') &&
    /^\d{1,9}$/.test(value) &&
    has('LicenseStatus') &&
    !/\bWindows\b|\bSKU\b|rearm/i.test(found.label)
  ) {
    const next = [
      'KeyManagementServiceCurrentCount',
      'KeyManagementServiceListeningPort',
      'KeyManagementServiceTotalRequests',
      'KeyManagementServiceFailedRequests',
    ].find((c) => !has(c))
    if (next) {
      r.put(next, value, line)
      return 1
    }
  }
  if (
    has('PartialProductKey') &&
    /^\d{2,5}\s*[^\d\s:.,/-]{1,14}[.]?$/.test(value) &&
    !(has('VLActivationInterval') && has('VLRenewalInterval'))
  ) {
    r.put(has('VLActivationInterval') ? 'VLRenewalInterval' : 'VLActivationInterval', value, line)
    return 1
  }
  if (
    has('PartialProductKey') &&
    !has('LicenseStatus') &&
    value.length > 0 &&
    value.length < 60 &&
    !/\d{3,}/.test(value) &&
    r.lastName === 'PartialProductKey'
  ) {
    r.put('LicenseStatus', value, line)
    return 1
  }
  if (has('PartialProductKey') && /^\d{1,4}[./年년-].*\d{1,2}[:.]\d{2}/.test(value)) {
    r.put('TrustedTime', value, line)
    return 1
  }
  if (has('PartialProductKey') && /^(?:\d|100\d)$/.test(value) && /rearm|\bWindows\b|\bSKU\b/i.test(found.label)) {
    r.put(has('RemainingWindowsReArmCount') ? 'RemainingSkuReArmCount' : 'RemainingWindowsReArmCount', value, line)
    return 1
  }
  return 0
}

export function beginUnlabelled(r: Reader): void {
  if (r.event) r.closeEvent()
  if (r.product?.cells.has('Name') && r.dialog === null) r.product = null
  r.dialog ??= 'slmgr'
  r.layouts.add('structure')
}
