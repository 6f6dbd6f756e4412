/** What holds for every answer: headers, names, sizes, times, one shape of what went wrong, and how the server ends. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { ProblemError } from '../../src/model.ts'
import { readPages } from '../../src/server.ts'
import { type Said, type Stage, stage } from './stage.ts'

const code = (said: Said) => (said.json as { code?: string } | null)?.code
/** Every answer that is none has one shape. */
function isProblem(said: Said, status: number, name: string): void {
  assert.equal(said.status, status, said.text)
  assert.match(String(said.headers['content-type']), /^application\/problem\+json/)
  const { type, title, code: c, next, status: s, ...more } = said.json as Record<string, unknown>
  assert.deepEqual([type, c, s], [`urn:slmctl:problem:${name}`, name, status])
  assert.ok(typeof title === 'string' && /[.?]$/.test(title), String(title))
  assert.ok(Array.isArray(next) && next.length > 0)
  assert.deepEqual(
    Object.keys(more).filter((k) => !['instance', 'problems'].includes(k)),
    [],
  )
  assert.doesNotMatch(said.text, /node_modules|\.ts:\d|at async/)
}
const page = (text: string, type: string) => ({
  type,
  br: brotliCompressSync(text).toString('base64'),
  gzip: gzipSync(text).toString('base64'),
  etag: `"${text.length}"`,
})
const pages = readPages(
  Buffer.from(
    JSON.stringify({
      files: {
        '/index.html': page('<!doctype html><title>slmctl</title>', 'text/html'),
        '/assets/app-1a2b.js': page('go()', 'text/javascript'),
      },
    }),
  ),
)

let s: Stage
let viewer: string
let approver: string
before(async () => {
  s = await stage({}, { pages, limits: { headersMs: 600, requestMs: 1200, lookEveryMs: 100, keepAliveMs: 500, listenersOfAddress: 2 } })
  viewer = (await s.token(await s.person('viewer'), 'read')).value
  approver = (await s.token(await s.person('approver'), 'apply')).value
})
after(() => s.close())

describe('what every answer carries', () => {
  for (const path of [
    '/',
    '/assets/app-1a2b.js',
    '/api/v1/sign-in',
    '/api/v1/me',
    '/api/v1/nowhere',
    '/healthz',
    '/metrics',
    '/%zz',
    '/a.b',
  ])
    test(path, async () => {
      const { headers } = await s.ask(path)
      const policy = String(headers['content-security-policy'])
      for (const part of [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
      ])
        assert.ok(policy.split('; ').includes(part), part)
      assert.doesNotMatch(policy, /unsafe|\*|https?:/)
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.equal(headers['referrer-policy'], 'no-referrer')
      assert.equal(headers['cross-origin-opener-policy'], 'same-origin')
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
      assert.match(String(headers['permissions-policy']), /camera=\(\)/)
      assert.equal(headers['strict-transport-security'], undefined, 'not without TLS')
      if (path.startsWith('/api')) assert.equal(headers['cache-control'], 'no-store')
      assert.equal(headers.server ?? headers['x-powered-by'], undefined)
      assert.equal(headers['access-control-allow-origin'], undefined)
    })
})

