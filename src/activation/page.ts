import { maskKeys, mayHoldKey } from '../model.ts'

/** One readable line: `n` counts physical lines from 1, `text` is cleaned for reading, `raw` is the physical line as it stands. */
export type Line = {
  readonly n: number
  readonly text: string
  readonly raw: string
  readonly indent: number
  /** The whole text holds nothing that looks like a product key, so that nothing of it needs to be masked. */
  readonly keyless: boolean
}

/** A text ready for reading. */
export type Page = {
  readonly source: string
  /** The whole text as it was given. */
  readonly text: string
  readonly encoding: string
  /** Number of physical lines. */
  readonly lineCount: number
  readonly lines: readonly Line[]
  /** Columns at which the text was broken by a console or a mail program; 0 where it was not. */
  readonly wrapAt: number
}

/** Longer lines are read in pieces, so that no pattern meets an endless one. */
const longLine = 4_000
/** Longest piece of a line that is kept as evidence. */
const evidenceMax = 300

/** A line as evidence: product keys masked (unless its text is known to hold none), cut where it is too long to read. */
export function quote(raw: string, keyless = false): string {
  const short = raw.length > evidenceMax ? raw.slice(0, evidenceMax + 40) : raw
  const text = keyless ? short : maskKeys(short)
  return (text.length > evidenceMax ? text.slice(0, evidenceMax) : text).trim()
}

const fallbackEncodings = ['windows-1252', 'gb18030', 'shift_jis', 'euc-kr', 'big5', 'windows-1251', 'ibm866', 'windows-1250'] as const
/** Words that a rightly decoded localised output contains; the decoding with most of them wins. */
const telling =
  /许可证|激活|名称|描述|状态|授權|啟用|描述|狀態|ライセンス|名前|説明|状態|プロダクト|라이선스|이름|설명|상태|제품|лиценз|описание|имя|состояни|ключ|ошибка|активац/gi
/** Letters of Latin alphabets stand alone among ASCII letters; a run of three is another alphabet read wrongly. */
const latinLetters = /(?<=[a-z])[éèäöüßñóíçãłęąśżčřšžýáêôúàùőűě](?=[a-z\s:,.])/gi
const latinRuns = /[\u0080-\u02ff]{3,}/g

/** Bytes to text: byte order marks, UTF-16 without one, UTF-8, else the code page that makes most sense of it. */
export function decode(bytes: Uint8Array): { text: string; encoding: string } {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { text: new TextDecoder('utf-16le').decode(bytes), encoding: 'utf-16le' }
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { text: new TextDecoder('utf-16be').decode(bytes), encoding: 'utf-16be' }
  const head = bytes.subarray(0, 4096)
  let even = 0
  let odd = 0
  for (let i = 0; i < head.length; i++) if (head[i] === 0) i % 2 === 0 ? even++ : odd++
  if (odd > head.length / 8 && odd > 4 * even) return { text: new TextDecoder('utf-16le').decode(bytes), encoding: 'utf-16le' }
  if (even > head.length / 8 && even > 4 * odd) return { text: new TextDecoder('utf-16be').decode(bytes), encoding: 'utf-16be' }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), encoding: 'utf-8' }
  } catch {
    // A multi-byte code page that fails to decode is not the right one; of the rest, the one that yields known words.
    const sample = bytes.subarray(0, 65_536)
    let best: { encoding: string; score: number } = { encoding: 'windows-1252', score: Number.NEGATIVE_INFINITY }
    for (const encoding of fallbackEncodings) {
      const text = new TextDecoder(encoding).decode(sample)
      const score =
        10 * (text.match(telling)?.length ?? 0) +
        (text.match(latinLetters)?.length ?? 0) -
        5 * (text.match(latinRuns)?.length ?? 0) -
        3 * (text.match(/[\ufffd\u0080-\u009f\u2500-\u257f]/g)?.length ?? 0)
      if (score > best.score) best = { encoding, score }
    }
    return { text: new TextDecoder(best.encoding).decode(bytes), encoding: best.encoding }
  }
}

/** True where the text is no text: NUL or other control characters that no console prints. */
export function looksBinary(text: string): boolean {
  const sample = text.length > 65_536 ? text.slice(0, 65_536) : text
  const controls = sample.match(/[\0-\x06\x0e-\x1a\x1c-\x1f]/g)?.length ?? 0
  // A broken code page leaves replacement characters, but between lines and labels that can be read.
  const lost = sample.match(/\ufffd/g)?.length ?? 0
  if (lost > sample.length / 2 || (lost > sample.length / 10 && !/[:=]\s/.test(sample))) return true
  return sample.includes('\0') ? controls > sample.length / 200 : controls > sample.length / 10
}

