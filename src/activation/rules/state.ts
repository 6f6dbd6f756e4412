import { errorByCode, numberOf } from '../../catalogue.ts'
import type { State } from '../../model.ts'
import { hex } from '../clues/shapes.ts'
import type { ProductFacts } from '../facts/product.ts'
import { type Asked, applying, at, called, capital, days, isSpare, keyed, productRule, shown, teller, toActivate } from './rule.ts'

const stateText: Readonly<Record<State, string>> = {
  licensed: 'licensed',
  'initial-grace': 'in its initial grace period',
  'additional-grace': 'in its additional grace period (activation expired, or the hardware changed)',
  'out-of-tolerance-grace': 'in its out-of-tolerance grace period (activation expired, or the hardware changed)',
  'non-genuine-grace': 'in the grace period after a failed genuineness check',
  'extended-grace': 'in its extended grace period',
  notification: 'not activated (notification mode)',
  unlicensed: 'not licensed',
  unknown: 'in a state that the text does not tell',
}

/** What somebody would do next, by the kind of the key. */
function remedy(p: ProductFacts, asked: Asked): string[] {
  switch (p.channel) {
    case 'kms-client':
      return [
        `Let the machine reach your own KMS host (TCP 1688) or your domain’s activation object, then: ${toActivate(applying(asked), p)}`,
        ...(p.application === 'windows' ? ['If the device has its own OEM or retail licence, give it that key back.'] : []),
      ]
    case 'kms-host':
      return ['Activate the KMS host key with Microsoft: slmgr /ato, or by telephone.']
    case 'mak':
      return ['Activate online (slmgr /ato) or by telephone; check the activations that are left on the MAK.']
    case 'evaluation':
      return [
        'An evaluation cannot be activated by KMS: move to a volume edition with your own key (DISM /Online /Set-Edition for Windows Server, else a new installation).',
      ]
    case 'retail':
      return p.application === 'office'
        ? [
            'Sign in or activate with the retail key. If it should be a volume product, replace it with the Office Deployment Tool; a retail Office cannot be activated by KMS.',
          ]
        : ['Activate with the retail key. KMS does not apply to a retail licence.']
    case 'oem':
      return ['Activate with the device’s own OEM licence (Settings, Activation). KMS does not apply to it.']
    case 'subscription':
      return [
        'Let a licensed user sign in to Office; KMS has no part in a subscription. Remove left-over keys first (ospp.vbs /unpkey:LASTFIVE).',
      ]
    case 'avma':
      return ['Check that the Hyper-V host is an activated Datacenter edition of the same or a newer release.']
    default:
      return ['See which key is installed: slmgr /dlv (Office: cscript ospp.vbs /dstatus)']
  }
}

const isForMaks = (to: readonly string[]): boolean => to.every((t) => t === 'MAK' || t === 'KMS host')

/** A product that is not licensed, with the reason that Windows gives. */
export const notActivated = productRule(
  'not-activated',
  'A product that is in a grace period, in notification mode or unlicensed',
  (p, asked) => {
    const { facts } = asked
    if (p.state === 'licensed' || p.state === 'unknown' || (p.addOn && p.partialKey === null)) return null
    const row = p.reason === null ? null : errorByCode(p.reason)
    const evidence = shown(
      p,
      ['LicenseStatus', stateText[p.state]],
      ['LicenseStatusReason', row?.meaning ?? 'the reason'],
      ['ErrorCode', row?.meaning ?? 'the code'],
      ['GracePeriodRemaining', p.minutesLeft === null ? 'time left' : `${p.minutesLeft} minutes left`],
    )
    // An entry without a key is not the active one; it says nothing about the machine.
    if (p.reason === 0xc004f014 && p.partialKey === null) {
      return {
        severity: 'info',
        summary: `This entry of ${called(p)} has no product key installed (0xC004F014): it is not the active one, another entry may be.`,
        evidence,
        next: ['List every entry that has a key: Get-CimInstance SoftwareLicensingProduct -Filter "PartialProductKey IS NOT NULL"'],
      }
    }
    if (p.state === 'unlicensed' && p.partialKey === null && keyed(facts.products).length > 0) return null
    const left = p.minutesLeft ? `, ${days(p.minutesLeft)} left` : ''
    const why = row && p.reason !== null && p.reason >= 0x80000000 ? `: ${row.meaning.replace(/\.$/, '')} (${hex(p.reason)})` : ''
    const summary = `${capital(called(p))} is ${stateText[p.state]}${left}${why}.`
    if (isSpare(p, facts.products))
      return {
        severity: p.application === 'office' ? 'attention' : 'info',
        summary: `${summary} Another entry of the product is in use.`,
        evidence,
      }
    // What Microsoft says about the code goes before what is true of every key of its kind; what it says of MAKs alone is for MAKs.
    const said = row && p.reason !== null && p.reason >= 0x80000000 && !(p.channel === 'kms-client' && isForMaks(row.appliesTo))
    const next = said && row.remedies.length > 0 ? row.remedies.slice(0, 3) : remedy(p, asked)
    return { severity: 'action', summary, evidence, next }
  },
)

