import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import { ProblemError } from '../../src/model.ts'
import { checkSecretFile, readSecret, Secret, type SecretReference } from '../../src/secrets.ts'

const dir = mkdtempSync(join(tmpdir(), 'slmctl-secrets-'))
after(() => rmSync(dir, { recursive: true }))
const file = (name: string, content: string | Uint8Array, mode = 0o600) => {
  const path = join(dir, name)
  writeFileSync(path, content)
  chmodSync(path, mode)
  return path
}
const marker = 'pl4nted-m4rker'
const content = async (reference: SecretReference) => (await readSecret(reference)).use((bytes) => Buffer.from(bytes).toString('utf8'))
const refused = async (reference: SecretReference, code: string, says: RegExp) => {
  await assert.rejects(readSecret(reference), (error: unknown) => {
    assert.ok(error instanceof ProblemError, String(error))
    assert.equal(error.problems[0]!.code, code)
    assert.match(error.problems[0]!.summary, says)
    assert.ok(error.problems[0]!.next.length > 0)
    assert.doesNotMatch(inspect(error, { depth: 9 }), new RegExp(marker))
    return true
  })
}
const posix = process.platform === 'win32' ? { skip: 'mode bits are of POSIX systems' } : {}

test('a file gives its bytes, without the one line end and the mark that an editor adds', async () => {
  for (const [written, read] of [
    ['pass word', 'pass word'],
    ['pass\n', 'pass'],
    ['pass\r\n', 'pass'],
    ['pass\n\n', 'pass\n'],
    [' pass ', ' pass '],
    ['\ufeffpäß\n', 'päß'],
    ['-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n', '-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----'],
  ] as const)
    assert.equal(await content({ file: file('p', written) }), read)
  symlinkSync(file('target', 'linked\n'), join(dir, 'link'))
  assert.equal(await content({ file: join(dir, 'link') }), 'linked')
})

test('a file that others may read or that is no file of a secret is refused, and its content is not told', posix, async () => {
  for (const mode of [0o640, 0o604, 0o620, 0o644, 0o666, 0o610])
    await refused({ file: file('open', marker, mode) }, 'SECRET_FILE_OPEN', new RegExp(`mode 0${mode.toString(8)}`))
  await refused({ file: join(dir, 'nowhere') }, 'SECRET_MISSING', /no file/)
  await refused({ file: file('empty', '\n') }, 'SECRET_EMPTY', /empty/)
  await refused({ file: file('large', Buffer.alloc(64 * 1024 + 1, marker)) }, 'SECRET_TOO_LARGE', /64 KiB/)
  await refused({ file: file('wide', Buffer.from(`\ufeff${marker}`, 'utf16le')) }, 'SECRET_ENCODING', /UTF-16/)
  mkdirSync(join(dir, 'folder'), { mode: 0o700 })
  await refused({ file: join(dir, 'folder') }, 'SECRET_FILE_KIND', /no regular file/)
  // Neither waits for a writer nor reads for ever.
  spawnSync('mkfifo', ['-m', '600', join(dir, 'pipe')])
  await refused({ file: join(dir, 'pipe') }, 'SECRET_FILE_KIND', /no regular file/)
  await refused({ file: '/dev/zero' }, 'SECRET_FILE_KIND', /no regular file/)
  await assert.rejects(checkSecretFile(file('keytab', marker, 0o644)), ProblemError)
  await checkSecretFile(file('keytab', marker))
})

test('the environment, by name', async () => {
  process.env.SLMCTL_TEST_SECRET = marker
  assert.equal(await content({ env: 'SLMCTL_TEST_SECRET' }), marker)
  process.env.SLMCTL_TEST_SECRET = ''
  await refused({ env: 'SLMCTL_TEST_SECRET' }, 'SECRET_EMPTY', /SLMCTL_TEST_SECRET/)
  delete process.env.SLMCTL_TEST_SECRET
  await refused({ env: 'SLMCTL_TEST_SECRET' }, 'SECRET_MISSING', /SLMCTL_TEST_SECRET is not set/)
})

