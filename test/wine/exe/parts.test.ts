import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { checkExecutable } from '../../../scripts/build-exe/executable.ts'
import { architectures, isWhole, nodeVersion } from '../../../scripts/build-exe/parts.ts'

test('one Node for all: the one that builds, the one that is pinned, the one inside', () => {
  const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { devDependencies: { node: string } }
  assert.equal(devDependencies.node, nodeVersion)
})

test('koffi for Windows has the version of koffi, and an integrity, for every architecture', () => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, { version: string; integrity: string }>
  }
  for (const architecture of architectures) {
    const binary = packages[`node_modules/@koromix/koffi-win32-${architecture}`]
    assert.equal(binary?.version, packages['node_modules/koffi']?.version)
    assert.match(binary!.integrity, /^sha512-[\w+/]{86}==$/)
  }
})

test('a package with one other byte is not the package', () => {
  const tarball = Buffer.from('a package')
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
  assert.ok(isWhole(tarball, integrity))
  assert.ok(!isWhole(Buffer.from('A package'), integrity))
})

/** The least of a 64-bit Windows program: headers, one section, a load configuration in it. */
function program(loadFlags: number, signed: boolean): Buffer {
  const file = Buffer.alloc(1024)
  file.writeUInt32LE(0x80, 0x3c)
  file.writeUInt32LE(0x4550, 0x80)
  file.writeUInt16LE(1, 0x86)
  file.writeUInt16LE(240, 0x94)
  const optional = 0x98
  file.writeUInt16LE(0x20b, optional)
  const directory = (index: number) => optional + 112 + 8 * index
  file.writeUInt32LE(signed ? 0x300 : 0, directory(4))
  file.writeUInt32LE(0x1000, directory(10))
  const section = optional + 240
  for (const [at, value] of [
    [8, 0x200],
    [12, 0x1000],
    [16, 0x200],
    [20, 0x200],
  ] as const)
    file.writeUInt32LE(value, section + at)
  file.writeUInt32LE(0x140, 0x200)
  file.writeUInt16LE(loadFlags, 0x200 + 78)
  return file
}

test('what is built is unsigned and takes libraries from System32 only, or is not built', () => {
  checkExecutable(program(0x800, false))
  assert.throws(() => checkExecutable(program(0x800, true)), /signature/)
  assert.throws(() => checkExecutable(program(0, false)), /its own folder/)
  assert.throws(() => checkExecutable(Buffer.alloc(1024)), /no 64-bit Windows program/)
})
