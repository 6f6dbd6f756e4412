/**
 * The single file, as it is handed to people: built here, and a copy of it run under Wine. What it unpacks, what it refuses to load,
 * what it does not listen to, and how soon it answers. The decisions of unpacking are tested without Wine, too (unpack.test.ts).
 */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildExe } from '../../../scripts/build-exe.ts'
import { version } from '../../../src/cli/version.ts'
import { check, run as command } from '../../peers/checks.ts'
import { type Ended, type How, tree, type Wine, windowsPath } from '../wine.ts'
import { bench } from './bench.ts'
import { type OneFile, oneFile } from './built.ts'
import { commands } from './commands.ts'
import { journey } from './journey.ts'
import { round } from './round.ts'

/** One single file in one prefix. */
export type Exe = {
  readonly wine: Wine
  readonly path: string
  readonly run: (args: readonly string[], how?: How) => Promise<Ended>
}

export async function run(wine: Wine): Promise<void> {
  const folder = join(wine.work, 'exe')
  const built = await build(wine, folder)
  if (!built) return
  const path = built.runs
  const exe: Exe = { wine, path, run: (args, how) => wine.plain.run(path, args, how) }
  await answers(exe)
  await unpacking(exe)
  await planted(exe)
  await surroundings(exe)
  await bench(exe)
  await journey(exe)
  await commands(exe)
  await round(exe)
}

async function build(wine: Wine, folder: string): Promise<OneFile | null> {
  let built: OneFile | null = null
  await check('npm run build:exe makes both, and the same bytes in another folder', async () => {
    const elsewhere = join(folder, 'two')
    const arm64 = (name: string) => buildExe('arm64', join(folder, name))
    const [one, again, arm, armAgain] = await Promise.all([oneFile(wine), buildExe('x64', elsewhere), arm64('one'), arm64('two')])
    for (const [file, other] of [
      [one.built, again],
      [arm, armAgain],
    ] as const)
      assert.ok(readFileSync(file).equals(readFileSync(other)), `${file} differs`)
    assert.ok(readFileSync(arm).includes(Buffer.from('never run by those who made it', 'utf16le')))
    rmSync(elsewhere, { recursive: true })
    rmSync(arm)
    built = one
  })
  return built
}

/** What the command line says on Linux, from the sources. */
const sources = (args: readonly string[]) => command(process.execPath, ['bin/slmctl.cjs', ...args], { cwd: tree })

async function answers({ run }: Exe): Promise<void> {
  await check('slmctl.exe --version says what it is', async () => {
    const { code, stdout, stderr } = await run(['--version'])
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(
      stdout,
      new RegExp(
        `^${version.replaceAll('.', '\\.')} \\(one file for win-x64: Node\\.js [\\d.]+, Koffi [\\d.]+\\)\\nslmctl --licenses: .*\\n$`,
      ),
    )
    const texts = await run(['--licenses'])
    for (const inside of ['koffi', 'zod', 'saxes', 'fflate', 'Node.js']) assert.match(texts.stdout, new RegExp(`^${inside}[ ,]`, 'm'))
  })
  const text = 'examples/10-server2019-std-skms-external-ato-c004f074-transcript.txt'
  for (const args of [
    ['--help'],
    ['help', 'apply'],
    ['explain', '0xC004F074'],
    ['keys', 'server', '2022'],
    ['diagnose', text],
    ['diagnose', '--json', '--site', 'examples/slmctl.yaml', text],
    ['diagnose', 'missing.txt'],
    ['site', 'schema'],
    ['plan', '--from', text, '--site', 'examples/slmctl.yaml'],
    ['status', 'pc', '--site', 'missing.yaml'],
    ['apply', '--plan', 'missing.json'],
    ['audit', '--from-recording', 'missing.json'],
    ['image', '--product', 'nonsense', '--out', 'missing'],
    ['offline', 'nonsense'],
    ['lab', '--help'],
    ['demo', '--texts'],
    ['nonsense'],
  ]) {
    await check(`slmctl.exe ${args.join(' ')} says what the sources say`, async () => {
      const [ours, theirs] = [await run(args), await sources(args)]
      assert.deepEqual(
        { code: ours.code, stdout: ours.stdout, stderr: ours.stderr },
        {
          code: theirs.code,
          stdout: theirs.stdout,
          stderr: theirs.stderr,
        },
      )
    })
  }
}

/** Folders of the system, as Linux sees them. */
const programs = ({ wine }: Exe) => join(wine.plain.prefix, 'drive_c', 'Program Files', 'slmctl')
const own = ({ wine }: Exe) => {
  const users = join(wine.plain.prefix, 'drive_c', 'users')
  const name = readdirSync(users).find((n) => n !== 'Public')!
  return join(users, name, 'AppData', 'Local', 'slmctl')
}
/** Every file below a folder. */
const files = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((e) => (e.isDirectory() ? [] : [join(e.parentPath, e.name)]))
    : []
