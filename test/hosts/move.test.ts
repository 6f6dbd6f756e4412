/** One host takes the place of another: what stands against it, in which order, and who has to be moved. And whom a host serves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  aboutServed,
  aboutUse,
  activates,
  type CheckedHost,
  type DomainAnswer,
  foundObjects,
  type HostSaid,
  type HostUsers,
  moveOf,
  releaseOf,
  tooOldFor,
} from '../../src/hosts.ts'
import { parses } from '../support/command-line.ts'

type Group = HostSaid['groups'][number]
const group = (more: Partial<Group> = {}): Group => ({
  ...{ name: 'Windows(R), ServerStandard edition', application: 'windows', partialKey: '3P6XD', state: 'licensed', count: 50 },
  thresholds: [
    { of: 'Windows Server', count: 5 },
    { of: 'client Windows', count: 25 },
  ],
  ...{ total: 10, failed: 0, byState: {}, release: 'Windows Server 2022', lacks: [], verdict: 'ok', cause: null, next: [] },
  ...more,
})
const office = group({ application: 'office', name: 'Office 21', release: null, count: 10, thresholds: [{ of: 'Office', count: 5 }] })
const said = (groups: readonly Group[], publishes: boolean | null = true): HostSaid => ({
  ...{ system: 'Microsoft Windows Server 2022 Standard', build: 20_348, revision: 2762, clockAheadMinutes: 0, groups },
  ...{ listeningPort: null, publishes, lowPriority: false, findings: [], undecided: [] },
})
const host = (name: string, more: Partial<CheckedHost> = {}): CheckedHost => ({
  ...{ name, port: 1688, named: true, declared: true, publishedBy: ['corp.example'] },
  standing: { addresses: ['10.0.0.11'], verdict: 'authorised', because: null },
  ports: [{ address: '10.0.0.11', port: 1688, state: 'rpc', connectMs: 1, seen: 'an RPC server answers' }],
  ...{ said: said([group()]), problem: null, requests: null, forecast: [], users: null, verdict: 'ok', cause: null, next: [], remarks: [] },
  ...more,
})
const record = (target: string, priority = 0) => ({ target, port: 1688, priority, weight: 0, ttlSeconds: 3600, share: 1 })
const dns = (...records: DomainAnswer['records']): DomainAnswer[] => [{ domain: 'corp.example', records, problem: null }]
const users: HostUsers = {
  ...{ asOf: '2026-11-25T00:00:00.000Z', machines: 312, pinned: 12, cached: 300, otherwise: 0, windows: 312, servers: 40, office: 90 },
  names: ['pc-1.corp.example'],
}
const kms1 = host('kms1.corp.example')
const fresh = host('kms3.corp.example', { publishedBy: [], said: said([group({ count: 0 })]) })
const move = (more: Partial<Parameters<typeof moveOf>[0]> = {}) =>
  moveOf({ oldName: 'kms1', old: kms1, to: fresh, domains: dns(record('kms1.corp.example')), users, usersOfNew: null, ...more })
const titles = (m: ReturnType<typeof moveOf>) => m.steps.map((s) => s.title.replace(/kms(\d)\.corp\.example/g, '$1'))

test('a new host with a cold count: published first, warmed up, then the old record, the pins, the caches', () => {
  const m = move()
  assert.deepEqual(m.blockers, [])
  assert.deepEqual(titles(m), [
    'See that 3 is ready',
    'Let DNS give 3 before 1',
    'Warm up the count of 3',
    'Take the SRV record of 1 out of DNS',
    'Take 1 out of the site file, and move the machines on which it is set',
    'Close 1, and leave it in place',
    'After 30 days, take 1 down',
  ])
  // 312 machines renew within 7 days: 25 of them within one.
  assert.deepEqual(
    m.warmUp.map((w) => [w.of, w.threshold, w.count, w.machines, w.days]),
    [
      ['Windows Server', 5, 0, 312, 1],
      ['client Windows', 25, 0, 312, 1],
    ],
  )
  assert.match(m.steps[4]!.why, /^12 machines have it set by hand/)
  assert.match(m.steps[5]!.why, /^300 machines keep/)
  assert.deepEqual(
    m.back.map((s) => s.title.replace(/kms(\d)\.corp\.example/g, '$1')),
    ['Open 1 again', 'Publish it again', 'Name 1 under kms.hosts again, and take 3 out'],
  )
})

test('every command of a plan is one that slmctl takes', () => {
  let seen = 0
  for (const m of [
    move(),
    move({ old: null, oldName: 'gone.corp.example', domains: dns(), users: null }),
    move({ to: host('kms3.corp.example') }),
  ])
    for (const step of [...m.steps, ...m.back])
      for (const command of step.commands.filter((c) => c.startsWith('slmctl '))) {
        assert.doesNotThrow(() => parses(command.split(/\s+#\s/)[0]!), command)
        seen++
      }
  assert.ok(seen > 20)
})

test('who keeps the record: the host that publishes itself, somebody by hand, or nobody knows', () => {
  const kept = (publishes: boolean | null) =>
    move({ old: host('kms1.corp.example', { said: publishes === null ? null : said([group()], publishes) }) })
  for (const [publishes, keptBy, words, cdns] of [
    [true, 'itself', /would write the record again/, true],
    [false, 'hand', /kept by hand/, false],
    [null, 'not-known', /is not known/, true],
  ] as const) {
    const m = kept(publishes)
    assert.equal(m.records[0]!.keptBy, keptBy)
    const step = m.steps.find((s) => s.title.startsWith('Take the SRV'))!
    assert.match(step.why, words)
    assert.equal(
      step.commands.some((c) => c.includes('/cdns')),
      cdns,
    )
  }
})

test('no DNS, no count, no fleet, no old host: the plan says what it does not know', () => {
  const m = move({ old: null, oldName: 'old.elsewhere.example', domains: dns(), users: null })
  assert.deepEqual([m.old.ours, m.users, m.records], [false, null, []])
  assert.ok(!titles(m).some((t) => /DNS/.test(t)))
  assert.ok(m.warmUp.every((w) => w.machines === null && w.days === null))
  assert.match(m.steps.find((s) => s.title.startsWith('Take old'))!.why, /^Machines that have it set by hand/)
  const warm = move({ to: host('kms3.corp.example'), domains: dns(record('kms1.corp.example', 10), record('kms3.corp.example')) })
  assert.ok(!titles(warm).some((t) => /Warm up|Let DNS/.test(t)))
  // Five machines never make 25.
  const few = move({ users: { ...users, machines: 5, windows: 5 } })
  assert.deepEqual(
    few.warmUp.map((w) => w.days),
    [7, null],
  )
})

test('what stands against beginning', () => {
  const blocked = (to: CheckedHost, old: CheckedHost | null = kms1) => move({ to, old }).blockers.join(' ')
  assert.match(blocked(host('kms3.corp.example', { said: null, cause: 'It does not answer.' })), /was not asked.*It does not answer/)
  assert.match(blocked(host('kms3.corp.example', { said: said([]) })), /no licensed KMS host key/)
  assert.match(blocked(host('kms3.corp.example', { said: said([group({ state: 'notification' })]) })), /no licensed KMS host key/)
  assert.match(blocked(fresh, host('kms1.corp.example', { said: said([group(), office]) })), /activates Office, and kms3.* has no host key/)
  assert.match(
    blocked(host('kms3.corp.example', { ports: [{ ...fresh.ports[0]!, state: 'refused', seen: 'connection refused' }] })),
    /does not answer at port 1688/,
  )
  assert.match(blocked(kms1), /same host/)
})

test('the release of a system, and which host key activates it', () => {
  for (const [system, release] of [
    ['Microsoft Windows Server 2025 Datacenter', 'Windows Server 2025'],
    ['Microsoft Windows Server 2012 R2 Standard', 'Windows Server 2012 R2'],
    ['Microsoft Windows Server 2012 Standard', 'Windows Server 2012'],
    ['Microsoft Windows 11 Enterprise', 'Windows 11'],
    ['Microsoft Windows 8.1 Pro', 'Windows 8.1'],
    ['Debian', null],
  ] as const)
    assert.equal(releaseOf(system), release)
  for (const [key, release, does] of [
    ['Windows Server 2022', 'Windows Server 2025', false],
    ['Windows Server 2025', 'Windows Server 2022', true],
    ['Windows Server 2019', 'Windows 11', false],
    ['Windows Server 2022', 'Windows 11', true],
    ['Windows 10', 'Windows Server 2016', false],
    ['Windows Server 2022', 'Windows Server 2031', null],
    ['a key of tomorrow', 'Windows 11', null],
  ] as const)
    assert.equal(activates(key, release), does, `${key} ${release}`)
})

test('too old for the machines that ask it; a key that nobody knows is no old key', () => {
  const served = {
    systems: new Map([
      ['Microsoft Windows Server 2025 Standard', 3],
      ['Microsoft Windows Server 2025 Datacenter', 1],
      ['Microsoft Windows 11 Pro', 9],
      ['Solaris', 2],
    ]),
    ...{ office: 2, by: 'the fleet' },
  }
  assert.deepEqual(tooOldFor(said([group()]), served), [{ release: 'Windows Server 2025', machines: 4 }])
  assert.deepEqual(
    tooOldFor(said([group({ release: 'Windows Server 2016' })]), served).map((t) => t.release),
    ['Windows 11', 'Windows Server 2025'],
  )
  assert.deepEqual(tooOldFor(said([group({ release: null })]), served), [])
  // A second key on the host may be newer.
  assert.deepEqual(tooOldFor(said([group(), group({ release: 'Windows Server 2025' })]), served), [])
  const remarks = aboutServed(said([group()]), served).map((r) => r.summary)
  assert.match(remarks[0]!, /Too old for 4 machines with Windows Server 2025 that ask it \(by the fleet\)/)
  assert.match(remarks[1]!, /2 machines with a volume Office ask it .* no host key for Office/)
  assert.equal(aboutServed(said([group({ release: 'Windows Server 2025' }), office]), served).length, 0)
})

test('alive and used by nobody; dead and named by machines', () => {
  const none = { machines: 0, pinned: 0, cached: 0 }
  const unpublished = { name: 'kms1.corp.example', publishedBy: [] }
  assert.match(aboutUse(unpublished, none, true)[0]!.summary, /alive, but DNS does not publish it, and no machine/)
  assert.deepEqual(aboutUse(kms1, none, true), [])
  assert.deepEqual(aboutUse(unpublished, none, false), [])
  assert.match(aboutUse(kms1, users, false)[0]!.summary, /312 machines of the fleet name it: on 12 it is set by hand, 300 found it in DNS/)
  assert.deepEqual(aboutUse(unpublished, users, true), [])
})

test('activation objects: machines that name one by DN or name, and names that the directory did not show', () => {
  const dn = 'CN=Example,CN=Activation Objects,CN=Microsoft SPP,CN=Services,CN=Configuration,DC=ad,DC=example'
  const other = dn.replace('CN=Example', 'CN=Other')
  const elsewhere = dn.replace('DC=ad,DC=example', 'DC=corp,DC=example')
  const object = {
    ...{ name: 'Example', displayName: 'Example University', distinguishedName: dn, hostKeyActivationId: null, extendedPid: null },
    ...{ kmsIds: [], created: null },
  }
  const users = new Map(
    (
      [
        [dn, 7],
        ['Example University', 2],
        [other, 1],
        [elsewhere, 5],
      ] as const
    ).map(([name, machines]) => [name.toLowerCase(), { name, machines }]),
  )
  const ours = (name: string) => !name.includes('CN=Other')
  for (const domain of ['ad.example', 'berlin.AD.example.'])
    assert.deepEqual(
      foundObjects(domain, [object], users, ours).map((o) => [o.name, o.machines, o.ours, o.object !== null]),
      [
        ['Example University', 9, true, true],
        ['Other', 1, false, false],
      ],
    )
  assert.deepEqual(foundObjects('ad.example', [object], null, () => true)[0]!.machines, null)
})
