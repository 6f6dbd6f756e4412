import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { beforeEach, test } from 'node:test'
import { ProblemError } from '../../../src/model.ts'
import { callsGivenUp, openWmi } from '../../../src/native.ts'
import { Secret } from '../../../src/secrets.ts'
import { openLocal } from '../../../src/windows.ts'
import { type Fixture, type FixtureAnswer, type FixtureFault, fixtureText } from '../fixture.ts'
import { privateBytes } from './memory.ts'

/** Runs in Windows' Node with the provider of fixtures in place of WMI; run.ts says where the files are. */

const [folder, callsFile] = [process.env.SLMCTL_FIXTURE!, process.env.SLMCTL_FIXTURE_CALLS!]

const strange = ['a\0b', '\ud800x\udc00', 'Größe €', '😀', '', '"quoted" \\ and <tagged>\t\r\n']
const product = {
  class: 'Product',
  properties: [
    { name: 'ID', type: 'string', key: true },
    ...strange.map((_, i) => ({ name: `Text${i}`, type: 'string' as const })),
    { name: 'Count', type: 'uint32' },
    { name: 'Small', type: 'uint16' },
    { name: 'Signed', type: 'sint16' },
    { name: 'Large', type: 'uint64' },
    { name: 'Truth', type: 'boolean' },
    { name: 'When', type: 'datetime' },
    { name: 'Nothing', type: 'string' },
    { name: 'Words', type: 'string[]' },
    { name: 'Numbers', type: 'uint16[]' },
    { name: 'SignedNumbers', type: 'sint32[]' },
  ],
  methods: [
    { name: 'Activate', in: [] },
    {
      name: 'Set',
      in: [
        { name: 'Text', type: 'string' },
        { name: 'Number', type: 'uint32' },
        { name: 'Truth', type: 'boolean' },
      ],
    },
  ],
} as const
const row = {
  class: 'Product',
  values: {
    ID: 'one "two" \\ three',
    ...Object.fromEntries(strange.map((text, i) => [`Text${i}`, text])),
    ...{ Count: 4_294_967_295, Small: 65_535, Signed: -32_768, Large: '18446744073709551615', Truth: true },
    ...{ When: { datetime: '20261126101500.250000+060' }, Nothing: null },
    ...{ Words: ['one'], Numbers: [0, 65_535], SignedNumbers: [-1, 2_147_483_647] },
  },
}
const columns = product.properties.map((p) => p.name)

function fixture(more: { faults?: FixtureFault[]; answers?: FixtureAnswer[]; generated?: number } = {}): void {
  const { faults = [], answers = [], generated } = more
  const made: Fixture = {
    classes: [{ ...product, ...(generated ? { generated } : {}) }],
    states: [{ rows: [row], answers }],
    faults,
  }
  // A file is read once: another each time.
  const file = `${folder}-${++written}`
  writeFileSync(file, fixtureText(made))
  process.env.SLMCTL_FIXTURE = file
}
let written = 0
beforeEach(() => {
  rmSync(callsFile, { force: true })
  fixture()
})

const short = { questionMs: 2000, callMs: 2000 }
/** Methods that were called, as the provider wrote them down. */
const calls = () =>
  readFileSync(callsFile, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { op: string; arguments: unknown })
    .filter(({ op }) => op === 'method')
const code = async (asked: Promise<unknown>): Promise<string> => {
  try {
    await asked
    return 'none'
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return error.problems[0]!.code
  }
}
const question = { class: 'Product', columns }
const activate = { class: 'Product', key: { ID: row.values.ID }, method: 'Activate', arguments: {} }

/** What is alive in the provider: COM objects, strings and arrays. Its session and the question itself are a part of it. */
async function alive(): Promise<{ objects: number; blocks: number }> {
  const wmi = await openWmi()
  try {
    const [counters] = await wmi.query('root/cimv2', 'SELECT * FROM FixtureCounters', { rows: 10, bytes: 10_000, limitMs: 5000 })
    return { objects: Number(counters!.Objects), blocks: Number(counters!.Blocks) }
  } finally {
    await wmi.close()
  }
}

