/** Signing in: by the link that slmctl serve printed, by name and password, by the organisation's own sign-in. */

import { useEffect, useRef, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { api, ownWay, page } from '../addresses.ts'
import { type ProblemDetails, problemOf, send } from '../api.ts'
import { ErrorState, PageTitle } from '../parts.ts'
import { useSession } from '../session.ts'
import { roles } from '../words.ts'

/** The secret of a link stands behind #, which no server and no log sees; it leaves the address before anything else happens. */
function takeLink(): string | null {
  const link = location.hash.slice(1)
  if (link === '' || location.pathname !== '/sign-in') return null
  history.replaceState(null, '', location.pathname + location.search)
  return link
}
/** Used once, however often this page is shown. */
let link = takeLink()

export default function SignIn() {
  const { server, me, ended, elsewhere, refresh } = useSession()
  const { path, query, url, route } = useLocation()
  const to = path === '/sign-in' ? ownWay(query.to, location.origin) : url
  const [problem, setProblem] = useState<ProblemDetails | null>(null)
  const [busy, setBusy] = useState(link !== null)
  const [byLinkNow, setByLinkNow] = useState(link !== null)

  const enter = async (way: string, body: unknown) => {
    setBusy(true)
    setProblem(null)
    try {
      await send('POST', way, body)
      await refresh()
      if (path === '/sign-in') route(to, true)
    } catch (error) {
      setProblem(problemOf(error))
      setBusy(false)
    }
  }
  useEffect(() => {
    if (link === null) return
    const token = link
    link = null
    void enter(api.signInLink, { token })
  })
  // Opened in the tab that shows this page, a link changes what stands behind # alone: the page stays.
  useEffect(() => {
    const opened = () => {
      const token = takeLink()
      if (token === null) return
      setByLinkNow(true)
      void enter(api.signInLink, { token })
    }
    addEventListener('hashchange', opened)
    return () => removeEventListener('hashchange', opened)
  })

  const { local, link: byLink, openid } = server.ways
  return (
    <div class="sign-in">
      <PageTitle title="Sign in" place="/sign-in" lead={server.organisation ?? undefined} />
      <div class="panel stack">
        {me && path === '/sign-in' && (
          <p class="note">
            You are signed in as {me.name}, {roles[me.role]}. <a href={to}>Go on</a>
          </p>
        )}
        {ended && (
          <p class="note" role="status">
            Your session has ended. Sign in again, and you are back where you were.
          </p>
        )}
        {elsewhere && (
          <p class="note" role="status">
            You are signed out of slmctl, but not of “{elsewhere.label}”: whoever uses this browser next can come in by it without a
            password. <a href={elsewhere.url}>Sign out there, too</a>
          </p>
        )}
        {busy && byLinkNow && !problem && <p role="status">Signing in by the link …</p>}
        {problem && <ErrorState problem={problem} />}
        {openid && (
          <a class="button primary sign-in-way" href={page(api.signInOpenid, { to })}>
            {openid.label}
          </a>
        )}
        {local && <Password busy={busy} enter={(name, password) => enter(api.signInLocal, { name, password })} second={openid !== null} />}
        {byLink && (
          <p class="quiet">
            On the computer where the server runs: open the link that <code>slmctl serve</code> printed when it started. It works once,
            within ten minutes. For a new link start the server again.
          </p>
        )}
        {server.diagnose && (
          <p class="quiet">
            Only a text to look at? <a href="/diagnose">Diagnose it</a> without signing in.
          </p>
        )}
      </div>
      <p class="quiet sign-in-version">slmctl {server.version}</p>
    </div>
  )
}

function Password({
  busy,
  enter,
  second,
}: {
  readonly busy: boolean
  readonly enter: (name: string, password: string) => Promise<void>
  readonly second: boolean
}) {
  const password = useRef<HTMLInputElement>(null)
  return (
    <form
      class="stack"
      onSubmit={(e) => {
        e.preventDefault()
        const said = new FormData(e.currentTarget)
        void enter(String(said.get('name')).trim(), String(said.get('password'))).then(() => {
          if (!password.current) return
          password.current.value = ''
          password.current.focus()
        })
      }}
    >
      <div class="field">
        <label for="sign-in-name">Name</label>
        <input id="sign-in-name" name="name" autocomplete="username" autocapitalize="none" spellcheck={false} required maxLength={100} />
      </div>
      <div class="field">
        <label for="sign-in-password">Password</label>
        <input
          id="sign-in-password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
          ref={password}
          maxLength={1000}
        />
      </div>
      <button type="submit" class={second ? undefined : 'primary'} disabled={busy}>
        Sign in
      </button>
    </form>
  )
}
