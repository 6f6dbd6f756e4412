import assert from 'node:assert/strict'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { causeKey } from '../../src/store/causes.ts'
import { factsChanged, untilFactsChange } from '../../src/store/marks.ts'
import { open } from '../../src/store/open.ts'
import { openStore, postgresUrl, restoreStore } from '../../src/store.ts'
import { answer, found, noon, product } from './fixture.ts'
import { folder, sqlite } from './sqlite-place.ts'
import { suite } from './suite.ts'

suite('SQLite', sqlite)

const code = (wanted: string) => (error: unknown) => {
  assert.equal((error as { problems?: { code: string }[] }).problems?.[0]?.code, wanted, String(error))
  return true
}

/** The schema of a file, without comments, spaces and the order in which it was made. */
function schemaOf(file: string): readonly string[] {
  const database = new DatabaseSync(file, { readOnly: true })
  const rows = database.prepare("select name, sql from sqlite_schema where name not like 'sqlite_stat%' order by name").all()
  database.close()
  return rows.map((r) => `${r.name} ${r.sql}`.replace(/\s*--.*$/gm, '').replace(/\s+/g, ' '))
}
async function newStore(name: string): Promise<string> {
  const file = join(folder, name)
  await (await openStore({ file }, { create: true })).close()
  return file
}

test('a store that version 1 made opens, with what it held, and is what a new one is', async () => {
  const file = join(folder, 'version-1.db')
  const old = new DatabaseSync(file)
  old.exec(readFileSync('test/store/version-1.sql', 'utf8'))
  // What version 1 allowed, and the next one does not: one machine that two campaigns hold.
  old.exec(`insert into campaign values (1, 'a', 'scan', 'a', '{}', 'running', null, 1, 1), (2, 'b', 'scan', 'b', '{}', 'running', null, 1, 1);
    insert into campaign_target (campaign_id, machine_id, site, position, state, attempts, due_at, owner, lease_until) values
    (1, 1, '-', 0, 'leased', 1, 1, 'w', 9999), (2, 1, '-', 0, 'leased', 1, 1, 'w', 9999)`)
  old.close()
  const store = await openStore({ file }, { create: false })
  const [machine] = await store.find('pc-1.corp.example')
  assert.deepEqual(
    [machine!.guid, machine!.groups, machine!.products.map((p) => p.state), machine!.sources],
    ['6f9619ff-8b86-4d01-b42d-00cf4fc964ff', ['north'], ['licensed'], [{ source: 'ad', vanishedAt: null }]],
  )
  assert.equal((await store.history(machine!.id, 9)).products.length, 2)
  for (const campaign of [1, 2]) assert.equal((await store.left({ campaign, upTo: null, sites: null })).retrying, 1)
  await store.close()
  assert.deepEqual(schemaOf(file), schemaOf(await newStore('fresh.db')))
})

test('a store that version 2 made opens, with what it held, and is what a new one is', async () => {
  const file = join(folder, 'version-2.db')
  const old = new DatabaseSync(file)
  old.exec(readFileSync('test/store/version-2.sql', 'utf8'))
  old.exec("update product set origin = 'foreign', origin_because = 'A mark.' where machine_id = 1")
  old.exec("update product set origin = 'cannot-tell', state = 'unlicensed' where machine_id = 2")
  old.close()
  const store = await openStore({ file }, { create: false })
  assert.deepEqual(
    (await store.sharedCmids({ limit: 9, after: null })).rows[0]!.machines.map((m) => m.name),
    ['pc-1.corp.example', 'pc-2.corp.example'],
  )
  assert.equal((await store.find('pc-2.corp.example'))[0]!.products[0]!.activationObject, 'CN=Act,CN=Activation Objects')
  assert.deepEqual(
    (await store.history(1, 9)).products.map((p) => p.state),
    ['licensed', 'notification'],
  )
  const { rows } = await store.remarks(['foreign', 'suspect', 'cannot-tell'], { limit: 9, after: null })
  assert.deepEqual(
    rows.map((r) => [r.because, r.honest, r.host, r.machines]),
    [['A mark.', null, 'kms1.corp.example', 1]],
    'what is not activated is nobody’s',
  )
  const left = await store.left({ campaign: 1, upTo: null, sites: ['berlin'] })
  assert.deepEqual([left.done, left.leased], [1, 1])
  assert.deepEqual(await store.journal(1, 2), [{ attempt: 1, sequence: 0, at: noon, body: '{"about":"to"}' }])
  assert.equal(await store.reserveActivations({ campaign: 1, count: 1, everyMs: 1, now: noon }), noon + 200)
  assert.deepEqual((await store.hostHistory('kms1.corp.example', 1688, 0)).counts[0]!.count, 26)
  assert.equal((await store.planOf(1, 1))!.plan.steps.length, 1)
  await store.check()
  await store.close()
  assert.deepEqual(schemaOf(file), schemaOf(await newStore('fresh-2.db')))
})

