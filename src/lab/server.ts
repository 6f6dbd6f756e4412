import { timingSafeEqual } from 'node:crypto'
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createNet, type Server, type Socket } from 'node:net'
import { createServer as createTls, type TLSSocket, type Server as TlsServer } from 'node:tls'
import {
  authorization,
  challenges,
  channelBindings,
  gssAccept,
  NegotiateError,
  ntHash,
  ntlmAccept,
  type SecurityContext,
} from '../protocol/negotiate.ts'
import {
  type DecodedRequest,
  decodeRequest,
  decodeShellRequest,
  encodeResponse,
  encodeShellResponse,
  sealBody,
  unsealBody,
  WsmanError,
} from '../protocol/wsman.ts'
import { answer, identify, type Responder } from './answer.ts'
import type { Issued } from './certificate.ts'
import type { Fault, Faults } from './faults.ts'
import type { Maks } from './licensing.ts'
import type { Shells } from './shell.ts'
import type { Now } from './store.ts'

/** Somebody who may log on. */
export type Account = {
  readonly user: string
  readonly password: string
  /** NetBIOS or DNS name of the domain; null is an account of the machine itself. */
  readonly domain?: string | null
}

export type Counters = {
  requests: number
  logons: number
  refusedLogons: number
  operations: Record<string, number>
  bytesIn: number
  bytesOut: number
}

/** One simulated machine at the network. */
export type Endpoint = {
  readonly responder: Responder
  readonly faults: Faults
  readonly counters: Counters
  readonly accounts: readonly Account[]
  /** NT hashes of the accounts, by user in lower case. */
  readonly hashes: ReadonlyMap<string, Uint8Array>
  readonly keytab: string | null
  readonly shells: Shells
  readonly sockets: Set<Socket>
  readonly clientAuthority: string | null
  readonly cbtHardening: 'strict' | 'none'
  certificate: Issued | null
  httpPort: number | null
  httpsPort: number | null
  http: Server | null
  https: TlsServer | null
}

type Connection = {
  readonly endpoint: Endpoint
  readonly tls: boolean
  context: SecurityContext | null
  user: string | null
  binding: Uint8Array | null
}

/** Largest request that is read: Windows takes 500 kB. */
const mostBytes = 1 << 20
const soap = 'application/soap+xml;charset=UTF-8'
const mutual = 'http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual'

export type Hub = {
  readonly open: (endpoint: Endpoint, address: string, ports: { http: number | null; https: number | null }) => Promise<void>
  readonly close: (endpoint: Endpoint) => Promise<void>
  readonly reopen: (endpoint: Endpoint) => Promise<void>
  readonly stop: () => void
}

