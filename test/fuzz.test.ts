import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { mayHaveMarks } from '../src/activation/clues/marks.ts'
import { decode, diagnose, page, quote } from '../src/activation.ts'
import { marks } from '../src/catalogue.ts'
import { maskKeys, mayHoldKey } from '../src/model.ts'
import { diagnosisSchema } from '../src/schemas.ts'

const dir = 'test/cases/diagnose/'
const texts = readdirSync(dir)
  .filter((n) => !n.endsWith('.json'))
  .map((n) => decode(readFileSync(dir + n)).text)

/** Everything that must hold of the answer to any text whatever. */
function holds(text: string): void {
  const d = diagnose([{ source: 'text', text }], { readAt: '2026-11-01T12:00:00Z' })
  diagnosisSchema.parse(d)
  const lines = text.replace(/^\ufeff/, '').split(/\r*\n|\r/)
  const all = [
    ...d.products.flatMap((p) => p.evidence),
    ...d.findings.flatMap((f) => f.evidence),
    ...d.codes.flatMap((c) => c.evidence),
    ...d.events.flatMap((e) => e.evidence),
    ...d.unread.map((u) => ({ ...u, means: '' })),
  ]
  for (const e of all) {
    const line = lines[e.line - 1]
    assert.ok(line !== undefined, `line ${e.line} is not in the text`)
    assert.ok(maskKeys(line).includes(e.text) || quote(line) === e.text, `evidence is not in line ${e.line}: ${e.text}`)
  }
  assert.equal(d.sources[0]!.lines, page('text', text).lineCount)
}

/** Pieces of real texts, joined, cut, mixed with noise: what people really paste, and worse. */
const pieces = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(fc.constantFrom(...texts), fc.nat(), fc.nat()).map(([t, a, b]) => {
        const from = a % t.length
        return t.slice(from, from + (b % 600))
      }),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 80 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '\n',
        '\r',
        '\r\n',
        '\t',
        ':',
        '=',
        ' : ',
        '> ',
        '<br>',
        '```\n',
        '\u0000',
        '\ufeff',
        '0xC004F074',
        ', , , ',
        '----',
        '|',
        '"',
        '&amp;',
        '(',
        '[',
      ),
    },
  ),
  { maxLength: 8 },
)

test('cuts and mixtures of real texts: no crash, a valid answer, evidence that is in the text', () => {
  fc.assert(
    fc.property(pieces, (parts) => holds(parts.join(''))),
    { numRuns: 800 },
  )
})

test('any characters', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 400 }), holds), { numRuns: 300 })
})

test('any bytes decode to some text, and that text can be read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => holds(decode(bytes).text)),
    { numRuns: 300 },
  )
})

test('single characters changed in a real text', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.array(fc.tuple(fc.nat(), fc.string({ unit: 'binary', minLength: 1, maxLength: 3 })), { maxLength: 12 }),
      (text, edits) => {
        let t = text
        for (const [at, s] of edits) t = t.slice(0, at % t.length) + s + t.slice((at % t.length) + 1)
        holds(t)
      },
    ),
    { numRuns: 400 },
  )
})

test('a full product key never comes out whole', () => {
  const alphabet = 'BCDFGHJKMPQRTVWXY2346789'
  const key = fc
    .array(fc.string({ unit: fc.constantFrom(...alphabet), minLength: 5, maxLength: 5 }), { minLength: 5, maxLength: 5 })
    .filter((g) => /[A-Z]/.test(g.join('')))
  fc.assert(
    fc.property(
      key,
      fc.constantFrom('-', ' ', '\u2013', ''),
      fc.constantFrom(...texts),
      fc.nat(),
      fc.boolean(),
      (groups, dash, text, at, lower) => {
        const whole = lower ? groups.join(dash).toLowerCase() : groups.join(dash)
        const lines = text.split('\n')
        lines.splice(at % lines.length, 0, `Installed product key ${whole} successfully.`)
        const out = JSON.stringify(diagnose([{ source: 'text', text: lines.join('\n') }]))
        assert.ok(!out.toLowerCase().includes(groups.slice(0, 4).join(dash).toLowerCase()), whole)
      },
    ),
    { numRuns: 300 },
  )
})

