/**
 * Does exactly the plan, machine by machine: asks again, refuses a stale plan, and for each step: guard → journal → call →
 * journal → ask whether it holds. Stops at the first refusal on a machine and goes on with the others. Nothing is sent twice:
 * a call whose answer was lost is asked about.
 */
import { type Asked, judge, liveFacts, type MachineFacts, type PlanOptions, planMachine, resolveStep, verifyStep } from '../activation.ts'
import { errorByCode } from '../catalogue.ts'
import { type MachinePlan, type MachineReading, type Problem, problem, type Site, type Step, type Wish } from '../model.ts'
import type { Secret, SecretReference } from '../secrets.ts'
import type { CallAnswer, Machine } from '../windows.ts'
import { type Collected, collect, collectLicensing, problemOf } from './collect.ts'
import { type Authority, authority, forbids, type Names } from './guard.ts'
import type { Journal, MachineResult, StepResult, Told } from './journal.ts'

/** Everything the engine needs from outside: how to reach machines, DNS, clock, the site, the secrets of wishes. */
export type Environment = {
  readonly site: Site | null
  readonly names: Names
  /** Opens a machine by the name that the user or the site file gives it; throws a ProblemError. */
  readonly open: (name: string) => Promise<Machine>
  readonly wishes: (name: string) => readonly Wish[]
  readonly secret: (reference: SecretReference) => Promise<Secret>
  /** The last five characters of a key, which every machine shows; null where it cannot be read now. */
  readonly partialKey: (reference: SecretReference) => Promise<string | null>
  readonly clock: () => Date
  /** Machines at once. */
  readonly parallel: number
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

type Told1 = Told['machines'] extends ReadonlyMap<string, infer T> ? T : never

/** What the planner is asked with for one machine, the same when a plan is made and when it is carried out. */
export async function planOptions(
  env: Environment,
  name: string,
  may: Authority,
  { renew, asked }: { readonly renew: boolean; readonly asked: readonly Asked[] },
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
    hosts: may.hosts,
    authorise: may.authorise,
    partialKeyOf: (reference) => partial.get(JSON.stringify(reference)) ?? null,
  }
}

/** Applies one machine's plan. `told`: what a journal says was done before (resume). */
export async function applyMachine(
  plan: MachinePlan,
  env: Environment,
  journal: Journal,
  options: { readonly renew: boolean; readonly asked: readonly Asked[]; readonly told?: Told1; readonly signal?: AbortSignal },
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
  await journal.write({ kind: 'begin', machine: name })
  const run = new Run(name, plan, env, site, journal, options)
  let outcome: MachineOutcome
  try {
    outcome = await run.go()
  } catch (error) {
    outcome = { name, result: run.steps.length > 0 ? 'failed' : 'unreachable', steps: run.steps, problem: problemOf(error), after: null }
  } finally {
    await run.close()
  }
  await journal.write({ kind: 'end', machine: name, result: outcome.result })
  return outcome
}

/** One machine's run through its plan. */
class Run {
  readonly steps: StepOutcome[] = []
  readonly #name: string
  readonly #plan: MachinePlan
  readonly #env: Environment
  readonly #site: Site
  readonly #journal: Journal
  readonly #options: { readonly renew: boolean; readonly asked: readonly Asked[]; readonly told?: Told1; readonly signal?: AbortSignal }
  #machine: Machine | null = null

  constructor(name: string, plan: MachinePlan, env: Environment, site: Site, journal: Journal, options: Run['_options']) {
    this.#name = name
    this.#plan = plan
    this.#env = env
    this.#site = site
    this.#journal = journal
    this.#options = options
  }
  declare readonly _options: {
    readonly renew: boolean
    readonly asked: readonly Asked[]
    readonly told?: Told1
    readonly signal?: AbortSignal
  }

