import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Answers, type Asked, type LiveRow, liveFacts, planMachine } from '../../src/activation.ts'
import { authority, forbids, type Names } from '../../src/engine.ts'
import type { Site, Step } from '../../src/model.ts'
import { step } from '../engine/step.ts'

const id = '9e4b231b-3e45-41f4-967f-c914f178b6ac'
const [installationId, confirmationId] = ['1234567'.repeat(9), '123456'.repeat(8)]
const mak: LiveRow = {
  ID: id,
  Name: 'Windows(R), Enterprise edition',
  Description: 'Windows(R) Operating System, VOLUME_MAK channel',
  ApplicationID: '55c92734-d682-4d71-983e-d6ec3f16059f',
  LicenseStatus: '5',
  LicenseStatusReason: '3221549065',
  PartialProductKey: '8YMKD',
  OfflineInstallationId: installationId,
}
const channel = (words: string): LiveRow => ({ ...mak, Description: `Windows(R) Operating System, ${words} channel` })
const site = (kmsHosts: string[] = ['kms1.corp.example']): Site => ({
  ...{ organisation: null, domains: ['corp.example'], networks: ['10.0.0.0/8'], platforms: [], forests: [], dnsServers: [] },
  ...{ wishes: [{ product: 'windows', by: 'mak', year: null, key: { env: 'MAK' }, instead: false }], groups: [], entitlements: [] },
  kmsHosts: kmsHosts.map((name) => ({ name, port: 1688, priority: 0, weight: 0 })),
  schedule: { repair: false },
  planSigners: [],
})
const machine = (product: LiveRow, name = 'pc-1.corp.example') => {
  const answers: Answers = new Map([
    ['system', { ok: true, rows: [{ Version: '10.0.22631', BuildNumber: '22631', OperatingSystemSKU: '4', ProductType: '1' }] }],
    ['computer', { ok: true, rows: [{ DNSHostName: name.split('.')[0]!, Domain: 'corp.example', PartOfDomain: 'true' }] }],
    ['service', { ok: true, rows: [{ Version: '10.0.22631.1' }] }],
    ['products', { ok: true, rows: [product] }],
  ])
  return liveFacts({ name, answers, askedAt: '2026-11-01T12:00:00Z' })
}
const names: Names = { addresses: async () => ['10.1.0.1'], srv: async () => [] }
const deposit = (more: Partial<Step> = {}) =>
  step('DepositOfflineConfirmationId', {
    ...{ class: 'SoftwareLicensingProduct', key: { ID: id }, product: id },
    arguments: { InstallationId: installationId, ConfirmationId: confirmationId },
    ...more,
  })
const guarded = async (facts: ReturnType<typeof machine>, of = deposit(), where = site()) =>
  forbids(of, facts, where, await authority(facts, where, names))?.code ?? null

describe('the guard and confirmation IDs', () => {
  test('a MAK may have one; a KMS host key only on a host of the site; nothing else ever', async () => {
    assert.equal(await guarded(machine(mak)), null)
    assert.equal(await guarded(machine(channel('VOLUME_KMS_2022'))), 'HOST_NOT_AUTHORISED')
    assert.equal(await guarded(machine(channel('VOLUME_KMS_2022'), 'kms1.corp.example')), null)
    for (const other of ['VOLUME_KMSCLIENT', 'OEM_DM', 'RETAIL', 'TIMEBASED_EVAL', 'VIRTUAL_MACHINE_ACTIVATION'])
      assert.equal(await guarded(machine(channel(other))), 'STEP_NOT_ALLOWED', other)
  })
  test('only for the installation that shows its ID now, with digits and nothing else, on a product', async () => {
    const given = (InstallationId: string, ConfirmationId = confirmationId) => deposit({ arguments: { InstallationId, ConfirmationId } })
    for (const wrong of [
      given('7654321'.repeat(9)),
      given(''),
      given(installationId, ''),
      given(installationId, "1' OR '1"),
      given(installationId, '1'.repeat(129)),
      deposit({ arguments: { InstallationId: installationId } }),
      deposit({ class: 'SoftwareLicensingService', key: null }),
      deposit({ secret: { argument: 'ConfirmationId', reference: { env: 'X' } }, arguments: { InstallationId: installationId } }),
    ])
      assert.equal(await guarded(machine(mak), wrong), 'STEP_NOT_ALLOWED', JSON.stringify(wrong.arguments))
    const { OfflineInstallationId: _, ...blind } = mak
    assert.equal(await guarded(machine(blind)), 'STEP_NOT_ALLOWED')
  })
})

describe('a confirmation ID in a plan', () => {
  const asked: Asked = { change: 'confirmation', machine: 'PC-1.corp.example', product: id, installationId, confirmationId }
  const planned = (product: LiveRow, of: Asked = asked, name?: string) =>
    planMachine(machine(product, name), {
      ...{ site: site(), wishes: site().wishes, readAt: null, renew: false, hosts: [], asked: [of] },
      authorise: () => ({ ok: true }),
    })
  test('is one step and nothing beside it, although the site wishes the MAK to be activated online', () => {
    const { steps, refused } = planned(mak)
    assert.deepEqual([steps.map((s) => s.method), refused], [['DepositOfflineConfirmationId'], []])
    assert.ok(!steps[0]!.what.includes(confirmationId), 'it is not shown whole')
    assert.equal(steps[0]!.activates, false)
  })
  test('is left alone where it is another machine’s, and not needed where the product is licensed', () => {
    assert.deepEqual(planned(mak, { ...asked, machine: 'pc-2.corp.example' }).steps, [])
    const held = planned({ ...mak, LicenseStatus: '1' })
    assert.deepEqual([held.steps.length, held.holds.length], [0, 1])
  })
  test('is refused with the reason where it cannot fit', () => {
    const code = (product: LiveRow, of: Asked = asked) =>
      planned(product, of)
        .refused.map((r) => r.code)
        .join()
    assert.equal(code({ ...mak, OfflineInstallationId: '7654321'.repeat(9) }), 'CONFIRMATION_OTHER_INSTALLATION')
    assert.equal(code(channel('VOLUME_KMSCLIENT')), 'CONFIRMATION_CHANNEL')
    assert.equal(code(channel('OEM_DM')), 'CONFIRMATION_CHANNEL')
    assert.equal(code(channel('VOLUME_KMS_2022')), 'HOST_NOT_AUTHORISED')
    assert.equal(code(mak, { ...asked, product: id.replace('9', '8') }), 'CONFIRMATION_NO_PRODUCT')
    assert.equal(planned({ ...mak, OfflineInstallationId: null }).missing.length, 1)
  })
})
