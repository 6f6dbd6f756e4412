import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { run as runLab } from '../../src/cli/commands/lab.ts'
import type { Io } from '../../src/cli/io.ts'
import { openResolver } from '../../src/directory.ts'
import { type Lab, type LabMachine, scenarioList, startLab } from '../../src/lab.ts'
import type { ProblemError } from '../../src/model.ts'
import { Secret } from '../../src/secrets.ts'
import { readSite } from '../../src/site.ts'
import { openMachine } from '../../src/windows.ts'

const open: Lab[] = []
const lab = async (options: Parameters<typeof startLab>[0]) => {
  const started = await startLab(options)
  open.push(started)
  return started
}
const dir = mkdtempSync(join(tmpdir(), 'slmctl-lab-test-'))
after(async () => {
  await Promise.all(open.map((l) => l.close()))
  rmSync(dir, { recursive: true })
})
const reach = (l: Lab, m: LabMachine) =>
  openMachine({
    name: m.name,
    address: m.address,
    port: m.httpPort,
    tls: null,
    credential: { method: 'ntlm', user: 'slmctl', domain: 'CORP', password: new Secret(Buffer.from(l.accounts[0]!.password)) },
    operationTimeoutMs: 5000,
    connectTimeoutMs: 2000,
  })

test('a lab listens on this computer only', async () => {
  for (const address of ['0.0.0.0', '::', '10.0.0.1', '192.0.2.1', 'localhost', 'example.com'])
    await assert.rejects(startLab({ count: 1, address }), /loopback only|an address/, address)
  const own = await lab({ count: 1, address: '127.0.0.9' })
  assert.equal(own.machines[0]!.address, '127.0.0.9')
  // What is bound to one loopback address is not on another: nobody is there, or, at this port, somebody else.
  const [machine] = own.machines as [LabMachine]
  await new Promise<void>((done) => {
    const socket = connect({ host: '127.0.0.1', port: machine.httpPort }, () => {
      socket.write(`POST /wsman HTTP/1.1\r\nHost: ${machine.name}\r\nContent-Length: 0\r\n\r\n`)
      socket.setTimeout(200, () => socket.destroy())
    })
    socket.on('data', () => socket.destroy()).on('error', () => {})
    socket.on('close', () => done())
  })
  assert.equal(own.requests(machine.name).requests, 0)
})

test('the same seed makes the same fleet, another one another', async () => {
  const of = async (seed: number) => {
    const l = await lab({ seed, count: 12 })
    return l.machines.map((m) => [m.name, m.scenario, l.state(m.name).service.ClientMachineID])
  }
  const [a, b, c] = await Promise.all([of(7), of(7), of(8)])
  assert.deepEqual(a, b)
  assert.notDeepEqual(a, c)
  assert.equal(new Set(a.map(([, , cmid]) => cmid)).size, 12)
})

test('500 machines start in two seconds', async () => {
  const before = performance.now()
  const l = await lab({ count: 500 })
  const took = performance.now() - before
  assert.ok(took < 2000, `${took} ms`)
  assert.equal(new Set(l.machines.map((m) => m.httpPort)).size, 500)
})

test('time: a machine ages and renews; its clock goes on showing the time of day', async () => {
  const l = await lab({ machines: [{ scenario: 'win10-education-kms' }, { scenario: 'server-2019-evaluation' }] })
  const [pc, srv] = l.machines as [LabMachine, LabMachine]
  const keyed = (m: LabMachine) => l.state(m.name).products.find((p) => p.PartialProductKey !== null)!
  const before = Number(keyed(pc).GracePeriodRemaining)
  l.advance(60)
  assert.equal(keyed(pc).GracePeriodRemaining, before - 60)
  l.advance(30 * 1440)
  assert.ok(Number(keyed(pc).GracePeriodRemaining) > 170 * 1440)
  assert.equal(keyed(srv).GracePeriodRemaining, 252_828 - 60 - 30 * 1440)
  const local = String((l.state(pc.name).system.LocalDateTime as { datetime: string }).datetime)
  const shown = Date.UTC(
    Number(local.slice(0, 4)),
    Number(local.slice(4, 6)) - 1,
    Number(local.slice(6, 8)),
    Number(local.slice(8, 10)) - 1,
    Number(local.slice(10, 12)),
  )
  assert.ok(Math.abs(shown - Date.now()) < 2 * 60_000, local)
})

test('a host that goes away and comes back; faults concern one machine alone', async () => {
  const l = await lab({ machines: [{ scenario: 'win10-pro-grace' }, { scenario: 'win11-pro-notification' }] })
  const [a, b] = l.machines as [LabMachine, LabMachine]
  l.host('kms1.corp.example', { up: false })
  l.host('kms2.corp.example', { up: false })
  l.advance(10 * 1440)
  const status = (m: LabMachine) => l.state(m.name).products.find((p) => p.PartialProductKey !== null)!.LicenseStatus
  assert.equal(status(a), 2)
  l.host('kms2.corp.example', { up: true })
  l.advance(121)
  assert.equal(status(a), 1)
  assert.equal(
    l.state(a.name).products.find((p) => p.PartialProductKey !== null)!.DiscoveredKeyManagementServiceMachineName,
    'kms2.corp.example',
  )
  await l.fault(a.name, { kind: 'refused' })
  const [one, other] = [reach(l, a), reach(l, b)]
  await assert.rejects(one.ask({ class: 'Win32_BIOS', columns: ['Version'] }))
  assert.equal((await other.ask({ class: 'Win32_BIOS', columns: ['Version'] }))!.length, 1)
  await l.fault(a.name, null)
  assert.equal((await one.ask({ class: 'Win32_BIOS', columns: ['Version'] }))!.length, 1)
  await Promise.all([one.close(), other.close()])
})

