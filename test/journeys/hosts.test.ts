/** Looking after KMS hosts: DNS and WinRM are the lab's; what listens at a port are plain sockets of the test. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { addressKind } from '../../src/addresses.ts'
import { decodeBind, encodeBindAnswer } from '../../src/protocol/rpc.ts'
import { openStore } from '../../src/store.ts'
import { a, srv, startDns } from '../directory/server.ts'
import { type Stage, stage } from './lab.ts'

const machines = [
  { name: 'kms1.corp.example', scenario: 'kms-host-2022' },
  { name: 'kms2.corp.example', scenario: 'kms-host-2025-key-not-updated' },
  { name: 'kms-small.corp.example', scenario: 'kms-host-low-count' },
] as const
const valid = new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync('docs/hosts.schema.json', 'utf8')))
type Host = {
  name: string
  port: number
  verdict: string
  cause: string | null
  ports: { address: string; state: string }[]
  said: {
    groups: { count: number; total: number; failed: number; release: string; byState: Record<string, number> }[]
    publishes: boolean
  } | null
  remarks: { severity: string; summary: string }[]
}

async function json(s: Stage, ...argv: string[]) {
  const { code, out, err } = await s.slmctl('hosts', ...argv, '--json')
  const answer = JSON.parse(out) as { command: string; domains: { domain: string; records: unknown[] }[]; hosts: Host[] }
  assert.ok(valid(answer), JSON.stringify(valid.errors))
  const of = (name: string) => answer.hosts.find((h) => h.name === name)!
  return { code, err, answer, of }
}
const narrow = (text: string) => {
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line)
}

/** A listener that answers as an RPC server, and counts who came. */
async function listener(address: string, port = 0) {
  let came = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    came++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', (b: Buffer) =>
      socket.write(encodeBindAnswer(decodeBind(b).callId, { kind: 'ack', accepted: true, reason: 0, endpoint: '1688' })),
    )
  })
  await new Promise<void>((ready, failed) => {
    server.once('error', failed)
    server.listen(port, address, ready)
  })
  return {
    port: (server.address() as { port: number }).port,
    came: () => came,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

test('a lab: discover, check and show, for people and as JSON; no address of a lab is contacted', async () => {
  const s = await stage({ machines })
  try {
    const found = await json(s, 'discover')
    assert.equal(found.code, 0)
    assert.deepEqual(
      found.answer.domains.map((d) => [d.domain, d.records.length]),
      [
        ['corp.example', 2],
        ['labs.example', 1],
        ['ad.example', 0],
      ],
    )
    const checked = await json(s, 'check')
    assert.equal(checked.code, 1)
    const kms1 = checked.of('kms1.corp.example')
    assert.deepEqual([kms1.verdict, kms1.cause, kms1.ports[0]!.state], ['ok', null, 'not-tried'])
    // What the lab's scenario says of the host, read over WinRM: one row for each product group.
    assert.deepEqual(
      kms1.said!.groups.map((g) => [g.count, g.total, g.failed, g.byState.licensed, g.byState['initial-grace'], g.byState.notification]),
      [
        [50, 18_422, 20, 17_900, 410, 92],
        [10, 6021, 0, 5980, 41, 0],
      ],
    )
    assert.ok(kms1.remarks.some((r) => /host key of Windows Server 2022 does not activate Windows Server 2025/.test(r.summary)))
    // What is no matter of a host is left to status.
    assert.ok(!kms1.remarks.some((r) => /0x4004F040/.test(r.summary)))
    assert.match(checked.of('kms2.corp.example').cause!, /revision 2322/)
    const small = checked.of('kms-small.corp.example')
    assert.match(small.cause!, /The KMS count is 3, below the 5/)
    assert.ok(small.remarks.some((r) => r.severity === 'attention' && /publishes itself in DNS, but no domain/.test(r.summary)))
    for (const argv of [['discover'], ['check'], ['show', 'kms1'], ['show', 'kms-small.corp.example']])
      narrow((await s.slmctl('hosts', ...argv)).out)
    const shown = await s.slmctl('hosts', 'show', 'kms1')
    assert.equal(shown.code, 0)
    for (const words of [
      /count +50 \(Windows Server needs 5, client Windows 25\)/,
      /licensed: 17900/,
      /20348\.2762/,
      /clock +as ours/,
      /priority +normal/,
    ])
      assert.match(shown.out, words)
    // The lab's machines were only looked at.
    for (const { name } of machines) assert.equal(s.lab.calls(name).length, 0)
  } finally {
    await s.close()
  }
})

test('a host that no site file and no DNS names is refused before anything is sent; usage; no site file', async () => {
  const s = await stage({ machines: [machines[0]] })
  const outside = await listener('127.0.0.1')
  try {
    for (const word of ['evil.example', '127.0.0.1', `127.0.0.1:${outside.port}`, '10.0.0.0/24']) {
      const ran = await s.slmctl('hosts', 'check', word)
      assert.equal(ran.code, 2)
      assert.match(ran.err, /HOST_NOT_AUTHORISED/)
    }
    assert.equal(outside.came(), 0)
    for (const argv of [[], ['heal'], ['show'], ['show', 'a', 'b'], ['discover', 'kms1']])
      assert.equal((await s.slmctl('hosts', ...argv)).code, 2)
    const none = join(s.directory, 'none.yaml')
    writeFileSync(none, 'networks: [10.0.0.0/8]\n')
    assert.match((await s.slmctl('hosts', 'check', '--site', none)).err, /NO_KMS_HOSTS/)
  } finally {
    outside.close()
    await s.close()
  }
})

/** An address of this computer that a site may declare. */
const own = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .map((i) => i.address)
  .find((address) => addressKind(address) === 'private')

test('ports: an RPC server is told from what is none; what is outside the networks gets no packet', {
  skip: own === undefined && 'this computer has no private address',
}, async () => {
  const inside = await listener(own!)
  const outside = await listener('127.0.0.1')
  const mute = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await new Promise<void>((ready) => mute.listen(0, own, ready))
  const http = (mute.address() as { port: number }).port
  const addresses: Record<string, readonly string[]> = {
    'kms1.corp.example': [own!],
    'web.corp.example': [own!],
    'mixed.corp.example': [own!, '127.0.0.1'],
    'far.corp.example': ['127.0.0.1'],
  }
  const dns = await startDns(({ name, type }) => {
    const service = '_vlmcs._tcp.corp.example'
    if (type === 'SRV')
      return {
        answers:
          name === service
            ? [
                srv(service, 'kms1.corp.example', 0, 0, inside.port),
                srv(service, 'far.corp.example', 0, 0, outside.port),
                srv(service, 'mixed.corp.example', 5, 0, outside.port),
              ]
            : [],
      }
    const kind = type === 'A' ? 4 : 6
    const answers = (addresses[name] ?? []).filter((address) => (address.includes(':') ? 6 : 4) === kind).map((address) => a(name, address))
    return answers.length > 0 ? { answers } : { rcode: name in addresses ? 0 : 3 }
  })
  const s = await stage({ machines: [{ name: 'kms1.corp.example', scenario: 'kms-host-2022' }] })
  try {
    // The machines of the lab, with another DNS and without the word that it is one.
    const site = readFileSync(s.site, 'utf8')
      .replace(/^lab: true\n/m, '')
      .replace(/^domains: .*$/m, 'domains: [corp.example]')
      .replace(/^networks: .*$/m, `networks: [${own}/${own!.includes(':') ? 128 : 32}]`)
      .replace(
        /^ {2}hosts: .*$/m,
        `  hosts: [{ name: kms1.corp.example, port: ${inside.port} }, { name: web.corp.example, port: ${http} }]`,
      )
      .replace(/^ {2}servers: .*$/m, `  servers: ["${dns.at}"]`)
      .replace(/^forests:\n(?: .*\n)*/m, '')
    writeFileSync(s.site, site)
    const checked = await json(s, 'check')
    assert.equal(checked.code, 1)
    const state = (name: string) => checked.of(name).ports.map((p) => p.state)
    assert.deepEqual(state('kms1.corp.example'), ['rpc'])
    assert.equal(inside.came(), 1)
    // The lab's host says that it listens at 1688; DNS and the site file say otherwise.
    assert.match(checked.of('kms1.corp.example').cause!, /It listens at port 1688, but DNS says/)
    assert.deepEqual(state('web.corp.example'), ['other'])
    assert.match(checked.of('web.corp.example').cause!, /it speaks HTTP/)
    for (const name of ['far.corp.example', 'mixed.corp.example']) {
      assert.deepEqual(state(name), [], name)
      assert.match(checked.of(name).cause!, /not authorised, and nothing was sent to it: its address 127\.0\.0\.1 is outside/)
    }
    assert.equal(outside.came(), 0)
    const one = await s.slmctl('hosts', 'show', 'web')
    narrow(one.out)
    assert.match(one.out, /no RPC server: it speaks HTTP/)
    // Asked by name alone, nobody else is contacted.
    assert.equal(inside.came(), 1)
  } finally {
    inside.close()
    outside.close()
    mute.close()
    dns.close()
    await s.close()
  }
})

test('DNS that does not answer is told as such, and exit code 2', async () => {
  const dns = await startDns(() => ({ rcode: 2 }))
  const s = await stage({ machines: [machines[0]] })
  try {
    const site = readFileSync(s.site, 'utf8').replace(/^ {2}servers: .*$/m, `  servers: ["${dns.at}"]`)
    writeFileSync(s.site, site)
    const found = await json(s, 'discover')
    assert.equal(found.code, 2)
    for (const host of found.answer.hosts) assert.equal(host.verdict, 'cannot-tell')
    const text = await s.slmctl('hosts', 'check')
    assert.equal(text.code, 2)
    assert.match(text.out, /could not be asked/)
    narrow(text.out)
  } finally {
    dns.close()
    await s.close()
  }
})

test('show --events: who asked and when, by the log of the host', async () => {
  const s = await stage({
    machines: [
      { name: 'kms1.corp.example', scenario: 'kms-host-2022' },
      { name: 'pc-1.corp.example', scenario: 'win11-enterprise-office-2021' },
    ],
  })
  type WithRequests = Host & {
    requests: {
      events: number
      clients: number
      unread: number
      hours: number
      latest: { client: string; code: string; state: string }[]
    } | null
  }
  const requests = async (...argv: string[]) => ((await json(s, 'show', 'kms1', ...argv)).answer.hosts[0] as WithRequests).requests
  try {
    assert.equal(await requests(), null)
    assert.equal((await requests('--events'))!.events, 0)
    assert.match((await s.slmctl('hosts', 'show', 'kms1', '--events')).out, /none in its log/)
    assert.equal((await s.slmctl('apply', 'pc-1.corp.example', '--renew', '--yes')).code, 0)
    const asked = (await requests('--events', '--hours', '1'))!
    assert.deepEqual([asked.hours, asked.events, asked.clients, asked.unread], [1, 2, 1, 0])
    for (const r of asked.latest) assert.deepEqual([r.client, r.code, r.state], ['pc-1.corp.example', '0x00000000', 'licensed'])
    // Five hours later, it is not of the last hour.
    s.lab.advance(300)
    assert.equal((await requests('--events', '--hours', '1'))!.events, 0)
    assert.equal((await requests('--events', '--hours', '8'))!.events, 2)
    narrow((await s.slmctl('hosts', 'show', 'kms1', '--events')).out)
    for (const argv of [
      ['check', '--events'],
      ['show', 'kms1', '--hours', '3'],
      ['show', 'kms1', '--events', '--hours', '0'],
      ['show', 'kms1', '--events', '--hours', '721'],
    ])
      assert.equal((await s.slmctl('hosts', ...argv)).code, 2, argv.join(' '))
  } finally {
    await s.close()
  }
})

const clients = [
  { name: 'pc-1.corp.example', scenario: 'win11-enterprise-office-2021' },
  { name: 'pc-2.corp.example', scenario: 'win11-enterprise-office-2021' },
] as const
/** A lab with two clients in a fleet, asked once. */
async function fleetStage(): Promise<Stage> {
  const s = await stage({ machines: [...machines, ...clients] })
  const list = join(s.directory, 'list.csv')
  writeFileSync(list, `name\n${clients.map((c) => c.name).join('\n')}\n`)
  assert.equal((await s.slmctl('fleet', 'import', list)).code, 0)
  assert.equal((await s.slmctl('fleet', 'scan')).code, 0)
  return s
}
type Forecast = {
  name: string
  count: number
  history: { from: string; last: string; count: number }[]
  users: { from: string; machines: number } | null
  trend: { perWeek: number; falls: { of: string }[] } | null
  retire: { left: number; falls: { of: string }[] } | null
}
type Whole = Host & { forecast: Forecast[]; users: { machines: number; pinned: number; cached: number } | null }

test('nothing is made only to keep a check; a store that is named and is not there is refused', async () => {
  const s = await stage({ machines: [machines[0]] })
  try {
    assert.equal((await s.slmctl('hosts', 'check', 'kms1')).code, 0)
    assert.equal(existsSync(join(s.directory, 'fleet.db')), false)
    const one = (await json(s, 'show', 'kms1')).answer.hosts[0] as Whole
    assert.deepEqual([one.users, one.forecast[0]!.history.length, one.forecast[0]!.users], [null, 1, null])
    const ran = await s.slmctl('hosts', 'check', '--store', join(s.directory, 'nowhere.db'))
    assert.equal(ran.code, 2)
    assert.match(ran.err, /STORE_MISSING/)
    // A store that nobody named and that cannot be read costs the check nothing.
    writeFileSync(join(s.directory, 'fleet.db'), 'no database')
    const beside = await s.slmctl('hosts', 'check', 'kms1')
    assert.equal(beside.code, 0)
    assert.match(beside.err, /without the fleet/)
  } finally {
    await s.close()
  }
})

test('what checks find is kept: counts over time, a trend, who uses the host, what if machines are retired', async () => {
  const s = await fleetStage()
  try {
    assert.equal((await s.slmctl('hosts', 'check')).code, 1)
    const store = await openStore({ file: join(s.directory, 'fleet.db') }, { create: false })
    const kept = await store.hosts(10)
    assert.deepEqual(
      kept.map((h) => [h.name, h.sources, h.checks.find((c) => c.address === '')!.state]),
      [
        ['kms-small.corp.example', ['site'], 'action'],
        ['kms1.corp.example', ['site', 'dns _vlmcs._tcp.corp.example'], 'ok'],
        ['kms2.corp.example', ['site', 'dns _vlmcs._tcp.corp.example', 'dns _vlmcs._tcp.labs.example'], 'action'],
      ],
    )
    // The same host three weeks ago and two weeks ago, when it counted more: the lab's clock is ours, the store's history is not.
    const small = kept[0]!
    const { counts } = await store.hostHistory('kms-small.corp.example', 1688, 0)
    await store.close()
    const before = await openStore({ file: join(s.directory, 'earlier.db') }, { create: true })
    const [id] = await before.saveHosts([{ name: 'kms-small.corp.example', port: 1688, sources: ['site'] }], 1)
    const ago = (days: number) => Date.now() - days * 86_400_000
    for (const [days, count] of [
      [21, 24],
      [14, 17],
      [7, 10],
    ] as const)
      await before.saveCheck({
        host: id!,
        at: ago(days),
        address: '',
        state: 'ok',
        problem: null,
        told: null,
        counts: [{ ...counts[0]!, partialKey: counts[0]!.key, count }],
      })
    await before.close()
    assert.deepEqual(small.checks[0]!.times, 1)
    const earlier = ['--store', join(s.directory, 'earlier.db')]
    const whole = (await json(s, 'show', 'kms-small', ...earlier)).answer.hosts[0] as Whole
    assert.deepEqual(
      whole.forecast[0]!.history.map((h) => h.count),
      [24, 17, 10, 3],
    )
    assert.equal(whole.forecast[0]!.trend!.perWeek, -7)
    const shown = await s.slmctl('hosts', 'show', 'kms-small', ...earlier)
    narrow(shown.out)
    assert.match(shown.out, /17 #########\n/)
    assert.match(shown.out, /trend +-7 a week/)
    // Asked again at once, it says the same: no new point.
    assert.equal(((await json(s, 'show', 'kms-small', ...earlier)).answer.hosts[0] as Whole).forecast[0]!.history.length, 4)

    const kms1 = (await json(s, 'show', 'kms1', '--retire', '30')).answer.hosts[0] as Whole
    assert.deepEqual([kms1.users!.machines, kms1.users!.cached + kms1.users!.pinned], [2, 2])
    assert.equal(kms1.forecast[0]!.users!.machines, 2)
    // Without its log, the fleet tells.
    const quick = (await json(s, 'show', 'kms1')).answer.hosts[0] as Whole
    assert.deepEqual(quick.forecast[0]!.users, { from: 'fleet', days: 30, machines: 2, quiet: 0 })
    assert.deepEqual([kms1.forecast[0]!.retire!.left, kms1.forecast[0]!.retire!.falls.map((f) => f.of)], [20, ['client Windows']])
    narrow((await s.slmctl('hosts', 'show', 'kms1', '--retire', '30')).out)
    const unused = (await json(s, 'show', 'kms-small')).answer.hosts[0]!
    assert.ok(unused.remarks.some((r) => /alive, but DNS does not publish it, and no machine of the fleet names it/.test(r.summary)))
    for (const [argv, next] of [
      [['show', 'kms1', '--retire', '0'], /^ {2}- --retire 1$/m],
      [['show', 'kms1', '--events', '--hours', '999'], /^ {2}- --hours 720$/m],
      [['check', '--retire', '3'], /slmctl hosts check --help/],
      [['show', 'kms1', '--client', 'pc-1'], /slmctl hosts show kms1 --events --client/],
      [['discover', '--user', 'x'], /slmctl hosts discover --directory/],
      [['show', 'kms1', '--directory', 'corp.example'], /slmctl hosts show --help/],
      [['show', 'kms1', 'kms2'], /slmctl hosts check kms1 kms2/],
      [['migrate', 'kms1'], /slmctl hosts migrate kms1 kms3/],
      [['chek'], /slmctl hosts discover: what DNS/],
    ] as const)
      assert.match((await s.slmctl('hosts', ...argv)).err, next, argv.join(' '))
  } finally {
    await s.close()
  }
})

test('show --events --client: one machine of all that asked, over the days that a host counts', async () => {
  const s = await fleetStage()
  try {
    for (const { name } of clients) assert.equal((await s.slmctl('apply', name, '--renew', '--yes')).code, 0)
    s.lab.advance(5 * 24 * 60)
    const shown = await s.slmctl('hosts', 'show', 'kms1', '--events', '--client', 'pc-2')
    narrow(shown.out)
    assert.match(shown.out, /Requests of pc-2 in the last 720 hours/)
    assert.doesNotMatch(shown.out, /pc-1\.corp/)
    const answer = JSON.parse((await s.slmctl('hosts', 'show', 'kms1', '--events', '--client', 'PC-2', '--json')).out) as {
      hosts: { requests: { client: string; events: number; clients: number } }[]
    }
    assert.ok(valid(answer), JSON.stringify(valid.errors))
    const { requests } = answer.hosts[0]!
    assert.deepEqual([requests.client, requests.clients], ['PC-2', 1])
    assert.ok(requests.events >= 2)
  } finally {
    await s.close()
  }
})

test('migrate: a plan for people and as JSON, nothing is changed; what is not authorised is no place to move to', async () => {
  const s = await fleetStage()
  const validMove = new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync('docs/hosts-migrate.schema.json', 'utf8')))
  try {
    const plan = await s.slmctl('hosts', 'migrate', 'kms1', 'kms-small')
    assert.equal(plan.code, 1)
    narrow(plan.out)
    for (const words of [
      /! kms1\.corp\.example activates Office, and kms-small\.corp\.example has no host\n +key for it/,
      /DNS +corp\.example: kms1\.corp\.example, priority 0, weight 0; publishes\n +itself/,
      /fleet +2 machines name kms1\.corp\.example/,
      /client Windows needs 25; kms-small\.corp\.example counts 3/,
      /Warm up the count/,
      /The way back/,
    ])
      assert.match(plan.out, words)
    const { code, out } = await s.slmctl('hosts', 'migrate', 'kms2', 'kms1.corp.example', '--json')
    const move = JSON.parse(out) as { blockers: string[]; users: { machines: number } }
    assert.ok(validMove(move), JSON.stringify(validMove.errors))
    assert.deepEqual([code, move.blockers, move.users.machines], [0, [], 0])
    // From a host that is gone and was none of the site.
    const gone = JSON.parse((await s.slmctl('hosts', 'migrate', 'kms-old.corp.example', 'kms1', '--json')).out)
    assert.deepEqual([gone.old.ours, gone.old.said], [false, false])
    for (const argv of [
      ['kms1', 'evil.example'],
      ['kms1', '203.0.113.5'],
    ]) {
      const refused = await s.slmctl('hosts', 'migrate', ...argv)
      assert.equal(refused.code, 2)
      assert.match(refused.err, /HOST_NOT_AUTHORISED/)
    }
    for (const argv of [[], ['kms1'], ['a', 'b', 'c']]) assert.match((await s.slmctl('hosts', 'migrate', ...argv)).err, /wants two hosts/)
    for (const { name } of [...machines, ...clients]) assert.equal(s.lab.calls(name).length, 0)
  } finally {
    await s.close()
  }
})

