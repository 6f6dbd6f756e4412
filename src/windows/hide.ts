/** Replaces names in texts of any length: a fleet has thousands of names, and one pattern of them all would be slow. */

/** Words that are names only by chance: replaced where they stand alone as a value, never within a sentence. */
export const ordinary: ReadonlySet<string> = new Set(
  [
    ...['kms', 'mak', 'windows', 'office', 'server', 'servers', 'client', 'clients', 'host', 'hosts', 'machine', 'machines', 'computer'],
    ...['administrator', 'administrators', 'admin', 'root', 'system', 'user', 'users', 'localhost', 'workgroup', 'group', 'forest', 'site'],
    ...['slmctl', 'lab', 'local', 'example', 'domain', 'dns', 'com', 'net', 'org', 'http', 'https', 'volume', 'key', 'test', 'default'],
    ...['file', 'folder', 'home', 'network', 'address', 'organisation', 'object', 'serial', 'number', 'signer', 'agreement', 'credential'],
  ].map((word) => word.toLowerCase()),
)
const letter = /[\p{L}\p{N}]/u

/**
 * A text with every known word replaced: whole words only, whatever their case, the longest first. Words are lower case; those of
 * one or two characters would hit by chance.
 */
export function hider(words: ReadonlyMap<string, string>): (text: string) => string {
  /** By what they begin with. */
  const index = new Map<string, { readonly word: string; readonly by: string }[]>()
  for (const [word, by] of words) {
    const first = /[\p{L}\p{N}]+/u.exec(word)
    if (word.length < 3 || word === by || !first || ordinary.has(word.slice(first.index))) continue
    const at = index.get(first[0])
    const one = { word: word.slice(first.index), by }
    if (at) at.push(one)
    else index.set(first[0], [one])
  }
  for (const list of index.values()) list.sort((a, b) => b.word.length - a.word.length)
  return (text) => {
    let out = ''
    let from = 0
    const piece = /[\p{L}\p{N}]+/gu
    for (let m = piece.exec(text); m; m = piece.exec(text)) {
      // In JSON that is a text, "\npc-17" begins a line: the n is no part of the name.
      const escaped = text[m.index - 1] === '\\' ? (/^(?:[nrtbf]|u[0-9a-f]{4})/i.exec(m[0])?.[0].length ?? 0) : 0
      for (const skip of escaped > 0 ? [0, escaped] : [0]) {
        const at = m.index + skip
        const hit = index
          .get(m[0].slice(skip).toLowerCase())
          ?.find(({ word }) => text.slice(at, at + word.length).toLowerCase() === word && !letter.test(text[at + word.length] ?? ''))
        if (!hit) continue
        out += text.slice(from, at) + hit.by
        from = at + hit.word.length
        piece.lastIndex = from
        break
      }
    }
    return from === 0 ? text : out + text.slice(from)
  }
}
