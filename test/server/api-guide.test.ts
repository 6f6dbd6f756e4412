import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { allRoutes } from '../../src/server.ts'
import { apiStage } from './api-stage.ts'

const guide = readFileSync('docs/guide/api.md', 'utf8')
const blocks = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((m) => m[1]!)

test('the lines of the guide run as they stand, one after the other', async (t) => {
  const run = promisify(execFile)
  if (
    await run('curl', ['--version']).then(
      () => false,
      () => true,
    )
  )
    return t.skip('there is no curl')
  const on = await apiStage()
  try {
    // Each block says its number, so that a line that fails is found.
    const script = `set -euo pipefail\ncd ${on.directory}\n${blocks.map((b, i) => `echo "== ${i + 1}"\n${b}`).join('\necho\n')}`
    const env = { ...process.env, SERVER: `http://${on.server.address}`, TOKEN: on.tokens.approver }
    const { stdout } = await run('bash', ['-c', script], { env, maxBuffer: 64 * 1024 * 1024, timeout: 120_000 }).catch((error) =>
      assert.fail(`${String(error.stdout).slice(-1500)}\n${String(error.stderr).slice(-1500)}`),
    )
    const parts = stdout.split(/^== \d+\n/m).slice(1)
    assert.equal(parts.length, blocks.length)
    assert.match(parts.at(-1)!, /"code":"USAGE"/)
    const shown = JSON.parse(/^```json\n([\s\S]*?)^```$/m.exec(guide)![1]!) as Record<string, unknown>
    const { instance: _, ...said } = JSON.parse(parts.at(-1)!) as Record<string, unknown>
    const { instance: __, ...told } = shown
    assert.deepEqual(said, told, 'the refusal is the one that the guide shows')
    assert.match(readFileSync(join(on.directory, 'machines.csv'), 'utf8'), /^\ufeffname,verdict,headline,soonest_end_utc,next\r\n/)
    assert.match(stdout, /event: campaign|retry: /)
  } finally {
    await on.close()
  }
})

test('the guide has every address', () => {
  for (const { method, path } of allRoutes)
    assert.ok(guide.includes(`| \`${method} ${path.replace('/api/v1', '')}\` |`), `${method} ${path}`)
  const called = [...blocks.join('\n').matchAll(/\$SERVER(\/api\/v1[^"?\s]*)/g)].map((m) => m[1]!)
  assert.ok(called.length > 20)
})
