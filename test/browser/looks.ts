/** Every page, light and dark, wide and narrow: what axe says, what it asked, what shifted, and its picture. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { check } from '../peers/checks.ts'
import { settled, shifted, shot, tooNarrow, tooWide, type Visitor, violations, visitor } from './browser.ts'
import { seen } from './reading.ts'
import type { Stage } from './stage.ts'

/** A page to look at; `then`: what is done on it before it is looked at. */
type View = { readonly name: string; readonly at: string; readonly then?: (page: Page) => Promise<void> }

/** The pages with something on them, as a person who may do everything sees them. */
export async function views(on: Stage): Promise<readonly View[]> {
  const named = (name: string) => on.withStore(async (store) => (await store.find(name))[0]!.id)
  const { campaigns } = await on.json<{ campaigns: { id: number; kind: string }[] }>('campaigns')
  const newest = (kind: string) => campaigns.find((c) => c.kind === kind)
  const planned = newest('plan')
  return [
    { name: 'overview', at: '/' },
    { name: 'machines', at: '/machines' },
    { name: 'machines-filtered', at: '/machines?verdict=action&sort=-expires' },
    { name: 'machines-none', at: '/machines?text=nothing-is-called-so' },
    { name: 'machine-lapsed', at: `/machines/${await named('pc-exam-02.corp.example')}` },
    { name: 'machine-foreign', at: `/machines/${await named('pc-loan-01.corp.example')}` },
    { name: 'machine-well', at: `/machines/${await named('pc-law-01.corp.example')}` },
    { name: 'machine-unknown', at: '/machines/99999999' },
    { name: 'import', at: '/machines/import' },
    { name: 'expiring', at: '/expiring?days=180' },
    { name: 'hosts', at: '/hosts' },
    { name: 'host', at: '/hosts/kms1.corp.example/1688' },
    { name: 'host-dead', at: '/hosts/kms2.corp.example/1688' },
    { name: 'host-unknown', at: '/hosts/no-such-host.corp.example/1688' },
    { name: 'origin', at: '/origin' },
    { name: 'campaigns', at: '/campaigns' },
    { name: 'campaign-scan', at: `/campaigns/${newest('scan')!.id}` },
    ...(planned ? [{ name: 'campaign-plan', at: `/campaigns/${planned.id}` }] : []),
    { name: 'campaign-unknown', at: '/campaigns/99999999' },
    { name: 'diagnose', at: '/diagnose' },
    { name: 'site', at: '/site' },
    { name: 'people', at: '/people' },
    { name: 'no-such-page', at: '/nothing-is-here' },
  ]
}

/** Refusals that these pages are about. */
const expected: Readonly<Record<string, RegExp>> = {
  'machine-unknown': /99999999|404/,
  'host-unknown': /no-such-host|404/,
  'campaign-unknown': /99999999|404/,
}

/** One page as it stands there: nothing that is wrong may be said of it. */
export async function look(visit: Visitor, view: View, about: string): Promise<void> {
  const { page, faults, meant } = visit
  const of = expected[view.name]
  if (of) meant.push(of)
  await page.goto(view.at)
  await settled(page)
  await view.then?.(page)
  const shift = await shifted(page)
  await shot(page, `${view.name}-${about}`)
  const wrong = await violations(page)
  assert.deepEqual(wrong, [], 'axe')
  assert.equal(await tooWide(page), 0, 'the page scrolls sideways')
  if (page.viewportSize()!.width < 600) await fits(page)
  assert.deepEqual(
    await page.evaluate('document.getAnimations().map((one) => one.constructor.name)'),
    [],
    'it moves, though that is unwanted',
  )
  assert.ok(shift < 0.02, `the page shifts by ${shift.toFixed(3)} while it is loaded`)
  assert.deepEqual(faults, [])
}

