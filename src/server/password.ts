/**
 * Passwords of local accounts: scrypt (RFC 7914), kept as one string with its parameters. OWASP's password storage cheat sheet:
 * N=2^17, r=8, p=1. One of them needs 128 MiB, so that at most two are made at once, and only so many wait.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { ProblemError, problem } from '../model.ts'

const cost = { ln: 17, r: 8, p: 1 } as const
const atOnce = 2
const waitingMost = 32
const hashBytes = 32
/** NIST SP 800-63B asks for 8 and more; ours guard the licences of a whole organisation. */
export const shortest = 12
export const longestBytes = 1024

const encoded = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')

let running = 0
const waiting: (() => void)[] = []

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= atOnce) {
    if (waiting.length >= waitingMost)
      throw new ProblemError(problem('SIGN_IN_BUSY', 'Too many people sign in at this moment.', ['Try again in a few seconds.']))
    await new Promise<void>((go) => waiting.push(go))
  } else running++
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running--
  }
}

const derive = (password: Uint8Array, salt: Uint8Array, bytes: number, { ln, r, p }: { ln: number; r: number; p: number }) =>
  inTurn(
    () =>
      new Promise<Buffer>((resolve, reject) => {
        const N = 2 ** ln
        scrypt(password, salt, bytes, { N, r, p, maxmem: 128 * N * r + 64 * 1024 * 1024 }, (error, key) =>
          error ? reject(error) : resolve(key),
        )
      }),
  )

/** `$scrypt$ln=17,r=8,p=1$SALT$HASH`, to be kept. Too short and too long ones are `PASSWORD_TOO_SHORT`, `PASSWORD_TOO_LONG`. */
export async function passwordHash(password: Uint8Array): Promise<string> {
  if ([...Buffer.from(password).toString('utf8')].length < shortest)
    throw new ProblemError(
      problem('PASSWORD_TOO_SHORT', `A password has at least ${shortest} characters.`, ['Several words make a good one.']),
    )
  if (password.length > longestBytes)
    throw new ProblemError(problem('PASSWORD_TOO_LONG', `A password has at most ${longestBytes} bytes.`, ['Take a shorter one.']))
  const salt = randomBytes(16)
  const { ln, r, p } = cost
  return `$scrypt$ln=${ln},r=${r},p=${p}$${encoded(salt)}$${encoded(await derive(password, salt, hashBytes, cost))}`
}

/** Parameters beyond these are not ours: a row that somebody changed must not cost all memory. */
const kept = /^\$scrypt\$ln=(1[0-9]|20),r=([1-9]|1[0-6]),p=([1-4])\$([A-Za-z0-9+/]{11,88})\$([A-Za-z0-9+/]{22,88})$/

/** Whether it is the password. Null (no such account, none is kept) costs the same, and is never right. */
export async function isPassword(password: Uint8Array, secret: string | null): Promise<boolean> {
  const found = secret === null ? null : kept.exec(secret)
  const [ln, r, p] = found ? [Number(found[1]), Number(found[2]), Number(found[3])] : [cost.ln, cost.r, cost.p]
  const salt = found ? Buffer.from(found[4]!, 'base64') : randomBytes(16)
  const expected = found ? Buffer.from(found[5]!, 'base64') : randomBytes(hashBytes)
  const key = await derive(password, salt, expected.length, { ln, r, p })
  return timingSafeEqual(key, expected) && found !== null
}
