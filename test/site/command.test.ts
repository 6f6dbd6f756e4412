import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { main } from '../../src/cli.ts'
import { readSite } from '../../src/site.ts'
import { a, srv, startDns } from '../directory/server.ts'

const dir = mkdtempSync(join(tmpdir(), 'slmctl-site-'))
after(() => rmSync(dir, { recursive: true }))
const put = (name: string, content: string) => {
  writeFileSync(join(dir, name), content)
  return join(dir, name)
}
const call = async (...args: string[]) => {
  let out = ''
  let err = ''
  const code = await main(['site', ...args], { out: (t) => (out += t), err: (t) => (err += t), columns: 80, paint: (_, t) => t })
  process.exitCode = 0
  return { code, out, err }
}
const json = async (...args: string[]) => {
  const { code, out } = await call(...args, '--json')
  return { code, answer: JSON.parse(out) }
}
const narrow = (text: string) => {
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line)
}

/** DNS of the organisation: hosts inside and outside, a name that is not there, and a server that says nothing about one. */
const dns = await startDns(({ name, type }) => {
  const records: Record<string, ReturnType<typeof a>[]> = {
    'kms1.corp.example': [a('kms1.corp.example', '10.1.2.3')],
    'kms2.corp.example': [a('kms2.corp.example', '10.1.2.4'), a('kms2.corp.example', '198.51.100.7')],
    'kms3.corp.example': [a('kms3.corp.example', '10.1.2.5')],
    'kms.other.example': [a('kms.other.example', '10.9.9.9')],
    '_vlmcs._tcp.corp.example': [srv('_vlmcs._tcp.corp.example', 'kms3.corp.example')],
    '_vlmcs._tcp.labs.example': [srv('_vlmcs._tcp.labs.example', 'kms.foreign.example')],
  }
  if (name === 'silent.corp.example') return { rcode: 2 }
  const here = records[name]
  return here ? { answers: here.filter((r) => r.type === type) } : { rcode: 3 }
})
after(() => dns.close())
const file = (hosts: string, more = 'domains: [corp.example]\nnetworks: [10.0.0.0/8]') =>
  put('s.yaml', `organisation: Example University\n${more}\nkms:\n  hosts: [${hosts}]\ndns: { servers: ["${dns.at}"] }\n`)

test('check: hosts of the declaration are authorised, and that is all', async () => {
  const { code, out } = await call('check', file('kms1.corp.example, {name: 10.4.4.4, port: 1689}'))
  assert.equal(code, 0)
  narrow(out)
  assert.match(out, /authorised +kms1\.corp\.example\n +10\.1\.2\.3\n/)
  assert.match(out, /authorised +10\.4\.4\.4:1689\n/)
  assert.match(out, /Published by _vlmcs\._tcp\.corp\.example\n +authorised +kms3\.corp\.example\n/)
  assert.match(out, /Nothing to remark\./)
})

test('check: every host outside the declaration is HOST_NOT_AUTHORISED, with its line', async () => {
  const outside = file(
    'kms1.corp.example,\n    kms2.corp.example,\n    kms.other.example',
    'domains: [corp.example, labs.example]\nnetworks: [10.0.0.0/8]',
  )
  const { code, answer } = await json('check', outside)
  assert.equal(code, 1)
  assert.equal(answer.schema, 'slmctl.site-check/1')
  assert.deepEqual(
    answer.hosts.map((h: { name: string; from: string; verdict: string }) => [h.name, h.from, h.verdict]),
    [
      ['kms1.corp.example', 'site', 'authorised'],
      ['kms2.corp.example', 'site', 'not-authorised'],
      ['kms.other.example', 'site', 'not-authorised'],
      ['kms3.corp.example', 'corp.example', 'authorised'],
      ['kms.foreign.example', 'labs.example', 'not-authorised'],
    ],
  )
  assert.deepEqual(
    answer.findings.map((p: { code: string; line: number | null }) => [p.code, p.line]),
    [
      ['HOST_NOT_AUTHORISED', 6],
      ['HOST_NOT_AUTHORISED', 7],
      ['HOST_NOT_AUTHORISED', null],
    ],
  )
  assert.match(answer.findings[0].summary, /198\.51\.100\.7 is outside the networks/)
  const shown = await call('check', outside)
  assert.equal(shown.code, 1)
  narrow(shown.out)
  assert.match(shown.out, /HOST_NOT_AUTHORISED: line 6: kms2\.corp\.example/)
})

