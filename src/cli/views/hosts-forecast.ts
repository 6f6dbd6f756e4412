import type { Fall, GroupForecast } from '../../hosts.ts'
import { type Io, wrap } from '../io.ts'

/** As many as a screen takes beside the rest. */
const shownPoints = 8
const barWidth = 25

/** The counts of a host over time, and what is to be expected of them. */
export function showForecast(forecast: readonly GroupForecast[], io: Io): void {
  for (const f of forecast) {
    const line = (name: string, value: string) => io.out(wrap(value, io.columns, `  ${name.padEnd(10)} `))
    io.out(`\n${io.paint('bold', wrap(`Count, ${f.name}`, io.columns, '', '  ').trimEnd())}\n`)
    line(
      'needs',
      f.thresholds
        .map((t) => `${t.of} ${t.count}${t.spare === null ? '' : t.spare < 0 ? ` (${-t.spare} too few)` : ` (${t.spare} to spare)`}`)
        .join(', '),
    )
    for (const p of f.history.slice(-shownPoints)) {
      const [from, last] = [p.from.slice(0, 10), p.last.slice(0, 10)]
      const bar = '#'.repeat(Math.round((Math.min(p.count, f.most) / f.most) * barWidth))
      io.out(`  ${from} ${from === last ? ' '.repeat(13) : `to ${last}`} ${String(p.count).padStart(4)} ${io.paint('dim', bar)}`.trimEnd())
      io.out('\n')
    }
    if (f.users) line('clients', users(f))
    if (f.trend) line('trend', `${f.trend.perWeek} a week${falls(f.trend.falls)}`)
    if (f.quiet) line('quiet', `if they do not come back, ${f.quiet.left} are left by ${f.quiet.by}${falls(f.quiet.falls)}`)
    if (f.retire) line(`less ${f.retire.machines}`, retired(f))
  }
}

function users({ users: u, count, most }: GroupForecast): string {
  const by = u!.from === 'log' ? 'by its log' : 'by what the fleet says'
  const back = u!.from === 'log' && u!.days < 29 ? `, which reaches back ${u!.days} ${u!.days === 1 ? 'day' : 'days'} only` : ''
  const quiet = u!.quiet ? `; ${u!.quiet} of them did not ask for 14 days` : ''
  const more = count !== null && count >= most ? ` (the host shows no more than ${most})` : ''
  return `${u!.machines} different ${u!.machines === 1 ? 'machine' : 'machines'} in 30 days, ${by}${back}${quiet}${more}`
}

function retired(f: GroupForecast): string {
  const r = f.retire!
  const left = `${r.surely ? '' : 'at least '}${r.left} left when the host has forgotten them, by ${r.by} (30 days after they asked last)`
  if (r.falls.length > 0) return `${left}${falls(r.falls)}. Whoever is activated stays so, up to 180 days from the last renewal`
  return `${left}; no threshold falls`
}

const falls = (list: readonly Fall[]) =>
  list.length === 0
    ? ''
    : `; ${list.map((x) => `${x.surely ? 'below' : 'may be below'} the ${x.count} of ${x.of} from ${x.at} on`).join(', ')}`
