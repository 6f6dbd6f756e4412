import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer as createSecure } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { newAuthority } from '../../src/lab/certificate.ts'
import { ProblemError } from '../../src/model.ts'
import type { DecodedRequest } from '../../src/protocol/wsman.ts'
import { Secret } from '../../src/secrets.ts'
import { type Credential, type Machine, openMachine, type Reach } from '../../src/windows.ts'
import { type Endpoint, endpoint, fault, type Options, out, type Reply, released, rows } from './endpoint.ts'

const running: (() => Promise<unknown>)[] = []
after(async () => {
  await Promise.all(running.map((close) => close()))
})

const ntlm = (password = 'right'): Credential => ({
  method: 'ntlm',
  user: 'admin',
  domain: '',
  password: new Secret(Buffer.from(password)),
})
const basic = (): Credential => ({ method: 'basic', user: 'admin', password: new Secret(Buffer.from('right')) })

/** One machine and its endpoint. Limits are long, so that a busy computer fails no test, but where the limit is what is tested. */
async function machine(
  options: Options,
  reach: Partial<Reach> = {},
  { quotaMs = 10_000, idleMs = 60_000 } = {},
): Promise<{ at: Endpoint; machine: Machine }> {
  const at = await endpoint(options)
  const opened = openMachine(
    {
      name: 'pc-1',
      address: options.tls ? 'localhost' : '127.0.0.1',
      port: at.port,
      tls: null,
      credential: ntlm(),
      operationTimeoutMs: 8000,
      connectTimeoutMs: 5000,
      ...reach,
    },
    { graceMs: 200, quotaMs, answerBytes: 1 << 20, questionBytes: 2 << 20, rows: 1000, idleMs },
  )
  running.push(() => opened.close(), at.close)
  return { at, machine: opened }
}

/** A certificate for localhost and the authority that issued it. */
function identity() {
  const [now, day] = [Date.now(), 86_400_000]
  const authority = newAuthority('Test CA', new Date(now))
  const span = { from: new Date(now - day), until: new Date(now + day) }
  const issued = authority.issue({ name: 'localhost', names: ['localhost'], use: 'server', ...span })
  return { authority, key: issued.key, cert: issued.certificate, der: issued.der }
}

const problemOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => assert.fail('it went through'),
    (e: unknown) => e,
  )
  assert.ok(error instanceof ProblemError, String((error as Error).stack))
  return error.problems[0]!.code
}
const wqlOf = (request: DecodedRequest | undefined) => (request?.action === 'Enumerate' ? request.wql : null)
const one = { class: 'Win32_OperatingSystem', columns: ['Caption', 'Version'] }

test('asks over one sealed connection, logged on once, one operation after another', async () => {
  const { at, machine: pc } = await machine({ reply: (r) => rows(r, [{ Caption: 'Windows <11>', Version: null }]) })
  const answers = await Promise.all([pc.ask(one), pc.ask({ ...one, where: "Caption = 'x'" }), pc.ask(one)])
  assert.deepEqual(answers[0], [{ Caption: 'Windows <11>', Version: null }])
  assert.deepEqual([at.connections, at.logons, at.requests.length], [1, 1, 3])
  assert.equal(wqlOf(at.requests[1]), "SELECT Caption,Version FROM Win32_OperatingSystem WHERE Caption = 'x'")
  assert.ok(at.bodies.every((body) => !body.includes('Envelope') && body.includes('HTTP-SPNEGO-session-encrypted')))
})

test('pulls until the end, and no further than the limit of rows', async () => {
  const { machine: pc } = await machine({
    reply: (r, n) => rows(r, [{ Caption: `row ${n}` }], n < 3 ? `uuid:${n}` : null),
  })
  assert.equal((await pc.ask(one))!.length, 4)
  const endless = await machine({
    reply: (r) => (r.action === 'Release' ? released(r) : rows(r, Array(200).fill({ Caption: 'x' }), 'uuid:1')),
  })
  assert.equal(await problemOf(endless.machine.ask(one)), 'WINRM_TOO_LARGE')
  assert.equal(endless.at.requests.at(-1)!.action, 'Release')
})

test('many large rows end at the limit of bytes', async () => {
  const { at, machine: pc } = await machine({
    reply: (r) => (r.action === 'Release' ? released(r) : rows(r, [{ Caption: 'x'.repeat(500_000) }], 'uuid:1')),
  })
  assert.equal(await problemOf(pc.ask(one)), 'WINRM_TOO_LARGE')
  assert.ok(at.requests.length < 8)
})

