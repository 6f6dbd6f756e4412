/** What `fleet apply` carries out: plans that are there, looked at, and asked for. Nothing is changed in here. */
import { type Campaign, type CampaignTold, campaignState, type Store, settingsOf } from '../../app.ts'
import { ProblemError, problem } from '../../model.ts'
import { commands } from '../commands.ts'
import { confirmed } from '../confirm.ts'
import { type Io, note } from '../io.ts'
import { type Limits, limitsInWords, machines } from '../views/campaigns.ts'
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

/** The plans by the number of their campaign. Throws CAMPAIGN_UNKNOWN, CAMPAIGN_NOT_PLANNED. */
export async function plansBy(id: number, store: Store): Promise<CampaignTold> {
  const [of] = await store.campaigns({ id, limit: 1 })
  if (of?.kind === 'plan' && of.state === 'finished') return await campaignState(store, of)
  if (!of) throw new ProblemError(problem('CAMPAIGN_UNKNOWN', `There is no campaign ${id}.`, ['slmctl fleet campaigns lists them.']))
  const next =
    of.kind !== 'plan'
      ? ['slmctl fleet campaigns lists the plans.', 'slmctl fleet plan makes one.']
      : of.state === 'cancelled'
        ? ['slmctl fleet plan makes a new one.']
        : of.state === 'stopped'
          ? [`slmctl fleet resume ${id} goes on with it.`]
          : [`slmctl fleet campaign ${id} says how far it is.`]
  throw new ProblemError(
    problem('CAMPAIGN_NOT_PLANNED', `Campaign ${id} is no plan that has finished: it is of kind ${of.kind}, and ${of.state}.`, next),
  )
}

/** As many campaigns as are looked through for others of the same plans. */
const lookedThrough = 1000

/** Whoever carries plans out a second time mostly meant to go on with the first. */
async function carriedOutBefore(id: number, store: Store): Promise<readonly string[]> {
  const campaigns = await store.campaigns({ limit: lookedThrough })
  const same = campaigns.filter((c: Campaign) => c.kind === 'apply' && settingsOf(c.settings).plansOf === id)
  return same.map((c) =>
    c.state === 'stopped'
      ? `campaign ${c.id} has these plans, too, and is stopped: slmctl fleet resume ${c.id} goes on with it.`
      : c.state === 'running'
        ? `campaign ${c.id} carries these plans out already: slmctl fleet campaign ${c.id}`
        : `campaign ${c.id} had these plans, and is ${c.state}; what it changed is left as it is, and counted as stale.`,
  )
}

/** Says what stands beside the question, then asks it. Throws NEEDS_YES, NOT_CONFIRMED with how to come back to these plans. */
export async function askFirst(told: CampaignTold, limits: Limits, flags: Flags, store: Store, signal: AbortSignal, io: Io): Promise<void> {
  for (const before of await carriedOutBefore(told.id, store)) note(before, io)
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