test('every kind of value comes as the wire would carry it', async () => {
  const machine = openLocal('here')
  const [got] = (await machine.ask(question))!
  await machine.close()
  assert.deepEqual(got, {
    ID: row.values.ID,
    Text0: 'a\ufffdb',
    Text1: '\ufffdx\ufffd',
    ...Object.fromEntries(strange.slice(2).map((text, i) => [`Text${i + 2}`, text])),
    ...{ Count: '4294967295', Small: '65535', Signed: '-32768', Large: '18446744073709551615', Truth: 'true' },
    ...{ When: '2026-11-26T10:15:00.25+01:00', Nothing: null },
    ...{ Words: ['one'], Numbers: ['0', '65535'], SignedNumbers: ['-1', '2147483647'] },
  })
})

test('a class that is missing, a column that is missing', async () => {
  const machine = openLocal('here')
  assert.equal(await machine.ask({ class: 'Missing', columns: ['ID'] }), null)
  assert.deepEqual(await machine.ask({ class: 'Product', columns: ['ID', 'Later'] }), [{ ID: row.values.ID }])
  assert.equal(await machine.ask({ namespace: 'root/nowhere', class: 'Product', columns: ['ID'] }), null)
  await machine.close()
})

test('arguments arrive as they were meant, a secret too, and each call once', async () => {
  fixture({ answers: [{ class: 'Product', method: 'Set', gives: { ReturnValue: '3221549172' }, next: 0 }] })
  const machine = openLocal('here')
  const set = (args: Record<string, string | number | boolean | Secret>) => machine.call({ ...activate, method: 'Set', arguments: args })
  const answer = await set({ Text: 'Größe "x" \\', Number: 4_294_967_295, Truth: true })
  assert.deepEqual(answer, { returnValue: 0xc004f074, out: {} })
  await set({ Text: new Secret(Buffer.from('geheim €')), Number: 0, Truth: false })
  await machine.close()
  const [bstr, i4, boolean] = [8, 3, 11]
  const as = (text: string, number: number, truth: boolean) => ({
    Text: { vt: bstr, value: text },
    // The same 32 bits: WMI has no unsigned numbers.
    Number: { vt: i4, value: number },
    Truth: { vt: boolean, value: truth },
  })
  assert.deepEqual(
    calls().map((call) => call.arguments),
    [as('Größe "x" \\', -1, true), as('geheim €', 0, false)],
  )
})

test('what a method returns, and what it was not reached by', async () => {
  const outcome = async (hresult: number, where: 'method' | 'lost' = 'method') => {
    fixture({
      answers: [{ class: 'Product', method: 'Activate', gives: { ReturnValue: '0' }, next: 0 }],
      faults: [{ where, what: 'Activate', hresult }],
    })
    const machine = openLocal('here', short)
    try {
      const { returnValue } = await machine.call(activate)
      return returnValue
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      return error.problems[0]!.code
    } finally {
      await machine.close()
    }
  }
  assert.equal(await outcome(0xc004f074), 0xc004f074)
  assert.equal(await outcome(0x8007232b), 0x8007232b)
  assert.equal(await outcome(0x80041003), 'LOCAL_ACCESS_DENIED')
  assert.equal(await outcome(0x80070005), 'LOCAL_ACCESS_DENIED')
  assert.equal(await outcome(0x80041013), 'LOCAL_PROVIDER')
  for (const hresult of [0x800706ba, 0x800706be, 0x80010108, 0x80041033]) assert.equal(await outcome(hresult, 'lost'), 'CALL_UNANSWERED')
})

