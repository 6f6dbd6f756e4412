import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type FileKind, kindOf, readSource } from '../../src/fleet.ts'
import { type FoundMachine, ProblemError } from '../../src/model.ts'

const kinds: readonly FileKind[] = ['csv', 'ansible-ini', 'ansible-yaml', 'zone', 'list']
const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Written apart from the product's own rule: letters, digits, hyphens, underscores in labels; or an address. */
const name = /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$|^[0-9a-f:.]+$/

function isValid(machine: FoundMachine): void {
  assert.match(machine.name, name)
  for (const id of [machine.guid, machine.uuid]) if (id !== null) assert.match(id, guid)
  if (machine.address !== null) assert.match(machine.address, name)
  if (machine.lastSeen !== null) assert.equal(new Date(machine.lastSeen).toISOString(), machine.lastSeen)
  for (const text of [machine.system, machine.pool, machine.distinguishedName, ...machine.groups])
    if (text !== null) assert.ok(text.length > 0 && text.length <= 2048 && !/\p{Cc}/u.test(text))
}

/** Whatever it is: machines that hold, problems with a line each, no crash, no other error, in bounded time. */
function holds(bytes: Uint8Array, kind: FileKind | undefined): void {
  // Time of the processor: how busy the computer is says nothing about us.
  const started = process.cpuUsage()
  try {
    const reading = readSource('fuzz', bytes, kind ? { kind } : {})
    for (const machine of reading.machines) isValid(machine)
    assert.ok(reading.problems.length <= 101)
    assert.equal(reading.notTaken > 0, reading.problems.length > 0)
    for (const p of reading.problems) assert.ok(p.code === 'SOURCE_MORE' || (p.line !== null && p.line >= 1), p.summary)
  } catch (error) {
    assert.ok(error instanceof ProblemError, String((error as Error).stack))
  }
  assert.ok(process.cpuUsage(started).user < 5_000_000)
}

/** Pieces of every kind of source, so that chance gets further than the first line. */
const pieces = fc.oneof(
  fc.constantFrom(
    'name',
    'dnshostname',
    'objectguid',
    'ws1',
    'WS1.corp.example.',
    'bücher',
    '10.0.0.1',
    '2001:db8::1',
    '3f2504e0-4f89-11d3-9a0c-0305e82c3301',
  ),
  fc.constantFrom(
    ',',
    ';',
    '\t',
    '"',
    '""',
    "'",
    '\n',
    '\r\n',
    ' ',
    '#',
    '=',
    ':',
    '[',
    ']',
    '(',
    ')',
    '{',
    '}',
    '- ',
    '&a ',
    '*a',
    '!x ',
    '|',
    '>',
  ),
  fc.constantFrom(
    '[web]',
    '[web:children]',
    '[x:vars]',
    'web[01:50]',
    'a[1:9:0]',
    'x[a:z]',
    'ansible_host=',
    'all:\n  hosts:\n    ',
    'children:\n',
    '---\n',
  ),
  fc.constantFrom(
    '$ORIGIN ',
    '$TTL 1',
    'IN A ',
    'AAAA ',
    'SOA a b ( 1',
    '@',
    '*',
    '_x',
    '\\',
    '\ufeff',
    '\0',
    '\ud800',
    '__proto__',
    'constructor',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
)
const texts = fc.array(pieces, { maxLength: 80 }).map((parts) => parts.join(''))

test('every reader: any text gives machines that hold, or problems with their lines', () => {
  fc.assert(
    fc.property(texts, fc.constantFrom(...kinds, undefined), (text, kind) => holds(Buffer.from(text), kind)),
    { numRuns: 3000 },
  )
})

test('every reader: any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(...kinds, undefined), (bytes, kind) => holds(bytes, kind)),
    { numRuns: 1000 },
  )
})

test('every reader: long texts that repeat one thing end in time', () => {
  for (const kind of kinds)
    for (const piece of [
      '"',
      '",',
      'a,',
      '(',
      '[',
      'a[1:9]',
      '{',
      '- ',
      '\\',
      '\n',
      ' ',
      "'",
      '[a:b]\n',
      'a.',
      '&a [',
      '"a\n',
      ': ',
      '=',
      '\t;',
    ])
      holds(Buffer.from(piece.repeat(200_000 / piece.length)), kind)
})

test('names that go into a table come out of it as one name or none, whatever they are', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
      const cell = `"${text.replaceAll('"', '""')}"`
      const reading = readSource('x.csv', Buffer.from(`name,os\n${cell},x\nlast,y\n`))
      assert.equal(reading.machines.at(-1)!.name, 'last')
      assert.ok(reading.machines.length <= 2)
    }),
    { numRuns: 1000 },
  )
})

test('what a file is can be told of any text', () => {
  fc.assert(
    fc.property(texts, (text) => {
      assert.ok(kinds.includes(kindOf('x', text)))
    }),
  )
})
