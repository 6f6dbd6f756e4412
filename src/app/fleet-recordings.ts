/** Recordings that machines made of themselves, taken into a fleet: for machines that nobody can ask. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { boardQuestion, boardUuid, unanswered } from '../activation.ts'
import { canonicalHost, machineName } from '../addresses.ts'
import type { App } from '../app.ts'
import { type FoundMachine, type Problem, ProblemError, problem } from '../model.ts'
import type { Observation, Store } from '../store.ts'
import type { Machine } from '../windows.ts'
import { said } from './campaigns.ts'
import { type Taken, takeAsShown } from './imports.ts'
import { nameOfGiven, openRecordings, type RecordingGiven } from './recordings.ts'

const makeOne = ['slmctl status --record FILE --keep-names makes one, on the machine itself.']
/** A recording of one machine has some hundred kilobytes. Whoever may write into the folder may not fill our memory. */
const fileMaxBytes = 32 * 1024 * 1024
/** Clocks of machines differ; what was recorded tomorrow would be the newest for ever. */
const aheadMaxMs = 86_400_000
/** Only products with a key are asked for: a machine has a handful. Each is held against all others. */
const rowsMax = 500
/** So many are in memory at once. */
const together = 50

type Identity = { readonly uuid: string | null; readonly cmid: string | null }

/** The newest recording of a machine. */
type Newest = { readonly given: RecordingGiven; readonly name: string; readonly at: Date; readonly identity: Identity }

/** What opens recordings: their machines are judged by the site file, each as of when it was recorded. */
export type RecordingReader = Pick<App, 'recordedStatus'>

export type RecordingOptions = {
  readonly source: string
  readonly now: Date
  readonly dryRun: boolean
  /** The fingerprint of what was shown; null: nothing was. */
  readonly expect: string | null
}

/** The recordings in a folder. Throws `SOURCE_UNREADABLE` and `SOURCE_EMPTY` about the folder as a whole. */
export async function importRecordings(folder: string, app: RecordingReader, store: Store, options: RecordingOptions): Promise<Taken> {
  const { files, others } = filesIn(folder)
  const taken = await takeRecordings(files, app, store, options)
  return { ...taken, notes: others > 0 ? [`${others} files do not end in .json, and were passed over`] : [] }
}

/**
 * Takes in the machines of recordings, and keeps what each said as of when it was recorded; the newest of a machine counts, and one that
 * is older than what is known changes nothing. The problems are about single recordings: the others were taken.
 */
export async function takeRecordings(
  given: readonly RecordingGiven[],
  app: RecordingReader,
  store: Store,
  { source, now, dryRun, expect }: RecordingOptions,
): Promise<Taken> {
  const newest = new Map<string, Newest>()
  const problems: Problem[] = []
  for (const one of given) {
    // Reading one keeps whoever else has something to do waiting.
    await new Promise((done) => setImmediate(done))
    try {
      for (const found of await readOne(one, now, problems)) {
        const key = canonicalHost(found.name)
        const before = newest.get(key)
        if (!before || before.at < found.at) newest.set(key, found)
      }
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      problems.push(...error.problems.map((p) => ({ ...p, file: p.file ?? nameOfGiven(one) })))
    }
  }
  const list = [...newest.values()]
  const empty = { guid: null, address: null, system: null, systemVersion: null, enabled: null, lastSeen: null }
  const difference = await takeAsShown(
    list.map(({ name, identity: { uuid } }): FoundMachine => ({ name, uuid, ...empty, distinguishedName: null, groups: [], pool: null })),
    store,
    expect,
    { source, at: now.getTime(), partial: true, dryRun },
  )
  if (!dryRun) problems.push(...(await keepAll(list, app, store)))
  return { difference, problems, notes: [] }
}

