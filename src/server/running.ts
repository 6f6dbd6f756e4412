/** What is under way: requests that are waited for when the server ends, and listeners that are let go at once. */
import type { FastifyReply } from 'fastify'
import { problem } from '../model.ts'
import { refused } from './problems.ts'
import { addressKey } from './rate.ts'
import { tooManyTexts } from './turns.ts'

export type Requests = {
  /** A signal for one request: it aborts where the caller goes away, and when it is waited for no longer. */
  readonly begin: (response: FastifyReply['raw'], of: { readonly streams: boolean; readonly listener: string | null }) => AbortSignal
  /** Takes one of the few places for texts of people who did not sign in, before any of the text is read; DIAGNOSE_BUSY where there is none. */
  readonly stranger: (response: FastifyReply['raw'], address: string) => void
  /** Streams end now. */
  readonly endStreams: () => void
  /** Everything ends now. */
  readonly endAll: () => void
  readonly count: () => number
}

/** Listeners to events: of one address (behind it may be a whole house), and of all. */
export type ListenerLimits = { readonly listenersOfAddress: number; readonly listeners: number }

/** Texts of strangers that are read or waited for at once: of one address, and of all. Each may be 5 MB. */
const strangersOfAddress = 20
const strangersMost = 50

export function requests({ listenersOfAddress, listeners }: ListenerLimits): Requests {
  const strangers = new Map<string, number>()
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
    stranger: (response, from) => {
      const address = addressKey(from)
      const count = strangers.get(address) ?? 0
      const under = [...strangers.values()].reduce((a, b) => a + b, 0)
      if (count >= strangersOfAddress || under >= strangersMost) throw tooManyTexts()
      strangers.set(address, count + 1)
      response.once('close', () => {
        const left = strangers.get(address)! - 1
        if (left === 0) strangers.delete(address)
        else strangers.set(address, left)
      })
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
