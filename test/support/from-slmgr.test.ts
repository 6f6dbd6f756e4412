/** The page "Coming from slmgr and ospp" is made of the catalogue: `UPDATE=1 node --test test/support/from-slmgr.test.ts` writes its tables. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { scriptOptions } from '../../src/catalogue.ts'
import { main } from '../../src/cli/main.ts'
import { parses } from './command-line.ts'

const page = 'docs/guide/from-slmgr.md'
type Row = (typeof scriptOptions)[number]

/** Groups as Microsoft's pages have them, by the first option of each. */
const groups: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'slmgr.vbs': {
    '/ipk': 'Everyday',
    '/cpky': 'Advanced',
    '/skms': 'KMS clients',
    '/sai': 'KMS hosts',
    '/act-type': 'Kind of activation',
    '/lil': 'Tokens',
    '/ad-activation-online': 'Active Directory',
    '<ComputerName>': 'Another machine',
  },
  'ospp.vbs': { '/act': 'Everyday', '/dhistorykms': 'KMS clients', '<ComputerName>': 'Another machine' },
}
const cell = (text: string) => text.replaceAll('|', '\\|')
const rowOf = ({ option, meaning, slmctl }: Row) =>
  `| \`${cell(option)}\` | ${cell(meaning)} | ${cell([...slmctl.run.map((line) => `\`${line}\``), ...(slmctl.note ? [slmctl.note] : [])].join(' · '))} |`

function tables(tool: Row['tool']): string {
  return scriptOptions
    .filter((row) => row.tool === tool)
    .flatMap((row) => {
      const group = groups[tool]![row.option]
      return [...(group ? ['', `### ${group}`, '', '| option | what it did | with slmctl |', '| --- | --- | --- |'] : []), rowOf(row)]
    })
    .join('\n')
}

test('every option of both scripts has a row, and the page says what the catalogue says', () => {
  const text = readFileSync(page, 'utf8')
  let made = text
  for (const tool of ['slmgr.vbs', 'ospp.vbs'] as const)
    made = made.replace(
      new RegExp(`(<!-- made of the catalogue: ${tool} -->\n)[^]*?(\n<!-- end -->)`),
      (_, begin: string, end: string) => `${begin}${tables(tool)}\n${end}`,
    )
  if (process.env.UPDATE === '1') writeFileSync(page, made)
  else assert.equal(text, made, 'UPDATE=1 node --test test/support/from-slmgr.test.ts writes it anew')
  for (const row of scriptOptions) assert.ok(made.includes(rowOf(row)), `${row.tool} ${row.option}`)
})

test('every option has a command that is one, or the reason why there is none', () => {
  for (const { tool, option, slmctl } of scriptOptions) {
    assert.ok(slmctl.run.length > 0 || slmctl.note.length > 20, `${tool} ${option}`)
    for (const line of slmctl.run) parses(line)
  }
  const lines = [...readFileSync(page, 'utf8').matchAll(/`(slmctl [^`]*)`/g)].map((m) => m[1]!.replaceAll('\\|', '|'))
  assert.ok(lines.length > 40)
  for (const line of lines) parses(line)
  assert.throws(() => parses('slmctl status --no-such-flag'))
  assert.throws(() => parses('slmctl rearm'))
})

test('explain names the slmctl way of an option', async () => {
  let out = ''
  await main(['explain', '/skhc'], { out: (t) => (out += t), err: () => {}, columns: 80, paint: (_, t) => t })
  assert.match(out, /slmctl: slmctl apply --host-caching on/)
  for (const asked of [['-dlv'], ['slmgr', '/dlv'], ['cscript', 'slmgr.vbs', '-dlv']]) {
    out = ''
    await main(['explain', ...asked], { out: (t) => (out += t), err: () => {}, columns: 80, paint: (_, t) => t })
    assert.match(out, /^slmgr\.vbs \/dlv/, asked.join(' '))
  }
  out = ''
  await main(['explain', '/rearm'], { out: (t) => (out += t), err: () => {}, columns: 80, paint: (_, t) => t })
  process.exitCode = 0
  assert.match(out, /slmctl: There is none, on purpose/)
  // Paths of sources may be longer.
  for (const line of out.split(/^ {2}source:/m)[0]!.split('\n')) assert.ok(line.length <= 80, line)
})
