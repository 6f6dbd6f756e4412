import { randomUUID } from 'node:crypto'

/** A process, named so that others on the same host know whether it still runs. */
export type Processes = { readonly host: string; readonly process: string; readonly isAlive: (process: string) => boolean }

/** A word that no other worker has: host, process, and chance. */
export const newOwner = ({ host, process }: Processes): string => `${host}|${process}|${randomUUID()}`

/** True where an owner was a process of this host that is gone: killed, crashed. Null: not for this host to say. */
export function isGone(owner: string, here: Processes): boolean | null {
  const [host, process] = owner.split('|')
  return host === here.host && process !== undefined ? !here.isAlive(process) : null
}

/** A lease as it was seen, and when by a clock that nobody sets (performance.now). `deadAt`: when its process was first seen to be gone. */
type Seen = { readonly until: number; readonly since: number; deadAt: number | null }

/**
 * Finds owners that do not hold on to their leases any more. No clock of another computer is believed, and none of this one that
 * can jump: an owner is gone when its leases were seen unmoved for the whole time of a lease, or when its process is.
 */
export class Watch {
  readonly #seen = new Map<string, Seen>()
  readonly #here: Processes
  readonly #leaseMs: number

  constructor(here: Processes, leaseMs: number) {
    this.#here = here
    this.#leaseMs = leaseMs
  }

  /**
   * Of the leases of a campaign by owner: those that may be taken back. `quietMs`: how long an owner must have been gone, as what it
   * sent at last may still be at work on the machine.
   */
  gone(
    leases: readonly { readonly owner: string; readonly until: number }[],
    campaign: number,
    now: number,
    quietMs = 0,
  ): { owner: string; until: number }[] {
    const keys = new Set<string>()
    const gone = leases.filter(({ owner, until }) => {
      const key = `${campaign} ${owner}`
      keys.add(key)
      const known = this.#seen.get(key)
      const seen = known?.until === until ? known : { until, since: now, deadAt: known?.deadAt ?? null }
      this.#seen.set(key, seen)
      if (isGone(owner, this.#here) === true) seen.deadAt ??= now
      return now - (seen.deadAt ?? seen.since + this.#leaseMs) >= quietMs
    })
    for (const key of this.#seen.keys()) if (key.startsWith(`${campaign} `) && !keys.has(key)) this.#seen.delete(key)
    return gone.map(({ owner, until }) => ({ owner, until }))
  }
}