test("the keyring's command gets its words without a shell and no secret in them; what it prints is bounded", {
  skip: process.platform !== 'linux',
}, async () => {
  // A command by that name on the path stands for a keyring; the real one is asked in test/peers/keyring.
  const path = process.env.PATH
  const keyring = (script: string) => {
    mkdirSync(join(dir, 'bin'), { recursive: true })
    file('bin/secret-tool', `#!/bin/sh\n${script}\n`, 0o700)
    process.env.PATH = `${join(dir, 'bin')}:${path}`
  }
  const reference = { keyring: { service: 'slm ctl; $(id)', account: "l'ocal" } }
  try {
    process.env.SLMCTL_TEST_OTHER = marker
    keyring('for a in "$@"; do printf "[%s]" "$a"; done; env | grep -c SLMCTL_TEST_OTHER; true')
    assert.equal(await content(reference), "[lookup][service][slm ctl; $(id)][account][l'ocal]0")
    keyring(`printf ${marker}; exit 1`)
    await refused(reference, 'SECRET_MISSING', /not found, or the keyring is locked/)
    keyring(`yes ${marker}`)
    await refused(reference, 'SECRET_TOO_LARGE', /64 KiB/)
    await refused({ keyring: { service: '--help', account: 'a' } }, 'SECRET_KEYRING', /hyphen/)
    process.env.PATH = join(dir, 'nothing')
    await refused(reference, 'SECRET_KEYRING', /secret-tool is not installed/)
  } finally {
    process.env.PATH = path
    delete process.env.SLMCTL_TEST_OTHER
  }
})

test('a secret shows itself to nobody but its one user, and not after it is forgotten', () => {
  const given = Buffer.from(marker)
  const secret = new Secret(given)
  assert.deepEqual(given, Buffer.alloc(marker.length), 'the given bytes are wiped')
  for (const text of [
    String(secret),
    `${inspect({ secret }, { showHidden: true, depth: 9 })}`,
    JSON.stringify({ secret }),
    String([secret]),
  ])
    assert.doesNotMatch(text, new RegExp(marker))
  let kept: Uint8Array | null = null
  secret.use((bytes) => {
    kept = bytes
    assert.equal(Buffer.from(bytes).toString(), marker)
  })
  assert.deepEqual(Buffer.from(kept!), Buffer.alloc(marker.length))
  assert.throws(
    () =>
      secret.use((bytes) => {
        kept = bytes
        throw new Error('x')
      }),
    /x/,
  )
  assert.deepEqual(Buffer.from(kept!), Buffer.alloc(marker.length))
  secret.wipe()
  secret.use((bytes) => assert.notEqual(Buffer.from(bytes).toString(), marker))
})

/** Types keys into a program on a terminal of its own (`script` makes one); answers what the terminal showed. */
async function onTerminal(program: string, keys: string): Promise<string> {
  const child = spawn('script', ['-qec', `${process.execPath} ${program}`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const late = setTimeout(() => child.kill('SIGKILL'), 8000)
  let shown = ''
  let typed = false
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    shown += chunk
    if (!typed && shown.includes('Password: ')) {
      typed = true
      child.stdin.write(keys)
    }
  }
  clearTimeout(late)
  return shown
}
const asks = file(
  'ask.ts',
  `
import { secretFromPrompt } from ${JSON.stringify(new URL('../../src/secrets.ts', import.meta.url).href)}
try {
  const secret = await secretFromPrompt('Password: ')
  console.log('GOT', secret.use((b) => Buffer.from(b).toString('hex')))
} catch (error) {
  console.log('NOT', error.problems[0].code)
}
`,
)
const hasScript = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0

test('the prompt takes a password without showing it; Backspace, ^U and ^C do what they say', { skip: !hasScript }, async () => {
  const hex = (text: string) => Buffer.from(text).toString('hex')
  const shown = await Promise.all([
    onTerminal(asks, `${marker}ü\r`),
    onTerminal(asks, 'wrong\u0015abü\u007f\u007fc\r'),
    onTerminal(asks, `${marker}\u0003`),
    onTerminal(asks, '\u0004'),
  ])
  for (const text of shown) assert.doesNotMatch(text, new RegExp(`${marker}|wrong`))
  assert.match(shown[0]!, new RegExp(`GOT ${hex(`${marker}ü`)}`))
  assert.match(shown[1]!, new RegExp(`GOT ${hex('ac')}\\s`))
  assert.match(shown[2]!, /NOT SECRET_NOT_GIVEN/)
  assert.match(shown[3]!, /NOT SECRET_NOT_GIVEN/)
})

test('without a terminal nothing is asked', () => {
  const done = spawnSync(process.execPath, [asks], { input: `${marker}\n`, encoding: 'utf8' })
  assert.match(done.stdout, /NOT SECRET_NEEDS_TERMINAL/)
})
