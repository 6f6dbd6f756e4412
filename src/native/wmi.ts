import { NativeError } from './error.ts'
import { type Foreign, loadForeign } from './foreign.ts'
import { bstr, variantOf, type WmiArgument, wipe } from './wmi/argument.ts'
import { check, failed, WmiError } from './wmi/error.ts'
import { Scope } from './wmi/scope.ts'
import { type Allowance, readBstr, readVariant, variantSize, type WmiText } from './wmi/variant.ts'

export type { WmiArgument } from './wmi/argument.ts'
export { WmiError } from './wmi/error.ts'
export type { WmiText } from './wmi/variant.ts'

/** Names as the machine spells them; system properties (`__CLASS`) are left out. */
export type NativeRow = Readonly<Record<string, WmiText>>

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
const locatorConnectServer = 3
const servicesGetObject = 6
const servicesExecQuery = 20
const servicesExecMethod = 24
const enumNext = 4
const Obj = { get: 4, put: 5, beginEnumeration: 8, next: 9, endEnumeration: 10, spawnInstance: 15, getMethod: 19 } as const
const useMaxWait = 0x80
const returnImmediately = 0x10
const forwardOnly = 0x20
const nonSystemOnly = 0x40
const noMore = 1
const timedOut = 0x4_0004
const noMoreData = 0x4_0005
const accessDenied = 0x8004_1003
const invalidParameters = 0x8004_102f
const notFound = 0x8004_1002
/** The answer leaves out rows that this account may not see. */
const someDenied = 0x4_0009

/** CLSID_WbemLocator and IID_IWbemLocator as they stand in memory. */
const locatorClass = Buffer.from('11f890453a1dd011891f00aa004b2e24', 'hex')
const locatorInterface = Buffer.from('87a612dc7f73cf11884d00aa004b2e24', 'hex')
const inProcess = 1
/** Rows of one call: enough that they are few, and few enough that reading them does not hold the event loop. */
const batch = 32
/** One wait for rows: short, so that a query that is given up leaves nothing behind. */
const waitMs = 1000
/** What a call may take beyond the wait that it was told. */
const graceMs = 15_000

let starting: Promise<Foreign> | undefined

/**
 * COM for this process, once: a multithreaded apartment that lives as long as the process. A thread that never entered an apartment
 * belongs to it, so that the threads that calls are given to need neither CoInitializeEx nor its counterpart.
 */
