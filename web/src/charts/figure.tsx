/**
 * What every chart has: a title, its unit, what it shows in a sentence, a line that reads the value under the pointer or the keys, and
 * the table behind it.
 *
 * Charts are SVG, not canvas: a canvas is one picture without contents, of which a screen reader says nothing, which cannot be reached
 * by keyboard, and which is printed in the pixels and colours of the screen.
 */
import './charts.css'
import type { ComponentChildren, RefObject } from 'preact'
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { number } from '../words.ts'

export type Cell = string | number | { readonly text: string; readonly href: string }
export type ChartTable = {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
  /** What is not in it, and why. */
  readonly note?: string
}
/** What a part of a chart is about; each tone has a colour and a pattern. */
export type Tone = 'plain' | 'ok' | 'attention' | 'action' | 'cannot-tell' | 'own' | 'platform' | 'vendor' | 'suspect' | 'foreign' | 'none'

type Told = {
  readonly title: string
  /** What is counted: products, machines. */
  readonly unit: string
  readonly summary: string
  readonly table: ChartTable
  /** The value that is looked at now; null: none is. */
  readonly reading: string | null
  /** What to do to read values; shown as long as none is looked at. */
  readonly hint?: string
  readonly children: ComponentChildren
}

export function ChartFigure({ title, unit, summary, table, reading, hint, children }: Told) {
  const id = useId()
  return (
    <figure class="chart" aria-labelledby={`${id}-title`} aria-describedby={`${id}-summary`}>
      <figcaption>
        <h2 id={`${id}-title`}>
          {title} <span class="chart-unit">({unit})</span>
        </h2>
        <p id={`${id}-summary`}>{summary}</p>
      </figcaption>
      {hint !== undefined && (
        // Seen only: what has the focus says the same to a screen reader.
        <p class="chart-reading" aria-hidden="true" data-read={reading !== null}>
          {reading ?? hint}
        </p>
      )}
      {children}
      <details class="chart-table">
        <summary>
          Show as table<span class="chart-hidden">: {title}</span>
        </summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys */}
        <section class="chart-scroll" tabIndex={0} aria-label={`Table: ${title}`}>
          <table>
            <thead>
              <tr>
                {table.columns.map((c, i) => (
                  <th key={c} scope="col" class={i > 0 ? 'chart-number' : undefined}>
                    {c}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row, i) => (
                <tr key={i}>
                  {row.map((cell, k) =>
                    k === 0 ? (
                      <th key={table.columns[k]} scope="row">
                        <Shown cell={cell} />
                      </th>
                    ) : (
                      <td key={table.columns[k]} class="chart-number">
                        <Shown cell={cell} />
                      </td>
                    ),
                  )}
                </tr>
              ))}
            </tbody>
          </table>
          {table.note && <p>{table.note}</p>}
        </section>
      </details>
    </figure>
  )
}

function Shown({ cell }: { cell: Cell }) {
  if (typeof cell === 'object') return <a href={cell.href}>{cell.text}</a>
  return <>{typeof cell === 'number' ? number(cell) : cell}</>
}

/** How wide a place is, px: known before the first picture, and anew where it changes. */
export function useWidth(): readonly [RefObject<HTMLDivElement | null>, number] {
  const place = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const element = place.current
    if (!element) return
    const measure = () => setWidth(Math.max(240, Math.round(element.clientWidth)))
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return [place, width]
}

const tones: readonly Tone[] = ['attention', 'action', 'cannot-tell', 'platform', 'vendor', 'suspect', 'foreign', 'none']

/** Patterns of the tones below an id, so that a part is known without its colour, too. Those that are plain have none. */
export function Patterns({ id }: { id: string }) {
  return (
    <defs>
      {tones.map((tone) => (
        <pattern key={tone} id={`${id}-${tone}`} width="8" height="8" patternUnits="userSpaceOnUse">
          <rect width="8" height="8" class={`tone-${tone}`} />
          <path d={marks[tone]!} class="chart-mark" />
        </pattern>
      ))}
    </defs>
  )
}

const marks: Partial<Record<Tone, string>> = {
  attention: 'M-1 1 l2 -2 M0 8 l8 -8 M7 9 l2 -2',
  action: 'M0 0 l8 8 M0 8 l8 -8',
  'cannot-tell': 'M2 2 h1 M6 6 h1',
  platform: 'M0 2 h8 M0 6 h8',
  vendor: 'M2 0 v8 M6 0 v8',
  suspect: 'M-1 1 l2 -2 M0 8 l8 -8 M7 9 l2 -2',
  foreign: 'M0 0 l8 8 M0 8 l8 -8',
  none: 'M4 4 h1',
}

/** The fill of a tone: its pattern below that id, or its colour by class. */
export const fillOf = (tone: Tone, id: string): { readonly class: string; readonly fill?: string } =>
  marks[tone] === undefined ? { class: `tone-${tone}` } : { class: `toned tone-edge-${tone}`, fill: `url(#${id}-${tone})` }
