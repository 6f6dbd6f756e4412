import { check, WmiError } from './error.ts'
import type { Scope } from './scope.ts'
import { type Allowance, readBstr, readVariant, variantSize, type WmiText } from './variant.ts'

/** Names as the machine spells them; system properties (`__CLASS`) are left out. */
export type NativeRow = Readonly<Record<string, WmiText>>

/** wbemcli.h: places in IWbemClassObject, a flag and codes. */
const [beginEnumeration, nextProperty, endEnumeration] = [8, 9, 10]
const nonSystemOnly = 0x40
const noMore = 1
const noMoreData = 0x4_0005
/** More properties than any class has; a row that goes on without end would hold the event loop for ever. */
const propertiesMax = 10_000

/** Properties of objects, one after another; what COM allots for them is given back at once. */
export class RowReader {
  readonly #scope: Scope
  readonly #allowance: Allowance
  readonly #name: bigint
  readonly #variant: bigint
  readonly #type: bigint

  constructor(scope: Scope, allowance: Allowance) {
    const { arena } = scope
    this.#scope = scope
    this.#allowance = allowance
    this.#name = arena.room(8)
    this.#variant = arena.room(variantSize)
    this.#type = arena.room(4)
  }

  row(object: bigint): NativeRow {
    const { foreign } = this.#scope
    check(foreign.method(object, beginEnumeration!, 'u').now(object, nonSystemOnly), 'a row')
    try {
      const next = foreign.method(object, nextProperty!, 'upppp')
      const row: Record<string, WmiText> = {}
      for (let read = 0; ; read++) {
        if (read > propertiesMax) throw new WmiError('too-large', `over ${propertiesMax} properties in a row`)
        const status = next.now(object, 0, this.#name, this.#variant, this.#type, null)
        check(status, 'a row')
        if (status === noMoreData || status === noMore) return row
        this.#property(row)
      }
    } finally {
      foreign.method(object, endEnumeration!, '').now(object)
    }
  }

  #property(row: Record<string, WmiText>): void {
    const { arena, foreign } = this.#scope
    const name = arena.pointer(this.#name)
    try {
      const spelled = name === null ? '' : readBstr(name, foreign.copy, this.#allowance)
      // System properties, and a property called __proto__, which would change the object instead of filling it.
      if (spelled === '' || spelled.startsWith('__')) return
      const value = readVariant(arena.at(this.#variant), arena.u32(this.#type), foreign.copy, this.#allowance)
      if (value !== undefined) row[spelled] = value
    } finally {
      foreign.func('oleaut32.dll', 'SysFreeString', 'p').now(name)
      foreign.func('oleaut32.dll', 'VariantClear', 'p').now(this.#variant)
      arena.at(this.#name).writeBigUInt64LE(0n)
    }
  }
}
