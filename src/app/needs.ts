/**
 * What needs somebody in a fleet, out of what is kept: each as one sentence with its number, what to do next, and where it leads. A
 * number of machines is counted by the very filter that it leads to, so that the two cannot differ.
 */
import { aboutDuplicate, countDays } from '../hosts.ts'
import type { Site } from '../model.ts'
import type { SiteFile } from '../site.ts'
import type { CauseGroup, Store } from '../store.ts'
import { type CampaignTold, campaignState } from './campaign-state.ts'
import { silent } from './fleet-summary.ts'
import { hostNeeds } from './host-needs.ts'
import type { SeenHost } from './kept-hosts.ts'
import { type Ask, asking, eachShown, kinds, type Link, machines, many, type Need, withoutDot } from './need.ts'

/** What is soon, and what is long since, in days. */
export type NeedLimits = {
  /** What ends within so many days needs somebody. */
  readonly endingDays: number
  /** A machine that did not answer for so long is looked at. */
  readonly staleDays: number
}
export const usualLimits: NeedLimits = { endingDays: 14, staleDays: 14 }

/** What the site file says for alerts holds for the first page, too. */
export function needLimits(siteFile: Pick<SiteFile, 'alerts'> | null): NeedLimits {
  const rules = siteFile?.alerts?.rules
  return { endingDays: rules?.daysLeft ?? usualLimits.endingDays, staleDays: rules?.notScannedDays ?? usualLimits.staleDays }
}

/** A client that renews as it should has at least this many days left; what has fewer than a third of all was not renewed for months. */
const { valid, renewal } = countDays
export const renewingDays = valid / 3

/** What is counted elsewhere already. */
export type Known = {
  readonly now: number
  readonly hosts: readonly SeenHost[]
  /** Products that end on each of the next days, from now on: at least `renewingDays` of them. */
  readonly endsIn: readonly number[]
  /** Products whose end is past as of when their machine was seen: they lapsed or were renewed, and nobody knows. */
  readonly ended: number
}

/** States of a product that is not licensed any more, or never was; in a grace period it still works. */
const lapsed = 'notification,unlicensed'
/** A campaign that ended earlier is history. */
const campaignsSinceMs = 7 * 86_400_000
/** As many campaigns as are looked through, newest first. */
const campaignsLooked = 50
/** Far more causes than a fleet has. */
const causesLooked = 1000

/** All that needs somebody, worst first. */
export async function needsOf(store: Store, site: Site | null, known: Known, limits: NeedLimits): Promise<readonly Need[]> {
  const ask = asking(store, known.now)
  const causes = await store.causes(causesLooked)
  const needs = [
    ...(await originNeeds(ask)),
    ...(await licenceNeeds(ask)),
    ...endingNeeds(known, limits),
    ...(await hostNeeds(known.hosts, site, ask)),
    ...(await campaignNeeds(store, known.now)),
    ...(await unaskedNeeds(causes, limits, ask)),
    ...(await silentNeeds(store, known, limits, await toldByReason(causes, ask))),
  ]
  const urgency = (n: Need) => ['action', 'attention', 'info'].indexOf(n.severity) * kinds.length + kinds.indexOf(n.kind)
  return needs.sort((a, b) => urgency(a) - urgency(b) || b.number - a.number || (a.text < b.text ? -1 : 1))
}

async function originNeeds(ask: Ask): Promise<Need[]> {
  const foreign = await ask({ origin: 'foreign' })
  const suspect = await ask({ origin: 'suspect' })
  const needs: Need[] = [
    {
      ...{ kind: 'foreign', severity: 'action', ...foreign },
      text: `${machines(foreign.number, 'has', 'have')} an activation that is not yours.`,
      next: 'slmctl fleet audit shows the evidence, and the way back.',
    },
    {
      ...{ kind: 'suspect', severity: 'attention', ...suspect },
      text: `${machines(suspect.number, 'has', 'have')} an activation that does not fit the site file.`,
      next: 'slmctl fleet audit says what does not fit: what is yours belongs in the site file.',
    },
  ]
  return needs.filter((n) => n.number > 0)
}

