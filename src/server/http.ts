/** Every route the same way: who asks, may they, is it no forgery, does it fit, was it done already; then it is done, and told. */
import { isIP } from 'node:net'
import { Readable } from 'node:stream'
import { gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ProblemError, printable, problem } from '../model.ts'
import { z } from '../schemas.ts'
import type { Kept, Keys } from './idempotency.ts'
import { takes } from './pages.ts'
import type { Places } from './places.ts'
import { statusOf, wrongBy, wrongOf } from './problems.ts'
import { type Asked, jsonType, type Parts, Reply, type Route, type Stream, type Visit } from './route.ts'
import type { Requests } from './running.ts'
import { type Caller, cookieIn, cookieName, mayAs, nobody } from './session.ts'
import type { Trail, TrailEntry } from './trail.ts'

export type Http = {
  readonly parts: Parts
  readonly places: Places
  readonly trail: Trail
  readonly keys: Keys
  readonly requests: Requests
  readonly url: string | null
  readonly log: (line: string) => void
}
type Admitted = { readonly caller: Caller; readonly visit: Visit; readonly from: string }

const admitted = new WeakMap<FastifyRequest, Admitted>()
const nothing = z.strictObject({})
/** What anybody may send is a name and a password; thousands do it at once. */
const openBytes = 8 * 1024
export const problemType = 'application/problem+json; charset=utf-8'

/** The caller's address: what a proxy of ours says, where it is an address. IIS and Azure's gateways write the port behind it. */
export function fromOf({ ip, socket }: FastifyRequest): string {
  const [, four, six] = /^(?:([\d.]+):\d{1,5}|\[([\da-fA-F:.]+)\](?::\d{1,5})?)$/.exec(ip ?? '') ?? []
  const said = four ?? six ?? ip ?? ''
  return isIP(said) !== 0 ? said : (socket.remoteAddress ?? '-')
}
const isSecure = (request: FastifyRequest) => request.protocol === 'https'

export function sayWrong(reply: FastifyReply, { status, details, headers }: ReturnType<typeof wrongOf>): void {
  void reply
    .code(status)
    .headers({ ...(status === 401 ? { 'www-authenticate': 'Bearer realm="slmctl"' } : {}), ...headers })
    .type(problemType)
    .send(JSON.stringify(details))
}

let storeToldAt = Number.NEGATIVE_INFINITY
/** Where the store is, and as whom it is asked, is for who is signed in and for the log, which is told once a minute. */
function toStranger(error: unknown, request: FastifyRequest, log: Http['log']): unknown {
  const [first] = error instanceof ProblemError ? error.problems : []
  if (!first?.code.startsWith('STORE_') || (admitted.get(request)?.caller.who.account ?? null) !== null) return error
  const now = performance.now()
  if (now - storeToldAt >= 60_000) {
    log(`${first.code}: ${printable(first.summary)}`)
    storeToldAt = now
  }
  return new ProblemError(
    problem(first.code, 'The server does not get along with its store at the moment.', [
      'Try again in a few seconds.',
      'Its log says more.',
    ]),
  )
}

/** Says what went wrong with a request, whatever was thrown; what is our own mistake is told to the log. */
export function sayError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Http['log']): void {
  const wrong = wrongBy(toStranger(error, request, log), request.id, (e) => {
    log(`request ${request.id} ${request.method} ${request.routeOptions.url ?? '-'}: ${(e as Error)?.stack ?? String(e)}`)
  })
  sayWrong(reply, wrong)
}

/** Who asks; null where an Authorization is none. */
export async function whoAsks(request: FastifyRequest, { parts, places, url }: Http): Promise<Admitted | null> {
  const from = fromOf(request)
  const secure = isSecure(request)
  const cookie = (name: string) => cookieIn(request.headers.cookie, name)
  const caller = await parts.people.caller(request.headers.authorization, cookie(cookieName(secure)), from)
  if (caller === null) return null
  const origin = url ?? places.originOf(request.headers.host!, secure)
  return { caller, from, visit: { session: caller.session, secure, origin, address: request.url, cookie, cookies: request.headers.cookie } }
}

const signInFirst = (summary: string) =>
  new ProblemError(problem('NOT_SIGNED_IN', summary, ['Sign in, or send a token: Authorization: Bearer slmctl_…']))

