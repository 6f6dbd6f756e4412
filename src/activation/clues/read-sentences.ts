import type { Line } from '../page.ts'
import { cellOf } from './clue.ts'
import { labelled, sentence } from './labels.ts'
import { banner, command, expiryWords, prompt, successWords } from './phrases.ts'
import type { Reader } from './reader.ts'
import { codePattern, guidPattern, licenceNamePattern } from './shapes.ts'

/** Sentences: what the tools say in words, what was typed, /xpr and /ato. */

export function sentenceLine(r: Reader, i: number): number {
  const line = r.lines[i]!
  const text = line.text
  if (banner.test(text)) {
    if (/^---processing/i.test(text)) {
      r.endDialog()
      r.dialog = 'ospp'
      r.layouts.add('ospp.vbs')
    }
    return 1
  }
  const typed = prompt.exec(text)
  if (
    typed ||
    (command.test(text) &&
      text.length < 200 &&
      !licenceNamePattern.test(text) &&
      /^\S{0,40}(?:cscript|wscript|slmgr|wmic|Get-|gcim|gwmi|wevtutil|Invoke-Command|icm|winrs|psexec|Enter-PSSession|schtasks|tasklist|sc(?:\.exe)? query|reg query|dir |Test-Path)/i.test(
        text,
      ))
  ) {
    r.closeEvent()
    // A console that breaks lines breaks what was typed, too.
    const rest = r.lines[i + 1]
    const broken =
      rest &&
      r.isBroken(line, rest) &&
      !banner.test(rest.text) &&
      !prompt.test(rest.text) &&
      !labelled(rest.text)?.canonical &&
      !licenceNamePattern.test(rest.text) &&
      !codePattern.test(rest.text) &&
      !/\s/.test(rest.text) &&
      rest.text.length < 60
    commandLine(r, (typed?.[1] ?? text) + (broken ? rest.text : ''), line)
    if (broken) return 2
    return 1
  }
  // `Windows(R), Professional edition:` alone begins /xpr; the next line says until when.
  const xpr = /^(?:Windows|Office)\b.*\bedition\s*:\s*$/i.test(text) ? licenceNamePattern.exec(text) : null
  if (xpr) {
    r.product = null
    r.dialog = 'slmgr'
    r.layouts.add('slmgr.vbs /xpr')
    r.newProduct().cells.set('Name', cellOf(r.page.source, line, xpr[0]))
    return 1 + expiry(r, i + 1)
  }
  const ended = expiry(r, i)
  if (ended) return ended
  const goesOn = r.lines[i + 1]
  const unclosed =
    goesOn?.n === line.n + 1 &&
    ((/\((?:[0-9a-f*x-]{0,39})$/i.test(text) && /^[0-9a-f*x-]{1,36}\)/i.test(goesOn.text)) ||
      (/\bedition$/.test(text) && /^\([0-9a-f*x-]{5,40}\)/i.test(goesOn.text)))
  const whole = unclosed ? text + goesOn.text : text
  const attempt = /^(.*?)((?:Windows|Office)\b.*?\b(?:edition|add-?on\b.*?))\s*\(([0-9a-f*x-]{5,40})\)/i.exec(whole)
  if (attempt) {
    r.closeEvent()
    r.product = null
    const product = r.newProduct()
    product.cells.set('Name', cellOf(r.page.source, line, attempt[2]!))
    if (guidPattern.test(attempt[3]!)) product.cells.set('ID', cellOf(r.page.source, line, attempt[3]!))
    r.attempted = product
    r.product = null
    r.dialog = null
    r.layouts.add('slmgr.vbs /ato')
    r.codes(line)
    const taken = unclosed ? 2 : 1
    // Success in a language that no table knows: a sentence without a code; a failure always has one.
    const answer = r.lines[i + taken]
    if (
      answer &&
      answer.n <= line.n + taken + 1 &&
      !codePattern.test(answer.text) &&
      !sentence(answer.text) &&
      successWords.test(answer.text)
    ) {
      product.attempt = { code: null, ok: true, cell: cellOf(r.page.source, answer, answer.text) }
      return taken + 1
    }
    return taken
  }
  // `Windows(R), Professional edition: The machine is permanently activated.` in one line.
  const inline = /^((?:Windows|Office)\b.*?\bedition)\s*:\s*(\S.*)$/i.exec(text)
  const after = inline ? sentence(inline[2]!) : null
  if (inline && (after || /will expire|grace period ends|permanently activated|notification mode|\d{4}/i.test(inline[2]!))) {
    r.product = null
    r.layouts.add('slmgr.vbs /xpr')
    r.newProduct().cells.set('Name', cellOf(r.page.source, line, inline[1]!))
    expiryText(r, inline[2]!, line, true)
    r.product = null
    return 1
  }
  const known = sentence(text)
  if (!known) return keysAndHosts(r, line)
  const cell = cellOf(r.page.source, line, known.rest)
  switch (known.name) {
    case 'KmsClientSection':
    case 'AvmaSection':
    case 'TokenSection':
      r.inAdSection = false
      return 1
    case 'AdSection':
      r.inAdSection = true
      return 1
    case 'KmsHostEnabled':
      r.inAdSection = false
      r.flag('IsKeyManagementServiceMachine', '1', line)
      return 1
    case 'HostCachingEnabled':
      r.flag('HostCaching', 'Enabled', line)
      return 1
    case 'HostCachingDisabled':
      r.flag('HostCaching', 'Disabled', line)
      return 1
    case 'DnsPublishingEnabled':
      r.flag('KeyManagementServiceDnsPublishing', 'Enabled', line)
      return 1
    case 'DnsPublishingDisabled':
      r.flag('KeyManagementServiceDnsPublishing', 'Disabled', line)
      return 1
    case 'UseAto':
      r.flag('NeverAsked', 'true', line)
      return 1
    case 'NotInUse':
      if (r.product && !r.product.cells.has('LicenseStatus'))
        r.product.cells.set('LicenseStatus', cellOf(r.page.source, line, 'Unlicensed'))
      return 1
    case 'OsppAttempt':
      r.product = r.newProduct()
      r.attempted = r.product
      r.layouts.add('ospp.vbs /act')
      return 1
    case 'NoKeyInstalled':
      r.here().notes.push({ note: 'no-key', value: '', cell })
      return 1
    case 'ActivatedSuccessfully': {
      const product = r.attempted ?? r.product ?? r.lastProduct()
      if (product) product.attempt = { code: null, ok: true, cell }
      r.layouts.add('activation')
      return 1
    }
    case 'InstalledKeySuccessfully':
      r.here().notes.push({ note: 'key-installed', value: known.rest, cell })
      return 1
    case 'KmsNameSetSuccessfully':
      r.hostSet(known.rest, line)
      return 1
    case 'ErrorPrefix':
      if (codePattern.test(text)) {
        r.attemptFailed(line)
        return 1
      }
      return 0
    default:
      return 1
  }
}

