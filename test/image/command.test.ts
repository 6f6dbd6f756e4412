import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { writeAll } from '../../src/cli/folder.ts'
import { main } from '../../src/cli.ts'
import { ProblemError } from '../../src/model.ts'

const work = mkdtempSync(join(tmpdir(), 'slmctl-image-test-'))
after(() => {
  rmSync(work, { recursive: true, force: true })
  process.exitCode = 0
})
const site = resolve('test/cases/sites/university.yaml')

async function slmctl(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []]
  const code = await main(argv, {
    out: (t) => void out.push(t),
    err: (t) => void err.push(t),
    columns: 80,
    paint: (_, t) => t,
  })
  process.exitCode = 0
  return { code, out: out.join(''), err: err.join('') }
}

/** Every file below a folder, with slashes. */
const below = (folder: string): string[] =>
  (readdirSync(folder, { recursive: true, withFileTypes: true }) as { isFile(): boolean; parentPath: string; name: string }[])
    .filter((e) => e.isFile())
    .map((e) =>
      join(e.parentPath, e.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .toSorted()

const whole = [
  '$OEM$/$$/Setup/Scripts/SetupComplete.cmd',
  '$OEM$/$1/Program Files/slmctl/slmctl.yaml',
  'Office/configuration.xml',
  'README.txt',
  'unattend.xml',
]

test('writes all files, by a flag given several times or with commas, and says in JSON what each is for', async () => {
  const out = join(work, 'deep', 'image')
  const { code, out: text } = await slmctl(
    ...[
      'image',
      '--site',
      site,
      '--out',
      out,
      '--json',
      '--product',
      'Windows 11 Enterprise',
      '--product',
      'Office 2024 ProPlus,Visio Professional 2024',
    ],
  )
  assert.equal(code, 0)
  const answer = JSON.parse(text)
  assert.equal(answer.schema, 'slmctl.image/1')
  assert.equal(answer.folder, out)
  assert.equal(answer.products.length, 3)
  assert.deepEqual(below(out), whole)
  assert.deepEqual(answer.files.map((f: { path: string }) => f.path).toSorted(), whole)
  for (const f of answer.files) assert.ok(f.purpose.length > 10 && !('text' in f))
  assert.deepEqual(readdirSync(join(work, 'deep')), ['image'], 'nothing stays beside the folder')
})

test('for people: fits 80 columns, and says where to begin', async () => {
  const { code, out } = await slmctl('image', '--site', site, '--out', join(work, 'people'), '--product', 'Windows 11 Pro')
  assert.equal(code, 0)
  assert.match(out, /README\.txt first/)
  assert.match(out, /OEM product key/)
  for (const line of out.split('\n')) assert.ok(line.length <= 80 || line.includes(work), line)
})

test('--dry-run prints and writes nothing', async () => {
  const out = join(work, 'dry')
  const people = await slmctl('image', '--site', site, '--dry-run', '--out', out, '--product', 'Windows 11 Pro')
  assert.equal(people.code, 0)
  assert.match(people.out, /--- unattend\.xml\n<\?xml/)
  assert.ok(!existsSync(out))
  const { files, folder } = JSON.parse((await slmctl('image', '--site', site, '--dry-run', '--json', '--product', 'Windows 11 Pro')).out)
  assert.equal(folder, null)
  assert.match(files.find((f: { path: string }) => f.path === 'unattend.xml').text, /^<\?xml/)
})

test('what is there stays, unless --force', async () => {
  const out = join(work, 'kept')
  mkdirSync(out)
  writeFileSync(join(out, 'unattend.xml'), 'mine')
  writeFileSync(join(out, 'other.txt'), 'mine, too')
  const flags = ['image', '--site', site, '--out', out, '--product', 'Windows 11 Pro']
  const refused = await slmctl(...flags)
  assert.equal(refused.code, 2)
  assert.match(refused.err, /unattend\.xml already/)
  assert.deepEqual(below(out), ['other.txt', 'unattend.xml'])
  assert.equal(readFileSync(join(out, 'unattend.xml'), 'utf8'), 'mine')
  assert.equal((await slmctl(...flags, '--force')).code, 0)
  assert.match(readFileSync(join(out, 'unattend.xml'), 'utf8'), /^<\?xml/)
  assert.equal(readFileSync(join(out, 'other.txt'), 'utf8'), 'mine, too')
})

test('wrong uses: one sentence, exit code 2, nothing written', async () => {
  const out = join(work, 'never')
  const product = ['--product', 'Windows 11 Pro']
  for (const [argv, says] of [
    [['image', '--site', site, '--out', out], /wants a product/],
    [['image', '--site', site, ...product], /--out DIR/],
    [['image', '--site', site, '--out', out, ...product, 'Enterprise'], /quotes/],
    [['image', '--site', site, '--out', out, ...product, '--architecture', 'mips'], /amd64/],
    [['image', '--site', site, '--out', out, ...product, '--language', 'de-de'], /about\s+Office/],
    [['image', '--site', site, '--out', out, '--product', 'Windows 11 Home'], /no client\s+key/],
    [['image', '--site', join(work, 'none.yaml'), '--out', out, ...product], /none\.yaml/],
    [['image', '--site', site, '--out', join(site, 'x'), ...product], /could not be written/],
  ] as const) {
    const { code, err } = await slmctl(...argv)
    assert.equal(code, 2, argv.join(' '))
    assert.match(err, says)
  }
  assert.ok(!existsSync(out))
})

test('all or none: where one file cannot be written, the folder is as before', () => {
  const out = join(work, 'half')
  mkdirSync(join(out, 'b.txt'), { recursive: true })
  writeFileSync(join(out, 'a.txt'), 'old')
  const files = [
    { path: 'a.txt', text: 'new' },
    { path: 'new/deep/c.txt', text: 'new' },
    { path: 'b.txt', text: 'new' },
  ]
  assert.throws(
    () => writeAll(out, files, true),
    (e) => e instanceof ProblemError && e.problems[0]!.code === 'OUT_UNWRITABLE',
  )
  assert.equal(readFileSync(join(out, 'a.txt'), 'utf8'), 'old')
  assert.deepEqual(readdirSync(out).toSorted(), ['a.txt', 'b.txt'])
  assert.ok(!readdirSync(work).some((n) => n.startsWith('.slmctl-')))
})

test('nothing is written through a symbolic link', () => {
  const [out, elsewhere] = [join(work, 'linked'), join(work, 'elsewhere')]
  mkdirSync(out)
  mkdirSync(elsewhere)
  symlinkSync(elsewhere, join(out, 'Office'))
  const files = [{ path: 'Office/configuration.xml', text: 'x' }]
  for (const force of [false, true]) assert.throws(() => writeAll(out, files, force), /symbolic link/)
  assert.deepEqual(readdirSync(elsewhere), [])
  // A link in the place of a file is replaced, not followed.
  writeFileSync(join(elsewhere, 'target'), 'theirs')
  symlinkSync(join(elsewhere, 'target'), join(out, 'README.txt'))
  writeAll(out, [{ path: 'README.txt', text: 'ours' }], true)
  assert.equal(readFileSync(join(elsewhere, 'target'), 'utf8'), 'theirs')
  assert.equal(readFileSync(join(out, 'README.txt'), 'utf8'), 'ours')
})