function com(): Promise<Foreign> {
  starting ??= (async () => {
    if (process.platform !== 'win32') throw new NativeError('unavailable', 'WMI is a part of Windows.')
    const foreign = await loadForeign().catch((error: unknown) => {
      if (error instanceof NativeError) throw error
      throw new NativeError('unavailable', `slmctl has no native module for ${process.platform} on ${process.arch}.`)
    })
    const arena = foreign.arena(64)
    try {
      check(foreign.func('ole32.dll', 'CoIncrementMTAUsage', 'p').now(arena.room(8)), 'COM does not start')
    } finally {
      arena.free()
    }
    // RPC_C_AUTHN_LEVEL_DEFAULT, RPC_C_IMP_LEVEL_IMPERSONATE: providers act as whoever asks. RPC_E_TOO_LATE: others have done it.
    const security = foreign.func('ole32.dll', 'CoInitializeSecurity', 'puppuupup')
    const status = await security.aside(null, 0xffff_ffff, null, null, 0, 3, null, 0, null)
    const tooLate = 0x8001_0119
    if (status !== tooLate) check(status, 'COM does not take its security settings')
    return foreign
  })().catch((error: unknown) => {
    starting = undefined
    throw error
  })
  return starting
}

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
    return this.#scoped(4096 + 2 * namespace.length, async (scope) => {
      const { arena, foreign } = scope
      const locator = scope.cell({ remote: false })
      const create = foreign.func('ole32.dll', 'CoCreateInstance', 'ppupp')
      const created = await scope.aside(
        ...([limitMs, 'starting WMI', create, arena.bytes(locatorClass), null, inProcess] as const),
        ...[arena.bytes(locatorInterface), locator],
      )
      check(created, 'WMI does not start')
      const object = scope.object(locator)
      const services = scope.cell({ remote: true })
      const connect = foreign.method(object, locatorConnectServer, 'ppppuppp')
      const name = bstr(arena, namespace.replaceAll('/', '\\'))
      const status = await scope.aside(
        ...([limitMs, 'connecting to WMI', connect, object, name, null, null, null] as const),
        ...[useMaxWait, null, null, services],
      )
      check(status, `namespace ${namespace}`)
      this.#secure(scope.object(services))
      const kept = scope.keep(services)
      this.#services.set(id, kept)
      return kept
    })
  }

  /** Sealed calls in the caller's name. An object of this process has no proxy and needs none. */
  #secure(object: bigint): void {
    const [defaults, privacy, impersonate, principal] = [0xffff_ffff, 6, 3, 0xffff_ffff_ffff_ffffn]
    const blanket = this.#foreign.func('ole32.dll', 'CoSetProxyBlanket', 'puupuupu')
    const status = blanket.now(object, defaults, defaults, principal, privacy, impersonate, null, 0)
    const noInterface = 0x8000_4002
    if (status !== noInterface) check(status, 'the connection to WMI cannot be sealed')
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
      const [language, text] = [bstr(arena, 'WQL'), bstr(arena, wql)]
      check(await scope.aside(left(), 'the question', exec, services, language, text, flags, null, cursor), 'the question')
      const rows = scope.object(cursor)
      this.#secure(rows)
      return await this.#rows(scope, rows, left, bounds)
    })
  }

  async #rows(scope: Scope, cursor: bigint, left: () => number, bounds: WmiBounds): Promise<readonly NativeRow[]> {
    const { arena, foreign } = scope
    const next = foreign.method(cursor, enumNext, 'uupp')
    const cells = scope.cell({ remote: false }, batch)
    const returned = arena.room(4)
    const read = new RowReader(scope, { bytes: bounds.bytes })
    const rows: NativeRow[] = []
    for (;;) {
      const wait = Math.min(waitMs, left())
      if (wait <= 0) throw new WmiError('slow', 'rows')
      arena.at(returned).writeUInt32LE(0)
      const status = await scope.aside(wait + graceMs, 'rows', next, cursor, Math.ceil(wait), batch, cells, returned)
      check(status, 'rows')
      const count = Math.min(batch, arena.u32(returned))
      if (rows.length + count > bounds.rows) throw new WmiError('too-large', `over ${bounds.rows} rows`)
      for (let i = 0; i < count; i++) {
        const cell = cells + BigInt(8 * i)
        rows.push(read.row(scope.object(cell)))
        scope.drop(cell)
      }
      if (status === noMore || status === noMoreData) return rows
      if (status === someDenied) throw new WmiError('hresult', 'rows', accessDenied)
      // Any other success says that the answer is not whole.
      if (status !== 0 && status !== timedOut) throw new WmiError('hresult', 'a part of the rows is missing', status)
      // A service that says it goes on, and gives nothing without waiting for it, would keep this loop busy until its time is over.
      if (count === 0 && status === 0) throw new WmiError('hresult', 'rows without end', status)
    }
  }

  async invoke(call: Parameters<Wmi['invoke']>[0], bounds: WmiBounds): Promise<NativeRow> {
    const until = performance.now() + bounds.limitMs
    const services = await this.#connect(call.namespace, bounds.limitMs)
    return this.#scoped(65_536 + 2 * call.path.length, async (scope) => {
      const { arena, foreign } = scope
      const input = await this.#input(scope, services, call, until)
      const output = scope.cell({ remote: false })
      const exec = foreign.method(services, servicesExecMethod, 'ppupppp')
      const [path, method] = [bstr(arena, call.path), bstr(arena, call.method)]
      const left = until - performance.now()
      if (left <= 0) throw new WmiError('slow', 'the definition of the method')
      let status: number
      try {
        status = await scope.aside(left, 'the method', exec, services, path, method, 0, null, input, output, null)
      } catch (error) {
        throw new WmiError(error instanceof WmiError ? error.what : 'hresult', (error as Error).message, 0, true)
      }
      if (failed(status)) throw new WmiError('hresult', call.method, status, true)
      const object = arena.pointer(output)
      try {
        return object === null ? {} : new RowReader(scope, { bytes: bounds.bytes }).row(object)
      } catch (error) {
        throw new WmiError('hresult', (error as Error).message, error instanceof WmiError ? error.code : 0, true)
      }
    })
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
    const text = wideText(scope, call.method)
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
      const label = wideText(scope, parameter)
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
    for (const object of services) await this.#foreign.method(object, 2, '').aside(object)
  }
}

const wideText = ({ arena }: Scope, text: string): bigint => arena.bytes(Buffer.from(`${text}\0`, 'utf16le'))

/** Properties of objects, one after another; what COM allots for them is given back at once. */
class RowReader {
  readonly #scope: Scope
  readonly #allowance: Allowance
  readonly #name: bigint
  readonly #variant: bigint
  readonly #type: bigint

  constructor(scope: Scope, allowance: Allowance) {
    const { arena } = scope
    this.#scope = scope
    this.#allowance = allowance
    this.#name = arena.room(8)
    this.#variant = arena.room(variantSize)
    this.#type = arena.room(4)
  }

  row(object: bigint): NativeRow {
    const { foreign } = this.#scope
    check(foreign.method(object, Obj.beginEnumeration, 'u').now(object, nonSystemOnly), 'a row')
    try {
      const next = foreign.method(object, Obj.next, 'upppp')
      const row: Record<string, WmiText> = {}
      for (;;) {
        const status = next.now(object, 0, this.#name, this.#variant, this.#type, null)
        check(status, 'a row')
        if (status === noMoreData || status === noMore) return row
        this.#property(row)
      }
    } finally {
      foreign.method(object, Obj.endEnumeration, '').now(object)
    }
  }

  #property(row: Record<string, WmiText>): void {
    const { arena, foreign } = this.#scope
    const name = arena.pointer(this.#name)
    try {
      const spelled = name === null ? '' : readBstr(name, foreign.copy, this.#allowance)
      // System properties, and a property called __proto__, which would change the object instead of filling it.
      if (spelled === '' || spelled.startsWith('__')) return
      const value = readVariant(arena.at(this.#variant), arena.u32(this.#type), foreign.copy, this.#allowance)
      if (value !== undefined) row[spelled] = value
    } finally {
      foreign.func('oleaut32.dll', 'SysFreeString', 'p').now(name)
      foreign.func('oleaut32.dll', 'VariantClear', 'p').now(this.#variant)
      arena.at(this.#name).writeBigUInt64LE(0n)
    }
  }
}
