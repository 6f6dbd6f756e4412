import { randomUUID } from 'node:crypto'
import type { DecodedRequest, EncodableRow, EncodedItem, Fault, Response, Shape } from '../protocol/wsman.ts'
import { encodeItem, encodeResponse, resourceUri } from '../protocol/wsman.ts'
import type { Cell, ClassAt, Instance } from './classes.ts'
import type { Maks } from './licensing.ts'
import type { Machine } from './machine.ts'
import { callProduct, callService, heldByProduct, heldByService, ParameterError, readArguments } from './methods.ts'
import { askRegistry } from './registry.ts'
import { codeOf, type ResultId } from './results.ts'
import { classOf, instances, type Now, productById, query } from './store.ts'
import { WqlError } from './wql.ts'

/**
 * How a licensing method that fails looks over WS-Man is not recorded anywhere that was read (design, winrm.md): as its return
 * value, as a fault of WMI, or as a fault of WS-Man around the provider's. A lab machine does one of the three.
 */
export type MethodFailure = 'return-value' | 'wmi-error' | 'wsman-fault'
/** Older Windows answers WMI's own faults inside f:WSManFault, newer as p:MSFT_WmiError. */
export type FaultForm = 'wsman' | 'wmi'

/** One method call as the machine received it. A product key is shown by its last five characters. */
export type CallRecord = {
  readonly class: string
  readonly method: string
  readonly key: Readonly<Record<string, string>>
  readonly arguments: Readonly<Record<string, string | number | boolean | null>>
  readonly minute: number
  /** Whether the machine carried it out, and what came of it; null where it was not carried out. */
  readonly result: number | null
  /** What it was to bring about held already: the call was superfluous. */
  readonly held: boolean
}

type Open = { readonly items: readonly EncodedItem[]; readonly shape: Shape; at: number; readonly resource: string }

/** What a machine needs to answer WS-Man: its state, and what it remembers between requests. */
export type Responder = {
  readonly machine: Machine
  readonly methodFailure: MethodFailure
  readonly faultForm: FaultForm
  readonly calls: CallRecord[]
  readonly contexts: Map<string, Open>
  readonly encoded: Map<string, { readonly stamp: string; readonly items: readonly EncodedItem[]; readonly shape: Shape }>
}

/** Contexts that a client may leave open; Windows has a quota too (MaxEnumerationContexts per shell and user). */
const mostContexts = 100
/** Windows' own limit of an envelope where a client names none, in bytes: 500 kB, 150 kB up to 2008 R2 (winrm.md). */
const usualEnvelope = (build: number) => (build <= 7601 ? 153_600 : 512_000)
const overhead = 2500

const wsmanFault = (code: number, message: string, provider?: Fault['provider']): Fault => ({
  form: 'wsman',
  code,
  message,
  ...(provider ? { provider } : {}),
})

/** A fault of WMI in the machine's own form. */
function wmiFault(r: Responder, code: number, outer: number, message: string, operation: string): Fault {
  if (r.faultForm === 'wmi') return { form: 'wmi', code, message }
  return wsmanFault(outer, message, { code, message, operation, statusCode: code })
}

const classNotFoundByQuery = 0x8033801a
const notFound = 0x80338000
const badSelectors = 0x8033805a
const unexpectedSelectors = 0x8033805b
const envelopeTooSmall = 0x80338048
const invalidContext = 0x80338003
const unsupportedAction = 0x80338002
const wmiFailed = 0x80041001
const invalidClass = 0x80041010
const invalidMethod = 0x8004102e
const invalidParameters = 0x8004102f
const wbemNotFound = 0x80041002

/** Answers a request that has passed the door. Everything that a client may have got wrong is a fault, never an exception. */
export function answer(r: Responder, request: DecodedRequest, now: Now, maks: Maks): Buffer {
  return encodeResponse(respond(r, request, now, maks))
}

