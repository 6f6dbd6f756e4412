/**
 * Two keys of two computers: the one that signs plans (Ed25519), which the holder of the licences keeps, and the one that only the
 * target has (X25519), to which secrets of a plan are encrypted. Each is refused in the other's place.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ProblemError, problem } from '../model.ts'
import { readSecret, type Secret, secretFromPrompt, writeSecretFile } from '../secrets.ts'
import { rawPublicKey } from './hpke.ts'
import { signerOf } from './signed-plan.ts'

const no = (code: string, summary: string, next: readonly string[], file?: string) =>
  new ProblemError(problem(code, summary, next, file === undefined ? {} : { file }))

/** Writes a key into a file of its own, and wipes what was written. */
async function writeNew(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeSecretFile(file, bytes)
  } finally {
    bytes.fill(0)
  }
}

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')

/** [RFC 7468] PEM, byte by byte: a string of a private key could not be wiped. */
function pemOf(der: Uint8Array, label: string): Buffer {
  const length = Math.ceil(der.length / 3) * 4
  const [head, foot] = [Buffer.from(`-----BEGIN ${label}-----\n`), Buffer.from(`-----END ${label}-----\n`)]
  const out = Buffer.alloc(head.length + length + Math.ceil(length / 64) + foot.length)
  let at = head.copy(out)
  for (let i = 0, n = 0; i < der.length; i += 3) {
    const bits = (der[i]! << 16) | ((der[i + 1] ?? 0) << 8) | (der[i + 2] ?? 0)
    for (const [k, shift] of [18, 12, 6, 0].entries()) {
      out[at++] = i + k - 1 < der.length ? alphabet[(bits >> shift) & 63]! : 0x3d
      if (++n % 64 === 0 || (n === length && n % 64 !== 0)) out[at++] = 0x0a
    }
  }
  foot.copy(out, at)
  return out
}

/** PKCS#8 in PEM; with a passphrase it is encrypted (PBES2, AES-256). Whoever gets it wipes it. */
function pem(key: KeyObject, passphrase: Secret | null): Buffer {
  const der = passphrase
    ? passphrase.use((bytes) =>
        key.export({
          type: 'pkcs8',
          format: 'der',
          cipher: 'aes-256-cbc',
          passphrase: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
        }),
      )
    : key.export({ type: 'pkcs8', format: 'der' })
  try {
    return pemOf(der, passphrase ? 'ENCRYPTED PRIVATE KEY' : 'PRIVATE KEY')
  } finally {
    der.fill(0)
  }
}

/** The private key by which plans are signed. */
export type SigningKey = KeyObject

/** Where the passphrase of a signing key comes from; neither: there is none. */
export type Passphrase = { readonly file: string | null; readonly ask: boolean }

async function passphraseOf({ file, ask }: Passphrase): Promise<Secret | null> {
  if (file !== null) return await readSecret({ file })
  return ask ? await secretFromPrompt('Passphrase of the signing key: ') : null
}

/** A passphrase that was mistyped when the key was made would never open it: it is asked for twice. */
async function sameAgain(secret: Secret): Promise<void> {
  try {
    const again = await secretFromPrompt('The same again: ')
    const same = secret.use((a) => again.use((b) => Buffer.compare(a, b) === 0))
    again.wipe()
    if (!same) throw no('SIGNER_KEY', 'The two passphrases differ; no key was made.', ['Start the command again.'])
  } catch (error) {
    secret.wipe()
    throw error
  }
}

/** Makes the key that signs plans; answers its public part, for the site file. */
export async function makeSigner(file: string, passphrase: Passphrase): Promise<string> {
  const secret = await passphraseOf(passphrase)
  if (secret && passphrase.ask && passphrase.file === null) await sameAgain(secret)
  const { privateKey } = generateKeyPairSync('ed25519')
  try {
    await writeNew(file, pem(privateKey, secret))
  } finally {
    secret?.wipe()
  }
  return signerOf(privateKey)!
}

/** Reads the key that signs plans. `passphrase` is asked only where the key is encrypted. */
export async function readSigner(file: string, passphrase: Passphrase): Promise<KeyObject> {
  if (!existsSync(file)) throw no('SIGNER_KEY', `There is no file ${file}.`, ['slmctl offline signer FILE makes a key.'])
  const bytes = await readSecret({ file })
  const isEncrypted = bytes.use((b) => Buffer.from(b.buffer, b.byteOffset, b.length).includes('ENCRYPTED'))
  const secret = isEncrypted ? await passphraseOf(passphrase) : null
  if (isEncrypted && !secret)
    throw no('SIGNER_KEY', `The key in ${file} is encrypted, and no passphrase is given.`, ['--passphrase-file FILE, or --ask-passphrase'])
  let key: KeyObject
  try {
    const view = (b: Uint8Array) => Buffer.from(b.buffer, b.byteOffset, b.length)
    key = bytes.use((b) =>
      secret
        ? secret.use((p) => createPrivateKey({ key: view(b), format: 'pem', passphrase: view(p) }))
        : createPrivateKey({ key: view(b), format: 'pem' }),
    )
  } catch {
    throw no(
      'SIGNER_KEY',
      secret ? `The key in ${file} does not open with this passphrase.` : `${file} holds no private key (PKCS#8, PEM).`,
      ['slmctl offline signer FILE makes one.'],
    )
  } finally {
    bytes.wipe()
    secret?.wipe()
  }
  if (signerOf(key) === null)
    throw no('SIGNER_KEY', `The key in ${file} is none for signing plans (Ed25519).`, ['slmctl offline signer FILE makes one.'])
  return key
}

const targetFile = (folder: string) => join(folder, 'target.key')

/** The key of this computer; null where none was made. Throws where the file is there and is no such key. */
export async function targetKey(folder: string): Promise<KeyObject | null> {
  let secret: Secret
  try {
    secret = await readSecret({ file: targetFile(folder) })
  } catch (error) {
    if (error instanceof ProblemError && error.problems[0]?.code === 'SECRET_MISSING') return null
    throw error
  }
  try {
    const key = secret.use((b) => createPrivateKey({ key: Buffer.from(b.buffer, b.byteOffset, b.length), format: 'pem' }))
    if (key.asymmetricKeyType === 'x25519') return key
  } catch {
  } finally {
    secret.wipe()
  }
  throw no(
    'TARGET_KEY',
    `${targetFile(folder)} is not the key of this computer.`,
    ['Move the file away and make a new recording: plans that were made for the old key are lost.'],
    targetFile(folder),
  )
}

/** The key of this computer, made at the first use. `secure` keeps others out of the folder where the mode of a file does not. */
export async function ensureTargetKey(folder: string, secure: (folder: string) => Promise<void>): Promise<KeyObject> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  await secure(folder)
  const there = await targetKey(folder)
  if (there) return there
  const { privateKey } = generateKeyPairSync('x25519')
  await writeNew(targetFile(folder), pem(privateKey, null))
  return privateKey
}

/** The public part, as an identity has it. */
export const publicPart = (key: KeyObject): string => rawPublicKey(createPublicKey(key))!.toString('base64')

/** By what people compare a computer's key, on the screen here and there: 80 bits of its hash, in groups. */
export function keyWords(key: string): string {
  const hash = createHash('sha256').update(Buffer.from(key, 'base64')).digest('hex')
  return hash.slice(0, 20).match(/.{4}/g)!.join('-')
}