async function licenceNeeds(ask: Ask): Promise<Need[]> {
  const without = await ask({ verdict: 'action', state: lapsed })
  const all = await ask({ verdict: 'action' })
  const shared = await ask({ 'shared-cmid': 'true' })
  const needs: Need[] = []
  if (without.number > 0)
    needs.push({
      ...{ kind: 'lapsed', severity: 'action', ...without },
      text: `${machines(without.number, 'has', 'have')} a product that is not licensed.`,
      next: 'slmctl fleet plan --verdict action says what would change, and why.',
    })
  if (all.number > without.number)
    needs.push({
      ...{ kind: 'action', severity: 'action', ...all },
      text: `${machines(all.number)}${without.number > 0 ? ' in all' : ''} ${all.number === 1 ? 'needs' : 'need'} somebody, for whatever reason.`,
      next: 'slmctl fleet status --verdict action counts the reasons.',
    })
  if (shared.number > 0)
    needs.push({
      ...{ kind: 'duplicates', severity: 'attention', ...shared },
      text: `${machines(shared.number)} share a CMID with another one: a KMS host counts those of one CMID once.`,
      next: aboutDuplicate({ clientMachineId: '', clients: [], pool: null, fleet: [] }).next[0] ?? null,
    })
  return needs
}

function endingNeeds({ endsIn }: Known, { endingDays }: NeedLimits): Need[] {
  const within = (days: number) => endsIn.slice(0, days).reduce((sum, n) => sum + n, 0)
  const link = (days: number): Link => ({ page: 'expiring', query: { days: String(days) } })
  const ends = (n: number, days: number) => `${many(n, 'activation ends', 'activations end')} within ${many(days, 'day', 'days')}`
  const soon = within(endingDays)
  const late = within(renewingDays)
  const needs: Need[] = []
  if (soon > 0)
    needs.push({
      ...{ kind: 'ending', severity: 'action', number: soon, link: link(endingDays) },
      text: `${ends(soon, endingDays)}, if nothing renews ${soon === 1 ? 'it' : 'them'}.`,
      next: `slmctl fleet expiring --days ${endingDays} says where and why; slmctl fleet plan --renew --days ${endingDays} plans renewals.`,
    })
  if (late > soon && endingDays < renewingDays)
    needs.push({
      ...{ kind: 'not-renewing', severity: 'attention', number: late, link: link(renewingDays) },
      text: `${ends(late, renewingDays)}${soon > 0 ? `, ${soon} of them within ${endingDays}` : ''}: KMS renews every ${renewal} days, so that some ${valid - renewal} should be left.`,
      next: 'slmctl hosts story MACHINE says where its renewal ends.',
    })
  return needs
}

/** Campaigns that were stopped, and applies of the last days that left something undone. */
async function campaignNeeds(store: Store, now: number): Promise<Need[]> {
  const needs: Need[] = []
  for (const campaign of await store.campaigns({ limit: campaignsLooked })) {
    const recent = campaign.kind === 'apply' && campaign.state !== 'cancelled' && campaign.changedAt >= now - campaignsSinceMs
    if (campaign.state !== 'stopped' && !recent) continue
    const told = await campaignState(store, campaign)
    needs.push(...campaignNeed(told))
  }
  return needs
}

