/** What pages decide by themselves: lines of a text as the reader counts them, words as the command line has them, addresses. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { page as read } from '../../src/activation/page.ts'
import { filterNames as filtersOfCommand } from '../../src/app/filter.ts'
import { kinds } from '../../src/app/need.ts'
import { channels as channelsOfCommand } from '../../src/cli/views/diagnosis.ts'
import { page, pageOfLink, queryText } from '../../web/src/addresses.ts'
import { linesOf, readFile, shownLines } from '../../web/src/diagnose/text.ts'
import { filterNames, filterOf, filterWords } from '../../web/src/machines/filter.ts'
import { selectionWords } from '../../web/src/machines/selection.ts'
import { nextHere } from '../../web/src/pages/need-next.ts'
import { ago, channels, daysLeft } from '../../web/src/words.ts'

test('a line has the number that the reader gives it, whatever ends lines', () => {
  const texts = [
    '',
    'a',
    'a\n',
    'a\r\nb\r\n',
    'a\rb\nc',
    '\ufeffa\n\nb',
    'a\r\r\n',
    '\n',
    '\n\n',
    'a\n\r\nb',
    ...globSync('test/cases/diagnose/**/*.txt').map((f) => readFileSync(f, 'utf8')),
  ]
  assert.ok(texts.length > 50)
  for (const text of texts) {
    const lines = linesOf(text)
    const known = read('x', text)
    assert.equal(lines.length, known.lineCount, JSON.stringify(text.slice(0, 80)))
    for (const { n, raw } of known.lines) if (raw.length < 4000) assert.equal(lines[n - 1], raw)
  }
})

test('a long text is shown around what is told of it, and nothing is left out without a word', () => {
  const lines = Array.from({ length: 10_000 }, (_, i) => `line ${i + 1}`)
  const shown = shownLines(lines, new Set([1, 5000, 9_999]))
  const numbers = shown.flatMap((s) => ('n' in s ? [s.n] : []))
  assert.deepEqual(numbers, [1, 2, 3, 4, 4997, 4998, 4999, 5000, 5001, 5002, 5003, 9996, 9997, 9998, 9999, 10_000])
  assert.equal(
    shown.reduce((sum, s) => sum + ('left' in s ? s.left : 1), 0),
    10_000,
  )
  assert.equal(shownLines(lines.slice(0, 100), new Set()).length, 100)
})

test('a file is read in the encodings that Windows writes', async () => {
  const text = 'Name: Größe\r\nStatus: lizenziert\r\n'
  const le = Buffer.from(text, 'utf16le')
  const files = {
    utf8: Buffer.from(text),
    'utf-16 with a mark': Buffer.concat([Buffer.from([0xff, 0xfe]), le]),
    'utf-16 without': le,
    'big end first': Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(le).swap16()]),
    'code page': Buffer.from(text, 'latin1'),
  }
  for (const [name, bytes] of Object.entries(files)) assert.equal((await readFile(new File([bytes], name))).text, text, name)
})

test('filters and words are those of the command line', () => {
  assert.deepEqual([...filterNames].sort(), [...filtersOfCommand].sort())
  assert.deepEqual(channels, channelsOfCommand)
  assert.deepEqual(filterOf({ verdict: 'action', page: '2', after: 'x', columns: 'name', 'never-seen': 'true', text: '' }), {
    verdict: 'action',
    'never-seen': 'true',
  })
  assert.deepEqual(filterWords({ verdict: 'action,cannot-tell', vanished: 'true', group: 'berlin' }), [
    'Verdict: action needed or cannot tell',
    'Group: berlin',
    'In no source any more',
  ])
})

test('the same view is the same address; what a name brings stays a name', () => {
  assert.equal(queryText({ verdict: 'ok', text: '', after: undefined, 'never-seen': false, days: 30 }), '?verdict=ok&days=30')
  assert.equal(page('/machines', {}), '/machines')
  assert.equal(page('/machines', { text: '&a=b#c' }), '/machines?text=%26a%3Db%23c')
  assert.equal(pageOfLink({ page: 'machine', query: { id: '7' } }), '/machines/7')
  assert.equal(pageOfLink({ page: 'machines', query: { verdict: 'action' } }), '/machines?verdict=action')
  assert.equal(pageOfLink({ page: 'host', query: { host: 'kms1.corp.example', port: '1688' } }), '/hosts/kms1.corp.example/1688')
})

test('time in words', () => {
  const now = Date.UTC(2026, 10, 26, 12)
  const minute = 60_000
  assert.deepEqual(
    [0, -5 * minute, -3 * 60 * minute, -26 * 60 * minute, -40 * 1440 * minute, 12 * 1440 * minute].map((ms) => ago(now + ms, now)),
    ['just now', '5 minutes ago', '3 hours ago', 'yesterday', '40 days ago', 'in 12 days'],
  )
  assert.deepEqual(
    [-1, 0, 1439 * minute, 1440 * minute].map((ms) => daysLeft(now + ms, now)),
    [-1, 0, 0, 1],
  )
})

test('what is next on the first page names no command: every need that there is has words of the pages', () => {
  const link = { page: 'machines', query: { host: 'kms1.corp.example' } } as const
  for (const kind of kinds) {
    const next = nextHere({ kind, next: 'slmctl fleet list shows them.', link })
    // These never name one.
    if (kind === 'duplicates') continue
    assert.doesNotMatch(next!.text, /slmctl/, kind)
    assert.match(next!.text, /\.$/, kind)
  }
  assert.deepEqual(nextHere({ kind: 'unasked', next: 'Is WinRM on?', link }), { text: 'Is WinRM on?', href: null })
  assert.equal(nextHere({ kind: 'never', next: null, link }), null)
  const host = { page: 'host', query: { host: 'kms1.corp.example', port: '1689' } } as const
  assert.equal(
    nextHere({ kind: 'host-check', next: 'slmctl hosts show kms1 says what.', link: host })!.href,
    '/hosts/kms1.corp.example/1689',
  )
})

test('which machines a campaign is for, in the words of the filters; nothing of it is lost', () => {
  const all = 'every machine'
  assert.equal(selectionWords(all), all)
  assert.equal(
    selectionWords('--verdict action --state notification,unlicensed'),
    'Verdict: action needed; State of a product: notification or unlicensed',
  )
  assert.equal(selectionWords('--never-seen'), 'Never answered')
  assert.equal(selectionWords('--days 14 --newer 3'), '--days 14 --newer 3')
  assert.equal(selectionWords('pc-1.corp.example'), 'pc-1.corp.example')
})
