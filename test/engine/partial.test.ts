/** A machine of the lab that stops answering one question, or any: what is then said of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyMachine, beginJournal, collect, continueJournal, type StepResult, unfinishedJournal } from '../../src/engine.ts'
import { methods, stage } from '../journeys/lab.ts'
import { none, pc, planOf, silent, surroundings } from './surroundings.ts'

test('after a call the licences cannot be asked for: not known, never "failed"; and --resume asks again before it says anything', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'win11-pro-notification' }] })
  try {
    let broken = false
    const env = surroundings(s, (machine) => ({
      ...machine,
      ask: async (question) => {
        if (broken && question.class === 'SoftwareLicensingProduct') throw silent('WINRM_FAULT')
        return machine.ask(question)
      },
      call: async (call) => {
        const answer = await machine.call(call)
        broken = true
        return answer
      },
    }))
    const plan = await planOf(env)
    const journal = beginJournal(s.directory, new Date(), { plans: [plan], ...none, siteFile: null })
    const first = await applyMachine(plan, env, journal, none)
    journal.close()
    assert.deepEqual([first.result, first.steps.map((x) => x.result)], ['unknown', ['unknown'] satisfies StepResult[]])

    const again = async () => {
      const told = unfinishedJournal(s.directory, journal.id)!
      const next = continueJournal(s.directory, told)
      const outcome = await applyMachine(told.plans[0]!, env, next, { ...none, told: told.machines.get(pc)! })
      next.close()
      return outcome
    }
    assert.equal((await again()).result, 'unknown', 'still not answered: nothing is sent, nothing is called done')
    assert.deepEqual(methods(s.lab, pc), ['Activate'])
    broken = false
    const last = await again()
    assert.deepEqual([last.result, last.steps.map((x) => x.result), last.after?.verdict], ['changed', ['held'], 'ok'])
    assert.deepEqual(methods(s.lab, pc), ['Activate'])
  } finally {
    await s.close()
  }
})

test('a machine that is gone before its second step: nothing of it was sent, and --resume goes on with it', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'wrong-host' }] })
  try {
    let gone = false
    const env = surroundings(s, (machine) => ({
      ...machine,
      call: async (call) => {
        if (gone && call.method === 'Activate') throw silent('WINRM_UNREACHABLE')
        return machine.call(call)
      },
    }))
    const plan = await planOf(env)
    gone = true
    const journal = beginJournal(s.directory, new Date(), { plans: [plan], ...none, siteFile: null })
    const first = await applyMachine(plan, env, journal, none)
    journal.close()
    assert.deepEqual([first.result, first.problem?.code], ['unreachable', 'WINRM_UNREACHABLE'])
    gone = false
    const told = unfinishedJournal(s.directory, journal.id)!
    const next = continueJournal(s.directory, told)
    const last = await applyMachine(told.plans[0]!, env, next, { ...none, told: told.machines.get(pc)! })
    next.close()
    assert.equal(last.result, 'changed', JSON.stringify(last))
    assert.deepEqual(methods(s.lab, pc), ['SetKeyManagementServiceMachine', 'Activate'])
  } finally {
    await s.close()
  }
})

test('a journal that cannot be written: the machine’s outcome says so, and no call goes out', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'wrong-host' }] })
  try {
    const env = surroundings(s, (machine) => machine)
    const plan = await planOf(env)
    for (const writable of [0, 1, 2]) {
      const journal = beginJournal(s.directory, new Date(), { plans: [plan], ...none, siteFile: null })
      let left = writable
      const outcome = await applyMachine(
        plan,
        env,
        {
          ...journal,
          write: async (entry) => {
            if (left-- > 0) return journal.write(entry)
            throw silent('JOURNAL_NOT_WRITTEN')
          },
        },
        none,
      )
      journal.close()
      assert.equal(outcome.problem?.code, 'JOURNAL_NOT_WRITTEN')
      assert.notEqual(outcome.result, 'changed')
      assert.equal(s.lab.calls(pc).length, writable === 2 ? 1 : 0)
    }
  } finally {
    await s.close()
  }
})

test('a part of the answers that is lacking makes no part of a plan', async () => {
  const s = await stage({ machines: [{ name: pc, scenario: 'win11-pro-notification' }] })
  try {
    for (const [what, fails] of [
      ['the service', (name: string) => name === 'SoftwareLicensingService'],
      ['the licences', (name: string) => name === 'SoftwareLicensingProduct'],
      ['the suffix', (name: string) => name.includes('Tcpip')],
      ['the application’s host', (name: string) => name.includes('SoftwareProtectionPlatform')],
      ['the computer', (name: string) => name === 'Win32_ComputerSystem'],
    ] as const) {
      const env = surroundings(s, (machine) => ({
        ...machine,
        ask: async (question) => {
          if (fails(question.class)) throw silent('WINRM_FAULT')
          return machine.ask(question)
        },
        registry: async (question) => {
          if (fails(question.key)) throw silent('WINRM_FAULT')
          return machine.registry(question)
        },
      }))
      const machine = await env.open(pc)
      const { facts } = await collect(machine, env.clock)
      await machine.close()
      assert.ok(facts.unasked.length > 0, what)
      const plan = await planOf(env)
      assert.ok(plan.missing.length > 0 || plan.refused.length > 0, `${what}: ${JSON.stringify(plan)}`)
      assert.deepEqual(plan.steps, [], what)
    }
  } finally {
    await s.close()
  }
})
