import type { Left } from '../store.ts'
import type { Canary } from './settings.ts'

/** How the first machines stand. `unreachable` are among `failed`. */
export type First = Pick<Left, 'untried' | 'retrying' | 'leased' | 'done' | 'failed' | 'unreachable'>

/**
 * What the share that goes first says: still under way, go on, or stop. Machines that could not be reached say nothing about what the
 * campaign does; where none could be, nothing is proved, and it stops, too.
 */
export function canaryOver(first: First, { machines, stopAbove }: Canary): 'wait' | 'go' | { readonly stop: string } {
  const bad = first.failed - first.unreachable
  const reached = first.done + bad
  const all = reached + first.unreachable + first.untried + first.retrying + first.leased
  const tooMany = { stop: `Of the machines that went first, ${bad} of ${reached} failed, more than ${Math.round(stopAbove * 100)} %.` }
  // More can fail only; whoever has failed already is enough.
  if (bad > 0 && bad / Math.min(all, machines) > stopAbove) return tooMany
  if (first.untried + first.leased > 0) return 'wait'
  if (reached === 0 && first.retrying > 0) return 'wait'
  if (reached === 0 && all > 0) return { stop: `None of the ${all} machines that went first could be reached.` }
  return bad / Math.max(1, reached) > stopAbove ? tooMany : 'go'
}
