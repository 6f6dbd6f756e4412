/**
 * What the task of `slmctl schedule` runs: the ordinary commands on what stands in the protected folder, with a log in place of a
 * terminal.
 */
import { readFileSync } from 'node:fs'
import { type Problem, ProblemError } from '../model.ts'
import { appendLog, linesOf } from '../schedule.ts'
import { readSite } from '../site.ts'
import type { Io } from './io.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

export type ScheduledRun = {
  /** Where journals go. */
  readonly state: string
  readonly site: string
  readonly log: string
  /** None: this machine. Tests name machines of the lab. */
  readonly words: readonly string[]
  readonly flags: Flags
}

/** Repairs where the site file says so, then looks; logs both. The exit code is the worst of what ran. */
export async function scheduledRun({ state, site, log, words, flags }: ScheduledRun, io: Io): Promise<number> {
  process.env.SLMCTL_STATE = state
  const lines: string[] = []
  let worst = 0
  const one = async (command: 'apply' | 'status', more: Flags) => {
    const { exit, answer, problems } = await quietly(command, words, { ...flags, ...more, site, json: true }, io)
    lines.push(...linesOf({ command, exit, answer, problems }))
    worst = Math.max(worst, exit)
  }
  try {
    if (repairs(site)) await one('apply', { yes: true })
    await one('status', {})
  } catch (error) {
    lines.push(`failed: ${(error as Error).message}`)
    throw error
  } finally {
    appendLog(log, new Date(), lines)
    for (const line of lines) io.out(`${line}\n`)
  }
  return worst
}

/** Whether it may repair. A site file that is no longer right says nothing: then it is only looked at, and refused by `status`. */
function repairs(site: string): boolean {
  try {
    return readSite(site, readFileSync(site, 'utf8')).site?.schedule.repair === true
  } catch {
    return false
  }
}

/** Runs a command as `--json` would print it, and takes what it prints. */
async function quietly(
  command: 'apply' | 'status',
  words: readonly string[],
  flags: Flags,
  io: Io,
): Promise<{ exit: number; answer: unknown; problems: readonly Problem[] }> {
  let text = ''
  const kept: Io = {
    ...io,
    out: (part) => {
      text += part
    },
    err: () => {},
  }
  const { run } = command === 'apply' ? await import('./commands/apply.ts') : await import('./commands/status.ts')
  try {
    const exit = await run(words, flags, kept)
    return { exit, answer: JSON.parse(text), problems: [] }
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return { exit: 2, answer: null, problems: error.problems }
  }
}
