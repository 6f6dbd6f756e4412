import { type Link, type Need, standingOf, type Today } from '../../app.ts'
import { type Io, wrap } from '../io.ts'
import { when } from './fleet.ts'

const machines = (n: number) => `${n} ${n === 1 ? 'machine' : 'machines'}`
const signs = { action: ['!', 'red'], attention: ['?', 'yellow'], info: ['-', 'dim'] } as const
const changes = {
  ...{ lapsed: 'lapsed', foreign: 'became foreign or suspect', silent: 'fell silent', vanished: 'vanished from its source' },
  ...{ changed: 'changed', restored: 'licensed again', answered: 'answered again', added: 'added' },
} as const satisfies Record<Today['changes']['rows'][number]['kind'], string>
/** As many changes as a person reads; --json has more. */
const changesShown = 8

/** What needs somebody today, each with how to list it; then the fleet in a few lines. */
export function showToday(today: Today, site: boolean, io: Io): void {
  const { summary, scanned } = today
  io.out(io.paint('bold', wrap(`${today.organisation ?? 'The fleet'}, ${when(today.at)}`, io.columns)))
  if (summary.counts.machines.listed === 0) {
    io.out('The fleet has no machines yet. Next: slmctl fleet import FILE\n')
    return
  }
  if (!site) io.out(wrap('Without a site file nobody can tell which hosts are yours: --site slmctl.yaml', io.columns))
  io.out('\n')
  if (today.needs.length === 0) io.out('Nothing needs you today.\n')
  for (const need of today.needs) showNeed(need, io)
  io.out('\n')
  const { verdict, machines: of } = summary.counts
  const parts = (['ok', 'attention', 'action', 'cannot-tell'] as const).flatMap((v) => (verdict[v] ? [`${verdict[v]} ${v}`] : []))
  const never = of.never > 0 ? [`${of.never} never answered`] : []
  io.out(wrap(`${machines(of.listed)}: ${[...parts, ...never].join(', ')}.`, io.columns))
  const ends = (days: number) => today.expiry.days.slice(0, days).reduce((sum, n) => sum + n, 0)
  io.out(wrap(`Activations that end: ${ends(30)} within 30 days, ${ends(90)} within 90, ${ends(180)} within 180.`, io.columns))
  const up = today.hosts.filter((h) => h.declared)
  const answering = up.filter((h) => standingOf(h) === 'up').length
  const fine = up.filter((h) => h.state === 'ok').length
  if (up.length > 0)
    io.out(wrap(`KMS hosts: ${fine} of ${up.length} in order, ${answering} answer, as last checked: slmctl fleet hosts`, io.columns))
  if (scanned.lastAt !== null)
    io.out(wrap(`The latest answer is of ${when(scanned.lastAt)}, the oldest of ${when(scanned.oldestAt)}.`, io.columns))
  showChanges(today, io)
}

function showNeed({ severity, text, next, link }: Need, io: Io): void {
  const [sign, paint] = signs[severity]
  io.out(wrap(text, io.columns, '@ ', '  ').replace('@', io.paint(paint, sign)))
  if (next) io.out(wrap(next, io.columns, '  → ', '    '))
  const list = commandOf(link)
  if (list) io.out(io.paint('dim', wrap(list, io.columns, '  [', '   ').replace(/\n$/, ']\n')))
}

/** The command that lists what a link leads to. */
export function commandOf({ page, query }: Link): string | null {
  const flags = Object.entries(query).map(([name, value]) => (value === 'true' ? ` --${name}` : ` --${name} ${value}`))
  switch (page) {
    case 'machines':
      return `slmctl fleet list${flags.join('')}`
    case 'expiring':
      return `slmctl fleet expiring${flags.join('')}`
    case 'campaign':
      return `slmctl fleet campaign ${query.id}`
    case 'host':
    case 'hosts':
      return 'slmctl fleet hosts'
    default:
      return null
  }
}

function showChanges({ changes: { counts, rows } }: Today, io: Io): void {
  const kinds = (Object.keys(changes) as (keyof typeof changes)[]).filter((kind) => (counts[kind] ?? 0) > 0)
  if (kinds.length === 0) return
  io.out(`\n${io.paint('bold', 'Since yesterday')}\n`)
  io.out(wrap(kinds.map((kind) => `${counts[kind]} ${changes[kind]}`).join(', '), io.columns, '  '))
  for (const c of rows.slice(0, changesShown)) {
    const how = c.from ? ` (${c.from} → ${c.to ?? 'nothing'})` : c.to ? ` (${c.to})` : ''
    io.out(io.paint('dim', wrap(`${c.name}  ${c.product ? `${c.product}: ` : ''}${changes[c.kind]}${how}`, io.columns, '  ', '    ')))
  }
  const more = Object.values(counts).reduce((sum, n) => sum + n, 0) - Math.min(rows.length, changesShown)
  if (more > 0) io.out(io.paint('dim', `  and ${more} more: --json\n`))
}
