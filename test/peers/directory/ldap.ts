/**
 * A directory that nobody here wrote: Samba's, with 3,000 computers in it. Runs inside the namespace of `ad-up.sh`; its one argument
 * is that folder. What slmctl finds is compared with what `ldbsearch` says of the same database.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { siteDirectorySource } from '../../../src/app/directories.ts'
import {
  type ComputerQuery,
  type Directory,
  type DirectoryLogon,
  type DirectoryOptions,
  domainControllers,
  openDirectory,
  openResolver,
  searchNotes,
} from '../../../src/directory.ts'
import { type FoundMachine, ProblemError } from '../../../src/model.ts'
import { Secret } from '../../../src/secrets.ts'
import { readSite } from '../../../src/site.ts'
import { check, main, run } from '../checks.ts'

const dir = process.argv[2]!
const base = 'DC=slm,DC=test'
const many = 3000
const password = 'Al1ce!2026'
const secret = (text = password) => new Secret(Buffer.from(text))
const simple = (text = password): DirectoryLogon => ({ method: 'simple', user: 'alice@slm.test', password: secret(text) })
const kerberos: DirectoryLogon = { method: 'kerberos', credential: { from: 'password', principal: 'alice@SLM.TEST', password: secret() } }
const ca = readFileSync(join(dir, 'dc/private/tls/ca.pem'), 'utf8')
const server = { name: 'dc1.slm.test', address: '10.77.0.10' }
const how = (logon: DirectoryLogon, more: Partial<DirectoryOptions> = {}): DirectoryOptions => ({
  ...{ servers: [server], tls: 'ldaps', ca, logon, timeoutMs: 10_000 },
  ...more,
})
const database = ['-H', join(dir, 'dc/private/sam.ldb'), `--configfile=${join(dir, 'dc/etc/smb.conf')}`]

async function ldb(tool: 'ldbadd' | 'ldbmodify', ldif: string): Promise<void> {
  const file = join(dir, 'peers.ldif')
  writeFileSync(file, ldif)
  const { code, stderr } = await run(tool, [...database, file], { timeoutMs: 120_000 })
  assert.equal(code, 0, stderr)
}
/** Values of an attribute by another program's hand. */
async function ldbsearch(filter: string, attribute: string, from = base): Promise<string[]> {
  const { stdout } = await run('ldbsearch', [...database, '-b', from, '--', filter, attribute])
  return [...stdout.replaceAll(/\n /g, '').matchAll(new RegExp(`^${attribute}: (.*)$`, 'gm'))].map((m) => m[1]!)
}

