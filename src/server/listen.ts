/** The server as a whole: what it is put together from, where it listens, how it ends. */
import type { App, ServerSettings, Store } from '../app.ts'
import { ProblemError, printable, problem } from '../model.ts'
import { tellWhileRunning } from './alerts.ts'
import { openCertificate } from './certificate.ts'
import { registerFormPost } from './form-post.ts'
import { securityHeaders } from './headers.ts'
import { type Http, register, sayError } from './http.ts'
import { httpServer, type Limits, onlyJson, otherCertificate, usualLimits } from './http-server.ts'
import { keysOf } from './idempotency.ts'
import { openLive } from './live-events.ts'
import { RequestCounts } from './metrics.ts'
import { registerPlaces } from './open-places.ts'
import { callbackPath } from './openid.ts'
import type { Pages } from './pages.ts'
import { openPeople } from './people.ts'
import { isLoopback, isProxy, places, plainBeyond } from './places.ts'
import { regularly } from './regular.ts'
import type { Parts } from './route.ts'
import { allRoutes } from './routes.ts'
import { requests } from './running.ts'
import { trailOf } from './trail.ts'
import { work } from './work.ts'

/** What holds where no site file speaks of it: for this computer alone. */
export const usualSettings: ServerSettings = {
  address: '127.0.0.1',
  port: 8080,
  url: null,
  tls: null,
  proxies: [],
  store: null,
  local: true,
  sessionHours: 12,
  openid: null,
  checkHostsMinutes: null,
  scanHours: null,
  openDiagnose: false,
  openMetrics: false,
}

export type ServerOptions = {
  readonly app: App
  readonly store: Store
  readonly settings: ServerSettings
  readonly siteFile: string | null
  /** Null: the pages were not built. */
  readonly pages: Pages | null
  /** Whether a link is made by which one may sign in, where the server is for this computer alone. */
  readonly once: boolean
  /** Whether this process works on campaigns. */
  readonly work: boolean
  readonly log: (line: string) => void
  readonly version: string
  readonly clock?: () => number
  readonly limits?: Partial<Limits>
}
export type Running = {
  readonly address: string
  /** As people reach it, without a slash at the end. */
  readonly url: string
  /** By which one may sign in once, within ten minutes. */
  readonly link: string | null
  /** There is a new campaign. */
  readonly wake: () => void
  /** Certificate and key are read anew at once; null: the server speaks no TLS itself. */
  readonly renewed: (() => Promise<void>) | null
  /** Ends: nothing new is begun, listeners are let go, what is under way gets so long. */
  readonly close: (how: { readonly graceMs: number }) => Promise<void>
}

/**
 * Starts the server. `SERVER_NOT_PRIVATE` where passwords would go over the network as they are; `ADDRESS_IN_USE` and the like where it
 * cannot listen.
 */
