import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { clientKeys } from '../../src/catalogue.ts'
import { activate, hostsToAsk, installKey, live, type Maks } from '../../src/lab/licensing.ts'
import { type Machine, type Product, startMachine } from '../../src/lab/machine.ts'
import { hostCalled, type NetworkOption, openNetwork, usualNetwork } from '../../src/lab/network.ts'
import { codeOf } from '../../src/lab/results.ts'
import type { Scenario } from '../../src/lab/scenarios/scenario.ts'
import { type ScenarioId, scenarios } from '../../src/lab/scenarios/table.ts'

const day = 1440
const none: Maks = new Map()

function start(id: ScenarioId, network: NetworkOption = usualNetwork, name = 'pc-1.corp.example'): Machine {
  return startMachine({ name, scenarioId: id, scenario: scenarios[id] as Scenario, network: openNetwork(network), seed: '1', now: 0 })
}
const keyed = (machine: Machine, app = 'windows'): Product => machine.products.find((p) => p.key !== null && p.licence.app === app)!
const left = (p: Product, minute: number) => (p.endsAt === null ? null : p.endsAt - minute)
const keyFor = (product: string, edition: string) => clientKeys.find((k) => k.product === product && k.edition === edition)!.key

test('a healthy client renews every seven days and never comes near its end', () => {
  const machine = start('win10-education-kms')
  const p = keyed(machine)
  for (let d = 1; d <= 400; d += 3) {
    live(machine, d * day, none)
    assert.equal(p.status, 'licensed')
    assert.ok(left(p, d * day)! > 172 * day, `day ${d}: ${left(p, d * day)}`)
  }
})

test('without a host: 180 days, then 30 of grace, then notification; and back when the host is there again', () => {
  const machine = start('win10-education-kms', { ...usualNetwork, hosts: usualNetwork.hosts!.map((h) => ({ ...h, up: false })) })
  const p = keyed(machine)
  const end = p.endsAt!
  live(machine, end - 1, none)
  assert.equal(p.status, 'licensed')
  assert.equal(left(p, end - 1), 1)
  live(machine, end, none)
  assert.equal(p.status, 'oot-grace')
  assert.equal(left(p, end), 30 * day)
  live(machine, end + 30 * day, none)
  assert.equal(p.status, 'notification')
  assert.equal(p.reason, 0xc004f009)
  assert.equal(p.endsAt, null)
  // It tries again every two hours.
  hostCalled(machine.network, 'kms1.corp.example')!.up = true
  live(machine, end + 30 * day + 121, none)
  assert.equal(p.status, 'licensed')
})

test('a new client tries every two hours: what the host was in between does not matter', () => {
  const machine = start('win10-pro-grace', { ...usualNetwork, hosts: [{ name: 'kms1.corp.example', ip: '10.0.0.11', up: false }] })
  const p = keyed(machine)
  live(machine, 600, none)
  assert.equal(p.status, 'grace')
  assert.equal(left(p, 600), 41_760 - 600)
  hostCalled(machine.network, 'kms1.corp.example')!.up = true
  live(machine, 720, none)
  assert.equal(p.status, 'licensed')
})

test('the order of discovery: product, application, global, cache, DNS', () => {
  const network: NetworkOption = {
    hosts: ['a', 'b', 'c', 'd', 'e'].map((n, i) => ({ name: `${n}.corp.example`, ip: `10.0.0.${i + 1}` })),
    dns: { 'corp.example': ['e.corp.example'], 'labs.example': ['d.corp.example'] },
  }
  const machine = start('win10-education-kms', network)
  const p = keyed(machine)
  const first = () => hostsToAsk(machine, p)[0]?.name
  p.used = { name: 'd.corp.example', ip: '10.0.0.4', port: 1688, pid: null, found: true }
  assert.equal(first(), 'd.corp.example')
  machine.service.caching = false
  assert.equal(first(), 'e.corp.example')
  machine.service.lookupDomain = 'labs.example'
  assert.equal(first(), 'd.corp.example')
  machine.service.machine = 'c.corp.example'
  assert.deepEqual(hostsToAsk(machine, p), [{ name: 'c.corp.example', port: 1688, found: false }])
  machine.registry.set(
    'software\\microsoft\\windows nt\\currentversion\\softwareprotectionplatform\\55c92734-d682-4d71-983e-d6ec3f16059f',
    new Map([['KeyManagementServiceName', 'b.corp.example']]),
  )
  assert.equal(first(), 'b.corp.example')
  p.machine = 'a.corp.example'
  assert.equal(first(), 'a.corp.example')
})

