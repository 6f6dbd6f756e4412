import { existsSync, lstatSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { ProblemError, problem } from '../model.ts'
import { accessList, foreignOwner, NativeError, others, ownIdentifier } from '../native.ts'

/**
 * The site file that is meant where none is named: the one in the current folder, or the user's own; null where there is none. It says
 * which hosts are ours and to whom credentials are shown: one that somebody else left in the current folder is refused.
 */
export async function usualSiteFile(): Promise<string | null> {
  const config =
    process.platform === 'win32'
      ? join(process.env.APPDATA ?? homedir(), 'slmctl')
      : join(process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'slmctl')
  const here = 'slmctl.yaml'
  if (existsSync(here)) {
    const whose = process.platform === 'win32' ? await byAccessList(here) : byMode(here)
    if (whose === null) return here
    throw new ProblemError(
      problem(
        'SITE_NOT_YOURS',
        `The site file of this folder is not used unasked: ${whose}.`,
        ['If it is the one you mean: --site slmctl.yaml', 'Keep yours where only you can write.'],
        { file: resolve(here) },
      ),
    )
  }
  const own = join(config, here)
  return existsSync(own) ? own : null
}

/** Who else may have written a file, in a sentence; null where nobody. */
async function byAccessList(file: string): Promise<string | null> {
  try {
    const list = await accessList(file)
    if (foreignOwner(list, await ownIdentifier()) !== null) return 'it belongs to another user'
    const who = others(list, 'write')
    return who === null ? null : `${who} may write to it`
  } catch (error) {
    if (error instanceof NativeError && !(error instanceof ProblemError)) return 'who may write to it could not be told'
    throw error
  }
}

/** The same by owner and mode. */
function byMode(file: string): string | null {
  const me = process.geteuid?.() ?? 0
  // With sudo a person works in a folder of their own.
  const mine = new Set([0, me, ...(me === 0 && process.env.SUDO_UID ? [Number(process.env.SUDO_UID)] : [])])
  for (const { uid } of [lstatSync(file), statSync(file)]) if (!mine.has(uid)) return 'it belongs to another user'
  if ((statSync(file).mode & 0o002) !== 0) return 'everybody may write to it'
  const folder = statSync(dirname(resolve(file)))
  return (folder.mode & 0o1002) === 0o002 ? 'everybody may put another in its place' : null
}
