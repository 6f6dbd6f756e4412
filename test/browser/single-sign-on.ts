/**
 * Single sign-on as a browser does it: by a provider on another site, which sends people back by a form; asked anew when the session is
 * over, without a word; and what signing out says of it.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { readPages } from '../../src/server.ts'
import { check, folder } from '../peers/checks.ts'
import { certified, clientId, clientSecret, listening } from '../server/openid-provider.ts'
import { stage } from '../server/stage.ts'
import { program, settled, shot, tooWide, violations } from './browser.ts'
import { seen } from './reading.ts'

/** The provider's own pages: who it is, and that slmctl may know. */
async function signInThere(page: Page, login: string): Promise<void> {
  await page.locator('input[name=login]').fill(login)
  await page.locator('input[name=password]').fill('x')
  await page.locator('button[type=submit]').click()
  await page.waitForURL(/interaction/)
  const consent = page.locator('form:has(input[name=prompt][value=consent]) button[type=submit]')
  if ((await consent.count()) > 0) await consent.click()
}

export async function singleSignOn(): Promise<void> {
  const provider = await listening()
  // Another name of this computer is another site to a browser.
  const elsewhere = { ...provider, url: provider.url.replace('127.0.0.1', 'localhost') }
  const secret = join(folder('single-sign-on'), 'secret')
  writeFileSync(secret, `${clientSecret}\n`, { mode: 0o600 })
  const openid = {
    ...{ issuer: elsewhere.url, clientId, clientSecret: { file: secret }, label: 'Example single sign-on', claim: 'roles' },
    ...{ roles: { viewer: ['staff'], operator: [], approver: ['owners'] }, responseMode: 'form_post' as const, resource: null },
    dormantDays: 45,
  }
  const s = await stage({ openid }, { pages: readPages() })
  let roles = ['owners']
  await certified(elsewhere, `${s.server.url}/api/v1/sign-in/openid/callback`, () => roles)
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  const context = await browser.newContext({ baseURL: s.server.url, reducedMotion: 'reduce', viewport: { width: 1280, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const visited: string[] = []
  page.on('framenavigated', (frame) => visited.push(frame.url()))
  const account = page.locator('header').getByRole('button', { name: /ada@corp\.example/ })
  try {
    await check('single sign-on: there, and back by a form of another site, to where one wanted to be', async () => {
      await page.goto('/hosts')
      await settled(page)
      await page.getByRole('link', { name: 'Example single sign-on' }).click()
      await signInThere(page, 'ada')
      await page.waitForURL(`${s.server.url}/hosts`)
      await settled(page)
      assert.match(await seen(account), /approver/i)
    })
    await check('single sign-on: a session that is over is asked for anew without a word, with the role of now', async () => {
      roles = ['staff']
      s.clock.now += 3_600_000
      await page.clock.setFixedTime(s.clock.now)
      visited.length = 0
      await page.getByRole('link', { name: 'Machines', exact: true }).first().click()
      await page.waitForURL(`${s.server.url}/machines`)
      for (const until = Date.now() + 20_000; !visited.some((url) => url.includes('/callback?')); await page.waitForTimeout(50))
        assert.ok(Date.now() < until, visited.join('\n'))
      await page.waitForURL(`${s.server.url}/machines`)
      await settled(page)
      assert.match(await seen(account), /viewer/i)
      assert.ok(!visited.some((url) => url.includes('/interaction/')), visited.join('\n'))
    })
    await check('single sign-on: a session that was ended is not taken up again unasked', async () => {
      const [known] = await s.store.accounts()
      await s.store.endSessions(known!.id)
      visited.length = 0
      await page.getByRole('link', { name: 'Hosts', exact: true }).first().click()
      await page.getByText('Your session has ended').waitFor()
      assert.deepEqual(
        visited.filter((url) => !url.startsWith(s.server.url)),
        [],
      )
      await page.getByRole('link', { name: 'Example single sign-on' }).click()
      await page.waitForURL(`${s.server.url}/hosts`)
      await settled(page)
    })
    await check('single sign-on: signing out says that it is here alone, and leads to the provider’s', async () => {
      await account.click()
      await page.getByRole('button', { name: 'Sign out' }).click()
      const leave = page.getByRole('link', { name: 'Sign out there, too' })
      await leave.waitFor()
      for (const [scheme, width] of [
        ['light', 1280],
        ['dark', 400],
      ] as const) {
        await page.emulateMedia({ colorScheme: scheme })
        await page.setViewportSize({ width, height: 900 })
        await shot(page, `signed-out-of-here-${scheme}`)
        assert.deepEqual(await violations(page), [])
        assert.equal(await tooWide(page), 0)
      }
      await leave.click()
      await page.locator('button[name=logout]').click()
      await page.waitForURL(/session\/end\/success/)
      await page.goto('/hosts')
      await settled(page)
      await page.getByRole('link', { name: 'Example single sign-on' }).click()
      await page.locator('input[name=login]').waitFor()
    })
  } finally {
    await browser.close()
    await s.close()
    await provider.close()
  }
}