test('DNS: lower priority first, then heavier weight; where one does not answer, the next', () => {
  const network: NetworkOption = {
    hosts: [
      { name: 'a.corp.example', ip: '10.0.0.1' },
      { name: 'b.corp.example', ip: '10.0.0.2', up: false },
    ],
    dns: {
      'corp.example': [
        { name: 'a.corp.example', priority: 10 },
        { name: 'b.corp.example', priority: 0, weight: 5 },
      ],
    },
  }
  const machine = start('win10-pro-grace', network)
  const p = keyed(machine)
  assert.deepEqual(
    hostsToAsk(machine, p).map((h) => h.name),
    ['b.corp.example', 'a.corp.example'],
  )
  assert.equal(activate(machine, p, 5, none), 'ok')
  assert.equal(p.used?.name, 'a.corp.example')
})

test('the threshold: 25 clients, 5 servers, each client once', () => {
  const network: NetworkOption = {
    hosts: [{ name: 'kms1.corp.example', ip: '10.0.0.11', count: 23 }],
    dns: { 'corp.example': ['kms1.corp.example'] },
  }
  const shared = openNetwork(network)
  const of = (id: ScenarioId, name: string) =>
    startMachine({ name, scenarioId: id, scenario: scenarios[id] as Scenario, network: shared, seed: '1', now: 0 })
  const first = of('win10-pro-grace', 'pc-1.corp.example')
  assert.equal(activate(first, keyed(first), 1, none), 'not-enough-count')
  assert.equal(activate(first, keyed(first), 2, none), 'not-enough-count')
  const server = of('server-2025-grace', 'srv-1.corp.example')
  assert.equal(activate(server, keyed(server), 3, none), 'ok')
  // 23 and the three of the lab's own are enough.
  const second = of('win10-pro-grace', 'pc-2.corp.example')
  assert.equal(activate(second, keyed(second), 4, none), 'ok')
  // After 30 days without a word a client does not count any more.
  const third = of('win10-pro-grace', 'pc-3.corp.example')
  assert.equal(activate(third, keyed(third), 4 + 31 * day, none), 'not-enough-count')
})

test('why a host refuses: clock, its own licence, a host key that is too old', () => {
  const off = start('clock-off')
  assert.equal(codeOf(activate(off, keyed(off), 1, none)), 0xc004f06c)
  const unlicensed = start('win10-pro-grace', { ...usualNetwork, hosts: usualNetwork.hosts!.map((h) => ({ ...h, licensed: false })) })
  assert.equal(codeOf(activate(unlicensed, keyed(unlicensed), 1, none)), 0xc004f041)
  const old = start('win11-pro-notification', {
    ...usualNetwork,
    hosts: usualNetwork.hosts!.map((h) => ({ ...h, serves: ['server-2016', 'server-2019'] as const })),
  })
  assert.equal(codeOf(activate(old, keyed(old), 1, none)), 0xc004f042)
})

test('no host set and none in DNS; a host that is not there; a marker that is wrong', () => {
  const nowhere = start('win10-pro-grace', { hosts: [], dns: {} })
  assert.equal(codeOf(activate(nowhere, keyed(nowhere), 1, none)), 0x8007232b)
  const away = start('wrong-host')
  assert.equal(codeOf(activate(away, keyed(away), 1, none)), 0xc004f074)
  const marker = start('win7-bad-marker')
  assert.equal(codeOf(activate(marker, keyed(marker), 1, none)), 0xc004f059)
})

test('Active Directory comes first where there is an object, and alone where the type says so', () => {
  const network: NetworkOption = { ...usualNetwork, activationObjects: { 'corp.example': 'Object' } }
  const machine = start('win11-pro-notification', network)
  assert.equal(activate(machine, keyed(machine), 1, none), 'ok')
  assert.equal(keyed(machine).by, 'ad')
  assert.match(keyed(machine).adObject!.dn, /^CN=Object,CN=Activation Objects,CN=Microsoft SPP,.*DC=corp,DC=example$/)
  const only = start('ad-only-wrong')
  assert.equal(codeOf(activate(only, keyed(only), 1, none)), 0xc004f081)
  const kms = start('win11-pro-notification', network)
  keyed(kms).typeEnabled = 2
  assert.equal(activate(kms, keyed(kms), 1, none), 'ok')
  assert.equal(keyed(kms).by, 'kms')
  // Windows 7 knows no AD-based activation.
  const old = start('win7-enterprise-kms', network)
  assert.equal(activate(old, keyed(old), 1, none), 'ok')
  assert.equal(keyed(old).by, 'kms')
})

