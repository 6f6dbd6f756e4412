import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { filterNames } from '../../src/app.ts'
import { commands } from '../../src/cli/commands.ts'
import { filterFlags } from '../../src/cli/fleet-words.ts'
import { api } from '../../src/schemas.ts'
import { openApi } from '../../src/server/openapi.ts'
import { allRoutes } from '../../src/server.ts'

const document = openApi(allRoutes, '0.0.0') as unknown as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> }
}
type Operation = {
  readonly operationId: string
  readonly description: string
  readonly security: readonly unknown[]
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[]
  readonly requestBody?: unknown
  readonly responses: Readonly<Record<string, unknown>>
}
const operations = allRoutes.map((route) => ({ route, told: document.paths[route.path]![route.method.toLowerCase()]! }))

test('the API is described as OpenAPI 3.1, says a validator that is not ours', async () => {
  const result = await new Validator().validate(JSON.parse(JSON.stringify(document)))
  assert.ok(result.valid, JSON.stringify(result.errors, null, 1)?.slice(0, 2000))
  const broken = JSON.parse(JSON.stringify(document)) as { paths: Record<string, { get: { responses: unknown } }> }
  broken.paths['/api/v1/fleet/status']!.get.responses = []
  assert.equal((await new Validator().validate(broken as never)).valid, false, 'the validator looks')
})

test('every route is described once, with who may, what it takes and what may go wrong', () => {
  const ids = operations.map(({ told }) => told.operationId)
  assert.equal(new Set(ids).size, ids.length)
  for (const { route, told } of operations) {
    const where = `${route.method} ${route.path}`
    assert.ok('default' in told.responses, where)
    assert.equal(told.security.length === 0, route.access === 'open', where)
    assert.match(told.description, route.access === 'open' ? /Nobody has to sign in/ : /For (?:the role \w+|viewers)/, where)
    const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map((m) => m[1])
    const given = (told.parameters ?? []).filter((p) => p.in === 'path')
    assert.deepEqual(given.map((p) => p.name).sort(), inPath.sort(), where)
    assert.ok(given.every((p) => p.required))
    assert.equal(
      (told.parameters ?? []).some((p) => p.name === 'Idempotency-Key'),
      route.changes && route.method !== 'GET',
      where,
    )
    assert.equal('requestBody' in told, route.body !== undefined, where)
  }
})

test('the file in docs is the one of the code', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  assert.equal(readFileSync('docs/openapi.json', 'utf8'), `${JSON.stringify(openApi(allRoutes, version), null, 2)}\n`, 'npm run schema')
})

/** Words that no route has, each with the reason. */
const local: Readonly<Record<string, string>> = {
  apply: 'One machine is changed by a campaign: it is planned, looked at, and approved.',
  audit: 'GET /audit answers it out of what is kept.',
  worker: 'A process of its own; this server works on campaigns, too.',
  schedule: 'A task of the computer that it is typed on.',
  offline: 'Keys, and files that are carried to where no network is, belong on no server.',
  'site init': 'Writes a file on the computer that it is typed on.',
  'site schema': 'docs/site.schema.json',
  lab: 'A simulated fleet on the computer that it is typed on.',
  demo: 'A tour on a terminal.',
  completion: 'For a shell.',
  serve: 'The server itself.',
  accounts: 'Who may sign in is said on the server’s own computer.',
  tokens: 'For the tokens of others; one’s own are at /me/tokens.',
  'fleet backup': 'Writes a file on the computer that it is typed on.',
  'fleet restore': 'Nobody may have the store open.',
  'fleet compact': 'For whoever looks after the store.',
}

test('everything that the command line can has a route, or a reason why it stays there', () => {
  const named = new Set(allRoutes.flatMap((r) => r.command ?? []))
  const words = commands.flatMap((c) => (c.words ? Object.keys(c.words).map((word) => `${c.name} ${word}`) : [c.name]))
  const known = (word: string) => named.has(word) || word in local || word.split(' ')[0]! in local
  const missing = words.filter((word) => !known(word) && ![...named].some((n) => n.startsWith(`${word} `)))
  assert.deepEqual(missing, [])
  for (const name of named)
    assert.ok(
      words.some((word) => name === word || name.startsWith(`${word} `)),
      `a route names ${name}, which is no command`,
    )
})

test('filters are the same words on the command line, in the API, and where they are read', () => {
  assert.deepEqual([...filterFlags].sort(), [...filterNames].sort())
  assert.deepEqual(Object.keys(api.filterQuery.shape).sort(), [...filterNames].sort())
})
