/**
 * MD4 (RFC 1320), which NTLM makes of a password and for nothing else here; Node's OpenSSL no longer has it. Everything that
 * the message touched is wiped.
 */
export function md4(message: Uint8Array): Buffer {
  // Of ArrayBuffers, so that nothing of them is in V8's heap (see utf16le).
  const padded = Buffer.from(new ArrayBuffer(((message.length + 72) >>> 6) << 6))
  const x = new Int32Array(new ArrayBuffer(64))
  try {
    padded.set(message)
    padded[message.length] = 0x80
    padded.writeBigUInt64LE(BigInt(message.length) * 8n, padded.length - 8)
    let a = 0x67452301
    let b = 0xefcdab89 | 0
    let c = 0x98badcfe | 0
    let d = 0x10325476
    for (let at = 0; at < padded.length; at += 64) {
      for (let i = 0; i < 16; i++) x[i] = padded.readInt32LE(at + i * 4)
      const before = [a, b, c, d] as const
      for (let step = 0; step < 48; step++) {
        const round = step >> 4
        const mixed = round === 0 ? (b & c) | (~b & d) : round === 1 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d
        const sum = (a + mixed + x[order[step]!]! + constants[round]!) | 0
        const by = shifts[round]![step & 3]!
        a = d
        d = c
        c = b
        b = (sum << by) | (sum >>> (32 - by))
      }
      a = (a + before[0]) | 0
      b = (b + before[1]) | 0
      c = (c + before[2]) | 0
      d = (d + before[3]) | 0
    }
    const digest = Buffer.from(new ArrayBuffer(16))
    for (const [i, word] of [a, b, c, d].entries()) digest.writeInt32LE(word, i * 4)
    return digest
  } finally {
    padded.fill(0)
    x.fill(0)
  }
}

/** RFC 1320 section 3.4: which word of the block each of the 48 steps takes. */
const order = [
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  ...[0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
  ...[0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
]
const shifts = [
  [3, 7, 11, 19],
  [3, 5, 9, 13],
  [3, 9, 11, 15],
]
const constants = [0, 0x5a827999, 0x6ed9eba1]
