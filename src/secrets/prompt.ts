import type { ReadStream } from 'node:tty'
import { ProblemError, problem } from '../model.ts'
import { Secret } from './secret.ts'

/** Longer than any password that a person types. */
const limitBytes = 1024

/**
 * Asks for a secret on the terminal without showing it (`--ask-password`). Keys come as bytes and stay bytes. ^C throws
 * SECRET_NOT_GIVEN; Backspace takes one character back, ^U all.
 */
export async function secretFromPrompt(
  question: string,
  input: ReadStream = process.stdin,
  output: { write: (text: string) => unknown } = process.stderr,
): Promise<Secret> {
  if (!input.isTTY)
    throw new ProblemError(
      problem('SECRET_NEEDS_TERMINAL', 'A password or passphrase can be asked for only on a terminal, and standard input is none.', [
        'Keep it in a file that only you can read: --password-file FILE, --passphrase-file FILE.',
        'Or refer to a password in the site file: password: {file: PATH}, {env: NAME} or {keyring: {service, account}}.',
      ]),
    )
  const { promise, resolve, reject } = Promise.withResolvers<Secret>()
  const typed = Buffer.allocUnsafeSlow(limitBytes)
  let length = 0
  const wasRaw = input.isRaw
  const end = (settle: () => void) => {
    input.off('data', take)
    input.off('end', gone)
    input.setRawMode(wasRaw)
    input.pause()
    output.write('\n')
    settle()
    typed.fill(0)
  }
  const gone = () =>
    end(() => reject(new ProblemError(problem('SECRET_NOT_GIVEN', 'No password was given.', ['Start the command again.']))))
  const take = (keys: Buffer) => {
    for (const [i, key] of keys.entries()) {
      if (key === 0x0d || key === 0x0a || (key === 0x04 && length > 0)) {
        end(() => resolve(new Secret(typed.subarray(0, length))))
        break
      }
      if (key === 0x03 || key === 0x04) {
        gone()
        break
      }
      if (key === 0x7f || key === 0x08) {
        // One character in UTF-8: its continuation bytes and its first byte.
        while (length > 0 && (typed[length - 1]! & 0xc0) === 0x80) length--
        if (length > 0) length--
      } else if (key === 0x15) length = 0
      else if (key >= 0x20 && length < limitBytes) typed[length++] = key
      keys[i] = 0
    }
    keys.fill(0)
  }
  // Silence first: what is typed between the question and the silence would be shown, and ^C would end the program.
  input.setRawMode(true)
  output.write(question)
  input.on('data', take)
  input.on('end', gone)
  input.resume()
  return promise
}
