import type koffi from 'koffi'
import { type Argument, aside, type Foreign as Declared, exitsAtOnce } from './aside.ts'
import { loadKoffi } from './library.ts'
import { Arena, copyOf } from './memory.ts'

/**
 * A foreign function that is declared: called at once, or on another thread. Arguments are pointers (bigint, null) and 32-bit numbers;
 * what comes back is unsigned.
 */
export type ForeignFunction<R = number> = {
  readonly now: (...args: readonly Argument[]) => R
  readonly aside: (...args: readonly Argument[]) => Promise<R>
}

/**
 * All that Windows' own libraries need of whatever calls foreign functions: another one than koffi implements this and nothing
 * else. Parameters are letters: `p` a pointer or a handle, `u` 32 bits.
 */
export type Foreign = {
  readonly func: (library: string, name: string, letters: string) => ForeignFunction
  /** One that gives a pointer or a handle. */
  readonly pointerFunc: (library: string, name: string, letters: string) => ForeignFunction<bigint>
  /** A method of a COM object by its place in the interface; the object itself is the first parameter, without a letter. */
  readonly method: (object: bigint, slot: number, letters: string) => ForeignFunction
  readonly arena: (size: number) => Arena
  /** A copy of memory that is not ours. */
  readonly copy: (address: bigint, length: number) => Buffer
}

/** Methods are found by their address in memory, so that no function is declared twice; more than any session has. */
const methodsMax = 4096

function overKoffi(library: typeof koffi): Foreign {
  exitsAtOnce(library)
  const libraries = new Map<string, ReturnType<typeof koffi.load>>()
  const known = new Map<string, ForeignFunction<unknown>>()
  const types = (letters: string) => [...letters].map((letter) => (letter === 'u' ? 'uint32_t' : 'void *'))
  const prototypes = new Map<string, ReturnType<typeof koffi.proto>>()

  const called = <R>(declared: Declared, result: (value: unknown) => R): ForeignFunction<R> => ({
    now: (...args) => result(declared(...args)),
    aside: async (...args) => result(await aside(declared, args)),
  })
  const found = <R>(id: string, make: () => ForeignFunction<R>): ForeignFunction<R> => {
    const before = known.get(id)
    if (before) return before as ForeignFunction<R>
    const made = make()
    known.set(id, made)
    return made
  }
  const declare = (file: string, name: string, type: string, letters: string) => {
    let handle = libraries.get(file)
    if (!handle) {
      handle = library.load(file)
      libraries.set(file, handle)
    }
    return handle.func('__stdcall', name, type, types(letters)) as unknown as Declared
  }
  const pointerAt = (address: bigint) => copyOf(library, address, 8).readBigUInt64LE()
  return {
    func: (file, name, letters) => found(`${file}:${name}`, () => called(declare(file, name, 'uint32_t', letters), Number)),
    pointerFunc: (file, name, letters) =>
      found(`${file}:${name}`, () => called(declare(file, name, 'uint64_t', letters), (value) => BigInt(value as bigint | number))),
    method: (object, slot, letters) => {
      const address = pointerAt(pointerAt(object) + BigInt(8 * slot))
      if (known.size > methodsMax) known.clear()
      return found(`${address}:${letters}`, () => {
        let prototype = prototypes.get(letters)
        if (!prototype) {
          prototype = library.proto('__stdcall', null, 'uint32_t', types(`p${letters}`))
          prototypes.set(letters, prototype)
        }
        return called(library.decode(address, prototype) as unknown as Declared, Number)
      })
    },
    arena: (size) => new Arena(library, size),
    copy: (address, length) => copyOf(library, address, length),
  }
}

let loading: Promise<Foreign> | undefined

/** Foreign functions of this system, loaded once; a failure is not remembered. */
export function loadForeign(): Promise<Foreign> {
  loading ??= loadKoffi()
    .then(overKoffi)
    .catch((error: unknown) => {
      loading = undefined
      throw error
    })
  return loading
}

/** UTF-16 with its terminator, as the W functions read it. */
export const wide = (arena: Arena, text: string): bigint => arena.bytes(Buffer.from(`${text}\0`, 'utf16le'))

/** UTF-16 as text that can be shown and written anywhere: half a surrogate pair, and a null in the middle, become U+FFFD. */
export const textOf = (utf16: Buffer): string => utf16.toString('utf16le').toWellFormed().replaceAll('\0', '\ufffd')
