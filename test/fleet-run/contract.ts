/**
 * What campaigns promise, with workers as processes of their own over the real wire, on either kind of store: who is worked on, how
 * many at once, when, how often, and where it stops.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import type { MachineOption } from '../../src/lab.ts'
import type { Place } from '../../src/store.ts'
import type { Server } from '../store/postgres-server.ts'
import {
  campaign,
  differing,
  finished,
  type LabHost,
  labHost,
  leaseMs,
  leftOf,
  newest,
  outcomesOf,
  over,
  pause,
  planned,
  postgres,
  type Running,
  type Stage,
  some,
  stateOf,
  targetsOf,
  until,
} from './stage.ts'

const kinds = ['SQLite', 'PostgreSQL'] as const

/** Machines of these tests by what they are for; those that are changed exist once for each kind of store. */
const well: readonly MachineOption['scenario'][] = [
  ...(['win11-enterprise-office-2021', 'win10-education-kms', 'server-2022-kms', 'win10-pro-oem', 'win7-enterprise-kms'] as const),
]
const machines = [
  ...well.flatMap((scenario, i) => some(`all${i}`, 24, scenario)),
  ...kinds.flatMap((kind) => ['rate', 'canary', 'sleep'].flatMap((p) => some(`${p}-${kind.toLowerCase()}`, 24, 'win11-pro-notification'))),
]

let lab: LabHost
let server: Server
before(async () => {
  ;[lab, server] = await Promise.all([labHost({ seed: 3, machines, answerAfterMs: 20 }), postgres()])
})
after(async () => {
  await lab?.close()
  server?.remove()
})

/** Whether somebody is in the middle of writing the file of a store. */
function isHeld(place: Place): boolean {
  if (!('file' in place)) return false
  const file = new DatabaseSync(place.file, { timeout: 0 })
  try {
    file.exec('begin immediate; rollback')
    return false
  } catch {
    return true
  } finally {
    file.close()
  }
}
const endedBy = (worker: Running) => worker.out().split('\n').length - 1
const worker = (on: Stage, ...argv: string[]) => on.begin(['worker', '--json', '--parallel', '16', ...argv])