  async go(): Promise<MachineOutcome> {
    let now = await this.#collect()
    let may = await authority(now.facts, this.#site, this.#env.names)
    const { told } = this.#options
    if (told?.open) {
      // Before the interruption a call went out and its end is not known: the machine tells, nothing is repeated.
      const before = liveFacts({ name: this.#name, answers: told.open.answers, askedAt: now.askedAt })
      const verdict = verifyStep(told.open.step, before, now.facts, { site: this.#site, authorise: may.authorise })
      await this.#did(told.open, told.open.step, verdict.holds ? 'held' : 'unknown', null, verdict.because)
    }
    const resumed = told !== undefined && (told.open !== null || told.did.length > 0)
    let steps = this.#plan.steps
    if (resumed) {
      // What is left must be what a plan made now says; otherwise somebody else was here.
      steps = (await this.#replan(now.facts, may)).steps
      const known = new Set([...this.#plan.steps, ...this.#plan.fallbacks.flatMap((f) => f.steps)].map(same))
      if (steps.some((s) => !known.has(same(s)))) return this.#stale(now.facts)
    } else if ((await this.#replan(now.facts, may)).fingerprint !== this.#plan.fingerprint) return this.#stale(now.facts)
    const failed = new Set<string>()
    let attempt = 0
    let queue = steps.map((step, index) => ({ step, index }))
    let refusal: Problem | null = null
    while (queue.length > 0) {
      for (const { step: planned, index } of queue) {
        if (this.#options.signal?.aborted) return this.#end('interrupted', now.facts, null)
        const step = resolveStep(planned, now.facts)
        const forbidden = step
          ? forbids(step, now.facts, this.#site, may)
          : problem('STEP_WITHOUT_TARGET', `${this.#name}: the product that "${planned.what}" is about is not on the machine.`, [
              'Make a new plan: slmctl plan',
            ])
        if (!step || forbidden) {
          await this.#did({ machine: this.#name, attempt, index }, step ?? planned, 'refused', null, forbidden!.summary)
          return this.#end('refused', now.facts, forbidden)
        }
        const { outcome, after } = await this.#send(step, { machine: this.#name, attempt, index }, now)
        now = after ?? now
        if (outcome.result === 'unknown')
          return this.#end(
            'unknown',
            after?.facts ?? null,
            problem('CALL_UNANSWERED', `${this.#name}: ${outcome.because}`, ['slmctl apply --resume asks the machine again and goes on.']),
          )
        if (outcome.result === 'failed') {
          refusal = this.#failure(step, outcome)
          if (planned.activates && planned.product && elsewhere.has(outcome.returnValue ?? -1)) failed.add(planned.product)
          else return this.#end('failed', now.facts, refusal)
          continue
        }
        // Settings have changed what the machine would use: what may be used is drawn again from the new facts.
        if (!step.activates) may = await authority(now.facts, this.#site, this.#env.names)
        if (planned.activates && planned.product) failed.delete(planned.product)
      }
      // The next host for what a host refused or did not answer; three hosts in all for one product.
      attempt++
      queue = this.#plan.fallbacks
        .filter((f) => f.attempt === attempt && failed.has(f.product))
        .flatMap((f) => f.steps)
        .map((step, index) => ({ step, index }))
    }
    if (failed.size > 0) return this.#end('failed', now.facts, refusal)
    return this.#end('changed', now.facts, null)
  }

  /** Journal → call → journal → does it hold? */
  async #send(
    step: Step,
    at: { machine: string; attempt: number; index: number },
    before: Collected,
  ): Promise<{ outcome: StepOutcome; after: Collected | null }> {
    const given: Record<string, string | number | boolean | Secret> = { ...step.arguments }
    const secret = step.secret ? await this.#env.secret(step.secret.reference) : null
    if (step.secret && secret) given[step.secret.argument] = secret
    await this.#journal.write({ kind: 'about', ...at, step, before: licensingOf(before) })
    let answer: CallAnswer | null = null
    let why: Problem | null = null
    try {
      answer = await (await this.#open()).call({ class: step.class, key: step.key, method: step.method, arguments: given })
    } catch (error) {
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
      return { outcome: await this.#did(at, step, 'failed', code, why.summary), after: code === null ? null : await this.#again(before) }
    }
    if (why) await this.close()
    const after = await this.#again(before)
    if (!after)
      return {
        outcome: await this.#did(
          at,
          step,
          'unknown',
          answer?.returnValue ?? null,
          'The call went out; the machine can no longer be asked whether it was done.',
        ),
        after,
      }
    const verdict = verifyStep(step, before.facts, after.facts, {
      site: this.#site,
      authorise: (await authority(after.facts, this.#site, this.#env.names)).authorise,
    })
    const result: StepResult = verdict.holds ? (why ? 'held' : 'done') : why ? 'unknown' : 'failed'
    return { outcome: await this.#did(at, step, result, answer?.returnValue ?? null, verdict.because), after }
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

  async #did(
    at: { machine: string; attempt: number; index: number },
    step: Step,
    result: StepResult,
    returnValue: number | null,
    because: string,
  ): Promise<StepOutcome> {
    const outcome: StepOutcome = { step, result, returnValue, because }
    this.steps.push(outcome)
    await this.#journal.write({ kind: 'did', machine: at.machine, attempt: at.attempt, index: at.index, result, returnValue, because })
    return outcome
  }

  async #replan(facts: MachineFacts, may: Authority): Promise<MachinePlan> {
    return planMachine(facts, await planOptions(this.#env, this.#name, may, this.#options))
  }

  #failure(step: Step, outcome: StepOutcome): Problem {
    const row = outcome.returnValue === null ? null : errorByCode(outcome.returnValue)
    return problem('STEP_FAILED', `${this.#name}: ${step.what} did not succeed. ${outcome.because}`, [
      ...(row?.remedies.slice(0, 2) ?? []),
      ...(outcome.returnValue ? [`slmctl explain ${hex(outcome.returnValue)}`] : []),
    ])
  }

  #stale(facts: MachineFacts): MachineOutcome {
    return this.#end(
      'stale',
      facts,
      problem('PLAN_STALE', `${this.#name} is not as it was when the plan was made; nothing was changed.`, [
        'Make a new plan: slmctl plan',
        'Or plan and apply at once: slmctl apply',
      ]),
    )
  }

  #end(result: MachineResult, facts: MachineFacts | null, why: Problem | null): MachineOutcome {
    const after = facts ? judge(facts, this.#site, this.#env.clock().toISOString()).machine : null
    return { name: this.#name, result, steps: this.steps, problem: why, after }
  }

  async #collect(): Promise<Collected> {
    return collect(await this.#open(), this.#env.clock, this.#env.wishes(this.#name))
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

/** What a step does, without its reasons. The instance is left out: an entry that came into being since has an ID now. */
function same(step: Step): string {
  return JSON.stringify([step.change, step.class, step.method, step.arguments, step.secret])
}

function licensingOf(collected: Collected): (readonly [string, unknown])[] {
  return [...collected.answers]
}

const hex = (code: number) => `0x${code.toString(16).toUpperCase().padStart(8, '0')}`

/** The HRESULT in a Problem that a fault became; null where there is none. */
function codeOf(why: Problem): number | null {
  const found = /0x[0-9A-F]{8}/i.exec(why.summary)?.[0]
  return found ? Number(found) : null
}

/**
 * Codes after which another host of ours may succeed: no answer, no name, no such service there, too few clients so far, or a
 * host that does not serve this product.
 */
const elsewhere: ReadonlySet<number> = new Set([
  0xc004f074, 0xc004f038, 0xc004f039, 0xc004f042, 0xc004f041, 0x8007232b, 0x8007251d, 0x8007000d, 0x800706ba, 0x80072ee7, 0x80072efd,
  0x8007232a, 0x80092328,
])
