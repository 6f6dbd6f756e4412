import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadForeign, wide } from '../../../src/native/foreign.ts'
import { secureFolder } from '../../../src/native.ts'
import { readSecret } from '../../../src/secrets.ts'

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

test('a file with a secret: in a folder of one’s own it is read, in one that all users may read it is refused', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slmctl-secret-'))
  try {
    for (const [who, open] of [
      ['owner-only', false],
      ['administrators-only', false],
      ['administrators-write', true],
    ] as const) {
      const inside = join(folder, who)
      await secureFolder(inside, who)
      const file = join(inside, 'password')
      writeFileSync(file, 'secret\r\n')
      if (open) await assert.rejects(readSecret({ file }), /Others than its owner may read/)
      else assert.equal(await shown({ file }), 'secret')
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
