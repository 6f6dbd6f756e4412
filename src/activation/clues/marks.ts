import { labels, marks } from '../../catalogue.ts'

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

/** Four characters of each mark that no label has, near its end, as a filter over every four characters of a text. */
let filter: Uint8Array | null = null

/** The last four characters as one number, letters in lower case; a collision costs a second look, nothing else. */
const slide = (four: number, c: number) => (four << 8) | ((c >= 65 && c <= 90 ? c + 32 : c) & 0xff)
const slot = (four: number) => Math.imul(four, 0x9e3779b1) >>> 16

/** What honest outputs are full of, beside the labels; a mark is looked for by four characters that stand in none of it. */
const ordinary =
  'name: volume_kms_ws22 volume_kmsclient kms_client vl_kms c:\\windows\\system32 c:\\program files .exe .dll trigger 2010 transcript'

const namesBySlot = new Map<number, string[]>()

function buildFilter(): Uint8Array {
  const words = `${labels.flatMap((row) => row.texts as readonly string[]).join('\n')}\n${ordinary}`.toLowerCase()
  const slots = new Uint8Array(0x10000)
  for (const name of byText.keys()) {
    let at = name.length - 4
    while (at > 0 && words.includes(name.slice(at, at + 4))) at--
    let four = 0
    for (let i = at; i < at + 4; i++) four = slide(four, name.charCodeAt(i))
    slots[slot(four)] = 1
    namesBySlot.set(slot(four), [...(namesBySlot.get(slot(four)) ?? []), name])
  }
  return slots
}

/** A cheap look at a whole text, and at each line of one that carries marks: most carry none at all. */
export function mayHaveMarks(text: string): boolean {
  pattern ??= build()
  filter ??= buildFilter()
  let four = 0
  for (let i = 0; i < text.length; i++) {
    four = slide(four, text.charCodeAt(i))
    const at = slot(four)
    if (filter[at] !== 1) continue
    const names = namesBySlot.get(at)!
    // The four characters stand in the mark, so the mark stands around them. Some letters are two in lower case: that much is cut out first.
    const near = text.slice(Math.max(0, i - 160), i + 160).toLowerCase()
    if (names.some((name) => near.includes(name))) return true
  }
  return false
}

/**
 * Marks of activators in a line. `plainTalk` tells that the line only mentions the name, as a sentence does: a person writing
 * about a program is no evidence that it is there.
 */
export function marksIn(text: string): { mark: number; plainTalk: boolean }[] {
  if (!mayHaveMarks(text)) return []
  const found: { mark: number; plainTalk: boolean }[] = []
  for (const m of text.matchAll(pattern!)) {
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
