import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  type Alert,
  type AlertFacts,
  alertsFrom,
  attempted,
  bodyOf,
  claimed,
  due,
  type KeptAlert,
  messageOf,
  oneLine,
  type Rules,
  type Sending,
  type Standing,
} from '../../src/alerts.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const noon = Date.UTC(2026, 10, 1, 12)
const rules: Rules = { daysLeft: 14, hostDown: true, underThreshold: true, foreign: true, campaignStopped: true, notScannedDays: 14 }
const nothing: AlertFacts = {
  ending: { machines: 0, ended: 0, firstAt: null },
  hosts: [],
  foreign: { machines: 0, hosts: [] },
  campaigns: [],
  notScanned: { machines: 0, never: 0, listed: 100 },
}
const host = (more: Partial<NonNullable<AlertFacts['hosts']>[number]> = {}) => ({
  ...{ name: 'kms1.corp.example', port: 1688, down: false, since: null, checkedAt: noon, clients: 40, ending: 0, groups: [], ...more },
})
const alert = (more: Partial<Alert> = {}): Alert => ({
  grows: more.number ?? 3,
  ...{
    key: 'foreign',
    rule: 'foreign',
    severity: 'action',
    title: '3 machines',
    text: 'Three.',
    next: [],
    number: 3,
    about: ['a.example'],
  },
  ...{ since: null, link: { page: 'origin', query: { origin: 'foreign' } }, ...more },
})
const standing = (...alerts: Alert[]): Standing => ({ alerts, known: () => true, watched: () => true })

/** A store and a clock: what a server does with the ledger, without sending anything. */
class Desk {
  rows: KeptAlert[] = []
  at = noon
  ways = ['mail:it@corp.example']
  quiet = false
  readonly told: { way: string; event: string; number: number; id: string; at: number }[] = []
  broken = new Set<string>()
  look(now: Standing): Sending[] {
    const { put, drop, send } = due(this.rows, now, { ways: this.ways, quiet: this.quiet, now: this.at })
    for (const row of put) this.keep(row)
    this.rows = this.rows.filter((r) => !drop.includes(r.key))
    for (const sending of send) this.send(sending)
    return [...send]
  }
  keep(row: KeptAlert): void {
    this.rows = [...this.rows.filter((r) => r.key !== row.key), row]
  }
  row(key: string): KeptAlert {
    return this.rows.find((r) => r.key === key)!
  }
  send(sending: Sending): void {
    const claim = claimed(this.row(sending.key), sending, 'me', this.at)
    assert.ok(claim)
    this.keep(claim)
    const problem = this.broken.has(sending.way) ? 'It is off.' : null
    if (problem === null)
      this.told.push({ way: sending.way, event: sending.event, number: sending.alert.number, id: sending.id, at: this.at })
    this.keep(attempted(this.row(sending.key), sending, { problem, lost: false, at: this.at }))
  }
  events(): string[] {
    return this.told.map((t) => `${t.event} ${t.number}`)
  }
}

