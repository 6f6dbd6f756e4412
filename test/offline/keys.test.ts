import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  begun,
  claim,
  ensureTargetKey,
  keyWords,
  makeSigner,
  publicPart,
  readSigner,
  refuseUsed,
  signerOf,
  targetKey,
} from '../../src/offline.ts'

const none = { file: null, ask: false }
const inFolder = async (work: (at: (name: string) => string) => Promise<void>) => {
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-offline-'))
  try {
    await work((name) => join(folder, name))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
const code = async (work: Promise<unknown> | (() => unknown)): Promise<string> => {
  try {
    await (typeof work === 'function' ? work() : work)
    return 'none'
  } catch (error) {
    return (error as { problems?: { code: string }[] }).problems?.[0]?.code ?? String(error)
  }
}

test('a signing key: for its owner only, read by others as PKCS#8, with a passphrase if wished', () =>
  inFolder(async (at) => {
    writeFileSync(at('pass'), 'correct horse', { mode: 0o600 })
    writeFileSync(at('wrong'), 'battery staple', { mode: 0o600 })
    for (const file of [null, at('pass')]) {
      const name = at(`signer${file ? 2 : 1}.key`)
      const publicKey = await makeSigner(name, { file, ask: false })
      assert.equal(statSync(name).mode & 0o777, 0o600)
      const text = readFileSync(name, 'utf8')
      assert.ok(text.split('\n').every((line) => line.length <= 64))
      const key = createPrivateKey({ key: text, ...(file ? { passphrase: 'correct horse' } : {}) })
      assert.equal(signerOf(key), publicKey)
      assert.equal(signerOf(await readSigner(name, { file, ask: false })), publicKey)
      assert.equal(await code(makeSigner(name, none)), 'FILE_NOT_WRITTEN')
    }
    assert.equal(await code(readSigner(at('signer2.key'), none)), 'SIGNER_KEY')
    assert.equal(await code(readSigner(at('signer2.key'), { file: at('wrong'), ask: false })), 'SIGNER_KEY')
    assert.equal(await code(readSigner(at('pass'), none)), 'SIGNER_KEY')
    assert.equal(await code(readSigner(at('no.key'), none)), 'SIGNER_KEY')
    chmodSync(at('signer1.key'), 0o644)
    assert.equal(await code(readSigner(at('signer1.key'), none)), 'SECRET_FILE_OPEN')
  }))

test('keys of every length are written as others read them', () =>
  inFolder(async (at) => {
    // Encrypted PKCS#8 has other lengths than plain: all three ends of base64 are met.
    for (const length of [1, 2, 3, 4, 5, 6, 7]) {
      writeFileSync(at(`pass${length}`), 'x'.repeat(length), { mode: 0o600 })
      const publicKey = await makeSigner(at(`${length}.key`), { file: at(`pass${length}`), ask: false })
      const key = createPrivateKey({ key: readFileSync(at(`${length}.key`)), passphrase: 'x'.repeat(length) })
      assert.equal(signerOf(key), publicKey)
    }
  }))

test('the key of a computer is made once, and is no signing key', () =>
  inFolder(async (at) => {
    let secured = 0
    const secure = async () => {
      secured++
    }
    assert.equal(await targetKey(at('identity')), null)
    const made = publicPart(await ensureTargetKey(at('identity'), secure))
    assert.equal(publicPart(await ensureTargetKey(at('identity'), secure)), made)
    assert.equal(secured, 2)
    assert.equal(statSync(at('identity')).mode & 0o777, 0o700)
    assert.equal(statSync(at('identity/target.key')).mode & 0o777, 0o600)
    assert.match(keyWords(made), /^(?:[0-9a-f]{4}-){4}[0-9a-f]{4}$/)
    assert.notEqual(keyWords(made), keyWords(publicPart(generateKeyPairSync('x25519').privateKey)))
    assert.equal(await code(readSigner(at('identity/target.key'), none)), 'SIGNER_KEY')
    rmSync(at('identity/target.key'))
    await makeSigner(at('identity/target.key'), none)
    assert.equal(await code(targetKey(at('identity'))), 'TARGET_KEY')
    assert.equal(await code(ensureTargetKey(at('identity'), secure)), 'TARGET_KEY')
  }))

test('a plan is begun once; what was not sent can be taken back', () =>
  inFolder(async (at) => {
    const [serial, bytes] = ['0123456789abcdef0123456789abcdef', Buffer.from('plan')]
    refuseUsed(at('used'), serial)
    const takeBack = claim(at('used'), serial, bytes)
    assert.equal(await code(() => refuseUsed(at('used'), serial)), 'PLAN_USED')
    assert.equal(await code(() => claim(at('used'), serial, bytes)), 'PLAN_USED')
    assert.deepEqual(begun(at('used'), serial), bytes)
    takeBack()
    refuseUsed(at('used'), serial)
    assert.equal(begun(at('used'), serial), null)
    writeFileSync(at('file'), '')
    assert.equal(await code(() => claim(at('file'), serial, bytes)), 'JOURNAL_NOT_WRITTEN')
  }))
