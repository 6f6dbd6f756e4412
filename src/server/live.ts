/** Live events: what happens is told to all who listen. */
import type { eventSchemas, z } from '../schemas.ts'

export type EventName = keyof typeof eventSchemas
export type LiveEvent = { [N in EventName]: { readonly name: N; readonly data: z.output<(typeof eventSchemas)[N]> } }[EventName]

export type Heard = { readonly id: string; readonly event: LiveEvent }

export type Live = {
  readonly tell: (event: LiveEvent) => void
  /**
   * Events from now on, or from after an id that a listener had last; `reset` first where that is too long ago. Null now and then where
   * nothing happens, so that a line that broke is seen. Ends by `signal`, and where the listener does not keep up.
   */
  readonly listen: (lastId: string | null, signal: AbortSignal) => AsyncGenerator<Heard | null>
  /** How many listen. */
  readonly listeners: () => number
}
