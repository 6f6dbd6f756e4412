/** Short messages that something was done, said to screen readers, too. What failed stays until it is closed. */
import { useEffect, useState } from 'preact/hooks'
import type { ProblemDetails } from '../api.ts'

type Toast = { readonly id: number; readonly text: string; readonly bad: boolean; readonly next: readonly string[] }
let list: readonly Toast[] = []
let last = 0
const watchers = new Set<() => void>()
const change = (to: readonly Toast[]) => {
  list = to
  for (const tell of watchers) tell()
}
const drop = (id: number) => change(list.filter((t) => t.id !== id))

/** Said for eight seconds. */
export function toast(text: string): void {
  const id = ++last
  change([...list, { id, text, bad: false, next: [] }].slice(-4))
  setTimeout(() => drop(id), 8000)
}

export function toastProblem(problem: ProblemDetails): void {
  change([...list, { id: ++last, text: problem.title, bad: true, next: problem.next }].slice(-4))
}

export function Toasts() {
  const [, again] = useState(0)
  useEffect(() => {
    const tell = () => again((n) => n + 1)
    watchers.add(tell)
    return () => void watchers.delete(tell)
  }, [])
  return (
    <div class="toasts" role="status" aria-live="polite">
      {list.map((t) => (
        <div key={t.id} class={t.bad ? 'toast toast-bad' : 'toast'}>
          <div>
            <p>{t.text}</p>
            {t.next.map((n) => (
              <p key={n} class="quiet">
                {n}
              </p>
            ))}
          </div>
          <button type="button" class="close" aria-label="Close this message" onClick={() => drop(t.id)}>
            <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
              <path d="M4 4l8 8M12 4l-8 8" />
            </svg>
          </button>
        </div>
      ))}
    </div>
  )
}