test('a logon that the machine forgot is had anew, for a question once', async () => {
  const { at, machine: pc } = await machine({ reply: (r, n) => (n === 1 ? { raw: '', status: 401 } : rows(r, [])) })
  assert.deepEqual(await pc.ask(one), [])
  assert.deepEqual(await pc.ask(one), [])
  assert.deepEqual([at.logons, at.connections, at.requests.length], [2, 2, 3])
  const { authority, ...tls } = identity()
  const secured = await machine(
    { reply: (r, n) => (n === 1 ? { raw: '', status: 401 } : rows(r, [])), tls },
    { tls: { ca: authority.pem, pin: null } },
  )
  assert.deepEqual(await secured.machine.ask(one), [])
  assert.deepEqual(await secured.machine.ask(one), [])
  assert.deepEqual([secured.at.logons, secured.at.requests.length], [2, 3])
})

test('over HTTPS, a machine that keeps no logon gets one with each message, and each message once', async () => {
  const { authority, ...tls } = identity()
  const { at, machine: pc } = await machine(
    { reply: (r) => (r.action === 'Invoke' ? out(r, { ReturnValue: 0 }) : rows(r, [])), tls, forgetful: true },
    { tls: { ca: authority.pem, pin: null } },
  )
  assert.equal((await pc.call(activate)).returnValue, 0)
  assert.deepEqual(await pc.ask(one), [])
  assert.deepEqual(
    at.requests.map((r) => r.action),
    ['Invoke', 'Enumerate'],
  )
  // The first was for nothing.
  assert.deepEqual([at.logons, at.connections], [3, 1])
  // An account that may log on and then gets nothing else: told, and not tried for ever.
  const never = await machine({ reply: () => ({ raw: '', status: 401 }), tls }, { tls: { ca: authority.pem, pin: null } })
  assert.equal(await problemOf(never.machine.call(activate)), 'WINRM_LOGON_FAILED')
  assert.equal(await problemOf(never.machine.ask(one)), 'WINRM_LOGON_FAILED')
  assert.equal(never.at.logons, 2)
  // What was sent with a logon and has no answer is as open as any other.
  const cut = await machine({ reply: () => ({ cut: 'before' }), tls, forgetful: true }, { tls: { ca: authority.pem, pin: null } })
  assert.equal(await problemOf(cut.machine.call(activate)), 'CALL_UNANSWERED')
  assert.equal(cut.at.requests.length, 1)
})

test('a connection that was silent for long is not trusted with a call', async () => {
  const { at, machine: pc } = await machine(
    { reply: (r) => (r.action === 'Invoke' ? out(r, { ReturnValue: 0 }) : rows(r, [])) },
    {},
    { idleMs: 60 },
  )
  await pc.ask(one)
  await sleep(150)
  assert.equal((await pc.call(activate)).returnValue, 0)
  assert.deepEqual([at.connections, at.logons, at.requests.length], [2, 2, 2])
})

test('a Windows that lacks a property answers with those it has, and is not asked for it again', async () => {
  const { at, machine: pc } = await machine({
    reply: (r) => (wqlOf(r)!.includes('Newer') ? fault(r, 0x8033801a) : rows(r, [{ Caption: 'Windows 7', Other: 'x' }])),
  })
  const asked = { class: 'SoftwareLicensingService', columns: ['Caption', 'Newer'] }
  assert.deepEqual(await pc.ask(asked), [{ Caption: 'Windows 7' }])
  assert.deepEqual(await pc.ask(asked), [{ Caption: 'Windows 7', Other: 'x' }])
  assert.deepEqual(at.requests.map(wqlOf), [
    'SELECT Caption,Newer FROM SoftwareLicensingService',
    'SELECT * FROM SoftwareLicensingService',
    'SELECT Caption FROM SoftwareLicensingService',
  ])
})

