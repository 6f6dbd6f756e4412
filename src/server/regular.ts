/** What the server does by itself while it runs: the checks of KMS hosts and the scans that the site file wishes. */
import { checkHostsWhenDue, type ServerSettings, scanWhenDue } from '../app.ts'
import { printable } from '../model.ts'
import type { Parts } from './route.ts'

/** How often it is looked whether something is due. */
const turnMs = 30_000

export type Regular = { readonly end: () => Promise<void> }

/** Goes on until it is ended. What goes wrong is logged once, until it is something else, and tried again. */
export function regularly(
  { store, app, wake, clock }: Pick<Parts, 'store' | 'app' | 'wake' | 'clock'>,
  { checkHostsMinutes, scanHours }: Pick<ServerSettings, 'checkHostsMinutes' | 'scanHours'>,
  log: (line: string) => void,
  everyMs = turnMs,
): Regular {
  const stop = new AbortController()
  const said = new Map<string, string>()
  let next = () => {}
  let checkedAt = Number.NEGATIVE_INFINITY
  const attempt = async (what: string, work: () => Promise<unknown>) => {
    try {
      if (await work()) wake()
      said.delete(what)
    } catch (error) {
      const why = printable((error as Error).message)
      if (said.get(what) !== why) log(`${what}: ${why}`)
      said.set(what, why)
    }
  }
  const goOn = async () => {
    while (!stop.signal.aborted) {
      const hosts = () => app.kmsHosts([])
      if (checkHostsMinutes !== null && app.site)
        await attempt('the check of the KMS hosts', async () => {
          const now = clock()
          const looked = await checkHostsWhenDue(hosts, store, checkHostsMinutes, { now, lastAt: checkedAt }, stop.signal)
          if (looked > 0) checkedAt = now
          return looked
        })
      if (scanHours !== null && !stop.signal.aborted)
        await attempt('the scan of every machine', () => scanWhenDue(store, app.site, scanHours, clock()))
      await new Promise<void>((done) => {
        const timer = setTimeout(done, everyMs)
        next = () => {
          clearTimeout(timer)
          done()
        }
        if (stop.signal.aborted) next()
      })
    }
  }
  const done = checkHostsMinutes === null && scanHours === null ? Promise.resolve() : goOn()
  return {
    end: async () => {
      stop.abort()
      next()
      await done
    },
  }
}
