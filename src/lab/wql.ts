import type { CimType } from './classes.ts'

/** A query that WMI refuses; `code` is the WBEM_E_ constant. */
export class WqlError extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}
/** WBEM_E_INVALID_QUERY and its neighbours (wmi-error-constants). */
export const invalidQuery = 0x80041017
export const unparsableQuery = 0x80041058

type Literal =
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }
export type Operator = '=' | '<>' | '<' | '>' | '<=' | '>='
export type Condition =
  | { readonly op: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly op: 'not'; readonly of: Condition }
  | { readonly op: 'compare'; readonly property: string; readonly by: Operator; readonly to: Literal }
  | { readonly op: 'like'; readonly property: string; readonly pattern: RegExp; readonly negated: boolean }
  | { readonly op: 'null'; readonly property: string; readonly negated: boolean }
  | { readonly op: 'always' }
/** A data query of WQL; `columns` null is `*`. */
export type Wql = { readonly columns: readonly string[] | null; readonly from: string; readonly where: Condition | null }

type Token = { readonly kind: 'word' | 'text' | 'number' | 'sign'; readonly value: string }

/** Longest query that WMI would read; the lab takes no longer one. */
const longest = 16_384
/** Deepest nesting of brackets and NOT. */
const deepest = 64

function tokens(text: string): Token[] {
  if (text.length > longest) throw new WqlError(unparsableQuery, 'The query is too long.')
  const out: Token[] = []
  // Text in either quote, a backslash keeps the next character; numbers; words with dots; signs.
  const pattern = /\s+|(["'])((?:\\[\s\S]|(?!\1)[^\\])*)\1|(-?\d+(?:\.\d+)?(?![\w.]))|([A-Za-z_][\w.]*)|(<>|!=|<=|>=|[=<>(),*])/y
  let at = 0
  while (at < text.length) {
    pattern.lastIndex = at
    const m = pattern.exec(text)
    if (!m) throw new WqlError(unparsableQuery, `The query cannot be read from character ${at + 1}.`)
    at = pattern.lastIndex
    if (m[2] !== undefined) out.push({ kind: 'text', value: m[2].replace(/\\([\s\S])/g, '$1') })
    else if (m[3] !== undefined) out.push({ kind: 'number', value: m[3] })
    else if (m[4] !== undefined) out.push({ kind: 'word', value: m[4] })
    else if (m[5] !== undefined) out.push({ kind: 'sign', value: m[5] })
  }
  return out
}

/** A LIKE pattern: % any text, _ one character, [a-f] and [^a-f] one of a set; letters of either case fit. */
export function likePattern(pattern: string): RegExp {
  let out = ''
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!
    if (c === '%') out += out.endsWith('[\\s\\S]*') ? '' : '[\\s\\S]*'
    else if (c === '_') out += '[\\s\\S]'
    else if (c === '[') {
      const end = pattern.indexOf(']', i + 1)
      if (end < 0) throw new WqlError(invalidQuery, 'A set in LIKE is not closed.')
      const inside = pattern.slice(i + 1, end)
      const negated = inside.startsWith('^')
      const set = (negated ? inside.slice(1) : inside).replace(/[\\\]^[]/g, '\\$&')
      if (set === '') throw new WqlError(invalidQuery, 'A set in LIKE is empty.')
      try {
        out += new RegExp(`[${negated ? '^' : ''}${set}]`).source
      } catch {
        throw new WqlError(invalidQuery, 'A set in LIKE is out of order.')
      }
      i = end
    } else out += c.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  }
  return new RegExp(`^${out}$`, 'i')
}

/** Reads a data query. Anything else that WQL has (ASSOCIATORS OF, events, schema) is refused as WMI refuses what it cannot run. */
export function parseWql(text: string): Wql {
  const all = tokens(text)
  let at = 0
  const fail = (what: string): never => {
    throw new WqlError(invalidQuery, `Invalid query: ${what}.`)
  }
  const peek = () => all[at]
  const isWord = (word: string) => peek()?.kind === 'word' && peek()!.value.toUpperCase() === word
  const isSign = (sign: string) => peek()?.kind === 'sign' && peek()!.value === sign
  const take = (fits: boolean) => {
    if (fits) at++
    return fits
  }
  const takeWord = (word: string) => take(isWord(word))
  const takeSign = (sign: string) => take(isSign(sign))
  const name = () => (peek()?.kind === 'word' ? all[at++]!.value : fail('a name is missing'))

  const literal = (): Literal => {
    const t = all[at++]
    if (t?.kind === 'text') return { kind: 'text', value: t.value }
    if (t?.kind === 'number') return { kind: 'number', value: Number(t.value) }
    if (t?.kind === 'word') {
      const word = t.value.toUpperCase()
      if (word === 'TRUE' || word === 'FALSE') return { kind: 'boolean', value: word === 'TRUE' }
      if (word === 'NULL') return { kind: 'null' }
    }
    return fail('a value is missing')
  }
  const operator = (): Operator => {
    const t = all[at++]
    if (t?.kind === 'sign') {
      if (t.value === '!=') return '<>'
      if (t.value === '=' || t.value === '<>' || t.value === '<' || t.value === '>' || t.value === '<=' || t.value === '>=') return t.value
    }
    return fail('an operator is missing')
  }
  const turned: Readonly<Record<Operator, Operator>> = { '=': '=', '<>': '<>', '<': '>', '>': '<', '<=': '>=', '>=': '<=' }

  const atom = (depth: number): Condition => {
    if (depth > deepest) fail('too deep')
    if (takeSign('(')) {
      const inner = or(depth + 1)
      if (!takeSign(')')) fail('a bracket is not closed')
      return inner
    }
    if (takeWord('NOT')) return { op: 'not', of: atom(depth + 1) }
    const t = peek()
    const isName = t?.kind === 'word' && !/^(true|false|null)$/i.test(t.value)
    if (!isName) {
      const to = literal()
      const by = operator()
      return { op: 'compare', property: name(), by: turned[by], to }
    }
    const property = name()
    if (takeWord('IS')) {
      const negated = takeWord('NOT')
      if (!takeWord('NULL')) fail('NULL is missing')
      return { op: 'null', property, negated }
    }
    if (takeWord('ISA')) {
      literal()
      return { op: 'always' }
    }
    const negated = takeWord('NOT')
    if (takeWord('LIKE')) {
      const pattern = literal()
      if (pattern.kind !== 'text') return fail('LIKE needs a text')
      return { op: 'like', property, pattern: likePattern(pattern.value), negated }
    }
    if (negated) fail('NOT needs LIKE here')
    const by = operator()
    const to = literal()
    if (to.kind === 'null') {
      if (by !== '=' && by !== '<>') fail('NULL has no order')
      return { op: 'null', property, negated: by === '<>' }
    }
    return { op: 'compare', property, by, to }
  }
  const and = (depth: number): Condition => {
    let left = atom(depth)
    while (takeWord('AND')) left = { op: 'and', left, right: atom(depth) }
    return left
  }
  const or = (depth: number): Condition => {
    let left = and(depth)
    while (takeWord('OR')) left = { op: 'or', left, right: and(depth) }
    return left
  }

  if (!takeWord('SELECT')) fail('only SELECT is answered')
  let columns: string[] | null = null
  if (!takeSign('*')) {
    columns = [name()]
    while (takeSign(',')) columns.push(name())
    // __PATH and the like are system properties that every instance has.
  }
  if (!takeWord('FROM')) fail('FROM is missing')
  const from = name()
  const where = takeWord('WHERE') ? or(0) : null
  if (at < all.length) fail('it goes on after its end')
  return { columns, from, where }
}

/** The properties that a condition names. */
export function propertiesOf(where: Condition | null): string[] {
  if (!where) return []
  switch (where.op) {
    case 'and':
    case 'or':
      return [...propertiesOf(where.left), ...propertiesOf(where.right)]
    case 'not':
      return propertiesOf(where.of)
    case 'always':
      return []
    default:
      return [where.property]
  }
}

/** A property's value and type, as the store knows them. */
export type Look = (property: string) => { readonly type: CimType; readonly value: unknown }

/**
 * Whether a row fits. A comparison with NULL is neither true nor false (null), as in SQL: NOT of it does not fit either.
 * Texts are compared without regard to case; a text in quotes may stand for a number.
 */
function truth(where: Condition, look: Look): boolean | null {
  switch (where.op) {
    case 'always':
      return true
    case 'and': {
      const left = truth(where.left, look)
      if (left === false) return false
      const right = truth(where.right, look)
      return right === false ? false : left === null || right === null ? null : true
    }
    case 'or': {
      const left = truth(where.left, look)
      if (left === true) return true
      const right = truth(where.right, look)
      return right === true ? true : left === null || right === null ? null : false
    }
    case 'not': {
      const of = truth(where.of, look)
      return of === null ? null : !of
    }
    case 'null': {
      const { value } = look(where.property)
      return (value === null) !== where.negated
    }
    case 'like': {
      const { value } = look(where.property)
      if (value === null || typeof value === 'object') return null
      return where.pattern.test(String(value)) !== where.negated
    }
    case 'compare': {
      const { type, value } = look(where.property)
      const order = compare(type, value, where.to)
      if (order === null) return null
      switch (where.by) {
        case '=':
          return order === 0
        case '<>':
          return order !== 0
        case '<':
          return order < 0
        case '>':
          return order > 0
        case '<=':
          return order <= 0
        case '>=':
          return order >= 0
      }
    }
  }
}

function compare(type: CimType, value: unknown, to: Literal): number | null {
  if (type.endsWith('[]')) throw new WqlError(invalidQuery, 'Invalid query: an array cannot be compared.')
  if (type === 'boolean') {
    const wanted =
      to.kind === 'boolean'
        ? to.value
        : to.kind === 'number'
          ? to.value !== 0
          : to.kind === 'text' && /^(true|false)$/i.test(to.value)
            ? /^true$/i.test(to.value)
            : undefined
    if (wanted === undefined) throw new WqlError(invalidQuery, 'Invalid query: a boolean is compared with a text.')
    return value === null ? null : Number(value) - Number(wanted)
  }
  if (type === 'string' || type === 'datetime') {
    const wanted = String(to.kind === 'null' ? '' : to.value).toLowerCase()
    if (value === null) return null
    const have = (typeof value === 'object' ? String((value as { datetime: string }).datetime) : String(value)).toLowerCase()
    return have < wanted ? -1 : have > wanted ? 1 : 0
  }
  const wanted =
    to.kind === 'number'
      ? to.value
      : to.kind === 'boolean'
        ? Number(to.value)
        : to.kind === 'text' && /^-?\d+$/.test(to.value.trim())
          ? Number(to.value)
          : undefined
  if (wanted === undefined) throw new WqlError(invalidQuery, 'Invalid query: a number is compared with a text.')
  return value === null ? null : Number(value) - wanted
}

/** Whether a row fits the condition of a query. */
export const fits = (where: Condition | null, look: Look): boolean => where === null || truth(where, look) === true
