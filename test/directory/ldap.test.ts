import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { computerFilter, guidText } from '../../src/directory/ldap.ts'
import { LdapConnection } from '../../src/directory/ldap-connection.ts'
import { asDirectoryProblem, LdapResult } from '../../src/directory/ldap-problems.ts'
import { Wire } from '../../src/directory/ldap-wire.ts'
import { domainControllers, openDirectory } from '../../src/directory.ts'
import { ProblemError } from '../../src/model.ts'
import { BerReader, ber, berInteger, berText, decodeFilter, encodeFilter, type Filter, filterText, Tag } from '../../src/protocol/ldap.ts'
import { Secret } from '../../src/secrets.ts'

const codeOf = async (work: Promise<unknown>) => {
  try {
    await work
  } catch (error) {
    assert.ok(error instanceof ProblemError, String((error as Error).stack))
    assert.ok(error.problems[0]!.next.length > 0)
    return error.problems[0]!.code
  }
  return null
}
/** A server that answers the first bytes that come with these, whatever they were. */
async function says(t: TestContext, answer: (socket: Socket, request: Buffer) => void) {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => answer(socket, bytes))
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  return (timeoutMs = 2000) =>
    openDirectory({
      servers: [{ name: 'dc1.corp.example', address: '127.0.0.1', port }],
      ...{ tls: 'starttls', ca: null, timeoutMs },
      logon: { method: 'simple', user: 'a@corp.example', password: new Secret(Buffer.from('Secret-of-a')) },
    })
}
const message = (id: number, ...parts: Buffer[]) => ber(Tag.sequence, berInteger(id), ...parts)
const result = (tag: number, code: number, text = '') => ber(tag, berInteger(code, Tag.enumerated), berText(''), berText(text))

test('StartTLS that is refused, or not TLS at all: nothing is said in clear after it', async (t) => {
  for (const [answer, code] of [
    [message(1, result(0x78, 52, 'no TLS here')), 'DIRECTORY_REFUSED'],
    [message(1, result(0x78, 2)), 'DIRECTORY_REFUSED'],
    [message(2, result(0x78, 0)), 'DIRECTORY_GARBAGE'],
    [message(1, result(0x61, 0)), 'DIRECTORY_GARBAGE'],
    [message(0, result(0x78, 52, 'shutting down')), 'DIRECTORY_REFUSED'],
    // What follows in one piece with the agreement was put there by somebody: CVE-2011-0411 and its like.
    [Buffer.concat([message(1, result(0x78, 0)), message(2, result(0x61, 0))]), 'DIRECTORY_GARBAGE'],
    [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'DIRECTORY_GARBAGE'],
    [Buffer.from('3084ffffffff', 'hex'), 'DIRECTORY_GARBAGE'],
    [Buffer.from('308002010178', 'hex'), 'DIRECTORY_GARBAGE'],
    [Buffer.from('30030201', 'hex'), 'DIRECTORY_SLOW'],
  ] as const) {
    const seen: Buffer[] = []
    const open = await says(t, (socket, request) => {
      seen.push(request)
      if (seen.length === 1) socket.write(answer)
    })
    assert.equal(await codeOf(open(300)), code, answer.toString('hex'))
    assert.ok(!Buffer.concat(seen).includes('Secret-of-a') && !Buffer.concat(seen).includes('corp.example'))
  }
  const agreed = await says(t, (socket, request) => socket.write(request[0] === 0x30 ? message(1, result(0x78, 0)) : 'no TLS'))
  assert.equal(await codeOf(agreed()), 'DIRECTORY_GARBAGE')
  const gone = await says(t, (socket) => socket.end())
  assert.equal(await codeOf(gone()), 'DIRECTORY_CUT')
})

test('any bytes for an answer: a problem in time, never another error', async (t) => {
  let answer: Buffer = Buffer.alloc(0)
  const open = await says(t, (socket) => socket.end(answer))
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.boolean(), async (bytes, framed) => {
      answer = framed ? ber(Tag.sequence, berInteger(1), bytes) : Buffer.from(bytes)
      assert.match((await codeOf(open(1000))) ?? '', /^DIRECTORY_/)
    }),
    { numRuns: 150 },
  )
})

