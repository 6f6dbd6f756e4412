/** Campaigns while the world is not as it should be: the database away, a disk full, clocks set, machines off, moved and doubled. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Server } from '../store/postgres-server.ts'
import {
  campaign,
  differing,
  finished,
  type LabHost,
  labHost,
  leftOf,
  newest,
  over,
  pause,
  planned,
  postgres,
  type Stage,
  some,
  startAgain,
  targetsOf,
  until,
} from './stage.ts'

/** So many machines of these tests are off, of ten. */
const offOfTen = 3
const machines = [
  ...some('well', 200, 'win10-enterprise-office-2019'),
  ...some('clock', 60, 'wrong-host'),
  ...some('full', 60, 'wrong-host'),
]

let lab: LabHost
let server: Server
before(async () => {
  ;[lab, server] = await Promise.all([labHost({ seed: 5, machines, answerAfterMs: 15 }), postgres()])
})
after(async () => {
  await lab?.close()
  server?.remove()
})

const doneOf = async (on: Stage, id: number) => (await leftOf(on, id)).done

test('the database is away for a while: workers wait, and the campaign ends', async () => {
  await over({ lab, server }, 'PostgreSQL', 'well', async (on, names) => {
    const id = await campaign(on, 'scan')
    const workers = [on.begin(['worker', '--parallel', '6']), on.begin(['fleet', 'resume', String(id), '--parallel', '6'])]
    await until('it is in the middle', async () => (await doneOf(on, id)) > 20)
    server.stop('immediate')
    await pause(12_000)
    await startAgain(server)
    await finished(on, id)
    assert.equal(workers[0]!.child.exitCode, null, workers[0]!.err())
    assert.equal(await workers[1]!.ended, 0, workers[1]!.err())
    const targets = await targetsOf(on.store, id)
    assert.ok(targets.every((t) => t.state === 'done'))
    assert.deepEqual(await differing(on, names), [])
    await on.store.check()
  })
})

test('the clock of a worker is set forwards and backwards by days: nobody loses a machine, and nothing is sent twice', async () => {
  await over({ lab, server }, 'PostgreSQL', 'clock', async (on, names) => {
    const clock = join(on.folder, 'clock')
    const id = await campaign(on, 'apply', '--plans', await planned(on), '--at-once', '8')
    on.begin(['worker'], { clock })
    on.begin(['worker'])
    const day = 86_400_000
    const ended = async () => {
      const { done, failed } = await on.store.left({ campaign: id, upTo: null, sites: null })
      return done + failed
    }
    for (const [after, ahead] of [
      [4, 1],
      [24, -1],
      [32, 1.5],
      [48, -30],
    ] as const) {
      await until('some more have ended', async () => (await ended()) >= after)
      writeFileSync(clock, `${ahead * day} 1 0`)
    }
    await finished(on, id)
    const targets = await targetsOf(on.store, id)
    // A worker whose clock jumps while it holds a machine may have slept: it gives the machine back, and that is another attempt.
    assert.deepEqual(
      targets.filter((t) => t.attempts > 2).map((t) => [t.name, t.attempts]),
      [],
    )
    // To a worker whose clock is wrong every machine's clock is, and such a machine is not activated; it says so.
    const refused = targets.filter((t) => t.result !== 'changed')
    for (const t of refused) assert.deepEqual([t.state, t.result, t.problem], ['failed', 'refused', 'CLOCK_DIFFERENCE'], t.name)
    assert.ok(refused.length > 0)
    if (refused.length > 0) {
      // The workers take up the next campaign, too: somebody has set the clock right.
      writeFileSync(clock, '0 1 0')
      await pause(200)
      await on.slmctl([0, 1], 'fleet', 'apply', '--yes')
      assert.equal(await doneOf(on, (await newest(on.store)).id), refused.length)
    }
    assert.equal((await lab.counts()).repeated, 0)
    assert.deepEqual(await differing(on, names), [])
  })
})

test('a worker whose clock is a month ahead takes over what a killed one held, and leaves it to be done today', async () => {
  await over({ lab, server }, 'PostgreSQL', 'well-1', async (on, names) => {
    const clock = join(on.folder, 'clock')
    writeFileSync(clock, `${30 * 86_400_000} 1 0`)
    const id = await campaign(on, 'scan')
    const killed = on.begin(['worker', '--parallel', '12'])
    await until('it is in the middle', async () => (await doneOf(on, id)) > 3)
    await killed.kill()
    const held = (await on.store.leases(id)).reduce((n, l) => n + l.machines, 0)
    assert.ok(held > 0)
    const ahead = on.begin(['worker', '--serves', '-'], { clock })
    await until('it takes back what was held', async () => (await on.store.leases(id)).length === 0)
    await ahead.kill('SIGTERM')
    on.begin(['worker'])
    await finished(on, id)
    assert.equal(await doneOf(on, id), names.length)
  })
})

