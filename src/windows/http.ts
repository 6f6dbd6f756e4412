import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net'
import { type ProblemCode, TransportError } from './problems.ts'

/** One answer of HTTP/1.1, whole. Header names are lower-case; a header may come several times. */
export type HttpAnswer = { readonly status: number; readonly headers: ReadonlyMap<string, readonly string[]>; readonly body: Buffer }

/** More than any header of Windows; Kerberos tokens stay below it. */
const headBytes = 64 << 10

/**
 * One connection to one machine, one request after another (RFC 9112, the client's part). Written here instead of node:http because
 * authentication belongs to this very TCP connection, and because it must be known whether a request was sent. Strict: what is no
 * plain answer with a known length ends the connection.
 */
export class HttpSocket {
  readonly #socket: Socket
  readonly #answerBytes: number
  #waiting: { resolve: (answer: HttpAnswer) => void; reject: (error: TransportError) => void } | null = null
  /** The beginning of a head that is not whole yet. */
  #begun: Buffer = nothing
  #body: Gathering | null = null
  #chunks: Chunks | null = null
  #head: Head | null = null
  #closed = false
  #lastAt = performance.now()

  constructor(socket: Socket, answerBytes: number) {
    this.#socket = socket
    this.#answerBytes = answerBytes
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', () => this.#end('WINRM_CUT', ''))
    socket.on('close', () => this.#end('WINRM_CUT', ''))
    socket.on('end', () => this.#end('WINRM_CUT', ''))
  }

  /** False once the connection is of no further use. */
  get open(): boolean {
    return !this.#closed && this.#socket.writable
  }

  /** Since the last answer. */
  get idleMs(): number {
    return performance.now() - this.#lastAt
  }

  /**
   * Sends a request and reads its answer. Head and body leave as one piece: several would be copied together by Node. `secret`: it may
   * hold a password or a key that only TLS hides; then it is memory of our own, wiped when this settles.
   */
  exchange(head: readonly (string | Uint8Array)[], body: Uint8Array, limitMs: number, secret: boolean): Promise<HttpAnswer> {
    return new Promise<HttpAnswer>((resolve, reject) => {
      if (!this.open) {
        reject(new TransportError('WINRM_CUT', '', false))
        return
      }
      const request = inOnePiece([...head, body], secret)
      const timer = setTimeout(() => this.#end('WINRM_SLOW', `${Math.round(limitMs / 100) / 10} s`), limitMs)
      const settled = () => {
        clearTimeout(timer)
        if (secret) request.fill(0)
      }
      this.#waiting = {
        resolve: (answer) => {
          settled()
          resolve(answer)
        },
        reject: (error) => {
          settled()
          reject(error)
        },
      }
      // The answer may take its time: what was sent is gone from here as soon as the system has it.
      this.#socket.write(request, secret ? () => request.fill(0) : undefined)
    })
  }

  close(): void {
    this.#end('WINRM_CUT', '')
  }

  #end(code: ProblemCode, detail: string): void {
    this.#closed = true
    this.#socket.destroy()
    this.#begun = nothing
    this.#body = null
    this.#chunks = null
    const waiting = this.#waiting
    this.#waiting = null
    waiting?.reject(new TransportError(code, detail, true))
  }

  #read(chunk: Buffer): void {
    if (!this.#waiting) {
      // Nothing was asked.
      this.#end('WINRM_GARBAGE', '')
      return
    }
    try {
      this.#take(chunk)
    } catch (error) {
      if (!(error instanceof TransportError)) throw error
      this.#end(error.code, error.message)
    }
  }

