import { getAsset, getRawAsset, isSea } from 'node:sea'
import type koffi from 'koffi'
import { isThere, type Library, loadFrom } from './unpack.ts'

/**
 * The library that calls foreign functions: from its package, or unpacked from the single file (unpack.ts). There its binary is
 * taken as it is: koffi's own JavaScript finds that binary in a package, and adds names that koffi no longer advises.
 */
export async function loadKoffi(): Promise<typeof koffi> {
  if (isSea()) return unpacked()
  // Not by its name: where the binary's package is missing beside it, Node would go on to folders above, up to C:\node_modules, which users may make.
  const { default: library } = await import('koffi/indirect')
  return library
}

async function unpacked(): Promise<typeof koffi> {
  const { windows } = await import('./unpack-windows.ts')
  const system = windows()
  const library: Library = { bytes: Buffer.from(getRawAsset('koffi.node')), sha256: getAsset('koffi.sha256', 'utf8') }
  const programs = system.folder('programFiles')
  // What an administrator has put below Program Files is good for all; application control may allow nothing else.
  const shared = system.elevated() || isThere(programs, library, system)
  return loadFrom(shared ? programs : system.folder('localAppData'), library, system, (path) => {
    system.loadLibrary(path)
    const loaded = { exports: {} as typeof koffi }
    process.dlopen(loaded, path)
    return loaded.exports
  })
}
