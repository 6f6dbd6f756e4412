/** Alerts for people: what stands, and who is told. */
import type { AlertsNow, AlertTold } from '../../app.ts'
import { type Io, wrap } from '../io.ts'

const minute = (at: number) => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

export function showAlerts({ alerts, ways, quiet }: AlertsNow, io: Io): void {
  if (alerts.length === 0) io.out('Nothing stands.\n')
  for (const a of alerts) {
    io.out(io.paint(a.severity === 'action' ? 'red' : 'yellow', wrap(a.title, io.columns)))
    io.out(wrap(a.text, io.columns, '  '))
    const told = a.sentAt === null ? 'nobody was told yet' : `told ${minute(a.sentAt)}`
    // Where nobody is told, nobody keeps since when.
    io.out(wrap(`${ways.length === 0 ? 'It stands now' : `Since ${minute(a.since)}`}, ${told}.`, io.columns, '  '))
    for (const next of a.next) io.out(wrap(next, io.columns, '  - ', '    '))
  }
  io.out('\n')
  if (ways.length === 0) io.out(wrap('The site file names nobody who is told (alerts).', io.columns))
  for (const w of ways) {
    const waiting = w.waiting === 0 ? 'was told everything' : `${w.waiting} ${w.waiting === 1 ? 'message waits' : 'messages wait'} for it`
    const problem = w.problem === null ? '' : ` ${w.problem}${w.nextAt === null ? '' : ` The next try is ${minute(w.nextAt)}.`}`
    io.out(wrap(`${w.kind} ${w.to}: ${waiting}.${problem}`, io.columns, '', '  '))
  }
  if (quiet) io.out('It is quiet hours: nobody is told at this moment.\n')
}

export function showTold(told: readonly AlertTold[], io: Io): void {
  if (told.length === 0) io.out('Nobody was to be told anything now.\n')
  for (const t of told) io.out(wrap(`${t.problem === null ? 'told' : 'not told'} ${t.way}: ${t.title}`, io.columns, '', '  '))
  io.out('\n')
}
