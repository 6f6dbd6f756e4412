import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sharedAt, useOfHost, usersOfHost } from '../../src/app/host-users.ts'
import { hostHistoryOf, keptHosts, type SeenHost, silentSince, standingOf } from '../../src/app.ts'
import { forecastOf, type HostGroup } from '../../src/hosts.ts'
import { api, published } from '../../src/schemas.ts'
import { openStore } from '../../src/store.ts'
import { answer, found, product } from '../store/fixture.ts'
import { withFleet } from './command.ts'
import { listed, scanned } from './kept.ts'

type Checked = {
  readonly hosts: readonly {
    readonly name: string
    readonly port: number
    readonly verdict: string
    readonly cause: string | null
    readonly next: readonly string[]
    readonly said: {
      readonly system: string | null
      readonly groups: readonly { readonly count: number; readonly thresholds: unknown; readonly state: string }[]
    } | null
    readonly forecast: readonly {
      readonly name: string
      readonly count: number | null
      readonly thresholds: unknown
      readonly users: unknown
      readonly history: readonly unknown[]
    }[]
  }[]
}
const day = 86_400_000

describe('fleet hosts', () => {
  test('tells what the latest check found: verdict, counts, thresholds, silence; and who names each host', async () => {
    await scanned({ count: 60, story: true, hosts: true }, async (on) => {
      const before = await on.json<{ hosts: SeenHost[] }>(2, 'fleet', 'hosts')
      assert.deepEqual(
        before.hosts.map((h) => [h.name, h.state, h.checkedAt, h.sources]),
        [
          ['kms-small.corp.example', null, null, ['site']],
          ['kms1.corp.example', null, null, ['site']],
          ['kms2.corp.example', null, null, ['site']],
          ['198.51.100.20', null, null, ['clients']],
          ['kms-old.corp.example', null, null, ['clients']],
        ],
      )
      const checked = await on.json<Checked>(2, 'hosts', 'check')
      const { hosts } = await on.json<{ hosts: SeenHost[] }>(2, 'fleet', 'hosts')
      published['fleet-hosts'].parse({ schema: 'slmctl.fleet-hosts/1', hosts })
      const all = await listed(on)
      for (const host of hosts) {
        const now = checked.hosts.find((h) => h.name === host.name)
        assert.equal(host.declared, now !== undefined, host.name)
        assert.equal(host.state, now?.verdict ?? null, host.name)
        assert.deepEqual([host.cause, host.next], [now?.cause ?? null, now?.next ?? []], host.name)
        assert.equal(host.causeSince, host.cause === null ? null : host.checkedAt)
        assert.deepEqual(
          host.groups.map((g) => [g.count, g.thresholds, g.state]).toSorted(),
          (now?.said?.groups ?? []).map((g) => [g.count, g.thresholds, g.state]).toSorted(),
        )
        assert.equal(host.system, now?.said?.system ?? null)
        for (const application of ['windows', 'office']) {
          const names = all.filter((m) => m.products.some((p) => p.host === host.name && p.application === application)).length
          assert.equal(host.clients.find((c) => c.application === application)?.machines ?? 0, names, `${host.name} ${application}`)
        }
      }
      assert.deepEqual(
        hosts.map((h) => [h.name, standingOf(h)]),
        [
          ['kms-small.corp.example', 'up'],
          ['kms1.corp.example', 'up'],
          ['kms2.corp.example', 'down'],
          ['198.51.100.20', null],
          ['kms-old.corp.example', null],
        ],
      )
      const { out, code } = await on.slmctl('fleet', 'hosts')
      assert.equal(code, 2)
      for (const line of out.split('\n')) assert.ok(line.length <= 80, line)
      assert.match(out, /^cannot-tell {2}kms2\.corp\.example\n {4}it gave no answer; so since[^→]+could\s+not\s+be\s+asked[^→]+→ /m)
      assert.match(out, /^not known {4}kms-old\.corp\.example\n {4}named by machines only$/m)
      assert.equal((await on.slmctl('fleet', 'hosts', 'kms1')).code, 2)
    })
  })

  test('a host that falls silent: since when, and what it counted last, as of then', async () => {
    await scanned({ count: 30, hosts: true }, async (on) => {
      await on.json([0, 1, 2], 'hosts', 'check')
      const [was] = (await on.json<{ hosts: SeenHost[] }>([0, 1, 2], 'fleet', 'hosts')).hosts.filter((h) => h.name === 'kms1.corp.example')
      await on.lab.absent('kms1.corp.example', 'refused')
      for (let i = 0; i < 2; i++) await on.json(2, 'hosts', 'check')
      const [is] = (await on.json<{ hosts: SeenHost[] }>(2, 'fleet', 'hosts')).hosts.filter((h) => h.name === 'kms1.corp.example')
      assert.equal(standingOf(was!), 'up')
      assert.equal(standingOf(is!), 'down')
      assert.ok(is!.since! > was!.checkedAt! && is!.checkedAt! > is!.since!, 'since the first check that heard nothing')
      assert.deepEqual(is!.groups, was!.groups)
      assert.ok(is!.groups.length === 2 && is!.groups.every((g) => g.at === was!.checkedAt))
      assert.equal(is!.problem?.code, 'WINRM_UNREACHABLE')
      assert.match(is!.cause!, /refuses the connection/)
      assert.equal(is!.causeSince, is!.since, 'the same cause at both checks')
    })
  })

  test('history: counts and checks over time, a forecast as hosts show makes it, duplicates among its clients', async () => {
    await scanned({ count: 60, story: true, hosts: true }, async (on) => {
      const show = await on.json<Checked>([0, 1, 2], 'hosts', 'show', 'kms1')
      await on.withStore(async (store) => {
        const told = await hostHistoryOf(store, on.read, 'KMS1.corp.example', 1688, Date.now())
        api.hostHistorySchema.parse(told)
        const { forecast } = show.hosts[0]!
        assert.deepEqual(
          told.forecast.map((f) => [f.name, f.count, f.thresholds, f.users]).toSorted(),
          forecast.map((f) => [f.name, f.count, f.thresholds, f.users]).toSorted(),
        )
        assert.ok(told.checks.some((c) => c.address === '' && c.state === show.hosts[0]!.verdict))
        const shared = (await listed(on, '--shared-cmid')).map((m) => m.name)
        assert.equal(shared.length, 2)
        assert.deepEqual(told.duplicates.flatMap((d) => d.machines.map((m) => m.name)).toSorted(), shared.toSorted())
        assert.deepEqual(
          told.duplicates.map((d) => [d.count, d.pool]),
          [[2, null]],
        )
        await assert.rejects(hostHistoryOf(store, on.read, 'kms1.corp.example', 1689, Date.now()), /No KMS host called kms1/)
        // A month later it counts fewer.
        const [kept] = (await store.hosts(10)).filter((h) => h.name === 'kms1.corp.example')
        const then = Date.now() + 30 * day
        const [windows] = told.counts.filter((c) => c.application === 'windows')
        const fewer = { ...windows!, partialKey: windows!.key, count: 31 }
        const word = {
          host: kept!.id,
          at: then,
          address: '',
          state: 'attention',
          problem: null,
          told: kept!.checks.find((c) => c.told)!.told,
        }
        await store.saveCheck({ ...word, counts: [fewer] })
        const later = await hostHistoryOf(store, on.read, 'kms1.corp.example', 1688, then)
        assert.deepEqual(
          later.counts.filter((c) => c.application === 'windows').map((c) => c.count),
          [50, 31],
        )
        const [expected] = later.forecast.filter((f) => f.application === 'windows')
        assert.deepEqual(
          [expected!.count, expected!.history.map((p) => p.count), expected!.thresholds.map((t) => t.spare)],
          [31, [50, 31], [26, 6]],
        )
        assert.deepEqual(
          later.host.groups.map((g) => [g.application, g.count]),
          [['windows', 31]],
        )
        // A host of which only machines tell has a history, too: who names it.
        const old = await hostHistoryOf(store, on.read, 'kms-old.corp.example', 1688, Date.now())
        assert.deepEqual([old.checks, old.counts, old.host.declared, old.host.clients[0]!.machines], [[], [], false, 1])
      })
    })
  })

  test('ports: alive where one answers, down where none does and the host itself is not heard; a host that nobody names any more is left out', async () => {
    await scanned({ machines: [{ name: 'pc-1.corp.example', scenario: 'win11-enterprise-office-2021' }] }, async (on) => {
      await on.withStore(async (store) => {
        const at = Date.now() - 3 * day
        const [a, b] = await store.saveHosts(
          [
            { name: 'kms1.corp.example', port: 1688, sources: ['site', 'dns _vlmcs._tcp.corp.example'] },
            { name: 'kms9.corp.example', port: 1688, sources: ['dns _vlmcs._tcp.elsewhere.example'] },
          ],
          at,
        )
        const check = (host: number, when: number, address: string, state: string, told: unknown = null) =>
          store.saveCheck({ host, at: when, address, state, problem: null, told })
        for (const when of [at, at + day]) {
          await check(a!, when, '', 'ok')
          await check(a!, when, '10.0.0.5', 'rpc')
          await check(a!, when, '10.0.0.6', 'refused')
        }
        await check(b!, at, '', 'ok')
        const one = async () => (await keptHosts(store, on.read, Date.now())).find((h) => h.name === 'kms1.corp.example')!
        assert.deepEqual([(await one()).alive, standingOf(await one()), (await one()).since], [true, 'up', at])
        assert.deepEqual((await one()).sources, ['site', 'dns corp.example'])
        assert.deepEqual((await one()).ports.map((p) => [p.address, p.state, p.since, p.at]).toSorted(), [
          ['10.0.0.5', 'rpc', at, at + day],
          ['10.0.0.6', 'refused', at, at + day],
        ])
        // One of its addresses is gone, the other one refuses.
        await check(a!, at + 2 * day, '', 'action')
        await check(a!, at + 2 * day, '10.0.0.5', 'refused')
        assert.deepEqual([(await one()).alive, standingOf(await one()), (await one()).since], [false, 'down', at + 2 * day])
        assert.equal((await one()).ports.length, 1)
        // Another verdict is not another silence.
        await check(a!, at + 3 * day - 1, '', 'cannot-tell')
        await check(a!, at + 3 * day - 1, '10.0.0.5', 'refused')
        assert.deepEqual([(await one()).since, silentSince(await one())], [at + 3 * day - 1, at + 2 * day])
        const names = (await keptHosts(store, on.read, Date.now())).map((h) => h.name)
        assert.ok(!names.includes('kms9.corp.example'), 'no site file, no domain of ours, no machine names it')
        assert.ok((await keptHosts(store, null, Date.now())).some((h) => h.name === 'kms9.corp.example'))
      })
    })
  })

  test('a forecast out of counted machines is the one out of each of them', async () => {
    await withFleet(async (fleet) => {
      const ids = [...(await fleet.put(Array.from({ length: 40 }, (_, i) => found(`pc-${i}.example`)))).values()]
      const now = Math.ceil(Date.now() / 60_000) * 60_000
      // Asked between one hour and forty days ago; some are not licensed, some were not seen for two weeks.
      const asked = (i: number) =>
        product({ minutesLeft: 180 * 1440 - 60 - i * 1440, ...(i % 7 === 0 ? { state: 'notification', minutesLeft: 0 } : {}) })
      const office = (i: number) =>
        product({ ...asked(i), name: 'Office', application: 'office', activationId: '22222222-2222-4333-8444-555555555555' })
      await fleet.observe(
        ids.map((id, i) => {
          const at = now - (i % 11 === 0 ? 15 * day : 0)
          return answer(id, at, i % 2 === 0 ? [asked(i), office(i + 3)] : [asked(i)], {
            cmid: `00000000-1111-4222-8333-0000000000${10 + (i % 39)}`,
          })
        }),
      )
      const store = await openStore({ file: fleet.file('fleet.db') }, { create: false })
      try {
        const names = ['kms1.corp.example', 'kms1', '10.0.0.5']
        const standing = { addresses: ['10.0.0.5'], verdict: 'authorised', because: null } as const
        const each = await useOfHost(store, { name: 'kms1.corp.example', standing }, now, true)
        const counted = await usersOfHost(store, names, now)
        const group = {
          release: 'Windows Server 2022',
          name: null,
          thresholds: [{ of: 'client Windows', count: 25 }],
          count: 30,
        } as unknown as HostGroup
        for (const application of ['windows', 'office'] as const) {
          const [one, other] = [each.of[application], counted[application]].map((users) =>
            forecastOf({ ...group, application }, { history: [], users, retire: 3, now }),
          )
          assert.deepEqual(other, one)
          assert.ok(one!.users!.machines > 10 && one!.users!.quiet! > 3 && one!.quiet !== null)
        }
        assert.deepEqual(await sharedAt(store, names), each.shared)
        assert.equal(each.shared.length, 1)
        assert.deepEqual(await sharedAt(store, ['kms2.corp.example']), [])
      } finally {
        await store.close()
      }
    })
  })
})
