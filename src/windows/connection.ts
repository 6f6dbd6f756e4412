import { isIP } from 'node:net'
import {
  authorization,
  challenges,
  gssInitiate,
  NegotiateError,
  ntlmInitiate,
  type SecurityContext,
  sspiInitiate,
} from '../protocol/negotiate.ts'
import { isSealed, sealBody, unsealBody } from '../protocol/wsman.ts'
import { authority, type HttpAnswer, HttpSocket, openTcp } from './http.ts'
import type { Credential, Reach } from './machine.ts'
import { TransportError } from './problems.ts'
import { secure } from './tls.ts'

/** Bounds that only tests change. */
export type Patience = {
  /** What an answer may take beyond the time the machine was given: the way there and back. */
  readonly graceMs: number
  /** How long a quota may keep us waiting in all. */
  readonly quotaMs: number
  readonly answerBytes: number
  /** Of all answers to one question. */
  readonly questionBytes: number
  readonly rows: number
  /**
   * How long a connection may have been silent and still be used. HTTP.sys closes it after 120 s, firewalls forget it: a call that
   * meets that moment would be one whose answer is lost.
   */
  readonly idleMs: number
  /** Waited for just before the credential is shown to the machine or the KDC; what it throws ends the attempt. */
  readonly beforeLogon?: () => Promise<void>
  /** Told as soon as the machine has accepted the credential, where that is known before an answer. */
  readonly afterLogon?: () => void
}
export const usualPatience: Patience = {
  graceMs: 10_000,
  quotaMs: 90_000,
  answerBytes: 8 << 20,
  questionBytes: 64 << 20,
  rows: 100_000,
  idleMs: 60_000,
}

const soap = 'application/soap+xml;charset=UTF-8'
/** [MS-WSMV] 3.1.4: how a client says that its certificate is its logon. */
const mutual = 'http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual'

/** What a machine answered: SOAP, which may be a fault. */
export type Exchange = { readonly xml: Uint8Array }

/**
 * One authenticated connection to one machine. The logon belongs to the TCP connection ([MS-N2HT]): when that is gone, another is
 * opened and logged on anew. Over HTTP every body is sealed, and an answer that is not is refused; there is no fall-back of any kind,
 * and no redirect is followed.
 */
export class Connection {
  readonly #reach: Reach
  readonly #patience: Patience
  #socket: HttpSocket | null = null
  #context: SecurityContext | null = null
  /** A refused logon is not tried again: a few more would lock the account. */
  #refused: TransportError | null = null
  /** The bare mechanism, where a machine offers Kerberos and not Negotiate. */
  #mechanism: 'spnego' | 'kerberos' = 'spnego'
  /** Whose ticket Kerberos asks for: HTTP may belong to the account of a web service, and then the machine cannot read it. */
  #service: 'HTTP' | 'WSMAN' = 'HTTP'
  #channelBinding: Uint8Array | null = null
  /** The machine keeps no logon: each message goes with one. */
  #forgetful = false
  /** Whether the last message of `exchange` may have left: authentication came to its end before. */
  messageSent = false

  constructor(reach: Reach, patience: Patience) {
    this.#reach = reach
    this.#patience = patience
  }

  /** Refuses what may not be tried, before there is a connection. */
  check(): void {
    const { credential, tls, address } = this.#reach
    if (tls === null && (credential.method === 'basic' || credential.method === 'certificate'))
      throw new TransportError('WINRM_CREDENTIAL_NEEDS_HTTPS', '', false)
    if (credential.method === 'kerberos' && isIP(address)) throw new TransportError('WINRM_NAME_NEEDED', address, false)
  }