function campaignNeed({ id, kind, state, because, waiting, retrying, running, failed, open }: CampaignTold): Need[] {
  const link: Link = { page: 'campaign', query: { id: String(id) } }
  const left = waiting + retrying + running
  const needs: Need[] = []
  if (state === 'stopped')
    needs.push({
      ...{ kind: 'campaign-stopped', severity: kind === 'apply' ? 'action' : 'attention', number: left, link },
      text: `Campaign ${id} (${kind}) is stopped${because ? `: ${withoutDot(because)}` : ''}; ${machines(left, 'waits', 'wait')}.`,
      next: `slmctl fleet campaign ${id} says what came of it; slmctl fleet resume ${id} goes on, slmctl fleet cancel ${id} ends it.`,
    })
  if (kind !== 'apply') return needs
  if (open > 0)
    needs.push({
      ...{ kind: 'campaign-open', severity: 'action', number: open, link },
      text: `Campaign ${id} (apply): of ${machines(open)} nobody knows whether what was sent was done.`,
      next: `slmctl fleet campaign ${id}, then slmctl status on each of them.`,
    })
  if (failed > open)
    needs.push({
      ...{ kind: 'campaign-failed', severity: 'attention', number: failed, link },
      text: `Campaign ${id} (apply): ${machines(failed)} failed${open > 0 ? `, with those of which nobody knows` : ''}.`,
      next: `slmctl fleet campaign ${id} counts the reasons.`,
    })
  return needs
}

/** Machines that could not be asked at the last try, by the reason. */
async function unaskedNeeds(causes: readonly CauseGroup[], { staleDays }: NeedLimits, ask: Ask): Promise<Need[]> {
  const needs: Need[] = []
  const reasons = unasked(causes)
  for (const { problem, text, next } of reasons.slice(0, eachShown)) {
    const those = await ask({ problem: problem! })
    const long = await ask({ problem: problem!, 'not-seen-for': String(staleDays) })
    const since =
      long.number === 0
        ? ''
        : `, ${long.number === those.number ? '' : `${long.number} of them `}with no answer in the last ${many(staleDays, 'day', 'days')}`
    needs.push({
      ...{ kind: 'unasked', severity: long.number > 0 ? 'attention' : 'info', ...those },
      text: `${machines(those.number)} could not be asked at the last try${since}: ${problem}, for example: ${withoutDot(text)}.`,
      next,
    })
  }
  if (reasons.length > eachShown) {
    const all = await ask({ problem: 'any' })
    needs.push({
      ...{ kind: 'unasked', severity: 'info', ...all },
      text: `${machines(all.number)} in all could not be asked at the last try, for ${reasons.length} reasons.`,
      next: 'slmctl fleet status counts them.',
    })
  }
  return needs.filter((n) => n.number > 0)
}

const unasked = (causes: readonly CauseGroup[]) => causes.filter((c) => c.problem !== null)

/** How many machines that never answered are told already, by why they could not be asked. */
async function toldByReason(causes: readonly CauseGroup[], ask: Ask): Promise<number> {
  return unasked(causes).length > eachShown ? 0 : (await ask({ 'never-seen': 'true', problem: 'any' })).number
}

/** Machines that never answered, and those that did not for long. `told`: so many of the former are told by their reasons already. */
async function silentNeeds(store: Store, { now, ended }: Known, { staleDays }: NeedLimits, told: number): Promise<Need[]> {
  const counted = await silent(store, now, staleDays)
  const link = (query: Link['query']): Link => ({ page: 'machines', query })
  const never = { number: counted.never, link: link({ 'never-seen': 'true' }) }
  const stale = { number: counted.never + counted.stale, link: link({ 'not-seen-for': String(staleDays) }) }
  const needs: Need[] = []
  if (never.number > told)
    needs.push({
      ...{ kind: 'never', severity: 'attention', ...never },
      text: `${machines(never.number)} never answered: what ${never.number === 1 ? 'it holds' : 'they hold'} is not known.`,
      next: 'slmctl fleet scan --never-seen asks them.',
    })
  if (stale.number > never.number) {
    const unknown = many(
      ended,
      'activation was to end meanwhile, and nobody knows whether it',
      'activations were to end meanwhile, and nobody knows whether they',
    )
    needs.push({
      ...{ kind: 'stale', severity: 'attention', ...stale },
      text: `${machines(stale.number)} did not answer in the last ${many(staleDays, 'day', 'days')}${never.number > 0 ? `, ${never.number} of them never` : ''}${ended > 0 ? `; ${unknown} did` : ''}.`,
      next: `slmctl fleet scan --not-seen-for ${staleDays} asks them.`,
    })
  }
  return needs
}
