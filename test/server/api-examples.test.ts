import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from '../../src/schemas.ts'
import { allRoutes } from '../../src/server.ts'
import { apiStage } from './api-stage.ts'

test('every example of the API runs, in the order of the list, and answers as its schema says', async () => {
  const on = await apiStage()
  try {
    let run = 0
    for (const { method, path, example, answer, status, tag } of allRoutes) {
      // Signing in and people have sessions of their own: their tests run these.
      if (!example || tag === 'people') continue
      const where = `${method} ${path}`
      const params = Object.entries(example.params ?? {})
      const filled = params.reduce((p, [name, value]) => p.replace(`{${name}}`, encodeURIComponent(String(value))), path as string)
      const query = new URLSearchParams(Object.entries(example.query ?? {}).map(([name, value]) => [name, String(value)])).toString()
      const said = await on.ask(`${filled}${query === '' ? '' : `?${query}`}`, {
        method,
        ...(example.body === undefined ? {} : { body: example.body }),
      })
      assert.equal(said.status, answer === null ? 204 : (status ?? 200), `${where}: ${said.text}`)
      if (answer === null) assert.equal(said.text, '')
      else if (typeof answer === 'string') assert.ok(String(said.headers['content-type']).startsWith(answer), where)
      else {
        const read = (answer as z.ZodType).safeParse(said.json)
        assert.ok(read.success, `${where}: ${read.error?.message.slice(0, 1500)}\n${said.text.slice(0, 500)}`)
      }
      run++
    }
    assert.ok(run > 30, `${run} examples`)
    const without = allRoutes.filter((r) => !r.example && r.tag !== 'people').map((r) => `${r.method} ${r.path}`)
    // What wants a number or a name that only another answer tells, or a directory, is run by the tests of campaigns, hosts and imports.
    assert.deepEqual(without, [
      'POST /api/v1/fleet/imports/directory',
      'POST /api/v1/hosts/show',
      'POST /api/v1/hosts/story',
      'POST /api/v1/hosts/migrate',
      'GET /api/v1/hosts/{name}/{port}',
      'GET /api/v1/hosts/{name}/{port}/clients',
      'POST /api/v1/campaigns/apply',
      'POST /api/v1/campaigns/{id}/resume',
    ])
  } finally {
    await on.close()
  }
})