async function fill(): Promise<void> {
  const entry = (dn: string, lines: readonly string[]) => `dn: ${dn},${base}\n${lines.join('\n')}\n`
  const computers = Array.from({ length: many }, (_, i) => {
    const name = `PC${String(i).padStart(5, '0')}`
    return entry(`CN=${name},${i % 10 === 0 ? 'OU=Lab (1)*,' : ''}OU=Fleet`, [
      'objectClass: computer',
      `sAMAccountName: ${name}$`,
      `userAccountControl: ${i % 4 === 1 ? 4098 : 4096}`,
      `dNSHostName: ${name}.SLM.test`,
      `operatingSystem: Windows ${i % 3 === 0 ? 11 : 10} Enterprise`,
      ...(i % 500 === 7 ? [`servicePrincipalName: MSClusterVirtualServer/${name}`] : []),
    ])
  })
  const unit = (name: string) => entry(name, ['objectClass: organizationalUnit'])
  await ldb('ldbadd', [unit('OU=Fleet'), unit('OU=Lab (1)*,OU=Fleet'), ...computers].join('\n'))
  const group = (name: string, members: readonly string[]) =>
    entry(`CN=${name},OU=Fleet`, [
      'objectClass: group',
      `sAMAccountName: ${name.replaceAll(/[()*]/g, '-')}`,
      ...members.map((m) => `member: ${m},OU=Fleet,${base}`),
    ])
  const services = `CN=Services,CN=Configuration,${base}`
  const bytes = (hex: string) => Buffer.from(hex, 'hex').toString('base64')
  await ldb(
    'ldbadd',
    [
      group('Inner (a)*', ['CN=PC00001', 'CN=PC00002', 'CN=PC00003']),
      group('Outer', ['CN=Inner (a)*', 'CN=PC00004']),
      group('Empty', []),
      `dn: CN=Microsoft SPP,${services}\nobjectClass: container\n`,
      `dn: CN=Activation Objects,CN=Microsoft SPP,${services}\nobjectClass: msSPP-ActivationObjectsContainer\n`,
      [
        `dn: CN=12345678-1234-1234-1234-123456789abc,CN=Activation Objects,CN=Microsoft SPP,${services}`,
        'objectClass: msSPP-ActivationObject',
        'displayName: Windows Server',
        `msSPP-CSVLKSkuId:: ${bytes('33221100554477668899aabbccddeeff')}`,
        `msSPP-KMSIds:: ${bytes('000102030405060708090a0b0c0d0e0f')}`,
        'msSPP-CSVLKPid: 00000-00206-000-000000-03-1033-14393.0000-0000000',
        'msSPP-CSVLKPartialProductKey: ABCDE',
        '',
      ].join('\n'),
    ].join('\n'),
  )
  const seen = (days: number) => String(BigInt(Date.now() - days * 86_400_000 + 11_644_473_600_000) * 10_000n)
  await ldb(
    'ldbmodify',
    [2, 30, 60, 400]
      .map(
        (days, i) =>
          `dn: CN=PC0000${i + 1},OU=Fleet,${base}\nchangetype: modify\nreplace: lastLogonTimestamp\nlastLogonTimestamp: ${seen(days)}\n`,
      )
      .join('\n'),
  )
}

async function found(directory: Directory, query: ComputerQuery, notes = searchNotes()): Promise<FoundMachine[]> {
  const machines: FoundMachine[] = []
  for await (const machine of directory.computers(query, notes)) machines.push(machine)
  return machines
}
const refused = (work: Promise<unknown>, code: string, text: RegExp = /./) =>
  assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof ProblemError, String(error))
    assert.equal(error.problems[0]!.code, code, error.message)
    assert.match(error.message, text)
    assert.ok(error.problems[0]!.next.length > 0)
    return true
  })

/** Everything that passes between, and what a change to it would do. */
async function between(port: number, spoil: (bytes: Buffer, total: number) => Buffer = (bytes) => bytes) {
  const passed: Buffer[] = []
  const sockets = new Set<Socket>()
  const proxy = createServer((near) => {
    const far = connect(port, server.address)
    let total = 0
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', (bytes: Buffer) => {
      passed.push(Buffer.from(bytes))
      far.write(bytes)
    })
    far.on('data', (bytes: Buffer) => {
      passed.push(Buffer.from(bytes))
      near.write(spoil(bytes, total))
      total += bytes.length
    })
  })
  await new Promise<void>((ready) => proxy.listen(0, '127.0.0.1', ready))
  return {
    server: { name: server.name, address: '127.0.0.1', port: (proxy.address() as { port: number }).port },
    bytes: () => Buffer.concat(passed),
    close: () => {
      for (const socket of sockets) socket.destroy()
      proxy.close()
    },
  }
}

