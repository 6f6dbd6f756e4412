import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, getCACertificates } from 'node:tls'
import {
  BadBer,
  BerReader,
  ber,
  berInteger,
  berText,
  decodeControls,
  decodeEntry,
  decodeMessage,
  type Entry,
  encodeControls,
  encodeExtended,
  encodeMessage,
  encodeSearch,
  type Message,
  Oid,
  Op,
  type Search,
  Tag,
} from '../protocol/ldap.ts'
import { type GssCredential, gssInitiate, NegotiateError, type SecurityContext, sspiInitiate } from '../protocol/negotiate.ts'
import type { Secret } from '../secrets.ts'
import { directoryTrouble, LdapResult } from './ldap-problems.ts'
import { Wire } from './ldap-wire.ts'

/** How one shows who one is. The password of a simple bind goes over TLS only, as bytes, and never becomes a string. */
export type DirectoryLogon =
  | { readonly method: 'simple'; readonly user: string; readonly password: Secret }
  /** GSS-SPNEGO with Kerberos, every message sealed by it: no TLS (Active Directory allows only one of the two). */
  | { readonly method: 'kerberos'; readonly credential: GssCredential }

export type DirectoryServer = {
  /** Its name in DNS: for the certificate, and for Kerberos. */
  readonly name: string
  /** Where to connect, if not to the name. */
  readonly address?: string
  /** 636 for LDAPS, else 389, where it is left out. */
  readonly port?: number
}

export type Reached = {
  readonly server: DirectoryServer
  /** For the simple bind; Kerberos seals by itself. */
  readonly tls: 'ldaps' | 'starttls'
  /** PEM; null: the system's and Node's own authorities. */
  readonly ca: string | null
  readonly logon: DirectoryLogon
  /** For the connection, and then for each answer. */
  readonly timeoutMs: number
}

/** MaxPageSize of Active Directory as it comes. */
const pageSize = 1000
/** Steps of a logon; Kerberos takes two or three. */
const stepsMax = 8
/** Pages without an entry one after another: a directory that turns in a circle. */
const emptyPagesMax = 1000

/** One signed-in connection to a directory; questions one after another. */
export class LdapConnection {
  readonly #wire: Wire
  #id = 0
  #busy = false

  private constructor(wire: Wire) {
    this.#wire = wire
  }

  /** Connects, verifies, signs in. Throws a ProblemError for the way there, an LdapResult or NegotiateError for the logon. */
  static async open(reached: Reached): Promise<LdapConnection> {
    const { server, logon } = reached
    const host = server.name
    if (logon.method === 'simple' && (logon.password.length === 0 || logon.user === ''))
      // RFC 4513 5.1.2: a bind without a password succeeds, and means nobody.
      throw directoryTrouble('DIRECTORY_LOGON_FAILED', host, 'a user and a password are needed, and one is empty')
    if (logon.method === 'kerberos' && isIP(host) !== 0)
      throw directoryTrouble('DIRECTORY_LOGON_FAILED', host, 'Kerberos needs its name, not its address')
    const overTls = logon.method === 'simple' && reached.tls === 'ldaps'
    const tcp = await openTcp(server, server.port ?? (overTls ? 636 : 389), reached.timeoutMs)
    const wire = new Wire(overTls ? await secured(tcp, reached) : tcp, reached.timeoutMs)
    const connection = new LdapConnection(wire)
    try {
      if (logon.method === 'kerberos') await connection.#bindKerberos(host, logon.credential)
      else {
        if (reached.tls === 'starttls') await connection.#startTls(reached)
        await connection.#bindSimple(logon.user, logon.password)
      }
      return connection
    } catch (error) {
      wire.close()
      throw error
    }
  }

