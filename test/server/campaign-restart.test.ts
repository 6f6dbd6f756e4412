/** The server works on campaigns itself; one that it was at when it ended goes on when it is there again. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { openApp, openFleet } from '../../src/app.ts'
import { newProof, startServer, tokenPrefix, usualSettings } from '../../src/server.ts'
import { stage as labStage } from '../journeys/lab.ts'

test('a campaign goes on after the server ended and is started again', { timeout: 60_000 }, async () => {
  const lab = await labStage({ count: 12, answerAfterMs: 100 })
  const store = await openFleet(join(lab.directory, 'fleet.db'), true)
  const open = () =>
    openApp({
      ...{ siteFile: lab.site, parallel: 2, replay: null, notice: () => {}, here: null },
      reach: {
        ...{ user: null, passwordFile: null, askPassword: false, credential: null, method: null, https: false },
        ...{ port: null, ca: null, pin: null, timeoutSeconds: null },
      },
    })
  const serve = async () => {
    const app = await open()
    const log: string[] = []
    const parts = { app, store, siteFile: lab.site, pages: null, once: false, work: true, version: 'test' }
    const server = await startServer({ ...parts, settings: { ...usualSettings, port: 0 }, log: (line) => log.push(line) })
    return { server, log, app }
  }
  await lab.slmctl('fleet', 'import', '--site-groups', '--store', join(lab.directory, 'fleet.db'))
  const { value, hash } = newProof(tokenPrefix)
  const at = Date.now()
  const account = await store.saveAccount({ name: 'ops', kind: 'local', subject: null, role: 'operator', secret: null, at })
  await store.saveToken({ hash, account: account.id, name: 't', scope: 'operate', createdAt: at, endsAt: at + 3_600_000 })

  const first = await serve()
  const headers = { authorization: `Bearer ${value}`, 'content-type': 'application/json' }
  const begun = await fetch(`${first.server.url}/api/v1/campaigns/scan`, { method: 'POST', headers, body: '{}' })
  assert.equal(begun.status, 201, await begun.clone().text())
  const ended = async () =>
    (await store.progress((await store.campaigns({ limit: 1 }))[0]!.id)).filter((r) => r.state === 'done' || r.state === 'failed')
  const count = async () => (await ended()).reduce((sum, r) => sum + r.count, 0)
  while ((await count()) < 3) await new Promise((r) => setTimeout(r, 50))
  await first.server.close({ graceMs: 1000 })
  await first.app.close()
  const [campaign] = await store.campaigns({ limit: 1 })
  assert.equal(campaign!.state, 'running', 'it was not stopped, only let go')
  const machines = (await store.progress(campaign!.id)).reduce((sum, r) => sum + r.count, 0)
  assert.ok(machines >= 12)
  const before = await count()
  assert.ok(before < machines, `${before} of ${machines}`)
  assert.equal((await store.leases(campaign!.id)).length, 0, 'no machine is held any more')

  const second = await serve()
  while ((await store.campaigns({ limit: 1 }))[0]!.state === 'running') await new Promise((r) => setTimeout(r, 100))
  assert.equal((await store.campaigns({ limit: 1 }))[0]!.state, 'finished')
  assert.equal(await count(), machines)
  await second.server.close({ graceMs: 1000 })
  await second.app.close()
  await store.close()
  await lab.close()
})