  #take(chunk: Buffer): void {
    let bytes = chunk
    while (this.#head === null) {
      if (this.#begun.length > 0) bytes = Buffer.concat([this.#begun, bytes])
      const end = bytes.indexOf('\r\n\r\n', 0, 'latin1')
      if (end < 0) {
        if (bytes.length > headBytes) throw garbage('a header without end')
        if (bytes.length >= 5 && bytes.toString('latin1', 0, 5) !== 'HTTP/') throw garbage('no HTTP')
        this.#begun = bytes
        return
      }
      const head = readHead(bytes.toString('latin1', 0, end), this.#answerBytes)
      bytes = bytes.subarray(end + 4)
      this.#begun = nothing
      // RFC 9110 15.2: interim answers are passed over.
      if (head.status < 200) continue
      this.#head = head
      this.#chunks = head.length === null ? new Chunks(this.#answerBytes) : null
      this.#body = new Gathering()
    }
    const body = this.#body!
    if (this.#chunks) {
      if (this.#chunks.push(bytes, body)) this.#answer(body.whole())
      return
    }
    const length = this.#head.length!
    if (body.length + bytes.length > length) throw garbage('more than one answer')
    body.add(bytes)
    if (body.length === length) this.#answer(body.whole())
  }

  #answer(body: Buffer): void {
    const { status, headers, keepAlive } = this.#head!
    const waiting = this.#waiting!
    this.#lastAt = performance.now()
    this.#waiting = null
    this.#head = null
    this.#chunks = null
    this.#body = null
    if (!keepAlive) {
      this.#closed = true
      this.#socket.destroy()
    }
    waiting.resolve({ status, headers, body })
  }
}

function inOnePiece(parts: readonly (string | Uint8Array)[], own: boolean): Buffer {
  let length = 0
  for (const part of parts) length += part.length
  const whole = own ? Buffer.from(new ArrayBuffer(length)) : Buffer.allocUnsafe(length)
  let at = 0
  for (const part of parts) {
    // Heads are ASCII: addresses, base64 and constants.
    if (typeof part === 'string') whole.write(part, at, 'latin1')
    else whole.set(part, at)
    at += part.length
  }
  return whole
}

const nothing = Buffer.alloc(0)

/**
 * A body as it comes. One piece stays as it is; several are put into one memory that grows, so that a body in millions of pieces takes
 * no more than its own length: an object for each would take a hundred times that.
 */
class Gathering {
  #memory: Buffer = nothing
  /** Whether the memory is ours to write to; the first piece is the socket's. */
  #own = false
  length = 0

  add(bytes: Buffer): void {
    const length = this.length + bytes.length
    if (this.length === 0) this.#memory = bytes
    else {
      if (length > this.#memory.length || !this.#own) this.#grow(length)
      bytes.copy(this.#memory, this.length)
    }
    this.length = length
  }

  whole(): Buffer {
    return this.#memory.subarray(0, this.length)
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * needed, 4096))
    this.whole().copy(larger)
    this.#memory = larger
    this.#own = true
  }
}

const garbage = (what: string) => new TransportError('WINRM_GARBAGE', what, true)

type Head = {
  readonly status: number
  readonly headers: ReadonlyMap<string, readonly string[]>
  /** Null: chunked. */
  readonly length: number | null
  readonly keepAlive: boolean
}

/** RFC 9110 5.6.2: a token. */
const fieldName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** Names of headers as servers write them, and in lower case: the machines of a fleet have the same dozen. */
const fieldNames = new Map<string, string>()

function lowerName(written: string): string {
  const known = fieldNames.get(written)
  if (known !== undefined) return known
  if (!fieldName.test(written)) throw garbage('a header that is none')
  const name = written.toLowerCase()
  if (written.length <= 40 && fieldNames.size < 100) fieldNames.set(written, name)
  return name
}

function readHead(text: string, answerBytes: number): Head {
  const ends = (from: number) => {
    const end = text.indexOf('\r\n', from)
    return end < 0 ? text.length : end
  }
  let end = ends(0)
  const status = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: .*)?$/.exec(text.slice(0, end))
  if (!status) throw garbage('no HTTP')
  const headers = new Map<string, string[]>()
  while (end < text.length) {
    const begin = end + 2
    end = ends(begin)
    const line = text.slice(begin, end)
    const colon = line.indexOf(':')
    const name = lowerName(line.slice(0, Math.max(0, colon)))
    // No pattern that looks for blanks at the end: 60,000 of them before a letter took six seconds.
    const value = line.slice(colon + 1).trim()
    const before = headers.get(name)
    if (before) before.push(value)
    else headers.set(name, [value])
  }
  const code = Number(status[2])
  const coding = headers.get('transfer-encoding')
  const lengths = headers.get('content-length')
  let length: number | null = null
  if (coding !== undefined) {
    // RFC 9112 6.3: both at once is how answers are smuggled.
    if (lengths !== undefined || coding.length !== 1 || coding[0]!.toLowerCase() !== 'chunked')
      throw garbage('a coding that is not spoken here')
  } else if (code === 204 || code === 304 || code < 200) length = 0
  else {
    if (lengths === undefined || lengths.some((l) => l !== lengths[0]) || !/^\d{1,15}$/.test(lengths[0]!))
      throw garbage('an answer without length')
    length = Number(lengths[0])
    if (length > answerBytes) throw new TransportError('WINRM_TOO_LARGE', `${length} bytes`, true)
  }
  if (headers.has('content-encoding')) throw garbage('a coding that is not spoken here')
  const connection = (headers.get('connection') ?? []).join(',').toLowerCase()
  return { status: code, headers, length, keepAlive: status[1] === '1' ? !connection.includes('close') : connection.includes('keep-alive') }
}

