/** What the guide and the README print is what slmctl takes: every command line, every link, every page named. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { commands } from '../../src/cli/commands.ts'
import { parses } from './command-line.ts'

const guide = 'docs/guide'
const pages = ['README.md', ...readdirSync(guide).map((name) => join(guide, name))]

/** Command lines of a page: lines of code blocks without their comments, and words in backquotes. */
function lines(text: string): string[] {
  const blocks = [...text.matchAll(/^ *```[^\n]*\n([\s\S]*?)^ *```/gm)].flatMap((m) => m[1]!.split('\n'))
  const inline = [...text.replaceAll(/^ *```[\s\S]*?^ *```/gm, '').matchAll(/`([^`\n]+)`/g)].map((m) => m[1]!)
  return [...blocks, ...inline]
    .map((line) => line.trim().split(/\s+#\s/)[0]!)
    .filter((line) => /^(?:\.\/slmctl|slmctl|slmctl\.exe) /.test(line))
    .map((line) => line.replaceAll('\\|', '|'))
    .filter((line) => !/\bCOMMAND\b/.test(line))
}

test('every command line of the guide and the README is one', () => {
  let seen = 0
  for (const page of pages)
    for (const line of lines(readFileSync(page, 'utf8'))) {
      assert.doesNotThrow(() => parses(line), `${page}: ${line}`)
      seen++
    }
  assert.ok(seen > 100, `${seen} command lines`)
  for (const { examples } of commands) for (const line of examples) parses(line)
  assert.throws(() => parses('slmctl schedule stop'))
  assert.throws(() => parses('slmctl plan --sing signer.key'))
  assert.throws(() => parses('slmctl fleet list --dry-run'))
})

test('every link of the guide and the README leads somewhere', () => {
  const anchors = (text: string) =>
    [...text.matchAll(/^#+ (.*)$/gm)].map((m) =>
      m[1]!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    )
  for (const page of pages)
    for (const [, to] of readFileSync(page, 'utf8').matchAll(/\]\((?!https:)([^)]+)\)/g)) {
      const [path, anchor] = to!.split('#')
      const file = path ? join(dirname(page), path) : page
      assert.ok(existsSync(file), `${page}: ${to}`)
      if (anchor) assert.ok(anchors(readFileSync(file, 'utf8')).includes(anchor), `${page}: ${to}`)
    }
})

test('every page of the guide is named in its beginning', () => {
  const begin = readFileSync(join(guide, 'README.md'), 'utf8')
  for (const name of readdirSync(guide)) if (name !== 'README.md') assert.ok(begin.includes(`](${name})`), name)
})
