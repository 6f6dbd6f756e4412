import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type FleetSummary, type Metrics, metricsOf } from '../../src/app.ts'
import { openStore } from '../../src/store.ts'
import { answer, found, product } from '../store/fixture.ts'
import { withFleet } from './command.ts'
import { type Kept, listed, scanned } from './kept.ts'

const metricsOn = (on: Kept): Promise<Metrics> => on.withStore((store) => metricsOf(store, on.read, Date.now()))
const day = 86_400_000

describe('metrics of a fleet', () => {
  test('are what the commands count: machines, products, days left, hosts, campaigns, ages', async () => {
    await scanned({ count: 60, story: true, hosts: true }, async (on) => {
      await on.json(2, 'hosts', 'check')
      const m = await metricsOn(on)
      const { counts } = await on.json<FleetSummary>(1, 'fleet', 'status')
      const all = await listed(on)
      const products = all.flatMap((x) => x.products)
      assert.deepEqual(m.store, { kind: 'sqlite' })
      const { byVerdict, byOrigin, byProblem, ...machines } = m.machines
      assert.deepEqual(machines, counts.machines)
      assert.deepEqual(nonzero(byVerdict), counts.verdict)
      assert.deepEqual(nonzero(byOrigin), counts.origin)
      assert.deepEqual(byProblem, [{ problem: 'WINRM_UNREACHABLE', machines: 1 }])
      assert.equal(Object.values(byVerdict).reduce((a, b) => a + b, 0) + machines.never, machines.listed)
      const key = (p: { application: string; channel: string; state: string; origin: string }) =>
        [p.application, p.channel, p.state, p.origin].join(' ')
      assert.deepEqual(Object.fromEntries(m.products.map((p) => [key(p), p.count])), countBy(products.map(key)))
      assert.deepEqual(
        Object.fromEntries(m.productsByHost.map((p) => [`${p.host} ${p.state}`, p.count])),
        countBy(products.flatMap((p) => (p.host === null ? [] : [`${p.host} ${p.state}`]))),
      )
      const left = products.flatMap((p) => (p.expiresAt === null ? [] : [(p.expiresAt - m.at) / day]))
      assert.equal(m.daysLeft.count, left.length)
      assert.deepEqual(
        m.daysLeft.buckets.map((b) => [b.upTo, b.count]),
        [0, 1, 7, 14, 30, 60, 90, 120, 150, 180].map((bound) => [bound, left.filter((d) => d < bound).length]),
      )
      assert.deepEqual(
        m.hosts.map((h) => [h.name, h.up, h.groups.map((g) => g.count).toSorted()]),
        [
          ['kms-small.corp.example', true, [3]],
          ['kms1.corp.example', true, [10, 50]],
          ['kms2.corp.example', false, []],
          ['198.51.100.20', null, []],
          ['kms-old.corp.example', null, []],
        ],
      )
      assert.deepEqual(m.campaigns, [
        {
          id: 1,
          kind: 'scan',
          state: 'finished',
          machines: 63,
          byState: { waiting: 0, retrying: 0, running: 0, done: 62, failed: 1, cancelled: 0 },
        },
      ])
      assert.deepEqual([m.scanned.never, m.scanned.age.count, m.scanned.age.buckets[0]], [1, 62, { upTo: 3600, count: 62 }])
      assert.ok(m.scanned.lastAt! >= m.scanned.oldestAt! && m.scanned.oldestAt! > m.at - 60_000)
      // A campaign that ended more than a day ago is history; answers have grown old meanwhile.
      const later = await on.withStore((store) => metricsOf(store, on.read, Date.now() + 3 * day))
      assert.deepEqual(later.campaigns, [])
      assert.deepEqual(
        later.scanned.age.buckets.map((b) => b.count),
        [0, 0, 0, 62, 62, 62, 62, 62, 62],
      )
    })
  })

  test('ends that are past and ends that are far away are counted; of many hosts the ones that most products name', async () => {
    await withFleet(async (fleet) => {
      const ids = [...(await fleet.put(Array.from({ length: 60 }, (_, i) => found(`pc-${i}.example`)))).values()]
      const now = Date.now()
      const on = (host: string) => ({ ...product().kms!, host })
      await fleet.observe([
        ...ids.slice(0, 55).map((id, i) => answer(id, now, [product({ minutesLeft: 100 * 1440, kms: on(`kms${i}.example`) })])),
        answer(ids[55]!, now, [product({ minutesLeft: 100 * 1440, kms: on('kms54.example') })]),
        answer(ids[56]!, now - 10 * day, [product({ minutesLeft: 1440 })]),
        answer(ids[57]!, now, [product({ minutesLeft: 4000 * 1440, origin: 'foreign' })]),
      ])
      const store = await openStore({ file: fleet.file('fleet.db') }, { create: false })
      try {
        const { daysLeft, productsByHost } = await metricsOf(store, null, now)
        assert.deepEqual(
          [daysLeft.buckets[0], daysLeft.buckets.at(-1), daysLeft.count],
          [{ upTo: 0, count: 1 }, { upTo: 180, count: 57 }, 58],
        )
        assert.equal(productsByHost.length, 51)
        // kms1 (two more by the fixture's own name) and kms54 are among the fifty; the rest is one number.
        assert.deepEqual(productsByHost.find((p) => p.host === 'kms54.example')?.count, 2)
        assert.equal(
          productsByHost.find((p) => p.host === 'other')?.count,
          58 - productsByHost.filter((p) => p.host !== 'other').reduce((n, p) => n + p.count, 0),
        )
      } finally {
        await store.close()
      }
    })
  })
})

const nonzero = (of: Readonly<Record<string, number>>) => Object.fromEntries(Object.entries(of).filter(([, n]) => n > 0))
function countBy(list: readonly string[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const key of list) sums[key] = (sums[key] ?? 0) + 1
  return sums
}
