/** What machines and people bring as text stays text: script in names, groups, products, causes, hosts, and in what is pasted. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openStore } from '../../src/store.ts'
import { check, folder, freePort } from '../peers/checks.ts'
import { found, product } from '../store/fixture.ts'
import { settled, shot, tooWide, violations, visitor } from './browser.ts'
import { seen } from './reading.ts'
import { type Place, serve } from './served.ts'
import { accounts, type Stage, signIn } from './stage.ts'

const image = `<img src=x onerror="globalThis.harmed='image'">`
const script = `"><script>globalThis.harmed='script'</script>`
const svg = `'><svg onload=globalThis.harmed='svg'>`
const link = `javascript:globalThis.harmed='link'`
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is to be shown as it stands.
const sigils = '{{harmed}} ${harmed} &lt;b&gt; ‮reversed‬ \u0007'
const all = [image, script, svg, link, sigils]

/** A store into which somebody put all of it, past every door that would have refused it. */
async function harmfulStore(file: string): Promise<{ readonly machine: number; readonly names: readonly string[] }> {
  const store = await openStore({ file }, { create: true })
  try {
    const names = all.map((text, i) => `pc-${i}-${text}`)
    await store.importMachines(
      names.map((name, i) => found(name, { groups: [`group ${all[i]}`], system: `Windows ${all[i]}`, pool: `pool ${all[i]}` })),
      { source: `list:${image}`, at: Date.now() },
    )
    const { rows } = await store.list({}, { limit: 100, after: null })
    for (const [i, m] of rows.entries()) {
      const text = all[i % all.length]!
      const lapsed = product({
        name: `Windows ${text}`,
        state: 'notification',
        verdict: 'action',
        origin: i % 2 === 0 ? 'foreign' : 'suspect',
        cause: `The cause is ${text}`,
        next: [`Do ${text}`],
        kms: { ...product().kms!, host: `kms-${text}` },
      })
      const reading = {
        verdict: 'action',
        origin: lapsed.origin,
        headline: `Headline ${text}`,
        next: [`Do ${text}`],
        system: `Windows ${text}`,
      } as const
      await store.observe([{ machine: m.id, at: Date.now(), live: true, whole: true, uuid: null, cmid: null, products: [lapsed], reading }])
    }
    await store.saveHosts([{ name: `kms-${image}`, port: 1688, sources: [`dns ${script}`] }], Date.now())
    const campaign = await store.createCampaign({ key: 'harm', kind: 'scan', name: `--text ${image}`, settings: {}, at: Date.now() })
    await store.addTargets(
      campaign,
      rows.map((m, i) => ({ machine: m.id, site: svg, position: i })),
      0,
    )
    await store.setCampaign(campaign, { state: 'stopped', because: `By ${script}`, at: Date.now() })
    return { machine: rows[0]!.id, names: rows.map((m) => m.name) }
  } finally {
    await store.close()
  }
}

export async function harm(on: Stage): Promise<void> {
  const home = folder('harm')
  const state = join(home, 'state')
  mkdirSync(state, { recursive: true, mode: 0o700 })
  const place: Place = { site: join(home, 'slmctl.yaml'), store: join(home, 'fleet.db'), state }
  writeFileSync(
    place.site,
    `organisation: ${JSON.stringify(`Example ${image}`)}\ndomains: [corp.example]\nnetworks: [10.0.0.0/8]\nserver:\n  listen: "127.0.0.1:${await freePort()}"\n`,
  )
  const { machine, names } = await harmfulStore(place.store)
  await accounts(place)
  const served = await serve(place)
  try {
    const { browser } = on
    const signedIn = await signIn(browser, served.origin, 'approver')
    const visit = await visitor(browser, served.origin, { state: signedIn })
    const { page, faults } = visit
    let asked = 0
    page.on('dialog', (dialog) => {
      asked++
      void dialog.dismiss()
    })
    const clean = async (what: string) => {
      assert.equal(await page.evaluate('globalThis.harmed'), undefined, what)
      // As elements, whoever made them: there are none with handlers, none that were brought.
      const brought = await page.evaluate(
        `[...document.querySelectorAll('[onerror], [onload], img[src="x"], a[href^="javascript:"], main script')].map((e) => e.outerHTML)`,
      )
      assert.deepEqual(brought, [], what)
      assert.equal(asked, 0, what)
    }
    for (const at of [
      '/',
      '/machines',
      `/machines/${machine}`,
      '/hosts',
      '/origin',
      '/expiring?days=180',
      '/campaigns',
      '/campaigns/1',
      '/people',
      '/site',
    ])
      await check(`script in what is kept is text on ${at.replace(/\d+$/, 'N')}`, async () => {
        faults.length = 0
        await page.goto(at)
        await settled(page)
        await page.waitForTimeout(200)
        await clean(at)
        if (at === '/machines') for (const name of names) assert.ok((await seen(page.locator('main'))).includes(name.slice(0, 20)), name)
        assert.deepEqual(faults, [])
        assert.equal(await tooWide(page), 0, 'the page scrolls sideways')
        assert.deepEqual(await violations(page), [])
        await shot(page, `harm-${at === '/' ? 'overview' : at.split('/')[1]!.replace(/\?.*/, '')}${/\/\d+$/.test(at) ? '-one' : ''}`)
      })
    await check('script in an address is text, too', async () => {
      faults.length = 0
      // Without a dot: what has one is the name of a file, and there is none.
      for (const text of ['<img src=x onerror=alert(1)>', '"><script>alert(2)</script>']) {
        await page.goto(`/machines?text=${encodeURIComponent(text)}`)
        await settled(page)
        await clean(text)
        await page.goto(`/hosts/${encodeURIComponent(text)}/1688`)
        visit.meant.push(/404|hosts\//)
        await settled(page)
        await clean(text)
      }
    })
    await check('script in a text that is pasted is text', async () => {
      faults.length = 0
      await page.goto('/diagnose')
      await settled(page)
      const text = `Name: Windows(R), Enterprise edition ${image}\nDescription: ${script}\nLicense Status: Notification\nError: 0xC004F074\nKMS machine name: ${svg}\n`
      await page.locator('textarea').first().fill(text)
      await page.getByRole('button', { name: /diagnose/i }).click()
      await page.waitForTimeout(500)
      await settled(page)
      assert.match(await seen(page.locator('main')), /onerror|script/)
      await clean('pasted')
      assert.deepEqual(faults, [])
    })
    await visit.context.close()
  } finally {
    await served.stop()
  }
}
