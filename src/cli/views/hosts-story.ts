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

/** More kinds of tries than this are for --json. */
const shownKinds = 5

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
  // What happened again and again is told once.
  const alike = Map.groupBy(story.attempts, (a) => `${a.activationId} ${a.host} ${a.outcome} ${a.code}`)
  const kinds = [...alike.values()]
  for (const same of kinds.slice(0, shownKinds)) {
    showAttempt(same[0]!, io)
    const earlier = same.length - 1
    if (earlier > 0) io.out(`  And ${earlier} ${earlier === 1 ? 'time' : 'times'} before, since ${minute(same.at(-1)!.at)}.\n`)
  }
  const hidden = kinds.slice(shownKinds).flat().length
  if (hidden > 0) io.out(`\nAnd ${hidden} of other kinds: --json shows them.\n`)
  if (story.tries > story.attempts.length)
    io.out(`\n${story.tries} tries in all; the latest ${story.attempts.length} are looked at here.\n`)
  if (story.state.length > 0) io.out(`\n${io.paint('bold', 'What its licensing service found')}\n`)
  for (const event of story.state) showEvent(event, io)
}

const minute = (at: string | null) => at?.replace('T', ' ').slice(0, 16) ?? 'no time'

function showAttempt(a: StoryAttempt, io: Io): void {
  const when = minute(a.at)
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
