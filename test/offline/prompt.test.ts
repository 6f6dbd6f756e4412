/** The passphrase of a new signing key, on a terminal (that of util-linux' script). */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const dir = mkdtempSync(join(tmpdir(), 'slmctl-prompt-'))
after(() => rmSync(dir, { recursive: true }))
const skip = spawnSync('script', ['--version']).error !== undefined || process.platform !== 'linux'

/** Runs it, and types the next line whenever it asks. */
async function typed(args: readonly string[], lines: readonly string[]): Promise<{ code: number | null; said: string }> {
  const command = [process.execPath, 'bin/slmctl.cjs', ...args].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'])
  const left = [...lines]
  let said = ''
  let answered = 0
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk
    const asked = said.match(/: (?=\s*$|\r?\n)/g)?.length ?? 0
    if (asked > answered && left.length > 0) {
      answered = asked
      child.stdin.write(`${left.shift()}\r`)
    }
  })
  const code = await new Promise<number | null>((done) => child.on('close', done))
  return { code, said }
}

test('a new passphrase is asked for twice; two that differ make no key', { skip }, async () => {
  const file = join(dir, 'signer.key')
  const other = await typed(['offline', 'signer', file, '--ask-passphrase'], ['correct horse', 'correct hores'])
  assert.equal(other.code, 2, other.said)
  assert.match(other.said, /The two passphrases differ/)
  assert.ok(!existsSync(file))
  const same = await typed(['offline', 'signer', file, '--ask-passphrase'], ['correct horse', 'correct horse'])
  assert.equal(same.code, 0, same.said)
  assert.match(readFileSync(file, 'utf8'), /BEGIN ENCRYPTED PRIVATE KEY/)
  assert.doesNotMatch(other.said + same.said, /horse|hores/)
})
