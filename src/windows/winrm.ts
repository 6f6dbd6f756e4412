import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Answers,
  type Argument,
  decodeResponse,
  type Enumerate,
  encodeRequest,
  type Get,
  type Invoke,
  messageId,
  type Pull,
  type Release,
  type Row,
  resourceUri,
  WsmanFault,
} from '../protocol/wsman.ts'
import { Connection, type Patience, usualPatience } from './connection.ts'
import type { Call, CallAnswer, Machine, Question, Reach, RegistryQuestion, RegistryValue, WmiRow } from './machine.ts'
import { asProblem, TransportError, trouble } from './problems.ts'
import { answerOf, inTurn, Questions, wmiName } from './question.ts'
import { readRegistry } from './registry.ts'

type Sendable = Enumerate | Pull | Release | Get | Invoke
type Common = Pick<Sendable, 'to' | 'messageId' | 'operationTimeoutMs' | 'maxEnvelopeSize'>
/** A request without what each attempt gives anew. */
type Draft<A extends Sendable['action']> = Omit<Extract<Sendable, { readonly action: A }>, keyof Common>

/** As Windows 2008 R2 allows; where one row is larger, the other is tried. */
const envelopeSizes = [153_600, 512_000] as const
/** WinRM's own limit for one batch. */
const maxElements = 32_000
/**
 * A Windows machine over WinRM: one connection, one operation at a time. Nothing is sent before the first question. Reads are
 * repeated where that may help; a call is sent once.
 */
export function openMachine(reach: Reach, patience: Partial<Patience> = {}): Machine {
  const winrm = new WinRm(reach, { ...usualPatience, ...patience })
  const { name } = reach
  const queued = inTurn((error) => asProblem(error, name))
  return {
    name,
    ask: (question) => queued(() => winrm.ask(question)),
    call: (call) => queued(() => winrm.call(call)),
    registry: (question) => queued(() => winrm.registry(question)),
    close: () => queued(async () => winrm.close()),
  }
}

