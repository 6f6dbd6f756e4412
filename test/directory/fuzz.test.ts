import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode } from 'dns-packet'
import fc from 'fast-check'
import { BadAnswer, encodeQuestion, isName, readAnswer, type Wanted } from '../../src/directory/message.ts'
import { a, alias, srv } from './server.ts'

const id = 4711
const name = '_vlmcs._tcp.corp.example'
const read = (bytes: Uint8Array, type: Wanted = 'SRV') => {
  try {
    const answer = readAnswer(bytes, { id, name, type })
    if (answer.kind === 'records') {
      assert.ok(answer.records.length <= 256)
      for (const r of answer.records) if (typeof r !== 'string') assert.ok(isName(r.target) && r.port <= 65_535)
    }
    if (answer.kind === 'alias') assert.ok(isName(answer.name))
  } catch (error) {
    if (!(error instanceof BadAnswer)) throw error
  }
}
const honest = encode({
  type: 'response',
  id,
  questions: [{ type: 'SRV', name, class: 'IN' }],
  answers: [alias(name, 'x.corp.example'), srv('x.corp.example', 'kms1.corp.example', 1, 2), a('y.corp.example', '2001:db8::1')],
  additionals: [{ type: 'TXT', name: 'z.example', ttl: 1, class: 'IN', data: ['text'] }],
})

test('any bytes with the right head are an answer or a BadAnswer, nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.constantFrom<Wanted>('A', 'AAAA', 'SRV'), (body, type) => {
      const head = Buffer.alloc(12)
      head.writeUInt16BE(id)
      head[2] = 0x80
      for (let i = 4; i < 12; i++) head[i] = i % 2 === 0 ? 0 : (body[i] ?? 0)
      read(Buffer.concat([head, body]), type)
      read(body, type)
    }),
    { numRuns: 2000 },
  )
})

test('an honest answer with bytes changed, cut or repeated is an answer or a BadAnswer', () => {
  const changes = fc.array(fc.tuple(fc.nat(honest.length - 1), fc.nat(255)), { maxLength: 6 })
  fc.assert(
    fc.property(changes, fc.nat(honest.length), (edits, length) => {
      const bytes = Buffer.from(honest)
      for (const [at, value] of edits) if (at > 3) bytes[at] = value
      read(bytes)
      read(bytes.subarray(0, length))
      read(Buffer.concat([bytes, bytes.subarray(0, length)]))
    }),
    { numRuns: 2000 },
  )
})

test('names that point to names that point to names cost no time', () => {
  // The longest chain that pointers can make, within the data of a first record, and as many records as are let in, each named by its end.
  const head = encodeQuestion({ id, name, type: 'SRV' }, false)
  head[2] = 0x80
  head.writeUInt16BE(256, 6)
  const record = (namePointer: number, length: number) => {
    const bytes = Buffer.alloc(12)
    bytes.writeUInt16BE(0xc000 | namePointer, 0)
    bytes.writeUInt16BE(10, 2) // NULL: data as it is
    bytes.writeUInt16BE(1, 4)
    bytes.writeUInt16BE(length, 10)
    return bytes
  }
  const begin = head.length + 12
  const chain = Buffer.alloc(16_000)
  for (let at = 0; at < chain.length; at += 2) chain.writeUInt16BE(0xc000 | (at === 0 ? 12 : begin + at - 2), at)
  const end = begin + chain.length - 2
  const bytes = Buffer.concat([head, record(12, chain.length), chain, ...Array.from({ length: 255 }, () => record(end, 0))])
  const from = process.cpuUsage()
  assert.deepEqual(readAnswer(bytes, { id, name, type: 'SRV' }), { kind: 'none' })
  const used = process.cpuUsage(from)
  assert.ok(used.user + used.system < 500_000, `${(used.user + used.system) / 1000} ms`)
})
