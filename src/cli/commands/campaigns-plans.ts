/** What `fleet apply` carries out: plans that are there, looked at, and asked for. Nothing is changed in here. */
import { type Campaign, type CampaignTold, carriedOutBefore, type Limits, type Store } from '../../app.ts'
import { ProblemError } from '../../model.ts'
import { commands } from '../commands.ts'
import { confirmed } from '../confirm.ts'
import { type Io, note } from '../io.ts'
import { limitsInWords, machines } from '../views/campaigns.ts'
import { type Flags, filterFlags, usage } from './fleet-filter.ts'

/** A plan is carried out as it stands: a filter or wish beside it would be passed over, and more be changed than was meant. */
export function nothingBesidePlans(flags: Flags): void {
  const { plan, scan } = commands.find((c) => c.name === 'fleet')!.words!
  const asked = new Set(scan!.options.map((o) => o.flag))
  const wishes = plan!.options.flatMap((o) => (asked.has(o.flag) ? [] : [o.flag.slice(2)]))
  const given = [...filterFlags, ...wishes].find((flag) => flags[flag] !== undefined)
  if (given === undefined) return
  const value = flags[given] === true ? '' : ` ${flags[given]}`
  throw usage(
    `--plans ${flags.plans} carries out all that was planned; --${given} is for the plan.`,
    `slmctl fleet plan --${given}${value}, then slmctl fleet apply --plans with its number`,
  )
}

/** Whoever carries plans out a second time mostly meant to go on with the first. */
function inWords({ id, state }: Campaign): string {
  if (state === 'stopped') return `campaign ${id} has these plans, too, and is stopped: slmctl fleet resume ${id} goes on with it.`
  if (state === 'running') return `campaign ${id} carries these plans out already: slmctl fleet campaign ${id}`
  return `campaign ${id} had these plans, and is ${state}; what it changed is left as it is, and counted as stale.`
}

/** Says what stands beside the question, then asks it. Throws NEEDS_YES, NOT_CONFIRMED with how to come back to these plans. */
export async function askFirst(told: CampaignTold, limits: Limits, flags: Flags, store: Store, signal: AbortSignal, io: Io): Promise<void> {
  for (const before of await carriedOutBefore(told.id, store)) note(inWords(before), io)
  const words = limitsInWords(limits)
  if (words && !flags.json) note(words, io)
  try {
    await confirmed(`what campaign ${told.id} planned on ${machines(told.planned)}`, flags, signal)
  } catch (error) {
    const [why] = error instanceof ProblemError ? error.problems : []
    if (why?.code === 'NOT_CONFIRMED')
      throw new ProblemError({ ...why, next: [`The plans are kept: slmctl fleet apply --plans ${told.id}`] })
    if (why?.code === 'NEEDS_YES')
      throw new ProblemError({
        ...why,
        next: [`Look at it first: slmctl fleet campaign ${told.id}`, `slmctl fleet apply --plans ${told.id} --yes`],
      })
    throw error
  }
}
