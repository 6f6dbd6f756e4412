/**
 * What unpacking asks of Windows, by `node:ffi`: it must work before koffi is there. node:ffi is experimental, but the single file
 * brings its own Node. It calls on the main thread only, so koffi stays for all that may wait (COM, logons).
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { NativeError } from './error.ts'
import type { Files, Held, Kind } from './unpack.ts'

const wide = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le')
const invalidHandle = 0xffff_ffff_ffff_ffffn

/** fileapi.h, winnt.h, winerror.h, libloaderapi.h. */
const genericRead = 0x8000_0000
const shareRead = 1
const openExisting = 3
const openReparsePoint = 0x20_0000
const attribute = { directory: 0x10, device: 0x40, reparsePoint: 0x400 } as const
const invalidAttributes = 0xffff_ffff
const moveWriteThrough = 8
const code = { fileNotFound: 2, pathNotFound: 3, accessDenied: 5, sharingViolation: 32, fileExists: 80, alreadyExists: 183 } as const
const searchSystem32 = 0x800
const tokenQuery = 8
const tokenElevation = 20

/** FOLDERID_ProgramFiles (of this process's own kind) and FOLDERID_LocalAppData, as the GUIDs lie in memory. */
const folderIds = { programFiles: 'b6635e90bfc14e49b29c65b732d3d21a', localAppData: '8527b3f1ba6fcf4f9d557b8e7f157091' } as const

/**
 * Windows' own folder: the single file has asked for it before it did anything else (scripts/build-exe/main.ts). Never an environment
 * variable. Without it kernel32.dll is asked, which is loaded since Node started.
 */
function systemDirectory(ffi: typeof import('node:ffi')): string {
  const known = (globalThis as Record<symbol, unknown>)[Symbol.for('slmctl.systemDirectory')]
  if (typeof known === 'string') return known
  const { GetSystemDirectoryW } = ffi.dlopen('kernel32.dll', {
    GetSystemDirectoryW: { arguments: ['buffer', 'u32'], return: 'u32' },
  }).functions
  const room = Buffer.alloc(1024)
  const length = GetSystemDirectoryW(room, room.length / 2)
  if (length === 0) throw new NativeError('unavailable', 'Windows does not say where its own folder is.')
  return room.toString('utf16le', 0, 2 * length)
}

function functions() {
  const ffi = process.getBuiltinModule('node:ffi')
  const system = systemDirectory(ffi)
  const kernel32 = ffi.dlopen(`${system}\\kernel32.dll`, {
    CloseHandle: { arguments: ['pointer'], return: 'i32' },
    CreateFileW: { arguments: ['buffer', 'u32', 'u32', 'pointer', 'u32', 'u32', 'pointer'], return: 'pointer' },
    GetCurrentProcess: { arguments: [], return: 'pointer' },
    GetFileAttributesW: { arguments: ['buffer'], return: 'u32' },
    GetFileInformationByHandle: { arguments: ['pointer', 'buffer'], return: 'i32' },
    GetLastError: { arguments: [], return: 'u32' },
    LoadLibraryExW: { arguments: ['buffer', 'pointer', 'u32'], return: 'pointer' },
    MoveFileExW: { arguments: ['buffer', 'buffer', 'u32'], return: 'i32' },
    ReadFile: { arguments: ['pointer', 'buffer', 'u32', 'buffer', 'pointer'], return: 'i32' },
  }).functions
  const advapi32 = ffi.dlopen(`${system}\\advapi32.dll`, {
    GetTokenInformation: { arguments: ['pointer', 'i32', 'buffer', 'u32', 'buffer'], return: 'i32' },
    OpenProcessToken: { arguments: ['pointer', 'u32', 'buffer'], return: 'i32' },
  }).functions
  const shell32 = ffi.dlopen(`${system}\\shell32.dll`, {
    SHGetKnownFolderPath: { arguments: ['buffer', 'u32', 'pointer', 'buffer'], return: 'i32' },
  }).functions
  const ole32 = ffi.dlopen(`${system}\\ole32.dll`, { CoTaskMemFree: { arguments: ['pointer'], return: 'void' } }).functions
  return { ...kernel32, ...advapi32, ...shell32, ...ole32, getUint16: ffi.getUint16 }
}

export type Windows = Files & {
  /** Whether the process has an administrator's rights now (TokenElevation). */
  readonly elevated: () => boolean
  /** A folder as Windows knows it: environment variables are not asked, since whoever starts the process sets them. */
  readonly folder: (which: keyof typeof folderIds) => string
  /** Loads a library whose own libraries come from System32, not from the folder that it is in. */
  readonly loadLibrary: (path: string) => void
}

