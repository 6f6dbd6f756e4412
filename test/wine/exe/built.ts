/** The single file of this run: built once, whichever part asks first. */
import { join } from 'node:path'
import { buildExe } from '../../../scripts/build-exe.ts'
import { patchedForWine, type Wine } from '../wine.ts'

export type OneFile = {
  /** As it is handed to people. */
  readonly built: string
  /** The copy that runs under Wine. */
  readonly runs: string
}

let made: Promise<OneFile> | null = null

export function oneFile(wine: Wine): Promise<OneFile> {
  made ??= buildExe('x64', join(wine.work, 'one-file')).then((built) => ({
    built,
    runs: patchedForWine(built, join(wine.work, 'one-file', 'run', 'slmctl.exe')),
  }))
  return made
}
