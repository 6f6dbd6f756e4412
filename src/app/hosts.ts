import { judge, requestEvents, requestsQuestion } from '../activation.ts'
import { canonicalHost } from '../addresses.ts'
import type { Resolver } from '../directory.ts'
import { type Environment, eachMachine, factsOf, problemOf } from '../engine.ts'
import {
  type CheckedHost,
  compared,
  type DomainAnswer,
  type HostRemark,
  type HostRequests,
  type HostSaid,
  judgeHost,
  type KnownHost,
  knownHosts,
  meantHosts,
  requestsOf,
  saidByHost,
  summed,
  tryPort,
} from '../hosts.ts'
import { type Problem, problem, type Site } from '../model.ts'

export type { CheckedHost, DomainAnswer, HostRemark, HostSaid, KnownHost }

/** The KMS hosts of a site: found, and checked. */
export type KmsHosts = {
  readonly domains: readonly DomainAnswer[]
  /** Those that were meant, judged by what the site file and DNS say: nothing was sent to them. */
  readonly hosts: readonly CheckedHost[]
  /** Tries the ports and asks the hosts themselves, and for the requests of the last hours where they are wished; results come as they are there. */
  readonly check: (hours: number | null, signal?: AbortSignal) => AsyncGenerator<CheckedHost>
}

/** Hosts are few, and each of them is waited for at most some seconds. */
const atOnce = 8

/**
 * `reached` gives the name by which a host is asked over WinRM, or as this computer; null where nobody said how. Throws
 * HOST_NOT_AUTHORISED where a word means no host of the site.
 */
export async function openHosts(
  words: readonly string[],
  parts: {
    readonly site: Site
    readonly names: Resolver
    readonly environment: Environment
    readonly reached: (host: string) => string | null
  },
): Promise<KmsHosts> {
  const { site, environment, reached } = parts
  const known = await knownHosts(site, parts.names)
  const found = meantHosts(known.hosts, words).map((host) => ({ host, remarks: compared(host, site, known.domains) }))
  const hosts = found.map(({ host, remarks }) => ({ ...host, ports: [], said: null, problem: null, requests: null, ...summed(remarks) }))
  const dnsAnswered = known.domains.length > 0 && known.domains.every((d) => d.problem === null)
  // A host with two ports is one machine.
  const asked = new Map<string, Promise<Asked>>()
  const askOnce = (name: string, signal?: AbortSignal) => {
    const answer = asked.get(canonicalHost(name)) ?? ask(name, environment, signal)
    asked.set(canonicalHost(name), answer)
    return answer
  }
  const check = async ({ host, remarks }: (typeof found)[number], hours: number | null, signal?: AbortSignal): Promise<CheckedHost> => {
    const ours = host.standing.verdict === 'authorised'
    const name = ours ? reached(host.name) : null
    const [ports, { said, problem }] = await Promise.all([
      Promise.all(ours ? host.standing.addresses.map((address) => tryPort(address, host.port, site)) : []),
      name === null ? { said: null, problem: null } : askOnce(name, signal),
    ])
    const log =
      hours !== null && name !== null && said !== null && said.groups.length > 0 ? await requestsBy(name, hours, environment) : noLog
    return judgeHost(host, { ports, said, problem, ...log, remarks, dnsAnswered })
  }
  return {
    domains: known.domains,
    hosts,
    check: (hours, signal) => eachMachine(found, atOnce, (host) => check(host, hours, signal), signal),
  }
}

type Asked = { readonly said: HostSaid | null; readonly problem: Problem | null }

async function ask(name: string, environment: Environment, signal?: AbortSignal): Promise<Asked> {
  const read = factsOf(
    [name],
    environment,
    (facts) => saidByHost(facts, judge(facts, environment.site, environment.clock().toISOString())),
    signal,
  )
  for await (const { result } of read) return result.ok ? { said: result.value, problem: null } : { said: null, problem: result.problem }
  return { said: null, problem: null }
}

type Log = { readonly requests: HostRequests | null; readonly logProblem: Problem | null }
const noLog: Log = { requests: null, logProblem: null }

/** The requests that a host handled in the last hours, by its own log. */
async function requestsBy(name: string, hours: number, environment: Environment): Promise<Log> {
  const { id: _, ...question } = requestsQuestion(new Date(environment.clock().getTime() - hours * 3_600_000))
  try {
    const machine = await environment.open(name)
    try {
      const rows = 'class' in question ? await machine.ask(question) : null
      if (rows === null)
        return {
          requests: null,
          logProblem: problem('EVENT_LOG_MISSING', 'this Windows has no class Win32_NTLogEvent', [
            'Is the WMI repository damaged? As an administrator: winmgmt /verifyrepository',
          ]),
        }
      const { events, unread } = requestEvents(rows, name)
      return { requests: requestsOf(events, unread, hours), logProblem: null }
    } finally {
      await machine.close().catch(() => {})
    }
  } catch (error) {
    return { requests: null, logProblem: problemOf(error) }
  }
}