const entities: Readonly<Record<string, string>> = { nbsp: ' ', amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", ndash: '–', mdash: '—' }
const needsCleaning = /[<>&*`"|\t\\\u0080-\uffff]|^\s*[-+]\s/
const breakingTag = /<\/?(?:br|p|div|tr|li|ul|ol|pre|table|tbody|thead|h[1-6]|blockquote|hr|html|body|head)\b[^<>]*>/i
const breakingTags = new RegExp(breakingTag.source, 'gi')
const cellTags = /<\/t[dh]>\s*<t[dh]\b[^<>]*>/gi
const inlineTags = /<\/?(?:span|td|th|code|b|i|u|strong|em|a|font|tt|kbd|samp|small|big|meta|title|style)\b[^<>]*>/gi

/** Takes off what a copy adds to a line: markup, quote marks, list marks, JSON quotes, wide characters, invisible ones. */
function clean(text: string): string {
  let s = text
  if (/[\u0080-\uffff]/.test(s)) {
    s = s
      .replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]/g, '')
      .replace(/[\uff01-\uff5e]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))
      .replace(/[\u00a0\u2000-\u200a\u202f\u205f\u3000]/g, ' ')
      .replace(/[\u2010-\u2015\u2212]/g, '-')
      .replace(/[\u201c\u201d\u201e]/g, '"')
  }
  if (s.includes('&')) {
    s = s.replace(/&(?:#(\d{1,6})|#x([0-9a-f]{1,5})|(\w{2,6}));/gi, (whole, dec?: string, hex?: string, name?: string) =>
      dec
        ? String.fromCodePoint(Number(dec) % 0x110000)
        : hex
          ? String.fromCodePoint(Number.parseInt(hex, 16) % 0x110000)
          : (entities[(name ?? '').toLowerCase()] ?? whole),
    )
  }
  if (s.includes('</')) s = s.replace(/^(\s*)<([A-Za-z_][\w.-]{0,60})>([^<>]*)<\/\2>\s*$/, '$1$2  : $3')
  if (s.includes('<')) s = s.replace(cellTags, ' | ').replace(inlineTags, '')
  s = s.replace(/^\s*>[> ]*/, (q) => ' '.repeat(q.length))
  if (s.includes('\t')) s = s.replaceAll('\t', '    ')
  if (s.includes('`')) s = s.trimStart().startsWith('```') ? '' : s.replaceAll('`', '')
  if (s.includes('**') && !s.includes('***')) s = s.replaceAll('**', '')
  if (/^\s*[*•+-]\s+[^\s-]/.test(s)) s = s.replace(/[*•+-]/, ' ')
  return s.includes('"') && !/"\s*[,;]\s*"|^"[^"]*"[,;][^:]*$/.test(s) ? unquote(s) : s
}

/** A line of JSON: `"Name": "Windows(R), …",` becomes `Name : Windows(R), …`, an element of a list loses its quotes. */
function unquote(s: string): string {
  const indent = ' '.repeat(s.length - s.trimStart().length)
  let t = s.trim()
  if (t.endsWith(',')) t = t.slice(0, -1).trimEnd()
  if (!t.startsWith('"')) return s
  const key = /^"([\w ]{1,60})"\s*:\s*/.exec(t)
  const value = (key ? t.slice(key[0].length) : t).replace(/^"/, '').replace(/"$/, '').replaceAll('\\"', '"').replaceAll('\\\\', '\\')
  return indent + (key ? `${key[1]}  : ${value}` : value)
}

/** Labels that people's programs glue into one line; the split happens before them. */
const gluedLabel = new RegExp(
  // A label begins after a blank, or right behind the value before it where even the blank was lost.
  `(?:\\s|(?<=[^A-Za-z\\s])|(?<=[a-z](?=[A-Z])))(?=(?:${[
    'Description|Activation ID|Application ID|Extended PID|Product Key Channel|Installation ID|Partial Product Key|License Status',
    'Notification Reason|Volume activation expiration|Time remaining|Remaining (?:Windows|SKU|App) rearm count|Trusted time',
    'Client Machine ID \\(CMID\\)|KMS machine name from DNS|Registered KMS machine name|KMS machine IP address|KMS machine extended PID',
    'Activation [iI]nterval|Renewal [iI]nterval|KMS host caching(?: is)?|Configured Activation Type|Use License URL|Validation URL',
    'PRODUCT ID|SKU ID|LICENSE NAME|LICENSE DESCRIPTION|LICENSE STATUS|ERROR CODE|ERROR DESCRIPTION|REMAINING GRACE',
    'Last 5 characters of installed product key|BETA EXPIRATION|Activation Type Configuration|KMS machine registry override defined|DNS auto-discovery',
    'Current count|Listening on Port|Total requests received|Failed requests received|Key Management Service client information|---Exiting',
  ].join('|')})[^:\\n]{0,3}(?::|\\s|$))`,
  'g',
)

