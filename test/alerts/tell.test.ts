/** The loop over a real store: what stands is told to a receiving server, once, whoever else tells, and again when it is there again. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runAlerts } from '../../src/app/alert-loop.ts'
import { alertsNow, isQuiet, tellAlerts } from '../../src/app/alerts.ts'
import { readSite, type SiteFile } from '../../src/site.ts'
import { openStore, type Store } from '../../src/store.ts'
import { answer, day, found, product } from '../store/fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'slmctl-alerts-'))
after(() => rmSync(folder, { recursive: true, force: true }))
writeFileSync(join(folder, 'webhook.key'), 'a key of a webhook\n', { mode: 0o600 })

type Body = { event: string; id: string; alert: { rule: string; number: number; title: string; link: string | null } | null }
const got: { readonly to: string; readonly body: Body }[] = []
let status = 204
let heard: () => void = () => {}
const receiver = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    if (status < 300) got.push({ to: request.url!, body: JSON.parse(Buffer.concat(parts).toString()) })
    response.writeHead(status).end()
    if (got.length > 1) heard()
  })
})
await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done))
after(() => receiver.close())
const there = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`

function siteFile(more: { hooks?: readonly string[]; quiet?: string; rules?: string; minutes?: number } = {}): SiteFile {
  const { hooks = ['/one'], quiet = '', rules = '', minutes = 5 } = more
  const text = `organisation: Example University
domains: [corp.example]
networks: [10.0.0.0/8]
kms: {hosts: [kms1.corp.example]}
server: {url: https://slmctl.corp.example}
alerts:
  webhooks:
${hooks.map((h) => `    - {url: '${there}${h}', secret: {file: webhook.key}}`).join('\n')}
  minutes: ${minutes}
${quiet}${rules}`
  const read = readSite(join(folder, 'slmctl.yaml'), text)
  assert.deepEqual(read.problems, [])
  return read.siteFile!
}

let stores = 0
async function withStore(work: (store: Store, place: string) => Promise<void>): Promise<void> {
  const file = join(folder, `fleet-${stores++}.db`)
  const store = await openStore({ file }, { create: true })
  got.length = 0
  status = 204
  try {
    await work(store, file)
  } finally {
    await store.close()
  }
}
const now = Date.UTC(2026, 10, 26, 12)
const silent = { clock: () => now, log: () => {} }
const at = (time: number) => ({ clock: () => time, log: () => {} })
const said = () => got.map(({ to, body }) => `${to} ${body.event} ${body.alert?.title}`)

/** Two machines, one of which ends soon by kms1; a check of kms1 of an hour ago, as `slmctl hosts check` keeps it. */
async function fleet(store: Store, alive: boolean): Promise<void> {
  await store.importMachines([found('pc-1.corp.example'), found('pc-2.corp.example')], { source: 'list:test', at: now - 20 * day })
  const { rows } = await store.list({}, { limit: 10, after: null })
  await store.observe([
    answer(rows[0]!.id, now - day, [product({ minutesLeft: 5 * 1440 })]),
    answer(rows[1]!.id, now - day, [product({ minutesLeft: 100 * 1440 })]),
  ])
  await check(store, alive, now - 3_600_000)
}
async function check(store: Store, alive: boolean, when: number): Promise<void> {
  const [id] = await store.saveHosts([{ name: 'kms1.corp.example', port: 1688, sources: ['site'] }], when)
  // As a check keeps it: the verdict, and each address.
  await store.saveCheck({ host: id!, at: when, address: '', state: alive ? 'ok' : 'action', problem: null, told: null })
  await store.saveCheck({ host: id!, at: when, address: '10.0.0.5', state: alive ? 'rpc' : 'refused', problem: null, told: {} })
}

