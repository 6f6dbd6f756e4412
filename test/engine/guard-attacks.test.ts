/** Ways around the guard that somebody could try: by an edited plan, by names, by what a setting uncovers. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Answers, type LiveRow, liveFacts } from '../../src/activation.ts'
import { clientKeys } from '../../src/catalogue.ts'
import { authority, forbids, isClientKey, type Names } from '../../src/engine.ts'
import type { Site, Step } from '../../src/model.ts'
import { Secret } from '../../src/secrets.ts'
import { step } from './step.ts'

const site: Site = {
  organisation: 'Example University',
  domains: ['corp.example'],
  networks: ['10.0.0.0/8'],
  kmsHosts: [
    { name: 'kms1.corp.example', port: 1688, priority: 0, weight: 0 },
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
const foreign = 'kms.elsewhere.example'
const addresses: Record<string, string[]> = {
  'kms1.corp.example': ['10.1.0.1'],
  'kms2.corp.example': ['10.1.0.2'],
  'kms1.dmz.corp.example': ['203.0.113.9'],
  'kms1.branch.corp.example': ['10.1.0.9'],
  [foreign]: ['10.9.9.9'],
}
type Srv = Record<string, string[]>
const ours: Srv = { 'corp.example': ['kms1.corp.example'] }
const dns = (srv: Srv = ours): Names => ({
  addresses: async (name) => addresses[name] ?? [],
  srv: async (name) => (srv[name.replace('_vlmcs._tcp.', '')] ?? []).map((target) => ({ target, port: 1688, priority: 0, weight: 0 })),
})

const first = '2de67392-b7a7-462a-b1ca-108dd189f588'
const second = '3f1afc82-f8ac-4f6c-8005-1d233e606eee'
const application = '55c92734-d682-4d71-983e-d6ec3f16059f'
const client: LiveRow = {
  ID: first,
  Name: 'Windows(R), Professional edition',
  Description: 'Windows(R) Operating System, VOLUME_KMSCLIENT channel',
  ApplicationID: application,
  LicenseStatus: '2',
  PartialProductKey: 'T83GX',
  GracePeriodRemaining: '10000',
}
const mak: LiveRow = { ...client, Description: 'Windows(R) Operating System, VOLUME_MAK channel', PartialProductKey: 'ABCDE' }

type Machine = { products?: LiveRow[]; service?: LiveRow; domain?: string | null; suffix?: string; office?: LiveRow[] }
function machine({ products = [client], service = {}, domain = 'corp.example', suffix, office }: Machine = {}) {
  const answers: Answers = new Map([
    [
      'system',
      {
        ok: true,
        rows: [{ Version: '10.0.22631', BuildNumber: '22631', OperatingSystemSKU: '48', Caption: 'Windows 11', ProductType: '1' }],
      },
    ],
    [
      'computer',
      {
        ok: true,
        rows: [
          {
            DNSHostName: 'pc-1',
            Domain: domain ?? 'WORKGROUP',
            PartOfDomain: String(domain !== null),
            Manufacturer: 'Contoso',
            Model: 'M',
          },
        ],
      },
    ],
    ['service', { ok: true, rows: [{ Version: '10.0.22631.1', KeyManagementServiceHostCaching: 'true', ...service }] }],
    ['products', { ok: true, rows: products }],
    ...(office ? ([['office-products', { ok: true, rows: office }]] as const) : []),
    ['suffix', { ok: true, values: { Domain: suffix ?? domain ?? '' } }],
  ])
  return liveFacts({ name: 'pc-1', answers, askedAt: '2026-11-01T12:00:00Z' })
}

const on = (id: string, product: string | null = id) => ({ class: 'SoftwareLicensingProduct', key: { ID: id }, product })
const activate = step('Activate', on(first))

async function verdict(of: Step, facts = machine(), names = dns(), where: Site = site): Promise<string | null> {
  return forbids(of, facts, where, await authority(facts, where, names, [of]))?.code ?? null
}
const host = (name: string, port = '1688'): LiveRow => ({ KeyManagementServiceMachine: name, KeyManagementServicePort: port })
const refused = 'HOST_NOT_AUTHORISED'
const odd = 'STEP_NOT_ALLOWED'

describe('an edited plan', () => {
  test('a secret in the place of a host name: what the guard reads must be what is sent', async () => {
    const sly = { argument: 'MachineName', reference: { file: '/etc/hostname' } }
    assert.equal(
      await verdict(step('SetKeyManagementServiceMachine', { arguments: { MachineName: 'kms1.corp.example' }, secret: sly })),
      odd,
    )
    assert.equal(
      await verdict(step('SetKeyManagementServiceLookupDomain', { arguments: { LookupDomain: 'corp.example' }, secret: sly })),
      odd,
    )
  })
  test('a key in clear beside the reference of a wish', async () => {
    const reference = { env: 'VISIO_KEY' }
    const facts = machine({ service: host('kms1.corp.example') })
    const ProductKey = 'AAAAA-AAAAA-AAAAA-AAAAA-AAAAA'
    assert.equal(await verdict(step('InstallProductKey', { secret: { argument: 'ProductKey', reference } }), facts), null)
    assert.equal(
      await verdict(step('InstallProductKey', { secret: { argument: 'Other', reference }, arguments: { ProductKey } }), facts),
      odd,
    )
    assert.equal(
      await verdict(step('InstallProductKey', { secret: { argument: 'ProductKey', reference }, arguments: { ProductKey } }), facts),
      odd,
    )
  })
  test('a step that names one product and calls another', async () => {
    const facts = machine({
      products: [
        { ...client, ...host('kms1.corp.example') },
        { ...client, ID: second, ...host(foreign) },
      ],
    })
    assert.equal(await verdict(step('Activate', on(first)), facts), null)
    assert.equal(await verdict(step('Activate', on(second)), facts), refused)
    assert.equal(await verdict(step('Activate', on(second, first)), facts), odd)
    assert.equal(await verdict(step('Activate', { ...on(first), class: 'OfficeSoftwareProtectionProduct' }), facts), odd)
  })
  test('arguments that are missing, or of another type', async () => {
    const facts = machine({ service: host('kms2.corp.example') })
    assert.equal(await verdict(step('SetKeyManagementServicePort', { arguments: { PortNumber: 1690 } }), facts), null)
    assert.equal(await verdict(step('SetKeyManagementServicePort', { arguments: { PortNumber: '0x69a' } }), facts), odd)
    assert.equal(await verdict(step('SetKeyManagementServiceMachine'), facts), odd)
    assert.equal(await verdict(step('SetVLActivationTypeEnabled', { ...on(first), arguments: { ActivationType: 3 } }), facts), odd)
  })
})

describe('what a setting uncovers', () => {
  test('a host is cleared, and DNS publishes another', async () => {
    const set = machine({ service: host('kms1.corp.example') })
    const clear = step('ClearKeyManagementServiceMachine')
    assert.equal(await verdict(clear, set), null)
    assert.equal(await verdict(clear, set, dns({ 'corp.example': [foreign] })), refused)
    assert.equal(await verdict(clear, machine({ service: host('kms1.corp.example'), domain: 'other.example' })), refused)
  })
  test('the host of a product is cleared, and the machine names another', async () => {
    const facts = machine({ products: [{ ...client, ...host('kms1.corp.example') }], service: host(foreign) })
    assert.equal(await verdict(step('ClearKeyManagementServiceMachine', on(first)), facts), refused)
  })
  test('a port is cleared', async () => {
    assert.equal(await verdict(step('ClearKeyManagementServicePort'), machine({ service: host('kms2.corp.example', '1690') })), refused)
    assert.equal(await verdict(step('ClearKeyManagementServicePort'), machine({ service: host('kms1.corp.example') })), null)
  })
  test('the lookup domain is cleared, or set to one whose records lead elsewhere', async () => {
    const facts = machine({ service: { KeyManagementServiceLookupDomain: 'corp.example' }, domain: 'other.example' })
    assert.equal(await verdict(step('ClearKeyManagementServiceLookupDomain'), facts), refused)
    const to = (domain: string) => step('SetKeyManagementServiceLookupDomain', { arguments: { LookupDomain: domain } })
    assert.equal(await verdict(to('corp.example'), facts), null)
    assert.equal(await verdict(to('sub.corp.example'), machine(), dns({ ...ours, 'sub.corp.example': [foreign] })), refused)
  })
  test('host caching is switched on, and a foreign host is remembered', async () => {
    const facts = machine({
      products: [{ ...client, DiscoveredKeyManagementServiceMachineName: foreign, DiscoveredKeyManagementServiceMachinePort: '1688' }],
      service: { KeyManagementServiceHostCaching: 'false' },
    })
    const caching = (off: boolean) => step('DisableKeyManagementServiceHostCaching', { arguments: { DisableCaching: off } })
    assert.equal(await verdict(caching(false), facts), refused)
    assert.equal(await verdict(caching(true), facts), null)
  })
  test('KMS is allowed again, and the host that is set is not ours', async () => {
    const facts = machine({ products: [{ ...client, VLActivationTypeEnabled: '1', ...host(foreign) }] })
    assert.equal(await verdict(step('ClearVLActivationTypeEnabled', on(first)), facts), refused)
    assert.equal(await verdict(step('SetVLActivationTypeEnabled', { ...on(first), arguments: { ActivationType: 2 } }), facts), refused)
    const good = machine({ products: [{ ...client, VLActivationTypeEnabled: '1', ...host('kms1.corp.example') }] })
    assert.equal(await verdict(step('ClearVLActivationTypeEnabled', on(first)), good), null)
  })
})

describe('a key that makes Windows ask by itself', () => {
  const key = clientKeys.find((row) => row.product === 'Windows 11')!.key
  const install = step('InstallProductKey', { arguments: { ProductKey: key }, product: `key:${key.slice(-5)}` })
  test('the new entry does not take over the host of the old one', async () => {
    const facts = machine({ products: [{ ...mak, ...host('kms1.corp.example') }], service: host(foreign) })
    assert.equal(await verdict(install, facts), refused)
    assert.equal(await verdict(install, machine({ products: [mak], service: host('kms1.corp.example') })), null)
  })
  test('nor its activation type', async () => {
    const facts = machine({ products: [{ ...client, VLActivationTypeEnabled: '1' }], service: host(foreign) })
    assert.equal(await verdict(install, facts), refused)
  })
  test('a secret that is a client key, under a wish for a MAK', () => {
    assert.equal(isClientKey(new Secret(Buffer.from(key))), true)
    assert.equal(isClientKey(new Secret(Buffer.from(` ${key.toLowerCase()}\n`))), true)
    assert.equal(isClientKey(new Secret(Buffer.from('AAAAA-AAAAA-AAAAA-AAAAA-AAAAA'))), false)
  })
})

describe('names', () => {
  test('a short name is what the machine’s own suffix makes of it', async () => {
    const of = (domain: string | null, suffix?: string) =>
      verdict(activate, machine({ products: [{ ...client, ...host('kms1') }], domain, ...(suffix ? { suffix } : {}) }))
    assert.equal(await of('corp.example'), null)
    assert.equal(await of(null), refused)
    assert.equal(await of(null, 'other.example'), refused)
    assert.equal(await of('corp.example', 'dmz.corp.example'), refused)
  })
  test('a short name in the site file is no licence for every host that begins with it', async () => {
    const short: Site = { ...site, kmsHosts: [{ name: 'kms1', port: 1688, priority: 0, weight: 0 }] }
    const of = (name: string, suffix = 'corp.example') =>
      verdict(activate, machine({ products: [{ ...client, ...host(name) }], suffix }), dns(), short)
    assert.equal(await of('kms1'), null)
    assert.equal(await of('kms1.corp.example'), null)
    assert.equal(await of('kms1.dmz.corp.example'), refused, 'its address is outside')
    assert.equal(await of('kms1', 'dmz.corp.example'), refused)
    assert.equal(await of('kms1', 'other.example'), refused)
  })
  test('spellings of one address are one address, and of another are not', async () => {
    const of = (name: string) => verdict(activate, machine({ products: [{ ...client, ...host(name) }] }))
    for (const name of ['10.1.0.1', '::ffff:10.1.0.1', '::ffff:a01:1', '[::ffff:10.1.0.1]']) assert.equal(await of(name), null, name)
    for (const name of [
      '10.1.1',
      '167837697',
      '0x0a010001',
      'kms1.corp.example:1688',
      'kms1.corp.example ',
      'kms1.corp.example..',
      'kms1.corp.example\0.elsewhere.example',
      'kms1。corp。example',
      '10.1.0.1%eth0',
      'fe80::1%',
      '::',
    ])
      assert.notEqual(await of(name).catch((e: Error) => e.message), null, name)
  })
})

describe('activation by a directory', () => {
  const byDirectory = (domain: string | null) => machine({ products: [{ ...client, VLActivationTypeEnabled: '1' }], domain })
  test('of a domain that is not ours: refused, too', async () => {
    assert.equal(await verdict(activate, byDirectory('corp.example')), null)
    assert.equal(await verdict(activate, byDirectory('other.example')), refused)
    assert.equal(await verdict(activate, byDirectory(null)), refused)
  })
  test('Windows asks the directory first: in a foreign domain not even a host of ours helps, unless only KMS is allowed', async () => {
    const set = (type: string) =>
      machine({ products: [{ ...client, VLActivationTypeEnabled: type, ...host('kms1.corp.example') }], domain: 'other.example' })
    assert.equal(await verdict(activate, set('0')), refused)
    assert.equal(await verdict(activate, set('2')), null)
  })
})

test('Office 2010 asks by its own service: neither setting stands for the other', async () => {
  const office: LiveRow = {
    ...client,
    ID: second,
    Name: 'Office 14, OfficeProPlus-KMS_Client edition',
    Description: 'Office 14, VOLUME_KMSCLIENT channel',
    ApplicationID: '59a52881-a989-479d-af46-f275c6370663',
  }
  const its = step('Activate', { class: 'OfficeSoftwareProtectionProduct', key: { ID: second }, product: second })
  const facts = (own: string, all: string) => machine({ products: [], office: [{ ...office, ...host(own) }], service: host(all) })
  assert.equal(await verdict(its, facts('kms1.corp.example', foreign)), null)
  assert.equal(await verdict(its, facts(foreign, 'kms1.corp.example')), refused)
  assert.equal(await verdict({ ...its, class: 'SoftwareLicensingProduct' }, facts('kms1.corp.example', foreign)), odd)
})

test('an add-on that is a KMS client asks a KMS host like any other', async () => {
  const addOn = { ...client, LicenseIsAddon: 'true', ...host(foreign) }
  assert.equal(await verdict(activate, machine({ products: [addOn] })), refused)
})
