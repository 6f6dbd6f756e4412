import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { boardUuid } from '../../src/activation.ts'
import type { MachinePlan, Wish } from '../../src/model.ts'
import { type Identity, looksSigned, onTarget, otherMachine, publicPart, signerOf, signPlan, verifySigned } from '../../src/offline.ts'
import { machinePlanSchema } from '../../src/schemas.ts'
import { Secret } from '../../src/secrets.ts'
import { step } from '../engine/step.ts'

const signer = generateKeyPairSync('ed25519').privateKey
const target = generateKeyPairSync('x25519').privateKey
const name = 'pc-1.corp.example'
const machine: Identity = { name, uuid: '4c4c4544-0031-3610-8058-b7c04f4e3732', key: publicPart(target) }
const wish: Wish = { product: 'windows', by: 'mak', year: null, key: { file: '/home/licences/mak' }, instead: false }
const secretKey = ['BCDFG', 'HJKMP', 'QRTVW', 'XY234', '6789B'].join('-')
const plan: MachinePlan = {
  ...{ id: name, name, holds: [], refused: [], missing: [], fallbacks: [], fingerprint: 'abc', changes: ['mak', 'activation'] },
  steps: [
    step('InstallProductKey', { change: 'mak', secret: { argument: 'ProductKey', reference: wish.key! }, product: 'new:windows:mak' }),
    step('Activate', { change: 'activation', product: 'new:windows:mak' }),
  ],
}
const now = new Date('2026-11-26T04:00:00Z')
const signIt = (more: Partial<Parameters<typeof signPlan>[0]> = {}) =>
  signPlan({
    ...{ plan, machine, wishes: [wish], key: signer, now, days: 14 },
    secret: async () => new Secret(Buffer.from(secretKey)),
    ...more,
  })
const shape = (value: unknown) => {
  const parsed = machinePlanSchema.safeParse(value)
  return parsed.success ? (parsed.data as MachinePlan) : null
}
const open = (text: string | Uint8Array, at = now, signers = [signerOf(signer)!]) =>
  verifySigned(typeof text === 'string' ? Buffer.from(text) : text, signers, at, shape)
const code = (work: () => unknown): string => {
  try {
    work()
    return 'none'
  } catch (error) {
    return (error as { problems?: { code: string }[] }).problems?.[0]?.code ?? String(error)
  }
}
/** A file whose signature holds over whatever statement. */
const forged = (statement: unknown, key: KeyObject = signer) => {
  const bytes = Buffer.from(typeof statement === 'string' ? statement : JSON.stringify(statement))
  const raw = Buffer.from(signerOf(key)!, 'base64')
  const signature = sign(null, Buffer.concat([Buffer.from('slmctl.signed-plan/1\0'), raw, bytes]), key)
  return `{"schema":"slmctl.signed-plan/1","signer":"${raw.toString('base64')}","signature":"${signature.toString('base64')}","statement":"${bytes.toString('base64')}"}`
}
const statementOf = (text: string) => JSON.parse(Buffer.from(JSON.parse(text).statement, 'base64').toString()) as Record<string, unknown>

test('what was signed is what is read; the secret opens on the target, in the words of its own site file', async () => {
  const text = await signIt()
  assert.ok(looksSigned(Buffer.from(text)))
  const { statement } = open(text)
  assert.deepEqual(statement.machine, machine)
  const own: Wish = { ...wish, key: { file: 'C:\\nowhere\\mak' } }
  const there = onTarget(open(text), [own], target)
  assert.deepEqual(there.plan, {
    ...plan,
    steps: [{ ...plan.steps[0]!, secret: { argument: 'ProductKey', reference: own.key } }, plan.steps[1]],
  })
  there.secret(own.key!)!.use((bytes) => assert.equal(Buffer.from(bytes).toString(), secretKey))
  assert.equal(there.secret({ env: 'OTHER' }), null)
  assert.equal(
    code(() => onTarget(open(text), [], target)),
    'PLAN_STALE',
  )
  const stranger = onTarget(open(text), [own], generateKeyPairSync('x25519').privateKey)
  assert.equal(
    code(() => stranger.secret(own.key!)),
    'PLAN_SECRET',
  )
  assert.equal(
    code(() => onTarget(open(text), [own], null).secret(own.key!)),
    'PLAN_SECRET',
  )
})

test('every byte that is altered, and every cut, is refused', async () => {
  const bytes = Buffer.from(await signIt())
  for (let at = 0; at < bytes.length; at++) {
    const other = Buffer.from(bytes)
    other[at]! ^= 1
    assert.equal(
      code(() => open(other)),
      'PLAN_SIGNATURE',
      `byte ${at}`,
    )
  }
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), fc.nat({ max: bytes.length - 1 }), (at, mask, end) => {
      const other = Buffer.from(bytes)
      other[at]! ^= mask
      assert.equal(
        code(() => open(other)),
        'PLAN_SIGNATURE',
      )
      assert.equal(
        code(() => open(bytes.subarray(0, end))),
        'PLAN_SIGNATURE',
      )
      assert.equal(
        code(() => open(Buffer.concat([bytes.subarray(0, end), Buffer.from([mask]), bytes.subarray(end)]))),
        'PLAN_SIGNATURE',
      )
    }),
    { numRuns: 300 },
  )
  assert.equal(
    code(() => open(Buffer.alloc(5 * 1024 * 1024, 0x20))),
    'PLAN_SIGNATURE',
  )
})

