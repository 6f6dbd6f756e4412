import { NativeError } from './error.ts'
import { wide } from './foreign.ts'
import { here } from './windows.ts'

/** wincred.h: CRED_TYPE_GENERIC; ERROR_NOT_FOUND; places in CREDENTIALW on 64 bits. */
const generic = 1
const notFound = 1168
const blobSizeAt = 32n
const blobAt = 40n

/**
 * The secret of a generic credential of whoever runs the process, as `cmdkey /generic` keeps it: UTF-16, here turned into UTF-8
 * without becoming a string. Null where there is none. The caller wipes it.
 */
export async function genericCredential(target: string): Promise<Buffer | null> {
  const foreign = await here()
  const arena = foreign.arena(2 * target.length + 1024)
  try {
    const out = arena.room(8)
    if (foreign.func('advapi32.dll', 'CredReadW', 'puup').now(wide(arena, target), generic, 0, out) === 0) {
      const error = foreign.func('kernel32.dll', 'GetLastError', '').now()
      if (error === notFound) return null
      throw new NativeError('refused', `Windows does not read its credentials (error ${error}).`, error)
    }
    const credential = arena.pointer(out)!
    try {
      const size = foreign.copy(credential + blobSizeAt, 4).readUInt32LE()
      if (size === 0) return Buffer.alloc(0)
      const blob = foreign.copy(foreign.copy(credential + blobAt, 8).readBigUInt64LE(), size)
      try {
        return utf8(blob)
      } finally {
        blob.fill(0)
      }
    } finally {
      foreign.func('advapi32.dll', 'CredFree', 'p').now(credential)
    }
  } finally {
    arena.free()
  }
}

/** UTF-16 into UTF-8, byte by byte. Half of a surrogate pair, or of a character, cannot be typed, and is refused: some programs keep UTF-8. */
export function utf8(utf16: Uint8Array): Buffer {
  if (utf16.length % 2 !== 0) throw new NativeError('malformed', 'The credential holds what is no text in UTF-16, as cmdkey keeps it.')
  const bytes = Buffer.from(new ArrayBuffer(utf16.length * 2))
  let length = 0
  const add = (byte: number) => {
    bytes[length++] = byte
  }
  const unit = (at: number) => utf16[at]! | (utf16[at + 1]! << 8)
  for (let at = 0; at + 1 < utf16.length; at += 2) {
    let point = unit(at)
    if (point >= 0xd800 && point < 0xe000) {
      const low = at + 3 < utf16.length ? unit(at + 2) : 0
      if (point >= 0xdc00 || low < 0xdc00 || low >= 0xe000) {
        bytes.fill(0)
        throw new NativeError('malformed', 'The credential holds what is no text.')
      }
      point = 0x1_0000 + ((point - 0xd800) << 10) + (low - 0xdc00)
      at += 2
    }
    if (point < 0x80) add(point)
    else if (point < 0x800) [0xc0 | (point >> 6), 0x80 | (point & 63)].forEach(add)
    else if (point < 0x1_0000) [0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63)].forEach(add)
    else [0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63)].forEach(add)
  }
  return bytes.subarray(0, length)
}
