import type { Judgement, MachineFacts } from '../activation.ts'
import { hostKeys, numberOf } from '../catalogue.ts'
import type { Finding, Verdict } from '../model.ts'

/** One KMS host key on a host, with its counters: what it activates is a product group. */
export type HostGroup = {
  readonly name: string | null
  readonly application: 'windows' | 'office' | 'other'
  readonly partialKey: string | null
  readonly state: string
  readonly count: number | null
  /** What the count must reach, and for whom. */
  readonly thresholds: readonly { readonly of: string; readonly count: number }[]
  readonly total: number | null
  readonly failed: number | null
  readonly byState: Readonly<Record<string, number>>
  /** The release that the host key is of, `Windows Server 2022`; null where its description does not tell. */
  readonly release: string | null
  /** What the newest host key activates and this one does not. */
  readonly lacks: readonly string[]
  readonly verdict: Verdict
  readonly cause: string | null
  readonly next: readonly string[]
}

/** What a KMS host says of itself, over WinRM or as this computer. */
export type HostSaid = {
  readonly system: string | null
  readonly build: number | null
  readonly revision: number | null
  readonly clockAheadMinutes: number | null
  /** Empty: the machine has no KMS host key. */
  readonly groups: readonly HostGroup[]
  readonly listeningPort: number | null
  readonly publishes: boolean | null
  readonly lowPriority: boolean | null
  /** What the rules have to say about the host keys and the machine as a whole; of its other products: slmctl status. */
  readonly findings: readonly Pick<Finding, 'rule' | 'severity' | 'summary' | 'next'>[]
  /** Questions without an answer on which a verdict depends. */
  readonly undecided: readonly string[]
}

/** `VOLUME_KMS_WS22`, `VOLUME_KMS_2012-R2_WIN10`: the release in the description of a host key. */
const releases: readonly (readonly [RegExp, string])[] = [
  [/VOLUME_KMS_(?:WS|WINDOWS_?SERVER_?)?(?:20)?25\b/i, 'Windows Server 2025'],
  [/VOLUME_KMS_(?:WS)?(?:20)?22\b/i, 'Windows Server 2022'],
  [/VOLUME_KMS_(?:WS)?(?:20)?19\b/i, 'Windows Server 2019'],
  [/VOLUME_KMS_(?:WS)?(?:20)?16\b/i, 'Windows Server 2016'],
  [/VOLUME_KMS_2012[-_ ]?R2/i, 'Windows Server 2012 R2'],
]

function thresholds(application: HostGroup['application'], release: string | null): HostGroup['thresholds'] {
  if (application === 'office') return [{ of: 'Office', count: numberOf('threshold.office') }]
  const clients = { of: 'client Windows', count: numberOf('threshold.windowsClient') }
  // The host key of a client Windows activates no server.
  const row = hostKeys.find((k) => k.hostKey === release)
  return row && row.activatesServer.length === 0
    ? [clients]
    : [{ of: 'Windows Server', count: numberOf('threshold.windowsServer') }, clients]
}

/** Reads a host's facts and their judgement. */
export function saidByHost(facts: MachineFacts, judged: Judgement): HostSaid {
  const groups = facts.products.flatMap((p, i): HostGroup[] => {
    if (p.channel !== 'kms-host') return []
    const product = judged.products[i]!
    const release = releases.find(([pattern]) => pattern.test(p.description ?? ''))?.[1] ?? null
    const number = (name: string) => {
      const value = p.cells.get(`KeyManagementService${name}Requests`)?.value
      return value !== undefined && /^\d+$/.test(value) ? Number(value) : null
    }
    return [
      {
        name: p.name,
        application: p.application,
        partialKey: p.partialKey,
        state: p.state,
        count: p.count,
        thresholds: thresholds(p.application, release),
        total: p.totalRequests,
        failed: p.failedRequests,
        byState: Object.fromEntries(
          states.flatMap(([state, name]) => {
            const n = number(name)
            return n === null ? [] : [[state, n]]
          }),
        ),
        release,
        lacks: release === null || p.application !== 'windows' ? [] : lackedBy(release),
        verdict: product.verdict,
        cause: product.cause,
        next: product.next,
      },
    ]
  })
  const hostProducts = new Set(facts.products.flatMap((p, i) => (p.channel === 'kms-host' ? [i] : [])))
  return {
    system: facts.system?.caption ?? null,
    build: facts.system?.build ?? null,
    revision: facts.system?.revision ?? null,
    clockAheadMinutes: facts.system?.clockAheadMinutes ?? null,
    groups,
    listeningPort: facts.hostRole?.listeningPort ?? null,
    publishes: facts.hostRole?.publishes ?? null,
    lowPriority: facts.hostRole?.lowPriority ?? null,
    findings: judged.findings
      // What is only worth knowing is kept where it is about a host; what the counters are is shown as what it is.
      .filter((f) => (f.product === null || hostProducts.has(f.product)) && (f.severity !== 'info' || remarkable.has(f.rule)))
      .map(({ rule, severity, summary, next }) => ({ rule, severity, summary, next })),
    undecided: facts.unasked.filter((u) => u.decides).map((u) => `${u.about}: ${u.problem.summary}`),
  }
}

const states = [
  ['licensed', 'Licensed'],
  ['initial-grace', 'OOBGrace'],
  ['out-of-tolerance-grace', 'OOTGrace'],
  ['non-genuine-grace', 'NonGenuineGrace'],
  ['notification', 'Notification'],
  ['unlicensed', 'Unlicensed'],
] as const

/** Rules whose mere remarks are about KMS hosts. */
const remarkable: ReadonlySet<string> = new Set(['host-count', 'failed-requests'])

/** By Microsoft's planning page: what the newest host key activates and this one does not. */
function lackedBy(release: string): string[] {
  const newest = hostKeys[0]
  const own = hostKeys.find((row) => row.hostKey === release)
  if (!own) return []
  const servers: readonly string[] = own.activatesServer
  const clients: readonly string[] = own.activatesClient
  // A row of an older key may write the same editions otherwise; what is missing is judged by the generation.
  const generation = (name: string) => /^Windows [\d.]+/.exec(name)?.[0] ?? name
  const known = new Set(clients.map(generation))
  return [
    ...newest.activatesServer.filter((s) => !servers.includes(s) && s !== 'SAC').map((s) => `Windows Server ${s}`),
    ...new Set(newest.activatesClient.filter((c) => !known.has(generation(c))).map(generation)),
    ...newest.activatesClient.filter((c) => /LTSC 20/.test(c) && known.has(generation(c)) && !clients.includes(c)),
  ]
}
