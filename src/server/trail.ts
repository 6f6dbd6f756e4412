/** What was changed, by whom and from where, is appended to the trail; so is what was refused, but not without end. */
import type { Store } from '../app.ts'
import { maskKeys } from '../model.ts'
import { addressKey } from './rate.ts'

export type TrailEntry = {
  readonly who: string
  readonly by: string
  readonly from: string
  /** The route: its method and its path as the API writes it. */
  readonly what: string
  /** Ids and names, never a secret or a body. */
  readonly about: string
  readonly result: 'done' | 'refused' | 'failed'
  /** The code of the Problem. */
  readonly detail: string | null
}
export type Trail = {
  readonly append: (entry: TrailEntry) => Promise<void>
  /**
   * What was refused: of an account, or (null) of an address that did not sign in, at most so many in a minute, then they are counted
   * and said once. What strangers are refused takes no place of those who are signed in.
   */
  readonly refused: (entry: TrailEntry, account: number | null) => Promise<void>
}

const minuteMs = 60_000
const ofOne = 20
const ofAll = 200

/** One line, whatever somebody typed: no line end, no order to a terminal, not even a colour. */
export const oneLine = (text: string, most: number): string =>
  maskKeys(
    text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  ).slice(0, most)

export function trailOf(store: Store, clock: () => number, log: (line: string) => void): Trail {
  let since = 0
  let left = 0
  const [known, strangers] = [new Map<string, number>(), new Map<string, number>()]
  const append = async (entry: TrailEntry) =>
    await store.appendTrail({
      at: clock(),
      result: entry.result,
      detail: entry.detail,
      by: entry.by,
      who: oneLine(entry.who, 100),
      from: oneLine(entry.from, 60),
      what: oneLine(entry.what, 200),
      about: oneLine(entry.about, 300),
    })
  return {
    append,
    refused: async (entry, account) => {
      const now = clock()
      if (Math.abs(now - since) >= minuteMs) {
        const missed = left
        since = now
        left = 0
        known.clear()
        strangers.clear()
        if (missed > 0) log(`${missed} more requests were refused that the trail does not have`)
      }
      const [counted, whose] = account === null ? [strangers, addressKey(entry.from)] : [known, String(account)]
      const count = (counted.get(whose) ?? 0) + 1
      const all = [...counted.values()].reduce((sum, n) => sum + n, 0)
      if (count > ofOne || all >= ofAll) left++
      else {
        counted.set(whose, count)
        await append(entry).catch((error: Error) => log(`the trail could not be written: ${error.message}`))
      }
    },
  }
}
