/** `slmctl alerts` as somebody types it, and the server that tells while it runs. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { published, type z } from '../../src/schemas.ts'
import { newProof, tokenPrefix } from '../../src/server.ts'
import { openStore } from '../../src/store.ts'
import { stage } from '../server/stage.ts'
import { answer, day, found, product } from '../store/fixture.ts'
import { ran } from '../support/ran.ts'

const folder = mkdtempSync(join(tmpdir(), 'slmctl-alerts-command-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const site = join(folder, 'slmctl.yaml')
const file = join(folder, 'fleet.db')
writeFileSync(join(folder, 'key'), 'a key\n', { mode: 0o600 })

const got: { event: string; alert: { rule: string } | null }[] = []
let heard: () => void = () => {}
const receiver = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    got.push(JSON.parse(Buffer.concat(parts).toString()))
    response.writeHead(request.url!.includes('refuse') ? 500 : 204).end()
    heard()
  })
})
await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done))
after(() => receiver.close())
const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
const plain = 'domains: [corp.example]\nnetworks: [10.0.0.0/8]\n'
const told = (to = url, folderOf = folder) => `${plain}alerts: {webhooks: [{url: '${to}', secret: {file: ${join(folderOf, 'key')}}}]}\n`

async function fleet(place: string): Promise<void> {
  const store = await openStore({ file: place }, { create: true })
  await store.importMachines([found('pc-1.corp.example')], { source: 'list:test', at: Date.now() - 30 * day })
  const { rows } = await store.list({}, { limit: 1, after: null })
  await store.observe([answer(rows[0]!.id, Date.now() - day, [product({ origin: 'foreign', verdict: 'action', minutesLeft: 100_000 })])])
  await store.close()
}
const alerts = (...argv: string[]) => ran(['alerts', '--site', site, '--store', file, ...argv])

describe('slmctl alerts', () => {
  test('shows what stands, tells once, sends a test; JSON is as published', async () => {
    await fleet(file)
    writeFileSync(site, plain)
    const bare = await alerts()
    assert.equal(bare.code, 1, bare.err)
    assert.match(bare.out, /^1 machine with an activation that is not yours$/m)
    assert.match(bare.out, /^ {2}It stands now, nobody was told yet\.$/m)
    assert.match(bare.out, /names nobody who is told/)
    const nobody = await alerts('--test')
    assert.equal(nobody.code, 2)
    assert.match(nobody.err, /ALERTS_NONE/)
    assert.match((await alerts('--send')).err, /ALERTS_NONE/)

    writeFileSync(site, told())
    assert.match((await alerts()).out, /1 message waits/)
    assert.equal(got.length, 0, 'to look is not to tell')
    const sent = await alerts('--send', '--json')
    assert.equal(sent.code, 1)
    const said = published.alerts.parse(JSON.parse(sent.out)) as z.output<typeof published.alerts>
    assert.deepEqual(
      said.told?.map((t) => t.problem),
      [null],
    )
    assert.ok(said.alerts[0]!.sentAt !== null)
    assert.equal(said.ways[0]!.waiting, 0)
    const again = await alerts('--send')
    assert.match(again.out, /Nobody was to be told anything now/)
    assert.deepEqual(
      got.map((g) => `${g.event} ${g.alert?.rule}`),
      ['new foreign'],
    )
    const tested = await alerts('--test')
    assert.equal(tested.code, 0, tested.err)
    assert.equal(got.at(-1)!.event, 'test')

    writeFileSync(site, told(url.replace('/hook', '/refuse')))
    const refused = await alerts('--test')
    assert.equal(refused.code, 2)
    assert.match(refused.err.replaceAll(/\s+/g, ' '), /refuses the message: HTTP 500\. \(ALERT_WEBHOOK_REFUSED\)/)
    for (const wrong of [['pc-1'], ['--send', '--test']]) assert.equal((await alerts(...wrong)).code, 2)
  })

  test('the server tells while it runs, the API says the same, and what is on its way is answered before it ends', async () => {
    const first = Promise.withResolvers<void>()
    heard = first.resolve
    got.length = 0
    const place = join(folder, 'server.db')
    await fleet(place)
    const store = await openStore({ file: place }, { create: false })
    const server = await stage({}, { siteText: told(), store })
    try {
      // At once: what stands when it is started.
      await first.promise
      assert.deepEqual(
        got.map((g) => `${g.event} ${g.alert?.rule}`),
        ['new foreign'],
      )
      const who = { name: 'maria', kind: 'local', subject: null, role: 'viewer', secret: null, at: Date.now() } as const
      const { value: token, hash } = newProof(tokenPrefix)
      const { id } = await store.saveAccount(who)
      await store.saveToken({ hash, account: id, name: 't', scope: 'read', createdAt: Date.now(), endsAt: Date.now() + day })
      const said = await server.ask('/api/v1/alerts', { token })
      assert.equal(said.status, 200, said.text)
      const { rows } = JSON.parse(said.text) as { rows: { rule: string; sentAt: number | null }[] }
      assert.deepEqual(
        rows.map((r) => r.rule),
        ['foreign'],
      )
      assert.equal((await server.ask('/api/v1/alerts')).status, 401)
    } finally {
      await server.close()
      await store.close()
    }
  })
})