describe('what is worth a message', () => {
  test('a fleet in order says nothing; each rule by itself', () => {
    assert.deepEqual(alertsFrom(nothing, rules, noon).alerts, [])
    const groups = [
      {
        ...{ key: '2YT43', application: 'windows', name: 'Windows Server 2022', count: 7, at: noon },
        thresholds: [
          { of: 'Windows Server', count: 5 },
          { of: 'client Windows', count: 25 },
        ],
      },
    ]
    const facts: AlertFacts = {
      ending: { machines: 12, ended: 0, firstAt: noon + 9 * day },
      hosts: [host({ down: true, ending: 4 }), host({ name: 'kms2.corp.example', groups })],
      foreign: { machines: 2, hosts: ['b.example', 'a.example', 'a.example'] },
      campaigns: [
        { ...{ id: 3, kind: 'apply', selection: 'all', stopped: true, because: 'Too many failed.' }, changedAt: noon, left: 8 },
        { ...{ id: 4, kind: 'scan', selection: 'all', stopped: false, because: null }, changedAt: noon, left: 8 },
      ],
      notScanned: { machines: 5, never: 1, listed: 100 },
    }
    const { alerts } = alertsFrom(facts, rules, noon)
    assert.deepEqual(
      alerts.map((a) => `${a.severity}: ${a.title}`),
      [
        'action: KMS host kms1.corp.example:1688 does not answer',
        'action: 2 machines with an activation that is not yours',
        'attention: KMS host kms2.corp.example:1688 counts 7: too few for client Windows',
        'attention: 12 machines: an activation ends within 14 days',
        'attention: Campaign 3 (apply) is stopped',
        'attention: 5 machines did not answer for 14 days',
      ],
    )
    assert.match(alerts[0]!.text, /40 machines of the fleet name it\. On 4 machines an activation by it ends within 14 days\./)
    assert.match(alerts[1]!.text, /Hosts: a\.example, b\.example\./)
    const none: Rules = {
      ...{ daysLeft: null, hostDown: false, underThreshold: false, foreign: false },
      campaignStopped: false,
      notScannedDays: null,
    }
    assert.deepEqual(alertsFrom(facts, none, noon).alerts, [])
    // It counts fewer than any of its thresholds: it activates nobody. The end is near, or past: more than a remark.
    const few = { ...facts, hosts: [host({ groups: [{ ...groups[0]!, count: 4 }] })], ending: { machines: 1, ended: 1, firstAt: null } }
    assert.equal(alertsFrom(few, rules, noon).alerts.filter((a) => a.severity === 'action').length, 3)
  })

  test('what could not be asked raises nothing and ends nothing', () => {
    const desk = new Desk()
    const down = { ...nothing, hosts: [host({ down: true })], foreign: { machines: 1, hosts: [] } }
    desk.look(alertsFrom(down, rules, desk.at))
    assert.deepEqual(desk.events().length, 2)
    desk.at += hour
    desk.look(alertsFrom({ ...nothing, hosts: [host({ down: null })], foreign: null, ending: null }, rules, desk.at))
    assert.equal(desk.told.length, 2)
    desk.look(alertsFrom({ ...nothing, hosts: null, foreign: null, campaigns: null, notScanned: null }, rules, desk.at))
    assert.equal(desk.told.length, 2)
    desk.look(alertsFrom(nothing, rules, desk.at))
    assert.deepEqual(
      desk.told.slice(2).map((t) => t.event),
      ['over', 'over'],
    )
    desk.look(alertsFrom(nothing, rules, desk.at))
    assert.deepEqual(desk.rows, [])
    // A rule that is turned off is not over: nothing is said.
    desk.look(alertsFrom(down, rules, desk.at))
    desk.look(alertsFrom(down, { ...rules, foreign: false, hostDown: false }, desk.at))
    assert.equal(desk.told.length, 6)
    assert.deepEqual(desk.rows, [])
  })

  test('names with line ends, of 300 characters, in any script, with what turns the writing: one line, bounded, well formed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.integer({ min: 0, max: 1 }), (name, more) => {
        const facts: AlertFacts = {
          ...nothing,
          hosts: [host({ name: `${name}\r\nBcc: x@y.example${'n'.repeat(300 * more)}`, down: true })],
          foreign: { machines: 1, hosts: [name] },
          campaigns: [{ ...{ id: 1, kind: 'scan', selection: name, stopped: true, because: name }, changedAt: noon, left: 1 }],
        }
        for (const a of alertsFrom(facts, rules, noon).alerts) {
          for (const text of [a.title, a.text, a.key]) {
            assert.doesNotMatch(text, /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u)
            assert.ok(text.isWellFormed() && text.length < 1500)
          }
          const sending = {
            key: a.key,
            way: 'w',
            id: 'i',
            thread: 'i',
            event: 'new',
            version: 1,
            alert: a,
            since: noon,
            over: null,
          } as const
          const message = messageOf(sending, { organisation: name, url: 'https://slmctl.corp.example/' })
          assert.ok(message.subject.length <= 160)
          assert.doesNotMatch(message.subject, /\p{Cc}/u)
          assert.doesNotMatch(
            message.html.replace(/<\/?[a-z0-9]+(?: (?:style|lang|charset|href)="[^"<>]*")*>|<!doctype html>/g, ''),
            /[<>]/,
          )
        }
      }),
      { numRuns: 150 },
    )
    assert.equal(oneLine('a\u0000b\u202ec', 10), 'a b c')
    assert.equal(oneLine('\ud83d\ude00'.repeat(5), 4).isWellFormed(), true)
  })
})

