import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  BadBer,
  BerReader,
  decodeBind,
  decodeControls,
  decodeEntry,
  decodeExtended,
  decodeFilter,
  decodeMessage,
  decodeSearch,
  encodeControls,
  encodeEntry,
  encodeExtended,
  encodeFilter,
  encodeMessage,
  encodeResult,
  encodeSearch,
  type Filter,
  Op,
  Rule,
  type Search,
  Tag,
} from '../../src/protocol/ldap.ts'

const name = fc.constantFrom('cn', 'operatingSystem', 'memberOf')
const value = fc.string({ unit: 'binary', maxLength: 12 })
/** fast-check's records are without a prototype otherwise. */
const plain = { noNullPrototype: true } as const
const piece = fc.string({ minLength: 1, maxLength: 5 })
const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3 },
    fc.record({ attribute: name, is: value }, plain),
    fc.record({ attribute: name, exists: fc.constant(true as const) }, plain),
    fc.record({ attribute: name, atLeast: value }, plain),
    fc.record({ attribute: name, atMost: value }, plain),
    fc.record({ attribute: name, contains: piece }, plain),
    fc.record({ attribute: name, pieces: fc.tuple(piece, piece, piece) }, plain),
    fc.record({ attribute: name, rule: fc.constantFrom(...Object.values(Rule)), is: value }, plain),
    fc.record({ and: fc.array(tie('filter'), { maxLength: 3 }) }, plain),
    fc.record({ or: fc.array(tie('filter'), { maxLength: 3 }) }, plain),
    fc.record({ not: tie('filter') }, plain),
  ),
}))
const read = (bytes: Buffer) => {
  const { tag, content } = new BerReader(bytes).next()
  return { tag, content }
}

test('what one end writes, the other reads: filters, searches, entries, pages', () => {
  fc.assert(
    fc.property(filter, (one) => {
      const { tag, content } = read(encodeFilter(one))
      assert.deepEqual(decodeFilter(tag, content), one)
    }),
  )
  fc.assert(
    fc.property(filter, fc.constantFrom('base', 'one', 'subtree'), fc.nat(1000), fc.boolean(), (one, scope, sizeLimit, typesOnly) => {
      const search: Search = { base: 'DC=corp,DC=example', scope, filter: one, attributes: ['cn', 'objectGUID'], sizeLimit, typesOnly }
      const { tag, content } = read(encodeSearch(search))
      assert.equal(tag, Op.search)
      assert.deepEqual(decodeSearch(content), search)
    }),
  )
  const entry = read(
    encodeEntry('CN=a', [
      ['objectGUID', [Buffer.from([0, 255])]],
      ['cn', ['a', 'ä']],
      ['nothing', []],
    ]),
  ).content
  assert.deepEqual(decodeEntry(entry), {
    dn: 'CN=a',
    attributes: new Map([
      ['objectguid', [Buffer.from([0, 255])]],
      ['cn', [Buffer.from('a'), Buffer.from('ä')]],
      ['nothing', []],
    ]),
  })
  const pages = { size: 1000, cookie: Buffer.from('seven') }
  const whole = encodeMessage(7, encodeResult(Op.searchDone, 0, 'well', 'DC=example'), encodeControls({ pages, domainScope: true }))
  const message = decodeMessage(new BerReader(whole).take(Tag.sequence))
  assert.deepEqual([message.id, message.tag], [7, Op.searchDone])
  assert.deepEqual(decodeControls(message.controls), { pages, domainScope: true, unknownCritical: null })
  assert.equal(decodeExtended(read(encodeExtended('1.2.3')).content), '1.2.3')
})

test('a control that must be understood is named; one that need not be is passed over', () => {
  // RFC 2891 (sorting), critical and not: written as OpenLDAP's client writes them.
  const sorting = (critical: string) =>
    Buffer.from(`30${(0x1d + critical.length / 2 - 3).toString(16)}0416312e322e3834302e3131333535362e312e342e343733${critical}0400`, 'hex')
  assert.equal(decodeControls(sorting('0101ff')).unknownCritical, '1.2.840.113556.1.4.473')
  assert.equal(decodeControls(sorting('')).unknownCritical, null)
})

test('a logon: version, who, and what proves it', () => {
  // RFC 4511 4.2, as ldapsearch sends it: -D a -w b.
  assert.deepEqual(decodeBind(Buffer.from('02010304016180' + '0162', 'hex')), { version: 3, user: 'a', password: Buffer.from('b') })
  const sasl = decodeBind(Buffer.from('0201030400a310040a4753532d53504e45474f04020102', 'hex'))
  assert.deepEqual(sasl, { version: 3, user: '', mechanism: 'GSS-SPNEGO', token: Buffer.from([1, 2]) })
})

test('any bytes: read or refused, and a filter is not deeper than a stack', () => {
  for (const decode of [decodeBind, decodeSearch, decodeEntry, decodeMessage, decodeControls, decodeExtended])
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decode(Buffer.from(bytes))
        } catch (error) {
          assert.ok(error instanceof BadBer, String(error))
        }
      }),
    )
  let deep: Filter = { attribute: 'cn', exists: true }
  for (let i = 0; i < 1000; i++) deep = { not: deep }
  const { tag, content } = read(encodeFilter(deep))
  assert.throws(() => decodeFilter(tag, content), BadBer)
})