describe('problem details', () => {
  test('400: one sentence says what does not fit', async () => {
    const said = await s.ask('/api/v1/me/views/x', { method: 'PUT', token: viewer, body: { query: 7 } })
    isProblem(said, 400, 'REQUEST_INVALID')
    assert.match((said.json as { title: string }).title, /^The body, query: .*string/)
    isProblem(
      await s.ask('/api/v1/me/views/x', { method: 'PUT', token: viewer, raw: '{', headers: { 'content-type': 'application/json' } }),
      400,
      'REQUEST_INVALID',
    )
    isProblem(
      await s.ask('/api/v1/me/views/x', {
        method: 'PUT',
        token: viewer,
        raw: '{"__proto__":{"a":1}}',
        headers: { 'content-type': 'application/json' },
      }),
      ...([400, 'REQUEST_INVALID'] as const),
    )
    isProblem(await s.ask('/api/v1/me?role=approver', { token: viewer }), 400, 'REQUEST_INVALID')
    isProblem(await s.ask('/api/v1/trail?limit=0', { token: approver }), 400, 'REQUEST_INVALID')
    isProblem(await s.ask('/api/v1/me/tokens/x', { method: 'DELETE', session: await s.session(1) }), 400, 'REQUEST_INVALID')
    isProblem(await s.ask('/%zz'), 400, 'REQUEST_INVALID')
  })
  test('404, 405 with Allow, 413, 415', async () => {
    isProblem(await s.ask('/api/v1/nowhere'), 404, 'NOT_FOUND')
    isProblem(await s.ask('/api'), 404, 'NOT_FOUND')
    isProblem(await s.ask('/api/v1/sign-in/'), 404, 'NOT_FOUND')
    const wrong = await s.ask('/api/v1/me', { method: 'DELETE', token: viewer })
    isProblem(wrong, 405, 'METHOD_NOT_ALLOWED')
    assert.equal(wrong.headers.allow, 'GET')
    isProblem(await s.ask('/', { method: 'POST', body: {} }), 405, 'METHOD_NOT_ALLOWED')
    isProblem(await s.ask('/api/v1/sign-out', { method: 'GET' }), 405, 'METHOD_NOT_ALLOWED')
    isProblem(
      await s.ask('/api/v1/me/views/x', { method: 'PUT', token: viewer, body: { query: 'x'.repeat(300_000) } }),
      413,
      'REQUEST_TOO_LARGE',
    )
    isProblem(
      await s.ask('/api/v1/me/views/x', { method: 'PUT', token: viewer, raw: '<x/>', headers: { 'content-type': 'text/xml' } }),
      415,
      'NOT_JSON',
    )
  })
  test('500: what went wrong is told to the log alone, by the number of the request', async () => {
    const { store } = s
    const broken = await stage({}, { store: { ...store, trail: () => Promise.reject(new Error('secret words of a library')) } as never })
    const { value } = await broken.token(await broken.person('approver'), 'apply')
    void value
    const said = await broken.ask('/api/v1/trail', { token: approver })
    isProblem(said, 500, 'INTERNAL')
    assert.doesNotMatch(said.text, /secret words/)
    const { instance } = said.json as { instance: string }
    assert.ok(broken.log.some((line) => line.includes(instance) && line.includes('secret words')))
    assert.equal(said.headers['x-request-id'], instance)
    await broken.close()
  })
  test('a database that is away is 503, with Retry-After', async () => {
    const away = {
      code: 'STORE_NOT_REACHED',
      summary: 'The database does not answer.',
      next: ['Start it.'],
      file: null,
      line: null,
      column: null,
    }
    const broken = await stage({}, { store: { ...s.store, campaigns: () => Promise.reject(new ProblemError(away)) } as never })
    const said = await broken.ask('/healthz')
    isProblem(said, 503, 'STORE_NOT_REACHED')
    assert.equal(said.headers['retry-after'], '5')
    await broken.close()
  })
  test('what is no HTTP is answered so, too', async () => {
    assert.match(await s.raw('hello\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*application\/problem\+json[\s\S]*REQUEST_INVALID/)
    assert.match(await s.raw('\x16\x03\x01\x02\x00\x01\x00\x01'), /^HTTP\/1\.1 400 /)
  })
})

describe('the name that the server is asked by', () => {
  test('a name that leads to our address is not ours: no page of another site reads this (DNS rebinding)', async () => {
    for (const host of [
      'evil.example',
      `evil.example:${new URL(s.server.url).port}`,
      '127.0.0.1.evil.example',
      '10.0.0.5',
      'localhost.evil.example:80',
      'a b',
    ])
      for (const path of ['/', '/api/v1/sign-in', '/metrics', '/healthz', '/api/v1/nowhere']) {
        const said = await s.ask(path, { headers: { host }, token: approver })
        assert.ok(said.status === 421 || (said.status === 400 && said.text === ''), `${host} ${path}: ${said.status}`)
        if (said.text !== '') isProblem(said, 421, 'HOST_NOT_OURS')
      }
  })
  test('localhost and the address itself are', async () => {
    const { port } = new URL(s.server.url)
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `LOCALHOST:${port}`, `localhost.:${port}`])
      assert.equal((await s.ask('/healthz', { headers: { host } })).status, 200, host)
    isProblem(await s.ask('/healthz', { headers: { host: 'localhost:1' } }), 421, 'HOST_NOT_OURS')
  })
  test('behind a proxy, the name of the site file is ours, and changes come from there', async () => {
    const proxied = await stage({ url: 'https://slmctl.corp.example', proxies: ['127.0.0.1'] })
    const host = 'slmctl.corp.example'
    assert.equal((await proxied.ask('/healthz', { headers: { host } })).status, 200)
    assert.equal((await proxied.ask('/healthz', { headers: { host: 'other.corp.example' } })).status, 421)
    const sign = (headers: Record<string, string>, origin: string) =>
      proxied.ask('/api/v1/sign-in/local', { body: { name: 'a', password: 'b' }, headers, origin })
    const tls = { host, 'x-forwarded-proto': 'https' }
    assert.equal(code(await sign(tls, 'https://slmctl.corp.example')), 'SIGN_IN_REFUSED')
    assert.equal(code(await sign(tls, 'http://slmctl.corp.example')), 'FORGED_REQUEST')
    // The Host of a request is no proof of where a page is from, where it is another one.
    assert.equal(code(await sign({ ...tls, 'x-forwarded-host': 'evil.example' }, 'https://evil.example')), 'FORGED_REQUEST')
    await proxied.close()
  })
})

