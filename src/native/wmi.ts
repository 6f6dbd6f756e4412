import { type Foreign, wide } from './foreign.ts'
import { bstr, variantOf, type WmiArgument, wipe } from './wmi/argument.ts'
import { com, connect, seal } from './wmi/com.ts'
import { check, failed, WmiError } from './wmi/error.ts'
import { type NativeRow, RowReader } from './wmi/rows.ts'
import { letGo, Scope } from './wmi/scope.ts'

export type { WmiArgument } from './wmi/argument.ts'
export { WmiError } from './wmi/error.ts'
export type { NativeRow } from './wmi/rows.ts'
export { callsGivenUp } from './wmi/scope.ts'

/** How much a question may bring, and how long an operation may take in all. */
export type WmiBounds = { readonly rows: number; readonly bytes: number; readonly limitMs: number }

/**
 * WMI of this computer, in process. One operation at a time: whoever calls waits for the one before. What fails is a WmiError. No
 * call that may take long is made on the thread of the event loop.
 */
export type Wmi = {
  readonly query: (namespace: string, wql: string, bounds: WmiBounds) => Promise<readonly NativeRow[]>
  /** Runs a method once; gives its out parameters with ReturnValue. `begun` of a WmiError tells whether it may have been carried out. */
  readonly invoke: (
    call: {
      readonly namespace: string
      readonly class: string
      /** Of the object whose method it is: `Class.Key="value"`, or the class itself. */
      readonly path: string
      readonly method: string
      readonly arguments: Readonly<Record<string, WmiArgument>>
    },
    bounds: WmiBounds,
  ) => Promise<NativeRow>
  readonly close: () => Promise<void>
}

/** wbemcli.h: places in the interfaces, flags and codes. */
const servicesGetObject = 6
const servicesExecQuery = 20
const servicesExecMethod = 24
const enumNext = 4
const resultGetObject = 3
const resultGetCallStatus = 6
const Obj = { get: 4, put: 5, spawnInstance: 15, getMethod: 19 } as const
const returnImmediately = 0x10
const forwardOnly = 0x20
const noMore = 1
const timedOut = 0x4_0004
const noMoreData = 0x4_0005
const accessDenied = 0x8004_1003
const invalidParameters = 0x8004_102f
const notFound = 0x8004_1002
/** The answer leaves out rows that this account may not see. */
const someDenied = 0x4_0009

/** Rows of one call: enough that they are few, and few enough that reading them does not hold the event loop. */
const batch = 32
/** One wait for rows: short, so that a query that is given up leaves nothing behind. */
const waitMs = 1000
/** What a call may take beyond the wait that it was told. */
const graceMs = 15_000

/** Opens WMI of this computer; a namespace is connected to when it is first asked. */
export async function openWmi(): Promise<Wmi> {
  return new Session(await com())
}

class Session implements Wmi {
  readonly #foreign: Foreign
  /** IWbemServices by namespace. */
  readonly #services = new Map<string, bigint>()
  /** A call was given up and has not come back: until then the session takes no other. */
  #stuck = false

  constructor(foreign: Foreign) {
    this.#foreign = foreign
  }

  async #scoped<T>(size: number, f: (scope: Scope) => Promise<T>): Promise<T> {
    if (this.#stuck) throw new WmiError('slow', 'an earlier question is still under way')
    const scope = new Scope(this.#foreign, size)
    try {
      return await f(scope)
    } finally {
      const ended = scope.end()
      if (!scope.stuck) await ended
      else {
        this.#stuck = true
        const free = () => {
          this.#stuck = false
        }
        ended.then(free, free)
      }
    }
  }

  async #connect(namespace: string, limitMs: number): Promise<bigint> {
    const id = namespace.replaceAll('/', '\\').toLowerCase()
    const known = this.#services.get(id)
    if (known !== undefined) return known
    const services = await this.#scoped(4096 + 2 * namespace.length, (scope) => connect(scope, id, limitMs))
    this.#services.set(id, services)
    return services
  }

