import type { CheckedHost, DomainAnswer, HostRemark, HostSaid, KmsHosts, ObjectsFound } from '../../app.ts'
import { type Io, wrap } from '../io.ts'
import { colour } from './diagnosis.ts'
import { showForecast } from './hosts-forecast.ts'

const called = (host: { readonly name: string; readonly port: number }) =>
  host.port === 1688 ? host.name : host.name.includes(':') ? `[${host.name}]:${host.port}` : `${host.name}:${host.port}`

/** What each domain publishes, in the order in which clients take it. */
export function showDomains(domains: readonly DomainAnswer[], io: Io): void {
  for (const { domain, records, problem } of domains) {
    io.out(io.paint('bold', `_vlmcs._tcp.${domain}\n`))
    if (problem) {
      io.out(wrap(`could not be asked: ${problem.summary}`, io.columns, '  '))
      for (const next of problem.next) io.out(wrap(next, io.columns, '    - ', '      '))
    } else if (records.length === 0) io.out('  publishes no KMS host\n')
    else
      io.out(
        io.paint('dim', `  ${'priority'.padStart(8)} ${'weight'.padStart(6)} ${'asked first'.padStart(11)} ${'kept'.padStart(6)}  host\n`),
      )
    for (const r of records) {
      const share = r.share === 0 ? '' : `${Math.round(r.share * 100)} %`
      io.out(
        `  ${String(r.priority).padStart(8)} ${String(r.weight).padStart(6)} ${share.padStart(11)} ${time(r.ttlSeconds).padStart(6)}  ${called({ name: r.target, port: r.port })}\n`,
      )
    }
  }
}

/** Every host that the site file or DNS names, with what does not fit. */
export function showFound(hosts: KmsHosts['hosts'], io: Io): void {
  io.out(`\n${io.paint('bold', 'KMS hosts')}\n`)
  for (const host of hosts) {
    const from = [
      ...(host.declared ? ['site file'] : []),
      ...(host.publishedBy.length > 0 ? [`DNS of ${host.publishedBy.join(', ')}`] : []),
    ]
    io.out(wrap(`${called(host)}  ${from.join(' and ')}`, io.columns, '  ', '    '))
    if (host.standing.addresses.length > 0) io.out(io.paint('dim', wrap(host.standing.addresses.join(', '), io.columns, '    ')))
    if (host.cause) showRemark({ severity: severity[host.verdict], summary: host.cause, next: host.next }, io)
    for (const r of host.remarks) showRemark(r, io)
  }
}

const severity = { ok: 'info', attention: 'attention', action: 'action', 'cannot-tell': 'unknown' } as const

/** One checked host in a few lines. */
export function showHostRow(host: CheckedHost, io: Io): void {
  io.out(`${io.paint(colour[host.verdict], host.verdict.padEnd(12))} ${called(host)}\n`)
  if (host.cause) io.out(wrap(host.cause, io.columns, '    '))
  if (host.next[0]) io.out(wrap(host.next[0], io.columns, '    → ', '      '))
  const fast = host.ports.flatMap((p) => (p.state === 'rpc' && p.connectMs !== null ? [p.connectMs] : []))
  if (fast.length > 0)
    io.out(
      io.paint('dim', `    RPC answers at ${fast.length === 1 ? 'its address' : `${fast.length} addresses`}, ${Math.max(...fast)} ms\n`),
    )
  for (const g of host.said?.groups ?? [])
    io.out(io.paint('dim', wrap(`${g.release ?? g.name ?? 'a host key'}: count ${counted(g)}`, io.columns, '    ', '      ')))
}

