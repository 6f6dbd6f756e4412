/**
 * Alerts over servers that nobody here wrote: aiosmtpd (Debian) takes mail by STARTTLS, TLS and AUTH, refuses for now and for good,
 * hangs, breaks off; Python's parser reads what was sent. A receiver over HTTPS, with right and wrong certificates.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { type MailServer, type Message, messageOf, oneLine, sendMail, sendWebhook, signatureOf, testMessage } from '../../../src/alerts.ts'
import { tellAlerts, testAlerts } from '../../../src/app/alerts.ts'
import { readSite, type SiteFile } from '../../../src/site.ts'
import { openStore, type Store } from '../../../src/store.ts'
import { stage } from '../../server/stage.ts'
import { answer, found, product } from '../../store/fixture.ts'
import { afterwards, check, folder, main, run, start } from '../checks.ts'

const here = import.meta.dirname
const dir = folder('alerts')
const password = 'päss wörd; "quoted"'
const now = Date.UTC(2026, 10, 26, 12)
const day = 86_400_000
const sender = { organisation: 'Example University', url: 'https://slmctl.corp.example' }
const file = (name: string) => join(dir, name)

type Taken = {
  readonly from: string
  readonly to: readonly string[]
  readonly tls: boolean
  readonly user: string | null
  readonly data: string
}
type Server = {
  readonly port: number
  readonly taken: Taken[]
  /** What it tells comes by another way than its answer. */
  readonly count: (n: number) => Promise<void>
  readonly end: () => void
}

/** An authority, a certificate of it for localhost, one for another name, and one of nobody. */
async function certificates(): Promise<void> {
  const openssl = async (...args: string[]) => assert.equal((await run('openssl', args, { cwd: dir })).code, 0, args.join(' '))
  await openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  )
  for (const [name, host] of [
    ['right', 'localhost'],
    ['other', 'mail.elsewhere.test'],
  ] as const) {
    writeFileSync(file(`${name}.ext`), `subjectAltName=DNS:${host}\n`)
    await openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${host}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    await openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'],
      ...['-extfile', `${name}.ext`, '-out', `${name}.pem`],
    )
  }
  await openssl(
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
    ...['-keyout', 'self.key', '-out', 'self.pem'],
  )
  writeFileSync(file('mail.password'), `${password}\n`, { mode: 0o600 })
  writeFileSync(file('webhook.key'), 'a key of a webhook\n', { mode: 0o600 })
}

/** Debian's Python has the package. */
async function mailServer(security: 'starttls' | 'tls' | 'none', certificate = 'right', word = password): Promise<Server> {
  const child = start('/usr/bin/python3', [join(here, 'server.py'), security, file(`${certificate}.pem`), file(`${certificate}.key`), word])
  const port = Promise.withResolvers<number>()
  const taken: Taken[] = []
  let text = ''
  child.stdout!.on('data', (part: Buffer) => {
    text += part.toString()
    const lines = text.split('\n')
    text = lines.pop()!
    for (const line of lines) {
      if (/^\d+$/.test(line)) port.resolve(Number(line))
      else taken.push(JSON.parse(line) as Taken)
    }
  })
  let errors = ''
  child.stderr!.on('data', (part: Buffer) => {
    errors += part.toString()
  })
  child.once('close', () => port.reject(new Error(`the mail server ended: ${errors.slice(-500)}`)))
  return {
    port: await port.promise,
    taken,
    count: async (n) => {
      for (const until = Date.now() + 20_000; taken.length < n && Date.now() < until; ) await new Promise((next) => setTimeout(next, 20))
      assert.equal(taken.length, n, errors.slice(-500))
    },
    end: () => child.kill(),
  }
}

const via = (port: number, security: MailServer['security'] = 'starttls', more: Partial<MailServer> = {}): MailServer => ({
  ...{ server: 'localhost', port, security, ca: readFileSync(file('ca.pem'), 'utf8'), from: 'slmctl@corp.example', ...more },
})
const login = { user: 'slmctl', password }
const hello = testMessage(sender, 'a'.repeat(32), now)

/** A message as Python's own parser reads it. */
async function parsed(data: string): Promise<{ headers: [string, string][]; text: string; html: string }> {
  const code = `
import base64, email, email.policy, json, sys
m = email.message_from_bytes(base64.b64decode(sys.stdin.read()), policy=email.policy.default)
part = lambda kind: m.get_body(preferencelist=(kind,)).get_content()
print(json.dumps({"headers": [[k, str(v)] for k, v in m.items()], "text": part("plain"), "html": part("html")}))`
  const { stdout, stderr } = await run('/usr/bin/python3', ['-c', code], { input: data })
  assert.ok(stdout, stderr)
  return JSON.parse(stdout) as { headers: [string, string][]; text: string; html: string }
}
const header = (m: { headers: [string, string][] }, name: string) => m.headers.filter(([k]) => k.toLowerCase() === name).map(([, v]) => v)

