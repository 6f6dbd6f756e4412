/** What journals tell: read line by line, or from the entries of one machine, so that an interrupted run can go on. */
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Answers } from '../activation.ts'
import { type MachinePlan, ProblemError, problem, type Step } from '../model.ts'
import { type Entry, fileOf, type Head, isId, type MachineResult } from './journal.ts'

/** What is known of a machine that is not finished. */
export type ToldMachine = {
  readonly ended: MachineResult | null
  /** Steps whose end is known, in their order. The step is null where nothing was about to be sent, as it was refused. */
  readonly did: readonly (Extract<Entry, { kind: 'did' }> & { readonly step: Step | null })[]
  /** A step that was about to be sent, without an end: whether it was done is to be asked. */
  readonly open: (Extract<Entry, { kind: 'about' }> & { readonly answers: Answers }) | null
  /** Steps sent before that one whose end nobody learned, each as often as it was sent: `open` is not among them. */
  readonly unanswered: readonly Step[]
}

type Telling = { -readonly [K in keyof ToldMachine]: ToldMachine[K] } & { steps: Map<string, Step> }
const nothingTold = (): Telling => ({ ended: null, did: [], open: null, unanswered: [], steps: new Map() })

/** Takes in what one more entry says of its machine. */
function tell(told: Telling, entry: Extract<Entry, { readonly machine: string }>): void {
  switch (entry.kind) {
    case 'begin':
      told.ended = null
      return
    case 'about':
      if (told.open) told.unanswered = [...told.unanswered, told.open.step]
      told.open = { ...entry, answers: new Map(entry.before) as Answers }
      told.steps.set(`${entry.attempt} ${entry.index}`, entry.step)
      return
    case 'did':
      told.did = [...told.did, { ...entry, step: told.steps.get(`${entry.attempt} ${entry.index}`) ?? null }]
      if (entry.result !== 'unknown' && told.open?.attempt === entry.attempt && told.open.index === entry.index) told.open = null
      return
    case 'end':
      told.ended = entry.result
  }
}

/** What the entries of one machine say, in the order in which they were written: for whoever keeps a journal elsewhere than in a file. */
export function toldMachine(entries: Iterable<Entry>): ToldMachine {
  const told = nothingTold()
  for (const entry of entries) if ('machine' in entry) tell(told, entry)
  return told
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
  const file = join(directory, fileOf(id))
  const invalid = () =>
    new ProblemError(problem('JOURNAL_INVALID', `${file} is no journal of slmctl.`, ['Make a new plan: slmctl plan'], { file }))
  let head: Extract<Entry, { kind: 'plan' }> | null = null
  const plans = new Map<string, MachinePlan>()
  const machines = new Map<string, Telling>()
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
    const told = machines.get(entry.machine) ?? nothingTold()
    machines.set(entry.machine, told)
    tell(told, entry)
    if (entry.kind === 'end') {
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
  const ids = files.flatMap((f) => (f.endsWith('.jsonl') && isId(f.slice(0, -6)) ? [f.slice(0, -6)] : []))
  for (const candidate of ids.sort().reverse()) {
    if (id !== null && candidate !== id) continue
    const file = join(directory, fileOf(candidate))
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