test('a file is its owner’s alone; what is no store is left as it is', async () => {
  const file = join(folder, 'mode', 'store.db')
  const store = await openStore({ file }, { create: true })
  await store.saveHosts([{ name: 'kms', port: 1, sources: [] }], 1)
  if (process.platform !== 'win32') for (const end of ['', '-wal', '-shm']) assert.equal(statSync(`${file}${end}`).mode & 0o777, 0o600, end)
  await store.close()
  chmodSync(file, 0o644)
  await (await openStore({ file }, { create: false })).close()
  if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600)
  const text = join(folder, 'letter.txt')
  writeFileSync(text, 'Dear administrator')
  await assert.rejects(openStore({ file: text }, { create: true }), code('STORE_NOT_OURS'))
  await assert.rejects(openStore({ file: folder }, { create: true }), code('STORE_NOT_OURS'))
  assert.equal(readFileSync(text, 'utf8'), 'Dear administrator')
  await assert.rejects(openStore({ file: join(folder, 'none') }, { create: false }), code('STORE_MISSING'))
})

test('a store that somebody has open is not put aside', async () => {
  const file = join(folder, 'used', 'store.db')
  const store = await openStore({ file }, { create: true })
  await store.importMachines([found('a')], { source: 's', at: noon })
  await store.backup(join(folder, 'used.backup'))
  await assert.rejects(restoreStore({ file }, join(folder, 'used.backup'), new Date(noon)), code('STORE_BUSY'))
  assert.equal((await store.find('a')).length, 1)
  await store.close()
  await restoreStore({ file }, join(folder, 'used.backup'), new Date(noon))
})

test('timers and signals have their turn while much is written', async () => {
  const store = await openStore({ file: join(folder, 'turns.db') }, { create: true })
  await store.importMachines(
    Array.from({ length: 2_000 }, (_, i) => found(`pc-${i}`)),
    { source: 's', at: noon },
  )
  const ids = await store.ids({})
  let turns = 0
  let stop = false
  const timer = setInterval(() => turns++, 5)
  setTimeout(() => {
    stop = true
  }, 50)
  let asked = 0
  const until = performance.now() + 10_000
  for (; !stop && performance.now() < until; asked++) await store.observe(ids.map((id) => answer(id, noon + asked, [product()])))
  clearInterval(timer)
  assert.ok(stop, `${asked} times`)
  assert.ok(turns > 0)
  await store.close()
})

test('many questions at once cost about what they cost one by one', async () => {
  const store = await openStore({ file: join(folder, 'many.db') }, { create: true })
  await store.importMachines([found('a')], { source: 's', at: noon })
  const cpuMs = async (work: () => Promise<unknown>) => {
    const from = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(from)
    return (user + system) / 1000
  }
  const oneByOne = async (times: number) => {
    for (let i = 0; i < times; i++) await store.find('a')
  }
  await oneByOne(200)
  const apart = await cpuMs(() => oneByOne(1_500))
  const together = await cpuMs(() => Promise.all(Array.from({ length: 1_500 }, () => store.find('a'))))
  assert.ok(together < 4 * apart, `${together} ms of CPU together, ${apart} one by one`)
  await store.close()
})

