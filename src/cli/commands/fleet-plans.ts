/** What a campaign planned, machine by machine. Nothing is asked and nothing is changed. */
import { planCampaign, plansOfCampaign, rowsOf, type Store } from '../../app.ts'
import { type Io, wrap } from '../io.ts'
import { machines, showCampaign } from '../views/campaigns.ts'
import { when } from '../views/fleet.ts'
import { showMachinePlan } from '../views/plan.ts'
import { type Flags, number, usage } from './fleet-filter.ts'

/** Of machines on which something changes so many are shown; --json has all. */
const shownMost = 50

/** The plans of a campaign, those that change something first. 0: nothing would change; 1: something would, or could not be planned. */
export async function plans(words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  const id = Number(words[0])
  if (words.length !== 1 || !Number.isInteger(id) || id < 1)
    throw usage('fleet plans wants the number of a campaign.', 'slmctl fleet campaigns', 'slmctl fleet plans 3')
  const campaign = await planCampaign(store, id)
  const limit = number(flags, 'limit', 1, 1_000_000) ?? (flags.json === true ? Number.POSITIVE_INFINITY : shownMost)
  if (flags.json === true) io.out(`{"schema":"slmctl.fleet-plans/1","campaign":${JSON.stringify(campaign)},"plans":[`)
  else showCampaign(campaign, io)
  let shown = 0
  for await (const { machine, name, madeAt, plan } of rowsOf((after) =>
    plansOfCampaign(store, id, { limit: Math.min(1000, limit), after }),
  )) {
    if (flags.json === true) io.out(`${shown === 0 ? '' : ','}\n${JSON.stringify({ machine, name, madeAt, plan })}`)
    else {
      // Where nothing is to be done, the groups above say so.
      if (plan.steps.length === 0 && plan.refused.length === 0 && plan.missing.length === 0) break
      io.out('\n')
      showMachinePlan({ ...plan, name }, io, true)
      io.out(io.paint('dim', `  planned ${when(madeAt)}\n`))
    }
    if (++shown === limit) break
  }
  if (flags.json === true) io.out('\n]}\n')
  else {
    if (campaign.planned > shown) io.out(`\n${machines(campaign.planned - shown)} more on which something changes: --limit N, or --json\n`)
    if (campaign.planned > 0 && campaign.state === 'finished')
      io.out(`\n${wrap(`To carry them out: slmctl fleet apply --plans ${id}`, io.columns)}`)
  }
  if (campaign.unreachable > 0 || campaign.state === 'cancelled') return 2
  return campaign.planned > 0 || campaign.bad > 0 ? 1 : 0
}
