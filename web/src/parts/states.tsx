/** What a page shows where it has nothing to show: loading, nothing there, refused, not allowed. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Answer } from '../answer.ts'
import type { ProblemDetails } from '../api.ts'
import { useSession } from '../session.ts'
import { roleMeans, roles } from '../words.ts'
import { Step } from './step.tsx'

/** Keeps the room of what comes, so that nothing moves. `rows`: lines of about a table row. */
export function Loading({ what, rows = 6 }: { readonly what: string; readonly rows?: number }) {
  const [slow, setSlow] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 400)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div class={slow ? 'skeleton skeleton-shown' : 'skeleton'}>
      <p class="unseen" role="status">
        {slow ? `Loading ${what}` : ''}
      </p>
      {Array.from({ length: rows }, (_, i) => (
        <span key={i} class="skeleton-row" aria-hidden="true" />
      ))}
    </div>
  )
}

/** Nothing is there, and that is an answer. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="state state-empty">
      <p class="state-title">{title}</p>
      {children}
    </div>
  )
}

/** What happened, by which code it is known, and what to do. */
export function ErrorState({ problem, retry }: { readonly problem: ProblemDetails; readonly retry?: (() => void) | undefined }) {
  return (
    <div class="state state-error" role="alert">
      <p class="state-title">{problem.title}</p>
      {problem.next.length > 0 && (
        <ul class="next">
          {problem.next.map((n) => (
            <li key={n}>
              <Step text={n} />
            </li>
          ))}
        </ul>
      )}
      <p class="quiet">
        <code>{problem.code}</code>
        {problem.instance ? ` · request ${problem.instance}` : ''}
      </p>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}

/** Somebody else may. */
export function NoRights({ problem }: { readonly problem?: ProblemDetails | undefined }) {
  const { me } = useSession()
  return (
    <div class="state state-rights">
      <p class="state-title">{problem?.title ?? 'Your role does not allow this.'}</p>
      {me && (
        <p>
          You are signed in as {me.name}, {roles[me.role]}: who {roleMeans[me.role]}.
        </p>
      )}
      {problem?.next.map((n) => (
        <p key={n}>
          <Step text={n} />
        </p>
      ))}
    </div>
  )
}

/** An answer in each of its states; `children` is called with what is there. */
export function Shown<T>({
  answer,
  what,
  rows,
  children,
}: {
  readonly answer: Answer<T>
  readonly what: string
  readonly rows?: number
  readonly children: (value: T) => ComponentChildren
}) {
  switch (answer.state) {
    case 'loading':
      return rows === undefined ? <Loading what={what} /> : <Loading what={what} rows={rows} />
    case 'no-rights':
      return <NoRights problem={answer.problem} />
    case 'error':
      return <ErrorState problem={answer.problem} retry={answer.reload} />
    case 'ready':
      return (
        <>
          {answer.problem && (
            <div class="note note-look" role="status">
              What is shown is older: {answer.problem.title}{' '}
              <button type="button" class="as-link" onClick={answer.reload}>
                Try again
              </button>
            </div>
          )}
          {children(answer.value)}
        </>
      )
  }
}
