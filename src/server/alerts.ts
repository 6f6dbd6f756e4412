/** The server tells alerts while it runs: a turn every so many minutes, and soon after something happened. */
import { runAlerts } from '../app.ts'
import type { Live } from './live.ts'
import type { Parts } from './route.ts'

/** A mail server may take its time; whoever ends the server does not wait as long. What was not written down then is sent again. */
const lastMs = 8000

/** Ends by `signal`, when the message that is being sent has been answered, or soon. At once where the site file names nobody. */
export async function tellWhileRunning(
  { store, app, live, clock }: Pick<Parts, 'store' | 'app' | 'live' | 'clock'>,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const told = (open: number) => live.tell({ name: 'alerts', data: { open } })
  const late = Promise.withResolvers<void>()
  let timer: NodeJS.Timeout | undefined
  const wait = () => {
    timer = setTimeout(late.resolve, lastMs)
  }
  signal.addEventListener('abort', wait, { once: true })
  try {
    await Promise.race([runAlerts(store, app.siteFile, { clock, log, told, news: news(live, signal) }, signal), late.promise])
  } finally {
    // Whoever has ended already is waited for no more: a timer would hold the process.
    signal.removeEventListener('abort', wait)
    clearTimeout(timer)
  }
}

/** What happens in the fleet; not what alerts themselves tell. */
async function* news(live: Live, signal: AbortSignal): AsyncGenerator<true> {
  for await (const heard of live.listen(null, signal)) if (heard !== null && heard.event.name !== 'alerts') yield true
}
