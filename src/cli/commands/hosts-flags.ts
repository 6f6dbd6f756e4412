/** What the words of `hosts` share: their flags, and the fleet where there is one. */
import { openFleet, type Store } from '../../app.ts'
import { ProblemError, problem } from '../../model.ts'
import { type Io, note } from '../io.ts'

export type Flags = Readonly<Record<string, string | boolean | undefined>>

const allWords = [
  'slmctl hosts discover: what DNS and the site file name',
  'slmctl hosts check [HOST…]: whether they answer, and what they say of themselves',
  'slmctl hosts show HOST: one of them in full',
  'slmctl hosts story MACHINE: what happened between a machine and its host',
  'slmctl hosts migrate OLD NEW: the plan of a move',
]

/** What is wrong, and what to type; without that, all that there is. */
export const hostsUsage = (summary: string, ...next: readonly string[]) =>
  new ProblemError(problem('USAGE', summary, next.length > 0 ? next : allWords))

export const text = (flags: Flags, name: string): string | null => (flags[name] as string | undefined) ?? null

/** A number from 1 on; null where the flag is not given. */
export function wholeNumber(flags: Flags, name: string, most: number): number | null {
  if (flags[name] === undefined) return null
  const n = Number(flags[name])
  if (!Number.isInteger(n) || n < 1 || n > most)
    throw hostsUsage(`--${name} ${flags[name]}: expected a number from 1 to ${most}.`, `--${name} ${n > most ? most : 1}`)
  return n
}

/** The store of a fleet: the one that is named, else the usual one where it is there. Nothing is made for this alone. */
export async function fleetIfThere(flags: Flags, io: Io): Promise<Store | null> {
  const given = text(flags, 'store')
  const named = given !== null || (process.env.SLMCTL_STORE ?? '') !== ''
  try {
    return await openFleet(given, false)
  } catch (error) {
    if (named || !(error instanceof ProblemError)) throw error
    const [why] = error.problems
    if (why!.code !== 'STORE_MISSING') note(`without the fleet: ${why!.summary}`, io)
    return null
  }
}
