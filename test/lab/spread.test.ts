import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openResolver } from '../../src/directory.ts'
import { type Lab, type LabOptions, startLab } from '../../src/lab.ts'
import { ProblemError } from '../../src/model.ts'
import { Secret } from '../../src/secrets.ts'
import { readSite } from '../../src/site.ts'
import { type Machine, openMachine } from '../../src/windows.ts'

const open: Lab[] = []
const lab = async (options: LabOptions) => {
  const started = await startLab({ seed: 7, ...options })
  open.push(started)
  return started
}
after(() => Promise.all(open.map((l) => l.close())))

const resolverOf = (l: Lab) => openResolver({ servers: [`${l.dns.address}:${l.dns.port}`], pin: false })
/** As slmctl reaches it: by its name, which the lab's DNS knows. */
function reach(l: Lab, name: string): Machine {
  const names = resolverOf(l)
  return openMachine({
    name,
    address: name,
    port: l.machines[0]!.httpPort,
    tls: null,
    credential: { method: 'ntlm', user: 'slmctl', domain: 'CORP', password: new Secret(Buffer.from(l.accounts[0]!.password)) },
    operationTimeoutMs: 1500,
    connectTimeoutMs: 2000,
    lookup: (host, options, done) => {
      names.addresses(host).then(
        (found) => {
          if (!found[0]) done(Object.assign(new Error('unknown'), { code: 'ENOTFOUND' }), '', 0)
          else if (options.all) done(null, [{ address: found[0], family: 4 }])
          else done(null, found[0], 4)
        },
        done as (e: Error) => void,
      )
    },
  })
}
async function use<T>(l: Lab, name: string, what: (machine: Machine) => Promise<T>): Promise<T> {
  const machine = reach(l, name)
  try {
    return await what(machine)
  } finally {
    await machine.close()
  }
}
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'answered',
    (e: unknown) => (e instanceof ProblemError ? e.problems[0]!.code : String(e)),
  )
const key = async (machine: Machine) =>
  (await machine.ask({
    class: 'SoftwareLicensingProduct',
    columns: ['ID', 'ProductKeyID', 'OfflineInstallationId', 'PartialProductKey', 'GracePeriodRemaining'],
    where: 'PartialProductKey IS NOT NULL',
  }))!
const setHost = (MachineName: string) => (machine: Machine) =>
  machine.call({ class: 'SoftwareLicensingService', key: null, method: 'SetKeyManagementServiceMachine', arguments: { MachineName } })

/** Says something at an address, and tells how the answer begins. */
const say = (l: Lab, address: string, text: string) =>
  new Promise<string>((done) => {
    let said = ''
    const socket = connect({ host: address, port: l.machines[0]!.httpPort }, () => socket.write(text))
    socket
      .on('data', (d) => {
        said += d
        if (said.includes('\r\n\r\n')) socket.destroy()
      })
      .on('error', (e: NodeJS.ErrnoException) => {
        said ||= e.code ?? 'error'
      })
      .on('close', () => done(said))
  })

test('100,000 machines start within seconds, share one port at many addresses, and none is made before it is asked', async () => {
  const before = performance.now()
  const l = await lab({ count: 100_000 })
  const took = performance.now() - before
  assert.ok(took < 6000, `${took} ms`)
  assert.equal(l.machines.length, 100_000)
  assert.equal(new Set(l.machines.map((m) => m.name)).size, 100_000)
  assert.equal(new Set(l.machines.map((m) => m.httpPort)).size, 1)
  assert.equal(new Set(l.machines.map((m) => m.address)).size, 256)
  assert.equal(l.awake(), 0)
  const places = Map.groupBy(l.machines, (m) => l.placeOf(m.name))
  assert.deepEqual([...places.keys()].sort(), ['berlin', 'hamburg', 'munich', 'remote'])
  // A place is a network, so that a site file can tell it by addresses.
  for (const members of places.values()) assert.equal(new Set(members.map((m) => m.address.split('.')[1])).size, 1)
  const [one, other] = [l.machines[4711]!, l.machines[99_999]!]
  assert.deepEqual(await resolverOf(l).addresses(one.name), [one.address])
  assert.equal((await use(l, other.name, key)).length, l.state(other.name).products.filter((p) => p.PartialProductKey !== null).length)
  assert.ok(l.awake() <= 2)
  const reading = readSite(join(process.cwd(), 'slmctl.yaml'), l.siteYaml())
  assert.deepEqual('problems' in reading ? reading.problems : [], [])
  assert.ok(l.siteYaml().length < 3000)
})

