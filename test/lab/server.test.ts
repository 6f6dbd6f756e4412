import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { request as http } from 'node:http'
import { request as https } from 'node:https'
import { after, before, test } from 'node:test'
import { type Lab, type LabMachine, startLab } from '../../src/lab.ts'
import { authorization, channelBindings, ntlmInitiate, type SecurityContext } from '../../src/protocol/negotiate.ts'
import {
  decodeResponse,
  encodeRequest,
  messageId,
  type Request,
  resourceUri,
  sealBody,
  unsealBody,
  WsmanFault,
} from '../../src/protocol/wsman.ts'

let lab: Lab
before(async () => {
  lab = await startLab({
    seed: 'server',
    https: true,
    clientCertificates: true,
    methodFailure: 'return-value',
    machines: [
      { name: 'pc-1.corp.example', scenario: 'win11-enterprise-office-2024-visio', faultForm: 'wsman' },
      { name: 'pc-2.corp.example', scenario: 'win7-office-2010', faultForm: 'wsman' },
      { name: 'pc-3.corp.example', scenario: 'wrong-host', methodFailure: 'wmi-error', faultForm: 'wmi' },
      { name: 'pc-4.corp.example', scenario: 'wrong-host', methodFailure: 'wsman-fault' },
      { name: 'pc-5.corp.example', scenario: 'wrong-host' },
      { name: 'pc-6.corp.example', scenario: 'missing-properties' },
      { name: 'pc-7', scenario: 'workgroup-token-filter' },
    ],
  })
})
after(() => lab.close())
const machine = (name: string): LabMachine => lab.machines.find((m) => m.name === name)!

type Reply = { readonly status: number; readonly headers: Readonly<Record<string, string | string[] | undefined>>; readonly body: Buffer }
type Post = {
  readonly headers?: Record<string, string>
  readonly body?: Uint8Array
  readonly path?: string
  readonly cert?: { certificate: string; key: string }
}
/** One POST; nothing is retried. */
function post(
  m: LabMachine,
  over: 'http' | 'https',
  { headers = {}, body = new Uint8Array(), path = '/wsman', cert }: Post = {},
): Promise<Reply> {
  return new Promise((done, failed) => {
    const option = {
      method: 'POST',
      host: '127.0.0.1',
      path,
      headers: { 'Content-Type': 'application/soap+xml;charset=UTF-8', ...headers, 'Content-Length': String(body.length) },
    }
    const sent =
      over === 'http'
        ? http({ ...option, port: m.httpPort })
        : https({
            ...option,
            port: m.httpsPort!,
            ca: lab.ca,
            servername: m.name.includes('.') ? m.name : 'localhost',
            ...(cert ? { cert: cert.certificate, key: cert.key, agent: false } : {}),
          })
    sent.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (c: Buffer) => chunks.push(c))
      response.on('end', () => done({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }))
      response.on('error', failed)
    })
    sent.on('error', failed)
    sent.end(body)
  })
}
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
const known = () => basic('CORP\\slmctl', lab.accounts[0]!.password)

const common = (name: string, resource = '*', selectors: Record<string, string> = {}) => ({
  to: `https://${name}:5986/wsman`,
  resourceUri: resourceUri('root/cimv2', resource),
  messageId: messageId(),
  selectors,
  operationTimeoutMs: 20_000,
  maxEnvelopeSize: 153_600 as number | null,
})
/** Asks over HTTPS with Basic, and reads the answer as our client would; a fault is thrown. */
async function ask<R extends Request>(name: string, request: R, authorizationHeader = known()) {
  const reply = await post(machine(name), 'https', { headers: { Authorization: authorizationHeader }, body: encodeRequest(request) })
  assert.ok(reply.status === 200 || reply.status === 500, String(reply.status))
  return decodeResponse(reply.body, request)
}
const enumerate = (name: string, wql: string, more: { maxElements?: number; optimize?: boolean; maxEnvelopeSize?: number } = {}) =>
  ask(name, {
    ...common(name),
    action: 'Enumerate',
    wql,
    otherDialect: null,
    optimize: more.optimize ?? true,
    maxElements: more.maxElements ?? 32_000,
    mode: 'object',
    ...(more.maxEnvelopeSize ? { maxEnvelopeSize: more.maxEnvelopeSize } : {}),
  })
