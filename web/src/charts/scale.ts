/** How numbers and times become places of a chart. Pure. */

const dayMs = 86_400_000

/** Whole numbers from 0 up that people count in (1, 2, 5, 10, 20, …), at most `most` steps; the last is not below `max`. */
export function countTicks(max: number, most = 5): readonly number[] {
  const wanted = Math.max(1, max)
  for (let ten = 1; ; ten *= 10)
    for (const times of [1, 2, 5]) {
      const step = times * ten
      const steps = Math.ceil(wanted / step)
      if (steps <= most) return Array.from({ length: steps + 1 }, (_, i) => i * step)
    }
}

export type TimeTick = { readonly at: number; readonly label: string }

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** Days or months between two times (ms, UTC), no more than `most`; January names its year. */
export function timeTicks(from: number, until: number, most: number): readonly TimeTick[] {
  const days = (until - from) / dayMs
  const step = [1, 2, 7, 14].find((n) => days / n <= most)
  if (step !== undefined && days / step >= 1) {
    const first = Math.ceil(from / dayMs) * dayMs
    return Array.from({ length: Math.floor((until - first) / (step * dayMs)) + 1 }, (_, i) => {
      const at = first + i * step * dayMs
      return { at, label: `${new Date(at).getUTCDate()} ${months[new Date(at).getUTCMonth()]}` }
    })
  }
  const begin = new Date(from)
  const every = Math.max(1, Math.ceil(days / 30.4 / Math.max(1, most)))
  const ticks: TimeTick[] = []
  for (let month = begin.getUTCMonth() + 1; ; month += every) {
    const at = Date.UTC(begin.getUTCFullYear(), month)
    if (at > until) return ticks
    const date = new Date(at)
    ticks.push({ at, label: date.getUTCMonth() === 0 ? `Jan ${date.getUTCFullYear()}` : months[date.getUTCMonth()]! })
  }
}

export type Days = { readonly first: number; readonly count: number; readonly value: number }

/** Days taken together by sevens; the last may be shorter. `first` is its place among the days. */
export function byWeeks(days: readonly number[]): readonly Days[] {
  return Array.from({ length: Math.ceil(days.length / 7) }, (_, week) => {
    const part = days.slice(week * 7, week * 7 + 7)
    return { first: week * 7, count: part.length, value: part.reduce((a, b) => a + b, 0) }
  })
}

/** A line of digits and small letters takes about so much of a pixel row; labels that would touch are left out. */
const letterPx = 7

/** Of labels at places (px, ascending), those that do not touch each other. */
export function apart<T extends { readonly x: number; readonly label: string }>(labels: readonly T[], gap = 10): readonly T[] {
  const kept: T[] = []
  let free = Number.NEGATIVE_INFINITY
  for (const one of labels) {
    const half = (one.label.length * letterPx) / 2
    if (one.x - half < free) continue
    kept.push(one)
    free = one.x + half + gap
  }
  return kept
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const

/** A day as people write it, UTC: Thu 26 Nov 2026. */
export function dayName(ms: number): string {
  const at = new Date(ms)
  return `${weekdays[at.getUTCDay()]} ${at.getUTCDate()} ${months[at.getUTCMonth()]} ${at.getUTCFullYear()}`
}

/** Without weekday and year: 26 Nov. */
export function shortDay(ms: number): string {
  return `${new Date(ms).getUTCDate()} ${months[new Date(ms).getUTCMonth()]}`
}