test('BER: what is written is read; any bytes are read or refused', () => {
  for (const n of [0, 1, 127, 128, 255, 256, 65_535, 8_388_608, 2 ** 31 - 1]) assert.equal(new BerReader(berInteger(n)).integer(), n)
  for (const length of [0, 127, 128, 255, 256, 65_535, 65_536]) {
    const whole = ber(Tag.octets, Buffer.alloc(length, 1))
    assert.equal(new BerReader(whole).take(Tag.octets).length, length)
  }
  // RFC 4511 and X.690: a length in more bytes than needed is allowed, as Active Directory writes it.
  assert.equal(new BerReader(Buffer.from('048400000003616263', 'hex')).text(), 'abc')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        for (const reader = new BerReader(Buffer.from(bytes)); reader.more; ) reader.next()
      } catch (error) {
        assert.equal((error as Error).constructor.name, 'BadBer')
      }
    }),
  )
})

test('filters: what somebody typed stays one value, on the wire and as text (RFC 4515)', () => {
  const system: Filter = { attribute: 'operatingSystem', contains: '*)(objectClass=*\\ \0' }
  assert.equal(filterText(system), '(operatingSystem=*\\2a\\29\\28objectClass=\\2a\\5c \\00*)')
  // RFC 4515 section 4.
  assert.equal(
    filterText({ attribute: 'o', is: 'Parens R Us (for all your parenthetical needs)' }),
    '(o=Parens R Us \\28for all your parenthetical needs\\29)',
  )
  assert.equal(filterText({ attribute: 'filename', is: 'C:\\MyFile' }), '(filename=C:\\5cMyFile)')
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
      const wire = new BerReader(
        encodeFilter({
          and: [
            { attribute: 'objectCategory', is: 'computer' },
            { attribute: 'cn', is: text },
          ],
        }),
      )
      const and = new BerReader(wire.take(0xa0))
      assert.equal(wire.more, false)
      and.next()
      const match = new BerReader(and.take(0xa3))
      assert.equal(and.more, false)
      match.text()
      assert.deepEqual(match.take(Tag.octets), Buffer.from(text, 'utf8'))
      const shown = filterText({ attribute: 'cn', is: text })
      assert.equal(shown.match(/[()]/g)!.length, 2)
      assert.ok(!shown.includes('*') && !/[\0-\x1f]/.test(shown))
      const unescaped = shown.slice(4, -1).replace(/\\([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      assert.equal(unescaped, text)
    }),
  )
})

test('why a logon fails: the words of Active Directory, in ours', () => {
  const said = (data: string) => `80090308: LdapErr: DSID-0C09050F, comment: AcceptSecurityContext error, data ${data}, v4563\0`
  for (const [data, text] of [
    ['52e', /user or the password is wrong/],
    ['533', /disabled/],
    ['775', /locked/],
    ['773', /changed first/],
    ['80090346', /not bound to this TLS/],
  ] as const) {
    const error = asDirectoryProblem(new LdapResult(49, said(data)), 'dc1') as ProblemError
    assert.equal(error.problems[0]!.code, 'DIRECTORY_LOGON_FAILED')
    assert.match(error.message, text)
  }
  for (const [code, problem, next] of [
    [10, 'DIRECTORY_REFUSED', /not followed/],
    [8, 'DIRECTORY_REFUSED', /LDAPS, StartTLS or Kerberos/],
    [4, 'DIRECTORY_REFUSED', /MaxPageSize/],
    [32, 'DIRECTORY_NOT_FOUND', /./],
  ] as const) {
    const error = asDirectoryProblem(new LdapResult(code, 'x\u001b[2Jy'), 'dc1') as ProblemError
    assert.equal(error.problems[0]!.code, problem)
    assert.match(error.problems[0]!.next.join(' '), next)
    assert.ok(!error.message.includes('\u001b'))
  }
})

test('a logon without a password, or Kerberos to an address, is refused before anything is sent', async () => {
  const logon = { method: 'simple', user: 'a', password: new Secret(Buffer.alloc(0)) } as const
  const how = { servers: [{ name: '127.0.0.1', port: 9 }], tls: 'ldaps', ca: null, timeoutMs: 500 } as const
  assert.equal(await codeOf(openDirectory({ ...how, logon })), 'DIRECTORY_LOGON_FAILED')
  assert.equal(
    await codeOf(openDirectory({ ...how, logon: { method: 'kerberos', credential: { from: 'cache' } } })),
    'DIRECTORY_LOGON_FAILED',
  )
})

test('a domain without domain controllers in DNS', async () => {
  assert.equal(await codeOf(domainControllers('corp.example', { srv: async () => [] })), 'DIRECTORY_NOT_FOUND_IN_DNS')
  const record = (target: string) => ({ target, port: 389, priority: 0, weight: 0, ttlSeconds: 0 })
  const asked: string[] = []
  const srv = async (name: string) => {
    asked.push(name)
    return [record('dc2.corp.example'), record('dc1.corp.example')]
  }
  assert.deepEqual(await domainControllers('corp.example', { srv }), [{ name: 'dc2.corp.example' }, { name: 'dc1.corp.example' }])
  assert.deepEqual(asked, ['_ldap._tcp.dc._msdcs.corp.example'])
})