test('a class that does not exist is null, however it is said; a condition that is wrong is not', async () => {
  for (const refuse of [
    (r: DecodedRequest) => fault(r, 0x8033801a, 'wsman', 0x80041010),
    (r: DecodedRequest) => fault(r, 0x8033801a),
    (r: DecodedRequest) => fault(r, 0x80041010, 'wmi'),
  ]) {
    const { machine: pc } = await machine({ reply: refuse })
    assert.equal(await pc.ask({ ...one, where: "A = '1'" }), null)
    assert.equal(await pc.ask(one), null)
  }
  const { machine: pc } = await machine({
    reply: (r) => (wqlOf(r)?.includes('WHERE') ? fault(r, 0x8033801a) : r.action === 'Release' ? released(r) : rows(r, [{}], 'uuid:1')),
  })
  assert.equal(await problemOf(pc.ask({ ...one, where: 'nonsense' })), 'WINRM_FAULT')
})

test('quota is waited for, at most as long as was given; a timeout is asked again once', async () => {
  const { at, machine: pc } = await machine({ reply: (r, n) => (n < 2 ? fault(r, 0x803381a6, n ? 'wmi' : 'wsman') : rows(r, [])) })
  const started = performance.now()
  assert.deepEqual(await pc.ask(one), [])
  assert.ok(performance.now() - started >= 200)
  assert.equal(at.requests.length, 3)
  const never = await machine({ reply: (r) => fault(r, 0x803381a6) }, {}, { quotaMs: 300 })
  assert.equal(await problemOf(never.machine.ask(one)), 'WINRM_QUOTA')
  const slow = await machine({ reply: (r, n) => (n < 1 ? fault(r, 0x80338029) : rows(r, [])) })
  assert.deepEqual(await slow.machine.ask(one), [])
  const slower = await machine({ reply: (r) => fault(r, 0x80338029) })
  assert.equal(await problemOf(slower.machine.ask(one)), 'WINRM_SLOW')
  assert.equal(slower.at.requests.length, 2)
})

test('a read whose answer was cut is repeated once, on a new connection', async () => {
  const { at, machine: pc } = await machine({ reply: (r, n) => (n === 0 ? { cut: 'half' } : rows(r, [])) })
  assert.deepEqual(await pc.ask(one), [])
  assert.deepEqual([at.connections, at.logons], [2, 2])
  const always = await machine({ reply: () => ({ cut: 'half' }) })
  assert.equal(await problemOf(always.machine.ask(one)), 'WINRM_CUT')
})

const activate = { class: 'SoftwareLicensingProduct', key: { ID: 'a' }, method: 'Activate', arguments: {} }
const sole = { class: 'SoftwareLicensingService', key: null, method: 'InstallProductKey', arguments: {} }

const slow: ReadonlySet<string> = new Set(['no answer at all', 'an endless answer'])

test('a call is sent once, whatever happens to its answer', async () => {
  const ends: readonly [string, (r: DecodedRequest) => Reply][] = [
    ['cut before the answer', () => ({ cut: 'before' })],
    ['cut in mid-answer', () => ({ cut: 'half' })],
    ['no answer at all', () => ({ silent: true })],
    ['an endless answer', () => ({ drip: true })],
    ['operation timed out', (r) => fault(r, 0x80338029)],
    ['garbage, sealed', () => ({ raw: '<nonsense', sealed: true })],
    ['an answer in clear', (r) => ({ raw: `<s:Envelope xmlns:s="x"/>${r.action}` })],
    ['401 in clear', () => ({ raw: '', status: 401 })],
    ['too large', () => ({ raw: Buffer.alloc(2 << 20) })],
    ['no return value', (r) => out(r, {})],
    ['the answer to another request', (r) => out({ ...r, messageId: 'uuid:other' } as DecodedRequest, { ReturnValue: 0 })],
  ]
  await Promise.all(
    ends.map(async ([what, reply]) => {
      const { at, machine: pc } = await machine({ reply }, { operationTimeoutMs: slow.has(what) ? 600 : 8000 })
      assert.equal(await problemOf(pc.call(activate)), 'CALL_UNANSWERED', what)
      assert.equal(at.requests.length, 1, what)
    }),
  )
})

test('what a method answers, by value or by fault, is its return value; a refusal to run it is a Problem', async () => {
  const answer = async (reply: (r: DecodedRequest) => Reply) => (await machine({ reply })).machine.call(activate)
  assert.deepEqual(await answer((r) => out(r, { ReturnValue: '0', Extra: 'x' })), { returnValue: 0, out: { Extra: 'x' } })
  assert.equal((await answer((r) => out(r, { ReturnValue: '-1073418124' }))).returnValue, 0xc004f074)
  assert.equal((await answer((r) => fault(r, 0xc004f074, 'wmi'))).returnValue, 0xc004f074)
  assert.equal((await answer((r) => fault(r, 0x80338102, 'wsman', 0xc004f074))).returnValue, 0xc004f074)
  const refusal = async (code: number) => problemOf((await machine({ reply: (r) => fault(r, code) })).machine.call(activate))
  assert.equal(await refusal(5), 'WINRM_ACCESS_DENIED')
  assert.equal(await refusal(0x80338000), 'WINRM_NOT_FOUND')
  assert.equal(await refusal(0x80041001), 'WINRM_FAULT')
})