test('a machine is the same whoever is asked before it', async () => {
  const [a, b] = [await lab({ count: 600 }), await lab({ count: 600, spread: true })]
  const names = a.machines.slice(0, 6).map((m) => m.name)
  const [there, back] = [new Map<string, unknown>(), new Map<string, unknown>()]
  for (const name of names) there.set(name, await use(a, name, key))
  for (const name of names.toReversed()) back.set(name, await use(b, name, key))
  for (const name of names) assert.deepEqual(there.get(name), back.get(name))
  assert.equal(new Set(a.machines.map((m) => a.state(m.name).service.ClientMachineID)).size, 600)
})

test('few machines are kept ready; what happened to the others is not forgotten', async () => {
  const l = await lab({ count: 700, awake: 20 })
  const clients = l.machines.filter((m) => m.scenario === 'win11-enterprise-office-2021').slice(0, 60)
  await use(l, clients[0]!.name, setHost('kms2.corp.example'))
  await l.fault(clients[1]!.name, { kind: 'access-denied', how: 'logon' })
  for (const m of clients.slice(2)) await use(l, m.name, key)
  assert.ok(l.awake() <= 20, String(l.awake()))
  assert.equal(l.state(clients[0]!.name).service.KeyManagementServiceMachine, 'kms2.corp.example')
  assert.deepEqual(
    l.calls(clients[0]!.name).map((c) => c.method),
    ['SetKeyManagementServiceMachine'],
  )
  assert.equal(await codeOf(use(l, clients[1]!.name, key)), 'WINRM_LOGON_FAILED')
  await l.fault(clients[1]!.name, null)
  l.advance(30 * 1440)
  for (const m of clients) await use(l, m.name, key)
  const left = Number(l.state(clients[5]!.name).products.find((p) => p.PartialProductKey !== null)!.GracePeriodRemaining)
  assert.ok(left > 170 * 1440, 'it has renewed in its sleep')
  assert.equal(l.state(clients[0]!.name).products.find((p) => p.PartialProductKey)!.KeyManagementServiceMachine, 'kms2.corp.example')
})

test('a share is away: most refuse, some are unknown to DNS, few never answer; each can come back', async () => {
  const l = await lab({ count: 2000, off: 0.3 })
  const kinds = Map.groupBy(l.machines, (m) => l.absence(m.name))
  const away = 2000 - kinds.get(null)!.length
  assert.ok(away > 540 && away < 660, String(away))
  assert.ok(kinds.get('refused')!.length > kinds.get('unknown')!.length && kinds.get('unknown')!.length > kinds.get('silent')!.length)
  const names = { refused: 'WINRM_UNREACHABLE', unknown: 'WINRM_NAME_UNKNOWN', silent: 'WINRM_TIMEOUT' } as const
  for (const how of ['refused', 'unknown', 'silent'] as const) {
    const { name } = kinds.get(how)![0]!
    const found = await codeOf(use(l, name, key))
    assert.ok(found === names[how] || (how === 'silent' && found === 'WINRM_SLOW'), `${how}: ${found}`)
    await l.absent(name, null)
    assert.equal(await codeOf(use(l, name, key)), 'answered')
    await l.absent(name, 'refused')
    assert.equal(await codeOf(use(l, name, key)), 'WINRM_UNREACHABLE')
  }
})