export function windows(): Windows {
  const w = functions()
  const mustWork = (worked: boolean, what: string) => {
    if (!worked) throw new NativeError('unavailable', `Windows does not say ${what} (error ${w.GetLastError()}).`)
  }

  function elevated(): boolean {
    const [token, told, length] = [Buffer.alloc(8), Buffer.alloc(4), Buffer.alloc(4)]
    mustWork(w.OpenProcessToken(w.GetCurrentProcess(), tokenQuery, token) !== 0, 'what rights this process has')
    try {
      mustWork(w.GetTokenInformation(token.readBigUInt64LE(), tokenElevation, told, 4, length) !== 0, 'what rights this process has')
    } finally {
      w.CloseHandle(token.readBigUInt64LE())
    }
    return told.readUInt32LE() !== 0
  }

  function folder(which: keyof typeof folderIds): string {
    const answer = Buffer.alloc(8)
    const status = w.SHGetKnownFolderPath(Buffer.from(folderIds[which], 'hex'), 0, 0n, answer)
    const address = answer.readBigUInt64LE()
    try {
      mustWork(status === 0 && address !== 0n, `where its folder ${which} is`)
      const units: number[] = []
      for (let unit = w.getUint16(address, 0); unit !== 0; unit = w.getUint16(address, 2 * units.length)) units.push(unit)
      return String.fromCharCode(...units)
    } finally {
      w.CoTaskMemFree(address)
    }
  }

  function kind(path: string): Kind {
    const attributes = w.GetFileAttributesW(wide(path))
    if (attributes === invalidAttributes) {
      const why = w.GetLastError()
      if (why === code.fileNotFound || why === code.pathNotFound) return 'nothing'
      throw Object.assign(new Error(`error ${why}`), { code: `error ${why}` })
    }
    if (attributes & attribute.reparsePoint) return 'leads-elsewhere'
    return attributes & attribute.directory ? 'folder' : 'file'
  }

  function hold(path: string): ReturnType<Files['hold']> {
    // Others may read (the loader does), and neither write nor delete nor rename while this is open.
    const handle = w.CreateFileW(wide(path), genericRead, shareRead, 0n, openExisting, openReparsePoint, 0n)
    if (handle === invalidHandle) {
      const why = w.GetLastError()
      if (why === code.fileNotFound || why === code.pathNotFound) return null
      // A folder cannot be opened like this: access denied. A file that we may not read is none of ours, either.
      return why === code.sharingViolation ? 'busy' : 'no-file'
    }
    const letGo = () => void w.CloseHandle(handle)
    // BY_HANDLE_FILE_INFORMATION: attributes first; size in two halves at 32 and 36.
    const information = Buffer.alloc(52)
    const { directory, device, reparsePoint } = attribute
    if (w.GetFileInformationByHandle(handle, information) === 0 || information.readUInt32LE() & (directory | device | reparsePoint)) {
      letGo()
      return 'no-file'
    }
    return { bytes: () => contents(handle, information), letGo } satisfies Held
  }

  function contents(handle: bigint, information: Buffer): Buffer {
    const [high, size, count] = [information.readUInt32LE(32), information.readUInt32LE(36), Buffer.alloc(4)]
    // Whatever is that large is not ours; an empty answer equals nothing.
    if (high !== 0 || size > 0x1000_0000) return Buffer.alloc(0)
    const bytes = Buffer.alloc(size)
    for (let done = 0; done < size; done += count.readUInt32LE()) {
      const read = w.ReadFile(handle, bytes.subarray(done), size - done, count, 0n)
      if (read === 0 || count.readUInt32LE() === 0) return Buffer.alloc(0)
    }
    return bytes
  }

  return {
    elevated,
    folder,
    kind,
    hold,
    makeFolder: (path) => {
      try {
        mkdirSync(path)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
    },
    writeBeside: (path, bytes) => {
      const beside = `${path}.${randomBytes(8).toString('hex')}.new`
      const file = openSync(beside, 'wx')
      try {
        for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
        fsyncSync(file)
      } catch (error) {
        closeSync(file)
        unlinkSync(beside)
        throw error
      }
      closeSync(file)
      return beside
    },
    name: (from, to) => {
      // Without MOVEFILE_REPLACE_EXISTING: what is there stays.
      if (w.MoveFileExW(wide(from), wide(to), moveWriteThrough) !== 0) return true
      const why = w.GetLastError()
      if (why === code.alreadyExists || why === code.fileExists || why === code.accessDenied || why === code.sharingViolation) return false
      throw Object.assign(new Error(`error ${why}`), { code: `error ${why}` })
    },
    remove: (path) => {
      try {
        unlinkSync(path)
      } catch {
        // It is ours alone and does no harm.
      }
    },
    pause: (milliseconds) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds),
    loadLibrary: (path) => {
      // It stays loaded: process.dlopen then takes it as it is.
      if (w.LoadLibraryExW(wide(path), 0n, searchSystem32) === 0n)
        throw new NativeError('unavailable', `Windows does not load ${path} (error ${w.GetLastError()}).`)
    },
  }
}
