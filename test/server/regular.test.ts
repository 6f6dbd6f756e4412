/** What the server does by itself: KMS hosts are checked and machines asked when it is due, by one of several, and not before. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type App, openApp, openFleet, type Store } from '../../src/app.ts'
import { regularly } from '../../src/server/regular.ts'
import { stage as labStage } from '../journeys/lab.ts'

let lab: Awaited<ReturnType<typeof labStage>>
let app: App
let store: Store

before(async () => {
  lab = await labStage({ count: 5, hosts: true })
  app = await openApp({
    ...{ siteFile: lab.site, parallel: 4, replay: null, notice: () => {}, here: null },
    reach: {
      ...{ user: null, passwordFile: null, askPassword: false, credential: null, method: null, https: false },
      ...{ port: null, ca: null, pin: null, timeoutSeconds: null },
    },
  })
  const file = join(lab.directory, 'fleet.db')
  await lab.slmctl('fleet', 'import', '--site-groups', '--store', file)
  store = await openFleet(file, false)
})
after(async () => {
  await store.close()
  await app.close()
  await lab.close()
})

/** Waits for what is to come, and fails where it does not. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await holds()) return
    await new Promise((done) => setTimeout(done, 25))
  }
  assert.fail(what)
}
const settle = () => new Promise((done) => setTimeout(done, 400))
const newest = async () => Math.max(0, ...(await store.hosts(5)).flatMap((h) => h.checks.map((c) => c.last)))
const scans = async () => (await store.campaignPage({ kind: 'scan' }, { limit: 50, after: null })).rows

test('hosts are checked when nobody did for so long, and only then', async () => {
  let now = Date.now()
  let woken = 0
  const regular = regularly(
    { store, app, wake: () => woken++, clock: () => now },
    { checkHostsMinutes: 15, scanHours: null },
    (line) => assert.fail(line),
    20,
  )
  try {
    await until('no host was checked', async () => (await newest()) > 0)
    await until('nobody heard of it', async () => woken === 1)
    const first = await newest()
    await settle()
    assert.equal(await newest(), first, 'checked again, and not due')
    // Somebody looks at one of them: the others are due all the same.
    now += 16 * 60_000
    const [one, ...others] = await store.hosts(1)
    await store.saveCheck({ host: one!.id, at: now, address: '', state: 'ok', problem: null, told: null })
    assert.ok(others.length > 0)
    const oldest = async () => Math.min(...(await store.hosts(5)).map((h) => Math.max(...h.checks.map((c) => c.last))))
    await until('not checked again', async () => (await oldest()) > first)
    assert.equal((await scans()).length, 0)
  } finally {
    await regular.end()
  }
})

test('every machine is asked when it is due: by one of two servers, not while a scan runs, not before its time', async () => {
  let now = Date.now()
  const begin = () =>
    regularly({ store, app, wake: () => {}, clock: () => now }, { checkHostsMinutes: null, scanHours: 24 }, (line) => assert.fail(line), 20)
  const two = [begin(), begin()]
  try {
    await until('no scan was begun', async () => (await scans()).length > 0)
    await settle()
    const [scan, ...others] = await scans()
    assert.deepEqual([others.length, scan!.state, scan!.name], [0, 'running', 'every machine'])
    assert.equal(
      (await store.progress(scan!.id)).reduce((n, row) => n + row.count, 0),
      await store.count({}),
    )
    now += 25 * 3_600_000
    await settle()
    assert.equal((await scans()).length, 1, 'begun while one runs')
    await store.setCampaign(scan!.id, { state: 'stopped', because: null, at: now })
    await until('one that was stopped counts', async () => (await scans()).length === 2)
    const [second] = await scans()
    now += 1000
    await store.setCampaign(second!.id, { state: 'finished', because: null, at: now })
    await settle()
    assert.equal((await scans()).length, 2, 'begun again, and not due')
  } finally {
    await Promise.all(two.map((one) => one.end()))
  }
})

test('what goes wrong is said once', async () => {
  const log: string[] = []
  const away = { ...app, kmsHosts: () => Promise.reject(new Error('DNS says nothing.')) } as App
  const regular = regularly(
    { store, app: away, wake: () => {}, clock: () => Date.now() + 86_400_000 },
    { checkHostsMinutes: 15, scanHours: null },
    (line) => log.push(line),
    20,
  )
  await until('nothing was said', async () => log.length > 0)
  await settle()
  await regular.end()
  assert.deepEqual(log, ['the check of the KMS hosts: DNS says nothing.'])
})