test('the quick look at a whole text misses no key that its lines would mask', () => {
  const alphabet = 'BCDFGHJKMPQRTVWXY2346789'
  const group = fc.string({ unit: fc.constantFrom(...alphabet, ...alphabet, ...alphabet, 'A', '0', '\uff22'), minLength: 4, maxLength: 6 })
  const between = fc.constantFrom('-', '-', '-', '\u2013', ' ', '  ', '', '.', '_', '\u00a0', '\u200b', '&#45;', ' - ', '\n')
  fc.assert(
    fc.property(fc.array(fc.tuple(group, between), { maxLength: 7 }), fc.constantFrom('', 'key ', 'x'), (parts, before) => {
      const text = before + parts.flat().join('')
      if (!mayHoldKey(text)) for (const line of text.split('\n')) assert.equal(maskKeys(line), line, JSON.stringify(text))
    }),
    { numRuns: 20_000 },
  )
})

test('the quick look at a whole text misses no mark', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...marks.map((m) => m.text)),
      fc.constantFrom(...texts),
      fc.nat(),
      fc.boolean(),
      (mark, text, at, upper) => {
        const where = at % text.length
        assert.ok(mayHaveMarks(`${text.slice(0, where)} ${upper ? mark.toUpperCase() : mark} ${text.slice(where)}`), mark)
      },
    ),
    { numRuns: 1_000 },
  )
})

test('one megabyte of anything takes less than a second', () => {
  const mega = 1_000_000
  const hostile: Record<string, string> = {
    cases: texts.join('\n').repeat(20).slice(0, mega),
    'one line': texts[0]!.replaceAll('\n', ' ').repeat(5_000).slice(0, mega),
    blanks: ' '.repeat(mega),
    'blank lines': '\n'.repeat(mega),
    dashes: '-'.repeat(mega),
    quotes: '"'.repeat(mega),
    tags: '<br'.repeat(mega / 3),
    colons: 'a:'.repeat(mega / 2),
    commas: '0x00000000,'.repeat(mega / 11),
    digits: '1'.repeat(mega),
    codes: '0xC004F074 '.repeat(mega / 11),
    'many names': 'Name: Windows(R), Professional edition\n'.repeat(mega / 40),
    'many products': Array.from(
      { length: 14_000 },
      (_, i) => `Name: Windows(R), E${i} edition\nPartial Product Key: T83GX\nLicense Status: Unlicensed\n`,
    ).join(''),
    'many machines': Array.from(
      { length: 12_000 },
      (_, i) => `PC-${i}:\nName: Windows(R), Professional edition\nLicense Status: Licensed\n`,
    ).join(''),
    'many different codes': Array.from({ length: 90_000 }, (_, i) => `0xC00${(0x40000 + i).toString(16)}`).join(' '),
    'many events': 'Event ID: 12288\n'.repeat(mega / 16),
    'open events': '<Event \n'.repeat(mega / 8),
    brackets: '(['.repeat(mega / 2),
    'wide text': '许可证状态：'.repeat(mega / 6),
    keys: 'BCDFG-'.repeat(mega / 6),
    dots: '10.'.repeat(mega / 3),
  }
  for (const [name, text] of Object.entries(hostile)) {
    // The best of three, in CPU time: the machine may be busy with something else, the reader may not.
    let took = Number.POSITIVE_INFINITY
    for (let attempt = 0; attempt < 3 && took >= 1_000; attempt++) {
      const start = process.cpuUsage()
      diagnose([{ source: 'text', text: text.slice(0, mega) }])
      took = Math.min(took, process.cpuUsage(start).user / 1000)
    }
    assert.ok(took < 1_000, `${name}: ${Math.round(took)} ms`)
  }
})
