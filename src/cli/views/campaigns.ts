import type { CampaignGroup, CampaignTold, RunEvent } from '../../app.ts'
import { type Io, wrap } from '../io.ts'

const when = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
const machines = (n: number) => `${n} ${n === 1 ? 'machine' : 'machines'}`

export function timeLeft(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  return seconds < 90 ? `${seconds} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

/** Campaigns, newest first, one line each, and below it what stopped one. */
export function showCampaigns(list: readonly CampaignTold[], io: Io): void {
  if (list.length === 0) io.out('No campaign has been made yet: slmctl fleet scan\n')
  for (const c of list) {
    const ended = c.done + c.failed + c.cancelled
    io.out(
      `${String(c.id).padStart(5)}  ${c.kind.padEnd(6)} ${c.state.padEnd(10)} ${when(c.createdAt)}  ${ended} of ${machines(c.machines)}\n`,
    )
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
  if (c.nextDueAt !== null && c.retrying > 0 && c.waiting === 0) io.out(`  The next try is at ${when(c.nextDueAt)} (UTC).\n`)
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
  for (const g of shown.slice(0, 30)) io.out(wrap(inWords(g), io.columns, `${String(g.machines).padStart(8)}  `))
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

/** Done, rate, time left and failures by kind, in one line on standard error that is drawn anew; only on a terminal. */
export function liveLine(before: CampaignTold, io: Io): LiveLine {
  const show = process.stderr.isTTY === true
  const failures = new Map<string, number>()
  const marks: { at: number; done: number }[] = []
  let done = before.done + before.failed + before.cancelled
  let waiting = ''
  let shown = 0
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
      ...(waiting ? [waiting] : []),
    ]
    const line = parts.join('  ')
    io.err(`\r${line.length < io.columns ? line : `${line.slice(0, io.columns - 2)}…`}\u001b[K`)
  }
  return {
    hear: (event) => {
      const now = Date.now()
      if (event.kind === 'worked') {
        waiting = ''
        const { end, problem } = event.worked
        if (event.over) done++
        if (end !== 'done' && end !== 'back' && problem) failures.set(problem.code, (failures.get(problem.code) ?? 0) + 1)
        if (marks.length === 0 || now - marks.at(-1)!.at > 1000) marks.push({ at: now, done })
        while (marks.length > 2 && now - marks[0]!.at > lookBackMs) marks.shift()
      } else if (event.kind === 'waiting')
        waiting = event.why === 'window' ? `waits for ${when(event.until)} UTC` : `next try at ${when(event.until)} UTC`
      if (show && now - shown >= 200) draw(now)
    },
    end: () => {
      if (show) io.err('\r\u001b[K')
    },
  }
}
