import {
  type Alias,
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  Parser,
  visit,
  type YAMLMap,
} from 'yaml'
import { inventory } from './ansible.ts'
import { type SourceReading, shown } from './found.ts'
import { linesOf } from './list.ts'

/** Groups in groups; Ansible's own people write two or three. */
const depthMax = 50
/** Values looked at in all: aliases may name the same part over and over. */
const visitsMax = 1_000_000

/** The library needs time by the square of what is wrong in one line; no line of an inventory is as long. JSON may be all in one. */
const lineMax = 2048

/** Ansible's inventory as YAML: `hosts`, `children`, `vars`; and what `ansible-inventory --list` prints, as YAML or JSON. */
export function readAnsibleYaml(text: string, file: string): SourceReading {
  const list = inventory('ansible-yaml', file)
  if (!isJson(text))
    for (const { line, text: raw } of linesOf(text))
      if (raw.length > lineMax) {
        list.found.refuse(
          line,
          `This line is longer than ${lineMax} characters`,
          ['Break it; nothing of the file is taken.'],
          'SOURCE_YAML',
        )
        return list.found.done()
      }
  const lines = new LineCounter()
  const broken = (at: number, message: string) => {
    const what = message
      .split('\n')[0]!
      .replace(/ at line \d+.*$/, '')
      .replace(/[.:]$/, '')
    list.found.refuse(
      lines.linePos(at).line,
      `It is no YAML: ${what}`,
      ['Correct the file; nothing of it is taken. ansible-inventory --list -i FILE says what Ansible makes of it.'],
      'SOURCE_YAML',
    )
    return list.found.done()
  }
  // Token by token, so that a file that is none is left at its first error.
  const tokens: CST.Token[] = []
  for (const token of new Parser(lines.addNewLine).parse(text)) {
    if (token.type === 'error') return broken(token.offset, token.message)
    tokens.push(token)
  }
  const options = { uniqueKeys: false, logLevel: 'silent', strict: false } as const
  const document = new Composer(options).compose(tokens).next().value as Document.Parsed | undefined
  const lineAt = (node: unknown): number => lines.linePos((node as Node | null)?.range?.[0] ?? 0).line
  if (!document) return list.found.done()
  const error = document.errors[0]
  if (error) return broken(error.pos[0], error.message)
  let visits = 0
  const aliased = aliases(document)
  const real = (node: unknown): unknown => (isAlias(node) ? aliased.get(node) : node)
  const name = (key: unknown): string => (isScalar(key) ? String(key.source ?? key.value) : '')
  const refuse = (node: unknown, what: string) =>
    list.found.refuse(lineAt(node), what, ['Correct it and import again. What can be read is taken.'])

  const entries = function* (node: unknown, what: string): Generator<readonly [string, unknown, unknown]> {
    const value = real(node)
    if (value === null || value === undefined || (isScalar(value) && value.value === null)) return
    if (isMap(value))
      for (const pair of (value as YAMLMap).items) {
        if (++visits > visitsMax) return
        yield [name(pair.key), pair.value, pair.key]
      }
    else if (isSeq(value))
      // The JSON of dynamic inventories has lists of names.
      for (const item of value.items) {
        if (++visits > visitsMax) return
        yield [name(real(item)), null, item]
      }
    else refuse(value, `${what} should be names with a colon behind each`)
  }

  const hosts = (node: unknown, group: string): void => {
    for (const [pattern, variables, at] of entries(node, `hosts of ${group}`)) {
      if (!list.room) return
      let address: string | null = null
      const known = real(variables)
      if (isMap(known))
        for (const key of ['ansible_ssh_host', 'ansible_host']) {
          const value = real(known.get(key, true))
          if (isScalar(value) && value.value !== null) address = String(value.value)
        }
      if (pattern === '') refuse(at, `a host of ${shown(group)} has no name`)
      else list.host(pattern, group, lineAt(at), address)
    }
  }
  const group = (called: string, node: unknown, at: unknown, depth: number): void => {
    if (depth > depthMax || visits > visitsMax || !list.room) return
    const value = real(node)
    if (value === null || value === undefined || (isScalar(value) && value.value === null)) return
    // The shortest form of a dynamic inventory: a list is the hosts.
    if (isSeq(value)) {
      hosts(value, called)
      return
    }
    if (!isMap(value)) {
      refuse(at, `${shown(called)} should have hosts, children or vars below it`)
      return
    }
    for (const [word, inner, key] of entries(value, called)) {
      if (word === 'hosts') hosts(inner, called)
      else if (word === 'children')
        for (const [child, below, where] of entries(inner, `children of ${called}`)) {
          list.child(called, child)
          group(child, below, where, depth + 1)
        }
      else if (word !== 'vars') refuse(key, `${shown(word)} below ${called} is none of hosts, children and vars`)
    }
  }

  const top = real(document.contents)
  if (top !== null && !isMap(top)) refuse(top, 'An inventory begins with the names of groups')
  else {
    for (const [called, node, at] of entries(top, 'groups')) if (called !== '_meta') group(called, node, at, 0)
    metaAddresses(top, real, lineAt, list)
  }
  if (visits > visitsMax)
    list.found.refuse(1, 'The inventory is larger than can be right', ['Does an alias stand inside of what it names?'], 'SOURCE_TOO_MANY')
  return list.done()
}

function isJson(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** What each alias stands for, found in one walk: the library looks through the whole document for every one. */
function aliases(document: Document): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>()
  const found = new Map<Alias, Node>()
  visit(document, {
    Alias: (_, alias) => {
      const node = anchors.get(alias.source)
      if (node) found.set(alias, node)
    },
    Value: (_, node) => {
      if (node.anchor) anchors.set(node.anchor, node)
    },
  })
  return found
}

/** `_meta: {hostvars: {HOST: {ansible_host: …}}}`: where dynamic inventories put what they know about hosts. */
function metaAddresses(
  top: unknown,
  real: (node: unknown) => unknown,
  lineAt: (node: unknown) => number,
  list: ReturnType<typeof inventory>,
): void {
  if (!isMap(top)) return
  const meta = real(top.get('_meta', true))
  const all = isMap(meta) ? real(meta.get('hostvars', true)) : null
  if (!isMap(all)) return
  for (const pair of all.items) {
    const variables = real(pair.value)
    const value = isMap(variables) ? real(variables.get('ansible_host', true)) : null
    if (isScalar(pair.key) && isScalar(value) && value.value !== null)
      list.address(String(pair.key.value), String(value.value), lineAt(pair.key))
  }
}
