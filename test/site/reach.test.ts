import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ProblemError } from '../../src/model.ts'
import { Secret } from '../../src/secrets.ts'
import { checkReferences, openReaches, type ReachOverrides, reachOf, readSite, resolveReach, type SiteFile } from '../../src/site.ts'
// The shape that the machine room takes must stay the one that is given.
import type { Reach } from '../../src/windows/machine.ts'

const dir = mkdtempSync(join(tmpdir(), 'slmctl-reach-'))
after(() => rmSync(dir, { recursive: true }))
const put = (name: string, content: string, mode = 0o600) => {
  writeFileSync(join(dir, name), content)
  chmodSync(join(dir, name), mode)
  return join(dir, name)
}
const site = (yaml: string): SiteFile => {
  const { siteFile, problems } = readSite(join(dir, 'slmctl.yaml'), yaml)
  assert.deepEqual(problems, [])
  return siteFile!
}
const one = (siteFile: SiteFile | null, name: string, overrides: ReachOverrides = {}) => {
  const answers = reachOf(siteFile, name, overrides)
  assert.equal(answers.length, 1)
  const [answer] = answers
  if (!answer!.ok) throw new ProblemError(answer!.problem)
  return answer!.reach
}
const refused = (siteFile: SiteFile | null, name: string, overrides: ReachOverrides = {}) => {
  const [answer] = reachOf(siteFile, name, overrides)
  assert.ok(answer && !answer.ok)
  return answer.problem
}
const credentials = `
credentials:
  admin: { method: kerberos }
  lab: { method: kerberos, principal: lab@LAB.EXAMPLE, keytab: lab.keytab }
  deep: { method: kerberos, principal: deep@DEEP.LAB.EXAMPLE, password: { file: secret } }
  domain: { method: ntlm, user: CORP\\svc, password: { file: secret } }
  upn: { method: ntlm, user: svc@corp.example, password: { file: secret } }
  local: { method: ntlm, user: Administrator, password: { file: secret } }
  dot: { method: ntlm, user: .\\admin, password: { file: secret } }
  itself: { method: ntlm, user: PC-1\\admin, password: { file: secret } }
  web: { method: basic, user: u, password: { file: secret } }
  card: { method: certificate, certificate: c.pem, key: { file: k.pem } }
`
const forests = `
forests:
  - { name: deep.lab.example, credential: deep }
  - { name: lab.example, domains: [lab.example], credential: lab }
  - { name: plain.example }
`

test('without a site file: sealed HTTP, the ticket cache, the usual limits', () => {
  assert.deepEqual(one(null, 'pc-1.corp.example'), {
    name: 'pc-1.corp.example',
    address: 'pc-1.corp.example',
    port: 5985,
    tls: null,
    credential: { name: 'ticket cache', method: 'kerberos', principal: null, from: 'cache' },
    operationTimeoutMs: 60_000,
    connectTimeoutMs: 10_000,
    group: null,
  })
})

test('the narrower level wins, word by word: site, forest, group, machine, command line', () => {
  const file = site(`${credentials}${forests}
reach: { transport: https, port: 7000, credential: admin, ca: [a.pem], timeout: 20, connect-timeout: 5 }
groups:
  g:
    machines:
      - pc-1
      - { name: pc-2.lab.example, credential: domain, timeout: 40 }
      - { name: pc-3, transport: http }
      - { name: pc-4, address: 10.1.2.3, pin: "${'AB:'.repeat(31)}AB" }
      - pc-5.lab.example
    reach: { timeout: 30 }
  h: { machines: [pc-6.lab.example], reach: { credential: web, port: 8443 } }
`)
  const of = (name: string, overrides?: ReachOverrides) => one(file, name, overrides)
  assert.equal(of('pc-1').port, 7000)
  assert.deepEqual(of('pc-1').tls, { ca: [join(dir, 'a.pem')], pin: null })
  assert.equal(of('pc-1').credential.name, 'admin')
  assert.equal(of('pc-1').operationTimeoutMs, 30_000)
  assert.equal(of('pc-1').connectTimeoutMs, 5000)
  assert.equal(of('PC-2.lab.example.').name, 'pc-2.lab.example')
  assert.equal(of('pc-2.lab.example').credential.name, 'domain')
  assert.equal(of('pc-2.lab.example').operationTimeoutMs, 40_000)
  assert.equal(of('pc-3').tls, null)
  assert.equal(of('pc-3').port, 5985, 'a port belongs to the transport it was given with')
  assert.equal(of('pc-4').address, '10.1.2.3')
  assert.equal(of('pc-4').tls!.pin, 'ab'.repeat(32))
  assert.equal(of('pc-5.lab.example').credential.name, 'lab', 'the forest before the site')
  assert.equal(of('pc-6.lab.example').credential.name, 'web', 'the group before the forest')
  assert.equal(of('pc-6.lab.example').port, 8443)
  assert.equal(of('pc-6.lab.example', { port: 9000, credential: 'admin' }).port, 9000)
  assert.equal(of('pc-6.lab.example', { credential: 'admin' }).credential.name, 'admin')
  assert.equal(of('pc-1', { transport: 'http' }).port, 5985)
  assert.deepEqual(
    reachOf(file, 'g').map((a) => [a.name, a.ok]),
    ['pc-1', 'pc-2.lab.example', 'pc-3', 'pc-4', 'pc-5.lab.example'].map((n) => [n, true]),
  )
  assert.deepEqual(
    reachOf(file, { group: 'h' }).map((a) => a.name),
    ['pc-6.lab.example'],
  )
})

