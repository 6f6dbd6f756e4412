/** `slmctl serve` as a process of its own, and `slmctl` beside it, as an administrator runs them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const slmctl = fileURLToPath(new URL('../../bin/slmctl.cjs', import.meta.url))

export type Place = {
  readonly site: string
  /** A file, or a PostgreSQL by URL. */
  readonly store: string
  /** The state folder: journals, and what the server keeps beside the store. */
  readonly state: string
}
export type Served = {
  readonly child: ChildProcess
  /** http://127.0.0.1:PORT */
  readonly origin: string
  /** Signs in once. */
  readonly link: string
  readonly said: () => string
  /** Asks it to end, and waits for it; answers its exit code. */
  readonly stop: () => Promise<number | null>
}

const environment = ({ state }: Place) => ({ ...process.env, SLMCTL_STATE: state, NO_COLOR: '1' })

/** Starts the server of a site file, and waits until it says where it is. */
export async function serve(place: Place, how: { readonly withinMs?: number; readonly words?: readonly string[] } = {}): Promise<Served> {
  const argv = ['serve', '--site', place.site, '--store', place.store, ...(how.words ?? [])]
  const child = spawn(process.execPath, [slmctl, ...argv], { env: environment(place), stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const link = Promise.withResolvers<string>()
  const hear = (part: Buffer) => {
    said += part
    const found = /https?:\/\/\S+?[#?]\S+(?=\s)/.exec(said.replaceAll('\r', ''))
    if (found) link.resolve(found[0])
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  child.once('close', (code) => link.reject(new Error(`slmctl serve ended with ${code}: ${said}`)))
  const late = setTimeout(() => link.reject(new Error(`slmctl serve said no link: ${said}`)), how.withinMs ?? 60_000)
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    child.kill('SIGTERM')
    const [code] = (await once(child, 'close')) as [number | null]
    return code
  }
  try {
    const url = await link.promise
    return { child, origin: new URL(url).origin, link: url, said: () => said, stop }
  } catch (error) {
    await stop()
    throw error
  } finally {
    clearTimeout(late)
  }
}

export type Answered = { readonly code: number | null; readonly out: string; readonly err: string }

/** Runs a command line to its end, over the same site file and store. */
export async function command(place: Place, argv: readonly string[], input = ''): Promise<Answered> {
  const child = spawn(process.execPath, [slmctl, ...argv], { env: environment(place), stdio: ['pipe', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.on('data', (part: Buffer) => {
    out += part
  })
  child.stderr.on('data', (part: Buffer) => {
    err += part
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}

/** What `slmctl fleet …  --json` answers. */
export async function fleetJson<T>(place: Place, ...words: readonly string[]): Promise<T> {
  const { code, out, err } = await command(place, ['fleet', ...words, '--store', place.store, '--site', place.site, '--json'])
  if (code === 2 && out === '') throw new Error(`slmctl fleet ${words.join(' ')} ended with ${code}: ${err}`)
  return JSON.parse(out) as T
}

/** Makes a local account by the command. */
export async function addAccount(place: Place, name: string, role: string, password: string): Promise<void> {
  const file = join(place.state, `${name}.password`)
  writeFileSync(file, `${password}\n`, { mode: 0o600 })
  const words = ['accounts', 'add', name, '--role', role, '--password-file', file, '--store', place.store, '--site', place.site]
  const { code, err, out } = await command(place, words)
  rmSync(file)
  if (code !== 0) throw new Error(`slmctl ${words.join(' ')} ended with ${code}: ${err}${out}`)
}

/** A new API token of an account, made by the command. */
export async function tokenOf(place: Place, account: string, scope: 'metrics' | 'read' | 'operate' | 'apply'): Promise<string> {
  const words = [
    'tokens',
    'create',
    `${account}-${scope}`,
    '--for',
    account,
    '--scope',
    scope,
    '--store',
    place.store,
    '--site',
    place.site,
  ]
  const { code, out, err } = await command(place, words)
  const token = /slmctl_[\w-]{20,}/.exec(out)?.[0]
  if (code !== 0 || token === undefined) throw new Error(`slmctl ${words.join(' ')} ended with ${code}: ${err}${out}`)
  return token
}
