import { timingSafeEqual } from 'node:crypto'
import { NegotiateError, type Sealed } from '../context.ts'
import { md5, padded } from './keys.ts'
import { Flag, has } from './messages.ts'
import { Rc4 } from './rc4.ts'

/** [MS-NLMP] 3.4.5.2 and 3.4.5.3: a key for each direction and use, told apart by these words. */
const magic = {
  clientSign: Buffer.from('session key to client-to-server signing key magic constant\0', 'latin1'),
  serverSign: Buffer.from('session key to server-to-client signing key magic constant\0', 'latin1'),
  clientSeal: Buffer.from('session key to client-to-server sealing key magic constant\0', 'latin1'),
  serverSeal: Buffer.from('session key to server-to-client sealing key magic constant\0', 'latin1'),
}

/** One direction of a session: its signing key, its cipher that runs on from message to message, its running number. */
class Direction {
  readonly #inner: Buffer
  readonly #outer: Buffer
  readonly #sealKey: Buffer
  readonly #exchanged: boolean
  #cipher: Rc4
  #sequence = 0

  constructor(signKey: Buffer, sealKey: Buffer, exchanged: boolean) {
    this.#inner = padded(signKey, 0x36)
    this.#outer = padded(signKey, 0x5c)
    signKey.fill(0)
    this.#sealKey = sealKey
    this.#exchanged = exchanged
    this.#cipher = new Rc4(sealKey)
  }

  cipher(data: Uint8Array): void {
    this.#cipher.apply(data)
  }

  /** [MS-NLMP] 3.4.4.2 MAC with extended session security; the message's running number is taken. */
  sign(message: Uint8Array): Buffer {
    const signature = Buffer.alloc(16)
    signature.writeUInt32LE(1, 0)
    signature.writeUInt32LE(this.#sequence, 12)
    const checksum = md5(this.#outer, md5(this.#inner, signature.subarray(12), message)).subarray(0, 8)
    if (this.#exchanged) this.#cipher.apply(checksum)
    signature.set(checksum, 4)
    this.#sequence = (this.#sequence + 1) >>> 0
    return signature
  }

  /** [MS-SPNG] 3.3.5.1: after mechListMIC the cipher begins anew; the running number goes on. */
  restart(): void {
    this.#cipher.wipe()
    this.#cipher = new Rc4(this.#sealKey)
  }

  wipe(): void {
    this.#cipher.wipe()
    this.#inner.fill(0)
    this.#outer.fill(0)
    this.#sealKey.fill(0)
  }
}

/** The keys of a finished logon, connection-oriented ([MS-NLMP] 3.4): messages are sealed and opened in the order of the wire. */
export class NtlmSession {
  readonly #out: Direction
  readonly #in: Direction
  #state: 'open' | 'broken' | 'closed' = 'open'

  constructor(sessionKey: Uint8Array, flags: number, end: 'client' | 'server') {
    const exchanged = has(flags, Flag.NEGOTIATE_KEY_EXCH)
    const client = new Direction(md5(sessionKey, magic.clientSign), md5(sessionKey, magic.clientSeal), exchanged)
    const server = new Direction(md5(sessionKey, magic.serverSign), md5(sessionKey, magic.serverSeal), exchanged)
    this.#out = end === 'client' ? client : server
    this.#in = end === 'client' ? server : client
  }

  /** [MS-NLMP] 3.4.3: seals the message with the cipher, then its checksum. */
  seal(message: Uint8Array): Sealed {
    this.#check()
    const data = Buffer.allocUnsafe(message.length)
    data.set(message)
    this.#out.cipher(data)
    return { signature: this.#out.sign(message), data }
  }

  unseal({ signature, data }: Sealed): Uint8Array {
    this.#check()
    const message = Buffer.allocUnsafe(data.length)
    message.set(data)
    this.#in.cipher(message)
    if (sameBytes(this.#in.sign(message), signature)) return message
    message.fill(0)
    return this.#broken()
  }

  /** GSS_GetMIC of SPNEGO's list of mechanisms. */
  listMic(list: Uint8Array): Buffer {
    this.#check()
    const signature = this.#out.sign(list)
    this.#out.restart()
    return signature
  }

  verifyListMic(list: Uint8Array, mic: Uint8Array): void {
    this.#check()
    const expected = this.#in.sign(list)
    this.#in.restart()
    if (!sameBytes(expected, mic)) this.#broken()
  }

  close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#out.wipe()
    this.#in.wipe()
  }

  #check(): void {
    if (this.#state === 'broken') throw new NegotiateError('signature', 'NTLM: an earlier message did not verify; the session is over.')
    if (this.#state === 'closed') throw new NegotiateError('refused', 'NTLM: the session is closed.')
  }

  #broken(): never {
    this.#state = 'broken'
    throw new NegotiateError('signature', 'NTLM: the signature does not fit the message or its place in the session.')
  }
}

/** In constant time. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)
