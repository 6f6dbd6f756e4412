/** Bars over days: each leads to the list that it counts. */

import { useId, useRef, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { number } from '../words.ts'
import { ChartFigure, type ChartTable, fillOf, Patterns, type Tone, useWidth } from './figure.tsx'
import { apart, countTicks } from './scale.ts'

export type Bar = {
  /** What it says in full: day, value, and where it leads. */
  readonly label: string
  readonly value: number
  readonly tone: Tone
  /** Null: it leads nowhere, for there is nothing. */
  readonly href: string | null
  /** Below the axis, where there is room. */
  readonly tick?: string | undefined
  /** A line before this bar, with these words at its top. */
  readonly mark?: string
}

type Drawn = {
  readonly title: string
  readonly unit: string
  readonly summary: string
  readonly xLabel: string
  readonly yLabel: string
  readonly bars: readonly Bar[]
  /** What is drawn where the others would be thinner than a pointer can hit. */
  readonly narrow: readonly Bar[]
  readonly table: ChartTable
}

const height = 220
const edge = { top: 22, right: 8, bottom: 44, left: 52 } as const
const wideFrom = 720
/** A value is seen, however small it is beside others. */
const leastPx = 3

export function BarChart({ bars: all, narrow, xLabel, yLabel, title, ...told }: Drawn) {
  const [place, width] = useWidth()
  const [at, setAt] = useState<number | null>(null)
  const bars = width >= wideFrom ? all : narrow
  const looked = at === null ? null : (bars[at] ?? null)
  return (
    <ChartFigure {...told} title={title} reading={looked?.label ?? null} hint="Point at a bar, or move over the bars with the arrow keys.">
      <div class="chart-place" ref={place}>
        {width > 0 && <Drawing {...{ bars, width, xLabel, yLabel, at, setAt }} />}
      </div>
    </ChartFigure>
  )
}

type Parts = Pick<Drawn, 'bars' | 'xLabel' | 'yLabel'> & {
  readonly width: number
  readonly at: number | null
  readonly setAt: (at: number | null) => void
}

function Drawing({ bars, width, xLabel, yLabel, at, setAt }: Parts) {
  const id = useId()
  const ticks = countTicks(Math.max(...bars.map((b) => b.value)))
  const inner = { width: width - edge.left - edge.right, height: height - edge.top - edge.bottom }
  const step = inner.width / bars.length
  const gap = step > 6 ? Math.min(6, step / 5) : step > 3 ? 1 : 0.5
  const y = (value: number) => edge.top + inner.height - (value / ticks.at(-1)!) * inner.height
  const ground = edge.top + inner.height
  const x = (i: number) => edge.left + i * step
  const labels = bars.flatMap((b, i) => (b.tick ? [{ x: x(i) + step / 2, label: b.tick }] : []))
  const tall = (value: number) => (value === 0 ? 0 : Math.max(leastPx, ground - y(value)))
  // Small bars beside large ones: their number is what one wants to know of them.
  const values = bars.flatMap((b, i) =>
    b.value > 0 && b.tone !== 'plain' && tall(b.value) < inner.height * 0.8
      ? [{ x: x(i) + step / 2, y: ground - tall(b.value) - 4, label: number(b.value) }]
      : [],
  )
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: the figure has its title; one in here would be a tooltip over everything
    <svg viewBox={`0 0 ${width} ${height}`} width="100%" class="chart-svg">
      <Patterns id={id} />
      <svg aria-hidden="true" width={width} height={height} class="chart-svg">
        {ticks.map((t) => (
          <g key={t}>
            <line x1={edge.left} x2={width - edge.right} y1={y(t)} y2={y(t)} class={t === 0 ? 'chart-axis' : 'chart-grid'} />
            <text x={edge.left - 6} y={y(t) + 4} text-anchor="end">
              {number(t)}
            </text>
          </g>
        ))}
        {apart(values, 2).map((v) => (
          <text key={v.x} x={v.x} y={v.y} text-anchor="middle" class="chart-label">
            {v.label}
          </text>
        ))}
        {apart(labels).map((l) => (
          <g key={l.x}>
            <line x1={l.x} x2={l.x} y1={ground} y2={ground + 4} class="chart-axis" />
            <text x={l.x} y={ground + 18} text-anchor="middle">
              {l.label}
            </text>
          </g>
        ))}
        <text x={edge.left + inner.width / 2} y={height - 6} text-anchor="middle" class="chart-label">
          {xLabel}
        </text>
        <text transform={`translate(12 ${edge.top + inner.height / 2}) rotate(-90)`} text-anchor="middle" class="chart-label">
          {yLabel}
        </text>
        {bars.map((b, i) =>
          b.mark ? (
            <g key={b.label}>
              <line x1={x(i)} x2={x(i)} y1={edge.top - 8} y2={ground} class="chart-mark-line" />
              <text x={x(i) + 4} y={edge.top - 8} class="chart-label">
                {b.mark}
              </text>
            </g>
          ) : null,
        )}
      </svg>
      <Links {...{ bars, at, setAt }}>
        {(bar, i) => (
          <>
            <rect x={x(i)} y={edge.top} width={step} height={inner.height} class="chart-hit" />
            <rect x={x(i) + gap / 2} y={ground - tall(bar.value)} width={step - gap} height={tall(bar.value)} {...fillOf(bar.tone, id)} />
          </>
        )}
      </Links>
    </svg>
  )
}

