/** Shapes that are the same in every language: identifiers, channel names, codes, amounts of time, hosts, dates. */

export const guidPattern = /(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f])/i
/** [Extended PID] group, channel, key serial, LCID, build and day: `03612-03311-000-000001-03-1033-26200.0000-2232026`. */
export const extendedPidPattern = /(?<!\d)\d{5}-\d{5}-\d{3}-\d{6}-\d{2}-\d{4,5}-\d{4,5}\.\d{4}-\d{7}(?!\d)/
/** The channel as it ends a licence description: `…, VOLUME_KMSCLIENT channel`. */
export const channelPattern =
  /\b(VOLUME_[A-Z0-9_.-]+|RETAIL(?:\([A-Za-z ]+\))?|OEM_[A-Z]+|OEM|COA_[A-Z]+|TIMEBASED_[A-Z]+|VIRTUAL_MACHINE_ACTIVATION|SUBSCRIPTION|[A-Z]{3,}_[A-Z_]+)\s+channel/
export const keyChannelPattern = /^(?:Volume|OEM|Retail|Bypass|SubSpecific)(?::[A-Za-z]+)*$/i
/** The name of a licence: `Windows(R), Professional edition`, `Office 16, Office16ProPlusVL_KMS_Client edition`. */
export const licenceNamePattern =
  /\b(Windows(?: ?(?:\(R\)|\(TM\)|®|™|Server\(R\)))*[^,:]{0,30}|Office \d\d), ?([A-Za-z][\w.,() -]{1,400}?) edition\b/
export const codePattern = /\b0x([0-9a-f]{8})\b/i
export const ipv4Pattern = /^(?:\d{1,3}\.){3}\d{1,3}$/
/** `host:port`; the host may be a name, an IPv4 address or an IPv6 address in brackets. */
export const hostPortPattern = /^(\[[0-9a-f:.]+\]|<[^<>]+>|[^\s:,;<>]+):(\d{2,5})$/i

/** The last group of a product key as people print it. Masked values (`XXXXX`, `*****`) are no key. */
export function partialKey(value: string): string | null {
  const key = /^(?:[A-Z0-9*\u2022]{5}-){0,4}([A-Z0-9]{5})(?![A-Z0-9-])/i.exec(value.trim())?.[1]?.toUpperCase()
  return key && key !== 'XXXXX' ? key : null
}

/** True for five characters that could stand at the end of a product key (no 0, 1, 5 and no vowels occur there). */
export function looksLikePartialKey(value: string): boolean {
  return /^[2-46-9BCDFGHJKMNPQRTVWXY]{5}$/.test(value) && /[A-Z]/.test(value) && value !== 'XXXXX'
}

/** 4294967295 and its like: WMI's way to say that a number does not apply. */
export const notApplicable = 4_294_967_295

/** A whole number, or null where there is none or it does not apply (`4294967295`, `N/A`, `Unlimited`). */
export function wholeNumber(value: string): number | null {
  const digits = /^[+]?(\d{1,10})$/.exec(value.trim())?.[1]
  if (!digits) return null
  const n = Number(digits)
  return n >= notApplicable ? null : n
}

/** The first number in a value such as `120 minutes` or `120 Minuten`; null where there is none. */
export function leadingNumber(value: string): number | null {
  const n = /\d{1,9}/.exec(value)?.[0]
  return n === undefined ? null : Number(n)
}

