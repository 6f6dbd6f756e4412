/** Looking after KMS hosts: DNS and WinRM are the lab's; what listens at a port are plain sockets of the test. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { addressKind } from '../../src/addresses.ts'
import { decodeBind, encodeBindAnswer } from '../../src/protocol/rpc.ts'
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