test('audit: what is own is proved where a check saw the licensed host key, and declared otherwise', async () => {
  const s = await fleetStage()
  const validAudit = new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync('docs/audit.schema.json', 'utf8')))
  type Own = { host: string | null; products: number; provedAt: string | null }
  const own = async (...names: string[]): Promise<Own[]> => {
    const answer = JSON.parse((await s.slmctl('audit', ...names, '--json')).out) as { own: Own[] }
    assert.ok(validAudit(answer), JSON.stringify(validAudit.errors))
    return answer.own
  }
  try {
    const declared = await own('pc-1.corp.example', 'pc-2.corp.example')
    assert.deepEqual(declared, [{ host: 'kms1.corp.example', products: 4, provedAt: null }])
    assert.match((await s.slmctl('audit', 'pc-1.corp.example')).out, /2 declared by the site file; slmctl hosts check/)
    // The host among the machines is asked itself.
    const both = await own('pc-1.corp.example', 'kms1.corp.example')
    assert.equal(both.length, 1)
    assert.ok(both[0]!.provedAt)
    await s.slmctl('hosts', 'check')
    const proved = await own('pc-1.corp.example')
    assert.ok(Math.abs(Date.parse(proved[0]!.provedAt!) - Date.now()) < 600_000)
    const shown = await s.slmctl('audit', 'pc-1.corp.example')
    narrow(shown.out)
    assert.match(shown.out, /2 proved: kms1\.corp\.example showed a licensed host key on 20/)
    // A check of last month proves nothing of today, and neither does a host that lost its key.
    const file = join(s.directory, 'old.db')
    const store = await openStore({ file }, { create: true })
    const [id] = await store.saveHosts([{ name: 'kms1.corp.example', port: 1688, sources: [] }], 1)
    const told = (state: string) => ({
      system: null,
      build: null,
      keys: [{ name: null, application: 'windows', partialKey: null, state, release: null }],
    })
    const check = (days: number, state: string) =>
      store.saveCheck({ host: id!, at: Date.now() - days * 86_400_000, address: '', state: 'ok', problem: null, told: told(state) })
    await check(40, 'licensed')
    assert.equal((await own('pc-1.corp.example', '--store', file))[0]!.provedAt, null)
    await check(20, 'licensed')
    assert.ok((await own('pc-1.corp.example', '--store', file))[0]!.provedAt)
    await check(1, 'notification')
    assert.equal((await own('pc-1.corp.example', '--store', file))[0]!.provedAt, null)
    await store.close()
  } finally {
    await s.close()
  }
})

