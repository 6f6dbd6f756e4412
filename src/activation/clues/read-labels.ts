import type { Line } from '../page.ts'
import { cellOf } from './clue.ts'
import { eventOfMessage } from './events.ts'
import { type Canonical, canonicalName, type Labelled, labelled } from './labels.ts'
import { dashes, eventHeaders, shortName, starts, wholeValue } from './phrases.ts'
import { dataOf, eventField } from './read-events.ts'
import type { Reader } from './reader.ts'
import { channelPattern, codePattern, licenceNamePattern } from './shapes.ts'

/** Lines of a label and a value, in every language that has a table. */

export function labelLine(r: Reader, i: number): number {
  const line = r.lines[i]!
  let found = r.labelledAt(i)
  let taken = 1
  if (found && !found.canonical) {
    // `2024-01-01 10:00 INFO Name: …` and `stdout: Name: …`: the label stands behind something.
    const inner = labelled(found.value)
    if (inner?.canonical && starts.has(inner.canonical)) found = inner
  }
  if (/^Name\s+Value$/.test(line.text)) {
    r.pairs = true
    return 1
  }
  if (r.pairs && !found?.canonical) {
    // A dictionary as PowerShell shows it: two columns, name and value.
    const pair = /^([A-Za-z]\w+)\s+(\S.*)$/.exec(line.text)
    const canonical = pair ? canonicalName(pair[1]!) : null
    if (canonical) found = { canonical, label: pair![1]!, value: pair![2]!, columned: true }
  }
  if (!found?.canonical && r.isBroken(line, r.lines[i + 1])) {
    const joined = labelled(line.text + r.lines[i + 1]!.text)
    if (joined?.canonical && !labelled(r.lines[i + 1]!.text)?.canonical) {
      found = joined
      taken = 2
    }
  }
  if (!found?.canonical) return 0
  let { canonical, value } = found
  // A label alone, its value on the next line, further in: what salt and other programs print.
  if (value === '' && taken === 1 && r.dialog !== 'list') {
    const next = r.lines[i + 1]
    if (
      next &&
      next.indent > line.indent &&
      next.n === line.n + 1 &&
      !labelled(next.text)?.canonical &&
      !codePattern.test(next.text) &&
      canonical !== 'EventMessage'
    ) {
      if (canonical !== 'Description' || channelPattern.test(next.text)) {
        value = next.text
        taken = 2
      }
    }
  }
  const joined = joinWrapped(r, i + taken - 1, canonical, value)
  value = joined.value
  taken += joined.taken
  const result = takeLabel(r, canonical, value, found, line)
  if (result === 0) return 0
  if (codePattern.test(line.text) || canonical === 'LicenseStatusReason')
    r.codes(line, undefined, r.product?.cells.get(canonical)?.line === line.n)
  return taken
}