  async query(namespace: string, wql: string, bounds: WmiBounds): Promise<readonly NativeRow[]> {
    const until = performance.now() + bounds.limitMs
    const services = await this.#connect(namespace, bounds.limitMs)
    return this.#scoped(8192 + 2 * wql.length, async (scope) => {
      const { arena, foreign } = scope
      const cursor = scope.cell({ remote: true })
      const exec = foreign.method(services, servicesExecQuery, 'ppupp')
      const flags = returnImmediately | forwardOnly
      const left = () => until - performance.now()
      const what = /\bFROM (\w+)/i.exec(wql)?.[1] ?? 'the query'
      const [language, text] = [bstr(arena, 'WQL'), bstr(arena, wql)]
      check(await scope.aside(left(), what, exec, services, language, text, flags, null, cursor), what)
      const rows = scope.object(cursor)
      seal(foreign, rows)
      return await this.#rows(scope, rows, left, bounds, what)
    })
  }

  async #rows(scope: Scope, cursor: bigint, left: () => number, bounds: WmiBounds, what: string): Promise<readonly NativeRow[]> {
    const { arena, foreign } = scope
    const next = foreign.method(cursor, enumNext, 'uupp')
    const cells = scope.cell({ remote: false }, batch)
    const returned = arena.room(4)
    const read = new RowReader(scope, { bytes: bounds.bytes })
    const rows: NativeRow[] = []
    for (;;) {
      const wait = Math.min(waitMs, left())
      if (wait <= 0) throw new WmiError('slow', what)
      arena.at(returned).writeUInt32LE(0)
      const status = await scope.aside(wait + graceMs, what, next, cursor, Math.ceil(wait), batch, cells, returned)
      check(status, what)
      const count = Math.min(batch, arena.u32(returned))
      if (rows.length + count > bounds.rows) throw new WmiError('too-large', `over ${bounds.rows} rows of ${what}`)
      for (let i = 0; i < count; i++) {
        const cell = cells + BigInt(8 * i)
        rows.push(read.row(scope.object(cell)))
        scope.drop(cell)
      }
      if (status === noMore || status === noMoreData) return rows
      if (status === someDenied) throw new WmiError('hresult', what, accessDenied)
      // Any other success says that the answer is not whole.
      if (status !== 0 && status !== timedOut) throw new WmiError('hresult', `a part of ${what} is missing`, status)
      // A service that says it goes on, and gives nothing without waiting for it, would keep this loop busy until its time is over.
      if (count === 0 && status === 0) throw new WmiError('hresult', `${what} without end`, status)
    }
  }

  async invoke(call: Parameters<Wmi['invoke']>[0], bounds: WmiBounds): Promise<NativeRow> {
    const until = performance.now() + bounds.limitMs
    const services = await this.#connect(call.namespace, bounds.limitMs)
    return this.#scoped(sizeOf(call), async (scope) => {
      const { arena, foreign } = scope
      const input = await this.#input(scope, services, call, until)
      const [output, pending] = [scope.cell({ remote: false }), scope.cell({ remote: true })]
      const exec = foreign.method(services, servicesExecMethod, 'ppupppp')
      const [path, method] = [bstr(arena, call.path), bstr(arena, call.method)]
      const left = () => until - performance.now()
      if (left() <= 0) throw new WmiError('slow', 'the definition of the method')
      try {
        const flags = returnImmediately
        const status = await scope.aside(left(), call.method, exec, services, path, method, flags, null, input, output, pending)
        check(status, call.method)
        const result = arena.pointer(pending)
        if (result !== null) await this.#result(scope, result, output, left, call.method)
        const object = arena.pointer(output)
        return object === null ? {} : new RowReader(scope, { bytes: bounds.bytes }).row(object)
      } catch (error) {
        // Whatever it was, the method may have been carried out.
        const { what, message, code } = error instanceof WmiError ? error : new WmiError('hresult', (error as Error).message)
        throw new WmiError(what, message, code, true)
      }
    })
  }

  /** Waits for a method that runs ([MS-WMI] 3.2.4.2.7: GetResultObject gives what it put out); Wine has no such result, and answers at once. */
  async #result(scope: Scope, pending: bigint, output: bigint, left: () => number, method: string): Promise<void> {
    seal(scope.foreign, pending)
    const get = scope.foreign.method(pending, resultGetObject, 'up')
    for (;;) {
      const wait = Math.min(waitMs, left())
      if (wait <= 0) throw new WmiError('slow', method)
      const status = await scope.aside(wait + graceMs, method, get, pending, Math.ceil(wait), output)
      if (status === timedOut) continue
      if (!failed(status)) return
      // What the method ended with, where it is known better than by the question for its object.
      const own = scope.arena.room(4)
      const known = await scope.aside(graceMs, method, scope.foreign.method(pending, resultGetCallStatus, 'up'), pending, 0, own)
      const code = scope.arena.u32(own)
      check(known === 0 && failed(code) ? code : status, method)
    }
  }

  /** The parameters of a method, filled; null where it has none. */
  async #input(scope: Scope, services: bigint, call: Parameters<Wmi['invoke']>[0], until: number): Promise<bigint | null> {
    const { arena, foreign } = scope
    const [definition, signature, instance] = [0, 1, 2].map(() => scope.cell({ remote: false })) as [bigint, bigint, bigint]
    const get = foreign.method(services, servicesGetObject, 'puppp')
    const left = until - performance.now()
    const name = bstr(arena, call.class)
    check(await scope.aside(left, 'the definition of the method', get, services, name, 0, null, definition, null), call.class)
    const object = scope.object(definition)
    const text = wide(arena, call.method)
    check(foreign.method(object, Obj.getMethod, 'pupp').now(object, text, 0, signature, null), `${call.class}.${call.method}`)
    const wanted = Object.entries(call.arguments)
    const declared = arena.pointer(signature)
    if (declared === null) {
      if (wanted.length > 0) throw new WmiError('hresult', `${call.method} has no parameters`, invalidParameters)
      return null
    }
    check(foreign.method(declared, Obj.spawnInstance, 'up').now(declared, 0, instance), call.method)
    const filled = scope.object(instance)
    for (const [parameter, value] of wanted) {
      const label = wide(arena, parameter)
      const type = arena.room(4)
      const known = foreign.method(declared, Obj.get, 'puppp').now(declared, label, 0, null, type, null)
      if (known === notFound) throw new WmiError('hresult', `${call.method} has no parameter ${parameter}`, invalidParameters)
      check(known, parameter)
      const variant = variantOf(arena, parameter, value, arena.u32(type))
      check(foreign.method(filled, Obj.put, 'pupu').now(filled, label, 0, variant, 0), parameter)
      if (typeof value === 'object') wipe(arena, variant)
    }
    return filled
  }

  async close(): Promise<void> {
    const services = [...this.#services.values()]
    this.#services.clear()
    // Where a call has not come back, the service's objects stay: they are in use.
    if (this.#stuck) return
    for (const object of services) await letGo(this.#foreign, object)
  }
}

/** Memory for a call: its names, and each argument as UTF-16. */
function sizeOf(call: Parameters<Wmi['invoke']>[0]): number {
  const length = (value: WmiArgument) => (typeof value === 'object' ? value.length : String(value).length)
  const args = Object.entries(call.arguments).reduce((sum, [name, value]) => sum + name.length + length(value) + 64, 0)
  return 8192 + 2 * (call.path.length + call.class.length + 2 * call.method.length + args)
}