const amount = /\d{1,3}(?:[.,'\u00a0\u202f ]\d{3})+(?!\d)|\d+/g

/**
 * Minutes left from what is printed: `243720 minute(s) (169 day(s))`, `178 days  (256748 minute(s) …)`, a bare number of minutes.
 * The minutes count, not the printed days: they are cut (7195 minutes are printed as 4 days).
 */
export function minutesLeft(value: string): number | null {
  const bare = wholeNumber(value)
  if (bare !== null) return bare
  const numbers = (value.match(amount) ?? []).map((n) => Number(n.replace(/\D/g, ''))).filter((n) => n < notApplicable)
  for (const minutes of numbers) {
    for (const days of numbers)
      if (minutes > days && (Math.floor(minutes / 1440) === days || Math.round(minutes / 1440) === days)) return minutes
  }
  const first = numbers[0]
  if (first === undefined) return null
  if (/\bmin|分|분|мин|хвил|minút|perc|dakika|λεπτ/i.test(value)) return first
  return null
}

/** HRESULT from `0xC004F074.`, `3221549172`, `-1073418124`; null where the value is none. */
export function resultCode(value: string): number | null {
  const hex = codePattern.exec(value)?.[1]
  if (hex) return Number.parseInt(hex, 16)
  const decimal = /^-?\d{1,10}$/.exec(value.trim())?.[0]
  if (decimal === undefined) return null
  const n = Number(decimal)
  if (n < -2_147_483_648 || n >= notApplicable) return null
  return n < 0 ? n + 4_294_967_296 : n
}

/** `0x` and eight upper-case digits. */
export function hex(code: number): string {
  return `0x${code.toString(16).toUpperCase().padStart(8, '0')}`
}

/** Order of day and month in a text, where one of its dates gives it away. */
export type DateOrder = 'mdy' | 'dmy' | null

const dayMonth = /(?<!\d)(\d{1,2})([/.-])(\d{1,2})\2(\d{4})/g
export function dateOrder(text: string): DateOrder {
  if (!/\d[/.-]\d{1,2}[/.-]\d{4}/.test(text)) return null
  for (const [, a, , b] of text.matchAll(dayMonth)) {
    if (Number(a) > 12 && Number(b) <= 12) return 'dmy'
    if (Number(b) > 12 && Number(a) <= 12) return 'mdy'
  }
  return null
}

const pad = (n: number, width = 2) => String(n).padStart(width, '0')

/**
 * A printed date as ISO 8601. Year-first, dotted (`24.03.2027`) and CIM dates (`20171130140410.033000-000`) are plain; of
 * `3/24/2027` and `24/3/2027` the larger number is the day; where both could be the month, the order seen elsewhere in the text
 * decides, else AM and PM mean the American order; where nothing decides it is null. Year 1601 means "no date".
 */
export function isoDate(value: string, order: DateOrder): string | null {
  const cim = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{6})([+-]\d{3}))?/.exec(value.trim())
  if (cim) {
    if (cim[1] === '1601' || cim[1] === '0000') return null
    const local = `${cim[1]}-${cim[2]}-${cim[3]}T${cim[4]}:${cim[5]}:${cim[6]}`
    if (cim[8] === undefined) return local
    const offset = Number(cim[8])
    return offset === 0
      ? `${local}Z`
      : `${local}${offset < 0 ? '-' : '+'}${pad(Math.floor(Math.abs(offset) / 60))}:${pad(Math.abs(offset) % 60)}`
  }
  let year: number
  let month: number
  let day: number
  const yearFirst = /(?<!\d)(\d{4})\s?(?:[/.-]|年|년)\s?(\d{1,2})\s?(?:[/.-]|月|월)\s?(\d{1,2})/.exec(value)
  const other = yearFirst ? null : /(?<!\d)(\d{1,2})([/.-])\s?(\d{1,2})\2\s?(\d{4})/.exec(value)
  const half = /\bPM\b|\bp\.\s?m\.|下午|오후|午後/i.test(value) ? 12 : /\bAM\b|\ba\.\s?m\.|上午|오전|午前/i.test(value) ? 0 : null
  if (yearFirst) {
    year = Number(yearFirst[1])
    month = Number(yearFirst[2])
    day = Number(yearFirst[3])
  } else if (other) {
    const a = Number(other[1])
    const b = Number(other[3])
    year = Number(other[4])
    const how =
      a > 12
        ? 'dmy'
        : b > 12
          ? 'mdy'
          : other[2] === '.'
            ? 'dmy'
            : a === b
              ? 'dmy'
              : (order ?? (half !== null && other[2] === '/' ? 'mdy' : other[2] === '-' ? 'dmy' : null))
    if (how === null) return null
    month = how === 'dmy' ? b : a
    day = how === 'dmy' ? a : b
  } else return null
  // The Thai calendar counts from 543 years earlier.
  if (year >= 2500 && year <= 2700) year -= 543
  if (year <= 1601 || month < 1 || month > 12 || day < 1 || day > 31) return null
  const time =
    /(?<!\d)(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?!\d|[/.-]\d)/.exec(
      value.slice((yearFirst ?? other)!.index + (yearFirst ?? other)![0].length),
    ) ?? null
  const date = `${pad(year, 4)}-${pad(month)}-${pad(day)}`
  if (!time) return date
  let hour = Number(time[1])
  if (half !== null) hour = (hour % 12) + half
  if (hour > 23 || Number(time[2]) > 59) return date
  return `${date}T${pad(hour)}:${time[2]}:${time[3] ?? '00'}${/\dZ\s*$/.test(value) ? 'Z' : ''}`
}
