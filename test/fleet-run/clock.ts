/**
 * Loaded before slmctl (`--import`): a wall clock that a test can set and speed up, as an administrator or a time server does. The
 * file that SLMCTL_TEST_CLOCK names says `OFFSET_MS RATE SINCE_MS`. What measures time without a wall clock goes on as it does.
 */
import { readFileSync } from 'node:fs'

const file = process.env.SLMCTL_TEST_CLOCK!
const Real = Date
let readAt = Number.NEGATIVE_INFINITY
let offset = 0
let rate = 1
let since = 0

function now(): number {
  if (performance.now() - readAt > 20) {
    readAt = performance.now()
    try {
      const [o, r, s] = readFileSync(file, 'utf8').split(' ').map(Number)
      offset = o!
      rate = r!
      since = s!
    } catch {}
  }
  const real = Real.now()
  return Math.round(real + offset + (rate === 1 ? 0 : (real - since) * (rate - 1)))
}

globalThis.Date = new Proxy(Real, {
  construct: (target, given, as) => Reflect.construct(target, given.length === 0 ? [now()] : given, as),
  apply: () => new Real(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
})
