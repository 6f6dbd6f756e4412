/** What is to be expected of a count: from what was counted, who asks, and who will not ask again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type CountPoint, forecastOf, type HostGroup, type Users } from '../../src/hosts.ts'

const day = 86_400_000
const now = Date.UTC(2026, 10, 26)
const group = (count: number | null, office = false): HostGroup => ({
  ...{
    name: 'Windows(R), ServerStandard edition',
    application: office ? 'office' : 'windows',
    partialKey: '3P6XD',
    state: 'licensed',
    count,
  },
  thresholds: office
    ? [{ of: 'Office', count: 5 }]
    : [
        { of: 'Windows Server', count: 5 },
        { of: 'client Windows', count: 25 },
      ],
  ...{ total: 10, failed: 0, byState: {}, release: 'Windows Server 2022', lacks: [], verdict: 'ok', cause: null, next: [] },
})
/** Days ago → count. */
const history = (...points: readonly (readonly [number, number])[]): CountPoint[] =>
  points.map(([ago, count]) => ({ from: now - ago * day, last: now - ago * day, count }))
const asked = (...ago: number[]): Users => ({ from: 'log', days: 30, machines: ago.map((d) => now - d * day) })
const forecast = (
  count: number | null,
  found: { history?: readonly CountPoint[]; users?: Users | null; retire?: number | null; office?: boolean },
) => forecastOf(group(count, found.office), { history: found.history ?? [], users: found.users ?? null, retire: found.retire ?? null, now })
const times = (n: number, ago: number) => Array.from({ length: n }, () => ago)

test('a count that falls by one a day is below 25 in as many days as it is above 24', () => {
  const { trend } = forecast(30, { history: history([20, 50], [10, 40], [0, 30]) })
  assert.equal(trend!.perWeek, -7)
  assert.deepEqual(trend!.falls, [
    { of: 'Windows Server', count: 5, at: '2026-12-22', surely: false },
    { of: 'client Windows', count: 25, at: '2026-12-02', surely: false },
  ])
})

test('no trend is told of a rising count, of one at its mark, of too few checks or days', () => {
  const falling = history([20, 50], [10, 40], [0, 30])
  assert.equal(forecast(30, { history: history([20, 10], [10, 20], [0, 30]) }).trend, null)
  assert.equal(forecast(30, { history: history([20, 30], [10, 30], [0, 30]) }).trend, null)
  assert.equal(forecast(50, { history: falling }).trend, null)
  assert.equal(forecast(10, { history: falling, office: true }).trend, null)
  assert.equal(forecast(30, { history: history([20, 50], [0, 30]) }).trend, null)
  assert.equal(forecast(30, { history: history([5, 35], [2, 32], [0, 30]) }).trend, null)
  // What was half a year ago says nothing of next month.
  assert.equal(forecast(30, { history: history([170, 50], [160, 49], [0, 30]) }).trend, null)
  assert.equal(forecast(null, { history: falling }).trend, null)
  // So slowly that it is no matter of this year.
  assert.deepEqual(forecast(49, { history: history([80, 51], [40, 50], [0, 49]) }).trend!.falls, [])
})

test('a count that stood for weeks is a line and not a point', () => {
  const stood: CountPoint[] = [
    { from: now - 40 * day, last: now - 20 * day, count: 40 },
    { from: now - 18 * day, last: now, count: 36 },
  ]
  assert.ok(forecast(36, { history: stood }).trend!.perWeek < 0)
})

test('retired machines: what is left, and which thresholds fall when the host has forgotten them', () => {
  const at = '2026-12-26'
  const few = forecast(30, { retire: 10 }).retire!
  assert.deepEqual([few.left, few.surely, few.by], [20, true, at])
  assert.deepEqual(few.falls, [{ of: 'client Windows', count: 25, at, surely: true }])
  assert.deepEqual(forecast(30, { retire: 5 }).retire!.falls, [])
  assert.deepEqual(
    forecast(30, { retire: 100 }).retire!.falls.map((f) => f.of),
    ['Windows Server', 'client Windows'],
  )
  assert.equal(forecast(30, { retire: 100 }).retire!.left, 0)
  // Of a threshold that is not reached now, nothing falls.
  assert.deepEqual(forecast(20, { retire: 10 }).retire!.falls, [])
  // At its highest mark a host may count any number: only its users tell.
  const blind = forecast(50, { retire: 30 }).retire!
  assert.deepEqual([blind.left, blind.surely, blind.falls[0]!.surely], [20, false, false])
  const seen = forecast(50, { retire: 30, users: asked(...times(212, 2)) }).retire!
  assert.deepEqual([seen.left, seen.surely, seen.falls], [182, true, []])
  // A log that is cut knows of a part of them.
  assert.equal(forecast(50, { retire: 30, users: { ...asked(...times(60, 2)), days: 3 } }).retire!.surely, false)
  assert.equal(forecast(null, { retire: 3 }).retire, null)
})

test('quiet machines: when the count falls if they do not come back', () => {
  // 20 that ask each week, 8 that were last seen 20 to 27 days ago: the fourth of them to be forgotten makes 24 of 28.
  const users = asked(...times(20, 3), 27, 26, 25, 24, 23, 22, 21, 20)
  const { quiet, users: told } = forecast(28, { users })
  assert.deepEqual([told!.machines, told!.quiet], [28, 8])
  assert.deepEqual([quiet!.left, quiet!.by], [20, '2026-12-06'])
  assert.deepEqual(quiet!.falls, [{ of: 'client Windows', count: 25, at: '2026-12-02', surely: true }])
  // Who asked longer ago than a host remembers is none of its count any more.
  assert.equal(forecast(28, { users: asked(...times(20, 3), 31, 40) }).users!.machines, 20)
  // Times that nobody knows are no quiet machines.
  assert.equal(forecast(28, { users: { from: 'fleet', days: 30, machines: [null, null] } }).users!.quiet, null)
  assert.equal(forecast(28, { users: { ...users, days: 10 } }).quiet, null)
})

test('fuzz: nothing is left of less than nothing, no date lies in the past, nothing falls that is not reached', () => {
  const points = fc.array(fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 50 })), { maxLength: 20 })
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 50 }),
      points.map((list) => history(...list.toSorted((a, b) => b[0] - a[0]))),
      fc.array(fc.option(fc.integer({ min: 0, max: 40 })), { maxLength: 80 }),
      fc.integer({ min: 1, max: 100 }),
      (count, past, ago, retire) => {
        const users: Users = { from: 'fleet', days: 30, machines: ago.map((d) => (d === null ? null : now - d * day)) }
        const f = forecast(count, { history: past, users, retire })
        assert.ok(f.retire!.left >= 0)
        for (const fall of [...(f.trend?.falls ?? []), ...(f.quiet?.falls ?? []), ...f.retire!.falls]) {
          assert.ok(fall.at >= '2026-11-26', fall.at)
          assert.match(fall.at, /^20\d\d-\d\d-\d\d$/)
        }
      },
    ),
    { numRuns: 300 },
  )
})
