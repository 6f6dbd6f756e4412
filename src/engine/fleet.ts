/**
 * Works through machines with at most `limit` at once and hands out each result as it comes. Memory is bounded by `limit`, not by
 * the number of machines. After an abort no machine is begun; those under way end by themselves. Whoever stops taking results, or
 * fails at one, waits for those under way, too: nothing goes on behind the back of who closes the journal. `work` turns a
 * machine's failure into its result; what it throws all the same stops everything.
 */
export async function* eachMachine<In, Out>(
  inputs: Iterable<In> | AsyncIterable<In>,
  limit: number,
  work: (input: In) => Promise<Out>,
  signal?: AbortSignal,
): AsyncGenerator<Out> {
  const source = Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]()
  // A list and one waiting place: a race would leave a trace of every result at each machine that is slow.
  const finished: ({ readonly value: Out } | { readonly error: unknown })[] = []
  let wake: (() => void) | null = null
  let running = 0
  const end = (result: (typeof finished)[number]) => {
    running--
    finished.push(result)
    wake?.()
  }
  const next = async () => {
    if (finished.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    wake = null
  }
  let exhausted = false
  try {
    for (;;) {
      while (!exhausted && running + finished.length < limit && !signal?.aborted) {
        const input = await source.next()
        if (input.done) exhausted = true
        else {
          running++
          work(input.value).then(
            (value) => end({ value }),
            (error: unknown) => end({ error }),
          )
        }
      }
      if (running + finished.length === 0) return
      await next()
      const result = finished.shift()!
      if ('error' in result) throw result.error
      yield result.value
    }
  } finally {
    while (running > 0) {
      await next()
      finished.length = 0
    }
    if (!exhausted) await source.return?.()
  }
}
