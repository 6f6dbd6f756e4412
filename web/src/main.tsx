/** The dashboard: one document, whose pages are addresses. Each page is a file of its own, loaded when it is first looked at. */
import { Component, type ComponentChildren, type FunctionComponent, render } from 'preact'
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ErrorBoundary, LocationProvider, Route, Router, useLocation } from 'preact-iso'
import type { MeAnswer, SignInAnswer } from '../../src/schemas/api.ts'
import { api, page } from './addresses.ts'
import { get, onSignedOut, type ProblemDetails, problemOf, send } from './api.ts'
import { ErrorState, PageTitle } from './parts.ts'
import { preload, routes, SignIn } from './routes.tsx'
import { type Elsewhere, type Session, SessionContext } from './session.ts'
import { Shell } from './shell.tsx'
import { keepTheme } from './theme.ts'
import './styles/tokens.css'
import './styles/page.css'
import './styles/parts.css'
import './styles/pages.css'
import './styles/print.css'

/** Links to the API are not pages: files to save, the way to the organisation's own sign-in. */
const pagesOnly = /^(?!\/api\/)/

type Start = {
  readonly server: SignInAnswer
  readonly me: MeAnswer | null
  readonly ended: boolean
  readonly elsewhere: Elsewhere | null
}

const begin = async (): Promise<Start> => {
  const server = await get<SignInAnswer>(api.signIn)
  return { server, me: server.me, ended: false, elsewhere: null }
}
// Asked while the browser still builds the page; what is looked at first is on its way, too.
const first = begin()
preload(location.pathname)

/**
 * A session of single sign-on that has come to its end: the provider is asked anew, which shows nothing where it knows who sits here.
 * One that ended before, by signing out or by another role, is for the sign-in page. Clocks of computers that sign in differ little.
 */
const isOver = ({ by, endsAt }: MeAnswer) => by === 'openid' && endsAt !== null && Date.now() > endsAt - 60_000
const askProvider = () => location.assign(page(api.signInOpenid, { to: location.pathname + location.search, silent: true }))

function App() {
  const [start, setStart] = useState<Start | ProblemDetails | null>(null)
  const signedIn = useRef<MeAnswer | null>(null)
  signedIn.current = start && 'server' in start ? start.me : null
  const load = useCallback(async (asked: Promise<Start> = begin()) => setStart(await asked.catch(problemOf)), [])
  useEffect(() => {
    void load(first)
    return onSignedOut(() => {
      const was = signedIn.current
      // Several questions are refused at once: it is asked once.
      signedIn.current = null
      if (was && isOver(was)) askProvider()
      setStart((was) => (was && 'server' in was && was.me ? { ...was, me: null, ended: true } : was))
    })
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
      const { provider } = await send<{ readonly provider: Elsewhere | null }>('POST', api.signOut)
      setStart({ ...start, me: null, ended: false, elsewhere: provider })
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

/** The file of the next page is on its way: the page of before stands until it is there, and says so. */
const busy = (loading: boolean) => document.querySelector('#main')?.setAttribute('aria-busy', String(loading))

function Pages({ session: { me, server } }: { readonly session: Session }) {
  const { path } = useLocation()
  // Whoever is not signed in is asked to, and comes back to where they wanted to be; a text is diagnosed without, where the site says so.
  const open = me !== null || path === '/sign-in' || (path === '/diagnose' && server.diagnose)
  return (
    <Shell>
      <ErrorBoundary>
        <Mistakes path={path}>
          {open ? (
            <Router onLoadStart={() => busy(true)} onLoadEnd={() => busy(false)}>
              {routes.map(([path, component]) => (
                <Route key={path} path={path} component={component as FunctionComponent} />
              ))}
              <Route default component={NotFound} />
            </Router>
          ) : (
            <SignIn />
          )}
        </Mistakes>
      </ErrorBoundary>
    </Shell>
  )
}

/** A page that made a mistake says so in its own place; the others go on. */
class Mistakes extends Component<{ readonly path: string; readonly children: ComponentChildren }, { readonly error: unknown }> {
  override state: { readonly error: unknown } = { error: null }
  override componentDidCatch(error: unknown): void {
    console.error(error)
    this.setState({ error })
  }
  override componentDidUpdate({ path }: { readonly path: string }): void {
    if (path !== this.props.path && this.state.error !== null) this.setState({ error: null })
  }
  override render(): ComponentChildren {
    if (this.state.error === null) return this.props.children
    return (
      <>
        <PageTitle title="This page cannot be shown" />
        <ErrorState problem={problemOf(this.state.error)} retry={() => location.reload()} />
      </>
    )
  }
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
