import { type App, type Carried, type MachineOutcome, type Wished, wishedOf } from '../../app.ts'
import { type MachinePlan, type Problem, ProblemError, problem, type Site } from '../../model.ts'
import { looksSigned } from '../../offline.ts'
import { confirmed } from '../confirm.ts'
import { type Io, json, showProblem, wrap } from '../io.ts'
import { appFor, couldNotAsk, machinesMeant, progress } from '../machines.ts'
import { machinePlanOf, readPlan, readPlanFile } from '../plan-file.ts'
import { type Stop, stopOnSignals } from '../stop.ts'
import { colour } from '../views/diagnosis.ts'
import { callOf, showMachinePlan } from '../views/plan.ts'

type Flags = Readonly<Record<string, string | boolean | undefined>>

export async function run(words: readonly string[], flags: Flags, io: Io): Promise<number> {
  const app = await appFor(flags, io)
  return await stoppable(app, io, (stop) =>
    flags.resume === true ? resume(app, words, flags, stop, io) : begin(app, words, wishedOf(flags), flags, stop, io),
  )
}

/** Plans, shows, asks and applies what is wished of these machines; for a command that has its own way to say what. */
export async function carryOut(app: App, names: readonly string[], wishes: Wished, flags: Flags, io: Io): Promise<number> {
  return await stoppable(app, io, (stop) => begin(app, names, wishes, flags, stop, io))
}

async function stoppable(app: App, io: Io, work: (stop: Stop) => Promise<number>): Promise<number> {
  const stop = stopOnSignals(io)
  try {
    return await work(stop)
  } finally {
    stop.forget()
    await app.close()
  }
}

async function begin(app: App, words: readonly string[], wishes: Wished, flags: Flags, stop: Stop, io: Io): Promise<number> {
  const site = app.needSite('apply')
  if (flags['inside-site'] === true) {
    const outside = await outsideOf(app, site, words, flags)
    if (outside !== null) {
      if (flags.json) io.out(json({ schema: 'slmctl.apply/1', journal: null, machines: [], problems: [] }))
      else io.out(wrap(`Nothing was asked or changed: ${outside}.`, io.columns))
      return 0
    }
  }
  const problems: Problem[] = []
  /** What is kept of a machine where nothing is to be done is its name, and why where it is not as wished, however many there are. */
  const toDo: MachinePlan[] = []
  const rest: MachineOutcome[] = []
  let unasked = false
  let asWished = 0
  let undone = false
  let shown = 0
  const take = (p: MachinePlan) => {
    if (p.refused.length > 0 || p.missing.length > 0) undone = true
    else if (p.steps.length === 0) asWished++
    unasked ||= couldNotAsk(p)
    if (p.steps.length > 0) toDo.push(p)
    else rest.push(untouched(p))
    // Of several machines, those about which there is nothing to decide are counted only.
    const plain = p.refused.length === 0 && p.missing.length === 0 && several
    if (flags.json === true || (p.steps.length === 0 && (many || plain)) || shown >= 20) return
    shown++
    showMachinePlan(p, io, true)
    io.out('\n')
  }
  let many = true
  let several = true
  let carried: Carried | null = null
  if (flags.plan !== undefined) {
    if (words.length > 0)
      throw new ProblemError(
        problem('USAGE', '--plan carries out a saved plan; it names its machines itself.', ['slmctl apply --plan FILE']),
      )
    const bytes = readPlanFile(flags.plan as string)
    if (looksSigned(bytes)) {
      carried = await app.openSigned(bytes, machinePlanOf)
      take(carried.plan)
      if (!flags.json)
        io.err(
          wrap(
            `signed by ${carried.signer.slice(0, 8)}… on ${carried.made.slice(0, 10)}, valid until ${carried.until.slice(0, 10)}, serial number ${carried.serial.slice(0, 8)}…`,
            io.columns,
            'slmctl: ',
          ),
        )
    }
    const saved = carried ? { machines: [carried.plan], problems: [] } : readPlan(flags.plan as string, bytes, site.planSigners)
    many = saved.machines.length > 20
    several = saved.machines.length > 1
    if (!carried) saved.machines.forEach(take)
    problems.push(...saved.problems)
  } else {
    const names = machinesMeant(app, words, flags, 'apply')
    many = names.length > 20
    several = names.length > 1
    const bar = progress(names.length, io)
    for await (const { result } of app.plans(names, wishes, stop.signal)) {
      bar.end()
      if (result.ok) take(result.value)
      else problems.push(result.problem)
      bar.step(!result.ok)
    }
    bar.end()
  }
  if (stop.signal.aborted) {
    io.err('slmctl: interrupted; nothing was changed.\n')
    if (flags.json) io.out(json({ schema: 'slmctl.apply/1', journal: null, machines: [], problems }))
    return 2
  }
  const all = toDo.length + rest.length
  if (!flags.json && many) io.out(`(${all} machines in all, ${toDo.length} with something to do; slmctl plan shows every one)\n\n`)
  for (const p of problems) showProblem(p, io)
  if (toDo.length === 0) {
    if (flags.json) io.out(json({ schema: 'slmctl.apply/1', journal: null, machines: rest, problems }))
    else io.out(`Nothing to change: ${asWished} of ${all + problems.length} as wished.\n`)
    return problems.length > 0 || unasked ? 2 : undone ? 1 : 0
  }
  await mayChange(app, toDo)
  await confirm(toDo, flags, stop)
  const { id, outcomes } = app.apply(toDo, { ...wishes, signal: stop.signal, carried })
  return await report({ id, outcomes, total: toDo.length, rest, problems, undone, unasked }, flags, stop, io)
}

