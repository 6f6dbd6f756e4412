/**
 * What Windows itself is asked besides WMI: who the process is, what the computer is called, folders that others may not write.
 */
import { readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { NativeError } from './error.ts'
import { type Foreign, loadForeign, wide } from './foreign.ts'
import type { Arena } from './memory.ts'

/** Foreign functions, on Windows only. */
export async function here(): Promise<Foreign> {
  if (process.platform !== 'win32') throw new NativeError('unavailable', 'This is a part of Windows.')
  try {
    return await loadForeign()
  } catch (error) {
    if (error instanceof NativeError) throw error
    throw new NativeError('unavailable', `slmctl has no native module for ${process.platform} on ${process.arch}.`)
  }
}

/** GetCurrentProcess: a handle that needs no closing. */
const thisProcess = 0xffff_ffff_ffff_ffffn
const invalidHandle = 0xffff_ffff_ffff_ffffn
/** winnt.h: TOKEN_QUERY; TOKEN_INFORMATION_CLASS. */
const tokenQuery = 8
const tokenUser = 1
const tokenElevation = 20

/** What the process's token says: one of its classes of information. */
function tokenInformation(foreign: Foreign, arena: Arena, information: number, size: number): bigint {
  const token = arena.room(8)
  if (foreign.func('advapi32.dll', 'OpenProcessToken', 'pup').now(thisProcess, tokenQuery, token) === 0)
    throw new NativeError('refused', 'Windows does not tell what rights this process has.')
  const handle = arena.pointer(token)
  try {
    const answer = arena.room(size)
    const told = foreign.func('advapi32.dll', 'GetTokenInformation', 'pupup').now(handle, information, answer, size, arena.room(4))
    if (told === 0) throw new NativeError('refused', 'Windows does not tell what rights this process has.')
    return answer
  } finally {
    foreign.func('kernel32.dll', 'CloseHandle', 'p').now(handle)
  }
}

/** Whether the process has an administrator's rights now (TokenElevation). */
export async function isElevated(): Promise<boolean> {
  const foreign = await here()
  const arena = foreign.arena(1024)
  try {
    return arena.u32(tokenInformation(foreign, arena, tokenElevation, 4)) !== 0
  } finally {
    arena.free()
  }
}

/** The security identifier of whoever runs the process. */
export async function ownIdentifier(): Promise<string> {
  const foreign = await here()
  const arena = foreign.arena(1024)
  try {
    return ownSid(foreign, arena)
  } finally {
    arena.free()
  }
}

/** COMPUTER_NAME_FORMAT: ComputerNameDnsFullyQualified. A DNS name has 255 characters at most. */
const fullyQualified = 3
const nameMax = 512

/** The computer's full DNS name, or its short one where it has no suffix (GetComputerNameExW). */
export async function computerName(): Promise<string> {
  const foreign = await here()
  const arena = foreign.arena(4096)
  try {
    const name = arena.room(2 * nameMax)
    const length = arena.room(4)
    arena.at(length).writeUInt32LE(nameMax)
    if (foreign.func('kernel32.dll', 'GetComputerNameExW', 'upp').now(fullyQualified, name, length) === 0)
      throw new NativeError('refused', 'Windows does not tell the name of this computer.')
    return arena
      .at(name)
      .subarray(0, 2 * arena.u32(length))
      .toString('utf16le')
  } finally {
    arena.free()
  }
}

/** Who may use a folder that slmctl makes: everybody may read and administrators write; administrators only; its owner only. */
export type FolderFor = 'administrators-write' | 'administrators-only' | 'owner-only'

/**
 * Security descriptors in SDDL ([MS-DTYP] 2.5.1): owner, and an access list that takes nothing from the folder above and is
 * handed on to what is made inside. BA administrators, SY the system, BU users; FA everything, 0x1200a9 read and execute.
 */
const descriptors: Readonly<Record<FolderFor, (owner: string) => string>> = {
  'administrators-write': () => 'O:BAD:P(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;BU)',
  'administrators-only': () => 'O:BAD:P(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)',
  'owner-only': (owner) => `O:${owner}D:P(A;OICI;FA;;;${owner})(A;OICI;FA;;;SY)`,
}
/** Whose folder may be taken as it stands, besides one's own: of administrators, the system, TrustedInstaller. */
const trustedOwners: readonly string[] = ['S-1-5-32-544', 'S-1-5-18', 'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464']

/**
 * Makes a folder, or takes one that is there into the same protection: owner and access list are set, nothing is inherited. A
 * folder that somebody else owns may hold what they put there, and they may have kept a handle: it is made anew where it is empty,
 * and refused where it is not. So is a link. The folder above must be there.
 */
export async function secureFolder(path: string, who: FolderFor): Promise<void> {
  const foreign = await here()
  const arena = foreign.arena(2 * path.length + 16_384)
  let descriptor: bigint | null = null
  try {
    const owner = ownSid(foreign, arena)
    descriptor = descriptorOf(foreign, arena, descriptors[who](owner))
    if (make(foreign, arena, path, descriptor)) return
    if (takeOver(foreign, arena, path, descriptor, [owner, ...trustedOwners])) return
    // Fails where it is not empty, or where somebody keeps it open.
    if (readdirSync(path).length > 0) throw refused(path, 'it belongs to somebody else and is not empty')
    rmdirSync(path)
    if (!make(foreign, arena, path, descriptor)) throw refused(path, 'it belongs to somebody else')
  } catch (error) {
    if (error instanceof NativeError) throw error
    throw refused(path, (error as NodeJS.ErrnoException).code ?? (error as Error).message)
  } finally {
    if (descriptor !== null) foreign.func('kernel32.dll', 'LocalFree', 'p').now(descriptor)
    arena.free()
  }
}

const refused = (path: string, why: string) => new NativeError('refused', `The folder ${path} cannot be used: ${why}.`)

/** CreateDirectoryW with the descriptor from its first moment; false where something of this name is there. */
function make(foreign: Foreign, arena: Arena, path: string, descriptor: bigint): boolean {
  // SECURITY_ATTRIBUTES: length, descriptor, whether handles are inherited.
  const attributes = arena.room(24)
  arena.at(attributes).writeUInt32LE(24)
  arena.at(attributes).writeBigUInt64LE(descriptor, 8)
  const name = wide(arena, path)
  if (foreign.func('kernel32.dll', 'CreateDirectoryW', 'pp').now(name, attributes) !== 0) return true
  const nothing = 0xffff_ffff
  if (foreign.func('kernel32.dll', 'GetFileAttributesW', 'p').now(name) !== nothing) return false
  throw refused(path, 'Windows does not make it; is the folder above there, and may you write there?')
}

/** fileapi.h, winnt.h: READ_CONTROL, WRITE_DAC, WRITE_OWNER, FILE_READ_ATTRIBUTES; share read, write; open what is there, as it is. */
const readControl = 0x2_0000 | 0x80
const rights = readControl | 0x4_0000 | 0x8_0000
const shared = 1 | 2
const openExisting = 3
const asItIs = 0x0200_0000 | 0x0020_0000
const isFolder = 0x10
const isReparsePoint = 0x400
/** SE_FILE_OBJECT; OWNER, DACL, PROTECTED_DACL_SECURITY_INFORMATION. */
const fileObject = 1
const ownerInformation = 1
const wanted = (1 | 4 | 0x8000_0000) >>> 0

/** Opens what is there, a link as a link, and closes it again. */
function opened<T>(foreign: Foreign, arena: Arena, path: string, access: number, f: (handle: bigint) => T): T {
  const handle = foreign
    .pointerFunc('kernel32.dll', 'CreateFileW', 'puupuup')
    .now(wide(arena, path), access, shared, null, openExisting, asItIs, null)
  if (handle === invalidHandle) throw refused(path, 'you may not see or change who may use it')
  try {
    return f(handle)
  } finally {
    foreign.func('kernel32.dll', 'CloseHandle', 'p').now(handle)
  }
}

function attributesOf(foreign: Foreign, arena: Arena, path: string, handle: bigint): number {
  const information = arena.room(52)
  if (foreign.func('kernel32.dll', 'GetFileInformationByHandle', 'pp').now(handle, information) === 0)
    throw refused(path, 'Windows does not tell what it is')
  return arena.u32(information)
}

/**
 * Sets owner and access list of a folder that is there, through one handle: what was looked at is what is changed. False where
 * somebody else owns it. What is in it already must be of the same people.
 */
function takeOver(foreign: Foreign, arena: Arena, path: string, descriptor: bigint, trusted: readonly string[]): boolean {
  const mine = opened(foreign, arena, path, rights, (handle) => {
    const attributes = attributesOf(foreign, arena, path, handle)
    if (attributes & isReparsePoint) throw refused(path, 'it is a link to another place')
    if (!(attributes & isFolder)) throw refused(path, 'it is a file')
    if (!trusted.includes(ownerOf(foreign, arena, path, handle))) return false
    const [present, defaulted, list, owner] = [arena.room(4), arena.room(4), arena.room(8), arena.room(8)]
    foreign.func('advapi32.dll', 'GetSecurityDescriptorDacl', 'pppp').now(descriptor, present, list, defaulted)
    foreign.func('advapi32.dll', 'GetSecurityDescriptorOwner', 'ppp').now(descriptor, owner, defaulted)
    // The first takes from what is inside what it had inherited; the second leaves exactly the list on the folder itself.
    const status = foreign
      .func('advapi32.dll', 'SetSecurityInfo', 'puupppp')
      .now(handle, fileObject, wanted, arena.pointer(owner), null, arena.pointer(list), null)
    if (status !== 0) throw refused(path, `Windows does not protect it (error ${status})`)
    if (foreign.func('advapi32.dll', 'SetKernelObjectSecurity', 'pup').now(handle, wanted, descriptor) === 0)
      throw refused(path, 'Windows does not protect it')
    return true
  })
  if (mine)
    for (const name of readdirSync(path)) {
      const inside = foreign.arena(16_384)
      try {
        const entry = join(path, name)
        opened(foreign, inside, entry, readControl, (handle) => {
          if (attributesOf(foreign, inside, entry, handle) & isReparsePoint) throw refused(path, `${name} in it is a link to another place`)
          if (!trusted.includes(ownerOf(foreign, inside, entry, handle))) throw refused(path, `${name} in it belongs to somebody else`)
        })
      } finally {
        inside.free()
      }
    }
  return mine
}

function ownerOf(foreign: Foreign, arena: Arena, path: string, handle: bigint): string {
  const [owner, descriptor] = [arena.room(8), arena.room(8)]
  const status = foreign
    .func('advapi32.dll', 'GetSecurityInfo', 'puuppppp')
    .now(handle, fileObject, ownerInformation, owner, null, null, null, descriptor)
  if (status !== 0) throw refused(path, `Windows does not tell whose it is (error ${status})`)
  try {
    return sidText(foreign, arena, arena.pointer(owner))
  } finally {
    foreign.func('kernel32.dll', 'LocalFree', 'p').now(arena.pointer(descriptor))
  }
}

/** Who runs the process. */
const ownSid = (foreign: Foreign, arena: Arena): string =>
  sidText(foreign, arena, arena.pointer(tokenInformation(foreign, arena, tokenUser, 128)))

/** A descriptor for a file that nobody but its owner and the system may use; LocalFree takes it back. */
export const ownFileDescriptor = (foreign: Foreign, arena: Arena): bigint => {
  const owner = ownSid(foreign, arena)
  return descriptorOf(foreign, arena, `O:${owner}D:P(A;;FA;;;${owner})(A;;FA;;;SY)`)
}

/** A security identifier as text: `S-1-5-18`. */
function sidText(foreign: Foreign, arena: Arena, sid: bigint | null): string {
  const out = arena.room(8)
  if (foreign.func('advapi32.dll', 'ConvertSidToStringSidW', 'pp').now(sid, out) === 0)
    throw new NativeError('refused', 'Windows gives a security identifier that cannot be read.')
  const text = arena.pointer(out)!
  try {
    // SECURITY_MAX_SID_STRING_CHARACTERS is 187; read no further than the terminator.
    let length = 0
    while (length < 187 && foreign.copy(text + BigInt(2 * length), 2).readUInt16LE() !== 0) length++
    return foreign.copy(text, 2 * length).toString('utf16le')
  } finally {
    foreign.func('kernel32.dll', 'LocalFree', 'p').now(text)
  }
}

function descriptorOf(foreign: Foreign, arena: Arena, sddl: string): bigint {
  const out = arena.room(8)
  const revision = 1
  const made = foreign
    .func('advapi32.dll', 'ConvertStringSecurityDescriptorToSecurityDescriptorW', 'pupp')
    .now(wide(arena, sddl), revision, out, null)
  if (made === 0) throw new NativeError('refused', 'Windows does not take this access list.')
  return arena.pointer(out)!
}
