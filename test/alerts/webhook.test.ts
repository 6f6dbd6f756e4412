import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { type Message, messageOf, sendWebhook, testMessage } from '../../src/alerts.ts'

const key = Buffer.from('a key of a webhook, long enough', 'utf8')
const now = Date.UTC(2026, 10, 1, 12)
const message: Message = messageOf(
  {
    ...{
      key: 'foreign',
      way: 'webhook:x',
      id: 'a'.repeat(32),
      thread: 'b'.repeat(32),
      event: 'changed',
      version: 2,
      since: now,
      over: null,
    },
    alert: {
      ...{
        key: 'foreign',
        rule: 'foreign',
        severity: 'action',
        title: '3 machines',
        text: 'Räume: “naïve” ☃',
        next: ['slmctl fleet audit'],
      },
      ...{ number: 3, grows: 3, about: [], since: null, link: { page: 'origin', query: { origin: 'foreign' } } },
    },
  },
  { organisation: 'Beispiel GmbH', url: 'https://slmctl.corp.example/' },
)

type Got = { readonly headers: IncomingMessage['headers']; readonly body: string; readonly path: string }
async function receiver(answer: (response: ServerResponse, got: Got) => void) {
  const got: Got[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const one = { headers: request.headers, body: Buffer.concat(parts).toString('utf8'), path: request.url! }
      got.push(one)
      answer(response, one)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    got,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts?team=it`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

/** The code of the guide by which whoever receives a webhook verifies it: what is run here is what people copy. */
async function verifierOfGuide(): Promise<(key: Uint8Array, header: string, body: string, nowSeconds: number) => boolean> {
  const guide = readFileSync('docs/guide/metrics.md', 'utf8')
  const code = /```js\n([\s\S]*?export function verified[\s\S]*?)```/.exec(guide)?.[1]
  assert.ok(code, 'the guide has the code')
  return ((await import(`data:text/javascript,${encodeURIComponent(code)}`)) as { verified: Awaited<ReturnType<typeof verifierOfGuide>> })
    .verified
}

describe('a webhook', () => {
  test('is posted as JSON, with a signature that the code of the guide verifies, and no other', async () => {
    const there = await receiver((response) => response.writeHead(204).end())
    const sent = await sendWebhook(there.url, message, key, now)
    await there.close()
    assert.deepEqual(sent, { ok: true, said: 'HTTP 204' })
    const [one] = there.got
    assert.equal(one!.path, '/alerts?team=it')
    assert.equal(one!.headers['content-type'], 'application/json')
    const body = JSON.parse(one!.body)
    assert.deepEqual(body, {
      ...{ schema: 'slmctl.alert/1', id: 'a'.repeat(32), organisation: 'Beispiel GmbH', event: 'changed' },
      alert: {
        ...{
          key: 'foreign',
          rule: 'foreign',
          severity: 'action',
          title: '3 machines',
          text: 'Räume: “naïve” ☃',
          next: ['slmctl fleet audit'],
        },
        ...{ number: 3, link: 'https://slmctl.corp.example/origin?origin=foreign' },
      },
      ...{ since: '2026-11-01T12:00:00.000Z', over: null },
    })
    const verified = await verifierOfGuide()
    const header = String(one!.headers['slmctl-signature'])
    const seconds = now / 1000
    assert.equal(verified(key, header, one!.body, seconds + 10), true)
    assert.equal(verified(Buffer.from('another key'), header, one!.body, seconds), false)
    assert.equal(verified(key, header, one!.body.replace('3 machines', '0 machines'), seconds), false)
    assert.equal(verified(key, header, one!.body, seconds + 600), false, 'an old one, sent again by somebody')
    assert.equal(verified(key, header.replace(/t=\d+/, `t=${seconds + 600}`), one!.body, seconds + 600), false)
    for (const wrong of ['', 't=1', 'v1=00', 't=x,v1=zz', `t=${seconds},v1=ab`])
      assert.equal(verified(key, wrong, one!.body, seconds), false)
  })

  test('refusals, redirects and servers that break off are values with a next step; nothing is followed', async () => {
    const elsewhere = await receiver((response) => response.end())
    for (const [status, code] of [
      [500, 'ALERT_WEBHOOK_REFUSED'],
      [401, 'ALERT_WEBHOOK_REFUSED'],
      [302, 'ALERT_WEBHOOK_REDIRECTS'],
      [307, 'ALERT_WEBHOOK_REDIRECTS'],
    ] as const) {
      const there = await receiver((response) => response.writeHead(status, { location: elsewhere.url }).end())
      const sent = await sendWebhook(there.url, message, key, now)
      await there.close()
      assert.ok(!sent.ok)
      assert.equal(sent.problem.code, code)
      assert.equal(sent.lost, false)
      assert.ok(sent.problem.next.length > 0)
      assert.doesNotMatch(sent.problem.summary, /team=it/, 'what stands behind the question mark may be a secret')
    }
    assert.equal(elsewhere.got.length, 0)
    const broken = await receiver((response) => response.destroy())
    const cut = await sendWebhook(broken.url, message, key, now)
    await broken.close()
    assert.ok(!cut.ok && cut.lost, 'it was posted, and nobody knows')
    const nobody = await sendWebhook(broken.url, message, key, now)
    assert.ok(!nobody.ok && !nobody.lost)
    assert.equal(nobody.problem.code, 'ALERT_WEBHOOK_UNREACHABLE')
    await elsewhere.close()
  })

  test('an answer without end is not read to its end', async () => {
    const endless = await receiver((response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write('x'.repeat(65_536)), 1)
      response.on('close', () => clearInterval(timer))
    })
    assert.ok((await sendWebhook(endless.url, message, key, now)).ok)
    await endless.close()
  })

  test('a test says that it is one', async () => {
    const there = await receiver((response) => response.end())
    await sendWebhook(there.url, testMessage({ organisation: null, url: null }, 'id', now), key, now)
    await there.close()
    assert.deepEqual(JSON.parse(there.got[0]!.body), {
      ...{ schema: 'slmctl.alert/1', id: 'id', organisation: null, event: 'test', alert: null, since: null, over: null },
    })
  })
})