class WinRm {
  readonly #reach: Reach
  readonly #patience: Patience
  readonly #connection: Connection
  #envelope = 0
  /** Bytes of answers to the question at hand. */
  #received = 0
  readonly #questions = new Questions({
    rows: (namespace, wql) => this.#enumerate(namespace, wql),
    isAbsent,
    isRefused: isRefusedQuery,
    lacksClass: async (error, namespace, from, where) =>
      where === '' ? (error as WsmanFault).kind === 'filter' : this.#lacksClass(namespace, from),
  })

  constructor(reach: Reach, patience: Patience) {
    this.#reach = reach
    this.#patience = patience
    this.#connection = new Connection(reach, patience)
  }

  close(): void {
    this.#connection.close()
  }

  ask(question: Question): Promise<readonly WmiRow[] | null> {
    return this.#questions.ask(question)
  }

  async #lacksClass(namespace: string, from: string): Promise<boolean> {
    try {
      const first = await this.#enumerateStart(namespace, `SELECT * FROM ${from}`, 1)
      if (!first.end && first.context !== null) await this.#release(namespace, first.context)
      return false
    } catch (error) {
      if (isAbsent(error) || isRefusedQuery(error)) return true
      throw error
    }
  }

  /** A whole enumeration. Where the connection broke, it begins again once: a lost batch cannot be asked for. */
  async #enumerate(namespace: string, wql: string): Promise<readonly Row[]> {
    try {
      return await this.#enumerateOnce(namespace, wql)
    } catch (error) {
      if (!isBroken(error)) throw error
      return this.#enumerateOnce(namespace, wql)
    }
  }

  async #enumerateOnce(namespace: string, wql: string): Promise<readonly Row[]> {
    this.#received = 0
    let batch = await this.#enumerateStart(namespace, wql, maxElements)
    if (batch.end || batch.context === null) return batch.items
    const rows = [...batch.items]
    const until = this.#until()
    let empty = 0
    while (!batch.end && batch.context !== null) {
      empty = batch.items.length === 0 ? empty + 1 : 0
      if (rows.length > this.#patience.rows || this.#received > this.#patience.questionBytes || empty > 16) {
        await this.#release(namespace, batch.context)
        throw new TransportError('WINRM_TOO_LARGE', empty > 16 ? 'batches without rows' : `${rows.length} rows and more`, true)
      }
      if (performance.now() > until) {
        await this.#release(namespace, batch.context)
        throw new TransportError('WINRM_SLOW', 'rows without end', true)
      }
      batch = await this.#send<'Pull'>({
        action: 'Pull',
        resourceUri: resourceUri(namespace, '*'),
        selectors: {},
        context: batch.context,
        maxElements,
      })
      for (const row of batch.items) rows.push(row)
    }
    if (rows.length > this.#patience.rows) throw new TransportError('WINRM_TOO_LARGE', `over ${this.#patience.rows} rows`, true)
    return rows
  }

  #enumerateStart(namespace: string, wql: string, most: number) {
    return this.#send<'Enumerate'>({
      action: 'Enumerate',
      resourceUri: resourceUri(namespace, '*'),
      selectors: {},
      wql,
      otherDialect: null,
      optimize: true,
      maxElements: most,
      mode: 'object',
    })
  }

  /** Frees what is left of an enumeration; if that fails, the machine frees it after its own time. */
  async #release(namespace: string, context: string): Promise<void> {
    try {
      await this.#send<'Release'>({ action: 'Release', resourceUri: resourceUri(namespace, '*'), selectors: {}, context })
    } catch {
      this.#connection.close()
    }
  }

  /** When a question of several messages must be answered: each of them has a limit of its own, and there may be hundreds. */
  #until(): number {
    return performance.now() + 4 * this.#reach.operationTimeoutMs + this.#patience.graceMs
  }

  registry(question: RegistryQuestion): Promise<Readonly<Record<string, RegistryValue>> | null> {
    this.#received = 0
    const until = this.#until()
    return readRegistry((method, args) => {
      if (performance.now() > until) throw new TransportError('WINRM_SLOW', 'registry', true)
      if (this.#received > this.#patience.questionBytes) throw new TransportError('WINRM_TOO_LARGE', 'registry', true)
      return this.#readRegistry(method, args)
    }, question)
  }

  /** Methods that only read: may be repeated. */
  async #readRegistry(method: string, args: Readonly<Record<string, Argument>>): Promise<Row> {
    const draft: Draft<'Invoke'> = {
      action: 'Invoke',
      resourceUri: resourceUri('root/default', 'StdRegProv'),
      selectors: {},
      method,
      arguments: args,
    }
    try {
      return (await this.#send<'Invoke'>(draft)).out
    } catch (error) {
      if (!isBroken(error)) throw error
      return (await this.#send<'Invoke'>(draft)).out
    }
  }

  async call(call: Call): Promise<CallAnswer> {
    const namespace = call.namespace ?? 'root/cimv2'
    const selectors = call.key ?? (await this.#soleKey(namespace, call.class))
    const started = performance.now()
    for (let attempt = 0; ; attempt++) {
      const request: Invoke = {
        ...this.#common(),
        action: 'Invoke',
        resourceUri: resourceUri(namespace, wmiName(call.class)),
        selectors,
        method: wmiName(call.method),
        arguments: call.arguments,
      }
      const message = encodeRequest(request)
      let xml: Uint8Array
      try {
        xml = (await this.#connection.exchange(message)).xml
      } catch (error) {
        if (error instanceof TransportError && !error.sent) throw error
        if (error instanceof TransportError) throw trouble('CALL_UNANSWERED', this.#reach.name, unanswered(call, error.message))
        // Before the message went out: what the logon says. After it: an answer that cannot be trusted.
        throw this.#connection.messageSent
          ? trouble('CALL_UNANSWERED', this.#reach.name, unanswered(call, (error as Error).message))
          : error
      } finally {
        message.fill(0)
      }
      try {
        return answerOf(decodeResponse<'Invoke'>(xml, request).out)
      } catch (error) {
        if (!(error instanceof WsmanFault)) throw trouble('CALL_UNANSWERED', this.#reach.name, unanswered(call, (error as Error).message))
        if (error.kind === 'timeout') throw trouble('CALL_UNANSWERED', this.#reach.name, unanswered(call, error.message))
        // A quota is refused before anything is done ([MS-WSMV] 3.1.4.1.31): this is not a second time.
        if (error.kind === 'quota' && (await this.#waitForQuota(attempt, started))) continue
        const failed = methodFailure(error)
        if (failed !== null) return { returnValue: failed, out: {} }
        throw error
      }
    }
  }

  async #soleKey(namespace: string, wmiClass: string): Promise<Readonly<Record<string, string>>> {
    const key = await this.#questions.soleKey(namespace, wmiClass)
    if (key === null) throw trouble('WINRM_NOT_FOUND', this.#reach.name, wmiClass)
    return key
  }

  /** Sends a read, again where a quota, a time limit of the machine or the size of the envelope stood against it. */
  async #send<A extends Sendable['action']>(draft: Draft<A>): Promise<Answers[A]> {
    const started = performance.now()
    let timeouts = 0
    for (let attempt = 0; ; attempt++) {
      const request = { ...draft, ...this.#common() } as unknown as Extract<Sendable, { readonly action: A }>
      const { xml } = await this.#connection.exchange(encodeRequest(request))
      this.#received += xml.length
      try {
        return decodeResponse<A>(xml, request as never)
      } catch (error) {
        if (!(error instanceof WsmanFault)) {
          this.#connection.close()
          throw error
        }
        if (error.kind === 'quota' && (await this.#waitForQuota(attempt, started))) continue
        if (error.kind === 'timeout' && timeouts++ < 1) continue
        if (
          error.kind === 'envelope-size' &&
          (draft as { action: string }).action !== 'Pull' &&
          this.#envelope + 1 < envelopeSizes.length
        ) {
          this.#envelope++
          continue
        }
        throw error
      }
    }
  }

  /** At least 100 ms and a random part whose range doubles to 15 s, so that many do not come back together. */
  async #waitForQuota(attempt: number, started: number): Promise<boolean> {
    const delay = 100 + Math.random() * Math.min(15_000, 200 * 2 ** Math.min(attempt, 10))
    if (performance.now() - started + delay > this.#patience.quotaMs) return false
    await sleep(delay)
    return true
  }

  #common(): Common {
    const { address, port, tls, operationTimeoutMs } = this.#reach
    const host = address.includes(':') ? `[${address}]` : address
    return {
      to: `${tls === null ? 'http' : 'https'}://${host}:${port}/wsman`,
      messageId: messageId(),
      operationTimeoutMs,
      maxEnvelopeSize: envelopeSizes[this.#envelope]!,
    }
  }
}

const isAbsent = (error: unknown) => error instanceof WsmanFault && error.kind === 'not-found'
const isRefusedQuery = (error: unknown) => error instanceof WsmanFault && (error.kind === 'invalid-query' || error.kind === 'filter')
/** The connection is gone, or its logon: both are had anew. A refused logon has `sent` false. */
const isBroken = (error: unknown) =>
  error instanceof TransportError && (error.code === 'WINRM_CUT' || (error.code === 'WINRM_LOGON_FAILED' && error.sent))

const unanswered = (call: Call, why: string) => `${call.class}.${call.method}${why && `, ${why}`}`

/**
 * The licensing service's own HRESULT where a failed method comes as a fault. Not those of WS-Man (facility 0x33) and of WMI itself
 * (0x80041xxx): they say that the method was not reached.
 */
function methodFailure({ kind, code, providerCode }: WsmanFault): number | null {
  if (kind !== 'other') return null
  const own = providerCode ?? code
  if (own === null || own < 0x80000000) return null
  return ((own >>> 16) & 0x1fff) === 0x33 || own >>> 12 === 0x80041 ? null : own
}
