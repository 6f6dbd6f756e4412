/**
 * Bundles the command line into dist/: one small entry and a chunk for each command, CommonJS, so that a command loads what it
 * needs and nothing else. A package ships this; a checkout runs the sources.
 */
import { rmSync } from 'node:fs'
import { build } from 'esbuild'

rmSync('dist', { recursive: true, force: true })
const commands = ['diagnose', 'explain', 'keys', 'plan', 'demo', 'site']
await build({
  entryPoints: {
    slmctl: 'src/cli.ts',
    ...Object.fromEntries(commands.map((c) => [c, c === 'site' ? 'src/site.ts' : `src/cli/commands/${c}.ts`])),
  },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  minify: true,
  keepNames: false,
  legalComments: 'none',
  define: { 'import.meta.url': '__bundle_url' },
  banner: { js: 'const __bundle_url=require("node:url").pathToFileURL(__filename).href;' },
  plugins: [
    {
      name: 'a command is its own file',
      setup(b) {
        b.onResolve({ filter: /^\.\/commands\/\w+\.ts$/ }, (args) =>
          args.kind === 'dynamic-import' ? { path: `./${args.path.replace(/^.*\/(\w+)\.ts$/, '$1')}.cjs`, external: true } : undefined,
        )
        b.onResolve({ filter: /\/site\.ts$/ }, (args) =>
          args.kind === 'dynamic-import' ? { path: './site.cjs', external: true } : undefined,
        )
      },
    },
  ],
})
