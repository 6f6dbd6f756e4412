/** What somebody has here: who they are, their tokens and saved views; and the trail, for those who may read it. */
import { ProblemError, printable, problem } from '../../model.ts'
import { api, z } from '../../schemas.ts'
import { noKey, plainText } from '../asked.ts'
import { longestDays, newProof, roleOfScope, tokenPrefix } from '../proof.ts'
import { type Route, route, type Who } from '../route.ts'
import { mayAs, type Token } from '../session.ts'

const dayMs = 86_400_000
const tokensMost = 50
/** Tokens that one account makes in a day: none is ever forgotten. */
const tokensADay = 100
const viewsMost = 100
const name = z
  .string()
  .trim()
  .min(1)
  .max(80)
  .refine((text) => printable(text) === text && !/[\n\t]/.test(text), 'expected one line without control characters')
  .refine(...noKey)
const newToken = z.strictObject({
  name,
  scope: api.scopeSchema,
  days: z.int().min(1).max(longestDays).describe('How long it holds; a year at most.'),
})
const idParams = z.object({ id: z.coerce.number().int().positive() })
const nameParams = z.object({ name })

/** A token as the API says it. */
const shown = ({ id, name, accountName, scope, createdAt, endsAt, usedAt, revokedAt }: Token) => ({
  ...{ id, name, account: accountName, scope, createdAt, endsAt, usedAt, revokedAt },
})

/** The account of who asks; these routes are for people with one. */
const own = ({ account }: Who): number => account!

/** What a token may do must not outlive it: only people make and revoke tokens. */
function noToken({ by }: Who): void {
  if (by === 'token')
    throw new ProblemError(problem('TOKEN_MAY_NOT', 'A token makes and revokes no tokens.', ['Sign in, or: slmctl tokens create']))
}

export const peopleRoutes: readonly Route[] = [
  route(
    {
      method: 'GET',
      path: '/api/v1/me',
      access: 'viewer',
      tag: 'people',
      summary: 'Who is signed in, and what they may do.',
      changes: false,
      answer: api.meSchema,
      example: {},
    },
    async ({ who: { name, by, role, endsAt } }) => ({ name, by, role, endsAt }),
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/me/tokens',
      access: 'viewer',
      tag: 'people',
      summary: 'Own API tokens.',
      command: 'tokens list',
      changes: false,
      answer: z.strictObject({ rows: z.array(api.tokenSchema).readonly() }),
      example: {},
    },
    async ({ who, parts: { store } }) => ({ rows: (await store.tokens(own(who))).map(shown) }),
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/me/tokens',
      access: 'viewer',
      tag: 'people',
      summary: 'Makes an API token; it is told once.',
      command: 'tokens create',
      changes: true,
      toldOnce: true,
      body: newToken,
      answer: api.newTokenSchema,
      status: 201,
      about: ({ body }: { body: z.output<typeof newToken> }) => `${body.name} (${body.scope}, ${body.days} days)`,
    },
    async ({ who, body, parts: { store, clock } }) => {
      noToken(who)
      const worth = roleOfScope[body.scope]
      if (worth !== null && !mayAs(who.role, worth))
        throw new ProblemError(
          problem('NO_RIGHT', `A token with the scope ${body.scope} is for people with the role ${worth}.`, ['Choose a scope with less.']),
        )
      const now = clock()
      const all = await store.tokens(own(who))
      if (all.filter((t) => t.createdAt > now - dayMs).length >= tokensADay)
        throw new ProblemError(
          problem('TOKENS_TOO_MANY', `You made ${tokensADay} tokens within a day.`, ['Use one of them again, or wait until tomorrow.']),
        )
      const living = all.filter((t) => t.revokedAt === null && t.endsAt > now)
      if (living.length >= tokensMost)
        throw new ProblemError(problem('TOKENS_TOO_MANY', `You have ${tokensMost} tokens already.`, ['Revoke one that is not used.']))
      const { value, hash } = newProof(tokenPrefix)
      const endsAt = now + body.days * dayMs
      const token = await store.saveToken({ hash, account: own(who), name: body.name, scope: body.scope, createdAt: now, endsAt })
      return { ...shown(token), token: value }
    },
  ),
  route(
    {
      method: 'DELETE',
      path: '/api/v1/me/tokens/{id}',
      access: 'viewer',
      tag: 'people',
      summary: 'Revokes one of the own API tokens.',
      command: 'tokens revoke',
      changes: true,
      params: idParams,
      answer: null,
    },
    async ({ who, params, parts: { store, clock } }) => {
      noToken(who)
      if (!(await store.tokens(own(who))).some((t) => t.id === params.id && t.revokedAt === null))
        throw new ProblemError(
          problem('TOKEN_UNKNOWN', `You have no token ${params.id} that is not revoked already.`, ['GET /api/v1/me/tokens lists them.']),
        )
      await store.revokeToken(params.id, clock())
      return null
    },
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/me/views',
      access: 'viewer',
      tag: 'people',
      summary: 'Own saved views of the machines.',
      changes: false,
      answer: z.strictObject({ rows: z.array(api.viewSchema).readonly() }),
      example: {},
    },
    async ({ who, parts: { store } }) => ({ rows: await store.views(own(who)) }),
  ),
  route(
    {
      method: 'PUT',
      path: '/api/v1/me/views/{name}',
      access: 'viewer',
      tag: 'people',
      summary: 'Saves a view: filters, order and columns as the address of the page has them.',
      changes: true,
      personal: true,
      params: nameParams,
      body: z.strictObject({ query: plainText(2000) }),
      answer: api.viewSchema,
      example: { params: { name: 'Lapsed in Berlin' }, body: { query: 'verdict=action&group=berlin' } },
    },
    async ({ who, params, body, parts: { store, clock } }) => {
      const views = await store.views(own(who))
      if (views.length >= viewsMost && !views.some((v) => v.name === params.name))
        throw new ProblemError(problem('VIEWS_TOO_MANY', `You have ${viewsMost} saved views already.`, ['Delete one that is not used.']))
      const savedAt = clock()
      await store.saveView({ account: own(who), name: params.name, query: body.query, at: savedAt })
      return { name: params.name, query: body.query, savedAt }
    },
  ),
  route(
    {
      method: 'DELETE',
      path: '/api/v1/me/views/{name}',
      access: 'viewer',
      tag: 'people',
      summary: 'Deletes a saved view.',
      changes: true,
      personal: true,
      params: nameParams,
      answer: null,
      example: { params: { name: 'Lapsed in Berlin' } },
    },
    async ({ who, params, parts: { store } }) => {
      await store.deleteView(own(who), params.name)
      return null
    },
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/trail',
      access: 'approver',
      tag: 'people',
      summary: 'Who changed what, the latest first.',
      command: 'trail',
      changes: false,
      query: api.pageQuery.extend({ who: z.string().max(100).optional(), what: z.string().max(200).optional() }),
      answer: api.trailSchema,
      example: {},
    },
    async ({ query: { limit, after, who, what }, parts: { store } }) => {
      const { rows, next } = await store.trail(
        { ...(who === undefined ? {} : { who }), ...(what === undefined ? {} : { what }) },
        { limit, after: after ?? null },
      )
      return { rows: rows.map(({ id, at, who, by, from, what, about, result }) => ({ id, at, who, by, from, what, about, result })), next }
    },
  ),
]