/** What `/xpr` prints under the product's name. */
export function expiry(r: Reader, i: number): number {
  const line = r.lines[i]
  return line ? expiryText(r, line.text, line, r.lines[i - 1]?.text.endsWith(':') === true) : 0
}

export function expiryText(r: Reader, text: string, line: Line, underName: boolean): number {
  const known = sentence(text)
  const product = r.product
  // Most lines are none: the cell is made for those that are.
  const cell = () => cellOf(r.page.source, line, text)
  const set = (state: string, channel: string | null) => {
    const row = (product ?? r.newProduct()).cells
    row.set('LicenseStatus', { ...cell(), value: state })
    if (channel) row.set('ExpiryChannel', { ...cell(), value: channel })
    if (/\d{4}/.test(text)) row.set('Expires', cell())
  }
  if (/^volume activation will expire/i.test(text) || known?.name === 'VolumeActivationWillExpire') set('Licensed', 'kms-client')
  else if (/^time-?based activation will expire/i.test(text)) set('Licensed', 'evaluation')
  else if (/^automatic vm activation will expire/i.test(text)) set('Licensed', 'avma')
  else if (/permanently activated/i.test(text) || known?.name === 'PermanentlyActivated') {
    set('Licensed', null)
    ;(r.product ?? r.lastProduct())?.cells.set('Permanent', cell())
  } else if (/^initial grace period ends/i.test(text)) set('Initial grace period', null)
  else if (/^additional grace period ends/i.test(text)) set('Additional grace period', null)
  else if (/^non-genuine grace period ends/i.test(text)) set('Non-genuine grace period', null)
  else if (/^extended grace period ends/i.test(text)) set('Extended grace period', null)
  else if (/^(?:windows is |the machine is )?in notification mode/i.test(text) || known?.name === 'NotificationMode')
    set('Notification', null)
  else if (product?.cells.size === 1 && r.layouts.has('slmgr.vbs /xpr') && /^unlicensed\b/i.test(text)) set('Unlicensed', null)
  else if (underName) {
    // In a language that no table knows: the few words that /xpr is made of, and the date.
    const spoken = expiryWords.find(([pattern]) => pattern.test(text))
    const dated = /\d{1,4}\s?[./年년-]\s?\d{1,2}\s?[./月월-]\s?\d{1,4}/.test(text)
    if (spoken) {
      set(spoken[1], spoken[1] === 'Licensed' && dated ? 'kms-client' : null)
      if (spoken[1] === 'Licensed' && !dated) (r.product ?? r.lastProduct())?.cells.set('Permanent', cell())
    } else if (dated && product) product.cells.set('Expires', cell())
    else return 0
  } else return 0
  r.layouts.add('slmgr.vbs /xpr')
  return 1
}

