/** Asking the server, and telling it: JSON there and back, and a refusal as what people can read. */
import type { z } from 'zod'
import type { problemDetailsSchema } from '../../src/schemas/api.ts'
import { type Query, queryText } from './addresses.ts'

export type ProblemDetails = Pick<z.output<typeof problemDetailsSchema>, 'status' | 'code' | 'title' | 'next'> & {
  readonly instance?: string | undefined
}

/** The server refused, or could not be reached. */
export class ApiError extends Error {
  readonly problem: ProblemDetails
  constructor(problem: ProblemDetails) {
    super(problem.title)
    this.problem = problem
  }
}

export const notReached: ProblemDetails = {
  status: 0,
  code: 'SERVER_NOT_REACHED',
  title: 'The server of slmctl does not answer.',
  next: ['Look whether slmctl serve still runs, and whether this computer reaches it; then try again.'],
}
const noProblem = (status: number): ProblemDetails => ({
  status,
  code: `HTTP_${status}`,
  title: `The answer was ${status}, and nothing that this page can read.`,
  next: ['Look whether something stands between this browser and slmctl serve: a proxy, a sign-in page of the network.'],
})

/** Any error as what is shown. */
export const problemOf = (error: unknown): ProblemDetails =>
  error instanceof ApiError
    ? error.problem
    : { status: 0, code: 'PAGE_ERROR', title: 'This page made a mistake.', next: [String(error instanceof Error ? error.message : error)] }

/** Told when the server says that nobody is signed in (any more). */
const signedOut = new Set<() => void>()
export function onSignedOut(fn: () => void): () => void {
  signedOut.add(fn)
  return () => signedOut.delete(fn)
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, { credentials: 'same-origin', redirect: 'error', ...init })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new ApiError(notReached)
  }
  if (response.ok) return response
  let problem = noProblem(response.status)
  if (response.headers.get('content-type')?.includes('json')) {
    const said = (await response.json().catch(() => ({}))) as Partial<ProblemDetails>
    if (said.code && said.title) problem = { ...said, status: response.status, code: said.code, title: said.title, next: said.next ?? [] }
  }
  // A wrong password says nothing about who is signed in.
  if (problem.status === 401 && problem.code !== 'SIGN_IN_REFUSED') for (const fn of signedOut) fn()
  throw new ApiError(problem)
}

async function json<T>(response: Response): Promise<T> {
  if (response.status === 204) return undefined as T
  return (await response.json().catch(() => {
    throw new ApiError(noProblem(response.status))
  })) as T
}

export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { headers: { accept: 'application/json' } }
  if (signal) init.signal = signal
  return json<T>(await ask(path + queryText(query), init))
}

/** A change. Each call has a key of its own, so that one sent twice by the network is done once. */
export async function send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json', 'idempotency-key': newKey() }
  const init: RequestInit = { method, headers }
  if (signal) init.signal = signal
  if (body !== undefined) {
    headers['content-type'] = 'application/json'
    init.body = JSON.stringify(body)
  }
  return json<T>(await ask(path, init))
}

/** randomUUID is there over TLS and on loopback only. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('')
}
