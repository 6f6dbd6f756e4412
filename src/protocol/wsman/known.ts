import { SaxesParser, type SaxesTagNS } from 'saxes'
import type { Limits } from './messages.ts'
import type { Tag, Visitor } from './xml.ts'

/**
 * A quick way through messages whose tags were seen before. A fleet answers the same questions, and most of an answer is tags: what
 * saxes made of a tag is kept in the place where it stood, below the very tags that were around it, which say what its prefixes mean.
 * The same text in the same place is the same tag; any other is read by saxes, and a message that is not quite plain as a whole.
 */
type Known = {
  /** As it stands in the message, from `<` to `>`; of the root with what is before it. */
  readonly raw: string
  readonly tag: Tag
  /** The tag that closes it; null where it closes itself. */
  readonly close: string | null
  readonly around: Known | null
  /** Characters of this tag and of those around it. */
  readonly length: number
  readonly within: Map<string, Known>
  /** What came first within it the last time, and what came after it: most often it comes again. */
  first: Known | null
  next: Known | null
}

/** A fleet has a few hundred. */
const mostKept = 4000
/** In one place. The tag of a fault names its machine and is new each time: after so many such a message is left to saxes at once. */
const mostWithin = 200
/** A message that has more new ones is for saxes: each of them costs as much as all the tags around it. */
const mostNew = 200
/** Characters of a tag with those around it. */
const longestPath = 8192

const beginning = (): Known => ({
  ...{ raw: '', tag: { local: '', uri: '', attributes: {} }, close: null, around: null, length: 0, within: new Map() },
  ...{ first: null, next: null },
})
let outermost = beginning()
let kept = 0

/**
 * Tells the visitor what `visit` tells it, in the same order. False where the message is not plain, malformed or beyond the limits: what
 * the visitor heard until then is worth nothing, and saxes is to be asked from the beginning.
 */
export function visitKnown(text: string, visitor: Visitor, limits: Limits): boolean {
  if (kept > mostKept) {
    outermost = beginning()
    kept = 0
  }
  const most = kept + mostNew
  let around = outermost
  /** The element within `around` that was closed last. */
  let before: Known | null = null
  let depth = 0
  let elements = 0
  for (let at = 0; ; ) {
    let known: Known | null = before === null ? around.first : before.next
    if (known === null || text.slice(at, at + known.raw.length) !== known.raw) {
      known = find(text, at, around)
      if (known === null || kept > most) return false
      if (before === null) around.first = known
      else before.next = known
    }
    at += known.raw.length
    if (++depth > limits.depth || ++elements > limits.elements || known.raw.length > limits.textLength) return false
    visitor.open(known.tag, depth)
    if (known.close === null) {
      visitor.close(known.tag, depth--, '')
      before = known
    } else {
      around = known
      before = null
    }
    // Texts, and what closes, until the next tag that opens.
    for (;;) {
      if (depth === 0) return at === text.length
      const end = endOfText(text, at)
      if (end < 0 || end - at > limits.textLength) return false
      if (text.charCodeAt(end + 1) !== 0x2f) {
        at = end
        break
      }
      const close = around.close!
      if (text.slice(end, end + close.length) !== close) return false
      visitor.close(around.tag, depth--, before === null ? text.slice(at, end) : null)
      at = end + close.length
      before = around
      around = around.around!
    }
  }
}

/**
 * Where the next tag begins; -1 where the text before it has an entity, a character that is not allowed or becomes another, or what may
 * be the end of CDATA, and where there is no tag.
 */
function endOfText(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x3c) return at
    if (code === 0x26 || code >= 0xfffe || (code < 0x20 && code !== 0x0a && code !== 0x09)) return -1
    if (code === 0x5d && text.charCodeAt(at + 1) === 0x5d) return -1
  }
  return -1
}

/** The tag that stands there: known, or read by saxes now. Null where it is none or a strange one. */
function find(text: string, at: number, around: Known): Known | null {
  // Before the root a declaration may stand.
  const from = around.around === null && text.startsWith('<?xml version="1.0"') ? text.indexOf('?>') + 2 : at
  const end = text.indexOf('>', from) + 1
  if (end === 0 || around.length + end - at > longestPath) return null
  const raw = text.slice(at, end)
  const known = around.within.get(raw)
  if (known) return known
  if (around.within.size >= mostWithin) return null
  let path = raw
  let depth = 1
  for (let outer = around; outer.around !== null; outer = outer.around) {
    path = outer.raw + path
    depth++
  }
  const tag = lastTag(path, depth)
  if (tag === null) return null
  const found = {
    ...{ raw: ownCopy(raw), tag: { local: internal(tag.local), uri: internal(tag.uri), attributes: tag.attributes } },
    ...{ close: tag.isSelfClosing ? null : `</${tag.name}>`, around, length: around.length + raw.length, within: new Map() },
    ...{ first: null, next: null },
  }
  around.within.set(found.raw, found)
  kept++
  return found
}

/** Of tags within each other the innermost, as saxes reads it; null where they are not exactly so many tags that open. */
function lastTag(tags: string, depth: number): SaxesTagNS | null {
  const parser = new SaxesParser({ xmlns: true, position: false })
  const opened: SaxesTagNS[] = []
  parser.on('opentag', (tag) => opened.push(tag))
  try {
    parser.write(tags)
  } catch (error) {
    if ((error as Error).constructor !== Error) throw error
    return null
  }
  return opened.length === depth ? opened.at(-1)! : null
}

/** A part of a text holds the whole text in memory. */
const ownCopy = (part: string): string => Buffer.from(part).toString()

/** The one copy of a text that V8 compares by its place in memory, and takes as the name of a property as it is. */
const internal = (text: string): string => Object.keys({ [text]: null })[0]!
