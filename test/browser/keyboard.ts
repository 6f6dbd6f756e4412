/** The main journey by keys alone: Tab, Enter, Escape, arrows and letters. Wherever the focus is, it is seen. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import type { Today } from '../../src/schemas/api.ts'
import { check } from '../peers/checks.ts'
import { settled, shot, visitor } from './browser.ts'
import { lapsed, need, watchToTheEnd } from './journeys.ts'
import { seen } from './reading.ts'
import { nameOf, openStage, passwords } from './stage.ts'

type Focused = { readonly tag: string; readonly name: string; readonly marked: boolean; readonly inside: boolean }

/** What has the focus: its name as it is read out, whether its outline is drawn, whether it is on the screen. */
const focused = (page: Page) =>
  page.evaluate<Focused>(`(() => {
    const e = document.activeElement
    const labelled = e.labels && e.labels[0] ? e.labels[0].innerText : ''
    const outlined = (style) =>
      style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 && !/rgba\\(\\d+, \\d+, \\d+, 0\\)|transparent/.test(style.outlineColor)
    // A part of a drawing has no outline: a frame of its own is drawn.
    const framed = (style) => style.stroke !== 'none' && parseFloat(style.strokeWidth) >= 2
    const drawing = e.namespaceURI === 'http://www.w3.org/2000/svg'
    const drawn = outlined(getComputedStyle(e)) || (drawing && [e, ...e.querySelectorAll('*')].some((part) => framed(getComputedStyle(part))))
    const box = e.getBoundingClientRect()
    const name = e.getAttribute('aria-label') || labelled || e.innerText || e.textContent || ''
    return {
      tag: e.tagName.toLowerCase(),
      name: name.replace(/\\s+/g, ' ').trim(),
      marked: drawn,
      inside: box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth && box.width > 0,
    }
  })()`)

/** Presses Tab until something with this name has the focus. Each stop on the way has to be seen. */
export async function tabTo(page: Page, name: RegExp, most = 120): Promise<void> {
  const passed: string[] = []
  for (let i = 0; i < most; i++) {
    await page.keyboard.press('Tab')
    const now = await focused(page)
    if (now.tag === 'body') continue
    passed.push(`${now.tag} ${now.name.slice(0, 40)}`)
    assert.ok(now.marked, `the focus on ${now.tag} ${JSON.stringify(now.name.slice(0, 80))} of ${page.url()} is not marked`)
    assert.ok(now.inside, `the focus on ${now.tag} ${JSON.stringify(now.name.slice(0, 80))} of ${page.url()} is beyond the screen`)
    if (name.test(now.name)) return
  }
  throw new Error(`Tab comes to nothing called ${name} on ${page.url()}: ${passed.join(' | ')}`)
}

export async function keyboard(): Promise<void> {
  // The lapsed of the first fleet are licensed by now.
  const on = await openStage()
  const about = need(await on.json<Today>('today'), 'lapsed')
  for (const name of lapsed) await on.fleet.lab.fault(name, { kind: 'slow', ms: 60 })
  const { context, page, faults } = await visitor(on.browser, on.origin)
  const { keyboard: keys } = page
  try {
    await check('keys: sign in', async () => {
      await page.goto('/')
      await page.getByLabel('Password').waitFor()
      await tabTo(page, /^Name$/)
      await keys.type(nameOf('approver'))
      await tabTo(page, /^Password$/)
      await keys.type(passwords.approver)
      await keys.press('Enter')
      await page.locator('.needs').waitFor()
      await settled(page)
    })
    await check('keys: the way around the navigation, and a menu that Escape closes', async () => {
      await page.reload()
      await settled(page)
      await tabTo(page, /^Skip to the content/)
      await shot(page, 'keys-skip')
      await keys.press('Enter')
      assert.equal(await page.evaluate(`document.activeElement.closest('main') !== null`), true)
      await page.reload()
      await settled(page)
      await tabTo(page, new RegExp(nameOf('approver')))
      await keys.press('Enter')
      await page.getByRole('button', { name: 'Sign out' }).waitFor()
      await keys.press('Escape')
      await page.getByRole('button', { name: 'Sign out' }).waitFor({ state: 'hidden' })
      assert.match((await focused(page)).name, new RegExp(nameOf('approver')))
    })
    await check('keys: from the sentence to the lapsed', async () => {
      await tabTo(page, new RegExp(about.text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')))
      await shot(page, 'keys-sentence')
      await keys.press('Enter')
      await page.waitForURL(/\/machines\?/)
      await settled(page)
      // Whoever hears the page hears where they are.
      assert.equal((await focused(page)).name, 'Machines')
    })
    await check('keys: plan; a dialog keeps the focus, Escape closes it and gives the focus back', async () => {
      await tabTo(page, /^Plan these/)
      await keys.press('Enter')
      await page.getByRole('dialog').waitFor()
      await keys.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'hidden' })
      assert.match((await focused(page)).name, /^Plan these/)
      await keys.press('Enter')
      await page.getByRole('dialog').waitFor()
      for (let i = 0; i < 12; i++) {
        await keys.press('Tab')
        assert.equal(
          await page.evaluate(`document.activeElement === document.body || document.activeElement.closest('dialog') !== null`),
          true,
        )
      }
      await tabTo(page, /^Plan$/, 20)
      await keys.press('Enter')
      await page.waitForURL(/\/campaigns\/\d+/)
      await settled(page)
      await watchToTheEnd(page)
    })
    await check('keys: approve, watch to the end', async () => {
      await page.getByRole('button', { name: /^Approve and carry out/ }).waitFor()
      await settled(page)
      await tabTo(page, /^Approve and carry out/)
      await keys.press('Enter')
      await page.getByRole('dialog').waitFor()
      await shot(page, 'keys-approve')
      const plan = page.url()
      await tabTo(page, /^Change \d+ machines/, 40)
      await keys.press('Enter')
      await page.waitForURL((url) => url.href !== plan)
      await page.locator('.progress').waitFor()
      await watchToTheEnd(page)
      await settled(page)
    })
    await check('keys: verify on the page of a machine', async () => {
      await tabTo(page, new RegExp(`^${lapsed[2]}$`))
      await keys.press('Enter')
      await page.getByRole('heading', { level: 1, name: lapsed[2]! }).waitFor()
      await settled(page)
      assert.match(await seen(page.locator('.verdict')), /OK[\s\S]*licensed/)
      for (const name of lapsed) assert.equal(on.fleet.lab.state(name).products.find((p) => p.PartialProductKey)!.LicenseStatus, 1, name)
      await shot(page, 'keys-verified')
    })
    await check('keys: every stop of every page is seen', async () => {
      for (const at of ['/', '/machines', '/hosts', '/origin', '/campaigns', '/expiring', '/site', '/people', '/diagnose']) {
        await page.goto(at)
        await settled(page)
        let last = ''
        for (let i = 0; i < 60; i++) {
          await keys.press('Tab')
          const now = await focused(page)
          if (now.tag === 'body') break
          last = `${now.tag} ${JSON.stringify(now.name.slice(0, 80))} of ${at}`
          assert.ok(now.marked, `the focus on ${last} is not marked`)
          assert.ok(now.inside, `the focus on ${last} is beyond the screen`)
        }
        assert.notEqual(last, '', `${at} has nothing to stop at`)
      }
    })
    await check('no fault on the way', () => assert.deepEqual(faults, []))
  } finally {
    await context.close()
    await on.served.stop()
  }
}
