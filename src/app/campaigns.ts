/** Campaigns put together: who is chosen, where they stand, and what is done with one machine of a scan, a plan, an apply. */
import { randomUUID } from 'node:crypto'
import { answeredWhole, type Judgement, unanswered } from '../activation.ts'
import { canonicalHost, inDomains, inNetworks } from '../addresses.ts'
import { type CampaignSettings, type Context, placeOf, type Work, type Worked } from '../campaigns.ts'
import {
  applyMachine,
  type Entry,
  type Environment,
  holdMachine,
  type MachineOutcome,
  planOne,
  problemOf,
  readMachine,
  settles,
  type ToldMachine,
  toldMachine,
} from '../engine.ts'
import { type MachinePlan, type Problem, ProblemError, problem, type Site, type Verdict } from '../model.ts'
import type { Campaign, CampaignKind, Filter, NewOutcome, NewTarget, Observation, Store, Target } from '../store.ts'
import { somethingUnknown } from './campaign-state.ts'
import { rowsOf } from './fleet.ts'
import { hostsSeenNow } from './kept-hosts.ts'
import { type JournalWriter, journalWriter } from './store-journal.ts'

/** A machine that no location fits. */
export const elsewhere = '-'

/** The location of a machine: the first that fits it. */
export function locationOf(site: Site | null, machine: { name: string; address: string | null; groups: readonly string[] }): string {
  const name = canonicalHost(machine.name)
  const found = site?.locations?.find(
    (l) =>
      l.groups.some((g) => machine.groups.includes(g)) ||
      inDomains(name, l.domains) ||
      (machine.address !== null && inNetworks(machine.address, l.networks)),
  )
  return found?.name ?? elsewhere
}

export type CampaignWish = Omit<CampaignSettings, 'locations' | 'machines'> & { readonly kind: CampaignKind; readonly filter: Filter }

/**
 * Makes a campaign over what a filter chooses (or, for `plansOf`, over the machines for which that campaign planned something), and
 * lets it run. Nothing runs before all of its machines are in. Of one key there is one campaign.
 */
export async function beginCampaign(
  store: Store,
  site: Site | null,
  { kind, filter, ...wish }: CampaignWish,
  key: string = randomUUID(),
): Promise<Campaign> {
  const at = Date.now()
  const counted = new Map<string, number>()
  let id: number | null = null
  try {
    // The locations are known only when the machines are: they are looked through twice, and held in memory never.
    for await (const target of chosen(store, site, key, wish.plansOf, filter)) counted.set(target.site, (counted.get(target.site) ?? 0) + 1)
    const atOnce = new Map((site?.locations ?? []).map((l) => [l.name, l.atOnce]))
    const locations = [...counted.keys()].sort().map((name) => ({ name, atOnce: atOnce.get(name) ?? null }))
    const machines = [...counted.values()].reduce((a, b) => a + b, 0)
    if (machines === 0)
      throw new ProblemError(
        problem(
          'NO_MACHINES',
          wish.plansOf === null ? 'The selection fits no machine of the fleet.' : 'Nothing was planned for any machine.',
          [wish.plansOf === null ? 'slmctl fleet list, with the same filters' : 'slmctl fleet plan'],
        ),
      )
    id = await store.createCampaign({ key, kind, name: wish.selection, settings: { ...wish, locations, machines }, at })
    let part: NewTarget[] = []
    const put = async () => {
      // Due at once by every clock, not by this one.
      await store.addTargets(id!, part, 0)
      part = []
    }
    for await (const target of chosen(store, site, key, wish.plansOf, filter)) {
      // A machine that came in between the two looks, at a location that nobody counted, waits for the next campaign.
      if (counted.has(target.site)) part.push(target)
      if (part.length >= 5000) await put()
    }
    await put()
    await store.setCampaign(id, { state: 'running', because: null, at: Date.now() })
  } catch (error) {
    if (id !== null)
      await store.setCampaign(id, { state: 'cancelled', because: 'It could not be made whole.', at: Date.now() }).catch(() => {})
    throw error
  }
  const [campaign] = await store.campaigns({ id, limit: 1 })
  return campaign!
}

