import { writeFileSync } from 'node:fs'
import { gather, plan } from '../../activation.ts'
import { type Plan, type Problem, ProblemError, problem } from '../../model.ts'
import { loadSite, readText } from '../files.ts'
import { type Io, json, showProblem } from '../io.ts'
import { appFor, machinesMeant, progress, wished } from '../machines.ts'
import { showMachinePlan } from '../views/plan.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

export async function run(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  const answer = flags.from === undefined ? await fromMachines(words, flags, io) : await fromText(words, flags)
  if (flags.out !== undefined) save(flags.out as string, answer, io)
  if (flags.json) io.out(json(answer))
  else
    for (const [i, m] of answer.machines.entries()) {
      if (i > 0) io.out('\n')
      showMachinePlan(m, io, answer.machines.length > 1 || m.name !== null)
    }
  for (const p of answer.problems) showProblem(p, io)
  if (answer.problems.length > 0) return 2
  return answer.machines.every((m) => m.steps.length === 0 && m.refused.length === 0 && m.missing.length === 0) ? 0 : 1
}

async function fromMachines(words: readonly string[], flags: Flags, io: Io): Promise<Plan> {
  const app = await appFor(flags, io)
  try {
    const names = machinesMeant(app, words, flags, 'plan')
    const machines: Plan['machines'][number][] = []
    const problems: Problem[] = []
    const bar = progress(names.length, io)
    for await (const { result } of app.plans(names, wished(flags))) {
      if (result.ok) machines.push(result.value)
      else problems.push(result.problem)
      bar.step(!result.ok)
    }
    bar.end()
    const order = new Map(names.map((n, i) => [n, i]))
    machines.sort((a, b) => (order.get(a.name ?? a.id) ?? 0) - (order.get(b.name ?? b.id) ?? 0))
    return { schema: 'slmctl.plan/1', machines, problems }
  } finally {
    await app.close()
  }
}

async function fromText(words: readonly string[], flags: Flags): Promise<Plan> {
  const from = flags.from as string
  if (words.length > 0)
    throw new ProblemError(
      problem('USAGE', `plan --from reads one text at a time; ${words[0]} is one too many.`, [
        'slmctl plan --from FILE --site slmctl.yaml',
      ]),
    )
  const site = await loadSite(flags.site as string | undefined)
  const read = readText(from)
  if (!read.text) throw new ProblemError(read.problem)
  const gathered = gather([read.text])
  if (!gathered.recognised)
    throw new ProblemError(
      problem(
        'NOTHING_RECOGNISED',
        'Nothing in the text is an output that slmctl knows, so there are no facts to plan from.',
        ['slmctl diagnose says which outputs it reads.'],
        { file: from },
      ),
    )
  return plan(gathered, site, new Date().toISOString())
}

/** Keeps the plan for `apply --plan`; an existing file is not overwritten. */
function save(file: string, answer: Plan, io: Io): void {
  try {
    writeFileSync(file, json(answer), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST'
    throw new ProblemError(
      problem(
        'FILE_NOT_WRITTEN',
        exists
          ? `${file} is there already; a plan does not overwrite a file.`
          : `${file} could not be written: ${(error as Error).message}.`,
        ['Give another name to --out.'],
      ),
    )
  }
  io.err(`slmctl: the plan is in ${file}. To carry it out: slmctl apply --plan ${file}\n`)
}
