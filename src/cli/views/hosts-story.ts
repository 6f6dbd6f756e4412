import type { Story, StoryAttempt, StoryEvent } from '../../hosts.ts'
import { type Io, wrap } from '../io.ts'

const colours = {
  accepted: 'green',
  refused: 'red',
  lost: 'red',
  'not-reached': 'red',
  'not-sent': 'red',
  'not-tried': 'yellow',
  'cannot-tell': 'yellow',
} as const satisfies Record<Story['outcome'], Parameters<Io['paint']>[0]>

const words: Readonly<Record<Story['outcome'], string>> = {
  accepted: 'accepted',
  refused: 'refused by the host',
  lost: 'the answer was lost',
  'not-reached': 'never reached the host',
  'not-sent': 'never left the machine',
  'not-tried': 'did not try',
  'cannot-tell': 'cannot be told',
}

/** More than this is for --json. */
const shownAttempts = 5

/** The story of a machine: the conclusion first, then each try with what both logs have of it. */
export function showStory(story: Story, io: Io): void {
  const line = (name: string, value: string) => io.out(wrap(value, io.columns, `  ${name.padEnd(10)} `))
  io.out(`${io.paint(colours[story.outcome], io.paint('bold', words[story.outcome]))}  ${io.paint('bold', story.machine)}\n`)
  io.out(wrap(story.because, io.columns, '  '))
  for (const next of story.next) io.out(wrap(next, io.columns, '  → ', '    '))
  io.out('\n')
  if (story.clientMachineId) line('CMID', story.clientMachineId)
  for (const log of story.logs) {
    const read =
      log.events === null
        ? `not read. ${log.problem?.summary ?? ''}`
        : `${log.events} ${log.events === 1 ? 'event' : 'events'} in ${story.hours} hours`
    const unread = log.unread > 0 ? `, ${log.unread} that nobody could read` : ''
    const clock = log.clockAheadMinutes ? `; its clock is ${off(log.clockAheadMinutes, 'ours')}` : ''
    line(log.side === 'machine' ? 'its log' : 'host’s log', `${log.name}: ${read}${unread}${clock}`)
  }
  for (const attempt of story.attempts.slice(0, shownAttempts)) showAttempt(attempt, io)
  if (story.attempts.length > shownAttempts) io.out(`\nAnd ${story.attempts.length - shownAttempts} earlier: --json shows them.\n`)
  if (story.state.length > 0) io.out(`\n${io.paint('bold', 'What its licensing service found')}\n`)
  for (const event of story.state) showEvent(event, io)
}

function showAttempt(a: StoryAttempt, io: Io): void {
  const when = a.at?.replace('T', ' ').slice(0, 16) ?? 'no time'
  io.out(
    `\n${io.paint('bold', wrap(`${when} UTC: ${a.product ?? 'product not told'}${a.host ? `, ${a.host}` : ''}`, io.columns, '', '  ').trimEnd())}\n`,
  )
  io.out(io.paint(colours[a.outcome], wrap(a.because, io.columns, '  ')))
  if (a.code !== null && a.meaning !== null) io.out(wrap(`${a.code}: ${a.meaning}`, io.columns, '  '))
  if (a.clockGapMinutes) io.out(wrap(`The machine’s clock is ${off(a.clockGapMinutes, 'the host’s')}.`, io.columns, '  '))
  for (const event of a.events) showEvent(event, io)
}

function showEvent(e: StoryEvent, io: Io): void {
  const fields = e.fields.map((f) => `${f.name} ${f.value}`).join(', ')
  const head = `  ${e.at?.slice(11, 19) ?? '--:--:--'}  ${e.side.padEnd(7)} ${String(e.event).padEnd(5)} `
  io.out(wrap(fields || e.meaning, io.columns, head))
}

const off = (ahead: number, whose: string) =>
  `${Math.abs(ahead)} ${Math.abs(ahead) === 1 ? 'minute' : 'minutes'} ${ahead > 0 ? 'ahead of' : 'behind'} ${whose}`