export function commandLine(r: Reader, text: string, line: Line): void {
  const name = /slmgr(?:\.vbs)?\s+([A-Za-z][\w.-]{1,62})\s+(?:\S+\s+\S+\s+)?[/-](?:dl[iv]|xpr|ato|skms|ipk)\b/i.exec(text)?.[1]
  const remote =
    /(?:-ComputerName\s|-cn\s|\/node:|\bwinrs\b.*\s[-/]r(?:emote)?:|\bpsexec\d*(?:\.exe)?\s+\\\\|^\s*(?:icm|Invoke-Command|Enter-PSSession|etsn)\s+(?!-))\s*["']?([A-Za-z][\w.-]{1,62})/i.exec(
      text,
    )?.[1]
  const entered = /^\[([A-Za-z][\w.-]{1,62})\]:/.exec(line.text)?.[1]
  const machine = name ?? remote ?? entered
  if (machine) r.enter(machine, true)
  else if (command.test(text)) {
    r.attempted = null
    r.product = null
    r.dialog = null
    r.inAdSection = false
  }
  if (/[/-]skms\s+\S/i.test(text)) r.hostSet(/[/-]skms\s+(\S+)/i.exec(text)?.[1] ?? '', line)
  else if (/\/setprt:\d/i.test(text))
    r.here().service.set('KeyManagementServicePort', cellOf(r.page.source, line, /\/setprt:(\d+)/i.exec(text)![1]!))
  else if (/\/sethst:\S/i.test(text)) r.hostSet(/\/sethst:(\S+)/i.exec(text)?.[1] ?? '', line)
  r.codes(line)
}

/** What `/ipk`, `/upk`, `/skms` and `/ckms` answer, and what a cloud's agent writes about activation. */
export function keysAndHosts(r: Reader, line: Line): number {
  const text = line.text
  const cell = () => cellOf(r.page.source, line, text)
  const set =
    /^Key Management Service (?:machine|computer) name (?:is )?set to (\S+) successfully/i.exec(text) ??
    /^KMS (?:machine|host) (?:name )?set to (\S+)/i.exec(text)
  if (set) {
    r.hostSet(set[1]!, line)
    return 1
  }
  if (/^Key Management Service (?:machine|computer) name cleared successfully/i.test(text)) {
    r.here().notes.push({ note: 'host-cleared', value: '', cell: cell() })
    return 1
  }
  if (/^(?:<?Installed product key|<?Product key installation successful)/i.test(text)) {
    r.here().notes.push({ note: 'key-installed', value: /([A-Z0-9]{5})\s+successfully/i.exec(text)?.[1] ?? '', cell: cell() })
    r.layouts.add('slmgr.vbs /ipk')
    return 1
  }
  if (/^(?:Uninstalled product key|<?Product key uninstall)/i.test(text)) {
    r.here().notes.push({ note: 'key-removed', value: '', cell: cell() })
    r.layouts.add('slmgr.vbs /upk')
    return 1
  }
  const value = /^KeyManagementServiceName\s+REG_SZ\s+(\S+)$/i.exec(text)
  if (value) {
    r.hostSet(value[1]!, line)
    return 1
  }
  const port = /^KeyManagementServicePort\s+REG_SZ\s+(\d{1,5})$/i.exec(text)
  if (port) {
    r.here().service.set('KeyManagementServicePort', cellOf(r.page.source, line, port[1]!))
    return 1
  }
  if (/^Ec2WindowsActivate|\bEC2Launch\b|\bEC2Config\b/i.test(text)) {
    const byol = /BYOL/i.test(text)
    r.here().notes.push({ note: byol ? 'aws-byol' : 'aws-attempt', value: text, cell: cell() })
    r.layouts.add('EC2 agent log')
    r.codes(line)
    return 1
  }
  return 0
}
