import { maskKeys, type Problem, ProblemError, problem } from '../model.ts'
import type { Call, CallAnswer, Machine, Question, RegistryQuestion, RegistryValue, WmiRow } from './machine.ts'
import { trouble } from './problems.ts'
import { redactor } from './redact.ts'

/** Why a question had no answer: "could not ask" is replayed as that. */
type Why = Pick<Problem, 'code' | 'summary' | 'next'>
/** One question and what came. A call that failed is not kept: whether it was done is not known. */
type Entry =
  | { readonly ask: Question; readonly rows: readonly WmiRow[] | null; readonly problem?: Why }
  | { readonly registry: RegistryQuestion; readonly values: Readonly<Record<string, RegistryValue>> | null; readonly problem?: Why }
  | {
      readonly call: Omit<Call, 'arguments'> & { readonly arguments: Readonly<Record<string, string | number | boolean>> }
      readonly answer: CallAnswer
    }

/** Schema `slmctl.recording/1`: what machines said, without what names people, machines and the organisation. */
export type Recording = {
  readonly schema: 'slmctl.recording/1'
  readonly machines: readonly { readonly name: string; readonly entries: readonly Entry[] }[]
  /** What was replaced: kind of value and how many different ones. */
  readonly redact: readonly { readonly kind: string; readonly count: number }[]
}

export type Recorder = {
  /** The same machine; every answer is kept, calls too. */
  readonly keep: (machine: Machine) => Machine
  /** The recording, redacted; there is no way back from it to the names. */
  readonly redacted: () => Recording
  /** The recording with its names; product keys are masked. */
  readonly whole: () => Recording
}

export type RecorderOptions = {
  /** Of so many machines everything is kept; of further ones, up to as many again, only where a question had no answer. */
  readonly machines?: number
  /** Hears of every request when it has ended: what it was, how long it took, how it ended. */
  readonly log?: (machine: string, what: string, ms: number) => void
  /** Gets what is kept no longer, to take the names from it. */
  readonly dropped?: (machine: { readonly name: string; readonly entries: readonly unknown[] }) => void
}

/** Collects what machines say, so that it can be looked at, sent to somebody, and replayed as a machine. */
export function recorder({ machines: limit = Number.POSITIVE_INFINITY, log, dropped }: RecorderOptions = {}): Recorder {
  const kept: { name: string; entries: Entry[] }[] = []
  /** Asks, and keeps the answer or why there was none; anything but a Problem is a fault of ours and kept nowhere. */
  async function asked<T>(
    one: { readonly name: string; readonly entries: Entry[] },
    what: string,
    ask: () => Promise<T>,
    entry: (answer: T | null, problem?: { problem: Why }) => Entry | null,
    said: (answer: T) => string,
  ): Promise<T> {
    const begin = performance.now()
    try {
      const answer = await ask()
      log?.(one.name, `${what}: ${said(answer)}`, performance.now() - begin)
      one.entries.push(entry(answer)!)
      return answer
    } catch (error) {
      const failed = error instanceof ProblemError ? entry(null, { problem: whyOf(error) }) : null
      if (failed) one.entries.push(failed)
      log?.(one.name, `${what}: ${error instanceof ProblemError ? error.problems[0]!.code : 'failed'}`, performance.now() - begin)
      throw error
    }
  }
  const letGo = (one: (typeof kept)[number]) => {
    const failed = one.entries.some((entry) => 'problem' in entry && entry.problem)
    const at = kept.indexOf(one)
    if (at < limit || (failed && kept.length <= 2 * limit)) return
    kept.splice(at, 1)
    dropped?.(one)
  }
  return {
    keep: (machine) => {
      const one = { name: machine.name, entries: [] as Entry[] }
      kept.push(one)
      return {
        name: machine.name,
        ask: (ask) =>
          asked(
            one,
            `ask ${ask.class}${ask.where ? ` where ${ask.where}` : ''}`,
            () => machine.ask(ask),
            (rows, why) => ({ ask, rows, ...why }),
            (rows) => (rows === null ? 'no such class' : `${rows.length} rows`),
          ),
        registry: (registry) =>
          asked(
            one,
            `registry ${registry.key}`,
            () => machine.registry(registry),
            (values, why) => ({ registry, values, ...why }),
            (values) => (values === null ? 'no such key' : `${Object.keys(values).length} values`),
          ),
        call: (call) =>
          asked(
            one,
            `call ${call.class}.${call.method}`,
            () => machine.call(call),
            (answer) => {
              if (answer === null) return null
              const shown = Object.entries(call.arguments).map(([name, value]) => [name, typeof value === 'object' ? String(value) : value])
              return { call: { ...call, arguments: Object.fromEntries(shown) }, answer }
            },
            ({ returnValue }) => `0x${returnValue.toString(16).toUpperCase().padStart(8, '0')}`,
          ),
        close: async () => {
          letGo(one)
          await machine.close()
        },
      }
    },
    redacted: () => {
      const hide = redactor(kept)
      return { schema: 'slmctl.recording/1', machines: kept.map((machine) => hide.all(machine)), redact: hide.table() }
    },
    whole: () => ({ schema: 'slmctl.recording/1', machines: kept.map((machine) => masked(machine)), redact: [] }),
  }
}

