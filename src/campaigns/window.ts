import type { TimeWindow } from './settings.ts'

/** Whether a window is open at this moment. */
export function isOpen(window: TimeWindow, at: number): boolean {
  const { day, minute } = local(window, at)
  const opens = (d: number) => window.days.includes((d + 7) % 7)
  if (window.from < window.until) return opens(day) && minute >= window.from && minute < window.until
  return (opens(day) && minute >= window.from) || (opens(day - 1) && minute < window.until)
}

/** When it opens next, ms since 1970, to the minute; now where it is open. */
export function opensAt(window: TimeWindow, at: number): number {
  if (isOpen(window, at)) return at
  const minute = 60_000
  let next = Math.floor(at / minute) * minute + minute
  // Hours first, then back to the minute: a change of the clocks may move the hour.
  const last = next + 9 * 86_400_000
  while (!isOpen(window, next) && next < last) next += 15 * minute
  while (next - minute > at && isOpen(window, next - minute)) next -= minute
  return next
}

const formats = new Map<string, Intl.DateTimeFormat>()
const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

function local({ timeZone }: TimeWindow, at: number): { day: number; minute: number } {
  let format = formats.get(timeZone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    formats.set(timeZone, format)
  }
  const part = new Map(format.formatToParts(at).map((p) => [p.type, p.value]))
  return { day: days.indexOf(part.get('weekday')!), minute: Number(part.get('hour')) * 60 + Number(part.get('minute')) }
}