/** Lets in, or throws: before a body is read. */
async function admit(route: Route, request: FastifyRequest, reply: FastifyReply, http: Http): Promise<void> {
  const { trail, parts } = http
  const what = nameOf(route)
  const entry = (who: Caller['who'], detail: string): TrailEntry => {
    const about = paramsOf(request.params)
    return { who: who.name, by: wayOf(who), from: who.from, what, about, result: 'refused', detail }
  }
  const asks = await whoAsks(request, http).catch(async (error) => {
    const [first] = error instanceof ProblemError ? error.problems : []
    if (first?.code === 'TOKEN_OWNER_AWAY') await trail.refused(entry(nobody(fromOf(request)).who, first.code), null)
    throw error
  })
  if (asks === null) {
    await trail.refused(entry(nobody(fromOf(request)).who, 'NOT_SIGNED_IN'), null)
    throw signInFirst('The token is none, has ended, or was revoked.')
  }
  admitted.set(request, asks)
  const { caller } = asks
  const access = route.access === 'diagnose' ? (parts.people.openDiagnose ? 'open' : 'viewer') : route.access
  if (access !== 'open' && !mayAs(caller.role, access)) {
    if (caller.who.account === null) throw signInFirst('Nobody is signed in.')
    await trail.refused(entry(caller.who, 'NO_RIGHT'), caller.who.account)
    throw new ProblemError(
      problem('NO_RIGHT', `${caller.who.name} may not do this: it is for the role ${access}.`, [
        caller.scope === null
          ? 'Whoever looks after the accounts gives roles.'
          : `The token has the scope ${caller.scope}; make one with more.`,
      ]),
    )
  }
  if (route.changes && route.method !== 'GET' && caller.scope === null && !isOwnPage(request, http)) {
    await trail.refused(entry(caller.who, 'FORGED_REQUEST'), caller.who.account)
    throw new ProblemError(
      problem('FORGED_REQUEST', 'The change does not come from a page of this server.', [
        'Open the pages at the address that the site file says (server: {url}).',
        'Programs send a token: Authorization: Bearer slmctl_…',
      ]),
    )
  }
  if (route.bodyLimit !== undefined) {
    const told = Number(request.headers['content-length'] ?? route.bodyLimit)
    http.requests.longText(reply.raw, caller.who, Math.min(told, route.bodyLimit))
  }
}

/** A cookie comes along with whatever another page sends; such a page cannot say that it is ours. */
function isOwnPage({ headers, protocol }: FastifyRequest, { places }: Http): boolean {
  const { origin } = headers
  if (origin !== undefined) return places.isOwnOrigin(origin, headers.host!, protocol === 'https')
  return headers['sec-fetch-site'] === 'same-origin'
}

/** How they were known, for the trail; of a token which. */
const wayOf = ({ by, token }: Caller['who']) => (token === undefined ? by : `token ${token}`)
const nameOf = ({ method, path }: Route) => `${method} ${path}`
const paramsOf = (params: unknown) =>
  Object.entries((params ?? {}) as Record<string, unknown>)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ')

/** What a change is about: what the route says, else its params and the id that came of it. */
function aboutOf(route: Route, asked: Asked<never, never, never>, answer: unknown): string {
  if (route.about) return route.about(asked, answer as never)
  const { id } = (typeof answer === 'object' && answer !== null ? answer : {}) as { id?: unknown }
  const came = typeof id === 'number' || typeof id === 'string' ? ` → ${id}` : ''
  return `${paramsOf(asked.params)}${came}`.trim()
}

/** Adds a route to the server. */
export function register(server: FastifyInstance, route: Route, http: Http): void {
  const streams = typeof route.answer === 'string'
  const bodyLimit = route.bodyLimit ?? (route.access === 'open' ? openBytes : undefined)
  server.route({
    method: route.method,
    url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    exposeHeadRoute: route.method === 'GET' && !streams,
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
    schema: {
      params: route.params ?? nothing,
      // A word of a query that nobody looks at would be a filter that does not filter.
      querystring: route.query ? (route.query.def.catchall ? route.query : route.query.strict()) : nothing,
      ...(route.body ? { body: route.body } : {}),
    },
    onRequest: (request, reply) => admit(route, request, reply, http),
    handler: async (request, reply) => {
      if (!route.body && request.body !== undefined && Object.keys(request.body ?? {}).length > 0)
        throw new ProblemError(problem('REQUEST_INVALID', 'The body: nothing is expected there.', ['Send none.']))
      const { caller, visit, from } = admitted.get(request)!
      const signal = http.requests.begin(reply.raw, { streams, listener: route.answer === 'text/event-stream' ? from : null })
      const asked: Asked<never, never, never> = {
        params: request.params as never,
        query: request.query as never,
        body: request.body as never,
        who: caller.who,
        parts: http.parts,
        visit,
        lastEventId: (request.headers['last-event-id'] as string | undefined) ?? null,
        signal,
      }
      if (streams) return await sayStream(route, asked, reply)
      const done = await carryOut(route, asked, request, http)
      if (done.replayed) reply.header('idempotent-replayed', 'true')
      reply.headers(done.headers).code(done.told.status)
      return done.told.status === 204 ? await reply.send() : await sayBody(done.told, request, reply)
    },
  })
}

/** What is answered: a body that was made in a thread is in UTF-8 already. */
type Told = Omit<Kept, 'body'> & { readonly body: string | Buffer }

const zip = (body: Told['body']) =>
  new Promise<Buffer>((resolve, reject) => gzip(body, { level: 1 }, (error, packed) => (error ? reject(error) : resolve(packed))))
/** Smaller ones are not worth it. */
const zipFromBytes = 4096

