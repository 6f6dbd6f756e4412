import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { ProblemError, problem } from '../model.ts'
import { accessList, foreignOwner, genericCredential, NativeError, others, ownIdentifier } from '../native.ts'
import { Secret } from './secret.ts'

/** Where a secret is: never the secret itself. */
export type SecretReference =
  /** The environment is text to Node, so this one way leaves a JavaScript string behind, and `/proc/PID/environ` shows it to the same user. */
  | { readonly env: string }
  /** A file that only its owner may read. */
  | { readonly file: string }
  /** The system's keyring: service and account. */
  | { readonly keyring: { readonly service: string; readonly account: string } }

/** No password, key file or product key is larger. */
const limitBytes = 64 * 1024
/** A locked keyring asks its user first. */
const keyringTimeoutMs = 60_000

/** Names a reference for people: `the environment variable X`, `the file Y`, `the keyring entry S/A`. */
export function describeReference(reference: SecretReference): string {
  if ('env' in reference) return `the environment variable ${reference.env}`
  if ('file' in reference) return `the file ${reference.file}`
  return `the keyring entry ${reference.keyring.service}/${reference.keyring.account}`
}

/** Reads a secret from its reference; throws a ProblemError (SECRET_…) that names the reference, never the content. */
export async function readSecret(reference: SecretReference): Promise<Secret> {
  const secret =
    'env' in reference
      ? fromEnvironment(reference.env)
      : 'file' in reference
        ? await fromFile(reference.file)
        : await fromKeyring(reference.keyring.service, reference.keyring.account)
  if (secret.length === 0) throw no('SECRET_EMPTY', `${capital(describeReference(reference))} is empty.`, ['Put the secret into it.'])
  return secret
}

function fromEnvironment(name: string): Secret {
  const value = process.env[name]
  if (value === undefined)
    throw no('SECRET_MISSING', `The environment variable ${name} is not set.`, [
      `Set it for this command alone, without leaving it in the shell's history: read -rs ${name} && export ${name}`,
      'A file with mode 0600 or the keyring is the better place: {file: PATH} or {keyring: {service, account}}.',
    ])
  return new Secret(Buffer.from(value, 'utf8'))
}

async function fromFile(path: string): Promise<Secret> {
  const handle = await openSecretFile(path)
  const bytes = Buffer.allocUnsafeSlow(limitBytes + 1)
  try {
    let length = 0
    for (;;) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, null)
      if (bytesRead === 0) break
      length += bytesRead
      if (length > limitBytes) throw tooLarge(path)
    }
    if (length >= 2 && ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)))
      throw no('SECRET_ENCODING', `The file ${path} is UTF-16; a secret is read byte by byte.`, [
        'Save it as UTF-8 without a byte order mark (PowerShell: Set-Content -Encoding ascii -NoNewline).',
      ])
    // A byte order mark and one line end come from the editor, not from the secret.
    const start = length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
    return new Secret(bytes.subarray(start, withoutLineEnd(bytes, start, length)))
  } catch (error) {
    throw error instanceof ProblemError ? error : unreadable(path, error)
  } finally {
    bytes.fill(0)
    await handle.close()
  }
}

/** Throws where a file with a secret (a keytab, say) is missing, is no regular file, or others may read it. Its content is not read. */
export async function checkSecretFile(path: string): Promise<void> {
  await (await openSecretFile(path)).close()
}

/** What is checked is what is read: the open file, not its name. Without O_NONBLOCK a pipe by that name would wait for ever. */
async function openSecretFile(path: string): Promise<FileHandle> {
  let handle: FileHandle
  try {
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    throw unreadable(path, error)
  }
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) throw no('SECRET_FILE_KIND', `${path} is no regular file.`, ['Name a file that holds the secret and nothing else.'])
    if (process.platform === 'win32') await checkAccessList(path)
    else {
      const me = process.geteuid?.()
      if ((stat.mode & 0o077) !== 0)
        throw no('SECRET_FILE_OPEN', `Others than its owner may use the file ${path} (mode 0${(stat.mode & 0o777).toString(8)}).`, [
          `chmod 600 ${quoted(path)}`,
          'If it was readable by others for long, change the secret.',
        ])
      if (me !== 0 && stat.uid !== me && stat.uid !== 0)
        throw no('SECRET_FILE_OWNER', `The file ${path} belongs to another user.`, ['Keep the secret in a file of your own.'])
    }
    if (stat.size > limitBytes) throw tooLarge(path)
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Windows has access lists in place of mode bits. The list is that of the name: Node gives no handle to ask by. */
async function checkAccessList(path: string): Promise<void> {
  let who: string | null
  let owner: string | null
  try {
    const list = await accessList(path)
    owner = foreignOwner(list, await ownIdentifier())
    who = others(list, 'read')
  } catch (error) {
    throw asProblem('SECRET_FILE_UNREADABLE', error, 'Keep the secret in a file of your own.')
  }
  if (owner !== null)
    throw no('SECRET_FILE_OWNER', `The file ${path} belongs to another user (${owner}).`, ['Keep the secret in a file of your own.'])
  if (who !== null)
    throw no('SECRET_FILE_OPEN', `Others than its owner may read the file ${path}: ${who}.`, [
      `icacls "${path}" /inheritance:r /grant:r "%USERNAME%:F"`,
      'If it was readable by others for long, change the secret.',
    ])
}

