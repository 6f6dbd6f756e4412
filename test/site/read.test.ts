import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { parse } from 'yaml'
import { readSite, siteJsonSchema } from '../../src/site.ts'

const whole = readFileSync('examples/slmctl.yaml', 'utf8')
const base = 'domains: [corp.example]\nnetworks: [10.0.0.0/8]\n'
const codes = (yaml: string) => readSite('s.yaml', yaml).problems.map((p) => p.code)

test('the example has every word, and is read whole', () => {
  const { site, siteFile, problems } = readSite('/etc/slmctl/slmctl.yaml', whole)
  assert.deepEqual(problems, [])
  assert.ok(site && siteFile)
  assert.equal(siteFile.site, site)
  assert.deepEqual(site.domains, ['corp.example', 'labs.example', 'research.example'])
  assert.deepEqual(site.dnsServers, ['10.0.0.53', '10.0.1.53:5353'])
  assert.deepEqual(site.forests[1], {
    name: 'research.example',
    domains: ['research.example'],
    activationObjects: ['CN=Activation-1,CN=Activation Objects,CN=Microsoft SPP,CN=Services,CN=Configuration,DC=research,DC=example'],
    credential: 'research',
  })
  assert.deepEqual(
    [...siteFile.directories].map(([domain, as]) => [domain, as.credential.name, as.domains]),
    [['corp.example', 'service', ['corp.example']]],
  )
  assert.deepEqual(site.wishes.at(-1), { product: 'Windows', by: 'kms', year: null, key: null, instead: false })
  assert.deepEqual(
    site.groups.map((g) => [g.name, g.machines.length]),
    [
      ['clients', 3],
      ['kiosks', 1],
    ],
  )
  assert.deepEqual(site.groups[1]!.wishes[0], {
    product: 'Windows 10',
    by: 'esu',
    year: 1,
    key: { file: '/etc/slmctl/esu.key' },
    instead: false,
  })
  assert.deepEqual(site.entitlements[0], { product: 'Windows 11 Enterprise', quantity: 500, agreement: 'EA 1234' })
  // Every word of the schema stands in the example, so that nobody has to guess how one is written.
  const words = (schema: unknown): string[] =>
    typeof schema !== 'object' || schema === null
      ? []
      : Object.entries(schema).flatMap(([k, v]) =>
          k === 'properties' ? [...Object.keys(v as object), ...Object.values(v as object).flatMap(words)] : words(v),
        )
  for (const word of new Set(words(siteJsonSchema()))) assert.match(whole, new RegExp(`\\b${word}:`), word)
})

test('the published JSON Schema lets through what is read and refuses what is not', () => {
  const valid = new Ajv2020({ strict: false }).compile(siteJsonSchema())
  assert.ok(valid(parse(whole)), JSON.stringify(valid.errors))
  for (const bad of [
    'domians: [a.example]',
    'credentials: {a: {method: ntlm, user: u, password: hunter2}}',
    'credentials: {a: {method: telnet}}',
    'groups: {g: {machines: [{adress: x}]}}',
    'wishes: [{product: windows, by: magic}]',
    'reach: {transport: ftp}',
  ]) {
    assert.ok(!valid(parse(bad)), bad)
    assert.equal(codes(bad).length > 0, true, bad)
  }
})

