import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as catalogue from '../src/catalogue.ts'
import { version } from '../src/cli/version.ts'

const { activationIds, clientKeys, defaultKeys, errors, events, labels, marks, numbers, platformHosts, sources } = catalogue

function unique(name: string, keys: readonly unknown[]): void {
  const seen = new Set()
  for (const key of keys) {
    assert.ok(!seen.has(key), `${name}: ${String(key)} stands twice`)
    seen.add(key)
  }
}

test('keys: shape, uniqueness, and the four rows that come and go are marked', () => {
  for (const row of clientKeys) assert.match(row.key, /^[BCDFGHJKMNPQRTVWXY2346789]{5}(?:-[BCDFGHJKMNPQRTVWXY2346789]{5}){4}$/)
  unique(
    'keys',
    clientKeys.map((r) => `${r.product} ${r.edition} ${r.channel}`),
  )
  assert.equal(clientKeys.filter((r) => r.listing === 'varies-by-revision').length, 4)
  assert.equal(new Set(clientKeys.filter((r) => r.family !== 'office').map((r) => r.key)).size, 82)
  assert.equal(clientKeys.filter((r) => r.family === 'office').length, 56)
})

test('errors: unique, ascending, and each found by hex, signed and unsigned decimal', async () => {
  unique(
    'errors',
    errors.map((e) => e.code),
  )
  assert.deepEqual(
    errors.map((e) => e.code),
    errors.map((e) => e.code).toSorted((a, b) => a - b),
  )
  const { main } = await import('../src/cli.ts')
  const io = (sink: string[]) => ({
    out: (t: string) => void sink.push(t),
    err: (t: string) => void sink.push(t),
    columns: 80,
    paint: (_: string, t: string) => t,
  })
  for (const row of errors) {
    const hex = `0x${row.code.toString(16).toUpperCase().padStart(8, '0')}`
    for (const word of [hex, hex.toLowerCase(), String(row.code), String(row.code | 0)]) {
      const sink: string[] = []
      assert.equal(await main(['explain', word, '--json'], io(sink)), 0, word)
      assert.equal(JSON.parse(sink.join('')).found[0].title, hex)
    }
  }
  process.exitCode = 0
})

test('events, numbers, marks, hosts, activation IDs: unique and in shape', () => {
  unique(
    'events',
    events.map((e) => e.id),
  )
  unique(
    'numbers',
    numbers.map((n) => n.id),
  )
  unique(
    'marks',
    marks.map((m) => `${m.kind} ${m.text.toLowerCase()}`),
  )
  unique(
    'platform hosts',
    platformHosts.map((p) => `${p.platform} ${p.host}`),
  )
  unique(
    'activation IDs',
    activationIds.map((a: catalogue.ActivationIdRow) => a.id),
  )
  unique(
    'default keys',
    defaultKeys.map((d) => d.partialKey),
  )
  for (const row of activationIds as readonly catalogue.ActivationIdRow[])
    assert.match(row.id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  for (const row of defaultKeys) assert.match(row.partialKey, /^[A-Z0-9]{5}$/)
  const last = new Set(clientKeys.map((k) => k.key.slice(-5)))
  for (const row of defaultKeys) assert.ok(!last.has(row.partialKey as never), `${row.partialKey} is a client key, not a default key`)
  for (const id of [12288, 12289, 12290, 8198, 1003, 12308]) assert.ok(catalogue.eventById(id), `event ${id}`)
})

test('ESU: every year has its own activation ID, which the table of IDs knows by the same name', () => {
  const years = catalogue.esu.flatMap((row: catalogue.EsuRow) => row.years)
  assert.equal(new Set(years).size, years.length)
  for (const row of catalogue.esu as readonly catalogue.EsuRow[])
    row.years.forEach((id, i) => {
      const known = catalogue.productOfActivationId(id)
      assert.equal(known?.channel, 'esu', id)
      assert.match(known!.product, new RegExp(`year ${i + 1}`))
    })
  assert.equal(new Set(catalogue.officeChannels.map((c) => c.id)).size, catalogue.officeChannels.length)
})

test('every row names a source that is there', () => {
  for (const table of [
    clientKeys,
    errors,
    events,
    marks,
    numbers,
    platformHosts,
    activationIds,
    defaultKeys,
    catalogue.officeChannels,
    catalogue.platformHints,
    catalogue.esu,
    catalogue.hostUpdates,
  ]) {
    for (const row of table as readonly { source: readonly string[] }[]) {
      assert.ok(row.source.length > 0, JSON.stringify(row))
      for (const id of row.source) assert.ok(id in sources, id)
    }
  }
})

test('labels: one text means one thing', () => {
  const seen = new Map<string, string>()
  for (const row of labels) {
    for (const text of row.texts) {
      const key = text.toLowerCase()
      assert.ok(!seen.has(key) || seen.get(key) === row.canonical, `${text}: ${seen.get(key)} and ${row.canonical}`)
      seen.set(key, row.canonical)
    }
  }
})

test('disagreements between documents are kept', () => {
  assert.ok(catalogue.conflicts.length >= 10)
})

test('the release number is the one of the package, and an old Node gets one sentence', () => {
  assert.equal(version, JSON.parse(readFileSync('package.json', 'utf8')).version)
  // The launcher as an older Node would run it: only the version it reports differs.
  const bin = readFileSync('bin/slmctl.cjs', 'utf8')
  const old = spawnSync(
    process.execPath,
    [
      '-e',
      `Object.defineProperty(process.versions,'node',{value:'20.1.0'});Object.defineProperty(process,'version',{value:'v20.1.0'});${bin.replace(/^#!.*/, '')}`,
    ],
    { encoding: 'utf8' },
  )
  assert.equal(old.status, 2)
  assert.equal(old.stderr.trim().split('\n').length, 1)
  assert.match(old.stderr, /needs Node\.js 24 or newer; this is v20\.1\.0/)
})
