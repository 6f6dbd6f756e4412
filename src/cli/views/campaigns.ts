import type { CampaignGroup, CampaignTold, Limits, RunEvent } from '../../app.ts'
import { type Io, wrap } from '../io.ts'
import { timeLeft } from '../machines.ts'
import { when } from './fleet.ts'

export const machines = (n: number) => `${n} ${n === 1 ? 'machine' : 'machines'}`

const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const clock = (minute: number) => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`

/** Limits as they were understood, in one sentence: `--canary 5` and `--canary 5%` are easily taken for each other. Null: none. */
export function limitsInWords({ atOnce, activationsPerMinute, window, retryForMs, canary }: Limits): string | null {
  const days = window && window.days.length < 7 ? ` on ${window.days.map((d) => dayNames[d]).join(', ')}` : ''
  const parts = [
    ...(canary
      ? [`${machines(canary.machines)} first, the others only if no more than ${Math.round(canary.stopAbove * 1000) / 10} % of these fail`]
      : []),
    ...(window ? [`only from ${clock(window.from)} to ${clock(window.until)}${days} (${window.timeZone})`] : []),
    ...(atOnce === null ? [] : [`at most ${machines(atOnce)} at once`]),
    ...(activationsPerMinute === null ? [] : [`at most ${activationsPerMinute} activations a minute`]),
    ...(retryForMs > 0 ? [`those that are away are tried for ${timeLeft(retryForMs)}`] : []),
  ]
  return parts.length === 0 ? null : `${parts.join('; ')}.`
}

/** Campaigns, newest first, one line each, and below it what it is about and what stopped one. */
export function showCampaigns(list: readonly CampaignTold[], io: Io): void {
  if (list.length === 0) io.out('No campaign has been made yet: slmctl fleet scan\n')
  for (const c of list) {
    const ended = c.done + c.failed + c.cancelled
    const failed = c.failed > 0 ? `, ${c.failed} failed` : ''
    io.out(
      `${String(c.id).padStart(5)}  ${c.kind.padEnd(6)} ${c.state.padEnd(10)} ${when(c.createdAt)}  ${ended} of ${machines(c.machines)}${failed}\n`,
    )
    if (c.selection !== 'every machine') io.out(wrap(c.selection, io.columns, '       '))
    if (c.because) io.out(wrap(c.because, io.columns, '       '))
  }
}

/** One campaign as a whole: how far it is, what it came to by groups, where its machines are. */
export function showCampaign(c: CampaignTold, io: Io): void {
  io.out(wrap(`${io.paint('bold', `Campaign ${c.id}`)}: ${c.kind} of ${c.selection}, since ${when(c.createdAt)}, ${c.state}.`, io.columns))
  if (c.because) io.out(wrap(c.because, io.columns, '  '))
  const parts = [
    [c.done, 'done'],
    [c.failed, 'failed'],
    [c.running, 'under way'],
    [c.waiting, 'waiting'],
    [c.retrying, 'tried again later'],
    [c.cancelled, 'cancelled'],
  ] as const
  io.out(
    wrap(
      `${machines(c.machines)}: ${parts.flatMap(([n, what]) => (n > 0 ? [`${n} ${what}`] : [])).join(', ') || 'none'}.`,
      io.columns,
      '  ',
    ),
  )
  if (c.nextDueAt !== null && c.retrying > 0 && c.waiting === 0) io.out(`  The next try is at ${when(c.nextDueAt)}.\n`)
  showGroups(c, io)
  if (c.locations.length > 1) {
    io.out(`\n${io.paint('bold', 'Locations')}\n`)
    for (const l of c.locations)
      io.out(
        wrap(
          `${l.name === '-' ? '(none)' : l.name}${l.left > 0 ? `, ${l.left} left` : ''}`,
          io.columns,
          `${String(l.machines).padStart(8)}  `,
        ),
      )
  }
}

/** At the end of a run in this process. */
export function summary(c: CampaignTold, io: Io): void {
  const ended = c.done + c.failed
  io.out(wrap(`${ended} of ${machines(c.machines)}${c.state === 'finished' ? '' : `; campaign ${c.id} is ${c.state}`}.`, io.columns))
  if (c.because && c.state !== 'finished') io.out(wrap(c.because, io.columns, '  '))
  showGroups(c, io)
  const next =
    c.state === 'stopped'
      ? `It goes on with: slmctl fleet resume ${c.id}`
      : c.unreachable === c.machines && c.machines > 1
        ? 'None of them could be reached: that is rather this computer, its network, DNS or logon than each of them. One in full: slmctl status NAME'
        : c.groups.some((g) => g.result === 'stale')
          ? 'Stale: not any more as it was when it was planned, and unchanged. Plan it anew: slmctl fleet plan'
          : c.unreachable > 0
            ? `Those that could not be reached: slmctl fleet list --problem any. A campaign tries them for hours: --retry-for 8`
            : c.kind === 'plan' && c.planned > 0
              ? `To carry it out: slmctl fleet apply --plans ${c.id}`
              : 'What keeps machines from being in order: slmctl fleet status'
  io.out(`\n${wrap(next, io.columns)}`)
}

function showGroups(c: CampaignTold, io: Io): void {
  const shown = c.groups.filter((g) => g.state === 'done' || g.state === 'failed' || (g.state === 'waiting' && g.problem))
  if (shown.length > 0) io.out('\n')
  const told = new Set<string>()
  for (const g of shown.slice(0, 30)) {
    io.out(wrap(inWords(g), io.columns, `${String(g.machines).padStart(8)}  `))
    for (const { code, text, next } of g.reasons) {
      // A code may be behind several results.
      if (told.has(code)) continue
      told.add(code)
      io.out(wrap(`${g.machines > 1 ? 'For example: ' : ''}${text}`, io.columns, '          '))
      for (const step of next.slice(0, 2)) io.out(wrap(step, io.columns, '          → ', '            '))
    }
  }
  const rest = shown.slice(30).reduce((n, g) => n + g.machines, 0)
  if (rest > 0) io.out(wrap('of other kinds: --json has all of them', io.columns, `${String(rest).padStart(8)}  `))
}

function inWords({ state, result, problem }: CampaignGroup): string {
  if (state === 'waiting') return `tried again later (${problem})`
  return problem ? `${result} (${problem})` : (result ?? state)
}

export type LiveLine = { readonly hear: (event: RunEvent) => void; readonly end: () => void }

/** How long the rate is looked back over, ms: long enough to be calm, short enough to follow. */
const lookBackMs = 30_000
/** Nothing ended for so long, ms: that is said. Longer than a machine that answers takes. */
const quietMs = 8_000

/** Done, rate, time left and failures by kind, in one line on standard error that is drawn anew; only on a terminal. */
export function liveLine(before: CampaignTold, io: Io): LiveLine {
  const show = process.stderr.isTTY === true
  const failures = new Map<string, number>()
  const marks: { at: number; done: number }[] = []
  let done = before.done + before.failed + before.cancelled
  let waiting = ''
  let shown = 0
  let heardAt = Date.now()
  const draw = (now: number) => {
    shown = now
    const first = marks[0]
    const rate = first && now > first.at ? ((done - first.done) * 1000) / (now - first.at) : 0
    const kinds = [...failures].sort((a, b) => b[1] - a[1])
    const failed = kinds.reduce((n, [, k]) => n + k, 0)
    const parts = [
      `${done}/${before.machines}`,
      ...(rate > 0 && done < before.machines
        ? [`${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`, `${timeLeft(((before.machines - done) / rate) * 1000)} left`]
        : []),
      ...(failed > 0
        ? [
            `${failed} failed: ${kinds
              .slice(0, 3)
              .map(([code, n]) => `${n} ${code}`)
              .join(', ')}`,
          ]
        : []),
      ...(waiting ? [waiting] : now - heardAt >= quietMs ? [`nothing ended for ${timeLeft(now - heardAt)}`] : []),
    ]
    const line = parts.join('  ')
    io.err(`\r${line.length < io.columns ? line : `${line.slice(0, io.columns - 2)}…`}\u001b[K`)
  }
  // A line that is not there, or stands still, looks as if the program did.
  const beat = show ? setInterval(() => draw(Date.now()), 1000) : null
  if (show) draw(Date.now())
  return {
    hear: (event) => {
      const now = Date.now()
      if (event.kind === 'worked') {
        waiting = ''
        heardAt = now
        const { end, problem } = event.worked
        if (event.over) done++
        if (end !== 'done' && end !== 'back' && problem) failures.set(problem.code, (failures.get(problem.code) ?? 0) + 1)
        if (marks.length === 0 || now - marks.at(-1)!.at > 1000) marks.push({ at: now, done })
        while (marks.length > 2 && now - marks[0]!.at > lookBackMs) marks.shift()
      } else if (event.kind === 'waiting')
        waiting = event.why === 'window' ? `waits until ${when(event.until)} (--between)` : `next try at ${when(event.until)}`
      if (show && now - shown >= 200) draw(now)
    },
    end: () => {
      if (beat) clearInterval(beat)
      if (show) io.err('\r\u001b[K')
    },
  }
}