export function takeLabel(r: Reader, canonical: Canonical, value: string, found: Labelled, line: Line): number {
  if (canonical === 'MachineName') {
    const name = /^["']?([\w][\w.$-]{0,62})["']?\.?$/.exec(value)?.[1]
    if (r.event) {
      if (name && /^N\/A$/i.test(name) === false) r.event.cells.set('MachineName', cellOf(r.page.source, line, name))
      r.eventLine = line.n
      return 1
    }
    if (!name) return value === '' ? 1 : 0
    // A record of a list that begins with the machine's name.
    const before = r.lines[r.at - 1]
    const begins = (r.dialog === 'list' || found.columned) && (!before || before.n < line.n - 1 || /^[{[]$/.test(before.text))
    // A list prints the name last or first; a product that has a name already belongs to the former machine.
    const belongs = !begins && r.dialog === 'list' && r.product && r.product.cells.size > 0 && !r.product.cells.has('MachineName')
    if (belongs && r.machine && r.machine.name !== null && shortName(r.machine.name) !== shortName(name)) {
      const product = r.product!
      const former = r.machine
      r.enter(name, false)
      r.takeOver(product, former)
      product.cells.set('MachineName', cellOf(r.page.source, line, name))
    } else if (belongs) {
      r.enter(name, false)
      r.product!.cells.set('MachineName', cellOf(r.page.source, line, name))
    } else {
      const list = r.dialog === 'list' || found.columned
      r.enter(name, true)
      if (list) r.dialog = 'list'
    }
    return 1
  }
  // A sentence about a status is no status.
  if (canonical === 'LicenseStatus' && /^\d\s+[^\s(\-–:=]/.test(value)) return 0
  if (found.label === 'KEY' && !/-[A-Z0-9]{5}$/.test(value)) return 0
  if (canonical === 'WmiNoise') return r.dialog === 'list' || r.product || /^__/.test(found.label) ? 1 : 0
  if (eventHeaders.has(canonical) || (canonical === 'ID' && /^\d{1,5}$/.test(value)))
    return eventField(r, { ...found, canonical, value }, line)
  if (r.event && canonical === 'Description' && !channelPattern.test(value)) {
    r.event.cells.set('EventMessage', cellOf(r.page.source, line, value))
    r.eventLine = line.n
    const id = eventOfMessage(value)
    if (id !== null && r.event.id === null) r.event.id = id
    dataOf(r, r.event, value, line)
    return 1
  }
  if (
    r.event &&
    (canonical === 'ID' ||
      canonical === 'ApplicationID' ||
      canonical === 'ADActivationObjectName' ||
      canonical === 'ADActivationObjectDN' ||
      canonical === 'PartialProductKey')
  ) {
    r.event.cells.set(canonical, cellOf(r.page.source, line, value))
    r.eventLine = line.n
    return 1
  }
  if (canonical === 'Name' && !licenceNamePattern.test(value) && !/edition|windows|office|visio|project|^(?:\.\.\.|<|x{3,})/i.test(value))
    return r.dialog === 'list' && value === '' ? 1 : 0
  if (canonical === 'Description' && !channelPattern.test(value) && !/windows|office|channel|visio|project/i.test(value))
    return r.product && value === '' ? 1 : 0
  if (canonical === 'Version' && !/^\d{1,2}\.\d{1,2}\./.test(value)) return 0
  if (r.event) r.closeEvent()
  layoutOf(r, canonical, found)
  switch (canonical) {
    case 'Version':
      r.product = null
      r.inAdSection = false
      break
    case 'ErrorDescription':
      r.messageLine = line.n
      return 1
    case 'ErrorCode': {
      r.messageLine = line.n
      if (r.product && !(r.product === r.attempted && !r.product.cells.has('LicenseStatus'))) {
        r.put('ErrorCode', value, line)
        return 1
      }
      r.attemptFailed(line)
      return 1
    }
    case 'LicenseStatus':
      value = /^(\d)\s*[(\-–:=]/.exec(value)?.[1] ?? value
      break
    case 'Licensed':
      r.put('LicenseStatus', /^true$/i.test(value) ? '1' : value, line)
      return 1
    case 'KmsNotFound':
      return 1
    case 'VLActivationInterval':
    case 'VLRenewalInterval':
      break
    default:
  }
  if (r.inAdSection && canonical === 'ProductKeyID') canonical = 'ADActivationCsvlkPid'
  if (r.inAdSection && canonical === 'ID') canonical = 'ADActivationCsvlkSkuId'
  if ((canonical === 'KmsFromDns' || canonical === 'KmsRegistered') && !r.product && r.lastProduct()) r.product = r.lastProduct()
  r.put(canonical, value, line)
  return 1
}

export function layoutOf(r: Reader, canonical: Canonical, found: Labelled): void {
  if (
    /^(?:PRODUCT ID|SKU ID|LICENSE (?:NAME|DESCRIPTION|STATUS)|BETA EXPIRATION|REMAINING GRACE|Last 5 characters.*)$/.test(found.label) ||
    /^-{2,}[A-Z]/.test(found.value)
  ) {
    if (r.dialog !== 'ospp' && /^(?:PRODUCT ID|SKU ID|LICENSE NAME)$/.test(found.label)) r.product = null
    r.dialog = 'ospp'
    r.layouts.add('ospp.vbs')
  } else if (found.columned || (/^[A-Z][A-Za-z0-9]+$/.test(found.label) && /[a-z][A-Z]/.test(found.label))) {
    if (r.dialog !== 'list' && r.product && r.product.cells.has(canonical)) r.product = null
    r.dialog = 'list'
    r.layouts.add('WMI list')
  } else if (r.dialog === null || r.dialog === 'ospp') {
    if (
      canonical === 'Name' ||
      canonical === 'Description' ||
      canonical === 'Version' ||
      canonical === 'PartialProductKey' ||
      canonical === 'LicenseStatus'
    ) {
      if (r.dialog === 'ospp' && (canonical === 'Name' || canonical === 'Version')) r.product = null
      r.dialog = 'slmgr'
      r.layouts.add(/_/.test(found.label) ? 'name and value' : 'slmgr.vbs')
    }
  } else if (
    r.dialog === 'list' &&
    (canonical === 'Name' || canonical === 'Version') &&
    /^(?:Name|Software)/i.test(found.label) &&
    r.product?.cells.has('Name')
  ) {
    r.dialog = 'slmgr'
    r.product = null
  }
}

/** Puts a value together that goes on on the next lines; the shape of the value says when it is whole. */
export function joinWrapped(r: Reader, i: number, canonical: Canonical, value: string): { value: string; taken: number } {
  const whole = wholeValue[canonical]
  if (!whole || value === '' || whole(value)) return { value, taken: 0 }
  let glued = value
  let spaced = value
  for (let n = 1; n <= 3; n++) {
    const next = r.lines[i + n]
    const before = r.lines[i + n - 1]!
    if (!next || next.n > before.n + 1 || dashes.test(next.text) || (labelled(next.text)?.canonical ?? null) !== null) break
    glued += next.text
    spaced += ` ${next.text}`
    if (
      whole(glued) &&
      (canonical !== 'Name' && canonical !== 'Description' ? true : r.isBroken(before, next) || !/\s$/.test(before.raw))
    ) {
      // Broken inside a word leaves no blank; broken between words left one.
      const hard =
        canonical === 'Name' || canonical === 'Description'
          ? /[A-Za-z_]$/.test(before.text) && /^[a-z_]/i.test(next.text) && !(whole(spaced) && !r.isBroken(before, next))
          : true
      return { value: hard ? glued : spaced, taken: n }
    }
    if (whole(spaced)) return { value: spaced, taken: n }
  }
  // A long address that goes on in the next line is not read further, but the line is known.
  if (canonical === 'UseLicenseURL' || canonical === 'ValidationURL') {
    const next = r.lines[i + 1]
    if (next && next.n === r.lines[i]!.n + 1 && /^[\w./?=&%-]+$/.test(next.text) && r.isBroken(r.lines[i]!, next))
      return { value: value + next.text, taken: 1 }
  }
  return { value, taken: 0 }
}
