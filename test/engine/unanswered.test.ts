/** Calls without an answer, and a journal that another has by now: what is sent again, and how often. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { applyMachine, type Entry, leaseLost, type MachineJournal, type MachineOutcome, toldMachine } from '../../src/engine.ts'
import { methods, type Stage, stage } from '../journeys/lab.ts'
import { step } from './step.ts'
import { none, pc, planOf, surroundings } from './surroundings.ts'

const at = (index: number, attempt = 0) => ({ machine: pc, attempt, index })
const activate = step('Activate', { key: { ID: 'x' }, host: { name: 'kms1.corp.example', port: 1688 } })
const about = (index: number, what = activate): Entry => ({ kind: 'about', ...at(index), step: what, before: [] })
const did = (index: number, result: Extract<Entry, { kind: 'did' }>['result']): Entry => ({
  ...{ kind: 'did', ...at(index), result, returnValue: null, because: '' },
})

describe('what the entries of a machine tell', () => {
  test('a call without an end is open; sent again, the first one is counted', () => {
    const once = toldMachine([{ kind: 'begin', machine: pc }, about(0)])
    assert.deepEqual([once.open?.step, once.unanswered.length], [activate, 0])
    const twice = toldMachine([about(0), did(0, 'unknown'), about(1), did(1, 'unknown')])
    assert.deepEqual([twice.open?.step, twice.unanswered], [activate, [activate]])
  })
  test('an end that is known counts no longer, whether it was learned at once or later', () => {
    for (const end of ['done', 'held', 'failed'] as const) {
      const told = toldMachine([about(0), did(0, 'unknown'), did(0, end)])
      assert.deepEqual([told.open, told.unanswered], [null, []])
      assert.deepEqual(toldMachine([about(0), did(0, 'unknown'), about(1), did(1, end)]).unanswered, [activate])
    }
  })
  test('what was refused before it was sent closes only itself', () => {
    assert.equal(toldMachine([about(0), did(0, 'refused')]).open, null)
    assert.equal(toldMachine([about(0), did(0, 'unknown'), did(1, 'refused')]).open?.step, activate)
  })
})

/** A journal in memory, as a store keeps one; `allow` may refuse an entry. */
function memory(entries: Entry[], allow: (entry: Entry) => void = () => {}, more: Partial<MachineJournal> = {}): MachineJournal {
  return {
    write: async (entry) => {
      allow(entry)
      entries.push(entry)
    },
    hold: () => () => {},
    ...more,
  }
}

async function on(scenario: 'wrong-host' | 'win11-pro-notification', use: (s: Stage) => Promise<void>): Promise<void> {
  const s = await stage({ machines: [{ name: pc, scenario }] })
  try {
    await use(s)
  } finally {
    await s.close()
  }
}
const ended = (o: MachineOutcome) => [o.result, o.problem?.code ?? null]

describe('a call without an answer', () => {
  for (const lost of [1, 2, 3])
    test(`swallowed ${lost} times: tried once more and not a third time`, () =>
      on('win11-pro-notification', async (s) => {
        await s.lab.fault(pc, { kind: 'lost', when: 'before', on: 'call', times: lost })
        const env = surroundings(s)
        const plan = await planOf(env)
        const entries: Entry[] = []
        const again = () => {
          const told = toldMachine(entries)
          return applyMachine(plan, env, memory(entries, undefined, { goesOn: 'slmctl fleet resume 7' }), { ...none, told })
        }
        const first = await again()
        assert.deepEqual(ended(first), ['unknown', 'CALL_UNANSWERED'])
        assert.match(first.problem!.next[0]!, /^slmctl fleet resume 7 asks/)
        if (lost === 1) {
          assert.deepEqual(ended(await again()), ['changed', null])
          assert.deepEqual(methods(s.lab, pc), ['Activate'])
          return
        }
        assert.deepEqual(ended(await again()), ['unknown', 'CALL_UNANSWERED'])
        for (let more = 0; more < 2; more++) assert.deepEqual(ended(await again()), ['unknown', 'CALL_NOT_REPEATED'])
        assert.equal(s.lab.calls(pc).length, 2)
        assert.deepEqual(methods(s.lab, pc), [])
      }))

  test('done twice and heard of neither time: found done, and nothing is sent again', () =>
    on('win11-pro-notification', async (s) => {
      const env = surroundings(s)
      const plan = await planOf(env)
      const entries: Entry[] = []
      // Killed after the call: what the machine was asked then is not known to anybody.
      const killed = memory(entries, (entry) => {
        if (entry.kind === 'did' || entry.kind === 'end') throw leaseLost(pc)
      })
      assert.deepEqual(ended(await applyMachine(plan, env, killed, none)), ['interrupted', 'LEASE_LOST'])
      const last = await applyMachine(plan, env, memory(entries), { ...none, told: toldMachine(entries) })
      assert.deepEqual([last.result, last.steps.map((x) => x.result)], ['changed', ['held']])
      assert.deepEqual(methods(s.lab, pc), ['Activate'])
    }))

  test('apply --resume sends nothing a third time either, and says what to do', () =>
    on('win11-pro-notification', async (s) => {
      await s.lab.fault(pc, { kind: 'lost', when: 'before', on: 'call', times: 5 })
      await s.slmctl('apply', pc, '--yes')
      await s.slmctl('apply', '--resume', '--yes')
      const third = await s.slmctl('apply', '--resume', '--yes')
      assert.equal(third.code, 2)
      assert.match(third.out, /CALL_NOT_REPEATED/)
      assert.match(third.out, /slmctl plan pc-1/)
      assert.equal(s.lab.calls(pc).length, 2)
    }))
})