test('what goes wrong with a question has a Problem of its own', async () => {
  const asked = async (fault: FixtureFault) => {
    fixture({ faults: [fault] })
    const machine = openLocal('here', short)
    const result = await code(machine.ask(question))
    await machine.close()
    return result
  }
  assert.equal(await asked({ where: 'connect', hresult: 0x80041003 }), 'LOCAL_ACCESS_DENIED')
  assert.equal(await asked({ where: 'connect', hresult: 0x80070422 }), 'LOCAL_WMI_UNAVAILABLE')
  assert.equal(await asked({ where: 'query', hresult: 0x80041013 }), 'LOCAL_PROVIDER')
  assert.equal(await asked({ where: 'next', hresult: 0x80041001 }), 'LOCAL_FAULT')
  assert.equal(await asked({ where: 'next', from: 1, hresult: 0x800706be }), 'LOCAL_WMI_UNAVAILABLE')
  assert.equal(await asked({ where: 'next', hresult: 0x80041069 }), 'LOCAL_SLOW')
})

test('100,000 rows are read within bounds, and one more is a Problem; the event loop goes on', async () => {
  fixture({ generated: 100_000 })
  const delay = monitorEventLoopDelay({ resolution: 2 })
  const machine = openLocal('here')
  delay.enable()
  const start = performance.now()
  const rows = (await machine.ask({ class: 'Product', columns: ['ID', 'Count', 'Truth'] }))!
  delay.disable()
  const took = performance.now() - start
  console.log(
    `        100,000 rows of three columns: ${took.toFixed(0)} ms, longest wait of the event loop ${(delay.max / 1e6).toFixed(0)} ms`,
  )
  assert.equal(rows.length, 100_000)
  assert.equal(new Set(rows.map((r) => r.ID)).size, 100_000)
  assert.ok(delay.max / 1e6 < took / 10)
  fixture({ generated: 100_001 })
  assert.equal(await code(machine.ask({ class: 'Product', columns: ['ID'] })), 'LOCAL_TOO_LARGE')
  await machine.close()
  const careful = openLocal('here', { bytes: 10_000 })
  assert.equal(await code(careful.ask({ class: 'Product', columns: ['ID'] })), 'LOCAL_TOO_LARGE')
  await careful.close()
})

test('a provider that is silent costs its time and no more; the event loop goes on', async () => {
  for (const fault of [
    { where: 'next', delayMs: 60_000 },
    { where: 'query', delayMs: 6000 },
    { where: 'connect', delayMs: 6000 },
  ] as const) {
    fixture({ faults: [fault] })
    const delay = monitorEventLoopDelay({ resolution: 2 })
    delay.enable()
    const machine = openLocal('here', short)
    const start = performance.now()
    assert.equal(await code(machine.ask(question)), 'LOCAL_SLOW')
    const took = performance.now() - start
    delay.disable()
    assert.ok(took > 1900 && took < 4000, `${fault.where}: ${took} ms`)
    assert.ok(delay.max / 1e6 < 500, `${fault.where}: the event loop waited ${delay.max / 1e6} ms`)
    // Until the call that was given up comes back, the session takes no other; afterwards it does.
    assert.equal(callsGivenUp(), fault.where === 'next' ? 0 : 1)
    if (fault.where !== 'next') assert.equal(await code(machine.call(activate)), 'LOCAL_SLOW')
    fixture()
    await new Promise((go) => setTimeout(go, fault.where === 'next' ? 0 : 5500))
    assert.equal(await code(machine.ask(question)), 'none')
    assert.equal(callsGivenUp(), 0)
    await machine.close()
  }
  assert.deepEqual(calls(), [])
})

test('a method that is silent is a lost answer, and not called again', async () => {
  fixture({
    answers: [{ class: 'Product', method: 'Activate', gives: { ReturnValue: '0' }, next: 0 }],
    faults: [{ where: 'method', what: 'Activate', delayMs: 60_000 }],
  })
  const machine = openLocal('here', short)
  const start = performance.now()
  assert.equal(await code(machine.call(activate)), 'CALL_UNANSWERED')
  assert.ok(performance.now() - start < 4000)
  await machine.close()
  assert.ok(calls().length <= 1)
})

