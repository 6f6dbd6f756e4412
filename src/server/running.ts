/** What is under way: requests that are waited for when the server ends, and listeners that are let go at once. */
import type { FastifyReply } from 'fastify'
import { problem } from '../model.ts'
import { refused } from './problems.ts'
import { addressKey } from './rate.ts'

export type Requests = {
  /** A signal for one request: it aborts where the caller goes away, and when it is waited for no longer. */
  readonly begin: (response: FastifyReply['raw'], of: { readonly streams: boolean; readonly listener: string | null }) => AbortSignal
  /** Streams end now. */
  readonly endStreams: () => void
  /** Everything ends now. */
  readonly endAll: () => void
  readonly count: () => number
}

/** Listeners to events: of one address (behind it may be a whole house), and of all. */
export type ListenerLimits = { readonly listenersOfAddress: number; readonly listeners: number }

export function requests({ listenersOfAddress, listeners }: ListenerLimits): Requests {
  const open = new Set<{ readonly abort: AbortController; readonly streams: boolean }>()
  const byAddress = new Map<string, number>()
  let all = 0
  const listen = (address: string): (() => void) => {
    const count = byAddress.get(address) ?? 0
    if (count >= listenersOfAddress || all >= listeners)
      throw refused(
        problem('TOO_MANY_LISTENERS', 'Too many listen to events already.', ['Close other windows of the dashboard.', 'Ask again later.']),
        { 'retry-after': '30' },
      )
    byAddress.set(address, count + 1)
    all++
    return () => {
      all--
      const left = byAddress.get(address)! - 1
      if (left === 0) byAddress.delete(address)
      else byAddress.set(address, left)
    }
  }
  return {
    begin: (response, { streams, listener }) => {
      const leave = listener === null ? null : listen(addressKey(listener))
      const one = { abort: new AbortController(), streams }
      open.add(one)
      response.once('close', () => {
        open.delete(one)
        leave?.()
        if (!response.writableFinished) one.abort.abort()
      })
      return one.abort.signal
    },
    endStreams: () => {
      for (const { abort, streams } of open) if (streams) abort.abort()
    },
    endAll: () => {
      for (const { abort } of open) abort.abort()
    },
    count: () => open.size,
  }
}
