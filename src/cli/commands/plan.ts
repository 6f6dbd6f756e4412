import { gather, plan } from '../../activation.ts'
import { openFleet, type Store, usualSiteFile, wishedOf } from '../../app.ts'
import { type MachinePlan, type Problem, ProblemError, problem } from '../../model.ts'
import { loadSite, readText } from '../files.ts'
import { type Io, note, showProblem } from '../io.ts'
import { openNew } from '../kept.ts'
import { appFor, couldNotAsk, machinesMeant, progress } from '../machines.ts'
import { type PlanSigning, planSigning } from '../signing.ts'
import { showMachinePlan } from '../views/plan.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

export async function run(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  const signing = await planSigning(flags)
  const kept = flags.out === undefined || signing ? null : openNew(flags.out as string, '--out')
  const problems: Problem[] = []
  let machines = 0
  let asWished = true
  let unasked = false
  // Not before something is known: where the command cannot even begin, its Problem is the whole answer.
  const head = '{"schema":"slmctl.plan/1","machines":['
  const emit = (text: string) => {
    if (flags.json) io.out(text)
    kept?.write(text)
  }
  try {
    // Machines are handed on as they come: a plan of a fleet is never in memory as a whole.
    for await (const found of flags.from === undefined ? fromMachines(words, flags, io, signing) : fromText(words, flags, io)) {
      if (found.problem) {
        problems.push(found.problem)
        continue
      }
      const { plan: m } = found
      unasked ||= couldNotAsk(m)
      if (m.steps.length > 0 || m.refused.length > 0 || m.missing.length > 0) asWished = false
      emit(`${machines === 0 ? head : ','}\n${JSON.stringify(m)}`)
      if (!flags.json) {
        if (machines > 0) io.out('\n')
        showMachinePlan(m, io, flags.from === undefined || m.name !== null)
      }
      machines++
    }
    emit(`${machines === 0 ? head : ''}\n],"problems":${JSON.stringify(problems)}}\n`)
    kept?.end()
    signing?.end(io)
  } catch (error) {
    kept?.drop()
    signing?.drop()
    throw error
  }
  for (const p of problems) showProblem(p, io)
  if (kept) io.err(`slmctl: the plan is in ${kept.file}. To carry it out: slmctl apply --plan ${kept.file}\n`)
  if (problems.length > 0 || unasked) return 2
  return asWished ? 0 : 1
}

/** One machine's plan, or why there is none. */
type Found = { readonly plan: MachinePlan; readonly problem: null } | { readonly plan: null; readonly problem: Problem }

async function* fromMachines(words: readonly string[], flags: Flags, io: Io, signing: PlanSigning | null): AsyncGenerator<Found> {
  const app = await appFor(flags, io, words)
  let store: Store | null = null
  try {
    const names = machinesMeant(app, words, flags, 'plan')
    signing?.begin(app, names)
    // Where there is a fleet, its checks tell which hosts answer; a plan can be made without.
    store = await openFleet(null, false).catch(() => null)
    const bar = progress(names.length, io)
    for await (const { result } of app.plans(names, wishedOf(flags), undefined, store)) {
      bar.end()
      const unsigned = result.ok && signing ? await signing.take(result.value) : null
      if (unsigned) yield { plan: null, problem: unsigned }
      yield result.ok ? { plan: result.value, problem: null } : { plan: null, problem: result.problem }
      bar.step(!result.ok)
    }
    bar.end()
  } finally {
    await store?.close()
    await app.close()
  }
}

async function* fromText(words: readonly string[], flags: Flags, io: Io): AsyncGenerator<Found> {
  const from = flags.from as string
  if (words.length > 0)
    throw new ProblemError(
      problem('USAGE', `plan --from reads one text at a time; ${words[0]} is one too many.`, [
        'slmctl plan --from FILE --site slmctl.yaml',
      ]),
    )
  const usual = flags.site === undefined ? await usualSiteFile() : null
  if (usual !== null) note(`site file ${usual}`, io)
  const site = await loadSite((flags.site as string | undefined) ?? usual ?? undefined)
  const read = readText(from)
  if (!read.text) throw new ProblemError(read.problem)
  io.support?.text(read.text)
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
  for (const m of plan(gathered, site, new Date().toISOString()).machines) {
    io.support?.plan(m)
    yield { plan: m, problem: null }
  }
}
