import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Answers, type LiveRow, liveFacts } from '../../src/activation.ts'
import { clientKeys } from '../../src/catalogue.ts'
import { authority, forbids, type Names } from '../../src/engine.ts'
import { ProblemError, problem, type Site, type Step } from '../../src/model.ts'
import { step } from './step.ts'

const site: Site = {
  organisation: 'Example University',
  domains: ['corp.example'],
  networks: ['10.0.0.0/8'],
  kmsHosts: [
    { name: 'kms1.corp.example', port: 1688, priority: 0, weight: 50 },
    { name: 'kms2.corp.example', port: 1690, priority: 10, weight: 0 },
  ],
  platforms: [],
  forests: [],
  dnsServers: [],
  wishes: [{ product: 'Visio', by: 'mak', year: null, key: { env: 'VISIO_KEY' }, instead: false }],
  groups: [],
  entitlements: [],
  schedule: { repair: false },
  planSigners: [],
}

/** DNS of the tests: what it holds, and which names were asked for. */
function dns(
  addresses: Record<string, string[]>,
  srv: Record<string, { target: string; port: number }[]> = {},
): Names & { asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    addresses: async (name) => {
      asked.push(name)
      const found = addresses[name]
      if (found?.[0] === 'timeout') throw new ProblemError(problem('DNS_UNANSWERED', 'no answer', []))
      return found ?? []
    },
    srv: async (name) => {
      asked.push(name)
      return (srv[name] ?? []).map((r) => ({ ...r, priority: 0, weight: 0 }))
    },
  }
}
const good = { 'kms1.corp.example': ['10.1.0.1'], 'kms2.corp.example': ['10.1.0.2', '10.1.0.3'] }

const windowsId = '2de67392-b7a7-462a-b1ca-108dd189f588'
function machine(product: LiveRow = {}, service: LiveRow = {}, domain = 'corp.example') {
  const answers: Answers = new Map([
    [
      'system',
      {
        ok: true,
        rows: [{ Version: '10.0.22631', BuildNumber: '22631', OperatingSystemSKU: '48', Caption: 'Windows 11 Pro', ProductType: '1' }],
      },
    ],
    ['computer', { ok: true, rows: [{ DNSHostName: 'pc-1', Domain: domain, PartOfDomain: 'true', Manufacturer: 'Contoso', Model: 'M' }] }],
    ['service', { ok: true, rows: [{ Version: '10.0.22631.1', KeyManagementServiceHostCaching: 'true', ...service }] }],
    [
      'products',
      {
        ok: true,
        rows: [
          {
            ID: windowsId,
            Name: 'Windows(R), Professional edition',
            Description: 'Windows(R) Operating System, VOLUME_KMSCLIENT channel',
            ApplicationID: '55c92734-d682-4d71-983e-d6ec3f16059f',
            LicenseStatus: '2',
            PartialProductKey: 'T83GX',
            GracePeriodRemaining: '10000',
            ...product,
          },
        ],
      },
    ],
    ['suffix', { ok: true, values: { Domain: domain } }],
  ])
  return liveFacts({ name: 'pc-1', answers, askedAt: '2026-11-01T12:00:00Z' })
}

const activate = step('Activate', { class: 'SoftwareLicensingProduct', key: { ID: windowsId }, product: windowsId })

async function verdict(of: Step, facts = machine(), names: Names = dns(good), where: Site = site): Promise<string | null> {
  return forbids(of, facts, where, await authority(facts, where, names))?.code ?? null
}

