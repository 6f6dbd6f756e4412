/** A count over time as steps, the marks it must reach, and what is expected of it. */
import { useId, useState } from 'preact/hooks'
import { keys } from './bars.tsx'
import { ChartFigure, type ChartTable, useWidth } from './figure.tsx'
import { apart, countTicks, shortDay, timeTicks } from './scale.ts'

/** A count for as long as it was the same (ms). */
export type Step = { readonly from: number; readonly last: number; readonly count: number }
/** What is expected: from the last count in a straight line, or at once to it. */
export type Expected = { readonly name: string; readonly at: number; readonly count: number }

type Drawn = {
  readonly title: string
  readonly unit: string
  readonly summary: string
  readonly yLabel: string
  /** Oldest first, at least one. */
  readonly steps: readonly Step[]
  readonly marks: readonly { readonly of: string; readonly count: number }[]
  /** Oldest first. */
  readonly expected: readonly Expected[]
  readonly now: number
  readonly table: ChartTable
}

const height = 240
const edge = { top: 24, right: 16, bottom: 44, left: 52 } as const
const dayMs = 86_400_000
/** One count alone is drawn over so many days, else it would be a point. */
const leastDays = 14

export function StepChart({ yLabel, steps, marks, expected, now, title, ...told }: Drawn) {
  const [place, width] = useWidth()
  const [at, setAt] = useState<number | null>(null)
  const stops = [
    ...steps.map((s) => ({
      at: s.from,
      until: s.last,
      count: s.count,
      says: `${shortDay(s.from)}${shortDay(s.from) === shortDay(s.last) ? '' : ` to ${shortDay(s.last)}`}: ${s.count}`,
    })),
    ...expected.map((e) => ({ at: e.at, until: e.at, count: e.count, says: `${shortDay(e.at)}: ${e.count}, ${e.name}` })),
  ]
  const reading = at === null ? null : (stops[at]?.says ?? null)
  return (
    <ChartFigure {...told} title={title} reading={reading} hint="Point at the line, or move along it with the arrow keys.">
      <div class="chart-place" ref={place}>
        {width > 0 && <Drawing {...{ yLabel, steps, marks, expected, now, title, width, stops, at, setAt }} />}
      </div>
      {expected.length > 0 && (
        <ul class="chart-lines">
          {expected.map((e, i) => (
            <li key={e.name}>
              <svg width="32" height="12" viewBox="0 0 32 12" aria-hidden="true">
                <path d="M0 6 H32" class="chart-expected" data-line={i} />
              </svg>
              {e.name}: {e.count} on {shortDay(e.at)}
            </li>
          ))}
        </ul>
      )}
    </ChartFigure>
  )
}

type Stop = { readonly at: number; readonly until: number; readonly count: number; readonly says: string }
type Parts = Pick<Drawn, 'yLabel' | 'steps' | 'marks' | 'expected' | 'now' | 'title'> & {
  readonly width: number
  readonly stops: readonly Stop[]
  readonly at: number | null
  readonly setAt: (at: number | null) => void
}

