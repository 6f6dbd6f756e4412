import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { auditRemarks, fleetAudit, type Page } from '../../src/app.ts'
import type { Audit, Site } from '../../src/model.ts'
import { auditSchema } from '../../src/schemas.ts'
import { openStore } from '../../src/store.ts'
import { answer, found, product } from '../store/fixture.ts'
import { withFleet } from './command.ts'
import { scanned } from './kept.ts'

const bought = (text: string) =>
  `${text}\nentitlements:\n  - { product: Windows 11 Enterprise, quantity: 3 }\n  - { product: Office Professional Plus 2021, quantity: 50 }\n  - { product: Windows Server 2022 Datacenter, quantity: 2 }\n`

/** Everything but when a host proved itself, and the evidence beyond what a statement rests on. */
const counts = ({ remarks: _, problems, ...a }: Audit) => ({
  ...a,
  own: a.own.map(({ host, products, provedAt }) => ({ host, products, proved: provedAt !== null })),
  problems: problems.map((p) => p.code),
})
const told = (a: Audit) =>
  a.remarks.map(({ machine, product, origin, because, honest, next, evidence }) => ({
    ...{ machine, product, origin, because, honest, next },
    // What is plainly undecided is told without evidence; everything else with the line that it rests on.
    rests: origin === 'cannot-tell' ? null : evidence[0]?.text,
  }))
const sorted = <T>(list: readonly T[]) => list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

