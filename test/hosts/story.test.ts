/** What happened between a machine and its KMS host: two logs, two clocks, one conclusion. Data lines as in cases 23, 29 and 36. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { attemptEvents, attemptsQuestion, requestEvents } from '../../src/activation.ts'
import { type LogRead, type Story, storyOf } from '../../src/hosts.ts'
import { problem } from '../../src/model.ts'

const cmid = '46f27b40-2fd5-450b-be68-a10996d27a49'
const windows = '2de67392-b7a7-462a-b1ca-108dd189f588'
const name = 'pc-17.corp.example'
const host = 'kms1.corp.example'
const day = '2026-11-25'

/** A row of Win32_NTLogEvent, written at a time of that day. */
const row = (id: number, time: string, ...strings: string[]) => ({
  TimeGenerated: `${day.replaceAll('-', '')}${time.replaceAll(':', '')}.000000+000`,
  EventCode: String(id),
  SourceName: 'Microsoft-Windows-Security-SPP',
  InsertionStrings: strings,
})
const slashed = (time: string) => `${day.replaceAll('-', '/')} ${time}`
const sent = (time: string, code = '0x00000000', to = `${host}:1688`, id = windows) =>
  row(12288, `${time}:02`, `${code}, 0x00000000, ${to}, ${cmid}, ${slashed(time)}, 0, 2, 41760, ${id}, 25`)
const answered = (time: string, code: string, activated: 0 | 1, count: number) =>
  row(12289, `${time}:03`, `${code}, 0x00000000, ${activated}, 0, ${count}, 120, 10080, ${slashed(time)}`)
const failed = (time: string, code: string) =>
  row(
    8198,
    `${time}:05`,
    `hr=${code}`,
    `RuleId=eeba1977-569e-4571-b639-7623d8bfecc0;Action=AutoActivate;AppId=55c92734-d682-4d71-983e-d6ec3f16059f;SkuId=${windows};NotificationInterval=1440;Trigger=TimerEvent`,
  )
/** `at`: when the host wrote it, by its own clock; `time`: the client's. */
const handled = (at: string, time: string, code = '0x00000000', client = 'PC-17.corp.example', id = cmid) =>
  row(12290, `${at}:02`, `${code},25,${client},${id},${slashed(time)},0,2,41520,${windows}`)

type Row = ReturnType<typeof row>
const gone = problem('WINRM_UNREACHABLE', 'it does not answer.', ['slmctl status it'])
const log = (who: string, rows: readonly Row[] | null, clockAheadMinutes: number | null = 0): LogRead => {
  const read = rows && (who === name ? attemptEvents(rows, who) : requestEvents(rows, who))
  return { name: who, events: read?.events ?? null, unread: read?.unread ?? 0, problem: read ? null : gone, clockAheadMinutes }
}
const story = (own: readonly Row[] | null, ofHost: readonly Row[] | null, clock = 0): Story =>
  storyOf({ machine: name, hours: 24, clientMachineId: cmid, own: log(name, own, clock), hosts: [log(host, ofHost)] })

test('the question is bounded: one log, the events of activation, since a moment in UTC', () => {
  const question = attemptsQuestion(new Date('2026-11-26T05:54:09.7Z'))
  assert.ok('class' in question)
  assert.match(
    question.where!,
    /^Logfile='Application' AND \(EventCode=12288 OR EventCode=12289 OR .*\) AND TimeGenerated>='20261126055409\.000000\+000'$/,
  )
})

