import { type AlertsNow, type AlertTold, alertsNow, openFleet, type StandingAlert, tellAlerts, testAlerts } from '../../app.ts'
import { ProblemError, problem } from '../../model.ts'
import { type Io, json, note, showProblem } from '../io.ts'
import { appFor } from '../machines.ts'
import { showAlerts, showTold } from '../views/alerts.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

/** `slmctl alerts`: what stands, and who is told of it. Exit code 1 where something stands, 2 where it could not be told. */
export async function run(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  if (words.length > 0) throw new ProblemError(problem('USAGE', 'alerts takes no words.', ['slmctl alerts --test']))
  if (flags.send && flags.test) throw new ProblemError(problem('USAGE', 'Either --send or --test, not both.', ['slmctl alerts --test']))
  const app = await appFor(flags, io)
  try {
    // A test needs no fleet.
    if (flags.test) return answer(null, await testAlerts(app.siteFile, Date.now()), flags, io)
    const store = await openFleet((flags.store as string | undefined) ?? app.siteFile?.server?.store ?? null, false)
    try {
      let told: readonly AlertTold[] | null = null
      if (flags.send) {
        if (!app.siteFile?.alerts)
          throw new ProblemError(
            problem('ALERTS_NONE', 'The site file names nobody who is to be told.', [
              'alerts: {…} in the site file: docs/guide/metrics.md',
            ]),
          )
        const clock = () => Date.now()
        told = (await tellAlerts(store, app.siteFile, { clock, log: (line) => note(line, io) })).told
      }
      return answer(await alertsNow(store, app.siteFile, Date.now()), told, flags, io)
    } finally {
      await store.close()
    }
  } finally {
    await app.close()
  }
}

const row = ({ key, rule, severity, title, text, number, since, sentAt, link }: StandingAlert) => ({
  ...{ key, rule, severity, title, text, number, since, sentAt, link },
})

function answer(now: AlertsNow | null, told: readonly AlertTold[] | null, flags: Flags, io: Io): number {
  if (flags.json)
    io.out(
      json({
        schema: 'slmctl.alerts/1',
        ...{ at: now?.at ?? Date.now(), quiet: now?.quiet ?? false, ways: now?.ways ?? [], alerts: (now?.alerts ?? []).map(row), told },
      }),
    )
  else {
    if (told) showTold(told, io)
    if (now) showAlerts(now, io)
  }
  const failed = told?.flatMap((t) => t.problem ?? []) ?? []
  if (!flags.json) for (const p of failed) showProblem(p, io)
  if (failed.length > 0) return 2
  return now !== null && now.alerts.length > 0 ? 1 : 0
}