  /** Sends one message and gives the answer. `sent` of a TransportError tells whether the machine may have got it. */
  async exchange(message: Buffer): Promise<Exchange> {
    this.messageSent = false
    if (this.#forgetful) return this.#read(await this.#sendWithLogon(message))
    const fresh = !this.#socket?.open || this.#socket.idleMs > this.#patience.idleMs
    if (fresh) await this.#open()
    const { tls, credential } = this.#reach
    const sealed = tls === null ? sealBody(this.#context!, message) : null
    this.messageSent = true
    const answer = await this.#post(sealed?.contentType ?? soap, sealed?.body ?? message, this.#perRequest(), this.#limitMs())
    if (answer.status === 401 && tls !== null && (credential.method === 'ntlm' || credential.method === 'kerberos')) {
      // Known by its certificate, it did not look at the message (RFC 9110 section 15.5.2). HTTP.sys keeps a logon by Kerberos for the
      // connection only where the service asks for that, which is proved for WinRM over HTTP and not over HTTPS.
      this.#forgetful = fresh
      return this.#read(await this.#sendWithLogon(message))
    }
    return this.#read(answer)
  }

  #read(answer: HttpAnswer): Exchange {
    const type = answer.headers.get('content-type')?.[0] ?? ''
    try {
      if (this.#reach.tls === null) {
        if (answer.status !== 401 && isSealed(type)) return { xml: unsealBody(this.#context!, type, answer.body) }
      } else if (/^\s*application\/soap\+xml\b/i.test(type) && answer.status !== 401) return { xml: answer.body }
    } catch (error) {
      // The order of the seals is lost: nothing further can be read on this connection.
      this.close()
      throw error
    }
    this.close()
    throw this.#unanswered(answer)
  }

  #unanswered(answer: HttpAnswer): TransportError {
    const error = statusError(answer, this.#reach.tls === null)
    if (this.#reach.tls === null || error.code !== 'WINRM_LOGON_FAILED') return error
    // Known by its certificate, it refused the request before it looked at it.
    const { method } = this.#reach.credential
    const offered = challenges(answer.headers.get('www-authenticate')).map((c) => c.scheme.toLowerCase())
    const code = offered.includes(method === 'basic' ? 'basic' : mutual) ? error.code : 'WINRM_NOT_OFFERED'
    const refused = new TransportError(code, error.message, false)
    this.#refused = refused
    return refused
  }

  close(): void {
    this.#socket?.close()
    this.#socket = null
    this.#context?.close()
    this.#context = null
  }

  #limitMs(): number {
    return this.#reach.operationTimeoutMs + this.#patience.graceMs
  }

  async #connect(): Promise<void> {
    this.close()
    if (this.#refused) throw this.#refused
    this.check()
    const { address, port, tls, connectTimeoutMs, credential, lookup } = this.#reach
    const until = performance.now() + connectTimeoutMs
    const tcp = await openTcp(address, port, connectTimeoutMs, lookup)
    if (tls === null) this.#socket = new HttpSocket(tcp, this.#patience.answerBytes)
    else {
      const secured = await secure(tcp, address, tls, credential, Math.max(1, until - performance.now()))
      this.#channelBinding = secured.channelBinding
      this.#socket = new HttpSocket(secured.socket, this.#patience.answerBytes)
    }
  }

  async #open(): Promise<void> {
    await this.#connect()
    const { credential } = this.#reach
    if (credential.method === 'basic' || credential.method === 'certificate') {
      await this.#patience.beforeLogon?.()
      return
    }
    try {
      await this.#logOn(null)
    } catch (error) {
      this.close()
      if (!(error instanceof TransportError)) throw error
      if (
        error.code === 'WINRM_NOT_OFFERED' &&
        this.#mechanism === 'spnego' &&
        credential.method === 'kerberos' &&
        error.message.includes(' Kerberos')
      ) {
        this.#mechanism = 'kerberos'
        return this.#open()
      }
      if (error.code === 'WINRM_LOGON_FAILED' && credential.method === 'kerberos' && this.#service === 'HTTP') {
        this.#service = 'WSMAN'
        try {
          return await this.#open()
        } catch {
          const { address } = this.#reach
          const whose = `it takes tickets neither for HTTP/${address} nor for WSMAN/${address}; setspn -Q shows whose they are`
          throw this.#unsent(new TransportError(error.code, whose, false))
        }
      }
      throw this.#unsent(error)
    }
  }

  /** Over TLS only: the message goes with the last token of a logon of its own. */
  async #sendWithLogon(message: Buffer): Promise<HttpAnswer> {
    this.messageSent = false
    if (!this.#socket?.open) await this.#connect()
    try {
      return await this.#logOn(message)
    } catch (error) {
      this.close()
      if (!(error instanceof TransportError) || (this.messageSent && error.sent)) throw error
      throw this.#unsent(error)
    }
  }

  /** Nothing but empty bodies went out, or the message was not looked at. */
  #unsent({ code, message }: TransportError): TransportError {
    const unsent = new TransportError(code, message, false)
    if (code === 'WINRM_LOGON_FAILED') this.#refused = unsent
    return unsent
  }

  /**
   * [MS-N2HT] and RFC 4559: tokens travel with empty bodies until both ends are done; only then a message is sent, but for one that is
   * given here. The answer is that to the last token.
   */
  async #logOn(message: Buffer | null): Promise<HttpAnswer> {
    this.#context?.close()
    const { credential, address } = this.#reach
    const context = contextOf(credential as Negotiated, address, this.#channelBinding, this.#mechanism, this.#service)
    this.#context = context
    // Kerberos shows the credential to the KDC at its first step, NTLM to the machine when it has answered.
    if (context.mechanism === 'kerberos') await this.#patience.beforeLogon?.()
    let until = performance.now() + Math.min(this.#reach.operationTimeoutMs, 30_000) + this.#patience.graceMs
    let token = await context.step(null)
    // Three legs are the most that any of the mechanisms needs; SPNEGO may add one.
    for (let leg = 0; leg < 5; leg++) {
      const head = [`Authorization: ${authorization(context.scheme, token)}\r\n`]
      const last = message !== null && (context.complete || context.mechanism === 'kerberos')
      this.messageSent = last
      const answer = await this.#post(soap, last ? message : nothing, head, last ? this.#limitMs() : Math.max(1, until - performance.now()))
      const offered = challenges(answer.headers.get('www-authenticate'))
      const ours = offered.find((c) => c.scheme.toLowerCase() === context.scheme.toLowerCase())
      if (answer.status === 401) {
        if (ours?.token && !context.complete) {
          const asked = performance.now()
          if (context.mechanism === 'ntlm') await this.#patience.beforeLogon?.()
          until += performance.now() - asked
          token = await context.step(ours.token)
          if (token === null) throw new NegotiateError('malformed', 'the machine goes on where the logon was at its end')
          continue
        }
        if (!ours && leg === 0) throw new TransportError('WINRM_NOT_OFFERED', offer(offered.map((c) => c.scheme)), false)
        throw new TransportError('WINRM_LOGON_FAILED', '', false)
      }
      if (answer.status !== 200 && !last) throw statusError(answer, false)
      if (ours?.token && !context.complete) await context.step(ours.token)
      if (!context.complete) throw new NegotiateError('malformed', 'the machine did not prove who it is')
      if (message === null && !this.#socket!.open)
        throw new TransportError('WINRM_GARBAGE', 'it closes the connection after the logon', false)
      this.#patience.afterLogon?.()
      return answer
    }
    throw new NegotiateError('malformed', 'the logon does not come to an end')
  }

  /** Basic and client certificates say with each request who asks. */
  #perRequest(): (string | Uint8Array)[] {
    const { credential } = this.#reach
    if (credential.method === 'certificate') return [`Authorization: ${mutual}\r\n`]
    if (credential.method === 'basic') return ['Authorization: Basic ', basic(credential.user, credential.password), '\r\n']
    return []
  }

  async #post(contentType: string, body: Uint8Array, extra: readonly (string | Uint8Array)[], limitMs: number): Promise<HttpAnswer> {
    const { address, port } = this.#reach
    const head = `POST /wsman HTTP/1.1\r\nHost: ${authority(address, port)}\r\nConnection: Keep-Alive\r\nUser-Agent: slmctl\r\nContent-Type: ${contentType}\r\nContent-Length: ${body.length}\r\n`
    // Without TLS nothing is sent that whoever listens may not know: the message is sealed, and a logon's tokens show no password.
    const answer = this.#socket!.exchange([head, ...extra, '\r\n'], body, limitMs, this.#reach.tls !== null)
    // It has its own copy by now.
    for (const part of extra) if (typeof part !== 'string') part.fill(0)
    return await answer
  }
}

const nothing = Buffer.alloc(0)
type Negotiated = Exclude<Credential, { method: 'basic' | 'certificate' }>

function contextOf(
  credential: Negotiated,
  host: string,
  channelBinding: Uint8Array | null,
  mechanism: 'spnego' | 'kerberos',
  service: 'HTTP' | 'WSMAN',
): SecurityContext {
  if (credential.method === 'ntlm') {
    const { user, domain, password } = credential
    return ntlmInitiate({ user, domain, password, spn: `HTTP/${host}`, channelBinding })
  }
  const { from, principal } = credential
  if (process.platform === 'win32') {
    if (from === 'cache') return sspiInitiate({ host, service, credential: null, mechanism: 'kerberos', channelBinding })
    if ('keytab' in from) throw new NegotiateError('unavailable', 'Windows has no keytabs; use the logged-on account or a password')
    const [user, domain] = (principal ?? '').split('@') as [string, string?]
    return sspiInitiate({
      host,
      service,
      credential: { user, domain: domain ?? '', password: from.password },
      mechanism: 'kerberos',
      channelBinding,
    })
  }
  const options = { service, host, mechanism, channelBinding } as const
  if (from === 'cache') return gssInitiate({ ...options, credential: { from: 'cache' } })
  if (principal === null) throw new NegotiateError('unavailable', 'a keytab or a password needs a principal')
  return 'keytab' in from
    ? gssInitiate({ ...options, credential: { from: 'keytab', keytab: from.keytab, principal } })
    : gssInitiate({ ...options, credential: { from: 'password', principal, password: from.password } })
}

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')

/** RFC 7617 and 4648, from bytes to bytes outside V8's heap: the password becomes no string, and all of it can be wiped. */
function basic(user: string, password: { use: <T>(f: (bytes: Uint8Array) => T) => T }): Uint8Array {
  const name = Buffer.from(`${user}:`)
  return password.use((secret) => {
    const length = name.length + secret.length
    const plain = Buffer.from(new ArrayBuffer(length))
    plain.set(name)
    plain.set(secret, name.length)
    const coded = Buffer.from(new ArrayBuffer(Math.ceil(length / 3) * 4)).fill('=')
    for (let i = 0, at = 0; i < length; i += 3) {
      const three = (plain[i]! << 16) | ((plain[i + 1] ?? 0) << 8) | (plain[i + 2] ?? 0)
      const digits = Math.min(length - i, 3) + 1
      for (let digit = 0; digit < digits; digit++) coded[at + digit] = alphabet[(three >>> (18 - 6 * digit)) & 63]!
      at += 4
    }
    plain.fill(0)
    return coded
  })
}

const offer = (schemes: readonly string[]) =>
  schemes.length === 0
    ? 'it offers none'
    : `it offers ${[...new Set(schemes.map((s) => s.replace(/[^A-Za-z0-9:/._-]/g, '').slice(0, 40)))].join(', ')}`

/** An answer that holds no SOAP of ours. */
function statusError({ status, headers }: HttpAnswer, mustBeSealed: boolean): TransportError {
  if (status === 401) {
    const offered = challenges(headers.get('www-authenticate')).map((c) => c.scheme)
    return new TransportError('WINRM_LOGON_FAILED', offer(offered), true)
  }
  // HTTP.sys itself, where the service behind the port is not there.
  if (status === 503) return new TransportError('WINRM_UNREACHABLE', 'HTTP 503, the service is starting or stopped', true)
  if (status === 403) return new TransportError('WINRM_ACCESS_DENIED', 'HTTP 403', true)
  if (status >= 300 && status < 400)
    return new TransportError('WINRM_GARBAGE', `it sends us elsewhere (HTTP ${status}), which is not followed`, true)
  const what = mustBeSealed && status < 400 ? 'its answer is not sealed' : `HTTP ${status}`
  return new TransportError('WINRM_GARBAGE', what, true)
}
