import { createHash } from 'node:crypto'
import { NegotiateError } from '../context.ts'
import { md4 } from './md4.ts'

/**
 * The NT hash of a password ([MS-NLMP] 3.3.1 NTOWFv1: MD4 of its UTF-16). As good as the password itself to whoever logs on by
 * NTLM: wipe it when done.
 */
export function ntHash(passwordUtf8: Uint8Array): Buffer {
  const utf16 = utf16le(passwordUtf8)
  try {
    return md4(utf16)
  } finally {
    utf16.fill(0)
  }
}

/** [MS-NLMP] 3.3.2 NTOWFv2, from the NT hash: what both ends derive the response and the keys of a logon from. */
export function ntowfv2(hash: Uint8Array, user: string, domain: string): Buffer {
  return hmacMd5(hash, Buffer.from(upperCase(user) + domain, 'utf16le'))
}

/** RFC 2104 with MD5, for keys of up to 64 bytes: OpenSSL's HMAC takes three times as long to prepare as it takes for these messages. */
export function hmacMd5(key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  const [inner, outer] = [padded(key, 0x36), padded(key, 0x5c)]
  try {
    return md5(outer, md5(inner, ...parts))
  } finally {
    inner.fill(0)
    outer.fill(0)
  }
}

/** RFC 2104: the key over one block, for the inner or the outer hash; of an ArrayBuffer, so that it can be wiped (see utf16le). */
export function padded(key: Uint8Array, byte: number): Buffer {
  const block = Buffer.from(new ArrayBuffer(64)).fill(byte)
  for (const [i, one] of key.entries()) block[i]! ^= one
  return block
}

export function md5(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/**
 * Windows upper-cases a user name character by character: ß stays one letter, and no letter outside ASCII becomes one inside
 * (ı, ſ). Not documented in [MS-NLMP]; the micro sign is left alone as in Windows' own table.
 */
function upperCase(name: string): string {
  return name.replace(/[^\x00-\x60]/g, (letter) => {
    const upper = letter.toUpperCase()
    if (upper.length !== 1 || letter === '\u00b5') return letter
    return letter > '\x7f' && upper < '\x80' ? letter : upper
  })
}

/** UTF-8 to UTF-16LE without a string in between, which nobody could wipe. */
export function utf16le(utf8: Uint8Array): Buffer {
  // Of an ArrayBuffer: V8 keeps arrays of up to 64 bytes in its heap, and the first native call copies them out of it and leaves
  // the old bytes where they were, as a core file shows.
  const out = Buffer.from(new ArrayBuffer(utf8.length * 2))
  let length = 0
  for (let at = 0; at < utf8.length; ) {
    const first = utf8[at]!
    const more = first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1
    let code = more === 0 ? first : first & (0x3f >> more)
    let sound = more >= 0 && at + more < utf8.length
    for (let i = 1; sound && i <= more; i++) {
      const next = utf8[at + i]!
      sound = (next & 0xc0) === 0x80
      code = (code << 6) | (next & 0x3f)
    }
    if (!sound || (more === 2 && code < 0x800) || (more === 3 && (code < 0x10000 || code > 0x10ffff)) || code >> 11 === 0x1b) {
      out.fill(0)
      throw new NegotiateError('refused', 'The password is not valid UTF-8.')
    }
    at += more + 1
    if (code < 0x10000) length = out.writeUInt16LE(code, length)
    else {
      length = out.writeUInt16LE(0xd800 + ((code - 0x10000) >> 10), length)
      length = out.writeUInt16LE(0xdc00 + (code & 0x3ff), length)
    }
  }
  // The same memory, so that wiping it wipes all of the password.
  return out.subarray(0, length)
}