async function mail(): Promise<void> {
  for (const security of ['starttls', 'tls'] as const)
    await check(`mail by ${security}, with a password, arrives as one message to one address`, async () => {
      const server = await mailServer(security)
      const sent = await sendMail('it@corp.example', hello, via(server.port, security), login)
      assert.deepEqual(sent, { ok: true, said: '250 OK, taken' })
      await server.count(1)
      const [one] = server.taken
      assert.deepEqual([one!.from, one!.to, one!.tls, one!.user], ['slmctl@corp.example', ['it@corp.example'], true, 'slmctl'])
      const m = await parsed(one!.data)
      assert.deepEqual(header(m, 'subject'), ['[slmctl Example University] This is a test'])
      assert.deepEqual(header(m, 'message-id'), [`<${'a'.repeat(32)}.slmctl@corp.example>`])
      assert.deepEqual(header(m, 'auto-submitted'), ['auto-generated'])
      assert.match(header(m, 'list-id')[0]!, /<alerts\.slmctl\.corp\.example>/)
      assert.match(m.text, /Nothing is wrong/)
      assert.match(m.html, /<h1[^>]*>This is a test<\/h1>/)
      assert.doesNotMatch(Buffer.from(one!.data, 'base64').toString('latin1'), /wörd|p=C3=A4ss/)
      server.end()
    })
  await check('a wrong password is said to be that, and a password goes nowhere without TLS', async () => {
    const server = await mailServer('starttls')
    const wrong = await sendMail('it@corp.example', hello, via(server.port), { user: 'slmctl', password: 'wrong' })
    assert.ok(!wrong.ok && !wrong.lost)
    assert.equal(wrong.problem.code, 'ALERT_MAIL_LOGIN')
    assert.doesNotMatch(JSON.stringify(wrong), /"wrong"/)
    const clear = await sendMail('it@corp.example', hello, via(server.port, 'none'), login)
    assert.ok(!clear.ok)
    assert.equal(clear.problem.code, 'ALERT_PASSWORD_IN_CLEAR')
    assert.equal(server.taken.length, 0)
    server.end()
  })
  await check('where STARTTLS is asked for and the server has none, nothing is sent; security none does', async () => {
    const server = await mailServer('none', 'right', '-')
    const refused = await sendMail('it@corp.example', hello, via(server.port), null)
    assert.ok(!refused.ok)
    assert.equal(refused.problem.code, 'ALERT_MAIL_TLS', refused.problem.summary)
    assert.equal(server.taken.length, 0)
    assert.ok((await sendMail('it@corp.example', hello, via(server.port, 'none'), null)).ok)
    await server.count(1)
    assert.deepEqual(
      server.taken.map((t) => t.tls),
      [false],
    )
    server.end()
  })
}

/** Names as somebody may give them to a machine or a host. */
async function odd(): Promise<void> {
  const names = [
    'pc-1\r\nBcc: everybody@corp.example\r\n\r\nBuy this',
    `${'n'.repeat(300)}.corp.example`,
    'größe-Ω-機-😀.corp.example',
    '<img src=x onerror=alert(1)> & "quotes"',
    'a\u0000b\u202ec\ud800',
    '=?utf-8?B?QmNjOiB4?=',
    '.\r\n.\r\nQUIT',
  ]
  for (const name of names)
    await check(`a name such as ${JSON.stringify(name.slice(0, 24))} stays within its line, in subject and text`, async () => {
      const server = await mailServer('starttls')
      const title = `KMS host ${oneLine(name, 100)}:1688 does not answer`
      const message: Message = messageOf(
        {
          ...{ key: 'k', way: 'w', id: 'c'.repeat(32), thread: 'd'.repeat(32), event: 'changed', version: 2, since: now, over: null },
          alert: {
            ...{
              key: 'k',
              rule: 'host-down',
              severity: 'action',
              title,
              text: `It is ${oneLine(name, 100)}.`,
              next: [],
              number: 1,
              grows: 0,
            },
            ...{ about: [], since: null, link: { page: 'host', query: { host: name, port: '1688' } } },
          },
        },
        { ...sender, organisation: name },
      )
      assert.ok((await sendMail('it@corp.example', message, via(server.port), login)).ok)
      await server.count(1)
      const m = await parsed(server.taken[0]!.data)
      assert.deepEqual(server.taken[0]!.to, ['it@corp.example'])
      assert.deepEqual(header(m, 'bcc'), [])
      assert.deepEqual(header(m, 'to'), ['it@corp.example'])
      assert.deepEqual(header(m, 'subject'), [message.subject])
      assert.deepEqual(header(m, 'in-reply-to'), [`<${'d'.repeat(32)}.slmctl@corp.example>`])
      assert.deepEqual(header(m, 'references'), [`<${'d'.repeat(32)}.slmctl@corp.example>`])
      assert.equal(m.text.replaceAll('\r\n', '\n').trimEnd(), message.text.trimEnd())
      assert.doesNotMatch(m.html, /<img/)
      server.end()
    })
}