test('every way it can go, by both logs', () => {
  const lost = '0x800706BA'
  for (const [what, own, ofHost, outcome, words] of [
    ['all well', [sent('06:54'), answered('06:54', '0x00000000', 1, 50)], [handled('06:54', '06:54')], 'accepted', /took the answer/],
    [
      'the count',
      [sent('06:54', '0xC004F038'), answered('06:54', '0xC004F038', 0, 7), failed('06:54', '0xC004F038')],
      [handled('06:54', '06:54')],
      'refused',
      /counts 7 machines, and this product needs 25 \(0xC004F038\)/,
    ],
    [
      'a code of the host',
      [sent('06:54', '0xC004F042')],
      [handled('06:54', '06:54', '0xC004F042')],
      'refused',
      /refused it \(0xC004F042\)/,
    ],
    ['a code of the host, whose log is not read', [sent('06:54', '0xC004F042')], null, 'refused', /refused it/],
    [
      'no connection',
      [sent('06:54', lost), failed('06:54', '0xC004F074')],
      [],
      'not-reached',
      /did not reach kms1.*\(0x800706BA\): its log has nothing of it/,
    ],
    ['no connection, whatever the host says', [sent('06:54', lost)], null, 'not-reached', /\(0x800706BA\)\.$/],
    ['a code that says little; the log of the host decides', [sent('06:54', '0xC004F074')], [], 'not-reached', /log has nothing of it/],
    ['a code that says little, and no log', [sent('06:54', '0xC004F074')], null, 'cannot-tell', /only the log of kms1/],
    ['no name in DNS', [sent('06:54', '0x8007232B', '')], [], 'not-sent', /nothing left the machine/],
    ['no name in DNS, told by 8198 alone', [failed('06:54', '0x8007232B')], [], 'not-sent', /\(0x8007232B\): nothing left/],
    ['handled, and no answer came', [sent('06:54')], [handled('06:54', '06:54')], 'lost', /no event 12289/],
    ['sent, and the host has nothing of it', [sent('06:54')], [], 'cannot-tell', /another machine may answer under that name/],
    [
      'the machine cannot be asked; the host refused it',
      null,
      [handled('06:54', '06:54', '0xC004F06C')],
      'refused',
      /clocks are too far apart/,
    ],
    ['the machine cannot be asked; the host minded nothing', null, [handled('06:54', '06:54')], 'cannot-tell', /its own log would say/],
    ['nobody can be asked', null, null, 'cannot-tell', /could not be read\.$/],
    ['it never tried', [], [], 'not-tried', /did not try/],
    ['Active Directory', [row(12308, '06:54:01', 'CN=x,CN=Activation Objects,DC=corp,DC=example')], [], 'accepted', /Active Directory/],
  ] as const) {
    const told = story(own, ofHost)
    assert.equal(told.outcome, outcome, what)
    assert.match(told.because, words, what)
    if (outcome === 'accepted') assert.deepEqual(told.next, [])
    else assert.ok(told.next.length > 0, what)
  }
})

test('a clock that is wrong: the same request all the same, the gap in minutes, and one order of time', () => {
  // The machine is five hours behind: it wrote 01:54 when the host wrote 06:54.
  const told = story([sent('01:54', '0xC004F06C'), failed('01:54', '0xC004F074')], [handled('06:54', '01:54', '0xC004F06C')], -300)
  const [attempt] = told.attempts
  assert.equal(told.attempts.length, 1)
  assert.deepEqual([attempt!.clockGapMinutes, attempt!.code, told.outcome], [-300, '0xC004F06C', 'refused'])
  assert.match(told.because, /too far apart, by 300 minutes; more than 4 hours/)
  assert.deepEqual(
    attempt!.events.map((e) => [e.side, e.event, e.at]),
    [
      ['machine', 12288, `${day}T06:54:02Z`],
      ['host', 12290, `${day}T06:54:02Z`],
      ['machine', 8198, `${day}T06:54:05Z`],
    ],
  )
  const fields = Object.fromEntries(attempt!.events[0]!.fields.map((f) => [f.name, f.value]))
  assert.deepEqual(
    [fields.HRESULT, fields['server:port'], fields.CMID, fields['minimum count that the client needs']],
    ['0xC004F06C', `${host}:1688`, cmid, '25'],
  )
})

test('several tries: the latest of each product decides, and what went wrong counts first', () => {
  const office = '6f345b60-8a5c-427c-9d61-836982589dc1'
  const early = [sent('04:00', '0x800706BA')]
  const well = [sent('06:54'), answered('06:54', '0x00000000', 1, 50)]
  const told = story([...early, ...well], [handled('06:54', '06:54')])
  assert.deepEqual([told.outcome, told.attempts.map((a) => a.outcome)], ['accepted', ['accepted', 'not-reached']])
  const both = story([...well, sent('06:56', '0xC004F042', `${host}:1688`, office)], [handled('06:54', '06:54')])
  assert.equal(both.outcome, 'refused')
})

