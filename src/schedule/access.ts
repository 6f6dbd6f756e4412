/**
 * Who else may write what a schedule will run, or read its secrets. A task of SYSTEM, or a unit of root, that runs a file which an
 * ordinary user can change is a way to become an administrator.
 */
import { randomUUID } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, posix, win32 } from 'node:path'
import type { Host } from './host.ts'

/** `write`: change the file or what lies in the folder; `replace`: put another folder in the place of this one; `read`. */
export type Use = 'write' | 'replace' | 'read'

/** Access rights of files by their names in SDDL: [MS-DTYP] 2.5.1.1, 2.4.3. */
const named: Readonly<Record<string, number>> = {
  ...{ GA: 0x10000000, GX: 0x20000000, GW: 0x40000000, GR: 0x80000000 },
  ...{ RC: 0x20000, SD: 0x10000, WD: 0x40000, WO: 0x80000 },
  ...{ FA: 0x1f01ff, FR: 0x120089, FW: 0x120116, FX: 0x1200a0 },
  ...{ CC: 0x1, DC: 0x2, LC: 0x4, SW: 0x8, RP: 0x10, WP: 0x20, DT: 0x40, LO: 0x80, CR: 0x100 },
}
const takesOver = 0x10000 | 0x40000 | 0x80000 | 0x10000000 | 0x40
const dangerous: Readonly<Record<Use, number>> = {
  write: takesOver | 0x40000000 | 0x2 | 0x4,
  replace: takesOver,
  read: takesOver | 0x80000000 | 0x1,
}

/** SYSTEM, Administrators, the built-in Administrator, domain and enterprise administrators, TrustedInstaller. */
const trusted = new Set([
  ...['SY', 'BA', 'LA', 'DA', 'EA', 'S-1-5-18', 'S-1-5-32-544'],
  'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464',
])

/**
 * Whom an access list (SDDL) lets do it, beside administrators: the first SID or its two letters; null: nobody. What denies is not
 * looked at, and neither is the owner, whom `icacls` does not tell.
 */
export function letsOthers(sddl: string, use: Use): string | null {
  // An entry with a condition has parentheses of its own: what is not read to its end may say anything.
  const list = /D:([A-Z_]*)((?:\([^()]*\))*)(?=S:|\s*$)/.exec(sddl)
  if (!list || list[1]!.includes('NO_ACCESS_CONTROL')) return 'WD'
  for (const [, entry] of list[2]!.matchAll(/\(([^()]*)\)/g)) {
    const [type, flags = '', rights = '', , , sid = ''] = entry!.split(';')
    if (!type?.includes('A') || type === 'AU' || flags.match(/../g)?.includes('IO') || trusted.has(sid)) continue
    if ((mask(rights) & dangerous[use]) !== 0) return sid
  }
  return null
}

function mask(rights: string): number {
  if (/^0x[0-9a-f]+$/i.test(rights)) return Number(rights) | 0
  if (/^\d+$/.test(rights)) return Number(rights) | 0
  // A right that is not known may be any.
  return (rights.match(/../g) ?? []).reduce((all, two) => all | (named[two] ?? -1), 0)
}

/** What others may do it to: a path, and whom. Null: nobody may. `untold`: the access lists could not be read. */
export type Open = { readonly path: string; readonly by: string } | { readonly untold: string } | null

/** Whether others may change a file or folder (with all that is in it), or put another one in its place. */
export async function openToWrite(path: string, host: Host): Promise<Open> {
  return host.platform === 'win32' ? await openOnWindows(path, 'write', host) : openElsewhere(path, host)
}

/** Windows: whether others than administrators may read a file. */
export async function openToRead(path: string, host: Host): Promise<Open> {
  return await openOnWindows(path, 'read', host)
}

async function openOnWindows(path: string, use: Use, host: Host): Promise<Open> {
  const lists = await accessLists(path, host)
  if (lists === null) return use === 'write' && inUsualPlace(path, host.env) ? null : { untold: path }
  for (const { name, sddl } of lists) {
    const by = letsOthers(sddl, use)
    if (by) return { path: win32.join(win32.dirname(path), name), by }
  }
  for (let folder = win32.dirname(path); ; folder = win32.dirname(folder)) {
    const [list] = (await accessLists(folder, host, false)) ?? []
    if (!list) return { untold: folder }
    // Whoever may add a file beside a program may add a library that it loads.
    const by = letsOthers(list.sddl, use === 'write' && folder === win32.dirname(path) ? 'write' : 'replace')
    if (by && win32.dirname(folder) !== folder) return { path: folder, by }
    if (win32.dirname(folder) === folder) return null
  }
}

/** Where access lists cannot be read: the folders that Windows itself keeps for administrators. */
function inUsualPlace(path: string, env: Host['env']): boolean {
  const lower = `${path.toLowerCase()}\\`
  return [env.ProgramFiles, env['ProgramFiles(x86)'], env.SystemRoot && win32.join(env.SystemRoot, 'System32')].some(
    (place) => place && lower.startsWith(`${place.toLowerCase()}\\`),
  )
}

/** The access lists of a file, or of a folder and all that is in it, by `icacls /save`: the same in every language. */
async function accessLists(
  path: string,
  host: Host,
  whole = true,
): Promise<readonly { readonly name: string; readonly sddl: string }[] | null> {
  const windows = host.env.SystemRoot ?? 'C:\\Windows'
  // Others may add files in this folder, but change none that an administrator made.
  const saved = win32.join(windows, 'Temp', `slmctl-${randomUUID()}.acl`)
  try {
    const { code } = await host.run(win32.join(windows, 'System32', 'icacls.exe'), [path, '/save', saved, ...(whole ? ['/t'] : []), '/q'])
    if (code !== 0) return null
    return readSaved(readFileSync(saved).toString('utf16le'))
  } catch {
    return null
  } finally {
    rmSync(saved, { force: true })
  }
}

/** The file of `icacls /save`: a line with the name, a line with the access list. */
export function readSaved(text: string): readonly { readonly name: string; readonly sddl: string }[] | null {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/)
  const lists: { name: string; sddl: string }[] = []
  for (let n = 0; n + 1 < lines.length; n += 2) {
    const [name, sddl] = [lines[n]!, lines[n + 1]!]
    if (!/^D:/.test(sddl)) return null
    lists.push({ name, sddl })
  }
  return lists.length > 0 ? lists : null
}

/** By owner and mode. In a folder with the sticky bit others cannot touch what is not theirs. */
function openElsewhere(path: string, host: Host): Open {
  const mine = new Set([0, host.uid ?? 0])
  const by = (at: string, above: boolean): Open => {
    const { uid, gid, mode } = lstatSync(at)
    if (!mine.has(uid)) return { path: at, by: `user ${uid}` }
    if (lstatSync(at).isSymbolicLink() || (above && (mode & 0o1000) !== 0)) return null
    if ((mode & 0o002) !== 0) return { path: at, by: 'everybody' }
    return (mode & 0o020) !== 0 && gid !== 0 ? { path: at, by: `group ${gid}` } : null
  }
  try {
    for (let folder = posix.dirname(path); ; folder = posix.dirname(folder)) {
      const open = by(folder, true)
      if (open) return open
      if (folder === posix.dirname(folder)) break
    }
    const whole = (at: string): Open => {
      const open = by(at, false)
      if (open || !lstatSync(at).isDirectory()) return open
      for (const name of readdirSync(at)) {
        const inside = whole(join(at, name))
        if (inside) return inside
      }
      return null
    }
    return whole(path)
  } catch (error) {
    return { untold: (error as NodeJS.ErrnoException).path ?? path }
  }
}
