/** `npm run test:store`: the store's one suite on both kinds, PostgreSQL started for it, and what only a kill or a full disk shows. */
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

let passed = 0
let failed = 0
let skipped = 0
const stream = run({
  files: ['test/store/sqlite.test.ts', 'test/store/threads.ts', 'test/store/harm.ts', 'test/store/postgres.ts'],
  concurrency: false,
})
const about = (data: { details?: { type?: string | undefined }; skip?: unknown }) => data.details?.type !== 'suite'
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
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
    process.exitCode = failed > 0 ? 1 : 0
  }, 100),
)
