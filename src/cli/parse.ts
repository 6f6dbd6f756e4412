import { parseArgs } from 'node:util'
import { nearest, ProblemError, problem } from '../model.ts'
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
  const usage = (summary: string) => new ProblemError(problem('USAGE', summary, [`slmctl ${command.name} --help`]))
  // A negative number is a code (`explain -1073418124`), and the scripts take their options with a hyphen, too (`explain -dlv`).
  const word = command.name === 'explain' ? /^-(?:\d+|[a-z][a-z-]+)$/i : /^-\d+$/
  try {
    const words = argv.map((a) => (word.test(a) ? `\u0000${a}` : a))
    const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true, strict: true })
    for (const [flag, value] of Object.entries(values)) {
      if (Array.isArray(value)) values[flag] = value.join('\n')
      const given = values[flag]
      if (typeof given === 'string') values[flag] = given.replaceAll('\u0000-', '-')
      if (values[flag] === '') throw usage(lacksValue(command, `--${flag}`))
    }
    return { values: values as Record<string, string | boolean | undefined>, positionals: positionals.map((p) => p.replace('\u0000', '')) }
  } catch (error) {
    if (error instanceof ProblemError) throw error
    const { code, message } = error as Error & { code?: string }
    const wrong = /'(--?[\w-]+)/.exec(message)?.[1]
    if (wrong === undefined) throw usage(message)
    if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') throw usage(lacksValue(command, wrong))
    const meant = nearest(wrong, [...command.options.map((o) => o.flag), '--json', '--help'])
    throw usage(`${command.name} does not know the option ${wrong}.${meant ? ` Did you mean ${meant}?` : ''}`)
  }
}

function lacksValue(command: Command, flag: string): string {
  const value = command.options.find((o) => o.flag === flag)?.value ?? null
  return value === null ? `${flag} takes no value.` : `${flag} lacks its value: ${flag} ${value}.`
}
