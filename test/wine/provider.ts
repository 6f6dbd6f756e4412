/** The WMI library of the tests: built from its C sources, registered in a prefix. */
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../peers/checks.ts'
import { type Place, tree, windowsPath } from './wine.ts'

const locatorKey = 'HKLM\\Software\\Classes\\CLSID\\{4590F811-1D3A-11D0-891F-00AA004B2E24}\\InprocServer32'

/** Builds the library with mingw, from the true header; returns its path. It loads only where ntdll exports `mark`. */
export async function buildProvider(work: string, mark = 'wine_get_version'): Promise<string> {
  const library = join(work, `${mark}.dll`)
  const sources = globSync('test/wine/provider/*.c', { cwd: tree }).sort()
  const strict = [
    '-std=c11',
    '-O1',
    '-g0',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-Wno-unused-parameter',
    '-Wno-cast-function-type',
    '-Wno-sign-compare',
  ]
  const { code, stderr } = await run(
    'x86_64-w64-mingw32-gcc',
    [
      ...strict,
      `-DWINE_MARK="${mark}"`,
      '-shared',
      '-static-libgcc',
      '-o',
      library,
      ...sources,
      '-loleaut32',
      '-lole32',
      '-lwbemuuid',
      '-luuid',
      '-Wl,--kill-at',
    ],
    { cwd: tree, timeoutMs: 120_000 },
  )
  if (code !== 0) throw new Error(`the provider does not build:\n${stderr}`)
  return library
}

/** From now on WMI of this prefix is the library (or whatever file is named). */
export async function registerProvider(place: Place, library: string): Promise<void> {
  for (const [name, value] of [
    ['', windowsPath(library)],
    ['ThreadingModel', 'Both'],
  ] as const) {
    const { code, stderr } = await place.run('reg', [
      'add',
      locatorKey,
      ...(name ? ['/v', name] : ['/ve']),
      '/t',
      'REG_SZ',
      '/d',
      value,
      '/f',
    ])
    if (code !== 0) throw new Error(`reg add: ${code} ${stderr}`)
  }
}
