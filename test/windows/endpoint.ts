import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecure } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import { challenges, channelBindings, NegotiateError, ntHash, ntlmAccept, type SecurityContext } from '../../src/protocol/negotiate.ts'
import {
  type DecodedRequest,
  decodeRequest,
  type EncodableRow,
  encodeResponse,
  isSealed,
  type Response,
  resourceUri,
  sealBody,
  unsealBody,
} from '../../src/protocol/wsman.ts'

/** What a test's machine does with a request: an answer, bytes of its own, or something with the connection. */
export type Reply =
  | Response
  | { readonly raw: string | Buffer; readonly type?: string; readonly status?: number; readonly sealed?: boolean }
  | { readonly cut: 'before' | 'half' }
  | { readonly drip: true }
  | { readonly silent: true }
  | { readonly later: Response; readonly ms: number }

export type Endpoint = {
  readonly port: number
  /** Requests in order of arrival, decoded; and the number of connections and of logons. */
  readonly requests: DecodedRequest[]
  readonly bodies: Buffer[]
  connections: number
  logons: number
  /** Versions of TLS, one for each request. */
  readonly protocols: string[]
  /** Every header and body byte that came over the network in clear. */
  readonly authorizations: string[]
  readonly close: () => Promise<void>
}

export type Options = {
  readonly reply: (request: DecodedRequest, count: number) => Reply
  readonly password?: string
  readonly schemes?: readonly string[]
  readonly tls?: { readonly key: string; readonly cert: string; readonly der: Buffer; readonly ca?: string }
  readonly basic?: boolean
  /** Keeps no logon beyond the request that brought it to its end. */
  readonly forgetful?: boolean
  /** Answers the first requests of every connection with this status instead of looking at them. */
  readonly status?: { readonly code: number; readonly headers: Record<string, string> }
}

const mutual = 'http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual'

