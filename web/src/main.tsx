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

/** Every page has a file of its own in pages/. */
const files = import.meta.glob<{ readonly default: FunctionComponent }>('./pages/*.tsx')
const pageOf = (name: string) => lazy<FunctionComponent>(files[`./pages/${name}.tsx`] ?? (async () => ({ default: NotFound })))
const Overview = pageOf('overview')
const Machines = pageOf('machines')
const Machine = pageOf('machine')
const Hosts = pageOf('hosts')
const Host = pageOf('host')
const Origin = pageOf('origin')
const Campaigns = pageOf('campaigns')
const Campaign = pageOf('campaign')
const Expiring = pageOf('expiring')
const Diagnose = pageOf('diagnose')
const Site = pageOf('site')
const People = pageOf('people')
const SignIn = pageOf('sign-in')

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
// Asked while the browser still builds the page.
const first = begin()

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
            <Route path="/" component={Overview} />
            <Route path="/machines" component={Machines} />
            <Route path="/machines/:id" component={Machine} />
            <Route path="/hosts" component={Hosts} />
            <Route path="/hosts/:name/:port" component={Host} />
            <Route path="/origin" component={Origin} />
            <Route path="/campaigns" component={Campaigns} />
            <Route path="/campaigns/:id" component={Campaign} />
            <Route path="/expiring" component={Expiring} />
            <Route path="/diagnose" component={Diagnose} />
            <Route path="/site" component={Site} />
            <Route path="/people" component={People} />
            <Route path="/sign-in" component={SignIn} />
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
