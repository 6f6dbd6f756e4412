/** Plans that are carried by file: signed for a machine here, recognised and opened there. */
import { join } from 'node:path'
import { boardQuestion, boardUuid } from '../activation.ts'
import type { Environment } from '../engine.ts'
import { type MachinePlan, ProblemError, problem, type Wish } from '../model.ts'
import { NativeError, secureFolder } from '../native.ts'
import {
  begun,
  claim,
  ensureTargetKey,
  type Identity,
  onTarget,
  otherMachine,
  publicPart,
  refuseUsed,
  type SignedPlan,
  type SigningKey,
  signPlan,
  targetKey,
  verifySigned,
} from '../offline.ts'
import { readSecret, type Secret, type SecretReference } from '../secrets.ts'
import type { Machine } from '../windows.ts'

/** A signed plan whose signature, time and machine were found right, in the words of the site file here. */
export type Carried = {
  readonly signer: string
  readonly serial: string
  readonly made: string
  readonly until: string
  readonly plan: MachinePlan
  /** How the engine reaches the machine, and the secrets of the plan. */
  readonly environment: Pick<Environment, 'open' | 'secret' | 'partialKey'>
  /** Marks it as begun, and answers how to take that back; throws PLAN_USED where it was begun before. */
  readonly claim: () => () => void
}

export type CarriedContext = {
  readonly environment: Environment
  readonly signers: readonly string[]
  /** The state folder of whoever runs slmctl. */
  readonly folder: string
  readonly isHere: (name: string) => boolean
}

const keyFolder = (folder: string) => join(folder, 'identity')
const usedFolder = (folder: string) => join(folder, 'signed-plans')

/** The public key of this computer, made at the first use; its private part stays in the state folder. */
export async function ownKey(folder: string): Promise<string> {
  const key = await ensureTargetKey(keyFolder(folder), async (path) => {
    // Windows has access lists in place of the mode of a file.
    if (process.platform !== 'win32') return
    try {
      await secureFolder(path, 'owner-only')
    } catch (error) {
      if (error instanceof ProblemError || !(error instanceof NativeError)) throw error
      throw new ProblemError(
        problem('TARGET_KEY', `The key of this computer has no safe place: ${error.message}`, ['SLMCTL_STATE names another folder.']),
      )
    }
  })
  return publicPart(key)
}

/** By what a machine is recognised. `key` is given where a recording tells it. */
export async function identityOf(machine: Machine, name: string, key: string | null): Promise<Identity> {
  const { class: of, columns } = boardQuestion
  const rows = await machine.ask({ class: of, columns })
  return { name, uuid: boardUuid(rows?.[0]?.UUID), key }
}

/** Signs what is planned for a machine. */
export async function signFor(
  plan: MachinePlan,
  machine: Identity,
  wishes: readonly Wish[],
  by: { readonly key: SigningKey; readonly days: number; readonly now: Date },
): Promise<string> {
  return await signPlan({ plan, machine, wishes, secret: readSecret, ...by })
}

/** Reads a signed plan that was brought here, and recognises the machine that it is for. `again`: it was begun here before. */
export async function openCarried(
  bytes: Uint8Array,
  { environment, signers, folder, isHere }: CarriedContext,
  shape: (value: unknown) => MachinePlan | null,
  again = false,
): Promise<Carried> {
  const signed: SignedPlan = verifySigned(bytes, signers, environment.clock(), shape)
  const { serial, made, until, machine: meant } = signed.statement
  if (!again) refuseUsed(usedFolder(folder), serial)
  const key = isHere(meant.name) || meant.key !== null ? await targetKey(keyFolder(folder)) : null
  const open = async (name: string): Promise<Machine> => {
    const machine = await environment.open(name)
    try {
      // A key that a plan names is this computer's, whichever way it is reached; a machine over the wire has none to show.
      const is = await identityOf(machine, name, key && publicPart(key))
      const why = otherMachine(meant, is)
      if (why === null) return machine
      throw new ProblemError(
        problem('PLAN_OTHER_MACHINE', why, [
          'Carry the file to the machine that it was made for; nothing was changed here.',
          ...(meant.key === null ? [] : ['It has to be applied by the user who made the recording, whose key it is.']),
        ]),
      )
    } catch (error) {
      await machine.close().catch(() => {})
      throw error
    }
  }
  await (await open(meant.name)).close()
  const { plan, secret } = onTarget(signed, environment.wishes(meant.name), key)
  return {
    signer: signed.signer,
    serial,
    made,
    until,
    plan,
    environment: {
      open,
      secret: async (reference: SecretReference): Promise<Secret> => secret(reference) ?? (await environment.secret(reference)),
      partialKey: async (reference) => {
        const opened = secret(reference)
        if (!opened) return await environment.partialKey(reference)
        const five = opened.use((b) => Buffer.from(b.subarray(-5)).toString('latin1').toUpperCase())
        opened.wipe()
        return /^[A-Z0-9]{5}$/.test(five) ? five : null
      },
    },
    claim: () => claim(usedFolder(folder), serial, bytes),
  }
}

/** A signed plan that was begun here, for `apply --resume`. */
export async function reopenCarried(
  serial: string,
  context: CarriedContext,
  shape: (value: unknown) => MachinePlan | null,
): Promise<Carried> {
  const bytes = begun(usedFolder(context.folder), serial)
  if (bytes) return { ...(await openCarried(bytes, context, shape, true)), claim: () => () => {} }
  throw new ProblemError(
    problem('PLAN_NOT_SIGNED', `The signed plan ${serial.slice(0, 8)}… that the journal is about is not in the state folder any more.`, [
      'Make a new recording and a new plan.',
    ]),
  )
}