/** One HTTP parser for all machines: each has its own listening ports, whose connections are handed to it. */
export function openHub(
  now: () => Now,
  settle: (endpoint: Endpoint) => void,
  maks: Maks,
  address: string,
  onExchange?: (machine: string, request: Uint8Array, answer: Uint8Array) => void,
): Hub {
  const connections = new WeakMap<Socket, Connection>()
  const timers = new Set<NodeJS.Timeout>()
  const later = (ms: number, f: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      f()
    }, ms)
    timers.add(timer)
  }
  // WinRM keeps an idle connection for minutes.
  const parser = createHttp({ keepAliveTimeout: 180_000, headersTimeout: 60_000, requestTimeout: 120_000 }, (request, response) => {
    const connection = connections.get(request.socket)
    if (!connection) request.socket.destroy()
    else take(connection, request, response)
  })
  parser.on('clientError', (_error, socket) => socket.destroy())

  function greet(endpoint: Endpoint, socket: Socket, tls: boolean): void {
    endpoint.sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('close', () => {
      endpoint.sockets.delete(socket)
      const c = connections.get(socket)
      c?.context?.close()
    })
    socket.on('error', () => socket.destroy())
    if (endpoint.faults.look('garbage')?.how === 'not-http') {
      endpoint.faults.take('garbage')
      socket.end('SSH-2.0-dropbear\r\n')
      return
    }
    connections.set(socket, {
      endpoint,
      tls,
      context: null,
      user: null,
      binding: tls && endpoint.certificate && endpoint.cbtHardening === 'strict' ? channelBindings(endpoint.certificate.der) : null,
    })
    parser.emit('connection', socket)
  }

  function take(connection: Connection, request: IncomingMessage, response: ServerResponse): void {
    const { endpoint } = connection
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > mostBytes) {
        response.writeHead(413, { Connection: 'close' }).end(() => request.socket.destroy())
        request.removeAllListeners('data').resume()
      } else chunks.push(chunk)
    })
    request.on('end', () => {
      if (bytes > mostBytes) return
      endpoint.counters.requests++
      endpoint.counters.bytesIn += bytes
      serve(connection, request, response, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).catch(() => {
        if (!response.headersSent) response.writeHead(500)
        response.end()
      })
    })
  }

  function refuse(connection: Connection, response: ServerResponse, token: string | null): void {
    const offered = token
      ? [token]
      : ['Negotiate', ...(connection.endpoint.keytab ? ['Kerberos'] : []), ...(connection.tls ? [mutual, 'Basic realm="WSMAN"'] : [])]
    response.writeHead(401, { 'WWW-Authenticate': offered, Server: 'Microsoft-HTTPAPI/2.0', 'Content-Length': '0' }).end()
  }

  /** A new context for whatever the client sends first: Kerberos where there is a keytab and no NTLM inside. */
  function newContext(connection: Connection, token: Uint8Array): SecurityContext {
    const { endpoint } = connection
    const ntlm = Buffer.from(token.buffer, token.byteOffset, token.length).includes('NTLMSSP\0')
    if (endpoint.keytab && !ntlm) return gssAccept({ keytab: endpoint.keytab, channelBinding: connection.binding })
    const { machine } = endpoint.responder
    return ntlmAccept({
      account: (_domain, user) =>
        endpoint.faults.look('access-denied')?.how === 'logon' ? null : (endpoint.hashes.get(user.toLowerCase()) ?? null),
      computer: machine.computer,
      domain: machine.domain ? machine.domain.split('.')[0]!.slice(0, 15).toUpperCase() : null,
      dnsDomain: machine.domain ?? machine.computer.toLowerCase(),
      dnsHost: machine.name,
      channelBinding: connection.binding,
      now: Date.now,
    })
  }

  function basic(connection: Connection, parameters: string): boolean {
    const { endpoint } = connection
    if (!connection.tls || endpoint.faults.look('access-denied')?.how === 'logon') return false
    const text = Buffer.from(parameters, 'base64').toString('utf8')
    const [user, password] = [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)]
    const name = user.replace(/^.*\\/, '').toLowerCase()
    const account = endpoint.accounts.find((a) => a.user.toLowerCase() === name)
    if (!account) return false
    const [a, b] = [Buffer.from(account.password), Buffer.from(password)]
    if (a.length !== b.length || !timingSafeEqual(a, b)) return false
    connection.user = account.user
    return true
  }

  function certificate(connection: Connection, request: IncomingMessage): boolean {
    const socket = request.socket as TLSSocket
    if (!connection.tls || !socket.authorized) return false
    const commonName = socket.getPeerCertificate().subject?.CN
    const account = connection.endpoint.accounts.find(
      (a) => a.user.toLowerCase() === (Array.isArray(commonName) ? commonName[0] : commonName)?.toLowerCase(),
    )
    if (!account) return false
    connection.user = account.user
    return true
  }

  /** Logs on as far as this request goes. True: who asks is known, and the body may be looked at. */
  async function logOn(connection: Connection, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const header = request.headers.authorization
    const { endpoint } = connection
    if (header === undefined) {
      if (connection.user !== null) return true
      refuse(connection, response, null)
      return false
    }
    if (header.toLowerCase() === mutual) {
      if (certificate(connection, request)) return true
      endpoint.counters.refusedLogons++
      refuse(connection, response, null)
      return false
    }
    if (/^basic /i.test(header)) {
      if (basic(connection, header.slice(6))) return true
      endpoint.counters.refusedLogons++
      refuse(connection, response, null)
      return false
    }
    const [offer] = challenges(header)
    if (!offer?.token || !/^(negotiate|kerberos)$/i.test(offer.scheme)) {
      refuse(connection, response, null)
      return false
    }
    if (connection.context === null || connection.context.complete) {
      connection.context?.close()
      connection.user = null
      connection.context = newContext(connection, offer.token)
    }
    const context = connection.context
    try {
      const reply = await context.step(offer.token)
      const scheme = /^kerberos$/i.test(offer.scheme) ? 'Kerberos' : 'Negotiate'
      if (!context.complete) {
        refuse(connection, response, authorization(scheme, reply ?? new Uint8Array()))
        return false
      }
      connection.user = context.peer ?? ''
      endpoint.counters.logons++
      if (reply) response.setHeader('WWW-Authenticate', authorization(scheme, reply))
      return true
    } catch (error) {
      if (!(error instanceof NegotiateError)) throw error
      endpoint.counters.refusedLogons++
      context.close()
      connection.context = null
      connection.user = null
      refuse(connection, response, null)
      return false
    }
  }

  /** On a workgroup machine a local account that is not the built-in Administrator has no rights over the network (token-filter). */
  const filtered = (connection: Connection): boolean => {
    const { machine } = connection.endpoint.responder
    if (!machine.scenario.tokenFilter) return false
    const user = connection.user?.replace(/^.*\\/, '').replace(/@.*$/, '').toLowerCase()
    return user !== 'administrator'
  }

  async function serve(connection: Connection, request: IncomingMessage, response: ServerResponse, raw: Buffer): Promise<void> {
    const { endpoint } = connection
    const { responder, faults } = endpoint
    const type = String(request.headers['content-type'] ?? '')
    if (request.method !== 'POST' || !/^\/wsman(-anon\/identify)?(\?.*)?$/i.test(request.url ?? '')) {
      response.writeHead(request.method === 'POST' ? 404 : 405, { Server: 'Microsoft-HTTPAPI/2.0', 'Content-Length': '0' }).end()
      return
    }
    if (request.headers.wsmanidentify !== undefined || /identify/i.test(request.url ?? '')) {
      count('Identify')
      send(encodeResponse(identify(responder)), null)
      return
    }
    if (!(await logOn(connection, request, response))) return
    if (raw.length === 0) {
      response.writeHead(200, { Server: 'Microsoft-HTTPAPI/2.0', 'Content-Length': '0' }).end()
      return
    }
    const sealed = /^\s*multipart\/encrypted/i.test(type)
    const context = connection.context?.complete ? connection.context : null
    if (!sealed && !connection.tls) {
      // AllowUnencrypted is false, as Windows has it.
      response.writeHead(500, { Server: 'Microsoft-HTTPAPI/2.0', 'Content-Length': '0' }).end()
      return
    }
    let xml: Uint8Array
    let decoded: DecodedRequest
    try {
      if (sealed && !context) throw new WsmanError('sealed without a context')
      xml = sealed ? unsealBody(context!, type, raw) : raw
      decoded = decodeRequest(xml)
    } catch (error) {
      if (!(error instanceof WsmanError) && !(error instanceof NegotiateError)) throw error
      response.writeHead(400, { Server: 'Microsoft-HTTPAPI/2.0', 'Content-Length': '0' }).end()
      return
    }
    const action = decoded.action === 'Other' ? 'Other' : decoded.action
    count(action)
    const isCall = decoded.action === 'Invoke' && decoded.class?.toLowerCase() !== 'stdregprov'
    const concerns = (fault: { readonly on?: 'call' | 'any' } | null) => fault !== null && (fault.on !== 'call' || isCall)

    if (concerns(faults.look('lost')) && faults.look('lost')!.when === 'before') {
      faults.take('lost')
      if (isCall && decoded.action === 'Invoke')
        responder.calls.push({
          class: decoded.class ?? '',
          method: decoded.method,
          key: decoded.selectors,
          arguments: {},
          minute: now().minute,
          result: null,
        })
      request.socket.destroy()
      return
    }
    settle(endpoint)
    const relatesTo = decoded.action === 'Identify' ? '' : decoded.messageId
    let body: Buffer
    if (faults.look('access-denied')?.how === 'fault' || filtered(connection))
      body = encodeResponse({ relatesTo, action: 'Fault', form: 'wsman', code: 5, message: 'Access is denied.' })
    else if (faults.take('quota'))
      body = encodeResponse({
        relatesTo,
        action: 'Fault',
        form: 'wsman',
        code: 0x803381a6,
        message: 'The maximum number of concurrent operations for this user has been exceeded.',
      })
    else if (decoded.action === 'Other') {
      const shell = decodeShellRequest(xml)
      const said = shell ? endpoint.shells.answer(shell, responder, now(), decoded.to) : null
      body = said ? encodeShellResponse(said) : answer(responder, decoded, now(), maks)
    } else body = answer(responder, decoded, now(), maks)

    const lost = faults.look('lost')
    if (concerns(lost) && lost!.when === 'after') {
      faults.take('lost')
      request.socket.destroy()
      return
    }
    const garbage = faults.look('garbage')
    if (garbage && garbage.how !== 'not-http') {
      faults.take('garbage')
      body = Buffer.from(garbage.how === 'html' ? '<html><body><h1>It works!</h1></body></html>' : 'This is not XML <at all')
    }
    const huge = faults.take('huge')
    if (huge) body = Buffer.concat([body.subarray(0, body.length - 1), Buffer.alloc(huge.bytes, 0x20), Buffer.from('>')])
    onExchange?.(responder.machine.name, xml, body)
    send(body, sealed ? context : null)
    const reboot = faults.look('reboot')
    if (reboot && concerns(reboot)) rebootAfter(endpoint, reboot, response)

    function count(what: string): void {
      endpoint.counters.operations[what] = (endpoint.counters.operations[what] ?? 0) + 1
    }

    function send(plain: Buffer, under: SecurityContext | null): void {
      const status = isFault(plain) ? 500 : 200
      let out = { contentType: soap, body: plain }
      if (under) {
        out = sealBody(under, plain)
        if (faults.take('wrong-seal')) out.body[Math.floor(out.body.length * 0.7)]! ^= 0x01
      }
      endpoint.counters.bytesOut += out.body.length
      response.setHeader('Server', 'Microsoft-HTTPAPI/2.0')
      response.writeHead(status, { 'Content-Type': out.contentType, 'Content-Length': String(out.body.length) })
      const slow = faults.take('slow')
      if (faults.take('cut')) {
        response.write(out.body.subarray(0, Math.floor(out.body.length / 2)), () => request.socket.destroy())
        return
      }
      const drip = faults.take('drip')
      if (drip) {
        let at = 0
        const next = () => {
          if (response.destroyed || request.socket.destroyed) return
          const piece = out.body.subarray(at, at + drip.bytes)
          at += drip.bytes
          if (at >= out.body.length) response.end(piece)
          else {
            response.write(piece)
            later(drip.ms, next)
          }
        }
        next()
        return
      }
      if (slow) later(slow.ms, () => response.end(out.body))
      else response.end(out.body)
    }
  }

  const isFault = (plain: Buffer) => plain.subarray(0, 1200).includes('/fault</a:Action>')

  const rebooting = new WeakMap<Endpoint, number>()
  function rebootAfter(endpoint: Endpoint, fault: Extract<Fault, { kind: 'reboot' }>, response: ServerResponse): void {
    const seen = (rebooting.get(endpoint) ?? 0) + 1
    rebooting.set(endpoint, seen)
    if (seen < fault.after) return
    rebooting.delete(endpoint)
    endpoint.faults.clear('reboot')
    const down = () => {
      shut(endpoint).then(
        () => later(fault.ms, () => void reopen(endpoint).catch(() => {})),
        () => {},
      )
    }
    if (response.writableFinished) down()
    else response.once('finish', down)
  }

  const listen = (server: Server, port: number, host: string) =>
    new Promise<number>((done, failed) => {
      server.once('error', failed)
      server.listen({ port, host, backlog: 128 }, () => {
        server.removeListener('error', failed)
        server.on('error', () => {})
        done((server.address() as { port: number }).port)
      })
    })

  function tlsOptions(endpoint: Endpoint) {
    const { certificate: cert, clientAuthority } = endpoint
    return {
      cert: cert!.certificate,
      key: cert!.key,
      ...(clientAuthority ? { requestCert: true, rejectUnauthorized: false, ca: clientAuthority } : {}),
    }
  }

  let stopped = false
  async function open(endpoint: Endpoint, at: string, ports: { http: number | null; https: number | null }): Promise<void> {
    if (ports.http !== null) {
      const server = createNet((socket) => greet(endpoint, socket, false))
      endpoint.httpPort = await listen(server, ports.http, at)
      endpoint.http = server
    }
    if (ports.https !== null) {
      const server = createTls(tlsOptions(endpoint), (socket) => greet(endpoint, socket, true))
      server.on('tlsClientError', () => {})
      endpoint.httpsPort = await listen(server, ports.https, at)
      endpoint.https = server
    }
    // The lab may have ended while the ports were being opened.
    if (stopped) await shut(endpoint)
  }

  /** Ports closed, connections cut: nothing is there any more. */
  async function shut(endpoint: Endpoint): Promise<void> {
    const closed = [endpoint.http, endpoint.https].map((s) => (s?.listening ? new Promise<void>((done) => s.close(() => done())) : null))
    for (const socket of endpoint.sockets) socket.destroy()
    await Promise.all(closed)
    endpoint.http = null
    endpoint.https = null
  }

  const reopen = async (endpoint: Endpoint) => {
    if (endpoint.http === null && endpoint.https === null)
      await open(endpoint, address, { http: endpoint.httpPort, https: endpoint.httpsPort })
  }

  return {
    open,
    close: shut,
    reopen,
    stop: () => {
      stopped = true
      for (const timer of timers) clearTimeout(timer)
      parser.close()
      parser.closeAllConnections()
    },
  }
}

/** NT hashes of accounts, as NTLM needs them. */
export function hashesOf(accounts: readonly Account[]): Map<string, Uint8Array> {
  return new Map(accounts.map((a) => [a.user.toLowerCase(), ntHash(Buffer.from(a.password))]))
}
