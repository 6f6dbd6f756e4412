import { readFileSync } from 'node:fs'
import { getRawAsset, isSea } from 'node:sea'

/** In a checkout the sources stand two folders below; a bundle stands in `dist` itself. */
const beside = import.meta.url.endsWith('/src/native/packaged.ts') ? '../../dist/' : './'

/** A file that was built with slmctl: out of the single file, from beside the bundle, or from `dist` of a checkout; null where there is none. */
export function packagedFile(name: string): Buffer | null {
  try {
    return isSea() ? Buffer.from(getRawAsset(name)) : readFileSync(new URL(beside + name, import.meta.url))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ERR_SINGLE_EXECUTABLE_APPLICATION_ASSET_NOT_FOUND') return null
    throw error
  }
}
