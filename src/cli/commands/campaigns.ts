import {
  beginCampaign,
  type Campaign,
  type CampaignGroup,
  type CampaignKind,
  type Canary,
  campaignState,
  canaryOver,
  type openApp,
  readCanary,
  readHours,
  readWindow,
  type Store,
  settingsOf,
} from '../../app.ts'
import { ProblemError, problem } from '../../model.ts'
import { type Io, json, note, wrap } from '../io.ts'
import { appFor, wished } from '../machines.ts'
import { type Stop, stopOnSignals } from '../stop.ts'
import { type LiveLine, liveLine, machines, showCampaign, showCampaigns, summary } from '../views/campaigns.ts'
import { askFirst, nothingBesidePlans, plansBy } from './campaigns-plans.ts'
import { type Flags, filterFlags, filterOf, number, text, usage } from './fleet-filter.ts'

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
  const [campaign] = await store.campaigns({ id, limit: 1 })
  if (campaign) return campaign
  throw new ProblemError(problem('CAMPAIGN_UNKNOWN', `There is no campaign ${id}.`, ['slmctl fleet campaigns lists them.']))
}

/** The selection in the words of the command line, so that whoever looks at a campaign later knows what it was about. */
function selectionWords(flags: Flags): string {
  const given = filterFlags.filter((f) => flags[f] !== undefined).map((f) => (flags[f] === true ? `--${f}` : `--${f} ${flags[f]}`))
  return given.length === 0 ? 'every machine' : given.join(' ')
}

/** Limits as flags. */
function limits(flags: Flags, machines: number) {
  for (const [flag, value] of [
    ['on', 'mon-fri'],
    ['time-zone', 'Europe/Berlin'],
  ] as const)
    if (flags[flag] !== undefined && flags.between === undefined)
      throw usage(`--${flag} wants --between.`, `--between 22:00-06:00 --${flag} ${value}`)
  if (flags['stop-above'] !== undefined && flags.canary === undefined)
    throw usage('--stop-above wants --canary.', '--canary 5% --stop-above 10%')
  return {
    atOnce: number(flags, 'at-once', 1, 100_000),
    activationsPerMinute: number(flags, 'rate', 1, 100_000),
    window: flags.between === undefined ? null : readWindow(String(flags.between), text(flags, 'on'), text(flags, 'time-zone')),
    retryForMs: flags['retry-for'] === undefined ? 0 : readHours('retry-for', String(flags['retry-for'])),
    canary: flags.canary === undefined ? null : readCanary(String(flags.canary), text(flags, 'stop-above'), Math.max(1, machines)),
  }
}

async function begin(kind: CampaignKind, words: readonly string[], flags: Flags, store: Store, io: Io): Promise<number> {
  if (words.length > 0)
    throw usage(`fleet ${kind} takes filters, no names.`, `slmctl ${kind === 'scan' ? 'status' : kind} ${words[0]}: one machine.`)
  const filter = filterOf(flags)
  const app = await appFor(flags, io)
  const stop = stopOnSignals(io)
  try {
    if (kind !== 'scan') app.needSite(`fleet ${kind}`)
    const wishes = wished(flags)
    const make = async (of: CampaignKind, plansOf: number | null): Promise<Campaign> => {
      const machines = plansOf === null ? await store.count(filter) : (await campaignState(store, { id: plansOf })).planned
      const { canary, activationsPerMinute, ...others } = limits(flags, machines)
      return await beginCampaign(store, app.site, {
        ...{ kind: of, filter, plansOf, ...wishes, ...others },
        selection: plansOf === null ? selectionWords(flags) : `what campaign ${plansOf} planned`,
        canary: of === kind ? canary : null,
        activationsPerMinute: of === 'apply' ? activationsPerMinute : null,
      })
    }
    // Wrong values are told before anything is asked.
    limits(flags, 1)
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
    await askFirst(told, limits(flags, told.planned), flags, store, stop.signal, io)
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

/** 0: every machine as wished; 1: something is not; 2: something could not be asked, or it did not come to its end. */
function exitOf({ state, unreachable, open, bad }: { state: string; unreachable: number; open: number; bad: number }): number {
  if (state !== 'finished' || unreachable + open > 0) return 2
  return bad > 0 ? 1 : 0
}

/** As an exit code: what a plan left out, because machines could not be asked (2), or nothing may be changed on them (1). */
function unplannedOf({ unreachable, groups }: { unreachable: number; groups: readonly CampaignGroup[] }): number {
  if (unreachable > 0) return 2
  return groups.some((g) => g.state === 'done' && /^(?:refused: |something is not known$)/.test(g.result ?? '')) ? 1 : 0
}

async function resume(campaign: Campaign, flags: Flags, store: Store, io: Io): Promise<number> {
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
  const app = await appFor(flags, io)
  const stop = stopOnSignals(io)
  try {
    if (campaign.kind !== 'scan') app.needSite(`fleet ${campaign.kind}`)
    const given = limits(flags, told.machines)
    await store.setSettings(campaign.id, {
      ...settingsOf(campaign.settings),
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null && value !== 0)),
      canary: given.canary ?? (await goesFirst(store, campaign)),
    })
    await store.setCampaign(campaign.id, { state: 'running', because: null, at: Date.now() })
    return await carry({ ...campaign, state: 'running' }, app, flags, store, stop, io)
  } finally {
    stop.forget()
    await app.close()
  }
}

/** The share that still goes first: one that stopped its campaign has been looked at by whoever lets it go on; any other stands. */
async function goesFirst(store: Store, { id, settings }: Campaign): Promise<Canary | null> {
  const { canary } = settingsOf(settings)
  if (!canary) return null
  const first = await store.left({ campaign: id, upTo: await store.positionOf(id, canary.machines), sites: null })
  return typeof canaryOver(first, canary) === 'object' ? null : canary
}

async function end(word: 'stop' | 'cancel', campaign: Campaign, flags: Flags, store: Store, io: Io): Promise<number> {
  const state = word === 'stop' ? 'stopped' : 'cancelled'
  const at = Date.now()
  const changed = await store.setCampaign(campaign.id, { state, because: `By slmctl fleet ${word}.`, at })
  // Also where whoever cancelled it was cut before this.
  if (word === 'cancel' && (changed || campaign.state === 'cancelled')) await store.cancelWaiting(campaign.id, at)
  const told = await campaignState(store, { id: campaign.id })
  if (flags.json) io.out(json({ schema: 'slmctl.fleet-campaign/1', campaign: told }))
  else if (!changed) io.out(`Campaign ${campaign.id} is ${told.state} already.\n`)
  else
    io.out(
      wrap(
        `Campaign ${campaign.id} is ${state}${told.running > 0 ? `; what is under way on ${machines(told.running)} ends by itself` : ''}.${word === 'stop' ? ` It goes on with slmctl fleet resume ${campaign.id}.` : ''}`,
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
