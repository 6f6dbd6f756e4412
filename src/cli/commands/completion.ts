/** Completion for shells, made from the table of commands: a script that the shell reads once and that calls nothing. */
import { ProblemError, problem } from '../../model.ts'
import { type Command, type CommandOption, commands } from '../commands.ts'
import { type Io, json } from '../io.ts'

/** What every command knows. */
const common: readonly CommandOption[] = [
  { flag: '--json', value: null, means: 'Print the answer as JSON.' },
  { flag: '--debug', value: null, means: 'Also write an archive for support.' },
  { flag: '--debug-redacted', value: null, means: 'The same, with names hidden.' },
  { flag: '--help', value: null, means: 'Show the help of this command.' },
]
const optionsOf = (c: Command) => [...c.options, ...common]
/** The words that come right after a command: schedule install|show|remove. */
const verbsOf = (c: Command) => /^\S+ ([a-z]+(?:\|[a-z]+)+)(?: |$)/.exec(c.usage)?.[1]?.split('|') ?? []
/** The values that a flag may have; none where they are not a few words. */
const valuesOf = (o: CommandOption) => (o.value?.includes('|') ? o.value.split('|') : [])
const namesFile = (o: CommandOption) => /FILE|DIR|FOLDER/.test(o.value ?? '')
const names = commands.map((c) => c.name)

function bash(): string {
  const flags = (c: Command) => optionsOf(c).map((o) => o.flag)
  const words = commands.map((c) => `    ${c.name}) words='${flags(c).join(' ')}'; verbs='${verbsOf(c).join(' ')}';;`)
  const values = commands.flatMap((c) =>
    c.options.filter((o) => valuesOf(o).length > 0).map((o) => `    '${c.name} ${o.flag}') words='${valuesOf(o).join(' ')}';;`),
  )
  // Where nothing is offered the shell offers files: that is right for every value that is one.
  const free = commands.flatMap((c) =>
    c.options.filter((o) => o.value !== null && valuesOf(o).length === 0).map((o) => `'${c.name} ${o.flag}'`),
  )
  return `_slmctl() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" cmd="\${COMP_WORDS[1]}" words='' verbs=''
  COMPREPLY=()
  case "$cmd" in
${words.join('\n')}
    help) verbs='${names.join(' ')}';;
  esac
  case "$cmd $prev" in
${values.join('\n')}
    ${free.join('|')}) return;;
    *)
      if [ "$COMP_CWORD" -eq 1 ]; then words='${names.join(' ')} help --help --version'
      elif [ "$COMP_CWORD" -eq 2 ] && [ -n "$verbs" ]; then words="$verbs $words"
      fi
      # A word that is no option is a file, a machine or a text.
      case "$COMP_CWORD,$verbs,$cur" in 1,*|2,?*,*|*,*,-*) ;; *) return;; esac;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _slmctl slmctl
`
}

/** Zsh reads what is written for bash, and says so itself (bashcompinit). */
const zsh = () => `autoload -Uz compinit bashcompinit
(( $+functions[compdef] )) || compinit
bashcompinit
${bash()}`

function fish(): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines = ['complete -c slmctl -n __fish_use_subcommand -f']
  for (const c of commands) {
    lines.push(`complete -c slmctl -n __fish_use_subcommand -a ${c.name} -d ${quoted(c.summary)}`)
    const seen = `-n '__fish_seen_subcommand_from ${c.name}'`
    const verbs = verbsOf(c)
    if (verbs.length > 0)
      lines.push(
        `complete -c slmctl -n '__fish_seen_subcommand_from ${c.name}; and not __fish_seen_subcommand_from ${verbs.join(' ')}' -f -a ${quoted(verbs.join(' '))}`,
      )
    for (const o of optionsOf(c)) {
      const takes =
        valuesOf(o).length > 0 ? ` -x -a ${quoted(valuesOf(o).join(' '))}` : o.value === null ? '' : namesFile(o) ? ' -r -F' : ' -x'
      lines.push(`complete -c slmctl ${seen} -l ${o.flag.slice(2)}${takes} -d ${quoted(o.means)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

/** PowerShell, of Windows and of others. Where nothing is offered it offers files by itself. */
function powershell(): string {
  const list = (words: readonly string[]) => `@(${words.map((w) => `'${w}'`).join(', ')})`
  const rows = commands.map((c) => `    '${c.name}' = ${list([...verbsOf(c), ...optionsOf(c).map((o) => o.flag)])}`)
  const values = commands.flatMap((c) =>
    c.options.filter((o) => o.value !== null).map((o) => `    '${c.name} ${o.flag}' = ${list(valuesOf(o))}`),
  )
  return `Register-ArgumentCompleter -Native -CommandName slmctl, slmctl.exe -ScriptBlock {
  param($word, $ast, $position)
  $commands = [ordered]@{
${rows.join('\n')}
  }
  $values = @{
${values.join('\n')}
  }
  $typed = @($ast.CommandElements | Where-Object { $_.Extent.EndOffset -lt $position } | ForEach-Object { $_.ToString() })
  if ($typed.Count -le 1) { $found = @($commands.Keys) + @('help', '--help', '--version') }
  elseif ($values.ContainsKey("$($typed[1]) $($typed[-1])")) { $found = $values["$($typed[1]) $($typed[-1])"] }
  elseif ($commands.Contains($typed[1])) { $found = $commands[$typed[1]] }
  else { $found = @() }
  $found | Where-Object { $_ -like "$word*" } | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`
}

const shells: Readonly<Record<string, () => string>> = { bash, zsh, fish, powershell }

export async function run(words: readonly string[], flags: Readonly<Record<string, unknown>>, io: Io): Promise<number> {
  const script = words.length === 1 && Object.hasOwn(shells, words[0]!) ? shells[words[0]!] : undefined
  if (!script)
    throw new ProblemError(
      problem('USAGE', 'completion wants the name of a shell: bash, zsh, fish or powershell.', [
        'bash, zsh: source <(slmctl completion bash)',
        'fish: slmctl completion fish | source',
        'PowerShell: slmctl completion powershell | Out-String | Invoke-Expression',
      ]),
    )
  io.out(flags.json ? json({ schema: 'slmctl.completion/1', shell: words[0], script: script() }) : script())
  return 0
}
