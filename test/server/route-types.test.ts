import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from '../../src/schemas.ts'
import { type RouteRow, route } from '../../src/server/route.ts'

const row = {
  method: 'GET',
  path: '/api/v1/told',
  access: 'viewer',
  tag: 'fleet',
  summary: '',
  changes: false,
  answer: z.strictObject({ rows: z.array(z.strictObject({ name: z.string(), at: z.int().nullable() })).readonly() }),
} as const satisfies RouteRow

/** Held by `npm run types`: each line that must not compile says so. */
test('a route that says something else than its schema does not compile', async () => {
  const told = route(row, async () => ({ rows: [{ name: 'pc-1', at: null }] }))
  assert.deepEqual(row.answer.parse(await told.handle({} as never)), { rows: [{ name: 'pc-1', at: null }] })
  // @ts-expect-error A name of the schema is missing.
  route(row, async () => ({ rows: [{ name: 'pc-1' }] }))
  // @ts-expect-error A value is another one.
  route(row, async () => ({ rows: [{ name: 'pc-1', at: 'noon' }] }))
  const more = { name: 'pc-1', at: 1, secret: 'x' }
  // @ts-expect-error No schema names what is sent beside.
  const sent = route(row, async () => ({ rows: [more] }))
  assert.throws(() => row.answer.parse({ rows: [more] }), 'and the tests of answers refuse it, too')
  assert.equal(sent.path, row.path)
})
