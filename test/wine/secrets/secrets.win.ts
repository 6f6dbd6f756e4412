import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { usualSiteFile } from '../../../src/app/usual-site.ts'
import { ProblemError } from '../../../src/model.ts'
import { loadForeign, wide } from '../../../src/native/foreign.ts'
import { accessList, foreignOwner, others, ownIdentifier, secureFolder } from '../../../src/native.ts'
import { readSecret, writeSecretFile } from '../../../src/secrets.ts'

const shown = async (reference: Parameters<typeof readSecret>[0]) =>
  (await readSecret(reference)).use((b) => Buffer.from(b).toString('utf8'))

/** Puts a generic credential into the store, as cmdkey does: wincred.h, CredWriteW. */
async function store(target: string, user: string, secret: string): Promise<void> {
  const foreign = await loadForeign()
  const arena = foreign.arena(4096)
  try {
    const blob = Buffer.from(secret, 'utf16le')
    const credential = arena.room(80)
    const at = arena.at(credential)
    at.writeUInt32LE(1, 4)
    at.writeBigUInt64LE(wide(arena, target), 8)
    at.writeUInt32LE(blob.length, 32)
    at.writeBigUInt64LE(arena.bytes(blob), 40)
    at.writeUInt32LE(1, 48)
    at.writeBigUInt64LE(wide(arena, user), 72)
    assert.notEqual(foreign.func('advapi32.dll', 'CredWriteW', 'pu').now(credential, 0), 0)
  } finally {
    arena.free()
  }
}

test('Credential Manager: a generic credential by service and account', async () => {
  await store('slmctl-test/lab', 'lab', 'Pässwörd 🔑')
  assert.equal(await shown({ keyring: { service: 'slmctl-test', account: 'lab' } }), 'Pässwörd 🔑')
  await assert.rejects(
    readSecret({ keyring: { service: 'slmctl-test', account: 'nobody' } }),
    /has no generic credential slmctl-test\/nobody/,
  )
})

/** Gives a file an access list of its own; Wine hands none on from the folder. */
async function protect(file: string, sddl: string): Promise<void> {
  const foreign = await loadForeign()
  const arena = foreign.arena(4096)
  try {
    const out = arena.room(8)
    const made = foreign.func('advapi32.dll', 'ConvertStringSecurityDescriptorToSecurityDescriptorW', 'pupp')
    assert.notEqual(made.now(wide(arena, sddl), 1, out, null), 0)
    assert.notEqual(foreign.func('advapi32.dll', 'SetFileSecurityW', 'pup').now(wide(arena, file), 4, arena.pointer(out)), 0)
  } finally {
    arena.free()
  }
}

test('a file with a secret: read where only administrators may, refused where all users may', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-secret-'))
  try {
    for (const [name, sddl, open] of [
      ['own', 'D:P(A;;FA;;;BA)(A;;FA;;;SY)', false],
      ['open', 'D:P(A;;FA;;;BA)(A;;FR;;;WD)', true],
    ] as const) {
      const file = join(folder, name)
      writeFileSync(file, 'secret\r\n')
      await protect(file, sddl)
      if (open) await assert.rejects(readSecret({ file }), /Others than its owner may read the file .*: everybody/)
      else assert.equal(await shown({ file }), 'secret')
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a secret is written to a file of one’s own in a folder that everybody may read, and is not written over', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-secret-'))
  try {
    const [file, plain] = [join(folder, 'sécret'), join(folder, 'plain')]
    writeFileSync(plain, 'secret')
    assert.equal(others(await accessList(plain), 'read'), 'everybody', 'else this proves nothing')
    await writeSecretFile(file, Buffer.from('secret\r\n'))
    assert.equal(others(await accessList(file), 'read'), null)
    assert.equal(others(await accessList(file), 'write'), null)
    assert.equal(await shown({ file }), 'secret')
    await assert.rejects(writeSecretFile(file, Buffer.from('another')), /is there already/)
    await assert.rejects(writeSecretFile(join(folder, 'missing', 'file'), Buffer.from('another')), /is its folder there/)
    assert.equal(await shown({ file }), 'secret')
    await writeSecretFile(join(folder, 'large'), Buffer.alloc(60_000, 'x'))
    assert.equal((await shown({ file: join(folder, 'large') })).length, 60_000)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('what one wrote is one’s own, by the identifier that Windows tells', async () => {
  const me = await ownIdentifier()
  assert.match(me, /^S-1-5-[\d-]+$/)
  const file = join(mkdtempSync(join(tmpdir(), 'slmctl-owner-')), 'mine.txt')
  writeFileSync(file, '')
  assert.equal(foreignOwner(await accessList(file), me), null)
  assert.notEqual(foreignOwner(await accessList(file), 'S-1-5-21-9-9-9-1009'), null)
})

test('a site file that nobody named is taken from a folder of one’s own, and not where everybody may write', async () => {
  const before = process.cwd()
  const base = mkdtempSync(join(tmpdir(), 'slmctl-usual-'))
  try {
    const closed = join(base, 'closed')
    await secureFolder(closed, 'owner-only')
    process.chdir(closed)
    writeFileSync('slmctl.yaml', '')
    assert.equal(await usualSiteFile(), 'slmctl.yaml')
    process.chdir(base)
    writeFileSync('slmctl.yaml', '')
    await protect(join(base, 'slmctl.yaml'), 'D:P(A;;FA;;;BA)(A;;FA;;;WD)')
    await assert.rejects(usualSiteFile(), (e) => e instanceof ProblemError && e.problems[0]!.code === 'SITE_NOT_YOURS')
  } finally {
    process.chdir(before)
  }
})