describe('X-Forwarded-For', () => {
  const from = async (stage: Stage, forwarded: string) => {
    const { value } = await stage.token(await stage.person('approver'), 'apply')
    // Refused, and in the trail.
    await stage.ask('/api/v1/me/tokens/424242', { method: 'DELETE', token: value, headers: { 'x-forwarded-for': forwarded } })
    return (await stage.store.trail({}, { limit: 1, after: null })).rows[0]!.from
  }
  test('is believed from the proxies of the site file only', async () => {
    assert.equal(await from(s, '203.0.113.7'), '127.0.0.1')
    const proxied = await stage({ url: 'https://slmctl.corp.example', proxies: ['127.0.0.1'] })
    assert.equal(await from(proxied, '203.0.113.7'), '203.0.113.7')
    assert.equal(await from(proxied, '198.51.100.1, 203.0.113.7'), '203.0.113.7', 'what a client writes itself stands before')
    assert.equal(await from(proxied, '198.51.100.1, 203.0.113.7:51234'), '203.0.113.7', 'IIS writes the port, too')
    assert.equal(await from(proxied, '[2001:db8::7]:51234'), '2001:db8::7')
    assert.equal(await from(proxied, '2001:db8::7'), '2001:db8::7')
    for (const none of ['not an address', '203.0.113.7:x', '203.0.113:80', '[203.0.113.7', '[x]:1'])
      assert.equal(await from(proxied, none), '127.0.0.1', none)
    await proxied.close()
    const other = await stage({ url: 'https://slmctl.corp.example', proxies: ['10.0.0.1'] })
    assert.equal(await from(other, '203.0.113.7'), '127.0.0.1')
    await other.close()
  })
})

