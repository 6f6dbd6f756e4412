import { randomFillSync } from 'node:crypto'
import { inspect } from 'node:util'

/**
 * Memory outside V8's heap. An array of up to 64 bytes is kept inside it until the first native call, which copies it out and
 * leaves the old bytes where they were: nobody could wipe those.
 */
const ownMemory = (length: number): Buffer => Buffer.from(new ArrayBuffer(length))

/**
 * A secret as masked bytes in memory of its own. Neither a log, an error, JSON nor a core file shows it; `use` unmasks it into
 * a buffer that is wiped when the call ends. Whoever makes a string of the bytes breaks this: keep them bytes.
 */
export class Secret {
  readonly #masked: Uint8Array
  readonly #mask: Uint8Array

  /** Takes the bytes over and wipes the given ones. */
  constructor(bytes: Uint8Array) {
    this.#mask = ownMemory(bytes.length)
    randomFillSync(this.#mask)
    this.#masked = ownMemory(bytes.length)
    for (let i = 0; i < bytes.length; i++) this.#masked[i] = bytes[i]! ^ this.#mask[i]!
    bytes.fill(0)
  }

  /** Length in bytes. */
  get length(): number {
    return this.#masked.length
  }

  /** Shows the bytes to `f` and wipes them when it returns (or throws). `f` must be done with them by then: it is not awaited. */
  use<T>(f: (bytes: Uint8Array) => T): T {
    const bytes = ownMemory(this.#masked.length)
    try {
      for (let i = 0; i < bytes.length; i++) bytes[i] = this.#masked[i]! ^ this.#mask[i]!
      return f(bytes)
    } finally {
      bytes.fill(0)
    }
  }

  /** Forgets the secret. */
  wipe(): void {
    this.#masked.fill(0)
    this.#mask.fill(0)
  }

  toString(): string {
    return '•••'
  }
  toJSON(): string {
    return '•••'
  }
  [inspect.custom](): string {
    return 'Secret(•••)'
  }
}
