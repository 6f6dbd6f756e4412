/** Somebody who is called at the provider like somebody else. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFleet } from '../../src/app.ts'
import { ran } from '../support/ran.ts'

test('is disabled along with them: no name saves anybody from it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'slmctl-names-'))
  const file = join(directory, 'fleet.db')
  const store = await openFleet(file, true)
  try {
    const person = async (kind: 'local' | 'openid', subject: string | null, name: string) =>
      (await store.saveAccount({ kind, subject, name, role: 'approver', secret: null, at: 1 })).id
    await person('local', null, 'admin')
    for (const subject of ['["https://idp","1"]', '["https://idp","2"]']) await person('openid', subject, 'kim')
    const intruder = await person('openid', '["https://idp","3"]', 'admin')
    await store.saveSession({ hash: 'h', account: intruder, createdAt: 1, endsAt: Date.now() + 60_000, by: 'openid' })
    for (const name of ['admin', 'kim']) assert.equal((await ran(['accounts', 'disable', name, '--store', file])).code, 0)
    assert.ok((await store.accounts()).every((a) => a.disabledAt !== null))
    assert.equal(await store.session('h', Date.now()), null)
    assert.equal((await ran(['accounts', 'enable', 'admin', '--store', file])).code, 0)
    assert.deepEqual(
      (await store.accounts()).filter((a) => a.disabledAt === null).map((a) => a.kind),
      ['local'],
    )
    const kim = await ran(['accounts', 'enable', 'kim', '--store', file])
    assert.equal(kim.code, 2)
    assert.match(kim.err, /Several accounts/)
  } finally {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  }
})
