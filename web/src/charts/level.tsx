/** A count beside the marks it must reach, in the height of a line. The words beside it say the same: this is for the eye alone. */
import './charts.css'

type Mark = { readonly of: string; readonly count: number }

const width = 120
const height = 14
/** A host shows no more than 50 machines (Office: 10); its bar is no longer. */
const least = 10

export function Level({ count, marks }: { readonly count: number; readonly marks: readonly Mark[] }) {
  const most = Math.max(least, count, ...marks.map((m) => m.count)) * 1.1
  const x = (n: number) => (n / most) * width
  const short = marks.some((m) => count < m.count)
  return (
    <svg class="chart-level" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <rect x="0" y="3" width={width} height={height - 6} class="chart-level-ground" />
      <rect x="0" y="3" width={x(count)} height={height - 6} class={short ? 'tone-action' : 'tone-ok'} />
      {marks.map((m) => (
        <line key={m.of} x1={x(m.count)} x2={x(m.count)} y1="0" y2={height} class="chart-level-mark" />
      ))}
    </svg>
  )
}
