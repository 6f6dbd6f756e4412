/** The states that nobody hopes for: nothing there yet, still loading, the server refuses or is gone, a slow computer. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page, Route } from 'playwright-core'
import { openStore } from '../../src/store.ts'
import { check, folder, freePort } from '../peers/checks.ts'
import { settled, shifted, shot, tooWide, violations, visitor } from './browser.ts'
import { seen } from './reading.ts'
import { type Place, serve } from './served.ts'
import { accounts, type Stage, signIn } from './stage.ts'

const pages = ['/', '/machines', '/expiring?days=30', '/hosts', '/origin', '/campaigns', '/people', '/site'] as const
const nameOf = (at: string) => (at === '/' ? 'overview' : at.slice(1).replace(/\?.*/, ''))

/** A fleet that nobody has taken in yet. */
async function nothingYet(on: Stage): Promise<void> {
  const home = folder('empty')
  const state = join(home, 'state')
  mkdirSync(state, { recursive: true, mode: 0o700 })
  const place: Place = { site: join(home, 'slmctl.yaml'), store: join(home, 'fleet.db'), state }
  writeFileSync(place.site, `domains: [corp.example]\nnetworks: [10.0.0.0/8]\nserver:\n  listen: "127.0.0.1:${await freePort()}"\n`)
  await (await openStore({ file: place.store }, { create: true })).close()
  await accounts(place)
  const served = await serve(place)
  try {
    const state = await signIn(on.browser, served.origin, 'approver')
    for (const scheme of ['light', 'dark'] as const)
      for (const at of pages)
        await check(`${nameOf(at)} of an empty fleet, ${scheme}`, async () => {
          const { context, page, faults } = await visitor(on.browser, served.origin, {
            scheme,
            width: scheme === 'light' ? 1280 : 400,
            state,
          })
          try {
            await page.goto(at)
            await settled(page)
            await shot(page, `empty-${nameOf(at)}-${scheme}`)
            assert.deepEqual(await violations(page), [])
            assert.equal(await tooWide(page), 0)
            assert.deepEqual(faults, [])
            // Whoever sees nothing is told how there will be something.
            if (at === '/' || at === '/machines') assert.match(await seen(page.locator('main')), /slmctl fleet import/)
          } finally {
            await context.close()
          }
        })
  } finally {
    await served.stop()
  }
}

const today = '**/api/v1/fleet/today'
const refusal = {
  ...{ type: 'urn:slmctl:problem:STORE_BUSY', title: 'The store is busy.', status: 503, code: 'STORE_BUSY' },
  ...{ next: ['Try again in a minute.'], instance: 'r-17' },
}
const refuse = (route: Route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(refusal) })

export async function states(on: Stage): Promise<void> {
  await nothingYet(on)
  const look = async (work: (page: Page, faults: string[], meant: RegExp[]) => Promise<void>, scheme: 'light' | 'dark' = 'light') => {
    const { context, page, faults, meant } = await visitor(on.browser, on.origin, { scheme, state: on.people.approver })
    try {
      await work(page, faults, meant)
      assert.deepEqual(faults, [])
    } finally {
      await context.close()
    }
  }
  for (const scheme of ['light', 'dark'] as const)
    await check(`a refusal of the server is said with its next step, and tried again by a button, ${scheme}`, () =>
      look(async (page, _, meant) => {
        meant.push(/503/)
        await page.route(today, refuse)
        await page.goto('/')
        await settled(page)
        const alert = page.getByRole('alert').first()
        for (const text of [refusal.title, refusal.next[0]!, refusal.code]) assert.ok((await seen(alert)).includes(text), text)
        await shot(page, `state-refused-${scheme}`)
        assert.deepEqual(await violations(page), [])
        await page.unroute(today)
        await page.getByRole('button', { name: 'Try again' }).first().click()
        await page.locator('.need-text').first().waitFor()
      }, scheme),
    )
  await check('a server that is gone is said, and the page comes back when it does', () =>
    look(async (page, _, meant) => {
      meant.push(/ERR_CONNECTION_REFUSED/)
      await page.route(today, (route) => route.abort('connectionrefused'))
      await page.goto('/')
      await settled(page)
      assert.match(await seen(page.getByRole('alert').first()), /does not answer/)
      await shot(page, 'state-gone')
      await page.unroute(today)
      await page.getByRole('button', { name: 'Try again' }).first().click()
      await page.locator('.need-text').first().waitFor()
    }),
  )
  await check('while a page loads its room is kept: it says so, and nothing shifts when it comes', () =>
    look(async (page) => {
      await page.route('**/api/v1/fleet/**', async (route) => {
        await new Promise((next) => setTimeout(next, 1200))
        await route.continue()
      })
      await page.goto('/')
      await page
        .getByText(/^Loading /)
        .first()
        .waitFor({ state: 'attached' })
      await shot(page, 'state-loading')
      assert.deepEqual(await violations(page), [])
      await settled(page)
      const shift = await shifted(page)
      assert.ok(shift < 0.02, `it shifts by ${shift.toFixed(3)}`)
    }),
  )
  await check('somebody in a hurry on a slow computer: pages are left while they load, and nothing is thrown', () =>
    look(async (page) => {
      const cdp = await page.context().newCDPSession(page)
      await cdp.send('Emulation.setCPUThrottlingRate', { rate: 6 })
      await page.route('**/api/**', async (route) => {
        await new Promise((next) => setTimeout(next, 250))
        await route.continue().catch(() => {})
      })
      await page.goto('/')
      for (const name of ['Machines', 'Hosts', 'Origin', 'Campaigns', 'Site', 'Expiring', 'Overview', 'Machines', 'Overview']) {
        await page.getByRole('navigation').getByRole('link', { name, exact: true }).click()
        await page.waitForTimeout(120)
      }
      await page.goBack()
      await page.goBack()
      await page.goForward()
      await page.goForward()
      await page.locator('.need-text').first().waitFor({ timeout: 60_000 })
      await page.waitForTimeout(1000)
    }),
  )
}
