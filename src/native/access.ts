import { NativeError } from './error.ts'
import { type Foreign, wide } from './foreign.ts'
import type { Arena } from './memory.ts'
import { here } from './windows.ts'

/** One entry of an access list that lets somebody in: whom, by SID or SDDL's two letters, and to what, by the bits of an access mask. */
export type Allowed = { readonly trustee: string; readonly rights: number; readonly inheritOnly: boolean }
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
  const list = /D:([A-Z_]*)/.exec(sddl)
  if (!list || /NO_ACCESS_CONTROL/.test(list[1]!)) return { owner, allowed: null }
  const found = entries(sddl, list.index + list[0].length)
  // What cannot be read to its end may let anybody in.
  if (found === null) return { owner, allowed: null }
  return {
    owner,
    allowed: found.flatMap((entry) => {
      const [type, flags, rights, , , trustee] = entry.split(';')
      return type === 'A' || type === 'XA' || type === 'OA' || type === 'ZA'
        ? [{ trustee: trustee ?? '', rights: rightsOf(rights ?? ''), inheritOnly: /^(?:..)*IO/.test(flags ?? '') }]
        : []
    }),
  }
}

/** The entries in parentheses that begin here; a conditional one has parentheses of its own, and text in quotes. Null: one does not end. */
function entries(sddl: string, from: number): string[] | null {
  const found: string[] = []
  for (let at = from; sddl[at] === '('; ) {
    let depth = 0
    let quoted = false
    let end = at
    for (; end < sddl.length; end++) {
      const c = sddl[end]
      if (c === '"') quoted = !quoted
      else if (!quoted && c === '(') depth++
      else if (!quoted && c === ')' && --depth === 0) break
    }
    if (end === sddl.length) return null
    found.push(sddl.slice(at + 1, end))
    at = end + 1
  }
  return found
}

/** Access rights of files by their names in SDDL: [MS-DTYP] 2.5.1.1, 2.4.3. */
const named: Readonly<Record<string, number>> = {
  ...{ GA: 0x10000000, GX: 0x20000000, GW: 0x40000000, GR: 0x80000000 },
  ...{ RC: 0x20000, SD: 0x10000, WD: 0x40000, WO: 0x80000 },
  ...{ FA: 0x1f01ff, FR: 0x120089, FW: 0x120116, FX: 0x1200a0 },
  ...{ CC: 0x1, DC: 0x2, LC: 0x4, SW: 0x8, RP: 0x10, WP: 0x20, DT: 0x40, LO: 0x80, CR: 0x100 },
}

function rightsOf(text: string): number {
  if (/^(?:0x[0-9a-f]+|\d+)$/i.test(text)) return Number(text) | 0
  // A right that is not known may be any.
  return (text.match(/..?/g) ?? []).reduce((all, two) => all | (named[two] ?? -1), 0)
}

/** DELETE, WRITE_DAC, WRITE_OWNER, GENERIC_ALL, FILE_DELETE_CHILD: to put something else in its place, or to give oneself every right. */
const takesOver = 0x10000 | 0x40000 | 0x80000 | 0x10000000 | 0x40
const bits = {
  /** Change the file, or what lies in the folder. */
  write: takesOver | 0x40000000 | 0x2 | 0x4,
  /** Put another folder in the place of this one. */
  replace: takesOver,
  read: takesOver | 0x80000000 | 0x1,
} as const
export type Use = keyof typeof bits

export const lets = ({ rights }: Allowed, use: Use): boolean => (rights & bits[use]) !== 0

/** The system, administrators and TrustedInstaller: they may do everything anyway. */
const always: ReadonlySet<string> = new Set([
  ...['SY', 'S-1-5-18', 'BA', 'S-1-5-32-544', 'LA', 'DA', 'EA', 'OW', 'CO', 'S-1-3-0', 'S-1-3-4'],
  'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464',
])

/** Accounts of Windows that SDDL writes by two letters. */
const letters: ReadonlyMap<string, string> = new Map([
  ['S-1-5-18', 'SY'],
  ['S-1-5-19', 'LS'],
  ['S-1-5-20', 'NS'],
])

/** Who owns a file that belongs neither to `me` (a SID) nor to the system or administrators; null else. An owner may change who may use it. */
export function foreignOwner({ owner }: AccessList, me: string): string | null {
  return owner === me || owner === letters.get(me) || always.has(owner) ? null : owner || 'somebody'
}

/** Who else than its owner, the system and administrators may read or write a file, by SID or SDDL's letters; null where nobody may. */
export function others({ owner, allowed }: AccessList, what: Use): string | null {
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
