import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { decode, diagnose, page, rules } from '../src/activation.ts'
import { readSite } from '../src/site.ts'

const dir = 'test/cases/diagnose/'
const names = readdirSync(dir)
  .filter((n) => n.endsWith('.json'))
  .map((n) => n.replace(/\.json$/, ''))
const texts = readdirSync(dir).filter((n) => !n.endsWith('.json'))

type Case = { from: string; site?: string; reading?: string; unauthorised?: string; correction?: string; expect: Record<string, unknown> }
const read = (name: string): Case => JSON.parse(readFileSync(`${dir}${name}.json`, 'utf8'))

/** The answer to a case's text, in the shape of its expectation. */
function answer(name: string) {
  const file = texts.find((t) => t.replace(/\.[^.]+$/, '') === name)
  assert.ok(file, `${name}.json has no text beside it`)
  const wanted = read(name)
  const { text, encoding } = decode(readFileSync(dir + file))
  const site = wanted.site ? readSite(wanted.site, readFileSync(`test/cases/sites/${wanted.site}`, 'utf8')) : null
  assert.deepEqual(site?.problems ?? [], [])
  return {
    wanted,
    text,
    diagnosis: diagnose([{ source: 'text', text, encoding }], { site: site?.site ?? null, readAt: '2026-11-01T12:00:00Z' }),
  }
}

for (const name of names) {
  test(`case ${name}`, () => {
    const { wanted, diagnosis: d, text } = answer(name)
    const found = {
      kind: d.sources[0]!.kind,
      machine: { verdict: d.machine.verdict, origin: d.machine.origin },
      machines: d.machines.map((m) => m.name),
      products: d.products.map((p) => ({ ...p, lines: [...new Set(p.evidence.map((e) => e.line))].sort((a, b) => a - b) })),
      events: d.events,
      codes: d.codes.map((c) => c.code),
      findings: d.findings.map((f) => f.rule),
      unread: d.unread.map((u) => u.line),
      problems: d.problems.map((p) => p.code),
    }
    assert.partialDeepStrictEqual(found, wanted.expect)
    for (const [key, value] of Object.entries(wanted.expect)) {
      if (Array.isArray(value)) assert.equal((found as unknown as Record<string, unknown[]>)[key]!.length, value.length, `number of ${key}`)
    }
    // Every statement points at a line that is there.
    const lines = page('text', text).lineCount
    for (const e of [
      ...d.products.flatMap((p) => p.evidence),
      ...d.findings.flatMap((f) => f.evidence),
      ...d.codes.flatMap((c) => c.evidence),
    ])
      assert.ok(e.line >= 1 && e.line <= lines, `line ${e.line} of ${lines}`)
  })
}

test('every text has its expectation, and says where it comes from', () => {
  assert.deepEqual(texts.map((t) => t.replace(/\.[^.]+$/, '')).sort(), [...names].sort())
  for (const name of names) assert.ok(read(name).from.length > 10, name)
})

test('every rule speaks in at least one case', () => {
  const live = readdirSync('test/cases/live/').map((n) => JSON.parse(readFileSync(`test/cases/live/${n}`, 'utf8')) as Partial<Case>)
  const spoken = new Set([...names.map(read), ...live].flatMap((c) => (c.expect?.findings as string[] | undefined) ?? []))
  assert.deepEqual(
    rules.map((r) => r.id).filter((id) => !spoken.has(id)),
    [],
  )
})

test('no text that its reader called honest is called foreign', () => {
  let honest = 0
  for (const name of names) {
    const { wanted, diagnosis } = answer(name)
    if (!wanted.unauthorised?.startsWith('no')) continue
    honest++
    assert.notEqual(diagnosis.machine.origin, 'foreign', name)
    assert.ok(
      diagnosis.products.every((p) => p.origin !== 'foreign'),
      name,
    )
  }
  assert.ok(honest >= 20)
})
