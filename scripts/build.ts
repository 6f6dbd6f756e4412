/**
 * Bundles the command line into dist/: a small entry, a chunk for each command, and what they share once, so that a command loads
 * what it needs and nothing else. What is shared must stay one: a ProblemError is told by its class. A package ships this; a
 * checkout runs the sources. Native code (koffi) stays a dependency.
 */
import { rmSync } from 'node:fs'
import { build } from 'esbuild'

rmSync('dist', { recursive: true, force: true })
await build({
  entryPoints: { slmctl: 'src/cli.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minify: true,
  keepNames: false,
  legalComments: 'none',
  external: ['koffi'],
  // CommonJS packages in the bundle ask for Node's modules by require.
  banner: { js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);" },
})
