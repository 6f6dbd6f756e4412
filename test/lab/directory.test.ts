import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import { domainControllers, openDirectory, openResolver, searchNotes } from '../../src/directory.ts'
import { type Lab, type LabOptions, startLab } from '../../src/lab.ts'
import { type FoundMachine, ProblemError } from '../../src/model.ts'
import { BerReader, ber, berInteger, berText, encodeExtended, encodeMessage, encodeSearch, Tag } from '../../src/protocol/ldap.ts'
import { Secret } from '../../src/secrets.ts'

const open: Lab[] = []
const lab = async (options: LabOptions) => {
  const started = await startLab({ seed: 7, directory: true, ...options })
  open.push(started)
  return started
}
after(() => Promise.all(open.map((l) => l.close())))

/** Signs in as slmctl does: the server by DNS, TLS verified by its name. */
async function signIn(l: Lab, domain: string, how: { tls?: 'ldaps' | 'starttls'; user?: string; password?: string } = {}) {
  const resolver = openResolver({ servers: [`${l.dns.address}:${l.dns.port}`] })
  return await openDirectory({
    servers: await domainControllers(domain, resolver),
    tls: how.tls ?? 'ldaps',
    ca: l.ca,
    logon: {
      method: 'simple',
      user: how.user ?? `slmctl@${domain}`,
      password: new Secret(Buffer.from(how.password ?? l.accounts[0]!.password)),
    },
    timeoutMs: 5000,
  })
}
async function all(l: Lab, query: Parameters<Awaited<ReturnType<typeof signIn>>['computers']>[0] = {}, domain = 'corp.example') {
  const directory = await signIn(l, domain)
  const notes = searchNotes()
  const found: FoundMachine[] = []
  for await (const machine of directory.computers(query, notes)) found.push(machine)
  directory.close()
  return { found, notes, names: new Set(found.map((m) => m.name)) }
}
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (e: unknown) => (e instanceof ProblemError ? e.problems[0]!.code : String(e)),
  )

test('the directory fits the lab: the same machines, some that are no more, a cluster that is none', async () => {
  const l = await lab({ count: 2000 })
  const { found, notes, names } = await all(l)
  const mine = l.machines.filter((m) => m.name.endsWith('.corp.example'))
  assert.ok(mine.every((m) => names.has(m.name)))
  const gone = found.filter((m) => m.name.startsWith('old-'))
  assert.equal(found.length, mine.length + gone.length)
  assert.ok(gone.length >= 30 && gone.length <= 50, String(gone.length))
  assert.equal(notes.clusters, 1)
  assert.equal(new Set(found.map((m) => m.guid)).size, found.length)
  const one = found.find((m) => m.name === mine[0]!.name)!
  assert.equal(`Microsoft ${one.system}`, mine[0]!.system)
  assert.match(one.systemVersion!, /^\d+\.\d \(\d+\)$/)
  assert.ok(Date.now() - Date.parse(one.lastSeen!) < 14 * 86_400_000)
  assert.deepEqual((await all(l, {}, 'ad.example')).names.size > 5, true)
  // The same seed, the same accounts.
  const again = await all(await lab({ count: 2000 }))
  assert.deepEqual(
    again.found.map((m) => [m.name, m.guid]),
    found.map((m) => [m.name, m.guid]),
  )
})

test('what slmctl may ask: enabled, seen, by system, unit and group, groups in groups', async () => {
  const l = await lab({ count: 1200 })
  const { found } = await all(l)
  const is = async (query: Parameters<typeof all>[1], wanted: (m: FoundMachine) => boolean) => {
    const { names } = await all(l, query)
    const expected = found.filter(wanted).map((m) => m.name)
    assert.ok(expected.length > 0 && expected.length < found.length, JSON.stringify(query))
    assert.deepEqual([...names].sort(), expected.sort(), JSON.stringify(query))
  }
  await is({ enabled: true }, (m) => m.enabled === true)
  await is({ seenWithinDays: 30 }, (m) => m.lastSeen !== null && Date.now() - Date.parse(m.lastSeen) < 44 * 86_400_000)
  await is({ system: 'server 2022' }, (m) => m.system!.includes('Server 2022'))
  await is({ base: 'OU=Berlin,DC=corp,DC=example' }, (m) => l.machines.some((o) => o.name === m.name) && l.placeOf(m.name) === 'berlin')
  await is({ group: 'Computers Munich' }, (m) => l.machines.some((o) => o.name === m.name) && l.placeOf(m.name) === 'munich')
  await is({ group: 'Managed Computers' }, (m) => l.machines.some((o) => o.name === m.name))
  // By primary group all are in it.
  assert.equal((await all(l, { group: 'Domain Computers' })).names.size, found.length)
  assert.equal(await codeOf(all(l, { group: 'No such group' })), 'DIRECTORY_NOT_FOUND')
  assert.equal(await codeOf(all(l, { base: 'OU=Paris,DC=corp,DC=example' })), 'DIRECTORY_NOT_FOUND')
})

