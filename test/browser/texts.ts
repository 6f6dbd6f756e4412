/** Diagnose with long texts and many: it is said that one is read, it can be stopped, and nothing that was given is lost. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { check } from '../peers/checks.ts'
import { settled, shot, tooWide, type Visitor, violations, visitor } from './browser.ts'
import { seen } from './reading.ts'
import type { Stage } from './stage.ts'

async function visiting(on: Stage, width: number, work: (visit: Visitor) => Promise<void>): Promise<void> {
  const visit = await visitor(on.browser, on.origin, { state: on.people.viewer, width })
  try {
    await work(visit)
    assert.deepEqual(visit.faults, [])
  } finally {
    await visit.context.close()
  }
}

/** Runs in the page: files as somebody drops them, wherever. */
function drop({ at, files }: { readonly at: string; readonly files: readonly { readonly name: string; readonly text: string }[] }): void {
  const all = globalThis as unknown as Record<string, new (...args: unknown[]) => never> & {
    document: { querySelector(at: string): { dispatchEvent(event: unknown): void } }
  }
  const dataTransfer = new all.DataTransfer!() as { items: { add(file: unknown): void } }
  for (const { name, text } of files) dataTransfer.items.add(new all.File!([text], name))
  all.document.querySelector(at).dispatchEvent(new all.DragEvent!('drop', { bubbles: true, cancelable: true, dataTransfer }))
}

const files = globSync('test/cases/diagnose/[0-9]*.txt')
  .sort()
  .map((file) => ({ name: basename(file), text: readFileSync(file, 'utf8') }))

export async function texts(on: Stage): Promise<void> {
  for (const width of [1280, 400])
    await check(`a text that is being read says so, is stopped, changed and read at ${width} px`, () =>
      visiting(on, width, async ({ page }) => {
        // The answer is held back until the page was looked at: how fast this computer reads does not matter.
        const held = Promise.withResolvers<void>()
        let asked = 0
        let stopped = 0
        page.on('requestfailed', (request) => {
          if (request.url().endsWith('/api/v1/diagnose')) stopped++
        })
        await page.route('**/api/v1/diagnose', async (route) => {
          if (++asked === 1) await held.promise
          await route.continue().catch(() => {})
        })
        await page.goto('/diagnose')
        await settled(page)
        const field = page.getByLabel(/Paste the text/)
        await field.fill(files[0]!.text)
        await page.getByRole('button', { name: 'Diagnose', exact: true }).click()
        await page
          .getByRole('status')
          .getByText(/Reading .* of text/)
          .waitFor()
        assert.deepEqual(await violations(page), [])
        await shot(page, `texts-reading-${width}`)
        await page.getByRole('button', { name: 'Stop reading' }).click()
        await page.getByText('You stopped it').waitFor()
        held.resolve()
        assert.deepEqual(await violations(page), [])
        await shot(page, `texts-stopped-${width}`)
        assert.equal(stopped, 1, 'the server is told')
        await page.getByRole('button', { name: 'Change the text' }).click()
        assert.equal(await field.inputValue(), files[0]!.text.replaceAll('\r\n', '\n'), 'what was pasted is still there')
        await page.getByRole('button', { name: 'Diagnose', exact: true }).click()
        await page.locator('.reading').waitFor()
        assert.equal(asked, 2)
        assert.equal(await page.evaluate('document.activeElement.id'), 'answer', 'whoever cannot see is led to the answer')
      }),
    )

  for (const width of [1280, 400])
    await check(`several files are dropped beside the field at ${width} px, and each is told by its name`, () =>
      visiting(on, width, async ({ page }) => {
        await page.goto('/diagnose')
        await settled(page)
        await page.evaluate(drop, { at: 'h1', files: [...files, files[0]!] })
        await page.locator('.reading').first().waitFor()
        await settled(page)
        assert.deepEqual(await violations(page), [])
        assert.equal(await tooWide(page), 0)
        const names = [...files.map((f) => f.name), `${files[0]!.name} (${files.length + 1})`]
        const given = await page.locator('.diagnosis-text h3').allTextContents()
        assert.deepEqual(given, names)
        assert.match(await seen(page.locator('.reading-summary')), /machines: /)
        await shot(page, `texts-files-${width}`)
      }),
    )

  await check('a text that is too long is told before it is sent, and stays', () =>
    visiting(on, 1280, async ({ page }) => {
      await page.goto('/diagnose')
      await settled(page)
      await page.getByLabel(/Paste the text/).fill('x'.repeat(5_300_000))
      await page.getByRole('button', { name: 'Diagnose', exact: true }).click()
      await page.getByText(/That is 5\.1 MB; 5\.0 MB are read at once/).waitFor()
      assert.equal((await page.getByLabel(/Paste the text/).inputValue()).length, 5_300_000)
    }),
  )
}
