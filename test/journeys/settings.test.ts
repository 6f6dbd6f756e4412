import assert from 'node:assert/strict'
import { test } from 'node:test'
import { methods, stage } from './lab.ts'

type Applied = { machines: { name: string; result: string; steps: { result: string }[] }[] }
const pc = 'pc-1.corp.example'

/** Settings that are asked for on the command line: what is sent, and that a second time nothing is. */
for (const [flags, sent] of [
  [['--host-caching', 'off'], ['DisableKeyManagementServiceHostCaching']],
  [['--lookup-domain', 'corp.example'], ['SetKeyManagementServiceLookupDomain']],
  [
    ['--activation-type', 'kms'],
    ['SetVLActivationTypeEnabled', 'SetVLActivationTypeEnabled'],
  ],
  [['--renew'], ['Activate', 'Activate']],
] as const)
  test(`apply ${flags.join(' ')}`, async () => {
    const s = await stage({ machines: [{ name: pc, scenario: 'win11-enterprise-office-2021' }] })
    try {
      const applied = JSON.parse((await s.slmctl('apply', pc, '--yes', '--json', ...flags)).out) as Applied
      assert.equal(applied.machines[0]!.result, 'changed', JSON.stringify(applied.machines[0]))
      assert.deepEqual(methods(s.lab, pc), sent)
      if (flags[0] === '--renew') return
      assert.match((await s.slmctl('apply', pc, '--yes', ...flags)).out, /^Nothing to change: 1 of 1/m)
      assert.deepEqual(methods(s.lab, pc), sent)
    } finally {
      await s.close()
    }
  })

test('back to DNS: host and port are cleared, and what DNS then names must be ours', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'wrong-host' }] })
  try {
    await s.slmctl('apply', pc, '--yes', '--use-dns')
    assert.deepEqual(methods(s.lab, pc).slice(0, 1), ['ClearKeyManagementServiceMachine'])
    assert.equal(s.lab.state(pc).products[0]!.LicenseStatus, 1)
  } finally {
    await s.close()
  }
})

test('what an older Windows lacks, or what is not ours, is refused with nothing sent', async () => {
  const old = 'pc-7.corp.example'
  const s = await stage({
    machines: [
      { name: old, scenario: 'win7-enterprise-kms' },
      { name: pc, scenario: 'win10-education-kms' },
    ],
  })
  try {
    for (const [machine, ...flags] of [
      [old, '--activation-type', 'kms'],
      [old, '--lookup-domain', 'corp.example'],
      [pc, '--lookup-domain', 'elsewhere.example'],
    ] as const) {
      const ran = await s.slmctl('apply', machine, '--yes', ...flags)
      assert.equal(ran.code, 1, ran.out)
      assert.match(ran.out, /not done/)
    }
    const typed = await s.slmctl('plan', pc, '--host-caching', 'maybe')
    assert.equal(typed.code, 2)
    assert.match(typed.err, /expected on, off/)
    assert.deepEqual([...s.lab.calls(old), ...s.lab.calls(pc)], [])
  } finally {
    await s.close()
  }
})

test('in a domain that is not ours the plan says so itself; KMS only is the way that it names', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'win11-pro-notification' }] }, 'http', (text) =>
    text.replace(/^domains:.*$/m, 'domains: [labs.example]').replace(/^ {2}hosts:.*$/m, '  hosts: [10.0.0.10]'),
  )
  try {
    const plan = await s.slmctl('plan', pc)
    assert.match(plan.out, /The machine is in corp\.example, which the site\s+file does not name, and its directory could activate it/)
    assert.doesNotMatch(plan.out, /Activate\(/)
    const ran = await s.slmctl('apply', pc, '--yes')
    assert.equal(ran.code, 1)
    assert.deepEqual(s.lab.calls(pc), [])
    const only = await s.slmctl('plan', pc, '--activation-type', 'kms')
    assert.doesNotMatch(only.out, /its directory could activate it/)
    assert.match(only.out, /activation by KMS only/)
  } finally {
    await s.close()
  }
})

test('DNS that gives no answer is "could not ask", exit code 2, and nothing is sent', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'win11-pro-notification' }] }, 'http', (text) =>
    // Nobody answers at port 9, and no host is named: only DNS could say whose host the machine would find.
    text.replace(/^ {2}servers:.*$/m, '  servers: ["127.0.0.1:9"]').replace(/^ {2}hosts:.*$/m, '  hosts: []'),
  )
  try {
    const plan = await s.slmctl('plan', pc)
    assert.equal(plan.code, 2, plan.out + plan.err)
    assert.match(plan.out, /COULD_NOT_ASK/)
    const applied = await s.slmctl('apply', pc, '--yes', '--json')
    assert.equal(applied.code, 2)
    assert.equal((JSON.parse(applied.out) as { machines: { problem: { code: string } }[] }).machines[0]!.problem.code, 'COULD_NOT_ASK')
    assert.deepEqual(s.lab.calls(pc), [])
  } finally {
    await s.close()
  }
})
