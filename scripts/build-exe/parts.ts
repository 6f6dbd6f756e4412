/**
 * What the single file is made of, besides the bundle: Windows' Node and koffi's Windows binary, from npm. Both are for another
 * system than the one that builds, so npm ci does not install them; they are fetched by npm pack (from npm's own cache where it has
 * them) and must have exactly the bytes that are written down here or in package-lock.json.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export const architectures = ['x64', 'arm64'] as const
export type Architecture = (typeof architectures)[number]

/** Node of this version builds, and is what the single file runs: --build-sea wants the same for both. */
export const nodeVersion = '26.7.0'
const nodeIntegrity: Readonly<Record<Architecture, string>> = {
  x64: 'sha512-iJ1deWyJ6Ja8IxJhJL30II5YgCQwMbH6yL8kd9bMMBxG/NiqykaNVpM9iZ55Omm6fD+sIWvBrY2BVz6uYDhHjw==',
  arm64: 'sha512-qpLjqvYZWGmDNHkjUX1O7LqTN3jxsZPimTLI4qzgKOWExsL4DS0AXU55Ih0SBTLoWunJLC2h6MOToGNpEeYIiw==',
}

type Locked = { readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity: string }>> }

/** Both parts of one architecture, checked; kept in a folder, and checked again when they are taken from there. */
export function partsFor(architecture: Architecture, cache: string): { node: Buffer; koffi: Buffer; koffiVersion: string } {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Locked
  const koffi = packages[`node_modules/@koromix/koffi-win32-${architecture}`]
  if (!koffi || koffi.version !== packages['node_modules/koffi']?.version)
    throw new Error(`package-lock.json does not name koffi's binary for win32 on ${architecture} in koffi's own version.`)
  if (packages['node_modules/node']?.version !== nodeVersion)
    throw new Error(`package-lock.json has another Node than ${nodeVersion}: change nodeVersion and its integrity together with it.`)
  return {
    node: part(`node-win-${architecture}@${nodeVersion}`, nodeIntegrity[architecture], 'bin/node.exe', cache),
    koffi: part(`@koromix/koffi-win32-${architecture}@${koffi.version}`, koffi.integrity, `win32_${architecture}/koffi.node`, cache),
    koffiVersion: koffi.version,
  }
}

/** Whether a package has the bytes that its integrity (RFC: Subresource Integrity, sha512) names. */
export function isWhole(tarball: Buffer, integrity: string): boolean {
  return `sha512-${createHash('sha512').update(tarball).digest('base64')}` === integrity
}

/** The name of a package's file in a folder. A registry is slow at times: what hangs is asked for again. */
function pack(spec: string, folder: string): string {
  const args = ['pack', spec, '--loglevel=error', '--prefer-offline', '--pack-destination', folder]
  for (let left = 3; ; left--) {
    try {
      return execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 180_000 })
    } catch (error) {
      if (left <= 1) throw error
    }
  }
}

/** One file of one package. */
function part(spec: string, integrity: string, file: string, cache: string): Buffer {
  mkdirSync(cache, { recursive: true })
  const kept = join(cache, `${spec.replaceAll('/', '-')}.tgz`)
  const work = mkdtempSync(join(cache, 'fetch-'))
  try {
    if (!existsSync(kept) || !isWhole(readFileSync(kept), integrity)) {
      const fetched = join(work, pack(spec, work).trim().split('\n').at(-1)!)
      if (!isWhole(readFileSync(fetched), integrity)) throw new Error(`${spec} is not the package that was written down: ${integrity}`)
      renameSync(fetched, kept)
    }
    execFileSync('tar', ['-xzf', kept, '-C', work, `package/${file}`])
    return readFileSync(join(work, 'package', file))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