describe('slow, large and twisted requests', () => {
  const host = () => new URL(s.server.url).host
  test('headers that come drop by drop are cut off', async () => {
    const began = performance.now()
    const said = await s.raw(`GET /healthz HTTP/1.1\r\nHost: ${host()}\r\n`, {
      pieces: Array.from({ length: 100 }, (_, i) => `X-${i}: 1\r\n`),
      everyMs: 50,
    })
    assert.ok(performance.now() - began < 3000)
    assert.match(said, /^HTTP\/1\.1 408 [\s\S]*REQUEST_SLOW/)
  })
  test('a body that comes drop by drop is cut off', async () => {
    const began = performance.now()
    const text = `POST /api/v1/sign-in/local HTTP/1.1\r\nHost: ${host()}\r\nOrigin: ${s.server.url}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n`
    await s.raw(text, { pieces: Array.from({ length: 200 }, () => ' '), everyMs: 50 })
    assert.ok(performance.now() - began < 4000)
  })
  test('a connection on which nothing is asked is closed', async () => {
    const began = performance.now()
    await s.raw(`GET /healthz HTTP/1.1\r\nHost: ${host()}\r\n\r\n`)
    assert.ok(performance.now() - began < 3500)
  })
  test('headers larger than 16 kB', async () => {
    assert.match(
      await s.raw(`GET / HTTP/1.1\r\nHost: ${host()}\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
      /^HTTP\/1\.1 431 [\s\S]*HEADERS_TOO_LARGE/,
    )
    assert.match(await s.raw(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: ${host()}\r\n\r\n`), /^HTTP\/1\.1 431 /)
  })
  test('a body whose end is not said is read no further than it may be long', async () => {
    const chunk = `${(64 * 1024).toString(16)}\r\n${'x'.repeat(64 * 1024)}\r\n`
    const head = `PUT /api/v1/me/views/x HTTP/1.1\r\nHost: ${host()}\r\nAuthorization: Bearer ${viewer}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`
    assert.match(await s.raw(head + chunk.repeat(8)), /^HTTP\/1\.1 413 [\s\S]*REQUEST_TOO_LARGE/)
  })
  test('a body of nobody is not read at all', async () => {
    const said = await s.raw(
      `PUT /api/v1/me/views/x HTTP/1.1\r\nHost: ${host()}\r\nContent-Type: application/json\r\nContent-Length: 200000\r\nConnection: close\r\n\r\n{`,
    )
    assert.match(said, /^HTTP\/1\.1 401 /)
  })
  test('two lengths, or a length and chunks, are no request (smuggling)', async () => {
    const twice = `POST /api/v1/sign-out HTTP/1.1\r\nHost: ${host()}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello`
    assert.match(await s.raw(twice), /^HTTP\/1\.1 400 /)
    const both = `POST /api/v1/sign-out HTTP/1.1\r\nHost: ${host()}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`
    assert.match(await s.raw(both), /^HTTP\/1\.1 400 /)
    assert.match(await s.raw(`GET / HTTP/1.1\r\nHost: ${host()}\r\nHost: evil.example\r\n\r\n`), /^HTTP\/1\.1 421 /)
    assert.match(await s.raw('GET / HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 /)
    assert.match(await s.raw('GET / HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 421 /)
  })
  test('no path leads out of the pages', async () => {
    const paths = [
      '/../../etc/passwd',
      '/..%2f..%2fetc%2fpasswd',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/assets/../../package.json',
      '/assets/..%5c..%5cpackage.json',
    ]
    for (const path of [
      ...paths,
      '//etc/passwd',
      '/assets/app-1a2b.js%00',
      '/..;/etc/passwd',
      '/api/v1/../../etc/passwd',
      '/.env',
      '/index.html/../x.js',
    ]) {
      const said = await s.raw(`GET ${path} HTTP/1.1\r\nHost: ${host()}\r\nConnection: close\r\n\r\n`)
      assert.doesNotMatch(said, /root:|"name"|SECRET/, path)
      assert.match(said, /^HTTP\/1\.1 (?:404|400) |<title>slmctl|text\/html/, path)
    }
  })
  test('line ends in names reach neither headers nor the log nor the trail as line ends', async () => {
    const name = 'x\r\nSet-Cookie: slmctl=evil\r\n\u001b[31m'
    const said = await s.ask('/api/v1/sign-in/local', { body: { name, password: 'y' } })
    assert.equal(said.status, 401)
    assert.equal(said.headers['set-cookie'], undefined)
    const { rows } = await s.store.trail({ what: 'POST /api/v1/sign-in/local' }, { limit: 1, after: null })
    assert.doesNotMatch(rows[0]!.about, /[\r\n\u001b]/)
    assert.match(rows[0]!.about, /Set-Cookie/)
    assert.ok(s.log.every((line) => !/[\r\u001b]/.test(line)))
    isProblem(
      await s.ask(`/api/v1/me/views/${encodeURIComponent('a\r\nb')}`, { method: 'PUT', token: viewer, body: { query: '' } }),
      400,
      'REQUEST_INVALID',
    )
    const to = await s.ask(`/api/v1/sign-in/openid?to=${encodeURIComponent('/\r\nX: y')}`)
    assert.equal(to.headers.x, undefined)
  })
})

test('long answers are packed where that is taken', async () => {
  const session = await s.session(await s.person('viewer', 'packer'))
  for (let i = 0; i < 60; i++)
    await s.store.saveView({
      account: await s.person('viewer', 'packer'),
      name: `view ${i}`,
      query: 'verdict=action&group=berlin&sort=-seen&not-seen-for=30',
      at: 0,
    })
  const plain = await s.ask('/api/v1/me/views', { session })
  const packed = await s.ask('/api/v1/me/views', { session, headers: { 'accept-encoding': 'gzip' } })
  assert.equal(plain.headers['content-encoding'], undefined)
  assert.equal(packed.headers['content-encoding'], 'gzip')
  assert.equal(packed.headers.vary, 'Accept-Encoding')
  assert.ok(Number(packed.headers['content-length']) < plain.text.length / 4)
})

test('a script in a stored name stays text: JSON by its type, not to be guessed otherwise', async () => {
  const name = '<script>alert(1)</script>'
  const said = await s.ask(`/api/v1/me/views/${encodeURIComponent(name)}`, {
    method: 'PUT',
    token: viewer,
    body: { query: 'verdict=action' },
  })
  assert.equal(said.status, 200)
  const list = await s.ask('/api/v1/me/views', { token: viewer })
  assert.match(String(list.headers['content-type']), /^application\/json/)
  assert.equal(list.headers['x-content-type-options'], 'nosniff')
  assert.deepEqual(
    (list.json as { rows: { name: string }[] }).rows.map((r) => r.name),
    [name],
  )
})

describe('pages', () => {
  test('compressed as the browser takes it, known by a tag, kept for ever where the name changes', async () => {
    const get = (path: string, headers: Record<string, string> = {}) => s.ask(path, { headers })
    const plain = await get('/assets/app-1a2b.js')
    assert.equal(plain.text, 'go()')
    assert.equal(plain.headers['cache-control'], 'public, max-age=31536000, immutable')
    assert.equal(plain.headers.vary, 'Accept-Encoding')
    const br = await get('/assets/app-1a2b.js', { 'accept-encoding': 'gzip, deflate, br' })
    assert.equal(br.headers['content-encoding'], 'br')
    assert.equal((await get('/', { 'accept-encoding': 'gzip;q=0.5' })).headers['content-encoding'], 'gzip')
    assert.equal((await get('/', { 'accept-encoding': 'br;q=0, gzip;q=0' })).headers['content-encoding'], undefined)
    const again = await get('/assets/app-1a2b.js', { 'accept-encoding': 'br', 'if-none-match': String(br.headers.etag) })
    assert.deepEqual([again.status, again.text], [304, ''])
    assert.equal((await get('/assets/app-1a2b.js', { 'if-none-match': String(br.headers.etag) })).status, 200, 'another coding')
    void [brotliDecompressSync, gunzipSync]
  })
  test('every path without a dot is the one document; what is the server’s own is not', async () => {
    for (const path of ['/', '/machines', '/machines/17', '/hosts/kms1/1688?x=1', '/sign-in', '/apiary'])
      assert.equal((await s.ask(path)).text, '<!doctype html><title>slmctl</title>', path)
    assert.equal((await s.ask('/')).headers['cache-control'], 'no-cache')
    isProblem(await s.ask('/favicon.ico'), 404, 'NOT_FOUND')
    isProblem(await s.ask('/api/machines'), 404, 'NOT_FOUND')
    const head = await s.ask('/machines', { method: 'HEAD' })
    assert.deepEqual([head.status, head.text], [200, ''])
  })
  test('a slmctl without pages says so', async () => {
    const bare = await stage()
    isProblem(await bare.ask('/'), 503, 'PAGES_NOT_BUILT')
    assert.equal((await bare.ask('/api/v1/sign-in')).status, 200)
    await bare.close()
  })
})

describe('Idempotency-Key', () => {
  const put = (key: string, query: string, token = viewer, name = 'once') =>
    s.ask(`/api/v1/me/views/${name}`, { method: 'PUT', token, body: { query }, headers: { 'idempotency-key': key } })
  test('the same key and body give the same answer, and it is done once', async () => {
    const first = await put('k-1', 'a=1')
    s.clock.now += 5000
    const again = await put('k-1', 'a=1')
    assert.equal(first.headers['idempotent-replayed'], undefined)
    assert.equal(again.headers['idempotent-replayed'], 'true')
    assert.deepEqual([again.status, again.text], [first.status, first.text])
    const { rows } = (await s.ask('/api/v1/me/views', { token: viewer })).json as { rows: { name: string; savedAt: number }[] }
    assert.equal(rows.find((r) => r.name === 'once')!.savedAt, s.clock.now - 5000)
  })
  test('another body is refused, as is what is no key; another account has keys of its own', async () => {
    isProblem(await put('k-1', 'a=2'), 422, 'KEY_USED')
    isProblem(await put('x'.repeat(201), 'a=2'), 400, 'REQUEST_INVALID')
    assert.equal((await put('k-1', 'a=2', approver)).status, 200)
  })
  test('while it runs, the same is 409', async () => {
    const held = Promise.withResolvers<void>()
    const slow = await stage({}, { store: { ...s.store, saveView: async () => await held.promise } as never })
    const ask = () =>
      slow.ask('/api/v1/me/views/slow', { method: 'PUT', token: viewer, body: { query: '' }, headers: { 'idempotency-key': 'k-slow' } })
    const first = ask()
    while (true) {
      const second = await ask()
      if (second.status !== 409) continue
      isProblem(second, 409, 'REQUEST_RUNNING')
      break
    }
    held.resolve()
    assert.equal((await first).status, 200)
    assert.equal((await ask()).headers['idempotent-replayed'], 'true')
    await slow.close()
  })
  test('what is refused or failed may be tried again', async () => {
    const session = await s.session(await s.person('viewer'))
    const remove = () => s.ask('/api/v1/me/tokens/424242', { method: 'DELETE', session, headers: { 'idempotency-key': 'k-none' } })
    isProblem(await remove(), 404, 'TOKEN_UNKNOWN')
    isProblem(await remove(), 404, 'TOKEN_UNKNOWN')
  })
  test('the secret of a token is told once, with a key as well', async () => {
    const session = await s.session(await s.person('viewer'))
    const make = () =>
      s.ask('/api/v1/me/tokens', { body: { name: 'ci', scope: 'read', days: 1 }, session, headers: { 'idempotency-key': 'k-token' } })
    const first = await make()
    assert.equal(first.status, 201)
    const { token } = first.json as { token: string }
    assert.equal((await s.ask('/api/v1/me', { token })).status, 200)
    const again = await make()
    isProblem(again, 409, 'TOLD_ONCE')
    assert.equal(again.headers['idempotent-replayed'], 'true')
  })
})

describe('the trail', () => {
  test('says who did what from where, how it ended, and no secret', async () => {
    const session = await s.session(await s.person('viewer'))
    const made = await s.ask('/api/v1/me/tokens', { body: { name: 'grafana', scope: 'metrics', days: 30 }, session })
    const { token, id } = made.json as { token: string; id: number }
    await s.ask(`/api/v1/me/tokens/${id}`, { method: 'DELETE', session })
    await s.ask('/api/v1/me/tokens', { body: { name: 'too much', scope: 'apply', days: 30 }, session })
    await s.ask('/api/v1/trail', { session })
    await s.ask('/api/v1/me/views/x', { method: 'DELETE', session, origin: 'https://evil.example' })
    const { rows } = (await s.ask('/api/v1/trail?limit=5&who=viewer', { token: approver })).json as {
      rows: { who: string; by: string; from: string; what: string; about: string; result: string }[]
    }
    assert.deepEqual(
      rows.map((r) => [r.what, r.about, r.result]),
      [
        ['DELETE /api/v1/me/views/{name}', 'name=x', 'refused'],
        ['GET /api/v1/trail', '', 'refused'],
        ['POST /api/v1/me/tokens', 'too much (apply, 30 days)', 'refused'],
        ['DELETE /api/v1/me/tokens/{id}', `id=${id}`, 'done'],
        ['POST /api/v1/me/tokens', 'grafana (metrics, 30 days)', 'done'],
      ],
    )
    assert.ok(rows.every((r) => r.by === 'local' && r.from === '127.0.0.1'))
    await s.ask('/api/v1/me/tokens', { token: viewer, body: { name: 'by a token', scope: 'read', days: 1 } })
    const [last] = (await s.store.trail({}, { limit: 1, after: null })).rows
    assert.match(last!.by, /^token \d+ read$/, 'which token it was')
    const all = JSON.stringify((await s.store.trail({}, { limit: 1000, after: null })).rows)
    assert.ok(!all.includes(token))
    assert.equal((await s.store.checkTrail()).broken, null)
  })
  test('whoever is refused without end does not fill it', async () => {
    const noisy = await stage()
    const session = await noisy.session(await noisy.person('viewer'))
    for (let i = 0; i < 40; i++) await noisy.ask('/api/v1/trail', { session })
    assert.equal((await noisy.store.trail({}, { limit: 1000, after: null })).rows.length, 20)
    noisy.clock.now += 60_000
    await noisy.ask('/api/v1/trail', { session })
    assert.equal((await noisy.store.trail({}, { limit: 1000, after: null })).rows.length, 21)
    assert.ok(noisy.log.some((line) => line.startsWith('20 more requests were refused')))
    await noisy.close()
  })
  test('a change that the trail does not have is told to whoever made it', async () => {
    const broken = await stage({}, { store: { ...s.store, appendTrail: () => Promise.reject(new Error('disk')) } as never })
    const session = await s.session(await s.person('viewer'))
    const made = await broken.ask('/api/v1/me/tokens', { session, body: { name: 'y', scope: 'read', days: 1 } })
    isProblem(made, 500, 'TRAIL_NOT_WRITTEN')
    await broken.close()
  })
})

test('of one address only so many listen to events', async () => {
  const { request } = await import('node:http')
  const { hostname, port } = new URL(s.server.url)
  const listen = () =>
    new Promise<{ status: number; end: () => void }>((resolve, reject) => {
      const sent = request(
        { hostname, port, path: '/api/v1/events', headers: { authorization: `Bearer ${viewer}` }, agent: false },
        (answer) => resolve({ status: answer.statusCode!, end: () => sent.destroy() }),
      )
      sent.on('error', reject).end()
    })
  const first = await listen()
  const second = await listen()
  assert.deepEqual([first.status, second.status], [200, 200])
  const third = await s.ask('/api/v1/events', { token: viewer })
  isProblem(third, 429, 'TOO_MANY_LISTENERS')
  assert.ok(third.headers['retry-after'])
  first.end()
  for (let i = 0; ; i++) {
    const next = await listen()
    next.end()
    if (next.status === 200) break
    assert.ok(i < 50)
    await new Promise((r) => setTimeout(r, 20))
  }
  second.end()
})
