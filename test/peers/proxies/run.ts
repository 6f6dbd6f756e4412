/**
 * Behind a real nginx and a real HAProxy, set up by the very lines of the guide: sign-in and cookies over the proxy's TLS, whose address
 * counts, changes from our own pages, live events as they happen, long texts, long headers.
 */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request as plainRequest } from 'node:http'
import { request } from 'node:https'
import { join } from 'node:path'
import { passwordHash } from '../../../src/server.ts'
import { clientSecret, listening, lying } from '../../server/openid-provider.ts'
import { type Stage, stage } from '../../server/stage.ts'
import { afterwards, check, folder, freePort, main, run, skip, start } from '../checks.ts'

const root = join(import.meta.dirname, '../../..')
const dir = folder('proxies')
const file = (name: string) => join(dir, name)
const name = 'slmctl.corp.example'
const guide = readFileSync(join(root, 'docs/guide/server.md'), 'utf8')
/** A block of the guide, by its language. */
const block = (language: string) => {
  const [, text] = new RegExp(`\`\`\`${language}\\n([^]*?)\\n\`\`\``).exec(guide) ?? []
  assert.ok(text, `the guide has ${language}`)
  return text
}
/** In place of what a text has exactly once. */
const put = (text: string, pairs: Readonly<Record<string, string>>) =>
  Object.entries(pairs).reduce((all, [from, to]) => {
    assert.equal(all.split(from).length, 2, `once in the guide: ${from}`)
    return all.replace(from, to)
  }, text)

type Ports = { readonly tls: number; readonly plain: number; readonly slmctl: number }
/** What is started, and with which file. */
const proxies: Readonly<Record<string, { readonly program: string; readonly begin: (ports: Ports) => Promise<void> }>> = {
  nginx: {
    program: '/usr/sbin/nginx',
    begin: async ({ tls, plain, slmctl }) => {
      const servers = put(block('nginx'), {
        'listen 80;': `listen 127.0.0.1:${plain};`,
        'listen 443 ssl;': `listen 127.0.0.1:${tls} ssl;`,
        '/etc/nginx/slmctl.pem': file('cert.pem'),
        '/etc/nginx/slmctl.key': file('key.pem'),
        'http://127.0.0.1:8080;': `http://127.0.0.1:${slmctl};`,
      })
      const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `${of}_temp_path ${file(`temp-${of}`)};`).join('\n')
      const user = process.getuid?.() === 0 ? 'user root;\n' : ''
      writeFileSync(
        file('nginx.conf'),
        `${user}daemon off;\npid ${file('nginx.pid')};\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${temp}\n${servers}\n}\n`,
      )
      const tested = await run('/usr/sbin/nginx', ['-t', '-p', dir, '-c', file('nginx.conf')])
      assert.equal(tested.code, 0, tested.stderr)
      start('/usr/sbin/nginx', ['-p', dir, '-c', file('nginx.conf')])
    },
  },
  haproxy: {
    program: '/usr/sbin/haproxy',
    begin: async ({ tls, plain, slmctl }) => {
      const text = put(block('haproxy'), {
        'bind :80\n': `bind 127.0.0.1:${plain}\n`,
        'bind :443 ssl': `bind 127.0.0.1:${tls} ssl`,
        '/etc/haproxy/slmctl.pem': file('both.pem'),
        'server slmctl 127.0.0.1:8080': `server slmctl 127.0.0.1:${slmctl}`,
        [`hdr Host ${name}`]: `hdr Host ${name}:${tls}`,
      })
      writeFileSync(file('both.pem'), readFileSync(file('cert.pem'), 'utf8') + readFileSync(file('key.pem'), 'utf8'), { mode: 0o600 })
      writeFileSync(file('haproxy.cfg'), `${text}\n`)
      const tested = await run('/usr/sbin/haproxy', ['-c', '-f', file('haproxy.cfg')])
      assert.equal(tested.code, 0, `${tested.stdout}${tested.stderr}`)
      assert.doesNotMatch(tested.stderr, /WARNING/, 'nothing to remark')
      start('/usr/sbin/haproxy', ['-db', '-f', file('haproxy.cfg')])
    },
  },
}

