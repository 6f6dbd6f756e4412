/**
 * What the peers' runs share: checks that are printed as they end, children that end with the run, and the last line that
 * whoever started it reads.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const count = { passed: 0, failed: 0, skipped: 0 }
const children = new Set<ChildProcess>()
const folders: string[] = []
const cleanups: (() => unknown)[] = []

let finishing: Promise<void> | null = null
const undoing = new AsyncLocalStorage<true>()
/** Once the run is being ended, nothing new begins but what undoes. */
const stopped = () => finishing !== null && !undoing.getStore()
const never = () => new Promise<never>(() => {})

/** One thing that must hold; the first line of what went wrong is shown, the rest below it. */
export async function check(name: string, f: () => unknown): Promise<boolean> {
  if (stopped()) return await never()
  try {
    await f()
    count.passed++
    console.log(`ok      ${name}`)
    return true
  } catch (error) {
    if (stopped()) return await never()
    count.failed++
    const text = error instanceof Error ? (error.stack ?? error.message).replace(/\n +at .*\/checks\.ts[\s\S]*$/, '') : String(error)
    console.log(`FAILED  ${name}\n        ${text.slice(0, 3000).replaceAll('\n', '\n        ')}`)
    return false
  }
}

export function skip(name: string, why: string): void {
  count.skipped++
  console.log(`skipped ${name}: ${why}`)
}

/** Takes the last line of a run in its own process into this one's count. */
export function add(lastLine: string | undefined): boolean {
  const m = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(lastLine ?? '')
  if (!m) return false
  count.passed += Number(m[1])
  count.failed += Number(m[2])
  count.skipped += Number(m[3])
  return true
}

/** Something that must be undone whatever happens: run in the opposite order. */
export function afterwards(f: () => unknown): void {
  cleanups.push(f)
}

/** A folder that goes away with the run. */
export function folder(name: string): string {
  const path = mkdtempSync(join(tmpdir(), `slmctl-${name}-`))
  folders.push(path)
  return path
}

/** A port of loopback that nobody has at the moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}

export type Ended = { readonly code: number | null; readonly signal: string | null; readonly stdout: string; readonly stderr: string }
export type How = {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly cwd?: string
  readonly timeoutMs?: number
  /** Shows what the child prints while it prints it. */
  readonly shown?: boolean
}

/** A child whose streams the caller reads; ended with the run. */
export function start(command: string, args: readonly string[], how: How = {}): ChildProcess {
  if (stopped()) throw new Error('the run is being ended')
  const child = spawn(command, args, {
    cwd: how.cwd,
    env: { ...process.env, ...how.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  children.add(child)
  child.once('close', () => children.delete(child))
  child.stdin!.on('error', () => {})
  return child
}

/** Runs a program to its end. One that outlives its time is killed, and that is a failure. */
export async function run(command: string, args: readonly string[], how: How = {}): Promise<Ended> {
  if (stopped()) return await never()
  const child = start(command, args, how)
  child.stdin!.end(how.input ?? '')
  return await ended(child, how)
}

export function ended(child: ChildProcess, how: Pick<How, 'timeoutMs' | 'shown'> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = []
    const err: Buffer[] = []
    const late = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${child.spawnargs.slice(0, 4).join(' ')} … was still running; so far: ${Buffer.concat([...out, ...err])}`))
    }, how.timeoutMs ?? 60_000)
    child.stdout!.on('data', (part: Buffer) => {
      out.push(part)
      if (how.shown) process.stdout.write(part)
    })
    child.stderr!.on('data', (part: Buffer) => {
      err.push(part)
      if (how.shown) process.stderr.write(part)
    })
    child.once('error', (error) => {
      clearTimeout(late)
      reject(error)
    })
    child.once('close', (code, signal) => {
      clearTimeout(late)
      resolve({ code, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() })
    })
  })
}

/** Ends what is still there. Called at the end, on ^C and on a failure that nobody foresaw. */
export function tidy(): Promise<void> {
  finishing ??= (async () => {
    // A run of its own tidies first: it gets the time for that.
    for (const child of children) child.kill('SIGTERM')
    const until = Date.now() + 20_000
    while (children.size > 0 && Date.now() < until) await new Promise((next) => setTimeout(next, 50))
    for (const child of children) child.kill('SIGKILL')
    for (const f of cleanups.reverse()) {
      try {
        await undoing.run(true, f)
      } catch (error) {
        console.log(`not undone: ${error}`)
      }
    }
    for (const path of folders) rmSync(path, { recursive: true, force: true })
  })()
  return finishing
}

/** Runs everything, tidies, prints the last line and sets the exit code. */
export async function main(f: () => Promise<void>): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      process.exitCode = 130
      void tidy().then(() => process.exit(130))
    })
  try {
    await f()
  } catch (error) {
    count.failed++
    console.log(`FAILED  the run itself\n        ${error instanceof Error ? error.stack : error}`)
  }
  await tidy()
  console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
  process.exit(count.failed > 0 ? 1 : 0)
}
