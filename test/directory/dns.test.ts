import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Packet } from 'dns-packet'
import { inOrder, openResolver, type Resolver } from '../../src/directory.ts'
import { ProblemError } from '../../src/model.ts'
import { a, alias, message, type Reply, srv, startDns } from './server.ts'

const closing: (() => void)[] = []
after(() => {
  for (const close of closing) close()
})
const server = async (reply: Reply) => {
  const started = await startDns(reply)
  closing.push(started.close)
  return started
}
const quick = { timeoutMs: 60 }
/** A server by a table of its records; a name that is not in it does not exist. */
const zone = (records: Readonly<Record<string, Packet['answers']>>): Reply => {
  return ({ name, type }) => {
    const here = records[name]
    if (!here) return { rcode: 3 }
    return { answers: here.filter((r) => r.type === type || r.type === 'CNAME' || r.name !== name) }
  }
}
const unanswered = async (asked: Promise<unknown>, because: RegExp) => {
  await assert.rejects(asked, (error: unknown) => {
    assert.ok(error instanceof ProblemError)
    assert.equal(error.problems[0]!.code, 'DNS_UNANSWERED')
    assert.match(error.problems[0]!.summary, because)
    assert.ok(error.problems[0]!.next.length > 0)
    return true
  })
}

test('SRV: all records, by priority, then by a draw in proportion to the weight', async () => {
  const name = '_vlmcs._tcp.corp.example'
  const { at, asked } = await server(
    zone({
      [name]: [srv(name, 'Spare.corp.example', 20), srv(name, 'one.corp.example', 10, 10), srv(name, 'two.corp.example.', 10, 30, 1689)],
    }),
  )
  let draw = 0
  const names = openResolver({ servers: [at], random: () => draw })
  const targets = async () => (await names.srv(name)).map((r) => `${r.target}:${r.port}`)
  assert.deepEqual(await targets(), ['one.corp.example:1688', 'two.corp.example:1689', 'spare.corp.example:1688'])
  draw = 0.9
  assert.deepEqual(await targets(), ['two.corp.example:1689', 'one.corp.example:1688', 'spare.corp.example:1688'])
  assert.equal(asked.length, 1, 'asked once, drawn each time')
  assert.deepEqual((await names.srv(name))[0], { target: 'two.corp.example', port: 1689, priority: 10, weight: 30, ttlSeconds: 60 })
})

test('the draw follows RFC 2782: in proportion to the weight, and a weight of 0 hardly ever first', () => {
  const records = [
    { name: 'a', priority: 1, weight: 0 },
    { name: 'b', priority: 1, weight: 10 },
    { name: 'c', priority: 1, weight: 30 },
    { name: 'd', priority: 0, weight: 0 },
  ]
  const first = { a: 0, b: 0, c: 0 }
  for (let i = 0; i < 4100; i++) {
    const order = inOrder(records, () => ((i * 7919) % 4100) / 4100).map((r) => r.name)
    assert.equal(order[0], 'd')
    assert.deepEqual([...order].sort(), ['a', 'b', 'c', 'd'])
    first[order[1] as 'a' | 'b' | 'c']++
  }
  assert.deepEqual(first, { a: 100, b: 1000, c: 3000 })
})

test('addresses: both families, aliases within the message and beyond it; an address is its own', async () => {
  const { at } = await server(
    zone({
      'kms.corp.example': [a('kms.corp.example', '10.1.2.3'), a('kms.corp.example', '10.1.2.4'), a('kms.corp.example', '2001:db8::7')],
      'www.corp.example': [alias('www.corp.example', 'kms.corp.example'), a('kms.corp.example', '10.1.2.3')],
      'far.corp.example': [alias('far.corp.example', 'kms.corp.example')],
    }),
  )
  const names = openResolver({ servers: [at] })
  assert.deepEqual(await names.addresses('KMS.corp.example.'), ['10.1.2.3', '10.1.2.4', '2001:db8::7'])
  assert.deepEqual((await names.addresses('www.corp.example')).slice(0, 1), ['10.1.2.3'])
  assert.deepEqual(await names.addresses('far.corp.example'), ['10.1.2.3', '10.1.2.4', '2001:db8::7'])
  assert.deepEqual(await names.addresses('10.9.9.9'), ['10.9.9.9'])
  assert.deepEqual(await names.addresses('[2001:db8::1]'), ['2001:db8::1'])
})