test('a lost answer: after the call the machine has changed, before it it has not', async () => {
  const l = await lab({ machines: [{ scenario: 'wrong-host' }, { scenario: 'wrong-host' }] })
  for (const [i, when] of (['before', 'after'] as const).entries()) {
    const m = l.machines[i]!
    await l.fault(m.name, { kind: 'lost', when, on: 'call', times: 1 })
    const machine = reach(l, m)
    await assert.rejects(
      machine.call({ class: 'SoftwareLicensingService', key: null, method: 'ClearKeyManagementServiceMachine', arguments: {} }),
    )
    await machine.close()
    assert.equal(l.state(m.name).service.KeyManagementServiceMachine, when === 'after' ? null : 'kms-old.corp.example')
    assert.deepEqual(
      l.calls(m.name).map((c) => c.result),
      [when === 'after' ? 0 : null],
    )
  }
})

test('DNS: hosts and machines of the lab, and nothing else', async () => {
  const l = await lab({ count: 1 })
  const resolver = openResolver({ servers: [`${l.dns.address}:${l.dns.port}`] })
  const srv = await resolver.srv('_vlmcs._tcp.corp.example')
  assert.deepEqual(srv.map((r) => [r.target, r.port]).sort(), [
    ['kms1.corp.example', 1688],
    ['kms2.corp.example', 1688],
  ])
  assert.deepEqual(await resolver.addresses('kms1.corp.example'), ['10.0.0.11'])
  assert.deepEqual(await resolver.addresses('www.example.org'), [])
  assert.deepEqual(await resolver.srv('_vlmcs._tcp.example.org'), [])
})

test('the site file of a lab with every scenario is one that slmctl reads without a word', async () => {
  const l = await lab({ count: scenarioList.length, scenarios: scenarioList.map((s) => s.name) })
  for (const transport of ['http', 'https'] as const) {
    const text = l.siteYaml({ transport })
    if (transport === 'https') continue
    const reading = readSite(join(dir, 'slmctl.yaml'), text)
    assert.deepEqual('problems' in reading ? reading.problems : [], [])
    assert.ok(!text.includes(l.accounts[0]!.password))
  }
})

test('slmctl lab: writes a site file and a password file of its own, and ends at ^C', async () => {
  const child = spawn(process.execPath, ['bin/slmctl.cjs', 'lab', '--machines', '3', '--directory', dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said = await new Promise<string>((done, failed) => {
    let text = ''
    child.stdout.on('data', (d: Buffer) => {
      text += d
      if (text.includes('^C')) done(text)
    })
    child.on('exit', (code) => failed(new Error(`it ended with ${code}: ${text}`)))
  })
  child.removeAllListeners('exit')
  const ended = new Promise((done) => child.on('exit', done))
  child.kill('SIGINT')
  assert.equal(await ended, 0)
  assert.ok(said.split('\n').length <= 20)
  assert.ok(
    said.split('\n').every((line) => line.length <= 80 || line.includes(dir)),
    said,
  )
  if (process.platform !== 'win32') assert.equal(statSync(join(dir, 'lab.password')).mode & 0o777, 0o600)
  assert.match(readFileSync(join(dir, 'slmctl.yaml'), 'utf8'), /credential: lab/)
})

test('slmctl lab --list, and what it does not know', async () => {
  const run = async (flags: Record<string, string | boolean>) => {
    let out = ''
    const io: Io = { out: (t) => (out += t), err: () => {}, columns: 80, paint: (_style, t) => t }
    await runLab([], flags, io)
    return out
  }
  const list = await run({ list: true })
  for (const { name } of scenarioList) assert.ok(list.includes(name), name)
  assert.ok(list.split('\n').every((line) => line.length <= 80))
  assert.equal(JSON.parse(await run({ list: true, json: true })).scenarios.length, scenarioList.length)
  await assert.rejects(run({ scenario: 'nonsense' }), (e: ProblemError) => e.problems[0]!.code === 'LAB_SCENARIO_UNKNOWN')
  for (const machines of ['0', '-1', 'many', '1e9'])
    await assert.rejects(run({ machines }), (e: ProblemError) => e.problems[0]!.code === 'LAB_NUMBER')
  for (const flags of [{ off: '120%' }, { off: 'x' }, { answerAfter: '-1' }])
    await assert.rejects(run(flags), (e: ProblemError) => e.problems[0]!.code === 'LAB_NUMBER')
})