const siteFile = (port: number, to: readonly string[], extra = ''): SiteFile => {
  const read = readSite(
    file('slmctl.yaml'),
    `organisation: Example University
domains: [corp.example]
networks: [10.0.0.0/8]
alerts:
  mail: {server: localhost, port: ${port}, ca: ca.pem, user: slmctl, password: {file: mail.password}, from: slmctl@corp.example, to: [${to.join(', ')}]}
${extra}`,
  )
  assert.deepEqual(read.problems, [])
  return read.siteFile!
}
let stores = 0
/** A fleet with one machine whose activation is not ours. */
async function fleet(): Promise<{ store: Store; place: string; more: (machines: number) => Promise<void> }> {
  const place = file(`fleet-${stores++}.db`)
  const store = await openStore({ file: place }, { create: true })
  const more = async (machines: number) => {
    await store.importMachines(
      Array.from({ length: machines }, (_, i) => found(`pc-${i}.corp.example`)),
      { source: 'list:test', at: now - day },
    )
    const { rows } = await store.list({}, { limit: 1000, after: null })
    await store.observe(rows.map((m) => answer(m.id, now - day, [product({ origin: 'foreign', verdict: 'action', minutesLeft: 200_000 })])))
  }
  await more(1)
  return { store, place, more }
}
const at = (time: number) => ({ clock: () => time, log: () => {} })

async function refusals(): Promise<void> {
  await check(
    'one address that is refused for good, one for now, one that is right: each by itself; the one for now hears it later, once',
    async () => {
      const server = await mailServer('starttls')
      const { store, more } = await fleet()
      const site = siteFile(server.port, ['it@corp.example', 'never@corp.example', 'later@corp.example', 'full@corp.example'])
      const said: string[] = []
      for (let minute = 0; minute < 30; minute++)
        for (const t of (await tellAlerts(store, site, at(now + minute * 60_000))).told)
          said.push(`${minute} ${t.way.slice(5, -13)} ${t.problem?.code ?? 'told'}`)
      assert.deepEqual(said.filter((s) => / (?:it|later) /.test(s)).sort(), [
        '0 it told',
        '0 later ALERT_MAIL_REFUSED',
        '1 later ALERT_MAIL_REFUSED',
        '3 later told',
      ])
      assert.deepEqual(
        said.filter((s) => / never /.test(s)).map((s) => s.split(' ')[0]),
        ['0', '1', '3', '7', '15'],
      )
      await server.count(2)
      assert.deepEqual(
        server.taken.map((t) => t.to[0]),
        ['it@corp.example', 'later@corp.example'],
      )
      // Twice as many: a second message in the thread of the first.
      await more(2)
      await tellAlerts(store, site, at(now + 3_600_000))
      await server.count(4)
      const [first, second] = await Promise.all(server.taken.filter((t) => t.to[0] === 'it@corp.example').map((t) => parsed(t.data)))
      assert.match(header(second!, 'subject')[0]!, /News: 2 machines with an activation that is not yours/)
      assert.deepEqual(header(second!, 'references'), header(first!, 'message-id'))
      assert.deepEqual(header(first!, 'references'), [])
      await store.close()
      server.end()
    },
  )
  await check('a test goes to everybody, and says of each what came of it', async () => {
    const server = await mailServer('starttls')
    const told = await testAlerts(siteFile(server.port, ['it@corp.example', 'never@corp.example']), now)
    assert.deepEqual(
      told.map((t) => t.problem?.code ?? null),
      [null, 'ALERT_MAIL_REFUSED'],
    )
    assert.match(told[1]!.problem!.summary, /It said: 550 5\.1\.1 No such user/)
    server.end()
  })
}

