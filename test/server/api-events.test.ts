import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { eventSchemas, type z } from '../../src/schemas.ts'
import { openLive } from '../../src/server/live-events.ts'
import { answer, found, product } from '../store/fixture.ts'
import { type ApiStage, apiStage, type CampaignSaid } from './api-stage.ts'
import { stage } from './stage.ts'

type Event = { readonly id: string; readonly name: string; readonly data: Record<string, unknown> }
type Line = { readonly events: Event[]; readonly text: () => string; readonly cut: () => void; readonly ended: Promise<void> }

/** Listens as an EventSource does. */
function listen(address: string, token: string, lastEventId?: string): Promise<Line> {
  return new Promise((open, reject) => {
    const asked = request(
      `http://${address}/api/v1/events`,
      {
        headers: { authorization: `Bearer ${token}`, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) },
        agent: false,
      },
      (said) => {
        assert.equal(said.headers['content-type'], 'text/event-stream')
        const events: Event[] = []
        let text = ''
        let read = 0
        said.setEncoding('utf8').on('data', (part: string) => {
          text += part
          for (let end = text.indexOf('\n\n', read); end >= 0; end = text.indexOf('\n\n', read)) {
            const fields = new Map(
              text
                .slice(read, end)
                .split('\n')
                .map((l) => [l.slice(0, l.indexOf(':')), l.slice(l.indexOf(':') + 2)] as const),
            )
            read = end + 2
            if (fields.has('data'))
              events.push({ id: fields.get('id')!, name: fields.get('event')!, data: JSON.parse(fields.get('data')!) as Event['data'] })
          }
        })
        open({
          events,
          text: () => text,
          cut: () => asked.destroy(),
          ended: new Promise((done) => said.once('close', () => done())),
        })
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

const until = async (what: string, holds: () => boolean) => {
  for (const end = performance.now() + 20_000; !holds(); await pause(25)) if (performance.now() > end) assert.fail(`waited for: ${what}`)
}

describe('live events', () => {
  let on: ApiStage
  before(async () => {
    on = await apiStage()
  })
  after(() => on.close())

  test('a campaign is heard until its end, and what machines answered; every event is as its schema says', async () => {
    const line = await listen(on.server.address, on.tokens.viewer)
    await pause(1500)
    const { campaign } = await on.post<{ campaign: CampaignSaid }>('/api/v1/campaigns/scan', { filter: { text: 'pc-' } }, 'operator')
    const of = () => line.events.filter((e) => e.name === 'campaign' && e.data.id === campaign.id)
    await until('the end of the campaign', () => of().some((e) => e.data.state === 'finished'))
    assert.equal(of().at(-1)!.data.done, campaign.machines)
    await until('machines that answered', () => line.events.some((e) => e.name === 'fleet' && (e.data.asked as number) > 0))
    await on.post('/api/v1/hosts/check', {}, 'operator')
    await until('hosts that were checked', () => line.events.some((e) => e.name === 'hosts'))
    for (const { name, data } of line.events) {
      const read = (eventSchemas[name as keyof typeof eventSchemas] as z.ZodType).safeParse(data)
      assert.ok(read.success, `${name}: ${read.error?.message}`)
    }
    assert.match(line.text(), /^retry: \d+\n\n/)
    line.cut()
    await line.ended
  })

  test('a line that was cut goes on where it was; one of another time is told to load anew', async () => {
    const first = await listen(on.server.address, on.tokens.viewer)
    await pause(1200)
    await on.post('/api/v1/campaigns/scan', { filter: { text: 'pc-1' } }, 'operator')
    await until('an event', () => first.events.length > 0)
    const seen = first.events[0]!
    await until('the end', () => first.events.some((e) => e.data.state === 'finished'))
    first.cut()
    const again = await listen(on.server.address, on.tokens.viewer, seen.id)
    await until('what was missed', () => again.events.length >= first.events.length - 1)
    assert.deepEqual(again.events.slice(0, first.events.length - 1), first.events.slice(1), 'none lost, none twice')
    again.cut()
    for (const id of ['ffffffff-3', 'nonsense', `${seen.id}9999999`]) {
      const other = await listen(on.server.address, on.tokens.viewer, id)
      await until('reset', () => other.events.length > 0)
      assert.equal(other.events[0]!.name, 'reset')
      other.cut()
    }
  })

  test('nobody listens without signing in', async () => {
    assert.equal((await on.ask('/api/v1/events', { token: 'slmctl_none' })).status, 401)
  })
})

describe('the ring of events', () => {
  test('a beat where nothing happens; who does not keep up is let go, and told to load anew when it is back', async () => {
    const on = await stage()
    const live = openLive({ store: on.store, clock: Date.now, everyMs: 20, beatMs: 60, kept: 10 })
    const stop = new AbortController()
    try {
      const quick = live.listen(null, stop.signal)
      assert.equal((await quick.next()).value, null, 'a beat')
      const slow = live.listen(null, stop.signal)
      const beat = slow.next()
      await beat
      assert.equal(live.listeners(), 2)
      live.tell({ name: 'alerts', data: { open: 1 } })
      const heard = (await quick.next()).value!
      assert.deepEqual(heard.event, { name: 'alerts', data: { open: 1 } })
      for (let open = 2; open < 20; open++) live.tell({ name: 'alerts', data: { open } })
      assert.equal((await slow.next()).done, true, 'it is let go')
      assert.equal(live.listeners(), 1)
      const back = live.listen(heard.id, stop.signal)
      assert.equal((await back.next()).value!.event.name, 'reset')
      stop.abort()
      assert.equal((await back.next()).done, true)
    } finally {
      await live.close()
      await on.close()
    }
  })

  test('the store is looked at once for all who listen, and not at all where nobody does', async () => {
    const on = await stage()
    let looks = 0
    const store = new Proxy(on.store, {
      get: (of, name) =>
        name === 'scanned'
          ? () => {
              looks++
              return of.scanned()
            }
          : of[name as keyof typeof of],
    })
    const live = openLive({ store, clock: Date.now, everyMs: 20, beatMs: 10_000 })
    const stop = new AbortController()
    try {
      await pause(100)
      assert.equal(looks, 0)
      const lines = Array.from({ length: 50 }, () => live.listen(null, stop.signal))
      const firsts = lines.map((l) => l.next())
      await pause(100)
      await on.store.importMachines([found('pc-1.corp.example')], { source: 'list:test', at: Date.now() })
      const [card] = await on.store.find('pc-1.corp.example')
      await on.store.observe([answer(card!.id, Date.now(), [product()])])
      const heard = await Promise.all(firsts)
      assert.ok(
        heard.every((h) => h.value?.event === heard[0]!.value!.event),
        'all hear the same one',
      )
      assert.equal(heard[0]!.value!.event.name, 'fleet')
      assert.ok(looks < 60, `${looks} looks`)
      stop.abort()
    } finally {
      await live.close()
      await on.close()
    }
  })
})
