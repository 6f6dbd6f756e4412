import { canonicalHost } from '../addresses.ts'
import { numberOf } from '../catalogue.ts'
import type { Problem, Site, Verdict } from '../model.ts'
import { aboutForecast, type GroupForecast } from './forecast.ts'
import type { DomainAnswer, KnownHost } from './known.ts'
import type { HostUsers } from './move.ts'
import type { PortAnswer } from './port.ts'
import { aboutRequests, type HostRequests } from './requests.ts'
import type { HostSaid } from './said.ts'

/** Something to say about a host; `unknown`: what could not be asked, which decides nothing. */
export type HostRemark = {
  readonly severity: 'info' | 'attention' | 'action' | 'unknown'
  readonly summary: string
  readonly next: readonly string[]
}

/** A host with everything that was found out about it. */
export type CheckedHost = KnownHost & {
  readonly ports: readonly PortAnswer[]
  /** Null where the host was not asked, or could not be: then `problem` says why. */
  readonly said: HostSaid | null
  readonly problem: Problem | null
  /** What its log tells; null where it was not asked for, or could not be. */
  readonly requests: HostRequests | null
  /** What is to be expected of its counts, by its keys; empty where it was not asked, or not shown in full. */
  readonly forecast: readonly GroupForecast[]
  /** What the machines of the fleet have to do with it; null without a store. */
  readonly users: HostUsers | null
  readonly verdict: Verdict
  /** Why it is not ok, in one sentence; null where it is. */
  readonly cause: string | null
  readonly next: readonly string[]
  readonly remarks: readonly HostRemark[]
}

const remark = (severity: HostRemark['severity'], summary: string, ...next: string[]): HostRemark => ({ severity, summary, next })

/** The site file against DNS: what is remarkable about a host before anything is sent to it. */
export function compared(host: KnownHost, site: Site, domains: readonly DomainAnswer[]): HostRemark[] {
  const { standing, publishedBy } = host
  const published = publishedBy.join(', ')
  const records = `the records _vlmcs._tcp of ${published}`
  const remarks: HostRemark[] = []
  if (standing.verdict === 'not-authorised')
    remarks.push(
      remark(
        'action',
        `It is not authorised, and nothing was sent to it: ${standing.because}${published ? ` Machines that look in DNS (${published}) may take it.` : ''}`,
        published
          ? `Correct ${records}, or declare its domain and network in the site file if they are yours.`
          : 'Correct the site file: its name, or the domains and networks.',
      ),
    )
  if (standing.verdict === 'unknown')
    remarks.push(
      remark(
        'action',
        'DNS knows no address of it.',
        published ? `Correct its address, or take it out of ${records}.` : 'Correct the name, or publish its address in DNS.',
      ),
    )
  if (standing.verdict === 'could-not-ask')
    remarks.push(remark('unknown', `Nothing was sent to it: ${standing.because}`, 'Try again when DNS answers.'))
  if (published && !host.declared && host.named) {
    const ports = site.kmsHosts.filter((h) => canonicalHost(h.name) === canonicalHost(host.name)).map((h) => h.port)
    remarks.push(
      remark(
        'attention',
        `DNS of ${published} publishes it at port ${host.port}, the site file names port ${ports.join(', ')}; slmctl takes a host of the site file at that port only.`,
        'Make the two alike: kms.hosts of the site file, or the SRV record.',
      ),
    )
  } else if (published && !host.named && site.kmsHosts.length > 0)
    remarks.push(
      remark(
        'attention',
        `DNS of ${published} publishes it, but the site file does not name it: machines that look in DNS may take it.`,
        `Name it under kms.hosts if it is yours; else take it out of ${records}.`,
      ),
    )
  if (!published && site.domains.length > 0) {
    const silent = domains.filter((d) => d.problem !== null)
    if (silent.length === 0)
      remarks.push(remark('info', 'No domain of the site publishes it at this port: only machines on which it is set ask it.'))
  }
  return remarks
}

