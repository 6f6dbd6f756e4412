import { textOf } from '../foreign.ts'
import { WmiError } from './error.ts'

/** As WS-Man carries it: text, null for NULL, a list for an array. */
export type WmiText = string | null | readonly (string | null)[]

/** Reads memory that is not ours. */
export type Copy = (address: bigint, length: number) => Buffer

/** Bytes that may still be read: what is larger is refused before it is copied. */
export type Allowance = { bytes: number }

/** wtypes.h, VARENUM. */
export const Vt = { null: 1, i2: 2, i4: 3, r4: 4, r8: 5, bstr: 8, boolean: 11, i1: 16, ui1: 17, ui2: 18, ui4: 19, i8: 20, ui8: 21 } as const
const array = 0x2000
/** wbemcli.h, CIMTYPE_ENUMERATION. */
export const Cim = {
  ...{ sint16: 2, sint32: 3, real32: 4, real64: 5, string: 8, boolean: 11, sint8: 16, uint8: 17, uint16: 18, uint32: 19 },
  ...{ sint64: 20, uint64: 21, datetime: 101, reference: 102, char16: 103 },
} as const

/** Size of a VARIANT, and of one element of an array, in bytes. */
export const variantSize = 24
const sizes: ReadonlyMap<number, number> = new Map([
  ...[Vt.i1, Vt.ui1].map((vt): [number, number] => [vt, 1]),
  ...[Vt.i2, Vt.ui2, Vt.boolean].map((vt): [number, number] => [vt, 2]),
  ...[Vt.i4, Vt.ui4, Vt.r4].map((vt): [number, number] => [vt, 4]),
  ...[Vt.i8, Vt.ui8, Vt.r8, Vt.bstr].map((vt): [number, number] => [vt, 8]),
])
/** More elements than any property has. */
const elementsMax = 65_536

/**
 * A VARIANT of WMI as text, by the CIM type of its property: unsigned numbers come in signed variants (uint32 in VT_I4), dates in
 * WMI's own form. Undefined for what has no text: objects in objects.
 */
export function readVariant(variant: Buffer, cim: number, copy: Copy, allowance: Allowance): WmiText | undefined {
  const vt = variant.readUInt16LE()
  if (vt === 0 || vt === Vt.null) return null
  const type = cim & ~array
  if ((vt & array) === 0) return readOne(variant.subarray(8, 16), vt, type, copy, allowance)
  const element = vt & ~array
  const size = sizes.get(element)
  const address = variant.readBigUInt64LE(8)
  if (size === undefined) return undefined
  if (address === 0n) return null
  // SAFEARRAY: dimensions, features, element size, locks, data, and for each dimension count and lower bound.
  const descriptor = copy(address, 32)
  const data = descriptor.readBigUInt64LE(16)
  const count = descriptor.readUInt32LE(24)
  if (descriptor.readUInt16LE() !== 1 || descriptor.readUInt32LE(4) !== size) return undefined
  if (count > elementsMax) throw new WmiError('too-large', `${count} elements`)
  // WS-Man has no empty array: nothing is said.
  if (count === 0 || data === 0n) return null
  spend(allowance, count * size)
  const elements = copy(data, count * size)
  return Array.from({ length: count }, (_, i) => readOne(elements.subarray(i * size), element, type, copy, allowance) ?? null)
}

function readOne(at: Buffer, vt: number, cim: number, copy: Copy, allowance: Allowance): string | null | undefined {
  switch (vt) {
    case Vt.bstr: {
      const address = at.readBigUInt64LE()
      const text = address === 0n ? '' : readBstr(address, copy, allowance)
      return cim === Cim.datetime ? isoDate(text) : text
    }
    case Vt.boolean:
      return at.readInt16LE() === 0 ? 'false' : 'true'
    case Vt.i1:
      return String(at.readInt8())
    case Vt.ui1:
      return String(at.readUInt8())
    case Vt.i2:
      return String(cim === Cim.char16 || cim === Cim.uint16 ? at.readUInt16LE() : at.readInt16LE())
    case Vt.ui2:
      return String(at.readUInt16LE())
    case Vt.i4:
      return String(cim === Cim.uint32 ? at.readUInt32LE() : at.readInt32LE())
    case Vt.ui4:
      return String(at.readUInt32LE())
    case Vt.i8:
      return String(at.readBigInt64LE())
    case Vt.ui8:
      return String(at.readBigUInt64LE())
    case Vt.r4:
      return String(at.readFloatLE())
    case Vt.r8:
      return String(at.readDoubleLE())
    default:
      return undefined
  }
}

/** A BSTR: its length in bytes stands before it, and nulls inside are part of it. */
export function readBstr(address: bigint, copy: Copy, allowance: Allowance): string {
  const length = copy(address - 4n, 4).readUInt32LE()
  spend(allowance, length)
  return length === 0 ? '' : textOf(copy(address, length & ~1))
}

function spend(allowance: Allowance, bytes: number): void {
  allowance.bytes -= bytes
  if (allowance.bytes < 0) throw new WmiError('too-large', 'the values of the rows')
}

/**
 * WMI's own form of a date (DSP0004 5.2.4: `20261126101500.000000+060`, minutes of offset) as xs:dateTime, which is what WS-Man
 * makes of it; anything else (spans, unknown parts) as it is.
 */
export function isoDate(text: string): string {
  const m = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\.(\d{6})([+-])(\d{3})$/.exec(text)
  if (!m) return text
  const [, year, month, day, hour, minute, second, micro, sign, offset] = m as unknown as string[]
  const fraction = micro!.replace(/0+$/, '')
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0')
  const zone = Number(offset) === 0 ? 'Z' : `${sign}${two(Number(offset) / 60)}:${two(Number(offset) % 60)}`
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction && `.${fraction}`}${zone}`
}