/** One host in full. */
export function showHost(host: CheckedHost, io: Io): void {
  const line = (name: string, value: string) => io.out(wrap(value, io.columns, `  ${name.padEnd(10)} `))
  io.out(`${io.paint(colour[host.verdict], io.paint('bold', host.verdict))}  ${io.paint('bold', called(host))}\n`)
  if (host.cause) io.out(wrap(host.cause, io.columns, '  '))
  for (const next of host.next) io.out(wrap(next, io.columns, '  → ', '    '))
  io.out('\n')
  line('site file', host.declared ? 'names it' : host.named ? 'names it at another port' : 'does not name it')
  line('DNS', host.publishedBy.length > 0 ? `published by ${host.publishedBy.join(', ')}` : 'not published at this port')
  for (const p of host.ports)
    line('port', `${p.address} port ${p.port}: ${p.seen}${p.connectMs === null ? '' : `; connected in ${p.connectMs} ms`}`)
  const { said } = host
  if (said) {
    line(
      'system',
      `${said.system ?? 'not known'}${said.build === null ? '' : `, build ${said.build}${said.revision === null ? '' : `.${said.revision}`}`}`,
    )
    if (said.clockAheadMinutes !== null) line('clock', clock(said.clockAheadMinutes))
    if (said.groups.length > 0) {
      line('listens at', `port ${said.listeningPort ?? 1688}`)
      line('publishes', said.publishes === null ? 'not known' : said.publishes ? 'itself in DNS' : 'nothing: its records are kept by hand')
      if (said.lowPriority !== null) line('priority', said.lowPriority ? 'low' : 'normal')
    }
    for (const g of said.groups) {
      io.out(
        `\n${io.paint('bold', wrap(g.name ?? g.release ?? 'a host key', io.columns - 13, '', '  ').trimEnd())}  ${io.paint(colour[g.verdict], g.verdict)}\n`,
      )
      line('key', `${g.partialKey === null ? 'not known' : `…${g.partialKey}`}, ${g.state}${g.release ? `, host key of ${g.release}` : ''}`)
      line('count', counted(g))
      const by = Object.entries(g.byState).filter(([, n]) => n > 0)
      if (by.length > 0) line('asked by', `clients that were ${by.map(([state, n]) => `${state.replaceAll('-', ' ')}: ${n}`).join(', ')}`)
    }
  }
  showForecast(host.forecast, io)
  if (host.users) showUsers(host.users, io)
  if (host.requests) showRequests(host.requests, io)
  if (host.remarks.length > 0) io.out(`\n${io.paint('bold', 'Also')}\n`)
  for (const r of host.remarks) showRemark(r, io)
}

/** More than this is for --json. */
const shownRequests = 30

function showUsers(u: NonNullable<CheckedHost['users']>, io: Io): void {
  io.out(`\n${io.paint('bold', 'Machines of the fleet')}\n`)
  const as = u.asOf === null ? '' : `; the oldest answer is of ${u.asOf.slice(0, 10)}`
  io.out(
    wrap(
      u.machines === 0
        ? 'none names it'
        : `${u.machines} name it (${u.servers} of them Windows Server): on ${u.pinned} it is set by hand, ${u.cached} found it in DNS${u.otherwise > 0 ? `, of ${u.otherwise} it is not known` : ''}${as}`,
      io.columns,
      '  ',
    ),
  )
}

/** Activation objects of Active Directory. None shown is not "there are none". */
export function showObjects({ domain, server, shown, objects }: ObjectsFound, store: boolean, io: Io): void {
  io.out(`\n${io.paint('bold', `Activation objects of ${domain}`)}\n`)
  if (shown === 0) io.out(wrap(`${server} showed none: there may be none, or this user may not see them.`, io.columns, '  '))
  for (const o of objects) {
    const used = o.machines === null ? '' : `; ${o.machines} ${o.machines === 1 ? 'machine' : 'machines'} of the fleet`
    const made = o.object?.created ? `, made ${o.object.created.slice(0, 10)}` : ''
    io.out(wrap(`${o.name}${o.hostKey ? `, ${o.hostKey}` : ''}${made}${used}`, io.columns, '  ', '    '))
    io.out(io.paint('dim', wrap(o.distinguishedName, io.columns, '    ')))
    if (o.object === null) io.out(wrap('machines name it, the directory did not show it', io.columns, '    ? ', '      '))
    if (o.ours === false)
      io.out(wrap('the site file does not count it as ours: forests, activation-objects', io.columns, '    ? ', '      '))
  }
  if (!store && objects.length > 0) io.out(io.paint('dim', '  Which machines use them, a fleet tells: slmctl fleet import, fleet scan\n'))
}

