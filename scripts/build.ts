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
import { licences } from './licences.ts'

/** Loaded when one of their functions is first called: what stands behind texts, a site file, the network, and changes. */
const later = [
  'src/activation/clues/read.ts',
  'src/activation/audit.ts',
  'src/app/carried.ts',
  'src/directory/ask.ts',
  'src/engine/apply.ts',
  'src/engine/journal.ts',
  'src/native/gssapi.ts',
  'src/native/sspi.ts',
  'src/protocol/negotiate/gss.ts',
  'src/protocol/negotiate/ntlm-accept.ts',
  'src/protocol/negotiate/ntlm-initiate.ts',
  'src/protocol/negotiate/sspi.ts',
  'src/protocol/wsman/request.ts',
  'src/protocol/wsman/response.ts',
  'src/protocol/wsman/sealed.ts',
  'src/protocol/wsman/shell.ts',
  'src/site/contradictions.ts',
  'src/site/declared.ts',
  'src/site/json-schema.ts',
  'src/site/read.ts',
  'src/windows/winrm.ts',
]
const fileOf = (module: string) => `later-${module.slice('src/'.length, -'.ts'.length).replaceAll('/', '-')}`

/** Whoever imports one of them gets functions that load it first. Those who ask for more than functions do not build. */
const loadedLater: Plugin = {
  name: 'loaded later',
  setup(b) {
    const known = new Map(later.map((module) => [resolve(module), module]))
    b.onResolve({ filter: /\.ts$/ }, (args) => {
      const path = resolve(args.resolveDir, args.path)
      if (args.namespace !== 'file' || args.kind !== 'import-statement') return undefined
      // Modules of ours do nothing by being there: what a door offers and nobody takes is left out.
      return known.has(path) ? { path, namespace: 'later' } : { path, sideEffects: false }
    })
    b.onLoad({ filter: /./, namespace: 'later' }, async ({ path }) => {
      const isFunction = (value: unknown) => typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value))
      const names = Object.entries((await import(path)) as Record<string, unknown>).flatMap(([name, value]) =>
        isFunction(value) ? [name] : [],
      )
      const functions = names.map((name) => `export const ${name} = (...given) => load().${name}(...given)\n`)
      return {
        contents: `let loaded\nconst load = () => (loaded ??= __require_later("./${fileOf(known.get(path)!)}.cjs"))\n${functions.join('')}`,
      }
    })
  },
}

/** Tables of the catalogue as JSON, which is read several times faster than the same as code. */
const tables: Plugin = {
  name: 'tables',
  setup(b) {
    b.onLoad({ filter: /[\\/]src[\\/]catalogue[\\/][\w-]+\.ts$/, namespace: 'file' }, async ({ path }) => {
      const exported = Object.entries((await import(path)) as Record<string, unknown>)
      const asText = exported.map(([name, value]) => [name, value, JSON.stringify(value)] as const)
      const plain = asText.every(([, value, text]) => text !== undefined && isDeepStrictEqual(JSON.parse(text), value))
      if (!plain) return undefined
      return {
        contents: asText.map(([name, , text]) => `export const ${name} = /* @__PURE__ */ JSON.parse(${JSON.stringify(text)})\n`).join(''),
      }
    })
  },
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
const ownUrl = 'const __bundle_url=require("node:url").pathToFileURL(__filename).href;'

/** Writes the bundle into a folder of its own; what was in it goes away. */
export async function bundle(folder: string): Promise<void> {
  const commandFile = (name: string) => [name, `src/cli/commands/${name}.ts`] as const
  // `debug` and `recorded` are no commands: one is put around any of them, the other is diagnose where it is given a recording.
  const others = [...commands.map((c) => c.name).filter((name) => !quick.includes(name)), 'debug', 'recorded']
  rmSync(folder, { recursive: true, force: true })
  await build({
    ...common,
    entryPoints: { slmctl: 'src/cli.ts', ...Object.fromEntries(quick.map(commandFile)) },
    format: 'cjs',
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    define: { 'import.meta.url': '__bundle_url' },
    banner: { js: ownUrl },
    plugins: [besides, tables],
  })
  // The others share parts, which esbuild can do for modules only: each is made CommonJS afterwards.
  const { outputFiles } = await build({
    ...common,
    supported: {},
    entryPoints: {
      'site-file': 'src/site.ts',
      ...Object.fromEntries(others.map(commandFile)),
      ...Object.fromEntries(later.map((module) => [fileOf(module), module])),
    },
    splitting: true,
    format: 'esm',
    write: false,
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    chunkNames: 'part-[hash]',
    define: { 'import.meta.url': '__bundle_url' },
    plugins: [besides, loadedLater, tables],
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
  writeFileSync(join(folder, 'LICENSES.txt'), licences())
}

if (import.meta.main) await bundle(process.argv[2] ?? 'dist')
