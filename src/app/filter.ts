/** Which machines of a fleet are meant, in words: the flags of the command line, the queries of the API, what is kept of a campaign. */
import { ProblemError, problem } from '../model.ts'
import type { Filter } from '../store.ts'

/** Words as somebody gave them; true where one has no value. */
export type Words = Readonly<Record<string, string | number | boolean | undefined>>

export const usage = (summary: string, ...next: string[]) => new ProblemError(problem('USAGE', summary, next))
export const text = (words: Words, name: string): string | null => (words[name] as string | undefined) ?? null

/** A number of a word; null where it is not given. Throws USAGE. */
export function number(words: Words, name: string, min: number, max: number): number | null {
  if (words[name] === undefined) return null
  const n = Number(words[name])
  if (!Number.isInteger(n) || n < min || n > max)
    throw usage(`--${name} ${words[name]}: expected a number from ${min} to ${max}.`, `--${name} ${n > max ? max : min}`)
  return n
}

export const dayMs = 86_400_000
export const days = (words: Words, name: string) => number(words, name, 1, 36_500)!

const lists = {
  verdict: ['ok', 'attention', 'action', 'cannot-tell'],
  origin: ['own', 'platform', 'vendor', 'cannot-tell', 'suspect', 'foreign'],
  state: [
    ...['licensed', 'initial-grace', 'additional-grace', 'out-of-tolerance-grace', 'non-genuine-grace', 'extended-grace', 'notification'],
    ...['unlicensed', 'unknown'],
  ],
} as const

/** Every word that says which machines are meant, in the order in which they are told. */
export const filterNames = [
  ...['verdict', 'origin', 'state', 'host', 'product', 'days', 'error', 'problem', 'cause', 'remark', 'group', 'pool', 'source', 'text'],
  ...['not-seen-for', 'never-seen', 'shared-cmid', 'vanished'],
] as const

/** True where a filter is given at all. */
export const filtered = (words: Words): boolean => filterNames.some((name) => words[name] !== undefined)

/** Filters by their words; all that are given must hold, and several values of one stand with commas. Throws USAGE. */
export function filterOf(words: Words, now = Date.now()): Filter {
  const several = (name: keyof typeof lists) => {
    const given = text(words, name)
    if (given === null) return {}
    const values = given.split(',').map((v) => v.trim().toLowerCase())
    const wrong = values.find((v) => !(lists[name] as readonly string[]).includes(v))
    if (wrong !== undefined) throw usage(`--${name} ${wrong}: expected ${lists[name].join(', ')}.`, `--${name} ${lists[name][0]}`)
    return { [name]: values }
  }
  const one = (name: 'group' | 'pool' | 'source' | 'text' | 'host' | 'product') =>
    words[name] === undefined ? {} : { [name]: String(words[name]) }
  const odd = filterNames.find((name) => String(words[name] ?? '').includes('\0'))
  if (odd !== undefined) throw usage(`--${odd}: no name has a character U+0000 in it.`, 'slmctl fleet list --text pc-17')
  if (words['never-seen'] === true && words['not-seen-for'] !== undefined)
    throw usage('Either --not-seen-for or --never-seen: those that never answered are among those not seen for some days.')
  return {
    ...several('verdict'),
    ...several('origin'),
    ...several('state'),
    ...one('group'),
    ...one('pool'),
    ...one('source'),
    ...(words.problem === undefined ? {} : { problem: /^any$/i.test(String(words.problem)) ? '*' : String(words.problem).toUpperCase() }),
    ...one('text'),
    ...one('host'),
    ...one('product'),
    ...(words.error === undefined ? {} : errorFilter(String(words.error))),
    ...(words.cause === undefined ? {} : { cause: number(words, 'cause', 1, Number.MAX_SAFE_INTEGER)! }),
    ...(words.remark === undefined ? {} : { remark: number(words, 'remark', 1, Number.MAX_SAFE_INTEGER)! }),
    ...(words.days === undefined ? {} : { endsBefore: now + days(words, 'days') * dayMs }),
    ...(words['not-seen-for'] === undefined ? {} : { seenBefore: now - days(words, 'not-seen-for') * dayMs }),
    ...(words['never-seen'] === true ? { seenBefore: 0 } : {}),
    ...(words['shared-cmid'] === true ? { sharedCmid: true } : {}),
    ...(words.vanished === true ? { vanished: 'only' } : {}),
  } as Filter
}

/** `error`: a result code that a product tells as its reason, in any of its spellings, or the code of a problem. */
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

/** The selection in the words of the command line, so that whoever looks at a campaign later knows what it was about. */
export function selectionWords(words: Words): string {
  const given = filterNames.filter((f) => words[f] !== undefined).map((f) => (words[f] === true ? `--${f}` : `--${f} ${words[f]}`))
  return given.length === 0 ? 'every machine' : given.join(' ')
}