/** A TCP server of our own, for what no mail server does on purpose. */
async function socketServer(hear: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    hear(socket)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  afterwards(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function deadServers(): Promise<void> {
  await check('a server that never greets is given up in 15 seconds, and is tried again; one that is not there at once', async () => {
    const port = await socketServer(() => {})
    const begin = performance.now()
    const sent = await sendMail('it@corp.example', hello, via(port), login)
    assert.ok(!sent.ok)
    assert.equal(sent.problem.code, 'ALERT_MAIL_UNREACHABLE')
    assert.ok(performance.now() - begin < 20_000)
    const nobody = await sendMail('it@corp.example', hello, via(1), login)
    assert.ok(!nobody.ok)
    assert.equal(nobody.problem.code, 'ALERT_MAIL_UNREACHABLE')
    assert.ok(!sent.lost && !nobody.lost, 'nothing was sent')
  })
  await check('a server that breaks off when it has the message: it may have arrived, and the same message is sent again', async () => {
    const server = await mailServer('starttls')
    const { store } = await fleet()
    const site = siteFile(server.port, ['cut@corp.example'])
    const first = await tellAlerts(store, site, at(now))
    assert.deepEqual(
      first.told.map((t) => t.problem?.code),
      ['ALERT_MAIL_UNREACHABLE'],
    )
    await tellAlerts(store, site, at(now + 61_000))
    await server.count(2)
    const ids = (await Promise.all(server.taken.map((t) => parsed(t.data)))).map((m) => header(m, 'message-id')[0])
    assert.equal(ids[0], ids[1])
    await store.close()
    server.end()
  })
  await check('what answers with nonsense, or without end, is no mail server; it is said in one line', async () => {
    for (const noise of ['HTTP/1.1 400 Bad Request\r\n\r\n', `220 ${'x'.repeat(100_000)}\r\n250 \u001b[31m\r\n`]) {
      const sent = await sendMail('it@corp.example', hello, via(await socketServer((socket) => socket.end(noise))), login)
      assert.ok(!sent.ok)
      assert.doesNotMatch(sent.problem.summary, /\p{Cc}/u)
      assert.ok(sent.problem.summary.length < 500)
    }
  })
}

async function wrongCertificates(): Promise<void> {
  for (const [name, security] of [
    ['other', 'starttls'],
    ['self', 'starttls'],
    ['other', 'tls'],
    ['self', 'tls'],
  ] as const)
    await check(
      `a certificate ${name === 'other' ? 'for another name' : 'of nobody that is known'} (${security}): nothing is sent`,
      async () => {
        const server = await mailServer(security, name)
        const sent = await sendMail('it@corp.example', hello, via(server.port, security), login)
        assert.ok(!sent.ok && !sent.lost)
        assert.equal(sent.problem.code, 'ALERT_MAIL_TLS', sent.problem.summary)
        assert.equal(server.taken.length, 0)
        server.end()
      },
    )
}

async function webhooks(): Promise<void> {
  const listen = async (certificate: string) => {
    const got: { readonly signature: string; readonly body: string }[] = []
    const server = createSecureServer(
      { cert: readFileSync(file(`${certificate}.pem`)), key: readFileSync(file(`${certificate}.key`)) },
      (q, r) => {
        const parts: Buffer[] = []
        q.on('data', (part: Buffer) => parts.push(part))
        q.on('end', () => {
          got.push({ signature: String(q.headers['slmctl-signature']), body: Buffer.concat(parts).toString() })
          r.writeHead(204).end()
        })
      },
    )
    await new Promise<void>((done) => server.listen(0, 'localhost', done))
    afterwards(() => server.close())
    return { got, url: `https://localhost:${(server.address() as AddressInfo).port}/hook` }
  }
  const key = Buffer.from('a key of a webhook')
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(file('ca.pem'), 'utf8')])
  await check('a webhook over HTTPS is verified: the right certificate takes the message, OpenSSL makes the same signature', async () => {
    const right = await listen('right')
    assert.deepEqual(await sendWebhook(right.url, hello, key, now), { ok: true, said: 'HTTP 204' })
    const [one] = right.got
    const [, seconds, hex] = /^t=(\d+),v1=(\w+)$/.exec(one!.signature)!
    const { stdout } = await run('openssl', ['dgst', '-sha256', '-hmac', 'a key of a webhook'], { input: `${seconds}.${one!.body}` })
    assert.equal(stdout.trim().split(' ').at(-1), hex)
    assert.equal(one!.signature, signatureOf(key, now / 1000, one!.body))
  })
  for (const name of ['other', 'self'])
    await check(`a webhook with a certificate ${name === 'other' ? 'for another name' : 'of nobody'} gets nothing`, async () => {
      const wrong = await listen(name)
      const sent = await sendWebhook(wrong.url, hello, key, now)
      assert.ok(!sent.ok && !sent.lost)
      assert.equal(sent.problem.code, 'ALERT_WEBHOOK_UNREACHABLE')
      assert.deepEqual(wrong.got, [])
    })
  await check('a receiver that never answers is given up in 20 seconds', async () => {
    const port = await socketServer(() => {})
    const begin = performance.now()
    const sent = await sendWebhook(`http://127.0.0.1:${port}/`, hello, key, now)
    assert.ok(!sent.ok && sent.lost)
    assert.match(sent.problem.summary, /did not answer in time/)
    assert.ok(performance.now() - begin < 25_000)
  })
}