test('story: what could not be read is told as such; a host that is none of ours is named and not asked', async () => {
  const s = await stage({
    machines: [
      machines[0],
      { name: 'pc-1.corp.example', scenario: 'win11-enterprise-office-2021' },
      { name: 'pc-2.corp.example', scenario: 'outside-host' },
    ],
  })
  const validStory = new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync('docs/hosts-story.schema.json', 'utf8')))
  type Log = { side: string; name: string; events: number | null; problem: { code: string } | null }
  const story = async (...argv: string[]) => {
    const { code, out } = await s.slmctl('hosts', 'story', ...argv, '--json')
    const told = JSON.parse(out) as { outcome: string; logs: Log[]; clientMachineId: string | null }
    assert.ok(validStory(told), JSON.stringify(validStory.errors))
    return { code, told, codes: told.logs.map((l) => [l.name, l.problem?.code ?? null]) }
  }
  try {
    // The site's hosts are asked for a machine that nobody can ask.
    const away = await story('pc-9.corp.example')
    assert.deepEqual([away.code, away.told.outcome], [2, 'cannot-tell'])
    assert.notEqual(away.codes[0]![1], null)
    assert.deepEqual(away.codes[1], ['kms1.corp.example', null])
    assert.ok(away.codes.slice(2).every(([, code]) => code === 'HOST_NOT_REACHED'))
    const foreign = await story('pc-2.corp.example')
    assert.deepEqual(foreign.codes, [
      ['pc-2.corp.example', null],
      ['198.51.100.20', 'HOST_NOT_AUTHORISED'],
    ])
    assert.ok(foreign.told.clientMachineId)
    const own = await story('pc-1.corp.example')
    assert.deepEqual(own.codes, [
      ['pc-1.corp.example', null],
      ['kms1.corp.example', null],
    ])
    for (const name of ['pc-9.corp.example', 'pc-2.corp.example', 'pc-1.corp.example']) narrow((await s.slmctl('hosts', 'story', name)).out)
    for (const [argv, next] of [
      [[], /slmctl hosts story pc-17\.corp\.example/],
      [['a', 'b'], /slmctl hosts story pc-17\.corp\.example/],
      [['pc-1.corp.example', '--hours', '721'], /^ {2}- --hours 720$/m],
      [['pc-1.corp.example', '--events'], /slmctl hosts story --help/],
    ] as const)
      assert.match((await s.slmctl('hosts', 'story', ...argv)).err, next, argv.join(' '))
    for (const name of ['pc-1.corp.example', 'pc-2.corp.example']) assert.equal(s.lab.calls(name).length, 0)
  } finally {
    await s.close()
  }
})

