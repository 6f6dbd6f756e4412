import { auditor, auditRemarks, unanswered } from '../../activation.ts'
import { proofsOf } from '../../app.ts'
import { type Io, json, showProblem } from '../io.ts'
import { appFor, machinesMeant, progress } from '../machines.ts'
import { showAudit } from '../views/audit.ts'
import { fleetIfThere } from './hosts-flags.ts'

export async function run(
  words: readonly string[],
  flags: Readonly<Record<string, string | boolean | undefined>>,
  io: Io,
): Promise<number> {
  const app = await appFor(flags, io, words)
  const names = machinesMeant(app, words, flags, 'audit')
  const store = await fleetIfThere(flags, io)
  const now = new Date()
  const all = auditor(app.site, store ? await proofsOf(store, now.getTime()) : [], app.recorded ? null : now.toISOString())
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
    await store?.close()
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
