/** The server tells alerts while it runs: a turn every so many minutes, and soon after something happened. */
import { runAlerts } from '../app.ts'
import type { Live } from './live.ts'
import type { Parts } from './route.ts'

/** Ends by `signal`, when the message that is being sent has been answered. Resolves at once where the site file names nobody. */
export async function tellWhileRunning(
  { store, app, live, clock }: Pick<Parts, 'store' | 'app' | 'live' | 'clock'>,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const told = (open: number) => live.tell({ name: 'alerts', data: { open } })
  await runAlerts(store, app.siteFile, { clock, log, told, news: news(live, signal) }, signal)
}

/** What happens in the fleet; not what alerts themselves tell. */
async function* news(live: Live, signal: AbortSignal): AsyncGenerator<true> {
  for await (const heard of live.listen(null, signal)) if (heard !== null && heard.event.name !== 'alerts') yield true
}
