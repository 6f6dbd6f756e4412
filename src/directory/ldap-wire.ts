import type { Socket } from 'node:net'
import { BadBer, berHead, Tag } from '../protocol/ldap.ts'
import { NegotiateError, type SecurityContext } from '../protocol/negotiate.ts'

/** Entries of a directory are a few kilobytes; a message beyond this is no answer to us. */
export const messageMax = 8 * 1024 * 1024
/** RFC 4752 3.3 and [MS-ADTS] 5.1.1.1.2: a sealed buffer, with four bytes of length before it. Active Directory sends at most so much. */
const sealedMax = 16 * 1024 * 1024
/** What stands before the sealed bytes: AES Kerberos 60 bytes, NTLM 16. Whoever opens it puts both together again. */
const signatureLength = { kerberos: 60, ntlm: 16 } as const

/** The connection ended, or stood still. */
export class WireError extends Error {
  readonly why: 'closed' | 'slow' | 'garbage' | 'seal'
  constructor(why: WireError['why'], message: string) {
    super(message)
    this.why = why
  }
}

/** Bytes as they come in pieces, put together once when enough are there. */
class Queue {
  #parts: Buffer[] = []
  length = 0

  push(part: Buffer): void {
    this.#parts.push(part)
    this.length += part.length
  }

  /** All that is there, in one piece. */
  whole(): Buffer {
    if (this.#parts.length > 1) this.#parts = [Buffer.concat(this.#parts)]
    return this.#parts[0] ?? Buffer.alloc(0)
  }

  take(count: number): Buffer {
    const whole = this.whole()
    this.length -= count
    this.#parts = count < whole.length ? [whole.subarray(count)] : []
    return whole.subarray(0, count)
  }
}

/**
 * LDAP messages over a socket, in clear, over TLS, or sealed by a security context. Read when they are asked for: what is not
 * asked for stays in the socket, so that a directory of any size needs the memory of one message.
 */
export class Wire {
  #socket: Socket
  #context: SecurityContext | null = null
  readonly #raw = new Queue()
  readonly #plain = new Queue()
  #error: Error | null = null
  #closed = false
  readonly #timeoutMs: number

  constructor(socket: Socket, timeoutMs: number) {
    this.#timeoutMs = timeoutMs
    this.#socket = socket
    this.#watch()
  }

  get socket(): Socket {
    return this.#socket
  }

  /** True where bytes are there that nobody asked for: after an agreement on TLS there may be none (they would be from before it). */
  get dirty(): boolean {
    return this.#raw.length > 0 || this.#plain.length > 0 || this.#socket.readableLength > 0
  }

  /** Gives the socket to TLS. */
  release(): Socket {
    this.#socket.removeAllListeners('error')
    return this.#socket
  }

  replace(socket: Socket): void {
    this.#socket = socket
    this.#watch()
  }

  seal(context: SecurityContext): void {
    this.#context = context
  }

  #watch(): void {
    this.#socket.on('error', (error) => {
      this.#error ??= error
    })
  }

  /** Sends a message; one in which a password stands is wiped by whoever made it, when this ends. */
  send(message: Uint8Array): Promise<void> {
    if (this.#closed) return Promise.reject(new WireError('closed', 'the connection was closed before'))
    let bytes = message
    if (this.#context !== null) {
      const { signature, data } = this.#context.seal(message)
      const head = Buffer.allocUnsafe(4)
      head.writeUInt32BE(signature.length + data.length)
      bytes = Buffer.concat([head, signature, data])
    }
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new WireError('slow', 'it takes nothing')), this.#timeoutMs)
      this.#socket.write(bytes, (error) => {
        clearTimeout(late)
        if (error) reject(error)
        else resolve()
      })
    })
  }

  /** The next LDAP message, without its outermost head. Throws WireError, BadBer, or what the socket or the context throws. */
  async message(): Promise<Buffer> {
    for (;;) {
      const head = this.#plain.length >= 2 ? berHead(this.#plain.whole().subarray(0, 6), 0) : null
      if (head) {
        if (head.tag !== Tag.sequence) throw new BadBer('no LDAP message')
        if (head.length > messageMax) throw new BadBer('a message larger than can be right')
        if (this.#plain.length >= head.head + head.length) return this.#plain.take(head.head + head.length).subarray(head.head)
      }
      await this.#more(head ? head.head + head.length - this.#plain.length : 2)
    }
  }

  /** At least one more piece of plain bytes; as many as are wanted where the socket gives them. */
  async #more(wanted: number): Promise<void> {
    if (this.#context === null) {
      for (let got = 0; got < wanted; ) {
        const chunk = await this.#chunk()
        this.#plain.push(chunk)
        got += chunk.length
      }
      return
    }
    while (this.#raw.length < 4) this.#raw.push(await this.#chunk())
    const length = this.#raw.take(4).readUInt32BE(0)
    if (length < 16 || length > sealedMax) throw new WireError('garbage', 'a sealed message of an impossible length')
    while (this.#raw.length < length) this.#raw.push(await this.#chunk())
    const token = this.#raw.take(length)
    const at = signatureLength[this.#context.mechanism]
    if (length < at) throw new WireError('garbage', 'a sealed message that is too short')
    this.#plain.push(opened(this.#context, token, at))
  }

  #chunk(): Promise<Buffer> {
    const socket = this.#socket
    const there = socket.read() as Buffer | null
    if (there) return Promise.resolve(there)
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(late)
        socket.off('readable', look).off('end', ended).off('close', ended).off('error', ended)
        act()
      }
      const look = () => {
        const chunk = socket.read() as Buffer | null
        if (chunk) settle(() => resolve(chunk))
      }
      const ended = () => settle(() => reject(this.#error ?? new WireError('closed', 'it closed the connection')))
      const late = setTimeout(() => settle(() => reject(new WireError('slow', 'it does not answer'))), this.#timeoutMs)
      socket.on('readable', look).on('end', ended).on('close', ended).on('error', ended)
      if (socket.destroyed || socket.readableEnded) ended()
    })
  }

  close(): void {
    this.#closed = true
    this.#socket.destroy()
    this.#context?.close()
  }
}

/** Whatever the library says about a message that it cannot open: it is not what the other end sealed. */
function opened(context: SecurityContext, token: Buffer, at: number): Buffer {
  try {
    return Buffer.from(context.unseal({ signature: token.subarray(0, at), data: token.subarray(at) }))
  } catch (error) {
    throw error instanceof NegotiateError ? new WireError('seal', error.message.replace(/\.$/, '')) : error
  }
}