test('a machine that shares the CMID is another one; the same CMID under an older name is this one', () => {
  const copy = handled('05:00', '05:00', '0xC004F042', 'pc-99.corp.example')
  const told = story([sent('06:54'), answered('06:54', '0x00000000', 1, 50)], [copy, handled('06:54', '06:54', '0x00000000', 'old-name')])
  assert.equal(told.attempts.length, 1)
  assert.equal(told.attempts[0]!.events.length, 3)
  // By its name it is found without any CMID of its own.
  const named = storyOf({
    machine: name,
    hours: 24,
    clientMachineId: null,
    own: log(name, null),
    hosts: [log(host, [handled('06:54', '06:54', '0xC004F042', 'PC-17')])],
  })
  assert.equal(named.outcome, 'refused')
})

test('other programs use the same numbers; an event that nobody can read is counted', () => {
  const other = { ...row(1003, '06:00:00', 'Windows Search'), SourceName: 'Microsoft-Windows-Search' }
  const read = attemptEvents([other, row(12288, '06:00:00', 'nothing of it'), sent('06:54')], name)
  assert.deepEqual([read.events.length, read.unread], [1, 1])
  const state = row(
    1003,
    '06:55:00',
    '55c92734-d682-4d71-983e-d6ec3f16059f',
    `1: ${windows}, 1, 1 [(0 [0x00000000, 1, 0], [(?)(?)( 1 0x00000000 30 0 msft:rm/algorithm/volume/1.0 0x00000000 259192)(?)(?)(?)])(1 )(2 )]`,
  )
  const told = story([state], [])
  assert.deepEqual(told.state[0]!.fields.at(-1), { name: windows, value: 'status 1, reason 0x00000000, 259192 minutes left' })
})

test('a product key that somebody wrote into a log is not told', () => {
  const key = ['BCDFG', 'HJKMN', 'PQRTV', 'WXY23', '46789'].join('-')
  const odd = row(8198, '06:54:00', 'hr=0xC004F074', `RuleId=x;SkuId=${windows};Key=${key}`)
  const { events } = attemptEvents(
    [odd, row(12288, '06:55:00', `0xC004F074, 0x00000000, ${key}:1688, ${cmid}, ${slashed('06:55')}, 0, 2, 41760, ${windows}, 25`)],
    name,
  )
  const told = JSON.stringify([events.map((e) => [...e.cells.values(), e.cell]), story([odd], [])])
  assert.equal(events.length, 2)
  assert.ok(!told.includes('HJKMN'), told)
})

test('fuzz: whatever two logs hold, there is a story, and no event is told twice', () => {
  const time = fc
    .integer({ min: 0, max: 1439 })
    .map((m) => `${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`)
  const code = fc.constantFrom('0x00000000', '0xC004F038', '0xC004F06C', '0x800706BA', '0xC004F074', '0x12345678')
  const own = fc.oneof(
    fc.tuple(time, code).map(([t, c]) => sent(t, c)),
    fc.tuple(time, code).map(([t, c]) => answered(t, c, c === '0x00000000' ? 1 : 0, 50)),
    fc.tuple(time, code).map(([t, c]) => failed(t, c)),
  )
  const there = fc.tuple(time, time, code).map(([a, t, c]) => handled(a, t, c))
  fc.assert(
    fc.property(fc.array(own, { maxLength: 8 }), fc.array(there, { maxLength: 8 }), (a, b) => {
      const told = story(a, b)
      assert.equal(told.attempts.flatMap((t) => t.events).length, a.length + b.length)
      assert.ok(told.because.length > 0)
    }),
    { numRuns: 300 },
  )
})

test('what a log calls a host goes into no command that is pasted into a shell, but where it is a name', () => {
  const bad = '$(id>x)|sh'
  const told = story([sent('06:54', '0x800706BA', `${bad}:1688`)], null)
  assert.equal(told.attempts[0]!.host, bad)
  assert.deepEqual(
    told.next.filter((next) => next.includes(bad)),
    [],
  )
  assert.ok(story([sent('06:54', '0x800706BA')], null).next.some((next) => next.includes(`slmctl hosts check ${host}`)))
})