const pull = (name: string, context: string, maxElements: number) => ask(name, { ...common(name), action: 'Pull', context, maxElements })
const invoke = (
  name: string,
  wmiClass: string,
  selectors: Record<string, string>,
  method: string,
  given: Record<string, string | number | boolean> = {},
) => ask(name, { ...common(name, wmiClass, selectors), action: 'Invoke', method, arguments: given })
const fault = async (work: Promise<unknown>): Promise<WsmanFault> => {
  const error = await work.then(
    () => assert.fail('no fault came'),
    (e: unknown) => e,
  )
  assert.ok(error instanceof WsmanFault, String(error))
  return error
}
const keyed = 'SELECT ID, Name, LicenseStatus FROM SoftwareLicensingProduct WHERE PartialProductKey IS NOT NULL'

test('Identify needs no logon; everything else does, and says what is offered', async () => {
  const m = machine('pc-1.corp.example')
  const identified = await post(m, 'http', { headers: { WSMANIDENTIFY: 'unauthenticated' }, body: encodeRequest({ action: 'Identify' }) })
  assert.equal(identified.status, 200)
  assert.match(identified.body.toString(), /OS: 10\.0\.26100/)
  const http401 = await post(m, 'http', { body: Buffer.from('<x/>') })
  assert.equal(http401.status, 401)
  assert.equal(http401.headers['www-authenticate'], 'Negotiate')
  const https401 = await post(m, 'https')
  assert.match(String(https401.headers['www-authenticate']), /Negotiate.*Basic/)
})

test('Basic is for HTTPS only, with the right password', async () => {
  const m = machine('pc-1.corp.example')
  assert.equal((await post(m, 'http', { headers: { Authorization: known() } })).status, 401)
  assert.equal((await post(m, 'https', { headers: { Authorization: known() } })).status, 200)
  assert.equal((await post(m, 'https', { headers: { Authorization: basic('slmctl', 'wrong') } })).status, 401)
})

test('a client certificate of the lab’s authority is a logon; another’s and an unknown user’s are not', async () => {
  const m = machine('pc-1.corp.example')
  const headers = { Authorization: 'http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual' }
  assert.equal((await post(m, 'https', { headers, cert: lab.clientCertificate('slmctl') })).status, 200)
  assert.equal((await post(m, 'https', { headers, cert: lab.clientCertificate('nobody') })).status, 401)
  assert.equal((await post(m, 'https', { headers })).status, 401)
})

test('certificates: the name and the address of the machine, signed by the lab’s authority, valid now', () => {
  const ca = new X509Certificate(lab.ca)
  assert.ok(ca.ca)
  assert.ok(ca.verify(ca.publicKey))
  const leaf = new X509Certificate(lab.clientCertificate('slmctl').certificate)
  assert.ok(leaf.verify(ca.publicKey))
  assert.ok(leaf.checkIssued(ca))
  assert.equal(leaf.ca, false)
})

