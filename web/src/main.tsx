/** The dashboard: one document, whose pages are addresses. Each page is a file of its own, loaded when it is first looked at. */
import { type FunctionComponent, render } from 'preact'
import { useCallback, useEffect, useState } from 'preact/hooks'
import { ErrorBoundary, LocationProvider, lazy, Route, Router, useLocation } from 'preact-iso'
import type { MeAnswer, SignInAnswer } from '../../src/schemas/api.ts'
import { api, page } from './addresses.ts'
import { ApiError, get, onSignedOut, type ProblemDetails, problemOf, send } from './api.ts'
import { ErrorState, PageTitle } from './parts.ts'
import { type Session, SessionContext } from './session.ts'
import { Shell } from './shell.tsx'
import { keepTheme } from './theme.ts'
import './styles/tokens.css'
import './styles/page.css'
import './styles/parts.css'
import './styles/pages.css'
import './styles/print.css'

const Overview = lazy(() => import('./pages/overview.tsx'))
const Machines = lazy(() => import('./pages/machines.tsx'))
const Machine = lazy(() => import('./pages/machine.tsx'))
const Hosts = lazy(() => import('./pages/hosts.tsx'))
const Host = lazy(() => import('./pages/host.tsx'))
const Origin = lazy(() => import('./pages/origin.tsx'))
const Campaigns = lazy(() => import('./pages/campaigns.tsx'))
const Campaign = lazy(() => import('./pages/campaign.tsx'))
const Expiring = lazy(() => import('./pages/expiring.tsx'))
const Diagnose = lazy(() => import('./pages/diagnose.tsx'))
const Site = lazy(() => import('./pages/site.tsx'))
const People = lazy(() => import('./pages/people.tsx'))
const SignIn = lazy(() => import('./pages/sign-in.tsx'))

/** What stands for a part of an address (:id) is a property of the page, too. */
const routes = [
  ['/', Overview],
  ['/machines', Machines],
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

/** Links to the API are not pages: files to save, the way to the organisation's own sign-in. */
const pagesOnly = /^(?!\/api\/)/

type Start = { readonly server: SignInAnswer; readonly me: MeAnswer | null }

/** Nobody being signed in is an answer; anything else is not. */
const whoAmI = () =>
  get<MeAnswer>(api.me).catch((error: unknown) => {
    if (error instanceof ApiError && error.problem.status === 401) return null
    throw error
  })
const begin = async (): Promise<Start> => {
  const [server, me] = await Promise.all([get<SignInAnswer>(api.signIn), whoAmI()])
  return { server, me }
}
// Asked while the browser still builds the page; what is looked at first is on its way, too.
const first = begin()
const steps = location.pathname.split('/').filter(Boolean)
void routes
  .find(([path]) => path.split('/').filter(Boolean).length === steps.length && path.startsWith(`/${steps[0] ?? ''}`))?.[1]
  .preload()

function App() {
  const [start, setStart] = useState<Start | ProblemDetails | null>(null)
  const load = useCallback(async (asked: Promise<Start> = begin()) => setStart(await asked.catch(problemOf)), [])
  useEffect(() => {
    void load(first)
    return onSignedOut(() => setStart((was) => (was && 'server' in was && was.me ? { ...was, me: null } : was)))
  }, [load])
  if (start === null) return <div class="starting" />
  if (!('server' in start))
    return (
      <main class="alone">
        <h1>slmctl</h1>
        <ErrorState problem={start} retry={() => void load()} />
      </main>
    )
  const session: Session = {
    ...start,
    refresh: load,
    signOut: async () => {
      await send('POST', api.signOut)
      setStart({ ...start, me: null })
    },
  }
  return (
    <SessionContext.Provider value={session}>
      <LocationProvider scope={pagesOnly}>
        <Pages session={session} />
      </LocationProvider>
    </SessionContext.Provider>
  )
}

function Pages({ session: { me, server } }: { readonly session: Session }) {
  const { path } = useLocation()
  // Whoever is not signed in is asked to, and comes back to where they wanted to be; a text is diagnosed without, where the site says so.
  const open = me !== null || path === '/sign-in' || (path === '/diagnose' && server.diagnose)
  return (
    <Shell>
      <ErrorBoundary onError={(error) => console.error(error)}>
        {open ? (
          <Router>
            {routes.map(([path, component]) => (
              <Route key={path} path={path} component={component as FunctionComponent} />
            ))}
            <Route default component={NotFound} />
          </Router>
        ) : (
          <SignIn />
        )}
      </ErrorBoundary>
    </Shell>
  )
}

function NotFound() {
  return (
    <>
      <PageTitle title="There is no such page" lead="The address leads nowhere in this dashboard." />
      <p>
        <a href={page('/')}>To the overview</a>
      </p>
    </>
  )
}

keepTheme()
render(<App />, document.getElementById('page')!)
