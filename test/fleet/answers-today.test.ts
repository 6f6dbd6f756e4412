import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Link, Need, NeedKind, Today } from '../../src/app.ts'
import { filterOf, rowsOf, todayOf } from '../../src/app.ts'
import { published } from '../../src/schemas.ts'
import { openStore } from '../../src/store.ts'
import { answer, found, product, trouble } from '../store/fixture.ts'
import { withFleet } from './command.ts'
import { type Kept, type Line, listed, scanned } from './kept.ts'

const flagsOf = ({ query }: Link) =>
  Object.entries(query).flatMap(([name, value]) => (value === 'true' ? [`--${name}`] : [`--${name}`, value]))

/** What the command that a link stands for counts. */
async function counted(on: Kept, { number, kind, link }: Need): Promise<number> {
  switch (link.page) {
    case 'machines':
      return (await listed(on, ...flagsOf(link))).length
    case 'expiring':
      return (await on.json<{ products: unknown[] }>([0, 1], 'fleet', 'expiring', ...flagsOf(link))).products.length
    case 'campaign': {
      const { campaign: c } = await on.json<{ campaign: Record<string, number> }>([0, 1, 2], 'fleet', 'campaign', link.query.id!)
      return { 'campaign-stopped': c.waiting! + c.retrying! + c.running!, 'campaign-open': c.open!, 'campaign-failed': c.failed! }[
        kind as 'campaign-open'
      ]!
    }
    case 'host': {
      const { hosts } = await on.json<{ hosts: Today['hosts'] }>([0, 1, 2], 'fleet', 'hosts')
      const host = hosts.find((h) => h.name === link.query.host && String(h.port) === link.query.port)
      assert.ok(host, `no host ${link.query.host}`)
      return kind === 'host-count' ? (host.groups.find((g) => g.count === number)?.count ?? -1) : 1
    }
    case 'hosts': {
      const { hosts } = await on.json<{ hosts: Today['hosts'] }>([0, 1, 2], 'fleet', 'hosts')
      return hosts.filter((h) => !h.declared && h.clients.length > 0).length
    }
    default:
      throw new Error(`${kind} leads to ${link.page}`)
  }
}

async function todayOn(on: Kept): Promise<Today> {
  const today = await on.json<Today>(1, 'fleet', 'today')
  published['fleet-today'].parse(today)
  for (const need of today.needs) {
    assert.equal(need.number, await counted(on, need), `${need.kind}: ${need.text}`)
    assert.match(need.text, /^[A-Z\d]\S* .*\.$|^[a-z][\w.-]+ counts .*\.$/, need.text)
    if (need.link.page === 'machines') assert.ok(need.text.includes(String(need.number)), need.text)
  }
  return today
}

const of = (today: Today, kind: NeedKind): readonly Need[] => today.needs.filter((n) => n.kind === kind)
const numberOf = (today: Today, kind: NeedKind): number | undefined => of(today, kind)[0]?.number
const having = (machines: readonly Line[], fits: (p: Line['products'][number]) => boolean) =>
  machines.filter((m) => m.products.some(fits)).length

