/** What a host's log says of who asked. The data line is one that was recorded on a real host (case 29), its names replaced. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { requestEvents, requestsQuestion } from '../../src/activation.ts'
import { aboutDuplicate, requestsOf } from '../../src/hosts.ts'

const line = (client: string, cmid: string, code = '0x00000000', time = '2015/9/25 21:46') =>
  `${code},5,${client},${cmid},${time},1,2,41760,68531fb9-5511-4989-97be-d11a0f55633f`
const row = (data: string | readonly string[]) => ({
  TimeGenerated: '20150925214600.000000+000',
  EventCode: '12290',
  InsertionStrings: data,
})
const cmid = (n: number) => `0000000${n}-1111-2222-3333-444455556666`
const of = (...rows: ReturnType<typeof row>[]) => {
  const { events, unread } = requestEvents(rows, 'kms1')
  return requestsOf(events, unread, 24)
}

test('the question is bounded: one log, one event, since a moment in UTC', () => {
  const question = requestsQuestion(new Date('2026-11-26T05:54:09.7Z'))
  assert.ok('class' in question)
  assert.equal(question.class, 'Win32_NTLogEvent')
  assert.equal(question.where, "Logfile='Key Management Service' AND EventCode=12290 AND TimeGenerated>='20261126055409.000000+000'")
})

test('a request is read with its fields, from one string or from one for each value', () => {
  const data = line('srv-1.corp.example', cmid(1), '0xC004F06C')
  for (const strings of [data, [data], data.split(',')]) {
    const { latest, failures, events, clients, unread } = of(row(strings))
    assert.deepEqual([events, clients, unread], [1, 1, 0])
    assert.deepEqual(latest[0], {
      ...{ time: '2015-09-25T21:46:00', loggedAt: '2015-09-25T21:46:00Z', clockAheadMinutes: 0 },
      ...{ client: 'srv-1.corp.example', clientMachineId: cmid(1), product: latest[0]!.product },
      ...{
        activationId: '68531fb9-5511-4989-97be-d11a0f55633f',
        state: 'initial-grace',
        minutesLeft: 41_760,
        requiredCount: 5,
        code: '0xC004F06C',
      },
    })
    assert.match(latest[0]!.product!, /Server 2008 R2/)
    assert.equal(failures[0]!.code, '0xC004F06C')
    assert.deepEqual(failures[0]!.clients, ['srv-1.corp.example'])
    assert.match(failures[0]!.meaning!, /./)
  }
})

test('machines that share a CMID are named; one machine with a short and a full name is not', () => {
  const r = of(
    row(line('pc-1.corp.example', cmid(1))),
    row(line('pc-2.corp.example', cmid(1))),
    row(line('PC-1.corp.example', cmid(1))),
    row(line('pc-3', cmid(3))),
    row(line('pc-3.corp.example', cmid(3))),
    row(line('pc-4.corp.example', cmid(4))),
  )
  assert.deepEqual(r.duplicates, [{ clientMachineId: cmid(1), clients: ['pc-1.corp.example', 'pc-2.corp.example'], pool: null, fleet: [] }])
  assert.deepEqual([r.events, r.clients], [6, 3])
})

test('one machine: by any form of its name or by its CMID; the oldest event is of the whole log', () => {
  const rows = [
    { ...row(line('pc-1.corp.example', cmid(1), '0xC004F042', '2015/9/25 01:46')), TimeGenerated: '20150925064600.000000+000' },
    row(line('PC-1.corp.example', cmid(2))),
    row(line('pc-10.corp.example', cmid(3))),
  ]
  const { events } = requestEvents(rows, 'kms1')
  for (const [client, found] of [
    ['pc-1', 2],
    ['PC-1.corp.example', 2],
    [cmid(3), 1],
    ['pc-100', 0],
  ] as const) {
    const r = requestsOf(events, 0, 720, client)
    assert.deepEqual([r.client, r.events, r.since], [client, found, '2015-09-25T06:46:00Z'], client)
  }
  const one = requestsOf(events, 0, 720, 'pc-1')
  // It came with two CMIDs, as a machine of a non-persistent pool does; each counts.
  assert.deepEqual(one.changing, [{ client: 'pc-1.corp.example', clientMachineIds: 2 }])
  assert.deepEqual(
    one.latest.map((e) => e.clockAheadMinutes),
    [0, -300],
  )
  assert.equal(one.failures[0]!.code, '0xC004F042')
})

test('CMIDs that the fleet knows of: a pool is told from copies that nobody meant', () => {
  const shared = (pool: string | null) => new Map([[cmid(1), { pool, machines: [{ name: 'vdi-1' }, { name: 'vdi-2' }] }]])
  const { events } = requestEvents([row(line('vdi-1', cmid(1)))], 'kms1')
  const [pooled] = requestsOf(events, 0, 24, null, shared('desks')).duplicates
  assert.deepEqual(pooled, { clientMachineId: cmid(1), clients: ['vdi-1'], pool: 'desks', fleet: ['vdi-1', 'vdi-2'] })
  assert.match(aboutDuplicate(pooled!).summary, /2 machines of the pool desks have one CMID/)
  assert.equal(aboutDuplicate(pooled!).severity, 'info')
  const [copies] = requestsOf(events, 0, 24, null, shared(null)).duplicates
  assert.deepEqual(
    [aboutDuplicate(copies!).severity, /vdi-1, vdi-2 came with one CMID/.test(aboutDuplicate(copies!).summary)],
    ['attention', true],
  )
})

test('the latest come first; what nobody can read is counted, and is not "no requests"', () => {
  const r = of(
    row(line('old', cmid(1), '0x0', '2015/9/24 10:00')),
    row(line('new', cmid(2), '0x0', '2015/9/26 10:00')),
    row('something else'),
    row([]),
  )
  assert.deepEqual(
    r.latest.map((e) => e.client),
    ['new', 'old'],
  )
  assert.deepEqual([r.events, r.unread, r.failures.length], [2, 2, 0])
  const many = of(...Array.from({ length: 500 }, (_, i) => row(line(`pc-${i}`, cmid(1)))))
  assert.deepEqual([many.events, many.latest.length], [500, 200])
})

test('fuzz: whatever a log says is a request or is counted as unread', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.array(fc.string())), { maxLength: 5 }), (data) => {
      const r = of(...data.map(row))
      assert.equal(r.events + r.unread, data.length)
    }),
    { numRuns: 300 },
  )
})
