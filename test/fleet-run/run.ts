/**
 * `npm run test:fleet`: campaigns by real workers over a real wire on both kinds of store, and what becomes of them when everything
 * is killed in turn. The last line counts.
 */
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

let passed = 0
let failed = 0
let skipped = 0
const began = performance.now()
// One after another: what is measured in machines at once and in milliseconds wants the computer for itself.
const stream = run({ files: ['contract', 'harm', 'kill'].map((name) => `test/fleet-run/${name}.ts`), concurrency: false })
const about = (data: { details?: { type?: string | undefined } }) => data.details?.type !== 'suite'
stream.on('test:pass', (data) => {
  if (!about(data)) return
  if (data.skip) skipped++
  else passed++
})
stream.on('test:fail', (data) => {
  if (about(data)) failed++
})
stream.compose(spec).pipe(process.stdout)
stream.on('end', () =>
  setTimeout(() => {
    console.log(`${Math.round((performance.now() - began) / 1000)} s`)
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
    process.exitCode = failed > 0 ? 1 : 0
  }, 100),
)
