/**
 * A plan that is carried to a machine by file: the plan as bytes, for whom it is, until when, and who says so. Nothing of it is
 * parsed before the signature holds; a signature gives no authority over hosts, the guard decides about every step as ever.
 */
import { createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import { type MachinePlan, ProblemError, problem, type Step, type Wish } from '../model.ts'
import type { Secret } from '../secrets.ts'
import { seal } from './hpke.ts'

/** By what a machine is recognised. Its name alone is what somebody calls it; `uuid` is its board's, `key` its own X25519 key. */
export type Identity = {
  readonly name: string
  /** Win32_ComputerSystemProduct.UUID, lower case; null where the board has none of its own. */
  readonly uuid: string | null
  /** Base64 of the public key whose private part never left the machine; null where the recording was not made on it. */
  readonly key: string | null
}

/** A secret of one step, for the target's key only. `wish` tells which wish of the target's own site file it belongs to. */
export type SealedSecret = {
  readonly step: number
  readonly wish: Pick<Wish, 'product' | 'by' | 'year'>
  readonly enc: string
  readonly ciphertext: string
}

/** What is signed. */
export type Statement = {
  readonly schema: 'slmctl.plan-statement/1'
  /** 128 random bits, hex: a machine carries it out once. */
  readonly serial: string
  readonly made: string
  readonly until: string
  readonly machine: Identity
  readonly plan: MachinePlan
  readonly sealed: readonly SealedSecret[]
}

/** A statement whose signature holds; `signer` is who signed it. */
export type SignedPlan = { readonly signer: string; readonly statement: Statement }

export const validDays = { usual: 14, most: 60 } as const
/** Clocks of isolated machines drift; KMS itself takes four hours. */
const toleranceMs = 4 * 3_600_000
/** A plan of one machine has some kilobytes. */
const limitBytes = 4 * 1024 * 1024
const domain = Buffer.from('slmctl.signed-plan/1\0')
/** For what a secret of a plan is sealed. */
export const sealedFor: Uint8Array = Buffer.from('slmctl.signed-plan/1 secret\0')
const begin = '{"schema":"slmctl.signed-plan/1",'
const layout =
  /^\{"schema":"slmctl\.signed-plan\/1","signer":"([A-Za-z0-9+/]{43}=)","signature":"([A-Za-z0-9+/]{86}==)","statement":"([A-Za-z0-9+/]+={0,2})"\}$/

/** True for a file that means to be a signed plan, whatever it is worth. */
export const looksSigned = (bytes: Uint8Array): boolean => Buffer.from(bytes.subarray(0, 200)).includes('slmctl.signed-plan/')

const rawSigner = (key: KeyObject): Buffer => Buffer.from((key.export({ format: 'jwk' }) as { x: string }).x, 'base64url')

/** The public part of a signing key as the site file has it; null where the key is none for signing. */
export function signerOf(key: KeyObject): string | null {
  return key.asymmetricKeyType === 'ed25519' ? rawSigner(createPublicKey(key)).toString('base64') : null
}

const toSign = (signer: Buffer, statement: Buffer) => Buffer.concat([domain, signer, statement])

/** What a sealed secret is bound to: this plan, this machine, this step. */
export function boundTo(statement: Pick<Statement, 'serial' | 'machine'>, index: number, step: Step): Buffer {
  const { serial, machine } = statement
  return Buffer.from(
    JSON.stringify([
      serial,
      machine.name,
      machine.uuid,
      machine.key,
      index,
      step.class,
      step.method,
      step.secret?.argument ?? null,
      step.product,
    ]),
  )
}
/** In place of the signer's own reference, which says where something is on another computer. */
const carried = (index: number): NonNullable<Step['secret']>['reference'] => ({
  keyring: { service: 'slmctl.signed-plan', account: String(index) },
})

export type ToSign = {
  readonly plan: MachinePlan
  readonly machine: Identity
  readonly wishes: readonly Wish[]
  readonly secret: (reference: NonNullable<Wish['key']>) => Promise<Secret>
  readonly key: KeyObject
  readonly now: Date
  readonly days: number
}

/** Signs a plan for one machine; secrets are read now and sealed to the target. The file as one line without an end. */
export async function signPlan({ plan, machine, wishes, secret, key, now, days }: ToSign): Promise<string> {
  const signer = createPublicKey(key)
  const head = {
    schema: 'slmctl.plan-statement/1',
    serial: randomBytes(16).toString('hex'),
    made: now.toISOString(),
    until: new Date(now.getTime() + days * 86_400_000).toISOString(),
    machine,
  } as const
  const sealed: SealedSecret[] = []
  for (const [index, step] of plan.steps.entries()) {
    if (!step.secret) continue
    const { reference } = step.secret
    const wish = wishes.find((w) => w.by === step.change && JSON.stringify(w.key) === JSON.stringify(reference))
    if (!wish) throw new Error(`no wish refers to the secret of step ${index + 1}`)
    if (machine.key === null)
      throw new ProblemError(
        problem(
          'PLAN_NEEDS_TARGET_KEY',
          `The plan for ${machine.name} has a secret key in it, and there is no key of the machine to encrypt it to.`,
          [
            'Record on the machine itself: slmctl status --record FILE --keep-names. Over WinRM no key can be made for it.',
            'Or leave the MAK to slmctl apply where the machine can be reached.',
          ],
        ),
      )
    const target = Buffer.from(machine.key, 'base64')
    const value = await secret(reference)
    try {
      const { enc, ciphertext } = value.use((bytes) => seal(target, sealedFor, boundTo(head, index, step), bytes))
      const { product, by, year } = wish
      sealed.push({ step: index, wish: { product, by, year }, enc: enc.toString('base64'), ciphertext: ciphertext.toString('base64') })
    } finally {
      value.wipe()
    }
  }
  const steps = plan.steps.map((s, i) => (s.secret ? { ...s, secret: { ...s.secret, reference: carried(i) } } : s))
  const statement = Buffer.from(JSON.stringify({ ...head, plan: { ...plan, steps }, sealed } satisfies Statement))
  const raw = rawSigner(signer)
  const signature = sign(null, toSign(raw, statement), key)
  return `${begin}"signer":"${raw.toString('base64')}","signature":"${signature.toString('base64')}","statement":"${statement.toString('base64')}"}`
}

/**
 * Who a signed plan is from and what it says, if the signature is that of one of the site's signers, it is this time's, and its
 * form holds. `shape` reads the plan by its published schema. Every other file is a ProblemError: PLAN_SIGNATURE, PLAN_EXPIRED.
 */
export function verifySigned(
  bytes: Uint8Array,
  signers: readonly string[],
  now: Date,
  shape: (value: unknown) => MachinePlan | null,
): SignedPlan {
  const refuse = (summary: string, ...next: string[]) => new ProblemError(problem('PLAN_SIGNATURE', summary, next))
  const altered = () =>
    refuse(
      'The signed plan is not as it was signed: it was cut or altered on its way, or it is no signed plan.',
      'Carry the file again, as it is (copied, not opened and saved).',
    )
  if (bytes.length > limitBytes) throw altered()
  const read = layout.exec(Buffer.from(bytes).toString('latin1'))
  if (!read) throw altered()
  const [signer, signature, statement] = read.slice(1).map((part) => Buffer.from(part!, 'base64')) as [Buffer, Buffer, Buffer]
  // Bits of base64 that say nothing are bits that somebody else could set.
  if ([signer, signature, statement].some((part, i) => part.toString('base64') !== read[i + 1])) throw altered()
  const name = signer.toString('base64')
  if (!signers.includes(name))
    throw refuse(
      signers.length === 0
        ? 'The plan is signed, but the site file names nobody who may sign plans.'
        : `The plan is signed with the key ${name.slice(0, 8)}…, which the site file does not name.`,
      'If the signer is one of yours, add the public key to the site file: plans: {signers: […]}',
    )
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: signer.toString('base64url') }, format: 'jwk' })
  if (!verify(null, toSign(signer, statement), key, signature)) throw altered()
  const said = readStatement(statement, shape)
  if (!said)
    throw new ProblemError(
      problem('PLAN_INVALID', 'The signature holds, but what was signed is no plan that this slmctl knows.', [
        'Sign it with the same version of slmctl as the machine has.',
      ]),
    )
  const [made, until] = [Date.parse(said.made), Date.parse(said.until)]
  if (now.getTime() > until || now.getTime() < made - toleranceMs || until - made > validDays.most * 86_400_000)
    throw new ProblemError(
      problem(
        'PLAN_EXPIRED',
        until - made > validDays.most * 86_400_000
          ? `The plan says that it is valid for longer than ${validDays.most} days, which no plan is.`
          : now.getTime() < made - toleranceMs
            ? `The plan was made on ${said.made.slice(0, 16)}Z, which is still to come by the clock of this computer.`
            : `The plan was valid until ${said.until.slice(0, 16)}Z.`,
        now.getTime() < made - toleranceMs
          ? ['Set the clock.']
          : ['Make a new recording and a new plan.', 'Compare the clock of this computer.'],
      ),
    )
  return { signer: name, statement: said }
}

