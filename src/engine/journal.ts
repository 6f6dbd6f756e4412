/**
 * The journal: what was about to be done and what was done, on disk before and after every call, so that a crash, ^C or a lost
 * connection leaves a truthful state that `apply --resume` continues. One JSON object a line; no secret is ever in it.
 */
import { createHash, randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Answers, Asked } from '../activation.ts'
import { type MachinePlan, ProblemError, problem, type Step } from '../model.ts'

/** How one step ended. `unknown`: the call went out, the answer was lost, and asking did not tell either. */
export type StepResult = 'done' | 'held' | 'failed' | 'refused' | 'unknown'
export type MachineResult = 'unchanged' | 'changed' | 'failed' | 'refused' | 'stale' | 'unknown' | 'unreachable' | 'interrupted'

/** `attempt` 0 is the plan itself, 1 and 2 are its fallbacks; `product` is the fallback's. */
export type At = { readonly machine: string; readonly attempt: number; readonly index: number }
type Head = {
  readonly renew: boolean
  readonly asked: readonly Asked[]
  readonly siteFile: string | null
  /** The serial number of the signed plan that is carried out; absent for any other. */
  readonly signed?: string | null
}
export type Entry =
  /** The first line. A plan for each of so many machines follows; nothing is sent before they are all on the disk. */
  | ({ readonly kind: 'plan'; readonly schema: 'slmctl.journal/1'; readonly machines: number } & Head)
  | { readonly kind: 'planned'; readonly plan: MachinePlan }
  | { readonly kind: 'begin'; readonly machine: string }
  /** `before`: what the licensing classes said before the call, to tell afterwards whether it was done. */
  | ({ readonly kind: 'about'; readonly step: Step; readonly before: readonly (readonly [string, unknown])[] } & At)
  | ({ readonly kind: 'did'; readonly result: StepResult; readonly returnValue: number | null; readonly because: string } & At)
  | { readonly kind: 'end'; readonly machine: string; readonly result: MachineResult }
  | { readonly kind: 'finished' }

/** An open journal. `write` resolves when the entry is on the disk; entries written at the same time share one flush. */
export type Journal = {
  readonly id: string
  readonly file: string
  readonly write: (entry: Entry) => Promise<void>
  /** Keeps a machine for this run until it is let go: another slmctl of this user would plan and send the same at the same time. */
  readonly hold: (machine: string) => () => void
  readonly close: () => void
}

const name = (id: string) => `${id}.jsonl`
const idPattern = /^\d{8}-\d{6}-[0-9a-f]{8}$/

/** Begins a journal in `directory` (made where it is missing; readable by its owner only). */
export function beginJournal(directory: string, now: Date, plan: Head & { readonly plans: readonly MachinePlan[] }): Journal {
  const id = `${now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${randomUUID().slice(0, 8)}`
  const file = join(directory, name(id))
  const { plans, ...head } = plan
  let journal: ReturnType<typeof appendTo> | null = null
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    journal = appendTo(id, file, 'ax')
    let lines = line({ kind: 'plan', schema: 'slmctl.journal/1', machines: plans.length, ...head })
    for (const p of plans) {
      lines += line({ kind: 'planned', plan: p })
      if (lines.length < 1 << 20) continue
      writeWhole(journal.fd, lines)
      lines = ''
    }
    writeWhole(journal.fd, lines)
    fsyncSync(journal.fd)
    flushDirectory(directory)
    return journal
  } catch (error) {
    journal?.close()
    if (error instanceof ProblemError) throw error
    throw new ProblemError(
      problem('JOURNAL_NOT_WRITTEN', `The journal ${file} could not be written: ${(error as NodeJS.ErrnoException).code}.`, [
        'Nothing was changed. SLMCTL_STATE names another folder for journals.',
      ]),
    )
  }
}

/** Opens an existing journal to be continued. Only one process may, and none wrote to it since `told` was read. */
export function continueJournal(directory: string, told: { readonly id: string; readonly size: number }): Journal {
  const file = join(directory, name(told.id))
  const journal = appendTo(told.id, file, constants.O_RDWR | constants.O_APPEND)
  const { size } = fstatSync(journal.fd)
  if (size !== told.size) {
    journal.close()
    throw new ProblemError(
      problem('JOURNAL_IN_USE', `The journal ${told.id} was continued by another slmctl meanwhile.`, [
        'slmctl apply --resume looks again.',
      ]),
    )
  }
  // A line that was cut by a crash is closed, so that the next one stands by itself.
  if (size > 0) {
    const last = Buffer.alloc(1)
    readSync(journal.fd, last, 0, 1, size - 1)
    if (last[0] !== 10) writeWhole(journal.fd, '\n')
  }
  return journal
}

const line = (entry: Entry) => `${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`

/** A full disk takes a part and says so only by the number of bytes. */
function writeWhole(fd: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let done = 0; done < bytes.length; ) {
    const written = writeSync(fd, bytes, done)
    if (written === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' })
    done += written
  }
}