  async #send(operation: Uint8Array, controls: Uint8Array | null = null): Promise<number> {
    const id = ++this.#id
    const message = encodeMessage(id, operation, controls)
    try {
      await this.#wire.send(message)
    } finally {
      message.fill(0)
    }
    return id
  }

  /** The next message that answers `id`. */
  async #receive(id: number): Promise<Message> {
    const message = decodeMessage(await this.#wire.message())
    // RFC 4511 4.4.1: the other end says that it will close, and why.
    if (message.id === 0 && message.tag === Op.extendedAnswer) throw result(new BerReader(message.content))
    if (message.id !== id) throw new BadBer('an answer to another question')
    return message
  }

  async #startTls(reached: Reached): Promise<void> {
    const id = await this.#send(encodeExtended(Oid.startTls))
    const { tag, content } = await this.#receive(id)
    if (tag !== 0x78) throw new BadBer('no answer to StartTLS')
    done(new BerReader(content))
    // Bytes that came with the answer were written before TLS began: by anybody.
    if (this.#wire.dirty) throw new BadBer('bytes before TLS began')
    this.#wire.replace(await secured(this.#wire.release(), reached))
  }

  async #bindSimple(user: string, password: Secret): Promise<void> {
    const request = password.use((bytes) => {
      const secret = ber(0x80, bytes)
      try {
        return ber(0x60, berInteger(3), berText(user), secret)
      } finally {
        secret.fill(0)
      }
    })
    let id: number
    try {
      id = await this.#send(request)
    } finally {
      request.fill(0)
    }
    const { tag, content } = await this.#receive(id)
    if (tag !== 0x61) throw new BadBer('no answer to the logon')
    done(new BerReader(content))
  }

  /** RFC 4513 5.2 and [MS-ADTS] 5.1.1.1.2: GSS-SPNEGO; what both ends agreed to in it, sealing, holds from the next message on. */
  async #bindKerberos(host: string, credential: GssCredential): Promise<void> {
    const context = kerberos(host, credential)
    try {
      let token = await context.step(null)
      for (let step = 0; step < stepsMax; step++) {
        const mechanism = ber(0xa3, berText('GSS-SPNEGO'), ...(token ? [ber(Tag.octets, token)] : []))
        const id = await this.#send(ber(0x60, berInteger(3), berText(''), mechanism))
        const { tag, content } = await this.#receive(id)
        if (tag !== 0x61) throw new BadBer('no answer to the logon')
        const reader = new BerReader(content)
        const code = ended(reader, [0, 14])
        let back: Buffer | null = null
        while (reader.more) {
          const next = reader.next()
          if (next.tag === 0x87) back = next.content
        }
        if (back !== null && !context.complete) token = await context.step(back)
        else token = null
        if (code === 0) {
          if (!context.complete || token !== null)
            throw new NegotiateError('malformed', 'the directory ends the logon before it has shown who it is')
          this.#wire.seal(context)
          return
        }
      }
      throw new NegotiateError('malformed', 'the logon has no end')
    } catch (error) {
      context.close()
      throw error
    }
  }

  /**
   * The entries of a search, page by page: at most one page is on its way, and none is kept. `notHere` counts references to other
   * domains, which are not followed. Ends early by `return` of the generator; the connection is then closed.
   */
  async *search(search: Search, notHere: () => void = () => {}): AsyncGenerator<Entry> {
    if (this.#busy) throw new Error('one search at a time')
    this.#busy = true
    let finished = false
    try {
      let cookie: Buffer = Buffer.alloc(0)
      for (let empty = 0; empty < emptyPagesMax; empty++) {
        const id = await this.#send(encodeSearch(search), search.scope === 'base' ? null : pageControls(cookie))
        for (;;) {
          const { tag, content, controls } = await this.#receive(id)
          if (tag === 0x64) {
            empty = -1
            yield decodeEntry(content)
          } else if (tag === 0x73) notHere()
          else if (tag === 0x65) {
            // Its last message: also where it says no, the connection is as good as before.
            finished = true
            done(new BerReader(content))
            finished = false
            cookie = readCookie(controls)
            break
          } else throw new BadBer('an answer that belongs to no search')
        }
        if (cookie.length === 0) {
          finished = true
          return
        }
      }
      throw new BadBer('pages without end')
    } finally {
      this.#busy = false
      if (!finished) this.close()
    }
  }

  close(): void {
    this.#wire.close()
  }
}

