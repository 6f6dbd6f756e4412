import { createInterface } from 'node:readline/promises'
import { ProblemError, problem } from '../model.ts'

/** Asks on a terminal; without one, `--yes` is needed. Nothing has been changed until here. `what` follows "Do". */
export async function confirmed(
  what: string,
  flags: Readonly<Record<string, string | boolean | undefined>>,
  signal: AbortSignal,
): Promise<void> {
  if (flags.yes === true) return
  if (!process.stdin.isTTY || flags.json)
    throw new ProblemError(
      problem('NEEDS_YES', `This would do ${what}; without a terminal to ask on, that needs --yes.`, [
        'Look at it first: slmctl plan',
        'slmctl apply … --yes',
      ]),
    )
  const ask = createInterface({ input: process.stdin, output: process.stderr })
  // ^C and the end of the input answer nothing: the question would be waited for, for ever.
  const answer = await new Promise<string>((resolve) => {
    ask.on('close', () => resolve(''))
    ask.on('SIGINT', () => ask.close())
    signal.addEventListener('abort', () => ask.close())
    ask.question(`Do ${what}? [y/N] `).then(resolve, () => resolve(''))
  })
  ask.close()
  if (!/^y(?:es)?$/i.test(answer.trim())) throw new ProblemError(problem('NOT_CONFIRMED', 'Nothing was changed.', ['Answer y to go on.']))
}