test('discover --directory: activation objects, which are ours, and the machines that they activated', async () => {
  const names = ['pc-1.ad.example', 'pc-2.ad.example']
  const s = await stage({
    directory: true,
    machines: [machines[0], ...names.map((name) => ({ name, scenario: 'win11-enterprise-ad' as const }))],
  })
  type Objects = {
    domain: string
    shown: number
    objects: { name: string; ours: boolean | null; machines: number | null; object: unknown }[]
  }
  const how = (domain: string) => [
    ...['--directory', domain, '--user', `slmctl@${domain}`, '--password-file', join(s.directory, 'lab.password')],
    ...['--ca', join(s.directory, 'lab-ca.pem')],
  ]
  const objects = async (domain: string, ...more: string[]) => {
    const { code, answer } = await json(s, 'discover', ...how(domain), ...more)
    return { code, objects: (answer as unknown as { objects: Objects }).objects }
  }
  try {
    // Without a fleet nobody knows who uses them.
    const alone = await objects('ad.example')
    assert.deepEqual([alone.code, alone.objects.shown, alone.objects.objects[0]!.machines], [0, 1, null])
    const list = join(s.directory, 'list.csv')
    writeFileSync(list, `name\n${names.join('\n')}\n`)
    assert.equal((await s.slmctl('fleet', 'import', list)).code, 0)
    assert.equal((await s.slmctl('fleet', 'scan')).code, 0)
    const used = (await objects('ad.example')).objects.objects
    assert.deepEqual(
      used.map((o) => [o.name, o.ours, o.machines, o.object !== null]),
      [['Example University', true, 2, true]],
    )
    const shown = await s.slmctl('hosts', 'discover', ...how('ad.example'))
    narrow(shown.out)
    assert.match(shown.out, /Example University, .*2 machines of the fleet/)
    // A domain whose directory shows none: that is not "there are none".
    const none = await s.slmctl('hosts', 'discover', ...how('corp.example'))
    assert.match(none.out, /showed none: there may be none, or this user may not see\n? *them/)
    assert.deepEqual((await objects('corp.example')).objects.objects, [])
    // An object that the site file does not list among those of the forest.
    const site = readFileSync(s.site, 'utf8').replace(/^forests:\n(?: .*\n)*/m, '')
    writeFileSync(s.site, site.replace(/^domains: .*$/m, 'domains: [corp.example]'))
    const strange = await objects('ad.example')
    assert.deepEqual([strange.code, strange.objects.objects[0]!.ours], [1, false])
    const wrong = await s.slmctl(
      'hosts',
      'discover',
      ...how('ad.example').map((a) => (a === 'slmctl@ad.example' ? 'nobody@ad.example' : a)),
    )
    assert.equal(wrong.code, 2)
    assert.match(wrong.err, /DIRECTORY_|not accepted|does not accept/)
  } finally {
    await s.close()
  }
})

