import { ProblemError } from '../../model.ts'
import { NativeError, WmiError } from '../../native.ts'
import { hex, type ProblemCode, trouble } from '../problems.ts'

/** HRESULTs of COM and WMI by what they mean for whoever asks (wbemcli.h, winerror.h). */
const codes: readonly (readonly [code: ProblemCode, hresults: readonly number[]])[] = [
  [
    'LOCAL_WMI_UNAVAILABLE',
    [
      // CRITICAL_ERROR, INITIALIZATION_FAILURE, TRANSPORT_FAILURE, SHUTTING_DOWN.
      ...[0x8004100a, 0x80041014, 0x80041015, 0x80041033],
      // RPC: server unavailable, call failed, and did not execute; disconnected; unknown interface, no endpoint.
      ...[0x800706ba, 0x800706be, 0x800706bf, 0x80010108, 0x800706b5, 0x800706d9],
      // The service is disabled or does not start; its class or its server is missing; Windows shuts down; an object's server is gone.
      ...[0x80070422, 0x8007041d, 0x80040154, 0x80080005, 0x8007045b, 0x800401fd],
    ],
  ],
  // ACCESS_DENIED and PRIVILEGE_NOT_HELD, of WMI and of Windows.
  ['LOCAL_ACCESS_DENIED', [0x80041003, 0x80070005, 0x80041062, 0x80070522]],
  // PROVIDER_FAILURE, _NOT_FOUND, INVALID_PROVIDER_REGISTRATION, _LOAD_FAILURE, _SUSPENDED, _NOT_REGISTERED, _DISABLED.
  ['LOCAL_PROVIDER', [0x80041004, 0x80041011, 0x80041012, 0x80041013, 0x80041081, 0x80041085, 0x8004108a]],
  // SERVER_TOO_BUSY, TIMED_OUT, PROVIDER_TIMED_OUT, CALL_CANCELLED; RPC_S_SERVER_TOO_BUSY.
  ['LOCAL_SLOW', [0x80041045, 0x80041069, 0x80041088, 0x80041032, 0x800706bb]],
  // NOT_FOUND, INVALID_NAMESPACE, INVALID_CLASS, INVALID_METHOD, INVALID_METHOD_PARAMETERS, METHOD_NOT_IMPLEMENTED.
  ['LOCAL_NOT_FOUND', [0x80041002, 0x8004100e, 0x80041010, 0x8004102e, 0x8004102f, 0x80041055]],
]
const byHresult = new Map(codes.flatMap(([code, hresults]) => hresults.map((hresult) => [hresult, code] as const)))

/** NOT_FOUND, INVALID_NAMESPACE, INVALID_CLASS. */
const absent: ReadonlySet<number> = new Set([0x80041002, 0x8004100e, 0x80041010])
/** INVALID_QUERY, which a property that this Windows lacks gives as well. */
const invalidQuery = 0x80041017
/** The answer is lost: WMI or the provider went away, or the time was over, after the method was begun. */
const lost: ReadonlySet<number> = new Set([
  ...[0x800706ba, 0x800706be, 0x800706bf, 0x80010108, 0x80010105, 0x80010007, 0x80010012],
  ...[0x80041015, 0x80041033, 0x80041069, 0x80041088, 0x80041032],
])
/** The connection is gone; another may be had, where a read is asked again. */
const broken: ReadonlySet<number> = new Set([0x800706ba, 0x800706be, 0x800706bf, 0x80010108, 0x80041015, 0x80041033])

const says = (codes: ReadonlySet<number>) => (error: unknown) => error instanceof WmiError && codes.has(error.code)
export const isAbsent = says(absent)
export const isRefused = (error: unknown) => error instanceof WmiError && error.code === invalidQuery
export const isBroken = (error: unknown) => says(broken)(error) && !(error as WmiError).begun

/** What became of a method that was begun: its own HRESULT as its return value, a lost answer, or neither: WMI did not reach it. */
export function methodOutcome(error: WmiError): { readonly returnValue: number } | 'lost' | 'refused' {
  if (!error.begun) return 'refused'
  if (error.what !== 'hresult' || error.code === 0 || lost.has(error.code)) return 'lost'
  // Those of WMI itself (0x80041xxx), of RPC (facility 1), and what has a Problem of its own are no method's.
  const facility = (error.code >>> 16) & 0x1fff
  if (error.code < 0x8000_0000 || error.code >>> 12 === 0x80041 || facility === 1) return 'refused'
  return byHresult.has(error.code) ? 'refused' : { returnValue: error.code }
}

/** Any failure of the rooms below as a Problem. What is none of theirs passes through: it is a mistake of ours. */
export function asLocalProblem(error: unknown, machine: string): unknown {
  if (error instanceof WmiError) {
    const detail = [error.code === 0 ? '' : hex(error.code), error.message].filter(Boolean).join(', ')
    if (error.what === 'slow') return trouble('LOCAL_SLOW', machine, detail)
    if (error.what === 'too-large') return trouble('LOCAL_TOO_LARGE', machine, detail)
    return trouble(byHresult.get(error.code) ?? 'LOCAL_FAULT', machine, detail)
  }
  // What the single file refuses to load (native/unpack.ts) is told as it is.
  if (error instanceof ProblemError) return error
  if (error instanceof NativeError) {
    if (error.reason === 'unavailable') return trouble('LOCAL_MODULE', machine, error.message)
    const [denied, more] = [5, 234]
    const code = error.code === denied ? 'LOCAL_ACCESS_DENIED' : error.code === more ? 'LOCAL_TOO_LARGE' : 'LOCAL_FAULT'
    return trouble(code, machine, error.message)
  }
  return error
}
