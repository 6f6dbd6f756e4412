/** The story of one machine and its KMS hosts: both are asked for their logs. */
import { attemptEvents, attemptsQuestion, called, hostInUse, type LoggedEvent, requestEvents, requestsQuestion } from '../activation.ts'
import { canonicalHost } from '../addresses.ts'
import { type Environment, factsOf, problemOf } from '../engine.ts'
import { type KnownHost, type LogRead, meansMachine, type Story, storyOf } from '../hosts.ts'
import { type Problem, problem } from '../model.ts'

export type Log = { readonly events: readonly LoggedEvent[] | null; readonly unread: number; readonly problem: Problem | null }

/** What a host wrote of requests, or a machine of its own activation, in the last hours. Why it could not be read is a value. */
export async function logOf(whose: 'host' | 'machine', name: string, hours: number, environment: Environment): Promise<Log> {
  const since = new Date(environment.clock().getTime() - hours * 3_600_000)
  const { id: _, ...question } = whose === 'host' ? requestsQuestion(since) : attemptsQuestion(since)
  try {
    const machine = await environment.open(name)
    try {
      const rows = 'class' in question ? await machine.ask(question) : null
      if (rows !== null) return { ...(whose === 'host' ? requestEvents : attemptEvents)(rows, name), problem: null }
      const missing = problem('EVENT_LOG_MISSING', 'this Windows has no class Win32_NTLogEvent', [
        'Is the WMI repository damaged? As an administrator: winmgmt /verifyrepository',
      ])
      return { events: null, unread: 0, problem: missing }
    } finally {
      await machine.close().catch(() => {})
    }
  } catch (error) {
    return { events: null, unread: 0, problem: problemOf(error) }
  }
}

/** What a machine says of itself, as far as the story needs it. */
type Said = {
  readonly cmid: string | null
  readonly ahead: number | null
  readonly problem: Problem | null
  /** Hosts that its products would ask. */
  readonly hosts: readonly string[]
  readonly products: ReadonlyMap<string, string>
}
const silent: Said = { cmid: null, ahead: null, problem: null, hosts: [], products: new Map() }

async function saidBy(name: string, environment: Environment, signal?: AbortSignal): Promise<Said> {
  const read = factsOf(
    [name],
    environment,
    (facts): Said => ({
      cmid: facts.service.get('ClientMachineID')?.value.toLowerCase() ?? null,
      ahead: facts.system?.clockAheadMinutes ?? null,
      problem: null,
      products: new Map(
        facts.products.flatMap((p) => (p.activationId === null ? [] : [[p.activationId.toLowerCase(), called(p)] as const])),
      ),
      hosts: facts.products.flatMap((p) => (p.channel === 'kms-client' ? (hostInUse(p, facts).host ?? []) : [])),
    }),
    signal,
  )
  for await (const { result } of read) return result.ok ? result.value : { ...silent, problem: result.problem }
  return silent
}

/** Hosts whose logs are read where the machine itself names none. */
const hostsRead = 8

/**
 * Asks a machine and the hosts that it asked. Only hosts of the site are contacted; one that is none is named, with the reason why its
 * log was not read.
 */
export async function storyFor(
  machine: string,
  hours: number,
  of: {
    readonly hosts: readonly KnownHost[]
    readonly reached: (host: string) => string | null
    readonly environment: Environment
    readonly signal: AbortSignal | undefined
  },
): Promise<Story> {
  const { environment, signal } = of
  const said = await saidBy(machine, environment, signal)
  const own = said.problem ? { events: null, unread: 0, problem: said.problem } : await logOf('machine', machine, hours, environment)
  const named = [...new Set([...(own.events ?? []).flatMap((e) => e.host ?? []), ...said.hosts].map(canonicalHost))]
  const known = (name: string) =>
    of.hosts.find((h) => meansMachine(canonicalHost(h.name), name) || h.standing.addresses.some((a) => canonicalHost(a) === name))
  const meant = new Set(named.flatMap((name) => known(name) ?? []))
  // Who names no host may have asked any of them.
  if (named.length === 0) for (const h of of.hosts.filter((h) => h.standing.verdict === 'authorised').slice(0, hostsRead)) meant.add(h)
  const hosts = await Promise.all([...meant].map((h) => hostLog(h, hours, of)))
  const strange = named
    .filter((name) => known(name) === undefined)
    .map((name): LogRead => ({ name, ...unread(notOurs(name)), clockAheadMinutes: null }))
  return storyOf({
    ...{ machine, hours, clientMachineId: said.cmid, products: said.products },
    own: { name: machine, ...own, clockAheadMinutes: said.ahead },
    hosts: [...hosts, ...strange],
  })
}

const unread = (why: Problem): Log => ({ events: null, unread: 0, problem: why })
const notOurs = (name: string): Problem =>
  problem('HOST_NOT_AUTHORISED', `${name} is neither a KMS host of the site file nor published by its domains; nothing was sent to it.`, [
    'Name it under kms.hosts of the site file if it is yours; else: slmctl audit',
  ])

async function hostLog(host: KnownHost, hours: number, of: Parameters<typeof storyFor>[2]): Promise<LogRead> {
  const none = { name: host.name, clockAheadMinutes: null }
  if (host.standing.verdict !== 'authorised')
    return {
      ...none,
      ...unread(problem('HOST_NOT_AUTHORISED', `Nothing was sent to ${host.name}: ${host.standing.because}`, ['slmctl hosts discover'])),
    }
  const name = of.reached(host.name)
  if (name === null)
    return {
      ...none,
      ...unread(
        problem('HOST_NOT_REACHED', `The site file does not say how ${host.name} is asked.`, [
          `List ${host.name} as a machine in a group of the site file, or give --user or --credential.`,
        ]),
      ),
    }
  const [log, said] = await Promise.all([logOf('host', name, hours, of.environment), saidBy(name, of.environment, of.signal)])
  return { name: host.name, ...log, clockAheadMinutes: said.ahead }
}
