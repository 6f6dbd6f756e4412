/** How far a campaign is, counted in the store: for people, for programs, for the line that is drawn anew. */
import { notKnown, settingsOf } from '../campaigns.ts'
import type { Campaign, CampaignReason, Store, TargetState } from '../store.ts'

/** Machines that came to the same. */
export type CampaignGroup = {
  readonly state: TargetState
  /** The verdict, what would change, or how it ended; null: of those that are still to be done. */
  readonly result: string | null
  /** Code of the Problem that ended it, or of the last try of one that is tried again. */
  readonly problem: string | null
  readonly machines: number
  /** What one of them said with each code, and what to try; empty: all is well, or an older slmctl did not keep it. */
  readonly reasons: readonly CampaignReason[]
}

/** A campaign with where its machines are. Times are ms since 1970. */
export type CampaignTold = {
  readonly id: number
  readonly kind: Campaign['kind']
  readonly state: Campaign['state']
  readonly because: string | null
  readonly selection: string
  readonly plansOf: number | null
  readonly createdAt: number
  readonly changedAt: number
  /** Machines that are in it, and how many it was made for. */
  readonly machines: number
  readonly wanted: number
  readonly waiting: number
  /** Waiting, too: could not be reached so far. */
  readonly retrying: number
  readonly running: number
  readonly done: number
  readonly failed: number
  readonly cancelled: number
  /** Of those that failed: could not be asked. */
  readonly unreachable: number
  /** Of those that failed: what was sent got no answer, and nobody knows. */
  readonly open: number
  /** Asked, and not as wished. */
  readonly bad: number
  /** Plan: machines on which something would be changed. */
  readonly planned: number
  readonly nextDueAt: number | null
  /** The largest group first. */
  readonly groups: readonly CampaignGroup[]
  readonly locations: readonly { readonly name: string; readonly machines: number; readonly left: number }[]
}

/** What a plan is called that lacks a fact. */
export const somethingUnknown = 'something is not known'

const unasked: ReadonlySet<string> = new Set(['unreachable', 'not-asked'])
const undecided: ReadonlySet<string> = new Set(['unknown', 'interrupted'])
const good: ReadonlySet<string> = new Set(['ok', 'changed', 'unchanged', 'nothing to change', 'nothing planned'])

/** How campaigns stand that are over and hold no machine any more: they stay as they are, and are counted once. */
const over = new WeakMap<Store, Map<number, CampaignTold>>()
const overMost = 1000

/** Where the machines of a campaign are. */
export async function campaignState(store: Store, of: Campaign | { readonly id: number }): Promise<CampaignTold> {
  const campaign = 'kind' in of ? of : (await store.campaigns({ id: of.id, limit: 1 }))[0]!
  const known = over.get(store)?.get(campaign.id)
  if (known?.state === campaign.state && known.changedAt === campaign.changedAt) return known
  const told = await counted(store, campaign)
  if ((campaign.state === 'finished' || campaign.state === 'cancelled') && told.waiting + told.retrying + told.running === 0) {
    const mine = over.get(store) ?? new Map<number, CampaignTold>()
    over.set(store, mine)
    if (mine.size >= overMost) mine.clear()
    mine.set(campaign.id, told)
  }
  return told
}

/** The codes that are behind a result: of its Problem, or of what a plan may not do. */
function codesOf(result: string | null, problem: string | null): readonly string[] {
  const refused = /^refused: (.+)$/.exec(result ?? '')?.[1]?.split(', ') ?? []
  return [...(problem === null ? [] : [problem]), ...refused, ...(result === somethingUnknown ? [notKnown] : [])]
}

async function counted(store: Store, campaign: Campaign): Promise<CampaignTold> {
  const rows = await store.progress(campaign.id)
  const reasons = await store.reasonsOf(campaign.id)
  const { nextDueAt, retrying } = await store.waiting(campaign.id)
  const settings = settingsOf(campaign.settings)
  const groups = new Map<string, { -readonly [K in keyof CampaignGroup]: CampaignGroup[K] }>()
  const locations = new Map<string, { machines: number; left: number }>()
  const count = (fits: (row: (typeof rows)[number]) => boolean) => rows.reduce((n, row) => (fits(row) ? n + row.count : n), 0)
  for (const { site, state, result, problem, count: n } of rows) {
    const key = JSON.stringify([state, result, problem])
    const group = groups.get(key) ?? {
      state,
      result,
      problem,
      machines: 0,
      reasons: reasons.filter((r) => codesOf(result, problem).includes(r.code)),
    }
    groups.set(key, group)
    group.machines += n
    const at = locations.get(site) ?? { machines: 0, left: 0 }
    locations.set(site, at)
    at.machines += n
    if (state === 'waiting' || state === 'leased') at.left += n
  }
  const waiting = count((r) => r.state === 'waiting')
  return {
    id: campaign.id,
    kind: campaign.kind,
    state: campaign.state,
    because: campaign.because,
    selection: settings.selection,
    plansOf: settings.plansOf,
    createdAt: campaign.createdAt,
    changedAt: campaign.changedAt,
    machines: count(() => true),
    wanted: settings.machines,
    waiting: waiting - retrying,
    retrying,
    running: count((r) => r.state === 'leased'),
    done: count((r) => r.state === 'done'),
    failed: count((r) => r.state === 'failed'),
    cancelled: count((r) => r.state === 'cancelled'),
    unreachable: count((r) => r.state === 'failed' && unasked.has(r.result ?? '')),
    open: count((r) => r.state === 'failed' && undecided.has(r.result ?? '')),
    bad: count(
      (r) =>
        (r.state === 'done' && !good.has(r.result ?? '')) ||
        (r.state === 'failed' && !unasked.has(r.result ?? '') && !undecided.has(r.result ?? '')),
    ),
    planned: campaign.kind === 'plan' ? await store.countPlanned(campaign.id) : 0,
    nextDueAt,
    groups: [...groups.values()].sort((a, b) => b.machines - a.machines),
    locations: [...locations].map(([name, l]) => ({ name, ...l })).sort((a, b) => (a.name < b.name ? -1 : 1)),
  }
}
