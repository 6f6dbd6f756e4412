import type koffi from 'koffi'

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

let prepared = false

/**
 * Node waits at its exit for calls on other threads, and a domain controller that is silent holds one for twenty seconds: ^C
 * would seem to do nothing. So the process ends at once where such a call is still under way; what had to be written has been.
 */
export function exitsAtOnce(library: typeof koffi): void {
  if (prepared) return
  prepared = true
  const exit = library.load(process.platform === 'win32' ? 'ucrtbase.dll' : null).func('_exit', 'void', ['int'])
  process.once('exit', (code) => {
    if (underWay > 0) exit(code)
  })
}
