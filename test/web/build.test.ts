/** The pages as they are packed: what the policy of the server allows, no more than the first page may weigh, and nothing of elsewhere. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { buildWeb, type Pages } from '../../scripts/build-web.ts'

let folder = ''
let said = ''
let files: Readonly<Record<string, string>> = {}
let packed: Pages['files'] = {}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slmctl-pages-'))
  // Refuses by itself where the first page is too heavy.
  await buildWeb(folder, (line) => {
    said += `${line}\n`
  })
  packed = (JSON.parse(readFileSync(join(folder, 'pages.json'), 'utf8')) as Pages).files
  files = Object.fromEntries(
    Object.entries(packed).map(([name, file]) => [name, brotliDecompressSync(Buffer.from(file.br, 'base64')).toString('utf8')]),
  )
})
after(() => rmSync(folder, { recursive: true, force: true }))

test('one document, one style sheet, a script for each page; each file twice, by its name and content', () => {
  const names = Object.keys(packed)
  assert.equal(names.filter((n) => n.endsWith('.html')).join(), '/index.html')
  assert.equal(names.filter((n) => n.endsWith('.css')).length, 1)
  for (const page of ['overview', 'machines', 'machine', 'hosts', 'host', 'origin', 'campaigns', 'campaign'])
    assert.ok(
      names.some((n) => new RegExp(`^/assets/${page}-[\\w-]{8}\\.js$`).test(n)),
      page,
    )
  for (const [name, file] of Object.entries(packed)) {
    assert.match(name, /^\/(?:index\.html|assets\/[\w-]+-[\w-]{8}\.(?:js|css|svg))$/)
    assert.equal(gunzipSync(Buffer.from(file.gzip, 'base64')).toString('utf8'), files[name], name)
    assert.match(file.etag, /^"[\w-]{22}"$/)
  }
  assert.equal(new Set(Object.values(packed).map((f) => f.etag)).size, names.length)
})

test('what the policy refuses is not there: script or style in the document, code out of texts, addresses of data', () => {
  const html = files['/index.html']!
  assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=|javascript:/i)
  for (const [, address] of html.matchAll(/(?:src|href)="([^"]*)"/g)) assert.ok(packed[address!], `the document names ${address}`)
  for (const [name, text] of Object.entries(files)) {
    assert.doesNotMatch(text, /\beval\(|\bnew Function\(|sourceMappingURL/, name)
    if (name.endsWith('.css')) assert.doesNotMatch(text, /url\(|@import/, name)
  }
})

/** The router's message to programmers who use it wrongly. */
const toProgrammers = 'https://github.com/preactjs/preact-iso#locationprovider'

test('nothing is asked of anybody else: the only other addresses are names of XML', () => {
  for (const [name, text] of Object.entries(files))
    for (const [address] of text.matchAll(/\bhttps?:\/\/[^\s"'`)]+/g))
      if (address !== toProgrammers) assert.match(address, /^http:\/\/www\.w3\.org\//, `${name} has ${address}`)
})

test('the size of the first page is said', () => {
  const bytes = /(\d+) {2}bytes for the first page/.exec(said)![1]!
  assert.ok(Number(bytes) > 10_000 && Number(bytes) < 80_000, bytes)
})