/** What Windows said no to as a Problem; what the single file refuses to load (native/unpack.ts) is one already. */
const asProblem = (code: string, error: unknown, next: string): unknown =>
  error instanceof NativeError && !(error instanceof ProblemError) ? no(code, error.message, [next]) : error

/** What looks a secret up in the system's keyring, without a shell: the secret comes through a pipe, never through arguments. */
function keyringCommand(service: string, account: string): readonly [string, readonly string[]] | null {
  if (process.platform === 'linux') return ['secret-tool', ['lookup', 'service', service, 'account', account]]
  if (process.platform === 'darwin') return ['/usr/bin/security', ['find-generic-password', '-s', service, '-a', account, '-w']]
  return null
}

async function fromKeyring(service: string, account: string): Promise<Secret> {
  const entry = `The keyring entry ${service}/${account}`
  if (service.startsWith('-') || account.startsWith('-'))
    throw no('SECRET_KEYRING', `${entry} begins with a hyphen; the keyring's own command would read that as an option.`, [
      'Store it by another name.',
    ])
  if (process.platform === 'win32') return await fromCredentialManager(service, account)
  const command = keyringCommand(service, account)
  if (!command) throw no('SECRET_KEYRING', 'This system has no keyring that slmctl knows.', ['Give {file: PATH}, or {env: NAME}.'])
  const { code, output } = await run(command[0], command[1], entry)
  try {
    if (code !== 0)
      throw no('SECRET_MISSING', `${entry} was not found, or the keyring is locked.`, [
        process.platform === 'darwin'
          ? `security add-generic-password -s ${quoted(service)} -a ${quoted(account)} -w`
          : `secret-tool store --label=slmctl service ${quoted(service)} account ${quoted(account)}`,
        'Unlock the keyring: it belongs to a signed-in session.',
      ])
    return new Secret(output.subarray(0, withoutLineEnd(output, 0, output.length)))
  } finally {
    output.fill(0)
  }
}

/** Windows Credential Manager: the generic credential `service/account` of whoever runs slmctl. */
async function fromCredentialManager(service: string, account: string): Promise<Secret> {
  const target = `${service}/${account}`
  let bytes: Buffer | null
  try {
    bytes = await genericCredential(target)
  } catch (error) {
    throw asProblem('SECRET_KEYRING', error, 'Give {file: PATH}, or {env: NAME}.')
  }
  if (bytes === null)
    throw no('SECRET_MISSING', `Credential Manager has no generic credential ${target} for this user.`, [
      `cmdkey /generic:"${target}" /user:"${account}" /pass (it asks for the password)`,
      'It belongs to the user who stored it: a scheduled task has its own.',
    ])
  return new Secret(bytes)
}

/** Of the environment, only what a keyring needs to be found. */
const passedOn = ['PATH', 'HOME', 'USER', 'LOGNAME', 'DBUS_SESSION_BUS_ADDRESS', 'XDG_RUNTIME_DIR', 'DISPLAY', 'WAYLAND_DISPLAY']

function run(command: string, args: readonly string[], entry: string): Promise<{ code: number; output: Buffer }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ code: number; output: Buffer }>()
  const env = Object.fromEntries(passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'], shell: false, env, windowsHide: true })
  const output = Buffer.allocUnsafeSlow(limitBytes)
  let length = 0
  const fail = (error: ProblemError) => {
    output.fill(0)
    // The pipe, too: a child of the child may go on writing into it.
    child.stdout.destroy()
    child.kill('SIGKILL')
    reject(error)
  }
  const timer = setTimeout(
    () => fail(no('SECRET_KEYRING', `${entry}: the keyring did not answer within a minute.`, ['Unlock it, then try again.'])),
    keyringTimeoutMs,
  )
  child.on('error', () => {
    clearTimeout(timer)
    fail(
      no('SECRET_KEYRING', `${entry} cannot be read: ${command} is not installed.`, [
        process.platform === 'linux' ? 'Debian and Ubuntu: apt install libsecret-tools' : 'Use {file: PATH} instead.',
      ]),
    )
  })
  child.stdout.on('data', (chunk: Buffer) => {
    if (length + chunk.length > limitBytes) fail(no('SECRET_TOO_LARGE', `${entry} is larger than 64 KiB.`, ['Is it the right entry?']))
    else length += chunk.copy(output, length)
    chunk.fill(0)
  })
  child.on('close', (code) => {
    clearTimeout(timer)
    resolve({ code: code ?? 1, output: output.subarray(0, length) })
  })
  return promise
}

function withoutLineEnd(bytes: Uint8Array, start: number, end: number): number {
  if (end > start && bytes[end - 1] === 0x0a) return end - 1 > start && bytes[end - 2] === 0x0d ? end - 2 : end - 1
  return end
}

function unreadable(path: string, error: unknown): ProblemError {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return no('SECRET_MISSING', `There is no file ${path}.`, ['Paths in the site file are relative to its own folder.'])
  return no('SECRET_FILE_UNREADABLE', `The file ${path} cannot be read (${code ?? 'unknown reason'}).`, [
    'The user who runs slmctl has to be able to read it, and nobody else.',
  ])
}

function tooLarge(path: string): ProblemError {
  return no('SECRET_TOO_LARGE', `The file ${path} is larger than 64 KiB; that is no secret.`, ['Is it the right file?'])
}

/** As a shell takes it: people copy these lines. */
function quoted(text: string): string {
  return /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1)
}

function no(code: string, summary: string, next: readonly string[]): ProblemError {
  return new ProblemError(problem(code, summary, next))
}
