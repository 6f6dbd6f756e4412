import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CimType } from '../../src/lab/classes.ts'
import { fits, type Look, likePattern, parseWql, propertiesOf, WqlError } from '../../src/lab/wql.ts'

const types: Readonly<Record<string, CimType>> = { Name: 'string', Status: 'uint32', Addon: 'boolean' }
type Row = { Name: string | null; Status: number | null; Addon: boolean | null }
const look =
  (row: Row): Look =>
  (property) => {
    const name = Object.keys(types).find((t) => t.toLowerCase() === property.toLowerCase())!
    return { type: types[name]!, value: row[name as keyof Row] }
  }

/** A condition as text, and what it means, worked out here by itself: true, false or unknown. */
type Meant = { readonly text: string; readonly of: (row: Row) => boolean | null }

const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`
const words = fc.string({ maxLength: 6, unit: fc.constantFrom('a', 'B', 'c', '%', '_', "'", '\\', '"', ' ', 'é') })
const small = fc.integer({ min: 0, max: 6 })
const compare = (by: string, order: number) =>
  by === '='
    ? order === 0
    : by === '<>' || by === '!='
      ? order !== 0
      : by === '<'
        ? order < 0
        : by === '>'
          ? order > 0
          : by === '<='
            ? order <= 0
            : order >= 0
const operator = fc.constantFrom('=', '<>', '!=', '<', '>', '<=', '>=')

const leaf: fc.Arbitrary<Meant> = fc.oneof(
  fc.record({ by: operator, n: small, turned: fc.boolean(), asText: fc.boolean() }).map(({ by, n, turned, asText }): Meant => {
    const literal = asText ? `'${n}'` : String(n)
    return {
      text: turned ? `${literal} ${by} Status` : `Status ${by} ${literal}`,
      of: (r) => (r.Status === null ? null : compare(by, turned ? n - r.Status : r.Status - n)),
    }
  }),
  fc.record({ by: operator, s: words }).map(
    ({ by, s }): Meant => ({
      text: `nAmE ${by} ${quoted(s)}`,
      of: (r) => {
        if (r.Name === null) return null
        const [a, b] = [r.Name.toLowerCase(), s.toLowerCase()]
        return compare(by, a < b ? -1 : a > b ? 1 : 0)
      },
    }),
  ),
  fc.record({ by: fc.constantFrom('=', '<>'), b: fc.boolean() }).map(
    ({ by, b }): Meant => ({
      text: `Addon ${by} ${b ? 'TRUE' : 'false'}`,
      of: (r) => (r.Addon === null ? null : by === '=' ? r.Addon === b : r.Addon !== b),
    }),
  ),
  fc.record({ property: fc.constantFrom('Name', 'Status', 'Addon'), not: fc.boolean() }).map(
    ({ property, not }): Meant => ({
      text: `${property} IS ${not ? 'NOT ' : ''}NULL`,
      of: (r) => (r[property as keyof Row] === null) !== not,
    }),
  ),
)
const condition: fc.Arbitrary<Meant> = fc.letrec<{ c: Meant }>((tie) => ({
  c: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({ a: tie('c'), b: tie('c'), by: fc.constantFrom('AND', 'or') }).map(
      ({ a, b, by }): Meant => ({
        text: `(${a.text}) ${by} (${b.text})`,
        of: (r) => {
          const [x, y] = [a.of(r), b.of(r)]
          if (by === 'AND') return x === false || y === false ? false : x === null || y === null ? null : true
          return x === true || y === true ? true : x === null || y === null ? null : false
        },
      }),
    ),
    tie('c').map(
      (a): Meant => ({
        text: `NOT (${a.text})`,
        of: (r) => {
          const x = a.of(r)
          return x === null ? null : !x
        },
      }),
    ),
  ),
})).c
const row: fc.Arbitrary<Row> = fc.record({ Name: fc.option(words), Status: fc.option(small), Addon: fc.option(fc.boolean()) })

test('a condition picks the rows that it means, with NULL neither true nor false', () => {
  fc.assert(
    fc.property(condition, fc.array(row, { minLength: 1, maxLength: 5 }), (meant, rows) => {
      const { where } = parseWql(`SELECT * FROM Thing WHERE ${meant.text}`)
      for (const r of rows) assert.equal(fits(where, look(r)), meant.of(r) === true, `${meant.text} on ${JSON.stringify(r)}`)
    }),
    { numRuns: 400 },
  )
})

test('AND binds closer than OR, and NOT closer than both', () => {
  const all = (text: string, r: Partial<Row>) =>
    fits(parseWql(`SELECT * FROM T WHERE ${text}`).where, look({ Name: null, Status: null, Addon: null, ...r }))
  assert.equal(all('Status = 1 OR Status = 2 AND Addon = TRUE', { Status: 1, Addon: false }), true)
  assert.equal(all('NOT Status = 1 AND Addon = TRUE', { Status: 2, Addon: false }), false)
  assert.equal(all('NOT (Status = 1 AND Addon = TRUE)', { Status: 2, Addon: false }), true)
})

test('LIKE: any text, one character, sets; case does not matter', () => {
  for (const [pattern, text, fit] of [
    ['Windows%', 'Windows(R), Professional edition', true],
    ['%KMSCLIENT%', 'windows, volume_kmsclient channel', true],
    ['Office 1_', 'Office 16', true],
    ['Office 1_', 'Office 165', false],
    ['[a-c]%', 'Beta', true],
    ['[^a-c]%', 'Beta', false],
    ['100.%', '100x', false],
    ['a[b', '', null],
  ] as const) {
    if (fit === null) assert.throws(() => likePattern(pattern), WqlError)
    else assert.equal(likePattern(pattern).test(text), fit, `${pattern} ${text}`)
  }
})

test('columns, class and the properties of the condition are read', () => {
  const wql = parseWql(
    'select ID , Name from SoftwareLicensingProduct where PartialProductKey is not null and (LicenseStatus <> 1 or Name like "Office%")',
  )
  assert.deepEqual(wql.columns, ['ID', 'Name'])
  assert.equal(wql.from, 'SoftwareLicensingProduct')
  assert.deepEqual(propertiesOf(wql.where), ['PartialProductKey', 'LicenseStatus', 'Name'])
})

test('whatever is sent, it is read or refused, soon', () => {
  const pieces = fc.constantFrom(
    'SELECT',
    '*',
    'FROM',
    'WHERE',
    'a',
    'AND',
    'NOT',
    '(',
    ')',
    '=',
    "'x'",
    "'",
    'LIKE',
    '[',
    'IS',
    'NULL',
    ',',
    '<',
    '12',
    '-',
    '\\',
    ' ',
  )
  const text = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.array(pieces, { maxLength: 60 }).map((p) => p.join(' ')),
    fc.nat(5000).map((n) => `SELECT * FROM a WHERE ${'('.repeat(n)}`),
  )
  fc.assert(
    fc.property(text, (t) => {
      try {
        parseWql(t)
      } catch (error) {
        assert.ok(error instanceof WqlError, String(error))
      }
    }),
    { numRuns: 500 },
  )
})

test('what WMI does not answer is refused', () => {
  for (const text of [
    '',
    'DELETE FROM a',
    'SELECT FROM a',
    'SELECT * FROM',
    'SELECT * FROM a WHERE',
    'SELECT * FROM a WHERE b',
    'SELECT * FROM a WHERE b = ',
    'SELECT * FROM a WHERE b = 1 c',
    'SELECT a,, b FROM c',
    'ASSOCIATORS OF {a}',
  ])
    assert.throws(() => parseWql(text), WqlError, text)
})