async function* chosen(store: Store, site: Site | null, key: string, plansOf: number | null, filter: Filter): AsyncGenerator<NewTarget> {
  const rows = rowsOf((after) =>
    plansOf === null ? store.selection(filter, { limit: 1000, after }) : store.planned(plansOf, { limit: 1000, after }),
  )
  for await (const { id, ...machine } of rows) yield { machine: id, site: locationOf(site, machine), position: placeOf(key, id) }
}

/** What is done with one machine, by the kind of campaign. `at`: the environment for a machine whose address a source gave. `folder`: where the locks of machines are, shared with `slmctl apply`. */
export function campaignWork(at: (address: string | null) => Environment, store: Store, folder: string): Work {
  const journals = journalWriter(store)
  const seen = hostsSeenNow(store, Date.now)
  const one: Work = async (target, context) => {
    const environment = at(target.address)
    switch (context.campaign.kind) {
      case 'scan':
        return await scan(target, environment)
      case 'plan':
        return await plan(target, { ...environment, hostsSeen: seen }, context)
      case 'apply':
        return await apply(target, environment, context, store, journals, folder)
    }
  }
  return async (target, context) => {
    try {
      return await one(target, context)
    } catch (error) {
      // The store speaks in Problems. A mistake of ours, or a plan that is none, is its machine's: each worker in turn would end by it.
      if (error instanceof ProblemError) throw error
      return notAsked(target, problemOf(error))
    }
  }
}

const nothing = { observation: null, plan: null, outcome: null }

/** Problems after which a machine may well answer in an hour: it is off, on its way, or busy. */
const away =
  /^(?:WINRM_(?:UNREACHABLE|NO_ROUTE|TIMEOUT|NAME_UNKNOWN|CUT|SLOW|QUOTA|GARBAGE)|DNS_UNANSWERED|MACHINE_IN_USE|KERBEROS_UNREACHABLE|LOCAL_SLOW|CREDENTIAL_REFUSED)$/

function notAsked(target: Target, why: Problem): Worked {
  return {
    ...nothing,
    end: away.test(why.code) ? 'away' : 'failed',
    result: away.test(why.code) ? 'unreachable' : 'not-asked',
    problem: why,
    observation: { machine: target.machine, at: Date.now(), problem: why },
  }
}

/** What a machine said, as the store takes it. */
export const said = (
  machine: number,
  at: number,
  live: boolean,
  judged: Judgement,
  identity: { readonly uuid: string | null; readonly cmid: string | null },
): Observation => ({
  ...{
    machine,
    at,
    live,
    reading: judged.machine,
    products: judged.products,
    whole: answeredWhole(judged),
  },
  ...identity,
})

async function scan(target: Target, environment: Environment): Promise<Worked> {
  const result = await readMachine(target.name, environment, { identity: true })
  if (!result.ok) return notAsked(target, result.problem)
  const { judged, identity } = result.value
  const why = unanswered(target.name, judged)
  if (why) return notAsked(target, why)
  return {
    ...nothing,
    end: 'done',
    result: judged.machine.verdict,
    problem: null,
    observation: said(target.machine, Date.now(), true, judged, identity),
  }
}

const wishedOf = ({ settings }: Context['campaign']) => ({ renew: settings.renew, asked: settings.asked as MachineAsked })
type MachineAsked = Parameters<typeof planOne>[2]['asked']

async function plan(target: Target, environment: Environment, { campaign }: Context): Promise<Worked> {
  const result = await planOne(target.name, environment, wishedOf(campaign))
  if (!result.ok) return notAsked(target, result.problem)
  const made = result.value
  const asked = made.missing.find((m) => m.fact === 'answer')
  if (asked) return notAsked(target, problem('COULD_NOT_ASK', `${target.name}: ${asked.why}`, ['slmctl plan NAME shows what was asked.']))
  return {
    ...nothing,
    end: 'done',
    result: inWords(made),
    problem: null,
    plan: { key: `${campaign.key}/${target.machine}`, machine: target.machine, campaign: campaign.id, at: Date.now(), plan: made },
  }
}

