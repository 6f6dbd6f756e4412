/**
 * Works through machines with at most `limit` at once and hands out each result as it comes. One machine's failure is its
 * result, never an exception for the others. Memory is bounded by `limit`, not by the number of machines. After an abort no
 * machine is begun; those under way end by themselves.
 */
export async function* eachMachine<In, Out>(
  inputs: Iterable<In> | AsyncIterable<In>,
  limit: number,
  work: (input: In) => Promise<Out>,
  signal?: AbortSignal,
): AsyncGenerator<Out> {
  const source = Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]()
  const running = new Set<Promise<Done<Out>>>()
  let exhausted = false
  for (;;) {
    while (!exhausted && running.size < limit && !signal?.aborted) {
      const next = await source.next()
      if (next.done) exhausted = true
      else {
        const task: Promise<Done<Out>> = work(next.value).then((value) => ({ task, value }))
        // A rejection is seen by the race below; this only keeps it from being called unhandled meanwhile.
        task.catch(() => {})
        running.add(task)
      }
    }
    if (running.size === 0) return
    const { task, value } = await Promise.race(running)
    running.delete(task)
    yield value
  }
}

type Done<Out> = { readonly task: Promise<Done<Out>>; readonly value: Out }
