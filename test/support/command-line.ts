/** Command lines as documents print them. */
import assert from 'node:assert/strict'
import { commands } from '../../src/cli/commands.ts'
import { parse } from '../../src/cli/parse.ts'
import { wishOf } from '../../src/support.ts'

/** Holds a command line to the table: known command, known word after it, known flags, values where they are wanted. */
export function parses(line: string): void {
  const words = (line.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^(['"])(.*)\1$/, '$2'))
  assert.match(words[0] ?? '', /^(?:\.\/slmctl|slmctl|slmctl\.exe)$/, line)
  const end = words.findIndex((word) => /^(?:[<>|]|>>)$/.test(word))
  const typed = words.slice(1, end < 0 ? undefined : end)
  const argv = wishOf(typed, undefined)?.argv ?? typed
  if (argv.length === 0 || argv[0] === '--help' || argv[0] === '--version') return
  const command = commands.find((c) => c.name === argv[0])
  assert.ok(command, `${line}: no such command`)
  const { positionals, values } = parse(command, argv.slice(1))
  const [, verbs] = /^\S+ ([a-z]+(?:\|[a-z]+)+)/.exec(command.usage) ?? []
  const word = command.words?.[positionals[0] ?? '']
  if (word)
    for (const flag of Object.keys(values))
      assert.ok(['json', 'site', 'help'].includes(flag) || word.options.some((o) => o.flag === `--${flag}`), `${line}: --${flag}`)
  if (verbs && positionals.length > 0) assert.ok(verbs.split('|').includes(positionals[0]!), `${line}: ${command.name} knows ${verbs}`)
}
