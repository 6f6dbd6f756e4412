import { NegotiateError } from './context.ts'

/**
 * The few rules of DER (X.690) that SPNEGO needs, strict: definite lengths in their shortest form, nothing outside what was
 * given. A Reader walks over the values of one constructed value.
 */
export class DerReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get more(): boolean {
    return this.#at < this.#bytes.length
  }

  /** The tag that comes next, -1 at the end. */
  get tag(): number {
    return this.#bytes[this.#at] ?? -1
  }

  /** The next value, which must have this tag: its content. */
  take(tag: number): Buffer {
    if (this.tag !== tag) throw bad()
    return this.#next().content
  }

  /** The next value if it has this tag. */
  maybe(tag: number): Buffer | null {
    return this.tag === tag ? this.#next().content : null
  }

  /** The next value, whatever it is, with tag and length. */
  whole(): Buffer {
    return this.#next().whole
  }

  end(): void {
    if (this.more) throw bad()
  }

  #next(): { content: Buffer; whole: Buffer } {
    const bytes = this.#bytes
    const start = this.#at
    let at = start + 1
    let length = bytes[at++]
    if (length === undefined || (bytes[start]! & 0x1f) === 0x1f) throw bad()
    if (length > 0x80 && length <= 0x83) {
      const octets = length & 0x7f
      if (at + octets > bytes.length) throw bad()
      length = bytes.readUIntBE(at, octets)
      at += octets
      if (length < 0x80 || length < 256 ** (octets - 1)) throw bad()
    } else if (length >= 0x80) throw bad()
    const end = at + length
    if (end > bytes.length) throw bad()
    this.#at = end
    return { content: bytes.subarray(at, end), whole: bytes.subarray(start, end) }
  }
}

/** The one value that the bytes are, which must have this tag. */
export function derOnly(bytes: Uint8Array, tag: number): Buffer {
  const reader = new DerReader(bytes)
  const content = reader.take(tag)
  reader.end()
  return content
}

export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const length = content.length
  const octets = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : 3
  const head = Buffer.alloc(2 + octets)
  head[0] = tag
  head[1] = octets === 0 ? length : 0x80 | octets
  if (octets > 0) head.writeUIntBE(length, 2, octets)
  return Buffer.concat([head, content])
}

const bad = () => new NegotiateError('malformed', 'The token is not well-formed DER.')