test('the only instance of a class is found by its key, and a secret argument is in no string', async () => {
  const { at, machine: pc } = await machine({
    reply: (r) => (r.action === 'Invoke' ? out(r, { ReturnValue: 0 }) : rows(r, [{ Version: '10.0.22621' }])),
  })
  const key = new Secret(Buffer.from('a&b-<key>'))
  for (let i = 0; i < 2; i++) await pc.call({ ...sole, arguments: { ProductKey: key } })
  const [asked, first, second] = at.requests
  assert.equal(wqlOf(asked), 'SELECT Version FROM SoftwareLicensingService')
  assert.ok(first?.action === 'Invoke' && second?.action === 'Invoke')
  assert.deepEqual(first.selectors, { Version: '10.0.22621' })
  assert.deepEqual(second.arguments, { ProductKey: 'a&b-<key>' })
})

test('the registry: values by their types, missing keys as null', async () => {
  const values: Record<string, [string, Record<string, unknown>]> = {
    Text: ['1', { sValue: 'a' }],
    Many: ['7', { sValue: ['a', 'b'] }],
    One: ['7', { sValue: 'a' }],
    Number: ['4', { uValue: 5 }],
    Bytes: ['3', { uValue: [1, 255] }],
    Empty: ['1', { sValue: null }],
  }
  const { at, machine: pc } = await machine({
    reply: (r) => {
      assert.ok(r.action === 'Invoke')
      if (r.arguments.sSubKeyName !== 'SOFTWARE\\Test') return out(r, { ReturnValue: 2 })
      if (r.method === 'EnumValues')
        return out(r, { sNames: Object.keys(values), Types: Object.values(values).map(([t]) => t), ReturnValue: 0 })
      return out(r, { ...(values[String(r.arguments.sValueName)]![1] as object), ReturnValue: 0 })
    },
  })
  const all = { Text: 'a', Many: ['a', 'b'], One: ['a'], Number: 5, Bytes: '01ff', Empty: '' }
  assert.deepEqual(await pc.registry({ key: 'SOFTWARE\\Test' }), all)
  assert.deepEqual(await pc.registry({ key: 'SOFTWARE\\Test', values: ['number'] }), { Number: 5 })
  assert.equal(await pc.registry({ key: 'SOFTWARE\\None' }), null)
  const first = at.requests[0]!
  assert.ok(first.action === 'Invoke')
  assert.deepEqual([first.namespace, first.class, first.arguments.hDefKey], ['root/default', 'StdRegProv', '2147483650'])
})

test('a registry key of many large or slow values ends at the limits of one question', async () => {
  const names = Array.from({ length: 400 }, (_, i) => `V${i}`)
  const values =
    (answer: (r: DecodedRequest) => Reply) =>
    (r: DecodedRequest): Reply =>
      r.action === 'Invoke' && r.method === 'EnumValues'
        ? out(r, { sNames: names, Types: names.map(() => '1'), ReturnValue: 0 })
        : answer(r)
  const large = await machine({ reply: values((r) => out(r, { sValue: 'x'.repeat(100_000), ReturnValue: 0 })) })
  assert.equal(await problemOf(large.machine.registry({ key: 'K' })), 'WINRM_TOO_LARGE')
  assert.ok(large.at.requests.length < 30)
  const slowly = await machine(
    { reply: values((r) => ({ later: out(r, { sValue: 'x', ReturnValue: 0 }), ms: 100 })) },
    { operationTimeoutMs: 300 },
  )
  assert.equal(await problemOf(slowly.machine.registry({ key: 'K' })), 'WINRM_SLOW')
  assert.ok(slowly.at.requests.length < 30)
})

