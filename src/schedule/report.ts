/**
 * What a scheduled run says in the log: one line for the run, one for everything that is not as wished.
 */
import type { Problem } from '../model.ts'

type Loose = { readonly [key: string]: unknown }
const list = (value: unknown): readonly Loose[] => (Array.isArray(value) ? value.map(object) : [])
const object = (value: unknown): Loose => (typeof value === 'object' && value !== null ? (value as Loose) : {})
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

const ends: Readonly<Record<number, string>> = { 0: 'as wished', 1: 'not as wished', 2: 'could not be done' }

/** The lines of one command's run: its answer (`slmctl.status/1`, `slmctl.apply/1`), or the problems that it ended with. */
export function linesOf(run: {
  readonly command: 'status' | 'apply'
  readonly exit: number
  readonly answer: unknown
  readonly problems: readonly Problem[]
}): readonly string[] {
  const answer = object(run.answer)
  const journal = text(answer.journal)
  return [
    `${run.command}: ${ends[run.exit] ?? 'ended'} (exit code ${run.exit})${journal ? `, journal ${journal}` : ''}`,
    ...list(answer.machines).flatMap((m) => ('result' in m ? applied(m) : asked(m))),
    ...[...list(answer.problems), ...run.problems].map((p) => problemLine(p)),
  ]
}

/** A machine of `status`. One that is as wished is named, so that the log shows that it was looked at. */
function asked(m: Loose): readonly string[] {
  if (m.ok !== true) return [`  ${text(m.name)}: could not be asked. ${problemLine(object(m.problem)).trim()}`]
  const machine = object(m.machine)
  const first = `  ${text(m.name)}: ${text(machine.verdict)}. ${text(machine.headline)}`
  return machine.verdict === 'ok'
    ? [first]
    : [first, ...(Array.isArray(machine.next) ? machine.next : []).map((next) => `    next: ${text(next)}`)]
}

/** A machine of `apply`: what was done, each step with its end. */
function applied(m: Loose): readonly string[] {
  return [
    `  ${text(m.name)}: ${text(m.result)}`,
    ...list(m.steps).map((s) => `    ${text(object(s.step).what)}: ${text(s.result)}. ${text(s.because)}`),
    ...(m.problem ? [`  ${problemLine(object(m.problem))}`] : []),
  ]
}

const problemLine = (p: { readonly [key: string]: unknown }) => `  ${text(p.code)}: ${text(p.summary)}`