function Drawing({ yLabel, steps, marks, expected, now, title, width, stops, at, setAt }: Parts) {
  const id = useId()
  const inner = { width: width - edge.left - edge.right, height: height - edge.top - edge.bottom }
  const from = Math.min(steps[0]!.from, now - leastDays * dayMs)
  const until = Math.max(now, ...expected.map((e) => e.at))
  const ticks = countTicks(Math.max(...stops.map((s) => s.count), ...marks.map((m) => m.count)))
  const x = (ms: number) => edge.left + ((ms - from) / Math.max(1, until - from)) * inner.width
  const y = (n: number) => edge.top + inner.height - (n / ticks.at(-1)!) * inner.height
  const last = steps.at(-1)!
  const ground = edge.top + inner.height
  const looked = at === null ? null : stops[at]
  const line = steps.map((s, i) => `${i === 0 ? 'M' : 'H'}${x(s.from)} ${i === 0 ? y(s.count) : `V${y(s.count)}`} H${x(s.last)}`).join(' ')
  /** The stop that is nearest to a place of the pointer. */
  const nearest = (event: PointerEvent) => {
    const svg = (event.currentTarget as SVGElement).ownerSVGElement!
    const box = svg.getBoundingClientRect()
    const ms = from + ((((event.clientX - box.left) * width) / box.width - edge.left) / inner.width) * (until - from)
    const far = stops.map((s) => (ms < s.at ? s.at - ms : ms > s.until ? ms - s.until : 0))
    setAt(far.indexOf(Math.min(...far)))
  }
  const move = (event: KeyboardEvent) => {
    const to = keys[event.key]?.(at ?? stops.length, stops.length)
    if (to === undefined) return
    event.preventDefault()
    setAt(to)
  }
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: the figure has its title; one in here would be a tooltip over everything
    <svg viewBox={`0 0 ${width} ${height}`} width="100%" class="chart-svg">
      <svg aria-hidden="true" width={width} height={height} class="chart-svg">
        {ticks.map((t) => (
          <g key={t}>
            <line x1={edge.left} x2={width - edge.right} y1={y(t)} y2={y(t)} class={t === 0 ? 'chart-axis' : 'chart-grid'} />
            <text x={edge.left - 6} y={y(t) + 4} text-anchor="end">
              {t}
            </text>
          </g>
        ))}
        {apart(timeTicks(from, until, width / 80).map((t) => ({ x: x(t.at), label: t.label }))).map((t) => (
          <g key={t.label}>
            <line x1={t.x} x2={t.x} y1={ground} y2={ground + 4} class="chart-axis" />
            <text x={t.x} y={ground + 18} text-anchor="middle">
              {t.label}
            </text>
          </g>
        ))}
        <text x={edge.left + inner.width / 2} y={height - 6} text-anchor="middle" class="chart-label">
          Day (UTC)
        </text>
        <text transform={`translate(12 ${edge.top + inner.height / 2}) rotate(-90)`} text-anchor="middle" class="chart-label">
          {yLabel}
        </text>
        {marks.map((m) => (
          <g key={m.of}>
            <line x1={edge.left} x2={width - edge.right} y1={y(m.count)} y2={y(m.count)} class="chart-threshold" />
            <text x={edge.left + 6} y={y(m.count) - 5} class="chart-threshold-label">
              {m.count} for {m.of}
            </text>
          </g>
        ))}
        {expected.length > 0 && (
          <>
            <line x1={x(now)} x2={x(now)} y1={edge.top} y2={ground} class="chart-mark-line" />
            <text x={x(now) - 4} y={edge.top + 10} text-anchor="end" class="chart-label">
              today
            </text>
          </>
        )}
        {expected.map((e, i) => (
          <path key={e.name} d={`M${x(last.last)} ${y(last.count)} L${x(e.at)} ${y(e.count)}`} class="chart-expected" data-line={i} />
        ))}
        {expected.map((e) => (
          <circle key={e.name} cx={x(e.at)} cy={y(e.count)} r="3.5" class="chart-point-open" />
        ))}
        <path d={line} class="chart-line" />
        <circle cx={x(last.last)} cy={y(last.count)} r="3.5" class="chart-point" />
        {looked && (
          <>
            <line x1={x(looked.at)} x2={x(looked.at)} y1={edge.top} y2={ground} class="chart-cursor" />
            <circle cx={x(looked.at)} cy={y(looked.count)} r="6" class="chart-point-looked" />
          </>
        )}
      </svg>
      {/* A slider over time: screen readers leave the arrow keys to it and say its value, without a live region. */}
      <rect
        id={`${id}-read`}
        role="slider"
        tabIndex={0}
        aria-label={`${title}: read along the line`}
        aria-valuemin={0}
        aria-valuemax={stops.length - 1}
        aria-valuenow={at ?? steps.length - 1}
        aria-valuetext={stops[at ?? steps.length - 1]!.says}
        class="chart-hit chart-focus"
        x={edge.left}
        y={edge.top}
        width={inner.width}
        height={inner.height}
        onKeyDown={move}
        onFocus={() => setAt(at ?? steps.length - 1)}
        onBlur={() => setAt(null)}
        onPointerMove={nearest}
        onPointerLeave={() => setAt(null)}
      />
    </svg>
  )
}
