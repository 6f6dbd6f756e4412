import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fronts, lazily } from '../../../scripts/build.ts'

test('a table is read when something first looks into it, once, and is then the table', () => {
  const looks: readonly ((rows: readonly number[]) => unknown)[] = [
    (rows) => rows.length,
    (rows) => 0 in rows,
    (rows) => Object.keys(rows),
    (rows) => Object.getOwnPropertyDescriptor(rows, 'length'),
    (rows) => JSON.stringify(rows),
    (rows) => [...rows],
  ]
  const table = [7, 8, 9]
  for (const look of looks) {
    let reads = 0
    const rows = lazily<number[]>([], () => {
      reads++
      return table
    })
    assert.ok(Array.isArray(rows))
    assert.equal(reads, 0)
    assert.deepEqual(look(rows), look(table))
    assert.deepEqual(rows.map(String), ['7', '8', '9'])
    assert.equal(reads, 1)
  }
  const named = lazily<Record<string, number>>({}, () => ({ a: 1 }))
  assert.deepEqual(Object.entries(named), [['a', 1]])
})

test('what is loaded later is there as functions and numbers; what offers more does not build', () => {
  const text = fronts('src/a/b.ts', 'later-a-b', { ask: () => 1, most: 8 })
  assert.match(text, /export const ask = \(\.\.\.given\) => load\(\)\.ask\(\.\.\.given\)/)
  assert.match(text, /export const most = 8/)
  assert.doesNotMatch(text, /setImmediate/)
  assert.match(fronts('src/activation/judge.ts', 'later-activation-judge', {}), /setImmediate\(load\)/)
  for (const value of [{ a: 1 }, [1], new Map(), class A {}])
    assert.throws(() => fronts('src/a/b.ts', 'later-a-b', { value }), /offers value/)
})
