/**
 * `npm run test:fleet`: campaigns by real workers over a real wire on both kinds of store, and what becomes of them when everything
 * is killed in turn. The last line counts.
 */
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

let passed = 0
let failed = 0
let skipped = 0

/** Runs some tests and prints what they say when they are through, so that two lanes do not talk at once. */
async function lane(...parts: readonly { readonly name: string; readonly only?: RegExp }[]): Promise<void> {
  for (const { name, only } of parts) {
    const stream = run({ files: [`test/fleet-run/${name}.ts`], concurrency: false, ...(only ? { testNamePatterns: only } : {}) })
    stream.on('test:pass', (data) => {
      if (data.details?.type === 'suite') return
      if (data.skip) skipped++
      else passed++
    })
    stream.on('test:fail', (data) => {
      if (data.details?.type !== 'suite') failed++
    })
    let said = ''
    for await (const text of stream.compose(spec)) said += text
    process.stdout.write(said)
  }
}

const began = performance.now()
// Each waits for much of its time, and nothing that is measured has an upper limit in time.
await Promise.all([
  lane({ name: 'kill', only: /PostgreSQL/ }),
  lane({ name: 'contract' }, { name: 'harm' }, { name: 'kill', only: /SQLite/ }),
])
console.log(`${Math.round((performance.now() - began) / 1000)} s`)
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed > 0 ? 1 : 0