function respond(r: Responder, request: DecodedRequest, now: Now, maks: Maks): Response {
  if (request.action === 'Identify') return identify(r)
  const relatesTo = request.messageId
  const fault = (f: Fault): Response => ({ relatesTo, action: 'Fault', ...f })
  const namespace = request.namespace ?? 'root/cimv2'
  switch (request.action) {
    case 'Enumerate': {
      if (request.otherDialect !== null)
        return fault({ ...wsmanFault(0x80338040, 'The filter dialect is not supported.'), subcode: 'n:FilterDialectRequestedUnavailable' })
      if (request.class === null) return fault(wsmanFault(notFound, 'The resource URI names no class.'))
      const wql = request.wql ?? (request.class === '*' ? null : `SELECT * FROM ${request.class}`)
      if (wql === null) return fault(wsmanFault(classNotFoundByQuery, 'A query is needed to enumerate several classes.'))
      let found: { items: readonly EncodedItem[]; shape: Shape } | null
      try {
        found = encodedItems(r, namespace, wql, now)
      } catch (error) {
        if (!(error instanceof WqlError)) throw error
        return fault(wmiFault(r, error.code, wmiFailed, error.message, 'ExecQuery'))
      }
      if (found === null)
        return fault(wmiFault(r, invalidClass, classNotFoundByQuery, 'The class does not exist in the namespace.', 'ExecQuery'))
      const open: Open = { ...found, at: 0, resource: request.resourceUri }
      if (!request.optimize)
        return { relatesTo, action: 'EnumerateResponse', shape: found.shape, items: [], context: keep(r, open), end: false }
      return page(r, open, request.maxElements, request.maxEnvelopeSize, relatesTo, 'EnumerateResponse')
    }
    case 'Pull': {
      const open = r.contexts.get(request.context)
      if (!open)
        return fault({ ...wsmanFault(invalidContext, 'The enumeration context is not known.'), subcode: 'n:InvalidEnumerationContext' })
      // Every answer has a new context; the old one is used up.
      r.contexts.delete(request.context)
      return page(r, open, request.maxElements, request.maxEnvelopeSize, relatesTo, 'PullResponse')
    }
    case 'Release':
      if (!r.contexts.delete(request.context))
        return fault({ ...wsmanFault(invalidContext, 'The enumeration context is not known.'), subcode: 'n:InvalidEnumerationContext' })
      return { relatesTo, action: 'ReleaseResponse' }
    case 'Get': {
      const found = request.class === null ? null : classOf(r.machine, namespace, request.class)
      if (!found) return fault(wmiFault(r, invalidClass, notFound, 'The class does not exist in the namespace.', 'GetObject'))
      const row = select(r.machine, found, request.selectors, now)
      if (row === 'selectors') return fault(wsmanFault(badSelectors, 'The selectors are not the keys of the class.'))
      if (row === null) return fault(wmiFault(r, wbemNotFound, notFound, 'There is no such instance.', 'GetObject'))
      return { relatesTo, action: 'GetResponse', shape: { class: found.name, namespace }, row: row as EncodableRow }
    }
    case 'Invoke':
      return invoke(r, request, namespace, now, maks)
    case 'Other':
      return fault({ ...wsmanFault(unsupportedAction, 'The action is not supported by this service.'), subcode: 'a:ActionNotSupported' })
  }
}

export function identify(r: Responder): Response {
  const { system } = r.machine
  return {
    relatesTo: '',
    action: 'IdentifyResponse',
    vendor: 'Microsoft Corporation',
    version: `OS: ${system.version} SP: ${system.build === 7601 ? '1.0' : '0.0'} Stack: ${system.build === 7601 ? '2.0' : '3.0'}`,
  }
}

/** Items of a query as they stand on the wire, kept until the state or the clock's second changes. */
function encodedItems(r: Responder, namespace: string, wql: string, now: Now): { items: readonly EncodedItem[]; shape: Shape } | null {
  const id = `${namespace.toLowerCase()} ${wql}`
  const stamp = `${r.machine.version}/${r.machine.clockMinutes}${/win32_operatingsystem|trustedtime|\*/i.test(wql) ? `/${Math.floor(now.clockMs / 1000)}` : ''}`
  const known = r.encoded.get(id)
  if (known?.stamp === stamp) return known
  const result = query(r.machine, namespace, wql, now)
  if (!result) return null
  const shape: Shape = result.wql.columns === null ? { class: result.found.name, namespace } : 'fragment'
  const made = { stamp, shape, items: result.rows.map((row) => encodeItem(shape, row as EncodableRow)) }
  if (r.encoded.size >= 24) r.encoded.delete(r.encoded.keys().next().value!)
  r.encoded.set(id, made)
  return made
}

function keep(r: Responder, open: Open): string {
  const id = randomUUID().toUpperCase()
  // The oldest goes: a client that forgets its contexts cannot fill the machine.
  if (r.contexts.size >= mostContexts) r.contexts.delete(r.contexts.keys().next().value!)
  r.contexts.set(id, open)
  return id
}

/** As many items as the client asks for and its envelope holds; DSP0226: one where it asks for none. */
function page(
  r: Responder,
  open: Open,
  most: number | null,
  envelope: number | null,
  relatesTo: string,
  action: 'EnumerateResponse' | 'PullResponse',
): Response {
  const room = Math.min(envelope ?? usualEnvelope(r.machine.system.build), usualEnvelope(r.machine.system.build)) - overhead
  const items: EncodedItem[] = []
  let bytes = 0
  while (open.at < open.items.length && items.length < (most ?? 1)) {
    const item = open.items[open.at]!
    const size = Buffer.byteLength(item.xml)
    if (bytes + size > room) {
      if (items.length === 0)
        return { relatesTo, action: 'Fault', ...wsmanFault(envelopeTooSmall, 'An item is larger than the largest envelope.') }
      break
    }
    bytes += size
    items.push(item)
    open.at++
  }
  const end = open.at >= open.items.length
  return { relatesTo, action, shape: open.shape, items, context: end ? null : keep(r, open), end }
}