test('everything is given back, whatever went wrong', async () => {
  const each: (readonly [string, FixtureFault[], () => Promise<unknown>])[] = []
  const add = (name: string, faults: FixtureFault[], f: (machine: ReturnType<typeof openLocal>) => Promise<unknown>) =>
    each.push([
      name,
      faults,
      async () => {
        const machine = openLocal('here', short)
        await f(machine).catch(() => {})
        await machine.close()
      },
    ])
  add('rows', [], (m) => m.ask(question))
  add('a missing class', [], (m) => m.ask({ class: 'Missing', columns: ['ID'] }))
  add('a missing column', [], (m) => m.ask({ class: 'Product', columns: ['ID', 'Later'] }))
  add('an error before the rows', [{ where: 'query', hresult: 0x80041001 }], (m) => m.ask(question))
  add('an error after a row', [{ where: 'next', from: 1, hresult: 0x80041001 }], (m) => m.ask(question))
  add('no connection', [{ where: 'connect', hresult: 0x80041003 }], (m) => m.ask(question))
  add('a call', [], (m) => m.call(activate))
  add('a call with arguments', [], (m) => m.call({ ...activate, method: 'Set', arguments: { Text: 'x', Number: 1, Truth: true } }))
  add('a wrong argument', [], (m) => m.call({ ...activate, method: 'Set', arguments: { Text: 'x', Number: 'many' } }))
  add('a parameter that is not there', [], (m) => m.call({ ...activate, arguments: { Text: 'x' } }))
  add('a method that is not there', [], (m) => m.call({ ...activate, method: 'Nothing' }))
  add('a class without methods', [], (m) => m.call({ ...activate, class: 'Missing' }))
  add('a lost answer', [{ where: 'lost', what: 'Activate', hresult: 0x800706be }], (m) => m.call(activate))
  add('a refused method', [{ where: 'method', what: 'Activate', hresult: 0xc004f074 }], (m) => m.call(activate))
  const answers = ['Activate', 'Set'].map((method) => ({ class: 'Product', method, gives: { ReturnValue: '0' }, next: 0 }))
  for (const [name, faults, f] of each) {
    fixture({ faults, answers })
    await f()
    fixture({ answers })
    const before = await alive()
    fixture({ faults, answers })
    for (let i = 0; i < 10; i++) await f()
    fixture({ answers })
    assert.deepEqual(await alive(), before, name)
  }
  const generated = 200
  fixture({ generated })
  const tooMany = openLocal('here', { rows: 100 })
  const many = () => code(tooMany.ask({ class: 'Product', columns: ['ID'] }))
  assert.equal(await many(), 'LOCAL_TOO_LARGE')
  const before = await alive()
  for (let i = 0; i < 10; i++) await many()
  assert.deepEqual(await alive(), before)
  await tooMany.close()
})

test('3,000 questions and calls leave nothing behind', async () => {
  fixture({ answers: [{ class: 'Product', method: 'Set', gives: { ReturnValue: '0' }, next: 0 }] })
  const machine = openLocal('here')
  const round = async (times: number) => {
    for (let i = 0; i < times; i++) {
      if (i % 3 === 0) await machine.call({ ...activate, method: 'Set', arguments: { Text: 'x', Number: i, Truth: true } })
      else await machine.ask(question)
    }
  }
  await round(1000)
  const [counted, bytes] = [await alive(), await privateBytes()]
  const start = performance.now()
  await round(3000)
  const each = (performance.now() - start) / 3000
  assert.deepEqual(await alive(), counted)
  const grown = (await privateBytes()) - bytes
  console.log(`        3,000 questions and calls of ${each.toFixed(2)} ms: no object more, ${(grown / 1024).toFixed(0)} KiB more`)
  assert.ok(grown < 4 << 20, `${grown} bytes more`)
  await machine.close()
})