describe('when it is told', () => {
  test('once; again with twice as many or a new name or graver, not with each day; over, once', () => {
    const desk = new Desk()
    const steps: [Alert[], string[]][] = [
      [[alert()], ['new 3']],
      [[alert()], []],
      [[alert({ number: 5, text: 'Five.' })], []],
      [[alert({ number: 6 })], ['changed 6']],
      [[alert({ number: 11 })], []],
      [[alert({ number: 2 })], []],
      // Six were told: five are no news, whatever it was in between.
      [[alert({ number: 5 })], []],
      [[alert({ number: 2, about: ['a.example', 'b.example'] })], ['changed 2']],
      [[alert({ number: 2, about: ['b.example'] })], []],
      [[alert({ number: 2, about: ['a.example'] })], []],
      [[], ['over 2']],
      [[], []],
      [[alert({ number: 2 })], ['new 2']],
    ]
    for (const [alerts, said] of steps) {
      const before = desk.told.length
      desk.at += day
      desk.look(standing(...alerts))
      assert.deepEqual(desk.events().slice(before), said, JSON.stringify(alerts))
    }
    assert.equal(new Set(desk.told.map((t) => t.id)).size, desk.told.length, 'each message has an id of its own')
    const graver = new Desk()
    graver.look(standing(alert({ severity: 'attention' })))
    graver.look(standing(alert({ severity: 'action' })))
    graver.look(standing(alert({ severity: 'attention' })))
    graver.look(standing(alert({ severity: 'action' })))
    assert.deepEqual(graver.events(), ['new 3', 'changed 3'])
  })

  test('the fingerprint moves with what is new, and with nothing else', () => {
    const desk = new Desk()
    desk.look(standing(alert()))
    const first = desk.row('foreign').fingerprint
    desk.look(standing(alert({ number: 4, text: 'Four; another day.' })))
    assert.equal(desk.row('foreign').fingerprint, first)
    desk.look(standing(alert({ number: 8 })))
    assert.notEqual(desk.row('foreign').fingerprint, first)
  })

  test('a host down for as long as it likes is one message, however many machines name it', () => {
    const desk = new Desk()
    const down = (clients: number, ending = 0) =>
      alert({ key: 'host-down k:1688', rule: 'host-down', number: clients, grows: ending, about: ['k:1688'] })
    for (const clients of [1, 10, 100]) desk.look(standing(down(clients)))
    assert.deepEqual(desk.events(), ['new 1'])
    // But when machines begin to fall off, that is told, and when they become many.
    for (const ending of [1, 1, 2, 3, 4, 7]) desk.look(standing(down(100, ending)))
    assert.equal(desk.told.length, 4)
  })

  test('quiet hours: what comes up is told when they end, what came and went is not', () => {
    const desk = new Desk()
    desk.quiet = true
    desk.look(standing(alert(), alert({ key: 'days-left', rule: 'days-left' })))
    desk.at += hour
    desk.look(standing(alert({ number: 7 })))
    assert.deepEqual(desk.events(), [])
    desk.at += hour
    desk.quiet = false
    desk.look(standing(alert({ number: 7 })))
    assert.deepEqual(desk.events(), ['new 7'])
    desk.quiet = true
    desk.look(standing())
    desk.look(standing())
    assert.deepEqual(desk.events(), ['new 7'])
    desk.quiet = false
    desk.look(standing())
    assert.deepEqual(desk.events(), ['new 7', 'over 7'])
  })

  test('a way that fails is tried again with growing gaps, up to six hours, and the others do not wait for it', () => {
    const desk = new Desk()
    desk.ways = ['mail:a', 'mail:b']
    desk.broken.add('mail:b')
    const tries: number[] = []
    for (let i = 0; i < 3 * 24 * 60; i++, desk.at += minute)
      for (const s of desk.look(standing(alert()))) if (s.way === 'mail:b') tries.push(desk.at)
    assert.deepEqual(
      desk.told.map((t) => t.way),
      ['mail:a'],
    )
    const gaps = tries.slice(1).map((t, i) => (t - tries[i]!) / minute)
    assert.deepEqual(gaps.slice(0, 10), [1, 2, 4, 8, 16, 32, 64, 128, 256, 360])
    assert.ok(gaps.slice(9).every((g) => g === 360))
    // It is there again: the latest is told, once.
    desk.broken.clear()
    desk.at += 6 * hour
    desk.look(standing(alert({ number: 50 })))
    assert.deepEqual(
      desk.told.slice(1).map((t) => `${t.way} ${t.event} ${t.number}`),
      ['mail:a changed 50', 'mail:b new 50'],
    )
  })

  test('over before anybody heard of it: nothing is said; where a try had no answer, it may have been heard', () => {
    for (const lost of [false, true]) {
      const desk = new Desk()
      desk.look({ ...standing(alert()) })
      desk.told.length = 0
      desk.rows = []
      const { put, send } = due([], standing(alert()), { ways: desk.ways, quiet: false, now: desk.at })
      desk.rows = [attempted(claimed(put[0]!, send[0]!, 'me', desk.at)!, send[0]!, { problem: 'off', lost, at: desk.at })]
      desk.at += hour
      desk.look(standing())
      assert.deepEqual(desk.events(), lost ? ['over 3'] : [])
    }
  })

  test('killed between sending and recording: it is sent again when the claim has run out, with the same id', () => {
    const desk = new Desk()
    const { put, send } = due([], standing(alert()), { ways: desk.ways, quiet: false, now: desk.at })
    desk.rows = [claimed(put[0]!, send[0]!, 'dead', desk.at)!]
    desk.at += minute
    assert.deepEqual(desk.look(standing(alert())), [])
    assert.equal(claimed(desk.row('foreign'), send[0]!, 'other', desk.at), null, 'another server does not send it meanwhile')
    desk.at += 5 * minute
    assert.deepEqual(
      desk.look(standing(alert())).map((s) => s.id),
      [send[0]!.id],
    )
    assert.deepEqual(desk.events(), ['new 3'])
    desk.at += day
    assert.deepEqual(desk.look(standing(alert())), [])
  })

  test('another look meanwhile: what came of a try is kept beside it', () => {
    const desk = new Desk()
    const { put, send } = due([], standing(alert()), { ways: desk.ways, quiet: false, now: desk.at })
    desk.rows = [claimed(put[0]!, send[0]!, 'me', desk.at)!]
    // Another server sees twice as many while this one is sending.
    desk.look(standing(alert({ number: 9 })))
    desk.keep(attempted(desk.row('foreign'), send[0]!, { problem: null, lost: false, at: desk.at }))
    assert.equal(bodyOf(desk.row('foreign')).version, 2)
    assert.deepEqual(
      desk.look(standing(alert({ number: 9 }))).map((s) => s.event),
      ['changed'],
    )
  })

  test('whatever happens, in whatever order: each way hears the latest once, and of the end once, when all works again', () => {
    const step = fc.record({
      number: fc.integer({ min: 0, max: 40 }),
      names: fc.subarray(['a', 'b', 'c']),
      quiet: fc.boolean(),
      broken: fc.subarray(['mail:a', 'hook:b']),
      unknown: fc.boolean(),
      minutes: fc.integer({ min: 1, max: 600 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.boolean(), (steps, endsUp) => {
        const desk = new Desk()
        desk.ways = ['mail:a', 'hook:b']
        for (const s of steps) {
          desk.at += s.minutes * minute
          desk.quiet = s.quiet
          desk.broken = new Set(s.broken)
          const alerts = s.number === 0 || s.unknown ? [] : [alert({ number: s.number, about: s.names })]
          desk.look({ ...standing(...alerts), known: () => !s.unknown })
        }
        desk.quiet = false
        desk.broken.clear()
        desk.at += 7 * hour
        const last = endsUp ? [alert({ number: 41, about: ['z'] })] : []
        desk.look(standing(...last))
        desk.at += 7 * hour
        const again = desk.look(standing(...last))
        assert.deepEqual(again, [], 'nothing is left to be told')
        for (const way of desk.ways) {
          const heard = desk.told.filter((t) => t.way === way)
          // `new` only at the beginning or after an end; an end only after something was told.
          let open = false
          for (const t of heard) {
            if (t.event === 'over') {
              assert.ok(open)
              open = false
            } else {
              if (t.event === 'new') assert.ok(!open)
              open = true
            }
          }
          assert.equal(open, endsUp)
          assert.equal(new Set(heard.map((t) => t.id)).size, heard.length, 'no message twice')
        }
        assert.equal(desk.rows.length, endsUp ? 1 : 0)
      }),
      { numRuns: 200 },
    )
  })
})
