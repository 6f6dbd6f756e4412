/** Signed plans as `plan` writes them: the key of the signer, one file for each machine. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { App } from '../app.ts'
import { type MachinePlan, type Problem, ProblemError, problem } from '../model.ts'
import { type Passphrase, readSigner, validDays } from '../offline.ts'
import { type Io, note } from './io.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

const usage = (summary: string, ...next: string[]) => new ProblemError(problem('USAGE', summary, next))

/** Where flags say that the passphrase of the signing key is. */
export const passphraseIn = (flags: Flags): Passphrase => ({
  file: (flags['passphrase-file'] as string | undefined) ?? null,
  ask: flags['ask-passphrase'] === true,
})

/** Writes signed plans as plans come. */
export type PlanSigning = {
  /** How many machines are planned for: one goes into the file, several into files of a new folder of that name. */
  readonly begin: (app: App, machines: readonly string[]) => void
  /** Answers why one machine's plan could not be signed or written; the others go on. */
  readonly take: (plan: MachinePlan) => Promise<Problem | null>
  /** Says what is where; after this nothing is taken back. */
  readonly end: (io: Io) => void
  readonly drop: () => void
}

/** The name of a machine as that of a file, on every system; what Windows takes for a device is none. */
export function planFileName(machine: string): string {
  const name = machine
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '_')
    .slice(0, 200)
  return `${/^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/.test(name) ? '_' : ''}${name}.plan`
}

/** Null where no signature is asked for. Reads the key before anything is asked of a machine. */
export async function planSigning(flags: Flags): Promise<PlanSigning | null> {
  if (flags.sign === undefined) {
    if (flags.valid !== undefined) throw usage('--valid is about a signed plan.', 'slmctl plan … --out FILE --sign KEYFILE --valid 14')
    return null
  }
  const out = flags.out as string | undefined
  if (out === undefined) throw usage('A signed plan wants a file: --out FILE.', 'slmctl plan … --out FILE --sign KEYFILE')
  if (flags.from !== undefined)
    throw usage(
      'A plan from a text cannot be signed: a text does not tell by what the machine is recognised.',
      'slmctl status --record FILE --keep-names, then: slmctl plan --from-recording FILE --sign KEYFILE --out PLAN',
    )
  const days = Number(flags.valid ?? validDays.usual)
  if (!Number.isInteger(days) || days < 1 || days > validDays.most)
    throw usage(`--valid ${flags.valid}: expected days, from 1 to ${validDays.most}.`, `slmctl plan … --valid ${validDays.usual}`)
  const key = await readSigner(flags.sign as string, passphraseIn(flags))
  const written: string[] = []
  const sealed: string[] = []
  let folder = false
  let app: App | null = null
  const write = (file: string, text: string) => {
    try {
      writeFileSync(file, text, { flag: 'wx', mode: 0o600 })
      written.push(file)
    } catch (error) {
      throw failed(file, error)
    }
  }
  return {
    begin: (opened, machines) => {
      app = opened
      const hidden = app.namesHidden(machines)
      if (hidden) throw new ProblemError(hidden)
      if (machines.length < 2) return
      try {
        mkdirSync(out, { mode: 0o700 })
        folder = true
      } catch (error) {
        throw failed(out, error)
      }
    },
    take: async (plan) => {
      if (plan.steps.length === 0) return null
      try {
        const { text, sealedTo } = await app!.sign(plan, key, days)
        if (sealedTo) sealed.push(`${plan.name ?? plan.id} ${sealedTo}`)
        write(folder ? join(out, planFileName(plan.name ?? plan.id)) : out, text)
        return null
      } catch (error) {
        if (error instanceof ProblemError && error.problems[0]) return error.problems[0]
        throw error
      }
    },
    end: (io) => {
      if (written.length === 0) {
        if (folder) rmSync(out, { recursive: true })
        io.err('slmctl: nothing was signed.\n')
        return
      }
      const what = folder ? `${written.length} signed plans are in ${out}, one for each machine` : `the signed plan is in ${out}`
      note(`${what}, valid for ${days} days. On the machine: slmctl apply --plan ${basename(written[0]!)}`, io)
      // A recording is not signed by anybody: who changed the key in it on its way would be given the MAK.
      for (const one of sealed)
        note(
          `a secret key is encrypted to the computer ${one}. Before the file leaves: is that what the computer showed when the recording was made?`,
          io,
        )
    },
    drop: () => {
      for (const file of written) rmSync(file, { force: true })
      if (folder) rmSync(out, { recursive: true, force: true })
    },
  }
}

function failed(file: string, error: unknown): ProblemError {
  const { code, message } = error as NodeJS.ErrnoException
  return new ProblemError(
    problem(
      'FILE_NOT_WRITTEN',
      code === 'EEXIST' ? `${file} is there already; a plan does not overwrite anything.` : `${file} could not be written: ${message}.`,
      ['Give another name to --out.'],
    ),
  )
}