test('a wrong password, and a machine that does not offer what the credential needs', async () => {
  const wrong = await machine({ reply: (r) => rows(r, []) }, { credential: ntlm('wrong') })
  assert.equal(await problemOf(wrong.machine.ask(one)), 'WINRM_LOGON_FAILED')
  assert.equal(await problemOf(wrong.machine.call(activate)), 'WINRM_LOGON_FAILED')
  assert.equal(wrong.at.requests.length, 0)
  // One attempt and no more: the others would lock the account.
  assert.equal(wrong.at.connections, 1)
  const other = await machine({ reply: (r) => rows(r, []), schemes: ['Basic realm="WSMAN"', 'Kerberos'] })
  const error = await other.machine.ask(one).catch((e: unknown) => e)
  assert.ok(error instanceof ProblemError)
  assert.match(error.problems[0]!.summary, /does not offer.*: it offers Basic, Kerberos$/)
  assert.ok(other.at.authorizations.every((a) => !a.startsWith('Basic')))
})

test('a credential never goes out in clear, and Kerberos needs a name', async () => {
  const { at, machine: pc } = await machine({ reply: (r) => rows(r, []), basic: true }, { credential: basic() })
  assert.equal(await problemOf(pc.ask(one)), 'WINRM_CREDENTIAL_NEEDS_HTTPS')
  const kerberos = await machine({ reply: (r) => rows(r, []) }, { credential: { method: 'kerberos', principal: null, from: 'cache' } })
  assert.equal(await problemOf(kerberos.machine.ask(one)), 'WINRM_NAME_NEEDED')
  assert.deepEqual([at.connections, kerberos.at.connections], [0, 0])
})

test('a machine known by its certificate that does not take Basic is told apart from a wrong password', async () => {
  const now = new Date()
  const authority = newAuthority('Test CA', now)
  const day = 86_400_000
  const issued = authority.issue({
    name: 'localhost',
    names: ['localhost'],
    use: 'server',
    from: new Date(+now - day),
    until: new Date(+now + day),
  })
  const tls = { key: issued.key, cert: issued.certificate, der: issued.der }
  for (const [schemes, code] of [
    [['Negotiate'], 'WINRM_NOT_OFFERED'],
    [['Negotiate', 'Basic realm="WSMAN"'], 'WINRM_LOGON_FAILED'],
  ] as const) {
    const { at, machine: pc } = await machine(
      { reply: (r) => rows(r, []), tls, basic: true, password: 'other', schemes },
      { tls: { ca: authority.pem, pin: null }, credential: basic() },
    )
    assert.equal(await problemOf(pc.call(activate)), code)
    assert.equal(await problemOf(pc.ask(one)), code)
    assert.deepEqual([at.authorizations.length, at.requests.length], [1, 0])
  }
})

test('a redirect is not followed', async () => {
  const target = await endpoint({ reply: (r) => rows(r, []) })
  running.push(target.close)
  const { machine: pc } = await machine({
    reply: (r) => rows(r, []),
    status: { code: 302, headers: { location: `http://127.0.0.1:${target.port}/wsman` } },
  })
  assert.equal(await problemOf(pc.ask(one)), 'WINRM_GARBAGE')
  assert.equal(target.connections, 0)
})

test('HTTPS: a private authority, a pin, and nothing else', async () => {
  const now = new Date()
  const day = 86_400_000
  const authority = newAuthority('Test CA', now)
  const subject = {
    name: 'localhost',
    names: ['localhost'],
    use: 'server',
    from: new Date(+now - day),
    until: new Date(+now + day),
  } as const
  const good = authority.issue(subject)
  const pin = createHash('sha256').update(good.der).digest('hex')
  const serve = (issued: typeof good) => ({ key: issued.key, cert: issued.certificate, der: issued.der })
  const trying = (issued: typeof good, tls: Reach['tls'], credential: Credential = basic()) =>
    machine({ reply: (r) => rows(r, []), tls: serve(issued), basic: credential.method === 'basic' }, { tls, credential })
  const works = async (tls: Reach['tls'], credential?: Credential) => {
    const { at, machine: pc } = await trying(good, tls, credential)
    assert.deepEqual(await pc.ask(one), [])
    return at
  }
  await works({ ca: authority.pem, pin: null })
  await works({ ca: null, pin })
  // NTLM over TLS is bound to the channel: the endpoint refuses other bindings.
  const bound = await works({ ca: authority.pem, pin: null }, ntlm())
  assert.ok(bound.bodies[0]!.includes('Envelope'))
  const refused = async (issued: typeof good, tls: Reach['tls']) => {
    const { at, machine: pc } = await trying(issued, tls)
    const code = await problemOf(pc.ask(one))
    assert.deepEqual([at.requests.length, at.authorizations.length], [0, 0])
    return code
  }
  assert.equal(await refused(good, { ca: null, pin: null }), 'WINRM_CERTIFICATE')
  assert.equal(await refused(good, { ca: newAuthority('Other', now).pem, pin: null }), 'WINRM_CERTIFICATE')
  assert.equal(
    await refused(authority.issue({ ...subject, until: new Date(+now - 1000) }), { ca: authority.pem, pin: null }),
    'WINRM_CERTIFICATE',
  )
  assert.equal(await refused(authority.issue({ ...subject, names: ['other'] }), { ca: authority.pem, pin: null }), 'WINRM_CERTIFICATE')
  assert.equal(await refused(good, { ca: authority.pem, pin: pin.replace(/^./, (c) => (c === '0' ? '1' : '0')) }), 'WINRM_PIN_MISMATCH')
})

