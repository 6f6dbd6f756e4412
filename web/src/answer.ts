/** What a page asks the server for, as it stands: loading, there, refused. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type Query, queryText } from './addresses.ts'
import { get, type ProblemDetails, problemOf } from './api.ts'

export type Answer<T> = { readonly reload: () => void /** A newer answer is on its way. */; readonly busy: boolean } & (
  | { readonly state: 'loading'; readonly value: null; readonly problem: null }
  | { readonly state: 'ready'; readonly value: T; readonly problem: ProblemDetails | null }
  | { readonly state: 'error' | 'no-rights'; readonly value: null; readonly problem: ProblemDetails }
)

type Kept<T> = {
  readonly address: string | null
  readonly value: T | null
  readonly problem: ProblemDetails | null
  readonly busy: boolean
}

/**
 * Asks, and asks again where the address changes or `reload` is called. `keep`: what is shown stays, marked busy, until the answer of
 * the new address is there (a table that is filtered). A path of null asks nothing. What was there stays where asking again fails.
 */
export function useAnswer<T>(path: string | null, query?: Query, { keep = false }: { readonly keep?: boolean } = {}): Answer<T> {
  const address = path === null ? null : path + queryText(query)
  const [kept, setKept] = useState<Kept<T>>({ address: null, value: null, problem: null, busy: true })
  const [round, setRound] = useState(0)
  const reload = useCallback(() => setRound((n) => n + 1), [])
  const keeping = useRef(keep)
  keeping.current = keep

  useEffect(() => {
    if (address === null) return
    const stop = new AbortController()
    setKept((was) =>
      was.address === address || keeping.current ? { ...was, busy: true } : { address, value: null, problem: null, busy: true },
    )
    get<T>(address, undefined, stop.signal).then(
      (value) => setKept({ address, value, problem: null, busy: false }),
      (error) => {
        if (stop.signal.aborted) return
        const problem = problemOf(error)
        setKept((was) => ({ address, value: was.address === address && problem.status !== 403 ? was.value : null, problem, busy: false }))
      },
    )
    return () => stop.abort()
  }, [address, round])

  const current = kept.address === address || (keep && kept.value !== null)
  const { value, problem } = current ? kept : { value: null, problem: null }
  const busy = kept.busy || kept.address !== address
  if (value !== null) return { state: 'ready', value, problem, reload, busy }
  if (problem !== null && !kept.busy) return { state: problem.status === 403 ? 'no-rights' : 'error', value: null, problem, reload, busy }
  return { state: 'loading', value: null, problem: null, reload, busy }
}
