import { type Answer, type Answers, type LiveQuestion, liveFacts, type MachineFacts, nextQuestions } from '../activation.ts'
import { type Problem, ProblemError, problem, type Wish } from '../model.ts'
import type { Machine } from '../windows.ts'

/** What a machine said, when, and the facts that follow. `asked` is kept so that a part can be asked again. */
export type Collected = {
  readonly facts: MachineFacts
  readonly answers: Answers
  readonly asked: readonly LiveQuestion[]
  /** ISO 8601, our clock. */
  readonly askedAt: string
}

/** A machine's result: a value, or why there is none. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem }

/** After these nothing more can be asked of the machine; any other problem is the problem of its question. */
const ends =
  /^(?:WINRM_(?:UNREACHABLE|NO_ROUTE|TIMEOUT|NAME_UNKNOWN|LOGON_FAILED|CERTIFICATE|PIN_MISMATCH|GARBAGE|CUT|SLOW|QUOTA|SEAL|NOT_OFFERED|CREDENTIAL_NEEDS_HTTPS|NAME_NEEDED)|LOCAL_(?:WMI_UNAVAILABLE|SLOW|MODULE)|NOT_WINDOWS|NATIVE_|KERBEROS_|SECRET_|REACH_|CREDENTIAL_|CERTIFICATE_FILE)/

/** True for a problem after which nothing more can be asked of the machine now. */
export const isAway = (why: Problem): boolean => ends.test(why.code)

/** Asks a machine everything that the facts, what is wished of it, and what is carried by file need, round by round. Throws a ProblemError where the machine cannot be asked at all. */
export async function collect(machine: Machine, clock: () => Date, wishes: readonly Wish[] = [], carried = false): Promise<Collected> {
  const askedAt = clock().toISOString()
  const answers = new Map<string, Answer>()
  const asked: LiveQuestion[] = []
  for (;;) {
    const round = nextQuestions(answers, { wishes, carried })
    if (round.length === 0) break
    for (const question of round) {
      answers.set(question.id, await answer(machine, question, asked.length === 0))
      asked.push(question)
    }
  }
  return { facts: liveFacts({ name: machine.name, answers, askedAt }), answers, asked, askedAt }
}

const licensing = /^(?:SoftwareLicensing|OfficeSoftwareProtection)/

/** Asks again what a change can have changed: the licensing classes and the registry. What the system is, is taken over. */
export async function collectLicensing(machine: Machine, before: Collected, clock: () => Date): Promise<Collected> {
  const askedAt = clock().toISOString()
  const answers = new Map(before.answers)
  for (const question of before.asked)
    if ('registry' in question || licensing.test(question.class)) answers.set(question.id, await answer(machine, question, false))
  return { ...before, facts: liveFacts({ name: machine.name, answers, askedAt: before.askedAt }), answers, askedAt }
}

async function answer(machine: Machine, question: LiveQuestion, first: boolean): Promise<Answer> {
  try {
    if ('registry' in question)
      return {
        ok: true,
        values: await machine.registry({ key: question.registry, ...(question.values ? { values: question.values } : {}) }),
      }
    return {
      ok: true,
      rows: await machine.ask({
        class: question.class,
        columns: question.columns,
        ...(question.namespace ? { namespace: question.namespace } : {}),
        ...(question.where ? { where: question.where } : {}),
      }),
    }
  } catch (error) {
    const why = problemOf(error)
    if (first || isAway(why)) throw new ProblemError(why)
    return { ok: false, problem: why }
  }
}

/** The Problem of whatever was thrown; a mistake of ours is one, too, so that it never stops the fleet. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError && error.problems[0]) return error.problems[0]
  return problem('INTERNAL', `slmctl made a mistake: ${error instanceof Error ? error.message : String(error)}`, [
    'Please report it, with the command and its output.',
  ])
}