test('a Windows without TLS 1.2 is told from one that speaks no TLS', async () => {
  const { authority, key, cert } = identity()
  const server = createSecure({ key, cert, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  running.push(() => new Promise((done) => server.close(done)))
  const { port } = server.address() as AddressInfo
  const error = await at(port, { address: 'localhost', tls: { ca: authority.pem, pin: null } })
    .ask(one)
    .catch((e: unknown) => e)
  assert.ok(error instanceof ProblemError)
  assert.match(error.problems[0]!.summary, /it has no TLS 1\.2/)
})

test('a client certificate is shown with its key', async () => {
  const now = new Date()
  const authority = newAuthority('Test CA', now)
  const until = { from: new Date(+now - 86_400_000), until: new Date(+now + 86_400_000) }
  const server = authority.issue({ name: 'localhost', names: ['localhost'], use: 'server', ...until })
  const client = authority.issue({ name: 'admin', names: [], use: 'client', ...until })
  const mutual = 'http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual'
  const trying = (schemes: readonly string[]) =>
    machine(
      { reply: (r) => rows(r, []), tls: { key: server.key, cert: server.certificate, der: server.der, ca: authority.pem }, schemes },
      {
        tls: { ca: authority.pem, pin: null },
        credential: { method: 'certificate', certificate: client.certificate, key: new Secret(Buffer.from(client.key)) },
      },
    )
  // The endpoint knows no accounts for certificates: what counts is that TLS took it and how it is announced.
  const { at, machine: pc } = await trying(['Negotiate', 'Kerberos', mutual, 'Basic realm="WSMAN"'])
  assert.equal(await problemOf(pc.ask(one)), 'WINRM_LOGON_FAILED')
  assert.deepEqual(at.authorizations, [mutual])
  // Windows asks for certificates after the handshake, which Node can answer in TLS 1.2 only.
  assert.deepEqual(at.protocols, ['TLSv1.2'])
  assert.equal(await problemOf((await trying(['Negotiate'])).machine.ask(one)), 'WINRM_NOT_OFFERED')
})

/** A server that says the same to everybody. */
async function saying(bytes: string | Buffer | null, then: 'stay' | 'end' = 'stay'): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {})
    if (bytes === null) return
    socket.on('data', () => {
      socket.write(bytes)
      if (then === 'end') socket.end()
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  running.push(() => new Promise((done) => server.close(done)))
  return (server.address() as AddressInfo).port
}
const opened: Machine[] = []
running.push(async () => {
  for (const pc of opened) await pc.close()
})
const at = (port: number, more: Partial<Reach> = {}): Machine => {
  const pc = openMachine(
    { name: 'pc-1', address: '127.0.0.1', port, tls: null, credential: ntlm(), operationTimeoutMs: 8000, connectTimeoutMs: 5000, ...more },
    { graceMs: 200, answerBytes: 1 << 20 },
  )
  opened.push(pc)
  return pc
}

test('what is no WinRM is said to be none, and ends in time', async () => {
  const cases: readonly [string, string, string | Buffer | null, ('stay' | 'end')?][] = [
    ['another protocol', 'WINRM_GARBAGE', 'SSH-2.0-OpenSSH\r\n'],
    ['a header without end', 'WINRM_GARBAGE', Buffer.from(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}`)],
    ['both lengths', 'WINRM_GARBAGE', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'WINRM_GARBAGE', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n'],
    ['no length', 'WINRM_GARBAGE', 'HTTP/1.1 200 OK\r\n\r\nhello'],
    ['chunks that are none', 'WINRM_GARBAGE', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['compressed', 'WINRM_GARBAGE', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n'],
    ['a web server', 'WINRM_GARBAGE', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'],
    ['a service that is not there', 'WINRM_UNREACHABLE', 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'],
    ['far too much', 'WINRM_TOO_LARGE', 'HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n'],
    [
      'too much in chunks',
      'WINRM_TOO_LARGE',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${`80000\r\n${'x'.repeat(0x80000)}\r\n`.repeat(3)}`,
    ],
    ['cut in the header', 'WINRM_CUT', 'HTTP/1.1 200', 'end'],
    ['silence', 'WINRM_SLOW', null],
    [
      'blanks within headers',
      'WINRM_GARBAGE',
      `${`HTTP/1.1 100 Continue\r\nA: x${' '.repeat(60_000)}x\r\n\r\n`.repeat(3)}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`,
    ],
    ['interim answers for ever', 'WINRM_SLOW', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ]
  await Promise.all(
    cases.map(async ([what, code, bytes, then]) => {
      const started = performance.now()
      const limit = code === 'WINRM_SLOW' ? { operationTimeoutMs: 200 } : {}
      assert.equal(await problemOf(at(await saying(bytes, then), limit).ask(one)), code, what)
      assert.ok(performance.now() - started < 5000, what)
    }),
  )
})

test('a body in a million chunks takes no more memory than its length', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const written = Promise.withResolvers<void>()
  let peer: Socket | undefined
  const server = createServer((socket) => {
    if (peer) return socket.destroy()
    peer = socket.on('error', () => {})
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      socket.write(Buffer.from('1\r\nx\r\n'.repeat(1_000_000)), () => written.resolve())
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  running.push(() => new Promise((done) => server.close(done)))
  const memory = () => {
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const before = memory()
  const asked = problemOf(at((server.address() as AddressInfo).port).ask(one))
  await written.promise
  await sleep(50)
  const taken = memory() - before
  assert.ok(taken < 20 << 20, `${taken} bytes`)
  peer!.destroy()
  assert.equal(await asked, 'WINRM_CUT')
})

test('whatever a server says ends in a Problem', async () => {
  const head = fc.constantFrom(
    '',
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate ',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
  )
  const said = fc.tuple(
    head,
    fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: fc.constantFrom('\r', '\n', '0', 'a', ':', '=', ' '), maxLength: 60 })),
  )
  await fc.assert(
    fc.asyncProperty(said, async ([first, rest]) => {
      assert.match(await problemOf(at(await saying(`${first}${rest}`, 'end')).ask(one)), /^WINRM_/)
    }),
    { numRuns: 80 },
  )
})

test('who is not there', async () => {
  const free = createServer()
  await new Promise<void>((ready) => free.listen(0, '127.0.0.1', ready))
  const { port } = free.address() as AddressInfo
  await new Promise((done) => free.close(done))
  assert.equal(await problemOf(at(port).ask(one)), 'WINRM_UNREACHABLE')
  assert.equal(await problemOf(at(port).call(activate)), 'WINRM_UNREACHABLE')
  assert.equal(await problemOf(at(1, { address: 'pc-1.invalid' }).ask(one)), 'WINRM_NAME_UNKNOWN')
  // No TLS there, and TLS that never comes.
  assert.equal(
    await problemOf(at(await saying('HTTP/1.1 400 Bad Request\r\n\r\n'), { tls: { ca: null, pin: null } }).ask(one)),
    'WINRM_GARBAGE',
  )
  assert.equal(await problemOf(at(await saying(null), { tls: { ca: null, pin: null }, connectTimeoutMs: 300 }).ask(one)), 'WINRM_TIMEOUT')
})

test('no Problem shows a password or a key', async () => {
  const { machine: pc } = await machine({ reply: (r) => fault(r, 0x80041001) }, { credential: ntlm('hunter2-wrong') })
  const error = await pc
    .call({ ...activate, arguments: { ProductKey: new Secret(Buffer.from('planted-marker')) } })
    .catch((e: unknown) => e)
  assert.doesNotMatch(JSON.stringify(error) + String((error as Error).stack), /hunter2|planted/)
})