/** Nothing of a page has to be scrolled sideways, what can be opened neither. */
async function fits(page: Page): Promise<void> {
  await page.evaluate('document.querySelectorAll("main details").forEach((one) => { one.open = true })')
  assert.deepEqual(await tooNarrow(page), [], 'a box of it scrolls sideways')
  assert.equal(await tooWide(page), 0, 'the page scrolls sideways')
}

/** Pages that are looked at side by side: most of the time of each is waiting. */
const lanes = 3

export async function looks(on: Stage): Promise<void> {
  const all = await views(on)
  for (const scheme of ['light', 'dark'] as const)
    for (const width of [1280, 400]) {
      const about = `${scheme}-${width}`
      await check(`sign-in, ${about}`, async () => {
        const visit = await visitor(on.browser, on.origin, { scheme, width })
        try {
          await look(visit, { name: 'sign-in', at: '/sign-in' }, about)
        } finally {
          await visit.context.close()
        }
      })
      const left = [...all]
      const lane = async () => {
        const visit = await visitor(on.browser, on.origin, { scheme, width, state: on.people.approver })
        for (let view = left.shift(); view; view = left.shift()) {
          const at = view
          visit.faults.length = 0
          visit.meant.length = 0
          await check(`${at.name}, ${about}`, () => look(visit, at, about))
        }
        await visit.context.close()
      }
      await Promise.all(Array.from({ length: lanes }, lane))
    }
  await check('on a phone a list is cards, and still a table: to a screen reader, and to the keys that sort it', () => cards(on))
  // A window of 1280 px has so many left at 200 % and at 400 %.
  for (const width of [640, 320])
    await check(`enlarged ${(1280 / width) * 100} %, no page scrolls sideways`, async () => {
      const visit = await visitor(on.browser, on.origin, { width, state: on.people.approver })
      visit.meant.push(...Object.values(expected))
      try {
        for (const view of all) {
          await visit.page.goto(view.at)
          await settled(visit.page)
          await fits(visit.page).catch((error: Error) => assert.fail(`${view.name}: ${error.message}`))
        }
        assert.deepEqual(visit.faults, [])
      } finally {
        await visit.context.close()
      }
    })
  for (const scheme of ['light', 'dark'] as const)
    await check(`in the system’s own colours, ${scheme}, everything is still told apart`, () => forced(on, scheme))
  await check('pages are printed: without what only a screen has a use for', async () => {
    const visit = await visitor(on.browser, on.origin, { scheme: 'dark', state: on.people.viewer })
    try {
      for (const view of all.filter((v) => ['overview', 'machines-filtered', 'machine-lapsed', 'origin', 'host'].includes(v.name))) {
        await visit.page.goto(view.at)
        await settled(visit.page)
        await visit.page.emulateMedia({ media: 'print' })
        await shot(visit.page, `${view.name}-print`)
        assert.ok(await visit.page.locator('h1').isVisible(), `${view.name}: its title is printed`)
        assert.equal(await visit.page.locator('nav').first().isVisible(), false, `${view.name}: the navigation is not`)
        const main = await seen(visit.page.locator('main'))
        assert.doesNotMatch(main, /\b(just now|ago)\b/, `${view.name}: paper does not know when it is read`)
        assert.match(main, /\b\d{4}-\d\d-\d\d\b/, `${view.name}: moments are printed`)
        // What is printed is black on white, whatever the screen likes.
        const ground = await visit.page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
        assert.match(ground, /rgba?\(255, 255, 255|rgba\(0, 0, 0, 0\)/, `${view.name}: ${ground}`)
        const pdf = await visit.page.pdf({ format: 'A4' })
        assert.ok(pdf.length > 5_000)
        await visit.page.emulateMedia({ media: 'screen' })
      }
      assert.deepEqual(visit.faults, [])
    } finally {
      await visit.context.close()
    }
  })
}

/** So many of each role the accessibility tree has in tables that screen readers see. */
async function rolesOf({ context, page }: Visitor): Promise<Readonly<Record<string, number>>> {
  const session = await context.newCDPSession(page)
  const { nodes } = await session.send('Accessibility.getFullAXTree')
  await session.detach()
  const found: Record<string, number> = {}
  for (const { ignored, role } of nodes)
    if (!ignored && /^(table|row|rowheader|columnheader|cell)$/.test(role?.value ?? '')) found[role!.value] = (found[role!.value] ?? 0) + 1
  return found
}

async function cards(on: Stage): Promise<void> {
  const visit = await visitor(on.browser, on.origin, { width: 400, state: on.people.viewer })
  const { page } = visit
  try {
    await page.goto('/machines?verdict=action')
    await settled(page)
    const rows = await page.locator('tbody tr').count()
    assert.ok(rows > 5, `${rows} rows`)
    const narrow = await rolesOf(visit)
    const name = page.getByRole('rowheader').first()
    const [first, second] = [await name.boundingBox(), await page.getByRole('cell').first().boundingBox()]
    assert.ok(second!.y >= first!.y + first!.height - 1 && second!.width > 250, 'the values of a row stand below its name')
    const label = await page.evaluate<string>('getComputedStyle(document.querySelector("tbody td"), "::before").content')
    assert.match(label, /Verdict/, 'each value has its name beside it')
    assert.ok(await page.getByRole('table', { name: 'Machines' }).isVisible())
    await page.setViewportSize({ width: 1280, height: 900 })
    await settled(page)
    const wide = await rolesOf(visit)
    assert.deepEqual(narrow, wide, 'nothing of the table is lost')
    assert.deepEqual([wide.table, wide.row, wide.rowheader, wide.columnheader, wide.cell], [1, rows + 1, rows, 7, rows * 6])
    await page.setViewportSize({ width: 400, height: 800 })
    const order = async () => await page.getByRole('rowheader').allInnerTexts()
    const before = await order()
    const sort = page.getByRole('columnheader', { name: 'Machine' }).getByRole('button')
    await sort.focus()
    assert.ok(await sort.isVisible())
    await page.keyboard.press('Enter')
    await page.waitForURL(/sort=-name/)
    await settled(page)
    assert.deepEqual(await order(), before.toReversed())
    assert.equal(await page.getByRole('columnheader', { name: 'Machine' }).getAttribute('aria-sort'), 'descending')
    assert.deepEqual(visit.faults, [])
  } finally {
    await visit.context.close()
  }
}

/** The computed style of the first that a selector means. */
const styleOf = (page: Page, selector: string, property: string) =>
  page.evaluate<string>(`getComputedStyle(document.querySelector(${JSON.stringify(selector)})).${property}`)

/** Windows’ contrast themes: the system chooses all colours, grounds and shadows are gone. */
async function forced(on: Stage, scheme: 'light' | 'dark'): Promise<void> {
  const visit = await visitor(on.browser, on.origin, { scheme, state: on.people.approver })
  const { page } = visit
  try {
    await page.emulateMedia({ forcedColors: 'active', colorScheme: scheme })
    for (const view of await views(on)) {
      if (!['overview', 'machines-filtered', 'machine-foreign', 'host', 'origin', 'diagnose'].includes(view.name)) continue
      await page.goto(view.at)
      await settled(page)
      await shot(page, `${view.name}-forced-${scheme}`)
      assert.deepEqual(await violations(page), [], view.name)
      const line = (selector: string) => styleOf(page, selector, 'borderBottomColor')
      assert.notEqual(await line('.pages a[aria-current]'), await line('.pages a:not([aria-current])'), `${view.name}: where one is`)
    }
    await page.goto('/machines?verdict=action')
    await settled(page)
    assert.equal(await styleOf(page, '.chip:has(:checked)', 'outlineStyle'), 'solid', 'what is chosen')
    assert.equal(await styleOf(page, '.tag', 'borderTopStyle'), 'solid', 'a word with its shape')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    assert.equal(await styleOf(page, ':focus-visible', 'outlineStyle'), 'solid', 'where the keys are')
    assert.deepEqual(visit.faults, [])
  } finally {
    await visit.context.close()
  }
}
