/** The loop that tells alerts: every so many minutes, and soon after something happened. */
import type { SiteFile } from '../site.ts'
import type { Store } from '../store.ts'
import { tellAlerts } from './alerts.ts'

export type AlertParts = {
  readonly clock: () => number
  readonly log: (line: string) => void
  /** Hears how many stand, after each look. */
  readonly told?: (open: number) => void
  /** Something happened in the fleet: it is looked soon, not at the next turn. */
  readonly news?: AsyncIterable<unknown>
  /** How long after that: what belongs together comes together. */
  readonly soonMs?: number
}

/** The rest of a scan's answers are in by then, and a long scan does not have everything counted all the time. */
const usualSoonMs = 15_000
const soonestMs = 1000

/** Looks every so many minutes, and soon after something happened, until `signal` says so. Several servers may do so at once. */
export async function runAlerts(store: Store, siteFile: SiteFile | null, parts: AlertParts, signal: AbortSignal): Promise<void> {
  const settings = siteFile?.alerts ?? null
  if (!siteFile || !settings) return
  let wake: (() => void) | null = null
  let happened = false
  const listening = hear(parts.news, () => {
    happened = true
    wake?.()
  })
  while (!signal.aborted) {
    happened = false
    let nextAt: number | null = null
    try {
      const looked = await tellAlerts(store, siteFile, parts, signal)
      parts.told?.(looked.open)
      nextAt = looked.nextAt
    } catch (error) {
      // The store is away, or the site file's words are wrong: said each time, and tried again.
      parts.log(`alerts: ${(error as Error).message}`)
    }
    const turn = settings.minutes * 60_000
    const until = parts.clock() + (nextAt === null ? turn : Math.max(soonestMs, Math.min(turn, nextAt - parts.clock())))
    await rest(until - parts.clock(), parts.soonMs ?? usualSoonMs, signal, (f) => {
      wake = f
      if (happened) f()
    })
    wake = null
  }
  await listening
}

async function hear(news: AsyncIterable<unknown> | undefined, then: () => void): Promise<void> {
  try {
    for await (const one of news ?? []) if (one !== null) then()
  } catch {
    // Whoever tells of news has ended; the turns go on.
  }
}

/** Waits; shorter where something happens, and no longer than until `signal`. */
function rest(ms: number, soonMs: number, signal: AbortSignal, woken: (wake: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    let timer = setTimeout(end, Math.max(0, ms))
    const began = performance.now()
    let soon = false
    function end() {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    woken(() => {
      if (soon) return
      soon = true
      const left = ms - (performance.now() - began)
      clearTimeout(timer)
      timer = setTimeout(end, Math.max(0, Math.min(soonMs, left)))
    })
  })
}
