import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canaryOver } from '../../src/campaigns/canary.ts'
import { newOwner, Watch } from '../../src/campaigns/owner.ts'
import { gapMs, triedForMs } from '../../src/campaigns/settings.ts'
import { isOpen, opensAt, readCanary, readHours, readWindow } from '../../src/campaigns.ts'

const at = (text: string) => Date.parse(text)
const code = (error: unknown) => (error as { problems?: { code: string }[] }).problems?.[0]?.code === 'USAGE'

test('a window over midnight belongs to the day on which it begins, in its own time zone', () => {
  const night = readWindow('22:00-06:00', 'mon-fri', 'Europe/Berlin')
  // 2026-11-27 is a Friday; Berlin is an hour ahead of UTC in winter.
  assert.equal(isOpen(night, at('2026-11-27T20:59:00Z')), false)
  assert.equal(isOpen(night, at('2026-11-27T21:00:00Z')), true)
  assert.equal(isOpen(night, at('2026-11-28T04:59:59Z')), true)
  assert.equal(isOpen(night, at('2026-11-28T05:00:00Z')), false)
  assert.equal(isOpen(night, at('2026-11-28T22:30:00Z')), false, 'Saturday night does not begin one')
  assert.equal(opensAt(night, at('2026-11-28T12:00:00Z')), at('2026-11-30T21:00:00Z'))
  assert.equal(opensAt(night, at('2026-11-27T22:00:00Z')), at('2026-11-27T22:00:00Z'))
})

test('a window in the night in which clocks are changed opens once', () => {
  // On 2026-03-29 Berlin has no 02:30.
  const gap = readWindow('02:30-04:00', null, 'Europe/Berlin')
  assert.equal(opensAt(gap, at('2026-03-29T00:45:00Z')), at('2026-03-29T01:00:00Z'))
})

test('what is no window, canary or number of hours is told at once', () => {
  for (const between of ['22-6', '25:00-06:00', '22:00-22:00', '22:61-23:00', '22:00-24:01'])
    assert.throws(() => readWindow(between, null, 'UTC'), code, between)
  assert.throws(() => readWindow('22:00-06:00', 'mon-fry', 'UTC'), code)
  assert.throws(() => readWindow('22:00-06:00', null, 'Mars/Base'), code)
  for (const share of ['0', '0%', '101%', '1.5', 'many']) assert.throws(() => readCanary(share, null, 100), code, share)
  assert.throws(() => readCanary('5%', '100%', 100), code)
  for (const hours of ['', 'x', '-1', '1e9']) assert.throws(() => readHours('retry-for', hours), code, hours)
  assert.deepEqual(readWindow('9:00-17:00', 'sat-sun', 'UTC').days, [0, 6])
  assert.deepEqual(readCanary('5%', null, 90), { machines: 5, stopAbove: 0.1 })
  assert.deepEqual(readCanary('500', '0%', 90), { machines: 90, stopAbove: 0 })
  assert.equal(readHours('retry-for', '0.5'), 1_800_000)
})

test('gaps between tries grow, and their sum does not depend on a clock', () => {
  const gaps = [1, 2, 3, 4, 5, 6].map((n) => gapMs(n, 0.5))
  assert.deepEqual(gaps, [60_000, 300_000, 900_000, 1_800_000, 3_600_000, 3_600_000])
  assert.equal(triedForMs(3), 21 * 60_000)
  for (const random of [0, 0.999]) assert.ok(Math.abs(gapMs(2, random) - 300_000) <= 30_000)
})

const first = { untried: 0, retrying: 0, leased: 0, done: 0, failed: 0, unreachable: 0 }
const canary = { machines: 20, stopAbove: 0.1 }

test('the share that goes first', () => {
  assert.equal(canaryOver({ ...first, untried: 20 }, canary), 'wait')
  assert.equal(canaryOver({ ...first, leased: 1, done: 19 }, canary), 'wait')
  assert.equal(canaryOver({ ...first, done: 18, failed: 2 }, canary), 'go', 'a tenth is not more than a tenth')
  assert.match((canaryOver({ ...first, done: 17, failed: 3 }, canary) as { stop: string }).stop, /3 of 20 failed/)
  // Enough have failed already: the others need not be waited for.
  assert.match((canaryOver({ ...first, untried: 15, done: 2, failed: 3 }, canary) as { stop: string }).stop, /3 of 5 failed/)
  // Those that were off say nothing; where all were, nothing is proved.
  assert.equal(canaryOver({ ...first, done: 9, failed: 11, unreachable: 11 }, canary), 'go')
  assert.match((canaryOver({ ...first, failed: 20, unreachable: 20 }, canary) as { stop: string }).stop, /None of the 20/)
  assert.equal(canaryOver({ ...first, retrying: 20 }, canary), 'wait')
  assert.equal(canaryOver({ ...first, retrying: 5, done: 15 }, canary), 'go')
  // Of the few that were reached most failed.
  assert.match((canaryOver({ ...first, done: 1, failed: 19, unreachable: 18 }, canary) as { stop: string }).stop, /1 of 2 failed/)
})

test('an owner is gone when its process is, or when its leases stand still for a whole lease; clocks of others decide nothing', () => {
  const here = { host: 'a', process: '1 5', isAlive: (p: string) => p === '1 5' }
  const watch = new Watch(here, 1000)
  const dead = newOwner({ ...here, process: '2 9' })
  const alive = newOwner(here)
  const far = newOwner({ ...here, host: 'b' })
  const leases = (until: number) => [dead, alive, far].map((owner) => ({ owner, until }))
  const gone = (until: number, now: number) => watch.gone(leases(until), 7, now).map((g) => g.owner)
  assert.deepEqual(gone(-5, 0), [dead], 'a lease that seems long over says nothing')
  assert.deepEqual(gone(-5, 999), [dead])
  assert.deepEqual(gone(90, 1000), [dead], 'it was moved on')
  assert.deepEqual(gone(90, 1999), [dead])
  assert.deepEqual(gone(90, 2000).length, 3, 'whoever does not move its leases has lost them, even here: it may hang')
  assert.deepEqual(watch.gone([], 7, 3000), [])
  // What was sent at last may still be at work: so much longer.
  const quiet = (until: number, now: number) => watch.gone(leases(until), 8, now, 500).map((g) => g.owner)
  assert.deepEqual(quiet(5, 0), [])
  assert.deepEqual(quiet(6, 499), [], 'dead is dead from the moment it was seen')
  assert.deepEqual(quiet(6, 500), [dead])
  assert.deepEqual(quiet(6, 1998), [dead])
  assert.equal(quiet(6, 1999).length, 3)
})
