/**
 * Does exactly the plan, machine by machine: asks again, refuses a stale plan, and for each step: guard → journal → call →
 * journal → ask whether it holds. Stops at the first refusal on a machine and goes on with the others. Nothing is sent twice:
 * a call whose answer was lost is asked about.
 */
import {
  type Asked,
  hex,
  type Judgement,
  judge,
  liveFacts,
  type MachineFacts,
  type PlanOptions,
  planMachine,
  reasons,
  resolveStep,
  verifyStep,
} from '../activation.ts'
import { errorByCode } from '../catalogue.ts'
import { type MachinePlan, type MachineReading, type Problem, problem, type Site, type Step, type Wish } from '../model.ts'
import type { Secret, SecretReference } from '../secrets.ts'
import type { CallAnswer, Machine } from '../windows.ts'
import { type Collected, collect, collectLicensing, isAway, problemOf } from './collect.ts'
import { type Authority, authority, forbids, isClientKey, type Names } from './guard.ts'
import { type At, type Entry, leaseLost, type MachineJournal, type MachineResult, type StepResult } from './journal.ts'
import { askedIn, elsewhere, exact, instance, passedIn, repeats, same, sameTry, sameWork, soFar, triesHost } from './steps.ts'
import type { ToldMachine } from './told.ts'

/** A machine that nobody typed: its name comes out of a fleet's store, and maybe an address that its source gave. */
export type FromFleet = { readonly address: string | null }

/** Everything the engine needs from outside: how to reach machines, DNS, clock, the site, the secrets of wishes. */
export type Environment = {
  readonly site: Site | null
  readonly names: Names
  /** Opens a machine by the name that the user or the site file gives it, or that a fleet has; throws a ProblemError. */
  readonly open: (name: string, fleet?: FromFleet | null) => Promise<Machine>
  readonly wishes: (name: string) => readonly Wish[]
  readonly secret: (reference: SecretReference) => Promise<Secret>
  /** The last five characters of a key, which every machine shows; null where it cannot be read now. */
  readonly partialKey: (reference: SecretReference) => Promise<string | null>
  readonly clock: () => Date
  /** What the latest checks found of KMS hosts, where they are kept; left out: nobody knows. */
  readonly hostsSeen?: () => Promise<readonly HostSeen[]>
  /** Machines at once. */
  readonly parallel: number
  /** Also ask by what a machine is recognised, and its installation IDs: for what is carried by file. */
  readonly carried?: boolean
}

/** What a check that is not old found of a host: an RPC server, nothing that answers, or (`refused`) a port that nobody can be activated at. */
export type HostSeen = {
  readonly name: string
  readonly port: number
  readonly state: 'up' | 'silent' | 'refused'
  /** ISO 8601. */
  readonly at: string
}

export type StepOutcome = {
  readonly step: Step
  readonly result: StepResult
  /** Unsigned; null where no answer came. */
  readonly returnValue: number | null
  readonly because: string
}

export type MachineOutcome = {
  readonly name: string
  readonly result: MachineResult
  readonly steps: readonly StepOutcome[]
  /** Why it did not end as planned. */
  readonly problem: Problem | null
  /** What the machine says now; null where it could not be asked. */
  readonly after: MachineReading | null
}

/** What is wished beyond the site file: renewals, and settings that were asked for. */
export type Wished = { readonly renew: boolean; readonly asked: readonly Asked[] }

/** How a plan is carried out. `told`: what a journal says was done before (resume). */
type Options = Wished & {
  readonly told?: ToldMachine
  /** Waits until so many more activations may be tried, at other hosts; false: no further step is begun. The plan's own are for the caller. */
  readonly activations?: (count: number) => Promise<boolean>
  /** Hears the whole of what the machine says at the end. */
  readonly judged?: (judged: Judgement) => void
  readonly signal?: AbortSignal
}