test('not for ever, not before it was made, and no longer than sixty days whatever it says', async () => {
  const text = await signIt({ days: 1 })
  const later = (hours: number) => new Date(now.getTime() + hours * 3_600_000)
  assert.equal(
    code(() => open(text, later(23.9))),
    'none',
  )
  assert.equal(
    code(() => open(text, later(24.1))),
    'PLAN_EXPIRED',
  )
  // Clocks drift; a clock that is a day behind is set first.
  assert.equal(
    code(() => open(text, later(-3.9))),
    'none',
  )
  assert.equal(
    code(() => open(text, later(-4.1))),
    'PLAN_EXPIRED',
  )
  const long = { ...statementOf(text), until: later(24 * 400).toISOString() }
  assert.equal(
    code(() => open(forged(long))),
    'PLAN_EXPIRED',
  )
})

test('somebody else’s signature, a signature of another kind, and a signed text that is no plan are refused', async () => {
  const text = await signIt()
  const stranger = generateKeyPairSync('ed25519').privateKey
  assert.equal(
    code(() => open(forged(statementOf(text), stranger))),
    'PLAN_SIGNATURE',
  )
  assert.equal(
    code(() => open(text, now, [])),
    'PLAN_SIGNATURE',
  )
  // The same bytes signed for another purpose: without the domain in front.
  const { signer: who, statement } = JSON.parse(text) as { signer: string; statement: string }
  const bare = sign(null, Buffer.from(statement, 'base64'), signer).toString('base64')
  assert.equal(
    code(() => open(text.replace(/"signature":"[^"]*"/, `"signature":"${bare}"`))),
    'PLAN_SIGNATURE',
  )
  assert.equal(who, signerOf(signer))
  assert.equal(
    code(() => open(forged(statementOf(text)))),
    'none',
  )
  for (const wrong of [
    'no json',
    [],
    { ...statementOf(text), serial: '../../etc/passwd' },
    { ...statementOf(text), plan: { ...plan, name: 'pc-2.corp.example', steps: [] }, sealed: [] },
    { ...statementOf(text), plan: [plan, plan] },
    { ...statementOf(text), sealed: [] },
    { ...statementOf(text), sealed: [...(statementOf(text).sealed as object[]), ...(statementOf(text).sealed as object[])] },
    { ...statementOf(text), machine: { ...machine, name: '' } },
    { ...statementOf(text), machine: null },
    { ...statementOf(text), made: 'yesterday' },
  ])
    assert.equal(
      code(() => open(forged(wrong))),
      'PLAN_INVALID',
      JSON.stringify(wrong).slice(0, 200),
    )
  const polluted = JSON.stringify(statementOf(text)).replace('{', '{"__proto__":{"polluted":true},')
  assert.equal(
    code(() => open(forged(polluted))),
    'none',
  )
  assert.equal(({} as { polluted?: true }).polluted, undefined)
})

test('a key of the wrong kind neither signs nor is encrypted to', async () => {
  assert.equal(signerOf(target), null)
  // The bytes of a signing key in the place of a target's: it is a point of no such curve, or nobody's.
  const raw = signerOf(signer)!
  const text = await signIt({ machine: { ...machine, key: raw } })
  const own: Wish = { ...wish, key: { env: 'X' } }
  for (const key of [target, signer])
    assert.equal(
      code(() => onTarget(open(text), [own], key).secret(own.key!)),
      'PLAN_SECRET',
    )
  await assert.rejects(signIt({ machine: { ...machine, key: null } }), { message: /no key of the machine to encrypt it to/ })
  assert.equal(createPublicKey(target).asymmetricKeyType, 'x25519')
})

test('a sealed secret is bound to its plan, machine and step', async () => {
  const [a, b] = [await signIt(), await signIt()]
  const own: Wish = { ...wish, key: { env: 'X' } }
  const taken = (more: object) => onTarget(open(forged({ ...statementOf(a), ...more })), [own], target).secret(own.key!)
  assert.notEqual(taken({}), null)
  assert.equal(
    code(() => taken({ sealed: statementOf(b).sealed })),
    'PLAN_SECRET',
  )
  assert.equal(
    code(() => taken({ serial: statementOf(b).serial })),
    'PLAN_SECRET',
  )
  assert.equal(
    code(() => taken({ machine: { ...machine, uuid: null } })),
    'PLAN_SECRET',
  )
  const moved = statementOf(a).plan as MachinePlan
  const sealed = (statementOf(a).sealed as object[]).map((s) => ({ ...s, step: 1 }))
  assert.equal(
    code(() => taken({ plan: { ...moved, steps: [moved.steps[1], moved.steps[0]] }, sealed })),
    'PLAN_SECRET',
  )
})

test('a machine is recognised by name, board and key', () => {
  assert.equal(otherMachine(machine, machine), null)
  assert.equal(otherMachine({ ...machine, name: 'PC-1.corp.example.' }, machine), null)
  assert.match(otherMachine(machine, { ...machine, name: 'pc-2.corp.example' })!, /is for pc-1/)
  assert.match(otherMachine(machine, { ...machine, uuid: null })!, /UUID/)
  assert.match(otherMachine(machine, { ...machine, key: null })!, /which has none/)
  assert.match(otherMachine(machine, { ...machine, key: publicPart(generateKeyPairSync('x25519').privateKey) })!, /another key/)
  // A plan that was made without a key or a board of its own is recognised by what it has.
  assert.equal(otherMachine({ ...machine, uuid: null, key: null }, machine), null)
  assert.equal(boardUuid('4C4C4544-0031-3610-8058-B7C04F4E3732'), machine.uuid)
  for (const none of [
    'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
    '00000000-0000-0000-0000-000000000000',
    '03000200-0400-0500-0006-000700080009',
    'x',
    null,
  ])
    assert.equal(boardUuid(none), null)
})
