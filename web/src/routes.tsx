/** Which address is which page. Each page is a file of its own, loaded when it is first looked at. */
import type { FunctionComponent } from 'preact'
import { lazy } from 'preact-iso'
import { api } from './addresses.ts'
import { notReached } from './api.ts'
import { ErrorState, PageTitle, toastProblem } from './parts.ts'

const Overview = pageFile(() => import('./pages/overview.tsx'))
const Machines = pageFile(() => import('./pages/machines.tsx'))
const Import = pageFile(() => import('./pages/import.tsx'))
const Machine = pageFile(() => import('./pages/machine.tsx'))
const Hosts = pageFile(() => import('./pages/hosts.tsx'))
const Host = pageFile(() => import('./pages/host.tsx'))
const Origin = pageFile(() => import('./pages/origin.tsx'))
const Campaigns = pageFile(() => import('./pages/campaigns.tsx'))
const Campaign = pageFile(() => import('./pages/campaign.tsx'))
const Expiring = pageFile(() => import('./pages/expiring.tsx'))
const Diagnose = pageFile(() => import('./pages/diagnose.tsx'))
const Site = pageFile(() => import('./pages/site.tsx'))
const People = pageFile(() => import('./pages/people.tsx'))
export const SignIn = pageFile(() => import('./pages/sign-in.tsx'))

/** What stands for a part of an address (:id) is a property of the page, too. */
export const routes = [
  ['/', Overview],
  ['/machines', Machines],
  ['/machines/import', Import],
  ['/machines/:id', Machine],
  ['/expiring', Expiring],
  ['/hosts', Hosts],
  ['/hosts/:name/:port', Host],
  ['/origin', Origin],
  ['/campaigns', Campaigns],
  ['/campaigns/:id', Campaign],
  ['/diagnose', Diagnose],
  ['/site', Site],
  ['/people', People],
  ['/sign-in', SignIn],
] as const

/** Begins to load the page of an address. */
export function preload(path: string): void {
  const steps = (of: string) => of.split('/').filter(Boolean)
  const asked = steps(path)
  const fits = (route: string) => steps(route).length === asked.length && steps(route).every((s, i) => s.startsWith(':') || s === asked[i])
  void routes.find(([route]) => fits(route))?.[1].preload()
}

const lastReload = 'slmctl-reloaded'
/** As often as that a document is loaded anew for a missing file, ms. */
const onceIn = 60_000

/** Without its server, a document that is loaded anew would be the browser's error page. */
const answers = (): Promise<boolean> =>
  fetch(api.signIn).then(
    (r) => r.ok,
    () => false,
  )
const loadAnew = async () => ((await answers()) ? location.reload() : toastProblem(notReached))

/**
 * A page in a file of its own. A server that was renewed has its files by other names: then the document of now is loaded, and with it
 * the page; where that was done just now, it is said.
 */
function pageFile<P>(load: () => Promise<{ readonly default: FunctionComponent<P> }>) {
  return lazy<FunctionComponent<P>>(() =>
    load().catch(async () => {
      if ((await answers()) && Date.now() - Number(sessionStorage.getItem(lastReload) ?? 0) > onceIn) {
        sessionStorage.setItem(lastReload, String(Date.now()))
        location.reload()
      }
      return { default: NotLoaded as FunctionComponent<P> }
    }),
  )
}

function NotLoaded() {
  const problem = {
    ...{ status: 0, code: 'PAGE_NOT_LOADED', title: 'A part of the dashboard could not be loaded.' },
    next: ['Look whether slmctl serve still runs, and whether this computer reaches it; then try again.'],
  }
  return (
    <>
      <PageTitle title="This page could not be loaded" />
      <ErrorState problem={problem} retry={() => void loadAnew()} />
    </>
  )
}
