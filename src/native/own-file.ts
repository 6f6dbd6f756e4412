import { toNamespacedPath } from 'node:path'
import { NativeError } from './error.ts'
import { wide } from './foreign.ts'
import { here, ownFileDescriptor } from './windows.ts'

/** winnt.h, fileapi.h: GENERIC_WRITE; CREATE_NEW; FILE_ATTRIBUTE_NORMAL. Nobody else opens it meanwhile. */
const genericWrite = 0x4000_0000
const createNew = 1
const normal = 0x80
const invalidHandle = 0xffff_ffff_ffff_ffffn

/**
 * Writes a new file that from its first moment nobody may use but whoever runs the process, and the system, wherever it lies: what a
 * folder hands on to its files does not count. False where something of this name is there. What went through memory is wiped.
 */
export async function writeOwnFile(path: string, bytes: Uint8Array): Promise<boolean> {
  const foreign = await here()
  // As Node does it: longer than 260 characters, too.
  const whole = toNamespacedPath(path)
  const arena = foreign.arena(2 * whole.length + bytes.length + 16_384)
  const refused = (why: string) => new NativeError('refused', `The file ${path} could not be written: ${why}.`)
  let descriptor: bigint | null = null
  try {
    descriptor = ownFileDescriptor(foreign, arena)
    // SECURITY_ATTRIBUTES: length, descriptor, whether handles are inherited.
    const attributes = arena.room(24)
    arena.at(attributes).writeUInt32LE(24)
    arena.at(attributes).writeBigUInt64LE(descriptor, 8)
    const name = wide(arena, whole)
    const [content, written] = [arena.bytes(bytes), arena.room(4)]
    const handle = foreign
      .pointerFunc('kernel32.dll', 'CreateFileW', 'puupuup')
      .now(name, genericWrite, 0, attributes, createNew, normal, null)
    if (handle === invalidHandle) {
      const nothing = 0xffff_ffff
      if (foreign.func('kernel32.dll', 'GetFileAttributesW', 'p').now(name) !== nothing) return false
      throw refused('is its folder there, and may you write there?')
    }
    let done = false
    try {
      const wrote = foreign.func('kernel32.dll', 'WriteFile', 'ppupp').now(handle, content, bytes.length, written, null)
      done = wrote !== 0 && arena.u32(written) === bytes.length
      done &&= foreign.func('kernel32.dll', 'FlushFileBuffers', 'p').now(handle) !== 0
    } finally {
      foreign.func('kernel32.dll', 'CloseHandle', 'p').now(handle)
      // Half of it is none.
      if (!done) foreign.func('kernel32.dll', 'DeleteFileW', 'p').now(name)
    }
    if (!done) throw refused('is the disk full?')
    return true
  } finally {
    if (descriptor !== null) foreign.func('kernel32.dll', 'LocalFree', 'p').now(descriptor)
    arena.free()
  }
}