/** What follows for a host from everything that is known. The most urgent remark is the cause. */
export function judgeHost(
  host: KnownHost,
  found: {
    readonly ports: readonly PortAnswer[]
    readonly said: HostSaid | null
    readonly problem: Problem | null
    readonly requests: HostRequests | null
    /** Why the log could not be read, where it was asked for. */
    readonly logProblem: Problem | null
    readonly remarks: readonly HostRemark[]
    /** Whether the domains' DNS answered: only then is a record that is missing a record that is missing. */
    readonly dnsAnswered: boolean
    readonly forecast?: readonly GroupForecast[]
    readonly users?: HostUsers | null
  },
): CheckedHost {
  const { ports, said, problem, requests, logProblem, forecast = [], users = null } = found
  const remarks = [...found.remarks, ...aboutPorts(host, ports, said), ...publishedDead(host, ports, said)]
  if (said) remarks.push(...aboutItself(host, said, found.dnsAnswered))
  else if (problem) remarks.push(remark('unknown', `What it says of itself could not be asked: ${problem.summary}`, ...problem.next))
  else if (host.standing.verdict === 'authorised')
    remarks.push(
      remark(
        'unknown',
        `${ports.some((p) => p.state === 'rpc') ? 'An RPC server answers at its port; whether it is' : 'Whether it is'} a KMS host in order, only the host itself can say, and the site file does not say how to reach it.`,
        `List ${host.name} as a machine in a group of the site file, or give --user or --credential.`,
      ),
    )
  if (requests) remarks.push(...aboutRequests(requests))
  remarks.push(...forecast.flatMap(aboutForecast))
  if (logProblem) remarks.push(remark('unknown', `Its log of requests could not be read: ${logProblem.summary}`, ...logProblem.next))
  return { ...host, ports, said, problem, requests, forecast, users, ...summed(remarks) }
}

/** The verdict that remarks come to. What could not be asked outweighs "look at this", and is outweighed by what is plainly wrong. */
export function summed(remarks: readonly HostRemark[]): Pick<CheckedHost, 'verdict' | 'cause' | 'next' | 'remarks'> {
  const order = ['action', 'unknown', 'attention', 'info'] as const
  const sorted = [...remarks].sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity))
  const first = sorted.find((r) => r.severity !== 'info') ?? null
  const verdict = first === null || first.severity === 'info' ? 'ok' : first.severity === 'unknown' ? 'cannot-tell' : first.severity
  return { verdict, cause: first?.summary ?? null, next: first?.next ?? [], remarks: sorted.filter((r) => r !== first) }
}

const wholePort = numberOf('port.default')

function aboutPorts(host: KnownHost, ports: readonly PortAnswer[], said: HostSaid | null): HostRemark[] {
  const listens = said !== null && said.groups.length > 0 && (said.listeningPort ?? wholePort) === host.port
  const client = `On a client: Test-NetConnection ${host.name} -Port ${host.port}`
  return ports.flatMap((p) => aboutPort(p))

  function aboutPort(p: PortAnswer): HostRemark[] {
    const at = `${p.address.includes(':') ? `[${p.address}]` : p.address}:${p.port}`
    switch (p.state) {
      case 'rpc':
        return []
      case 'not-tried':
        return [remark('info', `${at} was not tried: ${p.seen}.`)]
      case 'other':
        return [
          remark(
            'action',
            `${at} is open, but it is ${p.seen}. No client can be activated there.`,
            `See what listens: netstat -abno | findstr :${p.port}`,
          ),
        ]
      case 'silent':
      case 'closed':
        return [
          remark(
            'attention',
            `${at}: ${p.seen}. Something stands in front of the service, or it hangs.`,
            'See whether a proxy or a load balancer stands between.',
            client,
          ),
        ]
      case 'refused':
      case 'no-answer':
      case 'unreachable':
        if (listens)
          return [
            remark(
              'attention',
              `The host says that it listens at port ${p.port}, but from here ${at} ${tells[p.state]}: a firewall, on the host or on the way.`,
              'On the host, let the firewall rule "Key Management Service (TCP-In)" be on for the networks of the clients.',
              client,
            ),
          ]
        return [
          p.state === 'refused'
            ? remark(
                'action',
                `${at} refuses the connection: nothing listens there for us.`,
                'See whether the service sppsvc runs on the host with a KMS host key: slmgr /dlv',
                client,
              )
            : remark(
                'unknown',
                `${at} ${tells[p.state]} (${p.seen}): the host may be off, or a firewall may stand between; clients elsewhere may still reach it.`,
                client,
              ),
        ]
    }
  }
}

