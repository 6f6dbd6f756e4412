import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import type { App, MachineOutcome } from '../../app.ts'
import { type MachinePlan, type Problem, ProblemError, problem } from '../../model.ts'
import { planSchema } from '../../schemas.ts'
import { type Io, json, showProblem, wrap } from '../io.ts'
import { appFor, machinesMeant, progress, wished } from '../machines.ts'
import { colour } from '../views/diagnosis.ts'
import { callOf, showMachinePlan } from '../views/plan.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

export async function run(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  const app = await appFor(flags, io)
  const stop = stopOnSignals(io)
  try {
    return flags.resume === true ? await resume(app, words, flags, stop, io) : await begin(app, words, flags, stop, io)
  } finally {
    stop.forget()
    await app.close()
  }
}

async function begin(app: App, words: readonly string[], flags: Flags, stop: Stop, io: Io): Promise<number> {
  app.needSite('apply')
  const wishes = wished(flags)
  const problems: Problem[] = []
  let plans: MachinePlan[] = []
  if (flags.plan !== undefined) {
    if (words.length > 0)
      throw new ProblemError(
        problem('USAGE', '--plan carries out a saved plan; it names its machines itself.', ['slmctl apply --plan FILE']),
      )
    plans = [...readPlan(flags.plan as string)]
  } else {
    const names = machinesMeant(app, words, flags, 'apply')
    const bar = progress(names.length, io)
    for await (const { result } of app.plans(names, wishes, stop.signal)) {
      if (result.ok) plans.push(result.value)
      else problems.push(result.problem)
      bar.step(!result.ok)
    }
    bar.end()
  }
  const toDo = plans.filter((p) => p.steps.length > 0)
  const quiet = flags.json === true
  if (!quiet) {
    for (const p of plans.length > 20 ? toDo.slice(0, 20) : plans) {
      showMachinePlan(p, io, true)
      io.out('\n')
    }
    if (plans.length > 20) io.out(`(${plans.length} machines in all, ${toDo.length} with something to do; slmctl plan shows every one)\n\n`)
  }
  for (const p of problems) showProblem(p, io)
  if (toDo.length === 0) {
    const asWished = plans.filter((p) => p.refused.length === 0 && p.missing.length === 0).length
    if (quiet) io.out(json({ schema: 'slmctl.apply/1', journal: null, machines: plans.map(unchanged), problems }))
    else io.out(`Nothing to change: ${asWished} of ${plans.length + problems.length} as wished.\n`)
    return problems.length > 0 ? 2 : asWished === plans.length ? 0 : 1
  }
  await confirm(toDo, flags, io)
  const { id, outcomes } = app.apply(toDo, { ...wishes, signal: stop.signal })
  return await report(
    id,
    outcomes,
    toDo.length,
    problems,
    plans.some((p) => p.refused.length > 0),
    flags,
    stop,
    io,
  )
}

async function resume(app: App, words: readonly string[], flags: Flags, stop: Stop, io: Io): Promise<number> {
  const open = app.unfinished()
  const told = words[0] ? open.find((t) => t.id === words[0]) : open[0]
  if (!told) {
    if (words[0])
      throw new ProblemError(
        problem('JOURNAL_MISSING', `There is no unfinished journal ${words[0]}.`, ['slmctl apply --resume takes the newest one.']),
      )
    io.out('Nothing to resume: every journal is finished.\n')
    return 0
  }
  app.needSite('apply')
  const left = told.plans.filter((p) => {
    const m = told.machines.get(p.name ?? p.id)
    return !m || m.ended === null || m.ended === 'interrupted' || m.ended === 'unknown' || m.ended === 'unreachable'
  })
  if (!flags.json) {
    io.out(
      wrap(
        `Journal ${told.id}: ${told.plans.length} machines, ${told.plans.length - left.length} finished, ${left.length} left.`,
        io.columns,
      ),
    )
    for (const p of left.slice(0, 20)) {
      const at = told.machines.get(p.name ?? p.id)
      if (at?.open)
        io.out(wrap(`${p.name}: "${at.open.step.what}" was sent and its end is not known; the machine is asked first.`, io.columns, '  '))
    }
  }
  if (left.length > 0) await confirm(left, flags, io)
  const { id, outcomes } = app.apply(left, { renew: told.renew, asked: told.asked, signal: stop.signal, told })
  return await report(id, outcomes, left.length, [], false, flags, stop, io)
}

