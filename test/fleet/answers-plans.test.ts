import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { plansOfCampaign } from '../../src/app.ts'
import { published } from '../../src/schemas.ts'
import { scanned } from './kept.ts'

type Step = { readonly what: string; readonly method: string }
type Planned = { readonly name: string; readonly steps: readonly Step[]; readonly refused: readonly { readonly code: string }[] }
type Kept = {
  readonly campaign: { readonly planned: number; readonly groups: readonly { readonly result: string | null; readonly machines: number }[] }
  readonly plans: readonly { readonly machine: number; readonly name: string; readonly plan: Planned }[]
}

describe('fleet plans', () => {
  test('what a campaign planned is what plan plans when it asks, and the groups count it; what changes something comes first', async () => {
    await scanned({ count: 40, story: true }, async (on) => {
      await on.json([0, 1, 2], 'fleet', 'plan')
      const kept = published['fleet-plans'].parse(await on.json(1, 'fleet', 'plans', '2')) as unknown as Kept
      const live = await on.json<{ machines: readonly Planned[] }>([1, 2], 'plan', '--all')
      const plain = (list: readonly Planned[]) =>
        list.map(({ name, steps, refused }) => [name, steps.map((s) => [s.what, s.method]), refused.map((r) => r.code)] as const).toSorted()
      assert.deepEqual(plain(kept.plans.map((p) => p.plan)), plain(live.machines))
      const changing = kept.plans.map((p) => p.plan.steps.length > 0)
      assert.deepEqual(
        changing,
        changing.toSorted((a, b) => Number(b) - Number(a)),
      )
      assert.equal(kept.campaign.planned, changing.filter(Boolean).length)
      for (const group of kept.campaign.groups.filter((g) => g.result?.startsWith('activate ')))
        assert.equal(
          group.machines,
          kept.plans.filter((p) => [...new Set(p.plan.steps.map((s) => s.what))].join(', ') === group.result).length,
        )
      await on.withStore(async (store) => {
        const seen: number[] = []
        for (let after: string | null = null; ; ) {
          const page: Awaited<ReturnType<typeof plansOfCampaign>> = await plansOfCampaign(store, 2, { limit: 7, after })
          seen.push(...page.rows.map((r) => r.machine))
          if (page.next === null) break
          after = page.next
        }
        assert.deepEqual(
          seen,
          kept.plans.map((p) => p.machine),
        )
      })
    })
  })

  test('for people: the groups, then plan by plan, at 80 columns; what is no plan is refused', async () => {
    await scanned(
      { machines: Array.from({ length: 4 }, (_, i) => ({ name: `pc-${i}.corp.example`, scenario: 'win11-pro-notification' as const })) },
      async (on) => {
        await on.json([0, 1], 'fleet', 'plan')
        const { code, out } = await on.slmctl('fleet', 'plans', '2', '--limit', '3')
        assert.equal(code, 1)
        for (const line of out.split('\n')) assert.ok(line.length <= 80, line)
        assert.match(out, /^Campaign 2: plan of every machine/)
        assert.match(out, /^ {7}4 {2}activate Windows/m)
        assert.match(out, /^pc-0\.corp\.example\n {2}step 1 {3}activate/m)
        assert.equal([...out.matchAll(/^ {2}planned \d{4}/gm)].length, 3)
        assert.match(out, /^1 machine more on which something changes: --limit N, or --json$/m)
        assert.match(out, /^To carry them out: slmctl fleet apply --plans 2$/m)
        for (const [words, says] of [
          [['1'], /Campaign 1 is of kind scan: it has no plans\. \(CAMPAIGN_NOT_PLANNED\)/],
          [['9'], /There is no campaign 9\. \(CAMPAIGN_UNKNOWN\)/],
          [[], /wants the number of a campaign/],
          [['x'], /wants the number of a campaign/],
        ] as const) {
          const ran = await on.slmctl('fleet', 'plans', ...words)
          assert.deepEqual([ran.code, ran.out], [2, ''])
          assert.match(ran.err.replaceAll(/\s+/g, ' '), says)
        }
      },
    )
    await scanned({ machines: [{ name: 'pc-1.corp.example', scenario: 'win11-enterprise-office-2021' }] }, async (on) => {
      await on.json(0, 'fleet', 'plan')
      const { code, out } = await on.slmctl('fleet', 'plans', '2')
      assert.equal(code, 0)
      assert.match(out, /1 {2}nothing to change/)
      assert.doesNotMatch(out, /step 1|carry/)
    })
  })
})
