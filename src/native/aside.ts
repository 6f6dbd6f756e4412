/** A foreign function as koffi makes it: called at once, or on another thread. */
export type Argument = bigint | number | null
export type Foreign = { (...args: readonly Argument[]): number; async: (...args: readonly unknown[]) => void }

/**
 * Calls that are given to koffi's threads at once. The threads are as many as the machine has cores, and koffi refuses more than
 * 256 in its queue; the rest waits here, in order.
 */
const underWayMax = 64
let underWay = 0
const waiting: (() => void)[] = []

/** Calls on another thread, so that the event loop goes on; the memory of the arguments must outlive the call. */
export async function aside(foreign: Foreign, args: readonly Argument[]): Promise<number> {
  if (underWay >= underWayMax) await new Promise<void>((go) => waiting.push(go))
  else underWay++
  try {
    return await new Promise<number>((done, fail) =>
      foreign.async(...args, (error: Error | null, status: number) => (error ? fail(error) : done(status))),
    )
  } finally {
    const next = waiting.shift()
    if (next) next()
    else underWay--
  }
}
