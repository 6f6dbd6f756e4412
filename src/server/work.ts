/** The work on campaigns in the server's own process: begun anew where the store was away, let go when the server ends. */
import type { App, RunEvent, Store } from '../app.ts'
import { printable } from '../model.ts'

export type Work = { readonly wake: () => void; readonly end: () => Promise<void> }

/** How long it rests after something went wrong. */
const restMs = 15_000

export function work(
  { app, store, log }: { readonly app: App; readonly store: Store; readonly log: (line: string) => void },
  hear: (event: RunEvent) => void,
): Work {
  const stop = new AbortController()
  let wake = () => {}
  const goOn = async () => {
    while (!stop.signal.aborted)
      try {
        await app.runCampaigns(store, { campaign: null, serves: null }, hear, stop.signal)
      } catch (error) {
        log(`campaigns rest for a moment: ${printable((error as Error).message)}`)
        await new Promise<void>((done) => {
          const timer = setTimeout(done, restMs)
          wake = () => {
            clearTimeout(timer)
            done()
          }
        })
      }
  }
  const done = goOn()
  return {
    wake: () => wake(),
    end: async () => {
      stop.abort()
      wake()
      await done
    },
  }
}
