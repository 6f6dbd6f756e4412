/** What the tests of the server share: a real server on loopback over a real store, people in it, and requests as a browser sends them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { type App, openApp, openFleet, type ServerSettings, type Store } from '../../src/app.ts'
import type { Role } from '../../src/model.ts'
import { newProof, type Running, type Scope, type ServerOptions, startServer, tokenPrefix, usualSettings } from '../../src/server.ts'

export type Said = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The body, where it is JSON. */
  readonly json: never
}
export type Ask = {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is. */
  readonly raw?: string
  /** Value of the session cookie. */
  readonly session?: string
  readonly token?: string
  /** Left out: our own. Null: none is sent. */
  readonly origin?: string | null
}
export type Stage = {
  readonly directory: string
  readonly store: Store
  readonly app: App
  readonly server: Running
  readonly log: string[]
  readonly clock: { now: number }
  readonly ask: (path: string, ask?: Ask) => Promise<Said>
  /** What a raw socket hears until it is closed. */
  readonly raw: (text: string, more?: { readonly pieces?: readonly string[]; readonly everyMs?: number }) => Promise<string>
  readonly person: (role: Role, name?: string) => Promise<number>
  readonly session: (account: number, hours?: number) => Promise<string>
  readonly token: (account: number, scope: Scope, days?: number) => Promise<{ readonly id: number; readonly value: string }>
  readonly close: () => Promise<void>
}

/** A test that failed leaves its server behind, and that would hold the process for ever. */
const open = new Set<Stage>()
after(async () => {
  for (const stage of open) await stage.close()
})

const plainSite = 'organisation: Example University\ndomains: [corp.example]\nnetworks: [10.0.0.0/8]\nkms:\n  hosts: [kms1.corp.example]\n'

/** Starts a server; `settings` and `options` in place of the usual ones. */
export async function stage(
  settings: Partial<ServerSettings> = {},
  options: Partial<ServerOptions> & { readonly siteText?: string } = {},
): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'slmctl-server-'))
  const site = join(directory, 'slmctl.yaml')
  writeFileSync(site, options.siteText ?? plainSite)
  const app = await openApp({
    ...{ siteFile: site, parallel: 4, replay: null, notice: () => {}, here: null },
    reach: {
      ...{ user: null, passwordFile: null, askPassword: false, credential: null, method: null, https: false },
      ...{ port: null, ca: null, pin: null, timeoutSeconds: null },
    },
  })
  const store = await openFleet(join(directory, 'fleet.db'), true)
  const log: string[] = []
  const clock = { now: Date.now() }
  const server = await startServer({
    ...{ app, store, siteFile: site, pages: null, once: false, work: false, version: 'test' },
    settings: { ...usualSettings, port: 0, ...settings },
    log: (line) => log.push(line),
    clock: () => clock.now,
    ...options,
  })
  const here = new URL(`${settings.tls ? 'https' : 'http'}://${server.address}`)
  const stage: Stage = {
    ...{ directory, store, app, server, log, clock },
    ask: (path, asked = {}) => ask(here, path, asked),
    raw: (text, more) => raw(here, text, more),
    person: async (role, name = role) =>
      (await store.saveAccount({ name, kind: 'local', subject: null, role, secret: null, at: clock.now })).id,
    session: async (account, hours = 12) => {
      const { value, hash } = newProof()
      await store.saveSession({ hash, account, createdAt: clock.now, endsAt: clock.now + hours * 3_600_000, by: 'local' })
      return value
    },
    token: async (account, scope, days = 30) => {
      const { value, hash } = newProof(tokenPrefix)
      const token = await store.saveToken({
        hash,
        account,
        name: scope,
        scope,
        createdAt: clock.now,
        endsAt: clock.now + days * 86_400_000,
      })
      return { id: token.id, value }
    },
    close: async () => {
      if (!open.delete(stage)) return
      await server.close({ graceMs: 2000 })
      await store.close()
      await app.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
  open.add(stage)
  return stage
}

function ask(here: URL, path: string, { method, headers = {}, body, raw, session, token, origin }: Ask): Promise<Said> {
  const send = raw ?? (body === undefined ? undefined : JSON.stringify(body))
  const name = here.protocol === 'https:' ? '__Host-slmctl' : 'slmctl'
  const all: Record<string, string> = {
    ...(origin === null ? {} : { origin: origin ?? here.origin }),
    ...(session === undefined ? {} : { cookie: `${name}=${session}` }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(send === undefined ? {} : { 'content-length': String(Buffer.byteLength(send)) }),
    ...headers,
  }
  const request = here.protocol === 'https:' ? httpsRequest : httpRequest
  const hostname = here.hostname.replace(/^\[|\]$/g, '')
  return new Promise((resolve, reject) => {
    const how = {
      method: method ?? (send === undefined ? 'GET' : 'POST'),
      hostname,
      port: here.port,
      path,
      headers: all,
      agent: false as const,
    }
    const sent = request({ ...how, ...(here.protocol === 'https:' ? { rejectUnauthorized: false } : {}) }, (answer) => {
      const chunks: Buffer[] = []
      const done = () => {
        const text = Buffer.concat(chunks).toString()
        const isJson = /json/.test(String(answer.headers['content-type'])) && answer.headers['content-encoding'] === undefined
        resolve({
          status: answer.statusCode!,
          headers: answer.headers,
          text,
          json: (isJson && text !== '' ? JSON.parse(text) : null) as never,
        })
      }
      // A stream of events has no end: its beginning says enough.
      if (answer.headers['content-type'] === 'text/event-stream') {
        done()
        sent.destroy()
        return
      }
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', done)
    })
    sent.on('error', reject)
    sent.end(send)
  })
}

function raw(
  here: URL,
  text: string,
  { pieces = [], everyMs = 0 }: { pieces?: readonly string[]; everyMs?: number } = {},
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(here.port), here.hostname, () => socket.write(text, 'latin1'))
    const left = [...pieces]
    const timer = everyMs > 0 ? setInterval(() => (left.length > 0 ? socket.write(left.shift()!, 'latin1') : undefined), everyMs) : null
    let heard = ''
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      if (timer) clearInterval(timer)
      resolve(heard)
    })
  })
}
