import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textOf } from '../../src/native/foreign.ts'
import { loadKoffi } from '../../src/native/library.ts'
import { Arena } from '../../src/native/memory.ts'
import { bstr, variantOf, wipe } from '../../src/native/wmi/argument.ts'
import { WmiError } from '../../src/native/wmi/error.ts'
import { RowReader } from '../../src/native/wmi/rows.ts'
import type { Scope } from '../../src/native/wmi/scope.ts'
import { Cim, isoDate, readVariant, Vt } from '../../src/native/wmi/variant.ts'
import { Secret } from '../../src/secrets.ts'

/** Memory as WMI lays it out; koffi gives it on every system. */
const koffi = await loadKoffi()
const arena = new Arena(koffi, 1 << 20)
const copy = (address: bigint, length: number) => Buffer.from(arena.at(address).subarray(0, length))
const plenty = () => ({ bytes: 1 << 20 })

/** A VARIANT whose value is written by `write`. */
function variant(vt: number, write: (at: Buffer) => void): Buffer {
  const at = Buffer.alloc(24)
  at.writeUInt16LE(vt)
  write(at.subarray(8))
  return at
}
const text = (value: string) => variant(Vt.bstr, (at) => at.writeBigUInt64LE(bstr(arena, value)))
function list(vt: number, size: number, count: number, write: (at: Buffer, i: number) => void): Buffer {
  const data = arena.room(Math.max(1, size * count))
  for (let i = 0; i < count; i++) write(arena.at(data).subarray(i * size), i)
  const descriptor = arena.room(32)
  const at = arena.at(descriptor)
  at.writeUInt16LE(1)
  at.writeUInt32LE(size, 4)
  at.writeBigUInt64LE(data, 16)
  at.writeUInt32LE(count, 24)
  return variant(0x2000 | vt, (v) => v.writeBigUInt64LE(descriptor))
}
const array = 0x2000

test('values become what WS-Man carries, by their CIM type', () => {
  const read = (value: Buffer, cim: number) => readVariant(value, cim, copy, plenty())
  const minusOne = variant(Vt.i4, (at) => at.writeInt32LE(-1))
  assert.equal(read(minusOne, Cim.uint32), '4294967295')
  assert.equal(read(minusOne, Cim.sint32), '-1')
  assert.equal(
    read(
      variant(Vt.i4, (at) => at.writeInt32LE(65_535)),
      Cim.uint16,
    ),
    '65535',
  )
  assert.equal(
    read(
      variant(Vt.i2, (at) => at.writeInt16LE(-5)),
      Cim.sint16,
    ),
    '-5',
  )
  assert.equal(
    read(
      variant(Vt.ui1, (at) => at.writeUInt8(200)),
      Cim.uint8,
    ),
    '200',
  )
  assert.equal(
    read(
      variant(Vt.boolean, (at) => at.writeInt16LE(-1)),
      Cim.boolean,
    ),
    'true',
  )
  assert.equal(
    read(
      variant(Vt.boolean, (at) => at.writeInt16LE(0)),
      Cim.boolean,
    ),
    'false',
  )
  assert.equal(
    read(
      variant(Vt.i8, (at) => at.writeBigInt64LE(-(2n ** 62n))),
      Cim.sint64,
    ),
    '-4611686018427387904',
  )
  assert.equal(
    read(
      variant(Vt.r8, (at) => at.writeDoubleLE(1.5)),
      Cim.real64,
    ),
    '1.5',
  )
  assert.equal(read(text('18446744073709551615'), Cim.uint64), '18446744073709551615')
  assert.equal(read(text('20261126101500.120000+060'), Cim.datetime), '2026-11-26T10:15:00.12+01:00')
  assert.equal(read(text('20261126101500.120000+060'), Cim.string), '20261126101500.120000+060')
  assert.equal(
    read(
      variant(Vt.null, () => {}),
      Cim.string,
    ),
    null,
  )
  assert.equal(
    read(
      variant(0, () => {}),
      Cim.string,
    ),
    null,
  )
  assert.equal(
    read(
      variant(Vt.bstr, (at) => at.writeBigUInt64LE(0n)),
      Cim.string,
    ),
    '',
  )
  // An object in an object: VT_UNKNOWN.
  assert.equal(
    read(
      variant(13, (at) => at.writeBigUInt64LE(1n)),
      13,
    ),
    undefined,
  )
})

