/** What people order of campaigns: that there be one, within limits; that it stop, go on, or end. The same words from a command line and from the API. */
import { type Canary, canaryOver, readCanary, readHours, readWindow, settingsOf, type TimeWindow } from '../campaigns.ts'
import type { Wished } from '../engine.ts'
import { ProblemError, problem, type Site } from '../model.ts'
import type { Campaign, CampaignKind, Store } from '../store.ts'
import { type CampaignGroup, type CampaignTold, campaignState } from './campaign-state.ts'
import { beginCampaign } from './campaigns.ts'
import { filterOf, number, selectionWords, text, usage, type Words } from './filter.ts'

/** Limits of a campaign, as far as they are given. Null (0 for the time of trying): no limit. */
export type Limits = {
  readonly atOnce: number | null
  readonly activationsPerMinute: number | null
  readonly window: TimeWindow | null
  readonly retryForMs: number
  readonly canary: Canary | null
}

/** Limits by their words; a share is one of so many machines. Throws USAGE. */
export function limitsOf(words: Words, machines: number): Limits {
  for (const [word, value] of [
    ['on', 'mon-fri'],
    ['time-zone', 'Europe/Berlin'],
  ] as const)
    if (words[word] !== undefined && words.between === undefined)
      throw usage(`--${word} wants --between.`, `--between 22:00-06:00 --${word} ${value}`)
  if (words['stop-above'] !== undefined && words.canary === undefined)
    throw usage('--stop-above wants --canary.', '--canary 5% --stop-above 10%')
  return {
    atOnce: number(words, 'at-once', 1, 100_000),
    activationsPerMinute: number(words, 'rate', 1, 100_000),
    window: words.between === undefined ? null : readWindow(String(words.between), text(words, 'on'), text(words, 'time-zone')),
    retryForMs: words['retry-for'] === undefined ? 0 : readHours('retry-for', String(words['retry-for'])),
    canary: words.canary === undefined ? null : readCanary(String(words.canary), text(words, 'stop-above'), Math.max(1, machines)),
  }
}

/** What is to be made. `words`: which machines, and the limits. `plansOf`: the campaign whose plans are carried out, in place of a filter. */
export type CampaignOrder = {
  readonly kind: CampaignKind
  readonly words: Words
  readonly wished: Wished
  readonly plansOf: number | null
  /** False: limits of the share that goes first are for another campaign, which comes after this one. */
  readonly canary?: boolean
}

/** Makes a campaign, and lets it run. Throws USAGE, and NO_MACHINES where it would have none. */
export async function orderCampaign(store: Store, site: Site | null, order: CampaignOrder): Promise<Campaign> {
  const { kind, words, wished, plansOf } = order
  const filter = filterOf(words)
  const machines = plansOf === null ? await store.count(filter) : (await campaignState(store, { id: plansOf })).planned
  const { canary, activationsPerMinute, ...others } = limitsOf(words, machines)
  return await beginCampaign(store, site, {
    ...{ kind, filter, plansOf, ...wished, ...others },
    selection: plansOf === null ? selectionWords(words) : `what campaign ${plansOf} planned`,
    canary: order.canary === false ? null : canary,
    activationsPerMinute: kind === 'apply' ? activationsPerMinute : null,
  })
}

/** A campaign by its number. Throws CAMPAIGN_UNKNOWN. */
export async function campaignBy(id: number, store: Store): Promise<Campaign> {
  const [campaign] = await store.campaigns({ id, limit: 1 })
  if (campaign) return campaign
  throw new ProblemError(problem('CAMPAIGN_UNKNOWN', `There is no campaign ${id}.`, ['slmctl fleet campaigns lists them.']))
}

