import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type BindAnswer,
  bindPdu,
  decodeBind,
  decodeBindAnswer,
  encodeBind,
  encodeBindAnswer,
  maxFragmentBytes,
  NotRpc,
} from '../../src/protocol/rpc.ts'

const notRpc = (f: () => unknown, message?: RegExp) =>
  assert.throws(f, (error: unknown) => error instanceof NotRpc && (message?.test(error.message) ?? true))

test('the bind is the one of [C706] 12.6.4.3: whole, little-endian, unauthenticated, to the management interface by NDR', () => {
  // Written out by hand from the specification's structures.
  const written = [
    '05000b03 10000000 4800 0000 07000000', // header: bind, first and last fragment, 72 bytes, no verifier, call 7
    'd016 d016 00000000', // 5840, 5840, a new association
    '01000000 0000 01 00', // one context, number 0, one transfer syntax
    '80bda8af 8a7d c911 bef408002b102989 0100 0000', // afa8bd80-7d8a-11c9-bef4-08002b102989 1.0
    '045d888a eb1c c911 9fe808002b104860 0200 0000', // 8a885d04-1ceb-11c9-9fe8-08002b104860 2.0
  ]
  assert.equal(bindPdu(7).toString('hex'), written.join('').replaceAll(' ', ''))
  assert.deepEqual(decodeBind(bindPdu(7)), { callId: 7, wants: { uuid: 'afa8bd80-7d8a-11c9-bef4-08002b102989', major: 1, minor: 0 } })
})

const answers: readonly BindAnswer[] = [
  { kind: 'ack', accepted: true, reason: 0, endpoint: '1688' },
  { kind: 'ack', accepted: false, reason: 1, endpoint: '' },
  { kind: 'ack', accepted: false, reason: 2, endpoint: '\\PIPE\\epmapper' },
  { kind: 'nak', reason: 4 },
  { kind: 'fault', status: 0x1c01000b },
]

test('every answer is read as it was written, also byte by byte as it comes', () => {
  for (const answer of answers) {
    const bytes = encodeBindAnswer(9, answer)
    assert.deepEqual(decodeBindAnswer(bytes, 9), answer)
    for (let n = 0; n < bytes.length; n++) assert.equal(decodeBindAnswer(bytes.subarray(0, n), 9), null, `${answer.kind} ${n}`)
  }
})

test('an answer in the other order of bytes', () => {
  // bind_nak of a big-endian server: reason 2, one version, 5.0.
  assert.deepEqual(decodeBindAnswer(Buffer.from('05000d0300000000001500000000000900020105 00'.replaceAll(' ', ''), 'hex'), 9), {
    kind: 'nak',
    reason: 2,
  })
})

test('what is no answer to this bind is refused at once', () => {
  const good = encodeBindAnswer(9, answers[0]!)
  const with_ = (change: (b: Buffer) => void) => {
    const copy = Buffer.from(good)
    change(copy)
    return () => decodeBindAnswer(copy, 9)
  }
  notRpc(() => decodeBindAnswer(good, 8), /another call/)
  notRpc(() => decodeBindAnswer(Buffer.from('HTTP/1.1 400 Bad Request\r\n'), 9), /another protocol/)
  notRpc(() => decodeBindAnswer(Buffer.from('H'), 9), /another protocol/)
  notRpc(() => decodeBindAnswer(bindPdu(9), 9), /answers no bind/)
  notRpc(
    with_((b) => b.writeUInt8(1, 3)),
    /cuts its answer/,
  )
  notRpc(
    with_((b) => b.writeUInt8(0x20, 4)),
    /order of bytes/,
  )
  notRpc(
    with_((b) => b.writeUInt16LE(maxFragmentBytes + 1, 8)),
    /length/,
  )
  notRpc(
    with_((b) => b.writeUInt16LE(15, 8)),
    /length/,
  )
  notRpc(
    with_((b) => b.writeUInt16LE(20, 8)),
    /ends before/,
  )
  notRpc(
    with_((b) => b.writeUInt16LE(8, 10)),
    /authenticates/,
  )
  notRpc(
    with_((b) => b.writeUInt16LE(5000, 24)),
    /ends before/,
  )
  notRpc(
    with_((b) => b.writeUInt8(2, 32)),
    /number of interfaces/,
  )
})

test('the endpoint that a server tells is short and printable', () => {
  const said = decodeBindAnswer(
    encodeBindAnswer(1, { kind: 'ack', accepted: true, reason: 0, endpoint: `\u001b[31m${'x'.repeat(200)}` }),
    1,
  )
  assert.ok(said?.kind === 'ack' && said.endpoint.length === 64 && /^[\x20-\x7e]*$/.test(said.endpoint))
})

test('fuzz: any bytes, and damaged answers, end in a value, in "more has to come" or in NotRpc', () => {
  const only = (f: () => unknown) => {
    try {
      return f()
    } catch (error) {
      if (!(error instanceof NotRpc)) throw error
      return null
    }
  }
  const binds = [encodeBind({ callId: 3, wants: { uuid: '01234567-89ab-cdef-0123-456789abcdef', major: 2, minor: 3 } }), bindPdu(3)]
  const samples = [...answers.map((a) => encodeBindAnswer(3, a)), ...binds]
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      only(() => decodeBindAnswer(Buffer.from(bytes), 3))
      only(() => decodeBind(Buffer.from(bytes)))
    }),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 }),
      fc.nat(80),
      (sample, damage, cut) => {
        const bytes = Buffer.from(sample)
        for (const [at, value] of damage) if (at < bytes.length) bytes[at] = value
        for (const part of [bytes, bytes.subarray(0, cut)]) {
          only(() => decodeBindAnswer(part, 3))
          only(() => decodeBind(part))
        }
      },
    ),
    { numRuns: 2000 },
  )
})

test('the room can write a bind and the answers to one, and nothing else', async () => {
  const door = await import('../../src/protocol/rpc.ts')
  assert.deepEqual(Object.keys(door).sort(), [
    'NotRpc',
    'bindPdu',
    'decodeBind',
    'decodeBindAnswer',
    'encodeBind',
    'encodeBindAnswer',
    'maxFragmentBytes',
  ])
  const kinds = [
    bindPdu(1),
    encodeBind({ callId: 1, wants: { uuid: '01234567-89ab-cdef-0123-456789abcdef', major: 1, minor: 0 } }),
    ...answers.map((a) => encodeBindAnswer(1, a)),
  ]
  // [C706] 12.6.4: 0 is a request, 2 its response.
  assert.deepEqual(
    [...new Set(kinds.map((b) => b[2]))].sort((a, b) => a! - b!),
    [3, 11, 12, 13],
  )
})