/** A new file is found after a power failure only if its folder is on the disk, too; Windows has no such call. */
function flushDirectory(directory: string): void {
  try {
    const fd = openSync(directory, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch {}
}

function appendTo(id: string, file: string, flags: 'ax' | number): Journal & { readonly fd: number } {
  const unlock = lock(`${file}.lock`, 'JOURNAL_IN_USE', `The journal ${id} is in use by another slmctl.`)
  let fd: number
  try {
    fd = openSync(file, flags, 0o600)
  } catch (error) {
    unlock()
    throw error
  }
  let waiting: { done: () => void; failed: (error: Error) => void }[] = []
  let flushing = false
  /** After a failure nothing more is written: what the disk then holds is not known, and no call goes out without its entry. */
  let broken: ProblemError | null = null
  const fail = (error: unknown) => {
    broken ??= new ProblemError(
      problem('JOURNAL_NOT_WRITTEN', `The journal ${file} could not be written: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}.`, [
        'Nothing further was changed. Free the disk, then: slmctl apply --resume',
      ]),
    )
    return broken
  }
  const flush = () => {
    flushing = true
    const now = waiting
    waiting = []
    fdatasync(fd, (error) => {
      if (error) fail(error)
      for (const w of now)
        if (broken) w.failed(broken)
        else w.done()
      flushing = false
      if (closed) end()
      else if (waiting.length > 0) flush()
    })
  }
  let closed = false
  const end = () => {
    for (const w of waiting) w.failed(fail({ code: 'closed' }))
    waiting = []
    closeSync(fd)
    unlock()
  }
  return {
    id,
    file,
    fd,
    write: (entry) =>
      new Promise((resolve, reject) => {
        if (closed || broken) {
          reject(broken ?? fail({ code: 'closed' }))
          return
        }
        try {
          writeWhole(fd, line(entry))
        } catch (error) {
          reject(fail(error))
          return
        }
        waiting.push({ done: resolve, failed: reject })
        if (!flushing) flush()
      }),
    hold: (machine) => {
      const short = createHash('sha256').update(machine.toLowerCase().replace(/\.$/, '')).digest('hex').slice(0, 32)
      return lock(join(dirname(file), `${short}.machine`), 'MACHINE_IN_USE', `${machine} is being changed by another slmctl.`)
    },
    close: () => {
      if (closed) return
      closed = true
      if (!flushing) end()
    },
  }
}

/** Who holds a journal: the process, and when it began, so that a number which another process has now is not taken for it. */
function holder(pid: number): string {
  let began = ''
  try {
    // proc_pid_stat(5): field 22 is the start time; the name in parentheses may hold blanks.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    began = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {}
  return `${pid} ${began}`
}

function isAlive(held: string): boolean {
  const pid = Number(/^\d+/.exec(held)?.[0] ?? 0)
  if (pid === 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return holder(pid) === held || held.endsWith(' ')
}

/**
 * Only one process writes to a journal, or changes a machine. A lock whose process is gone (killed, crashed, power failure) is taken over. The lock
 * appears with its content at once, as a link; so nobody sees an empty one.
 */
function lock(file: string, code: string, summary: string): () => void {
  const mine = `${file}.${randomUUID().slice(0, 8)}`
  const held = holder(process.pid)
  const inUse = () =>
    new ProblemError(problem(code, summary, [`Wait for it to end; if no slmctl runs any more, remove ${file} and try again.`]))
  writeFileSync(mine, held, { flag: 'wx', mode: 0o600 })
  try {
    for (let tries = 0; tries < 3; tries++) {
      try {
        linkSync(mine, file)
        return () => rmSync(file, { force: true })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      try {
        const other = readFileSync(file, 'utf8')
        if (isAlive(other)) throw inUse()
        // Two may find it at once: who moves a lock that is not the dead one's puts it back.
        const aside = `${mine}.gone`
        renameSync(file, aside)
        const moved = readFileSync(aside, 'utf8')
        if (moved !== other) linkSync(aside, file)
        rmSync(aside)
        if (moved !== other) throw inUse()
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    }
    throw inUse()
  } finally {
    rmSync(mine, { force: true })
  }
}

/** What is known of a machine that is not finished. */
export type ToldMachine = {
  readonly ended: MachineResult | null
  /** Steps whose end is known, in their order. The step is null where nothing was about to be sent, as it was refused. */
  readonly did: readonly (Extract<Entry, { kind: 'did' }> & { readonly step: Step | null })[]
  /** A step that was about to be sent, without an end: whether it was done is to be asked. */
  readonly open: (Extract<Entry, { kind: 'about' }> & { readonly answers: Answers }) | null
}

/** What a journal says. Of machines that are finished only their number is kept. */
export type Told = Head & {
  readonly id: string
  readonly file: string
  /** Bytes that were read. */
  readonly size: number
  /** Machines in all, and those that ended otherwise than as wished. */
  readonly total: number
  readonly endedBadly: number
  /** Plans of the machines that are not finished. */
  readonly plans: readonly MachinePlan[]
  readonly machines: ReadonlyMap<string, ToldMachine>
  readonly finished: boolean
}

/** Results after which `--resume` asks a machine again. */
const unsettled: ReadonlySet<MachineResult> = new Set(['interrupted', 'unknown', 'unreachable'])

/** True where a machine's result ends its part of the journal. */
export function settles(result: MachineResult): boolean {
  return !unsettled.has(result)
}

/** Reads a journal, line by line; one that a crash cut is left out. */
export function readJournal(directory: string, id: string): Told {
  const file = join(directory, name(id))
  const invalid = () =>
    new ProblemError(problem('JOURNAL_INVALID', `${file} is no journal of slmctl.`, ['Make a new plan: slmctl plan'], { file }))
  let head: Extract<Entry, { kind: 'plan' }> | null = null
  const plans = new Map<string, MachinePlan>()
  const machines = new Map<string, { -readonly [K in keyof ToldMachine]: ToldMachine[K] } & { steps: Map<string, Step> }>()
  let planned = 0
  let endedBadly = 0
  let finished = false
  const size = eachLine(file, (text) => {
    let entry: Entry
    try {
      entry = JSON.parse(text) as Entry
    } catch {
      if (head === null) throw invalid()
      return
    }
    if (head === null) {
      if (entry.kind !== 'plan' || entry.schema !== 'slmctl.journal/1') throw invalid()
      head = entry
      return
    }
    if (entry.kind === 'planned') {
      planned++
      plans.set(entry.plan.name ?? entry.plan.id, entry.plan)
    }
    if (entry.kind === 'finished') finished = true
    if (!('machine' in entry)) return
    const told = machines.get(entry.machine) ?? { ended: null, did: [], open: null, steps: new Map() }
    machines.set(entry.machine, told)
    if (entry.kind === 'begin') told.ended = null
    if (entry.kind === 'about') {
      told.open = { ...entry, answers: new Map(entry.before) as Answers }
      told.steps.set(`${entry.attempt} ${entry.index}`, entry.step)
    }
    if (entry.kind === 'did') {
      told.did = [...told.did, { ...entry, step: told.steps.get(`${entry.attempt} ${entry.index}`) ?? null }]
      if (entry.result !== 'unknown') told.open = null
    }
    if (entry.kind === 'end') {
      told.ended = entry.result
      if (!settles(entry.result)) return
      if (entry.result !== 'changed' && entry.result !== 'unchanged') endedBadly++
      machines.delete(entry.machine)
      plans.delete(entry.machine)
    }
  })
  if (head === null) throw invalid()
  const { renew, asked, siteFile, signed = null, machines: total } = head as Extract<Entry, { kind: 'plan' }>
  // It was cut while its plans were written: nothing had been sent.
  if (planned < total) throw invalid()
  return { id, file, size, total, endedBadly, plans: [...plans.values()], renew, asked, siteFile, signed, finished, machines }
}

/** Hands out the lines of a file, however long it is; answers how many bytes were read. */
function eachLine(file: string, use: (line: string) => void): number {
  const fd = openSync(file, 'r')
  try {
    const block = Buffer.alloc(1 << 18)
    let kept: Buffer[] = []
    let size = 0
    for (;;) {
      const read = readSync(fd, block, 0, block.length, null)
      if (read === 0) break
      size += read
      let from = 0
      for (let to = block.subarray(0, read).indexOf(10); to >= 0; to = block.subarray(0, read).indexOf(10, from)) {
        const text = Buffer.concat([...kept, block.subarray(from, to)]).toString('utf8')
        kept = []
        from = to + 1
        if (text !== '') use(text)
      }
      if (from < read) kept.push(Buffer.from(block.subarray(from, read)))
    }
    if (kept.length > 0) use(Buffer.concat(kept).toString('utf8'))
    return size
  } finally {
    closeSync(fd)
  }
}

/** Whether the last line of a journal says that it is finished: most are, and need not be read. */
function isFinished(file: string): boolean {
  const fd = openSync(file, 'r')
  try {
    const { size } = fstatSync(fd)
    const tail = Buffer.alloc(Math.min(size, 200))
    readSync(fd, tail, 0, tail.length, size - tail.length)
    const last = tail.toString('utf8').trimEnd()
    return last.slice(last.lastIndexOf('\n') + 1).endsWith('"kind":"finished"}')
  } finally {
    closeSync(fd)
  }
}

/** The journal that did not finish: the newest, or the one with this id. Null where there is none. */
export function unfinishedJournal(directory: string, id: string | null): Told | null {
  let files: string[]
  try {
    files = readdirSync(directory)
  } catch {
    return null
  }
  const ids = files.flatMap((f) => (f.endsWith('.jsonl') && idPattern.test(f.slice(0, -6)) ? [f.slice(0, -6)] : []))
  for (const candidate of ids.sort().reverse()) {
    if (id !== null && candidate !== id) continue
    const file = join(directory, name(candidate))
    if (!statSync(file).isFile() || isFinished(file)) continue
    try {
      const told = readJournal(directory, candidate)
      if (!told.finished) return told
    } catch (error) {
      // One that was cut in its plans has changed nothing, and hides none that has.
      if (id !== null || !(error instanceof ProblemError)) throw error
    }
  }
  return null
}
