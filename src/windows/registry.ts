import { type Argument, type Row, type Value, WsmanError } from '../protocol/wsman.ts'
import type { RegistryQuestion, RegistryValue } from './machine.ts'
import { TransportError } from './problems.ts'

/** HKEY_LOCAL_MACHINE, as StdRegProv writes it. */
const localMachine = 2147483650
/** winnt.h, REG_*: which method of StdRegProv reads it, and the output that has the value. */
const readers: ReadonlyMap<
  string,
  { readonly method: string; readonly output: string; readonly as: 'text' | 'number' | 'list' | 'bytes' }
> = new Map([
  ['1', { method: 'GetStringValue', output: 'sValue', as: 'text' }],
  ['2', { method: 'GetExpandedStringValue', output: 'sValue', as: 'text' }],
  ['3', { method: 'GetBinaryValue', output: 'uValue', as: 'bytes' }],
  ['4', { method: 'GetDWORDValue', output: 'uValue', as: 'number' }],
  ['7', { method: 'GetMultiStringValue', output: 'sValue', as: 'list' }],
  ['11', { method: 'GetQWORDValue', output: 'uValue', as: 'number' }],
])
/** More values than any key that is asked for. */
const mostValues = 500

type InvokeRead = (method: string, args: Readonly<Record<string, Argument>>) => Promise<Row>

/** Values of a key by name: their types are asked first, then each by the method of its type. Binary values are hex. */
export async function readRegistry(
  invoke: InvokeRead,
  question: RegistryQuestion,
): Promise<Readonly<Record<string, RegistryValue>> | null> {
  const where = { hDefKey: localMachine, sSubKeyName: question.key }
  const listed = await invoke('EnumValues', where)
  if (isMissing(listed)) return null
  const names = list(listed.sNames)
  const types = list(listed.Types)
  if (names.length !== types.length) throw new WsmanError('a registry key with more names than types')
  if (names.length > mostValues) throw new TransportError('WINRM_TOO_LARGE', `${names.length} registry values`, true)
  const wanted = question.values && new Set(question.values.map((name) => name.toLowerCase()))
  const values: Record<string, RegistryValue> = {}
  for (const [i, name] of names.entries()) {
    const reader = readers.get(types[i]!)
    if (!reader || name === '__proto__' || (wanted && !wanted.has(name.toLowerCase()))) continue
    const answer = await invoke(reader.method, { ...where, sValueName: name })
    // Gone since it was listed.
    if (isMissing(answer)) continue
    const value = answer[reader.output] ?? null
    if (value !== null) values[name] = read(value, reader.as)
    else if (reader.as === 'list') values[name] = []
    else if (reader.as === 'text') values[name] = ''
  }
  return values
}

function isMissing({ ReturnValue }: Row): boolean {
  if (ReturnValue === '0') return false
  // ERROR_FILE_NOT_FOUND; some versions give WBEM_E_NOT_FOUND.
  if (ReturnValue === '2' || ReturnValue === '2147749890' || ReturnValue === '-2147217406') return true
  if (ReturnValue === '5') throw new TransportError('WINRM_ACCESS_DENIED', 'registry', true)
  throw new TransportError(
    'WINRM_FAULT',
    `registry, ${typeof ReturnValue === 'string' ? ReturnValue.slice(0, 20) : 'no return value'}`,
    true,
  )
}

/** An array of one reads as a text. */
function list(value: Value | undefined): readonly string[] {
  if (value === undefined || value === null) return []
  return typeof value === 'string' ? [value] : value.map((one) => one ?? '')
}

function read(value: Exclude<Value, null>, as: 'text' | 'number' | 'list' | 'bytes'): RegistryValue {
  if (as === 'list') return list(value)
  if (as === 'bytes') return Buffer.from(list(value).map(Number)).toString('hex')
  const text = typeof value === 'string' ? value : (value[0] ?? '')
  const number = Number(text)
  return as === 'number' && Number.isSafeInteger(number) ? number : text
}
