import { type Judgement, unanswered } from '../../activation.ts'
import type { Named } from '../../app.ts'
import { ProblemError, problem } from '../../model.ts'
import { type Io, json, showProblem, wrap } from '../io.ts'
import { openNew } from '../kept.ts'
import { appFor, machinesMeant, progress } from '../machines.ts'
import { showMachine, showRow, statusHead } from '../views/status.ts'

export async function run(
  words: readonly string[],
  flags: Readonly<Record<string, string | boolean | undefined>>,
  io: Io,
): Promise<number> {
  if (flags['keep-names'] === true && flags.record === undefined)
    throw new ProblemError(problem('USAGE', '--keep-names is about a recording.', ['slmctl status --record FILE --keep-names']))
  const app = await appFor(flags, io, words)
  const names = machinesMeant(app, words, flags, 'status')
  const kept = flags.record === undefined ? null : openNew(flags.record as string, '--record')
  const recording = kept ? app.record(flags['keep-names'] === true) : null
  const whole = names.length === 1 || flags.verbose === true
  const count = { ok: 0, other: 0, failed: 0 }
  const bar = progress(names.length, io)
  if (flags.json) io.out('{"schema":"slmctl.status/1","machines":[')
  else if (!whole) io.out(statusHead(io))
  let first = true
  try {
    for await (const answer of app.status(names)) {
      const bad = !answer.result.ok || answer.result.value.machine.verdict !== 'ok'
      if (!answer.result.ok || unanswered(answer.name, answer.result.value)) count.failed++
      else if (bad) count.other++
      else count.ok++
      bar.end()
      if (flags.json) io.out(`${first ? '' : ','}\n${JSON.stringify(entry(answer))}`)
      else if (whole) {
        if (!first) io.out('\n')
        if (answer.result.ok) showMachine(answer.name, answer.result.value, io)
        else showProblem(answer.result.problem, io)
      } else io.out(showRow(answer, io))
      first = false
      bar.step(bad)
    }
  } catch (error) {
    kept?.drop()
    throw error
  } finally {
    bar.end()
    await app.close()
  }
  if (flags.json) io.out('\n]}\n')
  else if (!whole) io.out(`\n${count.ok} as wished, ${count.other} not, ${count.failed} could not be asked. In full: slmctl status NAME\n`)
  if (kept && recording) {
    let ownKey: string | null = null
    try {
      const told = await recording()
      ownKey = told.ownKey
      kept.write(json(told.recording))
      kept.end()
    } catch (error) {
      kept.drop()
      throw error
    }
    const { file } = kept
    const said =
      flags['keep-names'] === true
        ? `a recording is in ${file}, with the names of machines, hosts and domains, addresses and identifiers; product keys are masked.`
        : `a redacted recording is in ${file}. Read it before you pass it on.`
    io.err(wrap(said, io.columns, 'slmctl: '))
    if (ownKey) io.err(wrap(`the key of this computer is ${ownKey}; whoever plans for it should be told.`, io.columns, 'slmctl: '))
  }
  return count.failed > 0 ? 2 : count.other > 0 ? 1 : 0
}

/** One machine of the JSON answer. */
function entry({ name, result }: Named<Judgement>): unknown {
  return result.ok ? { name, ok: true, ...result.value } : { name, ok: false, problem: result.problem }
}