test('story: each way a try can end, by two logs of one lab over the wire', async () => {
  const cases = [
    ['win11-enterprise-office-2021', 0, 'accepted', null, /the machine took the answer/],
    ['threshold-not-reached', 1, 'refused', '0xC004F038', /counts 3 machines, and this product needs 25/],
    ['clock-off', 1, 'refused', '0xC004F06C', /clocks are too far apart, by 30\d minutes/],
    ['win11-education-host-away', 1, 'not-reached', '0x800706BA', /did not reach kms1\.corp\.example.*its log has nothing of it/],
    ['wrong-host', 1, 'not-sent', '0x80072AF9', /no address of kms-old\.corp\.example/],
  ] as const
  const name = (i: number) => `pc-${i}.corp.example`
  const s = await stage({ machines: [machines[0], machines[2], ...cases.map(([scenario], i) => ({ name: name(i), scenario }))] })
  type Told = {
    outcome: string
    because: string
    attempts: {
      product: string
      code: string | null
      clockGapMinutes: number | null
      events: { side: string; event: number; at: string }[]
    }[]
  }
  try {
    for (const [i, [scenario, code, outcome, hresult, words]] of cases.entries()) {
      const ran = await s.slmctl('hosts', 'story', name(i), '--json')
      const told = JSON.parse(ran.out) as Told
      assert.deepEqual([ran.code, told.outcome], [code, outcome], scenario)
      assert.match(told.because, words, scenario)
      const [attempt] = told.attempts
      assert.equal(attempt!.code, hresult, scenario)
      assert.match(attempt!.product, /^(?:Windows|Office)/, scenario)
      const seen = attempt!.events.map((e) => `${e.side} ${e.event}`)
      assert.ok(seen.includes('machine 12288'), scenario)
      assert.equal(seen.includes('host 12290'), outcome === 'accepted' || outcome === 'refused', scenario)
      assert.equal(seen.includes('machine 8198'), outcome !== 'accepted', scenario)
      // Whatever the clocks say, one try is a matter of seconds.
      const times = attempt!.events.map((e) => Date.parse(e.at))
      assert.ok(Math.max(...times) - Math.min(...times) < 120_000, scenario)
      if (scenario === 'clock-off') assert.ok(Math.abs(attempt!.clockGapMinutes! + 301) < 5)
      const shown = await s.slmctl('hosts', 'story', name(i))
      narrow(shown.out)
      if (outcome !== 'accepted') assert.match(shown.out, /times? before, since 20/, scenario)
    }
  } finally {
    await s.close()
  }
})

