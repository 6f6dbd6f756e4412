import { ProblemError, problem } from '../model.ts'

/** Hours of the day, and days, in which machines may be worked on. Minutes count from midnight in the time zone. */
export type TimeWindow = {
  readonly from: number
  /** May be less than `from`: over midnight. */
  readonly until: number
  /** 0 is Sunday; the day on which a window begins. */
  readonly days: readonly number[]
  /** IANA name, such as Europe/Berlin. */
  readonly timeZone: string
}

/** A share that goes first. Where more than `stopAbove` of those that were reached fail, the campaign stops. */
export type Canary = { readonly machines: number; readonly stopAbove: number }

/** What a campaign is to do, and its limits; kept with it as JSON. */
export type CampaignSettings = {
  /** Machines at once, over all workers; null: as many as the workers take. */
  readonly atOnce: number | null
  /** The locations with machines in this campaign; `-` is for those that no location fits. */
  readonly locations: readonly { readonly name: string; readonly atOnce: number | null }[]
  /** Activations in a minute, over all workers: so that no KMS host is flooded. Null: no limit. */
  readonly activationsPerMinute: number | null
  readonly window: TimeWindow | null
  /** A machine that cannot be reached is tried again, with growing gaps, until it has been tried for so long. 0: once. */
  readonly retryForMs: number
  readonly canary: Canary | null
  /** Plan and apply: what is wished beyond the site file. */
  readonly renew: boolean
  readonly asked: readonly unknown[]
  /** Apply: the campaign whose plans are carried out. */
  readonly plansOf: number | null
  /** How many machines it was made for; fewer are in it where it was cut while they were put in. */
  readonly machines: number
  /** Which machines were chosen, in the words of whoever chose them. */
  readonly selection: string
}

const hour = 3_600_000
/** Gaps between tries of a machine that cannot be reached: soon after a restart, then as a day goes by. */
const gapsMs = [1, 5, 15, 30, 60].map((minutes) => minutes * 60_000)

const gapAfter = (attempts: number) => gapsMs[Math.min(attempts, gapsMs.length) - 1] ?? gapsMs[0]!

/** When a machine is tried again after its n-th try, ms from now; a tenth more or less, so that those that failed together spread out. */
export const gapMs = (attempts: number, random: number): number => Math.round(gapAfter(attempts) * (0.9 + 0.2 * random))

/** For how long a machine has been tried when it is tried once more after its n-th try: the sum of the gaps, whatever clocks say. */
export function triedForMs(attempts: number): number {
  let sum = 0
  for (let n = 1; n <= attempts; n++) sum += gapAfter(n)
  return sum
}

const usage = (summary: string, next: string) => new ProblemError(problem('USAGE', summary, [next]))

/** `22:00-06:00`, with `mon-fri` or `sat,sun`. */
export function readWindow(between: string, on: string | null, timeZone: string | null): TimeWindow {
  const [, h1, m1, h2, m2] = /^(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)$/.exec(between.trim()) ?? []
  const minute = (h: string | undefined, m: string | undefined) => (h === undefined ? Number.NaN : Number(h) * 60 + Number(m))
  const [from, until] = [minute(h1, m1), minute(h2, m2)]
  if (!(from < 1440 && until <= 1440) || Number(m1) > 59 || Number(m2) > 59 || from === until)
    throw usage(`--between ${between}: expected two times of day.`, '--between 22:00-06:00')
  const zone = timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone
  if (!isTimeZone(zone)) throw usage(`--time-zone ${zone}: there is no such time zone.`, '--time-zone Europe/Berlin')
  return { from, until, days: on === null ? [0, 1, 2, 3, 4, 5, 6] : daysOf(on), timeZone: zone }
}

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
    return true
  } catch {
    return false
  }
}

const names = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

function daysOf(on: string): number[] {
  const days = new Set<number>()
  for (const part of on.toLowerCase().split(',')) {
    const [first, last = first] = part.trim().split('-')
    const [a, b] = [names.indexOf(first!), names.indexOf(last!)]
    if (a < 0 || b < 0) throw usage(`--on ${on}: expected days.`, '--on mon-fri')
    for (let day = a; ; day = (day + 1) % 7) {
      days.add(day)
      if (day === b) break
    }
  }
  return [...days].sort((a, b) => a - b)
}

/** `5%` or `20`: how many of so many machines go first. */
export function readCanary(share: string, stopAbove: string | null, machines: number): Canary {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%)?$/.exec(share.trim()) ?? []
  const first = percent ? Math.ceil((machines * Number(number)) / 100) : Number(number)
  if (!Number.isInteger(first) || first < 1 || (percent && Number(number) > 100))
    throw usage(`--canary ${share}: expected a share or a number of machines.`, '--canary 5%')
  const limit = stopAbove === null ? 10 : Number(/^(\d+(?:\.\d+)?)%?$/.exec(stopAbove.trim())?.[1] ?? Number.NaN)
  if (!(limit >= 0 && limit < 100)) throw usage(`--stop-above ${stopAbove}: expected a share in percent.`, '--stop-above 10%')
  return { machines: Math.min(first, machines), stopAbove: limit / 100 }
}

/** `8`, `0.5`: hours. */
export function readHours(flag: string, hours: string): number {
  const n = Number(hours)
  if (!(n >= 0 && n <= 24 * 90) || hours.trim() === '') throw usage(`--${flag} ${hours}: expected a number of hours.`, `--${flag} 8`)
  return Math.round(n * hour)
}

/** What stands in the store, read with care: another version may have written it. */
export function settingsOf(kept: unknown): CampaignSettings {
  const s = (kept ?? {}) as Partial<CampaignSettings>
  return {
    atOnce: s.atOnce ?? null,
    locations: s.locations ?? [],
    activationsPerMinute: s.activationsPerMinute ?? null,
    window: s.window ?? null,
    retryForMs: s.retryForMs ?? 0,
    canary: s.canary ?? null,
    renew: s.renew ?? false,
    asked: s.asked ?? [],
    plansOf: s.plansOf ?? null,
    machines: s.machines ?? 0,
    selection: s.selection ?? '',
  }
}

const whole = (n: unknown, min: number) => Number.isInteger(n) && (n as number) >= min
const limit = (n: unknown) => n === null || whole(n, 1)

/** Which of the settings cannot be meant by anything here, as another version wrote them, or somebody else; null: none. */
export function unfit(s: CampaignSettings): string | null {
  const { window, canary, locations } = s
  const parts: readonly (readonly [string, () => boolean])[] = [
    ['atOnce', () => limit(s.atOnce)],
    ['activationsPerMinute', () => limit(s.activationsPerMinute)],
    ['retryForMs', () => whole(s.retryForMs, 0)],
    ['plansOf', () => limit(s.plansOf)],
    ['locations', () => Array.isArray(locations) && locations.every((l) => typeof l?.name === 'string' && limit(l.atOnce ?? null))],
    ['canary', () => canary === null || (whole(canary.machines, 1) && canary.stopAbove >= 0 && canary.stopAbove < 1)],
    ['window', () => window === null || isWindow(window)],
  ]
  return parts.find(([, fits]) => !fits())?.[0] ?? null
}

function isWindow({ from, until, days, timeZone }: TimeWindow): boolean {
  const minutes = whole(from, 0) && from < 1440 && whole(until, 0) && until <= 1440
  return isTimeZone(timeZone) && minutes && Array.isArray(days) && days.length > 0 && days.every((d) => whole(d, 0) && d < 7)
}
