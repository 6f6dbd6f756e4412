/**
 * Ratios of one run, machines being noisy: how many texts a second one thread reads, and how long the built `explain` takes as a
 * whole process against a Node that does nothing. The last line is JSON (format: CONTRIBUTING.md).
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode, diagnose } from '../src/activation.ts'
import { machine } from './bench-machine.ts'

const dir = 'test/cases/diagnose/'
const texts = readdirSync(dir)
  .filter((n) => n.endsWith('.txt') && !n.startsWith('own-'))
  .map((n) => ({ source: n, text: decode(readFileSync(dir + n)).text }))

const readAt = '2026-11-01T12:00:00Z'
const round = () => {
  for (const text of texts) diagnose([text], { readAt })
}
for (let i = 0; i < 100; i++) round()
const rates: number[] = []
for (let i = 0; i < 9; i++) {
  const start = performance.now()
  for (let n = 0; n < 40; n++) round()
  rates.push((40 * texts.length) / ((performance.now() - start) / 1_000))
}
const median = (list: number[]) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!
const rate = median(rates)

// The package as it is shipped: without the sources, so that the bundle runs.
const home = mkdtempSync(join(tmpdir(), 'slmctl-bench-'))
cpSync('bin', join(home, 'bin'), { recursive: true })
cpSync('dist', join(home, 'dist'), { recursive: true })
const env = { ...process.env, NODE_COMPILE_CACHE: join(home, 'cache') }
const time = (args: string[]) => {
  const start = performance.now()
  const done = spawnSync(process.execPath, args, { env, stdio: 'ignore' })
  if (done.status !== 0) throw new Error(`${args.join(' ')} ended with ${done.status}`)
  return performance.now() - start
}
const explain = [join(home, 'bin/slmctl.cjs'), 'explain', '0xC004F074']
for (let i = 0; i < 5; i++) {
  time(explain)
  time(['-e', '0'])
}
const ours: number[] = []
const floor: number[] = []
for (let i = 0; i < 40; i++) {
  floor.push(time(['-e', '0']))
  ours.push(time(explain))
}
rmSync(home, { recursive: true })
console.log(`texts a second on one thread: ${Math.round(rate)} (${texts.length} texts, median of ${rates.length} rounds)`)
console.log(`whole process, explain 0xC004F074: ${median(ours).toFixed(1)} ms; node -e 0: ${median(floor).toFixed(1)} ms`)
console.log(
  JSON.stringify({
    bench: 'diagnose',
    ratios: [
      { name: 'texts a second on one thread', value: Math.round(rate), goal: 5_000, better: 'more' },
      { name: 'explain 0xC004F074 ÷ node -e 0', value: Number((median(ours) / median(floor)).toFixed(2)), goal: 1.6, better: 'less' },
    ],
    machine: machine(),
  }),
)