test('what somebody types for a directory is one value each: a system, a group by its distinguished name', () => {
  const shape = (filter: Filter): unknown =>
    'and' in filter
      ? { and: filter.and.map(shape) }
      : 'or' in filter
        ? { or: filter.or.map(shape) }
        : 'not' in filter
          ? { not: shape(filter.not) }
          : { ...filter, ...('is' in filter ? { is: 'x' } : {}), ...('contains' in filter ? { contains: 'x' } : {}) }
  const wanted = (system: string, dn: string) =>
    computerFilter({ enabled: true, seenWithinDays: 30, system, group: 'g' }, { dn, rid: 513 }, Date.UTC(2026, 10, 1))
  const plain = shape(wanted('Windows 11', 'CN=a,DC=corp,DC=example'))
  const hostile = fc.constantFrom('*)(objectClass=*', '*', ')(|(cn=*', '\\2a', 'a\0b', '(&)', 'CN=*,DC=corp')
  const typed = fc.oneof(hostile, fc.string({ unit: 'grapheme', minLength: 1 }))
  fc.assert(
    fc.property(typed, typed, (system, dn) => {
      const filter = wanted(system, dn)
      // Over the wire and back: the same filter, in which the texts are values.
      const { tag, content } = new BerReader(encodeFilter(filter)).next()
      const back = decodeFilter(tag, content)
      assert.deepEqual(shape(back), plain)
      assert.deepEqual(back, filter)
      const brackets = (of: Filter) => filterText(of).match(/[()]/g)!.length
      assert.equal(brackets(filter), brackets(wanted('x', 'x')))
    }),
  )
})

test('objectGUID as text: the first three parts are little-endian ([MS-DTYP] 2.3.4.2)', () => {
  assert.equal(guidText(Buffer.from('33221100554477668899aabbccddeeff', 'hex')), '00112233-4455-6677-8899-aabbccddeeff')
})

test('a hundred thousand entries: page by page, with the memory of a few; a directory without end is left', async (t) => {
  const pages = '1.2.840.113556.1.4.319'
  let left = 0
  let endless = false
  const server = createServer((socket) => {
    socket.on('error', () => {})
    let rest = Buffer.alloc(0)
    socket.on('data', (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes])
      const outer = new BerReader(rest)
      const request = new BerReader(outer.take(Tag.sequence))
      rest = Buffer.alloc(0)
      const id = request.integer()
      const answers: Buffer[] = []
      const attribute = (name: string, value: string) => ber(Tag.sequence, berText(name), ber(Tag.set, berText(value)))
      const page = endless ? 0 : Math.min(1000, left)
      for (let i = 0; i < page; i++)
        answers.push(
          message(id, ber(0x64, berText(`CN=PC${left - i}`), ber(Tag.sequence, attribute('dNSHostName', `pc${left - i}.corp.example`)))),
        )
      left -= page
      const cookie = endless || left > 0 ? Buffer.from('more') : Buffer.alloc(0)
      const value = ber(Tag.octets, ber(Tag.sequence, berInteger(0), ber(Tag.octets, cookie)))
      const controls = ber(0xa0, ber(Tag.sequence, berText(pages), value))
      socket.write(Buffer.concat([...answers, message(id, result(0x65, 0), controls)]))
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  t.after(() => server.close())
  const open = async () => {
    const { connect } = await import('node:net')
    const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
    await new Promise<void>((ready) => socket.once('connect', ready))
    // The search itself, without a logon: that is proved against Samba.
    return Reflect.construct(LdapConnection, [new Wire(socket, 5000)]) as LdapConnection
  }
  const search = { base: '', scope: 'subtree', filter: { attribute: 'objectClass', exists: true }, attributes: ['dNSHostName'] } as const
  const count = async (entries: number) => {
    left = entries
    const connection = await open()
    let seen = 0
    let most = 0
    for await (const _ of connection.search(search)) if (++seen % 1000 === 0) most = Math.max(most, process.memoryUsage().heapUsed)
    connection.close()
    assert.equal(seen, entries)
    return most
  }
  await count(5000)
  const [few, many] = [await count(10_000), await count(100_000)]
  assert.ok(many - few < 150 * 1_048_576, `${few} ${many}`)
  endless = true
  const connection = await open()
  await assert.rejects(async () => {
    for await (const _ of connection.search(search)) assert.fail()
  }, /pages without end/)
})
