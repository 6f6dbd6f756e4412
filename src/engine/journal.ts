/**
 * The journal: what was about to be done and what was done, on disk before and after every call, so that a crash, ^C or a lost
 * connection leaves a truthful state that `apply --resume` continues. One JSON object a line; no secret is ever in it.
 */
import { randomUUID } from 'node:crypto'
import { closeSync, fdatasync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Answers, Asked } from '../activation.ts'
import { type MachinePlan, ProblemError, problem, type Step } from '../model.ts'

/** How one step ended. `unknown`: the call went out, the answer was lost, and asking did not tell either. */
export type StepResult = 'done' | 'held' | 'failed' | 'refused' | 'unknown'
export type MachineResult = 'unchanged' | 'changed' | 'failed' | 'refused' | 'stale' | 'unknown' | 'unreachable' | 'interrupted'

/** `attempt` 0 is the plan itself, 1 and 2 are its fallbacks; `product` is the fallback's. */
export type At = { readonly machine: string; readonly attempt: number; readonly index: number }
export type Entry =
  | {
      readonly kind: 'plan'
      readonly schema: 'slmctl.journal/1'
      readonly plans: readonly MachinePlan[]
      readonly renew: boolean
      readonly asked: readonly Asked[]
      readonly siteFile: string | null
    }
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
  readonly close: () => void
}

const name = (id: string) => `${id}.jsonl`
const idPattern = /^\d{8}-\d{6}-[0-9a-f]{8}$/

/** Begins a journal in `directory` (made where it is missing; readable by its owner only). */
export function beginJournal(directory: string, now: Date, plan: Omit<Extract<Entry, { kind: 'plan' }>, 'kind' | 'schema'>): Journal {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const id = `${now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${randomUUID().slice(0, 8)}`
  const file = join(directory, name(id))
  const journal = appendTo(id, file, openSync(file, 'ax', 0o600))
  writeSync(journal.fd, line({ kind: 'plan', schema: 'slmctl.journal/1', ...plan }))
  fsyncSync(journal.fd)
  return journal
}

/** Opens an existing journal to be continued. Only one process may; the other is told so. */
export function continueJournal(directory: string, id: string): Journal {
  const file = join(directory, name(id))
  const whole = readFileSync(file)
  const fd = openSync(file, 'a')
  const journal = appendTo(id, file, fd)
  // A line that was cut by a crash is closed, so that the next one stands by itself.
  if (whole.length > 0 && whole.at(-1) !== 10) writeSync(fd, '\n')
  return journal
}

const line = (entry: Entry) => `${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`

function appendTo(id: string, file: string, fd: number): Journal & { readonly fd: number } {
  const lock = `${file}.lock`
  try {
    closeSync(openSync(lock, 'wx', 0o600))
  } catch {
    closeSync(fd)
    throw new ProblemError(
      problem('JOURNAL_IN_USE', `The journal ${id} is in use by another slmctl.`, [
        `Wait for it to end; if it was killed, remove ${lock} and try again.`,
      ]),
    )
  }
  let waiting: (() => void)[] = []
  let failed: ((error: Error) => void)[] = []
  let flushing = false
  const flush = () => {
    flushing = true
    const [done, broken] = [waiting, failed]
    waiting = []
    failed = []
    fdatasync(fd, (error) => {
      if (error) for (const f of broken) f(error)
      else for (const f of done) f()
      flushing = false
      if (waiting.length > 0) flush()
    })
  }
  let closed = false
  return {
    id,
    file,
    fd,
    write: (entry) =>
      new Promise((resolve, reject) => {
        try {
          writeSync(fd, line(entry))
        } catch (error) {
          reject(
            new ProblemError(
              problem('JOURNAL_NOT_WRITTEN', `The journal ${file} could not be written: ${(error as NodeJS.ErrnoException).code}.`, [
                'Nothing further was changed. Free the disk, then: slmctl apply --resume',
              ]),
            ),
          )
          return
        }
        waiting.push(resolve)
        failed.push(reject)
        if (!flushing) flush()
      }),
    close: () => {
      if (closed) return
      closed = true
      closeSync(fd)
      rmSync(lock, { force: true })
    },
  }
}

/** What a journal says about each machine. */
export type Told = {
  readonly id: string
  readonly file: string
  readonly plans: readonly MachinePlan[]
  readonly renew: boolean
  readonly asked: readonly Asked[]
  readonly siteFile: string | null
  readonly finished: boolean
  readonly machines: ReadonlyMap<
    string,
    {
      readonly ended: MachineResult | null
      /** Steps whose end is known. */
      readonly did: readonly Extract<Entry, { kind: 'did' }>[]
      /** A step that was about to be sent, without an end: whether it was done is to be asked. */
      readonly open: (Extract<Entry, { kind: 'about' }> & { readonly answers: Answers }) | null
    }
  >
}

/** Reads a journal; a line that a crash cut is left out. */
export function readJournal(directory: string, id: string): Told {
  const file = join(directory, name(id))
  const entries = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((text): Entry[] => {
      try {
        return text === '' ? [] : [JSON.parse(text) as Entry]
      } catch {
        return []
      }
    })
  const first = entries[0]
  if (first?.kind !== 'plan' || first.schema !== 'slmctl.journal/1')
    throw new ProblemError(
      problem('JOURNAL_INVALID', `${file} is no journal of slmctl.`, ['slmctl apply --resume lists the journals.'], { file }),
    )
  const machines = new Map<
    string,
    {
      ended: MachineResult | null
      did: Extract<Entry, { kind: 'did' }>[]
      open: (Extract<Entry, { kind: 'about' }> & { answers: Answers }) | null
    }
  >()
  let finished = false
  for (const entry of entries.slice(1)) {
    if (entry.kind === 'finished') finished = true
    if (!('machine' in entry)) continue
    const told = machines.get(entry.machine) ?? { ended: null, did: [], open: null }
    machines.set(entry.machine, told)
    if (entry.kind === 'begin') told.ended = null
    if (entry.kind === 'about') told.open = { ...entry, answers: new Map(entry.before) as Answers }
    if (entry.kind === 'did') {
      told.did.push(entry)
      told.open = entry.result === 'unknown' ? told.open : null
    }
    if (entry.kind === 'end') told.ended = entry.result
  }
  return { id, file, plans: first.plans, renew: first.renew, asked: first.asked ?? [], siteFile: first.siteFile, finished, machines }
}

/** Journals that did not finish, the newest first. */
export function unfinishedJournals(directory: string): readonly Told[] {
  let files: string[]
  try {
    files = readdirSync(directory)
  } catch {
    return []
  }
  return files
    .filter((f) => f.endsWith('.jsonl') && idPattern.test(f.slice(0, -6)) && statSync(join(directory, f)).isFile())
    .sort()
    .reverse()
    .flatMap((f) => {
      try {
        const told = readJournal(directory, f.slice(0, -6))
        return told.finished ? [] : [told]
      } catch {
        return []
      }
    })
}