const forget = (exe: Exe) => {
  for (const folder of [programs(exe), own(exe)]) rmSync(folder, { recursive: true, force: true })
}

/** Asks this computer, which needs koffi; Wine's own WMI has no licensing service, so that the answer is no verdict. */
const ask = ['status', '--json'] as const
const asked = ({ stdout, stderr }: Ended) => {
  const told = JSON.parse(stdout) as {
    problems?: { code: string; file: string }[]
    machines?: { ok: boolean; problem?: { code: string } }[]
  }
  if (told.machines) assert.ok(!/NATIVE|MODULE/.test(told.machines[0]?.problem?.code ?? ''), stdout)
  return { told, problem: told.problems?.[0] ?? null, stderr }
}
const loadedKoffi = (ended: Ended) => assert.ok(asked(ended).told.machines, ended.stdout + ended.stderr)
const refused = (ended: Ended, what: RegExp) => {
  assert.equal(ended.code, 2)
  const { problem } = asked(ended)
  assert.equal(problem?.code, 'NATIVE_TAMPERED', ended.stdout)
  assert.match(ended.stdout, what)
}

const elevatedNode = ['--experimental-ffi', '--no-warnings'] as const

async function unpacking(exe: Exe): Promise<void> {
  const unelevated = (args: readonly string[]) =>
    exe.wine.plain.node([...elevatedNode, windowsPath(join(tree, 'test/wine/exe/unelevated.cjs')), windowsPath(exe.path), ...args])
  await check('an administrator gets koffi from Program Files, whatever the environment says', async () => {
    forget(exe)
    const evil = windowsPath(join(exe.wine.work, 'exe', 'evil'))
    const env = { ProgramFiles: evil, ProgramW6432: evil, LOCALAPPDATA: evil, APPDATA: evil, USERPROFILE: evil, SystemRoot: evil }
    // Wine needs the true SystemRoot to start a program; it is the others that name the folders.
    const { SystemRoot: _, ...may } = env
    loadedKoffi(await exe.run(ask, { env: may }))
    assert.equal(files(programs(exe)).length, 1)
    assert.deepEqual(files(own(exe)), [])
    assert.deepEqual(files(join(exe.wine.work, 'exe', 'evil')), [])
  })
  await check('a second run takes what is there', async () => {
    const [file] = files(programs(exe))
    const before = readFileSync(file!)
    loadedKoffi(await exe.run(ask))
    assert.deepEqual(files(programs(exe)), [file])
    assert.ok(readFileSync(file!).equals(before))
  })
  await check('others use what an administrator unpacked', async () => {
    loadedKoffi(await unelevated(ask))
    assert.deepEqual(files(own(exe)), [])
  })
  await check('without that, their own local application data', async () => {
    forget(exe)
    loadedKoffi(await unelevated(ask))
    assert.equal(files(own(exe)).length, 1)
    assert.deepEqual(files(programs(exe)), [])
  })
  await check('eight at once: each gets it, and one file is left', async () => {
    for (let round = 0; round < 3; round++) {
      forget(exe)
      for (const ended of await Promise.all(Array.from({ length: 8 }, () => exe.run(ask, { timeoutMs: 120_000 })))) loadedKoffi(ended)
      assert.equal(files(programs(exe)).length, 1)
    }
  })
}

