/** What is beside the API: whether the server is well, the numbers for Prometheus, the pages, and what is nowhere. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { metricsOf, type ServerSettings } from '../app.ts'
import { ProblemError, problem } from '../model.ts'
import { type Http, sayWrong, whoAsks } from './http.ts'
import { metricsText, metricsType, type RequestCounts } from './metrics.ts'
import { type Pages, pageAnswer, pageOf } from './pages.ts'
import { wrongOf } from './problems.ts'
import type { Route } from './route.ts'

/** A monitor may ask often; the store is asked once a second. */
const wellMs = 1000

export type Beside = {
  readonly pages: Pages | null
  readonly counts: RequestCounts
  readonly startedAt: number
  readonly settings: ServerSettings
  readonly routes: readonly Route[]
  /** Null: no TLS of its own. */
  readonly certificateEndsAt: () => number | null
}

export function registerPlaces(server: FastifyInstance, http: Http, beside: Beside): void {
  const { pages, counts, startedAt, settings, routes } = beside
  const { parts } = http
  let well: { readonly at: number; readonly store: Promise<unknown> } | null = null
  server.get('/healthz', { exposeHeadRoute: true }, async (_, reply) => {
    const now = performance.now()
    if (!well || now - well.at > wellMs) well = { at: now, store: parts.store.campaigns({ limit: 1 }) }
    await well.store
    return await reply.type('text/plain; charset=utf-8').send('ok\n')
  })
  server.get('/metrics', async (request, reply) => {
    if (!settings.openMetrics) {
      const asks = await whoAsks(request, http)
      if (asks === null || (asks.caller.role === null && asks.caller.scope !== 'metrics'))
        throw new ProblemError(
          problem('NOT_SIGNED_IN', 'The numbers are for who is signed in.', [
            'A token with the scope metrics: slmctl tokens create --scope metrics',
            'Or for everybody: server: {open-metrics: true} in the site file.',
          ]),
        )
    }
    const numbers = await metricsOf(parts.store, parts.app.site, parts.clock())
    const text = metricsText(numbers, {
      ...{ version: parts.version, startedAt, listeners: parts.live.listeners(), requests: counts },
      certificateEndsAt: beside.certificateEndsAt(),
    })
    return await reply.type(metricsType).send(text)
  })
  server.get('/*', { exposeHeadRoute: true }, async (request, reply) => {
    const path = request.url.split('?', 1)[0]!
    const file = isOurs(path) ? null : pageOf(pages, path)
    if (file === null) return sayNowhere(path, reply)
    const { status, headers, body } = pageAnswer(file, String(request.headers['accept-encoding'] ?? ''), request.headers['if-none-match'])
    return await reply.code(status).headers(headers).send(body)
  })
  server.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0]!
    const allowed = methodsOf(path, routes)
    if (allowed.length === 0) return sayWrong(reply, wrongOf([nowhere(path)], request.id))
    reply.header('allow', allowed.join(', '))
    return sayWrong(
      reply,
      wrongOf(
        [problem('METHOD_NOT_ALLOWED', `This address does not take ${request.method}.`, [`It takes ${allowed.join(', ')}.`])],
        request.id,
      ),
    )
  })

  const sayNowhere = (path: string, reply: FastifyReply): never => {
    const allowed = isOurs(path) ? methodsOf(path, routes) : []
    if (allowed.length === 0) throw new ProblemError(nowhere(path))
    reply.header('allow', allowed.join(', '))
    throw new ProblemError(problem('METHOD_NOT_ALLOWED', 'This address does not take GET.', [`It takes ${allowed.join(', ')}.`]))
  }
}

const nowhere = (path: string) =>
  problem('NOT_FOUND', 'There is nothing at this address.', [path.startsWith('/api/') ? 'docs/guide/api.md lists the addresses.' : '/'])

/** Not the pages' own. */
const isOurs = (path: string) => /^\/(?:api|metrics|healthz)(?:\/|$)/.test(path)

/** What an address takes. */
function methodsOf(path: string, routes: readonly Route[]): string[] {
  const fits = (r: Route) => new RegExp(`^${r.path.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path)
  const ofApi = routes.filter(fits).map((r) => r.method)
  if (ofApi.length > 0) return [...new Set(ofApi)].sort()
  return isOurs(path) && !/^\/(?:metrics|healthz)$/.test(path) ? [] : ['GET', 'HEAD']
}
