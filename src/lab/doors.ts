import { createServer as createNet, type Server, type Socket } from 'node:net'
import { createSecureContext, createServer as createTls, type SecureContext } from 'node:tls'
import type { Issued } from './certificate.ts'
import type { Endpoint } from './server.ts'

/** Ports that machines share: whom a connection is for, its first request says, or the name that TLS was begun with. */
export type Shared = {
  /** Null where nobody is called so. */
  readonly find: (name: string) => Endpoint | null
  readonly certify: (endpoint: Endpoint) => Issued
}

/** The ports of a lab: of each machine by itself, or of all together. */
export type Doors = {
  readonly open: (endpoint: Endpoint, address: string, ports: { http: number | null; https: number | null }) => Promise<void>
  readonly close: (endpoint: Endpoint) => Promise<void>
  readonly reopen: (endpoint: Endpoint) => Promise<void>
  /** Opens one port number at each address, for all machines. `silent`: addresses that take a connection and never say a word. */
  readonly share: (
    shared: Shared,
    addresses: readonly string[],
    ports: { http: number; https: number | null },
    silent: readonly string[],
  ) => Promise<{ readonly http: number; readonly https: number | null }>
  /** Whoever is called so at the shared ports. */
  readonly find: (name: string) => Endpoint | null
  readonly stop: () => Promise<void>
}

/** Who has come: to one machine, or to a port of all, where the first request will say to whom. */
export type Visit = {
  readonly one: (endpoint: Endpoint, socket: Socket, tls: boolean) => void
  readonly anyone: (socket: Socket) => void
}

export function openDoors(address: string, visit: Visit): Doors {
  let stopped = false
  let shared: Shared | null = null
  const doors: Server[] = []
  const silenced = new Set<Socket>()

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
    const { certificate: cert, house } = endpoint
    return {
      cert: cert!.certificate,
      key: cert!.key,
      ...(house.clientAuthority ? { requestCert: true, rejectUnauthorized: false, ca: house.clientAuthority } : {}),
    }
  }

  async function open(endpoint: Endpoint, at: string, ports: { http: number | null; https: number | null }): Promise<void> {
    if (ports.http !== null) {
      const server = createNet((socket) => visit.one(endpoint, socket, false))
      endpoint.httpPort = await listen(server, ports.http, at)
      endpoint.http = server
    }
    if (ports.https !== null) {
      const server = createTls(tlsOptions(endpoint), (socket) => visit.one(endpoint, socket, true))
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
    endpoint.away = true
  }

  const reopen = async (endpoint: Endpoint) => {
    endpoint.away = false
    // Without a port of its own it is at one that never closed.
    const own = endpoint.httpPort !== null || endpoint.httpsPort !== null
    if (own && endpoint.http === null && endpoint.https === null)
      await open(endpoint, address, { http: endpoint.httpPort, https: endpoint.httpsPort })
  }

  /** The certificate of whoever the client named; without a name there is none to choose. */
  function chooseCertificate(name: string, done: (error: Error | null, context?: SecureContext) => void): void {
    const endpoint = shared!.find(name)
    if (!endpoint || endpoint.away) {
      done(new Error('unknown name'))
      return
    }
    endpoint.certificate ??= shared!.certify(endpoint)
    done(null, createSecureContext({ cert: endpoint.certificate.certificate, key: endpoint.certificate.key }))
  }

  /** A port number that is free at the first address need not be at the others: then another one is tried. */
  async function openAll(servers: readonly (() => Server)[], addresses: readonly string[], port: number): Promise<number> {
    for (let attempt = 0; ; attempt++) {
      const opened: Server[] = []
      try {
        let at = port
        for (const [i, address] of addresses.entries()) {
          const server = servers[i]!()
          at = await listen(server, at, address)
          opened.push(server)
        }
        doors.push(...opened)
        return at
      } catch (error) {
        for (const server of opened) server.close()
        if (port !== 0 || attempt >= 20 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      }
    }
  }

  const share: Doors['share'] = async (wanted, addresses, ports, silent) => {
    shared = wanted
    const plain = () => createNet((socket) => visit.anyone(socket))
    const mute = () =>
      createNet((socket) => {
        silenced.add(socket)
        socket.on('error', () => socket.destroy())
        socket.on('close', () => silenced.delete(socket)).resume()
      })
    const secured = () => {
      const server = createTls({ SNICallback: chooseCertificate }, (socket) => {
        const endpoint = shared!.find(String(socket.servername))
        if (!endpoint || endpoint.away) socket.destroy()
        else visit.one(endpoint, socket, true)
      })
      server.on('tlsClientError', () => {})
      return server
    }
    const all = [...addresses, ...silent]
    const http = await openAll([...addresses.map(() => plain), ...silent.map(() => mute)], all, ports.http)
    const https =
      ports.https === null ? null : await openAll([...addresses.map(() => secured), ...silent.map(() => mute)], all, ports.https)
    return { http, https }
  }

  return {
    open,
    close: shut,
    reopen,
    share,
    find: (name) => shared?.find(name) ?? null,
    stop: async () => {
      stopped = true
      const closed = doors.map((door) => new Promise<void>((done) => door.close(() => done())))
      for (const socket of silenced) socket.destroy()
      await Promise.all(closed)
    },
  }
}
