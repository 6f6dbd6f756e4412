/** When products end, over the days that come: by days, on narrow screens by weeks. */

import { count as counted, number } from '../words.ts'
import { type Bar, BarChart } from './bars.tsx'
import { byWeeks, dayName, shortDay } from './scale.ts'

type Told = {
  /** The beginning of the first day, UTC, ms. */
  readonly from: number
  /** Products that end on each day. */
  readonly days: readonly number[]
  /** Products whose end is past. */
  readonly ended: number
}

const dayMs = 86_400_000
/** Days within which a machine that is on renews several times: what still ends in them was not renewed. */
const soon = 30

export function ExpiryChart({ from, days, ended }: Told) {
  const at = (i: number) => from + i * dayMs
  const soonEnding = sum(days.slice(0, soon))
  const bar = (first: number, count: number, value: number): Bar => {
    const last = Math.min(days.length, first + count)
    const when = count === 1 ? dayName(at(first)) : `${dayName(at(first))} to ${dayName(at(last - 1))}`
    return {
      label: value === 0 ? `${when}: none` : `${when}: ${counted(value, 'product')}. Opens them.`,
      value,
      tone: first < soon ? 'attention' : 'plain',
      href: value === 0 ? null : opens(at(first), last - first),
      tick: tickOf(at(first), count, first),
      ...(first <= soon && first + count > soon && first > 0 ? { mark: `${soon} days` } : {}),
    }
  }
  return (
    <BarChart
      title={`What ends in the next ${days.length} days`}
      unit="products"
      summary={summaryOf(days, ended, soonEnding)}
      xLabel="Day on which it ends if nothing renews it (UTC)"
      yLabel="Products"
      bars={days.map((value, i) => bar(i, 1, value))}
      narrow={byWeeks(days).map((w) => bar(w.first, w.count, w.value))}
      table={{
        columns: ['Day', 'Products', 'Until then'],
        rows: days.flatMap((value, i) =>
          value === 0 ? [] : [[{ text: dayName(at(i)), href: opens(at(i), 1) }, value, sum(days.slice(0, i + 1))] as const],
        ),
        note: 'Days on which nothing ends are left out.',
      }}
    />
  )
}

/** What ends on so many days from this one on. */
const opens = (from: number, days: number) => `/expiring?from=${new Date(from).toISOString().slice(0, 10)}&days=${days}`

const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0)

/** Today, and the first of each month that is among these days. */
function tickOf(ms: number, count: number, place: number): string | undefined {
  if (place === 0) return 'today'
  const first = Array.from({ length: count }, (_, i) => ms + i * dayMs).find((day) => new Date(day).getUTCDate() === 1)
  return first === undefined ? undefined : shortDay(first)
}

function summaryOf(days: readonly number[], ended: number, soonEnding: number): string {
  const all = sum(days)
  const before = ended === 0 ? '' : ` ${counted(ended, 'product')} ended already.`
  if (all === 0) return `Nothing ends in this time.${before}`
  const most = days.indexOf(Math.max(...days))
  const near =
    soonEnding === 0
      ? `None of ${counted(all, 'product')} ends in the next ${soon} days`
      : `${counted(soonEnding, 'product')} of ${number(all)} ${soonEnding === 1 ? 'ends' : 'end'} in the next ${soon} days`
  return `${near}; most on one day, ${number(days[most]!)}, in ${counted(most, 'day')}.${before}`
}
