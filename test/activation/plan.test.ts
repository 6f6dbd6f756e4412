import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planMachine, resolveStep, verifyStep } from '../../src/activation.ts'
import type { Step } from '../../src/model.ts'
import { factsOf, type LiveCase, liveCase, machines, optionsOf, type Said } from './live.ts'

const base = (machines.win11!.products as Record<string, string>[])[0]!
const of = (product: Record<string, string | null>, more: Record<string, Said> = {}): LiveCase => ({
  from: 'a test',
  says: { products: [{ ...base, ...product }], ...more },
  expect: {},
})
const print = (c: LiveCase) => planMachine(factsOf(c), optionsOf(c)).fingerprint

test('the fingerprint: the same while time passes, another one when something changes that a plan rests on', () => {
  const was = print(of({}))
  assert.equal(print(of({ GracePeriodRemaining: '249000', TrustedTime: '2026-11-26T17:00:00Z' })), was)
  assert.equal(print({ ...of({}), askedAt: '2026-11-26T01:03:00Z' }), was)
  const grace = of({ LicenseStatus: '2', LicenseStatusReason: '1074065420', GracePeriodRemaining: '4000' })
  assert.equal(print(of({ LicenseStatus: '5', LicenseStatusReason: '3221549172', GracePeriodRemaining: '0' })), print(grace))
  const others = [
    of({ LicenseStatus: '5' }),
    of({ GracePeriodRemaining: '20000' }),
    of({ GracePeriodRemaining: '99999999' }),
    of({ KeyManagementServiceMachine: 'kms.corp.example' }),
    of({ PartialProductKey: '2YT43' }),
    of({ VLActivationTypeEnabled: '1' }),
    of({ DiscoveredKeyManagementServiceMachineName: 'kms2.corp.example' }),
    of({}, { service: [{ ...(machines.win11!.service as object[])[0], KeyManagementServiceHostCaching: 'false' }] }),
    of({}, { service: [{ ...(machines.win11!.service as object[])[0], KeyManagementServiceMachine: 'kms.corp.example' }] }),
    of({}, { 'host:windows': { KeyManagementServiceName: 'kms.corp.example' } }),
    of({}, { suffix: { Domain: 'labs.example' } }),
    of({}, { suffix: { problem: 'No answer.' } }),
    of({}, { products: [] }),
  ].map(print)
  assert.equal(new Set([was, print(grace), ...others.slice(1)]).size, others.length + 1)
})

test('a step about an entry that comes into being: found by its key, or by the kind of its key, once it is there', () => {
  const c = liveCase('oem-given-up')
  const plan = planMachine(factsOf(c), optionsOf(c))
  const activate = plan.steps.at(-1)!
  assert.deepEqual(activate.key, { PartialProductKey: 'T83GX' })
  assert.equal(resolveStep(activate, factsOf(c)), null)
  const found = resolveStep(activate, factsOf(c, c.after))
  assert.deepEqual([found?.key, found?.product], [{ ID: base.ID }, base.ID])
  // The fallback is for the product as the plan calls it.
  assert.equal(plan.fallbacks[0]?.product, activate.product)
  const mak = planMachine(factsOf(liveCase('mak-wished')), optionsOf(liveCase('mak-wished'))).steps
  assert.deepEqual(mak[0]?.arguments, {})
  assert.deepEqual(mak[0]?.secret, { argument: 'ProductKey', reference: { file: 'windows.key' } })
})

test('verification: no step is taken for done on half an answer, and no unknown change holds', () => {
  const c = liveCase('kms-renew')
  const options = optionsOf(c)
  const before = factsOf(c)
  const step = planMachine(before, options).steps[0]!
  for (const silent of ['products', 'service', 'system']) {
    const verdict = verifyStep(step, before, factsOf(c, { ...c.after, [silent]: { problem: 'It timed out.' } }), options)
    assert.equal(verdict.holds, false)
    assert.match(verdict.because, /Could not ask/)
  }
  assert.equal(verifyStep({ ...step, change: 'something' } as Step, before, before, options).holds, false)
  // Licensed anew, but by a host that is set meanwhile and is not ours.
  const turned = factsOf(c, { products: [{ ...base, GracePeriodRemaining: '259200', KeyManagementServiceMachine: '198.51.100.7' }] })
  assert.match(verifyStep(step, before, turned, options).because, /198\.51\.100\.7/)
})

test('steps are made in an order in which no client key meets a host that is not ours', () => {
  for (const name of ['oem-given-up', 'office-mak-to-kms-set']) {
    const c = liveCase(name)
    const methods = planMachine(factsOf(c), optionsOf(c)).steps.map((s) => s.method)
    assert.deepEqual(methods, ['SetKeyManagementServiceMachine', 'InstallProductKey', 'Activate'])
  }
})
