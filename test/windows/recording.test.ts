import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProblemError, problem } from '../../src/model.ts'
import { Secret } from '../../src/secrets.ts'
import { type Machine, openRecording, recorder, type WmiRow } from '../../src/windows.ts'

const service: WmiRow = {
  Version: '10.0.22621.1',
  ClientMachineID: '8a1b2c3d-1111-4222-8333-444455556666',
  KeyManagementServiceMachine: 'kms1.secret-corp.test',
  DiscoveredKeyManagementServiceMachineIpAddress: '10.77.88.99',
  KeyManagementServiceProductKeyID: '55041-00206-271-123456-03-1033-9600.0000-0012024',
}
const system: readonly WmiRow[] = [
  { Name: 'ALICE-PC', Domain: 'secret-corp.test', UserName: 'SECRETCORP\\alice', Roles: ['on ALICE-PC', null] },
]
const key = ['BCDFG', 'HJKMP', 'QRTVW', 'XY234', '6789B'].join('-')

const live = (): Machine => {
  let minutes = 100
  return {
    name: 'alice-pc.secret-corp.test',
    ask: async ({ class: of, columns }) => {
      if (of === 'Missing') return null
      if (of === 'Denied')
        throw new ProblemError(problem('WINRM_ACCESS_DENIED', 'alice-pc.secret-corp.test denies access', ['Ask alice@secret-corp.test.']))
      if (of === 'Win32_ComputerSystem') return system
      return [Object.fromEntries(Object.entries({ ...service, Minutes: String(minutes++) }).filter(([name]) => columns.includes(name)))]
    },
    registry: async ({ key }) =>
      key === 'None' ? null : { RegisteredOwner: 'Alice Example', Port: 1688, Hosts: ['kms1.secret-corp.test'] },
    call: async () => ({ returnValue: 0, out: { Said: `from 10.77.88.99, mail alice@secret-corp.test` } }),
    close: async () => {},
  }
}

const columns = [...Object.keys(service), 'Minutes']
const activate = { class: 'P', key: { ID: 'x' }, method: 'Activate', arguments: {} }

async function recorded() {
  const recording = recorder()
  const pc = recording.keep(live())
  await pc.ask({ class: 'S', columns, where: "KeyManagementServiceMachine = 'kms1.secret-corp.test'" })
  await pc.ask({ class: 'S', columns })
  await pc.ask({ class: 'S', columns })
  await pc.ask({ class: 'Win32_ComputerSystem', columns: ['Name', 'Domain', 'UserName', 'Roles'] })
  await pc.ask({ class: 'Missing', columns: ['A'] })
  await assert.rejects(pc.ask({ class: 'Denied', columns: ['A'] }), ProblemError)
  await pc.registry({ key: 'K' })
  await pc.registry({ key: 'None' })
  await pc.call(activate)
  await pc.call({ ...activate, method: 'InstallProductKey', arguments: { ProductKey: new Secret(Buffer.from(key)), Also: key } })
  return recording.redacted()
}

test('a recording names nobody, and says what was hidden', async () => {
  const recording = await recorded()
  const text = JSON.stringify(recording)
  assert.doesNotMatch(text, /alice|secret-?corp|8a1b2c3d|10\.77|123456|BCDFG|HJKMP/i)
  assert.match(text, /6789B/)
  const kinds = Object.fromEntries(recording.redact.map(({ kind, count }) => [kind, count]))
  assert.equal(kinds['client-machine-id'], 1)
  assert.equal(kinds.address, 1)
  assert.ok(kinds.machine! >= 1 && kinds.domain! >= 1 && kinds.user! >= 1)
  // What a rule looks at stays what it was: a private address, the kind of the product ID, a name in a domain.
  const pc = openRecording(JSON.parse(text))
  const [row] = (await pc.ask({ class: 'S', columns }))!
  assert.match(String(row!.DiscoveredKeyManagementServiceMachineIpAddress), /^10\./)
  assert.match(String(row!.KeyManagementServiceProductKeyID), /^55041-00206-000-\d{6}-03-1033-9600\.0000-0012024$/)
  assert.match(String(row!.KeyManagementServiceMachine), /^host-\d+\.domain-\d+\.example$/)
  const [computer] = (await pc.ask({ class: 'Win32_ComputerSystem', columns: ['Domain'] }))!
  assert.equal(String(row!.KeyManagementServiceMachine).split('.').slice(1).join('.'), computer!.Domain)
})

test('a recording answers as the machine did: rows in order, columns, absent classes, registry, calls', async () => {
  const pc = openRecording(JSON.parse(JSON.stringify(await recorded())))
  const minutes = async () => (await pc.ask({ class: 's', columns: ['minutes'] }))![0]
  assert.deepEqual([await minutes(), await minutes(), await minutes()], [{ Minutes: '101' }, { Minutes: '102' }, { Minutes: '102' }])
  assert.equal(await pc.ask({ class: 'Missing', columns: ['A'] }), null)
  assert.equal(await pc.registry({ key: 'none' }), null)
  assert.deepEqual(await pc.registry({ key: 'K', values: ['port'] }), { Port: 1688 })
  assert.equal((await pc.call(activate)).returnValue, 0)
  const denied = await pc.ask({ class: 'Denied', columns: ['A'] }).catch((e: unknown) => e)
  assert.ok(denied instanceof ProblemError)
  assert.equal(denied.problems[0]!.code, 'WINRM_ACCESS_DENIED')
  const lacks = async (work: Promise<unknown>) => {
    const error = await work.catch((e: unknown) => e)
    assert.ok(error instanceof ProblemError)
    assert.equal(error.problems[0]!.code, 'RECORDING_LACKS')
  }
  await lacks(pc.ask({ class: 'S', columns: ['Other'] }))
  await lacks(pc.ask({ class: 'S', columns: ['Minutes'], where: 'A = 1' }))
  await lacks(pc.registry({ key: 'Other' }))
  await lacks(pc.call({ ...activate, method: 'Other' }))
})

test('a file that is no recording is refused, whatever it is', async () => {
  const good = JSON.parse(JSON.stringify(await recorded()))
  const refused = (json: unknown) =>
    assert.throws(
      () => openRecording(json),
      (e) => e instanceof ProblemError && /^RECORDING_/.test(e.problems[0]!.code),
    )
  for (const json of [null, 5, 'x', [], {}, { schema: 'slmctl.recording/1' }, { ...good, schema: 'x' }, { ...good, machines: [] }])
    refused(json)
  refused({ ...good, machines: [{ name: 'x', entries: [{ ask: { class: 'A', columns: ['B'] }, rows: [{ B: 5 }] }] }] })
  refused({ ...good, machines: [{ name: 'x', entries: Array(2000).fill({}) }] })
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom('machines', 'schema'), (value, where) => {
      try {
        openRecording({ ...good, [where]: value })
      } catch (error) {
        assert.ok(error instanceof ProblemError)
      }
    }),
    { numRuns: 200 },
  )
})
