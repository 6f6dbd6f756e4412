import { marks } from '../../catalogue.ts'

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
let pattern: RegExp | null = null
const byText = new Map<string, number>()

function build(): RegExp {
  marks.forEach((m, i) => {
    if (!byText.has(m.text.toLowerCase())) byText.set(m.text.toLowerCase(), i)
  })
  // The longest first, so that a path wins over the name inside it. Boundaries keep names inside other words out.
  const all = [...byText.keys()].sort((a, b) => b.length - a.length).map(escaped)
  return new RegExp(`(?<![a-z0-9_])(?:${all.join('|')})(?![a-z0-9_])`, 'gi')
}

/** A cheap look at a whole text: most texts carry no mark at all. */
export function mayHaveMarks(text: string): boolean {
  pattern ??= build()
  const lower = text.toLowerCase()
  for (const name of byText.keys()) if (lower.includes(name)) return true
  return false
}

/**
 * Marks of activators in a line. `plainTalk` tells that the line only mentions the name, as a sentence does: a person writing
 * about a program is no evidence that it is there.
 */
export function marksIn(text: string): { mark: number; plainTalk: boolean }[] {
  pattern ??= build()
  pattern.lastIndex = 0
  const found: { mark: number; plainTalk: boolean }[] = []
  for (const m of text.matchAll(pattern)) {
    const mark = byText.get(m[0].toLowerCase())
    if (mark !== undefined && !found.some((f) => f.mark === mark)) found.push({ mark, plainTalk: isPlainTalk(text) })
  }
  return found
}

/** A path, a table row, a label or a command is no plain talk; several ordinary words in a row are. */
function isPlainTalk(text: string): boolean {
  if (
    /[\\/]\S*\w\.(?:exe|dll|cmd|bat|vbs|log|ini|sys)\b|[A-Z]:\\|\\\w|HKLM|HKEY_|^\s*\S+\s*[:=]|\s{2,}|\t|\b(?:Running|Ready|Stopped|Disabled|Auto|Manual)\b|^\[?\d{2,4}[-/.:]/i.test(
      text,
    )
  )
    return false
  const words = text.match(/\b[a-z]{2,}\b/gi)?.length ?? 0
  return words >= 5
}
