/** What the first page costs somebody who comes for the first time: bytes over the wire as Chromium counts them, and what shifts. */
import type { BrowserContext } from 'playwright-core'
import { launch, settled, shifted, visitor } from '../../test/browser/browser.ts'

export type FirstPage = {
  readonly bytes: number
  readonly shift: number
  readonly parts: readonly { readonly path: string; readonly bytes: number }[]
}

/** Opens the overview with an empty cache; `signedIn`: the cookies of somebody. */
export async function firstPage(origin: string, signedIn: Awaited<ReturnType<BrowserContext['storageState']>>): Promise<FirstPage> {
  const browser = await launch()
  try {
    const { context, page } = await visitor(browser, origin, { state: signedIn })
    const network = await context.newCDPSession(page)
    await network.send('Network.enable')
    await network.send('Network.setCacheDisabled', { cacheDisabled: true })
    const urls = new Map<string, string>()
    const sizes = new Map<string, number>()
    network.on('Network.requestWillBeSent', ({ requestId, request }) => urls.set(requestId, request.url))
    network.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => sizes.set(requestId, encodedDataLength))
    await page.goto('/')
    await settled(page)
    // What the page fetches when it has nothing else to do is a part of it, too.
    await page.waitForTimeout(1500)
    const parts = [...sizes].map(([id, bytes]) => ({ path: new URL(urls.get(id) ?? origin).pathname, bytes }))
    return { bytes: parts.reduce((sum, p) => sum + p.bytes, 0), shift: await shifted(page), parts }
  } finally {
    await browser.close()
  }
}

/** Signs in by a one-time link; answers the cookies. */
export async function signedInBy(origin: string, link: string): Promise<Awaited<ReturnType<BrowserContext['storageState']>>> {
  const browser = await launch()
  try {
    const { context, page } = await visitor(browser, origin)
    await page.goto(link)
    await page.waitForURL((url) => url.pathname === '/')
    await settled(page)
    return await context.storageState()
  } finally {
    await browser.close()
  }
}