/** A WinRM endpoint as small as the tests need it: NTLM and seals by the negotiate room, faults on demand. */
export async function endpoint(options: Options): Promise<Endpoint> {
  const contexts = new WeakMap<Socket, SecurityContext>()
  const sockets = new Set<Socket>()
  let count = 0
  const accept = () =>
    ntlmAccept({
      account: (_domain, user) => (user === 'admin' ? ntHash(Buffer.from(options.password ?? 'right')) : null),
      computer: 'PC-1',
      domain: null,
      dnsDomain: '',
      dnsHost: 'pc-1',
      channelBinding: options.tls ? channelBindings(options.tls.der) : null,
      now: Date.now,
    })
  const handle = async (req: IncomingMessage, res: ServerResponse) => {
    const parts: Buffer[] = []
    for await (const part of req) parts.push(part as Buffer)
    const body = Buffer.concat(parts)
    if (req.socket instanceof TLSSocket) state.protocols.push(req.socket.getProtocol() ?? '')
    const given = req.headers.authorization
    if (given) state.authorizations.push(given)
    if (options.status) return res.writeHead(options.status.code, { 'content-length': '0', ...options.status.headers }).end()
    const refuse = (token?: string) => {
      const offered = (options.schemes ?? ['Negotiate', ...(options.tls ? [mutual] : [])]).map((s) =>
        token && s === 'Negotiate' ? `${s} ${token}` : s,
      )
      res.writeHead(401, { 'www-authenticate': offered, 'content-length': '0' }).end()
    }
    let context = contexts.get(req.socket)
    if (options.basic) {
      if (given !== `Basic ${Buffer.from(`admin:${options.password ?? 'right'}`).toString('base64')}`) return refuse()
    } else if (given?.startsWith('Negotiate ')) {
      const token = challenges(given)[0]!.token
      if (!context || context.complete) {
        context = accept()
        contexts.set(req.socket, context)
      }
      try {
        const next = await context.step(token)
        if (!context.complete) return refuse(Buffer.from(next!).toString('base64'))
        state.logons++
        if (options.forgetful) contexts.delete(req.socket)
        const headers = next ? { 'www-authenticate': `Negotiate ${Buffer.from(next).toString('base64')}` } : {}
        if (body.length === 0) return res.writeHead(200, { ...headers, 'content-length': '0' }).end()
      } catch (error) {
        if (!(error instanceof NegotiateError)) throw error
        contexts.delete(req.socket)
        return refuse()
      }
    } else if (!context?.complete) return refuse()
    state.bodies.push(body)
    const type = req.headers['content-type'] ?? ''
    const xml = isSealed(type) ? unsealBody(context!, type, body) : body
    const request = decodeRequest(xml)
    state.requests.push(request)
    let reply = options.reply(request, count++)
    if ('later' in reply) {
      await sleep(reply.ms)
      reply = reply.later
    }
    if ('cut' in reply) {
      if (reply.cut === 'half')
        res.writeHead(200, { 'content-length': '5000', 'content-type': 'application/soap+xml' }).write('<s:Envelope')
      setTimeout(() => req.socket.destroy(), 20)
      return
    }
    if ('silent' in reply) return
    if ('drip' in reply) {
      res.writeHead(200, { 'content-type': 'application/soap+xml' })
      const timer = setInterval(() => res.write('x'), 20)
      req.socket.on('close', () => clearInterval(timer))
      return
    }
    const [bytes, kind, status, seal] =
      'raw' in reply
        ? [Buffer.from(reply.raw), reply.type ?? 'application/soap+xml;charset=UTF-8', reply.status ?? 200, reply.sealed ?? false]
        : [encodeResponse(reply), 'application/soap+xml;charset=UTF-8', reply.action === 'Fault' ? 500 : 200, !options.tls]
    if (!seal) return res.writeHead(status, { 'content-type': kind, 'content-length': bytes.length }).end(bytes)
    const sealed = sealBody(context!, bytes)
    res.writeHead(status, { 'content-type': sealed.contentType, 'content-length': sealed.body.length }).end(sealed.body)
  }
  const listener = (req: IncomingMessage, res: ServerResponse) => {
    handle(req, res).catch(() => req.socket.destroy())
  }
  const { tls } = options
  const server = tls
    ? createSecure(
        { key: tls.key, cert: tls.cert, ...(tls.ca ? { ca: tls.ca, requestCert: true, rejectUnauthorized: true } : {}) },
        listener,
      )
    : createServer(listener)
  server.keepAliveTimeout = 60_000
  const state: Endpoint = {
    port: 0,
    requests: [],
    bodies: [],
    connections: 0,
    logons: 0,
    protocols: [],
    authorizations: [],
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
  server.on('connection', (socket: Socket) => {
    state.connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return Object.assign(state, { port: (server.address() as AddressInfo).port })
}

const uuid = (request: DecodedRequest) => ('messageId' in request ? request.messageId : '')

export const rows = (request: DecodedRequest, items: readonly EncodableRow[], context: string | null = null): Response => ({
  action: request.action === 'Pull' ? 'PullResponse' : 'EnumerateResponse',
  relatesTo: uuid(request),
  shape: 'fragment',
  items,
  context,
  end: context === null,
})
export const fault = (request: DecodedRequest, code: number, form: 'wsman' | 'wmi' = 'wsman', providerCode?: number): Response => ({
  action: 'Fault',
  relatesTo: uuid(request),
  form,
  code,
  message: 'a fault',
  ...(providerCode === undefined ? {} : { provider: { code: providerCode, message: 'said by the provider' } }),
})
export const out = (request: DecodedRequest, values: EncodableRow): Response => ({
  action: 'InvokeResponse',
  relatesTo: uuid(request),
  resourceUri: 'resourceUri' in request ? request.resourceUri : resourceUri('root/cimv2', 'X'),
  method: 'method' in request ? request.method : '',
  out: values,
})
export const released = (request: DecodedRequest): Response => ({ action: 'ReleaseResponse', relatesTo: uuid(request) })