test('arrays are lists, of one element too, and an empty one says nothing', () => {
  const read = (value: Buffer, cim: number) => readVariant(value, cim | array, copy, plenty())
  assert.deepEqual(
    read(
      list(Vt.i4, 4, 3, (at, i) => at.writeInt32LE(i - 1)),
      Cim.uint32,
    ),
    ['4294967295', '0', '1'],
  )
  assert.deepEqual(
    read(
      list(Vt.bstr, 8, 1, (at) => at.writeBigUInt64LE(bstr(arena, 'one'))),
      Cim.string,
    ),
    ['one'],
  )
  assert.deepEqual(
    read(
      list(Vt.boolean, 2, 2, (at, i) => at.writeInt16LE(-i)),
      Cim.boolean,
    ),
    ['false', 'true'],
  )
  assert.equal(
    read(
      list(Vt.i4, 4, 0, () => {}),
      Cim.uint32,
    ),
    null,
  )
  assert.equal(
    read(
      variant(array | Vt.i4, (at) => at.writeBigUInt64LE(0n)),
      Cim.uint32,
    ),
    null,
  )
})

test('a null inside a text hides nothing, and half a surrogate pair breaks nothing', () => {
  const read = (value: string) => readVariant(text(value), Cim.string, copy, plenty())
  assert.equal(read('kms1\0.evil.example'), 'kms1\ufffd.evil.example')
  assert.equal(read('a\ud800b\udc00'), 'a\ufffdb\ufffd')
  assert.equal(read('😀'), '😀')
  assert.equal(textOf(Buffer.from([0x41, 0, 0x42])), 'A')
})

test('what is larger than allowed is refused before it is copied', () => {
  let copied = 0
  const counting = (address: bigint, length: number) => {
    copied += length
    return copy(address, length)
  }
  const tooLarge = (error: unknown) => error instanceof WmiError && error.what === 'too-large'
  assert.throws(() => readVariant(text('x'.repeat(1000)), Cim.string, counting, { bytes: 100 }), tooLarge)
  assert.throws(
    () =>
      readVariant(
        list(Vt.i4, 4, 1000, () => {}),
        Cim.uint32 | array,
        counting,
        { bytes: 100 },
      ),
    tooLarge,
  )
  assert.ok(copied < 100, `${copied} bytes were copied`)
})

test('dates as WinRM gives them; what is no date stays as it is', () => {
  assert.equal(isoDate('16010101000000.000000-000'), '1601-01-01T00:00:00Z')
  assert.equal(isoDate('20250114093012.000000-330'), '2025-01-14T09:30:12-05:30')
  assert.equal(isoDate('20250114093012.500000+000'), '2025-01-14T09:30:12.5Z')
  for (const other of ['00000008000000.000000:000', '********000000.000000+***', '', '20261126042545.786000+00'])
    assert.equal(isoDate(other), other)
})

test('an argument takes the form of its parameter', () => {
  const made = (value: string | number | boolean, cim: number) => arena.at(variantOf(arena, 'P', value, cim))
  const integer = (value: string | number, cim: number) => [made(value, cim).readUInt16LE(), made(value, cim).readInt32LE(8)]
  assert.deepEqual(integer(4_294_967_295, Cim.uint32), [Vt.i4, -1])
  assert.deepEqual(integer('1688', Cim.uint32), [Vt.i4, 1688])
  assert.deepEqual(integer(-2_147_483_646, Cim.sint32), [Vt.i4, -2_147_483_646])
  assert.deepEqual([made(true, Cim.boolean).readUInt16LE(), made(true, Cim.boolean).readInt16LE(8)], [Vt.boolean, -1])
  assert.equal(made('FALSE', Cim.boolean).readInt16LE(8), 0)
  for (const [value, cim] of [
    ['kms1.corp.example', Cim.string],
    [5, Cim.uint64],
  ] as const) {
    const at = made(value, cim)
    assert.equal(at.readUInt16LE(), Vt.bstr)
    assert.equal(readVariant(at.subarray(0, 24), Cim.string, copy, plenty()), String(value))
  }
  const refused = (value: string | number | boolean, cim: number) =>
    assert.throws(
      () => made(value, cim),
      (error) => error instanceof WmiError && error.what === 'hresult' && error.code === 0x80041005,
    )
  refused(4_294_967_296, Cim.uint32)
  refused(-1, Cim.uint32)
  refused(1.5, Cim.uint32)
  refused('many', Cim.uint32)
  refused('yes', Cim.boolean)
  refused(true, Cim.string)
})

