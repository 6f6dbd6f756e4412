/**
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): who did not hear the answer to a change asks again with the same key,
 * and gets the answer; the change is made once.
 */
import { createHash } from 'node:crypto'
import type { Store } from '../app.ts'
import { ProblemError, problem } from '../model.ts'
import { refused } from './problems.ts'

export type Kept = { readonly status: number; readonly body: string; readonly type: string }
/** How long an answer is kept. */
const keepMs = 24 * 3_600_000
/** Keys that one account may send in an hour. */
const keysMost = 1000
const hourMs = 3_600_000
const keyPattern = /^[\x21-\x7e]{1,200}$/

export type Keys = {
  /** The answer that was given already, or the one that `work` makes now. */
  readonly once: (
    asked: { readonly key: string; readonly account: number; readonly request: readonly string[] },
    work: () => Promise<Kept>,
    /** What is kept of the answer: not what is told once. */
    keep: (done: Kept) => Kept,
  ) => Promise<Kept & { readonly replayed: boolean }>
  readonly forget: () => Promise<void>
}

export function keysOf(store: Store, clock: () => number): Keys {
  let since = clock()
  const sent = new Map<number, number>()
  const isTooMany = (account: number): boolean => {
    if (Math.abs(clock() - since) >= hourMs) {
      since = clock()
      sent.clear()
    }
    sent.set(account, (sent.get(account) ?? 0) + 1)
    return sent.get(account)! > keysMost
  }
  return {
    once: async ({ key: given, account, request }, work, keep) => {
      // A structured header string is in quotation marks; many leave them out.
      const key = given.replace(/^"(.*)"$/, '$1')
      if (!keyPattern.test(key))
        throw new ProblemError(
          problem('REQUEST_INVALID', 'Idempotency-Key: expected 1 to 200 printable characters.', ['A UUID is a good one.']),
        )
      if (isTooMany(account))
        throw refused(
          problem('KEYS_TOO_MANY', `You sent more than ${keysMost} changes with an Idempotency-Key within an hour.`, [
            'Wait, or send what may be done twice without a key.',
          ]),
          { 'retry-after': '600' },
        )
      const hash = createHash('sha256').update(JSON.stringify(request)).digest('hex')
      const claimed = await store.claimKey({ key, account, request: hash, at: clock() })
      if (claimed.state === 'running')
        throw new ProblemError(
          problem('REQUEST_RUNNING', 'The same change is under way.', ['Ask again in a few seconds, with the same key.']),
        )
      if (claimed.state === 'other')
        throw new ProblemError(
          problem('KEY_USED', 'This Idempotency-Key was used for another change.', ['Make a new key for each change.']),
        )
      if (claimed.state === 'done') {
        const { type, body } = JSON.parse(claimed.body) as { type: string; body: string }
        return { status: claimed.status, body, type, replayed: true }
      }
      try {
        const done = await work()
        // What was nobody's fault but ours, or is away now, may be tried again.
        if (done.status >= 500) await store.forgetKey({ key, account })
        else {
          const { status, type, body } = keep(done)
          await store.finishKey({ key, account, status, body: JSON.stringify({ type, body }), at: clock() })
        }
        return { ...done, replayed: false }
      } catch (error) {
        await store.forgetKey({ key, account }).catch(() => {})
        throw error
      }
    },
    forget: () => store.forgetKeys(clock() - keepMs),
  }
}
