/** Words with a shape before them, so that nobody needs to see colours. */
import type { ComponentChildren } from 'preact'
import type { Origin, State, Verdict } from '../../../src/schemas/nouns.ts'
import { originMeans, origins, states, verdictMeans, verdicts, wordOf } from '../words.ts'

export type Tone = 'good' | 'look' | 'bad' | 'unknown' | 'plain'
const shapes: Readonly<Record<Tone, ComponentChildren>> = {
  good: <path d="M3 8.5l3.2 3.2L13 5" />,
  look: (
    <>
      <path d="M8 2.2L14.3 13.2H1.7Z" />
      <path d="M8 6.2v3.2M8 11.3v.2" />
    </>
  ),
  bad: (
    <>
      <path d="M5.3 1.8h5.4l3.5 3.5v5.4l-3.5 3.5H5.3l-3.5-3.5V5.3Z" />
      <path d="M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4" />
    </>
  ),
  unknown: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="M6 6.2a2 2 0 1 1 2.7 1.9c-.5.2-.7.5-.7 1.1M8 11.4v.2" />
    </>
  ),
  plain: <circle cx="8" cy="8" r="3" />,
}

/** A word and its shape. */
export function Tag({
  tone,
  children,
  title,
}: {
  readonly tone: Tone
  readonly children: ComponentChildren
  readonly title?: string | undefined
}) {
  return (
    <span class={`tag tag-${tone}`} title={title}>
      <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        {shapes[tone]}
      </svg>
      {children}
    </span>
  )
}

export const verdictTone = { ok: 'good', attention: 'look', action: 'bad', 'cannot-tell': 'unknown' } as const satisfies Record<
  Verdict,
  Tone
>
export const originTone = {
  own: 'good',
  platform: 'good',
  vendor: 'plain',
  'cannot-tell': 'unknown',
  suspect: 'look',
  foreign: 'bad',
} as const satisfies Record<Origin, Tone>

/** Null: never asked. */
export function VerdictTag({ verdict }: { readonly verdict: Verdict | null }) {
  if (verdict === null) return <Tag tone="plain">never answered</Tag>
  return (
    <Tag tone={verdictTone[verdict]} title={verdictMeans[verdict]}>
      {verdicts[verdict]}
    </Tag>
  )
}

export function OriginTag({ origin }: { readonly origin: Origin | null }) {
  if (origin === null) return <span class="quiet none">–</span>
  return (
    <Tag tone={originTone[origin]} title={originMeans[origin]}>
      {origins[origin]}
    </Tag>
  )
}

const stateTone = (state: string): Tone =>
  state === 'licensed'
    ? 'good'
    : state === 'unknown'
      ? 'unknown'
      : state === 'notification' || state === 'unlicensed' || state === 'non-genuine-grace'
        ? 'bad'
        : 'look'

/** The state of a product's licence. */
export function StateTag({ state }: { readonly state: State | string }) {
  return <Tag tone={stateTone(state)}>{wordOf(states, state)}</Tag>
}
