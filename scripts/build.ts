/**
 * Bundles the command line into dist/, CommonJS, which starts faster than modules: a small entry, a file for each command that
 * must be there at once, and one for the commands that talk to machines, so that a command loads what it needs and nothing else.
 * What stands in two files is two classes; a ProblemError is therefore told by its mark (model.ts). A package ships this, and so
 * does the single file for Windows (build-exe.ts); a checkout runs the sources. Native code (koffi) stays a dependency.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { commands } from '../src/cli/commands.ts'

const quick = ['diagnose', 'explain', 'keys']
/** `debug` and `recorded` are no commands: one is put around any of them, the other is diagnose where it is given a recording. */
const machines = [...commands.map((c) => c.name).filter((name) => !quick.includes(name)), 'debug', 'recorded']

const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  minify: true,
  keepNames: false,
  legalComments: 'none',
  external: ['koffi'],
  // A single executable has no import().
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': '__bundle_url' },
  banner: { js: 'const __bundle_url=require("node:url").pathToFileURL(__filename).href;' },
}

/** Writes the bundle into a folder of its own; what was in it goes away. */
export async function bundle(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true })
  await build({
    entryPoints: {
      slmctl: 'src/cli.ts',
      'site-file': 'src/site.ts',
      ...Object.fromEntries(quick.map((c) => [c, `src/cli/commands/${c}.ts`])),
    },
    ...common,
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    plugins: [
      {
        name: 'a command is its own file',
        setup(b) {
          b.onResolve({ filter: /^\.\/commands\/\w+\.ts$/ }, (args) =>
            args.kind === 'dynamic-import' ? { path: args.path.replace(/^.*\/(\w+)\.ts$/, './$1.cjs'), external: true } : undefined,
          )
          b.onResolve({ filter: /\/site\.ts$/ }, (args) =>
            args.kind === 'dynamic-import' ? { path: './site-file.cjs', external: true } : undefined,
          )
        },
      },
    ],
  })
  await build({
    stdin: {
      contents: machines.map((c) => `export * as ${c} from './src/cli/commands/${c}.ts'`).join('\n'),
      resolveDir: process.cwd(),
      loader: 'ts',
    },
    ...common,
    outfile: join(folder, 'machines.cjs'),
  })
  for (const c of machines)
    writeFileSync(join(folder, `${c}.cjs`), `exports.run=(...given)=>require('./machines.cjs').${c}.run(...given)\n`)
}

if (import.meta.main) await bundle('dist')
