/**
 * The first lines of the single file. The bundle's files are assets; each is compiled when it is asked for, so that a command loads
 * what it needs and nothing else. What is compiled here may ask for other files of the bundle and for Node's own modules.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { getAsset, getAssetKeys } from 'node:sea'
import { compileFunction } from 'node:vm'

type Main = { readonly main: (argv: readonly string[]) => Promise<number> }
declare const __about: string
/** Files with which several are loaded at once, and the pack that holds them all. */
declare const __packOf: Readonly<Record<string, string>>

/** kernel32: LOAD_LIBRARY_SEARCH_SYSTEM32. */
const searchSystem32 = 0x800

/**
 * What is loaded from now on comes from System32, never from the folder of this file or the working directory. From then on Node
 * loads by whole paths only, so the one of kernel32.dll is kept for those who come later (src/native/unpack-windows.ts).
 */
function librariesOfTheSystem(): void {
  const { dlopen } = process.getBuiltinModule('node:ffi')
  const { functions } = dlopen('kernel32.dll', {
    GetSystemDirectoryW: { arguments: ['buffer', 'u32'], return: 'u32' },
    SetDefaultDllDirectories: { arguments: ['u32'], return: 'i32' },
    SetDllDirectoryW: { arguments: ['buffer'], return: 'i32' },
  })
  const room = Buffer.alloc(1024)
  const length = 2 * functions.GetSystemDirectoryW(room, room.length / 2)
  Object.defineProperty(globalThis, Symbol.for('slmctl.systemDirectory'), { value: room.toString('utf16le', 0, length) })
  const done = functions.SetDefaultDllDirectories(searchSystem32) !== 0 && functions.SetDllDirectoryW(Buffer.alloc(2)) !== 0
  if (done && length > 0 && length < room.length) return
  process.stderr.write('slmctl: Windows does not let this process load its own libraries only. Nothing was done.\n')
  process.exit(2)
}

const modules = new Map<string, { exports: unknown }>()

/** Where the bundle's files say they are: nothing is there, but for the examples while they are shown. */
let folder = join(dirname(process.execPath), 'dist')

/** Modules of Node's own that take a while to load, and that many a run imports and never uses: loaded when one of their names is. */
const heavy: ReadonlySet<string> = new Set([
  ...['child_process', 'crypto', 'dgram', 'dns', 'dns/promises', 'fs/promises', 'http', 'https', 'net', 'readline', 'tls', 'zlib'],
])

function builtinModule(name: string): object | undefined {
  if (!heavy.has(name.replace(/^node:/, ''))) return process.getBuiltinModule(name)
  const real = () => process.getBuiltinModule(name)!
  const described = (key: string | symbol) => {
    const found = Reflect.getOwnPropertyDescriptor(real(), key)
    return found && { ...found, configurable: true }
  }
  return new Proxy(
    {},
    {
      get: (_, key) => Reflect.get(real(), key),
      has: (_, key) => Reflect.has(real(), key),
      ownKeys: () => Reflect.ownKeys(real()),
      getOwnPropertyDescriptor: (_, key) => described(key),
    },
  )
}

function load(name: string): unknown {
  const builtin = name.startsWith('./') ? undefined : builtinModule(name)
  if (builtin) return builtin
  const known = modules.get(name)
  if (known) return known.exports
  const file = name.replace(/^\.\//, '')
  const module = { exports: {} as unknown }
  modules.set(name, module)
  functionOf(file)(module.exports, load, module, join(folder, file), folder)
  return module.exports
}

type ModuleFunction = (exports: unknown, require: typeof load, module: object, filename: string, dirname: string) => void
const packed = new Map<string, ModuleFunction>()

/** A file of the bundle as a function, from a pack where it is in one: one file is read and compiled sooner than forty. */
function functionOf(file: string): ModuleFunction {
  const pack = __packOf[file]
  if (pack !== undefined && !packed.has(file)) {
    const unpack = compileFunction(getAsset(pack, 'utf8'), [], { filename: join(folder, pack) }) as () => Record<string, ModuleFunction>
    for (const [name, run] of Object.entries(unpack())) packed.set(name, run)
  }
  const parameters = ['exports', 'require', 'module', '__filename', '__dirname']
  return (
    packed.get(file) ?? (compileFunction(getAsset(file, 'utf8'), parameters, { filename: join(folder, file) }) as unknown as ModuleFunction)
  )
}

/** The texts that `demo --texts` reads are files: they are put into a folder that goes away. */
function unpackExamples(): void {
  const home = mkdtempSync(join(tmpdir(), 'slmctl-examples-'))
  process.on('exit', () => rmSync(home, { recursive: true, force: true }))
  folder = join(home, 'dist')
  mkdirSync(join(home, 'examples'))
  for (const key of getAssetKeys()) {
    if (key.startsWith('examples/')) writeFileSync(join(home, key), Buffer.from(getAsset(key)))
  }
}

const words = process.argv.slice(2)
if (process.platform === 'win32') librariesOfTheSystem()
if (words.length === 1 && (words[0] === '--version' || words[0] === '-V'))
  process.stdout.write(`${__about}\nslmctl --licenses: the licences of what is inside.\n`)
else if (words.length === 1 && words[0] === '--licenses') process.stdout.write(getAsset('LICENSES.txt', 'utf8'))
else {
  if (words[0] === 'demo' && words.includes('--texts'))
    unpackExamples()
    // The bundle has long lines: of a fault in it, say where, and spare people the line itself.
  ;(load('./slmctl.cjs') as Main).main(words).catch((error: unknown) => {
    process.stderr.write(`slmctl has a fault:\n${error instanceof Error ? error.stack : String(error)}\n`)
    process.exitCode = 2
  })
}
