import type { Arena } from '../memory.ts'
import { WmiError } from './error.ts'
import { Cim, Vt, variantSize } from './variant.ts'

/** Bytes that are shown for the length of a call, and wiped by their owner; `length` in bytes. */
export type Shown = { readonly length: number; readonly use: <T>(f: (bytes: Uint8Array) => T) => T }
export type WmiArgument = string | number | boolean | Shown

/** wbemcli.h. */
const invalidMethodParameters = 0x8004_102f
const typeMismatch = 0x8004_1005

/** CIM integers up to 32 bits: the variant that WMI wants, and the range (Microsoft, "Numbers": uint32 comes in VT_I4). */
const integers: ReadonlyMap<number, readonly [vt: number, least: number, most: number]> = new Map([
  [Cim.sint8, [Vt.i2, -0x80, 0x7f]],
  [Cim.uint8, [Vt.ui1, 0, 0xff]],
  [Cim.sint16, [Vt.i2, -0x8000, 0x7fff]],
  [Cim.uint16, [Vt.i4, 0, 0xffff]],
  [Cim.sint32, [Vt.i4, -0x8000_0000, 0x7fff_ffff]],
  [Cim.uint32, [Vt.i4, 0, 0xffff_ffff]],
])

/**
 * An argument as the VARIANT of its parameter's CIM type, in the arena, which is wiped when it is freed. A secret goes from its
 * bytes into the BSTR and is never a text of JavaScript.
 */
export function variantOf(arena: Arena, name: string, value: WmiArgument, cim: number): bigint {
  const variant = arena.room(variantSize)
  const at = arena.at(variant)
  const is = (vt: number) => at.writeUInt16LE(vt)
  const mismatch = () => new WmiError('hresult', `the parameter ${name} is of another type`, typeMismatch)
  const integer = integers.get(cim)
  if (typeof value === 'object') {
    if (cim !== Cim.string) throw mismatch()
    is(Vt.bstr)
    at.writeBigUInt64LE(
      value.use((bytes) => secretBstr(arena, bytes)),
      8,
    )
  } else if (integer) {
    const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
    if (typeof number !== 'number' || !Number.isInteger(number) || number < integer[1] || number > integer[2]) throw mismatch()
    is(integer[0])
    at.writeInt32LE(number | 0, 8)
  } else if (cim === Cim.boolean) {
    const truth = typeof value === 'string' ? ({ true: true, false: false } as Record<string, boolean>)[value.toLowerCase()] : value
    if (typeof truth !== 'boolean') throw mismatch()
    is(Vt.boolean)
    at.writeInt16LE(truth ? -1 : 0, 8)
  } else if (cim === Cim.string || cim === Cim.sint64 || cim === Cim.uint64 || cim === Cim.datetime || cim === Cim.reference) {
    if (typeof value === 'boolean') throw mismatch()
    is(Vt.bstr)
    at.writeBigUInt64LE(bstr(arena, String(value)), 8)
  } else throw new WmiError('hresult', `the parameter ${name} is of a type that slmctl does not send`, invalidMethodParameters)
  return variant
}

/** Wipes the text of a VARIANT of ours; what WMI copied of it is WMI's own. */
export function wipe(arena: Arena, variant: bigint): void {
  const text = arena.pointer(variant + 8n)!
  arena.at(text).fill(0, 0, arena.u32(text - 4n))
}

/** A BSTR in the arena: as an argument it stays ours, and nobody but us frees it. */
export function bstr(arena: Arena, text: string): bigint {
  const address = emptyBstr(arena, text.length)
  arena.at(address).write(text, 'utf16le')
  return address
}

/** Room for this many characters, behind the length and before a terminator. */
function emptyBstr(arena: Arena, characters: number): bigint {
  const room = arena.room(16 + 2 * characters + 2)
  arena.at(room).writeUInt32LE(2 * characters, 12)
  return room + 16n
}

/** UTF-8 straight into UTF-16. */
function secretBstr(arena: Arena, bytes: Uint8Array): bigint {
  const address = emptyBstr(arena, bytes.length)
  const at = arena.at(address)
  let length = 0
  const unit = (code: number) => {
    at.writeUInt16LE(code, length)
    length += 2
  }
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i]!
    const more =
      first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : -1
    const tail = bytes.subarray(i + 1, i + 1 + more)
    if (more < 0 || tail.length < more || tail.some((byte) => byte >> 6 !== 2))
      throw new WmiError('hresult', 'the secret is no text in UTF-8', invalidMethodParameters)
    let code = more === 0 ? first : first & (0x3f >> more)
    for (const byte of tail) code = (code << 6) | (byte & 0x3f)
    if (code > 0xffff) {
      unit(0xd800 | ((code - 0x1_0000) >> 10))
      unit(0xdc00 | ((code - 0x1_0000) & 0x3ff))
    } else unit(code)
    i += 1 + more
  }
  arena.at(address - 4n).writeUInt32LE(length)
  return address
}
