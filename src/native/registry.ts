import { NativeError } from './error.ts'
import { type Foreign, loadForeign, textOf, wide } from './foreign.ts'

/** winreg.h: HKEY_LOCAL_MACHINE as a handle of 64 bits; KEY_QUERY_VALUE in the view of 64-bit programs (KEY_WOW64_64KEY). */
const localMachine = 0xffff_ffff_8000_0002n
const queryValue = 0x1 | 0x100
/** winerror.h. */
const fileNotFound = 2
const pathNotFound = 3
const moreData = 234
const noMoreItems = 259
/** winnt.h, REG_*. */
const Types = { text: 1, expanded: 2, bytes: 3, number: 4, list: 7, long: 11 } as const
/** The name of a value has 16,383 characters at most (Windows, registry element size limits). */
const nameMax = 16_384
/** More values, and more bytes in one, than any key that is asked for. */
const valuesMax = 500
const bytesMax = 4 << 20

export type NativeRegistryValue = string | number | readonly string[]

/** What Windows refused; the code is its own (winerror.h), 234 where there is more than can be right. */
const failure = (code: number) => new NativeError('refused', `the registry says error ${code}`, code)

/**
 * Values of a key below HKEY_LOCAL_MACHINE by name, in the form that StdRegProv gives them: binary as hex, numbers as numbers (as
 * text where they are too large), variables expanded. Null where there is no such key. Other types, and bytes without any, are left out.
 */
export async function readRegistryKey(
  key: string,
  names: readonly string[] | undefined,
): Promise<Readonly<Record<string, NativeRegistryValue>> | null> {
  if (process.platform !== 'win32') throw new NativeError('unavailable', 'The registry is a part of Windows.')
  const foreign = await loadForeign()
  const arena = foreign.arena(2 * key.length + 64)
  const opened = arena.room(8)
  const status = foreign.func('advapi32.dll', 'RegOpenKeyExW', 'ppuup').now(localMachine, wide(arena, key), 0, queryValue, opened)
  const handle = arena.pointer(opened)
  arena.free()
  if (status === fileNotFound || status === pathNotFound) return null
  if (status !== 0 || handle === null) throw failure(status)
  try {
    const wanted = names && new Set(names.map((name) => name.toLowerCase()))
    const values: Record<string, NativeRegistryValue> = {}
    for (const name of namesOf(foreign, handle)) {
      if (name === '__proto__' || (wanted && !wanted.has(name.toLowerCase()))) continue
      const value = readValue(foreign, handle, name)
      if (value !== null) values[name] = value
    }
    return values
  } finally {
    foreign.func('advapi32.dll', 'RegCloseKey', 'p').now(handle)
  }
}

function namesOf(foreign: Foreign, key: bigint): readonly string[] {
  const enumerate = foreign.func('advapi32.dll', 'RegEnumValueW', 'pupppppp')
  const arena = foreign.arena(2 * nameMax + 64)
  try {
    const [name, length] = [arena.room(2 * nameMax), arena.room(4)]
    const names: string[] = []
    for (;;) {
      arena.at(length).writeUInt32LE(nameMax)
      const status = enumerate.now(key, names.length, name, length, null, null, null, null)
      if (status === noMoreItems) return names
      if (status !== 0) throw failure(status)
      if (names.length >= valuesMax) throw failure(moreData)
      names.push(
        arena
          .at(name)
          .subarray(0, 2 * arena.u32(length))
          .toString('utf16le'),
      )
    }
  } finally {
    arena.free()
  }
}

/** One value; null where it is gone since it was listed, or of a type that is not read. */
function readValue(foreign: Foreign, key: bigint, name: string): NativeRegistryValue | null {
  const query = foreign.func('advapi32.dll', 'RegQueryValueExW', 'pppppp')
  // It may grow between two looks.
  for (let room = 1024, tries = 0; tries < 4; tries++) {
    const arena = foreign.arena(room + 2 * name.length + 128)
    try {
      const [type, length, data] = [arena.room(4), arena.room(4), arena.room(room)]
      arena.at(length).writeUInt32LE(room)
      const status = query.now(key, wide(arena, name), null, type, data, length)
      if (status === fileNotFound) return null
      const size = arena.u32(length)
      if (size > bytesMax) throw failure(moreData)
      if (status === 0) return decode(foreign, arena.u32(type), Buffer.from(arena.at(data).subarray(0, size)))
      if (status !== moreData) throw failure(status)
      room = size + 1024
    } finally {
      arena.free()
    }
  }
  throw failure(moreData)
}

function decode(foreign: Foreign, type: number, data: Buffer): NativeRegistryValue | null {
  switch (type) {
    case Types.text:
      return string(data)
    case Types.expanded:
      return expanded(foreign, string(data))
    case Types.bytes:
      return data.length > 0 ? data.toString('hex') : null
    case Types.number:
      return data.length >= 4 ? data.readUInt32LE() : null
    case Types.long: {
      if (data.length < 8) return null
      const value = data.readBigUInt64LE()
      return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value)
    }
    case Types.list: {
      const end = data.length & ~1
      const text = data.subarray(0, end).toString('utf16le')
      const list = text.split('\0')
      // Ends with the first empty one: the terminator of the list.
      const last = list.indexOf('')
      return (last === -1 ? list : list.slice(0, last)).map((one) => one.toWellFormed())
    }
    default:
      return null
  }
}

/** A text that may lack its terminator, or have several: whoever wrote it decides (RegQueryValueExW, remarks). */
function string(data: Buffer): string {
  let end = data.length & ~1
  while (end >= 2 && data.readUInt16LE(end - 2) === 0) end -= 2
  return textOf(data.subarray(0, end))
}

/** ExpandEnvironmentStringsW, by this process's environment. */
function expanded(foreign: Foreign, text: string): string {
  if (!text.includes('%')) return text
  const expand = foreign.func('kernel32.dll', 'ExpandEnvironmentStringsW', 'ppu')
  const roomMax = 32_768
  const arena = foreign.arena(2 * text.length + 2 * roomMax + 64)
  try {
    const out = arena.room(2 * roomMax)
    const length = expand.now(wide(arena, text), out, roomMax)
    if (length === 0 || length > roomMax) return text
    return textOf(arena.at(out).subarray(0, 2 * (length - 1)))
  } finally {
    arena.free()
  }
}