test('each mistake names its line and column and what was expected', () => {
  const bad: [string, string, RegExp][] = [
    ['credentials: {a: {method: telnet}}', '3:27', /credentials\.a\.method: expected \{method: kerberos\}/],
    ['credentials:\n  a: {method: ntlm, password: {env: P}}', '4:6', /credentials\.a\.user: expected a string, found nothing/],
    ['credentials:\n  a: {method: ntlm, user: u, password: {evn: P}}', '4:40', /password: expected \{env: NAME\}, \{file: PATH\} or/],
    ['credentials:\n  a: {method: kerberos, keytab: k, principal: svc}', '4:47', /principal: expected user@REALM/],
    ['credentials:\n  a: {method: kerberos, keytab: k}', '4:6', /a keytab needs its principal/],
    ['credentials:\n  a: {method: kerberos, principal: a@B, keytab: k, password: {env: P}}', '4:6', /not both/],
    ['credentials:\n  a: {method: ntlm, user: CORP\\\\svc, password: {env: P}}', '4:27', /expected DOMAIN\\user/],
    ['reach: {credential: nobody}', '3:21', /there is no credential nobody/],
    ['groups: {g: {reach: {credential: nobody}}}', '3:34', /there is no credential nobody/],
    ['groups:\n  g:\n    machines:\n      - pc-1\n      - {name: pc-2, credential: nobody}', '7:34', /there is no credential nobody/],
    ['forests: [{name: corp.example, credential: nobody}]', '3:44', /there is no credential nobody/],
    ['forests: [{name: corp.example, directory: nobody}]', '3:43', /there is no credential nobody/],
    [
      'credentials: {a: {method: ntlm, user: u@corp.example, password: {env: P}}}\nforests: [{name: corp.example, directory: a}]',
      '4:43',
      /a is by ntlm, which is no way into a directory/,
    ],
    ['groups:\n  g: {machines: [pc-1, pc-2]}\n  h: {machines: [PC-1.]}', '5:18', /listed already, in the group g/],
    ['groups: {clients: {machines: [clients]}}', '3:31', /the name of a group/],
    ['groups: {g: {machines: [{name: a, port: 0}]}}', '3:41', /groups\.g\.machines\.0\.port: expected at least 1/],
    ['groups: {g: {machines: [{name: a, prot: 5}]}}', '3:35', /groups\.g\.machines\.0\.prot is not a word/],
    ['groups: {g: {machines: [[a]]}}', '3:25', /expected a machine name, or \{name/],
    ['groups: {g: {machines: [{name: a, transport: https, pin: abc}]}}', '3:58', /SHA-256 of the certificate/],
    [`groups: {g: {machines: [{name: a, pin: ${'ab'.repeat(32)}}]}}`, '3:40', /pin has a meaning for https only/],
    ['groups: {g: {machines: [a], reach: {ca: [x.pem]}}}', '3:41', /ca has a meaning for https only/],
    ['wishes: [{product: windows, by: mak}]', '3:10', /mak needs a key/],
    ['wishes: [{product: Windows 10, by: esu, key: {env: K}}]', '3:10', /esu needs the year/],
    ['wishes: [{product: Windows 10, by: esu, year: 1}]', '3:10', /esu needs a key/],
    ['wishes: [{product: windows, by: kms, year: 1}]', '3:44', /only esu has a year/],
    ['wishes: [{product: windows, by: kms, key: {env: K}}]', '3:43', /kms takes no key/],
    ['wishes: [{product: windows, by: kms, instead: true}]', '3:10', /no entitlement covers windows/],
    [
      'wishes: [{product: office, by: kms, instead: true}]\nentitlements: [{product: Windows 11 Enterprise, quantity: 1}]',
      '3:10',
      /no entitlement covers office/,
    ],
    ['groups: {g: {wishes: [{product: Visio, by: mak}]}}', '3:23', /groups\.g\.wishes\.0: mak needs a key/],
    ['entitlements: [{product: x, quantity: 0}]', '3:39', /expected at least 1/],
    ['forests: [{name: co.uk}]', '3:18', /public suffix/],
    ['forests: [{name: corp.example, domains: [corp.example, duckdns.org]}]', '3:56', /public suffix/],
    ['forests: [{name: a.example}, {name: b.example, domains: [a.example]}]', '3:58', /listed already, in the forest a\.example/],
    [
      'forests: [{name: a.example, activation-objects: ["CN=x,DC=b,DC=example"]}]',
      '3:50',
      /stands in b\.example, which is not in the forest a\.example/,
    ],
    ['dns: {servers: [dns1.corp.example]}', '3:17', /expected an address/],
    ['reach: {timeout: 0}', '3:18', /expected at least 1/],
    ['credentials: {"my cred": {method: kerberos}}', '3:15', /names consist of/],
  ]
  for (const [yaml, at, says] of bad) {
    const { site, siteFile, problems } = readSite('s.yaml', base + yaml)
    assert.equal(site, null, yaml)
    assert.equal(siteFile, null, yaml)
    assert.equal(problems.length, 1, `${yaml}: ${problems.map((p) => p.summary).join(' | ')}`)
    const [p] = problems
    assert.match(p!.summary, says, yaml)
    assert.equal(`${p!.line}:${p!.column}`, at, `${yaml}: ${p!.summary}`)
    assert.ok(p!.next.length > 0, yaml)
  }
})

test('a secret in clear is refused, and no problem repeats it, however it is written', () => {
  const secret = 'hunter2Xy'
  const places: ((value: string) => string)[] = [
    (v) => `credentials: {a: {method: ntlm, user: u, password: ${v}}}`,
    (v) => `credentials:\n  a:\n    method: kerberos\n    principal: a@B\n    password: ${v}`,
    (v) => `credentials: {a: {method: certificate, certificate: c.pem, key: ${v}}}`,
    (v) => `wishes: [{product: Visio, by: mak, key: ${v}}]`,
    (v) => `groups:\n  g:\n    wishes:\n      - product: Visio\n        by: mak\n        key: ${v}`,
  ]
  for (const place of places) {
    for (const value of [secret, `"${secret}"`, `'${secret}'`, '1234567', 'true', `!tag ${secret}`, `|\n            ${secret}`]) {
      // A block is for the places that are not in braces.
      if (value.startsWith('|') && place('').includes('{a:')) continue
      const { site, problems } = readSite('s.yaml', base + place(value))
      assert.equal(site, null, place(value))
      assert.doesNotMatch(JSON.stringify(problems), /hunter2|1234567/, place(value))
    }
    assert.deepEqual(codes(base + place(secret)), ['SITE_SECRET_IN_CLEAR'], place(secret))
    for (const value of [
      `*${secret}`,
      `&${secret}`,
      `%${secret}`,
      `@${secret}`,
      `\`${secret}`,
      `"${secret}\\q"`,
      `|${secret}`,
      `>${secret}`,
      `[${secret}]`,
      `{${secret}}`,
      `{env: ${secret} x}`,
      `{env: "${secret}-"}`,
      `{file: {${secret}: 1}}`,
      `{keyring: ${secret}}`,
      `{value: ${secret}}`,
      `? ${secret}`,
      `${secret}: ${secret}`,
      `${secret}: x: ${secret}`,
      `"${secret}" ${secret}`,
      `'${secret}`,
      `!<${secret}> x`,
      `!!binary ${secret}!`,
      `!!int ${secret}`,
    ]) {
      const { site, problems } = readSite('s.yaml', base + place(value))
      assert.equal(site, null, place(value))
      assert.ok(problems.length > 0)
      assert.doesNotMatch(JSON.stringify(problems), /hunter2/i, `${place(value)} → ${JSON.stringify(problems)}`)
    }
  }
  assert.doesNotMatch(JSON.stringify(readSite('s.yaml', `${base}credentials: {a: {method: kerberos, ${secret}}}`).problems), /hunter2/)
  assert.doesNotMatch(JSON.stringify(readSite('s.yaml', `${base}credentials: {a: ${secret}}`).problems), /hunter2/)
})

test('whatever stands in a site file, the answer is a site or problems', () => {
  const words = fc.constantFrom(
    'domains',
    'networks',
    'kms',
    'hosts',
    'forests',
    'credentials',
    'reach',
    'groups',
    'machines',
    'wishes',
    'entitlements',
    'dns',
    'servers',
    'name',
    'method',
    'password',
    'kerberos',
    'https',
    'transport',
    'port',
    'key',
    'env',
    'file',
    '__proto__',
    'constructor',
    'toString',
    '10.0.0.0/8',
    'corp.example',
  )
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'medium' },
      words,
      fc.integer(),
      fc.constant(null),
      fc.boolean(),
      fc.string({ maxLength: 8 }),
      fc.array(tie('any'), { maxLength: 3 }),
      tie('map'),
    ),
    map: fc.dictionary(words, tie('any'), { maxKeys: 4 }),
  }))
  fc.assert(
    fc.property(value.map, (content) => {
      const { site, problems } = readSite('s.yaml', JSON.stringify(content))
      assert.ok((site === null) === problems.length > 0)
      for (const p of problems) assert.ok(p.line! >= 1 && p.column! >= 1 && /\.$/.test(p.summary), p.summary)
    }),
    { numRuns: 400 },
  )
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(60), fc.string({ maxLength: 5 }), (at, cut, put) => {
      const { site, problems } = readSite('s.yaml', whole.slice(0, at) + put + whole.slice(at + cut))
      assert.ok((site === null) === problems.length > 0)
    }),
    { numRuns: 150 },
  )
})

test('a file with thousands of mistakes names the first hundred', () => {
  const many = `${base}groups: {g: {machines: [${Array.from({ length: 3000 }, () => '"a b"').join(', ')}]}}`
  const { problems } = readSite('s.yaml', many)
  assert.equal(problems.length, 101)
  assert.match(problems.at(-1)!.summary, /2900 more/)
})

test('a file that only says how machines are reached declares something', () => {
  assert.deepEqual(codes('groups: {g: {machines: [pc-1]}}'), [])
  assert.deepEqual(codes('organisation: Nobody'), ['SITE_INVALID'])
})