test('a long question in a thread holds nobody up, sees what was written before it, and says what went wrong', async () => {
  const place = { file: join(folder, 'threads.db') }
  const store = await openStore(place, { create: true, threads: 2 })
  const plain = await openStore(place, { create: false })
  await store.importMachines(
    Array.from({ length: 20_000 }, (_, i) => found(`pc-${i}`)),
    { source: 's', at: noon },
  )
  const [one] = await store.find('pc-7')
  await store.observe([answer(one!.id, noon, [product({ verdict: 'action', cause: 'It is old.', minutesLeft: 5 })])])
  // Asked as soon as it was written, again and again.
  for (let i = 1; i < 20; i++) {
    await store.importMachines([found(`new-${i}`)], { source: `t${i}`, at: noon + i })
    assert.equal(await store.count({ text: 'new-' }), i)
  }
  // CPU of this thread, so that a busy computer makes no difference.
  const spent = async (of: typeof store) => {
    const from = process.threadCpuUsage()
    await Promise.all(Array.from({ length: 12 }, (_, i) => of.list({ text: `nobody ${i}` }, { limit: 50, after: null })))
    const { user, system } = process.threadCpuUsage(from)
    return user + system
  }
  const [beside, inPlace] = [await spent(store), await spent(plain)]
  assert.ok(beside < inPlace / 3, `${beside} µs of this thread, in place ${inPlace}`)
  assert.deepEqual(
    await store.list({ verdict: ['action'] }, { limit: 5, after: null }),
    await plain.list({ verdict: ['action'] }, { limit: 5, after: null }),
  )
  await assert.rejects(store.list({}, { limit: 5, after: 'nonsense' }), code('PAGE_UNKNOWN'))
  await plain.close()
  const waiting = Promise.allSettled([store.count({ text: 'x' }), store.count({ text: 'y' })])
  await store.close()
  await waiting
})

test('an answer about the whole fleet is worked out once at a time, and never for somebody who came after a change', async () => {
  const { database, close } = await open({ file: join(folder, 'marks.db') }, { create: true })
  let [facts, running, most, times] = [0, 0, 0, 0]
  const ask = () =>
    untilFactsChange(database, 'slow', async () => {
      const seen = facts
      most = Math.max(most, ++running)
      times++
      await new Promise((done) => setTimeout(done, 20))
      running--
      return seen
    })
  const asked: Promise<void>[] = []
  for (let i = 0; i < 30; i++) {
    facts++
    await factsChanged(database.db)
    const since = facts
    asked.push(ask().then((seen) => assert.ok(seen >= since, `${seen} for one who knows of ${since}`)))
    await new Promise((done) => setTimeout(done, 3))
  }
  await Promise.all(asked)
  assert.deepEqual([most, times < 25, await ask(), await ask()], [1, true, 30, 30])
  const before = times
  await ask()
  assert.equal(times, before)
  await assert.rejects(
    untilFactsChange(database, 'bad', () => Promise.reject(new Error('once'))),
    /once/,
  )
  assert.equal(await untilFactsChange(database, 'bad', async () => 1), 1)
  await close()
})

test('a URL of a database: what it may say', () => {
  const u = postgresUrl('postgresql://me@db.corp.example/fleet?sslmode=verify-full&schema=x')
  assert.deepEqual(
    [u.host, u.port, u.database, u.user, u.schema, u.tls],
    ['db.corp.example', 5432, 'fleet', 'me', 'x', { authorities: null }],
  )
  assert.equal(postgresUrl('postgres://localhost/fleet').tls, null)
  assert.notEqual(postgresUrl('postgres://db/fleet').tls, null, 'elsewhere: TLS, checked')
  for (const bad of [
    'postgresql://me:word@db/fleet',
    'postgresql://db',
    'http://db/fleet',
    'x',
    'postgres://db/f?sslmode=require',
    'postgres://db/f?options=x',
    'postgres://db/f?connections=0',
    'postgres://db/f?sslrootcert=/none',
  ])
    assert.throws(() => postgresUrl(bad), code('STORE_URL'), bad)
})

test('a cause is one cause, whatever it counts today', () => {
  for (const [a, b, same] of [
    ['Windows 11 will lapse in 5 days.', 'Windows 11 will lapse in 4 days.', true],
    ['Windows 11 is not activated.', 'Windows 10 is not activated.', false],
    ['It failed with 0xC004F074.', 'It failed with 0xC004F038.', false],
    ['The host 10.0.0.5 is away.', 'The host 10.0.0.6 is away.', false],
    ['It ended on 2026-10-01, at 10:32.', 'It ended on 2026-11-02, at 9:01.', true],
    ['The count is 3; it needs 25.', 'The count is 4; it needs 25.', true],
  ] as const)
    assert.equal(causeKey(a) === causeKey(b), same, `${causeKey(a)} and ${causeKey(b)}`)
})