type Answer = { readonly status: number; readonly headers: IncomingMessage['headers']; readonly text: string }
type Sent = { readonly method?: string; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
/** Asks the proxy as a browser at 127.0.0.9 would; `heard` is told of each piece of the answer. */
function ask(port: number, path: string, { method, headers, body }: Sent = {}, heard?: (text: string) => boolean): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ host: '127.0.0.1', port, path, servername: name, ca: readFileSync(file('cert.pem')), agent: false },
        ...{ method: method ?? (body === undefined ? 'GET' : 'POST'), localAddress: '127.0.0.9' },
        headers: { host: `${name}:${port}`, origin: `https://${name}:${port}`, ...headers },
      },
      (answer) => {
        let text = ''
        const done = () => resolve({ status: answer.statusCode!, headers: answer.headers, text })
        answer.on('data', (part: Buffer) => {
          text += part.toString()
          if (heard?.(text)) {
            done()
            sent.destroy()
          }
        })
        answer.on('end', done)
        answer.on('error', reject)
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}
const json = { 'content-type': 'application/json' }

async function behind(which: string): Promise<void> {
  const provider = await listening()
  const lies = lying(provider)
  const [tls, plain] = [await freePort(), await freePort()]
  const openid = {
    ...{ issuer: provider.url, clientId: 'slmctl', clientSecret: { file: file('secret') }, label: 'Example', claim: 'roles' },
    ...{ roles: { viewer: [], operator: [], approver: ['admins'] }, responseMode: 'form_post' as const, resource: null, dormantDays: 45 },
  }
  const s: Stage = await stage({ url: `https://${name}:${tls}`, proxies: ['127.0.0.1'], openid })
  afterwards(async () => {
    await s.close()
    await provider.close()
  })
  const slmctl = Number(s.server.address.split(':').at(-1))
  if (!(await check(`${which}: it takes the lines of the guide`, () => proxies[which]!.begin({ tls, plain, slmctl })))) return
  await check(`${which}: it leads to the server, over TLS that browsers then keep to`, async () => {
    for (const until = Date.now() + 20_000; ; await new Promise((next) => setTimeout(next, 100))) {
      const said = await ask(tls, '/healthz').catch((error: Error) => error)
      if (!(said instanceof Error) && said.status === 200) {
        assert.equal(said.headers['strict-transport-security'], 'max-age=31536000')
        break
      }
      assert.ok(Date.now() < until, String(said instanceof Error ? said : said.text))
    }
    assert.equal((await ask(tls, '/healthz', { headers: { host: 'evil.example' } })).status, 421)
    const led = await new Promise<IncomingMessage>((resolve, reject) =>
      plainRequest({ host: '127.0.0.1', port: plain, path: '/machines?x=1', headers: { host: name } }, resolve)
        .on('error', reject)
        .end(),
    )
    led.resume()
    assert.deepEqual([led.statusCode, led.headers.location], [301, `https://${name}/machines?x=1`])
  })
  const secret = await passwordHash(Buffer.from('correct horse battery'))
  await s.store.saveAccount({ name: 'maria', kind: 'local', subject: null, role: 'approver', secret, at: s.clock.now })
  let cookie = ''
  await check(`${which}: somebody signs in; the cookie is held to TLS; the address is theirs, whatever they write`, async () => {
    const body = JSON.stringify({ name: 'maria', password: 'correct horse battery' })
    const headers = { ...json, 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'http', forwarded: 'for=203.0.113.9' }
    const said = await ask(tls, '/api/v1/sign-in/local', { headers, body })
    assert.equal(said.status, 200, said.text)
    assert.match(said.headers['set-cookie']![0]!, /^__Host-slmctl=[\w-]{43}; .*; Secure$/)
    cookie = said.headers['set-cookie']![0]!.split(';')[0]!
    assert.equal((await s.store.trail({ who: 'maria' }, { limit: 1, after: null })).rows[0]!.from, '127.0.0.9')
  })
  await check(`${which}: changes come from our own pages, and from no others`, async () => {
    const view = { method: 'PUT', body: JSON.stringify({ query: 'verdict=action' }) }
    assert.equal((await ask(tls, '/api/v1/me/views/mine', { ...view, headers: { ...json, cookie } })).status, 200)
    const forged = await ask(tls, '/api/v1/me/views/mine', { ...view, headers: { ...json, cookie, origin: 'https://evil.example' } })
    assert.equal((JSON.parse(forged.text) as { code: string }).code, 'FORGED_REQUEST')
  })
  await check(`${which}: live events come as they happen, while the line stays open`, async () => {
    let begun = false
    const events = await ask(tls, '/api/v1/events', { headers: { cookie } }, (text) => {
      if (!begun && text.includes('retry:')) {
        begun = true
        const list = { source: 'list:x', kind: 'list', text: 'pc-1.corp.example', dryRun: false }
        void ask(tls, '/api/v1/fleet/imports', { headers: { ...json, cookie }, body: JSON.stringify(list) }).then(() =>
          ask(tls, '/api/v1/campaigns/scan', { headers: { ...json, cookie }, body: '{}' }),
        )
      }
      return text.includes('event: campaign')
    })
    assert.match(String(events.headers['content-type']), /^text\/event-stream/)
  })
  await check(`${which}: a text of 4 MB to diagnose, a list of 20 MB to import; more than 32 MB is refused`, async () => {
    const text = `Error: 0xC004F074 The Key Management Service (KMS) is unavailable\n${' \n'.repeat(2_000_000)}`
    const read = await ask(tls, '/api/v1/diagnose', { headers: { 'content-type': 'text/plain', cookie }, body: text })
    assert.equal(read.status, 200, read.text.slice(0, 300))
    const list = { source: 'list:y', kind: 'list', text: `# ${'x'.repeat(98)}\n`.repeat(200_000), dryRun: true }
    const imported = await ask(tls, '/api/v1/fleet/imports', { headers: { ...json, cookie }, body: JSON.stringify(list) })
    assert.notEqual(imported.status, 413, imported.text.slice(0, 300))
    assert.ok(imported.status < 500, imported.text.slice(0, 300))
    const more = await ask(tls, '/api/v1/fleet/imports', { headers: { ...json, cookie }, body: 'x'.repeat(34 * 1024 * 1024) }).catch(
      (error: NodeJS.ErrnoException) => error,
    )
    assert.ok(more instanceof Error ? /EPIPE|ECONNRESET/.test(String(more.code)) : more.status === 413, String(more))
  })
  await check(`${which}: single sign-on there and back by a form, with a long way to come back to`, async () => {
    const to = `/machines?text=${'x'.repeat(1900)}`
    const begun = await ask(tls, `/api/v1/sign-in/openid?to=${encodeURIComponent(to)}`)
    assert.equal(begun.status, 302, begun.text)
    const { searchParams: q } = new URL(begun.headers.location!)
    assert.equal(q.get('redirect_uri'), `https://${name}:${tls}/api/v1/sign-in/openid/callback`)
    lies.nonce = q.get('nonce')!
    const form = await ask(tls, '/api/v1/sign-in/openid/callback', {
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: provider.url },
      body: new URLSearchParams({ code: 'c'.repeat(2000), state: q.get('state')! }).toString(),
    })
    const [, led] = /url=([^"]+)"/.exec(form.text)!
    const back = await ask(tls, led!.replaceAll('&#38;', '&'), { headers: { cookie: begun.headers['set-cookie']![0]!.split(';')[0]! } })
    assert.equal(back.status, 200, back.text)
    assert.ok(back.text.includes(`url=${to}"`))
    assert.match(back.headers['set-cookie']![0]!, /^__Host-slmctl=/)
  })
}

await main(async () => {
  writeFileSync(file('secret'), `${clientSecret}\n`, { mode: 0o600 })
  const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=${name} -addext subjectAltName=DNS:${name}`
  const made = await run('openssl', [...words.split(' '), '-keyout', file('key.pem'), '-out', file('cert.pem')])
  assert.equal(made.code, 0, made.stderr)
  chmodSync(file('key.pem'), 0o600)
  for (const [which, { program }] of Object.entries(proxies))
    if (existsSync(program)) await behind(which)
    else skip(which, `there is no ${program}`)
})