/** Whoever ends the server does not wait for a receiver; what it did not answer is sent again by the next. */
async function ended(): Promise<void> {
  await check('a server that is told to end waits for a receiver that hangs for seconds, not for its whole time', async () => {
    const asked = Promise.withResolvers<void>()
    const port = await socketServer(() => asked.resolve())
    const { store, place } = await fleet()
    const hook = `alerts: {webhooks: [{url: 'http://127.0.0.1:${port}/', secret: {file: ${file('webhook.key')}}}]}`
    const server = await stage({}, { store, siteText: `domains: [corp.example]\nnetworks: [10.0.0.0/8]\n${hook}\n` })
    await asked.promise
    const begin = performance.now()
    await server.close()
    const ms = performance.now() - begin
    assert.ok(ms > 5000 && ms < 12_000, `${ms} ms`)
    await store.close()
    const again = await openStore({ file: place }, { create: false })
    assert.equal((await again.alertsKept())[0]!.sentAt, null, 'nobody was told')
    await again.close()
  })
}

/** SIGKILL, when the mail server has the message and slmctl has not written down that it has. */
async function killed(): Promise<void> {
  await check(
    'killed between sending and writing it down: sent again when the claim has run out, by another process, with the same id',
    async () => {
      const server = await mailServer('starttls')
      const { store, place } = await fleet()
      const site = siteFile(server.port, ['slow@corp.example'])
      const code = `
import { openStore } from ${JSON.stringify(join(here, '../../../src/store.ts'))}
import { tellAlerts } from ${JSON.stringify(join(here, '../../../src/app/alerts.ts'))}
import { readSite } from ${JSON.stringify(join(here, '../../../src/site.ts'))}
import { readFileSync } from 'node:fs'
const { siteFile } = readSite(${JSON.stringify(file('slmctl.yaml'))}, readFileSync(${JSON.stringify(file('killed.yaml'))}, 'utf8'))
const store = await openStore({ file: ${JSON.stringify(place)} }, { create: false })
await tellAlerts(store, siteFile, { clock: () => ${now}, log: () => {} })`
      writeFileSync(
        file('killed.yaml'),
        `domains: [corp.example]
networks: [10.0.0.0/8]
organisation: Example University
alerts:
  mail: {server: localhost, port: ${server.port}, ca: ca.pem, user: slmctl, password: {file: mail.password}, from: slmctl@corp.example, to: [slow@corp.example]}
`,
      )
      const child = start(process.execPath, ['--input-type=module-typescript', '-e', code])
      let errors = ''
      child.stderr!.on('data', (part: Buffer) => {
        errors += part.toString()
      })
      const until = Date.now() + 20_000
      while (server.taken.length === 0 && Date.now() < until) await new Promise((next) => setTimeout(next, 50))
      assert.equal(server.taken.length, 1, errors)
      child.kill('SIGKILL')
      await new Promise((next) => setTimeout(next, 300))
      assert.deepEqual((await tellAlerts(store, site, at(now + 60_000))).told, [], 'whoever has it may still be sending')
      const other = siteFile(server.port, ['slow@corp.example'])
      const again = tellAlerts(store, other, at(now + 6 * 60_000))
      await server.count(2)
      const ids = (await Promise.all(server.taken.map((t) => parsed(t.data)))).map((m) => header(m, 'message-id')[0])
      assert.equal(ids.length, 2)
      assert.equal(ids[0], ids[1])
      server.end()
      await again
      await store.close()
    },
  )
}

await main(async () => {
  await certificates()
  await mail()
  await odd()
  await refusals()
  await deadServers()
  await wrongCertificates()
  await webhooks()
  await ended()
  await killed()
})