function filesIn(folder: string): { readonly files: readonly string[]; readonly others: number } {
  let names: readonly string[]
  try {
    names = readdirSync(folder).sort()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new ProblemError(
      problem(
        'SOURCE_UNREADABLE',
        code === 'ENOENT' ? 'There is no such folder.' : `The folder cannot be read: ${message}.`,
        ['slmctl fleet import --recordings DIR'],
        { file: folder },
      ),
    )
  }
  const files = names.filter((name) => /\.json$/i.test(name)).map((name) => join(folder, name))
  if (files.length === 0) throw new ProblemError(problem('SOURCE_EMPTY', 'No recording is in it.', makeOne, { file: folder }))
  return { files, others: names.length - files.length }
}

/** The machines of one recording. What cannot be taken of it is a problem; what is no recording throws one. */
async function readOne(given: RecordingGiven, now: Date, problems: Problem[]): Promise<readonly Newest[]> {
  const file = nameOfGiven(given)
  const no = (code: string, summary: string, next: readonly string[]) => {
    problems.push(problem(code, summary, next, { file }))
    return []
  }
  if (typeof given === 'string') {
    const is = statSync(file, { throwIfNoEntry: false })
    if (!is?.isFile()) return no('RECORDING_INVALID', 'It is no recording: it is no file.', makeOne)
    if (is.size > fileMaxBytes) return no('RECORDING_INVALID', 'It is no recording of a machine: it is larger than 32 MB.', makeOne)
  }
  const recordings = openRecordings([given])
  const found: Newest[] = []
  for (const called of recordings.names) {
    const hidden = recordings.redacted(called)
    const name = machineName(called)
    const at = recordings.at(called)
    if (hidden)
      no(hidden.code, 'The names in this recording are hidden: it belongs to no machine of the fleet.', [
        'Record with names: slmctl status --record FILE --keep-names',
      ])
    else if (name === null) no('RECORDING_INVALID', `It is no recording of a machine: ${called} can be the name of none.`, makeOne)
    else if (recordings.rows(called) > rowsMax)
      no('RECORDING_INVALID', `It is no recording of a machine: an answer of ${name} has more than ${rowsMax} rows.`, makeOne)
    else if (at === null) no('RECORDING_UNDATED', `It does not say when ${name} was asked.`, makeOne)
    else if (at.getTime() > now.getTime() + aheadMaxMs)
      no('RECORDING_FUTURE', `It says that ${name} was asked on ${at.toISOString().slice(0, 10)}, which is still to come.`, [
        `Look at the clock of ${name} (w32tm /query /status), then record again.`,
      ])
    else found.push({ given, name, at, identity: await identityOf(recordings.open(called)) })
  }
  return found
}

/** The board's UUID and the KMS client machine ID, where the recording has them. */
async function identityOf(machine: Machine): Promise<Identity> {
  const ask = async (of: string, column: string) => {
    try {
      return boardUuid((await machine.ask({ class: of, columns: [column] }))?.[0]?.[column])
    } catch (error) {
      if (error instanceof ProblemError) return null
      throw error
    }
  }
  const [column] = boardQuestion.columns
  return { uuid: await ask(boardQuestion.class, column), cmid: await ask('SoftwareLicensingService', 'ClientMachineID') }
}

/** What each said, judged by the site file as of when it was said. Answers why some could not be asked. */
async function keepAll(list: readonly Newest[], app: RecordingReader, store: Store): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  for (let from = 0; from < list.length; from += together) {
    const part = new Map(list.slice(from, from + together).map((one) => [canonicalHost(one.name), one]))
    const kept: Observation[] = []
    const recordings = openRecordings([...new Set([...part.values()].map((one) => one.given))])
    const names = recordings.names.filter((name) => part.has(canonicalHost(name)))
    for await (const { name, result } of app.recordedStatus(recordings, names)) {
      await new Promise((done) => setImmediate(done))
      const one = part.get(canonicalHost(name))!
      const why = result.ok ? unanswered(name, result.value) : result.problem
      if (why) problems.push({ ...why, file: nameOfGiven(one.given) })
      else if (result.ok) {
        const cards = await store.find(one.name)
        const card = cards.find((c) => c.uuid !== null && c.uuid === one.identity.uuid) ?? cards[0]
        if (card) kept.push(said(card.id, one.at.getTime(), false, result.value, one.identity))
      }
    }
    await store.observe(kept)
  }
  return problems
}
