import { timingSafeEqual } from 'node:crypto'
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'
import type { TLSSocket, Server as TlsServer } from 'node:tls'
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
import { type Doors, openDoors } from './doors.ts'
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

/** What all machines of a lab have in common. */
export type House = {
  readonly accounts: readonly Account[]
  /** NT hashes of the accounts, by user in lower case. */
  readonly hashes: ReadonlyMap<string, Uint8Array>
  readonly keytab: string | null
  readonly clientAuthority: string | null
  readonly cbtHardening: 'strict' | 'none'
  readonly answerAfterMs: number
}

/** One simulated machine at the network. */
export type Endpoint = {
  readonly responder: Responder
  readonly faults: Faults
  readonly counters: Counters
  readonly house: House
  readonly shells: Shells
  readonly sockets: Set<Socket>
  certificate: Issued | null
  /** At a port that it shares with others: nobody is at home. */
  away: boolean
  httpPort: number | null
  httpsPort: number | null
  http: Server | null
  https: TlsServer | null
}

type Connection = {
  readonly endpoint: Endpoint
  readonly tls: boolean
  /** The Host header that a connection at a shared port began with: it stays with that machine. */
  readonly host: string | null
  context: SecurityContext | null
  user: string | null
  binding: Uint8Array | null
}

/** Largest request that is read: Windows takes 500 kB. */
const mostBytes = 1 << 20
const soap = 'application/soap+xml;charset=UTF-8'
const mutual = 'http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual'

/** One HTTP parser for all machines: each has its own listening ports, whose connections are handed to it. */
export function openHub(
  now: () => Now,
  settle: (endpoint: Endpoint) => void,
  maks: Maks,
  address: string,
  onExchange?: (machine: string, request: Uint8Array, answer: Uint8Array) => void,
): Doors {
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
    const connection = connections.get(request.socket) ?? introduce(request, response)
    if (connection) take(connection, request, response)
  })
  parser.on('clientError', (_error, socket) => socket.destroy())

  /** Connects a socket with a machine; null where the machine answers in another language. */
  function belong(endpoint: Endpoint, socket: Socket, tls: boolean, host: string | null): Connection | null {
    endpoint.sockets.add(socket)
    socket.on('close', () => {
      endpoint.sockets.delete(socket)
      connections.get(socket)?.context?.close()
    })
    if (endpoint.faults.look('garbage')?.how === 'not-http') {
      endpoint.faults.take('garbage')
      socket.end('SSH-2.0-dropbear\r\n')
      return null
    }
    const bound = tls && endpoint.certificate && endpoint.house.cbtHardening === 'strict'
    const connection: Connection = {
      endpoint,
      tls,
      host,
      context: null,
      user: null,
      binding: bound ? channelBindings(endpoint.certificate!.der) : null,
    }
    connections.set(socket, connection)
    return connection
  }

  const accept = (socket: Socket) => {
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
  }

  const doors = openDoors(address, {
    one: (endpoint, socket, tls) => {
      accept(socket)
      if (belong(endpoint, socket, tls, null)) parser.emit('connection', socket)
    },
    anyone: (socket) => {
      accept(socket)
      parser.emit('connection', socket)
    },
  })

  /** The first request at a shared port says whom it is for. http.sys answers 400 to a name that nobody serves. */
  function introduce(request: IncomingMessage, response: ServerResponse): Connection | null {
    const { socket } = request
    const host = request.headers.host ?? ''
    const endpoint = doors.find(host.replace(/:\d+$/, ''))
    if (endpoint === null) response.writeHead(400, { Server: 'Microsoft-HTTPAPI/2.0', 'Content-Length': '0', Connection: 'close' }).end()
    else if (endpoint.away) socket.destroy()
    else return belong(endpoint, socket, false, host)
    return null
  }

  function take(connection: Connection, request: IncomingMessage, response: ServerResponse): void {
    const { endpoint } = connection
    if (connection.host !== null && connection.host !== request.headers.host) {
      response.writeHead(400, { Server: 'Microsoft-HTTPAPI/2.0', 'Content-Length': '0', Connection: 'close' }).end()
      return
    }
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
      : ['Negotiate', ...(connection.endpoint.house.keytab ? ['Kerberos'] : []), ...(connection.tls ? [mutual, 'Basic realm="WSMAN"'] : [])]
    response.writeHead(401, { 'WWW-Authenticate': offered, Server: 'Microsoft-HTTPAPI/2.0', 'Content-Length': '0' }).end()
  }

  /** A new context for whatever the client sends first: Kerberos where there is a keytab and no NTLM inside. */
  function newContext(connection: Connection, token: Uint8Array): SecurityContext {
    const { endpoint } = connection
    const ntlm = Buffer.from(token.buffer, token.byteOffset, token.length).includes('NTLMSSP\0')
    if (endpoint.house.keytab && !ntlm) return gssAccept({ keytab: endpoint.house.keytab, channelBinding: connection.binding })
    const { machine } = endpoint.responder
    return ntlmAccept({
      account: (_domain, user) =>
        endpoint.faults.look('access-denied')?.how === 'logon' ? null : (endpoint.house.hashes.get(user.toLowerCase()) ?? null),
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
    const account = endpoint.house.accounts.find((a) => a.user.toLowerCase() === name)
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
    const account = connection.endpoint.house.accounts.find(
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
          held: false,
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
      const waitMs = Math.max(faults.take('slow')?.ms ?? 0, endpoint.house.answerAfterMs)
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
      if (waitMs > 0) later(waitMs, () => response.end(out.body))
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
      doors.close(endpoint).then(
        () => later(fault.ms, () => void doors.reopen(endpoint).catch(() => {})),
        () => {},
      )
    }
    if (response.writableFinished) down()
    else response.once('finish', down)
  }

  return {
    ...doors,
    stop: async () => {
      for (const timer of timers) clearTimeout(timer)
      const closed = doors.stop()
      parser.close()
      parser.closeAllConnections()
      await closed
    },
  }
}

/** NT hashes of accounts, as NTLM needs them. */
export function hashesOf(accounts: readonly Account[]): Map<string, Uint8Array> {
  return new Map(accounts.map((a) => [a.user.toLowerCase(), ntHash(Buffer.from(a.password))]))
}