/** What a plan does, in words by which machines are counted together: what changes, else why nothing may. */
export function inWords({ steps, refused, missing }: MachinePlan): string {
  if (steps.length > 0) return [...new Set(steps.map((s) => s.what))].join(', ')
  if (refused.length > 0) return `refused: ${[...new Set(refused.map((r) => r.code))].join(', ')}`
  return missing.length > 0 ? somethingUnknown : 'nothing to change'
}

async function apply(
  target: Target,
  environment: Environment,
  context: Context,
  store: Store,
  journals: JournalWriter,
  folder: string,
): Promise<Worked> {
  const { campaign, held } = context
  const kept = await store.planOf(campaign.settings.plansOf!, target.machine)
  if (!kept) return { ...nothing, end: 'done', result: 'nothing planned', problem: null }
  const beganAt = Date.now()
  const { plan } = kept
  const lines = held.attempt > 1 ? await store.journal(target.campaign, target.machine) : []
  const told = held.attempt > 1 ? toldMachine(lines.map((line) => JSON.parse(line.body) as Entry)) : null
  // Whoever had it before may have been killed right after its outcome was kept: each try has one of its own, and the target names its last.
  const outcomeOf = (o: Pick<NewOutcome, 'result' | 'problem' | 'verdict' | 'steps'>, attempt = held.attempt): NewOutcome => ({
    ...{ key: `${campaign.key}/${target.machine}/${attempt}`, machine: target.machine, campaign: campaign.id, plan: kept.key, beganAt },
    endedAt: Date.now(),
    ...o,
  })
  if (told?.ended && settles(told.ended)) {
    // Whoever had it before brought it to its end, and was killed before that was kept. What it is now, it says itself.
    const { ended } = told
    const bad = ended === 'changed' || ended === 'unchanged' ? null : told.did.findLast((d) => d.result !== 'done' && d.result !== 'held')
    const why = bad ? problem('STEP_FAILED', `${target.name}: ${bad.because}`, [`slmctl plan ${target.name}`]) : null
    const now = await scan(target, environment)
    const verdict = now.end === 'done' ? (now.result as Verdict) : null
    const outcome = outcomeOf({ result: ended, problem: why, verdict, steps: stepsOf(told) }, lines.at(-1)!.attempt)
    return ending(target, { result: ended, problem: why }, outcome, now.observation)
  }
  if (!(await context.activations(plan.steps.filter((s) => s.activates).length)))
    return { ...nothing, end: 'back', result: 'interrupted', problem: null }
  const journal = journals.open(held, target.name, context.mayStill, (machine) => holdMachine(folder, machine))
  let judged: Judgement | null = null
  const outcome = await applyMachine({ ...plan, name: target.name }, environment, journal, {
    ...wishedOf(campaign),
    signal: context.signal,
    activations: context.activations,
    judged: (last) => {
      judged = last
    },
    ...(told ? { told } : {}),
  })
  const before = told ? stepsOf(told) : []
  return ending(
    target,
    outcome,
    outcomeOf({
      result: outcome.result,
      problem: outcome.problem,
      verdict: outcome.after?.verdict ?? null,
      steps: [...before, ...outcome.steps],
    }),
    judged ? said(target.machine, Date.now(), true, judged, { uuid: null, cmid: null }) : null,
  )
}

/** What was done before, as far as its end is known. */
const stepsOf = ({ did }: ToldMachine): NewOutcome['steps'] =>
  did.flatMap(({ step, result, returnValue, because }) => (step && result !== 'unknown' ? [{ step, result, returnValue, because }] : []))

const ends = {
  ...{ unchanged: 'done', changed: 'done', failed: 'failed', refused: 'failed', stale: 'failed' },
  ...{ unreachable: 'away', unknown: 'open', interrupted: 'back' },
} as const satisfies Record<MachineOutcome['result'], Worked['end']>

function ending(
  target: Target,
  { result, problem: why }: Pick<MachineOutcome, 'result' | 'problem'>,
  outcome: NewOutcome,
  observation: Observation | null,
): Worked {
  const could = result === 'unreachable' && why ? { machine: target.machine, at: Date.now(), problem: why } : null
  // What was sent twice and is not known is sent no more: it is for people to look at.
  const end = why?.code === 'CALL_NOT_REPEATED' ? 'failed' : ends[result]
  return { end, result, problem: why, plan: null, outcome, observation: observation ?? could }
}
