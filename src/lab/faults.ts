/** What can go wrong with a machine on request. `times` ends a fault by itself; left out, it stays until it is taken back. */
export type Fault =
  /** Nothing listens on its ports. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'slow'; readonly ms: number; readonly times?: number }
  /** The answer comes in crumbs of `bytes` every `ms`. */
  | { readonly kind: 'drip'; readonly bytes: number; readonly ms: number; readonly times?: number }
  /** Half an answer, then the connection ends. */
  | { readonly kind: 'cut'; readonly times?: number }
  /** `logon`: 401 to every credential; `fault`: the logon works, every operation is refused. */
  | { readonly kind: 'access-denied'; readonly how: 'logon' | 'fault' }
  /** A quota fault, so many times; then all is well. */
  | { readonly kind: 'quota'; readonly times: number }
  /** HTTPS: what its certificate is like from now on. */
  | { readonly kind: 'certificate'; readonly how: 'expired' | 'other-name' | 'unknown-authority' }
  | { readonly kind: 'garbage'; readonly how: 'not-xml' | 'not-http' | 'html'; readonly times?: number }
  /** An answer of so many bytes. */
  | { readonly kind: 'huge'; readonly bytes: number; readonly times?: number }
  /** After `after` further answers (at least one) the machine goes away for `ms` and comes back. `on: 'call'` counts method calls only. */
  | { readonly kind: 'reboot'; readonly after: number; readonly ms: number; readonly on?: 'call' | 'any' }
  /** The call is done (`after`) or not (`before`), and no answer comes. */
  | { readonly kind: 'lost'; readonly when: 'before' | 'after'; readonly on?: 'call' | 'any'; readonly times?: number }
  /** The clock jumps by so many minutes. */
  | { readonly kind: 'clock'; readonly minutes: number }
  /** One byte of the seal is wrong. */
  | { readonly kind: 'wrong-seal'; readonly times?: number }

export type FaultKind = Fault['kind']
export const faultKinds: readonly FaultKind[] = [
  'refused',
  'slow',
  'drip',
  'cut',
  'access-denied',
  'quota',
  'certificate',
  'garbage',
  'huge',
  'reboot',
  'lost',
  'clock',
  'wrong-seal',
]

/** The faults that are on at one machine. */
export class Faults {
  #on: { fault: Fault; left: number }[] = []

  set(fault: Fault): void {
    this.#on = this.#on.filter((f) => f.fault.kind !== fault.kind)
    this.#on.push({ fault, left: 'times' in fault && fault.times !== undefined ? fault.times : Number.POSITIVE_INFINITY })
  }

  clear(kind?: FaultKind): void {
    this.#on = kind ? this.#on.filter((f) => f.fault.kind !== kind) : []
  }

  /** The fault of this kind, if it is on; does not use it up. */
  look<K extends FaultKind>(kind: K): Extract<Fault, { kind: K }> | null {
    const found = this.#on.find((f) => f.fault.kind === kind && f.left > 0)
    return found ? (found.fault as Extract<Fault, { kind: K }>) : null
  }

  /** The same, and one time of it is used up. */
  take<K extends FaultKind>(kind: K): Extract<Fault, { kind: K }> | null {
    const found = this.#on.find((f) => f.fault.kind === kind && f.left > 0)
    if (!found) return null
    found.left--
    if (found.left <= 0) this.#on = this.#on.filter((f) => f !== found)
    return found.fault as Extract<Fault, { kind: K }>
  }

  get none(): boolean {
    return this.#on.length === 0
  }
}
