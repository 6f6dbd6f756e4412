import { labels, sentences, statusWords } from '../../catalogue.ts'
import type { State } from '../../model.ts'

/** A label as it is compared: lower case, single spaces, plain apostrophes. */
function plain(label: string): string {
  return label
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/[\u2019\u00b4]/g, "'")
    .trim()
}

/** What a broken code page leaves of a word: its ASCII letters and digits. */
function skeleton(label: string): string {
  return label.toLowerCase().replace(/[^a-z0-9]+/g, '')
}

/** Exact names first, then skeletons of at least six letters that mean one thing only. */
function lookup<T extends string>(
  rows: readonly { readonly canonical: T; readonly texts: readonly string[] }[],
): (text: string) => T | null {
  const exact = new Map<string, T>()
  const damaged = new Map<string, T | null>()
  for (const row of rows) {
    for (const text of row.texts) {
      for (const form of [text, plain(text)]) if (!exact.has(form)) exact.set(form, row.canonical)
      if (!/[^\x20-\x7e]/.test(text)) continue
      const bones = skeleton(text)
      if (bones.length >= 6) damaged.set(bones, damaged.has(bones) && damaged.get(bones) !== row.canonical ? null : row.canonical)
    }
  }
  return (text) => {
    const lower = text.toLowerCase()
    const found = exact.get(text) ?? exact.get(lower) ?? (/\s\s|[\u2019\u00b4\t]/.test(text) ? exact.get(plain(text)) : undefined)
    if (found !== undefined) return found
    return /[^\x20-\x7e]/.test(text) ? (damaged.get(skeleton(text)) ?? null) : null
  }
}

const labelOf = lookup(labels)
const statusOf = lookup(statusWords as readonly { readonly canonical: State; readonly texts: readonly string[] }[])

/** Our word for the canonical name of a label. */
export type Canonical = (typeof labels)[number]['canonical']

/** `label: value` or `label = value`; `canonical` is null for a label that nobody knows. */
export type Labelled = {
  readonly canonical: Canonical | null
  readonly label: string
  readonly value: string /** `Name     : value` or `Name=value`, as lists of properties are printed. */
  readonly columned: boolean
}

/** Longest label that any tool prints. */
const labelMax = 90

/** Splits a line at the first colon or equals sign that follows a label. Null where the line has none. */
export function labelled(text: string): Labelled | null {
  // A row of two cells is a label and its value.
  if (text.includes('|')) {
    const pair = /^\|?\s*([^|:=]{2,60}?)\s*\|\s*([^|]*?)\s*\|?$/.exec(text)
    const canonical = pair ? labelOf(pair[1]!) : null
    if (canonical) return { canonical, label: pair![1]!, value: pair![2]!, columned: true }
  }
  const colon = text.indexOf(':')
  const equals = text.indexOf('=')
  const at = colon < 0 ? equals : equals < 0 ? colon : Math.min(colon, equals)
  if (at <= 0 || at > labelMax) return null
  const label = text.slice(0, at).trimEnd()
  const value = text.slice(at + 1).trim()
  return { canonical: labelOf(label), label, value, columned: at === equals || at - label.length >= 2 }
}

/** The canonical name of a column head or property name. */
export function canonicalName(name: string): Canonical | null {
  return labelOf(name)
}

/** The state that a License Status word means, in any language we know. */
export function stateWord(value: string): State | null {
  const word = value
    .replace(/^-+\s*|\s*-+$/g, '')
    .replace(/[.。]$/, '')
    .trim()
  return statusOf(word) ?? statusOf(word.replace(/\s*[([].*$/, ''))
}

type SentenceName = (typeof sentences)[number]['canonical']
const bySentence: { readonly name: SentenceName; readonly start: string; readonly end: string }[] = []
const wholeSentences = new Map<string, SentenceName>()
for (const row of sentences) {
  for (const text of row.texts) {
    const [start = '', end = ''] = plain(text).split(/%\d/, 2)
    if (text.includes('%')) bySentence.push({ name: row.canonical, start: start.trim(), end: end.replace(/[.。]$/, '').trim() })
    else wholeSentences.set(plain(text), row.canonical)
  }
}
/** First characters of sentences that are followed by something, longest first. */
const openings = [...wholeSentences].filter(([text]) => text.length >= 4).sort((a, b) => b[0].length - a[0].length)
const openingsByFirst = new Map<string, (readonly [string, SentenceName])[]>()
for (const opening of openings) {
  const first = opening[0].slice(0, 3)
  const list = openingsByFirst.get(first)
  if (list) list.push(opening)
  else openingsByFirst.set(first, [opening])
}

type Sentence = { readonly name: SentenceName; readonly rest: string }

let lastText = ''
let lastSentence: Sentence | null = null

/** A line that is one of the tools' sentences; `rest` is what follows its known beginning, or what stands in its gap. */
export function sentence(text: string): Sentence | null {
  // Several readers ask for one line.
  if (text !== lastText) {
    lastSentence = sentenceOf(text)
    lastText = text
  }
  return lastSentence
}

function sentenceOf(text: string): Sentence | null {
  const line = plain(text.length > 240 ? text.slice(0, 240) : text).replace(/[.。:!]+$/, '')
  const whole = wholeSentences.get(line)
  if (whole !== undefined) return { name: whole, rest: '' }
  for (const { name, start, end } of bySentence) {
    if (line.length > start.length + end.length && line.startsWith(start) && line.endsWith(end) && start.length + end.length >= 8) {
      return { name, rest: text.slice(start.length, text.replace(/[.。:!]+$/, '').length - end.length).trim() }
    }
  }
  for (const [opening, name] of openingsByFirst.get(line.slice(0, 3)) ?? []) {
    if (line.startsWith(opening)) return { name, rest: text.slice(opening.length).replace(/^[\s:]+/, '') }
  }
  return null
}