test('there is none: no such name, no such record, and a service that is said not to be there', async () => {
  const { at } = await server(
    zone({ 'only6.corp.example': [a('only6.corp.example', '2001:db8::7')], '_no._tcp.corp.example': [srv('_no._tcp.corp.example', '.')] }),
  )
  const names = openResolver({ servers: [at] })
  assert.deepEqual(await names.addresses('nowhere.corp.example'), [])
  assert.deepEqual(await names.addresses('only6.corp.example'), ['2001:db8::7'])
  assert.deepEqual(await names.srv('only6.corp.example'), [])
  assert.deepEqual(await names.srv('_no._tcp.corp.example'), [])
})

test('no answer is not "none": silence, a closed port, SERVFAIL and REFUSED are told apart, and the next server is asked', async () => {
  const silent = await server(() => null)
  const broken = await server(() => ({ rcode: 2 }))
  const refusing = await server(() => ({ rcode: 5 }))
  const good = await server(zone({ 'kms.corp.example': [a('kms.corp.example', '10.1.2.3')] }))
  const one = (at: string): Resolver => openResolver({ servers: [at], ...quick })
  await unanswered(one(silent.at).addresses('kms.corp.example'), /did not answer/)
  await unanswered(one(broken.at).srv('kms.corp.example'), /SERVFAIL/)
  await unanswered(one(refusing.at).srv('kms.corp.example'), /REFUSED/)
  await unanswered(one('127.0.0.1:1').addresses('kms.corp.example'), /nothing answers there/)
  const several = openResolver({ servers: [silent.at, broken.at, refusing.at, '127.0.0.1:1', good.at], ...quick })
  assert.deepEqual(await several.addresses('kms.corp.example'), ['10.1.2.3'])
})

test('a datagram may be lost: each server is asked twice', async () => {
  const lost = new Set<string>()
  const { at } = await server(({ name, type }) => {
    if (!lost.has(type)) return lost.add(type) && null
    return { answers: type === 'A' ? [a(name, '10.1.2.3')] : [] }
  })
  assert.deepEqual(await openResolver({ servers: [at], ...quick }).addresses('kms.corp.example'), ['10.1.2.3'])
})

test('pinned: a name cannot change between check and use', async () => {
  let address = '10.1.2.3'
  const { at, asked } = await server(({ name, type }) => ({ answers: type === 'A' ? [a(name, address)] : [] }))
  const names = openResolver({ servers: [at] })
  assert.deepEqual(await Promise.all([names.addresses('kms.corp.example'), names.addresses('KMS.corp.example')]), [
    ['10.1.2.3'],
    ['10.1.2.3'],
  ])
  address = '198.51.100.7'
  assert.deepEqual(await names.addresses('kms.corp.example'), ['10.1.2.3'])
  assert.equal(asked.length, 2, 'A and AAAA, once each')
  assert.deepEqual(await openResolver({ servers: [at] }).addresses('kms.corp.example'), ['198.51.100.7'])
})

test('answers to other questions are not taken: another id, name, type, a question as answer, records beside it', async () => {
  const bad: Record<string, Reply> = {
    id: (_, q) => ({ id: q.id! ^ 1, answers: [a('kms.corp.example', '198.51.100.7')] }),
    name: ({ type }) => ({
      questions: [{ type: type as 'A', name: 'other.corp.example' }],
      answers: [a('kms.corp.example', '198.51.100.7')],
    }),
    type: ({ name }) => ({ questions: [{ type: 'TXT', name }], answers: [a(name, '198.51.100.7')] }),
    query: (_, q) => Buffer.from(message(q, {}).map((byte, i) => (i === 2 ? byte & 0x7f : byte))),
    garbage: () => Buffer.from('no DNS message at all'),
    short: () => Buffer.alloc(3),
    target: ({ name }) => ({ answers: [alias(name, 'not a name')] }),
    loop: ({ name }) => ({ answers: [alias(name, 'b.corp.example'), alias('b.corp.example', name)] }),
    flood: ({ name }) => ({ answers: Array.from({ length: 300 }, (_, i) => a(name, `10.0.${i >> 8}.${i & 255}`)) }),
  }
  for (const [what, reply] of Object.entries(bad)) {
    const { at } = await server(reply)
    await unanswered(openResolver({ servers: [at], ...quick }).addresses('kms.corp.example'), /: 127\.0\.0\.1/).catch((error: Error) => {
      throw new Error(`${what}: ${error.message}`)
    })
  }
  const beside = await server(({ name }) => ({
    answers: [a('other.corp.example', '198.51.100.7')],
    additionals: [a(name, '198.51.100.8')],
    authorities: [a(name, '198.51.100.9')],
  }))
  assert.deepEqual(await openResolver({ servers: [beside.at] }).addresses('kms.corp.example'), [])
  // The right answer behind a hundred guesses of an id is still found; behind very many it is not waited for.
  const behind = (strays: number): Reply => {
    return ({ name, type }, q) => [
      ...Array.from({ length: strays }, (_, i) => message({ ...q, id: q.id! ^ (i + 1) }, { answers: [a(name, '198.51.100.7')] })),
      message(q, { answers: type === 'A' ? [a(name, '10.1.2.3')] : [] }),
    ]
  }
  assert.deepEqual(await openResolver({ servers: [(await server(behind(20))).at] }).addresses('kms.corp.example'), ['10.1.2.3'])
  await unanswered(openResolver({ servers: [(await server(behind(200))).at] }).addresses('kms.corp.example'), /not asked/)
})

