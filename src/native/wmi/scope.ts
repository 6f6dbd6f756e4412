import type { Argument } from '../aside.ts'
import type { Foreign, ForeignFunction } from '../foreign.ts'
import type { Arena } from '../memory.ts'
import { WmiError } from './error.ts'

let under = 0
/**
 * Calls that were given up and have not come back. The event loop waits for them: a program that has said all it had to say must
 * end itself (process.exit) while there are some.
 */
export const callsGivenUp = (): number => under

/** IUnknown::Release, the third of every interface. */
const release = 2

/**
 * One operation: its memory, and the COM objects that it came to own. All is given back at its end; where a call was given up
 * because it takes too long, when that call comes back at last.
 */
export class Scope {
  readonly foreign: Foreign
  readonly arena: Arena
  /** Where a call writes an interface pointer that is then ours. `remote`: letting go of it may ask the service. */
  readonly #cells: { readonly at: bigint; readonly remote: boolean }[] = []
  #stuck: Promise<unknown> | null = null

  constructor(foreign: Foreign, size: number) {
    this.foreign = foreign
    this.arena = foreign.arena(size)
  }

  /** Room for interface pointers, released at the end. */
  cell(options: { readonly remote: boolean }, count = 1): bigint {
    const at = this.arena.room(8 * count)
    for (let i = 0; i < count; i++) this.#cells.push({ at: at + BigInt(8 * i), remote: options.remote })
    return at
  }

  /** The object in a cell. A call that succeeded and gave none has broken its word. */
  object(cell: bigint): bigint {
    const object = this.arena.pointer(cell)
    if (object === null) throw new WmiError('hresult', 'no object where one was due', unexpected)
    return object
  }

  /** Releases an object before the end. */
  drop(cell: bigint): void {
    const object = this.arena.pointer(cell)
    if (object === null) return
    this.arena.at(cell).writeBigUInt64LE(0n)
    this.foreign.method(object, release, '').now(object)
  }

  /** Leaves an object to whoever called. */
  keep(cell: bigint): bigint {
    const object = this.object(cell)
    this.arena.at(cell).writeBigUInt64LE(0n)
    return object
  }

  /** On another thread, and no longer than `limitMs`. */
  async aside(limitMs: number, doing: string, { aside }: ForeignFunction, ...args: readonly Argument[]): Promise<number> {
    const running = aside(...args)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((tell) => {
      timer = setTimeout(() => tell('late'), Math.max(1, limitMs))
    })
    try {
      const result = await Promise.race([running, late])
      if (result !== 'late') return result
    } finally {
      clearTimeout(timer)
    }
    under++
    this.#stuck = running.catch(() => {}).finally(() => under--)
    throw new WmiError('slow', doing)
  }

  /** A call that was given up and has not come back. */
  get stuck(): boolean {
    return this.#stuck !== null
  }

  /** Gives everything back, which takes as long as a call that was given up. */
  async end(): Promise<void> {
    if (this.#stuck !== null) await this.#stuck
    await this.#free()
  }

  async #free(): Promise<void> {
    for (const { at, remote } of this.#cells.reverse()) {
      if (!remote) this.drop(at)
      else {
        const object = this.arena.pointer(at)
        if (object !== null) await letGo(this.foreign, object)
      }
    }
    this.arena.free()
  }
}

/** Whoever asked does not wait longer for a service that does not take its object back. */
const releaseMs = 5000

/** Releases an object of the service, on another thread. */
export async function letGo(foreign: Foreign, object: bigint): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((go) => {
    timer = setTimeout(go, releaseMs)
  })
  await Promise.race([foreign.method(object, release, '').aside(object), late])
  clearTimeout(timer)
}

/** E_UNEXPECTED, winerror.h. */
const unexpected = 0x8000_ffff
