/**
 * A check every seven days: a task of Windows for the machine itself, a systemd timer for a fleet. What is done to the computer is
 * a list of actions, which can be shown before it is carried out.
 */
import { ProblemError, problem } from './model.ts'
import type { Action } from './schedule/actions.ts'
import type { Host, Shown, Wanted } from './schedule/host.ts'
import { byHand, installTimer, removeTimer, showTimer } from './schedule/linux.ts'
import { installTask, leftAlone, removeTask, showTask } from './schedule/windows.ts'

export { letsOthers, openToWrite } from './schedule/access.ts'
export { type Action, carryOut, carryOutAll, describeAction } from './schedule/actions.ts'
export { type Host, type Program, type Shown, thisHost, type Wanted } from './schedule/host.ts'
export { appendLog, lastLines } from './schedule/log.ts'
export { linesOf } from './schedule/report.ts'
export { firstRun, quoted, readTask, type TaskWords, taskXml } from './schedule/task.ts'
export { readService, serviceUnit, timerUnit, type UnitWords } from './schedule/units.ts'
export { places as taskPlaces, taskName } from './schedule/windows.ts'

export type Schedule = {
  /** The machine itself is checked (Windows), or the machines of the site file (Linux). */
  readonly of: 'machine' | 'fleet'
  /** Throws NOT_ELEVATED where an administrator is needed; before anything is tried. */
  readonly mayChange: () => Promise<void>
  readonly install: (wanted: Wanted) => Promise<readonly Action[]>
  readonly remove: (keepLog: boolean) => readonly Action[]
  readonly show: () => Promise<Shown>
  /** What is left to do by hand after installing. */
  readonly byHand: () => readonly string[]
  /** What stays after removing, and why. */
  readonly left: () => readonly string[]
}

/** What this system has for a schedule; throws SCHEDULE_UNSUPPORTED where it has nothing that slmctl sets up. */
export function scheduleOf(host: Host): Schedule {
  if (host.platform === 'win32')
    return {
      of: 'machine',
      mayChange: async () => {
        if (await host.elevated()) return
        throw new ProblemError(
          problem('NOT_ELEVATED', 'A scheduled check is set up and removed by an administrator; this process has no such rights.', [
            'Start it from a console that was opened with "Run as administrator".',
          ]),
        )
      },
      install: (wanted) => installTask(wanted, host),
      remove: (keepLog) => removeTask(keepLog, host),
      show: () => showTask(host),
      byHand: () => [],
      left: () => leftAlone(host),
    }
  if (host.platform === 'linux')
    return {
      of: 'fleet',
      mayChange: async () => {},
      install: (wanted) => installTimer(wanted, host),
      remove: (keepLog) => removeTimer(keepLog, host),
      show: () => showTimer(host),
      byHand: () => byHand(host),
      left: () => [],
    }
  throw new ProblemError(
    problem('SCHEDULE_UNSUPPORTED', 'slmctl sets up schedules on Windows and on Linux with systemd, not on this system.', [
      'With cron: 0 9 * * 1 slmctl status --all --site /FULL/PATH/slmctl.yaml',
    ]),
  )
}
