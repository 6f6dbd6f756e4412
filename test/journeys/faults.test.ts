import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Fault } from '../../src/lab.ts'
import { methods, stage } from './lab.ts'

type Status = {
  machines: { name: string; ok: boolean; machine?: { verdict: string }; problem?: { code: string; summary: string; next: string[] } }[]
}
type Applied = {
  journal: string | null
  machines: {
    name: string
    result: string
    steps: { result: string; because: string }[]
    problem: { code: string } | null
    after: { verdict: string } | null
  }[]
}

const sick = 'pc-sick.corp.example'
const well = 'pc-well.corp.example'
const fleet = [
  { name: sick, scenario: 'win11-pro-notification' },
  { name: well, scenario: 'win10-pro-grace' },
] as const

/** Each fault, how the machine is reached, and what status says of it. */
const faults: readonly (readonly [string, Fault, 'http' | 'https', string])[] = [
  ['nothing listens', { kind: 'refused' }, 'http', 'WINRM_UNREACHABLE'],
  ['slower than the time limit', { kind: 'slow', ms: 20_000 }, 'http', 'WINRM_SLOW'],
  ['an answer in crumbs', { kind: 'drip', bytes: 1, ms: 200 }, 'http', 'WINRM_SLOW'],
  ['every answer cut', { kind: 'cut' }, 'http', 'WINRM_CUT'],
  ['the logon refused', { kind: 'access-denied', how: 'logon' }, 'http', 'WINRM_LOGON_FAILED'],
  ['every operation refused', { kind: 'access-denied', how: 'fault' }, 'http', 'WINRM_ACCESS_DENIED'],
  ['a certificate that ran out', { kind: 'certificate', how: 'expired' }, 'https', 'WINRM_CERTIFICATE'],
  ['a certificate of another name', { kind: 'certificate', how: 'other-name' }, 'https', 'WINRM_CERTIFICATE'],
  ['a certificate of an unknown authority', { kind: 'certificate', how: 'unknown-authority' }, 'https', 'WINRM_CERTIFICATE'],
  ['no XML', { kind: 'garbage', how: 'not-xml' }, 'http', 'WINRM_GARBAGE'],
  ['no HTTP', { kind: 'garbage', how: 'not-http' }, 'http', 'WINRM_GARBAGE'],
  ['a page of a proxy', { kind: 'garbage', how: 'html' }, 'http', 'WINRM_GARBAGE'],
  ['a huge answer', { kind: 'huge', bytes: 16 * 1024 * 1024 }, 'http', 'WINRM_TOO_LARGE'],
  ['a seal that does not fit', { kind: 'wrong-seal' }, 'http', 'WINRM_SEAL'],
]

describe('a machine that fails is its own Problem, in time, and the others are not touched by it', () => {
  for (const [why, fault, transport, code] of faults)
    test(why, async () => {
      const s = await stage({ machines: fleet, https: transport === 'https' }, transport)
      try {
        await s.lab.fault(sick, fault)
        const began = performance.now()
        const ran = await s.slmctl('status', sick, well, '--json', '--timeout', '1')
        const took = performance.now() - began
        const answer = JSON.parse(ran.out) as Status
        const problem = answer.machines.find((m) => m.name === sick)!.problem
        assert.equal(problem?.code, code, problem?.summary ?? 'a problem')
        assert.ok(problem!.next.length > 0, 'a next step')
        assert.equal(answer.machines.find((m) => m.name === well)!.machine?.verdict, 'action')
        assert.equal(ran.code, 2)
        assert.ok(took < 20_000, `${took} ms`)
        // Changing it: the machine that fails gets no call, the other is brought to what is wished.
        const applied = await s.slmctl('apply', sick, well, '--yes', '--json', '--timeout', '1')
        assert.equal(applied.code, 2)
        assert.deepEqual(methods(s.lab, sick), [])
        assert.deepEqual(methods(s.lab, well), ['Activate'])
      } finally {
        await s.close()
      }
    })
  test('a quota that is used up for a moment is waited for', async () => {
    const s = await stage({ machines: fleet })
    try {
      await s.lab.fault(sick, { kind: 'quota', times: 3 })
      const ran = await s.slmctl('status', sick, '--json')
      assert.equal((JSON.parse(ran.out) as Status).machines[0]!.machine?.verdict, 'action')
    } finally {
      await s.close()
    }
  })
})

