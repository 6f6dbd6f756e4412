import { ProblemError, problem } from '../../model.ts'
import type { Io } from '../io.ts'

export async function run(
  _words: readonly string[],
  _flags: Readonly<Record<string, string | boolean | undefined>>,
  _io: Io,
): Promise<number> {
  throw new ProblemError(problem('NOT_HERE_YET', 'offline is not in this release.', ['slmctl --help lists the commands.']))
}