test('check: an address outside, a file without networks, a declaration that is too wide', async () => {
  for (const [write, code] of [
    [() => file('198.51.100.7'), 'HOST_NOT_AUTHORISED'],
    [() => file('kms1.corp.example', 'domains: [corp.example]'), 'HOST_NOT_AUTHORISED'],
    [() => put('s.yaml', 'networks: [0.0.0.0/0]'), 'SITE_TOO_WIDE'],
    [() => put('s.yaml', 'forests: [{name: co.uk}]'), 'SITE_TOO_WIDE'],
    [() => put('s.yaml', 'domians: [corp.example]'), 'SITE_INVALID'],
  ] as const) {
    const { code: exit, answer } = await json('check', write())
    assert.equal(exit, 1)
    assert.ok(answer.findings.length > 0)
    for (const finding of answer.findings) assert.equal(finding.code, code, JSON.stringify(answer.findings))
  }
  const { answer } = await json('check', file('kms1.corp.example', 'domains: [corp.example]'))
  assert.match(answer.findings[0].summary, /declares no networks/)
})

test('check: "could not ask" is not "nothing found", and a name that is not there is neither', async () => {
  const silent = await json('check', file('kms1.corp.example, silent.corp.example'))
  assert.equal(silent.code, 2)
  assert.deepEqual(silent.answer.findings, [])
  assert.equal(silent.answer.problems[0].code, 'DNS_UNANSWERED')
  assert.equal(silent.answer.hosts[1].verdict, 'could-not-ask')
  const shown = await call('check', join(dir, 's.yaml'))
  narrow(shown.out)
  assert.match(shown.out, /could-not-ask +silent\.corp\.example[\s\S]*Could not ask\n/)
  assert.doesNotMatch(shown.out, /Nothing to remark/)
  const missing = await json('check', file('nowhere.corp.example'))
  assert.equal(missing.code, 1)
  assert.equal(missing.answer.findings[0].code, 'HOST_UNKNOWN')
})

test('check: files that the site file refers to are looked at, secrets in them are not told', {
  skip: process.platform === 'win32',
}, async () => {
  const path = put(
    'c.yaml',
    'domains: [corp.example]\nnetworks: [10.0.0.0/8]\ncredentials:\n  a: {method: ntlm, user: C\\u, password: {file: p}}\n  b: {method: kerberos, principal: a@B, keytab: none}\n' +
      `dns: { servers: ["${dns.at}"] }\n`,
  )
  chmodSync(put('p', 'pl4nted'), 0o644)
  const { code, answer } = await json('check', path)
  assert.equal(code, 1)
  assert.deepEqual(
    answer.findings.map((p: { code: string }) => p.code),
    ['SECRET_FILE_OPEN', 'SECRET_MISSING'],
  )
  assert.doesNotMatch(JSON.stringify(answer), /pl4nted/)
})

test('check: what cannot be read is exit 2', async () => {
  assert.equal((await call('check', join(dir, 'nowhere.yaml'))).code, 2)
  assert.equal((await call('check', put('n.yaml', 'a: [1'))).code, 2)
  assert.match((await call('check', join(dir, 'nowhere.yaml'))).err, /site init/)
  for (const words of [[], ['chek'], ['check', 'a', 'b'], ['schema', 'x']]) assert.equal((await call(...words)).code, 2, words.join(' '))
})

test('init: a file that is read without a remark, and never one over another', async () => {
  const path = join(dir, 'new.yaml')
  const first = await call('init', path)
  assert.equal(first.code, 0)
  narrow(first.out)
  const text = readFileSync(path, 'utf8')
  assert.deepEqual(readSite(path, text).problems, [])
  // With the comments taken off it is a site file, too: what it suggests is written right.
  const told = text
    .replace(/^# +yaml-language-server.*$/m, '')
    .replace(/^# (?=(?:kms|platforms|credentials|reach|groups):)|^# (?= {2})/gm, '')
  const { site, problems } = readSite(path, told)
  assert.deepEqual(problems, [])
  assert.ok(site!.kmsHosts.length > 0 && site!.groups.length === 1)

  writeFileSync(path, 'mine')
  const again = await call('init', path)
  assert.equal(again.code, 2)
  assert.match(again.err, /there already/)
  assert.equal(readFileSync(path, 'utf8'), 'mine')
  for (const n of [1, 2]) {
    assert.equal((await call('init', path, '--force')).code, 0)
    assert.deepEqual(readSite(path, readFileSync(path, 'utf8')).problems, [])
    assert.equal(readFileSync(`${path}.1`, 'utf8'), 'mine', `after ${n}`)
  }
  assert.ok(existsSync(`${path}.2`))
  assert.equal((await call('init', join(dir, 'no', 'folder.yaml'))).code, 2)
  assert.equal((await call('init', join(dir, 'fresh.yaml'), '--force')).code, 0)
  assert.deepEqual(
    readdirSync(dir).filter((n) => n.startsWith('fresh')),
    ['fresh.yaml'],
  )
})

test('schema: what docs/site.schema.json holds', async () => {
  const { code, out } = await call('schema')
  assert.equal(code, 0)
  assert.equal(out, readFileSync('docs/site.schema.json', 'utf8'))
})
