/** The keys of carried plans on Windows: where they lie, who may read them, and that they sign and open there. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ownKey } from '../../../src/app/carried.ts'
import { accessList, others } from '../../../src/native.ts'
import { claim, makeSigner, onTarget, readSigner, refuseUsed, signPlan, targetKey, verifySigned } from '../../../src/offline.ts'
import { Secret } from '../../../src/secrets.ts'
import { step } from '../../engine/step.ts'

const folder = mkdtempSync(join(tmpdir(), 'slmctl-offline-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => join(folder, name)
const name = 'pc-1.corp.example'

test('the key of the computer is made once, where nobody else may read it', async () => {
  const key = await ownKey(at('state'))
  assert.equal(await ownKey(at('state')), key)
  for (const path of [at('state/identity'), at('state/identity/target.key')])
    assert.equal(others(await accessList(path), 'read'), null, path)
  await assert.rejects(readSigner(at('state/identity/target.key'), { file: null, ask: false }), /none for signing plans/)
})

test('a plan is signed, verified and opened by Windows’ Node', async () => {
  const publicKey = await makeSigner(at('state/identity/signer.key'), { file: null, ask: false })
  const key = await readSigner(at('state/identity/signer.key'), { file: null, ask: false })
  const reference = { env: 'MAK' }
  const wishes = [{ product: 'windows', by: 'mak', year: null, key: reference, instead: false }] as const
  const text = await signPlan({
    plan: {
      ...{ id: name, name, holds: [], refused: [], missing: [], fallbacks: [], fingerprint: 'abc', changes: ['mak'] },
      steps: [step('InstallProductKey', { change: 'mak', secret: { argument: 'ProductKey', reference }, product: 'new:windows:mak' })],
    },
    machine: { name, uuid: null, key: await ownKey(at('state')) },
    ...{ wishes, key, now: new Date(), days: 1, secret: async () => new Secret(Buffer.from('a secret')) },
  })
  const signed = verifySigned(Buffer.from(text), [publicKey], new Date(), (plan) => plan as never)
  const { secret } = onTarget(signed, wishes, await targetKey(at('state/identity')))
  assert.equal(
    secret(reference)?.use((bytes) => Buffer.from(bytes).toString()),
    'a secret',
  )
  claim(at('state/signed-plans'), signed.statement.serial, Buffer.from(text))
  assert.throws(() => refuseUsed(at('state/signed-plans'), signed.statement.serial), /was begun here before/)
})