async function finds(directory: Directory, word: string): Promise<void> {
  const count = async (query: ComputerQuery) => (await found(directory, query)).length
  await check(`${word}: all computers, page by page, each once; clusters passed over and counted`, async () => {
    const notes = searchNotes()
    const all = await found(directory, {}, notes)
    const there = await ldbsearch('(objectCategory=computer)', 'objectGUID')
    assert.deepEqual([notes.clusters, notes.unusable, notes.elsewhere], [many / 500, 0, 0])
    assert.equal(all.length, there.length - notes.clusters)
    assert.equal(new Set(all.map((m) => m.guid)).size, all.length)
    const guids = new Set(there)
    assert.ok(
      all.every((m) => guids.has(m.guid!)),
      'an objectGUID that ldbsearch does not show',
    )
    const one = all.find((m) => m.name === 'pc00003.slm.test')!
    assert.deepEqual(
      [one.system, one.enabled, one.distinguishedName, [one.guid]],
      ['Windows 11 Enterprise', true, `CN=PC00003,OU=Fleet,${base}`, await ldbsearch('(cn=PC00003)', 'objectGUID')],
    )
  })
  await check(`${word}: every filter finds what ldbsearch finds by the filter that is shown`, async () => {
    const queries: ComputerQuery[] = [
      ...[{ enabled: true }, { system: 'Windows 11' }, { seenWithinDays: 20 }, { seenWithinDays: 90 }, { group: 'Outer' }],
      ...[
        { group: 'Inner (a)*' },
        { group: `CN=Inner (a)*,OU=Fleet,${base}` },
        { group: 'Empty' },
        { group: 'Domain Computers', enabled: true },
      ],
      ...[{ system: '*)(objectClass=*' }, { system: 'Windows\\2a' }, { enabled: true, system: 'Windows 10', group: 'Outer' }],
    ]
    const sizes: number[] = []
    for (const query of queries) {
      const filter = await directory.filterOf(query)
      const notes = searchNotes()
      const machines = await found(directory, query, notes)
      assert.equal(machines.length + notes.clusters, (await ldbsearch(filter, 'cn')).length, filter)
      sizes.push(machines.length)
    }
    assert.deepEqual([sizes[2], sizes[3], sizes[4], sizes[5], sizes[6], sizes[7], sizes[9], sizes[10]], [3, 4, 4, 3, 3, 0, 0, 0])
    assert.ok(sizes[0]! > 2000 && sizes[0]! < 3000 && sizes[1]! > 900 && sizes[8]! > 2000)
  })
  await check(`${word}: an organisational unit with brackets and a star in its name`, async () => {
    assert.equal(await count({ base: `OU=Lab (1)*,OU=Fleet,${base}` }), many / 10)
  })
  await check(`${word}: no group and no unit of a name is no empty answer`, async () => {
    for (const group of ['*', 'x)(cn=*', 'Out*', `CN=Nobody,${base}`]) await refused(found(directory, { group }), 'DIRECTORY_NOT_FOUND')
  })
}