test('a secret goes from bytes into the argument, and is wiped there', () => {
  for (const shown of ['BCDFG-HJKMP', 'pässword €', '😀𐍈']) {
    const variant = variantOf(arena, 'ProductKey', new Secret(Buffer.from(shown)), Cim.string)
    const at = arena.at(variant)
    assert.equal(readVariant(at.subarray(0, 24), Cim.string, copy, plenty()), shown)
    const address = at.readBigUInt64LE(8)
    wipe(arena, variant)
    assert.ok(
      arena
        .at(address)
        .subarray(0, 2 * shown.length)
        .every((byte) => byte === 0),
    )
  }
  for (const bytes of [[0xc0, 0x80], [0xe2, 0x82], [0x80], [0xf5, 0x80, 0x80, 0x80]])
    assert.throws(() => variantOf(arena, 'ProductKey', new Secret(Buffer.from(bytes)), Cim.string), WmiError)
  assert.throws(() => variantOf(arena, 'Port', new Secret(Buffer.from('1')), Cim.uint32), WmiError)
})

/** An object of a provider that says what it likes: names and values by turn, for ever. */
function rowOf(property: (name: Buffer, value: Buffer, type: Buffer) => void, status = () => 0) {
  const freed = { names: 0, values: 0, ended: 0 }
  const mine = new Arena(koffi, 1 << 16)
  const count = (what: keyof typeof freed) => () => {
    freed[what]++
    return 0
  }
  const next = (_object: unknown, _flags: unknown, name: bigint, value: bigint, type: bigint) => {
    property(mine.at(name), mine.at(value), mine.at(type))
    return status()
  }
  const foreign = {
    copy,
    func: (_: string, name: string) => ({ now: count(name === 'SysFreeString' ? 'names' : 'values') }),
    method: (_: bigint, slot: number) => ({ now: slot === 9 ? next : slot === 10 ? count('ended') : () => 0 }),
  }
  const read = () => new RowReader({ arena: mine, foreign } as unknown as Scope, plenty()).row(1n)
  return { read, freed }
}

test('a row without end is too large, and what it allotted is given back', () => {
  for (const name of [0n, bstr(arena, ''), bstr(arena, '__CLASS'), bstr(arena, 'Name')]) {
    const { read, freed } = rowOf((at) => at.writeBigUInt64LE(name))
    assert.throws(read, (e: unknown) => e instanceof WmiError && e.what === 'too-large')
    assert.ok(freed.names > 0 && freed.names === freed.values && freed.ended === 1)
  }
})

test('properties of odd names and types are properties or nothing, and change no object', () => {
  const names = ['__proto__', 'constructor', 'toString', 'a"b\u0000c', '\ud800', 'valueOf', '']
  let n = 0
  const { read, freed } = rowOf(
    (name, value, type) => {
      name.writeBigUInt64LE(n >= names.length ? 0n : bstr(arena, names[n]!))
      // VT_BYREF, VT_UNKNOWN, VT_RECORD, VT_VARIANT, arrays of them, and numbers that are none.
      value.writeUInt16LE([0x4008, 13, 36, 12, 0x200c, 0x6008, 0xffff][n] ?? 1)
      value.writeBigUInt64LE(0xdead_beef_dead_beefn, 8)
      type.writeUInt32LE(0xffff_ffff)
      n++
    },
    () => (n > names.length ? 0x4_0005 : 0),
  )
  assert.deepEqual(read(), {})
  assert.equal(freed.names, names.length)
  assert.equal(({} as Record<string, unknown>).polluted, undefined)
})