export async function startServer(options: ServerOptions): Promise<Running> {
  const { app, store, settings, log } = options
  mustBePrivate(settings)
  const clock = options.clock ?? Date.now
  const limits = { ...usualLimits, ...options.limits }
  const certificate = settings.tls && (await openCertificate(app, settings.tls, clock, log))
  const counts = new RequestCounts()
  const live = openLive({ store, clock })
  const running = requests(limits)
  const trail = trailOf(store, clock, log)
  const keys = keysOf(store, clock)
  const people = openPeople({
    ...{ store, settings, clock, log },
    site: { organisation: app.site?.organisation ?? null, lab: app.site?.lab === true },
    link: options.once && isLoopback(settings.address),
    secret: async () => {
      const secret = await app.secret(settings.openid!.clientSecret)
      try {
        // The library takes a string.
        return secret.use((bytes) => Buffer.from(bytes).toString('utf8'))
      } finally {
        secret.wipe()
      }
    },
  })
  const worker = options.work
    ? work({ app, store, log }, (event) => {
        if (event.kind === 'state') live.look()
      })
    : null
  const parts: Parts = {
    ...{ store, app, siteFile: options.siteFile, loadedAt: clock(), live, people, clock, version: options.version },
    wake: () => {
      worker?.wake()
      live.look()
    },
  }
  const own = places(settings, () => certificate?.now() ?? null)
  const http: Http = { parts, places: own, trail, keys, requests: running, url: settings.url, log }

  const server = httpServer(settings, certificate?.tls ?? null, limits)
  certificate?.begin((tls) => otherCertificate(server, tls), limits.certificateEveryMs)
  server.setErrorHandler((error, request, reply) => sayError(error, request, reply, log))
  onlyJson(server, allRoutes)
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders(request.protocol === 'https')).header('x-request-id', request.id)
    const { localAddress = '', localPort = 0 } = request.socket
    // Of two names Node takes the first; a proxy before it may have looked at the other (RFC 9112, 3.2).
    const once = request.raw.headersDistinct.host?.length === 1
    if (plainBeyond(settings, request.protocol, request.socket.remoteAddress ?? '') && request.url !== '/healthz')
      throw new ProblemError(
        problem('SERVER_NOT_PRIVATE', 'This request came without TLS, past the proxy.', [
          'Use the address of the site file (server: {url}).',
          'The proxy has to send X-Forwarded-Proto, and to be listed under proxies: docs/guide/server.md',
        ]),
      )
    if (!once || !own.isOurs(request.headers.host, { address: localAddress, port: localPort }))
      throw new ProblemError(
        problem('HOST_NOT_OURS', 'This server is not known by that name.', ['Say in the site file how people reach it: server: {url}.']),
      )
  })
  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? null
    counts.note({ method: request.method, route, status: reply.statusCode, seconds: reply.elapsedTime / 1000 })
  })
  for (const route of allRoutes) register(server, route, http)
  if (settings.openid?.responseMode === 'form_post') registerFormPost(server, callbackPath)
  registerPlaces(server, http, {
    ...{ pages: options.pages, counts, startedAt: clock(), settings, routes: allRoutes },
    certificateEndsAt: () => certificate?.endsAt() ?? null,
  })

  try {
    await keys.forget()
    await server.listen({ host: settings.address === 'localhost' ? '127.0.0.1' : settings.address, port: settings.port })
  } catch (error) {
    certificate?.end()
    await server.close()
    await live.close()
    await worker?.end()
    throw notListening(error, settings)
  }
  server.server.maxConnections = limits.connections
  const { address, port } = server.server.address() as { address: string; port: number }
  const here = `${settings.tls ? 'https' : 'http'}://${address.includes(':') ? `[${address}]` : address}:${port}`
  const forgetting = setInterval(() => void keys.forget().catch(() => {}), 3_600_000)
  forgetting.unref()
  const ending = new AbortController()
  const regular = options.work ? regularly(parts, settings, log) : null
  const telling = tellWhileRunning(parts, log, ending.signal).catch((error: Error) =>
    log(`alerts are told no more until it is started again: ${printable(error.message)}`),
  )
  return {
    address: `${address}:${port}`,
    url: settings.url ?? here,
    link: people.ways.link ? await people.newLink(here) : null,
    wake: parts.wake,
    renewed: certificate?.look ?? null,
    close: async ({ graceMs }) => {
      clearInterval(forgetting)
      certificate?.end()
      ending.abort()
      const resting = regular?.end()
      const working = worker?.end()
      const closed = server.close()
      running.endStreams()
      const late = setTimeout(() => {
        running.endAll()
        server.server.closeAllConnections()
      }, graceMs)
      await closed
      await live.close()
      clearTimeout(late)
      await working
      // A host that says nothing is not waited for.
      await Promise.race([resting, new Promise((done) => setTimeout(done, graceMs).unref())])
      await telling
    },
  }
}

/** Beyond this computer, passwords and sessions go over TLS, ours or a proxy's. */
function mustBePrivate({ address, tls, proxies, url }: ServerSettings): void {
  const wide = proxies.find((proxy) => !isProxy(proxy))
  if (wide !== undefined)
    throw new ProblemError(
      problem('PROXIES_TOO_WIDE', `${wide} is no address of a proxy, and no network of some: everybody there would be believed.`, [
        'server: {proxies: [10.0.0.5]} in the site file: the addresses of your reverse proxies, or networks no wider than /16 (IPv6: /48).',
      ]),
    )
  const outside = !isLoopback(address)
  const plainUrl = url !== null && !url.startsWith('https:') && !isLoopback(new URL(url).hostname)
  const byProxy = proxies.length > 0 && url !== null && url.startsWith('https:')
  if ((outside && tls === null && !byProxy) || plainUrl)
    throw new ProblemError(
      problem('SERVER_NOT_PRIVATE', 'Passwords and sessions would go over the network without TLS.', [
        'server: {tls: {certificate: FILE, key: {file: FILE}}} in the site file: slmctl speaks TLS itself.',
        'Or behind a reverse proxy with TLS: server: {url: https://…, proxies: [its address]}.',
        'For this computer alone: server: {listen: 127.0.0.1:8080}.',
      ]),
    )
}

function notListening(error: unknown, { address, port }: ServerSettings): Error {
  const at = `${address}:${port}`
  const { code } = error as NodeJS.ErrnoException
  const next = ['server: {listen} of the site file, or --listen ADDRESS:PORT']
  if (code === 'EADDRINUSE')
    return new ProblemError(
      problem('ADDRESS_IN_USE', `Something else listens on ${at} already.`, ['Is slmctl serve running already?', ...next]),
    )
  if (code === 'EACCES')
    return new ProblemError(
      problem('ADDRESS_NOT_ALLOWED', `Whoever runs slmctl may not listen on ${at}.`, ['Ports below 1024 are for the system.', ...next]),
    )
  if (code === 'EADDRNOTAVAIL') return new ProblemError(problem('ADDRESS_NOT_HERE', `${address} is no address of this computer.`, next))
  return error as Error
}