await main(async () => {
  if (!(await check('Samba takes 3,000 computers, groups in groups and an activation object', fill))) return

  for (const [word, options] of [
    ['LDAPS', how(simple())],
    ['StartTLS', how(simple(), { tls: 'starttls' })],
    ['Kerberos by a password, sealed', how(kerberos)],
  ] as const)
    await check(`${word}: signs in`, async () => {
      const directory = await openDirectory(options)
      try {
        assert.equal(directory.domain, base)
        await finds(directory, word)
      } finally {
        directory.close()
      }
    })
  await check('Kerberos by a ticket, and by a keytab', async () => {
    const kinit = await run('kinit', ['alice@SLM.TEST'], { input: `${password}\n` })
    assert.equal(kinit.code, 0, kinit.stderr)
    for (const credential of [
      { from: 'cache' },
      { from: 'keytab', keytab: join(dir, 'alice.keytab'), principal: 'alice@SLM.TEST' },
    ] as const) {
      const directory = await openDirectory(how({ method: 'kerberos', credential }))
      assert.equal((await found(directory, { group: 'Outer' })).length, 4)
      directory.close()
    }
  })
  await check(
    'as the site file says it, for the server: by a ticket, a keytab, a password, and over LDAPS by a user and its password',
    async () => {
      writeFileSync(join(dir, 'alice.password'), `${password}\n`, { mode: 0o600 })
      writeFileSync(join(dir, 'wrong.password'), 'wrong\n', { mode: 0o600 })
      const file = (name: string) => JSON.stringify(join(dir, name))
      const asSite = (credential: string) => {
        const { siteFile, problems } = readSite(
          join(dir, 'slmctl.yaml'),
          `domains: [slm.test]\nnetworks: [10.77.0.0/24]\ndns: { servers: ["${server.address}"] }
forests: [{ name: slm.test, directory: reader }]\ncredentials: { reader: ${credential} }\nreach: { ca: [${file('dc/private/tls/ca.pem')}] }\n`,
        )
        assert.deepEqual(problems, [])
        return siteDirectorySource(siteFile, 'SLM.test', { group: 'Outer' })
      }
      for (const credential of [
        '{ method: kerberos }',
        `{ method: kerberos, principal: alice@SLM.TEST, keytab: ${file('alice.keytab')} }`,
        `{ method: kerberos, principal: alice@SLM.TEST, password: { file: ${file('alice.password')} } }`,
        `{ method: basic, user: alice@slm.test, password: { file: ${file('alice.password')} } }`,
      ]) {
        const source = await asSite(credential)
        assert.deepEqual([source.name, source.machines.length, source.whole], ['directory:slm.test', 4, false], credential)
      }
      await refused(
        asSite(`{ method: basic, user: alice@slm.test, password: { file: ${file('wrong.password')} } }`),
        'DIRECTORY_LOGON_FAILED',
      )
    },
  )
  await check('names of users in every way: DOMAIN\\user and a distinguished name', async () => {
    for (const user of ['SLM\\alice', `CN=alice,CN=Users,${base}`])
      (await openDirectory(how({ method: 'simple', user, password: secret() }))).close()
  })
  await check('activation objects: as facts, without what activates', async () => {
    // Samba lets only administrators read what was added to its configuration.
    const logon: DirectoryLogon = { method: 'simple', user: 'SLM\\Administrator', password: secret('Passw0rd!2026') }
    const directory = await openDirectory(how(logon))
    const [object, ...more] = await directory.activationObjects()
    directory.close()
    assert.equal(more.length, 0)
    const { created, ...rest } = object!
    assert.match(created!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.deepEqual(rest, {
      name: '12345678-1234-1234-1234-123456789abc',
      displayName: 'Windows Server',
      distinguishedName: `CN=12345678-1234-1234-1234-123456789abc,CN=Activation Objects,CN=Microsoft SPP,CN=Services,CN=Configuration,${base}`,
      hostKeyActivationId: '00112233-4455-6677-8899-aabbccddeeff',
      extendedPid: '00000-00206-000-000000-03-1033-14393.0000-0000000',
      kmsIds: ['03020100-0504-0706-0809-0a0b0c0d0e0f'],
    })
  })
  await check('domain controllers by DNS', async () => {
    const resolver = openResolver({ servers: [server.address] })
    assert.deepEqual(
      (await domainControllers('slm.test', resolver)).map(({ name, port }) => [name, port]),
      [['dc1.slm.test', undefined]],
    )
    await refused(domainControllers('nowhere.slm.test', resolver), 'DIRECTORY_NOT_FOUND_IN_DNS')
  })
  await check('a domain controller that is down: the next one is asked', async () => {
    const directory = await openDirectory(how(simple(), { servers: [{ name: 'dc0.slm.test', address: '10.77.0.10', port: 9 }, server] }))
    assert.equal(directory.server, 'dc1.slm.test')
    directory.close()
    await refused(openDirectory(how(simple(), { servers: [{ ...server, port: 9 }] })), 'DIRECTORY_UNREACHABLE', /nothing listens/)
  })

  await check('refused: the wrong password, each way, with the reason', async () => {
    for (const tls of ['ldaps', 'starttls'] as const) await refused(openDirectory(how(simple('wrong'), { tls })), 'DIRECTORY_LOGON_FAILED')
    const credential = { from: 'password', principal: 'alice@SLM.TEST', password: secret('wrong') } as const
    await refused(openDirectory(how({ method: 'kerberos', credential })), 'DIRECTORY_LOGON_FAILED', /password is wrong/)
    await refused(openDirectory(how(simple(''))), 'DIRECTORY_LOGON_FAILED', /empty/)
  })
  await check('refused before anything is said: another authority, another name', async () => {
    for (const tls of ['ldaps', 'starttls'] as const) {
      const proxy = await between(tls === 'ldaps' ? 636 : 389)
      await refused(openDirectory(how(simple(), { tls, ca: null, servers: [proxy.server] })), 'DIRECTORY_CERTIFICATE', /authority/)
      await refused(
        openDirectory(how(simple(), { tls, servers: [{ ...proxy.server, name: 'web.slm.test' }] })),
        'DIRECTORY_CERTIFICATE',
        /another name/,
      )
      assert.ok(proxy.bytes().length > 0 && !proxy.bytes().includes('alice'))
      proxy.close()
    }
    await refused(openDirectory(how(kerberos, { servers: [{ name: '10.77.0.10' }] })), 'DIRECTORY_LOGON_FAILED', /name, not its address/)
  })
  await check('refused: an entry of another domain; and the connection is as good as before', async () => {
    const directory = await openDirectory(how(simple()))
    await refused(found(directory, { base: 'DC=other,DC=test' }), 'DIRECTORY_NOT_FOUND')
    assert.equal((await found(directory, { group: 'Outer' })).length, 4)
    directory.close()
  })
  await check('refused: LDAP where TLS is due, TLS where LDAP is due', async () => {
    await refused(openDirectory(how(kerberos, { servers: [{ ...server, port: 636 }], timeoutMs: 3000 })), 'DIRECTORY_CUT')
    await refused(openDirectory(how(simple(), { servers: [{ ...server, port: 389 }], timeoutMs: 3000 })), 'DIRECTORY_GARBAGE')
  })
  await check('the wire shows neither password nor machines: LDAPS, StartTLS, Kerberos', async () => {
    for (const [port, options] of [
      [636, how(simple())],
      [389, how(simple(), { tls: 'starttls' })],
      [389, how(kerberos)],
    ] as const) {
      const proxy = await between(port)
      const directory = await openDirectory({ ...options, servers: [proxy.server] })
      assert.equal((await found(directory, { base: `OU=Lab (1)*,OU=Fleet,${base}` })).length, many / 10)
      directory.close()
      const seen = proxy.bytes().toString('latin1')
      assert.ok(seen.length > 30_000)
      for (const word of [password, 'operatingSystem', 'PC00010', 'Windows']) assert.ok(!seen.includes(word), `${port}: ${word}`)
      proxy.close()
    }
  })
  await check('refused: a flipped bit in what Kerberos sealed', async () => {
    let opened = false
    const proxy = await between(389, (bytes) => {
      if (!opened) return bytes
      const spoiled = Buffer.from(bytes)
      spoiled[spoiled.length - 20]! ^= 1
      return spoiled
    })
    const directory = await openDirectory(how(kerberos, { servers: [proxy.server] }))
    opened = true
    await refused(found(directory, {}), 'DIRECTORY_SEAL')
    proxy.close()
  })
  await check('cut in the middle: what was read is not all, and is told so', async () => {
    let left = Number.POSITIVE_INFINITY
    const proxy = await between(636, (bytes) => {
      left -= bytes.length
      if (left < 0) proxy.close()
      return bytes
    })
    const directory = await openDirectory(how(simple(), { servers: [proxy.server] }))
    left = 200_000
    await refused(found(directory, {}), 'DIRECTORY_CUT', /not all/)
  })
  await check('a search that is left early closes its connection, and nothing hangs', async () => {
    const directory = await openDirectory(how(simple()))
    for await (const machine of directory.computers({})) {
      assert.ok(machine.name)
      break
    }
    await refused(found(directory, {}), 'DIRECTORY_CUT')
  })
})
