import { parseArgs } from 'node:util'
import { ProblemError, problem } from '../model.ts'
import type { Command } from './commands.ts'

/** Flags and words of one command, read by Node's own parser from the command's row of the table. */
export function parse(
  command: Command,
  argv: readonly string[],
): { values: Record<string, string | boolean | undefined>; positionals: string[] } {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string; multiple?: boolean }> = {
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  }
  for (const o of command.options) options[o.flag.slice(2)] = { type: o.value === null ? 'boolean' : 'string', multiple: o.many === true }
  try {
    // A negative number is a code (`explain -1073418124`), not a flag.
    const words = argv.map((a) => (/^-\d+$/.test(a) ? `\u0000${a}` : a))
    const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true, strict: true })
    for (const [flag, value] of Object.entries(values)) if (Array.isArray(value)) values[flag] = value.join('\n')
    return { values: values as Record<string, string | boolean | undefined>, positionals: positionals.map((p) => p.replace('\u0000', '')) }
  } catch (error) {
    const wrong = /'(-[^']*)'/.exec((error as Error).message)?.[1]
    throw new ProblemError(
      problem(
        'USAGE',
        wrong ? `${command.name} does not know the option ${wrong.split(' ')[0]}, or it lacks its value.` : (error as Error).message,
        [`slmctl ${command.name} --help`],
      ),
    )
  }
}