/** The plans that are to be carried out, by the number of their campaign. Throws CAMPAIGN_UNKNOWN, CAMPAIGN_NOT_PLANNED. */
export async function plansBy(id: number, store: Store): Promise<CampaignTold> {
  const of = await campaignBy(id, store)
  if (of.kind === 'plan' && of.state === 'finished') return await campaignState(store, of)
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

/** Throws PLANS_CHANGED where plans are about another number of machines than was shown to whoever approves them. */
export function asShown(told: CampaignTold, expected: number): void {
  if (told.planned === expected) return
  throw new ProblemError(
    problem(
      'PLANS_CHANGED',
      `Campaign ${told.id} would change ${told.planned} ${told.planned === 1 ? 'machine' : 'machines'}, and ${expected} were shown.`,
      ['Look at the plan again, then approve it.', `slmctl fleet campaign ${told.id}`],
    ),
  )
}

/** As many campaigns as are looked through for others of the same plans. */
const lookedThrough = 1000

/** Campaigns that carry out the same plans, or did: whoever carries plans out a second time mostly meant to go on with the first. */
export async function carriedOutBefore(plans: number, store: Store): Promise<readonly Campaign[]> {
  const campaigns = await store.campaigns({ limit: lookedThrough })
  return campaigns.filter((c) => c.kind === 'apply' && settingsOf(c.settings).plansOf === plans)
}

/** Whether a campaign may go on: throws CAMPAIGN_OVER, CAMPAIGN_NOT_WHOLE. Answers how it stands. */
export async function mayResume(campaign: Campaign, store: Store): Promise<CampaignTold> {
  const told = await campaignState(store, campaign)
  if (campaign.state === 'cancelled' || campaign.state === 'finished')
    throw new ProblemError(
      problem('CAMPAIGN_OVER', `Campaign ${campaign.id} is ${campaign.state}.`, [`Make a new one: slmctl fleet ${campaign.kind}`]),
    )
  if (told.machines < told.wanted)
    throw new ProblemError(
      problem('CAMPAIGN_NOT_WHOLE', `Campaign ${campaign.id} was cut while its machines were put in.`, [
        `slmctl fleet cancel ${campaign.id}`,
        `Make a new one: slmctl fleet ${campaign.kind}`,
      ]),
    )
  return told
}

/** Lets a campaign go on, with other limits where some are given; `told` as `mayResume` answers. */
export async function resumeCampaign(campaign: Campaign, told: CampaignTold, words: Words, store: Store): Promise<void> {
  const given = limitsOf(words, told.machines)
  await store.setSettings(campaign.id, {
    ...settingsOf(campaign.settings),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null && value !== 0)),
    canary: given.canary ?? (await goesFirst(store, campaign)),
  })
  await store.setCampaign(campaign.id, { state: 'running', because: null, at: Date.now() })
}

/** The share that still goes first: one that stopped its campaign has been looked at by whoever lets it go on; any other stands. */
async function goesFirst(store: Store, { id, settings }: Campaign): Promise<Canary | null> {
  const { canary } = settingsOf(settings)
  if (!canary) return null
  const first = await store.left({ campaign: id, upTo: await store.positionOf(id, canary.machines), sites: null })
  return typeof canaryOver(first, canary) === 'object' ? null : canary
}

/** Stops a campaign, or ends it for good. `changed` is false where it was over already. */
export async function endCampaign(
  campaign: Campaign,
  how: 'stop' | 'cancel',
  because: string,
  store: Store,
): Promise<{ readonly changed: boolean; readonly told: CampaignTold }> {
  const at = Date.now()
  const changed = await store.setCampaign(campaign.id, { state: how === 'stop' ? 'stopped' : 'cancelled', because, at })
  // Also where whoever cancelled it was cut before this.
  if (how === 'cancel' && (changed || campaign.state === 'cancelled')) await store.cancelWaiting(campaign.id, at)
  return { changed, told: await campaignState(store, { id: campaign.id }) }
}

/** As an exit code. 0: every machine as wished; 1: something is not; 2: something could not be asked, or it did not come to its end. */
export function exitOf({ state, unreachable, open, bad }: Pick<CampaignTold, 'state' | 'unreachable' | 'open' | 'bad'>): number {
  if (state !== 'finished' || unreachable + open > 0) return 2
  return bad > 0 ? 1 : 0
}

/** As an exit code: what a plan left out, because machines could not be asked (2), or nothing may be changed on them (1). */
export function unplannedOf({ unreachable, groups }: { unreachable: number; groups: readonly CampaignGroup[] }): number {
  if (unreachable > 0) return 2
  return groups.some((g) => g.state === 'done' && /^(?:refused: |something is not known$)/.test(g.result ?? '')) ? 1 : 0
}