function kerberos(host: string, credential: GssCredential): SecurityContext {
  if (process.platform !== 'win32') return gssInitiate({ service: 'ldap', host, credential, mechanism: 'spnego', channelBinding: null })
  const options = { service: 'ldap', host, mechanism: 'kerberos', channelBinding: null } as const
  if (credential.from === 'cache') return sspiInitiate({ ...options, credential: null })
  if (credential.from === 'keytab')
    throw new NegotiateError('unavailable', 'Windows has no keytabs; use the logged-on account or a password')
  const [user = '', domain = ''] = credential.principal.split('@')
  return sspiInitiate({ ...options, credential: { user, domain, password: credential.password } })
}

function openTcp(server: DirectoryServer, port: number, timeoutMs: number): Promise<Socket> {
  const where = `${server.name}:${port}`
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: server.address ?? server.name, port, noDelay: true, keepAlive: true })
    const fail = (why: string) => {
      clearTimeout(late)
      socket.destroy()
      reject(directoryTrouble('DIRECTORY_UNREACHABLE', where, why))
    }
    const late = setTimeout(() => fail('it does not answer'), timeoutMs)
    socket.once('error', (error: NodeJS.ErrnoException) => fail(unreachable[error.code ?? ''] ?? error.code ?? 'no connection'))
    socket.once('connect', () => {
      clearTimeout(late)
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}

const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'no address is known for this name',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
}

/** Verified before anything else is said: against the authorities, with the name. There is no way around. */
function secured(tcp: Socket, { server, ca, timeoutMs }: Reached): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let socket: ReturnType<typeof connectTls>
    const fail = (code: 'DIRECTORY_CERTIFICATE' | 'DIRECTORY_GARBAGE' | 'DIRECTORY_SLOW', why: string) => {
      clearTimeout(late)
      tcp.destroy()
      reject(directoryTrouble(code, server.name, why))
    }
    const late = setTimeout(() => fail('DIRECTORY_SLOW', 'TLS'), timeoutMs)
    try {
      socket = connectTls({
        socket: tcp,
        host: server.name,
        ...(isIP(server.name) ? {} : { servername: server.name }),
        ca: ca ?? [...new Set([...getCACertificates('default'), ...getCACertificates('system')])],
        minVersion: 'TLSv1.2',
        rejectUnauthorized: true,
      })
    } catch {
      return fail('DIRECTORY_CERTIFICATE', 'the given authority cannot be read')
    }
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? ''
      if (code.startsWith('ERR_SSL_')) fail('DIRECTORY_GARBAGE', `no TLS as it should be (${code.slice(8).toLowerCase()})`)
      else if (/^E[A-Z]+$/.test(code)) fail('DIRECTORY_GARBAGE', 'it breaks TLS off')
      else fail('DIRECTORY_CERTIFICATE', certificates[code] ?? code.toLowerCase().replaceAll('_', ' '))
    })
    socket.once('secureConnect', () => {
      clearTimeout(late)
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}

const certificates: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet; or the clock here is wrong',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not known here',
  UNABLE_TO_GET_ISSUER_CERT: 'its authority is not known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its authority is not known here',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another name',
}

/** The head of an LDAPResult; throws unless its code is one of those that are expected. */
function ended(reader: BerReader, expected: readonly number[]): number {
  const code = reader.integer(Tag.enumerated)
  reader.take(Tag.octets)
  const message = reader.text()
  if (!expected.includes(code)) throw new LdapResult(code, message)
  return code
}

const done = (reader: BerReader): void => void ended(reader, [0])

function result(reader: BerReader): LdapResult {
  const code = reader.integer(Tag.enumerated)
  reader.take(Tag.octets)
  return new LdapResult(code, reader.text())
}

/** A page, which the directory must understand; and no references to other domains. */
const pageControls = (cookie: Buffer): Buffer => encodeControls({ pages: { size: pageSize, cookie }, domainScope: true })

/** Where the next page begins; empty: there is none. A directory that does not page says nothing. */
const readCookie = (controls: Buffer | null): Buffer => decodeControls(controls).pages?.cookie ?? Buffer.alloc(0)
