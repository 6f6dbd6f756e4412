/** Which machines of a fleet are meant, by flags: the same for every word of `fleet` that takes filters. */
import type { Filter } from '../../app.ts'
import { ProblemError, problem } from '../../model.ts'
import { filterFlags } from '../fleet-words.ts'

export { filterFlags }

export type Flags = Readonly<Record<string, string | boolean | undefined>>

export const usage = (summary: string, ...next: string[]) => new ProblemError(problem('USAGE', summary, next))
export const text = (flags: Flags, name: string) => (flags[name] as string | undefined) ?? null

export function number(flags: Flags, flag: string, min: number, max: number): number | null {
  if (flags[flag] === undefined) return null
  const n = Number(flags[flag])
  if (!Number.isInteger(n) || n < min || n > max)
    throw usage(`--${flag} ${flags[flag]}: expected a number from ${min} to ${max}.`, `--${flag} ${n > max ? max : min}`)
  return n
}

export const dayMs = 86_400_000
export const days = (flags: Flags, flag: string) => number(flags, flag, 1, 36_500)!

const lists = {
  verdict: ['ok', 'attention', 'action', 'cannot-tell'],
  origin: ['own', 'platform', 'vendor', 'cannot-tell', 'suspect', 'foreign'],
  state: [
    ...['licensed', 'initial-grace', 'additional-grace', 'out-of-tolerance-grace', 'non-genuine-grace', 'extended-grace', 'notification'],
    ...['unlicensed', 'unknown'],
  ],
} as const

/** True where a filter is given at all. */
export const filtered = (flags: Flags): boolean => filterFlags.some((flag) => flags[flag] !== undefined)

/** Filters as flags; all that are given must hold, and several values of one stand with commas. Throws USAGE. */
export function filterOf(flags: Flags, now = Date.now()): Filter {
  const several = (flag: keyof typeof lists) => {
    const given = text(flags, flag)
    if (given === null) return {}
    const values = given.split(',').map((v) => v.trim().toLowerCase())
    const wrong = values.find((v) => !(lists[flag] as readonly string[]).includes(v))
    if (wrong !== undefined) throw usage(`--${flag} ${wrong}: expected ${lists[flag].join(', ')}.`, `--${flag} ${lists[flag][0]}`)
    return { [flag]: values }
  }
  const one = (flag: 'group' | 'pool' | 'source' | 'text' | 'host' | 'product') =>
    flags[flag] === undefined ? {} : { [flag]: String(flags[flag]) }
  if (flags['never-seen'] === true && flags['not-seen-for'] !== undefined)
    throw usage('Either --not-seen-for or --never-seen: those that never answered are among those not seen for some days.')
  return {
    ...several('verdict'),
    ...several('origin'),
    ...several('state'),
    ...one('group'),
    ...one('pool'),
    ...one('source'),
    ...(flags.problem === undefined ? {} : { problem: /^any$/i.test(String(flags.problem)) ? '*' : String(flags.problem).toUpperCase() }),
    ...one('text'),
    ...one('host'),
    ...one('product'),
    ...(flags.error === undefined ? {} : errorFilter(String(flags.error))),
    ...(flags.cause === undefined ? {} : { cause: number(flags, 'cause', 1, Number.MAX_SAFE_INTEGER)! }),
    ...(flags.days === undefined ? {} : { endsBefore: now + days(flags, 'days') * dayMs }),
    ...(flags['not-seen-for'] === undefined ? {} : { seenBefore: now - days(flags, 'not-seen-for') * dayMs }),
    ...(flags['never-seen'] === true ? { seenBefore: 0 } : {}),
    ...(flags.vanished === true ? { vanished: 'only' } : {}),
  } as Filter
}

/** `--error`: a result code that a product tells as its reason, in any of its spellings, or the code of a problem. */
function errorFilter(given: string): Filter {
  if (/^[A-Z][A-Z0-9_]+$/.test(given)) return { problem: given }
  const code = /^0x[0-9a-f]{8}$/i.test(given) ? Number.parseInt(given, 16) : /^-?\d{1,10}$/.test(given) ? Number(given) : Number.NaN
  if (Number.isNaN(code) || code < -0x8000_0000 || code > 0xffff_ffff)
    throw usage(
      `--error ${given}: expected a result code or the code of a problem.`,
      'slmctl fleet list --error 0xC004F074',
      'slmctl fleet list --error WINRM_UNREACHABLE',
    )
  return { error: `0x${(code >>> 0).toString(16).toUpperCase().padStart(8, '0')}` }
}