/** A copy with every product key in it masked. */
function masked<T>(value: T): T {
  if (typeof value === 'string') return maskKeys(value) as T
  if (Array.isArray(value)) return value.map((one) => masked(one)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, masked(one)])) as T
}

const whyOf = ({ problems: [first] }: ProblemError): Why => ({ code: first!.code, summary: first!.summary, next: first!.next })

/**
 * A recording as a machine: `slmctl status --replay FILE`. Takes the parsed JSON; where it holds several machines, `name` chooses,
 * else the first. The same question asked again gets the next answer that was recorded, in the end the last.
 */
export function openRecording(json: unknown, name?: string): Machine {
  const recording = check(json)
  const found = name === undefined ? recording.machines[0] : recording.machines.find((m) => m.name.toLowerCase() === name.toLowerCase())
  if (!found) throw trouble('RECORDING_LACKS', name ?? 'nothing')
  const { entries } = found
  const asked = new Map<string, number>()
  const next = <T extends Entry>(id: string, fits: (entry: Entry) => entry is T): T => {
    const fitting = entries.filter(fits)
    const turn = asked.get(id) ?? 0
    const entry = fitting[Math.min(turn, fitting.length - 1)]
    if (!entry) throw trouble('RECORDING_LACKS', found.name, maskKeys(id.slice(0, 200)))
    asked.set(id, turn + 1)
    if ('problem' in entry && entry.problem) throw new ProblemError(problem(entry.problem.code, entry.problem.summary, entry.problem.next))
    return entry
  }
  return {
    name: found.name,
    ask: async (question) => {
      const wanted = question.columns.map((column) => column.toLowerCase())
      const id = `${questionId(question)} (${question.columns.join(', ')})`
      const { rows } = next(id, (entry): entry is Extract<Entry, { ask: Question }> => {
        if (!('ask' in entry) || questionId(entry.ask) !== questionId(question)) return false
        const held = new Set(entry.ask.columns.map((column) => column.toLowerCase()))
        return wanted.every((column) => held.has(column))
      })
      return rows === null
        ? null
        : rows.map((row) => Object.fromEntries(Object.entries(row).filter(([column]) => wanted.includes(column.toLowerCase()))))
    },
    registry: async (question) => {
      const wanted = question.values?.map((value) => value.toLowerCase())
      const { values } = next(`registry ${question.key}`, (entry): entry is Extract<Entry, { registry: RegistryQuestion }> => {
        if (!('registry' in entry) || entry.registry.key.toLowerCase() !== question.key.toLowerCase()) return false
        const held = entry.registry.values?.map((value) => value.toLowerCase())
        return held === undefined || (wanted?.every((value) => held.includes(value)) ?? false)
      })
      if (values === null || wanted === undefined) return values
      return Object.fromEntries(Object.entries(values).filter(([value]) => wanted.includes(value.toLowerCase())))
    },
    call: async (call) => {
      const id = callId(call)
      return next(`call ${id}`, (entry): entry is Extract<Entry, { call: unknown }> => 'call' in entry && callId(entry.call) === id).answer
    },
    close: async () => {},
  }
}

const questionId = (question: Question) =>
  `${question.namespace ?? 'root/cimv2'}:${question.class} ${question.where ?? ''}`.toLowerCase().replace(/\s+/g, ' ').trim()

/** Arguments are part of it, but for secrets and keys, which are masked in both. */
const callId = (call: Omit<Call, 'arguments'> & { arguments: Readonly<Record<string, unknown>> }) =>
  maskKeys(
    `${call.namespace ?? 'root/cimv2'}:${call.class}.${call.method} ${JSON.stringify(call.key)} ${JSON.stringify(call.arguments)}`,
  ).toLowerCase()

/** Bounds of a recording: far above a fleet's worth of answers to our questions. */
const most = { machines: 1000, entries: 1000, rows: 20_000, columns: 400, text: 100_000 }

