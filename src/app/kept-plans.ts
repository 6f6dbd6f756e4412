/** What a campaign planned, machine by machine, as it is kept. */
import { type MachinePlan, ProblemError, problem } from '../model.ts'
import type { Page, PageWish, Store } from '../store.ts'
import { type CampaignTold, campaignState } from './campaign-state.ts'

export type KeptPlanOf = { readonly machine: number; readonly name: string; readonly madeAt: number; readonly plan: MachinePlan }

/** A campaign of kind plan, in whatever state. Throws CAMPAIGN_UNKNOWN, CAMPAIGN_NOT_PLANNED. */
export async function planCampaign(store: Store, id: number): Promise<CampaignTold> {
  const [campaign] = await store.campaigns({ id, limit: 1 })
  if (!campaign) throw new ProblemError(problem('CAMPAIGN_UNKNOWN', `There is no campaign ${id}.`, ['slmctl fleet campaigns lists them.']))
  if (campaign.kind !== 'plan')
    throw new ProblemError(
      problem('CAMPAIGN_NOT_PLANNED', `Campaign ${id} is of kind ${campaign.kind}: it has no plans.`, [
        'slmctl fleet campaigns lists the plans.',
        `slmctl fleet campaign ${id} says what came of it.`,
      ]),
    )
  return await campaignState(store, campaign)
}

/** Plans of a campaign, those that change something first, by machine. What they come to together is in the groups of its state. */
export async function plansOfCampaign(store: Store, id: number, wish: PageWish): Promise<Page<KeptPlanOf>> {
  await planCampaign(store, id)
  return await store.plansOf(id, wish)
}
