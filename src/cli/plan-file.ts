/** Plans that were kept in a file: read by their published schema, before anything of them is believed. */
import { canonicalHost } from '../addresses.ts'
import { clientKeys } from '../catalogue.ts'
import { readWhole } from '../files.ts'
import { type MachinePlan, maskKeys, type Plan, ProblemError, problem } from '../model.ts'
import { machinePlanSchema, planSchema } from '../schemas.ts'

/** More than a plan of a fleet has. */
const limitBytes = 512 * 1024 * 1024

/** The bytes of a plan file, whatever kind it is. */
export function readPlanFile(file: string): Uint8Array {
  try {
    return readWhole(file, limitBytes)
  } catch (error) {
    throw new ProblemError(
      problem(
        'PLAN_INVALID',
        (error as NodeJS.ErrnoException).code === 'ENOENT'
          ? 'There is no such file.'
          : `It is no plan of slmctl: ${(error as Error).message}.`,
        ['slmctl plan --out FILE makes one.'],
        { file },
      ),
    )
  }
}

/** One machine's plan by its published schema, without a key of anybody in it. */
export const machinePlanOf = (value: unknown): MachinePlan | null => {
  const parsed = machinePlanSchema.safeParse(value)
  return parsed.success && !holdsKey(parsed.data as MachinePlan) ? (parsed.data as MachinePlan) : null
}

/** A plan refers to the keys of the organisation; one that holds a key would bring it into the journal. */
function holdsKey(m: MachinePlan): boolean {
  return [...m.steps, ...m.fallbacks.flatMap((f) => f.steps)].some(({ arguments: given }) =>
    Object.values(given).some(
      (value) => typeof value === 'string' && maskKeys(value) !== value && !clientKeys.some((row) => row.key === value),
    ),
  )
}

/** A saved plan, held to its published schema: whatever it says, the guard decides about every step. */
export function readPlan(file: string, bytes: Uint8Array, signers: readonly string[]): Plan {
  if (signers.length > 0)
    throw new ProblemError(
      problem(
        'PLAN_NOT_SIGNED',
        'It is not signed, and the site file names who signs plans (plans: signers).',
        ['slmctl plan … --out FILE --sign KEYFILE', 'Or plan and apply at once, without a file: slmctl apply MACHINE'],
        { file },
      ),
    )
  const invalid = (why: string) =>
    new ProblemError(problem('PLAN_INVALID', `It is no plan of slmctl: ${why}`, ['slmctl plan --out FILE makes one.'], { file }))
  let content: unknown
  try {
    content = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    throw invalid('it is not JSON.')
  }
  const parsed = planSchema.safeParse(content)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    throw invalid(`${issue.path.join('.') || 'the file'}: ${issue.message}.`)
  }
  const plan = parsed.data as Plan
  const names = new Set<string>()
  for (const m of plan.machines) {
    const name = canonicalHost(m.name ?? m.id)
    if (names.has(name)) throw invalid(`${name} is in it twice.`)
    names.add(name)
  }
  if (plan.machines.some(holdsKey)) throw invalid('it holds a product key that Microsoft does not publish.')
  return plan
}
