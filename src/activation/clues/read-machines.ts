import { type Canonical, canonicalName, labelled, stateWord } from './labels.ts'
import { banner, command, dashes, hostWord, noHostWord, starts } from './phrases.ts'
import type { Reader } from './reader.ts'
import { codePattern } from './shapes.ts'

/** Names of machines, where a text is about several. */

export function machineHeading(r: Reader, i: number): number {
  const line = r.lines[i]!
  const text = line.text
  if (text.length > 90) return 0
  if (!/[:=#*\]-]$|^[=#*[-]| \| |^(?:ok|changed|failed|fatal):/.test(text)) return looseHeading(r, i)
  const next = r.lines[i + 1]
  const heading =
    /^[=#*-]{2,}\s*\[?([\w](?:[\w.-]{0,61}\w)?)\]?\s*[=#*-]{2,}$/.exec(text)?.[1] ??
    /^#{1,6}\s+([\w][\w.-]{1,62})$/.exec(text)?.[1] ??
    /^([\w][\w.-]{1,62}) \| (?:CHANGED|SUCCESS|FAILED)\b/.exec(text)?.[1] ??
    /^(?:ok|changed|failed|fatal): \[([\w][\w.-]{1,62})\]/.exec(text)?.[1] ??
    (next && (next.indent > line.indent || labelled(next.text)?.canonical) ? /^([\w][\w.-]{1,62}):$/.exec(text)?.[1] : undefined)
  if (
    heading &&
    /[A-Za-z]/.test(heading) &&
    /[\d.-]/.test(heading) &&
    canonicalName(heading) === null &&
    !stateWord(heading) &&
    !/\.(?:txt|vbs|log|exe|ps1)$/i.test(heading)
  ) {
    r.enter(heading, true)
    return 1
  }
  return looseHeading(r, i)
}

/** A line of few words above a dialog that holds one host name: `PC01`, `[PC01]`, `Results for PC01:`, `Checking PC01...`. */
export function looseHeading(r: Reader, i: number): number {
  const line = r.lines[i]!
  if (line.text.length > 60 || line.text.startsWith('<') || r.labelledAt(i)?.canonical) return 0
  const below = r.lines[i + 1] && dashes.test(r.lines[i + 1]!.text) ? i + 2 : i + 1
  const next = r.lines[below]
  const begins =
    next &&
    (starts.has(r.labelledAt(below)?.canonical as Canonical) ||
      r.labelledAt(below)?.canonical === 'Version' ||
      /^---processing/i.test(next.text) ||
      banner.test(next.text) ||
      /^(?:Windows|Office)\b.*\bedition\s*:/.test(next.text))
  if (!begins || command.test(line.text) || codePattern.test(line.text)) return 0
  const words = line.text
    .replace(/[^\w.-]+/g, ' ')
    .trim()
    .split(' ')
  if (words.length > 5) return 0
  const hosts = words.map((w) => w.replace(/^[.-]+|[.-]+$/g, '')).filter((w) => hostWord.test(w) && !noHostWord.test(w))
  const sure = hosts.filter((w) => /\d/.test(w) || /\w\.\w/.test(w) || (words.length === 1 && /^[A-Z][A-Z0-9-]{2,}$/.test(w)))
  const name = sure.at(-1)
  if (!name || canonicalName(name) !== null || stateWord(name)) return 0
  r.enter(name, true)
  return 1
}
