/**
 * Bundles the command line into dist/, CommonJS, which starts faster than modules. A command loads what it needs and nothing else:
 * what several need stands once, in parts that they share, and what only some runs need is loaded when it is first called. A package
 * ships this, and so does the single file for Windows (build-exe.ts); a checkout runs the sources. Native code (koffi) stays a
 * dependency.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type BuildOptions, build, type Plugin, transform } from 'esbuild'
import { commands } from '../src/cli/commands.ts'
import { buildWeb } from './build-web.ts'
import { licences } from './licences.ts'

/** Loaded when one of their functions is first called: what stands behind texts, a site file, the network, and changes. */
const later = [
  'src/activation/audit.ts',
  'src/activation/clues/labels.ts',
  'src/activation/clues/read.ts',
  'src/activation/fingerprint.ts',
  'src/activation/plan/asked.ts',
  'src/activation/plan/by-kms.ts',
  'src/activation/plan/otherwise.ts',
  'src/activation/plan/own-licence.ts',
  'src/activation/verify.ts',
  'src/app/carried.ts',
  'src/app/recordings.ts',
  'src/directory/ask.ts',
  'src/engine/apply.ts',
  'src/engine/guard.ts',
  'src/engine/journal.ts',
  'src/native/access.ts',
  'src/native/credentials.ts',
  'src/native/gssapi.ts',
  'src/native/sspi.ts',
  'src/offline/hpke.ts',
  'src/offline/ids.ts',
  'src/offline/keys.ts',
  'src/offline/target.ts',
  'src/offline/used.ts',
  'src/protocol/negotiate/gss.ts',
  'src/protocol/negotiate/ntlm-accept.ts',
  'src/protocol/negotiate/ntlm-initiate.ts',
  'src/protocol/negotiate/sspi.ts',
  'src/protocol/wsman/request.ts',
  'src/protocol/wsman/response.ts',
  'src/protocol/wsman/sealed.ts',
  'src/protocol/wsman/shell.ts',
  'src/secrets/prompt.ts',
  'src/secrets/read.ts',
  'src/site/contradictions.ts',
  'src/site/declared.ts',
  'src/site/json-schema.ts',
  'src/site/read.ts',
  'src/windows/recording.ts',
  'src/windows/redact.ts',
  'src/windows/winrm.ts',
]
/**
 * Loaded so, too, but no later than when there is something to wait for: the first answer of a machine is not there at once, and
 * what makes a verdict of it and shows it is read meanwhile.
 */
const meanwhile = ['src/activation/judge.ts', 'src/activation/live/facts.ts', 'src/cli/views/status.ts']
/** Packages that are loaded so, too; their classes are only made, never asked for or extended. */
const packages = ['dns-packet', 'saxes']
const fileOf = (module: string) =>
  `later-${module
    .replace(/^src\//, '')
    .replace(/\.ts$/, '')
    .replaceAll('/', '-')}`

/** The files of the bundle that are loaded while a run waits for the first time. */
export const meanwhileFiles: readonly string[] = meanwhile.map((module) => `${fileOf(module)}.cjs`)

/** What others get of a module that is loaded later: what they ask for by name loads it first. */
export function fronts(module: string, file: string, exported: Readonly<Record<string, unknown>>): string {
  const isPackage = packages.includes(module)
  const lines = Object.entries(exported).map(([name, value]) => {
    if (typeof value === 'number' || typeof value === 'string' || (Array.isArray(value) && value.every((v) => typeof v === 'string')))
      return `export const ${name} = ${JSON.stringify(value)}`
    if (isPackage && name === 'default') return ''
    const isClass = typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value))
    if (typeof value === 'function' && !isClass) return `export const ${name} = (...given) => load().${name}(...given)`
    if (isClass && isPackage) return `export function ${name}(...given) { return new (load().${name})(...given) }`
    if (isPackage) return ''
    // Where a door hands it on, esbuild would take it for a type and leave it out.
    throw new Error(`${module} offers ${name}, which cannot be there before it is loaded: it is not for the list of what is loaded later`)
  })
  const all = `__require_later("./${file}.cjs")${isPackage ? '.default' : ''}`
  const soon = meanwhile.includes(module) ? 'setImmediate(load)' : ''
  return [`let loaded\nconst load = () => (loaded ??= ${all})`, soon, ...lines].join('\n')
}

/** Whoever imports one of them gets functions that load it first. Those who ask for more than functions and numbers do not build. */
const loadedLater: Plugin = {
  name: 'loaded later',
  setup(b) {
    const known = new Map([...later, ...meanwhile].map((module) => [resolve(module), module]))
    b.onResolve({ filter: /\.ts$/ }, (args) => {
      const path = resolve(args.resolveDir, args.path)
      if (args.namespace !== 'file' || args.kind !== 'import-statement') return undefined
      // Modules of ours do nothing by being there: what a door offers and nobody takes is left out.
      return known.has(path) ? { path, namespace: 'later' } : { path, sideEffects: false }
    })
    b.onResolve({ filter: new RegExp(`^(?:${packages.join('|')})$`) }, ({ kind, path }) =>
      kind === 'import-statement' ? { path, namespace: 'later' } : undefined,
    )
    b.onLoad({ filter: /./, namespace: 'later' }, async ({ path }) => {
      const module = known.get(path) ?? path
      return { contents: fronts(module, fileOf(module), (await import(path)) as Record<string, unknown>) }
    })
  },
}

/**
 * Tables of the catalogue as JSON, which is read several times faster than the same as code. The larger ones stand in files of their
 * own, and each is read when something first looks into it.
 */
