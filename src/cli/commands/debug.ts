/**
 * What `--debug` puts around a command: everything it writes, asks and plans is collected, and written into one archive for
 * support however the command ends. The command itself, its output and its exit code stay as they are.
 */
import { existsSync } from 'node:fs'
import { homedir, hostname, userInfo } from 'node:os'
import { resolve } from 'node:path'
import { redactor } from '../../app.ts'
import { readWhole } from '../../files.ts'
import { maskKeys } from '../../model.ts'
import { readSite } from '../../site.ts'
import { type Support, support, type Wish, wishOf } from '../../support.ts'
import { type Command, commands } from '../commands.ts'
import { type Io, wrap } from '../io.ts'
import { version } from '../version.ts'

/** The version of koffi that this release is made with; a test holds it to package.json. */
export const koffi = '3.3.4'

/** Runs `go` and writes the archive. What cannot be written is said, and changes nothing else. */
export async function run(argv: readonly string[], io: Io, go: (argv: readonly string[], io: Io) => Promise<number>): Promise<number> {
  const wish = wishOf(argv, process.env.SLMCTL_DEBUG)
  if (!wish) return await go(argv, io)
  const row = commands.find((c) => c.name === wish.argv[0])
  const hide = wish.redact ? redactor([]) : null
  const told = support({
    to: wish.to,
    hide,
    ...commandLine(wish.argv, row),
    versions: { slmctl: version, koffi },
    now: () => new Date(),
  })
  nameSurroundings(told)
  takeSite(wish, row, told)
  nameWords(wish.argv, row, told)
  const finish = (exitCode: number | null, crash?: unknown) => {
    const written = told.finish(exitCode, crash)
    if (written?.ok) {
      io.err(
        wrap(`The archive for support is ${written.to} (${size(written.bytes)}). Look at it before you send it:`, io.columns, 'slmctl: '),
      )
      for (const f of written.files) io.err(wrap(f.about, io.columns, `  ${f.file.padEnd(17)} ${size(f.bytes).padStart(8)}  `))
    } else if (written) io.err(wrap(`The archive ${written.to} could not be written: ${written.why}.`, io.columns, 'slmctl: '))
  }
  const forget = atTheEnd(finish)
  const tee: Io = {
    ...io,
    support: told,
    out: (text) => {
      told.out(text)
      io.out(text)
    },
    err: (text) => {
      told.err(text)
      io.err(text)
    },
  }
  try {
    told.log(`slmctl ${version}: ${row?.name ?? 'no command of ours'}`)
    const code = await go(wish.argv, tee)
    told.log(`ended with exit code ${code}`)
    finish(code)
    return code
  } catch (error) {
    finish(null, error)
    throw error
  } finally {
    forget()
  }
}

const size = (bytes: number) => (bytes < 10_000 ? `${bytes} B` : `${Math.round(bytes / 1000)} kB`)

/** A run that ends elsewhere than here (a crash, ^C, a reader that went away) leaves its archive, too. */
function atTheEnd(finish: (exitCode: number | null, crash?: unknown) => void): () => void {
  const onCrash = (error: unknown) => finish(null, error)
  const onExit = (code: number) => finish(code)
  // Where the command ends by itself at ^C (apply), it is left to it.
  const onSignal = () => {
    if (process.listenerCount('SIGINT') === 1) process.exit(130)
  }
  process.on('uncaughtExceptionMonitor', onCrash)
  process.on('exit', onExit)
  process.on('SIGINT', onSignal)
  return () => {
    process.off('uncaughtExceptionMonitor', onCrash)
    process.off('exit', onExit)
    process.off('SIGINT', onSignal)
  }
}

/**
 * The command line as it may be shown, and the words that may not: of flags that the command does not know only the name stays, and
 * of nothing that follows them anything, as it may be a password.
 */