describe('fleet today', () => {
  test('over a lab with a story: every number is what its link lists, worst first; and again after machines and hosts have changed', async () => {
    await scanned({ count: 60, story: true, hosts: true }, async (on) => {
      await on.json(2, 'hosts', 'check')
      const today = await todayOn(on)
      const all = await listed(on)
      // Counted here once more, by what machines said and by no filter.
      const now = Date.now()
      const ends = (days: number) =>
        all.flatMap((m) => m.products).filter((p) => p.expiresAt !== null && p.expiresAt >= now && p.expiresAt < now + days * 86_400_000)
          .length
      assert.equal(
        numberOf(today, 'foreign'),
        having(all, (p) => p.origin === 'foreign'),
      )
      assert.equal(
        numberOf(today, 'suspect'),
        having(all, (p) => p.origin === 'suspect'),
      )
      assert.equal(numberOf(today, 'action'), all.filter((m) => m.verdict === 'action').length)
      const lapsed = all.filter((m) => m.verdict === 'action' && m.products.some((p) => /^(?:notification|unlicensed)$/.test(p.state)))
      assert.equal(numberOf(today, 'lapsed'), lapsed.length)
      assert.equal(numberOf(today, 'ending'), ends(14))
      assert.equal(numberOf(today, 'not-renewing'), ends(60))
      assert.equal(numberOf(today, 'duplicates'), 2)
      // It is told by why it could not be asked, and not once more.
      assert.equal(numberOf(today, 'never'), undefined)
      assert.equal(today.summary.counts.machines.never, 1)
      assert.deepEqual([of(today, 'unasked').map((n) => n.number)], [[1]])
      assert.deepEqual(
        of(today, 'unknown-host').map((n) => [n.number, n.link.page]),
        [[2, 'hosts']],
      )
      const naming = (host: string) => all.filter((m) => m.products.some((p) => p.host === host)).length
      const [one1, one2] = [naming('198.51.100.20'), naming('kms-old.corp.example')]
      assert.equal(
        of(today, 'unknown-host')[0]!.text,
        `2 KMS hosts that machines name are not known to the site file: 198.51.100.20 (${one1} ${one1 === 1 ? 'machine' : 'machines'}), kms-old.corp.example (${one2}).`,
      )
      const [down] = of(today, 'host-down')
      assert.match(
        down!.text,
        /^The KMS host kms2\.corp\.example has given no answer since \d{4}-\d\d-\d\d \(kms2.* refuses the connection\); no machine of the fleet names it\.$/,
      )
      const [low] = of(today, 'host-count')
      assert.match(
        low!.text,
        /^kms-small\.corp\.example counts 3 machines \(Windows Server 2016\): fewer than the 5 that Windows Server needs and the 25 that client Windows needs\.$/,
      )
      const order = today.needs.map((n) => ['action', 'attention', 'info'].indexOf(n.severity))
      assert.deepEqual(order, order.toSorted())
      // The rest of the page.
      assert.deepEqual(today.summary, omit(await on.json(1, 'fleet', 'status')))
      assert.equal(today.expiry.days.length, 180)
      assert.equal(
        today.expiry.ended + today.expiry.days.reduce((sum, n) => sum + n, 0),
        all.flatMap((m) => m.products).filter((p) => p.expiresAt !== null && p.expiresAt < today.expiry.from + 180 * 86_400_000).length,
      )
      assert.equal(today.changes.counts.added, 63)
      assert.equal(today.changes.rows.length, 50)

      // One machine lapses, one is brought in order, a host comes back and another one goes.
      const one = lapsed.find((m) => /^pc/.test(m.name))!
      await on.json([0, 1], 'fleet', 'plan', '--text', one.name)
      const { campaigns } = await on.json<{ campaigns: { id: number }[] }>(0, 'fleet', 'campaigns')
      await on.json([0, 1], 'fleet', 'apply', '--plans', String(campaigns[0]!.id), '--yes')
      on.lab.host('kms2.corp.example', { up: true })
      await on.lab.absent('kms2.corp.example', null)
      await on.lab.absent('kms1.corp.example', 'refused')
      await on.json([0, 1, 2], 'hosts', 'check')
      const later = await todayOn(on)
      assert.equal(numberOf(later, 'lapsed'), lapsed.length - 1)
      assert.equal(numberOf(later, 'action'), numberOf(today, 'action')! - 1)
      assert.equal(later.changes.counts.restored, 1)
      const gone = of(later, 'host-down')
      assert.deepEqual(
        gone.map((n) => [n.severity, n.link.query]),
        [['action', { host: 'kms1.corp.example' }]],
      )
    })
  })

  test('at 80 columns: the sentence, what is next, the command that lists it', async () => {
    await scanned({ count: 60, story: true, hosts: true }, async (on) => {
      await on.json(2, 'hosts', 'check')
      const { code, out } = await on.slmctl('fleet', 'today')
      assert.equal(code, 1)
      for (const line of out.split('\n')) assert.ok(line.length <= 80, line)
      assert.match(
        out,
        /^Example University, \d{4}-\d\d-\d\d \d\d:\d\d\n\n! 2 machines have an activation that is not yours\.\n {2}→ slmctl fleet audit .*\n {2}\[slmctl fleet list --origin foreign\]\n/,
      )
      assert.match(out, /^63 machines: \d+ ok, /m)
      assert.match(out, /^KMS hosts: 1 of 3 in order, 2 answer/m)
      assert.match(out, /^Since yesterday\n {2}3 became foreign or suspect, 63 added$/m)
      assert.equal((await on.slmctl('fleet', 'today', 'pc-1')).code, 2)
      assert.match((await on.slmctl('fleet', 'today', '--verdict', 'ok')).err, /does not take --verdict/)
    })
  })

  test('nothing: an empty list, said so, and exit code 0; a fleet without machines, too', async () => {
    await scanned({ machines: [{ name: 'pc-1.corp.example', scenario: 'win11-enterprise-office-2021' }] }, async (on) => {
      const today = await on.json<Today>(0, 'fleet', 'today')
      assert.deepEqual(today.needs, [])
      assert.match((await on.slmctl('fleet', 'today')).out, /^Nothing needs you today\.\n\n1 machine: 1 ok\.$/m)
    })
    await withFleet(async (fleet) => {
      await fleet.put([])
      const ran = await fleet.run('today')
      assert.equal(ran.code, 0)
      assert.match(ran.out, /no machines yet/)
    })
  })

  test('a campaign that its canary stopped, and one that left something undone, lead to what the campaign says', async () => {
    const machines = Array.from({ length: 6 }, (_, i) => ({ name: `pc-${i}.corp.example`, scenario: 'win11-pro-notification' as const }))
    await scanned({ machines }, async (on) => {
      await on.json([0, 1], 'fleet', 'plan')
      for (const name of on.lab.hosts) on.lab.host(name, { up: false })
      await on.json(2, 'fleet', 'apply', '--plans', '2', '--yes', '--canary', '2', '--stop-above', '0%')
      const stopped = await todayOn(on)
      const [need] = of(stopped, 'campaign-stopped')
      assert.deepEqual([need!.severity, need!.number, need!.link.query.id], ['action', 4, '3'])
      assert.match(need!.text, /^Campaign 3 \(apply\) is stopped: .*; 4 machines wait\.$/)
      assert.match(need!.next!, /slmctl fleet resume 3 goes on/)
      assert.equal(numberOf(stopped, 'campaign-failed'), 2)
      await on.json([0, 1, 2], 'fleet', 'cancel', '3')
      const cancelled = await todayOn(on)
      assert.deepEqual([of(cancelled, 'campaign-stopped'), of(cancelled, 'campaign-failed')], [[], []])
    })
  })

  test('what was sent and got no answer is said before all else that failed; a week later it is history', async () => {
    await withFleet(async (fleet) => {
      const ids = [...(await fleet.put(['a', 'b', 'c', 'd'].map((n) => found(`${n}.corp.example`)))).values()]
      await fleet.observe(ids.map((id) => answer(id, Date.now(), [product()])))
      const store = await openStore({ file: fleet.file('fleet.db') }, { create: false })
      try {
        const at = Date.now()
        const campaign = await store.createCampaign({ key: 'k', kind: 'apply', name: 'every machine', settings: {}, at })
        await store.addTargets(
          campaign,
          ids.map((machine, i) => ({ machine, site: '-', position: i })),
          0,
        )
        await store.setCampaign(campaign, { state: 'running', because: null, at })
        const wish = { campaign, site: '-', owner: 'w', now: at, leaseMs: 60_000, mostAtOnce: null, upTo: null, limit: 4 }
        const held = await store.claimTargets(wish)
        const came = ['changed', 'unknown', 'failed', 'unknown']
        await store.endTargets(
          held.map((one, i) => ({
            held: one,
            end: { state: came[i] === 'changed' ? 'done' : 'failed', result: came[i]!, problemCode: null, outcome: null, at },
          })),
        )
        await store.setCampaign(campaign, { state: 'finished', because: null, at })
        const today = await todayOf(store, null, at)
        assert.deepEqual(
          today.needs.map((n) => [n.kind, n.severity, n.number, n.text]),
          [
            ['campaign-open', 'action', 2, `Campaign ${campaign} (apply): of 2 machines nobody knows whether what was sent was done.`],
            ['campaign-failed', 'attention', 3, `Campaign ${campaign} (apply): 3 machines failed, with those of which nobody knows.`],
          ],
        )
        assert.deepEqual((await todayOf(store, null, at + 8 * 86_400_000)).needs, [])
      } finally {
        await store.close()
      }
    })
  })

  test('what is long since: not answered for 14 days, or as the site file says; ends that passed unseen; each cause by itself', async () => {
    await withFleet(async (fleet) => {
      const now = Date.now()
      const day = 86_400_000
      const names = ['a', 'b', 'c', 'd', 'e'].map((n) => `${n}.corp.example`)
      const ids = await fleet.put(names.map((n) => found(n)))
      const id = (n: string) => ids.get(`${n}.corp.example`)!
      await fleet.observe([
        answer(id('a'), now - 20 * day, [product({ minutesLeft: 5 * 1440 })]),
        answer(id('b'), now - 15 * day, [product()]),
        answer(id('c'), now, [product()]),
      ])
      await fleet.observe([
        { machine: id('b'), at: now, problem: trouble('WINRM_UNREACHABLE', 'b.corp.example') },
        { machine: id('c'), at: now, problem: trouble('WINRM_UNREACHABLE', 'c.corp.example') },
        { machine: id('d'), at: now, problem: trouble('WMI_ACCESS_DENIED', 'd.corp.example') },
      ])
      const today = JSON.parse((await fleet.run('today', '--json')).out) as Today
      const said = (kind: NeedKind) => of(today, kind).map((n) => [n.number, n.severity, n.text.replace(/: [A-Z_]+, .*$/, '')])
      assert.deepEqual(said('stale'), [
        [
          4,
          'attention',
          '4 machines did not answer in the last 14 days, 2 of them never; 1 activation was to end meanwhile, and nobody knows whether it did.',
        ],
      ])
      assert.deepEqual(said('never'), [[2, 'attention', '2 machines never answered: what they hold is not known.']])
      assert.deepEqual(said('unasked'), [
        [2, 'attention', '2 machines could not be asked at the last try, 1 of them with no answer in the last 14 days'],
        [1, 'attention', '1 machine could not be asked at the last try, with no answer in the last 14 days'],
      ])
      for (const need of today.needs.filter((n) => n.link.page === 'machines')) {
        const { machines } = JSON.parse((await fleet.run('list', ...flagsOf(need.link), '--json')).out) as { machines: unknown[] }
        assert.equal(machines.length, need.number, need.text)
      }
    })
    await scanned(
      {
        machines: [
          { name: 'pc-1.corp.example', scenario: 'win11-education-host-away' },
          { name: 'pc-2.corp.example', scenario: 'win11-enterprise-office-2021' },
        ],
      },
      async (on) => {
        // Three weeks from now, by a site file that waits for thirty days: what is soon and what is long since are its words.
        const soon = await on.json<Today>(1, 'fleet', 'today')
        assert.deepEqual(
          of(soon, 'ending').map((n) => n.link.query),
          [{ days: '40' }],
        )
        await on.withStore(async (store) => {
          const now = Date.now() + 21 * 86_400_000
          const usual = await todayOf(store, on.read, now)
          assert.equal(numberOf(usual, 'stale'), 2)
          const patient = await todayOf(store, on.read, now, { endingDays: 40, staleDays: 30 })
          assert.equal(numberOf(patient, 'stale'), undefined)
          for (const { link, number } of usual.needs.filter((n) => n.link.page === 'machines')) {
            let n = 0
            const words = Object.fromEntries(Object.entries(link.query).map(([k, v]) => [k, v === 'true' ? true : v]))
            for await (const _ of rowsOf((after) => store.list(filterOf(words, now), { limit: 100, after }))) n++
            assert.equal(n, number)
          }
        })
      },
      (site) => `${site}\nalerts:\n  rules: { days-left: 40, not-scanned-days: 30 }\n`,
    )
  })
})

const omit = ({ schema: _, ...rest }: Record<string, unknown>) => rest