test('a lab with a story: CMIDs that the log of a host and the fleet agree on, and a dead host', async () => {
  const s = await stage({ count: 40, story: true, hosts: true })
  type Duplicates = { requests: { duplicates: { clients: string[]; fleet: string[]; pool: string | null }[] } }
  try {
    const list = join(s.directory, 'list.csv')
    writeFileSync(list, `name\n${s.lab.machines.map((m) => m.name).join('\n')}\n`)
    assert.equal((await s.slmctl('fleet', 'import', list)).code, 0)
    const { out } = await s.slmctl('hosts', 'show', 'kms1', '--events', '--hours', '720', '--json')
    const before = (JSON.parse(out) as { hosts: Duplicates[] }).hosts[0]!.requests.duplicates
    assert.ok(before.length > 0)
    assert.ok(before.every((d) => d.clients.length > 1 && d.fleet.length === 0))
    await s.slmctl('fleet', 'scan')
    const answer = JSON.parse((await s.slmctl('hosts', 'show', 'kms1', '--events', '--hours', '720', '--json')).out) as {
      hosts: Duplicates[]
    }
    assert.ok(valid(answer), JSON.stringify(valid.errors))
    const after = (answer as { hosts: Duplicates[] }).hosts[0]!.requests.duplicates
    // The machines say of themselves what the host's log says of them.
    for (const d of after) assert.deepEqual(d.fleet.toSorted(), d.clients.toSorted())
    const checked = await json(s, 'check')
    assert.equal(checked.of('kms2.corp.example').verdict, 'cannot-tell')
    for (const argv of [
      ['show', 'kms1', '--events', '--hours', '720', '--retire', '10'],
      ['show', 'kms2'],
      ['check'],
      ['migrate', 'kms2', 'kms1'],
    ])
      narrow((await s.slmctl('hosts', ...argv)).out)
  } finally {
    await s.close()
  }
})
