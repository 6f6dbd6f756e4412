import { auditor, auditRemarks, unanswered } from '../../activation.ts'
import { type Io, json, showProblem } from '../io.ts'
import { appFor, machinesMeant, progress } from '../machines.ts'
import { showAudit } from '../views/audit.ts'

export async function run(
  words: readonly string[],
  flags: Readonly<Record<string, string | boolean | undefined>>,
  io: Io,
): Promise<number> {
  const app = await appFor(flags, io, words)
  const names = machinesMeant(app, words, flags, 'audit')
  const all = auditor(app.site)
  const bar = progress(names.length, io)
  try {
    for await (const { name, result } of app.status(names)) {
      const why = result.ok ? unanswered(name, result.value) : result.problem
      if (why) all.missed(why)
      else if (result.ok) all.add(name, result.value)
      bar.step(!result.ok)
    }
  } finally {
    bar.end()
    await app.close()
  }
  const audit = all.audit()
  if (flags.json) io.out(json(audit))
  else {
    showAudit(audit, app.site !== null, io)
    for (const p of audit.problems) showProblem(p, io)
  }
  return audit.problems.length > 0 ? 2 : auditRemarks(audit) ? 1 : 0
}
