import type { Move, MoveStep } from '../../hosts.ts'
import { type Io, wrap } from '../io.ts'

const keeps = { itself: 'publishes itself', hand: 'kept by hand', 'not-known': 'kept by whom is not known' } as const

/** A move, planned: what there is, what stands against it, the steps, the way back. */
export function showMove(move: Move, io: Io): void {
  const line = (name: string, value: string) => io.out(wrap(value, io.columns, `  ${name.padEnd(10)} `))
  io.out(`${io.paint('bold', `From ${move.old.name} to ${move.new.name}`)}: a plan; nothing is changed\n`)
  for (const b of move.blockers) io.out(wrap(b, io.columns, '  @ ', '    ').replace('@', io.paint('red', '!')))
  io.out('\n')
  if (!move.old.ours) line('old', `${move.old.name} is no host of the site, and was not asked`)
  line('new', `${move.new.name}: ${move.new.verdict}${move.new.cause ? `. ${move.new.cause}` : ''}`)
  for (const r of move.records)
    line(
      'DNS',
      `${r.domain}: ${r.host === 'old' ? move.old.name : move.new.name}, priority ${r.priority}, weight ${r.weight}; ${keeps[r.keptBy]}`,
    )
  for (const d of move.unaskedDomains) line('DNS', `${d} could not be asked`)
  const { users } = move
  if (users === null) line('fleet', 'none is kept here: how many machines have it set is not known (slmctl fleet import, fleet scan)')
  else if (users.machines === 0) line('fleet', `no machine of it names ${move.old.name}`)
  else
    line(
      'fleet',
      `${users.machines} machines name ${move.old.name}: on ${users.pinned} it is set by hand, ${users.cached} found it in DNS${users.otherwise > 0 ? `, of ${users.otherwise} it is not known` : ''}${users.asOf ? `; the oldest answer is of ${users.asOf.slice(0, 10)}` : ''}`,
    )
  for (const w of move.warmUp)
    line(
      'count',
      `${w.of} needs ${w.threshold}; ${move.new.name} counts ${w.count ?? 'what is not known'}${
        w.days === 0
          ? ''
          : w.days === null
            ? '; the machines that would come are too few, or not known'
            : `; by their own renewals, enough after ${w.days} ${w.days === 1 ? 'day' : 'days'}`
      }`,
    )
  steps('Steps', move.steps, io)
  steps('The way back', move.back, io)
}

function steps(title: string, list: readonly MoveStep[], io: Io): void {
  io.out(`\n${io.paint('bold', title)}\n`)
  for (const [i, s] of list.entries()) {
    io.out(wrap(s.title, io.columns, `  ${i + 1}. `, '     '))
    io.out(io.paint('dim', wrap(s.why, io.columns, '     ')))
    for (const c of s.commands) io.out(wrap(c, io.columns, '     → ', '       '))
  }
}
