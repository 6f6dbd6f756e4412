/** Who may what, as the pages show it: nobody is shown a button that would be refused, and a page without rights says so. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import type { Role } from '../../src/model.ts'
import { check } from '../peers/checks.ts'
import { settled, shot, violations, visitor } from './browser.ts'
import { seen } from './reading.ts'
import type { Stage } from './stage.ts'

/** Buttons that change or ask something, and who may. */
const buttons: readonly (readonly [at: 'overview' | 'machines' | 'machine' | 'plan' | 'hosts', name: RegExp, least: Role])[] = [
  ['overview', /^Ask all machines now/, 'operator'],
  ['machines', /^Ask these/, 'operator'],
  ['machines', /^Plan these/, 'operator'],
  ['machine', /^Ask now/, 'operator'],
  ['machine', /^What would change/, 'operator'],
  ['machine', /^Conversation/, 'operator'],
  ['plan', /^Approve and carry out/, 'approver'],
]
const order: readonly Role[] = ['viewer', 'operator', 'approver']

export async function roles(on: Stage): Promise<void> {
  const machine = await on.withStore(async (store) => (await store.find('pc-desk-01.corp.example'))[0]!.id)
  // A plan that nobody has carried out.
  const plan = await plannedBy(on)
  const addresses = { overview: '/', machines: '/machines', machine: `/machines/${machine}`, hosts: '/hosts', plan: `/campaigns/${plan}` }
  for (const role of order)
    await check(`${role}: the buttons that are there are those that may be used`, async () => {
      const { context, page, faults } = await visitor(on.browser, on.origin, { state: on.people[role] })
      try {
        for (const [at, name, least] of buttons) {
          if (new URL(page.url(), on.origin).pathname !== addresses[at]) {
            await page.goto(addresses[at])
            await settled(page)
          }
          const there = await page.getByRole('button', { name }).count()
          assert.equal(there > 0, order.indexOf(role) >= order.indexOf(least), `${at}: ${name} for ${role}`)
        }
        if (role !== 'approver') assert.match(await seen(page.locator('.approve')), /approver/i)
        await shot(page, `role-${role}-plan`)
        assert.deepEqual(faults, [])
      } finally {
        await context.close()
      }
    })
  await check('what a viewer may not see is a page that says so', async () => {
    const { context, page, meant, faults } = await visitor(on.browser, on.origin, { state: on.people.viewer })
    try {
      meant.push(/403/)
      await page.goto('/people')
      await settled(page)
      await shot(page, 'role-viewer-people')
      assert.doesNotMatch(await seen(page.locator('main')), /sign-in\/local/, 'the trail is not for viewers')
      assert.deepEqual(await violations(page), [])
      assert.deepEqual(faults, [])
    } finally {
      await context.close()
    }
  })
  await check('an operator who orders an apply by hand is refused by the server, and nothing is sent', async () => {
    const { context, page } = await visitor(on.browser, on.origin, { state: on.people.operator })
    try {
      await page.goto(addresses.plan)
      await settled(page)
      const before = on.fleet.lab.callCounts().calls
      const refused = await order2(page, plan)
      assert.equal(refused.status, 403)
      assert.match(refused.code, /NO_RIGHT/)
      assert.equal(on.fleet.lab.callCounts().calls, before)
    } finally {
      await context.close()
    }
  })
  await check('a page that is not signed in any more asks for it, and goes on where it was', async () => {
    const { context, page, meant, faults } = await visitor(on.browser, on.origin, { state: on.people.viewer })
    try {
      meant.push(/401/)
      await page.goto('/hosts')
      await settled(page)
      await context.clearCookies()
      await page.getByRole('navigation').getByRole('link', { name: 'Origin' }).click()
      await page.getByLabel('Password').waitFor()
      await shot(page, 'role-signed-out')
      assert.deepEqual(await violations(page), [])
      assert.deepEqual(faults, [])
    } finally {
      await context.close()
    }
  })
}

const order2 = (page: Page, plan: number) =>
  page.evaluate<{ status: number; code: string }>(`fetch('/api/v1/campaigns/apply', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'by-hand-by-an-operator' },
    body: JSON.stringify({ plans: ${plan}, expect: 1 }),
  }).then(async (r) => ({ status: r.status, code: (await r.json()).code }))`)

/** A plan over the machines that ask a host which counts too few; answers its number. */
async function plannedBy(on: Stage): Promise<number> {
  const { context, page } = await visitor(on.browser, on.origin, { state: on.people.operator })
  try {
    await page.goto('/')
    const made = await page.evaluate<{ campaign: { id: number } }>(`fetch('/api/v1/campaigns/plan', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'plan-of-the-roles' },
      body: JSON.stringify({ filter: { text: 'pc-desk' }, renew: true }),
    }).then((r) => r.json())`)
    const { id } = made.campaign
    for (;;) {
      const { campaign } = await on.json<{ campaign: { state: string; planned: number } }>('campaign', String(id))
      if (campaign.state === 'finished') {
        assert.ok(campaign.planned > 0, 'the plan plans nothing')
        return id
      }
    }
  } finally {
    await context.close()
  }
}
