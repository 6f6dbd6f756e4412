import type { CauseGroup, Counts, ExpiringLine, History, ImportDifference, MachineCard, MachineLine } from '../../app.ts'
import { type Io, wrap } from '../io.ts'
import { colour } from './diagnosis.ts'

const day = (ms: number | null) => (ms === null ? 'never' : new Date(ms).toISOString().slice(0, 16).replace('T', ' '))
const some = (names: readonly string[]) => `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`

/** What an import changed, or would change. */
export function showDifference(d: ImportDifference, notes: readonly string[], dryRun: boolean, io: Io): void {
  io.out(`${io.paint('bold', d.source)}  ${d.listed} machines${dryRun ? ', nothing was written' : ''}\n`)
  const row = (what: string, names: readonly string[]) => {
    if (names.length > 0) io.out(wrap(some(names), io.columns, `  ${String(names.length).padStart(6)} ${what.padEnd(9)} `))
  }
  row('new', d.added)
  row(
    'changed',
    d.changed.map((c) => `${c.name} (${c.what.join(', ')})`),
  )
  row(
    'renamed',
    d.renamed.map((r) => `${r.from} → ${r.to}`),
  )
  row('replaced', d.replaced)
  row('back', d.returned)
  row('vanished', d.vanished)
  if (d.unchanged > 0) io.out(`  ${String(d.unchanged).padStart(6)} unchanged\n`)
  for (const note of notes) io.out(wrap(note, io.columns, '  - ', '    '))
}

/** The fleet in numbers, then what keeps machines from being in order, most machines first, each with one next step. */
export function showCounts(c: Counts, causes: readonly CauseGroup[], place: string, io: Io): void {
  const { listed, vanished, never, unasked } = c.machines
  io.out(
    wrap(
      `${listed} machines in ${place}; ${never} never answered, ${unasked} could not be asked at the last try${vanished > 0 ? `, ${vanished} more have vanished` : ''}.`,
      io.columns,
    ),
  )
  io.out('\n')
  for (const [verdict, n] of Object.entries(c.verdict))
    io.out(`${String(n).padStart(8)}  ${io.paint(colour[verdict as keyof typeof colour], verdict)}\n`)
  if (causes.length > 0) io.out(`\n${io.paint('bold', 'What keeps them from being in order')}\n`)
  for (const cause of causes) {
    io.out(wrap(cause.text, io.columns, `${String(cause.machines).padStart(8)}  `))
    if (cause.next) io.out(wrap(cause.next, io.columns, '          → ', '            '))
  }
}

/** One machine in one line, and below it what is not in order. What is known is as of a moment, and says so where that is old. */
export function showLine(m: MachineLine, io: Io): string {
  const verdict = m.verdict ?? 'not asked'
  const name = m.name.length > 34 ? `${m.name.slice(0, 33)}…` : m.name.padEnd(34)
  const paint = m.verdict ? colour[m.verdict] : 'dim'
  const first = `${name} ${io.paint(paint, verdict.padEnd(12))} ${m.seenAt === null ? 'never seen' : `as of ${day(m.seenAt)}`}\n`
  const why = m.problem ? wrap(`${m.problem.code}: ${m.problem.summary}`, io.columns, '    ') : ''
  return m.verdict === 'ok' || m.headline === null ? `${first}${why}` : `${first}${wrap(m.headline, io.columns, '    ')}${why}`
}

export function showCard(m: MachineCard, io: Io): void {
  io.out(showLine(m, io))
  const row = (what: string, value: string | null) => {
    if (value) io.out(wrap(value, io.columns, `  ${what.padEnd(9)} `))
  }
  row('system', m.system)
  row('groups', m.groups.join(', '))
  row('sources', m.sources.map((s) => `${s.source}${s.vanishedAt === null ? '' : ` (gone since ${day(s.vanishedAt)})`}`).join(', '))
  for (const p of m.products) {
    if (p.goneAt !== null) continue
    io.out(
      wrap(
        `${p.name ?? p.edition ?? p.key}: ${p.state}${p.expiresAt === null ? '' : `, until ${day(p.expiresAt)}`}${p.host ? `, by ${p.host}` : ''}, since ${day(p.since)}`,
        io.columns,
        '  - ',
        '    ',
      ),
    )
    if (p.cause) io.out(wrap(p.cause, io.columns, '    '))
  }
}

export function showHistory(m: MachineCard, h: History, io: Io): void {
  io.out(`${io.paint('bold', m.name)}\n`)
  for (const s of h.products)
    io.out(
      wrap(
        `${s.name ?? s.key}: ${s.state}, ${s.origin}${s.host ? `, ${s.host}` : ''}${s.cause ? `. ${s.cause}` : ''}`,
        io.columns,
        `  ${day(s.from)} to ${s.until === null ? 'now             ' : day(s.until)}  `,
        '    ',
      ),
    )
  for (const u of h.unasked)
    io.out(
      wrap(
        `${u.code}, ${u.times} times: ${u.summary}`,
        io.columns,
        `  ${day(u.from)} to ${u.until === null ? 'now             ' : day(u.until)}  `,
        '    ',
      ),
    )
}

export function showExpiring(e: ExpiringLine, now: number, io: Io): string {
  const left = Math.floor((e.expiresAt - now) / 86_400_000)
  return wrap(
    `${e.name}  ${e.product ?? 'a product'}${e.host ? `, ${e.host}` : ''} (as of ${day(e.seenAt)})`,
    io.columns,
    `${String(left).padStart(4)} days  `,
  )
}
