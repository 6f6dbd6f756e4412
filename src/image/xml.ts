/** An element: its name, attributes, and a text or elements inside. */
export type Element = {
  readonly name: string
  readonly attributes?: Readonly<Record<string, string>>
  readonly inside?: string | readonly Element[]
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

/** A text as it stands in an element or an attribute. What XML 1.0 cannot hold is a fault of the caller. */
function escaped(text: string): string {
  if (/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(text))
    throw new RangeError('a text with characters that XML cannot hold')
  return text.replace(/[&<>"']/g, (c) => entities[c]!).replace(/[\t\n\r]|[^\x20-\x7e]/gu, (c) => `&#${c.codePointAt(0)};`)
}

/** A document in ASCII with lines of Windows, so that no editor and no code page changes it. `about` is a comment at its head. */
export function document(about: string, root: Element): string {
  if (about.includes('--')) throw new RangeError('a comment must not hold two hyphens')
  return ['<?xml version="1.0" encoding="utf-8"?>', `<!-- ${about} -->`, ...lines(root, ''), ''].join('\r\n')
}

function lines({ name, attributes = {}, inside = [] }: Element, indent: string): string[] {
  const head = `${indent}<${name}${Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escaped(value)}"`)
    .join('')}`
  if (typeof inside === 'string') return [`${head}>${escaped(inside)}</${name}>`]
  if (inside.length === 0) return [`${head} />`]
  return [`${head}>`, ...inside.flatMap((e) => lines(e, `${indent}  `)), `${indent}</${name}>`]
}
