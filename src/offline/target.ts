/** A signed plan at the machine that it is for: recognised, in the words of its own site file, its secrets opened. */
import type { KeyObject } from 'node:crypto'
import { type MachinePlan, ProblemError, problem, type Wish } from '../model.ts'
import { Secret } from '../secrets.ts'
import { open } from './hpke.ts'
import { boundTo, type Identity, type SealedSecret, type SignedPlan, sealedFor } from './signed-plan.ts'

/** What a machine does with a signed plan: the plan in the words of its own site file, and the secrets of it by their references. */
export type OnTarget = {
  readonly plan: MachinePlan
  /** Null where the reference is none of the plan's: then it is read as ever. */
  readonly secret: (reference: NonNullable<Wish['key']>) => Secret | null
}

/**
 * Puts the target's own references in the place of the signer's: a sealed secret belongs to the wish of the same words. `key` is the
 * private key of the computer. Throws PLAN_SECRET where one does not open, PLAN_STALE where the site file has no such wish.
 */
export function onTarget({ statement }: SignedPlan, wishes: readonly Wish[], key: KeyObject | null): OnTarget {
  const { plan, sealed } = statement
  const found = new Map<string, SealedSecret>()
  const references = new Map<number, NonNullable<Wish['key']>>()
  for (const one of sealed) {
    const wish = wishes.find((w) => w.product === one.wish.product && w.by === one.wish.by && w.year === one.wish.year)
    if (!wish?.key)
      throw new ProblemError(
        problem(
          'PLAN_STALE',
          `The plan carries a key for the wish {product: ${one.wish.product}, by: ${one.wish.by}}, which the site file here does not have.`,
          ['Use the same site file here; the key that its wish refers to need not be there.'],
        ),
      )
    references.set(one.step, wish.key)
    found.set(JSON.stringify(wish.key), one)
  }
  return {
    plan: {
      ...plan,
      steps: plan.steps.map((s, i) => (s.secret ? { ...s, secret: { ...s.secret, reference: references.get(i)! } } : s)),
    },
    secret: (reference) => {
      const one = found.get(JSON.stringify(reference))
      if (!one) return null
      const bytes =
        key &&
        open(key, sealedFor, boundTo(statement, one.step, plan.steps[one.step]!), {
          enc: Buffer.from(one.enc, 'base64'),
          ciphertext: Buffer.from(one.ciphertext, 'base64'),
        })
      if (!bytes)
        throw new ProblemError(
          problem('PLAN_SECRET', 'The key that the plan carries cannot be opened with the key of this computer.', [
            'The user who made the recording has to apply the plan, on the same computer.',
          ]),
        )
      return new Secret(bytes)
    },
  }
}

/** Why a machine is not the one that a plan was signed for; null where it is. */
export function otherMachine(meant: Identity, is: Identity): string | null {
  const plain = (name: string) => name.toLowerCase().replace(/\.$/, '')
  if (plain(meant.name) !== plain(is.name)) return `The plan is for ${meant.name}, and this is ${is.name}.`
  if (meant.uuid !== null && meant.uuid !== is.uuid)
    return `The plan was made for another machine of the name ${meant.name}: the identifier of the board (UUID) is not the same.`
  if (meant.key !== null && meant.key !== is.key)
    return `The plan was made for a computer with another key than ${is.key === null ? 'this one, which has none' : 'this one'}.`
  return null
}
