/** The API as OpenAPI 3.1 says it: made from the list of routes and the schemas by which requests are read and answers are made. */
import { api, published, z } from '../schemas.ts'
import type { Access, Route, Scope } from './route.ts'

type Json = Record<string, unknown>

const about = `What slmctl knows and does about a fleet, for programs and for the dashboard. Answers are those of the commands (\`--json\`).

- **Signing in**: a session cookie, as the pages have it, or an API token: \`Authorization: Bearer slmctl_…\`. What a token may do is its scope, and never more than the role of its account.
- **Roles**: viewer looks; operator also scans and plans; approver also applies.
- **Pages**: a list answers \`{rows, next}\`; \`after\` is the \`next\` of the page before; \`next\` null: that was the last.
- **Filters** have the names of the flags of \`slmctl fleet list\`; all that are given must hold. A word that is not known is refused.
- **Problems**: what is refused is \`application/problem+json\` (RFC 9457) with a stable \`code\`, one sentence, and what to try.
- **Changes**: send \`Idempotency-Key\`; who did not hear the answer asks again with the same key, and it is done once.
- **Times** are milliseconds since 1970.
- Beside it: \`/metrics\` (Prometheus; tokens with any scope) and \`/healthz\`.`

const tags = {
  fleet: 'The fleet, out of what is kept, and single machines asked now.',
  campaigns: 'Scans, plans and applies over many machines.',
  hosts: 'KMS hosts.',
  texts: 'Pasted texts and words. Nothing of them is kept.',
  site: 'The site file.',
  people: 'Who is signed in, tokens, saved views, the audit trail.',
  events: 'What happens, as it happens.',
} as const

/** Names of schemas that several routes share. */
const names = new Map<z.ZodType, string>([
  ...Object.entries(published).map(([name, schema]) => [schema as z.ZodType, name] as const),
  [api.machinesPageSchema, 'machines-page'],
  [api.campaignsPageSchema, 'campaigns-page'],
  [api.targetsPageSchema, 'targets-page'],
  [api.plansPageSchema, 'plans-page'],
  [api.fleetAnswers['fleet-hosts'], 'fleet-hosts'],
  [api.fleetAnswers['fleet-today'], 'fleet-today'],
  [api.fleetAnswers['fleet-changes'], 'changes-page'],
  [api.problemDetailsSchema, 'problem'],
])

/** The whole document. `version` is that of slmctl. */
export function openApi(routes: readonly Route[], version: string): Json & { readonly openapi: string } {
  const used = new Map<string, Json>()
  const answer = (schema: z.ZodType): Json => {
    const name = names.get(schema)
    if (name === undefined) return plain(schema, 'output')
    if (!used.has(name)) used.set(name, plain(schema, 'output'))
    return { $ref: `#/components/schemas/${name}` }
  }
  answer(api.problemDetailsSchema)
  const paths: Record<string, Json> = {}
  for (const route of routes) {
    const at = paths[route.path] ?? {}
    paths[route.path] = at
    at[route.method.toLowerCase()] = operation(route, answer)
  }
  const given = new Set(routes.map((r) => r.tag))
  return {
    openapi: '3.1.1',
    info: {
      title: 'slmctl',
      version,
      summary: 'Volume activation of a fleet.',
      description: about,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [...given].sort().map((name) => ({ name, ...(name in tags ? { description: tags[name as keyof typeof tags] } : {}) })),
    paths,
    components: {
      schemas: Object.fromEntries([...used].sort(([a], [b]) => (a < b ? -1 : 1))),
      responses: { problem: { description: 'Refused, or not possible (RFC 9457).', content: problemContent } },
      securitySchemes: {
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: 'slmctl',
          description: 'The session of a person; over TLS its name is __Host-slmctl.',
        },
        bearer: { type: 'http', scheme: 'bearer', description: 'An API token: slmctl tokens create, or POST /api/v1/me/tokens.' },
      },
    },
  }
}

const problemContent = { 'application/problem+json': { schema: { $ref: '#/components/schemas/problem' } } }

function plain(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json
  return json
}

/** `GET /api/v1/fleet/machines/{id}` → `get-fleet-machines-id`. */
const idOf = ({ method, path }: Route) =>
  `${method.toLowerCase()}${path.replace('/api/v1', '').replaceAll(/[{}]/g, '').replaceAll('/', '-')}`

const scopes: Readonly<Record<Exclude<Access, 'open' | 'diagnose'>, Scope>> = { viewer: 'read', operator: 'operate', approver: 'apply' }

function whoMay(access: Access): string {
  if (access === 'open') return 'Nobody has to sign in.'
  if (access === 'diagnose')
    return 'For viewers (scope `read`); where the site file says so (`server: {open-diagnose: true}`), for anybody.'
  return `For the role ${access} (scope \`${scopes[access]}\`)${access === 'approver' ? '' : ', and all above it'}.`
}

function security(access: Access): readonly Json[] {
  const ways = [{ cookie: [] }, { bearer: [] }]
  return access === 'open' ? [] : access === 'diagnose' ? [{}, ...ways] : ways
}

function operation(route: Route, answer: (schema: z.ZodType) => Json): Json {
  const { summary, tag, command, access, changes, personal, body, example } = route
  const ok = String(route.answer === null ? 204 : (route.status ?? 200))
  return {
    operationId: idOf(route),
    tags: [tag],
    summary,
    description: [
      ...(command === undefined ? [] : [`As \`slmctl ${command}\`.`]),
      whoMay(access),
      ...(changes && !personal ? ['It is written into the audit trail.'] : []),
    ].join(' '),
    security: security(access),
    ...parametersOf(route),
    ...(body
      ? {
          requestBody: {
            required: !body.safeParse(undefined).success,
            content: {
              'application/json': { schema: plain(body, 'input'), ...(example?.body === undefined ? {} : { example: example.body }) },
              ...(body.safeParse('text').success ? { 'text/plain': { schema: { type: 'string' } } } : {}),
            },
          },
        }
      : {}),
    responses: {
      [ok]:
        route.answer === null
          ? { description: 'Done.' }
          : typeof route.answer === 'string'
            ? { description: 'A stream.', content: { [route.answer]: { schema: { type: 'string' } } } }
            : { description: 'The answer.', content: { 'application/json': { schema: answer(route.answer) } } },
      default: { $ref: '#/components/responses/problem' },
    },
  }
}

/** Everything of a request that is not its body. */
function parametersOf({ params, query, example, changes, method }: Route): Json {
  const of = (where: 'path' | 'query', schema: z.ZodObject | undefined, examples: Readonly<Record<string, unknown>> | undefined) => {
    if (!schema) return []
    const { properties = {}, required = [] } = plain(schema, 'input') as { properties?: Record<string, Json>; required?: string[] }
    return Object.entries(properties).map(([name, { description, ...rest }]) => ({
      ...{ name, in: where, required: where === 'path' || required.includes(name) },
      ...(description === undefined ? {} : { description }),
      schema: rest,
      ...(examples?.[name] === undefined ? {} : { example: examples[name] }),
    }))
  }
  const list: Json[] = [...of('path', params, example?.params), ...of('query', query, example?.query)]
  if (changes && method !== 'GET')
    list.push({
      ...{ name: 'Idempotency-Key', in: 'header', required: false, schema: { type: 'string', maxLength: 200 } },
      description: 'The same for every try of one change: it is made once.',
    })
  return list.length === 0 ? {} : { parameters: list }
}
