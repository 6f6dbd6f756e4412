import { openFleet } from '../../app.ts'
import { ProblemError, problem } from '../../model.ts'
import { type Io, note } from '../io.ts'
import { appFor } from '../machines.ts'
import { stopOnSignals } from '../stop.ts'
import { leases } from './campaigns.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

/** How long a database that is away is waited for: restarts, failovers, a night's maintenance. */
const patienceMs = 30 * 60_000

/** `slmctl worker`: works on every campaign that runs in a store, until it is told to end. */
export async function run(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  if (words.length > 0)
    throw new ProblemError(problem('USAGE', 'worker takes no words.', ['slmctl worker --store URL --serves berlin,munich']))
  const serves =
    flags.serves === undefined
      ? null
      : String(flags.serves)
          .split(',')
          .map((name) => name.trim())
          .filter((name) => name !== '')
  const app = await appFor(flags, io)
  const store = await openFleet((flags.store as string | undefined) ?? null, false, patienceMs)
  const stop = stopOnSignals(io)
  const known = new Set(['-', ...(app.site?.locations ?? []).map((l) => l.name)])
  const unknown = serves?.find((name) => !known.has(name))
  try {
    if (unknown !== undefined)
      throw new ProblemError(
        problem('LOCATION_UNKNOWN', `The site file has no location ${unknown}.`, [
          `Its locations: ${[...known].join(', ')} (- is where none fits).`,
        ]),
      )
    app.needSite('worker')
    let ended = 0
    if (!flags.json) note(`serves ${serves === null ? 'every location' : serves.join(', ')} of ${store.place}; ^C ends it.`, io)
    await app.runCampaigns(
      store,
      { campaign: null, serves, ...leases() },
      (event) => {
        if (event.kind === 'worked' && event.over) ended++
        if (flags.json && event.kind === 'worked' && event.over)
          io.out(
            `${JSON.stringify({ schema: 'slmctl.worker/1', campaign: event.campaign, machine: event.target.name, result: event.worked.result, problem: event.worked.problem?.code ?? null })}\n`,
          )
        else if (event.kind === 'state')
          note(`campaign ${event.campaign} is ${event.state}${event.because ? `: ${event.because}` : '.'}`, io)
      },
      stop.signal,
    )
    if (!flags.json) io.out(`${ended} machines.\n`)
    return 0
  } finally {
    stop.forget()
    await store.close()
    await app.close()
  }
}
