/** What a page says, read as a person reads it: tables by their captions, lists, numbers. */
import type { Locator, Page } from 'playwright-core'

export type Table = { readonly heads: readonly string[]; readonly rows: readonly (readonly string[])[] }

const plain = (text: string) => text.replaceAll(/\s+/g, ' ').trim()

/** A table by its caption, its label, or the title of the chart that it stands behind; null: the page has none. */
export async function tableCalled(page: Page, called: RegExp): Promise<Table | null> {
  const all = await page.evaluate<
    { name: string; heads: string[]; rows: string[][] }[]
  >(`[...document.querySelectorAll('main table')].map((t) => {
    const labelled = t.closest('[aria-label]')?.getAttribute('aria-label') ?? ''
    const caption = t.querySelector('caption')?.textContent ?? ''
    const cells = (row) => [...row.children].map((c) => c.textContent ?? '')
    return {
      name: caption + ' | ' + labelled,
      heads: [...t.querySelectorAll('thead tr')].flatMap(cells),
      rows: [...t.querySelectorAll('tbody tr')].map(cells),
    }
  })`)
  const found = all.find((t) => called.test(t.name))
  return found ? { heads: found.heads.map(plain), rows: found.rows.map((row) => row.map(plain)) } : null
}

export async function table(page: Page, called: RegExp): Promise<Table> {
  const found = await tableCalled(page, called)
  if (!found) throw new Error(`${page.url()} has no table called ${called}`)
  return found
}

/** `1,234` as a number; a text that has none is a mistake. */
export function numberIn(text: string): number {
  const found = /\d[\d,]*/.exec(text)
  if (!found) throw new Error(`no number in ${JSON.stringify(text)}`)
  return Number(found[0].replaceAll(',', ''))
}

/** The column of a table under a head, by number. */
export function column(of: Table, head: RegExp): readonly string[] {
  const at = of.heads.findIndex((h) => head.test(h))
  if (at < 0) throw new Error(`no column ${head} in ${of.heads.join(' | ')}`)
  return of.rows.map((row) => row[at]!)
}

export const texts = async (page: Page, selector: string): Promise<readonly string[]> =>
  (await page.locator(selector).allTextContents()).map(plain)

/** What is seen of a part of a page: without what is hidden. */
// biome-ignore lint/performance/useDomNodeTextContent: what is hidden is not meant.
export const seen = (part: Locator): Promise<string> => part.innerText()