/** RFC 9112 7.1: takes the body out of its chunks, as they come. */
class Chunks {
  readonly #most: number
  #total = 0
  #line = ''
  /** Bytes that are left of a chunk, its line end included; -1 while a size line is read, -2 after the last. */
  #left = -1

  constructor(most: number) {
    this.#most = most
  }

  /** True once the body is whole. */
  push(bytes: Buffer, body: Gathering): boolean {
    let at = 0
    while (at < bytes.length) {
      if (this.#left > 2) {
        const part = bytes.subarray(at, at + this.#left - 2)
        body.add(part)
        at += part.length
        this.#left -= part.length
        continue
      }
      if (this.#left > 0) {
        if (bytes[at++] !== (this.#left === 2 ? 13 : 10)) throw garbage('a chunk that is none')
        if (--this.#left === 0) this.#left = -1
        continue
      }
      const end = bytes.indexOf(10, at)
      const stop = end < 0 ? bytes.length : end + 1
      if (this.#line.length + stop - at > 200) throw garbage('a chunk that is none')
      this.#line += bytes.toString('latin1', at, stop)
      at = stop
      if (end < 0) return false
      const line = this.#line
      this.#line = ''
      if (this.#left === -2) {
        if (line !== '\r\n' || at !== bytes.length) throw garbage('something after the last chunk')
        return true
      }
      const size = /^([0-9a-f]{1,8})(?:[ \t]*;.*)?\r\n$/i.exec(line)
      if (!size) throw garbage('a chunk that is none')
      const length = Number.parseInt(size[1]!, 16)
      this.#total += length
      if (this.#total > this.#most) throw new TransportError('WINRM_TOO_LARGE', `over ${this.#most} bytes`, true)
      this.#left = length === 0 ? -2 : length + 2
    }
    return false
  }
}

/** `host:port` for URL and Host header. */
export const authority = (address: string, port: number) => `${isIP(address) === 6 ? `[${address}]` : address}:${port}`

/** Opens a TCP connection within the limit. */
export function openTcp(address: string, port: number, limitMs: number, lookup?: LookupFunction): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: address, port, noDelay: true, ...(lookup ? { lookup } : {}) })
    const timer = setTimeout(() => fail(new TransportError('WINRM_TIMEOUT', '', false)), limitMs)
    const fail = (error: TransportError) => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    socket.once('error', (error) => fail(connectError(error)))
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}

/** Errors of the system and of TLS while nothing has been sent yet. */
export function connectError(error: Error & { code?: string; errors?: readonly (Error & { code?: string })[] }): TransportError {
  // Several addresses were tried: the first failure tells.
  const code = error.code ?? error.errors?.[0]?.code ?? ''
  return new TransportError(codes[code] ?? 'WINRM_NO_ROUTE', codes[code] ? '' : code, false)
}

const codes: Readonly<Record<string, ProblemCode>> = {
  ECONNREFUSED: 'WINRM_UNREACHABLE',
  ECONNRESET: 'WINRM_CUT',
  EPIPE: 'WINRM_CUT',
  ETIMEDOUT: 'WINRM_TIMEOUT',
  EHOSTUNREACH: 'WINRM_NO_ROUTE',
  ENETUNREACH: 'WINRM_NO_ROUTE',
  EHOSTDOWN: 'WINRM_NO_ROUTE',
  ENOTFOUND: 'WINRM_NAME_UNKNOWN',
  EAI_AGAIN: 'WINRM_NAME_UNKNOWN',
  EAI_NONAME: 'WINRM_NAME_UNKNOWN',
  ENODATA: 'WINRM_NAME_UNKNOWN',
}
