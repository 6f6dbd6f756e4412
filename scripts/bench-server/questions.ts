/**
 * Every GET of the API over a large store: what it takes by HTTP, against what the store takes for the same question. The store's
 * time is measured in this process, over the same database: the route is run by itself, and the time during which any function of
 * the store is under way is summed. Both in turn, in one run.
 */
import { Agent, request } from 'node:http'
import { openApp, type Store } from '../../src/app.ts'
import type { Parts, Route, Who } from '../../src/server/route.ts'

export type Answered = {
  readonly name: string
  /** p95, ms. */
  readonly httpMs: number
  readonly sqlMs: number
  readonly bytes: number
  /** Of what is allowed: 1.3 × SQL + 20 ms. */
  readonly share: number
}
/** What the addresses are filled with. */
export type Known = {
  readonly machine: number
  readonly campaign: number
  readonly plans: number
  readonly host: string
  readonly port: number
}
type Question = { readonly name: string; readonly address: string; readonly run: (store: Store) => Promise<unknown> }

/** Queries that a list is asked with beside its plain one: as people filter and sort. */
const queries: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>> = {
  '/api/v1/fleet/machines': [
    { limit: '100' },
    { limit: '100', sort: '-expires' },
    { limit: '100', sort: 'verdict' },
    { limit: '100', sort: '-seen' },
    { limit: '100', sort: 'problem' },
    { verdict: 'action', sort: 'expires', limit: '100' },
    { origin: 'foreign', limit: '100' },
    { group: 'site7', verdict: 'action,attention', limit: '100' },
    { text: 'emea', sort: '-name', limit: '100' },
    { host: 'kms7.corp.example', days: '30', limit: '100' },
    { problem: 'any', limit: '100' },
  ],
  '/api/v1/fleet/status': [{}, { group: 'site7' }],
  '/api/v1/fleet/expiring': [{ days: '30', limit: '100' }],
}
/** Answers that are no lists and need something else than a store, or never end. */
const notAsked = /\/events$|\/export$|\/sign-in|\/diagnose|\/conversation|\/me\b|\/openapi/

const words = (query: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]))
const idOf = (path: string, known: Known): number =>
  /campaigns\/\{id\}\/plans$/.test(path) ? known.plans : path.includes('campaign') ? known.campaign : known.machine

const who: Who = { account: null, name: 'bench', by: 'link', role: 'approver', endsAt: null, from: '127.0.0.1' }

export async function questionsTo(routes: readonly Route[], parts: Omit<Parts, 'store'>, known: Known): Promise<readonly Question[]> {
  return routes
    .filter((r) => r.method === 'GET' && !notAsked.test(r.path) && typeof r.answer !== 'string')
    .flatMap((route) =>
      (queries[route.path] ?? [words(route.example?.query)]).map((words): Question => {
        const params = Object.fromEntries(
          [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => {
            // The machine, the campaign and the host of an example are not here.
            const here: Readonly<Record<string, unknown>> = { id: idOf(route.path, known), name: known.host, port: known.port }
            const value = here[name!] ?? route.example?.params?.[name!]
            return [name!, String(value)]
          }),
        )
        const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
        const asked = new URLSearchParams(words).toString()
        const address = `${path}${asked === '' ? '' : `?${asked}`}`
        const run = async (store: Store) => {
          const given = {
            params: route.params ? route.params.parse(params) : undefined,
            query: route.query ? route.query.parse(words) : undefined,
            body: undefined,
            who,
            parts: { ...parts, store },
            lastEventId: null,
            signal: new AbortController().signal,
          }
          return await (route.handle as (asked: unknown) => Promise<unknown>)(given)
        }
        return { name: address.replace('/api/v1', ''), address, run }
      }),
    )
}

/** The parts of a server that a route may look at beside the store. */
export async function partsOver(siteFile: string): Promise<Omit<Parts, 'store'>> {
  const app = await openApp({
    ...{ siteFile, replay: null, parallel: 8, here: null, notice: () => {} },
    reach: {
      ...{ user: null, passwordFile: null, askPassword: false, credential: null, method: null },
      ...{ https: false, port: null, ca: null, pin: null, timeoutSeconds: null },
    },
  })
  return {
    ...{ app, siteFile, loadedAt: Date.now(), wake: () => {}, clock: Date.now, version: 'bench' },
    live: { tell: () => {}, listen: async function* () {}, listeners: () => 0 },
  } as unknown as Omit<Parts, 'store'>
}

/** A store that tells how long any of its functions was under way. */
function timed(store: Store): { readonly store: Store; readonly take: () => number } {
  let [open, began, total] = [0, 0, 0]
  const end = () => {
    if (--open === 0) total += performance.now() - began
  }
  return {
    store: new Proxy(store, {
      get: (target, name) => {
        const f: unknown = Reflect.get(target, name)
        if (typeof f !== 'function') return f
        return (...given: unknown[]) => {
          if (open++ === 0) began = performance.now()
          const answer: unknown = (f as (...given: unknown[]) => unknown)(...given)
          if (answer instanceof Promise) return answer.finally(end)
          end()
          return answer
        }
      },
    }),
    take: () => {
      const taken = total
      total = 0
      return taken
    },
  }
}

export type Fetched = { readonly status: number; readonly bytes: number; readonly text: string }
const agent = new Agent({ keepAlive: true, maxSockets: 1 })

/** One request over a connection that stays, its body read to the end. */
export function fetched(url: string, headers: Readonly<Record<string, string>>): Promise<Fetched> {
  return new Promise((done, failed) => {
    const asked = request(url, { agent, headers }, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.once('end', () => {
        const body = Buffer.concat(parts)
        done({ status: answer.statusCode!, bytes: body.length, text: body.toString('utf8') })
      })
      answer.once('error', failed)
    })
    asked.once('error', failed)
    asked.end()
  })
}

export const p95 = (list: readonly number[]) => [...list].sort((a, b) => a - b)[Math.ceil(list.length * 0.95) - 1]!

/** Asks each question so often, by HTTP and of the store in turn. Throws where an answer is none. */
export async function askAll(
  questions: readonly Question[],
  store: Store,
  server: { readonly origin: string; readonly headers: Readonly<Record<string, string>> },
  rounds: number,
  told: (answered: Answered) => void,
): Promise<readonly Answered[]> {
  const clocked = timed(store)
  const answers: Answered[] = []
  for (const { name, address, run } of questions) {
    const [http, sql]: [number[], number[]] = [[], []]
    let bytes = 0
    for (let i = -2; i < rounds; i++) {
      const from = performance.now()
      const answer = await fetched(`${server.origin}${address}`, server.headers)
      const took = performance.now() - from
      if (answer.status !== 200) throw new Error(`${address} answered ${answer.status}: ${answer.text.slice(0, 500)}`)
      bytes = answer.bytes
      await run(clocked.store)
      const took2 = clocked.take()
      // The first ones fill the caches of both.
      if (i < 0) continue
      http.push(took)
      sql.push(took2)
    }
    const [httpMs, sqlMs] = [p95(http), p95(sql)]
    const answered = { name, httpMs, sqlMs, bytes, share: httpMs / (1.3 * sqlMs + 20) }
    answers.push(answered)
    told(answered)
  }
  return answers
}
