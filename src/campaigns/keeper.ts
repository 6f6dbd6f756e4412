import type { CampaignReason, Held, Store } from '../store.ts'
import { type CampaignSettings, gapMs, triedForMs } from './settings.ts'
import type { Worked } from './work.ts'

/** Results that wait to be kept; so many share a transaction, as many as the store keeps in one. */
const together = 250
/** How long a result waits for others, ms: a transaction waits for the disk. Whoever is killed meanwhile asks these machines again. */
const patienceMs = 1000

/** The code under which a plan is told that lacks a fact. */
export const notKnown = 'NOT_KNOWN'

/** Why a machine came to what it came to: its Problem, or what keeps a plan from changing anything. */
function reasonsOf({ problem, plan: kept }: Worked): readonly CampaignReason[] {
  const plan = kept?.plan.steps.length === 0 ? kept.plan : null
  return [
    ...(problem ? [{ code: problem.code, text: problem.summary, next: problem.next }] : []),
    ...(plan?.refused ?? []).map((r) => ({ code: r.code, text: r.because, next: r.next })),
    ...(plan?.missing ?? []).map((m) => ({ code: notKnown, text: m.why, next: [m.get] })),
  ]
}

type Result = { readonly held: Held; readonly settings: CampaignSettings; readonly worked: Worked }

/**
 * Keeps results in portions: what machines said, plans, outcomes, and only then that the target has ended. Whatever is killed
 * between two of these, the target still stands open, and what is written again is written once.
 */
export class Keeper {
  readonly #store: Store
  readonly #clock: () => number
  readonly #kept: (held: Held, worked: Worked, still: boolean, over: boolean) => void
  readonly #failed: (error: unknown) => void
  readonly #said = new Set<string>()
  #waiting: Result[] = []
  #timer: NodeJS.Timeout | null = null
  #writing: Promise<void> | null = null

  constructor(
    store: Store,
    on: {
      readonly clock: () => number
      /** Said of each result that is in the store. `still`: the target was ours to the end; `over`: it has ended, and is not tried again. */
      readonly kept: (held: Held, worked: Worked, still: boolean, over: boolean) => void
      readonly failed: (error: unknown) => void
    },
  ) {
    this.#store = store
    this.#clock = on.clock
    this.#kept = on.kept
    this.#failed = on.failed
  }

  /** `soon`: others wait for the place of this one, so that it is not kept waiting for company. */
  add(result: Result, soon: boolean): void {
    this.#waiting.push(result)
    if (soon || this.#waiting.length >= together) this.#write()
    else this.#timer ??= setTimeout(() => this.#write(), patienceMs)
  }

  /** Nobody else comes for a while: what waits is written now. */
  hurry(): void {
    this.#write()
  }

  /** Everything that was added is in the store, or has failed. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0 || this.#writing) {
      this.#write()
      await this.#writing
    }
  }

  #write(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#writing || this.#waiting.length === 0) return
    const portion = this.#waiting.splice(0, together)
    this.#writing = this.#keep(portion)
      .catch(this.#failed)
      .finally(() => {
        this.#writing = null
        // What came meanwhile has waited long enough.
        this.#write()
      })
  }

  async #keep(portion: readonly Result[]): Promise<void> {
    const observations = portion.flatMap(({ worked }) => worked.observation ?? [])
    if (observations.length > 0) await this.#store.observe(observations)
    const plans = portion.flatMap(({ worked }) => worked.plan ?? [])
    if (plans.length > 0) await this.#store.savePlans(plans)
    const reasons = portion.flatMap((r) => this.#reasons(r))
    if (reasons.length > 0) await this.#store.saveReasons(reasons)
    const ends = portion.map((r) => ({ held: r.held, end: this.#end(r) }))
    for (const [i, { worked }] of portion.entries())
      if (worked.outcome && 'state' in ends[i]!.end) await this.#store.saveOutcome(worked.outcome)
    const still = await this.#store.endTargets(ends)
    for (const [i, { held, worked }] of portion.entries()) this.#kept(held, worked, still[i] ?? false, 'state' in ends[i]!.end)
  }

  /** What is said with a code, where this process did not keep it yet. */
  #reasons({ held: { campaign }, worked }: Result) {
    return reasonsOf(worked).flatMap((reason) => {
      const key = `${campaign} ${reason.code}`
      if (this.#said.has(key)) return []
      this.#said.add(key)
      return [{ campaign, ...reason }]
    })
  }

  #end({ held, settings, worked }: Result) {
    const now = this.#clock()
    const problemCode = worked.problem?.code ?? null
    // The journal of an apply knows tries by their number: none is used twice.
    // Due at once by every clock: the one of whoever gives it back may just have jumped.
    if (worked.end === 'back') return { dueAt: 0, problemCode: null, attempted: settings.plansOf !== null }
    if (worked.end === 'away' || worked.end === 'open') {
      if (triedForMs(held.attempt) <= settings.retryForMs)
        return { dueAt: now + gapMs(held.attempt, Math.random()), problemCode, attempted: true }
    }
    return {
      state: worked.end === 'done' ? ('done' as const) : ('failed' as const),
      result: worked.result,
      problemCode,
      outcome: worked.outcome?.key ?? null,
      at: now,
    }
  }
}