/** What the planner is asked with for one machine, the same when a plan is made and when it is carried out. */
export async function planOptions(
  env: Environment,
  name: string,
  may: Pick<Authority, 'hosts' | 'authorise' | 'directory'>,
  { renew, asked }: Wished,
  of: Pick<PlanOptions, 'hosts' | 'passedOver' | 'allRefused'>,
): Promise<PlanOptions> {
  const wishes = env.wishes(name)
  const partial = new Map<string, string | null>()
  for (const { key } of wishes) if (key) partial.set(JSON.stringify(key), await env.partialKey(key))
  return {
    site: env.site,
    wishes,
    readAt: env.clock().toISOString(),
    renew,
    asked,
    ...of,
    authorise: may.authorise,
    directory: may.directory,
    partialKeyOf: (reference) => partial.get(JSON.stringify(reference)) ?? null,
  }
}

/** Applies one machine's plan. Never throws: whatever goes wrong is this machine's outcome. */
export async function applyMachine(
  plan: MachinePlan,
  env: Environment,
  journal: MachineJournal,
  options: Options,
): Promise<MachineOutcome> {
  const name = plan.name ?? plan.id
  const nothing = (result: MachineResult, why: Problem | null): MachineOutcome => ({ name, result, steps: [], problem: why, after: null })
  if (plan.steps.length === 0 && !options.told?.open) return nothing('unchanged', null)
  const { site } = env
  if (site === null)
    return nothing(
      'refused',
      problem('HOST_NOT_AUTHORISED', `${name}: without a site file nothing is changed.`, ['slmctl site init writes one to begin with.']),
    )
  const run = new Run(name, plan, env, site, journal, options)
  let outcome: MachineOutcome
  let letGo = () => {}
  try {
    letGo = journal.hold(name)
    await run.write({ kind: 'begin', machine: name })
    outcome = await run.go()
  } catch (error) {
    outcome = { name, result: run.brokenOff, steps: run.steps, problem: problemOf(error), after: null }
  } finally {
    await run.close()
    letGo()
  }
  try {
    await journal.write({ kind: 'end', machine: name, result: outcome.result })
  } catch (error) {
    const why = problemOf(error)
    outcome = { ...outcome, problem: isLost(why) ? why : (outcome.problem ?? why) }
  }
  return outcome
}

/** `away`: nothing was sent, as the machine could not be reached. */
type Sent = { readonly outcome: StepOutcome; readonly after: Collected | null; readonly away?: Problem }

/** One machine's run through its plan. */
class Run {
  readonly steps: StepOutcome[] = []
  readonly #name: string
  readonly #plan: MachinePlan
  readonly #env: Environment
  readonly #site: Site
  readonly #journal: MachineJournal
  readonly #options: Options
  #machine: Machine | null = null
  #was: 'not asked' | 'asked' | 'sent' = 'not asked'
  /** An entry could not be written, or the machine is somebody else's by now: nothing further is sent. */
  #unwritten = false
  /** The call that an earlier run left open was found done. */
  #openHeld = false

  constructor(name: string, plan: MachinePlan, env: Environment, site: Site, journal: MachineJournal, options: Options) {
    this.#name = name
    this.#plan = plan
    this.#env = env
    this.#site = site
    this.#journal = journal
    this.#options = options
  }

