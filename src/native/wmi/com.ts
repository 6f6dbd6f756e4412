import { NativeError } from '../error.ts'
import { type Foreign, loadForeign } from '../foreign.ts'
import { bstr } from './argument.ts'
import { check } from './error.ts'
import type { Scope } from './scope.ts'

/** CLSID_WbemLocator and IID_IWbemLocator as they stand in memory. */
const locatorClass = Buffer.from('11f890453a1dd011891f00aa004b2e24', 'hex')
const locatorInterface = Buffer.from('87a612dc7f73cf11884d00aa004b2e24', 'hex')
const inProcess = 1
/** IWbemLocator::ConnectServer, and its flag: it gives up after two minutes. */
const locatorConnectServer = 3
const useMaxWait = 0x80

let starting: Promise<Foreign> | undefined

/**
 * COM for this process, once: a multithreaded apartment that lives as long as the process. A thread that never entered an apartment
 * belongs to it, so that the threads that calls are given to need neither CoInitializeEx nor its counterpart.
 */
export function com(): Promise<Foreign> {
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

/** IWbemServices of a namespace, which is then the caller's. */
export async function connect(scope: Scope, namespace: string, limitMs: number): Promise<bigint> {
  const { arena, foreign } = scope
  const locator = scope.cell({ remote: false })
  const create = foreign.func('ole32.dll', 'CoCreateInstance', 'ppupp')
  const [wbemClass, wbemInterface] = [arena.bytes(locatorClass), arena.bytes(locatorInterface)]
  const created = await scope.aside(limitMs, 'starting WMI', create, wbemClass, null, inProcess, wbemInterface, locator)
  check(created, 'WMI does not start')
  const object = scope.object(locator)
  const services = scope.cell({ remote: true })
  const server = foreign.method(object, locatorConnectServer, 'ppppuppp')
  const what = `namespace ${namespace}`
  const name = bstr(arena, namespace)
  check(await scope.aside(limitMs, what, server, object, name, null, null, null, useMaxWait, null, null, services), what)
  seal(foreign, scope.object(services))
  return scope.keep(services)
}

/** Sealed calls in the caller's name. An object of this process has no proxy and needs none. */
export function seal(foreign: Foreign, object: bigint): void {
  const [defaults, privacy, impersonate, principal] = [0xffff_ffff, 6, 3, 0xffff_ffff_ffff_ffffn]
  const blanket = foreign.func('ole32.dll', 'CoSetProxyBlanket', 'puupuupu')
  const status = blanket.now(object, defaults, defaults, principal, privacy, impersonate, null, 0)
  const noInterface = 0x8000_4002
  if (status !== noInterface) check(status, 'the connection to WMI cannot be sealed')
}