/** A record that leads machines to a host where none of its addresses answers. */
function publishedDead(host: KnownHost, ports: readonly PortAnswer[], said: HostSaid | null): HostRemark[] {
  if (host.publishedBy.length === 0 || ports.length === 0 || (said?.groups.length ?? 0) > 0) return []
  const plain = new Set<PortAnswer['state']>(['refused', 'other'])
  const away = new Set<PortAnswer['state']>([...plain, 'no-answer', 'unreachable'])
  if (!ports.every((p) => away.has(p.state))) return []
  const records = `_vlmcs._tcp of ${host.publishedBy.join(', ')}`
  const sure = ports.every((p) => plain.has(p.state))
  return [
    remark(
      sure ? 'action' : 'unknown',
      sure
        ? `Published but dead: ${records} sends machines to it, and no KMS answers there.`
        : `Published, and nothing answers from here: ${records} sends machines to it.`,
      `If it is gone, delete its record in ${records}; a host that publishes itself writes it again.`,
    ),
  ]
}

const tells = { refused: 'refuses the connection', 'no-answer': 'does not answer', unreachable: 'cannot be reached' } as const

function aboutItself(host: KnownHost, said: HostSaid, dnsAnswered: boolean): HostRemark[] {
  const remarks: HostRemark[] = []
  if (said.undecided.length > 0)
    remarks.push(...said.undecided.map((u) => remark('unknown', `Could not ask for ${u}`, `slmctl status ${host.name}`)))
  if (said.groups.length === 0 && said.undecided.length === 0)
    remarks.push(
      remark(
        'action',
        'It has no KMS host key: it activates nobody.',
        'Install the KMS host key of your agreement there and activate it, or take the host out of DNS and the site file.',
      ),
    )
  const port = said.listeningPort ?? wholePort
  if (said.groups.length > 0 && port !== host.port)
    remarks.push(
      remark(
        'action',
        `It listens at port ${port}, but ${host.publishedBy.length > 0 ? 'DNS' : 'the site file'} says ${host.port}.`,
        `Correct the port, or on the host: slmgr /sprt ${host.port}, then restart sppsvc.`,
      ),
    )
  for (const f of said.findings) remarks.push(remark(f.severity, f.summary, ...f.next))
  for (const g of said.groups)
    if (g.verdict !== 'ok' && !said.findings.some((f) => f.summary === g.cause))
      remarks.push(
        remark(g.verdict === 'cannot-tell' ? 'unknown' : g.verdict, g.cause ?? `${g.name ?? 'A host key'} is ${g.state}.`, ...g.next),
      )
  if (said.publishes === true && host.publishedBy.length === 0 && dnsAnswered && said.groups.length > 0)
    remarks.push(
      remark(
        'attention',
        'It publishes itself in DNS, but no domain of the site has its record.',
        'See whether DNS lets it update the record (event 12293 on the host says why not), and in which domains it publishes (DnsDomainPublishList).',
      ),
    )
  if (said.publishes === false && host.publishedBy.length > 0)
    remarks.push(remark('info', 'It does not publish itself: its SRV record is kept by hand, and stays when the host goes.'))
  if (said.lowPriority === true) remarks.push(remark('info', 'It runs at low priority: on a busy machine, clients may wait.'))
  for (const g of said.groups)
    if (g.lacks.length > 0) remarks.push(remark('info', `The host key of ${g.release} does not activate ${g.lacks.join(', ')}.`))
  return remarks
}
