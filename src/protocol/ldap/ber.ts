/**
 * The part of BER (X.690) that LDAP uses (RFC 4511 5.1): definite lengths, tags of one byte, strings in one piece. Active Directory
 * writes lengths in more bytes than needed; that is allowed.
 */

/** What the other end sent breaks the rules: nothing of it is used. */
export class BadBer extends Error {}

export const Tag = { boolean: 0x01, integer: 0x02, octets: 0x04, enumerated: 0x0a, sequence: 0x30, set: 0x31 } as const

export function ber(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0
  for (const part of parts) length += part.length
  const octets = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x1_0000 ? 2 : 4
  // Memory of its own, outside V8's heap: a bind request is wiped when it is sent.
  const whole = Buffer.from(new ArrayBuffer(2 + octets + length))
  whole[0] = tag
  whole[1] = octets === 0 ? length : 0x80 | octets
  if (octets > 0) whole.writeUIntBE(length, 2, octets)
  let at = 2 + octets
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export const berText = (text: string, tag: number = Tag.octets): Buffer => ber(tag, Buffer.from(text, 'utf8'))
export const berBoolean = (value: boolean, tag: number = Tag.boolean): Buffer => ber(tag, Buffer.of(value ? 0xff : 0))

/** A number from 0 to 2^31 - 1. */
export function berInteger(value: number, tag: number = Tag.integer): Buffer {
  const bytes = Buffer.alloc(5)
  bytes.writeUInt32BE(value, 1)
  let from = 0
  while (from < 4 && bytes[from] === 0 && bytes[from + 1]! < 0x80) from++
  return ber(tag, bytes.subarray(from))
}

/** Tag, length of the head and of the content of the value at `at`; null where its head is not all there yet. */
export function berHead(bytes: Buffer, at: number): { readonly tag: number; readonly head: number; readonly length: number } | null {
  if (at + 2 > bytes.length) return null
  const tag = bytes[at]!
  const first = bytes[at + 1]!
  if ((tag & 0x1f) === 0x1f) throw new BadBer('a tag of several bytes')
  if (first < 0x80) return { tag, head: 2, length: first }
  const octets = first & 0x7f
  if (octets === 0 || octets > 4) throw new BadBer('a length that LDAP does not know')
  if (at + 2 + octets > bytes.length) return null
  return { tag, head: 2 + octets, length: bytes.readUIntBE(at + 2, octets) }
}

/** Walks over the values inside one value. */
export class BerReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get more(): boolean {
    return this.#at < this.#bytes.length
  }

  next(): { readonly tag: number; readonly content: Buffer } {
    const found = berHead(this.#bytes, this.#at)
    const from = this.#at + (found?.head ?? 0)
    if (!found || from + found.length > this.#bytes.length) throw new BadBer('a value ends in the middle')
    this.#at = from + found.length
    return { tag: found.tag, content: this.#bytes.subarray(from, this.#at) }
  }

  /** The next value, which must have this tag. */
  take(tag: number): Buffer {
    const { tag: is, content } = this.next()
    if (is !== tag) throw new BadBer('another kind of value than was due')
    return content
  }

  /** A number from 0 to 2^31 - 1. */
  integer(tag: number = Tag.integer): number {
    const content = this.take(tag)
    if (content.length < 1 || content.length > 4 || content[0]! >= 0x80) throw new BadBer('a number out of its range')
    return content.readUIntBE(0, content.length)
  }

  text(): string {
    return this.take(Tag.octets).toString('utf8')
  }
}