describe('a machine that another has by now', () => {
  test('whichever entry is refused: nothing further is sent, and the result is not the machine’s failure', () =>
    on('wrong-host', async (s) => {
      const env = surroundings(s)
      const plan = await planOf(env)
      const refusing = async (nth: number) => {
        const entries: Entry[] = []
        let left = nth
        const refuses = memory(entries, () => {
          if (left-- <= 0) throw leaseLost(pc)
        })
        const before = s.lab.calls(pc).length
        const outcome = await applyMachine(plan, env, refuses, none)
        return [...ended(outcome), s.lab.calls(pc).length - before]
      }
      assert.deepEqual(await refusing(0), ['interrupted', 'LEASE_LOST', 0], 'begin')
      assert.deepEqual(await refusing(1), ['interrupted', 'LEASE_LOST', 0], 'about')
      assert.deepEqual(await refusing(2), ['interrupted', 'LEASE_LOST', 1], 'did: the answer came')
    }))

  test('a call is out and its end cannot be written: nobody here knows', () =>
    on('win11-pro-notification', async (s) => {
      await s.lab.fault(pc, { kind: 'lost', when: 'before', on: 'call', times: 1 })
      const env = surroundings(s)
      const plan = await planOf(env)
      const entries: Entry[] = []
      const refuses = memory(entries, (entry) => {
        if (entry.kind === 'did') throw leaseLost(pc)
      })
      assert.deepEqual(ended(await applyMachine(plan, env, refuses, none)), ['unknown', 'LEASE_LOST'])
      const nothing = memory([], () => {
        throw leaseLost(pc)
      })
      assert.deepEqual(ended(await applyMachine(plan, env, nothing, { ...none, told: toldMachine(entries) })), ['unknown', 'LEASE_LOST'])
      const last = await applyMachine(plan, env, memory(entries), { ...none, told: toldMachine(entries) })
      assert.deepEqual(ended(last), ['changed', null])
      assert.deepEqual(methods(s.lab, pc), ['Activate'])
    }))

  for (const written of [true, false])
    test(`it was lost while the entry was written: nothing is sent, and whoever has it next goes on${written ? '' : ', though nothing more could be written'}`, () =>
      on('wrong-host', async (s) => {
        const env = surroundings(s)
        const plan = await planOf(env)
        const entries: Entry[] = []
        let still = true
        const slow = memory(
          entries,
          (entry) => {
            if (!still && !written) throw leaseLost(pc)
            if (entry.kind === 'about') still = false
          },
          { mayStill: () => still },
        )
        assert.deepEqual(ended(await applyMachine(plan, env, slow, none)), ['interrupted', 'LEASE_LOST'])
        assert.equal(s.lab.calls(pc).length, 0)
        const told = toldMachine(entries)
        assert.equal(told.open === null, written)
        const last = await applyMachine(plan, env, memory(entries), { ...none, told })
        assert.deepEqual(ended(last), ['changed', null])
        assert.deepEqual(methods(s.lab, pc), ['SetKeyManagementServiceMachine', 'Activate'])
      }))
})