test('client keys: the right one is taken, in place of the one before; another edition’s and an unknown one are not', () => {
  const machine = start('win10-pro-oem')
  assert.equal(codeOf(installKey(machine, keyFor('Windows 10', 'Enterprise'), 5, none, false)), 0xc004f069)
  assert.equal(codeOf(installKey(machine, ['AAAAA', 'BBBBB', 'CCCCC', 'DDDDD', 'EEEEE'].join('-'), 5, none, false)), 0xc004f050)
  assert.equal(codeOf(installKey(machine, 'nonsense', 5, none, false)), 0xc004f050)
  assert.equal(keyed(machine).licence.kind, 'oem-dm')
  assert.equal(installKey(machine, keyFor('Windows 10', 'Pro').toLowerCase(), 5, none, false), 'ok')
  const now = machine.products.filter((p) => p.key !== null)
  assert.deepEqual(
    now.map((p) => [p.licence.kind, p.key, p.status, left(p, 5)]),
    [['gvlk', 'T83GX', 'grace', 30 * day]],
  )
  // An activated key that is given again changes nothing.
  const same = start('win10-education-kms')
  const before = keyed(same).endsAt
  assert.equal(installKey(same, keyFor('Windows 10', 'Education'), 5, none, false), 'ok')
  assert.equal(keyed(same).endsAt, before)
})

test('a MAK is taken, activates once for good, and can be used up', () => {
  const key = ['LABAA', 'LABBB', 'LABCC', 'LABDD', 'LABEE'].join('-')
  const maks: Maks = new Map([[createHash('sha256').update(key).digest('hex'), { licence: 'windows mak', left: 1 }]])
  const machine = start('win10-expired')
  assert.equal(installKey(machine, key, 5, maks, false), 'ok')
  const p = keyed(machine)
  assert.equal(p.licence.kind, 'mak')
  machine.network.internet = false
  assert.equal(codeOf(activate(machine, p, 6, maks)), 0x80072ee7)
  machine.network.internet = true
  assert.equal(activate(machine, p, 6, maks), 'ok')
  assert.deepEqual([p.status, p.endsAt], ['licensed', null])
  live(machine, 5000 * day, maks)
  assert.equal(p.status, 'licensed')
  const other = start('win10-expired')
  installKey(other, key, 5, maks, false)
  assert.equal(codeOf(activate(other, keyed(other), 6, maks)), 0xc004c020)
})

test('an ESU key needs an activated Windows beneath it', () => {
  const key = ['LABAA', 'LABBB', 'LABCC', 'LABDD', 'LABFF'].join('-')
  const maks: Maks = new Map([[createHash('sha256').update(key).digest('hex'), { licence: 'esu-win10-1', left: 5 }]])
  const machine = start('win10-before-esu')
  assert.equal(installKey(machine, key, 5, maks, false), 'ok')
  const esu = machine.products.find((p) => p.licence.name === 'esu-win10-1')!
  const windows = machine.products.find((p) => p.licence.kind === 'gvlk')!
  assert.equal(windows.status, 'licensed', 'Windows keeps its own key beside an add-on')
  assert.equal(activate(machine, esu, 6, maks), 'ok')
  const expired = start('win10-expired')
  installKey(expired, key, 5, maks, false)
  assert.equal(codeOf(activate(expired, expired.products.find((p) => p.licence.name === 'esu-win10-1')!, 6, maks)), 0xc004f055)
})

test('what nobody could have given goes away with an honest activation', () => {
  const machine = start('impossible-time')
  const office = keyed(machine, 'office')
  assert.ok(left(office, 0)! > 180 * day)
  office.machine = null
  machine.service.machine = null
  assert.equal(activate(machine, office, 1, none), 'ok')
  assert.equal(left(office, 1), 180 * day)
})