test('a machine that the site file does not list: the credential of the forest with the longest domain', () => {
  const file = site(`${credentials}${forests}reach: {credential: admin}`)
  for (const [name, credential] of [
    ['a.corp.example', 'admin'],
    ['a.lab.example', 'lab'],
    ['A.LAB.EXAMPLE.', 'lab'],
    ['a.deep.lab.example', 'deep'],
    ['a.notlab.example', 'admin'],
    ['a.plain.example', 'admin'],
    ['pc-9', 'admin'],
    ['10.1.2.3', 'admin'],
  ] as const)
    assert.equal(one(file, name).credential.name, credential, name)
})

test('what cannot be: each its own Problem with a next step', () => {
  const file = site(`${credentials}`)
  assert.equal(refused(file, 'pc-1', { credential: 'web' }).code, 'REACH_NEEDS_HTTPS')
  assert.equal(refused(file, 'pc-1', { credential: 'card' }).code, 'REACH_NEEDS_HTTPS')
  assert.equal(refused(file, 'pc-1', { port: 5986 }).code, 'REACH_PORT')
  assert.equal(refused(file, 'pc-1', { pin: 'ab'.repeat(32) }).code, 'REACH_NEEDS_HTTPS')
  assert.equal(refused(file, 'pc-1', { ca: ['x.pem'] }).code, 'REACH_NEEDS_HTTPS')
  assert.equal(refused(file, 'pc-1', { transport: 'https', pin: 'nothex' }).code, 'REACH_PIN')
  assert.equal(refused(file, 'pc-1', { credential: 'nobody' }).code, 'NO_SUCH_CREDENTIAL')
  assert.equal(refused(file, 'pc 1').code, 'MACHINE_NAME')
  assert.equal(refused(file, 'http://pc-1/').code, 'MACHINE_NAME')
  const none = reachOf(file, { group: 'nobody' })
  assert.ok(none[0] && !none[0].ok && none[0].problem.code === 'NO_SUCH_GROUP')
  for (const credential of ['web', 'card']) assert.ok(one(file, 'pc-1', { credential, transport: 'https' }).tls)
})

test('a local account goes over HTTPS, and remote token filtering is named', () => {
  const file = site(credentials)
  for (const credential of ['local', 'dot', 'itself']) {
    const p = refused(file, 'pc-1', { credential })
    assert.equal(p.code, 'REACH_LOCAL_ACCOUNT', credential)
    assert.match(p.next.join(' '), /Remote token filtering.*LocalAccountTokenFilterPolicy/)
    assert.match(p.next.join(' '), /https/)
    assert.equal(one(file, 'pc-1', { credential, transport: 'https' }).tls?.pin, null)
    // Nobody stands between on the loopback.
    assert.equal(one(file, 'pc-1', { credential, address: '127.0.0.5' }).tls, null)
  }
  for (const credential of ['domain', 'upn', 'admin']) assert.equal(one(file, 'pc-1', { credential }).tls, null)
  const listed = (machine: string) =>
    readSite('s.yaml', `${credentials}groups:\n  g:\n    machines:\n      - pc-0\n      - ${machine}\n    reach: {credential: admin}\n`)
      .problems
  assert.deepEqual(
    listed('{name: pc-1, credential: local}').map((p) => [p.code, p.line]),
    [['REACH_LOCAL_ACCOUNT', 17]],
  )
  assert.deepEqual(listed('{name: pc-1, credential: local, transport: https}'), [])
})

