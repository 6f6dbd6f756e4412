/** What stands around every page: where one is, whose fleet it is, who one is. */
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { problemOf } from './api.ts'
import { type LiveState, useLiveState } from './events.ts'
import { Menu, Toasts, toastProblem } from './parts.ts'
import { type Session, useSession } from './session.ts'
import { setTheme, type Theme, theme } from './theme.ts'
import { moment, roleMeans, roles } from './words.ts'

const pages = [
  ['/', 'Overview'],
  ['/machines', 'Machines'],
  ['/expiring', 'Expiring'],
  ['/hosts', 'Hosts'],
  ['/origin', 'Origin'],
  ['/campaigns', 'Campaigns'],
  ['/diagnose', 'Diagnose'],
  ['/site', 'Site'],
] as const

export function Shell({ children }: { readonly children: ComponentChildren }) {
  const session = useSession()
  const { path } = useLocation()
  const { server, me } = session
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <div class="top-row">
          <a class="brand" href="/">
            <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
              <rect width="32" height="32" rx="7" />
              <path d="M9 16.5l4.6 4.6L23 11.5" />
            </svg>
            <span class="brand-name">slmctl</span>
          </a>
          {server.organisation && <span class="organisation">{server.organisation}</span>}
          {server.lab && (
            <span class="lab" title="The machines of this fleet are simulated by slmctl lab.">
              simulated machines
            </span>
          )}
          <div class="top-right">
            {me && <LiveMark />}
            <ThemeSwitch />
            {me ? <Account session={session} /> : path !== '/sign-in' && server.diagnose && <a href="/sign-in">Sign in</a>}
          </div>
        </div>
        {me && <Navigation path={path} />}
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <Toasts />
    </>
  )
}

function Navigation({ path }: { readonly path: string }) {
  const [open, setOpen] = useState(false)
  const id = useId()
  // Another page closes it.
  useEffect(() => setOpen(false), [path])
  return (
    <nav class="pages" aria-label="Main">
      <button type="button" class="pages-button" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
        <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
          <path d="M2 4h12M2 8h12M2 12h12" />
        </svg>
        <span>
          <span class="unseen">Menu: </span>
          {pages.find(([to]) => isOn(to, path))?.[1] ?? 'Pages'}
        </span>
      </button>
      <ul id={id} class={open ? 'pages-open' : undefined}>
        {pages.map(([to, title]) => (
          <li key={to}>
            <a href={to} aria-current={path === to ? 'page' : isOn(to, path) ? 'true' : undefined}>
              {title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

const isOn = (to: string, path: string) => path === to || (to !== '/' && path.startsWith(`${to}/`))

const liveWords: Readonly<Record<LiveState, string>> = {
  off: '',
  connecting: 'Connecting …',
  live: 'What is shown is kept up to date',
  lost: 'No connection, trying again',
}

/** Whether what is shown keeps up with what happens. */
function LiveMark() {
  const state = useLiveState()
  return (
    <span class={`live live-${state}`} title={liveWords[state]}>
      <span class={state === 'lost' ? undefined : 'unseen'} role="status">
        {liveWords[state]}
      </span>
    </span>
  )
}

const themes: readonly (readonly [Theme, string])[] = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
]

function ThemeSwitch() {
  const [now, setNow] = useState(theme)
  const id = useId()
  return (
    <span class="theme">
      <label class="unseen" for={id}>
        Colours
      </label>
      <select
        id={id}
        value={now}
        onChange={(e) => {
          const to = e.currentTarget.value as Theme
          setTheme(to)
          setNow(to)
        }}
      >
        {themes.map(([value, title]) => (
          <option key={value} value={value}>
            {title}
          </option>
        ))}
      </select>
    </span>
  )
}

/** Who one is, and the way out. */
function Account({ session: { me, signOut } }: { readonly session: Session }) {
  if (!me) return null
  return (
    <Menu
      label={
        <>
          {me.name}
          <span class="account-role">{roles[me.role]}</span>
        </>
      }
    >
      {(close) => (
        <>
          <p>
            {me.name}, {roles[me.role]}: {roleMeans[me.role]}
          </p>
          {me.endsAt !== null && <p class="quiet">Signed in until {moment(me.endsAt)}</p>}
          <a href="/people" onClick={close}>
            Tokens{me.role === 'approver' ? ' and trail' : ''}
          </a>
          <button type="button" onClick={() => void signOut().catch((e: unknown) => toastProblem(problemOf(e)))}>
            Sign out
          </button>
        </>
      )}
    </Menu>
  )
}
