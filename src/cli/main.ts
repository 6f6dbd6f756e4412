import { maskKeys, nearest, ProblemError, problem } from '../model.ts'
import { type CommandOption, type Command as CommandRow, type CommandWord, commands } from './commands.ts'
import { harmless, type Io, json, showProblem, terminal, wrap } from './io.ts'
import { parse } from './parse.ts'
import { version } from './version.ts'

/** Runs one command line; sets the process's exit code and answers it. */
export async function main(argv: readonly string[], io: Io = terminal()): Promise<number> {
  if (!process.env.SLMCTL_DEBUG && !argv.some((word) => word.startsWith('--debug'))) return await plainMain(argv, io)
  // Around any command, also one that cannot even be read.
  const { run: withArchive } = await import('./commands/debug.ts')
  return await withArchive(argv, harmless(io), plainMain)
}

async function plainMain(argv: readonly string[], given: Io): Promise<number> {
  const io = harmless(given)
  let code: number
  try {
    code = await run(argv, io)
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    for (const p of error.problems) showProblem(p, io)
    if (argv.includes('--json')) io.out(json({ schema: 'slmctl.problems/1', problems: error.problems }))
    code = 2
  }
  process.exitCode = code
  return code
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv
  if (name === '--version' || name === '-V') {
    io.out(`${version}\n`)
    return 0
  }
  if (name === undefined || name === '--help' || name === '-h' || (name === 'help' && rest[0] === undefined)) {
    io.out(overview(io))
    return name === undefined ? 2 : 0
  }
  if (name === 'help') {
    io.out(help(named(rest[0]!), io))
    return 0
  }
  const command = named(name)
  const { values, positionals } = parse(command, rest)
  if (values.help) {
    const word = command.words && Object.hasOwn(command.words, positionals[0] ?? '') ? command.words[positionals[0]!] : undefined
    io.out(word ? helpOfWord(word, io) : help(command, io))
    return 0
  }
  const { run: go } = await command.load()
  return await go(positionals, values, io)
}

function named(name: string): CommandRow {
  const command = commands.find((c) => c.name === name)
  if (command) return command
  const summary = name.startsWith('-')
    ? `A command comes first, then its options; ${/^--?[\w-]*/.exec(maskKeys(name))![0]} is none.`
    : `There is no command ${maskKeys(name)}.`
  const near = nearest(
    name,
    commands.map((c) => c.name),
  )
  throw new ProblemError(problem('USAGE', `${summary}${near ? ` Did you mean ${near}?` : ''}`, ['slmctl --help lists the commands.']))
}

function overview(io: Io): string {
  const width = Math.max(...commands.map((c) => c.name.length)) + 2
  return [
    wrap(
      "slmctl keeps an organisation's Windows and Office volume licences activated against its own KMS hosts, says in plain words why a machine is not, and shows which activations are not the organisation's.",
      io.columns,
    ),
    '\nUsage: slmctl COMMAND [OPTIONS]\n\n',
    ...commands.map((c) => wrap(c.summary, io.columns, `  ${c.name.padEnd(width)}`)),
    `\n${wrap('slmctl COMMAND --help says how. Every command knows --json, and --debug (an archive for support). Exit codes: 0 as wished, 1 something is not, 2 could not do it.', io.columns)}`,
  ].join('')
}

/** Flags that every command knows. */
const common: readonly CommandOption[] = [
  { flag: '--json', value: null, means: 'Print the answer as JSON.' },
  {
    flag: '--debug',
    value: null,
    means: 'Also write an archive for support; --debug-redacted hides names in it. --debug=FILE says where.',
  },
  { flag: '--help', value: null, means: 'Show this help.' },
]

function help(command: CommandRow, io: Io): string {
  return [
    `${wrap(`Usage: slmctl ${command.words ? `${command.name} WORD` : command.usage}${command.options.length > 0 ? ' [OPTIONS]' : ''}`, io.columns)}\n`,
    wrap(command.about, io.columns),
    '\n',
    command.words ? wordsOf(command, command.words, io) : optionRows(command.options, io),
    command.examples.length > 0 ? `\nExamples:\n${command.examples.map((e) => `  ${e}\n`).join('')}` : '',
  ].join('')
}

function helpOfWord(word: CommandWord, io: Io): string {
  return [`Usage: slmctl ${word.usage} [OPTIONS]\n\n`, wrap(word.means, io.columns), '\n', optionRows(word.options, io)].join('')
}

function wordsOf({ name }: CommandRow, words: NonNullable<CommandRow['words']>, io: Io): string {
  const rows = Object.values(words).map((w) => [w.usage.slice(name.length + 1), w.means] as const)
  const width = Math.max(...rows.map(([usage]) => usage.length)) + 2
  return [
    ...rows.map(([usage, means]) => wrap(means, io.columns, `  ${usage.padEnd(width)}`)),
    `\nThe options of a word: slmctl ${name} ${Object.keys(words)[0]} --help\n`,
  ].join('')
}

function optionRows(options: readonly CommandOption[], io: Io): string {
  const rows = [...options, ...common]
  const width = Math.max(...rows.map((o) => o.flag.length + (o.value ? o.value.length + 1 : 0))) + 2
  return rows.map((o) => wrap(o.means, io.columns, `  ${`${o.flag}${o.value ? ` ${o.value}` : ''}`.padEnd(width)}`)).join('')
}