function showRequests({ hours, client, events, clients, latest }: NonNullable<CheckedHost['requests']>, io: Io): void {
  const whose = client === null ? 'Requests' : `Requests of ${client}`
  io.out(`\n${io.paint('bold', `${whose} in the last ${hours === 1 ? 'hour' : `${hours} hours`}`)}\n`)
  if (events === 0) {
    io.out('  none in its log\n')
    return
  }
  io.out(
    `  ${events} ${events === 1 ? 'request' : 'requests'} of ${clients} different ${clients === 1 ? 'machine' : 'machines'} (by CMID)\n`,
  )
  // What a machine asks again and again is told once.
  const alike = [...Map.groupBy(latest, (r) => `${r.clientMachineId} ${r.client} ${r.activationId} ${r.code}`).values()]
  for (const same of alike.slice(0, shownRequests)) {
    const r = same[0]!
    const when = r.time?.replace('T', ' ').slice(0, 16) ?? 'no time'
    const result = r.code === '0x00000000' ? 'answered' : r.code
    const times = same.length === 1 ? '' : `, ${same.length} times since ${same.at(-1)!.time?.slice(0, 10) ?? 'no time'}`
    io.out(
      wrap(
        `${r.client ?? 'no name'}, ${r.product ?? r.activationId ?? 'product not told'}, ${(r.state ?? 'state not told').replaceAll('-', ' ')}${clockOff(r.clockAheadMinutes)}${times}`,
        io.columns,
        `  ${when}  ${result.padEnd(10)}  `,
      ),
    )
  }
  const hidden = alike.slice(shownRequests).flat().length
  if (hidden > 0 || events > latest.length)
    io.out(
      `  and ${hidden + events - latest.length} more: --json shows ${events > latest.length ? `the latest ${latest.length}` : 'them'}\n`,
    )
}

/** A clock that is an hour off will be four hours off some day. */
const clockOff = (ahead: number | null) =>
  ahead === null || Math.abs(ahead) < 60 ? '' : `, clock ${clock(ahead).replace('ours', 'the host’s')}`

/** `50 (Windows Server needs 5, client Windows 25), 18422 requests, 20 failed` */
function counted(g: HostSaid['groups'][number]): string {
  const needs = g.thresholds.map((t, i) => `${t.of}${i === 0 ? ' needs' : ''} ${t.count}`).join(', ')
  const requests = g.total === null ? '' : `, ${g.total} requests${g.failed === null ? '' : `, ${g.failed} failed`}`
  return `${g.count ?? 'not known'} (${needs})${requests}`
}

function clock(ahead: number): string {
  if (ahead === 0) return 'as ours'
  return `${Math.abs(ahead)} ${Math.abs(ahead) === 1 ? 'minute' : 'minutes'} ${ahead > 0 ? 'ahead of' : 'behind'} ours`
}

function time(seconds: number): string {
  return seconds % 3600 === 0 && seconds > 0
    ? `${seconds / 3600} h`
    : seconds % 60 === 0 && seconds > 0
      ? `${seconds / 60} min`
      : `${seconds} s`
}

function showRemark(r: HostRemark, io: Io): void {
  const sign = r.severity === 'action' ? io.paint('red', '!') : r.severity === 'info' ? '-' : io.paint('yellow', '?')
  io.out(wrap(r.summary, io.columns, '    @ ', '      ').replace('@', sign))
  if (r.severity !== 'info') for (const next of r.next) io.out(wrap(next, io.columns, '      → ', '        '))
}
