/** What the journeys stand on: a lab with a story, its store, scanned; the server over it as a process; Chromium. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContext } from 'playwright-core'
import { type StoryFleet, storyFleet } from '../../src/cli/story.ts'
import type { Role } from '../../src/model.ts'
import { openStore, type Store } from '../../src/store.ts'
import { afterwards, folder, freePort } from '../peers/checks.ts'
import { launch, visitor } from './browser.ts'
import { addAccount, fleetJson, type Place, type Served, serve } from './served.ts'

export type SignedIn = Awaited<ReturnType<BrowserContext['storageState']>>
export type Stage = Place & {
  readonly fleet: StoryFleet
  readonly served: Served
  readonly origin: string
  readonly browser: Browser
  /** Cookies of people who signed in with a local account. */
  readonly people: Readonly<Record<Role, SignedIn>>
  readonly json: <T>(...words: readonly string[]) => Promise<T>
  /** The store itself, for what no command says or does. */
  readonly withStore: <T>(work: (store: Store) => Promise<T>) => Promise<T>
}

/** Passwords of the tests' people: they protect nothing. */
export const passwords: Readonly<Record<Role, string>> = {
  viewer: 'look-but-do-not-touch-1',
  operator: 'plans-and-scans-all-day-2',
  approver: 'says-yes-to-what-is-right-3',
}
export const nameOf = (role: Role) => ({ viewer: 'vera', operator: 'oskar', approver: 'anna' })[role]

/** Adds a server to the site file of a lab, on a port that is free now. */
export async function withServer(site: string, words = ''): Promise<void> {
  const text = readFileSync(site, 'utf8')
  writeFileSync(site, `${text}server:\n  listen: "127.0.0.1:${await freePort()}"\n${words}`)
}

/** Makes the accounts of all roles. */
export async function accounts(place: Place): Promise<void> {
  for (const role of ['viewer', 'operator', 'approver'] as const) await addAccount(place, nameOf(role), role, passwords[role])
}

/** Signs in with a local account, by the page. */
export async function signIn(browser: Browser, origin: string, role: Role): Promise<SignedIn> {
  const { context, page } = await visitor(browser, origin)
  try {
    await page.goto('/sign-in')
    await page
      .getByLabel(/name|account/i)
      .first()
      .fill(nameOf(role))
    await page.getByLabel(/password/i).fill(passwords[role])
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'))
    return await context.storageState()
  } finally {
    await context.close()
  }
}

export async function openStage(machines = 150): Promise<Stage> {
  const home = folder('browser')
  const state = join(home, 'state')
  mkdirSync(state, { recursive: true, mode: 0o700 })
  // Of the first look, which is made in this process.
  process.env.SLMCTL_STATE = state
  const fleet = await storyFleet(home, machines)
  afterwards(fleet.close)
  await withServer(fleet.site)
  const place: Place = { site: fleet.site, store: fleet.store, state }
  await accounts(place)
  const served = await serve(place)
  afterwards(served.stop)
  const browser = await launch()
  afterwards(() => browser.close())
  const [viewer, operator, approver] = [
    await signIn(browser, served.origin, 'viewer'),
    await signIn(browser, served.origin, 'operator'),
    await signIn(browser, served.origin, 'approver'),
  ]
  return {
    ...place,
    ...{ fleet, served, origin: served.origin, browser },
    people: { viewer, operator, approver },
    json: (...words) => fleetJson(place, ...words),
    withStore: async (work) => {
      const store = await openStore({ file: fleet.store }, { create: false, patienceMs: 10_000 })
      try {
        return await work(store)
      } finally {
        await store.close()
      }
    },
  }
}