test('three machines of ten are off: each is told as not reached, and the others are all there', async () => {
  await over({ lab, server }, 'SQLite', 'well', async (on, names) => {
    const off = names.filter((_, i) => i % 10 < offOfTen)
    await lab.absent(
      off.filter((_, i) => i % 5 !== 0),
      'refused',
    )
    await lab.absent(
      off.filter((_, i) => i % 5 === 0),
      'unknown',
    )
    try {
      await on.slmctl([2], 'fleet', 'scan', '--parallel', '24')
      const { id } = await newest(on.store)
      const targets = new Map((await targetsOf(on.store, id)).map((t) => [t.name, t]))
      for (const name of names) {
        const { state, result, problem } = targets.get(name)!
        if (off.includes(name)) {
          assert.deepEqual([state, result], ['failed', 'unreachable'], name)
          assert.match(problem ?? '', /^WINRM_(?:UNREACHABLE|NAME_UNKNOWN|CUT)$/)
        } else assert.equal(state, 'done', `${name} ${problem}`)
      }
      assert.deepEqual(
        await differing(
          on,
          names.filter((n) => !off.includes(n)),
        ),
        [],
      )
      // What was not seen is not told as lapsed.
      const { rows } = await on.store.list({}, { limit: 1000, after: null })
      for (const m of rows.filter((r) => off.includes(r.name))) assert.deepEqual([m.verdict, m.products], [null, []], m.name)
      await lab.absent(off, null)
      await on.slmctl([0, 1], 'fleet', 'scan', '--problem', 'any', '--parallel', '24')
      assert.deepEqual(await differing(on, names), [])
    } finally {
      await lab.absent(off, null)
    }
  })
})

test('machines that moved, and two that have one name', async () => {
  await over({ lab, server }, 'SQLite', 'well-1', async (on, names) => {
    const [moved, other] = [lab.machines.find((m) => m.name === names[0])!, lab.machines.find((m) => m.name === names[1])!]
    const where = (address: string) => [{ ...moved, address }, other, { ...other, name: other.name.toUpperCase() }]
    // Where it stood, somebody else answers by now: whoever has another name is not taken for it.
    await on.take(where(other.address === moved.address ? '127.99.0.9' : '127.21.255.1'), 'addresses')
    await on.slmctl([0, 1, 2], 'fleet', 'scan')
    const first = new Map((await targetsOf(on.store, (await newest(on.store)).id)).map((t) => [t.name, t]))
    assert.equal(first.get(moved.name)!.result, 'unreachable')
    assert.equal([...first.keys()].filter((n) => n === other.name).length, 1)
    await on.take(where(moved.address), 'addresses')
    await on.slmctl([0, 1], 'fleet', 'scan')
    const { id } = await newest(on.store)
    assert.equal(await doneOf(on, id), names.length)
    assert.deepEqual(await differing(on, names), [])
  })
})

test('the disk is full in the middle of an apply: said, nothing lost, nothing sent twice, and it goes on when there is room', async (t) => {
  const small = mkdtempSync(join(tmpdir(), 'slmctl-full-'))
  mkdirSync(small, { recursive: true })
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'none', small]).status !== 0) {
    rmSync(small, { recursive: true })
    t.skip('needs the right to mount')
    return
  }
  try {
    await over(
      { lab, server },
      'SQLite',
      'full',
      async (on, names) => {
        const plans = await planned(on)
        const id = await campaign(on, 'apply', '--plans', plans, '--at-once', '6')
        const state = mkdtempSync(join(tmpdir(), 'slmctl-state-'))
        const one = on.begin(['worker'], { state })
        await until('it is in the middle', async () => (await doneOf(on, id)) > 10)
        spawnSync('sh', ['-c', `head -c 64m /dev/zero > '${join(small, 'filler')}'`])
        assert.equal(await one.ended, 2)
        assert.match(one.err(), /STORE_(?:FULL|DISK)/)
        rmSync(join(small, 'filler'))
        const done = await doneOf(on, id)
        assert.ok(done < names.length)
        on.begin(['worker'], { state })
        await finished(on, id)
        for (const target of await targetsOf(on.store, id))
          assert.deepEqual([target.state, target.result], ['done', 'changed'], target.name)
        assert.equal((await lab.counts()).repeated, 0)
        assert.deepEqual(await differing(on, names), [])
        await on.store.check()
        rmSync(state, { recursive: true, force: true })
      },
      { folder: small },
    )
  } finally {
    execFileSync('umount', ['-l', small])
    rmSync(small, { recursive: true, force: true })
  }
})
