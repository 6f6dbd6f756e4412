/**
 * `kill -9` in turn of whoever takes part in an apply campaign: the slmctl that began it, a worker, the database. Nothing that was
 * said is lost, no call is repeated whose effect holds, both stores are sound, and the campaign ends by itself.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import type { ScenarioId } from '../../src/lab.ts'
import type { Server } from '../store/postgres-server.ts'
import {
  differing,
  labHost,
  newest,
  outcomesOf,
  pause,
  postgres,
  type Running,
  type Stage,
  stage,
  startAgain,
  stateOf,
  targetsOf,
  until,
} from './stage.ts'

/** Kinds of machines on which something is to be done: one call or two. */
const kinds: readonly ScenarioId[] = [
  ...(['wrong-host', 'win11-pro-notification', 'outside-host', 'office-stale-key', 'impossible-time', 'win10-expired'] as const),
  ...(['ad-only-wrong', 'server-2012-r2-host-away', 'win10-mak-not-activated', 'cloud-host-on-desk'] as const),
]
/** Of so many machines one does a call and never answers; of so many one neither does it nor answers. */
const lostAfterEvery = 23
const lostBeforeEvery = 71
/** So many machines take long over every answer until the last kill: however fast the rest is done, each kill meets a campaign. */
const held = 10

/** The same every time: a failure is found again by it. */
function chance(seed: number): () => number {
  let a = seed
  return () => {
    a = (Math.imul(a, 1_664_525) + 1_013_904_223) | 0
    return (a >>> 8) / 2 ** 24
  }
}

type Wish = { readonly server: Server | null; readonly machines: number; readonly kills: number }

async function killing({ server, machines: count, kills }: Wish): Promise<void> {
  const random = chance(kills)
  const lab = await labHost({
    seed: 7,
    machines: Array.from({ length: count }, (_, i) => ({ scenario: kinds[i % kinds.length]! })),
    answerAfterMs: 25,
  })
  const on = await stage(lab, server && { server, schema: 'kills' })
  try {
    const ids = await on.take(lab.machines, 'lab')
    const names = lab.machines.map((m) => m.name)
    await on.slmctl([0, 1], 'fleet', 'plan', '--parallel', '48')
    const planned = (await newest(on.store)).id
    assert.equal(await on.store.countPlanned(planned), count, 'something is planned for each')
    const lostAfter = new Set(names.filter((_, i) => i % lostAfterEvery === 0))
    const lostBefore = new Set(names.filter((_, i) => i % lostBeforeEvery === 1))
    await lab.fault([...lostAfter], { kind: 'lost', when: 'after', on: 'call', times: 1 })
    await lab.fault([...lostBefore], { kind: 'lost', when: 'before', on: 'call', times: 1 })
    const slow = names.filter((name) => !lostAfter.has(name) && !lostBefore.has(name)).slice(-held)
    await lab.fault(slow, { kind: 'slow', ms: 3000 })

    await on.slmctl([0], 'fleet', 'apply', '--plans', String(planned), '--by-workers', '--yes')
    const campaign = (await newest(on.store)).id
    const cast = players(on, campaign)
    const gone = async () => {
      const left = await on.store.left({ campaign, upTo: null, sites: null })
      return left.done + left.failed
    }
    const began = performance.now()
    for (let k = 0; k < kills; k++) {
      // Spread over the campaign, in the middle of whatever goes on.
      await until(`kill ${k + 1} of ${kills}`, async () => {
        cast.seeTo()
        return (await gone()) >= ((k + 0.5) * count) / (kills + 2)
      })
      await pause(random() * 150)
      const victims = server ? (['scanner', 'worker', 'database'] as const) : (['scanner', 'worker'] as const)
      const victim = victims[k % victims.length]!
      if (victim !== 'database') await cast.kill(victim)
      else await killDatabase(server!, k % 2 === 0)
    }
    const ended = await gone()
    await lab.fault(slow, null)
    await until('the campaign ends by itself', async () => {
      cast.seeTo()
      return (await stateOf(on.store, campaign)) === 'finished'
    })
    const seconds = Math.round((performance.now() - began) / 1000)
    await cast.end()
    assert.ok(ended < count, 'the last kill came before the end')
    await on.store.check()

    // Each machine ended, with an outcome, and what is kept of it is what it is.
    const targets = await targetsOf(on.store, campaign)
    assert.equal(targets.length, count)
    const outcomes = new Map((await outcomesOf(on.store, campaign)).map((o) => [o.key, o]))
    const unknown = targets.filter((t) => t.state === 'failed')
    for (const t of targets) {
      const outcome = outcomes.get(t.outcome ?? '')
      assert.ok(outcome, `${t.name} has an outcome`)
      assert.equal(outcome.result, t.result, t.name)
      // Not known: an answer that was lost and a kill, or two kills between what is written down and the call.
      if (t.state === 'failed')
        assert.ok(
          t.result === 'unknown' && (lostBefore.has(t.name) || (t.problem === 'CALL_NOT_REPEATED' && t.attempts > 2)),
          `${t.name}: ${t.state} ${t.result} ${t.problem}, ${t.attempts} attempts`,
        )
      else {
        assert.deepEqual([t.state, t.result], ['done', 'changed'], `${t.name} ${t.problem}`)
        assert.ok(outcome.steps.length > 0 && outcome.verdict !== null, t.name)
      }
    }
    assert.ok(unknown.filter((t) => !lostBefore.has(t.name)).length <= kills / 5, 'machines that two kills met')
    assert.deepEqual(await differing(on, names), [])
    // What a process said, in whatever moment it was killed after, is what stands there.
    const results = new Map(targets.map((t) => [t.name, t.result]))
    for (const { machine, result } of cast.said()) assert.equal(results.get(machine), result, machine)

    // No call whose effect held was sent again; one without an answer at most once more.
    const counts = await lab.counts()
    assert.equal(counts.repeated, 0, 'calls repeated whose effect held')
    let unanswered = 0
    let twice = 0
    for (const [name, calls] of Object.entries(await lab.calls())) {
      const by = Map.groupBy(calls, (c) => c.what)
      for (const [what, same] of by) {
        assert.ok(same.filter((c) => c.result === 0).length <= 1, `${name} did twice: ${what}`)
        assert.ok(same.length <= 2, `${name} was told ${same.length} times: ${what}`)
        if (same.length > 1) twice++
        unanswered += same.filter((c) => c.result === null).length
      }
    }
    const { taken, open } = await takenOver(on, campaign, [...ids.values()])
    console.log(
      `${kills} kills in ${seconds} s, ${count} machines, ${counts.calls} calls: ${taken} machines changed hands, ${open} of them with a call whose end was not known; ${unanswered} calls not done by the machine, ${twice} sent once more, ${counts.repeated} repeated; ${unknown.length} machines ended as not known, 0 results lost`,
    )
    assert.ok(taken >= kills / 2, `kills that met nobody at work: ${taken}`)
    assert.ok(open >= kills / 10, `kills between a call and its end: ${open}`)
  } finally {
    await on.close()
    await lab.close()
  }
}

