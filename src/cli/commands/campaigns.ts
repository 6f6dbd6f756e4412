import {
  type Campaign,
  type CampaignKind,
  campaignBy,
  campaignState,
  endCampaign,
  exitOf,
  limitsOf,
  mayResume,
  type openApp,
  orderCampaign,
  plansBy,
  resumeCampaign,
  type Store,
  unplannedOf,
  wishedOf,
} from '../../app.ts'
import { type Io, json, note, wrap } from '../io.ts'
import { appFor } from '../machines.ts'
import { type Stop, stopOnSignals } from '../stop.ts'
import { type LiveLine, liveLine, machines, showCampaign, showCampaigns, summary } from '../views/campaigns.ts'
import { askFirst, nothingBesidePlans } from './campaigns-plans.ts'
import { type Flags, filterOf, number, text, usage } from './fleet-filter.ts'

/** `slmctl fleet scan|plan|apply|campaigns|campaign|stop|resume|cancel`. */
export async function run(word: string, words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  switch (word) {
    case 'scan':
    case 'plan':
    case 'apply':
      return await begin(word, words, flags, store, io)
    case 'campaigns': {
      if (words.length > 0) throw usage('fleet campaigns takes no number.', `slmctl fleet campaign ${words[0]}`)
      const list = await store.campaigns({ limit: 50 })
      const told = []
      for (const c of list) told.push(await campaignState(store, c))
      if (flags.json) io.out(json({ schema: 'slmctl.fleet-campaigns/1', campaigns: told }))
      else showCampaigns(told, io)
      return 0
    }
    case 'campaign': {
      const told = await campaignState(store, await named(words, store, word))
      if (flags.json) io.out(json({ schema: 'slmctl.fleet-campaign/1', campaign: told }))
      else showCampaign(told, io)
      return told.state === 'finished' ? exitOf(told) : 0
    }
    case 'resume':
      return await resume(await named(words, store, word), flags, store, io)
    default:
      return await end(word as 'stop' | 'cancel', await named(words, store, word), flags, store, io)
  }
}

async function named(words: readonly string[], store: Store, word: string): Promise<Campaign> {
  const id = Number(words[0])
  if (words.length !== 1 || !Number.isInteger(id) || id < 1)
    throw usage(`fleet ${word} wants the number of a campaign.`, 'slmctl fleet campaigns lists them.', `slmctl fleet ${word} 1`)
  return await campaignBy(id, store)
}

async function begin(kind: CampaignKind, words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  if (words.length > 0)
    throw usage(`fleet ${kind} takes filters, no names.`, `slmctl ${kind === 'scan' ? 'status' : kind} ${words[0]}: one machine.`)
  filterOf(flags)
  const app = await appFor(flags, io)
  const stop = stopOnSignals(io)
  try {
    if (kind !== 'scan') app.needSite(`fleet ${kind}`)
    const wishes = wishedOf(flags)
    const make = (of: CampaignKind, plansOf: number | null) =>
      orderCampaign(store, app.site, { kind: of, words: flags, wished: wishes, plansOf, canary: of === kind })
    // Wrong values are told before anything is asked.
    limitsOf(flags, 1)
    if (flags.plans !== undefined) nothingBesidePlans(flags)
    if (app.site === null && !flags.json)
      note('there is no site file: names are asked of this computer’s DNS, machines by its own logon; --site FILE names one.', io)
    if (kind !== 'apply') return await carry(await make(kind, null), app, flags, store, stop, io)
    /** What could not be planned was not as wished either. */
    let unplanned = 0
    let plans = number(flags, 'plans', 1, Number.MAX_SAFE_INTEGER)
    if (plans === null) {
      if (flags['by-workers'] === true)
        throw usage(
          'What workers are to apply is planned first, and looked at.',
          'slmctl fleet plan --by-workers',
          'slmctl fleet apply --plans N --by-workers',
        )
      const planned = await make('plan', null)
      const rc = await carry(planned, app, { ...flags, json: undefined }, store, stop, flags.json ? { ...io, out: io.err } : io)
      if (stop.signal.aborted) return rc
      plans = planned.id
      unplanned = unplannedOf(await campaignState(store, planned))
    }
    const told = await plansBy(plans, store)
    if (told.planned === 0) {
      if (flags.json) io.out(json({ schema: 'slmctl.fleet-campaign/1', campaign: told }))
      else io.out('Nothing to change.\n')
      return exitOf(told)
    }
    if (text(flags, 'plans') !== null && !flags.json) showCampaign(told, io)
    await askFirst(told, limitsOf(flags, told.planned), flags, store, stop.signal, io)
    return Math.max(unplanned, await carry(await make('apply', plans), app, flags, store, stop, io))
  } finally {
    stop.forget()
    await app.close()
  }
}