/** Splits a text into readable lines. A physical line can give several (HTML, escaped line ends, several labels in one line). */
export function page(source: string, text: string, encoding = 'utf-8'): Page {
  const keyless = !mayHoldKey(text)
  const lines: Line[] = []
  const lengths = new Map<number, number>()
  let n = 0
  let from = text.charCodeAt(0) === 0xfeff ? 1 : 0
  let longest = 0
  while (from <= text.length) {
    let to = text.indexOf('\n', from)
    if (to < 0) to = text.length
    let raw = text.slice(from, to)
    from = to + 1
    if (raw.endsWith('\r')) raw = raw.replace(/\r+$/, '')
    if (to === text.length && raw === '' && n > 0) break
    // A lone carriage return is a line end as well (old tools, copied consoles).
    for (const physical of raw.includes('\r') ? raw.split('\r') : [raw]) {
      n++
      if (physical.length > longLine) {
        // Nobody prints such a line; it is a whole text that lost its line ends, or no console output at all.
        for (let at = 0; at < physical.length; at += longLine) readable(physical.slice(at, at + longLine), n, lines, keyless)
        continue
      }
      const length = physical.length
      if (length >= 60 && length <= 200) lengths.set(length, (lengths.get(length) ?? 0) + 1)
      if (length > longest) longest = length
      readable(physical, n, lines, keyless)
    }
  }
  const whole = lines.some((l) => l.text.startsWith('+-') || l.text.startsWith('+=')) ? mergeGrid(lines) : lines
  // A console breaks at its width: no line is longer, and the broken ones are exactly that long.
  const wrapAt = longest >= 60 && longest <= 200 && (lengths.get(longest) ?? 0) >= 2 ? longest : 0
  return { source, text, encoding, lineCount: n, lines: whole, wrapAt }
}

const gridRule = /^\+(?:[-=]+\+)+$/

/** A grid table (`+---+` rules) breaks the cells of one row over several lines; each row becomes one line of cells again. */
function mergeGrid(lines: readonly Line[]): Line[] {
  const merged: Line[] = []
  let row: { first: Line; cells: string[] } | null = null
  const close = () => {
    if (row) merged.push({ ...row.first, text: `| ${row.cells.map((c) => c.trim()).join(' | ')} |` })
    row = null
  }
  let inside = false
  for (const line of lines) {
    if (gridRule.test(line.text)) {
      close()
      inside = true
    } else if (inside && line.text.startsWith('|')) {
      const cells = line.text.replace(/^\|/, '').replace(/\|$/, '').split('|')
      let open = row as { first: Line; cells: string[] } | null
      // A first cell that is not empty begins a row; tables of databases have no rule between rows.
      if (open && cells[0]?.trim()) {
        close()
        open = null
      }
      if (!open) row = { first: line, cells }
      else open.cells = open.cells.map((c, i) => `${c.trimEnd()} ${cells[i]?.trim() ?? ''}`)
    } else {
      close()
      inside = false
      merged.push(line)
    }
  }
  close()
  return merged
}

function readable(physical: string, n: number, into: Line[], keyless: boolean): void {
  if (!needsCleaning.test(physical) && physical.length <= 120) {
    push(physical, physical, n, into, keyless)
    return
  }
  let s = physical
  if (s.includes('\\r\\n')) s = s.replaceAll('\\r\\n', '\n')
  if (/^\s*[[{]/.test(s) && /"\w+"\s*:.*"\w+"\s*:/.test(s))
    s = s
      .replace(/,(?=\s*"\w+"\s*:)/g, ',\n')
      .replace(/([[{])(?=\s*["{])/g, '$1\n')
      .replace(/([}\]])(?=\s*[,\]}]|\s*$)/g, '\n$1\n')
      .replace(/([}\]]\n?\s*),/g, '$1\n')
  if (s.includes('<') && breakingTag.test(s)) s = s.replace(breakingTags, '\n')
  for (const part of s.includes('\n') ? s.split('\n') : [s]) {
    const cleaned = clean(part)
    if (cleaned.length > 60 && (cleaned.match(gluedLabel)?.length ?? 0) >= 2) {
      for (const piece of cleaned.split(gluedLabel)) push(piece, physical, n, into, keyless)
    } else push(cleaned, physical, n, into, keyless)
  }
}

function push(text: string, raw: string, n: number, into: Line[], keyless: boolean): void {
  const trimmed = text.trim()
  if (trimmed === '') return
  into.push({ n, text: trimmed, raw, indent: text.length - text.trimStart().length, keyless })
}

/** A text that is a recording of `slmctl status --record`. */
export const isRecording = (text: string): boolean => /^\ufeff?\s*\{\s*"schema"\s*:\s*"slmctl\.recording\/1"/.test(text.slice(0, 200))
