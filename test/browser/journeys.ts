/** What people come for, with the mouse: sign in, find who lapsed, plan, approve, watch, verify; paste a text and read the answer. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import type { Today } from '../../src/schemas/api.ts'
import { check } from '../peers/checks.ts'
import { settled, shot, type Visitor, visitor } from './browser.ts'
import { numberIn, seen, table } from './reading.ts'
import { nameOf, passwords, type Stage } from './stage.ts'

/** Machines that ask a host that is gone, and lapsed last night. */
export const lapsed = Array.from({ length: 6 }, (_, i) => `pc-exam-0${i + 1}.corp.example`)

/** A need of today by its kind. */
export const need = (today: Today, kind: string) => {
  const found = today.needs.find((n) => n.kind === kind)
  if (!found) throw new Error(`nothing of today is ${kind}: ${today.needs.map((n) => n.kind).join(', ')}`)
  return found
}

async function visiting(on: Stage, looks: Parameters<typeof visitor>[2], work: (visit: Visitor) => Promise<void>): Promise<void> {
  const visit = await visitor(on.browser, on.origin, looks)
  try {
    await work(visit)
    assert.deepEqual(visit.faults, [])
  } finally {
    await visit.context.close()
  }
}

async function signIns(on: Stage): Promise<void> {
  await check('by the link that slmctl serve printed, in the tab that shows this page: once, and it leaves the address', () =>
    visiting(on, {}, async ({ page }) => {
      await page.goto('/sign-in')
      await settled(page)
      // Nothing but what is behind # differs: the document stays.
      await page.goto(on.served.link)
      await page.waitForURL((url) => url.pathname === '/')
      await settled(page)
      assert.equal(new URL(page.url()).hash, '')
      assert.match(await seen(page.locator('header')), /approver/)
      await shot(page, 'journey-signed-in-by-link')
    }),
  )
  await check('the same link a second time is refused, with what to do', () =>
    visiting(on, {}, async ({ page, meant }) => {
      meant.push(/401/)
      await page.goto(on.served.link)
      const alert = page.getByRole('alert')
      await alert.waitFor()
      assert.match(await seen(alert), /used already|older/)
      assert.match(await seen(alert), /slmctl serve/)
      await shot(page, 'journey-link-used')
    }),
  )
  await check('by a local account: a wrong password is refused, the right one leads to where somebody wanted to be', () =>
    visiting(on, {}, async ({ page, meant }) => {
      meant.push(/401/)
      await page.goto('/hosts')
      await page.getByLabel('Name').fill(nameOf('viewer'))
      await page.getByLabel('Password').fill('not-this-one-at-all')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('alert').waitFor()
      await shot(page, 'journey-wrong-password')
      await page.getByLabel('Password').fill(passwords.viewer)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('heading', { level: 1, name: /hosts/i }).waitFor()
      assert.equal(new URL(page.url()).pathname, '/hosts')
      await settled(page)
      await page.getByRole('button', { name: nameOf('viewer') }).click()
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByLabel('Password').waitFor()
    }),
  )
}

/** What a campaign's page says of itself, each time that it says something else, until it is over. */
export async function watchToTheEnd(page: Page): Promise<readonly string[]> {
  const said: string[] = []
  const end = performance.now() + 60_000
  for (;;) {
    const now = (await seen(page.locator('.progress'))).replaceAll(/\s+/g, ' ').trim()
    if (said.at(-1) !== now) said.push(now)
    if (/finished/.test((await page.locator('.progress [role=status]').textContent()) ?? '')) return said
    if (performance.now() > end) throw new Error(`it does not come to its end: ${said.join(' | ')}`)
    await page.waitForTimeout(40)
  }
}