describe('nothing is done twice', () => {
  const run = async (fault: Fault) => {
    const s = await stage({ machines: fleet })
    await s.lab.fault(sick, fault)
    const ran = await s.slmctl('apply', sick, well, '--yes', '--json', '--timeout', '2')
    const applied = JSON.parse(ran.out) as Applied
    return { s, ran, applied, outcome: applied.machines.find((m) => m.name === sick)! }
  }
  test('the answer of a call that was done is lost: the machine is asked, and it holds', async () => {
    const { s, outcome } = await run({ kind: 'lost', when: 'after', on: 'call', times: 1 })
    try {
      assert.equal(outcome.result, 'changed')
      assert.deepEqual(
        outcome.steps.map((x) => x.result),
        ['held'],
      )
      assert.equal(outcome.after?.verdict, 'ok')
      assert.deepEqual(methods(s.lab, sick), ['Activate'])
    } finally {
      await s.close()
    }
  })
  test('a call that was not done gets no answer: not repeated, said so, and --resume goes on', async () => {
    const { s, outcome, ran } = await run({ kind: 'lost', when: 'before', on: 'call', times: 1 })
    try {
      assert.equal(outcome.result, 'unknown')
      assert.equal(outcome.problem?.code, 'CALL_UNANSWERED')
      assert.equal(ran.code, 2)
      assert.equal(methods(s.lab, sick).length, 0)
      const again = JSON.parse((await s.slmctl('apply', '--resume', '--yes', '--json')).out) as Applied
      assert.deepEqual(
        again.machines.map((m) => [m.name, m.result]),
        [[sick, 'changed']],
      )
      assert.deepEqual(methods(s.lab, sick), ['Activate'])
      assert.deepEqual(methods(s.lab, well), ['Activate'], 'the other machine was finished and is not touched again')
    } finally {
      await s.close()
    }
  })
  test('a reboot between two calls: what was done is found done', async () => {
    const s = await stage({ machines: [{ name: sick, scenario: 'wrong-host' }] })
    try {
      await s.lab.fault(sick, { kind: 'reboot', on: 'call', after: 1, ms: 300 })
      const applied = JSON.parse((await s.slmctl('apply', sick, '--yes', '--json', '--timeout', '2')).out) as Applied
      assert.equal(applied.machines[0]!.result, 'changed', JSON.stringify(applied.machines[0]))
      assert.deepEqual(methods(s.lab, sick), ['SetKeyManagementServiceMachine', 'Activate'])
    } finally {
      await s.close()
    }
  })
})

test('a wrong password is tried at two machines, not at all: the account is not locked', async () => {
  const s = await stage({
    machines: Array.from({ length: 12 }, (_, i) => ({ name: `pc-${i}.corp.example`, scenario: 'win10-pro-oem' as const })),
  })
  try {
    writeFileSync(join(s.directory, 'lab.password'), 'wrong', { mode: 0o600 })
    const answer = JSON.parse((await s.slmctl('status', '--all', '--json')).out) as Status
    const codes = answer.machines.map((m) => m.problem?.code)
    assert.equal(codes.filter((c) => c === 'WINRM_LOGON_FAILED').length, 2)
    assert.equal(codes.filter((c) => c === 'CREDENTIAL_REFUSED').length, 10)
    assert.equal(
      s.lab.machines.reduce((n, m) => n + s.lab.requests(m.name).refusedLogons, 0),
      2,
    )
  } finally {
    await s.close()
  }
})

test('machines that accept a connection and say nothing keep no other waiting', async () => {
  const silent = Array.from({ length: 12 }, (_, i) => ({ name: `pc-0${i}.corp.example`, scenario: 'win10-pro-oem' as const }))
  const s = await stage({ machines: [...silent, { name: well, scenario: 'win10-pro-oem' }] })
  try {
    for (const m of silent) await s.lab.fault(m.name, { kind: 'slow', ms: 60_000 })
    const began = performance.now()
    const answer = JSON.parse((await s.slmctl('status', '--all', '--json', '--timeout', '1')).out) as Status
    assert.equal(answer.machines.find((m) => m.ok)?.name, well)
    assert.equal(answer.machines[0]!.name, well, 'it answers before the silent ones are given up')
    assert.ok(performance.now() - began < 8000)
  } finally {
    await s.close()
  }
})
