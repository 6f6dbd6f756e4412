/** RC4, the cipher of NTLM's sealing ([MS-NLMP] 3.4.3); Node's OpenSSL no longer has it. One state for each direction of a session. */
export class Rc4 {
  readonly #state = new Uint8Array(256)
  #i = 0
  #j = 0

  constructor(key: Uint8Array) {
    const s = this.#state
    for (let i = 0; i < 256; i++) s[i] = i
    for (let i = 0, j = 0; i < 256; i++) {
      const x = s[i]!
      j = (j + x + key[i % key.length]!) & 255
      s[i] = s[j]!
      s[j] = x
    }
  }

  /** En- or deciphers in place. A Windows fleet's whole answers pass here: keep the loop free of allocation. */
  apply(data: Uint8Array): void {
    const s = this.#state
    let i = this.#i
    let j = this.#j
    for (let k = 0; k < data.length; k++) {
      i = (i + 1) & 255
      const x = s[i]!
      j = (j + x) & 255
      const y = s[j]!
      s[i] = y
      s[j] = x
      data[k] = data[k]! ^ s[(x + y) & 255]!
    }
    this.#i = i
    this.#j = j
  }

  wipe(): void {
    this.#state.fill(0)
    this.#i = this.#j = 0
  }
}

/** One short message under a key of its own, such as the exchanged session key. */
export function rc4(key: Uint8Array, message: Uint8Array): Buffer {
  const cipher = new Rc4(key)
  const out = Buffer.from(message)
  cipher.apply(out)
  cipher.wipe()
  return out
}