/** Takes over what a statement must have, and nothing else. */
function readStatement(bytes: Buffer, shape: (value: unknown) => MachinePlan | null): Statement | null {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    return null
  }
  const is = (v: unknown, pattern: RegExp): v is string => typeof v === 'string' && pattern.test(v)
  const group = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v)
  if (!group(value) || value.schema !== 'slmctl.plan-statement/1' || !group(value.machine) || !Array.isArray(value.sealed)) return null
  const { serial, made, until, machine, sealed } = value
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
  if (!is(serial, /^[0-9a-f]{32}$/) || !is(made, time) || !is(until, time) || Number.isNaN(Date.parse(made) + Date.parse(until)))
    return null
  const { name, uuid, key } = machine
  if (!is(name, /^.{1,255}$/s) || !(uuid === null || is(uuid, /^[0-9a-f-]{36}$/)) || !(key === null || is(key, /^[A-Za-z0-9+/]{43}=$/)))
    return null
  const plan = shape(value.plan)
  if (!plan || (plan.name ?? plan.id) !== name || plan.fallbacks.some((f) => f.steps.some((s) => s.secret))) return null
  const secrets: SealedSecret[] = []
  for (const one of sealed) {
    if (!group(one) || !group(one.wish)) return null
    const { step, enc, ciphertext, wish } = one
    if (typeof step !== 'number' || !plan.steps[step]?.secret || secrets.some((s) => s.step === step)) return null
    if (!is(enc, /^[A-Za-z0-9+/]{43}=$/) || !is(ciphertext, /^[A-Za-z0-9+/]{1,2000}={0,2}$/)) return null
    const { product, by, year } = wish
    if (typeof product !== 'string' || (by !== 'mak' && by !== 'esu' && by !== 'avma') || !(year === null || typeof year === 'number'))
      return null
    secrets.push({ step, enc, ciphertext, wish: { product, by, year } })
  }
  if (plan.steps.some((s, i) => s.secret && !secrets.some((o) => o.step === i))) return null
  return { schema: 'slmctl.plan-statement/1', serial, made, until, machine: { name, uuid, key }, plan, sealed: secrets }
}
