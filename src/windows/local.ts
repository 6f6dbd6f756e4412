import { openWmi, readRegistryKey, type Wmi, WmiError } from '../native.ts'
import { asLocalProblem, isAbsent, isBroken, isRefused, methodOutcome } from './local/outcomes.ts'
import type { Call, CallAnswer, Machine, Question, WmiRow } from './machine.ts'
import { hex, trouble } from './problems.ts'
import { answerOf, inTurn, Questions, wmiName } from './question.ts'

/** What this computer is asked through; only tests give another. */
export type Local = {
  readonly platform: string
  readonly openWmi: () => Promise<Wmi>
  readonly readRegistry: typeof readRegistryKey
  /** Bounds of one question: rows, bytes of their values, time. */
  readonly rows: number
  readonly bytes: number
  readonly questionMs: number
  /** Activation asks a host, or several in turn, and each may be silent for half a minute. */
  readonly callMs: number
}
const usual: Local = {
  platform: process.platform,
  openWmi,
  readRegistry: readRegistryKey,
  rows: 100_000,
  bytes: 64 << 20,
  questionMs: 120_000,
  callMs: 300_000,
}

/**
 * This computer itself: WMI in process (COM), the registry by advapi32. Windows only. One operation at a time; nothing is loaded
 * before the first. Reads are repeated once where the connection to WMI was lost; a call is made once.
 */
export function openLocal(name: string, given: Partial<Local> = {}): Machine {
  const local = { ...usual, ...given }
  if (local.platform !== 'win32') throw trouble('NOT_WINDOWS', name)
  const here = new Here(name, local)
  const queued = inTurn((error) => asLocalProblem(error, name))
  return {
    name,
    ask: (question) => queued(() => here.ask(question)),
    call: (call) => queued(() => here.call(call)),
    registry: ({ key, values }) => queued(() => local.readRegistry(key, values)),
    close: () => queued(() => here.close()),
  }
}

class Here {
  readonly #name: string
  readonly #local: Local
  readonly #questions = new Questions({
    rows: (namespace, wql) => this.#again((wmi) => wmi.query(namespace, wql, this.#bounds(this.#local.questionMs))),
    isAbsent,
    isRefused,
    // A missing class has a code of its own here.
    lacksClass: async () => false,
  })
  #wmi: Wmi | null = null

  constructor(name: string, local: Local) {
    this.#name = name
    this.#local = local
  }

  ask(question: Question): Promise<readonly WmiRow[] | null> {
    return this.#questions.ask(question)
  }

  async call(call: Call): Promise<CallAnswer> {
    const namespace = call.namespace ?? 'root/cimv2'
    const wmiClass = wmiName(call.class)
    const path = objectPath(wmiClass, call.key ?? (await this.#soleKey(namespace, wmiClass)))
    const request = { namespace, class: wmiClass, path, method: wmiName(call.method), arguments: call.arguments }
    const unanswered = (why: string) => trouble('CALL_UNANSWERED', this.#name, `${call.class}.${call.method}${why && `, ${why}`}`)
    try {
      // Asked again only where the method was not begun.
      const out = await this.#again((wmi) => wmi.invoke(request, this.#bounds(this.#local.callMs)))
      try {
        return answerOf(out)
      } catch (error) {
        throw unanswered((error as Error).message)
      }
    } catch (error) {
      if (!(error instanceof WmiError)) throw error
      const outcome = methodOutcome(error)
      if (outcome === 'refused') throw error
      if (outcome === 'lost') throw unanswered(error.code === 0 ? error.message : hex(error.code))
      return { returnValue: outcome.returnValue, out: {} }
    }
  }

  async close(): Promise<void> {
    const wmi = this.#wmi
    this.#wmi = null
    await wmi?.close()
  }

  async #soleKey(namespace: string, wmiClass: string): Promise<Readonly<Record<string, string>> | null> {
    const key = await this.#questions.soleKey(namespace, wmiClass)
    if (key === null) throw trouble('LOCAL_NOT_FOUND', this.#name, wmiClass)
    return Object.keys(key).length === 0 ? null : key
  }

  /** Where WMI was restarted since the last operation, its objects are gone: they are had anew, once. */
  async #again<T>(operation: (wmi: Wmi) => Promise<T>): Promise<T> {
    this.#wmi ??= await this.#local.openWmi()
    try {
      return await operation(this.#wmi)
    } catch (error) {
      if (!isBroken(error)) throw error
      await this.close()
      this.#wmi = await this.#local.openWmi()
      return operation(this.#wmi)
    }
  }

  #bounds(limitMs: number) {
    const { rows, bytes } = this.#local
    return { rows, bytes, limitMs }
  }
}

/**
 * The path of an object ("Describing the location of a WMI object"): a class for static methods, `Class=@` for the only instance of
 * a class without keys, else its keys in quotes, with quotes and backslashes escaped.
 */
export function objectPath(wmiClass: string, key: Readonly<Record<string, string>> | null): string {
  if (key === null) return wmiClass
  const keys = Object.entries(key).map(([name, value]) => `${wmiName(name)}="${value.replace(/[\\"]/g, '\\$&')}"`)
  return keys.length === 0 ? `${wmiClass}=@` : `${wmiClass}.${keys.join(',')}`
}
