/**
 * Who else may write what a schedule will run, or read its secrets. A task of SYSTEM, or a unit of root, that runs a file which an
 * ordinary user can change is a way to become an administrator.
 */
import { lstatSync, realpathSync } from 'node:fs'
import { posix, sep, win32 } from 'node:path'
import { type AccessList, lets, type Use } from '../native.ts'
import type { Host } from './host.ts'

/** SYSTEM, Administrators, the built-in Administrator, domain and enterprise administrators, TrustedInstaller. */
const trusted = new Set([
  ...['SY', 'BA', 'LA', 'DA', 'EA', 'S-1-5-18', 'S-1-5-32-544'],
  'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464',
])

/**
 * Whom an access list lets do it, beside administrators: a SID, or the two letters of SDDL; null: nobody. The owner can always give
 * himself every right. Stricter than for a user's own secrets: what a service account runs may not even be its owner's to change.
 */
export function letsOthers({ owner, allowed }: AccessList, use: Use): string | null {
  if (!trusted.has(owner)) return owner || 'somebody'
  if (allowed === null) return 'everybody'
  return allowed.find((a) => !a.inheritOnly && !trusted.has(a.trustee) && lets(a, use))?.trustee ?? null
}

/** What others may do it to: a path, and whom. Null: nobody may. `untold`: it could not be found out. */
export type Open = { readonly path: string; readonly by: string } | { readonly untold: string } | null

/** Whether others may change a file or folder (with all that is in it), or put another one in its place. */
export async function openToWrite(path: string, host: Host): Promise<Open> {
  return host.platform === 'win32' ? await openOnWindows(path, 'write', host) : await openElsewhere(path, host)
}

/** Windows: whether others than administrators may read a file. */
export async function openToRead(path: string, host: Host): Promise<Open> {
  return await openOnWindows(path, 'read', host)
}

async function openOnWindows(path: string, use: Use, host: Host): Promise<Open> {
  let at = path
  const open = async (what: Use): Promise<Open> => {
    const by = letsOthers(await host.accessList(at), what)
    return by === null ? null : { path: at, by }
  }
  try {
    for (const inside of host.filesIn(path)) {
      at = inside
      const found = (await open(use)) ?? (await through(inside, path, (real) => openOnWindows(real, use, host)))
      if (found) return found
    }
    for (let folder = win32.dirname(path); folder !== win32.dirname(folder); folder = win32.dirname(folder)) {
      at = folder
      // Whoever may add a file beside a program may add a library that it loads.
      const found = await open(use === 'write' && folder === win32.dirname(path) ? 'write' : 'replace')
      if (found) return found
    }
    return null
  } catch {
    return { untold: at }
  }
}

/** What a link within a folder leads to, where that is elsewhere: it is used like what lies in the folder itself. */
async function through(link: string, folder: string, look: (real: string) => Promise<Open>): Promise<Open> {
  if (!lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) return null
  const real = realpathSync(link)
  const root = realpathSync(folder)
  return real === root || real.startsWith(`${root}${sep}`) ? null : await look(real)
}

/**
 * By owner and mode. In a folder with the sticky bit others cannot touch what is not theirs. A group that may write is refused, also
 * that of root: where a file has an access list, those bits are what the list gives to others.
 */
async function openElsewhere(path: string, host: Host): Promise<Open> {
  const mine = new Set([0, host.uid ?? 0])
  const by = (at: string, above: boolean): Open => {
    const { uid, gid, mode } = lstatSync(at)
    if (!mine.has(uid)) return { path: at, by: `user ${uid}` }
    if (lstatSync(at).isSymbolicLink() || (above && (mode & 0o1000) !== 0)) return null
    if ((mode & 0o002) !== 0) return { path: at, by: 'everybody' }
    return (mode & 0o020) !== 0 ? { path: at, by: `group ${gid}` } : null
  }
  try {
    for (let folder = posix.dirname(path); ; folder = posix.dirname(folder)) {
      const open = by(folder, true)
      if (open) return open
      if (folder === posix.dirname(folder)) break
    }
    for (const inside of host.filesIn(path)) {
      const open = by(inside, false) ?? (await through(inside, path, (real) => openElsewhere(real, host)))
      if (open) return open
    }
    return null
  } catch (error) {
    return { untold: (error as NodeJS.ErrnoException).path ?? path }
  }
}
