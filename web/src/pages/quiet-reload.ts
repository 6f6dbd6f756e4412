/** What is looked at is loaded anew where something happened, without a word: whoever reads it is not disturbed. */
import { useEffect, useRef } from 'preact/hooks'
import { type EventName, useEvents } from '../events.ts'

/** However much happens, it is asked for no more often (ms): a campaign tells of itself many times a second. */
const usualPauseMs = 3000
/** What counts a whole fleet is asked for less often: of 200,000 machines it takes the server a while. */
export const fleetPauseMs = 15_000

export function useQuietReload(names: readonly EventName[], reload: () => void, pauseMs = usualPauseMs): void {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const last = useRef(0)
  useEffect(() => () => clearTimeout(timer.current), [])
  useEvents(names, () => {
    clearTimeout(timer.current)
    timer.current = setTimeout(
      () => {
        last.current = Date.now()
        reload()
      },
      Math.max(200, last.current + pauseMs - Date.now()),
    )
  })
}

/** What belongs to something that was loaded anew is loaded anew, too. */
export function useReloadWith(loaded: unknown, reload: () => void): void {
  const before = useRef(loaded)
  useEffect(() => {
    if (before.current === loaded) return
    before.current = loaded
    reload()
  }, [loaded, reload])
}
