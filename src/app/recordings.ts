import { canonicalHost } from '../addresses.ts'
import { readWhole } from '../files.ts'
import { type Problem, ProblemError, problem } from '../model.ts'
import { type Machine, openRecording, type Recording } from '../windows.ts'

/** Machines that are known from files in place of being asked. */
export type Recordings = {
  /** Of every machine once, by its name. */
  readonly names: readonly string[]
  readonly open: (name: string) => Machine
  /** Of its answers, how many rows the longest has. */
  readonly rows: (name: string) => number
  /** When it was asked; null where the recording does not tell. */
  readonly at: (name: string) => Date | null
  /** Base64 of the machine's own public key; null where the recording was not made on it. */
  readonly key: (name: string) => string | null
  /** Why no plan can be made for it elsewhere; null where its names were kept. */
  readonly redacted: (name: string) => Problem | null
}

/** What `status --record` adds to what the machines said. */
type Kept = {
  /** `kept`: with names and hosts. */
  readonly names?: 'kept'
  readonly machines: readonly (Recording['machines'][number] & { readonly at?: string; readonly key?: string })[]
}

/** A file by its name, or what somebody handed over as one. */
export type RecordingGiven = string | { readonly file: string; readonly text: string }
export const nameOfGiven = (given: RecordingGiven): string => (typeof given === 'string' ? given : given.file)

type One = { readonly file: string; readonly kept: Kept['machines'][number]; readonly whole: boolean; readonly at: Date | null }

const badName = (file: string) =>
  new ProblemError(
    problem(
      'RECORDING_INVALID',
      'It is no recording: what it calls a machine is no name.',
      ['slmctl status MACHINE --record FILE makes one.'],
      { file },
    ),
  )

/** Far above a fleet's worth of answers. */
const limitBytes = 512 * 1024 * 1024
/** Of what somebody handed over: dozens of machines have some thousand. Empty rows are three bytes each, and each is looked at. */
const givenRowsMost = 20_000

/** Rows of all answers, in whatever has the shape of a recording. */
function rowsIn(json: unknown): number {
  const list = (of: unknown, name: string): readonly unknown[] => {
    const value = typeof of === 'object' && of !== null ? (of as Record<string, unknown>)[name] : null
    return Array.isArray(value) ? value : []
  }
  return list(json, 'machines')
    .flatMap((machine) => list(machine, 'entries'))
    .reduce((sum: number, entry) => sum + list(entry, 'rows').length, 0)
}

function readJson(given: RecordingGiven): unknown {
  const file = nameOfGiven(given)
  const invalid = (why: string) =>
    new ProblemError(
      problem('RECORDING_INVALID', `It is no recording: ${why}.`, ['slmctl status MACHINE --record FILE makes one.'], { file }),
    )
  try {
    const text = typeof given === 'string' ? readWhole(given, limitBytes).toString('utf8') : given.text
    const json: unknown = JSON.parse(text.replace(/^\ufeff/, ''))
    if (typeof given !== 'string' && rowsIn(json) > givenRowsMost) throw invalid(`its answers have more than ${givenRowsMost} rows`)
    return json
  } catch (error) {
    if (error instanceof ProblemError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw invalid(code === 'ENOENT' ? 'there is no such file' : (code ?? 'it is not JSON'))
  }
}

/** Opens recordings. Of a machine that is in several, the newest counts; redacted names are told apart by their file. */
export function openRecordings(files: readonly RecordingGiven[]): Recordings {
  const all = new Map<string, One>()
  const names = new Map<string, string>()
  for (const given of files) {
    const file = nameOfGiven(given)
    const json = readJson(given)
    // Shape and size of all that it holds are checked once.
    openRecording(json)
    const { machines, names: said } = json as Kept
    const whole = said === 'kept'
    for (const kept of machines) {
      const time = typeof kept.at === 'string' ? Date.parse(kept.at) : Number.NaN
      const at = Number.isNaN(time) ? null : new Date(time)
      let name = kept.name
      if (!/^[^\p{Cc}\p{Cf}]{1,255}$/u.test(name)) throw badName(file)
      const there = all.get(canonicalHost(name))
      if (there && whole && there.whole && (there.at?.getTime() ?? 0) >= (at?.getTime() ?? 0)) continue
      if (there && !(whole && there.whole)) name = `${name} (${file})`
      all.set(canonicalHost(name), { file, kept, whole, at })
      names.set(canonicalHost(name), name)
    }
  }
  const one = (name: string): One => {
    const found = all.get(canonicalHost(name))
    if (found) return found
    throw new ProblemError(
      problem('RECORDING_LACKS', `No recording that was given holds the machine ${name}.`, [
        `It is about: ${[...names.values()].slice(0, 5).join(', ')}`,
      ]),
    )
  }
  return {
    names: [...names.values()],
    open: (name) => ({
      ...openRecording({ schema: 'slmctl.recording/1', machines: [one(name).kept] }),
      name: names.get(canonicalHost(name))!,
    }),
    rows: (name) => one(name).kept.entries.reduce((most, e) => Math.max(most, 'rows' in e ? (e.rows?.length ?? 0) : 0), 0),
    at: (name) => one(name).at,
    key: (name) => {
      const { key } = one(name).kept
      return typeof key === 'string' && /^[A-Za-z0-9+/]{43}=$/.test(key) ? key : null
    },
    redacted: (name) =>
      one(name).whole
        ? null
        : problem(
            'RECORDING_REDACTED',
            `The names in the recording of ${name} are hidden; a plan that is carried to a machine needs them.`,
            ['Record with names: slmctl status --record FILE --keep-names'],
            { file: one(name).file },
          ),
  }
}

/** A recording as it is written: when each machine was asked, and the public key of the one that it was made on. */
export function withOrigin(
  recording: Recording,
  at: readonly string[],
  keepNames: boolean,
  own: { name: string; key: string } | null,
): unknown {
  const { schema, machines, ...rest } = recording
  return {
    schema,
    ...(keepNames ? { names: 'kept' } : {}),
    ...rest,
    machines: machines.map(({ name, entries }, i) => ({
      name,
      at: at[i],
      ...(own !== null && canonicalHost(own.name) === canonicalHost(name) ? { key: own.key } : {}),
      entries,
    })),
  }
}