async function report(
  id: string,
  outcomes: AsyncIterable<MachineOutcome>,
  total: number,
  problems: readonly Problem[],
  refusals: boolean,
  flags: Flags,
  stop: Stop,
  io: Io,
): Promise<number> {
  const bar = progress(total, io)
  const all: MachineOutcome[] = []
  const count: Record<string, number> = {}
  for await (const outcome of outcomes) {
    count[outcome.result] = (count[outcome.result] ?? 0) + 1
    bar.end()
    if (flags.json) all.push(outcome)
    else showOutcome(outcome, io)
    bar.step(!good(outcome))
  }
  bar.end()
  if (flags.json) io.out(json({ schema: 'slmctl.apply/1', journal: id, machines: all, problems }))
  else {
    const counted = Object.entries(count).map(([result, n]) => `${n} ${result}`)
    io.out(`\n${counted.join(', ') || 'no machine was reached'}. Journal ${id}.\n`)
  }
  if (stop.signal.aborted) {
    io.err('slmctl: interrupted; what was begun is in the journal.\n  - slmctl apply --resume goes on.\n')
    return 2
  }
  if (problems.length > 0 || ['unknown', 'unreachable'].some((r) => count[r])) return 2
  return refusals || Object.keys(count).some((r) => r !== 'changed' && r !== 'unchanged') ? 1 : 0
}

const good = (o: MachineOutcome) => o.result === 'changed' || o.result === 'unchanged'
const unchanged = (p: MachinePlan): MachineOutcome => ({ name: p.name ?? p.id, result: 'unchanged', steps: [], problem: null, after: null })

function showOutcome(o: MachineOutcome, io: Io): void {
  const paint = good(o) ? 'green' : o.result === 'failed' || o.result === 'unknown' ? 'red' : 'yellow'
  io.out(`${io.paint('bold', o.name)}  ${io.paint(paint, o.result)}\n`)
  for (const s of o.steps) {
    io.out(wrap(`${s.step.what}: ${s.result}`, io.columns, '  ', '    '))
    io.out(wrap(s.because, io.columns, '    ', '    '))
    if (s.result !== 'done') io.out(io.paint('dim', wrap(callOf(s.step), io.columns, '    ', '    ')))
  }
  if (o.problem) {
    io.out(wrap(o.problem.summary, io.columns, '  ! ', '    '))
    for (const next of o.problem.next) io.out(wrap(next, io.columns, '    → ', '      '))
  }
  if (o.after) io.out(wrap(`${io.paint(colour[o.after.verdict], o.after.verdict)}: ${o.after.headline}`, io.columns, '  now ', '      '))
}

/** Asks on a terminal; without one, `--yes` is needed. Nothing has been changed until here. */
async function confirm(plans: readonly MachinePlan[], flags: Flags, io: Io): Promise<void> {
  if (flags.yes === true) return
  const steps = plans.reduce((n, p) => n + p.steps.length, 0)
  const what = `${steps} ${steps === 1 ? 'step' : 'steps'} on ${plans.length} ${plans.length === 1 ? 'machine' : 'machines'}`
  if (!process.stdin.isTTY || flags.json)
    throw new ProblemError(
      problem('NEEDS_YES', `This would do ${what}; without a terminal to ask on, that needs --yes.`, [
        'Look at it first: slmctl plan',
        'slmctl apply … --yes',
      ]),
    )
  const ask = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await ask.question(`Do ${what}? [y/N] `)
    if (!/^y(?:es)?$/i.test(answer.trim())) throw new ProblemError(problem('NOT_CONFIRMED', 'Nothing was changed.', ['Answer y to go on.']))
  } finally {
    ask.close()
  }
  void io
}

/** A saved plan, held to its published schema: whatever it says, the guard decides about every step. */
function readPlan(file: string): readonly MachinePlan[] {
  const invalid = (why: string) =>
    new ProblemError(problem('PLAN_INVALID', `${file} is no plan of slmctl: ${why}`, ['slmctl plan --out FILE makes one.'], { file }))
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw invalid(`${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message}.`)
  }
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    throw invalid('it is not JSON.')
  }
  const parsed = planSchema.safeParse(content)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    throw invalid(`${issue.path.join('.') || 'the file'}: ${issue.message}.`)
  }
  return parsed.data.machines as readonly MachinePlan[]
}

type Stop = { readonly signal: AbortSignal; readonly forget: () => void }

/** ^C: what is under way on a machine ends, nothing new begins; a second ^C ends at once (the journal still tells). */
function stopOnSignals(io: Io): Stop {
  const abort = new AbortController()
  const onSignal = () => {
    if (abort.signal.aborted) process.exit(130)
    io.err('\nslmctl: stopping after the steps that are under way; once more stops at once.\n')
    abort.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: abort.signal,
    forget: () => {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
