/**
 * Live events out of the store: whoever works on a fleet, this process or another, is seen. One look for all who listen, and none
 * where nobody does. What happened is kept in a ring; a listener is a place in it, and one that does not keep up is let go.
 */
import { randomUUID } from 'node:crypto'
import { type Campaign, campaignState, type Store } from '../app.ts'
import type { Heard, Live, LiveEvent } from './live.ts'

export type LiveOptions = {
  readonly store: Store
  readonly clock: () => number
  /** How often is looked, ms; a store that answers slowly is asked less often. */
  readonly everyMs?: number
  /** After so long without a word, a beat. */
  readonly beatMs?: number
  /** So many events are kept for those who were away for a moment. */
  readonly kept?: number
}
export type LiveEvents = Live & {
  /** Something happened here: it is looked at now. */
  readonly look: () => void
  readonly close: () => Promise<void>
}

/** After the last listener has gone, the looks go on for this long: a page that is loaded anew misses nothing. */
const lingerMs = 60_000
/** Of the time, at most a fifth goes into looking. */
const share = 5
/** Campaigns that are looked through for those that began or ended. */
const latest = 20

export function openLive({ store, clock, everyMs = 1000, beatMs = 15_000, kept = 1000 }: LiveOptions): LiveEvents {
  const ring: Heard[] = []
  /** The number of the first event in the ring. */
  let first = 0
  let epoch = newEpoch()
  let watch = newWatch(store)
  const waiting = new Set<() => void>()
  let listeners = 0
  let leftAt = 0
  let running: Promise<void> | null = null
  let closed = false
  let again: () => void = () => {}

  const wakeAll = () => {
    for (const wake of waiting) wake()
  }
  const tell = (event: LiveEvent) => {
    ring.push({ id: `${epoch}-${first + ring.length}`, event })
    if (ring.length > kept) {
      ring.shift()
      first++
    }
    wakeAll()
  }
  /** Looks, tells, rests; ends where nobody has listened for a while. */
  const goOn = async () => {
    while (!closed && (listeners > 0 || performance.now() - leftAt < lingerMs)) {
      const began = performance.now()
      // A store that is away is asked again; whoever listens loads anew when it is back.
      const events = await watch().catch(() => null)
      for (const event of events ?? []) tell(event)
      wakeAll()
      const took = performance.now() - began
      await new Promise<void>((done) => {
        const timer = setTimeout(done, events === null ? 5 * everyMs : Math.max(everyMs, share * took))
        again = () => {
          clearTimeout(timer)
          done()
        }
      })
    }
    // What happens while nobody looks is not known: ids of before mean nothing any more.
    ring.length = 0
    first = 0
    epoch = newEpoch()
    watch = newWatch(store)
    running = null
  }
  /** Where a listener goes on; null: what it missed is not known. */
  const placeAfter = (id: string): number | null => {
    const [, of, n] = /^([0-9a-f]+)-(\d{1,15})$/.exec(id) ?? []
    const next = Number(n) + 1
    return of === epoch && next >= first && next <= first + ring.length ? next : null
  }

  async function* listen(lastId: string | null, signal: AbortSignal): AsyncGenerator<Heard | null> {
    listeners++
    running ??= goOn()
    let wake = () => {}
    const abort = () => wake()
    signal.addEventListener('abort', abort, { once: true })
    try {
      const from = lastId === null ? first + ring.length : placeAfter(lastId)
      let next = from ?? first + ring.length
      let saidAt = performance.now()
      if (from === null) yield { id: `${epoch}-${next - 1}`, event: { name: 'reset', data: { at: clock() } } }
      while (!signal.aborted && !closed) {
        // Too slow: it comes back, and is told to load anew.
        if (next < first) return
        if (next < first + ring.length) {
          yield ring[next++ - first]!
          saidAt = performance.now()
        } else if (performance.now() - saidAt >= beatMs) {
          yield null
          saidAt = performance.now()
        } else {
          await new Promise<void>((done) => {
            wake = done
            waiting.add(done)
          })
          waiting.delete(wake)
        }
      }
    } finally {
      signal.removeEventListener('abort', abort)
      waiting.delete(wake)
      listeners--
      leftAt = performance.now()
    }
  }

  return {
    tell,
    listen,
    listeners: () => listeners,
    look: () => again(),
    close: async () => {
      closed = true
      again()
      wakeAll()
      await running
    },
  }
}

const newEpoch = () => randomUUID().slice(0, 8)

/** What a look finds that the one before did not. The first tells of campaigns that run, and takes the rest as it is. */
function newWatch(store: Store): () => Promise<LiveEvent[]> {
  let turn = 0
  const campaigns = campaignWatch(store)
  const asked = askedWatch(store)
  const hosts = hostWatch(store)
  const alerts = alertWatch(store)
  return async () => {
    const events: LiveEvent[] = await campaigns()
    if (turn % 2 === 0) events.push(...(await asked()))
    if (turn % 5 === 0) events.push(...(await hosts()), ...(await alerts()))
    turn++
    return events
  }
}

function campaignWatch(store: Store): () => Promise<LiveEvent[]> {
  const told = new Map<number, string>()
  let begun = false
  return async () => {
    const some = [...(await store.campaigns({ state: 'running', limit: 1000 })), ...(await store.campaigns({ limit: latest }))]
    const events: LiveEvent[] = []
    for (const campaign of new Map(some.map((c) => [c.id, c])).values()) {
      const mark = `${campaign.state} ${campaign.changedAt}`
      if (campaign.state !== 'running' && (!begun || told.get(campaign.id) === mark)) {
        told.set(campaign.id, mark)
        continue
      }
      const standing = await standingOf(store, campaign)
      const text = campaign.state === 'running' ? JSON.stringify(standing) : mark
      if (told.get(campaign.id) !== text) events.push({ name: 'campaign', data: standing })
      told.set(campaign.id, text)
    }
    begun = true
    return events
  }
}

async function standingOf(store: Store, campaign: Campaign) {
  const { groups: _, locations: __, ...standing } = await campaignState(store, campaign)
  return standing
}

/** Machines that answered since the last look. */
function askedWatch(store: Store): () => Promise<LiveEvent[]> {
  let known: number | null | undefined
  return async () => {
    const { lastAt } = await store.scanned()
    const before = known
    known = lastAt
    if (before === undefined || lastAt === before || lastAt === null) return []
    const [asked] = await store.ages(lastAt, [lastAt - (before ?? 0) - 1])
    return [{ name: 'fleet', data: { at: lastAt, asked: asked ?? 0 } }]
  }
}

function hostWatch(store: Store): () => Promise<LiveEvent[]> {
  let known: string | null = null
  return async () => {
    const hosts = await store.hosts(5)
    const times = hosts.flatMap((h) => [h.listedAt, ...h.checks.map((c) => c.last)])
    const at = times.reduce((a, b) => Math.max(a, b), 0)
    const now = `${hosts.length} ${at}`
    const before = known
    known = now
    return before === null || before === now ? [] : [{ name: 'hosts', data: { at } }]
  }
}

function alertWatch(store: Store): () => Promise<LiveEvent[]> {
  let known: string | null = null
  return async () => {
    const kept = await store.alertsKept()
    const now = JSON.stringify(kept.map((a) => [a.key, a.fingerprint]).sort())
    const before = known
    known = now
    return before === null || before === now ? [] : [{ name: 'alerts', data: { open: kept.length } }]
  }
}