type Linked = Pick<Parts, 'bars' | 'at' | 'setAt'> & { readonly children: (bar: Bar, i: number) => preact.ComponentChildren }

/**
 * Bars as links with one stop of the Tab key for all of them; arrow keys, Home and End go from bar to bar. What has the focus is read by
 * a screen reader, so that no live region says it a second time.
 */
function Links({ bars, at, setAt, children }: Linked) {
  const { route } = useLocation()
  const group = useRef<SVGGElement>(null)
  const stops = bars.flatMap((b, i) => (b.href === null ? [] : [i]))
  const stop = at !== null && bars[at]?.href ? at : stops[0]
  const move = (event: KeyboardEvent) => {
    const now = stops.indexOf(stop ?? -1)
    const to = keys[event.key]?.(now, stops.length)
    if (to === undefined || stops[to] === undefined) return
    event.preventDefault()
    setAt(stops[to])
    group.current?.querySelector<SVGAElement>(`[data-at="${stops[to]}"]`)?.focus()
  }
  const follow = (event: MouseEvent, href: string) => {
    // The router hears links of HTML only.
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return
    event.preventDefault()
    route(href)
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the links in it have the focus, it hears their keys
    <g ref={group} onKeyDown={move} onPointerLeave={() => setAt(null)}>
      {bars.map((bar, i) =>
        bar.href === null ? (
          <g key={i} onPointerEnter={() => setAt(i)}>
            {children(bar, i)}
          </g>
        ) : (
          <a
            // By its place: a newer number does not take the focus away.
            key={i}
            href={bar.href}
            data-at={i}
            class="chart-bar"
            aria-label={bar.label}
            tabIndex={i === stop ? 0 : -1}
            onFocus={() => setAt(i)}
            onBlur={() => setAt(null)}
            onPointerEnter={() => setAt(i)}
            onClick={(event) => follow(event, bar.href!)}
          >
            {children(bar, i)}
          </a>
        ),
      )}
    </g>
  )
}

/** Where a key leads among so many stops. */
export const keys: Readonly<Record<string, (now: number, count: number) => number>> = {
  ArrowRight: (now, count) => Math.min(now + 1, count - 1),
  ArrowUp: (now, count) => Math.min(now + 1, count - 1),
  ArrowLeft: (now) => Math.max(now - 1, 0),
  ArrowDown: (now) => Math.max(now - 1, 0),
  Home: () => 0,
  End: (_now, count) => count - 1,
}