const largeTable = 2048
const tables = (texts: Map<string, string>): Plugin => ({
  name: 'tables',
  setup(b) {
    b.onResolve({ filter: /^lazily$/ }, ({ path }) => ({ path, namespace: 'lazily', sideEffects: false }))
    b.onLoad({ filter: /./, namespace: 'lazily' }, () => ({ contents: `export ${lazily}` }))
    b.onLoad({ filter: /[\\/]src[\\/]catalogue[\\/][\w-]+\.ts$/, namespace: 'file' }, async ({ path }) => {
      const exported = Object.entries((await import(path)) as Record<string, unknown>)
      const asText = exported.map(([name, value]) => [name, value, JSON.stringify(value)] as const)
      const plain = asText.every(([, value, text]) => text !== undefined && isDeepStrictEqual(JSON.parse(text), value))
      if (!plain) return undefined
      const parsed = (text: string) => `JSON.parse(${JSON.stringify(text)})`
      const lines = asText.map(([name, value, text]) => {
        if (text.length < largeTable || typeof value !== 'object') return `export const ${name} = /* @__PURE__ */ ${parsed(text)}`
        const file = `table-${basename(path, '.ts')}-${name}.cjs`
        texts.set(file, `module.exports=${parsed(text)}`)
        return `export const ${name} = /* @__PURE__ */ lazily(${Array.isArray(value) ? '[]' : '{}'}, () => __require_later("./${file}"))`
      })
      return { contents: [`import { lazily } from 'lazily'`, ...lines].join('\n') }
    })
  },
})

/** A list or an object that is filled when somebody first looks into it. This is the text of the bundle, too: it needs nothing from outside. */
export function lazily<T extends object>(empty: T, read: () => T): T {
  const traps: Record<string, unknown> = {}
  for (const trap of ['get', 'has', 'ownKeys', 'getOwnPropertyDescriptor'] as const)
    traps[trap] = (...given: never[]) => {
      for (const one of Object.keys(traps)) delete traps[one]
      Object.assign(empty, read())
      return (Reflect[trap] as (...given: unknown[]) => unknown)(...given)
    }
  return new Proxy(empty, traps)
}

/** What is loaded on the way to a command is a file beside. */
const besides: Plugin = {
  name: 'besides',
  setup(b) {
    b.onResolve({ filter: /\/commands\/\w+\.ts$|\/site\.ts$/ }, (args) => {
      if (args.kind !== 'dynamic-import') return undefined
      return { path: args.path.includes('/commands/') ? `./${basename(args.path, '.ts')}.cjs` : './site-file.cjs', external: true }
    })
  },
}

/** Must be there at once: each stands in one file, as every file more costs some time. What is in two of them is two classes (model.ts). */
const quick = ['diagnose', 'explain', 'keys']

const common = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  minify: true,
  legalComments: 'none',
  external: ['koffi'],
  // A single executable has no import().
  supported: { 'dynamic-import': false },
} as const satisfies BuildOptions
const requireLater = 'const __require_later=require;'
const ownUrl = 'const __bundle_url=require("node:url").pathToFileURL(__filename).href;'

/** The program of a thread that reads texts: one file, so that it can be started wherever it is, also inside an executable (src/server/long-texts.ts). */
export async function buildThread(folder: string): Promise<void> {
  const entryPoints = { 'text-thread': 'src/server/text-thread.ts' }
  await build({ ...common, entryPoints, format: 'cjs', outdir: folder, outExtension: { '.js': '.cjs' } })
}

/** Writes the bundle into a folder of its own; what was in it goes away. */
export async function bundle(folder: string): Promise<void> {
  const commandFile = (name: string) => [name, `src/cli/commands/${name}.ts`] as const
  // `debug` and `recorded` are no commands: one is put around any of them, the other is diagnose where it is given a recording.
  const others = [...commands.map((c) => c.name).filter((name) => !quick.includes(name)), 'debug', 'recorded']
  rmSync(folder, { recursive: true, force: true })
  const texts = new Map<string, string>()
  await build({
    ...common,
    entryPoints: { slmctl: 'src/cli.ts', ...Object.fromEntries(quick.map(commandFile)) },
    format: 'cjs',
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    define: { 'import.meta.url': '__bundle_url' },
    banner: { js: ownUrl + requireLater },
    plugins: [besides, tables(texts)],
  })
  await buildThread(folder)
  // The others share parts, which esbuild can do for modules only: each is made CommonJS afterwards.
  const { outputFiles } = await build({
    ...common,
    supported: {},
    entryPoints: {
      'site-file': 'src/site.ts',
      ...Object.fromEntries(others.map(commandFile)),
      ...Object.fromEntries([...later, ...meanwhile, ...packages].map((module) => [fileOf(module), module])),
    },
    splitting: true,
    format: 'esm',
    write: false,
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    chunkNames: 'part-[hash]',
    define: { 'import.meta.url': '__bundle_url' },
    plugins: [besides, loadedLater, tables(texts)],
  })
  const { bundle: _, external: __, legalComments: ___, ...transforming } = common
  for (const file of outputFiles) {
    const { code } = await transform(file.text, {
      ...transforming,
      format: 'cjs',
      define: { __require_later: 'require' },
      banner: file.text.includes('__bundle_url') ? ownUrl : '',
    })
    writeFileSync(join(folder, basename(file.path)), code)
  }
  for (const [name, text] of texts) writeFileSync(join(folder, name), text)
  writeFileSync(join(folder, 'LICENSES.txt'), licences())
  await buildWeb(folder, () => {})
}

if (import.meta.main) await bundle(process.argv[2] ?? 'dist')