for (const kind of kinds)
  describe(`campaigns on ${kind}`, () => {
    test('three workers share a scan; what may go on at once in all, and at a location, holds over all of them', async () => {
      await over(
        { lab, server },
        kind,
        'all',
        async (on, names) => {
          const id = await campaign(on, 'scan', '--at-once', '8')
          const workers = [worker(on), worker(on), worker(on)]
          await finished(on, id)
          const seen = await lab.seen()
          assert.equal(seen.machines.length, names.length)
          assert.ok(seen.most <= 8 && seen.most > 4, `${seen.most} at once`)
          assert.ok((seen.mostAt.berlin ?? 0) <= 3, `${seen.mostAt.berlin} at once in Berlin`)
          assert.equal(seen.mostOfOne, 1)
          const targets = await targetsOf(on.store, id)
          assert.ok(targets.every((t) => t.state === 'done' && t.attempts === 1 && t.result))
          assert.deepEqual(await differing(on, names), [])
          for (const one of workers) assert.ok(endedBy(one) > 0, 'a worker that got nothing')
          assert.equal(
            workers.reduce((n, one) => n + endedBy(one), 0),
            names.length,
          )
        },
        { site: (text) => text.replace('berlin: {', 'berlin: { at-once: 3,') },
      )
    })

    test('one machine, one campaign: two scans of the same machines never meet at one', async () => {
      await over({ lab, server }, kind, 'all0', async (on, names) => {
        const ids = [await campaign(on, 'scan'), await campaign(on, 'scan')]
        const workers = [worker(on), worker(on)]
        for (const id of ids) await finished(on, id)
        const seen = await lab.seen()
        assert.equal(seen.mostOfOne, 1)
        for (const id of ids) assert.equal((await leftOf(on, id)).done, names.length)
        assert.equal(
          workers.reduce((n, one) => n + endedBy(one), 0),
          2 * names.length,
        )
      })
    })

    test('a plan is carried out by workers, no faster than its rate of activations', async () => {
      await over({ lab, server }, kind, `rate-${kind.toLowerCase()}`, async (on, names) => {
        const plans = await planned(on)
        const everyMs = 250
        const began = performance.timeOrigin + performance.now()
        const id = await campaign(on, 'apply', '--plans', plans, '--rate', String(60_000 / everyMs))
        worker(on)
        worker(on)
        await finished(on, id)
        const { activations } = await lab.seen()
        assert.equal(activations.length, names.length)
        // The n-th activation has its place at n times the gap after the first, whoever sends it.
        for (const [n, at] of activations.entries()) assert.ok(at >= began + n * everyMs - 5, `activation ${n} after ${at - began} ms`)
        const outcomes = await outcomesOf(on.store, id)
        assert.equal(outcomes.length, names.length)
        assert.ok(outcomes.every((o) => o.result === 'changed' && o.verdict === 'ok' && o.steps.length > 0))
        assert.deepEqual(await differing(on, names), [])
      })
    })

    test('a worker with locations takes machines of these, and no others', async () => {
      await over({ lab, server }, kind, 'all', async (on, names) => {
        const id = await campaign(on, 'scan')
        worker(on, '--serves', 'munich,remote')
        const away = lab.machines.filter((m) => names.includes(m.name) && ['berlin', 'hamburg'].includes(m.place)).length
        await until('the others are left', async () => (await leftOf(on, id)).untried === away)
        await pause(500)
        assert.deepEqual(Object.keys((await lab.seen()).mostAt).sort(), ['munich', 'remote'])
        worker(on, '--serves', 'berlin,hamburg')
        await finished(on, id)
        assert.equal((await lab.seen()).machines.length, names.length)
      })
    })

    test('nothing is asked outside the window', async () => {
      await over({ lab, server }, kind, 'all1', async (on, names) => {
        const clock = join(on.folder, 'clock')
        const tomorrow = Math.floor(Date.now() / 86_400_000 + 1) * 86_400_000
        const set = (at: number) => writeFileSync(clock, `${at - Date.now()} 1 0`)
        set(tomorrow + 2.9 * 3_600_000)
        const id = await campaign(on, 'scan', '--between', '03:00-04:00', '--time-zone', 'UTC')
        on.begin(['worker'], { clock })
        await pause(2500)
        assert.deepEqual((await lab.seen()).machines, [])
        set(tomorrow + 3.1 * 3_600_000)
        await finished(on, id)
        assert.equal((await lab.seen()).machines.length, names.length)
      })
    })

    test('machines that are off are tried again, with growing gaps, for as long as was said', async () => {
      await over({ lab, server }, kind, 'all2', async (on, names) => {
        const [back, gone] = [names.slice(0, 3), names.slice(3, 6)]
        await lab.absent([...back, ...gone], 'refused')
        try {
          // An hour passes in twelve seconds; 1 + 5 + 15 minutes are within 24, and 30 more are not.
          const clock = join(on.folder, 'clock')
          writeFileSync(clock, `0 300 ${Date.now()}`)
          const id = await campaign(on, 'scan', '--retry-for', '0.4')
          on.begin(['worker'], { clock })
          const due = new Map<string, Map<number, number>>()
          await until('the campaign ends', async () => {
            for (const t of await targetsOf(on.store, id)) {
              if (t.state === 'waiting' && t.attempts > 0) due.set(t.name, (due.get(t.name) ?? new Map()).set(t.attempts, t.dueAt))
              if (t.state === 'waiting' && t.attempts === 2 && back.includes(t.name)) await lab.absent([t.name], null)
            }
            return (await stateOf(on.store, id)) === 'finished'
          })
          const targets = new Map((await targetsOf(on.store, id)).map((t) => [t.name, t]))
          for (const name of back) assert.deepEqual([targets.get(name)!.state, targets.get(name)!.attempts], ['done', 3], name)
          for (const name of gone) {
            const { state, attempts, result } = targets.get(name)!
            assert.deepEqual([state, attempts, result], ['failed', 4, 'unreachable'], name)
            const at = due.get(name)!
            // The first gap may be over before anybody looked.
            if (at.has(1)) assert.ok(at.get(2)! - at.get(1)! >= 5 * 60_000 * 0.9, `${name}: the second gap`)
            assert.ok(at.get(3)! - at.get(2)! >= 15 * 60_000 * 0.9, `${name}: the third gap`)
          }
          assert.equal((await leftOf(on, id)).done, names.length - gone.length)
        } finally {
          await lab.absent([...back, ...gone], null)
        }
      })
    })

    test('stopped, gone on with, cancelled', async () => {
      await over({ lab, server }, kind, 'all', async (on, names) => {
        const id = await campaign(on, 'scan', '--at-once', '6')
        worker(on)
        const some = async () => (await leftOf(on, id)).done > 5
        await until('some are done', some)
        await on.slmctl([0], 'fleet', 'stop', String(id))
        await until('what was under way has ended', async () => (await leftOf(on, id)).leased === 0)
        const { done, untried } = await leftOf(on, id)
        assert.ok(done + untried === names.length && untried > 0, `${done} done, ${untried} not begun`)
        await pause(700)
        assert.equal((await leftOf(on, id)).done, done, 'nothing goes on while it is stopped')
        await on.slmctl([0], 'fleet', 'resume', String(id), '--by-workers')
        await until('it goes on', async () => (await leftOf(on, id)).done > done + 5)
        await on.slmctl([0], 'fleet', 'cancel', String(id))
        await until('what was under way has ended', async () => (await leftOf(on, id)).leased === 0)
        const end = await leftOf(on, id)
        assert.ok(end.cancelled > 0 && end.done + end.cancelled === names.length, JSON.stringify(end))
        assert.equal(await stateOf(on.store, id), 'cancelled')
      })
    })

    test('a scan that was killed, cancelled or not, keeps no machine from the next one', async () => {
      await over({ lab, server }, kind, 'all3', async (on, names) => {
        for (const cancelled of [false, true]) {
          const killed = on.begin(['fleet', 'scan', '--parallel', '8'])
          await until(
            'it is in the middle',
            async () => (await newest(on.store))?.state === 'running' && (await leftOf(on, (await newest(on.store)).id)).leased > 3,
          )
          const { id } = await newest(on.store)
          await killed.kill('SIGKILL')
          const { leased } = await leftOf(on, id)
          assert.ok(leased > 0, 'it held machines')
          if (cancelled) await on.slmctl([0], 'fleet', 'cancel', String(id))
          await on.slmctl([0, 1], 'fleet', 'scan')
          assert.equal((await leftOf(on, (await newest(on.store)).id)).done, names.length)
          const left = await leftOf(on, id)
          assert.equal(left.leased, 0)
          if (cancelled) assert.equal(left.cancelled + left.done, names.length)
        }
      })
    })

    test('the share that goes first stops a campaign whose calls fail, and nobody else is touched', async () => {
      await over({ lab, server }, kind, `canary-${kind.toLowerCase()}`, async (on, names) => {
        const plans = await planned(on)
        await lab.fault(names, { kind: 'lost', when: 'before', on: 'call' })
        await lab.reset()
        const id = await campaign(on, 'apply', '--plans', plans, '--canary', '4', '--stop-above', '10%')
        worker(on)
        await until('it is stopped', async () => (await stateOf(on.store, id)) === 'stopped')
        await until('what was under way has ended', async () => (await leftOf(on, id)).leased === 0)
        assert.match((await on.store.campaigns({ id, limit: 1 }))[0]!.because!, /went first/)
        const touched = (await lab.seen()).machines.length
        assert.ok(touched >= 1 && touched <= 4, `${touched} machines were touched`)
      })
    })

    test('a worker that sleeps for longer than its lease sends nothing more, and what it held is done by another', async () => {
      await over({ lab, server }, kind, `sleep-${kind.toLowerCase()}`, async (on, names) => {
        const plans = await planned(on)
        const id = await campaign(on, 'apply', '--plans', plans)
        const sleeper = on.begin(['worker', '--parallel', '12'], { state: join(on.folder, 'elsewhere') })
        await until('it is in the middle', async () => (await leftOf(on, id)).leased > 5)
        await pause(150)
        // Not while it holds the file of SQLite: nobody could write then, whatever a lease says, and everybody would wait for it.
        for (sleeper.child.kill('SIGSTOP'); isHeld(on.place); sleeper.child.kill('SIGSTOP')) {
          sleeper.child.kill('SIGCONT')
          await pause(7)
        }
        const other = on.begin(['worker', '--parallel', '12'])
        await pause(2 * leaseMs)
        await finished(on, id)
        const { repeated } = await lab.counts()
        sleeper.child.kill('SIGCONT')
        await pause(leaseMs)
        assert.deepEqual((await lab.counts()).repeated, repeated)
        assert.equal(repeated, 0)
        const calls = await lab.calls()
        for (const name of names) assert.ok((calls[name] ?? []).filter((c) => c.result === 0).length === 1, `${name} was activated once`)
        for (const one of [sleeper, other]) {
          one.child.kill('SIGTERM')
          assert.equal(await one.ended, 0, one.err())
        }
        const targets = await targetsOf(on.store, id)
        assert.ok(targets.every((t) => t.state === 'done' && t.result === 'changed'))
        assert.deepEqual(await differing(on, names), [])
      })
    })
  })
