/** One machine by itself, as a campaign asks, plans and holds it. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { holdMachine, planOne, plansFor, readMachine } from '../../src/engine.ts'
import { ProblemError } from '../../src/model.ts'
import { stage } from '../journeys/lab.ts'
import { none, pc, silent, surroundings } from './surroundings.ts'

test('a machine is asked and judged, with what it is known by again; a board that does not tell is no failure', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'win11-pro-notification' }] })
  try {
    const asked: string[] = []
    let board: () => unknown = () => undefined
    const env = surroundings(s, (machine) => ({
      ...machine,
      ask: async (question) => {
        asked.push(question.class)
        const uuid = question.class === 'Win32_ComputerSystemProduct' ? board() : undefined
        const rows = await machine.ask(question)
        return uuid === undefined ? rows : [{ UUID: uuid as string }]
      },
    }))
    const read = async (identity: boolean) => {
      const result = await readMachine(pc, env, { identity })
      assert.ok(result.ok, JSON.stringify(result))
      return result.value
    }
    const { judged, identity } = await read(true)
    assert.equal(judged.machine.verdict, 'action')
    assert.match(identity.uuid!, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    assert.equal(identity.cmid, String(s.lab.state(pc).service.ClientMachineID).toLowerCase())

    asked.length = 0
    assert.deepEqual((await read(false)).identity, { uuid: null, cmid: identity.cmid })
    assert.ok(!asked.includes('Win32_ComputerSystemProduct'))

    board = () => 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'
    assert.equal((await read(true)).identity.uuid, null)
    for (const code of ['WINRM_FAULT', 'WINRM_UNREACHABLE']) {
      board = () => {
        throw silent(code)
      }
      const without = await read(true)
      assert.deepEqual(without.identity, { uuid: null, cmid: identity.cmid })
      assert.deepEqual(without.judged.findings, judged.findings, 'nothing is said of a question that decides nothing')
    }
  } finally {
    await s.close()
  }
})

test('a machine that cannot be asked is its own Problem; a plan of one machine is the plan of many', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'wrong-host' }] })
  try {
    const env = surroundings(s)
    const one = await planOne(pc, env, none)
    assert.ok(one.ok && one.value.steps.length > 0)
    const many = []
    for await (const named of plansFor([pc], env, none)) many.push(named)
    assert.deepEqual(many, [{ name: pc, result: one }])
    const gone = { ...env, open: () => Promise.reject(silent('WINRM_UNREACHABLE')) }
    for (const result of [await readMachine(pc, gone, { identity: true }), await planOne(pc, gone, none)])
      assert.equal(!result.ok && result.problem.code, 'WINRM_UNREACHABLE')
  } finally {
    await s.close()
  }
})

test('a machine is held by one at a time, whatever its name is written like', () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'slmctl-hold-')), 'held')
  try {
    const letGo = holdMachine(folder, pc)
    const other = holdMachine(folder, 'pc-2.corp.example')
    assert.throws(
      () => holdMachine(folder, 'PC-1.corp.example.'),
      (error) => error instanceof ProblemError && error.problems[0]?.code === 'MACHINE_IN_USE',
    )
    letGo()
    holdMachine(folder, pc)()
    other()
    assert.deepEqual(readdirSync(folder), [])
  } finally {
    rmSync(join(folder, '..'), { recursive: true, force: true })
  }
})
