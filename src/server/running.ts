/** What is under way: requests that are waited for when the server ends, and listeners that are let go at once. */
import type { FastifyReply } from 'fastify'
import { problem } from '../model.ts'
import { refused } from './problems.ts'
import { addressKey } from './rate.ts'

export type Requests = {
  /** A signal for one request: it aborts where the caller goes away, and when it is waited for no longer. */
  readonly begin: (response: FastifyReply['raw'], of: { readonly streams: boolean; readonly listener: string | null }) => AbortSignal
  /**
   * Takes of the few places for long texts, of an account or (null) of an address that did not sign in, before any of the text is read:
   * one for each 5 MB that it may have. DIAGNOSE_BUSY where there are not so many.
   */
  readonly longText: (response: FastifyReply['raw'], of: { readonly account: number | null; readonly from: string }, bytes: number) => void
  /** Streams end now. */
  readonly endStreams: () => void
  /** Everything ends now. */
  readonly endAll: () => void
  readonly count: () => number
}

/** Listeners to events: of one address (behind it may be a whole house), and of all. */
export type ListenerLimits = { readonly listenersOfAddress: number; readonly listeners: number }

/** Places of long texts that are read or waited for at once: of one account or stranger's address, and of all who are signed in, or are not. */
const textsOfOne = 20
const textsMost = 50
/** What one place is for; a list of machines has six times as much, and all of it is in memory. */
const placeBytes = 5 * 1024 * 1024

const tooManyTexts = () =>
  refused(
    problem('DIAGNOSE_BUSY', 'Many texts are being read at the moment.', [
      'Send it again in a few seconds.',
      'Signed in, you wait for your own only.',
    ]),
    { 'retry-after': '5' },
  )

export function requests({ listenersOfAddress, listeners }: ListenerLimits): Requests {
  const known = new Map<string, number>()
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
    longText: (response, { account, from }, bytes) => {
      const places = Math.max(1, Math.ceil(bytes / placeBytes))
      const [texts, whose] = account === null ? [strangers, addressKey(from)] : [known, String(account)]
      const count = texts.get(whose) ?? 0
      const together = [...texts.values()].reduce((a, b) => a + b, 0)
      if (count + places > textsOfOne || together + places > textsMost) throw tooManyTexts()
      texts.set(whose, count + places)
      response.once('close', () => {
        const left = texts.get(whose)! - places
        if (left === 0) texts.delete(whose)
        else texts.set(whose, left)
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
