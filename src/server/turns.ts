/** Work that anybody may ask for, and that holds up everybody else while it runs: one after the other, with rests between. */
import { problem } from '../model.ts'
import { refused } from './problems.ts'

export type Turns = {
  /** Does it when its turn comes; DIAGNOSE_BUSY where too many wait already. */
  readonly take: <T>(work: () => T) => Promise<T>
}

/** Of the time, work takes one part in so many. */
const share = 4
/** More than wait for an answer by themselves. */
const waitingMost = 50

export const tooManyTexts = () =>
  refused(
    problem('DIAGNOSE_BUSY', 'Many texts are being read at the moment.', [
      'Send it again in a few seconds.',
      'Signed in, you wait for your own only.',
    ]),
    { 'retry-after': '5' },
  )

export function turns(): Turns {
  let waiting = 0
  let last: Promise<unknown> = Promise.resolve()
  return {
    take: (work) => {
      if (waiting >= waitingMost) throw tooManyTexts()
      waiting++
      let took = 0
      const done = last.then(() => {
        const began = performance.now()
        try {
          return work()
        } finally {
          took = performance.now() - began
          waiting--
        }
      })
      last = done.catch(() => {}).then(() => new Promise((rested) => setTimeout(rested, Math.min(20_000, share * took))))
      return done
    },
  }
}