async function lapsedToLicensed(on: Stage): Promise<void> {
  const before = await on.json<Today>('today')
  const about = need(before, 'lapsed')
  // Somebody who watches sees it go on: each answer of these machines takes a moment.
  for (const name of lapsed) await on.fleet.lab.fault(name, { kind: 'slow', ms: 120 })
  const calls = on.fleet.lab.callCounts()
  const visit = await visitor(on.browser, on.origin, { state: on.people.approver })
  const { page, faults } = visit
  let plan = ''
  try {
    await check('the sentence about the lapsed leads to exactly these machines', async () => {
      await page.goto('/')
      await settled(page)
      await page.getByRole('link', { name: about.text, exact: true }).click()
      await page.waitForURL(/\/machines\?/)
      await settled(page)
      const machines = await table(page, /^Machines/)
      assert.equal(numberIn(about.text), about.number)
      assert.equal(machines.rows.length, about.number)
      for (const name of lapsed)
        assert.ok(
          machines.rows.some((r) => r[0]!.startsWith(name)),
          name,
        )
      await shot(page, 'journey-1-lapsed')
    })
    await check('they are planned: what would change is read before anything does', async () => {
      await page.getByRole('button', { name: 'Plan these' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.waitFor()
      await shot(page, 'journey-2-plan-asked')
      await dialog.getByRole('button', { name: 'Plan', exact: true }).click()
      await page.waitForURL(/\/campaigns\/\d+/)
      await settled(page)
      await watchToTheEnd(page)
      await page.getByRole('heading', { name: /^\d+ machines would be changed$/ }).waitFor()
      await page.getByRole('heading', { name: lapsed[0]! }).waitFor()
      await settled(page)
      plan = new URL(page.url()).pathname
      const steps = await seen(page.locator('article.plan').first())
      assert.match(steps, /use the KMS host|back to DNS|clear/i)
      assert.match(steps, /activate/)
      await shot(page, 'journey-3-planned')
      assert.equal(on.fleet.lab.callCounts().calls, calls.calls, 'a plan changed something')
    })
    await check('it is approved, and goes on while somebody watches, without loading the page again', async () => {
      await page.getByRole('button', { name: /^Approve and carry out/ }).click()
      const dialog = page.getByRole('dialog')
      await dialog.waitFor()
      await shot(page, 'journey-4-approve')
      await page.evaluate('globalThis.notLoadedAgain = true')
      await dialog.getByRole('button', { name: /^Change \d+ machines/ }).click()
      await page.waitForURL((url) => url.pathname !== plan)
      await page.locator('.progress').waitFor()
      await shot(page, 'journey-5-running')
      const said = await watchToTheEnd(page)
      assert.ok(said.length >= 3, `it was not seen to go on: ${said.join(' | ')}`)
      assert.equal(await page.evaluate('globalThis.notLoadedAgain'), true)
      await settled(page)
      await page.getByRole('heading', { name: 'Verified' }).waitFor()
      await shot(page, 'journey-6-finished')
      assert.match(await seen(page.locator('main')), new RegExp(`${lapsed.length} machines changed`))
    })
    await check('the machines are licensed, in truth and on their page; the number of the overview went down', async () => {
      for (const name of lapsed) {
        const { products } = on.fleet.lab.state(name)
        assert.equal(products.find((p) => p.PartialProductKey)!.LicenseStatus, 1, name)
      }
      const { byMachine, repeated } = on.fleet.lab.callCounts()
      // Of the hosts that may be used one is dead: a machine that tried it first tried another.
      for (const name of lapsed) assert.ok([1, 2].includes(byMachine[name]!.byMethod.Activate!.calls), name)
      assert.equal(repeated, calls.repeated)
      await page.getByRole('link', { name: lapsed[0]! }).first().click()
      await page.getByRole('heading', { level: 1, name: lapsed[0]! }).waitFor()
      await settled(page)
      assert.match(await seen(page.locator('.verdict')), /OK[\s\S]*licensed/)
      await shot(page, 'journey-7-machine')
      await page.getByRole('navigation').getByRole('link', { name: 'Overview' }).click()
      await settled(page)
      const after = await on.json<Today>('today')
      assert.equal(after.summary.counts.verdict.action, (before.summary.counts.verdict.action ?? 0) - lapsed.length)
      const states = await table(page, /How the machines are/)
      assert.equal(numberIn(states.rows[0]![1]!), after.summary.counts.verdict.action)
      assert.ok(!(await seen(page.locator('.needs'))).includes(about.text))
      await shot(page, 'journey-8-overview')
    })
    await check('no fault on the way', () => assert.deepEqual(faults, []))
  } finally {
    await visit.context.close()
    for (const name of lapsed) await on.fleet.lab.fault(name, null)
  }
}

const example = 'examples/10-server2019-std-skms-external-ato-c004f074-transcript.txt'

async function diagnoses(on: Stage): Promise<void> {
  await check('a text is pasted: the answer of the command, and each statement points at its line', () =>
    visiting(on, { state: on.people.viewer }, async ({ page }) => {
      const text = readFileSync(example, 'utf8')
      await page.goto('/diagnose')
      await settled(page)
      await page.getByLabel(/Paste the text/).fill(text)
      await page.getByRole('button', { name: 'Diagnose', exact: true }).click()
      await page.getByRole('heading', { name: 'What it says' }).waitFor()
      await settled(page)
      await shot(page, 'journey-diagnose')
      const { command } = await import('./served.ts')
      const said = JSON.parse((await command(on, ['diagnose', example, '--site', on.site, '--json'])).out) as Answer
      const answer = plain(await seen(page.locator('.diagnosis-answer')))
      assert.ok(answer.includes(plain(said.machine.headline)), said.machine.headline)
      for (const p of said.products) if (p.cause) assert.ok(answer.includes(plain(p.cause)), p.cause)
      const lines = text.split(/\r?\n/)
      for (const more of await page.locator('.diagnosis-answer details:not([open]) > summary').all()) await more.click()
      const links = page.locator('.diagnosis-answer a[href*="#"]')
      const count = await links.count()
      const wanted = new Set([...said.products, ...said.findings].flatMap((s) => s.evidence.map((e) => e.line)))
      assert.ok(count >= wanted.size && wanted.size > 0, `${count} statements point at lines; the command names ${wanted.size}`)
      const pointed = new Set<number>()
      for (let i = 0; i < count; i++) {
        await links.nth(i).click()
        const target = await page.evaluate<{ text: string; seen: boolean } | null>(`(() => {
          const t = document.getElementById(decodeURIComponent(location.hash.slice(1)))
          if (!t) return null
          const box = t.getBoundingClientRect()
          return { text: t.innerText, seen: box.bottom > 0 && box.top < innerHeight }
        })()`)
        assert.ok(target, `${page.url()} leads nowhere`)
        assert.ok(target.seen, 'the line that is pointed at is not seen')
        const number = Number(/^\s*(\d+)/.exec(target.text)?.[1])
        assert.ok(target.text.includes(lines[number - 1]!.trim()), `line ${number}: ${target.text}`)
        pointed.add(number)
      }
      for (const line of wanted) assert.ok(pointed.has(line), `nothing points at line ${line}`)
    }),
  )
}

type Statement = { readonly cause?: string | null; readonly evidence: readonly { readonly line: number }[] }
type Answer = {
  readonly machine: { readonly headline: string }
  readonly products: readonly Statement[]
  readonly findings: readonly Statement[]
}
const plain = (text: string) => text.replaceAll(/\s+/g, ' ').trim()

export async function journeys(on: Stage): Promise<void> {
  await signIns(on)
  await lapsedToLicensed(on)
  await diagnoses(on)
}