test('over HTTP a message must be sealed: in the clear it is not answered, with a wrong seal neither', async () => {
  const m = machine('pc-1.corp.example')
  const { Agent } = await import('node:http')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const send = (headers: Record<string, string>, body: Uint8Array) =>
    new Promise<Reply>((done, failed) => {
      const sent = http(
        {
          agent,
          method: 'POST',
          host: '127.0.0.1',
          port: m.httpPort,
          path: '/wsman',
          headers: { ...headers, 'Content-Length': String(body.length) },
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (c: Buffer) => chunks.push(c))
          response.on('end', () => done({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }))
        },
      )
      sent.on('error', failed)
      sent.end(body)
    })
  const logOn = async (password: string): Promise<{ context: SecurityContext; status: number }> => {
    const bytes = Buffer.from(password)
    const context = ntlmInitiate({
      user: 'slmctl',
      domain: 'CORP',
      password: { use: (f) => f(bytes) },
      spn: 'HTTP/pc-1.corp.example',
      channelBinding: null,
    })
    const first = await send({ Authorization: authorization('Negotiate', await context.step(null)) }, new Uint8Array())
    const token = Buffer.from(/^Negotiate (.*)$/.exec(String(first.headers['www-authenticate']))![1]!, 'base64')
    const second = await send({ Authorization: authorization('Negotiate', await context.step(token)) }, new Uint8Array())
    return { context, status: second.status }
  }
  assert.equal((await logOn('wrong')).status, 401)
  const { context, status } = await logOn(lab.accounts[0]!.password)
  assert.equal(status, 200)
  const request: Request = {
    ...common(m.name),
    action: 'Enumerate',
    wql: keyed,
    otherDialect: null,
    optimize: true,
    maxElements: 100,
    mode: 'object',
  }
  const sealed = sealBody(context, encodeRequest(request))
  const answered = await send({ 'Content-Type': sealed.contentType }, sealed.body)
  assert.equal(answered.status, 200)
  assert.doesNotMatch(answered.body.toString('latin1'), /Envelope/)
  const { items } = decodeResponse(unsealBody(context, String(answered.headers['content-type']), answered.body), request)
  assert.equal(items.length, 4)
  assert.equal((await send({ 'Content-Type': 'application/soap+xml;charset=UTF-8' }, encodeRequest(request))).status, 500)
  const broken = sealBody(context, encodeRequest(request))
  broken.body[broken.body.length - 40]! ^= 1
  assert.equal((await send({ 'Content-Type': broken.contentType }, broken.body)).status, 400)
  agent.destroy()
})

test('over HTTPS a logon is bound to the channel: another certificate’s binding is refused', async () => {
  const m = machine('pc-1.corp.example')
  const { Agent } = await import('node:https')
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: lab.ca, servername: m.name })
  let certificate: Buffer | null = null
  const send = (token: Uint8Array | null) =>
    new Promise<Reply>((done, failed) => {
      const sent = https(
        {
          agent,
          method: 'POST',
          host: '127.0.0.1',
          port: m.httpsPort!,
          path: '/wsman',
          headers: { Authorization: authorization('Negotiate', token), 'Content-Length': '0' },
        },
        (response) => {
          certificate ??= (response.socket as import('node:tls').TLSSocket).getPeerCertificate().raw
          response.resume()
          response.on('end', () => done({ status: response.statusCode!, headers: response.headers, body: Buffer.alloc(0) }))
        },
      )
      sent.on('error', failed)
      sent.end()
    })
  const logOn = async (binding: Uint8Array | null) => {
    const bytes = Buffer.from(lab.accounts[0]!.password)
    const context = ntlmInitiate({ user: 'slmctl', domain: 'CORP', password: { use: (f) => f(bytes) }, spn: null, channelBinding: binding })
    const first = await send(await context.step(null))
    const token = Buffer.from(/^Negotiate (.*)$/.exec(String(first.headers['www-authenticate']))![1]!, 'base64')
    return (await send(await context.step(token))).status
  }
  await logOn(null)
  assert.equal(await logOn(channelBindings(certificate!)), 200)
  const other = new X509Certificate(lab.clientCertificate('slmctl').certificate).raw
  assert.equal(await logOn(channelBindings(other)), 401)
  agent.destroy()
})

test('pages: as many as asked for, each with a new context, the old one used up; Release', async () => {
  const name = 'pc-1.corp.example'
  const first = (await enumerate(name, keyed, { maxElements: 2 })) as { items: unknown[]; context: string | null; end: boolean }
  assert.equal(first.items.length, 2)
  assert.equal(first.end, false)
  const second = (await pull(name, first.context!, 1)) as typeof first
  assert.equal(second.items.length, 1)
  assert.notEqual(second.context, first.context)
  assert.equal((await fault(pull(name, first.context!, 1))).subcode, 'InvalidEnumerationContext')
  const last = (await pull(name, second.context!, 10)) as typeof first
  assert.equal(last.items.length, 1)
  assert.equal(last.end, true)
  // Without optimisation the first answer holds nothing.
  const plain = (await enumerate(name, keyed, { optimize: false })) as typeof first
  assert.deepEqual([plain.items.length, plain.end], [0, false])
  await ask(name, { ...common(name), action: 'Release', context: plain.context! })
  await fault(pull(name, plain.context!, 1))
})

