/** The journal of a campaign: in the store, where whoever gets the machine next can read it. */
import { leaseLost, type MachineJournal } from '../engine.ts'
import type { Held, Store } from '../store.ts'

type Line = { readonly held: Held; readonly sequence: number; readonly at: number; readonly body: string }
type Waiting = Line & {
  readonly name: string
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

export type JournalWriter = {
  /** The journal of one machine that is held; what it writes is refused as soon as somebody else has the machine. */
  readonly open: (held: Held, name: string, mayStill: () => boolean, hold: (machine: string) => () => void) => MachineJournal
}

/** More would hold the event loop, or a transaction, for too long. */
const together = 200

/** Writes entries that come at the same time in one transaction, as they wait for the same disk. */
export function journalWriter(store: Store): JournalWriter {
  const waiting: Waiting[] = []
  let writing = false
  const write = async () => {
    if (writing) return
    writing = true
    while (waiting.length > 0) {
      const now = waiting.splice(0, together)
      try {
        const written = await store.appendJournal(now.map(({ held, sequence, at, body }) => ({ held, sequence, at, body })))
        for (const [i, line] of now.entries())
          if (written[i]) line.done()
          else line.failed(leaseLost(line.name))
      } catch (error) {
        for (const line of now) line.failed(error)
      }
    }
    writing = false
  }
  return {
    open: (held, name, mayStill, hold) => {
      let sequence = 0
      return {
        write: (entry) =>
          new Promise((done, failed) => {
            const at = Date.now()
            waiting.push({
              name,
              held,
              sequence: sequence++,
              at,
              body: JSON.stringify({ at: new Date(at).toISOString(), ...entry }),
              done,
              failed,
            })
            // What is written in the same moment is written together.
            if (!writing) queueMicrotask(() => void write())
          }),
        hold,
        mayStill,
        // The campaign itself asks again for as long as it is to; then this does, with a new plan.
        goesOn: `slmctl apply ${name}`,
      }
    },
  }
}
