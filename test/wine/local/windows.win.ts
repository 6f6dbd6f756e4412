import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadForeign, wide } from '../../../src/native/foreign.ts'
import { computerName, isElevated, NativeError, secureFolder } from '../../../src/native.ts'

/** Under Wine everybody is an administrator, and access lists are kept but not held against anybody: only what is written is proved. */

/** The security descriptor of a path as SDDL, asked by other functions than the ones that set it. */
async function sddlOf(path: string): Promise<string> {
  const foreign = await loadForeign()
  const arena = foreign.arena(16_384)
  try {
    const [descriptor, needed, text, length] = [arena.room(4096), arena.room(4), arena.room(8), arena.room(4)]
    const information = 1 | 4
    assert.notEqual(
      foreign.func('advapi32.dll', 'GetFileSecurityW', 'pupup').now(wide(arena, path), information, descriptor, 4096, needed),
      0,
    )
    assert.notEqual(
      foreign
        .func('advapi32.dll', 'ConvertSecurityDescriptorToStringSecurityDescriptorW', 'puupp')
        .now(descriptor, 1, information, text, length),
      0,
    )
    return foreign
      .copy(arena.pointer(text)!, 2 * arena.u32(length))
      .toString('utf16le')
      .replace(/\0.*$/s, '')
  } finally {
    arena.free()
  }
}

test('who the process is, and what the computer is called', async () => {
  assert.equal(await isElevated(), true)
  assert.equal((await computerName()).toLowerCase().split('.')[0], hostname().toLowerCase().split('.')[0])
})

/**
 * Wine makes file modes of an access list and the list of those modes: who is in it is what can be seen, and neither inheritance,
 * protection nor an owner that is a group.
 */
test('a folder is made with its access list, and one that is there gets it', async () => {
  const base = mkdtempSync(join(tmpdir(), 'slmctl-'))
  const path = join(base, 'made')
  const everybody = /;;;(?:BU|WD)\)/
  await secureFolder(path, 'administrators-only')
  assert.doesNotMatch(await sddlOf(path), everybody)
  writeFileSync(join(path, 'kept.txt'), 'kept')
  await secureFolder(path, 'administrators-write')
  await secureFolder(path, 'administrators-only')
  assert.deepEqual(readdirSync(path), ['kept.txt'])

  const mine = join(base, 'mine')
  mkdirSync(mine)
  await secureFolder(mine, 'owner-only')
  assert.doesNotMatch(await sddlOf(mine), everybody)
})

test('a file, a folder whose parent is missing, or a path with no folder is refused in one sentence', async () => {
  const base = mkdtempSync(join(tmpdir(), 'slmctl-'))
  writeFileSync(join(base, 'file'), '')
  const refusal = (path: string, says: RegExp) =>
    assert.rejects(secureFolder(path, 'administrators-only'), (error) => error instanceof NativeError && says.test(error.message))
  await refusal(join(base, 'file'), /it is a file/)
  await refusal(join(base, 'missing', 'below'), /is the folder above there/)
  await assert.rejects(secureFolder('', 'owner-only'), NativeError)
})
