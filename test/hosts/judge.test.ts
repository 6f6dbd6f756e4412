/** What follows from what was found: one table for each thing that is looked at. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostStanding } from '../../src/addresses.ts'
import { compared, type HostSaid, judgeHost, type KnownHost, knownHosts, meantHosts, type PortAnswer } from '../../src/hosts.ts'
import { ProblemError, problem, type Site } from '../../src/model.ts'

const site: Site = {
  ...{ organisation: null, domains: ['corp.example'], networks: ['10.0.0.0/8'], platforms: [], forests: [], dnsServers: [] },
  kmsHosts: [{ name: 'kms1.corp.example', port: 1688, priority: null, weight: null }],
  ...{ wishes: [], groups: [], entitlements: [], schedule: { repair: false }, planSigners: [] },
}
const standing: HostStanding = { addresses: ['10.0.0.11'], verdict: 'authorised', because: null }
const host: KnownHost = { name: 'kms1.corp.example', port: 1688, named: true, declared: true, publishedBy: ['corp.example'], standing }
const rpc: PortAnswer = { address: '10.0.0.11', port: 1688, state: 'rpc', connectMs: 3, seen: 'an RPC server answers' }
const group: HostSaid['groups'][number] = {
  ...{ name: 'Windows(R), ServerStandard edition', application: 'windows', partialKey: '3P6XD', state: 'licensed', count: 50 },
  ...{ thresholds: [], total: 10, failed: 0, byState: {}, release: 'Windows Server 2022', lacks: [], verdict: 'ok', cause: null, next: [] },
} as const
const said: HostSaid = {
  ...{ system: 'Microsoft Windows Server 2022 Standard', build: 20_348, revision: 2762, clockAheadMinutes: 0, groups: [group] },
  ...{ listeningPort: null, publishes: true, lowPriority: false, findings: [], undecided: [] },
}
const silent = problem('WINRM_UNREACHABLE', 'kms1 does not answer.', [])
const judged = (found: Partial<Parameters<typeof judgeHost>[1]>, of: KnownHost = host) =>
  judgeHost(of, { ports: [rpc], said, problem: null, requests: null, logProblem: null, remarks: [], dnsAnswered: true, ...found })

test('a host in order is ok; without its own word nothing is claimed', () => {
  assert.equal(judged({}).verdict, 'ok')
  assert.equal(judged({}).cause, null)
  const unasked = judged({ said: null })
  assert.equal(unasked.verdict, 'cannot-tell')
  assert.match(unasked.cause!, /An RPC server answers at its port; whether it is a KMS host in order, only the host itself/)
  const away = judged({ said: null, problem: silent })
  assert.equal(away.verdict, 'cannot-tell')
  assert.match(away.cause!, /could not be asked: kms1 does not answer/)
})

test('what answers at the port: "could not ask" is never dead, and a host that listens points at a firewall', () => {
  const port = (state: PortAnswer['state']): PortAnswer => ({ ...rpc, state, connectMs: null, seen: state })
  for (const [state, alone, beside] of [
    ['refused', 'action', 'attention'],
    ['no-answer', 'cannot-tell', 'attention'],
    ['unreachable', 'cannot-tell', 'attention'],
    ['other', 'action', 'action'],
    ['not-tried', 'cannot-tell', 'ok'],
  ] as const) {
    assert.equal(judged({ ports: [port(state)], said: null }).verdict, alone, state)
    assert.equal(judged({ ports: [port(state)] }).verdict, beside, state)
  }
  for (const state of ['silent', 'closed'] as const) assert.equal(judged({ ports: [port(state)] }).verdict, 'attention')
  assert.match(judged({ ports: [port('refused')] }).cause!, /says that it listens at port 1688, but from here .* a firewall/)
  // One bad address of two is enough: a client may take it.
  assert.equal(judged({ ports: [rpc, port('other')] }).verdict, 'action')
  // A host that says it listens elsewhere gives no hint of a firewall.
  assert.match(
    judged({ ports: [port('refused')], said: { ...said, listeningPort: 1700 } }).cause!,
    /refuses the connection|listens at port 1700/,
  )
})

test('published but dead: only where nothing can answer is it said for certain; what says that it lives is not dead', () => {
  const port = (state: PortAnswer['state']): PortAnswer => ({ ...rpc, state, connectMs: null, seen: state })
  const summaries = (h: ReturnType<typeof judged>) => [h.cause, ...h.remarks.map((r) => r.summary)].join('\n')
  assert.match(
    summaries(judged({ ports: [port('refused')], said: null })),
    /Published but dead: _vlmcs\._tcp of corp\.example sends machines to it/,
  )
  assert.match(summaries(judged({ ports: [port('no-answer')], said: null })), /Published, and nothing answers from here/)
  assert.equal(judged({ ports: [port('no-answer')], said: null }).verdict, 'cannot-tell')
  for (const found of [
    { ports: [port('refused'), rpc], said: null },
    { ports: [port('not-tried')], said: null },
    { ports: [port('refused')] },
  ])
    assert.doesNotMatch(summaries(judged(found)), /Published/)
  assert.doesNotMatch(summaries(judged({ ports: [port('refused')], said: null }, { ...host, publishedBy: [] })), /Published/)
})

test('a count that falls is worth a look before it is too low', () => {
  const falls = [{ of: 'client Windows', count: 25, at: '2026-12-02', surely: false }]
  const forecast = {
    ...({ name: 'Windows Server 2022', application: 'windows', count: 30, most: 50 } as const),
    thresholds: [],
    history: [],
    users: null,
    quiet: null,
    retire: null,
  }
  const h = judged({ forecast: [{ ...forecast, trend: { perWeek: -7, falls } }] })
  assert.deepEqual(
    [h.verdict, h.cause],
    [
      'attention',
      'Windows Server 2022: the count falls by 7 a week; if that goes on, it is below the 25 that client Windows needs on 2026-12-02.',
    ],
  )
  assert.equal(judged({ forecast: [{ ...forecast, trend: { perWeek: -1, falls: [] } }] }).verdict, 'ok')
})

test('what it says of itself: no key, another port, not in DNS, kept by hand, unanswered questions', () => {
  const cause = (change: Partial<HostSaid>, of: KnownHost = host) => judged({ said: { ...said, ...change } }, of)
  assert.match(cause({ groups: [] }).cause!, /no KMS host key/)
  assert.match(cause({ listeningPort: 1700 }).cause!, /listens at port 1700, but DNS says 1688/)
  const hidden = { ...host, publishedBy: [] }
  assert.equal(cause({}, hidden).verdict, 'attention')
  assert.match(cause({}, hidden).cause!, /no domain of the site has its record/)
  // Where DNS could not be asked, a record is not missing.
  assert.equal(judged({ dnsAnswered: false }, hidden).verdict, 'ok')
  assert.ok(cause({ publishes: false }).remarks.some((r) => /kept by hand/.test(r.summary)))
  assert.equal(cause({ publishes: false }).verdict, 'ok')
  assert.ok(cause({ lowPriority: true }).remarks.some((r) => /low priority/.test(r.summary)))
  assert.equal(cause({ undecided: ['the licences: denied'], groups: [] }).verdict, 'cannot-tell')
  const low = cause({ groups: [{ ...group, verdict: 'action', cause: 'The KMS count is 3', next: ['more'] }] })
  assert.deepEqual([low.verdict, low.cause, low.next], ['action', 'The KMS count is 3', ['more']])
})

test('the site file against DNS', () => {
  const answered = [{ domain: 'corp.example', records: [], problem: null }]
  const of = (change: Partial<KnownHost>, domains: Parameters<typeof compared>[2] = answered) =>
    compared({ ...host, ...change }, site, domains)
  assert.deepEqual(of({}), [])
  assert.match(of({ named: false, declared: false })[0]!.summary, /the site file does not name it/)
  assert.match(of({ declared: false, port: 1700 })[0]!.summary, /publishes it at port 1700, the site file names port 1688/)
  assert.match(of({ publishedBy: [] })[0]!.summary, /No domain of the site publishes it/)
  assert.deepEqual(of({ publishedBy: [] }, [{ ...answered[0]!, problem: silent }]), [])
  const outside = of({ standing: { addresses: ['198.51.100.7'], verdict: 'not-authorised', because: 'its address is outside.' } })
  assert.equal(outside[0]!.severity, 'action')
  assert.match(
    outside[0]!.summary,
    /nothing was sent to it: its address is outside\. Machines that look in DNS \(corp\.example\) may take it/,
  )
  assert.equal(of({ standing: { addresses: [], verdict: 'could-not-ask', because: 'x' } })[0]!.severity, 'unknown')
  assert.equal(of({ standing: { addresses: [], verdict: 'unknown', because: 'x' } })[0]!.severity, 'action')
})

test('hosts of the site file and of DNS become one list; shares are those of RFC 2782', async () => {
  const record = (target: string, priority: number, weight: number, port = 1688) => ({ target, port, priority, weight, ttlSeconds: 60 })
  const { domains, hosts } = await knownHosts(
    { ...site, domains: ['corp.example', 'labs.example', 'dead.example'] },
    {
      srv: async (name) => {
        if (name.endsWith('dead.example')) throw new ProblemError(problem('DNS_UNANSWERED', 'silent', []))
        return name.endsWith('labs.example')
          ? [record('KMS1.corp.example', 0, 0), record('b.labs.example', 0, 0), record('b.labs.example', 9, 0)]
          : [record('kms1.corp.example', 10, 0), record('a.corp.example', 0, 30), record('b.labs.example', 0, 10, 1700)]
      },
      addresses: async (name) => (name.startsWith('b.') ? ['10.0.0.12', '198.51.100.7'] : ['10.0.0.11']),
    },
  )
  assert.deepEqual(
    domains.map((d) => [d.domain, d.problem?.code ?? null, d.records.map((r) => [r.target, r.share])]),
    [
      [
        'corp.example',
        null,
        [
          ['a.corp.example', 0.75],
          ['b.labs.example', 0.25],
          ['kms1.corp.example', 0],
        ],
      ],
      [
        'labs.example',
        null,
        [
          ['KMS1.corp.example', 0.5],
          ['b.labs.example', 0.5],
          ['b.labs.example', 0],
        ],
      ],
      ['dead.example', 'DNS_UNANSWERED', []],
    ],
  )
  assert.deepEqual(
    hosts.map((h) => [h.name, h.port, h.named, h.declared, h.publishedBy.join(), h.standing.verdict]),
    [
      ['kms1.corp.example', 1688, true, true, 'corp.example,labs.example', 'authorised'],
      ['a.corp.example', 1688, false, false, 'corp.example', 'authorised'],
      ['b.labs.example', 1700, false, false, 'corp.example', 'not-authorised'],
      ['b.labs.example', 1688, false, false, 'labs.example', 'not-authorised'],
    ],
  )
  assert.deepEqual(
    meantHosts(hosts, ['KMS1', '10.0.0.12']).map((h) => `${h.name}:${h.port}`),
    ['kms1.corp.example:1688', 'b.labs.example:1700', 'b.labs.example:1688'],
  )
  for (const word of ['kms9', '10.0.0.99', '10.0.0.0/8', 'kms1.corp.example.evil.example', ''])
    assert.throws(
      () => meantHosts(hosts, [word]),
      (e: unknown) => e instanceof ProblemError && e.problems[0]!.code === 'HOST_NOT_AUTHORISED',
      word,
    )
})