type OpenedApp = Awaited<ReturnType<typeof openApp>>

/** Works on a campaign in this process and shows how it goes; or leaves it to the workers. */
async function carry(campaign: Campaign, app: OpenedApp, flags: Flags, store: Store, stop: Stop, io: Io): Promise<number> {
  if (flags['by-workers'] === true) {
    if (flags.json) io.out(json({ schema: 'slmctl.fleet-campaign/1', campaign: await campaignState(store, campaign) }))
    else
      io.out(
        wrap(
          `Campaign ${campaign.id} runs: workers that serve its machines take it up. How it goes: slmctl fleet campaign ${campaign.id}`,
          io.columns,
        ),
      )
    return 0
  }
  const before = await campaignState(store, campaign)
  const line: LiveLine = liveLine(before, io)
  try {
    await app.runCampaigns(store, { campaign: campaign.id, serves: null, ...leases() }, (event) => line.hear(event), stop.signal)
  } finally {
    line.end()
  }
  // Whoever stops this process stops its campaign: nobody else is at it, and it goes on where it was. One that is over stays so.
  if (stop.signal.aborted) {
    const [now] = await store.campaigns({ id: campaign.id, limit: 1 })
    if (now?.state === 'running') await store.setCampaign(campaign.id, { state: 'stopped', because: 'It was interrupted.', at: Date.now() })
  }
  const told = await campaignState(store, { id: campaign.id })
  if (flags.json) io.out(json({ schema: 'slmctl.fleet-campaign/1', campaign: told }))
  else summary(told, io)
  return exitOf(told)
}

async function resume(campaign: Campaign, flags: Flags, store: Store, io: Io): Promise<number> {
  const told = await mayResume(campaign, store)
  const app = await appFor(flags, io)
  const stop = stopOnSignals(io)
  try {
    if (campaign.kind !== 'scan') app.needSite(`fleet ${campaign.kind}`)
    await resumeCampaign(campaign, told, flags, store)
    return await carry({ ...campaign, state: 'running' }, app, flags, store, stop, io)
  } finally {
    stop.forget()
    await app.close()
  }
}

async function end(word: 'stop' | 'cancel', campaign: Campaign, flags: Flags, store: Store, io: Io): Promise<number> {
  const { changed, told } = await endCampaign(campaign, word, `By slmctl fleet ${word}.`, store)
  if (flags.json) io.out(json({ schema: 'slmctl.fleet-campaign/1', campaign: told }))
  else if (!changed) io.out(`Campaign ${campaign.id} is ${told.state} already.\n`)
  else
    io.out(
      wrap(
        `Campaign ${campaign.id} is ${word === 'stop' ? 'stopped' : 'cancelled'}${told.running > 0 ? `; what is under way on ${machines(told.running)} ends by itself` : ''}.${word === 'stop' ? ` It goes on with slmctl fleet resume ${campaign.id}.` : ''}`,
        io.columns,
      ),
    )
  return 0
}

/**
 * How long a worker that is not heard of keeps its machines, ms: SLMCTL_LEASE_MS, for tests that kill workers by the dozen. It must
 * be the same for all workers of a store; left out, the runner's own minute.
 */
export function leases(): { readonly leaseMs?: number } {
  const given = Number(process.env.SLMCTL_LEASE_MS ?? Number.NaN)
  return given >= 1000 && given <= 3_600_000 ? { leaseMs: given } : {}
}