test('a request is for whom its Host header names, and a connection stays with one machine', async () => {
  const l = await lab({ count: 501 })
  const [one, other] = l.machines as [Lab['machines'][number], Lab['machines'][number]]
  const ask = (host: string) => `POST /wsman HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n\r\n`
  assert.match(await say(l, one.address, ask(`${one.name.toUpperCase()}:5985`)), /^HTTP\/1.1 401 /)
  for (const host of ['nobody.corp.example', one.address, '', '::::']) assert.match(await say(l, one.address, ask(host)), /^HTTP\/1.1 400 /)
  const both = await new Promise<string>((done) => {
    let said = ''
    const socket = connect({ host: one.address, port: one.httpPort }, () => socket.write(ask(one.name) + ask(other.name)))
    socket
      .on('data', (d) => (said += d))
      .on('close', () => done(said))
      .on('error', () => {})
  })
  assert.deepEqual(
    [...both.matchAll(/^HTTP\/1.1 (\d+)/gm)].map((m) => m[1]),
    ['401', '400'],
  )
  assert.equal(l.requests(other.name).requests, 0)
})

test('HTTPS at a shared port: each machine shows its own certificate', async () => {
  const l = await lab({ machines: [{ scenario: 'win10-pro-grace' }, { scenario: 'win11-pro-notification' }], spread: true, https: true })
  for (const m of l.machines) {
    const machine = openMachine({
      name: m.name,
      address: m.name,
      port: m.httpsPort!,
      tls: { ca: l.ca, pin: null },
      credential: { method: 'ntlm', user: 'slmctl', domain: 'CORP', password: new Secret(Buffer.from(l.accounts[0]!.password)) },
      operationTimeoutMs: 2000,
      connectTimeoutMs: 2000,
      lookup: (_host, options, done) => (options.all ? done(null, [{ address: m.address, family: 4 }]) : done(null, m.address, 4)),
    })
    const rows = await machine.ask({ class: 'Win32_ComputerSystem', columns: ['DNSHostName'] })
    await machine.close()
    assert.equal(rows![0]!.DNSHostName, m.name.split('.')[0])
  }
})

test('calls are counted, and those whose effect held already', async () => {
  const l = await lab({ count: 501, methodFailure: 'return-value' })
  const { name } = l.machines.find((m) => m.scenario === 'win10-pro-grace')!
  const id = (await use(l, name, key))[0]!.ID as string
  const activate = (machine: Machine) =>
    machine.call({ class: 'SoftwareLicensingProduct', key: { ID: id }, method: 'Activate', arguments: {} })
  await use(l, name, setHost('kms1.corp.example'))
  await use(l, name, activate)
  assert.deepEqual([l.callCounts().calls, l.callCounts().repeated], [2, 0])
  await use(l, name, activate)
  await use(l, name, setHost('KMS1.corp.example'.toLowerCase()))
  assert.deepEqual([l.callCounts().calls, l.callCounts().repeated], [4, 2])
  // With another host there is a reason to activate again.
  await use(l, name, setHost('kms2.corp.example'))
  await use(l, name, activate)
  assert.deepEqual(l.callCounts(), {
    calls: 6,
    repeated: 2,
    byMethod: { SetKeyManagementServiceMachine: { calls: 3, repeated: 1 }, Activate: { calls: 3, repeated: 1 } },
    byMachine: {
      [name]: {
        calls: 6,
        repeated: 2,
        byMethod: { SetKeyManagementServiceMachine: { calls: 3, repeated: 1 }, Activate: { calls: 3, repeated: 1 } },
      },
    },
  })
})

test('answers can be made to wait', async () => {
  const l = await lab({ count: 501, answerAfterMs: 150 })
  const before = performance.now()
  await use(l, l.machines[0]!.name, key)
  assert.ok(performance.now() - before >= 150)
})