describe('the host that an activation would ask', () => {
  const set = (host: string, port = '1688') => machine({ KeyManagementServiceMachine: host, KeyManagementServicePort: port })
  test('ours by name and address: allowed', async () => {
    assert.equal(await verdict(activate, set('kms1.corp.example')), null)
    assert.equal(await verdict(activate, set('KMS1.corp.example.')), null)
    assert.equal(await verdict(activate, set('kms1')), null)
    assert.equal(await verdict(activate, set('10.1.0.1')), null)
    assert.equal(await verdict(activate, machine({}, { KeyManagementServiceMachine: 'kms1.corp.example' })), null)
  })
  for (const [why, facts, names] of [
    ['a host that the site file does not name', set('kms.elsewhere.example'), dns({ ...good, 'kms.elsewhere.example': ['10.9.9.9'] })],
    ['an address outside', set('203.0.113.5'), dns(good)],
    ['an address inside the networks that no host of ours has', set('10.200.0.1'), dns(good)],
    ['a name that only begins like ours', set('kms1.corp.example.net'), dns(good)],
    ['our host at a port that it was not declared with', set('kms1.corp.example', '1689'), dns(good)],
    ['our name, but DNS leads outside', set('kms1.corp.example'), dns({ ...good, 'kms1.corp.example': ['203.0.113.7'] })],
    [
      'our name, one of its addresses outside',
      set('kms1.corp.example'),
      dns({ ...good, 'kms1.corp.example': ['10.1.0.1', '203.0.113.7'] }),
    ],
    ['our name without an address', set('kms1.corp.example'), dns({})],
    ['our name, DNS does not answer', set('kms1.corp.example'), dns({ ...good, 'kms1.corp.example': ['timeout'] })],
    ['loopback', set('127.0.0.1'), dns(good)],
    ['the KMS of a cloud platform', set('azkms.core.windows.net'), dns(good)],
    ['the setting for all, which the product takes over', machine({}, { KeyManagementServiceMachine: '203.0.113.5' }), dns(good)],
  ] as const)
    test(`${why}: HOST_NOT_AUTHORISED`, async () => assert.equal(await verdict(activate, facts, names), 'HOST_NOT_AUTHORISED'))

  const record = '_vlmcs._tcp.corp.example'
  test('found in our own DNS: allowed only where every record is ours', async () => {
    const ours = { target: 'kms1.corp.example', port: 1688 }
    assert.equal(await verdict(activate, machine(), dns(good, { [record]: [ours] })), null)
    assert.equal(await verdict(activate, machine(), dns(good, { [record]: [] })), 'HOST_NOT_AUTHORISED')
    const foreign = { target: 'kms.elsewhere.example', port: 1688 }
    const names = dns({ ...good, 'kms.elsewhere.example': ['10.1.1.1'] }, { [record]: [ours, foreign] })
    assert.equal(await verdict(activate, machine(), names), 'HOST_NOT_AUTHORISED')
    assert.ok(!names.asked.includes('kms.elsewhere.example'), 'a name that is not ours is not even looked up')
    const outside = dns({ ...good, 'new.corp.example': ['203.0.113.8'] }, { [record]: [{ target: 'new.corp.example', port: 1688 }] })
    assert.equal(await verdict(activate, machine(), outside), 'HOST_NOT_AUTHORISED')
  })
  test('a domain that is not ours: refused, and its DNS is not asked', async () => {
    const names = dns(good)
    assert.equal(await verdict(activate, machine({}, {}, 'other.example'), names), 'HOST_NOT_AUTHORISED')
    assert.ok(!names.asked.some((n) => n.includes('other.example')))
  })
  test('a cached host that is ours, while DNS publishes another: refused, as Windows would go on there', async () => {
    const cached = machine({
      DiscoveredKeyManagementServiceMachineName: 'kms1.corp.example',
      DiscoveredKeyManagementServiceMachinePort: '1688',
    })
    const ours = dns(good, { [record]: [{ target: 'kms1.corp.example', port: 1688 }] })
    assert.equal(await verdict(activate, cached, ours), null)
    assert.equal(
      await verdict(activate, cached, dns(good, { [record]: [{ target: 'kms.elsewhere.example', port: 1688 }] })),
      'HOST_NOT_AUTHORISED',
    )
  })
  test('a site file without networks authorises nothing', async () => {
    assert.equal(await verdict(activate, set('kms1.corp.example'), dns(good), { ...site, networks: [] }), 'HOST_NOT_AUTHORISED')
  })
})