  /** What a run is that something unforeseen ended: while a call is out, nobody knows. A journal that fails is not the machine's failure. */
  get brokenOff(): MachineResult {
    if (this.#was === 'sent' || (this.#unwritten && this.#was === 'not asked' && this.#options.told?.open)) return 'unknown'
    if (this.#unwritten) return 'interrupted'
    return this.#was === 'not asked' ? 'unreachable' : 'failed'
  }

  async write(entry: Entry): Promise<void> {
    try {
      await this.#journal.write(entry)
    } catch (error) {
      this.#unwritten = true
      throw error
    }
  }

  async go(): Promise<MachineOutcome> {
    const { told } = this.#options
    let now = await this.#collect()
    if (told?.open) this.#was = 'sent'
    let may = await this.#authority(now.facts)
    if (told?.open) {
      // Before the interruption a call went out and its end is not known: the machine tells, nothing is repeated.
      const before = liveFacts({ name: this.#name, answers: told.open.answers, askedAt: now.askedAt })
      const verdict = verifyStep(told.open.step, before, now.facts, { site: this.#site, authorise: may.authorise })
      this.#openHeld = verdict.holds
      await this.#did(told.open, told.open.step, verdict.holds ? 'held' : 'unknown', null, verdict.because)
      if (!verdict.holds && undecided(now.facts)) return this.#end('unknown', now.facts, this.#noAnswer(verdict.because))
    }
    this.#was = 'asked'
    const fresh = await this.#replan(now.facts, may)
    const resumed = told !== undefined && (told.open !== null || told.did.length > 0)
    // By product: the failure of its activation after which the next host is tried.
    const failed = new Map<string, Problem>()
    let { steps } = this.#plan
    if (resumed) {
      // What is left must be what a plan made now says; otherwise somebody else was here.
      const known = new Set([...this.#plan.steps, ...this.#plan.fallbacks.flatMap((f) => f.steps)].map(same))
      if (fresh.steps.some((s) => !known.has(same(s)))) return this.#stale(now.facts, false)
      const before = soFar([...told.did, ...this.steps])
      for (const { step, returnValue, because } of before.failed.values()) {
        const product = resolveStep(step, now.facts)?.product
        if (product && fresh.steps.some((s) => instance(s) === instance(step)))
          failed.set(product, this.#failure(step, { step, result: 'failed', returnValue, because }))
      }
      steps = fresh.steps.filter((s) => !before.failed.has(instance(s)) && !(before.done.has(instance(s)) && repeats(s, now.facts)))
    } else if (!sameWork(this.#plan, fresh)) {
      // Whatever a plan file says: what slmctl would not plan now is not sent. If the guard has a word on it, that is the word.
      const known = new Set([...fresh.steps, ...fresh.fallbacks.flatMap((f) => f.steps)].map(exact))
      // What a plan made now refuses and this one did not, such as a clock that has been set since, is why, and the guard only sees it.
      const since = this.#refusedSince(fresh)
      for (const [index, planned] of this.#plan.steps.entries()) {
        if (known.has(exact(planned))) continue
        const step = resolveStep(planned, now.facts)
        const forbidden = step && forbids(step, now.facts, this.#site, may)
        if (forbidden) return this.#refused({ attempt: 0, index }, step, now.facts, since ?? forbidden)
      }
      return this.#stale(now.facts, fresh.fingerprint === this.#plan.fingerprint)
    }
    // Steps whose end is not known do not count: the host that they were about is still to be tried.
    const held = told?.open && this.#openHeld ? told.open.attempt : 0
    let attempt = resumed ? Math.max(0, held, ...told.did.flatMap((d) => (d.result === 'unknown' ? [] : [d.attempt]))) : 0
    // The places of an earlier run are not used again, so that an entry always tells which step it is about.
    const places = resumed ? 1 + Math.max(told.open?.index ?? -1, ...told.did.map((d) => d.index)) : 0
    let queue = steps.map((step, index) => ({ step, index: places + index }))
    while (queue.length > 0 || failed.size > 0) {
      for (const { step: planned, index } of queue) {
        if (this.#options.signal?.aborted) return this.#end('interrupted', now.facts, null)
        const step = resolveStep(planned, now.facts)
        const forbidden = step
          ? (this.#notWished(step) ?? forbids(step, now.facts, this.#site, may))
          : problem('STEP_WITHOUT_TARGET', `${this.#name}: the product that "${planned.what}" is about is not on the machine.`, [
              'Make a new plan: slmctl plan',
            ])
        if (!step || forbidden) return this.#refused({ attempt, index }, step ?? planned, now.facts, forbidden!)
        if (this.#unanswered(step) > 1) return this.#end('unknown', now.facts, this.#notAgain(step))
        const { outcome, after, away } = await this.#send(step, { machine: this.#name, attempt, index }, now)
        now = after ?? now
        if (outcome.result === 'unknown') return this.#end('unknown', after?.facts ?? null, this.#noAnswer(outcome.because))
        if (outcome.result === 'refused')
          return this.#end('refused', now.facts, problem('STEP_NOT_ALLOWED', `${this.#name}: ${outcome.because}`, ['Correct the wish.']))
        if (outcome.result === 'failed') {
          const why = this.#failure(step, outcome)
          if (away) return this.#end('unreachable', null, away)
          if (!step.activates || !step.product || !elsewhere.has(outcome.returnValue ?? -1)) return this.#end('failed', now.facts, why)
          failed.set(step.product, why)
          continue
        }
        // What the machine would use has changed: what may be used is drawn again from the new facts.
        may = await this.#authority(now.facts)
        if (step.activates && step.product) failed.delete(step.product)
      }
      // The next host for what a host refused or did not answer; three hosts in all for one product.
      attempt++
      const { facts } = now
      // After an interruption nobody has compared them with a plan made now: they may set another host and activate, nothing else.
      queue = this.#plan.fallbacks
        .filter((f) => !resumed || f.steps.every(triesHost))
        .filter((f) => f.attempt === attempt && f.steps.some((s) => s.activates && failed.has(resolveStep(s, facts)?.product ?? '')))
        .flatMap((f) => f.steps)
        .map((step, index) => ({ step, index: places + index }))
      if (queue.length === 0) break
      const more = queue.filter(({ step }) => step.activates).length
      if (this.#options.activations && !(await this.#options.activations(more))) return this.#end('interrupted', facts, null)
    }
    for (const why of failed.values()) return this.#end('failed', now.facts, why)
    return resumed ? this.#endOfResumed(fresh, now.facts) : this.#end('changed', now.facts, null)
  }

  /** After an interruption, nothing left to do is the wished end only if the first plan left no more undone than that. */
  #endOfResumed(fresh: MachinePlan, facts: MachineFacts): MachineOutcome {
    const asked = fresh.missing.find((m) => !this.#plan.missing.some((o) => o.fact === m.fact && o.why === m.why))
    if (asked) return this.#end('unknown', facts, problem('COULD_NOT_ASK', `${this.#name}: ${asked.why}`, [`${this.#goesOn} asks again.`]))
    const refused = this.#refusedSince(fresh)
    return refused ? this.#end('refused', facts, refused) : this.#end('changed', facts, null)
  }

  /** A key that is wished for other machines, whoever wrote the plan; null for any other step. */
  #notWished({ secret }: Step): Problem | null {
    const wanted = JSON.stringify(secret?.reference)
    if (!secret || this.#env.wishes(this.#name).some((w) => JSON.stringify(w.key) === wanted)) return null
    return problem('STEP_NOT_ALLOWED', `${this.#name}: the key to install is not one that is wished for this machine.`, [
      'Make a new plan; a step that slmctl did not plan is not sent.',
    ])
  }

  /** What a plan made now refuses, and this one did not. */
  #refusedSince(fresh: MachinePlan): Problem | null {
    const since = fresh.refused.find((r) => !this.#plan.refused.some((o) => o.code === r.code && o.product === r.product))
    return since ? problem(since.code, `${this.#name}: ${since.because}`, since.next) : null
  }

  #authority(facts: MachineFacts): Promise<Authority> {
    return authority(facts, this.#site, this.#env.names, this.#plan.steps)
  }

  get #goesOn(): string {
    return this.#journal.goesOn ?? 'slmctl apply --resume'
  }

  #noAnswer(because: string): Problem {
    return problem('CALL_UNANSWERED', `${this.#name}: ${because}`, [`${this.#goesOn} asks the machine again and goes on.`])
  }

  /** How often a step went out whose end nobody learned, and which the machine did not show as done either. */
  #unanswered(step: Step): number {
    const { told } = this.#options
    if (!told) return 0
    const last = told.open && !this.#openHeld ? [told.open.step] : []
    return [...told.unanswered, ...last].filter((s) => sameTry(s, step)).length
  }

  /** A call without an answer is tried once more, not for ever: what swallows it twice is for a person to look at. */
  #notAgain(step: Step): Problem {
    return problem(
      'CALL_NOT_REPEATED',
      `${this.#name}: "${step.what}" was sent twice, nobody learned its end, and it is not done; it is not sent a third time.`,
      [
        `Look at the machine and its event log for what ends these calls: slmctl status ${this.#name}`,
        `Then begin anew with a new plan: slmctl plan ${this.#name}`,
      ],
    )
  }

  async #refused(at: Omit<At, 'machine'>, step: Step, facts: MachineFacts, why: Problem): Promise<MachineOutcome> {
    await this.#did({ machine: this.#name, ...at }, step, 'refused', null, why.summary)
    return this.#end('refused', facts, why)
  }

  /** Journal → call → journal → does it hold? */
  async #send(step: Step, at: At, before: Collected): Promise<Sent> {
    const given: Record<string, string | number | boolean | Secret> = { ...step.arguments }
    const secret = step.secret ? await this.#env.secret(step.secret.reference) : null
    let answer: CallAnswer | null = null
    let why: Problem | null = null
    try {
      if (step.secret && secret) {
        given[step.secret.argument] = secret
        // Windows would ask a KMS host by itself as soon as it has it, and no wish for KMS stands behind it.
        if (isClientKey(secret)) {
          const because = 'the key that the wish refers to is a client setup key; such a key is for a wish by: kms, without a key.'
          return { outcome: await this.#did(at, step, 'refused', null, because), after: null }
        }
      }
      const machine = await this.#open()
      await this.write({ kind: 'about', ...at, step, before: licensingOf(before) })
      if (this.#journal.mayStill?.() === false) await this.#lost(at, step)
      this.#was = 'sent'
      answer = await machine.call({ class: step.class, key: step.key, method: step.method, arguments: given })
    } catch (error) {
      if (this.#was !== 'sent') throw error
      why = problemOf(error)
    } finally {
      secret?.wipe()
    }
    if (answer && answer.returnValue !== 0) {
      const because = `${step.method} answered ${hex(answer.returnValue)}: ${errorByCode(answer.returnValue)?.meaning ?? 'a code that the catalogue does not know.'}`
      return { outcome: await this.#did(at, step, 'failed', answer.returnValue, because), after: await this.#again(before) }
    }
    if (why && why.code !== 'CALL_UNANSWERED') {
      // The machine answered no, or nothing was sent.
      const code = codeOf(why)
      const outcome = await this.#did(at, step, 'failed', code, why.summary)
      return { outcome, after: code === null ? null : await this.#again(before), ...(isAway(why) ? { away: why } : {}) }
    }
    if (why) await this.close()
    const after = await this.#again(before)
    if (!after) {
      const because = 'The call went out; the machine can no longer be asked whether it was done.'
      return { outcome: await this.#did(at, step, 'unknown', answer?.returnValue ?? null, because), after }
    }
    const { authorise } = await this.#authority(after.facts)
    const verdict = verifyStep(step, before.facts, after.facts, { site: this.#site, authorise })
    const unsure = why !== null || undecided(after.facts)
    const result: StepResult = verdict.holds ? (why ? 'held' : 'done') : unsure ? 'unknown' : 'failed'
    return { outcome: await this.#did(at, step, result, answer?.returnValue ?? null, verdict.because), after }
  }

  /**
   * The entry of a call is written, and the machine is no longer this run's: nothing is sent. The entry is closed if that can still
   * be written. If not, whoever has the machine next sees a call that may be out: it asks the machine first, and counts one try.
   */
  async #lost(at: At, step: Step): Promise<never> {
    this.#unwritten = true
    await this.#did(at, step, 'refused', null, 'The machine was held no longer; nothing was sent.').catch(() => {})
    throw leaseLost(this.#name)
  }

  /** Asks the licensing classes again, over a new connection if the old one is gone; null where the machine does not answer. */
  async #again(before: Collected): Promise<Collected | null> {
    for (const wait of [0, 500, 2000]) {
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      try {
        return await collectLicensing(await this.#open(), before, this.#env.clock)
      } catch {
        await this.close()
      }
    }
    return null
  }

  async #did(at: At, step: Step, result: StepResult, returnValue: number | null, because: string): Promise<StepOutcome> {
    const outcome: StepOutcome = { step, result, returnValue, because }
    this.steps.push(outcome)
    if (result !== 'unknown') this.#was = 'asked'
    await this.write({ kind: 'did', machine: at.machine, attempt: at.attempt, index: at.index, result, returnValue, because })
    return outcome
  }

  /** What a plan made now says, with what this plan was asked to do beside the wishes: a saved plan carries that in its reasons. */
  async #replan(facts: MachineFacts, may: Authority): Promise<MachinePlan> {
    const { renew, asked } = this.#options
    const { steps } = this.#plan
    return planMachine(
      facts,
      await planOptions(
        this.#env,
        this.#name,
        may,
        {
          renew: renew || steps.some((s) => s.activates && s.because === reasons.renewal),
          asked: asked.length > 0 ? asked : askedIn(steps),
        },
        passedIn(this.#plan, may.hosts),
      ),
    )
  }

  #failure(step: Step, outcome: StepOutcome): Problem {
    const row = outcome.returnValue === null ? null : errorByCode(outcome.returnValue)
    return problem('STEP_FAILED', `${this.#name}: ${step.what} did not succeed. ${outcome.because}`, [
      ...(row?.remedies.slice(0, 2) ?? []),
      ...(outcome.returnValue ? [`slmctl explain ${hex(outcome.returnValue)}`] : []),
    ])
  }

  #stale(facts: MachineFacts, edited: boolean): MachineOutcome {
    const why = edited
      ? `The plan for ${this.#name} is not the one that would be made now: the site file, DNS or the plan itself has changed; nothing was changed.`
      : `${this.#name} is not as it was when the plan was made; ${this.steps.length > 0 ? 'nothing further' : 'nothing'} was changed.`
    return this.#end(
      'stale',
      facts,
      problem('PLAN_STALE', why, ['Make a new plan: slmctl plan', 'Or plan and apply at once: slmctl apply']),
    )
  }

  #end(result: MachineResult, facts: MachineFacts | null, why: Problem | null): MachineOutcome {
    const judged = facts ? judge(facts, this.#site, this.#env.clock().toISOString()) : null
    if (judged) this.#options.judged?.(judged)
    return { name: this.#name, result, steps: this.steps, problem: why, after: judged?.machine ?? null }
  }

  async #collect(): Promise<Collected> {
    const collected = await collect(await this.#open(), this.#env.clock, this.#env.wishes(this.#name), this.#env.carried)
    this.#was = 'asked'
    return collected
  }

  async #open(): Promise<Machine> {
    this.#machine ??= await this.#env.open(this.#name)
    return this.#machine
  }

  async close(): Promise<void> {
    const machine = this.#machine
    this.#machine = null
    await machine?.close().catch(() => {})
  }
}

const isLost = (why: Problem): boolean => why.code === 'LEASE_LOST'

/** True where a question that decides was not answered: then nothing is known, and "no" would be a lie. */
function undecided(facts: MachineFacts): boolean {
  return facts.unasked.some((u) => u.decides)
}

/** What verification needs of the facts before; registry values and the computer's own say nothing about a call. */
function licensingOf(collected: Collected): (readonly [string, unknown])[] {
  return [...collected.answers].filter(([id]) => /^(?:system|computer|service|products|office-)/.test(id))
}

/** The HRESULT in a Problem that a fault became; null where there is none. */
function codeOf(why: Problem): number | null {
  const found = /0x[0-9A-F]{8}/i.exec(why.summary)?.[0]
  return found ? Number(found) : null
}
