/** Moments and what is left until them. */
import { useEffect, useState } from 'preact/hooks'
import { ago, count, day, daysLeft, moment, momentInZone } from '../words.ts'

let now = Date.now()
const tellers = new Set<() => void>()
setInterval(() => {
  now = Date.now()
  for (const tell of tellers) tell()
}, 30_000)

/** The time by the minute: words like "3 minutes ago" stay true. */
export function useNow(): number {
  const [, again] = useState(0)
  useEffect(() => {
    const tell = () => again((n) => n + 1)
    tellers.add(tell)
    return () => void tellers.delete(tell)
  }, [])
  now = Math.max(now, Date.now() - 1000)
  return now
}

/** A moment in words, exactly in its title and on paper, where "just now" says nothing; `exact` the other way round. Null: `never`. */
export function Time({
  at,
  exact = false,
  never = 'never',
}: {
  readonly at: number | null
  readonly exact?: boolean
  readonly never?: string
}) {
  const current = useNow()
  if (at === null) return <span class="quiet">{never}</span>
  const [shown, title] = exact ? [moment(at), `${momentInZone(at)}, ${ago(at, current)}`] : [ago(at, current), momentInZone(at)]
  return (
    <time dateTime={new Date(at).toISOString()} title={title}>
      {exact ? (
        shown
      ) : (
        <>
          <span class="no-print">{shown}</span>
          <span class="print-only">{moment(at)}</span>
        </>
      )}
    </time>
  )
}

/** How long something holds. `seenAt`: an end that has passed unseen is no lapse, for nobody asked since. */
export function DaysLeft({ until, seenAt }: { readonly until: number | null; readonly seenAt?: number | null | undefined }) {
  const current = useNow()
  if (until === null) return <span class="quiet">no end</span>
  const days = daysLeft(until, current)
  const unseen = days < 0 && seenAt !== undefined && (seenAt ?? 0) < until
  const tone = days < 0 ? (unseen ? 'unknown' : 'bad') : days < 14 ? 'bad' : days < 30 ? 'look' : 'plain'
  const text = unseen ? 'was to end, not seen since' : days < 0 ? 'ended' : days === 0 ? 'today' : count(days, 'day')
  return (
    <time class={`days days-${tone}`} dateTime={new Date(until).toISOString()} title={`until ${momentInZone(until)}`}>
      {text}
      {days < 0 ? ` (${day(until)})` : ''}
    </time>
  )
}
