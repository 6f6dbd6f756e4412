/** The HTTP server below the routes: TLS, times and sizes, what is read as a body, and what is said to whom speaks no HTTP. */
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { type FastifyInstance, type FastifySchemaCompiler, type FastifyServerOptions, fastify } from 'fastify'
import type { ServerSettings } from '../app.ts'
import { type Problem, ProblemError, printable, problem } from '../model.ts'
import type { z } from '../schemas.ts'
import type { Tls } from './certificate.ts'
import { securityHeaders } from './headers.ts'
import { problemType, sayError } from './http.ts'
import { wrongOf } from './problems.ts'
import type { Route } from './route.ts'

/** What of a request is read by a schema of ours; what does not fit it, as fastify tells its own schemas' remarks. */
const bySchema: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (data) => {
    const read = schema.safeParse(data)
    if (read.success) return { value: read.data }
    return {
      error: read.error.issues.map(({ code, path, message }) => {
        const place = path.map(String).join('/')
        return { keyword: code, instancePath: `/${place}`, schemaPath: `#/${place}/${code}`, message, params: {} }
      }),
    }
  }

/** How long and how much: a server that waits for ever is stopped by a few who send slowly. */
export type Limits = {
  readonly headersMs: number
  readonly requestMs: number
  /** A line on which nothing goes either way; events have a beat of their own. */
  readonly silentMs: number
  readonly keepAliveMs: number
  readonly headerBytes: number
  readonly bodyBytes: number
  readonly connections: number
  readonly listenersOfAddress: number
  readonly listeners: number
  /** How often the times are looked at. */
  readonly lookEveryMs: number
  /** How often it is looked whether there is another certificate. */
  readonly certificateEveryMs: number
}
export const usualLimits: Limits = {
  headersMs: 10_000,
  requestMs: 30_000,
  silentMs: 10 * 60_000,
  keepAliveMs: 30_000,
  headerBytes: 16 * 1024,
  bodyBytes: 256 * 1024,
  connections: 4096,
  listenersOfAddress: 256,
  listeners: 2048,
  lookEveryMs: 2000,
  certificateEveryMs: 10_000,
}

/** The oldest TLS that is spoken: what is older has known faults (RFC 8996). */
const minVersion = 'TLSv1.2'

/** A server that listens nowhere yet. */
export function httpServer({ proxies }: ServerSettings, tls: Tls | null, limits: Limits): FastifyInstance {
  const socket = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    connectionsCheckingInterval: limits.lookEveryMs,
  }
  const common = {
    logger: false,
    trustProxy: proxies.length > 0 ? [...proxies] : false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestMs,
    connectionTimeout: limits.silentMs,
    keepAliveTimeout: limits.keepAliveMs,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 500 },
    clientErrorHandler,
    frameworkErrors: (error, request, reply) => {
      reply.headers(securityHeaders(false))
      sayError(error, request as never, reply as never, () => {})
    },
  } satisfies FastifyServerOptions
  try {
    const server = tls
      ? fastify({ ...common, https: { ...socket, cert: tls.cert, key: tls.key, minVersion } })
      : fastify({ ...common, http: socket })
    return (server as unknown as FastifyInstance).setValidatorCompiler(bySchema)
  } catch (error) {
    throw new ProblemError(
      problem('CERTIFICATE_FILE', `The certificate and its key do not work: ${printable((error as Error).message)}.`, [
        'server: {tls: {certificate, key}}: PEM files that belong together; the key has no passphrase.',
      ]),
    )
  }
}

/** New connections get another certificate, those that are open go on; throws where TLS does not take it, and nothing has changed then. */
export function otherCertificate(server: FastifyInstance, { cert, key }: Tls): void {
  const tls = server.server as unknown as { readonly setSecureContext: (context: object) => void }
  tls.setSecureContext({ cert, key, minVersion })
}

/** Where much may be sent, it is in a few long texts. Five megabytes of empty objects would be parsed for tenths of a second. */
const manyParts = () =>
  new ProblemError(
    problem('REQUEST_INVALID', 'The body has more parts than any that is meant.', ['docs/openapi.json says what is expected.']),
  )

/** How much of a JSON body stands outside of its texts. */
function besideTexts(body: string): number {
  let beside = 0
  for (let at = 0; ; ) {
    const begin = body.indexOf('"', at)
    if (begin < 0) return beside + body.length - at
    beside += begin - at
    let end = body.indexOf('"', begin + 1)
    while (end > 0 && isEscaped(body, end)) end = body.indexOf('"', end + 1)
    if (end < 0) return beside
    at = end + 1
  }
}
function isEscaped(body: string, at: number): boolean {
  let before = at
  while (body[before - 1] === '\\') before--
  return (at - before) % 2 === 1
}

/** Bodies are JSON: what a form of another page can send is none. An empty body is none, whatever its type says. */
export function onlyJson(server: FastifyInstance, allRoutes: readonly Route[]): void {
  const parse = server.getDefaultJsonParser('error', 'error')
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else if (body.length > usualLimits.bodyBytes && besideTexts(body as string) > usualLimits.bodyBytes) done(manyParts())
    else void parse(request, body as string, done)
  })
  // A text by itself, where a route takes one: it changes nothing.
  const takesText = new Set(allRoutes.flatMap((r) => (!r.changes && r.body?.safeParse('text').success ? r.path : [])))
  server.addContentTypeParser('text/plain', { parseAs: 'string' }, (request, body, done) => {
    if (takesText.has(request.routeOptions.url as Route['path'])) done(null, body)
    else done(new ProblemError(problem('NOT_JSON', 'The body is no JSON by its type.', ['Content-Type: application/json'])))
  })
}

/** What is no HTTP, or came too slowly, is answered by hand: there is no request to answer yet. */
function clientErrorHandler(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const { status, details } = wrongOf([clientProblem(error.code)], null)
  const body = JSON.stringify(details)
  const lines = [
    `HTTP/1.1 ${status} ${status === 431 ? 'Request Header Fields Too Large' : status === 408 ? 'Request Timeout' : 'Bad Request'}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ]
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

function clientProblem(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return problem('HEADERS_TOO_LARGE', 'The headers are larger than the server takes.', ['Send less.'])
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return problem('REQUEST_SLOW', 'The request did not come in time.', ['Send it again.'])
  return problem('REQUEST_INVALID', 'That is no HTTP request.', ['Look whether http and https are mixed up.'])
}
