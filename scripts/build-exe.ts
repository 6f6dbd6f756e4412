/**
 * `npm run build:exe [-- --out FOLDER] [x64|arm64 …]`: one file for Windows with everything inside, made on Linux from packages of
 * npm and nothing else (docs/decisions/009-one-file.md). The same sources and packages give the same bytes.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { commands } from '../src/cli/commands.ts'
import { version } from '../src/cli/version.ts'
import { bundle, meanwhileFiles } from './build.ts'
import { checkExecutable, prepared } from './build-exe/executable.ts'
import { type Architecture, architectures, nodeVersion, partsFor } from './build-exe/parts.ts'

/** Everybody who builds says so: it cannot be known here who will ship it. */
const unsigned = 'They are not signed: whoever ships them signs them (signtool sign /fd SHA256 /tr … FILE), after any other change.'

export async function buildExe(architecture: Architecture, folder: string): Promise<string> {
  if (process.version !== `v${nodeVersion}`) throw new Error(`Node ${nodeVersion} builds the single file; this is ${process.version}.`)
  const fileName = `slmctl-win-${architecture}.exe`
  const { node, koffi, koffiVersion } = partsFor(architecture, join('node_modules', '.cache', 'slmctl-exe'))
  const work = mkdtempSync(join(tmpdir(), 'slmctl-exe-'))
  try {
    const inside = `${version} (one file for win-${architecture}: Node.js ${nodeVersion}, Koffi ${koffiVersion})`
    const about = architecture === 'x64' ? inside : `${inside}\nBuilt, but never run by those who made it: please tell them how it went.`
    writeFileSync(join(work, 'node.exe'), prepared(node, { version, fileName, comments: about.replace('\n', ' ') }))
    await bundle(join(work, 'dist'))
    const packOf = packs(join(work, 'dist'))
    await build({
      entryPoints: ['scripts/build-exe/main.ts'],
      bundle: true,
      platform: 'node',
      target: 'node26',
      format: 'cjs',
      minify: true,
      define: { __about: JSON.stringify(about), __packOf: JSON.stringify(packOf) },
      outfile: join(work, 'main.cjs'),
    })
    writeFileSync(join(work, 'koffi.node'), koffi)
    const hash = createHash('sha256').update(koffi).digest('hex')
    writeFileSync(join(work, 'koffi.sha256'), hash)
    // Relative paths: they are kept in the file, and must be the same wherever it is built.
    const assets: Record<string, string> = { 'koffi.node': 'koffi.node', 'koffi.sha256': 'koffi.sha256' }
    for (const name of readdirSync(join(work, 'dist')).sort()) assets[name] = `dist/${name}`
    mkdirSync(join(work, 'examples'))
    for (const name of readdirSync('examples').sort()) {
      writeFileSync(join(work, 'examples', name), readFileSync(join('examples', name)))
      assets[`examples/${name}`] = `examples/${name}`
    }
    const configuration = {
      main: 'main.cjs',
      mainFormat: 'commonjs',
      executable: 'node.exe',
      output: fileName,
      disableExperimentalSEAWarning: true,
      useSnapshot: false,
      // Both would have to be made by the very node.exe that runs them, on Windows.
      useCodeCache: false,
      // OPENSSL_CONF is not heard either: it can name a library. NUL is empty.
      execArgv: ['--openssl-config=NUL', '--experimental-ffi', '--disable-warning=ExperimentalWarning'],
      // NODE_OPTIONS of whoever starts it is not heard: it could load code into a process of an administrator.
      execArgvExtension: 'none',
      assets,
    }
    writeFileSync(join(work, 'sea.json'), JSON.stringify(configuration))
    execFileSync(process.execPath, ['--build-sea', 'sea.json'], { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] })
    const made = readFileSync(join(work, fileName))
    checkExecutable(made)
    mkdirSync(folder, { recursive: true })
    const output = resolve(folder, fileName)
    writeFileSync(output, made, { mode: 0o755 })
    return output
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/**
 * Writes packs: what a command loads at once as one file, and what is loaded while a run waits as another, a function for each file
 * of the bundle. What may be loaded later than that stays by itself. Gives the pack of each file that begins one.
 */
function packs(folder: string): Readonly<Record<string, string>> {
  const closure = (files: readonly string[], without: ReadonlyMap<string, string>) => {
    const texts = new Map<string, string>()
    const add = (file: string) => {
      if (texts.has(file) || without.has(file)) return
      const text = readFileSync(join(folder, file), 'utf8')
      texts.set(file, text)
      for (const [, part] of text.matchAll(/\brequire\("\.\/(part-\w+\.cjs)"\)/g)) add(part!)
    }
    for (const file of files) add(file)
    return texts
  }
  const write = (pack: string, texts: ReadonlyMap<string, string>) => {
    // In brackets, which tells V8 that each is called soon: it is then compiled at once and not looked through first.
    const functions = [...texts].map(
      ([file, text]) => `${JSON.stringify(file)}:(function(exports,require,module,__filename,__dirname){${text}\n})`,
    )
    writeFileSync(join(folder, pack), `return{${functions.join(',\n')}}`)
  }
  const begins: Record<string, string> = {}
  const none: ReadonlyMap<string, string> = new Map()
  for (const { name } of commands) {
    const texts = closure([`${name}.cjs`], none)
    if (texts.size === 1) continue
    begins[`${name}.cjs`] = `${name}.pack`
    write(`${name}.pack`, texts)
  }
  // Whoever judges machines has what status has.
  write('meanwhile.pack', closure(meanwhileFiles, closure(['status.cjs'], none)))
  for (const file of meanwhileFiles) begins[file] = 'meanwhile.pack'
  return begins
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({ options: { out: { type: 'string', default: 'dist' } }, allowPositionals: true })
  const unknown = positionals.find((name) => !architectures.includes(name as Architecture))
  if (unknown !== undefined) throw new Error(`there is no ${unknown}: ${architectures.join(', ')}`)
  const wanted = architectures.filter((a) => positionals.length === 0 || positionals.includes(a))
  for (const architecture of wanted) {
    const file = await buildExe(architecture, values.out)
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex')
    console.log(`${file}  ${(statSync(file).size / 1e6).toFixed(1)} MB  SHA-256 ${sha256}`)
  }
  if (wanted.includes('arm64')) console.log('The one for arm64 was never run: there is nothing here to run it on.')
  console.log(unsigned)
}
