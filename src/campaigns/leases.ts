import type { Held, Store, Target } from '../store.ts'

const keyOf = (h: Held) => `${h.campaign} ${h.machine} ${h.attempt}`

/** `until` by performance.now; `wallUntil` by the computer's clock, which goes on while the computer sleeps. */
type Lease = { readonly target: Target; until: number; wallUntil: number; lost: boolean }

/**
 * The machines that this process holds. How long it may still send to one is measured by a clock that nobody sets, from before the
 * moment at which the store was asked: others wait longer than that before they take a machine over.
 */
export class Leases {
  readonly #store: Store
  readonly #owner: string
  readonly #leaseMs: number
  readonly #clock: () => number
  readonly #held = new Map<string, Lease>()
  #extending = false

  constructor(store: Store, owner: string, leaseMs: number, clock: () => number) {
    this.#store = store
    this.#owner = owner
    this.#leaseMs = leaseMs
    this.#clock = clock
  }

  hold(target: Target, askedAt: number): void {
    this.#held.set(keyOf(target), {
      ...{ target, until: askedAt + this.#leaseMs, lost: false },
      wallUntil: Date.now() - (performance.now() - askedAt) + this.#leaseMs,
    })
  }

  drop(held: Held): Target | null {
    const lease = this.#held.get(keyOf(held))
    this.#held.delete(keyOf(held))
    return lease?.target ?? null
  }

  isOurs(held: Held): boolean {
    return this.#held.get(keyOf(held))?.lost === false
  }

  /** Machines of a campaign that are held. */
  count(campaign: number): number {
    let n = 0
    for (const { target } of this.#held.values()) if (target.campaign === campaign) n++
    return n
  }

  /**
   * Gives back what the store says is ours and nobody here knows of: a database went away between a claim and its answer, and the
   * claim was made once more. Only while no claim is under way.
   */
  async giveBackUnheard(campaign: number): Promise<void> {
    const known = new Set([...this.#held.values()].flatMap(({ target }) => (target.campaign === campaign ? [target.machine] : [])))
    const ours = await this.#store.extendLeases({ campaign, owner: this.#owner, until: this.#clock() + this.#leaseMs })
    const unheard = new Set(ours.filter((machine) => !known.has(machine)))
    const end = { dueAt: this.#clock(), problemCode: null, attempted: false }
    for (let after: string | null = null; unheard.size > 0; ) {
      const page: Awaited<ReturnType<Store['targets']>> = await this.#store.targets(
        campaign,
        { states: ['leased'] },
        { limit: 1000, after },
      )
      const back = page.rows.filter((t) => unheard.has(t.machine))
      await this.#store.endTargets(
        back.map(({ machine, attempts: attempt }) => ({ held: { campaign, machine, attempt, owner: this.#owner }, end })),
      )
      after = page.next
      if (after === null) return
    }
  }

  /** Whether a call may be sent now: a tenth of the lease is left for it to arrive. */
  mayStill(held: Held): boolean {
    const lease = this.#held.get(keyOf(held))
    if (lease === undefined || lease.lost) return false
    // Either clock may say that it is too late: the one that nobody sets stands still in a computer that sleeps.
    return performance.now() < lease.until - this.#leaseMs / 10 && Date.now() < lease.wallUntil - this.#leaseMs / 10
  }

  /** Holds on to everything that is held. A store that is away for a while only lets the leases run out. */
  async extend(): Promise<void> {
    if (this.#extending) return
    this.#extending = true
    try {
      const campaigns = new Set([...this.#held.values()].map((l) => l.target.campaign))
      for (const campaign of campaigns) {
        const [askedAt, askedWall] = [performance.now(), Date.now()]
        const before = [...this.#held.values()].filter((l) => l.target.campaign === campaign)
        const still = new Set(await this.#store.extendLeases({ campaign, owner: this.#owner, until: this.#clock() + this.#leaseMs }))
        for (const lease of before)
          if (still.has(lease.target.machine)) {
            lease.until = Math.max(lease.until, askedAt + this.#leaseMs)
            lease.wallUntil = askedWall + this.#leaseMs
          } else lease.lost = true
      }
    } finally {
      this.#extending = false
    }
  }
}
