/** Live events, as a browser's EventSource takes them (server-sent events). */
import type { Heard } from '../live.ts'
import { type Route, route } from '../route.ts'
import { goesOn } from '../session.ts'

/** After so long a listener comes back by itself, and is asked anew who it is; what happened meanwhile it gets then. */
const longestMs = 15 * 60_000
/** So often is looked whether whoever listens still may. */
const lookMs = 30_000
/** How long a browser waits before it comes back, ms. */
const retryMs = 2000

const texts = new WeakMap<Heard['event'], string>()
/** An event as it goes over the line; made once for all who listen. */
function textOf({ id, event }: Heard): string {
  let data = texts.get(event)
  if (data === undefined) {
    data = `event: ${event.name}\ndata: ${JSON.stringify(event.data)}\n\n`
    texts.set(event, data)
  }
  return `id: ${id}\n${data}`
}

export const eventRoutes: readonly Route[] = [
  route(
    {
      method: 'GET',
      path: '/api/v1/events',
      access: 'viewer',
      tag: 'events',
      summary: 'Live events (server-sent events): campaign, fleet, hosts, alerts, reset. Last-Event-ID goes on where a line was cut.',
      changes: false,
      answer: 'text/event-stream',
      example: {},
    },
    async ({ parts: { live, clock, store }, who, visit, lastEventId, signal }) => {
      const until = Math.min(who.endsAt ?? Number.POSITIVE_INFINITY, clock() + longestMs)
      async function* rows() {
        yield `retry: ${retryMs}\n\n`
        let lookedAt = clock()
        for await (const heard of live.listen(lastEventId, signal)) {
          if (clock() - lookedAt >= lookMs) {
            if (!(await goesOn(store, who, visit.session, clock()))) return
            lookedAt = clock()
          }
          yield heard === null ? ': beat\n\n' : textOf(heard)
          if (clock() >= until) return
        }
      }
      return { type: 'text/event-stream', rows: rows() }
    },
  ),
]