test('an envelope is never larger than the client takes; an item that fits none is a fault', async () => {
  const name = 'pc-1.corp.example'
  const all: string[] = []
  let page = (await enumerate(name, 'SELECT * FROM SoftwareLicensingProduct', { maxEnvelopeSize: 20_000 })) as {
    items: { ID: string }[]
    context: string | null
    end: boolean
  }
  let pages = 1
  for (;;) {
    all.push(...page.items.map((i) => i.ID))
    if (page.end) break
    const request: Request = { ...common(name), action: 'Pull', context: page.context!, maxElements: 1000, maxEnvelopeSize: 20_000 }
    const reply = await post(machine(name), 'https', { headers: { Authorization: known() }, body: encodeRequest(request) })
    assert.ok(reply.body.length <= 20_000, String(reply.body.length))
    page = decodeResponse(reply.body, request) as typeof page
    pages++
  }
  assert.ok(pages > 2)
  assert.equal(all.length, lab.state(name).products.length)
  assert.equal(new Set(all).size, all.length)
  assert.equal((await fault(enumerate(name, 'SELECT * FROM SoftwareLicensingProduct', { maxEnvelopeSize: 3000 }))).kind, 'envelope-size')
})

test('faults: no such class, no such property, no such instance, wrong keys, wrong arguments', async () => {
  const name = 'pc-1.corp.example'
  const noClass = await fault(enumerate(name, 'SELECT Version FROM OfficeSoftwareProtectionService'))
  assert.deepEqual([noClass.code, noClass.providerCode], [0x8033801a, 0x80041010])
  assert.equal((await fault(enumerate(name, 'SELECT Nonsense FROM Win32_BIOS'))).kind, 'invalid-query')
  assert.equal((await fault(enumerate(name, 'SELECT Version FROM Win32_BIOS WHERE'))).kind, 'invalid-query')
  assert.equal(
    (await fault(enumerate('pc-6.corp.example', 'SELECT ProductKeyChannel FROM SoftwareLicensingProduct'))).kind,
    'invalid-query',
  )
  assert.equal((await fault(enumerate('pc-2.corp.example', 'SELECT VLActivationType FROM SoftwareLicensingProduct'))).kind, 'invalid-query')
  const get = (selectors: Record<string, string>, wmiClass = 'SoftwareLicensingProduct') =>
    ask(name, { ...common(name, wmiClass, selectors), action: 'Get' })
  assert.equal((await fault(get({}))).kind, 'selectors')
  assert.equal((await fault(get({ Name: 'x' }))).kind, 'selectors')
  assert.equal((await fault(get({ ID: '00000000-0000-0000-0000-000000000000' }))).kind, 'not-found')
  assert.equal((await fault(get({ Version: '1' }, 'Nonsense'))).kind, 'not-found')
  const { Version } = lab.state(name).service
  assert.equal(
    (
      await fault(
        invoke(name, 'SoftwareLicensingService', { Version: String(Version) }, 'SetKeyManagementServicePort', { PortNumber: 'many' }),
      )
    ).providerCode,
    0x8004102f,
  )
  assert.equal(
    (await fault(invoke(name, 'SoftwareLicensingService', { Version: String(Version) }, 'SetKeyManagementServicePort', {}))).providerCode,
    0x8004102f,
  )
  assert.equal(
    (await fault(invoke(name, 'SoftwareLicensingService', { Version: String(Version) }, 'Nonsense', {}))).providerCode,
    0x8004102e,
  )
  assert.equal((await fault(invoke(name, 'SoftwareLicensingService', {}, 'RefreshLicenseStatus'))).kind, 'selectors')
})

