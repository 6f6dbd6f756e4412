/** The store on a real PostgreSQL; `npm run test:store` starts it and names it in SLMCTL_TEST_POSTGRES. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chownSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { open } from '../../src/store/open.ts'
import { type Held, openStore, type PostgresConnection, postgresUrl, restoreStore } from '../../src/store.ts'
import { answer, finishTarget, found, noon, product } from './fixture.ts'
import { programs, type Server, startServer } from './postgres-server.ts'
import { suite } from './suite.ts'

let server: Server
let places = 0
before(async () => {
  const bin = programs()
  if (bin === null) throw new Error('PostgreSQL is not installed (apt-get install postgresql)')
  server = await startServer(bin)
})
after(() => server?.remove())

const connection = (schema: string, more: Partial<PostgresConnection> = {}): PostgresConnection => ({
  ...postgresUrl(`postgresql://boss@127.0.0.1:${server.port}/postgres?connections=4`),
  schema,
  ...more,
})
async function run(sql: string, schema = 'public') {
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'boss', database: 'postgres' })
  await client.connect()
  try {
    await client.query(`create schema if not exists "${schema}"; set search_path to "${schema}"`)
    const answers = await client.query(sql)
    const { rows } = Array.isArray(answers) ? (answers.at(-1) as typeof answers) : answers
    return rows.map((r: Record<string, unknown>) => Object.fromEntries(Object.entries(r).map(([k, v]) => [k, v === null ? v : Number(v)])))
  } finally {
    await client.end()
  }
}
const fresh = () => ({ postgres: connection(`s${places++}`) })
const code = (wanted: string) => (error: unknown) => {
  assert.equal((error as { problems?: { code: string }[] }).problems?.[0]?.code, wanted, String(error))
  return true
}

suite('PostgreSQL', {
  place: async () => fresh(),
  run: (place, sql) => run(sql, (place as { postgres: PostgresConnection }).postgres.schema),
})

test('PostgreSQL: a fleet moves from SQLite and back without a difference', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-store-'))
  try {
    const file = { file: join(folder, 'a.db') }
    const a = await openStore(file, { create: true })
    await a.importMachines(
      Array.from({ length: 500 }, (_, i) => found(`pc-${i}-ÄZ`, { groups: ['g'] })),
      { source: 's', at: noon },
    )
    await a.observe(
      (await a.ids({})).map((id) =>
        answer(id, noon, [product(), product({ activationId: null, name: '日本', cause: 'x', verdict: 'action' })]),
      ),
    )
    await a.backup(join(folder, 'own'))
    await a.backup(join(folder, 'lines-a'), 'lines')
    const names = (await a.list({}, { limit: 999, after: null })).rows.map((r) => r.name)
    await a.close()
    for (const form of ['own', 'lines-a']) {
      const place = fresh()
      assert.equal((await restoreStore(place, join(folder, form), new Date(noon))).aside, null)
      const b = await openStore(place, { create: false })
      await b.backup(join(folder, `b-${form}`))
      assert.deepEqual(
        (await b.list({}, { limit: 999, after: null })).rows.map((r) => r.name),
        names,
      )
      await b.close()
      const back = { file: join(folder, `c-${form}`) }
      await restoreStore(back, join(folder, `b-${form}`), new Date(noon))
      const c = await openStore(back, { create: false })
      await c.backup(join(folder, `d-${form}`), 'lines')
      await c.close()
      assert.equal(readFileSync(join(folder, `d-${form}`), 'utf8'), readFileSync(join(folder, 'lines-a'), 'utf8'))
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('PostgreSQL: the password is asked for at each connection; refusals are said', async () => {
  await run("create role keeper login password 'secret'; grant create on database postgres to keeper")
  let asked = 0
  const give = async (password: string) => {
    asked++
    return password
  }
  const as = (password: string | null, more: Partial<PostgresConnection> = {}) =>
    connection('kept', { user: 'keeper', password: password === null ? null : () => give(password), ...more })
  const store = await openStore({ postgres: as('secret') }, { create: true })
  assert.ok(asked >= 1)
  await store.importMachines([found('a')], { source: 's', at: noon })
  await store.close()
  await assert.rejects(openStore({ postgres: as('wrong') }, { create: true }), code('STORE_REFUSED'))
  // The connection ends with the refusal: else the server keeps it for a minute, and with it whoever asked.
  const sockets = () => process.getActiveResourcesInfo().filter((r) => r === 'TCPSocketWrap').length
  await new Promise((done) => setTimeout(done, 100))
  const before = sockets()
  await assert.rejects(openStore({ postgres: as(null) }, { create: true }), code('STORE_REFUSED'))
  await new Promise((done) => setTimeout(done, 50))
  assert.equal(sockets(), before)
  await assert.rejects(openStore({ postgres: as('secret', { database: 'none' }) }, { create: true }), code('STORE_NO_DATABASE'))
  await assert.rejects(openStore({ postgres: as('secret', { tls: { authorities: null } }) }, { create: true }), code('STORE_NO_TLS'))
  await run('alter system set ssl = on')
  await run('select 1 as x where pg_reload_conf()')
  const tls = (authorities: string | null) => openStore({ postgres: as('secret', { tls: { authorities } }) }, { create: true })
  const sealed = await tls(server.certificate)
  assert.deepEqual(
    await run("select count(*) as n from pg_stat_ssl s join pg_stat_activity a using (pid) where s.ssl and a.usename = 'keeper'"),
    [{ n: 1 }],
  )
  await sealed.close()
  await assert.rejects(tls(null), code('STORE_TLS'))
  await assert.rejects(
    openStore({ postgres: as('secret', { host: 'localhost', tls: { authorities: server.certificate } }) }, { create: true }),
    code('STORE_TLS'),
  )
  await assert.rejects(openStore({ postgres: as('secret', { port: 1 }) }, { create: true }), code('STORE_GONE'))
  await assert.rejects(openStore({ postgres: as('secret', { schema: 'a"; drop schema s0; --' }) }, { create: true }), code('STORE_URL'))
  await run('revoke create on database postgres from keeper')
  await assert.rejects(openStore({ postgres: as('secret', { schema: 'other' }) }, { create: true }), code('STORE_NO_RIGHT'))
})

test('PostgreSQL: gone for a while, stopped or killed: waited for, nothing lost, nothing twice', async () => {
  const place = fresh()
  const store = await openStore(place, { create: true, patienceMs: 60_000 })
  const hasty = await openStore(place, { create: false })
  const list = Array.from({ length: 400 }, (_, i) => found(`pc-${i}`))
  await store.importMachines(list, { source: 's', at: noon })
  const ids = await store.ids({})
  let told = 0
  let writing = true
  const writer = async (part: number) => {
    for (let i = 0; writing; i++) {
      const at = noon + i + 1
      await store.observe(
        ids
          .filter((id) => id % 4 === part)
          .map((id) => answer(id, at, [product({ state: i % 2 ? 'licensed' : 'notification', minutesLeft: null })])),
      )
      told++
      await new Promise((done) => setTimeout(done, 5))
    }
  }
  const writers = [0, 1, 2, 3].map(writer)
  const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))
  for (let round = 0; round < 6; round++) {
    // In the middle of writing, however slow the machine is.
    for (const enough = told + 8; told < enough; ) await pause(20)
    await pause(round * 7)
    if (round % 3 === 0) server.stop('fast')
    else if (round % 3 === 1) server.stop('immediate')
    else {
      server.kill()
      await pause(1_500)
    }
    await assert.rejects(hasty.counts(), code('STORE_GONE'))
    for (let tries = 0; ; tries++) {
      try {
        server.start()
        break
      } catch (error) {
        if (tries > 20) throw error
        await pause(500)
      }
    }
  }
  for (const enough = told + 8; told < enough; ) await pause(20)
  writing = false
  await Promise.all(writers)
  // Each acknowledged change is one row of history, no more: spans follow each other without a gap.
  for (const id of [ids[0]!, ids[1]!, ids[2]!, ids[3]!]) {
    const { products } = await store.history(id, 100_000)
    for (let i = 0; i + 1 < products.length; i++) {
      assert.equal(products[i]!.from, products[i + 1]!.until)
      assert.notEqual(products[i]!.state, products[i + 1]!.state)
    }
    const [now] = await store.find(id)
    assert.equal(products.length, now!.seenAt! - noon, 'as many as were written')
  }
  await store.close()
  await hasty.close()
})

test('PostgreSQL: a database that an earlier version made is brought up to date, with what it held', async () => {
  for (const file of globSync('test/store/version-*.sql').sort()) {
    const version = Number(/\d+/.exec(file)![0])
    const place = fresh()
    await (await open(place, { create: true, version })).close()
    const rows = readFileSync(file, 'utf8').slice(readFileSync(file, 'utf8').indexOf('\ninsert into '))
    await run(rows.replace(/^insert into slmctl_schema.*$/gm, ''), place.postgres.schema)
    // The same file on SQLite, brought up to date: not a row is different.
    const folder = mkdtempSync(join(tmpdir(), 'slmctl-store-'))
    try {
      const sqlite = new DatabaseSync(join(folder, 'a.db'))
      sqlite.exec(readFileSync(file, 'utf8'))
      sqlite.close()
      const lines: string[] = []
      for (const [i, at] of [place, { file: join(folder, 'a.db') }].entries()) {
        const store = await openStore(at, { create: false })
        await store.backup(join(folder, `lines-${i}`), 'lines')
        await store.close()
        lines.push(readFileSync(join(folder, `lines-${i}`), 'utf8'))
      }
      assert.equal(lines[0], lines[1], file)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
})

test('PostgreSQL: a campaign goes on when the database was gone: each machine ends once, each line that was acknowledged is there', async () => {
  // SLMCTL_TEST_GONE_MS: for how long at a time; the tests do not wait a minute.
  const goneMs = Number(process.env.SLMCTL_TEST_GONE_MS ?? 1_500)
  const place = fresh()
  const store = await openStore(place, { create: true, patienceMs: goneMs + 60_000 })
  await store.importMachines(
    Array.from({ length: 1_500 }, (_, i) => found(`pc-${i}`)),
    { source: 's', at: noon },
  )
  const campaign = await store.createCampaign({ key: 'k', kind: 'apply', name: 'k', settings: {}, at: noon })
  const targets = (await store.ids({})).map((machine, position) => ({ machine, site: '-', position }))
  await store.addTargets(campaign, targets, noon)
  await store.setCampaign(campaign, { state: 'running', because: null, at: noon })
  const ended: number[] = []
  const written: Held[] = []
  const worker = async (owner: string) => {
    const wish = { campaign, site: '-', owner, limit: 6, now: noon, leaseMs: 60_000, mostAtOnce: null, mostInAll: 40, upTo: null }
    for (;;) {
      const held = await store.claimTargets(wish)
      if (held.length === 0) {
        // A claim whose answer was lost left machines with a worker that does not know of them.
        const { leased, untried } = await store.left({ campaign, upTo: null, sites: null })
        if (untried + leased === 0) return
        for (const l of await store.leases(campaign)) if (untried === 0) await store.takeBack({ campaign, ...l, dueAt: noon })
        await new Promise((done) => setTimeout(done, 20))
        if (untried === 0 && (await store.left({ campaign, upTo: null, sites: null })).retrying === 0) return
        continue
      }
      const stands = await store.appendJournal(held.map((h) => ({ held: h, sequence: 0, at: noon, body: owner })))
      const mine = held.filter((_, i) => stands[i])
      written.push(...mine)
      await new Promise((done) => setTimeout(done, 5))
      const end = { state: 'done', result: 'ok', problemCode: null, outcome: null, at: noon } as const
      const said = await store.endTargets(mine.map((h) => ({ held: h, end })))
      ended.push(...mine.filter((_, i) => said[i]).map((h) => h.machine))
    }
  }
  const workers = Promise.all(['a', 'b', 'c', 'd'].map(worker))
  for (let round = 0; round < 3; round++) {
    for (const enough = ended.length + 100; ended.length < enough && ended.length < 1_400; )
      await new Promise((done) => setTimeout(done, 5))
    if (round === 1) server.kill()
    else server.stop('immediate')
    await new Promise((done) => setTimeout(done, round === 2 ? goneMs : 1_500))
    for (let tries = 0; ; tries++) {
      try {
        server.start()
        break
      } catch (error) {
        if (tries > 20) throw error
        await new Promise((done) => setTimeout(done, 500))
      }
    }
  }
  await workers
  const { done } = await store.left({ campaign, upTo: null, sites: null })
  assert.deepEqual([done, ended.length, new Set(ended).size], [1_500, 1_500, 1_500])
  for (const h of written) {
    const lines = await store.journal(campaign, h.machine)
    assert.equal(lines.filter((l) => l.attempt === h.attempt).length, 1)
  }
  await store.close()
})

test('PostgreSQL: a disk that is full: said, nothing half, and it goes on when there is room', async (t) => {
  const small = mkdtempSync(join(tmpdir(), 'slmctl-small-'))
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=777', 'none', small]).status !== 0) {
    t.skip('needs the right to mount')
    return
  }
  const place = fresh()
  try {
    chownSync(small, statSync(server.folder).uid, statSync(server.folder).gid)
    await run(`create tablespace small location '${small}'`)
    await run(
      "create role cramped login password 'x'; grant create on database postgres to cramped; grant create on tablespace small to cramped",
    )
    await run('alter role cramped set default_tablespace = small')
    const cramped = { postgres: { ...place.postgres, user: 'cramped', password: () => 'x' } }
    const store = await openStore(cramped, { create: true })
    const [id, campaign] = [1, await store.createCampaign({ key: 'k', kind: 'apply', name: '', settings: {}, at: noon })]
    await store.importMachines([found('a')], { source: 's', at: noon })
    await store.addTargets(campaign, [{ machine: id, site: '-', position: 0 }], noon)
    await store.setCampaign(campaign, { state: 'running', because: null, at: noon })
    const wish = { campaign, site: '-', owner: 'w', limit: 1, now: noon, leaseMs: 1e9, mostAtOnce: null, upTo: null }
    const [held] = await store.claimTargets(wish)
    // Not compressible, so that it needs room.
    const body = (n: number) => Array.from({ length: 2_000 }, (_, i) => Math.imul(i + 7, n * 2_654_435_761 + 12_345).toString(36)).join('')
    const lines = (n: number) =>
      Array.from({ length: 20 }, (_, i) => ({ held: held!, sequence: n * 20 + i, at: noon, body: body(n * 20 + i) }))
    let kept = 0
    let refused: unknown = null
    for (; kept < 100 && refused === null; ) {
      refused = await store.appendJournal(lines(kept)).then(
        () => null,
        (e: unknown) => e,
      )
      if (refused === null) kept++
    }
    assert.equal((refused as { problems?: { code: string }[] } | null)?.problems?.[0]?.code, 'STORE_FULL', String(refused))
    assert.equal((await store.journal(campaign, id)).length, kept * 20)
    execFileSync('mount', ['-o', 'remount,size=80m', small])
    assert.ok((await store.appendJournal(lines(kept))).every(Boolean))
    assert.equal((await store.journal(campaign, id)).length, (kept + 1) * 20)
    assert.equal(await finishTarget(store, held!, { state: 'done', result: 'ok', problemCode: null, outcome: null, at: noon }), true)
    await store.close()
  } finally {
    await run(`drop schema if exists "${place.postgres.schema}" cascade`)
    await run('drop tablespace if exists small').catch(() => {})
    execFileSync('umount', ['-l', small])
    rmSync(small, { recursive: true, force: true })
  }
})