/** A recording comes from a file that anybody may have written: shape and size are checked, nothing else is taken over. */
function check(json: unknown): Recording {
  const bad = (what: string) => trouble('RECORDING_INVALID', 'the file', what)
  const record = (value: unknown, what: string): Record<string, unknown> => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(`${what} is missing`)
    return value as Record<string, unknown>
  }
  const list = (value: unknown, limit: number, what: string): readonly unknown[] => {
    if (!Array.isArray(value) || value.length > limit) throw bad(`${what} is no list of at most ${limit}`)
    return value
  }
  const text = (value: unknown, what: string): string => {
    if (typeof value !== 'string' || value.length > most.text) throw bad(`${what} is no text`)
    return value
  }
  const optional = (value: unknown, what: string) => (value === undefined ? undefined : text(value, what))
  const map = <T>(value: unknown, what: string, each: (one: unknown, name: string) => T): Record<string, T> => {
    const pairs = Object.entries(record(value, what))
    if (pairs.length > most.columns) throw bad(`${what} is too large`)
    return Object.fromEntries(pairs.map(([name, one]) => [name, each(one, `${what}.${name.slice(0, 40)}`)]))
  }
  const plain = (value: unknown, what: string): string | null => (value === null ? null : text(value, what))
  const wmi = (value: unknown, what: string) =>
    Array.isArray(value) ? list(value, most.rows, what).map((one) => plain(one, what)) : plain(value, what)
  const scalar = (value: unknown, what: string): string | number | boolean =>
    typeof value === 'number' || typeof value === 'boolean' ? value : text(value, what)
  const whyIn = (value: unknown): { problem?: Why } => {
    if (value === undefined) return {}
    const why = record(value, 'a problem')
    const code = text(why.code, 'code')
    if (!/^[A-Z_]{1,60}$/.test(code)) throw bad('a code is none')
    return { problem: { code, summary: text(why.summary, 'summary'), next: list(why.next, 20, 'next').map((one) => text(one, 'next')) } }
  }
  const entryOf = (value: unknown): Entry => {
    const entry = record(value, 'an entry')
    const why = whyIn(entry.problem)
    if ('ask' in entry) {
      const { namespace, class: of, columns, where } = record(entry.ask, 'a question')
      const ask: Question = {
        class: text(of, 'class'),
        columns: list(columns, most.columns, 'columns').map((column) => text(column, 'a column')),
        ...(namespace === undefined ? {} : { namespace: text(namespace, 'namespace') }),
        ...(where === undefined ? {} : { where: text(where, 'where') }),
      }
      return { ask, rows: entry.rows === null ? null : list(entry.rows, most.rows, 'rows').map((row) => map(row, 'row', wmi)), ...why }
    }
    if ('registry' in entry) {
      const { key, values } = record(entry.registry, 'a registry question')
      const registry: RegistryQuestion = {
        key: text(key, 'key'),
        ...(values === undefined ? {} : { values: list(values, most.columns, 'values').map((name) => text(name, 'a value')) }),
      }
      const read = (value: unknown, what: string): RegistryValue =>
        Array.isArray(value)
          ? list(value, most.rows, what).map((one) => text(one, what))
          : typeof value === 'number'
            ? value
            : text(value, what)
      return { registry, values: entry.values === null ? null : map(entry.values, 'values', read), ...why }
    }
    const { namespace, class: of, key, method, arguments: given } = record(entry.call, 'a call')
    const { returnValue, out } = record(entry.answer, 'an answer')
    if (typeof returnValue !== 'number' || returnValue < 0 || returnValue > 0xffffffff) throw bad('a return value is none')
    const space = optional(namespace, 'namespace')
    return {
      call: {
        class: text(of, 'class'),
        method: text(method, 'method'),
        key: key === null ? null : map(key, 'key', text),
        arguments: map(given, 'arguments', scalar),
        ...(space === undefined ? {} : { namespace: space }),
      },
      answer: { returnValue, out: map(out, 'out', wmi) },
    }
  }
  const top = record(json, 'the recording')
  if (top.schema !== 'slmctl.recording/1') throw bad('its schema is not slmctl.recording/1')
  return {
    schema: 'slmctl.recording/1',
    machines: list(top.machines, most.machines, 'machines').map((value) => {
      const machine = record(value, 'a machine')
      return { name: text(machine.name, 'name'), entries: list(machine.entries, most.entries, 'entries').map(entryOf) }
    }),
    redact: [],
  }
}