test('a loop of aliases across messages ends', async () => {
  const { at, asked } = await server(({ name }) => ({ answers: [alias(name, `x${name}`.slice(0, 60))] }))
  await unanswered(openResolver({ servers: [at] }).srv('kms.corp.example'), /alias of an alias without end/)
  assert.ok(asked.length < 12, `${asked.length} questions`)
})

test('an answer that is cut is asked for over TCP, and a connection that breaks is no answer', async () => {
  const name = '_vlmcs._tcp.corp.example'
  const many = Array.from({ length: 100 }, (_, i) => srv(name, `kms${i}.corp.example`, i))
  const { at, asked } = await server(({ over }) => (over === 'udp' ? { cut: true } : { answers: many }))
  assert.equal((await openResolver({ servers: [at] }).srv(name)).length, 100)
  assert.deepEqual(
    asked.map((q) => q.over),
    ['udp', 'tcp'],
  )
  assert.notEqual(asked[0]!.id, asked[1]!.id)
  const breaking = await server(({ over }) => (over === 'udp' ? { cut: true } : null))
  await unanswered(openResolver({ servers: [breaking.at], ...quick }).srv(name), /closed the connection/)
  const always = await server(() => ({ cut: true }))
  await unanswered(openResolver({ servers: [always.at], ...quick }).srv(name), /cut even over TCP/)
})

test('a server that knows no EDNS is asked without it', async () => {
  const { at, asked } = await server(({ edns, name }) =>
    edns ? { rcode: 1, questions: [] } : { answers: [srv(name, 'kms.corp.example')] },
  )
  assert.equal((await openResolver({ servers: [at] }).srv('_vlmcs._tcp.corp.example')).length, 1)
  assert.deepEqual(
    asked.map((q) => q.edns),
    [true, false],
  )
})

test('ids and source ports are random, as a guess from outside has to hit both', async () => {
  const { at, asked } = await server(() => ({ rcode: 3 }))
  const names = openResolver({ servers: [at] })
  await Promise.all(Array.from({ length: 60 }, (_, i) => names.srv(`n${i}.corp.example`)))
  assert.equal(asked.length, 60)
  assert.ok(new Set(asked.map((q) => q.id)).size > 55)
  assert.ok(new Set(asked.map((q) => q.port)).size > 30)
  const steps = asked.slice(1).map((q, i) => Math.abs(q.id - asked[i]!.id))
  assert.ok(steps.filter((s) => s > 100).length > 50, 'ids do not count up')
})

test('without servers of the site, names are resolved as the system does: hosts file and all', async () => {
  const names = openResolver({ servers: [] })
  assert.ok((await names.addresses('localhost')).some((x) => x === '127.0.0.1' || x === '::1'))
})

test('what is no name or no server is a Problem, not a question', async () => {
  const { at, asked } = await server(() => ({ rcode: 3 }))
  const names = openResolver({ servers: [at] })
  for (const name of [
    '',
    'a..b',
    `${'x'.repeat(64)}.example`,
    'kms corp',
    'kms.corp.example/../x',
    `${'a.'.repeat(130)}b`,
    'kms\u0000.example',
  ])
    await assert.rejects(names.addresses(name), (e: unknown) => e instanceof ProblemError && e.problems[0]!.code === 'DNS_NAME', name)
  assert.equal(asked.length, 0)
  for (const at of ['kms.corp.example', '10.0.0.53:0', '10.0.0.53:99999', '10.0.0', '[::1'])
    assert.throws(
      () => openResolver({ servers: [at] }),
      (e: unknown) => e instanceof ProblemError && e.problems[0]!.code === 'DNS_SERVER',
      at,
    )
  assert.doesNotThrow(() => openResolver({ servers: ['10.0.0.53', '10.0.1.53:5353', '2001:db8::53', '[2001:db8::53]:53'] }))
})
