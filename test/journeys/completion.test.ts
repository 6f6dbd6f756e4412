/** Completion, tried in the shells that are installed; every shell's script knows every command and option of the table. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { commands } from '../../src/cli/commands.ts'
import { main } from '../../src/cli.ts'

const dir = mkdtempSync(join(tmpdir(), 'slmctl-completion-'))
after(() => rmSync(dir, { recursive: true }))
const script = async (shell: string): Promise<string> => {
  let out = ''
  const code = await main(['completion', shell], { out: (t) => (out += t), err: () => {}, columns: 80, paint: (_, t) => t })
  process.exitCode = 0
  assert.equal(code, 0)
  return out
}
const installed = (shell: string) => spawnSync(shell, ['--version']).error === undefined

/** What is typed, and some of what is offered, and what is not. */
const tries: readonly [typed: readonly string[], offered: readonly string[], not: readonly string[]][] = [
  [['sta'], ['status'], ['plan']],
  [
    ['schedule', ''],
    ['install', 'show', 'remove'],
    ['status', '--yes'],
  ],
  [['status', '--rec'], ['--record'], ['--resume']],
  [['apply', '--re'], ['--renew', '--resume'], ['--record']],
  [['plan', '--host-caching', ''], ['on', 'off'], ['--renew']],
  [['plan', 'pc-17', '--auth', 'k'], ['kerberos'], ['ntlm']],
  [['audit', '--debug-'], ['--debug-redacted'], []],
]

function holds(shell: string, complete: (typed: readonly string[]) => string) {
  for (const [typed, offered, not] of tries) {
    const words = complete(typed)
      .split('\n')
      .map((line) => line.split('\t')[0]!)
    for (const word of offered) assert.ok(words.includes(word), `${shell}: ${typed.join(' ')} lacks ${word}: ${words.join(' ')}`)
    for (const word of not) assert.ok(!words.includes(word), `${shell}: ${typed.join(' ')} offers ${word}`)
  }
}

test('every script knows every command and option', async () => {
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    const text = await script(shell)
    const words = new Set(text.split(/[^\w-]+/))
    for (const c of commands) {
      assert.ok(words.has(c.name), `${shell}: ${c.name}`)
      for (const o of c.options) assert.ok(words.has(shell === 'fish' ? o.flag.slice(2) : o.flag), `${shell}: ${c.name} ${o.flag}`)
    }
    // Windows PowerShell 5.1 reads a file without a mark in the code page of the computer.
    if (shell !== 'fish') assert.doesNotMatch(text, /[^\n\x20-\x7e]/, shell)
  }
})

test('bash', { skip: !installed('bash') }, async () => {
  const file = join(dir, 'bash')
  writeFileSync(file, await script('bash'))
  holds('bash', (typed) => {
    const { stdout, stderr } = spawnSync(
      'bash',
      ['-c', `source "$0"; COMP_WORDS=(slmctl "$@"); COMP_CWORD=$#; _slmctl; printf '%s\\n' "\${COMPREPLY[@]}"`, file, ...typed],
      { encoding: 'utf8' },
    )
    assert.equal(stderr, '')
    return stdout
  })
})

test('fish', { skip: !installed('fish') }, async () => {
  const file = join(dir, 'fish')
  writeFileSync(file, await script('fish'))
  holds('fish', (typed) => {
    const { stdout, stderr } = spawnSync('fish', ['-c', `source "$argv[1]"; complete -C "slmctl $argv[2]"`, file, typed.join(' ')], {
      encoding: 'utf8',
      env: { ...process.env, HOME: dir },
    })
    assert.equal(stderr, '')
    return stdout
  })
})

test('zsh: a line is completed as it is typed', { skip: !installed('zsh') }, async () => {
  const file = join(dir, 'zsh')
  writeFileSync(file, await script('zsh'))
  const typing = `zmodload zsh/zpty
zpty -b z 'TERM=dumb PS1= zsh -f -i'
wait_for() { local text= line; repeat 100; do zpty -r -t z line && text+=$line; [[ $text == *$1* ]] && break; sleep 0.1; done }
zpty -w z "bindkey -e; source $1; echo READ\\"Y\\""
wait_for READY
zpty -w -n z $'slmctl sched\\trem\\t--keep\\t'
sleep 2
zpty -w -n z $'\\C-a: said \\C-e\\C-j'
zpty -w z 'print -r -- ENDS "$(fc -ln -1)" HERE'
repeat 100; do zpty -r -t z line && print -rn -- $line && [[ $line == *' HERE'$'\\r'* ]] && break; sleep 0.1; done
`
  const { stdout } = spawnSync('zsh', ['-f', '-c', typing, 'zsh', file], {
    encoding: 'utf8',
    env: { ...process.env, HOME: dir },
    timeout: 60_000,
  })
  assert.match(stdout, /ENDS : said slmctl schedule remove --keep-log/)
})

test('a shell that is none: one sentence, with what to type', async () => {
  let err = ''
  const code = await main(['completion', 'tcsh'], { out: () => {}, err: (t) => (err += t), columns: 80, paint: (_, t) => t })
  process.exitCode = 0
  assert.equal(code, 2)
  assert.match(err, /bash, zsh, fish or powershell/)
})