test('activation objects of the forest that has them; none in another', async () => {
  const l = await lab({ machines: [{ scenario: 'win11-enterprise-ad' }, { scenario: 'win10-pro-grace' }] })
  const [ad, corp] = [await signIn(l, 'ad.example'), await signIn(l, 'corp.example', { tls: 'starttls' })]
  const [object] = await ad.activationObjects()
  assert.deepEqual(await corp.activationObjects(), [])
  const product = l.state(l.machines[0]!.name).products.find((p) => p.PartialProductKey !== null)!
  assert.equal(object!.name, product.ADActivationObjectName)
  assert.equal(object!.distinguishedName, product.ADActivationObjectDN)
  assert.equal(object!.extendedPid, product.ADActivationCsvlkPid)
  for (const one of [ad, corp]) one.close()
})

test('who may sign in: over TLS, with the right password, with an account of the domain', async () => {
  const l = await lab({ count: 3, scenarios: ['win10-pro-grace'] })
  for (const tls of ['ldaps', 'starttls'] as const)
    for (const user of ['slmctl@corp.example', 'CORP\\slmctl', 'corp\\SLMCTL']) (await signIn(l, 'corp.example', { tls, user })).close()
  for (const how of [{ password: 'wrong' }, { user: 'nobody@corp.example' }, { user: 'Administrator@corp.example' }])
    assert.equal(await codeOf(signIn(l, 'corp.example', how)), 'DIRECTORY_LOGON_FAILED')
})

test('without a logon, or in clear, a directory tells who it is and nothing else', async () => {
  const l = await lab({ count: 3, scenarios: ['win10-pro-grace'] })
  const { address, port } = l.directories[0]!
  const ask = (request: Buffer) =>
    new Promise<Buffer>((done) => {
      const socket = connect({ host: address, port }, () => socket.write(request))
      const parts: Buffer[] = []
      socket
        .on('data', (part: Buffer) => {
          parts.push(part)
          setTimeout(() => socket.destroy(), 50)
        })
        .on('close', () => done(Buffer.concat(parts)))
    })
  const search = (base: string, scope: 'base' | 'subtree') =>
    encodeMessage(1, encodeSearch({ base, scope, filter: { attribute: 'objectClass', exists: true }, attributes: [] }))
  const codes = (answer: Buffer) => {
    const seen: number[] = []
    for (const reader = new BerReader(answer); reader.more; ) {
      const message = new BerReader(reader.take(Tag.sequence))
      message.integer()
      const { tag, content } = message.next()
      seen.push(tag)
      if (tag !== 0x64) seen.push(new BerReader(content).integer(Tag.enumerated))
    }
    return seen
  }
  assert.deepEqual(codes(await ask(search('', 'base'))), [0x64, 0x65, 0])
  assert.deepEqual(codes(await ask(search('DC=corp,DC=example', 'subtree'))), [0x65, 1])
  // A password in clear is not even looked at.
  const bind = encodeMessage(1, ber(0x60, berInteger(3), berText('slmctl@corp.example'), berText('abc', 0x80)))
  assert.deepEqual(codes(await ask(bind)), [0x61, 8])
  for (const junk of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.from('3084ffffffff', 'hex'), Buffer.alloc(3)])
    assert.ok((await ask(junk)).length < 200)
  // What follows StartTLS in one piece was written by anybody: there is no TLS then.
  const both = await ask(Buffer.concat([encodeMessage(1, encodeExtended('1.3.6.1.4.1.1466.20037')), search('', 'base')]))
  assert.deepEqual(codes(both), [0x78, 2, 0x64, 0x65, 0])
})
