/** A whole and its parts: one bar, and the parts by name, number and share, each leading to what it counts. */

import { useId, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { number } from '../words.ts'
import { ChartFigure, fillOf, Patterns, type Tone, useWidth } from './figure.tsx'

export type Part = {
  readonly name: string
  /** A few words beside the name. */
  readonly means?: string
  readonly value: number
  readonly tone: Tone
  readonly href: string | null
}

type Drawn = {
  readonly title: string
  readonly unit: string
  readonly summary: string
  /** What a part is: state, origin. */
  readonly what: string
  readonly parts: readonly Part[]
}

const height = 32
/** A part is seen, however small it is. */
const leastPx = 4

export function Segments({ what, parts, title, unit, ...told }: Drawn) {
  const [place, width] = useWidth()
  const { route } = useLocation()
  const id = useId()
  const [at, setAt] = useState<string | null>(null)
  const there = parts.filter((p) => p.value > 0)
  const total = there.reduce((n, p) => n + p.value, 0)
  const spare = width - there.length * leastPx
  let x = 0
  return (
    <ChartFigure
      {...told}
      {...{ title, unit }}
      reading={null}
      table={{
        columns: [what, unit, 'Share'],
        rows: parts.map((p) => [p.href && p.value > 0 ? { text: p.name, href: p.href } : p.name, p.value, share(p.value, total)]),
      }}
    >
      <div class="chart-place" ref={place}>
        {width > 0 && (
          // Whoever uses keys or a screen reader has the same parts as links below it.
          <svg viewBox={`0 0 ${width} ${height}`} width="100%" class="chart-svg" aria-hidden="true">
            <Patterns id={id} />
            {total === 0 && <rect width={width} height={height} class="tone-none" />}
            {there.map((p) => {
              const wide = leastPx + (p.value / total) * spare
              const from = x
              x += wide
              return (
                // biome-ignore lint/a11y/noStaticElementInteractions: the link of the same name does it by keys
                <rect
                  key={p.name}
                  x={from + 0.5}
                  y="1"
                  width={Math.max(1, wide - 1)}
                  height={height - 2}
                  {...fillOf(p.tone, id)}
                  data-looked={at === p.name}
                  data-leads={p.href !== null}
                  onPointerEnter={() => setAt(p.name)}
                  onPointerLeave={() => setAt(null)}
                  onClick={() => p.href && route(p.href)}
                />
              )
            })}
          </svg>
        )}
      </div>
      <ul class="chart-parts">
        {parts.map((p) => (
          <li key={p.name} data-looked={at === p.name} onPointerEnter={() => setAt(p.name)} onPointerLeave={() => setAt(null)}>
            <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
              <Patterns id={`${id}-${p.tone}`} />
              <rect x="0.5" y="0.5" width="15" height="15" {...fillOf(p.tone, `${id}-${p.tone}`)} />
            </svg>
            <span class="chart-part-name">
              {p.href && p.value > 0 ? <a href={p.href}>{p.name}</a> : p.name}
              {p.means && <span class="chart-part-means"> {p.means}</span>}
            </span>
            <span class="chart-part-value">
              {number(p.value)} <span class="chart-part-share">{share(p.value, total)}</span>
            </span>
          </li>
        ))}
      </ul>
    </ChartFigure>
  )
}

/** Rounded, but never to nothing or all where it is neither. */
function share(value: number, total: number): string {
  if (total === 0 || value === 0) return '0 %'
  const percent = (value / total) * 100
  return percent < 1 ? 'under 1 %' : percent > 99 && value < total ? 'over 99 %' : `${Math.round(percent)} %`
}
