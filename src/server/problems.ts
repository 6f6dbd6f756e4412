/** What went wrong, as RFC 9457 says it: one shape for every answer that is none. Never a stack, never a text of a library. */
import type { FastifyError } from 'fastify'
import { maskKeys, type Problem, ProblemError, printable, problem } from '../model.ts'

export type Details = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly next: readonly string[]
  readonly instance?: string
  readonly problems?: readonly Problem[]
}
type Headers = Readonly<Record<string, string>>
export type Wrong = { readonly status: number; readonly details: Details; readonly headers: Headers }

/** Statuses of codes, where their name does not tell. */
const statuses: Readonly<Record<string, number>> = {
  USAGE: 400,
  REQUEST_INVALID: 400,
  PAGE_SIZE: 400,
  PAGE_UNKNOWN: 400,
  NOT_SIGNED_IN: 401,
  SIGN_IN_REFUSED: 401,
  TOKEN_OWNER_AWAY: 401,
  OPENID_ASKS: 401,
  NO_RIGHT: 403,
  FORGED_REQUEST: 403,
  SERVER_NOT_PRIVATE: 403,
  TOKEN_MAY_NOT: 403,
  OPENID_REFUSED: 403,
  OPENID_NO_ROLE: 403,
  NOT_FOUND: 404,
  NO_MACHINE: 404,
  NOT_IN_CATALOGUE: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_SLOW: 408,
  CAMPAIGN_OVER: 409,
  CAMPAIGN_NOT_WHOLE: 409,
  CAMPAIGN_NOT_PLANNED: 409,
  IMPORT_CHANGED: 409,
  JOURNAL_IN_USE: 409,
  LEASE_LOST: 409,
  MACHINE_AMBIGUOUS: 409,
  PLAN_STALE: 409,
  PLANS_CHANGED: 409,
  REQUEST_RUNNING: 409,
  TOLD_ONCE: 409,
  REQUEST_TOO_LARGE: 413,
  NOT_JSON: 415,
  HOST_NOT_OURS: 421,
  SIGN_IN_WAIT: 429,
  TOO_MANY_LISTENERS: 429,
  KEYS_TOO_MANY: 429,
  HEADERS_TOO_LARGE: 431,
  INTERNAL: 500,
  TRAIL_NOT_WRITTEN: 500,
  OPENID_AWAY: 502,
  DIAGNOSE_BUSY: 503,
  DIRECTORY_BUSY: 503,
  PAGES_NOT_BUILT: 503,
  SERVER_ENDS: 503,
  SIGN_IN_BUSY: 503,
}

/** The status of a Problem by its code. */
export function statusOf(code: string): number {
  const known = statuses[code]
  if (known !== undefined) return known
  if (code.startsWith('STORE_')) return 503
  return /_UNKNOWN$|^NO_SUCH_/.test(code) ? 404 : 422
}

/** A Problem with headers that belong to it, such as Retry-After. */
export function refused(p: Problem, headers: Headers): ProblemError {
  return Object.assign(new ProblemError(p), { headers })
}

/** An answer for problems. `instance` is the number of the request. */
export function wrongOf(problems: readonly Problem[], instance: string | null, headers: Headers = {}): Wrong {
  const [first] = problems
  const { code, summary, next } = first!
  const status = statusOf(code)
  return {
    status,
    headers: { ...(status === 503 || status === 502 ? { 'retry-after': '5' } : {}), ...headers },
    details: {
      type: `urn:slmctl:problem:${code}`,
      title: printable(summary),
      status,
      code,
      next: next.map(printable),
      ...(instance === null ? {} : { instance }),
      ...(problems.length > 1 ? { problems } : {}),
    },
  }
}

/** What fastify refuses by itself, in our words. */
const ofFastify: Readonly<Record<string, () => Problem>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => problem('REQUEST_TOO_LARGE', 'The body is larger than this address takes.', ['Send less at once.']),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => problem('NOT_JSON', 'The body is no JSON by its type.', ['Content-Type: application/json']),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => problem('REQUEST_INVALID', 'The body is not as long as its header says.', ['Send it again.']),
  FST_ERR_CTP_INVALID_JSON_BODY: () => problem('REQUEST_INVALID', 'The body is no JSON.', ['RFC 8259 says what JSON is.']),
  FST_ERR_BAD_URL: () => problem('REQUEST_INVALID', 'The address cannot be read.', ['Escape % as %25.']),
  FST_ERR_MAX_PARAM_LENGTH: () => problem('REQUEST_INVALID', 'A part of the address is too long.', ['Shorten it.']),
}

/** Whatever was thrown, as an answer. `hear` is told of what is nobody's fault but ours. */
export function wrongBy(error: unknown, instance: string, hear: (error: unknown) => void): Wrong {
  if (error instanceof ProblemError) return wrongOf(error.problems, instance, (error as ProblemError & { headers?: Headers }).headers ?? {})
  const { code = '', validation, validationContext, statusCode = 500 } = error as Partial<FastifyError>
  if (validation) return wrongOf([invalid(validationContext, validation)], instance)
  const known = ofFastify[code]
  if (known) return wrongOf([known()], instance)
  if (statusCode >= 400 && statusCode < 500)
    return wrongOf([problem('REQUEST_INVALID', 'The request cannot be read.', ['docs/guide/api.md says what the server takes.'])], instance)
  hear(error)
  return wrongOf([problem('INTERNAL', 'The server made a mistake.', [`Its log says more, by the number ${instance}.`])], instance)
}

const places: Readonly<Record<string, string>> = { body: 'The body', querystring: 'The query', params: 'The address' }

/** What of a request does not fit its schema: one sentence, the first that is wrong. */
function invalid(context: string | undefined, [first]: NonNullable<FastifyError['validation']>): Problem {
  const where = (first?.instancePath ?? '').split('/').filter((part) => part !== '')
  const place = `${places[context ?? ''] ?? 'The request'}${where.length > 0 ? `, ${where.join('.')}` : ''}`
  const message = plainly(first?.message ?? 'is not as expected').replace(/\.$/, '')
  return problem('REQUEST_INVALID', maskKeys(printable(`${place}: ${message}.`.slice(0, 400))), [
    'docs/openapi.json says what is expected.',
  ])
}

/** A remark of the schema without the words of programmers. */
const plainly = (message: string): string =>
  message
    .replace(/^Invalid input: expected (\w+), received undefined$/, 'is missing (expected: $1)')
    .replace(/^Invalid input: expected (\w+).*/, 'expected: $1')
    .replace(/^Invalid option: expected one of /, 'expected one of ')
    .replace(/^Invalid string: must match pattern .*/, 'is none of the words that are known here')
    .replace(/^Invalid input$/, 'is not as expected')
