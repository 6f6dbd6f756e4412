import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Fault, type Lab, type LabMachine, startLab } from '../../src/lab.ts'
import { ProblemError } from '../../src/model.ts'
import { Secret } from '../../src/secrets.ts'
import { type Machine, openMachine } from '../../src/windows.ts'

let lab: Lab
let fresh = 0
before(async () => {
  const machines = Array.from({ length: 24 }, (_, i) => ({ name: `pc-${i}.corp.example`, scenario: 'win10-pro-grace' as const }))
  lab = await startLab({ seed: 'windows', machines, https: true })
})
after(async () => {
  await Promise.all(opened.map((pc) => pc.close()))
  await lab.close()
})

const opened: Machine[] = []
/** Every test takes machines that no other has touched. */
const next = (): LabMachine => lab.machines[fresh++]!
function open(at: LabMachine, https = false, limitMs = 8000): Machine {
  const account = lab.accounts.find((a) => a.domain !== null)!
  const pc = openMachine(
    {
      name: at.name,
      address: https ? 'localhost' : at.address,
      port: https ? at.httpsPort! : at.httpPort,
      tls: https ? { ca: lab.ca, pin: null } : null,
      credential: { method: 'ntlm', user: account.user, domain: account.domain ?? '', password: new Secret(Buffer.from(account.password)) },
      operationTimeoutMs: limitMs,
      connectTimeoutMs: 5000,
    },
    { graceMs: 200, quotaMs: 10_000, answerBytes: 1 << 20 },
  )
  opened.push(pc)
  return pc
}
const asked = { class: 'SoftwareLicensingProduct', columns: ['ID', 'LicenseStatus'], where: 'PartialProductKey IS NOT NULL' }
const codeOf = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => null,
    (e: unknown) => e,
  )
  if (error === null) return 'done'
  assert.ok(error instanceof ProblemError, String((error as Error).stack))
  return error.problems[0]!.code
}
const refresh = { class: 'SoftwareLicensingService', key: null, method: 'RefreshLicenseStatus', arguments: {} }

test('faults of a machine: each its own Problem when it is asked, and when it is called', async () => {
  const cases: readonly [Fault, string, string, boolean?][] = [
    [{ kind: 'refused' }, 'WINRM_UNREACHABLE', 'WINRM_UNREACHABLE'],
    [{ kind: 'slow', ms: 3000 }, 'WINRM_SLOW', 'CALL_UNANSWERED'],
    [{ kind: 'drip', bytes: 1, ms: 20 }, 'WINRM_SLOW', 'CALL_UNANSWERED'],
    [{ kind: 'cut' }, 'WINRM_CUT', 'CALL_UNANSWERED'],
    [{ kind: 'access-denied', how: 'logon' }, 'WINRM_LOGON_FAILED', 'WINRM_LOGON_FAILED'],
    [{ kind: 'access-denied', how: 'fault' }, 'WINRM_ACCESS_DENIED', 'WINRM_ACCESS_DENIED'],
    [{ kind: 'certificate', how: 'expired' }, 'WINRM_CERTIFICATE', 'WINRM_CERTIFICATE', true],
    [{ kind: 'certificate', how: 'other-name' }, 'WINRM_CERTIFICATE', 'WINRM_CERTIFICATE', true],
    [{ kind: 'certificate', how: 'unknown-authority' }, 'WINRM_CERTIFICATE', 'WINRM_CERTIFICATE', true],
    [{ kind: 'huge', bytes: 4 << 20 }, 'WINRM_TOO_LARGE', 'CALL_UNANSWERED'],
    [{ kind: 'wrong-seal' }, 'WINRM_SEAL', 'CALL_UNANSWERED'],
    [{ kind: 'garbage', how: 'not-xml' }, 'WINRM_GARBAGE', 'CALL_UNANSWERED'],
    [{ kind: 'garbage', how: 'html' }, 'WINRM_GARBAGE', 'CALL_UNANSWERED'],
  ]
  const outcome = async ([fault, , , https]: (typeof cases)[number]) => {
    const at = next()
    await lab.fault(at.name, fault)
    const limitMs = fault.kind === 'slow' || fault.kind === 'drip' ? 800 : 8000
    const read = await codeOf(open(at, https, limitMs).ask(asked))
    await lab.fault(at.name, null)
    // What breaks answers breaks that of the call itself: the logon is done, and the key is known.
    const pc = open(at, https, limitMs)
    if (called(fault)) await pc.ask(asked)
    await lab.fault(at.name, fault)
    const key = { Version: String(lab.state(at.name).service.Version) }
    const call = await codeOf(pc.call({ ...refresh, key }))
    assert.ok(lab.calls(at.name).length <= 1, fault.kind)
    return [read, call]
  }
  const called = ({ kind }: Fault) => kind !== 'refused' && kind !== 'access-denied' && kind !== 'certificate'
  const outcomes = await Promise.all(cases.map(outcome))
  assert.deepEqual(
    outcomes.map((o, i) => [cases[i]![0].kind, ...o]),
    cases.map(([fault, read, called]) => [fault.kind, read, called]),
  )
})

test('a lost answer is never a second call: the machine counts', async () => {
  for (const when of ['before', 'after'] as const) {
    const at = next()
    await lab.fault(at.name, { kind: 'lost', when, on: 'call' })
    assert.equal(await codeOf(open(at).call(refresh)), 'CALL_UNANSWERED')
    assert.equal(lab.calls(at.name).length, 1)
  }
})

test('a quota is got over, for a question and for a call, and the call is done once', async () => {
  const at = next()
  const pc = open(at)
  await lab.fault(at.name, { kind: 'quota', times: 2 })
  assert.equal(await codeOf(pc.ask(asked)), 'done')
  await lab.fault(at.name, { kind: 'quota', times: 1 })
  assert.equal((await pc.call(refresh)).returnValue, 0)
  assert.equal(lab.calls(at.name).length, 1)
})

test('after a restart between two calls, the next is sent once, on a new logon', async () => {
  const at = next()
  const pc = open(at)
  assert.equal((await pc.call(refresh)).returnValue, 0)
  await lab.fault(at.name, { kind: 'reboot', after: 0, ms: 200 })
  await pc.ask(asked).catch(() => {})
  await new Promise((done) => setTimeout(done, 300))
  assert.equal((await pc.call(refresh)).returnValue, 0)
  assert.equal(lab.calls(at.name).length, 2)
})

test('over HTTPS the same answers as sealed over HTTP', async () => {
  const at = next()
  const rows = await open(at).ask(asked)
  assert.equal(rows!.length, 1)
  const tls = open(at, true)
  assert.deepEqual(await tls.ask(asked), rows)
  assert.equal(await tls.ask({ class: 'No_Such_Class', columns: ['A'] }), null)
  assert.deepEqual(Object.keys((await tls.ask({ ...asked, columns: ['ID', 'NoSuchProperty'] }))![0]!), ['ID'])
})
