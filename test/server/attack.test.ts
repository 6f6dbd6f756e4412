/** What somebody tries who means no good: each of these worked once. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { addressKind } from '../../src/addresses.ts'
import { csvLine } from '../../src/app.ts'
import { ProblemError, problem } from '../../src/model.ts'
import { isProxy, plainBeyond } from '../../src/server/places.ts'
import { addressLimit, everywhereLimit, nameLimit, rate } from '../../src/server/rate.ts'
import { trailOf } from '../../src/server/trail.ts'
import { passwordHash } from '../../src/server.ts'
import { type Stage, stage } from './stage.ts'

const code = (said: { json: never }) => (said.json as { code?: string } | null)?.code

let on: Stage
let viewer: number
before(async () => {
  on = await stage({ openDiagnose: true })
  viewer = await on.person('viewer')
})
after(() => on.close())

describe('words that every object knows', () => {
  test('are words like others', async () => {
    const { value: token } = await on.token(viewer, 'read')
    for (const word of ['__proto__', 'constructor', 'toString']) {
      assert.equal(code(await on.ask(`/api/v1/keys?words=${word}`, { token })), 'NO_SUCH_KEY')
      const image = await on.ask('/api/v1/image', { token, body: { products: [word] } })
      assert.equal(code(image), 'PRODUCT_UNKNOWN', image.text)
    }
    assert.deepEqual(on.log, [])
  })
})

describe('what fills memory or time', () => {
  test('what nobody signed in sends to sign-in is short', async () => {
    const long = { name: 'a', password: 'b'.repeat(20_000) }
    assert.equal((await on.ask('/api/v1/sign-in/local', { body: long })).status, 413)
    // The longest password that there may be, however it is written.
    const raw = `{"name":"nobody","password":"${'\\u0061'.repeat(1024)}"}`
    const most = await on.ask('/api/v1/sign-in/local', { raw, headers: { 'content-type': 'application/json' } })
    assert.equal(code(most), 'SIGN_IN_REFUSED')
  })

  test('long texts have few places, and are not read without one', async () => {
    const { hostname, port } = new URL(`http://${on.server.address}`)
    const { value: token } = await on.token(viewer, 'read')
    const body = { texts: [{ text: 'Error: 0xC004F074' }] }
    const ask = async (who: { token?: string; session?: string }) => {
      const said = await on.ask('/api/v1/diagnose', { body, ...who })
      return said.status === 200 ? 'read' : code(said)
    }
    const another = await on.session(await on.person('viewer', 'another'))
    for (const who of [{}, { token }]) {
      const sockets: Socket[] = []
      const headers = [
        ...['POST /api/v1/diagnose HTTP/1.1', `Host: ${on.server.address}`, 'Content-Type: text/plain', 'Content-Length: 5000000'],
        ...('token' in who ? [`Authorization: Bearer ${token}`] : []),
      ]
      try {
        for (let n = 0; n < 20; n++) {
          const socket = connect(Number(port), hostname)
          socket.on('error', () => {})
          socket.write(`${headers.join('\r\n')}\r\n\r\nxx`)
          sockets.push(socket)
        }
        await pause(300)
        assert.equal(await ask(who), 'DIAGNOSE_BUSY')
        assert.equal(await ask({ session: another }), 'read')
        for (const socket of sockets) socket.destroy()
        await pause(300)
        assert.equal(await ask(who), 'read')
      } finally {
        for (const socket of sockets) socket.destroy()
      }
    }
  })

  test('lists of machines take as many places as they may be long: two of one account, whatever they say of their length', async () => {
    const { hostname, port } = new URL(`http://${on.server.address}`)
    const { value: token } = await on.token(await on.person('operator', 'importer'), 'operate')
    const busy = async () => {
      const said = await on.ask('/api/v1/fleet/imports', { token, body: { source: 'busy', text: 'pc-1.corp.example' } })
      return said.status === 200 ? 'read' : code(said)
    }
    for (const length of ['Content-Length: 33000000', 'Transfer-Encoding: chunked']) {
      const sockets: Socket[] = []
      const send = async () => {
        const socket = connect(Number(port), hostname)
        socket.on('error', () => {})
        const headers = ['POST /api/v1/fleet/imports HTTP/1.1', `Host: ${on.server.address}`, 'Content-Type: application/json', length]
        socket.write(`${[...headers, `Authorization: Bearer ${token}`].join('\r\n')}\r\n\r\n`)
        sockets.push(socket)
        const said = new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(/ (\d+) /.exec(bytes.toString())![1]!)))
        return await Promise.race([said, pause(300).then(() => 'waits')])
      }
      try {
        assert.deepEqual([await send(), await send(), await send(), await busy()], ['waits', 'waits', '503', 'read'], length)
      } finally {
        for (const socket of sockets) socket.destroy()
        await pause(300)
      }
    }
    assert.equal(await busy(), 'read')
  })

  test('a body of endlessly many parts is not even parsed; a long text with whatever signs is no such body', async () => {
    const { value: token } = await on.token(viewer, 'read')
    const json = { 'content-type': 'application/json' }
    const title = async (raw: string) =>
      ((await on.ask('/api/v1/diagnose', { raw, headers: json, token })).json as { title?: string }).title
    for (const part of ['{},', '[],', '"",', '1,', '"\\\\",', '{"a":"b"},'])
      assert.match(String(await title(`{"texts":[${part.repeat(300_000)}{}]}`)), /more parts than/, part)
    assert.match(String(await title('['.repeat(300_000))), /more parts than/)
    for (const text of ['"{[,'.repeat(100_000), '\\'.repeat(200_000), '\\"'.repeat(100_000), `${'{},'.repeat(100_000)}\\`])
      assert.equal(await title(JSON.stringify({ texts: [{ text }] })), undefined, text.slice(0, 10))
  })

  test('a text of endlessly many products is not planned for', async () => {
    const { value: token } = await on.token(viewer, 'read')
    const began = performance.now()
    const body = { texts: [{ text: 'License Status: '.repeat(60_000) }] }
    const said = await on.ask('/api/v1/plan-from-text', { token, body })
    assert.equal(code(said), 'TEXT_ENDLESS', said.text.slice(0, 300))
    assert.ok(performance.now() - began < 5000)
  })
})

test('a cell that begins with a full-width sign is no formula', () => {
  for (const sign of '=+-@＝＋－＠') assert.equal(csvLine([`${sign}1`]), `'${sign}1\r\n`)
})

describe('sessions and passwords', () => {
  test('of a body with a password nothing is kept for an Idempotency-Key', async () => {
    const account = await on.store.saveAccount({
      ...{ name: 'kim', kind: 'local', subject: null, role: 'viewer', at: on.clock.now },
      secret: await passwordHash(Buffer.from('correct horse battery')),
    })
    const session = await on.session(account.id)
    const signIn = { session, body: { name: 'kim', password: 'correct horse battery' }, headers: { 'idempotency-key': 'k1' } }
    const first = await on.ask('/api/v1/sign-in/local', signIn)
    assert.equal(first.status, 200)
    const claimed = await on.store.claimKey({ key: 'k1', account: account.id, request: 'other', at: on.clock.now })
    assert.equal(claimed.state, 'new')

    // A password that is changed while the old one is looked at.
    const secret = await passwordHash(Buffer.from('another horse, another battery'))
    const slow = on.ask('/api/v1/sign-in/local', { body: signIn.body })
    await pause(30)
    await on.store.setAccount(account.id, { secret })
    assert.equal(code(await slow), 'SIGN_IN_REFUSED')
  })

  test('whoever listens to events is let go when the session ends, or the token', async () => {
    const listen = (headers: Record<string, string>) =>
      new Promise<{ readonly ended: Promise<boolean> }>((resolve, reject) => {
        const { hostname, port } = new URL(`http://${on.server.address}`)
        const sent = request({ hostname, port, path: '/api/v1/events', headers, agent: false }, (answer) => {
          answer.resume()
          const ended = new Promise<boolean>((done) => {
            answer.on('end', () => done(true))
            setTimeout(() => done(false), 2000).unref()
          })
          resolve({ ended: ended.finally(() => sent.destroy()) })
        })
        sent.on('error', reject)
        sent.end()
      })
    const gone = await on.session(viewer)
    const revoked = await on.token(viewer, 'read')
    const stays = await on.token(viewer, 'read')
    const listeners = [
      await listen({ cookie: `slmctl=${gone}` }),
      await listen({ authorization: `Bearer ${revoked.value}` }),
      await listen({ authorization: `Bearer ${stays.value}` }),
    ]
    await on.ask('/api/v1/sign-out', { session: gone, method: 'POST' })
    await on.store.revokeToken(revoked.id, on.clock.now)
    on.clock.now += 31_000
    const { value: token } = await on.token(await on.person('operator'), 'operate')
    await on.ask('/api/v1/fleet/imports', { token, body: { source: 'list', kind: 'list', text: 'pc-1.corp.example', dryRun: false } })
    assert.equal((await on.ask('/api/v1/campaigns/scan', { token, body: {} })).status, 201)
    assert.deepEqual(await Promise.all(listeners.map((l) => l.ended)), [true, true, false])
  })
})

describe('a clock that is set back', () => {
  test('locks nobody out, and the trail goes on', async () => {
    const hour = 3_600_000
    for (const limit of [nameLimit, addressLimit]) {
      const tries = rate(limit)
      for (let n = 0; n < 100; n++) tries.count('kim', 10 * hour)
      assert.ok(tries.wait('kim', 10 * hour) > 0)
      assert.equal(tries.wait('kim', 9 * hour), 0)
    }
    const appended: number[] = []
    let now = 10 * hour
    const store = { appendTrail: async ({ at }: { at: number }) => void appended.push(at) }
    const trail = trailOf(
      store as never,
      () => now,
      () => {},
    )
    const entry = { who: '-', by: 'nobody', from: '10.0.0.9', what: 'x', about: '', result: 'refused', detail: null } as const
    for (let n = 0; n < 30; n++) await trail.refused(entry, null)
    assert.equal(appended.length, 20)
    now = 9 * hour
    await trail.refused(entry, null)
    assert.equal(appended.at(-1), now)
  })
})

test('a product key in the wrong field is not kept', async () => {
  const key = 'ABCDE-FGHJK-MNPQR-TVWXY-23467'
  const { value: token } = await on.token(await on.person('operator', 'tired'), 'operate')
  const session = await on.session(viewer)
  const list = { kind: 'list', text: 'pc-1.corp.example', dryRun: false }
  for (const said of [
    await on.ask('/api/v1/me/views/Mine', { method: 'PUT', session, body: { query: `text=${key}` } }),
    await on.ask(`/api/v1/me/views/${key}`, { method: 'PUT', session, body: { query: '' } }),
    await on.ask('/api/v1/me/tokens', { session, body: { name: key, scope: 'read', days: 1 } }),
    ...(await Promise.all(
      [{ source: key }, { source: 'a', group: key }, { source: 'a', pool: key }].map((body) =>
        on.ask('/api/v1/fleet/imports', { token, body: { ...list, ...body } }),
      ),
    )),
  ]) {
    assert.equal(said.status, 400, said.text)
    assert.ok(!said.text.includes(key), said.text)
  }
})

test('nobody is told where the store is', async () => {
  const other = await stage()
  try {
    const { place } = other.store
    await other.store.close()
    // As a store that went away says it.
    const gone = new ProblemError(problem('STORE_GONE', `The store ${place} is away.`, [place]))
    Object.assign(other.store, { campaigns: () => Promise.reject(gone), session: () => Promise.reject(gone) })
    for (const said of [await other.ask('/healthz'), await other.ask('/api/v1/me', { session: 'a'.repeat(43) })]) {
      assert.deepEqual([said.status, code(said)], [503, 'STORE_GONE'])
      assert.ok(!said.text.includes(place), said.text)
    }
    assert.ok(other.log.some((line) => line.includes(place)))
  } finally {
    await other.close().catch(() => {})
  }
})

test('a million words with a colon are no million exceptions', () => {
  const began = performance.now()
  for (let n = 0; n < 100_000; n++) assert.equal(addressKind(`x${n}:`), null)
  assert.ok(performance.now() - began < 1000)
  for (const [text, kind] of [
    ['::1', 'loopback'],
    ['::', 'reserved'],
    ['fe80::1%eth0', 'link-local'],
    ['[2001:4860:4860::8888]', 'public'],
    ['::ffff:10.0.0.1', 'private'],
    ['fd00:0000:0000:0000:0000:0000:0000:0001', 'private'],
    ['0000:0000:0000:0000:0000:ffff:192.168.100.228', 'private'],
  ] as const)
    assert.equal(addressKind(text), kind, text)
})

test('whoever guesses at a name from one address keeps nobody out who comes from another', async () => {
  const other = await stage({ url: 'https://slmctl.corp.example', proxies: ['127.0.0.1'] })
  try {
    const from = (address: string) =>
      other.ask('/api/v1/sign-in/local', {
        body: { name: 'maria', password: 'a guess that is wrong' },
        origin: 'https://slmctl.corp.example',
        headers: { 'x-forwarded-for': address, 'x-forwarded-proto': 'https' },
      })
    // Of less work than a real one, so that the test is quick.
    const secret = `$scrypt$ln=10,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`
    await other.store.saveAccount({ name: 'maria', kind: 'local', subject: null, role: 'viewer', secret, at: 1 })
    // At once, so that they count each before one is known to be wrong.
    await Promise.all(Array.from({ length: 7 }, () => from('10.0.0.66')))
    assert.equal(code(await from('10.0.0.66')), 'SIGN_IN_WAIT')
    assert.equal(code(await from('10.0.0.7')), 'SIGN_IN_REFUSED')
    const { free } = everywhereLimit
    assert.ok(free > addressLimit.free + addressLimit.forgetMs / addressLimit.mostMs)
  } finally {
    await other.close()
  }
})

describe('an administrator who is tired', () => {
  test('believes no whole world as a proxy', async () => {
    for (const proxies of [['0.0.0.0/0'], ['127.0.0.1', '10.0.0.0/8'], ['::/0'], ['999.1.1.1'], ['10.0.0.1/99']])
      await assert.rejects(
        stage({ url: 'https://slmctl.corp.example', proxies }),
        (error: ProblemError) => error.problems[0]!.code === 'PROXIES_TOO_WIDE',
      )
    for (const proxy of ['127.0.0.1', '10.1.2.0/24', '172.16.0.0/16', '::1', '2001:db8:1::/48']) assert.ok(isProxy(proxy), proxy)
  })

  test('has no sign-in in clear past the proxy', () => {
    const open = { address: '0.0.0.0', tls: null }
    assert.equal(plainBeyond(open, 'http', '10.0.0.9'), true)
    assert.equal(plainBeyond(open, 'http', '::ffff:10.0.0.9'), true)
    assert.equal(plainBeyond(open, 'https', '10.0.0.9'), false)
    assert.equal(plainBeyond(open, 'http', '127.0.0.1'), false)
    assert.equal(plainBeyond({ address: '127.0.0.1', tls: null }, 'http', '127.0.0.1'), false)
    assert.equal(plainBeyond({ address: '0.0.0.0', tls: { certificate: 'c', key: { file: 'k' } } }, 'http', '10.0.0.9'), false)
  })
})
