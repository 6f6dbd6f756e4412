import { NativeError } from './error.ts'
import { type Foreign, wide } from './foreign.ts'
import type { Arena } from './memory.ts'
import { here } from './windows.ts'

/** One entry of an access list that lets somebody in: whom, by SID or SDDL's two letters, and to what. */
export type Allowed = { readonly trustee: string; readonly rights: string; readonly inheritOnly: boolean }
/** A file's owner and access list; `allowed` is null where there is no list, and so everybody may do everything. */
export type AccessList = { readonly owner: string; readonly allowed: readonly Allowed[] | null }

/** SE_FILE_OBJECT; OWNER and DACL_SECURITY_INFORMATION; SDDL_REVISION_1. */
const fileObject = 1
const ownerAndList = 1 | 4
const revision = 1
/** An access list has 64 kB at most; as text it is longer. */
const textMax = 512 * 1024

/** Owner and access list of a file or folder. */
export async function accessList(path: string): Promise<AccessList> {
  const foreign = await here()
  const arena = foreign.arena(2 * path.length + 4096)
  try {
    const descriptor = arena.room(8)
    const status = foreign
      .func('advapi32.dll', 'GetNamedSecurityInfoW', 'puuppppp')
      .now(wide(arena, path), fileObject, ownerAndList, null, null, null, null, descriptor)
    if (status !== 0) throw new NativeError('refused', `Windows does not tell who may use ${path} (error ${status}).`, status)
    const held = arena.pointer(descriptor)
    try {
      return readAccessList(sddlOf(foreign, arena, held))
    } finally {
      foreign.func('kernel32.dll', 'LocalFree', 'p').now(held)
    }
  } finally {
    arena.free()
  }
}

function sddlOf(foreign: Foreign, arena: Arena, descriptor: bigint | null): string {
  const [out, length] = [arena.room(8), arena.room(4)]
  const done = foreign
    .func('advapi32.dll', 'ConvertSecurityDescriptorToStringSecurityDescriptorW', 'puupp')
    .now(descriptor, revision, ownerAndList, out, length)
  if (done === 0) throw new NativeError('refused', 'Windows gives an access list that cannot be read.')
  const text = arena.pointer(out)!
  try {
    const units = arena.u32(length)
    if (units > textMax) throw new NativeError('refused', 'Windows gives an access list that is too long.')
    return foreign
      .copy(text, 2 * units)
      .toString('utf16le')
      .replace(/\0.*$/s, '')
  } finally {
    foreign.func('kernel32.dll', 'LocalFree', 'p').now(text)
  }
}

/** Reads SDDL ([MS-DTYP] 2.5.1): `O:BAD:PAI(A;OICI;FA;;;BA)`. Entries that deny or audit let nobody in. */
export function readAccessList(sddl: string): AccessList {
  const owner = /^O:(S-[\d-]+|[A-Z]{2})/.exec(sddl)?.[1] ?? ''
  const list = /D:([A-Z_]*)((?:\([^)]*\))*)/.exec(sddl)
  if (!list || /NO_ACCESS_CONTROL/.test(list[1]!)) return { owner, allowed: null }
  return {
    owner,
    allowed: [...list[2]!.matchAll(/\(([^;)]*);([^;]*);([^;]*);[^;]*;[^;]*;([^;)]*)/g)].flatMap(([, type, flags, rights, trustee]) =>
      type === 'A' || type === 'XA' || type === 'OA'
        ? [{ trustee: trustee!, rights: rights!, inheritOnly: /^(?:..)*IO/.test(flags!) }]
        : [],
    ),
  }
}

/** FILE_READ_DATA and its like, in the letters and bits of SDDL. */
const readBits = 0x1 | 0x8000_0000 | 0x1000_0000
const readLetters: ReadonlySet<string> = new Set(['FA', 'FR', 'GA', 'GR', 'CC'])
/** FILE_WRITE_DATA, FILE_APPEND_DATA, DELETE, WRITE_DAC, WRITE_OWNER, FILE_DELETE_CHILD and the generic rights that hold them. */
const writeBits = 0x2 | 0x4 | 0x40 | 0x1_0000 | 0x4_0000 | 0x8_0000 | 0x4000_0000 | 0x1000_0000
const writeLetters: ReadonlySet<string> = new Set(['FA', 'FW', 'GA', 'GW', 'DC', 'LC', 'DT', 'SD', 'WD', 'WO'])

export function lets({ rights }: Allowed, what: 'read' | 'write'): boolean {
  const [bits, letters] = what === 'read' ? [readBits, readLetters] : [writeBits, writeLetters]
  if (/^0x[0-9a-f]+$/i.test(rights)) return (Number(rights) & bits) !== 0
  return (rights.match(/../g) ?? []).some((two) => letters.has(two))
}

/** The system, administrators and TrustedInstaller: they may do everything anyway. */
const always: ReadonlySet<string> = new Set([
  ...['SY', 'S-1-5-18', 'BA', 'S-1-5-32-544', 'LA', 'DA', 'EA', 'OW', 'CO', 'S-1-3-0', 'S-1-3-4'],
  'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464',
])

/** Who else than its owner, the system and administrators may read or write a file, by SID or SDDL's letters; null where nobody may. */
export function others({ owner, allowed }: AccessList, what: 'read' | 'write'): string | null {
  if (allowed === null) return 'everybody'
  const entry = allowed.find((a) => !a.inheritOnly && a.trustee !== owner && !always.has(a.trustee) && lets(a, what))
  return entry ? (names.get(entry.trustee) ?? entry.trustee) : null
}

const names: ReadonlyMap<string, string> = new Map([
  ['WD', 'everybody'],
  ['S-1-1-0', 'everybody'],
  ['BU', 'all users'],
  ['S-1-5-32-545', 'all users'],
  ['AU', 'everybody who is signed in'],
  ['S-1-5-11', 'everybody who is signed in'],
  ['IU', 'everybody who is signed in here'],
  ['BG', 'guests'],
  ['AN', 'anonymous'],
])
