/** What became of a machine, newest first: products as they changed, when it did not answer, what was applied. */
import type { ComponentChildren } from 'preact'
import type { History } from '../../../src/schemas/fleet.ts'
import { Empty, OriginTag, StateTag, Tag, Time, VerdictTag } from '../parts.ts'
import { count, moment, productTitle, wordOf } from '../words.ts'

type Entry = {
  readonly key: string
  readonly from: number
  readonly until: number | null
  readonly kind: string
  readonly shown: ComponentChildren
}

const results: Readonly<Record<string, string>> = {
  unchanged: 'nothing was to be done',
  changed: 'changed as planned',
  failed: 'failed',
  refused: 'refused',
  stale: 'the plan was out of date',
  unknown: 'no answer: nobody knows',
  unreachable: 'could not be reached',
  interrupted: 'interrupted',
}

export function HistoryList({ history }: { readonly history: History }) {
  const entries: readonly Entry[] = [
    ...history.products.map((s, i) => ({
      key: `product-${i}`,
      ...{ from: s.from, until: s.until, kind: s.verdict },
      shown: (
        <>
          <strong>{productTitle(s)}</strong> <StateTag state={s.state} /> <OriginTag origin={s.origin} />
          {s.host && <> by {s.host}</>}
          {s.cause && <p class="quiet">{s.cause}</p>}
        </>
      ),
    })),
    ...history.unasked.map((u, i) => ({
      key: `unasked-${i}`,
      ...{ from: u.from, until: u.until, kind: 'silent' },
      shown: (
        <>
          <Tag tone="unknown">could not be asked</Tag> {u.times > 1 ? count(u.times, 'time') : 'once'}: {u.summary} <code>{u.code}</code>
        </>
      ),
    })),
    ...history.outcomes.map((o) => ({
      key: `outcome-${o.id}`,
      ...{ from: o.at, until: o.at, kind: 'applied' },
      shown: (
        <>
          <Tag tone={o.result === 'changed' || o.result === 'unchanged' ? 'good' : 'look'}>applied</Tag> {wordOf(results, o.result)}
          {o.verdict && (
            <>
              , then <VerdictTag verdict={o.verdict} />
            </>
          )}
        </>
      ),
    })),
  ].sort((a, b) => (b.until ?? Number.POSITIVE_INFINITY) - (a.until ?? Number.POSITIVE_INFINITY) || b.from - a.from)
  if (entries.length === 0) return <Empty title="It was never asked, so there is no history yet." />
  return (
    <ol class="timeline">
      {entries.map(({ key, from, until, kind, shown }) => (
        <li key={key} class={`timeline-${kind}`}>
          <p class="timeline-when">
            {until === from ? (
              <Time at={from} exact />
            ) : until === null ? (
              <>
                since <Time at={from} exact />
              </>
            ) : (
              <>
                <Time at={from} exact /> to <time dateTime={new Date(until).toISOString()}>{moment(until)}</time>
              </>
            )}
          </p>
          <div>{shown}</div>
        </li>
      ))}
    </ol>
  )
}