async function resume(app: App, words: readonly string[], flags: Flags, stop: Stop, io: Io): Promise<number> {
  const site = app.needSite('apply')
  if (flags['inside-site'] === true) await outsideOf(app, site, [], flags)
  const told = app.unfinished(words[0] ?? null)
  if (!told) {
    if (words[0])
      throw new ProblemError(
        problem('JOURNAL_MISSING', `There is no unfinished journal ${words[0]}.`, ['slmctl apply --resume takes the newest one.']),
      )
    if (flags.json) io.out(json({ schema: 'slmctl.apply/1', journal: null, machines: [], problems: [] }))
    else io.out('Nothing to resume: every journal is finished.\n')
    return 0
  }
  const left = told.plans
  if (!flags.json) {
    io.out(wrap(`Journal ${told.id}: ${told.total} machines, ${told.total - left.length} finished, ${left.length} left.`, io.columns))
    for (const p of left.slice(0, 20)) {
      const at = told.machines.get(p.name ?? p.id)
      if (at?.open)
        io.out(wrap(`${p.name}: "${at.open.step.what}" was sent and its end is not known; the machine is asked first.`, io.columns, '  '))
    }
  }
  const carried = await app.signedOf(told, machinePlanOf)
  await mayChange(app, left)
  if (left.length > 0) await confirm(left, flags, stop)
  const { id, outcomes } = app.apply(left, { renew: told.renew, asked: told.asked, signal: stop.signal, told, carried })
  return await report(
    { id, outcomes, total: left.length, rest: [], problems: [], undone: told.endedBadly > 0, unasked: false },
    flags,
    stop,
    io,
  )
}

/** `rest`: machines on which nothing is to be done. `undone`: something is not as wished that the outcomes do not tell; `unasked`: nor could it be asked. */
type Work = {
  readonly rest: readonly MachineOutcome[]
  readonly unasked: boolean
  readonly id: string
  readonly outcomes: AsyncIterable<MachineOutcome>
  readonly total: number
  readonly problems: readonly Problem[]
  readonly undone: boolean
}