/** A list of machines is a tenth of itself when it is packed. Level 1: the rest costs more time than it saves on the line. */
async function sayBody({ type, body }: Told, { headers }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  reply.type(type).header('vary', 'Accept-Encoding')
  if (body.length < zipFromBytes || !takes(String(headers['accept-encoding'] ?? ''), 'gzip')) return await reply.send(body)
  return await reply.header('content-encoding', 'gzip').send(await zip(body))
}

async function sayStream(route: Route, asked: Asked<never, never, never>, reply: FastifyReply): Promise<FastifyReply> {
  const { type, fileName, rows } = (await route.handle(asked as never)) as Stream
  if (fileName !== undefined) reply.header('content-disposition', `attachment; filename="${fileName.replace(/[^\w.-]/g, '_')}"`)
  // nginx would hold events back.
  if (type === 'text/event-stream') reply.header('x-accel-buffering', 'no')
  return await reply.type(type).send(Readable.from(rows, { objectMode: false, highWaterMark: 64 * 1024 }))
}

type Done = { readonly told: Told; readonly headers: Record<string, string | string[]>; readonly replayed: boolean }

/** Does what a route does, once for an Idempotency-Key. */
async function carryOut(route: Route, asked: Asked<never, never, never>, request: FastifyRequest, http: Http): Promise<Done> {
  let headers: Record<string, string | string[]> = {}
  const work = async (): Promise<Told> => {
    const answer = await changing(route, asked, http)
    const reply = answer instanceof Reply ? answer : null
    const body = reply ? reply.body : answer
    headers = Object.fromEntries(Object.entries(reply?.headers ?? {}).map(([k, v]) => [k, typeof v === 'string' ? v : [...v]]))
    const type = headers['content-type']
    const status = reply?.status ?? (route.answer === null ? 204 : (route.status ?? 200))
    if (typeof type === 'string') return { status, type, body: body instanceof Uint8Array ? Buffer.from(body.buffer) : String(body) }
    return { status, type: jsonType, body: body === null || body === undefined ? '' : JSON.stringify(body) }
  }
  const key = request.headers['idempotency-key']
  const { account } = asked.who
  // Of a body with a password nothing is kept, not even a hash; and who signs in twice is signed in.
  if (!route.changes || route.access === 'open' || typeof key !== 'string' || account === null) {
    return { told: await work(), headers, replayed: false }
  }
  const words = [request.method, request.url, JSON.stringify(request.body ?? null)]
  const worked = async () => {
    const told = await work()
    return { ...told, body: told.body.toString() }
  }
  const { replayed, ...told } = await http.keys.once(
    { key, account, request: words },
    worked,
    route.toldOnce ? toldAlready : (done) => done,
  )
  return { told, headers, replayed }
}

/** What is kept of an answer that holds a secret. */
function toldAlready(): Kept {
  const { status, details } = wrongOf(
    [problem('TOLD_ONCE', 'This was done, and its answer was told once.', ['Revoke it and make a new one if the answer was lost.'])],
    null,
  )
  return { status, type: problemType, body: JSON.stringify(details) }
}

/** Does it, and where it is a change, appends it to the trail, however it ended. */
async function changing(route: Route, asked: Asked<never, never, never>, { trail, log }: Http): Promise<unknown> {
  if (!route.changes || route.personal) return await route.handle(asked as never)
  const { who } = asked
  const entry = (
    about: string,
    of: { readonly name: string; readonly by: string } | null,
    result: TrailEntry['result'],
    detail: string | null,
  ) => ({
    ...{ who: of?.name ?? who.name, by: of?.by ?? wayOf(who), from: who.from, what: nameOf(route), about, result, detail },
  })
  let answer: unknown
  try {
    answer = await route.handle(asked as never)
  } catch (error) {
    // Whoever went away while it was looked at, before anything was changed: that is no fault of ours.
    const left = error === asked.signal.reason
    const code = error instanceof ProblemError ? error.problems[0]!.code : left ? 'CALLER_LEFT' : 'INTERNAL'
    const isRefused = statusOf(code) < 500
    const told = entry(aboutOf(route, asked, undefined), null, isRefused ? 'refused' : 'failed', code)
    if (isRefused || who.account === null) await trail.refused(told, who.account)
    else await trail.append(told).catch((e: Error) => log(`the trail could not be written: ${printable(e.message)}`))
    throw error
  }
  const reply = answer instanceof Reply ? answer : null
  const about = aboutOf(route, asked, reply ? reply.body : answer)
  try {
    if ((reply?.status ?? 200) >= 400) await trail.refused(entry(about, reply?.who ?? null, 'refused', reply?.problem ?? null), who.account)
    // Whoever signs out and was not signed in has changed nothing.
    else if (who.account !== null || reply?.who) await trail.append(entry(about, reply?.who ?? null, 'done', null))
  } catch (error) {
    log(`the trail could not be written: ${printable((error as Error).message)}`)
    throw new ProblemError(
      problem('TRAIL_NOT_WRITTEN', 'It was done, but the trail could not be written.', ['Look at the store, and at what was changed.']),
    )
  }
  return answer
}