test('Get finds an instance by its keys, names and values without regard to case', async () => {
  const name = 'pc-2.corp.example'
  const office = lab.state(name).products.find((p) => /^Office 14/.test(String(p.Name)) && p.PartialProductKey !== null)!
  const { row } = (await ask(name, {
    ...common(name, 'OfficeSoftwareProtectionProduct', { id: String(office.ID).toUpperCase() }),
    action: 'Get',
  })) as { row: Record<string, string> }
  assert.equal(row.Name, office.Name)
  assert.equal(row.GracePeriodRemaining, '259192')
  assert.equal('VLActivationType' in row, false)
})

test('a method that fails answers in the machine’s own way, and is counted once', async () => {
  const activate = async (name: string) => {
    const id = String(lab.state(name).products.find((p) => p.PartialProductKey !== null)!.ID)
    return invoke(name, 'SoftwareLicensingProduct', { ID: id }, 'Activate')
  }
  assert.equal((await fault(activate('pc-3.corp.example'))).code, 0xc004f074)
  const wrapped = await fault(activate('pc-4.corp.example'))
  assert.equal(wrapped.providerCode, 0xc004f074)
  const { out } = (await activate('pc-5.corp.example')) as { out: Record<string, string> }
  assert.equal(out.ReturnValue, String(0xc004f074))
  for (const name of ['pc-3', 'pc-4', 'pc-5'])
    assert.deepEqual(
      lab.calls(`${name}.corp.example`).map((c) => [c.method, c.result]),
      [['Activate', 0xc004f074]],
    )
})

test('calls change what is asked next, and a product key is not kept', async () => {
  const name = 'pc-5.corp.example'
  const key = { Version: String(lab.state(name).service.Version) }
  const set = (await invoke(name, 'SoftwareLicensingService', key, 'SetKeyManagementServiceMachine', {
    MachineName: 'kms1.corp.example',
  })) as { out: Record<string, string> }
  assert.equal(set.out.ReturnValue, '0')
  const { items } = (await enumerate(name, 'SELECT KeyManagementServiceMachine FROM SoftwareLicensingService')) as {
    items: Record<string, string>[]
  }
  assert.equal(items[0]!.KeyManagementServiceMachine, 'kms1.corp.example')
  const secret = ['LABAA', 'LABBB', 'LABCC', 'LABDD', 'LABEE'].join('-')
  await invoke(name, 'SoftwareLicensingService', key, 'InstallProductKey', { ProductKey: secret })
  const last = lab.calls(name).at(-1)!
  assert.equal(last.arguments.ProductKey, '…LABEE')
  assert.equal(last.result, 0xc004f050)
  assert.ok(!JSON.stringify(lab.calls(name)).includes(secret))
})

test('remote token filtering: a local account is refused what the built-in Administrator may', async () => {
  const name = 'pc-7'
  const password = lab.accounts[0]!.password
  assert.equal(
    (
      await fault(
        ask(
          name,
          { ...common(name), action: 'Enumerate', wql: keyed, otherDialect: null, optimize: true, maxElements: 10, mode: 'object' },
          basic('slmctl', password),
        ),
      )
    ).kind,
    'access-denied',
  )
  const { items } = (await ask(
    name,
    { ...common(name), action: 'Enumerate', wql: keyed, otherDialect: null, optimize: true, maxElements: 10, mode: 'object' },
    basic('Administrator', password),
  )) as { items: unknown[] }
  assert.equal(items.length, 1)
})

test('a request that is too large, no SOAP, another path: refused, and the machine goes on', async () => {
  const m = machine('pc-1.corp.example')
  const headers = { Authorization: known() }
  assert.equal((await post(m, 'https', { headers, body: Buffer.from('not xml') })).status, 400)
  assert.equal((await post(m, 'https', { headers, path: '/other' })).status, 404)
  const large = await post(m, 'https', { headers, body: Buffer.alloc(3 << 20, 0x20) }).then(
    (r) => r.status,
    () => 'cut',
  )
  assert.ok(large === 413 || large === 'cut', String(large))
  assert.equal(((await enumerate(m.name, keyed)) as { items: unknown[] }).items.length, 4)
})
