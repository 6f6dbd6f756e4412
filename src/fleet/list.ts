import { addressKind, machineName } from '../addresses.ts'
import { Found, type SourceReading, shown } from './found.ts'

/** Lines with their numbers, without ends; no text is long enough to make one line slow. */
export function* linesOf(text: string): Generator<{ readonly line: number; readonly text: string }> {
  let line = 0
  for (let at = 0; at <= text.length; ) {
    const end = text.indexOf('\n', at)
    const to = end < 0 ? text.length : end
    line++
    yield { line, text: text.slice(at, to > at && text[to - 1] === '\r' ? to - 1 : to) }
    at = to + 1
  }
}

/**
 * One name in a line; `#`, `;` and `//` begin a remark. Taken as well: `\\NAME` of net view, `NAME$` of an account, and lines of a
 * hosts file, address first.
 */
export function readList(text: string, file: string): SourceReading {
  const found = new Found('list', file)
  for (const { line, text: raw } of linesOf(text)) {
    const plain = raw
      .slice(0, 4096)
      .replace(/(?:^|\s)(?:#|;|\/\/).*$/, '')
      .trim()
    if (plain === '') continue
    const words = plain.replace(/[,;]$/, '').split(/\s+/)
    const first = words[0]!
      .replace(/^"(.*)"$/, '$1')
      .replace(/^\\\\/, '')
      .replace(/\$$/, '')
    if (words.length === 1) found.take({ name: first }, line)
    else if (addressKind(first) !== null) {
      // What a hosts file says about this computer itself is no machine of a fleet.
      if (addressKind(first) === 'loopback' || addressKind(first) === 'reserved' || /^(?:ip6-|localhost)/i.test(words[1]!)) found.passOver()
      else found.take({ name: words[1]!, address: machineName(first) }, line)
    } else
      found.refuse(line, `${shown(plain)} is more than one word`, [
        'One name in a line; a remark begins with #.',
        'A table needs headings in its first line: see slmctl fleet import --help.',
      ])
  }
  return found.done()
}