test('a fault of a whole group is told once, where the group says it', () => {
  const machines = Array.from({ length: 50 }, (_, i) => `pc-${i}`).join(', ')
  const { problems } = readSite('s.yaml', `${credentials}groups:\n  g:\n    machines: [${machines}]\n    reach: {credential: web}\n`)
  assert.deepEqual(
    problems.map((p) => [p.code, p.line]),
    [['REACH_NEEDS_HTTPS', 16]],
  )
})

test('references become what the machine room takes; each is read once for a run', async () => {
  const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'
  put('secret', 'first\n')
  put('a.pem', pem, 0o644)
  put('b.pem', pem, 0o644)
  put('c.pem', pem, 0o644)
  put('k.pem', '-----BEGIN PRIVATE KEY-----\n')
  put('lab.keytab', 'keytab')
  const file = site(`${credentials}\nreach: {transport: https, ca: [a.pem, b.pem]}`)
  const reaches = openReaches()
  const resolved = async (credential: string): Promise<Reach> => await reaches.resolve(one(file, 'pc-1', { credential }))
  const ntlm = await resolved('domain')
  assert.ok(ntlm.credential.method === 'ntlm')
  assert.deepEqual([ntlm.credential.user, ntlm.credential.domain], ['svc', 'CORP'])
  const password = (r: Reach) => ('password' in r.credential ? r.credential.password.use((b) => Buffer.from(b).toString()) : null)
  assert.equal(password(ntlm), 'first')
  assert.equal(ntlm.tls!.ca, `${pem}\n${pem}`)
  put('secret', 'second\n')
  assert.equal(password(await resolved('web')), 'first', 'one run, one secret')
  assert.equal(password(await resolveReach(one(file, 'pc-1', { credential: 'web' }))), 'second')
  assert.deepEqual((await resolved('lab')).credential, {
    method: 'kerberos',
    principal: 'lab@LAB.EXAMPLE',
    from: { keytab: join(dir, 'lab.keytab') },
  })
  assert.deepEqual((await resolved('admin')).credential, { method: 'kerberos', principal: null, from: 'cache' })
  const deep = (await resolved('deep')).credential
  assert.ok(deep.method === 'kerberos' && typeof deep.from === 'object' && 'password' in deep.from && deep.from.password instanceof Secret)
  const dot = (await resolved('dot')).credential
  assert.ok(dot.method === 'ntlm' && dot.domain === '' && dot.user === 'admin')
  const card = (await resolved('card')).credential
  assert.ok(card.method === 'certificate' && card.certificate === pem && card.key instanceof Secret)
  const asked = new Secret(Buffer.from('typed'))
  const typed = await reaches.resolve(one(file, 'pc-1', { as: { name: 'u', method: 'ntlm', user: 'u', domain: 'D', password: asked } }))
  assert.equal(password(typed), 'typed')
  reaches.wipe()
  await new Promise((done) => setImmediate(done))
  assert.notEqual(password(ntlm), 'first')
  assert.equal(password(typed), 'typed', 'what a person typed is not ours to forget')
})

test('a description shows references only, and what is behind them is checked without reading secrets', async () => {
  put('secret', 'pl4nted\n')
  const file = site(`${credentials}\nwishes: [{product: Visio, by: mak, key: {file: visio.key}}]\nreach: {transport: https, ca: [key.pem]}`)
  assert.doesNotMatch(JSON.stringify(one(file, 'pc-1', { credential: 'domain' })), /pl4nted/)
  put('key.pem', '-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\n')
  put('c.pem', 'no certificate')
  put('lab.keytab', 'keytab', 0o644)
  put('k.pem', 'key')
  const found = await checkReferences(file)
  assert.deepEqual(found.map((p) => p.code).sort(), ['CERTIFICATE_FILE', 'CERTIFICATE_FILE', 'SECRET_FILE_OPEN', 'SECRET_MISSING'])
  assert.doesNotMatch(JSON.stringify(found), /pl4nted/)
})

test('twenty thousand machines: a name is found without looking through them', () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `pc-${i}.lab.example`)
  const file = site(`${credentials}${forests}groups: {g: {machines: [${names.join(', ')}]}}`)
  const from = process.cpuUsage()
  for (const name of names) one(file, name)
  const used = process.cpuUsage(from)
  assert.ok((used.user + used.system) / 1000 / names.length < 0.1, `${(used.user + used.system) / 1000} ms for all`)
})