/** The instance that selectors name: all keys and nothing else, names and values without regard to case. */
function select(machine: Machine, found: ClassAt, selectors: Readonly<Record<string, string>>, now: Now): Instance | null | 'selectors' {
  const given = new Map(
    Object.entries(selectors)
      .filter(([n]) => n.toLowerCase() !== '__cimnamespace')
      .map(([n, v]) => [n.toLowerCase(), v]),
  )
  const keys = [...found.properties.values()].filter((p) => p.key)
  // Classes with one instance by their nature (Singleton) are asked for without keys.
  const rows = instances(machine, found, now)
  if (given.size === 0 && rows.length === 1 && /^win32_(operatingsystem|computersystem)$/i.test(found.name)) return rows[0]!
  if (given.size === 0 || [...given.keys()].some((n) => !keys.some((k) => k.name.toLowerCase() === n))) return 'selectors'
  if (keys.some((k) => !given.has(k.name.toLowerCase()))) return 'selectors'
  return rows.find((row) => keys.every((k) => String(row[k.name]).toLowerCase() === given.get(k.name.toLowerCase())!.toLowerCase())) ?? null
}

type Call = Extract<DecodedRequest, { action: 'Invoke' }>

function invoke(r: Responder, request: Call, namespace: string, now: Now, maks: Maks): Response {
  const relatesTo = request.messageId
  const fault = (f: Fault): Response => ({ relatesTo, action: 'Fault', ...f })
  const { machine } = r
  const record = (result: number, held: boolean, input: Readonly<Record<string, Cell>>) => {
    const shown = Object.fromEntries(
      Object.entries(input).map(([n, v]) => [n, n === 'ProductKey' ? `…${String(v).slice(-5)}` : (v as string | number | boolean | null)]),
    )
    r.calls.push({ class: found!.name, method: method!.name, key: request.selectors, arguments: shown, minute: now.minute, result, held })
  }
  const found = request.class === null ? null : classOf(machine, namespace, request.class)
  if (!found) return fault(wmiFault(r, invalidClass, notFound, 'The class does not exist in the namespace.', 'ExecMethod'))
  const method = found.methods.get(request.method.toLowerCase())
  if (!method) return fault(wmiFault(r, invalidMethod, wmiFailed, `The class has no method ${request.method}.`, 'ExecMethod'))
  let input: Record<string, Cell>
  try {
    input = readArguments(method, request.arguments)
  } catch (error) {
    if (!(error instanceof ParameterError)) throw error
    return fault(wmiFault(r, invalidParameters, wmiFailed, error.message, 'ExecMethod'))
  }
  const output = (out: EncodableRow): Response => ({
    relatesTo,
    action: 'InvokeResponse',
    resourceUri: resourceUri(namespace, found.name),
    method: method.name,
    out,
  })
  if (method.static) {
    const out = askRegistry(machine, method.name, input)
    return output(out as EncodableRow)
  }
  const instance = select(machine, found, request.selectors, now)
  if (instance === 'selectors')
    return fault(
      wsmanFault(
        Object.keys(request.selectors).length === 0 ? badSelectors : unexpectedSelectors,
        'The selectors are not the keys of the class.',
      ),
    )
  if (instance === null) return fault(wmiFault(r, wbemNotFound, notFound, 'There is no such instance.', 'ExecMethod'))
  const office = /^office/i.test(found.name)
  let result: ResultId
  let held: boolean
  if (/service$/i.test(found.name)) {
    const service = office ? machine.officeService! : machine.service
    held = heldByService(machine, service, office, method, input)
    result = callService(machine, service, office, method, input, now.minute, maks)
  } else {
    const product = productById(machine, String(instance.ID), office)!
    held = heldByProduct(machine, product, method, input)
    result = callProduct(machine, product, method, input, now.minute, maks)
  }
  const code = codeOf(result)
  record(code, held, input)
  if (code === 0 || r.methodFailure === 'return-value') return output({ ReturnValue: code })
  const message = `The licensing service answered 0x${code.toString(16).toUpperCase()}.`
  if (r.methodFailure === 'wmi-error') return fault({ form: 'wmi', code, message })
  return fault(wsmanFault(wmiFailed, message, { code, message, operation: 'ExecMethod', statusCode: code }))
}
