/** How people sign in and out. */
import { ProblemError } from '../../model.ts'
import { api, z } from '../../schemas.ts'
import { callbackPath, ownPath } from '../openid.ts'
import { longestBytes } from '../password.ts'
import { statusOf } from '../problems.ts'
import { Reply, type Route, route } from '../route.ts'
import { goOnPage, notSetUp, refusedPage } from '../sign-in-page.ts'

const localBody = z.strictObject({ name: z.string().min(1).max(100), password: z.string().min(1).max(longestBytes) })

export const signInRoutes: readonly Route[] = [
  route(
    {
      method: 'GET',
      path: '/api/v1/sign-in',
      access: 'open',
      tag: 'people',
      summary: 'How people sign in here, and who is signed in.',
      changes: false,
      answer: api.signInSchema,
      example: {},
    },
    async ({ parts: { people, version }, who: { account, name, by, role, endsAt } }) => ({
      me: account === null || by === 'nobody' ? null : { name, by, role, endsAt },
      organisation: people.organisation,
      ways: people.ways,
      diagnose: people.openDiagnose,
      lab: people.lab,
      version,
    }),
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/sign-in/local',
      access: 'open',
      tag: 'people',
      summary: 'Sign in with a name and a password; the session comes as a cookie.',
      changes: true,
      body: localBody,
      answer: api.meSchema,
      about: ({ body }: { body: z.output<typeof localBody> }) => body.name,
    },
    async ({ body, parts: { people }, visit, who }) => await people.byPassword(body.name, body.password, visit, who.from),
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/sign-in/link',
      access: 'open',
      tag: 'people',
      summary: 'Sign in with the token of the link that slmctl serve prints; it holds once.',
      changes: true,
      body: z.strictObject({ token: z.string().min(1).max(200) }),
      answer: api.meSchema,
      about: () => '',
    },
    async ({ body, parts: { people }, visit, who }) => await people.byLink(body.token, visit, who.from),
  ),
  route(
    {
      method: 'GET',
      path: '/api/v1/sign-in/openid',
      access: 'open',
      tag: 'people',
      summary: 'Leads to the provider of single sign-on (OpenID Connect).',
      changes: false,
      query: z.object({
        to: z.string().max(2000).optional().describe('The path to come back to.'),
        silent: z
          .literal('true')
          .optional()
          .describe('The provider asks nothing; where it would have to, the way leads to the sign-in page.'),
      }),
      answer: null,
    },
    async ({ query, parts: { people }, visit }) => {
      try {
        if (!people.openid) throw notSetUp()
        return await people.openid.begin(query.to ?? null, query.silent === 'true', visit)
      } catch (error) {
        return refusal(error)
      }
    },
  ),
  route(
    {
      method: 'GET',
      path: callbackPath,
      access: 'open',
      tag: 'people',
      summary: 'Where the provider of single sign-on sends people back to.',
      changes: true,
      query: z.looseObject({}),
      answer: null,
      about: () => '',
    },
    async ({ parts: { people }, visit }) => {
      try {
        if (!people.openid) throw notSetUp()
        const { identity, to, silent, forget } = await people.openid.finish(visit)
        // People are not told why: they are where they sign in. The trail is, and bounded, as anybody can come so far.
        if (identity === null) {
          const { html, type } = goOnPage(`/sign-in?${new URLSearchParams({ to: ownPath(to) })}`, 'Sign in again')
          return new Reply(html, {
            status: statusOf('OPENID_ASKS'),
            headers: { 'content-type': type, 'set-cookie': forget },
            problem: 'OPENID_ASKS',
          })
        }
        // Of several tabs that ask anew at once, none ends what the one before was given a moment ago.
        const { headers, who } = await people.byOpenId(identity, silent ? { ...visit, session: null } : visit)
        const { html, type } = goOnPage(ownPath(to))
        return new Reply(html, {
          status: 200,
          headers: { 'content-type': type, 'set-cookie': [headers['set-cookie'] as string, forget] },
          who,
        })
      } catch (error) {
        return refusal(error)
      }
    },
  ),
  route(
    {
      method: 'POST',
      path: '/api/v1/sign-out',
      access: 'open',
      tag: 'people',
      summary: 'Ends the session.',
      changes: true,
      answer: z.strictObject({
        provider: z
          .strictObject({ label: z.string(), url: z.string() })
          .nullable()
          .describe('Where to sign out of single sign-on, too; null: it was not by that, or the provider has no such address.'),
      }),
      about: () => '',
    },
    async ({ parts: { people }, visit, who }) => await people.signOut(visit, who.by),
  ),
]

/** People are looking at it, no program. */
function refusal(error: unknown): Reply {
  if (!(error instanceof ProblemError)) throw error
  const [first] = error.problems
  const { html, type } = refusedPage(first!)
  return new Reply(html, { status: statusOf(first!.code), headers: { 'content-type': type }, problem: first!.code })
}