describe('alerts are told', () => {
  test('a host that died and what ends by it is one message; when it lives again it is over, and the end is told by itself', async () => {
    await withStore(async (store) => {
      await fleet(store, false)
      const site = siteFile()
      const first = await tellAlerts(store, site, silent)
      assert.deepEqual(said(), ['/one new KMS host kms1.corp.example:1688 does not answer'])
      assert.equal(first.open, 1)
      assert.match(JSON.stringify(got[0]!.body), /2 machines of the fleet name it\. On 1 machine an activation by it ends within 14 days\./)
      assert.equal(got[0]!.body.alert?.link, 'https://slmctl.corp.example/hosts/kms1.corp.example/1688')
      await tellAlerts(store, site, at(now + 5 * 60_000))
      assert.equal(got.length, 1)
      const standing = await alertsNow(store, site, now + 6 * 60_000)
      assert.deepEqual(
        standing.alerts.map((a) => [a.rule, a.sentAt, a.since]),
        [['host-down', now, now - 3_600_000]],
      )
      await check(store, true, now + 7 * 60_000)
      await tellAlerts(store, site, at(now + 8 * 60_000))
      assert.deepEqual(said().slice(1).sort(), [
        '/one new 1 machine: an activation ends within 14 days',
        '/one over KMS host kms1.corp.example:1688 does not answer',
      ])
    })
  })

  test('two servers over one store tell each thing once, and each way', async () => {
    await withStore(async (store, file) => {
      await fleet(store, false)
      const site = siteFile({ hooks: ['/one', '/two'] })
      const others = await Promise.all([1, 2].map(() => openStore({ file }, { create: false })))
      for (let i = 0; i < 3; i++) await Promise.all([store, ...others].map((s) => tellAlerts(s, site, at(now + i * 60_000))))
      for (const s of others) await s.close()
      assert.deepEqual(said().sort(), [
        '/one new KMS host kms1.corp.example:1688 does not answer',
        '/two new KMS host kms1.corp.example:1688 does not answer',
      ])
    })
  })

  test('a receiver that refuses is tried again with growing gaps, and told once when it takes messages again', async () => {
    await withStore(async (store) => {
      await fleet(store, false)
      const site = siteFile()
      status = 503
      const tried: number[] = []
      for (let minute = 0; minute < 20; minute++) {
        const { told } = await tellAlerts(store, site, at(now + minute * 60_000))
        if (told.length > 0) tried.push(minute)
        assert.ok(told.every((t) => t.problem?.code === 'ALERT_WEBHOOK_REFUSED'))
      }
      assert.deepEqual(tried, [0, 1, 3, 7, 15])
      const { ways } = await alertsNow(store, site, now + 20 * 60_000)
      assert.match(ways[0]!.problem!, /HTTP 503/)
      assert.deepEqual([ways[0]!.waiting, ways[0]!.nextAt], [1, now + 31 * 60_000])
      status = 204
      for (let minute = 20; minute < 60; minute++) await tellAlerts(store, site, at(now + minute * 60_000))
      assert.equal(got.length, 1)
    })
  })

  test('a key that cannot be read is a failed try, not a crash; nothing is lost by it', async () => {
    await withStore(async (store) => {
      await fleet(store, false)
      const site = siteFile()
      const broken: SiteFile = {
        ...site,
        alerts: { ...site.alerts!, webhooks: [{ ...site.alerts!.webhooks[0]!, secret: { file: join(folder, 'none') } }] },
      }
      const { told } = await tellAlerts(store, broken, silent)
      assert.match(told[0]!.problem!.code, /^SECRET_/)
      await tellAlerts(store, site, at(now + 2 * 60_000))
      assert.equal(got.length, 1)
    })
  })

  test('a user without a password is said to be that, and nothing goes anywhere without it', async () => {
    await withStore(async (store) => {
      await fleet(store, false)
      const site = siteFile()
      const mail = { server: '127.0.0.1', port: 1, security: 'starttls', ca: null, user: 'slmctl', password: null } as const
      const half: SiteFile = {
        ...site,
        alerts: { ...site.alerts!, webhooks: [], mail: { ...mail, from: 'a@corp.example', to: ['b@corp.example'] } },
      }
      const { told } = await tellAlerts(store, half, silent)
      assert.deepEqual(
        told.map((t) => t.problem?.code),
        ['ALERT_MAIL_LOGIN'],
      )
    })
  })

  test('quiet hours over midnight, by the clock of a place, on the nights when clocks change too', async () => {
    const site = siteFile({ quiet: '  quiet: {between: 22:00-06:00, time-zone: Europe/Berlin}\n' })
    const quiet = (time: string) => isQuiet(site.alerts, Date.parse(time))
    assert.equal(quiet('2026-07-01T19:59:00Z'), false)
    assert.equal(quiet('2026-07-01T20:00:00Z'), true)
    assert.equal(quiet('2026-07-02T03:59:00Z'), true)
    assert.equal(quiet('2026-07-02T04:00:00Z'), false)
    // 29 March 2026: at 02:00 it becomes 03:00. 25 October 2026: at 03:00 it becomes 02:00.
    assert.equal(quiet('2026-03-28T20:59:00Z'), false)
    assert.equal(quiet('2026-03-28T21:00:00Z'), true)
    assert.equal(quiet('2026-03-29T03:59:00Z'), true)
    assert.equal(quiet('2026-03-29T04:00:00Z'), false)
    assert.equal(quiet('2026-10-24T20:00:00Z'), true)
    assert.equal(quiet('2026-10-25T04:59:00Z'), true)
    assert.equal(quiet('2026-10-25T05:00:00Z'), false)
    await withStore(async (store) => {
      const night = Date.parse('2026-10-25T01:30:00Z')
      await fleet(store, false)
      await tellAlerts(store, site, at(night))
      assert.equal(got.length, 0)
      await tellAlerts(store, site, at(Date.parse('2026-10-25T04:59:00Z')))
      assert.equal(got.length, 0)
      await tellAlerts(store, site, at(Date.parse('2026-10-25T05:00:00Z')))
      assert.equal(got.length, 1)
    })
  })

  test('a campaign that was stopped, foreign activations, machines that were not asked for long', async () => {
    await withStore(async (store) => {
      await store.importMachines([found('a.corp.example'), found('b.corp.example'), found('c.corp.example')], {
        source: 'l',
        at: now - 60 * day,
      })
      const { rows } = await store.list({}, { limit: 10, after: null })
      const kms = product().kms!
      const foreign = product({ origin: 'foreign', verdict: 'action', kms: { ...kms, host: 'kms.elsewhere.example', ip: '203.0.113.9' } })
      await store.observe([
        answer(rows[0]!.id, now - 30 * day, [product({ minutesLeft: 179 * 1440 })]),
        answer(rows[1]!.id, now - day, [foreign]),
      ])
      const campaign = await store.createCampaign({ key: 'k', kind: 'scan', name: 'scan', settings: {}, at: now - day })
      await store.addTargets(
        campaign,
        rows.map((m, position) => ({ machine: m.id, site: '-', position })),
        now,
      )
      await store.setCampaign(campaign, { state: 'running', because: null, at: now - day })
      await store.setCampaign(campaign, { state: 'stopped', because: 'More than 5 % failed.', at: now - 1000 })
      const site = siteFile()
      await tellAlerts(store, site, silent)
      assert.deepEqual(said().sort(), [
        '/one new 1 machine did not answer for 14 days',
        '/one new 1 machine with an activation that is not yours',
        `/one new Campaign ${campaign} (scan) is stopped`,
      ])
      assert.match(JSON.stringify(got), /Hosts: kms\.elsewhere\.example\./)
      assert.match(JSON.stringify(got), /More than 5 % failed\. 3 machines of it are still to be done/)
      assert.match(JSON.stringify(got), /One more has never answered/)
    })
  })

  test('the loop: looks at once, soon after news, tells how many stand, and ends when it is told', async () => {
    await withStore(async (store) => {
      await fleet(store, false)
      const stop = new AbortController()
      const open: number[] = []
      const happened = Promise.withResolvers<void>()
      async function* news() {
        await happened.promise
        yield 'hosts'
      }
      const first = Promise.withResolvers<void>()
      const loop = runAlerts(
        store,
        siteFile(),
        {
          ...silent,
          news: news(),
          soonMs: 20,
          told: (n) => {
            open.push(n)
            first.resolve()
          },
        },
        stop.signal,
      )
      await first.promise
      assert.deepEqual(open, [1])
      assert.equal(got.length, 1)
      // A host lives again: that is news, and it is looked long before the next turn.
      await check(store, true, now)
      const over = Promise.withResolvers<void>()
      heard = over.resolve
      happened.resolve()
      await over.promise
      assert.deepEqual(said().slice(1, 2), ['/one over KMS host kms1.corp.example:1688 does not answer'])
      const begin = performance.now()
      stop.abort()
      await loop
      assert.ok(performance.now() - begin < 1000)
    })
  })
})
