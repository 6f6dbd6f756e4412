/**
 * Bundles the command line into dist/, CommonJS, which starts faster than modules: a small entry, a file for each command that
 * must be there at once, and one for the commands that talk to machines, so that a command loads what it needs and nothing else.
 * What stands in two files is two classes; a ProblemError is therefore told by its mark (model.ts). A package ships this; a
 * checkout runs the sources. Native code (koffi) stays a dependency.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { type BuildOptions, build } from 'esbuild'

const quick = ['diagnose', 'explain', 'keys']
const machines = ['status', 'plan', 'apply', 'audit', 'schedule', 'image', 'offline', 'site', 'lab', 'demo']

const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  minify: true,
  keepNames: false,
  legalComments: 'none',
  external: ['koffi'],
  define: { 'import.meta.url': '__bundle_url' },
  banner: { js: 'const __bundle_url=require("node:url").pathToFileURL(__filename).href;' },
}

rmSync('dist', { recursive: true, force: true })
await build({
  entryPoints: {
    slmctl: 'src/cli.ts',
    'site-file': 'src/site.ts',
    ...Object.fromEntries(quick.map((c) => [c, `src/cli/commands/${c}.ts`])),
  },
  ...common,
  outdir: 'dist',
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
  outfile: 'dist/machines.cjs',
})
for (const c of machines) writeFileSync(`dist/${c}.cjs`, `exports.run=(...given)=>require('./machines.cjs').${c}.run(...given)\n`)