/** The processes of a campaign; whoever is gone is begun again. */
function players(on: Stage, campaign: number) {
  const past: Running[] = []
  const begin = {
    scanner: () => on.begin(['fleet', 'resume', String(campaign), '--parallel', '16']),
    worker: () => on.begin(['worker', '--json', '--parallel', '16']),
  }
  const now: Record<keyof typeof begin, Running> = { scanner: begin.scanner(), worker: begin.worker() }
  let over = false
  const again = (who: keyof typeof begin) => {
    past.push(now[who])
    now[who] = begin[who]()
  }
  return {
    /** Begins again whoever ended by itself, as one does whose database is gone for too long. */
    seeTo: () => {
      for (const who of ['scanner', 'worker'] as const) if (!over && now[who].child.exitCode !== null) again(who)
    },
    kill: async (who: keyof typeof begin) => {
      await now[who].kill('SIGKILL')
      again(who)
    },
    end: async () => {
      over = true
      for (const who of ['scanner', 'worker'] as const) {
        past.push(now[who])
        await now[who].kill('SIGTERM')
      }
    },
    /** What the workers said of machines, line by line; the last line of one that was killed may be cut. */
    said: () =>
      past.flatMap((p) =>
        p
          .out()
          .split('\n')
          .slice(0, -1)
          .flatMap((line) => {
            if (!line.startsWith('{"schema":"slmctl.worker/1"')) return []
            const { machine, result } = JSON.parse(line) as { machine: string; result: string }
            return [{ machine, result }]
          }),
      ),
  }
}

/** All of it, or one of the processes that serve a connection: then PostgreSQL throws out everybody, and starts over by itself. */
async function killDatabase(server: Server, whole: boolean): Promise<void> {
  if (whole) {
    server.kill()
    await startAgain(server)
    return
  }
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'boss', database: 'postgres' })
  client.on('error', () => {})
  await client.connect()
  const { rows } = await client.query<{ pid: number }>(
    "select pid from pg_stat_activity where application_name = 'slmctl' order by state = 'active' desc, query_start desc limit 1",
  )
  if (rows[0]) process.kill(rows[0].pid, 'SIGKILL')
  await client.end().catch(() => {})
}

/** How many tries of a machine ended between the line that a call is to be sent and the line of its end. */
async function openCalls(on: Stage, campaign: number, machine: number): Promise<number> {
  const lines = await on.store.journal(campaign, machine)
  const last = new Map(lines.map((l) => [l.attempt, l.body]))
  return [...last.values()].filter((body) => body.includes('"kind":"about"')).length
}

/** Machines that a second worker had, and those of them whose journal then told of a call without an end. */
async function takenOver(on: Stage, campaign: number, machines: readonly number[]): Promise<{ taken: number; open: number }> {
  let taken = 0
  let open = 0
  for (const machine of machines) {
    if (((await on.store.journal(campaign, machine)).at(-1)?.attempt ?? 1) > 1) taken++
    if ((await openCalls(on, campaign, machine)) > 0) open++
  }
  return { taken, open }
}

test(`PostgreSQL: 50 kills during an apply campaign over 2,000 machines`, async () => {
  const server = await postgres()
  try {
    await killing({ server, machines: 2000, kills: 50 })
  } finally {
    server.remove()
  }
})

test(`SQLite: 20 kills during an apply campaign over 400 machines`, async () => {
  await killing({ server: null, machines: 400, kills: 20 })
})