async function report({ id, outcomes, total, rest, problems, undone, unasked }: Work, flags: Flags, stop: Stop, io: Io): Promise<number> {
  const bar = progress(total, io)
  const count: Record<string, number> = {}
  let unwritten = false
  let first = true
  if (flags.json) io.out(`{"schema":"slmctl.apply/1","journal":${JSON.stringify(id)},"machines":[`)
  for (const outcome of flags.json ? rest : []) {
    io.out(`${first ? '' : ','}\n${JSON.stringify(outcome)}`)
    first = false
  }
  for await (const outcome of outcomes) {
    count[outcome.result] = (count[outcome.result] ?? 0) + 1
    unwritten ||= outcome.problem?.code === 'JOURNAL_NOT_WRITTEN'
    bar.end()
    if (flags.json) io.out(`${first ? '' : ','}\n${JSON.stringify(outcome)}`)
    else showOutcome(outcome, io)
    first = false
    bar.step(!good(outcome))
  }
  bar.end()
  if (flags.json) io.out(`\n],"problems":${JSON.stringify(problems)}}\n`)
  else {
    const counted = Object.entries(count).map(([result, n]) => `${n} ${result}`)
    io.out(`\n${counted.join(', ') || 'no machine was reached'}. Journal ${id}.\n`)
  }
  if (stop.signal.aborted) {
    io.err('slmctl: interrupted; what was begun is in the journal.\n  - slmctl apply --resume goes on.\n')
    return 2
  }
  if (problems.length > 0 || unasked || unwritten || ['unknown', 'unreachable', 'interrupted'].some((r) => count[r])) return 2
  return undone || Object.keys(count).some((r) => r !== 'changed' && r !== 'unchanged') ? 1 : 0
}

const good = (o: MachineOutcome) => o.result === 'changed' || o.result === 'unchanged'

/** A machine on which nothing is to be done: it is as wished, or the plan says why not. */
function untouched({ id, name, refused, missing }: MachinePlan): MachineOutcome {
  const called = name ?? id
  const [first, lacks] = [refused[0], missing[0]]
  const why = first
    ? problem(first.code, `${called}: ${first.because}`, first.next)
    : lacks
      ? problem(lacks.fact === 'answer' ? 'COULD_NOT_ASK' : 'FACT_MISSING', `${called}: ${lacks.why}`, [lacks.get])
      : null
  return { name: called, result: why ? 'refused' : 'unchanged', steps: [], problem: why, after: null }
}

function showOutcome(o: MachineOutcome, io: Io): void {
  const paint = good(o) ? 'green' : o.result === 'failed' || o.result === 'unknown' ? 'red' : 'yellow'
  io.out(`${io.paint('bold', o.name)}  ${io.paint(paint, o.result)}\n`)
  for (const s of o.steps) {
    io.out(wrap(`${s.step.what}: ${s.result}`, io.columns, '  ', '    '))
    io.out(wrap(s.because, io.columns, '    ', '    '))
    if (s.result !== 'done') io.out(io.paint('dim', wrap(callOf(s.step), io.columns, '    ', '    ')))
  }
  if (o.problem) {
    const { summary, code } = o.problem
    // What its step said just before is not said again.
    const told = o.steps.some((s) => s.result !== 'done' && s.because !== '' && summary.includes(s.because))
    if (!told) io.out(wrap(`${summary} (${code})`, io.columns, '  ! ', '    '))
    for (const next of o.problem.next) io.out(wrap(next, io.columns, '    → ', '      '))
  }
  if (o.after) io.out(wrap(`${io.paint(colour[o.after.verdict], o.after.verdict)}: ${o.after.headline}`, io.columns, '  now ', '      '))
}

/** Why this computer is left alone, where it stands outside the site; null inside. Other machines are not meant. */
async function outsideOf(app: App, site: Site, words: readonly string[], flags: Flags): Promise<string | null> {
  // A group may hold others beside this computer, and a plan names its machines itself.
  const others = words.length > 0 && app.machines(words).some((name) => name !== app.here)
  if (others || ['all', 'plan', 'resume'].some((flag) => flags[flag] !== undefined))
    throw new ProblemError(problem('USAGE', '--inside-site is about this computer alone.', ['slmctl apply . --inside-site']))
  return await app.outside(site)
}

/** Refuses what this computer would not let its user do, before anything is tried. */
async function mayChange(app: App, plans: readonly MachinePlan[]): Promise<void> {
  const why = await app.notElevated(plans)
  if (why) throw new ProblemError(why)
}

/** Asks before anything is changed. */
async function confirm(plans: readonly MachinePlan[], flags: Flags, stop: Stop): Promise<void> {
  const steps = plans.reduce((n, p) => n + p.steps.length, 0)
  const what = `${steps} ${steps === 1 ? 'step' : 'steps'} on ${plans.length} ${plans.length === 1 ? 'machine' : 'machines'}`
  await confirmed(what, flags, stop.signal)
}
