import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { marks, sources, terms } from '../../src/catalogue.ts'
import { main } from '../../src/cli/main.ts'

async function explain(...words: string[]): Promise<string> {
  let out = ''
  const code = await main(['explain', ...words], { out: (t) => (out += t), err: () => {}, columns: 80, paint: (_, t) => t })
  process.exitCode = 0
  assert.equal(code, 0, words.join(' '))
  return out
}

/** What people type, and the word that answers. */
const asked: Readonly<Record<string, string>> = {
  watermark: 'banner',
  'activate windows': 'banner',
  'Activate Windows': 'banner',
  'grace period': 'grace',
  'non-genuine grace': 'grace',
  'extended grace': 'grace',
  'out-of-tolerance grace': 'grace',
  'initial grace': 'grace',
  'reduced functionality': 'reduced functionality mode',
  'notification mode': 'notification',
  'generic key': 'generic key',
  'default key': 'generic key',
  '180 days': 'impossible date',
  'impossible dates': 'impossible date',
  '2038': 'impossible date',
  M365: 'vNext',
  vnext: 'vNext',
  trial: 'evaluation',
  eval: 'evaluation',
  'subscription activation': 'subscription',
  rearm: 'rearm',
}
const full = ['banner', 'notification', 'grace', 'rearm', 'generic key', 'impossible date', 'vNext', 'subscription', 'evaluation']

test('people find the words by what they see', async () => {
  for (const [typed, term] of Object.entries(asked))
    assert.match(await explain(...typed.split(' ')), new RegExp(`^${term}$`, 'm'), `${typed}: ${term}`)
})

test('every term answers by itself and by every synonym, and the text fits 80 columns', async () => {
  const seen = new Map<string, string>()
  for (const { term, also } of terms)
    for (const word of [term, ...also]) {
      assert.ok(term === word || word === word.toLowerCase(), `${word}: synonyms are lower case`)
      const other = seen.get(word.toLowerCase())
      assert.ok(other === undefined || other === term, `${word} means ${other} and ${term}`)
      seen.set(word.toLowerCase(), term)
      const said = await explain(word)
      assert.match(said, new RegExp(`^${term.replace('.', '\\.')}$`, 'm'), word)
      for (const line of said.split(/^ {2}source:/m)[0]!.split('\n')) assert.ok(line.length <= 80, line)
    }
})

test('the words of the field say what it is, how to tell and the honest way out, each with a source', async () => {
  for (const term of full) {
    const row = terms.find((t) => t.term === term) as { means: string; tell?: string; out?: string; source: readonly string[] }
    for (const part of [row.means, row.tell, row.out]) assert.ok(part && part.length > 60 && part.length < 420, `${term}: ${part?.length}`)
    assert.ok(row.source.every((id) => id in sources))
    const said = await explain(term)
    if (!/^(?:slmgr|ospp)\.vbs/.test(said))
      for (const label of ['how to tell:', 'way out:', 'source:']) assert.ok(said.includes(label), `${term}: ${label}`)
  }
})

test('no word teaches a way around a licence: no activator, no trick with the registry, no hidden notice', () => {
  const words = readFileSync('src/catalogue/terms.ts', 'utf8')
  const names = new Set(
    marks
      .flatMap(({ text }) => text.match(/[\w-]{4,}/g) ?? [])
      .filter(
        (word) =>
          /kms.*(?:pico|auto|38|el|eldi|tools|spico|activ|emul|server)|hook|activator|hacktool|mini/i.test(word) &&
          !/^KeyManagement/.test(word),
      ),
  )
  assert.ok(names.size > 5, [...names].join(' '))
  for (const name of names) assert.ok(!words.toLowerCase().includes(name.toLowerCase()), name)
  for (const trick of [
    /kms38|hwid|\bmas\b|massgrave|crack|activator/i,
    /SkipRearm|HKLM|HKEY|reg add|NoGen|Manual\b/,
    /slmgr[^'"]* \/rearm|sc (?:stop|config)/,
    /remove the (?:banner|watermark)/i,
  ])
    assert.doesNotMatch(words, trick)
})
