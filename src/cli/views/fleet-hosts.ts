import { type SeenHost, standingOf } from '../../app.ts'
import type { Verdict } from '../../model.ts'
import { type Io, wrap } from '../io.ts'
import { colour } from './diagnosis.ts'
import { when } from './fleet.ts'

const called = (host: Pick<SeenHost, 'name' | 'port'>) =>
  host.port === 1688 ? host.name : host.name.includes(':') ? `[${host.name}]:${host.port}` : `${host.name}:${host.port}`
const machines = (n: number) => `${n} ${n === 1 ? 'machine' : 'machines'}`
const applications = { windows: 'Windows', office: 'Office', other: 'something else' } as const

/** KMS hosts as they were seen last: since when, what they count, who names them. */
export function showKeptHosts(hosts: readonly SeenHost[], io: Io): void {
  if (hosts.length === 0) {
    io.out('No KMS host is known: neither the site file nor a machine of the fleet names one.\n')
    return
  }
  for (const [i, host] of hosts.entries()) {
    if (i > 0) io.out('\n')
    showKeptHost(host, io)
  }
  if (hosts.some((h) => h.declared)) io.out('\nslmctl hosts check asks them now.\n')
}

function showKeptHost(host: SeenHost, io: Io): void {
  const state = host.state ?? (host.declared ? 'not checked' : 'not known')
  const paint = host.state === null ? 'dim' : colour[host.state as Verdict]
  io.out(`${io.paint(paint, state.padEnd(12))} ${io.paint('bold', called(host))}\n`)
  const line = (text: string) => io.out(wrap(text, io.columns, '    ', '      '))
  const down = standingOf(host) === 'down' ? 'it gave no answer; ' : ''
  if (host.checkedAt !== null) line(`${down}so since ${when(host.since)}, checked last ${when(host.checkedAt)}`)
  if (host.cause) {
    line(`${host.cause}${host.causeSince === null || host.causeSince === host.since ? '' : ` (since ${when(host.causeSince)})`}`)
    for (const step of host.next.slice(0, 2)) io.out(wrap(step, io.columns, '    → ', '      '))
  } else if (host.problem) line(host.problem.summary)
  const named = host.sources.map((s) => (s === 'site' ? 'the site file' : s === 'clients' ? 'machines only' : `DNS of ${s.slice(4)}`))
  line(`named by ${named.length === 0 ? 'machines, and the site file and DNS no longer' : named.join(', ')}`)
  for (const g of host.groups) {
    const needs = g.thresholds.map((t) => `${t.of} needs ${t.count}`).join(', ')
    const under = g.count !== null && g.thresholds.some((t) => g.count! < t.count)
    const text = `${g.release ?? g.name ?? 'a host key'}: count ${g.count ?? 'not known'}${needs ? ` (${needs})` : ''}, as of ${when(g.at)}`
    io.out(io.paint(under ? 'yellow' : 'dim', wrap(text, io.columns, '    ', '      ')))
  }
  for (const c of host.clients)
    line(
      `${machines(c.machines)} ${c.machines === 1 ? 'names' : 'name'} it for ${applications[c.application]}: ${c.licensed} licensed${c.inGrace > 0 ? `, ${c.inGrace} in grace` : ''}${c.ending > 0 ? `, ${c.ending} that end within 14 days` : ''}`,
    )
  if (host.clients.length === 0) line('no machine of the fleet names it')
}