const toastMinutes = numberOf('renewal.toastDays') * 1440

/** A KMS activation that has not been renewed for long: 180 days less what is left. */
export const notRenewed = productRule('not-renewed', 'A KMS activation that is running out because renewals fail', (p, asked) => {
  if (p.channel !== 'kms-client' || p.state !== 'licensed' || p.minutesLeft === null || p.minutesLeft > toastMinutes) return null
  const since = numberOf('validity.days') * 1440 - p.minutesLeft
  return {
    severity: p.minutesLeft <= 7 * 1440 ? 'action' : 'attention',
    summary: `${capital(called(p))} was last renewed about ${days(since)} ago and will lapse in ${days(p.minutesLeft)}; a client renews every 7 days.`,
    evidence: shown(p, ['GracePeriodRemaining', `${p.minutesLeft} minutes left`]),
    next: [
      'Find out why the host is not reached: nslookup -type=srv _vlmcs._tcp, Test-NetConnection HOST -Port 1688',
      `Then: ${toActivate(applying(asked), p)}`,
    ],
  }
})

export const evaluation = productRule('evaluation', 'An evaluation, which ends and cannot be activated by KMS', (p, asked) => {
  if (p.channel !== 'evaluation') return null
  return {
    severity: p.state === 'licensed' && (p.minutesLeft === null || p.minutesLeft > 30 * 1440) ? 'attention' : 'action',
    summary: `${capital(called(p))} is an evaluation${p.minutesLeft ? ` with ${days(p.minutesLeft)} left` : p.state === 'notification' || p.minutesLeft === 0 ? ' that has ended' : ''}: it is no volume licence and cannot be activated by KMS.`,
    evidence: shown(
      p,
      ['Description', 'evaluation channel'],
      ['Name', 'an evaluation edition'],
      ['GracePeriodRemaining', `${p.minutesLeft ?? '?'} minutes left`],
    ),
    next: remedy(p, asked),
  }
})

/** Codes that inform and are no failure while the product is licensed. */
export const informational = productRule('informational-code', 'A code that is information, not a failure', (p) => {
  if (p.reason === null || p.reason >= 0x80000000) return null
  const row = errorByCode(p.reason)
  if (!row) return null
  return {
    severity: 'info',
    summary: `${hex(p.reason)} is information${p.state === 'licensed' ? ', not a fault: the product is licensed' : ''}. ${row.meaning.replace(/^Informational: /, '').replace(/^./, (c) => c.toUpperCase())}`,
    evidence: shown(p, ['LicenseStatusReason', 'an informational code'], ['ErrorCode', 'an informational code']),
  }
})

/** The last attempt failed although the product is (still) licensed. */
export const attemptFailed = productRule('attempt-failed', 'An attempt to activate or to install a key that failed', (p, asked) => {
  const code = p.attempt && !p.attempt.ok ? p.attempt.code : p.eventCode
  if (code === null || code === undefined || code === 0) return null
  const row = errorByCode(code)
  const cell = p.attempt && !p.attempt.ok ? p.attempt.cell : p.cells.get('EventCode')
  const decides = row !== null && code !== 0x80004005
  return {
    severity: p.state === 'licensed' ? 'attention' : decides ? 'action' : 'info',
    summary: decides
      ? `Activation of ${called(p)} failed: ${row.meaning.replace(/\.$/, '')} (${hex(code)}).`
      : `Activation of ${called(p)} failed with ${hex(code)}, a general code that does not tell the cause.`,
    evidence: at(cell, row?.meaning ?? 'the code of the attempt'),
    next: decides
      ? row.remedies.length > 0
        ? row.remedies.slice(0, 3)
        : remedy(p, asked)
      : [
          'Look at the events just before and after this one in the Application log (Security-SPP 8198, 12288, 12289, 8200): they carry the real code.',
          'slmgr /dlv tells whether the product is activated at all.',
        ],
  }
})

/** What the text says ended before it was read: an old text, or a lapsed machine. */
export const endedSince = productRule('ended-since', 'An end date that has passed by the time the text is read', (p, { facts, readAt }) => {
  if (p.state !== 'licensed' || !p.expires || !readAt || p.expires.slice(0, 19) >= readAt.slice(0, 19)) return null
  return {
    severity: 'info',
    summary: `The ${teller(facts)} says that the activation ends on ${p.expires.slice(0, 10)}, which has passed: ${facts.system ? 'its clock is wrong, or it has not noticed yet.' : 'either the text is old, or nothing was renewed since.'}`,
    evidence: shown(p, ['Expires', 'the printed end'], ['TrustedTime', 'the machine’s time when it was printed']),
    next: ['Take a fresh text from the machine: slmgr /dlv'],
  }
})