async function planted(exe: Exe): Promise<void> {
  const mark = join(exe.wine.work, 'exe', 'mark')
  const env = { SLMCTL_TEST_MARK: windowsPath(mark) }
  const evil = join(exe.wine.work, 'exe', 'planted.dll')
  await check('the planted library marks whoever loads it', async () => {
    const { code, stderr } = await command('x86_64-w64-mingw32-gcc', ['-shared', '-o', evil, join(tree, 'test/wine/exe/planted.c')])
    assert.equal(code, 0, stderr)
    await exe.wine.plain.node(['-e', `try { process.dlopen({ exports: {} }, ${JSON.stringify(windowsPath(evil))}) } catch {}`], { env })
    assert.ok(existsSync(mark))
    rmSync(mark)
  })
  forget(exe)
  loadedKoffi(await exe.run(ask))
  const [file] = files(programs(exe)) as [string]
  const right = readFileSync(file)
  const unharmed = async (what: RegExp) => {
    refused(await exe.run(ask, { env }), what)
    assert.ok(!existsSync(mark), 'it was loaded')
  }
  await check('another library in its place is not loaded and not overwritten', async () => {
    cpSync(evil, file)
    await unharmed(/its content is another one/)
    assert.ok(readFileSync(file).equals(readFileSync(evil)))
    assert.deepEqual(files(programs(exe)), [file])
  })
  await check('whatever needs the library first says so', async () => {
    const made = windowsPath(join(exe.wine.work, 'exe', 'signer.key'))
    for (const args of [['offline', 'signer', made], ['demo'], ['schedule', 'install', '--site', 'examples/slmctl.yaml'], ['plan']])
      refused(await exe.run([...args, '--json'], { env }), /its content is another one/)
    assert.ok(!existsSync(mark), 'it was loaded')
  })
  await check('one changed byte is enough', async () => {
    const changed = Buffer.from(right)
    changed[changed.length - 1]! ^= 1
    writeFileSync(file, changed)
    await unharmed(/its content is another one/)
  })
  await check('a folder in its place', async () => {
    rmSync(file)
    mkdirSync(file)
    await unharmed(/no ordinary file/)
    rmSync(file, { recursive: true })
  })
  await check('a file in place of its folder', async () => {
    rmSync(dirname(file), { recursive: true })
    writeFileSync(dirname(file), 'a file')
    await unharmed(/no folder/)
    rmSync(dirname(file))
  })
  await check('the right content, but open for writing by somebody else', async () => {
    mkdirSync(dirname(file))
    writeFileSync(file, right)
    const ready = join(exe.wine.work, 'exe', 'ready')
    const holds = `const f = require('node:fs'); f.openSync(${JSON.stringify(windowsPath(file))}, 'r+')
      f.writeFileSync(${JSON.stringify(windowsPath(ready))}, ''); setTimeout(() => {}, 15_000)`
    const holder = exe.wine.plain.node(['-e', holds], { timeoutMs: 30_000 })
    while (!existsSync(ready)) await new Promise((go) => setTimeout(go, 50))
    refused(await exe.run(ask, { env }), /open for writing/)
    await holder
    loadedKoffi(await exe.run(ask, { env }))
  })
  await check('what is quick needs no library and is not kept from its work', async () => {
    cpSync(evil, file)
    assert.equal((await exe.run(['explain', '0xC004F074'], { env })).code, 0)
    assert.ok(!existsSync(mark))
  })
  forget(exe)
}

/** What whoever starts a process may set or put beside it. */
async function surroundings(exe: Exe): Promise<void> {
  const mark = join(exe.wine.work, 'exe', 'mark')
  const evil = join(exe.wine.work, 'exe', 'planted.dll')
  const loader = join(exe.wine.work, 'exe', 'loader.cjs')
  writeFileSync(loader, `require('node:fs').writeFileSync(process.env.SLMCTL_TEST_MARK, '')\n`)
  const openssl = join(exe.wine.work, 'exe', 'openssl.cnf')
  const module = windowsPath(evil).replaceAll('\\', '\\\\')
  writeFileSync(openssl, `nodejs_conf = a\nopenssl_conf = a\n[a]\nproviders = b\n[b]\nplanted = c\n[c]\nmodule = ${module}\nactivate = 1\n`)
  for (const [name, value] of [
    ['NODE_OPTIONS', `--require ${windowsPath(loader).replaceAll('\\', '/')}`],
    ['OPENSSL_CONF', windowsPath(openssl)],
  ] as const) {
    await check(`${name} is not heard`, async () => {
      const env = { SLMCTL_TEST_MARK: windowsPath(mark), [name]: value }
      await exe.wine.plain.run(exe.wine.node.runs, ['-e', 'require("node:crypto").createHash("sha256")'], { env })
      assert.ok(existsSync(mark), 'Node itself hears it: else this proves nothing')
      rmSync(mark)
      loadedKoffi(await exe.run(ask, { env }))
      assert.ok(!existsSync(mark))
    })
  }
  await check('libraries beside it and in the working directory are not loaded', async () => {
    const env = { SLMCTL_TEST_MARK: windowsPath(mark), WINEDLLOVERRIDES: 'mscoree,mshtml=;secur32,wbemprox,fastprox=n,b' }
    const cwd = join(exe.wine.work, 'exe', 'cwd')
    mkdirSync(cwd, { recursive: true })
    for (const folder of [cwd, dirname(exe.path)]) for (const name of ['secur32.dll', 'fastprox.dll']) cpSync(evil, join(folder, name))
    const load = `const m = require('node:ffi'); try { m.dlopen('fastprox.dll') } catch {}`
    await exe.wine.plain.run(exe.wine.node.runs, ['--experimental-ffi', '-e', load], { env, cwd })
    assert.ok(existsSync(mark), 'Node itself loads it from the working directory: else this proves nothing')
    rmSync(mark)
    loadedKoffi(await exe.run(ask, { env, cwd }))
    assert.ok(!existsSync(mark))
    for (const folder of [cwd, dirname(exe.path)]) for (const name of ['secur32.dll', 'fastprox.dll']) rmSync(join(folder, name))
  })
}
