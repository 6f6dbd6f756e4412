/**
 * The journal: what was about to be done and what was done, on disk before and after every call, so that a crash, ^C or a lost
 * connection leaves a truthful state that `apply --resume` continues. One JSON object a line; no secret is ever in it.
 */
import { randomUUID } from 'node:crypto'
import { closeSync, constants, fdatasync, fstatSync, fsyncSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Asked } from '../activation.ts'
import { type MachinePlan, ProblemError, problem, type Step } from '../model.ts'
import { holdMachine, lock } from './lock.ts'

/** How one step ended. `unknown`: the call went out, the answer was lost, and asking did not tell either. */
export type StepResult = 'done' | 'held' | 'failed' | 'refused' | 'unknown'
export type MachineResult = 'unchanged' | 'changed' | 'failed' | 'refused' | 'stale' | 'unknown' | 'unreachable' | 'interrupted'

/** `attempt` 0 is the plan itself, 1 and 2 are its fallbacks; `product` is the fallback's. */
export type At = { readonly machine: string; readonly attempt: number; readonly index: number }
export type Head = {
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

/**
 * Where what is done to a machine is written down: a file, or the store of a fleet. `write` resolves when the entry is kept for
 * good, and no call goes out before. It may reject with `leaseLost`: somebody else has the machine now.
 */
export type MachineJournal = {
  readonly write: (entry: Entry) => Promise<void>
  /** Keeps a machine for this run until it is let go: another slmctl of this user would plan and send the same at the same time. */
  readonly hold: (machine: string) => () => void
  /**
   * Asked right before a call, with nothing to wait for in between: whether the machine is still this run's to change. A process
   * that slept, or waited long for its database, has lost it without having heard so. Absent: it cannot be lost.
   */
  readonly mayStill?: () => boolean
  /** What goes on with a machine whose end is not known, as a next step calls it; absent: `slmctl apply --resume`. */
  readonly goesOn?: string
}

/** A journal in a file. Entries written at the same time share one flush. */
export type Journal = MachineJournal & { readonly id: string; readonly file: string; readonly close: () => void }

/** LEASE_LOST: this process held the machine too long without saying so, and somebody else may have it now. */
export function leaseLost(machine: string): ProblemError {
  return new ProblemError(
    problem('LEASE_LOST', `${machine}: this process no longer holds the machine, so nothing further was sent.`, [
      'Whoever has it next asks it what was done, and goes on: slmctl fleet campaigns',
    ]),
  )
}

/** The file of a journal in its folder. */
export const fileOf = (id: string) => `${id}.jsonl`
export const isId = (text: string) => /^\d{8}-\d{6}-[0-9a-f]{8}$/.test(text)

/** Begins a journal in `directory` (made where it is missing; readable by its owner only). */
export function beginJournal(directory: string, now: Date, plan: Head & { readonly plans: readonly MachinePlan[] }): Journal {
  const id = `${now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${randomUUID().slice(0, 8)}`
  const file = join(directory, fileOf(id))
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
  const file = join(directory, fileOf(told.id))
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
    hold: (machine) => holdMachine(dirname(file), machine),
    close: () => {
      if (closed) return
      closed = true
      if (!flushing) end()
    },
  }
}
