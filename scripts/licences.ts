/** The licences of what a bundle holds: their texts have to go with it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

type Manifest = {
  readonly name: string
  readonly version: string
  readonly license?: string
  readonly author?: string | { readonly name: string }
  readonly dependencies?: Readonly<Record<string, string>>
}

/** Packages that are needed to build only, and whose code the pages of the dashboard hold. */
const inPages = ['preact', 'preact-iso']

/** Every package that the bundle can hold, each with its text; a package without one is named with what its manifest says. */
export function licences(root = '.'): string {
  const manifestOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  const own = manifestOf(root)
  const seen = new Map<string, string>()
  const look = (names: readonly string[], from: string) => {
    for (const name of names) {
      const folder = [join(from, 'node_modules', name), join(root, 'node_modules', name)].find((f) => existsSync(f))
      if (!folder) throw new Error(`${name} is not installed; npm ci installs it.`)
      if (seen.has(folder)) continue
      const manifest = manifestOf(folder)
      const file = readdirSync(folder).find((f) => /^(?:licen[cs]e|copying)(?:\.(?:md|txt))?$/i.test(f))
      const author = typeof manifest.author === 'string' ? manifest.author : (manifest.author?.name ?? 'its authors')
      const text = file
        ? readFileSync(join(folder, file), 'utf8').trim()
        : `Licence: ${manifest.license ?? 'not said'}. Copyright ${author}.`
      seen.set(folder, `${manifest.name} ${manifest.version}\n\n${text}`)
      look(Object.keys(manifest.dependencies ?? {}), folder)
    }
  }
  look([...Object.keys(own.dependencies ?? {}), ...inPages], root)
  const parts = [
    `slmctl ${own.version}\n\n${readFileSync(join(root, 'LICENSE'), 'utf8').trim()}`,
    ...[...seen.values()].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)),
    'Node.js, in the single file for Windows: the licences of Node.js and of its parts are at\nhttps://github.com/nodejs/node/blob/main/LICENSE',
  ]
  return `${parts.join(`\n\n${'-'.repeat(76)}\n\n`).replaceAll('\r\n', '\n')}\n`
}
