/**
 * What a route is: its address, who may take it, what it takes and says, and what it does. The list of routes is the whole API: the
 * server registers it, OpenAPI is made from it, and the tests go through it, so that a route without a rule cannot be.
 */

import type { App, Store } from '../app.ts'
import type { Role } from '../model.ts'
import type { z } from '../schemas.ts'
import type { Live } from './live.ts'
import type { People } from './people.ts'

/** Scopes of API tokens, each with all before it; `metrics` is for /metrics alone. */
export type Scope = 'metrics' | 'read' | 'operate' | 'apply'

/** Who asks. */
export type Who = {
  /** Id of the account; null where nobody signed in. */
  readonly account: number | null
  readonly name: string
  readonly by: 'link' | 'local' | 'openid' | 'token' | 'nobody'
  /** What may be done here: of a token, no more than its scope and its account's role. */
  readonly role: Role
  readonly endsAt: number | null
  /** Address of the caller. */
  readonly from: string
  /** Of a token its number and name: for the trail. */
  readonly token?: string
}

/** What routes work with. */
export type Parts = {
  readonly store: Store
  readonly app: App
  /** The site file that was read at the start; null: there is none. */
  readonly siteFile: string | null
  readonly loadedAt: number
  readonly live: Live
  /** Accounts, sessions, tokens: for the routes by which people sign in. */
  readonly people: People
  /** The work on campaigns in this process: told that there is a new one. */
  readonly wake: () => void
  readonly clock: () => number
  readonly version: string
}

/** What routes of signing in need to know of the request; no other route looks at it. */
export type Visit = {
  /** The hash of the session by which somebody is known; null: by a token, or not at all. */
  readonly session: string | null
  /** The way to the server is encrypted. */
  readonly secure: boolean
  /** Where the server is for this caller, without a slash at the end. */
  readonly origin: string
  /** Path and query as they were asked. */
  readonly address: string
  readonly cookie: (name: string) => string | null
  /** All cookies as they came. */
  readonly cookies: string | undefined
}

export const jsonType = 'application/json; charset=utf-8'

/** An answer with more than a body: cookies, a page of HTML, the way to somewhere else. */
export class Reply {
  readonly body: unknown
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly status: number | null
  /** Who it is about, where nobody was signed in before: for the trail. */
  readonly who: { readonly name: string; readonly by: Who['by'] } | null
  /** The code of a Problem that is shown as a page. */
  readonly problem: string | null
  constructor(
    body: unknown,
    { headers = {}, status, who = null, problem }: { headers?: Reply['headers']; status?: number; who?: Reply['who']; problem?: string },
  ) {
    this.body = body
    this.headers = headers
    this.status = status ?? null
    this.who = who
    this.problem = problem ?? null
  }
}

type Shape = z.ZodObject | undefined
type Out<T> = T extends z.ZodType ? z.output<T> : undefined
/** What a route has to say: what its schema says, or an answer with more around it. */
type Told<R extends RouteRow> =
  | Reply
  | (R['answer'] extends z.ZodType ? z.output<R['answer']> : R['answer'] extends null ? unknown : Stream)
type KeysOf<T> = T extends unknown ? keyof T : never
type At<T, K extends PropertyKey> = T extends { readonly [P in K]?: infer V } ? V : never
/** Names that are sent and stand in no schema; never: there are none. */
type Unnamed<Sent, Named> = Sent extends Reply | Stream
  ? never
  : Sent extends readonly (infer Row)[]
    ? Unnamed<Row, Named extends readonly (infer R)[] ? R : never>
    : Sent extends object
      ? { [K in keyof Sent]-?: K extends KeysOf<Named> ? Unnamed<Sent[K], At<Named, K>> : K }[keyof Sent]
      : never

/** Who takes a route that is for a role alone. */
type SignedIn = Who & { readonly by: Exclude<Who['by'], 'nobody'> }

export type Asked<P extends Shape, Q extends Shape, B extends z.ZodType | undefined, A extends Access = Access> = {
  readonly params: Out<P>
  readonly query: Out<Q>
  readonly body: Out<B>
  readonly who: A extends Role ? SignedIn : Who
  readonly parts: Parts
  readonly visit: Visit
  /** What the caller heard last, where it asks for events (header Last-Event-ID). */
  readonly lastEventId: string | null
  /** Aborts where the caller goes away, or the server is told to end and waited long enough. */
  readonly signal: AbortSignal
}

/** An answer that is no JSON: a table, a stream of events. */
export type Stream = { readonly type: string; readonly fileName?: string; readonly rows: AsyncIterable<string> }

/** `open`: nobody has to sign in. `diagnose`: open where the site file says so, else a viewer's. */
export type Access = 'open' | 'diagnose' | Role

export type RouteRow = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** As OpenAPI writes it: /api/v1/fleet/machines/{id} */
  readonly path: `/api/v1/${string}`
  readonly access: Access
  readonly tag: 'fleet' | 'campaigns' | 'hosts' | 'texts' | 'site' | 'people' | 'events'
  readonly summary: string
  /** The command that says or does the same. */
  readonly command?: string
  /** True: something is different afterwards. Such a route is in the trail, refuses forged requests, and knows Idempotency-Key. */
  readonly changes: boolean
  /** It changes how the pages look to who asks, and nothing of machines or rights: it is not in the trail. */
  readonly personal?: true
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  /** Null: 204, nothing is said. A text: the media type of a stream. */
  readonly answer: z.ZodType | string | null
  readonly status?: 200 | 201
  /** Bytes; where more than the usual 256 kB is meant. */
  readonly bodyLimit?: number
  /** What the trail says that a change is about, where that is more than its params and the id in its answer: ids and names. */
  readonly about?: (asked: { readonly params: never; readonly body: never }, answer: never) => string
  /** The answer holds a secret that is told once: it is kept nowhere, not for an Idempotency-Key either. */
  readonly toldOnce?: true
  /** What is shown in OpenAPI and run as a test: against the lab, in the order of the list. */
  readonly example?: { readonly params?: Record<string, unknown>; readonly query?: Record<string, unknown>; readonly body?: unknown }
}
export type Route = RouteRow & { readonly handle: (asked: never) => Promise<unknown> }

/**
 * One route; what it takes and says is known by its schemas. It does not compile where the answer lacks something that its schema
 * names, and where it has something that no schema names (`unnamed`, which is never given).
 */
export function route<
  const R extends RouteRow,
  P extends Shape = R['params'] extends z.ZodObject ? R['params'] : undefined,
  Q extends Shape = R['query'] extends z.ZodObject ? R['query'] : undefined,
  B extends z.ZodType | undefined = R['body'] extends z.ZodType ? R['body'] : undefined,
  const T extends Told<R> = Told<R>,
>(
  row: R,
  handle: (asked: Asked<P, Q, B, R['access']>) => Promise<T>,
  ..._unnamed: [Unnamed<T, Told<R>>] extends [never] ? [] : [{ unnamed: Unnamed<T, Told<R>> }]
): Route {
  return { ...row, handle: handle as Route['handle'] }
}
