/** How numbers and times become places of a chart: what would be misread if it were wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { apart, byWeeks, countTicks, dayName, shortDay, timeTicks } from '../../web/src/charts/scale.ts'

test('a scale of counts begins at 0, ends at or above the highest, has whole steps, and few of them', () => {
  assert.deepEqual(countTicks(0), [0, 1])
  assert.deepEqual(countTicks(7), [0, 2, 4, 6, 8])
  assert.deepEqual(countTicks(50), [0, 10, 20, 30, 40, 50])
  assert.deepEqual(countTicks(199_001), [0, 50_000, 100_000, 150_000, 200_000])
  fc.assert(
    fc.property(fc.nat(10_000_000), (max) => {
      const ticks = countTicks(max)
      assert.ok(ticks[0] === 0 && ticks.at(-1)! >= max && ticks.length <= 6)
      assert.ok(ticks.every((t, i) => Number.isInteger(t) && t === i * ticks[1]!))
      // Not so high that the highest bar were small.
      assert.ok(max < 2 || ticks.at(-1)! <= 2 * max)
    }),
  )
})

const day = 86_400_000
const from = Date.UTC(2026, 10, 26)

test('days and months stand where they are, in the year that they are of', () => {
  assert.deepEqual(
    timeTicks(from, from + 5 * day, 10).map((t) => t.label),
    ['26 Nov', '27 Nov', '28 Nov', '29 Nov', '30 Nov', '1 Dec'],
  )
  const months = timeTicks(from, from + 180 * day, 8)
  assert.deepEqual(
    months.map((t) => t.label),
    ['Dec', 'Jan 2027', 'Feb', 'Mar', 'Apr', 'May'],
  )
  assert.equal(months[1]!.at, Date.UTC(2027, 0, 1))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 2, max: 20 }), (days, most) => {
      const ticks = timeTicks(from, from + days * day, most)
      assert.ok(ticks.length <= most + 1, `${ticks.length} for ${days} days`)
      assert.ok(ticks.every((t, i) => t.at >= from && t.at <= from + days * day && (i === 0 || t.at > ticks[i - 1]!.at)))
    }),
  )
})

test('weeks lose no day', () => {
  assert.deepEqual(byWeeks([1, 0, 0, 0, 0, 0, 2, 5, 5]), [
    { first: 0, count: 7, value: 3 },
    { first: 7, count: 2, value: 10 },
  ])
  fc.assert(
    fc.property(fc.array(fc.nat(500), { maxLength: 400 }), (days) => {
      const weeks = byWeeks(days)
      assert.equal(
        weeks.reduce((n, w) => n + w.value, 0),
        days.reduce((a, b) => a + b, 0),
      )
      assert.equal(
        weeks.reduce((n, w) => n + w.count, 0),
        days.length,
      )
    }),
  )
})

test('labels that would touch are left out, the first one stays', () => {
  const kept = apart([0, 20, 40, 200].map((x) => ({ x, label: '26 Nov' })))
  assert.deepEqual(
    kept.map((l) => l.x),
    [0, 200],
  )
})

test('a day is a day of UTC, wherever one looks from', () => {
  assert.equal(dayName(Date.UTC(2026, 10, 26, 23, 59)), 'Thu 26 Nov 2026')
  assert.equal(shortDay(Date.UTC(2027, 0, 1)), '1 Jan')
})
