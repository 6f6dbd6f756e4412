/** The words for what the API says in codes: the same as the command line has (src/cli/views/diagnosis.ts). */
import type { Application, Channel, HostFound, Method, Origin, State, Verdict } from '../../src/schemas/nouns.ts'

export const verdicts: Readonly<Record<Verdict, string>> = {
  ok: 'OK',
  attention: 'look at this',
  action: 'action needed',
  'cannot-tell': 'cannot tell',
}
export const verdictMeans: Readonly<Record<Verdict, string>> = {
  ok: 'As wished.',
  attention: 'It holds, but should be looked at.',
  action: 'Broken, or about to be.',
  'cannot-tell': 'The facts do not decide.',
}
export const origins: Readonly<Record<Origin, string>> = {
  own: 'own',
  platform: 'platform',
  vendor: 'vendor',
  'cannot-tell': 'cannot tell',
  suspect: 'suspect',
  foreign: 'foreign',
}
export const originMeans: Readonly<Record<Origin, string>> = {
  own: 'Activated by a host, a directory object or a key of the organisation.',
  platform: 'Activated by the cloud platform’s own KMS, where the site file says such machines exist.',
  vendor: 'OEM, retail, subscription or evaluation: nothing of volume activation is involved.',
  'cannot-tell': 'The facts do not decide whose activation it is.',
  suspect: 'Something does not fit.',
  foreign: 'Activated from outside the organisation, or with the marks of an activator.',
}
export const channels: Readonly<Record<Channel, string>> = {
  'kms-client': 'KMS client',
  'kms-host': 'KMS host',
  mak: 'MAK',
  retail: 'retail',
  oem: 'OEM',
  evaluation: 'evaluation',
  subscription: 'subscription',
  avma: 'automatic VM activation',
  unknown: 'unknown',
}
export const methods: Readonly<Record<Method, string>> = {
  kms: 'KMS',
  adba: 'Active Directory',
  token: 'token',
  avma: 'automatic VM activation',
  online: 'online',
  none: 'none',
  unknown: 'unknown',
}
export const states: Readonly<Record<State, string>> = {
  licensed: 'licensed',
  'initial-grace': 'initial grace',
  'additional-grace': 'additional grace',
  'out-of-tolerance-grace': 'out-of-tolerance grace',
  'non-genuine-grace': 'non-genuine grace',
  'extended-grace': 'extended grace',
  notification: 'notification',
  unlicensed: 'unlicensed',
  unknown: 'unknown',
}
export const applications: Readonly<Record<Application, string>> = { windows: 'Windows', office: 'Office', other: 'other' }
export const hostFound: Readonly<Record<HostFound, string>> = { override: 'set by hand', dns: 'from DNS', cache: 'cached', unknown: '' }
export const roles = { viewer: 'viewer', operator: 'operator', approver: 'approver' } as const
export const roleMeans = { viewer: 'may look', operator: 'may scan and plan', approver: 'may also apply' } as const

/** A word of the API that this page has no words for is shown as it is. */
export const wordOf = (words: Readonly<Record<string, string>>, code: string): string => words[code] ?? code.replaceAll('-', ' ')

const numbers = new Intl.NumberFormat('en')
export const number = (n: number): string => numbers.format(n)
/** `1 machine`, `2,000 machines` */
export const count = (n: number, one: string, many = `${one}s`): string => `${number(n)} ${n === 1 ? one : many}`

const two = (n: number) => String(n).padStart(2, '0')
/** A moment by the clock of this computer, as the command line writes it: `2026-11-26 09:05`. */
export function moment(ms: number): string {
  const at = new Date(ms)
  return `${day(ms)} ${two(at.getHours())}:${two(at.getMinutes())}`
}
const zones = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' })
/** The same for whoever reads it elsewhere: `2026-11-26 09:05 CET`. */
export function momentInZone(ms: number): string {
  const zone = zones.formatToParts(ms).find((part) => part.type === 'timeZoneName')?.value
  return zone === undefined ? moment(ms) : `${moment(ms)} ${zone}`
}
export function day(ms: number): string {
  const at = new Date(ms)
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

const steps = [
  [60, 'second'],
  [60, 'minute'],
  [24, 'hour'],
] as const
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
/** `3 hours ago`, `in 12 days` */
export function ago(ms: number, now: number): string {
  let amount = (ms - now) / 1000
  if (Math.abs(amount) < 45) return 'just now'
  for (const [size, unit] of steps) {
    if (Math.abs(amount) < size) return relative.format(Math.round(amount), unit)
    amount /= size
  }
  return relative.format(Math.round(amount), 'day')
}
/** Whole days until then, rounded down as `slmctl fleet expiring` does. */
export const daysLeft = (expiresAt: number, now: number): number => Math.floor((expiresAt - now) / 86_400_000)

/** What a machine or a product is called where it has no name of its own. */
export const productTitle = (p: {
  readonly name?: string | null | undefined
  readonly edition?: string | null | undefined
  readonly activationId?: string | null | undefined
}): string => p.name ?? p.edition ?? (p.activationId ? `Product ${p.activationId}` : 'A product without a name')