describe('fleet audit', () => {
  test('counts what audit counts when it asks the same machines, and makes the same remarks', async () => {
    await scanned(
      { count: 150, story: true, hosts: true },
      async (on) => {
        await on.json(2, 'hosts', 'check')
        const live = auditSchema.parse(await on.json(2, 'audit', '--all')) as Audit
        const kept = auditSchema.parse(await on.json(2, 'fleet', 'audit')) as Audit
        assert.deepEqual(counts(kept), counts(live))
        assert.deepEqual(sorted(told(kept)), sorted(told(live)))
        // The lab has all that is counted by itself.
        assert.ok(live.own.length > 1 && live.own.every((o) => o.host !== null && o.provedAt !== null) && live.notActivated > 0)
        assert.ok(live.entitlements.every((e) => e.used > 0) && live.uncovered.length > 2)
        assert.ok(live.remarks.some((r) => r.origin === 'suspect') && live.remarks.some((r) => r.origin === 'foreign'))

        const { code, out, err } = await on.slmctl('fleet', 'audit')
        assert.equal(code, 2)
        for (const line of out.split('\n')) assert.ok(line.length <= 80, line)
        // To the letter what audit prints, but for the evidence of its remarks.
        const head = (text: string) => text.slice(0, text.indexOf('\nNot plainly in order'))
        assert.equal(head(out), head((await on.slmctl('audit', '--all')).out))
        assert.match(err, /refuses the connection/)
        assert.equal((await on.slmctl('fleet', 'audit', 'pc-1')).code, 2)
      },
      bought,
    )
  })

  test('what an activation object activated is no host’s, whatever host the machine names beside it', async () => {
    const names = [
      'win11-enterprise-ad',
      'server-2022-ad',
      'ad-only-wrong',
      'avma-guest',
      'win10-enterprise-mak',
      'office-2024-mak',
    ] as const
    await scanned({ machines: names.map((scenario, i) => ({ name: `pc-${i}.ad.example`, scenario })) }, async (on) => {
      const live = (await on.json([0, 1, 2], 'audit', '--all')) as Audit
      const kept = (await on.json([0, 1, 2], 'fleet', 'audit')) as Audit
      assert.deepEqual(counts(kept), counts(live))
      assert.ok(live.own.some((o) => o.host === null && o.products > 1))
    })
  })

  test('so also where the machine has a host set by hand, and the keys of hosts are their own', async () => {
    await withFleet(async (fleet) => {
      const ids = await fleet.put(['pc-1.corp.example', 'kms1.corp.example', 'pc-2.corp.example'].map((name) => found(name)))
      const [kms, pc, other] = [...ids.keys()].sort().map((name) => ids.get(name)!) as [number, number, number]
      const host = product({
        name: 'Windows(R), ServerStandard edition',
        channel: 'kms-host',
        method: 'none',
        kms: null,
        minutesLeft: null,
      })
      await fleet.observe([
        answer(pc, Date.now(), [product({ method: 'adba', activationObject: 'CN=x,DC=corp,DC=example' })]),
        answer(kms, Date.now(), [host]),
        answer(other, Date.now(), [product()]),
      ])
      const store = await openStore({ file: fleet.file('fleet.db') }, { create: false })
      try {
        const site = { kmsHosts: [{ name: 'KMS1', port: 1688, priority: null, weight: null }], entitlements: [] } as unknown as Site
        const { audit } = await fleetAudit(store, site, Date.now())
        assert.deepEqual(
          audit.own.map((o) => [o.host, o.products, o.provedAt !== null]),
          [
            ['kms1.corp.example', 2, true],
            [null, 1, false],
          ],
        )
      } finally {
        await store.close()
      }
    })
  })

  test('remarks come by pages, worst first, all of them once; the first page is part of the audit', async () => {
    await scanned({ count: 60, story: true, hosts: true }, async (on) => {
      await on.withStore(async (store) => {
        const { audit, remarks } = await fleetAudit(store, on.read, Date.now(), 3)
        assert.equal(audit.remarks.length, 3)
        const all: string[] = []
        for (let after: string | null = null; ; ) {
          const page: Page<{ readonly id: number; readonly machine: string; readonly origin: string }> = await auditRemarks(
            store,
            ['foreign', 'suspect', 'cannot-tell'],
            { limit: 2, after },
          )
          assert.ok(page.rows.length <= 2 && (page.rows.length > 0 || page.next === null))
          for (const r of page.rows) {
            assert.equal((await store.find(r.id))[0]!.name, r.machine)
            all.push(r.origin)
          }
          if (page.next === null) break
          after = page.next
        }
        assert.deepEqual(
          ['foreign', 'suspect', 'cannot-tell'].map((o) => all.filter((x) => x === o).length),
          [remarks.foreign, remarks.suspect, remarks['cannot-tell']],
        )
        assert.deepEqual(
          all,
          all.toSorted((a, b) => ['foreign', 'suspect', 'cannot-tell'].indexOf(a) - ['foreign', 'suspect', 'cannot-tell'].indexOf(b)),
        )
        assert.ok(all.length > 5)
      })
    })
  })

  test('machines that never answered are one problem for each reason, however many there are', async () => {
    const machines = Array.from({ length: 30 }, (_, i) => ({
      name: `pc-${i}.corp.example`,
      scenario: 'win11-enterprise-office-2021' as const,
      ...(i < 20 ? { faults: [{ kind: 'refused' as const }] } : {}),
    }))
    await scanned({ machines }, async (on) => {
      const ran = await on.slmctl('fleet', 'audit', '--json')
      const audit = auditSchema.parse(JSON.parse(ran.out)) as Audit
      assert.equal(ran.code, 2)
      assert.deepEqual(audit.machines, { asked: 10, notAsked: 20 })
      assert.equal(audit.problems.length, 1)
      assert.match(audit.problems[0]!.summary, /^20 machines never answered, for example: pc-\d+\.corp\.example refuses the connection/)
      assert.deepEqual(audit.problems[0]!.next[0], 'slmctl fleet list --never-seen --problem WINRM_UNREACHABLE')
      // One that is away now, and answered before, is counted as it was then.
      await on.lab.absent('pc-29.corp.example', 'refused')
      await on.json([0, 1, 2], 'fleet', 'scan', '--text', 'pc-29')
      assert.deepEqual((await on.json<Audit>(2, 'fleet', 'audit')).machines, { asked: 10, notAsked: 20 })
    })
  })
})
