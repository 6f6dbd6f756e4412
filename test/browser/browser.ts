/** Debian's Chromium, and pages that are watched: what they ask, what goes wrong in them, what shifts. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { run } from '../peers/checks.ts'

export const program = '/usr/bin/chromium'
/** Where screenshots go. */
export const screens = resolve(process.env.SLMCTL_SCREENS ?? 'dist/screens')

/** Null where Chromium is installed (now); else why it cannot be used here. */
export async function ready(): Promise<string | null> {
  if (existsSync(program)) return null
  if (process.platform !== 'linux' || !existsSync('/etc/debian_version')) return 'needs Debian’s Chromium'
  if (process.getuid!() !== 0) return 'Chromium is not installed: apt-get install chromium'
  console.log('installing chromium')
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const install = () => run('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'chromium'], { env, timeoutMs: 400_000 })
  let done = await install()
  if (done.code !== 0) {
    await run('apt-get', ['update', '-q'], { env, timeoutMs: 120_000 })
    done = await install()
  }
  return done.code === 0 ? null : `apt-get could not install Chromium: ${done.stderr.trim().split('\n').at(-1)}`
}

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: program,
    // Root has no sandbox of its own. No name leads anywhere: what a page asks beyond the server fails, and is seen.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
  })

/** What must not have been when a page is left. */
export type Faults = string[]
export type Visitor = {
  readonly context: BrowserContext
  readonly page: Page
  readonly faults: Faults
  /** Answers of the server that are errors and meant, such as a refused sign-in: they are no fault. */
  readonly meant: RegExp[]
}
export type Looks = {
  readonly scheme?: 'light' | 'dark'
  readonly width?: number
  readonly state?: Awaited<ReturnType<BrowserContext['storageState']>>
  readonly script?: boolean
}

/** A browser of its own, so to say: nothing of another visitor's cookies or storage. */
export async function visitor(browser: Browser, origin: string, looks: Looks = {}): Promise<Visitor> {
  const { scheme = 'light', width = 1280, state } = looks
  const context = await browser.newContext({
    viewport: { width, height: width < 600 ? 800 : 900 },
    colorScheme: scheme,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    baseURL: origin,
    ...(state ? { storageState: state } : {}),
  })
  const faults: Faults = []
  const meant: RegExp[] = []
  const fault = (what: string) => {
    if (!meant.some((m) => m.test(what))) faults.push(what)
  }
  context.on('request', (request) => {
    const url = new URL(request.url())
    if (url.origin !== origin && url.protocol !== 'data:' && url.protocol !== 'blob:') fault(`asked ${url.origin}: ${request.url()}`)
  })
  context.on('requestfailed', (request) => {
    // Whoever leaves a page ends what it still listens to.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') fault(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`)
  })
  context.on('response', (response) => {
    if (response.status() >= 400) fault(`${response.status()} ${response.request().method()} ${new URL(response.url()).pathname}`)
  })
  context.on('console', (message) => {
    const { url } = message.location()
    if (message.type() === 'error' || message.type() === 'warning')
      fault(`console ${message.type()}: ${message.text()} ${url === '' ? '' : new URL(url).pathname}`)
  })
  context.on('weberror', (error) => fault(`script: ${error.error().stack ?? error.error()}`))
  await context.addInitScript(watchShifts)
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  return { context, page, faults, meant }
}

/** Runs in the page: sums what shifts while nobody typed, as browsers count it. */
function watchShifts() {
  const all = globalThis as unknown as { shifted: number; PerformanceObserver: typeof PerformanceObserver }
  all.shifted = 0
  new all.PerformanceObserver((list) => {
    for (const entry of list.getEntries() as unknown as { value: number; hadRecentInput: boolean }[])
      if (!entry.hadRecentInput) all.shifted += entry.value
  }).observe({ type: 'layout-shift', buffered: true } as unknown as Parameters<PerformanceObserver['observe']>[0])
}

export const shifted = (page: Page) => page.evaluate<number>('globalThis.shifted')

const there = `document.querySelector('main h1') !== null && document.querySelector('.starting, .skeleton, [aria-busy=true]') === null`
const drawn = 'document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))))'

/** Looks in a row at which a page has to be there: between the answer that it waited for and the next question there are moments. */
const looks = 3

/** Waits until a page is there: nothing is loading any more, nothing says it is busy. */
export async function settled(page: Page): Promise<void> {
  // The browser's own way of waiting evaluates text, which the policy of the pages refuses.
  const end = performance.now() + 20_000
  for (let seen = 0; seen < looks; seen = (await page.evaluate<boolean>(there)) ? seen + 1 : 0) {
    if (performance.now() > end) throw new Error(`${page.url()} is still loading`)
    // What was begun by then, a file of a page or a question, is over or shows that it is not.
    await page.evaluate(drawn)
  }
}

export async function shot(page: Page, name: string): Promise<void> {
  mkdirSync(screens, { recursive: true })
  await page.screenshot({ path: join(screens, `${name}.png`), fullPage: true })
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
type Violation = {
  readonly id: string
  readonly help: string
  readonly nodes: readonly { readonly target: unknown; readonly failureSummary: string }[]
}

/** What axe holds against a page, a line each. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const found = await page.evaluate<Violation[]>(`axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations)`)
  return found.map(
    (v) =>
      `${v.id}: ${v.help}: ${v.nodes
        .slice(0, 3)
        .map((n) => `${JSON.stringify(n.target)} ${n.failureSummary.replaceAll(/\s+/g, ' ')}`)
        .join('; ')}`,
  )
}

/** Boxes of a page that are narrower than what is in them, so that it is scrolled sideways or cut off; lines of programs may be. */
export const tooNarrow = (page: Page) =>
  page.evaluate<string[]>(`[...document.querySelectorAll('body *')]
    .filter((e) => !e.closest('pre, code, svg, textarea') && e.clientWidth > 1 && getComputedStyle(e).overflowX !== 'visible')
    .filter((e) => e.scrollWidth > e.clientWidth + 1)
    .map((e) => e.tagName + '.' + e.className + ': ' + e.scrollWidth + ' px in ' + e.clientWidth)`)

/** How far a page is wider than its window, px; 0 where nobody has to scroll sideways. */
export const tooWide = (page: Page) =>
  page.evaluate<number>('Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)')
