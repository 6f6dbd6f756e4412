/** A process that writes to a store until it is killed, and says what was acknowledged: `node worker.ts FILE PART OF [COUNT]`. */
import { writeSync } from 'node:fs'
import { openStore } from '../../src/store.ts'
import { answer, noon, product } from './fixture.ts'

const [file, part, of, count] = process.argv.slice(2)
const store = await openStore({ file: file! }, { create: true })
const mine = (await store.ids({})).filter((id) => id % Number(of) === Number(part))
// Goes on after what is there: every number is written once, in order.
const begun = Math.max(0, ...(await store.outcomes({ machine: mine[0]! }, { limit: 1, after: null })).rows.map((o) => o.endedAt))
for (let i = begun + 1; i <= begun + Number(count ?? 1e9); i++) {
  await store.observe(mine.map((id) => answer(id, noon + i, [product({ state: i % 2 ? 'licensed' : 'notification', minutesLeft: null })])))
  await store.saveOutcome({
    key: `${part}-${i}`,
    machine: mine[0]!,
    campaign: null,
    plan: null,
    beganAt: i,
    endedAt: i,
    result: 'changed',
    problem: null,
    verdict: null,
    steps: [],
  })
  writeSync(1, `${i}\n`)
}
await store.close()
