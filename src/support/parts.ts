import { maskKeys, printable } from '../model.ts'

/** Finds names and puts words in their place, the same everywhere; `windows` has it, whose recordings it redacts, too. */
export type Hide = {
  readonly name: (kind: NameKind, value: string) => void
  readonly machine: (machine: { readonly name: string; readonly entries: readonly unknown[] }) => void
  readonly look: (text: string) => void
  readonly everywhere: <T>(value: T) => T
  readonly table: () => readonly { readonly kind: string; readonly count: number }[]
}
export type NameKind =
  | ('machine' | 'host' | 'domain' | 'user' | 'organisation' | 'address' | 'directory-name')
  | ('group' | 'network' | 'credential' | 'file' | 'agreement' | 'signer')

/** A file of the archive before anything is hidden in it: a text, or a value that becomes JSON; `lines` is one JSON a line. */
export type Part = {
  readonly file: string
  readonly about: string
  readonly content: { readonly text: string } | { readonly json: unknown } | { readonly lines: readonly unknown[] }
}
export type File = { readonly file: string; readonly about: string; readonly text: string }

/** The parts as files: product keys masked, and names hidden where `hide` is given. Every part is looked through before any is written. */
export function filesOf(parts: readonly Part[], hide: Hide | null, hidden: readonly string[]): readonly File[] {
  if (hide)
    for (const { content } of parts) strings('text' in content ? content.text : 'json' in content ? content.json : content.lines, hide.look)
  // Shorter words would hit by chance; in JSON that is a text they are escaped.
  const never = hidden.filter((word) => word.length >= 4).flatMap((word) => [word, JSON.stringify(word).slice(1, -1)])
  const without = (text: string) => never.reduce((rest, word) => rest.replaceAll(word, '•••'), text)
  const clean = <T>(value: T): T => {
    const rest = never.length === 0 ? value : eachText(value, without)
    return eachText(hide ? hide.everywhere(rest) : rest, maskKeys)
  }
  const written = ({ content }: Part): string => {
    if ('text' in content) return clean(`${content.text}\n`).trimEnd().concat('\n')
    if ('json' in content) return `${JSON.stringify(clean(content.json), null, 1)}\n`
    return content.lines.map((one) => `${JSON.stringify(clean(one))}\n`).join('')
  }
  const files = parts.map((part) => ({ file: part.file, about: part.about, text: printable(written(part)) }))
  const table = hide?.table() ?? []
  if (!hide) return files
  const about = 'How many different names of each kind were replaced. The names are not in it.'
  return [...files, { file: 'names.json', about, text: `${JSON.stringify(table, null, 1)}\n` }]
}

/** A copy with every text in it changed, also those that name something in it. */
function eachText<T>(value: T, change: (text: string) => string): T {
  if (typeof value === 'string') return change(value) as T
  if (Array.isArray(value)) return value.map((one) => eachText(one, change)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [change(key), eachText(one, change)])) as T
}

function strings(value: unknown, use: (text: string) => void): void {
  if (typeof value === 'string') use(value)
  else if (Array.isArray(value)) for (const one of value) strings(one, use)
  else if (typeof value === 'object' && value !== null) for (const one of Object.values(value)) strings(one, use)
}

/** Words of our own that an answer may keep where the text it was read from must not be told. */
const own: ReadonlySet<string> = new Set([
  ...['schema', 'verdict', 'origin', 'application', 'channel', 'method', 'state', 'reason', 'found', 'rule', 'severity', 'code', 'basis'],
  ...['kind', 'encoding', 'change', 'class', 'fact'],
])

/** The shape of an answer: numbers, and texts under keys whose values are words of ours; everything else is said to be left out. */
export function shapeOf(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return own.has(key) && /^[\w ./+-]{0,60}$/.test(value) ? value : '(left out)'
  if (Array.isArray(value)) return value.map((one) => shapeOf(one, key))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shapeOf(one, name)]))
}
