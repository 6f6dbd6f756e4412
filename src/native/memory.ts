import type koffi from 'koffi'

/**
 * Memory outside the JavaScript heap for the length of one foreign call: what a call that runs on another thread is given must
 * neither move nor vanish. Everything is wiped when it is given back, since passwords and tickets pass here.
 */
export class Arena {
  readonly #koffi: typeof koffi
  readonly #address: bigint
  readonly #bytes: Buffer
  #used = 0
  #freed = false

  constructor(library: typeof koffi, size: number) {
    this.#koffi = library
    this.#address = library.alloc('uint8_t', size)
    this.#bytes = Buffer.from(library.view(this.#address, size))
    this.#bytes.fill(0)
  }

  /** Room of this size, zeroed: its address. */
  room(size: number): bigint {
    const at = this.#used
    this.#used += (size + 15) & ~15
    if (this.#used > this.#bytes.length) throw new RangeError('arena')
    return this.#address + BigInt(at)
  }

  /** What stands at an address that `room` gave. */
  at(address: bigint): Buffer {
    return this.#bytes.subarray(Number(address - this.#address))
  }

  bytes(data: Uint8Array): bigint {
    const address = this.room(Math.max(1, data.length))
    this.at(address).set(data)
    return address
  }

  /** A C string. */
  text(text: string): bigint {
    return this.bytes(Buffer.from(`${text}\0`, 'utf8'))
  }

  pointer(address: bigint): bigint | null {
    const value = this.at(address).readBigUInt64LE()
    return value === 0n ? null : value
  }

  u32(address: bigint): number {
    return this.at(address).readUInt32LE()
  }

  free(): void {
    if (this.#freed) return
    this.#freed = true
    this.#bytes.fill(0)
    this.#koffi.free(this.#address)
  }
}

/** A copy of foreign memory. */
export const copyOf = (library: typeof koffi, address: bigint | null, length: number): Buffer =>
  address === null || length === 0 ? Buffer.alloc(0) : Buffer.from(Buffer.from(library.view(address, length)))
