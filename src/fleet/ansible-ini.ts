import { inventory } from './ansible.ts'
import { type SourceReading, shown } from './found.ts'
import { linesOf } from './list.ts'

const lineMax = 16_384
const correct = ['Correct the line and import again. The other lines are taken.']

/** Ansible's inventory as INI: groups, `:children`, `:vars` (passed over), hosts with their variables. */
export function readAnsibleIni(text: string, file: string): SourceReading {
  const list = inventory('ansible-ini', file)
  let section: { readonly group: string; readonly kind: 'hosts' | 'children' | 'vars' | 'unread' } = { group: 'ungrouped', kind: 'hosts' }
  for (const { line, text: raw } of linesOf(text)) {
    const plain = raw.trim()
    if (plain === '' || /^[#;]/.test(plain)) continue
    if (!list.room) break
    if (raw.length > lineMax) {
      list.found.refuse(line, 'This line is too long', correct)
      continue
    }
    const head = /^\[([^[\]:]+)(?::(\w+))?\]\s*(?:[#;].*)?$/.exec(plain)
    if (head) {
      const kind = head[2] ?? 'hosts'
      const known = kind === 'hosts' || kind === 'children' || kind === 'vars'
      section = { group: head[1]!.trim(), kind: known ? kind : 'unread' }
      if (!known)
        list.found.refuse(line, `${shown(plain)} is no section of an inventory`, ['Known are [GROUP], [GROUP:children] and [GROUP:vars].'])
      continue
    }
    if (section.kind === 'vars') continue
    const words = wordsOf(plain)
    if (words === null || section.kind === 'unread') {
      list.found.refuse(
        line,
        section.kind === 'unread' ? 'This line is in a section that is not known' : 'A quote in this line does not close',
        correct,
      )
      continue
    }
    if (section.kind === 'children') list.child(section.group, words[0]!)
    else hostLine(list, words, section.group, line)
  }
  return list.done()
}

function hostLine(list: ReturnType<typeof inventory>, [pattern, ...variables]: readonly string[], group: string, line: number): void {
  const wrong = variables.find((word) => !/^[^=\s]+=/.test(word))
  if (wrong !== undefined) {
    list.found.refuse(line, `${shown(wrong)} is no variable of a host (NAME=VALUE)`, correct)
    return
  }
  const told = variables.map((word) => word.split(/=(.*)/s)).find(([name]) => name === 'ansible_host' || name === 'ansible_ssh_host')
  list.host(pattern!, group, line, told?.[1] ?? null)
}

/** Words as a shell would part them; `#` begins a remark. Null where a quote does not close. */
function wordsOf(text: string): string[] | null {
  const words: string[] = []
  let word: string | null = null
  let quote: string | null = null
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (quote !== null) {
      if (c === quote) quote = null
      else word = (word ?? '') + (c === '\\' && quote === '"' && i + 1 < text.length ? text[++i]! : c)
    } else if (c === '"' || c === "'") {
      quote = c
      word ??= ''
    } else if (/\s/.test(c)) {
      if (word !== null) words.push(word)
      word = null
    } else if (c === '#' && word === null) break
    else word = (word ?? '') + c
  }
  if (quote !== null) return null
  if (word !== null) words.push(word)
  return words
}
