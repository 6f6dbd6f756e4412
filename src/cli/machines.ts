/**
 * What `status`, `plan` and `apply` share: the flags by which machines are named and reached, the machines they mean, progress.
 */
import { existsSync } from 'node:fs'
import { type App, openApp } from '../app.ts'
import { type MachinePlan, ProblemError, problem } from '../model.ts'
import { type Io, note } from './io.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

/** Opens what the flags describe; wrong values are a Problem before anything is asked. */
export async function appFor(flags: Flags, io: Io, words: readonly string[] = []): Promise<App> {
  const number = (flag: string, min: number, max: number): number | null => {
    const given = flags[flag]
    if (given === undefined) return null
    const n = Number(given)
    if (!Number.isInteger(n) || n < min || n > max)
      throw new ProblemError(problem('USAGE', `--${flag} ${given}: expected a number from ${min} to ${max}.`, [`--${flag} ${min}`]))
    return n
  }
  const text = (flag: string) => (flags[flag] as string | undefined) ?? null
  return await openApp({
    siteFile: text('site'),
    parallel: number('parallel', 1, 2000) ?? 128,
    replay: recordingsIn(flags, words),
    notice: (line) => note(line, io),
    support: io.support,
    reach: {
      user: text('user'),
      passwordFile: text('password-file'),
      askPassword: flags['ask-password'] === true,
      credential: text('credential'),
      method: text('auth'),
      https: flags.https === true,
      port: number('port', 1, 65_535),
      ca: text('ca'),
      pin: text('pin'),
      timeoutSeconds: number('timeout', 1, 3600),
    },
  })
}

/** With --from-recording, words that are files are further recordings; others are machines in them. */
function recordingsIn(flags: Flags, words: readonly string[]): readonly string[] | null {
  const given = flags['from-recording'] as string | undefined
  return given === undefined ? null : [...given.split('\n'), ...words.filter((w) => existsSync(w))]
}

/** The machines that words and flags mean: names, groups of the site file, all, or this computer where nothing is said. */
export function machinesMeant(app: App, words: readonly string[], flags: Flags, command: string): readonly string[] {
  if (app.recorded) {
    const wanted = words.filter((w) => !existsSync(w))
    return wanted.length === 0 ? app.recorded : app.machines(wanted)
  }
  if (flags.all === true) {
    const names = app.everyMachine()
    if (names.length === 0)
      throw new ProblemError(
        app.site === null
          ? problem('NO_SITE_FILE', '--all means the machines of the site file, and there is none.', [
              'slmctl site init writes one to begin with; then list machines in it (groups).',
              `slmctl ${command} pc-17.corp.example: one machine, without a site file`,
            ])
          : problem('NO_MACHINES', 'The site file lists no machines.', [
              'List them in the site file (groups, machines), or name them on the command line.',
            ]),
      )
    return names
  }
  if (words.length === 0) {
    if (app.here) return [app.here]
    throw new ProblemError(
      problem('NO_MACHINE', `This computer has no Windows licence to look at; ${command} wants the name of a machine.`, [
        `slmctl ${command} pc-17.corp.example${flags.out === undefined ? '' : ` --out ${flags.out}`}`,
        `slmctl ${command} --all: every machine of the site file`,
        'slmctl diagnose: read what slmgr printed on a machine',
      ]),
    )
  }
  return app.machines(words)
}

/** Counts on standard error while machines are worked through; only on a terminal, and only where there are several. */
export function progress(total: number, io: Io): { readonly step: (bad: boolean) => void; readonly end: () => void } {
  const show = process.stderr.isTTY && total > 1
  const begin = Date.now()
  let done = 0
  let bad = 0
  let shown = 0
  return {
    step: (failed) => {
      done++
      if (failed) bad++
      const now = Date.now()
      if (!show || (now - shown < 100 && done < total)) return
      shown = now
      const left = ((now - begin) / done) * (total - done)
      io.err(
        `\r${done}/${total} machines${bad > 0 ? `, ${bad} not as wished` : ''}${done < total ? `, about ${timeLeft(left)} left` : ''}\u001b[K`,
      )
    },
    end: () => {
      if (show) io.err('\r\u001b[K')
    },
  }
}

/** An amount of time in one word: seconds, minutes or hours, whichever is read at once. */
export function timeLeft(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  return seconds < 90 ? `${seconds} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

/** True where a plan rests on something that gave no answer: the machine, or DNS. */
export const couldNotAsk = ({ missing, refused }: MachinePlan): boolean =>
  missing.some((m) => m.fact === 'answer') || refused.some((r) => r.code === 'COULD_NOT_ASK')
