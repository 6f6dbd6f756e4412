/** Which machines of a fleet are meant, by flags: the same for every word of `fleet` that takes filters. */
import { ProblemError, problem } from '../../model.ts'

export { dayMs, daysOf as days, filtered, filterOf, numberOf as number } from '../../app.ts'
export { filterFlags } from '../fleet-words.ts'

export type Flags = Readonly<Record<string, string | boolean | undefined>>

export const usage = (summary: string, ...next: string[]) => new ProblemError(problem('USAGE', summary, next))
export const text = (flags: Flags, name: string) => (flags[name] as string | undefined) ?? null