function commandLine(argv: readonly string[], row: Command | undefined): { readonly command: string; readonly hidden: readonly string[] } {
  const known = new Set([...(row?.options.map((o) => o.flag as string) ?? []), '--json', '--help', '-h', '--version', '-V'])
  const hidden: string[] = []
  const hide = (word: string) => {
    hidden.push(word)
    return '•••'
  }
  let unknown = row === undefined
  const words = argv.map((word, i) => {
    if (i === 0 && row) return word
    const [, flag, value] = /^(--?[A-Za-z][\w-]*)(?:=(.*))?$/s.exec(word) ?? []
    if (!flag) return unknown ? hide(word) : word
    if (known.has(flag)) return word
    unknown = true
    return value === undefined ? flag : `${flag}=${hide(value)}`
  })
  return { command: maskKeys(words.map((word) => (/[\s"]/.test(word) ? JSON.stringify(word) : word)).join(' ')), hidden }
}

/** Names of this computer and of whoever works at it. */
function nameSurroundings(told: Support): void {
  try {
    told.name('user', userInfo().username)
  } catch {
    // A user without an entry, as in a container: there is no name to hide.
  }
  told.name('user', process.env.USERNAME ?? process.env.USER)
  told.name('user', process.env.SUDO_USER)
  told.name('domain', process.env.USERDNSDOMAIN)
  told.name('domain', process.env.USERDOMAIN)
  told.name('machine', hostname())
  for (const folder of [homedir(), process.cwd(), process.env.SLMCTL_STATE]) if (folder && folder !== '/') told.name('file', folder)
}

const kinds: Readonly<Record<string, Parameters<Support['name']>[0]>> = {
  '--user': 'user',
  '--credential': 'credential',
  '--lookup-domain': 'domain',
  '--pin': 'signer',
}

/** Words of the command line that name something: values of flags, machines, files. */
function nameWords(argv: readonly string[], row: Command | undefined, told: Support): void {
  const file = (word: string) => {
    told.name('file', word)
    told.name('file', resolve(word))
  }
  const verb = /\b\w+\|\w+/.test(row?.usage ?? '')
  const machines = ['status', 'plan', 'apply', 'audit'].includes(argv[0] ?? '')
  for (let i = 1; i < argv.length; i++) {
    const [, flag, joined] = /^(--[\w-]+)(?:=(.*))?$/s.exec(argv[i]!) ?? []
    const option = row?.options.find((o) => o.flag === flag)
    if (flag) {
      const value = joined ?? (option?.value ? argv[++i] : undefined)
      if (value === undefined || value === '-') continue
      if (kinds[flag]) told.name(kinds[flag], value)
      else if (/FILE|DIR|FOLDER/.test(option?.value ?? 'FILE')) file(value)
    } else if (machines) told.name('machine', argv[i])
    else if (argv[0] === 'explain' || argv[0] === 'keys') {
      if (/[.\\@].*[A-Za-z]/.test(argv[i]!)) told.name('host', argv[i])
    } else if (argv[i] !== '-' && !(verb && i === 1)) file(argv[i]!)
  }
}

/** The site file, for commands that read it by themselves: what it names must be known before anything is written. */
function takeSite(wish: Wish, row: Command | undefined, told: Support): void {
  const { argv } = wish
  const at = argv.findIndex((word) => word === '--site' || word.startsWith('--site='))
  const named = at < 0 ? undefined : (/^--site=(.*)$/s.exec(argv[at]!)?.[1] ?? argv[at + 1])
  const file = named ?? (row?.name === 'site' ? argv.slice(2).find((word) => !word.startsWith('-')) : undefined) ?? 'slmctl.yaml'
  if (!existsSync(file)) return
  try {
    const { site } = readSite(file, readWhole(file, 64 * 1024 * 1024).toString('utf8'))
    if (site) told.site(site)
    else told.unsure('the site file has errors, so that its names are not known')
  } catch {
    told.unsure('the site file could not be read, so that its names are not known')
  }
}