describe('steps that set something', () => {
  const host = (name: string) => step('SetKeyManagementServiceMachine', { arguments: { MachineName: name } })
  test('only hosts of ours are set, whatever a plan says', async () => {
    assert.equal(await verdict(host('kms1.corp.example')), null)
    assert.equal(await verdict(host('kms.elsewhere.example')), 'HOST_NOT_AUTHORISED')
    assert.equal(await verdict(host('')), 'HOST_NOT_AUTHORISED')
    assert.equal(await verdict(host('kms1.corp.example '.trimEnd()), machine(), dns({})), 'HOST_NOT_AUTHORISED')
  })
  test('only ports of our hosts', async () => {
    const port = (n: number) => step('SetKeyManagementServicePort', { arguments: { PortNumber: n } })
    assert.equal(await verdict(port(1690), machine({}, { KeyManagementServiceMachine: 'kms2.corp.example' })), null)
    assert.equal(await verdict(port(1690), machine({}, { KeyManagementServiceMachine: 'kms1.corp.example' })), 'HOST_NOT_AUTHORISED')
    assert.equal(await verdict(port(8080)), 'HOST_NOT_AUTHORISED')
  })
  test('only domains of ours', async () => {
    const domain = (name: string) => step('SetKeyManagementServiceLookupDomain', { arguments: { LookupDomain: name } })
    assert.equal(await verdict(domain('corp.example')), null)
    assert.equal(await verdict(domain('elsewhere.example')), 'HOST_NOT_AUTHORISED')
  })
  test('only published client keys, and secrets that a wish names', async () => {
    const ours = machine({}, { KeyManagementServiceMachine: 'kms1.corp.example' })
    const key = clientKeys.find((row) => row.product === 'Windows 11')!.key
    const install = (ProductKey: string) => step('InstallProductKey', { arguments: { ProductKey } })
    assert.equal(await verdict(install(key), ours), null)
    assert.equal(await verdict(install(`${key.slice(0, -1)}${key.endsWith('X') ? 'Y' : 'X'}`), ours), 'STEP_NOT_ALLOWED')
    // Windows asks its host as soon as it has a client key.
    assert.equal(await verdict(install(key), machine({}, { KeyManagementServiceMachine: '203.0.113.5' })), 'HOST_NOT_AUTHORISED')
    const secret = (env: string) => step('InstallProductKey', { secret: { argument: 'ProductKey', reference: { env } } })
    assert.equal(await verdict(secret('VISIO_KEY'), ours), null)
    assert.equal(await verdict(secret('OTHER'), ours), 'STEP_NOT_ALLOWED')
  })
})

describe('what slmctl never calls', () => {
  for (const odd of [
    step('ReArmWindows'),
    step('InstallLicense', { arguments: { License: 'x' } }),
    step('AcquireGenuineTicket'),
    step('SetKeyManagementServiceListeningPort', { arguments: { PortNumber: 1688 } }),
    step('Create', { class: 'Win32_Process', arguments: { CommandLine: 'cmd' } }),
    step('constructor'),
    step('Activate', { class: 'SoftwareLicensingProduct', key: { ID: '00000000-0000-0000-0000-000000000000' } }),
    step('Activate', { class: 'SoftwareLicensingService' }),
    step('ClearKeyManagementServiceMachine', { arguments: { Other: 1 } }),
    step('UninstallProductKey', { class: 'SoftwareLicensingProduct', key: { ID: windowsId } }),
  ])
    test(`${odd.class}.${odd.method}`, async () => assert.equal(await verdict(odd), 'STEP_NOT_ALLOWED'))

  test('an OEM licence is not activated', async () => {
    const oem = machine({ Description: 'Windows(R) Operating System, OEM_DM channel', PartialProductKey: '12345' })
    assert.equal(await verdict(activate, oem), 'STEP_NOT_ALLOWED')
  })
})

test('hosts are tried by priority, spread by weight, and each machine keeps its order', async () => {
  const many: Site = {
    ...site,
    kmsHosts: [
      { name: 'a.corp.example', port: 1688, priority: 1, weight: 75 },
      { name: 'b.corp.example', port: 1688, priority: 1, weight: 25 },
      { name: 'c.corp.example', port: 1688, priority: 0, weight: 0 },
    ],
  }
  const names = dns({ 'a.corp.example': ['10.0.0.1'], 'b.corp.example': ['10.0.0.2'], 'c.corp.example': ['10.0.0.3'] })
  let first = 0
  for (let i = 0; i < 400; i++) {
    const facts = { ...machine(), name: `pc-${i}` }
    const { hosts } = await authority(facts, many, names)
    assert.equal(hosts[0]!.name, 'c.corp.example')
    if (hosts[1]!.name === 'a.corp.example') first++
    assert.deepEqual((await authority(facts, many, names)).hosts, hosts)
  }
  assert.ok(first > 250 && first < 350, `three in four ask the heavier host first: ${first} of 400`)
})
